"""The public edition: what an attacker who can count works out of it, by trying everything."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import product

import pytest
from support.programs import sized
from support.synthetic_reports import RULES, Made, complaints, tables, view, without_rows

from sla.directory import SUPERIOR_OFFICE
from sla.metrics.table import WITHHELD, Measure, Row, Table
from tasks.reports.disclosure_control import PARTS, column_hidden, fits
from tasks.reports.formats.json_csv import report_csv, report_json, sha256_of
from tasks.reports.model import Report
from tasks.reports.public_edition import public_edition

SPLIT = ("by_rule", "by_unit", "by_classification", "by_category", "by_channel")


def report(made: list[Made]) -> Report:
    return replace(view(count=0), tables=tables(made))


def counts_of(table: Table, *columns: str) -> list[tuple[object, ...]]:
    places = [[each.key for each in table.columns].index(column) for column in columns]
    return [tuple(row.cells[place] for place in places) for row in table.rows]


Way = tuple[int, ...]


def ways(row: tuple[object, ...], sums: list[int]) -> list[Way]:
    """All fillings (met, met_late, breached) of a row (evaluated, ..., share) as it is shown."""
    evaluated, *parts, share = row
    choices = [
        range(most + 1) if part == WITHHELD else (part,)
        for part, most in zip(parts, sums, strict=True)
    ]
    return [
        way
        for way in product(*choices)
        if evaluated in (WITHHELD, sum(way))
        and (not isinstance(share, float) or way[0] == round(share * sum(way)))
        and in_range(share, way[0], sum(way))
    ]


def in_range(share: object, met: int, evaluated: int) -> bool:
    """Whether so many deadlines met are within the range that is shown in place of a share."""
    if not isinstance(share, str) or share == WITHHELD:
        return True
    least, most = map(float, share.split("-"))
    return evaluated > 0 and least <= met / evaluated and (met / evaluated < most or most == 1)


def possible(rows: list[tuple[object, ...]], sums: list[int], *, known: bool) -> list[list[Way]]:
    """For each row what it may be, given what the others may be where the sums are known."""
    each = [ways(row, sums if known else [sum(sums)] * len(sums)) for row in rows]
    if not known:
        return each
    found = []
    for number, mine in enumerate(each):
        reached = reached_by([*each[:number], *each[number + 1 :]], sums)
        left = {tuple(most - a for most, a in zip(sums, before, strict=True)) for before in reached}
        found.append([way for way in mine if way in left])
    return found


VERDICTS = ("verdicts", *PARTS, "share")


@pytest.mark.thorough
@pytest.mark.long
def test_no_small_verdict_can_be_worked_out_even_by_who_knows_the_sums():
    found = {seed: wrong for seed in range(sized(60, 600)) if (wrong := worked_out(few(seed)))}
    assert found == {}


@pytest.mark.long
def test_no_small_verdict_can_be_worked_out_from_the_ranges_of_shares():
    found, shown = {}, 0
    for seed in range(sized(12, 120)):
        lot = random.Random(seed)
        made = complaints(lot.randrange(24, 40), ["u1", "u2", "u3"], seed)
        public = public_edition(report(made)).table("by_unit")
        assert public
        shares = [row.cells[7] for row in public.rows]
        shown += sum(isinstance(share, str) and share != WITHHELD for share in shares)
        if wrong := worked_out(made):
            found[seed] = wrong
    assert found == {}
    assert shown > 5


@pytest.mark.parametrize("seed", range(4))
def test_fewer_than_a_third_of_the_units_are_without_a_share_or_its_range(seed):
    units = public_edition(view(units=18, count=400, seed=seed)).table("by_unit")
    assert units
    without = sum(row.cells[7] == WITHHELD for row in units.rows)
    assert without < len(units.rows) / 3


def few(seed: int) -> list[Made]:
    """A few complaints of two or three units."""
    lot = random.Random(seed)
    units = [f"u{n}" for n in range(lot.randrange(2, 4))]
    return complaints(lot.randrange(6, 16), units, seed)


def worked_out(made: list[Made]) -> list[object]:
    """The verdicts of one or two of a report of these complaints that can be only what they are."""
    full, public = report(made), public_edition(report(made))
    table, shown = full.table("by_unit"), public.table("by_unit")
    assert table
    assert shown
    true = {row.key: row for row in table.rows}
    rows = counts_of(shown, *VERDICTS)
    sums = [sum(column) for column in zip(*counts_of(table, *PARTS), strict=True)]  # type: ignore[arg-type]
    whole = public.table("by_rule")
    assert whole
    known = not any(WITHHELD in row for row in counts_of(whole, *PARTS)) or not any(
        0 < each < 3 for each in (*sums, sums[1] + sums[2])
    )
    may_be = possible(rows, sums, known=known)
    if not all(may_be):
        return ["the truth itself must fit"]
    names = [column.key for column in table.columns]
    return [
        (part, row.key, value)
        for row, fillings in zip(shown.rows, may_be, strict=True)
        for place, part in enumerate(PARTS)
        for value in [true[row.key].cells[names.index(part)]]
        if value in {1, 2} and len({way[place] for way in fillings}) < 2
    ]


OF_SUPERIORS = "uu25/decision"
"""The rule that gives its duties to superiors in the reports below."""


def with_superiors(seed: int) -> list[Made]:
    """Some complaints of three or four units, and a few with a duty of superiors alone."""
    lot = random.Random(seed)
    units = [f"u{n}" for n in range(lot.randrange(3, 5))]
    of_units = [rule for rule in RULES if rule != OF_SUPERIORS]
    return [
        replace(each, rule=OF_SUPERIORS, unit=SUPERIOR_OFFICE)
        if lot.random() < 0.15
        else replace(each, rule=lot.choice(of_units))
        for each in complaints(lot.randrange(20, 40), units, seed)
    ]


@pytest.mark.parametrize(
    "seed",
    [
        20,
        pytest.param(28, marks=pytest.mark.thorough),
        pytest.param(110, marks=pytest.mark.thorough),
        pytest.param(119, marks=pytest.mark.thorough),
    ],
)
def test_the_two_rows_of_the_duties_of_superiors_tell_no_small_verdict(seed):
    """With each table protected by itself a reader of both could work one out from these."""
    assert worked_out_of_both(seed) == []


@pytest.mark.thorough
@pytest.mark.long
def test_no_small_verdict_follows_from_the_duties_of_superiors_in_two_tables():
    """The row of their rule and the row of their office are the same complaints."""
    found = {seed: wrong for seed in range(sized(20, 200)) if (wrong := worked_out_of_both(seed))}
    assert found == {}


LINKED = {"by_rule": OF_SUPERIORS, "by_unit": SUPERIOR_OFFICE}
"""The row of the duties of superiors in each of the two tables."""


def worked_out_of_both(seed: int) -> list[object]:
    """The verdicts of one or two that can be only what they are, by who reads both tables."""
    full = replace(report(with_superiors(seed)), of_superiors=frozenset({OF_SUPERIORS}))
    public = public_edition(full)
    columns = counts_of(full.table("by_rule"), *PARTS)
    sums = [sum(column) for column in zip(*columns, strict=True)]  # type: ignore[arg-type]
    summed = public.table("by_rule").total
    if WITHHELD in summed.cells[:4]:
        return []
    may_be = {
        key: {
            row.key: ways(shown, sums)
            for row, shown in zip(table.rows, counts_of(table, *VERDICTS), strict=True)
        }
        for key in LINKED
        for table in (public.table(key),)
    }
    both = set.intersection(
        *(set(may_be[key].get(row, [(0, 0, 0)])) for key, row in LINKED.items())
    )
    wrong: list[object] = []
    left = {key: set[Way]() for key in LINKED}
    for key, row in LINKED.items():
        others = reached_by([each for name, each in may_be[key].items() if name != row], sums)
        left[key] = {tuple(most - a for most, a in zip(sums, way, strict=True)) for way in others}
    of_superiors = both.intersection(*left.values())
    assert of_superiors, "the truth itself must fit"
    for key, linked in LINKED.items():
        table = full.table(key)
        names = [column.key for column in table.columns]
        for row in table.rows:
            rest = [each for name, each in may_be[key].items() if name not in {row.key, linked}]
            fillings = of_superiors
            if row.key != linked:
                known = reached_by([*rest, list(of_superiors)], sums)
                left_over = {
                    tuple(most - a for most, a in zip(sums, way, strict=True)) for way in known
                }
                fillings = {way for way in may_be[key][row.key] if way in left_over}
            for place, part in enumerate(PARTS):
                value = row.cells[names.index(part)]
                if value in {1, 2} and len({way[place] for way in fillings}) < 2:
                    wrong.append((key, row.key, part, value))
    return wrong


def reached_by(rows: list[list[Way]], sums: list[int]) -> set[Way]:
    """All sums of one filling for each row, up to the sums of the columns."""
    reached: set[Way] = {tuple(0 for _ in sums)}
    for each in rows:
        reached = {
            after
            for before in reached
            for way in each
            for after in [tuple(map(sum, zip(before, way, strict=True)))]
            if all(a <= most for a, most in zip(after, sums, strict=True))
        }
    return reached


@pytest.mark.thorough
@pytest.mark.long
def test_no_count_of_one_or_two_is_shown_and_no_column_gives_one_away():
    found = {seed: wrong for seed in range(sized(40, 400)) if (wrong := list(given_away(seed)))}
    assert found == {}


def given_away(seed: int) -> Iterator[object]:
    """Where this seed's report shows a count of one or two, or a column from which one follows."""
    lot = random.Random(seed)
    made = complaints(lot.randrange(1, 80), [f"u{n}" for n in range(lot.randrange(1, 9))], seed)
    full, public = report(made), public_edition(report(made))
    for table in public.tables:
        original = full.table(table.key)
        assert original
        for row in table.rows:
            if (table.key, row.key) == ("quality", "vacancies"):
                continue
            for column, cell in zip(table.columns, row.cells, strict=True):
                if (row.measure or column.measure) is Measure.COUNT and cell in {1, 2}:
                    yield table.key, row.key, column.key
    headline = public.table("headline")
    assert headline
    for key in SPLIT:
        table, original = public.table(key), full.table(key)
        assert table
        assert original
        for column in ("open", "received", "verdicts", "unknown", "waived"):
            if column not in {each.key for each in table.columns}:
                continue
            true = {
                row.key: cell
                for row, (cell,) in zip(original.rows, counts_of(original, column), strict=True)
            }
            gone = [
                true[row.key]
                for row, (cell,) in zip(table.rows, counts_of(table, column), strict=True)
                if cell == WITHHELD
            ]
            total_known = any(
                other != key
                and (t := public.table(other))
                and column in {c.key for c in t.columns}
                and not any(cell == WITHHELD for (cell,) in counts_of(t, column))
                for other in SPLIT
            ) or (column in {"open", "received"} and headline.value(column, "value") != WITHHELD)
            if gone and total_known and (len(gone) < 2 or sum(gone) < max(3, len(gone) + 1)):
                yield key, column, gone


