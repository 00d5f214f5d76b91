"""An interval never accuses: late only if every choice of moments within the intervals is late."""

import random
from datetime import date, timedelta
from itertools import combinations

import pytest
from conftest import REPOSITORY, WITA, wita
from hypothesis import given, settings
from hypothesis import strategies as st

from sla.calendar import Calendar, indonesian_days_off
from sla.engine.context import ComplaintFacts, EvaluationContext, Policy
from sla.engine.deadline import LATE_STATES, State
from sla.engine.evaluate import evaluate
from sla.events import Event, Kind, Knowledge, events_as_of
from sla.regulations.loader import load

LAW = load([REPOSITORY / "regulations"])
FIRST, LAST = date(2026, 1, 1), date(2028, 12, 31)
WORKING = Calendar(FIRST, LAST, days_off=indonesian_days_off(range(2026, 2029)))
EVERY = Calendar.every_day(FIRST, LAST)
RECEIVED = wita("2026-11-02 10:00")
TICK = timedelta(microseconds=1)
FOLLOW_UP = "sp4n/first-follow-up"
ACCUSING = {State.BREACHED, State.MET_LATE, State.LAPSED}
KINDS = [
    Kind.VERIFIED,
    Kind.ASSIGNED,
    Kind.RETURNED,
    Kind.MATERIAL_REQUESTED,
    Kind.MATERIAL_COMPLETED,
    Kind.FILE_COMPLETE,
    Kind.DECIDED,
    Kind.DELIVERED,
    Kind.FOLLOW_UP_PUBLISHED,
    Kind.REPORTER_REPLIED,
    Kind.FOLLOW_UP_ANSWERED,
    Kind.RESPONDED,
    Kind.SETTLED,
    Kind.CLOSED,
    Kind.WITHDRAWN,
    Kind.REOPENED,
    Kind.PAUSED,
    Kind.RESUMED,
]


def context(policy=Policy.BENEFIT_OF_DOUBT):
    return EvaluationContext(LAW, WORKING, EVERY, WITA, policy, administrator_unit="kominfo")


@st.composite
def histories(draw):
    """A receipt and some later events, each with a moment or an interval."""
    kinds, most = st.sampled_from(KINDS), 6
    events = [Event(Kind.RECEIVED, RECEIVED, RECEIVED, "register")]
    hours = st.integers(0, 24 * draw(st.sampled_from([8, 25, 70])))
    for _ in range(draw(st.integers(1, most))):
        kind = draw(kinds)
        latest = RECEIVED + timedelta(hours=draw(hours))
        unit = draw(st.sampled_from(["dinkes", "pupr"])) if kind == Kind.ASSIGNED else None
        width = timedelta(hours=draw(st.sampled_from([0, 0, 5, 24, 24 * 6, 24 * 30])))
        if not width:
            events.append(Event(kind, latest, latest, "register", unit=unit))
            continue
        earliest = max(RECEIVED, latest - width)
        knowledge = draw(st.sampled_from([Knowledge.OBSERVED, Knowledge.OBSERVED, "unknown"]))
        recorded = latest - timedelta(hours=draw(st.sampled_from([0, 0, 0, 3])))
        events.append(Event(kind, latest, recorded, "city", earliest, Knowledge(knowledge), unit))
    return events


def choices(known, as_of, chance, number):
    """Yield exact histories: a moment of each interval, in the order that the rules fix."""
    marks = sorted({moment for e in known for moment in (e.latest, e.first_possible)})
    days = [RECEIVED.replace(hour=0) + timedelta(days=n) for n in range(80)]
    for turn in range(number):
        share = chance.random()
        moments = []
        for event in known:
            if event.earliest is None:
                moments.append(event.latest)
                continue
            first, last = min(event.earliest + TICK, event.latest), event.latest
            near = [m + d for m in (*marks, *days) for d in (-TICK, timedelta(0), TICK)]
            near = [m for m in near if first <= m <= last]
            picked = first + (last - first) * (share if turn % 3 else chance.random())
            moments.append(chance.choice([first, last, picked, *(chance.sample(near, 1) * 2)]))
        for (before, one), (after, two) in combinations(zip(known, moments, strict=True), 2):
            if fixed(before, after) and one >= two:
                break
        else:
            exact = [
                Event(e.kind, moment, e.recorded_at, e.source, unit=e.unit)
                for e, moment in zip(known, moments, strict=True)
            ]
            yield [e for e in exact if e.latest <= as_of]


