"""A deadline told day by day, as a manager or a court could read it."""

from dataclasses import replace
from datetime import date

import pytest
from conftest import REPOSITORY, WITA, wita
from hypothesis import given, settings
from hypothesis import strategies as st

from sla.calendar import Calendar, DayOff, indonesian_days_off, with_corrections
from sla.engine.context import ComplaintFacts, EvaluationContext, Policy
from sla.engine.evaluate import evaluate
from sla.engine.explain import CountedDay, DayMark, day_counts, explain
from sla.events import Event, Knowledge
from sla.regulations.loader import load
from sla.regulations.model import Law

FIRST, LAST = date(2025, 1, 1), date(2027, 12, 31)
LAW = load([REPOSITORY / "regulations", REPOSITORY / "examples" / "boston" / "regulations"])
WORKING = Calendar(
    FIRST,
    LAST,
    days_off=with_corrections(
        indonesian_days_off(range(2025, 2028)),
        add={date(2026, 10, 12): DayOff("Hari Jadi Kabupaten Contoh", "Keputusan Bupati")},
    ),
)
EVERY = Calendar.every_day(FIRST, LAST)
INFORMATION = "sp4n-guideline/information"  # 5 working days
RESPONSE = "uu-25-2009/response"  # 14 days


def event_at(kind, at):
    return Event(kind, wita(at), wita(at), "register")


def deadline(rule, events, as_of, policy=Policy.BENEFIT_OF_DOUBT, law=LAW, **facts):
    facts = ComplaintFacts(**({"classification": "information_request"} | facts))
    judged = evaluate(
        facts, events, EvaluationContext(law, WORKING, EVERY, WITA, policy), wita(as_of)
    )
    return next(d for d in judged if d.rule.id == rule)


def explained(rule, events, as_of, until=None, **more):
    """(day of the month, mark, number) of every day."""
    days = explain(
        deadline(rule, events, as_of, **more),
        EvaluationContext(LAW, WORKING, EVERY, WITA),
        until=until,
    )
    return [(day.day.day, day.mark.value, day.number) for day in days]


def test_weekends_and_holidays_by_name_are_passed_over_up_to_the_due_day():
    # the worked example: 17, 25, 26, 27, 30 March 2026
    found = deadline(INFORMATION, [event_at("received", "2026-03-16 10:00")], "2026-03-17 08:00")
    days = explain(found, EvaluationContext(LAW, WORKING, EVERY, WITA))
    march = [(day.day.day, day.mark, day.number or day.name) for day in days]
    assert march == [
        (16, DayMark.START, ""),
        (17, DayMark.COUNTED, 1),
        (18, DayMark.HOLIDAY, "Cuti Bersama Hari Suci Nyepi"),
        (19, DayMark.HOLIDAY, "Hari Suci Nyepi"),
        (20, DayMark.HOLIDAY, "Cuti Bersama Hari Raya Idul Fitri"),
        (21, DayMark.HOLIDAY, "Hari Raya Idul Fitri"),
        (22, DayMark.HOLIDAY, "Hari kedua dari Hari Raya Idul Fitri"),
        (23, DayMark.HOLIDAY, "Cuti Bersama Hari Raya Idul Fitri"),
        (24, DayMark.HOLIDAY, "Cuti Bersama Hari Raya Idul Fitri"),
        (25, DayMark.COUNTED, 2),
        (26, DayMark.COUNTED, 3),
        (27, DayMark.COUNTED, 4),
        (28, DayMark.WEEKEND, ""),
        (29, DayMark.WEEKEND, ""),
        (30, DayMark.COUNTED, 5),
    ]
    assert [day.day for day in days if day.due] == [date(2026, 3, 30)]


def test_a_holiday_of_the_site_is_named_as_people_there_call_it():
    found = deadline(INFORMATION, [event_at("received", "2026-10-09 10:00")], "2026-10-12 08:00")
    days = explain(found, EvaluationContext(LAW, WORKING, EVERY, WITA))
    assert days[3] == CountedDay(
        date(2026, 10, 12),
        DayMark.HOLIDAY,
        off=DayOff("Hari Jadi Kabupaten Contoh", "Keputusan Bupati"),
    )


def test_in_calendar_days_every_day_counts():
    found = deadline(
        RESPONSE,
        [event_at("received", "2026-03-16 10:00")],
        "2026-03-17 08:00",
        classification="complaint",
    )
    days = explain(found, EvaluationContext(LAW, WORKING, EVERY, WITA))
    assert [day.number for day in days] == [None, *range(1, 15)]
    assert days[-1] == CountedDay(date(2026, 3, 30), DayMark.COUNTED, 14, due=True)


def test_days_of_a_pause_are_told_as_such_weekends_within_it_too():
    events = [
        event_at("received", "2026-11-02 10:00"),
        event_at("paused", "2026-11-04 10:00"),
        event_at("resumed", "2026-11-10 10:00"),
    ]
    assert explained(INFORMATION, events, "2026-11-11 08:00") == [
        (2, "start", None),
        (3, "counted", 1),
        (4, "counted", 2),  # the day on which the pause begins counts
        *((day, "pause", None) for day in range(5, 11)),  # the day on which it ends does not
        (11, "counted", 3),
        (12, "counted", 4),
        (13, "counted", 5),
    ]


def test_while_paused_the_days_are_told_up_to_the_day_asked_for():
    events = [event_at("received", "2026-11-02 10:00"), event_at("paused", "2026-11-03 10:00")]
    as_of = "2026-11-05 08:00"
    assert explained(INFORMATION, events, as_of, until=date(2026, 11, 5)) == [
        (2, "start", None),
        (3, "counted", 1),
        (4, "pause", None),
        (5, "pause", None),
    ]
    assert explained(INFORMATION, events, as_of) == [(2, "start", None)]


