"""Send: what the outbox owes goes to the mail server, each mail claimed before it is sent."""

from __future__ import annotations

import random
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.exc import SQLAlchemyError

from db import outbox
from db.models import DeliveryAttempt, MessageKind, MessageRow, MessageStatus
from tasks.composing import compose
from tasks.mailbox import local_mailbox
from tasks.office import Office
from tasks.queueing import alert
from tasks.smtp import Connection, MailTrouble, Refused, ServerUnusable, Uncomposable, Way

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=4)


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


@contextmanager
def mail_way(office: Office) -> Iterator[Way]:
    """The site's mail server; for `mailbox:` the built-in one, running while the block lasts."""
    mail = office.site.file.mail
    if office.site.mail_url == "mailbox:":
        with local_mailbox(office.site.var / "mailbox", timeout=mail.timeout_seconds) as way:
            yield way
    else:
        yield Way(office.site.mail_url, ca_file=mail.ca_file, timeout=mail.timeout_seconds)


@task(name="send what is owed", task_run_name="send what is owed", cache_policy=NO_CACHE)
def send_owed(office: Office, now: datetime, run: str) -> DeliveryCount:
    """Send every mail whose turn has come.

    For each mail, in this order: 1. claim it by an update that changes exactly one row; 2. judge
    its items again and compose it; 3. hand it to the server; 4. record the answer. A process that
    dies between 3 and 4 leaves a claim that a later run finds stale: the copy it sends bears the
    same Message-ID. When the server itself is unusable the rest stays queued and `trouble` says
    why.
    """
    count = DeliveryCount()
    with office.transaction() as session:
        outbox.release_stale_claims(session, now)
        waiting = list(outbox.due(session, now))
    if waiting:
        try:
            with mail_way(office) as way, Connection(way) as connection:
                _send_all(office, connection, waiting, now, run, count)
        except ServerUnusable as error:
            count.trouble = error.answer
    with office.transaction() as session:
        count.pending = outbox.pending(session)
    return count


def _send_all(
    office: Office,
    connection: Connection,
    waiting: list[int],
    now: datetime,
    run: str,
    count: DeliveryCount,
) -> None:
    """Send these mails, and what they give rise to, until nothing is due or nothing can go."""
    begun = monotonic()
    while waiting:
        for key in waiting:
            # a claim bears the hour at which it was taken, or a long run would look dead
            moment = now + timedelta(seconds=monotonic() - begun)
            _send_one(office, connection, key, now, moment, run, count)
            if count.trouble:
                return
        with office.transaction() as session:
            waiting = list(outbox.due(session, now))


def _send_one(
    office: Office,
    connection: Connection,
    key: int,
    now: datetime,
    moment: datetime,
    run: str,
    count: DeliveryCount,
) -> None:
    token = str(uuid.uuid4())
    with office.transaction() as session:
        if not outbox.claim(session, key, token, moment):
            return
    try:
        mail = _composed(office, key, token, now, count)
        if mail is None:
            return
        answer = connection.send(office.site.file.mail.sender, *mail)
    except MailTrouble as error:
        _record(office, key, token, now, run, count, error)
    else:
        _record(office, key, token, now, run, count, answer)


def _composed(
    office: Office, key: int, token: str, now: datetime, count: DeliveryCount
) -> tuple[str, bytes] | None:
    """Recipient and mail, kept as evidence; None where nothing is owed any more.

    Raises :class:`Uncomposable`, so that one odd mail does not hold up those behind it.
    """
    try:
        with office.transaction() as session:
            message = outbox.claimed(session, key, token)
            if message is None:
                return None
            mime = compose(session, office, message, now)
            if mime is None:
                message.status, message.next_attempt_at = MessageStatus.CANCELLED, None
                session.flush()
                outbox.settle_notices(session, [item.notice_id for item in message.items])
                count.cancelled += 1
                return None
            message.mime = zlib.compress(mime)
            return message.recipient, mime
    except SQLAlchemyError:  # the database itself: nobody's mail is odd
        raise
    except Exception as error:  # its text may hold what a complainant gave: only its kind is kept
        raise Uncomposable(f"cannot be composed: {type(error).__name__}") from None


def _record(
    office: Office,
    key: int,
    token: str,
    now: datetime,
    run: str,
    count: DeliveryCount,
    outcome: str | MailTrouble,
) -> None:
    """Write down what became of a mail: the server's yes, or the trouble."""
    with office.transaction() as session:
        message = outbox.claimed(session, key, token)
        if message is None:  # our claim went stale and another took over
            return
        message.claim = None
        if isinstance(outcome, str):
            message.status, message.sent_at, message.next_attempt_at = MessageStatus.SENT, now, None
            _attempt(message, now, "sent", 250, outcome)
            count.sent += 1
            count.by_role[message.role] = count.by_role.get(message.role, 0) + 1
        elif isinstance(outcome, ServerUnusable):
            message.status, message.next_attempt_at = MessageStatus.QUEUED, now + FIRST_RETRY
            _attempt(message, now, "unusable", outcome.code, outcome.answer)
            count.deferred += 1
            count.trouble = outcome.answer
        else:
            _settle_trouble(office, message, outcome, now)
            if message.status == MessageStatus.DEAD:
                count.dead += 1
            else:
                count.deferred += 1
            told = message.status == MessageStatus.DEAD or isinstance(outcome, Uncomposable)
            if told and message.kind != MessageKind.ALERT:
                kind = "dead_message" if message.status == MessageStatus.DEAD else "odd_message"
                facts = {
                    "recipient": message.recipient,
                    "answer": str(outcome)[:200],
                    "mail": message.id,
                }
                alert(session, office, kind, facts, now, run)
        session.flush()
        outbox.settle_notices(session, [item.notice_id for item in message.items])


def _settle_trouble(
    office: Office, message: MessageRow, trouble: MailTrouble, now: datetime
) -> None:
    """Dead where the server refused for good or for too long; else another try, later each time."""
    limit = timedelta(hours=office.site.file.mail.give_up_after_hours)
    tries = len(message.attempts)
    first = message.attempts[0].attempted_at if message.attempts else now
    expired = now - first >= limit
    if isinstance(trouble, Refused) or expired:
        message.status, message.next_attempt_at = MessageStatus.DEAD, None
        _attempt(message, now, "refused", trouble.code, trouble.answer)
        return
    wait = min(FIRST_RETRY * 2 ** min(tries, 16), LONGEST_RETRY)
    jitter = random.uniform(1.0, 1.5)  # noqa: S311 - spreads load, keeps no secret
    message.status, message.next_attempt_at = MessageStatus.QUEUED, now + wait * jitter
    _attempt(message, now, "deferred", trouble.code, trouble.answer)


def _attempt(
    message: MessageRow, now: datetime, outcome: str, code: int | None, answer: str
) -> None:
    message.attempts.append(
        DeliveryAttempt(attempted_at=now, outcome=outcome, code=code, answer=answer)
    )
