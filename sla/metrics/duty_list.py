"""The flat list behind a report: a row for each duty, from which every figure can be counted again.

Rows of other kinds complete it: complaints without a duty, reopenings, returns, and the
notifications of the period. A condition on the columns selects the rows of a figure
(:mod:`sla.metrics.recount`). Flags are 1 or 0; an empty cell means that the row is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from sla.engine.context import EvaluationContext
from sla.engine.deadline import State
from sla.metrics.columns import CaseColumns, Flags, Ints, first_of_equals
from sla.metrics.definitions import WITHIN
from sla.metrics.encoding import STATES, STATUSES
from sla.metrics.outlook import late_from
from sla.metrics.table import Measure
from sla.metrics.tables import (
    EVALUATED,
    Tellings,
    UnitStatement,
    codes_of,
    follow_up_measured,
    followed_up_soon,
    settled_after,
    working_days_late,
)
from sla.metrics.versions import DeadlineVersions
from sla.periods import Period

FLAG, DAY, NUMBER, TEXT, KEY = (
    Measure.COUNT,
    Measure.DAY,
    Measure.DAYS,
    Measure.TEXT,
    Measure.KEY,
)


class RowKind(StrEnum):
    """The kind of a row of the list."""

    DUTY = "duty"
    COMPLAINT = "complaint"
    REOPENED = "reopened"
    RETURNED = "returned"
    NOTIFIED = "notified"


KINDS = tuple(RowKind)

COLUMNS: dict[str, Measure] = {
    "row": KEY,
    "ticket": TEXT,
    "rule": KEY,
    "unit": KEY,
    "started": DAY,
    "due": DAY,
    "stopped": DAY,
    "verdict": KEY,
    "working_days_late": NUMBER,
    "days_late": NUMBER,
    "why": KEY,
    "notified": TEXT,
    "statement": KEY,
    "answerable": KEY,
    "counted_on": DAY,
    "evaluated": FLAG,
    "duty_open": FLAG,
    "late": FLAG,
    "late_complaint": FLAG,
    "late_at_unit": FLAG,
    "late_from": DAY,
    "by_policy": FLAG,
    "provisional": FLAG,
    "inherited": FLAG,
    "complaint": FLAG,
    "classification": KEY,
    "category": TEXT,
    "channel": TEXT,
    "place": TEXT,
    "rating": NUMBER,
    "holder": KEY,
    "status": KEY,
    "received": DAY,
    "settled": DAY,
    "first_settled": DAY,
    "settled_unknown": DAY,
    "followed_up_on": DAY,
    "with_settlement": FLAG,
    "followed_up": FLAG,
    "followed_up_soon": FLAG,
    "open": FLAG,
    "age": NUMBER,
    "days_to_follow_up": NUMBER,
    "days_to_settlement": NUMBER,
    "observed": FLAG,
    "history_unknown": FLAG,
    "absent_since": DAY,
    "event_on": DAY,
    "event_unit": KEY,
    "kind": KEY,
    "rung": KEY,
    "first_of_rung": FLAG,
    "first_of_complaint": FLAG,
    **{f"settled_within_{most}": FLAG for most in WITHIN},
}
"""The columns of the list, each with the kind of its values; days are ordinals.

- `unit` is responsible now, `answerable` was when the duty fell due or was stopped: the verdict is
  counted there, on the day `counted_on`. It is empty if an interval leaves open which unit it was.
  A duty of superiors has `sla.directory.SUPERIOR_OFFICE` in both; `holder` has the complaint.
- `late_complaint` is 1 in one late duty of each late complaint, `late_at_unit` in one of each
  complaint and unit, `complaint` in one row of each complaint: their sums count complaints.
- `late_from` is filled in one duty of each complaint that is late or will be late if nothing is
  done: the last day before that.
- `followed_up` and `followed_up_soon` are empty for a complaint that does not count in that share.
- `first_of_rung` is 1 in the first notification of a complaint by this kind and rung,
  `first_of_complaint` in the first of all.
