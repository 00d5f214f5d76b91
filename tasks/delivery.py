"""Send: what the outbox owes goes to the mail server, each mail claimed before it is sent."""

from __future__ import annotations

import random
import uuid
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from db import outbox
from db.models import DeliveryAttempt, MessageKind, MessageRow, MessageStatus
from tasks.composing import compose_all
from tasks.mail_way import mail_way
from tasks.office import Office
from tasks.pacing import MINUTE, Clock, Pace, too_fast
from tasks.patience import step
from tasks.queueing import alert
from tasks.recorder import Recorder
from tasks.smtp import Connection, MailTrouble, Refused, ServerUnusable, Uncomposable

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=4)

AT_ONCE = 50
"""How many mails are claimed and composed together."""

FRESH = timedelta(seconds=10)
"""How long a mail may have been claimed before it goes."""

SOON = timedelta(minutes=5)
"""How long the composing of some mails may take."""

LONGEST_RUN = timedelta(minutes=4)
"""How long a run waits for its pace; what is left goes with the next one."""


@dataclass(slots=True)
class DeliveryCount:
    """What became of the mails that a delivery run tried."""

    sent: int = 0
    deferred: int = 0
    dead: int = 0
    cancelled: int = 0
    pending: int = 0
    by_role: dict[str, int] = field(default_factory=dict)
    trouble: str = ""


@step("send what is owed")
def send_owed(
    office: Office, now: datetime, run: str, clock: Callable[[datetime], Clock] = Clock
) -> DeliveryCount:
    """Send every mail whose turn has come.

    Some at a time, in this order: 1. judge their items again and compose them; 2. claim them by an
    update that takes only what nobody else has; 3. hand each to the server; 4. record its answer,
    while the next ones are on their way. A process that dies between 3 and 4 leaves a claim that a
    later run finds stale: the copy it sends bears the same Message-ID. Where the site's rate or the
    server asks for a slower pace, the run waits, and leaves to the next run what would take too
    long. When the server itself is unusable the rest stays queued and `trouble` says why.
    """
    count = DeliveryCount()
    time = clock(now)
    with office.transaction() as session:
        outbox.release_stale_claims(session, now)
        turn = outbox.next_turn(session)
        before = outbox.sent_since(session, now - MINUTE)
    if turn is not None and turn <= now:
        mail = office.site.file.mail
        pace = Pace(mail.per_minute, mail.per_minute_to, before)
        try:
            with mail_way(office.site) as way, Connection(way) as connection:
                _Delivery(office, connection, pace, time, now, run, count).all()
        except ServerUnusable as error:
            count.trouble = error.answer
    with office.transaction() as session:
        count.pending = outbox.pending(session)
    return count


