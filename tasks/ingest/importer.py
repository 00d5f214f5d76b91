"""Import: the rows of one snapshot become complaints and events, or wait in quarantine."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Any

from sqlalchemy.orm import Session

from db import complaints, imports, state_history
from db import quarantine as db_quarantine
from db.models import Complaint, Origin, PastFacts, QuarantineRow, SourceImport, StateSpanRow
from settings.mapping import SourceMapping
from settings.sources import ExchangeSource, FolderSource
from sla.events import ABSENT, Event, Kind, events_as_of, holder
from tasks.common.context import SiteContext
from tasks.ingest.absence import AbsenceWriter
from tasks.ingest.exchange_reader import LONGEST, known_as
from tasks.ingest.open_questions import QuestionLog, Written, doubts, question_receipts
from tasks.ingest.row_parser import (
    FIRST_VALUE,
    MISALIGNED,
    ComplaintRecord,
    RejectionReason,
    event_identity,
    stated_events,
)
from tasks.ingest.row_validator import RejectedRow, RowValidator, ticket_hash
from tasks.ingest.snapshot_diff import (
    OBSERVED,
    ObservedState,
    StateSpan,
    Vocabulary,
    history,
    is_question,
    with_sight,
)
from tasks.sources.base import Extract, RemoteSource, Row, SourceError, Waiting

CHUNK = 2_000
"""Number of rows in memory at once."""

ENOUGH_ROWS = 20
"""Least number of rows for a check of the share of all rejected rows. In a smaller snapshot, rows
with an unknown word just wait in quarantine.
"""

UNUSABLE = MISALIGNED | {
    RejectionReason.MISSING_TICKET,
    RejectionReason.MISSING_DATE,
}
"""Reasons for which a row is no complaint at all: torn, or without ticket or date of receipt. An
impossible date of receipt counts as well. Their share is checked in a file of any size.
"""

PERSONAL = ("text", "attachments", "reporter")
"""Texts stored only if a mapping names them."""

JUDGED_BY = ("classification", "category", "channel", "promised_due")
"""Facts of a complaint that a rule may use: a change requires a new evaluation."""


class AlreadyImported(Exception):
    """Another run has already imported this snapshot."""


class TooManyBadRows(SourceError):
    """Too much of a file or an answer is unreadable, so nothing of it is imported."""


@dataclass(slots=True)
class SourceCount:
    """The result of reading a source.

    `absent` is the number of complaints not shown any more, `drops` lists the imports with fewer
    rows than the one before. `questions` counts the new open questions by column, `answered` those
    that the site's files have answered. `missing` lists the days of the last two weeks, as in
    2026-11-12, with an expected snapshot that did not come.
    """

    source: str
    files: int = 0
    rows: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    quarantined: int = 0
    absent: int = 0
    drops: list[dict[str, object]] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)
    questions: dict[str, int] = field(default_factory=dict)
    answered: int = 0
    waiting: list[Waiting] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    """The files and columns in which date cells and dates written as text are mixed."""

    def add(
        self, look: SourceImport, reasons: Mapping[str, int], questions: Mapping[str, int]
    ) -> None:
        """Add the counts of one import."""
        self.files += 1
        self.rows += look.rows
        self.new += look.new
        self.updated += look.updated
        self.unchanged += look.unchanged
        self.quarantined += look.quarantined
        self.absent += look.absent
        for total, some in ((self.reasons, reasons), (self.questions, questions)):
            for key, number in some.items():
                total[key] = total.get(key, 0) + number


@dataclass(frozen=True, slots=True)
class Imported:
    """One import: its record, the reasons for rejected rows, and the new questions by column."""

    record: SourceImport
    reasons: Mapping[str, int]
    questions: Mapping[str, int]


def import_batch(
    session: Session, office: SiteContext, name: str, batch: Extract, now: datetime
) -> Imported:
    """Import one snapshot in the caller's transaction.

    The snapshots of a source are imported one after another, even by two runs at once. Their order
    does not change the result. Raises :class:`TooManyBadRows` if more rows are bad than the source
    allows, and :class:`AlreadyImported` if another run has imported this snapshot.
    """
    source = office.site.sources[name]
    look = new_import(name, batch.name, batch.sha256, min(batch.observed_at, now), now)
    look.period_from, look.period_until = batch.period or (None, None)
    imports.lock(session, name)
    if imports.is_imported(session, name, batch.sha256, look.observed_at):
        raise AlreadyImported(batch.name)
    recorder = ImportWriter(session, office, name, source, look, now)
    rows = iter(batch.rows)
    while chunk := list(islice(rows, CHUNK)):
        recorder.take(batch.header, chunk)
    _check_share(recorder, batch.name)
    recorder.resolve()
    recorder.finish()
    period = (look.period_from, look.period_until)
    complaints.schedule_undecided(session, name, source.not_before(look.observed_at), now, period)
    recorder.hear(batch.about)
    batch.mixed_dates.extend(sorted(recorder.sieve.reader.mixed_dates))
    if batch.cursor is not None:
        imports.set_cursor(session, name, batch.cursor)
    return Imported(look, recorder.reasons, recorder.questions.opened)


def _check_share(writer: ImportWriter, file: str) -> None:
    """Raise :class:`TooManyBadRows` if more rows are bad than the source allows."""
    rows, source = writer.look.rows, writer.source
    counted = writer.bad if rows >= ENOUGH_ROWS else writer.unusable
    small = rows < ENOUGH_ROWS and not isinstance(source, FolderSource)
    if small or counted <= rows * source.max_bad_share:
        return
    remedy = f"Correct the mapping of {writer.name} in sources.toml, or raise max_bad_share"
    if all(cause in MISALIGNED for cause in writer.causes):
        remedy = "Export the file again, or correct it by hand"
    raise TooManyBadRows(
        f"{file}: {counted} of {rows} rows cannot be read ({', '.join(writer.causes)});"
        f" nothing of it is imported. The first one is in line {writer.first_bad}. {remedy}"
    )


def new_import(
    source: str, name: str, sha256: str, observed_at: datetime, now: datetime
) -> SourceImport:
    """Return a new import record with all counts zero."""
    return SourceImport(
        source=source,
        name=name,
        sha256=sha256,
        observed_at=observed_at,
        recorded_at=now,
        rows=0,
        new=0,
        updated=0,
        unchanged=0,
        quarantined=0,
        absent=0,
    )


class ImportWriter:
    """Writes one snapshot to the database, in chunks of rows."""

    def __init__(
        self,
        session: Session,
        office: SiteContext,
        name: str,
        source: SourceMapping,
        look: SourceImport,
        now: datetime,
        questions: QuestionLog | None = None,
    ) -> None:
        self.session, self.office, self.name = session, office, name
        self.source, self.look, self.now = source, look, now
        directory, unit = office.site.directory, office.site.file.administrator_unit
        self.questions = questions or QuestionLog(
            session, name, source, directory, look.observed_at, now
        )
        self.answers = self.questions.answers
        self.sieve = RowValidator(name, source, directory, look.observed_at, unit, self.answers)
        self.snapshot = source.layout == "snapshot"
        self.reasons: dict[str, int] = {}
        self.causes: dict[str, None] = {}
        self.bad = 0
        self.unusable = 0
        self.first_bad = 0
        received = source.fields.received
        self._received = (received,) if isinstance(received, str) else received
        self.origins: set[str] = set()
        self._shown: set[int] = set()
        self._shown_again: list[int] = []
        self._rejected: set[str] = set()
        self._lost_rows = 0
        self._seen_before: dict[int, datetime] = {}
        self._looks_before: dict[datetime, datetime | None] = {}

    @cached_property
    def words(self) -> Vocabulary:
        """The meaning of the words in the state spans."""
        return self.questions.vocabulary(self.source, self.office.site.file.administrator_unit)

    @cached_property
    def _absence(self) -> AbsenceWriter:
        return AbsenceWriter(self.session, self.name, self.source, self.look, self.now)

    @cached_property
    def _around(self) -> state_history.NeighbouringSnapshots:
        return state_history.NeighbouringSnapshots(self.session, self.name, self.look.observed_at)

    def take(self, header: tuple[str, ...], rows: Sequence[Row]) -> None:
        """Parse some rows and write the complaints and events in them."""
        self.look.rows += len(rows)
        cells = dict(rows)
        fresh: list[ComplaintRecord] = []
        receipts: list[tuple[str, ...]] = []
        for line, found in self.sieve.validate(header, rows):
            if isinstance(found, ComplaintRecord):
                fresh.append(found)
                receipts.append(cells[line])
            else:
                self.quarantine(found)
        self.write(self._with_receipts_questioned(header, fresh, receipts))

    def _with_receipts_questioned(
        self, header: tuple[str, ...], records: list[ComplaintRecord], rows: Sequence[Sequence[str]]
    ) -> list[ComplaintRecord]:
        """Ask about dates of receipt that are far from those of the neighbouring rows."""
        columns = self.sieve.reader.receipt_columns
        places = [header.index(column) for column in columns]

        def text(n: int) -> str:
            row = rows[n]
            return " ".join(row[place].strip() for place in places if place < len(row))

        return question_receipts(
            records, text, columns[0], self.source.suspicious_days, self.answers
        )

    def quarantine(self, bad: RejectedRow) -> None:
        """Store a row that cannot be read in the quarantine."""
        self.bad += 1
        if bad.key:
            self._rejected.add(bad.key)
        else:
            self._lost_rows += 1
        self.unusable += self._is_unusable(bad)
        self.first_bad = self.first_bad or bad.line
        self.causes.setdefault(f"{bad.reason} in {bad.column}" if bad.column else bad.reason)
        if db_quarantine.quarantine(self.session, quarantine_row(bad, self.look, self.now)):
            self.look.quarantined += 1
            self.reasons[bad.reason] = self.reasons.get(bad.reason, 0) + 1

    def _is_unusable(self, bad: RejectedRow) -> bool:
        undated = bad.reason == RejectionReason.BAD_DATE and bad.column in self._received
        return undated or bad.reason in UNUSABLE

    def resolve(self) -> None:
        """Resolve quarantine rows of tickets that this snapshot has readable."""
        waiting = db_quarantine.waiting(self.session, self.name, self.look.observed_at)
        if waiting:
            readable = {ticket_hash(key) for key in self.sieve.keys}
            for row in waiting:
                if row.ticket_hash in readable:
                    row.resolved_at = self.now

    def write(self, records: Iterable[ComplaintRecord]) -> None:
        """Write these records, each of a different complaint."""
        by_origin: dict[str, dict[str, ComplaintRecord]] = {}
        for record in records:
            by_origin.setdefault(record.origin, {})[record.ticket] = record
        for origin, some in by_origin.items():
            self.origins.add(origin)
            writer = self._from(origin)
            writer._write(some)
            if writer is not self:
                writer.settle_shown()

    def _from(self, origin: str) -> ImportWriter:
        """Return the import writer for a source of another installation."""
        if not origin:
            return self
        name = known_as(self.name, origin)
        return ImportWriter(
            self.session, self.office, name, self.source, self.look, self.now, self.questions
        )

    def _write(self, records: dict[str, ComplaintRecord]) -> None:
        """Write these records, given by ticket."""
        look, at = self.look, self.look.observed_at
        known = complaints.existing(self.session, self.name, records)
        same: list[int] = []
        told: dict[str, ComplaintRecord] = {}
        for ticket, (key, seen_at, mark, absent_since) in known.items():
            if absent_since is not None:
                self._shown_again.append(key)
            if records[ticket].key in self._rejected:
                self._seen_before[key] = seen_at
            newer = at > seen_at or (at == seen_at and not self.snapshot)
            if newer and mark == records[ticket].content_hash:
                same.append(key)
            elif newer or (self.snapshot and at < seen_at):
                told[ticket] = records[ticket]
        complaints.touch(self.session, same, at)
        new = {ticket: record for ticket, record in records.items() if ticket not in known}
        self.questions.ask((*told.values(), *new.values()))
        updated = self._update_all(told)
        added = self._add_all(new)
        self._shown.update(each.id for each in known.values())
        self._shown.update(added.values())
        self._link(known, told, new, added)
        look.new += len(new)
        look.updated += updated
        look.unchanged += len(known) - updated

    def _link(
        self,
        known: Mapping[str, complaints.Existing],
        told: Mapping[str, ComplaintRecord],
        new: Mapping[str, ComplaintRecord],
        added: Mapping[str, int],
    ) -> None:
        """Note which of the changed and new complaints show a value with a question."""
        at = self.look.observed_at
        written = [Written(key, new[ticket], newest=True) for ticket, key in added.items()]
        for ticket, record in told.items():
            seen_at = known[ticket].seen_at
            written.append(Written(known[ticket].id, record, at >= seen_at, seen_at))
        self.questions.link(written)

    def finish(self) -> None:
        """Store the import. If it arrived late, derive again the events that assumed no snapshot
        here.
        """
        source, at = self.source, self.look.observed_at
        if self.snapshot:
            self.look.shown = state_history.packed(self._shown)
        self._settle_absences()
        self.session.add(self.look)
        self.questions.close_idle()
        later = imports.after(self.session, self.name, at) if self.snapshot else None
        if later is None:
            return
        earlier = imports.before(self.session, self.name, at)
        self.session.flush()
        self._looks_before.clear()
        fresh_since = source.not_before(at)
        fresh_before = None if earlier is None else source.not_before(earlier)
        span = (fresh_since, None) if fresh_before is None else (fresh_before, fresh_since)
        rows = state_history.first_seen(self.session, self.name, later, *span)
        self._retell(rows, lambda row, runs: (runs, self._history(runs, row.received_at)))

    def settle_shown(self) -> None:
        """Withdraw or renew the doubts about the complaints that this import shows."""
        self.session.flush()
        self._absence.shown(self._shown if self._absence.is_late else self._shown_again)

    def _settle_absences(self) -> None:
        """Update the doubts about complaints that this import shows or should have shown."""
        for writer, tickets in self._rejected_by_origin():
            known = complaints.existing(self.session, writer.name, tickets)
            disputed = {each.id for each in known.values()} & writer._shown
            writer._shown_again = [key for key in writer._shown_again if key not in disputed]
            writer._absence.unreadable(known, writer._shown, writer._seen_before)
        self.settle_shown()
        if self.source.shows_everything:
            period = (self.look.period_from, self.look.period_until)
            self.look.absent = self._absence.not_shown(period)

    def _rejected_by_origin(self) -> Iterator[tuple[ImportWriter, list[str]]]:
        """Yield the tickets of rejected rows, with the import writer for their source."""
        tickets: dict[str, list[str]] = {}
        for key in sorted(self._rejected):
            origin = key.partition("/")[0] if isinstance(self.source, ExchangeSource) else ""
            tickets.setdefault(origin, []).append(key.removeprefix(f"{origin}/"))
        for origin, some in tickets.items():
            yield self._from(origin), some

    def hear(self, about: Iterable[RemoteSource]) -> None:
        """Store the other installation's statements about its sources.

        A source without a statement keeps the one on record. Without any statement it is assumed to
        show every kind of event. If this import has rejected rows of unknown complaints, their
        sources stay known until the import before.
        """
        told = {each.source: each for each in about}
        before = imports.origins(self.session, self.now)
        everything = frozenset(Kind)
        for origin in sorted(self.origins - told.keys() - {""}):
            if known_as(self.name, origin) not in before:
                told[origin] = RemoteSource(
                    origin, self.source.system, everything, {}, self.look.observed_at
                )
        for origin, each in told.items():
            name = known_as(self.name, origin)
            if not origin or len(name) > LONGEST:
                continue
            looked = min(each.imported_until or self.look.observed_at, self.look.observed_at)
            if self._lost_rows and name in before:
                looked = before[name].imported_until or looked
            facts = {
                "system": each.system,
                "sees": sorted(each.sees),
                "shown_later": dict(each.shown_later),
            }
            self.session.add(
                Origin(
                    source=name,
                    observed_at=self.look.observed_at,
                    recorded_at=self.now,
                    imported_until=looked,
                    facts=facts,
                )
            )
            if name in before and before[name].facts != facts:
                complaints.schedule_evaluation(self.session, name, self.now)
            else:
                complaints.schedule_undecided(self.session, name, looked, self.now)

    def amend(self) -> None:
        """Add the complaints shown by this snapshot to its import record, written by an earlier
        run. The doubts about them are withdrawn or renewed.
        """
        self.settle_shown()
        if self.snapshot:
            state_history.add(self.session, self.name, self.look.observed_at, self._shown)

    def derive_again(
        self,
        rows: Iterable[Complaint],
        change: Callable[[Complaint, list[StateSpan]], list[StateSpan]],
    ) -> set[int]:
        """Derive the observed events of complaints again, after a change of their state spans or of
        the meaning of a word; return the ids of those with another event.
        """

        def again(row: Complaint, runs: list[StateSpan]) -> tuple[list[StateSpan], list[Event]]:
            runs = change(row, runs)
            return runs, self._history(runs, row.received_at)

        return self._retell([row for row in rows if row.shown_since is not None], again)

    def _update_all(self, records: dict[str, ComplaintRecord]) -> int:
        """Update complaints; return the number of those with a change."""
        rows = complaints.by_ticket(self.session, self.name, records) if records else {}
        if not self.snapshot:
            return self._update_histories(rows, records)

        def seen_anew(row: Complaint, runs: list[StateSpan]) -> tuple[list[StateSpan], list[Event]]:
            record = records[row.ticket]
            runs = with_sight(
                runs,
                self.questions.state(record),
                self.look.observed_at,
                lambda: self._around(row.id),
            )
            return runs, self._history(runs, row.received_at)

        return len(self._retell(rows.values(), seen_anew, records))

    def _update_histories(
        self, rows: dict[str, Complaint], records: dict[str, ComplaintRecord]
    ) -> int:
        events = complaints.events_of(self.session, (row.id for row in rows.values()))
        happened: list[tuple[int, Event]] = []
        updated = 0
        for ticket, row in rows.items():
            record, old = records[ticket], events.get(row.id, [])
            told = stated_events(record, self.name, self.now)
            told += self._doubts(record, old, row.seen_at)
            if record.history:
                new = _unheard(told, old)
            else:
                new = _corrections(told, old, self.name, self.now)
            past = _bring_up_to_date(row, record, self.now)
            row.unit = _unit(record, [*old, *new], self.now)
            row.seen_at = self.look.observed_at
            updated += self._note(row, new, past, happened)
        complaints.add_events(self.session, happened)
        return updated

    def _retell(
        self,
        rows: Iterable[Complaint],
        tell: Callable[[Complaint, list[StateSpan]], tuple[list[StateSpan], list[Event]]],
        records: dict[str, ComplaintRecord] | None = None,
    ) -> set[int]:
        """Derive the observed events of complaints again, and append the differences.

        Return the ids of the complaints with a change.
        """
        rows = list(rows)
        keys = [row.id for row in rows]
        events = complaints.events_of(self.session, keys)
        past_sightings = state_history.of(self.session, keys)
        happened: list[tuple[int, Event]] = []
        gone: list[int] = []
        come: list[dict[str, object]] = []
        updated: set[int] = set()
        for row in rows:
            record = (records or {}).get(row.ticket)
            newest = row.seen_at is None or self.look.observed_at > row.seen_at
            past: list[PastFacts] = []
            old = events.get(row.id, [])
            if record is not None and newest:
                past = _bring_up_to_date(row, record, self.now)
                stated = stated_events(record, self.name, self.now)
                stated += self._doubts(record, old, row.seen_at)
            else:
                stated = []
                old = [event for event in old if event.source_field.startswith(OBSERVED)]
            before = {_run(sighting): sighting.id for sighting in past_sightings.get(row.id, [])}
            runs, told = tell(row, [*before, *_present(row)])
            gone += [key for run, key in before.items() if run not in runs[:-1]]
            come += [_past(row.id, run) for run in runs[:-1] if run not in before]
            _show(row, runs, self.words)
            new = _corrections([*stated, *told], old, self.name, self.now)
            if self._note(row, new, past, happened):
                updated.add(row.id)
        self.session.flush()
        state_history.replace(self.session, gone, come)
        complaints.add_events(self.session, happened)
        return updated

    def _doubts(
        self, record: ComplaintRecord, old: Sequence[Event], seen_at: datetime | None
    ) -> list[Event]:
        """Return the doubts that follow from the unreadable cells of a row."""
        if not record.unmapped:
            return []
        seen_at = seen_at and self.source.not_before(seen_at)
        at = self.look.observed_at
        standing = _standing(old, self.name)
        return doubts(record, self.name, at, self.now, standing, seen_at, of_spans=self.snapshot)

    def _note(
        self,
        row: Complaint,
        new: Sequence[Event],
        past: Sequence[PastFacts],
        happened: list[tuple[int, Event]],
    ) -> bool:
        """Store the changes of a complaint; return whether there are any."""
        self.session.add_all(past)
        happened += [(row.id, event) for event in new]
        if new or past or self.session.is_modified(row):
            row.changed_at = self.now
        if new or past:
            row.next_action_at = self.now
        return bool(new or past)

    def _add_all(self, records: dict[str, ComplaintRecord]) -> dict[str, int]:
        """Add complaints seen for the first time; return their ids by ticket."""
        look, now = self.look, self.now
        firsts: dict[str, list[Event]] = {}
        for ticket, record in records.items():
            firsts[ticket] = stated_events(record, self.name, now)
            if record.unmapped:
                firsts[ticket] += self._doubts(record, (), None)
            if self.snapshot:
                run = StateSpan(self.questions.state(record), look.observed_at, look.observed_at)
                firsts[ticket] += self._history([run], record.received)
        rows = [
            _new(self.name, records[ticket], look, now) | self._state(records[ticket], events)
            for ticket, events in firsts.items()
        ]
        keys = complaints.add(self.session, rows)
        complaints.add_events(
            self.session, ((keys[ticket], event) for ticket in keys for event in firsts[ticket])
        )
        return keys

    def _state(self, record: ComplaintRecord, events: list[Event]) -> dict[str, Any]:
        """Return the columns of a new complaint about its present state."""
        state, at = self.questions.state(record), self.look.observed_at if self.snapshot else None
        return {
            "unit": record.unit if self.snapshot else _unit(record, events, self.now),
            "unit_question_id": _question(state.unit) if self.snapshot else None,
            "state": state.word,
            "status_at": state.status_at,
            "shown_since": at,
            "first_seen_at": at,
        }

    def _history(self, runs: Sequence[StateSpan], received: datetime) -> list[Event]:
        first = runs[0].first
        if first not in self._looks_before:
            before = imports.before(self.session, self.name, first)
            self._looks_before[first] = before and self.source.not_before(before)
        return history(
            runs,
            received,
            self.words,
            source=self.name,
            previous_look=self._looks_before[first],
            not_before=self.source.not_before,
            now=self.now,
            bench=self.office.site.evaluation_context,
        )


def _run(past: StateSpanRow) -> StateSpan:
    return StateSpan(
        ObservedState(past.state, past.unit, past.status_at), past.first_at, past.last_at
    )


def _present(row: Complaint) -> list[StateSpan]:
    """Return the present state span of a complaint, since its last change."""
    if row.shown_since is None or row.seen_at is None:
        return []
    number = row.unit_question_id
    unit = row.unit if number is None else f"?{number}"
    state = ObservedState(row.state, unit, row.status_at)
    return [StateSpan(state, row.shown_since, row.seen_at)]


def _past(complaint: int, run: StateSpan) -> dict[str, object]:
    return {
        "complaint_id": complaint,
        "state": run.state.word,
        "unit": run.state.unit,
        "status_at": run.state.status_at,
        "first_at": run.first,
        "last_at": run.last,
    }


def _show(row: Complaint, runs: Sequence[StateSpan], words: Vocabulary) -> None:
    last = runs[-1]
    row.state, row.status_at = last.state.word, last.state.status_at
    row.unit, row.unit_question_id = words.unit(last.state.unit), _question(last.state.unit)
    row.first_seen_at, row.shown_since, row.seen_at = runs[0].first, last.first, last.last


def _question(text: str | None) -> int | None:
    """Return the number of the question in a state span, or None."""
    return int(text[1:]) if text is not None and is_question(text) else None


def _new(source: str, record: ComplaintRecord, look: SourceImport, now: datetime) -> dict[str, Any]:
    return {
        "source": source,
        "ticket": record.ticket,
        "received_at": record.received,
        "recorded_at": now,
        "classification": record.classification,
        "category": record.category,
        "channel": record.channel,
        "title": record.title,
        **{name: getattr(record, name) for name in PERSONAL},
        "anonymous": record.anonymous,
        "secret": record.secret,
        "promised_due": record.promised_due,
        "seen_at": look.observed_at,
        "content_hash": record.content_hash,
        "next_action_at": now,
        "changed_at": now,
    }


def _unit(record: ComplaintRecord, events: Sequence[Event], now: datetime) -> str | None:
    """Return the unit in charge of a complaint by its events, or as another installation
    states it.
    """
    return (record.unit if record.history else None) or unit_in_charge(events, now)


def unit_in_charge(events: Iterable[Event], now: datetime) -> str | None:
    """Return the unit in charge of a complaint by its events."""
    return holder(events_as_of(events, now))


def _bring_up_to_date(row: Complaint, record: ComplaintRecord, now: datetime) -> list[PastFacts]:
    """Write the source's present facts; return the former ones if a rule may use them."""
    before = {name: getattr(row, name) for name in JUDGED_BY}
    for name in (*JUDGED_BY, "title", *PERSONAL, "anonymous", "secret"):
        if getattr(row, name) != getattr(record, name):
            setattr(row, name, getattr(record, name))
    row.received_at, row.content_hash = record.received, record.content_hash
    if before == {name: getattr(row, name) for name in JUDGED_BY}:
        return []
    return [PastFacts(complaint_id=row.id, superseded_at=now, **before)]


