"""Read the period for which a file is complete: the filter that an export states itself."""

from __future__ import annotations

import re
from datetime import datetime, time
from zoneinfo import ZoneInfo

from settings.sources import FolderSource, PeriodCell
from tasks.common.dates import parse_datetime
from tasks.sources.base import WrongMapping

_DIRECTIVES = {
    "%Y": r"\d{4}",
    "%b": r"[^\W\d_]+\.?",
    "%B": r"[^\W\d_]+\.?",
    "%%": "%",
}
"""The parts of a date format as regular expressions; all others are one or two digits."""


def stated_period(
    name: str, preamble: tuple[tuple[str, ...], ...], source: FolderSource
) -> tuple[datetime, datetime] | None:
    """Return the first and the last moment of receipt for which a file is complete.

    None means every moment: the source states no period, or this file has no such label or no
    filter. Raises :class:`WrongMapping` if the cell has no two days in the format of the mapping.
    """
    period = source.period
    if period is None:
        return None
    text = _beside(period.cell, preamble)
    if not any(sign.isdigit() for sign in text):
        return None
    try:
        first, last = (parse_datetime(day, period.format).date() for day in _days(text, period))
        if first > last:
            raise ValueError("the first day is after the last one")
    except (ValueError, OverflowError):
        raise WrongMapping(
            f"{name}: '{period.cell}' has no first and last day in the format {period.format};"
            " correct `period` in sources.toml"
        ) from None
    zone = ZoneInfo(period.zone or source.zone)
    return (
        datetime.combine(first, time.min, tzinfo=zone),
        datetime.combine(last, time.max, tzinfo=zone),
    )


def _beside(label: str, preamble: tuple[tuple[str, ...], ...]) -> str:
    """Return the preamble cells next to a label, as one text."""
    for cells in preamble:
        if cells and cells[0].strip().rstrip(":").strip() == label:
            return " ".join(cell.strip() for cell in cells[1:] if cell.strip())
    return ""


def _days(text: str, period: PeriodCell) -> list[str]:
    parts = re.split(r"(%.)", period.format)
    pattern = "".join(
        _DIRECTIVES.get(part, r"\d{1,2}") if part.startswith("%") else re.escape(part)
        for part in parts
    )
    return re.findall(rf"(?<!\w){pattern}(?!\w)", text)
