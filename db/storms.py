"""Storms: runs that owed too many mails, and the word on them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db import outbox
from db.complaints import batches
from db.models import MessageItem, MessageRow, MessageStatus, Storm, StormStatus


def waiting(session: Session) -> Storm | None:
    """The storm that waits for a word; there is at most one."""
    return session.scalar(
        select(Storm).where(Storm.status == StormStatus.WAITING).limit(1).with_for_update()
    )


def found(session: Session, storm: int) -> Storm | None:
    """A storm by its number."""
    return session.get(Storm, storm)


def messages(session: Session, storm: Storm) -> Sequence[MessageRow]:
    """The mails that a storm holds up."""
    return session.scalars(
        select(MessageRow)
        .where(MessageRow.storm_id == storm.id, MessageRow.status == MessageStatus.HELD)
        .order_by(MessageRow.id)
    ).all()


def let_go(session: Session, storm: Storm, turn: datetime) -> int:
    """Queue the mails of a storm; returns how many."""
    held = [message.id for message in messages(session, storm)]
    _set(session, held, status=MessageStatus.QUEUED, next_attempt_at=turn)
    return len(held)


def drop(session: Session, storm: Storm, now: datetime) -> int:
    """Never send the mails of a storm, nor tell again of what they were about; returns how many."""
    held = [message.id for message in messages(session, storm)]
    _set(session, held, status=MessageStatus.DISCARDED, next_attempt_at=None)
    notices: list[int] = []
    for batch in batches(held):
        notices += session.scalars(
            select(MessageItem.notice_id).where(MessageItem.message_pk.in_(batch))
        )
    outbox.settle_notices(session, notices, now)
    return len(held)


def _set(session: Session, held: Sequence[int], **values: object) -> None:
    for batch in batches(held):
        session.execute(
            update(MessageRow)
            .where(MessageRow.id.in_(batch))
            .values(**values)
            .execution_options(synchronize_session="fetch")
        )
