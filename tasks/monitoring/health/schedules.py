"""Check the schedules: a planned gap must not be longer than the silence the site allows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cronsim import CronSim, CronSimError

from settings.site import Site
from tasks.monitoring.health.finding import Finding

EVERY_DAY = ["*", "*", "*"]
"""Day, month and weekday of a schedule identical on all days."""

SPARE = 60
"""Minutes allowed for the length and the delay of a run."""


def gaps(site: Site, now: datetime) -> Iterator[Finding]:
    """Report flows with a planned gap longer than the silence allowed in [watch].

    Otherwise the administrator would be notified again and again of a stopped flow, while it only
    waits for its next hour.
    """
    for flow, minutes in site.file.watch.silent_minutes:
        crons = site.file.schedules.of(flow)
        try:
            pairs = list(_pairs(crons, now.astimezone(site.zone)))
        except CronSimError:
            yield Finding(
                "trouble",
                f"schedules.{flow}: {' and '.join(crons)} cannot be read",
                "write minute, hour, day, month and weekday as cron has them, e.g. 5 * * * *",
            )
            continue
        last, then = max(pairs, key=lambda pair: _between(*pair), default=(now, now))
        longest = int(_between(last, then) / timedelta(minutes=1))
        if longest > minutes:
            yield Finding(
                "note",
                f"by its schedule {flow} does not run from {last:%Y-%m-%d %H:%M} to"
                f" {then:%Y-%m-%d %H:%M}, and after {minutes} minutes [watch] calls it silent",
                f"give silent_minutes.{flow} in site.toml {longest + SPARE}, or let it run more"
                " often",
            )


def _between(last: datetime, then: datetime) -> timedelta:
    """Return the time passed between two times, computed in UTC because clocks may change."""
    return then.astimezone(UTC) - last.astimezone(UTC)


def _pairs(crons: tuple[str, ...], now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield each two consecutive runs, over a period after which the schedule repeats.

    A schedule by the day of the month needs two of its gaps, each of up to a month.
    """
    days = 2 if all(cron.split()[2:] == EVERY_DAY for cron in crons) else 70
    turns = [CronSim(cron, now) for cron in crons]
    coming = [next(turn, None) for turn in turns]
    last: datetime | None = None
    while left := [moment for moment in coming if moment is not None]:
        moment = min(left)
        if last is not None:
            yield last, moment
        if moment - now > timedelta(days=days):
            return
        last = moment
        coming = [
            next(turn, None) if at == moment else at for turn, at in zip(turns, coming, strict=True)
        ]
