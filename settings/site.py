"""`site.toml`: who the site is, and everything else that is read with it."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from settings.calendar import CalendarSettings, read_calendar
from settings.directory import read_directory
from settings.errors import SettingsError, Strict, explained, nearest
from settings.ladder import read_ladders
from settings.sources import Source, read_sources
from sla.calendar import Calendar
from sla.clock import Bench, Policy
from sla.directory import Directory, Role
from sla.escalation import Ladder
from sla.regulations import RegulationError, load

T = TypeVar("T")

REPOSITORY = Path(__file__).parent.parent


class DatabaseSettings(Strict):
    """Where complaints are kept; `{var}` stands for the folder of working files."""

    url: str = "sqlite:///{var}/tenggat.db"


class MailSettings(Strict):
    """How mail leaves: `mailbox:` is the built-in local mailbox, else `smtp(s)://host:port`."""

    url: str = "mailbox:"
    sender: str
    sender_name: str = "Tenggat"
    list_id: str = "tenggat"
    ca_file: str | None = None
    give_up_after_hours: int = Field(48, ge=1)
    timeout_seconds: float = Field(30.0, gt=0)


class Schedules(Strict):
    """When the flows run, as cron in the site's zone."""

    intake: str = "*/15 * * * *"
    deadlines: str = "5 * * * *"
    delivery: str = "*/5 * * * *"
    summary: str = "0 7 * * 1"


class SummarySettings(Strict):
    """Who gets the compliance summary, and which period the scheduled one covers."""

    to: tuple[Role, ...] = (Role.INSPECTOR, Role.REGIONAL_SECRETARY)
    period: str = "last-week"


class SiteFile(Strict):
    """The keys of `site.toml`."""

    name: str
    zone: str
    locale: str = "id"
    var: str = "../var"
    administrator_unit: str | None = None
    regulations: tuple[str, ...] = ()
    use_national_regulations: bool = True
    policy: Policy = Policy.BENEFIT_OF_DOUBT
    ticket_link: str = ""
    database: DatabaseSettings = DatabaseSettings()
    mail: MailSettings
    calendar: CalendarSettings = CalendarSettings()
    schedules: Schedules = Schedules()
    summary: SummarySettings = SummarySettings()

    @field_validator("locale")
    @classmethod
    def _known_locale(cls, value: str) -> str:
        if value not in ("id", "en"):
            raise ValueError(f"'{value}' is no locale of Tenggat; write id or en")
        return value

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(
                f"'{value}' is no time zone; write for example Asia/Makassar"
            ) from None
        return value


class Secrets(BaseSettings):
    """What never stands in a file: addresses with passwords, from the environment (TENGGAT_*)."""

    model_config = SettingsConfigDict(env_prefix="TENGGAT_")

    database_url: str | None = None
    mail_url: str | None = None
    var: str | None = None


class Site:
    """A site as the flows see it: its settings, its law and calendar, its offices and sources.

    Deliberately no dataclass: Prefect walks into those when they are handed to a task.
    """

    def __init__(self, folder: Path, file: SiteFile, secrets: Secrets) -> None:
        self.folder = folder
        self.file = file
        self.name = file.name
        self.locale = file.locale
        self.zone = ZoneInfo(file.zone)
        self.var = Path(secrets.var or folder / file.var).resolve()
        self.database_url = secrets.database_url or file.database.url.format(var=self.var)
        self.mail_url = secrets.mail_url or file.mail.url
        mistakes: list[str] = []

        def read(reader: Callable[[], T]) -> T | None:
            try:
                return reader()
            except (SettingsError, RegulationError) as error:
                mistakes.append(str(error))
                return None

        directory = read(lambda: read_directory(folder / "directory.csv"))
        bench = read(self._read_bench)
        ladders = read(lambda: read_ladders(folder / "escalation.toml"))
        sources = read(lambda: read_sources(folder / "sources.toml"))
        if directory is None or bench is None or ladders is None or sources is None:
            raise SettingsError("\n".join(mistakes))
        self.directory = directory
        self.bench = replace(bench, unit_kinds=directory.kinds())
        self.ladders = ladders
        self.sources = sources
        self._check()

    def _read_bench(self) -> Bench:
        folders = [self.folder / name for name in self.file.regulations]
        if self.file.use_national_regulations:
            folders.insert(0, REPOSITORY / "regulations")
        calendar = read_calendar(self.file.calendar, self.folder / "holidays.toml")
        return Bench(
            law=load(folders),
            calendar=calendar,
            every_day=Calendar.every_day(calendar.first, calendar.last),
            zone=self.zone,
            policy=self.file.policy,
            administrator_unit=self.file.administrator_unit,
        )

    def _check(self) -> None:
        unit = self.file.administrator_unit
        if unit is not None and unit not in self.directory.units:
            hint = nearest(unit, self.directory.units)
            raise SettingsError(
                f"{self.folder / 'site.toml'}: administrator_unit: no unit '{unit}'"
                f" in directory.csv{hint}"
            )
        for name, source in self.sources.items():
            for given, unit in source.values.unit.items():
                if unit not in self.directory.units:
                    raise SettingsError(
                        f"{self.folder / 'sources.toml'}: {name}.values.unit.{given}: no unit"
                        f" '{unit}' in directory.csv{nearest(unit, self.directory.units)}"
                    )

    def administrator_address(self, day: date) -> str:
        """The address that answers go to on this day."""
        offices = self.directory.holders(Role.ADMINISTRATOR, None, day).offices
        return offices[0].email if offices else self.file.mail.sender


def load_site(folder: Path | str | None = None) -> Site:
    """Read the site in `folder` (else TENGGAT_SITE, else `config/`).

    Raises :class:`SettingsError` with every mistake found, one a line.
    """
    place = Path(folder or os.environ.get("TENGGAT_SITE") or "config").resolve()
    path = place / "site.toml"
    if not path.is_file():
        raise SettingsError(f"{path}: no such file; name the folder of a site with --site")
    try:
        file = SiteFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}") from None
    except ValidationError as error:
        raise SettingsError(explained(path, error, SiteFile)) from None
    return Site(place, file, Secrets())
