"""The contract of a source, and the extract: the common form of rows from all kinds of source."""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Generic, NamedTuple, TypeVar

from db.models import SourceMailKind
from settings.mapping import SourceMapping
from settings.site import Site
from sla.directory import OfficeHolder
from sla.plain_text import one_plain_line
from tasks.common.context import SiteContext
from tasks.common.errors import TransientError
from tasks.common.redaction import redact
from tasks.common.time_budget import TimeBudget

Row = tuple[int, tuple[str, ...]]
"""A line number, or a position in an answer, and the cells of the row."""


class SheetLine(int):
    """A line number in one of several sheets of a workbook; `sheet` is the name of the sheet."""

    sheet: str

    @classmethod
    def of(cls, number: int, sheet: str) -> SheetLine:
        """Return the line number with the name of its sheet."""
        line = cls(number)
        line.sheet = sheet
        return line


def sheet_of(line: int) -> str:
    """Return the name of the sheet of a line; empty if its file has only one."""
    return line.sheet if isinstance(line, SheetLine) else ""


def position_of(line: int) -> str:
    """Return a line for people, with its sheet if its file has several."""
    sheet = sheet_of(line)
    return f"{sheet}: {line}" if sheet else str(line)


class SourceError(ValueError):
    """A source, or a part of it, cannot be read; the message gives the reason and the remedy.

    It is one line: the name of a file or the answer of a server cannot make another line in a log.
    """

    def __init__(self, text: str) -> None:
        super().__init__(one_plain_line(text))


class TransientSourceError(SourceError, TransientError):
    """A source on another machine cannot be read now; it may answer when it is asked again."""


class SlowSource(SourceError):
    """A source has taken longer than its settings allow."""


class NotYet(SourceError):
    """A file is still being written; nothing of it is imported, and the next run tries again."""

    def __init__(self, text: str) -> None:
        super().__init__(redact(text))


class UnreadableFile(SourceError):
    """A file cannot be read at all. The message masks numbers, as in the name of a file."""

    def __init__(self, text: str) -> None:
        super().__init__(redact(text))


class FatalFile(UnreadableFile):
    """A file has made its reader process fail: it filled the memory, took too long, or crashed."""


class WrongMapping(UnreadableFile):
    """A file is readable, but its layout differs from the mapping in `sources.toml`."""


class MissingColumn(WrongMapping):
    """A table of a file lacks a column of the mapping.

    `place` is the file with its sheet, `near` the most similar title of the table, if there is one.
    """

    def __init__(
        self, text: str, *, place: str = "", column: str = "", near: str | None = None
    ) -> None:
        super().__init__(text)
        self.place, self.column, self.near = place, column, near


@dataclass(frozen=True, slots=True)
class RemoteSource:
    """Another installation's description of one of its own sources.

    `sees` and `shown_later` mean the same as in a mapping. `imported_until` is the time of the last
    import there.
    """

    source: str
    system: str | None
    sees: frozenset[str]
    shown_later: Mapping[str, int]
    imported_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMail:
    """A mail that a mailbox shows, also one that is no complaint; nothing of its content.

    `ticket` is the complaint that it is, or to which it belongs; empty if there is none. `step` is
    the step that it states, by a sender with these `offices`.
    """

    kind: SourceMailKind
    uid: int
    uid_validity: int
    name_hash: str
    content_hash: str
    ticket: str
    received_at: datetime | None
    step: str = ""
    offices: tuple[OfficeHolder, ...] = ()


