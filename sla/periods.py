"""Names of periods: `2026-11`, `2026-W47`, `2026-Q3`, `2026-H1`, `2026`, `last-week`, a range."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Period:
    """A period of local days, both ends included, with its name."""

    name: str
    first: date
    last: date


class PeriodError(ValueError):
    """The text is not the name of a period; the message lists the valid forms."""


def parse(text: str, today: date) -> Period:
    """Parse the name of a period; `last-...` is the last complete one before `today`.

    Raises :class:`PeriodError` for anything else.
    """
    name = text.strip()
    if name.startswith("last-"):
        name = _last(name, today)
    try:
        found = _named(name)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise PeriodError(
            f"'{text}' is no period; write 2026, 2026-H1, 2026-Q3, 2026-11, 2026-W47,"
            " 2026-11-01..2026-11-15, last-week, last-month, last-quarter, last-half-year,"
            " last-year"
        )
    return Period(name, *found)


def before(period: Period) -> Period | None:
    """Return the period of the same kind and length that ends on the day before this one.

    None before the year 1.
    """
    ended = period.first - timedelta(days=1)
    name = period.name
    if match := re.fullmatch(r"(\d{4})-([HQ])(\d)", name):
        length = {"H": 6, "Q": 3}[match[2]]
        name = f"{ended.year}-{match[2]}{(ended.month - 1) // length + 1}"
    elif re.fullmatch(r"\d{4}-W\d{2}", name):
        year, week, _ = ended.isocalendar()
        name = f"{year}-W{week:02}"
    elif re.fullmatch(r"\d{4}-\d{2}", name):
        name = f"{ended.year}-{ended.month:02}"
    elif re.fullmatch(r"\d{4}", name):
        name = str(ended.year)
    else:
        name = f"{ended - (period.last - period.first)}..{ended}"
    return _period(name)


def year_before(period: Period) -> Period | None:
    """Return the same period one year earlier; None if that year does not have it (week 53)."""
    found = _period(re.sub(r"\d{4}", lambda year: f"{int(year[0]) - 1:04}", period.name))
    if found is None and ".." in period.name:  # a 29 February
        first, last = (_year_earlier(day) for day in (period.first, period.last))
        return _period(f"{first}..{last}")
    return found


def months_until(day: date, count: int) -> list[Period]:
    """Return `count` months in order; the last one is the month of `day`."""
    found = []
    for back in range(count - 1, -1, -1):
        month = day.year * 12 + day.month - 1 - back
        name = f"{month // 12:04}-{month % 12 + 1:02}"
        span = _period(name)
        if span is not None:
            found.append(span)
    return found


def _period(name: str) -> Period | None:
    try:
        found = _named(name)
    except (ValueError, OverflowError):
        return None
    return None if found is None else Period(name, *found)


def _year_earlier(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def _named(name: str) -> tuple[date, date] | None:
    if match := re.fullmatch(r"(\d{4})", name):
        return _months(int(match[1]), 1, 12)
    if match := re.fullmatch(r"(\d{4})-H([12])", name):
        return _months(int(match[1]), 6 * int(match[2]) - 5, 6)
    if match := re.fullmatch(r"(\d{4})-Q([1-4])", name):
        return _months(int(match[1]), 3 * int(match[2]) - 2, 3)
    if match := re.fullmatch(r"(\d{4})-(\d{2})", name):
        return _months(int(match[1]), int(match[2]), 1)
    if match := re.fullmatch(r"(\d{4})-W(\d{2})", name):
        monday = date.fromisocalendar(int(match[1]), int(match[2]), 1)
        return monday, monday + timedelta(days=6)
    if match := re.fullmatch(r"(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})", name):
        first, last = date.fromisoformat(match[1]), date.fromisoformat(match[2])
        return (first, last) if first <= last else None
    return None


def _months(year: int, month: int, count: int) -> tuple[date, date]:
    first = date(year, month, 1)
    after = month + count
    following = date(year + (after - 1) // 12, (after - 1) % 12 + 1, 1)
    return first, following - timedelta(days=1)


def _last(name: str, today: date) -> str:
    if name == "last-week":
        year, week, _ = (today - timedelta(days=7)).isocalendar()
        return f"{year}-W{week:02}"
    if name == "last-month":
        before = today.replace(day=1) - timedelta(days=1)
        return f"{before.year}-{before.month:02}"
    if name == "last-year":
        return str(today.year - 1)
    length, letter = {"last-quarter": (3, "Q"), "last-half-year": (6, "H")}.get(name, (0, ""))
    if not length:
        return name
    number = (today.month - 1) // length
    year = today.year if number else today.year - 1
    return f"{year}-{letter}{number or 12 // length}"
