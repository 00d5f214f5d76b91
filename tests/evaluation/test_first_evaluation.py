"""Helpers share the first evaluation of a backlog: the database is as if the run had been alone."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import ON_BOTH, kind_of_database, wita
from sqlalchemy import func, select, update
from support.pipeline import (
    BREACHED,
    ESCALATED,
    UNITS,
    at,
    change_law,
    decide,
    dump,
    register,
    since,
)

from db import audit_verify
from db.engine import open_engine
from db.models import EventRow, NoticeRow
from tasks import deadlines
from tasks.common import helpers
from tasks.common.context import SiteContext
from tasks.common.helpers import Helpers
from tasks.deadlines import EvaluationCount, evaluate_and_notify

LATE = 60
ANCIENT = {"latest": datetime(1995, 1, 2, tzinfo=UTC)}
"""A time before the calendar begins."""


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """Of both kinds only where a test is marked."""
    return kind_of_database(request)


@pytest.fixture(autouse=True)
def a_helper_does_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let some complaints be a backlog of many batches, and the run wait for its helper."""
    monkeypatch.setattr(deadlines, "BATCH", 5)
    monkeypatch.setattr(deadlines, "SHARED", LATE)
    monkeypatch.setattr(helpers, "AHEAD", 0)


def backlog(context: SiteContext, number: int = LATE) -> None:
    """Register complaints that are late, each with a category that no other has."""
    entries = (
        at(UNITS[n % len(UNITS)], f"FD-{n:04}", Kategori=f"Hal {n}", **since("02/11/2026"))
        for n in range(number)
    )
    register(context, BREACHED, *entries)


def decide_together(context: SiteContext) -> EvaluationCount:
    """A deadline run with a helper."""
    return evaluate_and_notify(context, wita(BREACHED), f"deadlines {BREACHED}", helpers=1)


def copied(context: SiteContext, file: Path) -> SiteContext:
    """The same site on a copy of its database."""
    with context.engine.connect() as connection:
        connection.rollback()
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute(f"VACUUM INTO '{file}'")
    return SiteContext(context.site, open_engine(f"sqlite:///{file}"))


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of results that came from helpers, for each run."""
    found: list[int] = []
    close = Helpers.__exit__

    def noted(self: Helpers, *error: Any) -> None:
        found.append(self.results_used)
        close(self, *error)

    monkeypatch.setattr(Helpers, "__exit__", noted)
    return found


def test_the_database_is_as_if_the_run_had_been_alone(context, tmp_path, used):
    """Of each batch some are late, one cannot be evaluated, and all have new labels."""
    backlog(context)
    with context.transaction() as session:
        session.execute(update(EventRow).where(EventRow.complaint_id % 5 == 0).values(**ANCIENT))
    other = copied(context, tmp_path / "other.db")
    counts = decide(other, BREACHED), decide_together(context)
    assert counts[0] == counts[1]
    assert (counts[0].evaluated, len(counts[0].not_evaluated)) == (LATE * 4 // 5, LATE // 5)
    assert used == [LATE // 5]
    assert dump(context) == dump(other)
    other.close()


@ON_BOTH
def test_each_complaint_is_evaluated_once_and_audited(context, used):
    backlog(context)
    count = decide_together(context)
    assert (count.evaluated, count.breached, sum(count.notices.values())) == (LATE,) * 3
    assert used == [LATE // 5]
    with context.transaction() as session:
        assert session.scalar(select(func.count()).select_from(NoticeRow)) == LATE
    with context.engine.connect() as connection:
        assert audit_verify.verify(connection).fault is None
    assert decide_together(context).evaluated == 0


def test_complaints_with_deadlines_are_left_to_the_run(context, used):
    """After a change of the ruleset no complaint has an evaluation by the new one."""
    backlog(context)
    decide_together(context)
    change_law(context.site.folder)
    changed = SiteContext.open(context.site.folder)
    count = evaluate_and_notify(changed, wita(ESCALATED), "by the new law", helpers=1)
    assert count.evaluated == LATE
    first, again = used
    assert first == LATE // 5
    assert 1 <= again <= helpers.QUEUED  # the helper says so of the first batch, or the next too
    changed.close()


def test_a_helper_with_other_rules_than_the_run_evaluates_nothing(context, used):
    backlog(context)
    change_law(context.site.folder)  # while the run works by the rules that it has loaded
    assert decide_together(context).evaluated == LATE
    (results,) = used
    assert 1 <= results <= helpers.QUEUED


def test_a_few_new_complaints_start_no_helper(context, used):
    backlog(context, LATE - 1)
    assert decide_together(context).evaluated == LATE - 1
    assert used == []
