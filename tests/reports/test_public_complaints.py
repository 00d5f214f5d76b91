"""The public edition, read by somebody who knows that each complaint has three duties.

The reader tries every filling of the withheld cells that agrees with all published cells, their
sums over the tables and the edition of a part of the period. No number of complaints may be left
that can only be one or two.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from conftest import wita
from hypothesis import given, settings
from hypothesis import strategies as st
from support.histories import histories
from support.metric_cases import BENCH, NOVEMBER, case, event_at, gathered_of
from support.programs import sized
from support.synthetic_reports import view

from sla.metrics.columns import CaseColumns
from sla.metrics.definitions import PRESENT
from sla.metrics.encoding import STATES
from sla.metrics.table import WITHHELD, Measure, Row, Table
from sla.metrics.tables import Tellings
from sla.metrics.tables import report as tables_of
from sla.periods import Period
from tasks.reports.model import Report
from tasks.reports.public_edition import public_edition
from tasks.summary import PublishedOtherwise, SummaryRequest, make_summary

DUTIES = 3
"""Evaluated deadlines of each complaint, by the same three rules."""

DAY = date(2026, 11, 10).toordinal()


@pytest.fixture
def database_url(sqlite_url):
    """Nothing here depends on the kind of database."""
    return sqlite_url


def drawn(seed: int) -> CaseColumns:
    """Return a few complaints of November in two to four categories, with three duties each."""
    lot = random.Random(seed)
    count, kinds = lot.randrange(3, 13), lot.randrange(2, 5)
    words = [*(f"k{n}" for n in range(kinds)), "r1", "r2", "r3", "u1", "u2"]
    numbers = {word: n for n, word in enumerate(words)}
    weights = [4, 2, 1, 1][:kinds]
    category = np.array(lot.choices(range(kinds), weights, k=count), dtype=np.int64)
    unit = np.array([numbers[lot.choice(("u1", "u1", "u2"))] for _ in range(count)], dtype=np.int64)
    states = [STATES.index(state) for state in ("met", "met", "met_late", "breached")]
    day, flags = np.full(count, DAY, np.int64), np.zeros(count, np.bool_)
    case = np.repeat(np.arange(count), DUTIES)
    duty = np.zeros(len(case), np.bool_)
    d_unit = unit[case]
    return CaseColumns(
        words=dict(enumerate(words)),
        tickets=np.array([f"{n:03}" for n in range(count)], dtype=object),
        keys=np.arange(count),
        received=day,
        followed=~flags,
        followed_on=day,
        followed_from=day,
        follow_ups_until=day + 99,
        absent_since=day * 0,
        follow_up=day,
        first_settled=day,
        settled=day,
        settled_unknown=day * 0,
        settlement=day,
        open=flags,
        observed=flags,
        unknown=flags,
        status=category * 0,
        source=category * 0,
        unit=unit,
        classification=category * 0,
        category=category,
        channel=unit,
        place=category,
        rating=category + 1,
        d_case=case,
        d_rule=np.array([numbers[r] for r in ("r1", "r2", "r3")] * count),
        d_clock=case * 0,
        d_answerable=d_unit,
        d_unit=d_unit,
        d_calendar=d_unit,
        d_day=day[case],
        d_due=day[case],
        d_state=np.array([lot.choice(states) for _ in case]),
        d_open=duty,
        d_by_policy=duty,
        d_provisional=duty,
        d_started=day[case],
        d_stopped=day[case],
        d_reasons=case * 0,
        settlements=np.zeros((0, 2), np.int64),
        reopenings=np.zeros((0, 3), np.int64),
        returns=np.zeros((0, 3), np.int64),
        covered_until=day + 99,
        d_undecided=np.zeros(len(case), np.bool_),
    )


def report(cases: CaseColumns) -> Report:
    made = tables_of(
        cases, NOVEMBER, BENCH, wita("2026-12-02 09:30"), tellings=Tellings.none(), findings={}
    )
    return replace(view(count=0), tables=made)


Filling = tuple[int, int, int]
"""Complaints, met deadlines and missed deadlines of one row."""


def in_range(share: object, met: int, evaluated: int) -> bool:
    """Whether so many deadlines met are within the range that is shown in place of a share."""
    if not isinstance(share, str) or share == WITHHELD:
        return True
    least, most = map(float, share.split("-"))
    return evaluated > 0 and least <= met / evaluated and (met / evaluated < most or most == 1)


def fillings(table: Table, place: int, most: int) -> list[Filling]:
    """Return all fillings of a row that its own published cells allow."""
    keys = [column.key for column in table.columns]
    row = dict(zip(keys, table.rows[place].cells, strict=True))
    parts = row["met_late"], row["breached"]
    late = None if WITHHELD in parts else sum(parts)
    found = []
    for complaints in range(most + 1):
        if row.get("received", complaints) not in (complaints, WITHHELD):
            continue
        evaluated = complaints * DUTIES
        if row["verdicts"] not in (evaluated, WITHHELD):
            continue
        for met in range(evaluated + 1):
            share = row["share"]
            if row["met"] not in (met, WITHHELD) or late not in (evaluated - met, None):
                continue
            if not in_range(share, met, evaluated):
                continue
            if (share is None and evaluated) or (
                isinstance(share, float) and round(share * evaluated) != met
            ):
                continue
            found.append((complaints, met, evaluated - met))
    return found


def reached(rows: Iterable[list[Filling]]) -> set[Filling]:
    """Return all sums of one filling for each row."""
    sums: set[Filling] = {(0, 0, 0)}
    for row in rows:
        sums = {tuple(map(sum, zip(a, b, strict=True))) for a in sums for b in row}  # type: ignore[misc]
    return sums


def told(public: Report, full: Report, key: str) -> Iterator[tuple[str, str, int]]:
    """Yield numbers of complaints that the reader knows to be one or two."""
    table, original = public.table(key), full.table(key)
    assert table
    assert original
    names = [column.key for column in original.columns]
    total = sum(row.cells[names.index("verdicts")] for row in original.rows) // DUTIES
    met = sum(row.cells[names.index("met")] for row in original.rows)
    wholes = {(total, met, total * DUTIES - met)}
    if any(WITHHELD in row.cells for row in public.table("by_rule").rows):
        wholes = {(c, m, c * DUTIES - m) for c in range(total + 3) for m in range(c * DUTIES + 1)}
        wholes = {
            each
            for each in wholes
            if public.table("headline").value("received", "value") in (each[0], WITHHELD)
        }
    may_be = [fillings(table, n, total + 2) for n in range(len(table.rows))]
    for place, row in enumerate(table.rows):
        others = reached(each for n, each in enumerate(may_be) if n != place)
        left = {
            filling
            for filling in may_be[place]
            if any(tuple(map(sum, zip(filling, other, strict=True))) in wholes for other in others)
        }
        assert left, "the truth itself must fit"
        for name, numbers in (
            ("complaints", {c for c, _, _ in left}),
            ("met", {(-(-m // DUTIES), min(m, c)) for c, m, _ in left}),
            ("missed", {(-(-late // DUTIES), min(late, c)) for c, _, late in left}),
        ):
            ends = [n if isinstance(n, tuple) else (n, n) for n in numbers]
            if all(low > 0 and high < 3 for low, high in ends):
                yield row.key, name, seed_of(ends)


def seed_of(ends: list[tuple[int, int]]) -> int:
    return max(high for _, high in ends)


@pytest.mark.long
def test_no_reader_finds_one_or_two_complaints():
    wrong = {}
    for seed in range(sized(20, 400)):
        full = report(drawn(seed))
        public = public_edition(full)
        found = [
            (key, *each)
            for key in ("by_category", "by_channel", "by_unit")
            for each in told(public, full, key)
        ]
        if found:
            wrong[seed] = found
    assert wrong == {}


def test_the_months_of_an_earlier_quarter_stay_withheld_in_the_next_edition():
    """The quarter's own edition withholds October with September, and gives their sum."""
    rows = {7: 30, 8: 40, 9: 2, 10: 35, 11: 36, 12: 37}
    full = view()
    trend = full.table("trend")
    assert trend
    months = tuple(Row(f"2026-{n:02}", (count, 50, 4, 50, 0.5)) for n, count in rows.items())
    changed = tuple(replace(t, rows=months) if t is trend else t for t in full.tables)
    fourth = replace(
        full,
        tables=changed,
        period_key="2026-Q4",
        first=date(2026, 10, 1),
        last=date(2026, 12, 31),
    )
    third = replace(fourth, period_key="2026-Q3", first=date(2026, 7, 1), last=date(2026, 9, 30))
    shown = [
        [row.cells[0] for row in table.rows[:3]]
        for each in (third, fourth)
        if (table := public_edition(each).table("trend"))
    ]
    assert shown == [[WITHHELD, 40, WITHHELD]] * 2


