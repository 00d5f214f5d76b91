"""The decision table: the states of many clocks at once, over arrays.

One complaint and a million are evaluated by the same code. Days are ordinals as in
:mod:`sla.calendar`. Moments are microseconds since 1970-01-01 UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from sla.calendar import Calendar
from sla.due_days import NEVER, due_days, used
from sla.engine.context import Policy
from sla.engine.deadline import Reason, State

if TYPE_CHECKING:
    from sla.calendar import Days

Moments = NDArray[np.int64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.int8]

STATES = tuple(State)
LATE = [STATES.index(state) for state in (State.BREACHED, State.MET_LATE, State.LAPSED)]
REASONS: tuple[tuple[Reason, ...], ...] = (
    (),
    (Reason.HISTORY_UNKNOWN,),
    (Reason.POLICY,),
    (Reason.IMPLIED,),
    (Reason.VOIDED,),
    (Reason.VOIDED, Reason.POLICY),
    (Reason.RETURNED,),
    (Reason.RETURNED, Reason.POLICY),
    (Reason.AWAITING_SOURCE,),
    (Reason.SHOWN_LATER,),
    (Reason.NOT_SHOWN,),
    (Reason.OPEN_QUESTION,),
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class End(IntEnum):
    """The kind of end of a clock: duty done, implied by a later step, duty void, or complaint
    returned.
    """

    NONE = 0
    STOP = 1
    IMPLIED = 2
    VOID = 3
    RETURNED = 4


class Doubt(IntEnum):
    """The doubt about a clock: none, the complaint is not shown any more, a field of it is
    unreadable, or the unit in charge is unknown.
    """

    NONE = 0
    NOT_SHOWN = 1
    OPEN_QUESTION = 2
    UNKNOWN_UNIT = 3


def moment_of(value: datetime) -> int:
    """Convert a moment to microseconds since 1970-01-01 UTC, without rounding."""
    return (value - EPOCH) // timedelta(microseconds=1)


class DayEnds:
    """The last moment of each local day of a time zone, for a range of days."""

    def __init__(self, zone: ZoneInfo, first: date, last: date) -> None:
        self._base = first.toordinal()
        self._ends = np.array(
            [
                moment_of(datetime.combine(date.fromordinal(day), time.max, tzinfo=zone))
                for day in range(self._base, last.toordinal() + 1)
            ],
            dtype=np.int64,
        )

    def at(self, days: Days) -> Moments:
        """Return the end of each day; `NEVER` remains `NEVER`."""
        never = days >= NEVER
        ends = self._ends[np.where(never, 0, days - self._base)]
        return np.where(never, NEVER, ends)


@lru_cache
def day_ends(zone: ZoneInfo, first: date, last: date) -> DayEnds:
    """Compute the ends of days once per time zone and range of days; the result is cached."""
    return DayEnds(zone, first, last)


@dataclass(frozen=True, slots=True)
class Clocks:
    """Clocks as columns of length n.

    `counted` and `week` are indices into the calendars given to :func:`decide`: the calendar for
    counting the length, and the working calendar of the responsible unit. A start or an end known
    only as an interval has a `first` and a `last` value. `shortest` and `longest` are the pauses
    within those limits, in the shape (n, k, 2) of :func:`sla.due_days.due_days`. `promised` is
    the due moment that came with the complaint, or `NEVER` if the rule has a length. `lag` is the
    number of working days by which the source may show the end late. `vague_start` and `vague_end`
    are true for a time before the first import from the source. `shown_undone` is true if the
    source shows the duty itself, and showed it undone until the end. With a `doubt`, it is not
    known what happened after `readable_until`; without one this is `NEVER`.
    """

    counted: Codes
    week: Codes
    length: Days
    start_first: Days
    start_last: Days
    shortest: NDArray[np.int64]
    longest: NDArray[np.int64]
    promised: Moments
    promised_day: Days
    roll: Flags
    provider: Flags
    lag: Days
    end: Codes
    end_first: Moments
    end_last: Moments
    end_day: Days
    vague_start: Flags
    vague_end: Flags
    shown_undone: Flags
    paused: Flags
    known_until: Moments
    doubt: Codes
    readable_until: Moments


@dataclass(frozen=True, slots=True)
class States:
    """The states of the clocks, as columns of length n.

    `state` and `reasons` are indices into `STATES` and `REASONS`. `due_day`, `due` and `shown_by`
    are `NEVER` behind an open pause; `left` (working days, negative if late) is 0 there.
    `shown_day` is the day by the end of which the source shows the end at the latest, or 0 if the
    source shows it at once and the due day is exact. `strict` is true if the earliest due day is
    shown instead of the latest one. `day_earliest` is the earliest possible due day. `doubted` is
    true if a doubt leaves it open whether the duty is done by now.
    """

    state: Codes
    reasons: Codes
    due_day: Days
    due: Moments
    shown_by: Moments
    shown_day: Days
    used: Days
    left: Days
    strict: Flags
    day_earliest: Days
    doubted: Flags


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits within which the due moments of the clocks lie.

    `earliest` and `latest` are the first and the last possible due moment. `target` is the one that
    people work towards: `earliest` under the policy `strict`, else `latest`. `shown_by` is the
    moment after which the source must have shown an end that was in time. `lagging` is true if the
    source may show an end late.
    """

    earliest: Moments
    latest: Moments
    target: Moments
    shown_by: Moments
    lagging: Flags


