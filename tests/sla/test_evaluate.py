"""Many complaints judged at once, past views, and histories that cannot be."""

from datetime import date, datetime, timedelta

import pytest
from conftest import REPOSITORY, WITA, wita
from hypothesis import given, settings
from hypothesis import strategies as st

from sla.calendar import Calendar, OutsideCalendar, indonesian_days_off
from sla.engine.context import ComplaintFacts, EvaluationContext, Policy
from sla.engine.deadline import State
from sla.engine.evaluate import CaseHistory, evaluate, evaluate_all, history
from sla.events import Event, ImpossibleHistory, Kind, Knowledge
from sla.regulations.loader import load

LAW = load([REPOSITORY / "regulations"])
FIRST, LAST = date(2024, 1, 1), date(2029, 12, 31)
HOLIDAYS = indonesian_days_off(range(2024, 2030))
WORKING = Calendar(FIRST, LAST, days_off=HOLIDAYS)
EVERY = Calendar.every_day(FIRST, LAST)
RECEIVED = wita("2026-11-02 10:00")
RULE = "sp4n-guideline/complaint"  # 14 working days


def context(policy=Policy.BENEFIT_OF_DOUBT):
    return EvaluationContext(LAW, WORKING, EVERY, WITA, policy, administrator_unit="kominfo")


def event(kind, at, **more):
    return Event(kind, at, more.pop("recorded", at), "register", **more)


KINDS = st.sampled_from(
    [
        Kind.VERIFIED,
        Kind.ASSIGNED,
        Kind.RETURNED,
        Kind.MATERIAL_REQUESTED,
        Kind.MATERIAL_COMPLETED,
        Kind.FILE_COMPLETE,
        Kind.DECIDED,
        Kind.DELIVERED,
        Kind.FOLLOW_UP_PUBLISHED,
        Kind.RESPONDED,
        Kind.SETTLED,
        Kind.CLOSED,
        Kind.WITHDRAWN,
        Kind.REOPENED,
        Kind.PAUSED,
        Kind.RESUMED,
    ]
)
HOURS = st.integers(0, 24 * 60)


@st.composite
def an_event(draw):
    """An event of the months after the receipt, given or observed, recorded then or later."""
    at = RECEIVED + timedelta(hours=draw(HOURS))
    kind = draw(KINDS)
    unit = draw(st.sampled_from(["dinkes", "pupr"])) if kind == Kind.ASSIGNED else None
    recorded = at + timedelta(hours=draw(st.integers(0, 72)))
    if draw(st.booleans()):
        return Event(kind, at, recorded, "register", unit=unit)
    after = max(RECEIVED, at - timedelta(hours=draw(st.integers(1, 48))))
    knowledge = draw(st.sampled_from([Knowledge.OBSERVED, Knowledge.UNKNOWN]))
    return Event(kind, at, recorded, "lapor", after, knowledge, unit)


@st.composite
def cases(draw):
    classification = draw(
        st.sampled_from(["complaint", "supervisory_complaint", "information_request", None])
    )
    facts = ComplaintFacts(classification=classification, system="sp4n-lapor")
    return CaseHistory(
        facts, [event(Kind.RECEIVED, RECEIVED), *draw(st.lists(an_event(), max_size=7))]
    )


MOMENTS = HOURS.map(lambda hours: RECEIVED + timedelta(hours=hours))


@settings(max_examples=60)
@given(st.lists(cases(), min_size=1, max_size=6), MOMENTS, st.sampled_from(Policy))
def test_many_at_once_are_judged_as_each_alone(cases, as_of, policy):
    together = evaluate_all(cases, context(policy), as_of)
    for case, judged in zip(cases, together, strict=True):
        assert judged.deadlines == evaluate(case.facts, case.events, context(policy), as_of)
        assert judged.known == history(case.facts, case.events, context(policy), as_of)


@settings(max_examples=60)
@given(cases(), st.lists(an_event(), max_size=4), MOMENTS)
def test_a_past_view_hangs_on_what_was_recorded_by_then_alone(case, later, as_of):
    unrecorded = [e for e in later if e.recorded_at > as_of]
    now = evaluate(case.facts, [*case.events, *unrecorded], context(), as_of)
    assert now == evaluate(case.facts, case.events, context(), as_of)


