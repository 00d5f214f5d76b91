"""Evaluate a batch of complaints in a run: store their deadlines, decide on their notices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

from db import audit, complaints, imports, notices, questions, rulesets
from db.complaints import StoredDeadline
from db.mails.listed_duties import listed_as_late
from db.models import Complaint, NoticeRow, QuestionRole
from db.notices import Acceptance
from sla.calendar import OutsideCalendar
from sla.engine.clocks import unit_unknown_since
from sla.engine.deadline import DONE, ClockKey, Deadline, State
from sla.engine.evaluate import Evaluation
from sla.escalation import Reached
from sla.events import Event, ImpossibleHistory
from sla.holds import released_at
from sla.metrics.encoding import NumberOf
from sla.value_class import value_class
from tasks.common.context import RunContext, SiteContext
from tasks.evaluation import corrections
from tasks.evaluation.case_store import DATABASE, CaseStore
from tasks.evaluation.corrections import PendingCorrection, Revoked
from tasks.evaluation.inherited import FirstImports
from tasks.evaluation.loader import LoadedComplaint
from tasks.evaluation.metrics_cache import MetricsCache
from tasks.evaluation.notices import (
    NO_HISTORY,
    NoticeHistory,
    PendingNotice,
    by_clock,
    decide_notices,
    due_again,
    history_of,
)

PUSHED_BACK = timedelta(days=1)
"""The delay before another try for a complaint that could not be evaluated."""


@dataclass(slots=True)
class EvaluationCount:
    """The result of a deadlines run."""

    evaluated: int = 0
    breached: int = 0
    """Number of deadlines newly known as missed."""
    notices: dict[str, int] = field(default_factory=dict)
    superseded: int = 0
    taken_back: int = 0
    """Number of deadlines counted as late before and not any more."""
    inherited: dict[str, int] = field(default_factory=dict)
    """Number of complaints late before the first import of their source, by source, as far as this
    run was the first to see them."""
    messages: int = 0
    vacancies: list[tuple[str, str]] = field(default_factory=list)
    not_evaluated: list[str] = field(default_factory=list)
    moved: int | None = None
    """Number of deadlines changed by a new ruleset; None if the ruleset is the one of the
    last run.
    """
    storm: int | None = None
    """Key of the storm that waits for the administrator, if this run had too many mails."""

    def add(self, other: EvaluationCount) -> None:
        """Add the counts of complaints that another process has evaluated for the first time."""
        self.evaluated += other.evaluated
        self.breached += other.breached
        self.superseded += other.superseded
        self.not_evaluated += other.not_evaluated
        for known, more in ((self.notices, other.notices), (self.inherited, other.inherited)):
            for key, number in more.items():
                known[key] = known.get(key, 0) + number


class EvaluationRun:
    """One run of the evaluation: it persists the deadlines of each complaint, decides on its
    notices, and schedules its next evaluation.
    """

    def __init__(
        self, run: RunContext, cases: CaseStore = DATABASE, number: NumberOf | None = None
    ) -> None:
        self.run = run
        self.cases = cases
        self.count = EvaluationCount()
        self.owed: list[PendingNotice] = []
        self.corrections: list[PendingCorrection] = []
        self.metrics = MetricsCache(run.session, run.context, number)
        self.lapses: list[tuple[int, Event]] = []
        self.new_deadlines: list[complaints.EvaluatedDeadline] = []
        self.new_notices: list[notices.NewNotice] = []
        self.mode = run.mode
        since = self.mode.since if self.mode.live else None
        context = run.site.evaluation_context
        moments = run.once(imports.first_of_each)
        self.first_imports = FirstImports(moments, context)
        self.backlogs = FirstImports(moments, context, since)

    def batch(self, batch: Sequence[Complaint]) -> list[dict[str, Any]]:
        """Evaluate these complaints and store what was decided about them; return the deadlines
        changed by a new ruleset.
        """
        changes = self.evaluate(batch)
        self.cases.add(self.run, self.lapses, self.new_deadlines)
        notices.add(self.run.session, self.new_notices)
        for written in (self.lapses, self.new_deadlines, self.new_notices):
            written.clear()
        self.cases.scheduled(batch)
        return changes

    def evaluate(self, batch: Sequence[Complaint]) -> list[dict[str, Any]]:
        """Evaluate these complaints, and keep the new lapses, deadlines and notices; return the
        deadlines changed by a new ruleset.
        """
        run, cases = self.run, self.cases
        keys = [complaint.id for complaint in batch]
        deadlines, rows = cases.deadlines_of(run, keys), cases.notices_of(run, keys)
        accepted = cases.accepted(run, rows)
        changes: list[dict[str, Any]] = []
        for found, evaluation in cases.evaluated(run, batch):
            key = found.complaint.id
            case = _EvaluatedCase(found, evaluation, deadlines.get(key, []), rows.get(key, []))
            revoked = self._revoked(case)
            try:
                plans = self._plans(case, accepted, revoked)
            except (OutsideCalendar, ImpossibleHistory):  # it must not stop the others
                self._postpone(case)
                continue
            changes += self._persist(case)
            self._decide(case, plans, revoked)
            self._schedule(case, plans)
        return changes

    def _postpone(self, case: _EvaluatedCase) -> None:
        """Try a complaint again later, because it could not be evaluated.

        The administrator is not told if a question about its date of receipt is open: this date may
        be the reason.
        """
        case.complaint.next_action_at = self.run.now + PUSHED_BACK
        self.metrics.forget(case.complaint)
        asked = questions.open_of_complaint(self.run.session, case.complaint.id, self.run.now)
        if not any(question.role == QuestionRole.RECEIPT for question, _ in asked):
            self.count.not_evaluated.append(case.complaint.ticket)

    def _persist(self, case: _EvaluatedCase) -> list[dict[str, Any]]:
        """Store the deadlines and metrics of a complaint; return the changes by a new ruleset."""
        run, complaint = self.run, case.complaint
        lapses = _new_lapses(run.context, case.evaluation, case.loaded, run.now)
        self.lapses += [(complaint.id, event) for event in lapses]
        changes = []
        if complaint.evaluated_at is None and case.before:  # evaluated with an earlier ruleset
            changes = list(_changes(complaint.id, case.deadlines, case.before))
            self.count.moved = (self.count.moved or 0) + len(changes)
            for each in changes:
                if rulesets.is_made_late(each, run.now):
                    self.made_late[complaint.id, each["rule"], each["clock"]] = run.now
        if not self.cases.stores(complaint.id, case.deadlines):
            self._count_breached(case)
            self.new_deadlines += self._write(case)
            self.cases.stored(complaint.id, case.deadlines)
        self.metrics.store(case.loaded, case.evaluation, run.now)
        self.count.evaluated += 1
        return changes

    def _write(self, case: _EvaluatedCase) -> Iterator[complaints.EvaluatedDeadline]:
        """Update the stored deadlines of a complaint, and yield those that are new."""
        kept = {(row.rule, row.clock): row for row in case.before}
        for deadline in case.deadlines:
            row = kept.pop(deadline.key, None)
            found = complaints.EvaluatedDeadline(
                complaint_id=case.complaint.id,
                rule=deadline.rule.id,
                clock=deadline.clock,
                evaluated_at=_known_since(case, deadline, row) or self.run.now,
                regulation=deadline.rule.regulation.citation,
                unit=deadline.unit,
                started=deadline.started,
                due=deadline.due,
                stopped=deadline.stopped,
                state=str(deadline.state),
                reason=str(deadline.reasons[0]) if deadline.reasons else "",
                paused=deadline.paused,
                by_policy=deadline.by_policy,
                provisional=deadline.provisional,
            )
            if row is None:
                yield found
            else:
                self.cases.update(row, found)
        for row in kept.values():  # a rule that no longer applies, or a clock that never started
            self.cases.remove(self.run, row)

    def _decide(
        self,
        case: _EvaluatedCase,
        plans: Sequence[_EvaluationPlan],
        revoked: Mapping[ClockKey, Revoked],
    ) -> None:
        """Take back what is late no more, and decide on the notices of each deadline."""
        run = self.run
        rows = corrections.take_back(run, case.complaint.id, revoked, case.notices)
        self.count.taken_back += len(revoked)
        self.corrections += corrections.owed_corrections(run.session, rows, case.deadlines)
        for plan in plans:
            if not plan.steps and not plan.moved:
                continue
            decided = decide_notices(
                run,
                case.complaint.id,
                plan.deadline,
                plan.steps,
                plan.history,
                moved=plan.moved,
                inherited=self._inherited(case, plan.deadline, self.backlogs),
                hold_superiors=self.mode.holds_superiors(run.now),
            )
            self.new_notices += decided.new
            if decided.new or decided.owed:
                self.cases.decided(case.complaint.id)
            for notice, what, why in decided.noted:
                audit.note_notice(run.session, what, notice, run.now, why, run.id)
            self.owed += decided.owed
            self.count.superseded += decided.superseded
            for each in decided.owed:
                kind = each.notice.kind
                self.count.notices[kind] = self.count.notices.get(kind, 0) + 1

    def _schedule(self, case: _EvaluatedCase, plans: Sequence[_EvaluationPlan]) -> None:
        """Set the time of the next evaluation: a rung, the end of a hold, or a future event.

        A replay also has events that are not recorded yet; it wakes when they are.
        """
        now = self.run.now
        times = [plan.next_at for plan in plans if plan.next_at is not None]
        events = case.loaded.history.events
        times += [e.latest for e in events if e.latest > now and e.recorded_at <= now]
        superiors_from = self.mode.superiors_from
        if superiors_from is not None and self.mode.holds_superiors(now):
            times += [superiors_from for plan in plans if plan.deadline.open]
        case.complaint.next_action_at = min(times, default=None)

    def _revoked(self, case: _EvaluatedCase) -> dict[ClockKey, Revoked]:
        """Return the deadlines that are late no more; not those of a complaint left alone by
        `since`.
        """
        watched = self.run.context.watched(case.complaint.received_at)
        if case.evaluation.error is not None or not watched:
            return {}
        return corrections.revoked(
            case.before,
            case.deadlines,
            case.notices,
            unit_known=unit_unknown_since(case.evaluation.doubts) is None,
            listed=partial(listed_as_late, self.run.session, case.complaint.id),
        )

    def _plans(
        self,
        case: _EvaluatedCase,
        accepted: Mapping[int, Sequence[Acceptance]],
        revoked: Mapping[ClockKey, Revoked],
    ) -> list[_EvaluationPlan]:
        """Return the rungs reached by each deadline; raise the error of the evaluation, if any."""
        if case.evaluation.error is not None:
            raise case.evaluation.error
        context, now = self.run.context, self.run.now
        plans = []
        before = {(row.rule, row.clock): row for row in case.before}
        notices_of = by_clock(case.notices)
        for deadline in case.deadlines:
            if not deadline.open:  # it reaches no rung
                plans.append(_EvaluationPlan(deadline, NO_HISTORY, (), None))
                continue
            clock = deadline.key
            found = revoked.get(clock)
            history = history_of(
                deadline,
                notices_of.get(clock, ()),
                accepted,
                revoked=found,
                superiors_from=self.mode.superiors_from,
            )
            key = case.complaint.id
            steps, next_rung = self.cases.rungs_reached(self.run, key, deadline, history)
            next_at = _next_at(context, deadline, now, next_rung)
            moved = due_again(context, deadline, before.get(clock), history, now)
            plans.append(_EvaluationPlan(deadline, history, steps, next_at, moved))
        return plans

    def _count_breached(self, case: _EvaluatedCase) -> None:
        """Count the deadlines newly known as missed, and the complaints with inherited ones."""
        was = {(row.rule, row.clock) for row in case.before if row.state == State.BREACHED}
        new = [d for d in case.deadlines if d.state is State.BREACHED and d.key not in was]
        self.count.breached += len(new)
        first = self.first_imports
        if any(self._inherited(case, deadline, first) for deadline in new if deadline.open):
            source = case.complaint.source
            self.count.inherited[source] = self.count.inherited.get(source, 0) + 1

    def _inherited(self, case: _EvaluatedCase, deadline: Deadline, begins: FirstImports) -> bool:
        """Check whether a deadline was missed before the site could notify of it."""
        if deadline.due is None or deadline.state is not State.BREACHED:
            return False
        complaint, due_day = case.complaint, self.run.site.evaluation_context.day(deadline.due)
        changed = self.made_late.get((complaint.id, *deadline.key)) if case.before else None
        return begins.inherited(complaint.source, complaint.recorded_at, due_day, changed)

    @cached_property
    def made_late(self) -> dict[tuple[int, str, int], datetime]:
        """The deadlines made late by a change of the ruleset, this run's changes included."""
        return rulesets.made_late(self.run.session)


