"""One complaint before the law: which deadlines it carries, and how each stands at a moment.

:func:`judge` is the heart of Tenggat. It walks the events known at `as_of` in order, lets each
applicable rule start, pause, stop or void its clocks, and gives each clock a verdict only where
the knowledge suffices. Where a time is known only as an interval, the verdict must hold for the
whole interval, or the site's policy decides and the deadline says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sla.calendar import Calendar
from sla.counting import NEVER, Stretch, due_day, used_days, working_days_between
from sla.events import Event, Kind, Knowledge
from sla.regulations import Actor, Law, Rule, Unit


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
    POLICY = "policy"
    VOIDED = "voided"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules ask about a complaint, and what its source is able to tell.

    `sees` are the kinds of event the source can tell of; a rule that no such event could stop is
    not judged at all. `shown_later` gives, for a kind, by how many working days the source may
    show it late (LAPOR! shows a settlement only once the case is closed).
    """

    classification: str | None = None
    category: str | None = None
    channel: str | None = None
    source: str | None = None
    system: str | None = None
    promised_due: datetime | None = None
    sees: frozenset[str] | None = None
    shown_later: Mapping[str, int] = field(default_factory=dict)

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
    """What every judgment of a site shares: law, calendar, zone and policy."""

    law: Law
    calendar: Calendar
    every_day: Calendar
    zone: ZoneInfo
    policy: Policy = Policy.BENEFIT_OF_DOUBT
    administrator_unit: str | None = None
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

    def counted_by(self, unit: Unit) -> Calendar:
        """The calendar by which a length in this unit is counted."""
        return self.calendar if unit is Unit.WORKING_DAY else self.every_day


@dataclass(frozen=True, slots=True)
class Deadline:
    """One rule's clock on one complaint, as it stands at `as_of`.

    `clock` numbers the clocks of a rule (a reopened complaint starts another). `due` is the
    last moment at which acting is on time, None while a pause leaves it open. `shown_by` is the
    moment from which a breach is certain: `due`, or later where the source shows the stop late.
    `by_policy` tells that the verdict hangs on the site's policy; `provisional` that the due day
    rests on holidays not yet decreed; `paused` that the count stands still, even if it is late.
    """

    rule: Rule
    clock: int
    unit: str | None
    started: datetime
    started_knowledge: Knowledge
    due: datetime | None
    stopped: datetime | None
    stopped_knowledge: Knowledge | None
    state: State
    days_used: int
    working_days_left: int | None
    shown_by: datetime | None
    pauses: tuple[Stretch, ...] = ()
    reasons: tuple[Reason, ...] = ()
    by_policy: bool = False
    provisional: bool = False
    paused: bool = False

    @property
    def running(self) -> bool:
        """Whether the clock is still ticking, late or not."""
        return self.state in (State.RUNNING, State.BREACHED) or (
            self.state is State.UNKNOWN and self.stopped is None
        )


@dataclass(slots=True)
class _Clock:
    """A clock under construction: the events that start, pause and end it."""

    start: Event
    unit: str | None
    pauses: list[tuple[Event, Event | None]] = field(default_factory=list)
    stop: Event | None = None
    implied: Event | None = None
    void: Event | None = None

    @property
    def ended(self) -> bool:
        return bool(self.stop or self.implied or self.void)

    @property
    def paused(self) -> bool:
        return any(ended is None for _, ended in self.pauses)

    @property
    def history_unknown(self) -> bool:
        """Whether the count rests on what was over before the first look at the source."""
        moments = [self.start, *(event for pair in self.pauses for event in pair if event)]
        return any(event.knowledge is Knowledge.UNKNOWN for event in moments)


def judge(facts: Facts, events: Sequence[Event], bench: Bench, as_of: datetime) -> list[Deadline]:
    """Every deadline of a complaint as it stands at `as_of`, in the order of the law.

    Only events recorded and past by `as_of` count, so a past view can be rebuilt. Lapses of a
    complainant's or the system's deadline are states of their own and never someone's lateness.
    """
    if as_of.tzinfo is None:
        raise ValueError("`as_of` has no zone")
    known = sorted(
        (e for e in events if e.recorded_at <= as_of and e.latest <= as_of),
        key=lambda event: (event.latest, event.kind != Kind.RECEIVED),
    )
    deadlines = []
    for rule_id in bench.law.ids:
        for number, clock in enumerate(_clocks(rule_id, facts, known, bench), start=1):
            rule, run = clock
            deadlines.append(_verdict(rule, number, run, facts, bench, as_of))
    return deadlines


