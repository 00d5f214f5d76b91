"""`sources.toml`: where complaints come from, one table for each source."""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError

from settings.errors import SettingsError, Strict, Zone, explained, nearest, read_toml
from settings.mapping import Mapping, TimeFormat


class Observed(Strict):
    """Whence a file's own time is known: from its name, or from a cell of its preamble.

    With neither, it is the time at which the file was last written.
    """

    file_name: TimeFormat | None = None
    cell: str | None = None
    format: TimeFormat = "%Y-%m-%d"
    zone: Zone | None = None

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
    folder: str
    folder_variable: str | None = None
    pattern: str = "*"
    archive: str | None = None
    header: str | None = None
    delimiter: str | None = None
    encodings: tuple[str, ...] = ("utf-8-sig", "cp1252")
    observed: Observed = Observed()
    max_rows: int = Field(1_000_000, gt=0)
    max_columns: int = Field(500, gt=0)
    max_unpacked_mb: int = Field(500, gt=0)

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


class Open311Source(Mapping):
    """A server that speaks Open311 GeoReport v2.

    `window_days` is how much of the past one question asks for (servers allow 90), `first_day`
    where the past begins. `key_variable` names the variable of the environment with the API key.
    """

    type: Literal["open311"]
    url: str = Field(pattern=r"^https?://")
    url_variable: str | None = None
    jurisdiction: str | None = None
    key_variable: str | None = None
    format: Literal["json", "xml"] = "json"
    first_day: date
    window_days: int = Field(default=90, ge=1, le=90)
    page_size: int = Field(default=100, ge=1, le=1000)
    timeout_seconds: float = Field(default=30.0, gt=0)
    attempts: int = Field(default=5, ge=1)
    max_answer_mb: int = Field(default=50, gt=0)


class SqlSource(Mapping):
    """A query on another system's database, read only.

    `url_variable` names the variable of the environment with its SQLAlchemy URL. `query` may use
    `:since`, the largest value of the column `cursor` that was read before; the first time it is
    `first_cursor`.
    """

    type: Literal["sql"]
    url_variable: str
    query: str
    cursor: str | None = None
    first_cursor: str = ""
    batch: int = Field(default=5_000, ge=1)


class MailboxSource(Mapping):
    """An IMAP mailbox: each mail that arrives is a complaint.

    `url_variable` names the variable of the environment with `imaps://user:password@host/INBOX`.
    """

    type: Literal["imap"]
    url_variable: str
    timeout_seconds: float = Field(default=30.0, gt=0)
    max_mail_mb: int = Field(default=25, gt=0)


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