def _corrections(
    told: Sequence[Event], old: Sequence[Event], source: str, now: datetime
) -> list[Event]:
    """Return the differences between stated and stored events: new, changed or retracted ones."""
    standing = _standing(old, source)
    changed = []
    for event in told:
        before = standing.pop(event.source_field, None)
        if before is not None and FIRST_VALUE in event.source_field:
            continue
        if before is not None and not before.retracted and _same_doubt(before, event):
            continue
        if before is None or before.retracted or _said(before) != _said(event):
            changed.append(event)
    emptied = (
        event
        for event in standing.values()
        if not event.retracted and FIRST_VALUE not in event.source_field
    )
    return changed + [replace(event, recorded_at=now, retracted=True) for event in emptied]


def _standing(events: Iterable[Event], source: str) -> dict[str, Event]:
    """Return the last recorded event of each source field."""
    return {
        event.source_field: event
        for event in events
        if event.source == source and event.source_field not in ("", ABSENT)
    }


def _same_doubt(before: Event, event: Event) -> bool:
    """Check whether a doubt about a field is on record: it then goes back to its first import.

    A doubt derived from state spans is replaced, because an older snapshot may have changed it.
    """
    both = before.is_doubt and event.is_doubt and before.kind == event.kind
    return both and not event.source_field.startswith(OBSERVED)


