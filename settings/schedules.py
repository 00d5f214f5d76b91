"""`[schedules]` in `site.toml`: when the flows run."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field, field_validator

from settings.errors import Strict
from sla.periods import parse

Crons = str | Annotated[tuple[str, ...], Field(min_length=1)]
"""A time in cron's five fields, or several: '5 * * * *' is five past each hour."""


class Schedules(Strict):
    """When the flows run, as cron in the site's zone; the summary for each period it covers.

    Deadlines are judged hourly, and on working days before the offices open.
    """

    intake: Crons = "*/15 * * * *"
    """When complaints are taken in."""
    deadlines: Crons = ("5 * * * *", "30 7 * * 1-5")
    """When deadlines are judged."""
    deadlines_at_once: int = Field(default=1, ge=1, le=32)
    """So many runs share the units at each of these times, for workers on several machines."""
    delivery: Crons = "*/5 * * * *"
    """When mail is sent."""
    watchdog: Crons = "*/15 * * * *"
    """When the flow watchdog looks."""
    maintenance: Crons = "30 2 * * *"
    """When the database is backed up and what is too old goes."""
    summary: dict[str, str] = Field(
        default_factory=lambda: {
            "last-week": "0 7 * * 1",
            "last-month": "10 7 1 * *",
            "last-quarter": "20 7 1 1,4,7,10 *",
            "last-half-year": "30 7 1 1,7 *",
            "last-year": "40 7 1 1 *",
        }
    )
    """When the summary of each period is made; a table that is given replaces all of it."""

    @field_validator("summary")
    @classmethod
    def _known_periods(cls, value: dict[str, str]) -> dict[str, str]:
        for period in value:
            parse(period, date.today())  # noqa: DTZ011 - whether it is a period hangs on no day
        return value

    def of(self, flow: str) -> tuple[str, ...]:
        """When a flow runs that has no parameters of its own."""
        crons: Crons = getattr(self, flow)
        return (crons,) if isinstance(crons, str) else crons
