"""Storms: runs that owed too many mails, and the word on them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from db import outbox, runs
from db.complaints import batches
from db.models import MessageItem, MessageRow, MessageStatus, Storm, StormStatus

LOST = 100
"""More storms than there may have been between a backup and the restore of it."""


def waiting(session: Session) -> Storm | None:
    """The storm that waits for a word; there is at most one."""
    return session.scalar(
        select(Storm).where(Storm.status == StormStatus.WAITING).limit(1).with_for_update()
    )


def opened(session: Session, now: datetime, run: str, *, most: int) -> Storm:
    """A new storm that waits for a word.

    After a restore the numbers go on a good deal higher: those in between may stand in mails and
    in the Prefect UI, for storms that the database no longer knows.
    """
    last = session.scalar(select(Storm).order_by(Storm.id.desc()).limit(1))
    restored = runs.last(session, runs.RESTORE)
    storm = Storm(
        opened_at=now, run=run, mails=0, most=most, status=StormStatus.WAITING, decided_by=""
    )
    if restored is not None and (last is None or last.opened_at < restored):
        storm.id = (last.id if last else 0) + LOST
    session.add(storm)
    session.flush()
    if session.get_bind().dialect.name == "postgresql":
        session.execute(
            text("SELECT setval(pg_get_serial_sequence('storm', 'id'), :id)"), {"id": storm.id}
        )
    return storm


def without_a_storm(session: Session) -> Sequence[int]:
    """The mails that are held up and belong to no storm: those that a restore found owed."""
    return session.scalars(
        select(MessageRow.id).where(
            MessageRow.status == MessageStatus.HELD, MessageRow.storm_id.is_(None)
        )
    ).all()


def take_in(session: Session, storm: Storm, held: Sequence[int]) -> None:
    """Let mails that are held up wait in this storm."""
    _set(session, held, storm_id=storm.id)


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
