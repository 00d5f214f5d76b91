"""Notices and the mails that are owed for them: added, claimed, settled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session, selectinload

from db.complaints import batches
from db.models import (
    DeliveryAttempt,
    MessageItem,
    MessageKind,
    MessageRow,
    MessageStatus,
    NoticeRow,
    NoticeStatus,
)

STALE_CLAIM = timedelta(minutes=15)
"""After this long a mail still 'sending' belongs to a process that died; it is tried again."""

PENDING = (MessageStatus.QUEUED, MessageStatus.SENDING)


def notices_of(session: Session, complaints: Iterable[int]) -> dict[int, list[NoticeRow]]:
    """All notices about these complaints."""
    found: dict[int, list[NoticeRow]] = {}
    for batch in batches(complaints):
        rows = session.scalars(
            select(NoticeRow).where(NoticeRow.complaint_id.in_(batch)).order_by(NoticeRow.id)
        )
        for row in rows:
            found.setdefault(row.complaint_id, []).append(row)
    return found


def knows(session: Session, message_id: str) -> bool:
    """Whether a mail with this Message-ID was ever owed."""
    query = select(MessageRow.id).where(MessageRow.message_id == message_id)
    return session.scalar(query) is not None


def waiting(session: Session, recipient: str, now: datetime) -> MessageRow | None:
    """The mail with notices that waits for this person's morning and was never tried."""
    return session.scalar(
        select(MessageRow)
        .where(
            MessageRow.recipient == recipient,
            MessageRow.kind == MessageKind.NOTICES,
            MessageRow.status == MessageStatus.QUEUED,
            MessageRow.next_attempt_at > now,
            ~MessageRow.attempts.any(),
        )
        .order_by(MessageRow.id)
        .limit(1)
        .with_for_update()
    )


def release_stale_claims(session: Session, now: datetime) -> int:
    """Queue again what a dead process had claimed; the copy keeps its Message-ID."""
    return _changed(
        session,
        (MessageRow.status == MessageStatus.SENDING) & (MessageRow.claimed_at < now - STALE_CLAIM),
        status=MessageStatus.QUEUED,
        claim=None,
        next_attempt_at=now,
    )


def due(session: Session, now: datetime, limit: int = 500) -> Sequence[int]:
    """The mails whose turn has come, oldest first."""
    return session.scalars(
        select(MessageRow.id)
        .where(MessageRow.status == MessageStatus.QUEUED, MessageRow.next_attempt_at <= now)
        .order_by(MessageRow.next_attempt_at, MessageRow.id)
        .limit(limit)
    ).all()


def claim(session: Session, message: int, token: str, now: datetime) -> bool:
    """Take a mail for sending; False where another delivery was quicker."""
    return (
        _changed(
            session,
            (MessageRow.id == message) & (MessageRow.status == MessageStatus.QUEUED),
            status=MessageStatus.SENDING,
            claim=token,
            claimed_at=now,
        )
        == 1
    )


def claimed(session: Session, message: int, token: str) -> MessageRow | None:
    """The mail if it is still ours, with its items and their notices."""
    return session.scalar(
        select(MessageRow)
        .where(
            MessageRow.id == message,
            MessageRow.claim == token,
            MessageRow.status == MessageStatus.SENDING,
        )
        .options(
            selectinload(MessageRow.items)
            .selectinload(MessageItem.notice)
            .selectinload(NoticeRow.complaint)
        )
    )


