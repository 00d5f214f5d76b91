"""`tenggat summary` and `tenggat export`: files for others to read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from commands import console
from commands.console import JsonOption, NowOption, SiteOption, UsageError
from sla.periods import parse


def summary(
    period: Annotated[
        str, typer.Argument(help="2026-11, 2026-W47, 2026-Q3, 2026-H1, 2026, last-month, A..B.")
    ],
    as_of: Annotated[
        str | None, typer.Option(help="As it was known at this time.", metavar="T")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder to write to.", metavar="DIR")
    ] = None,
    site: SiteOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a compliance summary.

    As an HTML file for people, and its figures beside it as JSON. Mails nothing.
    """
    with console.office_of(site) as office:
        moment = console.moment(now, office.site)
        known = console.moment(as_of, office.site) if as_of else moment
        parse(period, office.local(known).date())
        from tasks.summary import make_summary  # noqa: PLC0415

        made = make_summary.fn(office, period, known, moment, "by hand", mail=False, out=folder)
    key, sha256 = made.view.period_key, made.view.sha256
    if as_json:
        console.print_json({"period": key, "path": str(made.path), "sha256": sha256})
    else:
        place = escape(str(made.path))
        console.out.print(f"summary of {key} written to [bold]{place}[/]", soft_wrap=True)


def export_complaints(
    file: Annotated[Path, typer.Argument(help="The file to write.", metavar="FILE.jsonl")],
    since: Annotated[
        str | None,
        typer.Option(help="Only what was learnt since this time.", metavar="T"),
    ] = None,
    titles: Annotated[
        bool, typer.Option("--titles", help="Also the titles that are kept.")
    ] = False,
    site: SiteOption = None,
    now: NowOption = None,
) -> None:
    """Write complaints for another installation.

    As JSON Lines, one complaint a line with all its events; a source with `layout = "exchange"`
    reads it back. See README for the form.
    """
    if file.suffix != ".jsonl":
        raise UsageError(f"'{file.name}' is not called .jsonl; a source reads the form by its name")
    with console.office_of(site) as office:
        from tasks.exporting import export  # noqa: PLC0415

        moment = console.moment(now, office.site)
        begin = console.moment(since, office.site) if since else None
        with console.writing(file):
            number = export(office, file, moment, since=begin, titles=titles)
    console.err.print(f"{number} complaints written to {escape(str(file))}")
