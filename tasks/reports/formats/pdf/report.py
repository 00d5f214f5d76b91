"""The report as PDF: A4, tagged for screen readers (PDF/UA-1), fit for archives (PDF/A-2a)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any
from zoneinfo import ZoneInfo

import typst

from settings.report import Signature
from tasks.reports.formats.executive_summary import executive_summary
from tasks.reports.formats.logo import logo_svg
from tasks.reports.formats.method_text import method_shown, source_notes
from tasks.reports.formats.pdf.font_metrics import drawable
from tasks.reports.formats.pdf.line_breaks import breakable
from tasks.reports.formats.pdf.tables import LONGEST_WORD, table_shown
from tasks.reports.formats.pdf.typesetting import printable_json, typeset
from tasks.reports.formats.plots import DRAWN, Plot, plots
from tasks.reports.formats.restatement_text import earlier_shown
from tasks.reports.formats.sections import Section, sections, tiles
from tasks.reports.model import Report
from tasks.text.catalog import catalog
from tasks.text.formats import long_day_text, moment_text, one_line, period_days, period_text

MOST_ROWS = 300
"""Most rows of one table on paper. The other formats have all rows."""

TALLEST_PLOT_MM = 205
VIEW_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')

MOST_COLUMNS = 16
"""A table with more columns is printed in parts."""


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
        **table_shown(section),
        "after": left_out if section.lines else section.nothing,
        "sources_title": t("report.sources"),
        "sources": source_notes(view, zone) if section.key == "quality" else [],
    }


def _plot(plot: Plot) -> dict[str, str | float]:
    alt = f"{plot.title}. {plot.says}".strip()
    svg, width = (plot.wide, 178) if plot.wide else (plot.svg, 112)
    known = drawable()
    # one missing sign would turn the whole label into signs of the font of last resort
    drawn = svg if svg.isascii() else "".join(c if ord(c) in known else "\ufffd" for c in svg)
    across, down = map(float, VIEW_BOX.findall(svg)[0])
    height = min(width * down / across, TALLEST_PLOT_MM)
    return {"title": plot.title, "says": plot.says, "alt": alt, "svg": drawn, "height": height}
