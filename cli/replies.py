"""`tenggat replies`: answers to notice mails."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import console
from cli.console import JsonOption, SiteOption
from cli.language.words import say


def list_replies(
    outcome: Annotated[
        str | None,
        typer.Option(help="Only these: accepted, repeated, no_choice, doubtful or wrong_sender."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 30,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List answers to notices.

    An accepted answer is a statement of the unit. It changes no deadline. The sender of an answer
    with the outcome wrong_sender is not stored.
    """
    with console.context_of(site) as context:
        from cli.listings import REPLY_COLUMNS, reply_rows  # noqa: PLC0415
        from db.models import ReplyOutcome  # noqa: PLC0415

        chosen = console.chosen(ReplyOutcome, "outcome", outcome)
        with context.transaction() as session:
            rows = reply_rows(session, context, limit, chosen)
    if as_json:
        console.print_json(rows)
    else:
        values = {"role": "role", "statement": "statement", "outcome": "outcome"}
        console.print_table(REPLY_COLUMNS, (row.values() for row in rows), values)
        key = "replies.answers_and_more" if len(rows) == limit else "replies.answers"
        console.out.print(say(key, n=len(rows)))
