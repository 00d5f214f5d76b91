"""The report as a workbook: one sheet a section, numeric cells, and native Excel charts.

No text is ever a formula. One sheet lists the complaints behind every row, the last two have the
list of duties and every figure counted again from it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter

from sla.metrics.definitions import SMALL_NUMBER
from sla.metrics.table import Cell, Column, Measure, Table
from tasks.reports.formats.cell_text import (
    cell_text,
    column_head,
    is_of_few,
    is_withheld,
    measure_of,
)
from tasks.reports.formats.executive_summary import executive_summary
from tasks.reports.formats.restatement_text import earlier_shown
from tasks.reports.formats.sections import superiors_note
from tasks.reports.formats.xlsx_charts import add_chart, add_shades
from tasks.reports.formats.xlsx_duties import (
    MOST_DUTIES,
    Formats,
    write_duties,
    write_recount,
)
from tasks.reports.formats.xlsx_rows import LONGEST_CELL, RowSheet
from tasks.reports.model import Duties, Report
from tasks.text.catalog import catalog
from tasks.text.formats import moment_text, period_text

MOST_ROWS = 1_048_575
"""Most rows of a sheet below its heads; the limit of Excel."""

MOST_CHANGES = 100
"""Most changed figures and units of an earlier report listed on the first sheet."""

MOST_LINKS = 65_000
"""Most links of a sheet; the limit of Excel is 65,530."""

OWN_NOTE = frozenset({"unit_rule", "unit_trend", "escalations"})
"""Tables with another note in the workbook: the page shows more in a cell than its share."""

A4 = 9
COVER_WIDTH = 90
SPARKLINE_WIDTH = 26.0
ROW_HEIGHT = 15
HEAD_HEIGHT = 36
LONGEST_SHEET_NAME = 31
TEXT_STAYS_TEXT = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
"""Options of a workbook in which a text never becomes a formula, a link or a number."""

NUMBER_FORMATS = {Measure.COUNT: "#,##0", Measure.SHARE: "0.0%", Measure.DAYS: "0.0"}
FEW = f'" (<{SMALL_NUMBER})"'
"""The end of the format of a figure of a small number: the cell remains a number."""

GREY = "#4A5866"
WIDTHS = {
    Measure.COUNT: 14,
    Measure.SHARE: 14,
    Measure.DAYS: 14,
    Measure.DAY: 13,
    Measure.MOMENT: 20,
    Measure.TEXT: 26,
    Measure.KEY: 34,
}


def report_xlsx(view: Report, zone: ZoneInfo, *, most: int = MOST_ROWS) -> bytes:
    """Create the workbook, in the language of the report's names.

    Columns are the row's name, its basis (for rules and units with a detail), then the table's own.
    `most` is the limit of rows in a sheet; the first sheet names the number of omitted rows. Rows
    are buffered in temporary files, not in memory: there is one for every complaint behind every
    row.
    """
    kept = io.BytesIO()
    options = {"constant_memory": True, **TEXT_STAYS_TEXT}
    with xlsxwriter.Workbook(kept, options) as book:
        _Writer(book, view, zone, most).write()
    return kept.getvalue()


class _Writer:
    def __init__(self, book: Any, view: Report, zone: ZoneInfo, most: int) -> None:
        self.book, self.view, self.zone, self.most = book, view, zone, most
        self.t = catalog(view.names.locale)
        self.taken: set[str] = set()
        self.bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 2})
        self.bold_figure = book.add_format(
            {"bold": True, "text_wrap": True, "valign": "top", "bottom": 2, "align": "right"}
        )
        self.title = book.add_format({"bold": True, "font_size": 15})
        self.strong = book.add_format({"bold": True, "valign": "top"})
        self.text = book.add_format({"text_wrap": True, "valign": "top"})
        self.day = book.add_format({"num_format": "d mmm yyyy", "align": "left"})
        self.moment = book.add_format({"num_format": "d mmm yyyy hh:mm", "align": "left"})
        self.figures = {
            measure: book.add_format({"num_format": shape})
            for measure, shape in NUMBER_FORMATS.items()
        }
        self.few: dict[Measure, Any] = {
            measure: book.add_format({"num_format": shape + FEW, "font_color": GREY})
            for measure, shape in NUMBER_FORMATS.items()
            if measure is not Measure.COUNT
        }
        self.gone = book.add_format({"align": "right"})

    def write(self) -> None:
        """Write all sheets, the cover first."""
        view, t = self.view, self.t
        title = f"{t('report.title')} {period_text(view, view.names.locale, self.zone)}"
        self.book.set_properties(
            {"title": title, "author": view.site, "created": local_time(view.as_of, self.zone)}
        )
        cover = self.sheet(t("report.sheet.cover"))
        told: list[tuple[str, str]] = []
        for table in view.tables:
            name, cut = self.section(table)
            told.append((name, cut))
        if view.edition == "full":
            told.append(self.evidence())
        if view.duties is not None:
            told += self.duties(view.duties)
        self.cover(cover, title, told)

    def sheet(self, name: str) -> Any:
        """Add a sheet under a name accepted by Excel and not used by another sheet."""
        plain = re.sub(r"[\[\]:*?/\\]", " ", name).strip(" '")[:LONGEST_SHEET_NAME] or "-"
        found, number = plain, 1
        while found.casefold() in self.taken:
            number += 1
            end = f" {number}"
            found = plain[: LONGEST_SHEET_NAME - len(end)] + end
        self.taken.add(found.casefold())
        sheet = self.book.add_worksheet(found, RowSheet)
        sheet.set_paper(A4)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        return sheet

    def cover(self, sheet: Any, title: str, told: list[tuple[str, str]]) -> None:
        """Write the cover: the reporting site, the moment of the data, and the checksum."""
        view, t = self.view, self.t
        sheet.set_column(0, 0, 30)
        sheet.set_column(1, 1, COVER_WIDTH)
        self.string(sheet, 0, 0, title, self.title)
        self.string(sheet, 1, 0, view.site, self.strong)
        lines: list[tuple[str, date | datetime | str]] = [
            (t("report.sheet.period"), period_text(view, view.names.locale, self.zone)),
            (t("report.sheet.first"), view.first),
            (t("report.sheet.last"), view.last),
            (t("report.sheet.as_of"), view.as_of),
            (t("report.sheet.zone"), self.zone.key),
            (t("report.sheet.edition"), t(f"report.sheet.{view.edition}")),
            (t("report.sheet.sha256"), view.sha256),
        ]
        row = 3
        for label, value in lines:
            self.string(sheet, row, 0, label, self.strong)
            if isinstance(value, datetime):
                sheet.write_datetime(row, 1, local_time(value, self.zone), self.moment)
            elif isinstance(value, date):
                sheet.write_datetime(row, 1, value, self.day)
            else:
                self.string(sheet, row, 1, value)
            row += 1
        for note in self.notes():
            row += 1
            self.paragraph(sheet, row, note)
        row += 2
        for name, cut in told:
            self.string(sheet, row, 0, name, self.strong)
            self.paragraph(sheet, row, cut)
            row += 1

    def paragraph(self, sheet: Any, row: int, text: str) -> None:
        """Write a text of the cover and set its row height: not every program adapts it."""
        lines = -(-len(text) // (COVER_WIDTH + 5)) or 1
        sheet.set_row(row, ROW_HEIGHT * lines)
        self.string(sheet, row, 1, text, self.text)

    def notes(self) -> Iterator[str]:
        """Yield the notes shown above the figures in the HTML page too."""
        view, t = self.view, self.t
        yield t("report.as_of", moment=moment_text(view.as_of, view.names.locale, self.zone))
        if view.interim:
            yield t("report.interim")
        if view.edition == "public":
            yield t("report.public_note")
        for part in executive_summary(view, self.zone).parts:
            yield " ".join((f"{part.title}:", *(each.text for each in part.sentences)))
        yield t("report.definitions")
        if self._has_few():
            yield t("report.sheet.few_note", least=SMALL_NUMBER)
        if view.edition == "full":
            yield t("report.explain")
        shown = earlier_shown(view.earlier, view.names, self.zone, MOST_CHANGES)
        if shown is not None:
            lines = [f"{name}: {change}" for name, change in shown.lines]
            told = (f"{shown.title}.", *shown.sentences, *lines, shown.more, shown.verify)
            yield from filter(None, told)

    def _has_few(self) -> bool:
        """Check whether any figure of the report is of a small number."""
        return any(
            is_of_few(row, column, cell)
            for table in self.view.tables
            for row in (*table.rows, *([table.total] if table.total else []))
            for column, cell in zip(table.columns, row.cells, strict=True)
        )

    def section(self, table: Table) -> tuple[str, str]:
        """Write one table; returns the sheet's name, and the note on omitted rows."""
        t, names = self.t, self.view.names
        sheet = self.sheet(t(f"report.section.{table.key}"))
        detailed = any(names.of_row(table.of, row).detail for row in table.rows)
        heads = [(t(f"report.of.{table.of}"), 44.0)]
        if detailed:
            heads.append((t("report.column.article"), 30))
        heads += [(column_head(column, names), _width(table, column)) for column in table.columns]
        first = len(heads) - len(table.columns)
        if table.key == "unit_trend":
            heads.append((t("report.column.months"), SPARKLINE_WIDTH))
        rows: Iterable[list[Any]] = (
            [
                ("name", found.text),
                *([("name", found.detail)] if detailed else []),
                *(
                    (column, cell, measure_of(row, column), is_of_few(row, column, cell))
                    for column, cell in zip(table.columns, row.cells, strict=True)
                ),
            ]
            for row in table.rows
            for found in (names.of_row(table.of, row),)
        )
        cut = self.fill(sheet, heads, rows, len(table.rows))
        if table.total is not None and not cut:
            self.total(sheet, len(table.rows) + 1, table, first)
        add_chart(self.book, sheet, table, self.view, first)
        add_shades(sheet, table, first)
        return sheet.get_name(), cut or self.note(table)

    def total(self, sheet: Any, row: int, table: Table, first: int) -> None:
        """Write the row of the sums, below the filter's range."""
        assert table.total is not None
        self.string(sheet, row, 0, self.t("report.total"), self.strong)
        for place, (column, cell) in enumerate(
            zip(table.columns, table.total.cells, strict=True), first
        ):
            few = is_of_few(table.total, column, cell)
            self.cell(sheet, row, place, column, cell, column.measure, few)

    def note(self, table: Table) -> str:
        """Return the note of a section; the cells of a sheet have no number beside a share."""
        if table.key == "headline":
            return ""
        place = "workbook_note" if table.key in OWN_NOTE else "note"
        note = self.t(f"report.{place}.{table.key}")
        return " ".join(filter(None, (note, superiors_note(self.view, table))))

    def evidence(self) -> tuple[str, str]:
        """Write the complaints behind every row of every table."""
        t, names = self.t, self.view.names
        sheet = self.sheet(t("report.sheet.evidence"))
        heads = [
            (t("report.sheet.table"), 30.0),
            (t("report.sheet.row"), 44.0),
            (t("report.sheet.key"), 30.0),
            (t("report.sheet.ticket"), 24.0),
        ]
        total = sum(len(row.tickets) for table in self.view.tables for row in table.rows)
        rows = (
            (section, name, row.key, ticket)
            for table in self.view.tables
            for section in (t(f"report.section.{table.key}"),)
            for row in table.rows
            for name in (names(table.of, row.key).text,)
            for ticket in row.tickets
        )
        self.heads(sheet, heads)
        kept = 0
        for kept, row in zip(range(1, self.most + 1), rows, strict=False):
            sheet.write_plain_row(kept, row)
        return sheet.get_name(), self.ends(sheet, len(heads), kept, total)

    def duties(self, duties: Duties) -> Iterator[tuple[str, str]]:
        """Write the list of duties, unless it is too long, and the figures counted from it."""
        formats, name = Formats(self.bold, self.day, self.figures, self.few), None
        if len(duties.rows) <= MOST_DUTIES:
            sheet = self.sheet(self.t("report.sheet.duties"))
            name = sheet.get_name()
            write_duties(sheet, self.view, self.zone, formats)
            yield name, self.t("report.sheet.duties_note")
        else:
            left_out = self.t("report.sheet.duties_left_out", n=len(duties.rows))
            yield self.t("report.sheet.duties"), left_out
        sheet = self.sheet(self.t("report.sheet.recount"))
        write_recount(sheet, self.view, self.zone, formats, name)
        yield sheet.get_name(), self.t("report.sheet.recount_note")

    def fill(
        self, sheet: Any, heads: list[tuple[str, float]], rows: Iterable[list[Any]], total: int
    ) -> str:
        """Write heads, rows and filter; returns the note on omitted rows."""
        self.heads(sheet, heads)
        kept = 0
        for kept, row in zip(range(1, self.most + 1), rows, strict=False):
            for place, cell in enumerate(row):
                self.cell(sheet, kept, place, *cell)
        return self.ends(sheet, len(heads), kept, total)

    def heads(self, sheet: Any, heads: list[tuple[str, float]]) -> None:
        """Write the heads of the columns, with their widths."""
        for place, (label, width) in enumerate(heads):
            sheet.set_column(place, place, width)
            narrow = width == WIDTHS[Measure.COUNT]
            self.string(sheet, 0, place, label, self.bold_figure if narrow else self.bold)
        sheet.set_row(0, HEAD_HEIGHT)

    def ends(self, sheet: Any, columns: int, kept: int, total: int) -> str:
        """Add the filter and the fixed head to the rows; return the note on omitted rows."""
        sheet.autofilter(0, 0, kept, columns - 1)
        sheet.freeze_panes(1, 1)
        sheet.repeat_rows(0)
        return self.t("report.sheet.cut", kept=kept, n=total - kept) if total > kept else ""

    def cell(
        self,
        sheet: Any,
        row: int,
        place: int,
        column: Column | str,
        cell: Cell,
        measure: Measure = Measure.TEXT,
        few: bool = False,
    ) -> None:
        """Write one cell by its type; nothing for a missing value. `few` marks a small number."""
        if cell is None:
            return
        if is_withheld(cell, measure):
            self.string(sheet, row, place, self.t("report.withheld"), self.gone)
        elif measure in self.figures and isinstance(cell, int | float):
            shapes = self.few if few else self.figures
            sheet.write_number(row, place, cell, shapes[measure])
        elif measure is Measure.SHARE:  # a range in the public edition
            text = cell_text(cell, measure, "share", self.view.names, self.zone)
            self.string(sheet, row, place, text, self.gone)
        elif isinstance(cell, datetime):
            sheet.write_datetime(row, place, local_time(cell, self.zone), self.moment)
        elif isinstance(cell, date):
            sheet.write_datetime(row, place, cell, self.day)
        elif isinstance(column, Column) and column.key == "ticket":
            self.ticket(sheet, row, place, str(cell))
        elif isinstance(column, Column) and (measure is Measure.KEY or column.key == "notified"):
            key = cell_text(cell, measure, column.key, self.view.names, self.zone)
            self.string(sheet, row, place, key)
        else:
            self.string(sheet, row, place, str(cell))

    def ticket(self, sheet: Any, row: int, place: int, ticket: str) -> None:
        """Write a complaint's number, as a link if the site has one and Excel accepts it."""
        link = self.view.link_of(ticket)
        taken = row <= MOST_LINKS and link.startswith(("http://", "https://"))
        if not taken or sheet.write_url(row, place, link, string=ticket) != 0:
            self.string(sheet, row, place, ticket)

    def string(self, sheet: Any, row: int, place: int, text: str, shape: Any = None) -> None:
        """Write text as text, whatever its form."""
        sheet.write_string(row, place, text[:LONGEST_CELL], shape)


def _width(table: Table, column: Column) -> float:
    """Return the width of a column in characters; the cells of the headline are figures."""
    return WIDTHS[Measure.COUNT if table.key == "headline" else column.measure]


def local_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return a local time without its zone, the form used in workbooks."""
    return moment.astimezone(zone).replace(tzinfo=None, microsecond=0)
