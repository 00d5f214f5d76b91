"""`holidays.toml` and the `[calendar]` of `site.toml`: the working days of a site."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from settings.errors import SettingsError, Strict, explained, read_toml
from sla.calendar import (
    Calendar,
    DayOff,
    country_days_off,
    indonesian_days_off,
    last_indonesian_decree,
    with_corrections,
)
from sla.error_text import did_you_mean

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
    """The years of the calendar, the working days, and the country of the public holidays.

    `units` has the working week of units with their own, by the id of the unit.
    """

    first_year: int = Field(default=2015, ge=1970)
    """The first year of the calendar. Complaints from before it cannot be evaluated."""
    last_year: int = Field(default=2035, le=2100)
    """The last year of the calendar. Deadlines after it cannot be computed."""
    country: str = "ID"
    """The country of the public holidays, as an ISO code."""
    subdivision: str | None = None
    """A part of the country with its own holidays, by its code in the package `holidays`."""
    work_days: WorkDays = WEEKDAYS[:5]
    """The working days of the week."""
    units: dict[str, WorkDays] = Field(default_factory=dict)
    """The working days of units with another week, by the id of the unit."""
    decreed_until: dt.date | None = None
    """The last day with confirmed holidays; later due dates are provisional. If it is not set: for
    Indonesia, the end of the last year with a joint decree in the package `holidays`; for other
    countries, the end of `last_year`."""

    @field_validator("country")
    @classmethod
    def _known_country(cls, value: str) -> str:
        if value == "ID":  # nearly all sites, and the package takes long to load
            return value
        from holidays.registry import EntityLoader  # noqa: PLC0415

        if value not in EntityLoader.get_country_codes():
            raise ValueError(f"'{value}' is no country code; write for example ID")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> CalendarSettings:
        if self.last_year < self.first_year:
            raise ValueError(f"last_year {self.last_year} lies before first_year {self.first_year}")
        if self.subdivision is not None:
            import holidays  # noqa: PLC0415

            parts = getattr(holidays, self.country).subdivisions
            if self.subdivision not in parts:
                hint = did_you_mean(self.subdivision, parts)
                raise ValueError(f"{self.country} has no subdivision '{self.subdivision}'{hint}")
        return self


class Addition(Strict):
    """A day off missing in the package `holidays`, and its decree."""

    date: dt.date
    """The day."""
    name: str
    """The name of the day off, as shown in explanations and reports."""
    decree: str
    """The decree for the day off."""


class Removal(Strict):
    """A holiday of the package `holidays` that is a working day here, and the decree for it."""

    date: dt.date
    """The day."""
    decree: str
    """The decree that makes it a working day."""
    name: str = ""
    """The name of the holiday, for readers of the file only."""


class Renaming(Strict):
    """A holiday with a corrected name."""

    date: dt.date
    """The day."""
    name: str
    """The correct name."""
    decree: str = ""
    """The source of the correct name."""


class HolidaysFile(Strict):
    """The keys of `holidays.toml`."""

    add: tuple[Addition, ...] = ()
    """Days off missing in the package."""
    remove: tuple[Removal, ...] = ()
    """Holidays of the package that are working days here."""
    rename: tuple[Renaming, ...] = ()
    """Holidays with another name here. A renamed holiday is no longer an estimate."""


def read_calendar(settings: CalendarSettings, path: Path) -> Calendar:
    """Build the working calendar: the holidays of the package, corrected by the file of the site.

    The file at `path` may be absent. Raises :class:`SettingsError` if it cannot be used.
    """
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
    """Return a flag for each day from Monday to Sunday: true for a working day."""
    return [name in work_days for name in WEEKDAYS]


def _read(path: Path) -> HolidaysFile:
    try:
        return HolidaysFile.model_validate(read_toml(path, "it corrects the holidays"))
    except ValidationError as error:
        raise SettingsError(explained(path, error, HolidaysFile)) from None
