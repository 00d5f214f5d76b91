"""Retention: what a site no longer keeps of a complaint is emptied; the complaint itself stays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from db.models import Complaint, QuarantineRow

_TEXTS = (Complaint.title, Complaint.text, Complaint.attachments, Complaint.reporter)


def with_texts(session: Session, before: datetime, after: int, limit: int) -> Sequence[Complaint]:
    """Complaints that still have any text, of which nothing was learnt since `before`.

    They come in the order of their numbers, those after the number `after`.
    """
    query = (
        select(Complaint)
        .where(
            Complaint.id > after,
            func.coalesce(Complaint.changed_at, Complaint.recorded_at) < before,
            or_(*(column.is_not(None) for column in _TEXTS)),
        )
        .order_by(Complaint.id)
        .limit(limit)
    )
    return session.scalars(query).all()


def forget(session: Session, complaints: Sequence[int]) -> None:
    """Empty title, text, attachments and reporter of these complaints."""
    session.execute(
        update(Complaint)
        .where(Complaint.id.in_(complaints))
        .values(dict.fromkeys(_TEXTS))
        .execution_options(synchronize_session=False)
    )


def forget_quarantined(session: Session, before: datetime) -> int:
    """Empty what rows held that could not be read at first, and could be before a moment."""
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
"""What stands for a value that is no longer kept."""
