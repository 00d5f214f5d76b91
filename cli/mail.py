"""`tenggat mail`: sent and queued mails."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from cli import console
from cli.console import JsonOption, NowOption, SiteOption, UsageError
from cli.language.words import say
from settings.mail_address import WrongAddress, plain_address

mail_app = typer.Typer(help="Sent and queued mails.", no_args_is_help=True)


@mail_app.command("list")
def list_mail(
    status: Annotated[
        str | None, typer.Option(help="Only these, e.g. queued, sent, dead, bounced, held.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 30,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the newest mails and their status."""
    with console.context_of(site) as context:
        from cli.listings import MAIL_COLUMNS, mail_rows  # noqa: PLC0415
        from db.lives import MessageStatus  # noqa: PLC0415

        chosen = console.chosen(MessageStatus, "status", status)
        with context.transaction() as session:
            rows = mail_rows(session, context, limit, chosen)
    if as_json:
        console.print_json(rows)
    else:
        console.print_table(MAIL_COLUMNS, (row.values() for row in rows))
        key = "mail.mails_and_more" if len(rows) == limit else "mail.mails"
        console.out.print(say(key, n=len(rows)))


@mail_app.command("show")
def show_mail(
    number: Annotated[int, typer.Argument(help="Number of the mail, from `tenggat mail list`.")],
    site: SiteOption = None,
) -> None:
    """Show one mail: status, attempts and text."""
    import email  # noqa: PLC0415
    import email.policy  # noqa: PLC0415
    import zlib  # noqa: PLC0415

    with console.context_of(site) as context:
        from db.models import MessageRow  # noqa: PLC0415

        with context.transaction() as session:
            row = session.get(MessageRow, number)
            if row is None:
                raise UsageError(say("mail.no_mail", number=str(number)))
            lines = [
                say(
                    "mail.head",
                    status=row.status,
                    message_id=row.message_id_header,
                    recipient=row.recipient,
                    role=row.role,
                )
            ]
            lines += [
                f"  {context.local(a.attempted_at):%Y-%m-%d %H:%M}  {a.outcome}"
                f"  {a.code or ''} {a.answer}"
                + (f" ({say('mail.unknown')})" if a.outcome == "unknown" else "")
                for a in row.attempts
            ]
            raw = zlib.decompress(row.mime) if row.mime else b""
    if raw:
        message = email.message_from_bytes(raw, policy=email.policy.default)
        body = message.get_body(("plain",))
        lines += [
            "",
            say("mail.subject", subject=message["Subject"]),
            "",
            body.get_content() if body else "",
        ]
    else:
        lines.append(say("mail.not_composed"))
    console.out.print(escape("\n".join(lines)), soft_wrap=True)


@mail_app.command("resend")
def resend_mail(
    number: Annotated[int, typer.Argument(help="Number of the mail, from `tenggat mail list`.")],
    to: Annotated[
        str | None, typer.Option(help="Another address than its own.", metavar="ADDRESS")
    ] = None,
    site: SiteOption = None,
    now: NowOption = None,
) -> None:
    """Send a mail once more.

    The recipient is its address if it is still the address of the office, else the present holder,
    or the address given. The new mail contains only items still true, and is sent with the next
    delivery.
    """
    try:
        to = plain_address(to) if to is not None else None
    except WrongAddress as error:
        raise UsageError(say("mail.no_address", text=to, reason=str(error))) from None
    with console.context_of(site) as context:
        from tasks.notifications.resend import NotResent, resend  # noqa: PLC0415

        try:
            with context.transaction() as session:
                again = resend(session, context, number, console.moment(now, context.site), to)
        except NotResent as error:
            raise UsageError(str(error)) from None
    console.out.print(
        say("mail.resent", number=str(again.id), recipient=escape(again.recipient)),
        soft_wrap=True,
    )


@mail_app.command("release")
def release_mail(
    storm: Annotated[
        int | None, typer.Argument(help="Number of the storm; else the one that waits.")
    ] = None,
    drop: Annotated[
        bool, typer.Option("--drop", help="Never send them, and never repeat their content.")
    ] = False,
    by: Annotated[str, typer.Option(help="Who decides, for the record.", metavar="NAME")] = "",
    site: SiteOption = None,
    now: NowOption = None,
) -> None:
    """Release the mails of a storm.

    A run with more mails than the site allows sends none of them. Released mails are evaluated
    again and sent with the next delivery.
    """
    with console.context_of(site) as context:
        from tasks.notifications.storms import NoStorm, decide  # noqa: PLC0415

        try:
            moment = console.moment(now, context.site)
            who = console.caller() + (f": {by}" if by else "")
            found, mails = decide(context, storm, moment, who, send=not drop)
        except NoStorm as error:
            raise UsageError(str(error)) from None
    key = "mail.dropped" if drop else "mail.released"
    console.out.print(say(key, storm=str(found.id), n=mails))
