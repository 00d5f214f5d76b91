"""Read rows of a delimited text file (CSV), and find the rows around a torn one again.

A quotation mark that is opened in one row and closed in another makes a CSV parser swallow all rows
between them. Here a line that follows an open quotation mark is tried by itself first. If it is the
beginning of a row, the row before it is torn, and reading continues with this line.

Without a mapping nothing shows which line begins a row. Then the line with a quotation mark that is
never closed, or only in another row, is torn, and each line after it is a row.

A mark in the header tears no row: see :mod:`tasks.sources.files.quotation_marks`.
"""

from __future__ import annotations

import csv
import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from pathlib import Path

from settings.sources import FolderSource
from tasks.common.dates import parse_datetime
from tasks.common.redaction import plain_ticket
from tasks.common.table_lines import has_text
from tasks.sources.base import FaultyRow, LineFault, Row, UnreadableFile, faulty
from tasks.sources.files.encodings import BAD_BYTE, LONGEST_LINE, short_lines, text_of
from tasks.sources.files.headers import HeaderNames
from tasks.sources.files.quotation_marks import (
    IsHeader,
    has_columns,
    has_lines,
    has_titles,
    readable_head,
)

DELIMITERS = (",", ";", "\t", "|")
PREAMBLE = 100
"""Limit of lines above the header."""

LONGEST_TICKET = 64
"""Limit of characters in a plausible ticket number; a longer text is a fragment of another cell."""

STATED_DELIMITER = re.compile(r'"?sep=(.)"?\s*$', re.IGNORECASE)
"""The first line by which spreadsheet programs state the delimiter: `sep=;`."""


class _TornRecord(Exception):
    """The next line begins a row although a quotation mark is still open."""


@dataclass(frozen=True)
class _Layout:
    """The shape of a row, known from the header: its width, and the places of ticket and date."""

    delimiter: str
    header: tuple[str, ...]
    ticket: int
    received: tuple[int, ...]
    dates: tuple[str, ...]
    date_columns: frozenset[int]
    trims: bool
    """True if the writer of the file leaves out empty cells at the end of a row."""
    surplus: int = 0
    """The number of cells that most rows have after the last column."""
    last_line: tuple[str, ...] = ()
    """The cells of the second line of the header, if it has two."""

    @property
    def width(self) -> int:
        return len(self.header)

    @cached_property
    def least(self) -> int:
        """The number of cells of a row that leaves out the columns without a title at its end."""
        return max(place for place, title in enumerate(self.header, start=1) if title)

    def split(self, line: str) -> list[str]:
        """Return the cells of a line by itself; none if it is not CSV."""
        try:
            return next(csv.reader([line], delimiter=self.delimiter), [])
        except csv.Error:
            return []

    def begins(self, cells: Sequence[str]) -> bool:
        """Check whether these cells begin a row: with a plausible ticket and date of receipt."""
        if len(cells) <= max(self.ticket, *self.received):
            return False
        ticket = plain_ticket(cells[self.ticket].strip())
        if not ticket or len(ticket) > LONGEST_TICKET or '"' in ticket or "\n" in ticket:
            return False
        return self._is_date(" ".join(cells[index].strip() for index in self.received).strip())

    def _is_date(self, text: str) -> bool:
        for form in self.dates:
            try:
                parse_datetime(text, form)
            except (ValueError, OverflowError):
                continue
            return True
        return False

    def starts_row(self, line: str) -> bool:
        """Check whether a line is a whole row, or a row with an open quotation mark of its own."""
        if line.count(self.delimiter) < max(self.ticket, *self.received):
            return False
        if line.count('"') % 2 == 1 and self.ticket_before_quote(line):
            return True
        cells = self.split(line)
        return len(cells) >= self.least and self.begins(cells)

    def ticket_before_quote(self, line: str) -> str:
        """Return the ticket of a line if it and the date are before the first quotation mark."""
        cells = line.partition('"')[0].split(self.delimiter)[:-1]  # the last cell is cut
        return plain_ticket(cells[self.ticket].strip()) if self.begins(cells) else ""

    def may_continue(self, before: Sequence[str], cells: Sequence[str] | FaultyRow) -> bool:
        """Check whether a row can be the rest of the row before it.

        A line break within a cell has split a row in two if both parts together have one cell too
        many, and if the date of receipt of the second part can be the date of a step in the first.
        The first part begins with a ticket, so it is no rest of a text with a quotation mark.
        """
        length = len(before)
        if '"' in "".join(before[self.ticket : self.ticket + 1]):
            return False
        if isinstance(cells, FaultyRow) or length + len(cells) != self.width + 1:
            return False
        return all(length - 1 + index in self.date_columns for index in self.received)

    def unnamed(self, length: int) -> bool:
        """Check whether the columns from this index on have no name."""
        return not any(self.header[length:])