@value_class(frozen=True, slots=True)
class _EvaluatedCase:
    """A complaint with its evaluation, and its deadlines and notices as stored before."""

    loaded: LoadedComplaint
    evaluation: Evaluation
    before: Sequence[StoredDeadline]
    notices: Sequence[NoticeRow]

    @property
    def complaint(self) -> Complaint:
        """The row of the complaint."""
        return self.loaded.complaint

    @property
    def deadlines(self) -> Sequence[Deadline]:
        """The deadlines as evaluated now."""
        return self.evaluation.deadlines


@value_class(frozen=True, slots=True)
class _EvaluationPlan:
    """One deadline with its notices so far, the rungs reached and its next evaluation. `moved` are
    the reminders that are due again on a later day.
    """

    deadline: Deadline
    history: NoticeHistory
    steps: Sequence[Reached]
    next_at: datetime | None
    moved: Sequence[Reached] = ()


def _known_since(
    case: _EvaluatedCase, deadline: Deadline, row: StoredDeadline | None
) -> datetime | None:
    """Return when an earlier evaluation found the end of a deadline; None if none has.

    Another unit or due day is no new end: mails thank for ends since the last mail. Of a clock
    without a row, because its rule applies only now, the end may be known from other clocks.
    """
    if deadline.stopped is None or deadline.end is None:
        return None
    if row is not None:
        same = row.stopped is not None and (row.state in DONE) == (deadline.state in DONE)
        return row.evaluated_at if same else None
    last = max((each.evaluated_at for each in case.before), default=None)
    recorded = deadline.end.recorded_at
    return recorded if last is not None and recorded <= last else None


