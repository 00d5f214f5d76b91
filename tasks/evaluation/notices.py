"""Notices: decide which rungs of a deadline's ladder cause a notice now, and its recipients."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from db.audit import AuditKind
from db.complaints import StoredDeadline
from db.lives import NoticeStatus
from db.mails.mail_items import MailedNotice
from db.models import NoticeRow
from db.notices import Acceptance, NewNotice
from sla.directory import Role
from sla.engine.deadline import ClockKey, Deadline
from sla.escalation import FirstTimes, Reached, moved_reminders, next_action_at, reached
from sla.fair_notice import NOT_NOTIFIED, AcceptedNotices, unit_had_its_time
from sla.holds import on_hold
from sla.ladders import Ladder, NoticeKind, Rung, ladder_for, responsible_roles
from sla.rung_decisions import DecidedRung, EarlierDecision, RungDecision, decide_rungs
from sla.value_class import value_class
from tasks.common.context import RunContext, SiteContext
from tasks.evaluation.corrections import Revoked

AGAIN: dict[str, str] = {
    NoticeStatus.WITHDRAWN: "; before, it was withdrawn",
    NoticeStatus.SUPPRESSED: "; before, it was held back",
    NoticeStatus.FAILED: "; before, no mail about it could be delivered",
    NoticeStatus.MOVED: "; before, it was due on an earlier day",
}
"""Statuses of a notice that may still be sent later, with the audit text for that case."""

NOT_COUNTED = (NoticeStatus.WITHDRAWN, NoticeStatus.SUPPRESSED, NoticeStatus.MOVED)
"""Statuses of a notice without effect: its repetitions are not counted from their decision."""

FINAL = EarlierDecision.FINAL

EARLIER: Mapping[str, EarlierDecision] = {
    NoticeStatus.SUPPRESSED: EarlierDecision.SUPPRESSED,
    NoticeStatus.WITHDRAWN: EarlierDecision.WITHOUT_EFFECT,
    NoticeStatus.FAILED: EarlierDecision.WITHOUT_EFFECT,
    NoticeStatus.MOVED: EarlierDecision.WITHOUT_EFFECT,
}
"""The earlier decision about a rung by the status of its notice; any other one is final."""

STATUSES = {
    RungDecision.NOTIFY: NoticeStatus.QUEUED,
    RungDecision.SUPERSEDE: NoticeStatus.SUPERSEDED,
    RungDecision.SUPPRESS: NoticeStatus.SUPPRESSED,
}

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

    @classmethod
    @lru_cache(maxsize=256)
    def of(cls, rung: Rung) -> Audience:
        """Return the audience of a rung; many notices share it."""
        return cls(rung.to, rung.cc)


@dataclass(frozen=True, slots=True)
class PendingNotice:
    """A pending notice, to be sent to people.

    `weekly` is the day of the week for which it waits (0 = Monday); with `new_at_once` only if the
    person has heard of the duty before. `inherited` marks the first
    notice to the unit about a deadline missed before the first import of the source.
    """

    notice: NoticeRow | NewNotice
    audience: Audience
    urgent: bool
    weekly: int | None = None
    new_at_once: bool = False
    inherited: bool = False


@value_class(frozen=True, slots=True)
class NoticeHistory:
    """The notices of one clock so far: at its present unit, in its present episode. The duty of
    superiors has them of every unit.

    A new episode begins after a correction: the ladder then starts again at the unit. Of a reminder
    that was due again on a later day, `rows` has the newest notice. `reminded_for` has the latest
    time for which, or at which, each reminder was decided, by rung.
    """

    rows: Mapping[tuple[str, int], NoticeRow]
    notified: AcceptedNotices
    episode: int
    reminded_for: Mapping[str, datetime] = field(default_factory=dict)

    def with_decided(self, steps: Sequence[Reached], now: datetime) -> AcceptedNotices:
        """Return the notices of the clock as they are after a decision about these rungs."""
        if not steps:
            return self.notified
        new = {step.rung.id: now for step in steps}
        return AcceptedNotices(self.notified.accepted, {**new, **self.notified.decided})


NO_HISTORY = NoticeHistory({}, NOT_NOTIFIED, 0)
"""There is no notice of the complaint yet, or the clock reaches no rung."""


def by_clock(rows: Iterable[NoticeRow]) -> dict[ClockKey, list[NoticeRow]]:
    """Group the notices of a complaint by their clocks."""
    found: dict[ClockKey, list[NoticeRow]] = {}
    for row in rows:
        found.setdefault((row.rule, row.clock), []).append(row)
    return found


def history_of(
    deadline: Deadline,
    rows: Sequence[NoticeRow],
    accepted: Mapping[int, Sequence[Acceptance]],
    *,
    revoked: Revoked | None = None,
    superiors_from: datetime | None = None,
) -> NoticeHistory:
    """Return the history of a clock with these notices of it, oldest first.

    `accepted` are the accepted mails by notice. `revoked` is the lateness taken back now. Reminders
    belong to every episode. A notice to the unit before `superiors_from` counts as accepted at this
    time: the ladder of the superiors begins then.
    """
    if not rows:
        return NO_HISTORY
    of_unit = [(row, row.kind == NoticeKind.REMINDER) for row in rows if deadline.is_of(row.unit)]
    over = [
        row.episode
        for row, reminds in of_unit
        if not reminds
        and (row.taken_back_at is not None or (revoked is not None and revoked.concerns(row)))
    ]
    episode = max(over, default=-1) + 1
    roles = responsible_roles(deadline.rule)
    first: dict[str, datetime] = {}
    decided: dict[str, datetime] = {}
    reminded: dict[str, datetime] = {}
    newest: dict[str, int] = {}
    current = {}
    own = [
        (row, row.rung, reminds and not row.repeat, reminds)
        for row, reminds in of_unit
        if reminds or row.episode == episode
    ]
    for row, rung, is_first, _ in own:
        if is_first:
            newest[rung] = row.id
    for row, rung, is_first, reminds in own:
        status = row.status
        if is_first and EARLIER.get(status, FINAL) is FINAL:
            at = max(row.reached_at, row.decided_at)
            reminded[rung] = max(at, reminded.get(rung, at))
        if not reminds or row.id >= newest.get(rung, 0):
            current[rung, row.repeat] = row
            if status not in NOT_COUNTED:
                at = row.decided_at
                decided[rung] = min(at, decided.get(rung, at))
        for each in accepted.get(row.id, ()):
            if each.role in roles:
                at = max(each.at, superiors_from or each.at)
                first[rung] = min(at, first.get(rung, at))
    return NoticeHistory(current, AcceptedNotices(first, decided), episode, reminded)


@dataclass(slots=True)
class NoticeDecision:
    """The decision about one deadline: its new notices, and those to be sent.

    The new ones are not stored yet. `noted` lists the notices with a changed decision, each with
    the audit kind and the reason.
    """

    new: list[NewNotice] = field(default_factory=list)
    noted: list[tuple[NoticeRow | NewNotice, AuditKind, str]] = field(default_factory=list)
    owed: list[PendingNotice] = field(default_factory=list)
    superseded: int = 0


def first_times(context: SiteContext, deadline: Deadline, history: NoticeHistory) -> FirstTimes:
    """Return the first times of the rungs of a deadline, with these notices."""
    ladder = ladder_of(context, deadline)
    return FirstTimes(deadline, ladder, context.site.evaluation_context, history.notified)


def rungs_reached(
    context: SiteContext,
    deadline: Deadline,
    now: datetime,
    history: NoticeHistory,
    times: FirstTimes | None = None,
) -> tuple[list[Reached], datetime | None]:
    """Return the rungs that a deadline has reached on its ladder, lowest first, and the time of the
    next rung after the decision about them.

    `times` are the :func:`first_times` of the deadline with these notices, if they are known.
    """
    if not deadline.open:
        return [], None
    evaluation_context, notified = context.site.evaluation_context, history.notified
    times = times or first_times(context, deadline, history)
    ladder = times.ladder
    steps = reached(deadline, ladder, evaluation_context, now, notified, times)
    decided = history.with_decided(steps, now)
    return steps, next_action_at(deadline, ladder, evaluation_context, now, decided, times)


def due_again(
    context: SiteContext,
    deadline: Deadline,
    before: StoredDeadline | None,
    history: NoticeHistory,
    now: datetime,
) -> list[Reached]:
    """Return the reminders that are due again because this evaluation finds a later due day.

    `before` is the deadline as stored; it does not count if the due day was open then, or if the
    unit was another one. A notice that still waits is not due again: its mail has the present due
    day, or leaves the notice out until its new day (see :func:`comes_later`).
    """
    if not history.reminded_for or deadline.due is None:
        return []
    evaluation_context = context.site.evaluation_context
    due_before = before.due if before is not None and deadline.is_of(before.unit) else None
    day = evaluation_context.day
    if due_before is not None and (
        deadline.due == due_before or day(deadline.due) <= day(due_before)
    ):
        return []
    waiting = {
        rung
        for rung in history.reminded_for
        if (status := history.rows[rung, 0].status) == NoticeStatus.QUEUED or status in EARLIER
    }
    reminded = {rung: at for rung, at in history.reminded_for.items() if rung not in waiting}
    ladder = ladder_of(context, deadline)
    return moved_reminders(deadline, ladder, evaluation_context, reminded, now)


def comes_later(
    context: SiteContext, notice: NoticeRow | MailedNotice, deadline: Deadline, now: datetime
) -> bool:
    """Check whether the day of a reminder that waits to be sent has moved to a later one."""
    if notice.kind != NoticeKind.REMINDER or notice.repeat or deadline.due is None:
        return False
    ladder, evaluation_context = ladder_of(context, deadline), context.site.evaluation_context
    reached_for = {notice.rung: notice.reached_at}
    moved = moved_reminders(deadline, ladder, evaluation_context, reached_for, now)
    return any(each.at > now for each in moved)


def may_be_notified(
    context: SiteContext,
    notice: NoticeRow | MailedNotice,
    deadline: Deadline,
    rows: Sequence[NoticeRow],
    accepted: Mapping[int, Sequence[Acceptance]],
    now: datetime,
    superiors_from: datetime | None = None,
) -> bool:
    """Check whether fair notice still permits a notice that waits to be sent.

    The mail to the unit may have come back since the notice was queued. `rows` are the notices of
    the complaint, and `accepted` their accepted mails.
    """
    ladder, evaluation_context = ladder_of(context, deadline), context.site.evaluation_context
    rungs = ladder.rungs if ladder is not None else ()
    rung = next((each for each in rungs if each.id == notice.rung), None)
    if ladder is None or rung is None:  # another ladder since then
        return True
    own = by_clock(rows).get(deadline.key, ())
    notified = history_of(deadline, own, accepted, superiors_from=superiors_from).notified
    return unit_had_its_time(deadline, ladder, rung, evaluation_context, now, notified)


def ladder_of(context: SiteContext, deadline: Deadline) -> Ladder | None:
    """Return the ladder for a deadline, by its rule and the kind of its unit."""
    kind = context.site.evaluation_context.unit_kinds.get(deadline.unit or "")
    return ladder_for(deadline.rule.id, context.site.ladders, kind)


def decide_notices(
    run: RunContext,
    complaint: int,
    deadline: Deadline,
    rungs: Sequence[Reached],
    history: NoticeHistory,
    *,
    moved: Sequence[Reached] = (),
    inherited: bool = False,
    hold_superiors: bool = False,
) -> NoticeDecision:
    """Decide on the notices for the rungs that a deadline has reached, and change their rows.

    A rung on hold is stored as suppressed and has no effect until the hold ends; with
    `hold_superiors` all rungs for superiors are on hold. A notice
    withdrawn before it was sent, because the clock paused, is decided again when its rung is
    reached again; so is a notice with no delivered mail.

    `moved` are the reminders found :func:`due_again`. One that is not reached yet is stored as
    moved, and decided again on its day.
    """
    decided = NoticeDecision()
    if not rungs and not moved:
        return decided
    ids = {step.rung.id for step in rungs}
    later = [each for each in moved if each.rung.id not in ids]
    decided.new += [
        _new(run, complaint, deadline, each, NoticeStatus.MOVED, history) for each in later
    ]
    again = {(each.rung.id, each.repeat) for each in moved}
    earlier = _earlier(run.context, rungs, history, again)
    holds, today = run.site.holds, run.today
    held = {rung for rung in ids if on_hold(holds, deadline, rung, today)} if holds else set()
    held |= {step.rung.id for step in rungs if hold_superiors and step.rung.for_superiors}
    for each in decide_rungs(rungs, earlier, held):
        notice = _write(run, complaint, deadline, each, history, decided, again)
        rung = each.reached.rung
        if each.decision is RungDecision.NOTIFY:
            first_notified = inherited and not rung.for_superiors and not each.reached.repeat
            decided.owed.append(
                PendingNotice(
                    notice,
                    Audience.of(rung),
                    rung.urgent,
                    weekly=rung.weekly,
                    new_at_once=rung.new_at_once,
                    inherited=first_notified,
                )
            )
        decided.superseded += each.decision is RungDecision.SUPERSEDE
    return decided


def _earlier(
    context: SiteContext,
    rungs: Sequence[Reached],
    history: NoticeHistory,
    again: Collection[tuple[str, int]],
) -> dict[tuple[str, int], EarlierDecision]:
    """Return the earlier decisions about the rungs; none is final about those due `again`.

    If the due day has moved back, a reminder was already notified for the present day.
    """
    day = context.site.evaluation_context.day
    earlier: dict[tuple[str, int], EarlierDecision] = {}
    for step in rungs:
        key, reminded = (step.rung.id, step.repeat), history.reminded_for.get(step.rung.id)
        row = history.rows.get(key)
        if row is not None:
            earlier[key] = EARLIER.get(row.status, FINAL)
        if key in again:
            earlier[key] = EarlierDecision.WITHOUT_EFFECT
        elif not step.repeat and reminded is not None and day(step.at) <= day(reminded):
            earlier[key] = FINAL
    return earlier


def _write(
    run: RunContext,
    complaint: int,
    deadline: Deadline,
    each: DecidedRung,
    history: NoticeHistory,
    decided: NoticeDecision,
    again: Collection[tuple[str, int]],
) -> NoticeRow | NewNotice:
    """Write the decision about a rung into its notice, or into a new one."""
    step, status = each.reached, STATUSES[each.decision]
    key = step.rung.id, step.repeat
    row = history.rows.get(key)
    if row is None or key in again:
        new = _new(run, complaint, deadline, step, status, history)
        before = AGAIN[NoticeStatus.MOVED] if key in again else ""
        decided.new.append(new)
        decided.noted.append((new, AUDITED[status], _reason(each) + before))
        return new
    if row.status != status:
        decided.noted.append((row, AUDITED[status], _reason(each) + AGAIN.get(row.status, "")))
    if row.status != NoticeStatus.FAILED:  # repetitions are counted from the first decision
        row.decided_at = run.now
    row.kind, row.reached_at = step.rung.kind, step.at
    row.run_id, row.status = run.id, status
    row.regulation = deadline.rule.regulation.citation
    return row


def _new(
    run: RunContext,
    complaint: int,
    deadline: Deadline,
    step: Reached,
    status: NoticeStatus,
    history: NoticeHistory,
) -> NewNotice:
    """Return a new notice of a rung: its first one, or one for a later day."""
    return NewNotice(
        complaint_id=complaint,
        rule=deadline.rule.id,
        clock=deadline.clock,
        unit=deadline.unit or "",
        rung=step.rung.id,
        repeat=step.repeat,
        episode=_episode(step, history),
        kind=step.rung.kind,
        reached_at=step.at,
        decided_at=run.now,
        status=status,
        run_id=run.id,
        regulation=deadline.rule.regulation.citation,
    )


def _episode(step: Reached, history: NoticeHistory) -> int:
    """Return the episode of a new notice. A reminder counts its own: one for each later day, with
    the repetitions since then.
    """
    first = history.rows.get((step.rung.id, 0))
    if step.rung.kind is not NoticeKind.REMINDER or first is None:
        return history.episode
    return first.episode if step.repeat else max(first.episode + 1, history.episode)


def _reason(each: DecidedRung) -> str:
    """Return the reason of a decision for the audit."""
    if each.decision is RungDecision.NOTIFY:
        return _reached(each.reached.at)
    if each.decision is RungDecision.SUPERSEDE:
        return f"the higher rung {each.highest.rung.id} was reached as well"
    return "the site holds this rung back for the unit"


@lru_cache(maxsize=4096)
def _reached(at: datetime) -> str:
    """Return the reason of a notification; the notices of a day share one text."""
    return f"reached {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
