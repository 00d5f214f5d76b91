"""Write: a report in every format, under one name, beside each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from tasks.reporting.pango import PdfMissing
from tasks.reporting.view import ReportView


def write_all(
    view: ReportView,
    folder: Path,
    zone: ZoneInfo,
    progress: Callable[[float], None] = lambda percent: None,
) -> tuple[list[Path], list[str]]:
    """Write HTML, PDF, XLSX, JSON and CSV; returns the files, HTML first, and what is left out.

    A format whose system library is missing is left out with its reason; the others are made.
    `progress` hears what part of the work is done, in percent.
    """
    # these load matplotlib, which takes a second: only where a report is made
    from tasks.reporting.html import report_html  # noqa: PLC0415
    from tasks.reporting.machine import report_csv, report_json  # noqa: PLC0415
    from tasks.reporting.pdf import report_pdf  # noqa: PLC0415
    from tasks.reporting.plots import plots  # noqa: PLC0415
    from tasks.reporting.xlsx import report_xlsx  # noqa: PLC0415

    drawn = plots(view, zone)
    formats: dict[str, Callable[[], bytes]] = {
        "html": lambda: report_html(view, zone, drawn).encode(),
        "pdf": lambda: report_pdf(view, zone, drawn),
        "xlsx": lambda: report_xlsx(view, zone),
        "json": lambda: report_json(view).encode(),
        "csv": lambda: report_csv(view).encode(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"tenggat-{view.period_key}_{view.as_of.astimezone(zone):%Y-%m-%d_%H%M}"
    if view.edition == "public":
        stem += "_public"
    paths, left_out = [], []
    for number, (ending, made) in enumerate(formats.items(), 1):
        path = folder / f"{stem}.{ending}"
        try:
            path.write_bytes(made())
        except PdfMissing as trouble:
            left_out.append(str(trouble))
        else:
            paths.append(path)
        progress(100.0 * number / len(formats))
    return paths, left_out
