"""`make demo`: the main job once, on the example site, on the morning of 24 November 2026.

The four weeks before are run day by day in time-lapse, so the results of the final morning are
based on real observations. `--days 2` runs only the last two of these days.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from cli.console import reason
from db.decisions import mode
from service.prefect_server import prefect_api
from settings.site import Site, load_site

if TYPE_CHECKING:
    from tasks.common.context import SiteContext

out = Console(highlight=False)

LAST_MORNING = datetime(2026, 11, 24, 8)  # noqa: DTZ001 - the zone of the site is added later
DAYS = 29
PERIOD = "2026-11"
STATES = ("running", "paused", "breached", "met", "met_late", "lapsed", "waived", "unknown")


def main() -> None:
    """Run the demo; after a failure print the failed step and exit with 1."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--days", type=int, default=DAYS, help="days in time-lapse before")
    days = options.parse_args().days
    began = time.monotonic()
    os.environ.setdefault("TENGGAT_REHEARSAL", "1")  # its days are fixed, whatever the clock says
    step = "settings"
    try:
        site = load_site()
        place = escape(_short(site.var))
        out.print(
            f"[bold]{escape(site.name)}[/] (invented), working files in {place}", soft_wrap=True
        )
        step = "Prefect server"
        out.print("starting a Prefect server ...")
        with prefect_api(site.var):
            step = "database"
            demo = _Demo(site, days)
            for step, run in demo.steps:  # noqa: B007 - the error message names the failed step
                run()
            step = "closing table"
            _closing(demo.context, demo.counts, demo.last, time.monotonic() - began)
            demo.context.close()
    except Exception as error:
        out.print(f"[bold red]failed in step '{step}':[/] {escape(reason(error))}", soft_wrap=True)
        if os.environ.get("TENGGAT_DEBUG"):
            raise
        sys.exit(1)


class _Demo:
    """The steps of the demo on one site, and the counts of its last morning."""

    def __init__(self, site: Site, days: int) -> None:
        from tasks.common.context import SiteContext  # noqa: PLC0415 - needs the API's address

        self.site, self.last = site, LAST_MORNING.replace(tzinfo=site.zone)
        self.mornings = [self.last - timedelta(days=before) for before in range(days, 0, -1)]
        self.context = SiteContext.open(site.folder)
        self.counts: dict[str, Any] = {}

    @property
    def steps(self) -> list[tuple[str, Callable[[], None]]]:
        """The steps in order, by name; a demo that was run before has only one, which says so."""
        gone_on = _gone_on_since(self.context, self.last)
        if gone_on is not None:
            return [("earlier run", partial(_already_over, self.site, gone_on))]
        return [
            ("start", self._start),
            ("time-lapse", partial(_time_lapse, self.site, self.mornings)),
            ("cycle", self._cycle),
            ("summary", self._summary),
            ("delivery of the summary", self._deliver_summary),
        ]

    def _start(self) -> None:
        """End the trial of a new site as `tenggat start` does: the demo shows mails to all."""
        from tasks.notifications.trial.start import start_site  # noqa: PLC0415

        with self.context.transaction() as session:
            decided = mode.of_site(session).since is not None
        if not decided:
            start_site(self.context, [*self.mornings, self.last][0], "the demo")
            out.print("tenggat start: the mails go to the office holders")

    def _cycle(self) -> None:
        from flows.cycle import run_cycle  # noqa: PLC0415

        cycle = run_cycle(
            str(self.site.folder),
            self.last,
            say=lambda text: out.print(f"{self.last:%Y-%m-%d %H:%M} {text}"),
        )
        if cycle.failed is not None:
            raise RuntimeError(f"{cycle.failed_flow}: {reason(cycle.failed)}")
        self.counts = cycle.counts

    def _summary(self) -> None:
        from flows.summary import summary  # noqa: PLC0415

        out.print(f"{self.last:%Y-%m-%d %H:%M} summary ...")
        self.counts["summary"] = summary(str(self.site.folder), self.last, PERIOD)

    def _deliver_summary(self) -> None:
        from flows.delivery import delivery  # noqa: PLC0415

        later, sent = delivery(str(self.site.folder), self.last), self.counts["delivery"]
        for name in ("sent", "deferred", "dead", "cancelled"):
            sent[name] += later[name]
        sent["by_role"] = Counter(sent["by_role"]) + Counter(later["by_role"])


def _already_over(site: Site, gone_on: datetime) -> None:
    out.print(
        f"The demo's morning is over: the service last ran on {gone_on:%Y-%m-%d %H:%M}."
        f" Nothing is changed; remove {escape(_short(site.var))} to begin again.",
        soft_wrap=True,
    )


