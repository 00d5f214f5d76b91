"""Several processes of Prefect's server that share one port: `tenggat up --servers N`.

`N` processes answer requests, and one runs Prefect's loops and records the events. Events go to it
through Redis, the database is PostgreSQL. Each process is supervised for itself.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import redis

from service.environment import LOOPBACK, free_port
from service.errors import ServiceError, Unready
from service.prefect_server import ServerPart, api_of, start_server
from service.process import Child
from service.restarts import SupervisedProcess

REDIS = "TENGGAT_REDIS_URL"
"""Environment variable with the address of Redis."""

SCHEMES = ("redis", "rediss")
THIS_MACHINE = ("localhost", LOOPBACK, "::1")
DATABASES = ("PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_API_DATABASE_CONNECTION_URL")
"""Environment variables with the address of Prefect's own database."""

DRIVERS = ("postgresql+asyncpg", "sqlite+aiosqlite")
"""Beginnings of the address, one for each kind of database that Prefect's server can use."""

BACKLOG = 2048
BATCH = 50
"""Number of events that a loop of the server reads from Redis at once; Prefect's own is 1."""

WAIT_SECONDS = 10
"""Seconds for which a loop waits in Redis for the next event; Prefect's own is 1."""

ANSWER_SECONDS = 5.0
LOOPS = ("EVENT_PERSISTER", "TASK_RUN_RECORDER", "TRIGGERS")


def prefect_database() -> tuple[str, str]:
    """Return the address of Prefect's own database and its variable, or two empty texts.

    Raises :class:`service.errors.ServiceError` if it names a driver that Prefect's server cannot
    use, such as the one of the sites' databases: the server would end again and again.
    """
    name = next((name for name in DATABASES if os.environ.get(name)), "")
    url = os.environ.get(name, "") if name else ""
    kind = url.partition(":")[0]
    for driver in DRIVERS:
        if kind.partition("+")[0] == driver.partition("+")[0] and kind != driver:
            raise ServiceError(f"{name} begins with {kind}://; write {driver}://")
    return name, url


def redis_url() -> str:
    """Return the address of Redis, once everything that several servers need is set.

    Raises :class:`service.errors.ServiceError` if something is missing.
    """
    _, database = prefect_database()
    if not database.startswith("postgresql"):
        raise ServiceError(
            f"--servers needs PostgreSQL for Prefect's own database; set {DATABASES[0]}"
        )
    url = os.environ.get(REDIS, "")
    try:
        suitable = _is_suitable(urlsplit(url))
    except ValueError:
        suitable = False
    if not suitable:
        raise ServiceError(
            f"--servers needs Redis; set {REDIS} to redis://:PASSWORD@HOST:PORT/NUMBER"
            " (without a password only on this machine)"
        )
    if find_spec("prefect_redis") is None:
        raise ServiceError("--servers needs the package prefect-redis; run `make install`")
    return url


def _is_suitable(url: SplitResult) -> bool:
    known = url.scheme in SCHEMES and bool(url.hostname)
    numbered = re.fullmatch(r"/?\d*", url.path) is not None
    return known and numbered and (bool(url.password) or url.hostname in THIS_MACHINE)


def require_redis(url: str) -> None:
    """Raise :class:`service.errors.Unready` if Redis does not answer. The address is not shown.

    If it answers and refuses what the address says, raises :class:`service.errors.ServiceError`:
    waiting would not help.
    """
    try:
        with redis.Redis.from_url(
            url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
        ) as client:
            client.ping()
    except redis.AuthenticationError:
        raise ServiceError(f"Redis refuses the password, or needs one; correct {REDIS}") from None
    except redis.exceptions.NoPermissionError:
        raise ServiceError(f"Redis does not permit the user in {REDIS} what is needed") from None
    except redis.RedisError as error:
        if "DB index" in str(error):
            raise ServiceError(
                f"Redis has no database with the number at the end of {REDIS}"
            ) from None
        raise Unready(f"Redis does not answer ({type(error).__name__})") from None


def broker_environment(url: str) -> dict[str, str]:
    """Return Prefect's environment for events that go through Redis."""
    return {
        "PREFECT_MESSAGING_BROKER": "prefect_redis.messaging",
        "PREFECT_MESSAGING_CACHE": "prefect_redis.messaging",
        "PREFECT_SERVER_WORKER_CHANNEL_CLEANUP_QUEUE_STORAGE": "prefect_redis.cleanup_queue",
        "PREFECT_REDIS_MESSAGING_URL": url,
        "PREFECT_REDIS_WORKER_CLEANUP_QUEUE_URL": url,
        "PREFECT_REDIS_MESSAGING_CONSUMER_BLOCK": str(WAIT_SECONDS),
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": str(BATCH),
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
        **{f"PREFECT_SERVER_SERVICES_{loop}_READ_BATCH_SIZE": str(BATCH) for loop in LOOPS},
    }


class ServerParts:
    """The processes of a server with several: one with the loops, and those that answer."""

    def __init__(
        self,
        home: Path,
        port: int,
        host: str,
        *,
        answering: int,
        redis_url: str,
        say: Callable[[str], None],
        healthy: Callable[[str], bool],
        every: float,
        keep_days: int,
        names: Iterable[str],
    ) -> None:
        """Set the parts up without starting them. They share a socket that listens from now on.

        `answering` is the number of processes that answer. `healthy` checks an API by its URL, at
        most once in `every` seconds. The other arguments are those of
        :func:`service.prefect_server.start_server`.
        """
        self.port = port
        self._listening = socket.create_server((host, port), backlog=BACKLOG)
        names, public, broker = list(names), api_of(port, host), broker_environment(redis_url)

        def kept(name: str, shared: int | None) -> SupervisedProcess:
            """Return a process that also has a port of its own, for its supervisor."""
            own = free_port()
            part = ServerPart(public, shared, broker, f"prefect-server-{name}")
            return SupervisedProcess(
                f"Prefect server ({name})",
                partial(
                    start_server, home, own, LOOPBACK, keep_days=keep_days, names=names, part=part
                ),
                say,
                answers=partial(healthy, api_of(own)),
                every=every,
            )

        self._loops = kept("loops", None)
        shared = self._listening.fileno()
        self._answering = [kept(str(number), shared) for number in range(1, answering + 1)]

    @property
    def parts(self) -> list[SupervisedProcess]:
        """All processes, the one with the loops first."""
        return [self._loops, *self._answering]

    @property
    def child(self) -> Child | None:
        """The process that was started first, once there is one."""
        return self._loops.child

    @property
    def well(self) -> bool:
        """Whether all processes work."""
        return all(part.well for part in self.parts)

    def tend(self) -> bool:
        """Check each process once; start or restart it if necessary. Returns True if all work.

        The process with the loops upgrades the database before the others start.
        """
        if self._loops.tend() or any(part.child is not None for part in self._answering):
            for part in self._answering:
                part.tend()
        return self.well

    def stop(self) -> None:
        """Stop all processes: first those that answer, so that their last events are recorded."""
        for part in reversed(self.parts):
            part.stop()
        self._listening.close()
