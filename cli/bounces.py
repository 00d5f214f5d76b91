"""`tenggat mail bounces` and `lift`: addresses with bounced mail."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import console
from cli.console import JsonOption, NowOption, SiteOption, UsageError, escape
from cli.language.words import near, say


def list_bounces(site: SiteOption = None, as_json: JsonOption = False) -> None:
    """List addresses with bounced mail.

    Shows for each since when, and the mail server's answer.
    """
    with console.context_of(site) as context:
        from cli.listings import BOUNCE_COLUMNS, bounce_rows  # noqa: PLC0415

        with context.transaction() as session:
            rows = bounce_rows(session, context)
    if as_json:
        console.print_json(rows)
    else:
        console.print_table(BOUNCE_COLUMNS, (row.values() for row in rows))
        console.out.print(say("bounces.addresses", n=len(rows)))


def lift_address(
    address: Annotated[str, typer.Argument(help="An address of `tenggat mail bounces`.")],
    site: SiteOption = None,
    now: NowOption = None,
) -> None:
    """Send mail to an address again.

    Use it after the mailbox was repaired.
    """
    with console.context_of(site) as context:
        from db.mailbox import bounces  # noqa: PLC0415

        with context.transaction() as session:
            marked = bounces.suppressed_addresses(session)
            if not bounces.lift(session, address, console.moment(now, context.site)):
                which = near(address, sorted(marked)) or say("bounces.none_marked")
                raise UsageError(say("bounces.not_marked", address=address, near=which))
    console.out.print(say("bounces.lifted", address=escape(address)), soft_wrap=True)