class _Lines:
    """The lines of a file, with those of the present record; a line can be put back."""

    def __init__(self, lines: Iterable[str], layout: _Layout | None) -> None:
        self._lines = iter(lines)
        self._layout = layout
        self._again: str | None = None
        self.taken: list[str] = []
        self.ended = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self._again is not None:
            line, self._again = self._again, None
        else:
            try:
                line = next(self._lines)
            except StopIteration:
                self.ended = True
                raise
        if self.taken and self._layout is not None and self._layout.starts_row(line):
            self._again = line
            raise _TornRecord
        self.taken.append(line)
        return line


def delimited_rows(path: Path, source: FolderSource) -> Iterator[Row]:
    """Yield the rows of a CSV file, each with the number of its first line.

    A row that cannot be split into cells becomes a `tasks.sources.base.FaultyRow`. Raises
    :class:`UnreadableFile` for a file that is not CSV.
    """
    csv.field_size_limit(LONGEST_LINE)  # `max_cell` limits each cell later
    try:
        with text_of(path, source) as text:
            lines = short_lines(path, text)
            head = list(islice(lines, PREAMBLE))
            delimiter, first = source.delimiter, 1
            stated = STATED_DELIMITER.match(head[0]) if head else None
            if stated:
                delimiter, first = stated[1], 2
                del head[0]
            delimiter = _delimiter(head, source, delimiter)
            head = readable_head(head, delimiter, _header_check(source)).lines
            layout = _layout(head, delimiter, source)
            named = _is_named(source)
            records = _records(path, chain(head, lines), delimiter, layout, first, named=named)
            checked = _whole(records, layout)
            if text.errors != "strict":
                yield from _decodable(checked)
            else:
                for number, cells, _ in checked:
                    yield number, cells
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFile(f"{path.name}: cannot be read ({error})") from None


def _is_named(source: FolderSource) -> bool:
    """Check whether the source names columns; one without a mapping does not."""
    return bool(source.fields.ticket)


def _header_check(source: FolderSource) -> IsHeader:
    if not _is_named(source):
        return has_titles
    return has_columns(source.columns, HeaderNames((*source.titles, source.header)))


_Record = tuple[int, tuple[str, ...], list[str]]
"""The number of the first line, the cells, and the lines of a row."""


def _records(
    path: Path,
    lines: Iterable[str],
    delimiter: str,
    layout: _Layout | None,
    number: int,
    *,
    named: bool,
) -> Iterator[_Record]:
    """Split lines into records; a torn record becomes a faulty row for each row lost in it.

    `named` is false for a source without a mapping, which names no column.
    """
    source = _Lines(lines, layout)
    reader = csv.reader(source, delimiter=delimiter)
    widths: set[int] = set()
    while True:
        taken: list[str] = []
        source.taken = taken
        try:
            row = next(reader)
            torn = False
        except StopIteration:
            return
        except _TornRecord:
            torn = True
        except csv.Error as error:
            if layout is None:
                raise UnreadableFile(f"{path.name}: no readable CSV ({error})") from None
            torn = True
        if not torn and source.ended:  # only an open quotation mark reaches the end of the file
            if layout is None and not named:
                yield from _one_by_one(number, taken, delimiter)
                return
            if layout is None:
                raise UnreadableFile(
                    f"{path.name}, line {number}: a quotation mark is opened and never closed"
                )
            torn = True
        if layout is not None and (torn or (len(taken) > 1 and _is_torn(row, layout))):
            yield from _torn(number, taken, layout)
        elif not named and len(taken) > 1 and _has_rows(row, taken, delimiter, widths):
            yield from _one_by_one(number, taken, delimiter)
        else:
            widths.add(len(row))
            yield number, tuple(row), taken
        number += len(taken)


