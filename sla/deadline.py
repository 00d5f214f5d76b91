"""What a deadline is: its states, the facts it rests on, and what all judgments of a site share."""

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
    """How a deadline stands. Only MET, MET_LATE and BREACHED are verdicts on the provider."""

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
    """What decides where an observed interval leaves the verdict open."""

    BENEFIT_OF_DOUBT = "benefit_of_doubt"
    STRICT = "strict"
    NO_VERDICT = "no_verdict"


class Reason(StrEnum):
    """Why a deadline has the state it has, beyond its dates."""

    HISTORY_UNKNOWN = "history_unknown"
    IMPLIED = "implied"
    SHOWN_LATER = "shown_later"
    AWAITING_SOURCE = "awaiting_source"
    POLICY = "policy"
    VOIDED = "voided"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules ask about a complaint, and what its source is able to tell.

    `sees` are the kinds of event the source can tell of; a rule that no such event could stop is
    not judged at all. `shown_later` gives, for a kind, by how many working days the source may
    show it late (LAPOR! shows a settlement only once the case is closed). `known_until` is when
    the source was last looked at: what it has not told by then may still have happened since.
    None means that it tells at once.
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
        """The facts by the names that `applies_when` uses."""
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
    """What every judgment of a site shares: law, calendar, zone and policy.

    `unit_calendars` are those of the units that keep a week of their own.
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
        """The local day of a moment."""
        return moment.astimezone(self.zone).date().toordinal()

    def end_of(self, day: int) -> datetime:
        """The last microsecond of a local day, in the site's zone."""
        return datetime.combine(date.fromordinal(day), time.max, tzinfo=self.zone)

    def start_of(self, day: int) -> datetime:
        """Midnight at the beginning of a local day, in the site's zone."""
        return datetime.combine(date.fromordinal(day), time.min, tzinfo=self.zone)

    def calendar_of(self, holder: str | None) -> Calendar:
        """The working calendar of a unit of the government: its own, or the site's."""
        return self.unit_calendars.get(holder or "", self.calendar)

    def counted_by(self, unit: Unit, holder: str | None = None) -> Calendar:
        """The calendar by which a length in this unit is counted for the unit that holds it."""
        return self.calendar_of(holder) if unit is Unit.WORKING_DAY else self.every_day


@dataclass(frozen=True, slots=True)
class Deadline:
    """One rule's clock on one complaint, as it stands at `as_of`.

    `clock` numbers the clocks of a rule (a reopened complaint starts another). `unit` holds the
    matter now; `answerable` held it when it fell due or was stopped, and bears the verdict. `due`
    is the last moment at which acting is on time, None while a pause leaves it open. `shown_by`
    is the moment from which a breach is certain: `due`, or later where the source shows the stop
    late. A missed deadline stays BREACHED, with `stopped` set, when the matter then goes away.
    `start` and `end` are the events behind `started` and `stopped`; `held_by` are those behind
    `pauses`, in the same order.
    `by_policy` tells that the verdict hangs on the site's policy; `provisional` that the due day
    rests on holidays not yet decreed; `paused` that the count stands still, even if it is late.
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
        """Whether nothing has ended the clock yet, late or not."""
        return self.stopped is None and self.state not in (State.LAPSED, State.WAIVED)

    @property
    def ticking(self) -> bool:
        """Whether somebody must act on it: it runs or is late, and nothing holds it up."""
        return self.open and not self.paused and self.state in (State.RUNNING, State.BREACHED)
