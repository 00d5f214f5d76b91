"""Imports from sources: the files already read, and how far each source has been read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, delete, exists, func, or_, select
from sqlalchemy.orm import Session

from db.locks import advisory_lock
from db.models import Cursor, Origin, QuarantineRow, SourceImport, UnreadableFileRow, UtcDateTime
from db.quarantine import NOTE_REASONS, TORN_REASONS

# Statements of each import are built once: to build one takes longer than to execute it.
_OF_SOURCE = SourceImport.source == bindparam("source")
_MOMENT = bindparam("moment", type_=UtcDateTime)
_FILES = select(SourceImport.sha256, SourceImport.observed_at).where(_OF_SOURCE)
_LAST = (
    select(SourceImport.observed_at)
    .where(_OF_SOURCE)
    .order_by(SourceImport.observed_at.desc())
    .limit(1)
)
_BEFORE = select(func.max(SourceImport.observed_at)).where(
    _OF_SOURCE, SourceImport.observed_at < _MOMENT
)
_AFTER = select(func.min(SourceImport.observed_at)).where(
    _OF_SOURCE, SourceImport.observed_at > _MOMENT
)
_LATER = (
    select(SourceImport.observed_at, SourceImport.period_from, SourceImport.period_until)
    .where(_OF_SOURCE, SourceImport.observed_at > _MOMENT)
    .order_by(SourceImport.observed_at, SourceImport.id)
)
_IMPORTED = select(SourceImport.id).where(
    _OF_SOURCE, SourceImport.sha256 == bindparam("sha256"), SourceImport.observed_at == _MOMENT
)
_NEWEST = (
    select(SourceImport)
    .where(_OF_SOURCE)
    .order_by(SourceImport.observed_at.desc(), SourceImport.id.desc())
    .limit(1)
)
_NEWEST_BEFORE = _NEWEST.where(SourceImport.observed_at < _MOMENT)


def imported_files(session: Session, source: str) -> set[tuple[str, datetime]]:
    """Return the imported files of a source: SHA-256, and the time of each file."""
    rows = session.execute(_FILES, {"source": source})
    return {(row.sha256, row.observed_at) for row in rows}


def last(session: Session, source: str) -> datetime | None:
    """Return the time of the newest imported file of a source."""
    return session.scalar(_LAST, {"source": source})


def before(session: Session, source: str, moment: datetime) -> datetime | None:
    """Return the time of the newest imported file older than `moment`."""
    return session.scalar(_BEFORE, {"source": source, "moment": moment})


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


class Covered(NamedTuple):
    """The newest import for one period of receipt (None: no limit), and its time."""

    moment: datetime
    first: datetime | None
    last: datetime | None

    def covers(self, received: datetime) -> bool:
        """Check whether the import is complete for complaints received at this moment."""
        after = self.first is None or self.first <= received
        return after and (self.last is None or received <= self.last)


_COVERAGE = (
    select(
        SourceImport.source,
        func.max(SourceImport.observed_at),
        SourceImport.period_from,
        SourceImport.period_until,
    )
    .where(SourceImport.recorded_at <= bindparam("as_of"))
    .group_by(SourceImport.source, SourceImport.period_from, SourceImport.period_until)
)


def coverage(
    session: Session, as_of: datetime, changes: Collection[str] = ()
) -> dict[str, list[Covered]]:
    """Return the newest import of each period imported until `as_of`, by source, newest first.

    `changes` are sources that show only changes. An import of one does not count while a row of it
    without a certain ticket waits in quarantine: it may be a change of any complaint. A source
    without an import that counts has an empty list.
    """
    query = _COVERAGE
    if changes:
        query = query.where(_without_lost_rows(as_of, changes))
    rows = session.execute(query, {"as_of": as_of})
    found: dict[str, list[Covered]] = {}
    for source, *covered in rows:
        found.setdefault(source, []).append(Covered(*covered))
    for source in changes:
        if source not in found and last(session, source) is not None:
            found[source] = []
    for each in found.values():
        each.sort(key=lambda covered: covered.moment, reverse=True)
    return found


def _without_lost_rows(as_of: datetime, changes: Collection[str]) -> ColumnElement[bool]:
    lost = exists().where(
        QuarantineRow.source == SourceImport.source,
        SourceImport.observed_at.in_((QuarantineRow.observed_at, QuarantineRow.last_observed_at)),
        QuarantineRow.recorded_at <= as_of,
        or_(QuarantineRow.resolved_at.is_(None), QuarantineRow.resolved_at > as_of),
        QuarantineRow.reason.not_in(NOTE_REASONS),
        or_(QuarantineRow.ticket_hash == "", QuarantineRow.reason.in_(TORN_REASONS)),
    )
    return or_(SourceImport.source.not_in(changes), ~lost)


def later_coverage(session: Session, source: str, moment: datetime) -> list[Covered]:
    """Return the imports of a source after `moment` with their periods, oldest first."""
    rows = session.execute(_LATER, {"source": source, "moment": moment})
    return [Covered(*row) for row in rows]


def newest_two(session: Session, source: str) -> Sequence[SourceImport]:
    """Return the newest import of a source, and the newest one of an earlier moment if any."""
    newest = session.scalars(_NEWEST, {"source": source}).first()
    if newest is None:
        return []
    before = {"source": source, "moment": newest.observed_at}
    return [newest, *session.scalars(_NEWEST_BEFORE, before)]


def between(
    session: Session, source: str, since: datetime, until: datetime
) -> Sequence[SourceImport]:
    """Return the imports of a source from `since` on and before `until`, oldest first."""
    return session.scalars(
        select(SourceImport)
        .where(
            SourceImport.source == source,
            SourceImport.observed_at >= since,
            SourceImport.observed_at < until,
        )
        .order_by(SourceImport.observed_at, SourceImport.id)
    ).all()


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
    found = session.scalar(_IMPORTED, {"source": source, "sha256": sha256, "moment": observed_at})
    return found is not None


def after(session: Session, source: str, moment: datetime) -> datetime | None:
    """Return the time of the oldest imported file newer than `moment`."""
    return session.scalar(_AFTER, {"source": source, "moment": moment})


def _newest_origins() -> Select[tuple[Origin]]:
    newest = (
        select(Origin.source, func.max(Origin.observed_at).label("observed_at"))
        .where(Origin.recorded_at <= _MOMENT)
        .group_by(Origin.source)
        .subquery()
    )
    return (
        select(Origin)
        .join(
            newest,
            (Origin.source == newest.c.source) & (Origin.observed_at == newest.c.observed_at),
        )
        .where(Origin.recorded_at <= _MOMENT)
        .order_by(Origin.id)
    )


_ORIGINS = _newest_origins()


def origins(session: Session, as_of: datetime) -> dict[str, Origin]:
    """Load the newest facts from other installations about their sources, by local source name.

    Only facts recorded until `as_of` count.
    """
    return {row.source: row for row in session.scalars(_ORIGINS, {"moment": as_of})}


def cursor(session: Session, source: str) -> str | None:
    """Return the stored position in a source after the last import; None if never set."""
    found = session.get(Cursor, source)
    return found.value if found is not None else None


def set_cursor(session: Session, source: str, value: str) -> None:
    """Store the position in a source after this import."""
    session.merge(Cursor(source=source, value=value))


def unreadable_files(session: Session, source: str) -> dict[str, UnreadableFileRow]:
    """Return the unreadable files of a source, by the hash of their name."""
    rows = session.scalars(select(UnreadableFileRow).where(UnreadableFileRow.source == source))
    return {row.file: row for row in rows}


def forget_unreadable(session: Session, source: str, files: Collection[str]) -> None:
    """Delete the records of files that are gone or readable; `files` are hashes of names."""
    for file in files:
        session.execute(
            delete(UnreadableFileRow).where(
                UnreadableFileRow.source == source, UnreadableFileRow.file == file
            )
        )
