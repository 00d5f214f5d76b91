"""Probe: one test mail through the real mail server, with the answer of the server."""

from __future__ import annotations

from datetime import datetime

from db.decisions import mode
from db.lives import MessageStatus
from db.models import MessageKind, MessageRow
from sla.directory import Role
from tasks.common.context import SiteContext
from tasks.notifications.message import alert_mime
from tasks.notifications.message_ids import message_id_header
from tasks.notifications.transport.choose import smtp_address
from tasks.notifications.transport.smtp import Connection


class NotProbed(ValueError):
    """No test mail may go to this address, or there is none; `key` says why."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def send_test_mail(context: SiteContext, now: datetime, address: str | None) -> tuple[str, str]:
    """Send a test mail to an address, else to the administrator; return it and the server's answer.

    It is neither queued nor recorded. In a trial it does not go to an official. Raises
    :class:`NotProbed`, `tasks.notifications.transport.smtp.MailError`, and ValueError for a wrong
    mail URL.
    """
    site, today = context.site, context.local(now).date()
    administrators = site.directory.holders(Role.ADMINISTRATOR, None, today).offices
    recipient = address or (administrators[0].email if administrators else "")
    if not recipient:
        raise NotProbed("nobody")
    with context.consistent_read() as session:
        live = mode.of_site(session).live
    folded = recipient.casefold()
    is_administrator = any(each.email.casefold() == folded for each in administrators)
    officials = {each.email.casefold() for each in site.directory.offices}
    if not live and folded in officials and not is_administrator:
        raise NotProbed("official")
    message = MessageRow(
        message_id_header=message_id_header(context, "test", recipient, now.isoformat()),
        kind=MessageKind.ALERT,
        recipient=recipient,
        recipient_name=administrators[0].name if is_administrator else "",
        role=Role.ADMINISTRATOR,
        locale=administrators[0].locale if is_administrator else None,
        status=MessageStatus.SENDING,
        detail={"alert": "mail_test"},
    )
    mime = alert_mime(site, message, now)
    with smtp_address(site) as server, Connection(server) as connection:
        return recipient, connection.send(site.file.mail.sender, recipient, mime)
