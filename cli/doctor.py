"""`tenggat doctor`: find faults of a site, with the remedies."""

from __future__ import annotations

import os

import typer
from rich.markup import escape

from cli import console
from cli.console import JsonOption, NowOption, SiteOption
from cli.language.translation import translated
from cli.language.words import say
from settings import load_site


def doctor(site: SiteOption = None, now: NowOption = None, as_json: JsonOption = False) -> None:
    """Check the site and say what to do.

    Checked are settings, offices, calendar, rules to confirm, database, last runs, mail server,
    sources, clock and disk. Changes nothing. Exit code 1 if a fault is found.
    """
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    from tasks.monitoring.health import check  # noqa: PLC0415

    place = load_site(site)
    findings = check(place, console.moment(now, place), clock=now is None)
    if as_json:
        console.print_json([{"level": f.level, "what": f.what, "do": f.remedy} for f in findings])
    else:
        colors = {"good": "green", "note": "yellow", "trouble": "bold red"}
        for finding in findings:
            remedy = escape(translated(finding.remedy))
            more = f"\n         {remedy}" if remedy else ""
            level = f"{say(f'doctor.levels.{finding.level}'):<7}"
            what = escape(translated(finding.what))
            console.out.print(f"[{colors[finding.level]}]{level}[/]  {what}{more}")
    if any(finding.level == "trouble" for finding in findings):
        raise typer.Exit(console.TROUBLE)
