"""The figures kept beside each complaint are those that judging it anew would give, at any moment.

See `front_desk` for these cases; test_truth.py compares them through a month of the example site.
"""

from dataclasses import replace
from datetime import date

import pytest
from conftest import ON_SQLITE_FIRST, wita
from sqlalchemy import select
from support.kept_metrics import compare, judged_anew, kept
from support.pipeline import at, decide, deliver, register, since

from db import metrics
from db.models import Complaint
from sla.engine.context import Policy
from sla.periods import parse
from tasks.reports.compute import compute_tables


@ON_SQLITE_FIRST
def test_figures_hold_from_the_judgment_that_first_found_them(context):
    register(context, "2026-11-20 08:00", at("Dinas Sosial", Selesai="19/11/2026 10:00"))
    decide(context, "2026-11-20 08:05")
    with context.transaction() as session:
        session.scalars(select(Complaint)).one().next_action_at = wita("2026-11-21 08:00")
    decide(context, "2026-11-21 08:00")  # the same again
    with context.transaction() as session:
        row = session.scalars(select(Complaint)).one()
        assert (row.metrics_since, row.evaluated_at) == (
            wita("2026-11-20 08:05"),
            wita("2026-11-21 08:00"),
        )
        assert kept(session, wita("2026-11-20 08:04")) == {}
        assert set(kept(session, wita("2027-03-01 08:00"))) == {row.id}
        assert kept(session, wita("2027-03-01 08:00"), date(2026, 11, 24)) == {}  # due on the 23rd


@ON_SQLITE_FIRST
def test_what_was_learnt_in_between_may_have_been_otherwise_then(context):
    """Settled by a look and taken back by the next: judged before and after, not in between."""
    register(context, "2026-11-17 08:00", at("Dinas Sosial"))
    decide(context, "2026-11-17 08:05")
    register(context, "2026-11-17 10:00", at("Dinas Sosial", Selesai="17/11/2026 09:00"))
    register(context, "2026-11-17 12:00", at("Dinas Sosial"))
    decide(context, "2026-11-17 13:00")
    for moment in ("2026-11-17 09:00", "2026-11-17 11:00", "2026-11-17 12:30", "2026-11-17 14:00"):
        compare(context, wita(moment))


@ON_SQLITE_FIRST
def test_another_ruleset_makes_all_of_them_doubtful(context, monkeypatch):
    """Until a run of deadlines has judged by it a report judges anew, and afterwards the past."""
    register(
        context, "2026-11-20 08:00", at("Dinas Sosial"), at("DLH", "FD-2", **since("02/11/2026"))
    )
    decide(context, "2026-11-20 08:05")
    context.site.evaluation_context = replace(context.site.evaluation_context, policy=Policy.STRICT)
    period, as_of = parse("2026-11", date(2026, 11, 20)), wita("2026-11-20 18:00")
    with context.transaction() as session:
        before = compute_tables(session, context, period, as_of)
    assert before == judged_anew(monkeypatch, context, period, as_of)
    decide(context, "2026-11-21 08:00")
    with context.transaction() as session:
        assert kept(session, as_of) == {}
        assert len(kept(session, wita("2026-11-21 08:00"))) == 2
    assert compare(context, wita("2026-11-21 09:00")) == 2


@ON_SQLITE_FIRST
def test_a_complaint_that_cannot_be_judged_has_none(context):
    register(context, "2026-11-20 08:00", at("Dinas Sosial"))
    decide(context, "2026-11-20 08:05")
    with context.transaction() as session:
        session.scalars(select(Complaint)).one().next_action_at = wita("2026-11-20 09:00")
    calendar = context.site.evaluation_context.calendar
    short = type(calendar)(calendar.first, date(2026, 11, 20))
    context.site.evaluation_context = replace(context.site.evaluation_context, calendar=short)
    assert decide(context, "2026-11-20 09:00").not_evaluated == ["FD-1"]
    with context.transaction() as session:
        assert kept(session, wita("2026-11-20 10:00")) == {}
        assert len(metrics.to_evaluate(session, wita("2026-11-20 10:00"))) == 1


@ON_SQLITE_FIRST
def test_who_was_told_of_a_case_long_over_still_counts(context, monkeypatch, server):
    """Its settlement was recorded too late: it was over before the first day that counts here."""
    old = at("Dinas Sosial", **since("03/02/2025"))
    register(context, "2026-11-20 08:00", old)
    decide(context, "2026-11-20 08:05")
    deliver(context, "2026-11-20 08:06")
    register(context, "2026-11-21 08:00", old | {"Selesai": "05/02/2025 10:00"})
    decide(context, "2026-11-21 08:05")
    period, as_of = parse("2026-11", date(2026, 11, 21)), wita("2026-11-21 18:00")
    with context.transaction() as session:
        tables = compute_tables(session, context, period, as_of)
    assert tables == judged_anew(monkeypatch, context, period, as_of)
    (row,) = next(table.rows for table in tables if table.key == "escalations")
    assert row.tickets == ("FD-1",)


@ON_SQLITE_FIRST
@pytest.mark.parametrize("sparse", [0, 1, 3], ids=["single ids", "both ways", "whole blocks"])
def test_metrics_are_the_same_read_by_blocks_or_by_single_ids(context, monkeypatch, sparse):
    """Blocks of 3 ids; two complaints of seven are over before the report's first day."""
    received = [since(day) for day in (*["02/11/2026"] * 3, "18/11/2026", *["02/11/2026"] * 3)]
    rows = (
        at(
            "DLH",
            f"FD-{n}",
            **since_then,
            **({"Selesai": "03/11/2026 10:00"} if n in (2, 6) else {}),
        )
        for n, since_then in enumerate(received, start=1)
    )
    register(context, "2026-11-20 08:00", *rows)
    decide(context, "2026-11-20 08:05")
    monkeypatch.setattr(metrics, "AT_ONCE", 3)
    monkeypatch.setattr(metrics, "SPARSE", sparse)
    with context.transaction() as session:
        tickets = [
            ticket
            for _, tickets, _ in metrics.kept(session, date(2026, 11, 19), wita("2026-11-20 18:00"))
            for ticket in tickets
        ]
    assert sorted(tickets) == ["FD-1", "FD-3", "FD-4", "FD-5", "FD-7"]
