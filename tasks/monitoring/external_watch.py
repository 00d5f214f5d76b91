"""External watchdog: it needs no worker and no Prefect, and also reports a missing database."""

from __future__ import annotations

from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Thread
from typing import Any

from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from db.engine import NotReady, database_reason, open_engine, reading
from db.private_dirs import make_private
from settings.site import Site
from tasks.common.context import SiteContext
from tasks.common.whole_files import whole_file
from tasks.monitoring import clock_check
from tasks.monitoring.clock_witnesses import Clock
from tasks.monitoring.incident_log import IncidentLog, update_incidents
from tasks.monitoring.incidents import Incident, IncidentKind
from tasks.monitoring.send_alert import send_watch_alerts, send_without_database
from tasks.monitoring.watch import (
    administrators,
    again_after,
    alert_detail,
    check_and_notify,
    watch_id,
)
from tasks.notifications.transport.smtp import MailError

RUN = "watch"
"""The `run` of these mails in the outbox."""

LONGEST_LOOK = 40.0
"""Time limit for a check, in seconds. A database that has frozen never answers."""

CONNECTS_WITHIN = 10
"""Time limit for a connection to the database, in seconds."""


class UnsentAlert(BaseModel):
    """A mail that waits in the file, because there is no database for it."""

    recipient: str
    key: str
    detail: dict[str, Any]


class Memory(BaseModel):
    """The incidents stored without the database: those of the database and of the watchdog
    itself.
    """

    log: IncidentLog
    unsent: list[UnsentAlert] = []


@dataclass(slots=True)
class ExternalWatch:
    """The external watchdog of a site. Its memory is in `var/watch.json`.

    If that file cannot be written, as on a full disk, the memory lasts until the process ends.
    With `clock`, a jump of the machine's clock is checked; that is left out if other times are
    pretended.
    """

    site: Site
    clock: Clock | None = None
    memory: Memory | None = None
    unwritten: bool = field(default=False, init=False)
    _look: Future[list[str]] | None = field(default=None, init=False, repr=False)

    @property
    def file(self) -> Path:
        """The path of the memory file."""
        return self.site.var / "watch.json"

    def check(self, now: datetime) -> list[str]:
        """Check once and send alerts; return a line for the log about each incident or error."""
        self.memory = self.memory or self._read(now)
        said: list[str] = []
        found: list[Incident] = []
        try:
            said += self._look_in_time(now)
        except (SQLAlchemyError, NotReady, OSError) as error:
            found.append(self._cause(IncidentKind.DATABASE, _words(error), now))
            said.append(f"the database cannot be used: {_words(error)}")
        except Exception as error:
            name = type(error).__name__
            found.append(self._cause(IncidentKind.WATCH, name, now))
            said.append(f"the watch cannot look: {name}: {error}")
        said += self._remember_and_tell(found, now)
        return said

    def _look_in_time(self, now: datetime) -> list[str]:
        """Look in the database in a thread, which alone waits if the database has frozen.

        Raises TimeoutError after `LONGEST_LOOK`. No other look begins before that one has ended.
        """
        if self._look is not None:
            _await(self._look)
        look: Future[list[str]] = Future()
        self._look = look

        def settle() -> None:
            try:
                look.set_result(self._look_in_database(now))
            except BaseException as error:
                look.set_exception(error)

        Thread(target=settle, name=f"watch {self.site.folder.name}", daemon=True).start()
        _await(look)
        self._look = None
        return look.result()

    def _look_in_database(self, now: datetime) -> list[str]:
        with reading(self.site.database_url, patience=CONNECTS_WITHIN):
            pass  # ready, and of this version: nothing is created or changed
        engine = open_engine(self.site.database_url, patience=CONNECTS_WITHIN)
        context = SiteContext(self.site, engine)
        try:
            refused = self._refused_clock(context, now)
            if refused:
                return refused
            book, _ = check_and_notify(context, now, RUN)
            said = [
                f"{key}: {'told' if known.notified_at else 'noticed'}"
                for key, known in sorted(book.incidents.items())
                if not known.absent_since
            ]
            return said + [f"mail: {trouble}" for trouble in send_watch_alerts(context, now, RUN)]
        finally:
            engine.dispose()

    def _refused_clock(self, context: SiteContext, now: datetime) -> list[str]:
        """Notify of a refused clock; nothing else is checked at a time that may be wrong."""
        if self.clock is None:
            return []
        verdict = clock_check.check_clock(context, now, self.clock)
        if not verdict.refused:
            return []
        trouble = clock_check.report_refusal(context, verdict, RUN)
        return [verdict.text(context), *(f"mail: {each}" for each in trouble)]

    def _cause(self, kind: IncidentKind, error: str, now: datetime) -> Incident:
        """Return an incident with the time it was first noticed, for the mail about its end."""
        assert self.memory is not None
        known = self.memory.log.incidents.get(kind)
        since = known.noticed_at if known and not known.absent_since else now
        return Incident(kind, kind, {"error": error, "since": since.isoformat()})

    def _remember_and_tell(self, found: list[Incident], now: datetime) -> list[str]:
        memory = self.memory
        assert memory is not None
        before = memory.model_dump_json()
        kinds = {IncidentKind.DATABASE, IncidentKind.WATCH}
        telling = update_incidents(memory.log, found, kinds, now, again_after(self.site))
        holders = {holder.email: holder for holder in administrators(self.site, now)}
        if telling:
            nowhere = SiteContext(self.site, open_engine("sqlite://"))  # opens no file
            memory.unsent += [
                UnsentAlert(
                    recipient=holder.email,
                    key=watch_id(nowhere, holder, telling, now),
                    detail=dict(alert_detail(telling)),
                )
                for holder in holders.values()
            ]
        said = self._keep(before)
        for owed in list(memory.unsent):
            holder = holders.get(owed.recipient)
            before = memory.model_dump_json()
            if holder is not None:
                try:
                    send_without_database(self.site, holder, owed.key, owed.detail, now)
                except (MailError, ValueError) as trouble:
                    said.append(f"mail: {trouble}")
                    continue
            memory.unsent.remove(owed)
            said += self._keep(before)
        return said

    def _read(self, now: datetime) -> Memory:
        with suppress(OSError, ValueError):
            return Memory.model_validate_json(self.file.read_text(encoding="utf-8"))
        return Memory(log=IncidentLog(started_at=now))

    def _keep(self, before: str) -> list[str]:
        assert self.memory is not None
        text = self.memory.model_dump_json(indent=1)
        if self.memory.model_dump_json() == before and not self.unwritten:
            return []
        try:
            make_private(self.file.parent)
            with whole_file(self.file) as new:
                new.write(text.encode())
        except OSError as error:
            self.unwritten = True
            return [f"{self.file} cannot be written: {error.strerror}"]
        self.unwritten = False
        return []


def _await(look: Future[list[str]]) -> None:
    if not wait([look], LONGEST_LOOK).done:
        raise TimeoutError(f"no answer within {LONGEST_LOOK:.0f} s")


def _words(error: Exception) -> str:
    """Return an error in one line: the database's own message, without statement or row."""
    if isinstance(error, DBAPIError):
        return database_reason(error)[:300]
    if isinstance(error, NotReady | TimeoutError):
        return str(error)
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__
