"""The parser of times remembers days and times of day, with the same results as without."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.common.dates import DateTimeParser, parse_datetime
from tasks.ingest.inference.column_types import FORMATS as PROPOSED

FORMATS = ("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%Y-%m-%d")
TEXTS = (
    "24/11/2026 07:05",
    "24/11/2026 23:59",
    "11/24/2026 07:05",  # only the second format fits
    "11/24/2026 23:59",
    "5/4/2026 7:05",
    "24/11/2026  07:05",
    "29/03/2026 01:59",  # in Berlin the clock changes on this day
    "29/03/2026 03:01",
    "25/10/2026 02:30",
    "25/10/2026 23:59",
    "2026-11-24",
)
REFUSED = ("", "24/11/2026", "24/11/2026 24:00", "31/02/2026 07:05", "07:05")


@pytest.mark.parametrize("zone", ["Asia/Makassar", "Europe/Berlin", "UTC"])
def test_a_remembered_day_changes_no_time(zone):
    parser = DateTimeParser(FORMATS, ZoneInfo(zone))

    def alone(text: str) -> datetime:
        for form in FORMATS:
            try:
                return parse_datetime(text, form).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
            except ValueError:
                continue
        raise AssertionError(text)

    for _ in range(2):
        assert [parser.parse(text) for text in TEXTS] == [alone(text) for text in TEXTS]
        assert [parser.parse(text) for text in REFUSED] == [None] * len(REFUSED)


@pytest.mark.parametrize(
    ("zone", "text"),
    [("Asia/Makassar", "01/01/0001 07:00"), ("America/New_York", "31/12/9999 20:00")],
)
def test_a_time_outside_of_the_calendar_in_utc_is_an_overflow(zone, text):
    parser = DateTimeParser(FORMATS, ZoneInfo(zone))
    assert parser.parse(f"{text[:10]} 12:00") is not None
    for _ in range(2):
        with pytest.raises(OverflowError):
            parser.parse(text)


BOSTON = "America/New_York"


@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M", "%d %b %Y %H:%M"])
def test_times_of_the_night_in_which_clocks_change_stay_in_order(form):
    """On 8 March 2026 there is no time between 2 and 3 o'clock in Boston."""
    parser = DateTimeParser([form], ZoneInfo(BOSTON))
    clocks = ("01:59", "02:00", "02:30", "02:59", "03:00", "03:15")
    written = [f"{datetime(2026, 3, 8):{form[:-6]}} {clock}" for clock in clocks]
    for _ in range(2):  # a parser remembers days
        read = [parser.parse(text) for text in written]
        assert [f"{moment:%H:%M}" for moment in read if moment] == [
            "06:59",
            "07:00",
            "07:00",
            "07:00",
            "07:00",
            "07:15",
        ]


def test_a_time_that_exists_twice_is_the_first_one():
    parser = DateTimeParser(["%Y-%m-%d %H:%M"], ZoneInfo(BOSTON))
    assert parser.parse("2026-11-01 01:30") == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert parser.parse("2026-11-01 02:30") == datetime(2026, 11, 1, 7, 30, tzinfo=UTC)


IN_NUMBERS = [form for form in PROPOSED if not any(part in form for part in ("%b", "%y", "."))]


@given(
    moment=st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),
    written=st.sampled_from(IN_NUMBERS),
    form=st.sampled_from(IN_NUMBERS),
    sign=st.sampled_from(["", "", "", " ", ".", "/", "-", ":", ",", "1", "T", "%", "\u0663"]),
    place=st.integers(0, 25),
)
def test_a_text_is_read_or_refused_as_by_strptime(moment, written, form, sign, place):
    text = f"{moment:{written}}"
    text = text[:place] + sign + text[place:]
    assert outcome(parse_datetime, text, form) == outcome(datetime.strptime, text, form)


def outcome(parse, text, form) -> datetime | str:
    try:
        return parse(text, form)
    except ValueError:
        return "refused"


def test_the_name_of_another_day_of_the_week_contradicts_the_date():
    form = "%A, %d %b %Y"
    assert parse_datetime("Tuesday, 10 Nov 2026", form).day == 10
    with pytest.raises(ValueError, match="another day of the week"):
        parse_datetime("Monday, 10 Nov 2026", form)