def fixed(before, after):
    """What one import shows at once happened in the order of the procedure."""
    return before.latest == after.latest and None not in (before.earliest, after.earliest)


@settings(max_examples=150, deadline=None)
@given(
    histories(),
    st.integers(0, 24 * 110),
    st.none() | st.integers(0, 24 * 90),
    st.sampled_from(Policy),
    st.sampled_from(["complaint", "supervisory_complaint", "information_request"]),
    st.sampled_from([{}, {"settled": 10}]),
    st.integers(0, 2**32),
)
def test_late_only_if_every_choice_of_moments_is_late(
    events, hours, looked, policy, classification, lag, seed
):
    as_of = RECEIVED + timedelta(hours=hours)
    facts = ComplaintFacts(
        classification=classification,
        system="sp4n-lapor",
        shown_later=lag,
        known_until=None if looked is None else RECEIVED + timedelta(hours=looked),
    )
    found = evaluate(facts, events, context(policy), as_of)
    certain = {
        d.key: d for d in found if d.state in ACCUSING or (d.state is State.MET and not d.by_policy)
    }
    if not certain:
        return
    known = events_as_of(events, as_of)
    for exact in choices(known, as_of, random.Random(seed), 12):
        truth = {d.key: d for d in evaluate(facts, exact, context(), as_of)}
        for key, deadline in certain.items():
            wanted = ACCUSING if deadline.state in ACCUSING else {State.MET}
            assert key in truth, (key, deadline.state, exact)
            assert truth[key].state in wanted, (key, deadline.state, truth[key].state, exact)
            if deadline.state in ACCUSING:
                assert deadline.due >= truth[key].due
            if deadline.state in LATE_STATES and deadline.answerable is not None:
                assert deadline.answerable == truth[key].answerable, (key, exact)
            assert deadline.liable <= truth[key].liable, (key, exact)


# --- against a plain reading of the rule, without the engine --------------------------------------


def plainly_late(moments, as_of):
    """The first follow-up within 5 working days of the assignment, walked day by day."""
    happened = sorted((at, kind) for kind, at in moments if at <= as_of)
    start = next((at for at, kind in happened if kind == Kind.ASSIGNED), None)
    if start is None:
        return False
    stop = next(
        (at for at, kind in happened if kind == Kind.FOLLOW_UP_PUBLISHED and at >= start), None
    )
    left, day = 5, start.astimezone(WITA).date()
    while left:
        day += timedelta(days=1)
        begins = [at for at, kind in happened if kind == Kind.PAUSED]
        ends = [at for at, kind in happened if kind == Kind.RESUMED] or [None]
        held = any(
            begin.astimezone(WITA).date() < day
            and (end is None or day <= end.astimezone(WITA).date())
            for begin, end in zip(begins, ends, strict=False)
            if stop is None or begin < stop
        )
        if day > LAST:
            return False
        left -= WORKING.counts(day) and not held
    return (stop or as_of).astimezone(WITA).date() > day


HOURS = st.integers(1, 24 * 25)
WIDTHS = st.sampled_from([0, 24, 24 * 7])


