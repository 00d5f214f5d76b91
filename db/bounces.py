"""Addresses whose mail came back: marked by a bounce until somebody lifts it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db import audit
from db.models import Bounce, MessageRow, MessageStatus


def returned(session: Session, message_id: str) -> MessageRow | None:
    """The mail with this Message-ID if it went out, whether it has come back already or not."""
    return session.scalar(
        select(MessageRow)
        .where(
            MessageRow.message_id == message_id,
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
) -> bool:
    """Keep that a mail came back, once for each report; returns whether its address is now marked
    and was not before.

    A mail that went out before the address was last lifted tells nothing of it any more: its
    bounce is kept as lifted then.
    """
    address = message.recipient.casefold()
    query = select(Bounce.id).where(Bounce.report_id == report_id, Bounce.address == address)
    if session.scalar(query) is not None:
        return False
    lifted = session.scalar(select(func.max(Bounce.lifted_at)).where(Bounce.address == address))
    late = lifted is not None and (message.sent_at or reported_at) <= lifted
    newly_marked = not late and address not in marked(session)
    session.add(
        Bounce(
            address=address,
            report_id=report_id,
            message_pk=message.id,
            reported_at=reported_at,
            recorded_at=now,
            code=code,
            answer=answer,
            lifted_at=lifted if late else None,
        )
    )
    session.flush()
    if newly_marked:
        why = f"a mail to it came back{f' ({code})' if code else ''}"
        audit.note(session, audit.What.BOUNCE_MARKED, now, why, message=message.id)
    return newly_marked


def marked(session: Session) -> frozenset[str]:
    """The addresses, casefolded, to which mail does not get through."""
    query = select(Bounce.address).where(Bounce.lifted_at.is_(None)).distinct()
    return frozenset(session.scalars(query))


def waiting(session: Session) -> Sequence[Bounce]:
    """The bounce by which each marked address was marked, oldest first."""
    rows = session.scalars(select(Bounce).where(Bounce.lifted_at.is_(None)).order_by(Bounce.id))
    first: dict[str, Bounce] = {}
    for row in rows:
        first.setdefault(row.address, row)
    return list(first.values())


def lift(session: Session, address: str, now: datetime) -> bool:
    """Let mail go to an address again; False where it is not marked."""
    rows = session.scalars(
        select(Bounce).where(Bounce.address == address.casefold(), Bounce.lifted_at.is_(None))
    ).all()
    for row in rows:
        row.lifted_at = now
    if rows:
        why, marks = "its mailbox was mended", [row.id for row in rows]
        mail = rows[0].message_pk
        audit.note(session, audit.What.BOUNCE_LIFTED, now, why, message=mail, bounces=marks)
    return bool(rows)