def _new_lapses(
    context: SiteContext, evaluation: Evaluation, found: LoadedComplaint, now: datetime
) -> list[Event]:
    """Return the lapses by law, caused by inaction, that are not yet on record."""
    lapsing = context.site.evaluation_context.law.lapsing
    lapses = [event for event in evaluation.known if event.source in lapsing]
    if not lapses:
        return []
    before = {(event.source, event.latest) for event in found.history.events}
    return [
        replace(event, recorded_at=now)
        for event in lapses
        if (event.source, event.latest) not in before
    ]


def _changes(
    complaint: int, deadlines: Sequence[Deadline], rows: Sequence[StoredDeadline]
) -> Iterator[dict[str, Any]]:
    """Return the deadlines of a complaint that a new ruleset has changed.

    These are open deadlines with another due time, ended ones with another state, and deadlines
    that are new or no longer apply.
    """
    before = {(row.rule, row.clock): row for row in rows}
    after = {deadline.key: deadline for deadline in deadlines}
    for key in sorted(before.keys() | after.keys()):
        row, deadline = before.get(key), after.get(key)
        if row is not None and deadline is not None:
            ended = row.stopped is not None
            if row.state == deadline.state if ended else row.due == deadline.due:
                continue
        yield {
            "complaint_id": complaint,
            "rule": key[0],
            "clock": key[1],
            "due_before": row and row.due,
            "due_after": deadline and deadline.due,
            "state_before": row and row.state,
            "state_after": deadline and deadline.state,
        }


def _next_at(
    context: SiteContext, deadline: Deadline, now: datetime, next_rung: datetime | None
) -> datetime | None:
    """Return the time of the next evaluation of an open deadline: its next rung, or the end of a
    hold.
    """
    site = context.site
    released = released_at(site.holds, deadline, site.evaluation_context, now)
    if next_rung is None or released is None:
        return next_rung or released
    return min(next_rung, released)
