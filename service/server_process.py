"""The process of Prefect's server: `python -m service.server_process HOST PORT NAME...`.

With the variable `TENGGAT_SERVER_SOCKET` it is one of several: it answers at the shared socket with
this number too, and leaves Prefect's loops to another process.

With the variable `TENGGAT_PARENT` it ends when the process with this id, its parent, has ended.
It starts Prefect's application as `prefect server start` does, behind our gateway. `NAME` are the
host names under which browsers and workers address the server.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache, partial
from types import FrameType

import uvicorn
from docket import Docket, Worker
from fastapi import FastAPI
from prefect._internal.schemas import validators
from prefect.server.api import background_workers, server
from prefect.server.api.server import create_app
from prefect.settings import get_current_settings
from prefect.types._datetime import get_timezones
from uvicorn.config import STARTUP_FAILURE

from service.environment import CHECK, PARENT, SOCKET, interval
from service.gateway import Gateway
from service.login import WATCH
from service.server_database import lock_at_begin, wait_outside_sqlite
from service.server_requests import compute_csrf_tokens, skip_other_routers
from service.signals import end_with_parent

TICK_SECONDS = 1.0
EACH_SECOND = 0
"""The number of a tick at which uvicorn does what it does each second."""


def main(arguments: Sequence[str]) -> None:
    """Serve until SIGTERM or SIGINT."""
    host, port, *names = arguments
    if parent := os.environ.get(PARENT):
        end_with_parent(int(parent))
    settings = get_current_settings().server
    check_tasks_every(timedelta(seconds=interval(CHECK)))
    wait_outside_sqlite()
    lock_at_begin()
    list_time_zones_once()
    assert settings.api.auth_string is not None, "the service always sets a login"
    login = settings.api.auth_string.get_secret_value()
    compute_csrf_tokens(login)
    shared = os.environ.get(SOCKET)
    api = create_app(final=True, webserver_only=shared is not None)
    use_in_actions(api)
    skip_other_routers(api)
    application = Gateway(
        api,
        names,
        login=login,
        watch_login=os.environ.get(WATCH, ""),
    )
    config = uvicorn.Config(
        application,
        host=host,
        port=int(port),
        loop="uvloop",
        http="httptools",
        timeout_keep_alive=settings.api.keepalive_timeout,
        ws_ping_interval=settings.api.websocket_ping_interval,
        ws_ping_timeout=settings.api.websocket_ping_timeout,
        log_level=settings.logging_level.lower(),
        server_header=False,
        proxy_headers=False,
    )
    server = QuietServer(config)
    with suppress(KeyboardInterrupt):
        server.run(_sockets(host, int(port), shared))
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def _sockets(host: str, port: int, shared: str | None) -> list[socket.socket] | None:
    """Return the listening sockets of one of several processes; None if it is the only one."""
    if shared is None:
        return None
    return [socket.create_server((host, port)), socket.socket(fileno=int(shared))]


class QuietServer(uvicorn.Server):
    """A server that wakes up only once a second, for the date in its answers, and when it must end.

    uvicorn's own server wakes up ten times a second: a sixth of what an idle server costs.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._wake_up: Callable[[], object] = bool  # nothing to do before the main loop

    async def main_loop(self) -> None:
        """Wait until the server must end."""
        signalled, loop = asyncio.Event(), asyncio.get_running_loop()
        self._wake_up = partial(loop.call_soon_threadsafe, signalled.set)
        while not await self.on_tick(EACH_SECOND):
            with suppress(TimeoutError):
                await asyncio.wait_for(signalled.wait(), TICK_SECONDS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End the server at once, not only at the next second."""
        super().handle_exit(sig, frame)
        self._wake_up()


def use_in_actions(api: FastAPI) -> None:
    """Let actions of automations call the application that is being served.

    For each action Prefect looks for it by a hash of all settings and sets up its logs again: this
    takes a quarter of a second in the event loop.
    """
    vars(server)["create_app"] = lambda: api


def list_time_zones_once() -> None:
    """Let the server read the machine's list of time zones once, not for each schedule it loads.

    The list is a walk through hundreds of files.
    """
    vars(validators)["get_timezones"] = lru_cache(get_timezones)


class PatientWorker(Worker):
    """A worker of docket that does not listen for cancelled tasks: Prefect cancels none.

    The listener would wake up ten times a second.
    """

    async def _cancellation_listener(self) -> None:
        if (session := self._processing_session) is not None:
            session.cancellation_ready.set()
            await session.stopping.wait()


def check_tasks_every(interval: timedelta) -> None:
    """Let the server check its background tasks at this interval.

    Its loops for tasks (docket) check four to ten times a second, more than half of what an idle
    server costs. Prefect has no setting for it, so the arguments are set where it makes the
    objects.
    """
    vars(background_workers)["Worker"] = partial(
        PatientWorker, minimum_check_interval=interval, scheduling_resolution=interval
    )
    vars(server)["Docket"] = partial(Docket, heartbeat_interval=max(interval, timedelta(seconds=2)))


if __name__ == "__main__":
    main(sys.argv[1:])
