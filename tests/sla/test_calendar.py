"""Which days count."""

from datetime import date

import numpy as np
import pytest
from conftest import REPOSITORY

from sla import indonesian_holidays
from sla.calendar import (
    Calendar,
    DayOff,
    OutsideCalendar,
    asked_days_off,
    holiday_name,
    indonesian_days_off,
    last_indonesian_decree,
    with_corrections,
)


def calendar(**more):
    return Calendar(
        date(2025, 1, 1),
        date(2027, 12, 31),
        days_off=indonesian_days_off(range(2025, 2028)),
        **more,
    )


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2026, 3, 19), "Hari Suci Nyepi"),
        (date(2026, 3, 20), "Cuti Bersama Hari Raya Idul Fitri"),
        (date(2025, 8, 18), "Cuti Bersama Hari Kemerdekaan Republik Indonesia"),
        (date(2026, 12, 25), "Hari Raya Natal"),
    ],
)
def test_national_holidays_and_cuti_bersama_are_off_and_named(day, name):
    assert not calendar().counts(day)
    assert calendar().why_not(day).name == name


def test_the_decree_for_2026_has_17_holidays_and_8_days_of_cuti_bersama():
    days = [off.name for day, off in indonesian_days_off([2026]).items()]
    joint = [name for name in days if name.startswith("Cuti Bersama")]
    assert (len(days) - len(joint), len(joint)) == (17, 8)


def asked(*years: int) -> tuple[dict[date, DayOff], date | None]:
    """The days off of Indonesia and the last decree, as the package `holidays` has them."""
    found = asked_days_off("ID", years, None, ("public", "government"), "id")
    joint = asked_days_off("ID", years, None, ("government",), "id")
    return dict(found), date(max(joint).year, 12, 31) if joint else None


def test_the_table_of_days_off_is_that_of_the_package_in_the_lock():
    lock = (REPOSITORY / "requirements.lock").read_text("utf-8").splitlines()
    assert f"holidays=={indonesian_holidays.VERSION}" in lock, "run `make holidays`"
    years = range(indonesian_holidays.FIRST_YEAR - 1, indonesian_holidays.LAST_YEAR + 2)
    assert len(years) > 30
    for year in years:
        assert (indonesian_days_off([year]), last_indonesian_decree([year])) == asked(year)
    assert (indonesian_days_off(years), last_indonesian_decree(years)) == asked(*years)
    within = years[1:-1]
    assert (indonesian_days_off(within), last_indonesian_decree(within)) == asked(*within)


def test_another_version_of_the_package_is_asked_itself(monkeypatch):
    monkeypatch.setattr("sla.calendar._installed_version", lambda: "0.1")
    monkeypatch.setattr(indonesian_holidays, "JOINT_LEAVE_YEARS", ())
    monkeypatch.setattr("sla.calendar._table", dict)
    assert (indonesian_days_off([2026]), last_indonesian_decree([2026])) == asked(2026)


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2026, 3, 19), "Day of Silence"),
        (date(2026, 3, 20), "Eid al-Fitr Joint Holiday"),
        (date(2027, 3, 10), "Eid al-Fitr"),
    ],
)
def test_a_holiday_has_an_english_name_unless_the_site_named_it(day, name):
    off = indonesian_days_off([day.year])[day]
    assert holiday_name(day, off, "en") == name
    assert holiday_name(day, off, "id") == off.name
    own = DayOff("Pilkada serentak", "SK Bupati")
    assert holiday_name(day, own, "en") == "Pilkada serentak"
    assert holiday_name(date(2026, 11, 24), own, "en") == "Pilkada serentak"


def test_a_weekend_is_off_without_a_name():
    assert calendar().why_not(date(2026, 11, 21)) == DayOff("")
    assert calendar().why_not(date(2026, 11, 23)) is None


def test_an_expected_holiday_is_marked_as_an_estimate():
    off = calendar().why_not(date(2027, 3, 10))
    assert off.estimate
    assert "perkiraan" not in off.name


def test_a_site_adds_removes_and_renames_days():
    known = indonesian_days_off([2026])
    days = with_corrections(
        known,
        add={date(2026, 10, 12): DayOff("Hari Jadi", "SK 1")},
        remove=[date(2026, 12, 24)],
        rename={date(2026, 8, 25): DayOff("Maulid", "SKB 2")},
    )
    assert days[date(2026, 10, 12)].basis == "SK 1"
    assert date(2026, 12, 24) not in days
    assert days[date(2026, 8, 25)] == DayOff("Maulid", "SKB 2")
    with pytest.raises(ValueError, match="2026-07-01 cannot be removed"):
        with_corrections(known, remove=[date(2026, 7, 1)])


def test_a_six_day_week_counts_saturdays():
    six = calendar(weekmask=(True,) * 6 + (False,))
    assert six.counts(date(2026, 11, 21))
    assert not six.counts(date(2026, 11, 22))


def test_days_outside_the_calendar_are_an_error_and_never_a_wrong_date():
    start = np.array([date(2027, 12, 30).toordinal()])
    with pytest.raises(OutsideCalendar, match="past the calendar's last day"):
        calendar().advance(start, np.array([30]))
    with pytest.raises(OutsideCalendar, match="2059-01-01 is outside"):
        calendar().counts(date(2059, 1, 1))


def test_a_due_date_after_the_last_decree_is_provisional():
    days = calendar(decreed_until=date(2026, 12, 31))
    assert days.provisional(date(2026, 12, 30), date(2027, 1, 4))
    assert not days.provisional(date(2026, 12, 1), date(2026, 12, 31))


def test_a_count_across_an_expected_holiday_is_provisional():
    assert calendar().provisional(date(2027, 3, 8), date(2027, 3, 17))  # Idul Fitri 2027
    assert not calendar().provisional(date(2027, 3, 12), date(2027, 3, 17))


def test_a_year_is_decreed_when_its_cuti_bersama_is_known():
    assert last_indonesian_decree([2025, 2026]) == date(2026, 12, 31)
    assert last_indonesian_decree([2035]) is None
