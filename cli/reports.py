"""`tenggat summary` and `tenggat export`: files for others to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.console import JsonOption, NowOption, SiteOption, UsageError, escape
from cli.language.words import language, say, value_word
from sla.events import Knowledge
from sla.periods import parse

if TYPE_CHECKING:  # load Prefect (several seconds): functions import them only when needed
    from settings.site import Site
    from tasks.common.context import SiteContext
    from tasks.reports.diff import Difference
    from tasks.reports.verify import LaterEvent

MOST_SHOWN = 40
"""Most differing figures printed."""


def summary(
    period: Annotated[
        str,
        typer.Argument(
            help="2026-11, 2026-W47, 2026-Q3, 2026-H1, 2026, last-month, A..B; or verify."
        ),
    ],
    file: Annotated[
        Path | None,
        typer.Argument(help="With verify: the JSON file of a report.", metavar="[FILE]"),
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="As it was known at this time.", metavar="T")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder to write to.", metavar="DIR")
    ] = None,
    public: Annotated[
        bool,
        typer.Option("--public", help="For everybody: no complaint is named, no count below 3."),
    ] = False,
    annex: Annotated[
        bool,
        typer.Option("--annex", help="Also the annex for evaluators: figures and blanks."),
    ] = False,
    site: SiteOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a compliance summary, or verify one.

    The files are HTML, PDF and XLSX for people, JSON and CSV for programs, and a CSV file with a
    row for each duty, from which every figure can be counted again. No mail is sent.

    With `--annex` a PDF and an XLSX file list the indicators of the yearly evaluations: figures
    with their formulas and evidence, and blanks for people.

    `summary verify FILE` computes a stored report again and lists the differences, and events
    recorded too late for it; exit code 1 if the same moment gives other figures.
    """
    if (period == "verify") != (file is not None):
        raise UsageError(say("reports.period_or_verify"))
    if annex and public:
        raise UsageError(say("reports.annex_or_public"))
    with console.context_of(site) as context:
        moment = console.moment(now, context.site)
        if file is not None:
            _verify(context, file, moment, as_json=as_json)
            return
        known = console.moment(as_of, context.site) if as_of else moment
        parse(period, context.local(known).date())
        from tasks.summary import PublishedOtherwise, SummaryRequest, make_summary  # noqa: PLC0415
        from tasks.text.catalog import catalog  # noqa: PLC0415
        from tasks.text.formats import period_text  # noqa: PLC0415

        try:
            made = make_summary(
                context,
                SummaryRequest(period, known, mail=False, out=folder, public=public, annex=annex),
                moment,
                "by hand",
            )
        except PublishedOtherwise as error:
            raise UsageError(str(error)) from None
    key, sha256 = made.view.period_key, made.view.sha256
    if as_json:
        files = [str(path) for path in made.paths]
        console.print_json(
            {"period": key, "path": str(made.path), "files": files, "sha256": sha256}
        )
    else:
        place = escape(str(made.path))
        period = period_text(made.view, language(), context.site.zone)
        text = say("reports.summary_written", period=period, file=f"[bold]{place}[/]")
        console.out.print(text, soft_wrap=True)
        beside = ", ".join(dict.fromkeys(path.suffix[1:] for path in made.paths[1:]))
        console.out.print(say("reports.beside", kinds=beside))
        if annex:
            named = f"_{catalog(context.site.locale)('annex.file')}"
            names = ", ".join(path.name for path in made.paths if path.stem.endswith(named))
            console.out.print(say("reports.annex_beside", files=names), soft_wrap=True)


def _verify(context: SiteContext, file: Path, now: datetime, *, as_json: bool) -> None:
    from tasks.reports.verify import NoReport, verify  # noqa: PLC0415
    from tasks.text.formats import period_name  # noqa: PLC0415

    try:
        found = verify(context, file, now)
    except NoReport as error:
        raise UsageError(str(error)) from None
    if as_json:
        console.print_json(asdict(found))
    else:
        as_of = f"{context.local(found.as_of):%Y-%m-%d %H:%M}"
        key = "reports.differ" if found.then else "reports.same"
        result = say(key, n=len(found.then))
        console.out.print(
            say(
                "reports.verified",
                period=period_name(found.period, language(), context.site.zone),
                as_of=as_of,
                result=result,
                sha256=found.sha256,
            )
        )
        _print_differences(context.site, found.then)
        if found.then and found.ruleset_changed:
            since = f"{context.local(found.ruleset_changed):%Y-%m-%d %H:%M}"
            console.out.print(say("reports.ruleset_changed", since=since))
        if found.late:
            console.out.print(f"[bold]{say('reports.late', n=len(found.late))}[/]")
            _print_differences(context.site, found.late)
        for event in found.events:
            console.out.print(escape(_event_line(context, event)), soft_wrap=True)
    if found.then:
        raise typer.Exit(console.TROUBLE)


def _event_line(context: SiteContext, event: LaterEvent) -> str:
    """Return a line about a late-arriving record: a step, one taken back, or a doubt."""
    doubtful = event.knowledge == Knowledge.UNREADABLE
    form = "withdrawn" if event.retracted else "doubt" if doubtful else "event"
    return say(
        f"reports.late_{form}",
        ticket=event.ticket,
        kind=value_word("step", event.kind),
        day=f"{context.local(event.occurred):%Y-%m-%d}",
        recorded=f"{context.local(event.recorded):%Y-%m-%d %H:%M}",
        source=value_word("origin", event.source),
    )


def _print_differences(site: Site, differences: Sequence[Difference]) -> None:
    from tasks.reports.formats.restatement_text import difference_text  # noqa: PLC0415
    from tasks.reports.labels import names_of  # noqa: PLC0415

    names = names_of(site, language())
    for each in differences[:MOST_SHOWN]:
        tickets = [*(f"+{one}" for one in each.come), *(f"-{one}" for one in each.gone)]
        more = f"  {' '.join(tickets[:6])}" + (" ..." if len(tickets) > 6 else "")
        console.out.print(
            escape(f"  {difference_text(each, names, site.zone)}{more}"),
            soft_wrap=True,
        )
    if len(differences) > MOST_SHOWN:
        console.out.print(say("reports.more", n=len(differences) - MOST_SHOWN))


def export_complaints(
    file: Annotated[Path, typer.Argument(help="The file to write.", metavar="FILE.jsonl")],
    since: Annotated[
        str | None,
        typer.Option(help="Only what was recorded since this time.", metavar="T"),
    ] = None,
    titles: Annotated[
        bool, typer.Option("--titles", help="Also the titles that are kept.")
    ] = False,
    site: SiteOption = None,
    now: NowOption = None,
) -> None:
    """Write complaints for another installation.

    The file has JSON Lines, one complaint a line with all its events; a source with `layout =
    "exchange"` reads it. docs/sources.md describes the form.
    """
    if file.suffix != ".jsonl":
        raise UsageError(say("reports.no_jsonl", file=file.name))
    with console.context_of(site) as context:
        from tasks.ingest.exchange.writer import export  # noqa: PLC0415

        moment = console.moment(now, context.site)
        begin = console.moment(since, context.site) if since else None
        with console.writing(file):
            number = export(context, file, moment, since=begin, titles=titles)
    console.err.print(say("reports.exported", n=number, file=escape(str(file))))
