"""A worker: next to the server of the service, or on a separate machine."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from flows.permitted import ELSEWHERE, SITES
from service.environment import AT_ONCE, POOL, prefect_environment
from service.errors import ServiceError
from service.lock import exclusive_lock, marked
from service.login import CLIENT
from service.logs import saying
from service.machine import refuse_root
from service.prefect_api import Contact, ask, contact
from service.prefect_server import environment_variables
from service.process import Child
from service.restarts import SupervisedProcess
from service.signals import until_stopped
from settings.site import Site

WORKER_PROGRAM = (
    sys.executable,
    "-c",
    "import sys; from service.worker_process import main; main(sys.argv[1:])",
)
"""No module is the main one: each forked process of a run would load that again, with warnings."""

BEAT_SECONDS = 20
"""Interval in seconds between the heartbeats of a worker."""

LOOK_SECONDS = 2.0
"""Interval in seconds at which a worker on a separate machine checks the server."""


def kept_worker(
    var: Path,
    api: str,
    name: str,
    log: str,
    say: Callable[[str], None],
    *,
    sites: Sequence[Site],
    limit: int | None = None,
    asked: Callable[[], bool] = lambda: True,
) -> SupervisedProcess:
    """Return a supervised worker for our pool, which works for these sites.

    Its runs continue if it ends. Its log is in `var/logs`; `limit` is the number of simultaneous
    runs. While `asked` returns false, the server is not asked about the worker's heartbeat.
    """
    return SupervisedProcess(
        "worker",
        partial(_start, var, api, name, log, limit, sites),
        say,
        answers=lambda: not asked() or _beats(api, name),
        every=BEAT_SECONDS,
        spares=True,
    )


def _start(
    var: Path, api: str, name: str, log: str, limit: int | None, sites: Sequence[Site]
) -> Child:
    environment = {
        **prefect_environment(var, api),
        "PREFECT_WORKER_HEARTBEAT_SECONDS": str(BEAT_SECONDS),
        SITES: json.dumps([str(site.folder) for site in sites]),
    }
    command = [*WORKER_PROGRAM, name, str(limit or AT_ONCE)]
    return Child("prefect worker", command, environment, var / "logs" / log)


def _beats(api: str, name: str) -> bool:
    """Check whether the server has this worker as online.

    Also true if the server does not answer, because the state of the worker is unknown then.
    """
    try:
        workers = ask(f"{api}/work_pools/{POOL}/workers/filter", {"limit": 50}, patience=0)
    except ServiceError:
        return True
    return any(one["name"] == name and one["status"] == "ONLINE" for one in workers)


def default_worker_name() -> str:
    """Return the name of a separate worker on this machine.

    It always differs from the name of the service's own worker.
    """
    return f"worker on {socket.gethostname()}"


def work(
    sites: Sequence[Site],
    *,
    api: str,
    name: str,
    say: Callable[[str], None],
    limit: int | None = None,
    as_root: bool = False,
) -> None:
    """Run a worker for a server elsewhere, with `limit` simultaneous runs, until SIGINT or SIGTERM.

    It executes runs of these sites only; its own files are with the first one. Prefect's own worker
    does not start without the server, and ends some minutes after losing it. This function waits
    for the server as long as necessary, and then starts the worker again. Raises
    :class:`service.errors.ServiceError` if a worker of this name already runs here.
    """
    refuse_root(as_root=as_root)
    var = sites[0].var
    file = name.replace("/", "_").replace(" ", "-")
    with until_stopped(say), ExitStack() as stack:
        stack.enter_context(exclusive_lock(var, file, what=f"'{name}'"))
        stack.enter_context(marked(f"{var} {name}"))
        stack.enter_context(environment_variables({ELSEWHERE: "1"}))
        heard = saying(say, var / "logs" / f"{file}.log")
        worker = kept_worker(var, api, name, f"prefect-{file}.log", heard, sites=sites, limit=limit)
        stack.callback(worker.stop)
        _tend(worker, api, heard)


def _tend(worker: SupervisedProcess, api: str, say: Callable[[str], None]) -> None:
    """Watch over a worker without end; it is not started while the server is unreachable."""
    found: Contact | None = None
    look_at = 0.0
    while True:
        if time.monotonic() >= look_at:
            before, found = found, contact(api)
            look_at = time.monotonic() + LOOK_SECONDS
            if found is not before:
                say(server_line(found, api))
        if found is Contact.WELL or worker.child is not None:
            worker.tend()
        time.sleep(0.2)


def server_line(found: Contact, api: str) -> str:
    """Return the line about the server of a worker, with the remedy if there is one."""
    if found is Contact.WELL:
        return f"working for the server at {api}"
    if found is Contact.LOGIN_REFUSED:
        return f"the server at {api} refuses the login; correct {CLIENT}"
    if found is Contact.NAME_REFUSED:
        return (
            f"the server does not know its own address {api}; name its host in TENGGAT_HOSTS there"
        )
    if found is Contact.NO_API:
        form = "" if api.endswith("/api") else "; the address must end with /api"
        return f"the answer at {api} is not from Prefect's API{form}; correct PREFECT_API_URL"
    return f"waiting for the server at {api}"
