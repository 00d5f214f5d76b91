"""Describe the changes in an earlier report since it was made, for every format people read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sla.metrics.definitions import HEADLINE, SHAPES
from sla.metrics.table import Cell, Column, Measure
from tasks.reports.diff import Difference
from tasks.reports.formats.cell_text import cell_text, column_head
from tasks.reports.labels import Names
from tasks.reports.model import Changed, Earlier
from tasks.text.catalog import catalog
from tasks.text.formats import moment_text, one_line, period_text, short_day_text

MOST_LINES = 12
"""Most figures and units listed; `tenggat summary verify` lists all."""


@dataclass(frozen=True, slots=True)
class EarlierShown:
    """The section: title, sentences, lines (name and change), and how to get the rest."""

    title: str
    sentences: tuple[str, ...]
    lines: tuple[tuple[str, str], ...]
    more: str
    verify: str


def earlier_shown(
    earlier: Earlier | None, names: Names, zone: ZoneInfo, most: int = MOST_LINES
) -> EarlierShown | None:
    """Build the section in the language of the names, or None if there was no earlier report."""
    if earlier is None:
        return None
    t = catalog(names.locale)
    lines = list(_lines(earlier.changes, names, zone))
    return EarlierShown(
        title=t("report.earlier.title"),
        sentences=tuple(_sentences(earlier, names.locale, zone)),
        lines=tuple(lines[:most]),
        more=t("report.earlier.more", n=len(lines) - most) if len(lines) > most else "",
        verify=t("report.earlier.verify", file=earlier.file) if earlier.kept else "",
    )


def earlier_line(earlier: Earlier | None, locale: str, zone: ZoneInfo) -> str:
    """Explain for a mail why an earlier report would differ today; empty if it would not."""
    if earlier is None or earlier.stands or not earlier.kept:
        return ""
    return " ".join(_sentences(earlier, locale, zone))


def difference_text(each: Difference, names: Names, zone: ZoneInfo) -> str:
    """Format a figure that differs, by the names that its table, row and column have in a report.

    A file of another version of reports may have a table or a column that this one does not know:
    its key is its name then.
    """
    if each.table not in SHAPES:
        place = " · ".join((each.table, each.row, each.column))
        return f"{place}: {_plain(each.kept)} → {_plain(each.found)}"
    of, columns = SHAPES[each.table]
    wide = Column(each.column, *_WIDE.get(each.table, (Measure.TEXT,)))
    column = next((one for one in columns if one.key == each.column), wide)
    known = column is not wide or bool(wide.of)
    measure = column.measure
    if each.table == "headline":
        measure = dict(HEADLINE).get(each.row, measure)
    place = " · ".join(
        (
            catalog(names.locale)(f"report.section.{each.table}"),
            names(of, each.row).text if _is_known_row(each) else each.row,
            column_head(column, names) if known else each.column,
        )
    )
    was, now = (
        _text(_typed(cell, measure), measure, each.column, names, zone)
        for cell in (each.kept, each.found)
    )
    return f"{place}: {was} → {now}"


_WIDE = {
    "unit_rule": (Measure.SHARE, "rule"),
    "unit_trend": (Measure.SHARE, "month"),
    "ahead": (Measure.COUNT, "day"),
}
"""The measure and the kind of the columns of tables that have one for each rule, month or day."""


def _is_known_row(each: Difference) -> bool:
    return each.table != "headline" or each.row in dict(HEADLINE)


def _plain(cell: Cell) -> str:
    return "–" if cell is None else one_line(str(cell))


def _typed(cell: Cell, measure: Measure) -> Cell:
    """Return a cell of a file as it was before it was written: JSON has no days and moments."""
    if isinstance(cell, str) and measure in (Measure.DAY, Measure.MOMENT):
        read = date.fromisoformat if measure is Measure.DAY else datetime.fromisoformat
        with suppress(ValueError):  # edited by hand
            return read(cell)
    return cell


def _sentences(earlier: Earlier, locale: str, zone: ZoneInfo) -> Iterator[str]:
    t = catalog(locale)
    named = {
        "period": period_text(earlier, locale, zone),
        "moment": moment_text(earlier.as_of, locale, zone),
    }
    if not earlier.kept:
        yield t("report.earlier.lost", **named)
        return
    if earlier.stands:
        yield t("report.earlier.stands", **named)
        return
    yield t("report.earlier.differs", n=len(earlier.changes) + earlier.others, **named)
    if earlier.recorded:
        yield t("report.earlier.recorded", n=earlier.recorded)
    if earlier.changed:
        yield t("report.earlier.changed", n=earlier.changed)
    if earlier.imported:
        yield t("report.earlier.imported")
    if earlier.ruleset is not None:
        yield t("report.earlier.ruleset", day=short_day_text(earlier.ruleset, locale, zone))


def _lines(changes: Sequence[Changed], names: Names, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    """Yield a line for each changed figure of the headline, then one for each unit."""
    t = catalog(names.locale)
    units: dict[str, list[str]] = {}
    for each in changes:
        measure = _measure(each)
        was, now = (
            _text(cell, measure, each.column, names, zone) for cell in (each.kept, each.found)
        )
        if each.table == "headline":
            yield names("metric", each.row).text, f"{was} → {now}"
        else:
            column = t(f"report.column.{each.column}")
            units.setdefault(each.row, []).append(f"{column} {was} → {now}")
    for unit, texts in units.items():
        yield names("unit", unit).text, "; ".join(texts)


def _text(cell: Cell, measure: Measure, column: str, names: Names, zone: ZoneInfo) -> str:
    """Format a figure; a value edited by hand in a stored file is returned unchanged."""
    try:
        return cell_text(cell, measure, column, names, zone)
    except TypeError:
        return one_line(str(cell))


def _measure(changed: Changed) -> Measure:
    if changed.table == "headline":
        return dict(HEADLINE)[changed.row]
    _, columns = SHAPES[changed.table]
    return next(column.measure for column in columns if column.key == changed.column)