def decide(
    clocks: Clocks,
    calendars: Sequence[Calendar],
    ends: DayEnds,
    policy: Policy,
    as_of: int,
    today: int,
) -> States:
    """Decide the state of each clock at `as_of`, a moment of the local day `today`.

    The first of `calendars` is the site's. Raises `sla.calendar.OutsideCalendar` if a count leaves
    the years of a calendar.
    """
    day_latest = _due_days(clocks, calendars, clocks.start_last, clocks.longest)
    due_latest = _due(clocks, ends, day_latest)
    exact = clocks.start_first is clocks.start_last and clocks.shortest is clocks.longest
    day_earliest, due_earliest = day_latest, due_latest
    if not exact:
        day_earliest = _due_days(clocks, calendars, clocks.start_first, clocks.shortest)
        due_earliest = _due(clocks, ends, day_earliest)
    strict = clocks.provider & ~clocks.vague_start & (policy is Policy.STRICT)
    lagging = (clocks.lag > 0) & (due_latest < NEVER)
    shown_by, shown_day = due_latest.copy(), np.zeros_like(day_latest)
    if lagging.any():
        shown_day[lagging] = calendars[0].advance(day_latest[lagging], clocks.lag[lagging])
        shown_by[lagging] = ends.at(shown_day[lagging])
    bounds = Bounds(
        earliest=due_earliest,
        latest=due_latest,
        target=np.where(strict, due_earliest, due_latest) if strict.any() else due_latest,
        shown_by=shown_by,
        lagging=lagging,
    )
    state, reasons = _table(clocks, bounds, strict=strict, policy=policy, as_of=as_of)
    doubted = _apply_doubts(clocks, np.maximum(due_latest, shown_by), state, reasons)
    due_day, due = day_latest, due_latest
    if strict.any():
        strict = strict & ~np.isin(state, LATE)
        due_day, due = np.where(strict, day_earliest, day_latest), bounds.target
        due = np.where(strict, due, due_latest)
        open_day = strict & (shown_day == 0) & (clocks.promised == NEVER) & (day_latest < NEVER)
        shown_day = np.where(open_day, day_latest, shown_day)
    until = np.minimum(np.where(clocks.end != End.NONE, clocks.end_day, today), today)
    return States(
        state=state,
        reasons=reasons,
        due_day=due_day,
        due=due,
        shown_by=shown_by,
        shown_day=shown_day,
        used=_used(clocks, calendars, strict, until, exact=exact),
        left=_left(clocks, calendars, until, due_day),
        strict=strict,
        day_earliest=day_earliest,
        doubted=doubted,
    )


def _apply_doubts(clocks: Clocks, certain_after: Moments, state: Codes, reasons: Codes) -> Flags:
    """Make verdicts undecided where a doubt allows another one, and return the clocks in doubt.

    A verdict in favour of the provider stays. A late one stays only if the complaint was still seen
    undone after `certain_after`. An open clock becomes undecided at once; if only the
    unit in charge is unknown, it runs on until it would be late. `state` and `reasons` are changed
    in place.
    """
    doubtful: Flags = clocks.doubt != Doubt.NONE
    if not doubtful.any():
        return doubtful
    code = {each: index for index, each in enumerate(STATES)}
    late = np.isin(state, LATE)
    certain = late & (clocks.readable_until > certain_after)
    still_open = clocks.end == End.NONE
    runs_on = (clocks.doubt == Doubt.UNKNOWN_UNIT) & ~late
    doubted: Flags = doubtful & ~runs_on & (still_open | (late & ~certain))
    state[doubted & ~certain] = code[State.UNKNOWN]
    why = np.where(
        clocks.doubt == Doubt.NOT_SHOWN,
        REASONS.index((Reason.NOT_SHOWN,)),
        REASONS.index((Reason.OPEN_QUESTION,)),
    )
    np.copyto(reasons, why.astype(np.int8), where=doubted)
    return doubted


