"""Desks: everything that is open for the reader of a mail at one moment.

A new rung or a correction causes a mail; its content is the whole desk. All complaints on the desks
of a batch of mails are loaded by one query and evaluated together at that moment, so that each
number is the number of the report and of `tenggat deadlines`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import quote

from db import complaints, imports, notices, questions, rulesets
from db.bulk import AT_ONCE, chunked
from db.mailbox import bounces
from db.mails import earlier_mails, listed_duties, mail_items
from db.mails.listed_duties import CalendarEntry
from db.models import Complaint, MessageRow, QuestionRole
from db.notices import Notification
from sla.directory import OfficeHolder, Role
from sla.engine.deadline import DONE, ClockKey, Deadline, Reason, State
from sla.events import HANDOVERS, Event, Kind, events_as_of, holder
from sla.ladders import SUPERIORS, NoticeKind, responsible_roles
from sla.regulations.model import Actor, LengthUnit, Rule
from tasks.common.context import RunContext
from tasks.common.notified import Notified, NotifiedOffices, notified_by_role
from tasks.evaluation import stored_deadlines
from tasks.evaluation.case_store import DATABASE, CaseStore
from tasks.evaluation.inherited import FirstImports
from tasks.evaluation.known_words import KnownWords, known_words
from tasks.evaluation.stored_deadlines import StoredDuty
from tasks.notifications.coat_of_arms import CoatOfArms, coat_of_arms
from tasks.notifications.message_ids import calendar_uid
from tasks.notifications.scope import Scope, Scopes, offices_of_reader
from tasks.notifications.unlisted import DeskEntry, asked, awaiting, doubtful, unlisted
from tasks.notifications.views import (
    Desk,
    DeskSection,
    DeskUnitLine,
    Duty,
    EndedDuty,
    ListedHandOver,
    NoticeItem,
    UnlistedDuties,
)
from tasks.text.catalog import catalog
from tasks.text.titles import offices_title, regent_word, superior_office

T = TypeVar("T")

SOON_WORKING_DAYS = 2
"""A duty with at most this number of working days left is on the desk."""

MAY_BE_OPEN = (State.RUNNING, State.PAUSED, State.BREACHED, State.UNKNOWN)
"""The states in which a duty keeps its entry in a calendar."""
OF_UNITS = (Actor.UNIT, Actor.LAPOR_ADMINISTRATOR)
"""Whose duties a superior reads in a number until somebody has been notified of them."""

FOLLOWED_UP = frozenset({Kind.FOLLOW_UP_PUBLISHED, Kind.SETTLED})
"""The events by which a complaint counts as followed up."""

ClockKeyOfComplaint = tuple[int, str, int]
"""A complaint, a rule and the number of the clock."""

MOST_SHARED = 100_000
"""The largest number of complaints of a mail that are kept for the next mail, which often lists the
same. Those of a longer one would take more memory than this saves time."""

LONGEST_TITLE = 160
"""Limit of the title of a complaint in a mail."""


@dataclass(frozen=True, slots=True)
class DeskComplaint:
    """A complaint on a desk: those columns of `Complaint` that a mail shows.

    `handed_over` is the last assignment or return. `hand_overs` are all recorded ones, also those
    that were corrected, if one of them was recorded since the last mail to a reader.
    A desk may have hundreds of thousands. An object of the ORM takes ten times the memory.
    """

    id: int
    source: str
    ticket: str
    received_at: datetime
    reopened_at: datetime | None
    recorded_at: datetime
    classification: str | None
    category: str | None
    title: str
    anonymous: bool
    secret: bool
    handed_over: Event | None
    hand_overs: tuple[Event, ...] = ()

    @property
    def returned(self) -> Event | None:
        """Return the return of the complaint by a unit if no unit got it after that."""
        last = self.handed_over
        return last if last is not None and last.kind == Kind.RETURNED else None

    def handed_over_after(self, moment: datetime) -> bool:
        """Check whether an assignment or a return was recorded after a moment."""
        return any(event.recorded_at > moment for event in self.hand_overs)

    @classmethod
    def of(
        cls,
        row: Complaint,
        events: Sequence[Event],
        one: Callable[[Any], Any],
        hand_overs: tuple[Event, ...] = (),
    ) -> DeskComplaint:
        """Return the complaint of a row with its known events, in order. `one` returns one object
        for all equal values.
        """
        reopened = [event.latest for event in events if event.kind == Kind.REOPENED]
        handed_over = (event for event in reversed(events) if event.kind in HANDOVERS)
        return cls(
            id=row.id,
            source=one(row.source),
            ticket=row.ticket,
            received_at=row.received_at,
            reopened_at=max(reopened, default=None),
            recorded_at=one(row.recorded_at),
            classification=one(row.classification),
            category=one(row.category),
            title="" if row.anonymous or row.secret else (row.title or "")[:LONGEST_TITLE],
            anonymous=row.anonymous,
            secret=row.secret,
            handed_over=next(handed_over, None),
            hand_overs=hand_overs,
        )


Case = tuple[DeskComplaint, Sequence[Deadline]]
"""A complaint and its deadlines as evaluated now."""


@dataclass(frozen=True, slots=True)
class DeskReader:
    """The reader of a mail: address, scope, language, and the time of the last mail.

    `triggers` are the clocks of this mail's notices, by complaint. Of the `reminded` ones it has
    only a reminder.
    """

    address: str
    scope: Scope
    locale: str
    last_mail: datetime | None
    triggers: Mapping[int, frozenset[ClockKey]] = field(default_factory=dict)
    reminded: Collection[ClockKeyOfComplaint] = ()


class DeskLoader:
    """Loads the desks of a batch of mails; mails sent since `began` are not earlier.

    With `only` just these complaints, those of the mails' items, are evaluated: enough to say which
    items are still true, and which of their complaints are inherited.
    """

    def __init__(
        self,
        run: RunContext,
        messages: Sequence[MessageRow],
        began: datetime | None = None,
        *,
        only: Sequence[Complaint] | None = None,
        cases: CaseStore = DATABASE,
    ) -> None:
        self._run, session = run, run.session
        self._messages = messages
        self._vacant: dict[str, tuple[Role, ...]] = {}
        self._known: dict[Any, Any] = {}
        self._duties: dict[tuple[Any, ...], tuple[Rule, Duty]] = {}
        self._shared: dict[tuple[str, datetime | None], dict[int, tuple[Any, DeskEntry]]] = {}
        self._earlier = (began or run.now) - timedelta(microseconds=1)  # excludes this run itself
        self._only = only
        self._notified: dict[ClockKeyOfComplaint, list[Notification]] = {}
        self._only_counted = UnlistedDuties()
        self._case_store = cases
        self.cases = self._evaluated(messages, cases)
        items_only = only is not None
        self._ended = [] if items_only else self._ended_duties(messages)
        self._entries = {} if items_only else self._calendars(messages)
        first_imports = run.once(imports.first_of_each)
        self._first_imports = FirstImports(first_imports, run.site.evaluation_context)
        self._suspended = [] if items_only else self._suspended_complaints(messages)
        self._awaiting = (
            [] if items_only else stored_deadlines.awaiting_verdict(session, run.now, None)
        )

    @cached_property
    def _scopes(self) -> Scopes:
        return Scopes(
            self._run.site.directory,
            self.today,
            without=bounces.suppressed_addresses(self._run.session),
            administrator_unit=self._run.site.administrator_unit,
        )

    @cached_property
    def _last(self) -> dict[str, datetime]:
        recipients = {message.recipient for message in self._messages}
        return earlier_mails.last_mails(self._run.session, recipients, self._earlier)

    @cached_property
    def _with_unrecorded_mails(self) -> set[str]:
        """The readers of mails of which it is not on record what they brought into the calendar."""
        recipients = {message.recipient for message in self._messages}
        return listed_duties.with_unrecorded_mails(self._run.session, recipients)

    @cached_property
    def _before(self) -> dict[ClockKeyOfComplaint, list[Notification]]:
        keys = {each.complaint for each in self._ended} - self.cases.keys()
        if self._only is not None:
            keys |= self.cases.keys()
        return self._notified | self._earlier_mails(keys)

    @cached_property
    def _listed_late(self) -> frozenset[tuple[str, int, str, int]]:
        """The duties that earlier mails listed as late without a notice about it, each with the
        address of a reader who is no superior.
        """
        if self._only is not None:
            return frozenset()
        scopes = {
            each.recipient.casefold(): self._scopes.of(each.recipient) for each in self._messages
        }
        readers = {address for address, scope in scopes.items() if not scope.superior}
        known = listed_duties.known_as_late(self._run.session, self.cases) if readers else ()
        return frozenset(each for each in known if each[0] in readers)

    @cached_property
    def _clocks_before(self) -> dict[int, list[ClockKeyOfComplaint]]:
        """The clocks with earlier mails, by complaint."""
        found: dict[int, list[ClockKeyOfComplaint]] = {}
        for clock in self._before:
            found.setdefault(clock[0], []).append(clock)
        return found

    def _earlier_mails(
        self, keys: Collection[int]
    ) -> dict[ClockKeyOfComplaint, list[Notification]]:
        """Return the earlier mails about each duty of these complaints; not those that this run
        takes back.
        """
        return notices.notified(self._run.session, keys, self._earlier, self._run.now)

    @cached_property
    def today(self) -> date:
        """Return the local day of the mails."""
        return self._run.today

    @cached_property
    def _coat(self) -> CoatOfArms | None:
        return coat_of_arms(self._run.site.letterhead)

    @cached_property
    def _ended_late(self) -> int:
        begin = self._run.site.evaluation_context.start_of_year(self._run.now)
        return stored_deadlines.late_counts(self._run.session, begin).ended

    def _evaluated(self, messages: Sequence[MessageRow], cases: CaseStore) -> dict[int, Case]:
        """Load and evaluate the complaints of the notices and those on the desks.

        Of a complaint without a correction in these mails only the open duties are kept: a notice
        about another one is over. A complaint without a notice of which all readers read only in a
        number is counted and not kept: the first mails to superiors over a backlog leave out most
        of it.
        """
        corrected: Collection[int] = ()
        if self._only is not None:
            chunks: Iterable[Sequence[Complaint]] = [self._only]
            concerned = frozenset(row.id for row in self._only)
        else:
            mails = [each.id for each in messages]
            keys = mail_items.complaints_in(self._run.session, mails)
            corrected = mail_items.corrected_complaints(self._run.session, mails)
            concerned = frozenset(keys)
            others = (key for key in self._on_desks(messages) if key not in concerned)
            keys += self._to_evaluate(others)
            chunks = complaints.without_texts(self._run.session, keys)
        since = None if self._only is not None else min(self._last.values(), default=None)
        found: dict[int, Case] = {}
        for chunk in chunks:
            if self._only is None:
                keys = [row.id for row in chunk]
                self._notified |= self._earlier_mails(keys)
            for known, each in cases.evaluated(self._run, chunk):
                row, deadlines = known.complaint, each.deadlines
                if self._only is None and row.id not in corrected:
                    deadlines = [deadline for deadline in deadlines if _open_duty(deadline)]
                if row.id not in concerned and self._only_in_a_number(row.id, deadlines):
                    continue
                hand_overs = _hand_overs(known.history.events, since)
                shown = DeskComplaint.of(row, each.known, self._one, hand_overs)
                found[row.id] = shown, deadlines
        return found

    def _to_evaluate(self, keys: Iterable[int]) -> Iterator[int]:
        """Yield those of these complaints without a notice that a reader may read about otherwise
        than in a number; count the others by their stored deadlines.

        To evaluate a large backlog for a number would take most of the time of its first mails.
        """
        run, units = self._run, self._units_of_others
        stored = rulesets.last_fingerprint(run.session.connection())
        if units is None or stored != run.context.ruleset_fingerprint():
            yield from keys
            return
        rules = run.site.evaluation_context.law.only_of(*OF_UNITS)
        for some in chunked(keys, AT_ONCE):
            late = stored_deadlines.only_late(run.session, some, run.now, rules, units)
            notified = {clock[0] for clock in self._earlier_mails(late)}
            told = [number for key, number in late.items() if key not in notified]
            known = self._only_counted
            self._only_counted = UnlistedDuties(
                known.complaints + len(told), known.duties + sum(told)
            )
            yield from (key for key in some if key not in late or key in notified)

    def _only_in_a_number(self, complaint: int, deadlines: Sequence[Deadline]) -> bool:
        """Check whether every reader reads of these open duties only in a number, and count them.

        They have no notice in these mails. See :meth:`_is_unlisted`.
        """
        units = self._units_of_others
        if units is None or not deadlines:
            return False
        for each in deadlines:
            shown = not each.late or each.doubt is not None or each.rule.actor is Actor.SUPERIOR
            if shown or each.unit in units or (complaint, *each.key) in self._notified:
                return False
        known = self._only_counted
        self._only_counted = UnlistedDuties(known.complaints + 1, known.duties + len(deadlines))
        return True

    @cached_property
    def _units_of_others(self) -> frozenset[str] | None:
        """The units whose duties are on the desk of a reader who is no superior.

        It is None if such a reader sees duties of any unit, or if no reader is a superior.
        """
        scopes = [self._scopes.of(message.recipient) for message in self._messages]
        others = [scope for scope in scopes if not scope.superior]
        if len(others) == len(scopes) or any(scope.verifies for scope in others):
            return None
        return _together(others)

    def _on_desks(self, messages: Sequence[MessageRow]) -> Sequence[int]:
        """Return the complaints with a duty of the readers that is late or due soon."""
        units = _together([self._scopes.of(message.recipient) for message in messages])
        if units is not None and not units:
            return ()
        context = self._run.site.evaluation_context
        weeks = None, *context.unit_calendars
        soon = max(self._soon_day(self._run.now, unit) for unit in weeks)
        return stored_deadlines.concerned(self._run.session, context.end_of(soon), units)

    def _ended_duties(self, messages: Sequence[MessageRow]) -> list[StoredDuty]:
        known = [self._last[m.recipient] for m in messages if m.recipient in self._last]
        if not known:
            return []
        units = _together([self._scopes.of(message.recipient) for message in messages])
        return stored_deadlines.ended_since(self._run.session, min(known), units)

    def _calendars(
        self, messages: Sequence[MessageRow]
    ) -> dict[str, dict[ClockKeyOfComplaint, list[CalendarEntry]]]:
        """Return the entries in the calendars of the readers, by address and clock."""
        recipients = {message.recipient for message in messages}
        calendars: dict[str, dict[ClockKeyOfComplaint, list[CalendarEntry]]] = {}
        found = listed_duties.calendar_entries(self._run.session, recipients)
        for recipient, entries in found.items():
            calendar = calendars.setdefault(recipient.casefold(), {})
            for entry in entries:
                key = (entry.complaint, entry.rule, entry.clock)
                calendar.setdefault(key, []).append(entry)
        return calendars

    def _suspended_complaints(
        self, messages: Sequence[MessageRow]
    ) -> list[tuple[int, str | None, bool]]:
        """Return the complaints that wait for the complainant or are put off: each with its unit,
        and whether the complainant must act.
        """
        law = self._run.site.evaluation_context.law
        own = [rule for rule in law.ids if law.last(rule).actor is Actor.COMPLAINANT]
        units = _together([self._scopes.of(message.recipient) for message in messages])
        rows = stored_deadlines.suspended(self._run.session, own, units)
        awaited = {complaint for complaint, _, paused in rows if not paused}
        keys = sorted({complaint for complaint, _, _ in rows} - awaited)
        for chunk in complaints.without_texts(self._run.session, keys):
            for known, each in self._case_store.evaluated(self._run, chunk):
                if any(_awaits_complainant(deadline) for deadline in each.deadlines):
                    awaited.add(known.complaint.id)
        return [(complaint, unit, complaint in awaited) for complaint, unit, _ in rows]

    def reader(
        self,
        message: MessageRow,
        triggers: Mapping[int, frozenset[ClockKey]],
        reminded: Collection[ClockKeyOfComplaint] = (),
    ) -> DeskReader:
        """Return the reader of a mail with these triggers."""
        return DeskReader(
            address=message.recipient.casefold(),
            scope=self._scopes.of(message.recipient),
            locale=message.locale or self._run.site.locale,
            last_mail=self._last.get(message.recipient),
            triggers=triggers,
            reminded=reminded,
        )

    def desk(
        self,
        message: MessageRow,
        triggers: Mapping[int, frozenset[ClockKey]],
        corrected: Collection[ClockKeyOfComplaint] = (),
        reminded: Collection[ClockKeyOfComplaint] = (),
    ) -> Desk:
        """Return the desk of the reader of a mail that takes back the `corrected` clocks and has
        only a reminder of the `reminded` ones.
        """
        reader = self.reader(message, triggers, reminded)
        cases = self._cases_of(reader)
        entry = self._shared_entry if len(cases) <= MOST_SHARED else self._entry
        found_entries = (entry(reader, case) for case in cases)
        entries = [e for e in found_entries if e.item or e.unlisted or e.doubtful or e.asked]
        found = sorted((e.item for e in entries if e.item), key=lambda item: item.rank)
        order = list(DeskSection)
        items = sorted(
            (item for item in found if item.own), key=lambda item: order.index(item.section)
        )
        rest = [item for item in found if not item.own and item.section is DeskSection.LATE]
        counted = Counter(item.section for item in (*items, *rest))
        counts = {section: counted[section] for section in DeskSection}
        ended = [each for each in self._ended if self._on_desk(reader, each)]
        done = [each for each in ended if self._is_done_since(reader, each)]
        pending = [each for each in self._awaiting if self._covers(reader, each)]
        site = self._run.site
        offices = offices_of_reader(site.directory, message, self.today)
        holder = _addressed(offices, message)
        one_unit = len({office.unit for office in offices}) == 1
        return Desk(
            site=site.name,
            recipient=message.recipient_name,
            title=offices_title(
                offices,
                site=site.name,
                name_of=site.directory.name_of,
                locale=reader.locale,
                today=self.today,
            ),
            role=holder.role,
            unit=site.directory.name_of(holder.unit or None) if one_unit else "",
            place=self._place(reader, offices, holder, [*items, *rest]),
            now=self._run.now,
            items=tuple(items),
            rest=tuple(rest),
            unlisted=unlisted(entries, self._only_counted if reader.scope.superior else None),
            doubtful=doubtful(entries),
            asked=asked(entries),
            awaiting=awaiting([e for e in pending if e.reason != Reason.OPEN_QUESTION]),
            awaiting_answer=awaiting([e for e in pending if e.reason == Reason.OPEN_QUESTION]),
            counts=counts,
            administrator=site.administrator_address(self.today),
            regent=regent_word(site.name, reader.locale),
            coat=self._coat,
            superior=reader.scope.superior,
            units=self._lines([*items, *rest]) if reader.scope.superior else (),
            ended_late=self._ended_late if reader.scope.superior else 0,
            waiting=self._suspended_count(reader, awaited=True),
            postponed=self._suspended_count(reader, awaited=False),
            settled=len({each.complaint for each in done if self._follows_up(each)}),
            fulfilled=self._fulfilled(reader, done),
            ended=self._leaving(reader, ended, [*items, *rest], corrected),
            last_mail=reader.last_mail,
        )

    @cached_property
    def _cases_by_unit(self) -> dict[str, list[int]]:
        """The complaints with a deadline of each unit; '' is no unit."""
        found: dict[str, list[int]] = {}
        for key, (_, deadlines) in self.cases.items():
            for unit in {each.unit or "" for each in deadlines}:
                found.setdefault(unit, []).append(key)
        return found

    @cached_property
    def _order(self) -> dict[int, int]:
        return {key: place for place, key in enumerate(self.cases)}

    def _cases_of(self, reader: DeskReader) -> list[Case]:
        """Return the complaints that may be on the desk of a reader.

        Without this a batch would look at each of its complaints once for each of its mails.
        """
        scope = reader.scope
        if scope.superior or scope.verifies:
            return list(self.cases.values())
        keys = set(reader.triggers)
        for unit in scope.headed | scope.served:
            keys.update(self._cases_by_unit.get(unit, ()))
        return [self.cases[key] for key in sorted(keys, key=self._order.__getitem__)]

    def inherited(
        self, message: MessageRow, triggers: Mapping[int, frozenset[ClockKey]]
    ) -> frozenset[int]:
        """Return the complaints of a mail with a deadline missed before their first import."""
        possible = [key for key in triggers if self._inherited(*self.cases[key])]
        if not possible:
            return frozenset()
        reader = self.reader(message, triggers)
        entries = {key: self._entry(reader, self.cases[key]) for key in possible}
        return frozenset(key for key, e in entries.items() if e.item and e.item.inherited)

    def _shared_entry(self, reader: DeskReader, case: Case) -> DeskEntry:
        """Return the :meth:`_entry` of a complaint. Readers who got no mail about it share one: the
        head and the liaison officer of a large unit read the same.
        """
        complaint, deadlines = case
        if reader.scope.superior or len(self._messages) == 1:
            return self._entry(reader, case)
        triggers, covers = reader.triggers.get(complaint.id, ()), reader.scope.covers
        on_desk = [
            _open_duty(each) and (each.key in triggers or covers(each.rule, each.unit))
            for each in deadlines
        ]
        clocks = [(complaint.id, *each.key) for each in deadlines]
        calendar = self._entries.get(reader.address, {})
        known_before = complaint.id in self._clocks_before
        if not any(on_desk) or known_before or any(key in calendar for key in clocks):
            return self._entry(reader, case)
        reminded = [key in reader.reminded for key in clocks]
        came = [self._came_by_hand_over(reader, complaint, each) for each in deadlines]
        listed = [(reader.address, *key) in self._listed_late for key in clocks]
        depends_on = triggers, on_desk, reminded, came, listed, reader.scope.verifies
        shared = self._shared.setdefault((reader.locale, reader.last_mail), {})
        known = shared.get(complaint.id)
        if known is None or known[0] != depends_on:
            known = shared[complaint.id] = depends_on, self._entry(reader, case)
        return known[1]

    def _entry(self, reader: DeskReader, case: Case) -> DeskEntry:
        """Divide the open duties of a complaint into those that a mail lists and the others."""
        complaint, deadlines = case
        triggers = reader.triggers.get(complaint.id, frozenset())
        listed: list[tuple[Deadline, Duty]] = []
        not_notified = 0
        in_doubt: dict[bool, list[datetime]] = {True: [], False: []}
        for each in deadlines:
            covered = reader.scope.covers(each.rule, each.unit)
            if not _open_duty(each) or not (covered or each.key in triggers):
                continue
            if self._is_unlisted(reader, complaint, each, triggers):
                not_notified += 1
                continue
            duty = self._duty(reader, complaint, each, triggers)
            if each.doubt is not None:
                in_doubt[Reason.OPEN_QUESTION in each.reasons].append(each.doubt.latest)
            elif reader.scope.superior and duty.late and not (duty.own or duty.unit_notified):
                not_notified += 1
            else:
                listed.append((each, duty))
        near = triggers or any(duty.section is not DeskSection.LATER for _, duty in listed)
        item = self._item(reader, complaint, listed) if listed and near else None
        vanished, is_asked = tuple(in_doubt[False]), tuple(in_doubt[True])
        return DeskEntry(complaint.ticket, item, not_notified, vanished, is_asked)

    def _is_unlisted(
        self,
        reader: DeskReader,
        complaint: DeskComplaint,
        deadline: Deadline,
        triggers: frozenset[ClockKey],
    ) -> bool:
        """Check whether a superior reads of a late duty only in a number, because no mail about it
        has been sent. The first mails over a backlog leave out most of it.
        """
        return (
            reader.scope.superior
            and deadline.late
            and deadline.doubt is None
            and deadline.key not in triggers
            and (complaint.id, *deadline.key) not in self._before
            and not reader.scope.must_act(deadline)
        )

    def _item(
        self, reader: DeskReader, complaint: DeskComplaint, listed: Sequence[tuple[Deadline, Duty]]
    ) -> NoticeItem:
        """Return a complaint with these duties as a mail lists it."""
        duties = sorted((duty for _, duty in listed), key=lambda duty: duty.lateness)
        notified = self._notified_of(reader, complaint)
        if reader.scope.superior:  # who also got the notices of a vacant office of the unit
            notified = [e for e in notified if e.recipient.casefold() != reader.address] or notified
        site, unit = self._run.site, _unit_of(duties[0].unit)
        hidden, link = complaint.anonymous or complaint.secret, site.file.ticket_link
        verifies = any(d.rule.actor is Actor.LAPOR_ADMINISTRATOR for d, _ in listed)
        assigned = complaint.handed_over is not None and complaint.returned is None
        return NoticeItem(
            ticket=complaint.ticket,
            title=complaint.title,
            category=self._category(complaint),
            classification=complaint.classification or "",
            privacy="secret" if complaint.secret else "anonymous" if complaint.anonymous else "",
            unit=site.directory.name_of(unit),
            short_unit=site.directory.short_name_of(unit),
            received=complaint.received_at,
            reopened=complaint.reopened_at,
            duties=tuple(duties),
            link=link.format(ticket=quote(complaint.ticket, safe="")) if link else "",
            notified=self._by_role(notified, unit or ""),
            vacant=self._vacancies(unit or ""),
            inherited=self._inherited(complaint, duties),
            made_late=max(
                (at for duty in duties if (at := self._made_late_at(complaint, duty))),
                default=None,
            ),
            complaint=complaint.id,
            source=complaint.source,
            unit_id=unit or "",
            unknown_unit="" if hidden else self._unknown_units.get(complaint.id, ""),
            to_assign=reader.scope.verifies and (verifies or not assigned),
            returned=self._returned(complaint),
        )

    def _returned(self, complaint: DeskComplaint) -> ListedHandOver | None:
        """Return when and by which unit a complaint was returned that no unit has got since."""
        event = complaint.returned
        if event is None:
            return None
        unit = self._run.site.directory.short_name_of(event.unit) if event.unit else ""
        return ListedHandOver(event.earliest or event.latest, event.latest, unit, returned=True)

    def _vacancies(self, unit: str) -> tuple[Role, ...]:
        """Return the vacant offices of a unit; a long mail asks for each of its complaints."""
        if unit not in self._vacant:
            directory = self._run.site.directory
            self._vacant[unit] = directory.vacancies_of(unit, self.today)
        return self._vacant[unit]

    def _category(self, complaint: DeskComplaint) -> str:
        """Return the category; of an anonymous or secret report only a known one."""
        if complaint.anonymous or complaint.secret:
            return self._words.shown(QuestionRole.CATEGORY, complaint.category)
        return complaint.category or ""

    @cached_property
    def _unknown_units(self) -> dict[int, str]:
        """Names of units that units.csv does not have, as the sources write them."""
        return questions.open_values(self._run.session, QuestionRole.UNIT)

    @cached_property
    def _words(self) -> KnownWords:
        return known_words(self._run.session, self._run.site, self._run.now)

    def _one(self, value: T) -> T:
        """Return one object for all equal values; a desk may have hundreds of thousands."""
        known: T = self._known.setdefault(value, value)
        return known

    def _duty(
        self,
        reader: DeskReader,
        complaint: DeskComplaint,
        deadline: Deadline,
        triggers: frozenset[ClockKey],
    ) -> Duty:
        """Return a deadline as a reader reads it.

        Before the first mail the same duty of many complaints is one object: of a backlog there are
        hundreds of thousands.
        """
        rule, key = deadline.rule, (complaint.id, *deadline.key)
        notified = self._notifications(complaint.id, deadline)
        handed_over = self._late_hand_over(deadline)
        if notified or reader.last_mail is not None:
            return self._told_duty(reader, complaint, deadline, triggers, notified, handed_over)
        depends_on = (
            *(reader.address, reader.locale, id(rule), deadline.clock, deadline.unit),
            *(deadline.due, deadline.late, deadline.paused, deadline.by_policy),
            *(deadline.working_days_left, handed_over, deadline.key in triggers),
            *(key in reader.reminded, key in self._entries.get(reader.address, {})),
        )
        if depends_on not in self._duties:
            duty = self._told_duty(reader, complaint, deadline, triggers, (), handed_over)
            self._duties[depends_on] = rule, duty
        return self._duties[depends_on][1]

    def _told_duty(
        self,
        reader: DeskReader,
        complaint: DeskComplaint,
        deadline: Deadline,
        triggers: frozenset[ClockKey],
        notified: Sequence[Notification],
        handed_over: ListedHandOver | None,
    ) -> Duty:
        """Return a deadline of which these earlier mails notified."""
        rule, clock = deadline.rule, deadline.key
        assert deadline.due is not None
        own_notices = [e for e in notified if e.recipient.casefold() == reader.address]
        accused = any(each.kind != NoticeKind.REMINDER for each in own_notices)
        due = self._run.context.local(deadline.due).date()
        section = self._section(deadline, due)
        return Duty(
            rule=rule.label[reader.locale],
            verb=rule.verb.get(reader.locale, ""),
            citation=rule.citation_in(reader.locale),
            short_citation=rule.regulation.citation if rule.article.startswith("(") else "",
            to_be_confirmed=rule.certainty.to_be_confirmed,
            consequence=rule.consequence.get(reader.locale, ""),
            due=deadline.due,
            exact=rule.promised,
            calendar_days=rule.unit is LengthUnit.DAY and not rule.promised,
            days_left=(due - self.today).days,
            working_days_left=deadline.working_days_left or 0,
            late=deadline.late,
            section=section,
            paused=deadline.paused,
            by_policy=deadline.by_policy,
            notified=self._by_role(notified, deadline.unit or ""),
            unit=deadline.unit or "",
            grave=self._one((not rule.to_ombudsman, -rule.severity)),
            new=self._new(
                reader,
                complaint,
                deadline,
                section,
                known=accused if deadline.late else bool(own_notices),
                triggered=clock in triggers,
            ),
            triggered=clock in triggers,
            unit_notified=_unit_notified(deadline, notified),
            of_superior=reader.scope.superior and reader.scope.must_act(deadline),
            own=clock in triggers
            or any(deadline.is_of(each.unit) for each in own_notices)
            or reader.scope.must_act(deadline),
            accused=accused
            or (clock in triggers and (complaint.id, *clock) not in reader.reminded),
            in_calendar=(complaint.id, *clock) in self._entries.get(reader.address, {}),
            key=self._one(clock),
            handed_over=handed_over,
            owed_by=(
                superior_office(self._run.site.name, reader.locale)
                if rule.actor is Actor.SUPERIOR
                else ""
            ),
        )

    def _late_hand_over(self, deadline: Deadline) -> ListedHandOver | None:
        """Return the hand-over of a late duty to a unit that had no full working day left for it.

        Of an assignment by the administrator that is known only as an interval, the earliest time
        counts: a complaint that its first import shows at a unit may have been there all along.
        """
        found, due, unit = deadline.handed_over, deadline.due, deadline.unit
        known = deadline.late and deadline.unit_known and deadline.rule.actor is not Actor.SUPERIOR
        if found is None or due is None or not known:
            return None
        site = self._run.site
        context, administrator = site.evaluation_context, site.administrator_unit
        moment = found.first if found.before == administrator else found.latest
        if context.calendar_of(unit).days_between(context.day(moment), context.day(due)) > 0:
            return None
        before = deadline.answerable if deadline.answerable not in (None, unit) else found.before
        return ListedHandOver(
            found.first,
            found.latest,
            site.directory.short_name_of(before),
            returned=unit == administrator,
        )

    def _section(self, deadline: Deadline, due: date) -> DeskSection:
        if deadline.late:
            return DeskSection.LATE
        if due <= self.today:
            return DeskSection.TODAY
        calendar = self._run.site.evaluation_context.calendar_of(deadline.unit)
        no_day_left = not deadline.working_days_left and not deadline.paused
        if no_day_left and calendar.counts(self.today):
            return DeskSection.LAST_DAY
        soon = (deadline.working_days_left or 0) <= SOON_WORKING_DAYS
        return DeskSection.SOON if soon else DeskSection.LATER

    def _soon_day(self, moment: datetime, unit: str | None = None) -> int:
        """Return the last day, as an ordinal, until which at most two working days are left at a
        moment. Days off follow the second one to it.
        """
        context = self._run.site.evaluation_context
        calendar = context.calendar_of(unit)
        return calendar.day_after(context.day(moment), SOON_WORKING_DAYS + 1) - 1

    def _new(
        self,
        reader: DeskReader,
        complaint: DeskComplaint,
        deadline: Deadline,
        section: DeskSection,
        *,
        known: bool,
        triggered: bool,
    ) -> bool:
        """Check whether a duty came into its section since the last mail to the reader.

        Mails do not keep their sections. Its section then is that of the due time as known now, if
        it was on the reader's desk: its unit and its pauses count as they were known then. What is
        due soon and then today does not come into another section. A late duty is new to a unit if
        no earlier mail to the reader listed it as late: perhaps it could not be called so before.

        A late duty is also new for the superior that it has now reached. `known` means that an
        earlier mail to the reader had a notice about it, of a late duty one that called it late: a
        source that corrects its beginning later makes it no new one. Nothing is marked in the first
        mail.
        """
        last = reader.last_mail
        assert deadline.due is not None
        if last is None:
            return False
        if self._came_by_hand_over(reader, complaint, deadline):
            return True
        if not known and max(complaint.recorded_at, deadline.start.recorded_at) > last:
            return True
        if deadline.late:
            if not reader.scope.superior:
                known = known or (reader.address, complaint.id, *deadline.key) in self._listed_late
            reached = not known and (triggered or not reader.scope.superior)
            return reached or deadline.due >= last
        if _paused_at(deadline, last):
            return True
        day = self._run.site.evaluation_context.day(deadline.due)
        was_near = day <= self._soon_day(last, deadline.unit)
        return not was_near and (section is not DeskSection.LATER or not known)

    def _came_by_hand_over(
        self, reader: DeskReader, complaint: DeskComplaint, deadline: Deadline
    ) -> bool:
        """Check whether a duty came to the reader's desk by a hand-over since the last mail to the
        reader: as known then, a unit was in charge that is not on this desk.
        """
        last, rule = reader.last_mail, deadline.rule
        if last is None or rule.actor is not Actor.UNIT or not complaint.handed_over_after(last):
            return False
        unit = holder(events_as_of(complaint.hand_overs, last))
        unit = unit or self._run.site.administrator_unit
        return unit != deadline.unit and not reader.scope.covers(rule, unit)

    def _notified_of(self, reader: DeskReader, complaint: DeskComplaint) -> list[Notification]:
        """Return the earlier mails about a complaint, the oldest first.

        Also those about duties that are not listed any more: so their number never gets smaller
        from one mail to the next, unless a notice is taken back.

        A unit reads of those about the duties of units, and about its own ones.
        """
        law = self._run.site.evaluation_context.law
        found: list[Notification] = []
        for clock in self._clocks_before.get(complaint.id, ()):
            rule = law.last(clock[1]) if clock[1] in law.ids else None
            found += (
                each
                for each in self._before[clock]
                if rule is None
                or rule.actor is Actor.UNIT
                or reader.scope.covers(rule, each.unit or None)
            )
        found.sort(key=lambda each: each.sent_at)
        return [each._replace(name=self._name(each)) for each in found]

    def _notifications(self, complaint: int, deadline: Deadline) -> list[Notification]:
        found = self._before.get((complaint, deadline.rule.id, deadline.clock))
        if not found:
            return []
        return [each._replace(name=self._name(each)) for each in found]

    def _name(self, mail: Notification) -> str:
        """Return the name of a person without the degrees behind it; a deputy's begins with
        'Plt.'.
        """
        name = mail.name.partition(",")[0].strip()
        return self._offices.named(name, mail.role, mail.unit, mail.recipient, mail.sent_at)

    def _by_role(self, notifications: Sequence[Notification], unit: str) -> tuple[Notified, ...]:
        """Group earlier notices by office; an office of another unit than this one is named so."""
        if not notifications:
            return ()
        found = notified_by_role(
            notifications, self._offices, self._run.site.zone, people_once=True, by_unit=True
        )
        short_name = self._run.site.directory.short_name_of
        return tuple(
            replace(each, place=short_name(each.unit)) if each.unit not in ("", unit) else each
            for each in found
        )

    @cached_property
    def _offices(self) -> NotifiedOffices:
        return NotifiedOffices(self._run.site.directory, self._run.site.zone)

    def _inherited(self, complaint: DeskComplaint, duties: Iterable[Duty | Deadline]) -> bool:
        """Check whether a duty of a complaint was late before the first import of its source."""
        inherited = self._first_imports.inherited
        day = self._run.site.evaluation_context.day
        return any(
            duty.late
            and duty.due is not None
            and inherited(
                complaint.source,
                complaint.recorded_at,
                day(duty.due),
                self._made_late_at(complaint, duty),
            )
            for duty in duties
        )

    def _made_late_at(self, complaint: DeskComplaint, duty: Duty | Deadline) -> datetime | None:
        """Return the time of the change of the ruleset that made a duty late, if one did."""
        if not duty.late:
            return None
        return self._run.once(rulesets.made_late).get((complaint.id, *duty.key))

    def _lines(self, items: Iterable[NoticeItem]) -> tuple[DeskUnitLine, ...]:
        """Return the table of a superior: each unit with late complaints.

        Most come first, then the oldest. The duties of superiors have the first row, under the
        office with these duties: the law does not give them to the unit of the complaint.
        """
        found: dict[tuple[str, str], list[list[Duty]]] = {}
        for item in items:
            by_unit: dict[tuple[str, str], list[Duty]] = {}
            for duty in item.duties:
                if duty.late:
                    by_unit.setdefault(_owing(duty), []).append(duty)
            for unit, duties in by_unit.items():
                found.setdefault(unit, []).append(duties)
        lines = [
            (
                not owed_by,
                -len(cases),
                min((duty for duties in cases for duty in duties), key=lambda d: d.lateness),
                owed_by or self._run.site.directory.short_name_of(_unit_of(unit)),
                sum(all(duty.new for duty in duties) for duties in cases),
                sum(all(duty.handed_over for duty in duties) for duties in cases),
            )
            for (unit, owed_by), cases in found.items()
        ]
        lines.sort(key=lambda line: (line[0], line[1], line[2].due, line[3]))
        return tuple(
            DeskUnitLine(unit, -late, oldest, new, is_unit, handed_over)
            for is_unit, late, oldest, unit, new, handed_over in lines
        )

    def _place(
        self,
        reader: DeskReader,
        offices: Sequence[OfficeHolder],
        holder: OfficeHolder,
        items: Sequence[NoticeItem],
    ) -> str:
        """Return the words for the subject: the unit or office of all complaints, or else the unit
        of the reader above all their units, or else the number of the units. The short title of the
        head of government follows the number if superiors have a duty too.
        """
        directory = self._run.site.directory
        duties = [duty for item in items for duty in item.duties]
        late = {_owing(duty) for duty in duties if duty.late}
        owing = {_owing(item.duties[0]) for item in items}
        if reader.scope.superior:
            owing |= late
        if len(owing) == 1:
            unit, owed_by = owing.pop()
            return owed_by or directory.short_name_of(_unit_of(unit))
        of_units, late_units = (
            {unit for unit, owed_by in some if not owed_by} for some in (owing, late)
        )
        if not (reader.scope.superior or reader.scope.verifies):
            own = [office.unit for office in (offices if owing else (holder,)) if office.unit]
            above = next((unit for unit in own if of_units <= directory.below(unit)), None)
            if above is not None:
                return directory.short_name_of(above)
        number = len((late_units if reader.scope.superior else None) or of_units)
        form = "superior" if len(of_units) < len(owing) else "units"
        regent = regent_word(self._run.site.name, reader.locale)
        return catalog(reader.locale)(f"subject.{form}", n=number, regent=regent) if number else ""

    def _suspended_count(self, reader: DeskReader, *, awaited: bool) -> int:
        """Count the complaints of a reader that wait for the complainant, or the others put off."""
        scope = reader.scope
        return len(
            {
                complaint
                for complaint, unit, by_complainant in self._suspended
                if by_complainant == awaited
                and (scope.superior or (unit or "") in scope.headed | scope.served)
            }
        )

    def _on_desk(self, reader: DeskReader, ended: StoredDuty) -> bool:
        is_new = reader.last_mail is not None and ended.evaluated_at > reader.last_mail
        return is_new and self._covers(reader, ended)

    def _covers(self, reader: DeskReader, duty: StoredDuty | CalendarEntry) -> bool:
        """Check whether a duty binds the government and is on the reader's desk."""
        law = self._run.site.evaluation_context.law
        rule = law.last(duty.rule) if duty.rule in law.ids else None
        return rule is not None and rule.binds_provider and reader.scope.covers(rule, duty.unit)

    def _is_done_since(self, reader: DeskReader, ended: StoredDuty) -> bool:
        """Check whether a duty was done since the last mail to the reader, as far as is known.

        A complaint that was done long ago may be imported now, for example from an old register.
        """
        if ended.state not in DONE or ended.stopped is None or reader.last_mail is None:
            return False
        day = self._run.site.evaluation_context.day
        is_new = ended.recorded_at > reader.last_mail
        return not is_new or day(ended.stopped) >= day(reader.last_mail)

    def _follows_up(self, done: StoredDuty) -> bool:
        """Check whether a duty was done by a follow-up or the settlement of its complaint."""
        law = self._run.site.evaluation_context.law
        return bool(law.last(done.rule).stops_on & FOLLOWED_UP)

    def _fulfilled(
        self, reader: DeskReader, done: Sequence[StoredDuty]
    ) -> tuple[tuple[str, int], ...]:
        """Return the duties done otherwise, for example a verification, each with its complaints.

        A complaint that was followed up as well is not counted again.
        """
        law = self._run.site.evaluation_context.law
        counted = {each.complaint for each in done if self._follows_up(each)}
        found: dict[str, set[int]] = {}
        for each in done:
            if each.complaint not in counted:
                label = law.last(each.rule).label[reader.locale]
                found.setdefault(label, set()).add(each.complaint)
        return tuple((label, len(complaints)) for label, complaints in sorted(found.items()))

    def _shown(self, reader: DeskReader, ended: StoredDuty) -> bool:
        """Check whether an earlier mail to the reader can have shown an ended duty."""
        notified = self._before.get((ended.complaint, ended.rule, ended.clock), [])
        if any(each.recipient.casefold() == reader.address for each in notified):
            return True
        if reader.scope.superior or reader.last_mail is None or ended.due is None:
            return False
        day = self._run.site.evaluation_context.day(ended.due)
        return day <= self._soon_day(reader.last_mail, ended.unit)

    def _leaving(
        self,
        reader: DeskReader,
        ended: Iterable[StoredDuty],
        items: Iterable[NoticeItem],
        corrected: Collection[ClockKeyOfComplaint],
    ) -> tuple[EndedDuty, ...]:
        """Return the duties to cancel in the reader's calendar: those that are over, are in doubt
        or have another reader now, and those of corrections.

        What mails before revision 0002 of the database brought is not on record. To a reader with
        such a mail, ended duties that it can have shown are cancelled too.
        """
        open_duties = {(item.complaint, *duty.key) for item in items for duty in item.duties}
        calendar = self._entries.get(reader.address, {})
        found = {}
        if reader.address in self._with_unrecorded_mails:
            found = {
                (each.complaint, each.rule, each.clock): self._ended_view(reader, each, ())
                for each in ended
                if (each.complaint, each.rule, each.clock) in corrected or self._shown(reader, each)
            }
        for key, entries in calendar.items():
            gone = key in found or key in corrected or not self._keeps(reader, entries[0])
            if gone and key not in open_duties:
                brought_by = tuple(entry.message for entry in entries)
                found[key] = self._ended_view(reader, entries[0], brought_by)
        return tuple(found.values())

    def _keeps(self, reader: DeskReader, entry: CalendarEntry) -> bool:
        """Check whether the duty of a calendar entry may be open, and is on the reader's desk.

        Of a duty in doubt the mail says that its state is not known: the entry may not accuse.
        """
        if entry.stopped is not None or entry.state not in MAY_BE_OPEN:
            return False
        if entry.reason in complaints.WITHOUT_IMPORT:
            return False
        clock = (entry.rule, entry.clock)
        triggered = clock in reader.triggers.get(entry.complaint, frozenset())
        return triggered or self._covers(reader, entry)

    def _ended_view(
        self, reader: DeskReader, ended: StoredDuty | CalendarEntry, brought_by: tuple[int, ...]
    ) -> EndedDuty:
        clock = (ended.rule, ended.clock)
        law = self._run.site.evaluation_context.law
        known = ended.rule in law.ids
        label = law.last(ended.rule).label[reader.locale] if known else ended.rule
        uid = calendar_uid(self._run.context, ended.source, ended.ticket, clock)
        return EndedDuty(ended.ticket, label, uid, ended.due, ended.complaint, clock, brought_by)


