"""The counting of days: one rule for every deadline, over arrays.

An event takes effect on the next day. The day on which a clock starts is not counted. The next
counted day is day 1, and the deadline is the end of day n. The day on which a pause begins still
counts; the day on which it ends does not. A pause is therefore the half-open interval
(begins, ends] of days. `regulations/cases/` has examples counted by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sla.calendar import Calendar

if TYPE_CHECKING:  # see sla.calendar
    import numpy as np
    from numpy.typing import NDArray

    from sla.calendar import Days

NEVER = 2**62
"""The day after all days: the due day of a deadline behind an open pause, or the end of an open
pause."""

Stretch = tuple[int, int]


def merge(pauses: Iterable[Stretch]) -> list[Stretch]:
    """Merge paused intervals into disjoint ones, in order.

    Touching and overlapping intervals are joined. A pause of zero days is dropped.
    """
    merged: list[Stretch] = []
    for begins, ends in sorted(pauses):
        if ends <= begins:
            continue  # a pause that begins and ends on one day: the day counts
        if merged and begins <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(ends, merged[-1][1]))
        else:
            merged.append((begins, ends))
    return merged


def due_days(calendar: Calendar, start: Days, length: Days, pauses: NDArray[np.int64]) -> Days:
    """Compute the due day of each deadline: the deadline is missed after the end of this day.

    `start` (day ordinals) and `length` (counted days) have the shape (n,). `pauses` has the shape
    (n, k, 2), or (1, k, 2) for the same pauses in all rows. The intervals of each row are disjoint
    and in order, as :func:`merge` returns them, and padded with `(NEVER, NEVER)`. The result is
    `NEVER` for a deadline in an open pause (a pause with the end `NEVER`).
    """
    import numpy as np  # noqa: PLC0415

    start = np.asarray(start, dtype=np.int64)
    due = calendar.advance(start, length)
    left = np.broadcast_to(np.asarray(length, dtype=np.int64), start.shape).copy()
    reached = start.copy()  # counted up to here, `left` days to go
    for k in range(pauses.shape[1]):
        begins = np.maximum(np.broadcast_to(pauses[:, k, 0], start.shape), start)
        ends = np.maximum(np.broadcast_to(pauses[:, k, 1], start.shape), begins)
        paused = (begins < due) & (ends > begins)
        if not paused.any():
            continue
        counted = calendar.between(reached[paused], begins[paused])
        left[paused] -= counted
        open_ended = paused & (ends >= NEVER)
        resumed = paused & ~open_ended
        reached[resumed] = ends[resumed]
        due[resumed] = calendar.advance(ends[resumed], left[resumed])
        due[open_ended] = NEVER
    return due


def due_day(calendar: Calendar, start: int, length: int, pauses: Iterable[Stretch] = ()) -> int:
    """Compute the due day of one deadline as :func:`due_days` does; pauses may overlap, in any
    order.
    """
    merged = merge(pauses)
    if not merged:
        return calendar.day_after(start, length)
    import numpy as np  # noqa: PLC0415

    paused = padded([merged])
    return int(due_days(calendar, np.array([start]), np.array([length]), paused)[0])


def used(calendar: Calendar, start: Days, until: Days, pauses: NDArray[np.int64]) -> Days:
    """Compute the time used by each deadline: counted days in (start, until] outside all pauses.

    The shapes are those of :func:`due_days`. The result is 0 if `until` is not after `start`.
    """
    import numpy as np  # noqa: PLC0415

    total = calendar.between(start, np.maximum(until, start))
    for k in range(pauses.shape[1]):
        begins = np.clip(np.broadcast_to(pauses[:, k, 0], start.shape), start, None)
        ends = np.minimum(np.broadcast_to(pauses[:, k, 1], start.shape), until)
        paused = ends > begins
        if paused.any():
            total[paused] -= calendar.between(begins[paused], ends[paused])
    return total


def padded(rows: Sequence[Sequence[Stretch]]) -> NDArray[np.int64]:
    """Convert the merged pauses of n deadlines to an array of shape (n, k, 2).

    k is the largest number of pauses in a row. Shorter rows are padded with `NEVER`.
    """
    import numpy as np  # noqa: PLC0415

    most = max(map(len, rows), default=0)
    filled = np.full((len(rows), most, 2), NEVER, dtype=np.int64)
    for number, row in enumerate(rows):
        if row:
            filled[number, : len(row)] = row
    return filled


def working_days_between(calendar: Calendar, after: int, until: int) -> int:
    """Return the counted days in (after, until], negative if `until` is before `after`."""
    return calendar.days_between(after, until)
