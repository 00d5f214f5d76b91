"""Listed duties: what accepted mails named without a notice about it, and the recipients."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, cast

from sqlalchemy import ColumnElement, Table, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from db.bulk import AT_ONCE, chunked, insert_rows, is_one_of
from db.lives import MessageStatus
from db.models import Complaint, DeadlineRow, ListedDuty, MessageKind, MessageRow, NoticeRow

_LISTED = cast(Table, ListedDuty.__table__)

COLUMNS = ("message_id", "complaint_id", "rule", "clock", "late", "entry")


class NewListedDuty(NamedTuple):
    """A duty that a composed mail lists: the columns of `ListedDuty`."""

    message: int
    complaint: int
    rule: str
    clock: int
    late: bool
    entry: bool


class ListedTo(NamedTuple):
    """A recipient of an accepted mail that listed a duty as late, and the office of that mail."""

    rule: str
    clock: int
    recipient: str
    recipient_name: str
    role: str
    unit: str | None
    locale: str | None
    composed_at: datetime


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """An entry that is in a reader's calendar: its duty as stored now, and the mail that brought
    it. Without a stored deadline `state` is None.
    """

    message: int
    complaint: int
    ticket: str
    source: str
    rule: str
    clock: int
    unit: str | None
    state: str | None
    reason: str | None
    due: datetime | None
    stopped: datetime | None


def replace(session: Session, composed: Iterable[int], new: Sequence[NewListedDuty]) -> None:
    """Store what mails list; forget what these `composed` ones listed in an earlier version."""
    again = list(composed)
    for batch in chunked(again):
        session.execute(delete(ListedDuty).where(ListedDuty.message_id.in_(batch)))
        session.execute(
            update(ListedDuty).where(ListedDuty.cancelled_by.in_(batch)).values(cancelled_by=None)
        )
    if new:
        insert_rows(session, _LISTED, COLUMNS, new)


_CANCELLED = (
    update(_LISTED)
    .where(
        _LISTED.c.message_id == bindparam("listed"),
        _LISTED.c.complaint_id == bindparam("complaint"),
        _LISTED.c.rule == bindparam("of_rule"),
        _LISTED.c.clock == bindparam("of_clock"),
    )
    .values(cancelled_by=bindparam("by"))
)


def cancel(session: Session, cancelled: Sequence[tuple[int, int, int, str, int]]) -> None:
    """Record which mail cancels calendar entries: the mail, then the mail that brought the entry,
    the complaint, the rule and the clock.
    """
    names = ("by", "listed", "complaint", "of_rule", "of_clock")
    if cancelled:
        parameters = [dict(zip(names, each, strict=True)) for each in cancelled]
        session.connection().execute(_CANCELLED, parameters)


TAKEN_BACK_SINCE = (
    (NoticeRow.complaint_id == ListedDuty.complaint_id)
    & (NoticeRow.rule == ListedDuty.rule)
    & (NoticeRow.clock == ListedDuty.clock)
    & (NoticeRow.taken_back_at > MessageRow.composed_at)
)
"""The condition for notices of a listed duty that were taken back after the mail was composed."""

_TAKEN_BACK_SINCE = select(NoticeRow.id).where(TAKEN_BACK_SINCE).exists()
"""The lateness proved wrong after the mail was composed."""

_STANDING = (
    select(
        MessageRow.recipient,
        MessageRow.status,
        ListedDuty.complaint_id,
        ListedDuty.rule,
        ListedDuty.clock,
    )
    .join(MessageRow, MessageRow.id == ListedDuty.message_id)
    .where(ListedDuty.late, ~_TAKEN_BACK_SINCE)
)
"""With a condition on the status, SQLite without statistics would read every sent mail."""


def known_as_late(session: Session, complaints: Collection[int]) -> set[tuple[str, int, str, int]]:
    """Return what accepted mails listed as late, and what is not taken back: the address in lower
    case, complaint, rule and clock.
    """
    found: set[tuple[str, int, str, int]] = set()
    for batch in chunked(sorted(complaints), AT_ONCE):
        wanted = is_one_of(_LISTED.c.complaint_id, batch)
        rows = session.execute(_STANDING.where(wanted))
        found.update(
            (recipient.casefold(), complaint, rule, clock)
            for recipient, status, complaint, rule, clock in rows
            if status == MessageStatus.SENT
        )
    return found


def listed_as_late(session: Session, complaint: int) -> list[ListedTo]:
    """Return the recipients of accepted mails that listed duties of a complaint as late.

    The oldest mail comes first.
    """
    rows = session.execute(
        select(
            ListedDuty.rule,
            ListedDuty.clock,
            MessageRow.recipient,
            MessageRow.recipient_name,
            MessageRow.role,
            MessageRow.unit,
            MessageRow.locale,
            MessageRow.composed_at,
        )
        .join(MessageRow, MessageRow.id == ListedDuty.message_id)
        .where(
            ListedDuty.complaint_id == complaint,
            ListedDuty.late,
            MessageRow.status == MessageStatus.SENT,
            MessageRow.composed_at.is_not(None),
        )
        .order_by(MessageRow.id)
    )
    return [ListedTo(*row) for row in rows]


def calendar_entries(
    session: Session, recipients: Collection[str]
) -> dict[str, list[CalendarEntry]]:
    """Return the entries that accepted mails brought into the calendars of these addresses, and
    that no accepted mail has cancelled.
    """
    brought, cancelling = aliased(MessageRow), aliased(MessageRow)
    present: ColumnElement[bool] = or_(
        ListedDuty.cancelled_by.is_(None), cancelling.status != MessageStatus.SENT
    )
    query = (
        select(
            brought.recipient,
            ListedDuty.message_id,
            ListedDuty.complaint_id,
            Complaint.ticket,
            Complaint.source,
            ListedDuty.rule,
            ListedDuty.clock,
            DeadlineRow.unit,
            DeadlineRow.state,
            DeadlineRow.reason,
            DeadlineRow.due,
            DeadlineRow.stopped,
        )
        .join(brought, brought.id == ListedDuty.message_id)
        .join(Complaint, Complaint.id == ListedDuty.complaint_id)
        .outerjoin(cancelling, cancelling.id == ListedDuty.cancelled_by)
        .outerjoin(
            DeadlineRow,
            and_(
                DeadlineRow.complaint_id == ListedDuty.complaint_id,
                DeadlineRow.rule == ListedDuty.rule,
                DeadlineRow.clock == ListedDuty.clock,
            ),
        )
        .where(ListedDuty.entry, brought.status == MessageStatus.SENT, present)
        .order_by(ListedDuty.message_id, ListedDuty.complaint_id, ListedDuty.rule, ListedDuty.clock)
    )
    found: dict[str, list[CalendarEntry]] = {}
    for batch in chunked(sorted(recipients)):
        for recipient, *entry in session.execute(query.where(brought.recipient.in_(batch))):
            found.setdefault(recipient, []).append(CalendarEntry(*entry))
    return found


def with_unrecorded_mails(session: Session, recipients: Collection[str]) -> set[str]:
    """Return those of these addresses, in lower case, that got mails before it was recorded what
    mails list.
    """
    first = session.scalar(select(func.min(ListedDuty.message_id)))
    query = select(MessageRow.recipient).where(
        MessageRow.kind == MessageKind.NOTICES, MessageRow.status == MessageStatus.SENT
    )
    if first is not None:
        query = query.where(MessageRow.id < first)
    found: set[str] = set()
    for batch in chunked(sorted(recipients)):
        rows = session.scalars(query.where(MessageRow.recipient.in_(batch)).distinct())
        found.update(recipient.casefold() for recipient in rows)
    return found
