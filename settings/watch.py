"""`[watch]` in `site.toml`: when a silence, a heap of mail or a full disk is told."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from settings.errors import Strict

Minutes = Annotated[int, Field(ge=1)]


class Silence(Strict):
    """For how many minutes each flow may have no finished run before that is told.

    Each must be longer than the longest gap that the flow's schedule has.
    """

    intake: Minutes = 120
    """Taking in complaints."""
    deadlines: Minutes = 180
    """Judging deadlines."""
    delivery: Minutes = 30
    """Sending mail."""
    watchdog: Minutes = 60
    """The watch over the runs."""
    maintenance: Minutes = 1600
    """Backup and tidying, once a night."""


class WatchSettings(Strict):
    """What the administrator is told of, and how often.

    A cause that lasts is told again after `again_after_days`. `waiting_mail_minutes` is how long
    a mail may wait after its turn has come, `dead_mail_hours` how long one that was given up may
    stay as it is. `ping_url` is an external monitor that is asked for after each good cycle;
    `ui_url` is where the administrator's browser finds the Prefect UI.
    """

    silent_minutes: Silence = Silence()
    """For how long a flow may have no finished run."""
    waiting_mail_minutes: Minutes = 180
    """So long a mail may wait after its turn has come."""
    dead_mail_hours: Annotated[int, Field(ge=1)] = 24
    """So long a mail that was given up may stay as it is."""
    disk_free_mb: Annotated[int, Field(ge=0)] = 1000
    """Less room than this on the disk of the working files or the database is told."""
    again_after_days: Annotated[int, Field(ge=1)] = 7
    """A cause that lasts is told again after so many days."""
    ping_url: str = ""
    """A monitor in the manner of healthchecks that hears after each good cycle; TENGGAT_PING_URL
    wins."""
    ui_url: str = "http://127.0.0.1:4200"
    """Where the administrator's browser finds the Prefect UI, for links in mails; TENGGAT_UI_URL
    wins."""

    @field_validator("ping_url", "ui_url")
    @classmethod
    def _a_web_address(cls, value: str) -> str:
        return web_address(value)


def web_address(value: str) -> str:
    """The address without a slash at its end; raises ValueError, which does not repeat it."""
    value = value.strip()
    if value and not value.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return value.rstrip("/")
