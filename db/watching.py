"""Queries of the watchdog, and its incident log in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import case, func, insert, select, update
from sqlalchemy.orm import Session, aliased, defer

from db import looks
from db.models import (
    DeliveryAttempt,
    MessageKind,
    MessageRow,
    MessageStatus,
    RunRow,
    Storm,
    StormStatus,
)

NAME = "watch/causes"
"""Key of the watchdog in the table of cursors. The slash keeps it apart from sources' names."""


def recall(session: Session) -> str | None:
    """Load the stored incident log. Other transactions wait for it until this one ends."""
    looks.lock(session, NAME)
    return looks.cursor(session, NAME)


def remember(session: Session, text: str) -> None:
    """Store the incident log."""
    looks.set_cursor(session, NAME, text)


def last_runs(session: Session, flows: Iterable[str]) -> dict[str, datetime]:
    """Return the latest time of a finished run for each of these flows.

    Flows without a run are left out. Each query starts at the newest run and does not read all
    runs.
    """
    found = {}
    for flow in flows:
        newest = select(RunRow.now).where(RunRow.flow == flow).order_by(RunRow.now.desc()).limit(1)
        moment = session.scalar(newest)
        if moment is not None:
            found[flow] = moment
    return found


def overdue(session: Session, before: datetime) -> tuple[int, datetime | None]:
    """Count the mails waiting since before a moment, and return the time of the oldest.

    A mail waits from its first attempt, or without one from its earliest send time. A mail
    scheduled for the next morning does not wait yet. Held mails of a storm have their own alert.
    """
    first = (
        select(DeliveryAttempt.message_pk, func.min(DeliveryAttempt.attempted_at).label("at"))
        .join(MessageRow, MessageRow.id == DeliveryAttempt.message_pk)
        .where(MessageRow.status.in_((MessageStatus.QUEUED, MessageStatus.SENDING)))
        .group_by(DeliveryAttempt.message_pk)
        .subquery()
    )
    since = case((first.c.at.is_(None), MessageRow.next_attempt_at), else_=first.c.at)
    waiting = (
        select(func.count(), func.min(since))
        .select_from(MessageRow)
        .outerjoin(first, first.c.message_pk == MessageRow.id)
        .where(MessageRow.status.in_((MessageStatus.QUEUED, MessageStatus.SENDING)))
        .where(since < before)
    )
    count, oldest = session.execute(waiting).one()
    return count, oldest


def given_up(session: Session, before: datetime) -> int:
    """Count the mails given up before a moment and not successfully resent by hand."""
    again = aliased(MessageRow)
    tried = (
        select(func.max(DeliveryAttempt.attempted_at))
        .where(DeliveryAttempt.message_pk == MessageRow.id)
        .scalar_subquery()
    )
    query = (
        select(func.count())
        .select_from(MessageRow)
        .where(
            MessageRow.status == MessageStatus.DEAD,
            func.coalesce(tried, MessageRow.created_at) < before,
            ~select(again.id)
            .where(again.resent_of == MessageRow.id, again.status == MessageStatus.SENT)
            .exists(),
        )
    )
    return session.scalar(query) or 0


def waiting_storm(session: Session) -> Storm | None:
    """Return the storm waiting for a decision, without a lock."""
    query = select(Storm).where(Storm.status == StormStatus.WAITING).limit(1)
    return session.scalar(query)


def alerts_due(session: Session, now: datetime) -> list[MessageRow]:
    """Load the queued alerts ready to send at `now`, oldest first, locked for update."""
    query = (
        select(MessageRow)
        .where(
            MessageRow.status == MessageStatus.QUEUED,
            MessageRow.next_attempt_at <= now,
            MessageRow.kind == MessageKind.ALERT,
        )
        .order_by(MessageRow.id)
        .options(defer(MessageRow.mime))
        .with_for_update(skip_locked=True, of=MessageRow)
    )
    return list(session.scalars(query))


def put_off(
    session: Session,
    token: str,
    message: int,
    now: datetime,
    until: datetime | None,
    trouble: Mapping[str, object],
) -> None:
    """Record a failed attempt for a claimed mail: retry it at `until`, or give it up if None."""
    mail = MessageRow.__table__.c
    status = MessageStatus.DEAD if until is None else MessageStatus.QUEUED
    ours = session.scalar(
        update(MessageRow)
        .where(mail.id == message, mail.claim == token, mail.status == MessageStatus.SENDING)
        .values(status=status, claim=None, next_attempt_at=until)
        .returning(MessageRow.id)
        .execution_options(synchronize_session=False)
    )
    if ours is not None:
        row = {"message_pk": message, "attempted_at": now, **trouble}
        session.execute(insert(DeliveryAttempt), [row])
