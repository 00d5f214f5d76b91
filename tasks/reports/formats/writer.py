"""Write a report in every format, under one name, into one folder."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from tasks.reports.formats.pdf_support import PdfMissing
from tasks.reports.model import Report

FORMATS = ("html", "pdf", "xlsx", "json", "csv")
READ = ("html", "pdf", "xlsx")
"""The formats people read."""


def write_all(
    view: Report,
    folder: Path,
    zone: ZoneInfo,
    progress: Callable[[float], None] = lambda percent: None,
    *,
    formats: Collection[str] = FORMATS,
    ending: str = "",
) -> tuple[list[Path], list[str]]:
    """Write a report in these formats; returns the files, and the reasons for omitted formats.

    The files are in the order of `FORMATS`; `ending` is added to their common name. A format with a
    missing system library is omitted with its reason; the others are made. `progress` is called
    with the finished part of the work, in percent.
    """
    # these load matplotlib, which takes a second: imported only when a report is made
    from tasks.reports.formats.html import report_html  # noqa: PLC0415
    from tasks.reports.formats.json_csv import report_csv, report_json  # noqa: PLC0415
    from tasks.reports.formats.pdf import report_pdf  # noqa: PLC0415
    from tasks.reports.formats.plots import Plot, plots  # noqa: PLC0415
    from tasks.reports.formats.xlsx import report_xlsx  # noqa: PLC0415

    @cache
    def drawn() -> Mapping[str, Plot]:
        return plots(view, zone)

    making: dict[str, Callable[[], bytes]] = {
        "html": lambda: report_html(view, zone, drawn()).encode(),
        "pdf": lambda: report_pdf(view, zone, drawn()),
        "xlsx": lambda: report_xlsx(view, zone),
        "json": lambda: report_json(view).encode(),
        "csv": lambda: report_csv(view).encode(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"tenggat-{view.period_key}_{view.as_of.astimezone(zone):%Y-%m-%d_%H%M}"
    if view.edition == "public":
        stem += "_public"
    stem += ending
    paths, left_out = [], []
    wanted = [each for each in making if each in formats]
    for number, each in enumerate(wanted, 1):
        path = folder / f"{stem}.{each}"
        try:
            path.write_bytes(making[each]())
        except PdfMissing as trouble:
            left_out.append(str(trouble))
        else:
            paths.append(path)
        progress(100.0 * number / len(wanted))
    return paths, left_out
