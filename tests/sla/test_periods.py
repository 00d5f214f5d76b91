"""What the name of a period means."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla.periods import PeriodError, parse

TODAY = date(2026, 11, 24)  # a Tuesday


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("2026", "2026-01-01", "2026-12-31"),
        ("2026-H1", "2026-01-01", "2026-06-30"),
        ("2026-H2", "2026-07-01", "2026-12-31"),
        ("2026-Q1", "2026-01-01", "2026-03-31"),
        ("2026-Q4", "2026-10-01", "2026-12-31"),
        ("2026-11", "2026-11-01", "2026-11-30"),
        ("2026-12", "2026-12-01", "2026-12-31"),
        ("2026-02", "2026-02-01", "2026-02-28"),
        ("2028-02", "2028-02-01", "2028-02-29"),
        ("2026-W47", "2026-11-16", "2026-11-22"),
        ("2026-W01", "2025-12-29", "2026-01-04"),  # an ISO week may begin in the year before
        ("2026-W53", "2026-12-28", "2027-01-03"),
        ("2026-11-01..2026-11-15", "2026-11-01", "2026-11-15"),
        ("2026-11-15..2026-11-15", "2026-11-15", "2026-11-15"),
    ],
)
def test_a_period_by_its_name(name, first, last):
    period = parse(name, TODAY)
    assert (f"{period.first}", f"{period.last}") == (first, last)
    assert period.name == name


@pytest.mark.parametrize(
    ("today", "asked", "name"),
    [
        ("2026-11-24", "last-week", "2026-W47"),
        ("2026-11-23", "last-week", "2026-W47"),  # on Monday: the week that ended yesterday
        ("2026-11-22", "last-week", "2026-W46"),  # on Sunday its own week is not full yet
        ("2027-01-05", "last-week", "2026-W53"),
        ("2026-11-24", "last-month", "2026-10"),
        ("2026-01-01", "last-month", "2025-12"),
        ("2026-03-31", "last-month", "2026-02"),
        ("2026-11-24", "last-quarter", "2026-Q3"),
        ("2026-03-31", "last-quarter", "2025-Q4"),
        ("2026-04-01", "last-quarter", "2026-Q1"),
        ("2026-11-24", "last-half-year", "2026-H1"),
        ("2026-06-30", "last-half-year", "2025-H2"),
        ("2026-11-24", "last-year", "2025"),
    ],
)
def test_last_means_the_full_one_before(today, asked, name):
    today = date.fromisoformat(today)
    assert parse(asked, today) == parse(name, today)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "november",
        "26",
        "2026-13",
        "2026-00",
        "2026-1",
        "2026-Q5",
        "2026-H3",
        "2026-W00",
        "2025-W53",
        "2026-11-31..2026-12-01",
        "2026-11-15..2026-11-01",
        "2026-11-15",
        "last-decade",
        "last-",
        "0000",
        "9999-12-01..10000-01-01",
    ],
)
def test_what_is_no_period_is_refused_with_what_would_be(text):
    with pytest.raises(PeriodError, match=r"is no period; write 2026, 2026-H1, 2026-Q3, 2026-11"):
        parse(text, TODAY)


def test_spaces_around_a_name_do_not_matter():
    assert parse(" 2026-Q3 ", TODAY) == parse("2026-Q3", TODAY)


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([f"2026-{month:02}" for month in range(1, 13)], "2026"),
        ([f"2026-Q{number}" for number in range(1, 5)], "2026"),
        (["2026-H1", "2026-H2"], "2026"),
        ([f"2026-{month:02}" for month in range(7, 10)], "2026-Q3"),
    ],
)
def test_periods_follow_each_other_without_gap_or_overlap(parts, whole):
    periods = [parse(name, TODAY) for name in parts]
    for one, other in pairwise(periods):
        assert other.first - one.last == timedelta(days=1)
    assert periods[0].first == parse(whole, TODAY).first
    assert periods[-1].last == parse(whole, TODAY).last


@given(
    st.dates(date(2020, 1, 1), date(2035, 12, 31)),
    st.sampled_from(["last-week", "last-month", "last-quarter", "last-half-year", "last-year"]),
)
def test_the_last_period_is_over_and_the_one_after_it_is_not(today, asked):
    period = parse(asked, today)
    length = period.last - period.first + timedelta(days=1)
    assert period.last < today
    assert today - period.last <= length + timedelta(days=3)  # months differ by up to three days
    assert parse(period.name, today) == period
