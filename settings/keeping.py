"""`[keep]` of `site.toml`: how long what piles up is kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.errors import Strict

Count = Annotated[int, Field(ge=1)]


class KeepSettings(Strict):
    """How long what piles up is kept; reports and the audit are kept for good.

    `prefect_days` is the age at which Prefect's runs go, with their logs, events and artifacts.
    Backups lie in `backups`, a folder in that of the working files unless it is absolute; the
    newest of each day, week and month is kept for so many of them. `texts_days` after its end a
    complaint loses its title, text, attachments and reporter; without it they stay.
    """

    prefect_days: Annotated[int, Field(ge=2)] = 30
    """The age in days at which Prefect's runs go, with logs, events and artifacts."""
    backups: str = "backups"
    """The folder of the backups: in that of the working files, unless it is absolute."""
    daily: Count = 14
    """Of so many days on which one was made the newest backup is kept."""
    weekly: Count = 8
    """Of so many weeks."""
    monthly: Count = 12
    """Of so many months."""
    texts_days: Annotated[int, Field(ge=1)] | None = None
    """So many days after its end a complaint loses title, text, attachments and reporter; without
    it they stay."""
