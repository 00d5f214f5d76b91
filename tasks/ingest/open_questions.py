"""Open questions of an import: cells that cannot be read, and the doubts that follow from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from db import questions
from db.models import WORD_ROLES, OpenQuestion, QuestionRole
from db.questions import HIDDEN
from settings.mapping import EventColumn, SourceMapping
from sla.directory import Directory
from sla.engine.context import UNDETERMINED
from sla.events import ANY_KIND, ASSIGNEE, PROMISED_DUE, QUESTION, Event, Knowledge
from tasks.common.redaction import redact_and_truncate
from tasks.ingest.import_target import ImportTarget
from tasks.ingest.records import (
    CORRECT_ANSWER,
    STATUS_FIELD,
    UNIT_FIELD,
    Answers,
    ComplaintRecord,
    UnmappedCell,
)
from tasks.ingest.snapshot_diff import ObservedState, Vocabulary

LONGEST_VALUE = 80
"""Length limit of a value as stored for display."""

LONGEST_WORD = 160
"""A longer cell, or one with line breaks, is no word but a text; nothing of it is stored."""

MOVED_RECEIPT = "moved-receipt/"
"""Prefix of the field of a question about a date of receipt far earlier than before."""

NEIGHBOURS = 2
"""Number of rows on each side of a row to compare its date of receipt with."""


@dataclass(frozen=True, slots=True)
class Written:
    """A complaint of an import, after it was written.

    `newest` is true if no later import has shown it; otherwise `seen_at` is the later one.
    """

    complaint: int
    record: ComplaintRecord
    newest: bool
    seen_at: datetime | None = None


class QuestionLog:
    """The questions of one source during one import."""

    def __init__(self, target: ImportTarget) -> None:
        self._session, self._name = target.session, target.name
        self._at, self._now = target.observed_at, target.now
        stored = questions.of_source(target.session, target.name)
        self._rows = {(each.column, each.value_hash): each for each in stored}
        self.opened: Counter[str] = Counter()
        words = {word.word for word in target.mapping.status}
        directory = target.ctx.site.directory
        for question in self._rows.values():
            if question.answer and not _usable(question, words, directory):
                _reopen(question)  # the mapping or the directory no longer has this word

    @property
    def answers(self) -> Answers:
        """Return the answers for the parser."""
        return {
            key: question.answer
            for key, question in self._rows.items()
            if question.answered_at is not None and question.answer is not None
        }

    def vocabulary(self, source: SourceMapping, administrator_unit: str | None) -> Vocabulary:
        """Return the meaning of the words in state spans."""
        answers = {
            f"?{question.id}": question.answer
            for question in self._rows.values()
            if question.answered_at is not None and question.answer is not None
        }
        words = {word.word: word for word in source.status}
        status, unit = source.fields.status or "", source.fields.unit or ""
        return Vocabulary(words, answers, administrator_unit, status, unit)

    def ask(self, records: Iterable[ComplaintRecord]) -> None:
        """Open a question for each cell of these rows that has none."""
        for record in records:
            for cell in record.unmapped:
                question = self._rows.get(cell.key)
                if question is None:
                    self._rows[cell.key] = self._opened(cell)
                elif (
                    cell.answer is None
                    and question.answered_at
                    and (question.answer is None or is_vanished(cell.role, cell.value))
                ):
                    questions.end_links(self._session, question.id, self._at)
                    _reopen(question)
                    question.value = shown_value(cell.value)
        if self.opened:
            self._session.flush()

    def find(self, column: str, hashed: str) -> OpenQuestion | None:
        """Return the question about a value of a column, answered or not."""
        return self._rows.get((column, hashed))

    def of_role(self, role: QuestionRole) -> list[OpenQuestion]:
        """Return the questions of a role, answered or not."""
        return [each for each in self._rows.values() if each.role == role]

    def add(self, question: OpenQuestion) -> OpenQuestion:
        """Store a question that no cell of a row needs for its meaning."""
        self._rows[question.column, question.value_hash] = question
        self._session.add(question)
        return question

    def number(self, cell: UnmappedCell) -> int:
        """Return the id of the question about this cell."""
        return self._rows[cell.key].id

    def state(self, record: ComplaintRecord) -> ObservedState:
        """Return the observed state of a row; a word with a question becomes its number."""
        word = record.status.word if record.status else None
        unit = record.unit
        for cell in record.unmapped:
            if cell.source_field == STATUS_FIELD:
                word = f"?{self.number(cell)}"
            elif cell.source_field == UNIT_FIELD:
                unit = f"?{self.number(cell)}"
        return ObservedState(word, unit, record.status_at)

    def link(self, written: Sequence[Written]) -> None:
        """Note which complaints show which values, and which no longer do."""
        if not self._rows:
            return
        shown = questions.links_of(self._session, (each.complaint for each in written))
        new: list[dict[str, object]] = []
        for each in written:
            wanted = {
                questions.Link(self.number(cell), cell.source_field)
                for cell in each.record.unmapped
            }
            for row in shown.get(each.complaint, []):
                link = questions.Link(row.question_id, row.source_field)
                if link in wanted:
                    wanted.remove(link)
                    row.since = min(row.since, self._at)
                elif each.newest:
                    row.until = self._at
            new += [
                {
                    "question_id": link.question,
                    "complaint_id": each.complaint,
                    "source_field": link.source_field,
                    "since": self._at,
                    "until": None if each.newest else each.seen_at,
                }
                for link in sorted(wanted, key=lambda link: (link.question, link.source_field))
            ]
        self._session.flush()
        questions.add_links(self._session, new)

    def moved_receipts(self, complaints: Iterable[int]) -> dict[int, set[tuple[str, str]]]:
        """Return the dates of receipt of these complaints that were far earlier than before.

        They are given by complaint, as column and hash of the value.
        """
        if not self.of_role(QuestionRole.RECEIPT):
            return {}
        keys = {question.id: key for key, question in self._rows.items()}
        links = questions.links_of(self._session, complaints)
        return {
            complaint: {
                keys[link.question_id]
                for link in some
                if link.source_field.startswith(MOVED_RECEIPT)
            }
            for complaint, some in links.items()
        }

    def close_idle(self) -> None:
        """End the questions whose value no complaint shows any more."""
        if all(question.answered_at for question in self._rows.values()):
            return
        self._session.flush()
        for each in questions.open_questions(self._session, source=self._name):
            if not each.waiting and each.question.role not in WORD_ROLES:
                each.question.answered_at, each.question.answer = self._now, None
                each.question.answered_by = "source"

    def _opened(self, cell: UnmappedCell) -> OpenQuestion:
        question = OpenQuestion(
            source=self._name,
            column=cell.column,
            value=shown_value(cell.value),
            value_hash=cell.key[1],
            role=cell.role,
            first_seen_at=self._at,
            recorded_at=self._now,
            answered_by="",
        )
        self.opened[cell.column] += 1
        self._session.add(question)
        return question


def shown_value(value: str) -> str:
    """Return a value as stored and displayed: masked and shortened, without longer texts."""
    if len(value) > LONGEST_WORD or "\n" in value:
        return HIDDEN
    return redact_and_truncate(value, LONGEST_VALUE)


def _usable(question: OpenQuestion, words: set[str], directory: Directory) -> bool:
    if question.role == QuestionRole.STATUS:
        return question.answer in words
    return question.role != QuestionRole.UNIT or question.answer in directory.units


def _reopen(question: OpenQuestion) -> None:
    question.answered_at = question.asked_at = question.answer = None
    question.answered_by = ""


def doubts(
    record: ComplaintRecord,
    source: str,
    at: datetime,
    now: datetime,
    standing: Mapping[str, Event] | None = None,
    seen_at: datetime | None = None,
    *,
    of_spans: bool = False,
) -> list[Event]:
    """Return the doubts that follow from the unreadable cells of a row.

    The step in such a cell may have happened at any time since the receipt; if an earlier import
    (`seen_at`) showed the cell empty, since then. A step with a vanished date happened then or not
    at all. `standing` are the last events of the complaint
    by source field. The doubt about a status, and `of_spans` the one about a unit, is derived from
    the state spans instead.
    """
    found: dict[str, Event] = {}
    for cell in record.unmapped:
        if cell.answer is not None:
            continue
        source_field = cell.source_field
        earliest = record.received
        if cell.role is QuestionRole.STEP:
            kind = cell.kind
            before = (standing or {}).get(source_field)
            if not cell.value and before is not None:
                earliest = before.first_possible
            elif seen_at is not None and (before is None or before.retracted):
                earliest = max(seen_at, record.received)
        elif cell.role in (QuestionRole.PROMISED_DUE, QuestionRole.RECEIPT):
            kind = PROMISED_DUE if cell.role is QuestionRole.PROMISED_DUE else ANY_KIND
            source_field = f"{QUESTION}{cell.column}"
        elif cell.role is QuestionRole.UNIT and not of_spans:
            kind, source_field = ASSIGNEE, f"{QUESTION}{cell.column}"
            before = (standing or {}).get(source_field)
            if before is not None and not before.retracted:
                earliest = before.first_possible
            else:
                earliest = max(seen_at or record.received, record.received)
        else:
            continue
        found[source_field] = Event(
            kind,
            at,
            now,
            source,
            min(earliest, at),
            Knowledge.UNREADABLE,
            cell.unit if cell.role is QuestionRole.STEP else None,
            source_field,
        )
    return list(found.values())


def question_receipts(
    records: Sequence[ComplaintRecord],
    column: str,
    days: int,
    answers: Answers,
    also: Iterable[int] = (),
) -> list[ComplaintRecord]:
    """Return the rows of a file; one with a doubtful date of receipt has a question about it.

    `also` are the positions of rows in doubt for another reason.

    A date of receipt is doubtful if it is more than `days` away from those of the two rows before
    and the two rows after it, while these are near each other. In a file that is not in the order
    of receipt none of them is doubtful.
    """
    doubtful = {*isolated([record.received for record in records], timedelta(days=days)), *also}
    found = list(records)
    for n in doubtful:
        found[n] = _with_receipt_questioned(found[n], column, f"receipt/{column}", answers)
    return found


def question_moved_receipt(
    record: ComplaintRecord, column: str, answers: Answers
) -> ComplaintRecord:
    """Return a row with a question about a date of receipt far earlier than the one on record."""
    others = tuple(cell for cell in record.unmapped if cell.role is not QuestionRole.RECEIPT)
    found = _with_receipt_questioned(
        replace(record, unmapped=others), column, f"{MOVED_RECEIPT}{column}", answers
    )
    return replace(found, row_hash=record.content_hash)


def _with_receipt_questioned(
    record: ComplaintRecord, column: str, source_field: str, answers: Answers
) -> ComplaintRecord:
    """Return a row with a question about its date of receipt, or with the answer to it."""
    cell = UnmappedCell(QuestionRole.RECEIPT, column, record.receipt_text, source_field)
    answer = answers.get(cell.key)
    cell = replace(cell, answer=answer)
    received = record.received
    if answer and answer != CORRECT_ANSWER:
        received = datetime.fromisoformat(answer)
    return replace(record, received=received, unmapped=(*record.unmapped, cell))


def question_emptied(
    record: ComplaintRecord, before: str | None, column: str | None, answers: Answers
) -> ComplaintRecord:
    """Return a row; if it has lost the classification of its complaint, with a question about it.

    `before` is the classification on record. An emptied cell is no statement that the complaint has
    none, so the classification is undetermined until an answer.
    """
    asked = any(cell.role is QuestionRole.CLASSIFICATION for cell in record.unmapped)
    if column is None or before is None or record.classification is not None or asked:
        return record
    cell = UnmappedCell(QuestionRole.CLASSIFICATION, column, "", "classification")
    cell = replace(cell, answer=answers.get(cell.key))
    return replace(
        record,
        classification=UNDETERMINED if cell.answer is None else cell.answer or None,
        unmapped=(*record.unmapped, cell),
        row_hash=record.content_hash,
    )


def question_vanished(
    record: ComplaintRecord, columns: Mapping[str, EventColumn], last: Mapping[str, Event]
) -> ComplaintRecord:
    """Return a row, with a question for each step whose date an earlier import showed.

    An emptied cell is no statement that the step has not happened: somebody may have deleted it, or
    the export may lack the column's content. `columns` are the columns with dates by source field,
    `last` the last events of the complaint. An answer counts for the complaints that wait, and not
    for those that lose their date later.
    """
    shown = {f"{step.column}/{step.kind}" for step in record.steps}
    shown.update(cell.source_field for cell in record.unmapped)
    cells = [
        UnmappedCell(
            QuestionRole.STEP, column.column, "", field, column.kind, unit=last[field].unit
        )
        for field, column in columns.items()
        if field in last and not last[field].retracted and field not in shown
    ]
    if not cells:
        return record
    return replace(record, unmapped=(*record.unmapped, *cells), row_hash=record.content_hash)


def is_vanished(role: str, value: str) -> bool:
    """Check whether a question is about the vanished date of a step."""
    return role == QuestionRole.STEP and not value


def isolated(moments: Sequence[datetime], far: timedelta) -> list[int]:
    """Return the positions of times that are far from all their neighbours.

    Only a list in order has such positions: apart from them, at most one step in twenty may be far.
    """
    count = len(moments)
    if not far or count <= NEIGHBOURS:
        return []
    seconds = np.array([moment.timestamp() for moment in moments])
    limit = far.total_seconds()
    if np.ptp(seconds) <= limit:
        return []
    padded = np.pad(seconds, NEIGHBOURS, constant_values=np.nan)
    around = np.stack(
        [
            padded[shift : shift + count]
            for shift in range(2 * NEIGHBOURS + 1)
            if shift != NEIGHBOURS
        ]
    )
    apart = np.nanmin(np.abs(around - seconds), axis=0) > limit
    near = np.nanmax(around, axis=0) - np.nanmin(around, axis=0) <= limit
    found = np.flatnonzero(apart & near)
    steps = int((np.abs(np.diff(seconds)) > limit).sum())
    in_order = steps - 2 * len(found) <= count // 20 and len(found) <= max(1, count // 10)
    return found.tolist() if in_order else []