def _changed(session: Session, condition: ColumnElement[bool], **values: Any) -> int:
    result = session.execute(
        update(MessageRow)
        .where(condition)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount


def told(
    session: Session, complaints: Iterable[int], before: datetime
) -> dict[tuple[int, str, int], list[tuple[str, datetime]]]:
    """Which role was told of a clock and when, up to a moment: by (complaint, rule, clock)."""
    found: dict[tuple[int, str, int], list[tuple[str, datetime]]] = {}
    for batch in batches(complaints):
        rows = session.execute(
            select(
                NoticeRow.complaint_id,
                NoticeRow.rule,
                NoticeRow.clock,
                MessageItem.role,
                MessageRow.sent_at,
            )
            .join(MessageItem, MessageItem.notice_id == NoticeRow.id)
            .join(MessageRow, MessageRow.id == MessageItem.message_pk)
            .where(
                NoticeRow.complaint_id.in_(batch),
                MessageRow.status == MessageStatus.SENT,
                MessageRow.sent_at <= before,
                MessageItem.told.is_(True),
            )
            .order_by(MessageRow.sent_at, MessageRow.id)
        )
        for complaint, rule, clock, role, sent_at in rows:
            if sent_at is not None:
                found.setdefault((complaint, rule, clock), []).append((role, sent_at))
    return found


def earlier(session: Session, recipient: str, complaint: int, before: datetime) -> list[str]:
    """The Message-IDs of the mails that told this person of a complaint, oldest first."""
    query = (
        select(MessageRow.message_id)
        .join(MessageItem, MessageItem.message_pk == MessageRow.id)
        .join(NoticeRow, NoticeRow.id == MessageItem.notice_id)
        .where(
            MessageRow.recipient == recipient,
            MessageRow.status == MessageStatus.SENT,
            MessageRow.sent_at < before,
            MessageItem.told.is_(True),
            NoticeRow.complaint_id == complaint,
        )
        .order_by(MessageRow.sent_at, MessageRow.id)
    )
    return list(dict.fromkeys(session.scalars(query)))


def settle_notices(session: Session, notices: Iterable[int]) -> None:
    """Let each notice say what became of the mails that were to tell of it.

    One that reached somebody is sent; one that nobody can be told of any more is withdrawn where
    it was no longer true, else failed.
    """
    for batch in batches(notices):
        rows = session.execute(
            select(NoticeRow, MessageRow.status, MessageItem.told)
            .join(MessageItem, MessageItem.notice_id == NoticeRow.id)
            .join(MessageRow, MessageRow.id == MessageItem.message_pk)
            .where(NoticeRow.id.in_(batch))
        ).all()
        outcomes: dict[int, list[tuple[str, bool | None]]] = {}
        for notice, status, told_of in rows:
            outcomes.setdefault(notice.id, []).append((status, told_of))
        for notice in {notice.id: notice for notice, _, _ in rows}.values():
            notice.status = _outcome(outcomes[notice.id])


def _outcome(outcomes: list[tuple[str, bool | None]]) -> NoticeStatus:
    if any(status == MessageStatus.SENT and told_of for status, told_of in outcomes):
        return NoticeStatus.SENT
    if any(status in PENDING for status, _ in outcomes):
        return NoticeStatus.QUEUED
    if any(told_of is False for _, told_of in outcomes):
        return NoticeStatus.WITHDRAWN
    return NoticeStatus.FAILED


def pending(session: Session) -> int:
    """How many mails are still owed."""
    query = select(func.count()).select_from(MessageRow).where(MessageRow.status.in_(PENDING))
    return session.scalar(query) or 0


def recent(session: Session, limit: int, status: str | None = None) -> Sequence[MessageRow]:
    """The newest mails, newest first."""
    query = select(MessageRow).order_by(MessageRow.id.desc()).limit(limit)
    if status is not None:
        query = query.where(MessageRow.status == status)
    return session.scalars(query).all()


def sent_between(session: Session, after: datetime, until: datetime) -> int:
    """How many reminders, escalations and alerts were sent in (after, until].

    Summaries do not count: making a report again must not change what it says.
    """
    query = (
        select(func.count())
        .select_from(MessageRow)
        .where(
            MessageRow.kind != MessageKind.SUMMARY,
            MessageRow.sent_at > after,
            MessageRow.sent_at <= until,
        )
    )
    return session.scalar(query) or 0


def attempts_of(session: Session, message: int) -> int:
    """How often a mail was tried."""
    query = (
        select(func.count())
        .select_from(DeliveryAttempt)
        .where(DeliveryAttempt.message_pk == message)
    )
    return session.scalar(query) or 0
