"""`tenggat watch`: the watch that needs no worker, for `tenggat up` or a service of its own."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Timer
from types import FrameType
from typing import Annotated

import typer
from rich.markup import escape

from commands import console
from commands.console import SiteOption
from settings import SettingsError, Site, load_site

EVERY = 60.0
"""Seconds between two looks."""

ENDS_WITHIN = 5.0
"""Seconds after a request to end. A mail that was on its way then goes once more, as the same."""


def watch(
    site: SiteOption = None,
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
) -> None:
    """Tell the administrator when runs stop.

    Or when the database is gone. Looks every minute, without Prefect, and mails by itself.
    `tenggat up` starts it; where server and worker run otherwise, let it run as a service of its
    own. Ends on SIGTERM. With --once the exit code is 1 if anything is wrong.
    """
    place = load_site(site)
    from tasks.outside import Outside  # noqa: PLC0415

    outside = Outside(place)
    if once:
        said = outside.look(datetime.now(UTC))
        for line in said:
            console.out.print(escape(line), soft_wrap=True)
        raise typer.Exit(console.TROUBLE if said else console.GOOD)
    ended = Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()
        last = Timer(ENDS_WITHIN, os._exit, (console.GOOD,))  # it may be waiting for a server
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
            said = outside.look(datetime.now(UTC))
        except Exception as error:  # whatever it is: the next look is in a minute
            said = [f"the watch cannot look: {type(error).__name__}: {error}"]
        if said != before:  # what lasts fills no log
            for line in said or ["all is well"]:
                print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ} {line}", flush=True)
        before = said
        ended.wait(EVERY)


def _stand(folder: Path) -> list[tuple[str, int]]:
    """How the site's files stand; another answer means that one has changed."""
    return sorted(
        (path.name, path.stat().st_mtime_ns) for path in folder.glob("*.*") if path.is_file()
    )


def _read_again(site: Site) -> Site:
    """The site as its files say now; as it was while they cannot be read."""
    try:
        return load_site(site.folder)
    except SettingsError as error:
        print(f"the site is used as it was before: {error}", flush=True)
        return site
