"""Escalation: ladders of rungs at offsets from a deadline, and the recipients of each rung."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

import numpy as np

from sla.calendar import Calendar
from sla.day_counting import due_day, working_days_between
from sla.directory import Role
from sla.engine.context import EvaluationContext
from sla.engine.deadline import Deadline, State


class NoticeKind(StrEnum):
    """The message of a notice: act soon; it is late; it is late and a superior is notified."""

    REMINDER = "reminder"
    BREACH = "breach"
    ESCALATION = "escalation"


class LadderError(ValueError):
    """An escalation ladder cannot be used; the message has the rung, the mistake and the remedy."""


class OffsetUnit(StrEnum):
    """The unit of an offset: percent of the length, working days, or calendar days."""

    PERCENT = "%"
    WORKING_DAY = "wd"
    DAY = "d"


@dataclass(frozen=True, slots=True)
class Offset:
    """The distance from the deadline: `50%` of its length, `-1wd` before it, `0` or `+3wd` after
    it.
    """

    amount: int
    unit: OffsetUnit

    @classmethod
    def parse(cls, text: str) -> Offset:
        """Parse `50%`, `-3wd`, `-1d`, `0`, `+7wd`; raises :class:`LadderError` for other texts."""
        if text.strip() == "0":
            return cls(0, OffsetUnit.DAY)
        found = re.fullmatch(r"([+-]?\d{1,4})\s*(%|wd|d)", text.strip())
        if not found:
            raise LadderError(f"'{text}' is no offset; write 50%, -3wd, -1d, 0 or +7wd")
        amount, unit = int(found[1]), OffsetUnit(found[2])
        if unit is OffsetUnit.PERCENT and not 0 < amount < 100:
            raise LadderError(f"'{text}': a percentage lies between 1% and 99%")
        return cls(amount, unit)

    @property
    def after_due(self) -> bool:
        """Check whether the rung is reached after the deadline has passed."""
        return self.unit is not OffsetUnit.PERCENT and self.amount >= 0


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder: its time, the kind of notice, the roles, and the interval of
    repetition.

    An `urgent` notice is sent at any hour.
    """

    id: str
    at: Offset
    kind: NoticeKind
    to: tuple[Role, ...]
    cc: tuple[Role, ...] = ()
    repeat: Offset | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class MailHours:
    """The hours for sending mail: from one hour to another, on the working days of the site."""

    opens: time
    closes: time

    def next_open(self, moment: datetime, bench: EvaluationContext) -> datetime:
        """Return `moment` if it is within the mail hours, else the start of the next mail hours."""
        local = moment.astimezone(bench.zone)
        day = bench.day(moment)
        if bench.calendar.counts(date.fromordinal(day)):
            if self.opens <= local.time() < self.closes:
                return moment
            if local.time() < self.opens:
                return datetime.combine(local.date(), self.opens, tzinfo=bench.zone)
        following = date.fromordinal(due_day(bench.calendar, day, 1))
        return datetime.combine(following, self.opens, tzinfo=bench.zone)


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


def ladder_for(
    rule_id: str, ladders: Sequence[Ladder], unit_kind: str | None = None
) -> Ladder | None:
    """Return the first ladder for the rule at a unit of this kind, or None: then no notices are
    sent.
    """
    return next((ladder for ladder in ladders if ladder.climbs(rule_id, unit_kind)), None)


