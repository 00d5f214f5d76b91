"""The report as PDF: A4, tagged for screen readers (PDF/UA-1), fit for archives (PDF/A-2a)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from textwrap import wrap
from typing import Any
from zoneinfo import ZoneInfo

import typst
from matplotlib.ft2font import FT2Font

from settings.report import Signature
from tasks.reports.formats.executive_summary import executive_summary
from tasks.reports.formats.line_breaks import breakable
from tasks.reports.formats.logo import logo_svg
from tasks.reports.formats.method_text import method_shown, source_notes
from tasks.reports.formats.plots import DRAWN, Plot, plots
from tasks.reports.formats.restatement_text import earlier_shown
from tasks.reports.formats.sections import Line, Section, Shown, sections, tiles
from tasks.reports.formats.typesetting import font_folder, printable_json, typeset
from tasks.reports.model import Report
from tasks.text.catalog import catalog
from tasks.text.formats import long_day_text, moment_text, one_line, period_days, period_text

MOST_ROWS = 300
"""Most rows of one table on paper. The other formats have all rows."""

PAGE_MM = 180
"""The width of the text on a page in millimetres."""

TALLEST_PLOT_MM = 205
VIEW_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')

MOST_COLUMNS = 16
"""A table with more columns is printed in parts."""

MANY_COLUMNS = 7
"""Tables with more columns beside the first have smaller letters, and each column the width of its
longest word."""

WIDTHS: dict[str, dict[int, float]] = {
    "headline": {0: 52},
    "trend": {0: 20},
    "escalations": {0: 21, 1: 12, 2: 15},
    "quality": {0: 80},
    "late": {0: 15, 1: 11, 2: 23, 3: 24, 5: 12},
    "statements": {0: 18, 1: 26},
}
"""The widths of columns in percent of the page, by section and index; the others share the rest."""

CHARACTER_MM = 1.85
"""The mean width of a letter in a cell."""

SMALL_NAME = 24
"""The most letters of a word in the first column of a table in small letters."""

LONGEST_WORD = 80
"""The most letters of a word for which a whole line has room."""

KEPT_ROWS = 3
"""The rows of a table that stay on the page of its head, and those that stay with its last one."""

MOST_KEPT_MM = 120
"""The most height of the last rows that stay on one page."""

LINE_MM, ROW_MM, TURNED_MM = 3.5, 2.8, 38.0
"""The height of a line in a cell, of the space above and below it, and of a turned head."""

PICTURE_LINES = 2
"""The height of a picture in a cell, in lines."""

BELOW_LETTERS = 70
"""The letters in a line of the text below a row, at least."""


def report_pdf(view: Report, zone: ZoneInfo, drawn: Mapping[str, Plot] | None = None) -> bytes:
    """Render the report as PDF, in the language of its names; `drawn` avoids drawing twice."""
    pictures = plots(view, zone) if drawn is None else drawn
    return set_pages("report.typ", view, lambda logo: printed(view, zone, pictures, logo))


def set_pages(template: str, view: Report, printed: Callable[[str], str]) -> bytes:
    """Set the pages of a template with the logo of the letterhead, or without a damaged one.

    `printed` returns the data of the pages, in JSON, with a logo.
    """
    logo = logo_svg(view.letterhead)
    try:
        return typeset(template, printed(logo), view.as_of)
    except typst.TypstError:
        if not logo:
            raise
        return typeset(template, printed(""), view.as_of)


def page_frame(view: Report, zone: ZoneInfo, title: str, logo: str) -> dict[str, Any]:
    """Return what the report and its annex print around their content: letterhead and footer."""
    locale, head = view.names.locale, view.letterhead
    t, period = catalog(locale), period_text(view, locale, zone)
    return {
        "locale": locale,
        "title": title,
        "document": one_line(f"{title} {period} – {view.site}", 300),
        "site": breakable(view.site, 70),
        "period": period,
        "days": period_days(view, locale, zone),
        "as_of": t("report.as_of", moment=moment_text(view.as_of, locale, zone)),
        "page": t("report.page"),
        "page_of": t("report.page_of"),
        "logo": logo,
        "logo_alt": head.lines[0] if head.lines else view.site,
        "lines": [breakable(one_line(line, 500), 40) for line in head.lines],
        "address": [breakable(one_line(line, 500), 70) for line in head.address],
        "signature": signature_lines(view, zone),
    }


def printed(view: Report, zone: ZoneInfo, drawn: Mapping[str, Plot], logo: str = "") -> str:
    """Format everything printed in the PDF as JSON, the input of `templates/report/report.typ`."""
    locale = view.names.locale
    t = catalog(locale)
    earlier = earlier_shown(view.earlier, view.names, zone)
    page = page_frame(view, zone, t("report.title"), logo) | {
        "marks": list(_marks(view)),
        "public_note": t("report.public_note") if view.edition == "public" else "",
        "contents": t("report.contents"),
        "tiles": [asdict(tile) for tile in tiles(view, zone)],
        "executive": _executive(view, zone),
        "sections": [
            _section(piece, view, zone, drawn)
            for section in sections(view, zone, MOST_ROWS)
            for piece in _pieces(section)
        ],
        "earlier": {
            **asdict(earlier),
            "lines": [f"{name}: {change}" for name, change in earlier.lines],
        }
        if earlier
        else None,
        "method_title": t("report.method"),
        "method": asdict(method_shown(view, zone)),
    }
    return printable_json(page)


def _executive(view: Report, zone: ZoneInfo) -> dict[str, Any]:
    """Return the executive summary; a sentence links to a section that the report has."""
    t = catalog(view.names.locale)
    summary = asdict(executive_summary(view, zone))
    for part in summary["parts"]:
        for sentence in part["sentences"]:
            sentence["text"] = breakable(sentence["text"], LONGEST_WORD)
            sentence["see"] = f"({t('report.executive.see', section=sentence['title'])})"
            sentence["linked"] = view.table(sentence["section"]) is not None
    return summary


def _marks(view: Report) -> Iterable[str]:
    t = catalog(view.names.locale)
    if view.interim:
        yield t("report.interim")
    if view.edition == "public":
        yield t("report.public")


def signature_lines(view: Report, zone: ZoneInfo) -> list[list[str]]:
    """Return the lines above the signature, and the lines below it: the name first.

    An interim report is not signed.
    """
    signed: Signature | None = view.letterhead.signature
    if signed is None or view.interim:
        return []
    locale = view.names.locale
    t = catalog(locale)
    day = long_day_text(view.as_of, locale, zone)
    above = [t("report.signed_on", place=signed.place, day=day), signed.on_behalf, signed.title]
    below = [signed.name, signed.rank, t("report.nip", nip=signed.nip) if signed.nip else ""]
    return [[one_line(line, 500) for line in lines if line] for lines in (above, below)]


def _pieces(section: Section) -> Iterator[Section]:
    """Yield a section with too many columns for a page in parts, each with a key of its own."""
    columns = len(section.columns)
    if columns <= MOST_COLUMNS:
        yield section
        return
    size = -(-columns // -(-columns // MOST_COLUMNS))
    for number, begin in enumerate(range(0, columns, size)):
        part = slice(begin, begin + size)
        lines = tuple(replace(line, cells=line.cells[part]) for line in section.lines)
        yield replace(
            section,
            key=f"{section.key}-{number}" if number else section.key,
            title=f"{section.title} ({number + 1})" if number else section.title,
            columns=section.columns[part],
            lines=lines,
            total=replace(section.total, cells=section.total.cells[part])
            if section.total
            else None,
        )


def _section(
    section: Section, view: Report, zone: ZoneInfo, drawn: Mapping[str, Plot]
) -> dict[str, Any]:
    t, plot = catalog(view.names.locale), drawn.get(section.key)
    lacking = section.key in DRAWN and section.lines and not plot
    left_out = t("report.not_shown", n=section.not_shown) if section.not_shown else ""
    return {
        "key": section.key,
        "title": section.title,
        "note": section.note,
        "plot": _plot(plot) if plot else None,
        "no_plot": t(f"report.no_plot_{view.edition}") if lacking else "",
        **_table(section),
        "after": left_out if section.lines else section.nothing,
        "sources_title": t("report.sources"),
        "sources": source_notes(view, zone) if section.key == "quality" else [],
    }


def _table(section: Section) -> dict[str, Any]:
    """Return the table of a section: the widths of its columns, its heads and its lines."""
    small = len(section.columns) > MANY_COLUMNS
    widths = _widths(section)
    room = [max(4, int(PAGE_MM * width / 100 / CHARACTER_MM)) for width in widths]
    if small:
        room = [SMALL_NAME, *(LONGEST_WORD for _ in section.columns)]
    head = (Shown(section.head), *section.columns)
    return {
        "small": small,
        "widths": widths,
        "right": [cell.numeric for cell in head],
        "head": [
            _cell(cell, most, narrow=small and at > 0 and not cell.turned)
            for at, (cell, most) in enumerate(zip(head, room, strict=True))
        ],
        "groups": _groups(section),
        "below": section.below,
        "first_rows": _first_rows_mm(section, room, narrow=small),
        "last_rows": _last_rows(section, room, narrow=small),
        "lines": [_line(line, room, narrow=small) for line in section.lines],
        "total": _line(section.total, room, narrow=small) if section.total else None,
    }


def _first_rows_mm(section: Section, room: list[int], *, narrow: bool) -> float:
    """Estimate the height of the head of a table and its first rows, rather too much."""
    if not section.lines:
        return 0.0
    turned = any(cell.turned for cell in section.columns)
    texts = (Shown(section.head), *section.columns)
    head = TURNED_MM if turned else _height_mm(texts, room, narrow=narrow)
    groups = bool(section.groups) * (LINE_MM + ROW_MM)
    rows = _rows_mm(section, section.lines[:KEPT_ROWS], room, narrow=narrow)
    return round(head + groups + rows, 1)


def _last_rows(section: Section, room: list[int], *, narrow: bool) -> int:
    """Return how many rows at the end of a table stay on one page: one if they are very high."""
    rows = section.lines[-KEPT_ROWS:]
    high = _rows_mm(section, rows, room, narrow=narrow) > MOST_KEPT_MM
    return min(1 if high else KEPT_ROWS, len(rows))


def _rows_mm(section: Section, rows: Sequence[Line], room: list[int], *, narrow: bool) -> float:
    below = (-(-len(line.below) // BELOW_LETTERS) * LINE_MM for line in rows if section.below)
    names = (Shown(line.name.text, line.name.detail) for line in rows)
    cells = (
        _height_mm((name, *line.cells), room, narrow=narrow)
        for name, line in zip(names, rows, strict=True)
    )
    return sum(cells) + sum(below)


def _height_mm(texts: Iterable[Shown], room: list[int], *, narrow: bool) -> float:
    lines = (
        _lines(cell, most, narrow=narrow and at > 0)
        for at, (cell, most) in enumerate(zip(texts, room, strict=True))
    )
    return max(lines) * LINE_MM + ROW_MM


def _lines(cell: Shown, most: int, *, narrow: bool) -> int:
    """Return how many lines a cell fills; in a narrow column each word has its own."""
    if cell.picture:
        return PICTURE_LINES
    texts = (cell.text, cell.detail)
    return sum(len(text.split()) if narrow else len(wrap(text, most)) for text in texts)


def _groups(section: Section) -> list[dict[str, Any]]:
    """Return the groups of the columns, after an empty one above the names of the rows."""
    groups = [("", 1), *section.groups] if section.groups else []
    return [{"text": text, "columns": columns} for text, columns in groups]


def _plot(plot: Plot) -> dict[str, str | float]:
    alt = f"{plot.title}. {plot.says}".strip()
    svg, width = (plot.wide, 178) if plot.wide else (plot.svg, 112)
    known = _drawable()
    # one missing sign would turn the whole label into signs of the font of last resort
    drawn = svg if svg.isascii() else "".join(c if ord(c) in known else "\ufffd" for c in svg)
    across, down = map(float, VIEW_BOX.findall(svg)[0])
    height = min(width * down / across, TALLEST_PLOT_MM)
    return {"title": plot.title, "says": plot.says, "alt": alt, "svg": drawn, "height": height}


def _widths(section: Section) -> list[float]:
    """Return the widths of the columns in percent of the page, unless the letters are small."""
    columns = len(section.columns) + 1
    fixed = WIDTHS.get(section.key, {0: 38})
    rest = (100 - sum(fixed.values())) / max(1, columns - len(fixed))
    return [fixed.get(at, rest) for at in range(columns)]


def _line(line: Line, room: list[int], *, narrow: bool) -> dict[str, Any]:
    """Return a row, its name first, without what is false or empty: Typst hashes all it gets."""
    cells = [
        _cell(Shown(line.name.text, line.name.detail), room[0]),
        *(
            _cell(cell, most, narrow=narrow)
            for cell, most in zip(line.cells, room[1:], strict=True)
        ),
    ]
    more = {"link": line.link, "small": line.small, "below": breakable(line.below, LONGEST_WORD)}
    return {"cells": cells} | {key: value for key, value in more.items() if value}


def _cell(cell: Shown, most: int, *, narrow: bool = False) -> str | dict[str, Any]:
    """Return a cell with words of at most this length: its text, or text, details and style.

    `narrow` puts each word on its own line.
    """
    text, detail = breakable(cell.text, most), breakable(cell.detail, most)
    if narrow:
        text, detail = "\n".join(text.split()), "\n".join(detail.split())
    more = {
        "detail": detail,
        "strong": cell.strong,
        "heat": cell.heat,
        "turned": cell.turned,
        "picture": cell.picture,
    }
    found = {key: value for key, value in more.items() if value}
    return {"text": text} | found if found else text


@lru_cache
def _drawable() -> frozenset[int]:
    """Return the characters of the font of the plots."""
    return frozenset((*FT2Font(str(font_folder() / "DejaVuSans.ttf")).get_charmap(), ord("\n")))
