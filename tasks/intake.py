"""Import: rows of a source become complaints and events, or wait in quarantine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from tasks.common.context import SiteContext
from tasks.common.errors import place_of, stops_every_source
from tasks.common.retry import retrying_task
from tasks.ingest.answers import answer_from_files
from tasks.ingest.counted_rows import counted
from tasks.ingest.importer import AlreadyImported, import_extract
from tasks.ingest.source_count import SourceCount, UnreachedSource, UnreadSource
from tasks.notifications.import_alerts import (
    alert_files_set_aside,
    alert_mixed_dates,
    alert_odd_hours,
    alert_repeated_export,
    alert_row_drop,
    alert_silent_source,
    alert_still_hidden,
    alert_unread_sheets,
    alert_wrong_clock,
)
from tasks.notifications.questions import enqueue_questions
from tasks.sources.base import (
    Extract,
    NotYet,
    SlowSource,
    Source,
    SourceError,
    Waiting,
    WaitingReason,
)
from tasks.sources.gaps import lately_missing
from tasks.sources.registry import open_source

MOST_NAMED = 10
"""Number of failures in the text of an error; Prefect stores this text several times."""


Progress = Callable[[str, int], None]
"""It gets the name of a source, and the number of rows read of an extract."""


def pull(
    context: SiteContext, source_name: str, now: datetime, progress: Progress | None = None
) -> SourceCount:
    """Import every new extract of a source, oldest first, each in its own transaction. A long
    extract reports its `progress`.

    Raises :class:`UnreadSource` if one could not be read, after importing the others. An unexpected
    error in one extract undoes the import of that extract only.
    """
    source = open_source(context.site, source_name)
    with context.transaction() as session:
        answered = answer_from_files(session, context, source_name, now)
    shown = partial(progress, source_name) if progress is not None else None
    reading = _Reading(context, source, now, SourceCount(source_name, answered=answered), shown)
    try:
        for extract in source.extracts(context, now):
            if not reading.import_one(extract):
                break
    except SourceError as error:
        source.failures.append(str(error))
    except Exception as error:
        if stops_every_source(error):
            raise
        source.failures.append(
            f"{source_name}: unexpected error ({place_of(error)}); please report it"
        )
    count = reading.count
    with context.run(now, "intake") as run:
        alert_silent_source(run, source_name)
        alert_files_set_aside(run, source_name, source.set_aside)
        alert_wrong_clock(run, source_name, source.wrong_clock)
        missing = lately_missing(run.session, context, source_name, now)
        count.missing += (day.isoformat() for day in missing)
    count.waiting += source.waiting
    if source.failures:
        failed = UnreachedSource if source.is_remote else UnreadSource
        raise failed(_listed(source.failures), count)
    return count


def _listed(failures: Sequence[str]) -> str:
    """Return the first failures and the number of the others."""
    others = len(failures) - MOST_NAMED
    return "; ".join(failures[:MOST_NAMED]) + (f"; and {others} more" if others > 0 else "")


@dataclass(frozen=True, slots=True)
class _Reading:
    """One reading of a source: its extracts are imported one by one, and counted."""

    context: SiteContext
    source: Source[Any]
    now: datetime
    count: SourceCount
    progress: Callable[[int], None] | None = None

    def import_one(self, extract: Extract) -> bool:
        """Import one extract in its own transaction; return whether the next one may be imported.

        A failure is noted with the file and the last line that was read. Raises `SlowSource` if the
        source has taken too long.
        """
        self.source.check_time()
        extract, rows = counted(extract, self.source.check_time, self.progress)
        try:
            self._write(extract)
        except AlreadyImported:
            pass  # another run has just imported it
        except SlowSource:
            raise
        except NotYet:
            self.count.waiting.append(Waiting(extract.name, WaitingReason.CHANGING))
            return True
        except SourceError as error:
            self.source.failures.append(str(error))
            if extract.failed is not None:
                extract.failed(error)
            return extract.cursor is None  # later extracts depend on this one
        except Exception as error:
            if stops_every_source(error):
                raise
            self.source.failures.append(
                f"{rows.unexpected(error)}; nothing of it is imported. Please report it"
            )
            return extract.cursor is None
        if extract.done is not None:
            extract.done()
        return True

    def _write(self, extract: Extract) -> None:
        context, count = self.context, self.count
        with context.run(self.now, "intake") as run:
            imported = import_extract(run.session, context, self.source.name, extract, self.now)
            record = imported.record
            drops = alert_row_drop(run, record, extract.unread)
            repeated = alert_repeated_export(run, record, extract.repeats)
            mixed = alert_mixed_dates(run, record, extract.mixed_dates)
            odd_hours = alert_odd_hours(run, record, extract.odd_hours)
            unread = alert_unread_sheets(run, record, extract.unread)
            still_hidden = alert_still_hidden(run, record, imported.still_hidden)
        count.add(record, imported.reasons, imported.questions)
        count.drops += drops
        count.repeated += repeated
        count.mixed += mixed
        count.odd_hours += odd_hours
        count.unread_sheets += unread
        count.still_hidden += still_hidden


pull_task = retrying_task("pull {source_name}")(pull)


def ask(context: SiteContext, now: datetime, run_id: str) -> None:
    """Queue one mail to the administrators about the values and rows that cannot be read."""
    with context.run(now, run_id) as run:
        enqueue_questions(run)


ask_task = retrying_task("ask about unreadable values")(ask)
