"""Line: a case as one line of whole numbers, which is all that a report asks of it.

Lines are small, so that they can be kept beside each complaint and a million of them be read at
once; :mod:`sla.figures.gathering` lays them out as columns. Days are ordinals as in
:mod:`sla.calendar`; 0 stands for no day. Words (units, rules, categories) are numbers, given by
whoever keeps the list of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from sla.deadline import Bench, Deadline, State
from sla.events import Event, Kind, Knowledge
from sla.figures.case import FOLLOWED_UP, SETTLING, Case

STATES = tuple(State)
EVENTS = ("settlements", "reopenings", "returns")

HEAD = (
    "received", "followed", "follow_up", "settled", "settlement", "open", "observed", "unknown",
    "unit", "classification", "category", "channel", "deadlines", "events",
)  # fmt: skip
"""What a line begins with; the last two say how many deadlines and events follow."""

DEADLINE = (
    "d_rule", "d_clock", "d_answerable", "d_unit", "d_day", "d_due", "d_state", "d_open",
    "d_by_policy", "d_provisional",
)  # fmt: skip
EVENT = ("e_kind", "e_day", "e_unit")

NUMBER = np.dtype("<i4")
"""How a number of a line is kept."""

FOR_EVER = 2**31 - 1
"""The last day of a case that is still open."""

NumberOf = Callable[[str | None], int]


class Words:
    """Words by their numbers. The empty word, which stands for none, is number 0."""

    def __init__(self, known: Mapping[str, int] | None = None) -> None:
        self._numbers = {"": 0} | dict(known or {})
        self._next = max(self._numbers.values()) + 1

    def number(self, word: str | None) -> int:
        """The number of a word, a new one if it is new; no word is the empty one."""
        word = word or ""
        found = self._numbers.get(word)
        if found is None:
            found = self._numbers[word] = self._next
            self._next += 1
        return found

    def by_number(self) -> dict[int, str]:
        """Each word by its number."""
        return {number: word for word, number in self._numbers.items()}


@dataclass(frozen=True, slots=True)
class Line:
    """A case as numbers. `last_day` is the last day that a report may ask for it about."""

    numbers: tuple[int, ...]
    last_day: int

    def packed(self) -> bytes:
        """The numbers, four bytes each, the lowest first."""
        return np.array(self.numbers, NUMBER).tobytes()


def line(case: Case, bench: Bench, number: NumberOf) -> Line:
    """A case as numbers: those of `HEAD`, then `DEADLINE` for each duty, then `EVENT` for each."""
    duties = [deadline for deadline in case.deadlines if deadline.rule.binds_provider]
    events = list(_events(case, bench, number))
    head = _head(case, bench, number)
    deadlines = [_deadline(deadline, bench, number) for deadline in duties]
    days = [head[HEAD.index(name)] for name in ("received", "follow_up", "settled", "settlement")]
    days += [day for each in deadlines for day in each[4:6]]
    days += [day for _, day, _ in events]
    is_open = case.is_open or any(deadline.open for deadline in duties)
    numbers = (*head, len(deadlines), len(events))
    for each in (*deadlines, *events):
        numbers += each
    return Line(numbers, FOR_EVER if is_open else max(days))


def _head(case: Case, bench: Bench, number: NumberOf) -> tuple[int, ...]:
    settled = case.first(*SETTLING)
    return (
        bench.day(case.received),
        case.first(*FOLLOWED_UP) is not None,
        _known(case.first(Kind.FOLLOW_UP_PUBLISHED), bench),
        bench.day(settled.latest) if settled else 0,
        _known(case.first(Kind.SETTLED), bench),
        case.is_open,
        _is(case.events, Knowledge.OBSERVED),
        _is(case.events, Knowledge.UNKNOWN),
        number(case.unit), number(case.classification), number(case.category),
        number(case.channel),
    )  # fmt: skip


def _known(event: Event | None, bench: Bench) -> int:
    if event is None or event.knowledge is Knowledge.UNKNOWN:
        return 0
    return bench.day(event.latest)


def _is(events: Iterable[Event], knowledge: Knowledge) -> bool:
    return any(event.knowledge is knowledge for event in events)


def _deadline(deadline: Deadline, bench: Bench, number: NumberOf) -> tuple[int, ...]:
    counted = deadline.due or deadline.stopped
    return (
        number(deadline.rule.id), deadline.clock, number(deadline.answerable),
        number(deadline.unit), bench.day(counted) if counted else 0,
        bench.day(deadline.due) if deadline.due else 0, STATES.index(deadline.state),
        deadline.open, deadline.by_policy, deadline.provisional,
    )  # fmt: skip


def _events(case: Case, bench: Bench, number: NumberOf) -> Iterator[tuple[int, int, int]]:
    """Settlements, reopenings and returns, the last two with the unit that they came from."""
    for event in case.events:
        day = bench.day(event.latest)
        if event.kind in SETTLING:
            yield 0, day, 0
        elif event.kind == Kind.REOPENED:
            yield 1, day, number(case.unit)
        elif event.kind == Kind.RETURNED:
            yield 2, day, number(event.unit or case.unit)
