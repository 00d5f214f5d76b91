"""Read from the XML of a workbook the facts that its reader (calamine) leaves out.

These are the results of formulas with an error, the merged cells of an ODS file, and the date
system of an XLSX file. The size of a workbook is checked on the way.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tasks.workbook_reader.limits import NO_RESULT, RefusedWorkbook, WorkbookLimits
from tasks.workbook_reader.ods_parts import OdsScan
from tasks.workbook_reader.parts import DAYS_TO_1904, Cell, WorkbookParts
from tasks.workbook_reader.sheet_size import SheetSize, column_number
from tasks.workbook_reader.xml_parsing import elements

CHUNK = 1 << 20

_OVERLAP = 2048
"""Bytes of a sheet that are searched again with the next chunk: more than a cell with an error."""

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


def zip_parts(path: Path, limits: WorkbookLimits) -> WorkbookParts:
    """Check the size of an XLSX or ODS file, and return its facts.

    Refuse a workbook that would fill the memory, because it is loaded as a whole. The sizes stated
    in the archive are not trusted: the members are unpacked and counted. A sheet needs memory for
    all cells between its corners, so its corners are checked as well. Each member is parsed: a
    sheet may have any name.
    """
    parts = WorkbookParts()
    with zipfile.ZipFile(path) as packed:
        left = limits.unpacked_mb << 20
        errors: dict[str, dict[Cell, str]] = {}
        for member in packed.infolist():
            member.file_size = left + 2 * CHUNK
            is_ods = member.filename == "content.xml"
            scan = OdsScan(parts, limits) if is_ods else _SheetScan(limits)
            for chunk in _chunks(packed, member):
                left -= len(chunk)
                if left < 0:
                    raise RefusedWorkbook(
                        f"more than {limits.unpacked_mb} MB unpacked (max_unpacked_mb)"
                    )
                scan.add(chunk)
            if isinstance(scan, _SheetScan) and scan.errors:
                errors[member.filename] = scan.errors
        names = packed.namelist()
        if "xl/workbook.bin" in names:
            raise RefusedWorkbook(
                "no readable workbook (it is a binary workbook; save it as .xlsx)"
            )
        if "content.xml" not in names:
            _add_xlsx(parts, packed, errors, limits)
    return parts


class _SheetScan:
    """Searches a sheet of an XLSX file for its corners and for formulas without a result."""

    def __init__(self, limits: WorkbookLimits) -> None:
        self.errors: dict[Cell, str] = {}
        self._size = SheetSize(limits)
        self._tail = b""

    def add(self, chunk: bytes) -> None:
        """Search the next part of the member; nothing is searched if it is no sheet."""
        if not self._size.add(chunk):
            return
        window = self._tail + chunk
        if any(sign in window for sign in _UNSOLVED):
            for letters, row, text in _ERROR.findall(window):
                self._note(letters, row, text.decode())
            for letters, row, _ in _NOT_CALCULATED.findall(window):
                self._note(letters, row, NO_RESULT)
        self._tail = chunk[-_OVERLAP:]

    def _note(self, letters: bytes, row: bytes, text: str) -> None:
        self.errors[int(row) - 1, column_number(letters.decode()) - 1] = text


def _chunks(packed: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with packed.open(member) as content:
        while chunk := content.read(CHUNK):
            yield chunk


def _add_xlsx(
    parts: WorkbookParts,
    packed: zipfile.ZipFile,
    errors: dict[str, dict[Cell, str]],
    limits: WorkbookLimits,
) -> None:
    """Add the date system, and the errors found in the members, by the name of their sheet."""
    if not limits.serial and not errors:
        return
    book = next(
        (
            _inside("", link.get("Target", ""))
            for link in elements(packed.read("_rels/.rels"), "Relationship")
            if link.get("Type", "").endswith("/officeDocument")
        ),
        "xl/workbook.xml",
    )
    content = packed.read(book)
    if limits.serial and _DATES_FROM_1904.search(content):
        parts.days_more = DAYS_TO_1904
    if errors:
        files = _sheet_files(packed, book, content)
        parts.errors = {name: errors[file] for name, file in files.items() if file in errors}


def _sheet_files(packed: zipfile.ZipFile, book: str, content: bytes) -> dict[str, str]:
    """Return the member of an XLSX file with each sheet, by the name of the sheet.

    `book` is the member that lists the sheets.
    """
    folder, name = posixpath.split(book)
    links = elements(packed.read(f"{folder}/_rels/{name}.rels".lstrip("/")), "Relationship")
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    files = {}
    for sheet in elements(content, "sheet"):
        link = next((value for name, value in sheet.items() if name.endswith(":id")), None)
        files[sheet.get("name", "")] = _inside(folder, targets.get(link, ""))
    return files


def _inside(folder: str, target: str) -> str:
    """Return the member that a link in this folder of the archive leads to."""
    return posixpath.normpath(
        target[1:] if target.startswith("/") else posixpath.join(folder, target)
    )
