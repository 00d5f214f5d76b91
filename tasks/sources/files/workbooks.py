"""Read the rows of a workbook: XLSX, XLS and ODS."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook

from settings.sources import FolderSource
from tasks.sources.base import Row, UnreadableFile
from tasks.sources.files.encodings import CHUNK

WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")

MOST_CELLS = 5_000_000
"""Limit of cells in a sheet of a workbook, including empty ones: each takes up to 72 bytes while
the sheet is read.
"""


def workbook_rows(path: Path, source: FolderSource) -> Iterator[Row]:
    """Read every row of the first sheet of a workbook."""
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
