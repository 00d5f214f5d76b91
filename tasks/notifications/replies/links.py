"""Links for an answer by mail, and the statements of units, next to the complaints of a mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote

from db.mailbox import replies
from db.models import Complaint, MessageRow, Reply, ReplyKind
from sla.directory import SPEAKING
from tasks.common.context import RunContext
from tasks.notifications.replies.token import CHOICES, token_text
from tasks.notifications.views import NoticeItem, ReplyLinks, Statement
from tasks.text.catalog import catalog
from tasks.text.formats import one_line


def with_replies(
    run: RunContext,
    message: MessageRow,
    items: Sequence[NoticeItem],
    *,
    offer: bool,
) -> tuple[NoticeItem, ...]:
    """Return the items of a mail with the newest statement of each unit, and with links.

    A statement that is recorded as a step of its complaint is left out: the step shows it.
    `offer` is false for a reader who need not act. Superiors get no links in any case: they do not
    speak for the unit.
    """
    complaints = {item.complaint for item in items}
    known = replies.unrecorded_statements(run.session, complaints, run.now)
    may_answer = offer and bool(run.site.reply_address) and message.role in SPEAKING
    links = _all_links(run, message, items) if may_answer else {}
    return tuple(
        replace(
            item,
            reply_links=links.get(item.complaint),
            statement=_statement(known.get((item.complaint, item.unit_id))),
        )
        for item in items
    )


def signed_name(message: MessageRow, complaint: Complaint) -> str:
    """Return the permanent names of mail and complaint, as signed in a token."""
    return f"{message.message_id_header}\x1f{complaint.source}\x1f{complaint.ticket}"


def _all_links(
    run: RunContext, message: MessageRow, items: Sequence[NoticeItem]
) -> Mapping[int, ReplyLinks]:
    key, address = replies.signing_key(run.session), run.site.reply_address
    locale = message.locale or run.site.locale
    found = {}
    for item in items:
        complaint = run.session.get(Complaint, item.complaint)
        if complaint is not None:
            token = token_text(key, message.id, complaint.id, signed_name(message, complaint))
            found[item.complaint] = reply_links(address, token, item.ticket, locale)
    return found


def reply_links(address: str, token: str, ticket: str, locale: str) -> ReplyLinks:
    """Return the links of one complaint; the subject of each has the token with the choice.

    An obstacle opens a mail that already begins with the word, so that only the reason is missing.
    """
    t = catalog(locale)
    choices = []
    for number, kind in enumerate(CHOICES, start=1):
        subject = f"{t(f'reply.subject.{kind}', ticket=one_line(ticket, 60))} [{token}-{number}]"
        url = f"mailto:{quote(address, safe='@')}?subject={quote(subject, safe='')}"
        if kind is ReplyKind.OBSTACLE:
            url += f"&body={quote(t('reply.body'), safe='')}"
        choices.append((t(f"reply.label.{kind}"), url))
    return ReplyLinks(address, f"[{token}]", tuple(choices))


def _statement(reply: Reply | None) -> Statement | None:
    if reply is None:
        return None
    return Statement(reply.kind, reply.received_at, reply.text)