@settings(max_examples=150, deadline=None)
@given(
    HOURS,
    WIDTHS,
    st.none() | HOURS,
    WIDTHS,
    st.none() | st.tuples(HOURS, WIDTHS, HOURS, WIDTHS),
    st.sampled_from(Policy),
    st.integers(0, 2**32),
)
def test_late_only_if_the_plain_reading_is_late_for_every_choice(
    assigned, wide, followed, narrow, pause, policy, seed
):
    spans = [(Kind.ASSIGNED, assigned, wide)]
    if followed is not None:
        spans.append((Kind.FOLLOW_UP_PUBLISHED, followed, narrow))
    if pause is not None:
        begin, one, length, two = pause
        spans += [(Kind.PAUSED, begin, one), (Kind.RESUMED, begin + one + two + length, two)]
    events = [Event(Kind.RECEIVED, RECEIVED, RECEIVED, "register")]
    for kind, hours, width in spans:
        last = RECEIVED + timedelta(hours=hours)
        first = max(RECEIVED, last - timedelta(hours=width)) if width else None
        knowledge = Knowledge.OBSERVED if width else Knowledge.STATED
        events.append(Event(kind, last, last, "city", first, knowledge, unit="dinkes"))
    as_of = RECEIVED + timedelta(days=60)
    found = [
        d
        for d in evaluate(ComplaintFacts(), events, context(policy), as_of)
        if d.rule.id == FOLLOW_UP and d.clock == 1
    ]
    accused = any(d.state in ACCUSING for d in found)
    met = any(d.state is State.MET and not d.by_policy for d in found)
    known = events_as_of(events, as_of)
    for exact in choices(known, as_of, random.Random(seed), 20):
        late = plainly_late([(e.kind, e.latest) for e in exact], as_of)
        assert late or not accused
        assert not (late and met)


# --- worked examples ------------------------------------------------------------------------------


def given_at(kind, at, unit=None):
    return Event(kind, wita(at), wita(at), "city", unit=unit)


def between(kind, after, until, unit=None, knowledge=Knowledge.OBSERVED):
    return Event(kind, wita(until), wita(until), "city", wita(after), knowledge, unit)


def follow_up(events, as_of, policy=Policy.BENEFIT_OF_DOUBT, clock=1, rule=FOLLOW_UP, **facts):
    found = evaluate(ComplaintFacts(**facts), events, context(policy), wita(as_of))
    return next(d for d in found if d.key == (rule, clock))


RECEIPT = given_at("received", "2026-11-02 08:00")


@pytest.mark.parametrize(
    ("knowledge", "policy", "state", "by_policy"),
    [
        (Knowledge.OBSERVED, Policy.BENEFIT_OF_DOUBT, State.MET, True),
        (Knowledge.OBSERVED, Policy.STRICT, State.UNKNOWN, True),
        (Knowledge.OBSERVED, Policy.NO_VERDICT, State.UNKNOWN, True),
        (Knowledge.UNKNOWN, Policy.BENEFIT_OF_DOUBT, State.UNKNOWN, False),
        (Knowledge.UNKNOWN, Policy.STRICT, State.UNKNOWN, False),
    ],
)
def test_a_follow_up_inside_the_interval_of_the_assignment_is_no_breach(
    knowledge, policy, state, by_policy
):
    events = [
        RECEIPT,
        between("assigned", "2026-11-02 08:00", "2026-11-05 08:00", "dinkes", knowledge),
        given_at("follow_up_published", "2026-11-03 08:00"),
    ]
    found = follow_up(events, "2026-11-24 08:00", policy)
    assert (found.state, found.by_policy, found.open) == (state, by_policy, False)
    assert found.stopped == wita("2026-11-03 08:00")
    assert found.started <= found.stopped


def test_overlapping_intervals_late_in_every_order_are_late():
    """The first assignment is on the 4th at the latest: 5, 6, 9, 10, 11 November."""
    events = [
        RECEIPT,
        between("assigned", "2026-11-02 08:00", "2026-11-05 08:00", "dinkes"),
        given_at("assigned", "2026-11-04 08:00", "pupr"),
    ]
    assert follow_up(events, "2026-11-11 12:00").state is State.RUNNING
    assert follow_up(events, "2026-11-12 00:00").state is State.BREACHED


def test_a_strict_deadline_shows_the_earliest_due_day_until_it_is_surely_late():
    assigned = between("assigned", "2026-11-06 07:00", "2026-11-09 07:00", "dinkes")
    shown = [
        (found.state, found.due.day, found.shown_by.day)
        for at in ("2026-11-13 12:00", "2026-11-14 12:00", "2026-11-17 00:00")
        if (found := follow_up([RECEIPT, assigned], at, Policy.STRICT))
    ]
    assert shown == [
        (State.RUNNING, 13, 16),
        (State.UNKNOWN, 13, 16),
        (State.BREACHED, 16, 16),
    ]


