"""Import: the rows of one extract become complaints and events, or wait in quarantine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from sqlalchemy.orm import Session

from db import complaints, imports, state_history
from db.models import WORD_ROLES, SourceImport
from sla.folding import folded, in_other_case
from tasks.common.context import SiteContext
from tasks.common.garbage import no_search_for_cycles
from tasks.ingest.complaint_writer import OriginWriters
from tasks.ingest.exchange.origins import record_origins
from tasks.ingest.import_target import ImportTarget
from tasks.ingest.officials.mails import record_mails
from tasks.ingest.open_questions import QuestionLog
from tasks.ingest.records import MISALIGNED, ComplaintRecord
from tasks.ingest.rejected_rows import RejectedRows
from tasks.ingest.row_doubts import doubtful_receipts, question_receipts
from tasks.ingest.row_parser import ParserInputs
from tasks.ingest.row_validator import RowValidator
from tasks.ingest.word_questions import WordQuestions
from tasks.sources.base import Extract, Row, SourceError

CHUNK = 2_000
"""Number of rows in memory at once."""

ENOUGH_ROWS = 20
"""Least number of rows for a check of the share of all rejected rows. In a smaller file only torn
rows, and rows without ticket or date of receipt, count; in a smaller answer of a server none do.
"""


class AlreadyImported(Exception):
    """Another run has already imported this extract."""


class TooManyBadRows(SourceError):
    """Too much of a file or an answer is unreadable, so nothing of it is imported."""


class AntedatedReceipts(SourceError):
    """Known complaints have far earlier dates of receipt than before, so nothing is imported."""


@dataclass(frozen=True, slots=True)
class Imported:
    """One import: its record, the reasons for rejected rows, and the new questions by column.

    `still_hidden` has the tickets of the changed rows that do not hide their report any more.
    """

    record: SourceImport
    reasons: Mapping[str, int]
    questions: Mapping[str, int]
    still_hidden: Sequence[str]


def import_extract(
    session: Session, context: SiteContext, name: str, extract: Extract, now: datetime
) -> Imported:
    """Import one extract in the caller's transaction.

    The extracts of a source are imported one after another, even by two runs at once. Their order
    does not change the result. Raises :class:`TooManyBadRows` if more rows are bad than the source
    allows, and :class:`AlreadyImported` if another run has imported this extract.
    """
    target = ImportTarget(session, context, name, min(extract.observed_at, now), now)
    imports.lock(session, name)
    if imports.is_imported(session, name, extract.sha256, target.observed_at):
        raise AlreadyImported(extract.name)
    writer = ImportWriter(target, extract)
    rows = iter(extract.rows)
    while _add_some(writer, rows):
        pass
    _check_share(writer)
    _check_receipts(writer)
    record = writer.finish()
    record_mails(target, extract.mails)
    period = (record.period_from, record.period_until)
    known_until = target.mapping.not_before(record.observed_at)
    if not target.mapping.only_reminds:  # else no import ever decides them
        complaints.schedule_undecided(session, name, known_until, now, period)
    writer.record_origins()
    extract.mixed_dates.extend(sorted(writer.validator.reader.mixed_dates))
    extract.odd_hours.update(writer.validator.reader.shown_hours)
    if extract.cursor is not None:
        imports.set_cursor(session, name, extract.cursor)
    return Imported(
        record, writer.rejected.reasons, writer.questions.opened, writer.writers.still_hidden
    )


def _add_some(writer: ImportWriter, rows: Iterator[Row]) -> bool:
    """Import the next rows; return False if there was none."""
    with no_search_for_cycles():
        chunk = list(islice(rows, CHUNK))
        if chunk:
            writer.add_rows(chunk)
        return bool(chunk)


def _check_share(writer: ImportWriter) -> None:
    """Raise :class:`TooManyBadRows` if more rows are bad than the source allows."""
    rejected, target = writer.rejected, writer.target
    rows = writer.rows - rejected.notes
    counted = rejected.count - rejected.notes if rows >= ENOUGH_ROWS else rejected.unusable
    small = rows < ENOUGH_ROWS and not target.mapping.has_files
    if small or counted <= rows * target.mapping.max_bad_share:
        return
    remedy = (
        "Correct these rows and export the file again; if the columns are others than before,"
        f" correct the mapping of {target.name} in sources.toml (`tenggat source learn FILE`"
        " proposes it)"
    )
    if all(cause in MISALIGNED for cause in rejected.causes):
        remedy = "Export the file again, or correct it by hand"
    raise TooManyBadRows(
        f"{writer.extract.name}: {counted} of {rows} rows cannot be read"
        f" ({', '.join(rejected.causes)}); nothing of it is imported."
        f" The first one is in line {rejected.first_line}. {remedy}"
    )


def _check_receipts(writer: ImportWriter) -> None:
    """Raise :class:`AntedatedReceipts` if too many known complaints were suddenly received earlier.

    A program that saves a file again may swap day and month. Each date is possible then, and the
    rows around it agree, but all deadlines would be over since long.
    """
    writers, target = writer.writers, writer.target
    known = writers.updated + writers.unchanged
    small = writer.rows < ENOUGH_ROWS and not target.mapping.has_files
    if small or writers.antedated <= known * target.mapping.max_bad_share:
        return
    raise AntedatedReceipts(
        f"{writer.extract.name}: the date of receipt of {writers.antedated} of {known} known"
        f" complaints is more than {target.mapping.suspicious_days} days earlier than before;"
        " nothing of it is imported. Perhaps day and month are swapped. Export the file again, or"
        f" correct `dates` of {target.name} in sources.toml. If the earlier dates are right, set"
        " suspicious_days = 0 for this import"
    )


def _as_known(
    target: ImportTarget, records: Sequence[ComplaintRecord], rejected: Collection[str]
) -> list[ComplaintRecord]:
    """Return the records of a whole file, each with the ticket of its known complaint.

    A new ticket is a known one in another letter case if both were received on the same day and
    the file shows only one of them. If it shows both, or either has a rejected row, they are two
    complaints: in the numbers of some programs letter case matters.
    """
    mapping = target.mapping
    if not mapping.has_files or mapping.is_exchange or mapping.completes is not None:
        return list(records)
    again = Counter(folded(record.ticket) for record in records)
    again.update(map(folded, rejected))
    spellings = {
        record.ticket: found
        for record in records
        if again[folded(record.ticket)] == 1 and (found := in_other_case(record.ticket))
    }
    wanted = {each for ticket, found in spellings.items() for each in (ticket, *found)}
    known = complaints.existing(target.session, target.name, wanted) if wanted else {}

    def is_known(ticket: str, record: ComplaintRecord) -> bool:
        days = [
            target.ctx.local(each).date() for each in (known[ticket].received_at, record.received)
        ]
        return days[0] == days[1]

    written = []
    for record in records:
        others = [each for each in spellings.get(record.ticket, ()) if each in known]
        if record.ticket not in known and len(others) == 1 and is_known(others[0], record):
            written.append(replace(record, ticket=others[0]))
        else:
            written.append(record)
    return written


class ImportWriter:
    """Writes one extract to the database, in chunks of rows."""

    def __init__(self, target: ImportTarget, extract: Extract) -> None:
        self.target, self.extract = target, extract
        self.questions = QuestionLog(target)
        self.answers = self.questions.answers
        inputs = ParserInputs(
            target.name,
            target.mapping,
            target.ctx.site.directory,
            administrator_unit=target.administrator_unit,
            answers=self.answers,
            asked_dates=self.questions.dates,
            classifications=target.ctx.site.evaluation_context.law.classifications,
        )
        self.validator = RowValidator(inputs, target.observed_at, extract.name)
        self.words = [WordQuestions(target, self.questions, role) for role in WORD_ROLES]
        self.rejected = RejectedRows(target, extract.name, extract.sha256)
        self.writers = OriginWriters(target, self.questions)
        self._read_rows = self._last_line = 0
        self._lost_rows = False

    @property
    def rows(self) -> int:
        """The number of rows read so far, without lines that are no complaints."""
        return self._read_rows - self.validator.passed_over

    def add_rows(self, rows: Sequence[Row]) -> None:
        """Parse some rows and write the complaints and events in them."""
        header = self.extract.header
        is_whole = self._read_rows == 0 and len(rows) < CHUNK
        self._read_rows += len(rows)
        self._last_line = max(self._last_line, rows[-1][0])
        records: list[ComplaintRecord] = []
        self.validator.hide_requested(header, rows)
        self.validator.keep_hidden(self.target.session, header, rows)
        for _, found in self.validator.validate(header, rows):
            if isinstance(found, ComplaintRecord):
                records.append(found)
            else:
                self.rejected.add(found)
        column = self.validator.reader.receipt_columns[0]
        made = self.target.ctx.local(self.target.observed_at).date()
        doubtful = doubtful_receipts(records, self.target.mapping, made)
        records = question_receipts(records, column, doubtful, self.answers)
        if is_whole:
            records = _as_known(self.target, records, self.rejected.keys)
        self.writers.write(records, self.rejected.keys)
        for words in self.words:
            words.see(records)

    def finish(self) -> SourceImport:
        """Store the import and what follows from it as a whole: doubts about complaints that it
        does not show, and events that assumed no snapshot at its time. Return its record.
        """
        target, own = self.target, self.writers.own
        self.rejected.resolve(self.validator.keys, self._last_line)
        for origin, tickets in self._rejected_tickets().items():
            unknown = self.writers.of(origin).doubt_rejected(list(tickets))
            self._lost_rows |= any(tickets[ticket] in self.rejected.torn_keys for ticket in unknown)
        self.writers.settle_shown()
        period = self.extract.period or (None, None)
        absent = own.absence.not_shown(period) if target.mapping.shows_everything else 0
        record = self._record(period, absent)
        target.session.add(record)
        for words in self.words:
            words.settle()
        self.questions.close_idle()
        own.derive_after_late_import()
        return record

    def _record(self, period: tuple[datetime | None, datetime | None], absent: int) -> SourceImport:
        writers, shown = self.writers, None
        if self.target.is_snapshot:
            shown = state_history.packed(writers.own.shown)
        return SourceImport(
            source=self.target.name,
            name=self.extract.name,
            sha256=self.extract.sha256,
            observed_at=self.target.observed_at,
            recorded_at=self.target.now,
            rows=self.rows - self.rejected.notes,
            new=writers.new,
            updated=writers.updated,
            unchanged=writers.unchanged,
            quarantined=self.rejected.quarantined,
            absent=absent,
            shown=shown,
            period_from=period[0],
            period_until=period[1],
        )

    def _rejected_tickets(self) -> dict[str, dict[str, str]]:
        """Return the tickets of the rejected rows with their keys, by their origin."""
        tickets: dict[str, dict[str, str]] = {}
        for key in sorted(self.rejected.keys):
            exchange = self.target.mapping.is_exchange
            origin = key.partition("/")[0] if exchange else ""
            tickets.setdefault(origin, {})[key.removeprefix(f"{origin}/")] = key
        return tickets

    def record_origins(self) -> None:
        """Store the other installation's statements about its sources."""
        by_origin = self.writers.by_origin
        shown = {origin for origin, writer in by_origin.items() if writer.shown}
        record_origins(
            self.target,
            self.extract.about,
            shown,
            rows_lost=self._lost_rows or bool(self.rejected.without_ticket),
        )
