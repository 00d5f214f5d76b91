"""One complaint before the law: which deadlines it carries, and how each stands at a moment.

:func:`judge` is the heart of Tenggat. It takes what is known at `as_of`, lets what the law itself
brings about by lapse of time happen, and gives each clock of each applicable rule its verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sla.clock import clocks
from sla.deadline import Bench, Deadline, Facts, State
from sla.events import Event, known_at
from sla.verdict import verdict


def judge(facts: Facts, events: Sequence[Event], bench: Bench, as_of: datetime) -> list[Deadline]:
    """Every deadline of a complaint as it stands at `as_of`, in the order of the law.

    Only events recorded and past by `as_of` count, so a past view can be rebuilt. Lapses of a
    complainant's or the system's deadline are states of their own and never someone's lateness.
    Raises ValueError for an `as_of` without a zone, and `sla.calendar.OutsideCalendar` where a
    count leaves the years that the site's calendar covers.
    """
    return judge_known(facts, history(facts, events, bench, as_of), bench, as_of)


def judge_known(
    facts: Facts, known: Sequence[Event], bench: Bench, as_of: datetime
) -> list[Deadline]:
    """:func:`judge` where :func:`history` has been asked for already."""
    return [
        deadline
        for rule_id in bench.law.ids
        for deadline in _deadlines(rule_id, facts, known, bench, as_of)
    ]


def history(facts: Facts, events: Sequence[Event], bench: Bench, as_of: datetime) -> list[Event]:
    """What counts at `as_of`, in order: the source's events, and the lapses that follow from them.

    A lapse (deemed withdrawn, closed as done) is an event at the end of its deadline with the
    rule's id as its source. It follows from the other events alone: lapses among `events` are
    records of what was found before and are found anew, so that a correction undoes them.
    """
    if as_of.tzinfo is None:
        raise ValueError("`as_of` has no zone")
    rules = bench.law.lapsing
    known = known_at((event for event in events if event.source not in rules), as_of)
    brought_about: set[tuple[str, datetime]] = set()
    while True:
        lapses = sorted(
            (
                lapse
                for rule_id in rules
                for lapse in _lapses(rule_id, facts, known, bench, as_of)
                if (lapse.source, lapse.latest) not in brought_about
            ),
            key=lambda lapse: lapse.latest,
        )
        if not lapses:
            return known
        first = lapses[0]  # it may keep the others from happening
        brought_about.add((first.source, first.latest))
        place = next((i for i, e in enumerate(known) if e.latest > first.latest), len(known))
        known.insert(place, first)


def _lapses(
    rule_id: str, facts: Facts, known: Sequence[Event], bench: Bench, as_of: datetime
) -> Iterator[Event]:
    for deadline in _deadlines(rule_id, facts, known, bench, as_of):
        lapse, due = deadline.rule.lapse, deadline.due
        if deadline.state is State.LAPSED and lapse is not None and due is not None:
            yield Event(lapse, due, due, rule_id)


def _deadlines(
    rule_id: str, facts: Facts, known: Sequence[Event], bench: Bench, as_of: datetime
) -> Iterator[Deadline]:
    for number, (rule, clock) in enumerate(clocks(rule_id, facts, known, bench), start=1):
        yield verdict(rule, number, clock, facts, bench, as_of)
