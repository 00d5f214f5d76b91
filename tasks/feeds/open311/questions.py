"""The questions to an Open311 server, each asked part by part until its answer is surely whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx

from settings.sources import Open311Source
from tasks.feeds.batch import SourceTrouble
from tasks.feeds.open311.gathered import Gathered, Seen
from tasks.feeds.open311.georeport import Request, moment, requests_in
from tasks.feeds.open311.web import Server, plain
from tasks.office import Office

OVERLAP = timedelta(days=1)
"""What is asked for again of the time before the last look: servers publish some things late."""

EDGE = timedelta(minutes=1)
"""By how much windows overlap: servers differ on whether the first and the last second count."""

SURELY_WHOLE = 10
"""No server cuts off an answer of fewer requests than this."""

MOST_PAGES = 10_000


@dataclass(frozen=True, slots=True)
class Grid:
    """The past in windows of one length, each overlapping the one before it by a little."""

    begin: datetime
    length: timedelta

    def window(self, moment: datetime, end: datetime) -> tuple[datetime, datetime]:
        """The window that a moment falls into, up to an end."""
        step = self.length - EDGE
        start = self.begin + (moment - self.begin) // step * step
        return start, min(start + self.length, end)

    def windows(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """All windows from the one that `start` falls into to an end."""
        while start < end:
            window = self.window(start, end)
            yield window
            start = window[0] + self.length - EDGE


def questions_to(office: Office, name: str, source: Open311Source, now: datetime) -> Questions:
    """The server of a source, ready to be asked; raises :class:`SourceTrouble` without its key."""
    variable = source.url_variable
    address = (variable and os.environ.get(variable)) or source.url
    key = os.environ.get(source.key_variable, "") if source.key_variable else ""
    if source.key_variable and not key:
        raise SourceTrouble(
            f"key_variable of {name}: the environment has no variable {source.key_variable}"
        )
    try:
        url = httpx.URL(address)
        base = url.copy_with(path=f"{url.path.rstrip('/')}/requests.{source.format}")
    except (httpx.InvalidURL, TypeError):
        base = httpx.URL()
    if base.scheme not in ("http", "https") or not base.host:
        raise SourceTrouble(f"{variable or 'url'} of {name}: no address of a server (https://…)")
    ca_file = str(office.site.folder / source.ca_file) if source.ca_file else None
    server = Server(
        now=now,
        timeout=source.timeout_seconds,
        attempts=source.attempts,
        most_mb=source.max_answer_mb,
        secrets=(key, base.password, base.userinfo.decode("ascii")),
        ca_file=ca_file,
    )
    same = {"jurisdiction_id": source.jurisdiction or "", "api_key": key}
    return Questions(source, server, base, {name: text for name, text in same.items() if text})


class Questions:
    """The questions to a server, each asked page by page."""

    def __init__(
        self, source: Open311Source, server: Server, url: httpx.URL, same: dict[str, str]
    ) -> None:
        self.source, self.server, self.url, self.same = source, server, url, same
        self._whole = SURELY_WHOLE  # an answer of fewer requests is not cut off

    def __enter__(self) -> Questions:
        self.server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__()

    def updates(self, look: Gathered, parameter: str, since: datetime) -> bool:
        """What changed since a moment; returns whether that is surely all of it."""
        seen, unpaged = self._pages(look, {parameter: iso(since)}, unchanged_since=since)
        return not (unpaged and len(seen) >= self._whole)

    def window(self, look: Gathered, start: datetime, end: datetime) -> None:
        """All that was received in a window."""
        self._complete(look, start, end, *self._received(look, start, end))

    def _complete(
        self, look: Gathered, start: datetime, end: datetime, seen: Seen, unpaged: bool
    ) -> None:
        """Ask for the parts of a window of which the answer may have been cut off.

        A server that knows no pages gives so many requests and no more, and does not say whether
        there are. Asked for two parts, each with fewer of those that we have seen, it has room for
        one that we have not. Where there is none the answer was whole, and so is any shorter one.
        """
        if not unpaged or len(seen) < self._whole or end - start <= 2 * EDGE:
            return
        moments = sorted({received for received in seen.values() if received is not None})
        if moments and not start - OVERLAP <= moments[0] <= moments[-1] <= end + OVERLAP:
            raise SourceTrouble(
                f"{plain(self.url)}: the server heeds neither start_date and end_date nor page;"
                " what it leaves out cannot be known"
            )
        middle = _middle(moments, start, end)
        parts = (start, middle), (middle, end)
        answers = [self._received(look, *part) for part in parts]
        if all(more.keys() <= seen.keys() for more, _ in answers):
            self._whole = max(self._whole, len(seen) + 1)
            return
        for part, answer in zip(parts, answers, strict=True):
            self._complete(look, *part, *answer)

    def _received(self, look: Gathered, start: datetime, end: datetime) -> tuple[Seen, bool]:
        return self._pages(look, {"start_date": iso(start), "end_date": iso(end)})

    def _pages(
        self, look: Gathered, question: dict[str, str], unchanged_since: datetime | None = None
    ) -> tuple[Seen, bool]:
        """Take in one page after the other until one brings nothing new.

        A short page ends nothing: some servers give fewer on each than they are asked for. Returns
        what was seen, and whether the server gave the same again when asked for a second page.
        """
        seen: Seen = {}
        for page in range(1, MOST_PAGES + 1):
            requests = self._ask(question, page)
            if unchanged_since is not None:
                self._check_heeded(requests, unchanged_since)
            known = look.take(requests)
            if known.keys() <= seen.keys():
                return seen, page == 2 and bool(known)
            seen |= known
        raise SourceTrouble(
            f"{plain(self.url)}: more than {MOST_PAGES} pages; the server never ends"
        )

    def _ask(self, question: dict[str, str], page: int) -> list[Request]:
        paging = {"page": str(page), "page_size": str(self.source.page_size)}
        answer = self.server.get(self.url, {**question, **paging, **self.same})
        if page > 1 and answer.status == 404:
            return []  # so some servers say that there is no such page
        ticket = self.source.fields.ticket
        return requests_in(answer, self.source.format, ticket, self.server.hide)

    def _check_heeded(self, requests: list[Request], since: datetime) -> None:
        """Whether a server that was asked for changes gives only these."""
        zone = ZoneInfo(self.source.zone)
        for request in requests:
            updated = moment(request.get("updated_datetime", ""), zone)
            if updated is not None and updated < since - OVERLAP:
                raise SourceTrouble(
                    f"{plain(self.url)}: the server does not heed `{self.source.updates_by}`; take"
                    " updates_by out of sources.toml"
                )


def _middle(moments: list[datetime], start: datetime, end: datetime) -> datetime:
    """A moment with as many receipts before it as after it; the middle of a window without any."""
    if len(moments) > 1:
        before, after = moments[len(moments) // 2 - 1 : len(moments) // 2 + 1]
        middle = before + (after - before) / 2
        if start < middle < end:
            return middle
    return start + (end - start) / 2


def iso(moment: datetime) -> str:
    """A moment as GeoReport wants it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
