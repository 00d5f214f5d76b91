"""Check a site: report good points, notes and faults, each with the remedy (`tenggat doctor`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial

from settings import Site
from tasks.health import database, machine, reaching, rules, schedules
from tasks.health.finding import Finding

__all__ = ["Finding", "check"]


def check(site: Site, now: datetime, *, clock: bool = False) -> list[Finding]:
    """Check everything once; sends no mail, changes nothing, and creates no database.

    Checks likely to wait for an answer run at the same time. `clock` is true if `now` is the time
    of this machine's clock: only then can other clocks be compared with it. (Logging in by OAuth2
    may bring a new refresh token; it is stored in its file.)
    """
    steps: list[Callable[[], Iterable[Finding]]] = [
        partial(rules.offices, site, now),
        partial(rules.holds, site, now),
        partial(rules.calendar, site, now),
        partial(rules.rules, site, now),
        partial(schedules.gaps, site, now),
        partial(database.database, site, now, clock=clock),
        partial(reaching.mail, site),
        partial(reaching.returned_mail, site),
        *(partial(reaching.source, site, name) for name in site.sources),
        partial(machine.clock, site, now),
        partial(machine.disks, site),
        partial(machine.readers, site),
        reaching.reports,
    ]
    findings = [Finding("good", f"settings of {site.name} read ({site.folder})")]
    with ThreadPoolExecutor(len(steps)) as threads:
        for found in threads.map(lambda step: list(step()), steps):
            findings += found
    return findings
