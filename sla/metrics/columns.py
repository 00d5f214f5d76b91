"""The columns of the metrics: encoded cases as arrays, with one code path for ten or a million
cases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sla.engine.deadline import State
from sla.metrics.encoding import (
    DEADLINE,
    EVENT,
    EVENTS,
    FOR_EVER,
    HEAD,
    NUMBER,
    STATES,
    EncodedCase,
)

Ints = NDArray[np.integer]
"""Whole numbers of any size: the columns use small ones, so codes are computed with 64 bits."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CaseColumns:
    """Cases as columns of length n, in the order of their tickets, and their deadlines and events.

    `words` are the texts of all text columns, by number. `keys` are the keys of the cases in other
    tables.

    One value per case: `followed`, true if there was any follow-up; `status`, an index into
    `STATUSES`; `source`, `unit`, `classification`, `category`, `channel` and `place`, numbers of
    texts; `rating`, from 1 to 5, or 0 without one; and these days, 0 if there is none:

    - `received`; `follow_up`, the first follow-up published; `followed_on`, the first event that
      counts as a follow-up; `followed_from`, the earliest day on which it can have happened.
    - `follow_ups_until`, the day until which every follow-up is known: `FOR_EVER` without a doubt,
      0 if the source cannot show follow-ups. `covered_until`, the day of the newest import that had
      to show the case: `FOR_EVER` if the source shows every event at once.
    - `absent_since`, the day of the import that no longer showed the case.
    - `settled`, the final settlement or closing: the first one after the last reopening.
      `settled_unknown` is the day that showed it if its time is not known; `settled` is 0 then.
    - `first_settled`, the first settlement or closing. `settlement`, the final settlement, without
      closings.

    One value per deadline of the provider: `d_case`, the index of its case; `d_day`, the day on
    which it fell due, or was stopped if a pause left the due day open; `d_started`, `d_due` and
    `d_stopped`, days; `d_state`, an index into `STATES`; `d_rule`, `d_answerable`, `d_unit` and
    `d_reasons` (with commas), numbers of texts; `d_calendar`, the unit whose calendar counts the
    days late; `d_clock`, the number of its clock; `d_undecided`, true if its due time has passed
    and a later import decides the open duty. A duty of superiors may have an office in the
    place of `d_unit` and `d_answerable` (:mod:`sla.metrics.superiors`).

    One row per settlement, reopening and return: the index of its case and its day. Reopenings and
    returns also have the unit.
    """

    words: Mapping[int, str]
    tickets: NDArray[np.object_]
    keys: Ints
    received: Ints
    followed: Flags
    followed_on: Ints
    followed_from: Ints
    follow_ups_until: Ints
    absent_since: Ints
    follow_up: Ints
    first_settled: Ints
    settled: Ints
    settled_unknown: Ints
    settlement: Ints
    open: Flags
    observed: Flags
    unknown: Flags
    status: Ints
    source: Ints
    unit: Ints
    classification: Ints
    category: Ints
    channel: Ints
    place: Ints
    rating: Ints
    d_case: Ints
    d_rule: Ints
    d_clock: Ints
    d_answerable: Ints
    d_unit: Ints
    d_calendar: Ints
    d_day: Ints
    d_due: Ints
    d_state: Ints
    d_open: Flags
    d_by_policy: Flags
    d_provisional: Flags
    d_started: Ints
    d_stopped: Ints
    d_reasons: Ints
    settlements: Ints
    reopenings: Ints
    returns: Ints
    covered_until: Ints
    d_undecided: Flags

    @property
    def overdue(self) -> Flags:
        """Return a flag for each deadline: breached and still open."""
        found: Flags = self.d_open & (self.d_state == STATES.index(State.BREACHED))
        return found

    @property
    def running(self) -> Flags:
        """Return a flag for each deadline: its time runs, and its last day is known."""
        found: Flags = (
            self.d_open & (self.d_state == STATES.index(State.RUNNING)) & (self.d_due > 0)
        )
        return found

    @property
    def open_unknown(self) -> Flags:
        """Return a flag for each deadline: unknown and still open, and its last day is known."""
        unknown = self.d_state == STATES.index(State.UNKNOWN)
        found: Flags = self.d_open & unknown & (self.d_due > 0)
        return found

    def ended_late(self, begin: int) -> Flags:
        """Return a flag for each deadline: breached, ended otherwise, and due since a day."""
        breached = self.d_state == STATES.index(State.BREACHED)
        found: Flags = breached & ~self.d_open & (self.d_day >= begin)
        return found

    def tickets_of(self, *cases: Flags | Ints) -> tuple[str, ...]:
        """Return the tickets of the cases in any of these selections: flags over all cases, or
        indices.
        """
        chosen = np.zeros(len(self.tickets), np.bool_)
        for some in cases:
            chosen[some] = True
        return tuple(self.tickets[chosen])

    def places(self, keys: Ints) -> Ints:
        """Return the index of the case with each of these keys; -1 for an unknown key."""
        if not len(self.keys):
            return np.full(len(keys), -1, np.int64)
        order = np.argsort(self.keys, kind="stable")
        at = order[np.minimum(np.searchsorted(self.keys, keys, sorter=order), len(order) - 1)]
        return np.where(self.keys[at] == keys, at, -1)


