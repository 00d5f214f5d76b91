"""Names of runs in Prefect's UI, and what the UI shows of a run that has nothing to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class IdleRun:
    """A run that had nothing to do: its name and the reason."""

    name: str
    reason: str


def run_title(flow: str, now: datetime, zone: ZoneInfo, part: str = "") -> str:
    """Return the name of a run: the flow, its time in the site's zone, and its part if any."""
    return f"{flow} {now.astimezone(zone):%Y-%m-%d %H:%M} {part}".rstrip()
