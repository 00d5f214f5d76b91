"""Formats days, times, periods and lines of text in the reader's language and zone."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from sla.periods import parse
from tasks.text.catalog import catalog

LONGEST_SUBJECT = 120


ROMAN = ("I", "II", "III", "IV")

INDONESIAN_ZONES = {
    "Asia/Jakarta": "WIB",
    "Asia/Pontianak": "WIB",
    "Asia/Makassar": "WITA",
    "Asia/Jayapura": "WIT",
}


class Spanned(Protocol):
    """An object about a period: the name of the period and its local days, both ends included."""

    @property
    def period_key(self) -> str:
        """The name of the period: `2026-11`."""

    @property
    def first(self) -> date:
        """The first day of the period."""

    @property
    def last(self) -> date:
        """The last day of the period."""


@dataclass(frozen=True, slots=True)
class _Span:
    period_key: str
    first: date
    last: date


def day_text(value: date | datetime, locale: str, zone: ZoneInfo) -> str:
    """Return a day in words: 'Selasa, 24 November 2026' or 'Tuesday, 24 November 2026'."""
    day = _local_day(value, zone)
    t = catalog(locale)
    weekday, month = t.names("date.days")[day.weekday()], t.names("date.months")[day.month - 1]
    return f"{weekday}, {day.day} {month} {day.year}"


def long_day_text(value: date | datetime, locale: str, zone: ZoneInfo) -> str:
    """Return a day as in a letter: '24 November 2026'."""
    day = _local_day(value, zone)
    return f"{day.day} {catalog(locale).names('date.months')[day.month - 1]} {day.year}"


@lru_cache(maxsize=256)
def short_day_text(value: date | datetime, locale: str, zone: ZoneInfo) -> str:
    """Return a short day: '24 Nov 2026', with the language's short month."""
    day = _local_day(value, zone)
    return f"{day.day} {catalog(locale).names('date.short_months')[day.month - 1]} {day.year}"


def weekday_day_text(value: date | datetime, locale: str, zone: ZoneInfo) -> str:
    """Return a short day with its weekday, for columns of days: 'Sel 24 Nov 2026'."""
    weekday = catalog(locale).names("date.short_days")[_local_day(value, zone).weekday()]
    return f"{weekday} {short_day_text(value, locale, zone)}"


@lru_cache(maxsize=256)
def moment_text(value: datetime, locale: str, zone: ZoneInfo, *, exact: bool = False) -> str:
    """Return a moment: 'Selasa, 24 November 2026 pukul 08.00 WITA'; `exact` adds seconds."""
    local = value.astimezone(zone)
    t = catalog(locale)
    clock = local.strftime(t("date.exact_clock" if exact else "date.clock"))
    return t(
        "date.moment", day=day_text(value, locale, zone), clock=clock, zone=zone_name(local, zone)
    )


def local_times(text: str, zone: ZoneInfo) -> str:
    """Return a text with its times in UTC, or in ISO 8601 with an offset, as local times."""

    def local(found: re.Match[str]) -> str:
        moment = datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3] or '+00:00'}")
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"

    return _WITH_ZONE.sub(local, text)


_WITH_ZONE = re.compile(
    r"\b(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?(?: UTC\b|Z\b|([+-]\d\d:\d\d))"
)


def zone_name(moment: datetime, zone: ZoneInfo) -> str:
    """Return the usual name of a zone: WIB, WITA, WIT, or its own abbreviation."""
    return INDONESIAN_ZONES.get(zone.key) or moment.astimezone(zone).tzname() or zone.key


def markdown_text(value: object) -> str:
    """Escape a value, so that Markdown and HTML show it as plain text on one line.

    The colon of an address, and the point after 'www', are escaped too: Prefect's UI would make a
    link of it.
    """
    flat = " ".join(str(value).split())
    return (
        re.sub(
            r"([\\`*_{}\[\]<>()#+!|~$&@]|:(?=//)|(?<=www)\.)", r"\\\1", flat, flags=re.IGNORECASE
        )
        .replace("\\<", "&lt;")
        .replace("\\>", "&gt;")
    )


def one_line(text: str, length: int = LONGEST_SUBJECT) -> str:
    """Return a text for a header: one line, no control or direction characters, limited length."""
    if not text.isprintable():  # then it has no such character, and no space but the usual one
        text = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)
    flat = " ".join(text.split())
    return flat if len(flat) <= length else flat[: length - 1] + "…"


def period_text(view: Spanned, locale: str, zone: ZoneInfo) -> str:
    """Return a period in words: 'November 2026', 'Minggu ke-47 Tahun 2026', 'Triwulan III Tahun
    2026', or its days.
    """
    t = catalog(locale)
    if match := re.fullmatch(r"(\d{4})-W(\d{2})", view.period_key):
        return t("date.week", number=str(int(match[2])), year=match[1])
    if match := re.fullmatch(r"(\d{4})(?:-([HQ])([1-4]))?", view.period_key):
        key = {"H": "half_year", "Q": "quarter", None: "year"}[match[2]]
        roman = ROMAN[int(match[3] or 1) - 1]
        return t(f"date.{key}", roman=roman, year=match[1])
    whole = view.first.day == 1 and (view.first.year, view.first.month) == (
        view.last.year,
        view.last.month,
    )
    if whole and re.fullmatch(r"\d{4}-\d{2}", view.period_key):
        return f"{t.names('date.months')[view.first.month - 1]} {view.first.year}"
    return _days_text(view, locale, zone)


def period_name(key: str, locale: str, zone: ZoneInfo) -> str:
    """Return the period with this key in words. Raises `sla.periods.PeriodError`."""
    found = parse(key, date.max)
    return period_text(_Span(found.name, found.first, found.last), locale, zone)


def period_days(view: Spanned, locale: str, zone: ZoneInfo) -> str:
    """Return the days of a period in brackets; empty if the period has no other name."""
    days = _days_text(view, locale, zone)
    return "" if period_text(view, locale, zone) == days else f"({days})"


def _days_text(view: Spanned, locale: str, zone: ZoneInfo) -> str:
    return f"{short_day_text(view.first, locale, zone)} – {short_day_text(view.last, locale, zone)}"


def _local_day(value: date | datetime, zone: ZoneInfo) -> date:
    return value.astimezone(zone).date() if isinstance(value, datetime) else value
