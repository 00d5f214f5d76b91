"""The process of Prefect's server: `python -m service.server_process HOST PORT NAME...`.

With the variable `TENGGAT_PARENT` it ends when the process with this id, its parent, has ended.
It starts Prefect's application as `prefect server start` does, behind our gateway. `NAME` are the
host names under which browsers and workers address the server.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import uvicorn
from docket import Docket, Worker
from prefect.server.api import background_workers, server
from prefect.server.api.server import create_app
from prefect.settings import get_current_settings

from service.environment import CHECK, PARENT, interval
from service.gateway import Gateway
from service.login import WATCH
from service.server_database import wait_outside_sqlite
from service.signals import end_with_parent


def main(arguments: Sequence[str]) -> None:
    """Serve until SIGTERM or SIGINT."""
    host, port, *names = arguments
    if parent := os.environ.get(PARENT):
        end_with_parent(int(parent))
    settings = get_current_settings().server
    check_tasks_every(timedelta(seconds=interval(CHECK)))
    wait_outside_sqlite()
    assert settings.api.auth_string is not None, "the service always sets a login"
    uvicorn.run(
        Gateway(
            create_app(final=True),
            names,
            login=settings.api.auth_string.get_secret_value(),
            watch_login=os.environ.get(WATCH, ""),
        ),
        host=host,
        port=int(port),
        timeout_keep_alive=settings.api.keepalive_timeout,
        ws_ping_interval=settings.api.websocket_ping_interval,
        ws_ping_timeout=settings.api.websocket_ping_timeout,
        log_level=settings.logging_level.lower(),
        server_header=False,
        proxy_headers=False,
    )


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
