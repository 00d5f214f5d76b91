"""The explanation of one deadline: each day, why it counts or not, and the counts up to a day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sla.calendar import DayOff
from sla.due_days import merge
from sla.engine.context import EvaluationContext
from sla.engine.deadline import LATE_STATES, Deadline
from sla.regulations.model import LengthUnit


class DayMark(StrEnum):
    """The role of a day in the count."""

    START = "start"
    COUNTED = "counted"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    PAUSE = "pause"
    ROLLED = "rolled"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class CountedDay:
    """One day of an explanation: its mark, and its number if it was counted.

    The days after a missed deadline have numbers of their own, from 1: the days late.
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


@dataclass(frozen=True, slots=True)
class DayCounts:
    """The days of a deadline up to a day, in calendar days and in working days.

    `days` and `working_days` are those since the start, without paused days. `days_late` and
    `working_days_late` are those after the due day of a missed deadline, as reports count them; in
    other states they are None.
    """

    until: date
    days: int
    working_days: int
    days_paused: int
    days_late: int | None
    working_days_late: int | None


def day_counts(deadline: Deadline, context: EvaluationContext, today: date) -> DayCounts:
    """Count the days of a deadline up to its stop, or up to `today` while it is open."""
    first, last = context.day(deadline.started), _last_day(deadline, context, today)
    last = max(first, last)
    calendar = context.calendar_of(deadline.unit)

    def working(after: int, until: int) -> int:
        return max(0, calendar.days_between(after, until))

    paused = [
        (max(begins, first), min(ends, last))
        for begins, ends in merge(deadline.pauses)
        if begins < last and ends > first
    ]
    due = context.day(deadline.due) if deadline.due else None
    late = deadline.state in LATE_STATES and due is not None
    until = max(last, due or last)
    days_paused = sum(ends - begins for begins, ends in paused)
    return DayCounts(
        until=date.fromordinal(last),
        days=last - first - days_paused,
        working_days=working(first, last) - sum(working(begins, ends) for begins, ends in paused),
        days_paused=days_paused,
        days_late=until - due if late and due is not None else None,
        working_days_late=working(due, until) if late and due is not None else None,
    )


def _last_day(deadline: Deadline, context: EvaluationContext, today: date) -> int:
    stopped = context.day(deadline.stopped) if deadline.stopped else today.toordinal()
    return min(stopped, today.toordinal())


def explain(
    deadline: Deadline, context: EvaluationContext, *, until: date | None = None
) -> list[CountedDay]:
    """Return every day from the start of the clock to the due day, or to `until` while it is
    paused.

    With `until`, a missed deadline goes on to its stop, or to `until` while it is open. A promised
    deadline is not counted in days; its explanation is empty.
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
    if until is not None and deadline.due is not None and deadline.state in LATE_STATES:
        days += _days_late(deadline, context, last, _last_day(deadline, context, until))
    return days


def _days_late(
    deadline: Deadline, context: EvaluationContext, due: int, until: int
) -> Iterator[CountedDay]:
    """Yield the days after the due day, each day late with its number."""
    counted = context.counted_by(deadline.rule.unit, deadline.unit)
    number = 0
    for day in map(date.fromordinal, range(due + 1, until + 1)):
        off = counted.why_not(day)
        if off is not None and deadline.rule.unit is LengthUnit.WORKING_DAY:
            yield CountedDay(day, DayMark.HOLIDAY if off.name else DayMark.WEEKEND, off=off)
        else:
            number += 1
            yield CountedDay(day, DayMark.LATE, number=number)
