"""The figures of a report: a few complaints of November 2026, every figure computed by hand."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from conftest import wita
from support.metric_cases import (
    AS_OF,
    BENCH,
    NOVEMBER,
    SEES,
    case,
    event_at,
    figures,
    gathered_of,
)

from sla.engine.context import ComplaintFacts
from sla.engine.evaluate import evaluate
from sla.events import ANY_KIND, Event, Knowledge
from sla.metrics.case import Status
from sla.metrics.definitions import OPTIONAL, SHAPES
from sla.metrics.tables import Tellings, codes_of, report
from sla.periods import Period

INFORMATION = "sp4n-guideline/information"  # 5 working days
VERIFICATION = "sp4n/verification"  # 3 working days, the administrator's


def seen(kind, after, until, knowledge=Knowledge.OBSERVED):
    return Event(kind, wita(until), wita(until), "lapor", wita(after), knowledge)


CASES = [
    # due Mon 9 Nov, settled that day: met, 5 working days
    case("met", event_at("received", "2026-11-02 10:00"), event_at("settled", "2026-11-09 23:00")),
    # due Tue 10 Nov, settled Thu 12: met late, 7 working days
    case("late", event_at("received", "2026-11-03 10:00"), event_at("settled", "2026-11-12 10:00")),
    # due Wed 11 Nov, nothing done: 13 working days late on Mon 30 Nov (12, 13, 16-20, 23-27, 30)
    case("breached", event_at("received", "2026-11-04 10:00"), unit="pupr", channel="sms"),
    # due Thu 12 Nov, over before the first look on the 23rd: no verdict
    case(
        "unknown",
        event_at("received", "2026-11-05 10:00"),
        seen("settled", "2026-11-05 10:00", "2026-11-23 07:00", Knowledge.UNKNOWN),
    ),
    # due Fri 13 Nov, seen settled between that morning and Monday's: met by the benefit of doubt,
    # 6 working days to the later of the two looks
    case(
        "doubt",
        event_at("received", "2026-11-06 10:00"),
        seen("settled", "2026-11-13 07:00", "2026-11-16 07:00"),
        unit="pupr",
    ),
    # withdrawn: waived
    case(
        "withdrawn",
        event_at("received", "2026-11-09 10:00"),
        event_at("withdrawn", "2026-11-10 10:00"),
    ),
    # due Thu 3 Dec: open, not late, and not among November's deadlines
    case("running", event_at("received", "2026-11-26 10:00"), unit="pupr"),
    # received in October, due Mon 2 Nov, settled that day: not received in November but due in it
    case(
        "october", event_at("received", "2026-10-26 10:00"), event_at("settled", "2026-11-02 10:00")
    ),
    # no rule of settlement for a report without classification: counted, never evaluated
    case("unclassified", event_at("received", "2026-11-12 10:00"), classification=None),
    # settled in time, and open again since the 26th
    case(
        "reopened",
        event_at("received", "2026-11-10 10:00"),
        event_at("settled", "2026-11-12 10:00"),
        event_at("reopened", "2026-11-26 10:00"),
    ),
]


ALL = ("verdicts", "met", "met_late", "breached", "unknown", "waived", "by_policy")


def verdicts(table, row):
    """The deadlines of a row by verdict, those that there are."""
    counts = {name: table.value(row, name) for name in ALL}
    return {name: number for name, number in counts.items() if number}


def behind(table, row):
    return set(table.row(row).tickets)


@pytest.fixture(scope="module")
def november():
    return figures(CASES)


def value(tables, figure, column="value"):
    return tables["headline"].value(figure, column)


PLACED = {"met": "Sukamaju", "late": "Sukamaju", "breached": "Sidorejo", "october": "Sidorejo"}
RATED = {"met": 5, "late": 4, "doubt": 4, "running": 4, "october": 1}


@pytest.fixture(scope="module")
def placed():
    return figures(
        [replace(c, place=PLACED.get(c.ticket), rating=RATED.get(c.ticket)) for c in CASES]
    )


def test_places_count_what_came_ended_fell_due_and_is_late(placed):
    """Received, settled, evaluated duties, share on time, late; the most received first."""
    table = placed["by_place"]
    assert {row.key: row.cells for row in table.rows} == {
        "": (6, 1, 2, 1.0, 0),
        "Sukamaju": (2, 2, 2, 0.5, 0),
        "Sidorejo": (1, 1, 2, 0.5, 1),
    }
    assert [row.key for row in table.rows] == ["", "Sukamaju", "Sidorejo"]
    assert table.total.cells == (9, 4, 6, 4 / 6, 1)
    assert behind(table, "Sidorejo") == {"breached", "october"}
    assert all(row.small for row in table.rows)


def test_ratings_are_those_of_the_received_complaints_and_none_is_zero(placed):
    """5, 4, 4 and 4: the mean 4.25 is rounded up, as spreadsheets do."""
    table = placed["rating"]
    assert {row.key: row.cells[0] for row in table.rows} == {
        **{"mean": 4.3, "rated": 4},
        **{"5": 1, "4": 3, "3": 0, "2": 0, "1": 0},
    }
    assert table.row("mean").of == {"rated": 4}
    assert behind(table, "4") == {"late", "doubt", "running"}
    assert table.total is None


def test_a_period_without_a_rated_complaint_has_no_table_of_ratings():
    found = figures([replace(CASES[-3], place="Sukamaju", rating=1)])  # received in October
    assert "rating" not in found
    assert found["by_place"].row("Sukamaju").cells == (0, 1, 1, 1.0, 0)


def test_the_tables_are_those_of_the_shapes_and_every_row_fits_its_columns(november):
    assert list(november) == [key for key in SHAPES if key not in OPTIONAL]
    for key, table in november.items():
        own = tuple(column for column in table.columns if not column.of)
        assert (table.of, own) == SHAPES[key]
        assert all(len(row.cells) == len(table.columns) for row in table.rows)
        assert all(list(row.tickets) == sorted(row.tickets) for row in table.rows)


def test_received_are_those_that_came_in_the_period(november):
    assert value(november, "received") == 9  # all but the one of October
    assert behind(november["headline"], "received") == {c.ticket for c in CASES} - {"october"}
    assert november["by_classification"].value("information_request", "received") == 8
    assert november["by_classification"].value("", "received") == 1
    assert [row.key for row in november["by_channel"].rows] == ["web", "sms"]
    assert november["by_category"].value("jalan", "received") == 9


def test_settled_are_those_with_their_final_settlement_at_a_known_time_in_it(november):
    settled = {"met", "late", "doubt", "october"}
    assert value(november, "settled") == 4
    assert behind(november["headline"], "settled") == settled
    assert behind(november["headline"], "first_settled") == settled | {"reopened"}
    assert behind(november["headline"], "settled_unknown") == {"unknown"}
    assert november["trend"].value("2026-11", "settled") == 4


def test_a_settlement_at_an_unknown_time_counts_in_the_month_of_the_receipt_only():
    """Received in September and over before the first import in November."""
    cases = [
        case(
            "over",
            event_at("received", "2026-09-28 10:00"),
            seen("settled", "2026-09-28 10:00", "2026-11-23 07:00", Knowledge.UNKNOWN),
        ),
        case(
            "x", event_at("received", "2026-10-05 10:00"), event_at("settled", "2026-10-06 10:00")
        ),
    ]
    months = {
        month: figures(
            cases, Period(f"2026-{month:02}", date(2026, month, 1), date(2026, month, last))
        )
        for month, last in ((9, 30), (10, 31), (11, 30))
    }
    counted = {
        month: tuple(value(found, key) for key in ("settled", "first_settled", "settled_unknown"))
        for month, found in months.items()
    }
    assert counted == {9: (0, 0, 1), 10: (1, 1, 0), 11: (0, 0, 0)}
    assert behind(months[9]["headline"], "settled_unknown") == {"over"}
    trend = [row.cells[:3] for row in months[11]["trend"].rows[-3:]]
    assert trend == [(1, 0, 1), (1, 1, 0), (0, 0, 0)]
    assert value(months[9], "mean_days_to_settlement") is None
    # it may have been settled in October: the settled of October are no comparison for November
    before = [
        value(months[11], key, "previous") for key in ("received", "settled", "first_settled")
    ]
    assert before == [1, None, None]


def test_the_settlement_after_a_reopening_is_the_final_one():
    steps = [
        event_at("settled", "2026-10-12 10:00"),
        event_at("reopened", "2026-10-26 10:00"),
        event_at("settled", "2026-11-02 10:00"),
        event_at("closed", "2026-11-12 10:00"),
    ]
    found = figures([case("x", event_at("received", "2026-10-05 10:00"), *steps)])
    assert (value(found, "settled"), value(found, "settled", "previous")) == (1, 0)
    assert (value(found, "first_settled"), value(found, "first_settled", "previous")) == (0, 1)
    assert value(found, "median_days_to_settlement") == 20  # from 5 October to 2 November


def test_a_mean_of_days_is_rounded_as_spreadsheets_do():
    """2, 2, 2 and 3 working days: 2.25 becomes 2.3."""
    cases = [
        case(
            str(day),
            event_at("received", "2026-11-02 10:00"),
            event_at("settled", f"2026-11-0{4 + (day > 2)} 10:00"),
        )
        for day in range(4)
    ]
    assert value(figures(cases), "mean_days_to_settlement") == 2.3


def test_followed_up_is_a_share_of_the_received(november):
    # met, late, unknown, doubt, reopened
    assert value(november, "followed_up_share") == 5 / 9
    assert value(november, "followed_up_share", "previous") is None


def test_followed_up_within_five_days_compares_at_the_same_age(november):
    """Within 5 working days: met and reopened; late is seen after 7.

    Left out: unknown, for its time; doubt, seen in an interval around the fifth day; and running,
    which came 2 working days ago.
    """
    row = november["headline"].row("followed_up_within_5")
    assert row.cells == (2 / 6, 1.0, None)
    assert row.of == {"value": 6, "previous": 1, "year_before": 0}
    assert "running" not in row.tickets


@pytest.mark.parametrize(
    ("sees", "share", "in_five_days"),
    [
        ({"received", "assigned", "verified", "settled", "follow_up_answered"}, None, None),
        (SEES | {"assigned", "follow_up_published", "follow_up_answered"}, 1.0, None),
    ],
)
def test_an_answer_of_the_reporter_proves_a_follow_up_at_an_unknown_time(sees, share, in_five_days):
    """Answered 7 working days after the receipt: the follow-up may have been within 5.

    A source without follow-ups has no share, for one complaint proves nothing about the others.
    """
    steps = [
        event_at("received", "2026-11-02 10:00"),
        event_at("follow_up_answered", "2026-11-11 10:00"),
    ]
    one = replace(case("x", *steps, sees=frozenset(sees)), sees=frozenset(sees))
    assert one.status is Status.IN_PROCESS
    found = figures([one])
    assert value(found, "followed_up_share") == share
    assert value(found, "followed_up_within_5") == in_five_days
    assert value(found, "mean_days_to_follow_up") is None


@pytest.mark.parametrize(
    ("today", "share"),
    [("2026-11-09 18:00", None), ("2026-11-10 18:00", 0)],  # 5 working days since the 2nd, and 6
)
def test_a_complaint_has_its_five_days_before_it_counts(today, share):
    """Also one that was followed up: else the share would be too high while many are young."""
    received = event_at("received", "2026-11-02 10:00")
    for steps, found in (((), share), ((event_at(*FOLLOWED),), None if share is None else 1)):
        one = case("x", received, *steps, as_of=today)
        assert value(figures([one], as_of=today), "followed_up_within_5") == found


RECEIVED = "2026-11-02 10:00"  # the 5 working days end on Mon 9 Nov
FOLLOWED = ("follow_up_published", "2026-11-04 10:00")
SHOWN = frozenset({"received", "assigned", "follow_up_published", "settled"})


def doubt(since, kind=ANY_KIND):
    return seen(kind, since, "2026-11-20 07:00", Knowledge.UNREADABLE)


@pytest.mark.parametrize(
    ("steps", "doubts", "sees", "covered", "soon", "followed"),
    [
        ((), (), SHOWN, None, 0, 0),
        ((), (), None, None, 0, 0),  # everything is visible
        ((FOLLOWED,), (), SHOWN, None, 1, 1),
        # the source has no such step: nothing is measured, not even an early settlement
        ((), (), SEES, None, None, None),
        ((("settled", "2026-11-04 10:00"),), (), SEES, None, None, None),
        ((), (), frozenset(), None, None, None),
        # not shown any more: since before the end, since after it, and since after a follow-up
        ((), (doubt("2026-11-09 07:00"),), SHOWN, None, None, None),
        ((), (doubt("2026-11-10 07:00"),), SHOWN, None, 0, None),
        ((FOLLOWED,), (doubt("2026-11-05 07:00"),), SHOWN, None, 1, 1),
        # the step cannot be read: the late settlement does not say when it happened
        (
            (("settled", "2026-11-18 10:00"),),
            (doubt("2026-11-05 07:00", "follow_up_published"),),
            SHOWN,
            None,
            None,
            1,
        ),
        # a doubt about something else
        ((), (doubt("2026-11-05 07:00", "assignee"),), SHOWN, None, 0, 0),
        # the newest import of the source: before the end, and after it
        ((), (), SHOWN, date(2026, 11, 9), None, 0),
        ((), (), SHOWN, date(2026, 11, 10), 0, 0),
        ((FOLLOWED,), (), SHOWN, date(2026, 11, 5), None, 1),
        ((FOLLOWED,), (), SHOWN, date(2026, 11, 10), 1, 1),
    ],
)
def test_silence_is_no_missing_follow_up(steps, doubts, sees, covered, soon, followed):
    """A complaint is measured only if it is known whether it was followed up in time."""
    events = [event_at("received", RECEIVED), *(event_at(*step) for step in steps)]
    one = replace(case("x", *events), doubts=doubts, sees=sees)
    cases, _ = gathered_of([one])
    if covered is not None:
        cases = replace(cases, covered_until=np.array([covered.toordinal()]))
    as_of = wita(AS_OF)
    tables = report(cases, NOVEMBER, BENCH, as_of, tellings=Tellings.none(), findings={})
    for figure, share in (("followed_up_within_5", soon), ("followed_up_share", followed)):
        row = tables[0].row(figure)
        assert (row.cells[0], row.of["value"]) == (share, int(share is not None)), figure


def test_complaints_no_longer_shown_are_a_finding_of_the_data():
    gone = replace(doubt("2026-11-05 07:00"), source_field="absent/")
    asked = replace(doubt("2026-11-05 07:00"), source_field="status/question/status")
    cases = [
        replace(case("gone", event_at("received", RECEIVED)), doubts=(gone,)),
        replace(case("asked", event_at("received", RECEIVED)), doubts=(asked,)),
        replace(case("october", event_at("received", "2026-10-26 10:00")), doubts=(gone,)),
        case("shown", event_at("received", RECEIVED)),
    ]
    quality = figures(cases)["quality"]
    assert (quality.value("absent", "number"), behind(quality, "absent")) == (1, {"gone"})
    cells, _ = gathered_of(cases)
    day = date(2026, 11, 20).toordinal()
    assert dict(zip(cells.tickets, cells.absent_since.tolist(), strict=True)) == {
        "asked": 0,
        "gone": day,
        "october": day,
        "shown": 0,
    }


def test_open_and_late_are_counted_now_whenever_received(november):
    assert value(november, "open") == 4
    assert behind(november["headline"], "open") == {
        "breached",
        "running",
        "unclassified",
        "reopened",
    }
    units = november["by_unit"]
    assert {unit: units.value(unit, "open") for unit in ("pupr", "dinkes")} == {
        "pupr": 2,
        "dinkes": 2,
    }
    assert value(november, "late") == 1
    assert (units.value("pupr", "late"), units.value("dinkes", "late")) == (1, 0)


def test_the_share_of_deadlines_kept_leaves_out_what_is_not_known(november):
    # met: met, doubt, october, reopened; its second clock is due on 3 December
    assert verdicts(november["by_rule"], INFORMATION) == {
        "verdicts": 6,
        "met": 4,
        "met_late": 1,
        "breached": 1,
        "unknown": 1,
        "waived": 1,
        "by_policy": 1,
    }
    assert value(november, "on_time") == 4 / 6
    assert behind(november["headline"], "on_time") == {
        "met",
        "doubt",
        "october",
        "reopened",
        "late",
        "breached",
    }


def test_each_unit_has_its_own_share_and_few_are_ranked_last(november):
    units = november["by_unit"]
    assert verdicts(units, "dinkes") == {
        "verdicts": 4,
        "met": 3,
        "met_late": 1,
        "unknown": 1,
        "waived": 1,
    }
    assert verdicts(units, "pupr") == {"verdicts": 2, "met": 1, "breached": 1, "by_policy": 1}
    assert [row.small for row in units.rows] == [True, True]
    assert [row.key for row in units.rows] == ["pupr", "dinkes"]
    assert units.value("dinkes", "reopened") == 1


def test_a_duty_missed_in_the_interval_of_an_assignment_is_late_at_no_unit_but_in_the_sums():
    received, first_import = wita("2026-11-02 10:00"), wita("2026-11-16 08:00")
    events = (
        event_at("received", "2026-11-02 10:00"),
        Event(
            "assigned",
            first_import,
            first_import,
            "lapor",
            received,
            Knowledge.UNKNOWN,
            "dinkes",
        ),
    )
    facts = ComplaintFacts(sees=SEES, classification="information_request")
    deadlines = tuple(evaluate(facts, events, BENCH, wita(AS_OF)))
    one = replace(case("a", events[0]), events=events, deadlines=deadlines)
    settled = [
        case(f"s{n}", events[0], event_at("settled", "2026-11-03 10:00"), unit="pupr")
        for n in range(5)
    ]
    tables = figures([one, *settled])
    units = tables["by_unit"]
    # the last row, although its share is the lowest
    assert [row.key for row in units.rows] == ["pupr", "dinkes", ""]
    assert verdicts(units, "") == {"verdicts": 1, "breached": 1}
    assert verdicts(units, "dinkes") == {}
    assert (units.value("", "late"), units.value("dinkes", "late")) == (0, 1)
    assert units.total.cells[:4] == (6, 5, 0, 1)
    assert [row.cells[2] for row in tables["late"].rows] == ["dinkes"]
    assert {row.key for row in tables["unit_trend"].rows} == {"pupr", ""}


def shown(kind, unit=None, at="2026-11-12 08:00"):
    """An event that one import shows after that of the day before."""
    return Event(
        kind,
        wita(at),
        wita(at),
        "lapor",
        wita(at) - timedelta(days=1),
        Knowledge.OBSERVED,
        unit,
    )


@pytest.mark.parametrize(
    ("steps", "returned"),
    [
        # the status says so; the administrator has it now
        ([shown("returned")], {"dinkes": 1}),
        # the status says so, and a day later the register has the next unit
        (
            [
                shown("returned"),
                shown("returned", "dinkes", "2026-11-13 08:00"),
                shown("assigned", "pupr", "2026-11-13 08:00"),
            ],
            {"dinkes": 1},
        ),
        # the register has another unit, for example after a merger
        ([shown("returned", "dinkes"), shown("assigned", "pupr")], {}),
        # the unit is empty now, or the administrator's
        ([shown("returned", "dinkes")], {"dinkes": 1}),
        ([shown("returned", "dinkes"), shown("assigned", "kominfo")], {"dinkes": 1}),
        # stated by the source
        (
            [
                event_at("returned", "2026-11-12 08:00"),
                event_at("assigned", "2026-11-12 08:00", "pupr"),
            ],
            {"dinkes": 1},
        ),
    ],
)
def test_a_return_counts_for_the_unit_that_had_the_complaint(steps, returned):
    one = case("a", event_at("received", "2026-11-09 10:00"), *steps)
    tables = figures([replace(one, unit="pupr")])
    units = tables["by_unit"]
    assert tables["headline"].value("returned", "value") == sum(returned.values())
    assert {r.key: n for r in units.rows if (n := units.value(r.key, "returned"))} == returned


def test_a_return_is_one_also_if_the_source_never_showed_a_unit():
    received = event_at("received", "2026-11-09 10:00")
    one = replace(case("a", received, unit=None), events=(received, shown("returned")), unit=None)
    assert figures([one])["by_unit"].value("", "returned") == 1


def test_what_is_late_is_listed_with_its_working_days(november):
    (row,) = november["late"].rows
    assert row.cells[:6] == ("breached", 13, "pupr", INFORMATION, "jalan", date(2026, 11, 11))
    assert row.tickets == ("breached",)


def test_how_much_is_not_exactly_known_is_said(november):
    quality = november["quality"]
    assert quality.value("history_unknown", "number") == 1
    assert quality.value("observed_times", "number") == 1
    assert quality.value("by_policy", "number") == 1
    assert quality.value("quarantined", "number") == 3
    assert behind(quality, "by_policy") == {"doubt"}


def test_days_to_settlement_leave_out_what_was_over_before_the_first_look(november):
    # 5 (met), 7 (late), 6 (doubt), 5 (october); reopened has no final settlement yet
    days = [
        value(november, f"{which}_days_to_settlement") for which in ("mean", "median", "ninetieth")
    ]
    assert days == [5.8, 5.5, 7.0]
    assert "unknown" not in behind(november["headline"], "mean_days_to_settlement")


def test_without_follow_ups_there_is_no_time_to_one(november):
    assert value(november, "mean_days_to_follow_up") is None


def test_open_cases_are_counted_by_their_age_in_working_days(november):
    # on Mon 30 Nov: breached 18, running 2, unclassified 12, reopened 14
    ages = {row.key: row.cells for row in november["ageing"].rows}
    assert ages == {
        "0-3": (1, 0),
        "4-5": (0, 0),
        "6-14": (2, 0),
        "15-30": (1, 1),
        "31-60": (0, 0),
        "61-": (0, 0),
    }


def test_the_trend_has_thirteen_months_and_ends_with_that_of_the_period(november):
    rows = november["trend"].rows
    assert [rows[0].key, rows[-1].key, len(rows)] == ["2025-11", "2026-11", 13]
    assert november["trend"].value("2026-11", "received") == 9
    assert november["trend"].value("2026-10", "received") == 1
    assert november["trend"].value("2026-11", "share") == 4 / 6
    assert november["trend"].value("2026-10", "share") is None


def test_the_headline_stands_beside_the_period_before_and_the_year_before(november):
    assert value(november, "received", "previous") == 1
    assert value(november, "received", "year_before") == 0
    assert value(november, "on_time", "year_before") is None
    assert value(november, "open", "previous") is None


def test_what_followed_an_escalation_is_counted_by_case():
    """Told on Mon 9 November; the last of them only on Wed 25, too late for the 7 days."""
    cases = [
        case(
            "soon",
            event_at("received", "2026-11-02 10:00"),
            event_at("settled", "2026-11-11 10:00"),
        ),
        case(
            "later",
            event_at("received", "2026-11-02 10:00"),
            event_at("settled", "2026-11-18 10:00"),
        ),
        case("never", event_at("received", "2026-11-02 10:00")),
        case("fresh", event_at("received", "2026-11-02 10:00")),
        case(
            "before",
            event_at("received", "2026-11-02 10:00"),
            event_at("settled", "2026-11-06 10:00"),
        ),
    ]
    notifications = [
        (ticket, "plus-3", "2026-11-09") for ticket in ("soon", "later", "never", "before")
    ]
    notifications += [("never", "plus-3", "2026-11-16"), ("fresh", "plus-3", "2026-11-24")]
    table = figures(cases, notified=notifications)["escalations"]
    (row,) = table.rows
    # within 3: soon of five (the days of fresh are over); within 7: soon and later of four; the
    # fourteenth day after the 9th is the 27th
    assert row.cells == ("escalation", 6, 5, 1 / 5, 2 / 4, 2 / 4)
    assert row.of == {"settled_within_3": 5, "settled_within_7": 4, "settled_within_14": 4}
    assert row.tickets == ("before", "fresh", "later", "never", "soon")


def test_a_settlement_counts_in_a_share_after_a_notice_only_when_its_days_are_over():
    """Told on Wed 25 November: the third working day after it is Mon 30, the day of the report."""
    received = event_at("received", "2026-11-02 10:00")
    settled = case("settled", received, event_at("settled", "2026-11-26 10:00"))
    cases = [settled, case("open", received)]
    for told, shares in (("2026-11-25", (None, None)), ("2026-11-24", (1 / 2, None))):
        notified = [(each.ticket, "plus-3", told) for each in cases]
        (row,) = figures(cases, notified=notified)["escalations"].rows
        assert row.cells[3:5] == shares
        counted = row.of["settled_within_3"], row.of["settled_within_7"]
        assert counted == ((0, 0) if shares[0] is None else (2, 0))


@pytest.mark.parametrize("kind", ["settled", "closed"])
def test_a_settlement_after_a_notice_counts_although_the_complaint_was_reopened(kind):
    steps = [(kind, "2026-11-11 10:00"), ("reopened", "2026-11-20 10:00")]
    again = case("0", event_at("received", "2026-11-02 10:00"), *(event_at(*s) for s in steps))
    tables = figures([again], notified=[("0", "plus-3", "2026-11-09")])
    (row,) = tables["escalations"].rows
    assert row.cells[3:] == (1.0, 1.0, 1.0)
    assert tables["headline"].value("settled", "value") == 0


@pytest.mark.parametrize(
    ("covered", "absent", "cells", "counted"),
    [
        # the third working day after Tue 10 is Fri 13, the seventh Thu 19
        (date(2026, 11, 13), None, (None, None), (0, 0)),
        (date(2026, 11, 14), None, (None, None), (0, 0)),
        (date(2026, 11, 16), None, (1 / 2, None), (2, 0)),
        (date(2026, 11, 20), None, (1 / 2, 1 / 2), (2, 2)),
        (date(2026, 11, 30), None, (1 / 2, 1 / 2), (2, 2)),
        # the open one is known until the day before the import that no longer showed it
        (date(2026, 11, 30), date(2026, 11, 16), (1.0, 1.0), (1, 1)),
        (date(2026, 11, 30), date(2026, 11, 17), (1 / 2, 1.0), (2, 1)),
    ],
)
def test_no_settlement_after_a_notice_is_missed_that_its_source_could_not_show(
    covered, absent, cells, counted
):
    """Notified on Tue 10 November: one is settled on the next day, the other never."""
    received = event_at("received", "2026-11-02 10:00")
    settled = case("0", received, event_at("settled", "2026-11-11 10:00"))
    gathered, _ = gathered_of([settled, case("1", received)])
    known = replace(
        gathered,
        covered_until=np.full(2, covered.toordinal()),
        absent_since=np.array([0, absent.toordinal() if absent else 0]),
    )
    day = date(2026, 11, 10).toordinal()
    tellings = Tellings(np.arange(2), np.full(2, day, np.int64), ["plus-3"] * 2, ["escalation"] * 2)
    tables = report(known, NOVEMBER, BENCH, wita(AS_OF), tellings=tellings, findings={})
    (row,) = next(table for table in tables if table.key == "escalations").rows
    assert row.cells[3:5] == cells
    assert tuple(row.of.values())[:2] == counted


def test_columns_have_the_smallest_numbers_and_codes_of_many_complaints_64_bits():
    """The index of a complaint times a day, or a unit times the complaints, passes 32 bits."""
    soon = case(
        "0", event_at("received", "2026-11-02 10:00"), event_at("settled", "2026-11-11 10:00")
    )
    tickets = [f"{number:04}" for number in range(600)]
    cases = [replace(soon, ticket=ticket) for ticket in tickets]
    gathered, _ = gathered_of(cases)
    small = {gathered.status.itemsize, gathered.d_state.itemsize, gathered.open.itemsize}
    days = {gathered.received.itemsize, gathered.d_case.itemsize, gathered.settlements.itemsize}
    assert (small, days) == ({1}, {4})
    notified = [(ticket, "plus-3", "2026-11-09") for ticket in tickets]
    (row,) = figures(cases, notified=notified)["escalations"].rows
    assert row.cells == ("escalation", 600, 600, 1.0, 1.0, 1.0)
    keys = np.array([5_000], np.int32)
    assert codes_of(keys, 1_000_000, np.array([7], np.int32)).tolist() == [5_000_000_007]


def test_the_latest_item_of_a_list_is_the_one_longest_late():
    cases = [
        case("b", event_at("received", "2026-11-04 10:00")),
        case("c", event_at("received", "2026-11-05 10:00")),
        case("a", event_at("received", "2026-11-05 11:00")),
    ]
    late = figures(cases)["late"].rows
    assert [row.cells[:2] for row in late] == [("b", 13), ("a", 12), ("c", 12)]


def test_a_report_late_by_two_rules_is_one_late_report_of_each_unit():
    sees = SEES | {"verified", "follow_up_published"}
    found = figures([case("x", event_at("received", "2026-11-02 10:00"), sees=sees)])
    assert {row.cells[3] for row in found["late"].rows} == {INFORMATION, "sp4n/first-follow-up"}
    assert value(found, "late") == 1
    assert found["by_unit"].value("dinkes", "late") == 1


def test_the_deadline_of_a_complainant_is_in_no_figure():
    sees = SEES | {"material_requested", "material_completed"}
    lapsed = case(
        "x",
        event_at("received", "2026-09-01 10:00"),
        event_at("material_requested", "2026-10-05 10:00"),  # lapses on 4 November
        sees=sees,
        classification="complaint",
    )
    assert {d.rule.id for d in lapsed.deadlines} >= {"uu-25-2009/completion"}
    assert figures([lapsed])["by_rule"].row("uu-25-2009/completion") is None


def test_each_table_has_the_sums_of_its_columns(november):
    totals = {key: table.total.cells for key, table in november.items() if table.total}
    verdicts = (6, 4, 1, 1, 1, 1, 1, 4 / 6)
    assert totals == {
        "by_rule": (*verdicts, 1),
        "by_unit": (*verdicts, 4, 1, 1, 0),
        "status": (9, 0, 3, 0, 1, 4, 0, 1, 0),
        "unit_rule": (4 / 6,),
        "unit_trend": (*[None] * 12, 4 / 6),
        "ahead": (0, 0, 0, 2, *[0] * 10, 2),
        "by_classification": (9, *verdicts, 4, 1),
        "by_category": (9, *verdicts, 4, 1),
        "by_channel": (9, *verdicts, 4, 1),
        "ageing": (4, 1),
        "trend": (10, 4, 1, 6, 4 / 6),
    }


def test_a_complaint_late_after_its_end_is_late_in_every_table_but_the_one_of_the_open():
    """Closed in the app, and the Ombudsman's request for an explanation is still unanswered."""
    steps = [
        event_at("settled", "2026-10-02 10:00"),
        event_at("clarification_requested", "2026-10-05 10:00"),
    ]
    sees = SEES | {"clarification_requested", "clarification_sent"}
    one = case("x", event_at("received", "2026-10-01 10:00"), *steps, sees=sees)
    found = figures([one])
    assert value(found, "late") == 1
    assert found["by_category"].value("jalan", "late") == 1
    assert [row.cells for row in found["ageing"].rows] == [(0, 0)] * 6
    assert found["by_rule"].total.cells[-1] == value(found, "late_duties") == 1


