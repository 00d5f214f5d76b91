"""Parse one row of a source with its mapping: a record, or the reason for its rejection."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache, partial
from typing import ClassVar
from zoneinfo import ZoneInfo

from db.models import QuestionRole
from settings.mapping import TERMINAL, EventColumn, PrivacyMeaning, SourceMapping, StatusWord
from sla.directory import Directory
from sla.engine.context import UNDETERMINED
from sla.events import ENDING, Kind
from sla.folding import folded
from tasks.common.dates import (
    DateTimeParser,
    is_begin_of_day,
    not_before_receipt,
    parse_iso,
    same_day,
)
from tasks.common.flexible_dates import (
    DateOrder,
    at_begin_of_day,
    date_order,
    day_before_hour,
    is_serial,
    parse_flexible,
    parse_serial,
)
from tasks.common.privacy_marks import (
    marks_of,
    marks_of_remark,
    marks_of_text,
    marks_of_ticket,
    may_have_marks,
    may_name_reporter,
)
from tasks.common.redaction import plain_name, plain_ticket, redact
from tasks.common.remarks import HIDDEN_CELL, is_contact_remark, shown_cell, word_of_end
from tasks.common.similar_units import similar_unit
from tasks.common.table_lines import is_note
from tasks.common.unit_names import is_unit_name
from tasks.ingest.cell_checks import (
    MARKS,
    EmptySigns,
    ShiftCheck,
    meets_conditions,
    rating_of,
    says_not_yet,
)
from tasks.ingest.open_questions import AskedDates
from tasks.ingest.records import (
    EMPTY_ANSWER,
    FIRST_VALUE,
    MISALIGNED,
    NOTES,
    STATUS_FIELD,
    UNIT_FIELD,
    Answers,
    ComplaintRecord,
    RejectionReason,
    RowError,
    Secrecy,
    Step,
    UnmappedCell,
    value_hash,
)
from tasks.ingest.step_order import StepOrder, UndatedAssignments
from tasks.ingest.swapped_dates import exchanged
from tasks.sources.base import FaultyRow
from tasks.text.withheld import withheld
from tasks.workbook_reader.limits import NO_RESULT

FORMULA_ERRORS = frozenset(
    {
        *("#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"),
        NO_RESULT,
    }
)
"""The values of a workbook's cell with a formula that has no result."""

_SHORTENED = re.compile(r"\d(?:[.,]\d+)?[eE]\+\d+")

_TO_END_OF_DAY = timedelta(hours=23, minutes=59, seconds=59)

BEFORE_END = frozenset({Kind.VERIFIED, Kind.ASSIGNED, Kind.RESPONDED, Kind.FOLLOW_UP_PUBLISHED})
"""The steps that clerks note before the end of a complaint."""

_DATED = (
    QuestionRole.STEP,
    QuestionRole.STATUS_DATE,
    QuestionRole.PROMISED_DUE,
    QuestionRole.RECEIPT,
)
"""The roles of questions about a cell that should be a date."""

_LONGER_THAN_NN = 5
"""A shorter cell for a name may be 'N.N.'."""

FOREVER = datetime.max.replace(tzinfo=UTC)
"""A limit for times that may be in the future."""


@dataclass(frozen=True, slots=True)
class ParserInputs:
    """The inputs of a parser of rows: the source with its mapping, and what its words may mean.

    `classifications` are those that the rules ask for; None means that every one is known.
    `asked_dates` are the dates in question by earlier imports.
    """

    name: str
    source: SourceMapping
    directory: Directory
    _: KW_ONLY
    administrator_unit: str | None = None
    answers: Answers = field(default_factory=dict)
    asked_dates: AskedDates | None = None
    classifications: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class _Words:
    """The meaning of the cells with words in a row, and those of them that cannot be read."""

    status: StatusWord | None
    classification: str | None
    category: str | None
    channel: str | None
    place: str | None
    rating: int | None
    unit: str | None
    anonymous: bool
    secret: bool
    unmapped: tuple[UnmappedCell, ...]