def _clocks(
    rule_id: str, facts: Facts, known: Sequence[Event], bench: Bench
) -> list[tuple[Rule, _Clock]]:
    found: list[tuple[Rule, _Clock]] = []
    holder: str | None = None
    open_pauses: dict[str, Event] = {}  # a pause may begin before the clock does
    for event in known:
        if event.kind == Kind.ASSIGNED:
            holder = event.unit
        elif event.kind == Kind.REOPENED:
            open_pauses.clear()  # what was waited for before the end is waited for no longer
        current = found[-1] if found else None
        if current is None or current[1].ended:
            rule = bench.law.on(rule_id, date.fromordinal(bench.day(event.latest)))
            if rule is not None and _starts(rule, event, again=current is not None):
                unit = event.unit or holder
                asked = facts.asked(unit, bench.unit_kinds.get(unit or ""))
                if _judgeable(rule, facts) and rule.applies_to(asked):
                    run = _Clock(event, _responsible(rule, unit, bench))
                    run.pauses += [
                        (begun, None) for begins, _ in rule.pauses
                        if (begun := open_pauses.get(begins))
                    ]  # fmt: skip
                    found.append((rule, run))
        else:
            _advance(current[0], current[1], event, bench)
        _note_pauses(bench.law.versions(rule_id), event, open_pauses)
    return found


def _starts(rule: Rule, event: Event, *, again: bool) -> bool:
    if event.kind in rule.starts_on:
        return not again or event.kind != Kind.RECEIVED
    return again and event.kind in rule.restarts_on


def _judgeable(rule: Rule, facts: Facts) -> bool:
    if rule.promised and facts.promised_due is None:
        return False
    if facts.sees is None:
        return True
    return bool(rule.stops_on & facts.sees) and bool(rule.starts_on & facts.sees)


def _responsible(rule: Rule, unit: str | None, bench: Bench) -> str | None:
    if rule.actor is Actor.LAPOR_ADMINISTRATOR or unit is None:
        return bench.administrator_unit  # nobody holds it yet: it lies with the administrator
    return unit


def _note_pauses(versions: Sequence[Rule], event: Event, open_pauses: dict[str, Event]) -> None:
    for begins, ends in {pair for rule in versions for pair in rule.pauses}:
        if event.kind == begins:
            open_pauses.setdefault(begins, event)
        elif event.kind == ends:
            open_pauses.pop(begins, None)


def _advance(rule: Rule, clock: _Clock, event: Event, bench: Bench) -> None:
    if event.kind in rule.stops_on:
        clock.stop = event
    elif event.kind in rule.implied_by:
        clock.implied = event
    elif event.kind in rule.voids:
        clock.void = event
    elif event.kind == Kind.ASSIGNED and rule.actor is Actor.UNIT:
        clock.unit = event.unit or clock.unit
    else:
        for begins, ends in rule.pauses:
            if event.kind == begins:
                clock.pauses.append((event, None))
            elif event.kind == ends:
                clock.pauses = [
                    (begun, event) if ended is None and begun.kind == begins else (begun, ended)
                    for begun, ended in clock.pauses
                ]


