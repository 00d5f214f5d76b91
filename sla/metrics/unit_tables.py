"""The tables with a row for each unit: status, share by rule, and share by month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sla.engine.deadline import State
from sla.metrics.columns import CaseColumns, Flags, Ints
from sla.metrics.encoding import STATES, STATUSES
from sla.metrics.table import Cell, Column, Measure, Row
from sla.periods import Period


@dataclass(frozen=True, slots=True)
class WideTable:
    """The rows of a table with one column for each of many keys, and the row of the sums."""

    columns: tuple[Column, ...]
    rows: list[Row]
    total: Row


def status_by_unit(g: CaseColumns, received: Flags) -> list[Row]:
    """Return the received complaints of each unit by status, the most received first."""
    rows = []
    for unit in _numbers_in(g.unit[received]):
        mine = received & (g.unit == unit)
        counts = np.bincount(g.status[mine], minlength=len(STATUSES)).tolist()
        cells: tuple[Cell, ...] = (sum(counts), *counts)
        rows.append(Row(g.words[unit], cells, g.tickets_of(mine)))
    return sorted(rows, key=_most_first)


def unit_rule(g: CaseColumns, evaluated: Flags) -> WideTable:
    """Return the share on time of each unit under each rule, over these evaluated deadlines."""
    rules = _numbers_in(g.d_rule[evaluated])
    places = np.searchsorted(rules, g.d_rule[evaluated])
    keys = [g.words[rule] for rule in rules]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    shared = _shares(g, evaluated, places, len(keys))
    columns = tuple(Column(keys[at], Measure.SHARE, "rule") for at in order)
    return _wide(g, columns, *(each[:, order] for each in shared[1:]), units=shared[0])


def unit_trend(g: CaseColumns, evaluated: Flags, months: Sequence[Period]) -> WideTable:
    """Return the share on time of each unit in each of these consecutive months."""
    first = months[0].first.toordinal() if months else 0
    ends = np.array([month.last.toordinal() for month in months], dtype=np.int64)
    counted = evaluated & (g.d_day >= first) & (g.d_day <= (ends[-1] if months else -1))
    places = np.searchsorted(ends, g.d_day[counted])
    units, *numbers = _shares(g, counted, places, len(months))
    columns = tuple(Column(month.name, Measure.SHARE, "month") for month in months)
    return _wide(g, columns, *numbers, units=units)


def _shares(g: CaseColumns, evaluated: Flags, places: Ints, width: int) -> tuple[Ints, Ints, Ints]:
    """Return the units of these deadlines, and for each unit and column the deadlines met and
    evaluated.
    """
    if not width:
        nothing = np.zeros((0, 0), np.int64)
        return np.zeros(0, np.int64), nothing, nothing
    # counted by the numbers of the units: a search for the distinct ones takes memory for copies
    codes = g.d_answerable[evaluated]
    size = (int(codes.max(initial=-1)) + 1) * width
    codes = codes * width + places
    met = g.d_state[evaluated] == STATES.index(State.MET)
    counts = [np.bincount(each, minlength=size) for each in (codes[met], codes)]
    of = counts[1].reshape(-1, width)
    units = np.flatnonzero(of.sum(axis=1))
    return units, counts[0].reshape(of.shape)[units], of[units]


def _numbers_in(numbers: Ints) -> list[int]:
    """Return the distinct numbers among small ones, in order."""
    return np.flatnonzero(np.bincount(numbers)).tolist()


def _wide(
    g: CaseColumns, columns: tuple[Column, ...], met: Ints, of: Ints, *, units: Ints
) -> WideTable:
    """Return the table of these counts, a row for each unit, the most evaluated first."""
    rows = [
        _share_row(g.words[unit], columns, met[at], of[at])
        for at, unit in enumerate(units.tolist())
    ]
    total = _share_row("total", columns, met.sum(axis=0), of.sum(axis=0))
    rows.sort(key=lambda row: (-sum(row.of.values()), row.key))
    return WideTable(columns, rows, total)


def _share_row(key: str, columns: Sequence[Column], met: Ints, of: Ints) -> Row:
    numbers = {column.key: number for column, number in zip(columns, of.tolist(), strict=True)}
    cells = (part / whole if whole else None for part, whole in zip(met, of.tolist(), strict=True))
    return Row(
        key,
        tuple(None if cell is None else float(cell) for cell in cells),
        of={column: number for column, number in numbers.items() if number},
    )


def _most_first(row: Row) -> tuple[int, str]:
    number = row.cells[0]
    assert isinstance(number, int)
    return -number, row.key
