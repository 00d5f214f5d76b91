"""The annex for evaluators as PDF, to print and sign, and as a workbook, to fill in."""

from __future__ import annotations

import io
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter

from tasks.reports.formats.annex import AnnexFigure, AnnexIndicator, AnnexPart, annex_parts
from tasks.reports.formats.pdf.line_breaks import breakable
from tasks.reports.formats.pdf.report import page_frame, set_pages
from tasks.reports.formats.pdf.typesetting import printable_json
from tasks.reports.formats.xlsx import A4, NUMBER_FORMATS, TEXT_STAYS_TEXT, local_time
from tasks.reports.formats.xlsx_rows import LONGEST_CELL
from tasks.reports.model import Report
from tasks.text.catalog import catalog
from tasks.text.formats import moment_text, period_text

LONGEST_WORD = 40
HEADS = ("number", "indicator", "figure", "value", "behind", "formula", "filter", "evidence")
WIDTHS = (7, 40, 44, 16, 34, 50, 60, 70)


def annex_pdf(view: Report, zone: ZoneInfo, workbook: str) -> bytes:
    """Render the annex as PDF in the language of the report; `workbook` is its XLSX file."""
    return set_pages("annex.typ", view, lambda logo: _printed(view, zone, workbook, logo))


def _printed(view: Report, zone: ZoneInfo, workbook: str, logo: str) -> str:
    """Format everything printed as JSON, the input of `templates/report/annex.typ`."""
    locale = view.names.locale
    t = catalog(locale)
    return printable_json(
        page_frame(view, zone, t("annex.title"), logo)
        | {
            "marks": [t("report.interim")] if view.interim else [],
            "about": t("annex.about"),
            "heads": [t(f"annex.head.{key}") for key in ("figure", "value", "formula")],
            "parts": [_part(part) for part in annex_parts(view, zone, workbook)],
            "checksum": t("annex.checksum", sha256=view.sha256),
        }
    )


def _part(part: AnnexPart) -> dict[str, Any]:
    found = asdict(part)
    for indicator in found["indicators"]:
        for figure in indicator["figures"]:
            for key in ("name", "formula", "evidence", "filter"):
                figure[key] = breakable(figure[key], LONGEST_WORD)
    return found


def annex_xlsx(view: Report, zone: ZoneInfo, workbook: str) -> bytes:
    """Create the annex as a workbook in the language of the report.

    Each figure and each blank has a row; the cells of the blanks are coloured.
    """
    kept = io.BytesIO()
    with xlsxwriter.Workbook(kept, TEXT_STAYS_TEXT) as book:
        _Sheet(book, view, zone).write(workbook)
    return kept.getvalue()


class _Sheet:
    def __init__(self, book: Any, view: Report, zone: ZoneInfo) -> None:
        self._book, self._view, self._zone = book, view, zone
        self._t = catalog(view.names.locale)
        self._sheet = book.add_worksheet(self._t("annex.sheet"))
        self._title = book.add_format({"bold": True, "font_size": 14})
        self._strong = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        self._text = book.add_format({"text_wrap": True, "valign": "top"})
        self._blank = book.add_format(
            {"text_wrap": True, "valign": "top", "border": 1, "bg_color": "#FFF4E0"}
        )
        self._figures = {
            str(measure): book.add_format({"num_format": shape, "valign": "top"})
            for measure, shape in NUMBER_FORMATS.items()
        }

    def write(self, workbook: str) -> None:
        """Write the head, and the rows of each evaluation."""
        view, t, sheet = self._view, self._t, self._sheet
        locale = view.names.locale
        period = period_text(view, locale, self._zone)
        title = f"{t('annex.title')} {period}"
        self._book.set_properties(
            {"title": title, "author": view.site, "created": local_time(view.as_of, self._zone)}
        )
        sheet.set_paper(A4)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        for place, width in enumerate(WIDTHS):
            sheet.set_column(place, place, width)
        self._string(0, 0, title, self._title)
        self._string(1, 0, view.site, self._title)
        moment = moment_text(view.as_of, locale, self._zone)
        lines = [t("report.as_of", moment=moment), t("annex.about")]
        lines += [t("report.interim")] if view.interim else []
        lines += [t("annex.checksum", sha256=view.sha256)]
        for row, line in enumerate(lines, 2):
            self._string(row, 0, line)
        row = len(lines) + 3
        for place, key in enumerate(HEADS):
            self._string(row, place, t(f"annex.head.{key}"), self._strong)
        sheet.repeat_rows(row)
        for part in annex_parts(view, self._zone, workbook):
            row += 1
            self._string(row, 0, part.title, self._title)
            row += 1
            self._string(row, 0, part.note)
            for indicator in part.indicators:
                row = self._indicator(row, indicator)

    def _indicator(self, row: int, indicator: AnnexIndicator) -> int:
        """Write the rows of an indicator; return the last one."""
        for number, figure in enumerate(indicator.figures):
            row += 1
            self._name(row, indicator, first=number == 0)
            self._figure(row, figure)
        for number, blank in enumerate(indicator.blanks):
            row += 1
            self._name(row, indicator, first=number == 0 and not indicator.figures)
            self._string(row, 2, blank, self._text)
            self._sheet.write_blank(row, 3, None, self._blank)
        return row

    def _name(self, row: int, indicator: AnnexIndicator, *, first: bool) -> None:
        self._string(row, 0, indicator.number, self._text)
        if first:
            self._string(row, 1, indicator.title, self._strong)

    def _figure(self, row: int, figure: AnnexFigure) -> None:
        self._string(row, 2, figure.name, self._text)
        if figure.value is None:
            self._string(row, 3, figure.text, self._text)
        else:
            self._sheet.write_number(row, 3, figure.value, self._figures[figure.measure])
        more = (figure.behind, figure.formula, figure.filter, figure.evidence)
        for place, text in enumerate(more, 4):
            self._string(row, place, text, self._text)

    def _string(self, row: int, place: int, text: str, shape: Any = None) -> None:
        self._sheet.write_string(row, place, text[:LONGEST_CELL], shape)
