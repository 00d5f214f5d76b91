"""One deadline, day by day: which day counted, which did not and why, up to the due date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sla.counting import NEVER
from sla.deadline import Bench, Deadline
from sla.regulations import Unit


class DayMark(StrEnum):
    """How a day enters the count."""

    START = "start"
    COUNTED = "counted"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    PAUSE = "pause"
    ROLLED = "rolled"


@dataclass(frozen=True, slots=True)
class CountedDay:
    """One day of an explanation: its mark, the number it got, and a holiday's name."""

    day: date
    mark: DayMark
    number: int | None = None
    name: str = ""
    due: bool = False


def explain(deadline: Deadline, bench: Bench, *, until: date | None = None) -> list[CountedDay]:
    """Every day from the start of the clock to the due day, or to `until` while paused.

    A promised deadline has no count; its explanation is empty.
    """
    rule = deadline.rule
    if rule.promised:
        return []
    first = bench.day(deadline.started)
    last = (
        bench.day(deadline.due) if deadline.due else (until or date.fromordinal(first)).toordinal()
    )
    counted = bench.counted_by(rule.unit, deadline.unit)
    days = [CountedDay(date.fromordinal(first), DayMark.START)]
    number = 0
    for ordinal in range(first + 1, last + 1):
        day = date.fromordinal(ordinal)
        off = counted.why_not(day)
        due = deadline.due is not None and ordinal == last
        if any(begins < ordinal <= min(ends, int(NEVER) - 1) for begins, ends in deadline.pauses):
            days.append(CountedDay(day, DayMark.PAUSE))
        elif off is not None and rule.unit is Unit.WORKING_DAY:
            mark = DayMark.HOLIDAY if off.name else DayMark.WEEKEND
            days.append(CountedDay(day, mark, name=off.name))
        elif number < rule.length:
            number += 1
            days.append(CountedDay(day, DayMark.COUNTED, number=number, due=due))
        else:
            days.append(CountedDay(day, DayMark.ROLLED, due=due))
    return days
