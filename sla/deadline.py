"""The deadline: its states, the facts for its evaluation, and the evaluation context of a site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from sla.calendar import Calendar
from sla.counting import Stretch
from sla.events import Event
from sla.regulations import Law, Rule, Unit


class State(StrEnum):
    """The state of a deadline. Only MET, MET_LATE and BREACHED are verdicts on the provider."""

    NOT_STARTED = "not_started"
    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    MET_LATE = "met_late"
    BREACHED = "breached"
    LAPSED = "lapsed"
    WAIVED = "waived"
    UNKNOWN = "unknown"


class Policy(StrEnum):
    """The rule of the site for a verdict left open by an interval: the exact time is not known."""

    BENEFIT_OF_DOUBT = "benefit_of_doubt"
    STRICT = "strict"
    NO_VERDICT = "no_verdict"


class Reason(StrEnum):
    """A reason for the state of a deadline, in addition to its dates."""

    HISTORY_UNKNOWN = "history_unknown"
    IMPLIED = "implied"
    SHOWN_LATER = "shown_later"
    AWAITING_SOURCE = "awaiting_source"
    POLICY = "policy"
    VOIDED = "voided"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of a complaint that rules ask about, and the abilities of its source.

    `sees` are the kinds of event visible in the source. A rule is not evaluated at all if no such
    event could stop it. `shown_later` is, for a kind of event, the number of working days by which
    the source may show it late (LAPOR! shows a settlement only once the case is closed).
    `known_until` is the time of the last import from the source: an event may have happened since
    without being shown. None means that the source shows every event at once.
    """

    classification: str | None = None
    category: str | None = None
    channel: str | None = None
    source: str | None = None
    system: str | None = None
    promised_due: datetime | None = None
    sees: frozenset[str] | None = None
    shown_later: Mapping[str, int] = field(default_factory=dict)
    known_until: datetime | None = None

    def asked(self, unit: str | None, unit_kind: str | None) -> dict[str, str | None]:
        """Return the facts by the names used in `applies_when`."""
        return {
            "classification": self.classification,
            "category": self.category,
            "channel": self.channel,
            "source": self.source,
            "system": self.system,
            "unit": unit,
            "unit_kind": unit_kind,
        }


@dataclass(frozen=True, slots=True)
class Bench:
    """The evaluation context of a site: law, calendar, time zone and policy.

    `every_day` is the calendar for lengths in calendar days. `administrator_unit` is the unit
    responsible for the duties of the administrator and for complaints not yet assigned.
    `unit_calendars` are the calendars of units with their own working week.
    """

    law: Law
    calendar: Calendar
    every_day: Calendar
    zone: ZoneInfo
    policy: Policy = Policy.BENEFIT_OF_DOUBT
    administrator_unit: str | None = None
    unit_calendars: Mapping[str, Calendar] = field(default_factory=dict)
    unit_kinds: Mapping[str, str] = field(default_factory=dict)

    def day(self, moment: datetime) -> int:
        """Return the local day of a moment as an ordinal."""
        return moment.astimezone(self.zone).date().toordinal()

    def end_of(self, day: int) -> datetime:
        """Return the last microsecond of a local day, in the site's zone."""
        return datetime.combine(date.fromordinal(day), time.max, tzinfo=self.zone)

    def start_of(self, day: int) -> datetime:
        """Return midnight at the start of a local day, in the site's zone."""
        return datetime.combine(date.fromordinal(day), time.min, tzinfo=self.zone)

    def calendar_of(self, holder: str | None) -> Calendar:
        """Return the working calendar of a unit: its own, or else the site's."""
        return self.unit_calendars.get(holder or "", self.calendar)

    def counted_by(self, unit: Unit, holder: str | None = None) -> Calendar:
        """Return the calendar for counting a length in this time unit, for the responsible unit."""
        return self.calendar_of(holder) if unit is Unit.WORKING_DAY else self.every_day


@dataclass(frozen=True, slots=True)
class Deadline:
    """One clock of a rule on one complaint, as evaluated at `as_of`.

    `clock` is the number of the clock among those of its rule (a reopened complaint starts
    another). `unit` is responsible now. `answerable` was responsible when the deadline fell due or
    was stopped; the verdict is counted for this unit. `due` is the last moment for acting on time,
    or None while a pause leaves it open. `shown_by` is the moment after which a breach is certain:
    `due`, or later if the source shows the stop late.

    A missed deadline remains BREACHED, with `stopped` set, if the duty then ends for another
    reason. `start` and `end` are the events behind `started` and `stopped`. `held_by` are the
    events behind `pauses`, in the same order. `pauses` are half-open intervals (begin, end] of day
    ordinals.

    `by_policy` is true if the policy of the site decided the verdict. `provisional` is true if the
    due day depends on holidays not yet decreed. `paused` is true if the count is paused, even after
    the due time. `days_used` counts days of the unit of the rule; `working_days_left` is negative
    if the deadline is late.
    """

    rule: Rule
    clock: int
    unit: str | None
    answerable: str | None
    started: datetime
    start: Event
    due: datetime | None
    stopped: datetime | None
    end: Event | None
    state: State
    days_used: int
    working_days_left: int | None
    shown_by: datetime | None
    pauses: tuple[Stretch, ...] = ()
    held_by: tuple[tuple[Event, Event | None], ...] = ()
    reasons: tuple[Reason, ...] = ()
    by_policy: bool = False
    provisional: bool = False
    paused: bool = False

    @property
    def open(self) -> bool:
        """Check whether the clock is still open, late or not."""
        return self.stopped is None and self.state not in (State.LAPSED, State.WAIVED)

    @property
    def ticking(self) -> bool:
        """Check whether action is required: the deadline is running or late, and not paused."""
        return self.open and not self.paused and self.state in (State.RUNNING, State.BREACHED)
