"""An Open311 GeoReport v2 server as a source: choose the questions of this run and their order.

A first run asks for the past, window by window, from `first_day` to now. Each imported window is
final, so a run after a failure continues from there. Every later run makes one extract of all
possible changes, as a whole. The reason: a deadline is called missed because an extract showed no
end of the case, so half an extract must not count as one. This extract asks

- if the server knows the parameter `updates_by`: for changes since the last extract, and for
  requests received since then (many servers leave `updated_datetime` empty);
- otherwise: for the windows with an open complaint again, and for the last 90 days, because closed
  requests are rarely reopened later.

Questions overlap. A request read twice changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from db import complaints, imports
from settings.sources import Open311Source
from tasks.common.context import SiteContext
from tasks.sources.base import CheckResult, Extract, Source, SourceError
from tasks.sources.endpoint import check_url, from_environment
from tasks.sources.open311.clock import NewestTime, is_wrong, remembered
from tasks.sources.open311.collected import CollectedRequests
from tasks.sources.open311.queries import EDGE, OVERLAP, Questions, TimeWindows, iso, questions_to
from tasks.sources.registry import source_kind

RECENT = timedelta(days=90)
"""How far back closed requests are read again if the server cannot list its changes."""


@source_kind("open311")
class Open311Server(Source[Open311Source]):
    """A server with the Open311 GeoReport v2 interface."""

    def extracts(self, context: SiteContext, now: datetime) -> Iterator[Extract]:
        """Yield the extracts of this run, as the module docstring explains.

        Raises :class:`SourceError` if the server gives no readable answer. Extracts yielded earlier
        stay imported.
        """
        name, source = self.name, self.settings
        zone = ZoneInfo(source.zone)
        with context.transaction() as session:
            progress = _Progress.read(imports.cursor(session, name))
            ended = [word.word for word in source.status if word.terminal]
            open_since = complaints.open_since(
                session, name, ended if source.layout == "snapshot" else []
            )
        first_day = min(source.first_day, progress.first) if progress else source.first_day
        begin = datetime.combine(first_day, time.min, zone).astimezone(UTC)
        if begin > now:
            raise SourceError(f"first_day of {name} lies ahead; the past begins there")
        grid = TimeWindows(begin, timedelta(days=source.window_days))
        with questions_to(self.site.folder, name, source, now) as questions:
            if progress is None:
                progress = _Progress(first_day, asked=now, next=begin)
            elif first_day < progress.first:
                progress = replace(progress, first=first_day, next=begin)
            if progress.asked < now:
                with CollectedRequests(source, now) as collected:
                    _ask_changes(questions, collected, progress, grid, open_since)
                    if source.updates_by is None:  # else the changes have no end
                        questions.look_ahead(collected)
                    span = f"{iso(progress.asked)}/{iso(now)}"
                    reached = now if progress.complete else progress.next
                    progress = replace(
                        progress,
                        asked=now,
                        next=reached,
                        again=collected.again,
                        newest=remembered(progress.newest, now, collected.newest),
                    )
                    self._compare_clock(progress)
                    yield collected.extract(span, str(progress))
            while progress.next < now:
                start, end = grid.window(progress.next, now)
                with CollectedRequests(source, now) as collected:
                    questions.window(collected, start, end)
                    progress = replace(
                        progress,
                        next=now if end == now else end - EDGE,
                        again=tuple(sorted({*progress.again, *collected.again})),
                    )
                    first, last = start.astimezone(zone), end.astimezone(zone)
                    yield collected.extract(f"{first:%Y-%m-%d}/{last:%Y-%m-%d}", str(progress))

    def _compare_clock(self, progress: _Progress) -> None:
        zone = self.site.zone
        offset = progress.asked.astimezone(zone).utcoffset() or timedelta(0)
        if is_wrong(progress.newest, offset):
            self.wrong_clock = progress.newest[-1]

    def check(self, timeout: float) -> Iterator[CheckResult]:
        """Check whether a server listens at the address."""
        key = self.settings.url_variable or "url in sources.toml"
        yield from check_url(self.name, self.time_server(), key=key, timeout=timeout)

    def time_server(self) -> str:
        """Return the address of the server."""
        return from_environment(self.settings.url_variable) or self.settings.url


@dataclass(frozen=True, slots=True)
class _Progress:
    """The import progress of a source, stored as its cursor.

    The past from `first` to `next` is imported. For imported requests, all changes up to `asked`
    are known. `again` lists the times of receipt of requests changed during an extract. `newest`
    has the newest times of the last runs.
    """

    first: date
    asked: datetime
    next: datetime
    again: tuple[datetime, ...] = ()
    newest: tuple[NewestTime, ...] = ()

    @property
    def complete(self) -> bool:
        """Return whether all of the past was imported with the last extract."""
        return self.next >= self.asked

    @classmethod
    def read(cls, text: str | None) -> _Progress | None:
        """Parse a cursor; an invalid one gives None and restarts the import, without loss."""
        try:
            stored = json.loads(text or "")
            return cls(
                date.fromisoformat(stored["first"]),
                datetime.fromisoformat(stored["asked"]),
                datetime.fromisoformat(stored["next"]),
                tuple(datetime.fromisoformat(moment) for moment in stored["again"]),
                tuple(
                    NewestTime(*map(datetime.fromisoformat, pair))
                    for pair in stored.get("newest", [])
                ),
            )
        except (ValueError, KeyError, TypeError):
            return None

    def __str__(self) -> str:
        return json.dumps(
            {
                "first": self.first.isoformat(),
                "asked": self.asked.astimezone(UTC).isoformat(),
                "next": self.next.astimezone(UTC).isoformat(),
                "again": [moment.astimezone(UTC).isoformat() for moment in self.again],
                "newest": [
                    [moment.astimezone(UTC).isoformat() for moment in pair] for pair in self.newest
                ],
            }
        )


def _ask_changes(
    questions: Questions,
    collected: CollectedRequests,
    progress: _Progress,
    grid: TimeWindows,
    open_since: list[datetime],
) -> None:
    """Ask for changes since the last extract, and for new requests if the past is complete."""
    updates_by = collected.source.updates_by
    windows: set[tuple[datetime, datetime]] = set()
    if updates_by is None or not questions.updates(collected, updates_by, progress.asked - OVERLAP):
        changing = (*open_since, *progress.again)
        windows |= {
            grid.window(m, collected.now) for m in changing if grid.begin <= m <= collected.now
        }
        until = collected.now if progress.complete else min(progress.next, collected.now)
        windows |= set(grid.windows(max(grid.begin, collected.now - RECENT), until))
    if progress.complete:
        windows |= set(grid.windows(max(grid.begin, progress.next - OVERLAP), collected.now))
    for start, end in sorted(windows):
        questions.window(collected, start, end)
