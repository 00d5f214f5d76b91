"""A model of the outbox: the real decisions about notices, and mails in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from types import SimpleNamespace

from conftest import WITA

from db.lives import MessageStatus, NoticeStatus
from db.models import NoticeRow
from db.notices import Acceptance
from settings.site import Site
from sla.directory import OF_A_UNIT, Role
from sla.engine.context import ComplaintFacts
from sla.engine.deadline import Deadline, State
from sla.engine.evaluate import CaseHistory, evaluate_all
from sla.events import Event, Kind
from sla.mail_hours import next_weekly
from support.fair_notice.mornings import (
    INFORMATION,
    UNIT,
    Accepted,
    Complaint,
    Diary,
    Morning,
    World,
    addresses,
    sent_on,
    without,
)
from tasks.evaluation.notices import (
    PendingNotice,
    decide_notices,
    history_of,
    may_be_notified,
    rungs_reached,
)

LOST = (MessageStatus.DEAD, MessageStatus.BOUNCED)


@dataclass
class Mail:
    """A mail of the model: the notices for one address, each with the role of its recipient."""

    address: str
    turn: datetime
    weekly: bool
    items: dict[int, tuple[NoticeRow, Role]]
    status: MessageStatus = MessageStatus.QUEUED
    sent_at: datetime | None = None
    included: set[int] = field(default_factory=set)


class Model:
    """A site in memory: the real decisions, and an outbox that does what the real one does."""

    def __init__(self, site: Site, world: World) -> None:
        self.world, self.directory = world, site.directory
        evaluation_context = site.evaluation_context
        self.site = SimpleNamespace(
            evaluation_context=evaluation_context,
            ladders=site.ladders,
            holds=(),
            directory=site.directory,
            mail_hours=site.mail_hours,
        )
        self.context = SimpleNamespace(site=self.site, local=lambda now: now.astimezone(WITA))
        self.registers: list[tuple[datetime, datetime]] = []
        self.rows: dict[str, list[NoticeRow]] = {each.ticket: [] for each in world.complaints}
        self.mails: list[Mail] = []
        self.dead: frozenset[str] = frozenset()
        self.diary = Diary()

    def morning(self, now: datetime, day: date, plan: Morning) -> None:
        """Let earlier mail come back, fill the offices, and read a register."""
        for sent, then in self.world.returning(day):
            back = addresses(self.directory, then.returns)
            for mail in self.mails:
                if mail.address in back and sent_on(mail.sent_at, sent):
                    self._comes_back(mail, now)
        self.site.directory = without(self.directory, plan.vacant)
        if plan.works and plan.register is not None:
            self.registers.append((now - timedelta(days=plan.register), now))

    def run(self, now: datetime, plan: Morning) -> None:
        self.diary.runs.append(now)
        run = SimpleNamespace(context=self.context, site=self.site, now=now, id="run")
        run.today = now.astimezone(WITA).date()
        deadlines = self._evaluated(now)
        owed: list[PendingNotice] = []
        for ticket, deadline in deadlines.items():
            if deadline.state is State.BREACHED and deadline.ticking:
                self.diary.found.append((now, ticket))
            history = history_of(deadline, self.rows[ticket], self._acceptances(ticket))
            steps, _ = rungs_reached(self.context, deadline, now, history)
            decided = decide_notices(run, 0, deadline, steps, history)
            for row in decided.new:
                row.id = 1 + sum(map(len, self.rows.values()))
                self.rows[ticket].append(row)
            owed += decided.owed
        self._queue(owed, now)
        if plan.server:
            self._deliver(deadlines, now, addresses(self.directory, plan.refuses))

    def _evaluated(self, now: datetime) -> dict[str, Deadline]:
        known = {c.ticket: case for c in self.world.complaints if (case := self._case(c))}
        judged = evaluate_all(list(known.values()), self.site.evaluation_context, now)
        return {
            ticket: deadline
            for ticket, found in zip(known, judged, strict=True)
            for deadline in found.deadlines
            if deadline.rule.id == INFORMATION
        }

    def _case(self, complaint: Complaint) -> CaseHistory | None:
        """What the registers have shown of a complaint; None before the first one that did."""
        received, done = self.world.events(complaint)
        shown = [(moment, read) for moment, read in self.registers if moment >= received]
        if not shown:
            return None
        first = min(read for _, read in shown)
        begun = ((Kind.RECEIVED, None), (Kind.VERIFIED, None), (Kind.ASSIGNED, UNIT))
        events = [Event(kind, received, first, "register", unit=unit) for kind, unit in begun]
        known = [read for moment, read in shown if done is not None and moment >= done]
        if done is not None and known:
            events.append(Event(Kind.SETTLED, done, min(known), "register"))
        until = max(moment for moment, _ in shown)
        facts = ComplaintFacts(classification="information_request", known_until=until)
        return CaseHistory(facts, events)

    def _acceptances(self, ticket: str) -> dict[int, list[Acceptance]]:
        found: dict[int, list[Acceptance]] = {}
        of_ticket = {row.id for row in self.rows[ticket]}
        for mail in self.mails:
            if mail.status == MessageStatus.SENT and mail.sent_at is not None:
                for key in mail.included & of_ticket:
                    accepted = Acceptance(key, mail.items[key][1], mail.sent_at)
                    found.setdefault(key, []).append(accepted)
        return found

    def _holders(self, role: Role, row: NoticeRow, now: datetime) -> list[str]:
        """The addresses of a role as the outbox finds them, without those that lost the notice."""
        lost = {m.address for m in self.mails if row.id in m.items and m.status in LOST}
        day, holders = now.astimezone(WITA).date(), self.site.directory.holders
        found = holders(role, row.unit or None, day, self.dead | lost).offices
        return [each.email for each in found if each.email not in lost]

    def _queue(self, owed: list[PendingNotice], now: datetime) -> None:
        boxes: dict[str, dict[int, tuple[PendingNotice, Role]]] = {}
        for each in owed:
            for role in each.audience.to:
                for address in self._holders(role, each.notice, now):
                    boxes.setdefault(address, {}).setdefault(each.notice.id, (each, role))
        for address, entries in boxes.items():
            weekly = all(pending.weekly is not None for pending, _ in entries.values())
            turn = self._weekly(address, now) if weekly else self._next_open(now)
            items = {key: (pending.notice, role) for key, (pending, role) in entries.items()}
            self._join(Mail(address, turn, weekly, items))

    def _join(self, new: Mail) -> None:
        for mail in self.mails:
            if (mail.address, mail.status) == (new.address, MessageStatus.QUEUED):
                mail.items = new.items | mail.items
                mail.turn = min(mail.turn, new.turn)
                return
        self.mails.append(new)

    def _weekly(self, address: str, now: datetime) -> datetime:
        sent = [m.sent_at for m in self.mails if m.address == address and m.weekly and m.sent_at]
        last, site = max(sent, default=None), self.site
        return next_weekly(0, now, site.mail_hours, site.evaluation_context, last)

    def _next_open(self, now: datetime) -> datetime:
        return self.site.mail_hours.next_open(now, self.site.evaluation_context)

    def _deliver(
        self, deadlines: dict[str, Deadline], now: datetime, refuses: frozenset[str]
    ) -> None:
        if self._next_open(now) > now:
            return
        self.diary.could_leave.append(now)
        for mail in [m for m in self.mails if m.status == MessageStatus.QUEUED and m.turn <= now]:
            for key, (row, role) in list(mail.items.items()):
                holders = self._holders(role, row, now)
                if holders and mail.address not in holders:
                    del mail.items[key]
                    for address in holders:
                        self._join(Mail(address, now, mail.weekly, {key: (row, role)}))
        for mail in [m for m in self.mails if m.status == MessageStatus.QUEUED and m.turn <= now]:
            mail.included = {
                key for key in mail.items if self._true(mail.items[key], deadlines, now)
            }
            if not mail.included:
                mail.status = MessageStatus.CANCELLED
            else:
                mail.status = MessageStatus.SENDING
                mail.status = MessageStatus.DEAD if mail.address in refuses else MessageStatus.SENT
            if mail.status == MessageStatus.SENT:
                mail.sent_at = now
                self._note(mail, now)
            self._settle(mail)

    def _true(
        self, item: tuple[NoticeRow, Role], deadlines: dict[str, Deadline], now: datetime
    ) -> bool:
        row, role = item
        ticket = self._ticket(row)
        deadline = deadlines.get(ticket)
        if deadline is None or not deadline.ticking:
            return False
        if role in OF_A_UNIT:
            return True
        rows, accepted = self.rows[ticket], self._acceptances(ticket)
        return may_be_notified(self.context, row, deadline, rows, accepted, now)

    def _ticket(self, row: NoticeRow) -> str:
        return next(ticket for ticket, rows in self.rows.items() if row in rows)

    def _note(self, mail: Mail, now: datetime) -> None:
        self.diary.accepted += [
            Accepted(now, self._ticket(row), row.rung, role, row.episode)
            for key, (row, role) in mail.items.items()
            if key in mail.included
        ]

    def _comes_back(self, mail: Mail, now: datetime) -> None:
        mail.status = MessageStatus.BOUNCED
        self.dead |= {mail.address}
        notices = {(self._ticket(row), row.rung, role) for row, role in mail.items.values()}
        self.diary.accepted = [
            replace(each, came_back=now)
            if each.at == mail.sent_at and (each.ticket, each.rung, each.role) in notices
            else each
            for each in self.diary.accepted
        ]
        self._settle(mail)

    def _settle(self, mail: Mail) -> None:
        for key, (row, _) in mail.items.items():
            outcomes = [
                (other.status, key in other.included) for other in self.mails if key in other.items
            ]
            if any(status == MessageStatus.SENT and there for status, there in outcomes):
                row.status = NoticeStatus.SENT
            elif any(status == MessageStatus.QUEUED for status, _ in outcomes):
                row.status = NoticeStatus.QUEUED
            elif any(status == MessageStatus.CANCELLED or not there for status, there in outcomes):
                row.status = NoticeStatus.WITHDRAWN
            else:
                row.status = NoticeStatus.FAILED
