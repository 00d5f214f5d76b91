"""Readings of sources: which files were read, and which of their rows wait in quarantine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.models import Cursor, Look, QuarantineRow


def known(session: Session, source: str) -> set[tuple[str, datetime]]:
    """The files of a source that were read: SHA-256, and when each was made."""
    rows = session.execute(select(Look.sha256, Look.observed_at).where(Look.source == source))
    return {(row.sha256, row.observed_at) for row in rows}


def last(session: Session, source: str) -> datetime | None:
    """When the newest file read of a source was made."""
    return session.scalar(
        select(Look.observed_at)
        .where(Look.source == source)
        .order_by(Look.observed_at.desc())
        .limit(1)
    )


def last_of_each(session: Session, as_of: datetime) -> dict[str, datetime]:
    """For each source when the newest file was made that had been read by `as_of`."""
    rows = session.execute(
        select(Look.source, func.max(Look.observed_at))
        .where(Look.recorded_at <= as_of)
        .group_by(Look.source)
    )
    return {source: moment for source, moment in rows}  # noqa: C416 - a Row is no pair for mypy


def cursor(session: Session, source: str) -> str | None:
    """How far a source has been read; None before the first look."""
    found = session.get(Cursor, source)
    return found.value if found is not None else None


def set_cursor(session: Session, source: str, value: str) -> None:
    """Note how far a source has been read."""
    session.merge(Cursor(source=source, value=value))


def quarantine(session: Session, row: QuarantineRow) -> bool:
    """Keep a bad row, or note that it was seen again; returns whether it is new."""
    before = session.scalar(
        select(QuarantineRow).where(
            QuarantineRow.source == row.source, QuarantineRow.fingerprint == row.fingerprint
        )
    )
    if before is not None:
        before.last_seen_at = row.last_seen_at
        return False
    session.add(row)
    session.flush()
    return True


def quarantined(
    session: Session, *, recorded_by: datetime | None = None
) -> Sequence[QuarantineRow]:
    """The rows in quarantine, oldest first."""
    query = select(QuarantineRow).order_by(QuarantineRow.id)
    if recorded_by is not None:
        query = query.where(QuarantineRow.recorded_at <= recorded_by)
    return session.scalars(query).all()


def quarantine_count(session: Session, recorded_by: datetime) -> int:
    """How many rows were in quarantine at a moment."""
    return (
        session.scalar(
            select(func.count())
            .select_from(QuarantineRow)
            .where(QuarantineRow.recorded_at <= recorded_by)
        )
        or 0
    )
