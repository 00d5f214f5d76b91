"""Rows of files: XLSX, CSV and JSON Lines, with the header found below any preamble.

A file is read in a stream and never loaded as a whole, if its format allows it.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path, PurePath
from zoneinfo import ZoneInfo

from python_calamine import CalamineError, CalamineWorkbook

from settings.sources import ExchangeSource, FolderSource
from tasks.common.dates import parse_datetime
from tasks.sources.base import FaultyRow, Row, UnreadableFile, WrongMapping
from tasks.sources.files.delimited import PREAMBLE, delimited_rows
from tasks.sources.files.encodings import CHUNK, text_of
from tasks.sources.files.json_lines import json_rows

WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")

MOST_CELLS = 5_000_000
"""Limit of cells in a sheet of a workbook, including empty ones: each takes up to 72 bytes while
the sheet is read.
"""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a file below its header, with line numbers, and the rows above the header."""

    header: tuple[str, ...]
    rows: Iterator[Row]
    preamble: tuple[tuple[str, ...], ...]


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableFile(f"{path.name}: cannot be opened ({error.strerror})") from None


def read_sheet(path: Path, source: FolderSource) -> Sheet:
    """Read the rows of a file as text; the rows can be iterated once.

    Raises :class:`UnreadableFile`, immediately or during the iteration, if the file cannot be read
    or is too large. Raises :class:`WrongMapping` if it lacks a column named by the mapping.
    """
    lines = _limited(path, _lines(path, source), source)
    if _suffix(path) == ".jsonl":
        header = next(lines)[1]
        if isinstance(source, ExchangeSource):
            return _exchange(header, lines)
        return Sheet(header, lines, ())
    above: list[tuple[str, ...]] = []
    for number, cells in lines:
        if source.header is None or (cells and cells[0].strip() == source.header):
            header = tuple(cell.strip() for cell in cells)
            _check_header(path, header, source, place=f", line {number}")
            return Sheet(header, lines, tuple(above))
        above.append(cells)
        if len(above) > PREAMBLE:
            break
    if source.header is None:
        raise UnreadableFile(f"{path.name}: the file is empty")
    raise WrongMapping(
        f"{path.name}: no row begins with '{source.header}'; is this the right file?"
    )


def raw_rows(path: Path, source: FolderSource) -> Iterator[Row]:
    """Return every row unchanged, including those above the header, for a file without a
    mapping.
    """
    return _limited(path, _lines(path, source), source)


def first_lines(path: Path, source: FolderSource) -> tuple[str, list[str]]:
    """Return the encoding of a text file and its first lines."""
    with text_of(path, source) as text:
        return text.encoding, list(islice(text, PREAMBLE))


def _check_header(
    path: Path, header: Sequence[str], source: FolderSource, *, place: str = ""
) -> None:
    """Refuse a header without a mapped column, or with a mapped column more than once.

    `place` is the line, and the sheet of a workbook, for the error text.
    """
    twice = [name for name in source.columns if header.count(name) > 1]
    if twice:
        raise WrongMapping(
            f"{path.name}{place}: the column '{twice[0]}' occurs {header.count(twice[0])} times."
            " Rename or remove all but one of them in the file or in the system that makes it"
        )
    missing = [name for name in source.columns if name not in header]
    if missing:
        raise WrongMapping(
            f"{path.name}: no column '{missing[0]}'{_instead(missing[0], header, source)}."
            " Correct the mapping in sources.toml"
        )


def _instead(column: str, header: Sequence[str], source: FolderSource) -> str:
    """Return a hint for the error text: the columns of the file, or a similar name.

    Without a configured header the first row may be data about a person, so it is not quoted as a
    whole.
    """
    if source.header is None:
        close = difflib.get_close_matches(column, header, n=1)
        return f"; did you mean `{close[0]}`?" if close else ""
    return f"; the file has {', '.join(header)}"


def _limited(path: Path, rows: Iterable[Row], source: FolderSource) -> Iterator[Row]:
    for number, cells in rows:
        if number > source.max_rows:
            raise UnreadableFile(f"{path.name}: more than {source.max_rows} rows (max_rows)")
        if len(cells) > source.max_columns:
            raise UnreadableFile(
                f"{path.name}, line {number}: more than {source.max_columns} columns (max_columns)"
            )
        if type(cells) is FaultyRow:
            yield number, cells
        elif any(cells):
            yield number, tuple(cell.replace("\0", "") for cell in cells)  # databases reject NUL


def _lines(path: Path, source: FolderSource) -> Iterator[Row]:
    suffix = _suffix(path)
    if suffix in WORKBOOKS:
        return _workbook(path, source)
    if suffix == ".jsonl":
        return json_rows(path, source)
    return delimited_rows(path, source)


