"""Imports from sources: the files already read, and rejected rows in quarantine."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.locks import advisory_lock
from db.models import Origin, SourceImport


def imported_files(session: Session, source: str) -> set[tuple[str, datetime]]:
    """Return the imported files of a source: SHA-256, and the time of each file."""
    rows = session.execute(
        select(SourceImport.sha256, SourceImport.observed_at).where(SourceImport.source == source)
    )
    return {(row.sha256, row.observed_at) for row in rows}


def last(session: Session, source: str) -> datetime | None:
    """Return the time of the newest imported file of a source."""
    return session.scalar(
        select(SourceImport.observed_at)
        .where(SourceImport.source == source)
        .order_by(SourceImport.observed_at.desc())
        .limit(1)
    )


def before(session: Session, source: str, moment: datetime) -> datetime | None:
    """Return the time of the newest imported file older than `moment`."""
    return session.scalar(
        select(func.max(SourceImport.observed_at)).where(
            SourceImport.source == source, SourceImport.observed_at < moment
        )
    )


def moments(session: Session, source: str, as_of: datetime) -> list[datetime]:
    """List the times of all files of a source imported until `as_of`."""
    query = select(SourceImport.observed_at).where(
        SourceImport.source == source, SourceImport.recorded_at <= as_of
    )
    return list(session.scalars(query.distinct()))


def last_of_each(session: Session, as_of: datetime) -> dict[str, datetime]:
    """Return the time of the newest file imported until `as_of`, by source."""
    rows = session.execute(
        select(SourceImport.source, func.max(SourceImport.observed_at))
        .where(SourceImport.recorded_at <= as_of)
        .group_by(SourceImport.source)
    )
    return {source: moment for source, moment in rows}  # noqa: C416 - mypy rejects a Row as a pair


def first_of_each(session: Session) -> dict[str, datetime]:
    """Return the time at which the first file of each source was imported, by source."""
    rows = session.execute(
        select(SourceImport.source, func.min(SourceImport.recorded_at)).group_by(
            SourceImport.source
        )
    )
    return {source: moment for source, moment in rows}  # noqa: C416 - mypy rejects a Row as a pair


def lock(session: Session, source: str) -> None:
    """Acquire the lock for imports from this source, and keep it until the transaction ends."""
    advisory_lock(session, f"imports of {source}")


def is_imported(session: Session, source: str, sha256: str, observed_at: datetime) -> bool:
    """Check whether a file with this content and time is already imported."""
    query = select(SourceImport.id).where(
        SourceImport.source == source,
        SourceImport.sha256 == sha256,
        SourceImport.observed_at == observed_at,
    )
    return session.scalar(query) is not None


def after(session: Session, source: str, moment: datetime) -> datetime | None:
    """Return the time of the oldest imported file newer than `moment`."""
    return session.scalar(
        select(func.min(SourceImport.observed_at)).where(
            SourceImport.source == source, SourceImport.observed_at > moment
        )
    )


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