def _one_by_one(number: int, lines: Sequence[str], delimiter: str) -> Iterator[_Record]:
    """Yield each of these lines as a row; a line with an open quotation mark as a faulty one."""
    for index, line in enumerate(lines):
        if index == 0 or line.count('"') % 2:
            yield number + index, faulty(LineFault.TORN_ROW, [line]), [line]
        else:
            cells = next(csv.reader([line], delimiter=delimiter), [])
            yield number + index, tuple(cells), [line]


def _has_rows(
    row: Sequence[str], lines: Sequence[str], delimiter: str, widths: Collection[int]
) -> bool:
    """Check whether a cell of a record has whole rows: lines as wide as a row above it.

    `lines` are those of the record. A long text has line breaks and delimiters too, but hardly so.
    """
    if not has_lines(row, delimiter):
        return False
    whole = (line for line in lines[1:] if line.count('"') % 2 == 0)
    return any(len(next(csv.reader([line], delimiter=delimiter), [])) in widths for line in whole)


def _is_torn(row: Sequence[str], layout: _Layout) -> bool:
    """Check whether a cell has line breaks and a row's worth of delimiters: it is several rows."""
    enough = layout.width - 1
    return any("\n" in cell and cell.count(layout.delimiter) >= enough for cell in row)


def _torn(number: int, lines: Sequence[str], layout: _Layout) -> Iterator[_Record]:
    """Yield a faulty row for the first of these lines, and for each other one like a row."""
    for index, line in enumerate(lines):
        if index == 0 or line.count(layout.delimiter) * 2 >= layout.width:
            cells = faulty(LineFault.TORN_ROW, [line], ticket=layout.ticket_before_quote(line))
            yield number + index, cells, [line]


def _whole(records: Iterator[_Record], layout: _Layout | None) -> Iterator[_Record]:
    """Replace rows that are only the beginning or the end of a row by faulty rows.

    A row may lack cells at its end if its last columns have no name, if it lacks one delimiter, or
    if the whole file leaves out empty cells. It is only a fragment if the next row is the rest of
    it, or if the file ends within it.
    """
    if layout is None:
        yield from records
        return
    width = layout.width
    short: _Record | None = None
    below = False
    for record in records:
        cells = record[1]
        empty = type(cells) is tuple and not has_text(cells)
        if short is not None and not empty:
            split = layout.may_continue(short[1], cells)
            yield _checked(short, layout, complete=not split and _begins(cells, layout))
            short = None
            if split:
                yield _fragment(record, layout)
                continue
        if not below:
            below = tuple(cell.strip() for cell in cells) == (layout.last_line or layout.header)
            yield record
        elif type(cells) is not tuple or len(cells) >= width or empty:
            yield _without_surplus(record, layout)
        else:
            short = record
    if short is not None:
        yield _checked(short, layout, complete=short[2][-1].endswith(("\n", "\r")))


def _begins(cells: tuple[str, ...] | FaultyRow, layout: _Layout) -> bool:
    return bool(cells.ticket) if isinstance(cells, FaultyRow) else layout.begins(cells)


def _fragment(record: _Record, layout: _Layout) -> _Record:
    """Return the rest of a row that a line break has split, as a faulty row."""
    number, cells, lines = record
    detail = f"{len(cells)} < {layout.width}"
    return number, faulty(LineFault.SHORT_ROW, lines, detail=detail), lines


