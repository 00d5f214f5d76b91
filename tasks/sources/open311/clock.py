"""Compare the times of a server with ours: is its clock wrong, or is its zone another one?

A server that labels local time with Z, or UTC with its own zone, is ahead or behind by the hours of
the zone. Tenggat asks the administrator, and corrects nothing by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

KEPT = 4
"""Number of runs that must agree, each with something newer than the one before."""

TOLERANCE = timedelta(minutes=15)
"""A clock that is wrong by less than this is not noticed."""


class NewestTime(NamedTuple):
    """The newest time that a server has shown, and the time of that run."""

    run: datetime
    newest: datetime


def remembered(
    known: Sequence[NewestTime], now: datetime, newest: datetime | None
) -> tuple[NewestTime, ...]:
    """Return the last runs that showed something newer than the run before."""
    if newest is None or (known and newest <= known[-1].newest):
        return tuple(known)
    return (*known, NewestTime(now, newest))[-KEPT:]


def is_wrong(known: Sequence[NewestTime], offset: timedelta) -> bool:
    """Check whether the server is ahead of us in each run, or behind by the offset of the zone.

    A single wrong date is newer than our time too, but it does not grow from run to run. An answer
    that is old because nothing happened differs each time.
    """
    leads = [each.newest - each.run for each in known]
    if len(leads) < KEPT:
        return False
    ahead = all(lead > TOLERANCE for lead in leads)
    behind = abs(offset) > TOLERANCE and all(abs(lead + abs(offset)) <= TOLERANCE for lead in leads)
    return ahead or behind
