"""Queue: the notices of a run become one mail for each person concerned."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from db import outbox
from db.models import (
    MessageItem,
    MessageKind,
    MessageRow,
    MessageStatus,
    NoticeRow,
    NoticeStatus,
)
from sla.directory import Office as Holder
from sla.directory import Role
from sla.escalation import Reached
from tasks.office import Office


def queue_messages(
    session: Session,
    office: Office,
    owed: Sequence[tuple[NoticeRow, Reached]],
    now: datetime,
    run: str,
) -> tuple[int, list[tuple[str, str]]]:
    """One mail a person for all notices of this run; returns how many, and the empty offices.

    Outside the site's mail hours a mail waits for the next working morning, unless something in it
    is urgent; what comes up until then joins it.
    A role that nobody holds at the unit is told through its parent or the administrator, and the
    administrator hears of the empty office once. A notice that nobody at all can be told of is
    marked failed.
    """
    today = office.local(now).date()
    boxes: dict[str, list[_Entry]] = {}
    holes: dict[tuple[str, str], None] = {}
    session.flush()
    for notice, step in owed:
        told: set[str] = set()
        for role in (*step.rung.to, *step.rung.cc):
            holders = office.site.directory.holders(role, notice.unit or None, today)
            if holders.hole is not None:
                holes[holders.hole, role] = None
            for holder in holders.offices:
                if holder.email not in told:
                    told.add(holder.email)
                    entry = _Entry(holder, role, notice, step.rung.urgent)
                    boxes.setdefault(holder.email, []).append(entry)
        if not told:
            notice.status = NoticeStatus.FAILED
    for address, entries in boxes.items():
        _queue(session, office, address, entries, now, run)
    for unit, empty in holes:
        alert(session, office, "hole", {"unit": unit, "role": empty}, now, run)
    return len(boxes), list(holes)


@dataclass(frozen=True, slots=True)
class _Entry:
    """That a person is to be told of a notice, in a role."""

    holder: Holder
    role: Role
    notice: NoticeRow
    urgent: bool


def _queue(
    session: Session,
    office: Office,
    address: str,
    entries: Sequence[_Entry],
    now: datetime,
    run: str,
) -> None:
    hours = office.site.mail_hours
    turn = now
    if hours is not None and not any(entry.urgent for entry in entries):
        turn = hours.next_open(now, office.site.bench)
    message = outbox.waiting(session, address, now)
    if message is None:
        first = entries[0]
        keys = sorted(entry.notice.id for entry in entries)
        message = MessageRow(
            message_id=message_id(office, run, address, *keys),
            kind=MessageKind.NOTICES,
            recipient=address,
            recipient_name=first.holder.name,
            role=first.role,
            unit=first.holder.unit,
            created_at=now,
            run=run,
            status=MessageStatus.QUEUED,
            next_attempt_at=turn,
            detail={},
        )
        session.add(message)
    elif message.next_attempt_at is not None:
        message.next_attempt_at = min(message.next_attempt_at, turn)
    known = {item.notice_id for item in message.items}
    message.items += [
        MessageItem(notice_id=entry.notice.id, role=entry.role, told=None)
        for entry in entries
        if entry.notice.id not in known
    ]


def alert(
    session: Session, office: Office, kind: str, facts: dict[str, Any], now: datetime, run: str
) -> None:
    """Tell the administrators of a cause, once: the same cause is the same Message-ID.

    `facts` never hold anything that a complainant gave.
    """
    today = office.local(now).date()
    for holder in office.site.directory.holders(Role.ADMINISTRATOR, None, today).offices:
        key = message_id(office, "alert", kind, holder.email, *sorted(facts.items()))
        if outbox.knows(session, key):
            continue
        _add(session, MessageKind.ALERT, holder, key, {"alert": kind, **facts}, now, run)


def queue_summary(session: Session, office: Office, report: int, now: datetime, run: str) -> int:
    """Owe the summary to the roles that the site names; returns how many mails."""
    today = office.local(now).date()
    queued = 0
    told: set[str] = set()
    for role in office.site.file.summary.to:
        for holder in office.site.directory.holders(role, None, today).offices:
            key = message_id(office, "summary", report, holder.email)
            if holder.email in told or outbox.knows(session, key):
                continue
            told.add(holder.email)
            _add(session, MessageKind.SUMMARY, holder, key, {"report": report}, now, run)
            queued += 1
    return queued


def _add(
    session: Session,
    kind: MessageKind,
    holder: Holder,
    key: str,
    detail: dict[str, Any],
    now: datetime,
    run: str,
) -> None:
    session.add(
        MessageRow(
            message_id=key,
            kind=kind,
            recipient=holder.email,
            recipient_name=holder.name,
            role=holder.role,
            unit=holder.unit,
            created_at=now,
            run=run,
            status=MessageStatus.QUEUED,
            next_attempt_at=now,
            detail=detail,
        )
    )


def message_id(office: Office, *cause: object) -> str:
    """A Message-ID that depends on its cause alone, so that the same debt has the same one."""
    text = "\x1f".join(str(part) for part in (office.site.name, *cause))
    host = office.site.file.mail.sender.rpartition("@")[2]
    return f"<{hashlib.sha256(text.encode()).hexdigest()[:32]}@{host}>"
