"""Open questions: values of a source that could not be read, and the complaints that wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import (
    Exists,
    Select,
    bindparam,
    case,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from db.bulk import chunked, is_one_of
from db.models import WORD_ROLES, Complaint, OpenQuestion, QuestionComplaint, QuestionRole
from sla.events import HANDOVERS

HIDDEN = "…"
"""Placeholder for a value that is no word but a text; nothing of it is stored."""


@dataclass(frozen=True, slots=True)
class QuestionCount:
    """A question with the number of complaints that still show its value."""

    question: OpenQuestion
    waiting: int


@dataclass(frozen=True, slots=True)
class Link:
    """One value of one complaint: the id of its question, and the field of the complaint."""

    question: int
    source_field: str


_OF_SOURCE = (
    select(OpenQuestion).where(OpenQuestion.source == bindparam("source")).order_by(OpenQuestion.id)
)


def of_source(session: Session, source: str) -> list[OpenQuestion]:
    """Load all questions of a source, answered or not."""
    return list(session.scalars(_OF_SOURCE, {"source": source}))


def open_questions(
    session: Session, *, source: str | None = None, answered: bool = False
) -> list[QuestionCount]:
    """List the open questions with the number of waiting complaints, oldest first.

    `answered` adds the answered ones.
    """
    query = _counted(of_source=source is not None, answered=answered)
    rows = session.execute(query, {"source": source} if source is not None else {})
    return [QuestionCount(question, waiting) for question, waiting in rows]


@cache
def _counted(*, of_source: bool, answered: bool) -> Select[tuple[OpenQuestion, int]]:
    """Return the statement of :func:`open_questions`: to build it takes longer than to execute
    it.
    """
    number = (
        select(func.count(QuestionComplaint.complaint_id.distinct()))
        .where(QuestionComplaint.question_id == OpenQuestion.id, QuestionComplaint.until.is_(None))
        .correlate(OpenQuestion)
        .scalar_subquery()
    )
    category, channel, place = (
        select(func.count(Complaint.id))
        .where(column == OpenQuestion.value)
        .correlate(OpenQuestion)
        .scalar_subquery()
        for column in (Complaint.category, Complaint.channel, Complaint.place)
    )
    counted = case(
        (OpenQuestion.role == QuestionRole.CATEGORY, category),
        (OpenQuestion.role == QuestionRole.CHANNEL, channel),
        (OpenQuestion.role == QuestionRole.PLACE, place),
        else_=number,
    )
    query = select(OpenQuestion, counted).order_by(OpenQuestion.id)
    if of_source:
        query = query.where(OpenQuestion.source == bindparam("source"))
    return query if answered else query.where(OpenQuestion.answered_at.is_(None))


def answered_words(session: Session, as_of: datetime) -> list[OpenQuestion]:
    """Load the categories, channels and places decided by a moment, oldest decision first."""
    query = select(OpenQuestion).where(
        OpenQuestion.role.in_(WORD_ROLES),
        OpenQuestion.answer.is_not(None),
        OpenQuestion.answered_at <= as_of,
    )
    return list(session.scalars(query.order_by(OpenQuestion.answered_at, OpenQuestion.id)))


def count_open(session: Session, as_of: datetime) -> int:
    """Count the questions that were open at a moment."""
    query = select(func.count()).where(
        OpenQuestion.recorded_at <= as_of,
        or_(OpenQuestion.answered_at.is_(None), OpenQuestion.answered_at > as_of),
    )
    return session.scalar(query) or 0


def get(session: Session, number: int) -> OpenQuestion | None:
    """Load the question with this id."""
    return session.get(OpenQuestion, number)


_LINKS = (
    select(QuestionComplaint)
    .where(
        is_one_of(QuestionComplaint.complaint_id),
        QuestionComplaint.until.is_(None),
    )
    .order_by(QuestionComplaint.id)
)


def links_of(session: Session, complaints: Iterable[int]) -> dict[int, list[QuestionComplaint]]:
    """Load the values that these complaints show now, by complaint id."""
    found: dict[int, list[QuestionComplaint]] = {}
    for batch in chunked(complaints):
        for row in session.scalars(_LINKS, {"keys": batch}):
            found.setdefault(row.complaint_id, []).append(row)
    return found


def shown_since(session: Session, question: int) -> dict[tuple[str, str], datetime]:
    """Load the first imports that showed the value of a question, for the complaints that still
    show it. They are given by ticket and source field.
    """
    query = (
        select(Complaint.ticket, QuestionComplaint.source_field, QuestionComplaint.since)
        .join(Complaint, QuestionComplaint.complaint_id == Complaint.id)
        .where(QuestionComplaint.question_id == question, QuestionComplaint.until.is_(None))
    )
    return {(ticket, field): since for ticket, field, since in session.execute(query)}


def first_tickets(
    session: Session, numbers: Sequence[int], most: int
) -> dict[int, tuple[str, ...]]:
    """Load the tickets of the first complaints that wait for each of these questions."""
    found: dict[int, tuple[str, ...]] = {}
    for number in numbers:
        query = (
            select(Complaint.ticket)
            .join(QuestionComplaint, QuestionComplaint.complaint_id == Complaint.id)
            .where(QuestionComplaint.question_id == number, QuestionComplaint.until.is_(None))
            .group_by(Complaint.id, Complaint.ticket)
            .order_by(Complaint.id)
            .limit(most)
        )
        found[number] = tuple(session.scalars(query))
    return found


def add_links(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert links between complaints and questions."""
    if rows:
        session.execute(insert(QuestionComplaint), list(rows))


