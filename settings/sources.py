"""`sources.toml`: where complaints come from, one table for each source."""

from __future__ import annotations

import os
import re
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from settings.errors import SettingsError, Strict, Zone, explained, nearest, read_toml
from settings.mapping import Columns, EventColumn, Fields, Mapping, StatusWord, TimeFormat
from settings.statements import bare_sql, only_reads
from sla.events import Kind


class Observed(Strict):
    """Whence a file's own time is known: from its name, or from a cell of its preamble.

    With neither, it is the time at which the file was last written.
    """

    file_name: TimeFormat | None = None
    """The form of the file's name, with its time in it."""
    cell: str | None = None
    """The label in the preamble beside which the time stands: `Tanggal Unduh`."""
    format: TimeFormat = "%Y-%m-%d"
    """How the time is written there."""
    zone: Zone | None = None
    """The zone of that time, if it is another than the source's."""

    @property
    def needs_sheet(self) -> bool:
        """Whether a file must be read before it tells when it was made."""
        return self.cell is not None and self.file_name is None

    @property
    def by_day(self) -> bool:
        """Whether a file tells the day on which it was made and no hour."""
        told = self.file_name or (self.format if self.cell else "%H")
        return not any(hour in told for hour in ("%H", "%I", "%X", "%c"))


class FolderSource(Mapping):
    """A folder into which files are dropped: XLSX, CSV or JSON Lines, also zipped.

    `header` is the first cell of the header row, where a preamble may stand above it; `delimiter`
    is found out where it is not given. A file that was read goes to the folder `archive`, if one
    is named. The limits keep a file from filling the machine: rows, columns, and megabytes when
    unpacked.
    """

    type: Literal["folder"] = "folder"
    """The kind of source."""
    folder: str
    """The folder into which files are dropped, from the site's folder."""
    folder_variable: str | None = None
    """A variable of the environment that may name another folder."""
    pattern: str = "*"
    """Which files are read."""
    archive: str | None = None
    """The folder to which files go that were read, from the site's folder."""
    header: str | None = None
    """The first cell of the header, where other rows stand above it."""
    delimiter: str | None = None
    """What stands between the cells of a CSV file; found out where it is not given."""
    encodings: tuple[str, ...] = ("utf-8-sig", "cp1252")
    """The encodings that are tried."""
    observed: Observed = Observed()
    """Whence the time of a file is known; else it is when the file was written."""
    max_rows: int = Field(1_000_000, gt=0)
    """A file with more rows is refused."""
    max_columns: int = Field(500, gt=0)
    """One with more columns too."""
    max_unpacked_mb: int = Field(500, gt=0)
    """One that is larger when unpacked too."""

    @property
    def needs_sheet(self) -> bool:
        """Whether a file must be read before it tells when it was made."""
        return self.observed.needs_sheet

    def place(self, site: Path) -> Path:
        """The folder of the files; a variable of the environment may name another."""
        variable = self.folder_variable
        return site / ((variable and os.environ.get(variable)) or self.folder)

    def not_before(self, made: datetime) -> datetime:
        """The beginning of the day where a file tells only its day."""
        if not self.observed.by_day:
            return made
        zone = ZoneInfo(self.observed.zone or self.zone)
        return made.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)


GEOREPORT = (
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description",
    "agency_responsible", "service_notice", "requested_datetime", "updated_datetime",
    "expected_datetime", "address", "address_id", "zipcode", "lat", "long", "media_url",
)  # fmt: skip
"""What Open311 GeoReport v2 tells of a request."""

ISO_TIME: TimeFormat = "%Y-%m-%dT%H:%M:%S%z"


class GeoReportFields(Fields):
    """The fields of GeoReport, as they stand unless a site says otherwise."""

    ticket: str = "service_request_id"
    received: Columns = "requested_datetime"
    category: str | None = "service_name"
    status: str | None = "status"
    promised_due: str | None = "expected_datetime"