def _unheard(told: Sequence[Event], old: Sequence[Event]) -> list[Event]:
    """Return the events of the exchange format that are not stored yet, each as often as stated."""
    heard = Counter(map(event_identity, old))
    new = []
    for event in told:
        if heard[event_identity(event)]:
            heard[event_identity(event)] -= 1
        else:
            new.append(event)
    return new


def _said(event: Event) -> tuple[object, ...]:
    return event.kind, event.latest, event.earliest, event.knowledge, event.unit


def quarantine_row(bad: RejectedRow, look: SourceImport, now: datetime) -> QuarantineRow:
    """Return a row of this snapshot as a quarantine row.

    A sheet is named after its file, as a member of a ZIP archive is.
    """
    within = f"/{bad.sheet}" if bad.sheet and not look.name.endswith(f"/{bad.sheet}") else ""
    content = json.dumps([*bad.content, bad.cells], sort_keys=True).casefold()
    return QuarantineRow(
        source=look.source,
        file=f"{look.name}{within}"[-255:],
        line=bad.line,
        ticket=bad.ticket,
        reason=bad.reason,
        column=bad.column,
        value=bad.value,
        cells=bad.cells,
        fingerprint=hashlib.sha256(content.encode()).hexdigest(),
        recorded_at=now,
        last_seen_at=now,
        sha256=look.sha256,
        observed_at=look.observed_at,
        last_observed_at=look.observed_at,
        ticket_hash=bad.ticket_hash,
    )
