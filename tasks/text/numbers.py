"""Formats numbers in the reader's language."""

from __future__ import annotations

from math import floor

NEARLY = 1e-9
"""A binary fraction less than this below a half counts as the half that it stands for."""


def half_up(value: float, decimals: int = 0) -> float:
    """Round a number as spreadsheets and readers do: a half goes away from zero."""
    size = 10.0**decimals
    rounded = floor(abs(value) * size + 0.5 + NEARLY) / size
    return rounded if value >= 0 or not rounded else -rounded


def percent_text(value: float | None, locale: str) -> str:
    """Return a share as '87,3%' or '87.3%'; a dash for None."""
    return "–" if value is None else decimal_text(100 * value, locale) + "%"


def decimal_text(value: float | None, locale: str) -> str:
    """Return a number with one decimal, or none if it is whole, in the language's notation.

    The half of a tenth goes up.
    """
    if value is None:
        return "–"
    text = f"{half_up(value, 1):,.1f}".removesuffix(".0")
    return text.translate(str.maketrans(",.", ".,")) if locale == "id" else text


def number_text(value: int | None, locale: str) -> str:
    """Return a whole number with separators: 1.234 or 1,234; a dash for None."""
    if value is None:
        return "–"
    return f"{value:,}".replace(",", ".") if locale == "id" else f"{value:,}"


def size_text(count: int, locale: str) -> str:
    """Return a number of bytes as a size: '3.4 MB' or '3,4 MB'."""
    amount, units = count / 1000, ("kB", "MB", "GB", "TB")
    power = 0
    while amount >= 1000 and power < len(units) - 1:
        amount, power = amount / 1000, power + 1
    return f"{decimal_text(amount, locale)} {units[power]}"
