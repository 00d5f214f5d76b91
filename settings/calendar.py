"""`holidays.toml` and the `[calendar]` of `site.toml`: which days are worked."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import holidays
from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from settings.errors import SettingsError, Strict, explained, nearest, read_toml
from sla.calendar import (
    Calendar,
    DayOff,
    country_days_off,
    indonesian_days_off,
    last_indonesian_decree,
    with_corrections,
)

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _known_days(value: tuple[str, ...]) -> tuple[str, ...]:
    for name in value:
        if name not in WEEKDAYS:
            raise ValueError(f"'{name}' is no day; write {', '.join(WEEKDAYS)}")
    if not value:
        raise ValueError("no day is worked")
    return value


WorkDays = Annotated[tuple[str, ...], AfterValidator(_known_days)]


class CalendarSettings(Strict):
    """The years covered, the days worked, and whose public holidays are kept.

    `units` gives the week of the units that keep one of their own, by the unit's id.
    """

    first_year: int = Field(default=2015, ge=1970)
    """The first year of the calendar; earlier complaints cannot be judged."""
    last_year: int = Field(default=2035, le=2100)
    """Its last year."""
    country: str = "ID"
    """The country whose public holidays are kept."""
    subdivision: str | None = None
    """A part of it with holidays of its own, as the package `holidays` calls it."""
    work_days: WorkDays = WEEKDAYS[:5]
    """The days that are worked."""
    units: dict[str, WorkDays] = Field(default_factory=dict)
    """The week of units that keep another one, by the unit's id."""
    decreed_until: dt.date | None = None
    """Until when the holidays are certain; without it, for Indonesia, as far as the package knows
    the joint decree."""

    @field_validator("country")
    @classmethod
    def _known_country(cls, value: str) -> str:
        known = holidays.list_supported_countries()
        if value not in known:
            raise ValueError(f"'{value}' is no country code; write for example ID")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> CalendarSettings:
        if self.last_year < self.first_year:
            raise ValueError(f"last_year {self.last_year} lies before first_year {self.first_year}")
        parts = holidays.list_supported_countries()[self.country]
        if self.subdivision is not None and self.subdivision not in parts:
            hint = nearest(self.subdivision, parts)
            raise ValueError(f"{self.country} has no subdivision '{self.subdivision}'{hint}")
        return self


class Addition(Strict):
    """A day off that the package does not know, and the decree that sets it."""

    date: dt.date
    """The day."""
    name: str
    """What people call it; shown in explanations and reports."""
    decree: str
    """What makes it a day off."""


class Removal(Strict):
    """A holiday that is worked after all, and the decree that says so."""

    date: dt.date
    """The day."""
    decree: str
    """What makes it a day that is worked."""
    name: str = ""
    """What it was called, for the reader of the file."""


class Renaming(Strict):
    """A holiday under its right name."""

    date: dt.date
    """The day."""
    name: str
    """Its right name."""
    decree: str = ""
    """What says so."""


class HolidaysFile(Strict):
    """The keys of `holidays.toml`."""

    add: tuple[Addition, ...] = ()
    """Days off that the package does not know."""
    remove: tuple[Removal, ...] = ()
    """Days that the package has off and that are worked here."""
    rename: tuple[Renaming, ...] = ()
    """Days off that have another name here, as an estimate that was confirmed."""


def read_calendar(settings: CalendarSettings, path: Path) -> Calendar:
    """The working calendar: the package's holidays, corrected by the site's file if it has one."""
    years = range(settings.first_year, settings.last_year + 1)
    if settings.country == "ID":
        known = indonesian_days_off(years)
        decreed_until = settings.decreed_until or last_indonesian_decree(years)
    else:
        known = country_days_off(settings.country, years, subdivision=settings.subdivision)
        decreed_until = settings.decreed_until or dt.date(settings.last_year, 12, 31)
    corrections = _read(path) if path.is_file() else HolidaysFile()
    try:
        days_off = with_corrections(
            known,
            add={day.date: DayOff(day.name, day.decree) for day in corrections.add},
            remove=[day.date for day in corrections.remove],
            rename={day.date: DayOff(day.name, day.decree) for day in corrections.rename},
        )
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from None
    return Calendar(
        dt.date(settings.first_year, 1, 1),
        dt.date(settings.last_year, 12, 31),
        weekmask=weekmask(settings.work_days),
        days_off=days_off,
        decreed_until=decreed_until,
    )


def weekmask(work_days: WorkDays) -> list[bool]:
    """Which of Monday to Sunday are worked."""
    return [name in work_days for name in WEEKDAYS]


def _read(path: Path) -> HolidaysFile:
    try:
        return HolidaysFile.model_validate(read_toml(path, "it corrects the holidays"))
    except ValidationError as error:
        raise SettingsError(explained(path, error, HolidaysFile)) from None
