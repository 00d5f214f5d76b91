"""The replay queue: data recorded during the replayed period, released at their original times."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    Table,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    union,
    update,
)
from sqlalchemy.orm import Session

from db.bulk import chunked
from db.models import (
    Bounce,
    Complaint,
    DeadlineRow,
    EventRow,
    Origin,
    PastFacts,
    SourceImport,
    UtcDateTime,
)
from sla.engine.deadline import State

replica_only = MetaData()
"""Tables of a replica, in addition to the tables of a site."""

WAKE = Table(
    "wake",
    replica_only,
    Column("at", UtcDateTime, primary_key=True),
    Column("complaint_id", Integer, primary_key=True),
)
"""Times of new data about a complaint: each one requires an evaluation."""

ENDED = (State.LAPSED, State.WAIVED)
"""States of ended deadlines, in addition to stopped ones."""

Looked = tuple[datetime, str, datetime]
"""An import: time of recording, source, and time of the imported snapshot."""

Mark = tuple[str, datetime, datetime | None]
"""A suppressed address: the address, start of the suppression, and its end if there is one."""


def enqueue(session: Session, begin: datetime, end: datetime) -> None:
    """Queue the times of new data from `begin` on, to schedule evaluations only at those times."""
    superseded = PastFacts.superseded_at
    changes = union(
        select(Complaint.recorded_at, Complaint.id).where(Complaint.recorded_at >= begin),
        select(EventRow.recorded_at, EventRow.complaint_id).where(EventRow.recorded_at >= begin),
        select(superseded, PastFacts.complaint_id).where(superseded >= begin, superseded < end),
    )
    session.execute(insert(WAKE).from_select(["at", "complaint_id"], changes))


def reset_all(session: Session, begin: datetime) -> None:
    """Schedule an evaluation at `begin` of every complaint recorded before."""
    _wake(session, Complaint.recorded_at < begin, begin)


def wake_restless(source: Connection, session: Session, begin: datetime) -> None:
    """Schedule an evaluation at `begin` of every complaint that may change from then on.

    A complaint stays as it is if all its deadlines had ended, their due times had passed and no new
    data arrived since. This is only correct if the last evaluation in `source` used exactly the
    rules of the replay.
    """
    open_or_later = exists().where(
        DeadlineRow.complaint_id == Complaint.id,
        or_(
            DeadlineRow.stopped.is_(None) & DeadlineRow.state.not_in(ENDED),
            DeadlineRow.stopped >= begin,
            DeadlineRow.due >= begin,
        ),
    )
    restless = select(Complaint.id).where(
        Complaint.recorded_at < begin,
        or_(
            Complaint.next_action_at.is_not(None),
            Complaint.changed_at >= begin,
            Complaint.changed_at.is_(None),
            open_or_later,
        ),
    )
    for batch in chunked(source.scalars(restless)):
        _wake(session, Complaint.id.in_(batch), begin)


def _wake(session: Session, which: ColumnElement[bool], at: datetime) -> None:
    session.execute(
        update(Complaint)
        .where(which)
        .values(next_action_at=at)
        .execution_options(synchronize_session=False)
    )


def news(session: Session) -> list[tuple[datetime, int]]:
    """Return the times of all queued data, in order, each with its complaint."""
    rows = session.execute(select(WAKE.c.at, WAKE.c.complaint_id).order_by(*WAKE.c))
    return [(row[0], row[1]) for row in rows]


def scheduled(session: Session) -> list[tuple[datetime, int]]:
    """Return the times of all scheduled evaluations, in order, each with its complaint."""
    rows = session.execute(
        select(Complaint.next_action_at, Complaint.id)
        .where(Complaint.next_action_at.is_not(None))
        .order_by(Complaint.next_action_at, Complaint.id)
    )
    return [(row[0], row[1]) for row in rows if row[0] is not None]


def looks_since(session: Session, begin: datetime) -> list[Looked]:
    """List the imports recorded from `begin` on, oldest first, with their snapshot times."""
    rows = session.execute(
        select(SourceImport.recorded_at, SourceImport.source, SourceImport.observed_at)
        .where(SourceImport.recorded_at >= begin)
        .order_by(SourceImport.recorded_at, SourceImport.id)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def looks_elsewhere_since(session: Session, begin: datetime) -> list[Looked]:
    """List the imports of other installations in the same form, if their end time is known."""
    rows = session.execute(
        select(Origin.recorded_at, Origin.source, Origin.imported_until)
        .where(Origin.recorded_at >= begin, Origin.imported_until.is_not(None))
        .order_by(Origin.recorded_at, Origin.id)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def import_times(session: Session) -> list[datetime]:
    """List the times at which imports, here or elsewhere, were recorded, oldest first."""
    times = union(select(SourceImport.recorded_at), select(Origin.recorded_at))
    return sorted(session.scalars(times))


def marks_until(source: Connection, end: datetime) -> list[Mark]:
    """List the addresses suppressed before `end`, oldest first."""
    rows = source.execute(
        select(Bounce.address, Bounce.recorded_at, Bounce.lifted_at)
        .where(Bounce.recorded_at < end)
        .order_by(Bounce.recorded_at, Bounce.id)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def is_suppressed(mark: Mark, now: datetime) -> bool:
    """Check whether an address is suppressed at this time."""
    _, since, until = mark
    return since <= now and (until is None or now < until)


def set_marks(session: Session, marks: Iterable[Mark]) -> None:
    """Store exactly these suppressed addresses."""
    suppressed = [
        Bounce(
            address=address,
            report_id=str(number),
            reported_at=since,
            recorded_at=since,
            code="",
            answer="",
        )
        for number, (address, since, _) in enumerate(marks)
    ]
    session.execute(delete(Bounce))
    session.add_all(suppressed)


def first_complaint(source: Connection) -> datetime | None:
    """Return the time at which the first complaint was recorded."""
    return source.scalar(select(func.min(Complaint.recorded_at)))


def last_recorded(source: Connection) -> datetime | None:
    """Return the time of the last recorded import or event."""
    imported = source.scalar(select(func.max(SourceImport.recorded_at)))
    heard = source.scalar(select(func.max(EventRow.recorded_at)))
    return max((moment for moment in (imported, heard) if moment is not None), default=None)
