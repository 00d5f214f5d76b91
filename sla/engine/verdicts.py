"""The verdicts: clocks converted to columns, decided all at once, and returned as deadlines.

A verdict must be certain. If a time is known only as an interval, a deadline counts as late only if
it is late for every moment of the interval. Otherwise the policy of the site decides between a
verdict in favour of the responsible unit and none, and the deadline says so. A deadline does not
count as late before an import from the source after the due time, or while the source may still
show an earlier end of the duty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np

from sla.due_days import NEVER, merge, padded
from sla.engine.clocks import Clock
from sla.engine.context import ComplaintFacts, EvaluationContext
from sla.engine.deadline import LATE_STATES, Deadline, Reason
from sla.engine.decision_table import (
    REASONS,
    STATES,
    Clocks,
    Codes,
    Doubt,
    End,
    Flags,
    Moments,
    States,
    day_ends,
    decide,
    moment_of,
)
from sla.engine.holders import assignee_at, in_charge_since, last_hand_over
from sla.events import ABSENT, ASSIGNEE, Event, Kind, Knowledge
from sla.regulations.model import Actor, LengthUnit, Rule
from sla.value_class import value_class

if TYPE_CHECKING:
    from sla.calendar import Days


@value_class(frozen=True, slots=True)
class ClockInput:
    """A clock to evaluate: the `number`-th of its rule on a complaint with these facts.

    `doubt` is the doubt about an event that could change the verdict, if there is one. With
    `unit_unknown_since`, the unit in charge is not known from this moment on.
    """

    rule: Rule
    number: int
    clock: Clock
    facts: ComplaintFacts
    doubt: Event | None = None
    unit_unknown_since: datetime | None = None


def verdicts(
    inputs: Sequence[ClockInput], context: EvaluationContext, as_of: datetime
) -> list[Deadline]:
    """Evaluate these clocks at `as_of` and return their deadlines in the same order.

    Raises `sla.calendar.OutsideCalendar` if any count leaves the calendar.
    """
    if not inputs:
        return []
    calendars = _Calendars(context)
    columns = _columns(inputs, calendars, context, as_of)
    ends = day_ends(context.zone, context.every_day.first, context.every_day.last)
    today = context.day(as_of)
    stand = decide(columns, calendars.listed, ends, context.policy, moment_of(as_of), today)
    return [_deadline(entry, context, as_of, stand, number) for number, entry in enumerate(inputs)]


def _columns(
    inputs: Sequence[ClockInput], calendars: _Calendars, context: EvaluationContext, as_of: datetime
) -> Clocks:
    """Convert the clocks to columns.

    If every start and every pause is exact, the `first` columns are the same objects as the `last`
    ones (and `shortest` is `longest`): :func:`sla.engine.decision_table.decide` compares them by
    identity.
    """

    def days(moments: Iterable[datetime]) -> Days:
        return np.array([context.day(moment) for moment in moments], dtype=np.int64)

    def moments(values: Iterable[datetime | None]) -> Moments:
        found = [NEVER if value is None else moment_of(value) for value in values]
        return np.array(found, dtype=np.int64)

    def flags(values: Iterable[bool]) -> Flags:
        return np.array(list(values), dtype=bool)

    clocks = [entry.clock for entry in inputs]
    stops = [clock.end for clock in clocks]
    promised = [entry.facts.promised_due if entry.rule.promised else None for entry in inputs]
    start_last = days(clock.start.latest for clock in clocks)
    longest = padded([merge(clock.stretches(context, longest=True)) for clock in clocks])
    start_first, shortest = start_last, longest
    if any(clock.observed for clock in clocks):
        start_first = days(clock.start.first_possible for clock in clocks)
        shortest = padded([merge(clock.stretches(context, longest=False)) for clock in clocks])
    return Clocks(
        counted=calendars.indices(
            None if entry.rule.unit is LengthUnit.DAY else entry.clock.unit or ""
            for entry in inputs
        ),
        week=calendars.indices(clock.unit or "" for clock in clocks),
        length=np.array([entry.rule.length for entry in inputs], dtype=np.int64),
        start_first=start_first,
        start_last=start_last,
        shortest=shortest,
        longest=longest,
        promised=moments(promised),
        promised_day=days(moment or as_of for moment in promised),
        roll=flags(entry.rule.roll for entry in inputs),
        provider=flags(entry.rule.binds_provider for entry in inputs),
        lag=np.array([_lag(entry) for entry in inputs], dtype=np.int64),
        end=np.array([_end(clock) for clock in clocks], dtype=np.int8),
        end_first=moments(None if stop is None else stop.first_possible for stop in stops)
        + np.array([stop is not None and stop.earliest is not None for stop in stops]),
        end_last=moments(None if stop is None else stop.latest for stop in stops),
        end_day=days(as_of if stop is None else stop.latest for stop in stops),
        vague_start=flags(clock.history_unknown for clock in clocks),
        vague_end=flags(stop is not None and stop.knowledge is Knowledge.UNKNOWN for stop in stops),
        shown_undone=flags(_shown_undone(entry, context) for entry in inputs),
        paused=flags(clock.paused for clock in clocks),
        known_until=moments(min(entry.facts.known_until or as_of, as_of) for entry in inputs),
        doubt=np.array([_doubt(entry) for entry in inputs], dtype=np.int8),
        readable_until=moments(
            entry.doubt.first_possible if entry.doubt else None for entry in inputs
        ),
    )


class _Calendars:
    """The calendars of a site by number: the site's, the one of every day, and those of units."""

    def __init__(self, context: EvaluationContext) -> None:
        self.listed = [context.calendar, context.every_day, *context.unit_calendars.values()]
        self._numbers = {unit: n for n, unit in enumerate(context.unit_calendars, start=2)}

    def indices(self, holders: Iterable[str | None]) -> Codes:
        """Return the number of the working calendar of each unit; None means the calendar of every
        day.
        """
        found = [1 if unit is None else self._numbers.get(unit, 0) for unit in holders]
        return np.array(found, dtype=np.int8)