@pytest.mark.long
def test_what_a_column_hides_can_be_filled_otherwise():
    columns = product(range(5), repeat=sized(4, 5))
    assert [column for column in columns if not filled_otherwise(column)] == []


def filled_otherwise(values: tuple[int, ...]) -> bool:
    """Whether all small values of a column are hidden, and each might be another."""
    hidden = column_hidden(list(values))
    if hidden is None:
        return not fits(values)
    if not hidden >= {place for place, value in enumerate(values) if 0 < value < 3}:
        return False
    total = sum(values[place] for place in hidden)
    fillings = [way for way in product(range(total + 1), repeat=len(hidden)) if sum(way) == total]
    if 0 not in (values[place] for place in hidden):
        fillings = [way for way in fillings if all(way)]
    return all(
        len({way[number] for way in fillings}) > 1
        for number, place in enumerate(sorted(hidden))
        if 0 < values[place] < 3
    )


@pytest.mark.parametrize(
    ("values", "hidden"),
    [
        ([4, 9, 1, 7], {2, 3}),  # without the first row apart it would protect the third one
        ([1, 9, 8], {0, 1, 2}),
        ([1, 9], None),
        ([4, 9], set()),
    ],
)
def test_a_row_apart_protects_no_other_one(values, hidden):
    assert column_hidden(values, apart={0}) == hidden