def _suffix(path: Path) -> str:
    """Return the kind of a file by its name, compressed or not."""
    return PurePath(path.name.lower().removesuffix(".gz")).suffix


def _workbook(path: Path, source: FolderSource) -> Iterator[Row]:
    if path.suffix.lower() == ".gz":
        raise UnreadableFile(f"{path.name}: a workbook is compressed already; unpack it")
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                _check_size(path, packed, source)
        sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0)
        first = (sheet.start or (0, 0))[0] + 1
        for number, row in enumerate(sheet.iter_rows(), start=first):
            yield number, tuple(_text(cell) for cell in row)
    except (CalamineError, OSError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise UnreadableFile(f"{path.name}: no readable workbook ({error})") from None


def _check_size(path: Path, packed: zipfile.ZipFile, source: FolderSource) -> None:
    """Reject a workbook that would fill the memory, because it is loaded as a whole.

    The sizes stated in the archive are not trusted: the members are unpacked and counted. A sheet
    needs memory for all cells between its corners, so its corners are checked as well.
    """
    left = source.max_unpacked_mb << 20
    for member in packed.infolist():
        member.file_size = left + 2 * CHUNK
        rows, columns, tail = 0, 0, b""
        in_sheet = "worksheets/" in member.filename
        with packed.open(member) as content:
            while chunk := content.read(CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise UnreadableFile(
                        f"{path.name}: more than {source.max_unpacked_mb} MB unpacked"
                        " (max_unpacked_mb)"
                    )
                if in_sheet:
                    places = _PLACE.findall(tail + chunk)
                    tail = chunk[-20:]
                    rows = max(rows, max((int(row) for _, row in places), default=0))
                    columns = max([columns, *map(_column, {column for column, _ in places})])
        if rows > source.max_rows:
            raise UnreadableFile(f"{path.name}: more than {source.max_rows} rows (max_rows)")
        if columns > source.max_columns:
            raise UnreadableFile(
                f"{path.name}: more than {source.max_columns} columns (max_columns)"
            )
        if rows * columns > MOST_CELLS:
            raise UnreadableFile(
                f"{path.name}: more than {MOST_CELLS} cells in a sheet; save it as CSV"
            )


_PLACE = re.compile(rb"""\br=["']([A-Z]{1,3})(\d{1,9})""")


def _column(letters: bytes) -> int:
    """Return the number of a column: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _text(cell: object) -> str:
    """Return a workbook's cell as a person reads it: a whole number has no decimals."""
    if cell is None:
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _exchange(header: tuple[str, ...], lines: Iterator[Row]) -> Sheet:
    """Split off the first lines of the exchange format, about its sources, as the preamble."""
    ticket, until = header.index("ticket"), header.index("exported_at")
    above: list[tuple[str, ...]] = []
    for line, cells in lines:
        if len(cells) != len(header) or cells[ticket] or not cells[until]:
            return Sheet(header, chain([(line, cells)], lines), tuple(above))
        above.append(cells)
    return Sheet(header, lines, tuple(above))


def told_time(path: Path, sheet: Sheet | None, source: FolderSource) -> datetime | None:
    """Return the time of creation stated in a file's name or preamble; None if there is none.

    If only the day is stated, the function returns its end, and :func:`not_before` its start.
    """
    if isinstance(source, ExchangeSource) and not source.observed.file_name:
        return _exported_at(sheet)
    told, form = "", source.observed.format
    if source.observed.file_name:
        told, form = path.name, source.observed.file_name
        if not form.endswith(".gz"):
            told = told.removesuffix(".gz")
    elif source.observed.cell and sheet is not None:
        told = _beside(source.observed.cell, sheet)
    try:
        made = parse_datetime(told, form)
    except ValueError:
        return None
    if made.tzinfo is None:
        made = made.replace(tzinfo=_zone(source))
    return made.replace(hour=23, minute=59, second=59) if source.observed.by_day else made


def _exported_at(sheet: Sheet | None) -> datetime | None:
    """Return the time of export stated in a file of the exchange format, or None."""
    if sheet is None or not sheet.preamble:
        return None
    try:
        told = datetime.fromisoformat(sheet.preamble[0][sheet.header.index("exported_at")])
    except ValueError:
        return None
    return told if told.tzinfo is not None else None


def written_at(path: Path) -> datetime:
    """Return the time of the last change of a file, used if it does not state its time of
    creation.
    """
    return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)


def _zone(source: FolderSource) -> ZoneInfo:
    return ZoneInfo(source.observed.zone or source.zone)


def _beside(label: str, sheet: Sheet) -> str:
    """Return the preamble cell next to a label."""
    for cells in sheet.preamble:
        if cells and cells[0].strip() == label:
            return next((cell.strip() for cell in cells[1:] if cell.strip()), "")
    return ""
