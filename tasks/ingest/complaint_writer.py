"""Write the complaints and events of one extract to the database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from db import complaints, imports, state_history
from db.models import Complaint, PastFacts, QuestionRole
from settings.mapping import EventColumn
from sla.engine.context import UNDETERMINED
from sla.events import HANDOVERS, Event
from tasks.ingest.absence import AbsenceWriter
from tasks.ingest.changes import (
    event_changes,
    hide,
    last_events,
    missing_events,
    new_complaint,
    past_facts,
    unit_in_charge,
    unit_of_record,
    update_facts,
)
from tasks.ingest.exchange.reader import EVENTS, OWN_DOUBTS, known_as
from tasks.ingest.first_values import FirstValues
from tasks.ingest.import_target import ImportTarget
from tasks.ingest.officials.completing_rows import write_steps
from tasks.ingest.open_questions import QuestionLog, Written
from tasks.ingest.records import (
    Answers,
    ComplaintRecord,
    Secrecy,
    event_identity,
    has_undated,
    kept_hidden,
    stated_events,
    value_hash,
)
from tasks.ingest.row_doubts import (
    Lost,
    OlderRow,
    doubts,
    lasting_events,
    lost_steps,
    question_emptied,
    question_lost_classification,
    question_moved_receipt,
    question_vanished,
    question_vanished_unit,
    with_known_units,
)
from tasks.ingest.snapshot_diff import (
    OBSERVED,
    StateSpan,
    Vocabulary,
    present_unit,
    with_state,
)
from tasks.ingest.state_spans import SpanChanges, SpanEvents, question_number

Derivation = Callable[[Complaint, list[StateSpan]], tuple[list[StateSpan], list[Event]]]
"""Returns the new state spans of a complaint, and the events that follow from them."""


class ComplaintWriter:
    """Writes the complaints of one source.

    `name` is the source of the complaints: the source of the import, or one of another installation
    in it. `new`, `updated` and `unchanged` count the written complaints.
    """

    def __init__(self, target: ImportTarget, questions: QuestionLog, name: str) -> None:
        self.target, self.questions, self.name = target, questions, name
        self.mapping, self.is_snapshot = target.mapping, target.is_snapshot
        self.new = self.updated = self.unchanged = self.antedated = 0
        self.still_hidden: list[str] = []
        """The tickets of changed rows that do not hide their report any more."""
        self._far = timedelta(days=target.mapping.suspicious_days)
        self.shown: set[int] = set()
        self._shown_again: list[int] = []
        self._seen_before: dict[int, datetime] = {}
        self._loaded: dict[int, list[Event]] = {}
        self._derived = SpanEvents(target, name)

    @cached_property
    def words(self) -> Vocabulary:
        """The meaning of the words in the state spans."""
        return self.questions.vocabulary(self.mapping, self.target.administrator_unit)

    @cached_property
    def _answers(self) -> Answers:
        return self.questions.answers

    @cached_property
    def absence(self) -> AbsenceWriter:
        """The writer of doubts about complaints that this import does not show."""
        return AbsenceWriter(self.target, self.name)

    @cached_property
    def _neighbours(self) -> state_history.NeighbouringSnapshots:
        return state_history.NeighbouringSnapshots(
            self.target.session, self.name, self.target.observed_at
        )

    def write(self, records: Mapping[str, ComplaintRecord], rejected: Collection[str] = ()) -> None:
        """Write these records, given by ticket.

        `rejected` has the keys of tickets with another, rejected row in the same extract.
        """
        session, at = self.target.session, self.target.observed_at
        if self.mapping.completes is not None:
            records = self._without_completing(self.mapping.completes, records)
        known = complaints.existing(session, self.name, records)
        hidden = {
            ticket: kept_hidden(records[ticket], secrecy)
            for ticket, before in known.items()
            if (secrecy := _secrecy(before))
        }
        records = {**records, **hidden}
        same: list[int] = []
        changed: dict[str, ComplaintRecord] = {}
        newer: dict[str, complaints.Existing] = {}
        older: dict[str, ComplaintRecord] = {}
        hiding: dict[str, ComplaintRecord] = {}
        for ticket, before in known.items():
            record, seen_at = records[ticket], before.seen_at
            if before.absent_since is not None:
                self._shown_again.append(before.id)
            if record.key in rejected:
                self._seen_before[before.id] = seen_at
            is_newer = at > seen_at or (at == seen_at and not self.is_snapshot)
            if is_newer and before.content_hash == record.content_hash:
                same.append(before.id)
            elif is_newer or (self.is_snapshot and at < seen_at):
                changed[ticket] = record
                self.antedated += self._is_antedated(record, before)
                if is_newer:
                    newer[ticket] = before
                    self.still_hidden += [ticket] * record.still_hidden
            elif self._may_have_lost(record, before):
                older[ticket] = record
            if not is_newer and (record.anonymous or record.secret) and not _secrecy(before):
                hiding[ticket] = record
        self._hide(hiding)
        changed |= self._compared(newer, changed)
        complaints.touch(session, same, at)
        new = {ticket: record for ticket, record in records.items() if ticket not in known}
        self.questions.ask((*changed.values(), *new.values()))
        updated = self._update_all(changed) + self._question_lost(older, known)
        added = self._add_all(new)
        self.shown.update(each.id for each in known.values())
        self.shown.update(added.values())
        self._link(known, changed, new, added)
        self.new += len(new)
        self.updated += updated
        self.unchanged += len(known) - updated

    def _hide(self, records: Mapping[str, ComplaintRecord]) -> None:
        """Hide complaints that a row older than the newest one asks to hide."""
        rows = complaints.by_ticket(self.target.session, self.name, records) if records else {}
        for ticket, row in rows.items():
            hide(row, records[ticket], self.target.now)

    def _without_completing(
        self, mailbox: str, records: Mapping[str, ComplaintRecord]
    ) -> Mapping[str, ComplaintRecord]:
        """Write the steps of complaints of a mailbox; return the records of other complaints.

        An import that is older than the last one says nothing new about them.
        """
        last = imports.last(self.target.session, self.target.name)
        is_late = last is not None and self.target.observed_at < last
        written = write_steps(self.target, mailbox, records, is_late=is_late)
        self.updated += sum(written.values())
        self.unchanged += len(written) - sum(written.values())
        return {ticket: record for ticket, record in records.items() if ticket not in written}

    def _is_antedated(self, record: ComplaintRecord, before: complaints.Existing) -> bool:
        """Check whether a row has a far earlier date of receipt than its complaint."""
        return timedelta(0) < self._far < before.received_at - record.received

    def _compared(
        self, known: Mapping[str, complaints.Existing], records: Mapping[str, ComplaintRecord]
    ) -> dict[str, ComplaintRecord]:
        """Return the changed rows of these complaints, with questions about doubtful changes.

        These are a lost classification, a lost date of a step, and a far earlier date of receipt as
        long as the source shows it. Another installation has asked such questions about its
        complaints itself.
        """
        fields = self.mapping.fields
        column = fields.received if isinstance(fields.received, str) else fields.received[0]
        moved = self.questions.moved_receipts(before.id for before in known.values())
        events: Mapping[int, Sequence[Event]] = {}
        if self._lasting_steps or self._dayless_assignments:
            events = self._loaded = complaints.events_of(
                self.target.session, (before.id for before in known.values())
            )
        found: dict[str, ComplaintRecord] = {}
        for ticket, before in known.items():
            record = records[ticket]
            if record.history:
                continue
            key = (column, value_hash(record.receipt_text))
            record = question_emptied(
                record, before.classification, fields.classification, self._answers
            )
            if events:
                last = last_events(events.get(before.id, ()), self.name)
                record = question_vanished(record, self._lasting_steps, last)
                record = question_vanished_unit(
                    record, self._dayless_assignments, last, self._answers
                )
            if self._is_antedated(record, before) or key in moved.get(before.id, ()):
                record = question_moved_receipt(record, column, self._answers)
            found[ticket] = record
        return found

    @cached_property
    def _lasting_steps(self) -> dict[str, EventColumn]:
        """The columns with dates of steps that do not vanish again, by source field.

        A condition on other columns may end, and a first value is kept anyway.
        """
        return {
            f"{event.column}/{event.kind}": event
            for event in self.mapping.events
            if not (event.when or event.first or self.mapping.has_no_day(event))
        }

    @cached_property
    def _dayless_assignments(self) -> dict[str, EventColumn]:
        """The columns of assignments that have only a unit and no day, by source field."""
        return {
            f"{event.column}/{event.kind}": event
            for event in self.mapping.events
            if self.mapping.has_no_day(event) and not event.when
        }

    def _link(
        self,
        known: Mapping[str, complaints.Existing],
        changed: Mapping[str, ComplaintRecord],
        new: Mapping[str, ComplaintRecord],
        added: Mapping[str, int],
    ) -> None:
        """Note which of the changed and new complaints show a value with a question."""
        at = self.target.observed_at
        written = [Written(key, new[ticket], newest=True) for ticket, key in added.items()]
        for ticket, record in changed.items():
            seen_at = known[ticket].seen_at
            written.append(Written(known[ticket].id, record, at >= seen_at, seen_at))
        self.questions.link(written)

    def settle_shown(self) -> None:
        """Withdraw or renew the doubts about the complaints that this import shows."""
        self.target.session.flush()
        self.absence.shown(self.shown if self.absence.is_late else self._shown_again)

    def doubt_rejected(self, tickets: Collection[str]) -> set[str]:
        """Raise doubts about the known complaints among these tickets of rejected rows; return the
        tickets of no known complaint.
        """
        known = complaints.existing(self.target.session, self.name, tickets)
        disputed = {each.id for each in known.values()} & self.shown
        self._shown_again = [key for key in self._shown_again if key not in disputed]
        self.absence.unreadable(known, self.shown, self._seen_before)
        return set(tickets) - known.keys()

    def amend_import(self) -> None:
        """Add the complaints shown by this snapshot to its import record, written by an earlier
        run. The doubts about them are withdrawn or renewed.
        """
        self.settle_shown()
        if self.is_snapshot:
            state_history.add(self.target.session, self.name, self.target.observed_at, self.shown)

    def derive_after_late_import(self) -> None:
        """Derive again the events that assumed no snapshot at the time of this one, if this import
        arrived after a later one.
        """
        session, at = self.target.session, self.target.observed_at
        later = imports.after(session, self.name, at) if self.is_snapshot else None
        if later is None:
            return
        earlier = imports.before(session, self.name, at)
        session.flush()
        self._derived.forget_imports()
        received_until = self.mapping.not_before(at)
        received_after = None if earlier is None else self.mapping.not_before(earlier)
        period = (
            (received_until, None) if received_after is None else (received_after, received_until)
        )
        rows = state_history.first_seen(session, self.name, later, *period)
        self._derive(rows, self._unchanged_spans)

    def derive_again(
        self,
        rows: Iterable[Complaint],
        change: Callable[[Complaint, list[StateSpan]], list[StateSpan]],
    ) -> set[int]:
        """Derive the observed events of complaints again, after a change of their state spans or of
        the meaning of a word; return the ids of those with another event.
        """

        def changed(row: Complaint, spans: list[StateSpan]) -> tuple[list[StateSpan], list[Event]]:
            return self._unchanged_spans(row, change(row, spans))

        return self._derive([row for row in rows if row.shown_since is not None], changed)

    def _unchanged_spans(
        self, row: Complaint, spans: list[StateSpan]
    ) -> tuple[list[StateSpan], list[Event]]:
        return spans, self._derived.of(spans, row.received_at, self.words)

    def _update_all(self, records: dict[str, ComplaintRecord]) -> int:
        """Update complaints; return the number of those with a change."""
        session = self.target.session
        rows = complaints.by_ticket(session, self.name, records) if records else {}
        if not self.is_snapshot:
            return self._update_histories(rows, records)

        def with_this_snapshot(
            row: Complaint, spans: list[StateSpan]
        ) -> tuple[list[StateSpan], list[Event]]:
            state = self.questions.state(records[row.ticket])
            at = self.target.observed_at
            spans = with_state(spans, state, at, lambda: self._neighbours(row.id))
            return self._unchanged_spans(row, spans)

        return len(self._derive(rows.values(), with_this_snapshot, records))

    def _update_histories(
        self, rows: dict[str, Complaint], records: dict[str, ComplaintRecord]
    ) -> int:
        session, now = self.target.session, self.target.now
        events = self._events_of(row.id for row in rows.values())
        appended: list[tuple[int, Event]] = []
        updated = 0
        for ticket, row in rows.items():
            record, old = records[ticket], events.get(row.id, [])
            stated = self._stated(record, old, row.seen_at)
            if record.history:
                new = self._new_of_exchange(record, stated, old)
            else:
                new = event_changes(stated, old, self.name, now)
            past = update_facts(row, record, now)
            row.unit = unit_of_record(record, [*old, *new], now)
            row.seen_at = self.target.observed_at
            appended += [(row.id, event) for event in new]
            updated += self._mark_changed(row, new, past)
        complaints.add_events(session, appended)
        return updated

    def _new_of_exchange(
        self, record: ComplaintRecord, stated: Sequence[Event], old: Sequence[Event]
    ) -> list[Event]:
        """Return the new events of an exchange line.

        Our own doubts, and the answers to questions about events, are corrected, or retracted if
        the line is readable now. The other installation may have a doubt with the same field.
        """
        given = set(map(event_identity, stated_events(record, self.name, self.target.now)))

        def is_own(event: Event) -> bool:
            doubt = event.source_field in OWN_DOUBTS and event_identity(event) not in given
            return doubt or event.source_field.startswith(f"{EVENTS}/")

        return [
            *missing_events([event for event in stated if not is_own(event)], old),
            *event_changes(
                list(filter(is_own, stated)), list(filter(is_own, old)), self.name, self.target.now
            ),
        ]

    def _may_have_lost(self, record: ComplaintRecord, before: complaints.Existing) -> bool:
        """Check whether an older row may show what the newest one of its complaint does not.

        An equal row with a question may show that the question is older than a row between them. A
        unit without a date of assignment may have been in charge earlier.
        """
        is_other = before.content_hash != record.content_hash or bool(record.unmapped)
        is_other = is_other or has_undated(record)
        return is_other and not (self.is_snapshot or record.history)

    def _question_lost(
        self, records: Mapping[str, ComplaintRecord], known: Mapping[str, complaints.Existing]
    ) -> int:
        """Ask about steps and classifications that these older rows of histories show and the
        newest ones do not. Return the number of changed complaints.
        """
        session, now, at = self.target.session, self.target.now, self.target.observed_at
        if not records:
            return 0
        keys = [known[ticket].id for ticket in records]
        events = complaints.events_of(session, keys)
        with_text = self.questions.fields_with_text(keys)
        next_import = imports.after(session, self.name, at)
        found: dict[str, Lost] = {}
        for ticket, record in records.items():
            before = known[ticket]
            vanished = min(next_import or before.seen_at, before.seen_at)
            row = OlderRow(
                record,
                last_events(events.get(before.id, ()), self.name),
                with_text.get(before.id, frozenset()),
                at,
                self.mapping.not_before(at),
                vanished,
            )
            lost = lost_steps(row, self._lasting_steps, self.name, now)
            emptied = question_lost_classification(
                record, before.classification, self.mapping.fields.classification, self._answers
            )
            if lost.events or emptied:
                found[ticket] = replace(lost, cells=(*lost.cells, *emptied))
        return self._write_lost(found, records, events)

    def _write_lost(
        self,
        found: Mapping[str, Lost],
        records: Mapping[str, ComplaintRecord],
        events: Mapping[int, Sequence[Event]],
    ) -> int:
        """Write the doubts about what newer rows have lost, and the questions about them."""
        session, now = self.target.session, self.target.now
        rows = complaints.by_ticket(session, self.name, found) if found else {}
        asked = {
            ticket: replace(records[ticket], unmapped=lost.cells) for ticket, lost in found.items()
        }
        self.questions.ask(asked.values())
        written: list[Written] = []
        appended: list[tuple[int, Event]] = []
        for ticket, row in rows.items():
            lost = found[ticket]
            past: list[PastFacts] = []
            for cell in lost.cells:
                if cell.role is QuestionRole.CLASSIFICATION:
                    past = [past_facts(row, now)]
                    row.classification = UNDETERMINED if cell.answer is None else cell.answer
            if HANDOVERS.intersection(event.kind for event in lost.events):
                row.unit = unit_in_charge([*events.get(row.id, ()), *lost.events], now)
            appended += [(row.id, event) for event in lost.events]
            written.append(Written(row.id, asked[ticket], newest=False))
            self._mark_changed(row, lost.events, past)
        complaints.add_events(session, appended)
        self.questions.link(written)
        return len(rows)

    def _events_of(self, keys: Iterable[int]) -> dict[int, list[Event]]:
        """Return the events of complaints; those that the comparison has loaded are used once."""
        loaded, self._loaded = self._loaded, {}
        found = {key: loaded.get(key) for key in keys}
        missing = [key for key, events in found.items() if events is None]
        return complaints.events_of(self.target.session, missing) | {
            key: events for key, events in found.items() if events is not None
        }

    def _derive(
        self,
        rows: Iterable[Complaint],
        derivation: Derivation,
        records: Mapping[str, ComplaintRecord] | None = None,
    ) -> set[int]:
        """Derive the observed events of complaints again, and append the differences.

        `records` are the rows of this extract by ticket. Return the ids of the complaints with a
        change.
        """
        rows, now = list(rows), self.target.now
        keys = [row.id for row in rows]
        events = self._events_of(keys)
        spans = SpanChanges(self.target, keys, self.questions.emptied_unit)
        appended: list[tuple[int, Event]] = []
        updated: set[int] = set()
        emptied: dict[int, datetime] = {}
        for row in rows:
            record = (records or {}).get(row.ticket)
            newest = row.seen_at is None or self.target.observed_at > row.seen_at
            past: list[PastFacts] = []
            stated: list[Event] = []
            old = events.get(row.id, [])
            if record is not None and newest:
                past = update_facts(row, record, now)
                stated = self._stated(record, old, row.seen_at)
            else:
                old = [event for event in old if event.source_field.startswith(OBSERVED)]
            changed, derived = derivation(row, spans.of(row))
            present = present_unit(changed, self.words)
            question = None
            if present.emptied_since is not None:
                emptied[row.id] = present.emptied_since
                question = self.questions.ask_emptied_unit()
            spans.set(row, changed, present, question)
            new = event_changes([*stated, *derived], old, self.name, now)
            appended += [(row.id, event) for event in new]
            if self._mark_changed(row, new, past):
                updated.add(row.id)
        spans.write()
        complaints.add_events(self.target.session, appended)
        self.questions.link_emptied(keys, emptied)
        return updated

    def _stated(
        self, record: ComplaintRecord, old: Sequence[Event], seen_at: datetime | None
    ) -> list[Event]:
        """Return the events stated by a row, and the doubts from its unreadable cells."""
        target = self.target
        stated = stated_events(record, self.name, target.now)
        uncertain = self._keeps_first_values or has_undated(record)
        if not record.unmapped and not uncertain:
            return stated
        last = last_events(old, self.name)
        if not record.history:
            stated = with_known_units(stated, record, last)
        seen_at = None if record.history or seen_at is None else self.mapping.not_before(seen_at)
        if uncertain:
            stated = self._first_values.between_imports(record, stated, last, seen_at)
        if not record.history:
            stated = stated + lasting_events(record, last)
        return stated + doubts(
            record,
            self.name,
            target.observed_at,
            target.now,
            last,
            seen_at,
            of_spans=self.is_snapshot,
        )

    @cached_property
    def _keeps_first_values(self) -> bool:
        """Whether the mapping has a column with the time of the last change."""
        return any(event.first for event in self.mapping.events)

    @cached_property
    def _first_values(self) -> FirstValues:
        """The intervals of steps that this import shows for the first time."""
        target = self.target
        before = imports.before(target.session, self.name, target.observed_at)
        return FirstValues(
            target.observed_at,
            before and self.mapping.not_before(before),
            target.ctx.site.evaluation_context,
        )

    def _mark_changed(
        self, row: Complaint, new: Sequence[Event], past: Sequence[PastFacts]
    ) -> bool:
        """Store former facts and schedule an evaluation if events or facts have changed; return
        whether they have.
        """
        session, now = self.target.session, self.target.now
        session.add_all(past)
        if new or past or session.is_modified(row):
            row.changed_at = now
        if new or past:
            row.next_action_at = now
        return bool(new or past)

    def _add_all(self, records: dict[str, ComplaintRecord]) -> dict[str, int]:
        """Add complaints seen for the first time; return their ids by ticket."""
        session, at, now = self.target.session, self.target.observed_at, self.target.now
        events: dict[str, list[Event]] = {}
        for ticket, record in records.items():
            events[ticket] = self._stated(record, (), None)
            if self.is_snapshot:
                span = StateSpan(self.questions.state(record), at, at)
                events[ticket] += self._derived.of([span], record.received, self.words)
        rows = [
            new_complaint(records[ticket], self.name, at, now) | self._state(records[ticket], some)
            for ticket, some in events.items()
        ]
        keys = complaints.add(session, rows)
        complaints.add_events(
            session, ((keys[ticket], event) for ticket in keys for event in events[ticket])
        )
        return keys

    def _state(self, record: ComplaintRecord, events: list[Event]) -> dict[str, Any]:
        """Return the columns of a new complaint about its present state."""
        state = self.questions.state(record)
        at = self.target.observed_at if self.is_snapshot else None
        now = self.target.now
        return {
            "unit": record.unit if self.is_snapshot else unit_of_record(record, events, now),
            "unit_question_id": question_number(state.unit) if self.is_snapshot else None,
            "state": state.word,
            "status_at": state.status_at,
            "shown_since": at,
            "first_seen_at": at,
        }


def _secrecy(complaint: complaints.Existing) -> Secrecy:
    """Return how a complaint is hidden. One that a person has opened has no content hash; its next
    row decides.
    """
    if complaint.content_hash is None:
        return Secrecy()
    return Secrecy(complaint.anonymous, complaint.secret)


class OriginWriters:
    """Writes the complaints of one extract, each to its own source.

    An exchange file has complaints of several sources of another installation (`origin`).
    """

    def __init__(self, target: ImportTarget, questions: QuestionLog | None = None) -> None:
        self._target = target
        self.questions = questions or QuestionLog(target)
        self.own = ComplaintWriter(target, self.questions, target.name)
        self.by_origin: dict[str, ComplaintWriter] = {"": self.own}

    def of(self, origin: str) -> ComplaintWriter:
        """Return the writer for a source of another installation, or (empty) for the own source."""
        if origin not in self.by_origin:
            name = known_as(self._target.name, origin)
            self.by_origin[origin] = ComplaintWriter(self._target, self.questions, name)
        return self.by_origin[origin]

    def write(self, records: Iterable[ComplaintRecord], rejected: Collection[str] = ()) -> None:
        """Write these records, each of a different complaint."""
        grouped: dict[str, dict[str, ComplaintRecord]] = {}
        for record in records:
            grouped.setdefault(record.origin, {})[record.ticket] = record
        for origin, some in grouped.items():
            self.of(origin).write(some, rejected)

    def settle_shown(self) -> None:
        """Withdraw or renew the doubts about the complaints that this import shows."""
        for writer in self.by_origin.values():
            writer.settle_shown()

    def amend_import(self) -> None:
        """Add the written complaints to the import record of an earlier run."""
        for writer in self.by_origin.values():
            writer.amend_import()

    @property
    def new(self) -> int:
        """The number of new complaints."""
        return sum(writer.new for writer in self.by_origin.values())

    @property
    def updated(self) -> int:
        """The number of complaints with a change."""
        return sum(writer.updated for writer in self.by_origin.values())

    @property
    def unchanged(self) -> int:
        """The number of known complaints without a change."""
        return sum(writer.unchanged for writer in self.by_origin.values())

    @property
    def still_hidden(self) -> list[str]:
        """The tickets of changed rows that do not hide their report any more."""
        return [ticket for writer in self.by_origin.values() for ticket in writer.still_hidden]

    @property
    def antedated(self) -> int:
        """The number of known complaints with a far earlier date of receipt than before."""
        return sum(writer.antedated for writer in self.by_origin.values())
