"""`sources.toml`: the sources of complaints, one table for each source."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from settings.errors import SettingsError, Strict, Zone, explained, read_toml
from settings.mapping import (
    OFFICIAL_STEPS,
    Columns,
    EventColumn,
    EventKind,
    Fields,
    SourceMapping,
    StatusWord,
    TimeFormat,
)
from settings.sql_check import bare_sql, only_reads
from sla.error_text import did_you_mean
from sla.events import Kind

MODELS: dict[tuple[str, str | None], type[SourceMapping]] = {}
"""The models by `type`, and by `layout` if only that layout has a model of its own."""

Model = TypeVar("Model", bound=type[SourceMapping])


def source_model(kind: str, layout: str | None = None) -> Callable[[Model], Model]:
    """Register the settings of a kind of source, by the value of `type` in `sources.toml`.

    With `layout`, the model is used for that layout only.
    """

    def register(model: Model) -> Model:
        MODELS[kind, layout] = model
        return model

    return register


class Observed(Strict):
    """The creation time of a file: from its name, or from a cell of its preamble.

    With neither, it is the modification time of the file.
    """

    file_name: TimeFormat | None = None
    """The format of the file name, including the time."""
    cell: str | None = None
    """The label in the preamble next to the cell with the time: `Tanggal Unduh`."""
    format: TimeFormat = "%Y-%m-%d"
    """The format of the time in that cell."""
    zone: Zone | None = None
    """The time zone of that time, if it differs from the source's."""

    @property
    def needs_sheet(self) -> bool:
        """Check whether the creation time is known only after reading the file."""
        return self.cell is not None and self.file_name is None

    @property
    def by_day(self) -> bool:
        """Check whether a file states only the day of its creation, without the hour."""
        stated = self.file_name or (self.format if self.cell else "%H")
        return not any(hour in stated for hour in ("%H", "%I", "%X", "%c"))


class PeriodCell(Strict):
    """The filter of an export: the days of receipt for which it is complete.

    LAPOR! writes it above the table: `Periode Masuk`, `(2026-11-01) - (2026-11-30)`. Complaints
    received on other days are not missing from such a file. A file without the label is complete.
    """

    cell: str
    """The label in the preamble next to the period."""
    format: TimeFormat = "%Y-%m-%d"
    """The format of the first and of the last day."""
    zone: Zone | None = None
    """The time zone of the days, if it differs from the source's."""


@source_model("folder")
class FolderSource(SourceMapping):
    """A folder for dropped files: XLSX, CSV or JSON Lines, also zipped.

    `header` is the first cell of the header row, if a preamble may come before it. `delimiter` is
    detected if it is not set. An imported file is moved to the folder `archive`, if one is named.
    The limits prevent a file from filling the machine: rows, columns, and unpacked size in
    megabytes.
    """

    kind: ClassVar[str] = "folder"
    title: ClassVar[str] = "Files in a folder"
    has_files: ClassVar[bool] = True

    type: Literal["folder"] = "folder"
    """The kind of source."""
    folder: str
    """The folder for dropped files, relative to the site's folder."""
    folder_variable: str | None = None
    """An environment variable that may name another folder."""
    pattern: str = "*"
    """The pattern of the file names to read."""
    archive: str | None = None
    """The folder to which imported files are moved, relative to the site's folder."""
    header: str | None = None
    """The first cell of the header row, if other rows come before it."""
    delimiter: str | None = None
    """The separator of the cells of a CSV file; detected if it is not set."""
    encodings: tuple[str, ...] = ("utf-8-sig", "cp1252")
    """The encodings to try, in this order."""
    observed: Observed = Observed()
    """The source of a file's creation time; by default its modification time."""
    period: PeriodCell | None = None
    """The days of receipt for which a file is complete, if its preamble states them."""
    max_rows: int = Field(1_000_000, gt=0)
    """Reject a file with more rows."""
    max_columns: int = Field(500, gt=0)
    """Reject a file with more columns."""
    max_unpacked_mb: int = Field(500, gt=0)
    """Reject a file with a larger unpacked size, in megabytes."""

    @property
    def needs_sheet(self) -> bool:
        """Check whether the creation time is known only after reading the file."""
        return self.observed.needs_sheet

    def place(self, site: Path) -> Path:
        """Return the folder of the files; an environment variable may name another one."""
        return site / (self._folder_by_variable() or self.folder)

    def files_in(self, site: Path) -> Path:
        """Return the folder of the files, as for every kind of source."""
        return self.place(site)

    def _folder_by_variable(self) -> str | None:
        return os.environ.get(self.folder_variable) if self.folder_variable else None

    def to_be_allowed(self, site: Path) -> tuple[Path, ...]:
        """Return the folders that the site must allow: those that its own files name.

        A folder named by the environment is a decision of the machine's administrator.
        """
        folders = self.folders(site)
        return folders[1:] if self._folder_by_variable() else folders

    def folders(self, site: Path) -> tuple[Path, ...]:
        """Return the folder of the files, and the archive if there is one."""
        archive = (site / self.archive,) if self.archive else ()
        return (self.place(site), *archive)

    def not_before(self, made: datetime) -> datetime:
        """Return the start of the day if a file states only its day, else `made`."""
        if not self.observed.by_day:
            return made
        zone = ZoneInfo(self.observed.zone or self.zone)
        return made.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)


