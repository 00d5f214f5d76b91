"""Retention: delete expired texts of complaints. The complaints themselves remain."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from db.models import Complaint, OpenQuestion, QuarantineRow, Reply

_TEXTS = (Complaint.title, Complaint.text, Complaint.attachments, Complaint.reporter)


def with_texts(session: Session, before: datetime, after: int, limit: int) -> Sequence[Complaint]:
    """Return complaints that still have texts and were not changed since `before`.

    They are ordered by id, start after the id `after`, and number at most `limit`.
    """
    query = (
        select(Complaint)
        .where(
            Complaint.id > after,
            func.coalesce(Complaint.changed_at, Complaint.recorded_at) < before,
            or_(
                *(column.is_not(None) for column in _TEXTS),
                select(Reply.id)
                .where(Reply.complaint_id == Complaint.id, Reply.text != "")
                .exists(),
            ),
        )
        .order_by(Complaint.id)
        .limit(limit)
    )
    return session.scalars(query).all()


def forget(session: Session, complaints: Sequence[int]) -> None:
    """Clear title, text, attachments and reporter of these complaints, and words about them."""
    session.execute(
        update(Complaint)
        .where(Complaint.id.in_(complaints))
        .values(dict.fromkeys(_TEXTS))
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Reply)
        .where(Reply.complaint_id.in_(complaints))
        .values(text="")
        .execution_options(synchronize_session=False)
    )


def forget_quarantined(session: Session, before: datetime) -> int:
    """Clear the values of quarantine rows resolved before a moment; returns their number.

    The values of questions answered before it are cleared as well.
    """
    session.execute(
        update(OpenQuestion)
        .where(OpenQuestion.answered_at < before)
        .values(value=EMPTIED)
        .execution_options(synchronize_session=False)
    )
    rows = session.scalars(
        select(QuarantineRow.id).where(
            QuarantineRow.resolved_at < before, QuarantineRow.value != EMPTIED
        )
    ).all()
    for number in rows:
        session.execute(
            update(QuarantineRow)
            .where(QuarantineRow.id == number)
            .values(value=EMPTIED, cells={})
            .execution_options(synchronize_session=False)
        )
    return len(rows)


EMPTIED = "-"
"""Placeholder for a deleted value."""
