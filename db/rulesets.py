"""Rulesets used by a site over time, and the deadlines changed by each new ruleset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.orm import Session

from db import audit
from db.locks import hold
from db.models import Complaint, Move, Rulebook


def current(session: Session) -> Rulebook | None:
    """Return the ruleset of the last deadlines run."""
    return session.scalar(select(Rulebook).order_by(Rulebook.id.desc()).limit(1))


def last_fingerprint(connection: Connection) -> str | None:
    """Return the ruleset fingerprint of the last deadlines run."""
    query = select(Rulebook.fingerprint).order_by(Rulebook.id.desc()).limit(1)
    return connection.scalar(query)


def take_over(session: Session, fingerprint: str, now: datetime) -> Rulebook | None:
    """Record the ruleset of this run; returns it unless it is the first one of the site.

    After a change every complaint needs a new evaluation. Of two concurrent runs the second finds
    the change already recorded.
    """
    before = current(session)
    if before is None or before.fingerprint != fingerprint:
        hold(session, "rulebook")
        before = current(session)
    if before is not None and before.fingerprint == fingerprint:
        return before if before.id != _first(session) else None
    rulebook = Rulebook(fingerprint=fingerprint, taken_at=now)
    session.add(rulebook)
    session.flush()
    audit.note(
        session,
        audit.What.RULEBOOK_TAKEN,
        now,
        "the first run judges by it"
        if before is None
        else "law, calendar, policy, sources, ladder or holds differ from those of the last run",
        rulebook=rulebook.id,
        fingerprint=fingerprint,
        before=before and before.fingerprint,
    )
    if before is None:
        return None
    session.execute(
        update(Complaint)
        .values(next_action_at=now, judged_at=None)
        .execution_options(synchronize_session=False)
    )
    return rulebook


def _first(session: Session) -> int | None:
    return session.scalar(select(func.min(Rulebook.id)))


def add_moves(session: Session, rulebook: Rulebook, moves: Iterable[dict[str, Any]]) -> None:
    """Store deadlines changed by this ruleset."""
    rows = [{"rulebook_id": rulebook.id, **move} for move in moves]
    if rows:
        session.execute(insert(Move), rows)


def moves(session: Session, limit: int | None = None) -> Sequence[tuple[Move, datetime, str]]:
    """List changed deadlines, newest first, each with the time of the change and the ticket."""
    query = (
        select(Move, Rulebook.taken_at, Complaint.ticket)
        .join(Rulebook, Rulebook.id == Move.rulebook_id)
        .join(Complaint, Complaint.id == Move.complaint_id)
        .order_by(Move.rulebook_id.desc(), Move.due_after, Move.id)
        .limit(limit)
    )
    return [(move, taken_at, ticket) for move, taken_at, ticket in session.execute(query)]


def count(session: Session, rulebook: Rulebook) -> int:
    """Count the deadlines changed by a ruleset."""
    query = select(func.count()).select_from(Move).where(Move.rulebook_id == rulebook.id)
    return session.scalar(query) or 0
