"""The mode of a site in words, for commands, `doctor` and artifacts."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from db.decisions.mode import SiteMode
from tasks.text.catalog import catalog
from tasks.text.formats import day_text


def mode_text(mode: SiteMode, locale: str, zone: ZoneInfo) -> str:
    """Return one or two sentences about the mode of the site."""
    t = catalog(locale)

    def day(moment: datetime) -> str:
        return day_text(moment, locale, zone)

    if mode.live and mode.since is not None:
        text = t("mode.live", day=day(mode.since))
    elif mode.starts_at is not None:
        text = t("mode.planned", day=day(mode.starts_at))
    else:
        text = t("mode.trial")
    if mode.superiors_from is not None:
        text += " " + t("mode.superiors", day=day(mode.superiors_from))
    return text
