"""The sheets of a workbook with the list of duties, and with each figure counted again from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from xlsxwriter.utility import quote_sheetname, xl_col_to_name

from sla.metrics.recount import Condition, Method, Recount, Value
from sla.metrics.table import Cell, Measure, Row, Table
from tasks.reports.formats.cell_text import column_head, is_of_few, measure_of
from tasks.reports.formats.duty_cells import DAYS, HEADS, DutyCells
from tasks.reports.model import Duties, Report
from tasks.text.catalog import catalog

MOST_DUTIES = 200_000
"""Most rows of the list in a workbook. A longer list is only in the CSV file."""

MOST_WORK = 40_000_000
"""Most rows times formulas: a spreadsheet counts so many in some seconds. Else there are none."""

WIDTHS = {"notified": 60.0, "rule_name": 34.0, "article": 30.0, "unit_name": 34.0, "why": 30.0}
WIDTH = 14.0
WILD = str.maketrans({each: f"~{each}" for each in "~*?"})


@dataclass(frozen=True, slots=True)
class Formats:
    """The formats of a workbook that the sheets use."""

    head: Any
    day: Any
    figures: dict[Measure, Any]
    few: dict[Measure, Any]
    """Of figures of a small number."""


def write_duties(sheet: Any, view: Report, zone: ZoneInfo, formats: Formats) -> None:
    """Write the list of duties, one row after another."""
    assert view.duties is not None
    cells, row = DutyCells(view, zone), 0
    for place, (key, head) in enumerate(zip(HEADS, cells.heads(), strict=True)):
        sheet.set_column(place, place, WIDTHS.get(key, WIDTH))
        sheet.write_string(0, place, head, formats.head)
    sheet.set_row(0, 60)
    for chunk in view.duties.rows.chunks():
        columns = cells.columns(chunk)
        for values in zip(*(columns[head] for head in HEADS), strict=True):
            row += 1
            sheet.write_plain_row(row, values, formats.day)
    sheet.autofilter(0, 0, row, len(HEADS) - 1)
    sheet.freeze_panes(1, 2)
    sheet.repeat_rows(0)


def write_recount(
    sheet: Any, view: Report, zone: ZoneInfo, formats: Formats, duties_sheet: str | None
) -> None:
    """Write a row for each figure: its value, a formula for the same value, and its filter.

    Without the sheet of duties, or if the formulas would take too long, there are only filters.
    """
    assert view.duties is not None
    t, cells = catalog(view.names.locale), DutyCells(view, zone)
    heads = ("table", "row", "column", "in_report", "recounted", "filter")
    for place, (key, width) in enumerate(zip(heads, (30, 44, 30, 14, 14, 120), strict=True)):
        sheet.set_column(place, place, width)
        sheet.write_string(0, place, t(f"report.sheet.{key}"), formats.head)
    sheet.set_row(0, 48)
    light = len(view.duties.rows) * len(view.duties.recounts) <= MOST_WORK
    formulas = _Formulas(duties_sheet, view.duties, cells) if duties_sheet and light else None
    name_of = cache(view.names)
    number = 0
    for number, (recount, table, row, cell) in enumerate(_figures(view), 1):
        column = next(each for each in table.columns if each.key == recount.column)
        shapes = formats.few if is_of_few(row, column, cell) else formats.figures
        shape = shapes.get(measure_of(row, column))
        name = t("report.total") if row.key == "total" else name_of(table.of, row.key).text
        sheet.write_string(number, 0, t(f"report.section.{table.key}"))
        sheet.write_string(number, 1, name)
        sheet.write_string(number, 2, column_head(column, view.names))
        if isinstance(cell, int | float):
            sheet.write_number(number, 3, cell, shape)
        if formulas is not None and isinstance(cell, int | float):
            formulas.write(sheet, number, 4, recount, shape, cell)
        sheet.write_string(number, 5, cells.filter_of(recount))
    sheet.autofilter(0, 0, number, len(heads) - 1)
    sheet.freeze_panes(1, 3)
    sheet.repeat_rows(0)


def _figures(view: Report) -> Iterator[tuple[Recount, Table, Row, Cell]]:
    """Yield each figure that is counted again, with its table, its row and its value."""
    assert view.duties is not None
    found: dict[tuple[str, str, str], tuple[Table, Row, Cell]] = {}
    for table in view.tables:
        for row in (*table.rows, *([table.total] if table.total else [])):
            for column, cell in zip(table.columns, row.cells, strict=True):
                kind = str(row.cells[0]) if table.key == "escalations" else ""
                found[table.key, f"{row.key} {kind}", column.key] = (table, row, cell)
    for recount in view.duties.recounts:
        kind = recount.kind if recount.table == "escalations" else ""
        yield recount, *found[recount.table, f"{recount.row} {kind}", recount.column]


class _Formulas:
    """Writes formulas over the sheet of duties. All texts in them are quoted constants."""

    def __init__(self, name: str, duties: Duties, cells: DutyCells) -> None:
        self._name, self._last, self._cells = quote_sheetname(name), len(duties.rows) + 1, cells

    def write(
        self, sheet: Any, row: int, place: int, recount: Recount, shape: Any, value: float
    ) -> None:
        """Write the formula of a figure with its value."""
        rows = self._criteria(recount.rows)
        if recount.method is Method.COUNT:
            sheet.write_formula(row, place, f"=COUNTIFS({rows})", shape, value)
        elif recount.method is Method.SHARE:
            among = self._criteria(recount.among)
            sheet.write_formula(row, place, f"=COUNTIFS({rows})/COUNTIFS({among})", shape, value)
        elif recount.method is Method.MEAN:
            mean = f"=ROUND(AVERAGEIFS({self._range(recount.values)},{rows}),1)"
            sheet.write_formula(row, place, mean, shape, value)
        else:
            tests = "*".join(self._test(each) for each in recount.rows)
            some = f"IF({tests},{self._range(recount.values)})"
            inner = (
                f"=MEDIAN({some})"
                if recount.method is Method.MEDIAN
                else f"=SMALL({some},ROUNDUP(COUNTIFS({rows})*9/10,0))"
            )
            sheet.write_array_formula(row, place, row, place, f"{{{inner}}}", shape, value)

    def _range(self, column: str) -> str:
        letter = xl_col_to_name(HEADS.index(column), col_abs=True)
        return f"{self._name}!{letter}$2:{letter}${self._last}"

    def _criteria(self, conditions: Sequence[Condition]) -> str:
        found = []
        for condition in conditions:
            for sign, value in _signs(condition):
                found += [self._range(condition.column), self._criterion(condition, sign, value)]
        return ",".join(found)

    def _criterion(self, condition: Condition, sign: str, value: Value) -> str:
        if condition.column in DAYS:
            return f'"{sign}"&{_day(value)}'
        if isinstance(value, int):
            return f'"{sign}{value}"'
        text = str(self._cells.cell(condition.column, value)) if value else ""
        return _quoted(sign + text.translate(WILD))

    def _test(self, condition: Condition) -> str:
        tests = []
        for sign, value in _signs(condition):
            shown = _day(value) if condition.column in DAYS else str(value)
            tests.append(f"({self._range(condition.column)}{sign}{shown})")
        return "*".join(tests)


def _signs(condition: Condition) -> Iterator[tuple[str, Value]]:
    """Yield the comparisons of a condition."""
    if condition.equals:
        assert condition.least is not None
        yield "=", condition.least
        return
    if condition.least is not None:
        yield ">=", condition.least
    if condition.most is not None:
        yield "<=", condition.most


def _day(value: Value) -> str:
    assert isinstance(value, date)
    return "1" if value == date.min else f"DATE({value.year},{value.month},{value.day})"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
