"""`site.toml`: the identity of the site. This module also loads all other files of a site."""

from __future__ import annotations

import os
import re
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator

from settings.calendar import CalendarSettings, read_calendar, weekmask
from settings.directory import read_directory
from settings.errors import LOCALES, SettingsError, Strict, Zone, explained, read_toml
from settings.escalation import Escalation, read_escalation
from settings.mail_address import WrongAddress, plain_address
from settings.mapping import SourceMapping
from settings.report import Letterhead, read_letterhead
from settings.retention import KeepSettings
from settings.schedules import Schedules
from settings.sources import read_sources
from settings.watch import WatchSettings, web_address
from sla.calendar import Calendar
from sla.directory import Directory, Role
from sla.engine.context import EvaluationContext, Policy
from sla.error_text import did_you_mean
from sla.periods import parse
from sla.regulations.loader import load
from sla.regulations.model import CLASSIFICATIONS, Law, RegulationError

T = TypeVar("T")

REPOSITORY = Path(__file__).parent.parent
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
EXAMPLE = REPOSITORY / "examples" / "kabupaten-contoh"
OPTIONAL_REGULATIONS = REPOSITORY / "regulations" / "optional"
"""The site of the demo, with its invented complaints in `inbox/`."""


_SERVER = re.compile(
    r"(?:[^@/?#]*@)?(?:\[[0-9A-Fa-f:.]+\]|[^@:/?#\[\]]*)(?::\d*)?(?:,[^@/?#]*)?(?:/[^@?#]*)?(?:\?.*)?"
)
"""What follows `://` in a URL of PostgreSQL: user and password, hosts and ports, database, options.
Another sign `@`, `/`, `#` or `?` is mostly one of the password."""


class DatabaseSettings(Strict):
    """The database of complaints; `{var}` means the folder of working files.

    `schema` separates several sites in one PostgreSQL database.
    """

    url: str = "sqlite:///{var}/tenggat.db"
    """An SQLAlchemy URL: `sqlite:///...` or `postgresql+psycopg://...`; `{var}` means the folder of
    working files. Put a URL with a password into TENGGAT_DATABASE_URL, which has priority. A
    relative file begins at the site's folder. On PostgreSQL the user of the URL must own the
    database or have CREATE on the schema."""
    schema_: Annotated[str, Field(alias="schema", pattern="^([a-z_][a-z0-9_]{0,62})?$")] = ""
    """The PostgreSQL schema of this site; it is created if it does not exist."""

    def address(
        self,
        given: str | None,
        var: Path,
        folder: Path,
        *,
        variable: str = "TENGGAT_DATABASE_URL",
    ) -> str:
        """Return the SQLAlchemy URL, with the schema in it.

        The URL from the environment (`given`, in this `variable`) has priority. A relative path of
        a SQLite file begins at the site's `folder`, not at the present working folder. Raises
        :class:`SettingsError` for a schema with another database than PostgreSQL, and for a URL
        that cannot be read; its text may have a password and is not repeated.
        """
        url = given or self.url.replace("{var}", str(var))
        _check_driver(url, variable if given else "database.url")
        file = url.removeprefix("sqlite:///")
        if file != url and not file.startswith(("/", ":memory:", "file:")) and file:
            url = f"sqlite:///{folder.resolve() / file}"
        if not self.schema_:
            return url
        if not url.startswith("postgresql"):
            raise SettingsError(
                "database.schema keeps sites apart in PostgreSQL; with SQLite give each site its"
                " own `var`"
            )
        return f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{self.schema_}"


def _check_driver(url: str, where: str) -> None:
    """Raise :class:`SettingsError` for another database, or another driver of PostgreSQL."""
    scheme, separator, rest = url.partition("://")
    if not separator:  # whoever opens the database says what is wrong with it
        return
    if scheme.startswith("postgres") and scheme != "postgresql+psycopg":
        raise SettingsError(f"{where}: write postgresql+psycopg:// in place of {scheme}://")
    if scheme not in ("sqlite", "postgresql+psycopg"):
        raise SettingsError(
            f"{where}: the database is SQLite or PostgreSQL; write sqlite:///FILE or"
            " postgresql+psycopg://user:password@host/database"
        )
    if scheme != "sqlite" and not _SERVER.fullmatch(rest):
        raise SettingsError(
            f"{where}: a sign of the password splits the URL; write it with its code: @ as %40,"
            " / as %2F, # as %23, ? as %3F, : as %3A"
        )


