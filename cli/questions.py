"""`tenggat questions`: values of a source that could not be read, and their meaning."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.console import JsonOption, NowOption, SiteOption, UsageError, escape
from cli.language.words import language, lookup, say

if TYPE_CHECKING:
    from tasks.common.context import SiteContext

questions_app = typer.Typer(
    help="Values of a source that could not be read.", invoke_without_command=True
)


@questions_app.callback()
def list_questions(
    evaluation_context: typer.Context,
    name: Annotated[
        str | None, typer.Option("--source", help="Only this source.", metavar="NAME")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also answered questions.")] = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the open questions.

    Each is a value of one column, with the number of complaints that wait for its meaning.
    """
    if evaluation_context.invoked_subcommand is not None:
        return
    with console.context_of(site) as context:
        from cli.listings import QUESTION_COLUMNS, question_rows  # noqa: PLC0415

        if name is not None:
            console.known_source(context.site, name)
        with context.transaction() as session:
            rows = question_rows(session, context, source=name, answered=everything)
    if as_json:
        console.print_json(rows)
        return
    columns = (*QUESTION_COLUMNS, *(("answer", "answered") if everything else ()))
    headings = ["question_role" if column == "role" else column for column in columns]
    console.print_table(headings, ([_cell(row, column) for column in columns] for row in rows))
    waiting = sum(not row["answered"] for row in rows)
    key = "questions.open_of" if everything else "questions.open"
    console.out.print(say(key, n=waiting, all=len(rows)))
    if waiting:
        console.out.print(say("questions.how"))


def _cell(row: dict[str, str], column: str) -> str:
    """Return a cell of the table: the field of a question in words, a time in its short form."""
    if column == "role":
        return lookup("questions", f"roles.{row[column]}") or row[column]
    return console.short_time(row[column])


def _as_typed(context: SiteContext, stored: str) -> str:
    """Return a stored meaning as people write it: a date with the time at the site."""
    try:
        moment = datetime.fromisoformat(stored)
    except ValueError:
        return stored
    return f"{context.local(moment):%Y-%m-%d %H:%M}" if moment.tzinfo else stored


@questions_app.command("answer")
def answer_question(
    number: Annotated[int, typer.Argument(help="The id of the question.", metavar="NUMBER")],
    meaning: Annotated[
        list[str],
        typer.Argument(
            help="A status, unit, classification or date; `kosong` or `ignore` for an empty cell;"
            " `benar` or `correct` for a right date of receipt.",
            metavar="MEANING",
        ),
    ],
    site: SiteOption = None,
    now: NowOption = None,
) -> None:
    """Say what a value means.

    The answer is stored, and applied at once to all complaints that waited for it. Their events get
    the times at which the source showed them. Another answer to the same question replaces it.
    """
    with console.context_of(site) as context:
        from db import questions  # noqa: PLC0415
        from tasks.ingest.answers import (  # noqa: PLC0415
            WrongAnswer,
            answer,
            meaning_of,
            permanent_lines,
        )
        from tasks.text.withheld import question_value  # noqa: PLC0415

        with context.transaction() as session:
            question = questions.get(session, number)
            if question is None or question.source not in context.site.sources:
                raise UsageError(say("questions.no_question", number=str(number)))
            moment = console.moment(now, context.site)
            try:
                stored = meaning_of(context.site, question, " ".join(meaning))
                applied = answer(session, context, question, stored, "command line", moment)
            except WrongAnswer as error:
                raise UsageError(str(error)) from None
        lines = permanent_lines(context.site, question)
    console.out.print(
        say(
            "questions.answered",
            number=str(number),
            value=escape(question_value(question.value, language())),
            column=escape(question.column),
            meaning=escape(_as_typed(context, stored)) or say("questions.empty_cell"),
            n=applied.complaints,
        ),
        soft_wrap=True,
    )
    if lines:
        console.out.print(say("questions.permanent"))
        for line in lines:
            console.out.print(f"  {escape(line)}", soft_wrap=True)
