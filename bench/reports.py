"""`make bench`: what each format of a report costs, for so many units (50, or the argument).

Prints seconds of CPU and ratios to the HTML of the same run, its baseline; nothing here passes or
fails. All are made from one set of invented figures, of 1,500 complaints. HTML draws the plots, and
PDF uses the same ones, as in a report that has both. One workbook more has a list of 900 duties and
a formula for each figure.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "tests"))

from support.duty_reports import report_of
from support.metric_cases import case, event_at
from support.synthetic_reports import view

UNITS, COMPLAINTS, DUTIES = 50, 1_500, 900
ZONE = ZoneInfo("Asia/Makassar")


def main() -> None:
    """Make every format of one report and print what it took."""
    from tasks.reports.formats.html import report_html  # noqa: PLC0415
    from tasks.reports.formats.json_csv import report_csv, report_json  # noqa: PLC0415
    from tasks.reports.formats.pdf.report import report_pdf  # noqa: PLC0415
    from tasks.reports.formats.plots import Plot, plots  # noqa: PLC0415
    from tasks.reports.formats.xlsx import report_xlsx  # noqa: PLC0415
    from tasks.reports.public_edition import public_edition  # noqa: PLC0415

    units = int(sys.argv[1]) if len(sys.argv) > 1 else UNITS
    report = view("id", units=units, count=COMPLAINTS)
    listed = report_of([_case(number) for number in range(DUTIES)])
    report_html(view("id", units=2, count=6), ZONE)  # what is loaded only once
    drawn: dict[str, Plot] = {}
    making: dict[str, Callable[[], Any]] = {
        "html": lambda: report_html(report, ZONE),
        "plots alone": lambda: drawn.update(plots(report, ZONE)),
        "pdf": lambda: report_pdf(report, ZONE, drawn),
        "xlsx": lambda: report_xlsx(report, ZONE),
        "xlsx, duties": lambda: report_xlsx(listed, ZONE),
        "json": lambda: report_json(report),
        "csv": lambda: report_csv(report),
        "public edition": lambda: public_edition(report),
    }
    seconds: dict[str, float] = {}
    for name, make in making.items():
        before = time.process_time()
        make()
        seconds[name] = time.process_time() - before
    print(f"a report of {COMPLAINTS:,} complaints and {units} units, its HTML as the baseline:")
    for name, took in seconds.items():
        print(f"  {name:15}{took:8.2f} s of CPU{took / seconds['html']:9.1f} times the HTML")


def _case(number: int) -> Any:
    """Return a complaint of one of three units, settled after some days."""
    return case(
        f"{number:04}",
        event_at("received", f"2026-11-{1 + number % 13:02} 10:00"),
        event_at("settled", f"2026-11-{14 + number % 9:02} 11:00"),
        unit=("pupr", "dinkes", "kominfo")[number % 3],
    )


if __name__ == "__main__":
    main()
