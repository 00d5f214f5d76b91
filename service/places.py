"""Where the service works and by which settings: its folder, its ports, Prefect's environment."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from db.folders import make_private

REPOSITORY = Path(__file__).parent.parent
PREFECT = (sys.executable, "-m", "prefect")
POOL = "tenggat"
WORKER = "tenggat"
"""The name of the worker that the service itself keeps."""

TAG = "tenggat"
"""What our deployments and their runs are marked with."""

NOT_NOW = 75
"""Exit code of a program to which the server did not answer."""

LOOPBACK = "127.0.0.1"
MARK = "TENGGAT_SERVICE"
"""Every process of a service bears the folder of its working files in its environment, and one of
a worker elsewhere its name besides."""

QUERY_SECONDS = 2
"""How often a worker asks for runs, unless the environment says otherwise: Prefect's own 10 s
would make every request wait."""

HEARTBEAT_SECONDS = 30
"""How often a run says that it lives; Prefect takes no less."""

SLOT_SECONDS = 10
"""After how long a run that waits for another one asks again whether it may begin."""

QUIET = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}
"""A command says itself what it does; what its flows log is read in the UI."""


KEEP_DAYS = 30
"""How long Prefect's server keeps events, and a good deal longer runs, unless told otherwise."""

AFTER_US = 3
"""Days after which the server removes runs that our own maintenance has left."""


def prefect_environment(
    var: Path, api: str | None = None, *, keep_days: int = KEEP_DAYS
) -> dict[str, str]:
    """The environment in which Prefect works for a site: its own folder, no calls to outside.

    Who holds a concurrency slot is kept in files: in memory, Prefect's own choice, a server that
    was killed forgets it, and the slot of a run that died meanwhile would never be free again.

    Runs older than `keep_days` are removed by the flow maintenance, which counts them; the server
    itself removes events, logs without a run, and, should maintenance not run, the runs as well.
    """
    home = var / "prefect"
    make_private(home)
    environment = {
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_UI_V2_ENABLED": "false",  # it asks amplitude.com even without analytics
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": (
            "prefect.server.concurrency.lease_storage.filesystem"
        ),
        "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": str(SLOT_SECONDS),
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": f"P{keep_days}D",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(86_400 * (keep_days + AFTER_US)),
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_SECONDS),
        "PREFECT_LOGGING_LEVEL": "INFO",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        "PREFECT_CLI_PROMPT": "false",
        "PREFECT_WORKER_QUERY_SECONDS": os.environ.get(
            "PREFECT_WORKER_QUERY_SECONDS", str(QUERY_SECONDS)
        ),
        "DO_NOT_TRACK": "1",
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")]).rstrip(
            os.pathsep
        ),
    }
    if api is not None:
        environment["PREFECT_API_URL"] = api
    return environment


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
