"""Pull: files of a source become complaints and events, or wait in quarantine with a reason."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from db import complaints, looks
from db.models import Complaint, Look, PastFacts, QuarantineRow
from settings.sources import Source
from sla.events import Event, Kind, holder, known_at
from tasks.mapping import BadRow, Reader, Reason, Record, given
from tasks.observing import Before, observed
from tasks.office import Office
from tasks.privacy import shortened
from tasks.queueing import alert
from tasks.reading import UnreadableFile, digest, not_before, read_sheet, told_time, written_at

JUDGED_BY = ("classification", "category", "channel", "promised_due")
"""Facts of a complaint that a rule may ask about: a change calls for a new judgment."""


@dataclass(slots=True)
class SourceCount:
    """What reading a source brought."""

    source: str
    files: int = 0
    rows: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    quarantined: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)

    def add(self, look: Look) -> None:
        """Count one file in."""
        self.files += 1
        self.rows += look.rows
        self.new += look.new
        self.updated += look.updated
        self.unchanged += look.unchanged
        self.quarantined += look.quarantined


@task(name="pull {source_name}", task_run_name="pull {source_name}", cache_policy=NO_CACHE)
def pull(office: Office, source_name: str, now: datetime) -> SourceCount:
    """Read every file of a source that is new, oldest first, each in a transaction of its own.

    Files made after `now` wait. A file known by its content is not read again, whatever its name.
    Raises `tasks.reading.UnreadableFile` when all others are in and one could not be read.
    """
    source = office.site.sources[source_name]
    place = source.place(office.site.folder)
    if not place.is_dir():
        raise UnreadableFile(f"{place}: no such folder; correct `folder` of {source_name}")
    count = SourceCount(source_name)
    failures = []
    for path in unread(office, source_name, now, count):
        try:
            with office.transaction() as session:
                look = read_file(session, office, source_name, source, path, now, count.reasons)
        except UnreadableFile as error:
            failures.append(str(error))
        else:
            count.add(look)
    with office.transaction() as session:
        _tell_silence(session, office, source_name, source, now)
    if failures:
        raise UnreadableFile("; ".join(failures))
    return count


def _tell_silence(
    session: Session, office: Office, name: str, source: Source, now: datetime
) -> None:
    """Tell the administrator, once, that a source has brought nothing new for too long."""
    last = looks.last(session, name)
    limit = timedelta(hours=source.silent_after_hours)
    if last is not None and limit and now - last > limit:
        since = office.local(last).isoformat(timespec="minutes")
        alert(session, office, "silent_source", {"source": name, "since": since}, now, "intake")


def unread(office: Office, source_name: str, now: datetime, count: SourceCount) -> list[Path]:
    """The files to read now, in the order in which they were made.

    A file is known by its content, under whatever name: an old export that turns up again teaches
    nothing. Only where it repeats the newest one, or has no rows, and says that it was made later,
    it is a look of its own: nothing has changed since.
    """
    source = office.site.sources[source_name]
    with office.transaction() as session:
        read = looks.known(session, source_name)
    contents = {sha256 for sha256, _ in read}
    newest, last = max(((made, sha256) for sha256, made in read), default=(None, ""))
    wanted: list[Path] = []
    for made, told, path in _files(source.place(office.site.folder), source, now):
        if not_before(made, source) > now:
            count.waiting.append(path.name)
            continue
        sha256 = digest(path)
        if sha256 in contents:
            later = told and (newest is None or not_before(made, source) > newest)
            if not later or (sha256 != last and read_sheet(path, source).rows):
                continue
        wanted.append(path)
        contents.add(sha256)
        newest, last = made, sha256
    return wanted


def _files(place: Path, source: Source, now: datetime) -> list[tuple[datetime, bool, Path]]:
    """The files of a folder, oldest first: when each was made, and whether it says so itself."""
    found = []
    for path in place.glob(source.pattern):
        if path.name.startswith((".", "~")) or not path.is_file():
            continue
        try:
            sheet = read_sheet(path, source) if source.observed.needs_sheet else None
            told = told_time(path, sheet, source)
            found.append((told or written_at(path), told is not None, path))
        except UnreadableFile:
            found.append((now, False, path))  # `read_file` says what is wrong
    return sorted(found, key=lambda file: (file[0], file[2].name))


def read_file(
    session: Session,
    office: Office,
    name: str,
    source: Source,
    path: Path,
    now: datetime,
    reasons: dict[str, int],
) -> Look:
    """Read one file into the database within the caller's transaction."""
    sha256 = digest(path)
    sheet = read_sheet(path, source)
    made = min(told_time(path, sheet, source) or written_at(path), now)
    look = Look(
        source=name, name=path.name, sha256=sha256, observed_at=made, recorded_at=now,
        rows=len(sheet.rows), new=0, updated=0, unchanged=0, quarantined=0,
    )  # fmt: skip
    reader = Reader(name, source, office.site.directory)
    records: dict[str, Record] = {}
    for line, row in sheet.rows:
        try:
            record = reader.record(reader.cells(sheet.header, row), made)
            if records.setdefault(record.ticket, record) != record:
                raise BadRow(Reason.DUPLICATE_TICKET, source.fields.ticket, record.ticket)
        except BadRow as bad:
            kept = reader.kept(sheet.header, row, bad.reason)
            held = _quarantined(name, path, line, row, kept, source, bad, now)
            if looks.quarantine(session, held):
                look.quarantined += 1
                reasons[bad.reason] = reasons.get(bad.reason, 0) + 1
    _record(session, office, source, look, records, now)
    session.add(look)
    return look


