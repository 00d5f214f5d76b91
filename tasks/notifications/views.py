"""Views: plain values for the templates, in the reader's time zone and with keys of the texts.

A view contains nothing that its reader may not see, for example no title of an anonymous or secret
report.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sla.directory import OF_A_UNIT
from sla.engine.deadline import ClockKey, State
from sla.ladders import SUPERIORS
from tasks.common.notified import Notified
from tasks.notifications.coat_of_arms import CoatOfArms
from tasks.text.incidents import IncidentView


class DeskSection(StrEnum):
    """The sections of a desk. A complaint is in the section of its worst duty.

    `LAST_DAY` has what ends on one of the days off after today: today is the last day to act.
    """

    TODAY = "today"
    LAST_DAY = "last_day"
    LATE = "late"
    SOON = "soon"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class ListedHandOver:
    """The hand-over of a complaint, or of a late duty, to its unit.

    It was after `first` and not later than `latest`, if they differ. `before` is the name of the
    unit that was in charge before the hand-over; of a late duty, at the due time. With `returned`,
    the unit is that of the administrator.
    """

    first: datetime
    latest: datetime
    before: str
    returned: bool = False


@dataclass(frozen=True, slots=True)
class Duty:
    """One deadline of a complaint on a desk.

    `verb` says what to do, as an instruction. `due` is the end of a day, or with `exact` a promised
    time of day. `calendar_days` means that the law counts calendar days. `days_left` (calendar
    days) and `working_days_left` are negative if late. `unit` is the responsible unit. `grave`
    sorts by the law: lower is graver. `new` means new since the reader's last mail, `own` that the
    reader must act: the duty has reached a rung for the reader. `triggered` means that this mail
    has a notice about it. `unit_notified` is false for a late duty if the unit got no mail that
    says so. `of_superior` means that the law gives the duty to this reader as the superior of the
    unit. `accused` means that the reader has a notice that calls it late, or gets one now.
    `owed_by` is the office that has a duty of superiors, in words; empty for a duty of `unit`.
    `key` is its rule and the number of the clock. `in_calendar` means that the reader's calendar
    has its entry. `handed_over` says that another unit had a late duty until its last working day.
    """

    rule: str
    citation: str
    to_be_confirmed: bool
    consequence: str
    due: datetime
    exact: bool
    working_days_left: int
    late: bool
    by_policy: bool
    notified: tuple[Notified, ...]
    verb: str = ""
    calendar_days: bool = False
    days_left: int = 0
    section: DeskSection = DeskSection.LATER
    paused: bool = False
    unit: str = ""
    grave: tuple[int, int] = (1, 0)
    new: bool = False
    own: bool = True
    triggered: bool = False
    unit_notified: bool = True
    of_superior: bool = False
    owed_by: str = ""
    short_citation: str = ""
    accused: bool = False
    in_calendar: bool = False
    key: ClockKey = ("", 0)
    handed_over: ListedHandOver | None = None

    @property
    def article(self) -> str:
        """Return the citation for a line of the body: without a remark in brackets."""
        return self.short_citation or self.citation

    @property
    def ends_today(self) -> bool:
        """Check whether the last day of the duty, or its last working day, is today."""
        return self.section in (DeskSection.TODAY, DeskSection.LAST_DAY) and not self.paused

    @property
    def lateness(self) -> tuple[bool, int, datetime]:
        """Return a sort key: late duties first, the latest of them at the top, then the soonest
        due.
        """
        return not self.late, self.days_left, self.due


class Absence(StrEnum):
    """Why another person is notified in the place of an office; a key of the texts."""

    VACANT = "vacant"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    """The mail server knows no such address."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """The reader gets a notice in the place of another office, vacant or out of reach.

    `title` is that office in words, and `reader` the reader's own role, a key of the texts.
    `reader_title` is the office of a reader who holds one in a unit, in words.
    """

    title: str
    reader: str
    absence: Absence
    reader_title: str = ""


@dataclass(frozen=True, slots=True)
class Correction:
    """A deadline that an earlier mail to this reader called late, and that was not certainly late.

    `state` is its present state, a key of the texts; empty if the rule no longer applies. An
    unknown state leaves open whether it was late. `other_unit` is the name of the unit in charge
    now, if the duty is late and `unit` was not in charge when it fell due or since. With
    `unit_undecided` it is not certain that it was. `late_since` is the due time if the duty became
    late only after the earlier mail. `citation` is that of the earlier mail, and
    `citation_now` that of another regulation by which the deadline has its present state.
    """

    ticket: str
    unit: str
    rule: str
    citation: str
    state: str
    citation_now: str = ""
    other_unit: str = ""
    unit_undecided: bool = False
    late_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReplyLinks:
    """The ways to state something about a complaint by mail.

    `address` and `token` are for readers without links: the token is the subject. `choices` are
    three pairs of label and mailto address: done, not ours, obstacle.
    """

    address: str
    token: str
    choices: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """The newest statement of the unit about a complaint; it changes no deadline.

    `kind` is a key of the texts. `text` is empty or the unit's own words, masked and cut.
    """

    kind: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class NoticeItem:
    """One complaint on a desk, with all its open duties, the worst first.

    `privacy` is '', 'anonymous' or 'secret'; `classification` is a key of the texts. `notified` are
    the earlier notices about any of the duties. `reopened` is the time of the last reopening, from
    which new clocks run. `vacant` are the vacant offices of the unit, as
    keys of the texts. `inherited` means that it was late before the first import of its source.
    `made_late` is the time of a change of the law or the calendar that made a duty late.
    """

    ticket: str
    title: str
    category: str
    classification: str
    privacy: str
    unit: str
    received: datetime
    duties: tuple[Duty, ...]
    link: str
    reopened: datetime | None = None
    notified: tuple[Notified, ...] = ()
    vacant: tuple[str, ...] = ()
    short_unit: str = ""
    inherited: bool = False
    made_late: datetime | None = None
    complaint: int = 0
    """The key of the complaint."""
    source: str = ""
    unit_id: str = ""
    unknown_unit: str = ""
    """The name of its unit as the source writes it, as long as units.csv does not have it."""
    to_assign: bool = False
    """Whether the reader has to verify the complaint or to assign it to a unit."""
    returned: ListedHandOver | None = None
    """Its return by a unit if no unit got it after that."""
    reply_links: ReplyLinks | None = None
    statement: Statement | None = None

    @property
    def worst(self) -> Duty:
        """Return the worst duty; its lateness is the lateness of the complaint."""
        return self.duties[0]

    @property
    def pressing(self) -> tuple[Duty, ...]:
        """Return the worst duty, those of this mail's notices, and those late or due soon."""
        others = (
            duty
            for duty in self.duties[1:]
            if duty.triggered or duty.section is not DeskSection.LATER
        )
        return (self.worst, *others)

    @property
    def shown(self) -> tuple[Duty, ...]:
        """Return the duties with a line of their own: the first two that are pressing."""
        return self.pressing[:2]

    @property
    def beside(self) -> tuple[Duty, ...]:
        """Return the other pressing duties. A superior reads no duty with a later time."""
        return self.pressing[2:]

    @property
    def handed_over(self) -> ListedHandOver | None:
        """Return the hand-over of the worst duty that another unit had until its last day, so that
        its unit had no full working day left for it.
        """
        return next((duty.handed_over for duty in self.duties if duty.handed_over), None)

    @property
    def further(self) -> tuple[Duty, ...]:
        """Return the other duties, which share one line."""
        return tuple(duty for duty in self.duties if duty not in self.shown)

    @property
    def section(self) -> DeskSection:
        """Return the section of the worst duty."""
        return self.worst.section

    @property
    def new(self) -> bool:
        """Check whether the complaint came into its section since the reader's last mail."""
        return all(duty.new for duty in self.duties if duty.section is self.section)

    @property
    def told_superiors(self) -> tuple[Notified, ...]:
        """Return the superiors among those who were notified before."""
        return tuple(each for each in self.notified if each.role in SUPERIORS)

    @property
    def also_ends_today(self) -> bool:
        """Check whether the complaint is late and another of its duties ends today."""
        return self.worst.late and any(duty.ends_today for duty in self.duties)

    def notified_besides(self, role: str) -> tuple[Notified, ...]:
        """Return who was notified before, without those of a reader's own role; all of them if
        there are no others.

        The holder of the same office at another unit is another reader.
        """
        others = tuple(each for each in self.notified if each.role != role or each.place)
        return others or self.notified

    @property
    def own(self) -> bool:
        """Check whether the reader must act."""
        return any(duty.own for duty in self.duties)

    @property
    def rank(self) -> tuple[Any, ...]:
        """Return the sort key in a section: the law's gravity, then the lateness.

        Only duties of this section count for the gravity.
        """
        grave = min(duty.grave for duty in self.duties if duty.section is self.section)
        return (*grave, *self.worst.lateness, _by_number(self.ticket))


