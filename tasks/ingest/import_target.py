"""The target of an import: the source, the time of the extract, and where to write."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from settings.mapping import SourceMapping
from tasks.common.context import SiteContext


@dataclass(frozen=True, slots=True)
class ImportTarget:
    """The target of an import.

    `name` is the source in the site's settings. `observed_at` is the time of the extract, `now`
    the time of recording.
    """

    session: Session
    ctx: SiteContext
    name: str
    observed_at: datetime
    now: datetime

    @property
    def mapping(self) -> SourceMapping:
        """Return the mapping of the source."""
        return self.ctx.site.sources[self.name]

    @property
    def is_snapshot(self) -> bool:
        """Check whether the source shows only the present state of its complaints."""
        return self.mapping.layout == "snapshot"

    @property
    def administrator_unit(self) -> str | None:
        """Return the unit that is in charge of complaints with an unknown unit."""
        return self.ctx.site.administrator_unit