RUNGS = ("reminder", "plus-3")


@st.composite
def notified(draw, cases):
    """Up to four notices of two rungs about each of these complaints, on days of November."""
    entries = st.lists(st.tuples(st.integers(1, 30), st.sampled_from(RUNGS)), max_size=4)
    found = [(n, *entry) for n in range(len(cases)) for entry in draw(entries)]
    day = NOVEMBER.first.toordinal() - 1
    return Tellings(
        np.array([n for n, _, _ in found], dtype=np.int64),
        np.array([day + each for _, each, _ in found], dtype=np.int64),
        [rung for _, _, rung in found],
        ["escalation"] * len(found),
    )


def some_of_a_rung(row: Row, shown: Row) -> Iterator[tuple[str, int]]:
    """Yield groups of complaints of a rung that the published numbers tell, with their sizes."""
    names = ("notices", "complaints")
    cells = zip(names, row.cells[1:3], shown.cells[1:3], strict=True)
    numbers = {name: true for name, true, told in cells if told != WITHHELD}
    yield from numbers.items()
    if len(numbers) == len(names):
        yield "notified more than once", row.behind["notified_again"]
        yield "more notices", numbers["notices"] - numbers["complaints"]
    groups = dict(shown.of)
    groups |= {"all": numbers["complaints"]} if "complaints" in numbers else {}
    within = [f"settled_within_{days}" for days in (3, 7, 14)]
    for name, share in zip(within, shown.cells[3:], strict=True):
        if isinstance(share, float) and (of := shown.of.get(name)):
            part = round(share * of)
            groups |= {f"settled: {name}": part, f"not settled: {name}": of - part}
    yield from groups.items()
    days = [(a, b) for n, a in enumerate(within) for b in within[n + 1 :]]
    left = [(f"not settled: {a}", f"not settled: {b}") for a, b in days]
    for whole, part in [*(("all", name) for name in within), *days, *left]:
        if whole in groups and part in groups:
            yield f"{whole} without {part}", groups[whole] - groups[part]


