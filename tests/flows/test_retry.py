"""A step that could not reach its source is taken again; what is committed is not done twice."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from support.forked import SILENT
from support.prefect_shared import Told
from support.small_site import small_site
from support.wait import until

from db.models import SourceImport
from service.prefect_api import every
from tasks.common.context import SiteContext
from tasks.common.retry import WAITS, worth_another_try
from tasks.sources.base import SourceError, TransientSourceError

SECONDS = 90.0
DESK = """
[desk]
type = "sql"
url_variable = "DESK_DATABASE_URL"
query = "SELECT number, received, settled FROM complaint"
layout = "history"
zone = "Asia/Makassar"
fields = { ticket = "number", received = "received" }
events = [{ column = "settled", kind = "settled" }]
"""


def desk(path: Path) -> None:
    """Another system's database, with one complaint."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE complaint (number TEXT, received TEXT, settled TEXT)")
        connection.execute("INSERT INTO complaint VALUES ('D-1', '2026-11-20 09:00:00', NULL)")


def test_only_the_step_that_failed_is_taken_again(origin, shared, tmp_path, monkeypatch):
    site, place = small_site(tmp_path / "site"), tmp_path / "desk.db"
    sources = site / "sources.toml"
    sources.write_text(sources.read_text("utf-8") + DESK, encoding="utf-8")
    told = Told(shared.api, site)

    def waits() -> bool:
        assert run.poll() is None, run.err.read_text("utf-8")
        of_it = {"name": {"any_": ["pull desk"]}, "state": {"name": {"any_": ["AwaitingRetry"]}}}
        return bool(every(shared.api, "task_runs", task_runs=of_it))

    environment = {
        **shared.seen(tmp_path / "var"),
        **SILENT,
        "DESK_DATABASE_URL": f"sqlite:///{place}",
    }
    call = ("-m", "cli", "run", "--site", site, "--now", "2026-11-24T08:00")
    run = origin.begin(*call, **environment)
    try:
        until(waits, SECONDS)
        desk(place)  # it is there again
        done = run.wait()
    finally:
        run.kill()
    assert done.returncode == 0, done.stderr
    runs = {run["name"]: run["run_count"] for run in told.all("task_runs")}
    assert (runs["pull lapor"], runs["pull desk"]) == (1, 2)
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "var"))
    context = SiteContext.open(site)
    with context.transaction() as session:
        looked = sorted(session.scalars(select(SourceImport.source)))
    context.close()
    assert looked == ["desk", "lapor", "lapor"]  # an export each, and each once


class State:
    """How a try of a step ended."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def result(self, *, raise_on_failure: bool) -> Exception:
        assert not raise_on_failure
        return self.error


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (TransientSourceError("no answer"), True),
        (SourceError("no such column"), False),
        (OperationalError("SELECT 1", None, Exception("server closed the connection")), True),
        (InterfaceError("SELECT 1", None, Exception("connection already closed")), True),
        (IntegrityError("INSERT", None, Exception("unique")), False),
        (ValueError("a mistake of ours"), False),
    ],
)
def test_only_what_waiting_may_mend_is_tried_again(error, again):
    assert worth_another_try(None, None, State(error)) is again


def test_a_database_that_restarts_is_back_before_patience_ends():
    assert sorted(WAITS) == WAITS
    assert 60 < sum(WAITS) < 5 * 60
