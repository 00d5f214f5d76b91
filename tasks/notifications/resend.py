"""Resend or withdraw: send a mail again by hand, or withdraw one before it is sent."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db import audit, notices
from db.lives import MessageStatus
from db.models import MessageItem, MessageKind, MessageRow
from sla.directory import OfficeHolder, Role
from tasks.common.context import RunContext, SiteContext
from tasks.notifications.enqueue import enqueue
from tasks.notifications.mail_items import notice_views
from tasks.notifications.message_ids import message_id_header

OVER = (
    MessageStatus.SENT,
    MessageStatus.DEAD,
    MessageStatus.BOUNCED,
    MessageStatus.CANCELLED,
    MessageStatus.DISCARDED,
    MessageStatus.TRIAL,
)
"""Statuses of a mail that allow another sending."""


class NotResent(ValueError):
    """The mail cannot be sent again; the message gives the reason and the remedy."""


def resend(
    session: Session, context: SiteContext, number: int, now: datetime, to: str | None = None
) -> MessageRow:
    """Queue a mail again as a new mail with only the items that are still true.

    It goes to `to` if given, else to the first recipient if still in office, else to the present
    holder. A correction stays a correction. A mail with notices loses the marks `urgent` and
    `weekly`: this mail leaves at once, and is not the weekly mail of its recipient. The first mail
    stays on record unchanged. Raises :class:`NotResent`.
    """
    first = _first(session, number)
    holder = _addressee(context, first, now, to)
    before = session.scalar(
        select(func.count()).select_from(MessageRow).where(MessageRow.resent_of == number)
    )
    run = RunContext(context, session, now, f"resend {number}")
    key = message_id_header(context, "resent", first.message_id_header, before, holder.email)
    again = enqueue(
        run,
        MessageKind(first.kind),
        holder,
        key,
        role=Role(first.role),
        detail={} if first.kind == MessageKind.NOTICES else first.detail,
    )
    again.resent_of, again.unit = number, first.unit
    again.items = [
        MessageItem(
            notice=item.notice,
            role=item.role,
            copied=item.copied,
            correction=item.correction,
            included=None,
        )
        for item in first.items
    ]
    session.flush()
    if first.kind == MessageKind.NOTICES and not notice_views(run, [again])[again.id]:
        raise NotResent(f"no item of mail {number} is still true; nothing is sent")
    why = "asked for by hand" + (", to an address that was named" if to else "")
    audit.note(
        session,
        audit.AuditKind.MAIL_RESENT,
        now,
        why,
        message=again.id,
        run_id=run.id,
        first=number,
    )
    return again


def _first(session: Session, number: int) -> MessageRow:
    """Return the mail with this number; raises :class:`NotResent` if it still waits."""
    first = session.get(MessageRow, number)
    if first is None:
        raise NotResent(f"no mail {number}; see `tenggat mail list`")
    if first.status == MessageStatus.HELD:
        raise NotResent(f"mail {number} is held back; see `tenggat mail release --help`")
    if first.status not in OVER:
        raise NotResent(f"mail {number} still waits to be sent; see `tenggat mail show {number}`")
    return first


class NotWithdrawn(ValueError):
    """The mail cannot be withdrawn; the message gives its status."""

    def __init__(self, status: str) -> None:
        super().__init__(f"the mail is {status}")
        self.status = status


def withdraw(session: Session, number: int, now: datetime) -> MessageRow | None:
    """Withdraw a mail that is queued or held: it is never sent, and neither are its notices.

    They count as notified to nobody. Return the mail, or None if there is none of this number.
    Raises :class:`NotWithdrawn`.
    """
    message = session.get(MessageRow, number, with_for_update=True)
    if message is None:
        return None
    if message.status not in (MessageStatus.QUEUED, MessageStatus.HELD):
        raise NotWithdrawn(message.status)
    message.status, message.next_attempt_at = MessageStatus.DISCARDED, None
    session.flush()
    items = [item.notice_id for item in message.items if not item.correction]
    notices.settle(session, items, now)
    audit.note(session, audit.AuditKind.MAIL_WITHDRAWN, now, "asked for by hand", message=number)
    return message


def _addressee(
    context: SiteContext, first: MessageRow, now: datetime, to: str | None
) -> OfficeHolder:
    """Return the recipient of the new mail, with the language."""
    directory, role = context.site.directory, Role(first.role)
    today = context.local(now).date()
    known = [each for each in directory.offices if each.in_office_on(today)]
    address = to or first.recipient
    for each in known:
        if each.email.casefold() == address.casefold():
            return each
    if to is not None:
        return OfficeHolder(first.unit or "", role, "", to, locale=first.locale)
    offices = directory.holders(role, first.unit, today).offices
    if not offices:
        raise NotResent(f"the office of mail {first.id} is vacant now; name an address with --to")
    return offices[0]
