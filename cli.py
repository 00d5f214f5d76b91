"""`tenggat`: the command line."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from settings import SettingsError, Site, load_site
from sla.calendar import OutsideCalendar
from sla.clock import Deadline, State, judge
from sla.counting import due_day
from sla.explanation import CountedDay, DayMark, explain
from sla.periods import PeriodError, parse
from sla.regulations import RegulationError, Rule

if TYPE_CHECKING:  # these load Prefect, which takes seconds: only where it is needed
    from db.models import Complaint
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
quarantine_app = typer.Typer(help="Rows of a source that could not be read.", no_args_is_help=True)
app.add_typer(mail_app, name="mail")
app.add_typer(quarantine_app, name="quarantine")

out = Console(highlight=False, soft_wrap=False)
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
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


class UsageError(ValueError):
    """The call cannot be understood; the message says what to write."""


@app.command()
def run(site: SiteOption = None, now: NowOption = None, as_json: JsonOption = False) -> None:
    """Run one cycle: pull complaints, judge deadlines, send the mail that is owed."""
    import service  # noqa: PLC0415

    place = load_site(site)
    moment = _moment(now, place)
    with service.prefect_api(place.var):
        from flows.cycle import run_cycle  # noqa: PLC0415

        cycle = run_cycle(str(place.folder), moment, say=lambda text: err.print(escape(text)))
    if as_json:
        out.print_json(json.dumps(cycle.counts, default=str))
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
    """Run the service in the foreground: Prefect server with UI, schedules and a worker."""
    import service  # noqa: PLC0415

    place = load_site(site)
    service.up(
        place.folder,
        var=place.var,
        zone=place.file.zone,
        schedules=place.file.schedules.model_dump(),
        port=port,
        say=lambda text: out.print(escape(text)),
    )


@app.command()
def due(
    rule: Annotated[str, typer.Argument(help="Id of the rule, e.g. sp4n/first-follow-up.")],
    start: Annotated[str, typer.Argument(help="Local day on which the clock starts, YYYY-MM-DD.")],
    pause: Annotated[
        list[str] | None, typer.Option(help="A pause FROM..TO, as local days; may be repeated.")
    ] = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count a deadline: when is it due if the clock starts on this day?"""
    place = load_site(site)
    began = _day(start)
    found = _rule(place, rule, began)
    stretches = [_stretch(text) for text in pause or []]
    counted = place.bench.counted_by(found.unit)
    last = due_day(counted, began.toordinal(), found.length, stretches)
    if found.roll and not place.bench.calendar.counts(date.fromordinal(last)):
        last = due_day(place.bench.calendar, last, 1)
    ends = date.fromordinal(last)
    if as_json:
        out.print_json(
            json.dumps({"rule": found.id, "start": began.isoformat(), "due": ends.isoformat()})
        )
        return
    out.print(
        f"{escape(found.id)}: {escape(found.citation)},"
        f" {found.length} {found.unit.replace('_', ' ')}s"
    )
    out.print(f"starts {began:%a %Y-%m-%d}, due [bold]{ends:%a %Y-%m-%d}[/], end of day")
    if place.bench.calendar.provisional(ends):
        out.print("[yellow]provisional: the holidays of that year are not decreed yet[/]")
    if found.certainty.to_be_confirmed:
        out.print(f"[yellow]to be confirmed by a legal officer ({found.certainty})[/]")


