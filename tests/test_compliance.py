"""The figures of a summary: a few reports of November 2026, every figure computed by hand."""

from datetime import date, timedelta

import pytest
from conftest import REPOSITORY, WITA, wita

from sla.calendar import Calendar, indonesian_days_off
from sla.compliance import OnTime, figures
from sla.deadline import Bench, Facts, Policy
from sla.events import Event, Knowledge
from sla.judge import judge
from sla.lawbook import load

FIRST, LAST = date(2025, 1, 1), date(2027, 12, 31)
BENCH = Bench(
    load([REPOSITORY / "regulations"]),
    Calendar(FIRST, LAST, days_off=indonesian_days_off(range(2025, 2028))),
    Calendar.every_day(FIRST, LAST),
    WITA,
    Policy.BENEFIT_OF_DOUBT,
    administrator_unit="kominfo",
)
INFORMATION = "sp4n-guideline/information"  # 5 working days
VERIFICATION = "sp4n/verification"  # 3 working days, the administrator's
NOVEMBER = Period("2026-11", date(2026, 11, 1), date(2026, 11, 30))
AS_OF = "2026-11-30 18:00"
SEES = frozenset({"received", "assigned", "settled"})


def told(kind, at, unit=None):
    return Event(kind, wita(at), wita(at), "register", unit=unit)


def seen(kind, after, until, knowledge=Knowledge.OBSERVED):
    return Event(kind, wita(until), wita(until), "lapor", wita(after), knowledge)


def case(ticket, *events, unit="dinkes", sees=SEES, as_of=AS_OF, **facts):
    """A request for information at a unit, unless told otherwise, judged at `as_of`."""
    facts = {"classification": "information_request", "channel": "web"} | facts
    received = events[0].latest
    events = (events[0], Event("assigned", received, received, "register", unit=unit), *events[1:])
    return Case(
        ticket=ticket, source="register", category="jalan", unit=unit, events=events,
        classification=facts["classification"], channel=facts["channel"],
        received=events[0].latest,
        deadlines=tuple(judge(Facts(sees=sees, **facts), events, BENCH, wita(as_of))),
    )  # fmt: skip


