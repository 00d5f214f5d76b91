"""Reading the audit log: list decisions, and verify the hash chain against tampering."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, func, or_, select, text, type_coerce
from sqlalchemy.orm import Session

from db.audit import COLUMNS, GENESIS, AuditKind, hash_of
from db.models import AuditHead, AuditRow, Complaint, MessageItem, MessageRow, NoticeRow

AT_ONCE = 10_000

TRIGGERS = {
    "sqlite": (
        "audit_not_changed",
        "audit_not_deleted",
        "audit_not_replaced",
        "audit_head_not_deleted",
        "audit_head_not_put_back",
    ),
    "postgresql": ("audit_kept", "audit_head_kept", "audit_head_not_put_back"),
}
"""Triggers by which each kind of database refuses to change the audit (revision 0001)."""

EFFECTIVE = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    " AND tbl_name IN ('audit', 'audit_head') AND sql LIKE '%RAISE(ABORT,%'",
    "postgresql": "SELECT tgname FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid"
    " WHERE tgrelid IN (to_regclass('audit'), to_regclass('audit_head'))"
    " AND tgenabled IN ('O', 'A') AND prosrc LIKE '%RAISE EXCEPTION%'",
}
"""Queries for the triggers that are there, enabled, and still refuse."""


@dataclass(frozen=True, slots=True)
class Head:
    """Number and hash of an audit row, as kept at a place outside the database (`kept_by`)."""

    seq: int
    hash: str
    kept_by: str = ""

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"

    @classmethod
    def read(cls, text: str, kept_by: str) -> Head:
        """Parse a head of the form 'number:hash'. Raises ValueError for any other text."""
        found = re.fullmatch(r"(\d+):([0-9a-f]{64})", text.strip())
        if not found:
            raise ValueError(
                f"'{text}' is not a head such as 17:9f86d0...; a mail with a summary names one"
            )
        return cls(int(found[1]), found[2], kept_by)


def count_of(session: Session, kind: AuditKind, begin: datetime, end: datetime) -> int:
    """Count the decisions of a kind from `begin` until `end`."""
    query = select(func.count()).where(
        AuditRow.kind == kind, AuditRow.at >= begin, AuditRow.at <= end
    )
    return session.scalar(query) or 0


def published_periods(session: Session) -> list[str]:
    """Return the periods of all public editions made so far."""
    query = select(AuditRow.subject).where(AuditRow.kind == AuditKind.REPORT_PUBLISHED)
    found = (json.loads(subject)["period"] for subject in session.scalars(query))
    return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Fault:
    """The first altered, missing or misplaced audit row, and the reason in words (`wrong`)."""

    seq: int
    wrong: str


@dataclass(frozen=True, slots=True)
class AuditVerification:
    """Result of a verification: number of rows, last row, and the first fault if any.

    `anchors` is the number of externally kept heads found as rows of this chain. Without one of the
    `TRIGGERS` in `missing_triggers`, the database accepts changes of the audit.
    """

    rows: int
    head: Head
    anchors: int
    fault: Fault | None
    missing_triggers: tuple[str, ...] = ()


def missing_triggers(connection: Connection) -> tuple[str, ...]:
    """Return the names of the triggers of the audit that are gone, disabled or without effect."""
    kind = connection.dialect.name
    there = set(connection.scalars(text(EFFECTIVE[kind])))
    return tuple(name for name in TRIGGERS[kind] if name not in there)


def head_before(session: Session, moment: datetime) -> Head:
    """Return the last audit row decided before a moment; number 0 if there is none."""
    row = session.execute(
        select(AuditRow.seq, AuditRow.hash)
        .where(AuditRow.at < moment)
        .order_by(AuditRow.seq.desc())
        .limit(1)
    ).first()
    return Head(row.seq, row.hash) if row else Head(0, GENESIS)


def verify(connection: Connection, kept: Iterable[Head] = ()) -> AuditVerification:
    """Verify the hash chain from its first row to its end, in one state of the database.

    Each row must have the next number, contain the hash of the row before, and match its own hash.
    The last row must match the stored head, and each head in `kept` must be a row of the chain.

    Triggers that are gone are no fault of a row, but show that somebody prepared a change.

    An attacker able to rewrite all rows and the head is detected only by a head kept out of reach.
    """
    anchors: dict[int, list[Head]] = defaultdict(list)
    for each in kept:
        anchors[each.seq].append(each)
    head = connection.execute(select(AuditHead.seq, AuditHead.hash)).all()
    last, met = Head(0, GENESIS), 0
    missing = missing_triggers(connection)
    for row in connection.execute(_as_kept().execution_options(yield_per=AT_ONCE)):
        seq, given = row[0], row[-1]
        wrong = _wrong(row, last)
        if not wrong:
            strangers = [each for each in anchors.get(seq, ()) if each.hash != given]
            wrong = f"{strangers[0].kept_by} has another hash of it" if strangers else ""
        if wrong:
            fault = Fault(min(seq, last.seq + 1), wrong)
            return AuditVerification(last.seq, last, met, fault, missing)
        met += len(anchors.get(seq, ()))
        last = Head(seq, given)
    fault_at_end = _wrong_at_the_end(last, head, anchors)
    return AuditVerification(last.seq, last, met, fault_at_end, missing)


def _as_kept() -> Any:
    """Select all rows with their values exactly as stored, even an `at` with no valid time."""
    table = AuditRow.__table__
    at = type_coerce(table.c.at, String)
    columns = [at if name == "at" else table.c[name] for name in COLUMNS]
    return select(*columns).order_by(table.c.seq)


def _wrong(row: Sequence[Any], last: Head) -> str:
    """Return the error of `row` if `last` is the row before it; empty if it is correct."""
    seq, previous, given = row[0], row[-2], row[-1]
    if seq < last.seq + 1:
        return f"a row was inserted as number {seq}"
    if seq > last.seq + 1:
        return f"it is missing; the next row has number {seq}"
    if hash_of(row[:-1]) != given:
        return "it was changed: its values do not give its hash"
    if previous != last.hash:
        return "its previous hash is not that of the row before it"
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
    kinds: Sequence[str] = (),
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """Return audit rows, newest first, each with the `ticket` of its complaint.

    Rows about a ticket include those about its complaint, about the mails with its notices, and
    about the storms of these mails. `since`, `ticket`, `kinds` and `limit` each narrow the result.
    """
    query = select(AuditRow.__table__, Complaint.ticket).outerjoin(
        Complaint, Complaint.id == AuditRow.complaint_id
    )
    if since is not None:
        query = query.where(AuditRow.at >= since)
    if kinds:
        query = query.where(AuditRow.kind.in_(kinds))
    if ticket is not None:
        query = query.where(_about(ticket))
    found = connection.execute(query.order_by(AuditRow.seq.desc()).limit(limit))
    return [dict(row) for row in found.mappings()]


def _about(ticket: str) -> ColumnElement[bool]:
    complaints = select(Complaint.id).where(Complaint.ticket == ticket)
    mails = (
        select(MessageRow.id)
        .join(MessageItem, MessageItem.message_id == MessageRow.id)
        .join(NoticeRow, NoticeRow.id == MessageItem.notice_id)
        .where(NoticeRow.complaint_id.in_(complaints))
    )
    storms = select(MessageRow.storm_id).where(
        MessageRow.id.in_(mails), MessageRow.storm_id.is_not(None)
    )
    return or_(
        AuditRow.complaint_id.in_(complaints),
        AuditRow.message_id.in_(mails),
        AuditRow.storm_id.in_(storms),
    )
