"""Answers to notice mails, and the statements of units made with them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session, aliased

from db import audit
from db.bulk import chunked
from db.lives import MessageStatus
from db.models import Complaint, EventRow, MessageKind, MessageRow, Reply, ReplyKey, ReplyOutcome
from sla.events import BY_REPLY, Kind

ARRIVED = (MessageStatus.SENT, MessageStatus.BOUNCED)
"""Statuses of mails that left, so that somebody can answer them."""


def signing_key(session: Session) -> bytes:
    """Return the secret key of the tokens; the first call makes it."""
    found = session.scalar(select(ReplyKey.secret))
    if found is None:
        session.execute(
            text("INSERT INTO reply_key (id, secret) VALUES (1, :secret) ON CONFLICT DO NOTHING"),
            {"secret": secrets.token_hex(32)},
        )
        found = session.scalars(select(ReplyKey.secret)).one()
    return bytes.fromhex(found)


def answered_mail(session: Session, message: int) -> MessageRow | None:
    """Return a notice mail by its key if it was sent, else None."""
    found = session.get(MessageRow, message)
    return found if found is not None and _is_answerable(found) else None


def mail_called(session: Session, message_id_header: str) -> MessageRow | None:
    """Return a notice mail by its Message-ID if it was sent, else None."""
    query = select(MessageRow).where(MessageRow.message_id_header == message_id_header)
    found = session.scalar(query)
    return found if found is not None and _is_answerable(found) else None


def _is_answerable(message: MessageRow) -> bool:
    return message.kind == MessageKind.NOTICES and message.status in ARRIVED


def is_known(session: Session, reply_id: str) -> bool:
    """Check whether this answer is already recorded."""
    return session.scalar(select(Reply.id).where(Reply.reply_id == reply_id)) is not None


def count_of(session: Session, message: int, complaint: int | None) -> int:
    """Count the recorded answers to a mail about a complaint."""
    query = select(func.count()).select_from(Reply).where(Reply.message_id == message)
    if complaint is None:
        return session.scalar(query.where(Reply.complaint_id.is_(None))) or 0
    return session.scalar(query.where(Reply.complaint_id == complaint)) or 0


UNCLEAR = (ReplyOutcome.NO_CHOICE, ReplyOutcome.DOUBTFUL)
"""Outcomes of answers that a person must read."""


def newest_unclear(session: Session) -> datetime | None:
    """Return when the newest unclear answer was recorded; None if there is none."""
    query = select(func.max(Reply.recorded_at)).where(Reply.outcome.in_(UNCLEAR))
    return session.scalar(query)


def unclear(session: Session, after: datetime | None) -> list[tuple[Reply, str | None]]:
    """Return the unclear answers recorded after a moment, or all of them, the oldest first.

    Each has the ticket of its complaint, or None if it is about a mail with several complaints.
    """
    query = (
        select(Reply, Complaint.ticket)
        .outerjoin(Complaint, Complaint.id == Reply.complaint_id)
        .where(Reply.outcome.in_(UNCLEAR))
        .order_by(Reply.id)
    )
    if after is not None:
        query = query.where(Reply.recorded_at > after)
    return [(reply, ticket) for reply, ticket in session.execute(query)]


def add(session: Session, reply: Reply) -> None:
    """Record an answer with its row in the audit; the audit never has its text."""
    session.add(reply)
    accepted = reply.outcome == ReplyOutcome.ACCEPTED
    kinds = audit.AuditKind
    audit.note(
        session,
        kinds.REPLY_ACCEPTED if accepted else kinds.REPLY_NOT_ACCEPTED,
        reply.recorded_at,
        f"the unit stated: {reply.kind}" if accepted else f"an answer to a mail: {reply.outcome}",
        complaint=reply.complaint_id,
        message=reply.message_id,
        unit=reply.unit,
        role=reply.role,
        statement=reply.kind,
        outcome=reply.outcome,
    )
    session.flush()


def statements(
    session: Session, complaints: Iterable[int] | None, as_of: datetime
) -> dict[tuple[int, str], Reply]:
    """Return the newest statement about each complaint as known at a moment.

    The keys are (complaint, unit). `complaints` selects the complaints, None means all of them. A
    statement made before a complaint was reopened is left out, and one that a later answer of the
    unit denies.
    """
    later = aliased(Reply)
    denied = (
        select(later.id)
        .where(
            later.complaint_id == Reply.complaint_id,
            later.unit == Reply.unit,
            later.outcome == ReplyOutcome.DOUBTFUL,
            later.kind == "",
            later.recorded_at <= as_of,
            later.received_at >= Reply.received_at,
        )
        .exists()
    )
    reopened = (
        select(EventRow.id)
        .where(
            EventRow.complaint_id == Reply.complaint_id,
            EventRow.kind == Kind.REOPENED,
            EventRow.retracted.is_(False),
            EventRow.recorded_at <= as_of,
            EventRow.latest > Reply.received_at,
        )
        .exists()
    )
    query = _stated_by(as_of).where(~reopened, ~denied)
    batches = (
        [query]
        if complaints is None
        else [query.where(Reply.complaint_id.in_(batch)) for batch in chunked(complaints)]
    )
    found: dict[tuple[int, str], Reply] = {}
    for batch in batches:
        for reply in session.scalars(batch):
            assert reply.complaint_id is not None
            found[reply.complaint_id, reply.unit] = reply
    return found


def statements_about(session: Session, complaint: int, as_of: datetime) -> Sequence[Reply]:
    """Return every statement about a complaint as known at a moment, the oldest first."""
    query = _stated_by(as_of).where(Reply.complaint_id == complaint)
    return session.scalars(query).all()


def _stated_by(as_of: datetime) -> Select[tuple[Reply]]:
    return (
        select(Reply)
        .where(
            Reply.outcome == ReplyOutcome.ACCEPTED,
            Reply.complaint_id.is_not(None),
            Reply.recorded_at <= as_of,
        )
        .order_by(Reply.received_at, Reply.id)
    )


def unrecorded_statements(
    session: Session, complaints: Iterable[int] | None, as_of: datetime
) -> dict[tuple[int, str], Reply]:
    """Return :func:`statements` without those that are recorded as steps: the step shows these."""
    known = statements(session, complaints, as_of)
    recorded = recorded_as_steps(session, known.values())
    return {key: reply for key, reply in known.items() if reply.id not in recorded}


def recorded_as_steps(session: Session, statements: Iterable[Reply]) -> set[int]:
    """Return the ids of those statements that are recorded as steps of their complaints as well.

    This is so for sources whose steps officials state by mail.
    """
    found: set[int] = set()
    for batch in chunked(each.id for each in statements):
        query = (
            select(Reply.id)
            .join(EventRow, EventRow.complaint_id == Reply.complaint_id)
            .where(
                Reply.id.in_(batch),
                EventRow.source == BY_REPLY,
                EventRow.recorded_at == Reply.recorded_at,
            )
        )
        found.update(session.scalars(query))
    return found


def recent(
    session: Session, limit: int, outcome: ReplyOutcome | None = None
) -> Sequence[tuple[Reply, str | None]]:
    """Return the newest answers with the tickets of their complaints, newest first."""
    query = (
        select(Reply, Complaint.ticket)
        .outerjoin(Complaint, Complaint.id == Reply.complaint_id)
        .order_by(Reply.id.desc())
        .limit(limit)
    )
    if outcome is not None:
        query = query.where(Reply.outcome == outcome)
    return [(reply, ticket) for reply, ticket in session.execute(query)]
