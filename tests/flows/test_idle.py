"""Idle runs: a run ends without Prefect if, and only if, its flow would find nothing."""

import multiprocessing
import subprocess
import sys
from datetime import datetime, timedelta
from types import SimpleNamespace

import anyio
import httpx
import pytest
from conftest import ON_BOTH, REPOSITORY, wita
from prefect.states import State
from sqlalchemy import update
from support.pipeline import BREACHED, at, decide, deliver, register, write_register

from db import runs
from db.lives import MessageStatus
from db.models import Complaint, FlowRunRecord, MessageRow
from flows.idle import COUNTS, FULL_AFTER, REGULAR, end_if_idle, idle_cycle, record_if_idle
from flows.run_context import run_name
from flows.run_names import IdleRun
from service import worker_process
from service.runs.idle import idle_run
from tasks.common.context import SiteContext
from tasks.monitoring.watch import check_and_notify
from tasks.notifications.enqueue import enqueue_alert
from tasks.sources.folder_state import folder_state

FULL = wita(BREACHED)
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

LATER = FULL + timedelta(minutes=15)
FLOWS = ("intake", "deadlines", "delivery", "watchdog")


@pytest.fixture
def done(context: SiteContext, monkeypatch: pytest.MonkeyPatch) -> SiteContext:
    """A site at 08:00 whose flows have all just run in full: a breach was sent."""
    monkeypatch.setattr("tasks.monitoring.failed_runs.failed_runs", lambda *_: [])
    register(context, BREACHED, at("Dinas Sosial"))
    decide(context, BREACHED)
    assert deliver(context, BREACHED).sent == 2
    decide(context, "2026-11-24 08:00:30")  # the ladder of superiors begins with the acceptance
    check_and_notify(context, FULL, "watchdog")
    ended(context, FULL)
    return context


def ended(context: SiteContext, moment: datetime) -> None:
    """Record a full run of each flow."""
    with context.transaction() as session:
        for flow in FLOWS:
            counts = {"sources": [], "folders": folder_state(context.site)}
            runs.finished(session, f"{flow} {moment}", flow, moment, counts)


def idle(context: SiteContext, moment: datetime = LATER) -> list[str]:
    """The flows that would be idle at this moment."""
    return [flow for flow in FLOWS if record_if_idle(context, flow, moment)]


@pytest.mark.thorough
@ON_BOTH
def test_a_run_that_would_find_nothing_is_recorded_and_says_why(done):
    said = {flow: record_if_idle(done, flow, LATER) for flow in FLOWS}
    assert said == {
        "intake": "Tidak ada berkas baru atau berubah.",
        "deadlines": "Tidak ada pengaduan yang perlu dievaluasi.",
        "delivery": "Tidak ada surel yang harus dikirim.",
        "watchdog": "Tidak ada gangguan.",
    }
    with done.transaction() as session:
        assert runs.last_runs(session, FLOWS) == dict.fromkeys(FLOWS, LATER)
        full = runs.last_full_record(session, "intake")
        assert full is not None
        assert full.now == FULL
        key = f"intake {LATER:%Y-%m-%d}"
        (record,) = (
            each for each in session.query(FlowRunRecord).filter_by(flow="intake", now=LATER)
        )
        assert (record.counts, record.id[: len(key)]) == (COUNTS, key)


def due_now(context: SiteContext) -> None:
    with context.transaction() as session:
        session.execute(update(Complaint).values(next_action_at=LATER))


def other_rules(context: SiteContext) -> None:
    context.ruleset_fingerprint = lambda: "another"  # type: ignore[method-assign]


def owed(context: SiteContext) -> None:
    with context.run(FULL, "test") as run:
        enqueue_alert(run, "vacancy", {"unit": "dinsos", "role": "head_of_unit"})


def claimed_by_the_dead(context: SiteContext) -> None:
    with context.transaction() as session:
        claim = {"status": MessageStatus.SENDING, "claimed_at": LATER - timedelta(hours=1)}
        session.execute(update(MessageRow).values(claim="gone", **claim))


def new_file(context: SiteContext) -> None:
    write_register(context, LATER, at("Dinas Sosial"), at("DLH", "FD-2"))


def changed_settings(context: SiteContext) -> None:
    with (context.site.folder / "directory.csv").open("a") as file:
        file.write("\n")


def waiting_file(context: SiteContext) -> None:
    with context.transaction() as session:
        record = runs.last_full_record(session, "intake")
        assert record is not None
        waits = {"source": "register", "waiting": [{"name": "x.csv", "reason": "new"}]}
        record.counts = {**record.counts, "sources": [waits]}


def silence(context: SiteContext) -> None:
    long_ago = FULL - timedelta(days=1)
    with context.transaction() as session:
        row = update(FlowRunRecord).where(FlowRunRecord.flow == "deadlines")
        session.execute(row.values(now=long_ago))


@pytest.mark.thorough
@on_sqlite
@pytest.mark.parametrize(
    ("change", "flows"),
    [
        (due_now, ["deadlines"]),
        (other_rules, ["deadlines"]),
        (owed, ["delivery"]),
        (claimed_by_the_dead, ["delivery"]),
        (new_file, ["intake"]),
        (changed_settings, ["intake"]),
        (waiting_file, ["intake"]),
        (silence, ["deadlines", "watchdog"]),
    ],
)
def test_a_flow_with_work_is_not_idle(done, change, flows):
    change(done)
    assert [flow for flow in FLOWS if flow not in idle(done)] == flows


