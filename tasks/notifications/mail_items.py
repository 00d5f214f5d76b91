"""Mail items: which notices of a mail are still true when it leaves, and the desk that it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property

from db.mailbox import bounces
from db.models import LeftOut, MessageItem, MessageKind, MessageRow, NoticeRow
from sla.directory import OF_A_UNIT, Holders, OfficeHolder, Role
from sla.engine.clocks import CLASS
from sla.engine.context import UNDETERMINED
from sla.engine.deadline import LATE_STATES, ClockKey, Deadline, State
from sla.ladders import SUPERIORS, NoticeKind
from sla.regulations.model import Rule
from tasks.common.context import RunContext, SiteContext
from tasks.evaluation.case_store import DATABASE, CaseStore
from tasks.evaluation.notices import comes_later, may_be_notified
from tasks.notifications.desk import DeskLoader
from tasks.notifications.views import Absence, Correction, Desk, StandIn
from tasks.text.titles import office_title


def notice_views(
    run: RunContext,
    messages: Sequence[MessageRow],
    began: datetime | None = None,
) -> dict[int, Desk | None]:
    """Return the desk of each notice mail by its key, or None if no item is still true.

    The items of a mail are the reason to send it; the desk is what it says. All complaints are
    evaluated together. The function stores in each item whether the mail reports it.
    """
    messages = [message for message in messages if message.kind == MessageKind.NOTICES]
    if not messages:
        return {}
    loader = DeskLoader(run, messages, began)
    fair, stand_ins = _FairNotice(run, messages), _StandIns(run)
    return {message.id: _view(run, message, loader, fair, stand_ins) for message in messages}


def items_still_true(
    run: RunContext, messages: Sequence[MessageRow], cases: CaseStore = DATABASE
) -> dict[int, frozenset[int] | None]:
    """Store in each item whether its mail reports it, as :func:`notice_views` does, without the
    desks.

    Return for each notice mail None if no item is still true. Otherwise return those complaints
    whose first notice of a missed deadline it has, if the deadline was missed before the first
    import.
    """
    messages = [message for message in messages if message.kind == MessageKind.NOTICES]
    if not messages:
        return {}
    loader = DeskLoader(run, messages, items_only=True, cases=cases)
    fair = _FairNotice(run, messages, cases)
    found: dict[int, frozenset[int] | None] = {}
    for message in messages:
        triggers, corrections = _true_items(run, message, loader, fair)
        found[message.id] = None
        if triggers or corrections:
            first = {
                item.notice.complaint_id
                for item in message.items
                if item.included
                and not item.correction
                and (item.notice.kind, item.notice.repeat) == (NoticeKind.BREACH, 0)
            }
            found[message.id] = (
                loader.inherited(message, triggers) & first if first else frozenset()
            )
    return found


class _FairNotice:
    """Checks, when a mail to superiors leaves, that the unit was notified and had its time."""

    def __init__(
        self, run: RunContext, messages: Sequence[MessageRow], cases: CaseStore = DATABASE
    ) -> None:
        self._run = run
        concerned = {
            item.notice.complaint_id
            for message in messages
            for item in message.items
            if item.role in SUPERIORS and not item.correction
        }
        self._rows = cases.notices_of(run, concerned)
        self._accepted = cases.accepted(run, self._rows)
        self._superiors_from = run.mode.superiors_from

    def permits(self, item: MessageItem, deadline: Deadline) -> bool:
        """Check whether the recipient may hear of a duty now."""
        if item.role not in SUPERIORS:
            return True
        notice = item.notice
        rows = self._rows[notice.complaint_id]
        return may_be_notified(
            self._run.context,
            notice,
            deadline,
            rows,
            self._accepted,
            self._run.now,
            self._superiors_from,
        )


def _view(
    run: RunContext,
    message: MessageRow,
    loader: DeskLoader,
    fair: _FairNotice,
    stand_ins: _StandIns,
) -> Desk | None:
    triggers, corrections = _true_items(run, message, loader, fair)
    if not triggers and not corrections:
        return None
    return replace(
        loader.desk(message, triggers),
        copied=bool(triggers) and all(item.copied for item in message.items if item.included),
        corrections=tuple(sorted(corrections, key=lambda each: each.ticket)),
        stand_ins=stand_ins.of(message),
    )


def _true_items(
    run: RunContext, message: MessageRow, loader: DeskLoader, fair: _FairNotice
) -> tuple[dict[int, frozenset[ClockKey]], list[Correction]]:
    """Store in each item whether its mail reports it; return the clocks of those that it reports,
    by complaint, and the corrections.
    """
    context = run.context
    locale = message.locale or context.site.locale
    corrections: dict[tuple[int, str, int], Correction] = {}
    triggers: dict[int, frozenset[ClockKey]] = {}
    for item in message.items:
        complaint, deadlines = loader.cases[item.notice.complaint_id]
        clock = (item.notice.rule, item.notice.clock)
        if item.correction:
            correction = _correction(context, item.notice, deadlines, locale)
            item.included = correction is not None
            if correction is not None:
                corrections[complaint.id, *clock] = correction
            continue
        item.left_out = _left_out(run, message, item, deadlines, fair)
        item.included = item.left_out is None
        if item.included:
            triggers[complaint.id] = triggers.get(complaint.id, frozenset()) | {clock}
    return triggers, list(corrections.values())


def _correction(
    context: SiteContext, notice: NoticeRow, deadlines: Sequence[Deadline], locale: str
) -> Correction | None:
    """Return the correction of a notice, or None if its deadline is late again."""
    clock = (notice.rule, notice.clock)
    deadline = next((d for d in deadlines if d.key == clock), None)
    if deadline is not None and deadline.state in LATE_STATES:
        return None
    rule, cited = _rule_of(context, notice, deadline)
    state = "" if deadline is None else str(deadline.state)
    if not state and rule is not None and CLASS in rule.applies_when:
        state = State.UNKNOWN if notice.complaint.classification == UNDETERMINED else ""
    return Correction(
        ticket=notice.complaint.ticket,
        unit=context.site.directory.name_of(notice.unit or None),
        rule=rule.label[locale] if rule else notice.rule,
        citation=rule.citation if rule and cited else "",
        state=state,
    )


def _rule_of(
    context: SiteContext, notice: NoticeRow, deadline: Deadline | None
) -> tuple[Rule | None, bool]:
    """Return the version of the rule that a notice was about, and whether it is known.

    A clock that never was has no day of its start. Its version is known if no other one was in
    force between the receipt and the notice.
    """
    if deadline is not None:
        return deadline.rule, True
    law = context.site.evaluation_context.law
    if notice.rule not in law.ids:
        return None, False
    begin = context.local(notice.complaint.received_at).date()
    end = context.local(notice.reached_at).date()
    found = [s.rule for s in law.spans(notice.rule) if s.first <= end and begin <= s.last]
    return (found[0], True) if len(found) == 1 else (law.last(notice.rule), False)


class _StandIns:
    """The offices, vacant or out of reach, in whose place the recipients are notified."""

    def __init__(self, run: RunContext) -> None:
        self._run = run

    @cached_property
    def _refused(self) -> frozenset[str]:
        return bounces.refused_addresses(self._run.session)

    def of(self, message: MessageRow) -> tuple[StandIn, ...]:
        """Return the offices in whose place the recipient of a mail gets it."""
        if message.resent_of is not None:
            return ()
        run = self._run
        today, directory = run.today, run.site.directory
        address = message.recipient.casefold()
        own = [holder for holder in directory.offices_of(address) if holder.in_office_on(today)]
        above = next((holder for holder in own if holder.role not in OF_A_UNIT), None)
        reader = (above or own[0]).role if own else Role(message.role)
        reader_title = self._title(own[0], message) if own and above is None else ""
        found: dict[StandIn, None] = {}
        for item in message.items:
            if not item.included or item.correction:
                continue
            role, unit = Role(item.role), item.notice.unit or None
            regular = directory.holders(role, unit, today)
            holds = any(holder.email.casefold() == address for holder in regular.offices)
            if regular.vacancy is not None or not holds:
                title = self._title(OfficeHolder(unit or "", role, "", ""), message)
                found[StandIn(title, reader, self._absence(regular), reader_title)] = None
        return tuple(found)

    def _title(self, holder: OfficeHolder, message: MessageRow) -> str:
        site = self._run.site
        return office_title(
            holder,
            site=site.name,
            unit=site.directory.name_of(holder.unit or None),
            locale=message.locale or site.locale,
        )

    def _absence(self, regular: Holders) -> Absence:
        """Return why none of the regular holders of an office can be notified."""
        if regular.vacancy is not None:
            return Absence.VACANT
        known = all(holder.email.casefold() in self._refused for holder in regular.offices)
        return Absence.REFUSED if known else Absence.UNREACHABLE


def _left_out(
    run: RunContext,
    message: MessageRow,
    item: MessageItem,
    deadlines: Sequence[Deadline],
    fair: _FairNotice,
) -> LeftOut | None:
    """Return the reason to leave a notice out of a mail, or None if the mail reports it.

    A notice that was taken back stays so, even if the deadline is late again. Any other notice is
    true while its clock runs at the same unit. A reminder with a day that moved to a later one
    waits for that day, unless a person sends its mail again.
    """
    notice = item.notice
    if notice.taken_back_at is not None:
        return LeftOut.TAKEN_BACK
    for deadline in deadlines:
        if (
            deadline.key == (notice.rule, notice.clock)
            and deadline.ticking
            and (deadline.unit or "") == notice.unit
        ):
            if message.resent_of is None and comes_later(run.context, notice, deadline, run.now):
                return LeftOut.MOVED
            return None if fair.permits(item, deadline) else LeftOut.UNIT_FIRST
    return LeftOut.OVER
