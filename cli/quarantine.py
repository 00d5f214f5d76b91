"""`tenggat quarantine`: unreadable rows of a source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli import console
from cli.console import JsonOption, NowOption, SiteOption, escape
from cli.language.words import say

quarantine_app = typer.Typer(help="Rows of a source that could not be read.", no_args_is_help=True)


@quarantine_app.command("list")
def list_quarantine(
    everything: Annotated[
        bool, typer.Option("--all", help="Also rows that could be read later.")
    ] = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the rows with place and reason."""
    with console.context_of(site) as context:
        from cli.listings import QUARANTINE_COLUMNS, quarantine_rows  # noqa: PLC0415

        with context.transaction() as session:
            rows = quarantine_rows(session, context, resolved=everything)
    if as_json:
        console.print_json(rows)
    else:
        columns = (*QUARANTINE_COLUMNS, *(("resolved",) if everything else ()))
        times = {"since", "resolved"}  # the value is the text of the cell
        console.print_table(
            columns,
            (
                [
                    console.short_time(row[column]) if column in times else row[column]
                    for column in columns
                ]
                for row in rows
            ),
            {"reason": "rejection"},
        )
        waiting = sum(not row["resolved"] for row in rows)
        key = "quarantine.waiting_of" if everything else "quarantine.waiting"
        console.out.print(say(key, n=waiting, all=len(rows)))


@quarantine_app.command("retry")
def retry_quarantine(
    name: Annotated[
        str | None, typer.Option("--source", help="Only this source.", metavar="NAME")
    ] = None,
    site: SiteOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the rows again from their files.

    Use it after correcting a mapping or the directory: rows readable now are imported as usual.
    Exit code 1 if rows still wait.
    """
    with console.context_of(site) as context:
        from dataclasses import asdict  # noqa: PLC0415

        from tasks.ingest.quarantine_retry import retry  # noqa: PLC0415

        names = (
            list(context.site.sources)
            if name is None
            else [console.known_source(context.site, name)]
        )
        moment = console.moment(now, context.site)
        retried = [retry(context, each, moment) for each in names]
    if as_json:
        console.print_json([asdict(each) for each in retried])
    else:
        for each in retried:
            console.out.print(
                say(
                    "quarantine.retried",
                    source=escape(each.source),
                    resolved=each.resolved,
                    new=each.new,
                    updated=each.updated,
                    unreadable=each.unreadable,
                    gone=len(each.gone),
                )
            )
            for text in (
                *each.failures,
                *(say("quarantine.gone", file=file) for file in each.gone),
            ):
                console.out.print(f"  {escape(text)}", soft_wrap=True)
    if any(each.unreadable or each.gone or each.failures for each in retried):
        raise typer.Exit(console.TROUBLE)


@quarantine_app.command("export")
def export_quarantine(
    file: Annotated[Path, typer.Argument(help="The CSV file to write.", metavar="FILE")],
    everything: Annotated[
        bool, typer.Option("--all", help="Also rows that could be read later.")
    ] = False,
    site: SiteOption = None,
) -> None:
    """Write the rows to a CSV file."""
    with console.context_of(site) as context:
        from cli.listings import QUARANTINE_COLUMNS, quarantine_rows  # noqa: PLC0415

        with context.transaction() as session:
            rows = quarantine_rows(session, context, resolved=everything)
    columns = (*QUARANTINE_COLUMNS, "resolved")
    console.show_rows(columns, rows, "quarantine.rows", file, as_json=False)
