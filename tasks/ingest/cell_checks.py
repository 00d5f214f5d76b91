"""Check the cells of a row before they are parsed: signs for 'nothing', and shifted cells."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from settings.mapping import EventColumn, SourceMapping
from sla.directory import Directory
from sla.folding import folded
from sla.plain_text import CONTROL, INVISIBLE
from tasks.common.dates import parse_datetime
from tasks.common.privacy_marks import (
    date_without_marks,
    marks_of,
    marks_of_remark,
    without_marks,
)
from tasks.common.redaction import unprotected
from tasks.common.remarks import is_remark, may_be_contact_remark

_NO_DATE = re.compile(r"[0\W_]+")
"""A date made only of zeros and punctuation: `00/00/0000`, `0000-00-00 00:00:00`, `-`."""

_ZERO_DATE = re.compile(
    r"(?:00([-/.])0?1\1(?:19)?00|30([-/.])12\2(?:18)?99|1899-12-30|01([-/.])01\3(?:0?001)|0001-01-01)"
    r"(?:[ T][0:.]+)?"
    r"|-?infinity|\d{4,}-\d\d-\d\d[^A-Z]* BC"
)
"""An empty date as programs show it: the day 0 of spreadsheets, or 1 January of the year 1. In
PostgreSQL also `infinity` and any day before Christ."""

_NOT_YET = re.compile(r"(?:belum|blm)\b\D*")
_UNSEEN = re.compile(f"[{CONTROL}{INVISIBLE}]")
_NOT_ZERO = frozenset("123456789")
_DIGITS = frozenset("0123456789")
_MARKS_ONLY = re.compile(r"[\W_]+")
_SPEAKING = re.compile("[\"\u201c\u201d\u201e\u2033\u3003\u221a\u00d7]|''|,,|[-=]//")
"""Ditto marks, which repeat the cell above, and the signs of the keyboard for 'done'."""

_DATE_LIKE = re.compile(r"\d[/.:-]\d|\d{4}|\d \w{3,}")
_FRAGMENT_OF_DATE = re.compile(r"\d{4}|\d[/.:-]\d")

MARKS = "\0marks"
"""The key of a row for the marks that were set apart from its dates and words; no column has this
name."""

_RATING = re.compile(r"([1-5])(?:[.,]0+)?(?:\s*/\s*5)?")
"""A rating as sources write it: 4, 4.0, 4,00 or 4/5."""


def _is_plain_number(text: str) -> bool:
    """Check whether a text is a number or a date, and no empty date. Most dates are."""
    if text[0] not in _NOT_ZERO:
        return text[0] == "0" and text[1:2] in _NOT_ZERO and text[6:7] == "2" and text.isascii()
    return "1899" not in text and text[-2:] != "BC" and text.isascii()


def _speaks(value: str) -> bool:
    """Check whether a sign means more than 'nothing': a ditto mark, a check mark, a picture."""
    if _SPEAKING.search(value):
        return True
    return not value.isascii() and any(unicodedata.category(sign) == "So" for sign in value)


def is_empty_date(text: str) -> bool:
    """Check whether a cell in a column with dates has only zeros, or an empty date of a program."""
    return bool(_NO_DATE.fullmatch(text) or _ZERO_DATE.fullmatch(text))


def says_not_yet(text: str) -> bool:
    """Check whether a cell in a column with dates says 'not yet': `belum`, `blm ada jawaban`."""
    return _NOT_YET.fullmatch(folded(text)) is not None


def rating_of(text: str) -> int | None:
    """Return the rating in a cell, from 1 to 5; None for any other text, also for 0."""
    found = _RATING.fullmatch(text.strip())
    return int(found[1]) if found else None


class EmptySigns:
    """The signs by which a source writes 'nothing' in a cell.

    They apply to every mapped column except free text: title, text, attachments and reporter. A
    word used by the mapping itself is never such a sign. In a column with dates, zeros alone are
    one too; a receipt in several columns is checked as a whole, because 00:00 is a time of day.
    Ditto marks, check marks and other pictures are no such signs, except as a ticket.
    """

    def __init__(self, source: SourceMapping) -> None:
        meant = (
            *(word.word for word in source.status),
            *source.values.classification,
            *source.values.unit,
            *(word for words in _privacy_words(source).values() for word in words),
            *source.values.public,
            *(word for event in source.events for word in event.when.values()),
        )
        self._words = frozenset(map(folded, source.empty)) - frozenset(map(folded, meant))
        self._meant = frozenset(map(folded, meant))
        self._has_numbers = any(word[:1].isdigit() for word in self._words)
        self._says_not_yet = "belum" in self._words
        # most cells with words repeat those of other rows, often together
        self._cleaned_words = lru_cache(maxsize=10_000)(self._clean_words)
        self._longest = max(map(len, self._words), default=0)
        self._first_letters = frozenset(word[:1] for word in self._words)
        self._dates = date_columns(source)
        free = source.fields.personal
        checked = () if source.is_exchange else source.columns  # a program wrote the exchange form
        self._columns = tuple(name for name in checked if name not in free)
        self._received = source.fields.received
        self._ticket = source.fields.ticket
        self._privacy = frozenset(source.fields.privacy_columns)
        apart = {self._ticket, *source.date_columns}
        self._single = tuple(name for name in self._columns if name in apart)
        self._words_columns = tuple(name for name in self._columns if name not in apart)

    def apply(self, cells: dict[str, str]) -> None:
        """Empty the cells that hold only a sign for 'nothing', and clean the others.

        Characters of no width, and the signs by which a program marks a cell as text, have no
        meaning. Marks for an anonymous or secret report are set apart, under :data:`MARKS`.
        """
        marks: list[str] = []
        for name in self._single:
            value = cells[name]
            if value and (
                self._has_numbers or value[-1] not in _DIGITS or not _is_plain_number(value)
            ):
                cells[name] = clean = self._clean(name, value)
                if name != self._ticket and any(marks_of_remark(clean)):
                    cells[name] = date_without_marks(clean)
                    marks.append(clean)
        cells.update(self._cleaned_words(tuple([cells[name] for name in self._words_columns])))
        if marks:
            cells[MARKS] = "\n".join((*marks, cells.get(MARKS, "")))
        if not isinstance(self._received, str) and self._columns:
            whole = [cells[name] for name in self._received]
            if all(not value or _NO_DATE.fullmatch(value) for value in whole):
                cells.update(dict.fromkeys(self._received, ""))

    def _clean_words(self, values: tuple[str, ...]) -> dict[str, str]:
        """Return the cells in columns with words that are written otherwise."""
        found: dict[str, str] = {}
        marks: list[str] = []
        for name, value in zip(self._words_columns, values, strict=True):
            if not value or (_is_plain_number(value) and not self._has_numbers):
                continue
            clean = self._clean(name, value)
            if name not in self._privacy and any(marks_of(clean)):
                marks.append(clean)
                clean = clean if folded(clean) in self._meant else without_marks(clean)
            if clean != value:
                found[name] = clean
        return found | ({MARKS: "\n".join(marks)} if marks else {})

    def _clean(self, name: str, value: str) -> str:
        if not value.isascii():
            value = " ".join(_UNSEEN.sub("", value).split())
        if not value or (value[0] in "123456789" and not self._has_numbers):
            is_date = ("1899" in value or value[-2:] == "BC") and name in self._dates
            return "" if is_date and _ZERO_DATE.fullmatch(value) else value
        if value[0] in "'=\u2019":
            value = unprotected(value)
        if name != self._ticket and _speaks(value):
            return value
        if "?" in value and name in self._privacy:
            return value  # a doubt
        empty = self._check_sign(value) or (name in self._dates and self.is_no_date(value))
        return "" if empty else value

    def is_no_date(self, value: str) -> bool:
        """Check whether a cell in a column with dates has zeros, or 'not yet' in some words."""
        return is_empty_date(value) or (self._says_not_yet and says_not_yet(value))

    def _check_sign(self, value: str) -> bool:
        if not value[0].isalnum() and _MARKS_ONLY.fullmatch(value):
            return value not in self._meant
        if len(value) > self._longest or value[0].casefold()[:1] not in self._first_letters:
            return False
        return folded(value) in self._words


@dataclass(frozen=True, slots=True)
class MovedCells:
    """The columns whose cells may have moved in a row that is no torn one for certain.

    `texts` are stored as written, so they are emptied: one may be the name of a person. `words`
    should have a known word or a date, and become questions.
    """

    texts: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()


_NOTHING_MOVED = MovedCells()


class ShiftCheck:
    """Finds rows with cells in the wrong columns: a separator too many or too few moved them.

    The evidence is a date in a column with words, a word in a column with dates, or a word of
    another column. A word in a column with dates may also be written there by a clerk. It counts as
    a shift if it is a word of another column, or if a column next to it is not mapped: then it may
    be the name of a person. Words about the progress of a case are no names, and neither is how a
    clerk reached a person. Without a status, which a snapshot always has, an unknown classification
    counts as well.

    A word of another column is no evidence if that column has a word of its own: a clerk wrote
    'DLH' as the status of a complaint of a known unit. See :meth:`moved` for such rows.
    """

    def __init__(self, source: SourceMapping, directory: Directory) -> None:
        self._source, self._directory = source, directory
        self._active = source.has_files and not source.is_exchange
        self._dates = date_columns(source)
        fields = source.fields
        units = {fields.unit, *(event.unit for event in source.events)}
        typed = {*units, fields.classification, fields.status, fields.category}
        typed |= set(fields.privacy_columns)
        self._units = tuple(name for name in source.columns if name in units)
        received = source.fields.received
        self._receipt = () if isinstance(received, str) else received
        self._received = {received} if isinstance(received, str) else set(received)
        self._dated = (*self._dates, *self._receipt)
        self._has_status = source.layout == "snapshot" and fields.status is not None
        self._words = tuple(
            name
            for name in source.columns
            if name in {*typed, fields.channel} and name not in self._dates
        )
        self._known = {
            fields.classification: frozenset(map(folded, source.values.classification)),
            fields.status: frozenset(folded(word.word) for word in source.status),
            **_privacy_words(source),
        }
        self._public = {
            column: source.values.privacy_of(column).public for column in fields.privacy_columns
        }
        self._exposed: frozenset[str] = frozenset()
        self._header: tuple[str, ...] = ()
        self._place: dict[str, int] = {}
        self._texts = frozenset(fields.personal)
        self._ticket = fields.ticket
        self._is_date = lru_cache(maxsize=10_000)(self._check_date)
        self._is_strange = lru_cache(maxsize=10_000)(self._check_strange)
        self._meanings = tuple(
            name for name in (fields.classification, fields.status, *self._units) if name
        )
        self._checked = tuple(dict.fromkeys((*self._words, *self._meanings)))
        self._have_foreign = lru_cache(maxsize=10_000)(self._check_words)

    def read_header(self, header: tuple[str, ...]) -> None:
        """Find the columns with dates next to a column that is not mapped."""
        mapped = set(self._source.columns)
        self._header = header
        self._place = {name: header.index(name) for name in mapped}
        self._exposed = frozenset(
            name
            for index, name in enumerate(header)
            if (name in self._dates or name in self._receipt)
            and any(
                beside and beside not in mapped
                for beside in (*header[max(index - 1, 0) : index], *header[index + 1 : index + 2])
            )
        )

    def is_shifted(self, cells: dict[str, str], *, strict: bool = False) -> bool:
        """Check whether cells are visibly in the wrong columns.

        With `strict`, the row has a wrong number of cells. Then an unknown word counts as well, and
        a date of a step to the right of all words: nothing shows that it is in its column.
        """
        if not self._active:
            return False
        if self._have_foreign(tuple([cells[name] for name in self._checked])) and (
            strict
            or not all(self._has_word_of_its_own(cells, name) for name in self._foreign(cells))
        ):
            return True
        if self.misplaced_column(cells, strict=strict):
            return True
        if self._receipt and not cells[self._receipt[0]] and any(cells[n] for n in self._receipt):
            return True
        if self._has_status and not cells[self._source.fields.status or ""]:
            kind = self._source.fields.classification
            if kind and cells[kind] and self._is_strange(kind, cells[kind]):
                return True
        return strict and (not self._knows(cells) or self._has_loose_date(cells))

    def misplaced_column(self, cells: Mapping[str, str], *, strict: bool = False) -> str:
        """Return the first column with dates that has a word of another column, or a text that may
        be a name; empty if there is none.
        """
        if not self._active:
            return ""
        for name in self._dated:
            value = cells[name]
            is_text = value[:1].isalpha() and self._is_misplaced(name, value)
            if is_text and (strict or not self._is_clerks(name, cells)):
                return name
        return ""

    def moved(self, cells: Mapping[str, str]) -> MovedCells:
        """Return the cells that may have moved with a remark of a clerk, or with a word of another
        column.

        The remark may also come from a column of channels. Cells that move together end at a known
        word, or at a ticket, which is in its own column. Without a column on this side that may
        have names, no text of it is one.
        """
        if not self._active:
            return _NOTHING_MOVED
        odd = [
            name
            for name in self._dated
            if cells[name][:1].isalpha() and self._is_misplaced(name, cells[name])
        ]
        if self._have_foreign(tuple([cells[name] for name in self._checked])):
            odd += self._foreign(cells)
        if not odd:
            return _NOTHING_MOVED
        sides = [side for name in odd for side in self._sides(name)]
        found = [self._moved_on(side, cells) for side in sides]
        texts = frozenset().union(*(each.texts for each in found))
        return MovedCells(texts, frozenset().union(odd, *(each.words for each in found)))

    def has_misplaced_cell(self, cells: Mapping[str, str]) -> bool:
        """Check whether a rejected row has a date in a column with words, or the reverse.

        The reader rejects such a row for another reason, often the date itself. Its other cells
        may be in wrong columns too, and a name may be in any of them.
        """
        if any(self._is_date(cells.get(name, "")) for name in self._words):
            return True
        received = self._source.fields.received
        whole = {received} if isinstance(received, str) else set(received)
        dates = (cells.get(name, "") for name in self._dates | whole)
        return any(
            value[:1].isalpha() and not _FRAGMENT_OF_DATE.search(value) and not is_remark(value)
            for value in dates
        )

    def has_known_word(self, cells: Mapping[str, str]) -> bool:
        """Check whether a cell is a unit, a status or a classification in its own column."""
        return any(
            cells.get(name) and not self._is_strange(name, cells[name]) for name in self._meanings
        )

    def _has_loose_date(self, cells: dict[str, str]) -> bool:
        words = (*self._units, *filter(None, self._known))
        last = max((self._place[name] for name in words if cells[name]), default=-1)
        received = self._source.fields.received
        steps = self._dates - ({received} if isinstance(received, str) else set(received))
        return any(cells[name] and self._place[name] > last for name in steps)

    def _check_words(self, values: tuple[str, ...]) -> bool:
        """Check whether a column with words has a date or the word of another column."""
        return any(self._foreign(dict(zip(self._checked, values, strict=True))))

    def _foreign(self, cells: Mapping[str, str]) -> Iterator[str]:
        """Yield the columns with words that have a date or the word of another column."""
        for name in self._words:
            if cells[name] and self._is_date(cells[name]):
                yield name
        for name in self._meanings:
            value = cells[name]
            if value and self._is_strange(name, value) and self.is_word_of_another(value):
                yield name

    def _has_word_of_its_own(self, cells: Mapping[str, str], name: str) -> bool:
        """Check whether each column from which the cell of this column may have moved has a word,
        or a date, of its own. If it is not mapped, nothing shows it.
        """
        value = cells[name]
        if self._is_date(value):
            steps = [column for column in self._dated if column not in self._received]
            return bool(steps) and all(self._is_date(cells[column]) for column in steps)
        word = folded(value)
        homes = [column for column, words in self._known.items() if column and word in words]
        homes += self._units if self._is_unit(value) else ()
        filled = (cells[home] and self._is_known(home, cells[home]) for home in homes)
        return bool(homes) and all(filled)

    def _check_date(self, value: str) -> bool:
        if not _DATE_LIKE.search(value):
            return False
        return len(value) > 4 and self._parses(value)

    def _check_strange(self, column: str, value: str) -> bool:
        """Check whether a word is unknown in its column."""
        if column in self._units:
            return not self._is_unit(value)
        return folded(value) not in self._known.get(column, ())

    def _is_misplaced(self, column: str, value: str) -> bool:
        if _FRAGMENT_OF_DATE.search(value):
            return False
        if self._parses(value):
            return False
        exposed = column in self._exposed and not is_remark(value)
        return exposed or self.is_word_of_another(value)

    def _is_clerks(self, name: str, cells: Mapping[str, str]) -> bool:
        """Check whether a clerk wrote how a person was reached ('sudah ditelp', 'via WA'), or a
        word of another column: to which unit a complaint went.
        """
        if self.is_word_of_another(cells[name]):
            return self._has_word_of_its_own(cells, name)
        return may_be_contact_remark(cells[name])

    def _sides(self, column: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the columns before a column, the nearest first, and those after it."""
        place = self._place[column]
        return self._header[:place][::-1], self._header[place + 1 :]

    def _moved_on(self, side: Iterable[str], cells: Mapping[str, str]) -> MovedCells:
        """Return the cells on one side that may have moved, up to a known word or the ticket."""
        texts, words = set(), set()
        is_open = False
        for name in side:
            is_open = is_open or name not in self._place or name in self._texts
            value = cells.get(name, "") if name in self._place else ""
            if not value:
                continue
            if name in self._dated:
                if not any(map(str.isdigit, value)):
                    words.add(name)
            elif name == self._ticket or name in self._known or name in self._units:
                if self._is_known(name, value):
                    break
                words.add(name)
            else:
                texts.add(name)
        return MovedCells(frozenset(texts if is_open else ()), frozenset(words))

    def _is_known(self, column: str, value: str) -> bool:
        """Check whether a ticket has a digit, or each word of another cell has a meaning."""
        if column == self._ticket:
            return any(map(str.isdigit, value))
        if column in self._units:
            return self._is_unit(value)
        known = self._known[column] | self._public.get(column, frozenset())
        return all(folded(word) in known for word in value.split("|") if word.strip())

    def is_word_of_another(self, value: str) -> bool:
        """Check whether a text is a unit, or a word of any column with words of its own."""
        word = folded(value)
        return any(word in words for words in self._known.values()) or self._is_unit(value)

    def _is_unit(self, value: str) -> bool:
        aliases = map(folded, self._source.values.unit)
        return self._directory.unit_called(value) is not None or folded(value) in aliases

    def _knows(self, cells: dict[str, str]) -> bool:
        for column, words in self._known.items():
            if column is not None and cells[column]:
                found = cells[column].split("|") if len(words) else []
                known = words | self._public.get(column, frozenset())
                if not all(folded(word) in known or not word.strip() for word in found):
                    return False
        return all(not cells[name] or self._is_unit(cells[name]) for name in self._units)

    def _parses(self, value: str) -> bool:
        for form in self._source.dates:
            try:
                parse_datetime(value, form)
            except (ValueError, OverflowError):
                continue
            return True
        return False


def _privacy_words(source: SourceMapping) -> dict[str | None, frozenset[str]]:
    """Return the words for anonymous and secret reports, by column."""
    meanings = {name: source.values.privacy_of(name) for name in source.fields.privacy_columns}
    return {name: meaning.anonymous | meaning.secret for name, meaning in meanings.items()}


def date_columns(source: SourceMapping) -> frozenset[str]:
    """Return the columns with a whole date; those of a receipt in several columns are left out."""
    received = source.fields.received
    named = {received} if isinstance(received, str) else set()
    named |= {event.column for event in source.events}
    named |= {word.at for word in source.status if word.at}
    return frozenset(
        named | ({source.fields.promised_due} if source.fields.promised_due else set())
    )


def meets_conditions(event: EventColumn, cells: Mapping[str, str]) -> bool:
    """Check whether the other columns of a row have the values that an event requires."""
    return not event.when or all(_has_value(cells[name], word) for name, word in event.when.items())


def _has_value(cell: str, word: str) -> bool:
    return bool(cell.strip()) if word == "*" else folded(cell) == folded(word)
