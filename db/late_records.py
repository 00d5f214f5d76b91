"""Late-arriving records: complaints recorded or changed only after the `as_of` of a report."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select, union
from sqlalchemy.orm import Session

from db.models import Complaint, EventRow, PastFacts, ReportRow, Ruleset, SourceImport


def kept_report(session: Session, periods: Iterable[str], as_of: datetime) -> ReportRow | None:
    """Return the newest report of the first of these periods with any report.

    Only reports made until `as_of` about an earlier moment count.
    """
    for period in periods:
        found = session.scalar(
            select(ReportRow)
            .where(ReportRow.period == period, ReportRow.as_of < as_of, ReportRow.made_at <= as_of)
            .order_by(ReportRow.as_of.desc())
            .limit(1)
        )
        if found is not None:
            return found
    return None


def recorded_late(session: Session, moment: datetime, until: datetime) -> tuple[int, int]:
    """Count the late-arriving complaints and the late-changed complaints of a moment.

    A late-arriving complaint was received until `moment`, but recorded after it. A late-changed
    complaint was already recorded at `moment`; an event from before it, or a correction of its
    facts, was recorded later. Records after `until` do not count.
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
    """Check for an import recorded after `moment` and until `until`.

    It may contain news about deadlines due before `moment`.
    """
    query = (
        select(SourceImport.id)
        .where(SourceImport.recorded_at > moment, SourceImport.recorded_at <= until)
        .limit(1)
    )
    return session.scalar(query) is not None


def ruleset_since(session: Session, moment: datetime, until: datetime) -> datetime | None:
    """Return the time of the first ruleset change after `moment` and until `until`; None if none.

    The first ruleset of a site is no change: it replaced no other one.
    """
    first = select(func.min(Ruleset.activated_at)).scalar_subquery()
    return session.scalar(
        select(func.min(Ruleset.activated_at)).where(
            Ruleset.activated_at > moment,
            Ruleset.activated_at <= until,
            Ruleset.activated_at > first,
        )
    )
