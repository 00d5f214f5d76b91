"""Corrections: deadlines once counted as late that proved not to be late."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from db import audit, notices
from db.complaints import StoredDeadline
from db.models import NoticeRow
from sla.engine.deadline import LATE_STATES, ClockKey, Deadline
from sla.ladders import NoticeKind
from tasks.common.context import RunContext


@dataclass(frozen=True, slots=True)
class PendingCorrection:
    """A notice to take back from a person: the mail by which this person got it, and its item."""

    notice: NoticeRow
    recipient: str
    recipient_name: str
    role: str
    unit: str | None
    locale: str | None
    copied: bool


def revoked(before: Iterable[StoredDeadline], deadlines: Sequence[Deadline]) -> dict[ClockKey, str]:
    """Return the clocks that were late before and are not late any more, with the reason."""
    now = {deadline.key: deadline for deadline in deadlines}
    found = {}
    for row in before:
        deadline = now.get((row.rule, row.clock))
        if row.state in LATE_STATES and (deadline is None or deadline.state not in LATE_STATES):
            state = "no longer applies" if deadline is None else f"is {deadline.state} now"
            found[row.rule, row.clock] = f"a deadline that counted as late {state}"
    return found


def take_back(
    run: RunContext, complaint: int, clocks: Mapping[ClockKey, str], rows: Sequence[NoticeRow]
) -> None:
    """Mark the late notices of these clocks as taken back, and record it in the audit.

    The audit gets a row for each clock, even if no notice was sent.
    """
    for (rule, clock), why in clocks.items():
        concerned = [
            row
            for row in rows
            if (row.rule, row.clock) == (rule, clock)
            and row.kind != NoticeKind.REMINDER
            and row.taken_back_at is None
        ]
        for row in concerned:
            row.taken_back_at = run.now
        run.session.flush()
        people = {
            m.recipient for m, _ in notices.uncorrected(run.session, [r.id for r in concerned])
        }
        audit.note(
            run.session,
            audit.AuditKind.NOTICE_TAKEN_BACK,
            run.now,
            why,
            complaint=complaint,
            run_id=run.id,
            rule=rule,
            clock=clock,
            notices=len(concerned),
            people=len(people),
        )


def owed_corrections(
    session: Session, rows: Iterable[NoticeRow], deadlines: Sequence[Deadline]
) -> Iterator[PendingCorrection]:
    """Yield the corrections due for a complaint: one for each notice and person.

    While the same deadline is late again, nothing is taken back.
    """
    late = {each.key for each in deadlines if each.state in LATE_STATES}
    wrong = {
        row.id: row
        for row in rows
        if row.taken_back_at is not None and (row.rule, row.clock) not in late
    }
    if not wrong:
        return
    for message, item in notices.uncorrected(session, wrong):
        yield PendingCorrection(
            wrong[item.notice_id],
            message.recipient,
            message.recipient_name,
            item.role,
            message.unit,
            message.locale,
            item.copied,
        )
