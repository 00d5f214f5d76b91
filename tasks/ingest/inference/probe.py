"""Read a file without a mapping: find its header, its columns and its time."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path

from settings.mapping import EMPTY_SIGNS
from settings.sources import FolderSource
from sla.folding import folded
from tasks.common.dates import parse_datetime
from tasks.common.table_lines import (
    MOST_TEXTS,
    has_column_numbers,
    has_only_totals,
    is_heading,
    is_note,
    is_text,
)
from tasks.ingest.inference.column_types import (
    FORMATS,
    ColumnSample,
    clerks_date,
    event_of,
    named,
    names_step,
)
from tasks.ingest.inference.unlearnable import UnlearnableFile
from tasks.ingest.inference.vocabulary import KNOWN_TITLES, ONLY_TIME, canonical
from tasks.sources.base import FaultyRow, Row, UnreadableFile, position_of
from tasks.sources.files.delimited import DELIMITERS, PREAMBLE
from tasks.sources.files.headers import SMALLEST_HEADER, is_other_header, plain_title
from tasks.sources.files.kinds import FileKind, kind_of
from tasks.sources.files.quotation_marks import has_lines, has_titles, readable_head
from tasks.sources.files.reader import any_file, first_lines, limited_sheets

_NOTHING = frozenset(EMPTY_SIGNS) - {"belum"}  # which may be a status

ENOUGH = 20_000
"""Number of rows read to learn the content of a file."""

LAPOR = ("Tracking ID", "Tanggal Laporan Masuk", "Status Laporan")
"""Columns identifying an export of SP4N-LAPOR!."""

_DAY = r"(?P<Y>20\d\d)(?P<a>[-_.]?)(?P<m>[01]\d)(?P=a)(?P<d>[0-3]\d)"
_HOUR = r"(?:(?P<b>[-_ T]+)(?P<H>[0-2]\d)(?P<c>[-.]?)(?P<M>[0-5]\d)(?:(?P=c)(?P<S>[0-5]\d))?)?"
_PERIOD = re.compile(r"\(20\d\d-\d\d-\d\d\) ?- ?\(20\d\d-\d\d-\d\d\)")


@dataclass(frozen=True, slots=True)
class ProbedTable:
    """The content of a file, as far as visible without a mapping.

    `name_form` is the file name with its time replaced by a format. `made_cell` is the label next
    to the time in the preamble, and the format of this time.
    """

    path: Path
    columns: tuple[ColumnSample, ...]
    rows: int
    header_line: int
    delimiter: str | None
    encoding: str | None
    name_form: str | None
    made_cell: tuple[str, str] | None
    period_cell: str | None = None
    """The label in the preamble next to the days for which the file is complete."""
    untitled: tuple[ColumnSample, ...] = ()
    """The columns without a title, each with the title of the column before it as its name."""
    open_marks: tuple[str, ...] = ()
    """The lines of the header that are read without an open quotation mark in them."""

    @property
    def suffix(self) -> str:
        """Return '.csv', or '.csv.gz'."""
        suffixes = self.path.suffixes
        packed = suffixes[-1:] == [".gz"]
        return "".join(suffixes[-2:] if packed else suffixes[-1:])

    @property
    def lapor(self) -> bool:
        """Return whether it is an export of SP4N-LAPOR!."""
        return set(map(folded, LAPOR)) <= {folded(column.name) for column in self.columns}

    @property
    def exchange(self) -> bool:
        """Return whether it is in the exchange form of another installation."""
        return set(EXCHANGE) <= {column.name for column in self.columns}


EXCHANGE = ("ticket", "source", "received", "events")
"""Keys identifying a line of the exchange form."""


def table_of(path: Path) -> ProbedTable:
    """Read a file without a mapping; raises `UnreadableFile` if it has no rows and columns."""
    delimiter = encoding = None
    open_marks: tuple[str, ...] = ()
    if path.name.lower().endswith(".zip"):
        raise UnreadableFile(f"{path.name}: name one of the files in it")
    kind = kind_of(path)
    if kind is FileKind.JSON_LINES:
        above: list[tuple[str, ...]] = []
        line, header, bare = 0, *_json(path)
        rows = list(enumerate(bare, start=1))
    else:
        if kind is FileKind.DELIMITED:
            encoding, head = first_lines(path, any_file())
            delimiter = _delimiter(head)
            mended = readable_head(head, delimiter, has_titles).mended
            open_marks = tuple(str(at + 1) for at in mended)
        found = _sheets(path, any_file(delimiter))
        above, line, header = found[0].above, found[0].line, found[0].header
        rows = [row for sheet in found for row in sheet.rows]
        if not rows and found[0].torn:
            raise UnlearnableFile("open_mark", file=path.name, line=found[0].torn[0])
    if not rows:
        raise UnreadableFile(
            f"{path.name}: a header and no rows; use the register of last year with these columns,"
            " or fill in one row with a number and the date of receipt (the first complaint, or an"
            " example) and use the file again"
        )
    columns = tuple(_sample(name, place, rows) for place, name in enumerate(header) if name)
    return ProbedTable(
        path,
        columns,
        len(rows),
        line,
        delimiter,
        encoding,
        _name_form(path.name),
        _made_cell(above),
        _period_cell(above),
        tuple(_untitled(header, rows)),
        open_marks,
    )


def _untitled(header: Sequence[str], rows: Sequence[Row]) -> Iterator[ColumnSample]:
    """Yield the columns without a title that have a titled one before them."""
    before = ""
    for place, name in enumerate(header):
        if before and not name:
            yield _sample(before, place, rows)
        before = name or before


def _sample(name: str, place: int, rows: Sequence[Row]) -> ColumnSample:
    """Return a column with its filled cells and their lines."""
    cells = ((line, row[place].strip() if place < len(row) else "") for line, row in rows)
    filled = [(line, cell) for line, cell in cells if _is_filled(cell)]
    positions = (position_of(line) for line, _ in filled)
    return ColumnSample(name, place, tuple(cell for _, cell in filled), len(rows), tuple(positions))


@dataclass(frozen=True, slots=True)
class _ProbedSheet:
    """A sheet with a header: the rows above it, its line, its columns, the rows below it, and the
    lines of those that are torn.
    """

    above: list[tuple[str, ...]]
    line: int
    header: tuple[str, ...]
    rows: list[Row]
    torn: list[str]


def _sheets(path: Path, source: FolderSource) -> list[_ProbedSheet]:
    """Return the sheet with the largest table, and the other sheets with the same columns."""
    found, is_empty, torn = [], True, ""
    for lines in limited_sheets(path, source):
        first = list(islice(lines, PREAMBLE))
        is_empty = is_empty and not any(cell.strip() for _, cells in first for cell in cells)
        place = _header(first)
        if place is not None:
            above = [cells for _, cells in first[:place]]
            header = tuple(cell.strip() for cell in first[place][1])
            if joined := _joined(header, first[place + 1 : place + 2]):
                header, place = joined, place + 1
            below = (*first[place + 1 :], *islice(lines, ENOUGH))
            rows = list(_own_rows(header, below))
            faulty = [position_of(line) for line, cells in below if isinstance(cells, FaultyRow)]
            found.append(_ProbedSheet(above, int(first[place][0]), header, rows, faulty))
        torn = torn or _torn_line(first, source.delimiter)
    if is_empty:
        raise UnreadableFile(f"{path.name}: the file is empty")
    if not found and torn:
        raise UnlearnableFile("open_mark", file=path.name, line=torn)
    if not found:
        raise UnreadableFile(f"{path.name}: no header: no row near the top names the columns")
    largest = max(found, key=lambda sheet: len(sheet.rows) * len(sheet.header))
    titles = _titles(largest.header)
    others = (each for each in found if each is not largest)
    return [largest, *(each for each in others if _titles(each.header) == titles)]


def _torn_line(rows: Iterable[Row], delimiter: str | None) -> str:
    """Return the first line whose quotation mark is not closed in it; empty if there is none."""
    for line, cells in rows:
        if isinstance(cells, FaultyRow) or (delimiter and has_lines(cells, delimiter)):
            return position_of(line)
    return ""


def _own_rows(header: tuple[str, ...], rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the rows of a table without repeated headers, other lines and another table below."""
    columns = [ColumnSample(name, place, (), 0) for place, name in enumerate(header) if name]
    places = [column.place for column in columns]
    ticket = next((column.place for column in named(columns, "ticket")), None)
    titles, is_other = _titles(header), False
    for line, cells in rows:
        if isinstance(cells, FaultyRow):
            continue
        if _titles(cells) == titles:
            is_other = False
        elif ticket is not None and is_other_header(cells, header, ticket, places):
            is_other = True
        elif not is_other and _is_row(cells, ticket):
            yield line, cells


