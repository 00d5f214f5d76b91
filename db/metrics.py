"""The metrics cache: metrics stored per complaint, so a report need not evaluate all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime

from sqlalchemy import Integer, Select, func, literal_column, or_, select
from sqlalchemy.orm import Session

from db.bulk import chunked
from db.locks import advisory_lock
from db.models import Complaint, Label

AT_ONCE = 5_000
"""Number of complaints read at a time."""

SPARSE = 20
"""Complaints are selected by single ids if fewer than one id in this many is needed."""

Kept = tuple[Sequence[int], Sequence[str], Sequence[bytes]]
"""Ids, tickets and encoded metrics of some complaints."""


def labels(session: Session) -> dict[str, int]:
    """Load the number of every word in the encoded metrics."""
    return {word: number for number, word in session.execute(select(Label.id, Label.text))}


def add_label(session: Session, word: str) -> int:
    """Return the number of a word; a new word gets a new number.

    Of two concurrent runs the second waits here until the first has ended, because each may need
    new words of the other.
    """
    advisory_lock(session, "labels")
    found = session.scalar(select(Label.id).where(Label.text == word))
    if found is None:
        row = Label(text=word)
        session.add(row)
        session.flush()
        found = row.id
    return found


def kept(session: Session, first_day: date, as_of: datetime) -> Iterator[Kept]:
    """Yield the cached metrics valid at `as_of` and relevant for a report from `first_day` on.

    The index says how many are needed in each block of :data:`AT_ONCE` ids. The rows are then read
    in the order of their ids, as on disk: this takes a quarter of the time. A block of which little
    is needed is read by single ids.
    """
    wanted = (
        Complaint.metrics_last_day >= first_day.toordinal(),
        Complaint.metrics_last_day > literal_column("0"),  # this makes the partial index usable
    )
    of_those = _that_hold(as_of).where(Complaint.metrics_last_day + 0 >= first_day.toordinal())
    block = Complaint.id // literal_column(str(AT_ONCE), Integer)
    counts = select(block, func.count()).where(*wanted).group_by(block).order_by(block)
    scattered: list[int] = []
    for number, count in session.execute(counts).all():
        if count * SPARSE < AT_ONCE:
            scattered.append(number)
            continue
        begin = number * AT_ONCE
        yield from _read(session, of_those.where(Complaint.id.between(begin, begin + AT_ONCE - 1)))
    for blocks in chunked(scattered):
        ids = session.scalars(select(Complaint.id).where(*wanted, block.in_(blocks)))
        for batch in chunked(sorted(ids)):
            yield from _read(session, of_those.where(Complaint.id.in_(batch)))


def kept_before(
    session: Session, complaints: Iterable[int], first_day: date, as_of: datetime
) -> Iterator[Kept]:
    """Yield the cached metrics of those of these complaints not returned by :func:`kept`.

    These are complaints with a `metrics_last_day` before `first_day`.
    """
    query = _that_hold(as_of).where(Complaint.metrics_last_day < first_day.toordinal())
    for batch in chunked(complaints):
        yield from _read(session, query.where(Complaint.id.in_(batch)))


def to_evaluate(session: Session, as_of: datetime) -> list[int]:
    """Return ids of complaints recorded until `as_of` without valid cached metrics at that time."""
    found: set[int] = set()
    for condition in (Complaint.next_action_at <= as_of, Complaint.metrics_since > as_of):
        query = select(Complaint.id).where(condition, Complaint.recorded_at <= as_of)
        found.update(session.scalars(query))
    return sorted(found)


def complaints_of(session: Session, complaints: Collection[int]) -> Iterator[list[Complaint]]:
    """Load these complaints in chunks. Each chunk is removed from the session before the next."""
    for batch in chunked(complaints):
        found = list(session.scalars(select(Complaint).where(Complaint.id.in_(batch))))
        yield found
        for row in found:
            session.expunge(row)


def _that_hold(as_of: datetime) -> Select[tuple[int, str, bytes | None]]:
    return select(Complaint.id, Complaint.ticket, Complaint.metrics).where(
        Complaint.metrics_since <= as_of,
        Complaint.recorded_at <= as_of,
        or_(Complaint.next_action_at.is_(None), Complaint.next_action_at > as_of),
    )


def _read(session: Session, query: Select[tuple[int, str, bytes | None]]) -> Iterator[Kept]:
    rows = session.connection().execute(query).all()
    if rows:
        ids, tickets, figures = zip(*rows, strict=True)
        yield ids, tickets, figures
