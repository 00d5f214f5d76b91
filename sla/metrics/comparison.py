"""The periods that a period is compared with: only like with like."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from sla.calendar import Calendar
from sla.metrics.definitions import NOT_COMPARED, PRESENT
from sla.metrics.table import Row, Table
from sla.periods import Period, before, year_before

DAY = timedelta(days=1)

COMPARED = frozenset({"previous", "year_before"})
"""The columns of the headline with the figures of earlier periods."""

WITHOUT_EMPTY_ROWS = frozenset({"trend", "ageing", "forecast", "quality"})
"""Tables with a row that has no figure only for want of data."""


def compared_periods(
    period: Period, today: date, calendar: Calendar, data_from: date | None
) -> tuple[Period | None, Period | None]:
    """Return the previous period and the same period a year before, as far as comparable.

    A period without complete data is None: `data_from` is the day of the earliest receipt, and a
    working day of the period lies before it. Before the last day of `period`, the others end
    after as many working days as it has had up to today.
    """
    previous, earlier = (
        _cut(span, period, today, calendar)
        if span and has_data(span, calendar, data_from)
        else None
        for span in (before(period), year_before(period))
    )
    return previous, earlier


def has_data(span: Period, calendar: Calendar, data_from: date | None) -> bool:
    """Check whether the data cover every working day of a period; true without `data_from`."""
    if data_from is None or data_from <= span.first:
        return True
    if data_from > span.last or span.first <= calendar.first:
        return False
    return _working_days(span.first, data_from - DAY, calendar) == 0


def _cut(span: Period, period: Period, today: date, calendar: Calendar) -> Period | None:
    """End a period after as many working days as another one has had; the days off after them
    count too if today is a day off.
    """
    if today >= period.last:
        return span
    elapsed = _working_days(period.first, today, calendar)
    if not elapsed or span.first <= calendar.first:
        return None
    rest = elapsed if calendar.counts(today) else elapsed + 1
    if _working_days(span.first, span.last, calendar) < rest:
        return span
    day = int(calendar.advance(_ordinal(span.first - DAY), np.array(rest, dtype=np.int64)))
    last = date.fromordinal(day) if rest == elapsed else date.fromordinal(day) - DAY
    return Period(f"{span.first}..{last}", span.first, last)


def _working_days(first: date, last: date, calendar: Calendar) -> int:
    """Count the working days from one day to another, both included."""
    if last < first:
        return 0
    return int(calendar.between(_ordinal(first - DAY), _ordinal(last)))


def _ordinal(day: date) -> NDArray[np.int64]:
    return np.array(day.toordinal(), dtype=np.int64)


def no_data(table: Table, row: Row, column: str) -> bool:
    """Check whether a cell is empty because there were no data at that time.

    Other empty cells have no meaning (the open complaints of an earlier period) or no cases (a
    median of none).
    """
    if table.key in WITHOUT_EMPTY_ROWS:
        return all(cell is None for cell in row.cells)
    if table.key != "headline" or (column in COMPARED and row.key in NOT_COMPARED):
        return False
    if row.key in PRESENT:
        return row.cells[0] is None
    return all(
        table.value(each.key, column) is None for each in table.rows if each.key not in PRESENT
    )
