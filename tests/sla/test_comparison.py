"""A period is compared with the same number of working days, and only where there are data."""

from datetime import date

import pytest

from sla.calendar import Calendar, DayOff
from sla.metrics.comparison import compared_periods, has_data, no_data
from sla.metrics.definitions import SHAPES
from sla.metrics.table import Row, Table
from sla.periods import parse

CALENDAR = Calendar(
    date(2024, 1, 1),
    date(2027, 12, 31),
    days_off={date(2026, 11, 10): DayOff("Hari Pahlawan", estimate=False)},
)


def days(period):
    return None if period is None else (f"{period.first:%m-%d}", f"{period.last:%m-%d}")


@pytest.mark.parametrize(
    ("key", "today", "previous", "earlier"),
    [
        # the first working day of November 2026 is Monday the 2nd, of October Thursday the 1st
        ("2026-11", "2026-11-02", ("10-01", "10-01"), ("11-01", "11-03")),
        # six working days with the holiday on Tuesday the 10th
        ("2026-11", "2026-11-09", ("10-01", "10-08"), ("11-01", "11-10")),
        ("2026-11", "2026-11-10", ("10-01", "10-08"), ("11-01", "11-10")),
        # on Sunday the days off count too: until before the tenth working day
        ("2026-11", "2026-11-15", ("10-01", "10-13"), ("11-01", "11-13")),
        ("2026-11", "2026-11-30", ("10-01", "10-31"), ("11-01", "11-30")),
        ("2026-11", "2027-01-05", ("10-01", "10-31"), ("11-01", "11-30")),
        # a Sunday without a working day so far: nothing to compare
        ("2026-11", "2026-11-01", None, None),
        ("2026-W47", "2026-11-18", ("11-09", "11-12"), ("11-17", "11-19")),
    ],
)
def test_an_unfinished_period_is_compared_with_as_many_working_days(key, today, previous, earlier):
    found = compared_periods(
        parse(key, date(2026, 11, 24)), date.fromisoformat(today), CALENDAR, None
    )
    assert tuple(map(days, found)) == (previous, earlier)


@pytest.mark.parametrize(
    ("data_from", "there"),
    [
        (None, True),
        ("2025-03-01", True),
        ("2026-11-01", True),
        ("2026-11-02", True),  # only a Sunday lies before
        ("2026-11-03", False),
        ("2026-11-30", False),
        ("2026-12-01", False),
    ],
)
def test_a_period_has_data_if_they_cover_each_of_its_working_days(data_from, there):
    begin = None if data_from is None else date.fromisoformat(data_from)
    assert has_data(parse("2026-11", date(2026, 12, 24)), CALENDAR, begin) is there


def test_a_period_before_all_data_is_not_compared():
    found = compared_periods(
        parse("2026-11", date(2026, 12, 24)), date(2026, 12, 1), CALENDAR, date(2026, 10, 1)
    )
    assert tuple(map(days, found)) == (("10-01", "10-31"), None)


def test_an_empty_cell_is_no_data_only_where_the_whole_column_or_month_is_empty():
    of, columns = SHAPES["headline"]
    rows = (
        Row("received", (3, 0, None)),
        Row("median_days_to_settlement", (1.5, None, None)),
        Row("open", (2, None, None)),
    )
    headline = Table("headline", of, columns, rows)
    found = [
        [no_data(headline, row, column) for column in ("value", "previous", "year_before")]
        for row in rows
    ]
    assert found == [[False, False, True], [False, False, True], [False, False, False]]
    of, columns = SHAPES["trend"]
    months = (Row("2026-10", (None,) * 5), Row("2026-11", (2, 0, 0, 0, None)))
    trend = Table("trend", of, columns, months)
    assert [no_data(trend, month, "share") for month in months] == [True, False]
