"""Ticks: the start times of a flow by its schedule in the site."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from datetime import UTC, datetime

from prefect.server.schemas.schedules import CronSchedule
from pydantic import ValidationError

from settings.errors import SettingsError
from settings.site import Site

FEWEST, MOST = 4, 128
"""Number of ticks computed together: few after a jump, more and more while each is needed."""


class CronTimes:
    """One schedule of site.toml, computed by the code for the service's own runs."""

    def __init__(self, site: Site, flow: str, runner: asyncio.Runner) -> None:
        """Read the schedule of a flow; raises :class:`SettingsError` if it is invalid."""
        self._runner = runner
        self._schedules = [
            _Ticks(_schedule(site, flow, cron), runner) for cron in site.file.schedules.of(flow)
        ]

    def at_or_after(self, moment: datetime) -> datetime:
        """Return the first tick at or after a moment, in UTC."""
        start = moment.astimezone(UTC)
        return min(schedule.at_or_after(start) for schedule in self._schedules)


class _Ticks:
    """The ticks of one schedule, computed for some days at a time."""

    def __init__(self, schedule: CronSchedule, runner: asyncio.Runner) -> None:
        self._schedule, self._runner = schedule, runner
        self._known: list[datetime] = []
        self._from = datetime.max.replace(tzinfo=UTC)
        self._number = FEWEST

    def at_or_after(self, start: datetime) -> datetime:
        """Return the first tick at or after a moment."""
        if start < self._from or not self._known or start > self._known[-1]:
            self._compute(start)
        return self._known[bisect_left(self._known, start)]

    def _compute(self, start: datetime) -> None:
        """Compute the next ticks.

        In the hour before clocks go forward, Prefect's first answer is a tick that has passed.
        """
        near = bool(self._known) and self._from <= start <= self._known[-1] + (
            self._known[-1] - self._from
        )
        self._number = min(2 * self._number, MOST) if near else FEWEST
        dates = self._runner.run(self._schedule.get_dates(n=self._number, start=start))
        ticks = (datetime.fromtimestamp(date.timestamp(), UTC) for date in dates)
        self._known = sorted(tick for tick in ticks if tick >= start)
        self._from = start


def _schedule(site: Site, flow: str, cron: str) -> CronSchedule:
    try:
        return CronSchedule(cron=cron, timezone=site.zone.key)
    except ValidationError:
        raise SettingsError(
            f"{site.folder / 'site.toml'}: schedules.{flow}: '{cron}' is not a schedule; write"
            " minute, hour, day, month and weekday as cron has them, e.g. 5 * * * *"
        ) from None
