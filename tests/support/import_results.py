"""What an import has left in the database, as short texts."""

from conftest import WITA, wita
from sqlalchemy import select

from db import complaints
from db.models import (
    Base,
    Complaint,
    EventRow,
    QuarantineRow,
)
from sla.events import Event, events_as_of
from tasks.common.context import SiteContext
from tasks.common.redaction import plain_ticket
from tasks.ingest.source_count import SourceCount
from tasks.intake import pull


def take(context: SiteContext, now: str, source: str = "lapor") -> SourceCount:
    return pull(context, source, wita(now))


def known(context: SiteContext, ticket: str = "5010653") -> Complaint:
    with context.transaction() as session:
        return session.scalars(
            select(Complaint).where(Complaint.ticket == plain_ticket(ticket))
        ).one()


def history(context: SiteContext, ticket: str = "5010653") -> list[str]:
    """The events of a complaint, in the order learnt: kind, local day and hour, knowledge, unit."""
    with context.transaction() as session:
        query = select(EventRow).join(Complaint, Complaint.id == EventRow.complaint_id)
        rows = session.scalars(
            query.where(Complaint.ticket == plain_ticket(ticket)).order_by(EventRow.id)
        ).all()
    return [described(row) for row in rows]


def described(event: Event | EventRow) -> str:
    moments = [m.astimezone(WITA) for m in (event.earliest, event.latest) if m is not None]
    when = " - ".join(f"{moment:%d %H:%M}" for moment in moments)
    return " ".join(part for part in (event.kind, when, event.knowledge, event.unit) if part)


def quarantine(context: SiteContext, source: str = "lapor") -> list[tuple[int, str, str, str]]:
    with context.transaction() as session:
        query = select(QuarantineRow).where(QuarantineRow.source == source)
        rows = session.scalars(query.order_by(QuarantineRow.line))
        return [(row.line, row.reason, row.column, row.value) for row in rows]


def dump(context: SiteContext) -> str:
    """Every row of every table as text."""
    with context.transaction() as session:
        return "\n".join(
            f"{table.name}: {tuple(row)}"
            for table in Base.metadata.sorted_tables
            for row in session.execute(select(table).order_by(*table.primary_key))
        )


def counted(
    context: SiteContext, ticket: str = "5010653", as_of: str = "2026-11-24 08:00"
) -> list[str]:
    """The events of a complaint that count at a moment, in the order in which they happened."""
    with context.transaction() as session:
        row = session.scalars(select(Complaint).where(Complaint.ticket == ticket)).one()
        events = events_as_of(complaints.events_of(session, [row.id])[row.id], wita(as_of))
    return [described(event) for event in events]
