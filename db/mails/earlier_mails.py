"""Mails of earlier runs: what each person has got, and when."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session

from db.bulk import chunked
from db.lives import MessageStatus
from db.mails.outbox import PERHAPS_RECEIVED, of_alert
from db.models import DeliveryAttempt, MessageItem, MessageKind, MessageRow, NoticeRow


def knows(session: Session, message_id_header: str) -> bool:
    """Check whether a mail with this Message-ID was ever queued."""
    query = select(MessageRow.id).where(MessageRow.message_id_header == message_id_header)
    return session.scalar(query) is not None


def alerts_to(session: Session, recipient: str, kinds: Collection[str]) -> list[dict[str, Any]]:
    """Return the details of all alerts of these kinds that were ever queued for an address."""
    query = select(MessageRow.detail).where(
        MessageRow.recipient == recipient,
        MessageRow.kind == MessageKind.ALERT,
        MessageRow.detail["alert"].as_string().in_(kinds),
    )
    return list(session.scalars(query))


def details_of_alerts(session: Session, alert: str) -> list[dict[str, Any]]:
    """Return the facts of all alerts of one kind, queued or sent at any time."""
    return list(session.scalars(select(MessageRow.detail).where(*of_alert(alert))))


def last_mails(
    session: Session, recipients: Collection[str], before: datetime
) -> dict[str, datetime]:
    """Return the time of the last mail with notices to each of these addresses before a moment."""
    rows = session.execute(
        select(MessageRow.recipient, func.max(MessageRow.sent_at))
        .where(
            MessageRow.recipient.in_(recipients),
            MessageRow.kind == MessageKind.NOTICES,
            MessageRow.status == MessageStatus.SENT,
            MessageRow.sent_at < before,
        )
        .group_by(MessageRow.recipient)
    )
    return {recipient: sent_at for recipient, sent_at in rows if sent_at is not None}


_LAST_MAILS = select(MessageRow.sent_at, MessageRow.detail).where(
    MessageRow.recipient == bindparam("recipient"),
    MessageRow.kind == MessageKind.NOTICES,
    or_(
        MessageRow.sent_at >= bindparam("since"),
        MessageRow.status == MessageStatus.SENDING,
        (MessageRow.status == MessageStatus.QUEUED) & PERHAPS_RECEIVED,
    ),
)


def last_weekly(
    session: Session, recipient: str, since: datetime, now: datetime
) -> datetime | None:
    """Return the time of the newest weekly mail to this person since a moment, or None.

    A mail that the server may have counts as sent at `now`: nothing can join it.
    """
    rows = session.execute(_LAST_MAILS, {"recipient": recipient, "since": since})
    return max((sent_at or now for sent_at, detail in rows if detail.get("weekly")), default=None)


def earlier(
    session: Session, pairs: Collection[tuple[str, int]], before: datetime
) -> dict[tuple[str, int], list[str]]:
    """Return the Message-IDs of mails to a person about a complaint, oldest first.

    The keys are pairs of address and complaint; pairs without an earlier mail are left out.
    """
    found: dict[tuple[str, int], dict[str, None]] = {}
    for batch in chunked(sorted({complaint for _, complaint in pairs})):
        rows = session.execute(
            select(MessageRow.recipient, NoticeRow.complaint_id, MessageRow.message_id_header)
            .join(MessageItem, MessageItem.message_id == MessageRow.id)
            .join(NoticeRow, NoticeRow.id == MessageItem.notice_id)
            .where(
                NoticeRow.complaint_id.in_(batch),
                MessageRow.status == MessageStatus.SENT,
                MessageRow.sent_at < before,
                MessageItem.included.is_(True),
            )
            .order_by(MessageRow.sent_at, MessageRow.id)
        )
        for recipient, complaint, key in rows:
            if (recipient, complaint) in pairs:
                found.setdefault((recipient, complaint), {})[key] = None
    return {pair: list(keys) for pair, keys in found.items()}


def earlier_desks(
    session: Session, recipients: Collection[str], before: datetime, most: int
) -> dict[str, list[str]]:
    """Return the Message-IDs of the last `most` mails with notices to each person, oldest first."""
    found = {}
    for recipient in recipients:
        rows = session.scalars(
            select(MessageRow.message_id_header)
            .where(
                MessageRow.recipient == recipient,
                MessageRow.kind == MessageKind.NOTICES,
                MessageRow.status == MessageStatus.SENT,
                MessageRow.sent_at < before,
            )
            .order_by(MessageRow.sent_at.desc(), MessageRow.id.desc())
            .limit(most)
        )
        found[recipient] = list(rows)[::-1]
    return found


def sent_since(session: Session, moment: datetime) -> list[tuple[datetime, str]]:
    """Return time and recipient of mails delivered after a moment, oldest first."""
    rows = session.execute(
        select(DeliveryAttempt.attempted_at, MessageRow.recipient)
        .join(MessageRow, MessageRow.id == DeliveryAttempt.message_id)
        .where(DeliveryAttempt.attempted_at > moment, DeliveryAttempt.outcome == "sent")
        .order_by(DeliveryAttempt.attempted_at)
    )
    return [(row[0], row[1]) for row in rows]
