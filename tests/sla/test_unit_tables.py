"""Status, days ahead, and shares of units by rule and month."""

from dataclasses import replace
from datetime import date

import pytest
from conftest import wita
from support.metric_cases import BENCH, NOVEMBER, case, event_at, figures, gathered_of

from sla.events import ANY_KIND, ASSIGNEE, Event, Knowledge
from sla.metrics.outlook import week_ends
from sla.metrics.unit_tables import unit_trend
from sla.periods import Period

BLIND = frozenset({"received", "verified", "assigned", "settled"})


def doubt(kind):
    at = wita("2026-11-10 07:00")
    return Event(kind, at, at, "lapor", wita("2026-11-09 07:00"), Knowledge.UNREADABLE)


@pytest.mark.parametrize(
    ("steps", "facts", "status"),
    [
        ([], {}, "not_followed_up"),
        ([], {"sees": BLIND}, "assigned"),
        (["returned"], {}, "unverified"),
        (["follow_up_published"], {}, "in_process"),
        (["follow_up_published"], {"sees": BLIND}, "in_process"),
        (["responded", "paused"], {}, "put_off"),
        (["paused", "resumed"], {}, "not_followed_up"),
        (["settled"], {}, "finished"),
        (["follow_up_published", "closed"], {}, "finished"),
        (["settled", "reopened"], {}, "in_process"),
        (["archived"], {}, "archived"),
        (["withdrawn"], {}, "archived"),
        ([], {"doubts": (doubt(ANY_KIND),)}, "status_unknown"),
        ([], {"doubts": (doubt("settled"),)}, "status_unknown"),
        ([], {"doubts": (doubt(ASSIGNEE),)}, "not_followed_up"),
        (["settled"], {"doubts": (doubt(ANY_KIND),)}, "finished"),
    ],
)
def test_a_complaint_has_the_status_that_its_last_step_shows(steps, facts, status):
    events = [event_at("received", "2026-11-02 10:00")]
    events += [event_at(kind, f"2026-11-{day:02} 10:00") for day, kind in enumerate(steps, 3)]
    made = replace(case("1", *events), sees=None)
    assert replace(made, **facts).status == status


def test_status_is_of_the_received_and_of_the_unit_that_has_them():
    table = figures(
        [
            case("old", event_at("received", "2026-10-30 10:00")),
            case("a", event_at("received", "2026-11-02 10:00")),
            case("b", event_at("received", "2026-11-02 10:00"), unit="pupr"),
            case(
                "c",
                event_at("received", "2026-11-02 10:00"),
                event_at("settled", "2026-11-03 10:00"),
                unit="pupr",
            ),
        ]
    )["status"]
    assert [(row.key, row.cells[0], row.tickets) for row in table.rows] == [
        ("pupr", 2, ("b", "c")),
        ("dinkes", 1, ("a",)),
    ]
    assert (table.value("pupr", "finished"), table.value("pupr", "not_followed_up")) == (1, 1)


def test_the_days_ahead_have_the_running_duties_of_each_unit():
    """Five working days: 2 November ends on the 9th, 3 November on the 10th."""
    tables = figures(
        [
            case("a", event_at("received", "2026-11-02 10:00"), as_of="2026-11-06 12:00"),
            case("b", event_at("received", "2026-11-03 10:00"), as_of="2026-11-06 12:00"),
            case(
                "paused",
                event_at("received", "2026-11-03 10:00"),
                event_at("paused", "2026-11-04 10:00"),
                sees=BLIND | {"paused", "resumed"},
                as_of="2026-11-06 12:00",
            ),
            case(
                "late",
                event_at("received", "2026-10-26 10:00"),
                unit="pupr",
                as_of="2026-11-06 12:00",
            ),
        ],
        as_of="2026-11-06 12:00",
    )
    ahead, forecast = tables["ahead"], tables["forecast"]
    assert [column.key for column in ahead.columns[:2]] == ["2026-11-06", "2026-11-07"]
    assert len(ahead.columns) == 15
    (row,) = ahead.rows
    shown = dict(zip([column.key for column in ahead.columns], row.cells, strict=True))
    assert (row.key, row.tickets) == ("dinkes", ("a", "b"))
    assert {day: number for day, number in shown.items() if number} == {
        "2026-11-09": 1,
        "2026-11-10": 1,
        "ends": 2,
    }
    assert [(row.key, row.cells) for row in forecast.rows] == [
        ("2026-11-06", (0, 0, 1)),
        ("2026-11-13", (2, 2, 3)),
        ("2026-11-20", (2, 2, 3)),
        ("2026-11-27", (2, 2, 3)),
    ]


@pytest.mark.parametrize(
    ("today", "days"),
    [
        ("2026-11-23", ["2026-11-27", "2026-12-04", "2026-12-11", "2026-12-18"]),
        ("2026-11-27", ["2026-11-27", "2026-12-04", "2026-12-11", "2026-12-18"]),
        ("2026-11-28", ["2026-12-04", "2026-12-11", "2026-12-18", "2026-12-23"]),
        ("2026-12-24", ["2026-12-31", "2027-01-08", "2027-01-15", "2027-01-22"]),
        ("2027-12-27", ["2027-12-31"]),  # the calendar has no later week
    ],
)
def test_a_week_ends_with_its_last_working_day(today, days):
    found = week_ends(BENCH.calendar, date.fromisoformat(today))
    assert [f"{day}" for day in found] == days


def test_the_months_of_a_unit_are_those_with_data_and_by_the_due_day():
    def one(ticket, received, settled):
        return case(ticket, event_at("received", received), event_at("settled", settled))

    cases = [
        one("a", "2026-09-28 10:00", "2026-10-02 10:00"),  # due 5 October: on time
        one("b", "2026-10-26 10:00", "2026-11-06 10:00"),  # due 2 November: late
        one("c", "2026-11-02 10:00", "2026-11-03 10:00"),
    ]
    table = figures(cases)["unit_trend"]
    (row,) = table.rows
    months = [column.key for column in table.columns]
    assert (months[0], months[-1], len(months)) == ("2025-11", "2026-11", 13)
    assert row.cells[-3:] == (None, 1.0, 0.5)
    assert row.of == {"2026-10": 1, "2026-11": 2}


def test_without_complaints_the_tables_of_units_are_empty():
    tables = figures([], Period("2026-11", NOVEMBER.first, NOVEMBER.last))
    for key in ("status", "unit_rule", "unit_trend", "ahead"):
        assert (tables[key].rows, tables[key].total) == ((), None)
    assert [row.cells for row in tables["forecast"].rows] == [(0, 0, 0)] * 4


def test_before_the_first_receipt_there_are_no_months():
    gathered, _ = gathered_of([case("1", event_at("received", "2026-11-02 10:00"))])
    found = unit_trend(gathered, gathered.d_state >= 0, [])
    assert (found.columns, found.rows, found.total.cells) == ((), [], ())
