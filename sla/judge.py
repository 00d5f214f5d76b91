"""Complaints before the law: which deadlines they carry, and how each stands at a moment.

:func:`judge_all` is the heart of Tenggat. It takes what is known at `as_of`, lets what the law
itself brings about by lapse of time happen, and gives each clock of each applicable rule its
verdict; one complaint and many are judged by the same lines.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sla.calendar import OutsideCalendar
from sla.clock import clocks
from sla.deadline import Bench, Deadline, Facts, State
from sla.events import Event, ImpossibleHistory, known_at
from sla.verdict import Run, verdicts


@dataclass(frozen=True, slots=True)
class Matter:
    """A complaint as it comes before the law: its facts and all events recorded of it."""

    facts: Facts
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class Judged:
    """What counts of a complaint at `as_of`, in order, and its deadlines in the order of the law.

    `known` holds the source's events and the lapses that follow from them. A lapse (deemed
    withdrawn, closed as done) is an event at the end of its deadline with the rule's id as its
    source. `error` is set, and nothing judged, where a count leaves the site's calendar
    (`sla.calendar.OutsideCalendar`) or the events contradict each other
    (`sla.events.ImpossibleHistory`).
    """

    known: list[Event] = field(default_factory=list)
    deadlines: list[Deadline] = field(default_factory=list)
    error: OutsideCalendar | ImpossibleHistory | None = None


def judge(facts: Facts, events: Sequence[Event], bench: Bench, as_of: datetime) -> list[Deadline]:
    """Every deadline of one complaint as it stands at `as_of`, in the order of the law.

    Raises `sla.calendar.OutsideCalendar` where a count leaves the site's calendar,
    `sla.events.ImpossibleHistory` where the events contradict each other, and ValueError for an
    `as_of` without a zone.
    """
    return _only(facts, events, bench, as_of).deadlines


def history(facts: Facts, events: Sequence[Event], bench: Bench, as_of: datetime) -> list[Event]:
    """What counts of one complaint at `as_of`, in order: see :class:`Judged`."""
    return _only(facts, events, bench, as_of).known


def _only(facts: Facts, events: Sequence[Event], bench: Bench, as_of: datetime) -> Judged:
    (judged,) = judge_all([Matter(facts, events)], bench, as_of)
    if judged.error is not None:
        raise judged.error
    return judged


def judge_all(matters: Sequence[Matter], bench: Bench, as_of: datetime) -> list[Judged]:
    """Every complaint as it stands at `as_of`, in the order given.

    Only events recorded and past by `as_of` count, so a past view can be rebuilt. Lapses of a
    complainant's or the system's deadline are states of their own and never someone's lateness.
    They follow from the other events alone: lapses among a matter's events are records of what was
    found before and are found anew, so that a correction undoes them.
    """
    if as_of.tzinfo is None:
        raise ValueError("`as_of` has no zone")
    lapsing = bench.law.lapsing
    try:
        known = [
            known_at((event for event in matter.events if event.source not in lapsing), as_of)
            for matter in matters
        ]
        _let_lapse(matters, known, bench, as_of)
        deadlines = _deadlines(bench.law.ids, range(len(matters)), matters, known, bench, as_of)
    except (OutsideCalendar, ImpossibleHistory) as error:  # one must not hold up the others
        if len(matters) == 1:
            return [Judged(error=error)]
        middle = len(matters) // 2
        return [
            *judge_all(matters[:middle], bench, as_of),
            *judge_all(matters[middle:], bench, as_of),
        ]
    return [Judged(events, found) for events, found in zip(known, deadlines, strict=True)]


def _let_lapse(
    matters: Sequence[Matter], known: list[list[Event]], bench: Bench, as_of: datetime
) -> None:
    """Put the lapses into what is known: of each complaint the first, which may undo the others."""
    rules = [rule_id for rule_id in bench.law.ids if rule_id in bench.law.lapsing]
    unsettled = list(range(len(matters)))
    happened: dict[int, set[tuple[str, datetime]]] = {}
    while unsettled:
        found = _deadlines(rules, unsettled, matters, known, bench, as_of)
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
                events = known[place]
                at = bisect_right([event.latest for event in events], first.latest)
                events.insert(at, first)
                again.append(place)
        unsettled = again


def _deadlines(
    rules: Sequence[str],
    places: Sequence[int],
    matters: Sequence[Matter],
    known: Sequence[Sequence[Event]],
    bench: Bench,
    as_of: datetime,
) -> list[list[Deadline]]:
    """The deadlines of these rules on the complaints at these places, all verdicts at once."""
    runs: list[Run] = []
    counts = []
    for place in places:
        before = len(runs)
        for rule_id in rules:
            found = clocks(rule_id, matters[place].facts, known[place], bench)
            runs += [
                Run(rule, number, clock, matters[place].facts)
                for number, (rule, clock) in enumerate(found, start=1)
            ]
        counts.append(len(runs) - before)
    judged = iter(verdicts(runs, bench, as_of))
    return [[next(judged) for _ in range(count)] for count in counts]
