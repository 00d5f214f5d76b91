"""Read the cells of the visible sheets of a workbook as text: XLSX, XLS and ODS."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path

from python_calamine import (
    CalamineSheet,
    CalamineWorkbook,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from tasks.workbook_reader.covered import CoveredCell
from tasks.workbook_reader.limits import WorkbookLimits
from tasks.workbook_reader.parts import Cell, Range, WorkbookParts
from tasks.workbook_reader.xls_parts import xls_parts
from tasks.workbook_reader.zip_parts import zip_parts

EXACT = 10**15
"""A spreadsheet keeps 15 digits of a number; the digits of a larger number are lost."""

FIRST_ROWS = 100
"""Number of rows read of a hidden sheet: enough to see whether it has a table."""

_DAY_OF_TIMES = date(1900, 1, 1)


def sheets(
    path: Path, limits: WorkbookLimits
) -> Iterator[tuple[str, int, bool, Iterator[tuple[int, list[str]]]]]:
    """Yield the visible sheets of a workbook in their order, then the first rows of hidden ones.

    Each has its name (empty if it is the only visible one), the days to add to the serial number of
    a date, whether it is hidden, and its rows with their numbers.
    """
    parts = _parts(path, limits)
    with path.open("rb") as file:
        book = CalamineWorkbook.from_filelike(file)
    tables = [each for each in book.sheets_metadata if each.typ == SheetTypeEnum.WorkSheet]
    visible = [each.name for each in tables if each.visible == SheetVisibleEnum.Visible]
    for name in visible:
        sheet = book.get_sheet_by_name(name)
        ranges = parts.merged.get(name) or sheet.merged_cell_ranges or ()
        rows = _rows(sheet, ranges, parts.errors.get(name, {}))
        yield (name if len(visible) > 1 else ""), parts.days_more, False, rows
    for each in tables:
        if each.visible != SheetVisibleEnum.Visible:
            rows = _rows(book.get_sheet_by_name(each.name), (), {})
            yield each.name, parts.days_more, True, islice(rows, FIRST_ROWS)


def _parts(path: Path, limits: WorkbookLimits) -> WorkbookParts:
    if zipfile.is_zipfile(path):
        return zip_parts(path, limits)
    return xls_parts(path, serial=limits.serial)


def _rows(
    sheet: CalamineSheet, ranges: Iterable[Range], errors: dict[Cell, str]
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a sheet as text, with the errors of formulas and with merged values."""
    if sheet.start is None:
        return
    left = sheet.start[1]  # the cells of a row begin with the first column in use
    rows: Iterator[tuple[int, list[str]]] = enumerate(
        (list(map(_text, row)) for row in sheet.iter_rows()), start=1
    )
    if errors:
        rows = _with_errors(rows, errors, left)
    downwards = [each for each in ranges if each[1][0] > each[0][0]]
    if downwards:
        rows = _filled(rows, downwards, left)
    yield from rows


def _with_errors(
    rows: Iterable[tuple[int, list[str]]], errors: dict[Cell, str], left: int
) -> Iterator[tuple[int, list[str]]]:
    """Put the errors of formulas into the cells that are read as empty."""
    by_row: dict[int, list[tuple[int, str]]] = {}
    for (row, column), text in errors.items():
        by_row.setdefault(row + 1, []).append((column - left, text))
    for number, cells in rows:
        for at, text in by_row.get(number, ()):
            if 0 <= at < len(cells) and cells[at] in ("", "0"):
                cells[at] = text
        yield number, cells


def _filled(
    rows: Iterable[tuple[int, list[str]]], ranges: Iterable[Range], left: int
) -> Iterator[tuple[int, list[str]]]:
    """Repeat the value of a merged cell in all rows that it covers. A value that some programs keep
    hidden below it does not count.

    Only the first of its columns gets the value, as :class:`CoveredCell`. A row with no value of
    its own stays empty.
    """
    starts: dict[int, list[tuple[int, int]]] = {}
    for (first, column), (last, _) in ranges:
        starts.setdefault(first + 1, []).append((column - left, last + 1))
    covered: list[tuple[int, int, str]] = []
    for number, cells in rows:
        covered = [each for each in covered if each[1] >= number]
        if any(cells):
            for at, _, text in covered:
                cells[at] = CoveredCell(text)
        covered += [
            (at, last, cells[at])
            for at, last in starts.get(number, ())
            if 0 <= at < len(cells) and cells[at]
        ]
        yield number, cells


def _text(cell: object) -> str:
    """Return a cell as text that keeps its meaning.

    A whole number has no decimals. A number with more digits than a spreadsheet keeps is written as
    a spreadsheet shows it (1.23456789012346E+17). A time is rounded to the nearest second, and
    midnight is a date alone.
    """
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float | int):
        if abs(cell) >= EXACT:
            return f"{cell:.14E}"
        return str(int(cell)) if isinstance(cell, int) or cell.is_integer() else str(cell)
    if isinstance(cell, datetime):
        moment = _to_second(cell)
        return str(moment if moment.time() != time() else moment.date())
    if isinstance(cell, time):
        return str(_to_second(datetime.combine(_DAY_OF_TIMES, cell)).time())
    return "" if cell is None else str(cell)


def _to_second(moment: datetime) -> datetime:
    """Round a time to the nearest second."""
    if not moment.microsecond:
        return moment
    return (moment + timedelta(microseconds=500_000)).replace(microsecond=0)
