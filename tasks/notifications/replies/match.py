"""Match an answer with the mail and the person that it came from, and record it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from db import complaints
from db.mailbox import replies
from db.models import Complaint, MessageRow, Reply, ReplyKind, ReplyOutcome
from sla.directory import OF_A_UNIT, SPEAKING
from tasks.common.context import RunContext, SiteContext
from tasks.common.redaction import redact_and_truncate
from tasks.notifications.replies.harmless import says_only_done
from tasks.notifications.replies.links import signed_name
from tasks.notifications.replies.parse import IncomingReply
from tasks.notifications.replies.stated_steps import state_done
from tasks.notifications.replies.token import Token, find_tokens, is_signed
from tasks.notifications.replies.wording import Wording
from tasks.text.formats import one_line

LONGEST_TEXT = 300
MOST_PER_COMPLAINT = 20
"""Limit of recorded answers to one mail about one complaint: a loop must not fill the database."""

MOST_TICKETS = 200
"""Limit of words of an answer that are looked up as tickets."""

_WORD = re.compile(r"[^\s,;()\[\]]{3,60}")
_MAY_BE_TICKET = re.compile(r"[0-9]{5,}|(?=.*[0-9]).*[^0-9].*")
"""A word with a digit. A mere number needs five of them: shorter ones count other things."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A complaint that an answer is about, and the mail that it belongs to.

    `complaint` is None if the mail names several: those on the reader's desk count as well, not
    only those with a notice. So it is for a mail that an earlier version sent, which did not record
    how many it names. `token` is the token that names the complaint, if there is one.
    """

    message: MessageRow
    complaint: Complaint | None
    unit: str
    token: Token | None = None


def record_reply(run: RunContext, reply: IncomingReply, arrived: datetime) -> list[ReplyOutcome]:
    """Record an answer once, with a row for each complaint that it names; return their outcomes.

    An automatic answer, an answer to no mail of this site, an answer read before and an answer
    beyond the limit of a complaint are ignored. Nobody gets a mail about an answer.

    A complaint that only the words name, beside the one of the token or mail, is no statement: the
    administrator reads which words are meant for it.
    """
    session = run.session
    if reply.automatic or replies.is_known(session, reply.reply_id):
        return []
    found = list(_answered(session, run.context, reply))
    if not found:
        return []
    answer = _MatchedReply(run, reply, arrived, found, _named_beside(run, reply, found))
    outcomes = (answer.record(each) for each in answer.complaints)
    return [outcome for outcome in outcomes if outcome is not None]


class _MatchedReply:
    """An answer with the complaints that it states something about, and those named beside them."""

    def __init__(
        self,
        run: RunContext,
        reply: IncomingReply,
        arrived: datetime,
        found: Sequence[Answered],
        beside: Sequence[Answered],
    ) -> None:
        self._run, self._reply, self._arrived = run, reply, arrived
        self._found = [each for each in found if each.complaint is not None or not beside]
        self._beside = beside
        self._recorded = 0

    @property
    def complaints(self) -> list[Answered]:
        """Return everything that gets a row."""
        return [*self._found, *self._beside]

    def record(self, answered: Answered) -> ReplyOutcome | None:
        """Record what the answer says about one complaint; return None beyond its limit."""
        run, reply = self._run, self._reply
        message, complaint = answered.message, answered.complaint
        key = complaint.id if complaint is not None else None
        if replies.count_of(run.session, message.id, key) >= MOST_PER_COMPLAINT:
            return None
        role = _role_of(run.context, answered, reply, run.now)
        wording = self._wording(answered)
        row = Reply(
            reply_id=f"{reply.reply_id} {self._recorded + 1}" if self._recorded else reply.reply_id,
            message_id=message.id,
            complaint_id=key,
            unit=answered.unit,
            role=role or "",
            sender=reply.sender if role else "",
            kind=(wording.choice or "") if role and complaint is not None else "",
            text=self._kept_text() if role and complaint is not None else "",
            received_at=self._arrived,
            recorded_at=run.now,
            outcome=ReplyOutcome.WRONG_SENDER,
        )
        if role is not None:
            row.outcome = self._outcome(row, wording)
        replies.add(run.session, row)
        self._recorded += 1
        is_done = row.outcome == ReplyOutcome.ACCEPTED and row.kind == ReplyKind.DONE
        if is_done and complaint is not None:
            state_done(run, message, complaint, row.role, self._arrived)
        return ReplyOutcome(row.outcome)

    def _wording(self, answered: Answered) -> Wording:
        """Read what the answer says about a complaint.

        Two choices for one complaint contradict each other. Beside a token that is not valid, it is
        not known for which complaint the sender meant the words.
        """
        reply = self._reply
        if answered in self._beside or (answered.token and len(self._found) < len(reply.tokens)):
            return replace(reply.wording(None), choice=None)
        tokens = [each.token for each in self._found if each.complaint is answered.complaint]
        if len({token.choice for token in tokens if token is not None}) > 1:
            return replace(reply.wording(None), choice=None, denies=True)
        return reply.wording(answered.token.choice if answered.token is not None else None)

    def _outcome(self, row: Reply, wording: Wording) -> ReplyOutcome:
        """Return the outcome of an answer by a person who may answer.

        A statement has the time of its arrival: a unit that names an earlier day would be called
        late for the days between, and nobody can have worked on a later one. So work is stated as
        done only by an answer that says nothing else.
        """
        if row.complaint_id is None or row.role not in SPEAKING:
            return ReplyOutcome.NO_CHOICE
        if wording.denies:
            return ReplyOutcome.DOUBTFUL
        if not row.kind:
            return ReplyOutcome.NO_CHOICE
        if row.kind == ReplyKind.DONE and not self._says_only_done(row, wording):
            return ReplyOutcome.DOUBTFUL
        before = replies.statements(self._run.session, [row.complaint_id], self._run.now)
        earlier = before.get((row.complaint_id, row.unit))
        if earlier is None or (earlier.kind, earlier.text) != (row.kind, row.text):
            return ReplyOutcome.ACCEPTED
        # another mail may name other duties, and its 'done' is about these
        same = row.kind != ReplyKind.DONE or earlier.message_id == row.message_id
        return ReplyOutcome.REPEATED if same else ReplyOutcome.ACCEPTED

    def _says_only_done(self, row: Reply, wording: Wording) -> bool:
        """Check whether an answer says 'done' and nothing else, on the day of its arrival."""
        context, reply = self._run.context, self._reply
        offices = context.site.directory.offices_of(reply.sender)
        unit = context.site.directory.units.get(row.unit)
        names = [context.site.file.name, *((unit.name, *unit.aliases) if unit is not None else ())]
        for each in self._found:
            names += [each.token.text] if each.token is not None else []
            ticket = each.complaint.ticket if each.complaint is not None else ""
            names += [f"{label}{one_line(ticket, 60)}" for label in ("", "no. ", "no ", "nomor ")]
        writers = [reply.sender_name, *(office.name for office in offices)]
        day = context.local(row.received_at).date()
        return not self._beside and says_only_done(wording.parts, day, names, writers)

    def _kept_text(self) -> str:
        """Return the words to store: masked, on one line and cut.

        Nothing is kept if one of the complaints is anonymous or secret. The names of reporters are
        masked if they are known.
        """
        text = self._reply.text
        for complaint in filter(None, (each.complaint for each in self.complaints)):
            if complaint.anonymous or complaint.secret:
                return ""
            reporter = complaint.reporter or ""
            for name in filter(None, (reporter, *_long_words(reporter))):
                text = re.sub(re.escape(name), "[nama]", text, flags=re.IGNORECASE)
        return redact_and_truncate(text, LONGEST_TEXT)


def _answered(session: Session, context: SiteContext, reply: IncomingReply) -> Iterator[Answered]:
    """Find what was answered: by the tokens in the subject, else by the Message-IDs in the header.

    A token names its complaint once for each mail and choice.
    """
    if any(token.is_readable for token in reply.tokens):
        yield from _signed(session, context, reply.tokens)
        return
    found = (replies.mail_called(session, name) for name in reply.answered)
    message = next((each for each in found if each is not None), None)
    if message is None:
        return
    reported = [item.notice for item in message.items if item.included and not item.correction]
    about = {notice.complaint_id: notice for notice in reported}
    names_one = len(about) == 1 and message.detail.get("complaints") == 1
    complaint = next(iter(about.values())).complaint if names_one else None
    yield Answered(message, complaint, _unit_of(context, message, complaint))


def _signed(session: Session, context: SiteContext, tokens: Sequence[Token]) -> Iterator[Answered]:
    """Find the mails and complaints of those tokens that this site issued."""
    key = replies.signing_key(session)
    for token in tokens:
        message = replies.answered_mail(session, token.message)
        complaint = session.get(Complaint, token.complaint)
        if message is None or complaint is None:
            continue
        if is_signed(token, key, signed_name(message, complaint)):
            yield Answered(message, complaint, _unit_of(context, message, complaint), token)


def _named_beside(
    run: RunContext, reply: IncomingReply, found: Sequence[Answered]
) -> list[Answered]:
    """Find the complaints that only the words name, by a token or by the ticket.

    The subject counts as well if it has a token, so that the sender can have changed it. A stranger
    names none.
    """
    session, context, message = run.session, run.context, found[0].message
    if _role_of(context, found[0], reply, run.now) is None:
        return []
    known = {each.complaint.id for each in found if each.complaint is not None}
    beside = {
        each.complaint.id: replace(each, token=None)
        for each in _signed(session, context, find_tokens(reply.words))
        if each.complaint is not None
    }
    text = f"{reply.subject if found[0].token else ''} {reply.words}"
    words = dict.fromkeys(word.strip(".:!?\"'") for word in _WORD.findall(text))
    named = [word for word in words if _MAY_BE_TICKET.fullmatch(word)][:MOST_TICKETS]
    for source in context.site.sources:
        for complaint in complaints.by_ticket(session, source, named).values():
            unit = _unit_of(context, message, complaint)
            beside.setdefault(complaint.id, Answered(message, complaint, unit))
    return [each for number, each in beside.items() if number not in known]


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


def _role_of(
    context: SiteContext, answered: Answered, reply: IncomingReply, now: datetime
) -> str | None:
    """Return the role of the sender, or None if the sender may not answer.

    The recipient of the mail may answer, and everyone who now holds an office of the unit.
    """
    message, sender = answered.message, reply.sender
    if reply.failed_check or not sender:
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


def _long_words(name: str) -> list[str]:
    return [word for word in re.findall(r"[^\W\d_]+", name) if len(word) > 3]
