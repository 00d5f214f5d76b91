"""Agendas: the duties of a mail as iCalendar files for the reader's own calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event

from tasks.notifications.views import Desk, Duty, EndedDuty, NoticeItem
from tasks.text.catalog import Catalog, catalog

FIRST = datetime(2020, 1, 1, tzinfo=UTC)
"""The time from which the sequence numbers of entries are counted, in minutes."""

ALARM = timedelta(hours=7, minutes=30)
"""The time of day of the alarm, on the due day of an all-day entry."""

BEFORE = timedelta(hours=1)
"""The time of the alarm before a promised moment."""


def agenda(desk: Desk, locale: str, zone: ZoneInfo) -> bytes | None:
    """Return the duties in the body of a mail as all-day entries on their due day; None if there
    are none.

    A promised moment (`exact`) becomes an entry at that time of day. A duty that is not late has an
    alarm. The UID of an entry is stable and its sequence number grows with every mail: a later mail
    about the same deadline updates the entry and adds none (RFC 5545, 3.8.4.7 and 3.8.7.4). No
    entry contains the title of a complaint, because people share their calendars.
    """
    duties = [(item, duty) for item in desk.items for duty in item.duties]
    if not duties:
        return None
    calendar = _calendar("PUBLISH")
    for item, duty in duties:
        calendar.add_component(_entry(desk, item, duty, locale, zone))
    return bytes(calendar.to_ical())


def cancellation(desk: Desk, locale: str, zone: ZoneInfo) -> bytes | None:
    """Return the cancellation of the entries of ended duties (RFC 5546, 3.2.5); None if none has
    ended.
    """
    if not desk.ended:
        return None
    calendar = _calendar("CANCEL")
    for ended in desk.ended:
        calendar.add_component(_cancelled(desk, ended, catalog(locale), zone))
    return bytes(calendar.to_ical())


def _calendar(method: str) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//Tenggat//Tenggat//ID")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    return calendar


def _entry(desk: Desk, item: NoticeItem, duty: Duty, locale: str, zone: ZoneInfo) -> Event:
    t = catalog(locale)
    form = "agenda.late" if duty.late else "agenda.summary"
    entry = _started(desk, duty.uid, t(form, ticket=item.ticket, rule=duty.rule))
    lines = (duty.citation, item.unit, item.link)
    entry.add("description", "\n".join(line for line in lines if line))
    if duty.exact:
        entry.add("dtstart", duty.due.astimezone(UTC))
    else:
        _all_day(entry, duty.due, zone)
    entry.add("transp", "TRANSPARENT")
    if not duty.late:
        entry.add_component(_alarm(duty, str(entry["summary"])))
    return entry


def _cancelled(desk: Desk, ended: EndedDuty, t: Catalog, zone: ZoneInfo) -> Event:
    entry = _started(desk, ended.uid, t("agenda.summary", ticket=ended.ticket, rule=ended.rule))
    entry.add("status", "CANCELLED")
    if ended.due is not None:
        _all_day(entry, ended.due, zone)
    return entry


def _started(desk: Desk, uid: str, summary: str) -> Event:
    entry = Event()
    entry.add("uid", uid)
    entry.add("sequence", int((desk.now - FIRST) / timedelta(minutes=1)))
    entry.add("dtstamp", desk.now.astimezone(UTC))
    entry.add("summary", summary)
    return entry


def _all_day(entry: Event, due: datetime, zone: ZoneInfo) -> None:
    day = due.astimezone(zone).date()
    entry.add("dtstart", day)
    entry.add("dtend", day + timedelta(days=1))


def _alarm(duty: Duty, text: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", text)
    alarm.add("trigger", -BEFORE if duty.exact else ALARM)
    return alarm