def test_verification_is_the_administrators_and_not_the_units():
    sees = SEES | {"verified"}
    verified = case(
        "x",
        event_at("received", "2026-11-02 10:00"),
        event_at("verified", "2026-11-03 10:00"),
        sees=sees,
    )
    units = figures([verified], as_of="2026-11-03 18:00")["by_unit"]
    assert verdicts(units, "kominfo") == {"verdicts": 1, "met": 1}


@pytest.mark.parametrize(
    ("received", "in_november"),
    [
        ("2026-10-31 23:59:59", 0),
        ("2026-11-01 00:00", 1),  # still October by UTC
        ("2026-11-30 23:59:59", 1),
        ("2026-12-01 00:00", 0),
    ],
)
def test_a_period_is_of_local_days(received, in_november):
    one = case("x", event_at("received", received), as_of="2026-12-01 12:00")
    assert value(figures([one], as_of="2026-12-01 12:00"), "received") == in_november


def test_a_deadline_still_running_in_the_period_is_not_evaluated_yet():
    running = case("x", event_at("received", "2026-11-05 10:00"), as_of="2026-11-10 08:00")
    found = figures([running], as_of="2026-11-10 08:00")
    assert value(found, "on_time") is None
    assert verdicts(found["by_rule"], INFORMATION) == {}