@pytest.mark.parametrize(("looked", "state"), [("11-14", State.UNKNOWN), ("11-17", State.BREACHED)])
def test_the_source_must_be_read_after_the_latest_due_moment(looked, state):
    assigned = between("assigned", "2026-11-06 07:00", "2026-11-09 07:00", "dinkes")
    for policy in Policy:
        known = wita(f"2026-{looked} 08:00")
        found = follow_up([RECEIPT, assigned], "2026-11-24 08:00", policy, known_until=known)
        assert found.state is state


@pytest.mark.parametrize("order", [("reopened", "settled"), ("settled", "reopened")])
def test_settled_and_reopened_in_one_minute_is_settled_first(order):
    rule = "sp4n-guideline/information"
    events = [RECEIPT, *(given_at(kind, "2026-11-04 10:00") for kind in order)]
    facts = {"classification": "information_request", "rule": rule}
    assert follow_up(events, "2026-11-05 08:00", **facts).state is State.MET
    second = follow_up(events, "2026-11-05 08:00", clock=2, **facts)
    assert (second.state, second.due.day) == (State.RUNNING, 11)


def test_decided_and_file_complete_in_one_import_are_in_the_order_of_the_procedure():
    events = [
        RECEIPT,
        between("decided", "2026-11-04 07:00", "2026-11-05 07:00"),
        between("file_complete", "2026-11-04 07:00", "2026-11-05 07:00"),
    ]
    facts = {"classification": "complaint", "rule": "uu-25-2009/decision"}
    assert follow_up(events, "2027-02-01 08:00", **facts).state is State.MET


def test_an_interval_that_goes_on_after_the_evaluation_may_have_ended_the_clock():
    """The event was recorded on the 9th, so it had happened by then."""
    settled = Event(
        "settled",
        wita("2026-11-12 08:00"),
        wita("2026-11-09 08:00"),
        "city",
        wita("2026-11-06 08:00"),
        Knowledge.OBSERVED,
    )
    found = follow_up(
        [RECEIPT, settled],
        "2026-11-10 08:00",
        rule="sp4n-guideline/information",
        classification="information_request",
    )
    assert (found.state, found.by_policy) == (State.MET, True)


def test_more_orders_than_are_examined_accuse_nobody():
    events = [RECEIPT]
    for day in range(3, 15):
        events.append(between("assigned", "2026-11-02 08:00", f"2026-11-{day:02} 08:00", "dinkes"))
    found = follow_up(events, "2027-01-05 08:00")
    assert (found.state, found.by_policy) == (State.UNKNOWN, True)


def test_a_start_that_may_fall_under_another_version_of_the_rule_accuses_nobody(tmp_path):
    for name, in_force, length in (
        ("old", "{ to = 2026-11-05 }", 20),
        ("new", "{ from = 2026-11-06 }", 2),
    ):
        (tmp_path / f"{name}.toml").write_text(
            f"""[regulation]
key = "own"
title = "Standar"
citation = "SOP {name}"
in_force = {in_force}
[[rule]]
id = "light"
article = "1"
label = {{ id = "Ringan", en = "Light" }}
actor = "unit"
starts_on = ["assigned"]
stops_on = ["settled"]
length = {length}
unit = "working_day"
certainty = "seen"
"""
        )
    law = load([tmp_path])
    context = EvaluationContext(law, WORKING, EVERY, WITA, administrator_unit="kominfo")
    for after, state in [("2026-11-04 08:00", State.UNKNOWN), ("2026-11-06 08:00", State.BREACHED)]:
        events = [RECEIPT, between("assigned", after, "2026-11-09 08:00", "dinkes")]
        (found,) = evaluate(ComplaintFacts(), events, context, wita("2026-11-16 08:00"))
        assert found.state is state
