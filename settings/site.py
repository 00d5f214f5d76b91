"""`site.toml`: who the site is, and everything else that is read with it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from settings.calendar import CalendarSettings, read_calendar, weekmask
from settings.directory import read_directory
from settings.errors import LOCALES, SettingsError, Strict, Zone, explained, nearest, read_toml
from settings.keeping import KeepSettings
from settings.ladder import read_escalation
from settings.report import Letterhead, read_letterhead
from settings.schedules import Schedules
from settings.sources import read_sources
from settings.watch import WatchSettings, web_address
from sla.calendar import Calendar
from sla.deadline import Bench, Policy
from sla.directory import Role
from sla.lawbook import load
from sla.periods import parse
from sla.regulations import Law, RegulationError

T = TypeVar("T")

REPOSITORY = Path(__file__).parent.parent


class DatabaseSettings(Strict):
    """Where complaints are kept; `{var}` stands for the folder of working files.

    `schema` keeps several sites apart in one PostgreSQL database.
    """

    url: str = "sqlite:///{var}/tenggat.db"
    """An SQLAlchemy URL: `sqlite:///...` or `postgresql+psycopg://...`; `{var}` is the folder of
    working files. A password belongs into TENGGAT_DATABASE_URL, which wins."""
    schema_: Annotated[str, Field(alias="schema", pattern="^([a-z_][a-z0-9_]{0,62})?$")] = ""
    """The schema of PostgreSQL that is this site's own; it is made where it is not there."""

    def address(self, given: str | None, var: Path) -> str:
        """The SQLAlchemy URL, from the environment if it is given there, with the schema in it."""
        url = given or self.url.replace("{var}", str(var))
        if not self.schema_:
            return url
        if not url.startswith("postgresql"):
            raise SettingsError(
                "database.schema keeps sites apart in PostgreSQL; with SQLite give each site its"
                " own `var`"
            )
        return f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{self.schema_}"


class StormSettings(Strict):
    """When a run owes so many mails that they wait for a person's yes."""

    most: Annotated[int, Field(ge=1)] = 200
    """More mails than this in one run are a storm."""
    times_median: Annotated[float, Field(gt=1)] = 10
    """More than so many times the median of the last 20 runs that owed mail are one too."""
    at_least: Annotated[int, Field(ge=1)] = 50
    """Fewer mails than this are never a storm."""


class MailSettings(Strict):
    """How mail leaves: `mailbox:` is the built-in local mailbox, else `smtp(s)://host:port`.

    `oauth2_file`, in the site's folder, is the login instead of a password. `bounces_ca_file`, in
    the site's folder, is the authority of the mailbox in which mails come back.
    """

    url: str = "mailbox:"
    """`mailbox:` keeps mail on the machine; else `smtp://host:587` (STARTTLS), `smtps://host:465`,
    or `smtp+plain://127.0.0.1:25` to loopback. TENGGAT_MAIL_URL wins."""
    sender: str
    """The address that mail comes from."""
    sender_name: str = "Tenggat"
    """The name that stands before it."""
    list_id: str = "tenggat"
    """The List-Id by which readers can sort these mails."""
    ca_file: str | None = None
    """The certificate of an authority that the machine does not trust, for the mail server; a file
    of the site's folder."""
    oauth2_file: str | None = None
    """The file with the OAuth2 login, in the site's folder; then the URL has no password."""
    bounces_ca_file: str | None = None
    """The same as `ca_file` for the mailbox of returned mail."""
    give_up_after_hours: int = Field(48, ge=1)
    """So long a mail that the server defers is tried; then the administrator is told."""
    timeout_seconds: float = Field(30.0, gt=0)
    """How long the mail server may take for an answer."""
    per_minute: int | None = Field(None, ge=1)
    """No more mails than this in any minute."""
    per_minute_to: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """The same for a domain: `{ "gmail.com" = 20 }`."""
    storm: StormSettings = StormSettings()
    """When so many mails are owed at once that a person is asked."""


class SummarySettings(Strict):
    """Who gets the compliance summary, and which period one covers that is run without any."""

    to: tuple[Role, ...] = (Role.INSPECTOR, Role.REGIONAL_SECRETARY)
    """The roles that get the compliance summary."""
    period: str = "last-week"
    """The period of a summary that is run by hand and names none."""

    @field_validator("period")
    @classmethod
    def _known_period(cls, value: str) -> str:
        parse(value, date.today())  # noqa: DTZ011 - whether it is a period hangs on no day
        return value


