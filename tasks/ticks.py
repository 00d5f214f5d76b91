"""Ticks: the moments at which a schedule of the site starts its flow."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from prefect.server.schemas.schedules import CronSchedule
from pydantic import ValidationError

from settings import SettingsError, Site


class Ticks:
    """One schedule of site.toml, counted by the very code that plans the service's runs."""

    def __init__(self, site: Site, flow: str, runner: asyncio.Runner) -> None:
        """Raises :class:`SettingsError` where the schedule of this flow is none."""
        self._runner = runner
        self._schedules = [_schedule(site, flow, cron) for cron in site.file.schedules.of(flow)]

    def at_or_after(self, moment: datetime) -> datetime:
        """The first tick that is not before a moment, in UTC."""
        start = moment.astimezone(UTC)
        found = [
            self._runner.run(schedule.get_dates(n=1, start=start))[0]
            for schedule in self._schedules
        ]
        return datetime.fromtimestamp(min(date.timestamp() for date in found), UTC)


def _schedule(site: Site, flow: str, cron: str) -> CronSchedule:
    try:
        return CronSchedule(cron=cron, timezone=site.zone.key)
    except ValidationError:
        raise SettingsError(
            f"{site.folder / 'site.toml'}: schedules.{flow}: '{cron}' is no schedule; write"
            " minute, hour, day, month and weekday as cron has them, e.g. 5 * * * *"
        ) from None