GEOREPORT = (
    "service_request_id",
    "status",
    "status_notes",
    "service_name",
    "service_code",
    "description",
    "agency_responsible",
    "service_notice",
    "requested_datetime",
    "updated_datetime",
    "expected_datetime",
    "address",
    "address_id",
    "zipcode",
    "lat",
    "long",
    "media_url",
    "token",
)
"""The columns of a request in Open311 GeoReport v2."""

ISO_TIME: TimeFormat = "%Y-%m-%dT%H:%M:%S%z"


class GeoReportFields(Fields):
    """The default columns for GeoReport; a site may override them."""

    ticket: str = "service_request_id"
    received: Columns = "requested_datetime"
    category: str | None = "service_name"
    status: str | None = "status"
    promised_due: str | None = "expected_datetime"


@source_model("open311")
class Open311Source(SourceMapping):
    """A server with the Open311 GeoReport v2 interface.

    `window_days` is the number of past days per request (servers allow 90). `first_day` is the
    first day to import. `updates_by` is the parameter with which the server returns only later
    changes, usually `updated_after`. GeoReport itself does not define one; if it is not set, all
    periods with possible changes are requested again. `key_variable` names the environment variable
    with the API key. `ca_file` is the certificate of an authority not trusted by this machine.
    `zone` applies to times without a zone. Columns added by the server to GeoReport must be listed
    in `extra_columns` before they can be mapped.
    """

    kind: ClassVar[str] = "open311"
    title: ClassVar[str] = "An Open311 server"
    stand_in: ClassVar[str] = "token"

    type: Literal["open311"]
    """The kind of source."""
    url: str = Field(pattern=r"^https?://[^/]")
    """The address of the server: the part before `/requests.json`."""
    url_variable: str | None = None
    """An environment variable that may contain another address."""
    jurisdiction: str | None = None
    """The jurisdiction_id, if the server requires one."""
    key_variable: str | None = None
    """The environment variable with the API key."""
    ca_file: str | None = None
    """The certificate of the server's authority, if this machine does not trust it."""
    format: Literal["json", "xml"] = "json"
    """The format requested from the server."""
    first_day: date
    """The first day to import."""
    updates_by: str | None = Field(default=None, pattern=r"^[\w.\[\]-]+$")
    """The parameter with which the server returns only later changes: `updated_after`."""
    extra_columns: tuple[str, ...] = ()
    """Mapped columns added by the server to those of GeoReport."""
    window_days: int = Field(default=90, ge=1, le=90)
    """The number of past days per request."""
    page_size: int = Field(default=100, ge=1, le=1000)
    """The number of complaints per page."""
    timeout_seconds: float = Field(default=30.0, gt=0)
    """The longest wait for an answer of the server, in seconds."""
    attempts: int = Field(default=5, ge=1)
    """The number of attempts per request."""
    max_answer_mb: int = Field(default=50, gt=0)
    """Reject a larger answer, in megabytes."""

    @property
    def only_changes(self) -> str:
        """Return the reason why an answer cannot show every complaint."""
        return "a server of Open311 is asked for periods, not for everything"

    layout: Literal["snapshot", "history"] = "snapshot"
    """`snapshot`: each answer is compared with the one before."""
    zone: Zone = "UTC"
    """The time zone of times without one."""
    dates: tuple[TimeFormat, ...] = (ISO_TIME,)
    """Other formats of times; ISO 8601 is always accepted."""
    fields: GeoReportFields = GeoReportFields()
    """The columns of a complaint; by default those of GeoReport."""
    status: tuple[StatusWord, ...] = (
        StatusWord(word="open"),
        StatusWord(word="closed", enter=("closed",), leave=("reopened",), at="updated_datetime"),
    )
    """The status words; by default `open` and `closed`."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Return every column used by the mapping, and the one that may replace a number."""
        return tuple(dict.fromkeys([*super().columns, self.stand_in]))

    @property
    def times(self) -> frozenset[str]:
        """Return the columns with times."""
        received = self.fields.received
        # several columns have the date and the time apart: none of them is a time by itself
        named = {received} if isinstance(received, str) else set()
        named |= {event.column for event in self.events}
        named |= {word.at for word in self.status if word.at}
        return frozenset(named | {self.fields.promised_due or ""})

    @field_validator("dates")
    @classmethod
    def _iso_first(cls, dates: tuple[TimeFormat, ...]) -> tuple[TimeFormat, ...]:
        """Put ISO 8601, which is always accepted, before the other formats of the server."""
        return (ISO_TIME, *(form for form in dates if form != ISO_TIME))

    @model_validator(mode="after")
    def _known_columns(self) -> Open311Source:
        known = (*GEOREPORT, *self.extra_columns)
        for column in self.columns:
            if column not in known:
                raise ValueError(
                    f"no column '{column}'; write in `extra_columns` which columns the server adds"
                    f"{did_you_mean(column, known)}"
                )
        return self