class _Delivery:
    """One run of sending: its connection, its pace and its count."""

    def __init__(
        self,
        office: Office,
        connection: Connection,
        pace: Pace,
        clock: Clock,
        now: datetime,
        run: str,
        count: DeliveryCount,
    ) -> None:
        self.office, self.connection, self.pace, self.clock = office, connection, pace, clock
        self.now, self.run, self.count = now, run, count
        self.sender = office.site.file.mail.sender
        self.roles: dict[int, str] = {}
        self.domain_free_at: datetime | None = None

    def all(self) -> None:
        """Send mails, and what they give rise to, until nothing is due or nothing may go."""
        while not self.count.trouble and self._any_due() and self._may_go_on():
            moment = self.clock.moment()
            ready = self._make_ready(moment)
            if ready is None:
                if not self._awaits_a_domain(moment):
                    return
                continue
            token, begun = str(uuid.uuid4()), self.clock.moment()
            if begun - moment > SOON:
                continue  # the machine stood still: what was composed is composed again
            with self.office.transaction() as session:
                claimed = outbox.claim(session, token, ready, begun)
            try:
                with Recorder(partial(self._sent, token)) as recorder:
                    self._send(token, claimed, begun, recorder)
                    recorder.flush()
            finally:
                with self.office.transaction() as session:
                    outbox.give_back(session, token, [mail.id for mail in claimed])

    def _any_due(self) -> bool:
        """Whether a mail's turn has come, or comes as soon as its domain may have it."""
        with self.office.transaction() as session:
            turn = outbox.next_turn(session)
        now = self.clock.moment()
        return turn is not None and turn <= max(now, self.domain_free_at or now)

    def _may_go_on(self) -> bool:
        """Whether the next mail may leave in this run; waits until it may."""
        moment = self.clock.moment()
        pause = max(self.pace.free_at(moment) - moment, self.pace.gap)
        if self.pace.exhausted or moment + pause - self.now > LONGEST_RUN:
            return False
        if pause:
            self.clock.wait(pause)
        return True

    def _awaits_a_domain(self, moment: datetime) -> bool:
        """Whether mails wait only for their domain's rate, and not for too long; waits for it."""
        free, self.domain_free_at = self.domain_free_at, None
        if free is None or free - self.now > LONGEST_RUN:
            return False
        self.clock.wait(free - moment)
        return True

    def _make_ready(self, moment: datetime) -> list[int] | None:
        """Compose mails whose turn has come, and keep them as evidence; None where there are none.

        What is no longer true is cancelled. One odd mail does not hold up those behind it.
        """
        ready = []
        with self.office.transaction() as session:
            most = self.pace.at_once(moment, AT_ONCE)
            messages = outbox.take_due(session, moment, most)
            for message, mime in compose_all(session, self.office, messages, moment, self.now):
                if mime is None:
                    message.status, message.next_attempt_at = MessageStatus.CANCELLED, None
                    session.flush()
                    outbox.settle_notices(
                        session, [item.notice_id for item in message.items], moment
                    )
                    self.count.cancelled += 1
                elif isinstance(mime, Uncomposable):
                    self._settle(session, message, mime, moment)
                else:
                    message.mime, message.composed_at = zlib.compress(mime, 1), moment
                    ready.append(message.id)
        return ready if messages else None

    def _send(
        self, token: str, claimed: Sequence[outbox.Claimed], begun: datetime, recorder: Recorder
    ) -> None:
        """Send one mail after the other, as long as what they say, and the claim, are fresh."""
        for mail in claimed:
            moment = self.clock.moment()
            free = self.pace.free_at(moment, mail.recipient)
            if free > moment:
                self.domain_free_at = min(free, self.domain_free_at or free)
                with self.office.transaction() as session:
                    outbox.give_back(session, token, [mail.id], free)
                continue
            if moment - begun > FRESH:
                return  # what was judged too long ago is judged again
            recorder.check()
            mime = zlib.decompress(mail.mime)
            try:
                answer = self.connection.send(self.sender, mail.recipient, mime)
            except MailTrouble as trouble:
                self._failed(token, mail.id, trouble)
                if too_fast(trouble):
                    self.pace.complained()
                    return
                if self.count.trouble:
                    return
            else:
                self.pace.went(moment, mail.recipient)
                self.roles[mail.id] = mail.role
                recorder.add(mail.id, answer)

    def _sent(self, token: str, answers: dict[int, str]) -> None:
        """Write down the server's yes to some mails."""
        with self.office.transaction() as session:
            ours = outbox.sent(session, token, answers, self.clock.moment())
        for key in ours:  # else our claim went stale and another took over
            role = self.roles[key]
            self.count.sent += 1
            self.count.by_role[role] = self.count.by_role.get(role, 0) + 1

    def _failed(self, token: str, key: int, trouble: MailTrouble) -> None:
        """Write down what the server said, or what went wrong."""
        with self.office.transaction() as session:
            for message in outbox.claimed(session, token, [key]):
                self._settle(session, message, trouble, self.clock.moment())

    def _settle(
        self, session: Session, message: MessageRow, trouble: MailTrouble, now: datetime
    ) -> None:
        office, count = self.office, self.count
        message.claim = None
        if isinstance(trouble, ServerUnusable):
            message.status, message.next_attempt_at = MessageStatus.QUEUED, now + FIRST_RETRY
            _attempt(message, now, "unusable", trouble)
            count.deferred += 1
            count.trouble = trouble.answer
            return
        _try_again_or_give_up(office, message, trouble, now)
        dead = message.status == MessageStatus.DEAD
        count.dead += dead
        count.deferred += not dead
        if (dead or isinstance(trouble, Uncomposable)) and message.kind != MessageKind.ALERT:
            facts = {
                "recipient": message.recipient, "answer": str(trouble)[:200], "mail": message.id,
            }  # fmt: skip
            kind = "dead_message" if dead else "odd_message"
            alert(session, office, kind, facts, now, self.run)
        session.flush()
        outbox.settle_notices(session, [item.notice_id for item in message.items], now)


def _try_again_or_give_up(
    office: Office, message: MessageRow, trouble: MailTrouble, now: datetime
) -> None:
    """Dead where the server refused for good or for too long; else another try, later each time."""
    limit = timedelta(hours=office.site.file.mail.give_up_after_hours)
    tried = [each.attempted_at for each in message.attempts if each.outcome == "deferred"]
    tries, first = len(tried), min(tried, default=now)  # a server out of reach has not been asked
    expired = now - first >= limit
    if isinstance(trouble, Refused) or expired:
        message.status, message.next_attempt_at = MessageStatus.DEAD, None
        _attempt(message, now, "refused", trouble)
        return
    wait = min(FIRST_RETRY * 2 ** min(tries, 16), LONGEST_RETRY)
    jitter = random.uniform(1.0, 1.5)  # noqa: S311 - spreads load, keeps no secret
    message.status, message.next_attempt_at = MessageStatus.QUEUED, now + wait * jitter
    _attempt(message, now, "deferred", trouble)


def _attempt(message: MessageRow, now: datetime, outcome: str, trouble: MailTrouble) -> None:
    message.attempts.append(
        DeliveryAttempt(attempted_at=now, outcome=outcome, code=trouble.code, answer=trouble.answer)
    )
