"""Questions about categories, channels and places: those that a site knows from its imports.

A word in many complaints is known at once. A rare word is a question to the administrator, and
only if the database has so many complaints that rare means something. With fewer complaints it is
counted under 'lainnya' without a question. So the first export of a site with forty categories asks
about few of them.

A rare word that only anonymous or secret reports show is no question: it may name the complainant.
It stays under 'lainnya'.
"""

from __future__ import annotations

from collections.abc import Iterable

from db import complaints
from db.models import OpenQuestion, QuestionRole
from sla.folding import folded
from tasks.evaluation.known_words import ENOUGH, may_be_word, named_in_files
from tasks.ingest.import_target import ImportTarget
from tasks.ingest.open_questions import QuestionLog
from tasks.ingest.records import ComplaintRecord, value_hash

ENOUGH_COMPLAINTS = 100
"""With fewer complaints in the database, of all sources, rare words raise no question."""

LEAST_ASKED = 2
"""A word of one complaint is not worth a question."""

MOST_AT_ONCE = 5
"""New questions about the words of one column in one import; the others wait for the next one."""


class WordQuestions:
    """The words of one column of one import that are neither known nor decided."""

    def __init__(self, target: ImportTarget, log: QuestionLog, role: QuestionRole) -> None:
        self._target, self._log, self._role = target, log, role
        self._column: str | None = getattr(target.mapping.fields, role)
        self._decided = set(named_in_files(target.ctx.site, role)) if self._column else set()
        self._decided |= {
            folded(each.value) for each in log.of_role(role) if each.answered_at is not None
        }
        self._new: dict[str, str] = {}
        self._known: set[str | None] = set()
        self._open: set[str | None] = set()  # the words of reports neither anonymous nor secret

    def see(self, records: Iterable[ComplaintRecord]) -> None:
        """Note the undecided words of these rows."""
        if self._column is None:
            return
        records = list(records)
        texts = {getattr(record, self._role) for record in records}
        self._open.update(
            getattr(record, self._role)
            for record in records
            if not (record.anonymous or record.secret)
        )
        for text in texts.difference(self._new, self._known):
            if not text or not may_be_word(text):
                continue
            if folded(text) in self._decided:
                self._known.add(text)
            else:
                self._new[text] = folded(text)

    def settle(self) -> None:
        """Take the frequent words as known, and ask about the rare ones."""
        if not self._new or self._column is None:
            return
        target = self._target
        target.session.flush()
        counted = complaints.count_words(target.session, self._role, list(self._new))
        counts: dict[str, int] = {}
        for text, number in counted.items():
            counts[folded(text)] = counts.get(folded(text), 0) + number
        asked = 0
        for text in sorted(self._new, key=lambda word: (-counts.get(folded(word), 0), word)):
            question = self._log.find(self._column, value_hash(text))
            if question is not None and question.role != self._role:
                continue
            number = counts.get(folded(text), 0)
            if number >= ENOUGH:
                question = question or self._added(text)
                question.answer, question.answered_at = text, target.now
                question.answered_by = "source"
            elif text not in self._open:
                continue
            elif question is None and number >= LEAST_ASKED and asked < MOST_AT_ONCE:
                if not complaints.at_least(target.session, ENOUGH_COMPLAINTS):
                    break  # the words that follow are as rare
                self._added(text)
                self._log.opened[self._column] += 1
                asked += 1
        target.session.flush()

    def _added(self, text: str) -> OpenQuestion:
        target = self._target
        return self._log.add(
            OpenQuestion(
                source=target.name,
                column=self._column,
                value=text,
                value_hash=value_hash(text),
                role=self._role,
                first_seen_at=target.observed_at,
                recorded_at=target.now,
                answered_by="",
            )
        )
