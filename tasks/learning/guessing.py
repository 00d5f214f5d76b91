"""Guess: what a column holds, by its header and its values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from tasks.learning.header_words import EVENTS, NAME, OFFICIAL, PERSON, WORDS
from tasks.months import read_time
from tasks.privacy import masked

_DAY, _NIGHT = range(7, 17), range(5)
_DAYS = (
    "%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y/%m/%d", "%m/%d/%Y", "%d %b %Y",
    "%d-%b-%Y", "%b %d, %Y", "%d/%m/%y", "%d-%m-%y", "%m/%d/%y",
)  # fmt: skip
_HOURS = ("%H:%M:%S", "%H:%M", "%H.%M.%S", "%H.%M", "%I:%M:%S %p", "%I:%M %p")
FORMATS = (
    "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%d %H:%M:%S%z",
    "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S.%f",
    *(f"{day} {hour}" for day in _DAYS for hour in _HOURS),
    *(f"{day}, {hour}" for day in _DAYS[1:] for hour in _HOURS[:4]),
    *_DAYS,
)  # fmt: skip
"""Forms of a moment, the likelier first: a day stands before its month unless that cannot be."""

TRIED = 300
"""How many values of a column tell how its times are written."""

MOST = 0.9
"""The share of a column's values that must be of a form for the column to be of it."""

