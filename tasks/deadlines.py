"""Evaluate: compute the deadlines of complaints with a due action, and decide on their notices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from db import audit, complaints, outbox, rulesets
from db.models import Complaint, DeadlineRow
from sla.calendar import OutsideCalendar
from sla.engine.deadline import Deadline, State
from sla.engine.evaluate import Evaluation
from sla.escalation import next_action_at
from sla.events import Event, ImpossibleHistory
from sla.holds import released_at
from sla.shards import EVERYTHING, Shard
from tasks.common.context import SiteContext
from tasks.common.retry import retrying_task
from tasks.evaluation.loader import LoadedComplaint, load_and_evaluate
from tasks.evaluation.metrics_cache import MetricsCache
from tasks.evaluation.notices import PendingNotice, decide_notices, ladder_of, rungs_reached
from tasks.notifications.enqueue import enqueue_alert, enqueue_notices

BATCH = 1000

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
    messages: int = 0
    vacancies: list[tuple[str, str]] = field(default_factory=list)
    not_evaluated: list[str] = field(default_factory=list)
    moved: int | None = None
    """Number of deadlines changed by a new ruleset; None if the ruleset is the one of the
    last run.
    """
    storm: int | None = None
    """Key of the storm that waits for the administrator, if this run had too many mails."""


def evaluate_and_notify(
    office: SiteContext, now: datetime, run_id: str, part: Shard = EVERYTHING
) -> EvaluationCount:
    """Evaluate all complaints with an action due at `now` and queue their mail, in one transaction.

    If several runs work at once, each handles one part (shard) of the units. A person still gets
    one mail from all of them: a run that queues mail waits for the other runs that do.

    If the ruleset (law, calendar, ladders and so on) has changed since the last run, every
    complaint is evaluated again and the changed deadlines are listed. Notices already sent are not
    changed.
    """
    count = EvaluationCount()
    with office.transaction() as session:
        owed: list[PendingNotice] = []
        ledger = MetricsCache(session, office)
        ruleset = rulesets.activate(session, office.ruleset_fingerprint(), now)
        units = sorted(office.site.directory.units)
        while batch := complaints.due_for_evaluation(session, now, BATCH, part, units):
            moves: list[dict[str, Any]] = []
            owed += _judge_batch(session, office, ledger, batch, now, run_id, count, moves)
            session.flush()
            if ruleset is not None:
                rulesets.add_deadline_changes(session, ruleset, moves)
        queued = enqueue_notices(session, office, owed, now, run_id)
        count.messages, count.vacancies, count.storm = queued.mails, queued.vacancies, queued.storm
        for ticket in count.not_evaluated:
            enqueue_alert(session, office, "evaluation_failed", {"ticket": ticket}, now, run_id)
    return count


def _judge_batch(
    session: Session,
    office: SiteContext,
    ledger: MetricsCache,
    batch: Sequence[Complaint],
    now: datetime,
    run_id: str,
    count: EvaluationCount,
    moves: list[dict[str, Any]],
) -> list[PendingNotice]:
    keys = [complaint.id for complaint in batch]
    verdicts = complaints.deadlines_of(session, keys)
    notices = outbox.notices_of(session, keys)
    lapsed: list[tuple[int, Event]] = []
    owed: list[PendingNotice] = []
    for found, judged in load_and_evaluate(session, office, batch, now):
        complaint, deadlines = found.complaint, judged.deadlines
        try:
            if judged.error is not None:
                raise judged.error
            steps = [rungs_reached(office, deadline, now) for deadline in deadlines]
            turns = [_turn(office, deadline, now) for deadline in deadlines]
        except (OutsideCalendar, ImpossibleHistory):  # one bad complaint must not stop the others
            complaint.next_action_at = now + PUSHED_BACK
            ledger.forget(complaint)
            count.not_evaluated.append(complaint.ticket)
            continue
        lapsed += [(complaint.id, e) for e in _new_lapses(office, judged, found, now)]
        before = verdicts.get(complaint.id, [])
        if complaint.evaluated_at is None and before:  # evaluated with an earlier ruleset
            others = list(_moves(complaint.id, deadlines, before))
            count.moved = (count.moved or 0) + len(others)
            moves += others
        was = {(row.rule, row.clock) for row in before if row.state == State.BREACHED}
        count.breached += sum(
            deadline.state is State.BREACHED and (deadline.rule.id, deadline.clock) not in was
            for deadline in deadlines
        )
        _write(session, complaint.id, deadlines, before, now)
        rows = notices.get(complaint.id, [])
        for deadline, rungs in zip(deadlines, steps, strict=True):
            decided = decide_notices(office, complaint.id, deadline, rungs, rows, now, run_id)
            session.add_all(decided.new)
            for notice, what, why in decided.noted:
                audit.note_notice(session, what, notice, now, why, run_id)
            owed += decided.owed
            count.superseded += decided.superseded
            for each in decided.owed:
                count.notices[each.notice.kind] = count.notices.get(each.notice.kind, 0) + 1
        turns += [event.latest for event in found.history.events if event.latest > now]
        complaint.next_action_at = min((turn for turn in turns if turn), default=None)
        ledger.store(found, judged, now)
        count.evaluated += 1
    complaints.add_events(session, lapsed)
    return owed


def _new_lapses(
    office: SiteContext, judged: Evaluation, found: LoadedComplaint, now: datetime
) -> list[Event]:
    """Return the lapses by law, caused by inaction, that are not yet on record."""
    before = {(event.source, event.latest) for event in found.history.events}
    return [
        replace(event, recorded_at=now)
        for event in judged.known
        if event.source in office.site.evaluation_context.law.lapsing
        and (event.source, event.latest) not in before
    ]


def _moves(
    complaint: int, deadlines: Sequence[Deadline], rows: Sequence[DeadlineRow]
) -> Iterator[dict[str, Any]]:
    """Return the deadlines of a complaint that a new ruleset has changed.

    These are open deadlines with another due time, ended ones with another state, and deadlines
    that are new or no longer apply.
    """
    before = {(row.rule, row.clock): row for row in rows}
    after = {(deadline.rule.id, deadline.clock): deadline for deadline in deadlines}
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


def _write(
    session: Session,
    complaint: int,
    deadlines: Sequence[Deadline],
    rows: Sequence[DeadlineRow],
    now: datetime,
) -> None:
    kept = {(row.rule, row.clock): row for row in rows}
    for deadline in deadlines:
        key = (deadline.rule.id, deadline.clock)
        values = {
            "regulation": deadline.rule.regulation.citation,
            "unit": deadline.unit,
            "started": deadline.started,
            "due": deadline.due,
            "stopped": deadline.stopped,
            "state": deadline.state,
            "paused": deadline.paused,
            "by_policy": deadline.by_policy,
            "provisional": deadline.provisional,
        }
        row = kept.pop(key, None)
        if row is None:
            session.add(
                DeadlineRow(
                    complaint_id=complaint, rule=key[0], clock=key[1], evaluated_at=now, **values
                )
            )
        elif any(getattr(row, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(row, name, value)
            row.evaluated_at = now
    for row in kept.values():  # a rule that no longer applies, or a clock that never started
        session.delete(row)


def _turn(office: SiteContext, deadline: Deadline, now: datetime) -> datetime | None:
    """Return the time of the next evaluation of a deadline: its next rung, or the end of a hold."""
    site = office.site
    turns = [
        next_action_at(deadline, ladder_of(office, deadline), site.evaluation_context, now),
        released_at(site.holds, deadline, site.evaluation_context, now) if deadline.open else None,
    ]
    return min((turn for turn in turns if turn), default=None)


evaluate_and_notify_task = retrying_task("judge and queue")(evaluate_and_notify)
