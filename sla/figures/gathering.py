"""Gather: cases become columns of numbers, so that a million and ten are summed by the same lines.

Days are ordinals as in :mod:`sla.calendar`; 0 stands for no day.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sla.deadline import Bench, Deadline, State
from sla.events import Event, Kind, Knowledge
from sla.figures.case import FOLLOWED_UP, SETTLING, Case

STATES = tuple(State)
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Names:
    """The words of a column, each by a number."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, word: str | None) -> int:
        """The number of a word, a new one if it is new; no word is the empty one."""
        word = word or ""
        found = self._numbers.get(word)
        if found is None:
            found = self._numbers[word] = len(self.words)
            self.words.append(word)
        return found


@dataclass(frozen=True, slots=True)
class Gathered:
    """Cases as columns of length n, in the order of their tickets, and what belongs to them.

    Of each case: `received`; `followed` tells whether it was followed up at all; `follow_up`,
    `settled` (first settlement or closing) and `settlement` (first settlement whose moment is
    known) are days. `unit`, `classification`, `category` and `channel` are numbers in `names`.

    Of each deadline of the provider: `d_case`, its place among the cases; `d_day`, the day on
    which it fell due, or was stopped where a pause left that open; `d_state`, a number in `STATES`;
    `d_rule`, `d_answerable` and `d_unit`, numbers in `names`; `d_clock`, the number of its clock;
    `d_late`, working days late.
    Of each settlement, reopening and return: the place of its case and its day; of the last two
    the unit as well.
    """

    names: Names
    tickets: NDArray[np.object_]
    received: Ints
    followed: Flags
    follow_up: Ints
    settled: Ints
    settlement: Ints
    open: Flags
    observed: Flags
    unknown: Flags
    unit: Ints
    classification: Ints
    category: Ints
    channel: Ints
    d_case: Ints
    d_rule: Ints
    d_clock: Ints
    d_answerable: Ints
    d_unit: Ints
    d_day: Ints
    d_due: Ints
    d_state: Ints
    d_open: Flags
    d_by_policy: Flags
    d_provisional: Flags
    d_late: Ints
    settlements: Ints
    reopenings: Ints
    returns: Ints

    @property
    def overdue(self) -> Flags:
        """Which deadlines are breached and still open."""
        found: Flags = self.d_open & (self.d_state == STATES.index(State.BREACHED))
        return found


CASE = (
    "received", "followed", "follow_up", "settled", "settlement", "open", "observed", "unknown",
    "unit", "classification", "category", "channel",
)  # fmt: skip
DEADLINE = (
    "d_case", "d_rule", "d_clock", "d_answerable", "d_unit", "d_day", "d_due", "d_state", "d_open",
    "d_by_policy", "d_provisional", "d_late",
)  # fmt: skip
EVENTS = ("settlements", "reopenings", "returns")
FLAGS = frozenset(
    {"followed", "open", "observed", "unknown", "d_open", "d_by_policy", "d_provisional"}
)


class Gathering:
    """Takes cases one by one and keeps only numbers of them."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._names = Names()
        self._tickets: list[str] = []
        self._columns = {name: array("q") for name in (*CASE, *DEADLINE, *EVENTS)}

    def add(self, case: Case) -> int:
        """Take a case; returns its number, for what is told of it elsewhere."""
        number, day, name = len(self._tickets), self._bench.day, self._names.number
        self._tickets.append(case.ticket)
        follow_up, settled, settlement = (
            case.first(Kind.FOLLOW_UP_PUBLISHED), case.first(*SETTLING), case.first(Kind.SETTLED)
        )  # fmt: skip

        def known(event: Event | None) -> int:
            if event is None or event.knowledge is Knowledge.UNKNOWN:
                return 0
            return day(event.latest)

        self._put(
            CASE,
            day(case.received), case.first(*FOLLOWED_UP) is not None, known(follow_up),
            day(settled.latest) if settled else 0, known(settlement), case.is_open,
            any(event.knowledge is Knowledge.OBSERVED for event in case.events),
            any(event.knowledge is Knowledge.UNKNOWN for event in case.events),
            name(case.unit), name(case.classification), name(case.category), name(case.channel),
        )  # fmt: skip
        for deadline in case.deadlines:
            if deadline.rule.binds_provider:
                self._add_deadline(number, deadline)
        holder = case.unit
        for event in case.events:
            if event.kind in SETTLING:
                self._columns["settlements"].extend((number, day(event.latest), 0))
            elif event.kind == Kind.REOPENED:
                self._columns["reopenings"].extend((number, day(event.latest), name(holder)))
            elif event.kind == Kind.RETURNED:
                unit = name(event.unit or holder)
                self._columns["returns"].extend((number, day(event.latest), unit))
        return number

    def _add_deadline(self, case: int, deadline: Deadline) -> None:
        name, day = self._names.number, self._bench.day
        counted = deadline.due or deadline.stopped
        self._put(
            DEADLINE,
            case, name(deadline.rule.id), deadline.clock, name(deadline.answerable),
            name(deadline.unit), day(counted) if counted else 0,
            day(deadline.due) if deadline.due else 0,
            STATES.index(deadline.state), deadline.open, deadline.by_policy, deadline.provisional,
            -(deadline.working_days_left or 0),
        )  # fmt: skip

    def _put(self, columns: tuple[str, ...], *values: int) -> None:
        for column, value in zip(columns, values, strict=True):
            self._columns[column].append(value)

    def done(self) -> tuple[Gathered, Ints]:
        """The columns, and for each number that `add` gave the place of its case in them."""
        tickets = np.array(self._tickets, dtype=object)
        order = np.argsort(tickets, kind="stable") if len(tickets) else np.zeros(0, np.int64)
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))

        def column(name: str) -> NDArray[np.generic]:
            values = np.array(self._columns[name], dtype=np.int64)
            return values.astype(np.bool_) if name in FLAGS else values

        columns: dict[str, NDArray[np.generic]] = {name: column(name)[order] for name in CASE}
        columns |= {name: column(name) for name in DEADLINE}
        columns["d_case"] = place[np.array(self._columns["d_case"], dtype=np.int64)]
        for name in EVENTS:
            rows = np.array(self._columns[name], dtype=np.int64).reshape(-1, 3)
            rows[:, 0] = place[rows[:, 0]]
            columns[name] = rows
        return Gathered(self._names, tickets[order], **columns), place  # type: ignore[arg-type]
