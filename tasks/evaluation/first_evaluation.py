"""First evaluations: many complaints that no run has evaluated yet, in batches of plain values.

Such a batch changes no stored deadline or notice. So any process can compute it, also one that only
reads, and the run stores what comes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from db import audit, complaints, notices
from db.complaints import EvaluatedRow, FirstEvaluations, StoredDeadline
from db.decisions import mode
from db.decisions.mode import SiteMode
from db.models import NoticeRow
from db.notices import NewNotice
from sla.metrics.encoding import relabelled
from tasks.common.context import RunContext, SiteContext
from tasks.evaluation.case_store import CaseStore
from tasks.evaluation.evaluation_run import EvaluationCount, EvaluationRun
from tasks.evaluation.notices import PendingNotice

PROVISIONAL = 1 << 30
"""The number of the first label that the database does not have yet; see :class:`_Labels`."""


@dataclass(frozen=True, slots=True)
class FirstBatch:
    """Complaints for a first evaluation, and what the run knows about itself.

    `labels` are the labels of metrics with their numbers.
    """

    complaints: Sequence[int]
    now: datetime
    run_id: str
    by: audit.AuditActor | None
    mode: SiteMode
    ruleset: str
    labels: Mapping[str, int]

    @classmethod
    def of(cls, evaluation: EvaluationRun, keys: Sequence[int]) -> FirstBatch:
        """Return a batch of a run."""
        run, labels = evaluation.run, evaluation.metrics.words
        ruleset = run.context.ruleset_fingerprint()
        return cls(keys, run.now, run.id, run.context.by, run.mode, ruleset, labels)


@dataclass(frozen=True, slots=True)
class FirstBatchResult:
    """What a run stores after a first evaluation, and the notices that it queues.

    `owed` are for some of the `notices`. `labels` are the new labels of the metrics, in the order
    of their numbers from `PROVISIONAL` on.
    """

    evaluations: FirstEvaluations
    notices: Sequence[NewNotice]
    owed: Sequence[PendingNotice]
    noted: Sequence[audit.Noted]
    labels: Sequence[str]
    count: EvaluationCount

    def store(self, evaluation: EvaluationRun) -> None:
        """Store what was evaluated, and give the run its notices and counts."""
        session, number = evaluation.run.session, evaluation.metrics.number
        stored = self.evaluations
        if self.labels:
            known = {PROVISIONAL + place: number(word) for place, word in enumerate(self.labels)}
            rows = (EvaluatedRow(*row) for row in stored.complaints)
            stored = replace(
                stored,
                complaints=[
                    row._replace(metrics=row.metrics and relabelled(row.metrics, known))
                    for row in rows
                ],
            )
        stored.store(session)
        notices.add(session, self.notices)
        audit.note_taken(session, self.noted)
        evaluation.owed += self.owed
        evaluation.count.add(self.count)


def evaluate_first(context: SiteContext, batch: FirstBatch) -> FirstBatchResult | None:
    """Evaluate complaints that have no deadlines and notices yet, without storing anything.

    Return None if some have, or if the files of the site have changed since the run began: then the
    run evaluates them as any others.
    """
    if context.ruleset_fingerprint() != batch.ruleset:
        return None
    with context.consistent_read() as session:
        session.info.update(audit.session_info(batch.by))
        run = RunContext(context, session, batch.now, batch.run_id, {mode.of_site: batch.mode})
        labels = _Labels(batch.labels)
        evaluation = EvaluationRun(run, _NewCases(), labels.number)
        rows = complaints.to_evaluate(session, batch.complaints)
        try:
            evaluation.evaluate(rows)
        except _EvaluatedBefore:
            return None
        return FirstBatchResult(
            FirstEvaluations.of(
                evaluation.lapses, evaluation.new_deadlines, map(EvaluatedRow.of, rows)
            ),
            evaluation.new_notices,
            evaluation.owed,
            audit.take_noted(session),
            list(labels.new),
            evaluation.count,
        )


class _Labels:
    """The numbers of labels for a process that stores none: a new label gets a provisional one."""

    def __init__(self, known: Mapping[str, int]) -> None:
        self._known = known
        self.new: dict[str, int] = {}

    def number(self, word: str | None) -> int:
        word = word or ""
        found = self._known.get(word)
        return self.new.setdefault(word, PROVISIONAL + len(self.new)) if found is None else found


class _EvaluatedBefore(Exception):
    """A complaint has deadlines or notices already."""


class _NewCases(CaseStore):
    """The case store of complaints without deadlines and notices."""

    def deadlines_of(
        self, run: RunContext, keys: Sequence[int]
    ) -> Mapping[int, Sequence[StoredDeadline]]:
        if found := super().deadlines_of(run, keys):
            raise _EvaluatedBefore
        return found

    def notices_of(self, run: RunContext, keys: Iterable[int]) -> Mapping[int, list[NoticeRow]]:
        if found := super().notices_of(run, keys):
            raise _EvaluatedBefore
        return found
