"""Readings of sources: which files were read, and which of their rows wait in quarantine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from db.locks import hold
from db.models import Cursor, Look, Origin, QuarantineRow


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


def before(session: Session, source: str, moment: datetime) -> datetime | None:
    """When the newest file read of a source was made that is older than `moment`."""
    return session.scalar(
        select(func.max(Look.observed_at)).where(Look.source == source, Look.observed_at < moment)
    )


def moments(session: Session, source: str, as_of: datetime) -> list[datetime]:
    """When the files of a source were made that had been read by `as_of`."""
    query = select(Look.observed_at).where(Look.source == source, Look.recorded_at <= as_of)
    return list(session.scalars(query.distinct()))


def last_of_each(session: Session, as_of: datetime) -> dict[str, datetime]:
    """For each source when the newest file was made that had been read by `as_of`."""
    rows = session.execute(
        select(Look.source, func.max(Look.observed_at))
        .where(Look.recorded_at <= as_of)
        .group_by(Look.source)
    )
    return {source: moment for source, moment in rows}  # noqa: C416 - a Row is no pair for mypy


def lock(session: Session, source: str) -> None:
    """Wait until no other transaction takes in looks of this source; held until it ends."""
    hold(session, f"looks of {source}")


def taken(session: Session, source: str, sha256: str, observed_at: datetime) -> bool:
    """Whether a look with this content and moment has been taken in."""
    query = select(Look.id).where(
        Look.source == source, Look.sha256 == sha256, Look.observed_at == observed_at
    )
    return session.scalar(query) is not None


def after(session: Session, source: str, moment: datetime) -> datetime | None:
    """When the oldest file read of a source was made that is newer than `moment`."""
    return session.scalar(
        select(func.min(Look.observed_at)).where(Look.source == source, Look.observed_at > moment)
    )


def cursor(session: Session, source: str) -> str | None:
    """How far a source has been read; None before the first look."""
    found = session.get(Cursor, source)
    return found.value if found is not None else None


def set_cursor(session: Session, source: str, value: str) -> None:
    """Note how far a source has been read."""
    session.merge(Cursor(source=source, value=value))


def origins(session: Session, as_of: datetime) -> dict[str, Origin]:
    """The newest that other installations had told of their sources by `as_of`, by name here."""
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
    """Keep a bad row, or note that it was seen again; returns whether it is new."""
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
    """The rows of known tickets in quarantine that no look since `before` has shown."""
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
    """The rows in quarantine, oldest first; the resolved ones only where they are asked for."""
    query = select(QuarantineRow).order_by(QuarantineRow.id)
    if source is not None:
        query = query.where(QuarantineRow.source == source)
    if not resolved:
        query = query.where(QuarantineRow.resolved_at.is_(None))
    return session.scalars(query).all()


def quarantine_count(session: Session, as_of: datetime) -> int:
    """How many rows waited in quarantine at a moment."""
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
