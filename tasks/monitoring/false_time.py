"""The way back after the machine's clock was ahead: undo what runs at the false time decided."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from db import audit, runs
from db.false_time.undo import Undone, undo
from tasks.common.context import SiteContext
from tasks.monitoring.clock_check import FLOW


class NoRightRun(ValueError):
    """There is no run before now, so that the last right time is not known."""


def last_right(context: SiteContext, now: datetime) -> datetime:
    """Return the time of the last run that is not after `now`.

    Raises :class:`NoRightRun` if there is none.
    """
    with context.transaction() as session:
        found = runs.last_until(session, now)
    if found is None:
        raise NoRightRun("no run is before now; name the last right time with --at")
    return found


def set_back(
    context: SiteContext, right: datetime, now: datetime, *, since: datetime, by: str
) -> Undone:
    """Undo the decisions of runs after `since`, in one transaction with a row of the audit.

    The clock was right until `right`. `now` counts as a right time from here on, on the word of the
    person `by`.
    """
    lapsing = context.site.evaluation_context.law.lapsing
    with context.transaction() as session:
        done = undo(session, right, now, since=since, lapsing=lapsing, by=by)
        audit.note(
            session,
            audit.AuditKind.CLOCK_UNDONE,
            now,
            "the clock was ahead: decisions after the last right time are undone",
            last_right=right.isoformat(),
            since=since.isoformat(),
            **asdict(done),
        )
        key = runs.key_of(FLOW, now)
        runs.finished(session, key, FLOW, now, {"last_run": right.isoformat(), "by": by})
    return done
