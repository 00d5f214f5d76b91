"""Maintenance: the nightly backup, the deletion of old data, and the size of the databases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL, get_current_settings
from sqlalchemy import make_url

from db import audit, complaints, retention
from db.backup.create import backup, keep
from db.vacuum import Size, shrink, tidy
from sla.events import ENDING, Event, ImpossibleHistory, Kind, events_as_of
from tasks.common.context import SiteContext

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class BackedUp:
    """The backup of this night, its size in bytes, and the number of older backups removed."""

    path: Path
    size: int
    removed: int


def back_up(context: SiteContext, now: datetime) -> BackedUp:
    """Back up the database and remove expired backups.

    Old backups are removed even if the new one fails, because they may be the reason for a full
    disk.
    """
    site, kept = context.site, context.site.file.keep

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


def forget_texts(context: SiteContext, now: datetime) -> int:
    """Empty the texts of complaints that ended long ago; return their number.

    Title, text, attachments and reporter are emptied, and also the cells of quarantine rows that
    could be read since. Nothing happens unless the site sets a number of days. Mails already sent
    stay unchanged: they are the evidence of all notifications.
    """
    days = context.site.file.keep.texts_days
    if days is None:
        return 0
    before, last, emptied = now - timedelta(days=days), 0, 0
    while True:
        with context.transaction() as session:
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
                what = audit.AuditKind.DATA_DELETED
                for complaint in ended:
                    audit.note(session, what, now, why, complaint=complaint, what_of="texts")
    with context.transaction() as session:
        rows_emptied = retention.forget_quarantined(session, before)
        if rows_emptied:
            why = f"texts are kept for {days} days after a row could be read"
            audit.note(
                session,
                audit.AuditKind.DATA_DELETED,
                now,
                why,
                what_of="quarantine",
                rows=rows_emptied,
            )
    return emptied


def _ended(events: list[Event], now: datetime, before: datetime) -> bool:
    """Check whether a complaint ended before a moment and was not reopened."""
    try:
        changes = [
            e for e in events_as_of(events, now) if e.kind in ENDING or e.kind == Kind.REOPENED
        ]
    except ImpossibleHistory:
        return False
    return bool(changes) and changes[-1].kind in ENDING and changes[-1].latest < before


def tidy_databases(context: SiteContext) -> tuple[Size, Size | None]:
    """Tidy the databases of the site and of Prefect; the second is None if it is on a server."""
    prefect = own_database()
    return tidy(context.engine), shrink(prefect, early=True) if prefect is not None else None


RUNS_A_REQUEST = 50
"""Limit of flow runs that Prefect deletes per request."""


class NotCleaned(RuntimeError):
    """Prefect's server could not delete the flow runs; the text gives the reason."""


@dataclass(frozen=True, slots=True)
class Removed:
    """Numbers of deleted flow runs and of their artifacts."""

    runs: int
    artifacts: int


def remove_runs(before: datetime) -> Removed:
    """Delete the flow runs with a planned start before a moment.

    This includes their task runs, states, logs and artifacts; Prefect itself would leave the
    artifacts. Runs that never ended are deleted too, except those that wait for a person's answer.
    Each request is a transaction of its own. The server deletes events itself (see
    `service.environment`). Raises :class:`NotCleaned`.
    """
    if not PREFECT_API_URL.value():
        raise NotCleaned("there is no Prefect server (PREFECT_API_URL)")
    runs = artifacts = 0
    try:
        with get_client(sync_client=True) as client:
            for batch in _old(client, before):
                named = {"id": {"any_": [str(run) for run in batch]}}
                for artifact in _artifacts(client, named):
                    client.request("DELETE", "/artifacts/{id}", path_params={"id": artifact})
                    artifacts += 1
                body = {"flow_runs": named, "limit": RUNS_A_REQUEST}
                answer = client.request(  # Prefect's list of paths lacks this one
                    "POST",
                    "/flow_runs/bulk_delete",  # type: ignore[arg-type]
                    json=body,
                )
                runs += len(answer.json()["deleted"])
    except (httpx.HTTPError, PrefectHTTPStatusError) as error:
        raise NotCleaned(
            f"Prefect's server removed {runs} runs and then did not answer ({type(error).__name__})"
        ) from None
    return Removed(runs, artifacts)


def _old(client: SyncPrefectClient, before: datetime) -> Iterator[list[UUID]]:
    """Yield the flow runs to delete in batches, always from those that remain."""
    body = {
        "flow_runs": {
            "expected_start_time": {"before_": before.isoformat()},
            "state": {"type": {"not_any_": ["PAUSED"]}},
        },
        "sort": "EXPECTED_START_TIME_ASC",
        "limit": RUNS_A_REQUEST,
    }
    seen: set[UUID] = set()
    while True:
        found = [
            UUID(run["id"]) for run in client.request("POST", "/flow_runs/filter", json=body).json()
        ]
        if not found or seen.issuperset(found):  # no endless loop over runs that cannot be deleted
            return
        seen.update(found)
        yield found


def _artifacts(client: SyncPrefectClient, runs: Mapping[str, object]) -> Iterator[str]:
    body = {"flow_runs": runs, "limit": 200, "offset": 0}
    found = client.request("POST", "/artifacts/filter", json=body).json()
    yield from (artifact["id"] for artifact in found)


def own_database() -> Path | None:
    """Return the file of Prefect's database if it is SQLite on this machine, else None."""
    url = get_current_settings().server.database.connection_url
    if url is None:
        return None
    parsed = make_url(url.get_secret_value())
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    path = Path(parsed.database)
    return path if path.is_file() else None


back_up_task = task(name="back up", task_run_name="back up", cache_policy=NO_CACHE)(back_up)
forget_texts_task = task(name="forget texts", task_run_name="forget texts", cache_policy=NO_CACHE)(
    forget_texts
)
tidy_databases_task = task(name="tidy", task_run_name="tidy", cache_policy=NO_CACHE)(tidy_databases)
remove_runs_task = task(
    name="remove old runs", task_run_name="remove old runs", cache_policy=NO_CACHE
)(remove_runs)
