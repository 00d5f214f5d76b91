"""Import: rows of a source become complaints and events, or wait in quarantine."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from db import imports
from settings.mapping import SourceMapping
from tasks.common.context import SiteContext
from tasks.common.retry import retrying_task
from tasks.ingest.importer import AlreadyImported, SourceCount, import_batch
from tasks.notifications.enqueue import enqueue_alert
from tasks.sources import batches
from tasks.sources.base import NotYet, SourceError, TransientSourceError
from tasks.sources.gaps import lately_missing


def pull(office: SiteContext, source_name: str, now: datetime) -> SourceCount:
    """Import every new snapshot of a source, oldest first, each in its own transaction.

    Raises `tasks.sources.base.SourceError` if one could not be read, after importing the others.
    """
    count = SourceCount(source_name)
    failures: list[str] = []
    try:
        for batch in batches(office, source_name, now, count.waiting, failures):
            try:
                with office.transaction() as session:
                    look, reasons = import_batch(session, office, source_name, batch, now)
            except AlreadyImported:
                pass  # another run has just imported it
            except NotYet:
                count.waiting.append(batch.name)
                continue
            except SourceError as error:
                failures.append(str(error))
                if batch.cursor is not None:
                    break  # later extracts depend on this one
                continue
            else:
                count.add(look, reasons)
                count.mixed += (f"{batch.name}: {column}" for column in batch.mixed_dates)
            if batch.done is not None:
                batch.done()
    except SourceError as error:
        failures.append(str(error))
    with office.transaction() as session:
        _tell_silence(session, office, source_name, office.site.sources[source_name], now)
        missing = lately_missing(session, office, source_name, now)
        count.missing += (day.isoformat() for day in missing)
    if failures:
        far = office.site.sources[source_name].type != "folder"
        raise (TransientSourceError if far else SourceError)("; ".join(failures))
    return count


def _tell_silence(
    session: Session, office: SiteContext, name: str, source: SourceMapping, now: datetime
) -> None:
    """Notify the administrators once that a source has had nothing new for too long."""
    last = imports.last(session, name)
    limit = timedelta(hours=source.silent_after_hours)
    if last is not None and limit and now - last > limit:
        since = office.local(last).isoformat(timespec="minutes")
        enqueue_alert(
            session, office, "silent_source", {"source": name, "since": since}, now, "intake"
        )


pull_task = retrying_task("pull {source_name}")(pull)
