"""Recognize an import that shows less than the one before: a cut, filtered or empty export."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from db import imports
from db.models import SourceImport
from settings.mapping import SourceMapping

ROW_LIMITS = frozenset({50, 100, 500, 1_000, 5_000, 10_000})
"""Numbers of rows at which a portal or a clerk typically cuts an export."""


@dataclass(frozen=True, slots=True)
class RowDrop:
    """An import with fewer rows, for a shorter period, or with many other complaints than the one
    before.

    `before` is None without an import before. The periods are the days of receipt for which the two
    files are complete, or None.
    """

    name: str
    made: datetime
    rows: int
    before: int | None
    period: tuple[datetime, datetime] | None
    period_before: tuple[datetime, datetime] | None


def latest_row_drop(session: Session, name: str, source: SourceMapping) -> RowDrop | None:
    """Return the drop of the newest import of a source, or None if it has none.

    It is a drop if a third or more of the rows is missing, if fewer rows end exactly at a typical
    limit, if the file has only a header, or if its period is shorter. With as many rows or more it
    is one if as many complaints are missing, or if any is and the rows end at such a limit: a
    filter may show others. A source that shows only
    changes has no drops.
    """
    if not source.shows_everything:
        return None
    newest = imports.newest_two(session, name)
    if not newest:
        return None
    latest, *others = newest
    before = others[0] if others else None
    if not _is_drop(latest, before):
        return None
    return RowDrop(
        latest.name,
        latest.observed_at,
        latest.rows,
        None if before is None else before.rows,
        _period(latest),
        None if before is None else _period(before),
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
