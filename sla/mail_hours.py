"""Mail hours: when a mail of a site may leave, and the day of a weekly mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sla.due_days import due_day
from sla.engine.context import EvaluationContext


@dataclass(frozen=True, slots=True)
class MailHours:
    """The hours for sending mail: from one hour to another, on the working days of the site."""

    opens: time
    closes: time

    def next_open(self, moment: datetime, context: EvaluationContext) -> datetime:
        """Return `moment` if it is within the mail hours, else the start of the next mail hours."""
        local = moment.astimezone(context.zone)
        day = context.day(moment)
        if context.calendar.counts(date.fromordinal(day)):
            if self.opens <= local.time() < self.closes:
                return moment
            if local.time() < self.opens:
                return datetime.combine(local.date(), self.opens, tzinfo=context.zone)
        following = date.fromordinal(due_day(context.calendar, day, 1))
        return datetime.combine(following, self.opens, tzinfo=context.zone)

    def open_time(self, begin: datetime, end: datetime, context: EvaluationContext) -> timedelta:
        """Return how much of the time between two moments is within the mail hours."""
        total, moment = timedelta(0), self.next_open(begin, context)
        while moment < end:
            local = moment.astimezone(context.zone)
            closes = datetime.combine(local.date(), self.closes, tzinfo=context.zone)
            total += min(closes, end) - moment
            moment = self.next_open(closes, context)
        return total

    def opened_before(
        self, moment: datetime, span: timedelta, context: EvaluationContext
    ) -> datetime:
        """Return the last moment with at least this much mail hours between it and `moment`."""
        day, left = context.day(moment), span
        while True:
            local = date.fromordinal(day)
            if context.calendar.counts(local):
                opens, closes = (
                    datetime.combine(local, hour, tzinfo=context.zone)
                    for hour in (self.opens, self.closes)
                )
                end = min(closes, moment)
                if end - opens >= left:
                    return end - left
                left -= max(end - opens, timedelta(0))
            day -= 1


def next_weekly(
    weekday: int,
    moment: datetime,
    hours: MailHours | None,
    context: EvaluationContext,
    last: datetime | None = None,
) -> datetime:
    """Return the send time of a weekly notice decided at `moment` (weekday 0 = Monday).

    The weekly mail leaves on its weekday, or on the next working day if that is a day off. A notice
    decided on this very day leaves on it too, within the mail hours. `last` is the last weekly mail
    to the same person: there is one a week.
    """
    today = context.day(moment)
    day = today - (date.fromordinal(today).weekday() - weekday) % 7
    while True:
        begin = context.start_of(day)
        if last is None or last < begin:
            opens = _next_open(begin, hours, context)
            if opens > moment:
                return opens
            opening = _next_open(moment, hours, context)
            if context.day(opening) == context.day(opens):
                return opening
        day += 7


def _next_open(moment: datetime, hours: MailHours | None, context: EvaluationContext) -> datetime:
    if hours is not None:
        return hours.next_open(moment, context)
    day = context.day(moment)
    if context.calendar.counts(date.fromordinal(day)):
        return moment
    return context.start_of(due_day(context.calendar, day, 1))
