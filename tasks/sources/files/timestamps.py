"""Find the creation time of a file: in its name, in its preamble, or from the disk."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from settings.sources import FolderSource
from tasks.common.dates import parse_datetime
from tasks.common.flexible_dates import date_order, parse_flexible
from tasks.sources.base import Sheet

_DOWNLOADED_AGAIN = re.compile(r" ?\(\d{1,3}\)(?=\.[^.]{1,5}(?:\.gz)?$)")
"""What a browser adds to the name of a file that it has downloaded before: 'a (1).csv'."""


def stated_time(path: Path, sheet: Sheet | None, source: FolderSource) -> datetime | None:
    """Return the time of creation stated in a file's name or preamble; None if there is none.

    If only the day is stated, the function returns its end, and :func:`not_before` its start.
    """
    if source.is_exchange and not source.observed.file_name:
        return _exported_at(sheet)
    stated, form = "", source.observed.format
    if source.observed.file_name:
        stated, form = _DOWNLOADED_AGAIN.sub("", path.name), source.observed.file_name
        if not form.endswith(".gz"):
            stated = stated.removesuffix(".gz")
    elif source.observed.cell and sheet is not None:
        stated = _beside(source.observed.cell, sheet)
    try:
        made = _moment(stated, form, exact=source.observed.file_name is not None)
    except (ValueError, OverflowError):
        return None
    if made.tzinfo is None:
        made = made.replace(tzinfo=_zone(source))
    return made.replace(hour=23, minute=59, second=59) if source.observed.by_day else made


def _exported_at(sheet: Sheet | None) -> datetime | None:
    """Return the time of export stated in a file of the exchange format, or None."""
    if sheet is None or not sheet.preamble:
        return None
    try:
        stated = datetime.fromisoformat(sheet.preamble[0][sheet.header.index("exported_at")])
    except ValueError:
        return None
    return stated if stated.tzinfo is not None else None


def written_at(path: Path) -> datetime:
    """Return the time of the last change of a file, used if it does not state its time of
    creation.
    """
    return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)


def _moment(text: str, form: str, *, exact: bool) -> datetime:
    """Parse the time in a file name, or (not exact) in a cell that may be a date cell."""
    try:
        return parse_datetime(text, form)
    except ValueError:
        if exact:
            raise
        return parse_flexible(text, date_order([form]))


def _zone(source: FolderSource) -> ZoneInfo:
    return ZoneInfo(source.observed.zone or source.zone)


def _beside(label: str, sheet: Sheet) -> str:
    """Return the preamble cell next to a label, which is the first filled cell of its row."""
    for cells in sheet.preamble:
        filled = [cell.strip() for cell in cells if cell.strip()]
        if filled[:1] == [label]:
            return filled[1] if len(filled) > 1 else ""
    return ""