def test_a_share_that_rests_on_fewer_than_three_is_withheld():
    full = view()
    headline = full.table("headline")
    assert headline
    few = {"received": 2, "settled": 2, "followed_up_share": 0.5, "on_time": 1.0}
    rows = tuple(
        replace(row, cells=(few.get(row.key, row.cells[0]), None, None), tickets=("1", "2"))
        for row in headline.rows
    )
    months = full.table("trend")
    assert months
    last = replace(months.rows[-1], cells=(2, 2, 0, 2, 1.0))
    changed = tuple(
        replace(table, rows=rows)
        if table.key == "headline"
        else replace(table, rows=(*table.rows[:-1], last))
        if table.key == "trend"
        else replace(table, rows=())
        for table in full.tables
    )
    public = public_edition(replace(full, tables=changed))
    shown = public.table("headline")
    assert shown
    for key in ("received", "settled", "followed_up_share", "on_time", "mean_days_to_settlement"):
        assert shown.value(key, "value") == WITHHELD, key
    trend = public.table("trend")
    assert trend
    assert trend.rows[-1].cells == (WITHHELD,) * 4


def test_the_months_of_a_quarter_do_not_give_its_sum_away():
    full = view()
    trend, headline = full.table("trend"), full.table("headline")
    assert trend
    assert headline
    quarter = [
        Row(f"2026-{month:02}", cells)
        for month, cells in (
            (10, (30, 20, 1, 20, 0.5)),
            (11, (2, 20, 0, 20, 0.5)),
            (12, (40, 20, 2, 20, 0.5)),
        )
    ]
    rows = (replace(headline.rows[0], cells=(72, None, None)), *headline.rows[1:])
    changed = tuple(
        replace(t, rows=tuple(quarter))
        if t.key == "trend"
        else replace(t, rows=rows)
        if t.key == "headline"
        else t
        for t in full.tables
    )
    public = public_edition(
        replace(
            full,
            tables=changed,
            period_key="2026-Q4",
            first=date(2026, 10, 1),
            last=date(2026, 12, 31),
        )
    )
    shown = public.table("trend")
    assert shown
    assert [row.cells[0] for row in shown.rows] == [WITHHELD, WITHHELD, 40]
    assert "settled_unknown" not in {column.key for column in shown.columns}


