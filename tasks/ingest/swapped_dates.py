"""Find dates of receipt in which a spreadsheet has probably swapped day and month."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from settings.mapping import SourceMapping
from tasks.ingest.records import ComplaintRecord

_DATE_CELL = re.compile(r"\d{4}-\d\d-\d\d(?: .*)?")
_WORKBOOK = re.compile(r"\.(?:xls|ods)", re.IGNORECASE)
MONTHS = 12
ENOUGH = 2
"""The number of different date cells, and of dates as text, that show a pattern."""

ENOUGH_MONTHS = 3
"""The number of months that show a pattern without a date as text."""


def swapped_receipts(
    records: Sequence[ComplaintRecord], source: SourceMapping, made: date
) -> list[int]:
    """Return the positions of rows with a probably swapped date of receipt, in a file of `made`.

    A spreadsheet in English takes 05/11/2026 for 11 May, and leaves 13/11/2026 as text. A text file
    written with `%Y-%m-%d` has no such dates.
    """
    pattern = str(getattr(source, "pattern", ""))
    by_a_program = any(form.startswith("%Y") for form in source.dates)
    if not source.has_files or (by_a_program and not _WORKBOOK.search(pattern)):
        return []
    zone = ZoneInfo(source.zone)
    return swapped(
        [record.receipt_text for record in records],
        [record.received.astimezone(zone).date() for record in records],
        made,
    )


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
