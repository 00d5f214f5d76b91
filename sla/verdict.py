"""The verdict on one clock: when it is due, and how it stands for what is known.

A verdict needs knowledge. Where a time is known only as an interval, the verdict must hold for
the whole interval, or the site's policy decides and the deadline says so. Where the source has
not been looked at since the deadline, or shows the duty done only later, nobody is called late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sla.calendar import Calendar
from sla.clock import Clock
from sla.counting import NEVER, Stretch, due_day, used_days, working_days_between
from sla.deadline import Bench, Deadline, Facts, Policy, Reason, State
from sla.events import Event, Kind, Knowledge
from sla.regulations import Rule


@dataclass(frozen=True, slots=True)
class _Dues:
    """The earliest and the latest due moment that the known times allow, and the binding one.

    `shown_by` is when the source shows at the latest that the duty was done by the binding one.
    """

    earliest: datetime | None
    latest: datetime | None
    binding: datetime | None
    shown_by: datetime | None


def verdict(
    rule: Rule, number: int, clock: Clock, facts: Facts, bench: Bench, as_of: datetime
) -> Deadline:
    """How the `number`-th clock of a rule stands at `as_of`."""
    strict = _strict(rule, clock, bench)
    longest = clock.stretches(bench, longest=True)
    shortest = clock.stretches(bench, longest=False)
    latest = _due(rule, clock.start.latest, longest, clock.unit, facts, bench)
    earliest = _due(rule, clock.start.first_possible, shortest, clock.unit, facts, bench)
    due = earliest if strict else latest
    calendar = bench.calendar_of(clock.unit)
    lag = max((facts.shown_later.get(kind, 0) for kind in rule.stops_on), default=0)
    shown_by = due
    if due is not None and lag:
        shown_by = bench.end_of(due_day(bench.calendar, bench.day(due), lag))
    state, reasons = _state(
        rule, clock, _Dues(earliest, latest, due, shown_by), facts, bench, as_of
    )
    stopped = clock.end
    until = min(bench.day(stopped.latest) if stopped else bench.day(as_of), bench.day(as_of))
    started = clock.start.first_possible if strict else clock.start.latest
    pauses = shortest if strict else longest
    counted = bench.counted_by(rule.unit, clock.unit)
    turn = min(filter(None, (due, stopped.latest if stopped else None)), default=None)
    return Deadline(
        rule=rule,
        clock=number,
        unit=clock.unit,
        answerable=clock.held_at(turn if turn is not None and turn <= as_of else None),
        started=started,
        started_knowledge=clock.start.knowledge,
        due=due,
        stopped=stopped.latest if stopped else None,
        stopped_knowledge=stopped.knowledge if stopped else None,
        state=state,
        days_used=used_days(counted, bench.day(started), until, pauses),
        working_days_left=(
            None if due is None else working_days_between(calendar, until, bench.day(due))
        ),
        shown_by=shown_by,
        pauses=tuple(pauses),
        reasons=reasons,
        by_policy=Reason.POLICY in reasons,
        provisional=not rule.promised and _provisional(started, due, counted, bench),
        paused=clock.paused,
    )


def _provisional(started: datetime, due: datetime | None, counted: Calendar, bench: Bench) -> bool:
    if due is None:
        return False
    first, last = bench.day(started), bench.day(due)
    return counted.provisional(date.fromordinal(first), date.fromordinal(last))


def _strict(rule: Rule, clock: Clock, bench: Bench) -> bool:
    """Whether the earliest due day binds: on a provider, and only where history is known."""
    return bench.policy is Policy.STRICT and rule.binds_provider and not clock.history_unknown


def _due(
    rule: Rule,
    start: datetime,
    pauses: Sequence[Stretch],
    unit: str | None,
    facts: Facts,
    bench: Bench,
) -> datetime | None:
    if rule.promised:
        return facts.promised_due
    day = due_day(bench.counted_by(rule.unit, unit), bench.day(start), rule.length, pauses)
    if day >= NEVER:
        return None
    calendar = bench.calendar_of(unit)
    if rule.roll and not calendar.counts(date.fromordinal(day)):
        day = due_day(calendar, day, 1)
    return bench.end_of(day)


def _state(
    rule: Rule, clock: Clock, dues: _Dues, facts: Facts, bench: Bench, as_of: datetime
) -> tuple[State, tuple[Reason, ...]]:
    if clock.stop is not None:
        return _stopped(rule, clock, clock.stop, dues, bench)
    if clock.implied is not None:
        return _implied(rule, clock, clock.implied, dues, bench)
    if clock.void is not None:
        return _voided(rule, clock, clock.void, dues, bench)
    if dues.binding is None or as_of <= dues.binding:
        return (State.PAUSED if clock.paused else State.RUNNING), ()
    return _overdue(rule, dues, min(facts.known_until or as_of, as_of))


def _overdue(rule: Rule, dues: _Dues, known_until: datetime) -> tuple[State, tuple[Reason, ...]]:
    """The deadline has passed; is it known that nothing was done before?"""
    assert dues.binding is not None
    assert dues.shown_by is not None
    if known_until <= dues.binding:
        return State.UNKNOWN, (Reason.AWAITING_SOURCE,)
    if known_until <= dues.shown_by:
        return State.UNKNOWN, (Reason.SHOWN_LATER,)
    if not rule.binds_provider:
        return State.LAPSED, ()
    doubt = dues.latest is None or known_until <= dues.latest
    return State.BREACHED, ((Reason.POLICY,) if doubt else ())


def _stopped(
    rule: Rule, clock: Clock, stop: Event, dues: _Dues, bench: Bench
) -> tuple[State, tuple[Reason, ...]]:
    late = State.MET_LATE if rule.binds_provider else State.LAPSED
    if _surely_by(stop, dues.earliest):
        return State.MET, ()
    if _surely_after(stop, dues.latest):
        return late, ()
    if clock.history_unknown or stop.knowledge is Knowledge.UNKNOWN:
        return State.UNKNOWN, (Reason.HISTORY_UNKNOWN,)
    if bench.policy is Policy.NO_VERDICT:
        return State.UNKNOWN, (Reason.POLICY,)
    strict = _strict(rule, clock, bench)
    return (late if strict else State.MET), (Reason.POLICY,)


def _implied(
    rule: Rule, clock: Clock, implied: Event, dues: _Dues, bench: Bench
) -> tuple[State, tuple[Reason, ...]]:
    """Done at some time before `implied`; late only if a timely act would have been shown."""
    late = State.MET_LATE if rule.binds_provider else State.LAPSED
    if _surely_by(implied, dues.earliest):
        return State.MET, (Reason.IMPLIED,)
    if clock.history_unknown or implied.knowledge is Knowledge.UNKNOWN:
        return State.UNKNOWN, (Reason.HISTORY_UNKNOWN,)
    if dues.shown_by != dues.binding and _surely_after(implied, dues.shown_by):
        return late, (Reason.IMPLIED,)
    if _strict(rule, clock, bench):
        return late, (Reason.IMPLIED, Reason.POLICY)
    return State.UNKNOWN, (Reason.IMPLIED,)


def _voided(
    rule: Rule, clock: Clock, void: Event, dues: _Dues, bench: Bench
) -> tuple[State, tuple[Reason, ...]]:
    """The matter went away: nobody is judged, unless the deadline had been missed before."""
    reason = Reason.RETURNED if void.kind == Kind.RETURNED else Reason.VOIDED
    missed = State.BREACHED if rule.binds_provider else State.LAPSED
    unknown = clock.history_unknown or void.knowledge is Knowledge.UNKNOWN
    if _surely_by(void, dues.earliest) or unknown:
        return State.WAIVED, (reason,)
    if _surely_after(void, dues.shown_by):
        return missed, (reason,)
    if bench.policy is Policy.NO_VERDICT:
        return State.UNKNOWN, (reason, Reason.POLICY)
    strict = _strict(rule, clock, bench)
    return (missed if strict else State.WAIVED), (reason, Reason.POLICY)


def _surely_by(event: Event, due: datetime | None) -> bool:
    """Whether it happened by `due`, whenever in its interval it did; without a due always."""
    return due is None or event.latest <= due


def _surely_after(event: Event, due: datetime | None) -> bool:
    """Whether it happened after `due`, whenever in its interval it did."""
    if due is None:
        return False
    if event.earliest is None:
        return event.latest > due
    return event.earliest + timedelta(microseconds=1) > due
