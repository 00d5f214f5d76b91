"""Metrics cache: the metrics of each complaint for reports, stored at its evaluation."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from db import metrics
from db.models import FAR_OFF, Complaint
from sla.engine.evaluate import Evaluation
from sla.events import Kind, holder
from sla.metrics.case import Case
from sla.metrics.encoding import NumberOf, encode_case
from tasks.common.context import SiteContext
from tasks.evaluation.loader import LoadedComplaint


class MetricsCache:
    """Stores the metrics of complaints at their evaluation, with the labels used by them.

    `number` gives the number of a label (default: that of the database, which gets new labels).
    """

    def __init__(
        self, session: Session, context: SiteContext, number: NumberOf | None = None
    ) -> None:
        self._session, self._context = session, context
        self._number = number or self.number
        self._words: dict[str, int] = {}

    def store(self, known: LoadedComplaint, evaluation: Evaluation, now: datetime) -> None:
        """Store the metrics of a complaint as evaluated at `now`.

        The metrics are valid from the evaluation that first found them. A new start is stored if
        the complaint has changed since then, or if a new ruleset was adopted.
        """
        complaint = known.complaint
        if not self._context.keeps_metrics:
            complaint.evaluated_at = now
            return
        found = encode_case(
            case_of(self._context, known, evaluation),
            self._context.site.evaluation_context,
            self._number,
        )
        packed = found.packed()
        learnt = complaint.changed_at or complaint.recorded_at
        same = (
            complaint.metrics == packed
            and complaint.evaluated_at is not None
            and learnt <= complaint.evaluated_at
        )
        if not same:
            complaint.metrics, complaint.metrics_last_day = packed, found.last_day
            complaint.metrics_since = now
        complaint.evaluated_at = now

    def forget(self, complaint: Complaint) -> None:
        """Mark the cached metrics of a complaint as invalid, because it could not be evaluated."""
        complaint.metrics_since = FAR_OFF

    @property
    def words(self) -> dict[str, int]:
        """The number of each label that is known so far."""
        if not self._words:
            self._words = {"": 0} | metrics.labels(self._session)
        return self._words

    def number(self, word: str | None) -> int:
        """Return the number of a label; a new one is stored."""
        word = word or ""
        found = self._words.get(word)
        if found is None and (found := self.words.get(word)) is None:
            found = self._words[word] = metrics.add_label(self._session, word)
        return found


def case_of(context: SiteContext, known: LoadedComplaint, evaluation: Evaluation) -> Case:
    """Return an evaluated complaint in the form for metrics."""
    row, facts, events = known.complaint, known.history.facts, evaluation.known
    received = next((e.latest for e in events if e.kind == Kind.RECEIVED), row.received_at)
    return Case(
        ticket=row.ticket,
        source=row.source,
        classification=facts.classification,
        category=facts.category,
        channel=facts.channel,
        unit=holder(events) or context.site.administrator_unit,
        received=received,
        events=tuple(events),
        deadlines=tuple(evaluation.deadlines),
        doubts=tuple(evaluation.doubts),
        sees=facts.sees,
        place=known.place,
        rating=known.rating,
    )
