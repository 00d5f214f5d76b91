"""Parse dates of sources: in formats of `strptime`, with month names in English or Indonesian."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from difflib import get_close_matches
from functools import lru_cache

MONTHS = {
    "jan": ("januari",),
    "feb": ("februari", "pebruari", "peb"),
    "mar": ("maret", "mrt"),
    "apr": (),
    "may": ("mei",),
    "jun": ("juni",),
    "jul": ("juli",),
    "aug": ("agustus", "agust", "agu", "agt", "ags", "agst"),
    "sep": ("sept",),
    "oct": ("oktober", "okt"),
    "nov": ("nopember", "nop"),
    "dec": ("desember", "des"),
}
"""The Indonesian names of a month that differ from the English ones."""

WEEKDAYS = {
    **{"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6},
    **{"sen": 0, "sel": 1, "rab": 2, "kam": 3, "jum": 4, "sab": 5, "min": 6, "aha": 6, "ahd": 6},
}
"""The numbers of the days of the week, by the first three letters of their names in English and
Indonesian."""

CENTURY = 2000
"""The first year of the century of all years with two digits."""

SHORTEST_MISSPELLED = 6
"""The fewest letters of the name of a month that is recognized with a letter wrong."""

_ENGLISH = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_SHORT = {
    word: short
    for (short, others), english in zip(MONTHS.items(), _ENGLISH, strict=True)
    for word in (short, english, *others)
}
_NUMBERS = {short: number for number, short in enumerate(MONTHS, start=1)}
MONTH_NUMBERS = {word: _NUMBERS[short] for word, short in _SHORT.items()}
"""The number of each month by its names in English and Indonesian, full and short."""

_WORD = re.compile(r"[^\W\d_]+\.?")

DECIMAL_HOUR = re.compile(r"(?<![\d.:])(?:\d{1,2}\.\d|0\.\d\d)(?![\d.])")
"""An hour that a spreadsheet keeps as a number, so its minutes are not known.

