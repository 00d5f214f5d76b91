"""The categories, channels and places that a site knows. Other text is shown as 'lainnya'.

A category, a channel or a place is a text of the source, and a person may have written anything
there: a name, a phone number. A word is known if

- the site's files name it: a constant or a value of a mapping, a rule that asks for the category;
- or an import found it in at least `ENOUGH` complaints: many complaints share it, so it is not the
  statement of one person about himself;
- or the administrator has confirmed it (`tenggat questions`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from sqlalchemy.orm import Session

from db import questions
from db.models import WORD_ROLES, QuestionRole
from settings.site import Site
from sla.folding import folded
from sla.metrics.columns import CaseColumns, Ints

ENOUGH = 5
"""A word that this many complaints share is known without a question."""

LONGEST_WORD = 80
"""A longer text is never a word of a list."""

OTHER = "lainnya"
"""The word for all texts that are not known."""

_NO_WORD = re.compile(r"\[|@|\d{5}|https?:|[\x00-\x1f\x7f-\x9f]")


def may_be_word(text: str) -> bool:
    """Check whether a text can be a word of a list: short, without addresses and long numbers."""
    return 0 < len(text) <= LONGEST_WORD and not _NO_WORD.search(text)


@dataclass(frozen=True, slots=True)
class KnownWords:
    """The known categories, channels and places at a moment: the meaning of each word, by role."""

    words: Mapping[str, Mapping[str, str]]

    def shown(self, role: QuestionRole, text: str | None) -> str:
        """Return the word to show for a text: its meaning, or 'lainnya'. Empty stays empty."""
        if not text:
            return ""
        meaning = self.words[role].get(folded(text))
        return text if meaning is None and folded(text) == OTHER else meaning or OTHER

    def in_columns(self, cases: CaseColumns) -> CaseColumns:
        """Return the columns of the metrics with known words only."""
        words = dict(cases.words)
        numbers = {word: number for number, word in words.items()}

        def replaced(role: QuestionRole, column: Ints) -> Ints:
            found, places = np.unique(column, return_inverse=True)
            meant = []
            for number in found.tolist():
                word = self.shown(role, words[number])
                if word == words[number]:
                    meant.append(number)
                    continue
                if word not in numbers:
                    numbers[word] = max(words, default=0) + 1
                    words[numbers[word]] = word
                meant.append(numbers[word])
            return np.array(meant, dtype=np.int64)[places] if meant else column

        return replace(
            cases,
            category=replaced(QuestionRole.CATEGORY, cases.category),
            channel=replaced(QuestionRole.CHANNEL, cases.channel),
            place=replaced(QuestionRole.PLACE, cases.place),
            words=words,
        )


def known_words(session: Session, site: Site, as_of: datetime) -> KnownWords:
    """Return the categories, channels and places known at a moment."""
    found: dict[str, dict[str, str]] = {role: named_in_files(site, role) for role in WORD_ROLES}
    for question in questions.answered_words(session, as_of):
        words = found[question.role]
        words.setdefault(folded(question.value), question.answer or OTHER)
    return KnownWords(found)


def named_in_files(site: Site, role: QuestionRole) -> dict[str, str]:
    """Return the categories, channels or places that the files of the site name."""
    named: set[str] = set()
    for source in site.sources.values():
        named.add(source.constants.get(role, ""))
        column = getattr(source.fields, role)
        if column and column == source.fields.classification:
            named.update(source.values.classification)
    law = site.evaluation_context.law
    for rule_id in law.ids:
        for version in law.versions(rule_id):
            named.update(version.applies_when.get(role, ()))
    return {folded(word): word for word in named if word}
