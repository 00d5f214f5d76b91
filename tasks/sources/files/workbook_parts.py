"""Read from the XML of a workbook the facts that its reader (calamine) leaves out.

These are the results of formulas with an error, the merged cells of an ODS file, and the date
system of an XLSX file. The size of a workbook is checked on the way.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element

from defusedxml import ElementTree

from settings.sources import FolderSource
from tasks.sources.base import NO_RESULT, UnreadableFile
from tasks.sources.files.encodings import CHUNK

MOST_CELLS = 5_000_000
"""Limit of cells in a sheet of a workbook, including empty ones: each takes up to 72 bytes while
the sheet is read.
"""

DAYS_TO_1904 = 1462
"""The days between the first days of the two date systems of spreadsheets."""

Cell = tuple[int, int]
Range = tuple[Cell, Cell]

_OVERLAP = 2048
"""Bytes of a sheet that are searched again with the next chunk: more than a cell with an error."""

_PLACE = re.compile(rb"""\br=["']([A-Z]{1,3})(\d{1,9})""")
_UNSOLVED = (b't="e"', b"</f></c>", b"</f><v/>", b"</f><v />", b"</f><v></v>")
_FORMULA = rb"(?:<f[^>]*/>|<f[^>]*>[^<]*</f>)"
_ERROR = re.compile(
    rb'<c r="([A-Z]{1,3})(\d{1,9})"[^>]*\bt="e"[^>]*>' + _FORMULA + rb"?<v>([^<]*)</v>"
)
_NOT_CALCULATED = re.compile(
    rb'<c r="([A-Z]{1,3})(\d{1,9})"((?![^>]*\bt="str")[^>]*)>'
    + _FORMULA
    + rb"(?:<v ?/>|<v></v>)?</c>"
)
_DATES_FROM_1904 = re.compile(rb'date1904="(?:1|true|on)"')

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_ERROR_TYPE = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}value-type"


@dataclass(slots=True)
class WorkbookParts:
    """The facts by name of sheet: errors of formulas by cell, and the merged ranges of ODS.

    Rows and columns count from 0.
    """

    errors: dict[str, dict[Cell, str]] = field(default_factory=dict)
    merged: dict[str, list[Range]] = field(default_factory=dict)
    days_more: int = 0
    """Days to add to the serial number of a date."""


def workbook_parts(path: Path, source: FolderSource) -> WorkbookParts:
    """Check the size of an XLSX or ODS file, and return its facts.

    Reject a workbook that would fill the memory, because it is loaded as a whole. The sizes stated
    in the archive are not trusted: the members are unpacked and counted. A sheet needs memory for
    all cells between its corners, so its corners are checked as well.
    """
    parts = WorkbookParts()
    with zipfile.ZipFile(path) as packed:
        left = source.max_unpacked_mb << 20
        errors: dict[str, dict[Cell, str]] = {}
        for member in packed.infolist():
            member.file_size = left + 2 * CHUNK
            scan = _SheetScan() if "worksheets/" in member.filename else None
            for chunk in _chunks(packed, member):
                left -= len(chunk)
                if left < 0:
                    raise UnreadableFile(
                        f"{path.name}: more than {source.max_unpacked_mb} MB unpacked"
                        " (max_unpacked_mb)"
                    )
                if scan is not None:
                    scan.add(chunk)
            if scan is not None:
                _check_corners(path, scan, source)
                if scan.errors:
                    errors[member.filename] = scan.errors
        names = packed.namelist()
        if "xl/workbook.bin" in names:
            raise UnreadableFile(
                f"{path.name}: no readable workbook (it is a binary workbook; save it as .xlsx)"
            )
        if "content.xml" in names:
            _add_ods(parts, packed)
        elif "xl/workbook.xml" in names:
            if source.serial and _DATES_FROM_1904.search(packed.read("xl/workbook.xml")):
                parts.days_more = DAYS_TO_1904
            if errors:
                files = _sheet_files(packed)
                parts.errors = {
                    name: errors[file] for name, file in files.items() if file in errors
                }
    return parts


