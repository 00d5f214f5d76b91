"""`tenggat watch`: the watchdog without a worker, for `tenggat up` or as a service of its own."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event, Timer
from types import FrameType
from typing import Annotated

import typer
from rich.markup import escape

from cli import console
from cli.console import SiteOption
from settings import SettingsError, Site, load_site
from sla.plain_text import log_line, terminal_safe

EVERY = 60.0
"""Seconds between two checks."""

ENDS_WITHIN = 5.0
"""Seconds until the process ends after a signal. A mail cut off by it is sent again with the same
Message-ID."""


def watch(
    site: SiteOption = None,
    once: Annotated[bool, typer.Option("--once", help="Check once and end.")] = False,
) -> None:
    """Notify the administrator when runs stop.

    It also notifies of a missing database. It checks every minute, without Prefect, and sends its
    own mail. `tenggat up` starts it. If server and worker run in another way, run it as a service
    of its own. Ends on SIGTERM. With --once the exit code is 1 if anything is wrong.
    """
    place = load_site(site)
    from flows.permitted import is_rehearsal  # noqa: PLC0415
    from tasks.monitoring.external_watch import ExternalWatch  # noqa: PLC0415

    outside = ExternalWatch(place, clock=None if is_rehearsal() else partial(datetime.now, UTC))
    if once:
        said = outside.check(datetime.now(UTC))
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
    before: list[str] = []
    stand = _stand(place.folder)
    while not ended.is_set():
        try:
            if stand != (stand := _stand(place.folder)):
                outside.site = _read_again(outside.site)
            said = outside.check(datetime.now(UTC))
        except Exception as error:  # any error: the next check follows in a minute
            said = [f"the watch cannot look: {type(error).__name__}: {error}"]
        if said != before:  # a lasting fault is logged once
            for line in said or ["all is well"]:
                print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ} {log_line(line)}", flush=True)
        before = said
        ended.wait(EVERY)


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
        print(terminal_safe(f"the site is used as it was before: {error}"), flush=True)
        return site