def _titles(cells: Iterable[str]) -> tuple[str, ...]:
    """Return the titles of a header without their spelling, and without empty cells at the end."""
    titles = [plain_title(cell) for cell in cells]
    while titles and not titles[-1]:
        titles.pop()
    return tuple(titles)


def _is_filled(cell: str) -> bool:
    """Check whether a cell has a value: not empty, and no sign for 'nothing'."""
    return any(map(str.isalnum, cell)) and cell.casefold() not in _NOTHING


def _json(path: Path) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    found = []
    try:
        with path.open(encoding="utf-8-sig") as file:
            for line in islice(file, ENOUGH):
                one = json.loads(line) if line.strip() else None
                if isinstance(one, dict):
                    found.append(one)
    except (OSError, ValueError) as error:
        raise UnreadableFile(f"{path.name}: no readable JSON Lines ({error})") from None
    names = tuple(dict.fromkeys(key for one in found for key in one))
    values = [tuple(one.get(name) for name in names) for one in found]
    return names, [tuple("" if v is None else str(v) for v in row) for row in values]


def _delimiter(head: Sequence[str]) -> str:
    """Find the delimiter cutting the most lines into equally many cells."""

    def agreement(delimiter: str) -> int:
        try:
            lines = readable_head(head, delimiter, has_titles).lines
            widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter) if row)
        except csv.Error:
            return 0
        return max(((width - 1) * number for width, number in widths.items()), default=0)

    return max(DELIMITERS, key=agreement)


