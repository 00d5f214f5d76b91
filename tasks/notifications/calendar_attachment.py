"""Agendas: the duties of a mail as iCalendar files for the reader's own calendar.

The few lines of an entry are written here: with a library they took a fifth of the time of a mail.
The tests compare them with that library.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tasks.notifications.views import Desk, Duty, EndedDuty, NoticeItem
from tasks.text.catalog import Catalog, catalog

PUBLISH, CANCEL = "PUBLISH", "CANCEL"
"""The methods of the files (RFC 5546): entries to add or update, and entries to cancel."""

FIRST = datetime(2020, 1, 1, tzinfo=UTC)
"""The time from which the sequence numbers of entries are counted, in minutes."""

ALARM = "PT7H30M"
"""The time of day of the alarm, on the due day of an all-day entry."""

BEFORE = "-PT1H"
"""The time of the alarm before a promised moment."""

LONGEST_LINE = 74
"""Limit of a line in bytes without its end (RFC 5545, 3.1, allows one more)."""

_SPECIAL = re.compile(r"[\\;,\r\n]")
"""A character that a text cannot have as it is."""


def agenda(
    desk: Desk, uid_of: Callable[[NoticeItem, Duty], str], locale: str, zone: ZoneInfo
) -> bytes | None:
    """Return the duties in the body of a mail as all-day entries on their due day; None if there
    are none.

    A promised moment (`exact`) becomes an entry at that time of day. A duty that is not late has an
    alarm. `uid_of` returns the UID of an entry. It is stable and the sequence number grows with
    every mail: a later mail about the same deadline updates the entry and adds none (RFC 5545,
    3.8.4.7 and 3.8.7.4). No entry contains the title of a complaint, because people share their
    calendars.
    """
    duties = [(item, duty) for item in desk.items for duty in item.duties]
    if not duties:
        return None
    entries = (
        line
        for item, duty in duties
        for line in _entry(desk, item, duty, uid_of(item, duty), locale, zone)
    )
    return _calendar(PUBLISH, entries)


def cancellation(desk: Desk, locale: str, zone: ZoneInfo) -> bytes | None:
    """Return the cancellation of the entries of ended duties (RFC 5546, 3.2.5); None if none has
    ended.
    """
    if not desk.ended:
        return None
    t = catalog(locale)
    entries = (line for ended in desk.ended for line in _cancelled(desk, ended, t, zone))
    return _calendar(CANCEL, entries)


def _calendar(method: str, entries: Iterable[str]) -> bytes:
    """Return the file with these entries: folded lines with the line ends of RFC 5545."""
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Tenggat//Tenggat//ID",
        f"METHOD:{method}",
        *entries,
        "END:VCALENDAR",
    )
    return b"".join(_folded(line) + b"\r\n" for line in lines)


def _entry(
    desk: Desk, item: NoticeItem, duty: Duty, uid: str, locale: str, zone: ZoneInfo
) -> Iterator[str]:
    form = "agenda.late" if duty.late else "agenda.summary"
    summary = _escaped(catalog(locale)(form, ticket=item.ticket, rule=duty.rule))
    description = "\n".join(
        line for line in (duty.citation, duty.owed_by or item.unit, item.link) if line
    )
    yield "BEGIN:VEVENT"
    yield f"SUMMARY:{summary}"
    if duty.exact:
        yield f"DTSTART:{_moment(duty.due)}"
    else:
        yield from _all_day(duty.due, zone)
    yield from _identity(desk, uid)
    yield f"DESCRIPTION:{_escaped(description)}"
    yield "TRANSP:TRANSPARENT"
    if not duty.late:
        yield from ("BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{summary}")
        yield from (f"TRIGGER:{BEFORE if duty.exact else ALARM}", "END:VALARM")
    yield "END:VEVENT"


def _cancelled(desk: Desk, ended: EndedDuty, t: Catalog, zone: ZoneInfo) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"SUMMARY:{_escaped(t('agenda.summary', ticket=ended.ticket, rule=ended.rule))}"
    if ended.due is not None:
        yield from _all_day(ended.due, zone)
    yield from _identity(desk, ended.uid)
    yield "STATUS:CANCELLED"
    yield "END:VEVENT"


def _identity(desk: Desk, uid: str) -> Iterator[str]:
    """Yield the lines by which a program finds an earlier version of an entry."""
    yield f"DTSTAMP:{_moment(desk.now)}"
    yield f"UID:{_escaped(uid)}"
    yield f"SEQUENCE:{int((desk.now - FIRST) / timedelta(minutes=1))}"


def _all_day(due: datetime, zone: ZoneInfo) -> Iterator[str]:
    day = due.astimezone(zone).date()
    yield f"DTSTART;VALUE=DATE:{day:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{day + timedelta(days=1):%Y%m%d}"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    """Escape a text (RFC 5545, 3.3.11)."""
    if not _SPECIAL.search(text):
        return text
    lines = re.split(r"\r\n|\r|\n", text)
    return r"\n".join(re.sub(r"([\\;,])", r"\\\1", line) for line in lines)


def _folded(line: str) -> bytes:
    """Fold a line between two characters, and never inside an escape."""
    rest, parts = line.encode(), []
    if len(rest) <= LONGEST_LINE:
        return rest
    while len(rest) > LONGEST_LINE:
        end = LONGEST_LINE
        while rest[end] & 0xC0 == 0x80:  # inside a character
            end -= 1
        if rest[end - 1] in b"\\^":
            end -= 1
        parts.append(rest[:end])
        rest = rest[end:]
    return b"\r\n ".join([*parts, rest])
