"""Watch: what is not well is told to the administrators, once for each cause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from db import bounces, watching
from db.models import MessageKind
from settings import Site
from sla.directory import Office as Holder
from sla.directory import Role
from tasks import causes
from tasks.causes import Cause, Kind
from tasks.envelope import WATCH
from tasks.office import Office
from tasks.queueing import message_id, owe
from tasks.watchbook import Book, Telling, reckon

BY_ALL = frozenset({Kind.SILENT, Kind.CLOCK, Kind.OUTBOX, Kind.DEAD, Kind.DISK, Kind.CALENDAR})
"""What needs only the database and the disk to be seen."""

BY_PREFECT = frozenset({Kind.FAILED, Kind.CRASHED})
"""What only Prefect's server knows."""


def look(
    office: Office,
    now: datetime,
    run: str,
    more: Iterable[Cause] = (),
    *,
    runs_until: datetime | None = None,
) -> tuple[Book, Telling]:
    """Look once, and owe the administrators a mail about what is new, lasts or is over.

    The flow and the watch from outside look alike and remember in one place, so that of two who
    look at the same time only one tells. What is remembered and the mail are committed together.
    `more` are causes among Prefect's runs, which were looked at up to `runs_until`.
    """
    with office.transaction() as session:
        book = Book.read(watching.recall(session), now)
        found = [*_seen(session, office.site, now, book), *more]
        kinds = BY_ALL if runs_until is None else BY_ALL | BY_PREFECT
        telling = reckon(book, found, kinds, now, again_after(office.site))
        book.runs_until = runs_until or book.runs_until
        watching.remember(session, book.model_dump_json())
        if telling:
            _tell(session, office, telling, now, run)
    return book, telling


def runs_seen_until(office: Office, now: datetime) -> datetime | None:
    """Up to when Prefect's runs were looked at; None before the first look."""
    with office.transaction() as session:
        return Book.read(watching.recall(session), now).runs_until


def _seen(session: Session, site: Site, now: datetime, book: Book) -> Iterator[Cause]:
    yield from causes.silences(session, site, now, book.began)
    yield from causes.waiting_mail(session, site, now)
    yield from causes.dead_mail(session, site, now)
    yield from causes.full_disks(site, known=bool(book.present(Kind.DISK)))
    yield from causes.unknown_holidays(site, now)


def again_after(site: Site) -> timedelta:
    """After how long a cause that lasts is told again."""
    return timedelta(days=site.file.watch.again_after_days)


def _tell(session: Session, office: Office, telling: Telling, now: datetime, run: str) -> None:
    for holder in administrators(office.site, now, bounces.marked(session)):
        key = watch_id(office, holder, telling, now)
        owe(session, MessageKind.ALERT, holder, key, now, run, detail=told(telling))


def told(telling: Telling) -> Mapping[str, Any]:
    """What the mail is about, as it is kept with it."""
    return {"alert": WATCH, **telling.detail()}


def watch_id(office: Office, holder: Holder, telling: Telling, now: datetime) -> str:
    """The Message-ID of what is told to somebody at a moment."""
    return message_id(office, WATCH, holder.email, now.isoformat(), telling.detail())


def administrators(
    site: Site, now: datetime, without: frozenset[str] = frozenset()
) -> tuple[Holder, ...]:
    """Who is told, each address once."""
    today = now.astimezone(site.zone).date()
    found = site.directory.holders(Role.ADMINISTRATOR, None, today, without).offices
    return tuple({holder.email: holder for holder in found}.values())


def stopped(office: Office, now: datetime) -> bool:
    """Whether the watch knows of anything that an external monitor shall learn of."""
    with office.transaction() as session:
        return Book.read(watching.recall(session), now).stopped
