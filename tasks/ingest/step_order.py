"""Step order: the steps of a row in an order in which they are possible.

A unit that a row names without the date of its assignment is assigned between two steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from zoneinfo import ZoneInfo

from settings.mapping import EventColumn, SourceMapping
from sla.events import ENDING, FOLLOWS, Kind
from tasks.common.dates import same_day
from tasks.ingest.cell_checks import meets_conditions
from tasks.ingest.records import Step

AskAgain = Callable[[Step, str, datetime | None], Step | None]
"""Asks about a step with an impossible date: about the step, the kind of event in doubt, and the
moment after which the step is possible. Returns the step as the answer says, if any.
"""

_by_moment = attrgetter("moment")

MINUTE = timedelta(minutes=1)
"""Registers state times to the minute."""

TURNS = (
    frozenset({Kind.ASSIGNED, Kind.RETURNED}),
    frozenset({*ENDING, Kind.REOPENED}),
    frozenset({Kind.PAUSED, Kind.RESUMED}),
    frozenset({Kind.MATERIAL_REQUESTED, Kind.MATERIAL_COMPLETED}),
)
"""Kinds of event that can come several times in turn. On one day the order of the columns tells
which came first.
"""

UNDOING = frozenset({Kind.RETURNED, Kind.REOPENED, Kind.RESUMED, Kind.MATERIAL_COMPLETED})
"""The kinds of event among them that undo the one before."""

_HANDOVERS = (Kind.ASSIGNED, Kind.RETURNED)

UNDONE_BY = {str(kind): str(Kind.REOPENED) for kind in ENDING} | {
    str(Kind.ASSIGNED): str(Kind.RETURNED)
}
"""The kinds of event that another kind undoes. It comes before the second one of them."""

TREATMENT = (
    Kind.VERIFIED,
    Kind.ASSIGNED,
    Kind.RESPONDED,
    Kind.MATERIAL_REQUESTED,
    Kind.MATERIAL_COMPLETED,
    Kind.FILE_COMPLETE,
    Kind.DECIDED,
    Kind.DELIVERED,
    Kind.FOLLOW_UP_PUBLISHED,
)
"""The kinds of event up to the end of a complaint, in the order of the procedure. A reporter may
also answer after the end.
"""

_RANKS = {str(kind): rank for rank, kind in enumerate(TREATMENT)}
_RANKS |= dict.fromkeys(map(str, ENDING), len(TREATMENT))


def _precedes(first: Step, second: Step, before: Sequence[Step]) -> bool:
    """Check whether of two steps on one day the first comes before the second, by procedure.

    `before` are the steps in columns before that of the second, in the order of the columns. What
    undoes a step counts only if there is a column with such a step before it.
    """
    turn = next((kinds for kinds in TURNS if {first.kind, second.kind} <= kinds), None)
    if turn is not None:
        if first not in before:
            return False
        earlier = before[: before.index(first)]
        return first.kind not in UNDOING or any(step.kind in turn for step in earlier)
    if first.kind in ENDING:
        return False
    last = len(TREATMENT) + 1
    return _RANKS.get(first.kind, last) < _RANKS.get(second.kind, -1)


def moment_in_day(
    step: Step, others: Iterable[Step], before: Sequence[Step], zone: ZoneInfo
) -> datetime:
    """Return the time of a step of which only the day is stated: a second after the steps of its
    day that come before it by procedure.

    `others` are the other steps of the row, and `before` those in columns before it, in the order
    of the columns. Without such a step the time stays.
    """
    earlier = [
        other.moment
        for other in others
        if other.moment > step.moment
        and same_day(other.moment, step.moment, zone)
        and _precedes(other, step, before)
    ]
    return max(earlier) + timedelta(seconds=1) if earlier else step.moment


def _is_possible_after(step: Step, undoing: Step) -> bool:
    """Check whether a second step has a possible time after the one that undid the first.

    A return may be of the second assignment: by the same unit, or by any unit.
    """
    if undoing.kind == Kind.RETURNED and undoing.unit in (None, step.unit):
        return True
    return step.moment > undoing.moment


class StepOrder:
    """The order of the steps that the mapping of a source has."""

    def __init__(self, source: SourceMapping) -> None:
        kinds = [event.kind for event in source.events]
        self._zone = ZoneInfo(source.zone)
        self._has_followers = any(kind in FOLLOWS for kind in kinds)
        self._has_reopenings = Kind.REOPENED in kinds
        self._has_turns = any(kinds.count(kind) > 1 for kind in UNDONE_BY)
        self._end_kind = next((kind for kind in kinds if kind in ENDING), "")
        """The kind of the first end that the mapping has, or nothing without one."""

    def arranged(
        self, steps: list[Step], ask: AskAgain, is_asked: Callable[[Sequence[str]], bool]
    ) -> list[Step]:
        """Return the steps with possible dates, in order of time.

        `is_asked` checks whether the date of an event of these kinds is an open question of the row
        already.
        """
        if any(step.only_day for step in steps):
            steps = self._days_in_order(steps)
        if self._has_followers and any(step.kind in FOLLOWS for step in steps):
            steps = self._after_what_they_follow(steps, ask)
        if self._has_reopenings and any(step.kind == Kind.REOPENED for step in steps):
            steps = self._reopened_after_end(steps, ask, end_asked=is_asked(tuple(ENDING)))
        if self._has_turns:
            steps = self._in_turn(steps, ask)
        if len(steps) > 1:
            steps.sort(key=_by_moment)
        return steps

    def _days_in_order(self, steps: list[Step]) -> list[Step]:
        """Put each step of which only the day is stated after the steps of its day before it.

        It has the time 00:00, or that of the receipt. So it would come before a step of the same
        day with a time of day, although the procedure is the other way round.
        """
        found: list[Step] = []
        for place, step in enumerate(steps):
            moment = step.moment
            if step.only_day:
                others = (*found, *steps[place + 1 :])
                moment = moment_in_day(step, others, found, self._zone)
            found.append(step if moment == step.moment else replace(step, moment=moment))
        return found

    def _after_what_they_follow(self, steps: list[Step], ask: AskAgain) -> list[Step]:
        """Put each step after the step that it presupposes, for example a return after the
        assignment.

        On the same day the order of the procedure counts, because the law counts days. A step on an
        earlier day is impossible: its date becomes an open question.
        """
        first: dict[str, datetime] = {}
        for step in steps:
            first[step.kind] = min(step.moment, first.get(step.kind, step.moment))
        found: list[Step | None] = []
        for step in steps:
            begin = first.get(FOLLOWS.get(step.kind, ""))
            if begin is None or step.moment >= begin:
                found.append(step)
            elif self._same_day(step.moment, begin):
                found.append(replace(step, moment=begin + timedelta(seconds=1)))
            else:
                found.append(ask(step, step.kind, begin))
        return [step for step in found if step is not None]

    def _reopened_after_end(
        self, steps: list[Step], ask: AskAgain, *, end_asked: bool
    ) -> list[Step]:
        """Put the ends and reopenings of a complaint in a possible order.

        Of several in the same minute, each counts a second after the one before, in the order of
        the columns in the mapping. A reopening before the first end, or without an end in a source
        that shows ends, is impossible: it becomes an open question.
        """
        places = [n for n, step in enumerate(steps) if step.kind in (*ENDING, Kind.REOPENED)]
        taken: set[datetime] = set()
        for n in places:
            moment = steps[n].moment
            while moment in taken:
                moment += timedelta(seconds=1)
            taken.add(moment)
            steps[n] = replace(steps[n], moment=moment)
        first = min((step.moment for step in steps if step.kind in ENDING), default=None)
        if first is None and (not self._end_kind or end_asked):
            return steps
        return [found for step in steps if (found := self._after_end(step, first, ask)) is not None]

    def _in_turn(self, steps: list[Step], ask: AskAgain) -> list[Step]:
        """Put each second end after the reopening before it, and each second assignment after the
        return.

        On the same day the order of the columns counts, because the law counts days. On an earlier
        day it is impossible: its date becomes an open question. A second end with the time of the
        first is the same one.
        """
        found: list[Step | None] = []
        begun: dict[str, list[datetime]] = {}
        undone: dict[str, Step] = {}
        for step in steps:
            times = begun.setdefault(step.kind, [])
            before = undone.get(UNDONE_BY.get(step.kind, "")) if times else None
            is_copy = step.kind in ENDING and any(abs(step.moment - t) < MINUTE for t in times)
            if before is None or is_copy or _is_possible_after(step, before):
                found.append(step)
            elif self._same_day(step.moment, before.moment):
                found.append(replace(step, moment=before.moment + timedelta(seconds=1)))
            else:
                found.append(ask(step, step.kind, before.moment))
            times.append(step.moment)
            undone[step.kind] = step
        return [step for step in found if step is not None]

    def _same_day(self, one: datetime, other: datetime) -> bool:
        return same_day(one, other, self._zone)

    def _after_end(self, step: Step, first: datetime | None, ask: AskAgain) -> Step | None:
        """Return the step; for a reopening before the first end, the answer about it.

        A reopening proves that the complaint had ended. Without any end it is the date of the end
        that is missing, so the question is about the end.
        """
        if step.kind != Kind.REOPENED or (first is not None and step.moment >= first):
            return step
        kind = step.kind if first is not None else self._end_kind
        return ask(step, kind, first)


@dataclass(frozen=True, slots=True)
class UndatedAssignment:
    """An assignment without a date: it happened at `begin` or later, and not after `until`.

    Without `until` it happened before the import.
    """

    event: EventColumn
    begin: datetime
    until: datetime | None


class UndatedAssignments:
    """The columns of a mapping that can name a unit without the date of its assignment."""

    def __init__(self, source: SourceMapping) -> None:
        events = source.events if source.layout == "history" else ()
        self._places = {event.column: place for place, event in enumerate(source.events)}
        self.columns = [
            event for event in events if event.kind == Kind.ASSIGNED and event.unit is not None
        ]
        """The columns with the dates of assignments to a unit that the row names."""
        self._dayless = {event.column for event in self.columns if source.has_no_day(event)}
        self._places |= dict.fromkeys(self._dayless, -1)
        self._pairs = [
            (event.column, event.unit or "", event.column in self._dayless)
            for event in self.columns
        ]

    def of_row(
        self, cells: Mapping[str, str], steps: Sequence[Step], received: datetime
    ) -> Iterator[UndatedAssignment]:
        """Yield the undated assignments of a row with these dated steps.

        A unit whose column also belongs to an assignment with a date is none of them.
        """
        for column, unit, has_no_day in self._pairs:
            if cells[unit] and (has_no_day or not cells[column]):
                break
        else:
            return  # most rows
        named = {
            event.unit
            for event in self.columns
            if cells[event.column] and event.column not in self._dayless
        }
        for event in self.columns:
            if event.first or event.unit in named or not cells[event.unit or ""]:
                continue
            if not meets_conditions(event, cells):
                continue
            named.add(event.unit)
            begin, until = self.bounds(event, steps, received)
            if until is None or begin < until or event.column in self._dayless:
                yield UndatedAssignment(event, begin, until)

    def bounds(
        self, event: EventColumn, steps: Sequence[Step], received: datetime
    ) -> tuple[datetime, datetime | None]:
        """Return the first and the last possible moment of an assignment by the other steps of its
        row.

        The assignment is after the handovers in columns before it, and before the end of the
        complaint. The first one is also before the follow-up and the return.
        """
        place = self._places[event.column]
        earlier, later = [], []
        for step in steps:
            is_before = self._places.get(step.column, place) < place
            if step.kind in _HANDOVERS and is_before:
                earlier.append(step.moment)
            elif step.kind in ENDING or FOLLOWS.get(step.kind) == Kind.ASSIGNED:
                later.append((step.kind, step.moment))
        if earlier:
            later = [each for each in later if each[0] != Kind.FOLLOW_UP_PUBLISHED]
        first = min((moment for _, moment in later), default=None)
        begin = max(earlier, default=received)
        if first is None:
            return begin, None
        until = first - timedelta(seconds=1)
        if event.column in self._dayless:
            until = max(begin, until)  # all steps may be on the day of the receipt
        return begin, until