def end_links(session: Session, question: int, at: datetime) -> None:
    """End the links of a question: no complaint shows its value any more."""
    session.execute(
        update(QuestionComplaint)
        .where(QuestionComplaint.question_id == question, QuestionComplaint.until.is_(None))
        .values(until=at)
    )


def complaints_of(
    session: Session, question: int, *, past: bool
) -> list[tuple[Complaint, QuestionComplaint]]:
    """Load the complaints with the value of a question; `past` adds those that had it before."""
    query = (
        select(Complaint, QuestionComplaint)
        .join(QuestionComplaint, QuestionComplaint.complaint_id == Complaint.id)
        .where(QuestionComplaint.question_id == question)
        .order_by(Complaint.id, QuestionComplaint.id)
    )
    if not past:
        query = query.where(QuestionComplaint.until.is_(None))
    return [(complaint, link) for complaint, link in session.execute(query)]


def open_of_complaint(
    session: Session, complaint: int, as_of: datetime
) -> list[tuple[OpenQuestion, datetime]]:
    """List the questions about a complaint that were open at a moment, each with the first import
    that raised it.
    """
    query = (
        select(OpenQuestion, func.min(QuestionComplaint.since))
        .join(QuestionComplaint, QuestionComplaint.question_id == OpenQuestion.id)
        .where(
            QuestionComplaint.complaint_id == complaint,
            QuestionComplaint.since <= as_of,
            or_(QuestionComplaint.until.is_(None), QuestionComplaint.until > as_of),
            or_(OpenQuestion.answered_at.is_(None), OpenQuestion.answered_at > as_of),
        )
        .group_by(OpenQuestion.id)
        .order_by(OpenQuestion.id)
    )
    return [(question, since) for question, since in session.execute(query)]


def unit_unknown_at(
    complaint: InstrumentedAttribute[int], stopped: InstrumentedAttribute[datetime | None]
) -> Exists:
    """Build the condition that a question leaves open which unit a duty of a complaint is of.

    The question is about a unit, or about the date of an assignment or a return. `stopped` is the
    end of the duty, if it has ended; a question since a later import does not concern it.
    """
    dates = (QuestionComplaint.source_field.endswith(f"/{kind}") for kind in HANDOVERS)
    of_date = (OpenQuestion.role == QuestionRole.STEP) & or_(*dates)
    return exists().where(
        QuestionComplaint.question_id == OpenQuestion.id,
        QuestionComplaint.complaint_id == complaint,
        QuestionComplaint.until.is_(None),
        OpenQuestion.answered_at.is_(None),
        or_(OpenQuestion.role == QuestionRole.UNIT, of_date),
        or_(stopped.is_(None), stopped >= QuestionComplaint.since),
    )


def open_values(session: Session, role: QuestionRole) -> dict[int, str]:
    """Load the values of the open questions of a role, by the complaint that shows them.

    Values that are empty or not kept are left out.
    """
    query = (
        select(QuestionComplaint.complaint_id, OpenQuestion.value)
        .join(OpenQuestion, QuestionComplaint.question_id == OpenQuestion.id)
        .where(
            OpenQuestion.role == role,
            OpenQuestion.value.not_in(("", HIDDEN)),
            OpenQuestion.answered_at.is_(None),
            QuestionComplaint.until.is_(None),
        )
        .order_by(QuestionComplaint.id)
    )
    return dict(session.execute(query).tuples().all())
