"""Import: rows of a source become complaints and events, or wait in quarantine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from db import imports
from db.models import SourceImport
from settings.mapping import SourceMapping
from tasks.common.context import RunContext, SiteContext
from tasks.common.errors import TransientError, place_of
from tasks.common.retry import is_lost_database, retrying_task
from tasks.ingest.answers import answer_from_files
from tasks.ingest.importer import AlreadyImported, import_batch
from tasks.ingest.row_drop import latest_row_drop
from tasks.ingest.source_count import SourceCount
from tasks.notifications.enqueue import enqueue_alert
from tasks.notifications.questions import enqueue_questions
from tasks.sources import Extract, Row, SourceError, Waiting, WaitingReason, open_source
from tasks.sources.base import NotYet, TransientSourceError
from tasks.sources.gaps import lately_missing


def pull(office: SiteContext, source_name: str, now: datetime) -> SourceCount:
    """Import every new snapshot of a source, oldest first, each in its own transaction.

    Raises `tasks.sources.base.SourceError` if one could not be read, after importing the others. An
    unexpected error in one snapshot undoes the import of that snapshot only.
    """
    count = SourceCount(source_name)
    source = open_source(office.site, source_name)
    failures = source.failures
    with office.transaction() as session:
        count.answered = answer_from_files(session, office, source_name, now)
    try:
        for batch in source.extracts(office, now):
            if not _import_one(office, source_name, batch, now, count, failures):
                break
    except SourceError as error:
        failures.append(str(error))
    except Exception as error:
        if is_lost_database(error) or isinstance(error, TransientError):
            raise
        failures.append(f"{source_name}: unexpected error ({place_of(error)}); please report it")
    with office.run(now, "intake") as run:
        _tell_silence(run, source_name, source.settings)
        missing = lately_missing(run.session, office, source_name, now)
        count.missing += (day.isoformat() for day in missing)
    count.waiting += source.waiting
    if failures:
        raise (TransientSourceError if source.is_remote else SourceError)("; ".join(failures))
    return count


def _import_one(
    office: SiteContext,
    name: str,
    batch: Extract,
    now: datetime,
    count: SourceCount,
    failures: list[str],
) -> bool:
    """Import one snapshot in its own transaction; return whether the next one may be imported.

    A failure is noted in `failures`, with the file and the last line that was read.
    """
    rows = _CountedRows(batch.rows)
    try:
        with office.run(now, "intake") as run:
            imported = import_batch(run.session, office, name, replace(batch, rows=rows), now)
            drop = _alert_row_drop(run, imported.record)
    except AlreadyImported:
        pass  # another run has just imported it
    except NotYet:
        count.waiting.append(Waiting(batch.name, WaitingReason.CHANGING))
        return True
    except SourceError as error:
        failures.append(str(error))
        return batch.cursor is None  # later extracts depend on this one
    except Exception as error:
        if is_lost_database(error) or isinstance(error, TransientError):
            raise
        failures.append(
            f"{batch.name}, read up to line {rows.line}: unexpected error ({place_of(error)});"
            " nothing of it is imported. Please report it"
        )
        return batch.cursor is None
    else:
        count.add(imported.record, imported.reasons, imported.questions)
        count.drops += drop
        count.mixed += (f"{batch.name}: {column}" for column in batch.mixed_dates)
    if batch.done is not None:
        batch.done()
    return True


class _CountedRows:
    """The rows of a snapshot, with the line of the last row that was read."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.line = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.line = row[0]
            yield row


def _alert_row_drop(run: RunContext, look: SourceImport) -> list[dict[str, object]]:
    """Notify the administrators of an import with fewer rows than the one before.

    The alert is part of the transaction of the import, so it is queued once, and before any notice
    that could follow. Return the numbers for the artifact.
    """
    office = run.office
    run.session.flush()
    drop = latest_row_drop(run.session, look.source, run.site.sources[look.source])
    if drop is None or (drop.name, drop.made) != (look.name, look.observed_at):
        return []
    facts: dict[str, object] = {
        "source": look.source,
        "file": look.name,
        "made": office.local(drop.made).isoformat(timespec="minutes"),
        "rows": drop.rows,
    }
    if drop.before is not None:
        facts["rows_before"] = drop.before
    facts["absent"] = look.absent
    for key, period in (("period_shown", drop.period), ("period_before", drop.period_before)):
        if period is not None:
            first, last = (office.local(moment).date().isoformat() for moment in period)
            facts[key] = f"{first} – {last}"
    enqueue_alert(run, "fewer_rows", facts, same=("source", "file", "made"))
    return [facts]


def _tell_silence(run: RunContext, name: str, source: SourceMapping) -> None:
    """Notify the administrators once that a source has had nothing new for too long."""
    last = imports.last(run.session, name)
    limit = timedelta(hours=source.silent_after_hours)
    if last is not None and limit and run.now - last > limit:
        since = run.office.local(last).isoformat(timespec="minutes")
        enqueue_alert(run, "silent_source", {"source": name, "since": since})


pull_task = retrying_task("pull {source_name}")(pull)


def ask(office: SiteContext, now: datetime, run_id: str) -> None:
    """Queue one mail to the administrators about the values and rows that cannot be read."""
    with office.run(now, run_id) as run:
        enqueue_questions(run)


ask_task = retrying_task("ask about unreadable values")(ask)