class SiteFile(Strict):
    """The keys of `site.toml`."""

    name: str
    """The government, as it stands above mails and reports."""
    zone: Zone
    """The time zone of schedules, deadlines and all times that people read."""
    locale: str = "id"
    """The language of mails, reports and artifacts."""
    var: str = "../var"
    """The folder of working files, from the site's folder; TENGGAT_VAR wins."""
    administrator_unit: str | None = None
    """The unit that verifies reports: rules that bind the administrator are its own, and so is what
    no unit holds yet."""
    regulations: tuple[str, ...] = ()
    """Folders of further rules, from the site's folder: the site's own law."""
    use_national_regulations: bool = True
    """Whether the rules that come with Tenggat count."""
    policy: Policy = Policy.BENEFIT_OF_DOUBT
    """What becomes of a verdict that an observed time leaves open: for the unit (benefit_of_doubt),
    against it (strict), or none (no_verdict)."""
    ticket_link: str = ""
    """Where a complaint is seen, shown in mails: `https://.../{ticket}`."""
    database: DatabaseSettings = DatabaseSettings()
    """Where complaints are kept."""
    mail: MailSettings
    """How mail leaves."""
    calendar: CalendarSettings = Field(default_factory=CalendarSettings)
    """Which days are worked."""
    schedules: Schedules = Schedules()
    """When the flows run."""
    summary: SummarySettings = SummarySettings()
    """Who gets the compliance summary."""
    watch: WatchSettings = WatchSettings()
    """What the administrator is told of."""
    keep: KeepSettings = KeepSettings()
    """How long what piles up is kept."""

    @field_validator("locale")
    @classmethod
    def _known_locale(cls, value: str) -> str:
        if value not in LOCALES:
            raise ValueError(f"'{value}' is no locale of Tenggat; write id or en")
        return value


class Secrets(BaseSettings):
    """What never stands in a file: addresses with passwords, from the environment (TENGGAT_*)."""

    model_config = SettingsConfigDict(env_prefix="TENGGAT_")

    @classmethod
    def of(cls, place: Path) -> Secrets:
        """Those of a site: where several share a machine, TENGGAT_MAIL_URL_CONTOHKAB wins.

        What ends the name is the site's folder in capitals, `_` for all but letters and digits.
        """
        site = re.sub(r"[^A-Z0-9]", "_", place.name.upper())
        own = {name: os.environ.get(f"TENGGAT_{name.upper()}_{site}") for name in cls.model_fields}
        return cls(**{name: value for name, value in own.items() if value is not None})

    database_url: str | None = None
    """The database, with its password; wins over `[database] url`."""
    mail_url: str | None = None
    """The mail server, with its login; wins over `[mail] url`."""
    bounces_url: str | None = None
    """The mailbox of the sender, in which mail comes back: `imaps://user:password@host/INBOX`
    (`imap://` is STARTTLS). Without it nobody looks for returned mail."""
    ping_url: str | None = None
    """The external monitor; wins over `[watch] ping_url`."""
    ui_url: str | None = None
    """The Prefect UI as the administrator's browser finds it; wins over `[watch] ui_url`."""
    var: str | None = None
    """The folder of working files; wins over `var`."""


