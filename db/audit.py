"""The audit: one row for each decision, appended only, each bound to the one before by its hash.

Whoever decides calls :func:`note`, and the rows are written when the transaction commits: so a
decision and its row are there together or not at all. They are hashed and inserted in one go at the
very end, because from then on every other transaction that decides must wait for this one.

A row says who decided what, when and why, by ids: never a name, a title or a text that a
complainant gave. `db.chain` reads and verifies.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import Table, event, func, select, text
from sqlalchemy.orm import Session, SessionTransaction

from db.bulk import insert_rows
from db.models import AuditHead, AuditRow, NoticeRow, UtcDateTime


class What(StrEnum):
    """What was decided."""

    NOTICE_OWED = "notice.owed"
    NOTICE_SUPERSEDED = "notice.superseded"
    NOTICE_HELD = "notice.held"
    NOTICE_WITHDRAWN = "notice.withdrawn"
    NOTICE_DISCARDED = "notice.discarded"
    NOTICE_FAILED = "notice.failed"
    STORM_HELD = "storm.held"
    """A run owed more mails than the site allows: they wait."""
    STORM_RELEASED = "storm.released"
    STORM_DROPPED = "storm.dropped"
    MAIL_RESENT = "mail.resent"
    BOUNCE_MARKED = "bounce.marked"
    BOUNCE_LIFTED = "bounce.lifted"
    RULEBOOK_TAKEN = "rulebook.taken"
    """Law, calendar, policy, ladder or holds are others from here on."""
    REPORT_MADE = "report.made"
    QUARANTINE_RETRIED = "quarantine.retried"
    DATA_DELETED = "data.deleted"
    """Something was older than the site keeps it."""
    DATA_RESTORED = "data.restored"
    DATA_COPIED = "data.copied"
    """This database began as a copy of another one."""
    """The database was put back as a backup has it; what was decided since is lost."""


@dataclass(frozen=True, slots=True)
class By:
    """Who decides: the flow run, the command line or the form, and the id of the run."""

    actor: str
    run: str = ""


UNNAMED = By("unnamed")
"""Of a session that was not told who works in it."""

GENESIS = "0" * 64
"""What the first row has before it."""

COLUMNS = (
    "seq", "at", "actor", "run", "what", "complaint_id", "message_pk", "storm_id", "subject",
    "reason", "previous", "hash",
)  # fmt: skip
"""In this order all but the last are hashed."""

_BY, _PENDING = "audit by", "audit pending"

_encode = json.JSONEncoder(separators=(",", ":"), default=repr).encode


def works(by: By | None) -> dict[str, Any]:
    """What `Session(info=...)` is given, so that it knows who works in it.

    By None nothing is noted: where somebody only plays through what would be decided.
    """
    return {_BY: by}


def note(
    session: Session,
    what: What,
    now: datetime,
    reason: str,
    *,
    complaint: int | None = None,
    message: int | None = None,
    storm: int | None = None,
    by: By | None = None,
    run: str | None = None,
    **subject: Any,
) -> None:
    """Have a decision on record as soon as this transaction commits.

    `complaint`, `message` and `storm` are the numbers of their rows; what else it is about stands
    in `subject`: plain values that JSON can hold. `reason` is one sentence in English. `by` and
    `run` tell who decides where the session was not told so. Not within a savepoint.
    """
    who = by or session.info.get(_BY, UNNAMED)
    if who is None:
        return
    assert not session.in_nested_transaction(), "it could be undone without its row"
    if not session.in_transaction():
        session.begin()
    session.info.setdefault(_PENDING, []).append(
        (
            UtcDateTime.in_utc(now), who.actor[:255], (who.run if run is None else run)[:64], what,
            complaint, message, storm, _encode(subject), reason,
        )
    )  # fmt: skip


def note_notice(
    session: Session,
    what: What,
    notice: NoticeRow,
    now: datetime,
    reason: str,
    run: str | None = None,
) -> None:
    """The same, of a notice."""
    note(
        session, what, now, reason, complaint=notice.complaint_id, run=run, rule=notice.rule,
        clock=notice.clock, unit=notice.unit, rung=notice.rung, repeat=notice.repeat,
    )  # fmt: skip


def hash_of(values: Sequence[Any]) -> str:
    """SHA-256 of a row without its hash, in the order of `COLUMNS`: of the JSON array of its
    values, without blanks, the moment as 'YYYY-MM-DD HH:MM:SS.ffffff' in UTC."""
    seq, at, *others = values
    if isinstance(at, datetime):
        at = UtcDateTime.in_utc(at).replace(tzinfo=None).isoformat(" ", "microseconds")
    return hashlib.sha256(_encode([seq, at, *others]).encode()).hexdigest()


@event.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    """Append what was noted, after all else: nobody is to wait longer than needed."""
    pending = session.info.pop(_PENDING, None)
    if not pending:
        return
    session.flush()
    seq, previous = _end(session)
    rows = []
    for entry in pending:
        seq += 1
        values = (seq, *entry, previous)
        previous = hash_of(values)
        rows.append((*values, previous))
    insert_rows(session, cast(Table, AuditRow.__table__), COLUMNS, rows)
    session.execute(
        text("UPDATE audit_head SET seq = :seq, hash = :hash"), {"seq": seq, "hash": previous}
    )


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, _transaction: SessionTransaction) -> None:
    session.info.pop(_PENDING, None)


def _end(session: Session) -> tuple[int, str]:
    """Number and hash of the last row; nobody else appends until this transaction ends.

    Where head and rows do not agree somebody has tampered with them: work goes on, in such a way
    that it is seen for ever.
    """
    last = select(func.coalesce(func.max(AuditRow.seq), 0))
    head = select(AuditHead.seq, AuditHead.hash).with_for_update()
    found = session.execute(head).first()
    if found is None:
        lost = session.scalar(last)  # 0 in a database that is new; else one number is left out
        session.execute(
            text(
                "INSERT INTO audit_head (id, seq, hash) VALUES (1, :seq, :hash)"
                " ON CONFLICT DO NOTHING"
            ),
            {"seq": lost and lost + 1, "hash": GENESIS},
        )
        found = session.execute(head).one()
    return max(found.seq, session.scalar(last) or 0), found.hash