def _header(rows: Sequence[Row]) -> int | None:
    """Find the header: the first row, or two rows, about as wide as the widest, with words only.

    Without one, it is the first row of words that are mostly known titles: other columns may have
    no title.
    """
    widest = max((sum(map(bool, cells)) for _, cells in rows), default=0)
    narrow: int | None = None
    for place, (_, cells) in enumerate(rows):
        texts = tuple(cell.strip() for cell in cells)
        titles = list(filter(None, texts))
        if len(titles) < 2 or len(set(titles)) < len(titles) or any(map(_no_word, titles)):
            continue
        if len(titles) >= widest * 0.7:
            return place
        if len(list(filter(None, _joined(texts, rows[place + 1 : place + 2])))) >= widest * 0.7:
            return place
        if narrow is None and len(titles) >= SMALLEST_HEADER:
            known = sum(canonical(title) in KNOWN_TITLES for title in titles)
            narrow = place if 2 * known > len(titles) else None
    return narrow


def _joined(upper: tuple[str, ...], below: Sequence[Row]) -> tuple[str, ...]:
    """Return the names in a header of two lines; empty if the row below it has no names, or is the
    first complaint.

    A name that occurs twice in the second line gets the name of its group before it, and so does
    the date or the hour of a step: `Tanggal` below `Selesai` is no date of receipt. The same is
    true of a step below `Tanggal` that may be another thing without this word: `Disposisi`.
    """
    lower = tuple(cell.strip() for _, cells in below for cell in cells)
    named = list(filter(None, lower))
    if len(named) < 2 or any(map(_no_word, named)) or any(map(clerks_date, named)):
        return ()
    if _is_complaint(upper, lower):
        return ()
    names, group = [], ""
    for above, name in zip_longest(upper, lower, fillvalue=""):
        group = above or group
        shared = name and (lower.count(name) > 1 or _is_of_step(group, name))
        names.append(f"{group} {name}" if shared else name or above)
    whole = list(filter(None, names))
    return tuple(names) if len(set(whole)) == len(whole) else ()


