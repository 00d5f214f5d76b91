"""Guess the content of a column from its header and its values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from zoneinfo import ZoneInfo

from tasks.common.dates import parse_datetime
from tasks.common.flexible_dates import DAY_FIRST, day_before_hour, parse_flexible
from tasks.common.redaction import redact
from tasks.common.unit_names import is_unit_name
from tasks.ingest.cell_checks import is_empty_date, rating_of, says_not_yet
from tasks.ingest.inference.vocabulary import (
    BESIDE_SECTIONS,
    EVENTS,
    HOUR_WORDS,
    LETTER_NUMBERS,
    NAME,
    NO_STEP,
    OFFICIAL,
    ONLY_TIME,
    PERSON,
    RECEIPT_STEM,
    REMARK_WORDS,
    REMARKS,
    ROW_NUMBERS,
    SECTIONS,
    STEP_STEMS,
    TIME_WORDS,
    TO_WHOM,
    UNITS_OR_STEPS,
    UNSURE_TICKETS,
    WORDS,
    canonical,
)

_DAY, _NIGHT = range(7, 17), range(5)
_DAYS = (
    "%Y-%m-%d",
    "%d/%m/%Y",
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%Y/%m/%d",
    "%m/%d/%Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%b %d, %Y",
    "%d/%m/%y",
    "%d-%m-%y",
    "%m/%d/%y",
)
_HOURS = ("%H:%M:%S", "%H:%M", "%H.%M.%S", "%H.%M", "%I:%M:%S %p", "%I:%M %p")
FORMATS = (
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%Y-%m-%d %H:%M:%S%z",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M:%S.%f",
    *(f"{day} {hour}" for day in _DAYS for hour in _HOURS),
    *(f"{day}, {hour}" for day in _DAYS[1:] for hour in _HOURS[:4]),
    *_DAYS,
)
"""Formats of a time, the likelier first: day before month, unless the values exclude it."""

TRIED = 300
"""Number of values of a column examined for the format of its times."""

MOST = 0.9
"""Share of a column's values needed in a format before the column counts as written in it."""

MOST_TITLED = 0.5
"""The share needed in a column whose title says that it has dates, or hours, or names a step: other
cells are errors of a clerk, which become questions or rejected rows."""

MOST_GAPS = 1.5
"""How far a number that counts the rows may exceed them: torn rows and filtered ones have one."""

MOST_LABELS, LONGEST_LABEL = 30, 40
"""The most different words of a list in a file, and the most characters of one."""

_ZONE_WORD = re.compile(r"^(?:pukul|pkl\.?|jam) | ?(?:wib|wita|wit)$", re.IGNORECASE)
_STREET = re.compile(r"(?:jl|jln|jalan|gg|gang|dusun|dsn|rt|perum|kp|kampung)\b", re.IGNORECASE)


