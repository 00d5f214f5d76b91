"""Find the columns that say which reports are anonymous or secret, and what their words mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from settings.mapping import PUBLIC_WORDS, Values
from sla.folding import folded
from tasks.ingest.inference.column_types import ColumnSample, named

_ANONYMOUS = re.compile(r"\b(?:anonim\w*|anonymous\w*|anonymity)\b", re.IGNORECASE)
_SECRET = re.compile(
    r"\b(?:rahasia|dirahasiakan|rahasiakan|kerahasiaan|privasi|secre\w+|confidential\w*|privacy)\b",
    re.IGNORECASE,
)
_NOT = re.compile(r"\b(?:tidak|tdk|tak|bukan|non|tanpa|not)\b", re.IGNORECASE)

_NO = frozenset({"tidak", "tdk", "bukan", "no", "n", "false"})
"""Answers that say no in a column titled as anonymous or secret."""

_YES = frozenset({"ya", "iya", "y", "yes", "true", "v", "x"})
"""Answers that say yes there."""

_DEFAULT = Values()
_HIDING = frozenset(map(folded, (*_DEFAULT.anonymous, *_DEFAULT.secret)))


@dataclass(frozen=True, slots=True)
class PrivacyWords:
    """The words of columns with the privacy of reports that need a meaning in the mapping.

    Reports with any other word that is not known count as anonymous and secret; `unknown` has the
    first cell with each of these words.
    """

    anonymous: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    public: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def privacy_columns(columns: Iterable[ColumnSample]) -> list[ColumnSample]:
    """Find the columns whose header says that they have the privacy, the surest first."""
    columns = list(columns)
    found = named(columns, "privacy")
    return found + [each for each in columns if _is_titled(each) and each not in found]


def has_privacy(column: ColumnSample) -> bool:
    """Check whether a column has the privacy of reports.

    A header that says anonymous or secret is enough. Below a header such as 'Sifat Laporan', some
    word must say it, or every word the contrary.
    """
    if _is_titled(column):
        return True
    words = _words(column)
    hides = any(_says(word) for word in words)
    return not _NOT.search(column.words) and (hides or words <= PUBLIC_WORDS)


def only_answers_privacy(column: ColumnSample) -> bool:
    """Check whether a column has only answers to a header about privacy, and so no names."""
    words = _words(column)
    known = _NO | _YES | _HIDING | PUBLIC_WORDS
    return _is_titled(column) and bool(words) and words <= known


def privacy_words(column: ColumnSample) -> PrivacyWords:
    """Return the words of a column whose meaning follows from its header, and the unknown ones."""
    meant = _HIDING | PUBLIC_WORDS
    words = {word: cell for cell in reversed(column.values) if (word := folded(cell)) not in meant}
    new = [word for word in words if not set(map(folded, word.split("|"))) <= meant]
    titled = _is_titled(column)
    anonymous, secret = _ANONYMOUS.search(column.words), _SECRET.search(column.words)
    yes = [word for word in new if word in _YES and titled and bool(anonymous) != bool(secret)]
    no = [word for word in new if word in _NO and titled]
    unknown = [word for word in new if word not in yes and word not in no and not _says(word)]
    return PrivacyWords(
        anonymous=tuple(yes) if anonymous else (),
        secret=tuple(yes) if secret else (),
        public=tuple(no),
        unknown=tuple(words[word] for word in unknown),
    )


def words_of_all(columns: Sequence[ColumnSample]) -> PrivacyWords:
    """Return the words of several columns: those for yes count in their own column only."""
    found = [(column, privacy_words(column)) for column in columns]
    if len(found) == 1:
        return found[0][1]

    def own(name: str) -> tuple[str, ...]:
        return tuple(f"{c.name}: {word}" for c, words in found for word in getattr(words, name))

    public = dict.fromkeys(word for _, words in found for word in words.public)
    unknown = dict.fromkeys(word for _, words in found for word in words.unknown)
    return PrivacyWords(own("anonymous"), own("secret"), tuple(public), tuple(unknown))


def _is_titled(column: ColumnSample) -> bool:
    """Check whether the header itself says anonymous or secret."""
    return _says(column.words)


def _says(words: str) -> bool:
    """Check whether words say anonymous or secret, and not the contrary."""
    return bool(_ANONYMOUS.search(words) or _SECRET.search(words)) and not _NOT.search(words)


def _words(column: ColumnSample) -> set[str]:
    return {part for cell in column.counts for each in cell.split("|") if (part := folded(each))}
