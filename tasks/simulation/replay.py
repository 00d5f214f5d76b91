"""Replay: run recorded time again on a replica, with the code of the real runs.

Each record becomes known at its time of recording. The code of the deadlines flow evaluates
deadlines and queues mails at the ticks of its schedule. Only the mail server is missing: a mail
counts as accepted at its send time, with the items that are still true.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Engine, event, func, select
from sqlalchemy.orm import Session

from db import notices, runs
from db.lives import MessageStatus, NoticeStatus
from db.mailbox import bounces
from db.mails import mail_items, outbox, outbox_status
from db.mails.mail_items import MailItem
from db.models import DeadlineRow, MessageKind, MessageRow, NoticeRow
from db.replica import replay_queue
from settings.site import Site
from sla.engine.deadline import State
from sla.ladders import NoticeKind
from tasks.common.context import RunContext, SiteContext
from tasks.common.garbage import no_search_for_cycles, search_new_objects
from tasks.deadlines import evaluate_and_notify
from tasks.evaluation.stored_deadlines import LATE
from tasks.notifications import storms
from tasks.notifications.mail_items import items_still_true
from tasks.simulation.cron import CronTimes
from tasks.simulation.replay_cases import ReplayCases

AT_ONCE = 200
DEADLINES, DELIVERY = "deadlines", "delivery"
"""The flows that a replay runs."""

INSTANT = timedelta(microseconds=1)

NEVER = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)

VERDICTS = (State.MET, State.MET_LATE, State.BREACHED)


@dataclass(frozen=True, slots=True)
class SimulatedNotice:
    """A simulated notice: one recipient gets one notice in a role with a mail."""

    day: date
    mail: int
    recipient: str
    role: str
    unit: str
    rung: str
    kind: str
    rule: str
    notice: int


@dataclass(frozen=True, slots=True)
class HeldUp:
    """A storm: a run would have queued more mails than the site allows and waited for a
    decision.
    """

    at: datetime
    mails: int
    mail_limit: int


@dataclass(slots=True)
class ReplayResult:
    """The result of a replay.

    `storms` were released at once, so that the replay could continue. `alerts` counts mails to the
    administrators by cause. At the end, `waiting` mails are not yet due, `suppressed` notices are
    under a hold of escalation.toml, and `unaddressed` ones had no recipient. `due` deadlines fell
    due in the time span, of which `missed` were not met in time. `corrections` are the mails that
    take a notice back, `inventories` those with deadlines missed before the first import. At the
    end, no superior has heard of `known_to_units` late duties, because their units still have time.
    """

    notices: list[SimulatedNotice] = field(default_factory=list)
    storms: list[HeldUp] = field(default_factory=list)
    alerts: Counter[str] = field(default_factory=Counter)
    not_evaluated: set[str] = field(default_factory=set)
    waiting: int = 0
    suppressed: int = 0
    unaddressed: int = 0
    due: int = 0
    missed: int = 0
    corrections: int = 0
    inventories: int = 0
    known_to_units: int = 0


class ReplayContext(SiteContext):
    """The context of a replay: a site on a replica, with files that do not change.

    A replay decides nothing in reality, so it writes no audit, and it needs no metrics for reports.
    Facts about the whole site are read again only after :meth:`forget`. A replica has all imports
    from the start, so a released import changes none of these facts.
    """

    def __init__(self, site: Site, engine: Engine) -> None:
        super().__init__(site, engine)
        self.by = None
        self.keeps_metrics = False
        self._known: dict[Callable[[Session], Any], Any] = {}
        self._session: Session | None = None

    @contextmanager
    def one_transaction(self) -> Iterator[Session]:
        """Let everything until the end happen in one transaction: no other process reads."""
        with super().transaction() as session:
            self._session = session
            try:
                yield session
            finally:
                self._session = None

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Return the session of :meth:`one_transaction`, or a new one with its own transaction."""
        if self._session is None:
            with super().transaction() as session:
                yield session
        else:
            yield self._session
            self._session.flush()

    @contextmanager
    def run(self, now: datetime, run_id: str) -> Iterator[RunContext]:
        """Open a transaction for one run, which knows the facts about the site that the last ones
        have read.
        """
        with self.transaction() as session:
            yield RunContext(self, session, now, run_id, self._known)

    def cases(self, session: Session, before_decision: Callable[[], None]) -> ReplayCases:
        """Return the cases of the replica, kept in memory."""
        return ReplayCases(session, before_decision)

    def forget(self, read: Callable[[Session], Any]) -> None:
        """Let the next run execute this query about the whole site again: its result may have
        changed.
        """
        self._known.pop(read, None)


