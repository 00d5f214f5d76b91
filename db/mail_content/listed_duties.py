"""Listed duties: what accepted mails named without a notice about it, and to whom."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, cast

from sqlalchemy import Table, delete, select
from sqlalchemy.orm import Session

from db.bulk_insert import insert_rows
from db.complaints import AT_ONCE, chunked, is_one_of
from db.lives import MessageStatus
from db.models import ListedDuty, MessageRow, NoticeRow

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
    """A person to whom an accepted mail listed a duty as late, and the office of that mail."""

    rule: str
    clock: int
    recipient: str
    recipient_name: str
    role: str
    unit: str | None
    locale: str | None
    composed_at: datetime


def replace(session: Session, composed: Iterable[int], new: Sequence[NewListedDuty]) -> None:
    """Store what mails list; forget what these `composed` ones listed in an earlier version."""
    again = list(composed)
    for batch in chunked(again):
        session.execute(delete(ListedDuty).where(ListedDuty.message_id.in_(batch)))
    if new:
        insert_rows(session, _LISTED, COLUMNS, new)


_TAKEN_BACK_SINCE = (
    select(NoticeRow.id)
    .where(
        NoticeRow.complaint_id == ListedDuty.complaint_id,
        NoticeRow.rule == ListedDuty.rule,
        NoticeRow.clock == ListedDuty.clock,
        NoticeRow.taken_back_at > MessageRow.composed_at,
    )
    .exists()
)
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
        wanted = is_one_of(session.connection(), _LISTED.c.complaint_id, batch)
        rows = session.execute(_STANDING.where(wanted))
        found.update(
            (recipient.casefold(), complaint, rule, clock)
            for recipient, status, complaint, rule, clock in rows
            if status == MessageStatus.SENT
        )
    return found


def listed_as_late(session: Session, complaint: int) -> list[ListedTo]:
    """Return to whom accepted mails listed duties of a complaint as late, oldest first."""
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
