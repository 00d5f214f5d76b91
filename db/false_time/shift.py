"""Move the times of records that lie in the future into the past, in the same order.

A record made while the clock was ahead was made at some moment between the last right time and
now. The time of an observation becomes the earliest of these moments, so that no complaint counts
as seen later than it was. Every other time becomes the latest of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, select, true, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from db.models import (
    Bounce,
    Complaint,
    DeadlineRow,
    DeliveryAttempt,
    EventRow,
    InstallationRow,
    MessageRow,
    ModeChange,
    NoticeRow,
    OpenQuestion,
    Origin,
    PastFacts,
    QuarantineRow,
    QuestionComplaint,
    Reply,
    Restore,
    RuleConfirmation,
    Ruleset,
    SourceImport,
    SourceMail,
    StateSpanRow,
    Storm,
    UnreadableFileRow,
)

STEP = timedelta(microseconds=1)

Column = InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None]

OBSERVED: tuple[Column, ...] = (
    SourceImport.observed_at,
    Origin.observed_at,
    Complaint.first_seen_at,
    Complaint.seen_at,
    Complaint.shown_since,
    Complaint.absent_since,
    StateSpanRow.first_at,
    StateSpanRow.last_at,
    EventRow.earliest,
    QuarantineRow.observed_at,
    QuarantineRow.last_observed_at,
    OpenQuestion.first_seen_at,
    QuestionComplaint.since,
    QuestionComplaint.until,
)
"""Times at which a source showed something."""

RECORDED: tuple[Column, ...] = (
    SourceImport.recorded_at,
    Origin.recorded_at,
    Complaint.recorded_at,
    Complaint.changed_at,
    Complaint.evaluated_at,
    EventRow.recorded_at,
    PastFacts.superseded_at,
    Ruleset.activated_at,
    DeadlineRow.evaluated_at,
    NoticeRow.decided_at,
    NoticeRow.taken_back_at,
    MessageRow.created_at,
    MessageRow.claimed_at,
    MessageRow.composed_at,
    MessageRow.sent_at,
    DeliveryAttempt.attempted_at,
    Storm.opened_at,
    Storm.decided_at,
    Bounce.reported_at,
    Bounce.recorded_at,
    Bounce.lifted_at,
    Reply.received_at,
    Reply.recorded_at,
    SourceMail.recorded_at,
    UnreadableFileRow.noted_at,
    QuarantineRow.recorded_at,
    QuarantineRow.last_seen_at,
    QuarantineRow.resolved_at,
    QuarantineRow.notified_at,
    OpenQuestion.recorded_at,
    OpenQuestion.asked_at,
    OpenQuestion.answered_at,
    InstallationRow.since,
    Restore.restored_at,
    Restore.settled_at,
    ModeChange.decided_at,
    ModeChange.activated_at,
    RuleConfirmation.confirmed_at,
    RuleConfirmation.retracted_at,
)
"""Times at which we did or learnt something."""

KEPT = frozenset(
    {
        "complaint.received_at",
        "complaint.promised_due",
        "complaint.status_at",
        "complaint.next_action_at",
        "complaint.metrics_since",
        "event.latest",
        "state_span.status_at",
        "past_facts.promised_due",
        "deadline.started",
        "deadline.due",
        "source_mail.received_at",
        "deadline.stopped",
        "deadline_change.due_before",
        "deadline_change.due_after",
        "notice.reached_at",
        "message.next_attempt_at",
        "source_import.period_from",
        "source_import.period_until",
        "origin.imported_until",
        "flow_run.now",
        "mode_change.effective_from",
        "mode_change.superiors_from",
        "report.as_of",
        "report.made_at",
        "audit.at",
    }
)
"""Times that a source states, that may lie in the future, that `undo` sets, or that are hashed."""


def to_the_past(session: Session, last_right: datetime, now: datetime) -> int:
    """Move all times after `now` to between `last_right` and `now`; return the number of rows."""
    is_false = EventRow.recorded_at > now
    derived = is_false & (EventRow.knowledge != "stated")
    observed = _found(session, OBSERVED, now)
    recorded = _found(session, RECORDED, now) | _found(session, [EventRow.latest], now, derived)
    early = {old: last_right + (n + 1) * STEP for n, old in enumerate(sorted(observed))}
    late = {old: now - n * STEP for n, old in enumerate(sorted(recorded, reverse=True))}
    moved = _move(session, [EventRow.latest], late, derived)  # while `recorded_at` shows them
    return moved + _move(session, OBSERVED, early) + _move(session, RECORDED, late)


def _found(
    session: Session,
    columns: Iterable[Column],
    now: datetime,
    where: ColumnElement[bool] | None = None,
) -> set[datetime]:
    found: set[datetime] = set()
    for column in columns:
        query = select(column).where(column > now, true() if where is None else where).distinct()
        found.update(each for each in session.scalars(query) if each is not None)
    return found


def _move(
    session: Session,
    columns: Iterable[Column],
    moments: Mapping[datetime, datetime],
    where: ColumnElement[bool] | None = None,
) -> int:
    moved = 0
    for column in columns:
        for old, new in moments.items():
            done = session.execute(
                update(column.class_)
                .where(column == old, true() if where is None else where)
                .values({column.key: new})
                .execution_options(synchronize_session=False)
            )
            moved += cast("CursorResult[Any]", done).rowcount
    return moved