class Open311Source(Mapping):
    """A server that speaks Open311 GeoReport v2.

    `window_days` is how much of the past one question asks for (servers allow 90), `first_day`
    where the past begins. `updates_by` is the parameter by which the server can be asked what has
    changed since a moment, usually `updated_after`; GeoReport itself has none, and without it the
    times in which something may still change are asked for again. `key_variable` names the
    variable of the environment with the API key, `ca_file` the certificate of an authority that
    this machine does not trust anyway. `zone` counts for times that tell none. Columns that the
    server adds to those of GeoReport are named in `extra_columns` before they can be mapped.
    """

    type: Literal["open311"]
    """The kind of source."""
    url: str = Field(pattern=r"^https?://[^/]")
    """The server's address: what stands before `/requests.json`."""
    url_variable: str | None = None
    """A variable of the environment with the address instead."""
    jurisdiction: str | None = None
    """The jurisdiction_id, where the server wants one."""
    key_variable: str | None = None
    """The variable of the environment with the API key."""
    ca_file: str | None = None
    """The certificate of an authority that the machine does not trust."""
    format: Literal["json", "xml"] = "json"
    """What the server is asked for."""
    first_day: date
    """Where the past begins."""
    updates_by: str | None = Field(default=None, pattern=r"^[\w.\[\]-]+$")
    """The parameter by which the server is asked for changes alone: `updated_after`."""
    extra_columns: tuple[str, ...] = ()
    """Columns that the server adds to those of GeoReport, and that are mapped."""
    window_days: int = Field(default=90, ge=1, le=90)
    """How many days of the past one question asks for."""
    page_size: int = Field(default=100, ge=1, le=1000)
    """How many requests one answer has."""
    timeout_seconds: float = Field(default=30.0, gt=0)
    """How long the server may take for an answer."""
    attempts: int = Field(default=5, ge=1)
    """How often a question is tried."""
    max_answer_mb: int = Field(default=50, gt=0)
    """A larger answer is refused."""

    layout: Literal["snapshot", "history"] = "snapshot"
    """`snapshot` compares with what was shown before."""
    zone: Zone = "UTC"
    """The zone of times that tell none."""
    dates: tuple[TimeFormat, ...] = (ISO_TIME,)
    """Forms of times beside ISO 8601, which is always read."""
    fields: GeoReportFields = GeoReportFields()
    """As GeoReport names them, unless a site says otherwise."""
    status: tuple[StatusWord, ...] = (
        StatusWord(word="open"),
        StatusWord(word="closed", enter=("closed",), leave=("reopened",), at="updated_datetime"),
    )
    """`open` and `closed`, unless a site says otherwise."""

    @property
    def times(self) -> frozenset[str]:
        """The columns that hold times."""
        received = self.fields.received
        named = {received} if isinstance(received, str) else set()  # a day and an hour apart
        named |= {event.column for event in self.events}
        named |= {word.at for word in self.status if word.at}
        return frozenset(named | {self.fields.promised_due or ""})

    @field_validator("dates")
    @classmethod
    def _iso_first(cls, dates: tuple[TimeFormat, ...]) -> tuple[TimeFormat, ...]:
        """ISO 8601 is always read; `dates` are the other forms that a server may use."""
        return (ISO_TIME, *(form for form in dates if form != ISO_TIME))

    @model_validator(mode="after")
    def _known_columns(self) -> Open311Source:
        known = (*GEOREPORT, *self.extra_columns)
        for column in self.columns:
            if column not in known:
                raise ValueError(
                    f"no column '{column}'{nearest(column, known)};"
                    " what the server adds to GeoReport is named in `extra_columns`"
                )
        return self


ISO_FORMS: tuple[TimeFormat, ...] = (
    ISO_TIME, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d", "%Y-%m-%d %H:%M:%S",
)  # fmt: skip
"""How moments and days are written that a database or a mail server gives as such."""


