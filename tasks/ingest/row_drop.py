"""Recognize an import that shows less than the ones before: a cut, filtered or empty export.

Exports that fall slowly, each by less than a third, lose as many complaints in the end. So an
import is compared with all imports of the last months too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from db import complaints, imports, quarantine
from db.models import SourceImport
from settings.mapping import SourceMapping

RECENT = timedelta(days=90)
"""How far back an import is compared with earlier ones."""

MINUTE = timedelta(minutes=1)
"""The precision of the time of an import in an alert."""

ROW_LIMITS = frozenset({50, 100, 500, 1_000, 5_000, 10_000})
"""Numbers of rows at which a portal or a clerk typically cuts an export."""


@dataclass(frozen=True, slots=True)
class RowDrop:
    """An import with fewer rows, for a shorter period, or with many other complaints than the one
    before, or than an earlier one of time `compared_with`.

    `before` is the number of rows of the import that it is compared with; None without one.
    `absent` is the number of complaints no longer shown since then. The periods are the days of
    receipt for which the two files are complete, or None.
    """

    name: str
    made: datetime
    rows: int
    before: int | None
    absent: int
    period: tuple[datetime, datetime] | None
    period_before: tuple[datetime, datetime] | None
    compared_with: datetime | None = None


def latest_row_drop(
    session: Session, name: str, source: SourceMapping, notified: datetime | None = None
) -> RowDrop | None:
    """Return the drop of the newest import of a source, or None if it has none.

    It is a drop if a third or more of the rows is missing, if fewer rows end exactly at a typical
    limit, if the file has only a header, or if its period is shorter. With as many rows or more it
    is one if as many complaints are missing, or if any is and the rows end at such a limit: a
    filter may show others. A source that shows only changes has no drops.

    Without such a change it is a drop if the complaints that have left the source without an end
    are a third or more of the rows of an import of the last :data:`RECENT`. Those that had left by
    the import of `notified`, the last one with a drop that the administrators know of, do not
    count.
    """
    if not source.shows_everything:
        return None
    newest = imports.newest_two(session, name)
    if not newest:
        return None
    latest, *others = newest
    before = others[0] if others else None
    if not _is_drop(latest, before):
        return _slow_drop(session, latest, notified)
    return RowDrop(
        latest.name,
        latest.observed_at,
        latest.rows,
        None if before is None else before.rows,
        latest.absent,
        _period(latest),
        None if before is None else _period(before),
    )


def _slow_drop(session: Session, latest: SourceImport, notified: datetime | None) -> RowDrop | None:
    """Return the drop of an import compared with the recent one with most of the complaints that
    are missing now, or None.

    Rows that cannot be read are not missing.
    """
    if not latest.absent:
        return None
    begin = latest.observed_at - RECENT
    since = begin if notified is None else max(begin, notified + MINUTE)
    missing = complaints.missing_since(session, latest.source, since)
    unread = quarantine.count_tickets(session, latest.source, (each.ticket for each in missing))
    first = begin if notified is None else max(begin, notified)
    found = [
        (gone, each.rows, each)
        for each in _largest(imports.between(session, latest.source, first, latest.observed_at))
        if (gone := _shown_by(each, missing) - unread) > 0 and 3 * gone >= each.rows
    ]
    if not found:
        return None
    gone, rows, largest = max(found, key=lambda one: one[:2])
    return RowDrop(
        latest.name,
        latest.observed_at,
        latest.rows,
        rows,
        gone,
        _period(latest),
        _period(largest),
        compared_with=largest.observed_at,
    )


def _largest(found: Sequence[SourceImport]) -> Iterator[SourceImport]:
    """Yield the imports that no later one has more rows than, newest first.

    An import with fewer rows than a later one may not have shown what the later one shows.
    """
    most = 0
    for each in reversed(found):
        if each.rows >= most:
            most = each.rows
            yield each


def _shown_by(found: SourceImport, missing: Iterable[complaints.Missing]) -> int:
    """Count those of the missing complaints that an import has probably shown."""
    covered = imports.Covered(found.observed_at, found.period_from, found.period_until)
    return sum(
        each.received_at <= found.observed_at <= each.seen_at and covered.covers(each.received_at)
        for each in missing
    )


def _is_drop(latest: SourceImport, before: SourceImport | None) -> bool:
    if before is None:
        return latest.rows == 0
    if before.rows and 3 * latest.absent >= before.rows:
        return True
    if latest.rows < before.rows:
        return 3 * latest.rows <= 2 * before.rows or latest.rows in ROW_LIMITS
    if 3 * latest.absent >= before.rows > 0 or (latest.absent and latest.rows in ROW_LIMITS):
        return True
    length, length_before = _length(latest), _length(before)
    return length is not None and length_before is not None and length < length_before


def _period(found: SourceImport) -> tuple[datetime, datetime] | None:
    if found.period_from is None or found.period_until is None:
        return None
    return found.period_from, found.period_until


def _length(found: SourceImport) -> timedelta | None:
    period = _period(found)
    return None if period is None else period[1] - period[0]
