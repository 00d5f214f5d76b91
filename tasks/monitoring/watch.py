"""Watchdog: notify the administrators of incidents, once for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from db import watch_state
from db.mailbox import bounces
from db.mails import outbox_status
from db.models import MessageKind
from settings.site import Site
from sla.directory import OfficeHolder, Role
from tasks.common.context import RunContext, SiteContext
from tasks.monitoring import incidents
from tasks.monitoring.incident_log import IncidentLog, IncidentUpdates, update_incidents
from tasks.monitoring.incidents import Incident, IncidentKind
from tasks.notifications.enqueue import enqueue
from tasks.notifications.message import WATCH
from tasks.notifications.message_ids import message_id_header

BY_ALL = frozenset(
    {
        IncidentKind.SILENT,
        IncidentKind.CLOCK,
        IncidentKind.WRONG_CLOCK,
        IncidentKind.CLOCK_JUMP,
        IncidentKind.OUTBOX,
        IncidentKind.DEAD,
        IncidentKind.DISK,
        IncidentKind.CALENDAR,
    }
)
"""Kinds of incidents found with only the database and the disk."""

BY_PREFECT = frozenset({IncidentKind.FAILED, IncidentKind.CRASHED})
"""Kinds of incidents known only to Prefect's server."""


def check_and_notify(
    context: SiteContext,
    now: datetime,
    run_id: str,
    more: Iterable[Incident] = (),
    *,
    runs_until: datetime | None = None,
) -> tuple[IncidentLog, IncidentUpdates]:
    """Check once, and queue a mail to the administrators about new, ongoing or resolved incidents.

    The flow and the external watchdog run the same check and share one memory, so that only one of
    two simultaneous checks sends a mail. The memory and the mail are committed together. `more` are
    incidents of Prefect's flow runs, checked up to `runs_until`.

    While the server takes no mail, a mail that says so would leave only when it is no longer true.
    Failed runs, the external monitor and exit codes say it then; the mail about the end follows.
    """
    with context.run(now, run_id) as run:
        session = run.session
        book = IncidentLog.read(watch_state.recall(session), now)
        found = [*_seen(session, context.site, now, book), *more]
        kinds = BY_ALL if runs_until is None else BY_ALL | BY_PREFECT
        telling = update_incidents(book, found, kinds, now, again_after(context.site))
        book.runs_until = runs_until or book.runs_until
        watch_state.remember(session, book.model_dump_json())
        allowed = timedelta(minutes=context.site.file.watch.waiting_mail_minutes)
        mailed = telling
        if telling and outbox_status.is_stuck(session, now - allowed):
            mailed = telling.without_open(IncidentKind.OUTBOX)
        if mailed:
            notify(run, mailed, now)
    return book, telling


def is_quiet(context: SiteContext, now: datetime) -> bool:
    """Check whether a check would find no incident, with none on record; nothing is stored."""
    with context.consistent_read() as session:
        known = watch_state.recall(session)
        book = IncidentLog.read(known, now)
        found = next(_seen(session, context.site, now, book), None)
    return known is not None and not book.incidents and found is None


def runs_seen_until(context: SiteContext, now: datetime) -> datetime | None:
    """Return the time up to which Prefect's flow runs were checked; None before the first check."""
    with context.consistent_read() as session:
        return IncidentLog.read(watch_state.recall(session), now).runs_until


def _seen(session: Session, site: Site, now: datetime, book: IncidentLog) -> Iterator[Incident]:
    yield from incidents.silences(session, site, now, book.started_at)
    yield from incidents.waiting_mail(session, site, now)
    yield from incidents.dead_mail(session, site, now)
    yield from incidents.full_disks(site, known=bool(book.present(IncidentKind.DISK)))
    yield from incidents.unknown_holidays(site, now)


def again_after(site: Site) -> timedelta:
    """Return the repeat interval for notifications of an ongoing incident."""
    return timedelta(days=site.file.watch.again_after_days)


def notify(run: RunContext, telling: IncidentUpdates, found_at: datetime) -> None:
    """Queue a mail about an update to each administrator.

    `found_at` distinguishes two updates with the same content.
    """
    for holder in administrators(run.site, run.now, bounces.suppressed_addresses(run.session)):
        key = watch_id(run.context, holder, telling, found_at)
        enqueue(run, MessageKind.ALERT, holder, key, detail=alert_detail(telling))


def alert_detail(telling: IncidentUpdates) -> Mapping[str, Any]:
    """Return the content of the mail, as stored with it."""
    return {"alert": WATCH, **telling.detail()}


def watch_id(
    context: SiteContext, holder: OfficeHolder, telling: IncidentUpdates, now: datetime
) -> str:
    """Return the Message-ID of an update to one administrator at a moment."""
    return message_id_header(context, WATCH, holder.email, now.isoformat(), telling.detail())


def administrators(
    site: Site, now: datetime, without: frozenset[str] = frozenset()
) -> tuple[OfficeHolder, ...]:
    """Return the recipients of the watchdog's mails, each address once."""
    today = now.astimezone(site.zone).date()
    found = site.directory.holders(Role.ADMINISTRATOR, None, today, without).offices
    return tuple({holder.email: holder for holder in found}.values())


def stopped(context: SiteContext, now: datetime) -> bool:
    """Check whether an incident is open that an external monitor must learn of."""
    with context.consistent_read() as session:
        return IncidentLog.read(watch_state.recall(session), now).stopped
