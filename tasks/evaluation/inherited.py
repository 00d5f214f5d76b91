"""Inherited deadlines: those missed before the first import of their source."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from db import imports
from db.complaints import root_source
from sla.engine.context import EvaluationContext


class FirstImports:
    """The first import of each source.

    Mails, runs and reports decide by local days. A report stores no time of day, and each of them
    must name the same deadlines.
    """

    def __init__(self, session: Session, context: EvaluationContext) -> None:
        self._moments = imports.first_of_each(session)
        self._day = context.day

    def inherited(self, source: str, recorded_at: datetime, due_day: int) -> bool:
        """Check whether a complaint was in the first import, on a day after its due day.

        `source` and `recorded_at` are those of the complaint. `due_day` is an ordinal.
        """
        first = self._moments.get(root_source(source))
        return first is not None and recorded_at <= first and due_day < self._day(first)
