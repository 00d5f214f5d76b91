"""The process of Prefect's server: `python -m service.server_process HOST PORT NAME...`.

With the variable `TENGGAT_PARENT` it ends when the process with this id, its parent, has ended.
It starts Prefect's application as `prefect server start` does, behind our gateway. `NAME` are the
host names under which browsers and workers address the server.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import uvicorn
from prefect.server.api.server import create_app
from prefect.settings import get_current_settings

from service.environment import PARENT
from service.gateway import Gateway
from service.login import WATCH
from service.signals import end_with_parent


def main(arguments: Sequence[str]) -> None:
    """Serve until SIGTERM or SIGINT."""
    host, port, *names = arguments
    if parent := os.environ.get(PARENT):
        end_with_parent(int(parent))
    settings = get_current_settings().server
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


if __name__ == "__main__":
    main(sys.argv[1:])
