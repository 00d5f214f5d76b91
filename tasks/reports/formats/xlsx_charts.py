"""Charts, small lines and shades of a workbook: they use cells of the same sheet, so a filter or an
edit shows.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from xlsxwriter.utility import xl_range, xl_range_formula

from sla.metrics.definitions import is_small
from sla.metrics.table import Table
from tasks.reports.model import Report
from tasks.text.catalog import catalog

BLUE, SKY, RED, GREEN = "#0072B2", "#56B4E9", "#D55E00", "#009E73"
WHITE, DARK = "#FFFFFF", "#5B93BD"
MOST_UNITS = 50
"""Most bars in a chart. More could not be distinguished."""


def add_chart(book: Any, sheet: Any, table: Table, view: Report, first: int) -> None:
    """Insert the chart of a table, if it has one, right of its cells.

    `first` is the sheet's column (from 0) of the table's first own column.
    """
    if table.rows and table.key in CHARTS:
        chart = CHARTS[table.key](book, sheet.get_name(), table, view, first)
        title = catalog(view.names.locale)(f"report.plot.{table.key}")
        chart.set_title({"name": title, "name_font": {"size": 12}})
        place = first + len(table.columns) + 1
        sheet.insert_chart(1, place, chart, {"description": title})


def add_shades(sheet: Any, table: Table, first: int) -> None:
    """Shade the cells of a heat map, or draw a small line behind the months of each unit.

    `first` is the sheet's column (from 0) of the table's first own column.
    """
    rows, wide = len(table.rows), sum(bool(column.of) for column in table.columns)
    if not rows or not wide:
        return
    last = first + wide - 1
    if table.key == "unit_trend":
        for row in range(1, rows + 1):
            cells = xl_range_formula(sheet.get_name(), row, first, row, last)
            shape = {"range": cells, "min": 0, "max": 1, "markers": True, "last_point": True}
            sheet.add_sparkline(row, last + 1, shape)
        return
    low, high = (WHITE, DARK) if table.key == "ahead" else (DARK, WHITE)
    shades = {"type": "2_color_scale", "min_color": low, "max_color": high}
    if table.key == "unit_rule":
        fit = _fit_for_shades(table, first)
        if not fit:
            return
        shades |= {"multi_range": " ".join(fit)}
    sheet.conditional_format(1, first, rows, last, shades)


def _fit_for_shades(table: Table, first: int) -> list[str]:
    """Return the ranges of cells below each other whose shares are not of a small number."""
    found = []
    for place, column in enumerate(table.columns, first):
        fit = [not is_small(row.of.get(column.key, 0)) for row in table.rows]
        for enough, run in groupby(enumerate(fit, 1), key=lambda each: each[1]):
            rows = [row for row, _ in run]
            if enough:
                found.append(xl_range(rows[0], place, rows[-1], place))
    return found


def _series(
    name: str, table: Table, first: int, column: str, colour: str, rows: int, **more: Any
) -> dict[str, Any]:
    place = first + [each.key for each in table.columns].index(column)
    return {
        "name": [name, 0, place],
        "categories": [name, 1, 0, rows, 0],
        "values": [name, 1, place, rows, place],
        "fill": {"color": colour},
        **more,
    }


def _trend(book: Any, name: str, table: Table, view: Report, first: int) -> Any:
    """Draw lines of received and settled complaints, and the share on time on a second axis."""
    rows = len(table.rows)
    chart = book.add_chart({"type": "line"})
    for column, colour in (("received", SKY), ("settled", BLUE), ("share", GREEN)):
        line = {"line": {"color": colour, "width": 2.25}, "marker": {"type": "automatic"}}
        own_axis = {"y2_axis": True} if column == "share" else {}
        chart.add_series(_series(name, table, first, column, colour, rows, **line, **own_axis))
    t = catalog(view.names.locale)
    chart.set_y_axis({"name": t("report.plot.complaints"), "min": 0})
    chart.set_y2_axis({"name": t("report.plot.on_time"), "min": 0, "max": 1, "num_format": "0%"})
    chart.set_size({"width": 760, "height": 400})
    return chart


def _by_unit(book: Any, name: str, table: Table, view: Report, first: int) -> Any:
    """Draw a bar for the share of each unit, from the top in the order of the table."""
    rows = min(len(table.rows), MOST_UNITS)
    chart = book.add_chart({"type": "bar"})
    labels = {"data_labels": {"value": True, "num_format": "0.0%"}, "gap": 40}
    chart.add_series(_series(name, table, first, "share", BLUE, rows, **labels))
    chart.set_x_axis({"min": 0, "max": 1, "num_format": "0%"})
    chart.set_y_axis({"reverse": True})
    chart.set_legend({"none": True})
    chart.set_size({"width": 760, "height": 140 + 22 * rows})
    return chart


def _ageing(book: Any, name: str, table: Table, view: Report, first: int) -> Any:
    """Draw columns of open and late complaints by age."""
    rows = len(table.rows)
    chart = book.add_chart({"type": "column"})
    for column, colour in (("open", SKY), ("open_late", RED)):
        chart.add_series(_series(name, table, first, column, colour, rows))
    chart.set_y_axis({"name": catalog(view.names.locale)("report.plot.complaints"), "min": 0})
    chart.set_size({"width": 640, "height": 360})
    return chart


CHARTS = {"trend": _trend, "by_unit": _by_unit, "ageing": _ageing}
