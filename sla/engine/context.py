"""What an evaluation rests on: the facts of a complaint, the law, the calendar, the policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from sla.calendar import Calendar
from sla.regulations.model import Law, LengthUnit
from sla.value_class import value_class


class Policy(StrEnum):
    """The rule of the site for a verdict left open by an interval: the exact time is not known."""

    BENEFIT_OF_DOUBT = "benefit_of_doubt"
    STRICT = "strict"
    NO_VERDICT = "no_verdict"


UNDETERMINED = "undetermined"
"""The classification of a complaint with a word that nobody has explained yet."""


@value_class(frozen=True, slots=True)
class ComplaintFacts:
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
class EvaluationContext:
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
        return moment.astimezone(self.zone).toordinal()

    def end_of(self, day: int) -> datetime:
        """Return the last microsecond of a local day, in the site's zone."""
        return _moment(day, time.max, self.zone)

    def start_of(self, day: int) -> datetime:
        """Return midnight at the start of a local day, in the site's zone."""
        return _moment(day, time.min, self.zone)

    def start_of_year(self, moment: datetime) -> datetime:
        """Return the start of the local calendar year of a moment, in the site's zone."""
        first = date.fromordinal(self.day(moment)).replace(month=1, day=1)
        return self.start_of(first.toordinal())

    def calendar_of(self, holder: str | None) -> Calendar:
        """Return the working calendar of a unit: its own, or else the site's."""
        return self.unit_calendars.get(holder or "", self.calendar)

    def counted_by(self, unit: LengthUnit, holder: str | None = None) -> Calendar:
        """Return the calendar for counting a length in this time unit, for the responsible unit."""
        return self.calendar_of(holder) if unit is LengthUnit.WORKING_DAY else self.every_day


@lru_cache(maxsize=16_384)
def _moment(day: int, at: time, zone: ZoneInfo) -> datetime:
    """Return a time of a day; the deadlines of a backlog share the days of some years."""
    return datetime.combine(date.fromordinal(day), at, tzinfo=zone)
