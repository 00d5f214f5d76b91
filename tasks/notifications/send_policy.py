"""Send policies: which mails a run sends, how long it waits, and when it tries a mail again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=4)
"""The longest wait between two attempts of a delivery, apart from the random part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendPolicy:
    """The rules of one kind of run that sends mails.

    `alert` limits the run to alerts of this kind. `timeout` limits the site's own timeout for the
    mail server, in seconds. The waits double with each attempt up to a limit: `longest_retry` for a
    mail that the server did not accept, `longest_outage` for a server that could not be used.
    `spread` is the largest random part of a wait.
    """

    alert: str | None = None
    timeout: float | None = None
    rate_limited: bool = True
    longest_run: timedelta
    longest_retry: timedelta
    longest_outage: timedelta
    gives_up: bool = True
    spread: float = 0.5

    def retry_after(self, attempts: int) -> timedelta:
        """Return the wait for a mail after this number of earlier attempts."""
        wait: timedelta = min(FIRST_RETRY * 2 ** min(attempts, 16), self.longest_retry)
        return wait * random.uniform(1.0, 1.0 + self.spread)  # noqa: S311 - spreads load, keeps no secret

    def outage_after(self, attempts: int) -> timedelta:
        """Return the wait for an unusable server after this number of earlier attempts."""
        wait: timedelta = min(FIRST_RETRY * 2 ** min(attempts, 16), self.longest_outage)
        return wait


DELIVERY = SendPolicy(
    longest_run=timedelta(minutes=4), longest_retry=LONGEST_RETRY, longest_outage=FIRST_RETRY
)
"""The delivery runs: the next one sends what a run has left."""
