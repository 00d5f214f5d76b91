"""Absence: complaints that an import should have shown readably and did not show.

The doubt about such a complaint is an event of its own source field. It depends only on the last
import with the complaint and on the first later one that should have shown it, so the order of the
imports does not matter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from db import complaints, imports
from db.complaints import Period, Unshown
from sla.events import ABSENT, ANY_KIND, Event, Knowledge
from tasks.ingest.import_target import ImportTarget


class AbsenceWriter:
    """Writes the doubts that follow from one import of a source.

    `name` is the source of the complaints: the source of the import, or one of another installation
    in it.
    """

    def __init__(self, target: ImportTarget, name: str) -> None:
        self._session, self._name, self._source = target.session, name, target.mapping
        self._imported, self._at, self._now = target.name, target.observed_at, target.now
        self._later: list[imports.Covered] = []
        if target.mapping.shows_everything:
            self._later = imports.later_coverage(target.session, name, self._at)

    @property
    def is_late(self) -> bool:
        """Check whether a newer import of the source is known already."""
        return bool(self._later)

    def shown(self, shown: Iterable[int]) -> None:
        """Withdraw or renew the doubts about complaints with this import as their newest one."""
        moved: dict[datetime | None, list[tuple[Unshown, datetime]]] = {}
        for row in complaints.by_id(self._session, shown):
            if row.seen_at != self._at or (row.absent_since is None and not self.is_late):
                continue
            since = self._next_covering(row)
            if since is not None or row.absent_since is not None:
                known = self._source.not_before(row.seen_at)
                moved.setdefault(since, []).append((row, known))
        for since, rows in moved.items():
            self._write(rows, since)

    def not_shown(self, period: Period) -> int:
        """Raise doubts about complaints missing from a complete import; return their number."""
        rows = complaints.newly_unshown(self._session, self._name, self._at, period)
        self._write([(row, self._source.not_before(row.seen_at)) for row in rows], self._at)
        return len(rows)

    def unreadable(
        self, tickets: Collection[str], shown: Collection[int], seen_before: Mapping[int, datetime]
    ) -> None:
        """Raise doubts about known complaints with a rejected row in this import.

        `shown` are the complaints that another row of this import shows. Which row is right is not
        known. `seen_before` are the times of the imports that showed them before.
        """
        known = complaints.existing(self._session, self._name, tickets)
        before = imports.before(self._session, self._imported, self._at)
        rows: list[tuple[Unshown, datetime]] = []
        for row in complaints.by_id(self._session, (each.id for each in known.values())):
            if row.absent_since is not None and row.absent_since <= self._at:
                continue
            if row.id in shown:
                last = seen_before.get(row.id)
            elif row.seen_at < self._at:
                last = row.seen_at if self._source.shows_everything else before
            else:
                continue
            rows.append((row, row.received_at if last is None else self._source.not_before(last)))
        self._write(rows, self._at)

    def _next_covering(self, row: Unshown) -> datetime | None:
        """Return the time of the next import that had to show a complaint, or None."""
        return next((each.moment for each in self._later if each.covers(row.received_at)), None)

    def _write(self, rows: Collection[tuple[Unshown, datetime]], since: datetime | None) -> None:
        """Store the doubt about these complaints, each with the time when it was last known.

        Without `since` the doubt is withdrawn.
        """
        if not rows:
            return
        complaints.add_events(
            self._session, ((row.id, self._doubt(row, known, since)) for row, known in rows)
        )
        complaints.set_absent(self._session, (row.id for row, _ in rows), since, self._now)

    def _doubt(self, row: Unshown, known: datetime, since: datetime | None) -> Event:
        raised = since or row.absent_since or self._at
        return Event(
            ANY_KIND,
            raised,
            self._now,
            self._name,
            earliest=min(known, raised),
            knowledge=Knowledge.UNREADABLE,
            source_field=ABSENT,
            retracted=since is None,
        )
