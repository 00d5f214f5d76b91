"""Maintenance: the nightly backup, the deletion of old data, and the size of the databases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from db import audit, complaints, retention
from db.backups import backup, keep
from db.tidying import Size, shrink, tidy
from sla.events import ENDING, Event, ImpossibleHistory, Kind, known_at
from tasks.office import Office
from tasks.prefect_runs import own_database

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class BackedUp:
    """The backup of this night, its size in bytes, and the number of older backups removed."""

    path: Path
    size: int
    removed: int


@task(name="back up", task_run_name="back up", cache_policy=NO_CACHE)
def back_up(office: Office, now: datetime) -> BackedUp:
    """Back up the database and remove expired backups.

    Old backups are removed even if the new one fails, because they may be the reason for a full
    disk.
    """
    site, kept = office.site, office.site.file.keep

    def clear() -> int:
        return len(
            keep(
                site.backups,
                now,
                daily=kept.daily,
                weekly=kept.weekly,
                monthly=kept.monthly,
                url=site.database_url,
            )
        )

    try:
        made = backup(site.database_url, site.backups, now)
    except Exception:
        clear()
        raise
    return BackedUp(made, made.stat().st_size, clear())


@task(name="forget texts", task_run_name="forget texts", cache_policy=NO_CACHE)
def forget_texts(office: Office, now: datetime) -> int:
    """Empty the texts of complaints that ended long ago; return their number.

    Title, text, attachments and reporter are emptied, and also the cells of quarantine rows that
    could be read since. Nothing happens unless the site sets a number of days. Mails already sent
    stay unchanged: they are the evidence of all notifications.
    """
    days = office.site.file.keep.texts_days
    if days is None:
        return 0
    before, last, emptied = now - timedelta(days=days), 0, 0
    while True:
        with office.transaction() as session:
            rows = retention.with_texts(session, before, last, AT_ONCE)
            if not rows:
                break
            last = rows[-1].id
            events = complaints.events_of(session, [row.id for row in rows])
            ended = [row.id for row in rows if _ended(events.get(row.id, []), now, before)]
            if ended:
                retention.forget(session, ended)
                emptied += len(ended)
                why = f"texts are kept for {days} days after the end of a complaint"
                what = audit.What.DATA_DELETED
                for complaint in ended:
                    audit.note(session, what, now, why, complaint=complaint, what_of="texts")
    with office.transaction() as session:
        rows_emptied = retention.forget_quarantined(session, before)
        if rows_emptied:
            why = f"texts are kept for {days} days after a row could be read"
            audit.note(
                session, audit.What.DATA_DELETED, now, why, what_of="quarantine", rows=rows_emptied
            )
    return emptied


def _ended(events: list[Event], now: datetime, before: datetime) -> bool:
    """Check whether a complaint ended before a moment and was not reopened."""
    try:
        turns = [e for e in known_at(events, now) if e.kind in ENDING or e.kind == Kind.REOPENED]
    except ImpossibleHistory:
        return False
    return bool(turns) and turns[-1].kind in ENDING and turns[-1].latest < before


@task(name="tidy", task_run_name="tidy", cache_policy=NO_CACHE)
def tidy_databases(office: Office) -> tuple[Size, Size | None]:
    """Tidy the databases of the site and of Prefect; the second is None if it is on a server."""
    prefect = own_database()
    return tidy(office.engine), shrink(prefect, early=True) if prefect is not None else None
