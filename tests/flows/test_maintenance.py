"""Maintenance: backup, retention and size, on a real Prefect server and on both databases."""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from conftest import ON_SQLITE_FIRST, wita
from sqlalchemy import select
from support.forked import Origin
from support.pipeline import EVERYWHERE, at, register
from support.prefect_shared import Shared, Told
from support.small_site import NAME, small_site
from support.wait import until

from db.audit import AuditKind
from db.backup.create import backups
from db.models import AuditRow, Complaint
from db.vacuum import shrink, tidy
from service.prefect_api import ask, every
from settings.retention import KeepSettings
from tasks.maintenance import RUNS_A_REQUEST, back_up, forget_texts

NOW = datetime.now(UTC)


class Past:
    """How runs of the past come into a Prefect server, and what is there of them."""

    def __init__(self, api: str) -> None:
        self.api = api
        self.flow = self.post("flows/", name="delivery")["id"]

    def post(self, where: str, body: Any = None, **named: Any) -> Any:
        return ask(f"{self.api}/{where}", body or named)

    def run(self, days_ago: float, state: str = "") -> str:
        """A run that was to start then; in another state than that, if one is given."""
        then = (NOW - timedelta(days=days_ago)).isoformat()
        scheduled = {"type": "SCHEDULED", "state_details": {"scheduled_time": then}}
        run = self.post("flow_runs/", flow_id=self.flow, name=f"old {days_ago}", state=scheduled)
        if state:
            self.post(f"flow_runs/{run['id']}/set_state", state={"type": state}, force=True)
        return run["id"]

    def leave(self, *runs: str) -> None:
        """Let these runs have a task, three lines of log and an artifact each."""
        lines = [
            {
                "name": "l",
                "level": 20,
                "message": f"line {n}",
                "timestamp": NOW.isoformat(),
                "flow_run_id": run,
            }
            for n in range(3)
            for run in runs
        ]
        self.post("logs/", lines)
        for run in runs:
            self.post("task_runs/", flow_run_id=run, task_key="t", dynamic_key="0")
            self.post("artifacts/", flow_run_id=run, key="delivery", type="markdown", data="x")

    def there(self) -> set[str]:
        """All runs of this flow that the server knows."""
        of_it = {"id": {"any_": [self.flow]}}
        return {run["id"] for run in every(self.api, "flow_runs", flows=of_it)}

    def of_runs(self, what: str, runs: list[str]) -> int:
        """How many logs, artifacts or task runs of these runs there are."""
        if what == "logs":
            return len(every(self.api, what, logs={"flow_run_id": {"any_": runs}}))
        return sum(row["flow_run_id"] in runs for row in every(self.api, what))


@pytest.fixture
def past(shared: Shared) -> Past:
    return Past(shared.api)


@pytest.fixture
def run_maintenance(origin: Origin, shared: Shared) -> Callable[[Path], CompletedProcess[str]]:
    """The flow, in a process of its own; working files beside the site."""

    def run(site: Path) -> CompletedProcess[str]:
        call = f"maintenance({str(site)!r})"
        script = (
            f"import json; from flows.maintenance import maintenance; print(json.dumps({call}))"
        )
        return origin.run("-c", script, **shared.seen(site.parent / "var"))

    return run


@pytest.mark.thorough
def test_what_is_older_than_the_site_keeps_goes_with_all_that_belongs_to_it(
    past, shared, run_maintenance, tmp_path
):
    """More runs than Prefect removes at a request; of those the first and the last left much."""
    old = [past.run(31 + number / 10) for number in range(RUNS_A_REQUEST)]
    ended = [past.run(days, "COMPLETED") for days in (30.5, 40.5, 50.5)]
    never_ended = [past.run(40, "RUNNING"), past.run(50, "PENDING")]
    waits = past.run(45, "PAUSED")
    new = [past.run(29, "COMPLETED"), past.run(0.5, "COMPLETED")]
    gone = old + ended + never_ended
    full = [*old[:2], *old[-2:], *ended, *never_ended]
    past.leave(*full, waits, *new)
    assert past.of_runs("artifacts", gone) == 9
    site = small_site(tmp_path / "site")
    done = run_maintenance(site)
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout.splitlines()[-1])
    assert (counts["runs"], counts["artifacts"]) == (RUNS_A_REQUEST + 5, 9)
    left = past.there()
    assert left.isdisjoint(gone)
    assert {waits, *new} <= left
    assert past.of_runs("artifacts", gone) == past.of_runs("task_runs", gone) == 0
    assert past.of_runs("artifacts", new) == past.of_runs("task_runs", new) == 2
    until(lambda: past.of_runs("logs", gone) == 0)  # Prefect removes them by itself
    assert past.of_runs("logs", [waits, *new]) == 9
    (made,) = backups(tmp_path / "var" / "backups")
    assert counts["backup"] == made.name
    artifacts = Told(shared.api, site).all("artifacts")
    told = next(a["data"] for a in artifacts if a["key"] == "maintenance")
    assert told.startswith("## Pemeliharaan – ")
    assert "55 proses Prefect dari sebelum 30 hari terakhir dihapus, beserta 9 artefak" in told
    assert f"Cadangan `{made.name}` dibuat dan diperiksa, " in told.replace("\\", "")
    assert "| Tenggat | " in told
    again = run_maintenance(site)
    assert json.loads(again.stdout.splitlines()[-1])["runs"] == 0


@pytest.mark.thorough
def test_what_fails_keeps_nothing_else_from_being_done(past, shared, run_maintenance, tmp_path):
    old = past.run(60)
    site = small_site(tmp_path / "site")
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "backups").write_text("no folder")
    done = run_maintenance(site)
    assert done.returncode != 0
    assert "Unfinished: backup: no backup in " in done.stderr
    assert old not in past.there()
    artifacts = Told(shared.api, site).all("artifacts")
    told = [a["data"] for a in artifacts if a["key"] == "maintenance"]
    assert any("Malam ini tidak ada cadangan yang dibuat." in data for data in told)