@dataclass(frozen=True)
class ColumnSample:
    """A column of a file: its header as written and its values without the empty ones."""

    name: str
    place: int
    values: tuple[str, ...]
    rows: int
    positions: tuple[str, ...] = ()
    """The line of each value in the file, with its sheet."""

    @property
    def words(self) -> str:
        """Return the header in lower case, without punctuation and abbreviations."""
        return canonical(self.name)

    @cached_property
    def counts(self) -> Counter[str]:
        """Count each value, ignoring letter case and spaces."""
        return Counter(" ".join(value.split()).casefold() for value in self.values)

    @property
    def unique(self) -> bool:
        """Return whether every row has a value of its own."""
        return 0 < self.rows == len(self.counts)

    @property
    def few_words(self) -> bool:
        """Return whether values repeat; true for fewer than ten values: too few to decide."""
        return len(self.values) < 10 or len(self.counts) <= max(3, len(self.values) // 2)

    @property
    def has_labels(self) -> bool:
        """Return whether the values are short and few enough to be the words of a list."""
        if len(self.counts) > MOST_LABELS:
            return False
        return all(len(value) <= LONGEST_LABEL for value in self.counts)

    def position_of(self, value: str) -> str:
        """Return the line of the first cell with a value; '?' without lines."""
        return dict(zip(self.values[::-1], self.positions[::-1], strict=False)).get(value, "?")

    @property
    def is_titled_date(self) -> bool:
        """Check whether the header alone says that the column has dates."""
        words, parts = self.words, set(self.words.split())
        if any(words in headers for headers in EVENTS.values()) or words in WORDS["promised_due"]:
            return True
        if words in WORDS["received"] or self.is_titled_receipt:
            return True
        return bool(parts & TIME_WORDS) and not parts & NO_STEP and names_step(words)

    @property
    def is_titled_receipt(self) -> bool:
        """Check whether the header has the words of a date and of the receipt."""
        words, parts = self.words, set(self.words.split())
        if not parts & {"tanggal", "waktu"} or parts & NO_STEP:
            return False
        return bool(RECEIPT_STEM.search(words)) and not names_step(words)

    @property
    def is_titled_step(self) -> bool:
        """Check whether the header names a step, and has no word of a status or of remarks.

        Some of these headers are also those of texts or of units: `Disposisi`, `Jawaban`.
        """
        words, parts = self.words, set(self.words.split())
        is_text = bool(parts & REMARK_WORDS) or words in WORDS["status"]
        return names_step(words) and not is_text and not parts & NO_STEP

    @cached_property
    def dates(self) -> tuple[str, ...]:
        """Return the formats of its times, the most frequent first; empty for other columns.

        Times that fit no format may be written as clerks do: 'Kamis, 5 November 2026 pkl 08.30'.
        The format then only states the order of day and month.
        """
        values = tuple(self._dated.values())
        found = _forms(values, FORMATS) or _clerks_forms(values)
        titled = self.is_titled_date or self.is_titled_step
        return found or (self._most_dates(values) if titled else ())

    @cached_property
    def _dated(self) -> dict[str, str]:
        """The values by their lines, without those that say that there is no date."""
        lines = self.positions or tuple(map(str, range(len(self.values))))
        cells = zip(lines, self.values, strict=True)
        return {
            line: value
            for line, value in cells
            if not (says_not_yet(value) or is_empty_date(value))
        }

    @property
    def dated_positions(self) -> set[str]:
        """Return the lines of the values that are not only a sign for 'no date'."""
        return set(self._dated)

    def _most_dates(self, values: Sequence[str]) -> tuple[str, ...]:
        """Return the formats that fit most values, if the others are errors.

        Dates in the order of clerks are read first: a single wrong date has no say in the order.
        """
        clerks = _clerks_forms(values, MOST_TITLED)
        alone = _forms(values, FORMATS, MOST_TITLED, number=1)
        if clerks and alone:
            read = sum(clerks_date(value) is not None for value in values)
            fit = sum(_is(value, alone[0]) for value in values)
            return alone if fit > read else clerks
        return clerks or alone

    @cached_property
    def odd_dates(self) -> tuple[str, ...]:
        """Return the values that are no dates, in a column with dates and in another one."""
        return tuple(
            value
            for value in self._dated.values()
            if not any(_is(value, form) for form in self.dates) and clerks_date(value) is None
        )

    @property
    def numbers_rows(self) -> bool:
        """Return whether the values only count the rows: 1, 2, 3 or '1.', '2.', '3.'."""
        numbers = [value.rstrip(".") for value in self.values]
        return numbers == [str(number) for number in range(1, len(numbers) + 1)]

    @property
    def counts_up(self) -> bool:
        """Return whether the values count the rows with a few gaps: 1, 2, 4, where 3 is torn."""
        numbers = [value.rstrip(".") for value in self.values]
        if self.words not in ROW_NUMBERS or not all(n.isdecimal() for n in numbers):
            return False
        counts = [int(number) for number in numbers]
        rises = all(one < other for one, other in pairwise(counts))
        return rises and counts[:1] == [1] and counts[-1] <= len(counts) * MOST_GAPS

    @cached_property
    def hours(self) -> tuple[str, ...]:
        """Return the formats of its times of day; '08.15 WIB' has no format of its own."""
        bare = tuple(_ZONE_WORD.sub("", value) for value in self.values)
        least = MOST_TITLED if self.words in WORDS["hour"] else MOST
        found = _forms(bare, _HOURS, least)
        read = sum(map(_is_spoken_hour, self.values))
        return found or ((_HOURS[1],) if read and read >= len(self.values) * least else ())

    @cached_property
    def has_unit_names(self) -> bool:
        """Check whether at least half of the values look like names of units."""
        return sum(map(is_unit_name, self.values)) >= len(self.values) / 2

    @cached_property
    def personal(self) -> str:
        """Return the reason to consider the column personal data; empty if there is none."""
        words = set(self.words.split())
        if words & PERSON or (words & NAME and not words & OFFICIAL):
            return "its header names a person, an address or a number of theirs"
        tried = self.values[:TRIED]
        if not tried or self.dates:
            return ""
        if sum(map(_identity_number, tried)) > len(tried) / 2:
            return "its values look like identity numbers (NIK)"
        if sum(redact(v) != v and not v.isdigit() for v in tried) > len(tried) / 5:
            return "its values look like phone numbers or mail addresses"
        if sum(map(_phone_number, tried)) > len(tried) / 2:
            return "its values look like phone numbers"
        streets = sum(bool(_STREET.match(value)) for value in tried)
        if streets > len(tried) / 3 and (len(tried) < 10 or not self.few_words):
            return "its values look like addresses"
        return ""


def has_ratings(column: ColumnSample) -> bool:
    """Check whether a column has only whole numbers from 1 to 5; true without any value."""
    return all(rating_of(value) for value in column.values)


def named(columns: Iterable[ColumnSample], field: str) -> list[ColumnSample]:
    """Find the columns with a field's words in the header, the surest first."""
    words = WORDS[field]
    ranked = [(rank, column) for column in columns if (rank := _rank(column, words)) is not None]
    return [column for _, column in sorted(ranked, key=lambda each: (each[0], each[1].place))]


def has_own_number(column: ColumnSample) -> bool:
    """Check whether the header says that complaints, not rows or letters, are numbered."""
    words = column.words
    return words in WORDS["ticket"] and words not in ROW_NUMBERS | LETTER_NUMBERS


def is_called(column: ColumnSample, field: str) -> bool:
    """Check whether the header says exactly that a column has a field.

    Headers that may also mean something else do not count: remarks, and numbers of rows or letters.
    """
    words = column.words
    if field == "status" and words in REMARKS:
        return False
    if field == "ticket" and words in UNSURE_TICKETS:
        return False
    return words in WORDS[field]


def event_of(column: ColumnSample) -> str | None:
    """Return the kind of event a column with this header gives the time of, or None."""
    if column.values and not column.dates:
        return None
    for kind, words in EVENTS.items():
        if column.words in words:
            return kind
    parts = set(column.words.split())
    if parts & NO_STEP or not (column.dates or parts & TIME_WORDS):
        return None
    found = {kind for kind, stems in STEP_STEMS.items() if stems.search(column.words)}
    return found.pop() if len(found) == 1 else None


def names_assignment(column: ColumnSample) -> bool:
    """Check whether the header names the assignment of a complaint, and not to whom it is."""
    words, parts = column.words, set(column.words.split())
    named = words in EVENTS["assigned"] or bool(STEP_STEMS["assigned"].search(words))
    is_unit = words in WORDS["unit"] and words not in UNITS_OR_STEPS
    return named and not is_unit and not parts & (NO_STEP | TO_WHOM)


def names_one_step(column: ColumnSample) -> bool:
    """Check whether the header names a single step: not 'Disposisi / Tindak Lanjut'."""
    return sum(bool(stem.search(column.words)) for stem in STEP_STEMS.values()) == 1


def sections(columns: Iterable[ColumnSample]) -> list[ColumnSample]:
    """Find the columns with the parts of one office: `Bidang`, `Seksi`, the larger parts first."""
    found = [(column, set(column.words.split())) for column in columns]
    ranked = [
        (min(map(SECTIONS.index, own)), column.place, column)
        for column, words in found
        if (own := words.intersection(SECTIONS)) and words - own <= BESIDE_SECTIONS
    ]
    return [column for *_, column in sorted(ranked, key=lambda each: each[:2])]


def hour_of(received: ColumnSample, columns: Iterable[ColumnSample]) -> ColumnSample | None:
    """Return the column with the hour of the receipt, never that of a step or of another event."""
    hours = [column for column in columns if column.hours and not column.dates]
    exact = [column for column in hours if column.words in WORDS["hour"]]
    ranked = [
        *(column for column in hours if _says_of(column) == _says_of(received)),
        *sorted(exact, key=lambda column: WORDS["hour"].index(column.words)),
        *(column for column in hours if RECEIPT_STEM.search(column.words)),
    ]
    is_hour = (c for c in ranked if set(c.words.split()) & HOUR_WORDS and not names_step(c.words))
    return next(is_hour, None)


def _says_of(column: ColumnSample) -> set[str]:
    """Return the words of a header that say of what it is the date or the hour."""
    return set(column.words.split()) - ONLY_TIME


def names_step(words: str) -> bool:
    """Check whether the words of a header name a step after the receipt."""
    return any(stem.search(words) for stem in STEP_STEMS.values()) or any(
        words in headers for headers in EVENTS.values()
    )


def _rank(column: ColumnSample, words: Sequence[str]) -> int | None:
    if column.words in words:
        return words.index(column.words)
    within = f" {column.words} "
    long = [n for n, word in enumerate(words) if len(word) > 3 and f" {word} " in within]
    return len(words) + long[0] if long else None


def _forms(
    values: Sequence[str], forms: Sequence[str], least: float = MOST, number: int = 3
) -> tuple[str, ...]:
    """Find the formats, at most `number`, fitting a share of the values of at least `least`.

    On a tie the likelier one is first.
    """
    step = max(1, len(values) // TRIED)
    left = values[::step][:TRIED]
    if least == MOST and not all(any(sign.isdigit() for sign in value) for value in left[:3]):
        return ()
    tried = len(left)
    found: list[str] = []
    while left and len(found) < number:
        some = left[:3] if least == MOST else left
        hopeful = [form for form in forms if any(_is(value, form) for value in some)]
        fits = [(sum(_is(value, form) for value in left), form) for form in hopeful]
        most, form = max(fits, key=lambda each: each[0], default=(0, ""))
        if not most:
            break
        found.append(form)
        left = [value for value in left if not _is(value, form)]
    return tuple(found) if tried and len(left) <= tried * (1 - least) else ()


def _clerks_forms(values: Sequence[str], least: float = MOST) -> tuple[str, ...]:
    """Return a format with the order of day and month for times written in words, or nothing."""
    step = max(1, len(values) // TRIED)
    tried = values[::step][:TRIED]
    read = [moment for value in tried if (moment := clerks_date(value)) is not None]
    if not read or len(read) < len(tried) * least:
        return ()
    timed = any((moment.hour, moment.minute) != (0, 0) for moment in read)
    return ("%d %b %Y %H:%M",) if timed else ("%d %b %Y",)


def clerks_date(text: str) -> datetime | None:
    """Read a time as clerks write it, the day before the month; None for another text.

    With an hour that cannot be read, it is the start of the day.
    """
    for each in filter(None, (text, day_before_hour(text))):
        try:
            return parse_flexible(each, DAY_FIRST)
        except (ValueError, OverflowError):
            continue
    return None


def _is_spoken_hour(value: str) -> bool:
    """Check whether a value is a time as clerks write it behind a date: 'jam 8 pagi'."""
    try:
        parse_flexible(f"1 jan 2026 {value}", DAY_FIRST)
    except (ValueError, OverflowError):
        return False
    return True


def _is(value: str, form: str) -> bool:
    try:
        parse_datetime(value, form)
    except (ValueError, OverflowError):
        return False
    return True


def _identity_number(value: str) -> bool:
    """Check for a NIK: 16 digits, the seventh to twelfth a date of birth (women: day plus 40)."""
    digits = re.sub(r"[ .-]", "", value)
    if len(digits) != 16 or not digits.isdigit():
        return False
    day, month = int(digits[6:8]) % 40, int(digits[8:10])
    return 1 <= day <= 31 and 1 <= month <= 12


def _phone_number(value: str) -> bool:
    return re.fullmatch(r"(?:\+?62|0)[ .-]?[2-9]\d(?:[ .-]?\d){6,11}", value) is not None


@dataclass(frozen=True, slots=True)
class ZoneGuess:
    """A time zone and the reasons for it, one a line; `sure` if the hours support it clearly."""

    zone: str
    reasons: tuple[str, ...]
    sure: bool


def zone_of(moments: Sequence[datetime], local: str) -> ZoneGuess:
    """Guess the zone in which these times were written: the site's own, or UTC.

    Complaints arrive while people are awake and mostly while government offices are open. So the
    right zone puts the busiest hours into the working day and the quiet hours into the night.
    """
    told = [moment for moment in moments if moment.tzinfo is None]
    if moments and not told:
        return ZoneGuess(local, ("the times have their own zone; this one is for others",), True)
    hours = [m for m in told if (m.hour, m.minute, m.second) != (0, 0, 0)]
    if len(hours) < max(30, len(told) // 2):
        why = f"only {len(hours)} times have an hour: too few to compare;"
        why += " the site's own zone is assumed"
        return ZoneGuess(local, (why, "check it: a wrong zone moves reports to another day"), False)
    zone = ZoneInfo(local)
    as_utc = [moment.replace(tzinfo=UTC).astimezone(zone) for moment in hours]
    written, moved = _waking(hours), _waking(as_utc)
    reasons = [
        f"as written, {_told(hours)}",
        f"read as UTC, in the time of {local}, {_told(as_utc)}",
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
        f"{len(moments)} reports arrive mostly in the hours {busiest}, {day:.0%} of them by day (07"
        f" to 17) and {night:.0%} by night (00 to 05)"
    )
