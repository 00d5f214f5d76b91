"""First values: the steps of columns that have the time of the last change, or no time at all.

A note of Open311 has the time of its last update, so its first one may be older. A server may also
leave this time empty, or at the time of the request. So the time of such a step is an interval: the
step happened after the last import without it, and not later than its stated time or this import.
So is the time of an assignment of which a register has only the unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sla.engine.context import EvaluationContext
from sla.events import Event, Knowledge
from tasks.ingest.records import FIRST_VALUE, ComplaintRecord, Step


@dataclass(frozen=True, slots=True)
class FirstValues:
    """The intervals of the steps that an import shows for the first time.

    `observed_at` is the time of the import, `previous_import` the one of the import before it.
    """

    observed_at: datetime
    previous_import: datetime | None
    context: EvaluationContext

    def between_imports(
        self,
        record: ComplaintRecord,
        events: Sequence[Event],
        last: Mapping[str, Event],
        seen_at: datetime | None,
    ) -> list[Event]:
        """Return the events of a row; those of columns with a first value with their interval.

        `last` are the last events of the complaint by source field. `seen_at` is the time of the
        last import that showed the complaint, None if there was none.
        """
        steps = {f"{step.column}/{step.kind}": step for step in _uncertain(record)}
        return [
            self._with_interval(event, step, record.received, last, seen_at)
            if (step := steps.get(event.source_field)) is not None
            else event
            for event in events
        ]

    def _with_interval(
        self,
        event: Event,
        step: Step,
        received: datetime,
        last: Mapping[str, Event],
        seen_at: datetime | None,
    ) -> Event:
        """Return the event of a step with its interval.

        A stated time before the last import without the step decides nothing: either the source
        does not change this time with the step, or it has shown the step late. Then the step lies
        between that time and this import.
        """
        is_fresh = self.previous_import is not None and received > self.previous_import
        if step.is_undated:
            return self._undated(event, step, received, last.get(step.place), seen_at)
        doubt = last.get(step.place)
        known = seen_at if seen_at is not None and seen_at < self.observed_at else None
        if doubt is not None and doubt.is_doubt:
            known = doubt.first_possible
        since = received if known is None else max(known, received)
        latest, stated = self.observed_at, self._stated_until(step)
        if step.is_timed and stated > since:
            latest = min(latest, stated)
        elif step.is_timed:
            since = step.moment
        is_known = since > received or is_fresh
        return replace(
            event,
            latest=latest,
            earliest=min(since, latest),
            knowledge=Knowledge.OBSERVED if is_known else Knowledge.UNKNOWN,
        )

    def _undated(
        self,
        event: Event,
        step: Step,
        received: datetime,
        before: Event | None,
        seen_at: datetime | None,
    ) -> Event:
        """Return an event without a date, with its interval: since the last import without it.

        If an import has shown it already, its interval stays, and ends with a step that is new
        now. With another unit the name was wrong, so the event is as old as it can be. An event
        recorded with a time had happened when it was recorded.
        """
        latest = self.observed_at if step.until is None else min(self.observed_at, step.until)
        begin = since = max(step.moment, received)
        is_fresh = self.previous_import is not None and received > self.previous_import
        if before is not None and not before.retracted and before.earliest is not None:
            is_fresh = before.knowledge is Knowledge.OBSERVED
            if before.unit == event.unit:
                since, latest = max(since, before.earliest), min(latest, before.latest)
        elif before is not None and not before.retracted:
            if before.unit == event.unit:
                latest = max(since, min(latest, before.recorded_at))
        elif before is None and seen_at is not None and since < seen_at < latest:
            since, is_fresh = seen_at, True
        if latest < since:
            since, latest = begin, max(begin, latest)
        return replace(
            event,
            latest=latest,
            earliest=since,
            knowledge=Knowledge.OBSERVED if is_fresh else Knowledge.UNKNOWN,
        )

    def _stated_until(self, step: Step) -> datetime:
        """Return the stated time of a step; the end of the day if it states only the day."""
        if not step.only_day:
            return step.moment
        return self.context.end_of(self.context.day(step.moment))


def _uncertain(record: ComplaintRecord) -> Iterable[Step]:
    """Yield the steps with a time that may be later than the step.

    The answer to a question about a date is the date of the step.
    """
    answered = {cell.source_field for cell in record.unmapped if cell.answer}
    return (
        step
        for step in record.steps
        if step.is_undated
        or (
            FIRST_VALUE in step.column
            and step.moment >= record.received
            and step.place not in answered
        )
    )
