"""`[watch]` in `site.toml`: the limits for a silent flow, waiting mail and a full disk."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from settings.errors import Strict

Minutes = Annotated[int, Field(ge=1)]


class Silence(Strict):
    """The longest time in minutes without a finished run, for each flow; then it is reported.

    Each must be longer than the longest gap in the schedule of the flow.
    """

    intake: Minutes = 120
    """The import of complaints."""
    deadlines: Minutes = 180
    """The evaluation of deadlines."""
    delivery: Minutes = 30
    """The sending of mail."""
    watchdog: Minutes = 60
    """The watchdog."""
    maintenance: Minutes = 1600
    """Backup and deletion of expired data, once a night."""


class WatchSettings(Strict):
    """The incidents reported to the administrator, and the repeat interval.

    An incident that continues is reported again after `again_after_days`. `waiting_mail_minutes` is
    the time a mail may wait after its send time. `dead_mail_hours` is the time a mail given up may
    remain without a decision. `ping_url` is an external monitor, requested after each good cycle.
    `ui_url` is the address of the Prefect UI in the administrator's browser.
    """

    silent_minutes: Silence = Silence()
    """The number of minutes without a finished run after which a flow is reported."""
    waiting_mail_minutes: Minutes = 180
    """Report a mail that is still waiting N minutes after its send time; outside the mail hours the
    time of a notice stands still."""
    dead_mail_hours: Annotated[int, Field(ge=1)] = 24
    """Report a mail that was given up N hours ago and still needs a decision."""
    disk_free_mb: Annotated[int, Field(ge=0)] = 1000
    """Report less free space than this, in megabytes, on the disk of the working files or the
    database."""
    again_after_days: Annotated[int, Field(ge=1)] = 7
    """Report an incident again after N days if it continues."""
    ping_url: str = ""
    """An external monitor, such as healthchecks, requested after each good cycle; TENGGAT_PING_URL
    has priority."""
    ui_url: str = "http://127.0.0.1:4200"
    """The address of the Prefect UI in the administrator's browser, for links in mails;
    TENGGAT_UI_URL has priority."""

    @field_validator("ping_url", "ui_url")
    @classmethod
    def _a_web_address(cls, value: str) -> str:
        return web_address(value)


def web_address(value: str) -> str:
    """Return the address without a slash at its end.

    Raises ValueError, without the address in its message, unless it is http or https.
    """
    value = value.strip()
    if value and not value.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return value.rstrip("/")
