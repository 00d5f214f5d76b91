"""Start and stop: end the trial of a site, or go back to it."""

from __future__ import annotations

from datetime import date, datetime

from db.decisions import mode
from tasks.common.context import SiteContext


class TooEarly(ValueError):
    """A first day for superiors before the first day for the units."""

    def __init__(self, day: date, begin: date) -> None:
        super().__init__(f"{day} is before {begin}, the first day with mails to officials")
        self.day, self.begin = day, begin


class NotPossible(ValueError):
    """A start on a day that is over."""

    def __init__(self, day: date) -> None:
        super().__init__(f"{day} is over; name today or a later day")
        self.day = day


def start_site(
    context: SiteContext,
    now: datetime,
    by: str,
    *,
    first_day: date | None = None,
    superiors_first_day: date | None = None,
) -> mode.SiteMode:
    """End the trial: from `first_day` on (default: now) the mails go to the office holders.

    Superiors get none before `superiors_first_day`. Days are those of the site. Raises
    :class:`NotPossible` for a day in the past, :class:`TooEarly` for superiors before the units.
    """
    today = context.local(now).date()
    for day in (first_day, superiors_first_day):
        if day is not None and day < today:
            raise NotPossible(day)
    if first_day and superiors_first_day and superiors_first_day < first_day:
        raise TooEarly(superiors_first_day, first_day)
    begin = _start_of(context, first_day) if first_day is not None else now
    superiors = None
    if superiors_first_day is not None:
        superiors = _start_of(context, superiors_first_day)
    with context.transaction() as session:
        return mode.start(
            session, now, by, effective_from=max(begin, now), superiors_from=superiors
        )


def stop_site(context: SiteContext, now: datetime, by: str) -> mode.SiteMode:
    """Go back to trial: from now on only the administrator gets mails."""
    with context.transaction() as session:
        return mode.stop(session, now, by)


def _start_of(context: SiteContext, day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), tzinfo=context.site.zone)
