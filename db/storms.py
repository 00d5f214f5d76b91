"""Storms: runs with too many mails, and the decision of the administrator about those mails."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from db import notices, runs
from db.bulk import chunked
from db.lives import MessageStatus, statuses_before
from db.models import MessageItem, MessageRow, Storm, StormStatus

LOST = 100
"""Gap in the storm numbers after a restore. It is larger than any number of storms that can occur
between a backup and its restore."""

_WAITING = select(Storm).where(Storm.status == StormStatus.WAITING).limit(1)


def waiting(session: Session) -> Storm | None:
    """Return the storm waiting for a decision, without a lock. There is at most one."""
    return session.scalar(_WAITING)


def lock_waiting(session: Session) -> Storm | None:
    """Return the storm waiting for a decision, locked for update."""
    return session.scalar(_WAITING.with_for_update())


def opened(session: Session, now: datetime, run_id: str, *, mail_limit: int) -> Storm:
    """Create a storm. It waits for the decision of the administrator.

    After a restore the numbers continue `LOST` higher. Mails and the Prefect UI may still name
    storms from between the backup and the restore, and the restored database does not know those
    numbers.
    """
    last = session.scalar(select(Storm).order_by(Storm.id.desc()).limit(1))
    restored = runs.last_restore(session)
    storm = Storm(
        opened_at=now,
        run_id=run_id,
        mails=0,
        mail_limit=mail_limit,
        status=StormStatus.WAITING,
        decided_by="",
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
    """List held mails that belong to no storm: a restore found them in the outbox and held them."""
    return session.scalars(
        select(MessageRow.id).where(
            MessageRow.status == MessageStatus.HELD, MessageRow.storm_id.is_(None)
        )
    ).all()


def attach(session: Session, storm: Storm, held: Sequence[int]) -> None:
    """Assign held mails to this storm."""
    for batch in chunked(held):
        session.execute(
            update(MessageRow)
            .where(MessageRow.id.in_(batch))
            .values(storm_id=storm.id)
            .execution_options(synchronize_session="fetch")
        )


def found(session: Session, storm: int) -> Storm | None:
    """Find a storm by its number."""
    return session.get(Storm, storm)


def messages(session: Session, storm: Storm) -> Sequence[MessageRow]:
    """List the mails held by a storm, oldest first."""
    return session.scalars(
        select(MessageRow)
        .where(MessageRow.storm_id == storm.id, MessageRow.status == MessageStatus.HELD)
        .order_by(MessageRow.id)
    ).all()


def release(session: Session, storm: Storm, send_at: datetime) -> int:
    """Release the mails of a storm: queue them for `send_at` or later. Returns their number."""
    held = [message.id for message in messages(session, storm)]
    _set(session, held, MessageStatus.QUEUED, send_at)
    return len(held)


def drop(session: Session, storm: Storm, now: datetime) -> int:
    """Drop the mails of a storm, so that they are never sent. Returns their number.

    Their notices are settled as discarded, and later runs do not queue them again.
    """
    held = [message.id for message in messages(session, storm)]
    _set(session, held, MessageStatus.DISCARDED, None)
    dropped: list[int] = []
    for batch in chunked(held):
        dropped += session.scalars(
            select(MessageItem.notice_id).where(MessageItem.message_id.in_(batch))
        )
    notices.settle(session, dropped, now)
    return len(held)


def _set(
    session: Session, held: Sequence[int], status: MessageStatus, send_at: datetime | None
) -> None:
    for batch in chunked(held):
        session.execute(
            update(MessageRow)
            .where(MessageRow.id.in_(batch))
            .where(MessageRow.status.in_(statuses_before(status)))
            .values(status=status, next_attempt_at=send_at)
            .execution_options(synchronize_session="fetch")
        )
