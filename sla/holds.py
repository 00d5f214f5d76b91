"""Holds: rungs that a site does not send for some of its units, for a time and a reason."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sla.engine.context import EvaluationContext
from sla.engine.deadline import Deadline


@dataclass(frozen=True, slots=True)
class Hold:
    """A stop: no notices of these rungs for these units from `first` to `last`, both included.

    `units`, `rungs` and `rules` are patterns such as `kec-*`. A rung reached during the hold is
    sent after it has ended, if the deadline is still open then.
    """

    units: tuple[str, ...]
    reason: str
    rungs: tuple[str, ...] = ("*",)
    rules: tuple[str, ...] = ("*",)
    first: date | None = None
    last: date | None = None

    def concerns(self, deadline: Deadline) -> bool:
        """Check whether the hold covers the unit and the rule of a deadline."""
        return _any(deadline.unit or "", self.units) and _any(deadline.rule.id, self.rules)

    def stops(self, deadline: Deadline, rung: str, day: date) -> bool:
        """Check whether the hold applies to this rung of the deadline on a day."""
        return self.on(day) and self.concerns(deadline) and _any(rung, self.rungs)

    def on(self, day: date) -> bool:
        """Check whether the hold is in force on a day."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


def on_hold(holds: Iterable[Hold], deadline: Deadline, rung: str, day: date) -> bool:
    """Check whether any hold applies to this rung of a deadline on a day."""
    return any(hold.stops(deadline, rung, day) for hold in holds)


def released_at(
    holds: Iterable[Hold], deadline: Deadline, context: EvaluationContext, as_of: datetime
) -> datetime | None:
    """Return the end of the next hold of a deadline: the time for evaluating it again.

    None if none of them ends after `as_of`.
    """
    ends = [
        context.start_of(hold.last.toordinal() + 1)
        for hold in holds
        if hold.last is not None and hold.last < date.max and hold.concerns(deadline)
    ]
    return min((end for end in ends if end > as_of), default=None)


def _any(word: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(word, pattern) for pattern in patterns)