def test_without_a_server_the_rest_is_done():
    from tasks.maintenance import NotCleaned, remove_runs  # noqa: PLC0415

    with pytest.raises(NotCleaned, match="PREFECT_API_URL"):
        remove_runs(NOW)


# --- the backups ----------------------------------------------------------------------------------


@ON_SQLITE_FIRST
def test_each_night_one_backup_and_no_more_than_the_site_keeps(context):
    keeps = KeepSettings(daily=3, weekly=1, monthly=1)
    context.site.file = context.site.file.model_copy(update={"keep": keeps})
    for night in range(1, 8):
        made = back_up(context, wita(f"2026-11-{night:02} 02:30"))
    assert made.path == backups(context.site.backups)[0]
    assert made.size == made.path.stat().st_size > 1000
    assert made.removed == 1
    assert len(backups(context.site.backups)) == 3


# --- texts ----------------------------------------------------------------------------------------

TEXTS = ("title", "text", "attachments", "reporter")


def keep_texts(context, days: int | None) -> None:
    keeps = KeepSettings(texts_days=days)
    context.site.file = context.site.file.model_copy(update={"keep": keeps})


def texts(context) -> dict[str, tuple[str | None, ...]]:
    with context.transaction() as session:
        rows = session.scalars(select(Complaint).order_by(Complaint.ticket))
        return {row.ticket: tuple(getattr(row, name) for name in TEXTS) for row in rows}


@pytest.fixture
def ended(context):
    """Three complaints with all texts: open, ended on the 18th, ended and taken up again."""
    register(
        context,
        "2026-11-20 08:00",
        EVERYWHERE[0] | {"No Register": "OPEN"},
        at("Dinas Sosial", "ENDED", Selesai="18/11/2026 09:00"),
        at("DLH", "AGAIN", Selesai="18/11/2026 09:00", **{"Dibuka Kembali": "19/11/2026 09:00"}),
    )
    with context.transaction() as session:
        for row in session.scalars(select(Complaint)):
            row.text, row.attachments, row.reporter = f"Saya, {NAME}", "a.pdf", NAME
    return context


@ON_SQLITE_FIRST
def test_texts_stay_unless_the_site_says_how_long(ended):
    before = texts(ended)
    assert all(value for row in before.values() for value in row)
    assert forget_texts(ended, wita("2036-11-24 02:30")) == 0
    assert texts(ended) == before


@ON_SQLITE_FIRST
def test_texts_go_so_long_after_the_end_and_only_then(ended):
    keep_texts(ended, 30)
    before = texts(ended)
    assert forget_texts(ended, wita("2026-12-18 09:00")) == 0
    assert texts(ended) == before
    assert forget_texts(ended, wita("2026-12-21 02:30")) == 1
    assert texts(ended) == before | {"ENDED": (None, None, None, None)}
    assert forget_texts(ended, wita("2026-12-22 02:30")) == 0
    with ended.transaction() as session:
        query = select(AuditRow).where(AuditRow.kind == AuditKind.DATA_DELETED)
        (row,) = session.scalars(query).all()
        assert "30 days after the end" in row.reason
        assert NAME not in row.reason + str(row.subject)


@ON_SQLITE_FIRST
def test_what_the_source_shows_once_more_stays_empty(ended):
    keep_texts(ended, 30)
    forget_texts(ended, wita("2026-12-21 02:30"))
    register(ended, "2026-12-21 08:00", at("Dinas Sosial", "ENDED", Selesai="18/11/2026 09:00"))
    assert texts(ended)["ENDED"] == (None, None, None, None)


# --- the size -------------------------------------------------------------------------------------


def fill(database: Path) -> None:
    with closing(sqlite3.connect(database, timeout=60)) as connection, connection:
        connection.execute("CREATE TABLE IF NOT EXISTS heap (n INTEGER PRIMARY KEY, what BLOB)")
        connection.executemany(
            "INSERT INTO heap (what) VALUES (?)", ((os.urandom(1000),) for _ in range(8000))
        )


def clear(database: Path) -> None:
    with closing(sqlite3.connect(database, timeout=60)) as connection, connection:
        connection.execute("DELETE FROM heap WHERE n % 20 > 0")


@pytest.mark.thorough
def test_what_was_removed_is_given_back_the_first_time_and_later_in_steps(tmp_path):
    database = tmp_path / "prefect.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    for _ in range(3):
        fill(database)
        clear(database)
        size = shrink(database)
        assert size.after == database.stat().st_size < size.before / 5
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA auto_vacuum").fetchone()[0] == 2
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_a_database_that_has_little_to_give_back_is_left_as_it_is(tmp_path):
    database = tmp_path / "prefect.db"
    fill(database)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM heap WHERE n % 20 = 0")
    size = shrink(database)
    assert size.after >= size.before


def test_a_database_that_will_grow_is_rewritten_while_it_is_small(tmp_path):
    database = tmp_path / "prefect.db"
    fill(database)
    shrink(database, early=True)
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA auto_vacuum").fetchone()[0] == 2


@ON_SQLITE_FIRST
def test_our_own_database_is_brought_in_order_while_others_use_it(context, open_context):
    register(context, "2026-11-20 08:00", *EVERYWHERE)
    other = open_context()
    size = tidy(context.engine)
    assert size.before > 0
    assert size.after > 0
    register(other, "2026-11-20 09:00", *EVERYWHERE)
    if context.engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(context.engine.url.database)) as connection:
            assert connection.execute("SELECT count(*) FROM sqlite_stat1").fetchone()[0] > 5
