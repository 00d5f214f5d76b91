"""Parse dates as clerks write them, where no format of the mapping fits.

The order of day and month is the order of the mapping's formats. It is never guessed from a row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from tasks.common.dates import DECIMAL_HOUR, misspelled_month, weekday_number

ZONES = {"wib": 7, "wita": 8, "wit": 9, "utc": 0, "gmt": 0, "z": 0}
"""The zone words after a time, with their hours from UTC."""

FIRST_SERIAL, LAST_SERIAL = 36_526, 73_050
"""The serial numbers of 1 January 2000 and 31 December 2099. Other numbers are no dates."""

_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - the caller knows the zone
_SERIAL = re.compile(r"\d{1,7}(?:[.,]\d+)?")
_WEEKDAY = (
    r"(?:(?:hari )?(?P<weekday>senin|selasa|rabu|kamis|jum['\u2019]?at|sabtu|minggu|ahad"
    r"|sen|sel|rab|kam|jum|sab|min|ahd"
    r"|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?)"
    r"(?:[,.]? ?[/-] ?|[,.] ?| ))?"
    r"(?:(?:tgl|tanggal)[.:]? ?)?"
)
_YEAR = r"(?:['\u2018\u2019\u02bc\u00b4`] ?)?(?P<year>\d{4}|\d{2})"
"""A year of four digits, or of two, perhaps with an apostrophe for the century: '26."""

_DATES = (
    r"(?P<year>\d{4})(?P<mark>[-/.])(?P<second>\d{1,2})(?P=mark)(?P<third>\d{1,2})",
    rf"(?P<first>\d{{1,2}}) ?(?P<mark>[-/. ]) ?(?P<second>\d{{1,2}}) ?(?P=mark) ?{_YEAR}",
    rf"(?P<day>\d{{1,2}})[-/. ]{{0,2}}(?P<name>[a-z]{{3,9}})[-/., ]{{0,2}}{_YEAR}",
    r"(?P<name>[a-z]{3,9})\.? (?P<day>\d{1,2}),? (?P<year>\d{4})",
)
_TIME = (
    r"(?:(?:t|,? (?:[-\u2013@|] (?!\d\d?\.\d\d?\.))?\(?(?:(?:pukul|pkl\.?|jam) ?)?)"
    r"(?P<hour>\d{1,2})[.:](?P<minute>\d{2})"
    r"(?:[.:](?P<seconds>\d{2})(?:[.,]\d{1,9})?)?(?: ?(?P<half>[ap])\.?m\.?)?\)?)?"
)
_ZONE = rf"(?: ?\(?(?P<zone>{'|'.join(ZONES)}|[+-]\d{{2}}(?::?\d{{2}})?)\)?)?"
_APART = re.compile(
    r" ?[(/|] ?((?:(?:pukul|pkl\.?|jam) ?)?\d{1,2}[.:]\d{2}(?: ?(?:wib|wita|wit))?)\)?(?: pagi)?"
    r"|(?<=[.:]\d\d) pagi"
)
"""A time in brackets or after a stroke, and a word after a time that changes nothing."""

_PARTS = {
    "pagi": (1, 11, 0),
    "siang": (1, 4, 12),
    "sore": (1, 7, 12),
    "petang": (1, 7, 12),
    "malam": (6, 11, 12),
}
"""The parts of a day: the first and the last hour on a dial that are in it, and what to add."""

_SPOKEN = re.compile(
    r"(?:(?P<word>(?:pukul|pkl\.?|jam) ?)|(?<![\d.:/-]))"
    r"\b(?P<hour>\d{1,2})(?:[.:](?P<minute>\d{2}))?"
    rf"(?: ?(?P<part>{'|'.join(_PARTS)}))?(?P<zone> ?\(?(?:wib|wita|wit)\)?)?(?P<end>\)?)"
)
"""A time as people say it, at the end of a text: 'jam 8 pagi', '2.30 siang', 'pukul 14 WIB'."""

_UNREADABLE_HOUR = re.compile(
    r"(?P<day>.*?\d{2})(?:[ ,;|(/]+(?:-|\u2013)? ?)"
    r"(?:(?:pukul|pkl\.?|jam)\b.*|\d{1,2}[.:]\w{1,3}"
    rf"|(?:\d{{1,2}}(?:[.:]\d{{2}})? ?)?(?:{'|'.join(_PARTS)}))\)?"
)
"""A date, and behind it a text that can only be an hour."""

_END_OF_DAY = re.compile(r"(?<![\d.:/-])24(?=[.:]00(?:[.:]00)?(?![\d.:/-]))")
"""The hour of a time that ends the day before it."""

_FORMS = tuple(re.compile(f"{_WEEKDAY}{date}{_TIME}{_ZONE}") for date in _DATES)


@dataclass(frozen=True, slots=True)
class DateOrder:
    """The order of day and month in dates written with numbers only; None if it is not known.

    `day_first` is for dates that end with the year, `day_second` for dates that begin with it.
    """

    day_first: bool | None
    day_second: bool | None


DAY_FIRST = DateOrder(day_first=True, day_second=False)
"""The order in which people in Indonesia write dates."""


