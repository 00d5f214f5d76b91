"""Evaluate: compute the deadlines of complaints with a due action, and decide on their notices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from db import complaints, rulesets
from db.bulk import chunked
from db.decisions import mode
from db.models import Ruleset
from sla.shards import EVERYTHING, Shard
from tasks.common.context import RunContext, SiteContext
from tasks.common.garbage import no_search_for_cycles, search_new_objects
from tasks.common.helpers import Helpers
from tasks.common.retry import retrying_task
from tasks.evaluation.case_store import DATABASE, CaseStore
from tasks.evaluation.evaluation_run import EvaluationCount, EvaluationRun
from tasks.evaluation.first_evaluation import FirstBatch, evaluate_first
from tasks.notifications.enqueue import enqueue_alert, enqueue_corrections, enqueue_notices

BATCH = 1000

SHARED = 10_000
"""The least number of complaints for which helpers are started: a helper needs a second to start,
and the run alone evaluates some thousands in it."""

PROGRESS = 20_000
"""Number of evaluated complaints between two reports of the progress of a long run."""

Progress = Callable[[int, int], None]
"""It gets the number of evaluated complaints, and the number of those evaluated or still due."""


def evaluate_and_notify(
    context: SiteContext,
    now: datetime,
    run_id: str,
    part: Shard = EVERYTHING,
    *,
    cases: CaseStore = DATABASE,
    progress: Progress | None = None,
    helpers: int = 0,
) -> EvaluationCount:
    """Evaluate all complaints with an action due at `now` and queue their mail, in one transaction.

    If several runs work at once, each handles one part (shard) of the units. A person still gets
    one mail from all of them: a run that queues mail waits for the other runs that do.

    If the ruleset (law, calendar, ladders and so on) has changed since the last run, every
    complaint is evaluated again and the changed deadlines are listed. Notices already sent are not
    changed. A run over a backlog reports its `progress`, and shares it with so many `helpers`.
    """
    with no_search_for_cycles(), context.run(now, run_id) as run:
        starts_at = run.mode.starts_at
        if starts_at is not None and starts_at <= now and mode.activate(run.session, now):
            run.known.pop(mode.of_site)
        evaluation = EvaluationRun(run, cases)
        ruleset = cases.activate_ruleset(run)
        done = _Done(run, part, progress)
        if helpers:
            _evaluate_backlog(evaluation, part, done, helpers)
        _evaluate_due(evaluation, part, done, ruleset)
        _enqueue(evaluation)
    return evaluation.count


class _Done:
    """The number of complaints evaluated by a run, with reports of its progress."""

    def __init__(self, run: RunContext, part: Shard, progress: Progress | None) -> None:
        self._run, self._part, self._progress = run, part, progress
        self._done = self._total = 0

    def add(self, number: int) -> None:
        """Add complaints that are evaluated and stored."""
        before, self._done = self._done, self._done + number
        if self._progress is None or before // PROGRESS == self._done // PROGRESS:
            return
        run, units = self._run, _units(self._run)
        due = 0 if self._total else complaints.count_due(run.session, run.now, self._part, units)
        self._total = self._total or self._done + due
        self._progress(self._done, max(self._done, self._total))


def _units(run: RunContext) -> list[str]:
    return sorted(run.site.directory.units)


def _evaluate_backlog(evaluation: EvaluationRun, part: Shard, done: _Done, helpers: int) -> None:
    """Evaluate complaints for the first time together with helpers, if they are many.

    The results are stored in the order in which the run alone would store them. Complaints that
    have deadlines already are left to the run.
    """
    run = evaluation.run
    new = complaints.ids_never_evaluated(run.session, run.now, part, _units(run))
    if len(new) < SHARED:
        return
    batches = (FirstBatch.of(evaluation, keys) for keys in chunked(new, BATCH))
    with Helpers(run.context, helpers) as processes:
        for batch, result in processes.results(evaluate_first, batches):
            if result is None:
                return
            result.store(evaluation)
            done.add(len(batch.complaints))
            search_new_objects()


def _evaluate_due(
    evaluation: EvaluationRun, part: Shard, done: _Done, ruleset: Ruleset | None
) -> None:
    """Evaluate all complaints that are due, in batches; list the changes by a new ruleset."""
    run, units = evaluation.run, _units(evaluation.run)
    while batch := evaluation.cases.due(run, BATCH, part, units):
        moves = evaluation.batch(batch)
        run.session.flush()
        if ruleset is not None:
            rulesets.add_deadline_changes(run.session, ruleset, moves)
        if len(batch) < BATCH:
            break
        search_new_objects()
        done.add(len(batch))


def _enqueue(evaluation: EvaluationRun) -> None:
    """Queue the mails of a run, and the alerts about what it found."""
    run, count = evaluation.run, evaluation.count
    queued = enqueue_notices(run, evaluation.owed)
    enqueue_corrections(run, evaluation.corrections)
    count.messages, count.vacancies, count.storm = queued.mails, queued.vacancies, queued.storm
    for ticket in count.not_evaluated:
        enqueue_alert(run, "evaluation_failed", {"ticket": ticket})
    for source, late in sorted(count.inherited.items()):
        facts = {"source": source, "late": late}
        kind = "inventory" if evaluation.mode.live else "inventory_in_trial"
        enqueue_alert(run, kind, facts, same=("source",))


evaluate_and_notify_task = retrying_task("evaluate and queue")(evaluate_and_notify)
