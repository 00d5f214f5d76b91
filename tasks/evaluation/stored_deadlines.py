"""Queries over the stored deadlines: late, coming, suspended, met since a moment.

This module has the one definition of late that mails, artifacts and `tenggat deadlines` share with
the report (`sla.metrics`):

- A duty is late if its deadline is breached and still open.
- A complaint is late if at least one of its duties is late.
- A duty is late and ended otherwise if its deadline was breached, and the duty then ended without
  being done, for example because the complaint was closed. Those due in the present calendar year
  are counted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import Session

from db import questions
from db.bulk import is_one_of
from db.complaints import WITHOUT_IMPORT
from db.models import Complaint, DeadlineRow
from sla.engine.deadline import LATE_STATES, Reason, State
from sla.regulations.model import Law

LATE = (DeadlineRow.state == State.BREACHED) & DeadlineRow.stopped.is_(None)
"""The condition of a late duty."""

_OPEN = DeadlineRow.stopped.is_(None) & DeadlineRow.state.in_((State.RUNNING, State.BREACHED))
"""The condition of a duty that runs or is late."""

ENDED_LATE = (DeadlineRow.state == State.BREACHED) & DeadlineRow.stopped.is_not(None)
"""The condition of a duty that is late and ended otherwise."""


def listed_unit(law: Law) -> ColumnElement[str | None]:
    """Return the column of the unit under which lists and counts show a duty, as the report does.

    It is None for a duty of superiors, and for a late duty of an unknown unit. The duties of the
    administrators of LAPOR! are those of one unit anyway.
    """
    unknown = (
        DeadlineRow.state.in_(LATE_STATES)
        & DeadlineRow.rule.not_in(sorted(law.of_administrators))
        & questions.unit_unknown_at(DeadlineRow.complaint_id, DeadlineRow.stopped)
    )
    is_none = DeadlineRow.rule.in_(sorted(law.of_superiors)) | unknown
    return case((is_none, None), else_=DeadlineRow.unit).label("listed_unit")


VERDICT_PENDING = (Reason.AWAITING_SOURCE, Reason.SHOWN_LATER, Reason.POLICY)
"""The reasons for which an open duty past its due time is neither late nor done yet. With an open
question (`Reason.OPEN_QUESTION`) a duty is unknown before its due time too.
"""


@dataclass(frozen=True, slots=True)
class LateCounts:
    """Late complaints, their late duties, and the duties late this year and ended otherwise."""

    complaints: int
    duties: int
    ended: int


def last_evaluation(session: Session) -> datetime | None:
    """Return the time of the last evaluation of any deadline."""
    return session.scalar(select(func.max(DeadlineRow.evaluated_at)))


def late_counts(
    session: Session,
    year_begin: datetime,
    unit: str | None = None,
    law: Law | None = None,
) -> LateCounts:
    """Count what is late, in the whole site or, by its law, at one unit.

    `year_begin` is the start of the present calendar year.
    """
    where = [] if unit is None or law is None else [listed_unit(law) == unit]
    complaints, duties = session.execute(
        select(func.count(DeadlineRow.complaint_id.distinct()), func.count()).where(LATE, *where)
    ).one()
    this_year = DeadlineRow.due >= year_begin
    ended = session.scalar(
        select(func.count()).select_from(DeadlineRow).where(ENDED_LATE, this_year, *where)
    )
    return LateCounts(complaints, duties, ended or 0)


def late_of(session: Session, rules: Collection[str]) -> int:
    """Count the complaints with a late duty of these rules."""
    number = func.count(DeadlineRow.complaint_id.distinct())
    return session.scalar(select(number).where(LATE, DeadlineRow.rule.in_(sorted(rules)))) or 0


def late_by_unit(session: Session, law: Law) -> list[tuple[str | None, int]]:
    """Count the late complaints of each unit, most first.

    Duties of superiors are left out. Complaints of which the unit is not known count at none
    (None), as in the reports.
    """
    number = func.count(DeadlineRow.complaint_id.distinct())
    unit = listed_unit(law)
    rows = session.execute(
        select(unit, number)
        .where(LATE, DeadlineRow.rule.not_in(sorted(law.of_superiors)))
        .group_by(unit)
        .order_by(number.desc(), unit)
    )
    return [(unit, count) for unit, count in rows]


def concerned(session: Session, until: datetime, units: Collection[str] | None) -> Sequence[int]:
    """Return the ids of the complaints with a duty that is late, or running and due until a moment.

    `units` limits them to some units and to duties without a unit; None means every unit.
    """
    keys = select(DeadlineRow.complaint_id).where(_OPEN, DeadlineRow.due <= until, _at(units))
    return session.scalars(keys.distinct()).all()


def only_late(
    session: Session,
    complaints: Sequence[int],
    now: datetime,
    rules: Collection[str],
    without: Collection[str],
) -> dict[int, int]:
    """Return those of these complaints of which each open duty is certainly late, is one of these
    `rules`, and is at none of the units `without`: the number of these duties by complaint.

    Only complaints are returned of which no evaluation is due at `now`. One with a duty that is
    in doubt, or not late yet, is left out. Of the indexes a database can use only those of the
    complaint here: without statistics PostgreSQL would read all late duties each time.
    """
    known = DeadlineRow.due.is_not(None) & DeadlineRow.reason.not_in(WITHOUT_IMPORT)
    elsewhere = or_(DeadlineRow.unit.is_(None), DeadlineRow.unit.not_in(without))
    certain = LATE & known & DeadlineRow.rule.in_(rules) & elsewhere
    open_duties = func.sum(case((_OPEN, 1), else_=0))
    rows = session.execute(
        select(DeadlineRow.complaint_id, open_duties)
        .where(is_one_of(DeadlineRow.complaint_id, complaints))
        .group_by(DeadlineRow.complaint_id)
        .having(open_duties > 0, open_duties == func.sum(case((certain, 1), else_=0)))
    )
    found = dict(rows.tuples().all())
    scheduled = session.execute(
        select(Complaint.id, Complaint.evaluated_at, Complaint.next_action_at).where(
            is_one_of(Complaint.id, list(found))
        )
    )
    return {
        complaint: found[complaint]
        for complaint, evaluated_at, next_action_at in scheduled
        if evaluated_at is not None and (next_action_at is None or next_action_at > now)
    }


@dataclass(frozen=True, slots=True)
class StoredDuty:
    """A stored deadline, with the ticket and the source of its complaint, and the time at which
    the complaint was recorded.
    """

    complaint: int
    ticket: str
    source: str
    rule: str
    clock: int
    unit: str | None
    state: str
    due: datetime | None
    evaluated_at: datetime
    reason: str
    stopped: datetime | None
    recorded_at: datetime


def suspended(
    session: Session, rules: Collection[str], units: Collection[str] | None
) -> list[tuple[int, str | None, bool]]:
    """Return the complaints of which a duty is paused, or one of these `rules` of the complainant
    runs: the complaint, its unit, and whether a duty is paused.
    """
    own = DeadlineRow.rule.in_(rules) & (DeadlineRow.state == State.RUNNING)
    paused = DeadlineRow.state == State.PAUSED
    rows = session.execute(
        select(DeadlineRow.complaint_id, DeadlineRow.unit, paused)
        .where(DeadlineRow.stopped.is_(None), or_(own, paused), _at(units))
        .distinct()
    )
    return [(complaint, unit, bool(is_paused)) for complaint, unit, is_paused in rows]


def ended_since(
    session: Session, moment: datetime, units: Collection[str] | None
) -> list[StoredDuty]:
    """Return the duties of which an evaluation after a moment was the first to find the end."""
    ended = DeadlineRow.stopped.is_not(None) & (DeadlineRow.evaluated_at > moment)
    return _duties(session, ended, units)


def awaiting_verdict(
    session: Session, now: datetime, units: Collection[str] | None
) -> list[StoredDuty]:
    """Return the duties past their due time that cannot be called late or done yet: the source does
    not show it yet, or an open question leaves it unknown.
    """
    asked = (DeadlineRow.reason == Reason.OPEN_QUESTION) & (DeadlineRow.due < now)
    return _duties(
        session,
        DeadlineRow.stopped.is_(None)
        & (DeadlineRow.state == State.UNKNOWN)
        & or_(DeadlineRow.reason.in_(VERDICT_PENDING), asked),
        units,
    )


def _duties(
    session: Session, condition: ColumnElement[bool], units: Collection[str] | None
) -> list[StoredDuty]:
    columns = (
        Complaint.id,
        Complaint.ticket,
        Complaint.source,
        DeadlineRow.rule,
        DeadlineRow.clock,
        DeadlineRow.unit,
        DeadlineRow.state,
        DeadlineRow.due,
        DeadlineRow.evaluated_at,
        DeadlineRow.reason,
        DeadlineRow.stopped,
        Complaint.recorded_at,
    )
    rows = session.execute(
        select(*columns)
        .join(Complaint, Complaint.id == DeadlineRow.complaint_id)
        .where(condition, _at(units))
        .order_by(DeadlineRow.id)
    )
    return [StoredDuty(*row) for row in rows]


def _at(units: Collection[str] | None) -> ColumnElement[bool]:
    if units is None:
        return DeadlineRow.id.is_not(None)
    return or_(DeadlineRow.unit.in_(units), DeadlineRow.unit.is_(None))
