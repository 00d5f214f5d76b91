"""Inherited deadlines: those missed before the first import of their source, or in a trial."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from db.complaints import root_source
from sla.engine.context import EvaluationContext


class FirstImports:
    """The first import of each source (`moments`), and with `live_since` the end of the trial.

    Mails, runs and reports decide by local days. A report stores no time of day, and each of them
    must name the same deadlines.
    """

    def __init__(
        self,
        moments: Mapping[str, datetime],
        context: EvaluationContext,
        live_since: datetime | None = None,
    ) -> None:
        self._moments = moments
        self._day = context.day
        self._live_since = live_since

    def inherited(
        self, source: str, recorded_at: datetime, due_day: int, made_late: datetime | None = None
    ) -> bool:
        """Check whether a complaint was in the first import, on a day after its due day.

        If the end of the trial counts, a complaint known by then with an earlier due day is
        inherited as well. `source` and `recorded_at` are those of the complaint. `due_day` is an
        ordinal. A deadline that a change of the ruleset `made_late` afterwards is not inherited,
        although its due day is earlier now.
        """
        begins = (self._moments.get(root_source(source)), self._live_since)
        return any(
            begin is not None
            and recorded_at <= begin
            and due_day < self._day(begin)
            and (made_late is None or made_late <= begin)
            for begin in begins
        )
