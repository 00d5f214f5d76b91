"""The watchdog without a worker: `tenggat watch`, and a part of `tenggat up`."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event, Timer
from types import FrameType
from typing import Annotated

import typer

from cli import console
from cli.console import SitesOption, escape, site_folders
from cli.language.translation import translated
from settings.errors import SettingsError
from settings.site import Site, load_site
from sla.plain_text import log_line

EVERY = 60.0
"""Seconds between two checks."""

ENDS_WITHIN = 5.0
"""Seconds until the process ends after a signal. A mail cut off by it is sent again with the same
Message-ID."""


def watch(
    site: SitesOption = None,
    once: Annotated[bool, typer.Option("--once", help="Check once and end.")] = False,
) -> None:
    """Notify the administrator when runs stop.

    It also notifies of a missing database. It checks every minute, without Prefect, and sends its
    own mail. `tenggat up` does the same. If server and worker run in another way, run it as a
    service of its own. Ends on SIGTERM. With --once the exit code is 1 if anything is wrong.
    """
    places = [load_site(folder) for folder in site_folders(site)]
    watched = Watch(places, _print)
    if once:
        said = watched.check_once()
        for line in said:
            console.out.print(escape(line), soft_wrap=True)
        raise typer.Exit(console.TROUBLE if said else console.GOOD)
    ended = Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()
        last = Timer(ENDS_WITHIN, os._exit, (console.GOOD,))  # a check may wait for a server
        last.daemon = True
        last.start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    watched.check_until(ended)


def _print(line: str) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ} {log_line(line)}", flush=True)


class Watch:
    """The external watchdogs of some sites."""

    def __init__(self, sites: Sequence[Site], say: Callable[[str], None]) -> None:
        """Set them up. `say` gets a line about each new fault, and about its end."""
        self._sites = [_WatchedSite(site) for site in sites]
        self._say = say

    def check_once(self) -> list[str]:
        """Check each site once; return a translated line about each fault."""
        now = datetime.now(UTC)
        return [translated(line) for each in self._sites for line in each.outside.check(now)]

    def check_until(self, ended: Event) -> None:
        """Check every minute until `ended` is set."""
        while not ended.is_set():
            for each in self._sites:
                name = f"{each.outside.site.folder.name}: " if len(self._sites) > 1 else ""
                for line in each.check():
                    self._say(f"{name}{translated(line)}")
            ended.wait(EVERY)


class _WatchedSite:
    """A site between two checks: its files as they were, and the last report."""

    def __init__(self, site: Site) -> None:
        from flows.permitted import is_rehearsal  # noqa: PLC0415
        from tasks.monitoring.external_watch import ExternalWatch  # noqa: PLC0415

        clock = None if is_rehearsal() else partial(datetime.now, UTC)
        self.outside = ExternalWatch(site, clock=clock)
        self._files = _stand(site.folder)
        self._before: list[str] = []

    def check(self) -> list[str]:
        """Check once; return the lines for the log. A lasting fault is returned once."""
        read_again: list[str] = []
        try:
            if self._files != (now := _stand(self.outside.site.folder)):
                self._files = now
                try:
                    self.outside.site = load_site(self.outside.site.folder)
                except SettingsError as error:
                    read_again = [f"the site is used as it was before: {error}"]
            said = self.outside.check(datetime.now(UTC))
        except Exception as error:  # any error: the next check follows in a minute
            said = [f"the watch cannot look: {type(error).__name__}: {error}"]
        before, self._before = self._before, said
        return read_again + ([] if said == before else said or ["all is well"])


def _stand(folder: Path) -> list[tuple[str, int]]:
    """Return name and modification time (ns) of the site's files; a difference reveals a change."""
    return sorted(
        (path.name, path.stat().st_mtime_ns) for path in folder.glob("*.*") if path.is_file()
    )
