"""An evaluation is kept while it holds: it is the one that would be made at that time."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from conftest import wita
from hypothesis import given, settings
from hypothesis import strategies as st
from test_evaluate import RECEIVED, an_event, cases, context, event

from sla.engine.context import ComplaintFacts, Policy
from sla.engine.deadline import Deadline, State
from sla.engine.evaluate import CaseHistory, Evaluation, evaluate_all
from sla.engine.timeline import Timeline
from sla.events import Event, Kind, Knowledge

TICK = timedelta(microseconds=1)
REGISTER = ComplaintFacts(classification="complaint", system="sp4n-lapor")


def made(facts: ComplaintFacts, events: list[Event], as_of: datetime, policy: Policy) -> Evaluation:
    (found,) = evaluate_all([CaseHistory(facts, events)], context(policy), as_of)
    return found


def without_counts(deadlines: Iterable[Deadline]) -> list[Deadline]:
    return [replace(each, days_used=0, working_days_left=0) for each in deadlines]


@st.composite
def doubts(draw):
    after = RECEIVED + timedelta(hours=draw(st.integers(0, 24 * 40)))
    at = after + timedelta(hours=draw(st.integers(1, 48)))
    kind = draw(st.sampled_from(["any", "assignee", Kind.SETTLED]))
    return Event(kind, at, at, "register", after, Knowledge.UNREADABLE, source_field="absent/1")


@st.composite
def recorded_early(draw):
    """An event recorded before the end of the interval in which it happened."""
    at = RECEIVED + timedelta(hours=draw(st.integers(60, 24 * 40)))
    kind = draw(st.sampled_from([Kind.ASSIGNED, Kind.SETTLED, Kind.PAUSED, Kind.RESPONDED]))
    recorded = at - timedelta(hours=draw(st.integers(20, 40)))
    return Event(kind, at, recorded, "lapor", at - timedelta(hours=60), Knowledge.OBSERVED)


@settings(max_examples=150, deadline=None)
@given(
    cases(),
    st.lists(an_event() | doubts() | recorded_early(), max_size=3),
    st.lists(st.integers(0, 24 * 70), min_size=3, max_size=12),
    st.sampled_from([None, 0, 5, 30, 24 * 6]),
    st.sampled_from([{}, dict.fromkeys((Kind.SETTLED, Kind.RESPONDED, Kind.VERIFIED), 3)]),
    st.sampled_from(Policy),
)
def test_a_kept_evaluation_is_the_one_of_its_time(case, more, hours, behind, late, policy):
    """The source is imported every morning, or shows everything at once; some of it days late."""
    events = [*case.events, *more]
    timeline = Timeline(events)
    moments = {RECEIVED + timedelta(hours=number) for number in hours}
    end = max(moments)
    seen: set[datetime] = set()
    while moments - seen:
        as_of = min(moments - seen)
        seen.add(as_of)
        facts = replace(case.facts, shown_later=late)
        if behind is not None:
            shown = (as_of - timedelta(hours=behind)).replace(hour=7, minute=0)
            facts = replace(facts, known_until=shown)
        fresh = made(facts, events, as_of, policy)
        turns = {m + d for m in fresh.moments or () for d in (-TICK, 0 * TICK, TICK)}
        moments |= {turn for turn in turns if as_of < turn <= end}
        kept = timeline.at(facts, as_of)
        if kept is None:
            kept = timeline.keep(fresh, facts, as_of)
        assert without_counts(kept.deadlines) == without_counts(fresh.deadlines)
        assert (kept.known, kept.doubts) == (fresh.known, fresh.doubts)
        assert (kept.undetermined, kept.error) == (fresh.undetermined, fresh.error)


def test_an_evaluation_is_kept_from_one_turn_of_its_deadlines_to_the_next():
    events = [event(Kind.RECEIVED, RECEIVED), event(Kind.ASSIGNED, wita("2026-11-04 09:00"))]
    timeline, turns = Timeline(events), []
    for day in range(60):
        as_of = wita("2026-11-02 12:00") + timedelta(days=day)
        facts = replace(REGISTER, known_until=as_of - timedelta(hours=5))
        if timeline.at(facts, as_of) is None:
            found = made(facts, events, as_of, Policy.BENEFIT_OF_DOUBT)
            timeline.keep(found, facts, as_of)
            states = {each.state for each in found.deadlines}
            turns.append((f"{as_of:%d.%m}", State.BREACHED in states))
    assert turns[0] == ("02.11", False)
    assert turns[1] == ("04.11", False)
    assert 3 <= len(turns) <= 12
    assert turns[-1][1]


def test_other_facts_need_another_evaluation():
    events, as_of = [event(Kind.RECEIVED, RECEIVED)], wita("2026-11-05 08:00")
    timeline = Timeline(events)
    timeline.keep(made(REGISTER, events, as_of, Policy.BENEFIT_OF_DOUBT), REGISTER, as_of)
    later = as_of + timedelta(hours=1)
    assert timeline.at(REGISTER, later) is not None
    assert timeline.at(replace(REGISTER, classification="information_request"), later) is None


def test_an_interval_cut_at_the_time_of_the_evaluation_is_another_one_later():
    """The settlement was recorded on the 11th as one between the 10th and the 14th."""
    first, moment, last = (wita(f"2026-11-{day} 07:00") for day in (10, 11, 14))
    settled = Event(Kind.SETTLED, last, moment, "lapor", first, Knowledge.OBSERVED)
    events = [event(Kind.RECEIVED, RECEIVED), settled]
    timeline = Timeline(events)
    for hour in (8, 20):
        as_of = wita(f"2026-11-12 {hour:02}:00")
        assert timeline.at(REGISTER, as_of) is None
        found = timeline.keep(made(REGISTER, events, as_of, Policy.NO_VERDICT), REGISTER, as_of)
        assert found.known[-1].latest == as_of
