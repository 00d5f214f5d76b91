"""Ask the administrators about values and rows of the sources that could not be read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from db import quarantine, questions
from db.models import WORD_ROLES, MessageRow, OpenQuestion, QuarantineRow, QuestionRole
from db.questions import QuestionCount
from settings.site import Site
from sla.regulations.model import Law
from tasks.common.context import RunContext
from tasks.ingest.answers import has_lost_unit, names_no_step
from tasks.notifications.enqueue import enqueue_alert
from tasks.notifications.message import in_envelope
from tasks.notifications.render import questions_mail
from tasks.notifications.views import AskedQuestion, QuestionsMail, RejectedGroup

QUESTIONS = "questions"
"""The kind of an alert with open questions and rows in quarantine."""

REMIND_AFTER = timedelta(days=7)
"""The time after which open questions are listed in a mail again."""

TICKETS_SHOWN = 3
"""Most tickets named for a question."""

NUMBER = re.compile(r"[0-9]+([.,][0-9]+)?")
"""A date as a spreadsheet stores it, in a cell that is not formatted as a date."""

USUAL = ("complaint", "information_request")
"""The classifications named as examples, if the site has rules for them."""

LINES_SHOWN = 5
"""Most line numbers named for a group of rows in quarantine."""


@dataclass(frozen=True, slots=True)
class _Asking:
    """The content of one mail, by ids: new questions, open ones, and groups of rejected rows."""

    new: list[int]
    still_open: list[int]
    groups: list[RejectedGroup]


def enqueue_questions(run: RunContext) -> None:
    """Queue one mail to the administrators about everything that this run could not read.

    It lists the new questions, and the rows in quarantine with a new combination of source, reason
    and column. Questions that are still open are listed again after a week.
    """
    waiting = [each.question for each in questions.open_questions(run.session)]
    new = [question for question in waiting if question.asked_at is None]
    asked = [question for question in waiting if question.asked_at is not None]
    remind = any(q.asked_at is not None and q.asked_at <= run.now - REMIND_AFTER for q in asked)
    groups = _new_groups(quarantine.quarantined(run.session), run.now)
    if not (new or remind or groups):
        return
    again = asked if remind else []
    asking = _Asking([q.id for q in new], [q.id for q in again], groups)
    for question in (*new, *again):
        question.asked_at = run.now
    facts = {
        "at": run.now.isoformat(),
        "new": asking.new,
        "open": asking.still_open,
        "quarantine": [
            [group.source, group.reason, group.column, group.rows, group.file, list(group.lines)]
            for group in groups
        ],
    }
    enqueue_alert(run, QUESTIONS, facts, same=("at",))


def leave_duties_unknown(roles: Iterable[str], law: Law) -> bool:
    """Check whether a question with one of these roles leaves duties unknown.

    Words of a list, such as categories, do so only if a rule of the site depends on them.
    """
    facts = {fact for rule in law.rules for fact in rule.applies_when}
    return any(role not in WORD_ROLES or role in facts for role in roles)


def _new_groups(waiting: Sequence[QuarantineRow], now: datetime) -> list[RejectedGroup]:
    """Return the groups of rejected rows that no mail has named yet, and mark all rows as named.

    Each new line that asks for secrecy is named, because each may be about another report.
    """
    groups: dict[tuple[str, str, str], list[QuarantineRow]] = {}
    for row in waiting:
        groups.setdefault((row.source, row.reason, row.column), []).append(row)
    found = []
    for (source, reason, column), rows in groups.items():
        new = [row for row in rows if row.notified_at is None]
        if len(new) == len(rows) or (new and reason == quarantine.SECRECY_LINE):
            lines = tuple(row.line for row in new if row.file == new[0].file)[:LINES_SHOWN]
            found.append(RejectedGroup(source, reason, column, len(new), new[0].file, lines))
        for row in rows:
            row.notified_at = row.notified_at or now
    return found


def questions_mime(run: RunContext, message: MessageRow) -> bytes | None:
    """Compose a mail with open questions; None if all of them are answered by now."""
    detail = message.detail
    waiting = {each.question.id: each for each in questions.open_questions(run.session)}
    listed = [number for part in ("new", "open") for number in detail[part] if number in waiting]
    tickets = questions.first_tickets(run.session, listed, TICKETS_SHOWN)
    new, again = (
        tuple(
            _shown(run.site, waiting[number], tickets[number])
            for number in detail[part]
            if number in waiting
        )
        for part in ("new", "open")
    )
    groups = _groups(detail["quarantine"], quarantine.quarantined(run.session))
    if not (new or again or groups):
        return None
    roles = {waiting[number].question.role for number in listed}
    waits = leave_duties_unknown(roles, run.site.evaluation_context.law)
    view = QuestionsMail(run.site.name, message.recipient_name, run.now, new, again, groups, waits)
    rendered = questions_mail(view, message.locale or run.site.locale, run.site.zone)
    return in_envelope(run.site, message, rendered, run.now)


def _groups(
    details: Iterable[Sequence[Any]], waiting: Sequence[QuarantineRow]
) -> tuple[RejectedGroup, ...]:
    """Return the groups of a mail with the tickets of the rows in it that still wait."""
    found = []
    for source, reason, column, rows, file, lines in details:
        group = (source, reason, column, file)
        tickets = (
            row.ticket
            for row in waiting
            if (row.source, row.reason, row.column, row.file) == group and row.line in lines
        )
        named = tuple(dict.fromkeys(filter(None, tickets)))
        found.append(RejectedGroup(source, reason, column, rows, file, tuple(lines), named))
    return tuple(found)


def _shown(site: Site, each: QuestionCount, tickets: tuple[str, ...]) -> AskedQuestion:
    question = each.question
    return AskedQuestion(
        question.id,
        question.source,
        question.column,
        question.value,
        meaning_key(site, question),
        each.waiting,
        question.first_seen_at,
        tickets,
        tuple(_as_typed(word) for word in examples_of(site, question)),
    )


def examples_of(site: Site, question: OpenQuestion) -> tuple[str, ...]:
    """Return a few answers to a question that its source or the site knows.

    For a status these are a word of an open complaint and one of an ended one. Dates need none.
    """
    source = site.sources.get(question.source)
    if question.role == QuestionRole.STATUS and source is not None:
        words = [status for status in source.status if status.word.strip()]
        going = sorted((w for w in words if not w.terminal), key=lambda w: not w.enter)
        ended = [word for word in words if word.terminal]
        return tuple(word.word for word in (*going[:1], *ended[:1]))
    if question.role == QuestionRole.CLASSIFICATION:
        known = site.evaluation_context.law.classifications
        return tuple(each for each in USUAL if each in known) or tuple(sorted(known)[:2])
    if question.role == QuestionRole.UNIT:
        others = (u.name for u in site.directory.units.values() if u.id != site.administrator_unit)
        return tuple(islice(others, 1))
    return ()


def _as_typed(word: str) -> str:
    """Return a word as a command needs it: in quotes if it has a space."""
    return f'"{word}"' if " " in word else word


def meaning_key(site: Site, question: OpenQuestion) -> str:
    """Return the key of the text that says what is wrong and which answers there are."""
    source = site.sources.get(question.source)
    if question.role == QuestionRole.STEP and not question.value:
        return "vanished"
    if source is not None and names_no_step(source, question):
        return "unknown_step"
    if source is not None and has_lost_unit(source, question):
        return "lost_unit"
    if source is not None and question.role == QuestionRole.STEP:
        if question.column == source.fields.status:
            return "end_by_status"
        if question.column in source.fields.remark_columns:
            return "end_by_remark"
    if source is not None and question.role == QuestionRole.STATUS:
        columns = source.fields.optional_columns
        sign = question.value.rpartition("+ ")[2]
        if sign in columns or sign.rpartition(": ")[0] in columns:
            return "status_beside_end"
    if question.role == QuestionRole.STEP and NUMBER.fullmatch(question.value):
        return "number"
    return question.role
