"""Output of `tenggat simulate`: tables for people, data for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from cli import console
from cli.console import escape
from cli.language.words import say
from settings.site import Site
from sla.directory import Role
from sla.ladders import NoticeKind

if TYPE_CHECKING:  # load Prefect (several seconds): functions import them only when needed
    from tasks.simulation.simulate import Simulation
    from tasks.simulation.tally import Cells, Figures

LABELS = (
    "mails",
    "people",
    "notices",
    "reminder",
    "breach",
    "escalation",
    "inventories",
    "corrections",
    "alerts",
    "suppressed",
    "unaddressed",
    "due",
    "missed",
    "known_to_units",
)
"""Figures in the order in which they are shown; their names are in simulate.toml."""

STORMS_SHOWN = 5
GAP = 2
"""Terminal columns between two figures."""

NARROWEST = 18
"""Least terminal columns for the name of a row, even if the table then exceeds the terminal."""

OURS = frozenset({"mails", "notices", *map(str, NoticeKind)})
"""Columns that are no rung of the site's ladders; their names are in columns.toml."""

ALWAYS = ("mails", "people", "notices", "due", "missed")
"""Figures shown even if they are 0."""


def as_data(found: Simulation, rows: list[dict[str, str]]) -> dict[str, Any]:
    """Convert a simulation for a program: the totals of each outcome, and the rows as in CSV."""
    from tasks.simulation import tally  # noqa: PLC0415

    totals = tally.totals(found)
    days = tally.table(found, lambda notice: notice.day, lambda notice: notice.kind)
    return {
        "from": found.first,
        "to": found.last,
        "recorded_from": found.recorded_from,
        "recorded_until": found.recorded_until,
        "outcomes": [
            {
                "files": files,
                **{name: figures[number] for name, figures in totals.items()},
                "held_up": [
                    {"at": storm.at, "mails": storm.mails, "mail_limit": storm.mail_limit}
                    for storm in outcome.storms
                ],
                "days": {
                    day.isoformat(): {
                        name: days[day][name][number] for name in ("mails", "notices")
                    }
                    for day in sorted(days)
                },
            }
            for number, (files, outcome) in enumerate(
                zip(("current", "proposed"), found.outcomes, strict=False)
            )
        ],
        "rows": rows,
    }


def show(sites: Sequence[Site], files: Sequence[Path | None], found: Simulation) -> None:
    """Print a simulation for people: its figures, notes for reading them, and its tables."""
    from tasks.simulation import tally  # noqa: PLC0415

    site = sites[0]
    out = console.out
    out.print(
        say(
            "simulate.title",
            site=f"[bold]{escape(site.name)}[/]",
            first=found.first,
            last=found.last,
        ),
        soft_wrap=True,
    )
    if len(sites) > 1:
        names = escape(say("simulate.and").join(str(path) for path in files if path))
        out.print(say("simulate.proposal", files=names, day=found.first), soft_wrap=True)
    totals = tally.totals(found)
    days = tally.table(found, lambda notice: notice.day, lambda notice: notice.kind)
    figures = {
        say(f"simulate.labels.{name}"): _cell(totals[name], zero="0")
        for name in LABELS
        if name in ALWAYS or any(totals[name])
    }
    figures[say("simulate.labels.busiest")] = _busiest(days, len(found.outcomes))
    whole = Table(box=None, show_header=False, pad_edge=False)
    whole.add_column(style="bold")
    whole.add_column()
    for label, text in figures.items():
        whole.add_row(label, text)
    out.print(whole)
    _warn(site, found)
    kinds = [str(kind) for kind in NoticeKind]
    weekdays = say("simulate.weekdays").split()
    _table(
        "day",
        {f"{day:%Y-%m-%d} {weekdays[day.weekday()]}": days[day] for day in sorted(days)},
        ["mails", "notices", *kinds],
    )
    order = {role: place for place, role in enumerate(Role)}
    roles = tally.table(found, lambda notice: notice.role, lambda notice: notice.rung)
    rungs = tally.rungs(found, sites)
    _table(
        "role",
        {role: roles[role] for role in sorted(roles, key=lambda role: order[Role(role)])},
        ["mails", "notices", *rungs],
    )
    units = tally.table(found, lambda notice: notice.unit, lambda notice: notice.rung)
    named = {site.directory.name_of(unit) or say("simulate.no_unit"): units[unit] for unit in units}
    _table("unit", dict(sorted(named.items())), ["notices", *rungs])
    rules = tally.table(found, lambda notice: notice.rule, lambda notice: notice.kind)
    _table("rule", dict(sorted(rules.items())), ["notices", *kinds])
    if len(sites) > 1 and _first_day(site, found) and not tally.differs(found):
        _note(say("simulate.no_difference"))


