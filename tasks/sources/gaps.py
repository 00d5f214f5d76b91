"""Coverage: the days on which a source should have brought an extract and did not."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from db import imports
from sla.calendar import OutsideCalendar
from tasks.common.context import SiteContext

LOOKED_BACK = timedelta(days=14)
"""The time before now that an artifact of a flow covers."""


def missing_days(
    session: Session, context: SiteContext, name: str, first: date, last: date, as_of: datetime
) -> list[date]:
    """Return the days in [first, last] without an import of a source, as known at `as_of`.

    The mapping of the source says on which days an import is expected: never, daily, or on the
    working days of the site. Days before the first import do not count, nor does the day of
    `as_of`, because it is not over. An import belongs to the local day of its extract; a late one
    still fills its day.
    """
    source = context.site.sources[name]
    if not source.expected:
        return []
    made = imports.moments(session, name, as_of)
    if not made:
        return []
    days = {context.local(source.not_before(moment)).date() for moment in made}
    day = max(first, min(days))
    end = min(last, context.local(as_of).date() - timedelta(days=1))
    found = []
    while day <= end:
        if day not in days and (source.expected == "daily" or _worked(context, day)):
            found.append(day)
        day += timedelta(days=1)
    return found


def lately_missing(session: Session, context: SiteContext, name: str, now: datetime) -> list[date]:
    """Return the days of the last two weeks without an import of a source."""
    today = context.local(now).date()
    return missing_days(session, context, name, today - LOOKED_BACK, today, now)


def _worked(context: SiteContext, day: date) -> bool:
    try:
        return context.site.evaluation_context.calendar.counts(day)
    except OutsideCalendar:
        return False