def plain_state(start, stop, stretches, as_of):
    """14 working days said once more, plainly: walk day by day, skip what does not count."""
    left, day = 14, start.astimezone(WITA).date()
    while left:
        day += timedelta(days=1)
        if day > date(2028, 1, 1):
            return State.MET if stop else State.PAUSED
        held = any(begins < day and (ends is None or day <= ends) for begins, ends in stretches)
        if WORKING.counts(day) and not held:
            left -= 1
    if stop:
        return State.MET if stop.astimezone(WITA).date() <= day else State.MET_LATE
    return State.BREACHED if as_of.astimezone(WITA).date() > day else State.RUNNING


@settings(max_examples=100)
@given(HOURS, st.lists(st.integers(1, 24 * 50), max_size=3), st.none() | HOURS, HOURS)
def test_a_verdict_equals_the_plain_reading_of_the_law(start, pauses, stop, later):
    received = RECEIVED + timedelta(hours=start)
    events, stretches, at = [event(Kind.RECEIVED, received)], [], received
    for number, span in enumerate(pauses):
        at += timedelta(hours=span)
        kind = (Kind.PAUSED, Kind.RESUMED)[number % 2]
        events.append(event(kind, at))
        if kind == Kind.PAUSED:
            stretches.append([at.astimezone(WITA).date(), None])
        else:
            stretches[-1][1] = at.astimezone(WITA).date()
    settled = None
    if stop is not None:
        settled = at + timedelta(hours=stop + 1)
        events.append(event(Kind.SETTLED, settled))
    as_of = max(e.latest for e in events) + timedelta(hours=later)
    (deadline,) = [
        d
        for d in evaluate(ComplaintFacts(classification="complaint"), events, context(), as_of)
        if d.rule.id == RULE
    ]
    found = State.RUNNING if deadline.state is State.PAUSED and deadline.due else deadline.state
    assert found is plain_state(received, settled, stretches, as_of)


def test_one_odd_date_keeps_no_other_from_being_judged():
    facts = ComplaintFacts(classification="complaint")
    good = CaseHistory(facts, [event(Kind.RECEIVED, RECEIVED)])
    odd = CaseHistory(facts, [event(Kind.RECEIVED, wita("2029-12-28 10:00"))])
    before = CaseHistory(facts, [*good.events, event(Kind.SETTLED, RECEIVED - timedelta(days=1))])
    as_of = wita("2029-12-29 08:00")
    judged = evaluate_all([good, odd, good, before], context(), as_of)
    errors = [type(each.error) for each in judged]
    assert errors == [type(None), OutsideCalendar, type(None), ImpossibleHistory]
    assert judged[0].deadlines == judged[2].deadlines != []


def test_a_step_before_the_receipt_is_an_error_and_never_a_verdict():
    events = [
        event(Kind.RECEIVED, RECEIVED),
        event(Kind.SETTLED, RECEIVED - timedelta(minutes=1)),
    ]
    with pytest.raises(ImpossibleHistory, match=r"settled .*01:59 UTC.* before the receipt"):
        evaluate(ComplaintFacts(), events, context(), wita("2026-11-24 08:00"))


def test_the_service_complained_of_may_lie_before_the_receipt():
    events = [
        event(Kind.SERVICE_RECEIVED, RECEIVED - timedelta(days=20)),
        event(Kind.RECEIVED, RECEIVED),
    ]
    found = {
        d.rule.id: d.state
        for d in evaluate(ComplaintFacts(), events, context(), wita("2026-11-03 08:00"))
    }
    assert found["uu-25-2009/filing"] is State.MET


def test_ten_thousand_events_on_one_complaint_have_a_defined_answer():
    events = [event(Kind.RECEIVED, RECEIVED)]
    for number in range(5_000):
        at = RECEIVED + timedelta(minutes=2 * number + 2)
        events += [event(Kind.PAUSED, at), event(Kind.RESUMED, at + timedelta(minutes=1))]
    as_of = RECEIVED + timedelta(days=10)
    (deadline,) = [
        d
        for d in evaluate(ComplaintFacts(classification="complaint"), events, context(), as_of)
        if d.rule.id == RULE
    ]
    # every pause begins and ends within a day: no day is lost
    assert deadline.state is State.RUNNING
    assert deadline.due == datetime(2026, 11, 20, 23, 59, 59, 999999, tzinfo=WITA)
