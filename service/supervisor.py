"""`tenggat up`: the long-running service. It starts its parts, and restarts those that end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

from service.database_upgrade import claim_database, prepare
from service.environment import (
    HEALTH,
    LOOPBACK,
    NOT_NOW,
    REPOSITORY,
    STALE,
    WORKER,
    interval,
    is_free,
    prefect_environment,
)
from service.errors import Rejected, ServiceError, Unready
from service.gateway import host_of
from service.lock import exclusive_lock, marked
from service.login import CLIENT, make_login, source_of_login, watch_login
from service.logs import saying
from service.machine import check_disk, refuse_root
from service.prefect_api import ask, found, healthy
from service.prefect_server import EVERYWHERE, api_of, environment_variables, start_server
from service.restarts import FIRST_WAIT, LONGEST_WAIT, SupervisedProcess, SupervisedThread
from service.runs import stale
from service.server_parts import ServerParts, prefect_database, redis_url, require_redis
from service.signals import until_stopped
from service.worker import kept_worker
from settings.site import Site

FIRST_CYCLE = ("intake", "deadlines", "delivery")
SITES_AT_ONCE = 4
"""Number of sites whose first cycle runs at the same time."""

Watch = Callable[[Callable[[str], None], Event], None]
"""A function that says lines about faults of the sites until the event is set."""

ENDED = object()
FINISHED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


def up(
    sites: Sequence[Site],
    *,
    port: int,
    say: Callable[[str], None],
    watch: Watch,
    var: Path | None = None,
    host: str = LOOPBACK,
    worker: bool = True,
    backup: bool = True,
    as_root: bool = False,
    servers: int = 1,
) -> None:
    """Run the service in the foreground until SIGINT or SIGTERM: server, pool, deployments, worker.

    Serves these sites, each with its own deployments, and runs the first cycle at once. Prefect's
    own files are in `var`, by default in the folder of the first site. Without `worker` the runs
    are left to workers on other machines. `watch` checks the sites in a thread. `servers` is the
    number of server processes that answer requests, with Redis and PostgreSQL if several. Raises
    :class:`service.errors.ServiceError` if it cannot start.
    """
    refuse_root(as_root=as_root)
    prefect_database()
    redis = redis_url() if servers > 1 else None
    home = var or sites[0].var
    apart(sites)
    with until_stopped(say), ExitStack() as stack:
        for folder in dict.fromkeys([home, *(site.var for site in sites)]):
            check_disk(folder)
            stack.enter_context(exclusive_lock(folder))
        stack.enter_context(marked(str(home)))
        if not is_free(host, port):
            raise ServiceError(f"port {port} is taken; choose another with --port")
        heard = saying(say, home / "logs" / "tenggat.log")
        login_source = source_of_login(home)
        login = make_login(home)
        watch_login(login)  # refuse an unsuitable one
        stack.enter_context(environment_variables({CLIENT: login}))
        service = _Service(sites, home, host, port, heard, watch, stack)
        if redis is not None:
            service.answer_from(servers, redis)
        service.run(worker=worker, backup=backup, login_source=login_source)


def apart(sites: Sequence[Site]) -> None:
    """Raise an error if two sites share something that each site needs for itself.

    These are the name of the folder, the folder of working files, and the database. The error is
    :class:`service.errors.ServiceError`.
    """
    own: list[tuple[str, str, Callable[[Site], Any]]] = [
        ("name of the folder", "rename one", lambda site: site.folder.name),
        ("folder of working files", "give each its own `var` in site.toml", lambda site: site.var),
        (
            "database",
            "give each its own url or schema under [database] in site.toml",
            lambda site: site.database_url,
        ),
    ]
    for what, how, of in own:
        seen: dict[Any, Site] = {}
        for site in sites:
            other = seen.setdefault(of(site), site)
            if other is not site:
                raise ServiceError(f"{other.folder} and {site.folder} have the same {what}; {how}")


def ui_names(sites: Sequence[Site]) -> set[str]:
    """Return the host names under which administrators open the UI, by the sites' settings."""
    return {host_of(urlsplit(site.ui_url).netloc) for site in sites if site.ui_url}


