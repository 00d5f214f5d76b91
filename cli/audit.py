"""`tenggat audit`: list all decisions, and verify the record against manipulation."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from cli import console
from cli.console import JsonOption, SiteOption, UsageError, escape
from cli.language.translation import translated
from cli.language.words import language, near, say, value_word, value_words
from settings.site import Site, load_site
from tasks.text.formats import local_times
from tasks.text.translation import translated_audit

audit_app = typer.Typer(
    help="Every decision: who, what, when and why.",
    no_args_is_help=True,
)

COLUMNS = ("row", "when", "what", "who", "about", "why")


@audit_app.command("list")
def list_audit(
    since: Annotated[
        str | None, typer.Option(help="Only what was decided since this time.", metavar="T")
    ] = None,
    ticket: Annotated[
        str | None,
        typer.Option(help="Only about this complaint, its mails and the storms that held them."),
    ] = None,
    what: Annotated[
        str | None,
        typer.Option(help="Only these, e.g. notice.queued, storm, mail.resent.", metavar="KIND"),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the newest decisions, each with who decided and why.

    For example, `--what notice` lists every kind with this beginning. Times are local.
    """
    place = load_site(site)
    from db import audit_verify  # noqa: PLC0415
    from db.engine import NotReady, reading  # noqa: PLC0415
    from tasks.common.redaction import plain_ticket  # noqa: PLC0415

    ticket = plain_ticket(ticket) if ticket else None
    kinds = _kinds(what) if what is not None else ()
    begin = console.moment(since, place) if since is not None else None
    try:
        with reading(place.database_url) as connection:
            found = audit_verify.rows(
                connection, since=begin, ticket=ticket, kinds=kinds, limit=limit
            )
    except NotReady as error:
        raise UsageError(str(error)) from None
    if as_json:
        console.print_json([_as_data(row) for row in found])
        return
    console.print_table(COLUMNS, (_as_cells(place, row) for row in found))
    key = "audit.decisions_and_more" if len(found) == limit else "audit.decisions"
    console.out.print(say(key, n=len(found)))


@audit_app.command("verify")
def verify_audit(
    head: Annotated[
        list[str] | None,
        typer.Option(help="A row that a mail with a summary names.", metavar="NUMBER:HASH"),
    ] = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the record for changed, deleted, added or moved rows.

    The check includes the rows named by the reports in var/reports and those given by --head. An
    attacker able to rewrite everything here is detected only by a head stored elsewhere, as in a
    mail. The triggers by which the database refuses changes must be there too. Exit code 1 if
    something is wrong; the first bad row is named.
    """
    place = load_site(site)
    from db.audit_verify import Head, verify  # noqa: PLC0415
    from db.engine import NotReady, reading  # noqa: PLC0415
    from tasks.reports.audit_heads import heads_in  # noqa: PLC0415

    kept = list(heads_in(place.var / "reports"))
    try:
        kept += [Head.read(each, say("audit.given_head")) for each in head or ()]
        with reading(place.database_url) as connection:
            found = verify(connection, kept)
    except (ValueError, NotReady) as error:
        raise UsageError(str(error)) from None
    fault = found.fault
    if as_json:
        bad = fault and {"row": fault.seq, "wrong": fault.wrong}
        console.print_json(
            {
                "rows": found.rows,
                "head": str(found.head),
                "kept": found.anchors,
                "bad": bad,
                "missing_triggers": list(found.missing_triggers),
            }
        )
    elif fault is None:
        head_text = str(found.head)
        console.out.print(say("audit.intact", n=found.rows, head=head_text), soft_wrap=True)
        console.out.print(say("audit.anchors", n=found.anchors))
    else:
        fault_text = say("audit.fault", row=str(fault.seq))
        console.out.print(
            f"[bold red]{fault_text}[/] {escape(translated(fault.wrong))}", soft_wrap=True
        )
        console.out.print(say("audit.before_fault", n=found.rows))
    if found.missing_triggers and not as_json:
        console.out.print(
            f"[bold red]{say('audit.unprotected')}[/] "
            + say("audit.triggers", names=", ".join(found.missing_triggers)),
            soft_wrap=True,
        )
    if fault is not None or found.missing_triggers:
        raise typer.Exit(console.TROUBLE)


def _kinds(text: str) -> list[str]:
    """Return every kind with this name or this beginning."""
    from db.audit import AuditKind  # noqa: PLC0415

    found = [
        each.value
        for each in AuditKind
        if text in (each.value, each.value.partition(".")[0], *value_words("decision", each))
    ]
    if not found:
        groups = dict.fromkeys(each.value.partition(".")[0] for each in AuditKind)
        raise UsageError(say("audit.no_kind", kind=text, near=near(text, AuditKind, groups)))
    return found


def _as_data(row: dict[str, Any]) -> dict[str, Any]:
    """Convert a row for a program: as hashed, plus the ticket."""
    return row | {"at": row["at"].isoformat(), "subject": json.loads(row["subject"])}


def _as_cells(site: Site, row: dict[str, Any]) -> tuple[str, ...]:
    subject = json.loads(row["subject"])
    about = {name: row[key] for name, key in ABOUT.items() if row[key] is not None}
    about |= {k: _shown(site, v) for k, v in subject.items() if v not in (None, "")}
    told = (f"{value_word('about', name)} {value}" for name, value in about.items())
    who = translated_audit(row["actor"], language())
    who += "" if row["run_id"] in row["actor"] else f" ({row['run_id']})"
    when = f"{row['at'].astimezone(site.zone):%Y-%m-%d %H:%M}"
    kind = value_word("decision", row["kind"])
    why = translated_audit(local_times(row["reason"], site.zone), language())
    return str(row["seq"]), when, kind, who, ", ".join(told), why


def _shown(site: Site, value: object) -> str:
    """Return a value of a decision: a time as a local one, another text cut to 48 characters."""
    text = local_times(str(value), site.zone)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


LONGEST_VALUE = 48
"""Most characters of a value: an id of a rule fits, a hash need not."""

ABOUT = {"ticket": "ticket", "mail": "message_id", "storm": "storm_id"}
