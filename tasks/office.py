"""What every step works with: the site's settings and its open database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from operator import is_not
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db import audit
from db.engine import migrate, one_state, open_engine
from db.folders import make_private
from settings import Site, load_site
from sla.deadline import Facts
from sla.rulebook import fingerprint


class ClockInThePast(ValueError):
    """`now` lies before what has already been recorded; a run would judge by a wrong clock."""


class Office:
    """A site at work. Deliberately no dataclass: Prefect walks into those on every task call.

    `by` is who decides here, for the audit; by None nothing is noted there.
    """

    def __init__(self, site: Site, engine: Engine) -> None:
        self.site = site
        self.engine = engine
        self.by: audit.By | None = audit.UNNAMED
        self._judges_by: tuple[object, ...] = ()
        self._fingerprint = ""

    @classmethod
    def open(cls, folder: Path | str | None = None) -> Office:
        """Read the site and bring its database to the newest revision.

        A folder for the working files that has to be made is its owner's alone.
        """
        site = load_site(folder)
        make_private(site.var)
        engine = open_engine(site.database_url)
        migrate(engine)
        return cls(site, engine)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One session, one transaction: all of it or nothing."""
        info = audit.works(self.by)
        with Session(self.engine, expire_on_commit=False, info=info) as session, session.begin():
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """One state of the database, to be read for as long as it takes; nothing is written."""
        with (
            one_state(self.engine) as connection,
            Session(connection, expire_on_commit=False, autoflush=False) as session,
        ):
            yield session

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    @cached_property
    def source_facts(self) -> dict[str, Facts]:
        """What each source can tell of, as the judge asks it."""
        return {
            name: Facts(
                source=name,
                system=source.system,
                sees=source.sees,
                shown_later=source.shown_later,
            )
            for name, source in self.site.sources.items()
        }

    def rulebook(self) -> str:
        """The fingerprint of all that its deadlines are judged by and told by.

        It is counted again only where a part of that was replaced.
        """
        site = self.site
        parts = (site.bench, self.source_facts, site.ladders, site.holds)
        if not self._judges_by or any(map(is_not, parts, self._judges_by)):
            self._fingerprint, self._judges_by = fingerprint(*parts), parts
        return self._fingerprint

    def next_turn(self, now: datetime) -> datetime:
        """When a mail that is not urgent goes out: now, or on the next working morning."""
        hours = self.site.mail_hours
        return now if hours is None else hours.next_open(now, self.site.bench)

    def local(self, moment: datetime) -> datetime:
        """A moment in the site's zone."""
        return moment.astimezone(self.site.zone)
