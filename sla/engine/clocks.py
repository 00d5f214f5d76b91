"""The clocks of one rule on one complaint: their start, their pauses and their end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from sla.due_days import NEVER, Stretch
from sla.engine.context import UNDETERMINED, ComplaintFacts, EvaluationContext
from sla.engine.holders import Holder
from sla.events import ANY_KIND, ASSIGNEE, ENDING, PROMISED_DUE, QUESTION, Event, Kind, Knowledge
from sla.regulations.model import Actor, LengthUnit, Rule

ASSIGNED, RETURNED, REOPENED = Kind.ASSIGNED, Kind.RETURNED, Kind.REOPENED

CLASS = "classification"
"""The fact in `applies_when` that an open question can leave undetermined."""

OF_UNIT = ("unit", "unit_kind")
"""The facts in `applies_when` that depend on the events of the complaint."""


@dataclass(slots=True)
class Clock:
    """One clock: the event that started it, its pauses, its holders over time, and its end.

    `holders` are the units that were responsible, in order. At most one of three events is set:
    `stop` (the duty was done), `implied` (a later step proves that the duty was done
    by then) and `void` (there is no longer a duty, for example after a withdrawal). `version_open`
    is true if the interval of a start includes days of another version of the rule: then another
    length may apply, or no clock may have started.
    """

    start: Event
    holders: list[Holder]
    pauses: list[tuple[Event, Event | None]] = field(default_factory=list)
    stop: Event | None = None
    implied: Event | None = None
    void: Event | None = None
    version_open: bool = False

    @property
    def end(self) -> Event | None:
        """Return the event that ended the clock, or None."""
        return self.stop or self.implied or self.void

    @property
    def unit(self) -> str | None:
        """Return the unit responsible now, or at the end of the clock."""
        return self.holders[-1].unit

    @property
    def paused(self) -> bool:
        """Check whether the count is paused now."""
        return self.end is None and any(ended is None for _, ended in self.pauses)

    @property
    def history_unknown(self) -> bool:
        """Check whether the start or a pause depends on an event from before the first import."""
        moments = [self.start, *(event for pair in self.pauses for event in pair if event)]
        return any(event.knowledge is Knowledge.UNKNOWN for event in moments)

    def resume(self, begins: str, event: Event) -> None:
        """Mark all open pauses that began with the kind `begins` as ended by `event`."""
        for place in range(len(self.pauses) - 1, -1, -1):
            begun, ended = self.pauses[place]
            if ended is not None and ended.kind == event.kind:
                return  # this end has already resumed the earlier pauses
            if ended is None and begun.kind == begins:
                self.pauses[place] = begun, event

    @property
    def observed(self) -> bool:
        """Check whether the start or a pause is known only as an interval."""
        moments = [self.start, *(event for pair in self.pauses for event in pair if event)]
        return any(event.earliest is not None for event in moments)

    def stretches(self, context: EvaluationContext, *, longest: bool) -> list[Stretch]:
        """Return the paused intervals of days, as long or as short as the observed times allow.

        Each interval is half-open, (begin, end] in day ordinals. The end of an open pause is
        `NEVER`.
        """
        found = []
        for begun, ended in self.pauses:
            begins = context.day(begun.first_possible if longest else begun.latest)
            if ended is None:
                ends = int(NEVER)
            else:
                ends = context.day(ended.latest if longest else ended.first_possible)
            found.append((begins, max(begins, ends)))
        return found


def clocks(
    rule_id: str, facts: ComplaintFacts, known: Sequence[Event], context: EvaluationContext
) -> list[tuple[Rule, Clock]]:
    """Return the clocks of a rule over the events, each with the version of the rule that applies.

    `known` are the events as of the evaluation, in order. The event that a rule itself brings about
    by lapse is not an event for that rule. After the complaint has ended in a way that would end
    the clock of the rule, no further clock starts until the complaint is reopened.
    """
    found: list[tuple[Rule, Clock]] = []
    starting, pauses = context.law.starting(rule_id), context.law.pauses(rule_id)
    if not any(event.kind in starting for event in known):
        return found
    running: tuple[Rule, Clock] | None = None
    holder: str | None = None
    ended: Event | None = None
    open_pauses: dict[str, Event] = {}  # a pause may begin before the clock does
    version_open = False
    for place, event in enumerate(known):
        if event.source == rule_id:
            continue
        kind = event.kind
        if kind == ASSIGNED:
            holder = event.unit
        elif kind == RETURNED:
            holder = None
        elif kind == REOPENED:
            ended = None
            open_pauses.clear()  # a pause before the end does not continue after the reopening
        if running is not None:
            _advance(*running, event, context)
            running = running if running[1].end is None else None
        elif kind in starting:
            rule = context.law.on(rule_id, date.fromordinal(context.day(event.latest)))
            version_open = version_open or _changes_version(rule_id, event, rule, context)
            if rule is not None and _starts(rule, event, ended, again=bool(found)):
                unit = event.unit or holder
                if _applies(rule, facts, unit or _first_unit(known[place:]), context):
                    responsible = _responsible(rule, unit, context)
                    holder_at_start = Holder(event.first_possible, event.latest, responsible)
                    clock = Clock(event, [holder_at_start])
                    clock.version_open = version_open
                    clock.pauses += _already_open(rule, open_pauses)
                    running = rule, clock
                    found.append(running)
        if kind in ENDING:
            ended = event
        if pauses:
            _note_pauses(pauses, event, open_pauses)
    return found


_CHANGES_OF_UNIT = frozenset({ASSIGNEE, Kind.ASSIGNED, Kind.RETURNED})
"""The kinds of doubts that leave the unit in charge unknown."""


def doubt_about(rule: Rule, doubts: Sequence[Event], context: EvaluationContext) -> Event | None:
    """Return the doubt about a clock of a rule, or None; it reaches back as far as any of them.

    A doubt about the unit in charge concerns each rule that depends on the unit. It counts only if
    there is no other. A doubt about an assignment or a return is one too, for a rule that does not
    use these events. So is a doubt about an event that counts until an answer: the clock runs on
    until it would be late.
    """
    if not doubts:
        return None
    pauses = {kind for pair in rule.pauses for kind in pair}
    kinds = {ANY_KIND, *pauses} | rule.starts_on | rule.restarts_on | rule.stops_on
    kinds |= rule.implied_by | rule.voids
    of_unit = not kinds.isdisjoint(_CHANGES_OF_UNIT) or _depends_on_unit(rule, context)
    concerning = [
        doubt if doubt.kind in kinds and not _runs_on(doubt) else replace(doubt, kind=ASSIGNEE)
        for doubt in doubts
        if doubt.kind in kinds or (of_unit and doubt.kind in _CHANGES_OF_UNIT)
    ]
    if not concerning:
        return None
    first = min(
        concerning,
        key=lambda doubt: (doubt.kind == ASSIGNEE, doubt.first_possible, doubt.source_field),
    )
    return replace(first, earliest=min(doubt.first_possible for doubt in concerning))


def _depends_on_unit(rule: Rule, context: EvaluationContext) -> bool:
    """Check whether a verdict by a rule may be another one at another unit.

    The duty may be the unit's own, the rule may ask about the unit, or the unit may have a working
    week of its own by which the due day is counted.
    """
    if rule.actor is Actor.UNIT or not rule.applies_when.keys().isdisjoint(OF_UNIT):
        return True
    by_week = rule.roll or rule.unit is LengthUnit.WORKING_DAY
    own_week = by_week and bool(context.unit_calendars)
    return own_week and rule.actor is not Actor.LAPOR_ADMINISTRATOR


def _runs_on(doubt: Event) -> bool:
    """Check whether a doubt is about an event that counts until an answer."""
    return doubt.source_field.startswith(QUESTION) and doubt.kind != ANY_KIND


def unit_unknown_since(doubts: Iterable[Event]) -> datetime | None:
    """Return the moment from which on these doubts leave the unit in charge unknown, or None."""
    since = (doubt.first_possible for doubt in doubts if doubt.kind in _CHANGES_OF_UNIT)
    return min(since, default=None)


def undetermined(
    rule_id: str,
    facts: ComplaintFacts,
    known: Sequence[Event],
    doubts: Sequence[Event],
    context: EvaluationContext,
) -> Rule | None:
    """Return the rule if an unreadable field leaves it open whether it applies, else None.

    The field is the classification, or the due time promised by the source.
    """
    no_class = facts.classification == UNDETERMINED
    no_promise = any(doubt.kind == PROMISED_DUE for doubt in doubts)
    if not (no_class or no_promise):
        return None
    holder: str | None = None
    for place, event in enumerate(known):
        if event.kind in (Kind.ASSIGNED, Kind.RETURNED):
            holder = event.unit if event.kind == Kind.ASSIGNED else None
        rule = context.law.on(rule_id, date.fromordinal(context.day(event.latest)))
        if rule is None or event.kind not in rule.starts_on:
            continue
        asks = no_class and CLASS in rule.applies_when
        if not asks and not (no_promise and rule.promised):
            continue
        facing = event.unit or holder or _first_unit(known[place:])
        asked = facts.asked(facing, context.unit_kinds.get(facing or ""))
        shown = facts.sees is None or bool(rule.stops_on & facts.sees)
        if shown and rule.applies_to(asked, without=CLASS if asks else ""):
            return rule
    return None


def _changes_version(
    rule_id: str, event: Event, rule: Rule | None, context: EvaluationContext
) -> bool:
    """Check whether a start in the interval of the event could fall under another version."""
    if event.earliest is None:
        return False
    first, last = (
        date.fromordinal(context.day(moment)) for moment in (event.earliest, event.latest)
    )
    spans = context.law.spans(rule_id)
    if rule is None:
        return any(span.first <= last and span.last >= first for span in spans)
    return not any(
        span.rule is rule and span.first <= first and span.last >= last for span in spans
    )


def _starts(rule: Rule, event: Event, ended: Event | None, *, again: bool) -> bool:
    if ended is not None and ended.kind in rule.ends_on:
        return False
    if event.kind in rule.starts_on:
        return not again or event.kind != Kind.RECEIVED
    return again and event.kind in rule.restarts_on


def _first_unit(known: Sequence[Event]) -> str | None:
    """Return the unit of the next assignment, for rules that ask before the unit is known."""
    return next((event.unit for event in known if event.kind == Kind.ASSIGNED), None)


def may_apply(rule_id: str, facts: ComplaintFacts, context: EvaluationContext) -> bool:
    """Check whether any version of a rule can apply to a complaint with these facts, at any
    unit.
    """
    asked = facts.asked(None, None)
    return any(
        _evaluable(rule, facts)
        and all(
            (asked[fact] or "") in wanted
            for fact, wanted in rule.applies_when.items()
            if fact not in OF_UNIT
        )
        for rule in context.law.versions(rule_id)
    )


def _applies(
    rule: Rule, facts: ComplaintFacts, unit: str | None, context: EvaluationContext
) -> bool:
    """Check whether a rule applies to a complaint that this unit faces."""
    asked = facts.asked(unit, context.unit_kinds.get(unit or ""))
    return _evaluable(rule, facts) and rule.applies_to(asked)


def _evaluable(rule: Rule, facts: ComplaintFacts) -> bool:
    if rule.promised and facts.promised_due is None:
        return False
    if facts.sees is None:
        return True
    return bool(rule.stops_on & facts.sees) and bool(rule.starts_on & facts.sees)


def _responsible(rule: Rule, unit: str | None, context: EvaluationContext) -> str | None:
    if rule.actor is Actor.LAPOR_ADMINISTRATOR or unit is None:
        return context.administrator_unit  # not assigned yet: the administrator is responsible
    return unit


def _already_open(
    rule: Rule, open_pauses: dict[str, Event]
) -> Sequence[tuple[Event, Event | None]]:
    if not open_pauses:
        return ()
    kinds = dict.fromkeys(begins for begins, _ in rule.pauses)
    return [(open_pauses[begins], None) for begins in kinds if begins in open_pauses]


def _note_pauses(
    pauses: Iterable[tuple[str, str]], event: Event, open_pauses: dict[str, Event]
) -> None:
    for begins, ends in pauses:
        if event.kind == begins:
            open_pauses.setdefault(begins, event)
        elif event.kind == ends:
            open_pauses.pop(begins, None)


def _advance(rule: Rule, clock: Clock, event: Event, context: EvaluationContext) -> None:
    if event.kind in rule.stops_on:
        clock.stop = event
    elif event.kind in rule.implied_by:
        clock.implied = event
    elif event.kind in rule.voids:
        clock.void = event
    elif event.kind in (Kind.ASSIGNED, Kind.RETURNED):
        if rule.actor in (Actor.UNIT, Actor.SUPERIOR):
            unit = event.unit if event.kind == Kind.ASSIGNED else context.administrator_unit
            clock.holders.append(Holder(event.first_possible, event.latest, unit or clock.unit))
    elif rule.pauses:
        if any(event.kind == begins for begins, _ in rule.pauses):
            clock.pauses.append((event, None))
        for begins, ends in rule.pauses:
            if event.kind == ends:
                clock.resume(begins, event)
