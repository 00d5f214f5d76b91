"""`tenggat simulate`: show the effect of a changed ladder or law before it is used."""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli import console
from cli.console import CsvOption, JsonOption, SiteOption, UsageError
from cli.language.words import say
from cli.output import simulation
from settings.site import Site, load_site


def simulate(
    first: Annotated[str, typer.Option("--from", help="First day, as 2026-07-01.", metavar="D")],
    last: Annotated[str, typer.Option("--to", help="Last day, as 2026-09-30.", metavar="D")],
    ladder: Annotated[
        Path | None,
        typer.Option(help="A proposed escalation.toml, against the site's own.", metavar="FILE"),
    ] = None,
    regulations: Annotated[
        Path | None,
        typer.Option(
            help="A proposed folder of regulations, in place of those of site.toml.", metavar="DIR"
        ),
    ] = None,
    from_scratch: Annotated[
        bool,
        typer.Option("--from-scratch", help="As if nothing had been sent before the first day."),
    ] = False,
    csv_file: CsvOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what would have been sent.

    Replays the records from one day to another, with the site's files and, if given, with proposed
    ones: mails and notices by day, role, unit and rung. Notices sent before the first day still
    count as sent. Nothing is written and nothing is sent.
    """
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    place = load_site(site)
    begins, ends = _time(place, first, last)
    changed = ladder is not None or regulations is not None
    proposed = place.proposed(ladder, regulations) if changed else None
    if csv_file is not None:
        console.check_writable(csv_file)  # report a bad path before the long replay
    from db.engine import NotReady  # noqa: PLC0415
    from tasks.simulation import tally  # noqa: PLC0415
    from tasks.simulation.simulate import simulate as live_through  # noqa: PLC0415

    with console.err.console.status(say("simulate.reading")) as status:

        def follow(moment: datetime) -> None:
            day = f"{moment.astimezone(place.zone):%Y-%m-%d}"
            status.update(say("simulate.replaying", day=day))

        try:
            found = live_through(
                place, proposed, begins, ends, from_scratch=from_scratch, say=follow
            )
        except NotReady as error:
            raise UsageError(str(error)) from None
    rows = tally.rows(found)
    if csv_file is not None:
        columns = tally.columns(found)
        console.show_rows(columns, rows, "simulate.rows", csv_file, as_json=False)
    elif as_json:
        console.print_json(simulation.as_data(found, rows))
    else:
        simulation.show(
            [place] if proposed is None else [place, proposed], (ladder, regulations), found
        )


def _time(site: Site, first: str, last: str) -> tuple[date, date]:
    begins, ends = console.day(first), console.day(last)
    if ends < begins:
        raise UsageError(say("simulate.backwards", begins=begins, ends=ends))
    calendar = site.evaluation_context.calendar
    if begins < calendar.first or ends >= calendar.last:
        raise UsageError(
            say(
                "simulate.outside",
                begins=begins,
                ends=ends,
                first=calendar.first,
                last=calendar.last,
            )
        )
    return begins, ends
