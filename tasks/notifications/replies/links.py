"""Links for an answer by mail, and the statements of units, next to the complaints of a mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from urllib.parse import quote

from db.mailbox import replies
from db.models import Complaint, MessageRow, Reply, ReplyKind
from sla.directory import SPEAKING
from tasks.common.context import RunContext
from tasks.notifications.desk import Case, DeskComplaint
from tasks.notifications.replies.token import CHOICES, token_text
from tasks.notifications.views import NoticeItem, ReplyLinks, Statement
from tasks.text.catalog import catalog
from tasks.text.formats import one_line


class MailReplies:
    """The statements and the links of a batch of mails about these cases, by complaint.

    What the mails share is loaded once.
    """

    def __init__(self, run: RunContext, cases: Mapping[int, Case]) -> None:
        self._run, self._cases = run, cases

    @cached_property
    def _statements(self) -> Mapping[tuple[int, str], Reply]:
        run = self._run
        return replies.unrecorded_statements(run.session, self._cases, run.now)

    @cached_property
    def _key(self) -> bytes:
        return replies.signing_key(self._run.session)

    def added(
        self, message: MessageRow, items: Sequence[NoticeItem], *, offer: bool
    ) -> tuple[NoticeItem, ...]:
        """Return the items of a mail with the newest statement of each unit, and with links.

        A statement that is recorded as a step of its complaint is left out: the step shows it.
        `offer` is false for a reader who need not act. Superiors get no links in any case: they do
        not speak for the unit.
        """
        may_answer = offer and bool(self._run.site.reply_address) and message.role in SPEAKING
        links = self._links(message, items) if may_answer else {}
        if not links and not self._statements:
            return tuple(items)
        return tuple(
            _with_reply(
                item,
                links.get(item.complaint),
                self._statements.get((item.complaint, item.unit_id)),
            )
            for item in items
        )

    def _links(self, message: MessageRow, items: Sequence[NoticeItem]) -> Mapping[int, ReplyLinks]:
        run, address = self._run, self._run.site.reply_address
        locale = message.locale or run.site.locale
        found = {}
        for item in items:
            complaint, _ = self._cases[item.complaint]
            named = signed_name(message, complaint)
            token = token_text(self._key, message.id, complaint.id, named)
            found[item.complaint] = reply_links(address, token, item.ticket, locale)
        return found


def signed_name(message: MessageRow, complaint: Complaint | DeskComplaint) -> str:
    """Return the permanent names of mail and complaint, as signed in a token."""
    return f"{message.message_id_header}\x1f{complaint.source}\x1f{complaint.ticket}"


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


def _with_reply(item: NoticeItem, links: ReplyLinks | None, reply: Reply | None) -> NoticeItem:
    """Return an item with its links and statement; most have none."""
    if links is None and reply is None:
        return item
    stated = None if reply is None else Statement(reply.kind, reply.received_at, reply.text)
    return replace(item, reply_links=links, statement=stated)
