"""Extracts: the common form of rows from all kinds of source, observed at one moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tasks.common.errors import TransientError

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


class SourceError(ValueError):
    """A source, or a part of it, cannot be read; the message gives the reason and the remedy."""


class TransientSourceError(SourceError, TransientError):
    """A source on another machine cannot be read now; it may answer when it is asked again."""


class NotYet(SourceError):
    """A file is still being written; nothing of it is imported, and the next run tries again."""


class UnreadableFile(SourceError):
    """A file cannot be read at all."""


class WrongMapping(UnreadableFile):
    """A file is readable, but its layout differs from the mapping in `sources.toml`."""


@dataclass(frozen=True, slots=True)
class RemoteSource:
    """Another installation's description of one of its own sources.

    `sees` and `shown_later` mean the same as in a mapping. `imported_until` is the time of the last
    snapshot imported there.
    """

    source: str
    system: str | None
    sees: frozenset[str]
    shown_later: Mapping[str, int]
    imported_until: datetime | None


@dataclass(frozen=True, slots=True)
class Extract:
    """One extract of a source: a file, or the answer to one question.

    `sha256` is the hash of the content and identifies it in later runs. `rows` can be read once, in
    order. `cursor` is the start of the next extract after this one is imported, for sources read
    incrementally. `done` is called after the import. `about` describes the sources of another
    installation. The import adds to `mixed_dates` the columns with both date cells and dates
    written as text.
    """

    name: str
    sha256: str
    observed_at: datetime
    header: tuple[str, ...]
    rows: Iterable[Row]
    cursor: str | None = None
    done: Callable[[], None] | None = None
    about: tuple[RemoteSource, ...] = ()
    mixed_dates: list[str] = field(default_factory=list)


NO_OBJECT = "{no JSON object}"
"""The first of the two cells for a line without a JSON object; the second is its SHA-256."""

NO_RESULT = "#FORMULA!"
"""The text of a workbook's cell with a formula that was never calculated."""