def date_order(formats: Iterable[str]) -> DateOrder:
    """Return the order that all formats of a mapping share."""
    after_year: set[bool] = set()
    before_year: set[bool] = set()
    for form in formats:
        at = {piece.lower(): form.find(piece) for piece in ("%d", "%Y", "%y") if piece in form}
        month = max(form.find(piece) for piece in ("%m", "%b", "%B"))
        if len(at) == 2 and month >= 0:
            day, year = at["%d"], at["%y"]
            (after_year if year < min(day, month) else before_year).add(day < month)
    return DateOrder(
        day_first=before_year.pop() if len(before_year) == 1 else None,
        day_second=after_year.pop() if len(after_year) == 1 else False if not after_year else None,
    )


@lru_cache(maxsize=20_000)
def parse_flexible(text: str, order: DateOrder) -> datetime:
    """Parse a date and, if there is one, a time; without a time it is 00:00.

    The result has a zone only if the text names one. A year of two digits is in this century:
    '26' is 2026. Raises ValueError for a text of another form, for a date that does not exist, for
    one with the name of another day of the week, and for a date in numbers if the order of day and
    month is not known.
    """
    plain = _in_numbers(" ".join(text.split()).casefold().rstrip(".,;/-\u2013 "))
    apart = _APART.search(plain)
    if apart is not None and apart.end() == len(plain):
        plain = f"{plain[: apart.start()]} {apart[1] or ''}".rstrip()
    if DECIMAL_HOUR.search(plain):
        raise ValueError("an hour as a number")
    for form in _FORMS:
        found = form.fullmatch(plain)
        if found:
            part = found.groupdict()
            day, month = _day_and_month(part, order)
            hour, minute, second = _clock(part)
            year = int(part["year"]) + (2000 if len(part["year"]) == 2 else 0)
            moment = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001
            if part["weekday"] and weekday_number(part["weekday"]) != moment.weekday():
                raise ValueError("another day of the week")
            if (part["zone"] or "").startswith("-") and not part["seconds"]:
                raise ValueError("perhaps two times of a day")
            return moment.replace(tzinfo=_zone(part["zone"])) if part["zone"] else moment
    raise ValueError("no form of a date")


def _in_numbers(plain: str) -> str:
    """Write a time that is only spoken, at the end of a text, in numbers: '8 pagi' is 08:00.

    A part of the day to which the hour does not belong changes nothing, so the text is unreadable.
    """
    found = next((each for each in _SPOKEN.finditer(plain) if each.end() == len(plain)), None)
    if found is None or not (found["part"] or (found["word"] and not found["minute"])):
        return plain
    hour = int(found["hour"])
    if found["part"] and hour <= 12:
        first, last, more = _PARTS[found["part"]]
        if first <= hour <= last:
            hour += more
        elif (hour, found["part"]) not in ((10, "siang"), (11, "siang"), (12, "siang")):
            return plain
    time = f"{hour:02}:{found['minute'] or '00'}"
    return f"{plain[: found.start()]}{time}{found['zone'] or ''}{found['end']}"


def day_before_hour(text: str) -> str:
    """Return the date of a text with an hour that cannot be read; empty for another text.

    The hour must be visible as one: '5 Nov 2026 pagi', '5 Nov 2026 jam ??', '5 Nov 2026 8.3O'.
    """
    found = _UNREADABLE_HOUR.fullmatch(" ".join(text.split()).casefold())
    return text.strip()[: found.end("day")] if found else ""


def at_begin_of_day(text: str) -> str:
    """Return a text with the hour 24:00, which ends its day, with 00:00 in its place; empty for
    another text.
    """
    written, number = _END_OF_DAY.subn("00", text)
    return written if number == 1 else ""


def is_serial(text: str) -> bool:
    """Check whether a text is only a number that a spreadsheet may show as a date."""
    return _SERIAL.fullmatch(text) is not None


def parse_serial(text: str) -> datetime:
    """Convert the serial number of a spreadsheet (days since 30 December 1899) to a time.

    It is rounded to the nearest second, because a part of a day has no exact number. Raises
    ValueError for a number before the year 2000 or after 2099: it is more likely a count or a year.
    """
    days = float(text.replace(",", "."))
    if not FIRST_SERIAL <= days < LAST_SERIAL + 1:
        raise ValueError(f"{text} is no date of this century")
    return _EPOCH + timedelta(seconds=round(days * 86_400))


def _day_and_month(part: dict[str, str | None], order: DateOrder) -> tuple[int, int]:
    if part.get("name"):
        month = misspelled_month(str(part["name"]))
        if not month:
            raise ValueError("no name of a month")
        if len(str(part["year"])) == 2 and order.day_first is None:
            raise ValueError("either number may be the year")
        return int(str(part["day"])), month
    if part.get("first"):
        one, two, day_before = part["first"], part["second"], order.day_first
    else:
        one, two, day_before = part["second"], part["third"], order.day_second
    if day_before is None:
        raise ValueError("either number may be the month")
    numbers = int(str(one)), int(str(two))
    return numbers if day_before else (numbers[1], numbers[0])


def _clock(part: dict[str, str | None]) -> tuple[int, int, int]:
    hour, minute, second = (int(part[name] or 0) for name in ("hour", "minute", "seconds"))
    if part["half"]:
        if not 1 <= hour <= 12:
            raise ValueError("no hour of a half day")
        hour = hour % 12 + (12 if part["half"] == "p" else 0)
    return hour, minute, second


def _zone(word: str) -> timezone:
    if word in ZONES:
        hours = ZONES[word]
        return timezone(timedelta(hours=hours)) if hours else UTC
    offset = timedelta(hours=int(word[1:3]), minutes=int(word[3:].lstrip(":") or 0))
    return timezone(-offset if word[0] == "-" else offset)
