"""The timeline of a complaint: its evaluation is kept until new data or the time changes it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime
from operator import attrgetter

from sla.engine.context import ComplaintFacts
from sla.engine.deadline import Deadline
from sla.engine.evaluate import Evaluation
from sla.events import Event
from sla.value_class import value_class

_timeless = attrgetter(*(f.name for f in fields(ComplaintFacts) if f.name != "known_until"))
"""Return all facts but the time of the last import."""


@value_class(frozen=True, slots=True)
class _Kept:
    """An evaluation with all that it rests on.

    `moments` are those of the evaluation, in order; None if any time may change it. `known` is the
    number of times that had passed at which an event is recorded or happens. `shown_until` is the
    time until which the source showed what happened.
    """

    evaluation: Evaluation
    moments: Sequence[datetime] | None
    facts: ComplaintFacts
    known: int
    as_of: datetime
    shown_until: datetime


class Timeline:
    """The last evaluation of a complaint with these events, for a replay of its past.

    All evaluations must be made in one evaluation context, and `events` must have all events ever
    recorded.
    """

    def __init__(self, events: Sequence[Event]) -> None:
        recorded = {event.recorded_at for event in events}
        happened = {max(event.latest, event.recorded_at) for event in events}
        self._times = sorted(recorded | happened)
        self._kept: _Kept | None = None

    def at(self, facts: ComplaintFacts, as_of: datetime) -> Evaluation | None:
        """Return the evaluation at `as_of` if the kept one is the same; else None.

        The numbers of days used and left, which change every day, are those of the kept one.
        """
        kept = self._kept
        if kept is None or kept.moments is None:
            return None
        same = (
            self._number(as_of) == kept.known
            and not _passes(kept.moments, kept.as_of, as_of)
            and not _passes(kept.moments, kept.shown_until, _shown_until(facts, as_of))
            and (facts is kept.facts or _timeless(facts) == _timeless(kept.facts))
        )
        return kept.evaluation if same else None

    def keep(self, evaluation: Evaluation, facts: ComplaintFacts, as_of: datetime) -> Evaluation:
        """Keep an evaluation made with these facts at `as_of`, and return it.

        Its deadlines that are as before, but for the numbers of days used and left, are the same
        objects as before.
        """
        if self._kept is not None:
            before = {each.key: each for each in self._kept.evaluation.deadlines}
            deadlines = [_same(before.get(each.key), each) for each in evaluation.deadlines]
            evaluation = replace(evaluation, deadlines=deadlines)
        until = _shown_until(facts, as_of)
        known = self._number(as_of)
        moments = None if evaluation.moments is None else sorted(evaluation.moments)
        self._kept = _Kept(evaluation, moments, facts, known, as_of, until)
        return evaluation

    def _number(self, as_of: datetime) -> int:
        return bisect_right(self._times, as_of)


def _same(before: Deadline | None, now: Deadline) -> Deadline:
    if before is None or before.state is not now.state:
        return now
    used, left = now.days_used, now.working_days_left
    return before if replace(before, days_used=used, working_days_left=left) == now else now


def _shown_until(facts: ComplaintFacts, as_of: datetime) -> datetime:
    return as_of if facts.known_until is None else min(facts.known_until, as_of)


def _passes(moments: Sequence[datetime], one: datetime, other: datetime) -> bool:
    """Check whether a time on the way from one moment to another compares otherwise with any."""
    if not moments or one == other:
        return False
    first, last = (one, other) if one < other else (other, one)
    return bisect_left(moments, first) < bisect_right(moments, last)