def _table(
    clocks: Clocks, bounds: Bounds, *, strict: Flags, policy: Policy, as_of: int
) -> tuple[Codes, Codes]:
    """Decide the verdicts by the rows of the decision table: the first true condition decides.

    A verdict that accuses (late, missed) needs an end after the latest due moment, or an import
    after it without an end. So every moment within the intervals gives the same verdict.
    """
    code = {state: np.int8(index) for index, state in enumerate(STATES)}
    why = {reasons: np.int8(index) for index, reasons in enumerate(REASONS)}
    met, unknown, waived = code[State.MET], code[State.UNKNOWN], code[State.WAIVED]
    late = np.where(clocks.provider, code[State.MET_LATE], code[State.LAPSED])
    missed = np.where(clocks.provider, code[State.BREACHED], code[State.LAPSED])
    none, policy_says = why[()], why[(Reason.POLICY,)]
    history = why[(Reason.HISTORY_UNKNOWN,)]
    implied_by = why[(Reason.IMPLIED,)]
    returned = clocks.end == End.RETURNED
    gone = np.where(returned, why[(Reason.RETURNED,)], why[(Reason.VOIDED,)])
    gone_by_policy = np.where(
        returned,
        why[(Reason.RETURNED, Reason.POLICY)],
        why[(Reason.VOIDED, Reason.POLICY)],
    )

    stop, implied = clocks.end == End.STOP, clocks.end == End.IMPLIED
    void = clocks.end >= End.VOID
    surely_by = clocks.end_last <= bounds.earliest
    surely_after = clocks.end_first > bounds.latest
    after_shown = clocks.end_first > bounds.shown_by
    vague = clocks.vague_start | clocks.vague_end
    undecided = strict | (policy is Policy.NO_VERDICT)
    known = clocks.known_until

    rows: list[tuple[Flags, Codes | np.int8, Codes | np.int8]] = [
        # the duty was done
        (stop & surely_by, met, none),
        (stop & surely_after, late, none),
        (stop & vague, unknown, history),
        (stop & undecided, unknown, policy_says),
        (stop, met, policy_says),
        # a later step proves that it was done by then; late only if the source would have shown it
        (implied & surely_by, met, implied_by),
        (implied & (bounds.lagging | clocks.shown_undone) & after_shown, late, implied_by),
        (implied & vague, unknown, history),
        (implied, unknown, implied_by),
        # the duty is void: no verdict, unless the deadline had been missed before
        (void & surely_by, waived, gone),
        (void & after_shown, missed, gone),
        (void & vague, waived, gone),
        (void & undecided, unknown, gone_by_policy),
        (void, waived, gone_by_policy),
        # open and in time
        (
            as_of <= bounds.target,
            np.where(clocks.paused, code[State.PAUSED], code[State.RUNNING]),
            none,
        ),
        # the deadline has passed: is it certain that the duty was not done before?
        (known <= bounds.target, unknown, why[(Reason.AWAITING_SOURCE,)]),
        (known <= bounds.latest, unknown, policy_says),
        (known <= bounds.shown_by, unknown, why[(Reason.SHOWN_LATER,)]),
        (~clocks.provider, code[State.LAPSED], none),
    ]
    state = np.full(bounds.latest.shape, code[State.BREACHED], dtype=np.int8)
    reasons = np.full(bounds.latest.shape, none, dtype=np.int8)
    for condition, verdict, reason in reversed(rows):
        np.copyto(state, verdict, where=condition)
        np.copyto(reasons, reason, where=condition)
    return state, reasons


def _groups(
    index: Codes, calendars: Sequence[Calendar]
) -> Iterator[tuple[Flags | slice, Calendar]]:
    """Yield the rows of each calendar; one slice of all rows if there is only one calendar."""
    if index.size and (index == index[0]).all():
        yield slice(None), calendars[int(index[0])]
        return
    for number, calendar in enumerate(calendars):
        rows = index == number
        if rows.any():
            yield rows, calendar


def _due_days(
    clocks: Clocks, calendars: Sequence[Calendar], start: Days, pauses: NDArray[np.int64]
) -> Days:
    due = np.empty_like(start)
    for rows, calendar in _groups(clocks.counted, calendars):
        due[rows] = due_days(calendar, start[rows], clocks.length[rows], pauses[rows])
    if clocks.roll.any():
        for rows, calendar in _groups(clocks.week, calendars):
            put_off = np.zeros(due.shape, dtype=bool)
            put_off[rows] = True
            put_off &= clocks.roll & (due < NEVER)
            due[put_off] = calendar.advance(due[put_off] - 1, np.ones(1, dtype=np.int64))
    return np.where(clocks.promised < NEVER, clocks.promised_day, due)


def _due(clocks: Clocks, ends: DayEnds, days: Days) -> Moments:
    promised = clocks.promised < NEVER
    if not promised.any():
        return ends.at(days)
    return np.where(promised, clocks.promised, ends.at(np.where(promised, NEVER, days)))


def _used(
    clocks: Clocks, calendars: Sequence[Calendar], strict: Flags, until: Days, *, exact: bool
) -> Days:
    start, pauses = clocks.start_last, clocks.longest
    if not exact:
        start = np.where(strict, clocks.start_first, start)
        pauses = np.where(strict[:, None, None], clocks.shortest, pauses)
    spent = np.empty_like(start)
    for rows, calendar in _groups(clocks.counted, calendars):
        spent[rows] = used(calendar, start[rows], until[rows], pauses[rows])
    return spent


def _left(clocks: Clocks, calendars: Sequence[Calendar], until: Days, due_day: Days) -> Days:
    left = np.zeros_like(due_day)
    target = np.where(due_day >= NEVER, until, due_day)
    for rows, calendar in _groups(clocks.week, calendars):
        left[rows] = calendar.distance(until[rows], target[rows])
    return left