@on_sqlite
@pytest.mark.parametrize(
    "moment",
    [
        FULL + FULL_AFTER,
        FULL + REGULAR + timedelta(minutes=1),  # nothing has run since: the clock is checked
        wita("2026-11-25 00:05"),
        FULL - timedelta(minutes=1),
    ],
)
def test_full_runs_come_back_by_themselves(done, moment):
    assert idle(done, moment) == []


@on_sqlite
def test_idle_runs_put_off_no_full_run(done):
    moment = FULL
    while idle(done, moment := moment + timedelta(hours=1)):
        assert moment < FULL + FULL_AFTER
    assert moment == FULL + FULL_AFTER


@on_sqlite
def test_a_site_without_history_and_a_run_with_a_time_are_never_idle(context, site_folder):
    assert idle(context) == []
    for flow in (*FLOWS, "summary", "maintenance"):
        assert end_if_idle(flow, {"site": str(site_folder), "now": LATER}, LATER) is None


@on_sqlite
@pytest.mark.parametrize("part", ["", "2/3"])
def test_an_idle_run_is_called_as_a_full_one(done, site_folder, monkeypatch, part):
    monkeypatch.setenv("TENGGAT_SITES", str(site_folder))
    with monkeypatch.context() as patched:
        parameters = {"site": str(site_folder), "now": LATER.isoformat(), "part": part}
        run = SimpleNamespace(parameters=parameters, flow_name="delivery")
        patched.setattr("flows.run_context.flow_run", run)
        full = run_name()
    found = end_if_idle("delivery", {"site": str(site_folder), "part": part}, LATER)
    assert found is not None
    assert found.name == full == f"delivery 2026-11-24 08:15 {part}".rstrip()
    assert found.reason == "Tidak ada surel yang harus dikirim."


@pytest.mark.parametrize("error", [None, httpx.ConnectError("away")])
def test_a_worker_gives_an_idle_run_its_name_after_it_has_ended(monkeypatch, error):
    calls: list[tuple[str, str | None]] = []

    async def found(*_: object) -> IdleRun:
        return IdleRun("delivery 2026-11-24 08:15", "Tidak ada")

    async def set_state(_: object, state: State[None], *, force: bool) -> None:
        calls.append(("ended", state.message if force else ""))

    async def rename(_: object, name: str) -> None:
        calls.append(("named", name))
        if error is not None:
            raise error

    monkeypatch.setattr(worker_process, "idle_run", found)
    monkeypatch.setattr(worker_process, "fork_server", lambda: None)
    worker = object.__new__(worker_process.OwnFlowsWorker)
    worker._client = SimpleNamespace(set_flow_run_state=set_state, update_flow_run=rename)
    run = SimpleNamespace(id="1", parameters={})
    flow = SimpleNamespace(of=lambda _: SimpleNamespace(name="delivery"))
    assert anyio.run(worker._ended_idle, run, flow)
    assert calls == [("ended", "Tidak ada"), ("named", "delivery 2026-11-24 08:15")]


@on_sqlite
def test_another_process_answers(done, site_folder, monkeypatch):
    """With the reason, or with nothing after an error of any kind."""
    monkeypatch.setenv("TENGGAT_SITES", "")
    asks = [("summary", str(site_folder)), ("intake", "/nowhere")]
    context = multiprocessing.get_context("fork")
    for flow, site in asks:
        assert anyio.run(idle_run, context, flow, {"site": site}) is None


@on_sqlite
def test_a_cycle_is_idle_as_a_whole_or_not_at_all(done):
    said = idle_cycle(done, LATER)
    assert said is not None
    assert said["intake"] == "Tidak ada berkas baru atau berubah."
    assert list(said) == ["intake", "deadlines", "delivery"]
    owed(done)
    assert idle_cycle(done, LATER + timedelta(minutes=1)) is None
    with done.transaction() as session:
        assert runs.last(session, "intake") == LATER


HEAVY = (
    "alembic",
    "cli.doctor",
    "holidays",
    "jinja2",
    "numpy",
    "prefect",
    "pydantic_settings",
    "rich",
    "sqlalchemy.dialects.postgresql",
    "tasks.monitoring",
    "tasks.notifications",
    "tasks.reports",
    "tasks.sources.base",
    "urllib.request",
)
"""Each takes a hundredth of a second of CPU or more; an idle run needs none of them."""

IDLE_RUN = """
import sys
from datetime import datetime

from cli import console, main

moment = datetime.fromisoformat(sys.argv.pop())
console.moment = lambda text, site: moment
try:
    main()
except SystemExit as ended:
    print(ended.code, *sorted(sys.modules))
"""


@on_sqlite
def test_an_idle_run_loads_no_heavy_library(done, site_folder):
    """Nearly all of its CPU is imports."""
    arguments = ("run", "--site", str(site_folder), LATER.isoformat())
    run = subprocess.run(
        [sys.executable, "-c", IDLE_RUN, *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    *lines, end = run.stdout.splitlines()
    assert [line.partition(": ")[2] for line in lines[:3]] == [
        "Tidak ada berkas baru atau berubah.",
        "Tidak ada pengaduan yang perlu dievaluasi.",
        "Tidak ada surel yang harus dikirim.",
    ]
    code, *loaded = end.split()
    assert (code, set(loaded) & set(HEAVY)) == ("0", set())
    with done.transaction() as session:
        assert runs.last(session, "delivery") == LATER
