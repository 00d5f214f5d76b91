"""Rate limiter: mails leave within the site's rates and as fast as the server accepts them."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from tasks.notifications.transport.smtp import MailError

MINUTE = timedelta(minutes=1)
FIRST_GAP, LONGEST_GAP = timedelta(seconds=1), timedelta(seconds=64)

MOST_IN_A_ROW = 5
"""After this number of throttled mails in a row, a run leaves the rest to the next run."""


SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""The clock that also counts while the machine is suspended, which `time.monotonic` does not."""


class RunClock:
    """The time of a run: its `now` plus the time since its start.

    After a suspension of the machine a claim of the run may be another's.
    """

    def __init__(self, now: datetime) -> None:
        self._now, self._begun = now, time.clock_gettime(SINCE_BOOT)

    def moment(self) -> datetime:
        """Return the current time."""
        return self._now + timedelta(seconds=time.clock_gettime(SINCE_BOOT) - self._begun)

    def wait(self, span: timedelta) -> None:
        """Wait for a time span."""
        time.sleep(max(0.0, span.total_seconds()))


class RateLimiter:
    """Limits of mails per minute, in total and per domain; slower after complaints of the server.

    `before` lists the mails of the last minute with their addresses, so that the limits apply
    across runs.
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
        """Return the number of mails to prepare together, at most `most`; one while throttled."""
        if self._gap:
            return 1
        if "" not in self._limits:
            return most
        return max(1, min(most, self._limits[""] - len(self._recent("", now))))

    def free_at(self, now: datetime, address: str = "") -> datetime:
        """Return the earliest send time of the next mail to an address, or to any address."""
        name = _domain(address)
        if name not in self._limits:
            return now
        recent, limit = self._recent(name, now), self._limits[name]
        return now if len(recent) < limit else recent[-limit] + MINUTE

    @property
    def free(self) -> bool:
        """Whether mails may leave as fast as the server takes them, apart from single domains."""
        return not self._gap and "" not in self._limits

    @property
    def delay(self) -> timedelta:
        """The pause before the next mail, after complaints of the server."""
        return self._gap

    @property
    def exhausted(self) -> bool:
        """Whether the server has complained so often that the next run must send the rest."""
        return self._in_a_row >= MOST_IN_A_ROW

    def sent(self, now: datetime, address: str) -> None:
        """Note an accepted mail; shorten the pause, because the server accepts this pace."""
        self._note(now, address)
        self._in_a_row = 0
        self._gap = self._gap / 2 if self._gap > FIRST_GAP else timedelta(0)

    def throttled(self) -> None:
        """Note a complaint of the server about the pace; lengthen the pause."""
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


def too_fast(trouble: MailError) -> bool:
    """Check whether an answer asks for fewer mails.

    This is code 421, a temporary policy (4.7.x), or certain words in the text. The codes are of RFC
    5321 and RFC 3463. Greylisting is a temporary policy too: a short wait does no harm there.
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