def _with_iso(dates: tuple[TimeFormat, ...]) -> tuple[TimeFormat, ...]:
    """The site's own forms of a time, and ISO 8601, which is always read."""
    return (*ISO_FORMS, *(form for form in dates if form not in ISO_FORMS))


IsoAndOwn = Annotated[tuple[TimeFormat, ...], AfterValidator(_with_iso)]


class SqlSource(Mapping):
    """A query on another system's database, read only.

    `url_variable` names the variable of the environment with its SQLAlchemy URL. The query has one
    row for each complaint. It may go on from where it was last: `cursor` is then a column that
    grows with every change (or with every row, where rows never change), `:since` in the query the
    largest value that was read, `first_cursor` what stands for it the first time. `>= :since`
    shows the last rows again, which changes nothing, and none that bears the same value is lost;
    where rows may become visible later than smaller values are, let them overlap
    (`>= :since - interval '10 minutes'`). Times without a zone are in `zone`.
    """

    type: Literal["sql"]
    """The kind of source."""
    url_variable: str = Field(min_length=1)
    """The variable of the environment with the database's SQLAlchemy URL."""
    query: str
    """One SELECT with a row for each complaint; `:since` is how far it was read."""
    cursor: str | None = None
    """The column that grows with every change, for `:since`."""
    first_cursor: int | datetime | date | str | None = None
    """What `:since` is at the first reading."""
    batch: int = Field(default=5_000, ge=1)
    """How many rows are held at once."""
    timeout_seconds: float = Field(default=120.0, ge=1)
    """How long the query may take."""

    dates: IsoAndOwn = ISO_FORMS
    """Forms of times that stand as text, beside ISO 8601."""

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
            raise ValueError("query: `:since` stands in quotes or in a comment; take it out")
        if names and not self.cursor:
            raise ValueError("query: `:since` needs `cursor`, the column that it is compared with")
        if self.cursor and not names:
            raise ValueError("cursor: the query does not use it; add `>= :since`")
        if self.cursor and self.first_cursor is None:
            raise ValueError("first_cursor is missing: what `:since` is at the first reading")
        if re.search(r"(?<!=)>\s*:since\b", bare):
            raise ValueError(
                "query: write `>= :since`; with `>` rows that bear the same value are lost"
            )
        return self


MAIL_COLUMNS = (
    "message_id", "received", "subject", "date", "from", "to", "text", "attachments",
)  # fmt: skip
"""What a mail tells: `received` is the server's time, `date` what the sender claims."""


class MailFields(Fields):
    """The fields of a mail, as they stand unless a site says otherwise."""

    ticket: str = "message_id"
    received: Columns = "received"
    title: str | None = "subject"


class MailboxSource(Mapping):
    """An IMAP mailbox: each mail that arrives is a complaint.

    `url_variable` names the variable of the environment with `imaps://user:password@host/INBOX`,
    `ca_file` the certificate of an authority that this machine does not trust anyway. The mail
    itself stays where it is, unread. Its sender and its text are not even fetched unless a mapping
    names those columns; of attachments there are only the names. Of a mail larger than
    `max_mail_mb` no more than that is read.
    """

    ca_key: ClassVar[str] = "ca_file"

    type: Literal["imap"]
    """The kind of source."""
    url_variable: str = Field(min_length=1)
    """The variable of the environment with `imaps://user:password@host/INBOX`."""
    ca_file: str | None = None
    """The certificate of an authority that the machine does not trust."""
    timeout_seconds: float = Field(default=30.0, gt=0)
    """How long the server may take for an answer."""
    max_mail_mb: int = Field(default=25, gt=0)
    """Of a larger mail no more than this is read."""

    layout: Literal["history"] = "history"
    """A mail is a history of one step."""
    zone: Zone = "UTC"
    """The zone of times that tell none."""
    dates: IsoAndOwn = ISO_FORMS
    """Forms of times beside ISO 8601."""
    fields: MailFields = MailFields()
    """Message-ID, time of receipt and subject, unless a site says otherwise."""
    constants: dict[str, str] = Field(default_factory=lambda: {"channel": "email"})
    """What is the same for all mails."""

    @model_validator(mode="after")
    def _consistent(self) -> MailboxSource:
        """A mail tells of its receipt and of nothing else: it needs no [[events]]."""
        told = self.events or (EventColumn(column="received", kind="received"),)
        Mapping._consistent(  # type: ignore[operator]  # pydantic leaves the plain function there
            self.model_copy(update={"events": told})
        )
        for column in self.columns:
            if column not in MAIL_COLUMNS:
                raise ValueError(f"a mail has no column '{column}'{nearest(column, MAIL_COLUMNS)}")
        return self


