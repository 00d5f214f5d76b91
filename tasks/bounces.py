"""Bounces: mails that came back are found in the sender's mailbox, and their addresses marked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from imapclient import IMAPClient
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from db import bounces, looks, outbox
from db.models import MessageStatus
from sla.directory import Role
from tasks import dsn
from tasks.bounces_mailbox import NAME, mailbox_of, told
from tasks.feeds import resuming
from tasks.feeds.imap.fetching import heads, uids, whole
from tasks.office import Office
from tasks.patience import step
from tasks.queueing import alert

OLDEST = timedelta(days=30)
"""What arrived earlier is passed over: it tells little of an address today."""

BATCH = 200
"""Of how many mails the headers are asked for at once."""

MOST = 2_000
"""Mails that one run looks at: a flood of them must not keep ours from going out."""


@dataclass(slots=True)
class BounceCount:
    """What was found in the mailbox.

    `reports` of mail servers, of which `unknown` name no mail that went out from here; `bounced`
    mails came back. `trouble` says why the mailbox could not be read, if it could not.
    """

    reports: int = 0
    bounced: int = 0
    unknown: int = 0
    trouble: str = ""


@step("read bounces")
def read_bounces(office: Office, now: datetime, run: str) -> BounceCount:
    """Look for mails that came back since the last look; without a mailbox there are none.

    A mail that is reported as failed has bounced: its notices are settled anew, and its address is
    marked and told to the administrators once. Only reports about mails that went out from here
    count. The mailbox stays as it is. One that cannot be read keeps no mail from going out:
    the administrators are told once a day.
    """
    count = BounceCount()
    if not office.site.bounces_url:
        return count
    try:
        _look(office, now, run, count)
    except SQLAlchemyError:
        raise
    except Exception as error:
        count.trouble = told(error)
    if count.trouble:
        facts = {"trouble": count.trouble[:300], "day": str(office.local(now).date())}
        with office.transaction() as session:
            alert(session, office, "bounces_unread", facts, now, run, same=("day",))
    return count


def _look(office: Office, now: datetime, run: str, count: BounceCount) -> None:
    """Read what has arrived since the last look, or everything where it is numbered anew."""
    with mailbox_of(office.site) as (client, validity, next_uid):
        kept = (resuming.position(office, NAME) or "").partition(":")
        last = int(kept[2]) if kept[0] == str(validity) else 0
        since = office.local(now - OLDEST).date()
        found = list(uids(client, last + 1, next_uid, "SINCE", since))
        new = found[:MOST]
        for start in range(0, len(new), BATCH):
            group = new[start : start + BATCH]
            reports = list(_reports(client, group))
            with office.transaction() as session:
                looks.lock(session, NAME)
                for arrived, report in reports:
                    _take(session, office, report, min(arrived or now, now), now, run, count)
                looks.set_cursor(session, NAME, f"{validity}:{group[-1]}")
        read = (str(validity), ":", str((next_uid or 0) - 1))
        if new == found and next_uid is not None and kept != read:
            with office.transaction() as session:
                looks.set_cursor(session, NAME, "".join(read))


def _reports(client: IMAPClient, group: list[int]) -> Iterator[tuple[datetime | None, dsn.Report]]:
    """The reports among these mails with their time of arrival; of others no more than the header
    is fetched."""
    for uid, (arrived, header) in sorted(heads(client, group).items()):
        if dsn.may_be(header) and (report := dsn.read(whole(client, uid, dsn.LARGEST))):
            yield arrived, report


def _take(
    session: Session,
    office: Office,
    report: dsn.Report,
    arrived: datetime,
    now: datetime,
    run: str,
    count: BounceCount,
) -> None:
    """Let a report have its effect, once: a mail that did not arrive has bounced."""
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
        session, message, report_id=report.report_id, reported_at=arrived,
        code=failure.code, answer=failure.answer, now=now,
    )  # fmt: skip
    if message.status == MessageStatus.SENT:
        message.status = MessageStatus.BOUNCED
        count.bounced += 1
        session.flush()
        outbox.settle_notices(session, [item.notice_id for item in message.items], now)
    if newly_marked and _somebody_can_be_told(session, office, now):
        answer = f"{failure.code} {failure.answer}".strip()[:200]
        facts = {"recipient": message.recipient, "answer": answer, "mail": message.id}
        alert(session, office, "bounced", facts, now, run)


def _somebody_can_be_told(session: Session, office: Office, now: datetime) -> bool:
    """Whether mail gets through to an administrator: none is told that mail to him does not."""
    marked = bounces.marked(session)
    administrators = office.site.directory.holders(
        Role.ADMINISTRATOR, None, office.local(now).date()
    )
    return any(holder.email.casefold() not in marked for holder in administrators.offices)
