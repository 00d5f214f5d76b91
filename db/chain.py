"""The audit read: which decisions there were, and whether anybody has touched the record."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, or_, select, type_coerce
from sqlalchemy.orm import Session

from db.audit import COLUMNS, GENESIS, hash_of
from db.models import AuditHead, AuditRow, Complaint, MessageItem, MessageRow, NoticeRow

AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Head:
    """A row of the audit by number and hash, as somebody has kept it elsewhere."""

    seq: int
    hash: str
    kept_by: str = ""

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"

    @classmethod
    def read(cls, text: str, kept_by: str) -> Head:
        """A head of the form 'number:hash'. Raises ValueError for anything else."""
        found = re.fullmatch(r"(\d+):([0-9a-f]{64})", text.strip())
        if not found:
            raise ValueError(f"'{text}' is no head; a mail with a summary names one, 17:9f86d0...")
        return cls(int(found[1]), found[2], kept_by)


@dataclass(frozen=True, slots=True)
class Fault:
    """The first row that is not as it was written, or not where it was, and what is wrong."""

    seq: int
    wrong: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What became of the chain: how many rows, the last one, and the first that is bad, if any.

    `anchors` is how many heads that were kept elsewhere are rows of this chain.
    """

    rows: int
    head: Head
    anchors: int
    fault: Fault | None


def head_before(session: Session, moment: datetime) -> Head:
    """The last row that was decided before a moment; number 0 where there is none."""
    row = session.execute(
        select(AuditRow.seq, AuditRow.hash)
        .where(AuditRow.at < moment)
        .order_by(AuditRow.seq.desc())
        .limit(1)
    ).first()
    return Head(row.seq, row.hash) if row else Head(0, GENESIS)


def verify(connection: Connection, kept: Iterable[Head] = ()) -> Verified:
    """Follow the chain from its first row to its end, in one state of the database.

    Each row must have the next number, name the hash of the row before, and hash to its own; the
    last must be the one of the head, and each of the `kept` heads must be a row. Who can rewrite
    all rows and the head can only be caught by a head that was kept where they cannot reach.
    """
    anchors: dict[int, list[Head]] = defaultdict(list)
    for each in kept:
        anchors[each.seq].append(each)
    head = connection.execute(select(AuditHead.seq, AuditHead.hash)).all()
    last, met = Head(0, GENESIS), 0
    for row in connection.execute(_as_kept().execution_options(yield_per=AT_ONCE)):
        seq, given = row[0], row[-1]
        wrong = _wrong(row, last)
        if not wrong:
            strangers = [each for each in anchors.get(seq, ()) if each.hash != given]
            wrong = f"{strangers[0].kept_by} has another hash of it" if strangers else ""
        if wrong:
            return Verified(last.seq, last, met, Fault(min(seq, last.seq + 1), wrong))
        met += len(anchors.get(seq, ()))
        last = Head(seq, given)
    return Verified(last.seq, last, met, _wrong_at_the_end(last, head, anchors))


def _as_kept() -> Any:
    """All rows, each value as the database has it, also one that is no moment any more."""
    table = AuditRow.__table__
    at = type_coerce(table.c.at, String)
    columns = [at if name == "at" else table.c[name] for name in COLUMNS]
    return select(*columns).order_by(table.c.seq)


def _wrong(row: Sequence[Any], last: Head) -> str:
    """What is wrong with a row that stands after this one."""
    seq, previous, given = row[0], row[-2], row[-1]
    if seq < last.seq + 1:
        return f"a row was put in as number {seq}"
    if seq > last.seq + 1:
        return f"it is missing; the next row there is has number {seq}"
    if hash_of(row[:-1]) != given:
        return "it was changed: its values do not give its hash"
    if previous != last.hash:
        return "it does not follow on the row before it"
    return ""


def _wrong_at_the_end(
    last: Head, found: Sequence[Any], anchors: dict[int, list[Head]]
) -> Fault | None:
    later = [each for seq in anchors if seq > last.seq for each in anchors[seq]]
    if later:
        return Fault(last.seq + 1, f"it is missing; {later[0].kept_by} has row {later[0].seq}")
    if len(found) != 1:
        return Fault(last.seq + 1, "the head of the chain is gone, so rows may be cut off here")
    end = found[0]
    if end.seq > last.seq:
        return Fault(last.seq + 1, f"it is missing; the head of the chain is row {end.seq}")
    if (end.seq, end.hash) != (last.seq, last.hash):
        return Fault(min(end.seq + 1, last.seq), f"the head of the chain is row {end.seq}")
    return None


def rows(
    connection: Connection,
    *,
    since: datetime | None = None,
    ticket: str | None = None,
    what: Sequence[str] = (),
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """Decisions, the newest first, each with the `ticket` of its complaint.

    Those about a ticket are about its complaint, the mails that tell of it, and the storms that
    held these up.
    """
    query = select(AuditRow.__table__, Complaint.ticket).outerjoin(
        Complaint, Complaint.id == AuditRow.complaint_id
    )
    if since is not None:
        query = query.where(AuditRow.at >= since)
    if what:
        query = query.where(AuditRow.what.in_(what))
    if ticket is not None:
        query = query.where(_about(ticket))
    found = connection.execute(query.order_by(AuditRow.seq.desc()).limit(limit))
    return [dict(row) for row in found.mappings()]


def _about(ticket: str) -> ColumnElement[bool]:
    complaints = select(Complaint.id).where(Complaint.ticket == ticket)
    mails = (
        select(MessageRow.id)
        .join(MessageItem, MessageItem.message_pk == MessageRow.id)
        .join(NoticeRow, NoticeRow.id == MessageItem.notice_id)
        .where(NoticeRow.complaint_id.in_(complaints))
    )
    storms = select(MessageRow.storm_id).where(
        MessageRow.id.in_(mails), MessageRow.storm_id.is_not(None)
    )
    return or_(
        AuditRow.complaint_id.in_(complaints),
        AuditRow.message_pk.in_(mails),
        AuditRow.storm_id.in_(storms),
    )