class ExchangeFields(Fields):
    """The fields of the exchange form; a title is taken only where a site asks for it."""

    ticket: str = "ticket"
    received: Columns = "received"
    classification: str | None = "classification"
    category: str | None = "category"
    channel: str | None = "channel"
    unit: str | None = "unit"
    promised_due: str | None = "promised_due"


ABOUT_COLUMNS = ("source", "system", "sees", "shown_later", "looked_until", "exported_at")
"""What the first lines of the exchange form tell, one for each source of the other side."""


class ExchangeSource(FolderSource):
    """A folder of files in the exchange form, as `tenggat export` of another installation writes.

    Nothing needs to be mapped: each line is a complaint with all its events. `values.unit` may say
    which units of this site the other side's are. A source of the other side is known here as
    `name/source`, so that equal ticket numbers do not meet.
    """

    layout: Literal["exchange"]
    """Each line is a complaint with all its events."""
    pattern: str = "*.jsonl"
    """Which files are read."""
    zone: Zone = "UTC"
    """Not needed: all times tell their zone."""
    dates: tuple[TimeFormat, ...] = (ISO_TIME,)
    """Not needed: all times are ISO 8601."""
    fields: ExchangeFields = ExchangeFields()
    """As `tenggat export` names them; add `title` to take titles."""

    @model_validator(mode="after")
    def _consistent(self) -> ExchangeSource:
        if self.events or self.status or self.constants:
            raise ValueError("the exchange form tells its events and facts itself; take them out")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read."""
        named = (*super().columns, "anonymous", "secret", "events", *ABOUT_COLUMNS)
        return tuple(dict.fromkeys(named))

    @property
    def sees(self) -> frozenset[str]:
        """All of it: what the other side's sources can tell of, they say themselves."""
        return frozenset(Kind)

    @property
    def needs_sheet(self) -> bool:
        """It is in the file that it says when it was made, unless in its name."""
        return self.observed.file_name is None


Source = FolderSource | Open311Source | SqlSource | MailboxSource

_BY_TYPE: dict[str, type[Source]] = {
    "folder": FolderSource,
    "open311": Open311Source,
    "sql": SqlSource,
    "imap": MailboxSource,
}


def read_sources(path: Path) -> dict[str, Source]:
    """Read and check the mappings; raises :class:`SettingsError` with every mistake."""
    data = read_toml(path, "it says where complaints come from")
    sources: dict[str, Source] = {}
    mistakes: list[str] = []
    for name, table in data.items():
        kind = table.get("type", "folder") if isinstance(table, dict) else "folder"
        model = _BY_TYPE.get(kind) if isinstance(kind, str) else None
        if model is FolderSource and table.get("layout") == "exchange":
            model = ExchangeSource
        if model is None:
            mistakes.append(f"{path}: {name}.type: no type '{kind}'{nearest(str(kind), _BY_TYPE)}")
            continue
        try:
            sources[name] = model.model_validate(table)
        except ValidationError as error:
            mistakes.append(explained(path, error, model, (name,)))
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    return sources