def _record(
    session: Session,
    office: Office,
    source: Source,
    look: Look,
    records: dict[str, Record],
    now: datetime,
) -> None:
    known = complaints.by_ticket(session, look.source, records)
    previous = looks.last(session, look.source)
    since = None if previous is None else not_before(previous, source)
    events = complaints.events_of(session, (row.id for row in known.values()))
    happened: list[tuple[int, Event]] = []
    fresh: list[Record] = []
    shown: list[int] = []
    snapshot = source.layout == "snapshot"
    words = {word.word: word for word in source.status}

    def told(record: Record, before: Before | None) -> list[Event]:
        return observed(
            record, before, source=look.source, look=look.observed_at,
            previous_look=since, now=now, bench=office.site.bench,
        )  # fmt: skip

    for ticket, record in records.items():
        row = known.get(ticket)
        if row is None:
            fresh.append(record)
            continue
        old = events.get(row.id, [])
        seen_at = row.seen_at or row.recorded_at
        if look.observed_at < seen_at or (snapshot and look.observed_at == seen_at):
            look.unchanged += 1  # an older file found late: what we know is newer
            continue
        shown.append(row.id)
        if snapshot:
            word = words.get(row.state_word or "")
            verified = any(event.kind == Kind.VERIFIED for event in old)
            reopened = max((e.latest for e in old if e.kind == Kind.REOPENED), default=None)
            since_seen = not_before(seen_at, source)
            new = told(record, Before(word, row.unit, since_seen, verified, reopened))
        else:
            new = _corrections(given(record, look.source, now), old, look.source, now)
        past = _bring_up_to_date(row, record, known_at([*old, *new], now), snapshot, now)
        session.add_all(past)
        happened += [(row.id, event) for event in new]
        if new or past:
            row.next_action_at = now
            look.updated += 1
        else:
            look.unchanged += 1
    session.flush()
    firsts = {
        record.ticket: [
            *given(record, look.source, now),
            *(told(record, None) if snapshot else []),
        ]
        for record in fresh
    }
    rows = [_new(record, look, now, firsts[record.ticket], snapshot) for record in fresh]
    for ticket, key in complaints.add(session, rows).items():
        happened += [(key, event) for event in firsts[ticket]]
    complaints.add_events(session, happened)
    complaints.seen(session, shown, look.observed_at)
    complaints.wake_undecided(session, look.source, look.observed_at, now)
    look.new = len(fresh)


def _new(
    record: Record, look: Look, now: datetime, events: list[Event], snapshot: bool
) -> dict[str, Any]:
    return {
        "source": look.source,
        "ticket": record.ticket,
        "received_at": record.received,
        "recorded_at": now,
        "classification": record.classification,
        "category": record.category,
        "channel": record.channel,
        "title": record.title,
        "anonymous": record.anonymous,
        "secret": record.secret,
        "promised_due": record.promised_due,
        "unit": record.unit if snapshot else holder(known_at(events, now)),
        "state_word": record.status.word if record.status else None,
        "seen_at": look.observed_at,
        "next_action_at": now,
    }


def _bring_up_to_date(
    row: Complaint, record: Record, known: Sequence[Event], snapshot: bool, now: datetime
) -> list[PastFacts]:
    """Write what the source says now; returns the facts as they were where a rule may ask."""
    before = {name: getattr(row, name) for name in JUDGED_BY}
    for name in (*JUDGED_BY, "title", "anonymous", "secret"):
        if getattr(row, name) != getattr(record, name):
            setattr(row, name, getattr(record, name))
    row.received_at = record.received
    row.unit = record.unit if snapshot else holder(known)
    if snapshot and record.status is not None:
        row.state_word = record.status.word
    if before == {name: getattr(row, name) for name in JUDGED_BY}:
        return []
    return [PastFacts(complaint_id=row.id, superseded_at=now, **before)]


def _corrections(
    told: Sequence[Event], old: Sequence[Event], source: str, now: datetime
) -> list[Event]:
    """What a row with the times of all steps says anew: a filled, changed or emptied column."""
    standing = {
        event.slot: event for event in old if event.source == source and event.slot
    }  # the last recorded of each slot
    changed = []
    for event in told:
        before = standing.pop(event.slot, None)
        if before is None or before.retracted or _said(before) != _said(event):
            changed.append(event)
    emptied = (event for event in standing.values() if not event.retracted)
    return changed + [replace(event, recorded_at=now, retracted=True) for event in emptied]


def _said(event: Event) -> tuple[str, datetime, str | None]:
    return event.kind, event.latest, event.unit


def _quarantined(
    name: str,
    path: Path,
    line: int,
    row: tuple[str, ...],
    cells: dict[str, str],
    source: Source,
    bad: BadRow,
    now: datetime,
) -> QuarantineRow:
    content = json.dumps(
        [bad.reason, bad.column, bad.value, cells or row], sort_keys=True
    ).casefold()
    value = "" if bad.column == source.fields.title else shortened(bad.value, 80)
    return QuarantineRow(
        source=name,
        file=path.name,
        line=line,
        ticket=shortened(cells.get(source.fields.ticket, ""), 80),
        reason=bad.reason,
        column=bad.column,
        value=value,
        cells=cells,
        fingerprint=hashlib.sha256(content.encode()).hexdigest(),
        recorded_at=now,
        last_seen_at=now,
    )
