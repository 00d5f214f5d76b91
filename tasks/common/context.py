"""The site context of every task: the settings of the site and its open database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from operator import is_not
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db import audit
from db.decisions import mode
from db.engine import one_state, open_engine
from db.installation.lost_database import refuse_lost_database
from db.migrate import migrate
from db.private_dirs import is_open_to_others, make_private
from settings.errors import SettingsError
from settings.site import Site, load_site
from sla.engine.context import ComplaintFacts
from sla.fingerprint import fingerprint
from tasks.common.confirmed_rules import confirm_rules

T = TypeVar("T")

NEVER_SHOWN = datetime.min.replace(tzinfo=UTC)
"""The time until which a source that can only remind shows the steps after a receipt."""


class ClockInThePast(ValueError):
    """`now` is before events already recorded; a run would evaluate with a wrong clock."""


class SiteContext:
    """The context of a site. It is not a dataclass, because Prefect visits those on every task
    call.

    `by` is the person who decides here, for the audit; with None the audit gets no entries.
    `keeps_metrics` is whether an evaluation stores the metrics for reports.
    """

    def __init__(self, site: Site, engine: Engine) -> None:
        self.site = site
        self.engine = engine
        self.by: audit.AuditActor | None = audit.UNNAMED
        self.keeps_metrics = True
        self._hashed: tuple[object, ...] = ()
        self._fingerprint = ""
        self._writing = RLock()

    @classmethod
    def open(cls, place: Site | Path | str | None = None) -> SiteContext:
        """Load a site, or take one just loaded, and migrate its database to the newest revision.

        A new folder for the working files is private to its owner. Raises `settings.SettingsError`
        if every user of the machine may read an existing one, and `db.engine.NotReady` if its
        database is missing.
        """
        site = place if isinstance(place, Site) else load_site(place)
        make_private(site.var)
        if is_open_to_others(site.var):
            raise SettingsError(
                f"{site.var}: every user of the machine may read this folder, which has complaints"
                f" and secrets; run: chmod o= {site.var}"
            )
        refuse_lost_database(site.database_url, site.var)
        engine = open_engine(site.database_url)
        migrate(engine)
        context = cls(site, engine)
        with context.consistent_read() as session:
            confirm_rules(site, session)
        return context

    @classmethod
    def open_to_read(cls, folder: Path, database_url: str) -> SiteContext:
        """Load a site with a database at the newest revision; nothing is created or migrated."""
        context = cls(load_site(folder), open_engine(database_url))
        with context.consistent_read() as session:
            confirm_rules(context.site, session)
        return context

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a session with one transaction, committed as a whole or not at all.

        The threads of a run write one after another. They wait for each other without a time limit,
        unlike two processes on SQLite. So nothing inside a transaction may wait for a server.
        """
        info = audit.session_info(self.by)
        with (
            self._writing,
            Session(self.engine, expire_on_commit=False, info=info) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def consistent_read(self) -> Iterator[Session]:
        """Open a read-only session on one unchanging state of the database."""
        with (
            one_state(self.engine) as connection,
            Session(connection, expire_on_commit=False, autoflush=False) as session,
        ):
            yield session

    @contextmanager
    def run(self, now: datetime, run_id: str) -> Iterator[RunContext]:
        """Open a transaction for one run and yield its context."""
        with self.transaction() as session:
            yield RunContext(self, session, now, run_id)

    def close(self) -> None:
        """Close the database connections."""
        self.engine.dispose()

    @cached_property
    def source_facts(self) -> dict[str, ComplaintFacts]:
        """The facts about each source for the evaluation."""
        return {
            name: ComplaintFacts(
                source=name,
                system=source.system,
                sees=source.sees,
                shown_later=source.shown_later,
                known_until=NEVER_SHOWN if source.only_reminds else None,
            )
            for name, source in self.site.sources.items()
        }

    def ruleset_fingerprint(self) -> str:
        """Return the ruleset fingerprint: of all rules for deadlines and their notices.

        It is computed again only after one of its parts was replaced.
        """
        site = self.site
        since = site.file.since
        parts = (site.evaluation_context, self.source_facts, site.ladders, site.holds, since)
        if not self._hashed or any(map(is_not, parts, self._hashed)):
            self._fingerprint, self._hashed = fingerprint(*parts), parts
        return self._fingerprint

    def watched(self, received: datetime) -> bool:
        """Check whether the site watches a complaint received at this time (`since`)."""
        since = self.site.file.since
        return since is None or self.local(received).date() >= since

    def send_after(self, now: datetime) -> datetime:
        """Return the send time of a mail without urgency: now, or the next working morning."""
        hours = self.site.mail_hours
        return now if hours is None else hours.next_open(now, self.site.evaluation_context)

    def local(self, moment: datetime) -> datetime:
        """Return a moment in the zone of the site."""
        return moment.astimezone(self.site.zone)


@dataclass(frozen=True, slots=True)
class RunContext:
    """One transaction of a run: the open site, the session, the time of the run and its id."""

    context: SiteContext
    session: Session
    now: datetime
    id: str
    known: dict[Callable[[Session], Any], Any] = field(default_factory=dict, repr=False)
    """The results of :meth:`once`, by the function that reads them."""

    def once(self, read: Callable[[Session], T]) -> T:
        """Return the result of a query about the whole site, which is executed only once in a run.

        Use it only if the run itself changes nothing that the query reads.
        """
        if read not in self.known:
            self.known[read] = read(self.session)
        found: T = self.known[read]
        return found

    @property
    def site(self) -> Site:
        """The settings of the site."""
        return self.context.site

    @property
    def mode(self) -> mode.SiteMode:
        """The mode of the site: trial or live. A run that changes it does so before it asks."""
        return self.once(mode.of_site)

    @property
    def today(self) -> date:
        """The day of the run in the zone of the site."""
        return self.context.local(self.now).date()
