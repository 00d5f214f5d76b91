"""The days ahead of a report: the duties that end on each day, and what is late if nothing is
done.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np

from sla.calendar import Calendar
from sla.metrics.columns import CaseColumns, Flags, Ints, distinct
from sla.metrics.definitions import AHEAD_DAYS, FORECAST_WEEKS
from sla.metrics.table import Column, Measure, Row
from sla.metrics.unit_tables import WideTable

WEEK = timedelta(days=7)
DAY = timedelta(days=1)


def duties_ahead(g: CaseColumns, today: int) -> WideTable:
    """Return the running duties of each unit by the day on which they end, the most first.

    The last cell of a row is its sum.
    """
    days = range(today, today + AHEAD_DAYS)
    chosen = g.running & (g.d_due >= today) & (g.d_due < today + AHEAD_DAYS)
    columns = tuple(Column(f"{date.fromordinal(day)}", Measure.COUNT, "day") for day in days)
    places = np.flatnonzero(chosen)
    units = g.d_unit[places]
    rows = []
    for unit in distinct(units).tolist():
        mine = places[units == unit]
        cells = _by_day(g.d_due[mine] - today)
        rows.append(Row(g.words[unit], cells, g.tickets_of(g.d_case[mine])))
    total = Row("total", _by_day(g.d_due[chosen] - today))
    return WideTable(columns, sorted(rows, key=_most_first), total)


def _most_first(row: Row) -> tuple[int, str]:
    number = row.cells[-1]
    assert isinstance(number, int)
    return -number, row.key


def _by_day(days: Ints) -> tuple[int, ...]:
    counts = np.bincount(days, minlength=AHEAD_DAYS).tolist()
    return (*counts, sum(counts))


def forecast(g: CaseColumns, calendar: Calendar, today: int) -> list[Row]:
    """Return what ends and what is late at the end of the next weeks, if nothing is done."""
    ending = g.running & (g.d_due >= today)
    late_on = late_from(g, today)
    rows = []
    for day in week_ends(calendar, date.fromordinal(today)):
        chosen = ending & (g.d_due <= day.toordinal())
        then = (late_on > 0) & (late_on <= day.toordinal())
        newly = then & (late_on >= today)
        cells = (int(chosen.sum()), int(newly.sum()), int(then.sum()))
        rows.append(Row(day.isoformat(), cells, g.tickets_of(g.d_case[chosen])))
    return rows


def late_from(g: CaseColumns, today: int) -> Ints:
    """Return for each deadline the last day before its complaint is late, if nothing is done.

    It is given at one deadline of each complaint, the first one that is late or will be; 0 at all
    others. A deadline that has passed and is undecided counts from the day of the report on.
    """
    late, undecided = g.overdue, g.d_undecided
    ahead: Flags = g.running & (g.d_due >= today)
    day = np.where(undecided, today, g.d_day)
    day[late] = np.clip(g.d_day[late], 1, today - 1)  # also if its moment was on the report's day
    rows = np.flatnonzero(late | undecided | ahead)
    rows = rows[np.lexsort((rows, day[rows], g.d_case[rows]))]
    first = rows[np.unique(g.d_case[rows], return_index=True)[1]]
    found = np.zeros(len(g.d_case), np.int64)
    found[first] = day[first]
    return found


def week_ends(calendar: Calendar, today: date) -> Iterator[date]:
    """Yield the last working day of each of the next weeks that have one, from a day on."""
    monday, found = today - timedelta(days=today.weekday()), 0
    while found < FORECAST_WEEKS and monday <= calendar.last:
        days = (monday + DAY * number for number in range(6, -1, -1))
        known = (day for day in days if today <= day <= calendar.last)
        last = next((day for day in known if calendar.counts(day)), None)
        if last is not None:
            found += 1
            yield last
        monday += WEEK
