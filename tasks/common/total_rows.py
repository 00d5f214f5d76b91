"""Recognise the total line below a table."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBER = re.compile(r"-?[\d.,]+ ?%?")
_LABEL = re.compile(
    r"(?:grand |sub[ -]?)?(?:total|jumlah|rata-rata|average|sum)\b[^\d]{0,40}(?:[\d.,]+ ?%?)?",
    re.IGNORECASE,
)


def is_total_label(cell: str) -> bool:
    """Check whether a cell is the label of a total: 'Jumlah', 'Total laporan: 12', 'Subtotal'."""
    return _LABEL.fullmatch(cell.strip()) is not None


def has_only_totals(cells: Iterable[str]) -> bool:
    """Check whether every filled cell of a row is a number or the label of a total."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    return bool(filled) and all(_NUMBER.fullmatch(cell) or is_total_label(cell) for cell in filled)
