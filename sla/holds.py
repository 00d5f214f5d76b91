"""Holds: rungs that a site keeps back for some of its units, for a time and a reason."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sla.deadline import Bench, Deadline


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing of these rungs is told about these units from `first` to `last`, both included.

    `units`, `rungs` and `rules` are patterns such as `kec-*`. A rung reached meanwhile is owed
    when the hold has ended, if its deadline still stands then.
    """

    units: tuple[str, ...]
    reason: str
    rungs: tuple[str, ...] = ("*",)
    rules: tuple[str, ...] = ("*",)
    first: date | None = None
    last: date | None = None

    def concerns(self, deadline: Deadline) -> bool:
        """Whether it is about the unit and the rule of a deadline."""
        return _any(deadline.unit or "", self.units) and _any(deadline.rule.id, self.rules)

    def keeps(self, deadline: Deadline, rung: str, day: date) -> bool:
        """Whether this rung of the deadline is kept back on a day."""
        return self.on(day) and self.concerns(deadline) and _any(rung, self.rungs)

    def on(self, day: date) -> bool:
        """Whether the hold stands on a day."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


def kept_back(holds: Iterable[Hold], deadline: Deadline, rung: str, day: date) -> bool:
    """Whether any hold keeps this rung of a deadline back on a day."""
    return any(hold.keeps(deadline, rung, day) for hold in holds)


def released_at(
    holds: Iterable[Hold], deadline: Deadline, bench: Bench, as_of: datetime
) -> datetime | None:
    """When the next hold on a deadline ends: then what it kept back has to be looked at."""
    ends = [
        bench.start_of(hold.last.toordinal() + 1)
        for hold in holds
        if hold.last is not None and hold.last < date.max and hold.concerns(deadline)
    ]
    return min((end for end in ends if end > as_of), default=None)


def _any(word: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(word, pattern) for pattern in patterns)
