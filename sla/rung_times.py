"""Rung times: the moment of each rung by the deadline alone."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sla.calendar import Calendar
from sla.due_days import due_day
from sla.engine.context import EvaluationContext
from sla.engine.deadline import Deadline
from sla.ladders import Offset, OffsetUnit, Rung


def rung_moment(deadline: Deadline, rung: Rung, context: EvaluationContext) -> datetime:
    """Return the time of a rung by the deadline alone: always on a working day.

    On a day off it is moved to the next working day. A reminder that would then be after the
    deadline is moved to the last working day before it.
    """
    moment = exact_moment(deadline, rung, context)
    day = context.day(moment)
    calendar = context.calendar_of(deadline.unit)
    if calendar.counts(date.fromordinal(day)):
        return moment
    later = context.start_of(due_day(calendar, day, 1))
    assert deadline.due is not None
    if rung.at.after_due or later <= deadline.due:
        return later
    return context.start_of(calendar.day_before(day, 1))


def exact_moment(deadline: Deadline, rung: Rung, context: EvaluationContext) -> datetime:
    """Return the exact time of the rung: midnight at the start of its day.

    For the offset `0` it is the first moment after the deadline.
    """
    assert deadline.due is not None
    assert deadline.shown_by is not None
    if rung.at.unit is OffsetUnit.PERCENT:
        return _share(deadline, rung.at.amount, context)
    calendar = context.calendar_of(deadline.unit)
    base = deadline.shown_by if rung.at.after_due else deadline.due
    if rung.at.unit is OffsetUnit.DUE_DAY:
        return context.start_of(context.day(base))
    if rung.at.amount == 0:
        return base + timedelta(microseconds=1)
    return context.start_of(shifted(context.day(base), rung.at, calendar))


def shifted(day: int, offset: Offset, calendar: Calendar) -> int:
    """Return the day at this distance from another one, in days of the unit of the offset."""
    if offset.unit is OffsetUnit.DAY:
        return day + offset.amount
    if offset.amount < 0:
        return calendar.day_before(day, -offset.amount)
    return due_day(calendar, day, offset.amount)


def _share(deadline: Deadline, percent: int, context: EvaluationContext) -> datetime:
    assert deadline.due is not None
    if deadline.rule.promised:
        return deadline.started + (deadline.due - deadline.started) * percent / 100
    length = -(-deadline.rule.length * percent // 100)
    counted = context.counted_by(deadline.rule.unit, deadline.unit)
    day = due_day(counted, context.day(deadline.started), length, deadline.pauses)
    return context.start_of(min(day, date.max.toordinal() - 1))
