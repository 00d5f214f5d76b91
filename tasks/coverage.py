"""Coverage: the days on which a source should have shown itself and did not."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from db import looks
from sla.calendar import OutsideCalendar
from tasks.office import Office

LOOKED_BACK = timedelta(days=14)
"""How far an artifact looks back."""


def missing_days(
    session: Session, office: Office, name: str, first: date, last: date, as_of: datetime
) -> list[date]:
    """The days in [first, last] without a look of a source, as it was known at `as_of`.

    Its mapping says on which days one is expected: never, daily, or on the site's working days. The
    days before its first look do not count, nor the day of `as_of`, which is not over. A look is of
    the local day on which it was made; one that arrives late fills its day.
    """
    source = office.site.sources[name]
    if not source.expected:
        return []
    made = looks.moments(session, name, as_of)
    if not made:
        return []
    days = {office.local(source.not_before(moment)).date() for moment in made}
    day = max(first, min(days))
    end = min(last, office.local(as_of).date() - timedelta(days=1))
    found = []
    while day <= end:
        if day not in days and (source.expected == "daily" or _worked(office, day)):
            found.append(day)
        day += timedelta(days=1)
    return found


def lately_missing(session: Session, office: Office, name: str, now: datetime) -> list[date]:
    """The days of the last two weeks without a look of a source."""
    today = office.local(now).date()
    return missing_days(session, office, name, today - LOOKED_BACK, today, now)


def _worked(office: Office, day: date) -> bool:
    try:
        return office.site.bench.calendar.counts(day)
    except OutsideCalendar:
        return False
