"""Corrections: deadlines once counted as late that proved not to be late, or not of that unit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from db import audit, notices
from db.complaints import StoredDeadline
from db.lives import NoticeStatus
from db.mails import listed_duties
from db.mails.listed_duties import ListedTo
from db.mails.mail_items import MailedNotice
from db.models import NoticeRow
from sla.engine.deadline import LATE_STATES, ClockKey, Deadline
from sla.ladders import NoticeKind
from sla.regulations.model import Actor
from tasks.common.context import RunContext

LISTED = "listed"
"""The rung of a notice that only stands for the lists of mails, to take them back."""

NOT_IN_CHARGE = "the unit of a deadline that counted as late was not in charge at its due time"
PERHAPS_NOT_IN_CHARGE = (
    "the unit of a deadline that counted as late was perhaps not in charge at its due time"
)

NOT_YET_LATE = "a deadline counted as late before its due time as known now"


@dataclass(frozen=True, slots=True)
class PendingCorrection:
    """A notice to take back from a person: the mail by which this person got it, and its item.

    If the mail only listed the duty as late, any notice taken back at that time is named.
    """

    notice: NoticeRow
    recipient: str
    recipient_name: str
    role: str
    unit: str | None
    locale: str | None
    copied: bool


@dataclass(frozen=True, slots=True)
class Revoked:
    """Why the lateness of a deadline is taken back, the unit that it accused, and the citation of
    the regulation by which it was late.

    With `wrong_units` the deadline is still late, but these units were not certainly in charge of
    it when it fell due or since. With `due` it is late again: the due time has moved to this later
    one, and it was called late before.
    """

    why: str
    unit: str
    wrong_units: frozenset[str] = frozenset()
    regulation: str | None = None
    due: datetime | None = None

    def concerns(self, notice: NoticeRow) -> bool:
        """Check whether a late notice of the clock is taken back."""
        return self._was_early(told_at(notice)) or (
            notice.unit in self.wrong_units if self.wrong_units else self.due is None
        )

    def concerns_mail(self, composed_at: datetime) -> bool:
        """Check whether the lateness is taken back that a mail of this time has listed."""
        return bool(self.wrong_units) or self.due is None or self._was_early(composed_at)

    def _was_early(self, moment: datetime) -> bool:
        return self.due is not None and moment <= self.due


def revoked(
    before: Iterable[StoredDeadline],
    deadlines: Sequence[Deadline],
    rows: Iterable[NoticeRow] = (),
    *,
    unit_known: bool = True,
    listed: Callable[[], Iterable[ListedTo]] = tuple,
) -> dict[ClockKey, Revoked]:
    """Return the clocks that were late before and are not late any more, with the reason.

    Also return the clocks that are late again, by a later due time, but were not late yet when a
    notice of `rows` was decided or when a mail that has `listed` them was composed.

    Also return the clocks that were late, or were notified as late by one of the notices `rows`, at
    a unit that is not liable as is known now: it never had the complaint, or handed it over before
    the due time, or perhaps did. A unit that handed it over after the due time stays late. Unless
    `unit_known`, the unit of a deadline may only replace an unreadable one, and every unit
    stays liable. The unit of a duty of superiors does not matter.
    """
    late_before = [row for row in before if row.state in LATE_STATES]
    if not late_before:
        return {}
    now = {deadline.key: deadline for deadline in deadlines}
    notified: dict[ClockKey, set[str]] = {}
    for notice in rows:
        if notice.kind != NoticeKind.REMINDER and notice.taken_back_at is None:
            notified.setdefault((notice.rule, notice.clock), set()).add(notice.unit)
    found = {}
    for row in late_before:
        deadline = now.get((row.rule, row.clock))
        if deadline is None or deadline.state not in LATE_STATES:
            state = "no longer applies" if deadline is None else f"is {deadline.state} now"
            why = f"a deadline that counted as late {state}"
            found[row.rule, row.clock] = Revoked(why, row.unit or "", regulation=row.regulation)
            continue
        due = deadline.due if _called_late_early(row, deadline, rows, listed) else None
        if due is not None:
            found[deadline.key] = Revoked(
                NOT_YET_LATE, row.unit or "", regulation=row.regulation, due=due
            )
        if unit_known and deadline.rule.actor is not Actor.SUPERIOR:
            units = {row.unit, *notified.get(deadline.key, ())} - {deadline.unit, None, ""}
            wrong = frozenset(unit for unit in units if unit and unit not in deadline.liable)
            if wrong:
                why = NOT_IN_CHARGE if deadline.answerable else PERHAPS_NOT_IN_CHARGE
                unit = row.unit if row.unit in wrong else min(wrong)
                found[deadline.key] = Revoked(why, unit or "", wrong, row.regulation, due)
    return found


def _called_late_early(
    before: StoredDeadline,
    deadline: Deadline,
    rows: Iterable[NoticeRow],
    listed: Callable[[], Iterable[ListedTo]],
) -> bool:
    """Check whether a late deadline with a later due time than `before` was called late too early.

    Whatever was said before the last change of the due time was checked then.
    """
    if before.due is None or deadline.due is None or deadline.due <= before.due:
        return False
    late = [
        row
        for row in rows
        if (row.rule, row.clock) == deadline.key and row.kind != NoticeKind.REMINDER
    ]
    if any(row.taken_back_at is None and not deadline.late_at(told_at(row)) for row in late):
        return True
    lists = _listed_since(listed(), deadline.key, late)
    return any(not deadline.late_at(each.composed_at) for each in lists)


def _listed_since(
    listed: Iterable[ListedTo], clock: ClockKey, late: Iterable[NoticeRow]
) -> list[ListedTo]:
    """Return the mails that have listed a clock as late since one of these notices was last taken
    back.
    """
    since = max((row.taken_back_at for row in late if row.taken_back_at), default=None)
    return [
        each
        for each in listed
        if (each.rule, each.clock) == clock and (since is None or each.composed_at >= since)
    ]


def take_back(
    run: RunContext, complaint: int, clocks: Mapping[ClockKey, Revoked], rows: Sequence[NoticeRow]
) -> list[NoticeRow]:
    """Mark the late notices of these clocks as taken back, and record it in the audit.

    The audit gets a row for each clock, even if no notice was sent. Return the notices of the
    complaint: a clock that mails have only listed as late gets one, so that it can be taken back.
    """
    every = list(rows)
    listed = listed_duties.listed_as_late(run.session, complaint) if clocks else []
    for (rule, clock), found in clocks.items():
        of_clock = [row for row in every if (row.rule, row.clock) == (rule, clock)]
        late = [row for row in of_clock if row.kind != NoticeKind.REMINDER and found.concerns(row)]
        concerned = [row for row in late if row.taken_back_at is None]
        since = _listed_since(listed, (rule, clock), late)
        lists = [each for each in since if found.concerns_mail(each.composed_at)]
        readers = {each.recipient.casefold() for each in lists}
        for row in concerned:
            row.taken_back_at = run.now
        if lists and not concerned:
            listed_at = max(each.composed_at for each in lists)
            every.append(_for_lists(run, complaint, (rule, clock), found, of_clock, listed_at))
        run.session.flush()
        readers |= {
            m.recipient.casefold()
            for m, _ in notices.uncorrected(run.session, [r.id for r in concerned])
        }
        audit.note(
            run.session,
            audit.AuditKind.NOTICE_TAKEN_BACK,
            run.now,
            found.why,
            complaint=complaint,
            run_id=run.id,
            rule=rule,
            clock=clock,
            notices=len(concerned),
            people=len(readers),
        )
    return every


def _for_lists(
    run: RunContext,
    complaint: int,
    clock: ClockKey,
    found: Revoked,
    earlier: Sequence[NoticeRow],
    listed_at: datetime,
) -> NoticeRow:
    """Add a notice of a clock without any to take back, taken back now and never sent.

    The unit was not notified (the rule may have no ladder), but mails have listed the duty, the
    last one at `listed_at`. `earlier` are the notices of the clock.
    """
    notice = NoticeRow(
        complaint_id=complaint,
        rule=clock[0],
        clock=clock[1],
        unit=found.unit,
        rung=LISTED,
        repeat=0,
        episode=max((row.episode for row in earlier), default=-1) + 1,
        kind=NoticeKind.BREACH,
        reached_at=listed_at,
        decided_at=run.now,
        taken_back_at=run.now,
        status=NoticeStatus.WITHDRAWN,
        run_id=run.id,
        regulation=found.regulation,
    )
    run.session.add(notice)
    return notice


def owed_corrections(
    session: Session, rows: Iterable[NoticeRow], deadlines: Sequence[Deadline]
) -> Iterator[PendingCorrection]:
    """Yield the corrections due for a complaint: one for each notice and person, and one for each
    person with a mail that only listed the duty as late.

    While the same deadline is late again at the same unit, only those get one who were told before
    its due time as known now.
    """
    taken_back = [row for row in rows if row.taken_back_at is not None]
    if not taken_back:
        return
    late = {each.key: each for each in deadlines if each.state in LATE_STATES}
    wrong = {row.id: row for row in taken_back if not is_right(late, row, told_at(row))}
    if not wrong:
        return
    corrected = {(_moment(wrong[key]), to) for key, to in notices.corrected(session, wrong)}
    for message, item in notices.uncorrected(session, wrong):
        notice = wrong[item.notice_id]
        if is_right(late, notice, message.composed_at or told_at(notice)):
            continue
        corrected.add((_moment(notice), message.recipient.casefold()))
        yield PendingCorrection(
            notice,
            message.recipient,
            message.recipient_name,
            item.role,
            message.unit,
            message.locale,
            item.copied,
        )
    first = {_moment(row): row for row in sorted(wrong.values(), key=lambda row: -row.id)}
    for each in listed_duties.listed_as_late(session, next(iter(wrong.values())).complaint_id):
        moment = _taken_back(each, first)
        if (
            moment is not None
            and (moment, each.recipient.casefold()) not in corrected
            and not is_right(late, first[moment], each.composed_at)
        ):
            corrected.add((moment, each.recipient.casefold()))
            yield PendingCorrection(
                first[moment],
                each.recipient,
                each.recipient_name,
                each.role,
                each.unit,
                each.locale,
                copied=False,
            )


def told_at(notice: NoticeRow | MailedNotice) -> datetime:
    """Return when a notice called its duty late: for lists, when the last one was composed."""
    return notice.reached_at if notice.rung == LISTED else notice.decided_at


def is_right(late: Mapping[ClockKey, Deadline], notice: NoticeRow, moment: datetime) -> bool:
    """Check whether the lateness that a notice or a list told at a moment is true after all: the
    deadline is late again at the same unit, and was late at that moment.
    """
    deadline = late.get((notice.rule, notice.clock))
    return deadline is not None and deadline.is_of(notice.unit) and deadline.late_at(moment)


_TakenBack = tuple[str, int, datetime]
"""A rule, the number of the clock, and the time at which its lateness was taken back."""


def _moment(notice: NoticeRow) -> _TakenBack:
    assert notice.taken_back_at is not None
    return notice.rule, notice.clock, notice.taken_back_at


def _taken_back(listed: ListedTo, moments: Iterable[_TakenBack]) -> _TakenBack | None:
    """Return when a listed lateness was first taken back after its mail was composed."""
    clock = listed.rule, listed.clock
    found = [each for each in moments if each[:2] == clock and each[2] > listed.composed_at]
    return min(found, key=lambda each: each[2], default=None)
