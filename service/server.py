"""A Prefect server of one's own, or the one that is there, for as long as a block lasts."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from service.api import healthy
from service.child import STOP_SECONDS, Child
from service.errors import Unready
from service.places import KEEP_DAYS, LOOPBACK, PREFECT, QUIET, free_port, prefect_environment

START_SECONDS = 90.0
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - to be told from one address


def start_server(
    var: Path, port: int, host: str = LOOPBACK, *, keep_days: int = KEEP_DAYS
) -> Child:
    """Start a Prefect server; its database stays under `var/prefect`, for later ones to show."""
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
    """Where a server of this machine is asked; one that listens everywhere, by loopback."""
    return f"http://{LOOPBACK if host in EVERYWHERE else host}:{port}/api"


@contextmanager
def prefect_server(var: Path, *, port: int = 0) -> Iterator[str]:
    """Run a Prefect server on loopback while the block lasts; gives the URL of its API."""
    port = port or free_port()
    child = start_server(var, port)
    try:
        _wait(lambda: healthy(api_of(port)), child)
        yield api_of(port)
    finally:
        child.stop()


@contextmanager
def prefect_api(var: Path) -> Iterator[str]:
    """The API that a single command's runs are shown by: the one given, the service's, or an own.

    The one given is PREFECT_API_URL; the service's is that of a running `tenggat up`.
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
    """The API of the `tenggat up` that serves this folder, if one answers."""
    try:
        api = str(json.loads((var / "service.json").read_text(encoding="utf-8"))["api"])
    except (OSError, ValueError, KeyError):
        return None
    return api if healthy(api) else None


def _hand_over() -> None:
    """Wait until the API has the logs and events of this process, which are sent in its back."""
    from prefect.events.worker import EventsWorker  # noqa: PLC0415 - takes seconds to load
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
