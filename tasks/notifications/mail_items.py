"""Mail items: which notices of a mail are still true when it leaves, and the desk that it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial

from db.bulk import AT_ONCE, chunked
from db.mailbox import bounces
from db.mails import earlier_mails, mail_items
from db.mails.mail_items import MailContents, MailedNotice, MailItem, Outcomes, outcomes_of
from db.models import LeftOut, MessageKind, MessageRow, NoticeRow
from db.notices import Acceptance
from sla.directory import OF_A_UNIT, Holders, OfficeHolder, Role
from sla.engine.clocks import CLASS
from sla.engine.context import UNDETERMINED
from sla.engine.deadline import LATE_STATES, ClockKey, Deadline, State
from sla.ladders import SUPERIORS, NoticeKind
from sla.regulations.model import Actor, Rule
from tasks.common.context import RunContext, SiteContext
from tasks.evaluation.case_store import DATABASE, CaseStore
from tasks.evaluation.corrections import told_at
from tasks.evaluation.notices import comes_later, may_be_notified
from tasks.notifications.desk import Case, ClockKeyOfComplaint, DeskLoader
from tasks.notifications.scope import in_order
from tasks.notifications.views import Absence, Correction, Desk, StandIn
from tasks.text.titles import office_title

StoreItems = Callable[[Sequence[tuple[MessageRow, Outcomes]]], None]

Office = tuple[Role, str]
"""An office to which notices are addressed: its role, and the unit of the notices or ''."""


def notice_views(
    run: RunContext,
    messages: Sequence[MessageRow],
    began: datetime | None = None,
) -> dict[int, Desk | None]:
    """Return the desk of each notice mail by its key, or None if no item is still true.

    The items of a mail are the reason to send it; the desk is what it says. All complaints are
    evaluated together. The function stores in each item whether the mail reports it.
    """
    desks = NoticeDesks(run, messages, began)
    return {
        message.id: desks.get(message)
        for message in messages
        if message.kind == MessageKind.NOTICES
    }


@dataclass(frozen=True, slots=True)
class _Contents:
    """What a mail reports: the clocks of its notices by complaint, and its corrections.

    `notified` are the offices to which the notices are addressed. `earlier` are the Message-IDs of
    the earlier mails to its recipient about its only complaint.
    """

    triggers: Mapping[int, frozenset[ClockKey]]
    corrections: Mapping[ClockKeyOfComplaint, Correction]
    copied: bool
    reminded: frozenset[ClockKeyOfComplaint]
    notified: tuple[Office, ...]
    only: int | None
    earlier: Sequence[str] = ()


class NoticeDesks:
    """The desks of a group of mails: what they share is loaded and evaluated once.

    A mail may have hundreds of thousands of items, and its desk as many complaints. So the contents
    of some mails are loaded together, and each desk is made when its mail is composed. A mail of
    the same run, sent since `began`, does not count as an earlier mail. `store` gets the items of
    mails when it is known which of them each mail reports; without it they are written at once.
    """

    def __init__(
        self,
        run: RunContext,
        messages: Sequence[MessageRow],
        began: datetime | None = None,
        store: StoreItems | None = None,
    ) -> None:
        self._run, self._began = run, began
        self._store = store or partial(mail_items.store_items, run.session)
        self._messages = [each for each in messages if each.kind == MessageKind.NOTICES]
        self._fair, self._stand_ins = _FairNotice(run), _StandIns(run)
        self._contents: dict[int, _Contents] = {}

    @cached_property
    def _loader(self) -> DeskLoader:
        return DeskLoader(self._run, self._messages, self._began)

    @cached_property
    def _counts(self) -> Mapping[int, int]:
        return mail_items.item_counts(self._run.session, [each.id for each in self._messages])

    @property
    def cases(self) -> Mapping[int, Case]:
        """Return the complaints of all these mails, as evaluated now."""
        return self._loader.cases if self._messages else {}

    def get(self, message: MessageRow) -> Desk | None:
        """Return the desk of a notice mail, or None if no item is still true or the mail has none.

        The function stores in each item whether the mail reports it.
        """
        if message.kind != MessageKind.NOTICES:
            return None
        if message.id not in self._contents:
            self._contents = self._loaded(message)
        contents = self._contents.pop(message.id)
        if not contents.triggers and not contents.corrections:
            return None
        desk = self._loader.desk(
            message, contents.triggers, contents.corrections, contents.reminded
        )
        return replace(
            desk,
            copied=contents.copied,
            corrections=tuple(sorted(contents.corrections.values(), key=lambda each: each.ticket)),
            stand_ins=self._stand_ins.of(message, contents.notified, desk),
            earlier=tuple(contents.earlier),
        )

    def _loaded(self, first: MessageRow) -> dict[int, _Contents]:
        """Load the contents of a mail and of the next ones, as far as they are not too many."""
        some, items = [first], self._counts.get(first.id, 0)
        for message in self._messages[self._messages.index(first) + 1 :]:
            items += self._counts.get(message.id, 0)
            if items > mail_items.GROUP:
                break
            some.append(message)
        session = self._run.session
        loaded = mail_items.items_of(session, [message.id for message in some])
        found = {message.id: self._of(message, loaded[message.id]) for message in some}
        self._store([(message, outcomes_of(loaded[message.id])) for message in some])
        pairs = {
            message.id: (message.recipient, only)
            for message in some
            if (only := found[message.id].only) is not None
        }
        earlier = earlier_mails.earlier(session, set(pairs.values()), self._began or self._run.now)
        for key, pair in pairs.items():
            found[key] = replace(found[key], earlier=earlier.get(pair, ()))
        return found

    def _of(self, message: MessageRow, items: Sequence[MailItem]) -> _Contents:
        triggers, corrections = _true_items(self._run, message, items, self._loader, self._fair)
        included = [item for item in items if item.included]
        concerned = {item.notice.complaint_id for item in included}
        notified = dict.fromkeys(
            (item.role, item.notice.unit) for item in included if not item.correction
        )
        return _Contents(
            triggers,
            corrections,
            copied=bool(triggers) and all(item.copied for item in included),
            reminded=_reminded(included),
            notified=tuple((Role(role), unit) for role, unit in notified),
            only=concerned.pop() if len(concerned) == 1 else None,
        )


def _reminded(included: Sequence[MailItem]) -> frozenset[ClockKeyOfComplaint]:
    """Return the clocks of which a mail has a reminder and no other notice."""
    notices = [item.notice for item in included if not item.correction]
    reminders = [each for each in notices if each.kind == NoticeKind.REMINDER]
    if not reminders:
        return frozenset()
    others = {_clock_of(each) for each in notices if each.kind != NoticeKind.REMINDER}
    return frozenset(_clock_of(each) for each in reminders) - others


def _clock_of(notice: MailedNotice) -> ClockKeyOfComplaint:
    return notice.complaint_id, notice.rule, notice.clock


def items_still_true(
    run: RunContext, contents: MailContents, cases: CaseStore
) -> dict[int, frozenset[int] | None]:
    """Store in each item whether its mail reports it, as :func:`notice_views` does, without the
    desks.

    Return for each notice mail None if no item is still true. Otherwise return those complaints
    whose first notice of a missed deadline it has, if the deadline was missed before the first
    import.
    """
    contents = [each for each in contents if each[0].kind == MessageKind.NOTICES]
    if not contents:
        return {}
    concerned = dict.fromkeys(item.notice.complaint_id for _, items in contents for item in items)
    only = cases.complaints(run, concerned)
    loader = DeskLoader(run, [message for message, _ in contents], only=only, cases=cases)
    fair = _FairNotice(run, cases)
    found: dict[int, frozenset[int] | None] = {}
    for message, items in contents:
        triggers, corrections = _true_items(run, message, items, loader, fair)
        found[message.id] = None
        if triggers or corrections:
            first = {
                item.notice.complaint_id
                for item in items
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

    def __init__(self, run: RunContext, cases: CaseStore = DATABASE) -> None:
        self._run, self._cases = run, cases
        self._rows: Mapping[int, Sequence[NoticeRow]] = {}
        self._accepted: Mapping[int, Sequence[Acceptance]] = {}
        self._superiors_from = run.mode.superiors_from

    def load(self, items: Sequence[MailItem]) -> None:
        """Load all notices about the complaints of these items, and nothing about others."""
        concerned = {
            item.notice.complaint_id
            for item in items
            if item.role in SUPERIORS and not item.correction
        }
        self._rows = self._cases.notices_of(self._run, concerned) if concerned else {}
        self._accepted = self._cases.accepted(self._run, self._rows) if concerned else {}

    def permits(self, item: MailItem, deadline: Deadline) -> bool:
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


def _true_items(
    run: RunContext,
    message: MessageRow,
    items: Sequence[MailItem],
    loader: DeskLoader,
    fair: _FairNotice,
) -> tuple[dict[int, frozenset[ClockKey]], dict[ClockKeyOfComplaint, Correction]]:
    """Note in each item of a mail whether the mail reports it; return the clocks of those that it
    reports, by complaint, and the corrections by their clocks.
    """
    context = run.context
    locale = message.locale or context.site.locale
    corrections: dict[ClockKeyOfComplaint, Correction] = {}
    triggers: dict[int, frozenset[ClockKey]] = {}
    same: dict[frozenset[ClockKey], frozenset[ClockKey]] = {}
    for some in chunked(items, AT_ONCE):
        fair.load(some)
        for item in some:
            case = complaint, deadlines = loader.cases[item.notice.complaint_id]
            clock = (item.notice.rule, item.notice.clock)
            if item.correction:
                correction = _correction(context, item.notice, case, locale)
                item.included = correction is not None
                if correction is not None:
                    corrections[complaint.id, *clock] = correction
                continue
            item.left_out = _left_out(run, message, item, deadlines, fair)
            item.included = item.left_out is None
            if item.included:
                clocks = triggers.get(complaint.id, frozenset()) | {clock}
                triggers[complaint.id] = same.setdefault(clocks, clocks)
    return triggers, corrections


def _correction(
    context: SiteContext, notice: MailedNotice, case: Case, locale: str
) -> Correction | None:
    """Return the correction of a notice, or None if its deadline is late again at its unit, or at
    one that is not known. The notice stays wrong if it was told before the due time.
    """
    complaint, deadlines = case
    clock = (notice.rule, notice.clock)
    deadline = next((d for d in deadlines if d.key == clock), None)
    other_unit, unit_undecided = "", False
    late_since = None
    if deadline is not None and deadline.state in LATE_STATES:
        same_unit = deadline.is_of(notice.unit)
        was_late = deadline.late_at(told_at(notice))
        if same_unit and was_late:
            return None
        if not was_late and (same_unit or notice.unit in deadline.liable):
            late_since = deadline.due
        elif not deadline.unit_known:
            return None  # until the unit is known
        else:
            other_unit = context.site.directory.name_of(deadline.unit)
            unit_undecided = deadline.answerable is None
    rule, cited = _rule_of(context, notice, complaint.received_at, deadline)
    state = "" if deadline is None else str(deadline.state)
    if not state and rule is not None and CLASS in rule.applies_when:
        state = State.UNKNOWN if complaint.classification == UNDETERMINED else ""
    return Correction(
        ticket=complaint.ticket,
        unit=context.site.directory.name_of(notice.unit or None),
        rule=rule.label[locale] if rule else notice.rule,
        citation=rule.citation_in(locale) if rule and cited else notice.regulation or "",
        citation_now=deadline.rule.citation_in(locale)
        if deadline is not None and _other_law(notice, deadline)
        else "",
        state=state,
        other_unit=other_unit,
        unit_undecided=unit_undecided,
        late_since=late_since,
    )


def _rule_of(
    context: SiteContext, notice: MailedNotice, received_at: datetime, deadline: Deadline | None
) -> tuple[Rule | None, bool]:
    """Return the version of the rule that a notice was about, and whether it is known.

    The law may have changed since the notice. A clock that never was has no day of its start. Its
    version is known if no other one was in force between the receipt and the notice.
    """
    if deadline is not None and not _other_law(notice, deadline):
        return deadline.rule, True
    law = context.site.evaluation_context.law
    if notice.rule not in law.ids:
        return None, False
    spans = law.spans(notice.rule)
    if notice.regulation is None:
        begin = context.local(received_at).date()
        end = context.local(notice.reached_at).date()
        found = [span.rule for span in spans if span.first <= end and begin <= span.last]
    else:
        of_notice = (s.rule for s in spans if s.rule.regulation.citation == notice.regulation)
        found = list({rule.citation: rule for rule in of_notice}.values())
    return (found[0], True) if len(found) == 1 else (law.last(notice.rule), False)


def _other_law(notice: MailedNotice, deadline: Deadline) -> bool:
    """Check whether a deadline is evaluated by another regulation than its notice was."""
    return notice.regulation not in (None, deadline.rule.regulation.citation)


class _StandIns:
    """The offices, vacant or out of reach, in whose place the recipients are notified."""

    def __init__(self, run: RunContext) -> None:
        self._run = run

    @cached_property
    def _refused(self) -> frozenset[str]:
        return bounces.refused_addresses(self._run.session)

    @cached_property
    def _suppressed(self) -> frozenset[str]:
        return bounces.suppressed_addresses(self._run.session)

    def of(
        self, message: MessageRow, notified: Iterable[Office], desk: Desk
    ) -> tuple[StandIn, ...]:
        """Return the offices in whose place the recipient of a mail gets it.

        They are those of its notices (`notified`), and those of the units that are on the desk only
        because the recipient gets their notices. A superior sees every unit anyway.
        """
        if message.resent_of is not None:
            return ()
        run = self._run
        address = message.recipient.casefold()
        tenures = run.site.directory.offices_of(address)
        own = [holder for holder in tenures if holder.in_office_on(run.today)]
        above = next((holder for holder in own if holder.role not in OF_A_UNIT), None)
        reader = (above or own[0]).role if own else Role(message.role)
        reader_title = self._title(in_order(own)[0], message) if own and above is None else ""
        offices = dict.fromkeys(notified)
        if not desk.superior:
            offices |= dict.fromkeys(self._on_desk(address, desk))
        found: dict[StandIn, None] = {}
        for role, unit in offices:
            regular = run.site.directory.holders(role, unit or None, run.today)
            holds = any(holder.email.casefold() == address for holder in regular.offices)
            if regular.vacancy is not None or not holds:
                title = self._title(OfficeHolder(unit or "", role, "", ""), message)
                found[StandIn(title, reader, self._absence(regular), reader_title)] = None
        return tuple(found)

    def _on_desk(self, address: str, desk: Desk) -> Iterator[tuple[Role, str]]:
        """Yield the offices of the units on a desk of which the reader gets the notices."""
        site, today = self._run.site, self._run.today
        directory, law = site.directory, site.evaluation_context.law
        duties = dict.fromkeys(
            (duty.unit, duty.key[0])
            for item in (*desk.items, *desk.rest)
            for duty in item.duties
            if duty.unit
        )
        units = dict.fromkeys(
            unit for unit, rule in duties if law.last(rule).actor is not Actor.LAPOR_ADMINISTRATOR
        )
        for unit in units:
            for role in OF_A_UNIT:
                holders = directory.holders(role, unit, today, self._suppressed)
                if any(holder.email.casefold() == address for holder in holders.offices):
                    yield role, unit

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
    item: MailItem,
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
            and deadline.is_of(notice.unit)
        ):
            if message.resent_of is None and comes_later(run.context, notice, deadline, run.now):
                return LeftOut.MOVED
            return None if fair.permits(item, deadline) else LeftOut.UNIT_FIRST
    return LeftOut.OVER
