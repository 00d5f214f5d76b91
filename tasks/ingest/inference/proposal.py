"""Propose a mapping from the headers and values of a file, with the reasons as comments."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from settings.mapping import TERMINAL, Values
from settings.site import Site
from settings.sources import ExchangeSource, FolderSource
from sla.directory import Directory
from sla.folding import folded
from sla.plain_text import escaped_control
from tasks.common.dates import parse_datetime
from tasks.common.flexible_dates import is_serial
from tasks.common.privacy_marks import marks_of_remark, without_marks
from tasks.common.redaction import redact
from tasks.common.remarks import is_contact_remark, shown_cell, word_of_end
from tasks.common.similar_units import similar_unit
from tasks.common.unit_names import is_subject, is_unit_name
from tasks.ingest.inference.column_types import (
    ColumnSample,
    ZoneGuess,
    clerks_date,
    event_of,
    has_own_number,
    has_ratings,
    hour_of,
    is_called,
    named,
    names_assignment,
    names_one_step,
    sections,
    zone_of,
)
from tasks.ingest.inference.doubts import (
    MappingDoubt,
    cell_of,
    lines_of,
    named_columns,
    odd_cells,
    odd_tickets,
    unread,
)
from tasks.ingest.inference.privacy import (
    PrivacyWords,
    has_labels_with_marks,
    has_privacy,
    is_titled_privacy,
    marked_columns,
    may_have_privacy,
    only_answers_privacy,
    privacy_columns,
    privacy_words,
    words_of_all,
)
from tasks.ingest.inference.probe import ProbedTable, table_of
from tasks.ingest.inference.unlearnable import UnlearnableFile
from tasks.ingest.inference.vocabulary import (
    CLASSIFICATIONS,
    LAPOR_CLOSES_AFTER,
    LAPOR_STATUS,
    REMARK_WORDS,
    STATUS,
    UNITS_OR_STEPS,
    UNSURE_UNITS,
)
from tasks.ingest.records import NOTES, ComplaintRecord, RejectionReason
from tasks.ingest.row_doubts import doubtful_receipts
from tasks.ingest.row_parser import ParserInputs
from tasks.ingest.row_validator import RejectedRow, RowValidator
from tasks.sources.base import MissingColumn, Row, position_of
from tasks.sources.files.reader import read_sheet
from tasks.sources.files.timestamps import stated_time, written_at
from tasks.text.catalog import catalog
from tasks.text.translation import translated_comments

LISTS = ("category", "channel", "place")
"""The fields with a word of a list that no rule of the law asks for."""

REGISTER = "register"
"""The name of a source whose file name has no letters."""

MOST_ODD_TICKETS = 0.25
"""Share of rows without a number of their own with which a column titled as the ticket is still
preferred to another column with a number in each row. Without such a column it may be half."""

MOST_UNITS = 0.66
"""Share of the values that must be names of units in a column whose title only says to whom."""

ENDS_WITHOUT_DATE = 0.1
"""Share of settled complaints without a day of the end, above which the status shows the end."""

_DIFFER = "its values differ from row to row: perhaps names or free text"
_STATUS_SHOWS_END = "its times are not read: only the status shows which complaints are settled"
_MORE_EXACT = "the times of the steps are more exact than a status"
_SOME_CELLS = "some of its cells say anonymous or secret"
_ONLY_SECTIONS = "no column names a unit of the government: these are parts of one office"
_EMPTY = "empty in this file"
_AT_RECEIPT = "perhaps the assignment, but not read as its day"
_HIDES_BY_REMARK = "a remark that asks for secrecy hides its report"
_ASKED_BY_REMARK = "a row that only a remark calls ended becomes a question"
_ASKED_BY_END = "a row with such a date and a status that is no end becomes a question"

_SETTLED = "Selesai"
"""The status of an end, for a file that has none yet."""

_USUAL_STATUS = ("Baru", "Belum diproses", "Proses", "Diproses", "Dalam proses", _SETTLED)
"""The words that are proposed for a status without any cell."""

_NUMBERED = re.compile(r"\b(?:\d+|[ivx]+)\s*$", re.IGNORECASE)
"""The end of a name that is no person's: 'Irban II', 'Wilayah 3'."""

_TORN = (RejectionReason.TORN_ROW, RejectionReason.SHORT_ROW, RejectionReason.LONG_ROW)

UNKNOWN_ZONE = "Asia/Jakarta"
"""The zone assumed without a site."""

Status = tuple[tuple[str, ...], tuple[str, ...]]
Meaning = TypeVar("Meaning")