def _checked(record: _Record, layout: _Layout, *, complete: bool) -> _Record:
    number, cells, lines = record
    missing = layout.width - len(cells)
    left_out = layout.trims or layout.unnamed(len(cells))
    if complete and (missing == 1 or left_out) and layout.begins(cells):
        return (number, cells + ("",) * missing, lines) if left_out else record
    detail = f"{len(cells)} < {layout.width}"
    certain = layout.begins(cells) and len(cells) > layout.ticket + 1  # the last cell may be cut
    ticket = plain_ticket(cells[layout.ticket].strip()) if certain else ""
    return number, faulty(LineFault.SHORT_ROW, lines, detail=detail, ticket=ticket), lines


def _without_surplus(record: _Record, layout: _Layout) -> _Record:
    """Remove the empty cells that most rows have after the last column."""
    number, cells, lines = record
    surplus = len(cells) - layout.width
    if surplus <= 0 or surplus != layout.surplus or type(cells) is not tuple:
        return record
    return record if any(cells[layout.width :]) else (number, cells[: layout.width], lines)


def _decodable(records: Iterator[_Record]) -> Iterator[Row]:
    """Replace rows with a byte outside of the encoding by faulty rows."""
    for number, cells, lines in records:
        if any(BAD_BYTE in line for line in lines):
            yield number, faulty(LineFault.UNDECODABLE, lines)
        else:
            yield number, cells


def _layout(head: Sequence[str], delimiter: str, source: FolderSource) -> _Layout | None:
    """Return the shape of the rows, by the header among the first lines; None if there is none, or
    if the source names no column.
    """
    if not _is_named(source):
        return None
    received = source.fields.received
    dated = (received,) if isinstance(received, str) else received
    try:
        rows = [
            tuple(cell.strip() for cell in row) for row in csv.reader(head, delimiter=delimiter)
        ]
    except csv.Error:
        return None
    wanted, spelling = set(source.columns), HeaderNames((*source.titles, source.header))
    for number, row in enumerate(rows):
        names, header = spelling.read(row), row
        last_line: tuple[str, ...] = ()
        if not wanted <= set(names):
            lower = next(iter(rows[number + 1 : number + 2]), ())
            names = header = spelling.read_joined(row, lower)
            last_line = lower
        is_header = source.header is None or names[:1] == (source.header,)
        if not is_header or not wanted <= set(names) or not names[1:]:
            continue
        first = number + 2 if last_line else number + 1
        below = [each for each in rows[first:] if any(each)]
        full = [each for each in below if len(each) == len(header)]
        more = Counter(len(each) - len(header) for each in below).most_common(1)
        return _Layout(
            delimiter=delimiter,
            header=header,
            ticket=names.index(source.fields.ticket),
            received=tuple(names.index(name) for name in dated),
            dates=source.dates,
            date_columns=frozenset(
                place for place, column in enumerate(names) if column in source.date_columns
            ),
            trims=not any(not each[-1] for each in full),
            surplus=more[0][0] if more else 0,
            last_line=last_line,
        )
    return None


def _delimiter(head: Sequence[str], source: FolderSource, stated: str | None) -> str:
    """Return the delimiter that gives the most columns of the mapping in a line near the top.

    The stated one wins if others give no more. A spreadsheet program may have saved the file with
    another one, and the header may lack a column: the message then names the column.
    """
    usual = stated or DELIMITERS[0]
    wanted, spelling = set(source.columns), HeaderNames(source.columns)
    lines = [line.replace("\0", "") for line in head]
    best, most = usual, 0
    is_header = _header_check(source)
    for delimiter in dict.fromkeys((usual, *DELIMITERS)):
        rows = csv.reader(readable_head(lines, delimiter, is_header).lines, delimiter=delimiter)
        try:
            found = max((len(wanted.intersection(spelling.read(row))) for row in rows), default=0)
        except csv.Error:
            continue
        if found > most:
            best, most = delimiter, found
        if most == len(wanted):
            break
    return best