def _lag(entry: ClockInput) -> int:
    return max((entry.facts.shown_later.get(kind, 0) for kind in entry.rule.stops_on), default=0)


def _shown_undone(entry: ClockInput, context: EvaluationContext) -> bool:
    """Check whether the source shows the present state of the duty, and showed it undone until the
    step that ended its clock.

    A lapse is no step that the source has shown.
    """
    end, sees = entry.clock.end, entry.facts.sees
    if end is None or sees is None or end.knowledge is not Knowledge.OBSERVED:
        return False
    return end.source not in context.law.ids and not sees.isdisjoint(entry.rule.stops_on)


def _doubt(entry: ClockInput) -> Doubt:
    if entry.doubt is None:
        return Doubt.NONE
    if entry.doubt.kind == ASSIGNEE:
        return Doubt.UNKNOWN_UNIT
    return Doubt.NOT_SHOWN if entry.doubt.source_field.startswith(ABSENT) else Doubt.OPEN_QUESTION


def _end(clock: Clock) -> End:
    if clock.stop is not None:
        return End.STOP
    if clock.implied is not None:
        return End.IMPLIED
    if clock.void is not None:
        return End.RETURNED if clock.void.kind == Kind.RETURNED else End.VOID
    return End.NONE


def _deadline(
    entry: ClockInput, context: EvaluationContext, as_of: datetime, stand: States, n: int
) -> Deadline:
    rule, clock = entry.rule, entry.clock
    strict = bool(stand.strict[n])
    started = clock.start.first_possible if strict else clock.start.latest
    due = shown_by = due_earliest = None
    if stand.due[n] < NEVER:
        due = entry.facts.promised_due if rule.promised else context.end_of(int(stand.due_day[n]))
        shown_by = context.end_of(int(stand.shown_day[n])) if stand.shown_day[n] else due
    if stand.day_earliest[n] < NEVER:
        earliest = context.end_of(int(stand.day_earliest[n]))
        due_earliest = entry.facts.promised_due if rule.promised else earliest
    stop = clock.end
    end = min((moment for moment in (due, stop and stop.latest) if moment), default=None)
    state, reasons = STATES[stand.state[n]], REASONS[stand.reasons[n]]
    late, unit_known = state in LATE_STATES, _unit_known(entry)
    return Deadline(
        rule=rule,
        clock=entry.number,
        unit=clock.unit,
        answerable=assignee_at(
            clock.holders,
            end if end is not None and end <= as_of else None,
            due_earliest if late and end == due else None,
        )
        if unit_known
        else None,
        started=started,
        start=clock.start,
        due=due,
        stopped=None if stop is None else stop.latest,
        end=stop,
        state=state,
        days_used=int(stand.used[n]),
        working_days_left=None if due is None else int(stand.left[n]),
        shown_by=shown_by,
        pauses=tuple(clock.stretches(context, longest=not strict)),
        pause_events=tuple(clock.pauses),
        reasons=reasons,
        by_policy=Reason.POLICY in reasons,
        provisional=due is not None and _provisional(entry, started, due, context),
        paused=clock.paused,
        doubt=entry.doubt if stand.doubted[n] else None,
        due_earliest=due_earliest,
        unit_known=unit_known,
        liable=in_charge_since(clock.holders, due) if late and due else frozenset(),
        handed_over=last_hand_over(clock.holders, context.administrator_unit),
    )


def _unit_known(entry: ClockInput) -> bool:
    """Check whether the unit of a clock is known now, or was until the clock ended.

    The duties of the administrators of LAPOR! are those of one unit anyway.
    """
    since, end = entry.unit_unknown_since, entry.clock.end
    if since is None or entry.rule.actor is Actor.LAPOR_ADMINISTRATOR:
        return True
    return end is not None and end.latest <= since


def _provisional(
    entry: ClockInput, started: datetime, due: datetime, context: EvaluationContext
) -> bool:
    if entry.rule.promised:
        return False
    counted = context.counted_by(entry.rule.unit, entry.clock.unit)
    first, last = date.fromordinal(context.day(started)), date.fromordinal(context.day(due))
    return counted.provisional(first, last)
