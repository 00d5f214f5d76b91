"""The evaluation of complaints: their deadlines, and the state of each deadline at a moment.

:func:`evaluate_all` is the central function of Tenggat. It selects the events known at `as_of`,
adds the events caused by the law itself through lapse of time, and evaluates each clock of each
applicable rule. One complaint and many are evaluated by the same code.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from sla.calendar import OutsideCalendar
from sla.engine.certainty import agreed, possible_lapses, weakened, weakened_by_lapses
from sla.engine.clocks import clocks, doubt_about, may_apply, undetermined, unit_unknown_since
from sla.engine.context import UNDETERMINED, ComplaintFacts, EvaluationContext, Policy
from sla.engine.deadline import Deadline, State
from sla.engine.event_orders import possible_orders
from sla.engine.verdicts import ClockInput, verdicts
from sla.events import Event, ImpossibleHistory, Knowledge, history_as_of
from sla.regulations.model import Law, Rule
from sla.value_class import value_class


@value_class(frozen=True, slots=True)
class CaseHistory:
    """The case history of a complaint: its facts and all its recorded events."""

    facts: ComplaintFacts
    events: Sequence[Event]


@value_class(frozen=True, slots=True)
class Evaluation:
    """The evaluation of a complaint at `as_of`: the events that count, and its deadlines.

    `known` has the events of the source and the lapses that follow from them, in order. `doubts`
    are the doubts about events. A lapse
    (deemed withdrawn, closed as done) is an event at the end of its deadline; its source is the id
    of the rule. `deadlines` are in the order of the law. `undetermined` are the rules of which it
    is not known whether they apply, because a field of the complaint is unreadable. `error` is set,
    and nothing is evaluated, if a count leaves the calendar of the site
    (`sla.calendar.OutsideCalendar`) or the events contradict each other
    (`sla.events.ImpossibleHistory`). `moments` are those at which time alone may change a deadline:
    when the evaluation or the last import of the source passes one of them; None if any time may
    change it.
    """

    known: list[Event] = field(default_factory=list)
    deadlines: list[Deadline] = field(default_factory=list)
    error: OutsideCalendar | ImpossibleHistory | None = None
    undetermined: list[Rule] = field(default_factory=list)
    doubts: Sequence[Event] = ()
    moments: frozenset[datetime] | None = None


def evaluate(
    facts: ComplaintFacts, events: Sequence[Event], context: EvaluationContext, as_of: datetime
) -> list[Deadline]:
    """Evaluate one complaint at `as_of` and return its deadlines in the order of the law.

    Raises `sla.calendar.OutsideCalendar` if a count leaves the calendar of the site,
    `sla.events.ImpossibleHistory` if the events contradict each other, and ValueError for an
    `as_of` without a time zone.
    """
    return _only(facts, events, context, as_of).deadlines


def history(
    facts: ComplaintFacts, events: Sequence[Event], context: EvaluationContext, as_of: datetime
) -> list[Event]:
    """Return the events of a complaint that count at `as_of`, in order: see :class:`Evaluation`."""
    return _only(facts, events, context, as_of).known


def _only(
    facts: ComplaintFacts, events: Sequence[Event], context: EvaluationContext, as_of: datetime
) -> Evaluation:
    (evaluation,) = evaluate_all([CaseHistory(facts, events)], context, as_of)
    if evaluation.error is not None:
        raise evaluation.error
    return evaluation


def evaluate_all(
    cases: Sequence[CaseHistory], context: EvaluationContext, as_of: datetime
) -> list[Evaluation]:
    """Evaluate every complaint at `as_of` and return the evaluations in the same order.

    Only events that happened and were recorded by `as_of` count, so that a past evaluation can be
    repeated. A missed deadline of the complainant or of the system lapses: it has a state of its
    own and does not count as late for anyone. Lapses are derived from the other events only. Lapses
    among the events of a complaint are records of an earlier evaluation; they are derived again, so
    that a correction removes them. Raises ValueError for an `as_of` without a time zone.
    """
    if as_of.tzinfo is None:
        raise ValueError("`as_of` has no zone")
    lapsing = context.law.lapsing
    try:
        split = [
            history_as_of((event for event in case.events if event.source not in lapsing), as_of)
            for case in cases
        ]
        known = [events for events, _ in split]
        batch = _BatchEvaluation(cases, known, [doubts for _, doubts in split], context, as_of)
        deadlines = batch.let_lapse()
    except (OutsideCalendar, ImpossibleHistory) as error:  # one complaint must not stop the others
        if len(cases) == 1:
            return [Evaluation(error=error)]
        middle = len(cases) // 2
        return [
            *evaluate_all(cases[:middle], context, as_of),
            *evaluate_all(cases[middle:], context, as_of),
        ]
    return [
        Evaluation(
            events,
            found,
            undetermined=batch.undetermined(place),
            doubts=doubts,
            moments=batch.moments_of(place),
        )
        for place, (events, found, (_, doubts)) in enumerate(
            zip(known, deadlines, split, strict=True)
        )
    ]


def _lapse(deadline: Deadline) -> Event | None:
    """Return the event that the lapse of a deadline causes, or None if it has not lapsed.

    It is an interval if the due moment is one.
    """
    kind, due, first = deadline.rule.lapse, deadline.due, deadline.due_earliest
    if deadline.state is not State.LAPSED or kind is None or due is None:
        return None
    event = Event(kind, due, due, deadline.rule.id)
    if first is None or first == due:
        return event
    earliest = first - timedelta(microseconds=1)
    return replace(event, earliest=earliest, knowledge=Knowledge.OBSERVED)


Applicable = list[tuple[str, frozenset[str]]]
"""Rules that can apply to a complaint, each with the kinds of event that start its clocks."""

_APPLICABLE: WeakKeyDictionary[Law, dict[Hashable, Applicable]] = WeakKeyDictionary()
"""The rules that can apply, by law and by what :func:`_asked_by_rules` returns."""


def _asked_by_rules(facts: ComplaintFacts, law: Law) -> Hashable:
    """Return what rules ask about a complaint, except its unit."""
    asked = facts.asked(None, None)
    return tuple(asked[name] for name in law.asked), facts.promised_due is None, facts.sees


class _BatchEvaluation:
    """One evaluation of many complaints: their events in every possible order, and the lapses.

    `known` has the events of each complaint, sorted by their latest times. The lapses are inserted
    into it. `doubts` has the doubts about each complaint.
    """

    def __init__(
        self,
        cases: Sequence[CaseHistory],
        known: list[list[Event]],
        doubts: Sequence[Sequence[Event]],
        context: EvaluationContext,
        as_of: datetime,
    ) -> None:
        self._cases = cases
        self._known = known
        self._doubts = doubts
        self._context = context
        self._as_of = as_of
        self._orders = [possible_orders(events) for events in known]
        self._may_lapse: dict[int, dict[str, datetime]] = {}
        """The first moment of each possible lapse that is not certain, by complaint and rule."""
        self._moments: list[set[datetime]] = [set() for _ in cases]
        """The moments at which time alone may change a deadline, by complaint."""

    def moments_of(self, place: int) -> frozenset[datetime] | None:
        """Return the moments at which time alone may change a deadline of a complaint.

        The policy `strict` decides by a moment that the deadline does not show. An interval cut at
        the time of the evaluation is another one later.
        """
        events, as_of = self._cases[place].events, self._as_of
        cut = any(e.earliest is not None and e.recorded_at <= as_of < e.latest for e in events)
        if cut or self._context.policy is Policy.STRICT:
            return None
        return frozenset(self._moments[place])

    def undetermined(self, place: int) -> list[Rule]:
        """Return the rules of which it is not known whether they apply to the complaint."""
        facts, doubts = self._cases[place].facts, self._doubts[place]
        if facts.classification != UNDETERMINED and not doubts:
            return []
        known, context = self._known[place], self._context
        found = (
            undetermined(rule_id, facts, known, doubts, context) for rule_id in context.law.ids
        )
        return [rule for rule in found if rule is not None]

    def let_lapse(self) -> list[list[Deadline]]:
        """Return the deadlines of all complaints, with the lapses inserted into the known events.

        For each complaint the first lapse is inserted, then the deadlines are evaluated again: the
        first lapse may prevent the others. Most complaints have none.
        """
        result: list[list[Deadline]] = [[] for _ in self._cases]
        unsettled = list(range(len(self._cases)))
        happened: dict[int, set[tuple[str, datetime]]] = {}
        while unsettled:
            found = self._deadlines(unsettled)
            again = []
            for place, deadlines in zip(unsettled, found, strict=True):
                result[place] = deadlines
                before = happened.setdefault(place, set())
                lapses = [
                    event
                    for event in map(_lapse, deadlines)
                    if event is not None and (event.source, event.latest) not in before
                ]
                if lapses:
                    first = min(lapses, key=lambda event: event.latest)
                    before.add((first.source, first.latest))
                    events = self._known[place]
                    at = bisect_right([event.latest for event in events], first.latest)
                    events.insert(at, first)
                    self._orders[place] = possible_orders(events)
                    again.append(place)
            unsettled = again
        return result

    def _deadlines(self, places: Sequence[int]) -> list[list[Deadline]]:
        """Evaluate the complaints at these indices, all clocks at once."""
        law = self._context.law
        owners: list[tuple[int, int]] = []
        inputs: list[ClockInput] = []
        applicable = _APPLICABLE.setdefault(law, {})
        for place in places:
            facts = self._cases[place].facts
            key = _asked_by_rules(facts, law)
            if key not in applicable:
                applicable[key] = self._applicable(facts)
            for number, events in enumerate(self._orders[place].orders):
                found = list(self._clocks(applicable[key], place, events))
                owners += [(place, number)] * len(found)
                inputs += found
        by_order: dict[tuple[int, int], list[Deadline]] = {}
        evaluated = verdicts(inputs, self._context, self._as_of)
        for owner, entry, deadline in zip(owners, inputs, evaluated, strict=True):
            found_deadline = self._of_version(entry, deadline)
            by_order.setdefault(owner, []).append(found_deadline)
            if deadline.stopped is None:
                each = (deadline.due, deadline.due_earliest, deadline.shown_by)
                self._moments[owner[0]].update(filter(None, (*each, found_deadline.due_earliest)))
        return [self._agreed(place, by_order) for place in places]

    def _applicable(self, facts: ComplaintFacts) -> Applicable:
        """Return the rules that can apply to a complaint with these facts. Most complaints have the
        same ones.
        """
        law = self._context.law
        return [
            (rule_id, law.starting(rule_id))
            for rule_id in law.ids
            if may_apply(rule_id, facts, self._context)
        ]

    def _of_version(self, entry: ClockInput, deadline: Deadline) -> Deadline:
        """Return the deadline; weakened if another version of the rule may apply."""
        if not entry.clock.version_open:
            return deadline
        first = entry.clock.start.first_possible
        return replace(weakened(deadline, self._context.policy), due_earliest=first)

    def _clocks(
        self,
        applicable: Applicable,
        place: int,
        events: Sequence[Event],
    ) -> Iterator[ClockInput]:
        facts, doubts = self._cases[place].facts, self._doubts[place]
        kinds = {event.kind for event in events}
        unknown_since = unit_unknown_since(doubts)
        for rule_id, starts in applicable:
            if starts.isdisjoint(kinds):
                continue
            found = clocks(rule_id, facts, events, self._context)
            for number, (rule, clock) in enumerate(found, start=1):
                doubt = doubt_about(rule, doubts, self._context)
                yield ClockInput(rule, number, clock, facts, doubt, unknown_since)

    def _agreed(
        self, place: int, by_order: Mapping[tuple[int, int], list[Deadline]]
    ) -> list[Deadline]:
        """Return the deadlines of one complaint that hold in all its orders.

        A lapse that is possible, but not certain, makes other verdicts uncertain, among them other
        lapses. So this is repeated until no further lapse becomes uncertain.
        """
        possible = self._orders[place]
        found = [by_order.get((place, number), []) for number in range(len(possible.orders))]
        policy, law = self._context.policy, self._context.law
        if all(event.earliest is None for event in self._known[place]):
            return found[0]
        lapses = {rule.lapse for rule in law.rules if rule.lapse is not None}
        known_until = self._cases[place].facts.known_until or self._as_of
        until = min(known_until, self._as_of)
        while True:
            since = self._may_lapse.get(place, {})
            certain = [weakened_by_lapses(since, lapses, order, policy) for order in found]
            deadlines = agreed(certain, policy, complete=possible.complete)
            more = dict(since)
            for rule, moment in possible_lapses(found, deadlines, until).items():
                more[rule] = min(moment, since.get(rule, moment))
            if more == since:
                return deadlines
            self._may_lapse[place] = more
