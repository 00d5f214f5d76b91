"""Open questions of an import: cells that cannot be read, and the answers to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from sqlalchemy.orm import Session

from db import questions
from db.models import WORD_ROLES, OpenQuestion, QuestionRole
from db.questions import HIDDEN
from settings.mapping import SourceMapping
from sla.directory import Directory
from sla.plain_text import one_plain_line
from tasks.common.redaction import redact, redact_and_truncate
from tasks.ingest.import_target import ImportTarget
from tasks.ingest.records import (
    EMPTY_ANSWER,
    STATUS_FIELD,
    UNIT_FIELD,
    Answers,
    ComplaintRecord,
    UnmappedCell,
    value_hash,
)
from tasks.ingest.row_doubts import MOVED_RECEIPT, is_vanished
from tasks.ingest.snapshot_diff import ObservedState, Vocabulary
from tasks.text.withheld import withheld_place

LONGEST_VALUE = 80
"""Length limit of a value as stored for display."""

LONGEST_WORD = 160
"""A longer cell, or one with line breaks, is no word but a text; nothing of it is stored."""


DATED = (QuestionRole.STEP, QuestionRole.STATUS_DATE)
"""The roles of questions about a date of something that has happened."""


@dataclass(frozen=True, slots=True)
class Written:
    """A complaint of an import, after it was written.

    `newest` is true if no later import has shown it; otherwise `seen_at` is the later one. Without
    `seen_at`, the later import left the value in question.
    """

    complaint: int
    record: ComplaintRecord
    newest: bool
    seen_at: datetime | None = None


class AskedDates:
    """The cells with a date in question, and since when each complaint shows them."""

    def __init__(self, session: Session, asked: Sequence[OpenQuestion]) -> None:
        self._session = session
        self._numbers = {
            (question.column, question.value_hash): question.id
            for question in asked
            if question.role in DATED and question.value and not _is_over(question)
        }
        self._answered = {
            (question.column, question.value_hash): question.answered_at
            for question in asked
            if question.answered_at is not None
        }
        self._since: dict[int, dict[tuple[str, str], datetime]] = {}
        self.columns = frozenset(column for column, _ in self._numbers)
        """The columns with such a cell."""

    def since(self, ticket: str, column: str, text: str, source_field: str) -> datetime | None:
        """Return the first import that showed a complaint with this text; None if it was not asked
        about, or if a later import showed another text.
        """
        number = self._numbers.get((column, value_hash(text)))
        if number is None:
            return None
        if number not in self._since:
            self._since[number] = questions.shown_since(self._session, number)
        return self._since[number].get((ticket, source_field))

    def is_answered_before(self, column: str, text: str, moment: datetime) -> bool:
        """Check whether the question about a cell was answered before a moment."""
        answered = self._answered.get((column, value_hash(text)))
        return answered is not None and answered < moment


class QuestionLog:
    """The questions of one source during one import."""

    def __init__(self, target: ImportTarget) -> None:
        self._session, self._name = target.session, target.name
        self._at, self._now = target.observed_at, target.now
        stored = questions.of_source(target.session, target.name)
        self._rows = {(each.column, each.value_hash): each for each in stored}
        self.opened: Counter[str] = Counter()
        self._mapping, self._site = target.mapping, target.ctx.site
        self._is_snapshot = target.is_snapshot
        words = {word.word for word in target.mapping.status}
        directory = target.ctx.site.directory
        for question in self._rows.values():
            if question.answer and not _usable(question, words, directory):
                _reopen(question)  # the mapping or the directory no longer has this word

    @cached_property
    def _own_domains(self) -> frozenset[str]:
        """The domains of the site's sender and of its officials."""
        known = [self._site.file.mail.sender, *(o.email for o in self._site.directory.offices)]
        return frozenset(address.rpartition("@")[2].casefold() for address in known)

    @property
    def answers(self) -> Answers:
        """Return the answers for the parser."""
        return {
            key: question.answer
            for key, question in self._rows.items()
            if question.answered_at is not None and question.answer is not None
        }

    @property
    def dates(self) -> AskedDates:
        """Return the dates in question for the parser."""
        return AskedDates(self._session, tuple(self._rows.values()))

    def vocabulary(self, source: SourceMapping, administrator_unit: str | None) -> Vocabulary:
        """Return the meaning of the words in state spans."""
        answers = {
            f"?{question.id}": question.answer
            for question in self._rows.values()
            if question.answered_at is not None and question.answer is not None
        }
        words = {word.word: word for word in source.status}
        status, unit = source.fields.status or "", source.fields.unit or ""
        emptied = self.answers.get(self._emptied.key)
        return Vocabulary(words, answers, administrator_unit, status, unit, emptied)

    def ask(self, records: Iterable[ComplaintRecord]) -> None:
        """Open a question for each cell of these rows that has none."""
        for record in records:
            for cell in record.unmapped:
                self._ask(cell)
        if self.opened:
            self._session.flush()

    def _ask(self, cell: UnmappedCell) -> None:
        question = self._rows.get(cell.key)
        if question is None:
            self._rows[cell.key] = self._opened(cell)
            return
        if cell.withheld and withheld_place(question.value) is None:
            question.value = cell.withheld  # an open report has the same text
        if (
            cell.answer is None
            and question.answered_at
            and (question.answer is None or is_vanished(cell.role, cell.value))
        ):
            questions.end_links(self._session, question.id, self._at)
            _reopen(question)
            question.value = self._shown(cell)
        elif cell.planned and cell.answer is None and question.answer == EMPTY_ANSWER:
            _reopen(question)  # it was answered before the day of the plan

    @cached_property
    def _emptied(self) -> UnmappedCell:
        """The cell of a snapshot that has lost its unit."""
        return UnmappedCell(QuestionRole.UNIT, self._mapping.fields.unit or "", "", UNIT_FIELD)

    @property
    def emptied_unit(self) -> int | None:
        """The number of the question about cells of a snapshot that have lost their unit, or None
        if it was never asked.
        """
        question = self._rows.get(self._emptied.key) if self._is_snapshot else None
        return None if question is None else question.id

    def ask_emptied_unit(self) -> int:
        """Open the question about cells that have lost their unit; return its number."""
        self._ask(self._emptied)
        self._session.flush()
        return self.number(self._emptied)

    def link_emptied(self, complaints: Iterable[int], emptied: Mapping[int, datetime]) -> None:
        """Note which of these complaints have lost their unit, and since which import."""
        number = self.emptied_unit
        if number is None:
            return
        links = questions.links_of(self._session, complaints)
        linked = set()
        for complaint, rows in links.items():
            for row in rows:
                if row.question_id != number:
                    continue
                if complaint in emptied:
                    row.since = emptied[complaint]
                    linked.add(complaint)
                else:
                    row.until = self._at
        new = [
            {
                "question_id": number,
                "complaint_id": complaint,
                "source_field": UNIT_FIELD,
                "since": since,
                "until": None,
            }
            for complaint, since in emptied.items()
            if complaint not in linked
        ]
        self._session.flush()
        questions.add_links(self._session, new)

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
                elif each.newest and row.question_id != self.emptied_unit:
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

    def fields_with_text(self, complaints: Iterable[int]) -> dict[int, set[str]]:
        """Return the source fields of these complaints whose cells have a text with a question."""
        if not self._rows:
            return {}
        of_id = {question.id: question for question in self._rows.values()}
        return {
            complaint: {link.source_field for link in some if of_id[link.question_id].value}
            for complaint, some in questions.links_of(self._session, complaints).items()
        }

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

    def _shown(self, cell: UnmappedCell) -> str:
        """Return a value as stored and displayed; addresses that should name a unit are shown."""
        if cell.withheld:
            return cell.withheld
        if cell.role == QuestionRole.UNIT and self._mapping.has_addresses:
            return shown_recipients(cell.value, self._own_domains)
        return shown_value(cell.value)

    def _opened(self, cell: UnmappedCell) -> OpenQuestion:
        question = OpenQuestion(
            source=self._name,
            column=cell.column,
            value=self._shown(cell),
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


def shown_recipients(value: str, own_domains: Collection[str]) -> str:
    """Return the recipients of a mail of which none names a unit.

    A single recipient is shown: otherwise nobody could say which unit it is. Of several recipients
    those in another domain than the site's may be citizens, and are masked.
    """
    addresses = value.split(", ")
    shown = [
        each
        if len(addresses) == 1 or each.rpartition("@")[2].casefold() in own_domains
        else redact(each)
        for each in addresses
    ]
    return one_plain_line(", ".join(dict.fromkeys(shown)))[:LONGEST_VALUE]


def _usable(question: OpenQuestion, words: set[str], directory: Directory) -> bool:
    if question.role == QuestionRole.STATUS:
        return question.answer in words
    return question.role != QuestionRole.UNIT or question.answer in directory.units


def _is_over(question: OpenQuestion) -> bool:
    """Check whether a question has ended without an answer."""
    return question.answered_at is not None and question.answer is None


def _reopen(question: OpenQuestion) -> None:
    question.answered_at = question.asked_at = question.answer = None
    question.answered_by = ""
