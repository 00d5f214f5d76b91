"""Rows that could not be read, kept until they are resolved."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session

from db.models import QuarantineRow

TORN_REASONS = frozenset(
    {
        "short_row",
        "long_row",
        "torn_row",
        "other_table",
        "undecodable",
        "long_line",
        "no_object",
        "repeated_key",
    }
)
"""Reasons of torn rows: the position of every cell is uncertain, so even a ticket may be wrong."""


TEXT_LINE = "text_line"
"""The reason of a line of text outside the table. It is no complaint, so no change is lost."""

SECRECY_LINE = "secrecy_line"
"""The reason of such a line that asks to keep a report secret."""

NOTE_REASONS = frozenset({TEXT_LINE, SECRECY_LINE})


def quarantine(session: Session, row: QuarantineRow) -> bool:
    """Put a rejected row into quarantine; returns False if it was there already.

    In that case only the times of its last appearance are updated. A resolved row that a newer
    import repeats counts as new.
    """
    before = session.scalar(
        select(QuarantineRow)
        .where(QuarantineRow.source == row.source, QuarantineRow.fingerprint == row.fingerprint)
        .order_by(QuarantineRow.id.desc())
        .limit(1)
    )
    if before is not None and (
        before.resolved_at is None or row.observed_at <= before.last_observed_at
    ):
        before.last_seen_at = max(before.last_seen_at, row.last_seen_at)
        before.last_observed_at = max(before.last_observed_at, row.observed_at)
        return False
    session.add(row)
    session.flush()
    return True


_WAITING = select(QuarantineRow).where(
    QuarantineRow.source == bindparam("source"),
    QuarantineRow.resolved_at.is_(None),
    QuarantineRow.last_observed_at < bindparam("before"),
)


def waiting(session: Session, source: str, before: datetime) -> Sequence[QuarantineRow]:
    """List the open quarantine rows of a source not repeated by an import since `before`."""
    return session.scalars(_WAITING, {"source": source, "before": before}).all()


def quarantined(
    session: Session, *, source: str | None = None, resolved: bool = False
) -> Sequence[QuarantineRow]:
    """List the rows in quarantine, oldest first; resolved ones only on request."""
    query = select(QuarantineRow).order_by(QuarantineRow.id)
    if source is not None:
        query = query.where(QuarantineRow.source == source)
    if not resolved:
        query = query.where(QuarantineRow.resolved_at.is_(None))
    return session.scalars(query).all()


def ticket_hash(key: str) -> str:
    """Return the hash of a ticket number, used instead of the number for privacy."""
    return hashlib.sha256(key.encode()).hexdigest() if key else ""


def count_tickets(session: Session, source: str, tickets: Iterable[str]) -> int:
    """Count those of these tickets of a source that a row in quarantine has."""
    hashes = {row.ticket_hash for row in quarantined(session, source=source)} - {""}
    return sum(ticket_hash(ticket) in hashes for ticket in tickets) if hashes else 0


def quarantine_count(session: Session, as_of: datetime) -> int:
    """Count the rows in quarantine at a moment."""
    return (
        session.scalar(
            select(func.count())
            .select_from(QuarantineRow)
            .where(
                QuarantineRow.recorded_at <= as_of,
                or_(QuarantineRow.resolved_at.is_(None), QuarantineRow.resolved_at > as_of),
            )
        )
        or 0
    )
