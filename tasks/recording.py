"""Record: the rows of one look become complaints and events, or wait in quarantine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy.orm import Session

from db import complaints, looks
from db.models import Complaint, Look, PastFacts, QuarantineRow
from settings.mapping import Mapping
from sla.events import Event, Kind, holder, known_at
from tasks.feeds.batch import Batch, Row, SourceTrouble
from tasks.mapping import BadRow, Reader, Reason, Record, given
from tasks.observing import Before, observed
from tasks.office import Office
from tasks.privacy import shortened

CHUNK = 2_000
"""How many rows are held at once."""

ENOUGH_ROWS = 20
"""Of fewer rows a share says nothing: single bad ones just wait in quarantine."""

JUDGED_BY = ("classification", "category", "channel", "promised_due")
"""Facts of a complaint that a rule may ask about: a change calls for a new judgment."""


class TooManyBadRows(SourceTrouble):
    """So much of a file or an answer cannot be read that none of it is taken."""


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

    def add(self, look: Look, reasons: dict[str, int]) -> None:
        """Count one look in."""
        self.files += 1
        self.rows += look.rows
        self.new += look.new
        self.updated += look.updated
        self.unchanged += look.unchanged
        self.quarantined += look.quarantined
        for reason, number in reasons.items():
            self.reasons[reason] = self.reasons.get(reason, 0) + number


def record(
    session: Session, office: Office, name: str, batch: Batch, now: datetime
) -> tuple[Look, dict[str, int]]:
    """Take in one look within the caller's transaction; returns it, and why rows were refused.

    Raises :class:`TooManyBadRows` where more rows are bad than the source allows.
    """
    source = office.site.sources[name]
    look = Look(
        source=name, name=batch.name, sha256=batch.sha256,
        observed_at=min(batch.observed_at, now), recorded_at=now,
        rows=0, new=0, updated=0, unchanged=0, quarantined=0,
    )  # fmt: skip
    previous = looks.last(session, name)
    recorder = _Recorder(session, office, name, source, look, previous, now)
    rows = iter(batch.rows)
    while chunk := list(islice(rows, CHUNK)):
        recorder.take(batch.header, chunk)
    if look.rows >= ENOUGH_ROWS and recorder.bad / look.rows > source.max_bad_share:
        raise TooManyBadRows(
            f"{batch.name}: {recorder.bad} of {look.rows} rows cannot be read"
            f" ({', '.join(recorder.causes)}); nothing of it is taken. Correct the mapping of"
            f" {name} in sources.toml, or raise max_bad_share"
        )
    complaints.wake_undecided(session, name, source.not_before(look.observed_at), now)
    session.add(look)
    if batch.cursor is not None:
        looks.set_cursor(session, name, batch.cursor)
    return look, recorder.reasons


class _Recorder:
    """One look being taken in, chunk by chunk."""

    def __init__(
        self,
        session: Session,
        office: Office,
        name: str,
        source: Mapping,
        look: Look,
        previous: datetime | None,
        now: datetime,
    ) -> None:
        self.session, self.office, self.name = session, office, name
        self.source, self.look, self.now = source, look, now
        self.since = None if previous is None else source.not_before(previous)
        self.reader = Reader(name, source, office.site.directory)
        self.snapshot = source.layout == "snapshot"
        self.words = {word.word: word for word in source.status}
        self.seen: dict[str, int] = {}  # ticket -> hash of its record in this look
        self.reasons: dict[str, int] = {}
        self.causes: dict[str, None] = {}
        self.bad = 0

    def take(self, header: tuple[str, ...], rows: Sequence[Row]) -> None:
        """Read some rows and write what they tell."""
        self.look.rows += len(rows)
        fresh: dict[str, Record] = {}  # the same row twice is one
        for line, row in rows:
            try:
                record = self.reader.record(self.reader.cells(header, row), self.look.observed_at)
                mark = record.mark
                before = self.seen.get(record.ticket)
                if before is None:
                    self.seen[record.ticket] = mark
                    fresh[record.ticket] = record
                elif before != mark:
                    raise BadRow(Reason.DUPLICATE_TICKET, self.source.fields.ticket, record.ticket)
            except BadRow as bad:
                self._quarantine(header, line, row, bad)
        self._write(fresh)

    def _quarantine(
        self, header: tuple[str, ...], line: int, row: tuple[str, ...], bad: BadRow
    ) -> None:
        self.bad += 1
        self.causes.setdefault(f"{bad.reason} in {bad.column}" if bad.column else bad.reason)
        kept = self.reader.kept(header, row, bad.reason)
        held = _quarantined(self.name, self.look.name, line, row, kept, self.source, bad, self.now)
        if looks.quarantine(self.session, held):
            self.look.quarantined += 1
            self.reasons[bad.reason] = self.reasons.get(bad.reason, 0) + 1

    def _write(self, records: dict[str, Record]) -> None:
        session, look, now = self.session, self.look, self.now
        known = complaints.by_ticket(session, self.name, records)
        events = complaints.events_of(session, (row.id for row in known.values()))
        happened: list[tuple[int, Event]] = []
        shown: list[int] = []
        for ticket, row in known.items():
            seen_at = row.seen_at or row.recorded_at
            if look.observed_at < seen_at or (self.snapshot and look.observed_at == seen_at):
                look.unchanged += 1  # an older look found late: what we know is newer
                continue
            shown.append(row.id)
            new, past = self._update(row, records[ticket], events.get(row.id, []), seen_at)
            session.add_all(past)
            happened += [(row.id, event) for event in new]
            if new or past:
                row.next_action_at = now
                look.updated += 1
            else:
                look.unchanged += 1
        session.flush()
        firsts = {
            ticket: [
                *given(record, self.name, now),
                *(self._told(record, None) if self.snapshot else []),
            ]
            for ticket, record in records.items()
            if ticket not in known
        }
        rows = [
            _new(records[ticket], look, now, events, self.snapshot)
            for ticket, events in firsts.items()
        ]
        for ticket, key in complaints.add(session, rows).items():
            happened += [(key, event) for event in firsts[ticket]]
        complaints.add_events(session, happened)
        complaints.seen(session, shown, look.observed_at)
        look.new += len(firsts)

    def _update(
        self, row: Complaint, record: Record, old: Sequence[Event], seen_at: datetime
    ) -> tuple[list[Event], list[PastFacts]]:
        """What a complaint that we know has to tell anew; brings its row up to date."""
        if self.snapshot:
            word = self.words.get(row.state_word or "")
            verified = any(event.kind == Kind.VERIFIED for event in old)
            reopened = max((e.latest for e in old if e.kind == Kind.REOPENED), default=None)
            since_seen = self.source.not_before(seen_at)
            new = self._told(record, Before(word, row.unit, since_seen, verified, reopened))
            unit = record.unit
            if record.status is not None:
                row.state_word = record.status.word
        else:
            new = _corrections(given(record, self.name, self.now), old, self.name, self.now)
            unit = holder(known_at([*old, *new], self.now))
            row.received_at = record.received
        row.unit = unit
        return new, _bring_up_to_date(row, record, self.now)

    def _told(self, record: Record, before: Before | None) -> list[Event]:
        return observed(
            record, before, source=self.name, look=self.look.observed_at,
            previous_look=self.since, now=self.now, bench=self.office.site.bench,
        )  # fmt: skip


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


def _bring_up_to_date(row: Complaint, record: Record, now: datetime) -> list[PastFacts]:
    """Write what the source says now; returns the facts as they were where a rule may ask."""
    before = {name: getattr(row, name) for name in JUDGED_BY}
    for name in (*JUDGED_BY, "title", "anonymous", "secret"):
        if getattr(row, name) != getattr(record, name):
            setattr(row, name, getattr(record, name))
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
    file: str,
    line: int,
    row: tuple[str, ...],
    cells: dict[str, str],
    source: Mapping,
    bad: BadRow,
    now: datetime,
) -> QuarantineRow:
    content = json.dumps(
        [bad.reason, bad.column, bad.value, cells or row], sort_keys=True
    ).casefold()
    value = "" if bad.column == source.fields.title else shortened(bad.value, 80)
    return QuarantineRow(
        source=name,
        file=file,
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
