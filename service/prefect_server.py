"""A Prefect server for the duration of a block: one's own, or an existing one."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from service.environment import KEEP_DAYS, LOOPBACK, PREFECT, QUIET, free_port, prefect_environment
from service.errors import Unready
from service.prefect_api import healthy
from service.process import STOP_SECONDS, Child

START_SECONDS = 90.0
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - only compared with


def start_server(
    var: Path, port: int, host: str = LOOPBACK, *, keep_days: int = KEEP_DAYS
) -> Child:
    """Start a Prefect server; its database remains in `var/prefect` for later servers."""
    api = api_of(port, host)
    environment = {
        **prefect_environment(var, keep_days=keep_days),
        "PREFECT_API_URL": api,
        "PREFECT_UI_API_URL": "/api" if host != LOOPBACK else api,
        "PREFECT_SERVER_UI_API_URL": "/api" if host != LOOPBACK else api,
    }
    command = [*PREFECT, "server", "start", "--host", host, "--port", str(port)]
    return Child("prefect server", command, environment, var / "logs" / "prefect-server.log")


def api_of(port: int, host: str = LOOPBACK) -> str:
    """Return the URL of the API of a server on this machine.

    For a server that listens at all addresses this is the loopback address.
    """
    return f"http://{LOOPBACK if host in EVERYWHERE else host}:{port}/api"


@contextmanager
def prefect_server(var: Path, *, port: int = 0) -> Iterator[str]:
    """Run a Prefect server on loopback for the duration of the block; yields the URL of its API."""
    port = port or free_port()
    child = start_server(var, port)
    try:
        _wait(lambda: healthy(api_of(port)), child)
        yield api_of(port)
    finally:
        child.stop()


@contextmanager
def prefect_api(var: Path) -> Iterator[str]:
    """Set up the API for the runs of a single command, and yield its URL.

    It is the API in PREFECT_API_URL, otherwise the one of a running `tenggat up`, otherwise a new
    server.
    """
    given = os.environ.get("PREFECT_API_URL") or running_service(var)
    with ExitStack() as stack:
        api = given or stack.enter_context(prefect_server(var))
        environment = prefect_environment(var, api) | QUIET
        before = {name: os.environ.get(name) for name in environment}
        os.environ.update(environment)
        try:
            yield api
        finally:
            _hand_over()
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def running_service(var: Path) -> str | None:
    """Return the API URL of the `tenggat up` that serves this folder, if it answers."""
    try:
        api = str(json.loads((var / "service.json").read_text(encoding="utf-8"))["api"])
    except (OSError, ValueError, KeyError):
        return None
    return api if healthy(api) else None


def _hand_over() -> None:
    """Wait until the API has received the logs and events of this process.

    A background thread sends them.
    """
    from prefect.events.worker import EventsWorker  # noqa: PLC0415 - loading takes seconds
    from prefect.logging.handlers import APILogWorker  # noqa: PLC0415

    for worker in (APILogWorker, EventsWorker):
        worker.drain_all(timeout=STOP_SECONDS)


def _wait(ready: Callable[[], bool], child: Child) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        child.check()
        if time.monotonic() > deadline:
            raise Unready(
                f"{child.name} did not answer within {START_SECONDS:.0f} s; see {child.log}"
            )
        time.sleep(0.1)
