"""Records of finished flow runs and restores, reports already made, and counts for metrics."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import Any, cast

from sqlalchemy import Table, func, select, update
from sqlalchemy.orm import Session

from db.bulk import insert_rows
from db.models import DeadlineRow, FlowRunRecord, NoticeRow, ReportRow, Restore

_FLOW_RUN = cast(Table, FlowRunRecord.__table__)


def key_of(flow: str, now: datetime, part: str = "") -> str:
    """Return the key of a run: its flow and time (UTC), and its part if several share the work."""
    return f"{flow} {now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} {part}".rstrip()


def finished(session: Session, key: str, flow: str, now: datetime, counts: dict[str, Any]) -> None:
    """Record a finished flow run with `now` as its time and its `counts`.

    A repeated run with the same `key` replaces its earlier record.
    """
    session.merge(FlowRunRecord(id=key, flow=flow, now=now, counts=counts))


def add_finished(
    session: Session, finished: Iterable[tuple[str, str, datetime, dict[str, Any]]]
) -> None:
    """Record runs without an earlier record, as :func:`finished` does: key, flow, time, counts."""
    rows = ((key, flow, now, json.dumps(counts)) for key, flow, now, counts in finished)
    insert_rows(session, _FLOW_RUN, ("id", "flow", "now", "counts"), rows)


def last(session: Session, flow: str | None = None) -> datetime | None:
    """Return the latest `now` of any finished run, optionally of one flow only."""
    query = select(func.max(FlowRunRecord.now))
    if flow is not None:
        query = query.where(FlowRunRecord.flow == flow)
    return session.scalar(query)


def last_until(session: Session, moment: datetime) -> datetime | None:
    """Return the time of the last finished run until a moment."""
    return session.scalar(select(func.max(FlowRunRecord.now)).where(FlowRunRecord.now <= moment))


def last_record(session: Session, flow: str) -> FlowRunRecord | None:
    """Return the record of the latest finished run of a flow, with its counts."""
    query = select(FlowRunRecord).where(FlowRunRecord.flow == flow)
    return session.scalar(query.order_by(FlowRunRecord.now.desc()).limit(1))


def last_full_record(session: Session, flow: str) -> FlowRunRecord | None:
    """Return the record of the latest run of a flow that was not idle."""
    is_full = FlowRunRecord.counts["idle"].as_string().is_(None)
    query = select(FlowRunRecord).where(FlowRunRecord.flow == flow, is_full)
    return session.scalar(query.order_by(FlowRunRecord.now.desc()).limit(1))


def last_restore(session: Session) -> datetime | None:
    """Return the time of the last restore from a backup; None if there was none."""
    return session.scalar(select(func.max(Restore.restored_at)))


def unsettled_restores(session: Session) -> list[str]:
    """Return the backups with an unfinished restore: its process ended before the last step."""
    query = select(Restore.backup).where(Restore.settled_at.is_(None)).order_by(Restore.id)
    return list(session.scalars(query))


def settle_restores(session: Session, now: datetime) -> bool:
    """Note that all restores are finished; return False if another process has just done so."""
    unfinished = update(Restore).where(Restore.settled_at.is_(None)).returning(Restore.id)
    return bool(session.scalars(unfinished.values(settled_at=now)).all())


def mails_of_last(session: Session, runs: int) -> list[int]:
    """Return the number of mails queued by each recent deadlines run, newest first.

    Runs without mails are skipped. At most `runs` numbers are returned, from the last 40 * `runs`
    finished deadlines runs.
    """
    rows = session.scalars(
        select(FlowRunRecord.counts)
        .where(FlowRunRecord.flow == "deadlines")
        .order_by(FlowRunRecord.now.desc())
        .limit(40 * runs)
    )
    owed = (int(counts.get("messages") or 0) for counts in rows)
    return list(islice((mails for mails in owed if mails), runs))


def deadline_states(session: Session) -> dict[str, int]:
    """Count the stored deadlines by state."""
    rows = session.execute(select(DeadlineRow.state, func.count()).group_by(DeadlineRow.state))
    return {row[0]: row[1] for row in rows}


def notice_statuses(session: Session) -> dict[str, int]:
    """Count the notices by status."""
    rows = session.execute(select(NoticeRow.status, func.count()).group_by(NoticeRow.status))
    return {row[0]: row[1] for row in rows}


def report(session: Session, period: str, as_of: datetime) -> ReportRow | None:
    """Find the report of this period with this `as_of`; None if it was never made."""
    return session.scalar(
        select(ReportRow).where(ReportRow.period == period, ReportRow.as_of == as_of)
    )


def last_runs(session: Session, flows: Iterable[str]) -> dict[str, datetime]:
    """Return the latest time of a finished run for each of these flows.

    Flows without a run are left out. Each query starts at the newest run and does not read all
    runs.
    """
    found = {}
    for flow in flows:
        newest = (
            select(FlowRunRecord.now)
            .where(FlowRunRecord.flow == flow)
            .order_by(FlowRunRecord.now.desc())
            .limit(1)
        )
        moment = session.scalar(newest)
        if moment is not None:
            found[flow] = moment
    return found
