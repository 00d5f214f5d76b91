"""The evaluation of complaints: their deadlines, and the state of each deadline at a moment.

:func:`evaluate_all` is the central function of Tenggat. It selects the events known at `as_of`,
adds the events caused by the law itself through lapse of time, and evaluates each clock of each
applicable rule. One complaint and many are evaluated by the same code.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sla.calendar import OutsideCalendar
from sla.engine.clocks import clocks, doubt_about
from sla.engine.context import ComplaintFacts, EvaluationContext
from sla.engine.deadline import Deadline, State
from sla.engine.verdicts import ClockInput, verdicts
from sla.events import Event, ImpossibleHistory, history_as_of


@dataclass(frozen=True, slots=True)
class CaseHistory:
    """The case history of a complaint: its facts and all its recorded events."""

    facts: ComplaintFacts
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The evaluation of a complaint at `as_of`: the events that count, and its deadlines.

    `known` has the events of the source and the lapses that follow from them, in order. A lapse
    (deemed withdrawn, closed as done) is an event at the end of its deadline; its source is the id
    of the rule. `deadlines` are in the order of the law. `error` is set, and nothing is evaluated,
    if a count leaves the calendar of the site (`sla.calendar.OutsideCalendar`) or the events
    contradict each other (`sla.events.ImpossibleHistory`).
    """

    known: list[Event] = field(default_factory=list)
    deadlines: list[Deadline] = field(default_factory=list)
    error: OutsideCalendar | ImpossibleHistory | None = None


def evaluate(
    facts: ComplaintFacts, events: Sequence[Event], bench: EvaluationContext, as_of: datetime
) -> list[Deadline]:
    """Evaluate one complaint at `as_of` and return its deadlines in the order of the law.

    Raises `sla.calendar.OutsideCalendar` if a count leaves the calendar of the site,
    `sla.events.ImpossibleHistory` if the events contradict each other, and ValueError for an
    `as_of` without a time zone.
    """
    return _only(facts, events, bench, as_of).deadlines


def history(
    facts: ComplaintFacts, events: Sequence[Event], bench: EvaluationContext, as_of: datetime
) -> list[Event]:
    """Return the events of a complaint that count at `as_of`, in order: see :class:`Evaluation`."""
    return _only(facts, events, bench, as_of).known


def _only(
    facts: ComplaintFacts, events: Sequence[Event], bench: EvaluationContext, as_of: datetime
) -> Evaluation:
    (judged,) = evaluate_all([CaseHistory(facts, events)], bench, as_of)
    if judged.error is not None:
        raise judged.error
    return judged


def evaluate_all(
    matters: Sequence[CaseHistory], bench: EvaluationContext, as_of: datetime
) -> list[Evaluation]:
    """Evaluate every complaint at `as_of` and return the evaluations in the same order.

    Only events that happened and were recorded by `as_of` count, so that a past evaluation can be
    repeated. A missed deadline of the complainant or of the system lapses: it has a state of its
    own and does not count as late for anyone. Lapses are derived from the other events only. Lapses
    among the events of a complaint are records of an earlier evaluation; they are derived again, so
    that a correction removes them. Raises ValueError for an `as_of` without a time zone.
    """
    if as_of.tzinfo is None:
        raise ValueError("`as_of` has no zone")
    lapsing = bench.law.lapsing
    try:
        split = [
            history_as_of((event for event in matter.events if event.source not in lapsing), as_of)
            for matter in matters
        ]
        known = [events for events, _ in split]
        cases = _Cases(matters, known, [doubts for _, doubts in split])
        _let_lapse(cases, bench, as_of)
        deadlines = _deadlines(bench.law.ids, range(len(matters)), cases, bench, as_of)
    except (OutsideCalendar, ImpossibleHistory) as error:  # one complaint must not stop the others
        if len(matters) == 1:
            return [Evaluation(error=error)]
        middle = len(matters) // 2
        return [
            *evaluate_all(matters[:middle], bench, as_of),
            *evaluate_all(matters[middle:], bench, as_of),
        ]
    return [Evaluation(events, found) for events, found in zip(known, deadlines, strict=True)]


@dataclass(frozen=True, slots=True)
class _Cases:
    """Cases by index: the recorded history, the events known at `as_of`, and the doubts."""

    histories: Sequence[CaseHistory]
    known: list[list[Event]]
    doubts: Sequence[Sequence[Event]]


def _let_lapse(cases: _Cases, bench: EvaluationContext, as_of: datetime) -> None:
    """Insert the lapses into the known events: for each complaint the first one, then again.

    The first lapse may prevent the others. `cases.known` is changed in place.
    """
    rules = [rule_id for rule_id in bench.law.ids if rule_id in bench.law.lapsing]
    unsettled = list(range(len(cases.known)))
    happened: dict[int, set[tuple[str, datetime]]] = {}
    while unsettled:
        found = _deadlines(rules, unsettled, cases, bench, as_of)
        again = []
        for place, deadlines in zip(unsettled, found, strict=True):
            before = happened.setdefault(place, set())
            lapses = [
                Event(deadline.rule.lapse, deadline.due, deadline.due, deadline.rule.id)
                for deadline in deadlines
                if deadline.state is State.LAPSED
                and deadline.rule.lapse is not None
                and deadline.due is not None
                and (deadline.rule.id, deadline.due) not in before
            ]
            if lapses:
                first = min(lapses, key=lambda event: event.latest)
                before.add((first.source, first.latest))
                events = cases.known[place]
                at = bisect_right([event.latest for event in events], first.latest)
                events.insert(at, first)
                again.append(place)
        unsettled = again


def _deadlines(
    rules: Sequence[str],
    places: Sequence[int],
    cases: _Cases,
    bench: EvaluationContext,
    as_of: datetime,
) -> list[list[Deadline]]:
    """Evaluate these rules for the complaints at these indices, all clocks at once."""
    runs: list[ClockInput] = []
    counts = []
    for place in places:
        before = len(runs)
        facts, doubts = cases.histories[place].facts, cases.doubts[place]
        for rule_id in rules:
            found = clocks(rule_id, facts, cases.known[place], bench)
            runs += [
                ClockInput(rule, number, clock, facts, doubt_about(rule, doubts))
                for number, (rule, clock) in enumerate(found, start=1)
            ]
        counts.append(len(runs) - before)
    judged = iter(verdicts(runs, bench, as_of))
    return [[next(judged) for _ in range(count)] for count in counts]