@pytest.mark.thorough
@pytest.mark.long
@settings(max_examples=sized(60, 600))
@given(histories(), st.integers(1, 4), st.data())
def test_the_numbers_of_a_rung_tell_no_one_or_two_complaints(cases, copies, data):
    """Neither one of them nor the difference of two: notices and complaints, days and more days."""
    many = [replace(each, ticket=f"{each.ticket}-{n}") for each in cases for n in range(copies)]
    gathered, _ = gathered_of(many)
    made = tables_of(
        gathered,
        NOVEMBER,
        BENCH,
        wita("2026-12-02 09:30"),
        tellings=data.draw(notified(many)),
        findings={},
    )
    full = replace(view(count=0), tables=made)
    true, shown = full.table("escalations"), public_edition(full).table("escalations")
    assert true
    assert shown
    for row, public in zip(true.rows, shown.rows, strict=True):
        small = [each for each in some_of_a_rung(row, public) if each[1] in {1, 2}]
        assert small == [], (row, public)


OCTOBER = Period("2026-10", date(2026, 10, 1), date(2026, 10, 31))


def edition(cases, period: Period, at: str) -> Report:
    """The public edition of these complaints."""
    gathered, _ = gathered_of(cases)
    tables = tables_of(gathered, period, BENCH, wita(at), tellings=Tellings.none(), findings={})
    return public_edition(
        replace(
            view(count=0),
            tables=tables,
            period_key=period.name,
            first=period.first,
            last=period.last,
        )
    )


