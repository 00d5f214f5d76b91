"""Replay: run recorded time again on a replica, with the code of the real runs.

Each record becomes known at its time of recording. The code of the deadlines flow evaluates
deadlines and queues mails at the ticks of its schedule. Only the mail server is missing: a mail
counts as accepted at its send time, with the items that are still true.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Engine, func, select
from sqlalchemy.orm import Session

from db import complaints, notices, outbox, runs
from db.lives import MessageStatus, NoticeStatus
from db.models import DeadlineRow, MessageKind, MessageRow, NoticeRow
from db.replica import replay_queue
from settings import Site
from sla.engine.deadline import State
from sla.ladders import NoticeKind
from tasks.common.context import SiteContext
from tasks.deadlines import evaluate_and_notify
from tasks.evaluation.stored_deadlines import LATE
from tasks.notifications import storms
from tasks.notifications.mail_items import notice_views
from tasks.simulation.cron import CronTimes

AT_ONCE = 200
DEADLINES, DELIVERY = "deadlines", "delivery"
"""The flows that a replay runs."""

INSTANT = timedelta(microseconds=1)

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

    A replay decides nothing in reality, so it writes no audit.
    """

    def __init__(self, site: Site, engine: Engine) -> None:
        super().__init__(site, engine)
        self.by = None


def replay(
    context: SiteContext,
    begin: datetime,
    end: datetime,
    marks: Sequence[replay_queue.Mark],
    say: Callable[[datetime], None] = lambda moment: None,
) -> ReplayResult:
    """Replay [begin, end) on the replica of `context`.

    The replay goes from tick to tick and skips those without due work: 1. complaints with records
    up to the tick are scheduled for evaluation; 2. deadlines are evaluated and mails queued; 3. a
    storm is noted and released; 4. due mails count as sent. `marks` are the addresses with returned
    mail.
    """
    outcome = ReplayResult()
    with context.transaction() as session:
        looked = _looks(session, context, begin)
    for now, flow in _ticks(context, looked, begin, end):
        say(now)
        if flow == DEADLINES:
            _judge(context, now, looked, marks, outcome)
        else:
            _deliver(context, now, outcome)
    with context.transaction() as session:
        _take_stock(session, begin, end, outcome)
    return outcome


def _ticks(
    context: SiteContext, looked: deque[replay_queue.Looked], begin: datetime, end: datetime
) -> Iterator[tuple[datetime, str]]:
    """Yield the times in [begin, end) at which a flow has work to do, each with that flow.

    The caller runs the flow before it asks for the next time. `looked` are the imports to come.
    """
    now = may_evaluate = may_send = begin
    with asyncio.Runner() as runner:
        evaluating = CronTimes(context.site, DEADLINES, runner)
        sending = CronTimes(context.site, DELIVERY, runner)
        while True:
            with context.transaction() as session:
                recorded = [looked[0][0]] if looked else []
                news, action = replay_queue.next_news(session), replay_queue.next_action(session)
                mail = outbox.next_send_time(session)
            due = min(
                (time for time in (*recorded, news, action) if time is not None), default=None
            )
            evaluate_at = send_at = end
            if due is not None:
                evaluate_at = evaluating.at_or_after(max(due, may_evaluate, now))
            if mail is not None:
                send_at = sending.at_or_after(max(mail, may_send, now))
            now = min(evaluate_at, send_at)
            if now >= end:
                return
            if evaluate_at == now:
                yield now, DEADLINES
                may_evaluate = now + INSTANT
            else:
                yield now, DELIVERY
                may_send = now + INSTANT


def _take_stock(session: Session, begin: datetime, end: datetime, outcome: ReplayResult) -> None:
    """Count the remains of the replay: waiting mails, held and failed notices, and the verdicts."""
    outcome.waiting = outbox.pending(session)
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


def _judge(
    context: SiteContext,
    now: datetime,
    looked: deque[replay_queue.Looked],
    marks: Sequence[replay_queue.Mark],
    outcome: ReplayResult,
) -> None:
    """Run the deadlines flow at this tick, if any complaint is due."""
    with context.transaction() as session:
        while looked and looked[0][0] <= now:
            recorded, source, until = looked.popleft()
            complaints.schedule_undecided(session, source, until, recorded)
        replay_queue.release(session, now)
        replay_queue.set_marks(session, marks, now)
        first = replay_queue.next_action(session)
    if first is None or first > now:
        return
    run = runs.key_of("deadlines", now)
    count = evaluate_and_notify(context, now, run)
    outcome.not_evaluated.update(count.not_evaluated)
    with context.transaction() as session:
        runs.finished(session, run, "deadlines", now, {"messages": count.messages})
    if count.storm is not None:
        storm, mails = storms.decide(context, count.storm, now, "replay", send=True)
        outcome.storms.append(HeldUp(now, mails, storm.mail_limit))


def _deliver(context: SiteContext, now: datetime, outcome: ReplayResult) -> None:
    """Run the delivery flow at this tick, with a server that accepts everything."""
    while True:
        with context.run(now, "replay") as run:
            session = run.session
            messages = outbox.take_due(session, now, AT_ONCE)
            if not messages:
                return
            views = notice_views(run, messages)
            for message in messages:
                message.next_attempt_at = None
                if message.kind == MessageKind.NOTICES and views[message.id] is None:
                    message.status = MessageStatus.CANCELLED
                    continue
                message.status = MessageStatus.SENDING
                message.status, message.sent_at = MessageStatus.SENT, now
                if message.kind == MessageKind.ALERT:
                    outcome.alerts[message.detail["alert"]] += 1
                outcome.notices += _notices(message, context.local(now).date())
                outcome.corrections += any(i.correction and i.included for i in message.items)
                desk = views.get(message.id)
                inherited = {i.complaint for i in desk.items if i.inherited} if desk else set()
                outcome.inventories += _is_inventory(message, inherited)
            session.flush()
            items = [item for message in messages for item in message.items if not item.correction]
            notices.settle(session, [item.notice_id for item in items], now)
            for batch in complaints.chunked([item.notice_id for item in items if item.included]):
                notices.evaluate_again(session, batch, now)


def _is_inventory(message: MessageRow, inherited: Collection[int]) -> bool:
    """Check whether a mail is the first one about a deadline missed before the first import.

    `inherited` are the complaints on its desk with such a deadline.
    """
    return any(
        item.included
        and (item.notice.kind, item.notice.repeat) == (NoticeKind.BREACH, 0)
        and item.notice.complaint_id in inherited
        for item in message.items
        if not item.correction
    )


def _notices(message: MessageRow, day: date) -> list[SimulatedNotice]:
    return [
        SimulatedNotice(
            day,
            message.id,
            message.recipient,
            item.role,
            item.notice.unit,
            item.notice.rung,
            item.notice.kind,
            item.notice.rule,
            item.notice_id,
        )
        for item in message.items
        if item.included and not item.correction
    ]