def _time_lapse(site: Site, mornings: list[datetime]) -> None:
    """Run the mornings before the last one, each once, as one flow with a task per day."""
    from flows.backfill import backfill  # noqa: PLC0415

    bars = (TextColumn("{task.fields[day]}  time-lapse"), BarColumn(), MofNCompleteColumn())
    with Progress(*bars, console=out) as progress:
        bar = progress.add_task("", total=len(mornings), day="")

        def say(day: datetime) -> None:
            progress.update(bar, advance=1, day=f"{day:%Y-%m-%d %H:%M}")

        if not backfill(str(site.folder), mornings, say=say):
            progress.update(bar, completed=len(mornings), day="already done")


def _gone_on_since(context: SiteContext, last: datetime) -> datetime | None:
    """Return the time of the site's last run if it was after the demo's morning."""
    from db import runs  # noqa: PLC0415

    with context.transaction() as session:
        before = runs.last(session)
    return context.local(before) if before is not None and before > last else None


def _closing(context: SiteContext, counts: dict[str, Any], now: datetime, seconds: float) -> None:
    """Print the table at the end of the demo, and suggestions for further reading."""
    from tasks.evaluation.status import site_status  # noqa: PLC0415

    stands = site_status(context, now)
    name = context.site.directory.name_of
    out.print()
    table = Table(
        title=f"{context.site.name}, {now:%Y-%m-%d %H:%M}",
        title_justify="left",
        title_style="bold",
        show_header=False,
        box=None,
        pad_edge=False,
    )
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for line in _pulled(context, counts):
        table.add_row(*line)
    states = [f"{stands.states[state]} {state}" for state in STATES if stands.states.get(state)]
    table.add_row("deadlines", ", ".join(states))
    late = ", ".join(f"{name(unit)} {number}" for unit, number in stands.late_by_unit)
    table.add_row("complaints late by unit", late or "none")
    for line in _mails(context, counts):
        table.add_row(*line)
    out.print(table)
    if counts and not _changed(counts):
        out.print(
            "[bold]nothing has changed:[/] everything was imported, evaluated and sent before"
        )
    out.print(f"\ntook {seconds:.0f} s. Where to look next:")
    for what, where in _next(context):
        out.print(f"  {what:<22}{escape(where)}", soft_wrap=True)


def _pulled(context: SiteContext, counts: dict[str, Any]) -> list[tuple[str, str]]:
    from db import (  # noqa: PLC0415
        complaints,
        quarantine,
    )

    with context.transaction() as session:
        known = complaints.count(session)
        held = len(quarantine.quarantined(session))
    lines = [("complaints", f"{known} in all, {held} rows in quarantine")]
    for count in counts.get("intake", {}).get("sources", []):
        text = f"{count['new']} new, {count['updated']} updated, {count['quarantined']} quarantined"
        lines.append((f"  this morning, {count['source']}", text))
    return lines


def _mails(context: SiteContext, counts: dict[str, Any]) -> list[tuple[str, str]]:
    from sqlalchemy import func, select  # noqa: PLC0415

    from db.lives import MessageStatus  # noqa: PLC0415
    from db.models import MessageRow  # noqa: PLC0415

    with context.transaction() as session:
        query = select(MessageRow.role, func.count()).where(MessageRow.status == MessageStatus.SENT)
        rows = session.execute(query.group_by(MessageRow.role))
        sent = {row[0]: row[1] for row in rows}
    lines = [("mails sent in all", _by_role(sent))]
    if counts:
        lines.append(("  this morning", _by_role(counts["delivery"]["by_role"])))
    return lines


def _by_role(numbers: dict[str, int]) -> str:
    parts = [f"{number} {role}" for role, number in sorted(numbers.items(), key=lambda p: -p[1])]
    return ", ".join(parts) or "none"


def _changed(counts: dict[str, Any]) -> bool:
    """Check whether this run of the demo changed anything."""
    read = counts["intake"]["sources"]
    return bool(
        any(count["new"] or count["updated"] or count["quarantined"] for count in read)
        or counts["deadlines"]["evaluated"]
        or counts["delivery"]["sent"]
        or not counts["summary"]["made_before"]
    )


def _next(context: SiteContext) -> list[tuple[str, str]]:
    var = context.site.var
    found = []
    mails = sorted(
        (var / "mailbox").glob("2026-11-24_*"),
        key=lambda path: ("bupati" not in path.name, -path.stat().st_size),
    )
    if mails:
        found.append(("a mail", _short(mails[0])))
    reports = sorted((var / "reports").glob("*.html"))
    if reports:
        found.append(("the summary", _short(reports[-1])))
    found.append(("every mail", "tenggat mail list; tenggat mail show NUMBER"))
    found.append(("why a date", "tenggat deadlines --state breached; tenggat explain TICKET"))
    found.append(("the service", "make up, then http://127.0.0.1:4200"))
    return found


def _short(path: Path) -> str:
    """Return a path relative to the working directory if possible."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


if __name__ == "__main__":
    main()