FLAGS = frozenset(
    {"followed", "open", "observed", "unknown", "d_open", "d_by_policy", "d_provisional"}
)
SMALL = frozenset({"status", "rating", "d_state"})
"""The columns of indices of short tuples, and of ratings: one byte is enough."""

CASE = HEAD[:-2]
AT_ONCE = 50_000
"""The number of encoded cases converted to columns at a time."""


class Gathering:
    """Collects encoded cases and keeps them only as numbers."""

    def __init__(self) -> None:
        self._tickets: list[str] = []
        self._keys = bytearray()
        self._columns: defaultdict[str, bytearray] = defaultdict(bytearray)
        self._waiting: list[tuple[int, str, bytes]] = []

    def add(self, key: int, ticket: str, line: EncodedCase) -> None:
        """Add a case with its key."""
        self._waiting.append((key, ticket, line.packed()))
        if len(self._waiting) >= AT_ONCE:
            self._flush()

    def add_packed(
        self, keys: Sequence[int], tickets: Sequence[str], packed: Sequence[bytes]
    ) -> None:
        """Add cases that are already packed."""
        if not len(keys):
            return
        base = len(self._tickets)
        self._tickets.extend(tickets)
        self._keys += np.array(keys, dtype=np.int64).tobytes()
        # a column that grows in its place takes less memory than parts joined at the end
        for name, values in _laid_out(packed, base).items():
            self._columns[name] += values.astype(_type_of(name)).tobytes()

    def _flush(self) -> None:
        if self._waiting:
            keys, tickets, packed = zip(*self._waiting, strict=True)
            self._waiting.clear()
            self.add_packed(keys, tickets, packed)

    def done(self, words: Mapping[int, str]) -> CaseColumns:
        """Return the columns after the last case; `words` are the texts of the cases by number."""
        self._flush()
        tickets = np.empty(len(self._tickets), dtype=object)
        tickets[:] = self._tickets
        order = np.argsort(tickets, kind="stable")
        place = np.empty(len(order), np.int32)
        place[order] = np.arange(len(order))
        columns: dict[str, NDArray[np.generic]] = {}
        for name in (*CASE, *DEADLINE, "d_case", "e_case", *EVENT):
            columns[name] = np.frombuffer(self._columns.pop(name, b""), _type_of(name))
        for name in CASE:
            columns[name] = columns[name][order]
        for name in ("d_case", "e_case"):
            columns[name] = place[columns[name]]
        kind = columns.pop("e_kind")
        rows = np.stack([columns.pop(name) for name in ("e_case", "e_day", "e_unit")], axis=1)
        for number, name in enumerate(EVENTS):
            columns[name] = rows[kind == number]
        keys = np.frombuffer(self._keys, np.int64)[order]
        columns["d_calendar"] = columns["d_unit"]
        columns["d_undecided"] = np.zeros(len(columns["d_case"]), np.bool_)
        columns["covered_until"] = np.full(len(order), FOR_EVER, np.int32)
        return CaseColumns(words, tickets[order], keys, **columns)  # type: ignore[arg-type]


def _type_of(column: str) -> type[np.generic]:
    """Return the smallest type with room for every value of a column."""
    return np.bool_ if column in FLAGS else np.int8 if column in SMALL else np.int32


def _laid_out(packed: Iterable[bytes], base: int) -> dict[str, NDArray[np.int32]]:
    """Convert packed cases to columns; the first of them has the index `base`."""
    packed = list(packed)
    lengths = np.array([len(each) for each in packed]) // NUMBER.itemsize
    numbers = np.frombuffer(b"".join(packed), NUMBER).astype(np.int32)
    begins = np.cumsum(lengths) - lengths
    head = numbers[begins[:, None] + np.arange(len(HEAD))]
    columns = {name: head[:, n] for n, name in enumerate(HEAD)}
    begins = begins + len(HEAD)
    for counts, case, fields in (
        (columns.pop("deadlines"), "d_case", DEADLINE),
        (columns.pop("events"), "e_case", EVENT),
    ):
        cases = np.repeat(np.arange(len(packed)), counts)
        nth = np.arange(len(cases)) - np.repeat(np.cumsum(counts) - counts, counts)
        rows = numbers[(begins[cases] + nth * len(fields))[:, None] + np.arange(len(fields))]
        columns |= {name: rows[:, n] for n, name in enumerate(fields)}
        columns[case] = (cases + base).astype(np.int32)
        begins = begins + counts * len(fields)
    return {name: np.ascontiguousarray(values) for name, values in columns.items()}


def first_of_equals(values: Ints) -> Flags:
    """Return a flag for each of these sorted values: different from the value before."""
    found: Flags = np.append(True, values[1:] != values[:-1])[: len(values)]
    return found


def distinct(values: Ints) -> Ints:
    """Return each of these values once, in order.

    `np.unique` gives the same, but finds equal values by hashing: for two million values this takes
    a hundred times as long as sorting them.
    """
    ordered = np.sort(values)
    found: Ints = ordered[first_of_equals(ordered)]
    return found
