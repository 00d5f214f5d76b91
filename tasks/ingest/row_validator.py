"""Validate the rows of one extract: accept readable rows, reject the others."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from db import complaints
from db.quarantine import ticket_hash
from tasks.common.redaction import plain_ticket, redact_and_truncate
from tasks.common.remarks import word_of_end
from tasks.common.table_lines import (
    MOST_TEXTS,
    asks_for_secrecy,
    has_column_numbers,
    has_counts,
    has_only_totals,
    is_heading,
    is_note,
    is_signature,
    is_text,
    is_total_label,
    marks_whole,
    named_tickets,
)
from tasks.ingest.exchange.reader import ExchangeReader
from tasks.ingest.records import (
    MISALIGNED,
    NOTES,
    ComplaintRecord,
    RejectionReason,
    RowError,
    Secrecy,
)
from tasks.ingest.row_parser import ParserInputs, RowParser
from tasks.sources.base import (
    FaultyRow,
    LineAbove,
    OtherTableRow,
    Row,
    position_of,
    sheet_of,
    without_lone_surrogates,
)
from tasks.workbook_reader.covered import CoveredCell


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
    content: tuple[str, ...] = field(repr=False)
    key: str = field(default="", repr=False)
    sheet: str = ""
    """The sheet of the line, if its file has several."""
    continues: str = field(default="", repr=False)
    """The unmasked key of the complaint above, if the row may be the rest of it."""

    @property
    def is_note(self) -> bool:
        """Check whether this is a line of text outside the table, as the signature below it."""
        return self.reason in NOTES

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

_PERHAPS_TEXT = _NO_COMPLAINT | {
    RejectionReason.TORN_ROW,
    RejectionReason.LONG_ROW,
    RejectionReason.TOO_LONG,
}
"""The reasons for the rejection of a line of text, which may stand in a column with dates."""

_PERHAPS_TOTAL = _NO_COMPLAINT | {RejectionReason.ERROR_CELL}
"""The reasons for the rejection of a total line, which may have formulas without a result."""


class RowValidator:
    """Validator for the rows of one extract.

    It passes over an exact repetition of a row, and rejects a row with another content for the same
    ticket. It also passes over total lines, column numbers and headings, which are no complaints.
    `file` is the name of the extract for people.
    """

    def __init__(self, inputs: ParserInputs, observed_at: datetime, file: str = "") -> None:
        self.reader = (ExchangeReader if inputs.source.is_exchange else RowParser)(inputs)
        self._file = file
        self.observed_at = observed_at.astimezone(UTC)  # in UTC, as the times in the rows
        self.passed_over = 0
        """The number of total lines, column numbers and headings so far."""
        self._is_secret_file = self._may_have_text and marks_whole(file.rpartition("/")[2])
        self._secret_sheets: dict[str, bool] = {}  # by the name of the sheet
        self._below_total = False
        self._below_signature = False
        self._above = ""  # the key of the complaint above
        self._end: Row = (0, ())  # its last row
        self._seen: dict[str, int] = {}  # key -> hash of its record
        self._without_ticket: Counter[tuple[str, ...]] = Counter()

    @property
    def keys(self) -> Iterable[str]:
        """Return the keys of the records read so far."""
        return self._seen.keys()

    def validate(
        self, header: tuple[str, ...], rows: Iterable[Row]
    ) -> Iterator[tuple[int, ComplaintRecord | RejectedRow]]:
        """Yield each row with its line number, as a record or as a rejected row.

        A repeated row, and a line that is no complaint, are skipped.
        """
        for line, cells in rows:
            row = without_lone_surrogates(cells)
            self.reader.is_whole_secret = self._is_secret(line)
            if isinstance(cells, LineAbove):
                yield line, self._line_above(header, line, row)
                continue
            try:
                found = self.reader.cells(header, row)
                record = self.reader.record(found, self.observed_at)
                record = self.reader.withhold(record, found, self._file, position_of(line))
                if isinstance(cells, OtherTableRow):
                    raise RowError(RejectionReason.OTHER_TABLE)
                self._below_total = self._below_signature = False
                key, mark = record.key, record.content_hash
                before, self._above, self._end = self._seen.get(key), key, (line, row)
                if before is None:
                    self._seen[key] = mark
                    yield line, record
                elif before != mark and self._is_continued(header, row):
                    self.passed_over += 1
                elif before != mark:
                    column = self.reader.source.fields.ticket
                    raise RowError(RejectionReason.DUPLICATE_TICKET, column, record.ticket)
            except RowError as bad:
                is_rest = self._continues_above(header, line, row, bad)
                if not is_rest and self._is_passed_over(header, row, bad):
                    self.passed_over += 1
                    continue
                if not is_rest and self._is_text_line(header, row, bad):
                    bad = RowError(_reason_of_text(row))
                elif isinstance(cells, OtherTableRow):
                    bad = RowError(RejectionReason.OTHER_TABLE)
                refused = self._refused(header, line, row, bad)
                if is_rest:
                    refused, self._end = replace(refused, continues=self._above), (line, row)
                elif not refused.is_note:
                    self._above = ""
                yield line, refused

    def _line_above(self, header: tuple[str, ...], line: int, row: tuple[str, ...]) -> RejectedRow:
        """Return a line above the header that asks for secrecy, perhaps for the whole sheet."""
        if any(map(marks_whole, row)):
            self._secret_sheets[sheet_of(line)] = True
        return self._refused(header, line, row, RowError(RejectionReason.SECRECY_LINE))

    def _is_secret(self, line: int) -> bool:
        """Check whether the file, the sheet, or a title above the header marks all as secret."""
        if self._is_secret_file:
            return True
        sheet = sheet_of(line)
        if sheet not in self._secret_sheets:
            self._secret_sheets[sheet] = self._may_have_text and marks_whole(sheet)
        return self._secret_sheets[sheet]

    def hide_requested(self, header: tuple[str, ...], rows: Sequence[Row]) -> None:
        """Hide the reports whose number a line of text among these rows names together with a
        request for secrecy.

        It is called before these rows are validated, because the line is below its reports.
        """
        lines = [row for _, row in rows if self._may_have_text and asks_for_secrecy(row)]
        if lines:
            named = (self._ticket(header, row) for _, row in rows)
            tickets = {plain_ticket(ticket) for ticket in named if not is_note(ticket)}
            self.reader.requested |= named_tickets(lines, tickets)

    def keep_hidden(self, session: Session, header: tuple[str, ...], rows: Sequence[Row]) -> None:
        """Keep the reports among these rows hidden that an earlier import has hidden.

        It is called before the rows are validated, so that no question about a cell of them, and
        no rejected row, shows a text that may name the complainant. The cells of another
        installation are no texts of a clerk; its reports stay hidden as they are written.
        """
        if self.reader.source.is_exchange:
            return
        tickets = {plain_ticket(self._ticket(header, row)) for _, row in rows}
        known = complaints.hidden(session, self.reader.name, tickets - {""})
        self.reader.hidden_before = {ticket: Secrecy(*marks) for ticket, marks in known.items()}

    def _continues_above(
        self, header: tuple[str, ...], line: int, row: tuple[str, ...], bad: RowError
    ) -> bool:
        """Check whether a rejected row may be the rest of the complaint above, on a second line.

        It has no number and no receipt of its own, but a step, an end, or a part of the name of a
        unit: what the row above shows is then not all that happened, or not the whole unit.
        """
        if isinstance(row, FaultyRow) or bad.reason not in _PERHAPS_TEXT:
            return False
        source = self.reader.source
        cells = defaultdict(str, zip(header, row, strict=False))
        own = (cells[name] for name in (source.fields.ticket, *self.reader.receipt_columns))
        first = row[: header.index(source.fields.ticket)]  # perhaps with a number of the row
        if not self._may_have_text or any(
            cell.strip() and not isinstance(cell, CoveredCell) for cell in (*own, *first)
        ):
            return False
        dates = {*source.date_columns, *source.fields.end_date_columns}
        words = {*dates, *source.fields.remark_columns, source.fields.status or ""}
        return (
            any(self.reader.is_date(cells[name].strip()) for name in dates)
            or any(word_of_end(cells[name]) for name in words)
            or self._continues_unit(line, row, cells)
        )

    def _continues_unit(self, line: int, row: tuple[str, ...], cells: Mapping[str, str]) -> bool:
        """Check whether a row has a text in the column of a unit, directly below its complaint.

        A signature in this column is apart from the table, or below its place and date.
        """
        above, last = self._end
        if not self._above or not above < line <= above + 1 + "".join(last).count("\n"):
            return False
        if self._below_signature or has_counts(row, at_least=1):
            return False
        units = (cells[name] for name in self.reader.source.unit_columns)
        texts = (" ".join(cell.split()) for cell in units if not isinstance(cell, CoveredCell))
        return any(
            is_text(text) and not (is_heading(text) or is_signature(text) or is_total_label(text))
            for text in texts
        )

    def _is_continued(self, header: tuple[str, ...], row: tuple[str, ...]) -> bool:
        """Check whether a row continues the one above it, with which its ticket is merged.

        It has no value of its own in a mapped column, except in free text.
        """
        source = self.reader.source
        cells = dict(zip(header, row, strict=False))
        own = (name for name in source.columns if name not in source.fields.personal)
        covered = (isinstance(cells.get(name, ""), CoveredCell) for name in own if cells.get(name))
        return isinstance(cells.get(source.fields.ticket), CoveredCell) and all(covered)

    def _is_passed_over(self, header: tuple[str, ...], row: tuple[str, ...], bad: RowError) -> bool:
        """Check whether a rejected row is a total line, a line of column numbers or a heading."""
        if isinstance(row, FaultyRow):
            return False
        if bad.reason in _PERHAPS_TOTAL and self._is_total(header, row):
            self._below_total = self._below_total or any(map(is_total_label, row))
            return True
        if self._below_total and has_counts(row, at_least=1) and not self._has_date(row):
            return True
        if bad.reason not in _PERHAPS_TEXT or not self._may_have_text:
            return False
        if has_column_numbers(row):
            return not self._has_date(row)
        return self._is_apart(header, row) and not asks_for_secrecy(row)

    def _is_apart(self, header: tuple[str, ...], row: tuple[str, ...]) -> bool:
        return self._is_heading(header, row) or self._is_signature(header, row)

    def _is_signature(self, header: tuple[str, ...], row: tuple[str, ...]) -> bool:
        """Check whether a row belongs to a signature below the table, in any column.

        Below its first line, a few texts are the name and the office of a person: the office may be
        the name of a unit.
        """
        if not self._has_few_texts(header, row) or self._has_date(row):
            return False
        self._below_signature = self._below_signature or any(map(is_signature, row))
        return self._below_signature

    def _is_heading(self, header: tuple[str, ...], row: tuple[str, ...]) -> bool:
        """Check whether the only filled cell of a row is a heading or a part of a signature.

        It is one in a column with dates, in the column of the ticket and in one without a mapping.
        In another one it may be the value of a complaint.
        """
        filled = [place for place, cell in enumerate(row) if cell.strip()]
        if len(filled) != 1 or filled[0] >= len(header):
            return False
        source, name, text = self.reader.source, header[filled[0]], row[filled[0]].strip()
        if name == source.fields.ticket:
            return is_heading(text) or (is_text(text) and (" " in text or text[-1] in ",:"))
        is_apart = name not in source.columns or name in source.date_columns
        return is_apart and (is_heading(text) or is_text(text)) and not self._has_date(row)

    @property
    def _may_have_text(self) -> bool:
        """Check whether a person may have written lines outside the table: not in the answer of a
        server, a query, or an export of another installation.
        """
        source = self.reader.source
        return source.has_files and not source.is_exchange

    def _is_text_line(self, header: tuple[str, ...], row: tuple[str, ...], bad: RowError) -> bool:
        """Check whether a rejected row is a line of text or of a summary outside the table.

        It has no cell in a mapped column; or it has few cells with words or a count for each unit,
        no date, and no ticket with a digit, except in a remark.
        """
        if isinstance(row, FaultyRow) or bad.reason not in _PERHAPS_TEXT:
            return False
        if not self._may_have_text:
            return False
        if asks_for_secrecy(row) and self._is_apart(header, row):
            return True
        if bad.reason == RejectionReason.MISSING_TICKET and self._has_nothing_mapped(header, row):
            return True
        if not (has_counts(row) or self._has_few_texts(header, row)):
            return False
        return not self._has_date(row) and not self.reader.has_known_word(header, row)

    def _has_few_texts(self, header: tuple[str, ...], row: tuple[str, ...]) -> bool:
        """Check whether a row has only a few texts, and no ticket with a digit.

        A heading and a remark in the column of the ticket are no tickets. In another column a
        remark with a digit may be the text of a complaint.
        """
        ticket = self._ticket(header, row)
        filled = [cell.strip() for cell in row if cell.strip()]
        few = len(filled) <= MOST_TEXTS
        if few and is_note(ticket):
            return all(is_text(cell) or is_heading(cell) or is_note(cell) for cell in filled)
        texts = all(is_text(cell) or is_heading(cell) for cell in filled)
        return texts and few and (is_heading(ticket) or not any(map(str.isdigit, ticket)))

    def _ticket(self, header: tuple[str, ...], row: tuple[str, ...]) -> str:
        place = header.index(self.reader.source.fields.ticket)
        return row[place].strip() if place < len(row) else ""

    def _has_nothing_mapped(self, header: tuple[str, ...], row: tuple[str, ...]) -> bool:
        source = self.reader.source
        mapped = set(source.columns)
        cells = zip(header, row, strict=False)
        return source.has_files and not any(cell.strip() for name, cell in cells if name in mapped)

    def _has_date(self, row: tuple[str, ...]) -> bool:
        return any(cell.strip() and self.reader.is_date(cell.strip()) for cell in row)

    def _is_total(self, header: tuple[str, ...], row: tuple[str, ...]) -> bool:
        """Check whether a rejected row is a total line."""
        if not has_only_totals(row):
            return False
        ticket = self._ticket(header, row)
        first = next(filter(None, map(str.strip, row)))
        labelled = is_total_label(ticket) or is_total_label(first)
        return (not ticket or labelled) and not self.reader.has_receipt(header, row)

    def _refused(
        self, header: tuple[str, ...], line: int, row: tuple[str, ...], bad: RowError
    ) -> RejectedRow:
        named = self.reader.source.fields
        cells = self.reader.kept(header, row, bad.reason)
        place = header.index(named.ticket)
        key = ""
        apart = MISALIGNED | NOTES
        if isinstance(row, FaultyRow):
            key = row.ticket
        elif bad.reason not in apart and place < len(row):
            written = dict(zip(header, map(str.strip, row), strict=False))
            key = self.reader.key(defaultdict(str, written))
        hidden = bad.column in named.personal or (bad.column and bad.column not in cells)
        column = "" if bad.reason in MISALIGNED else bad.column  # as the stored rows have it
        content: tuple[str, ...] = (bad.reason, column, bad.value, *(() if cells else row))
        if not key and bad.reason not in NOTES:
            content += self._occurrence((*content, *cells.values()))
        return RejectedRow(
            line=line,
            reason=bad.reason,
            column=bad.column,
            value="" if hidden else redact_and_truncate(bad.value, 80),
            ticket=redact_and_truncate(cells.get(named.ticket, ""), 80),
            ticket_hash=ticket_hash(key),
            cells=cells,
            content=content,
            key=key,
            sheet=sheet_of(line),
        )

    def _occurrence(self, content: tuple[str, ...]) -> tuple[str, ...]:
        """Return what tells a row without a ticket from equal ones above it; empty for the first.

        Each may be another complaint, while an equal row with the same ticket is the same one.
        """
        self._without_ticket[content] += 1
        number = self._without_ticket[content]
        return (f"equal row {number}",) if number > 1 else ()


def _reason_of_text(row: tuple[str, ...]) -> RejectionReason:
    """Return the reason for the rejection of a line of text."""
    return RejectionReason.SECRECY_LINE if asks_for_secrecy(row) else RejectionReason.TEXT_LINE
