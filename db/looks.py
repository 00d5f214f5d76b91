"""Imports from sources: the files already read, and rejected rows in quarantine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from db.locks import hold
from db.models import Cursor, Look, Origin, QuarantineRow


def known(session: Session, source: str) -> set[tuple[str, datetime]]:
    """Return the imported files of a source: SHA-256, and the time of each file."""
    rows = session.execute(select(Look.sha256, Look.observed_at).where(Look.source == source))
    return {(row.sha256, row.observed_at) for row in rows}


def last(session: Session, source: str) -> datetime | None:
    """Return the time of the newest imported file of a source."""
    return session.scalar(
        select(Look.observed_at)
        .where(Look.source == source)
        .order_by(Look.observed_at.desc())
        .limit(1)
    )


def before(session: Session, source: str, moment: datetime) -> datetime | None:
    """Return the time of the newest imported file older than `moment`."""
    return session.scalar(
        select(func.max(Look.observed_at)).where(Look.source == source, Look.observed_at < moment)
    )


def moments(session: Session, source: str, as_of: datetime) -> list[datetime]:
    """List the times of all files of a source imported until `as_of`."""
    query = select(Look.observed_at).where(Look.source == source, Look.recorded_at <= as_of)
    return list(session.scalars(query.distinct()))


def last_of_each(session: Session, as_of: datetime) -> dict[str, datetime]:
    """Return the time of the newest file imported until `as_of`, by source."""
    rows = session.execute(
        select(Look.source, func.max(Look.observed_at))
        .where(Look.recorded_at <= as_of)
        .group_by(Look.source)
    )
    return {source: moment for source, moment in rows}  # noqa: C416 - mypy rejects a Row as a pair


def lock(session: Session, source: str) -> None:
    """Acquire the lock for imports from this source, and keep it until the transaction ends."""
    hold(session, f"looks of {source}")


def taken(session: Session, source: str, sha256: str, observed_at: datetime) -> bool:
    """Check whether a file with this content and time is already imported."""
    query = select(Look.id).where(
        Look.source == source, Look.sha256 == sha256, Look.observed_at == observed_at
    )
    return session.scalar(query) is not None


def after(session: Session, source: str, moment: datetime) -> datetime | None:
    """Return the time of the oldest imported file newer than `moment`."""
    return session.scalar(
        select(func.min(Look.observed_at)).where(Look.source == source, Look.observed_at > moment)
    )


def cursor(session: Session, source: str) -> str | None:
    """Return the stored position in a source after the last import; None if never set."""
    found = session.get(Cursor, source)
    return found.value if found is not None else None


def set_cursor(session: Session, source: str, value: str) -> None:
    """Store the position in a source after this import."""
    session.merge(Cursor(source=source, value=value))


def origins(session: Session, as_of: datetime) -> dict[str, Origin]:
    """Load the newest facts from other installations about their sources, by local source name.

    Only facts recorded until `as_of` count.
    """
    newest = (
        select(Origin.source, func.max(Origin.observed_at).label("observed_at"))
        .where(Origin.recorded_at <= as_of)
        .group_by(Origin.source)
        .subquery()
    )
    rows = session.scalars(
        select(Origin)
        .join(
            newest,
            (Origin.source == newest.c.source) & (Origin.observed_at == newest.c.observed_at),
        )
        .where(Origin.recorded_at <= as_of)
        .order_by(Origin.id)
    )
    return {row.source: row for row in rows}


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


def waiting(session: Session, source: str, before: datetime) -> Sequence[QuarantineRow]:
    """List the open quarantine rows of known tickets not repeated by an import since `before`."""
    return session.scalars(
        select(QuarantineRow).where(
            QuarantineRow.source == source,
            QuarantineRow.resolved_at.is_(None),
            QuarantineRow.ticket_mark != "",
            QuarantineRow.last_observed_at < before,
        )
    ).all()


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