CASES = [
    # due Mon 9 Nov, settled that day: met, 5 working days
    case("met", told("received", "2026-11-02 10:00"), told("settled", "2026-11-09 23:00")),
    # due Tue 10 Nov, settled Thu 12: met late, 7 working days
    case("late", told("received", "2026-11-03 10:00"), told("settled", "2026-11-12 10:00")),
    # due Wed 11 Nov, nothing done: 13 working days late on Mon 30 Nov (12, 13, 16-20, 23-27, 30)
    case("breached", told("received", "2026-11-04 10:00"), unit="pupr", channel="sms"),
    # due Thu 12 Nov, over before the first look on the 23rd: no verdict
    case(
        "unknown",
        told("received", "2026-11-05 10:00"),
        seen("settled", "2026-11-05 10:00", "2026-11-23 07:00", Knowledge.UNKNOWN),
    ),
    # due Fri 13 Nov, seen settled between that morning and Monday's: met by the benefit of doubt,
    # 6 working days to the later of the two looks
    case(
        "doubt",
        told("received", "2026-11-06 10:00"),
        seen("settled", "2026-11-13 07:00", "2026-11-16 07:00"),
        unit="pupr",
    ),
    # withdrawn: waived
    case("withdrawn", told("received", "2026-11-09 10:00"), told("withdrawn", "2026-11-10 10:00")),
    # due Thu 3 Dec: open, not late, and not among November's deadlines
    case("running", told("received", "2026-11-26 10:00"), unit="pupr"),
    # received in October, due Mon 2 Nov, settled that day: not received in November but due in it
    case("october", told("received", "2026-10-26 10:00"), told("settled", "2026-11-02 10:00")),
    # no rule of settlement for a report without classification: counted, never judged
    case("unclassified", told("received", "2026-11-12 10:00"), classification=None),
    # settled in time, and open again since the 26th
    case(
        "reopened",
        told("received", "2026-11-10 10:00"),
        told("settled", "2026-11-12 10:00"),
        told("reopened", "2026-11-26 10:00"),
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def november():
    return figures(CASES, NOVEMBER, BENCH, wita(AS_OF))


def test_received_are_those_that_came_in_the_period(november):
    assert november.received == 9  # all but the one of October
    assert november.by_classification == {"information_request": 8, "": 1}
    assert november.by_channel == {"web": 8, "sms": 1}


def test_settled_are_those_first_settled_in_it(november):
    assert november.settled == 6  # met, late, unknown, doubt, october, reopened


def test_followed_up_is_a_share_of_the_received(november):
    assert november.followed_up_share == 5 / 9  # met, late, unknown, doubt, reopened


def test_open_and_late_are_counted_now_whenever_received(november):
    assert november.open_now == 4  # breached, running, unclassified, reopened
    assert november.open_by_unit == {"pupr": 2, "dinkes": 2}
    assert november.late_now == 1
    assert november.late_by_unit == {"pupr": 1}


def test_the_share_of_deadlines_kept_leaves_out_what_is_not_known(november):
    # met: met, doubt, october, reopened; its second clock is due on 3 December
    assert november.by_rule == {
        INFORMATION: OnTime(met=4, met_late=1, breached=1, unknown=1, waived=1, by_policy=1)
    }
    assert november.overall.judged == 6
    assert november.overall.share == 4 / 6


def test_each_unit_has_its_own_share(november):
    assert november.by_unit == {
        "dinkes": OnTime(met=3, met_late=1, unknown=1, waived=1),
        "pupr": OnTime(met=1, breached=1, by_policy=1),
    }


def test_what_is_late_is_listed_with_its_working_days(november):
    (item,) = november.late
    assert (item.ticket, item.unit, item.working_days_late) == ("breached", "pupr", 13)


def test_how_much_is_not_exactly_known_is_said(november):
    assert november.history_unknown == 1
    assert november.observed_times == 1


def test_days_to_settlement_leave_out_what_was_over_before_the_first_look(november):
    # 5 (met), 7 (late), 6 (doubt), 5 (october), 2 (reopened)
    days = november.to_settlement
    assert (days.count, days.mean, days.median, days.ninetieth) == (5, 5.0, 5.0, 7.0)


def test_without_follow_ups_there_is_no_time_to_one(november):
    assert november.to_follow_up.count == 0
    assert november.to_follow_up.median is None


def test_the_latest_item_of_a_list_is_the_one_longest_late():
    cases = [
        case("b", told("received", "2026-11-04 10:00")),
        case("c", told("received", "2026-11-05 10:00")),
        case("a", told("received", "2026-11-05 11:00")),
    ]
    late = figures(cases, NOVEMBER, BENCH, wita(AS_OF)).late
    assert [(item.ticket, item.working_days_late) for item in late] == [
        ("b", 13),
        ("a", 12),
        ("c", 12),
    ]


def test_a_report_late_by_two_rules_is_one_late_report_of_each_unit():
    sees = SEES | {"verified", "follow_up_published"}
    both = case("x", told("received", "2026-11-02 10:00"), sees=sees)
    found = figures([both], NOVEMBER, BENCH, wita(AS_OF))
    assert {item.deadline.rule.id for item in found.late} == {
        INFORMATION,
        "sp4n/first-follow-up",
    }
    assert found.late_now == 1
    assert found.late_by_unit == {"dinkes": 1}


def test_the_deadline_of_a_complainant_is_in_no_figure():
    sees = SEES | {"material_requested", "material_completed"}
    lapsed = case(
        "x",
        told("received", "2026-09-01 10:00"),
        told("material_requested", "2026-10-05 10:00"),  # lapses on 4 November
        sees=sees,
        classification="complaint",
    )
    assert {d.rule.id for d in lapsed.deadlines} >= {"uu-25-2009/completion"}
    by_rule = figures([lapsed], NOVEMBER, BENCH, wita(AS_OF)).by_rule
    assert "uu-25-2009/completion" not in by_rule


def test_verification_is_the_administrators_and_not_the_units():
    sees = SEES | {"verified"}
    verified = case(
        "x", told("received", "2026-11-02 10:00"), told("verified", "2026-11-03 10:00"), sees=sees
    )
    by_unit = figures([verified], NOVEMBER, BENCH, wita("2026-11-03 18:00")).by_unit
    assert by_unit["kominfo"] == OnTime(met=1)


@pytest.mark.parametrize(
    ("received", "in_november"),
    [
        ("2026-10-31 23:59:59", False),
        ("2026-11-01 00:00", True),  # still October by UTC
        ("2026-11-30 23:59:59", True),
        ("2026-12-01 00:00", False),
    ],
)
def test_a_period_is_of_local_days(received, in_november):
    one = case("x", told("received", received), as_of="2026-12-01 12:00")
    assert figures([one], NOVEMBER, BENCH, wita("2026-12-01 12:00")).received == in_november


def test_a_deadline_still_running_in_the_period_is_not_judged_yet():
    running = case("x", told("received", "2026-11-05 10:00"), as_of="2026-11-10 08:00")
    found = figures([running], NOVEMBER, BENCH, wita("2026-11-10 08:00"))
    assert found.overall == OnTime()
    assert found.overall.share is None


def test_nothing_gives_no_shares_and_no_days():
    found = figures([], NOVEMBER, BENCH, wita(AS_OF))
    assert (found.received, found.followed_up_share, found.overall.share) == (0, None, None)
    assert found.late == ()
    assert found.to_settlement.mean is None


@pytest.mark.parametrize(
    ("met", "late", "small"), [(0, 0, False), (1, 0, True), (2, 2, True), (3, 2, False)]
)
def test_a_share_of_fewer_than_five_is_a_small_number(met, late, small):
    assert OnTime(met=met, met_late=late, unknown=9, waived=9).small is small


def test_half_of_ten_took_this_long_and_nine_of_ten_no_longer_than_that():
    start = told("received", "2026-11-02 10:00")
    cases = [
        case(str(n), start, told("settled", f"{date(2026, 11, 2) + timedelta(days=days)} 10:00"))
        for n, days in enumerate([0, 1, 1, 2, 2, 3, 3, 4, 7, 21])  # the last two: 5 and 15
    ]
    days = figures(cases, NOVEMBER, BENCH, wita(AS_OF)).to_settlement
    assert (days.count, days.mean, days.median, days.ninetieth) == (10, 3.6, 2.5, 5.0)


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
    events = [told(kind, f"2026-11-{day:02} 10:00") for day, kind in enumerate(kinds, start=3)]
    assert case("x", told("received", "2026-11-02 10:00"), *events).is_open is is_open