@dataclass(frozen=True, slots=True)
class Extract:
    """One extract of a source: a file, or the answer to one question.

    `sha256` is the hash of the content and identifies it in later runs. `rows` can be read once, in
    order. `cursor` is the start of the next extract after this one is imported, for sources read
    incrementally. `done` is called after the import, `failed` if it failed. `about` describes the
    sources of another installation. `period` is the first and the last moment of receipt for which
    the extract is complete; None means no limit. `repeats` is the time of an older extract with the
    same content, if there was another one between them. The import adds to `mixed_dates` the
    columns with both date cells and dates written as text, and to `odd_hours` the columns with an
    hour that cannot be read, with these cells for display. `mails` are the mails of a mailbox.
    `unread` is that of its :class:`Sheet`.
    """

    name: str
    sha256: str
    observed_at: datetime
    header: tuple[str, ...]
    rows: Iterable[Row]
    cursor: str | None = None
    done: Callable[[], None] | None = None
    failed: Callable[[SourceError], None] | None = None
    about: tuple[RemoteSource, ...] = ()
    period: tuple[datetime, datetime] | None = None
    repeats: datetime | None = None
    mixed_dates: list[str] = field(default_factory=list)
    odd_hours: dict[str, list[str]] = field(default_factory=dict)
    mails: tuple[ReadMail, ...] = ()
    unread: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a file below its header, with line numbers, and the rows above the header.

    `unread` names the sheets with rows that are not read, as soon as all rows are iterated: they
    are hidden, or do not have the columns of the mapping.
    """

    header: tuple[str, ...]
    rows: Iterator[Row]
    preamble: tuple[tuple[str, ...], ...]
    unread: list[str] = field(default_factory=list)


class FoundFile(NamedTuple):
    """A file that was imported before: its present name, and a function to read it again."""

    name: str
    read: Callable[[], Sheet]


class LineFault(StrEnum):
    """The reason why a line of a file could not be split into cells."""

    TORN_ROW = "torn_row"
    SHORT_ROW = "short_row"
    UNDECODABLE = "undecodable"
    NO_OBJECT = "no_object"
    REPEATED_KEY = "repeated_key"
    LONG_LINE = "long_line"


class FaultyRow(NamedTuple):
    """The cells of a line that could not be split: the reason, and nothing from its content.

    `sha256` is the hash of the line, so that the same line is recognized again. `ticket` is the
    ticket number if it is before the fault; only its hash is stored. `detail` has numbers for
    people, never content.
    """

    fault: str
    sha256: str
    ticket: str = ""
    detail: str = ""


class OtherTableRow(tuple[str, ...]):
    """The cells of a row below the header of another table: their columns are not known."""

    __slots__ = ()


class LineAbove(tuple[str, ...]):
    """The cells of a line above the header that asks to keep reports secret."""

    __slots__ = ()


def faulty(
    fault: LineFault, lines: Iterable[str], *, ticket: str = "", detail: str = ""
) -> FaultyRow:
    """Return the cells for lines that could not be split."""
    content = "".join(lines).encode("utf-8", "surrogatepass")
    return FaultyRow(fault, hashlib.sha256(content).hexdigest(), ticket, detail)


_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def without_lone_surrogates(cells: tuple[str, ...]) -> tuple[str, ...]:
    """Replace half characters, which no database can store, by U+FFFD."""
    whole = "".join(cells)
    if whole.isascii() or not _LONE_SURROGATE.search(whole):
        return cells
    return tuple(_LONE_SURROGATE.sub("\ufffd", cell) for cell in cells)


class WaitingReason(StrEnum):
    """The reason why a file or a row is left to a later run."""

    JUST_WRITTEN = "just_written"
    MADE_LATER = "made_later"
    CHANGING = "changing"
    OTHER_NAME = "other_name"
    SET_ASIDE = "set_aside"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file that is left to a later run, with the reason and the time from which it is read.

    `taken_from` is an ISO 8601 time in the site's zone, or empty. For a source that is not a
    folder, `name` is a short note about its later rows.
    """

    name: str
    reason: WaitingReason = WaitingReason.OTHER
    taken_from: str = ""


class CheckResult(NamedTuple):
    """The result of one check of a source, for people; `remedy` is empty if all is well."""

    ok: bool
    text: str
    remedy: str = ""


Settings = TypeVar("Settings", bound=SourceMapping)


class Source(ABC, Generic[Settings]):
    """A source of complaints, opened to be read once. There is one subclass for each kind.

    `waiting` names the files and rows that are left to a later run. `failures` names the parts that
    cannot be read. `set_aside` names the files that are not read any more, with the time of the
    decision. `wrong_clock` has the time of a run and the newest time that the source showed then,
    if the times of the source are wrong. All are filled while the extracts are read. The settings
    say whether the source shows everything or only changes (`shows_everything`).
    """

    is_remote: ClassVar[bool] = True
    """Whether another machine answers, so that a second attempt may succeed."""

    def __init__(self, site: Site, name: str, settings: Settings) -> None:
        self.site, self.name, self.settings = site, name, settings
        self.waiting: list[Waiting] = []
        self.failures: list[str] = []
        self.set_aside: list[tuple[str, str]] = []
        self.wrong_clock: tuple[datetime, datetime] | None = None
        self.budget = TimeBudget(settings.max_minutes * 60)

    def check_time(self) -> None:
        """Raise :class:`SlowSource` if the source has taken too long since it was opened."""
        if not self.budget.left:
            raise SlowSource(
                f"{self.name}: not finished within {self.settings.max_minutes} minutes"
                " (max_minutes); the next run continues"
            )

    @abstractmethod
    def extracts(self, context: SiteContext, now: datetime) -> Iterator[Extract]:
        """Yield the new extracts from the stored position on, oldest first.

        Raises :class:`SourceError` if nothing at all can be read.
        """

    def time_server(self) -> str:
        """Return the address of a web server, a witness of the time; '' if there is none."""
        return ""

    def stated_times(self) -> Iterator[datetime]:
        """Yield the times that the names of present exports state; by default there are none."""
        yield from ()

    def sample(self, context: SiteContext, now: datetime) -> Iterator[Extract]:
        """Yield a sample of the layout: by default the first new extracts. It changes nothing.

        Call it with a context on an empty database: then rows imported earlier are shown as well.
        """
        return self.extracts(context, now)

    @abstractmethod
    def check(self, timeout: float) -> Iterator[CheckResult]:
        """Check whether the source can be reached; `timeout` is in seconds."""

    def put_back(self, since: datetime | None) -> int:
        """Make what was imported since a moment available again, after a restore of the database.

        Returns the number of files. Only a source that moves what it has imported needs this.
        """
        return 0

    def found_again(
        self, wanted: Mapping[str, str]
    ) -> AbstractContextManager[Mapping[str, FoundFile]]:
        """Find imported files again by their SHA-256, valid inside the `with` block.

        `wanted` gives a name for each hash. Missing files are left out of the result; a source
        without files finds none.
        """
        return nullcontext({})
