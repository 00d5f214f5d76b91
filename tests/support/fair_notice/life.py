"""The whole of Tenggat with its database; only the text of mails and the server are left out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import date, datetime, timedelta

import pytest
from conftest import WITA, wita
from crash_tests.databases import SqliteFile
from sqlalchemy import select

from db import notices
from db.engine import open_engine
from db.lives import MessageStatus
from db.mailbox import bounces
from db.models import Complaint, DeadlineRow, MessageItem, MessageKind, MessageRow, NoticeRow
from settings.site import Site
from sla.engine.deadline import State
from support.fair_notice.mornings import (
    HOURS,
    INFORMATION,
    QUIET,
    Accepted,
    Diary,
    Morning,
    World,
    addresses,
    live,
    sent_on,
    without,
)
from support.live_sites import set_live
from support.pipeline import at, begin, decide, deliver, since, write_register
from tasks.common.context import SiteContext
from tasks.intake import pull
from tasks.notifications import sender
from tasks.notifications.composing.compose import Composer
from tasks.notifications.transport.smtp import PermanentFailure, ServerUnavailable


class Offline:
    """A connection to a mail server that does what the plan of the day says."""

    plan, refuses = QUIET, frozenset()

    def __init__(self, way: object) -> None:
        if not self.plan.server:
            raise ServerUnavailable("down")

    def __enter__(self) -> Offline:
        return self

    def __exit__(self, *of: object) -> None:
        """Close nothing."""

    def send(self, sender: str, recipient: str, mime: bytes) -> str:
        if recipient in self.refuses:
            raise PermanentFailure("5.1.1 no such user", 550)
        return "2.0.0 Ok"


@contextmanager
def lived_through(site: Site, database: SqliteFile) -> Iterator[Life]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sender, "smtp_address", lambda site, **more: nullcontext())
        patch.setattr(sender, "Connection", Offline)
        patch.setattr(Composer, "compose", _composed)
        database.empty()
        engine, directory = open_engine(database.url), site.directory
        try:
            set_live(engine)
            yield Life(SiteContext(site, engine))
        finally:
            site.directory = directory
            engine.dispose()


def _composed(composer: Composer, message: MessageRow) -> bytes | None:
    true = message.kind != MessageKind.NOTICES or composer.desks.get(message) is not None
    return b"mail" if true else None


class Life:
    """A site with its database, through the mornings of a world."""

    def __init__(self, context: SiteContext) -> None:
        self.context, self.directory = context, context.site.directory
        self.diary = Diary()
        for path in (context.site.folder / "inbox" / "register").iterdir():
            path.unlink()
        begin(context, "register", wita("2026-01-05 08:00"))

    def through(self, world: World) -> Diary:
        self.world = world
        live(world, morning=self.morning, run=self.run)
        self.diary.accepted += self._accepted()
        return self.diary

    def morning(self, now: datetime, day: date, plan: Morning) -> None:
        for sent, then in self.world.returning(day):
            for address in addresses(self.directory, then.returns):
                self._comes_back(address, sent, now)
        self.context.site.directory = without(self.directory, plan.vacant)
        Offline.plan, Offline.refuses = plan, addresses(self.directory, plan.refuses)
        if plan.works and plan.register is not None:
            moment = now - timedelta(days=plan.register, minutes=1)
            write_register(self.context, moment, *self._entries(moment))
            pull(self.context, "register", now)

    def run(self, now: datetime, plan: Morning) -> None:
        self.diary.runs.append(now)
        decide(self.context, f"{now.astimezone(WITA):%Y-%m-%d %H:%M}")
        with self.context.transaction() as session:
            late = (
                select(Complaint.ticket)
                .join(DeadlineRow, DeadlineRow.complaint_id == Complaint.id)
                .where(DeadlineRow.state == State.BREACHED, DeadlineRow.stopped.is_(None))
                .where(DeadlineRow.rule == INFORMATION)
            )
            self.diary.found += [(now, ticket) for ticket in session.scalars(late)]
        deliver(self.context, now)
        if plan.server and self.context.send_after(now) == now:
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
        with self.context.transaction() as session:
            sent = select(MessageRow).where(
                MessageRow.recipient == address, MessageRow.kind == MessageKind.NOTICES
            )
            for message in session.scalars(sent).all():
                if message.status == MessageStatus.SENT and sent_on(message.sent_at, day):
                    report = {"report_id": f"{message.id}", "code": "5.1.1", "answer": ""}
                    bounces.add(session, message, reported_at=now, now=now, **report)
                    message.status = MessageStatus.BOUNCED
                    session.flush()
                    notices.settle(session, [i.notice_id for i in message.items], now)

    def _accepted(self) -> Iterator[Accepted]:
        query = (
            select(MessageRow, MessageItem.role, NoticeRow, Complaint.ticket)
            .join(MessageItem, MessageItem.message_id == MessageRow.id)
            .join(NoticeRow, NoticeRow.id == MessageItem.notice_id)
            .join(Complaint, Complaint.id == NoticeRow.complaint_id)
            .where(MessageItem.included.is_(True), MessageItem.correction.is_(False))
            .where(MessageRow.sent_at.is_not(None))
        )
        with self.context.transaction() as session:
            for message, role, notice, ticket in session.execute(query):
                back = None
                if message.status == MessageStatus.BOUNCED:
                    day = self.context.local(message.sent_at).date()
                    after = dict(self.world.days())[day].after
                    back = wita(f"{day + timedelta(days=after)} {HOURS[0]:02}:00")
                sent, rung = message.sent_at, notice.rung
                yield Accepted(sent, ticket, rung, role, notice.episode, back)
