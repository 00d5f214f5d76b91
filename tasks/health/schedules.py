"""What the schedules say: whether the site allows a silence that they make by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cronsim import CronSim, CronSimError

from settings import Site
from tasks.health.finding import Finding

EVERY_DAY = ["*", "*", "*"]
"""Day, month and weekday of a schedule that is the same on all days."""

SPARE = 60
"""Minutes that a run may take, or be late."""


def gaps(site: Site, now: datetime) -> Iterator[Finding]:
    """Flows whose schedule leaves a longer gap than [watch] calls a silence.

    Of such a flow the administrator would be told that it stands still, again and again, while it
    only waits for its hour.
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
    """In UTC: two times of one zone differ by what clocks show, not by what has passed."""
    return then.astimezone(UTC) - last.astimezone(UTC)


def _pairs(crons: tuple[str, ...], now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Each two runs that follow on each other, for as long as the schedule needs to repeat.

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
