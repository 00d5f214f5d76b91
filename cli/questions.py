"""`tenggat questions`: values of a source that could not be read, and their meaning."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from cli import console
from cli.console import JsonOption, NowOption, SiteOption, UsageError
from cli.language.words import say

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
    console.print_table(
        columns, ([console.short_time(row[column]) for column in columns] for row in rows)
    )
    waiting = sum(not row["answered"] for row in rows)
    key = "questions.open_of" if everything else "questions.open"
    console.out.print(say(key, n=waiting, all=len(rows)))
    if waiting:
        console.out.print(say("questions.how"))


@questions_app.command("answer")
def answer_question(
    number: Annotated[int, typer.Argument(help="The id of the question.", metavar="ID")],
    meaning: Annotated[
        str,
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

        with context.transaction() as session:
            question = questions.get(session, number)
            if question is None or question.source not in context.site.sources:
                raise UsageError(say("questions.no_question", number=str(number)))
            moment = console.moment(now, context.site)
            try:
                stored = meaning_of(context.site, question, meaning)
                applied = answer(session, context, question, stored, "command line", moment)
            except WrongAnswer as error:
                raise UsageError(str(error)) from None
        lines = permanent_lines(context.site, question)
    console.out.print(
        say(
            "questions.answered",
            number=str(number),
            value=escape(question.value),
            column=escape(question.column),
            meaning=escape(stored) or say("questions.empty_cell"),
            n=applied.complaints,
        ),
        soft_wrap=True,
    )
    if lines:
        console.out.print(say("questions.permanent"))
        for line in lines:
            console.out.print(f"  {escape(line)}", soft_wrap=True)
