"""Validate the rows of one snapshot: accept readable rows, reject the others."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from settings.mapping import SourceMapping
from sla.directory import Directory
from tasks.common.redaction import redact_and_truncate
from tasks.common.total_rows import has_only_totals, is_total_label
from tasks.ingest.exchange_reader import ExchangeReader
from tasks.ingest.row_parser import (
    MISALIGNED,
    Answers,
    ComplaintRecord,
    RejectionReason,
    RowError,
    RowParser,
)
from tasks.sources.base import FaultyRow, Row, sheet_of, without_lone_surrogates


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A rejected row: its line, the reason, and its parts for display and storage.

    `ticket` and `value` are masked. `ticket_hash` is a hash and still distinguishes two tickets.
    `key` is the unmasked ticket, with its origin; it is used for this import and never stored.
    """

    line: int
    reason: RejectionReason
    column: str
    value: str
    ticket: str
    ticket_hash: str
    cells: dict[str, str]
    content: tuple[str, ...]
    key: str = field(default="", repr=False)
    sheet: str = ""
    """The sheet of the line, if its file has several."""
    is_note: bool = False
    """True for a line of text beside the table, for example the signature below it."""

    @property
    def position(self) -> str:
        """Return the line for people, with its sheet."""
        return f"{self.sheet}: {self.line}" if self.sheet else str(self.line)


_NO_COMPLAINT = frozenset(
    {
        RejectionReason.MISSING_TICKET,
        RejectionReason.MISSING_DATE,
        RejectionReason.BAD_DATE,
        RejectionReason.UNFORMATTED_DATE,
        RejectionReason.SHORT_ROW,
    }
)
"""The reasons for the rejection of a total line or a line of text."""


class RowValidator:
    """Validator for the rows of one snapshot.

    It passes over an exact repetition of a row, and rejects a row with another content for the same
    ticket. It also passes over a total line. A row is one if all of its filled cells are numbers or
    labels such as 'Jumlah', the cell of the ticket is empty or such a label, and the date of
    receipt cannot be read. `classifications` are those that the rules ask for.
    """

    def __init__(
        self,
        name: str,
        source: SourceMapping,
        directory: Directory,
        observed_at: datetime,
        administrator_unit: str | None = None,
        answers: Answers | None = None,
        *,
        classifications: frozenset[str] | None = None,
    ) -> None:
        given = (name, source, directory, administrator_unit, answers)
        self.reader = (
            ExchangeReader(*given, classifications=classifications)
            if source.is_exchange
            else RowParser(*given)
        )
        self.observed_at = observed_at.astimezone(UTC)  # in UTC, as the times in the rows
        self.totals = 0
        """The number of total lines so far."""
        self._seen: dict[str, int] = {}  # key -> hash of its record

    @property
    def keys(self) -> Iterable[str]:
        """Return the keys of the records read so far."""
        return self._seen.keys()

    def validate(
        self, header: tuple[str, ...], rows: Iterable[Row]
    ) -> Iterator[tuple[int, ComplaintRecord | RejectedRow]]:
        """Yield each row with its line number, as a record or as a rejected row.

        A repeated row and a total line are skipped.
        """
        for line, cells in rows:
            row = without_lone_surrogates(cells)
            try:
                record = self.reader.record(self.reader.cells(header, row), self.observed_at)
                mark = record.content_hash
                before = self._seen.get(record.key)
                if before is None:
                    self._seen[record.key] = mark
                    yield line, record
                elif before != mark:
                    column = self.reader.source.fields.ticket
                    raise RowError(RejectionReason.DUPLICATE_TICKET, column, record.ticket)
            except RowError as bad:
                if bad.reason in _NO_COMPLAINT and self._is_total(header, row):
                    self.totals += 1
                    continue
                yield line, self._refused(header, line, row, bad)

    def _is_total(self, header: tuple[str, ...], row: tuple[str, ...]) -> bool:
        """Check whether a rejected row is a total line."""
        if not has_only_totals(row):
            return False
        place = header.index(self.reader.source.fields.ticket)
        ticket = row[place].strip() if place < len(row) else ""
        return (not ticket or is_total_label(ticket)) and not self.reader.has_receipt(header, row)

    def _refused(
        self, header: tuple[str, ...], line: int, row: tuple[str, ...], bad: RowError
    ) -> RejectedRow:
        named = self.reader.source.fields
        cells = self.reader.kept(header, row, bad.reason)
        place = header.index(named.ticket)
        key = ""
        if isinstance(row, FaultyRow):
            key = row.ticket
        elif bad.reason not in MISALIGNED and place < len(row):
            written = dict(zip(header, map(str.strip, row), strict=False))
            key = self.reader.key(defaultdict(str, written))
        is_note = self._is_note(header, row, bad)
        if is_note:
            cells = {}  # perhaps the name of a person
        hidden = is_note or bad.column in named.personal or (bad.column and not cells)
        return RejectedRow(
            line=line,
            reason=bad.reason,
            column=bad.column,
            value="" if hidden else redact_and_truncate(bad.value, 80),
            ticket=redact_and_truncate(cells.get(named.ticket, ""), 80),
            ticket_hash=ticket_hash(key),
            cells=cells,
            content=(bad.reason, bad.column, bad.value, *([] if cells else row)),
            key=key,
            sheet=sheet_of(line),
            is_note=is_note,
        )

    def _is_note(self, header: tuple[str, ...], row: tuple[str, ...], bad: RowError) -> bool:
        """Check whether a rejected row is a line of text: its only filled cell is no ticket."""
        if bad.reason not in _NO_COMPLAINT or isinstance(row, FaultyRow):
            return False
        filled = [place for place, cell in enumerate(row) if cell.strip()]
        if len(filled) != 1:
            return False
        is_ticket = filled[0] == header.index(self.reader.source.fields.ticket)
        return not (is_ticket and any(sign.isdigit() for sign in row[filled[0]]))


def ticket_hash(key: str) -> str:
    """Return the hash of a ticket number, used instead of the number for privacy."""
    return hashlib.sha256(key.encode()).hexdigest() if key else ""
