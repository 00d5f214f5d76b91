"""`tenggat run`, `tenggat up`, `tenggat worker`: one cycle, the service, a worker for a server."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import console
from cli.console import JsonOption, NowOption, SiteOption, SitesOption, escape, site_folders
from cli.language.translation import translated
from cli.language.words import language, lookup, say, value_word
from settings.site import Site, load_site
from tasks.common.garbage import no_search_for_cycles

if TYPE_CHECKING:
    from db.mails.outbox_status import Waiting
    from tasks.common.context import SiteContext

WaitingRow = tuple[str, str, str]
"""About mails that wait: what they are, their number, and when they leave."""


def run(
    site: SiteOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
    preview: Annotated[
        bool,
        typer.Option("--preview", help="Only write the next mails as files; change nothing."),
    ] = False,
    to: Annotated[
        Path | None,
        typer.Option(help="Folder of the preview (else in the working files).", metavar="DIR"),
    ] = None,
) -> None:
    """Run one cycle: import, evaluate, send.

    Imports complaints, evaluates their deadlines, and sends the queued mails. If nothing is new or
    due it says so and starts no Prefect server. To try a site with
    other days (`--now`), let its mails stay on this machine, or set TENGGAT_REHEARSAL=1.

    With `--preview` nothing is imported or sent. The mails that would leave now and on the next
    working morning are written as files with an index page.
    """
    if preview:
        from cli.decisions.preview import preview_mails  # noqa: PLC0415

        preview_mails(site, now, to, as_json=as_json)
        return
    with no_search_for_cycles():  # it would take a tenth of a run that finds nothing
        place = load_site(site)
        moment = console.moment(now, place)
        idle = _idle(place, moment) if now is None else None
    if idle:
        _show_idle(*idle, as_json=as_json)
        return
    from service.prefect_server import prefect_api  # noqa: PLC0415

    with prefect_api(place.var):
        from flows.cycle import run_cycle  # noqa: PLC0415

        cycle = run_cycle(
            str(place.folder),
            moment if now else None,
            say=lambda text: console.err.print(escape(translated(text))),
        )
    if as_json:
        console.print_json(cycle.counts)
    else:
        show_cycle(place, cycle.counts, moment, _waiting_after(place, cycle.counts, moment))
    if cycle.failed is not None:
        step = say(f"service.flows.{cycle.failed_flow}")
        text = escape(f"{step}: {translated(console.reason(cycle.failed))}")
        console.err.print(f"[bold red]{say('service.failed')}[/] {text}")
        raise typer.Exit(console.TROUBLE)


def _idle(place: Site, moment: datetime) -> tuple[dict[str, str], list[WaitingRow]] | None:
    """Record a cycle without work; None if there is work, or if it cannot be known.

    Returns the reason of each flow, and the rows about mails that wait.
    """
    from flows.idle import idle_cycle  # noqa: PLC0415
    from tasks.common.context import SiteContext  # noqa: PLC0415

    try:
        with closing(SiteContext.open(place)) as context:
            reasons = idle_cycle(context, moment)
            return None if reasons is None else (reasons, waiting_rows(context, moment))
    except Exception:  # the cycle meets the error itself and shows it
        return None


def _show_idle(reasons: dict[str, str], waiting: list[WaitingRow], *, as_json: bool) -> None:
    """Print why a cycle had nothing to do, and the mails that wait."""
    if as_json:
        console.print_json({flow: {"idle": reason} for flow, reason in reasons.items()})
        return
    for flow, reason in reasons.items():
        console.print_plain(f"{say(f'service.flows.{flow}')}: {reason}")
    for label, number, text in waiting:
        console.print_plain(f"{label}: {number} {text}")


def _waiting_after(place: Site, counts: dict[str, Any], now: datetime) -> list[WaitingRow]:
    """Return the rows about mails that wait after a cycle, if its delivery has ended."""
    if "delivery" not in counts:
        return []
    with console.context_of(place, finish=False) as context:
        return waiting_rows(context, now)


def waiting_rows(context: SiteContext, now: datetime) -> list[WaitingRow]:
    """Return a row for the queued mails, with the time at which the next one leaves, and for the
    held ones.

    In a trial the mails to officials have a row of their own: they are only shown to the
    administrator.
    """
    from db.decisions import mode  # noqa: PLC0415
    from db.mails import outbox_status  # noqa: PLC0415

    with context.consistent_read() as session:
        found = outbox_status.waiting_mails(session)
        site_mode = mode.of_site(session)
    officials, others = found.to_officials, found.others
    if site_mode.live_at(officials.next_at or now):
        times = [each.next_at for each in (officials, others) if each.next_at is not None]
        others = outbox_status.Waiting(officials.number + others.number, min(times, default=None))
        officials = outbox_status.Waiting(0, None)
    queued = {"pending": others, "shown": officials}
    rows = [
        _waiting_row(kind, each, context.site, now) for kind, each in queued.items() if each.number
    ]
    if found.held:
        rows.append((say("service.held"), str(found.held), say("service.how_to_release")))
    return rows


def _waiting_row(kind: str, waiting: Waiting, place: Site, now: datetime) -> WaitingRow:
    """Return the row of mails that leave (`pending`) or are shown in trial (`shown`)."""
    from tasks.text.formats import moment_text  # noqa: PLC0415

    text = say(f"service.{kind}_next_run")
    if waiting.next_at is not None and waiting.next_at > now:
        time = moment_text(waiting.next_at, language(), place.zone)
        text = say(f"service.{kind}_at", time=time)
    return say(f"service.{kind}"), str(waiting.number), text


AsRootOption = Annotated[
    bool, typer.Option("--as-root", help="Start although the user is root; a trial only.")
]


def up(
    site: SitesOption = None,
    port: Annotated[int, typer.Option(help="Port of the Prefect UI.", min=1, max=65535)] = 4200,
    host: Annotated[
        str, typer.Option(help="Address of the Prefect UI; others reach any but loopback.")
    ] = "127.0.0.1",
    var: Annotated[
        Path | None,
        typer.Option(help="Folder of Prefect's own files (else that of the first site)."),
    ] = None,
    worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Whether to execute runs here.")
    ] = True,
    backup: Annotated[
        bool, typer.Option("--backup/--no-backup", help="Whether to back up before an upgrade.")
    ] = True,
    servers: Annotated[
        int, typer.Option(help="Server processes that answer; several need Redis.", min=1)
    ] = 1,
    as_root: AsRootOption = False,
) -> None:
    """Run the service in the foreground.

    It consists of a Prefect server with its UI, the schedules of site.toml and a worker; the first
    cycle runs at once. A stopped part is started again. Ctrl-C or SIGTERM stops all of it.
    """
    from cli.watch import Watch  # noqa: PLC0415
    from service import supervisor  # noqa: PLC0415

    sites = [load_site(folder) for folder in site_folders(site)]
    supervisor.up(
        sites,
        port=port,
        host=host,
        var=var.resolve() if var else None,
        worker=worker,
        backup=backup,
        servers=servers,
        as_root=as_root,
        say=_print,
        watch=lambda say_line, ended: Watch(sites, say_line).check_until(ended),
    )


def worker(
    site: SitesOption = None,
    name: Annotated[
        str | None,
        typer.Option(help="What the server calls this worker (else by the machine's name)."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="How many runs at once (else 8).", min=1)
    ] = None,
    as_root: AsRootOption = False,
) -> None:
    """Work for a server elsewhere.

    Executes its runs of these sites on this machine, in the foreground. PREFECT_API_URL is the
    server's address, PREFECT_API_AUTH_STRING its login. If the server is away, the worker waits for
    it without limit. Ctrl-C or SIGTERM stops it.
    """
    from service import worker  # noqa: PLC0415

    api = os.environ.get("PREFECT_API_URL", "").rstrip("/")
    if not api.startswith(("http://", "https://")):
        raise console.UsageError(say("service.no_server"))
    worker.work(
        [load_site(folder) for folder in site_folders(site)],
        api=api,
        name=name or worker.default_worker_name(),
        limit=limit,
        as_root=as_root,
        say=_print,
    )


def show_cycle(
    site: Site, counts: dict[str, Any], now: datetime, waiting: Iterable[WaitingRow]
) -> None:
    """Print a short table of the results of a cycle, with the rows about mails that wait."""
    from rich.table import Table  # noqa: PLC0415

    table = Table(
        title=f"{site.name} – {now.astimezone(site.zone):%Y-%m-%d %H:%M}",
        title_justify="left",
        title_style="bold",
        box=None,
        show_header=False,
        pad_edge=False,
    )
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column()
    for count in counts.get("intake", {}).get("sources", []):
        more = say(
            "service.imported_more",
            updated=count["updated"],
            quarantined=count["quarantined"],
            files=count["files"],
        )
        label = say("service.imported", source=count["source"])
        table.add_row(label, say("service.new", n=count["new"]), more)
        for drop in count["drops"]:
            key = "service.rows_in_before" if "rows_before" in drop else "service.rows_in"
            before = say(key, file=escape(str(drop["file"])), n=drop.get("rows_before", 0))
            table.add_row(say("service.fewer_rows"), str(drop["rows"]), before)
        for each in count["repeated"]:
            file, same_as = escape(str(each["file"])), console.short_time(str(each["same_as"]))
            same = say("service.same_export", file=file, same_as=same_as)
            table.add_row(say("service.same"), "", same)
        if count["absent"]:
            table.add_row(
                say("service.absent"), str(count["absent"]), say("service.absent_complaints")
            )
    decided = counts.get("deadlines", {})
    if decided:
        kinds = (f"{n} {lookup('columns', kind) or kind}" for kind, n in decided["notices"].items())
        notices = ", ".join(kinds) or say("service.no_notices")
        number = say("service.complaints", n=decided["evaluated"])
        table.add_row(say("service.evaluated"), number, notices)
    sent = counts.get("delivery", {})
    if sent:
        roles = ", ".join(f"{n} {value_word('role', role)}" for role, n in sent["by_role"].items())
        table.add_row(say("service.sent"), str(sent["sent"]), roles or "–")
        if sent["in_trial"]:
            to = say("service.to_administrator")
            table.add_row(say("service.in_trial"), str(sent["in_trial"]), to)
    for row in waiting:
        table.add_row(*map(escape, row))
    console.out.print(table)
    for count in counts.get("intake", {}).get("sources", []):
        for each in count["waiting"]:
            console.out.print(escape(f"{count['source']}: {console.waits(each)}"), soft_wrap=True)


def _print(text: str) -> None:
    console.out.print(escape(translated(text)), soft_wrap=True)
