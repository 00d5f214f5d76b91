"""Rulesets used by a site over time, and the deadlines changed by each new ruleset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, or_, select, true, update
from sqlalchemy.orm import Session

from db import audit
from db.locks import advisory_lock
from db.models import Complaint, DeadlineChange, Ruleset, UtcDateTime


def current(session: Session) -> Ruleset | None:
    """Return the ruleset of the last deadlines run."""
    return session.scalar(select(Ruleset).order_by(Ruleset.id.desc()).limit(1))


def last_fingerprint(connection: Connection) -> str | None:
    """Return the ruleset fingerprint of the last deadlines run."""
    query = select(Ruleset.fingerprint).order_by(Ruleset.id.desc()).limit(1)
    return connection.scalar(query)


def activate(session: Session, fingerprint: str, now: datetime) -> Ruleset | None:
    """Record the ruleset of this run; returns it unless it is the first one of the site.

    After a change every complaint needs a new evaluation. Of two concurrent runs the second finds
    the change already recorded.
    """
    before, first = _current_and_first(session)
    if before is None or before.fingerprint != fingerprint:
        advisory_lock(session, "ruleset")
        before, first = _current_and_first(session)
    if before is not None and before.fingerprint == fingerprint:
        return before if before.id != first else None
    ruleset = Ruleset(fingerprint=fingerprint, activated_at=now)
    session.add(ruleset)
    session.flush()
    audit.note(
        session,
        audit.AuditKind.RULESET_ACTIVATED,
        now,
        "the first run evaluates by it"
        if before is None
        else "law, calendar, policy, sources, ladder or holds differ from those of the last run",
        ruleset=ruleset.id,
        fingerprint=fingerprint,
        before=before and before.fingerprint,
    )
    if before is None:
        return None
    session.execute(
        update(Complaint)
        .values(next_action_at=now, evaluated_at=None)
        .execution_options(synchronize_session=False)
    )
    return ruleset


_CURRENT_AND_FIRST = (
    select(Ruleset, select(func.min(Ruleset.id)).scalar_subquery())
    .order_by(Ruleset.id.desc())
    .limit(1)
)


def _current_and_first(session: Session) -> tuple[Ruleset | None, int | None]:
    """Return the ruleset of the last deadlines run, and the id of the first one."""
    row = session.execute(_CURRENT_AND_FIRST).one_or_none()
    return (None, None) if row is None else (row[0], row[1])


def add_deadline_changes(
    session: Session, ruleset: Ruleset, moves: Iterable[dict[str, Any]]
) -> None:
    """Store deadlines changed by this ruleset."""
    rows = [{"ruleset_id": ruleset.id, **move} for move in moves]
    if rows:
        session.execute(insert(DeadlineChange), rows)


def deadline_changes(
    session: Session, limit: int | None = None
) -> Sequence[tuple[DeadlineChange, datetime, str]]:
    """List changed deadlines, newest first, each with the time of the change and the ticket."""
    query = (
        select(DeadlineChange, Ruleset.activated_at, Complaint.ticket)
        .join(Ruleset, Ruleset.id == DeadlineChange.ruleset_id)
        .join(Complaint, Complaint.id == DeadlineChange.complaint_id)
        .order_by(DeadlineChange.ruleset_id.desc(), DeadlineChange.due_after, DeadlineChange.id)
        .limit(limit)
    )
    return [(move, activated_at, ticket) for move, activated_at, ticket in session.execute(query)]


def made_late(
    session: Session, as_of: datetime | None = None
) -> dict[tuple[int, str, int], datetime]:
    """Return the deadlines that were late by a new ruleset and not by the one before it.

    The result has the time of the newest such change by complaint, rule and clock. With `as_of`,
    later changes do not count.
    """
    query = (
        select(
            DeadlineChange.complaint_id,
            DeadlineChange.rule,
            DeadlineChange.clock,
            func.max(Ruleset.activated_at, type_=UtcDateTime()),
        )
        .join(Ruleset, Ruleset.id == DeadlineChange.ruleset_id)
        .where(
            DeadlineChange.due_after < Ruleset.activated_at,
            or_(
                DeadlineChange.due_before.is_(None),
                DeadlineChange.due_before >= Ruleset.activated_at,
            ),
            true() if as_of is None else Ruleset.activated_at <= as_of,
        )
        .group_by(DeadlineChange.complaint_id, DeadlineChange.rule, DeadlineChange.clock)
    )
    return {(complaint, rule, clock): at for complaint, rule, clock, at in session.execute(query)}


def is_made_late(change: Mapping[str, Any], activated_at: datetime) -> bool:
    """Check whether a changed deadline is late only by the ruleset activated at this time."""
    before, after = change["due_before"], change["due_after"]
    return after is not None and after < activated_at and (before is None or before >= activated_at)


def count(session: Session, ruleset: Ruleset) -> int:
    """Count the deadlines changed by a ruleset."""
    query = (
        select(func.count())
        .select_from(DeadlineChange)
        .where(DeadlineChange.ruleset_id == ruleset.id)
    )
    return session.scalar(query) or 0
