"""A Prefect server for the duration of a block: one's own, or an existing one."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from service.environment import (
    KEEP_DAYS,
    LOOPBACK,
    PARENT,
    QUIET,
    SOCKET,
    free_port,
    prefect_environment,
)
from service.errors import Unready
from service.login import CLIENT, SERVER, known_login, make_login
from service.machine import check_disk
from service.prefect_api import healthy
from service.process import STOP_SECONDS, Child
from service.signals import ended_in_order

SERVER_PROGRAM = (sys.executable, "-m", "service.server_process")
START_SECONDS = 90.0
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - only compared with


@dataclass(frozen=True)
class ServerPart:
    """What makes a server one of several processes that answer under one address."""

    public: str
    """URL of the API at the address that they share."""
    shared: int | None
    """Their listening socket, for a process that answers requests and runs no loops of Prefect."""
    environment: Mapping[str, str]
    log: str


def start_server(
    var: Path,
    port: int,
    host: str = LOOPBACK,
    *,
    keep_days: int = KEEP_DAYS,
    names: Iterable[str] = (),
    with_us: bool = False,
    part: ServerPart | None = None,
) -> Child:
    """Start a Prefect server; its database remains in `var/prefect` for later servers.

    It requires the login of `var`, which is made if there is none. `names` are further host names
    under which it answers. `with_us` ends it when this process has ended, even by SIGKILL. `part`
    makes it one of several processes.
    """
    api = part.public if part else api_of(port, host)
    login = make_login(var)
    environment = {
        **prefect_environment(var, keep_days=keep_days),
        SERVER: login,
        CLIENT: login,
        "PREFECT_API_URL": api,
        "PREFECT_UI_API_URL": "/api",
        "PREFECT_SERVER_UI_API_URL": "/api",
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": api.removesuffix("/api"),
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
    }
    if with_us:
        environment[PARENT] = str(os.getpid())
    command = [*SERVER_PROGRAM, host, str(port), *sorted({*answered_names(host), *names})]
    log = var / "logs" / f"{part.log if part else 'prefect-server'}.log"
    if part is None:
        return Child("prefect server", command, environment, log)
    environment |= part.environment
    if part.shared is None:
        return Child("prefect server", command, environment, log)
    environment[SOCKET] = str(part.shared)
    return Child("prefect server", command, environment, log, inherits=[part.shared])


def answered_names(host: str) -> Iterator[str]:
    """Yield the host names under which a server at this address answers.

    `TENGGAT_HOSTS` has further ones, separated by commas.
    """
    yield host
    yield socket.gethostname()
    for name in os.environ.get("TENGGAT_HOSTS", "").split(","):
        if name.strip():
            yield name.strip()


def api_of(port: int, host: str = LOOPBACK) -> str:
    """Return the URL of the API of a server on this machine.

    For a server that listens at all addresses this is the loopback address.
    """
    return f"http://{LOOPBACK if host in EVERYWHERE else host}:{port}/api"


@contextmanager
def prefect_server(var: Path, *, port: int = 0) -> Iterator[str]:
    """Run a Prefect server on loopback for the duration of the block; yields the URL of its API."""
    check_disk(var)
    port = port or free_port()
    child = start_server(var, port, with_us=True)
    try:
        with environment_variables({CLIENT: make_login(var)}):
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
    with ended_in_order(), ExitStack() as stack:
        home, api = var, os.environ.get("PREFECT_API_URL")
        if api is None and (running := running_service(var)):
            home, api = running
        api = api or stack.enter_context(prefect_server(var))
        login = known_login(home)
        environment = prefect_environment(var, api) | QUIET | ({CLIENT: login} if login else {})
        with environment_variables(environment):
            try:
                yield api
            finally:
                _hand_over()


@contextmanager
def environment_variables(values: Mapping[str, str]) -> Iterator[None]:
    """Set these environment variables for the duration of the block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def last_service(var: Path) -> tuple[Path, str] | None:
    """Return folder and API URL of the `tenggat up` that serves these working files.

    It may have ended without removing this information. None if there is no information.
    """
    try:
        state = json.loads((var / "service.json").read_text(encoding="utf-8"))
        return Path(state["var"]), str(state["api"])
    except (OSError, ValueError, KeyError):
        return None


def running_service(var: Path) -> tuple[Path, str] | None:
    """Return folder and API URL of the `tenggat up` for these working files, if it answers."""
    found = last_service(var)
    if found is None:
        return None
    login = known_login(found[0])
    with environment_variables({CLIENT: login} if login else {}):
        return found if healthy(found[1]) else None


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