def replay(
    context: ReplayContext,
    begin: datetime,
    end: datetime,
    marks: Sequence[replay_queue.Mark],
    say: Callable[[datetime], None] = lambda moment: None,
) -> ReplayResult:
    """Replay [begin, end) on the replica of `context`.

    The replay goes from tick to tick: 1. complaints with records up to the tick are scheduled for
    evaluation; 2. deadlines are evaluated and mails queued; 3. a storm is noted and released;
    4. due mails count as sent. `marks` are the addresses with returned mail.

    It wakes at the first tick at or after a new record, a scheduled evaluation or the send time of
    a mail, and evaluates only the complaints concerned. A real run at a tick without any of these
    changes nothing: it selects complaints by the same scheduled times (`next_action_at`) and mails
    by the same send times. What is not recorded yet wakes neither.
    """
    with (
        no_search_for_cycles(),
        asyncio.Runner() as runner,
        context.one_transaction() as session,
    ):
        replayed = _Replay(context, session, begin, marks)
        ticks = _Ticks(context.site, begin, runner)
        while True:
            now, flow = ticks.next(replayed.next_evaluation(), replayed.next_mail())
            if now >= end:
                return replayed.take_stock(begin, end)
            say(now)
            if flow == DELIVERY:
                replayed.deliver(now)
                search_new_objects()
            elif replayed.release(now):
                replayed.evaluate(now)


class _Ticks:
    """The times at which a flow has work to do, each with that flow."""

    def __init__(self, site: Site, begin: datetime, runner: asyncio.Runner) -> None:
        self._now = self._may_evaluate = self._may_send = begin
        self._evaluating = CronTimes(site, DEADLINES, runner)
        self._sending = CronTimes(site, DELIVERY, runner)

    def next(self, evaluation: datetime | None, mail: datetime | None) -> tuple[datetime, str]:
        """Return the next tick with its flow. The next evaluation and the next mail are due at
        these moments; without both the tick is `NEVER`.
        """
        evaluate_at = send_at = NEVER
        if evaluation is not None:
            evaluate_at = self._evaluating.at_or_after(
                max(evaluation, self._may_evaluate, self._now)
            )
        if mail is not None:
            send_at = self._sending.at_or_after(max(mail, self._may_send, self._now))
        self._now = min(evaluate_at, send_at)
        if evaluate_at == self._now:
            self._may_evaluate = self._now + INSTANT
            return self._now, DEADLINES
        self._may_send = self._now + INSTANT
        return self._now, DELIVERY


class _Replay:
    """The records still to come, the evaluations and their outcome."""

    def __init__(
        self,
        context: ReplayContext,
        session: Session,
        begin: datetime,
        marks: Sequence[replay_queue.Mark],
    ) -> None:
        self._context, self._session, self._marks = context, session, marks
        self._suppressed: list[replay_queue.Mark] = []
        self._imports = _looks(session, context, begin)
        self._cases = context.cases(session, self._store_finished_runs)
        self._finished: list[tuple[str, str, datetime, dict[str, Any]]] = []
        self._next_mail: datetime | None = None
        self._mail_changed = True
        event.listen(session, "after_flush", self._note_change)
        self.outcome = ReplayResult()

    def _note_change(self, *_: object) -> None:
        self._mail_changed = True

    def _store_finished_runs(self) -> None:
        """Store the finished runs: a run with mail compares itself with earlier ones."""
        if self._finished:
            runs.add_finished(self._session, self._finished)
            self._finished = []

    def next_mail(self) -> datetime | None:
        """Return the time of the next mail."""
        if self._mail_changed:
            self._next_mail = outbox.next_send_time(self._session)
            self._mail_changed = False
        return self._next_mail

    def next_evaluation(self) -> datetime | None:
        """Return the time of the next record or evaluation."""
        recorded = self._imports[0][0] if self._imports else None
        times = (recorded, self._cases.next_news(), self._cases.next_action())
        return min((time for time in times if time is not None), default=None)

    def release(self, now: datetime) -> bool:
        """Make the records until this tick known; return whether a complaint is due."""
        while self._imports and self._imports[0][0] <= now:
            recorded, source, until = self._imports.popleft()
            self._cases.release_import(source, until, recorded)
        self._cases.release_news(now)
        suppressed = [mark for mark in self._marks if replay_queue.is_suppressed(mark, now)]
        if suppressed != self._suppressed:
            replay_queue.set_marks(self._session, suppressed)
            self._suppressed = suppressed
            self._context.forget(bounces.suppressed_addresses)
        first = self._cases.next_action()
        return first is not None and first <= now

    def evaluate(self, now: datetime) -> None:
        """Run the deadlines flow at this tick."""
        run = runs.key_of(DEADLINES, now)
        count = evaluate_and_notify(self._context, now, run, cases=self._cases)
        self.outcome.not_evaluated.update(count.not_evaluated)
        self._mail_changed |= count.messages > 0
        self._finished.append((run, DEADLINES, now, {"messages": count.messages}))
        if count.storm is not None:
            storm, mails = storms.decide(self._context, count.storm, now, "replay", send=True)
            self.outcome.storms.append(HeldUp(now, mails, storm.mail_limit))
            self._mail_changed = True

    def deliver(self, now: datetime) -> None:
        """Run the delivery flow at this tick, with a server that accepts everything."""
        while self._delivered(now) == AT_ONCE:
            pass

    def _delivered(self, now: datetime) -> int:
        """Deliver some mails and return their number."""
        outcome = self.outcome
        with self._context.run(now, "replay") as run:
            session = run.session
            contents = mail_items.take_apart(session, now, AT_ONCE)
            inherited = items_still_true(run, contents, self._cases)
            for message, items in contents:
                message.next_attempt_at = None
                if message.kind == MessageKind.NOTICES and inherited[message.id] is None:
                    message.status = MessageStatus.CANCELLED
                    continue
                message.status = MessageStatus.SENDING
                message.status, message.sent_at = MessageStatus.SENT, now
                self._cases.accept(items, now)
                if message.kind == MessageKind.ALERT:
                    outcome.alerts[message.detail["alert"]] += 1
                outcome.notices += _notices(message, items, run.today)
                outcome.corrections += any(i.correction and i.included for i in items)
                outcome.inventories += bool(inherited.get(message.id))
            mail_items.store_sent(session, contents)
            self._mail_changed = True
            new = [item for _, items in contents for item in items if not item.correction]
            failed = set(notices.settle(session, [item.notice.id for item in new], now))
            again = [item for item in new if item.included or item.notice.id in failed]
            self._cases.evaluate_again({item.notice.complaint_id for item in again}, now)
        return len(contents)

    def take_stock(self, begin: datetime, end: datetime) -> ReplayResult:
        """Count what remains at the end, and return the result."""
        self._cases.store_deadlines()
        _take_stock(self._session, begin, end, self.outcome)
        return self.outcome