def exact_and_rounded(first: Report, second: Report) -> Iterator[tuple[object, object]]:
    """Yield each figure of the first period, as its own edition and as the next one shows it."""
    mine, later = first.table("trend"), second.table("trend")
    assert mine
    assert later
    for column in ("received", "settled", "verdicts"):
        yield mine.value("2026-10", column), later.value("2026-10", column)
    before, after = first.table("headline"), second.table("headline")
    assert before
    assert after
    for row in before.rows:
        if row.measure is Measure.COUNT and row.key not in PRESENT:
            yield row.cells[0], after.value(row.key, "previous")


@pytest.mark.thorough
@pytest.mark.long
@settings(max_examples=sized(25, 300))
@given(histories(), st.integers(1, 6), st.data())
def test_two_editions_compared_tell_no_number_of_one_or_two(cases, copies, data):
    """Some complaints of October are recorded only after its edition."""
    many = [replace(each, ticket=f"{each.ticket}-{n}") for each in cases for n in range(copies)]
    known = [each for each in many if data.draw(st.booleans())]
    first = edition(known, OCTOBER, "2026-11-02 09:30")
    second = edition(many, NOVEMBER, "2026-12-02 09:30")
    for exact, rounded in exact_and_rounded(first, second):
        if not isinstance(exact, int) or not isinstance(rounded, int):
            continue
        recorded_late = {abs(n - exact) for n in range(rounded - 2, rounded + 3) if n >= 0}
        assert recorded_late - {1, 2}, (exact, rounded)
        assert rounded % 5 == 0
    headline = second.table("headline")
    assert headline
    for row in headline.rows:
        if row.measure is Measure.DAYS:
            assert not isinstance(row.cells[1], int | float)


def test_a_rounded_share_needs_many_deadlines():
    """24 deadlines of October: one more that is recorded late could be told from the share."""
    shares = {}
    for count in (24, 25, 40):
        cases = [
            case(
                f"{n:02}",
                event_at("received", "2026-10-05 10:00"),
                *([event_at("settled", "2026-10-06 10:00")] if n % 4 else []),
            )
            for n in range(count)
        ]
        shown = edition(cases, NOVEMBER, "2026-12-02 09:30")
        shares[count] = [
            table.value(row, column)
            for key, row, column in (
                ("trend", "2026-10", "share"),
                ("headline", "on_time", "previous"),
            )
            if (table := shown.table(key))
        ]
    assert shares == {24: [WITHHELD] * 2, 25: [0.7] * 2, 40: [0.75] * 2}


def test_editions_of_overlapping_periods_are_refused(context, tmp_path):
    now = wita("2026-12-02 09:30")

    def publish(period: str) -> None:
        make_summary(
            context,
            SummaryRequest(period, now, public=True, out=tmp_path, formats={"json"}),
            now,
            "r",
        )

    for period in ("2026-10", "2026-11", "2026-11"):
        publish(period)
    with pytest.raises(PublishedOtherwise, match="edition of 2026-10 overlaps with 2026-Q4"):
        publish("2026-Q4")
    assert len(list(tmp_path.glob("*Q4*"))) == 0
    publish("2026-Q3")
