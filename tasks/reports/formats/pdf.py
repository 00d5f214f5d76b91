"""The report as PDF: A4, tagged for screen readers and fit for archives (PDF/A-2a).

WeasyPrint needs the system library Pango. Without it only the PDF is missing.
"""

from __future__ import annotations

import base64
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import matplotlib as mpl

from tasks.reports.formats.html import logo_data
from tasks.reports.formats.pdf_support import PdfMissing, pdf_trouble
from tasks.reports.formats.plots import DRAWN, Plot, plots
from tasks.reports.formats.restatement_text import earlier_shown
from tasks.reports.formats.sections import sections, tiles
from tasks.reports.model import Report
from tasks.text.catalog import catalog
from tasks.text.formats import period_text
from tasks.text.templates import render

VARIANT = "pdf/a-2a"
MOST_ROWS = 300
"""Most rows of one table on paper. The other formats have all rows."""


def report_pdf(view: Report, zone: ZoneInfo, drawn: Mapping[str, Plot] | None = None) -> bytes:
    """Render the report as PDF, in the language of its names; `drawn` avoids drawing twice.

    Raises :class:`PdfMissing` if a system library is missing.
    """
    trouble = pdf_trouble()
    if trouble:
        raise PdfMissing(trouble)
    from weasyprint import HTML  # noqa: PLC0415 - fails where Pango is missing
    from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415

    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    page = printed(view, zone, plots(view, zone) if drawn is None else drawn)
    document = HTML(string=page, url_fetcher=_fetcher())
    with _fonts_dated(view.as_of):
        made = document.write_pdf(
            pdf_variant=VARIANT, pdf_tags=True, font_config=FontConfiguration()
        )
    assert isinstance(made, bytes)
    return made


@contextmanager
def _fonts_dated(moment: datetime) -> Iterator[None]:
    """Let the fonts in the PDF bear this moment, so that made again it is the same to the byte.

    Without libharfbuzz-subset WeasyPrint has fontTools cut them to size, which writes down the
    present time, or the one that this variable names.
    """
    name = "SOURCE_DATE_EPOCH"
    before = os.environ.get(name)
    os.environ[name] = str(int(moment.timestamp()))
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def printed(view: Report, zone: ZoneInfo, drawn: Mapping[str, Plot]) -> str:
    """Render the HTML page used for the PDF."""
    locale = view.names.locale
    local = view.as_of.astimezone(zone)
    month = catalog(locale).names("date.months")[local.month - 1]
    return render(
        "report/report_print.html.j2",
        locale=locale,
        zone=zone,
        view=view,
        period=period_text(view, locale, zone),
        logo=logo_data(view.letterhead),
        tiles=tiles(view, zone),
        earlier=earlier_shown(view.earlier, view.names, zone),
        explain=view.explained_by(zone, catalog(view.names.locale)("report.of_ticket")),
        sections=sections(view, zone, MOST_ROWS),
        plots=drawn,
        drawn=tuple(DRAWN),
        images={key: _image(plot) for key, plot in drawn.items()},
        stamp=view.as_of.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        signed=f"{local.day} {month} {local.year}",
        faces=[{"weight": weight, "url": path.as_uri()} for weight, path in _faces().items()],
    )


def _image(plot: Plot) -> str:
    svg = (plot.wide or plot.svg).encode()
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


@lru_cache
def _faces() -> dict[str, Path]:
    """Return the fonts of the report: matplotlib's, so the text looks the same on every machine."""
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    return {"normal": folder / "DejaVuSans.ttf", "bold": folder / "DejaVuSans-Bold.ttf"}


def _fetcher() -> Any:
    """Create a fetcher for the report's fonts and data: URLs; it refuses network and other files.

    If a logo refers to anything outside itself, this part is missing from the picture.
    """
    from weasyprint.urls import URLFetcher  # noqa: PLC0415

    fonts = {path.as_uri() for path in _faces().values()}

    class Fetcher(URLFetcher):  # type: ignore[misc]
        """Reads only the report's own content."""

        def fetch(self, url: str, headers: dict[str, str] | None = None) -> Any:
            if url in fonts or url.startswith("data:"):
                return super().fetch(url, headers)
            raise ValueError(f"a report may not read {url.partition('?')[0][:80]}")

    return Fetcher(allowed_protocols=("file", "data"), allow_redirects=False)
