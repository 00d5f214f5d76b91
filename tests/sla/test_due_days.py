"""How days are counted: the law's worked examples, and a plain day-by-day reference."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla.calendar import Calendar, DayOff, indonesian_days_off
from sla.due_days import NEVER, Stretch, due_day, due_days, merge, padded, used

FIRST, LAST = date(2024, 1, 1), date(2031, 12, 31)
WORKING = Calendar(FIRST, LAST, days_off=indonesian_days_off(range(2024, 2032)))
EVERY = Calendar.every_day(FIRST, LAST)


def day(text):
    return date.fromisoformat(text).toordinal()


@pytest.mark.parametrize(
    ("calendar", "length", "start", "pauses", "due"),
    [
        (WORKING, 5, "2026-03-16", [], "2026-03-30"),
        (EVERY, 14, "2026-03-16", [], "2026-03-30"),
        (WORKING, 3, "2026-03-14", [], "2026-03-25"),
        (WORKING, 5, "2026-11-02", [("2026-11-04", "2026-11-10")], "2026-11-13"),
        # a pause that begins on the last day: that day still counts, nothing is held up
        (WORKING, 5, "2026-11-02", [("2026-11-09", "2026-11-20")], "2026-11-09"),
        # begun and ended on one day: no day is lost
        (WORKING, 5, "2026-11-02", [("2026-11-04", "2026-11-04")], "2026-11-09"),
        # begun before the clock: only the part after the start holds it up
        (WORKING, 5, "2026-11-02", [("2026-10-28", "2026-11-04")], "2026-11-11"),
        # year end: 24 December is cuti bersama, 25 Christmas, 1 January New Year
        (WORKING, 5, "2026-12-22", [], "2026-12-31"),
        (WORKING, 6, "2026-12-22", [], "2027-01-04"),
    ],
)
def test_worked_examples(calendar, length, start, pauses, due):
    stretches = [(day(a), day(b)) for a, b in pauses]
    assert date.fromordinal(due_day(calendar, day(start), length, stretches)) == date.fromisoformat(
        due
    )


def test_an_open_pause_leaves_no_due_day():
    assert due_day(WORKING, day("2026-11-02"), 5, [(day("2026-11-04"), int(NEVER))]) == NEVER


def reference(calendar, start, length, pauses):
    """The rule said once more, plainly: walk from the day after, skip what does not count."""
    left, current = length, start
    while left:
        current += 1
        paused = any(begins < current <= ends for begins, ends in pauses)
        if not paused and calendar.counts(date.fromordinal(current)):
            left -= 1
    return current


@st.composite
def calendars(draw):
    weekmask = draw(st.lists(st.booleans(), min_size=7, max_size=7).filter(any))
    offsets = draw(st.sets(st.integers(0, 500), max_size=40))
    days_off = {FIRST + timedelta(days=400 + n): DayOff(f"off {n}") for n in offsets}
    return Calendar(FIRST, LAST, weekmask=weekmask, days_off=days_off)


starts = st.integers(
    (FIRST + timedelta(days=300)).toordinal(), (FIRST + timedelta(days=800)).toordinal()
)
lengths = st.integers(1, 60)


@st.composite
def pauses(draw):
    found = []
    for _ in range(draw(st.integers(0, 4))):
        begins = draw(starts)
        found.append((begins, begins + draw(st.integers(0, 40))))
    return found


def used_days(calendar: Calendar, start: int, until: int, stretches: list[Stretch]) -> int:
    """The time used by one deadline."""
    rows = padded([merge(stretches)])
    return int(used(calendar, np.array([start]), np.array([until]), rows)[0])


@given(calendars(), starts, lengths, pauses())
def test_due_days_equal_the_day_by_day_reference(calendar, start, length, stretches):
    due = due_day(calendar, start, length, stretches)
    assert due == reference(calendar, start, length, stretches)
    assert used_days(calendar, start, due, stretches) == length
    assert used_days(calendar, start, due - 1, stretches) == length - 1


@given(calendars(), st.lists(st.tuples(starts, lengths, pauses()), min_size=1, max_size=20))
def test_many_due_days_at_once_equal_each_alone(calendar, rows):
    width = max(len(merge(stretches)) for _, _, stretches in rows)
    padded = [
        merge(stretches) + [(int(NEVER), int(NEVER))] * (width - len(merge(stretches)))
        for _, _, stretches in rows
    ]
    together = due_days(
        calendar,
        np.array([start for start, _, _ in rows]),
        np.array([length for _, length, _ in rows]),
        np.array(padded, dtype=np.int64).reshape(len(rows), width, 2),
    )
    assert list(together) == [due_day(calendar, *row) for row in rows]


@given(starts, lengths, pauses(), st.integers(0, 120))
def test_a_new_holiday_never_makes_a_deadline_earlier(start, length, stretches, offset):
    more = {**WORKING.days_off, date.fromordinal(start + offset): DayOff("decreed yesterday")}
    decreed = Calendar(FIRST, LAST, days_off=more)
    assert due_day(decreed, start, length, stretches) >= due_day(WORKING, start, length, stretches)


@given(starts, lengths, st.integers(0, 30), st.integers(1, 30), st.integers(0, 30))
def test_a_longer_pause_never_makes_a_deadline_earlier(start, length, offset, span, more):
    begins = start + offset
    short = due_day(WORKING, start, length, [(begins, begins + span)])
    assert due_day(WORKING, start, length, [(begins, begins + span + more)]) >= short


@given(starts, lengths, st.integers(0, 30), st.integers(1, 30), st.integers(0, 30))
def test_a_pause_split_where_its_parts_touch_is_the_same_pause(start, length, offset, span, rest):
    begins, middle, ends = start + offset, start + offset + span, start + offset + span + rest
    whole = due_day(WORKING, start, length, [(begins, ends)])
    assert due_day(WORKING, start, length, [(begins, middle), (middle, ends)]) == whole
