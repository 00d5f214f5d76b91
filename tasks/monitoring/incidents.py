"""Causes: incidents of the pipeline, found in its database, disk and calendar."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.orm import Session

from db import runs
from db.mails import outbox_status
from settings.site import Site

WARN_BEFORE_YEAR_END = timedelta(days=60)
MEGABYTE = 1_000_000

CLOCKS_DIFFER = timedelta(minutes=5)
"""The largest harmless difference between the clocks of two machines."""


class IncidentKind(StrEnum):
    """The kind of an incident; its value is a key of the texts under `watch`."""

    SILENT = "silent"
    CLOCK = "clock"
    """The clock has gone back."""
    WRONG_CLOCK = "wrong_clock"
    """The clock has jumped forward, and another clock has another time."""
    CLOCK_JUMP = "clock_jump"
    """The clock has jumped forward, and nothing confirms its time."""
    DATABASE = "database"
    WATCH = "watch"
    OUTBOX = "outbox"
    DEAD = "dead"
    DISK = "disk"
    CALENDAR = "calendar"
    FAILED = "failed"
    CRASHED = "crashed"


SEEN_TWICE = {
    IncidentKind.SILENT: timedelta(minutes=10),
    IncidentKind.DATABASE: timedelta(minutes=5),
    IncidentKind.CLOCK_JUMP: timedelta(minutes=5),
}
"""How long these incidents must last before a notification.

After an outage of the whole machine the first run ends the silence by itself. A database that
restarts is away for a moment only. A time service needs some minutes after the start of a machine.
"""

ENDS_AT_ONCE = frozenset(
    {
        IncidentKind.SILENT,
        IncidentKind.CLOCK,
        IncidentKind.WRONG_CLOCK,
        IncidentKind.CLOCK_JUMP,
        IncidentKind.DATABASE,
        IncidentKind.WATCH,
        IncidentKind.OUTBOX,
        IncidentKind.DISK,
    }
)
"""Incidents with a notification at their end.

The others end without one, when they have not come back for a day.
"""

STOPS_ALL = frozenset({*ENDS_AT_ONCE, IncidentKind.FAILED, IncidentKind.CRASHED})
"""During one of these incidents the external monitor gets no sign that all is well."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident, identified by `key`; its `facts`: `tasks.text.incidents.IncidentView.facts`."""

    kind: IncidentKind
    key: str
    facts: Mapping[str, str] = field(default_factory=dict)


def silences(
    session: Session, site: Site, now: datetime, began: datetime | None
) -> Iterator[Incident]:
    """Find flows without a finished run for longer than the site allows, and a clock set back.

    `began` is the start of the watchdog's memory. A flow without any run counts as silent since
    then; if `began` is None, it does not count as silent. If the clock went back, the function
    yields only that incident, because every flow would seem to be active for a long time.
    """
    allowed = dict(site.file.watch.silent_minutes)
    last = runs.last_runs(session, allowed)
    latest = max(last.values(), default=None)
    if latest is not None and latest > now + CLOCKS_DIFFER:
        yield Incident(IncidentKind.CLOCK, IncidentKind.CLOCK, {"since": latest.isoformat()})
        return
    for flow, minutes in allowed.items():
        since = last.get(flow, began)
        if since is not None and now - since > timedelta(minutes=minutes):
            facts = {"flow": flow, "since": since.isoformat(), "n": str(minutes)}
            yield Incident(IncidentKind.SILENT, f"{IncidentKind.SILENT}/{flow}", facts)


def waiting_mail(session: Session, site: Site, now: datetime) -> Iterator[Incident]:
    """Find mail that has been waiting for too long.

    Nights and days off do not count for a mail that leaves in the mail hours only.
    """
    allowed = timedelta(minutes=site.file.watch.waiting_mail_minutes)
    hours, in_hours = site.mail_hours, now - allowed
    if hours is not None:
        in_hours = hours.opened_before(now, allowed, site.evaluation_context)
    count, oldest = outbox_status.overdue(session, now - allowed, in_hours)
    if oldest is not None:
        yield Incident(
            IncidentKind.OUTBOX, IncidentKind.OUTBOX, {"n": str(count), "since": oldest.isoformat()}
        )


def dead_mail(session: Session, site: Site, now: datetime) -> Iterator[Incident]:
    """Find mail given up some hours ago and not resent by hand since.

    Each of these mails had its own alert when it was given up.
    """
    allowed = timedelta(hours=site.file.watch.dead_mail_hours)
    count = outbox_status.given_up(session, now - allowed)
    if count:
        yield Incident(IncidentKind.DEAD, IncidentKind.DEAD, {"n": str(count)})


def full_disks(site: Site, *, known: bool) -> Iterator[Incident]:
    """Find a disk with less free space than the site asks for.

    An incident that is already `known` ends only with a quarter more free space. Otherwise a disk
    near the limit would cause alerts again and again.
    """
    floor = site.file.watch.disk_free_mb
    for place, free in free_megabytes(site).items():
        if free < floor * (1.25 if known else 1):
            facts = {"free": str(free), "floor": str(floor), "place": str(place)}
            yield Incident(IncidentKind.DISK, IncidentKind.DISK, facts)
            return  # two folders of one disk are one cause


def free_megabytes(site: Site) -> dict[Path, int]:
    """Return the free space in MB on the disks of the working files and of a file database."""
    places = [site.var]
    url = make_url(site.database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        places.append(Path(url.database).absolute().parent)
    return {
        place: shutil.disk_usage(_that_is_there(place)).free // MEGABYTE
        for place in dict.fromkeys(places)
    }


def _that_is_there(place: Path) -> Path:
    """Return the folder itself, or the nearest existing folder above it."""
    return next(folder for folder in (place, *place.parents) if folder.is_dir())


def unknown_holidays(site: Site, now: datetime) -> Iterator[Incident]:
    """Find a calendar that ends soon: the joint decree for the next year is missing."""
    until = site.evaluation_context.calendar.decreed_until
    if until - now.astimezone(site.zone).date() < WARN_BEFORE_YEAR_END:
        yield Incident(IncidentKind.CALENDAR, IncidentKind.CALENDAR, {"day": until.isoformat()})
