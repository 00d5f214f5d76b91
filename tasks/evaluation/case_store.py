"""The case store: where a run finds complaints with their deadlines and notices, and writes them.

A run of the service uses the database. A replay keeps them in memory instead
(`tasks.simulation.replay_cases`): nobody else writes to its database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain

from db import complaints, notices, rulesets
from db.complaints import EvaluatedDeadline, StoredDeadline
from db.models import Complaint, DeadlineRow, NoticeRow, Ruleset
from db.notices import Acceptance
from sla.engine.deadline import Deadline
from sla.engine.evaluate import Evaluation
from sla.escalation import Reached
from sla.events import Event
from sla.shards import Shard
from tasks.common.context import RunContext
from tasks.evaluation.loader import LoadedComplaint, load_and_evaluate
from tasks.evaluation.notices import NoticeHistory, rungs_reached


class CaseStore:
    """The case store of a run of the service: the database. It decides nothing."""

    def activate_ruleset(self, run: RunContext) -> Ruleset | None:
        """Record the ruleset of this run; see :func:`db.rulesets.activate`."""
        return rulesets.activate(run.session, run.context.ruleset_fingerprint(), run.now)

    def due(
        self, run: RunContext, limit: int, part: Shard, units: Sequence[str]
    ) -> Sequence[Complaint]:
        """Return at most `limit` complaints that are due for an evaluation, oldest first."""
        return complaints.due_for_evaluation(run.session, run.now, limit, part, units)

    def complaints(self, run: RunContext, keys: Iterable[int]) -> Sequence[Complaint]:
        """Return these complaints."""
        return list(chain.from_iterable(complaints.without_texts(run.session, keys)))

    def evaluated(
        self, run: RunContext, rows: Sequence[Complaint]
    ) -> Iterable[tuple[LoadedComplaint, Evaluation]]:
        """Evaluate these complaints at the time of the run."""
        return load_and_evaluate(run.session, run.context, rows, run.now)

    def deadlines_of(
        self, run: RunContext, keys: Sequence[int]
    ) -> Mapping[int, Sequence[StoredDeadline]]:
        """Return the stored deadlines of these complaints, by complaint id."""
        return complaints.deadlines_of(run.session, keys)

    def notices_of(self, run: RunContext, keys: Iterable[int]) -> Mapping[int, list[NoticeRow]]:
        """Return the notices about these complaints, by complaint id."""
        return notices.of_complaints(run.session, keys)

    def accepted(
        self, run: RunContext, rows: Mapping[int, Sequence[NoticeRow]]
    ) -> Mapping[int, Sequence[Acceptance]]:
        """Return the accepted mails about these notices, by the key of the notice."""
        every = [row.id for each in rows.values() for row in each]
        return notices.acceptances(run.session, every, run.now)

    def rungs_reached(
        self, run: RunContext, complaint: int, deadline: Deadline, history: NoticeHistory
    ) -> tuple[Sequence[Reached], datetime | None]:
        """Return the rungs that a deadline of a complaint has reached, and the time of the next."""
        return rungs_reached(run.context, deadline, run.now, history)

    def add(
        self,
        run: RunContext,
        lapses: Iterable[tuple[int, Event]],
        deadlines: Iterable[EvaluatedDeadline],
    ) -> None:
        """Write lapses by law, each with its complaint, and new deadlines."""
        complaints.add_events(run.session, lapses)
        complaints.add_deadlines(run.session, deadlines)

    def update(self, deadline: StoredDeadline, found: EvaluatedDeadline) -> None:
        """Change a stored deadline, if it was evaluated otherwise before."""
        assert isinstance(deadline, DeadlineRow)
        found.update(deadline)

    def remove(self, run: RunContext, deadline: StoredDeadline) -> None:
        """Remove the deadline of a rule that no longer applies."""
        run.session.delete(deadline)

    def stores(self, complaint: int, deadlines: Sequence[Deadline]) -> bool:
        """Check whether the store is known to have just these deadlines of a complaint.

        If not, each of them is compared with its row.
        """
        return False

    def stored(self, complaint: int, deadlines: Sequence[Deadline]) -> None:
        """Take note that the store has just these deadlines of a complaint."""

    def decided(self, complaint: int) -> None:
        """Take note that a run has decided about notices of a complaint."""

    def scheduled(self, rows: Sequence[Complaint]) -> None:
        """Take note that the next evaluations of these complaints have been scheduled."""


DATABASE = CaseStore()
