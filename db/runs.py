"""Finished runs, reports made, and counts for those who watch."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.models import DeadlineRow, NoticeRow, Report, RunRow

RESTORE = "restore"
"""By this name the restore of a backup stands among the runs."""


def finished(session: Session, key: str, flow: str, now: datetime, counts: dict[str, Any]) -> None:
    """Note that a flow ran to its end with `now` as its time; a repeated run replaces itself."""
    session.merge(RunRow(id=key, flow=flow, now=now, counts=counts))


def last(session: Session, flow: str | None = None) -> datetime | None:
    """The latest `now` of any finished run (of this flow)."""
    query = select(func.max(RunRow.now))
    if flow is not None:
        query = query.where(RunRow.flow == flow)
    return session.scalar(query)


def mails_of_last(session: Session, runs: int) -> list[int]:
    """How many mails each of the last runs of deadlines owed that owed any, newest first."""
    rows = session.scalars(
        select(RunRow.counts)
        .where(RunRow.flow == "deadlines")
        .order_by(RunRow.now.desc())
        .limit(40 * runs)
    )
    owed = (int(counts.get("messages") or 0) for counts in rows)
    return list(islice((mails for mails in owed if mails), runs))


def deadline_states(session: Session) -> dict[str, int]:
    """How many deadlines stand in each state."""
    rows = session.execute(select(DeadlineRow.state, func.count()).group_by(DeadlineRow.state))
    return {row[0]: row[1] for row in rows}


def notice_statuses(session: Session) -> dict[str, int]:
    """How many notices ended in each status."""
    rows = session.execute(select(NoticeRow.status, func.count()).group_by(NoticeRow.status))
    return {row[0]: row[1] for row in rows}


def report(session: Session, period: str, as_of: datetime) -> Report | None:
    """The report of a period made as of a moment, if there is one."""
    return session.scalar(select(Report).where(Report.period == period, Report.as_of == as_of))
