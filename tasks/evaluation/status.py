"""The status of a site: deadlines by state, late complaints by unit, and deadlines due next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from db import runs
from db.models import DeadlineRow
from sla.engine.deadline import State
from tasks.common.context import SiteContext
from tasks.evaluation import stored_deadlines


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """Deadlines by state, what is late, late complaints by unit, and deadlines due next.

    A complaint with late duties at two units counts at each of them, and once in `late`.
    `late_of_superiors` counts the complaints with a late duty of superiors.
    """

    states: dict[str, int]
    late: stored_deadlines.LateCounts
    late_by_unit: list[tuple[str | None, int]]
    late_of_superiors: int
    due_today: int
    due_soon: int


def site_status(context: SiteContext, now: datetime) -> SiteStatus:
    """Return the deadlines as last evaluated; `due_soon` counts the seven days after today."""
    today = context.site.evaluation_context.day(now)
    tonight = context.site.evaluation_context.end_of(today)
    law = context.site.evaluation_context.law
    binding = [rule_id for rule_id in law.ids if law.last(rule_id).binds_provider]

    def running(after: datetime, until: datetime) -> int:
        query = (
            select(func.count())
            .select_from(DeadlineRow)
            .where(
                DeadlineRow.state == State.RUNNING,
                DeadlineRow.rule.in_(binding),
                DeadlineRow.due > after,
                DeadlineRow.due <= until,
            )
        )
        return session.scalar(query) or 0

    with context.transaction() as session:
        return SiteStatus(
            states=runs.deadline_states(session),
            late=stored_deadlines.late_counts(
                session, context.site.evaluation_context.start_of_year(now)
            ),
            late_by_unit=stored_deadlines.late_by_unit(session, law),
            late_of_superiors=stored_deadlines.late_of(session, law.of_superiors),
            due_today=running(now, tonight),
            due_soon=running(tonight, tonight + timedelta(days=7)),
        )
