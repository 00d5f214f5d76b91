"""Ask an Open311 server; split a question until every answer is certainly complete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx

from settings.sources import Open311Source
from tasks.sources.base import SourceError
from tasks.sources.open311.client import HttpClient, plain
from tasks.sources.open311.clock import TOLERANCE
from tasks.sources.open311.collected import CollectedRequests, Seen
from tasks.sources.open311.parser import Request, moment, requests_in

OVERLAP = timedelta(days=1)
"""How much time before the last extract is asked for again: servers publish some requests late."""

EDGE = timedelta(minutes=1)
"""Overlap of two windows: servers differ on whether the first and the last second are included."""

SURELY_WHOLE = 10
"""No server truncates an answer with fewer requests than this."""

MOST_PAGES = 10_000


@dataclass(frozen=True, slots=True)
class TimeWindows:
    """Windows of equal length over the past, each overlapping the one before it by `EDGE`."""

    begin: datetime
    length: timedelta

    def window(self, moment: datetime, end: datetime) -> tuple[datetime, datetime]:
        """Return the window containing a moment, cut at `end`."""
        step = self.length - EDGE
        start = self.begin + (moment - self.begin) // step * step
        return start, min(start + self.length, end)

    def windows(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield all windows from the one containing `start` up to `end`."""
        while start < end:
            window = self.window(start, end)
            yield window
            start = window[0] + self.length - EDGE


def questions_to(folder: Path, name: str, source: Open311Source, now: datetime) -> Questions:
    """Return the questions to a source; raises :class:`SourceError` if its key is not set."""
    variable = source.url_variable
    address = (variable and os.environ.get(variable)) or source.url
    key = os.environ.get(source.key_variable, "") if source.key_variable else ""
    if source.key_variable and not key:
        raise SourceError(
            f"key_variable of {name}: the environment has no variable {source.key_variable}"
        )
    try:
        url = httpx.URL(address)
        base = url.copy_with(path=f"{url.path.rstrip('/')}/requests.{source.format}")
    except (httpx.InvalidURL, TypeError):
        base = httpx.URL()
    if base.scheme not in ("http", "https") or not base.host:
        raise SourceError(f"{variable or 'url'} of {name}: no address of a server (https://…)")
    ca_file = str(folder / source.ca_file) if source.ca_file else None
    server = HttpClient(
        now=now,
        timeout=source.timeout_seconds,
        attempts=source.attempts,
        most_mb=source.max_answer_mb,
        most_seconds=source.max_minutes * 60,
        secrets=(key, base.password, base.userinfo.decode("ascii")),
        ca_file=ca_file,
    )
    same = {"jurisdiction_id": source.jurisdiction or "", "api_key": key}
    return Questions(source, server, base, {name: text for name, text in same.items() if text})


class Questions:
    """The questions to a server, each asked page by page."""

    def __init__(
        self, source: Open311Source, server: HttpClient, url: httpx.URL, same: dict[str, str]
    ) -> None:
        self.source, self.server, self.url, self.same = source, server, url, same
        self._whole = SURELY_WHOLE  # an answer with fewer requests is complete

    def __enter__(self) -> Questions:
        self.server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__()

    def updates(self, collected: CollectedRequests, parameter: str, since: datetime) -> bool:
        """Ask for the changes since a moment; returns whether the answer is certainly complete."""
        seen, unpaged = self._pages(collected, {parameter: iso(since)}, unchanged_since=since)
        return not (unpaged and len(seen) >= self._whole)

    def window(self, collected: CollectedRequests, start: datetime, end: datetime) -> None:
        """Ask for all requests received in a window."""
        self._complete(collected, start, end, *self._received(collected, start, end))

    def look_ahead(self, collected: CollectedRequests) -> None:
        """Ask for requests of the coming day: a server with a wrong clock or zone has some.

        They are not imported. A server that refuses the question has none.
        """
        begin = collected.now + TOLERANCE
        question = {"start_date": iso(begin), "end_date": iso(begin + timedelta(days=1))}
        with suppress(SourceError):
            collected.look_at(self._ask(question, 1))

    def _complete(
        self,
        collected: CollectedRequests,
        start: datetime,
        end: datetime,
        seen: Seen,
        unpaged: bool,
    ) -> None:
        """Ask for the halves of a window if its answer may be truncated.

        A server without paging gives a fixed number of requests and does not report any rest. Each
        half contains fewer of the known requests, so its answer has room for at least one unknown.
        If both halves show no unknown request, the answer was complete, and so is every shorter
        one.
        """
        if not unpaged or len(seen) < self._whole or end - start <= 2 * EDGE:
            return
        moments = sorted({received for received in seen.values() if received is not None})
        if moments and not start - OVERLAP <= moments[0] <= moments[-1] <= end + OVERLAP:
            raise SourceError(
                f"{plain(self.url)}: the server heeds neither start_date and end_date nor page;"
                " what it leaves out cannot be known"
            )
        middle = _middle(moments, start, end)
        parts = (start, middle), (middle, end)
        answers = [self._received(collected, *part) for part in parts]
        if all(more.keys() <= seen.keys() for more, _ in answers):
            self._whole = max(self._whole, len(seen) + 1)
            return
        for part, answer in zip(parts, answers, strict=True):
            self._complete(collected, *part, *answer)

    def _received(
        self, collected: CollectedRequests, start: datetime, end: datetime
    ) -> tuple[Seen, bool]:
        return self._pages(collected, {"start_date": iso(start), "end_date": iso(end)})

    def _pages(
        self,
        collected: CollectedRequests,
        question: dict[str, str],
        unchanged_since: datetime | None = None,
    ) -> tuple[Seen, bool]:
        """Collect page after page until one brings nothing new.

        A short page is not the last: some servers give fewer requests per page than asked for.
        Returns the requests, and whether the server ignores paging: it answered the second page
        with the same requests.
        """
        seen: Seen = {}
        for page in range(1, MOST_PAGES + 1):
            requests = self._ask(question, page)
            if unchanged_since is not None:
                self._check_heeded(requests, unchanged_since)
            known = collected.take(requests)
            if known.keys() <= seen.keys():
                return seen, page == 2 and bool(known)
            seen |= known
        raise SourceError(f"{plain(self.url)}: more than {MOST_PAGES} pages; the server never ends")

    def _ask(self, question: dict[str, str], page: int) -> list[Request]:
        paging = {"page": str(page), "page_size": str(self.source.page_size)}
        answer = self.server.get(self.url, {**question, **paging, **self.same})
        if page > 1 and answer.status == 404:
            return []  # the answer of some servers to a page after the last
        ticket = self.source.fields.ticket
        return requests_in(answer, self.source.format, ticket)

    def _check_heeded(self, requests: list[Request], since: datetime) -> None:
        """Check whether the server limits its answer to the changes asked for."""
        zone = ZoneInfo(self.source.zone)
        for request in requests:
            updated = moment(request.get("updated_datetime", ""), zone)
            if updated is not None and updated < since - OVERLAP:
                raise SourceError(
                    f"{plain(self.url)}: the server does not heed `{self.source.updates_by}`; take"
                    " updates_by out of sources.toml"
                )


def _middle(moments: list[datetime], start: datetime, end: datetime) -> datetime:
    """Return a moment with as many receipts before as after it, else the window's middle."""
    if len(moments) > 1:
        before, after = moments[len(moments) // 2 - 1 : len(moments) // 2 + 1]
        middle = before + (after - before) / 2
        if start < middle < end:
            return middle
    return start + (end - start) / 2


def iso(moment: datetime) -> str:
    """Format a moment for GeoReport, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