7.5 may be 07.50 without its last zero, or half past seven; 0.25 may be a quarter of a day.
"""


def parse_datetime(text: str, form: str) -> datetime:
    """Parse a time in this format; the result has no zone if the format has none.

    `%b` and `%B` accept the full or short name of a month, in English or Indonesian: '29 May', '29
    Mei', '1 Agt.', '1 Agustus'. A year of two digits is in this century. Raises ValueError if the
    text has another form, an hour as a number or the name of another day of the week, and
    OverflowError if the date is outside of the calendar.
    """
    fixed = _fixed(form)
    if fixed and text.translate(_ZEROS) == fixed[0]:
        in_order = [text[part] for part in fixed[1]]
        return datetime.fromisoformat("{}-{}-{}T{}".format(*in_order))
    if "%H.%M" in form and DECIMAL_HOUR.search(text):
        raise ValueError("an hour as a number")
    quick = _quick(form)
    found = quick and quick[0].fullmatch(text)
    if quick and found:
        year, month, *rest = (found[place] for place in quick[1])
        number = int(month) if month.isdecimal() else month_number(month)
        if number:
            return datetime(int(year), number, *map(int, rest))  # type: ignore[arg-type]  # noqa: DTZ001
    marks = _marks(form)
    if marks is not None and marks != _LETTERS_AND_SPACES.sub("", text):
        raise ValueError("other punctuation")
    try:
        moment = datetime.strptime(text, form)  # noqa: DTZ007 - the caller knows the zone
    except ValueError:
        if "%b" not in form and "%B" not in form:
            raise
        moment = datetime.strptime(  # noqa: DTZ007
            _WORD.sub(_short, text), form.replace("%B", "%b")
        )
    if "%y" in form and moment.year < CENTURY:
        moment = moment.replace(year=moment.year + 100)
    if "%A" in form or "%a" in form:
        named = {weekday_number(word) for word in _WORD.findall(text)} - {None}
        if moment.weekday() not in named:
            raise ValueError("another day of the week")
    return moment


def local_to_utc(moment: datetime, zone: tzinfo) -> datetime:
    """Convert a time to UTC; one without a zone is in `zone`.

    On the night on which clocks go forward, some times do not exist. Such a time is read as the
    moment of the change. So times that are written in order stay in order. A time that exists twice
    is the first one.
    """
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    moment = moment.replace(tzinfo=zone)
    late, again = moment.astimezone(UTC), moment.replace(fold=1)
    usual, other = moment.utcoffset(), again.utcoffset()
    if usual is None or other is None or other <= usual:
        return late
    early = again.astimezone(UTC)  # in a gap, the offset after it gives the earlier time
    offset = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)


MOST_DAYS = 20_000
"""Limit of days that a parser remembers."""


class DateTimeParser:
    """A parser for the times of one source, written in its formats and its zone.

    The first format that fits is used. Of times in a first format of fixed width, each day and each
    time of day is parsed only once: a file has a million times, but few days.
    """

    def __init__(self, formats: Sequence[str], zone: tzinfo) -> None:
        self._formats, self._zone = formats, zone
        fixed = _fixed(formats[0])
        self._shape = fixed[0] if fixed else None
        self._days: dict[str, datetime] = {}
        self._clocks: dict[str, timedelta] = {}

    def parse(self, text: str) -> datetime | None:
        """Return the time in UTC; None if no format fits.

        Raises OverflowError if the time is outside of the calendar in UTC.
        """
        day, _, clock = text.partition(" ")
        midnight, elapsed = self._days.get(day), self._clocks.get(clock)
        if midnight is not None and elapsed is not None:
            return midnight + elapsed
        for form in self._formats:
            try:
                moment = parse_datetime(text, form)
            except (ValueError, OverflowError):
                continue
            if form is self._formats[0] and text.translate(_ZEROS) == self._shape:
                self._remember(day, clock, moment)
            return self.in_utc(moment)
        return None

    def in_utc(self, moment: datetime) -> datetime:
        """Convert a time to UTC; one without a zone is in the zone of the source."""
        return local_to_utc(moment, self._zone)

    def _remember(self, day: str, clock: str, moment: datetime) -> None:
        """Remember the parts of a time in the first format.

        A day on which clocks change is not remembered.
        """
        midnight = moment.replace(hour=0, minute=0, second=0, tzinfo=self._zone)
        try:
            is_usual = midnight.utcoffset() == (midnight + timedelta(days=1)).utcoffset()
            if is_usual and len(self._days) < MOST_DAYS:
                self._days[day] = midnight.astimezone(UTC)
        except OverflowError:
            return  # at the end of the calendar
        self._clocks[clock] = moment.replace(tzinfo=self._zone) - midnight


def is_begin_of_day(moment: datetime, zone: tzinfo) -> bool:
    """Check whether a moment is 00:00 in a zone, as a date without a time of day is stored."""
    if moment.second or moment.minute % 15:
        return False  # the usual case, without a change of the zone
    return moment.astimezone(zone).time() == time()


def same_day(one: datetime, other: datetime, zone: tzinfo) -> bool:
    """Check whether two moments are on one day in a zone."""
    return one.astimezone(zone).date() == other.astimezone(zone).date()


def not_before_receipt(moment: datetime, received: datetime, zone: tzinfo) -> datetime:
    """Return the time of the receipt for a date without a time of day, if it is the day of the
    receipt; any other moment as it is.
    """
    only_day = is_begin_of_day(moment, zone) and same_day(moment, received, zone)
    return max(moment, received) if only_day else moment


def parse_iso(text: object) -> datetime | None:
    """Parse a time in ISO 8601 with its zone and return it in UTC; None for an empty value.

    Raises ValueError for any other text.
    """
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
        if moment.tzinfo is None:
            raise ValueError(f"'{text}' has no zone")
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(str(error)) from error


_PARTS = {
    "%Y": "([0-9]{4})",
    "%m": "([0-9]{1,2})",
    "%b": r"([^\W\d_]+\.?)",
    "%d": "([0-9]{1,2})",
    "%H": "([0-9]{1,2})",
    "%M": "([0-9]{1,2})",
    "%S": "([0-9]{1,2})",
}


MOST_FORMATS = 1_000
"""Limit of formats whose patterns are remembered; a proposal tries more than a hundred."""

_LETTERS_AND_SPACES = re.compile(r"[\w\s.]+")
_ZEROS = str.maketrans("123456789", "0" * 9)


@lru_cache(MOST_FORMATS)
def _fixed(form: str) -> tuple[str, tuple[slice, slice, slice, slice]] | None:
    """Return the shape of a text in a format of fixed width, with all digits 0, and its parts.

    The time of day must come last, as in ISO 8601. Most dates have such a format, and a file may
    have a million of them.
    """
    date, space, clock = form.partition(" ")
    if space != " " or clock not in ("%H:%M", "%H:%M:%S"):
        return None
    shape = date
    for piece, zeros in (("%Y", "0000"), ("%m", "00"), ("%d", "00")):
        if date.count(piece) != 1:
            return None
        shape = shape.replace(piece, zeros)
    if "%" in shape:
        return None
    starts = {}
    at = 0
    for piece in re.findall("%.|.", date):
        starts[piece] = at
        at += {"%Y": 4, "%m": 2, "%d": 2}.get(piece, 1)
    year, month, day = starts["%Y"], starts["%m"], starts["%d"]
    parts = slice(year, year + 4), slice(month, month + 2), slice(day, day + 2)
    zeros = clock.replace("%H", "00").replace("%M", "00").replace("%S", "00")
    return f"{shape} {zeros}", (*parts, slice(at + 1, None))


@lru_cache(MOST_FORMATS)
def _quick(form: str) -> tuple[re.Pattern[str], list[int]] | None:
    """Return a pattern for a usual format, and the group numbers of year, month, day, hour and so
    on.

    `strptime` takes several times as long.
    """
    pieces = re.split("(%.)", form)
    named = [piece for piece in pieces if piece.startswith("%")]
    usual = ["Y", "m", "d", "H", "M", "S"]
    wanted = [f"%{letter}" for letter in usual[: len(named)]]
    if sorted(piece.replace("%b", "%m") for piece in named) != sorted(wanted) or len(named) < 3:
        return None
    pattern = re.compile("".join(_PARTS.get(piece) or re.escape(piece) for piece in pieces))
    order = sorted(named, key=list(_PARTS).index)
    return pattern, [named.index(piece) + 1 for piece in order]


@lru_cache(MOST_FORMATS)
def _marks(form: str) -> str | None:
    """Return the punctuation of every text in a format; None if texts may differ in it.

    `strptime` takes many times as long to refuse a text. A dot does not count: it may follow a
    short name.
    """
    pieces = re.split("(%.)", form)
    if not {piece[1] for piece in pieces if piece.startswith("%")} <= set("YymdbBHIMSfp"):
        return None
    return "".join(_LETTERS_AND_SPACES.sub("", piece) for piece in pieces if piece[:1] != "%")


def month_number(name: str) -> int:
    """Return the number of a month by its full or short name; 0 for another word."""
    short = _SHORT.get(name.rstrip(".").casefold())
    return _NUMBERS[short] if short else 0


@lru_cache(maxsize=1_000)
def misspelled_month(name: str) -> int:
    """Return the number of the month that a word means, also with a letter wrong: 'Nopmber'.

    It is 0 for a word that is no month, and for a short one, which may mean two: 'jui'.
    """
    if exact := month_number(name):
        return exact
    word = name.rstrip(".").casefold()
    if len(word) < SHORTEST_MISSPELLED:
        return 0
    long = [each for each in _SHORT if len(each) >= SHORTEST_MISSPELLED]
    found = {month_number(each) for each in get_close_matches(word, long, cutoff=0.85)}
    return found.pop() if len(found) == 1 else 0


def weekday_number(name: str) -> int | None:
    """Return the number of a day of the week, 0 for Monday, by its full or short name."""
    return WEEKDAYS.get(name[:3].casefold())


def _short(found: re.Match[str]) -> str:
    return _SHORT.get(found[0].rstrip(".").casefold(), found[0])