def test_a_rung_of_few_complaints_tells_no_share():
    full = view()
    escalations = full.table("escalations")
    assert escalations
    rungs = (
        Row("a", ("reminder", 9, 2, 0.5, 1.0, 1.0)),
        Row("b", ("reminder", 9, 9, 1 / 9, 1.0, 0.0)),
        Row("c", ("reminder", 30, 30, 0.5, 29 / 30, None)),
    )
    changed = tuple(replace(t, rows=rungs) if t is escalations else t for t in full.tables)
    shown = public_edition(replace(full, tables=changed)).table("escalations")
    assert shown
    assert [row.cells[1:] for row in shown.rows] == [
        (9, *[WITHHELD] * 4),
        (9, 9, WITHHELD, 1.0, 0.0),
        (30, 30, 0.5, WITHHELD, None),
    ]


def test_the_shares_of_a_rung_tell_no_part_of_one_or_two_complaints():
    """Of its own number of complaints, which stands beside it, and of the part of another share."""
    full = view()
    escalations = full.table("escalations")
    assert escalations
    within = [f"settled_within_{days}" for days in (3, 7, 14)]
    rungs = tuple(
        Row(key, ("reminder", 30, 30, *shares), of=dict(zip(within, of, strict=True)))
        for key, shares, of in (
            ("a", (0.1, 0.5, 0.6), (10, 10, 10)),
            ("b", (0.5, 0.6, 0.7), (20, 20, 20)),
            ("c", (0.3, 0.6, 0.9), (30, 20, 10)),
        )
    )
    changed = tuple(replace(t, rows=rungs) if t is escalations else t for t in full.tables)
    shown = public_edition(replace(full, tables=changed)).table("escalations")
    assert shown
    assert [row.cells[3:] for row in shown.rows] == [
        (WITHHELD, 0.5, WITHHELD),  # 1 of 10 complaints, 5, and 1 more than those
        (0.5, WITHHELD, 0.7),  # 10 of 20 complaints, 2 more, and 4 more than the first
        (0.3, 0.6, WITHHELD),  # 9, 12, and all but one
    ]
    assert all(not row.of for row in shown.rows)


@pytest.mark.parametrize(
    ("of", "last", "told"), [((30, 25, 20), 0.25, True), ((30, 28, 20), 0.4, False)]
)
def test_the_numbers_behind_the_shares_of_a_rung_tell_no_one_or_two_of_some_days(of, last, told):
    """28 of 30 are notified for more than 7 days: two for 4 to 7 days."""
    full = view()
    escalations = full.table("escalations")
    assert escalations
    within = [f"settled_within_{days}" for days in (3, 7, 14)]
    rung = Row("a", ("reminder", 40, 40, 0.5, 0.4, last), of=dict(zip(within, of, strict=True)))
    changed = tuple(replace(t, rows=(rung,)) if t is escalations else t for t in full.tables)
    shown = public_edition(replace(full, tables=changed)).table("escalations")
    assert shown
    assert shown.rows[0].cells == rung.cells
    assert dict(shown.rows[0].of) == (dict(rung.of) if told else {within[2]: 20})


@pytest.mark.parametrize(
    ("notices", "again", "told"), [(30, 0, True), (32, 2, False), (33, 2, False), (33, 3, True)]
)
def test_notices_beside_complaints_tell_no_one_or_two_with_a_second_notice(notices, again, told):
    """The shares stay, and so do the numbers behind them."""
    full = view()
    escalations = full.table("escalations")
    assert escalations
    shares, of = (0.5, 0.6, 0.7), {f"settled_within_{days}": 30 for days in (3, 7, 14)}
    cells = ("reminder", notices, 30, *shares)
    rung = Row("a", cells, of=of, behind={"notified_again": again})
    changed = tuple(replace(t, rows=(rung,)) if t is escalations else t for t in full.tables)
    shown = public_edition(replace(full, tables=changed)).table("escalations")
    assert shown
    assert shown.rows[0].cells[1] == (notices if told else WITHHELD)
    assert shown.rows[0].cells[2:] == (30, *shares)
    assert shown.rows[0].of == of


