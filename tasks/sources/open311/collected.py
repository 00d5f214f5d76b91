"""Collect the requests of one extract of an Open311 server until they are imported."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple, TextIO
from zoneinfo import ZoneInfo

from settings.sources import Open311Source
from tasks.sources import cursor as sources_cursor
from tasks.sources.base import Extract, Row
from tasks.sources.open311.parser import Request, moment, written

Seen = dict[str, datetime | None]
"""The requests of an answer: time of receipt by the request's key."""


_NEVER = datetime.min.replace(tzinfo=UTC)


class _Latest(NamedTuple):
    """The latest state of a request: its answer, its time, and its first line in the file."""

    answer: int
    at: datetime
    line: int


class CollectedRequests:
    """The requests of one extract, stored on disk until they are imported.

    If two answers contain the same request, the later answer counts. If one answer contains it
    twice, the state that was updated last counts. If both were updated at the same time and
    differ, both rows are yielded, and the import rejects the second as a duplicate.
    """

    def __init__(self, source: Open311Source, now: datetime) -> None:
        self.source, self.now = source, now
        self.columns, self._times = source.columns, source.times
        self._zone = ZoneInfo(source.zone)
        self._file: TextIO = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self._latest: dict[str, _Latest] = {}
        self._answers = self._lines = 0
        self._again: set[datetime] = set()
        self.newest: datetime | None = None
        """The newest time of receipt or change that the server has shown."""

    def __enter__(self) -> CollectedRequests:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def again(self) -> tuple[datetime, ...]:
        """Return the times of receipt of requests changed during this extract."""
        return tuple(sorted(self._again))

    def take(self, requests: list[Request]) -> Seen:
        """Store the requests of one answer; returns their keys with the times of receipt."""
        self._answers += 1
        known: Seen = {}
        for request in requests:
            cells = [self._cell(name, request) for name in self.columns]
            key = request.get(self.source.fields.ticket, "").strip() or json.dumps(cells)
            received, updated = self._moments(request)
            self._note(received, updated)
            known[key] = received
            if not self._meanwhile(received, updated):
                self._keep(key, updated or received, cells)
        return known

    def look_at(self, requests: list[Request]) -> None:
        """Note the newest time of these requests."""
        for request in requests:
            self._note(*self._moments(request))

    def _note(self, *times: datetime | None) -> None:
        self.newest = max(filter(None, (self.newest, *times)), default=None)

    def _moments(self, request: Request) -> tuple[datetime | None, datetime | None]:
        """Return the times of receipt and of the last change."""
        received, updated = (
            moment(request.get(name, ""), self._zone)
            for name in ("requested_datetime", "updated_datetime")
        )
        return received, updated

    def _keep(self, key: str, at: datetime | None, cells: list[str]) -> None:
        """Write a request, unless this answer has a later state of it."""
        before = self._latest.get(key)
        at = at or _NEVER
        if before is None or before.answer < self._answers or before.at < at:
            self._latest[key] = _Latest(self._answers, at, self._lines)
        elif at < before.at:
            return
        self._file.write(json.dumps([key, cells]) + "\n")
        self._lines += 1

    def _meanwhile(self, received: datetime | None, updated: datetime | None) -> bool:
        later = [each for each in (received, updated) if each is not None and each > self.now]
        if received is None or not later or max(later) > self.now + sources_cursor.JUST_AFTER:
            return False
        self._again.add(min(received, self.now))
        return True

    def _cell(self, name: str, request: Request) -> str:
        text = request.get(name, "")
        if name not in self._times:
            return text
        found = moment(text, self._zone, end_of_day=name == self.source.fields.promised_due)
        return text if found is None else written(found)

    def extract(self, name: str, cursor: str) -> Extract:
        """Return the extract to import; its hash covers the cursor and all rows."""
        return Extract(
            name=name,
            sha256=sources_cursor.content_hash(cursor, rows=self._rows()),
            observed_at=self.now,
            header=self.columns,
            rows=self._rows(),
            cursor=cursor,
        )

    def _rows(self) -> Iterator[Row]:
        self._file.seek(0)
        number = 0
        for position, line in enumerate(self._file):
            key, cells = json.loads(line)
            if position >= self._latest[key].line:
                number += 1
                yield number, tuple(cells)