class Site:
    """A site as the flows see it: its settings, its law and calendar, its offices and sources.

    Deliberately no dataclass: Prefect walks into those when they are handed to a task.
    """

    def __init__(
        self,
        folder: Path,
        file: SiteFile,
        secrets: Secrets,
        *,
        ladder: Path | None = None,
        regulations: Path | None = None,
    ) -> None:
        """`ladder` and `regulations` stand in for `escalation.toml` and the site's own folders."""
        self.folder = folder
        self.file = file
        self._secrets = secrets
        self._regulations = regulations
        self.name = file.name
        self.locale = file.locale
        self.zone = ZoneInfo(file.zone)
        self.var = Path(secrets.var or folder / file.var).resolve()
        self.database_url = file.database.address(secrets.database_url, self.var)
        self.backups = self.var / file.keep.backups
        self.mail_url = secrets.mail_url or file.mail.url
        self.bounces_url = (secrets.bounces_url or "").strip()
        try:
            self.ping_url = web_address(secrets.ping_url or file.watch.ping_url)
            self.ui_url = web_address(secrets.ui_url or file.watch.ui_url)
        except ValueError as error:
            raise SettingsError(f"TENGGAT_PING_URL and TENGGAT_UI_URL: each {error}") from None
        self.oauth2_file = folder / file.mail.oauth2_file if file.mail.oauth2_file else None
        mistakes: list[str] = []
        directory = _read(lambda: read_directory(folder / "directory.csv"), mistakes)
        law = _read(self._read_law, mistakes)
        calendar = _read(lambda: read_calendar(file.calendar, folder / "holidays.toml"), mistakes)
        place = ladder or folder / "escalation.toml"
        escalation = _read(lambda: read_escalation(place), mistakes)
        sources = _read(lambda: read_sources(folder / "sources.toml"), mistakes)
        letterhead = _read(lambda: read_letterhead(folder / "report.toml"), mistakes)
        if (
            directory is None
            or law is None
            or calendar is None
            or escalation is None
            or sources is None
        ):
            raise SettingsError("\n".join(mistakes))
        self.directory = directory
        self.bench = Bench(
            law=law,
            calendar=calendar,
            every_day=Calendar.every_day(calendar.first, calendar.last),
            zone=self.zone,
            policy=file.policy,
            administrator_unit=file.administrator_unit,
            unit_kinds=directory.kinds(),
            unit_calendars={
                unit: calendar.weekly(weekmask(work_days))
                for unit, work_days in file.calendar.units.items()
            },
        )
        self.ladders = escalation.ladders
        self.mail_hours = escalation.hours
        self.holds = escalation.holds
        self.sources = sources
        self.letterhead = letterhead or Letterhead()
        mistakes += self._unknown_units()
        kinds, units = set(directory.kinds().values()), directory.units
        mistakes += [f"{place}: {line}" for line in escalation.strangers(law.ids, kinds, units)]
        if mistakes:
            raise SettingsError("\n".join(mistakes))

    def proposed(self, ladder: Path | None, regulations: Path | None) -> Site:
        """This site with another `escalation.toml` or folder of regulations of its own.

        Raises :class:`SettingsError` with every mistake found, as where they stand in place.
        """
        return Site(self.folder, self.file, self._secrets, ladder=ladder, regulations=regulations)

    def _read_law(self) -> Law:
        folders = [self.folder / name for name in self.file.regulations]
        if self._regulations is not None:
            folders = [self._regulations]
        if self.file.use_national_regulations:
            folders.insert(0, REPOSITORY / "regulations")
        return load(folders)

    def _unknown_units(self) -> Iterator[str]:
        """Units that a file names and `directory.csv` does not know, one line for each."""
        site = self.folder / "site.toml"
        named = [(site, "administrator_unit", self.file.administrator_unit)]
        named += [(site, f"calendar.units.{unit}", unit) for unit in self.file.calendar.units]
        for name, source in self.sources.items():
            place = self.folder / "sources.toml"
            constant = source.constants.get("unit")
            if constant is not None and self.directory.unit_called(constant) is None:
                named.append((place, f"{name}.constants.unit", constant))
            named += [
                (place, f"{name}.values.unit.{word}", unit)
                for word, unit in source.values.unit.items()
            ]
        units = self.directory.units
        for place, key, unit in named:
            if unit is not None and unit not in units:
                yield f"{place}: {key}: no unit '{unit}' in directory.csv{nearest(unit, units)}"

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
    mistakes: list[str] = []
    file = _read(lambda: _site_file(path), mistakes)
    if file is not None:
        return Site(place, file, Secrets.of(place))
    _read(lambda: read_directory(place / "directory.csv"), mistakes)
    _read(lambda: read_escalation(place / "escalation.toml"), mistakes)
    _read(lambda: read_sources(place / "sources.toml"), mistakes)
    _read(lambda: read_letterhead(place / "report.toml"), mistakes)
    raise SettingsError("\n".join(mistakes))


def _site_file(path: Path) -> SiteFile:
    data = read_toml(path, "name the folder of a site with --site")
    try:
        return SiteFile.model_validate(data)
    except ValidationError as error:
        raise SettingsError(explained(path, error, SiteFile)) from None


def _read(reader: Callable[[], T], mistakes: list[str]) -> T | None:
    """What a reader reads; None, and its mistakes noted, where it cannot."""
    try:
        return reader()
    except (SettingsError, RegulationError) as error:
        mistakes.append(str(error))
        return None
