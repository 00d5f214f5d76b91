"""Match an answer with the mail and the person that it came from, and record it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from db.mailbox import replies
from db.models import Complaint, MessageRow, Reply, ReplyKind, ReplyOutcome
from sla.directory import OF_A_UNIT, SPEAKING
from tasks.common.context import RunContext, SiteContext
from tasks.common.redaction import redact_and_truncate
from tasks.notifications.replies.links import signed_name
from tasks.notifications.replies.parse import IncomingReply
from tasks.notifications.replies.stated_day import names_other_day
from tasks.notifications.replies.stated_steps import state_done
from tasks.notifications.replies.token import is_signed
from tasks.notifications.replies.wording import Wording

LONGEST_TEXT = 300
MOST_PER_COMPLAINT = 20
"""Limit of recorded answers to one mail about one complaint: a loop must not fill the database."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The mail that an answer belongs to. `complaint` is None if the mail names several: those on
    the reader's desk count as well, not only those with a notice. So it is for a mail that an
    earlier version sent, which did not record how many it names.
    """

    message: MessageRow
    complaint: Complaint | None
    unit: str


def record_reply(run: RunContext, reply: IncomingReply, arrived: datetime) -> ReplyOutcome | None:
    """Record an answer once; return its outcome, or None if it is ignored.

    An automatic answer, an answer to no mail of this site, an answer read before and an answer
    beyond the limit of a complaint are ignored. Nobody gets a mail about an answer.
    """
    session, context, now = run.session, run.context, run.now
    if reply.automatic or replies.is_known(session, reply.reply_id):
        return None
    answered = _answered(session, context, reply)
    if answered is None:
        return None
    message, complaint = answered.message, answered.complaint
    key = complaint.id if complaint is not None else None
    if replies.count_of(session, message.id, key) >= MOST_PER_COMPLAINT:
        return None
    role = None if reply.failed_check else _role_of(context, answered, reply.sender, now)
    row = Reply(
        reply_id=reply.reply_id,
        message_id=message.id,
        complaint_id=key,
        unit=answered.unit,
        role=role or "",
        sender=reply.sender if role else "",
        kind=(reply.wording.choice or "") if role and complaint is not None else "",
        text=_kept_text(complaint, reply.text) if role and complaint is not None else "",
        received_at=arrived,
        recorded_at=now,
        outcome=ReplyOutcome.WRONG_SENDER,
    )
    if role is not None:
        row.outcome = _outcome(run, row, reply.wording)
    replies.add(session, row)
    is_done = row.outcome == ReplyOutcome.ACCEPTED and row.kind == ReplyKind.DONE
    if is_done and complaint is not None:
        state_done(run, message, complaint, row.role, arrived)
    return ReplyOutcome(row.outcome)


def _answered(session: Session, context: SiteContext, reply: IncomingReply) -> Answered | None:
    """Find the mail that was answered, by the token, else by the Message-IDs in the header."""
    if reply.token is not None:
        message = replies.answered_mail(session, reply.token.message)
        complaint = session.get(Complaint, reply.token.complaint)
        if message is None or complaint is None:
            return None
        named = signed_name(message, complaint)
        if not is_signed(reply.token, replies.signing_key(session), named):
            return None
        return Answered(message, complaint, _unit_of(context, message, complaint))
    found = (replies.mail_called(session, name) for name in reply.answered)
    message = next((each for each in found if each is not None), None)
    if message is None:
        return None
    reported = [item.notice for item in message.items if item.included and not item.correction]
    about = {notice.complaint_id: notice for notice in reported}
    names_one = len(about) == 1 and message.detail.get("complaints") == 1
    complaint = next(iter(about.values())).complaint if names_one else None
    return Answered(message, complaint, _unit_of(context, message, complaint))


def _unit_of(context: SiteContext, message: MessageRow, complaint: Complaint | None) -> str:
    """Return the unit that the mail made responsible for the complaint."""
    if complaint is None:
        return message.unit or ""
    own = [item.notice.unit for item in message.items if item.notice.complaint_id == complaint.id]
    return next(filter(None, own), "") or _unit_below(context, message.unit, complaint.unit)


def _unit_below(context: SiteContext, reader: str | None, responsible: str | None) -> str:
    """Return the responsible unit if it is the reader's unit or below it, else the reader's.

    The complaint may have gone to another unit since the mail.
    """
    units, place, seen = context.site.directory.units, responsible, set[str]()
    while place is not None and place not in seen:
        if reader in (None, place):
            return responsible or ""
        seen.add(place)
        place = units[place].parent if place in units else None
    return reader or ""


def _role_of(context: SiteContext, answered: Answered, sender: str, now: datetime) -> str | None:
    """Return the role of the sender, or None if the sender may not answer.

    The recipient of the mail may answer, and everyone who now holds an office of the unit.
    """
    message = answered.message
    if not sender:
        return None
    if sender == message.recipient.casefold():
        complaint = answered.complaint
        roles = [
            item.role
            for item in message.items
            if complaint is not None and item.notice.complaint_id == complaint.id
        ]
        return roles[0] if roles else message.role
    today = context.local(now).date()
    for role in OF_A_UNIT:
        for holder in context.site.directory.holders(role, answered.unit or None, today).offices:
            if holder.unit == answered.unit and holder.email.casefold() == sender:
                return role
    return None


def _outcome(run: RunContext, reply: Reply, wording: Wording) -> ReplyOutcome:
    """Return the outcome of an answer by a person who may answer.

    Work is only stated as done on the day of the answer. A statement has the time of its arrival: a
    unit that names an earlier day would be told late for the days between, and nobody can have
    worked on a later one.
    """
    if reply.complaint_id is None or reply.role not in SPEAKING:
        return ReplyOutcome.NO_CHOICE
    if wording.denies:
        return ReplyOutcome.DOUBTFUL
    if not reply.kind:
        return ReplyOutcome.NO_CHOICE
    day = run.context.local(reply.received_at).date()
    if reply.kind == ReplyKind.DONE and names_other_day(wording.words, day):
        return ReplyOutcome.DOUBTFUL
    before = replies.statements(run.session, [reply.complaint_id], run.now)
    earlier = before.get((reply.complaint_id, reply.unit))
    if earlier is not None and (earlier.kind, earlier.text) == (reply.kind, reply.text):
        return ReplyOutcome.REPEATED
    return ReplyOutcome.ACCEPTED


def _kept_text(complaint: Complaint, text: str) -> str:
    """Return the words to store: masked, on one line and cut; none of an anonymous or secret case.

    The reporter's name is masked if it is known.
    """
    if complaint.anonymous or complaint.secret:
        return ""
    if complaint.reporter:
        for name in (complaint.reporter, *_long_words(complaint.reporter)):
            text = re.sub(re.escape(name), "[nama]", text, flags=re.IGNORECASE)
    return redact_and_truncate(text, LONGEST_TEXT)


def _long_words(name: str) -> list[str]:
    return [word for word in re.findall(r"[^\W\d_]+", name) if len(word) > 3]
