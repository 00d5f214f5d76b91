"""Doubts: a complaint that its source no longer shows, or a field that cannot be read."""

from dataclasses import replace
from datetime import timedelta

import pytest
from conftest import REPOSITORY, WITA, wita
from hypothesis import given, settings
from hypothesis import strategies as st
from test_evaluate import EVERY, MOMENTS, RECEIVED, WORKING, cases, event

from sla.engine.context import ComplaintFacts, EvaluationContext, Policy
from sla.engine.deadline import Reason, State
from sla.engine.evaluate import evaluate
from sla.escalation import next_action_at
from sla.events import (
    ABSENT,
    ANY_KIND,
    ASSIGNEE,
    Event,
    Kind,
    Knowledge,
    events_as_of,
    history_as_of,
)
from sla.regulations.loader import load
from sla.regulations.model import Actor, Law, LengthUnit

LAW = load([REPOSITORY / "regulations"])
INFORMATION = "sp4n-guideline/information"  # 5 working days: from 2 to 9 November 2026
AUTO_CLOSE = "sp4n/auto-close"
RECOMMENDATION = "uu-37-2008/recommendation"
LATE = (State.BREACHED, State.MET_LATE, State.LAPSED)


def doubt(after, at, *, kind=ANY_KIND, slot=ABSENT, retracted=False, recorded=None):
    return Event(
        kind,
        at,
        recorded or at,
        "register",
        earliest=after,
        knowledge=Knowledge.UNREADABLE,
        source_field=slot,
        retracted=retracted,
    )


def context(policy=Policy.BENEFIT_OF_DOUBT):
    return EvaluationContext(LAW, WORKING, EVERY, WITA, policy, administrator_unit="kominfo")


def clock(events, as_of, rule=INFORMATION, **facts):
    asked = ComplaintFacts(
        **({"classification": "information_request", "system": "sp4n-lapor"} | facts)
    )
    (deadline,) = [d for d in evaluate(asked, events, context(), wita(as_of)) if d.rule.id == rule]
    return deadline


START = event(Kind.RECEIVED, RECEIVED)
IN_TIME = event(Kind.SETTLED, wita("2026-11-06 10:00"))
TOO_LATE = event(Kind.SETTLED, wita("2026-11-12 10:00"))
WITHDRAWN = event(Kind.WITHDRAWN, wita("2026-11-05 10:00"))
ABSENT_ON_THE_6TH = doubt(wita("2026-11-05 07:00"), wita("2026-11-06 07:00"))
ABSENT_ON_THE_12TH = doubt(wita("2026-11-11 07:00"), wita("2026-11-12 07:00"))


@pytest.mark.parametrize(
    ("events", "as_of", "state", "reasons"),
    [
        # before the due time: undecided at once, and for good
        ([ABSENT_ON_THE_6TH], "2026-11-06 06:00", State.RUNNING, ()),
        ([ABSENT_ON_THE_6TH], "2026-11-06 08:00", State.UNKNOWN, (Reason.NOT_SHOWN,)),
        ([ABSENT_ON_THE_6TH], "2026-12-01 08:00", State.UNKNOWN, (Reason.NOT_SHOWN,)),
        # seen undone after the due time: the deadline was missed, whatever happened later
        ([ABSENT_ON_THE_12TH], "2026-11-13 08:00", State.BREACHED, (Reason.NOT_SHOWN,)),
        # what is known to be done stays done
        ([IN_TIME, ABSENT_ON_THE_12TH], "2026-11-13 08:00", State.MET, ()),
        ([WITHDRAWN, ABSENT_ON_THE_6TH], "2026-11-13 08:00", State.WAIVED, (Reason.VOIDED,)),
        # late by a real event, but it may have been done in time without being shown
        (
            [TOO_LATE, doubt(wita("2026-11-05 07:00"), wita("2026-11-13 07:00"))],
            "2026-11-14 08:00",
            State.UNKNOWN,
            (Reason.NOT_SHOWN,),
        ),
        (
            [TOO_LATE, doubt(wita("2026-11-12 12:00"), wita("2026-11-13 07:00"))],
            "2026-11-14 08:00",
            State.MET_LATE,
            (),
        ),
    ],
)
def test_what_an_absent_complaint_leaves_decided(events, as_of, state, reasons):
    deadline = clock([START, *events], as_of)
    assert (deadline.state, deadline.reasons) == (state, reasons)


@pytest.mark.parametrize("kind", [ASSIGNEE, Kind.ASSIGNED, Kind.RETURNED])
@pytest.mark.parametrize(
    ("since", "as_of", "state"),
    [
        (RECEIVED, "2026-11-06 08:00", State.RUNNING),
        (RECEIVED, "2026-11-13 08:00", State.UNKNOWN),
        (wita("2026-11-11 07:00"), "2026-11-13 08:00", State.BREACHED),
    ],
)
def test_nobody_is_late_while_an_assignment_or_a_return_is_in_doubt(kind, since, as_of, state):
    raised = max(since, wita("2026-11-05 07:00"))
    unclear = doubt(since, raised, kind=kind, slot="Diteruskan/assigned")
    assert clock([START, unclear], as_of).state is state


