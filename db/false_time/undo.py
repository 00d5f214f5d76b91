"""Undo the decisions of runs at a false time: their records, notices, unsent mails and reports."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, delete, func, select, update
from sqlalchemy.orm import Session

from db import notices
from db.bulk import chunked
from db.false_time.shift import to_the_past
from db.lives import MessageStatus
from db.mails import outbox
from db.models import (
    FAR_OFF,
    Base,
    Complaint,
    Cursor,
    EventRow,
    FlowRunRecord,
    LeftOut,
    MessageItem,
    MessageRow,
    NoticeRow,
    ReportRow,
    SourceImport,
    Storm,
    StormStatus,
    WatchState,
)

WAITING = (MessageStatus.QUEUED, MessageStatus.SENDING, MessageStatus.HELD)


@dataclass(frozen=True, slots=True)
class Undone:
    """The numbers of what was undone, and of what cannot be undone: mails already sent."""

    runs: int
    mails_cancelled: int
    mails_sent: int
    notices_withdrawn: int
    reports: int
    imports: int


def undo(
    session: Session,
    right: datetime,
    now: datetime,
    *,
    since: datetime,
    lapsing: Collection[str],
    by: str,
) -> Undone:
    """Undo what runs after `since` have decided by a clock that was ahead.

    The clock was right until `right`, and is right again `now`.
    Notices about deadlines that prove not to be late are taken back by the next run of deadlines,
    because every complaint is evaluated again. `lapsing` are the rules with events recorded by an
    evaluation. Mails already sent, and texts deleted after their retention period, stay so.
    """
    sent = _count(session, MessageRow.sent_at > since)
    imports = _count(session, SourceImport.recorded_at > since)
    cancelled, in_mails = _cancel_mails(session, since, now, by)
    withdrawn = len(in_mails) + _delete_unsent_notices(session, since)
    _forget_corrections(session, since)
    runs = _delete(session, FlowRunRecord, FlowRunRecord.now > since)
    reports = _delete(session, ReportRow, (ReportRow.as_of > since) | (ReportRow.made_at > since))
    _delete(session, EventRow, EventRow.source.in_(lapsing) & (EventRow.recorded_at > since))
    _delete(session, WatchState, WatchState.id.is_not(None))
    if imports:  # a position may be a time; without one a source is read again from its beginning
        _delete(session, Cursor, Cursor.source.is_not(None))
    to_the_past(session, right, now)
    session.execute(
        update(Complaint)
        .values(next_action_at=now, metrics_since=FAR_OFF)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(MessageRow)
        .where(MessageRow.status == MessageStatus.QUEUED, MessageRow.next_attempt_at > now)
        .where(MessageRow.created_at <= since)
        .values(next_attempt_at=now)
        .execution_options(synchronize_session=False)
    )
    session.expire_all()
    return Undone(runs, cancelled, sent, withdrawn, reports, imports)


def _count(session: Session, where: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).where(where)) or 0


def _delete(session: Session, table: type[Base], where: ColumnElement[bool]) -> int:
    statement = delete(table).where(where).execution_options(synchronize_session=False)
    return int(cast("CursorResult[Any]", session.execute(statement)).rowcount)


def _cancel_mails(
    session: Session, since: datetime, now: datetime, by: str
) -> tuple[int, set[int]]:
    """Cancel the mails queued at a false time, and drop those of a storm.

    Return their number and the notices in them.

    Each gets another Message-ID, because the same mail may become due at its right time.
    """
    mails = session.scalars(
        select(MessageRow)
        .where(MessageRow.created_at > since, MessageRow.status.in_(WAITING))
        .order_by(MessageRow.id)
    ).all()
    for mail in mails:
        if mail.status == MessageStatus.HELD:
            mail.status = MessageStatus.DISCARDED
        else:
            mail.status = MessageStatus.QUEUED
            mail.status = MessageStatus.CANCELLED
        mail.next_attempt_at = mail.claim = mail.claimed_at = None
    concerned = set(outbox.withdraw(session, mails, "cancelled", LeftOut.FALSE_TIME))
    for storm in session.scalars(select(Storm).where(Storm.opened_at > since)):
        if storm.status == StormStatus.WAITING:
            storm.status, storm.decided_at, storm.decided_by = StormStatus.DISCARDED, now, by[:255]
    session.flush()
    notices.settle(session, concerned, now)
    return len(mails), concerned


def _delete_unsent_notices(session: Session, since: datetime) -> int:
    """Delete the notices decided at a false time that are in no mail; return their number."""
    in_no_mail = NoticeRow.id.not_in(select(MessageItem.notice_id))
    return _delete(session, NoticeRow, (NoticeRow.decided_at > since) & in_no_mail)


def _forget_corrections(session: Session, since: datetime) -> None:
    """Let a lateness stand that was taken back at a false time, if nobody was told so."""
    rows = session.scalars(select(NoticeRow).where(NoticeRow.taken_back_at > since)).all()
    told: set[int] = set()
    for batch in chunked([row.id for row in rows]):
        told.update(
            session.scalars(
                select(MessageItem.notice_id)
                .join(MessageRow, MessageRow.id == MessageItem.message_id)
                .where(MessageItem.notice_id.in_(batch), MessageItem.correction.is_(True))
                .where(MessageRow.status == MessageStatus.SENT, MessageItem.included.is_(True))
            )
        )
    for row in rows:
        if row.id not in told:
            row.taken_back_at = None
    session.flush()
