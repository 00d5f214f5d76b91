"""Settings of the service: its folders, its ports, and the environment for Prefect."""

from __future__ import annotations

import os
import secrets
import socket
from contextlib import suppress
from pathlib import Path

from db.private_dirs import make_private
from service.login import CLIENT, known_login
from settings.proxies import without_proxy

REPOSITORY = Path(__file__).parent.parent
POOL = "tenggat"
WORKER = "tenggat"
"""Name of the worker of the service itself."""

AT_ONCE = 8
"""Number of runs that a worker executes at the same time, for all its sites together."""

TAG = "tenggat"
"""Tag of our deployments and their runs."""

NOT_NOW = 75
"""Exit code of a program if the server did not answer it."""

LOOPBACK = "127.0.0.1"

SERVER_PORTS = range(20_000, 32_000)
"""Ports that no operating system gives to the connections of clients. Another port could be taken
by one before the server listens, or while it is started again."""

MARK = "TENGGAT_SERVICE"
"""Environment variable with the process tag. For processes of a service its value is the folder of
the working files; for a separate worker it also contains the name of the worker."""

PARENT = "TENGGAT_PARENT"
"""Environment variable with the id of the process that a server must not outlive."""

SOCKET = "TENGGAT_SERVER_SOCKET"
"""Environment variable with the number of an open socket that several server processes share."""

AUTOMATIONS = "TENGGAT_AUTOMATION_SECONDS"
"""Environment variable with the interval at which the server looks for missing events."""

CHECK = "TENGGAT_SERVER_CHECK_SECONDS"
"""Environment variable with the interval at which the server looks for its background tasks."""

HEALTH = "TENGGAT_HEALTH_SECONDS"
"""Environment variable with the interval at which the service asks whether its server answers."""

STALE = "TENGGAT_STALE_SECONDS"
"""Environment variable with the interval at which the service looks for crashed and missed runs."""

INTERVALS = {
    "PREFECT_WORKER_QUERY_SECONDS": 15,
    "PREFECT_WORKER_PREFETCH_SECONDS": 30,
    "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": 600,
    "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": 30,
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": 60,
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS": 600,
    "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS": 60,
    "PREFECT_SERVER_SERVICES_FOREMAN_LOOP_SECONDS": 30,
    "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": 30,
    AUTOMATIONS: 30,
    CHECK: 5,
    HEALTH: 10,
    STALE: 30,
}
"""Intervals in seconds of Prefect's loops; the environment may set others.

Prefect's own are made for runs that begin within seconds. The schedules of a site are minutes, and
the loops of an idle server would cost more than the work. A worker knows each scheduled run before
its time (prefetch), so only a run that a person starts waits for the next query."""


def interval(name: str) -> float:
    """Return one of the `INTERVALS` in seconds, as the environment or this module sets it."""
    return float(os.environ.get(name, INTERVALS[name]))


HEARTBEAT_SECONDS = 30
"""Interval in seconds between the heartbeats of a run; Prefect's minimum."""

SLOT_SECONDS = 10
"""Interval in seconds at which a run that waits for another one tries to start."""

QUIET = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}
"""Environment of a single command. It prints its own progress; the logs of its flows are in the
UI."""


KEEP_DAYS = 30
"""Default number of days for which Prefect's server keeps events. Runs are kept `AFTER_US` days
longer."""

AFTER_US = 3
"""Additional days after which the server itself removes runs that our maintenance flow left."""


def prefect_environment(
    var: Path, api: str | None = None, *, keep_days: int = KEEP_DAYS
) -> dict[str, str]:
    """Return Prefect's environment for a site: its own folder, and no requests to the internet.

    The owners of concurrency slots are stored in files. With Prefect's default, in memory, a killed
    server would forget them. The slot of a run that died in that time would then never be released.

    The login for the API is in it as soon as there is one. If this machine has a proxy, no request
    to the API uses it.

    The maintenance flow removes runs older than `keep_days`, and counts them. The server itself
    removes events and logs without a run. If maintenance does not run, it also removes the runs.
    """
    home = var / "prefect"
    make_private(home)
    environment = {
        "PREFECT_HOME": str(home),
        "SQLITE_TMPDIR": str(home),  # a full /tmp stops no database
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_UI_V2_ENABLED": "false",  # it contacts amplitude.com even without analytics
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
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
        "PREFECT_CLI_PROMPT": "false",
        **{name: f"{interval(name):g}" for name in INTERVALS},
        "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": f"PT{interval(AUTOMATIONS):g}S",
        "DO_NOT_TRACK": "1",
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")]).rstrip(
            os.pathsep
        ),
    }
    if api is not None:
        environment["PREFECT_API_URL"] = api
    environment |= without_proxy(os.environ, api)
    login = known_login(var)
    if login is not None:
        environment[CLIENT] = login
    return environment


def free_port() -> int:
    """Find a free port on the loopback address, if possible one of `SERVER_PORTS`."""
    for _ in range(100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind((LOOPBACK, SERVER_PORTS[secrets.randbelow(len(SERVER_PORTS))]))
            return int(probe.getsockname()[1])
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def is_free(host: str, port: int) -> bool:
    """Check whether a server could listen at this address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
