"""What waits in the outbox, what waits too long, and what was given up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, false, func, or_, select
from sqlalchemy.orm import Session, aliased

from db.lives import MessageStatus
from db.mails.earlier_mails import sent_since
from db.mails.outbox import IN_MAIL_HOURS, PENDING
from db.models import DeliveryAttempt, MessageKind, MessageRow


def pending(session: Session) -> int:
    """Count the mails still to be sent."""
    query = select(func.count()).select_from(MessageRow).where(MessageRow.status.in_(PENDING))
    return session.scalar(query) or 0


def newest_attempts(session: Session, messages: Iterable[int]) -> dict[int, DeliveryAttempt]:
    """Return the newest attempt to send each of these mails; none for a mail that was not tried."""
    newest = (
        select(func.max(DeliveryAttempt.id))
        .where(DeliveryAttempt.message_id.in_(list(messages)))
        .group_by(DeliveryAttempt.message_id)
    )
    found = session.scalars(select(DeliveryAttempt).where(DeliveryAttempt.id.in_(newest)))
    return {attempt.message_id: attempt for attempt in found}


def newest_refusal(session: Session) -> DeliveryAttempt | None:
    """Return the newest attempt to send one of the mails that still wait."""
    query = (
        select(DeliveryAttempt)
        .join(MessageRow, MessageRow.id == DeliveryAttempt.message_id)
        .where(MessageRow.status.in_(PENDING))
        .order_by(DeliveryAttempt.id.desc())
        .limit(1)
    )
    return session.scalar(query)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A number of mails that wait, and the earliest time of one of them."""

    number: int
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class WaitingMails:
    """The mails that wait: to officials, all others, and the number of held ones.

    In a trial the mails to officials are only shown to the administrator. Alerts leave always, and
    so does a mail that a run was about to send when the trial began.
    """

    to_officials: Waiting
    others: Waiting
    held: int


def waiting_mails(session: Session) -> WaitingMails:
    """Return what waits in the outbox, for a person who has just made a run."""
    to_official = (MessageRow.kind != MessageKind.ALERT) & (
        MessageRow.status == MessageStatus.QUEUED
    )
    query = (
        select(to_official, func.count(), func.min(MessageRow.next_attempt_at))
        .where(MessageRow.status.in_(PENDING))
        .group_by(to_official)
    )
    found = {bool(official): Waiting(number, at) for official, number, at in session.execute(query)}
    held = select(func.count()).where(MessageRow.status == MessageStatus.HELD)
    nothing = Waiting(0, None)
    return WaitingMails(
        found.get(True, nothing), found.get(False, nothing), session.scalar(held) or 0
    )


def recent(session: Session, limit: int, status: str | None = None) -> Sequence[MessageRow]:
    """List the newest mails, newest first, optionally of one status."""
    query = select(MessageRow).order_by(MessageRow.id.desc()).limit(limit)
    if status is not None:
        query = query.where(MessageRow.status == status)
    return session.scalars(query).all()


def overdue(session: Session, before: datetime, in_hours: datetime) -> tuple[int, datetime | None]:
    """Count the mails waiting since before a moment, and return the time of the oldest.

    `in_hours` is the moment for mails that leave in the mail hours only: notices and reports that
    are neither urgent nor sent again by hand.

    A mail waits from its first attempt, or without one from its earliest send time. A mail
    scheduled for the next morning does not wait yet. Held mails of a storm have their own alert.
    """
    first = (
        select(DeliveryAttempt.message_id, func.min(DeliveryAttempt.attempted_at).label("at"))
        .join(MessageRow, MessageRow.id == DeliveryAttempt.message_id)
        .where(MessageRow.status.in_(PENDING))
        .group_by(DeliveryAttempt.message_id)
        .subquery()
    )
    since = case((first.c.at.is_(None), MessageRow.next_attempt_at), else_=first.c.at)
    urgent = func.coalesce(MessageRow.detail["urgent"].as_boolean(), false())
    bound = MessageRow.kind.in_(IN_MAIL_HOURS) & MessageRow.resent_of.is_(None) & ~urgent
    waiting = (
        select(func.count(), func.min(since))
        .select_from(MessageRow)
        .outerjoin(first, first.c.message_id == MessageRow.id)
        .where(MessageRow.status.in_(PENDING))
        .where(or_(bound & (since < in_hours), ~bound & (since < before)))
    )
    count, oldest = session.execute(waiting).one()
    return count, oldest


def is_stuck(session: Session, since: datetime) -> bool:
    """Check whether the server takes no mail of ours: the newest attempt says that it cannot be
    used, and it has accepted none after `since`.
    """
    newest = select(DeliveryAttempt.outcome).order_by(
        DeliveryAttempt.attempted_at.desc(), DeliveryAttempt.id.desc()
    )
    unusable = session.scalar(newest.limit(1)) == "unavailable"
    return unusable and not sent_since(session, since)


def given_up(session: Session, before: datetime | None = None) -> int:
    """Count the mails given up, optionally before a moment, and not successfully resent by hand."""
    again = aliased(MessageRow)
    resent = (
        select(again.id)
        .where(again.resent_of == MessageRow.id, again.status == MessageStatus.SENT)
        .exists()
    )
    query = (
        select(func.count())
        .select_from(MessageRow)
        .where(MessageRow.status == MessageStatus.DEAD, ~resent)
    )
    if before is not None:
        last_attempt = (
            select(func.max(DeliveryAttempt.attempted_at))
            .where(DeliveryAttempt.message_id == MessageRow.id)
            .scalar_subquery()
        )
        query = query.where(func.coalesce(last_attempt, MessageRow.created_at) < before)
    return session.scalar(query) or 0
