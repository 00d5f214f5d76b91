"""Escalation: ladders of rungs at offsets from a deadline, and the recipients of each rung."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

import numpy as np

from sla.calendar import Calendar
from sla.directory import OF_A_UNIT, Role
from sla.due_days import due_day, working_days_between
from sla.engine.context import EvaluationContext
from sla.engine.deadline import Deadline, State
from sla.regulations.model import Actor, Rule


class NoticeKind(StrEnum):
    """The message of a notice: act soon; it is late; it is late and a superior is notified."""

    REMINDER = "reminder"
    BREACH = "breach"
    ESCALATION = "escalation"


class LadderError(ValueError):
    """An escalation ladder cannot be used; the message has the rung, the mistake and the remedy."""


SUPERIORS = (Role.REGIONAL_SECRETARY, Role.INSPECTOR, Role.REGENT)
"""Roles above the responsible unit. They hear of a duty only after the unit (fair notice)."""


class OffsetUnit(StrEnum):
    """The unit of an offset: percent of the length, working days, calendar days, or the day of the
    deadline itself.
    """

    PERCENT = "%"
    WORKING_DAY = "wd"
    DAY = "d"
    DUE_DAY = "0d"


@dataclass(frozen=True, slots=True)
class Offset:
    """The distance from the deadline: `50%` of its length, `-1wd` before it, `0d` its last day, `0`
    or `+3wd` after it.
    """

    amount: int
    unit: OffsetUnit

    @classmethod
    def parse(cls, text: str) -> Offset:
        """Parse `50%`, `-3wd`, `-1d`, `0d`, `0`, `+7wd`; raises :class:`LadderError` for other
        texts.
        """
        if text.strip() == "0":
            return cls(0, OffsetUnit.DAY)
        if text.strip() == "0d":
            return cls(0, OffsetUnit.DUE_DAY)
        found = re.fullmatch(r"([+-]?\d{1,4})\s*(%|wd|d)", text.strip())
        if not found:
            raise LadderError(f"'{text}' is no offset; write 50%, -3wd, -1d, 0d, 0 or +7wd")
        amount, unit = int(found[1]), OffsetUnit(found[2])
        if unit is OffsetUnit.PERCENT and not 0 < amount < 100:
            raise LadderError(f"'{text}': a percentage lies between 1% and 99%")
        return cls(amount, unit)

    @property
    def after_due(self) -> bool:
        """Check whether the rung is reached after the deadline has passed."""
        return self.unit in (OffsetUnit.WORKING_DAY, OffsetUnit.DAY) and self.amount >= 0


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder: its time, the kind of notice, the roles, and the interval of
    repetition.

    An `urgent` notice is sent at any hour. A `weekly` notice waits for this day of the week
    (0 = Monday), together with the other weekly notices of the same person. With `new_at_once` the
    first notice of a duty to a person does not wait.
    """

    id: str
    at: Offset
    kind: NoticeKind
    to: tuple[Role, ...]
    cc: tuple[Role, ...] = ()
    repeat: Offset | None = None
    urgent: bool = False
    weekly: int | None = None
    new_at_once: bool = False

    @property
    def roles(self) -> tuple[Role, ...]:
        """Return all roles of the rung, those for information last."""
        return (*self.to, *self.cc)

    @property
    def for_superiors(self) -> bool:
        """Check whether the rung notifies anyone above the responsible unit."""
        return any(role in SUPERIORS for role in self.roles)


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs for the rules that match one of `rules` (patterns such as `sp4n/*`).

    `unit_kinds` are the kinds of unit with this ladder; an empty tuple means all kinds.
    """

    rules: tuple[str, ...]
    rungs: tuple[Rung, ...]
    unit_kinds: tuple[str, ...] = ()

    def climbs(self, rule_id: str, unit_kind: str | None) -> bool:
        """Check whether this ladder applies to a rule at a unit of this kind."""
        if self.unit_kinds and unit_kind not in self.unit_kinds:
            return False
        return any(fnmatch.fnmatchcase(rule_id, pattern) for pattern in self.rules)


@dataclass(frozen=True, slots=True)
class Reached:
    """A rung that a deadline has reached for the `repeat`-th time, since `at`."""

    rung: Rung
    repeat: int
    at: datetime


@dataclass(frozen=True, slots=True)
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


def ladder_for(
    rule_id: str, ladders: Sequence[Ladder], unit_kind: str | None = None
) -> Ladder | None:
    """Return the first ladder for the rule at a unit of this kind, or None: then no notices are
    sent.
    """
    return next((ladder for ladder in ladders if ladder.climbs(rule_id, unit_kind)), None)


def responsible_roles(rule: Rule) -> tuple[Role, ...]:
    """Return the roles whose notice counts as a notice to the responsible unit."""
    if rule.actor is Actor.LAPOR_ADMINISTRATOR:
        return (*OF_A_UNIT, Role.ADMINISTRATOR)
    return OF_A_UNIT


def reached(
    deadline: Deadline,
    ladder: Ladder | None,
    context: EvaluationContext,
    as_of: datetime,
    notified: AcceptedNotices = NOT_NOTIFIED,
) -> list[Reached]:
    """Return the rungs that a running or late deadline has reached by `as_of`, lowest first.

    A rung for superiors is reached only if the mail server had accepted the unit's mail about the
    rung before it, and the distance between the two rungs has passed since then. A rung for the
    unit depends on the deadline alone. Repetitions are counted from the first decision about the
    rung.

    A stopped, paused, voided or undecided clock reaches no rung; neither does a deadline of the
    complainant or of the system. Before the breach only reminders count, after it only the other
    kinds. A repeated rung is returned once, with the number of its last repetition.
    """
    if not _tells(deadline) or ladder is None:
        return []
    late = deadline.state is State.BREACHED
    found = []
    for rung in ladder.rungs:
        if (rung.kind is NoticeKind.REMINDER) == late:
            continue
        first = _first(deadline, ladder, rung, context, notified)
        if first is None or first.at > as_of:
            continue
        repeat = _repeats(deadline, first, context, as_of)
        found.append(Reached(rung, repeat, _repetition(deadline, first, repeat, context)))
    return sorted(found, key=lambda r: (r.at, r.rung.at.after_due, ladder.rungs.index(r.rung)))


def next_action_at(
    deadline: Deadline,
    ladder: Ladder | None,
    context: EvaluationContext,
    as_of: datetime,
    notified: AcceptedNotices = NOT_NOTIFIED,
) -> datetime | None:
    """Return the time of the next evaluation if no event comes before it; None for never.

    A rung for superiors has no time before the unit was notified: the acceptance of the unit's mail
    causes another evaluation. For a deadline in doubt only another import can change anything.
    """
    if deadline.due is None or not deadline.open or deadline.doubt is not None:
        return None
    turns = [deadline.due, deadline.shown_by or deadline.due]
    moments = [turn + timedelta(microseconds=1) for turn in turns]
    if ladder is not None and deadline.rule.binds_provider and not deadline.paused:
        for rung in ladder.rungs:
            first = _first(deadline, ladder, rung, context, notified)
            if first is None:
                continue
            if first.at > as_of:
                moments.append(first.at)
            elif first.base is not None:
                number = _repeats(deadline, first, context, as_of) + 1
                moments.append(_repetition(deadline, first, number, context))
    return min((moment for moment in moments if moment > as_of), default=None)


def _tells(deadline: Deadline) -> bool:
    return deadline.ticking and deadline.due is not None and deadline.rule.binds_provider


@dataclass(frozen=True, slots=True)
class _First:
    """The first time of a rung, and the day from which its repetitions are counted (None: the rung
    is not repeated, or not decided yet).
    """

    rung: Rung
    at: datetime
    base: int | None


def _first(
    deadline: Deadline,
    ladder: Ladder,
    rung: Rung,
    context: EvaluationContext,
    notified: AcceptedNotices,
) -> _First | None:
    """Return when a rung is reached first; None while the unit has not been notified before."""
    moment = _moment(deadline, rung, context)
    if _follows_the_unit(deadline, rung):
        after_unit = _after_unit(deadline, ladder, rung, context, notified)
        if after_unit is None:
            return None
        moment = max(moment, after_unit)
    decided = notified.decided.get(rung.id) if rung.repeat is not None else None
    return _First(rung, moment, None if decided is None else context.day(decided))


def _follows_the_unit(deadline: Deadline, rung: Rung) -> bool:
    return rung.for_superiors and deadline.rule.actor is not Actor.SUPERIOR


def _after_unit(
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
    before = unit_rungs_before(ladder, rung, deadline.rule)
    if not before:
        return None
    before.sort(key=lambda each: _exact(deadline, each, context))
    accepted = [each for each in before if each.id in notified.accepted]
    if not accepted:
        return None
    first = min(notified.accepted[each.id] for each in accepted)
    turns = [_later(first, _distance(deadline, before[0], rung, context), deadline, context)]
    if accepted[-1] is not before[0]:
        last = notified.accepted[accepted[-1].id]
        turns.append(
            _later(last, _distance(deadline, accepted[-1], rung, context), deadline, context)
        )
    return max(turns)


def unit_had_its_time(
    deadline: Deadline,
    ladder: Ladder,
    rung: Rung,
    context: EvaluationContext,
    as_of: datetime,
    notified: AcceptedNotices,
) -> bool:
    """Check whether the recipients of a rung may hear of a duty now (fair notice)."""
    if not _follows_the_unit(deadline, rung):
        return True
    after_unit = _after_unit(deadline, ladder, rung, context, notified)
    return after_unit is not None and after_unit <= as_of


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
    first, last = (context.day(_exact(deadline, each, context)) for each in (one, other))
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


def _repeats(deadline: Deadline, first: _First, context: EvaluationContext, until: datetime) -> int:
    """Return the number of the last repetition reached by `until`."""
    repeat = first.rung.repeat
    if repeat is None or first.base is None:
        return 0
    last = context.day(until)
    passed = last - first.base
    if repeat.unit is OffsetUnit.WORKING_DAY:
        passed = working_days_between(context.calendar_of(deadline.unit), first.base, last)
    number = max(0, passed // repeat.amount)
    # a repetition may have been moved to the next working day, after `until`
    while number and _repetition(deadline, first, number, context) > until:
        number -= 1
    return number


def _repetition(
    deadline: Deadline, first: _First, number: int, context: EvaluationContext
) -> datetime:
    """Return the time of a repetition, moved to the next working day if it is on a day off."""
    repeat = first.rung.repeat
    if not number or repeat is None or first.base is None:
        return first.at
    calendar = context.calendar_of(deadline.unit)
    day = _shift(first.base, Offset(repeat.amount * number, repeat.unit), calendar)
    if not calendar.counts(date.fromordinal(day)):
        day = due_day(calendar, day, 1)
    return context.start_of(day)


def _moment(deadline: Deadline, rung: Rung, context: EvaluationContext) -> datetime:
    """Return the time of a rung by the deadline alone: always on a working day.

    On a day off it is moved to the next working day. A reminder that would then be after the
    deadline is moved to the last working day before it.
    """
    moment = _exact(deadline, rung, context)
    day = context.day(moment)
    calendar = context.calendar_of(deadline.unit)
    if calendar.counts(date.fromordinal(day)):
        return moment
    later = context.start_of(due_day(calendar, day, 1))
    assert deadline.due is not None
    if rung.at.after_due or later <= deadline.due:
        return later
    return context.start_of(int(calendar.before(np.array([day]), 1)[0]))


def _exact(deadline: Deadline, rung: Rung, context: EvaluationContext) -> datetime:
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
    return context.start_of(_shift(context.day(base), rung.at, calendar))


def _shift(day: int, offset: Offset, calendar: Calendar) -> int:
    if offset.unit is OffsetUnit.DAY:
        return day + offset.amount
    if offset.amount < 0:
        return int(calendar.before(np.array([day]), -offset.amount)[0])
    return due_day(calendar, day, offset.amount)


def _share(deadline: Deadline, percent: int, context: EvaluationContext) -> datetime:
    assert deadline.due is not None
    if deadline.rule.promised:
        return deadline.started + (deadline.due - deadline.started) * percent / 100
    length = -(-deadline.rule.length * percent // 100)
    counted = context.counted_by(deadline.rule.unit, deadline.unit)
    day = due_day(counted, context.day(deadline.started), length, deadline.pauses)
    return context.start_of(min(day, date.max.toordinal() - 1))
