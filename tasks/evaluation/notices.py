"""Notices: decide which rungs of a deadline's ladder cause a notice now, and its recipients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from db.audit import AuditKind
from db.models import NoticeRow, NoticeStatus
from sla.directory import OF_A_UNIT, Role
from sla.engine.deadline import Deadline
from sla.escalation import Ladder, Reached, ladder_for, reached
from sla.holds import kept_back
from tasks.common.context import SiteContext

AGAIN: dict[str, str] = {
    NoticeStatus.WITHDRAWN: "; before, it was withdrawn",
    NoticeStatus.SUPPRESSED: "; before, it was held back",
}
"""Statuses of a notice that may still be sent later, with the audit text for that case."""

AUDITED = {
    NoticeStatus.QUEUED: AuditKind.NOTICE_QUEUED,
    NoticeStatus.SUPERSEDED: AuditKind.NOTICE_SUPERSEDED,
    NoticeStatus.SUPPRESSED: AuditKind.NOTICE_SUPPRESSED,
}


@dataclass(frozen=True, slots=True)
class Audience:
    """The roles that get a notice; the roles in `cc` get it for information only."""

    to: tuple[Role, ...]
    cc: tuple[Role, ...] = ()

    def of_the_unit(self) -> Audience:
        """Return only the roles of a single unit."""
        return Audience(
            tuple(role for role in self.to if role in OF_A_UNIT),
            tuple(role for role in self.cc if role in OF_A_UNIT),
        )


@dataclass(frozen=True, slots=True)
class PendingNotice:
    """A pending notice, to be sent to people."""

    notice: NoticeRow
    audience: Audience
    urgent: bool


@dataclass(slots=True)
class NoticeDecision:
    """The decision about one deadline: its new notices, and those to be sent.

    `noted` lists the notices with a changed decision, each with the audit kind and the reason.
    """

    new: list[NoticeRow] = field(default_factory=list)
    noted: list[tuple[NoticeRow, AuditKind, str]] = field(default_factory=list)
    owed: list[PendingNotice] = field(default_factory=list)
    superseded: int = 0


def rungs_reached(office: SiteContext, deadline: Deadline, now: datetime) -> list[Reached]:
    """Return the rungs that a deadline has reached on its ladder, lowest first."""
    return reached(deadline, ladder_of(office, deadline), office.site.evaluation_context, now)


def ladder_of(office: SiteContext, deadline: Deadline) -> Ladder | None:
    """Return the ladder for a deadline, by its rule and the kind of its unit."""
    kind = office.site.evaluation_context.unit_kinds.get(deadline.unit or "")
    return ladder_for(deadline.rule.id, office.site.ladders, kind)


def decide_notices(
    office: SiteContext,
    complaint: int,
    deadline: Deadline,
    rungs: Sequence[Reached],
    rows: Sequence[NoticeRow],
    now: datetime,
    run_id: str,
) -> NoticeDecision:
    """Decide on the notices for the rungs that a deadline has reached: only the highest one is
    sent.

    `rows` are the complaint's existing notices. A rung suppressed by the site is stored as held and
    has no effect until the hold ends. A notice withdrawn before it was sent, because the clock
    paused, is decided again when its rung is reached again.

    After a handover the new unit gets the notices that its former unit already got. The superiors
    know already and do not get them again.
    """
    decided = NoticeDecision()
    unit, today = deadline.unit or "", office.local(now).date()
    of_clock = [row for row in rows if (row.rule, row.clock) == (deadline.rule.id, deadline.clock)]
    own = {(row.rung, row.repeat): row for row in of_clock if row.unit == unit}
    elsewhere = {
        (row.rung, row.repeat)
        for row in of_clock
        if row.unit != unit and row.status == NoticeStatus.SENT
    }

    def note(step: Reached, status: NoticeStatus, why: str) -> NoticeRow:
        row = own.get((step.rung.id, step.repeat))
        if row is None:
            row = NoticeRow(
                complaint_id=complaint,
                rule=deadline.rule.id,
                clock=deadline.clock,
                unit=unit,
                rung=step.rung.id,
                repeat=step.repeat,
            )
            decided.new.append(row)
        if row.status != status:
            decided.noted.append((row, AUDITED[status], why + AGAIN.get(row.status, "")))
        row.kind, row.reached_at = step.rung.kind, step.at
        row.decided_at, row.run_id, row.status = now, run_id, status
        return row

    candidates: list[tuple[Reached, Audience | None]] = []
    for step in rungs:
        row = own.get((step.rung.id, step.repeat))
        if row is not None and row.status not in AGAIN:
            candidates.append((step, None))
        elif kept_back(office.site.holds, deadline, step.rung.id, today):
            note(step, NoticeStatus.SUPPRESSED, "the site holds this rung back for the unit")
        else:
            told = Audience(step.rung.to, step.rung.cc)
            if (step.rung.id, step.repeat) in elsewhere:
                told = told.of_the_unit()
            if told.to or told.cc:
                candidates.append((step, told))
    for number, (step, audience) in enumerate(candidates, 1):
        if audience is None:  # decided in an earlier run
            continue
        if number == len(candidates):
            why = f"reached {step.at:%Y-%m-%d %H:%M} UTC"
            notice = note(step, NoticeStatus.QUEUED, why)
            decided.owed.append(PendingNotice(notice, audience, step.rung.urgent))
        elif (
            row := own.get((step.rung.id, step.repeat))
        ) is None or row.status == NoticeStatus.SUPPRESSED:
            why = f"the higher rung {candidates[-1][0].rung.id} was reached as well"
            note(step, NoticeStatus.SUPERSEDED, why)
            decided.superseded += 1
    return decided
