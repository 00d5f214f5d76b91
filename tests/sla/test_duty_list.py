"""The list of duties: every figure of every table can be counted again from its rows."""

from dataclasses import replace
from datetime import date

import pytest
from conftest import wita
from hypothesis import given, settings
from hypothesis import strategies as st
from support.duty_reports import counted, report_of, rows_of
from support.histories import histories
from support.metric_cases import case, event_at
from support.programs import sized

from sla.events import Event, Knowledge
from sla.periods import Period

MONTH = Period("2026-11", date(2026, 11, 1), date(2026, 11, 30))
WEEK = Period("2026-W46", date(2026, 11, 9), date(2026, 11, 15))
NOT_OF_COMPLAINTS = {("quality", "quarantined")}
LISTS = {"late", "statements"}


@pytest.mark.long
@settings(max_examples=sized(40, 400))
@given(histories(recommended=True), st.sampled_from([MONTH, WEEK]), st.data())
def test_every_figure_of_every_table_is_counted_again_by_its_filter(cases, period, data):
    rungs = st.sampled_from(["half", "breach", "plus-3"])
    days = st.sampled_from(["2026-10-12", "2026-11-10", "2026-11-12", "2026-11-27"])
    told = data.draw(
        st.lists(
            st.tuples(
                st.sampled_from([each.ticket for each in cases]),
                st.sampled_from(["reminder", "breach"]),
                rungs,
                days,
            ),
            max_size=12,
        )
        if cases
        else st.just([])
    )
    cases = [
        replace(each, place=(None, "Sukamaju", "Sidorejo")[n % 3], rating=(5, None, 4, 1)[n % 4])
        for n, each in enumerate(cases)
    ]
    report = report_of(cases, period, notified=told)
    rows, seen = rows_of(report), set()
    for each in report.duties.recounts:
        table = report.table(each.table)
        (row,) = (
            row
            for row in (*table.rows, *([table.total] if table.total else []))
            if row.key == each.row and each.kind in ("", "None", str(row.cells[0]))
        )
        cell = dict(zip((c.key for c in table.columns), row.cells, strict=True))[each.column]
        seen.add((each.table, each.row, each.column))
        if cell is not None:
            assert counted(rows, each) == pytest.approx(cell), each
    for table in report.tables:
        for row in (*table.rows, *([table.total] if table.total else [])):
            for column, cell in zip(table.columns, row.cells, strict=True):
                needed = isinstance(cell, int | float) and table.key not in LISTS
                if needed and (table.key, row.key) not in NOT_OF_COMPLAINTS:
                    assert (table.key, row.key, column.key) in seen


def one(ticket, *events, **more):
    """The rows of the duty to settle of one complaint."""
    rows = rows_of(report_of([case(ticket, *events, **more)]))
    return [row for row in rows if row["rule"] == "sp4n-guideline/information"]


DUE = date(2026, 11, 9).toordinal()


@pytest.mark.parametrize(
    ("settled", "verdict", "working_days", "calendar_days", "why"),
    [
        ("2026-11-09 23:00", "met", None, None, None),
        ("2026-11-16 10:00", "met_late", 5, 7, None),
        (None, "breached", 15, 21, None),
    ],
)
def test_a_duty_has_its_days_late_by_both_counts(
    settled, verdict, working_days, calendar_days, why
):
    """Received on Monday 2 November and due on the 9th; the report is of Monday the 30th."""
    events = [event_at("received", "2026-11-02 10:00")]
    events += [event_at("settled", settled)] if settled else []
    (row,) = one("x", *events)
    assert (row["started"], row["due"]) == (date(2026, 11, 2).toordinal(), DUE)
    assert row["stopped"] == (wita(settled).date().toordinal() if settled else None)
    assert (row["verdict"], row["working_days_late"], row["days_late"]) == (
        verdict,
        working_days,
        calendar_days,
    )
    assert row["why"] == why
    assert (row["unit"], row["answerable"], row["holder"]) == ("dinkes",) * 3


def test_a_duty_that_cannot_be_evaluated_says_why():
    seen = Event(
        "settled",
        wita("2026-11-23 07:00"),
        wita("2026-11-23 07:00"),
        "lapor",
        wita("2026-11-02 10:00"),
        Knowledge.UNKNOWN,
    )
    (row,) = one("x", event_at("received", "2026-11-02 10:00"), seen)
    assert (row["verdict"], row["why"]) == ("unknown", "history_unknown")
    assert (row["settled"], row["settled_unknown"]) == (None, date(2026, 11, 23).toordinal())


@pytest.mark.parametrize(("month", "last", "number"), [(9, 30, 1), (10, 31, 0), (11, 30, 0)])
def test_a_settlement_at_an_unknown_time_is_counted_again_in_the_month_of_receipt(
    month, last, number
):
    """Received in September, and over before the first import in November."""
    received = wita("2026-09-28 10:00")
    shown = wita("2026-11-23 07:00")
    over = Event("settled", shown, shown, "lapor", received, Knowledge.UNKNOWN)
    period = Period(f"2026-{month:02}", date(2026, month, 1), date(2026, month, last))
    report = report_of([case("x", event_at("received", "2026-09-28 10:00"), over)], period)
    rows = rows_of(report)
    found = {
        (each.table, each.row, each.column): counted(rows, each)
        for each in report.duties.recounts
        if "settled_unknown" in (each.row, each.column)
    }
    assert found["headline", "settled_unknown", "value"] == number
    assert found["trend", period.name, "settled_unknown"] == number


def test_the_list_has_a_row_for_a_complaint_without_a_duty():
    report = report_of([case("x", event_at("received", "2026-11-12 10:00"), classification=None)])
    (row,) = rows_of(report)
    assert (row["row"], row["ticket"], row["complaint"], row["rule"]) == (
        "complaint",
        "x",
        1,
        None,
    )