ISO_FORMS: tuple[TimeFormat, ...] = (
    ISO_TIME,
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
)
"""The formats of date and time values returned by a database or a mail server."""


def _with_iso(dates: tuple[TimeFormat, ...]) -> tuple[TimeFormat, ...]:
    """Return the formats of ISO 8601, always accepted, followed by the formats of the site."""
    return (*ISO_FORMS, *(form for form in dates if form not in ISO_FORMS))


IsoAndOwn = Annotated[tuple[TimeFormat, ...], AfterValidator(_with_iso)]


@source_model("sql")
class SqlSource(SourceMapping):
    """A query on the database of another system, read only.

    `url_variable` names the environment variable with the SQLAlchemy URL. The query returns one row
    for each complaint. It may continue from the end of the last import. `cursor` is then a column
    with a value that grows with every change (or with every row, if rows never change). `:since` in
    the query is the largest imported value, and `first_cursor` its value for the first import.
    `>= :since` reads the last rows again. This changes nothing, and no row with an equal value is
    lost. If long transactions can make a row visible after rows with a larger value, let the query
    overlap (`>= :since - interval '10 minutes'`). Times without a zone are in `zone`.
    """

    kind: ClassVar[str] = "sql"
    title: ClassVar[str] = "A database"

    type: Literal["sql"]
    """The kind of source."""
    url_variable: str = Field(min_length=1)
    """The environment variable with the SQLAlchemy URL of the database."""
    query: str
    """One SELECT with a row for each complaint; `:since` is the largest imported value of
    `cursor`."""
    cursor: str | None = None
    """The column with a value that grows with every change, for `:since`."""
    first_cursor: int | datetime | date | str | None = None
    """The value of `:since` for the first import."""
    batch: int = Field(default=5_000, ge=1)
    """The number of rows in memory at a time."""
    timeout_seconds: float = Field(default=120.0, ge=1)
    """The longest time for the query, in seconds."""

    dates: IsoAndOwn = ISO_FORMS
    """Other formats of times stored as text; ISO 8601 is always accepted."""

    @property
    def only_changes(self) -> str:
        """Return the reason why an answer cannot show every complaint; empty without a cursor."""
        return "with `cursor` the query returns only changes" if self.cursor else ""

    @field_validator("query")
    @classmethod
    def _only_reads(cls, query: str) -> str:
        return only_reads(query)

    @model_validator(mode="after")
    def _goes_on(self) -> SqlSource:
        bare = bare_sql(self.query)
        names = set(re.findall(r"(?<![:\w\\]):(\w+)(?!:)", bare))
        if names - {"since"}:
            raise ValueError(f"query: `:{min(names - {'since'})}` is not known; only `:since` is")
        if ":since" in self.query and not names:
            raise ValueError("query: `:since` is in quotes or in a comment; take it out")
        if names and not self.cursor:
            raise ValueError("query: `:since` needs `cursor`, the column that it is compared with")
        if self.cursor and not names:
            raise ValueError("cursor: the query does not use it; add `>= :since`")
        if self.cursor and self.first_cursor is None:
            raise ValueError("first_cursor is missing: the value of `:since` for the first import")
        if re.search(r"(?<!=)>\s*:since\b", bare):
            raise ValueError("query: write `>= :since`; `>` loses rows with an equal value")
        return self