def _take_stock(session: Session, begin: datetime, end: datetime, outcome: ReplayResult) -> None:
    """Count the remains of the replay: waiting mails, held and failed notices, and the verdicts."""
    outcome.waiting = outbox_status.pending(session)
    outcome.suppressed = runs.notice_statuses(session).get(NoticeStatus.SUPPRESSED, 0)
    outcome.unaddressed = (
        session.scalar(
            select(func.count())
            .select_from(NoticeRow)
            .where(NoticeRow.status == NoticeStatus.FAILED, NoticeRow.decided_at >= begin)
        )
        or 0
    )
    verdicts = session.execute(
        select(DeadlineRow.state, func.count())
        .where(DeadlineRow.due >= begin, DeadlineRow.due < end, DeadlineRow.state.in_(VERDICTS))
        .group_by(DeadlineRow.state)
    )
    by_state = {row[0]: row[1] for row in verdicts}
    outcome.due = sum(by_state.values())
    outcome.missed = outcome.due - by_state.get(State.MET, 0)
    outcome.known_to_units = _known_to_units(session)


def _known_to_units(session: Session) -> int:
    """Count the late duties with a notice to the unit and none to a superior."""

    def sent(*kinds: NoticeKind) -> ColumnElement[bool]:
        return (
            select(NoticeRow.id)
            .where(
                NoticeRow.complaint_id == DeadlineRow.complaint_id,
                NoticeRow.rule == DeadlineRow.rule,
                NoticeRow.clock == DeadlineRow.clock,
                NoticeRow.kind.in_(kinds),
                NoticeRow.status == NoticeStatus.SENT,
                NoticeRow.taken_back_at.is_(None),
            )
            .exists()
        )

    late = select(func.count()).select_from(DeadlineRow).where(LATE, sent(NoticeKind.BREACH))
    return session.scalar(late.where(~sent(NoticeKind.ESCALATION))) or 0


def _looks(session: Session, context: SiteContext, begin: datetime) -> deque[replay_queue.Looked]:
    """Return the imports since `begin`, each with the time up to which it covers its source."""
    sources = context.site.sources
    own = [
        (recorded, source, sources[source].not_before(observed))
        for recorded, source, observed in replay_queue.looks_since(session, begin)
        if source in sources
    ]
    return deque(sorted(own + replay_queue.looks_elsewhere_since(session, begin)))


def _notices(message: MessageRow, items: Iterable[MailItem], day: date) -> list[SimulatedNotice]:
    return [
        SimulatedNotice(
            day,
            message.id,
            message.recipient,
            str(item.role),
            item.notice.unit,
            item.notice.rung,
            str(item.notice.kind),
            item.notice.rule,
            item.notice.id,
        )
        for item in items
        if item.included and not item.correction
    ]
