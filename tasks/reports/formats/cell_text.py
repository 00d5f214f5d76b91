"""Format cells for people: numbers, shares, days and names in the reader's language."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sla.metrics.definitions import is_small
from sla.metrics.table import WITHHELD, Cell, Column, Measure, Row
from tasks.reports.labels import Names
from tasks.reports.notified_text import notified_text
from tasks.text.catalog import catalog
from tasks.text.formats import moment_text, one_line, short_day_text
from tasks.text.numbers import decimal_text, number_text, percent_text

NUMBERS = frozenset({Measure.COUNT, Measure.SHARE, Measure.DAYS})
LONGEST_TEXT = 500


def measure_of(row: Row, column: Column) -> Measure:
    """Return the measure of a cell: the row's own (in the headline), else the column's."""
    return row.measure or column.measure


def column_head(column: Column, names: Names) -> str:
    """Return the heading of a column: of one among many alike, the name of its key."""
    if column.of:
        return names(column.of, column.key).text
    return catalog(names.locale)(f"report.column.{column.key}")


def is_withheld(cell: Cell, measure: Measure) -> bool:
    """Check whether a figure is withheld; a text may contain the same sign by chance."""
    return measure in NUMBERS and cell == WITHHELD


def is_of_few(row: Row, column: Column, cell: Cell) -> bool:
    """Check whether a figure is computed from a small number; a range or no figure is not."""
    if not isinstance(cell, int | float):
        return False
    return is_small(row.of.get(column.key, 0)) or (row.small and column.key == "share")


def number(cell: Cell) -> float | None:
    """Return the figure in a cell, or None if there is none or it is withheld."""
    return float(cell) if isinstance(cell, int | float) else None


def cell_text(cell: Cell, measure: Measure, column: str, names: Names, zone: ZoneInfo) -> str:
    """Format a cell as text; a dash if it has no value.

    `column` decides the kind of a key. Raises TypeError if the cell's type differs from its
    measure.
    """
    locale = names.locale
    if cell is None:
        return "–"
    if is_withheld(cell, measure):
        return catalog(locale)("report.withheld")
    match measure, cell:
        case Measure.COUNT, int():
            return number_text(cell, locale)
        case Measure.SHARE, int() | float():
            return percent_text(cell, locale)
        case Measure.SHARE, str():
            least, most = (percent_text(float(end), locale) for end in cell.split("-"))
            return catalog(locale)("report.share_range", least=least, most=most)
        case Measure.DAYS, int() | float():
            return decimal_text(cell, locale)
        case Measure.MOMENT, datetime():
            return moment_text(cell, locale, zone)
        case Measure.DAY, date():
            return short_day_text(cell, locale, zone)
        case Measure.TEXT, str() if column == "notified":
            said = notified_text(cell, locale, zone, lambda unit: names("unit", unit).text)
            return one_line(said, LONGEST_TEXT) or "–"
        case Measure.TEXT, str():
            return one_line(cell, LONGEST_TEXT) or "–"
        case Measure.KEY, str():
            return names(column, cell).text
    raise TypeError(f"column {column}: {type(cell).__name__} is no {measure}")