@pytest.mark.parametrize("kind", [ASSIGNEE, Kind.ASSIGNED, Kind.RETURNED])
def test_superiors_are_late_whatever_unit_has_the_complaint(kind):
    """The law gives them the report on a recommendation: 60 days, to 24 November 2026."""
    recommended = [event(Kind.RECOMMENDATION_RECEIVED, wita("2026-09-25 08:30"))]
    unclear = doubt(RECEIVED, wita("2026-11-05 07:00"), kind=kind, slot="question/Unit")
    for as_of, state in (("2026-11-24 08:00", State.RUNNING), ("2026-11-25 08:00", State.BREACHED)):
        known = clock(recommended, as_of, RECOMMENDATION)
        asked = clock([*recommended, unclear], as_of, RECOMMENDATION)
        assert (known.state, asked.state, asked.doubt) == (state, state, None)
        assert asked.ticking


def test_a_doubt_about_the_recommendation_itself_keeps_superiors_from_being_late():
    recommended = [event(Kind.RECOMMENDATION_RECEIVED, wita("2026-09-25 08:30"))]
    unclear = doubt(
        wita("2026-09-25 08:00"),
        wita("2026-11-05 07:00"),
        kind=Kind.RECOMMENDATION_RECEIVED,
        slot="question/Rekomendasi Ombudsman",
    )
    deadline = clock([*recommended, unclear], "2026-11-25 08:00", RECOMMENDATION)
    assert (deadline.state, deadline.reasons) == (State.UNKNOWN, (Reason.OPEN_QUESTION,))


@pytest.mark.parametrize(
    ("changed", "weeks", "state"),
    [
        ({}, {}, State.BREACHED),
        ({"roll": True}, {}, State.BREACHED),
        # by another working week the due day may be another one
        ({"roll": True}, {"rsud": EVERY}, State.UNKNOWN),
        ({"unit": LengthUnit.WORKING_DAY, "length": 30}, {"rsud": EVERY}, State.UNKNOWN),
        ({"applies_when": {"unit_kind": frozenset({"", "dinas"})}}, {}, State.UNKNOWN),
        ({"voids": frozenset({Kind.RETURNED})}, {}, State.UNKNOWN),
        # it is the duty of one unit, with one working week
        ({"actor": Actor.LAPOR_ADMINISTRATOR, "roll": True}, {"rsud": EVERY}, State.BREACHED),
        ({"actor": Actor.UNIT}, {}, State.UNKNOWN),
    ],
)
def test_only_what_depends_on_the_unit_is_undecided_without_it(changed, weeks, state):
    rule = replace(LAW.last(RECOMMENDATION), **changed)
    site = replace(context(), law=Law([rule]), unit_calendars=weeks)
    asked = event(Kind.RECOMMENDATION_RECEIVED, wita("2026-09-25 08:30"))
    unclear = doubt(RECEIVED, wita("2026-11-05 07:00"), kind=ASSIGNEE, slot="question/Unit")
    (found,) = evaluate(ComplaintFacts(), [asked, unclear], site, wita("2026-11-26 08:00"))
    assert found.state is state


def test_a_missed_deadline_in_doubt_asks_for_no_action():
    deadline = clock([START, ABSENT_ON_THE_12TH], "2026-11-13 08:00")
    assert deadline.doubt == ABSENT_ON_THE_12TH
    assert not deadline.ticking
    assert next_action_at(deadline, None, context(), wita("2026-11-13 08:00")) is None
    shown_again = doubt(
        wita("2026-11-11 07:00"),
        wita("2026-11-12 07:00"),
        retracted=True,
        recorded=wita("2026-11-13 07:00"),
    )
    back = clock([START, ABSENT_ON_THE_12TH, shown_again], "2026-11-13 08:00")
    assert (back.state, back.ticking, back.doubt) == (State.BREACHED, True, None)
    before = clock([START, ABSENT_ON_THE_12TH, shown_again], "2026-11-13 06:00")
    assert before.doubt == ABSENT_ON_THE_12TH


def test_a_source_that_shows_the_end_late_is_certain_only_after_that_time():
    late = {"shown_later": {Kind.SETTLED: 10}}  # shown by 23 November
    gone = doubt(wita("2026-11-20 07:00"), wita("2026-11-21 07:00"))
    assert clock([START, gone], "2026-11-30 08:00", **late).state is State.UNKNOWN
    gone = doubt(wita("2026-11-24 07:00"), wita("2026-11-25 07:00"))
    assert clock([START, gone], "2026-11-30 08:00", **late).state is State.BREACHED