_NUMBER = re.compile(r"0*([0-9]+)")


def _by_number(ticket: str) -> str:
    """Return the sort key of a ticket that puts FD-2 before FD-11.

    A number begins with its length, behind a mark that sorts before any letter. A desk may sort
    hundreds of thousands of tickets: numbers as objects take several times the memory.
    """
    return _NUMBER.sub(lambda found: f"\0{len(found[1]):04}{found[1]}", ticket)


@dataclass(frozen=True, slots=True)
class DeskUnitLine:
    """One row of a superior's table: a unit, its late complaints, the worst duty, and new ones.

    `is_unit` is false for the office that has the duties of superiors. `handed_over` is the number
    of late complaints that another unit had until their last working day.
    """

    unit: str
    late: int
    oldest: Duty | None
    new: int
    is_unit: bool = True
    handed_over: int = 0


@dataclass(frozen=True, slots=True)
class EndedDuty:
    """A duty that ended or went to another reader, to cancel its entry in a calendar.

    `uid` is the permanent identifier of the entry. `key` is its rule and the number of the clock.
    `brought_by` are the mails with the entry.
    """

    ticket: str
    rule: str
    uid: str
    due: datetime | None
    complaint: int = 0
    key: ClockKey = ("", 0)
    brought_by: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class UnlistedDuties:
    """Duties that are in no section and no other number of a desk.

    Of late duties `complaints` is the number of complaints that no other number has, and
    `of_listed` the number of duties of the other complaints.
    `tickets` are pairs of ticket and first day, `since` is the earliest of these days.
    """

    complaints: int = 0
    duties: int = 0
    tickets: tuple[tuple[str, datetime | None], ...] = ()
    since: datetime | None = None
    of_listed: int = 0