@dataclass(slots=True)
class _Draft:
    """A mapping under construction: each field with its columns and the reason."""

    name: str
    table: ProbedTable
    zone: ZoneGuess
    local: str
    history: bool = False
    fields: dict[str, tuple[list[ColumnSample], str]] = field(default_factory=dict)
    dates: list[str] = field(default_factory=list)
    classifications: dict[str, str | None] = field(default_factory=dict)
    status: dict[str, Status | None] = field(default_factory=dict)
    privacy: PrivacyWords = field(default_factory=PrivacyWords)
    events: list[tuple[ColumnSample, str, ColumnSample | None, str]] = field(default_factory=list)
    left_out: list[tuple[ColumnSample, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    doubts: list[MappingDoubt] = field(default_factory=list)
    directory: Directory | None = None
    hidden_units: frozenset[str] = frozenset()
    """The names in the column of units, folded, that are left out: perhaps those of persons."""
    only_complaints: bool = False
    """Whether no column has the kind of report, so that every row counts as a complaint."""

    def take(self, name: str, column: ColumnSample | None, why: str) -> None:
        """Map a field to a column, if there is one."""
        if column is not None:
            self.fields[name] = ([column], why)

    def column(self, name: str) -> ColumnSample | None:
        """Return the column of a field."""
        found = self.fields.get(name)
        return found[0][0] if found else None

    @property
    def used(self) -> set[str]:
        """Return the names of all columns the mapping reads."""
        names = {column.name for columns, _ in self.fields.values() for column in columns}
        names |= {column.name for column, *_ in self.events}
        return names | {unit.name for *_, unit, _ in self.events if unit is not None}


@dataclass(frozen=True, slots=True)
class Learned:
    """A proposed mapping as TOML, and the result of reading the file with it."""

    name: str
    """The name of the source."""
    mapping: str
    """The mapping, with comments in English."""
    rows: int
    readable: int
    reasons: dict[str, int]
    """The number of rejected rows by reason."""
    units: Counter[str] = field(default_factory=Counter)
    """The names of units in the file as usually written, with the number of rows."""
    doubts: list[MappingDoubt] = field(default_factory=list)
    """What the person who knows the file should check."""

    @property
    def text(self) -> str:
        """The mapping below a line with its result, in English."""
        return self.text_in("en")

    def text_in(self, locale: str) -> str:
        """Return the mapping below a line with its result, with comments in a language."""
        t = catalog(locale)
        reasons = [f"{t(f'quarantine.{reason}')} ({n})" for reason, n in self.reasons.items()]
        rejected = ", ".join(reasons) or t("learn.none")
        head = t("learn.tried", readable=self.readable, rows=self.rows, rejected=rejected)
        return f"# {head}\n{translated_comments(self.mapping, locale)}\n"


def learn(
    path: Path,
    name: str | None,
    site: Site | None,
    *,
    zone: str | None = None,
    register_name: str | None = None,
) -> Learned:
    """Propose a mapping for files like this one, as a source of this name.

    Without a name, an export of SP4N-LAPOR! is `lapor`, a file in the exchange form `exchange`, and
    another file has `register_name`, else a name from its file name. With a site, its zone is the
    local one, and its directory decides which units are known. Without one, `zone` is the local
    zone. Raises `tasks.sources.base.UnreadableFile` if the file is unreadable or contains no
    complaints.
    """
    table = table_of(path)
    local = site.file.zone if site is not None else zone or UNKNOWN_ZONE
    if table.exchange and path.suffix == ".jsonl":
        return _exchange(path, _slug(name or "exchange"), site)
    of_file = register_name or re.split(r"\d", path.name)[0]
    known = _slug(name or ("lapor" if table.lapor else of_file))
    directory = site.directory if site is not None else None
    draft = _Draft(known, table, ZoneGuess(local, (), False), local, directory=directory)
    mappable = [column for column in table.columns if not _personal(column)]
    if table.open_marks:
        draft.doubts.append(MappingDoubt("mark_in_header", {"lines": lines_of(table.open_marks)}))
    (_lapor if table.lapor else _register)(draft, mappable)
    _account_for_the_rest(draft)
    if site is None and zone is None:
        draft.notes.append(f"no site was read: the zone is assumed to be {UNKNOWN_ZONE}")
    trial = _tried_or_refused("\n".join(_written(draft, directory)), known, path, directory)
    _leave_out_strange_units(draft, trial.shown_lines)
    _leave_out_strange_words(draft, trial.shown_lines)
    learned = _learned("\n".join(_written(draft, directory)), known, trial)
    learned.doubts[:0] = draft.doubts
    units = _unit_column(draft)
    if units is not None:
        names = _unit_names(draft, units)
        learned.units.update({word: units.counts[word.casefold()] for word in names})
    return learned


def _exchange(path: Path, name: str, site: Site | None) -> Learned:
    """Return the source of a file in the exchange form; it needs no mapping."""
    lines = [
        "# In the exchange form, as `tenggat export` writes it: nothing needs to be mapped.",
        f"[{name}]",
        'type = "folder"',
        f"folder = {_text(f'inbox/{name}')}",
        'layout = "exchange"',
        "# values = { unit = { ... } } maps their units to ours;",
        '# fields = { title = "title" } imports their titles.',
    ]
    text = "\n".join(lines)
    directory = site.directory if site is not None else None
    return _learned(text, name, _tried_or_refused(text, name, path, directory))


def _learned(text: str, name: str, trial: _Trial) -> Learned:
    """Build the result: the text, and the outcome of reading the file with it."""
    reasons = dict(trial.reasons.most_common())
    return Learned(name, text, trial.rows, trial.readable, reasons, doubts=list(trial.doubts()))


def _tried_or_refused(text: str, name: str, path: Path, directory: Directory | None) -> _Trial:
    """Read the file with its mapping; a table without a column of the mapping refuses it."""
    try:
        return _tried(text, name, path, directory)
    except MissingColumn as error:
        problem = "missing_title" if error.near is None else "other_title"
        values = {"place": error.place, "column": error.column, "near": error.near}
        raise UnlearnableFile(problem, **values) from None


def _slug(text: str) -> str:
    stem = Path(text).stem if "." in text else text
    return re.sub(r"[^a-z0-9]+", "_", stem.casefold()).strip("_")[:40] or REGISTER


def _personal(column: ColumnSample) -> bool:
    """Check whether a column is personal data.

    The time of a step, a rating, and whether a report is secret never are.
    """
    step = event_of(column) is not None and (column.dates or not column.values)
    rating = bool(column.values) and has_ratings(column) and bool(named([column], "rating"))
    spared = step or rating or only_answers_privacy(column)
    return bool(column.personal) and not spared


# --- what the columns are -------------------------------------------------------------------------


def _lapor(draft: _Draft, columns: Sequence[ColumnSample]) -> None:
    """Map an export of SP4N-LAPOR!; its columns and words are known.

    A person who saves it again may shorten a title: `Tipe Laporan`, `Instansi`.
    """
    draft.notes.append("an export of SP4N-LAPOR!, known by its columns: a snapshot of the present")
    for name, header, why in (
        ("ticket", "Tracking ID", "the number of the report"),
        ("received", "Tanggal Laporan Masuk", ""),
        ("classification", "Klasifikasi Laporan", ""),
        ("category", "Kategori", ""),
        ("privacy", "Tipe Laporan (Anonim/Rahasia)", "Anonim, Rahasia or both"),
        ("channel", "Sumber Laporan", ""),
        ("unit", "Instansi Terdisposisi", "the unit it is assigned to"),
        ("status", "Status Laporan", "events are derived by comparing it with the last snapshot"),
    ):
        draft.take(name, _of_lapor(draft, columns, name, header), why)
    _privacy(draft, columns)
    if "privacy" in draft.fields:
        why = "kept only where the report is neither anonymous nor secret"
        draft.take("title", _of_lapor(draft, columns, "title", "Judul Laporan"), why)
    received = draft.column("received")
    hour = _of_lapor(draft, columns, "hour", "Waktu Laporan Masuk")
    if hour is None and received is not None:
        hour = hour_of(received, columns)
    moments = _receipt(draft, hour)
    seen = zone_of(moments, draft.local)
    reasons = ["LAPOR! writes UTC", *seen.reasons]
    if seen.sure and seen.zone != "UTC":
        reasons.append("but these hours look local: were they converted? check it")
    draft.zone = ZoneGuess("UTC", tuple(reasons), True)
    _classify(draft)
    if "classification" not in draft.fields:
        draft.only_complaints = True
        draft.doubts.append(MappingDoubt("only_complaints", {}))
    if "unit" not in draft.fields:
        draft.doubts.append(MappingDoubt("no_unit"))
    _states(draft, LAPOR_STATUS, all_of_them=True)


def _of_lapor(
    draft: _Draft, columns: Sequence[ColumnSample], name: str, header: str
) -> ColumnSample | None:
    """Return the column with a title of SP4N-LAPOR!, else one with another title of the field."""
    same = folded(header)
    exact = next((column for column in columns if folded(column.name) == same), None)
    if exact is not None or name == "hour":
        return exact
    free = [c for c in columns if c.name not in draft.used and not c.dates]
    if name == "privacy":
        return next((c for c in privacy_columns(free) if has_privacy(c) and c.few_words), None)
    called = (column for column in named(free, name) if is_called(column, name))
    return next((c for c in called if name == "title" or _has_words_of(c, name)), None)


def _register(draft: _Draft, columns: Sequence[ColumnSample]) -> None:
    """Map any other file: find columns by the words of their headers and by their values."""
    ticket = _ticket(draft, columns)
    rest = [column for column in columns if column is not ticket]
    moments = [column for column in rest if column.dates]
    received = _received(draft, rest, moments)
    draft.take("received", received, "")
    promised = next((c for c in named(moments, "promised_due") if c is not received), None)
    draft.take("promised_due", promised, "the due time that the source itself promises")
    hour = hour_of(received, rest)
    draft.zone = zone_of(_receipt(draft, hour), draft.local)
    hiding = [c for c in privacy_columns(rest) if has_privacy(c) and c.few_words]
    hiding += [column for column in rest if is_titled_privacy(column)]
    for name in (
        *("status", "classification", "unit", "category", "channel", "privacy"),
        *("place", "rating"),
    ):
        taken = draft.used
        free = [c for c in rest if c.name not in taken and not c.dates and event_of(c) is None]
        if name != "privacy":  # in a column such as 'Klasifikasi Keamanan' it counts first
            free = [column for column in free if column not in hiding]
        found = privacy_columns(free) if name == "privacy" else named(free, name)
        found.sort(key=_is_remark if name == "status" else _is_empty)
        for column in found:
            if name == "privacy" and not has_privacy(column):
                continue
            if name == "rating" and not has_ratings(column):
                continue
            if name == "status" and not _has_status_words(column):
                continue
            if not _has_words_of(column, name):
                draft.left_out.append((column, _DIFFER))
                continue
            draft.take(name, column, f"{len(column.counts)} different values" * bool(column.values))
            break
    if "unit" not in draft.fields:
        draft.take("unit", _unit_by_values(draft, rest), "most of its values are names of units")
    if "unit" not in draft.fields:
        _section_as_unit(draft, rest)
    _privacy(draft, rest)
    _title(draft, rest)
    _steps(draft, [c for c in rest if c is not received and c is not promised])
    _classify(draft)
    if "classification" not in draft.fields:
        draft.only_complaints = True
        draft.doubts.append(MappingDoubt("only_complaints", {}))
    _states(draft, STATUS, all_of_them=False)
    if _unit_column(draft) is None:
        draft.doubts.append(MappingDoubt("no_unit"))
    if not _shows_end(draft):
        draft.doubts.append(MappingDoubt("no_end"))


def _received(
    draft: _Draft, columns: Sequence[ColumnSample], moments: Sequence[ColumnSample]
) -> ColumnSample:
    """Return the column with the receipt; one titled so that is unreadable is never replaced."""
    found = [column for column in named(moments, "received") if event_of(column) is None]
    if found and is_called(found[0], "received"):
        return found[0]
    unread = [c for c in columns if c.odd_dates and not c.dates and not c.hours]
    titled = next((column for column in unread if is_called(column, "received")), None)
    if titled is not None:
        raise _bad_receipt(draft, titled)
    found += [c for c in moments if len(c.values) == c.rows and event_of(c) is None]
    if not found:
        titled = next((column for column in unread if column.is_titled_receipt), None)
        if titled is not None:
            raise _bad_receipt(draft, titled)
        raise UnlearnableFile("no_receipt", file=draft.table.path.name)
    return found[0]


def _bad_receipt(draft: _Draft, column: ColumnSample) -> UnlearnableFile:
    """Return the refusal of a file by the cells in the column titled as the receipt."""
    odd = column.odd_dates
    values = cell_of(column, odd[0])
    file = draft.table.path.name
    if all(map(is_serial, odd)):
        return UnlearnableFile("receipt_in_numbers", file=file, **values)
    return UnlearnableFile("bad_receipt", file=file, n=len(odd), rows=column.rows, **values)


def _has_words_of(column: ColumnSample, name: str) -> bool:
    """Check whether the values of a column can be those of a field: they repeat, or are known.

    In a short register nearly every row has another unit, category or village. So a column titled
    as one of them, or as the status, needs no value twice.
    """
    if column.few_words:
        return True
    if name == "unit":
        return is_called(column, "unit") and column.has_unit_names
    if name in LISTS:
        return is_called(column, name) and column.has_labels
    return name == "status" and is_called(column, "status") and bool(STATUS.keys() & column.counts)


def _unit_by_values(draft: _Draft, columns: Sequence[ColumnSample]) -> ColumnSample | None:
    """Find a column titled `kepada` or `tujuan` whose values mostly are names of units."""

    for column in columns:
        units = sum(_is_unit(draft, value) for value in column.values)
        if column.words in UNSURE_UNITS and units and units >= len(column.values) * MOST_UNITS:
            return column
    return None


def _section_as_unit(draft: _Draft, columns: Sequence[ColumnSample]) -> None:
    """Map a column such as `Bidang` or `Seksi` as the unit of a register without a better one.

    Such a register is kept by one office, and these are its parts. So `Bidang` is no category,
    unless its values are subjects.
    """
    category = draft.column("category")
    others = draft.used - ({category.name} if category is not None else set())
    titled = [
        column
        for column in sections(columns)
        if column.name not in others and not column.dates and _has_words_of(column, "unit")
    ]
    found = [column for column in titled if not _has_subjects(draft, column)]
    if not found:
        if titled:
            draft.doubts.append(MappingDoubt("section_no_unit", {"column": titled[0].name}))
        return
    column = min(found, key=_is_empty)
    if column is category:
        del draft.fields["category"]
    draft.take("unit", column, _ONLY_SECTIONS)
    draft.doubts.append(MappingDoubt("section_as_unit", {"column": column.name}))


def _has_subjects(draft: _Draft, column: ColumnSample) -> bool:
    """Check whether a column such as `Bidang` has subjects and no parts of an office.

    Its title says both, so its values decide: whether most of them are units of the directory, or
    without a directory whether most of them are common subjects.
    """
    if not column.values or not is_called(column, "category"):
        return False
    if draft.directory is None:
        return 2 * sum(map(is_subject, column.values)) >= len(column.values)
    return 2 * sum(_is_unit(draft, value) for value in column.values) < len(column.values)


def _is_empty(column: ColumnSample) -> bool:
    return not column.values


def _is_list(column: ColumnSample) -> bool:
    """Check whether the header says that a column has a category, a channel or a place."""
    return any(is_called(column, name) for name in LISTS)


def _shows_end(draft: _Draft) -> bool:
    """Check whether the mapping shows when a complaint ends."""
    if draft.history:
        return any(kind in TERMINAL for _, kind, *_ in draft.events)
    return any(meaning and TERMINAL & set(meaning[0]) for meaning in draft.status.values())


def _ticket(draft: _Draft, columns: Sequence[ColumnSample]) -> ColumnSample:
    called = [column for column in named(columns, "ticket") if not column.dates]
    unique = sorted((c for c in called if c.unique), key=lambda column: column.numbers_rows)
    titled = [column for column in called if is_called(column, "ticket")]
    counted = all(column.numbers_rows or column.counts_up for column in unique)
    if not any(column in titled for column in unique):
        least = 1 - MOST_ODD_TICKETS if unique else 0.5
        mostly = [c for c in titled if len(c.counts) >= least * c.rows]
        if counted:
            titled += [c for c in called if has_own_number(c) and c not in titled]
            mostly += [c for c in titled if len(c.counts) >= (1 - MOST_ODD_TICKETS) * c.rows]
        odd = next(iter(mostly), None)
        if odd is not None:
            twice = odd.rows - len(odd.counts)
            draft.take("ticket", odd, f"{twice} rows without a value of their own: look at them")
            draft.doubts.append(odd_tickets(odd, draft.table.columns))
            return odd
    if unique:
        draft.take("ticket", unique[0], f"{unique[0].rows} rows, each with a value of its own")
        if unique[0].numbers_rows:
            draft.doubts.append(MappingDoubt("row_numbers", {"column": unique[0].name}))
            draft.notes.append(
                f"{_text(unique[0].name)} only numbers the rows: if that changes from file to file,"
                " another column must be the ticket"
            )
        return unique[0]
    for column in called:
        if len(column.counts) >= 0.98 * column.rows:
            twice = column.rows - len(column.counts)
            draft.take("ticket", column, f"{twice} rows without a value of their own: look at them")
            return column
    file = draft.table.path.name
    full = (column for column in called if len(column.values) == column.rows)
    again = next(iter((*titled, *full)), None)
    if again is None:
        raise UnlearnableFile("no_ticket", file=file)
    value, times = again.counts.most_common(1)[0] if again.counts else ("", 0)
    if times < 2:
        empty = again.rows - len(again.values)
        raise UnlearnableFile(
            "ticket_empty", file=file, column=again.name, n=empty, rows=again.rows
        )
    raise UnlearnableFile("ticket_again", file=file, column=again.name, value=value, times=times)


def _receipt(draft: _Draft, hour: ColumnSample | None) -> list[datetime]:
    """Decide the format of the receipt, in one or two columns; returns the times."""
    received = draft.column("received")
    if received is None or not received.dates:
        raise UnlearnableFile("no_receipt", file=draft.table.path.name)
    forms, columns = list(received.dates), [received]
    hourless = not any("%H" in form or "%I" in form for form in forms)
    if hour is not None and hour.hours and hourless:
        forms = [f"{day} {time}" for day in forms for time in hour.hours]
        columns.append(hour)
    draft.fields["received"] = (columns, "")
    draft.dates = forms
    if not any("%H" in form or "%I" in form for form in forms):
        draft.notes.append("only the day of receipt is given: it counts from the start of that day")
    if _either_order(received):
        draft.notes.append("every date may be read in two ways: the day is taken to be first")
        draft.doubts.append(MappingDoubt("day_first", {"column": received.name}))
    texts: Iterable[str] = received.values
    if len(columns) == 2:  # the two columns align only if neither has an empty cell
        same = len(received.values) == len(columns[1].values)
        texts = map(" ".join, zip(*(c.values for c in columns), strict=True)) if same else ()
    moments = (_first(text, forms) or clerks_date(text) for text in texts)
    return [moment for moment in moments if moment is not None]


def _either_order(column: ColumnSample) -> bool:
    """Check whether no date in numbers of a column shows which number is the month."""
    pairs = [re.match(r"(\d{1,2})[-/. ](\d{1,2})[-/. ]\d", value) for value in column.values]
    numbers = [(int(pair[1]), int(pair[2])) for pair in pairs if pair]
    return bool(numbers) and all(max(pair) <= 12 for pair in numbers)


def _first(text: str, forms: Iterable[str]) -> datetime | None:
    for form in forms:
        try:
            return parse_datetime(text, form)
        except (ValueError, OverflowError):
            continue
    return None


def _privacy(draft: _Draft, columns: Sequence[ColumnSample]) -> None:
    """Find the meaning of the words of privacy, and name the columns that may have it as well."""
    found = [c for c in privacy_columns(columns) if not c.dates and c.name not in draft.used]
    _mixed_privacy(draft, [c for c in columns if c not in found])
    taken = draft.fields.get("privacy")
    if taken is not None:
        further = [c for c in found if event_of(c) is None and has_privacy(c) and c.few_words]
        taken[0].extend(further)
        draft.privacy = words_of_all(taken[0])
        for column in taken[0]:
            if unknown := privacy_words(column).unknown:
                values = {"n": len(unknown), **cell_of(column, unknown[0])}
                draft.doubts.append(MappingDoubt("privacy_words", values))
    key = "privacy_unread" if taken is None else "privacy_twice"
    marked = marked_columns(draft.table.columns) if taken is None else []
    remarked = [column for column in marked if _is_remark(column) and column in columns]
    marked = [c for c in marked if c.name not in draft.used and c not in remarked]
    unread = [c for c in found if c.values and c.name not in draft.used and c not in marked]
    draft.doubts += [MappingDoubt(key, {"column": column.name}) for column in unread]
    personal = [column for column in draft.table.columns if _personal(column)]
    asked = [c for c in personal if may_have_privacy(c) and c not in marked]
    if taken is not None:
        asked = [column for column in asked if column.values]
    for column in asked:
        draft.doubts.append(MappingDoubt("privacy_or_person", {"column": column.name}))
    if marked:
        draft.doubts.append(MappingDoubt("privacy_in_cells", {"columns": named_columns(marked)}))
    if taken is None and not (unread or asked or marked or remarked):
        draft.doubts.append(MappingDoubt("no_privacy"))


def _mixed_privacy(draft: _Draft, columns: Sequence[ColumnSample]) -> None:
    """Map the columns with lists of which only some words are about privacy: 'Prioritas'."""
    found = [
        column
        for column in columns
        if column.name not in draft.used and not column.dates and has_labels_with_marks(column)
    ]
    if found:
        taken, why = draft.fields.get("privacy", ([], _SOME_CELLS))
        draft.fields["privacy"] = ([*taken, *found], why)


def _title(draft: _Draft, columns: Sequence[ColumnSample]) -> None:
    title = next(iter(named([c for c in columns if c.name not in draft.used], "title")), None)
    if title is None:
        return
    if "privacy" in draft.fields:
        why = "kept, masked, only where the report is neither anonymous nor secret"
        draft.take("title", title, why)
    else:
        draft.left_out.append(
            (title, "a title, and no column says which reports are anonymous or secret")
        )


def _steps(draft: _Draft, columns: Sequence[ColumnSample]) -> None:
    """Map the times of the steps taken: a history."""
    known = draft.column("unit")
    units = [c for c in columns if c in named(columns, "unit") and not c.dates and c.few_words]
    units = [c for c in units if c is known or c.values or c.words not in UNITS_OR_STEPS]
    for column in columns:
        kind = event_of(column)
        if kind is None or (column.values and not column.dates):
            continue
        draft.dates += [form for form in column.dates if form not in draft.dates]
        unit = None
        if kind in ("assigned", "returned"):
            before = [
                c for c in units if c.place < column.place and (c.values or not column.values)
            ]
            unit = before[-1] if before else known
        draft.events.append((column, kind, unit, "" if column.values else _EMPTY))
    promised = draft.column("promised_due")
    if promised is not None:
        draft.dates += [form for form in promised.dates if form not in draft.dates]
    draft.history = any(column.values for column, *_ in draft.events) or _is_new(draft)
    ends = _end_columns(draft)
    decides = _status_decides(draft) if draft.history else None
    if decides is not None:
        draft.left_out += [
            (column, _STATUS_SHOWS_END) for column, *_ in draft.events if column not in ends
        ]
        draft.doubts.append(decides)
        draft.history = False
    received = draft.column("received")
    if not draft.history:
        draft.events.clear()
        if "status" in draft.fields:
            _signs_of_end(draft, columns, ends)
            return
        if known is None or received is None:
            raise UnlearnableFile("no_progress", file=draft.table.path.name)
        draft.history = True
    if known is not None and received is not None:
        if not any(kind == "assigned" for _, kind, *_ in draft.events):
            _assigned_by_title(draft, received, known)
        _name_empty_assignment(draft)
        del draft.fields["unit"]  # a history takes its units from its events
    _remarks(draft, columns)
    status = draft.column("status")
    if status is not None and not _asks_for_ends(draft, status):
        del draft.fields["status"]
        if status.name not in draft.used:
            draft.left_out.append((status, _MORE_EXACT))


def _is_new(draft: _Draft) -> bool:
    """Check whether all columns of steps are empty, and only they can show the progress.

    An empty status is one more sign of an end in a history, if a step is an end.
    """
    status = draft.column("status")
    is_empty = status is None or (not status.values and bool(_end_columns(draft)))
    return bool(draft.events) and is_empty


def _name_empty_assignment(draft: _Draft) -> None:
    """Name the empty column of the assignment if another column has the units."""
    assigned = [(each, unit) for each, kind, unit, _ in draft.events if kind == "assigned"]
    if all(not each.values and unit is not None and unit.values for each, unit in assigned):
        columns = named_columns(each for each, _ in assigned)
        draft.doubts.append(MappingDoubt("assignment_empty", {"columns": columns}))


def _assigned_by_title(draft: _Draft, received: ColumnSample, unit: ColumnSample) -> None:
    """Map an empty column such as `Disposisi` as the day of the assignment; without one, the
    receipt.
    """
    used = draft.used
    found = [
        column
        for column in draft.table.columns
        if names_assignment(column) and column.name not in used and not column.personal
    ]
    empty = next((c for c in found if not c.values and names_one_step(c)), None)
    if empty is None or any(column.values for column in found):
        _assigned_at_receipt(draft, received, unit, found)
        return
    draft.events.append((empty, "assigned", unit, _EMPTY))
    draft.events.sort(key=lambda each: each[0].place)


def _assigned_at_receipt(
    draft: _Draft, received: ColumnSample, unit: ColumnSample, found: Sequence[ColumnSample]
) -> None:
    """Map the receipt as the earliest time of the assignment, and name the columns that may have
    its real day.

    The mapping says that the day is not known, also if no column may have it: a duty then counts
    from the first file with the unit, so that it is late only later.
    """
    why = "no column has the day: between the receipt and the first file with the unit"
    draft.events.insert(0, (received, "assigned", unit, why))
    if found:
        draft.left_out += [(column, _AT_RECEIPT) for column in found]
        draft.doubts.append(MappingDoubt("assignment_unread", {"columns": named_columns(found)}))
    draft.doubts.append(MappingDoubt("assignment_without_day"))


def _signs_of_end(draft: _Draft, columns: Sequence[ColumnSample], ends: list[ColumnSample]) -> None:
    """Map the columns that may show an end beside the status of a snapshot."""
    if ends:
        draft.fields["end_dates"] = (ends, _ASKED_BY_END)
    _remarks(draft, columns)


def _remarks(draft: _Draft, columns: Sequence[ColumnSample]) -> None:
    """Map the columns with remarks: a row without another sign of its end is asked about by them.

    A column that is empty in this file may have remarks later. In a history that sign is the date
    of an end, in a snapshot the status.
    """
    ends = _end_columns(draft)
    taken = {column.name for column, *_ in draft.events}
    taken |= {column.name for column in draft.fields.get("privacy", ([], ""))[0]}
    if not draft.history and (status := draft.column("status")) is not None:
        taken.add(status.name)
    found = [c for c in columns if not c.dates and not c.hours and _is_remark(c)]
    found = [column for column in found if column.name not in taken]
    marked = [c for c in found if any(any(marks_of_remark(text)) for text in c.counts)]
    if marked:
        draft.doubts.append(MappingDoubt("privacy_in_remarks", {"columns": named_columns(marked)}))
    if not found:
        return
    asked = bool(ends) or not draft.history
    draft.fields["remarks"] = (found, _ASKED_BY_REMARK if asked else _HIDES_BY_REMARK)
    if not draft.history or not ends:
        return
    dated = set().union(*(column.dated_positions for column in ends))
    for column in found:
        cells = zip(column.values, column.positions, strict=True)
        undated = [at for text, at in cells if word_of_end(text) and at not in dated]
        if undated and column is not draft.column("status"):
            values = {"ends": named_columns(ends), "n": len(undated), "lines": lines_of(undated)}
            draft.doubts.append(MappingDoubt("ends_asked", {"column": column.name, **values}))


def _end_columns(draft: _Draft) -> list[ColumnSample]:
    """Return the columns with the time of an end."""
    return [column for column, kind, *_ in draft.events if kind in TERMINAL]


def _asks_for_ends(draft: _Draft, status: ColumnSample) -> bool:
    """Check whether a row without the date of an end can be asked about by its status.

    Remarks have too many words of their own for that.
    """
    ends = any(kind in TERMINAL for _, kind, *_ in draft.events)
    return ends and not _is_remark(status) and status.has_labels


def _is_remark(column: ColumnSample) -> bool:
    return bool(set(column.words.split()) & REMARK_WORDS)


def _has_status_words(column: ColumnSample) -> bool:
    """Check whether a column is a status by its header, or remarks that mostly are status words."""
    if not _is_remark(column):
        return True
    known = sum(number for word, number in column.counts.items() if word in STATUS)
    return known > len(column.values) / 2


def _status_decides(draft: _Draft) -> MappingDoubt | None:
    """Return the reason if the end of a case is visible in the status, and not in days; else None.

    The times of the other steps would then make a complaint late that was settled long ago. A few
    settled complaints without a day are only a doubt.
    """
    status = draft.column("status")
    if status is None:
        return None
    settled = [
        position
        for word, position in zip(status.values, status.positions, strict=True)
        if TERMINAL & set(STATUS.get(" ".join(word.split()).casefold(), ((), ()))[0])
    ]
    ends = _end_columns(draft)
    dated = set().union(*(column.dated_positions for column in ends))
    undated = [position for position in settled if position not in dated]
    read = named_columns(column for column, *_ in draft.events)
    values: dict[str, object] = {"column": status.name, "columns": read}
    if settled and not ends:
        return MappingDoubt("status_decides", values)
    if not undated:
        return None
    values |= {"ends": named_columns(ends), "n": len(undated), "lines": lines_of(undated)}
    if len(undated) > len(settled) * ENDS_WITHOUT_DATE:
        return MappingDoubt("ends_without_date", values)
    asks = _asks_for_ends(draft, status) or _is_remark(status)
    draft.doubts.append(MappingDoubt("ends_asked" if asks else "few_ends_without_date", values))
    return None


def _classify(draft: _Draft) -> None:
    column = draft.column("classification")
    if column is None:
        return
    words = _as_written(column)
    known = {word: CLASSIFICATIONS.get(word.casefold()) for word in words}
    strange = sum(column.counts[word.casefold()] for word, what in known.items() if what is None)
    if column.values and strange > len(column.values) / 2:
        del draft.fields["classification"]
        draft.left_out.append((column, "most of its words are no known classification"))
        return
    draft.classifications = known


def _states(draft: _Draft, known: dict[str, Status], *, all_of_them: bool) -> None:
    column = draft.column("status")
    if column is None:
        return
    folded = {word.casefold(): meaning for word, meaning in known.items()}
    draft.status = dict(known) if all_of_them else {}
    have = {word.casefold() for word in draft.status}
    words = _as_written(column)
    if not words and not all_of_them:
        words = list(_USUAL_STATUS)
    for word in words:
        if word.casefold() not in have:
            draft.status[word] = folded.get(word.casefold())
    if len(column.values) < column.rows and not all_of_them and not draft.history:
        draft.status[""] = ((), ())  # an empty cell: nothing has been done
    if "end_dates" in draft.fields and any(draft.status.values()) and not _shows_end(draft):
        draft.status[_SETTLED] = known[_SETTLED.casefold()]  # the answer for a date of an end


def _as_written(column: ColumnSample) -> list[str]:
    """List the distinct values of a column, the most frequent first, each in its usual spelling."""
    written: dict[str, Counter[str]] = {}
    for value in column.values:
        flat = " ".join(value.split())
        written.setdefault(flat.casefold(), Counter())[flat] += 1
    return [written[word].most_common(1)[0][0] for word, _ in column.counts.most_common()]


def _account_for_the_rest(draft: _Draft) -> None:
    told = {column.name for column, _ in draft.left_out} | draft.used
    for column in draft.table.columns:
        if column.name in told:
            continue
        if _personal(column):
            why = f"personal: {column.personal}"
        elif column.dates:
            why = "times, but of what is not clear from the header"
        else:
            why = "not needed"
        draft.left_out.append((column, why))
    if not draft.table.lapor:
        keys = {_STATUS_SHOWS_END: "", _AT_RECEIPT: "", _MORE_EXACT: "status_less_exact"}
        listed = [c for c, why in draft.left_out if why == _DIFFER and _is_list(c)]
        draft.doubts += unread(
            (column, "words_unread" if column in listed else keys.get(why))
            for column, why in draft.left_out
        )
        untitled = [column for column in draft.table.untitled if column.dates]
        if untitled:
            draft.doubts.append(MappingDoubt("untitled", {"columns": named_columns(untitled)}))
        received = draft.column("received")
        steps = (column for column, *_ in draft.events)
        draft.doubts += odd_cells(received, steps)


# --- the mapping as text --------------------------------------------------------------------------


def _written(draft: _Draft, directory: Directory | None) -> Iterator[str]:
    table, name = draft.table, draft.name
    found = f"read {table.rows} rows below the header in line {table.header_line}"
    more = [f"delimiter '{table.delimiter}'"] if table.delimiter else []
    more += [f"encoding {table.encoding}"] if table.encoding else []
    yield f"# Learned from {_text(table.path.name)}: {', '.join([found, *more])}."
    yield "# A proposal: read it, correct it, then try `tenggat source check`."
    yield from (f"# Note: {note}." for note in draft.notes)
    yield f"[{name}]"
    yield 'type = "folder"'
    if table.lapor:
        yield 'system = "sp4n-lapor"'
    yield f"folder = {_text(f'inbox/{name}')}"
    yield f"pattern = {_text('*' + table.suffix)}"
    yield f"layout = {_text('history' if draft.history else 'snapshot')}"
    yield from (f"# zone: {reason}" for reason in draft.zone.reasons)
    yield f"zone = {_text(draft.zone.zone)}"
    if table.columns[0].place == 0 and not table.path.name.lower().endswith(".jsonl"):
        yield f"header = {_text(table.columns[0].name)}"
    if table.delimiter:
        yield f"delimiter = {_text(table.delimiter)}"
    yield f"dates = {_text(draft.dates)}"
    if draft.only_complaints:
        why = "no column has the kind of report: every row counts as a complaint"
        yield f'constants = {{ classification = "complaint" }}  # {why}'
    yield from _made(draft)
    yield f"\n[{name}.fields]"
    for key, (columns, why) in draft.fields.items():
        names = [column.name for column in columns]
        value = _text(names[0] if len(names) == 1 else names)
        yield f"{key} = {value}" + (f"  # {why}" if why else "")
    yield from _value_tables(draft, directory)
    any_known = any(meaning is not None for meaning in draft.status.values())
    for word, meaning in draft.status.items():
        asked = meaning is None and (any_known or redact(word) != word)
        yield from _status_table(name, word, meaning, asked=asked)
    for column, kind, unit, why in draft.events:
        yield f"\n[[{name}.events]]" + (f"  # {why}" if why else "")
        yield f"column = {_text(column.name)}"
        yield f"kind = {_text(kind)}"
        if unit is not None:
            yield f"unit = {_text(unit.name)}"
    yield "\n# Columns that are not read:"
    yield from (f"#   {_text(column.name)}: {why}" for column, why in draft.left_out)


def _made(draft: _Draft) -> Iterator[str]:
    table = draft.table
    if table.name_form is None and table.made_cell is None:
        yield "# The only sign of a file's time is the time it was last written."
    else:
        yield f"\n[{draft.name}.observed]"
        if table.name_form is not None:
            yield f"file_name = {_text(table.name_form)}  # the time in its name"
        elif table.made_cell is not None:
            label, form = table.made_cell
            yield f"cell = {_text(label)}  # the time is in the next cell"
            yield f"format = {_text(form)}"
        yield f"zone = {_text(draft.local)}"
    if table.period_cell is not None:
        yield f"\n[{draft.name}.period]  # a file is complete for the days of its filter"
        yield f"cell = {_text(table.period_cell)}"
        yield f"zone = {_text(draft.local)}"


def _value_tables(draft: _Draft, directory: Directory | None) -> Iterator[str]:
    yield from _privacy_words(draft)
    if draft.classifications:
        yield f"\n[{draft.name}.values.classification]"
        for word, meaning in draft.classifications.items():
            unknown = "  # unknown word: a question to the administrator; the complaint is watched"
            yield (
                f"{_text(word)} = {_text(meaning)}"
                if meaning
                else f"# {_text(redact(word))} = ?{unknown}"
            )
    units = _unit_column(draft)
    if units is None:
        return
    if directory is None:
        yield "\n# Units in this file: the directory needs each of these names, or an alias."
        yield from (f"#   {_text(word)}" for word in _unit_names(draft, units))
        return
    strange = [word for word in _unit_names(draft, units) if directory.unit_called(word) is None]
    if strange:
        yield "\n# Units that units.csv does not know: add an alias there, or say here which."
        yield f"# [{draft.name}.values.unit]"
        for word in strange:
            near = similar_unit(word, (unit.name for unit in directory.units.values()))
            hint = "?" if near is None else f"`{near}`?"
            yield f'# {_text(word)} = "..."  # {hint}'


def _privacy_words(draft: _Draft) -> Iterator[str]:
    """Yield the words of anonymous, secret and other reports that are not known without it."""
    words, usual = draft.privacy, Values()
    lists = {
        "anonymous": (*usual.anonymous, *words.anonymous) if words.anonymous else (),
        "secret": (*usual.secret, *words.secret) if words.secret else (),
        "public": words.public,
    }
    if not any(lists.values()):
        return
    yield f"\n[{draft.name}.values]"
    yield from (f"{name} = {_text(found)}" for name, found in lists.items() if found)


def _leave_out_strange_units(draft: _Draft, shown: AbstractSet[str]) -> None:
    """Find the names like no unit: perhaps of persons. `shown` are the lines of the reports that
    are neither anonymous nor secret.

    Those only in other reports are left out of the proposal. Those in a single row are only named.
    In an export of SP4N-LAPOR! no person types them.
    """
    column = _unit_column(draft)
    if column is None or draft.table.lapor:
        return
    lines: dict[str, list[str]] = {}
    for value, line in zip(column.values, column.positions, strict=True):
        if not (_is_unit(draft, value) or _NUMBERED.search(value)):
            lines.setdefault(folded(value), []).append(line)
    hidden = {
        name: found
        for name, found in lines.items()
        if "privacy" in draft.fields and shown.isdisjoint(found)
    }
    once = [found for name, found in lines.items() if len(found) == 1 and name not in hidden]
    draft.hidden_units = frozenset(hidden)
    for key, named_lines in (("units_hidden", list(hidden.values())), ("units_once", once)):
        if named_lines:
            flat = [line for found in named_lines for line in found]
            values = {"column": column.name, "n": len(named_lines), "lines": lines_of(flat)}
            draft.doubts.append(MappingDoubt(key, values))


def _leave_out_strange_words(draft: _Draft, shown: AbstractSet[str]) -> None:
    """Leave unknown words of the status and the classification that only anonymous or secret
    reports have out of the proposal: perhaps the names of persons. They become questions.
    """
    if "privacy" not in draft.fields:
        return

    def left(field: str, words: dict[str, Meaning]) -> dict[str, Meaning]:
        column = draft.column(field)
        cells = zip(column.values, column.positions, strict=True) if column is not None else ()
        of_open = {folded(value) for value, line in cells if line in shown}
        return {
            word: meaning
            for word, meaning in words.items()
            if meaning is not None or folded(word) in of_open or is_contact_remark(word)
        }

    status = left("status", draft.status)
    if draft.status and all(redact(word) != word for word in status):  # a snapshot needs a word
        status |= {word: STATUS[word.casefold()] for word in _USUAL_STATUS}
    draft.status = status
    draft.classifications = left("classification", draft.classifications)


def _is_unit(draft: _Draft, name: str) -> bool:
    """Check whether a name is that of a unit of the directory, or like one."""
    known = draft.directory is not None and draft.directory.unit_called(name) is not None
    return known or is_unit_name(name)


def _unit_names(draft: _Draft, column: ColumnSample) -> list[str]:
    """List the names of units for the proposal, the most frequent first.

    A name with a number of a person, such as a phone number, becomes a question. A name with a mark
    is that of the unit without it.
    """
    names = (name for name in _as_written(column) if redact(name) == name)
    plain = dict.fromkeys(map(without_marks, names))
    return [name for name in plain if folded(name) not in draft.hidden_units]


def _unit_column(draft: _Draft) -> ColumnSample | None:
    """Return the column with the units."""
    return draft.column("unit") or next((u for *_, u, _ in draft.events if u is not None), None)


def _status_table(name: str, word: str, meaning: Status | None, *, asked: bool) -> Iterator[str]:
    """Yield the meaning of a status; an unknown one is left to a question to the administrator.

    Without any known word the table is needed, and no rule is evaluated by an end not shown.
    """
    if asked:
        yield "\n# unknown word: a question to the administrator, or write the events it implies"
        yield f"# [[{name}.status]]"
        yield f"# word = {_text(redact(word))}"
        return
    unknown = "  # unknown word: write the events it implies"
    yield f"\n[[{name}.status]]" + ("" if meaning is not None else unknown)
    yield f"word = {_text(word)}"
    enter, leave = meaning or ((), ())
    if enter:
        yield f"enter = {_text(enter)}"
    if leave:
        yield f"leave = {_text(leave)}"
    if word in LAPOR_CLOSES_AFTER:
        kind, days = LAPOR_CLOSES_AFTER[word]
        yield f"earlier_by = {{ {kind} = {days} }}  # closed by itself so many working days later"


def _text(value: str | Sequence[str]) -> str:
    """Format a string, or a list of strings, in TOML."""
    if isinstance(value, str):
        return escaped_control(json.dumps(value, ensure_ascii=False))
    return f"[{', '.join(map(_text, value))}]"


@dataclass(slots=True)
class _Trial:
    """The rows of a file as read with a mapping: records with their lines, rejections by reason.

    `hours` has the line of the first cell with each hour that cannot be read, `torn` the lines of
    rows whose cells have moved.
    """

    source: FolderSource
    made: datetime
    reader: RowValidator
    rows: int = 0
    records: list[tuple[int, ComplaintRecord]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    hours: dict[tuple[str, str], int] = field(default_factory=dict)
    torn: list[str] = field(default_factory=list)
    unread_sheets: list[str] = field(default_factory=list)

    def read(self, header: tuple[str, ...], rows: Iterable[Row]) -> None:
        """Read rows. Lines of text beside the table are no rows."""
        for row in rows:
            self.rows += 1
            for line, found in self.reader.validate(header, [row]):
                if isinstance(found, RejectedRow):
                    self.reasons[found.reason] += 1
                    if found.reason in _TORN:
                        self.torn.append(position_of(line))
                else:
                    self.records.append((line, found))
            for cell in self.reader.reader.odd_hours.keys() - self.hours.keys():
                self.hours[cell] = row[0]
        self.rows -= self.reader.passed_over + self.notes

    @property
    def readable(self) -> int:
        """Return the number of rows without those to quarantine."""
        return self.rows - self.reasons.total() + self.notes

    @property
    def notes(self) -> int:
        """Return the number of lines of text outside the table."""
        return sum(self.reasons[reason] for reason in NOTES)

    @property
    def shown_lines(self) -> frozenset[str]:
        """Return the lines of the reports that are neither anonymous nor secret."""
        return frozenset(
            position_of(line)
            for line, record in self.records
            if not (record.anonymous or record.secret)
        )

    def doubts(self) -> Iterator[MappingDoubt]:
        """Name the torn rows, the dates of receipt that become questions, and the hours and sheets
        not read.
        """
        if self.torn:
            yield MappingDoubt("broken_rows", {"n": len(self.torn), "lines": lines_of(self.torn)})
        rows = [record for _, record in self.records]
        made = self.made.astimezone(ZoneInfo(self.source.zone)).date()
        if doubtful := doubtful_receipts(rows, self.source, made):
            values = {
                "column": self.reader.reader.receipt_columns[0],
                "value": shown_cell(rows[doubtful[0]].receipt_text),
                "line": position_of(self.records[doubtful[0]][0]),
            }
            yield MappingDoubt("doubtful_receipts", {"n": len(doubtful), **values})
        hours = self.reader.reader.odd_hours
        for name in dict.fromkeys(column for column, _ in hours):
            cells = [(text, n) for (column, text), n in hours.items() if column == name]
            text = cells[0][0]
            place = position_of(self.hours[name, text])
            values = {"column": name, "value": shown_cell(text), "line": place}
            yield MappingDoubt("odd_hours", {"n": sum(n for _, n in cells), **values})
        if self.unread_sheets:
            yield MappingDoubt("unread_sheets", {"sheets": ", ".join(self.unread_sheets)})


def _tried(text: str, name: str, path: Path, directory: Directory | None) -> _Trial:
    """Read the file with its mapping."""
    mapping = tomllib.loads(text)[name]
    kind = ExchangeSource if mapping["layout"] == "exchange" else FolderSource
    source: FolderSource = kind.model_validate(mapping)
    sheet = read_sheet(path, source)
    made = stated_time(path, sheet, source) or written_at(path)
    reader = RowValidator(ParserInputs(name, source, directory or Directory((), ())), made)
    trial = _Trial(source, made, reader)
    trial.read(sheet.header, sheet.rows)
    trial.unread_sheets += sheet.unread
    return trial
