"""Rows of files: XLSX, CSV and JSON Lines, with the header found below any preamble.

A file is read in a stream and never loaded as a whole, if its format allows it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from settings.sources import FolderSource
from tasks.common.flexible_dates import is_serial
from tasks.common.redaction import plain_name
from tasks.common.table_lines import asks_for_secrecy, has_text
from tasks.sources.base import (
    FaultyRow,
    LineAbove,
    MissingColumn,
    OtherTableRow,
    Row,
    Sheet,
    SheetLine,
    UnreadableFile,
    WrongMapping,
)
from tasks.sources.files.delimited import PREAMBLE, delimited_rows
from tasks.sources.files.encodings import has_more_lines, text_of
from tasks.sources.files.headers import (
    HeaderNames,
    is_other_header,
    is_title,
    plain_title,
    similar_title,
    twins,
)
from tasks.sources.files.json_lines import json_rows
from tasks.sources.files.kinds import FileKind, kind_of
from tasks.sources.files.web_pages import web_page_tables
from tasks.sources.files.workbooks import WorkbookSheet, workbook_sheets
from tasks.workbook_reader.covered import CoveredCell


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableFile(f"{path.name}: cannot be opened ({error.strerror})") from None


def read_sheet(path: Path, source: FolderSource) -> Sheet:
    """Read the rows of a file as text; the rows can be iterated once.

    The table of a workbook may be in several visible sheets, and other sheets may precede it. A
    sheet has the table if one of its first rows is the header: the row has all columns of the
    mapping. Titles above the header do no harm. A file is refused if a row of a sheet has more than
    half of the columns, but not all, or has them under similar titles: its complaints would be
    missing.

    Raises :class:`UnreadableFile`, immediately or during the iteration, if the file cannot be read
    or is too large. Raises :class:`WrongMapping` if it lacks a column named by the mapping.
    """
    kind = kind_of(path)
    is_text = kind in (FileKind.JSON_LINES, FileKind.DELIMITED)
    if is_text and has_more_lines(path, source.max_rows, source):
        raise UnreadableFile(f"{path.name}: more than {source.max_rows} rows (max_rows)")
    if kind is FileKind.JSON_LINES:
        lines = _limited(path, json_rows(path, source), source)
        header = next(lines)[1]
        if source.is_exchange:
            return _exchange(header, lines)
        return Sheet(header, lines, ())
    preamble: list[tuple[str, ...]] = []
    others: list[_SheetTable] = []
    tables = (_table(path, sheet, source) for sheet in all_sheets(path, source))
    unread: list[str] = []
    for table in tables:
        if table.is_hidden:
            _note_unread(table, source, unread)
            continue
        preamble += table.above
        if table.is_wanted(source):
            _check_header(path, table, source)
            rows = chain(table.rows, _further_rows(path, tables, table.header, source, unread))
            return Sheet(table.header, rows, tuple(preamble), unread)
        _note_unread(table, source, unread)
        others.append(table)
    closest = max(others, key=lambda table: table.found, default=None)
    if closest is not None and closest.header:
        _check_header(path, closest, source)
    if source.header is None:
        raise UnreadableFile(f"{path.name}: the file is empty")
    raise WrongMapping(
        f"{path.name}: no row begins with '{source.header}'; is this the right file?"
    )


@dataclass(frozen=True, slots=True)
class _SheetTable:
    """The possible table of one sheet: the line of its header, and the mapped columns found in it.

    The header is empty if no row of the sheet may be the header.
    """

    sheet: str
    header: tuple[str, ...]
    line: int
    found: int
    rows: Iterator[Row]
    above: list[tuple[str, ...]]
    is_hidden: bool = False

    def is_wanted(self, source: FolderSource) -> bool:
        """Check whether the sheet has more than half of the mapped columns."""
        return self.found * 2 > len(source.columns)


def _table(path: Path, sheet: WorkbookSheet, source: FolderSource) -> _SheetTable:
    """Find the header of a sheet: the first row with all mapped columns, else the closest row."""
    rows = _limited(path, sheet.rows, source, sheet.name)
    wanted, spelling = set(source.columns), HeaderNames((*source.titles, source.header))
    above: list[tuple[str, ...]] = []
    first: list[tuple[tuple[str, ...], int, int]] = []
    closest: tuple[str, ...] = ()
    line, most = 0, -1
    upper: tuple[str, ...] = ()
    asking: list[Row] = []
    for number, cells in rows:
        names = spelling.read(cells)
        found = len(wanted.intersection(names))
        if found < len(wanted) and upper:
            joined = spelling.read_joined(upper, cells)
            if wanted.issubset(joined):
                names, found = joined, len(wanted)
                asking = [row for row in asking if row[1] != upper]  # a line of the header
        if found == len(wanted):
            below = next(rows, None)
            joined, line = _with_second_line(cells, below, spelling, source), number
            closest, most = joined or names, found
            left = rows if joined or below is None else chain([below], rows)
            rows = _below(path, sheet.name, left, closest, source)
            break
        begins = next(filter(None, names), "") == source.header
        if found > most and (begins or source.header is None):
            closest, line, most = names, number, found
        upper = () if type(cells) is FaultyRow else cells
        first.append((names, number, _likeness(names, source)))
        above.append(cells)
        if source.has_files and type(cells) is not FaultyRow and asks_for_secrecy(cells):
            asking.append((number, LineAbove(cells)))
        if len(above) > PREAMBLE:
            break
    if most < len(wanted) and first:
        names, number, like = max(first, key=lambda each: each[2])
        if like > max(most, len(wanted) // 2):
            closest, line, most = names, number, like
    if source.serial and sheet.days_more:
        rows = _with_days(rows, closest, sheet.days_more, source)
    lines = chain(asking, rows) if most == len(wanted) else rows
    return _SheetTable(sheet.name, closest, line, most, lines, above, sheet.is_hidden)


def _likeness(names: Sequence[str], source: FolderSource) -> int:
    """Return the number of mapped columns that a row has, perhaps under a similar title.

    It is 0 for a row with neither the ticket nor the date of receipt, such as the header of a
    recap.
    """
    columns = source.columns
    if 2 * sum(map(bool, names)) <= len(columns):
        return 0
    others = [name for name in names if name and name not in columns]
    alike = {name for name in columns if name in names or similar_title(name, others)}
    received = source.fields.received
    keys = {source.fields.ticket, *((received,) if isinstance(received, str) else received)}
    return len(alike) if keys & alike else 0


def _below(
    path: Path, sheet: str, rows: Iterable[Row], header: tuple[str, ...], source: FolderSource
) -> Iterator[Row]:
    """Yield the rows below a header, in the order of its columns.

    The header may be repeated, as on each page of a printed register. Below one with another order
    of the columns, as in two exports in one file, the cells are moved. Below the header of another
    table each row is an `OtherTableRow`. Raises :class:`WrongMapping` for a later header without a
    mapped column.
    """
    spelling = HeaderNames((*source.titles, source.header))
    names = {plain_title(name) for name in header if name}
    have_digits = any(name[-1:].isdigit() for name in names)  # most tickets end with one
    ticket = header.index(source.fields.ticket)
    mapped = [at for at, name in enumerate(header) if name in source.columns]
    is_other = False
    order: list[int | None] | None = None
    left, ahead = iter(rows), None
    while (row := ahead or next(left, None)) is not None:
        (line, cells), ahead = row, None
        if (
            type(cells) is not FaultyRow
            and len(cells) > ticket
            and (have_digits or not cells[ticket][-1:].isdigit())
            and plain_title(cells[ticket]) in names
        ):
            below = next(left, None)
            found, is_joined = _repeated(cells, below, spelling, source)
            ahead = None if is_joined else below
            if _is_header(found, source):
                table = _SheetTable(sheet, found, line, 0, iter(()), [])
                _check_header(path, table, source)
                order = None if found[: len(header)] == header else _order(found, header)
                is_other = False
                continue
        if type(cells) is not FaultyRow and is_other_header(cells, header, ticket, mapped):
            is_other = True
            continue
        if is_other and type(cells) is not FaultyRow:
            yield line, OtherTableRow(cells)
        elif order is None or type(cells) is FaultyRow:
            yield line, cells
        else:
            yield line, _moved(cells, order)


def _repeated(
    cells: tuple[str, ...], below: Row | None, spelling: HeaderNames, source: FolderSource
) -> tuple[tuple[str, ...], bool]:
    """Return the names in a row that begins like the header, and whether the next row belongs to it
    as the second line of the header.
    """
    found, wanted = spelling.read(cells), set(source.columns)
    if joined := _with_second_line(cells, below, spelling, source):
        return joined, True
    if below is None or type(below[1]) is FaultyRow or wanted.issubset(found):
        return found, False
    joined = spelling.read_joined(cells, below[1])
    return (joined, True) if wanted.issubset(joined) else (found, False)


def _with_second_line(
    upper: tuple[str, ...], below: Row | None, spelling: HeaderNames, source: FolderSource
) -> tuple[str, ...]:
    """Return the names in a header of two lines if its first line already has all mapped columns:
    the other columns may be named below a group. Empty if the next row is not a second line.

    A second line has only titles, and nothing of its own below the title of the ticket.
    """
    if below is None or type(below[1]) is FaultyRow:
        return ()
    lower = below[1]
    own = {at for at, cell in enumerate(lower) if cell.strip() and type(cell) is not CoveredCell}
    titles = all(is_title(lower[at]) for at in own)
    names = spelling.read(upper)
    if len(own) < 2 or not titles or source.fields.ticket not in names:
        return ()
    if names.index(source.fields.ticket) in own:
        return ()
    joined = spelling.read_joined(upper, lower)
    return joined if all(joined.count(name) == 1 for name in source.columns) else ()


def _is_header(names: Sequence[str], source: FolderSource) -> bool:
    """Check whether a row has the names of more than half of the mapped columns."""
    return 2 * len(set(source.columns).intersection(names)) > len(source.columns)


def _order(header: Sequence[str], wanted: Sequence[str]) -> list[int | None]:
    """Return the index of each wanted column in another header, or None."""
    places = {name: at for at, name in reversed(list(enumerate(header))) if name}
    return [places.get(name) for name in wanted]


def _moved(cells: tuple[str, ...], order: Sequence[int | None]) -> tuple[str, ...]:
    return tuple("" if at is None or at >= len(cells) else cells[at] for at in order)


def _further_rows(
    path: Path,
    tables: Iterator[_SheetTable],
    header: tuple[str, ...],
    source: FolderSource,
    unread: list[str],
) -> Iterator[Row]:
    """Yield the rows of the following sheets with the same table, in the order of its columns."""
    for table in tables:
        if table.is_hidden or not table.is_wanted(source):
            _note_unread(table, source, unread)
            continue
        _check_header(path, table, source)
        if table.header == header:
            yield from table.rows
            continue
        order = _order(table.header, header)
        for line, cells in table.rows:
            is_moved = type(cells) not in (FaultyRow, LineAbove, OtherTableRow)
            yield line, _moved(cells, order) if is_moved else cells


def _note_unread(table: _SheetTable, source: FolderSource, unread: list[str]) -> None:
    """Note the name of a sheet that is not read, if it has rows with several cells."""
    rows = (cells for cells in table.above if sum(map(has_text, zip(cells, strict=True))) > 1)
    if table.sheet and (table.is_wanted(source) or len(list(islice(rows, 2))) > 1):
        unread.append(plain_name(table.sheet))


def _with_days(
    rows: Iterable[Row], header: Sequence[str], days: int, source: FolderSource
) -> Iterator[Row]:
    """Add days to the serial numbers of dates, for a workbook with another first day."""
    dates = {at for at, name in enumerate(header) if name in source.date_columns}
    for line, cells in rows:
        if type(cells) is OtherTableRow:
            yield line, cells
            continue
        yield (
            line,
            tuple(
                str(float(cell) + days) if at in dates and is_serial(cell) else cell
                for at, cell in enumerate(cells)
            ),
        )


def any_file(delimiter: str | None = None) -> FolderSource:
    """Return a source without a mapping; it reads any file as written, with no column named."""
    return FolderSource.model_validate(
        {
            "folder": ".",
            "layout": "history",
            "zone": "UTC",
            "dates": ["%Y-%m-%d"],
            "fields": {"ticket": "", "received": ""},
            "events": [{"column": "", "kind": "verified"}],
            "delimiter": delimiter,
        }
    )


def raw_sheets(path: Path, source: FolderSource) -> Iterator[WorkbookSheet]:
    """Yield the visible sheets of a workbook or the tables of a web page, unchanged and with no
    limit; any other file is one sheet.
    """
    yield from (sheet for sheet in all_sheets(path, source) if not sheet.is_hidden)


def all_sheets(path: Path, source: FolderSource) -> Iterator[WorkbookSheet]:
    """Yield the sheets as :func:`raw_sheets` does, and then the hidden ones of a workbook."""
    kind = kind_of(path)
    if kind is FileKind.WORKBOOK:
        yield from workbook_sheets(path, source)
    elif kind is FileKind.WEB_PAGE:
        for name, rows in web_page_tables(path, source):
            yield WorkbookSheet(name, rows)
    else:
        yield WorkbookSheet("", delimited_rows(path, source))


def limited_sheets(path: Path, source: FolderSource) -> Iterator[Iterator[Row]]:
    """Yield the rows of each sheet unchanged, including those above the header, for a file without
    a mapping.
    """
    for sheet in raw_sheets(path, source):
        yield _limited(path, sheet.rows, source, sheet.name)


def first_lines(path: Path, source: FolderSource) -> tuple[str, list[str]]:
    """Return the encoding of a text file and its first lines."""
    with text_of(path, source) as text:
        return text.encoding, list(islice(text, PREAMBLE))


def _check_header(path: Path, table: _SheetTable, source: FolderSource) -> None:
    """Refuse a header without a mapped column, or with a mapped column more than once.

    Titles that differ only in letter case or spaces are one column: of two cells with dates it is
    not known which one counts.
    """
    header = table.header
    twice = [name for name in source.columns if header.count(name) > 1]
    if twice:
        raise WrongMapping(
            f"{_where(path, table.sheet)}, line {table.line}: the column '{twice[0]}' occurs"
            f" {header.count(twice[0])} times. Rename or remove all but one of them in the file or"
            " in the system that makes it"
        )
    alike = [twins(name, header, source.titles) for name in source.columns]
    if several := next((cells for cells in alike if len(cells) > 1), None):
        named = ", ".join(f"'{cell}'" for cell in several)
        raise WrongMapping(
            f"{_where(path, table.sheet)}, line {table.line}: the columns {named} differ only in"
            " letter case or spaces. Rename or remove all but one of them in the file or in the"
            " system that makes it"
        )
    missing = next((name for name in source.columns if name not in header), None)
    if missing is not None:
        close = similar_title(missing, (name for name in header if name not in source.columns))
        hint = f"{_columns_of(header, source)}." if close is None else f"; did you mean `{close}`?"
        raise MissingColumn(
            f"{_where(path, table.sheet)}: no column '{missing}'{hint} Give the column its title"
            f" '{missing}' back in the file. If the new title stays, correct the mapping in"
            " sources.toml (`tenggat source learn FILE` proposes it)",
            place=f"{path.name}/{table.sheet}".rstrip("/"),
            column=missing,
            near=close,
        )


def _columns_of(header: Sequence[str], source: FolderSource) -> str:
    """Return the mapped columns of a file, for the error text.

    The first row may be data about a person, so no other cell of it is quoted.
    """
    if source.header is None:
        return ""
    known = [name for name in header if name in source.columns]
    others = len(header) - len(known)
    return f"; the file has {', '.join(known) or 'none of the mapped columns'}" + (
        f" and {others} columns without a mapping" if others else ""
    )


def _where(path: Path, sheet: str) -> str:
    return f"{path.name}, sheet '{sheet}'" if sheet else path.name


def _limited(
    path: Path, rows: Iterable[Row], source: FolderSource, sheet: str = ""
) -> Iterator[Row]:
    """Reject too many rows and columns, leave empty rows out, and name the sheet in each line."""
    for number, cells in rows:
        if number > source.max_rows:
            raise UnreadableFile(f"{path.name}: more than {source.max_rows} rows (max_rows)")
        if len(cells) > source.max_columns:
            raise UnreadableFile(
                f"{_where(path, sheet)}, line {number}: more than {source.max_columns} columns"
                " (max_columns)"
            )
        line = SheetLine.of(number, sheet) if sheet else number
        if type(cells) is FaultyRow:
            yield line, cells
        elif has_text(cells):
            if "\0" in "".join(cells):  # databases reject NUL
                yield line, tuple(cell.replace("\0", "") for cell in cells)
            else:
                yield line, cells


def _exchange(header: tuple[str, ...], lines: Iterator[Row]) -> Sheet:
    """Split off the first lines of the exchange format, about its sources, as the preamble."""
    ticket, until = header.index("ticket"), header.index("exported_at")
    above: list[tuple[str, ...]] = []
    for line, cells in lines:
        if len(cells) != len(header) or cells[ticket] or not cells[until]:
            return Sheet(header, chain([(line, cells)], lines), tuple(above))
        above.append(cells)
    return Sheet(header, lines, tuple(above))
