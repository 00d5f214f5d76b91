"""A worker: beside the server that the service keeps, or on a machine of its own."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from service.api import ask, healthy
from service.child import Child
from service.errors import ServiceError
from service.guarding import alone, marked
from service.keeping import Kept
from service.logs import saying
from service.places import POOL, PREFECT, prefect_environment
from service.stopping import until_stopped

BEAT_SECONDS = 10
"""How often a worker says that it lives."""

LOOK_SECONDS = 2.0
"""How often a worker on a machine of its own looks whether the server is there."""


def kept_worker(
    var: Path,
    api: str,
    name: str,
    log: str,
    say: Callable[[str], None],
    *,
    limit: int | None = None,
    asked: Callable[[], bool] = lambda: True,
) -> Kept:
    """Prefect's worker for our pool, to be tended; what it has started goes on without it.

    Its log lies in `var/logs`, `limit` is runs at once. While `asked` is false the server is not
    asked whether it has heard of it.
    """
    return Kept(
        "worker",
        partial(_start, var, api, name, log, limit),
        say,
        answers=lambda: not asked() or _beats(api, name),
        every=BEAT_SECONDS,
        spares=True,
    )


def _start(var: Path, api: str, name: str, log: str, limit: int | None) -> Child:
    most = [] if limit is None else ["--limit", str(limit)]
    return Child(
        "prefect worker",
        [*PREFECT, "worker", "start", "--pool", POOL, "--name", name, *most],
        {**prefect_environment(var, api), "PREFECT_WORKER_HEARTBEAT_SECONDS": str(BEAT_SECONDS)},
        var / "logs" / log,
    )


def _beats(api: str, name: str) -> bool:
    """Whether the server has heard of this worker; true as well while nobody can tell."""
    try:
        workers = ask(f"{api}/work_pools/{POOL}/workers/filter", {"limit": 50}, patience=0)
    except ServiceError:
        return True
    return any(one["name"] == name and one["status"] == "ONLINE" for one in workers)


def own_name() -> str:
    """What the worker of this machine is called; never as the one that a service keeps."""
    return f"worker on {socket.gethostname()}"


def work(
    var: Path, *, api: str, name: str, say: Callable[[str], None], limit: int | None = None
) -> None:
    """Work on the runs of a server elsewhere, `limit` at once, until SIGINT or SIGTERM.

    Prefect's own worker does not start while the server is away, and ends itself some minutes
    after it went. This waits for the server however long it takes, and starts the worker again.
    Raises :class:`service.errors.ServiceError` where a worker of this name already works here.
    """
    file = name.replace("/", "_").replace(" ", "-")
    with until_stopped(say), ExitStack() as stack:
        stack.enter_context(alone(var, file, what=f"'{name}'"))
        stack.enter_context(marked(f"{var} {name}"))
        heard = saying(say, var / "logs" / f"{file}.log")
        worker = kept_worker(var, api, name, f"prefect-{file}.log", heard, limit=limit)
        stack.callback(worker.stop)
        _tend(worker, api, heard)


def _tend(worker: Kept, api: str, say: Callable[[str], None]) -> None:
    """Look after a worker for ever; while the server is away it is not started."""
    there: bool | None = None
    look_at = 0.0
    while True:
        if time.monotonic() >= look_at:
            before, there = there, healthy(api)
            look_at = time.monotonic() + LOOK_SECONDS
            if there != before:
                say(f"{'working for' if there else 'waiting for'} the server at {api}")
        if there or worker.child is not None:
            worker.tend()
        time.sleep(0.2)
