"""How days are counted: one rule for everything, over arrays.

An event acts from the next day on. The day on which a clock starts is not counted; the next
counted day is day 1, and the deadline is the end of day n. A day on which a pause begins still
counts, the day on which it ends does not. A pause is therefore the half-open stretch
(begins, ends] of days. Source: `regulations.md` of the project, worked examples there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from sla.calendar import Calendar, Days

NEVER = np.int64(2**62)
"""The day that does not come: a due day behind an open pause, the end of an open pause."""

NO_PAUSES: NDArray[np.int64] = np.zeros((1, 0, 2), dtype=np.int64)

Stretch = tuple[int, int]


def merge(pauses: Iterable[Stretch]) -> list[Stretch]:
    """The same paused days as disjoint stretches in order; touching and overlapping ones join."""
    merged: list[Stretch] = []
    for begins, ends in sorted(pauses):
        if ends <= begins:
            continue  # begins and ends on one day: that day counts
        if merged and begins <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(ends, merged[-1][1]))
        else:
            merged.append((begins, ends))
    return merged


def due_days(calendar: Calendar, start: Days, length: Days, pauses: NDArray[np.int64]) -> Days:
    """The day at whose end each deadline runs out.

    `start` and `length` have shape (n,), `pauses` shape (n, k, 2) (or (1, k, 2) for all alike):
    each row's stretches disjoint and in order as :func:`merge` gives them, padded with
    `(NEVER, NEVER)`. A deadline that an open pause (ending `NEVER`) holds up is due `NEVER`.
    """
    start = np.asarray(start, dtype=np.int64)
    due = calendar.advance(start, length)
    left = np.broadcast_to(np.asarray(length, dtype=np.int64), start.shape).copy()
    reached = start.copy()  # counted up to here, `left` days to go
    for k in range(pauses.shape[1]):
        begins = np.maximum(np.broadcast_to(pauses[:, k, 0], start.shape), start)
        ends = np.maximum(np.broadcast_to(pauses[:, k, 1], start.shape), begins)
        held = (begins < due) & (ends > begins)
        if not held.any():
            continue
        counted = calendar.between(reached[held], begins[held])
        left[held] -= counted
        open_ended = held & (ends >= NEVER)
        resumed = held & ~open_ended
        reached[resumed] = ends[resumed]
        due[resumed] = calendar.advance(ends[resumed], left[resumed])
        due[open_ended] = NEVER
    return due


def due_day(calendar: Calendar, start: int, length: int, pauses: Iterable[Stretch] = ()) -> int:
    """:func:`due_days` of one deadline; the pauses may be in any order and overlap."""
    held = padded([merge(pauses)])
    return int(due_days(calendar, np.array([start]), np.array([length]), held)[0])


def used(calendar: Calendar, start: Days, until: Days, pauses: NDArray[np.int64]) -> Days:
    """Counted days in (start, until] outside all pauses, for each row: the time that is spent.

    Shapes as in :func:`due_days`; 0 where `until` is not after `start`.
    """
    total = calendar.between(start, np.maximum(until, start))
    for k in range(pauses.shape[1]):
        begins = np.clip(np.broadcast_to(pauses[:, k, 0], start.shape), start, None)
        ends = np.minimum(np.broadcast_to(pauses[:, k, 1], start.shape), until)
        held = ends > begins
        if held.any():
            total[held] -= calendar.between(begins[held], ends[held])
    return total


def used_days(calendar: Calendar, start: int, until: int, pauses: Iterable[Stretch] = ()) -> int:
    """:func:`used` of one deadline; the pauses may be in any order and overlap."""
    return int(used(calendar, np.array([start]), np.array([until]), padded([merge(pauses)]))[0])


def padded(rows: Sequence[Sequence[Stretch]]) -> NDArray[np.int64]:
    """The merged pauses of n deadlines as an array of shape (n, k, 2), k the most of any row."""
    most = max(map(len, rows), default=0)
    filled = np.full((len(rows), most, 2), NEVER, dtype=np.int64)
    for number, row in enumerate(rows):
        if row:
            filled[number, : len(row)] = row
    return filled


def working_days_between(calendar: Calendar, after: int, until: int) -> int:
    """Counted days in (after, until], negative where `until` lies before `after`."""
    return int(calendar.distance(np.array([after]), np.array([until]))[0])