@dataclass(frozen=True, slots=True)
class Desk:
    """All that is open for one reader at one moment: the content of a mail.

    `items` are the complaints of the body, by section and rank; `rest` are those of the workbook
    alone. `counts` has the number of complaints of each section, those of `rest` included. `title`
    is the reader's office for the salutation, `place` the short name of the unit for the subject,
    `regent` the short title of the head of this government (Bupati, Wali Kota, Gubernur),
    `coat` the coat of arms.

    A superior reads a table of the `units` first. `unlisted` are the late duties of which the unit
    has not been notified as late yet; no unit is named. `doubtful` are those of which the source no
    longer shows whether they are done, and `asked` those that wait for the answer to a question
    about their data. The late complaints of the report are those of the sections, the unlisted, the
    doubtful and the asked ones together. `awaiting` are the duties past their due time of
    which the source has not been read since: neither late nor done. Those of `awaiting_answer` wait
    for the answer to a question about their data. `ended_late` counts the duties that were late
    this year and ended otherwise.

    `waiting` complaints wait for the complainant, `postponed` ones were put off. `settled`
    complaints were followed up or settled since the last mail at `last_mail`. `fulfilled` are the
    other duties done since then: the rule, and the number of complaints. `copied` means that the
    recipient gets the mail for information only (cc). `corrections` take back what earlier mails
    called late. `stand_ins` are the offices in the place of which the reader gets the mail.
    """

    site: str
    recipient: str
    title: str
    role: str
    unit: str
    place: str
    now: datetime
    items: tuple[NoticeItem, ...]
    counts: Mapping[DeskSection, int]
    administrator: str
    regent: str = ""
    coat: CoatOfArms | None = None
    superior: bool = False
    rest: tuple[NoticeItem, ...] = ()
    units: tuple[DeskUnitLine, ...] = ()
    unlisted: UnlistedDuties = UnlistedDuties()
    doubtful: UnlistedDuties = UnlistedDuties()
    asked: UnlistedDuties = UnlistedDuties()
    awaiting: UnlistedDuties = UnlistedDuties()
    awaiting_answer: UnlistedDuties = UnlistedDuties()
    ended_late: int = 0
    waiting: int = 0
    postponed: int = 0
    settled: int = 0
    fulfilled: tuple[tuple[str, int], ...] = ()
    ended: tuple[EndedDuty, ...] = ()
    last_mail: datetime | None = None
    copied: bool = False
    corrections: tuple[Correction, ...] = ()
    stand_ins: tuple[StandIn, ...] = ()
    earlier: tuple[str, ...] = ()
    """The Message-IDs of the earlier mails about the only complaint with a notice in the mail."""

    def section(self, name: str) -> tuple[NoticeItem, ...]:
        """Return the complaints of a section in the body."""
        return tuple(item for item in self.items if item.section == name)

    @property
    def sections(self) -> frozenset[str]:
        """Return the names of the sections with any complaint."""
        return frozenset(str(section) for section, number in self.counts.items() if number)

    @property
    def complaints_named(self) -> int:
        """Return the number of complaints that the mail or its workbook names."""
        listed = (*self.items, *self.rest)
        corrected = {each.ticket for each in self.corrections} - {item.ticket for item in listed}
        return len({item.complaint for item in listed}) + len(corrected)

    @property
    def privacies(self) -> frozenset[str]:
        """Return the kinds of privacy of the complaints in the body."""
        return frozenset(item.privacy for item in self.items)

    def count(self, name: str) -> int:
        """Return the number of complaints of a section."""
        return self.counts.get(DeskSection(name), 0)

    @property
    def own_count(self) -> int:
        """Number of complaints on which the reader must act, in the body or not."""
        return sum(item.own for item in (*self.items, *self.rest))

    @property
    def assigns(self) -> bool:
        """Check whether the reader has to verify or assign any complaint."""
        return any(item.to_assign for item in (*self.items, *self.rest))

    @property
    def answers(self) -> bool:
        """Check whether a unit of the reader has to act on any complaint itself."""
        return not all(item.to_assign for item in (*self.items, *self.rest))

    def urgency(self, to_assign: bool | None = None) -> str:
        """Return `late` if a complaint is late or ends today or on this working day, else `coming`.

        `to_assign` selects the complaints that the reader has to assign, or all others.
        """
        found = (
            item.section
            for item in (*self.items, *self.rest)
            if to_assign in (None, item.to_assign)
        )
        now = {DeskSection.LATE, DeskSection.TODAY, DeskSection.LAST_DAY}
        return "coming" if now.isdisjoint(found) else "late"

    @property
    def acts_on_the_late_ones(self) -> bool:
        """Check whether the reader must act on every late complaint, and on no other one."""
        own = [item.section for item in (*self.items, *self.rest) if item.own]
        return own == [DeskSection.LATE] * self.count(DeskSection.LATE)

    @property
    def late_duties(self) -> int:
        """Number of late duties on the desk; a complaint can have more than one."""
        return sum(duty.late for item in (*self.items, *self.rest) for duty in item.duties)

    @property
    def undecided_corrections(self) -> int:
        """Number of corrections that leave open whether the deadline was late."""
        return sum(each.state == State.UNKNOWN for each in self.corrections)

    @property
    def corrected_units(self) -> int:
        """Number of corrections of the unit alone: the duty is late, at another unit."""
        return sum(bool(each.other_unit) for each in self.corrections)

    @property
    def early_notices(self) -> int:
        """Number of corrections of notices sent before the duty was late, which it is now."""
        return sum(each.late_since is not None for each in self.corrections)

    @property
    def undecided_units(self) -> int:
        """Number of corrections of the unit alone that leave open whether it was in charge."""
        return sum(each.unit_undecided for each in self.corrections)

    @property
    def late_and_due_today(self) -> int:
        """Number of late complaints of which another duty ends today."""
        return sum(item.also_ends_today for item in (*self.items, *self.rest))

    @property
    def total(self) -> int:
        """Number of complaints on the desk."""
        return sum(self.counts.values())

    @property
    def not_shown(self) -> int:
        """Number of complaints that only the workbook names."""
        return len(self.rest)

    @property
    def own_not_shown(self) -> int:
        """Number of complaints on which the reader must act and that only the workbook names."""
        return sum(item.own for item in self.rest)

    @property
    def inherited_count(self) -> int:
        """Number of complaints that were late before the first import."""
        return sum(item.inherited for item in (*self.items, *self.rest))

    @property
    def made_late(self) -> Mapping[datetime, int]:
        """Number of complaints with a duty that a change of the ruleset made late, by its time."""
        found = (item.made_late for item in (*self.items, *self.rest))
        return dict(sorted(Counter(at for at in found if at is not None).items()))

    @property
    def only_item(self) -> NoticeItem | None:
        """Return the only complaint on the desk, or None if there is none or more than one."""
        return self.items[0] if self.total == 1 == len(self.items) else None

    @property
    def units_late(self) -> int:
        """Return the number of units in the table of a superior."""
        return sum(line.is_unit for line in self.units)

    @property
    def owing_office(self) -> str:
        """Return the office with the duties of superiors if the table of a superior has it."""
        return next((line.unit for line in self.units if not line.is_unit), "")

    @property
    def duties_of_superior(self) -> tuple[tuple[NoticeItem, Duty], ...]:
        """Return the duties that the law gives to the reader, each with its complaint, the latest
        first.
        """
        items = (*self.items, *self.rest)
        found = [(item, duty) for item in items for duty in item.duties if duty.of_superior]
        return tuple(sorted(found, key=lambda pair: pair[1].lateness))

    @property
    def instructs(self) -> bool:
        """Check whether a superior has anything to instruct a unit about."""
        return any(duty.own and not duty.of_superior for item in self.items for duty in item.duties)

    @property
    def thread_item(self) -> NoticeItem | None:
        """Return the complaint of the thread to which the mail belongs, or None if to none.

        Only a mail to a unit with exactly one complaint and no correction belongs to a thread.
        """
        return None if self.superior or self.corrections else self.only_item

    def cut(self, most: int) -> Desk:
        """Return the same desk with at most `most` complaints in its body, the first ones."""
        if len(self.items) <= most:
            return self
        moved = self.items[most:]
        return replace(self, items=self.items[:most], rest=(*moved, *self.rest))

    @property
    def rules(self) -> tuple[Duty, ...]:
        """Return one duty for each rule in the body, the gravest first, for the legal notes.

        A superior reads no duty with a later time.
        """
        found: dict[tuple[str, str], Duty] = {}
        for item in self.items:
            for duty in item.pressing if self.superior else item.duties:
                found.setdefault((duty.citation, duty.rule), duty)
        return tuple(sorted(found.values(), key=lambda duty: (duty.grave, duty.citation)))

    @property
    def legal_basis(self) -> tuple[tuple[tuple[str, ...], Duty], ...]:
        """Return the rules of the body by citation and consequence: their names, and one duty."""
        found: dict[tuple[str, str, bool], list[Duty]] = {}
        for duty in self.rules:
            key = duty.citation, duty.consequence, duty.to_be_confirmed
            found.setdefault(key, []).append(duty)
        return tuple((tuple(d.rule for d in duties), duties[0]) for duties in found.values())

    @property
    def any_to_be_confirmed(self) -> bool:
        """Check whether a legal officer has yet to confirm any rule in the body."""
        return any(duty.to_be_confirmed for duty in self.rules)


