"""`tenggat mail`: the mails that were sent or are owed."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from commands import console
from commands.console import JsonOption, SiteOption, UsageError

mail_app = typer.Typer(help="The mails that were sent or are owed.", no_args_is_help=True)


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
    with console.office_of(site) as office:
        from db.models import MessageStatus  # noqa: PLC0415
        from tasks.listing import MAIL_COLUMNS, mail_rows  # noqa: PLC0415

        if status is not None and status not in set(MessageStatus):
            raise UsageError(f"no status '{status}'{console.nearest(status, MessageStatus)}")
        with office.transaction() as session:
            chosen = MessageStatus(status) if status is not None else None
            rows = mail_rows(session, office, limit, chosen)
    if as_json:
        console.print_json(rows)
    else:
        console.print_table(MAIL_COLUMNS, (row.values() for row in rows))
        console.out.print(
            f"{len(rows)} mails" + (", there may be more" if len(rows) == limit else "")
        )


@mail_app.command("show")
def show_mail(
    number: Annotated[int, typer.Argument(help="Number of the mail, from `tenggat mail list`.")],
    site: SiteOption = None,
) -> None:
    """Show one mail: fate, attempts and text."""
    import email  # noqa: PLC0415
    import email.policy  # noqa: PLC0415
    import zlib  # noqa: PLC0415

    with console.office_of(site) as office:
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
    console.out.print(escape("\n".join(lines)), soft_wrap=True)
