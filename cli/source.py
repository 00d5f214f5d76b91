"""`tenggat source`: try a mapping on the source's present data, or propose one."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.console import JsonOption, NowOption, SiteOption, UsageError, escape
from cli.language.translation import translated
from cli.language.words import language, say, value_word
from cli.learned import remarks
from settings.errors import SettingsError
from settings.site import load_site
from sla.error_text import first_line
from sla.plain_text import terminal_safe

if TYPE_CHECKING:  # loads Prefect (several seconds): functions import it only when needed
    from tasks.ingest.preview import Checked

source_app = typer.Typer(help="Try a source's mapping, or have one made.", no_args_is_help=True)

QUARANTINE_SHOWN = 20
"""Most rejected rows listed by `source check`."""


@source_app.command("check")
def check_source_command(
    name: Annotated[str, typer.Argument(help="Name of the source in sources.toml.")],
    rows: Annotated[int, typer.Option(min=0, help="How many rows to show.")] = 5,
    site: SiteOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how a source's rows are read.

    Reads a sample of the source's present data. Shows its first rows field by field, and the rows
    for quarantine, and the values that would become open questions. Stores nothing and moves no
    file. Exit code 1 if there are any of these, 2 if the mapping is wrong.
    """
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    place = load_site(site)
    console.known_source(place, name)
    from tasks.ingest.preview import check_source  # noqa: PLC0415
    from tasks.sources.base import WrongMapping  # noqa: PLC0415

    try:
        checked = check_source(place, name, console.moment(now, place), rows)
    except WrongMapping as error:
        raise UsageError(str(error)) from None
    if as_json:
        from tasks.text.withheld import question_value  # noqa: PLC0415

        console.print_json(
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
                        "sheet": bad.sheet,
                        "line": bad.line,
                        "ticket": bad.ticket,
                        "reason": bad.reason,
                        "column": bad.column,
                        "value": bad.value,
                    }
                    for bad in checked.refused
                ],
                "reasons": checked.reasons,
                "questions": [
                    {"column": column, "value": question_value(value, language()), "rows": rows}
                    for (column, value), rows in checked.questions.most_common()
                ],
                "mixed_dates": checked.mixed_dates,
                "odd_hours": checked.odd_hours,
                "unread_sheets": checked.unread_sheets,
                "waiting": list(map(asdict, checked.waiting)),
                "failures": checked.failures,
            }
        )
    else:
        _show_checked(checked)
    if checked.refused or checked.questions or checked.failures:
        raise typer.Exit(console.TROUBLE)


@source_app.command("learn")
def learn_source(
    file: Annotated[Path, typer.Argument(help="A file of the source.", metavar="FILE")],
    name: Annotated[
        str | None, typer.Option(help="What to call the source.", metavar="NAME")
    ] = None,
    site: SiteOption = None,
) -> None:
    """Propose a mapping for files like one.

    Prints a table for sources.toml, with its reasons as comments. An export of SP4N-LAPOR! is
    recognized by its columns. The zone and the units are those of the site. Columns likely to
    contain names, addresses or numbers of persons are never mapped. What a person should check is
    said below it, as by `tenggat init`.
    """
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    try:
        place = load_site(site)
    except SettingsError as error:
        place = None
        console.err.print(
            say("source.without_site", error=escape(translated(first_line(str(error)))))
        )
    if not file.is_file():
        raise UsageError(say("source.no_file", file=file))
    from tasks.ingest.inference.proposal import learn  # noqa: PLC0415
    from tasks.ingest.inference.unlearnable import UnlearnableFile  # noqa: PLC0415
    from tasks.sources.base import SourceError  # noqa: PLC0415

    try:
        learned = learn(file, name, place)
    except UnlearnableFile as error:
        raise SourceError(error.text(language())) from None
    print(terminal_safe(learned.text_in(language())), end="")
    lines = [say("source.learned", readable=learned.readable, rows=learned.rows)]
    lines += remarks(learned, learned.name, place.folder if place else None)
    console.err.print(escape("\n".join(lines)), soft_wrap=True)


