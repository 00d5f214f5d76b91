"""Agendas: the coming deadlines of a mail as an iCalendar file for the reader's own calendar."""

from __future__ import annotations

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event

from tasks.notifications.views import Duty, NoticeItem, NoticeMail
from tasks.text.catalog import catalog


def agenda(view: NoticeMail, locale: str, zone: ZoneInfo) -> bytes | None:
    """Return the deadlines of a mail that have not passed, as all-day entries; None if there are
    none.

    A promised moment (`exact`) becomes an entry at that time of day. The UID of an entry is stable:
    a later mail about the same deadline moves the entry instead of adding one (RFC 5545, 3.8.4.7
    and 3.8.7.4). No entry contains the title of a complaint, because people share their calendars.
    """
    coming = [
        (item, duty) for item in (*view.late, *view.coming) for duty in item.duties if not duty.late
    ]
    if not coming:
        return None
    calendar = Calendar()
    calendar.add("prodid", "-//Tenggat//Tenggat//ID")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for item, duty in coming:
        calendar.add_component(_entry(view, item, duty, locale, zone))
    return bytes(calendar.to_ical())


def _entry(view: NoticeMail, item: NoticeItem, duty: Duty, locale: str, zone: ZoneInfo) -> Event:
    t = catalog(locale)
    entry = Event()
    entry.add("uid", duty.uid)
    entry.add("sequence", sum(told.times for told in duty.told))
    entry.add("dtstamp", view.now.astimezone(UTC))
    entry.add("summary", t("agenda.summary", ticket=item.ticket, rule=duty.rule))
    told = (duty.citation, item.unit, item.link)
    entry.add("description", "\n".join(line for line in told if line))
    due = duty.due.astimezone(zone)
    if duty.exact:
        entry.add("dtstart", duty.due.astimezone(UTC))
    else:
        entry.add("dtstart", due.date())
        entry.add("dtend", due.date() + timedelta(days=1))
    entry.add("transp", "TRANSPARENT")
    return entry
