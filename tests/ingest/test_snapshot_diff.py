"""What two looks at a source that shows only the present tell of the time between them.

November 2026 has no holiday: 2, 9, 16 and 23 are Mondays. Times are local (WITA).
"""

from datetime import UTC, date, datetime

import pytest
from conftest import WITA, wita

from settings.mapping import StatusWord
from sla.calendar import Calendar
from sla.engine.context import EvaluationContext
from sla.regulations.model import Law
from tasks.ingest.snapshot_diff import (
    Before,
    ObservedComplaint,
    ObservedState,
    StateSpan,
    Vocabulary,
    history,
    observed,
)

NEW = StatusWord(word="Belum Terverifikasi")
VERIFIED = StatusWord(word="Terverifikasi", enter=("verified",))
WAITING = StatusWord(word="Menunggu", enter=("material_requested",), leave=("material_completed",))
BY_ADMIN = StatusWord(word="Oleh Admin", enter=("verified", "settled"), leave=("reopened",))
BY_SYSTEM = StatusWord(
    word="Oleh Sistem",
    enter=("verified", "settled"),
    leave=("reopened",),
    earlier_by={"settled": 10},
)

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
BENCH = EvaluationContext(Law([]), Calendar(FIRST, LAST), Calendar.every_day(FIRST, LAST), WITA)
RECEIVED = "2026-11-02 09:00"
Shown = tuple[datetime, StatusWord, str | None]


def record(word: StatusWord, unit: str | None = None, received: str = RECEIVED) -> Shown:
    return wita(received).astimezone(UTC), word, unit


def before(word: StatusWord, seen_at: str, unit: str | None = None, verified: bool = True):
    return Before(
        word, unit, wita(seen_at), verified, word_seen_at=wita(seen_at), unit_seen_at=wita(seen_at)
    )


def told(now: Shown, then: Before | None, look: str, previous: str | None = None) -> list[str]:
    """The events as 'kind earliest - latest knowledge', local day and hour."""
    received, word, unit = now
    complaint = ObservedComplaint(
        received,
        "lapor",
        previous_import=wita(previous) if previous else None,
        recorded_at=wita(look),
        context=BENCH,
    )
    events = observed(complaint, word, unit, then, wita(look))
    assert all(event.recorded_at == wita(look) for event in events)
    return [
        f"{event.kind} {event.earliest.astimezone(WITA):%d %H:%M} -"
        f" {event.latest.astimezone(WITA):%d %H:%M} {event.knowledge}"
        + (f" {event.unit}" if event.unit else "")
        for event in events
        if event.earliest is not None
    ]


def test_a_change_lies_between_the_last_look_and_this_one():
    then = before(NEW, "2026-11-03 07:00", verified=False)
    assert told(record(VERIFIED, "pupr"), then, "2026-11-04 07:00") == [
        "verified 03 07:00 - 04 07:00 observed",
        "assigned 03 07:00 - 04 07:00 observed pupr",
    ]


def test_no_change_no_event():
    then = before(VERIFIED, "2026-11-03 07:00", "pupr")
    assert told(record(VERIFIED, "pupr"), then, "2026-11-04 07:00") == []


@pytest.mark.parametrize("look", ["2026-11-03 07:00", "2026-11-02 12:00"])
def test_a_look_that_is_not_newer_tells_nothing(look):
    then = before(BY_ADMIN, "2026-11-03 07:00")
    assert told(record(NEW), then, look) == []


def test_at_the_first_look_of_all_history_is_unknown():
    assert told(record(BY_ADMIN, "pupr"), None, "2026-11-24 07:00") == [
        "verified 02 09:00 - 24 07:00 unknown",
        "assigned 02 09:00 - 24 07:00 unknown pupr",
        "settled 02 09:00 - 24 07:00 unknown",
    ]


