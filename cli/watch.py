"""`tenggat watch`: the watchdog without a worker, for `tenggat up` or as a service of its own."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event, Timer
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from cli import console
from cli.console import SitesOption, site_folders
from cli.language.translation import translated
from settings.errors import SettingsError
from settings.site import Site, load_site
from sla.plain_text import log_line, terminal_safe

if TYPE_CHECKING:
    from tasks.monitoring.external_watch import ExternalWatch

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
    own mail. `tenggat up` starts it. If server and worker run in another way, run it as a service
    of its own. Ends on SIGTERM. With --once the exit code is 1 if anything is wrong.
    """
    places = [load_site(folder) for folder in site_folders(site)]
    from flows.permitted import is_rehearsal  # noqa: PLC0415
    from tasks.monitoring.external_watch import ExternalWatch  # noqa: PLC0415

    clock = None if is_rehearsal() else partial(datetime.now, UTC)
    watched = [_WatchedSite(ExternalWatch(place, clock=clock)) for place in places]
    if once:
        said = [line for each in watched for line in each.outside.check(datetime.now(UTC))]
        for line in said:
            console.out.print(escape(translated(line)), soft_wrap=True)
        raise typer.Exit(console.TROUBLE if said else console.GOOD)
    ended = Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()
        last = Timer(ENDS_WITHIN, os._exit, (console.GOOD,))  # a check may wait for a server
        last.daemon = True
        last.start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    while not ended.is_set():
        for each in watched:
            for line in each.check():
                text = translated(line)
                name = f"{each.outside.site.folder.name}: " if len(watched) > 1 else ""
                print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ} {name}{log_line(text)}", flush=True)
        ended.wait(EVERY)


class _WatchedSite:
    """A site between two checks: its files as they were, and the last report."""

    def __init__(self, outside: ExternalWatch) -> None:
        self.outside = outside
        self._files = _stand(outside.site.folder)
        self._before: list[str] = []

    def check(self) -> list[str]:
        """Check once; return the lines for the log. A lasting fault is returned once."""
        try:
            if self._files != (now := _stand(self.outside.site.folder)):
                self._files = now
                self.outside.site = _read_again(self.outside.site)
            said = self.outside.check(datetime.now(UTC))
        except Exception as error:  # any error: the next check follows in a minute
            said = [f"the watch cannot look: {type(error).__name__}: {error}"]
        before, self._before = self._before, said
        return [] if said == before else said or ["all is well"]


def _stand(folder: Path) -> list[tuple[str, int]]:
    """Return name and modification time (ns) of the site's files; a difference reveals a change."""
    return sorted(
        (path.name, path.stat().st_mtime_ns) for path in folder.glob("*.*") if path.is_file()
    )


def _read_again(site: Site) -> Site:
    """Load the site from its present files, or return the old one while they cannot be read."""
    try:
        return load_site(site.folder)
    except SettingsError as error:
        text = f"the site is used as it was before: {error}"
        print(terminal_safe(translated(text)), flush=True)
        return site