class _SheetScan:
    """Searches a sheet of an XLSX file for its corners and for formulas without a result."""

    def __init__(self) -> None:
        self.rows = self.columns = 0
        self.errors: dict[Cell, str] = {}
        self._tail = b""

    def add(self, chunk: bytes) -> None:
        """Search the next part of the sheet."""
        window = self._tail[-20:] + chunk
        places = _PLACE.findall(window)
        self.rows = max(self.rows, max((int(row) for _, row in places), default=0))
        self.columns = max([self.columns, *map(_column, {column for column, _ in places})])
        window = self._tail + chunk
        if any(sign in window for sign in _UNSOLVED):
            for column, row, text in _ERROR.findall(window):
                self.errors[int(row) - 1, _column(column) - 1] = text.decode()
            for column, row, _ in _NOT_CALCULATED.findall(window):
                self.errors[int(row) - 1, _column(column) - 1] = NO_RESULT
        self._tail = chunk[-_OVERLAP:]


def _chunks(packed: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with packed.open(member) as content:
        while chunk := content.read(CHUNK):
            yield chunk


def _check_corners(path: Path, scan: _SheetScan, source: FolderSource) -> None:
    if scan.rows > source.max_rows:
        raise UnreadableFile(f"{path.name}: more than {source.max_rows} rows (max_rows)")
    if scan.columns > source.max_columns:
        raise UnreadableFile(f"{path.name}: more than {source.max_columns} columns (max_columns)")
    if scan.rows * scan.columns > MOST_CELLS:
        raise UnreadableFile(
            f"{path.name}: more than {MOST_CELLS} cells in a sheet; save it as CSV"
        )


def _column(letters: bytes) -> int:
    """Return the number of a column: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _sheet_files(packed: zipfile.ZipFile) -> dict[str, str]:
    """Return the member of an XLSX file with each sheet, by the name of the sheet."""
    links = ElementTree.fromstring(packed.read("xl/_rels/workbook.xml.rels"))
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    files = {}
    for sheet in ElementTree.fromstring(packed.read("xl/workbook.xml")).iter():
        if sheet.tag.endswith("}sheet"):
            link = next((value for name, value in sheet.items() if name.endswith("}id")), None)
            target = targets.get(link, "")
            files[sheet.get("name", "")] = posixpath.normpath(
                target[1:] if target.startswith("/") else posixpath.join("xl", target)
            )
    return files


def _add_ods(parts: WorkbookParts, packed: zipfile.ZipFile) -> None:
    """Add the merged cells and the errors of an ODS file, if it has any."""
    content = packed.read("content.xml")
    if b'value-type="error"' not in content and not re.search(
        rb'number-rows-spanned="(?!1")', content
    ):
        return
    with packed.open("content.xml") as file:
        table, row = "", 0
        for event, node in ElementTree.iterparse(file, events=("start", "end")):
            if event == "start" and node.tag == f"{_TABLE}table":
                table, row = node.get(f"{_TABLE}name", ""), 0
            elif event == "end" and node.tag == f"{_TABLE}table-row":
                _add_ods_row(parts, table, row, node)
                row += int(node.get(f"{_TABLE}number-rows-repeated", "1"))
                node.clear()


def _add_ods_row(parts: WorkbookParts, table: str, row: int, node: Element) -> None:
    column = 0
    for cell in node:
        if cell.tag not in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            continue
        rows = int(cell.get(f"{_TABLE}number-rows-spanned", "1"))
        columns = int(cell.get(f"{_TABLE}number-columns-spanned", "1"))
        if rows > 1:
            corner = row + rows - 1, column + columns - 1
            parts.merged.setdefault(table, []).append(((row, column), corner))
        if cell.get(_ERROR_TYPE) == "error":
            text = "".join(cell.itertext()).strip()
            parts.errors.setdefault(table, {})[row, column] = text
        column += int(cell.get(f"{_TABLE}number-columns-repeated", "1"))