MAIL_COLUMNS = (
    "message_id",
    "received",
    "subject",
    "date",
    "from",
    "to",
    "text",
    "attachments",
)
"""The columns of a mail: `received` is the time of the server, `date` the time claimed by the
sender."""


MAIL_CONSTANTS = {"channel": "email", "classification": "complaint"}
"""The fixed values of a mail, if the mapping gives no others."""


STEP_WORDS: dict[str, tuple[str, ...]] = {
    Kind.SETTLED: ("[selesai]", "[settled]"),
    Kind.CLOSED: ("[ditutup]", "[closed]"),
    Kind.FOLLOW_UP_PUBLISHED: ("[tindak lanjut]", "[follow-up]"),
    Kind.RESPONDED: ("[tanggapan awal]", "[responded]"),
    Kind.VERIFIED: ("[terverifikasi]", "[verified]"),
}
"""The words by which an official states a step in a reply."""


class MailFields(Fields):
    """The default columns for a mail; a site may override them."""

    ticket: str = "message_id"
    received: Columns = "received"
    title: str | None = "subject"


@source_model("imap")
class MailboxSource(SourceMapping):
    """An IMAP mailbox: each received mail is a complaint.

    `url_variable` names the environment variable with `imaps://user:password@host/INBOX`. `ca_file`
    is the certificate of an authority not trusted by this machine. The mail remains in the mailbox,
    unread. Its sender and its text are not stored unless a mapping names those columns: only a hash
    of them is, which recognizes another copy. Of attachments only the names are stored. Of a mail
    larger than `max_mail_mb`, only that much is read.
    """

    ca_key: ClassVar[str] = "ca_file"
    kind: ClassVar[str] = "imap"
    title: ClassVar[str] = "A mailbox"
    has_addresses: ClassVar[bool] = True

    type: Literal["imap"]
    """The kind of source."""
    url_variable: str = Field(min_length=1)
    """The environment variable with `imaps://user:password@host/INBOX`."""
    ca_file: str | None = None
    """The certificate of the server's authority, if this machine does not trust it."""
    timeout_seconds: float = Field(default=30.0, gt=0)
    """The longest wait for an answer of the server, in seconds."""
    max_mail_mb: int = Field(default=25, gt=0)
    """Of a larger mail, read only this many megabytes."""

    def complete_by(self, name: str, other: SourceMapping) -> bool:
        """Let another source show steps of the complaints of this mailbox."""
        self._completed_by[name] = other
        return True

    @property
    def states_by_reply(self) -> bool:
        """Check whether officials state steps by an answer (`replies` in `stated_by`)."""
        return "replies" in self.stated_by

    @property
    def most_seconds(self) -> float:
        """Return the limit of time for the conversation with the server."""
        return self.max_minutes * 60.0

    @property
    def only_changes(self) -> str:
        """Return the reason why a run cannot show every complaint."""
        return "from a mailbox only new mails are read"

    layout: Literal["history"] = "history"
    """A mail is a history of one step."""
    zone: Zone = "UTC"
    """The time zone of times without one."""
    dates: IsoAndOwn = ISO_FORMS
    """Other formats of times; ISO 8601 is always accepted."""
    fields: MailFields = MailFields()
    """The columns of a complaint; by default Message-ID, time of receipt and subject."""
    constants: dict[str, str] = Field(default_factory=lambda: dict(MAIL_CONSTANTS))
    """Fixed values for all mails; the defaults apply to those that are not given. An empty text
    means no value."""
    _completed_by: dict[str, SourceMapping] = PrivateAttr(default_factory=dict)

    stated_by: tuple[Literal["replies", "command"], ...] = ()
    """The ways in which officials state the steps of these complaints: by a reply in the thread, or
    with `tenggat complaint settle` and its like. Without any, the source can only remind: after its
    deadline a duty is unknown, never missed."""

    words: dict[EventKind, tuple[str, ...]] = Field(
        default_factory=lambda: dict(STEP_WORDS), validate_default=True
    )
    """The words in a reply by which an official states a step, if `stated_by` has `replies`. Only
    the official's own words count, not the quoted mail."""
    first_day: date | None = None
    """The first day to import: mails received before it are not read. Without it, the first import
    reads the whole mailbox."""
    forms: tuple[str, ...] = ()
    """The addresses of web forms: their mails are complaints, even if a program sends them."""

    @field_validator("forms")
    @classmethod
    def _folded(cls, forms: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(address.casefold() for address in forms)

    @field_validator("words")
    @classmethod
    def _can_be_stated(cls, words: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        known = [str(kind) for kind in OFFICIAL_STEPS.values() if kind != Kind.ASSIGNED]
        for kind in words:
            if kind not in known:
                raise ValueError(f"'{kind}' cannot be stated by a reply{did_you_mean(kind, known)}")
        if any(not word.strip() for each in words.values() for word in each):
            raise ValueError("a word is empty")
        return words

    @field_validator("constants")
    @classmethod
    def _with_defaults(cls, constants: dict[str, str]) -> dict[str, str]:
        return {**MAIL_CONSTANTS, **constants}

    @property
    def only_reminds(self) -> bool:
        """Check whether nobody states the later steps of a mail's complaint."""
        return not self.stated_by

    @property
    def completed_by(self) -> Mapping[str, SourceMapping]:
        """Return the sources that complete this one, by name."""
        return self._completed_by

    @property
    def sees(self) -> frozenset[str]:
        """Return the kinds of event of the mapping, of the sources that complete it, and those that
        officials can state.
        """
        mapped = super().sees.union(*(each.sees for each in self._completed_by.values()))
        return mapped | frozenset(OFFICIAL_STEPS.values()) | {Kind.REPORTER_REPLIED}

    @property
    def shown_later(self) -> dict[str, int]:
        """Return one working day for each kind of event that another source shows: its next file
        comes later than the next look into the mailbox.
        """
        kinds = frozenset[str]().union(*(each.sees for each in self._completed_by.values()))
        return dict.fromkeys(sorted(kinds - {Kind.RECEIVED}), 1)

    @model_validator(mode="after")
    def _consistent(self) -> MailboxSource:
        """Check the mapping with the receipt as its only event: a mail needs no [[events]]."""
        stated = self.events or (EventColumn(column="received", kind="received"),)
        SourceMapping._consistent(  # type: ignore[operator]  # pydantic leaves the plain function there
            self.model_copy(update={"events": stated})
        )
        for column in self.columns:
            if column not in MAIL_COLUMNS:
                raise ValueError(
                    f"a mail has no column '{column}'{did_you_mean(column, MAIL_COLUMNS)}"
                )
        return self


class ExchangeFields(Fields):
    """The columns of the exchange format; a title is imported only if a site maps it."""

    ticket: str = "ticket"
    received: Columns = "received"
    classification: str | None = "classification"
    category: str | None = "category"
    channel: str | None = "channel"
    place: str | None = "place"
    rating: str | None = "rating"
    unit: str | None = "unit"
    promised_due: str | None = "promised_due"


ABOUT_COLUMNS = ("source", "system", "sees", "shown_later", "imported_until", "exported_at")
"""The columns of the first lines of an exchange file, one line for each source of the other
site."""


@source_model("folder", layout="exchange")
class ExchangeSource(FolderSource):
    """A folder of files in the exchange format, written by `tenggat export` of another
    installation.

    No mapping is needed: each line is a complaint with all its events. `values.unit` may map the
    units of the other site to units of this site. A source of the other site is named `name/source`
    here, so that equal ticket numbers do not conflict.
    """

    kind: ClassVar[str] = "exchange"
    title: ClassVar[str] = "Files of another installation"
    is_exchange: ClassVar[bool] = True

    layout: Literal["exchange"]
    """Each line is a complaint with all its events."""
    pattern: str = "*.jsonl"
    """The pattern of the file names to read."""
    zone: Zone = "UTC"
    """Not needed: all times have a zone."""
    dates: tuple[TimeFormat, ...] = (ISO_TIME,)
    """Not needed: all times are in ISO 8601."""
    fields: ExchangeFields = ExchangeFields()
    """The columns as named by `tenggat export`; add `title` to import titles."""

    @model_validator(mode="after")
    def _consistent(self) -> ExchangeSource:
        if self.events or self.status or self.constants:
            raise ValueError("the exchange format has its own events and facts; remove these keys")
        self._check_shows()
        return self

    @property
    def only_changes(self) -> str:
        """Return the reason why a file cannot show every complaint."""
        return "a file of the exchange format may have only the changes"

    @property
    def columns(self) -> tuple[str, ...]:
        """Return every column used."""
        named = (*super().columns, "anonymous", "secret", "events", *ABOUT_COLUMNS)
        return tuple(dict.fromkeys(named))

    @property
    def sees(self) -> frozenset[str]:
        """Return every kind of event: the file itself names the kinds visible in each original
        source.
        """
        return frozenset(Kind)

    @property
    def needs_sheet(self) -> bool:
        """Check whether the export time must be read from inside the file, not from its name."""
        return self.observed.file_name is None


def read_sources(path: Path) -> dict[str, SourceMapping]:
    """Read and check the mappings; raises :class:`SettingsError` with every mistake."""
    data = read_toml(path, "it says where complaints come from")
    sources: dict[str, SourceMapping] = {}
    mistakes: list[str] = []
    for name, table in data.items():
        kind = table.get("type", "folder") if isinstance(table, dict) else "folder"
        layout = table.get("layout") if isinstance(table, dict) else None
        model = MODELS.get((str(kind), str(layout))) or MODELS.get((str(kind), None))
        if model is None:
            types = [each for each, layout in MODELS if layout is None]
            mistakes.append(
                f"{path}: {name}.type: no type '{kind}'{did_you_mean(str(kind), types)}"
            )
            continue
        try:
            sources[name] = model.model_validate(table)
        except ValidationError as error:
            mistakes.append(explained(path, error, model, (name,)))
    mistakes += [f"{path}: {mistake}" for mistake in _join(sources)]
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    return sources


def _join(sources: dict[str, SourceMapping]) -> Iterator[str]:
    """Tell each mailbox which sources complete it; yield the mistakes."""
    for name, source in sources.items():
        if source.completes is None:
            continue
        completed = sources.get(source.completes)
        if completed is None or not completed.complete_by(name, source):
            mailboxes = [
                each for each, found in sources.items() if found.kind == MailboxSource.kind
            ]
            yield (
                f"{name}.completes: no mailbox '{source.completes}'"
                f"{did_you_mean(source.completes, mailboxes)}"
            )
