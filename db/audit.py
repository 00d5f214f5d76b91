"""The audit log: one row per decision, append only, each linked to the row before by its hash.

Code with a decision to record calls :func:`note`. The rows are written at the commit of the
transaction, so a decision and its row are stored together or not at all. They are hashed and
inserted in one step at the very end, because from then on every other transaction with a decision
must wait for this one.

A row states who decided what, when and why, by ids. It never contains a name, title or text entered
by a complainant. `db.audit_verify` reads and verifies the log.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Table, event, func, select, text
from sqlalchemy.orm import Session, SessionTransaction

from db.bulk import insert_rows
from db.models import AuditHead, AuditRow, NoticeRow, UtcDateTime

if TYPE_CHECKING:
    from db.notices import NewNotice


class AuditKind(StrEnum):
    """Kind of decision."""

    NOTICE_QUEUED = "notice.queued"
    NOTICE_SUPERSEDED = "notice.superseded"
    NOTICE_SUPPRESSED = "notice.suppressed"
    NOTICE_WITHDRAWN = "notice.withdrawn"
    NOTICE_DISCARDED = "notice.discarded"
    NOTICE_FAILED = "notice.failed"
    NOTICE_TAKEN_BACK = "notice.taken_back"
    """A deadline counted as late proved not to be late."""
    STORM_HELD = "storm.held"
    """A run queued more mails than the site allows: they wait."""
    STORM_RELEASED = "storm.released"
    STORM_DISCARDED = "storm.discarded"
    MAIL_RESENT = "mail.resent"
    BOUNCE_SUPPRESSED = "bounce.suppressed"
    BOUNCE_LIFTED = "bounce.lifted"
    REPLY_ACCEPTED = "reply.accepted"
    """A unit stated something about a complaint by answering a notice; no deadline changes."""
    REPLY_NOT_ACCEPTED = "reply.not_accepted"
    RULESET_ACTIVATED = "ruleset.activated"
    """Law, calendar, policy, ladder or holds differ from here on."""
    REPORT_MADE = "report.made"
    REPORT_PUBLISHED = "report.published"
    QUARANTINE_RETRIED = "quarantine.retried"
    QUESTION_ANSWERED = "question.answered"
    STEP_STATED = "step.stated"
    """An official stated that a step of a complaint happened."""
    STEP_RETRACTED = "step.retracted"
    """An official took back such a statement."""
    COMPLAINT_UNHIDDEN = "complaint.unhidden"
    """A person let the source decide again whether anonymous or secret complaints are open."""
    DATA_DELETED = "data.deleted"
    """Data reached the end of its retention period and was deleted."""
    DATA_RESTORED = "data.restored"
    """The database was restored from a backup; decisions made after the backup are lost."""
    DATA_COPIED = "data.copied"
    """This database began as a copy of another one."""
    MAIL_WITHDRAWN = "mail.withdrawn"
    """A person withdrew a mail before it was sent."""
    MODE_LIVE = "mode.live"
    """A person ends the trial: from here on, or from a day on, officials get mails."""
    MODE_TRIAL = "mode.trial"
    """A person puts the site into trial: only the administrator gets mails."""
    RULE_CONFIRMED = "rule.confirmed"
    """A person confirms article and length of a rule."""
    RULE_CONFIRMATION_RETRACTED = "rule.confirmation_retracted"
    """A person took such a confirmation back."""
    INSTALLATION_ADOPTED = "installation.adopted"
    """A person says that this installation goes on in the place of another one."""
    CLOCK_ACCEPTED = "clock.accepted"
    """A person says that the clock is right, although no witness confirms it."""
    CLOCK_UNDONE = "clock.undone"
    """What runs at a false time had decided was undone; their rows of the audit stay."""


@dataclass(frozen=True, slots=True)
class AuditActor:
    """The author of a decision: flow run, command line or form, and the id of the run."""

    actor: str
    run_id: str = ""


UNNAMED = AuditActor("unnamed")
"""Author in a session without a named one."""

GENESIS = "0" * 64
"""Value of `previous` in the first row."""

COLUMNS = (
    "seq",
    "at",
    "actor",
    "run_id",
    "kind",
    "complaint_id",
    "message_id",
    "storm_id",
    "subject",
    "reason",
    "previous",
    "hash",
)
"""Columns in the order of hashing; the last one is the hash itself."""

AT_ONCE = 10_000
"""Number of rows in one call of the driver; a first run may write hundreds of thousands."""

_BY, _PENDING = "audit by", "audit pending"

_encode = json.JSONEncoder(separators=(",", ":"), default=repr).encode


def session_info(by: AuditActor | None) -> dict[str, Any]:
    """Return the value for `Session(info=...)` to name the author of decisions in a session.

    With None nothing is recorded: for simulations of decisions.
    """
    return {_BY: by}


def records(session: Session) -> bool:
    """Check whether the decisions in a session are recorded."""
    return session.info.get(_BY, UNNAMED) is not None


def note(
    session: Session,
    kind: AuditKind,
    now: datetime,
    reason: str,
    *,
    complaint: int | None = None,
    message: int | None = None,
    storm: int | None = None,
    by: AuditActor | None = None,
    run_id: str | None = None,
    **subject: Any,
) -> None:
    """Record a decision as soon as this transaction commits.

    `complaint`, `message` and `storm` are the ids of their rows; `subject` has further data:
    plain values for JSON. `reason` is one sentence in English. `by` and `run_id` override the
    author of the session. Not allowed within a savepoint, because a rollback to it would undo the
    decision without its row.
    """
    who = by or session.info.get(_BY, UNNAMED)
    if who is None:
        return
    assert not session.in_nested_transaction(), "it could be undone without its row"
    if not session.in_transaction():
        session.begin()
    session.info.setdefault(_PENDING, []).append(
        (
            UtcDateTime.in_utc(now),
            who.actor[:255],
            (who.run_id if run_id is None else run_id)[:64],
            kind,
            complaint,
            message,
            storm,
            sys.intern(_encode(subject)),  # thousands of notices share one text
            reason,
        )
    )


def note_notice(
    session: Session,
    kind: AuditKind,
    notice: NoticeRow | NewNotice,
    now: datetime,
    reason: str,
    run_id: str | None = None,
) -> None:
    """Record a decision about a notice, as :func:`note` does."""
    note(
        session,
        kind,
        now,
        reason,
        complaint=notice.complaint_id,
        run_id=run_id,
        rule=notice.rule,
        clock=notice.clock,
        unit=notice.unit,
        rung=notice.rung,
        repeat=notice.repeat,
        episode=notice.episode or 0,
    )


Noted = tuple[Any, ...]
"""A decision that is recorded in a session and not written yet."""


def take_noted(session: Session) -> list[Noted]:
    """Return the decisions recorded in a session, and remove them from it."""
    taken: list[Noted] = session.info.pop(_PENDING, [])
    return taken


def note_taken(session: Session, taken: Iterable[Noted]) -> None:
    """Record decisions that were taken from another session with :func:`take_noted`.

    That session may be of another process.
    """
    if not session.in_transaction():
        session.begin()
    pending = session.info.setdefault(_PENDING, [])
    for *others, subject, reason in taken:  # thousands of notices share one text
        pending.append((*others, sys.intern(subject), sys.intern(reason)))


def hash_of(values: Sequence[Any]) -> str:
    """Return the SHA-256 of a row: of all its values but the hash, in the order of `COLUMNS`.

    The hashed text is the JSON array of the values, without blanks. The time is written as
    'YYYY-MM-DD HH:MM:SS.ffffff' in UTC.
    """
    seq, at, *others = values
    if isinstance(at, datetime):
        at = UtcDateTime.in_utc(at).replace(tzinfo=None).isoformat(" ", "microseconds")
    return hashlib.sha256(_encode([seq, at, *others]).encode()).hexdigest()


@event.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    """Insert the recorded decisions as the last step, so other transactions wait only briefly."""
    pending = session.info.pop(_PENDING, None)
    if not pending:
        return
    session.flush()
    seq, previous = _end(session)
    table = cast(Table, AuditRow.__table__)
    for begin in range(0, len(pending), AT_ONCE):
        rows = []
        for entry in pending[begin : begin + AT_ONCE]:
            seq += 1
            values = (seq, *entry, previous)
            previous = hash_of(values)
            rows.append((*values, previous))
        insert_rows(session, table, COLUMNS, rows)
    session.execute(
        text("UPDATE audit_head SET seq = :seq, hash = :hash"), {"seq": seq, "hash": previous}
    )


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, _transaction: SessionTransaction) -> None:
    session.info.pop(_PENDING, None)


def _end(session: Session) -> tuple[int, str]:
    """Return number and hash of the last row, and lock the end of the chain for this transaction.

    If head and rows disagree, the log has been tampered with. Work then continues, but the chain
    shows the break permanently.
    """
    last = select(func.coalesce(func.max(AuditRow.seq), 0))
    head = select(AuditHead.seq, AuditHead.hash).with_for_update()
    found = session.execute(head).first()
    if found is None:
        lost = session.scalar(last)  # 0 in a new database; otherwise one number is skipped
        session.execute(
            text(
                "INSERT INTO audit_head (id, seq, hash) VALUES (1, :seq, :hash)"
                " ON CONFLICT DO NOTHING"
            ),
            {"seq": lost and lost + 1, "hash": GENESIS},
        )
        found = session.execute(head).one()
    return max(found.seq, session.scalar(last) or 0), found.hash
