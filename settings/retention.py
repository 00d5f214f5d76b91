"""`[keep]` of `site.toml`: retention periods of runs, backups and texts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.errors import Strict

Count = Annotated[int, Field(ge=1)]


class KeepSettings(Strict):
    """Retention periods. Reports and the audit are kept for ever.

    `prefect_days` is the age at which runs of Prefect are deleted, with their logs, events and
    artifacts. `backups` is the folder of the backups, inside the folder of working files unless the
    path is absolute. The newest backup of each day, week and month is kept, for the last `daily`
    days, `weekly` weeks and `monthly` months with a backup. `texts_days` after the end of a
    complaint its title, text, attachments and reporter are deleted; if it is not set they are kept.
    """

    prefect_days: Annotated[int, Field(ge=2)] = 30
    """The age in days at which runs of Prefect are deleted, with logs, events and artifacts."""
    backups: str = "backups"
    """The folder of the backups: inside the folder of working files, unless the path is
    absolute."""
    daily: Count = 14
    """Keep the newest backup of each of the last N days that have one."""
    weekly: Count = 8
    """Keep the newest backup of each of the last N weeks that have one."""
    monthly: Count = 12
    """Keep the newest backup of each of the last N months that have one."""
    texts_days: Annotated[int, Field(ge=1)] | None = None
    """Delete the title, text, attachments and reporter of a complaint N days after its end. If it
    is not set, they are kept."""