def _warn(site: Site, found: Simulation) -> None:
    """Print notes needed to read the figures."""
    several = len(found.outcomes) > 1
    whens = (say("simulate.before"), say("simulate.after"))
    for when, outcome in zip(whens, found.outcomes, strict=False):
        which = when if several else ""
        for storm in outcome.storms[:STORMS_SHOWN]:
            local = storm.at.astimezone(site.zone)
            _note(
                which
                + say(
                    "simulate.storm",
                    time=f"{local:%Y-%m-%d %H:%M}",
                    n=storm.mails,
                    limit=storm.mail_limit,
                )
            )
        if len(outcome.storms) > STORMS_SHOWN:
            _note(which + say("simulate.more_storms", n=len(outcome.storms) - STORMS_SHOWN))
        if outcome.waiting:
            _note(which + say("simulate.later", n=outcome.waiting))
        if outcome.not_evaluated:
            tickets = ", ".join(sorted(outcome.not_evaluated)[:5])
            number = len(outcome.not_evaluated)
            _note(which + say("simulate.not_evaluated", n=number, tickets=tickets))
    begins, until = _first_day(site, found), found.recorded_until
    if found.recorded_from is None:
        _note(say("simulate.nothing_recorded"))
    elif begins is None:
        day = found.recorded_from.astimezone(site.zone).date()
        _note(say("simulate.nothing_to_replay", day=day))
    elif begins > found.first:
        _note(say("simulate.recorded_from", day=begins))
    if until is not None and (day := until.astimezone(site.zone).date()) < found.last:
        _note(say("simulate.recorded_until", day=day))


def _first_day(site: Site, found: Simulation) -> date | None:
    """Return the first day with a recorded complaint; None if it is after the replay."""
    if found.recorded_from is None:
        return None
    day = found.recorded_from.astimezone(site.zone).date()
    return day if day <= found.last else None


def _note(text: str) -> None:
    console.out.print(f"[yellow]{say('simulate.note')}[/] {escape(text)}", soft_wrap=True)


def _busiest(days: Mapping[date, Cells], outcomes: int) -> str:
    found = []
    for number in range(outcomes):
        day = max(sorted(days), key=lambda day: days[day]["mails"][number], default=None)
        mails = days[day]["mails"][number] if day is not None else 0
        found.append(
            say("simulate.on_day", n=mails, day=f"{day:%Y-%m-%d}")
            if mails
            else say("simulate.none")
        )
    return " → ".join(dict.fromkeys(found))


def _table(heading: str, rows: Mapping[str, Cells], columns: Sequence[str]) -> None:
    """Print rows of figures, with the columns having any; figures are never cut, names may be."""
    if not rows:
        return
    shown = [name for name in columns if any(name in cells for cells in rows.values())]
    figures = {name: [_cell(cells.get(name, ())) for cells in rows.values()] for name in shown}
    titles = {name: say(f"columns.{name}") if name in OURS else name for name in shown}
    widths = _widths(titles, figures)
    heading = say(f"columns.{heading}")
    longest = max(len(label) for label in (heading, *rows))
    if longest + sum(widths.values()) > console.out.console.width:
        titles = {name: title.replace("-", "-\n", 1) for name, title in titles.items()}
        widths = _widths(titles, figures)
    label = min(longest, max(console.out.console.width - sum(widths.values()), NARROWEST))
    table = Table(box=None, header_style="bold", pad_edge=False, width=label + sum(widths.values()))
    table.add_column(heading, width=label, overflow="fold")
    for name in shown:
        table.add_column(titles[name], justify="right", no_wrap=True, width=widths[name] - GAP)
    for number, name in enumerate(rows):
        table.add_row(escape(name), *(figures[each][number] for each in shown))
    console.out.print()
    console.out.print(table, crop=False)


def _widths(titles: Mapping[str, str], figures: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return the terminal width of each column, with the gap before it."""
    return {
        name: GAP
        + max(
            *(len(line) for line in title.splitlines()),
            *(Text.from_markup(text).cell_len for text in figures[name]),
        )
        for name, title in titles.items()
    }


def _cell(figures: Figures, zero: str = "") -> str:
    """Format '3', or '3→5' if the proposal changes it; empty for zero."""
    if len(set(figures)) > 1:
        return "[bold]" + "→".join(map(str, figures)) + "[/]"
    return str(figures[0]) if any(figures) else zero
