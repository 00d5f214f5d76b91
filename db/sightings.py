"""What sources without history have shown: past sightings of complaints, and who was in a look."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import accumulate, pairwise

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from db.complaints import batches
from db.models import Complaint, Look, Sighting


def of(session: Session, complaints: Iterable[int]) -> dict[int, list[Sighting]]:
    """The past sightings of these complaints, oldest first."""
    found: dict[int, list[Sighting]] = {}
    for batch in batches(complaints):
        rows = session.scalars(
            select(Sighting).where(Sighting.complaint_id.in_(batch)).order_by(Sighting.first_at)
        )
        for row in rows:
            found.setdefault(row.complaint_id, []).append(row)
    return found


def replace(session: Session, gone: Collection[int], come: Sequence[dict[str, object]]) -> None:
    """Take away the past sightings with these ids, and add others."""
    for batch in batches(gone):
        session.execute(delete(Sighting).where(Sighting.id.in_(batch)))
    if come:
        session.execute(insert(Sighting), come)


def first_seen(
    session: Session, source: str, look: datetime, after: datetime | None, until: datetime | None
) -> Sequence[Complaint]:
    """Complaints that a look was the first to show, received after `after` and by `until`."""
    query = select(Complaint).where(Complaint.source == source, Complaint.first_seen_at == look)
    if after is not None:
        query = query.where(Complaint.received_at > after)
    if until is not None:
        query = query.where(Complaint.received_at <= until)
    return session.scalars(query.order_by(Complaint.id)).all()


def packed(complaints: Iterable[int]) -> bytes:
    """The ids of the complaints in a look: their differences, compressed."""
    ids = sorted(complaints)
    return zlib.compress(array("q", (b - a for a, b in pairwise([0, *ids]))).tobytes(), 1)


def unpacked(shown: bytes) -> set[int]:
    """The ids that :func:`packed` has packed."""
    steps = array("q")
    steps.frombytes(zlib.decompress(shown))
    return set(accumulate(steps))


def add(session: Session, source: str, moment: datetime, complaints: Iterable[int]) -> None:
    """Note that a look which was taken in before has shown these complaints as well."""
    look = session.scalars(
        select(Look)
        .where(Look.source == source, Look.observed_at == moment, Look.shown.is_not(None))
        .order_by(Look.id)
        .limit(1)
    ).first()
    if look is not None and look.shown is not None:
        look.shown = packed(unpacked(look.shown).union(complaints))


class Around:
    """The looks before and after a moment that showed a complaint, each look unpacked once."""

    def __init__(self, session: Session, source: str, moment: datetime) -> None:
        older = (Look.observed_at <= moment, Look.observed_at.desc())
        newer = (Look.observed_at > moment, Look.observed_at)
        self._before, self._after = (
            _Walk(session, session.execute(
                select(Look.id, Look.observed_at)
                .where(Look.source == source, Look.shown.is_not(None), side)
                .order_by(order, Look.id)
            ).tuples().all())
            for side, order in (older, newer)
        )  # fmt: skip

    def __call__(self, complaint: int) -> tuple[datetime | None, datetime | None]:
        """The newest look not after the moment, and the oldest after it, with this complaint."""
        return self._before.showing(complaint), self._after.showing(complaint)


class _Walk:
    """Looks in the order in which they lie away from a moment."""

    def __init__(self, session: Session, looks: Sequence[tuple[int, datetime]]) -> None:
        self._session, self._looks = session, looks
        self._shown: list[set[int]] = []

    def showing(self, complaint: int) -> datetime | None:
        """The nearest look that showed a complaint."""
        return next((at for at, shown in self._unpacked() if complaint in shown), None)

    def _unpacked(self) -> Iterator[tuple[datetime, set[int]]]:
        for number, (look, at) in enumerate(self._looks):
            if number == len(self._shown):
                shown = self._session.scalar(select(Look.shown).where(Look.id == look))
                self._shown.append(unpacked(shown or b""))
            yield at, self._shown[number]
