"""Ticks: the start times of a flow by its schedule in the site."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from prefect.server.schemas.schedules import CronSchedule
from pydantic import ValidationError

from settings import SettingsError, Site


class CronTimes:
    """One schedule of site.toml, computed by the code for the service's own runs."""

    def __init__(self, site: Site, flow: str, runner: asyncio.Runner) -> None:
        """Read the schedule of a flow; raises :class:`SettingsError` if it is invalid."""
        self._runner = runner
        self._schedules = [_schedule(site, flow, cron) for cron in site.file.schedules.of(flow)]

    def at_or_after(self, moment: datetime) -> datetime:
        """Return the first tick at or after a moment, in UTC."""
        start = moment.astimezone(UTC)
        return min(self._next(schedule, start) for schedule in self._schedules)

    def _next(self, schedule: CronSchedule, start: datetime) -> datetime:
        """Return the next tick of one schedule.

        In the hour before clocks go forward, Prefect's first answer is a tick that has passed.
        """
        dates = self._runner.run(schedule.get_dates(n=2, start=start))
        ticks = (datetime.fromtimestamp(date.timestamp(), UTC) for date in dates)
        return next(tick for tick in ticks if tick >= start)


def _schedule(site: Site, flow: str, cron: str) -> CronSchedule:
    try:
        return CronSchedule(cron=cron, timezone=site.zone.key)
    except ValidationError:
        raise SettingsError(
            f"{site.folder / 'site.toml'}: schedules.{flow}: '{cron}' is not a schedule; write"
            " minute, hour, day, month and weekday as cron has them, e.g. 5 * * * *"
        ) from None