UNREAD_REPLIES = "unread_replies"
"""The kind of an alert about answers that a person must read."""

VACANCY, VACANCIES = "vacancy", "vacancies"
"""The kinds of an alert about one office without a holder, and about several."""


def vacancies_in(detail: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the offices, as unit and role, of an alert about vacancies, each once."""
    one = detail["alert"] == VACANCY
    offices = [(detail["unit"], detail["role"])] if one else detail["offices"]
    return list(dict.fromkeys(office_of(unit, role) for unit, role in offices))


def office_of(unit: str, role: str) -> tuple[str, str]:
    """Return an office as unit and role; an office of the whole site has no unit."""
    return (unit if role in OF_A_UNIT else "", role)


@dataclass(frozen=True, slots=True)
class AlertMail:
    """A mail to the administrator about a problem of the pipeline.

    `alert` is a key of the texts (dead_message, vacancy, ...). `facts` are pairs of label and
    value, with keys of the texts as labels.
    """

    site: str
    recipient: str
    now: datetime
    alert: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class WatchMail:
    """A mail to the administrator about the incidents found by the watchdog.

    `new` incidents are reported for the first time, `again` ones continue since an earlier mail,
    and `well` ones are resolved.
    """

    site: str
    recipient: str
    now: datetime
    opened: tuple[IncidentView, ...]
    ongoing: tuple[IncidentView, ...]
    resolved: tuple[IncidentView, ...]


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """An open question for display; `complaints` is the number of complaints that wait for it.

    `meaning` is the key of the text that says which answers there are, `examples` are some of them
    that the source or the site knows. `tickets` are those of the first complaints.
    """

    number: int
    source: str
    column: str
    value: str
    meaning: str
    complaints: int
    since: datetime
    tickets: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RejectedGroup:
    """Rows in quarantine of one source with the same reason in the same column.

    `lines` are the first line numbers in `file`, `tickets` the numbers of their complaints.
    """

    source: str
    reason: str
    column: str
    rows: int
    file: str
    lines: tuple[int, ...]
    tickets: tuple[str, ...] = ()

    @property
    def reason_key(self) -> str:
        """Return the key of the reason in the catalog; a text among dates has one of its own."""
        if self.reason == "torn_row" and self.column:
            return "questions.misplaced"
        return f"quarantine.{self.reason}"


@dataclass(frozen=True, slots=True)
class QuestionsMail:
    """A mail to the administrator about values and rows that could not be read.

    `new` questions are asked for the first time, `again` ones are still open since an earlier mail.
    `duties_wait` says whether one of them leaves duties unknown.
    """

    site: str
    recipient: str
    now: datetime
    new: tuple[AskedQuestion, ...]
    again: tuple[AskedQuestion, ...]
    rejected: tuple[RejectedGroup, ...]
    duties_wait: bool


@dataclass(frozen=True, slots=True)
class TrialEntry:
    """A mail of a trial as a digest shows it: to whom it would have gone, and its text.

    `title` is the office of the recipient.
    """

    number: int
    title: str
    name: str
    address: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class TrialMail:
    """A mail to the administrator with the mails of a trial that nobody got.

    The texts of the `attached` ones are only in the attachment, because the body would be too long.
    `notes` are alerts to the administrator that need no act at once.
    """

    site: str
    recipient: str
    now: datetime
    shown: tuple[TrialEntry, ...]
    attached: tuple[TrialEntry, ...]
    notes: tuple[AlertMail, ...] = ()

    @property
    def number(self) -> int:
        """The number of mails that nobody got."""
        return len(self.shown) + len(self.attached)