def _verdict(
    rule: Rule, number: int, clock: _Clock, facts: Facts, bench: Bench, as_of: datetime
) -> Deadline:
    longest = _stretches(clock, bench, longest=True)
    shortest = _stretches(clock, bench, longest=False)
    due_latest = _due(rule, clock.start.latest, longest, facts, bench)
    due_earliest = _due(rule, clock.start.first_possible, shortest, facts, bench)
    strict = _strict(clock, bench)
    due = due_earliest if strict else due_latest
    pauses = shortest if strict else longest
    lag = max((facts.shown_later.get(kind, 0) for kind in rule.stops_on), default=0)
    shown_by = due
    if due is not None and lag:
        shown_by = bench.end_of(due_day(bench.calendar, bench.day(due), lag))
    stopped = clock.stop or clock.implied or clock.void
    state, reasons = _state(rule, clock, due_earliest, due_latest, shown_by, bench, as_of)
    until = min(bench.day(stopped.latest) if stopped else bench.day(as_of), bench.day(as_of))
    started = bench.day(clock.start.latest if not strict else clock.start.first_possible)
    counted = bench.counted_by(rule.unit)
    return Deadline(
        rule=rule,
        clock=number,
        unit=clock.unit,
        started=clock.start.latest if not strict else clock.start.first_possible,
        started_knowledge=clock.start.knowledge,
        due=due,
        stopped=stopped.latest if stopped else None,
        stopped_knowledge=stopped.knowledge if stopped else None,
        state=state,
        days_used=used_days(counted, started, until, pauses),
        working_days_left=(
            None if due is None else working_days_between(bench.calendar, until, bench.day(due))
        ),
        shown_by=shown_by,
        pauses=tuple(pauses),
        reasons=reasons,
        by_policy=Reason.POLICY in reasons,
        provisional=due is not None and bench.calendar.provisional(due.date()),
        paused=not stopped and clock.paused,
    )


def _strict(clock: _Clock, bench: Bench) -> bool:
    """Whether the earliest due day binds; where history is unknown no policy makes anyone late."""
    return bench.policy is Policy.STRICT and not clock.history_unknown


def _stretches(clock: _Clock, bench: Bench, *, longest: bool) -> list[Stretch]:
    found = []
    for begun, ended in clock.pauses:
        begins = bench.day(begun.first_possible if longest else begun.latest)
        if ended is None:
            ends = int(NEVER)
        else:
            ends = bench.day(ended.latest if longest else ended.first_possible)
        found.append((begins, max(begins, ends)))
    return found


def _due(
    rule: Rule, start: datetime, pauses: Sequence[Stretch], facts: Facts, bench: Bench
) -> datetime | None:
    if rule.promised:
        return facts.promised_due
    day = due_day(bench.counted_by(rule.unit), bench.day(start), rule.length, pauses)
    if day >= NEVER:
        return None
    if rule.roll and not bench.calendar.counts(date.fromordinal(day)):
        day = due_day(bench.calendar, day, 1)
    return bench.end_of(day)


def _state(
    rule: Rule,
    clock: _Clock,
    due_earliest: datetime | None,
    due_latest: datetime | None,
    shown_by: datetime | None,
    bench: Bench,
    as_of: datetime,
) -> tuple[State, tuple[Reason, ...]]:
    provider = rule.actor in (Actor.UNIT, Actor.LAPOR_ADMINISTRATOR)
    late = State.MET_LATE if provider else State.LAPSED
    if clock.stop:
        if _on_time(clock.stop.latest, due_earliest):
            return State.MET, ()
        if not _on_time(
            clock.stop.first_possible, due_latest, after=clock.stop.earliest is not None
        ):
            return late, ()
        if clock.history_unknown or clock.stop.knowledge is Knowledge.UNKNOWN:
            return State.UNKNOWN, (Reason.HISTORY_UNKNOWN,)
        if bench.policy is Policy.NO_VERDICT:
            return State.UNKNOWN, (Reason.POLICY,)
        return (late if bench.policy is Policy.STRICT else State.MET), (Reason.POLICY,)
    if clock.implied:
        if _on_time(clock.implied.latest, due_earliest):
            return State.MET, (Reason.IMPLIED,)
        return State.UNKNOWN, (Reason.IMPLIED,)
    if clock.void:
        returned = clock.void.kind == Kind.RETURNED
        return State.WAIVED, (Reason.RETURNED if returned else Reason.VOIDED,)
    due = due_earliest if _strict(clock, bench) else due_latest
    if due is not None and as_of > due:
        if not provider:
            return State.LAPSED, ()
        if shown_by is not None and as_of <= shown_by:
            return State.UNKNOWN, (Reason.SHOWN_LATER,)
        doubt = due_latest is None or as_of <= due_latest
        return State.BREACHED, ((Reason.POLICY,) if doubt else ())
    return (State.PAUSED if clock.paused else State.RUNNING), ()


def _on_time(moment: datetime, due: datetime | None, *, after: bool = False) -> bool:
    """Whether `moment` (or one just after it) is not later than `due`; without one it never is."""
    if due is None:
        return True
    return moment + timedelta(microseconds=1) <= due if after else moment <= due
