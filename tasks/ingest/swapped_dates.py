"""Find dates of receipt in which a spreadsheet, or a clerk, has probably swapped day and month."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np

from settings.mapping import SourceMapping
from tasks.ingest.records import ComplaintRecord

_DATE_CELL = re.compile(r"\d{4}-\d\d-\d\d(?: .*)?")
_IN_NUMBERS = re.compile(r"(\d{1,2}) ?[-/. ] ?(\d{1,2}) ?[-/. ] ?[^\w\s]?(?:\d{4}|\d{2})(?!\d)")
_WORKBOOK = re.compile(r"\.(?:xls|ods)", re.IGNORECASE)
MONTHS = 12
ENOUGH = 2
"""The number of different date cells, and of dates as text, that show a pattern."""

ENOUGH_MONTHS = 3
"""The number of months that show a pattern without a date as text."""

LEAST_ROWS = 4
"""The least number of rows whose order says something about one of them."""

SLACK = 7
"""Days by which a row may be before the one above it in a register in the order of receipt."""

LEAST_GAIN = 20
"""Days by which a row must be out of order before another reading of its date is considered."""

MOST_FALLS = 2
"""The number of rows before the one above them in a small register that may be in order."""

ROWS_PER_BREAK = 8
"""A register in the order of receipt has at most one break of this order in so many rows, for
example between its sheets."""


def swapped_receipts(
    records: Sequence[ComplaintRecord], source: SourceMapping, made: date
) -> list[int]:
    """Return the positions of rows with a probably swapped date of receipt, in a file of `made`.

    A spreadsheet in English takes 05/11/2026 for 11 May, and leaves 13/11/2026 as text; and a clerk
    may write a month before its day. A text file written with `%Y-%m-%d` has no such dates.
    """
    cells = _has_date_cells(source)
    if not source.has_files or source.is_exchange or not (cells or _is_by_hand(source.dates)):
        return []
    zone = ZoneInfo(source.zone)
    texts = [record.receipt_text for record in records]
    days = [record.received.astimezone(zone).date() for record in records]
    found: list[int] = []
    if directions(days):
        others = [exchanged(text, day, source) for text, day in zip(texts, days, strict=True)]
        found += out_of_order(days, others, made)
    if cells or not any(map(_is_of_a_program, source.dates)):
        found += swapped(texts, days, made)
    return sorted(set(found))


def exchanged(text: str, day: date, source: SourceMapping) -> date | None:
    """Return the other day that a date can be, with day and month exchanged; None if there is none.

    `text` is a date as it was written and read as `day`. A date cell of a workbook can have been
    exchanged by the program that made it.
    """
    numbers = _IN_NUMBERS.match(text)
    if numbers is not None:
        first, second = int(numbers[1]), int(numbers[2])
    elif _has_date_cells(source) and _DATE_CELL.fullmatch(text):
        first, second = int(text[5:7]), int(text[8:10])
    else:
        return None
    if first == second or first > MONTHS or second > MONTHS:
        return None
    if {first, second} != {day.day, day.month}:
        return None
    return date(day.year, day.day, day.month)


def _is_of_a_program(form: str) -> bool:
    return form.startswith("%Y")


def _is_by_hand(forms: Sequence[str]) -> bool:
    return not all(map(_is_of_a_program, forms))


def _has_date_cells(source: SourceMapping) -> bool:
    return _WORKBOOK.search(str(getattr(source, "pattern", ""))) is not None


def swapped(texts: Sequence[str], days: Sequence[date], made: date) -> list[int]:
    """Return the positions of probably swapped dates, given as written and as read.

    The pattern: each date as text has a day after the 12th, and the day of each date cell is the
    number of a month of these texts, of `made`, or of the month before. It needs two different date
    cells and two texts; without a text, date cells of three months.
    """
    cells = {n: days[n] for n, text in enumerate(texts) if _DATE_CELL.fullmatch(text)}
    typed = [day for n, day in enumerate(days) if n not in cells]
    if any(day.day <= MONTHS for day in typed):
        return []
    months = {made.month, (made.month - 2) % MONTHS + 1, *(day.month for day in typed)}
    different = set(cells.values())
    if len(different) < ENOUGH or any(day.day not in months for day in different):
        return []
    if len({day.month for day in different}) < (ENOUGH if typed else ENOUGH_MONTHS):
        return []
    if typed and len(typed) < ENOUGH:
        return []
    return [n for n, day in cells.items() if day.day != day.month]


def out_of_order(days: Sequence[date], others: Sequence[date | None], made: date) -> list[int]:
    """Return the positions of days that fit the order of the rows only if they are exchanged.

    `others` are the days with day and month exchanged, None where there is no other reading. The
    days of a register rise, or fall, from row to row. In a register in another order, and in one
    whose days are in order as they are, there is no such position.
    """
    if not any(others):
        return []
    best: _Chosen | None = None
    for sign in directions(days):
        readings = [
            _Readings(
                day.toordinal() * sign,
                None if other is None or other > made else other.toordinal() * sign,
                LEAST_GAIN if other is not None and other > day else 2 * LEAST_GAIN,
            )
            for day, other in zip(days, others, strict=True)
        ]
        found = _likeliest(readings)
        in_order = found.breaks <= len(days) // ROWS_PER_BREAK
        if in_order and (best is None or found.cost < best.cost):
            best = found
    return [] if best is None else best.exchanged


def directions(days: Sequence[date]) -> list[int]:
    """Return the directions in which most days follow each other: 1 if they rise, -1 if they fall.

    There is none in too few rows, in no order, and in rows that are in order as they are.
    """
    if len(days) < LEAST_ROWS:
        return []
    steps = np.diff([day.toordinal() for day in days])
    breaks = {sign: int((steps * sign < 0).sum()) for sign in (1, -1)}
    fewest = min(breaks.values())
    if fewest > max(MOST_FALLS, len(days) // 3):
        return []
    found = [sign for sign, number in breaks.items() if number == fewest]
    return found if all((steps * sign < -LEAST_GAIN).any() for sign in found) else []


@dataclass(frozen=True, slots=True)
class _Readings:
    """The two readings of a date as numbers of days, and the cost of the exchanged one.

    To make a date earlier costs more: an early receipt accuses.
    """

    written: int
    exchanged: int | None
    cost: int

    @property
    def all(self) -> Iterator[tuple[int, int, int]]:
        """Return each reading that there is: its kind, its day, and its cost."""
        yield 0, self.written, 0
        if self.exchanged is not None:
            yield 1, self.exchanged, self.cost


@dataclass(frozen=True, slots=True)
class _Chosen:
    """One reading for each row: its cost, the breaks of the order, and the exchanged rows."""

    cost: int
    breaks: int
    exchanged: list[int]


def _likeliest(rows: Sequence[_Readings]) -> _Chosen:
    """Choose a reading for each row so that the rows rise as far as possible.

    The cost is the number of days by which rows are before the one above, and the cost of each
    exchange: so a row is only exchanged if it has to be. This is a shortest path through the rows.
    """
    ways = {kind: (cost, day) for kind, day, cost in rows[0].all}
    origins: list[dict[int, int]] = []
    for row in rows[1:]:
        found, origin = {}, {}
        for kind, day, extra in row.all:
            cost, origin[kind] = min(
                (cost + max(0, last - day), before) for before, (cost, last) in ways.items()
            )
            found[kind] = cost + extra, day
        ways = found
        origins.append(origin)
    kind = min(ways, key=ways.__getitem__)
    cost, chosen = ways[kind][0], [kind]
    for origin in reversed(origins):
        chosen.append(origin[chosen[-1]])
    chosen.reverse()
    days = [
        row.exchanged if kind and row.exchanged is not None else row.written
        for kind, row in zip(chosen, rows, strict=True)
    ]
    rises = np.diff(days) >= -SLACK
    fits = np.append(True, rises) & np.append(rises, True)
    exchanged = [n for n, kind in enumerate(chosen) if kind and fits[n]]
    return _Chosen(cost, int((~rises).sum()), exchanged)
