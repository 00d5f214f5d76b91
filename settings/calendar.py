"""`holidays.toml` and the `[calendar]` of `site.toml`: which days are worked."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

from pydantic import Field, ValidationError

from settings.errors import SettingsError, Strict, explained
from sla.calendar import Calendar, DayOff, country_days_off, indonesian_days_off, with_corrections

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

LAST_INDONESIAN_DECREE = 2027
"""The last year for which the package `holidays` carries cuti bersama; later is provisional."""


class CalendarSettings(Strict):
    """The years covered, the days worked, and whose public holidays are kept."""

    first_year: int = Field(2015, ge=1970)
    last_year: int = Field(2035, le=2100)
    country: str = "ID"
    subdivision: str | None = None
    work_days: tuple[str, ...] = WEEKDAYS[:5]
    decreed_until: dt.date | None = None


class Addition(Strict):
    """A day off that the package does not know, and the decree that sets it."""

    date: dt.date
    name: str
    decree: str


class Removal(Strict):
    """A holiday that is worked after all, and the decree that says so."""

    date: dt.date
    decree: str
    name: str = ""


class Renaming(Strict):
    """A holiday under its right name."""

    date: dt.date
    name: str
    decree: str = ""


class HolidaysFile(Strict):
    """The keys of `holidays.toml`."""

    add: tuple[Addition, ...] = ()
    remove: tuple[Removal, ...] = ()
    rename: tuple[Renaming, ...] = ()


def read_calendar(settings: CalendarSettings, path: Path) -> Calendar:
    """The working calendar: the package's holidays, corrected by the site's file if it has one."""
    years = range(settings.first_year, settings.last_year + 1)
    if settings.country == "ID":
        known = indonesian_days_off(years)
        decreed_until = settings.decreed_until or dt.date(LAST_INDONESIAN_DECREE, 12, 31)
    else:
        known = country_days_off(settings.country, years, subdivision=settings.subdivision)
        decreed_until = settings.decreed_until or dt.date(settings.last_year, 12, 31)
    unknown = [name for name in settings.work_days if name not in WEEKDAYS]
    if unknown:
        raise SettingsError(
            f"site.toml: calendar.work_days: '{unknown[0]}' is no day; write {', '.join(WEEKDAYS)}"
        )
    corrections = _read(path) if path.is_file() else HolidaysFile()
    try:
        days_off = with_corrections(
            known,
            add={day.date: DayOff(day.name, day.decree) for day in corrections.add},
            remove=[day.date for day in corrections.remove],
            rename={day.date: day.name for day in corrections.rename},
        )
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from None
    return Calendar(
        dt.date(settings.first_year, 1, 1),
        dt.date(settings.last_year, 12, 31),
        weekmask=[name in settings.work_days for name in WEEKDAYS],
        days_off=days_off,
        decreed_until=decreed_until,
    )


def _read(path: Path) -> HolidaysFile:
    try:
        return HolidaysFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}") from None
    except ValidationError as error:
        raise SettingsError(explained(path, error, HolidaysFile)) from None
