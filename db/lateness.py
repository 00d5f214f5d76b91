"""What became known too late for a report: complaints recorded or changed only after it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select, union
from sqlalchemy.orm import Session

from db.models import Complaint, EventRow, Look, PastFacts, Report, Rulebook


def kept_report(session: Session, periods: Iterable[str], as_of: datetime) -> Report | None:
    """The newest report of the first of these periods that has one.

    Known are reports that had been made by `as_of` of an earlier moment.
    """
    for period in periods:
        found = session.scalar(
            select(Report)
            .where(Report.period == period, Report.as_of < as_of, Report.made_at <= as_of)
            .order_by(Report.as_of.desc())
            .limit(1)
        )
        if found is not None:
            return found
    return None


def recorded_late(session: Session, moment: datetime, until: datetime) -> tuple[int, int]:
    """How many complaints of before a moment were recorded only after it, and how many changed.

    Counted is what was recorded by `until`. Changed are complaints that were known at the moment
    and of which something that had happened by then, or another fact, was recorded only later.
    """
    new = select(func.count()).where(
        Complaint.recorded_at > moment,
        Complaint.recorded_at <= until,
        Complaint.received_at <= moment,
    )
    events = select(EventRow.complaint_id).where(
        EventRow.recorded_at > moment, EventRow.recorded_at <= until, EventRow.latest <= moment
    )
    facts = select(PastFacts.complaint_id).where(
        PastFacts.superseded_at > moment, PastFacts.superseded_at <= until
    )
    touched = union(events, facts).subquery()
    changed = (
        select(func.count())
        .select_from(touched)
        .join(Complaint, Complaint.id == touched.c.complaint_id)
        .where(Complaint.recorded_at <= moment)
    )
    return session.scalar(new) or 0, session.scalar(changed) or 0


def looked_at_later(session: Session, moment: datetime, until: datetime) -> bool:
    """Whether a source was looked at between a moment and `until`: it may tell of what came due."""
    query = select(Look.id).where(Look.recorded_at > moment, Look.recorded_at <= until).limit(1)
    return session.scalar(query) is not None


def rulebook_since(session: Session, moment: datetime, until: datetime) -> datetime | None:
    """When a law, calendar or ladder first took over from another after a moment and by `until`."""
    first = select(func.min(Rulebook.taken_at)).scalar_subquery()
    return session.scalar(
        select(func.min(Rulebook.taken_at)).where(
            Rulebook.taken_at > moment, Rulebook.taken_at <= until, Rulebook.taken_at > first
        )
    )
