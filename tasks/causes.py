"""Causes: what is not well with the pipeline, by its database, disk and calendar."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.orm import Session

from db import watching
from settings import Site

WARN_BEFORE_YEAR_END = timedelta(days=60)
MEGABYTE = 1_000_000

CLOCKS_DIFFER = timedelta(minutes=5)
"""How far the clocks of two machines may be apart without harm."""


class Kind(StrEnum):
    """What a cause is: a key of the words under `watch`."""

    SILENT = "silent"
    CLOCK = "clock"
    DATABASE = "database"
    WATCH = "watch"
    OUTBOX = "outbox"
    DEAD = "dead"
    DISK = "disk"
    CALENDAR = "calendar"
    FAILED = "failed"
    CRASHED = "crashed"


SEEN_TWICE = {Kind.SILENT: timedelta(minutes=10), Kind.DATABASE: timedelta(minutes=5)}
"""How long these must have been noticed before they are told.

After an outage of the whole machine the first cycle ends the silence by itself; a database that is
started anew is away for a moment.
"""

ENDS_AT_ONCE = frozenset(
    {Kind.SILENT, Kind.CLOCK, Kind.DATABASE, Kind.WATCH, Kind.OUTBOX, Kind.DISK}
)
"""Their end is told. The others end in silence when they have not come back for a day."""

STOPS_ALL = frozenset({*ENDS_AT_ONCE, Kind.FAILED, Kind.CRASHED})
"""With one of these an external monitor is not told that all is well."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that is not well. `key` tells it from all others; see `tasks.views.Ill.facts`."""

    kind: Kind
    key: str
    facts: Mapping[str, str] = field(default_factory=dict)


def silences(
    session: Session, site: Site, now: datetime, began: datetime | None
) -> Iterator[Cause]:
    """Flows without a finished run for longer than the site allows, and a clock gone back.

    `began` is since when the watch looks: a flow that has never run is silent since then, or not
    at all where nobody knows. By a clock gone back every flow would seem lively for long.
    """
    allowed = dict(site.file.watch.silent_minutes)
    last = watching.last_runs(session, allowed)
    latest = max(last.values(), default=None)
    if latest is not None and latest > now + CLOCKS_DIFFER:
        yield Cause(Kind.CLOCK, Kind.CLOCK, {"since": latest.isoformat()})
        return
    for flow, minutes in allowed.items():
        since = last.get(flow, began)
        if since is not None and now - since > timedelta(minutes=minutes):
            facts = {"flow": flow, "since": since.isoformat(), "n": str(minutes)}
            yield Cause(Kind.SILENT, f"{Kind.SILENT}/{flow}", facts)


def waiting_mail(session: Session, site: Site, now: datetime) -> Iterator[Cause]:
    """Mail that has been waiting for too long."""
    allowed = timedelta(minutes=site.file.watch.waiting_mail_minutes)
    count, oldest = watching.overdue(session, now - allowed)
    if oldest is not None:
        yield Cause(Kind.OUTBOX, Kind.OUTBOX, {"n": str(count), "since": oldest.isoformat()})


def dead_mail(session: Session, site: Site, now: datetime) -> Iterator[Cause]:
    """Mail that was given up and that nobody has looked after since; each was told at the time."""
    allowed = timedelta(hours=site.file.watch.dead_mail_hours)
    count = watching.given_up(session, now - allowed)
    if count:
        yield Cause(Kind.DEAD, Kind.DEAD, {"n": str(count)})


def full_disks(site: Site, *, known: bool) -> Iterator[Cause]:
    """A disk with less room than the site asks for; one that is `known` needs a quarter more.

    Else a disk at the edge would be told of again and again.
    """
    floor = site.file.watch.disk_free_mb
    for place, free in free_megabytes(site).items():
        if free < floor * (1.25 if known else 1):
            facts = {"free": str(free), "floor": str(floor), "place": str(place)}
            yield Cause(Kind.DISK, Kind.DISK, facts)
            return  # two folders of one disk are one cause


def free_megabytes(site: Site) -> dict[Path, int]:
    """What is left on the disks of the working files and of the database, where it is a file."""
    places = [site.var]
    url = make_url(site.database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        places.append(Path(url.database).absolute().parent)
    return {
        place: shutil.disk_usage(_that_is_there(place)).free // MEGABYTE
        for place in dict.fromkeys(places)
    }


def _that_is_there(place: Path) -> Path:
    """The folder itself, or the nearest above it while nothing has been kept yet."""
    return next(folder for folder in (place, *place.parents) if folder.is_dir())


def unknown_holidays(site: Site, now: datetime) -> Iterator[Cause]:
    """A calendar that ends soon: the joint decree of next year is not in it."""
    until = site.bench.calendar.decreed_until
    if until - now.astimezone(site.zone).date() < WARN_BEFORE_YEAR_END:
        yield Cause(Kind.CALENDAR, Kind.CALENDAR, {"day": until.isoformat()})
