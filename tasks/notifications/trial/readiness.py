"""Readiness: what a site lacks before its mails go to the office holders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from db import imports
from tasks.common.context import SiteContext


def preview_folder(context: SiteContext) -> Path:
    """Return the folder in which `tenggat run --preview` writes its previews."""
    return context.site.var / "preview"


@dataclass(frozen=True, slots=True)
class Readiness:
    """What a site lacks before a start.

    `unread` are the sources of which nothing was imported. `vacancies` is the number of offices of
    units without a holder. `previewed` is whether a preview of the mails was written.
    """

    unread: tuple[str, ...]
    vacancies: int
    previewed: bool

    @property
    def complete(self) -> bool:
        """Check whether nothing is missing."""
        return self.previewed and not self.unread and not self.vacancies


def readiness(context: SiteContext, now: datetime, first_day: date | None = None) -> Readiness:
    """Return what the site lacks; the offices are those of `first_day` (default: today)."""
    with context.consistent_read() as session:
        imported = imports.last_of_each(session, now)
    day = first_day or context.local(now).date()
    return Readiness(
        unread=tuple(name for name in context.site.sources if name not in imported),
        vacancies=len(context.site.directory.vacancies(day)),
        previewed=any(preview_folder(context).glob("*/index.html")),
    )
