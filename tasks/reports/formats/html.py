"""The report as one self-contained HTML file: no network, no script."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from tasks.reports.formats.executive_summary import executive_summary
from tasks.reports.formats.logo import logo_data
from tasks.reports.formats.method_text import method_shown, source_notes
from tasks.reports.formats.plots import DRAWN, Plot, plots
from tasks.reports.formats.restatement_text import earlier_shown
from tasks.reports.formats.sections import sections, tiles
from tasks.reports.model import Report
from tasks.text.formats import period_days, period_text
from tasks.text.templates import render

MOST_ROWS = 200
"""Most rows of one table in the page; phones are slow with more. Other formats have all rows."""


def report_html(view: Report, zone: ZoneInfo, drawn: Mapping[str, Plot] | None = None) -> str:
    """Render the report as a page, in the language of its names; `drawn` avoids drawing twice."""
    pictures = plots(view, zone) if drawn is None else drawn
    return render(
        "report/report.html.j2",
        locale=view.names.locale,
        zone=zone,
        view=view,
        period=period_text(view, view.names.locale, zone),
        days=period_days(view, view.names.locale, zone),
        logo=logo_data(view.letterhead),
        tiles=tiles(view, zone),
        executive=executive_summary(view, zone),
        earlier=earlier_shown(view.earlier, view.names, zone),
        method=method_shown(view, zone),
        sources=source_notes(view, zone),
        sections=sections(view, zone, MOST_ROWS),
        plots=pictures,
        drawn=tuple(DRAWN),
        pictures=_pictures(pictures),
    )


def _pictures(drawn: Mapping[str, Plot]) -> dict[str, Markup]:
    """Return the plots as parts of the page, with a title for screen readers."""
    found = {}
    for key, plot in drawn.items():
        for name, svg in ((key, plot.svg), (f"{key}.wide", plot.wide)):
            told = f"<title>{escape(plot.title)}</title>"
            head, _, rest = svg.partition(">")
            found[name] = Markup(f'{head} role="img">{told}{rest}')  # noqa: S704 - our own SVG
    return found