class StormSettings(Strict):
    """The limits for mails of one run; a run above them is a storm, and its mails wait for
    approval.
    """

    most: Annotated[int, Field(ge=1)] = 200
    """A run is a storm if it would send more mails than this."""
    times_median: Annotated[float, Field(gt=1)] = 10
    """A run is also a storm if it would send more than `times_median` × the median of the last 20
    runs that sent mail."""
    at_least: Annotated[int, Field(ge=1)] = 50
    """The limit of mails is never lower than this."""
    complaints: Annotated[int, Field(ge=1)] = 500
    """A run is also a storm if its mails would be about more complaints than this, without the
    inventory of a first import."""


class MailSettings(Strict):
    """The sending of mail: `mailbox:` is the built-in local mailbox; otherwise
    `smtp(s)://host:port`.

    `oauth2_file` has the login and replaces a password. `bounces_ca_file` is the certificate
    authority of the mailbox for returned mail and answers. Both are files in the folder of the
    site.
    """

    url: str = "mailbox:"
    """`mailbox:` keeps mail on this machine. Otherwise `smtp://host:587` (STARTTLS),
    `smtps://host:465`, or `smtp+plain://127.0.0.1:25` to loopback. TENGGAT_MAIL_URL has
    priority."""
    sender: str
    """The sender address of mails."""
    sender_name: str = "Tenggat"
    """The display name of the sender."""
    list_id: str = "tenggat"
    """The List-Id header of mails; readers can sort mails by it."""
    ca_file: str | None = None
    """The certificate of the mail server's authority, if the machine does not trust it; a file in
    the site's folder."""
    oauth2_file: str | None = None
    """The file with the OAuth2 login, in the site's folder. The URL then has no password."""
    bounces_ca_file: str | None = None
    """The same as `ca_file`, for the mailbox of returned mail and answers."""
    replies: bool = True
    """If true, and if TENGGAT_BOUNCES_URL names a mailbox, each complaint in a mail has links for
    an answer by mail: done, not ours, obstacle."""
    replies_to: str = ""
    """The address for these answers, if it is not `sender`. Its mail must arrive in the mailbox of
    TENGGAT_BOUNCES_URL."""
    give_up_after_hours: int = Field(48, ge=1)
    """Retry a mail deferred by the server for N hours; then notify the administrator. With
    [mail_hours] in escalation.toml only these hours count: a mail never expires in a night or on
    days off."""
    helo_name: str = Field("", pattern=r"^([A-Za-z0-9-]+\.)+[A-Za-z0-9-]+$|^$")
    """The name by which this machine greets the mail server, with a domain: `tenggat.go.example`.
    If it is empty, the machine's own name. Some servers refuse a name without a dot."""
    timeout_seconds: float = Field(30.0, gt=0)
    """The longest wait for an answer of the mail server, in seconds."""
    per_minute: int | None = Field(None, ge=1)
    """The largest number of mails in any minute."""
    per_minute_to: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """The same for each domain: `{ "gmail.com" = 20 }`."""
    storm: StormSettings = StormSettings()
    """The limits above which a run is a storm and its mails wait for approval."""

    @field_validator("sender", "replies_to")
    @classmethod
    def _is_address(cls, text: str, field: ValidationInfo) -> str:
        try:
            return plain_address(text) if text or field.field_name == "sender" else text
        except WrongAddress as error:
            raise ValueError(f"'{text}' is no mail address: {error}") from None


class SummarySettings(Strict):
    """The recipients of the compliance summary, and its default period."""

    to: tuple[Role, ...] = (Role.INSPECTOR, Role.REGIONAL_SECRETARY)
    """The roles that receive the compliance summary."""
    period: str = "last-week"
    """The period of a summary started by hand without a period."""
    target: Annotated[float, Field(gt=0, le=100)] | None = None
    """The share of duties on time that the government aims at, in percent. Reports compare with it
    and draw it as a line."""

    @field_validator("period")
    @classmethod
    def _known_period(cls, value: str) -> str:
        parse(value, date.today())  # noqa: DTZ011 - the check does not depend on the day
        return value