def test_a_doubt_about_one_kind_concerns_only_the_rules_that_use_it():
    unreadable = doubt(
        RECEIVED, wita("2026-11-06 07:00"), kind=Kind.SETTLED, slot="question/Selesai"
    )
    deadline = clock([START, unreadable], "2026-11-12 08:00")
    assert (deadline.state, deadline.reasons) == (State.UNKNOWN, (Reason.OPEN_QUESTION,))
    elsewhere = doubt(
        RECEIVED,
        wita("2026-11-06 07:00"),
        kind=Kind.CLARIFICATION_SENT,
        slot="question/Klarifikasi",
    )
    assert clock([START, elsewhere], "2026-11-12 08:00").state is State.BREACHED


def test_the_doubt_that_reaches_back_furthest_decides():
    question = doubt(RECEIVED, wita("2026-11-12 07:00"), slot="question/Status")
    deadline = clock([START, ABSENT_ON_THE_12TH, question], "2026-11-13 08:00")
    assert (deadline.state, deadline.doubt) == (State.UNKNOWN, question)


def test_a_doubt_lets_no_deadline_of_the_complainant_lapse():
    follow_up = event(Kind.FOLLOW_UP_PUBLISHED, RECEIVED)  # closes by itself after 16 November
    gone = doubt(wita("2026-11-10 07:00"), wita("2026-11-11 07:00"))
    assert clock([START, follow_up], "2026-11-20 08:00", AUTO_CLOSE).state is State.LAPSED
    assert clock([START, follow_up, gone], "2026-11-20 08:00", AUTO_CLOSE).state is State.UNKNOWN


def test_a_doubt_is_no_event():
    early = doubt(RECEIVED - timedelta(days=9), RECEIVED - timedelta(days=8))
    assert events_as_of([early, START], wita("2026-11-20 08:00")) == [START]
    assert history_as_of([early, START], wita("2026-11-20 08:00")) == ([START], (early,))


@st.composite
def doubts(draw):
    """An absence or an unreadable field, of any kind or of one, with its time."""
    after = draw(MOMENTS)
    kinds = st.sampled_from([ANY_KIND, Kind.RESPONDED, Kind.SETTLED, Kind.RESUMED, Kind.ASSIGNED])
    kind = draw(kinds)
    slot = ABSENT if kind == ANY_KIND else f"question/{kind}"
    return doubt(after, after + timedelta(hours=draw(st.integers(0, 200))), kind=kind, slot=slot)


@settings(max_examples=150)
@given(cases(), doubts(), MOMENTS, st.sampled_from(Policy))
def test_a_doubt_accuses_nobody(case, uncertain, as_of, policy):
    plain = evaluate(case.facts, case.events, context(policy), as_of)
    verdicts = {d.key: d.state for d in plain}
    found = evaluate(case.facts, [*case.events, uncertain], context(policy), as_of)
    for deadline in found:
        if deadline.state in LATE:
            assert verdicts.get(deadline.key) in LATE


@settings(max_examples=150)
@given(cases(), doubts(), MOMENTS, st.sampled_from(Policy))
def test_what_is_late_in_doubt_was_late_when_it_was_last_readable(case, gone, as_of, policy):
    events = [
        Event(e.kind, e.latest, e.latest, e.source, e.earliest, e.knowledge, e.unit)
        for e in case.events
    ]
    gone = doubt(gone.first_possible, gone.latest)  # any kind: it concerns every rule
    if gone.latest > as_of:
        return
    found = evaluate(case.facts, [*events, gone], context(policy), as_of)
    then = evaluate(case.facts, events, context(policy), gone.first_possible)
    late = {d.key for d in then if d.state in LATE}
    for deadline in found:
        if deadline.state in LATE:
            assert deadline.key in late


@pytest.mark.parametrize(
    ("since", "end", "answerable"),
    [
        ("2026-11-11 07:00", None, None),  # late, and open
        ("2026-11-11 07:00", "2026-11-12 10:00", None),  # ended since
        ("2026-11-13 07:00", "2026-11-12 10:00", "dinsos"),
        ("2026-11-13 07:00", "2026-11-06 10:00", "dinsos"),
    ],
)
def test_no_unit_answers_for_a_duty_that_was_open_when_its_unit_became_unknown(
    since, end, answerable
):
    assigned = replace(event(Kind.ASSIGNED, RECEIVED), unit="dinsos")
    ends = [event(Kind.SETTLED, wita(end))] if end else []
    unclear = doubt(wita(since), wita("2026-11-14 07:00"), kind=ASSIGNEE, slot="question/Unit")
    deadline = clock([START, assigned, *ends, unclear], "2026-11-16 08:00")
    assert (deadline.unit, deadline.answerable) == ("dinsos", answerable)
    assert deadline.unit_to_list == answerable
