"""Bounced mails, and addresses suppressed by a bounce or a refusal until an administrator lifts
this.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db import audit
from db.lives import MessageStatus
from db.models import Bounce, MessageRow


def returned(session: Session, message_id_header: str) -> MessageRow | None:
    """Find the mail with this Message-ID if it was sent, whether or not it has bounced already."""
    return session.scalar(
        select(MessageRow)
        .where(
            MessageRow.message_id_header == message_id_header,
            MessageRow.status.in_((MessageStatus.SENT, MessageStatus.BOUNCED)),
        )
        .with_for_update()
    )


def add(
    session: Session,
    message: MessageRow,
    *,
    report_id: str,
    reported_at: datetime,
    code: str,
    answer: str,
    now: datetime,
    why: str = "a mail to it came back",
) -> bool:
    """Record a bounced mail once per report; returns True if its address is newly suppressed.

    `why` is the reason for the audit. If the mail server refused the address, the report is the
    mail itself.

    If the mail was sent before the address was last lifted, it says nothing about the mailbox
    today. Its bounce is then stored as already lifted at that time.
    """
    address = message.recipient.casefold()
    query = select(Bounce.id).where(Bounce.report_id == report_id, Bounce.address == address)
    if session.scalar(query) is not None:
        return False
    lifted = session.scalar(select(func.max(Bounce.lifted_at)).where(Bounce.address == address))
    late = lifted is not None and (message.sent_at or reported_at) <= lifted
    newly_marked = not late and address not in suppressed_addresses(session)
    session.add(
        Bounce(
            address=address,
            report_id=report_id,
            message_id=message.id,
            reported_at=reported_at,
            recorded_at=now,
            code=code,
            answer=answer,
            lifted_at=lifted if late else None,
        )
    )
    session.flush()
    if newly_marked:
        reason = f"{why}{f' ({code})' if code else ''}"
        audit.note(session, audit.AuditKind.BOUNCE_SUPPRESSED, now, reason, message=message.id)
    return newly_marked


def suppressed_addresses(session: Session) -> frozenset[str]:
    """Return the suppressed addresses, casefolded: mail to them does not arrive."""
    query = select(Bounce.address).where(Bounce.lifted_at.is_(None)).distinct()
    return frozenset(session.scalars(query))


def refused_addresses(session: Session) -> frozenset[str]:
    """Return those of the suppressed addresses, casefolded, that the mail server itself refused."""
    query = (
        select(Bounce.address)
        .join(MessageRow, MessageRow.id == Bounce.message_id)
        .where(Bounce.lifted_at.is_(None), MessageRow.status == MessageStatus.DEAD)
        .distinct()
    )
    return frozenset(session.scalars(query))


def causes_of_suppression(session: Session) -> Sequence[Bounce]:
    """List the first bounce of each suppressed address, oldest first."""
    rows = session.scalars(select(Bounce).where(Bounce.lifted_at.is_(None)).order_by(Bounce.id))
    first: dict[str, Bounce] = {}
    for row in rows:
        first.setdefault(row.address, row)
    return list(first.values())


def lift(session: Session, address: str, now: datetime) -> bool:
    """Remove the suppression of an address, so it receives mail again; False if it had none."""
    rows = session.scalars(
        select(Bounce).where(Bounce.address == address.casefold(), Bounce.lifted_at.is_(None))
    ).all()
    for row in rows:
        row.lifted_at = now
    if rows:
        why, marks = "an administrator lifted the suppression", [row.id for row in rows]
        mail = rows[0].message_id
        audit.note(session, audit.AuditKind.BOUNCE_LIFTED, now, why, message=mail, bounces=marks)
    return bool(rows)