class SiteFile(Strict):
    """The keys of `site.toml`."""

    name: str
    """The name of the government, as printed at the head of mails and reports."""
    zone: Zone
    """The time zone of schedules, deadlines and all times shown to people."""
    locale: str = "id"
    """The language of mails, reports and artifacts."""
    var: str = "../var"
    """The folder of working files, relative to the site's folder; TENGGAT_VAR has priority."""
    administrator_unit: str | None = None
    """The unit that verifies reports. It is responsible under the rules for the administrator, and
    for complaints not yet assigned to a unit. Without it, it is the unit of the administrator in
    officers.csv."""
    regulations: tuple[str, ...] = ()
    """Folders of the site's own regulations, relative to the site's folder."""
    use_national_regulations: bool = True
    """If true, the regulations included in Tenggat apply."""
    optional_regulations: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    """Optional regulations included in Tenggat, each with the sources to which it applies:
    `{ uu-14-2008 = ["register"] }`."""
    policy: Policy = Policy.BENEFIT_OF_DOUBT
    """The verdict if an observed time leaves it open: in favour of the unit (benefit_of_doubt) or
    none (strict, no_verdict), never late. With strict, reminders use the earliest possible due
    day."""
    allow_folders: tuple[str, ...] = ()
    """Folders outside the site's folder in which sources may read and archive files, relative to
    the site's folder or absolute."""
    no_officers_needed: tuple[str, ...] = ()
    """Kinds of unit that need no officials of their own: `["desa"]`. Their notices go to the parent
    unit, and an empty office is no vacancy."""
    since: date | None = None
    """Complaints received before this day are imported, but not watched: they have no deadlines and
    cause no mail. If it is not set, all complaints are watched."""
    ticket_link: str = ""
    """The web address of a complaint, shown in mails: `https://.../{ticket}`."""
    database: DatabaseSettings = DatabaseSettings()
    """The database of complaints."""
    mail: MailSettings
    """The sending of mail."""
    calendar: CalendarSettings = Field(default_factory=CalendarSettings)
    """The working days."""
    schedules: Schedules = Schedules()
    """The times of the flows."""
    summary: SummarySettings = SummarySettings()
    """The recipients of the compliance summary."""
    watch: WatchSettings = WatchSettings()
    """The limits of the watchdog."""
    keep: KeepSettings = KeepSettings()
    """The retention periods."""

    @field_validator("optional_regulations")
    @classmethod
    def _known_regulations(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        known = sorted(path.stem for path in OPTIONAL_REGULATIONS.glob("*.toml"))
        for key in value:
            if key not in known:
                raise ValueError(f"no optional regulation '{key}'{did_you_mean(key, known)}")
        return value

    @field_validator("locale")
    @classmethod
    def _known_locale(cls, value: str) -> str:
        if value not in LOCALES:
            raise ValueError(f"'{value}' is no locale of Tenggat; write id or en")
        return value

    @field_validator("ticket_link")
    @classmethod
    def _link_with_ticket(cls, value: str) -> str:
        names = {name for _, name, _, _ in string.Formatter().parse(value)} - {None}
        if value and not (value.startswith(("http://", "https://")) and names == {"ticket"}):
            raise ValueError(
                "it must begin with http:// or https:// and have {ticket} where the number of the"
                " complaint comes; other braces are not allowed"
            )
        return value


class Secrets(BaseModel):
    """Secrets, never in a file: URLs with passwords, from the environment (TENGGAT_*)."""

    @classmethod
    def of(cls, place: Path) -> Secrets:
        """Load the secrets of the site in the folder `place`.

        If several sites share a machine, the variable with the name of the site has priority, for
        example TENGGAT_MAIL_URL_CONTOHKAB. Its ending is the name of the site's folder in capitals,
        with `_` for each character that is not a letter or a digit.
        """
        site = re.sub(r"[^A-Z0-9]", "_", place.name.upper())
        shared = {name: f"TENGGAT_{name.upper()}" for name in cls.model_fields}
        return cls(
            **{
                name: os.environ.get(f"{variable}_{site}", os.environ.get(variable))
                for name, variable in shared.items()
            }
        )

    database_url: str | None = None
    """The database URL with its password; has priority over `[database] url`."""
    mail_url: str | None = None
    """The URL of the mail server with its login; has priority over `[mail] url`."""
    bounces_url: str | None = None
    """The sender's mailbox, for returned mail and answers: `imaps://user:password@host/INBOX`
    (`imap://` uses STARTTLS). If it is not set, neither is read, and mails have no links for
    answers."""
    ping_url: str | None = None
    """The external monitor; has priority over `[watch] ping_url`."""
    ui_url: str | None = None
    """The address of the Prefect UI in the administrator's browser; has priority over `[watch]
    ui_url`."""
    var: str | None = None
    """The folder of working files; has priority over `var`."""


@dataclass(frozen=True, slots=True)
class _SiteFiles:
    """What the other files of a site say; `ladder` is the file of `escalation`."""

    directory: Directory
    law: Law
    calendar: Calendar
    ladder: Path
    escalation: Escalation
    sources: dict[str, SourceMapping]
    letterhead: Letterhead


class Site:
    """A site, as used by the flows: its settings, its law and calendar, its directory and sources.

    It is deliberately not a dataclass: Prefect visits the fields of a dataclass passed to a task.
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
        """Load the other files of the site.

        `ladder` and `regulations` replace `escalation.toml` and the site's own regulation folders.
        Raises :class:`SettingsError` with every mistake found.
        """
        self.folder = folder
        self.file = file
        self._secrets = secrets
        self._regulations = regulations
        self.name = file.name
        self.locale = file.locale
        self.zone = ZoneInfo(file.zone)
        self.var_is_given = secrets.var is not None
        self.var = Path(secrets.var or folder / file.var).resolve()
        self.database_url = file.database.address(secrets.database_url, self.var, folder)
        self.backups = self.var / file.keep.backups
        self.mail_url = secrets.mail_url or file.mail.url
        self.bounces_url = (secrets.bounces_url or "").strip()
        try:
            self.ping_url = web_address(secrets.ping_url or file.watch.ping_url)
            self.ui_url = web_address(secrets.ui_url or file.watch.ui_url)
        except ValueError as error:
            raise SettingsError(f"TENGGAT_PING_URL and TENGGAT_UI_URL: each {error}") from None
        self.oauth2_file = folder / file.mail.oauth2_file if file.mail.oauth2_file else None
        files = self._read_files(ladder or folder / "escalation.toml")
        self.directory = files.directory
        self.administrator_unit = file.administrator_unit or self.directory.administrator_unit
        self.law_as_read = files.law
        self.evaluation_context = self._context(files.law, files.calendar)
        self.ladders = files.escalation.ladders
        self.mail_hours = files.escalation.hours
        self.holds = files.escalation.holds
        self.sources = files.sources
        self.letterhead = files.letterhead
        mistakes = [
            *self._unknown_units(),
            *self._unknown_classifications(),
            *self._unknown_sources(),
            *self._ladder_mistakes(files),
        ]
        if mistakes:
            raise SettingsError("\n".join(mistakes))

    def _read_files(self, ladder: Path) -> _SiteFiles:
        """Read the other files of the site; `ladder` is the one with the ladders of escalation.

        Raises :class:`SettingsError` with the mistakes of all of them.
        """
        folder, calendar = self.folder, self.file.calendar
        mistakes: list[str] = []
        directory = _read(lambda: read_directory(folder, self.file.no_officers_needed), mistakes)
        law = _read(self._read_law, mistakes)
        days = _read(lambda: read_calendar(calendar, folder / "holidays.toml"), mistakes)
        escalation = _read(lambda: read_escalation(ladder), mistakes)
        sources = _read(lambda: read_sources(folder / "sources.toml"), mistakes)
        letterhead = _read(lambda: read_letterhead(folder / "report.toml"), mistakes)
        if not (directory and law and days and escalation and letterhead) or sources is None:
            raise SettingsError("\n".join(mistakes))
        return _SiteFiles(directory, law, days, ladder, escalation, sources, letterhead)

    def _context(self, law: Law, calendar: Calendar) -> EvaluationContext:
        """Return what an evaluation needs of the site."""
        return EvaluationContext(
            law=law,
            calendar=calendar,
            every_day=Calendar.every_day(calendar.first, calendar.last),
            zone=self.zone,
            policy=self.file.policy,
            administrator_unit=self.administrator_unit,
            unit_kinds=self.directory.kinds(),
            unit_calendars={
                unit: calendar.weekly(weekmask(work_days))
                for unit, work_days in self.file.calendar.units.items()
            },
        )

    @property
    def keeps_mail(self) -> bool:
        """Whether mails stay in the folder of working files: nobody is notified of anything."""
        return self.mail_url == "mailbox:"

    @property
    def mails_this_machine(self) -> bool:
        """Whether mails go to a server on this machine at most."""
        return self.keeps_mail or (urlsplit(self.mail_url).hostname or "") in LOOPBACK

    def may_use(self, folder: Path) -> bool:
        """Check whether sources may read and archive files in a folder, links resolved.

        It must be in the site's folder or in one of `allow_folders`.
        """
        allowed = [self.folder, *(self.folder / name for name in self.file.allow_folders)]
        return any(folder.resolve().is_relative_to(each.resolve()) for each in allowed)

    def proposed(self, ladder: Path | None, regulations: Path | None) -> Site:
        """Load this site with another `escalation.toml` or another folder of its own regulations.

        Raises :class:`SettingsError` with every mistake found, as if the files were in their final
        place.
        """
        return Site(self.folder, self.file, self._secrets, ladder=ladder, regulations=regulations)

    def _read_law(self) -> Law:
        folders = [self.folder / name for name in self.file.regulations]
        if self._regulations is not None:
            folders = [self._regulations]
        if self.file.use_national_regulations:
            folders.insert(0, REPOSITORY / "regulations")
        optional = {
            OPTIONAL_REGULATIONS / f"{key}.toml": frozenset(sources)
            for key, sources in self.file.optional_regulations.items()
        }
        return load(folders, optional=optional)

    def _ladder_mistakes(self, files: _SiteFiles) -> Iterator[str]:
        """Yield a line for each ladder that does not fit the law or the directory."""
        kinds = set(files.directory.kinds().values())
        for line in files.escalation.strangers(files.law.ids, kinds, files.directory.units):
            yield f"{files.ladder}: {line}"
        for line in files.escalation.unreached(files.law.ids):
            yield f"{files.ladder}: {line}"
        for line in files.escalation.unfair(files.law):
            yield f"{files.ladder}: {line}"

    def _unknown_units(self) -> Iterator[str]:
        """Yield a line for each unit named in a file and missing in `units.csv`."""
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
                hint = did_you_mean(unit, units)
                yield f"{place}: {key}: no unit '{unit}' in units.csv{hint}"

    def _unknown_classifications(self) -> Iterator[str]:
        """Yield a line for each classification of `sources.toml` that is neither of SP4N-LAPOR! nor
        of a rule: with it a complaint would have none of the duties of its kind.
        """
        known = CLASSIFICATIONS | self.evaluation_context.law.classifications
        for name, source in self.sources.items():
            meanings = {
                f"values.classification.{word}": meaning
                for word, meaning in source.values.classification.items()
            }
            constant = source.constants.get("classification", "")
            for key, meaning in {**meanings, "constants.classification": constant}.items():
                if meaning and meaning not in known:
                    place = f"{self.folder / 'sources.toml'}: {name}.{key}"
                    hint = did_you_mean(meaning, known)
                    yield f"{place}: no classification '{meaning}'{hint}"

    def _unknown_sources(self) -> Iterator[str]:
        """Yield a line for each source that `optional_regulations` names and nobody configured."""
        for key, sources in self.file.optional_regulations.items():
            for name in sources:
                if name not in self.sources:
                    where = f"{self.folder / 'site.toml'}: optional_regulations.{key}"
                    hint = did_you_mean(name, self.sources)
                    yield f"{where}: no source '{name}' in sources.toml{hint}"

    @property
    def reply_address(self) -> str:
        """The address for answers to notices, or '' if answers are off."""
        mail = self.file.mail
        return (mail.replies_to or mail.sender) if mail.replies and self.bounces_url else ""

    def administrator_address(self, day: date) -> str:
        """Return the reply address of mails on this day."""
        offices = self.directory.holders(Role.ADMINISTRATOR, None, day).offices
        return offices[0].email if offices else self.file.mail.sender


def load_site(folder: Path | str | None = None) -> Site:
    """Load the site in `folder` (else TENGGAT_SITE, else `examples/kabupaten-contoh/`).

    Raises :class:`SettingsError` with every mistake found, one per line.
    """
    place = Path(folder or os.environ.get("TENGGAT_SITE") or "examples/kabupaten-contoh").resolve()
    path = place / "site.toml"
    if not path.is_file():
        raise SettingsError(f"{path}: no such file; name the folder of a site with --site")
    mistakes: list[str] = []
    file = _read(lambda: _site_file(path), mistakes)
    if file is not None:
        return Site(place, file, Secrets.of(place))
    _read(lambda: read_directory(place), mistakes)
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
    """Call a reader and return its result; on an error, record the mistakes and return None."""
    try:
        return reader()
    except (SettingsError, RegulationError) as error:
        mistakes.append(str(error))
        return None
