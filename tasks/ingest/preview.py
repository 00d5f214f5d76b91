"""Check: read rows of a source with its mapping, without storing any of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from db.engine import open_engine
from db.migrations.schema import SCHEMA
from db.questions import HIDDEN
from settings.site import Site
from tasks.common.context import SiteContext
from tasks.common.remarks import CELLS_SHOWN
from tasks.ingest.counted_rows import counted
from tasks.ingest.open_questions import shown_value
from tasks.ingest.records import ComplaintRecord, stated_events
from tasks.ingest.rejected_rows import fingerprint
from tasks.ingest.row_doubts import doubtful_receipts
from tasks.ingest.row_parser import ParserInputs
from tasks.ingest.row_validator import RejectedRow, RowValidator
from tasks.sources.base import Extract, SourceError, Waiting, position_of
from tasks.sources.registry import open_source

ENOUGH = 10_000
"""The number of rows that is enough to know the layout of a source."""

COUNTED = ("classification", "category", "channel", "place", "rating", "unit", "privacy", "status")
"""The fields with a count of their values over the sample."""

FIELDS = (
    "ticket",
    "received",
    "classification",
    "category",
    "channel",
    "place",
    "rating",
    "unit",
    "privacy",
    "promised_due",
    "status",
    "events",
    "title",
)


@dataclass(slots=True)
class Checked:
    """The result of reading a sample: the first rows field by field, and counts for all of it.

    `shown` has rows with the keys of :data:`FIELDS` and the line number; of a title only the part
    that would be stored. `refused` lists the rows that would go to quarantine, each once as
    in the quarantine (`marks` has their fingerprints), `questions` the values that would become
    open questions, by column, with the number of rows. Lines of text beside the table do not count
    in `rows`. `whole` is false if the source has more rows than the sample. Answers given before
    are not considered.
    """

    source: str
    names: list[str] = field(default_factory=list)
    observed_at: datetime | None = None
    rows: int = 0
    readable: int = 0
    whole: bool = True
    shown: list[dict[str, str]] = field(default_factory=list)
    refused: list[RejectedRow] = field(default_factory=list)
    marks: set[str] = field(default_factory=set)
    questions: Counter[tuple[str, str]] = field(default_factory=Counter)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    events: Counter[str] = field(default_factory=Counter)
    waiting: list[Waiting] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    mixed_dates: list[str] = field(default_factory=list)
    """The files and columns in which date cells and dates written as text are mixed."""
    odd_hours: list[str] = field(default_factory=list)
    """The files and columns with hours that cannot be read, with some of these cells."""
    unread_sheets: list[str] = field(default_factory=list)
    """The files and sheets with rows that are not read."""

    @property
    def reasons(self) -> dict[str, int]:
        """Return the reasons for quarantine with the number of rows."""
        return dict(Counter(str(bad.reason) for bad in self.refused).most_common())


def check_source(site: Site, name: str, now: datetime, rows: int) -> Checked:
    """Read a sample of the present content of a source and return its first rows.

    The function writes nothing and moves no file. Raises `tasks.sources.base.WrongMapping` if the
    layout of the source is not as in the mapping, and `tasks.sources.base.SourceError` if there
    is nothing to read.
    """
    engine = open_engine("sqlite://")  # in memory and empty: rows imported before are shown too
    SCHEMA.create_all(engine)
    context = SiteContext(site, engine)
    source = open_source(site, name)
    checked = Checked(name, waiting=source.waiting, failures=source.failures)
    try:
        for extract in source.sample(context, now):
            checked.names.append(extract.name)
            checked.observed_at = min(extract.observed_at, now)
            counted_extract, read = counted(extract)
            try:
                _read(checked, context, counted_extract, rows)
            except SourceError:
                raise
            except Exception as error:
                checked.failures.append(f"{read.unexpected(error)}; please report it")
            if not checked.whole:
                return checked
    finally:
        engine.dispose()
    if not checked.names and (checked.failures or not checked.waiting):
        raise SourceError("; ".join(checked.failures) or f"{name} has nothing to read now")
    return checked


def _read(checked: Checked, context: SiteContext, extract: Extract, rows: int) -> None:
    """Read one extract, as far as the sample goes, and note its first rows."""
    site, name = context.site, checked.source
    observed_at = checked.observed_at or extract.observed_at
    unit = site.administrator_unit
    inputs = ParserInputs(
        name,
        site.sources[name],
        site.directory,
        administrator_unit=unit,
        classifications=site.evaluation_context.law.classifications,
    )
    sieve = RowValidator(inputs, observed_at, extract.name)
    records: list[ComplaintRecord] = []
    lines = list(islice(extract.rows, ENOUGH - checked.rows))
    sieve.hide_requested(extract.header, lines)
    for row in lines:
        checked.rows += 1
        for line, found in sieve.validate(extract.header, [row]):
            _note(checked, context, line, found, rows)
            if isinstance(found, ComplaintRecord):
                records.append(found)
        if checked.rows >= ENOUGH:
            checked.whole = False
            break
    checked.rows -= sieve.passed_over
    made = context.local(observed_at).date()
    for n in doubtful_receipts(records, site.sources[name], made):
        value = shown_value(records[n].receipt_text)
        checked.questions[sieve.reader.receipt_columns[0], value] += 1
    mixed = sorted(sieve.reader.mixed_dates)
    checked.unread_sheets += (f"{extract.name}: {sheet}" for sheet in extract.unread)
    checked.mixed_dates += (f"{extract.name}: {column}" for column in mixed)
    checked.odd_hours += (
        f"{extract.name}: {column} ({', '.join(cells[:CELLS_SHOWN])})"
        for column, cells in sieve.reader.shown_hours.items()
    )


def _note(
    checked: Checked,
    context: SiteContext,
    line: int,
    found: ComplaintRecord | RejectedRow,
    rows: int,
) -> None:
    if isinstance(found, RejectedRow):
        checked.rows -= found.is_note
        mark = fingerprint(found)
        if mark not in checked.marks:
            checked.marks.add(mark)
            checked.refused.append(found)
        return
    checked.readable += 1
    fields = _shown_fields(context, checked.source, found, checked.observed_at)
    for cell in found.unmapped:
        value = cell.withheld or shown_value(cell.value)
        checked.questions[cell.column, value] += 1
        if cell.source_field in fields:
            fields[cell.source_field] = f"? {HIDDEN if cell.withheld else value}"
    for name in COUNTED:
        checked.counts.setdefault(name, Counter())[fields[name]] += 1
    checked.events.update(
        event.kind for event in stated_events(found, checked.source, found.received)
    )
    if found.status is not None:
        checked.events.update(found.status.enter)
    if len(checked.shown) < rows:
        checked.shown.append({"line": position_of(line), **fields})


def _shown_fields(
    context: SiteContext, source: str, record: ComplaintRecord, observed_at: datetime | None
) -> dict[str, str]:
    """Return one row for display, with local times and the names of units."""

    def local(moment: datetime | None) -> str:
        return context.local(moment).isoformat(timespec="seconds") if moment else ""

    name_of = context.site.directory.name_of
    untimed = {f"{step.column}/{step.kind}" for step in record.steps if not step.is_timed}
    events = [
        " ".join(
            filter(
                None,
                (
                    event.kind,
                    "by then" if event.source_field in untimed else local(event.latest),
                    name_of(event.unit),
                ),
            )
        )
        for event in stated_events(record, source, observed_at or record.received)
    ]
    if record.status is not None:
        since = local(record.status_at)
        events += [f"{kind} {since or 'by then'}" for kind in record.status.enter]
    privacy = [word for word in ("anonymous", "secret") if getattr(record, word)]
    return {
        "ticket": record.ticket,
        "received": local(record.received),
        "classification": record.classification or "",
        "category": record.category or "",
        "channel": record.channel or "",
        "place": record.place or "",
        "rating": str(record.rating or ""),
        "unit": name_of(record.unit),
        "privacy": ", ".join(privacy),
        "promised_due": local(record.promised_due),
        "status": record.status.word if record.status else "",
        "events": "; ".join(events),
        "title": record.title or "",
    }