class RowParser:
    """The parser for a source: its mapping, with words casefolded and columns located."""

    never_shortened: ClassVar[frozenset[str]] = frozenset()
    """The columns that are unreadable if they are cut."""

    def __init__(self, inputs: ParserInputs) -> None:
        self.name, self.source, self.directory = inputs.name, inputs.source, inputs.directory
        self.administrator_unit, self.answers = inputs.administrator_unit, inputs.answers
        self._asked_dates = inputs.asked_dates
        source, directory = self.source, self.directory
        self._zone = ZoneInfo(source.zone)
        self._dates = DateTimeParser(source.dates, self._zone)
        self._unmapped: list[UnmappedCell] = []
        self._header: tuple[str, ...] = ()
        self._found: list[tuple[str, int]] = []
        self._names: tuple[str, ...] = ()
        self._year_first: set[str] = set()
        self._year_last: set[str] = set()
        self.odd_hours: Counter[tuple[str, str]] = Counter()
        """The number of cells with an hour that cannot be read, by column and text. Their dates
        count without an hour.
        """
        self.requested: frozenset[str] = frozenset()
        """The tickets of the reports that a line outside the table asks to keep secret."""
        self.is_whole_secret = False
        """Whether the file, the sheet or the title of the present row marks all reports as secret.
        """
        self.hidden_before: Mapping[str, Secrecy] = {}
        """The reports that an earlier import has hidden, by ticket: they stay hidden."""
        self._signs = EmptySigns(source)
        self._shift = ShiftCheck(source, directory)
        self._step_order = StepOrder(source)
        self._undated_assignments = UndatedAssignments(source)
        self._event_columns = [
            (event, f"{event.column}{FIRST_VALUE}" if event.first else event.column)
            for event in source.events
            if not source.has_no_day(event)
        ]
        # most cells with words repeat those of other rows, often together
        self._word_columns = self._columns_with_words()
        self._remarks = source.fields.remark_columns
        self._free_texts = tuple(filter(None, (source.fields.title, source.fields.text)))
        self._free = (source.fields.ticket, *self._free_texts)
        self._reporters = tuple(filter(None, (source.fields.reporter,)))
        self._meaning_of = lru_cache(maxsize=10_000)(self._read_words)
        self._unit_named = lru_cache(maxsize=10_000)(self._find_unit)
        self._short_text = lru_cache(maxsize=10_000)(self._read_short_text)

    @property
    def mixed_dates(self) -> frozenset[str]:
        """Return the columns with both date cells (or ISO dates) and dates written otherwise."""
        return frozenset(self._year_first & self._year_last)

    @property
    def shown_hours(self) -> dict[str, list[str]]:
        """Return the cells with an hour that cannot be read, for display and by column."""
        found: dict[str, list[str]] = {}
        for column, text in self.odd_hours:
            found.setdefault(column, []).append(shown_cell(text))
        return found

    @cached_property
    def _order(self) -> DateOrder:
        return date_order(self.source.dates)

    @cached_property
    def _words(self) -> dict[str, StatusWord]:
        return {folded(word.word): word for word in self.source.status}

    @cached_property
    def _classifications(self) -> dict[str, str]:
        given = self.source.values.classification
        return {folded(word): meaning for word, meaning in given.items()}

    @cached_property
    def _privacy_words(self) -> dict[str, PrivacyMeaning]:
        return {
            column: self.source.values.privacy_of(column)
            for column in self.source.fields.privacy_columns
        }

    @cached_property
    def _units(self) -> dict[str, str]:
        return {folded(word): unit for word, unit in self.source.values.unit.items()}

    def cells(self, header: tuple[str, ...], row: tuple[str, ...]) -> dict[str, str]:
        """Return the mapped columns of a row.

        Signs for 'nothing' count as empty cells. Missing or extra empty cells at the end change
        nothing. Raises :class:`RowError` for a torn row: a missing or extra separator has shifted
        its cells.
        """
        if isinstance(row, FaultyRow):
            raise RowError(RejectionReason(row.fault), "", row.detail)
        width, length = len(header), len(row)
        if length > width and any(cell.strip() for cell in row[width:]):
            raise RowError(RejectionReason.LONG_ROW, "", f"{length} > {width}")
        if length < width:
            row += ("",) * (width - length)
        found = {name: row[place].strip() for name, place in self._places(header)}
        if max(map(len, found.values())) > self.source.max_cell:
            self._shorten(found)
        self._signs.apply(found)
        if self._shift.is_shifted(found, strict=length != width):
            detail = "" if length == width else f"{length} {'<' if length < width else '>'} {width}"
            column = "" if detail else self._shift.misplaced_column(found)
            raise RowError(_misfit(length, width), column, detail)
        if moved := self._shift.moved(found).texts:
            found.update(dict.fromkeys(moved - self._required, ""))
        return found

    def _shorten(self, cells: dict[str, str]) -> None:
        """Shorten cells that are too long; raises :class:`RowError` for a ticket or a receipt."""
        longest = self.source.max_cell
        for name, value in cells.items():
            if len(value) > longest and name not in self.never_shortened:
                if name in self._required:
                    raise RowError(RejectionReason.TOO_LONG, name, value[:40])
                cells[name] = value[:longest]

    @cached_property
    def _required(self) -> frozenset[str]:
        """Return the columns without which a row is no complaint: ticket and date of receipt."""
        return frozenset((self.source.fields.ticket, *self.receipt_columns))

    @cached_property
    def receipt_columns(self) -> tuple[str, ...]:
        """Return the column, or the columns, of the date of receipt."""
        received = self.source.fields.received
        return (received,) if isinstance(received, str) else received

    def receipt_text(self, cells: Mapping[str, str]) -> str:
        """Return the date of receipt as it is written in the row."""
        columns = self.receipt_columns
        if len(columns) == 1:
            return cells[columns[0]]
        return " ".join(cells[column] for column in columns).strip()

    def kept(
        self, header: tuple[str, ...], row: tuple[str, ...], reason: RejectionReason
    ) -> dict[str, str]:
        """Return the storable cells of a bad row: the mapped columns except personal ones,
        masked.
        """
        if reason in MISALIGNED or reason in NOTES:
            return {}  # perhaps the name of a person
        if reason == RejectionReason.MISSING_TICKET and not self.has_receipt(header, row):
            return {}  # perhaps a shifted row
        places = [(name, place) for name, place in self._places(header) if place < len(row)]
        whole = {name: row[place].strip() for name, place in places}
        if self.source.has_files and self._shift.has_misplaced_cell(whole):
            return {}
        if self.source.has_files and is_note(whole.get(self.source.fields.ticket, "")):
            return {}  # a remark, perhaps with the name of a person
        personal = {*self.source.fields.personal, *self._names, *self._texts_of_private(whole)}
        whole |= self._replaced_privacy(whole)
        return {name: redact(whole[name])[:200] for name in whole if name not in personal}

    def _replaced_privacy(self, cells: Mapping[str, str]) -> dict[str, str]:
        """Return a word that hides the report for each cell of privacy with an unknown word.

        Such a word may be the name of the complainant.
        """
        cleaned = {**dict.fromkeys(self.source.columns, ""), **cells}
        self._signs.apply(cleaned)
        secret = next(iter(self.source.values.secret), "rahasia")
        return {
            name: secret
            for name, meaning in self._privacy_words.items()
            if not self.source.is_exchange and not meaning.knows(cleaned[name])
        }

    def _texts_of_private(self, cells: Mapping[str, str]) -> set[str]:
        """Return the columns with dates that have a text, those with a name that is like no unit,
        and those with an unknown word, in the row of an anonymous or secret report: it may name the
        complainant.
        """
        cleaned = {**dict.fromkeys(self.source.columns, ""), **cells}
        self._signs.apply(cleaned)
        if self.source.is_exchange or not self._is_hidden(cleaned):
            return set()
        receipt = set(self.receipt_columns)
        named = self.source.date_columns.union(self.source.fields.optional_columns) - receipt
        found = {name for name in named if not self._is_plain_date(cleaned.get(name, ""))}
        units = self.source.unit_columns
        found |= {name for name in units if self._is_strange_unit(cleaned.get(name, ""))}
        found |= {name for name in self._known_words if self._is_strange_word(name, cleaned[name])}
        return found if self._is_plain_date(self.receipt_text(cleaned)) else found | receipt

    def _places(self, header: tuple[str, ...]) -> list[tuple[str, int]]:
        """Return the mapped columns with their index, computed once for all rows of a file."""
        if header is not self._header:
            self._header = header
            optional = (name for name in self.source.fields.optional_columns if name in header)
            named = dict.fromkeys((*self.source.columns, *optional))
            self._names = self._columns_of_reporter(header)
            self._reporters = (*filter(None, (self.source.fields.reporter,)), *self._names)
            named |= dict.fromkeys(self._names)
            self._found = [(name, header.index(name)) for name in named]
            self._shift.read_header(header)
        return self._found

    def _columns_of_reporter(self, header: tuple[str, ...]) -> tuple[str, ...]:
        """Return the columns whose titles name the complainant and which are not imported.

        They are read only for a mark: 'Nama Pelapor' may have 'Dirahasiakan'.
        """
        if not self.source.has_files or self.source.is_exchange:
            return ()
        read = {*self.source.columns, *self.source.fields.optional_columns}
        return tuple(name for name in header if name not in read and may_name_reporter(name))

    def key(self, cells: Mapping[str, str]) -> str:
        """Return the key of the record of these cells; empty without a ticket."""
        return plain_ticket(cells[self.source.fields.ticket])

    def record(self, cells: Mapping[str, str], observed: datetime) -> ComplaintRecord:
        """Parse one row; raises :class:`RowError` if it is no complaint.

        A cell that cannot be read, except the ticket and the date of receipt, leaves its field
        empty and is listed in `unmapped`.
        """
        self._unmapped = []
        named = self.source.fields
        ticket = plain_ticket(cells[named.ticket])
        if not ticket:
            raise RowError(
                RejectionReason.MISSING_TICKET, named.ticket, cells.get(self.source.stand_in, "")
            )
        if ticket in FORMULA_ERRORS:
            raise RowError(RejectionReason.ERROR_CELL, named.ticket, ticket)
        if "+" in ticket and _SHORTENED.fullmatch(ticket):
            raise RowError(RejectionReason.TICKET_AS_NUMBER, named.ticket, ticket)
        if len(ticket) > 255:
            raise RowError(RejectionReason.TOO_LONG, named.ticket, ticket[:40])
        column = self.receipt_columns[0]
        received = self._received(cells, observed)
        if received is None:
            raise RowError(RejectionReason.MISSING_DATE, column)
        if received > observed:
            raise RowError(RejectionReason.IN_THE_FUTURE, column, self.receipt_text(cells))
        words = self._meaning_of(tuple([cells[name] for name in self._word_columns]))
        self._unmapped += words.unmapped
        status = self._status_beside_end(cells, words.status, observed)
        marks = self._further_marks(cells)
        anonymous = words.anonymous or any(mark for mark, _ in marks)
        secret = words.secret or any(mark for _, mark in marks)
        secret = secret or self.is_whole_secret or ticket in self.requested
        before = self.hidden_before.get(ticket)
        still_hidden = before is not None and not (anonymous or secret)
        if before is not None and still_hidden:
            anonymous, secret = before.anonymous, before.secret
        hidden = anonymous or secret
        return ComplaintRecord(
            ticket=ticket,
            received=received,
            classification=words.classification,
            category=words.category,
            channel=words.channel,
            place=words.place,
            rating=words.rating,
            unit=words.unit,
            title=self._title(cells, hidden),
            text=self._personal(cells, named.text, 20_000, hidden),
            attachments=self._personal(cells, named.attachments, 1_000, hidden),
            reporter=self._personal(cells, named.reporter, 255, hidden, mask=False),
            anonymous=anonymous,
            secret=secret,
            promised_due=self._promised_due(cells),
            status=status,
            status_at=self._status_at(cells, status, received, observed),
            steps=self._steps(cells, received, observed),
            unmapped=tuple(self._unmapped),
            receipt_text=self._shown_receipt(cells, hidden),
            still_hidden=still_hidden,
        )

    def withhold(
        self, record: ComplaintRecord, cells: Mapping[str, str], file: str, position: str
    ) -> ComplaintRecord:
        """Return a record without the texts that may name the complainant: in columns with dates,
        in those of units a text that is like no unit, and in those of the status and the
        classification one that is not only a remark on the progress. Their questions name the file
        and the line instead.

        This holds for an anonymous or secret report, and for cells that may have moved.
        """
        if self.source.is_exchange or not record.unmapped:
            return record
        hidden = record.anonymous or record.secret
        moved = self._shift.moved(cells).words
        found = tuple(
            replace(cell, withheld=withheld(plain_name(file), position))
            if (hidden and self._may_name(cell)) or self._may_name_moved(cell, moved)
            else cell
            for cell in record.unmapped
        )
        return record if found == record.unmapped else replace(record, unmapped=found)

    def _may_name(self, cell: UnmappedCell) -> bool:
        """Check whether a cell that should be a date has a text, or one of a unit another name, or
        one of a word an unknown one.
        """
        if cell.role == QuestionRole.UNIT:
            return self._is_strange_unit(cell.value)
        if cell.column in self._known_words and cell.role != QuestionRole.STATUS_DATE:
            return self._is_strange_word(cell.column, cell.value)
        if cell.role not in _DATED or cell.column in self.source.fields.remark_columns:
            return False
        return not self._is_plain_date(cell.value)

    @cached_property
    def _known_words(self) -> dict[str, Mapping[str, object]]:
        """The known words of the columns with the status and the classification."""
        fields = self.source.fields
        named = ((fields.status, self._words), (fields.classification, self._classifications))
        return {column: words for column, words in named if column is not None}

    def _is_strange_word(self, column: str, text: str) -> bool:
        """Check whether a text in such a column is neither known nor only a remark on the progress.

        A known status may come with a column that has a sign of an end: `proses + Tgl Selesai`.
        """
        word = text.partition(" + ")[0]
        if self._is_plain_date(word) or is_contact_remark(word):
            return False
        return folded(word) not in self._known_words[column]

    def _may_name_moved(self, cell: UnmappedCell, moved: Collection[str]) -> bool:
        """Check whether a cell may have moved to its column, and has not only words of clerks."""
        if cell.column not in moved or not cell.value or is_contact_remark(cell.value):
            return False
        return not self._shift.is_word_of_another(cell.value) and self._may_name(cell)

    def _is_strange_unit(self, name: str) -> bool:
        """Check whether a name in a column with units is neither known nor like that of a unit."""
        if not name or self.source.has_addresses or self._unit_named(name) or is_unit_name(name):
            return False
        return similar_unit(name, (unit.name for unit in self.directory.units.values())) is None

    def _is_plain_date(self, text: str) -> bool:
        """Check whether a cell has nothing but a date, an error of a formula, or is empty."""
        return not text or text in FORMULA_ERRORS or self.is_date(text)

    def _shown_receipt(self, cells: Mapping[str, str], hidden: bool) -> str:
        """Return the date of receipt as written; of an anonymous or secret report without an hour
        that cannot be read.
        """
        text = self.receipt_text(cells)
        if not hidden or self._is_plain_date(text):
            return text
        several = len(self.receipt_columns) > 1
        return cells[self.receipt_columns[0]] if several else day_before_hour(text)

    def _columns_with_words(self) -> tuple[str, ...]:
        """Return the columns from which :class:`_Words` is read."""
        fields = self.source.fields
        named = (
            *(*fields.privacy_columns, fields.status, fields.classification, fields.category),
            *(fields.channel, fields.place, fields.rating, fields.unit),
        )
        return tuple(dict.fromkeys(filter(None, named)))

    def _read_words(self, values: tuple[str, ...]) -> _Words:
        """Return the meaning of the cells of the columns with words."""
        cells = dict(zip(self._word_columns, values, strict=True))
        others, self._unmapped = self._unmapped, []
        anonymous, secret = self._privacy(cells)
        words = _Words(
            status=self._status(cells),
            classification=self._classification(cells),
            category=self._plain(cells, "category", 255),
            channel=self._plain(cells, "channel", 255),
            place=self._plain(cells, "place", 255),
            rating=self._rating(cells),
            unit=self._unit(cells, self.source.fields.unit, UNIT_FIELD),
            anonymous=anonymous,
            secret=secret,
            unmapped=tuple(self._unmapped),
        )
        self._unmapped = others
        return words

    def _received(self, cells: Mapping[str, str], observed: datetime = FOREVER) -> datetime | None:
        """Return the time of receipt; with an unreadable time of day, a time on the day.

        It is the start of the day. A source in UTC names the day in Greenwich, which ends here on
        the next day: then it is the end of that day. The hour 24:00 is 00:00 of the next day.
        """
        column = self.receipt_columns[0]
        text, day = self.receipt_text(cells), cells[column]
        try:
            return self._moment(text, column)
        except RowError:
            if (end := self._end_of_day(text, column)) is not None:
                return min(end, max(observed, end - timedelta(days=1)))
            if len(self.receipt_columns) == 1:
                day = day_before_hour(text)
            if not day or not self.is_date(day):
                raise
        moment = self._moment(day, column)
        self._note_odd_hour(cells, self.receipt_columns[-1])
        if moment is None or self.source.zone != "UTC" or moment.time() != time():
            return moment
        return max(moment, min(moment + _TO_END_OF_DAY, observed))

    def _end_of_day(self, text: str, column: str) -> datetime | None:
        """Return 00:00 of the next day for a text with the hour 24:00; None for another text."""
        begin = at_begin_of_day(text)
        try:
            moment = self._moment(begin, column)
        except RowError:
            return None
        if moment is None:
            return None
        local = moment.astimezone(self._zone) + timedelta(days=1)  # the hour stays
        return local.astimezone(UTC)

    def has_receipt(self, header: tuple[str, ...], row: tuple[str, ...]) -> bool:
        """Check whether a row has a readable date of receipt."""
        try:
            return self._received(self.cells(header, row)) is not None
        except RowError:
            return False

    def is_date(self, text: str) -> bool:
        """Check whether a text is a date, in a format of the mapping or in a common form."""
        try:
            if self._dates.parse(text) is not None:
                return True
            parse_serial(text) if is_serial(text) else parse_flexible(text, self._order)
        except (ValueError, OverflowError):
            return False
        return True

    def has_known_word(self, header: tuple[str, ...], row: tuple[str, ...]) -> bool:
        """Check whether a cell of a row is a unit, a status or a classification in its column."""
        whole = {
            name: row[place].strip() for name, place in self._places(header) if place < len(row)
        }
        return self._shift.has_known_word(whole)

    def _moment(self, text: str, column: str) -> datetime | None:
        if not text:
            return None
        try:
            moment = self._dates.parse(text)
            if moment is None:
                moment = self._dates.in_utc(self._flexible(text, column))
        except OverflowError:
            raise RowError(RejectionReason.BAD_DATE, column, text) from None
        if text[4:5] == "-" and text[:4].isdigit():
            self._year_first.add(column)
        elif column not in self._year_last and not is_serial(text):
            self._year_last.add(column)
        return moment

    def _note_odd_hour(self, cells: Mapping[str, str], column: str) -> None:
        """Count a cell with an hour that cannot be read; its text in the row of an anonymous or
        secret report is not kept.
        """
        text = HIDDEN_CELL if self._is_hidden(cells) else cells[column]
        self.odd_hours[column, text] += 1

    def _moment_or_day(self, cells: Mapping[str, str], column: str) -> datetime | None:
        """Return the time of a step; with an hour that cannot be read, the start of the day."""
        text = cells[column]
        try:
            return self._moment(text, column)
        except RowError:
            day = day_before_hour(text)
            if not day:
                raise
        moment = self._moment(day, column)
        self._note_odd_hour(cells, column)
        return moment

    def _flexible(self, text: str, column: str) -> datetime:
        """Parse a date in none of the mapping's formats."""
        try:
            if not is_serial(text):
                return parse_flexible(text, self._order)
            moment = parse_serial(text)
        except (ValueError, OverflowError):
            error = text in FORMULA_ERRORS
            reason = RejectionReason.ERROR_CELL if error else RejectionReason.BAD_DATE
            raise RowError(reason, column, text) from None
        if not self.source.serial:
            raise RowError(RejectionReason.UNFORMATTED_DATE, column, text)
        return moment

    def _ask(
        self, role: QuestionRole, column: str, value: str, source_field: str, kind: str = ""
    ) -> str | None:
        """List a cell that cannot be read; return the answer given for its value, if any."""
        answer = self.answers.get((column, value_hash(value)))
        self._unmapped.append(UnmappedCell(role, column, value, source_field, kind, answer))
        return answer

    def _step_date(
        self,
        cells: Mapping[str, str],
        column: str,
        received: datetime | None,
        observed: datetime,
        role: QuestionRole = QuestionRole.STEP,
        kind: str = "",
    ) -> datetime | None:
        """Return the date of a step; None if the cell is empty, unreadable or impossible.

        A step cannot be before the receipt (`received`) or after the import. A date that was
        written before its day stays impossible: it was a plan, and says not what has happened.
        """
        text = cells[column]
        if not text:
            return None
        field = f"{column}/{kind}" if role is QuestionRole.STEP else role
        moment, is_plan = None, False
        try:
            moment = self._moment_or_day(cells, column)
            if moment is not None and received is not None and moment < received:
                moment = self._on_day_of_receipt(cells, moment, received)
            if moment is not None and _possible(moment, received, observed):
                is_plan = self._is_plan(cells, column, moment, field)
                if not is_plan:
                    return moment
        except RowError:
            pass
        answer = self._ask(role, column, text, field, kind)
        if moment is not None and self._is_ahead(observed, moment):
            self._unmapped[-1] = replace(self._unmapped[-1], planned=moment)
        elif moment is not None and is_plan and answer == EMPTY_ANSWER:
            self._ask_on_its_day(column, text, moment)
        return self._answered_date(received, observed)

    def _ask_on_its_day(self, column: str, text: str, moment: datetime) -> None:
        """Leave the last question open if it was answered before the day of a plan: the answer that
        nothing had happened could not know about this day.
        """
        asked = self._asked_dates
        if asked is not None and asked.is_answered_before(column, text, moment):
            self._unmapped[-1] = replace(self._unmapped[-1], answer=None, planned=moment)

    def _is_plan(
        self, cells: Mapping[str, str], column: str, moment: datetime, source_field: str
    ) -> bool:
        """Check whether a complaint has shown this date since a day before it."""
        asked = self._asked_dates
        if asked is None or column not in asked.columns:
            return False
        since = asked.since(self.key(cells), column, cells[column], source_field)
        return since is not None and self._is_ahead(since, moment)

    def _is_ahead(self, shown: datetime, moment: datetime) -> bool:
        """Check whether a date is a plan, because it was shown on an earlier day.

        The day before is not enough: an export may be of the next morning, and named by the last
        day of its period.
        """
        return shown < moment and self._day(moment) - self._day(shown) > timedelta(days=1)

    def _day(self, moment: datetime) -> date:
        try:
            return moment.astimezone(self._zone).date()
        except OverflowError:  # the last day that a date can have
            return moment.date()

    def _answered_date(self, received: datetime | None, observed: datetime) -> datetime | None:
        """Return the answer to the last question as a date, if it may be true of the complaint."""
        answer = self._unmapped[-1].answer
        if not answer:
            return None
        moment = datetime.fromisoformat(answer)
        if received is not None:
            moment = not_before_receipt(moment, received, self._zone)
        if _possible(moment, received, observed):
            return moment
        self._unmapped[-1] = replace(self._unmapped[-1], answer=None)
        return None

    def _on_day_of_receipt(
        self, cells: Mapping[str, str], moment: datetime, received: datetime
    ) -> datetime:
        """Return the time of a step before the receipt; for the day of receipt without a time of
        day, the time of receipt. A receipt at 24:00 is still on the day before.
        """
        if at_begin_of_day(self.receipt_text(cells)):
            begin = received - timedelta(seconds=1)
        else:
            begin = received
        only_day = is_begin_of_day(moment, self._zone) and same_day(moment, begin, self._zone)
        return received if only_day else moment

    def _is_only_day(
        self, moment: datetime, received: datetime, cells: Mapping[str, str], column: str
    ) -> bool:
        """Check whether the text of a step states only the day: it has the time 00:00, or the time
        of the receipt because the text has none.
        """
        if moment == received:
            try:
                stated = self._moment_or_day(cells, column)
            except RowError:  # an answer stands in the place of the text
                stated = parse_iso(self._unmapped[-1].answer)
            if stated != received:
                return True
        return is_begin_of_day(moment, self._zone)

    def _promised_due(self, cells: Mapping[str, str]) -> datetime | None:
        column = self.source.fields.promised_due
        if column is None:
            return None
        return self._step_date(cells, column, None, FOREVER, QuestionRole.PROMISED_DUE)

    def _steps(
        self, cells: Mapping[str, str], received: datetime, observed: datetime
    ) -> tuple[Step, ...]:
        steps, untimed = [], []
        for event, place in self._event_columns:
            if not (cells[event.column] or event.shows_itself):
                continue
            if not meets_conditions(event, cells):
                continue
            if event.first and self._is_untimed(cells, event, received):
                unit = self._unit_of_step(cells, event, f"{place}/{event.kind}")
                untimed.append(Step(place, event.kind, received, unit, is_timed=False))
                continue
            since = None if event.kind == Kind.SERVICE_RECEIVED else received
            asked = len(self._unmapped)
            moment = self._step_date(cells, event.column, since, observed, kind=event.kind)
            if moment is not None:
                unit = self._unit_of_step(cells, event, f"{place}/{event.kind}")
                only_day = self._is_only_day(moment, received, cells, event.column)
                steps.append(Step(place, event.kind, moment, unit, only_day))
            elif len(self._unmapped) > asked:
                unit = self._unit(cells, event.unit, f"{event.column}/{event.kind}")
                self._unmapped[asked] = replace(self._unmapped[asked], unit=unit)
                if event.shows_itself and self._unmapped[asked].answer == EMPTY_ANSWER:
                    untimed.append(Step(place, event.kind, received, unit, is_timed=False))
        end = self._end_by_status(cells, steps, received, observed)
        if end is not None:
            steps.append(end)
        untimed += self._undated_steps(cells, steps, received)
        if not steps:
            return tuple(untimed)
        if self._is_by_clerk:
            steps = self._before_end(cells, steps, received)
        ask = partial(self._asked_again, cells)
        return (*untimed, *self._step_order.arranged(steps, ask, self._is_asked))

    def _undated_steps(
        self, cells: Mapping[str, str], steps: Sequence[Step], received: datetime
    ) -> Iterator[Step]:
        """Yield the assignments to units that the row names without the date."""
        for found in self._undated_assignments.of_row(cells, steps, received):
            event = found.event
            unit = self._unit(cells, event.unit, f"{event.column}/{event.kind}")
            yield Step(
                event.column, event.kind, found.begin, unit, is_timed=False, until=found.until
            )

    def _is_untimed(self, cells: Mapping[str, str], event: EventColumn, received: datetime) -> bool:
        """Check whether a row shows an event without its time.

        The column with the time of the last change is empty, or it still has the time of receipt.
        A day without a time of day may be the day of both.
        """
        text = cells[event.column]
        if not text:
            return True
        is_day = is_begin_of_day(received, self._zone)
        return text == self.receipt_text(cells) and not is_day

    @cached_property
    def _end_column(self) -> EventColumn | None:
        """The first column with an end, in a history in which a status or a remark may mean one."""
        fields = self.source.fields
        if self.source.layout != "history" or not (fields.status or fields.remark_columns):
            return None
        return next((event for event in self.source.events if event.kind in TERMINAL), None)

    def _end_by_status(
        self,
        cells: Mapping[str, str],
        steps: Sequence[Step],
        received: datetime,
        observed: datetime,
    ) -> Step | None:
        """Ask about the end of a row without the date of one, if its status or a remark may mean
        an end. Return the end as the answer says.
        """
        end = self._end_column
        if end is None:
            return None
        kinds = {step.kind for step in steps}
        if TERMINAL & kinds or self._is_asked(tuple(TERMINAL)):
            return None
        found = next(self._words_of_end(cells, Kind.RETURNED in kinds), None)
        if found is None:
            return None
        column, word = found
        self._ask(QuestionRole.STEP, column, word, f"{end.column}/{end.kind}", end.kind)
        moment = self._answered_date(received, observed)
        return None if moment is None else Step(end.column, end.kind, moment, None)

    def _words_of_end(
        self, cells: Mapping[str, str], is_returned: bool
    ) -> Iterator[tuple[str, str]]:
        """Yield the columns with a word that may mean an end, and the word.

        In a status that is a word for an end, or an unknown word, for example that the complaint
        was returned or joined with another. Of a remark only the word itself is given.
        """
        column = self.source.fields.status
        if column is not None and cells[column]:
            known = self._words.get(folded(cells[column]))
            is_open = known is None and (is_returned or says_not_yet(cells[column]))
            if not is_open and (known is None or known.terminal):
                yield column, " ".join(cells[column].split())
        for column in self.source.fields.remark_columns:
            if word := word_of_end(cells.get(column, "")):
                yield column, word

    @cached_property
    def _is_by_clerk(self) -> bool:
        """Check whether a person may have exchanged day and month of a step."""
        source = self.source
        return bool(source.has_files and source.suspicious_days and not source.is_exchange)

    def _before_end(
        self, cells: Mapping[str, str], steps: list[Step], received: datetime
    ) -> list[Step]:
        """Return the steps, without those whose day and month are probably exchanged.

        Such a step is after the end of its complaint, and before it with day and month exchanged.
        Its date becomes an open question.
        """
        ends = [step.moment for step in steps if step.kind in ENDING]
        if not ends:
            return steps
        end = min(ends)
        if max([step.moment for step in steps]) == end:
            return steps  # nothing after the end
        if any(step.kind == Kind.REOPENED for step in steps):
            return steps
        found: list[Step | None] = []
        for step in steps:
            late = step.moment > end and step.kind in BEFORE_END
            if late and self._is_exchanged(cells, step, received, end):
                found.append(self._asked_again(cells, step, step.kind, received))
            else:
                found.append(step)
        return [step for step in found if step is not None]

    def _is_exchanged(
        self, cells: Mapping[str, str], step: Step, received: datetime, end: datetime
    ) -> bool:
        """Check whether a step lies between two moments if its day and month are exchanged."""
        first, day, last = (m.astimezone(self._zone).date() for m in (received, step.moment, end))
        text = cells[step.column.removesuffix(FIRST_VALUE)]
        other = exchanged(text, day, self.source)
        return other is not None and first <= other <= last

    def _is_asked(self, kinds: Sequence[str]) -> bool:
        """Check whether the date of an event of these kinds is an open question of this row."""
        return any(cell.kind in kinds for cell in self._unmapped)

    def _asked_again(
        self, cells: Mapping[str, str], step: Step, kind: str, begin: datetime | None
    ) -> Step | None:
        """Ask about a step with an impossible date; return it as the answer says, if that is after
        `begin`.

        `kind` is the kind of event that is in doubt.
        """
        column = step.column.removesuffix(FIRST_VALUE)
        answer = self._ask(QuestionRole.STEP, column, cells[column], f"{column}/{step.kind}", kind)
        self._unmapped[-1] = replace(self._unmapped[-1], unit=step.unit)
        if not answer:
            return None
        moment = datetime.fromisoformat(answer)
        if begin is not None and self._day(moment) == self._day(begin):
            moment = max(moment, begin + timedelta(seconds=1))  # on one day, the procedure counts
        if begin is not None and moment >= begin:
            return replace(step, moment=moment)
        self._unmapped[-1] = replace(self._unmapped[-1], answer=None)  # wrong for this complaint
        return None

    def _unit_of_step(
        self, cells: Mapping[str, str], event: EventColumn, source_field: str
    ) -> str | None:
        """Return the unit of a step; an assignment without the name of a unit is a question."""
        if event.unit and not cells[event.unit] and event.kind == Kind.ASSIGNED:
            answer = self._ask(QuestionRole.UNIT, event.unit, "", source_field)
            return self.administrator_unit if answer is None else answer or None
        return self._unit(cells, event.unit, source_field)

    def _unit(self, cells: Mapping[str, str], column: str | None, source_field: str) -> str | None:
        """Return the unit with this name; an unknown name counts as the administrator's unit."""
        name = cells[column] if column else self.source.constants.get("unit", "")
        if not name:
            return None
        unit = self._unit_named(name)
        if unit is not None:
            return unit
        answer = self._ask(QuestionRole.UNIT, column or "", name, source_field)
        return self.administrator_unit if answer is None else answer or None

    def _find_unit(self, name: str) -> str | None:
        found = self._units.get(folded(name)) or self.directory.unit_called(name)
        if found is not None or not self.source.has_addresses or "," not in name:
            return found
        named = map(self._find_unit, name.split(", "))  # the first recipient that names a unit
        return next(filter(None, named), None)

    def _classification(self, cells: Mapping[str, str]) -> str | None:
        column = self.source.fields.classification
        if column is None:
            return self.source.constants.get("classification") or None
        word = cells[column]
        if not word:
            return None
        meaning = self._classifications.get(folded(word))
        if meaning is not None:
            return meaning or None
        answer = self._ask(QuestionRole.CLASSIFICATION, column, word, "classification")
        return UNDETERMINED if answer is None else answer or None

    def _status(self, cells: Mapping[str, str]) -> StatusWord | None:
        column = self.source.fields.status
        if column is None or self.source.layout != "snapshot":
            return None
        return self._status_word(column, cells[column])

    def _status_word(self, column: str, text: str) -> StatusWord | None:
        """Return the meaning of a text as a status; a text without one becomes a question."""
        word = self._words.get(folded(text))
        if word is not None:
            return word
        answer = self._ask(QuestionRole.STATUS, column, " ".join(text.split()), STATUS_FIELD)
        return self._words.get(folded(answer or ""))

    def _status_beside_end(
        self, cells: Mapping[str, str], status: StatusWord | None, observed: datetime
    ) -> StatusWord | None:
        """Return the status of a row of a snapshot; ask if only another column says that it ended.

        The question names the status and that column: `proses + Tgl Selesai`.
        """
        if status is None or status.terminal or self._is_status_asked:
            return status
        sign = self._sign_of_end(cells, observed)
        if not sign:
            return status
        column = self.source.fields.status or ""
        return self._status_word(column, f"{cells[column]} + {sign}")

    @property
    def _is_status_asked(self) -> bool:
        """Check whether the status of this row is an open question without an answer."""
        return any(c.source_field == STATUS_FIELD and c.answer is None for c in self._unmapped)

    def _sign_of_end(self, cells: Mapping[str, str], observed: datetime) -> str:
        """Return the column that says that a complaint has ended, with the word of a remark."""
        for column in self.source.fields.end_date_columns:
            if self._is_end_date(cells.get(column, ""), observed):
                return column
        for column in self.source.fields.remark_columns:
            if word := word_of_end(cells.get(column, "")):
                return f"{column}: {word}"
        return ""

    def _is_end_date(self, text: str, observed: datetime) -> bool:
        """Check whether a cell may be the date of an end; a date in the future is a plan."""
        if not any(sign.isdigit() for sign in text):
            return bool(word_of_end(text))
        if self._signs.is_no_date(text):
            return False
        try:
            moment = self._dates.parse(text)
            if moment is None:
                moment = self._dates.in_utc(parse_flexible(text, self._order))
        except (ValueError, OverflowError):
            return True
        return moment <= observed

    def _status_at(
        self,
        cells: Mapping[str, str],
        status: StatusWord | None,
        received: datetime,
        observed: datetime,
    ) -> datetime | None:
        """Return the start of the present status, if the source states it."""
        if status is None or status.at is None:
            return None
        return self._step_date(cells, status.at, received, observed, QuestionRole.STATUS_DATE)

    def _privacy(self, cells: Mapping[str, str]) -> tuple[bool, bool]:
        """Return whether a report is anonymous or secret: by its columns `privacy`, or by a mark in
        another cell.
        """
        found = [self._privacy_words[name].of_cell(cells[name]) for name in self._privacy_words]
        if not self.source.is_exchange:
            found += [marks_of(cells[name]) for name in self._word_columns if cells[name]]
        found += self._further_marks(cells)
        return any(anonymous for anonymous, _ in found), any(secret for _, secret in found)

    def _is_hidden(self, cells: Mapping[str, str]) -> bool:
        """Check whether a row, a line outside the table or an earlier import hides the report."""
        if self.is_whole_secret or any(self._privacy(cells)):
            return True
        key = self.key(cells)
        return key in self.requested or key in self.hidden_before

    def _further_marks(self, cells: Mapping[str, str]) -> list[tuple[bool, bool]]:
        """Return whether each cell outside the columns with words marks the report as anonymous, or
        as secret: remarks, dates, the ticket, the title, the text and the name of the complainant.
        """
        if self.source.is_exchange:
            return []
        found = [marks_of_remark(cells[name]) for name in self._remarks if cells.get(name)]
        if MARKS in cells:
            found.append(marks_of_remark(cells[MARKS]))
        if may_have_marks("\n".join([cells.get(name, "") for name in self._free])):
            # few rows come here
            found += [marks_of_text(cells.get(name, "")) for name in self._free_texts]
            found.append(marks_of_ticket(cells.get(self.source.fields.ticket, "")))
        for name in self._reporters:
            cell = cells.get(name, "")
            if len(cell) < _LONGER_THAN_NN or may_have_marks(cell):
                found.append(marks_of(cell))
        return found

    def _title(self, cells: Mapping[str, str], hidden: bool) -> str | None:
        column = self.source.fields.title
        if column is None or hidden or not cells[column] or cells[column] in FORMULA_ERRORS:
            return None
        title = " ".join(cells[column].split())
        return (redact(title) if self.source.mask else title)[:500]

    def _personal(
        self,
        cells: Mapping[str, str],
        column: str | None,
        length: int,
        hidden: bool,
        *,
        mask: bool = True,
    ) -> str | None:
        """Return a personal text named by the mapping, but never of an anonymous or secret
        report.
        """
        if column is None or hidden:
            return None
        value = cells[column].strip()
        if value in FORMULA_ERRORS:
            return None
        return (redact(value) if mask and self.source.mask else value)[:length] or None

    def _rating(self, cells: Mapping[str, str]) -> int | None:
        """Return the rating of the reporter; an empty or another cell is none, never 0."""
        column = self.source.fields.rating
        return rating_of(cells[column]) if column else None

    def _plain(self, cells: Mapping[str, str], field: str, length: int) -> str | None:
        column = getattr(self.source.fields, field)
        value = cells[column] if column else self.source.constants.get(field, "")
        return self._short_text(value, length)

    def _read_short_text(self, value: str, length: int) -> str | None:
        if value in FORMULA_ERRORS:
            return None
        text = " ".join(value.split())
        return (redact(text) if self.source.mask else text)[:length] or None


def _possible(moment: datetime, received: datetime | None, observed: datetime) -> bool:
    return (received is None or received <= moment) and moment <= observed


def _misfit(length: int, width: int) -> RejectionReason:
    """Return the reason for a row with shifted cells, by its number of cells."""
    if length == width:
        return RejectionReason.TORN_ROW
    return RejectionReason.SHORT_ROW if length < width else RejectionReason.LONG_ROW
