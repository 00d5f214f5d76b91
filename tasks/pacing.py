"""Pace: how fast mails may leave, by the site's rates and by what the server bears."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from tasks.smtp import MailTrouble

MINUTE = timedelta(minutes=1)
FIRST_GAP, LONGEST_GAP = timedelta(seconds=1), timedelta(seconds=64)

MOST_IN_A_ROW = 5
"""Throttled mails after which a run leaves the rest to the next one."""


class Clock:
    """The time of a run: its `now`, and what has passed since it began."""

    def __init__(self, now: datetime) -> None:
        self._now, self._begun = now, time.monotonic()

    def moment(self) -> datetime:
        """What time it is."""
        return self._now + timedelta(seconds=time.monotonic() - self._begun)

    def wait(self, span: timedelta) -> None:
        """Let time pass."""
        time.sleep(max(0.0, span.total_seconds()))


class Pace:
    """So many mails in any minute, in all and to a domain; slower when the server complains.

    `before` are the mails of the last minute with their addresses, so that the rates hold over
    several runs.
    """

    def __init__(
        self,
        per_minute: int | None,
        to_domain: Mapping[str, int],
        before: Iterable[tuple[datetime, str]] = (),
    ) -> None:
        self._limits = {domain.casefold(): limit for domain, limit in to_domain.items()}
        if per_minute is not None:
            self._limits[""] = per_minute
        self._passed: dict[str, deque[datetime]] = {name: deque() for name in self._limits}
        self._gap = timedelta(0)
        self._in_a_row = 0
        for moment, address in before:
            self._note(moment, address)

    def at_once(self, now: datetime, most: int) -> int:
        """How many mails, `most` at most, may be made ready together: one while it is slow."""
        if self._gap:
            return 1
        if "" not in self._limits:
            return most
        return max(1, min(most, self._limits[""] - len(self._recent("", now))))

    def free_at(self, now: datetime, address: str = "") -> datetime:
        """When the next mail may leave to an address, or to anywhere."""
        name = _domain(address)
        if name not in self._limits:
            return now
        recent, limit = self._recent(name, now), self._limits[name]
        return now if len(recent) < limit else recent[-limit] + MINUTE

    @property
    def gap(self) -> timedelta:
        """The pause that the server's complaints call for before the next mail."""
        return self._gap

    @property
    def exhausted(self) -> bool:
        """Whether the server has complained so often that the rest is for another run."""
        return self._in_a_row >= MOST_IN_A_ROW

    def went(self, now: datetime, address: str) -> None:
        """A mail was taken: the server bears this pace, and perhaps a faster one."""
        self._note(now, address)
        self._in_a_row = 0
        self._gap = self._gap / 2 if self._gap > FIRST_GAP else timedelta(0)

    def complained(self) -> None:
        """The server said that we are too fast."""
        self._in_a_row += 1
        self._gap = min(max(self._gap * 2, FIRST_GAP), LONGEST_GAP)

    def _note(self, moment: datetime, address: str) -> None:
        for name in ("", _domain(address)):
            if name in self._passed:
                self._passed[name].append(moment)

    def _recent(self, name: str, now: datetime) -> deque[datetime]:
        passed = self._passed[name]
        while passed and passed[0] <= now - MINUTE:
            passed.popleft()
        return passed


def too_fast(trouble: MailTrouble) -> bool:
    """Whether an answer asks for fewer mails: 421, a policy of the moment (4.7.x), or its words.

    Codes after RFC 5321 and RFC 3463. Greylisting is a policy of the moment as well: waiting
    a little does it no harm.
    """
    if trouble.code is None or not 400 <= trouble.code < 500:
        return False
    said = trouble.answer.casefold()
    return (
        trouble.code == 421
        or re.match(r"4\.7\.\d", said) is not None
        or re.search(r"\b(rate|too many|too fast|throttl\w*|slow down)\b", said) is not None
    )


def _domain(address: str) -> str:
    return address.rpartition("@")[2].casefold()