def _is_of_step(group: str, name: str) -> bool:
    """Check whether a name in the second line of a header is the time of a step only with the name
    of its group.
    """
    if canonical(name) in ONLY_TIME:
        return names_step(canonical(group))
    alone, both = (ColumnSample(title, 0, (), 0) for title in (name, f"{group} {name}"))
    return canonical(group) in ONLY_TIME and event_of(alone) is None and event_of(both) is not None


def _is_complaint(titles: Sequence[str], cells: Sequence[str]) -> bool:
    """Check whether the row below the titles is a complaint, and not a second line of the header.

    It has a digit below the title of the ticket or of the receipt: 'P-1', '2/XI/2026'. Or each of
    its cells has a title of its own, and is not one itself. Below a merged title of the two lines
    the cell repeats it.
    """
    columns = [ColumnSample(name, place, (), 0) for place, name in enumerate(titles) if name]
    own = {column.place for name in ("ticket", "received") for column in named(columns, name)}
    filled = {place: cell for place, cell in enumerate(cells) if cell}
    if any(place in own and any(map(str.isdigit, cell)) for place, cell in filled.items()):
        return True
    titled = {column.place: column.name for column in columns}
    known = KNOWN_TITLES | ONLY_TIME
    return not any(
        place not in titled or cell == titled[place] or canonical(cell) in known
        for place, cell in filled.items()
    )


def _is_row(cells: Sequence[str], ticket: int | None) -> bool:
    """Check whether a line may be a row of the table: no total, no column numbers, no text."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    noted = ticket is not None and any(map(is_note, cells[ticket : ticket + 1]))
    texts = (is_text(cell) or is_heading(cell) or (noted and is_note(cell)) for cell in filled)
    few = len(filled) <= MOST_TEXTS and all(texts)
    return not (few or has_only_totals(filled) or has_column_numbers(filled))


def _no_word(cell: str) -> bool:
    return not any(sign.isalpha() for sign in cell) or len(cell) > 100 or "@" in cell


def _name_form(name: str) -> str | None:
    found = re.search(_DAY + _HOUR, name)
    if found is None:
        return None
    part = found.groupdict()
    form = f"%Y{part['a']}%m{part['a']}%d"
    if part["H"]:
        form += f"{part['b']}%H{part['c']}%M" + (f"{part['c']}%S" if part["S"] else "")
    whole = name[: found.start()].replace("%", "%%") + form + name[found.end() :].replace("%", "%%")
    try:
        parse_datetime(name, whole)
    except ValueError:
        return None
    return whole


def _period_cell(above: Sequence[tuple[str, ...]]) -> str | None:
    """Find the label next to a period in the preamble: (2026-11-01) - (2026-11-30)."""
    for cells in above:
        filled = [cell.strip() for cell in cells if cell.strip()]
        if len(filled) == 2 and _PERIOD.fullmatch(filled[1]):
            return filled[0]
    return None


def _made_cell(above: Sequence[tuple[str, ...]]) -> tuple[str, str] | None:
    """Find the label next to a time in the preamble."""
    for cells in above:
        told = [cell.strip() for cell in cells if cell.strip()]
        if len(told) < 2:
            continue
        for form in FORMATS:
            try:
                parse_datetime(told[1], form)
            except (ValueError, OverflowError):
                continue
            return told[0], form
    return None
