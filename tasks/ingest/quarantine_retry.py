"""Retry: read quarantined rows again after a correction of a mapping or of the directory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from sqlalchemy.orm import Session

from db import audit, imports, quarantine
from db.models import QuarantineRow
from tasks.common.context import SiteContext
from tasks.ingest.complaint_writer import OriginWriters
from tasks.ingest.import_target import ImportTarget
from tasks.ingest.records import ComplaintRecord
from tasks.ingest.rejected_rows import RowOrigin, quarantine_row
from tasks.ingest.row_parser import ParserInputs
from tasks.ingest.row_validator import RejectedRow, RowValidator
from tasks.sources.base import Row, Sheet, UnreadableFile, sheet_of
from tasks.sources.registry import open_source

Found = ComplaintRecord | RejectedRow | None
"""The present result for a row; None if another line of its file says the same."""


@dataclass(slots=True)
class Retried:
    """The result of reading a source's quarantine again.

    `gone` names, by file and line, the rows with a missing file. If the source is not a folder,
    these are all rows.
    """

    source: str
    resolved: int = 0
    new: int = 0
    updated: int = 0
    unreadable: int = 0
    gone: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def retry(context: SiteContext, name: str, now: datetime) -> Retried:
    """Import the quarantined rows of a source that can now be read.

    Each row is imported with the times of the first and of the last snapshot that showed it. Later
    states of its complaint stay unchanged. The files are read first; then one transaction writes
    everything.
    """
    retried = Retried(name)
    with context.transaction() as session:
        waiting = quarantine.quarantined(session, source=name)
    source = open_source(context.site, name)
    found: dict[int, Found] = {}
    with source.found_again({row.sha256: row.file for row in waiting}) as files:
        retried.gone += [_place(row) for row in waiting if row.sha256 not in files]
        here = sorted((row for row in waiting if row.sha256 in files), key=_file)
        for (_, sha256), group in groupby(here, key=_file):
            rows = list(group)
            inputs = ParserInputs(
                name,
                source.settings,
                context.site.directory,
                classifications=context.site.evaluation_context.law.classifications,
            )
            validator = RowValidator(inputs, rows[0].observed_at, rows[0].file)
            try:
                some = _read(context, files[sha256].read(), validator, rows)
                found |= some
                retried.unreadable += len(rows) - len(some)  # the line is no longer in the file
            except UnreadableFile as error:
                text = str(error).replace(files[sha256].name, rows[0].file, 1)
                retried.failures.append(text)
                retried.unreadable += len(rows)
    with context.transaction() as session:
        _write(session, context, name, found, retried, now)
    return retried


def _file(row: QuarantineRow) -> tuple[datetime, str]:
    return row.observed_at, row.sha256


def _place(row: QuarantineRow) -> str:
    return f"{row.file}, line {row.line}"


def _read(
    context: SiteContext, sheet: Sheet, validator: RowValidator, rows: Sequence[QuarantineRow]
) -> dict[int, Found]:
    """Return the present result for these rows of one file, by key of the quarantine row.

    The whole file is validated, so that a ticket repeated in it is found again.
    """
    by_line: dict[int, list[QuarantineRow]] = {}
    for row in rows:
        by_line.setdefault(row.line, []).append(row)
    found: dict[int, Found] = {}

    def wanted(line: int) -> Iterator[int]:
        within = f"/{sheet_of(line)}" if sheet_of(line) else ""
        return (row.id for row in by_line.get(line, ()) if row.file.endswith(within))

    def noted(lines: Iterable[Row]) -> Iterator[Row]:
        for line, cells in lines:
            found.update((key, None) for key in wanted(line))
            yield line, cells

    lines = list(sheet.rows)
    validator.hide_requested(sheet.header, lines)
    with context.transaction() as session:
        validator.keep_hidden(session, sheet.header, lines)
    for line, one in validator.validate(sheet.header, noted(lines)):
        found.update((key, one) for key in wanted(line))
    return found


def _write(
    session: Session,
    context: SiteContext,
    name: str,
    found: dict[int, Found],
    retried: Retried,
    now: datetime,
) -> None:
    """Update the complaints and the quarantine with the results."""
    imports.lock(session, name)
    shown: list[tuple[datetime, ComplaintRecord]] = []
    for row in quarantine.quarantined(session, source=name):
        if row.id not in found:
            continue
        one = found[row.id]
        if isinstance(one, RejectedRow):
            retried.unreadable += 1
            _keep(session, row, one, now)
            continue
        row.resolved_at = now
        retried.resolved += 1
        if one is not None:
            shown += [(moment, one) for moment in {row.observed_at, row.last_observed_at}]
    shown.sort(key=lambda each: each[0])
    for moment, group in groupby(shown, key=lambda each: each[0]):
        writers = OriginWriters(ImportTarget(session, context, name, moment, now))
        writers.write(record for _, record in group)
        writers.amend_import()
        retried.new += writers.new
        retried.updated += writers.updated
    if found:
        audit.note(
            session,
            audit.AuditKind.QUARANTINE_RETRIED,
            now,
            "asked for by hand",
            source=name,
            resolved=retried.resolved,
            unreadable=retried.unreadable,
            new=retried.new,
            updated=retried.updated,
        )


def _keep(session: Session, row: QuarantineRow, bad: RejectedRow, now: datetime) -> None:
    """Handle a row that is still bad: if its reason has changed, replace the quarantine row."""
    origin = RowOrigin(row.source, row.file, row.sha256, row.observed_at)
    again = quarantine_row(bad, origin, now)
    again.last_observed_at = row.last_observed_at
    if again.fingerprint != row.fingerprint:
        row.resolved_at = now
        quarantine.quarantine(session, again)
