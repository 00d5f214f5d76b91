"""What the watch asks the database, and what it remembers there."""

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
"""What the watch is called among the cursors; by the slash it is no source that a mapping names."""


def recall(session: Session) -> str | None:
    """What the watch remembers; nobody else can until the transaction ends."""
    looks.lock(session, NAME)
    return looks.cursor(session, NAME)


def remember(session: Session, text: str) -> None:
    """What the watch shall remember from now on."""
    looks.set_cursor(session, NAME, text)


def last_runs(session: Session, flows: Iterable[str]) -> dict[str, datetime]:
    """The latest time of the finished runs of each of these flows that has any.

    Each is found from the newest run backwards, not by reading all of them.
    """
    found = {}
    for flow in flows:
        newest = select(RunRow.now).where(RunRow.flow == flow).order_by(RunRow.now.desc()).limit(1)
        moment = session.scalar(newest)
        if moment is not None:
            found[flow] = moment
    return found


def overdue(session: Session, before: datetime) -> tuple[int, datetime | None]:
    """How many mails were to go before a moment and still wait, and since when the oldest does.

    A mail waits since it was first tried, else since its turn came; one for the next morning does
    not wait yet. Held mails of a storm have their own alert.
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
    """How many mails were given up before a moment and have not been sent once more by hand."""
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
    """The storm that waits for a person's word, looked at only: nothing is locked."""
    query = select(Storm).where(Storm.status == StormStatus.WAITING).limit(1)
    return session.scalar(query)


def alerts_due(session: Session, now: datetime) -> list[MessageRow]:
    """The alerts whose turn has come, oldest first."""
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
    session: Session, token: str, message: int, now: datetime, until: datetime | None,
    trouble: Mapping[str, object],
) -> None:  # fmt: skip
    """Note why a claimed mail did not get out: it waits until a moment, or is dead without one."""
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