"""

VERSION = "version"
"""The key of the version of the law behind a duty, beside the columns: it gives names, and is not
a column of the list."""

NONE = -1
"""The number of an empty cell."""

Values = Sequence[int | str | None]
"""The values of a column."""


class DutyList:
    """The rows of the list, in the order of the tickets; `chunks` gives their columns, and
    `VERSION`.
    """

    def __init__(
        self,
        cases: CaseColumns,
        period: Period,
        context: EvaluationContext,
        as_of: datetime,
        *,
        tellings: Tellings,
        notified: Callable[[int, int], str],
        statements: Sequence[UnitStatement],
        inherited: Flags,
        versions: DeadlineVersions | None = None,
    ) -> None:
        self._versions = versions or DeadlineVersions(cases, context.law)
        self._g, self._context, self._today = cases, context, context.day(as_of)
        self._tellings, self._notified = tellings, notified
        self._stated = {(each.case, each.unit): each.kind for each in statements}
        self._told = np.flatnonzero(
            (tellings.day >= period.first.toordinal()) & (tellings.day <= period.last.toordinal())
        )
        self._kind, self._case, self._place = self._rows()
        self._cases = self._of_cases()
        self._duties = self._of_duties(inherited)
        self._notices = self._of_notifications()

    def __len__(self) -> int:
        return len(self._kind)

    def _rows(self) -> tuple[Ints, Ints, Ints]:
        """Return for each row its kind, its case, and its index among those of its kind."""
        g = self._g
        without = np.setdiff1d(np.arange(len(g.tickets)), g.d_case)
        cases = (
            g.d_case,
            without,
            g.reopenings[:, 0],
            g.returns[:, 0],
            self._tellings.case[self._told],
        )
        kinds = np.repeat(np.arange(len(cases)), [len(each) for each in cases])
        case = np.concatenate(cases).astype(np.int64)
        place = np.concatenate([np.arange(len(each)) for each in cases])
        order = np.lexsort((place, kinds, case))
        return kinds[order], case[order], place[order]

    def _of_cases(self) -> dict[str, Ints]:
        g, calendar = self._g, self._context.calendar
        counted, soon = followed_up_soon(g, self._context, self._today)

        def between(day: Ints) -> Ints:
            return np.where(
                day > 0, calendar.between(g.received, np.maximum(day, g.received)), NONE
            )

        return {
            "classification": g.classification,
            "category": g.category,
            "channel": g.channel,
            "place": g.place,
            "rating": np.where(g.rating > 0, g.rating, NONE),
            "holder": g.unit,
            "status": g.status,
            "received": g.received,
            "settled": g.settled,
            "first_settled": g.first_settled,
            "settled_unknown": g.settled_unknown,
            "followed_up_on": g.follow_up,
            "with_settlement": (g.settlement > 0).astype(np.int64),
            "followed_up": np.where(follow_up_measured(g), g.followed, NONE),
            "followed_up_soon": np.where(counted, soon, NONE),
            "open": g.open.astype(np.int64),
            "age": np.where(
                g.open, calendar.between(g.received, np.maximum(g.received, self._today)), NONE
            ),
            "days_to_follow_up": between(g.follow_up),
            "days_to_settlement": between(g.settlement),
            "observed": g.observed.astype(np.int64),
            "history_unknown": g.unknown.astype(np.int64),
            "absent_since": g.absent_since,
        }

    def _of_duties(self, inherited: Flags) -> dict[str, Ints]:
        g, n = self._g, max(len(self._g.tickets), 1)
        late, breached = g.overdue, g.d_state == STATES.index(State.BREACHED)
        until = np.where(late, self._today, g.d_stopped)
        counts = (breached | (g.d_state == STATES.index(State.MET_LATE))) & (g.d_due > 0)
        first = np.zeros(len(g.d_case), np.bool_)
        first[np.unique(g.d_case, return_index=True)[1]] = True
        return {
            "rule": g.d_rule,
            "unit": g.d_unit,
            "answerable": g.d_answerable,
            "started": g.d_started,
            "due": g.d_due,
            "stopped": g.d_stopped,
            "counted_on": g.d_day,
            "verdict": g.d_state,
            "why": g.d_reasons,
            "working_days_late": np.where(counts, working_days_late(g, self._context, until), NONE),
            "days_late": np.where(counts, until - g.d_due, NONE),
            "evaluated": np.isin(g.d_state, EVALUATED).astype(np.int64),
            "duty_open": g.d_open.astype(np.int64),
            "late": late.astype(np.int64),
            "late_complaint": _first_of(g.d_case, late),
            "late_at_unit": _first_of(codes_of(g.d_unit, n, g.d_case), late),
            "late_from": late_from(g, self._today),
            "by_policy": g.d_by_policy.astype(np.int64),
            "provisional": g.d_provisional.astype(np.int64),
            "inherited": inherited.astype(np.int64),
            "complaint": first.astype(np.int64),
        }

    def _of_notifications(self) -> dict[str, Ints]:
        t, told = self._tellings, self._told
        case, day = t.case[told], t.day[told]
        names = {pair: n for n, pair in enumerate(dict.fromkeys(zip(t.kind, t.rung, strict=True)))}
        pairs = ((t.kind[n], t.rung[n]) for n in told.tolist())
        group = np.array([names[pair] for pair in pairs], dtype=np.int64)
        n = max(len(self._g.tickets), 1)
        every = np.ones(len(told), np.bool_)
        found = {
            "event_on": day,
            "first_of_rung": _first_of(group * n + case, every, day),
            "first_of_complaint": _first_of(case, every, day),
        }
        soon, counted = settled_after(self._g, self._context, self._today, case, day)
        for most, part, whole in zip(WITHIN, soon, counted, strict=True):
            found[f"settled_within_{most}"] = np.where(whole, part, NONE)
        return found

    def chunks(self, size: int = 20_000) -> Iterator[Mapping[str, Values]]:
        """Yield the columns of so many rows at a time."""
        for begin in range(0, len(self), size):
            yield self._chunk(slice(begin, begin + size))

    def _chunk(self, part: slice) -> dict[str, Values]:
        g, t = self._g, self._tellings
        kind, case, place = self._kind[part], self._case[part], self._place[part]
        duty, own = kind == KINDS.index(RowKind.DUTY), kind <= KINDS.index(RowKind.COMPLAINT)
        told = kind == KINDS.index(RowKind.NOTIFIED)
        numbers: dict[str, Ints] = {
            **{name: _taken(values, case, own) for name, values in self._cases.items()},
            **{name: _taken(values, place, duty) for name, values in self._duties.items()},
            **{name: _taken(values, place, told) for name, values in self._notices.items()},
        }
        numbers["complaint"] = np.where(own & ~duty, 1, numbers["complaint"])
        numbers["event_unit"] = np.full(len(kind), NONE)
        for name, events in ((RowKind.REOPENED, g.reopenings), (RowKind.RETURNED, g.returns)):
            mine = kind == KINDS.index(name)
            for column, at in (("event_on", 1), ("event_unit", 2)):
                numbers[column] = np.where(
                    mine, _taken(events[:, at], place, mine), numbers[column]
                )
        entry = self._told[place[told]].tolist()
        rungs, kinds = iter([t.rung[n] for n in entry]), iter([t.kind[n] for n in entry])
        found: dict[str, Values] = {
            name: _values(numbers[name], measure, self._words(name))
            for name, measure in COLUMNS.items()
            if name in numbers
        }
        found["row"] = [KINDS[number] for number in kind.tolist()]
        found["ticket"] = g.tickets[case].tolist()
        found["rung"] = [next(rungs) if each else None for each in told.tolist()]
        found["kind"] = [next(kinds) if each else None for each in told.tolist()]
        rows = list(zip(case.tolist(), place.tolist(), duty.tolist(), strict=True))
        found["notified"] = [self._notified(c, p) or None if d else None for c, p, d in rows]
        found["statement"] = [self._statement(c, p) if d else None for c, p, d in rows]
        found[VERSION] = [self._versions.of(p) if d else None for _, p, d in rows]
        return {name: found[name] for name in (*COLUMNS, VERSION)}

    def _statement(self, case: int, deadline: int) -> str | None:
        g = self._g
        if not self._stated or not g.d_open[deadline]:
            return None
        return self._stated.get((case, g.words[int(g.d_unit[deadline])]))

    def _words(self, column: str) -> Mapping[int, str]:
        states = {"verdict": STATES, "status": STATUSES}.get(column)
        return self._g.words if states is None else dict(enumerate(states))


def _taken(values: Ints, places: Ints, where: Flags) -> Ints:
    """Return the values at these places, and an empty cell elsewhere."""
    found = np.full(len(places), NONE)
    found[where] = values[places[where]]
    return found


def _values(numbers: Ints, measure: Measure, words: Mapping[int, str]) -> Values:
    """Return the values of a column: texts of their numbers, or the numbers."""
    if measure in (KEY, TEXT):
        return [None if number == NONE else words[number] or None for number in numbers.tolist()]
    empty = 0 if measure is DAY else NONE
    return [None if number in (empty, NONE) else number for number in numbers.tolist()]


def _first_of(keys: Ints, where: Flags, order: Ints | None = None) -> Ints:
    """Return 1 in the first of each key among these rows, in an order, and 0 in the others."""
    found: NDArray[np.int64] = np.zeros(len(keys), np.int64)
    rows = np.flatnonzero(where)
    by = rows[np.lexsort((rows, order[rows] if order is not None else rows, keys[rows]))]
    found[by[first_of_equals(keys[by])]] = 1
    return found
