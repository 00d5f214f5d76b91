"""Fair notice: superiors hear of a duty after its unit was notified and had its time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime

from sla.due_days import due_day, working_days_between
from sla.engine.context import EvaluationContext
from sla.engine.deadline import Deadline
from sla.ladders import Ladder, NoticeKind, Offset, OffsetUnit, Rung, responsible_roles
from sla.regulations.model import Actor, Rule
from sla.rung_times import exact_moment
from sla.value_class import value_class


@value_class(frozen=True, slots=True)
class AcceptedNotices:
    """The notices of one clock at its present unit, by rung.

    `accepted` has the time at which the mail server first accepted a mail to the unit about the
    rung. `decided` has the time of the first decision about the rung, whether or not its mail was
    accepted.
    """

    accepted: Mapping[str, datetime] = field(default_factory=dict)
    decided: Mapping[str, datetime] = field(default_factory=dict)


NOT_NOTIFIED = AcceptedNotices()
"""There is no notice of this clock yet."""


def follows_the_unit(deadline: Deadline, rung: Rung) -> bool:
    """Check whether a rung is only for superiors who hear of the duty after its unit."""
    return rung.for_superiors and deadline.rule.actor is not Actor.SUPERIOR


def after_unit(
    deadline: Deadline,
    ladder: Ladder,
    rung: Rung,
    context: EvaluationContext,
    notified: AcceptedNotices,
) -> datetime | None:
    """Return the end of the time that the ladder gives the unit before a rung for superiors.

    The time is counted from the unit's first notice of the same kind of matter (the coming or the
    missed deadline), and again from the last rung of the unit before this one.
    """
    if not notified.accepted:
        return None
    before = unit_rungs_before(ladder, rung, deadline.rule)
    if not any(each.id in notified.accepted for each in before):
        return None
    before.sort(key=lambda each: exact_moment(deadline, each, context))
    accepted = [each for each in before if each.id in notified.accepted]
    first = min(notified.accepted[each.id] for each in accepted)
    moments = [_later(first, _distance(deadline, before[0], rung, context), deadline, context)]
    if accepted[-1] is not before[0]:
        last = notified.accepted[accepted[-1].id]
        moments.append(
            _later(last, _distance(deadline, accepted[-1], rung, context), deadline, context)
        )
    return max(moments)


def unit_had_its_time(
    deadline: Deadline,
    ladder: Ladder,
    rung: Rung,
    context: EvaluationContext,
    as_of: datetime,
    notified: AcceptedNotices,
) -> bool:
    """Check whether the recipients of a rung may hear of a duty now (fair notice)."""
    if not follows_the_unit(deadline, rung):
        return True
    moment = after_unit(deadline, ladder, rung, context, notified)
    return moment is not None and moment <= as_of


def unit_rungs_before(ladder: Ladder, rung: Rung, rule: Rule) -> list[Rung]:
    """Return the rungs for the unit alone from which a rung for superiors counts the time.

    Before the deadline these are the other reminders, after it the other late rungs. Each is not
    later than the rung itself, as far as their offsets can be compared.
    """
    responsible = responsible_roles(rule)
    return [
        each
        for each in ladder.rungs
        if not each.for_superiors
        and any(role in responsible for role in each.roles)
        and (each.kind is NoticeKind.REMINDER) == (rung.kind is NoticeKind.REMINDER)
        and not _surely_later(each.at, rung.at)
    ]


def _surely_later(one: Offset, other: Offset) -> bool:
    same = one.unit is other.unit or 0 in (one.amount, other.amount)
    if same and OffsetUnit.PERCENT not in (one.unit, other.unit):
        return one.amount > other.amount
    return one.unit is other.unit and one.amount > other.amount


def _distance(deadline: Deadline, one: Rung, other: Rung, context: EvaluationContext) -> Offset:
    """Return the distance from one rung to a later one, in the unit of the later one."""
    unit = other.at.unit
    if unit in (OffsetUnit.WORKING_DAY, OffsetUnit.DAY) and (
        one.at.unit is unit or one.at.amount == 0
    ):
        return Offset(max(0, other.at.amount - one.at.amount), unit)
    first, last = (context.day(exact_moment(deadline, each, context)) for each in (one, other))
    if unit is OffsetUnit.DAY:
        return Offset(max(0, last - first), unit)
    days = working_days_between(context.calendar_of(deadline.unit), first, last)
    return Offset(max(0, days), OffsetUnit.WORKING_DAY)


def _later(
    moment: datetime, distance: Offset, deadline: Deadline, context: EvaluationContext
) -> datetime:
    """Return the start of the day at this distance after a moment, without the days of pauses."""
    if distance.amount == 0:
        return moment
    calendar = context.calendar_of(deadline.unit)
    counted = calendar if distance.unit is OffsetUnit.WORKING_DAY else context.every_day
    day = due_day(counted, context.day(moment), distance.amount, deadline.pauses)
    if not calendar.counts(date.fromordinal(day)):
        day = due_day(calendar, day, 1)
    return context.start_of(day)
