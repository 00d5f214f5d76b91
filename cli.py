"""`tenggat`: the command line."""

from __future__ import annotations

import csv
import difflib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from settings import SettingsError, Site, load_site
from sla.calendar import OutsideCalendar
from sla.deadline import State
from sla.periods import PeriodError, parse
from sla.regulations import RegulationError, Rule

if TYPE_CHECKING:  # loads Prefect, which takes seconds: only where it is needed
    from tasks.checking import Checked
    from tasks.office import Office

GOOD, TROUBLE, USAGE = 0, 1, 2

app = typer.Typer(
    help="Watches public-service complaints against their legal deadlines: pulls them in, reminds,"
    " escalates by mail, and reports compliance.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
mail_app = typer.Typer(help="The mails that were sent or are owed.", no_args_is_help=True)
source_app = typer.Typer(help="Try a source's mapping, or have one made.")
quarantine_app = typer.Typer(help="Rows of a source that could not be read.", no_args_is_help=True)
app.add_typer(source_app, name="source", no_args_is_help=True)
app.add_typer(mail_app, name="mail")
app.add_typer(quarantine_app, name="quarantine")

QUARANTINE_SHOWN = 20
"""How many refused rows `source check` lists."""

WIDE = 240
"""Columns where there is no terminal: what goes to a file or a program is not folded at 80."""

terminal = sys.stdout.isatty() or "COLUMNS" in os.environ
out = Console(highlight=False, width=None if terminal else WIDE)
err = Console(stderr=True, highlight=False, soft_wrap=True)

SiteOption = Annotated[
    Path | None,
    typer.Option(
        "--site", help="Folder of the site (else TENGGAT_SITE, else config/).", metavar="DIR"
    ),
]
NowOption = Annotated[
    str | None,
    typer.Option(
        "--now",
        help="Act as if it were this time, e.g. 2026-11-24T08:00 (the site's zone).",
        metavar="ISO",
    ),
]
CsvOption = Annotated[
    Path | None, typer.Option("--csv", help="Write CSV to this file.", metavar="FILE")
]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", help="Write a page to print or to send.", metavar="FILE")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


class UsageError(ValueError):
    """The call cannot be understood; the message says what to write."""


@app.command()
def run(site: SiteOption = None, now: NowOption = None, as_json: JsonOption = False) -> None:
    """Run one cycle: pull, judge, send.

    Pulls complaints, judges their deadlines, and sends the mail that is owed.
    """
    import service  # noqa: PLC0415

    place = load_site(site)
    moment = _moment(now, place)
    with service.prefect_api(place.var):
        from flows.cycle import run_cycle  # noqa: PLC0415

        cycle = run_cycle(str(place.folder), moment, say=lambda text: err.print(escape(text)))
    if as_json:
        _print_json(cycle.counts)
    else:
        show_cycle(place, cycle.counts, moment)
    if cycle.failed:
        err.print(f"[bold red]failed:[/] {escape(cycle.failed)}")
        raise typer.Exit(TROUBLE)


@app.command()
def up(
    site: SiteOption = None,
    port: Annotated[int, typer.Option(help="Port of the Prefect UI on 127.0.0.1.")] = 4200,
) -> None:
    """Run the service in the foreground.

    A Prefect server with its UI, the schedules of site.toml and a worker; the first cycle runs at
    once. Ctrl-C or SIGTERM stops all of it.
    """
    import service  # noqa: PLC0415

    place = load_site(site)
    service.up(
        place.folder,
        var=place.var,
        zone=place.file.zone,
        schedules=place.file.schedules.model_dump(),
        port=port,
        say=lambda text: out.print(escape(text), soft_wrap=True),
    )


@app.command()
def due(
    rule: Annotated[str, typer.Argument(help="Id of the rule, e.g. sp4n/first-follow-up.")],
    start: Annotated[str, typer.Argument(help="Local day on which the clock starts, YYYY-MM-DD.")],
    pause: Annotated[
        list[str] | None, typer.Option(help="A pause FROM..TO, as local days; may be repeated.")
    ] = None,
    html: HtmlOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count when a deadline is due.

    The clock starts on the day given, and stands still during pauses. The day on which a pause
    begins still counts; the day on which it ends does not.
    """
    from tasks.explaining import as_html, as_text, counted  # noqa: PLC0415

    place = load_site(site)
    began = _day(start)
    found = _rule(place, rule, began)
    explanation = counted(place, found, began, [_stretch(text) for text in pause or []])
    deadline = explanation.deadlines[0].deadline
    if html is not None:
        _write_html(html, as_html(place, explanation))
    elif as_json:
        ends = deadline.due.astimezone(place.zone).date().isoformat() if deadline.due else None
        _print_json({"rule": found.id, "start": began.isoformat(), "due": ends})
    else:
        _print_text(as_text(place, explanation))


@app.command("explain")
def explain_command(
    ticket: Annotated[str, typer.Argument(help="Ticket number, as the source gives it.")],
    html: HtmlOption = None,
    site: SiteOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain a complaint's deadlines.

    Every deadline day by day, with its article: which day counted, which did not, and why.
    """
    with _office(site) as office:
        from tasks.explaining import as_data, as_html, as_text, explanations  # noqa: PLC0415

        with office.transaction() as session:
            found = explanations(session, office, ticket, _moment(now, office.site))
        if not found:
            raise UsageError(
                f"no complaint has the ticket '{ticket}'; see `tenggat deadlines`, and"
                " `tenggat quarantine list` for rows that could not be read"
            )
        if html is not None:
            _write_html(html, "\n".join(as_html(office.site, one) for one in found))
        elif as_json:
            _print_json([as_data(office, one) for one in found])
        else:
            for one in found:
                _print_text(as_text(office.site, one))


@app.command("deadlines")
def list_deadlines(
    state: Annotated[
        str | None, typer.Option(help="Only this state, e.g. breached, running, met_late.")
    ] = None,
    unit: Annotated[str | None, typer.Option(help="Only this unit, by id or name.")] = None,
    csv_file: CsvOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List deadlines, the earliest due first.

    They stand as last judged; times are local.
    """
    if state is not None and state not in set(State):
        raise UsageError(f"no state '{state}'{_nearest(state, State)}")
    with _office(site) as office:
        from tasks.listing import DEADLINE_COLUMNS, deadline_rows  # noqa: PLC0415

        with office.transaction() as session:
            rows = deadline_rows(
                session,
                office,
                state=State(state) if state is not None else None,
                unit=_unit(office.site, unit) if unit is not None else None,
            )
    _show_rows(DEADLINE_COLUMNS, rows, "deadlines", csv_file, as_json=as_json)


@app.command()
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
    with _office(site) as office:
        moment = _moment(now, office.site)
        known = _moment(as_of, office.site) if as_of else moment
        parse(period, office.local(known).date())
        from tasks.summary import make_summary  # noqa: PLC0415

        made = make_summary.fn(office, period, known, moment, "by hand", mail=False, out=folder)
    key, sha256 = made.view.period_key, made.view.sha256
    if as_json:
        _print_json({"period": key, "path": str(made.path), "sha256": sha256})
    else:
        place = escape(str(made.path))
        out.print(f"summary of {key} written to [bold]{place}[/]", soft_wrap=True)


@mail_app.command("list")
def list_mail(
    status: Annotated[
        str | None, typer.Option(help="Only queued, sending, sent, dead or cancelled.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 30,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the newest mails and their fate."""
    with _office(site) as office:
        from db.models import MessageStatus  # noqa: PLC0415
        from tasks.listing import MAIL_COLUMNS, mail_rows  # noqa: PLC0415

        if status is not None and status not in set(MessageStatus):
            raise UsageError(f"no status '{status}'{_nearest(status, MessageStatus)}")
        with office.transaction() as session:
            chosen = MessageStatus(status) if status is not None else None
            rows = mail_rows(session, office, limit, chosen)
    if as_json:
        _print_json(rows)
    else:
        _print_table(MAIL_COLUMNS, (row.values() for row in rows))
        out.print(f"{len(rows)} mails" + (", there may be more" if len(rows) == limit else ""))


@mail_app.command("show")
def show_mail(
    number: Annotated[int, typer.Argument(help="Number of the mail, from `tenggat mail list`.")],
    site: SiteOption = None,
) -> None:
    """Show one mail: fate, attempts and text."""
    import email  # noqa: PLC0415
    import email.policy  # noqa: PLC0415
    import zlib  # noqa: PLC0415

    with _office(site) as office:
        from db.models import MessageRow  # noqa: PLC0415

        with office.transaction() as session:
            row = session.get(MessageRow, number)
            if row is None:
                raise UsageError(f"no mail {number}; see `tenggat mail list`")
            lines = [f"{row.status}  {row.message_id}  to {row.recipient} ({row.role})"]
            lines += [
                f"  {office.local(a.attempted_at):%Y-%m-%d %H:%M}  {a.outcome}"
                f"  {a.code or ''} {a.answer}"
                for a in row.attempts
            ]
            raw = zlib.decompress(row.mime) if row.mime else b""
    if raw:
        message = email.message_from_bytes(raw, policy=email.policy.default)
        body = message.get_body(("plain",))
        lines += ["", f"Subject: {message['Subject']}", "", body.get_content() if body else ""]
    else:
        lines.append("not composed yet")
    out.print(escape("\n".join(lines)), soft_wrap=True)


@source_app.command("check")
def check_source_command(
    name: Annotated[str, typer.Argument(help="Name of the source in sources.toml.")],
    rows: Annotated[int, typer.Option(min=0, help="How many rows to show.")] = 5,
    site: SiteOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how a source's rows come out.

    Reads a sample of what the source has now and shows its first rows field by field, and what
    would go to quarantine. Keeps nothing and moves no file. Exit code 1 if any row would go to
    quarantine, 2 if the mapping is wrong.
    """
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    place = load_site(site)
    _source(place, name)
    from tasks.checking import check_source  # noqa: PLC0415
    from tasks.feeds.batch import WrongMapping  # noqa: PLC0415

    try:
        checked = check_source(place, name, _moment(now, place), rows)
    except WrongMapping as error:
        raise UsageError(str(error)) from None
    if as_json:
        _print_json(
            {
                "source": name,
                "read": checked.names,
                "observed_at": checked.observed_at,
                "rows": checked.rows,
                "whole": checked.whole,
                "readable": checked.readable,
                "shown": checked.shown,
                "counts": checked.counts,
                "events": checked.events,
                "quarantine": [
                    {
                        "line": bad.line,
                        "ticket": bad.ticket,
                        "reason": bad.reason,
                        "column": bad.column,
                        "value": bad.value,
                    }
                    for bad in checked.refused
                ],
                "reasons": checked.reasons,
                "failures": checked.failures,
            }
        )
    else:
        _show_checked(checked)
    if checked.refused or checked.failures:
        raise typer.Exit(TROUBLE)


@source_app.command("learn")
def learn_source(
    file: Annotated[Path, typer.Argument(help="A file of the source.", metavar="FILE")],
    name: Annotated[
        str | None, typer.Option(help="What to call the source.", metavar="NAME")
    ] = None,
    site: SiteOption = None,
) -> None:
    """Propose a mapping for files like one.

    Prints a table for sources.toml, with its reasons as comments; an export of SP4N-LAPOR! is known
    by its columns. The zone and the units are those of the site. Columns that look like names,
    addresses or numbers of persons are never mapped.
    """
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    try:
        place = load_site(site)
    except SettingsError as error:
        place = None
        err.print(f"without a site: {escape(_first_line(str(error)))}")
    if not file.is_file():
        raise UsageError(f"{file}: no such file")
    from tasks.learning.proposal import learn  # noqa: PLC0415

    learned = learn(file, name, place)
    print(learned.text, end="")
    err.print(f"{learned.readable} of {learned.rows} rows come in with this mapping")


@quarantine_app.command("list")
def list_quarantine(
    everything: Annotated[
        bool, typer.Option("--all", help="Also rows that could be read later.")
    ] = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the rows with place and reason."""
    with _office(site) as office:
        from tasks.listing import QUARANTINE_COLUMNS, quarantine_rows  # noqa: PLC0415

        with office.transaction() as session:
            rows = quarantine_rows(session, office, resolved=everything)
    if as_json:
        _print_json(rows)
    else:
        columns = (*QUARANTINE_COLUMNS, *(("resolved",) if everything else ()))
        _print_table(columns, ([_short_time(row[column]) for column in columns] for row in rows))
        waiting = sum(not row["resolved"] for row in rows)
        out.print(f"{waiting} rows in quarantine" + f", {len(rows)} in all" * everything)


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

    After a mapping or the directory was corrected: what can now be read is taken in as it would
    have been. Exit code 1 if rows still wait.
    """
    with _office(site) as office:
        from dataclasses import asdict  # noqa: PLC0415

        from tasks.retrying import retry  # noqa: PLC0415

        names = list(office.site.sources) if name is None else [_source(office.site, name)]
        moment = _moment(now, office.site)
        retried = [retry(office, each, moment) for each in names]
    if as_json:
        _print_json([asdict(each) for each in retried])
    else:
        for each in retried:
            out.print(
                f"{escape(each.source)}: {each.resolved} rows can be read now ({each.new} new"
                f" complaints, {each.updated} updated), {each.unreadable} still cannot,"
                f" of {len(each.gone)} the file is not there"
            )
            for text in (*each.failures, *(f"not there: {place}" for place in each.gone)):
                out.print(f"  {escape(text)}", soft_wrap=True)
    if any(each.unreadable or each.gone or each.failures for each in retried):
        raise typer.Exit(TROUBLE)


@quarantine_app.command("export")
def export_quarantine(
    file: Annotated[Path, typer.Argument(help="The CSV file to write.", metavar="FILE")],
    everything: Annotated[
        bool, typer.Option("--all", help="Also rows that could be read later.")
    ] = False,
    site: SiteOption = None,
) -> None:
    """Write the rows to a CSV file."""
    with _office(site) as office:
        from tasks.listing import QUARANTINE_COLUMNS, quarantine_rows  # noqa: PLC0415

        with office.transaction() as session:
            rows = quarantine_rows(session, office, resolved=everything)
    columns = (*QUARANTINE_COLUMNS, "resolved")
    _show_rows(columns, rows, "rows", file, as_json=False)


@app.command("export")
def export_command(
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
    with _office(site) as office:
        from tasks.exporting import export  # noqa: PLC0415

        moment = _moment(now, office.site)
        begin = _moment(since, office.site) if since else None
        with _writing(file):
            number = export(office, file, moment, since=begin, titles=titles)
    err.print(f"{number} complaints written to {escape(str(file))}")


@app.command()
def changes(
    csv_file: CsvOption = None, site: SiteOption = None, as_json: JsonOption = False
) -> None:
    """List deadlines moved by a changed law.

    Or by a changed calendar, the newest change first. Notices that had gone out before stay as
    they were.
    """
    with _office(site) as office:
        from tasks.listing import CHANGE_COLUMNS, change_rows  # noqa: PLC0415

        with office.transaction() as session:
            rows = change_rows(session, office)
    _show_rows(CHANGE_COLUMNS, rows, "deadlines moved", csv_file, as_json=as_json)


@app.command()
def doctor(site: SiteOption = None, now: NowOption = None, as_json: JsonOption = False) -> None:
    """Check the site and say what to do.

    Settings, offices, calendar, rules to confirm, database and mail server. Changes nothing.
    """
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    from tasks.health import check  # noqa: PLC0415

    place = load_site(site)
    findings = check(place, _moment(now, place))
    if as_json:
        _print_json([{"level": f.level, "what": f.what, "do": f.remedy} for f in findings])
    else:
        marks = {
            "good": "[green]good[/]   ",
            "note": "[yellow]note[/]   ",
            "trouble": "[bold red]trouble[/]",
        }
        for finding in findings:
            more = f"\n         {escape(finding.remedy)}" if finding.remedy else ""
            out.print(f"{marks[finding.level]}  {escape(finding.what)}{more}")
    if any(finding.level == "trouble" for finding in findings):
        raise typer.Exit(TROUBLE)


def show_cycle(site: Site, counts: dict[str, Any], now: datetime) -> None:
    """The short table that ends a cycle."""
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
        more = (
            f"{count['updated']} updated, {count['quarantined']} to quarantine,"
            f" {count['files']} files"
        )
        table.add_row(f"pulled from {count['source']}", f"{count['new']} new", more)
    decided = counts.get("deadlines", {})
    if decided:
        notices = ", ".join(f"{n} {kind}" for kind, n in decided["notices"].items()) or "no notices"
        table.add_row("judged", f"{decided['judged']} complaints", notices)
    sent = counts.get("delivery", {})
    if sent:
        roles = ", ".join(f"{n} {role}" for role, n in sent["by_role"].items()) or "–"
        table.add_row("mails sent", str(sent["sent"]), roles)
        if sent["pending"]:
            table.add_row("mails waiting", str(sent["pending"]), "")
    out.print(table)


def _show_checked(checked: Checked) -> None:
    """A sample of a source: its first rows field by field, what is refused, and the counts."""
    from tasks.checking import FIELDS  # noqa: PLC0415

    for row in checked.shown:
        out.print(f"[bold]line {row['line']}[/]")
        for field in FIELDS:
            if row[field]:
                told = "; ".join(map(_short_times, row[field].split("; ")))
                out.print(f"  {field:<15} {escape(told)}", soft_wrap=True)
    for field, counted in checked.counts.items():
        values = ", ".join(f"{word or '(empty)'} {n}" for word, n in counted.most_common(12))
        more = f" and {len(counted) - 12} more" if len(counted) > 12 else ""
        if set(counted) != {""}:
            out.print(f"[bold]{field}[/]: {escape(values)}{more}", soft_wrap=True)
    told = ", ".join(f"{kind} {n}" for kind, n in checked.events.most_common())
    out.print(f"[bold]events[/]: {escape(told) or 'none'}", soft_wrap=True)
    if checked.refused:
        out.print("[bold]would go to quarantine[/]")
        some = checked.refused[:QUARANTINE_SHOWN]
        _print_table(
            ("line", "ticket", "reason", "column", "value"),
            ((str(b.line), b.ticket, b.reason, b.column, b.value) for b in some),
        )
        if len(checked.refused) > len(some):
            out.print(f"and {len(checked.refused) - len(some)} more")
    for failure in checked.failures:
        out.print(f"cannot be read: {escape(failure)}", soft_wrap=True)
    names = ", ".join(checked.names[:3]) + (" ..." if len(checked.names) > 3 else "")
    reasons = ", ".join(f"{n} {reason}" for reason, n in checked.reasons.items())
    out.print(
        f"{'' if checked.whole else 'the first '}{checked.rows} rows of {escape(names)}:"
        f" {checked.readable} come in, {len(checked.refused)} to quarantine"
        + (f" ({reasons})" if reasons else ""),
        soft_wrap=True,
    )


def _short_times(text: str) -> str:
    return " ".join(map(_short_time, text.split(" ")))


def _source(site: Site, name: str) -> str:
    if name not in site.sources:
        raise UsageError(f"no source '{name}' in sources.toml{_nearest(name, site.sources)}")
    return name


@contextmanager
def _office(site: Path | None) -> Iterator[Office]:
    """The site with its database open, as long as the block lasts."""
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    load_site(site)  # what is wrong with it is said before Prefect is loaded, which takes seconds
    from tasks.office import Office  # noqa: PLC0415

    office = Office.open(site)
    try:
        yield office
    finally:
        office.close()


def _print_json(value: Any) -> None:
    out.print_json(json.dumps(value, ensure_ascii=False, default=str))


def _print_table(columns: Sequence[str], rows: Iterable[Iterable[str]]) -> None:
    """The first column is what one types into another command: it is never folded."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=not number)
    for row in rows:
        table.add_row(*map(escape, row))
    out.print(table)


def _short_time(text: str) -> str:
    """'2026-11-24 08:00' of a time in ISO 8601; any other text as it is."""
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M}" if "T" in text else text
    except ValueError:
        return text


def _moment(text: str | None, site: Site) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"'{text}' is no time; write 2026-11-24T08:00") from None
    return moment.replace(tzinfo=site.zone) if moment.tzinfo is None else moment


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"'{text}' is no day; write 2026-11-24") from None


def _show_rows(
    columns: Sequence[str],
    rows: Sequence[dict[str, str]],
    what: str,
    csv_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Rows as a table, as JSON, or in a CSV file that no spreadsheet runs."""
    from tasks.listing import formula_safe  # noqa: PLC0415

    if csv_file is not None:
        with _writing(csv_file), csv_file.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows({k: formula_safe(v) for k, v in row.items()} for row in rows)
        err.print(f"{len(rows)} {what} written to {escape(str(csv_file))}")
    elif as_json:
        _print_json(rows)
    else:
        _print_table(columns, ([_short_time(row[column]) for column in columns] for row in rows))
        out.print(f"{len(rows)} {what}")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"cannot write {path} ({error.strerror}); name a file in a folder that exists"
        ) from None


def _print_text(text: str) -> None:
    """A text from a template: lines that are not indented are headings."""
    for line in text.splitlines():
        out.print(escape(line), style="bold" if line[:1].strip() else "", soft_wrap=True)


def _write_html(path: Path, html: str) -> None:
    with _writing(path):
        path.write_text(html, encoding="utf-8")
    err.print(f"written to {escape(str(path))}")


def _stretch(text: str) -> tuple[date, date]:
    begins, dots, ends = text.partition("..")
    if not dots:
        raise UsageError(f"'{text}' is no pause; write 2026-11-04..2026-11-10")
    first, last = _day(begins), _day(ends)
    if last < first:
        raise UsageError(f"the pause {text} ends before it begins")
    return first, last


def _rule(site: Site, rule_id: str, day: date) -> Rule:
    law = site.bench.law
    if rule_id not in law.ids:
        raise UsageError(f"no rule '{rule_id}'{_nearest(rule_id, law.ids)}")
    rule = law.on(rule_id, day)
    if rule is None:
        raise UsageError(f"rule {rule_id} is not in force on {day}")
    if rule.promised:
        raise UsageError(f"rule {rule_id} has no length: its due time comes with each complaint")
    return rule


def _unit(site: Site, text: str) -> str:
    found = site.directory.unit_called(text)
    if found is None:
        units = site.directory.units
        names = {site.directory.name_of(unit) for unit in units}
        raise UsageError(f"no unit '{text}' in directory.csv{_nearest(text, units, names)}")
    return found


def _nearest(word: str, known: Iterable[str], also: Iterable[str] = ()) -> str:
    """'; did you mean ...?' where a known word is close, else the known words."""
    listed = [str(one) for one in known]
    close = difflib.get_close_matches(word, [*listed, *also], n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; known are {', '.join(listed)}"


def reason(error: Exception) -> str:
    """What to tell about an error in one line: what is wrong and what to do."""
    from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError  # noqa: PLC0415

    text = str(error) or type(error).__name__
    if isinstance(error, ArgumentError | DatabaseError) and not isinstance(error, IntegrityError):
        what = _first_line(str(getattr(error, "orig", None) or error))
        return (
            f"the database cannot be used ({what});"
            " check [database] in site.toml or TENGGAT_DATABASE_URL"
        )
    return _first_line(text)


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def main() -> None:
    """Entry point: errors in one line with what to do, exit codes 0, 1 and 2."""
    try:
        sys.exit(app(prog_name="tenggat", standalone_mode=False) or GOOD)
    except (UsageError, SettingsError, RegulationError, PeriodError, OutsideCalendar) as error:
        _fail(str(error), USAGE)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if hasattr(error, "format_message"):  # Typer's own: the call cannot be understood
            _misused(error)
        if os.environ.get("TENGGAT_DEBUG"):
            raise
        _fail(reason(error), TROUBLE)


def _misused(error: Any) -> None:
    """What Typer says, in one line, with the help to ask for; or the help itself."""
    message, context = error.format_message(), getattr(error, "ctx", None)
    if "\n" in message:  # a command without arguments asks for its help
        out.print(escape(message), soft_wrap=True)
        sys.exit(USAGE)
    command = context.command_path if context else "tenggat"
    joint = " See" if message.endswith("?") else "; see"
    _fail(f"{message.rstrip('.')}{joint} `{command} --help`", USAGE)


def _fail(text: str, code: int) -> None:
    err.print(f"[bold red]error:[/] {escape(text)}")
    sys.exit(code)


if __name__ == "__main__":
    main()
