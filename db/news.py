"""The news of a replay: what was recorded while it lasts, told when its time comes."""

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

from db.complaints import batches
from db.models import (
    Bounce,
    Complaint,
    DeadlineRow,
    EventRow,
    Look,
    Origin,
    PastFacts,
    UtcDateTime,
)
from sla.deadline import State

replica_only = MetaData()
"""Tables that a replica has besides those of a site."""

WAKE = Table(
    "wake",
    replica_only,
    Column("at", UtcDateTime, primary_key=True),
    Column("complaint_id", Integer, primary_key=True),
)
"""When something was recorded of a complaint, so that it had to be judged again."""

ENDED = (State.LAPSED, State.WAIVED)
"""Besides those that were stopped."""

Looked = tuple[datetime, str, datetime]
"""That a look was recorded: when, of which source, and until when it tells of it."""

Mark = tuple[str, datetime, datetime | None]
"""An address whose mail came back: since when that is known, and until when the mark stood."""


def keep_back(session: Session, begin: datetime, end: datetime) -> None:
    """Note when each complaint was heard of from `begin` on, to wake it then and not before."""
    superseded = PastFacts.superseded_at
    news = union(
        select(Complaint.recorded_at, Complaint.id).where(Complaint.recorded_at >= begin),
        select(EventRow.recorded_at, EventRow.complaint_id).where(EventRow.recorded_at >= begin),
        select(superseded, PastFacts.complaint_id).where(superseded >= begin, superseded < end),
    )
    session.execute(insert(WAKE).from_select(["at", "complaint_id"], news))


def wake_all(session: Session, begin: datetime) -> None:
    """Have every complaint judged at `begin` that was known before."""
    _wake(session, Complaint.recorded_at < begin, begin)


def wake_restless(source: Connection, session: Session, begin: datetime) -> None:
    """Have those judged at `begin` of which a judgment from then on may say anything new.

    A complaint whose deadlines had all ended and fallen due, and of which nothing was heard since,
    stays as it is. That holds where `source` was last judged by the very rules of the replay.
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
    for batch in batches(source.scalars(restless)):
        _wake(session, Complaint.id.in_(batch), begin)


def _wake(session: Session, which: ColumnElement[bool], at: datetime) -> None:
    session.execute(
        update(Complaint)
        .where(which)
        .values(next_action_at=at)
        .execution_options(synchronize_session=False)
    )


def next_news(session: Session) -> datetime | None:
    """When the next news of a complaint was recorded that has not been told yet."""
    found: datetime | None = session.scalar(select(func.min(WAKE.c.at)))
    return found


def tell(session: Session, until: datetime) -> None:
    """Let the complaints be judged of which something was recorded by `until`, as intake does."""
    told = WAKE.c.at <= until
    last = select(func.max(WAKE.c.at)).where(told, WAKE.c.complaint_id == Complaint.id)
    session.execute(
        update(Complaint)
        .where(Complaint.id.in_(select(WAKE.c.complaint_id).where(told)))
        .values(next_action_at=last.scalar_subquery())
        .execution_options(synchronize_session=False)
    )
    session.execute(WAKE.delete().where(told))


def next_action(session: Session) -> datetime | None:
    """When the next complaint needs to be judged."""
    return session.scalar(select(func.min(Complaint.next_action_at)))


def looks_since(session: Session, begin: datetime) -> list[Looked]:
    """The looks recorded from `begin` on, oldest first, each with when it showed that state."""
    rows = session.execute(
        select(Look.recorded_at, Look.source, Look.observed_at)
        .where(Look.recorded_at >= begin)
        .order_by(Look.recorded_at, Look.id)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def looks_elsewhere_since(session: Session, begin: datetime) -> list[Looked]:
    """The same of other installations' sources, as far as they have said until when they looked."""
    rows = session.execute(
        select(Origin.recorded_at, Origin.source, Origin.looked_until)
        .where(Origin.recorded_at >= begin, Origin.looked_until.is_not(None))
        .order_by(Origin.recorded_at, Origin.id)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def marks_until(source: Connection, end: datetime) -> list[Mark]:
    """The addresses whose mail had come back by `end`, oldest first."""
    rows = source.execute(
        select(Bounce.address, Bounce.recorded_at, Bounce.lifted_at)
        .where(Bounce.recorded_at < end)
        .order_by(Bounce.recorded_at, Bounce.id)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def set_marks(session: Session, marks: Iterable[Mark], now: datetime) -> None:
    """Mark the addresses that were marked at a moment, and no others."""
    standing = [
        Bounce(
            address=address, report_id=str(number), reported_at=since, recorded_at=since, code="",
            answer="",
        )
        for number, (address, since, until) in enumerate(marks)
        if since <= now and (until is None or now < until)
    ]  # fmt: skip
    session.execute(delete(Bounce))
    session.add_all(standing)


def last_recorded(source: Connection) -> datetime | None:
    """When a source was last looked at, or an event recorded."""
    looked = source.scalar(select(func.max(Look.recorded_at)))
    heard = source.scalar(select(func.max(EventRow.recorded_at)))
    return max((moment for moment in (looked, heard) if moment is not None), default=None)