def _show_checked(checked: Checked) -> None:
    """Print a sample of a source: first rows field by field, rejected rows, and the counts."""
    from tasks.ingest.preview import FIELDS  # noqa: PLC0415
    from tasks.text.withheld import question_value  # noqa: PLC0415

    for row in checked.shown:
        console.out.print(f"[bold]{say('source.line', line=row['line'])}[/]")
        for field in FIELDS:
            if row[field]:
                text = _field_text(field, row[field])
                label = say(f"source.fields.{field}")
                console.out.print(f"  {label:<15} {escape(text)}", soft_wrap=True)
    for field, counted in checked.counts.items():
        empty = say("source.empty")
        listed = counted.most_common(12)
        values = ", ".join(f"{_field_text(field, word) or empty} {n}" for word, n in listed)
        more = f" {say('source.more', n=len(counted) - 12)}" if len(counted) > 12 else ""
        if set(counted) != {""}:
            label = say(f"source.fields.{field}")
            console.out.print(f"[bold]{label}[/]: {escape(values)}{more}", soft_wrap=True)
    kinds = ((value_word("step", kind), n) for kind, n in checked.events.most_common())
    text = ", ".join(f"{kind} {n}" for kind, n in kinds)
    console.out.print(f"[bold]{say('source.events')}[/]: {escape(text) or '–'}", soft_wrap=True)
    if checked.refused:
        console.out.print(f"[bold]{say('source.to_quarantine')}[/]")
        some = checked.refused[:QUARANTINE_SHOWN]
        console.print_table(
            ("line", "ticket", "reason", "column", "value"),
            ((b.position, b.ticket, b.reason, b.column, b.value) for b in some),
            {"reason": "rejection"},
        )
        if len(checked.refused) > len(some):
            console.out.print(say("source.more", n=len(checked.refused) - len(some)))
    if checked.questions:
        console.out.print(f"[bold]{say('source.to_questions')}[/]")
        most = checked.questions.most_common(QUARANTINE_SHOWN)
        console.print_table(
            ("column", "value", "rows"),
            (
                (column, question_value(value, language()), str(rows))
                for (column, value), rows in most
            ),
        )
        if len(checked.questions) > len(most):
            console.out.print(say("source.more", n=len(checked.questions) - len(most)))
    named = [("mixed_dates", column) for column in checked.mixed_dates]
    named += [("odd_hours", column) for column in checked.odd_hours]
    named += [("unread_sheets", sheet) for sheet in checked.unread_sheets]
    for key, column in named:
        console.out.print(say(f"source.{key}", column=escape(column)), soft_wrap=True)
    for failure in checked.failures:
        console.out.print(
            say("source.unreadable", failure=escape(translated(failure))), soft_wrap=True
        )
    for each in map(asdict, checked.waiting):
        console.out.print(escape(console.waits(each)), soft_wrap=True)
    console.out.print(_total(checked), soft_wrap=True)


def _field_text(field: str, text: str) -> str:
    """Return a field of a row in the language of the call, with short times."""
    if field == "classification":
        return value_word("classification", text)
    if field == "privacy":
        return ", ".join(value_word("privacy", each) for each in text.split(", "))
    if field == "events":
        return "; ".join(map(_event_text, text.split("; ")))
    return _short_times(text)


def _event_text(text: str) -> str:
    kind, _, rest = text.partition(" ")
    when = say("source.by_then") if rest == "by then" else _short_times(rest)
    return f"{value_word('step', kind)} {when}".rstrip()


def _total(checked: Checked) -> str:
    """Return one line with the counts of a sample."""
    if not checked.names:
        return say("source.nothing_read")
    names = ", ".join(checked.names[:3]) + (" ..." if len(checked.names) > 3 else "")
    counted = checked.reasons.items()
    reasons = ", ".join(f"{n} {value_word('rejection', reason)}" for reason, n in counted)
    text = say(
        "source.total" if checked.whole else "source.total_of_first",
        rows=checked.rows,
        names=escape(names),
        readable=checked.readable,
        refused=len(checked.refused),
    )
    text += f" ({reasons})" if reasons else ""
    if checked.questions:
        text += f", {say('source.questions', n=len(checked.questions))}"
    return text


def _short_times(text: str) -> str:
    return " ".join(map(console.short_time, text.split(" ")))


@source_app.command("mails")
def list_mails(
    name: Annotated[str, typer.Argument(help="Name of the source in sources.toml.")],
    kind: Annotated[
        str | None, typer.Option(help="Only this kind, e.g. automatic, report, official_reply.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 30,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the mails in the mailbox of a source that are no new complaints.

    Each has its number in the mailbox, the reason, and the complaint to which it replies. Its
    content and its sender are not stored; open the mail in the mailbox itself.
    """
    with console.context_of(site) as context:
        from cli.listings import SOURCE_MAIL_COLUMNS, source_mail_rows  # noqa: PLC0415
        from db.models import SourceMailKind  # noqa: PLC0415

        console.known_source(context.site, name)
        chosen = console.chosen(SourceMailKind, "kind", kind)
        with context.transaction() as session:
            rows = source_mail_rows(session, context, name, limit, chosen)
    if as_json:
        console.print_json(rows)
        return
    console.print_table(
        SOURCE_MAIL_COLUMNS,
        ([console.short_time(row[column]) for column in SOURCE_MAIL_COLUMNS] for row in rows),
        {"kind": "kind", "step": "step"},
    )
    console.out.print(say("source.mails.message.count", n=len(rows)))