def test_what_came_in_since_the_previous_look_is_as_good_as_observed():
    new = record(VERIFIED, received="2026-11-03 08:00")
    assert told(new, None, "2026-11-04 07:00", previous="2026-11-03 07:00") == [
        "verified 03 08:00 - 04 07:00 observed"
    ]


def test_an_old_complaint_that_a_later_look_shows_first_has_no_history():
    assert told(record(VERIFIED), None, "2026-11-04 07:00", previous="2026-11-03 07:00") == [
        "verified 02 09:00 - 04 07:00 unknown"
    ]


def test_another_unit_returns_it_and_takes_it():
    then = before(VERIFIED, "2026-11-03 07:00", "pupr")
    assert told(record(VERIFIED, "dinsos"), then, "2026-11-04 07:00") == [
        "returned 03 07:00 - 04 07:00 observed pupr",
        "assigned 03 07:00 - 04 07:00 observed dinsos",
    ]
    assert told(record(VERIFIED), then, "2026-11-04 07:00") == [
        "returned 03 07:00 - 04 07:00 observed pupr"
    ]


RETURNED = StatusWord(word="Dikembalikan", enter=("returned",))
WORDS = Vocabulary({word.word: word for word in (NEW, VERIFIED, BY_ADMIN, RETURNED)}, {}, "kominfo")
NO = None
ASK = "?1"
"""A unit with a name that nobody has explained."""


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        # an empty cell is no return, and an unknown name neither
        ([(3, VERIFIED, "pupr"), (4, VERIFIED, NO)], ["pupr 02-03", "? 03-04"]),
        ([(3, VERIFIED, "pupr"), (4, VERIFIED, ASK)], ["pupr 02-03", "? 03-04"]),
        ([(3, VERIFIED, "pupr"), (4, VERIFIED, NO), (5, VERIFIED, "pupr")], ["pupr 02-03"]),
        (
            [(3, VERIFIED, "pupr"), (4, VERIFIED, ASK), (5, VERIFIED, "dinsos")],
            ["pupr 02-03", "back 03-05 pupr", "dinsos 03-05"],
        ),
        # the status says it
        ([(3, VERIFIED, "pupr"), (4, NEW, NO)], ["pupr 02-03", "back 03-04 pupr"]),
        (
            [(3, VERIFIED, "pupr"), (4, VERIFIED, NO), (5, NEW, NO)],
            ["pupr 02-03", "back 03-05 pupr"],
        ),
        ([(3, VERIFIED, "pupr"), (4, RETURNED, NO)], ["pupr 02-03", "back 03-04 pupr"]),
        (
            [(3, VERIFIED, "pupr"), (4, RETURNED, "pupr"), (5, VERIFIED, "pupr")],
            ["pupr 02-03", "back 03-04", "pupr 04-05"],
        ),
        ([(3, NEW, "pupr"), (4, NEW, NO)], ["pupr 02-03", "? 03-04"]),  # nothing was verified
        # a complaint that has ended
        ([(3, VERIFIED, "pupr"), (4, BY_ADMIN, NO)], ["pupr 02-03"]),
        ([(3, VERIFIED, "pupr"), (4, VERIFIED, NO), (5, BY_ADMIN, NO)], ["pupr 02-03", "? 03-04"]),
        ([(3, VERIFIED, "pupr"), (4, BY_ADMIN, NO), (5, VERIFIED, NO)], ["pupr 02-03", "? 03-05"]),
        # the administrator's unit stands in
        ([(3, VERIFIED, NO), (4, VERIFIED, ASK)], ["kominfo 03-04", "? 03-04"]),
        ([(3, VERIFIED, ASK), (4, VERIFIED, NO)], ["kominfo 02-03", "? 02-03"]),
        ([(3, VERIFIED, NO), (4, VERIFIED, ASK), (5, VERIFIED, "pupr")], ["pupr 03-05"]),
        ([(3, VERIFIED, NO), (4, VERIFIED, NO)], []),
    ],
)
def test_a_unit_that_is_not_shown_is_neither_returned_nor_charged(shown, expected):
    """The events about the unit, and the doubt about it (?), with the days of their interval."""
    spans = [
        StateSpan(ObservedState(word.word, unit), *(wita(f"2026-11-{day:02} 07:00"),) * 2)
        for day, word, unit in shown
    ]
    complaint = ObservedComplaint(wita(RECEIVED), "lapor", None, wita("2026-11-09 07:00"), BENCH)
    names = {"assigned": "", "returned": "back ", "assignee": "? "}
    assert [
        f"{names[event.kind] or f'{event.unit} '}{event.earliest:%d}-{event.latest:%d}"
        f" {event.unit or '' if event.kind == 'returned' else ''}".strip()
        for event in history(complaint, spans, WORDS, lambda moment: moment)
        if event.kind in names
    ] == expected


