"""Pull: what a source has to show becomes complaints and events, or waits in quarantine."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from db import looks
from settings.mapping import Mapping
from tasks.coverage import lately_missing
from tasks.feeds import batches
from tasks.feeds.batch import NotYet, SourceTrouble
from tasks.office import Office
from tasks.patience import step
from tasks.queueing import alert
from tasks.recording import SourceCount, TakenBefore, record


@step("pull {source_name}")
def pull(office: Office, source_name: str, now: datetime) -> SourceCount:
    """Take in every look that a source has to give, oldest first, each in its own transaction.

    Raises `tasks.feeds.batch.SourceTrouble` when all others are in and one could not be read.
    """
    count = SourceCount(source_name)
    failures: list[str] = []
    try:
        for batch in batches(office, source_name, now, count.waiting, failures):
            try:
                with office.transaction() as session:
                    look, reasons = record(session, office, source_name, batch, now)
            except TakenBefore:
                pass  # by another run, just now
            except NotYet:
                count.waiting.append(batch.name)
                continue
            except SourceTrouble as error:
                failures.append(str(error))
                if batch.cursor is not None:
                    break  # what follows builds on it
                continue
            else:
                count.add(look, reasons)
            if batch.done is not None:
                batch.done()
    except SourceTrouble as error:
        failures.append(str(error))
    with office.transaction() as session:
        _tell_silence(session, office, source_name, office.site.sources[source_name], now)
        missing = lately_missing(session, office, source_name, now)
        count.missing += (day.isoformat() for day in missing)
    if failures:
        trouble = SourceTrouble("; ".join(failures))
        trouble.far = office.site.sources[source_name].type != "folder"
        raise trouble
    return count


def _tell_silence(
    session: Session, office: Office, name: str, source: Mapping, now: datetime
) -> None:
    """Tell the administrator, once, that a source has brought nothing new for too long."""
    last = looks.last(session, name)
    limit = timedelta(hours=source.silent_after_hours)
    if last is not None and limit and now - last > limit:
        since = office.local(last).isoformat(timespec="minutes")
        alert(session, office, "silent_source", {"source": name, "since": since}, now, "intake")