def reached(
    deadline: Deadline, ladder: Ladder | None, bench: EvaluationContext, as_of: datetime
) -> list[Reached]:
    """Return the rungs that a running or late deadline has reached by `as_of`, lowest first.

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
        repeat = _repeats(deadline, rung, bench, as_of)
        if repeat is not None:
            found.append(Reached(rung, repeat, _moment(deadline, rung, repeat, bench)))
    return sorted(found, key=lambda r: (r.at, r.rung.at.after_due, ladder.rungs.index(r.rung)))


def next_action_at(
    deadline: Deadline, ladder: Ladder | None, bench: EvaluationContext, as_of: datetime
) -> datetime | None:
    """Return the time of the next evaluation if no event comes before it; None for never."""
    if deadline.due is None or not deadline.open or deadline.doubt is not None:
        return None  # in doubt, only another import can change anything
    turns = [deadline.due, deadline.shown_by or deadline.due]
    moments = [turn + timedelta(microseconds=1) for turn in turns]
    if ladder is not None and deadline.rule.binds_provider and not deadline.paused:
        for rung in ladder.rungs:
            moments += _first_after(deadline, rung, bench, as_of)
    return min((moment for moment in moments if moment > as_of), default=None)


def _tells(deadline: Deadline) -> bool:
    return deadline.ticking and deadline.due is not None and deadline.rule.binds_provider


def _first_after(
    deadline: Deadline, rung: Rung, bench: EvaluationContext, as_of: datetime
) -> Iterable[datetime]:
    repeat = _repeats(deadline, rung, bench, as_of)
    if repeat is None:
        yield _moment(deadline, rung, 0, bench)
    elif rung.repeat is not None:
        yield _moment(deadline, rung, repeat + 1, bench)


def _repeats(
    deadline: Deadline, rung: Rung, bench: EvaluationContext, until: datetime
) -> int | None:
    """Return the number of the last repetition reached by `until`; None before the first time."""
    if _moment(deadline, rung, 0, bench) > until:
        return None
    if rung.repeat is None:
        return 0
    calendar = bench.calendar_of(deadline.unit)
    first, last = bench.day(_exact(deadline, rung, 0, bench)), bench.day(until)
    passed = last - first
    if rung.repeat.unit is OffsetUnit.WORKING_DAY:
        passed = working_days_between(calendar, first, last)
    number = passed // rung.repeat.amount
    # a repetition may have been moved to the next working day, after `until`
    while number and _moment(deadline, rung, number, bench) > until:
        number -= 1
    return number


def _moment(deadline: Deadline, rung: Rung, repeat: int, bench: EvaluationContext) -> datetime:
    """Return the time at which a rung is reached for the `repeat`-th time: always on a working day.

    On a day off it is moved to the next working day. A reminder that would then be after the
    deadline is moved to the last working day before it.
    """
    moment = _exact(deadline, rung, repeat, bench)
    day = bench.day(moment)
    calendar = bench.calendar_of(deadline.unit)
    if calendar.counts(date.fromordinal(day)):
        return moment
    later = bench.start_of(due_day(calendar, day, 1))
    assert deadline.due is not None
    if rung.at.after_due or later <= deadline.due:
        return later
    return bench.start_of(int(calendar.before(np.array([day]), 1)[0]))


def _exact(deadline: Deadline, rung: Rung, repeat: int, bench: EvaluationContext) -> datetime:
    """Return the exact time of the rung: midnight at the start of its day.

    For the offset `0` it is the first moment after the deadline. Repetitions are counted from the
    day on which the rung was first reached.
    """
    assert deadline.due is not None
    assert deadline.shown_by is not None
    if rung.at.unit is OffsetUnit.PERCENT:
        return _share(deadline, rung.at.amount, bench)
    calendar = bench.calendar_of(deadline.unit)
    if repeat and rung.repeat is not None:
        first = bench.day(_exact(deadline, rung, 0, bench))
        later = Offset(rung.repeat.amount * repeat, rung.repeat.unit)
        return bench.start_of(_shift(first, later, calendar))
    base = deadline.shown_by if rung.at.after_due else deadline.due
    if rung.at.amount == 0:
        return base + timedelta(microseconds=1)
    return bench.start_of(_shift(bench.day(base), rung.at, calendar))


def _shift(day: int, offset: Offset, calendar: Calendar) -> int:
    if offset.unit is OffsetUnit.DAY:
        return day + offset.amount
    if offset.amount < 0:
        return int(calendar.before(np.array([day]), -offset.amount)[0])
    return due_day(calendar, day, offset.amount)


def _share(deadline: Deadline, percent: int, bench: EvaluationContext) -> datetime:
    assert deadline.due is not None
    if deadline.rule.promised:
        return deadline.started + (deadline.due - deadline.started) * percent / 100
    length = -(-deadline.rule.length * percent // 100)
    counted = bench.counted_by(deadline.rule.unit, deadline.unit)
    day = due_day(counted, bench.day(deadline.started), length, deadline.pauses)
    return bench.start_of(min(day, date.max.toordinal() - 1))