def test_leaving_a_word_tells_what_ended_with_it():
    waiting = before(WAITING, "2026-11-05 07:00")
    assert told(record(VERIFIED), waiting, "2026-11-06 07:00") == [
        "material_completed 05 07:00 - 06 07:00 observed"
    ]
    closed = before(BY_ADMIN, "2026-11-05 07:00")
    assert told(record(VERIFIED), closed, "2026-11-06 07:00") == [
        "reopened 05 07:00 - 06 07:00 observed"
    ]


def test_closing_ends_a_request_without_completing_it():
    waiting = before(WAITING, "2026-11-05 07:00", verified=False)
    assert told(record(BY_ADMIN), waiting, "2026-11-06 07:00") == [
        "verified 05 07:00 - 06 07:00 observed",
        "settled 05 07:00 - 06 07:00 observed",
    ]


def test_what_is_shown_ten_working_days_late_happened_that_much_earlier():
    """Closed by the system between the looks of Monday 23 and Tuesday 24.

    A follow-up of Monday 9 is left alone on 10, 11, 12, 13, 16, 17, 18, 19, 20 and 23, which are
    ten working days in full, and the look of the 24th shows it closed. The look of the 23rd would
    have shown any follow-up of Sunday 8 or before.
    """
    then = before(VERIFIED, "2026-11-23 07:00")
    assert told(record(BY_SYSTEM), then, "2026-11-24 07:00") == [
        "settled 08 00:00 - 09 23:59 observed"
    ]


def test_what_is_shown_late_cannot_have_happened_before_the_receipt():
    then = before(VERIFIED, "2026-11-16 07:00")
    assert told(record(BY_SYSTEM), then, "2026-11-17 07:00") == [
        "settled 02 09:00 - 02 23:59 observed"
    ]
    early = before(VERIFIED, "2026-11-03 07:00")  # sooner than the system can have closed it
    assert told(record(BY_SYSTEM), early, "2026-11-04 07:00") == [
        "settled 02 09:00 - 02 09:00 observed"
    ]


def test_a_first_look_bounds_what_is_shown_late_from_above_only():
    assert told(record(BY_SYSTEM), None, "2026-11-24 07:00") == [
        "verified 02 09:00 - 24 07:00 unknown",
        "settled 02 09:00 - 09 23:59 unknown",
    ]


def test_a_receipt_before_the_calendar_begins_does_no_harm():
    ancient = record(BY_SYSTEM, received="1995-01-01 08:00")
    assert told(ancient, None, "2026-11-24 07:00")[1].startswith("settled 01 08:00 - 09 23:59")


@pytest.mark.parametrize("word", [BY_SYSTEM, BY_ADMIN], ids=lambda word: word.word)
@pytest.mark.parametrize("day", range(3, 29))
def test_every_interval_is_whole_whatever_the_day(word, day):
    """An `Event` refuses an interval that ends before it begins."""
    then = before(NEW, f"2026-11-{day:02} 07:00", verified=False)
    assert len(told(record(word), then, f"2026-11-{day:02} 19:00")) == 2
