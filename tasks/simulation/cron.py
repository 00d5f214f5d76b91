"""Ticks: the start times of a flow by its schedule in the site."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from prefect.server.schemas.schedules import CronSchedule
from pydantic import ValidationError

from settings.errors import SettingsError
from settings.site import Site

FEWEST, MOST = 4, 128
"""Number of ticks computed together: few after a jump, more and more while each is needed."""

INSTANT = timedelta(microseconds=1)


class CronTimes:
    """One schedule of site.toml, computed by the code for the service's own runs."""

    def __init__(self, site: Site, flow: str, runner: asyncio.Runner) -> None:
        """Read the schedule of a flow; raises :class:`SettingsError` if it is invalid."""
        self._runner = runner
        self._schedules = [
            _Ticks(_schedule(site, flow, cron), site.zone, runner)
            for cron in site.file.schedules.of(flow)
        ]

    def at_or_after(self, moment: datetime) -> datetime:
        """Return the first tick at or after a moment, in UTC."""
        start = moment.astimezone(UTC)
        return min(schedule.at_or_after(start) for schedule in self._schedules)


class _Ticks:
    """The ticks of one schedule.

    Most schedules repeat every day or every week while the clocks of the zone are not changed: then
    one period is computed and repeated. Others are computed for some days at a time.
    """

    def __init__(self, schedule: CronSchedule, zone: ZoneInfo, runner: asyncio.Runner) -> None:
        self._schedule, self._zone, self._runner = schedule, zone, runner
        self._period = _period(schedule.cron)
        self._periods: dict[timedelta | None, list[datetime]] = {}
        self._known: list[datetime] = []
        self._from = datetime.max.replace(tzinfo=UTC)
        self._number = FEWEST

    def at_or_after(self, start: datetime) -> datetime:
        """Return the first tick at or after a moment."""
        if self._period is not None and (tick := self._repeated(start, self._period)) is not None:
            return tick
        if start < self._from or not self._known or start > self._known[-1]:
            self._compute(start)
        return self._known[bisect_left(self._known, start)]

    def _repeated(self, start: datetime, period: timedelta) -> datetime | None:
        """Return the tick by the computed period, or None if the clocks are changed before it, or
        were on the day before: the schedule skips an hour that comes twice.
        """
        offset = self._offset(start)
        if self._offset(start - timedelta(days=1)) != offset:
            return None
        if offset not in self._periods:
            if self._offset(start + 2 * period) != offset:
                return None
            self._periods[offset] = self._one_period(start, period)
        ticks = self._periods[offset]
        turns = (start - ticks[0]) // period
        place = bisect_left(ticks, start - turns * period)
        tick = ticks[place] + turns * period
        return tick if self._offset(tick) == offset else None

    def _offset(self, moment: datetime) -> timedelta | None:
        return moment.astimezone(self._zone).utcoffset()

    def _one_period(self, start: datetime, period: timedelta) -> list[datetime]:
        """Return the ticks of one period, and the first one of the next."""
        found = self._computed(start, FEWEST)
        end = found[0] + period
        while found[-1] < end:
            found += self._computed(found[-1] + INSTANT, MOST)
        return [*(tick for tick in found if tick < end), end]

    def _compute(self, start: datetime) -> None:
        near = bool(self._known) and self._from <= start <= self._known[-1] + (
            self._known[-1] - self._from
        )
        self._number = min(2 * self._number, MOST) if near else FEWEST
        self._known, self._from = self._computed(start, self._number), start

    def _computed(self, start: datetime, number: int) -> list[datetime]:
        """Compute the next ticks.

        In the hour before clocks go forward, Prefect's first answers are ticks that have passed.
        """
        dates = self._runner.run(self._schedule.get_dates(n=number, start=start))
        ticks = (datetime.fromtimestamp(date.timestamp(), UTC) for date in dates)
        return sorted(tick for tick in ticks if tick >= start) or self._computed(start, 2 * number)


def _period(cron: str) -> timedelta | None:
    """Return the period after which a schedule repeats, or None if it depends on the date."""
    match cron.split():
        case [_, _, "*", "*", "*"]:
            return timedelta(days=1)
        case [_, _, "*", "*", _]:
            return timedelta(days=7)
    return None


def _schedule(site: Site, flow: str, cron: str) -> CronSchedule:
    try:
        return CronSchedule(cron=cron, timezone=site.zone.key)
    except ValidationError:
        raise SettingsError(
            f"{site.folder / 'site.toml'}: schedules.{flow}: '{cron}' is not a schedule; write"
            " minute, hour, day, month and weekday as cron has them, e.g. 5 * * * *"
        ) from None
