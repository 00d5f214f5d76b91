"""Escalation: the rungs that a deadline has reached, their repetitions, and the time of its next
evaluation.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from sla.due_days import due_day, working_days_between
from sla.engine.context import EvaluationContext
from sla.engine.deadline import Deadline, State
from sla.fair_notice import NOT_NOTIFIED, AcceptedNotices, after_unit, follows_the_unit
from sla.ladders import Ladder, NoticeKind, Offset, OffsetUnit, Rung
from sla.rung_times import rung_moment, shifted
from sla.value_class import value_class

INSTANT = timedelta(microseconds=1)


@value_class(frozen=True, slots=True)
class Reached:
    """A rung that a deadline has reached for the `repeat`-th time, since `at`."""

    rung: Rung
    repeat: int
    at: datetime


class FirstTimes:
    """The first time of each rung of a deadline by its ladder; each one is computed once.

    It depends on the accepted notices, but not on the decisions.
    """

    def __init__(
        self,
        deadline: Deadline,
        ladder: Ladder | None,
        context: EvaluationContext,
        notified: AcceptedNotices = NOT_NOTIFIED,
    ) -> None:
        self.ladder = ladder
        self._deadline, self._context = deadline, context
        self._notified = notified
        self._known: dict[str, datetime | None] = {}
        self._by_deadline: dict[str, datetime] = {}

    def with_notices(self, notified: AcceptedNotices) -> FirstTimes:
        """Return the first times with other notices; times by the deadline alone stay known."""
        if notified.accepted == self._notified.accepted:
            return self
        times = FirstTimes(self._deadline, self.ladder, self._context, notified)
        times._by_deadline = self._by_deadline
        return times

    def of(self, rung: Rung) -> datetime | None:
        """Return when a rung is reached first; None while the unit has not been notified before."""
        if rung.id not in self._known:
            self._known[rung.id] = self._computed(rung)
        return self._known[rung.id]

    def _computed(self, rung: Rung) -> datetime | None:
        deadline, context = self._deadline, self._context
        moment = self._by_deadline.get(rung.id)
        if moment is None:
            moment = self._by_deadline[rung.id] = rung_moment(deadline, rung, context)
        if self.ladder is None or not follows_the_unit(deadline, rung):
            return moment
        earliest = after_unit(deadline, self.ladder, rung, context, self._notified)
        return None if earliest is None else max(moment, earliest)


def reached(
    deadline: Deadline,
    ladder: Ladder | None,
    context: EvaluationContext,
    as_of: datetime,
    notified: AcceptedNotices = NOT_NOTIFIED,
    times: FirstTimes | None = None,
) -> list[Reached]:
    """Return the rungs that a running or late deadline has reached by `as_of`, lowest first.

    A rung for superiors is reached only if the mail server had accepted the unit's mail about the
    rung before it, and the distance between the two rungs has passed since then. A rung for the
    unit depends on the deadline alone. Repetitions are counted from the first decision about the
    rung.

    A stopped, paused, voided or undecided clock reaches no rung; neither does a deadline of the
    complainant or of the system. Before the breach only reminders count, after it only the other
    kinds. A repeated rung is returned once, with the number of its last repetition. `times` are the
    first times with these accepted notices, if they are known.
    """
    if not _tells(deadline) or ladder is None:
        return []
    late = deadline.state is State.BREACHED
    times = times or FirstTimes(deadline, ladder, context, notified)
    found = []
    for rung in ladder.rungs:
        if (rung.kind is NoticeKind.REMINDER) == late:
            continue
        moment = times.of(rung)
        if moment is None or moment > as_of:
            continue
        first = _first(rung, moment, context, notified)
        repeat = _repeats(deadline, first, context, as_of)
        found.append(Reached(rung, repeat, _repetition(deadline, first, repeat, context)))
    return sorted(found, key=lambda r: (r.at, r.rung.at.after_due))


def next_action_at(
    deadline: Deadline,
    ladder: Ladder | None,
    context: EvaluationContext,
    as_of: datetime,
    notified: AcceptedNotices = NOT_NOTIFIED,
    times: FirstTimes | None = None,
) -> datetime | None:
    """Return the time of the next evaluation if no event comes before it; None for never.

    A rung for superiors has no time before the unit was notified: the acceptance of the unit's mail
    causes another evaluation. For a deadline in doubt only another import can change anything.
    `times` are the first times with these accepted notices, if they are known.
    """
    if deadline.due is None or not deadline.open or deadline.doubt is not None:
        return None
    ends = (deadline.due, deadline.shown_by)
    moments = [end + INSTANT for end in ends if end is not None and end >= as_of]
    if ladder is not None and deadline.rule.binds_provider and not deadline.paused:
        times = times or FirstTimes(deadline, ladder, context, notified)
        for rung in ladder.rungs:
            if deadline.late and rung.kind is NoticeKind.REMINDER and rung.repeat is None:
                continue  # it is over
            moment = times.of(rung)
            if moment is None:
                continue
            if moment > as_of:
                moments.append(moment)
            elif (first := _first(rung, moment, context, notified)).base is not None:
                number = _repeats(deadline, first, context, as_of) + 1
                moments.append(_repetition(deadline, first, number, context))
    return min(moments, default=None)


def moved_reminders(
    deadline: Deadline,
    ladder: Ladder | None,
    context: EvaluationContext,
    reminded_for: Mapping[str, datetime],
    as_of: datetime,
) -> list[Reached]:
    """Return the reminders that are due again on a later day, with their times.

    The due day has moved to a later one. `reminded_for` has the last time for which, or at which,
    each reminder was decided, by rung. A reminder with a new day before `as_of` is not due again: a
    change of past days must not remind of everything.
    """
    if ladder is None or deadline.due is None or not deadline.open or deadline.late:
        return []
    moved = []
    for rung in ladder.rungs:
        before = reminded_for.get(rung.id)
        if before is None or rung.kind is not NoticeKind.REMINDER:
            continue
        moment = rung_moment(deadline, rung, context)
        if context.day(moment) > context.day(before) and context.day(moment) >= context.day(as_of):
            moved.append(Reached(rung, 0, moment))
    return moved


def _tells(deadline: Deadline) -> bool:
    return deadline.ticking and deadline.due is not None and deadline.rule.binds_provider


@value_class(frozen=True, slots=True)
class _First:
    """The first time of a rung, and the day from which its repetitions are counted (None: the rung
    is not repeated, or not decided yet).
    """

    rung: Rung
    at: datetime
    base: int | None


def _first(
    rung: Rung, moment: datetime, context: EvaluationContext, notified: AcceptedNotices
) -> _First:
    """Return the first time of a rung, which is this moment, with the base of its repetitions."""
    decided = notified.decided.get(rung.id) if rung.repeat is not None else None
    return _First(rung, moment, None if decided is None else context.day(decided))


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
    day = shifted(first.base, Offset(repeat.amount * number, repeat.unit), calendar)
    if not calendar.counts(date.fromordinal(day)):
        day = due_day(calendar, day, 1)
    return context.start_of(day)
