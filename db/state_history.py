"""Observed states of complaints from sources without history, and the content of snapshots."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import accumulate, pairwise
from typing import NamedTuple

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from db.bulk import chunked, is_one_of
from db.models import Complaint, SourceImport, StateSpanRow


class StoredSpan(NamedTuple):
    """A past observed state of a complaint: columns of :class:`StateSpanRow`."""

    id: int
    state: str | None
    unit: str | None
    status_at: datetime | None
    first_at: datetime
    last_at: datetime


_SPANS = (
    select(  # columns: objects of the ORM take much longer
        StateSpanRow.complaint_id,
        StateSpanRow.id,
        StateSpanRow.state,
        StateSpanRow.unit,
        StateSpanRow.status_at,
        StateSpanRow.first_at,
        StateSpanRow.last_at,
    )
    .where(is_one_of(StateSpanRow.complaint_id))
    .order_by(StateSpanRow.first_at)
)


def of(session: Session, complaints: Iterable[int]) -> dict[int, list[StoredSpan]]:
    """Load the past observed states of these complaints, oldest first, by complaint id."""
    found: dict[int, list[StoredSpan]] = {}
    for batch in chunked(complaints):
        for complaint, *columns in session.execute(_SPANS, {"keys": batch}):
            found.setdefault(complaint, []).append(StoredSpan(*columns))
    return found


def replace(session: Session, gone: Collection[int], come: Sequence[dict[str, object]]) -> None:
    """Delete the past observed states with the ids `gone`, and insert the rows `come`."""
    for batch in chunked(gone):
        session.execute(delete(StateSpanRow).where(StateSpanRow.id.in_(batch)))
    if come:
        session.execute(insert(StateSpanRow), come)


def first_seen(
    session: Session,
    source: str,
    snapshot: datetime,
    after: datetime | None,
    until: datetime | None,
) -> Sequence[Complaint]:
    """List complaints first seen in the snapshot of time `snapshot`.

    Only complaints received after `after` and not later than `until` are listed; None means no
    limit.
    """
    query = select(Complaint).where(Complaint.source == source, Complaint.first_seen_at == snapshot)
    if after is not None:
        query = query.where(Complaint.received_at > after)
    if until is not None:
        query = query.where(Complaint.received_at <= until)
    return session.scalars(query.order_by(Complaint.id)).all()


def packed(complaints: Iterable[int]) -> bytes:
    """Encode the ids of the complaints in a snapshot: differences of the sorted ids, with zlib."""
    ids = sorted(complaints)
    return zlib.compress(array("q", (b - a for a, b in pairwise([0, *ids]))).tobytes(), 1)


def unpacked(shown: bytes) -> set[int]:
    """Decode the ids encoded by :func:`packed`."""
    steps = array("q")
    steps.frombytes(zlib.decompress(shown))
    return set(accumulate(steps))


def add(session: Session, source: str, moment: datetime, complaints: Iterable[int]) -> None:
    """Add complaints to the list of complaints in an already imported snapshot."""
    snapshot = session.scalars(
        select(SourceImport)
        .where(
            SourceImport.source == source,
            SourceImport.observed_at == moment,
            SourceImport.shown.is_not(None),
        )
        .order_by(SourceImport.id)
        .limit(1)
    ).first()
    if snapshot is not None and snapshot.shown is not None:
        snapshot.shown = packed(unpacked(snapshot.shown).union(complaints))


class NeighbouringSnapshots:
    """Find the neighbouring snapshots of a moment by complaint; each snapshot is unpacked once."""

    def __init__(self, session: Session, source: str, moment: datetime) -> None:
        older = (SourceImport.observed_at <= moment, SourceImport.observed_at.desc())
        newer = (SourceImport.observed_at > moment, SourceImport.observed_at)
        self._before, self._after = (
            _Walk(
                session,
                session.execute(
                    select(SourceImport.id, SourceImport.observed_at)
                    .where(SourceImport.source == source, SourceImport.shown.is_not(None), side)
                    .order_by(order, SourceImport.id)
                )
                .tuples()
                .all(),
            )
            for side, order in (older, newer)
        )

    def __call__(self, complaint: int) -> tuple[datetime | None, datetime | None]:
        """Return the times of the two neighbouring snapshots with this complaint.

        The first is the newest one not after the moment, the second the oldest one after it. Each
        is None if no such snapshot shows the complaint.
        """
        return self._before.showing(complaint), self._after.showing(complaint)


class _Walk:
    """Snapshots on one side of a moment, ordered by their distance from it."""

    def __init__(self, session: Session, snapshots: Sequence[tuple[int, datetime]]) -> None:
        self._session, self._snapshots = session, snapshots
        self._shown: list[set[int]] = []

    def showing(self, complaint: int) -> datetime | None:
        """Find the time of the nearest snapshot with this complaint; None if there is none."""
        return next((at for at, shown in self._unpacked() if complaint in shown), None)

    def _unpacked(self) -> Iterator[tuple[datetime, set[int]]]:
        for number, (snapshot, at) in enumerate(self._snapshots):
            if number == len(self._shown):
                shown = self._session.scalar(
                    select(SourceImport.shown).where(SourceImport.id == snapshot)
                )
                self._shown.append(unpacked(shown or b""))
            yield at, self._shown[number]
