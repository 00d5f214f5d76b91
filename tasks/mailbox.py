"""The sender's mailbox: suppress the addresses of returned mails, and record answers to notices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from db import notices
from db.lives import MessageStatus
from db.mailbox import bounces, position
from db.models import ReplyOutcome
from tasks.common.context import RunContext, SiteContext
from tasks.common.retry import retrying_task
from tasks.notifications.bounces import dsn
from tasks.notifications.bounces.mailbox import error_text, mailbox_of
from tasks.notifications.enqueue import (
    enqueue_alert,
    tell_of_lost_address,
    tell_of_unread_replies,
)
from tasks.notifications.replies import parse
from tasks.notifications.replies.match import record_reply
from tasks.sources.imap.connection import LimitedClient
from tasks.sources.imap.fetch import heads, uids, whole

OLDEST = timedelta(days=30)
"""The greatest age of a mail that is read: an older one says little about today."""

BATCH = 200
"""Number of mails per request for headers."""

MOST = 2_000
"""Limit of mails read in one run: a flood of them must not delay our own mails."""


@dataclass(slots=True)
class ReplyCount:
    """The answers in the mailbox, by outcome; `ignored` ones are not recorded."""

    accepted: int = 0
    repeated: int = 0
    no_choice: int = 0
    doubtful: int = 0
    wrong_sender: int = 0
    ignored: int = 0

    @property
    def read(self) -> int:
        """Number of answers read."""
        recorded = self.accepted + self.repeated + self.no_choice + self.doubtful
        return recorded + self.wrong_sender + self.ignored

    def add(self, outcomes: Sequence[ReplyOutcome]) -> None:
        """Count an answer once for each complaint that it names; without outcomes it is ignored."""
        for name in map(str, outcomes) if outcomes else ("ignored",):
            setattr(self, name, getattr(self, name) + 1)


@dataclass(slots=True)
class MailboxCount:
    """The result of reading the mailbox.

    `reports` counts the reports of mail servers. `unknown` of these name no mail of this site.
    `bounced` counts the mails that came back. `trouble` is the error text if the mailbox could not
    be read, else empty.
    """

    reports: int = 0
    bounced: int = 0
    unknown: int = 0
    trouble: str = ""
    replies: ReplyCount = field(default_factory=ReplyCount)


Arrived = tuple[datetime | None, dsn.BounceReport | parse.IncomingReply]
"""A mail of interest with its time of arrival."""


def read_mailbox(context: SiteContext, now: datetime, run_id: str) -> MailboxCount:
    """Read the mails that arrived in the sender's mailbox since the last poll, if one is
    configured.

    A mail reported as failed becomes bounced. The run then settles its notices again and marks its
    address, and the administrators are notified of the address once. A report counts only if it is
    about a mail that this site sent. An answer to a notice becomes a statement of the unit, which
    changes no deadline; answers are not read if the site switched them off. The mailbox itself is
    not changed. If it cannot be read, other mail still goes out, and the administrators are
    notified once a day.
    """
    count = MailboxCount()
    if not context.site.bounces_url:
        return count
    try:
        _read_new(context, now, run_id, count)
    except SQLAlchemyError:
        raise
    except Exception as error:
        count.trouble = error_text(error)
    if context.site.reply_address:
        with context.run(now, run_id) as run:
            tell_of_unread_replies(run)
    if count.trouble:
        facts = {"trouble": count.trouble[:300], "day": str(context.local(now).date())}
        with context.run(now, run_id) as run:
            enqueue_alert(run, "bounce_mailbox_unreadable", facts, same=("day",))
    return count


def _read_new(context: SiteContext, now: datetime, run_id: str, count: MailboxCount) -> None:
    """Read the mails that arrived since the last poll, or all of them if UIDVALIDITY has
    changed.
    """
    with mailbox_of(context.site) as (client, validity, next_uid):
        with context.transaction() as session:
            stored = position.position(session)
        last = stored[1] if stored is not None and stored[0] == validity else 0
        since = context.local(now - OLDEST).date()
        found = list(uids(client, last + 1, next_uid, "SINCE", since))
        new = found[:MOST]
        for start in range(0, len(new), BATCH):
            group = new[start : start + BATCH]
            mails = list(_of_interest(client, context, group))
            with context.run(now, run_id) as run:
                position.lock(run.session)
                for arrived, mail in mails:
                    moment = min(arrived or now, now)
                    if isinstance(mail, dsn.BounceReport):
                        _take(run, mail, moment, count)
                    else:
                        count.replies.add(record_reply(run, mail, moment))
                position.set_position(run.session, validity, group[-1])
        if new == found and next_uid is not None and stored != (validity, next_uid - 1):
            with context.transaction() as session:
                position.set_position(session, validity, next_uid - 1)


def _of_interest(
    client: LimitedClient, context: SiteContext, group: list[int]
) -> Iterator[Arrived]:
    """Return the reports and answers among these mails with their time of arrival.

    Of other mails only the header is fetched.
    """
    host = context.site.file.mail.sender.rpartition("@")[2]
    for uid, (arrived, header) in sorted(heads(client, group).items()):
        if dsn.may_be(header):
            if report := dsn.read(whole(client, uid, dsn.LARGEST)):
                yield arrived, report
        elif (
            context.site.reply_address
            and parse.may_be(header, host)
            and (reply := parse.read(whole(client, uid, parse.LARGEST)))
        ):
            yield arrived, reply


def _take(
    run: RunContext, report: dsn.BounceReport, arrived: datetime, count: MailboxCount
) -> None:
    """Apply a report once: set an undelivered mail to bounced, and mark its address."""
    count.reports += 1
    if not report.tells_of_failure:
        return
    named = (bounces.returned(run.session, f"<{name}>") for name in report.about)
    message = next((found for found in named if found is not None), None)
    if message is None:
        count.unknown += 1
        return
    failure = report.failure(message.recipient)
    if failure is None:
        return
    newly_marked = bounces.add(
        run.session,
        message,
        report_id=report.report_id,
        reported_at=arrived,
        code=failure.code,
        answer=failure.answer,
        now=run.now,
    )
    if message.status == MessageStatus.SENT:
        message.status = MessageStatus.BOUNCED
        count.bounced += 1
        run.session.flush()
        notices.settle(run.session, [item.notice_id for item in message.items], run.now)
    if newly_marked:
        answer = f"{failure.code} {failure.answer}".strip()
        tell_of_lost_address(run, "bounced_message", message, answer)


read_mailbox_task = retrying_task("read mailbox")(read_mailbox)