def test_by_policy_the_days_are_those_of_the_due_day_that_binds():
    assigned = Event(
        "assigned",
        wita("2026-11-09 07:00"),
        wita("2026-11-09 07:00"),
        "lapor",
        wita("2026-11-06 07:00"),
        Knowledge.OBSERVED,
        "dinkes",
    )
    for policy, first, last in [(Policy.BENEFIT_OF_DOUBT, 9, 16), (Policy.STRICT, 6, 13)]:
        days = explained("sp4n/first-follow-up", [assigned], "2026-11-10 08:00", policy=policy)
        assert (days[0], days[-1]) == ((first, "start", None), (last, "counted", 5))


def test_a_deadline_that_rolls_goes_on_to_a_working_day():
    rolled = Law([replace(rule, roll=True) for rule in LAW.rules if rule.id == RESPONSE])
    events = [
        event_at("received", "2026-03-05 10:00")
    ]  # day 14 is Nyepi; the next worked day the 25th
    days = explained(RESPONSE, events, "2026-03-10 08:00", law=rolled, classification="complaint")
    assert days[14] == (19, "counted", 14)
    assert days[15:] == [(day, "rolled", None) for day in range(20, 26)]


def test_a_promised_time_has_no_count():
    promised = wita("2026-11-04 15:30")
    events = [event_at("received", "2026-11-02 10:00")]
    assert explained("boston/promise", events, "2026-11-03 08:00", promised_due=promised) == []


BENCH = EvaluationContext(LAW, WORKING, EVERY, WITA)


@pytest.mark.parametrize(
    ("rule", "more", "as_of", "days", "late"),
    [
        # information: 5 working days from Monday the 2nd to Monday the 9th
        (INFORMATION, {}, "2026-11-06 08:00", (4, 4, 0), None),
        (INFORMATION, {}, "2026-11-24 08:00", (16, 22, 0), (11, 15)),
        (INFORMATION, {"settled": "2026-11-12 10:00"}, "2026-11-24 08:00", (8, 10, 0), (3, 3)),
        (INFORMATION, {"settled": "2026-11-04 10:00"}, "2026-11-24 08:00", (2, 2, 0), None),
        # a pause from the 4th to the 10th: the days 5 to 10 do not count; due on the 13th
        (
            INFORMATION,
            {"paused": "2026-11-04 10:00", "resumed": "2026-11-10 10:00"},
            "2026-11-16 08:00",
            (6, 8, 6),
            (1, 3),
        ),
        (INFORMATION, {"paused": "2026-11-04 10:00"}, "2026-11-09 08:00", (2, 2, 5), None),
        # the first response: 14 days to the 16th
        (RESPONSE, {}, "2026-11-24 08:00", (16, 22, 0), (6, 8)),
    ],
)
def test_both_day_counts_go_on_to_today_or_to_the_stop(rule, more, as_of, days, late):
    events = [event_at("received", "2026-11-02 10:00")]
    events += [event_at(kind, at) for kind, at in more.items()]
    classification = "complaint" if rule == RESPONSE else "information_request"
    found = deadline(rule, events, as_of, classification=classification)
    counts = day_counts(found, BENCH, wita(as_of).date())
    assert (counts.working_days, counts.days, counts.days_paused) == days
    lateness = (counts.working_days_late, counts.days_late)
    assert lateness == (late or (None, None))


def test_the_days_after_a_missed_deadline_are_numbered_to_the_stop():
    events = [event_at("received", "2026-11-02 10:00"), event_at("settled", "2026-11-17 10:00")]
    days = explained(INFORMATION, events, "2026-11-24 08:00", until=date(2026, 11, 24))
    assert days[7] == (9, "counted", 5)
    assert days[8:] == [
        *((day, "late", day - 9) for day in range(10, 14)),
        (14, "weekend", None),
        (15, "weekend", None),
        (16, "late", 5),
        (17, "late", 6),
    ]


HOURS = st.integers(0, 24 * 60)


@settings(max_examples=80)
@given(HOURS, st.tuples(HOURS, HOURS), st.sampled_from([INFORMATION, RESPONSE]))
def test_an_explanation_counts_the_length_of_the_rule_and_ends_on_the_due_day(start, pause, rule):
    received = wita("2026-02-01 00:00").toordinal() + start // 24
    begins = received + pause[0] // 24
    at = [date.fromordinal(day) for day in (received, begins, begins + pause[1] // 24)]
    kinds = ("received", "paused", "resumed")
    events = [event_at(kind, f"{day} 10:00") for kind, day in zip(kinds, at, strict=True)]
    classification = "complaint" if rule == RESPONSE else "information_request"
    found = deadline(rule, events, "2027-01-01 00:00", classification=classification)
    days = explain(found, EvaluationContext(LAW, WORKING, EVERY, WITA))
    counted = [day.number for day in days if day.mark is DayMark.COUNTED]
    assert counted == list(range(1, found.rule.length + 1))
    assert days[-1].due
    assert days[-1].day == found.due.date()
    assert [day.day.toordinal() for day in days] == list(
        range(received, found.due.date().toordinal() + 1)
    )


@pytest.mark.parametrize("hour", ["00:00", "23:59:59"])
def test_the_first_day_is_the_local_day_of_the_start(hour):
    events = [event_at("received", f"2026-11-02 {hour}")]
    assert explained(INFORMATION, events, "2026-11-03 08:00")[0] == (2, "start", None)