_STREET = re.compile(r"(?:jl|jln|jalan|gg|gang|dusun|dsn|rt|perum|kp|kampung)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Column:
    """A column of a file: its header as written and its values that are not empty."""

    name: str
    place: int
    values: tuple[str, ...]
    rows: int

    @property
    def words(self) -> str:
        """The header in small letters without signs."""
        return " ".join(re.sub(r"[\W_]+", " ", self.name).split()).casefold()

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each value stands in it, letter case and spaces aside."""
        return Counter(" ".join(value.split()).casefold() for value in self.values)

    @property
    def unique(self) -> bool:
        """Whether every row has a value of its own."""
        return 0 < self.rows == len(self.counts)

    @property
    def few_words(self) -> bool:
        """Whether the same values come again and again; in a handful of rows they need not."""
        return len(self.values) < 10 or len(self.counts) <= max(3, len(self.values) // 2)

    @cached_property
    def dates(self) -> tuple[str, ...]:
        """The forms in which it holds moments, the commonest first; none where it does not."""
        return _forms(self.values, FORMATS)

    @cached_property
    def hours(self) -> tuple[str, ...]:
        """The forms in which it holds times of the day."""
        return _forms(self.values, _HOURS)

    @cached_property
    def personal(self) -> str:
        """Why the column looks like something that tells of a person; empty where it does not."""
        words = set(self.words.split())
        if words & PERSON or (words & NAME and not words & OFFICIAL):
            return "its header names a person, an address or a number of theirs"
        tried = self.values[:TRIED]
        if not tried or self.dates:
            return ""
        if sum(map(_identity_number, tried)) > len(tried) / 2:
            return "its values look like identity numbers (NIK)"
        if sum(masked(v) != v and not v.isdigit() for v in tried) > len(tried) / 5:
            return "its values look like phone numbers or mail addresses"
        if sum(map(_phone_number, tried)) > len(tried) / 2:
            return "its values look like phone numbers"
        streets = sum(bool(_STREET.match(value)) for value in tried)
        if streets > len(tried) / 3 and (len(tried) < 10 or not self.few_words):
            return "its values look like addresses"
        return ""


def named(columns: Iterable[Column], field: str) -> list[Column]:
    """The columns whose header has the words of a field, the surest first."""
    words = WORDS[field]
    ranked = [(rank, column) for column in columns if (rank := _rank(column, words)) is not None]
    return [column for _, column in sorted(ranked, key=lambda each: (each[0], each[1].place))]


def event_of(column: Column) -> str | None:
    """The kind of event whose time a column with this header holds."""
    for kind, words in EVENTS.items():
        if column.words in words:
            return kind
    return None


def _rank(column: Column, words: Sequence[str]) -> int | None:
    if column.words in words:
        return words.index(column.words)
    within = f" {column.words} "
    long = [n for n, word in enumerate(words) if len(word) > 3 and f" {word} " in within]
    return len(words) + long[0] if long else None


def _forms(values: Sequence[str], forms: Sequence[str]) -> tuple[str, ...]:
    """The one or two forms of which nearly all values are; the likelier one where both fit."""
    step = max(1, len(values) // TRIED)
    left = values[::step][:TRIED]
    if not left or not all(any(sign.isdigit() for sign in value) for value in left[:3]):
        return ()
    number = len(left)
    found: list[str] = []
    while left and len(found) < 3:
        some = left[:3]
        hopeful = [form for form in forms if any(_is(value, form) for value in some)]
        fits = [(sum(_is(value, form) for value in left), form) for form in hopeful]
        most, form = max(fits, key=lambda each: each[0], default=(0, ""))
        if not most:
            break
        found.append(form)
        left = [value for value in left if not _is(value, form)]
    return tuple(found) if len(left) <= number * (1 - MOST) else ()


def _is(value: str, form: str) -> bool:
    try:
        read_time(value, form)
    except (ValueError, OverflowError):
        return False
    return True


def _identity_number(value: str) -> bool:
    """Whether it is a NIK: 16 digits, the seventh to twelfth a day of birth (women: plus 40)."""
    digits = re.sub(r"[ .-]", "", value)
    if len(digits) != 16 or not digits.isdigit():
        return False
    day, month = int(digits[6:8]) % 40, int(digits[8:10])
    return 1 <= day <= 31 and 1 <= month <= 12


def _phone_number(value: str) -> bool:
    return re.fullmatch(r"(?:\+?62|0)[ .-]?[2-9]\d(?:[ .-]?\d){6,11}", value) is not None


@dataclass(frozen=True, slots=True)
class ZoneGuess:
    """A time zone and what speaks for it, a line each; `sure` where the hours do."""

    zone: str
    reasons: tuple[str, ...]
    sure: bool


def zone_of(moments: Sequence[datetime], local: str) -> ZoneGuess:
    """The zone in which these times were written: the site's own, or UTC.

    Complaints come in while people are awake and mostly while offices are open. So the zone is the
    one in which the busiest hours are a working day and the quiet ones the night.
    """
    told = [moment for moment in moments if moment.tzinfo is None]
    if moments and not told:
        return ZoneGuess(local, ("the times tell their own zone; this one is for others",), True)
    hours = [m for m in told if (m.hour, m.minute, m.second) != (0, 0, 0)]
    if len(hours) < max(30, len(told) // 2):
        why = f"only {len(hours)} times of {len(told)} tell an hour: taken for the site's own zone"
        return ZoneGuess(local, (why, "check it: a wrong zone moves reports to another day"), False)
    zone = ZoneInfo(local)
    as_utc = [moment.replace(tzinfo=UTC).astimezone(zone) for moment in hours]
    written, moved = _waking(hours), _waking(as_utc)
    reasons = [
        f"as they stand, {_told(hours)}",
        f"read as UTC, on the clocks of {local}, {_told(as_utc)}",
    ]
    if abs(written - moved) < 0.1:
        return ZoneGuess(local, (*reasons, "no clear difference: check it"), False)
    best, why = (
        ("UTC", "so they are written in UTC") if moved > written else (local, "so they are local")
    )
    return ZoneGuess(best, (*reasons, f"{why}: the busiest hours are a working day"), True)


def _waking(moments: Sequence[datetime]) -> float:
    day = sum(moment.hour in _DAY for moment in moments)
    night = sum(moment.hour in _NIGHT for moment in moments)
    return (day - night) / len(moments)


def _told(moments: Sequence[datetime]) -> str:
    top = Counter(moment.hour for moment in moments).most_common(3)
    busiest = ", ".join(f"{hour:02}" for hour in sorted(hour for hour, _ in top))
    day = sum(moment.hour in _DAY for moment in moments) / len(moments)
    night = sum(moment.hour in _NIGHT for moment in moments) / len(moments)
    return (
        f"{len(moments)} reports come mostly in the hours {busiest}, {day:.0%} of them by day (07"
        f" to 17) and {night:.0%} by night (00 to 05)"
    )
