"""Fair notice through random mornings: superiors after the unit, and the unit at once.

The first test drives the decisions with a model of the outbox, over many mornings; the second one
drives the whole of Tenggat with its database, over some. Only the text of the mails and the mail
server are left out.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from types import SimpleNamespace

import pytest
from conftest import REPOSITORY, WITA, wita
from crash_tests.databases import SqliteFile
from hypothesis import HealthCheck, Phase, example, given, settings
from sqlalchemy import select
from support.mornings import (
    HOURS,
    QUIET,
    UNIT,
    Accepted,
    Complaint,
    Diary,
    Morning,
    World,
    addresses,
    each_unit_within_a_working_day,
    live,
    no_superior_before_the_unit,
    without,
    worlds,
)
from support.pipeline import at, begin, decide, deliver, since, write_register
from support.programs import sized

from db import outbox
from db.engine import open_engine
from db.mailbox import bounces
from db.models import Complaint as ComplaintRow
from db.models import (
    DeadlineRow,
    MessageItem,
    MessageKind,
    MessageRow,
    MessageStatus,
    NoticeRow,
    NoticeStatus,
)
from db.outbox import Acceptance
from settings import Site, load_site
from sla.directory import OF_A_UNIT, Role
from sla.engine.context import ComplaintFacts
from sla.engine.deadline import Deadline, State
from sla.engine.evaluate import CaseHistory, evaluate_all
from sla.escalation import next_weekly
from sla.events import Event, Kind
from tasks.common.context import SiteContext
from tasks.evaluation.notices import (
    PendingNotice,
    decide_notices,
    history_of,
    may_be_told,
    rungs_reached,
)
from tasks.intake import pull
from tasks.notifications import compose, sender
from tasks.notifications.transport.smtp import PermanentFailure, ServerUnavailable

pytestmark = pytest.mark.long

INFORMATION = "sp4n-guideline/information"

BOTH = frozenset(OF_A_UNIT)
LATE = (Complaint(0, 20, None), Complaint(1, 5, None))
RETURNED_BEFORE_MONDAY = World(
    date(2026, 11, 16), LATE[:1], (Morning(returns=BOTH, after=5), *[QUIET] * 14)
)
"""Mail of a Monday comes back on Saturday; the weekly mail to the secretary waits for Monday."""
NOBODY_THERE = World(date(2026, 11, 16), LATE, (*[Morning(vacant=BOTH)] * 9, *[QUIET] * 14))
SERVER_DOWN = World(date(2027, 3, 1), LATE, (*[Morning(server=False)] * 9, *[QUIET] * 18))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("mornings")
    shutil.copytree(
        REPOSITORY / "examples" / "kabupaten-contoh",
        folder / "site",
        ignore=shutil.ignore_patterns("inbox"),
    )
    (folder / "site" / "inbox" / "register").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TENGGAT_VAR", str(folder / "var"))
        yield load_site(folder / "site")


def few(examples: int) -> settings:
    return settings(
        max_examples=sized(examples, 20 * examples),
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=[HealthCheck.too_slow],
    )


# --- a model of the outbox ------------------------------------------------------------------------


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
        context = site.evaluation_context
        self.site = SimpleNamespace(
            evaluation_context=context,
            ladders=site.ladders,
            holds=(),
            directory=site.directory,
            mail_hours=site.mail_hours,
        )
        self.office = SimpleNamespace(site=self.site, local=lambda now: now.astimezone(WITA))
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
                if mail.address in back and _sent_on(mail.sent_at, sent):
                    self._comes_back(mail, now)
        self.site.directory = without(self.directory, plan.vacant)
        if plan.works and plan.register is not None:
            self.registers.append((now - timedelta(days=plan.register), now))

    def run(self, now: datetime, plan: Morning) -> None:
        self.diary.runs.append(now)
        deadlines = self._evaluated(now)
        owed: list[PendingNotice] = []
        for ticket, deadline in deadlines.items():
            if deadline.state is State.BREACHED and deadline.ticking:
                self.diary.found.append((now, ticket))
            history = history_of(deadline, self.rows[ticket], self._acceptances(ticket))
            steps = rungs_reached(self.office, deadline, now, history.notified)
            decided = decide_notices(self.office, 0, deadline, steps, history, now, "run")
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
        return may_be_told(self.office, row, deadline, rows, accepted, now)

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


LOST = (MessageStatus.DEAD, MessageStatus.BOUNCED)


def _sent_on(moment: datetime | None, day: date) -> bool:
    return moment is not None and moment.astimezone(WITA).date() == day


@few(30)
@given(world=worlds(10, 9))
@example(world=RETURNED_BEFORE_MONDAY)
@example(world=NOBODY_THERE)
@example(world=SERVER_DOWN)
def test_superiors_hear_after_the_unit_and_the_unit_within_a_working_day(site, world):
    model = Model(site, world)
    live(world, morning=model.morning, run=model.run)
    no_superior_before_the_unit(model.diary, site.evaluation_context.calendar)
    each_unit_within_a_working_day(model.diary, site.evaluation_context.calendar)


@pytest.mark.parametrize("world", [RETURNED_BEFORE_MONDAY, NOBODY_THERE, SERVER_DOWN])
def test_superiors_do_hear_in_the_end(site, world):
    model = Model(site, world)
    live(world, morning=model.morning, run=model.run)
    told = {(each.ticket, each.role) for each in model.diary.accepted}
    assert {(each.ticket, Role.REGIONAL_SECRETARY) for each in world.complaints} <= told


# --- the whole of Tenggat -------------------------------------------------------------------------


class Offline:
    """A connection to a mail server that does what the plan of the day says."""

    plan, refuses = QUIET, frozenset()

    def __init__(self, way: object) -> None:
        if not self.plan.server:
            raise ServerUnavailable("down")

    def __enter__(self) -> "Offline":
        return self

    def __exit__(self, *of: object) -> None:
        """Close nothing."""

    def send(self, sender: str, recipient: str, mime: bytes) -> str:
        if recipient in self.refuses:
            raise PermanentFailure("5.1.1 no such user", 550)
        return "2.0.0 Ok"


@contextmanager
def lived_through(site: Site, database: SqliteFile) -> Iterator["Life"]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sender, "mail_way", lambda site, **more: nullcontext())
        patch.setattr(sender, "Connection", Offline)
        patch.setattr(compose, "_composed", _composed)
        database.empty()
        engine, directory = open_engine(database.url), site.directory
        try:
            yield Life(SiteContext(site, engine))
        finally:
            site.directory = directory
            engine.dispose()


def _composed(session, office, message, now, view, *more) -> bytes | None:
    return None if view is None and message.kind == MessageKind.NOTICES else b"mail"


class Life:
    """A site with its database, through the mornings of a world."""

    def __init__(self, office: SiteContext) -> None:
        self.office, self.directory = office, office.site.directory
        self.diary = Diary()
        for path in (office.site.folder / "inbox" / "register").iterdir():
            path.unlink()
        begin(office, "register", wita("2026-01-05 08:00"))

    def through(self, world: World) -> Diary:
        self.world = world
        live(world, morning=self.morning, run=self.run)
        self.diary.accepted += self._accepted()
        return self.diary

    def morning(self, now: datetime, day: date, plan: Morning) -> None:
        for sent, then in self.world.returning(day):
            for address in addresses(self.directory, then.returns):
                self._comes_back(address, sent, now)
        self.office.site.directory = without(self.directory, plan.vacant)
        Offline.plan, Offline.refuses = plan, addresses(self.directory, plan.refuses)
        if plan.works and plan.register is not None:
            moment = now - timedelta(days=plan.register, minutes=1)
            write_register(self.office, moment, *self._entries(moment))
            pull(self.office, "register", now)

    def run(self, now: datetime, plan: Morning) -> None:
        self.diary.runs.append(now)
        decide(self.office, f"{now.astimezone(WITA):%Y-%m-%d %H:%M}")
        with self.office.transaction() as session:
            late = (
                select(ComplaintRow.ticket)
                .join(DeadlineRow, DeadlineRow.complaint_id == ComplaintRow.id)
                .where(DeadlineRow.state == State.BREACHED, DeadlineRow.stopped.is_(None))
                .where(DeadlineRow.rule == INFORMATION)
            )
            self.diary.found += [(now, ticket) for ticket in session.scalars(late)]
        deliver(self.office, now)
        if plan.server and self.office.send_after(now) == now:
            self.diary.could_leave.append(now)

    def _entries(self, moment: datetime) -> Iterator[dict[str, str]]:
        for complaint in self.world.complaints:
            received, done = self.world.events(complaint)
            if received <= moment:
                day = f"{received.astimezone(WITA):%d/%m/%Y}"
                ended = done is not None and done <= moment
                more = {"Selesai": f"{done.astimezone(WITA):%d/%m/%Y %H:%M}"} if ended else {}
                yield at("Dinas Sosial", complaint.ticket, **since(day), **more)

    def _comes_back(self, address: str, day: date, now: datetime) -> None:
        with self.office.transaction() as session:
            sent = select(MessageRow).where(
                MessageRow.recipient == address, MessageRow.kind == MessageKind.NOTICES
            )
            for message in session.scalars(sent).all():
                if message.status == MessageStatus.SENT and _sent_on(message.sent_at, day):
                    report = {"report_id": f"{message.id}", "code": "5.1.1", "answer": ""}
                    bounces.add(session, message, reported_at=now, now=now, **report)
                    message.status = MessageStatus.BOUNCED
                    session.flush()
                    outbox.settle_notices(session, [i.notice_id for i in message.items], now)

    def _accepted(self) -> Iterator[Accepted]:
        query = (
            select(MessageRow, MessageItem.role, NoticeRow, ComplaintRow.ticket)
            .join(MessageItem, MessageItem.message_id == MessageRow.id)
            .join(NoticeRow, NoticeRow.id == MessageItem.notice_id)
            .join(ComplaintRow, ComplaintRow.id == NoticeRow.complaint_id)
            .where(MessageItem.included.is_(True), MessageItem.correction.is_(False))
            .where(MessageRow.sent_at.is_not(None))
        )
        with self.office.transaction() as session:
            for message, role, notice, ticket in session.execute(query):
                back = None
                if message.status == MessageStatus.BOUNCED:
                    day = self.office.local(message.sent_at).date()
                    after = dict(self.world.days())[day].after
                    back = wita(f"{day + timedelta(days=after)} {HOURS[0]:02}:00")
                sent, rung = message.sent_at, notice.rung
                yield Accepted(sent, ticket, rung, role, notice.episode, back)


@few(4)
@given(world=worlds(6, 8))
@example(world=RETURNED_BEFORE_MONDAY)
@example(world=NOBODY_THERE)
def test_so_they_do_with_the_database(site, database, world):
    with lived_through(site, database) as life:
        diary = life.through(world)
    no_superior_before_the_unit(diary, site.evaluation_context.calendar)
    each_unit_within_a_working_day(diary, site.evaluation_context.calendar)
    assert diary.could_leave


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> SqliteFile:
    return SqliteFile(tmp_path_factory.mktemp("mornings"))
