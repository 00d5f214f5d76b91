"""Check a site: report good points, notes and faults, each with the remedy (`tenggat doctor`).

One module for each subject of the checks; `check` runs all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial

from settings.site import Site
from tasks.monitoring.health import connectivity, database, host, schedules, site_files
from tasks.monitoring.health.finding import Finding

__all__ = ["Finding", "check"]


def check(site: Site, now: datetime, *, clock: bool = False) -> list[Finding]:
    """Check everything once; sends no mail, changes nothing, and creates no database.

    Checks likely to wait for an answer run at the same time. `clock` is true if `now` is the time
    of this machine's clock: only then can other clocks be compared with it. (Logging in by OAuth2
    may bring a new refresh token; it is stored in its file.)
    """
    database.apply_confirmations(site, None if clock else now)
    steps: list[Callable[[], Iterable[Finding]]] = [
        partial(site_files.offices, site, now),
        partial(site_files.holds, site, now),
        partial(site_files.calendar, site, now),
        partial(site_files.rules, site, now),
        partial(site_files.first_watched_day, site, now),
        partial(site_files.samples, site),
        partial(site_files.misplaced, site),
        partial(site_files.reminding_sources, site),
        partial(site_files.endless_sources, site),
        partial(site_files.sources_without_unit, site),
        partial(schedules.gaps, site, now),
        partial(database.database, site, now, clock=clock),
        partial(connectivity.mail, site),
        partial(connectivity.returned_mail, site),
        *(partial(connectivity.source, site, name) for name in site.sources),
        partial(connectivity.proxies, site),
        partial(host.clock, site, now),
        partial(host.disks, site),
        partial(host.working_files, site),
        partial(host.ui, site),
        partial(host.readers, site),
        partial(host.owners, site),
        host.surroundings,
    ]
    findings = [Finding("good", f"settings of {site.name} read ({site.folder})")]
    with ThreadPoolExecutor(len(steps)) as threads:
        for found in threads.map(lambda step: list(step()), steps):
            findings += found
    return findings
