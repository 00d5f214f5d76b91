"""The counts of an intake, for the log, the artifact and the run record, also if it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from db.models import SourceImport
from tasks.sources.base import SourceError, TransientSourceError, Waiting


@dataclass(slots=True)
class SourceCount:
    """The result of reading a source.

    `absent` is the number of complaints not shown any more. `drops` lists the imports with fewer
    rows than the one before, `repeated` those that equal an older one. `questions` counts the new
    open questions by column, `answered` those that the site's files have answered. `missing` lists
    the days of the last two weeks, as in 2026-11-12, with an expected extract that did not come.
    """

    source: str
    files: int = 0
    rows: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    quarantined: int = 0
    absent: int = 0
    drops: list[dict[str, object]] = field(default_factory=list)
    repeated: list[dict[str, object]] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)
    questions: dict[str, int] = field(default_factory=dict)
    answered: int = 0
    waiting: list[Waiting] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    """The columns in which date cells and dates written as text are mixed, each with the first file
    that has it."""
    odd_hours: list[str] = field(default_factory=list)
    """The columns with an hour that cannot be read, each with its first file and some cells."""
    unread_sheets: list[str] = field(default_factory=list)
    """The sheets with rows that are not read, each with the first file that has it."""
    still_hidden: list[dict[str, object]] = field(default_factory=list)
    """The files with rows that no longer hide a hidden report, each with their number and some
    tickets."""

    def add(
        self, record: SourceImport, reasons: Mapping[str, int], questions: Mapping[str, int]
    ) -> None:
        """Add the counts of one import."""
        self.files += 1
        self.rows += record.rows
        self.new += record.new
        self.updated += record.updated
        self.unchanged += record.unchanged
        self.quarantined += record.quarantined
        self.absent += record.absent
        for total, some in ((self.reasons, reasons), (self.questions, questions)):
            for key, number in some.items():
                total[key] = total.get(key, 0) + number


class UnreadSource(SourceError):
    """A part of a source could not be read; `count` has the result of the other parts."""

    def __init__(self, text: str, count: SourceCount) -> None:
        super().__init__(text)
        self.count = count


class UnreachedSource(UnreadSource, TransientSourceError):
    """A source on another machine could not be read; another attempt may help."""


class IncompleteIntake(SourceError):
    """Some sources could not be read; `counts` has the result of the others."""

    def __init__(self, text: str, counts: dict[str, Any]) -> None:
        super().__init__(text)
        self.counts = counts


def with_source(name: str, text: str) -> str:
    """Return the text of an error that begins with the name of its source, once."""
    return text if text.startswith(f"{name}: ") else f"{name}: {text}"