def _addressed(offices: Sequence[OfficeHolder], message: MessageRow) -> OfficeHolder:
    """Return the one of a reader's offices to which a mail is addressed, or else the first."""
    address = message.unit, message.role
    return next((each for each in offices if (each.unit, each.role) == address), offices[0])


def _unit_notified(deadline: Deadline, notifications: Iterable[Notification]) -> bool:
    """Check whether the responsible unit got a mail that says that a duty is late.

    For a superior's own duty any recipient counts.
    """
    roles: Collection[str] = responsible_roles(deadline.rule)
    if deadline.rule.actor is Actor.SUPERIOR:
        roles = (*roles, *SUPERIORS)
    return any(
        each.kind != NoticeKind.REMINDER and deadline.is_of(each.unit) and each.role in roles
        for each in notifications
    )


def _awaits_complainant(deadline: Deadline) -> bool:
    """Check whether a duty is paused until the complainant completes the material.

    Any other pause is one of the unit: it ends when the unit continues.
    """
    return deadline.state == State.PAUSED and any(
        begun.kind == Kind.MATERIAL_REQUESTED and ended is None
        for begun, ended in deadline.pause_events
    )


def _open_duty(deadline: Deadline) -> bool:
    """Check whether the government must act: the clock runs, or the duty is late."""
    known = deadline.due is not None and deadline.rule.binds_provider
    return known and (deadline.ticking or deadline.late)


def _hand_overs(events: Iterable[Event], since: datetime | None) -> tuple[Event, ...]:
    """Return the recorded assignments and returns if one was recorded after a moment, else none."""
    found = tuple(event for event in events if event.kind in HANDOVERS and not event.is_doubt)
    new = since is not None and any(event.recorded_at > since for event in found)
    return found if new else ()


def _paused_at(deadline: Deadline, moment: datetime) -> bool:
    """Check whether a deadline was paused, as known at a moment."""
    return any(
        begun.recorded_at <= moment and (ended is None or ended.recorded_at > moment)
        for begun, ended in deadline.pause_events
    )


def _together(scopes: Iterable[Scope]) -> frozenset[str] | None:
    """Return the units of all these scopes; None means every unit."""
    found: frozenset[str] = frozenset()
    for scope in scopes:
        if scope.units is None:
            return None
        found |= scope.units
    return found


def _owing(duty: Duty) -> tuple[str, str]:
    """Return the office or unit that has a duty: its unit, or else the office of superiors."""
    return ("", duty.owed_by) if duty.owed_by else (duty.unit, "")


def _unit_of(unit: str) -> str | None:
    return unit or None
