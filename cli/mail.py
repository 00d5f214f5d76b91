"""`tenggat mail`: sent and queued mails."""

from __future__ import annotations

import email
import email.policy
import zlib
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli import bounces, console
from cli.console import JsonOption, NowOption, SiteOption, UsageError, escape
from cli.language.translation import translated
from cli.language.words import language, say, value_word
from settings.mail_address import WrongAddress, plain_address

if TYPE_CHECKING:
    from tasks.common.context import SiteContext

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
            rows = mail_rows(session, context, limit, chosen, "en" if as_json else language())
    if as_json:
        console.print_json(rows)
    else:
        values = {"status": "status", "role": "role"}
        columns = [each for each in MAIL_COLUMNS if each != "answer" or any(r[each] for r in rows)]
        lines = ([translated(row[each]) for each in columns] for row in rows)
        console.print_table(columns, lines, values)
        key = "mail.mails_and_more" if len(rows) == limit else "mail.mails"
        console.out.print(say(key, n=len(rows)))


@mail_app.command("show")
def show_mail(
    number: Annotated[int, typer.Argument(help="Number of the mail, from `tenggat mail list`.")],
    site: SiteOption = None,
    now: NowOption = None,
) -> None:
    """Show one mail: status, attempts and text.

    A mail that waits is composed as it would leave now; nothing changes by it.
    """
    with console.context_of(site) as context:
        moment = console.moment(now, context.site)
        lines, raw, waits = _stored(context, number)
        if waits:
            raw = _composed(context, number, moment)
            lines.append(say("mail.show.waits" if raw else "mail.show.over"))
    if raw:
        message = email.message_from_bytes(raw, policy=email.policy.default)
        body = message.get_body(("plain",))
        lines += [
            "",
            say("mail.subject", subject=message["Subject"]),
            "",
            body.get_content() if body else "",
        ]
    elif not waits:
        lines.append(say("mail.not_composed"))
    console.out.print(escape("\n".join(lines)), soft_wrap=True)


def _stored(context: SiteContext, number: int) -> tuple[list[str], bytes, bool]:
    """Return status and attempts of a mail as lines, the mail as sent, and whether it waits."""
    from db.lives import MessageStatus  # noqa: PLC0415
    from db.models import MessageRow  # noqa: PLC0415

    with context.transaction() as session:
        row = session.get(MessageRow, number)
        if row is None:
            raise UsageError(say("mail.no_mail", number=str(number)))
        lines = [
            say(
                "mail.head",
                status=value_word("status", row.status),
                message_id=row.message_id_header,
                recipient=row.recipient,
                role=value_word("role", row.role),
            )
        ]
        lines += [
            f"  {context.local(a.attempted_at):%Y-%m-%d %H:%M}  {value_word('attempt', a.outcome)}"
            f"  {a.code or ''} {translated(a.answer)}"
            + (f" ({say('mail.unknown')})" if a.outcome in ("unknown", "lost") else "")
            for a in row.attempts
        ]
        waits = row.status in (MessageStatus.QUEUED, MessageStatus.HELD)
        return lines, zlib.decompress(row.mime) if row.mime else b"", waits


def _composed(context: SiteContext, number: int, now: datetime) -> bytes:
    """Compose a mail that waits, without a trace; return nothing if nothing in it is true."""
    from db.models import MessageRow  # noqa: PLC0415
    from tasks.common.rolled_back import rolled_back  # noqa: PLC0415
    from tasks.notifications.composing.compose import compose  # noqa: PLC0415

    with rolled_back(context) as tried, tried.run(now, "mail show") as run:
        row = run.session.get(MessageRow, number)
        return (compose(run, row) if row is not None else None) or b""


@mail_app.command("withdraw")
def withdraw_mail(
    number: Annotated[int, typer.Argument(help="Number of the mail, from `tenggat mail list`.")],
    site: SiteOption = None,
    now: NowOption = None,
) -> None:
    """Withdraw a mail that waits.

    It is never sent. Its notices count as notified to nobody and are not queued again; the unit
    hears of an open duty with the next repetition.
    """
    with console.context_of(site) as context:
        from tasks.notifications.resend import NotWithdrawn, withdraw  # noqa: PLC0415

        try:
            with context.transaction() as session:
                found = withdraw(session, number, console.moment(now, context.site))
        except NotWithdrawn as error:
            raise UsageError(
                say(
                    "mail.error.not_waiting",
                    number=str(number),
                    status=value_word("status", error.status),
                )
            ) from None
        if found is None:
            raise UsageError(say("mail.no_mail", number=str(number)))
    text = say("mail.withdraw.done", number=str(number), recipient=found.recipient)
    console.out.print(escape(text), soft_wrap=True)


@mail_app.command("test")
def send_test(
    address: Annotated[
        str | None, typer.Argument(help="Another address than the administrator's.")
    ] = None,
    site: SiteOption = None,
    now: NowOption = None,
) -> None:
    """Send one test mail, and show the server's answer.

    It goes through the real mail server, at once and outside the outbox. In a trial it does not go
    to an official.
    """
    address = _plain(address) if address is not None else None
    with console.context_of(site) as context:
        from tasks.notifications.transport.smtp import MailError  # noqa: PLC0415
        from tasks.notifications.trial.probe import NotProbed, send_test_mail  # noqa: PLC0415

        try:
            recipient, answer = send_test_mail(context, console.moment(now, context.site), address)
        except NotProbed as error:
            raise UsageError(say(f"mail.error.{error.key}")) from None
        except MailError as error:
            text = say("mail.test.refused", answer=translated(str(error)))
            console.err.print(escape(text), soft_wrap=True)
            raise typer.Exit(console.TROUBLE) from None
        key = "mail.test.kept" if context.site.keeps_mail else "mail.test.sent"
    folder = context.site.var / "mailbox"
    text = say(key, recipient=recipient, answer=answer, folder=folder)
    console.out.print(escape(text), soft_wrap=True)


def _plain(address: str) -> str:
    try:
        return plain_address(address)
    except WrongAddress as error:
        raise UsageError(
            say("mail.no_address", text=address, reason=translated(str(error)))
        ) from None


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
    to = _plain(to) if to is not None else None
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


mail_app.command("bounces")(bounces.list_bounces)
mail_app.command("lift")(bounces.lift_address)
