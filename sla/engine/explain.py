"""The explanation of one deadline, day by day up to the due date: each day and why it counts or
not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sla.calendar import DayOff
from sla.engine.context import EvaluationContext
from sla.engine.deadline import Deadline
from sla.regulations.model import LengthUnit


class DayMark(StrEnum):
    """The role of a day in the count."""

    START = "start"
    COUNTED = "counted"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    PAUSE = "pause"
    ROLLED = "rolled"


@dataclass(frozen=True, slots=True)
class CountedDay:
    """One day of an explanation: its mark, and its number if it was counted.

    For a holiday, `off` has its name, its decree, and whether the date is an estimate. For a paused
    day, `pause` is the kind of the event that paused the clock. `due` marks the day of the
    deadline.
    """

    day: date
    mark: DayMark
    number: int | None = None
    off: DayOff | None = None
    pause: str = ""
    due: bool = False

    @property
    def name(self) -> str:
        """Return the name of the holiday; empty on other days."""
        return self.off.name if self.off is not None else ""


def explain(
    deadline: Deadline, context: EvaluationContext, *, until: date | None = None
) -> list[CountedDay]:
    """Return every day from the start of the clock to the due day, or to `until` while it is
    paused.

    A promised deadline is not counted in days; its explanation is empty.
    """
    rule = deadline.rule
    if rule.promised:
        return []
    first = context.day(deadline.started)
    last = (
        context.day(deadline.due)
        if deadline.due
        else (until or date.fromordinal(first)).toordinal()
    )
    counted = context.counted_by(rule.unit, deadline.unit)
    days = [CountedDay(date.fromordinal(first), DayMark.START)]
    number = 0
    for ordinal in range(first + 1, last + 1):
        day = date.fromordinal(ordinal)
        off = counted.why_not(day)
        due = deadline.due is not None and ordinal == last
        paused_by = next(
            (
                begun.kind
                for (begins, ends), (begun, _) in zip(
                    deadline.pauses, deadline.pause_events, strict=True
                )
                if begins < ordinal <= ends
            ),
            None,
        )
        if paused_by is not None:
            days.append(CountedDay(day, DayMark.PAUSE, pause=paused_by))
        elif off is not None and rule.unit is LengthUnit.WORKING_DAY:
            mark = DayMark.HOLIDAY if off.name else DayMark.WEEKEND
            days.append(CountedDay(day, mark, off=off))
        elif number < rule.length:
            number += 1
            days.append(CountedDay(day, DayMark.COUNTED, number=number, due=due))
        else:
            days.append(CountedDay(day, DayMark.ROLLED, due=due))
    return days
