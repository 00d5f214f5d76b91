"""Watchdog: notify the administrators of incidents, once for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from db import bounces, watch_state
from db.models import MessageKind
from settings import Site
from sla.directory import Office as Holder
from sla.directory import Role
from tasks.common.context import Office
from tasks.monitoring import incidents
from tasks.monitoring.incident_log import Book, Telling, reckon
from tasks.monitoring.incidents import Cause, Kind
from tasks.notifications.enqueue import message_id, owe
from tasks.notifications.message import WATCH

BY_ALL = frozenset({Kind.SILENT, Kind.CLOCK, Kind.OUTBOX, Kind.DEAD, Kind.DISK, Kind.CALENDAR})
"""Kinds of incidents found with only the database and the disk."""

BY_PREFECT = frozenset({Kind.FAILED, Kind.CRASHED})
"""Kinds of incidents known only to Prefect's server."""


def look(
    office: Office,
    now: datetime,
    run: str,
    more: Iterable[Cause] = (),
    *,
    runs_until: datetime | None = None,
) -> tuple[Book, Telling]:
    """Check once, and queue a mail to the administrators about new, ongoing or resolved incidents.

    The flow and the external watchdog run the same check and share one memory, so that only one of
    two simultaneous checks sends a mail. The memory and the mail are committed together. `more` are
    incidents of Prefect's flow runs, checked up to `runs_until`.
    """
    with office.transaction() as session:
        book = Book.read(watch_state.recall(session), now)
        found = [*_seen(session, office.site, now, book), *more]
        kinds = BY_ALL if runs_until is None else BY_ALL | BY_PREFECT
        telling = reckon(book, found, kinds, now, again_after(office.site))
        book.runs_until = runs_until or book.runs_until
        watch_state.remember(session, book.model_dump_json())
        if telling:
            _tell(session, office, telling, now, run)
    return book, telling


def runs_seen_until(office: Office, now: datetime) -> datetime | None:
    """Return the time up to which Prefect's flow runs were checked; None before the first check."""
    with office.transaction() as session:
        return Book.read(watch_state.recall(session), now).runs_until


def _seen(session: Session, site: Site, now: datetime, book: Book) -> Iterator[Cause]:
    yield from incidents.silences(session, site, now, book.began)
    yield from incidents.waiting_mail(session, site, now)
    yield from incidents.dead_mail(session, site, now)
    yield from incidents.full_disks(site, known=bool(book.present(Kind.DISK)))
    yield from incidents.unknown_holidays(site, now)


def again_after(site: Site) -> timedelta:
    """Return the repeat interval for notifications of an ongoing incident."""
    return timedelta(days=site.file.watch.again_after_days)


def _tell(session: Session, office: Office, telling: Telling, now: datetime, run: str) -> None:
    for holder in administrators(office.site, now, bounces.marked(session)):
        key = watch_id(office, holder, telling, now)
        owe(session, MessageKind.ALERT, holder, key, now, run, detail=told(telling))


def told(telling: Telling) -> Mapping[str, Any]:
    """Return the content of the mail, as stored with it."""
    return {"alert": WATCH, **telling.detail()}


def watch_id(office: Office, holder: Holder, telling: Telling, now: datetime) -> str:
    """Return the Message-ID of an update to one administrator at a moment."""
    return message_id(office, WATCH, holder.email, now.isoformat(), telling.detail())


def administrators(
    site: Site, now: datetime, without: frozenset[str] = frozenset()
) -> tuple[Holder, ...]:
    """Return the recipients of the watchdog's mails, each address once."""
    today = now.astimezone(site.zone).date()
    found = site.directory.holders(Role.ADMINISTRATOR, None, today, without).offices
    return tuple({holder.email: holder for holder in found}.values())


def stopped(office: Office, now: datetime) -> bool:
    """Check whether an incident is open that an external monitor must learn of."""
    with office.transaction() as session:
        return Book.read(watch_state.recall(session), now).stopped
