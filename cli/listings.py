"""List: the content of a site as rows of text, for a table, a CSV file or a program."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cli.language.words import language
from db import quarantine, questions, rulesets
from db.lives import MessageStatus
from db.mailbox import bounces, replies, source_mails
from db.mails import outbox_status
from db.models import Complaint, DeadlineChange, DeadlineRow, ReplyOutcome, SourceMailKind
from sla.engine.deadline import State
from sla.regulations.model import Actor
from tasks.common.context import SiteContext
from tasks.evaluation.stored_deadlines import listed_unit
from tasks.notifications.transport.refusals import shown_answer
from tasks.text.withheld import question_value

DEADLINE_COLUMNS = ("ticket", "rule", "unit", "started", "due", "stopped", "state", "reason")
MAIL_COLUMNS = ("id", "status", "sent", "role", "recipient", "subject", "answer")
BOUNCE_COLUMNS = ("address", "since", "code", "answer", "mail")
REPLY_COLUMNS = (
    "received",
    "ticket",
    "unit",
    "role",
    "sender",
    "statement",
    "outcome",
    "text",
    "mail",
)
CHANGE_COLUMNS = (
    "changed",
    "ticket",
    "rule",
    "change",
    "due_before",
    "due_after",
    "state_before",
    "state_after",
)
QUARANTINE_COLUMNS = ("source", "file", "line", "ticket", "reason", "column", "value", "since")

QUESTION_COLUMNS = ("id", "source", "column", "value", "role", "complaints", "since")

SOURCE_MAIL_COLUMNS = ("uid", "received", "kind", "ticket", "step")

Row = dict[str, str]


def deadline_rows(
    session: Session,
    context: SiteContext,
    *,
    state: State | None = None,
    unit: str | None = None,
    superior: str = Actor.SUPERIOR,
) -> list[Row]:
    """Return the deadlines as last evaluated, earliest due time first, with local times in ISO
    8601.

    `superior` is the word in place of the unit for duties of superiors: they are no duties of
    the unit of the complaint. A late duty of an unknown unit has none.
    """
    law = context.site.evaluation_context.law
    listed = listed_unit(law)

    def local(moment: datetime | None) -> str:
        return context.local(moment).isoformat(timespec="seconds") if moment else ""

    query = (
        select(DeadlineRow, Complaint.ticket, listed)
        .join(Complaint, Complaint.id == DeadlineRow.complaint_id)
        .order_by(DeadlineRow.due, DeadlineRow.id)
    )
    if state is not None:
        query = query.where(DeadlineRow.state == state)
    if unit is not None:
        query = query.where(listed == unit)
    return [
        {
            "ticket": ticket,
            "rule": row.rule,
            "unit": superior if row.rule in law.of_superiors else found or "",
            "started": local(row.started),
            "due": local(row.due),
            "stopped": local(row.stopped),
            "state": row.state,
            "reason": row.reason,
        }
        for row, ticket, found in session.execute(query)
    ]


def mail_rows(
    session: Session,
    context: SiteContext,
    limit: int,
    status: MessageStatus | None = None,
    locale: str = "en",
) -> list[Row]:
    """Return the newest mails, newest first; `sent` is the local time, or empty if not sent.

    `answer` is the newest one of the server to a mail that it has not accepted. If it is a text of
    Tenggat, it is in the language of `locale`.
    """
    mails = outbox_status.recent(session, limit, status)
    tried = outbox_status.newest_attempts(session, [row.id for row in mails if not row.sent_at])
    return [
        {
            "id": str(row.id),
            "status": row.status,
            "sent": f"{context.local(row.sent_at):%Y-%m-%d %H:%M}" if row.sent_at else "",
            "role": row.role,
            "recipient": row.recipient,
            "subject": row.subject or "",
            "answer": shown_answer(tried[row.id].code, tried[row.id].answer, locale)
            if row.id in tried
            else "",
        }
        for row in mails
    ]


def bounce_rows(session: Session, context: SiteContext) -> list[Row]:
    """Return the addresses marked as undeliverable, each with the cause of its mark, oldest first.

    `since` is the local time of the report of failure, `mail` the number of the returned mail.
    """
    return [
        {
            "address": row.address,
            "since": f"{context.local(row.reported_at):%Y-%m-%d %H:%M}",
            "code": row.code,
            "answer": row.answer,
            "mail": str(row.message_id or ""),
        }
        for row in bounces.causes_of_suppression(session)
    ]


def reply_rows(
    session: Session, context: SiteContext, limit: int, outcome: ReplyOutcome | None = None
) -> list[Row]:
    """Return the newest answers to notices, newest first; `received` is the local time.

    `mail` is the number of the answered mail. An unidentified complaint has an empty ticket.
    """
    return [
        {
            "received": f"{context.local(row.received_at):%Y-%m-%d %H:%M}",
            "ticket": ticket or "",
            "unit": row.unit,
            "role": row.role,
            "sender": row.sender,
            "statement": row.kind,
            "outcome": row.outcome,
            "text": row.text,
            "mail": str(row.message_id),
        }
        for row, ticket in replies.recent(session, limit, outcome)
    ]


def quarantine_rows(
    session: Session, context: SiteContext, *, source: str | None = None, resolved: bool = False
) -> list[Row]:
    """Return the rows in quarantine, oldest first, with file, line, reason and local time.

    With `resolved` the function also returns rows that could be read later, and the time of that.
    """
    return [
        {
            "source": row.source,
            "file": row.file,
            "line": str(row.line),
            "ticket": row.ticket,
            "reason": row.reason,
            "column": row.column,
            "value": row.value,
            "since": context.local(row.recorded_at).isoformat(timespec="seconds"),
            "resolved": context.local(row.resolved_at).isoformat(timespec="seconds")
            if row.resolved_at
            else "",
        }
        for row in quarantine.quarantined(session, source=source, resolved=resolved)
    ]


def question_rows(
    session: Session, context: SiteContext, *, source: str | None = None, answered: bool = False
) -> list[Row]:
    """Return the open questions, oldest first; with `answered` also the answered ones."""

    def local(moment: datetime | None) -> str:
        return context.local(moment).isoformat(timespec="seconds") if moment else ""

    return [
        {
            "id": str(each.question.id),
            "source": each.question.source,
            "column": each.question.column,
            "value": question_value(each.question.value, language()),
            "role": each.question.role,
            "complaints": str(each.waiting),
            "since": local(each.question.first_seen_at),
            "answer": each.question.answer or "",
            "answered": local(each.question.answered_at),
        }
        for each in questions.open_questions(session, source=source, answered=answered)
    ]


def change_rows(session: Session, context: SiteContext) -> list[Row]:
    """Return the deadlines changed by a new law or calendar, newest change first."""

    def local(moment: datetime | None) -> str:
        return context.local(moment).isoformat(timespec="seconds") if moment else ""

    return [
        {
            "changed": f"{context.local(activated_at):%Y-%m-%d %H:%M}",
            "ticket": ticket,
            "rule": move.rule,
            "change": _kind_of_change(move),
            "due_before": local(move.due_before),
            "due_after": local(move.due_after),
            "state_before": move.state_before or "",
            "state_after": move.state_after or "",
        }
        for move, activated_at, ticket in rulesets.deadline_changes(session)
    ]


def _kind_of_change(change: DeadlineChange) -> str:
    """Return what happened to a deadline: it is new, ended by law, moved, or has another state."""
    if change.state_before is None:
        return "new"
    if change.state_after is None:
        return "not_applicable"
    return "moved" if change.due_before != change.due_after else "other_state"


def source_mail_rows(
    session: Session,
    context: SiteContext,
    source: str,
    limit: int,
    kind: SourceMailKind | None = None,
) -> list[Row]:
    """Return mails in the mailbox of a source that are no new complaints, newest first."""
    return [
        {
            "uid": str(mail.uid),
            "received": context.local(mail.received_at).isoformat(timespec="seconds")
            if mail.received_at
            else "",
            "kind": mail.kind,
            "ticket": ticket or "",
            "step": mail.step,
        }
        for mail, ticket in source_mails.recent(session, source, limit, kind)
    ]