def test_the_public_edition_names_no_complaint_and_has_a_checksum_of_its_own():
    full = view()
    public = public_edition(full)
    assert public.table("late") is None
    assert not any(row.tickets for table in public.tables for row in table.rows)
    assert public.sha256 == sha256_of(public.tables) != full.sha256
    for text in (report_json(public), report_csv(public)):
        assert "5010" not in text
        assert full.sha256 not in text


def test_rows_whose_shares_are_withheld_stand_in_an_order_that_tells_nothing():
    public = public_edition(view(units=12, count=60))
    units = public.table("by_unit")
    assert units
    gone = [row.key for row in units.rows if isinstance(row.cells[7], str)]
    assert gone
    assert gone == sorted(gone)
    assert [row.key for row in units.rows][-len(gone) :] == gone


def test_an_empty_report_has_a_public_edition_too():
    public = public_edition(without_rows(view()))
    assert all(not table.rows for table in public.tables)


def test_the_number_behind_a_share_is_withheld_if_it_or_the_rest_is_one_or_two():
    full = view()
    headline = full.table("headline")
    received, settled = (headline.value(key, "value") for key in ("received", "settled"))

    def published(of: int) -> set[str]:
        rows = [replace(row, of={"value": of} if row.of else {}) for row in headline.rows]
        tables = [replace(t, rows=tuple(rows)) if t is headline else t for t in full.tables]
        shown = public_edition(replace(full, tables=tuple(tables))).table("headline")
        assert shown
        return {row.key for row in shown.rows if row.of}

    followed_up = {"followed_up_within_5", "followed_up_share"}
    to_follow_up = {f"{which}_days_to_follow_up" for which in ("mean", "median", "ninetieth")}
    to_settlement = {f"{which}_days_to_settlement" for which in ("mean", "median", "ninetieth")}
    whole = {"on_time"}
    assert published(2) == set()
    assert published(received - 2) - to_settlement == whole
    assert published(received) >= followed_up | to_follow_up | whole
    assert published(settled - 1) & to_settlement == set()
    assert published(settled) >= to_settlement


def withheld_of_the_moment(public: Report) -> set[tuple[str, str, str]]:
    """The cells that are withheld of what is open and late when the edition is made."""
    return {
        (table.key, row.key, column.key)
        for table in public.tables
        for row in table.rows
        for column, cell in zip(table.columns, row.cells, strict=True)
        if column.key in {"open", "late", "open_late", "late_duties"} and cell == WITHHELD
    }


def test_editions_of_two_periods_made_at_one_moment_withhold_the_same_of_that_moment():
    """Their units and classes are in another order, because other complaints were received."""
    for seed in range(8):
        full, lot = report(complaints(40, [f"u{n}" for n in range(6)], seed)), random.Random(seed)
        others = []
        for table in full.tables:
            rows = list(table.rows)
            if table.key in {"by_unit", "by_classification", "by_category", "by_channel"}:
                lot.shuffle(rows)
            others.append(replace(table, rows=tuple(rows)))
        first, second = public_edition(full), public_edition(replace(full, tables=tuple(others)))
        assert withheld_of_the_moment(first)
        assert withheld_of_the_moment(first) == withheld_of_the_moment(second)


def test_made_twice_it_is_the_same():
    full = view(units=12, count=60)
    assert public_edition(full) == public_edition(full)


def test_the_public_tables_are_in_the_order_that_their_notes_say():
    """Also rows with a withheld cell; the order follows from what is published."""
    for seed in range(8):
        public = public_edition(view(units=14, count=150, seed=seed))
        units = public.table("by_unit")
        shown = [
            (row.cells[7], row.small, row.key)
            for row in units.rows
            if not isinstance(row.cells[7], str)
        ]
        fit = [(share, key) for share, small, key in shown if not small and share is not None]
        assert fit == sorted(fit)
        assert fit == [(share, key) for share, _, key in shown][: len(fit)]
        for key in ("by_classification", "by_category", "by_channel"):
            came = [row.cells[0] for row in public.table(key).rows if row.cells[0] != WITHHELD]
            assert came == sorted(came, reverse=True)