def test_nothing_gives_no_shares_and_no_days():
    found = figures([])
    assert (value(found, "received"), value(found, "followed_up_share")) == (0, None)
    assert value(found, "mean_days_to_settlement") is None
    assert (found["late"].rows, found["by_unit"].rows) == ((), ())
    assert [row.cells for row in found["trend"].rows] == [(0, 0, 0, 0, None)] * 13


@pytest.mark.parametrize(("met", "late", "small"), [(1, 0, True), (2, 2, True), (3, 2, False)])
def test_a_share_of_fewer_than_five_is_a_small_number(met, late, small):
    start = event_at("received", "2026-11-02 10:00")
    cases = [case(f"m{n}", start, event_at("settled", "2026-11-03 10:00")) for n in range(met)]
    cases += [case(f"l{n}", start, event_at("settled", "2026-11-20 10:00")) for n in range(late)]
    (row,) = figures(cases)["by_unit"].rows
    assert row.small is small


def test_half_of_ten_took_this_long_and_nine_of_ten_no_longer_than_that():
    start = event_at("received", "2026-11-02 10:00")
    cases = [
        case(
            str(n), start, event_at("settled", f"{date(2026, 11, 2) + timedelta(days=days)} 10:00")
        )
        for n, days in enumerate([0, 1, 1, 2, 2, 3, 3, 4, 7, 21])  # the last two: 5 and 15
    ]
    found = figures(cases)
    days = [
        value(found, f"{which}_days_to_settlement") for which in ("mean", "median", "ninetieth")
    ]
    assert days == [3.6, 2.5, 5.0]
    assert len(behind(found["headline"], "median_days_to_settlement")) == 10


@pytest.mark.parametrize(
    ("kinds", "is_open"),
    [
        ([], True),
        (["settled"], False),
        (["closed"], False),
        (["archived"], False),
        (["withdrawn"], False),
        (["settled", "reopened"], True),
        (["settled", "reopened", "settled"], False),
        (["settled", "follow_up_published"], False),
    ],
)
def test_a_case_is_open_until_it_ends_and_again_when_it_is_reopened(kinds, is_open):
    events = [event_at(kind, f"2026-11-{day:02} 10:00") for day, kind in enumerate(kinds, start=3)]
    assert case("x", event_at("received", "2026-11-02 10:00"), *events).is_open is is_open