@app.command("explain")
def explain_command(
    ticket: Annotated[str, typer.Argument(help="Ticket number, as the source gives it.")],
    site: SiteOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show every deadline of a complaint, day by day, with article and reasons."""
    from db import complaints  # noqa: PLC0415
    from tasks.deadlines import facts_of  # noqa: PLC0415

    office = _office(site)
    moment = _moment(now, office.site)
    with office.transaction() as session:
        rows = complaints.called(session, ticket)
        if not rows:
            raise UsageError(f"no complaint has the ticket '{ticket}'; see `tenggat deadlines`")
        found = []
        for row in rows:
            events = complaints.events_of(session, [row.id]).get(row.id, [])
            found.append((row, judge(facts_of(office, row), events, office.site.bench, moment)))
    if as_json:
        out.print_json(
            json.dumps([_explained(office, row, d, moment) for row, d in found], default=str)
        )
        return
    for row, deadlines in found:
        _show_explanation(office, row, deadlines, moment)


@app.command("deadlines")
def list_deadlines(
    state: Annotated[
        str | None, typer.Option(help="Only this state, e.g. breached, running, met_late.")
    ] = None,
    unit: Annotated[str | None, typer.Option(help="Only this unit, by id or name.")] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write CSV to this file.", metavar="FILE")
    ] = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List deadlines as last judged, the earliest due first."""
    if state is not None and state not in set(State):
        raise UsageError(f"no state '{state}'; states are {', '.join(State)}")
    office = _office(site)
    wanted = None
    if unit is not None:
        wanted = office.site.directory.unit_called(unit)
        if wanted is None:
            raise UsageError(f"no unit '{unit}' in directory.csv")
    rows = _deadline_rows(office, state, wanted)
    if csv_file is not None:
        with csv_file.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, DEADLINE_COLUMNS)
            writer.writeheader()
            writer.writerows(
                {key: _formula_safe(value) for key, value in row.items()} for row in rows
            )
        err.print(f"{len(rows)} deadlines written to {escape(str(csv_file))}")
    elif as_json:
        out.print_json(json.dumps(rows))
    else:
        table = Table(box=None, header_style="bold")
        for column in DEADLINE_COLUMNS:
            table.add_column(column)
        for row in rows:
            table.add_row(*(escape(row[column]) for column in DEADLINE_COLUMNS))
        out.print(table)
        out.print(f"{len(rows)} deadlines")


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
    """Write the compliance summary of a period; mails nothing."""
    office = _office(site)
    moment = _moment(now, office.site)
    known = _moment(as_of, office.site) if as_of else moment
    parse(period, office.local(known).date())
    from tasks.summary import make_summary  # noqa: PLC0415

    made = make_summary.fn(office, period, known, moment, "by hand", mail=False, out=folder)
    if as_json:
        out.print_json(
            json.dumps(
                {"period": made.view.period_key, "path": str(made.path), "sha256": made.view.sha256}
            )
        )
    else:
        out.print(f"summary of {made.view.period_key} written to [bold]{escape(str(made.path))}[/]")


