"""The witnesses of a run: its processes, the mailbox, the program's records and what was due."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from crash_tests.expected_mails import Key, Ledger, Views
from crash_tests.mail_server import Kept
from crash_tests.model import DEADLINES
from crash_tests.player import Life, Played
from db.lives import MessageStatus
from db.models import MessageRow, NoticeRow
from tasks.common.context import SiteContext
from tasks.text.catalog import catalog

LONGEST_LIFE = timedelta(minutes=10)
"""Within this time a process has come to its end, by its own clock."""


@dataclass
class Findings:
    """The witnesses of a run, read once."""

    played: Played
    views: Views
    notices: dict[Key, NoticeRow]
    messages: list[MessageRow]
    ledger: Ledger
    letters: dict[str, list[Kept]]  # by Message-ID, in the order of arrival
    lives: dict[str, Life]

    def brought(self, process: str) -> tuple[list[int], list[int], list[int]]:
        """The letters of a process by number: of before it stood still, if it did, and after.

        Between them those of which either may be true: the mail that was in its hands, and those
        before it whose answers it has not heard.
        """
        life = self.lives[process]
        letters = [kept.number for kept in self.played.mailbox if kept.process == process]
        if not life.stalled:
            return letters, [], []
        last = max(life.notified_before, default=0)
        first = min((n for n in life.heard if n > last), default=len(self.played.mailbox))
        return (
            [n for n in letters if n <= last],
            [n for n in letters if last < n <= first],
            [n for n in letters if n > first],
        )

    def moments_of(self, kept: Kept) -> list[datetime]:
        """As of when a mail may speak: when its process began, or when it went on."""
        before, _, after = self.brought(kept.process)
        moments = self.moments_in(self.lives[kept.process])
        if kept.number in before:
            return moments[:1]
        return moments[-1:] if kept.number in after else moments

    def moments_in(self, life: Life) -> list[datetime]:
        """When a process judged: when it began and, if it had stood still, when it went on."""
        now = life.process.now
        if not life.stalled:
            return [now]
        return [now, max(now, *(self.lives[other].process.now for other in life.companions))]


def gather(session: Session, played: Played, context: SiteContext) -> Findings:
    """What is to be known of a run when it is over."""
    views = Views(session, context)
    notices = {
        Key(n.complaint_id, n.rule, n.clock, n.unit or "", n.rung, n.repeat, n.episode): n
        for n in session.scalars(select(NoticeRow).order_by(NoticeRow.id))
    }
    query = select(MessageRow).order_by(MessageRow.id)
    messages = list(session.scalars(query.options(selectinload(MessageRow.items))))
    ledger = Ledger(views, _Accepted(notices, messages), notices)
    runs = [life for life in played.lives if life.process.work == DEADLINES]
    for life in sorted(runs, key=lambda life: life.process.now):
        moment = life.process.now
        judged = None
        if any(not _came_to_an_end(other) for other in runs if other.name in life.companions):
            # that one may have held some complaints, and came to nothing
            judged = {n.complaint_id for n in notices.values() if n.decided_at == moment}
        if _came_to_an_end(life):
            ledger.enter(moment, judged)
    letters: dict[str, list[Kept]] = defaultdict(list)
    for kept in played.mailbox:
        letters[kept.letter.key].append(kept)
    lives = {life.name: life for life in played.lives}
    return Findings(played, views, notices, messages, ledger, letters, lives)


class _Accepted:
    """What the server had accepted for the unit of a clock, by what was then on record as sent."""

    def __init__(self, notices: dict[Key, NoticeRow], messages: list[MessageRow]) -> None:
        keys = {notice.id: key for key, notice in notices.items()}
        self.sent: dict[Key, list[tuple[str, datetime]]] = defaultdict(list)
        for message in messages:
            for item in message.items:
                sent = message.status == MessageStatus.SENT and message.sent_at
                if sent and item.included and not item.correction:
                    key = keys[item.notice_id]
                    self.sent[key._replace(rung="", repeat=0)].append((key.rung, sent))

    def __call__(self, about: Key, moment: datetime) -> dict[str, datetime]:
        first: dict[str, datetime] = {}
        for rung, sent in self.sent[about]:
            if sent <= moment:
                first[rung] = min(sent, first.get(rung, sent))
        return first


def told_in(kept: Kept, context: SiteContext) -> set[tuple[str, str]]:
    """(ticket, rule) of every duty that the text of a mail names.

    Each pressing duty of a complaint has a line that begins with the verb; the others share a line.
    """
    body = kept.letter.mail.get_body(("plain",))
    assert body is not None
    text = " ".join(body.get_content().split())
    law, locale = context.site.evaluation_context.law, context.site.locale
    verbs = {
        rule.verb[locale]: rule_id
        for rule_id in law.ids
        for rule in law.versions(rule_id)
        if rule.verb
    }
    further = catalog(locale)("mail.further")
    parts = re.split(r"\d+\. Pengaduan (FD-\d+) - ", text)
    found = set()
    for ticket, entry in zip(parts[1::2], parts[2::2], strict=True):
        lines, _, others = entry.partition(f"{further}: ")
        for verb, rule_id in verbs.items():
            if f"{verb[:1].upper()}{verb[1:]}: " in lines or f"{verb} " in others:
                found.add((ticket, rule_id))
    return found


def _came_to_an_end(run: Life) -> bool:
    """Whether a deadline run has committed: it does so once, at its end."""
    return run.committed > 0 and not run.error