class _Service:
    """The parts of a running service."""

    def __init__(
        self,
        sites: Sequence[Site],
        home: Path,
        host: str,
        port: int,
        say: Callable[[str], None],
        watch: Watch,
        stack: ExitStack,
    ) -> None:
        self.sites, self.home, self.host, self.port = sites, home, host, port
        self.say, self.stack = say, stack
        self.api = api_of(port, host)
        self.environment = prefect_environment(home, self.api)
        self.prefect_home = Path(self.environment["PREFECT_HOME"])
        self._keep_days = max(site.file.keep.prefect_days for site in sites)
        names = ui_names(sites)
        self.server: SupervisedProcess | ServerParts = SupervisedProcess(
            "Prefect server",
            partial(start_server, home, port, host, keep_days=self._keep_days, names=names),
            say,
            answers=partial(healthy, self.api),
            every=interval(HEALTH),
        )
        self._redis: str | None = None
        self.worker: SupervisedProcess | None = None
        shown = saying(lambda text: None, home / "logs" / "watch.log")
        self.watch = SupervisedThread("watch", partial(watch, shown), say)
        self._look_at = 0.0
        self._heard_since: datetime | None = None

    def answer_from(self, servers: int, redis: str) -> None:
        """Let this number of processes answer requests, with Redis at this URL between them."""
        self._redis = redis
        self.server = ServerParts(
            self.home,
            self.port,
            self.host,
            answering=servers,
            redis_url=redis,
            say=self.say,
            healthy=healthy,
            every=interval(HEALTH),
            keep_days=self._keep_days,
            names=ui_names(self.sites),
        )

    def run(self, *, worker: bool, backup: bool, login_source: str) -> None:
        """Start all parts, and supervise them without end.

        `login_source` is printed for the administrator, never the login itself.
        """
        for site in self.sites:
            self._patiently(
                partial(self._prepare, site, backup), f"the database of {site.folder.name}"
            )
        self.stack.callback(self.watch.stop)
        self.watch.tend()  # it reports if the other parts do not start
        if self._redis is not None:
            self._patiently(partial(require_redis, self._redis), "Redis")
        self.say("starting the Prefect server ...")
        self.stack.callback(self.server.stop)
        self._until(self.server.tend)
        self.say("registering work pool and deployments ...")
        self._patiently(self._register, "Prefect's server")
        self._catch_up()
        if worker:
            self.worker = kept_worker(
                self.home,
                self.api,
                WORKER,
                "prefect-worker.log",
                self.say,
                sites=self.sites,
                asked=lambda: self.server.well,
            )
            self.stack.callback(self.worker.stop)
        for place in dict.fromkeys([self.home, *(site.var for site in self.sites)]):
            state = place / "service.json"
            self.stack.callback(state.unlink, missing_ok=True)
            of_service = {"api": self.api, "pid": os.getpid(), "var": str(self.home)}
            state.write_text(json.dumps(of_service), encoding="utf-8")
        elsewhere = ", and at every address of this machine" if self.host in EVERYWHERE else ""
        self.say(f"Prefect UI: {self.api.removesuffix('/api')}{elsewhere}")
        self.say(f"Login of the UI: in {login_source}; `tenggat ui login` shows it")
        for site in self.sites:
            self.say(f"Mailbox, reports and logs: {site.var}")
        self._first_cycle()
        self.say("running on schedule; Ctrl-C stops it")
        while True:
            self._tend()
            time.sleep(0.5)

    def _tend(self) -> None:
        """Check every part once."""
        well = self.server.tend()
        self._heard_since = (self._heard_since or datetime.now(UTC)) if well else None
        self.watch.tend()
        if self.worker is not None:
            self.worker.tend()
        if well and time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + interval(STALE)
            now = datetime.now(UTC)
            try:
                for line in chain(
                    stale.mark_crashed(self.api, self.prefect_home, now, self._heard_since),
                    stale.run_again(self.api, now),
                    stale.skip_missed(self.api, now),
                ):
                    self.say(line)
            except ServiceError as error:
                self.say(f"runs could not be checked: {error}")

    def _until(self, done: Callable[[], bool]) -> None:
        while not done():
            if self.server.child is not None:
                self._tend()
            time.sleep(0.1)

    def _patiently(self, step: Callable[[], None], what: str) -> None:
        """Try a step until its requirements are ready, after increasing waits."""
        wait = FIRST_WAIT
        while True:
            try:
                return step()
            except Unready as error:
                self.say(f"{what} is not ready; trying again in {wait:.0f} s: {error}")
            until = time.monotonic() + wait
            self._until(lambda until=until: time.monotonic() >= until)  # type: ignore[misc]
            wait = min(2 * wait, LONGEST_WAIT)

    def _prepare(self, site: Site, backup: bool) -> None:
        now = datetime.now(UTC)
        prepare(site, now, self.say, copy=backup)
        claim_database(site, now)

    def _register(self) -> None:
        command = [sys.executable, "-m", "service", self.api]
        done = subprocess.run(
            [*command, *(str(site.folder) for site in self.sites)],
            cwd=REPOSITORY,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        for line in done.stdout.splitlines() or ["nothing to register: everything is up to date"]:
            self.say(f"  {line}")
        if done.returncode == NOT_NOW:
            raise Unready(done.stderr.strip())
        if done.returncode:
            last = done.stderr.strip().splitlines() or ["no reason given"]
            raise ServiceError(f"deployments could not be registered: {last[-1]}")

    def _catch_up(self) -> None:
        """Skip runs missed while the service was down, because the first cycle does their work."""
        now = datetime.now(UTC)
        with suppress(ServiceError):
            for line in stale.mark_crashed(self.api, self.prefect_home, now):
                self.say(line)
            caught_up = [
                known["id"]
                for name in self._first()
                if (known := found(f"{self.api}/deployments/name/{name}"))
            ]
            for line in stale.skip_missed(self.api, now, caught_up):
                self.say(line)

    def _first(self) -> list[str]:
        return [name for site in self.sites for name in self._first_of(site)]

    def _first_of(self, site: Site) -> list[str]:
        several = len(self.sites) > 1
        return [f"{flow}/{site.folder.name if several else flow}" for flow in FIRST_CYCLE]

    def _first_cycle(self) -> None:
        """Run the first cycle of each site, of `SITES_AT_ONCE` sites at a time."""
        waiting = deque(self._cycle(self._first_of(site)) for site in self.sites)
        running: list[Iterator[None]] = []
        while waiting or running:
            while waiting and len(running) < SITES_AT_ONCE:
                running.append(waiting.popleft())
            running = [cycle for cycle in running if next(cycle, ENDED) is not ENDED]
            self._tend()
            time.sleep(0.5)

    def _cycle(self, names: Sequence[str]) -> Iterator[None]:
        """Run these deployments one after another; yields while one of them runs."""
        for name in names:
            flow, _, place = name.partition("/")
            shown = flow if flow == place else name
            self.say(f"first cycle: {shown} ...")
            try:
                well = yield from self._run_once(name)
            except ServiceError as error:
                self.say(f"  {error}")
                well = False
            if not well:
                self.say(f"  {shown} did not finish well; its run in the UI says why")

    def _run_once(self, name: str) -> Generator[None, None, bool]:
        """Run a deployment through the worker now, yielding until it ends; True if it completed."""
        deployment = self._ask(f"{self.api}/deployments/name/{name}")["id"]
        once = {"idempotency_key": str(uuid.uuid4())}  # a repeated request gets the same run
        run = self._ask(f"{self.api}/deployments/{deployment}/create_flow_run", once)["id"]
        while (state := self._ask(f"{self.api}/flow_runs/{run}")["state_type"]) not in FINISHED:
            yield
        return bool(state == "COMPLETED")

    def _ask(self, url: str, body: dict[str, Any] | None = None) -> Any:
        """Call the server's API; while it does not answer, supervise the parts and try again."""
        while True:
            try:
                return ask(url, body, patience=0)
            except Rejected:
                raise
            except Unready:
                self._tend()
                time.sleep(0.5)
