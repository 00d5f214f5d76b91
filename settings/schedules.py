"""`[schedules]` in `site.toml`: the times of the flows."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field, field_validator

from settings.errors import Strict
from sla.periods import parse

Crons = str | Annotated[tuple[str, ...], Field(min_length=1)]
"""One time or several in the five fields of cron: '5 * * * *' is five minutes past each hour."""


class Schedules(Strict):
    """The times of the flows, as cron in the site's zone; for the summary, one time per period.

    Deadlines are evaluated every hour, and on working days before the offices open. Summaries are
    made after the first imports of a morning, which have the last day of the period.
    """

    intake: Crons = "*/15 * * * *"
    """When complaints are imported."""
    deadlines: Crons = ("5 * * * *", "30 7 * * 1-5")
    """When deadlines are evaluated."""
    deadlines_at_once: int = Field(default=1, ge=1, le=32)
    """The number of runs that share the units at each of these times, for workers on several
    machines."""
    delivery: Crons = "*/5 * * * *"
    """When mails are sent."""
    watchdog: Crons = "*/15 * * * *"
    """When the watchdog checks the flows."""
    maintenance: Crons = "30 2 * * *"
    """When the database is backed up and expired data is deleted."""
    summary: dict[str, str] = Field(
        default_factory=lambda: {
            "last-week": "10 8 * * 1",
            "last-month": "20 8 1 * *",
            "last-quarter": "30 8 1 1,4,7,10 *",
            "last-half-year": "40 8 1 1,7 *",
            "last-year": "50 8 1 1 *",
        }
    )
    """When the summary of each period is made. A table given here replaces the default
    completely."""

    @field_validator("summary")
    @classmethod
    def _known_periods(cls, value: dict[str, str]) -> dict[str, str]:
        for period in value:
            parse(period, date.today())  # noqa: DTZ011 - the check does not depend on the day
        return value

    def of(self, flow: str) -> tuple[str, ...]:
        """Return the times of a flow without parameters."""
        crons: Crons = getattr(self, flow)
        return (crons,) if isinstance(crons, str) else crons
