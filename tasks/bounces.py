"""Bounces: find returned mails in the sender's mailbox and mark their addresses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from imapclient import IMAPClient
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from db import bounces, outbox
from db.models import MessageStatus
from sla.directory import Role
from tasks.common.context import SiteContext
from tasks.common.retry import retrying_task
from tasks.notifications.bounces import dsn
from tasks.notifications.bounces.mailbox import mailbox_of, told
from tasks.notifications.enqueue import enqueue_alert
from tasks.sources.imap.fetch import heads, uids, whole

OLDEST = timedelta(days=30)
"""The greatest age of a mail that is read: an older one says little about an address today."""

BATCH = 200
"""Number of mails per request for headers."""

MOST = 2_000
"""Limit of mails read in one run: a flood of them must not delay our own mails."""


@dataclass(slots=True)
class BounceCount:
    """The result of reading the mailbox.

    `reports` counts the reports of mail servers. `unknown` of these name no mail of this site.
    `bounced` counts the mails that came back. `trouble` is the error text if the mailbox could not
    be read, else empty.
    """

    reports: int = 0
    bounced: int = 0
    unknown: int = 0
    trouble: str = ""


def read_bounces(office: SiteContext, now: datetime, run_id: str) -> BounceCount:
    """Read the reports on returned mails that arrived since the last poll, if a mailbox is
    configured.

    A mail reported as failed becomes bounced. The run then settles its notices again and marks its
    address, and the administrators are notified of the address once. A report counts only if it is
    about a mail that this site sent. The mailbox itself is not changed. If it cannot be read, other
    mail still goes out, and the administrators are notified once a day.
    """
    count = BounceCount()
    if not office.site.bounces_url:
        return count
    try:
        _look(office, now, run_id, count)
    except SQLAlchemyError:
        raise
    except Exception as error:
        count.trouble = told(error)
    if count.trouble:
        facts = {"trouble": count.trouble[:300], "day": str(office.local(now).date())}
        with office.transaction() as session:
            enqueue_alert(
                session, office, "bounce_mailbox_unreadable", facts, now, run_id, same=("day",)
            )
    return count


def _look(office: SiteContext, now: datetime, run_id: str, count: BounceCount) -> None:
    """Read the mails that arrived since the last poll, or all of them if UIDVALIDITY has
    changed.
    """
    with mailbox_of(office.site) as (client, validity, next_uid):
        with office.transaction() as session:
            stored = bounces.position(session)
        last = stored[1] if stored is not None and stored[0] == validity else 0
        since = office.local(now - OLDEST).date()
        found = list(uids(client, last + 1, next_uid, "SINCE", since))
        new = found[:MOST]
        for start in range(0, len(new), BATCH):
            group = new[start : start + BATCH]
            reports = list(_reports(client, group))
            with office.transaction() as session:
                bounces.lock(session)
                for arrived, report in reports:
                    _take(session, office, report, min(arrived or now, now), now, run_id, count)
                bounces.set_position(session, validity, group[-1])
        if new == found and next_uid is not None and stored != (validity, next_uid - 1):
            with office.transaction() as session:
                bounces.set_position(session, validity, next_uid - 1)


def _reports(
    client: IMAPClient, group: list[int]
) -> Iterator[tuple[datetime | None, dsn.BounceReport]]:
    """Return the reports among these mails with their time of arrival.

    Of other mails only the header is fetched.
    """
    for uid, (arrived, header) in sorted(heads(client, group).items()):
        if dsn.may_be(header) and (report := dsn.read(whole(client, uid, dsn.LARGEST))):
            yield arrived, report


def _take(
    session: Session,
    office: SiteContext,
    report: dsn.BounceReport,
    arrived: datetime,
    now: datetime,
    run_id: str,
    count: BounceCount,
) -> None:
    """Apply a report once: set an undelivered mail to bounced, and mark its address."""
    count.reports += 1
    if not report.tells_of_failure:
        return
    named = (bounces.returned(session, f"<{name}>") for name in report.about)
    message = next((found for found in named if found is not None), None)
    if message is None:
        count.unknown += 1
        return
    failure = report.failure(message.recipient)
    if failure is None:
        return
    newly_marked = bounces.add(
        session,
        message,
        report_id=report.report_id,
        reported_at=arrived,
        code=failure.code,
        answer=failure.answer,
        now=now,
    )
    if message.status == MessageStatus.SENT:
        message.status = MessageStatus.BOUNCED
        count.bounced += 1
        session.flush()
        outbox.settle_notices(session, [item.notice_id for item in message.items], now)
    if newly_marked and _somebody_can_be_told(session, office, now):
        answer = f"{failure.code} {failure.answer}".strip()[:200]
        facts = {"recipient": message.recipient, "answer": answer, "mail": message.id}
        enqueue_alert(session, office, "bounced_message", facts, now, run_id)


def _somebody_can_be_told(session: Session, office: SiteContext, now: datetime) -> bool:
    """Check whether an alert can reach an administrator.

    It cannot if the mails to every administrator come back.
    """
    marked = bounces.suppressed_addresses(session)
    administrators = office.site.directory.holders(
        Role.ADMINISTRATOR, None, office.local(now).date()
    )
    return any(holder.email.casefold() not in marked for holder in administrators.offices)


read_bounces_task = retrying_task("read bounces")(read_bounces)
