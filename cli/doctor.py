"""`tenggat doctor`: find faults of a site, with the remedies."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.console import JsonOption, NowOption, SiteOption, escape
from cli.language.translation import translated
from cli.language.words import say, value_word
from settings.site import load_site

if TYPE_CHECKING:
    from tasks.monitoring.health import Finding

COLORS = {"trouble": "bold red", "note": "yellow", "good": "green"}
"""The groups in the order in which they are printed, the most urgent first."""

SCREEN = 24
"""Number of lines of a short list."""

Entry = tuple[str, ...]
"""The lines of one finding, or of several that are counted."""


def doctor(
    site: SiteOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
    show_all: Annotated[
        bool, typer.Option("--all", help="List everything, also what else is counted.")
    ] = False,
) -> None:
    """Check the site and say what to do.

    Checked are settings, offices, calendar, rules to confirm, database, last runs, mail server,
    sources, clock and disk. The answer has three groups: broken, to decide, ready. Changes nothing.
    Exit code 1 if a fault is found.
    """
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    from tasks.monitoring.health import check  # noqa: PLC0415

    place = load_site(site)
    findings = check(place, console.moment(now, place), clock=now is None)
    if as_json:
        console.print_json([{"level": f.level, "what": f.what, "do": f.remedy} for f in findings])
    else:
        _print_groups(findings, None if show_all else SCREEN)
    if any(finding.level == "trouble" for finding in findings):
        raise typer.Exit(console.TROUBLE)


def _print_groups(findings: Sequence[Finding], limit: int | None) -> None:
    """Print the groups, each with its number of points; with a limit in at most so many lines.

    Findings of one kind that are counted in one line are one point.
    """
    groups = {level: [f for f in findings if f.level == level] for level in COLORS}
    entries = {level: _entries(group, counts=limit is not None) for level, group in groups.items()}
    left = limit
    for place, level in enumerate(COLORS):
        heading = say(f"doctor.groups.{level}", n=len(entries[level]))
        console.out.print(f"[{COLORS[level]}]{escape(heading)}[/]", soft_wrap=True)
        shown, left_out = entries[level], 0
        if left is not None:  # a later group gets its heading and a line at least
            later = sum(1 for other in list(COLORS)[place + 1 :] if entries[other])
            shown, left_out = _fitting(shown, left - 1 - 2 * later)
            left -= 1 + sum(map(len, shown)) + bool(left_out)
        for what, *remedies in shown:
            console.out.print(f"  {escape(what)}", soft_wrap=True)
            for remedy in remedies:
                console.out.print(f"    {escape(remedy)}", soft_wrap=True)
        if left_out:
            console.out.print(f"  {escape(say('doctor.more', n=left_out))}", soft_wrap=True)


def _entries(findings: Sequence[Finding], *, counts: bool) -> list[Entry]:
    """Return the lines of each finding; findings of one kind that is counted are one entry."""
    numbers: dict[str, int] = {}
    for finding in findings:
        numbers[finding.counted] = numbers.get(finding.counted, 0) + 1
    found: dict[str, Entry] = {}
    for finding in findings:
        what, remedy = _with_words(translated(finding.what)), translated(finding.remedy)
        kind = finding.counted
        if counts and kind and numbers[kind] > 1:
            what = say(f"doctor.counted.{kind}", n=numbers[kind])
            found.setdefault(kind, (what, remedy) if remedy else (what,))
        else:
            found[f"{len(found)} {what}"] = (what, remedy) if remedy else (what,)
    return list(found.values())


def _with_words(text: str) -> str:
    """Replace a certainty in brackets, as behind the id of a rule, by its word."""
    return re.sub(r"\((\w+)\)", lambda found: f"({value_word('certainty', found[1])})", text)


def _fitting(entries: Sequence[Entry], lines: int) -> tuple[list[Entry], int]:
    """Return the first entries that fit into these lines, and the number of the others."""
    if sum(map(len, entries)) <= lines:
        return list(entries), 0
    fitting: list[Entry] = []
    for entry in entries:
        if sum(map(len, (*fitting, entry))) > max(0, lines - 1):
            break
        fitting.append(entry)
    return fitting, len(entries) - len(fitting)