@mail_app.command("list")
def list_mail(
    status: Annotated[
        str | None, typer.Option(help="Only queued, sending, sent, dead or cancelled.")
    ] = None,
    limit: Annotated[int, typer.Option(help="How many, newest first.")] = 30,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the newest mails and what became of them."""
    from db import outbox  # noqa: PLC0415

    office = _office(site)
    with office.transaction() as session:
        rows = [
            {
                "id": str(row.id),
                "status": row.status,
                "sent": office.local(row.sent_at).strftime("%Y-%m-%d %H:%M") if row.sent_at else "",
                "role": row.role,
                "recipient": row.recipient,
                "subject": row.subject or "",
            }
            for row in outbox.recent(session, limit, status)
        ]
    if as_json:
        out.print_json(json.dumps(rows))
        return
    table = Table(box=None, header_style="bold")
    for column in ("id", "status", "sent", "role", "recipient", "subject"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(escape(value) for value in row.values()))
    out.print(table)


@mail_app.command("show")
def show_mail(
    number: Annotated[int, typer.Argument(help="Number of the mail, from `tenggat mail list`.")],
    site: SiteOption = None,
) -> None:
    """Show one mail: its fate, every attempt, and its text."""
    import email  # noqa: PLC0415
    import email.policy  # noqa: PLC0415
    import zlib  # noqa: PLC0415

    from db.models import MessageRow  # noqa: PLC0415

    office = _office(site)
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
    out.print(escape("\n".join(lines)))
    if raw:
        message = email.message_from_bytes(raw, policy=email.policy.default)
        out.print(escape(f"\nSubject: {message['Subject']}\n"))
        body = message.get_body(("plain",))
        out.print(escape(body.get_content() if body else ""))
    else:
        out.print("not composed yet")


@quarantine_app.command("list")
def list_quarantine(site: SiteOption = None, as_json: JsonOption = False) -> None:
    """List the rows in quarantine with their place and reason."""
    from db import looks  # noqa: PLC0415

    office = _office(site)
    with office.transaction() as session:
        rows = [
            {
                "source": row.source,
                "file": row.file,
                "line": str(row.line),
                "ticket": row.ticket,
                "reason": row.reason,
                "column": row.column,
                "value": row.value,
            }
            for row in looks.quarantined(session)
        ]
    if as_json:
        out.print_json(json.dumps(rows))
        return
    table = Table(box=None, header_style="bold")
    for column in ("source", "file", "line", "ticket", "reason", "column", "value"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(escape(value) for value in row.values()))
    out.print(table)
    out.print(f"{len(rows)} rows in quarantine")


@app.command()
def doctor(site: SiteOption = None, now: NowOption = None, as_json: JsonOption = False) -> None:
    """Check the site: settings, database, mail server, offices, calendar, rules to confirm."""
    from tasks.health import check  # noqa: PLC0415

    place = load_site(site)
    findings = check(place, _moment(now, place))
    if as_json:
        out.print_json(
            json.dumps([{"level": f.level, "what": f.what, "do": f.remedy} for f in findings])
        )
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


DEADLINE_COLUMNS = ("ticket", "rule", "unit", "started", "due", "stopped", "state")


def _deadline_rows(office: Office, state: str | None, unit: str | None) -> list[dict[str, str]]:
    from sqlalchemy import select  # noqa: PLC0415

    from db.models import Complaint, DeadlineRow  # noqa: PLC0415

    def local(moment: datetime | None) -> str:
        return office.local(moment).isoformat(timespec="seconds") if moment else ""

    query = (
        select(DeadlineRow, Complaint.ticket)
        .join(Complaint, Complaint.id == DeadlineRow.complaint_id)
        .order_by(DeadlineRow.due, DeadlineRow.id)
    )
    if state is not None:
        query = query.where(DeadlineRow.state == state)
    if unit is not None:
        query = query.where(DeadlineRow.unit == unit)
    with office.transaction() as session:
        return [
            {
                "ticket": ticket,
                "rule": row.rule,
                "unit": row.unit or "",
                "started": local(row.started),
                "due": local(row.due),
                "stopped": local(row.stopped),
                "state": row.state,
            }
            for row, ticket in session.execute(query)
        ]


def _formula_safe(value: str) -> str:
    """A cell that a spreadsheet will not run."""
    return "'" + value if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _explained(
    office: Office, row: Complaint, deadlines: list[Deadline], now: datetime
) -> dict[str, Any]:
    bench = office.site.bench
    return {
        "ticket": row.ticket,
        "source": row.source,
        "received": office.local(row.received_at),
        "as_of": office.local(now),
        "deadlines": [
            {
                "rule": d.rule.id,
                "citation": d.rule.citation,
                "certainty": d.rule.certainty,
                "unit": d.unit,
                "started": office.local(d.started),
                "due": office.local(d.due) if d.due else None,
                "stopped": office.local(d.stopped) if d.stopped else None,
                "state": d.state,
                "reasons": list(d.reasons),
                "days_used": d.days_used,
                "provisional": d.provisional,
                "days": [
                    {"day": c.day.isoformat(), "mark": c.mark, "number": c.number, "name": c.name}
                    for c in explain(d, bench, until=office.local(now).date())
                ],
            }
            for d in deadlines
        ],
    }


def _show_explanation(
    office: Office, row: Complaint, deadlines: list[Deadline], now: datetime
) -> None:
    from tasks.rendering import words  # noqa: PLC0415

    site = office.site
    t = words(site.locale)
    out.print(
        f"[bold]{escape(row.ticket)}[/] ({escape(row.source)}),"
        f" {t('explain.received')} {_local(office, row.received_at)}"
    )
    for d in deadlines:
        out.print()
        out.print(
            f"[bold]{escape(d.rule.label[site.locale])}[/] – {escape(d.rule.citation)}"
            f"  ({escape(d.rule.id)})"
        )
        confirm = (
            f"  [yellow]{t('explain.to_be_confirmed')}[/]"
            if d.rule.certainty.to_be_confirmed
            else ""
        )
        out.print(f"  {t('explain.state')}: [bold]{t('state.' + d.state)}[/]{confirm}")
        for reason in d.reasons:
            out.print(f"  {t('reason.' + reason)}")
        out.print(f"  {t('explain.unit')}: {escape(site.directory.name_of(d.unit))}")
        out.print(f"  {t('explain.started')}: {_local(office, d.started)}")
        out.print(
            f"  {t('explain.due')}: {_local(office, d.due) if d.due else t('explain.held_up')}"
        )
        if d.stopped:
            out.print(f"  {t('explain.stopped')}: {_local(office, d.stopped)}")
        for line in _lines(explain(d, site.bench, until=office.local(now).date()), t):
            out.print(f"    {line}")


def _lines(days: list[CountedDay], t: Any) -> Iterator[str]:
    """The days as lines; more than three uneventful counted days in a row are drawn together."""
    index = 0
    while index < len(days):
        end = index
        while end < len(days) and days[end].mark is DayMark.COUNTED and not days[end].due:
            end += 1
        if end - index > 3:
            first, last = days[index], days[end - 1]
            counted = f"{t('day_mark.counted')} {first.number}–{last.number}"
            yield f"{first.day} .. {last.day}  {counted}"
            index = end
            continue
        yield _day_line(days[index], t)
        index += 1


def _day_line(day: CountedDay, t: Any) -> str:
    number = f" {day.number}" if day.number else ""
    name = f": {escape(day.name)}" if day.name else ""
    ends = f"  [bold]<- {t('explain.due')}[/]" if day.due else ""
    return f"{day.day}  {t('day_mark.' + day.mark)}{number}{name}{ends}"


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


def _office(site: Path | None) -> Office:
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    from tasks.office import Office  # noqa: PLC0415

    return Office.open(site)


def _moment(text: str | None, site: Site) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"'{text}' is no time; write 2026-11-24T08:00") from None
    return moment.replace(tzinfo=site.zone) if moment.tzinfo is None else moment


def _local(office: Office, moment: datetime) -> str:
    from tasks.rendering import moment_text  # noqa: PLC0415

    return moment_text(moment, office.site.locale, office.site.zone)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"'{text}' is no day; write 2026-11-24") from None


def _stretch(text: str) -> tuple[int, int]:
    begins, dots, ends = text.partition("..")
    if not dots:
        raise UsageError(f"'{text}' is no pause; write 2026-11-04..2026-11-10")
    first, last = _day(begins), _day(ends)
    if last < first:
        raise UsageError(f"the pause {text} ends before it begins")
    return first.toordinal(), last.toordinal()


def _rule(site: Site, rule_id: str, day: date) -> Rule:
    law = site.bench.law
    if rule_id not in law.ids:
        raise UsageError(f"no rule '{rule_id}'; rules are {', '.join(law.ids)}")
    rule = law.on(rule_id, day)
    if rule is None:
        raise UsageError(f"rule {rule_id} is not in force on {day}")
    if rule.promised:
        raise UsageError(f"rule {rule_id} has no length: its due time comes with each complaint")
    return rule


def main() -> None:
    """Entry point: errors in one line with what to do, exit codes 0, 1 and 2."""
    try:
        app()
    except (UsageError, SettingsError, RegulationError, PeriodError, OutsideCalendar) as error:
        _fail(error, USAGE)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if os.environ.get("TENGGAT_DEBUG"):
            raise
        _fail(error, TROUBLE)


def _fail(error: Exception, code: int) -> None:
    err.print(f"[bold red]error:[/] {escape(str(error) or type(error).__name__)}")
    sys.exit(code)


if __name__ == "__main__":
    main()
