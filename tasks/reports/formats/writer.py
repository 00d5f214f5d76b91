"""Write a report in every format, under one name, into one folder."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from tasks.common.whole_files import whole_files
from tasks.reports.model import Report
from tasks.text.catalog import catalog

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
    annex: bool = False,
) -> list[Path]:
    """Write a report in these formats and return the files in the order of `FORMATS`.

    With CSV there is a second file: the list of duties, if the report has it. With `annex` the last
    two files are the annex for evaluators, as PDF and XLSX.

    The files appear together when all are complete. `ending` is added to their common name.
    `progress` is called with the finished part of the work, in percent.
    """
    # these load Typst and the fonts of matplotlib: imported only when a report is made
    from tasks.reports.formats.annex_files import annex_pdf, annex_xlsx  # noqa: PLC0415
    from tasks.reports.formats.duty_cells import duties_csv  # noqa: PLC0415
    from tasks.reports.formats.html import report_html  # noqa: PLC0415
    from tasks.reports.formats.json_csv import report_csv, report_json  # noqa: PLC0415
    from tasks.reports.formats.pdf.report import report_pdf  # noqa: PLC0415
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
    stem = _stem(view, zone, ending)
    paths = []
    wanted = [each for each in making if each in formats]
    listed = view.duties is not None and "csv" in formats
    t = catalog(view.names.locale)
    with whole_files() as write:
        for number, each in enumerate(wanted, 1):
            paths.append(folder / f"{stem}.{each}")
            write(paths[-1], making[each]())
            progress(100.0 * number / len(wanted))
        if listed:
            paths.append(folder / f"{stem}_{t('report.sheet.duties').lower()}.csv")
            write(paths[-1], duties_csv(view, zone))
        for kind, make in (("pdf", annex_pdf), ("xlsx", annex_xlsx)) if annex else ():
            paths.append(folder / f"{stem}_{t('annex.file')}.{kind}")
            write(paths[-1], make(view, zone, f"{stem}.xlsx"))
    return paths


def _stem(view: Report, zone: ZoneInfo, ending: str) -> str:
    """Return the common name of the files: the period, the moment, the edition, and the ending."""
    edition = "_public" if view.edition == "public" else ""
    return f"tenggat-{view.period_key}_{view.as_of.astimezone(zone):%Y-%m-%d_%H%M}{edition}{ending}"
