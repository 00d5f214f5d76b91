"""Disclosure control: select the cells to withhold, so no small count can be computed.

A count of one or two is small, and so is any count behind which are one or two complaints: three
deadlines of one complaint are as small as the complaint. Of each count both numbers are checked,
its own and that of the complaints. A missing count is still revealed by three relations: its row
(verdicts = met + met_late + breached, share = met / verdicts), the sum of its column (another table
of the report shows it too), and a share of a whole. So other cells are withheld together with a
small count:

- In a row: of the three parts of `verdicts`, met_late and breached are withheld together if at
  least three deadlines were not met. Otherwise all three are withheld, and the share. With a small
  `verdicts` the whole row is withheld. A range may stand for a withheld share (`share_ranges`).
- In a column with a possibly known sum: at least two cells are withheld. They sum to at least three
  and to more than their number, so there is always another way to fill them.
- A column with a small sum is withheld in all tables.
- Two tables have the duties of superiors: one by their rules, one by their office. These rows have
  the same sums, so they are published in both tables or in none, and they protect no other cell:
  the others of a table must be protected among themselves (`apart`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from enum import IntEnum

from sla.metrics.table import Measure, Table

LEAST = 3
"""A count below this, except 0, is withheld."""

PARTS = ("met", "met_late", "breached")


class Level(IntEnum):
    """How much of a row's verdicts is withheld; each level includes those before it."""

    NOTHING = 0
    LATE = 1
    """met_late and breached are withheld."""
    SHARE = 2
    """met and the share are withheld too."""
    ALL = 3
    """verdicts is withheld too."""


LATE, SHARE, ALL = Level.LATE, Level.SHARE, Level.ALL
WITHHELD = {
    Level.NOTHING: (),
    LATE: ("met_late", "breached"),
    SHARE: (*PARTS, "share"),
    ALL: (*PARTS, "share", "verdicts"),
}


def small(count: object) -> bool:
    """Check whether a count is too small to show."""
    return isinstance(count, int) and 0 < count < LEAST


def counts(table: Table, column: str) -> list[int]:
    """Return the counts of a column, from top to bottom."""
    place = [each.key for each in table.columns].index(column)
    return [cell if isinstance(cell := row.cells[place], int) else 0 for row in table.rows]


def behind(table: Table, column: str) -> list[int]:
    """Return the numbers of complaints behind the counts of a column, from top to bottom."""
    if column not in [each.key for each in table.columns]:  # such as `not_met`
        return [row.behind.get(column, 0) for row in table.rows]
    values = counts(table, column)
    return [
        min(value, row.behind.get(column, value))
        for value, row in zip(values, table.rows, strict=True)
    ]


def columns_of(table: Table) -> list[str]:
    """Return the columns of independent counts: all but the verdicts."""
    return [
        column.key
        for column in table.columns
        if column.measure is Measure.COUNT and column.key not in (*PARTS, "verdicts")
    ]


def level_of(verdicts: int, met: int, met_late: int, breached: int) -> Level:
    """Return how much of one row's verdicts must be withheld for its own sake."""
    if small(verdicts):
        return ALL
    if not any(map(small, (met, met_late, breached))):
        return Level.NOTHING
    return LATE if not small(met) and met_late + breached >= LEAST else SHARE


def level_behind(verdicts: int, met: int, met_late: int, breached: int, not_met: int) -> Level:
    """Return the level for the sake of the complaints behind the verdicts of a row."""
    if small(verdicts):
        return ALL
    if not any(map(small, (met, met_late, breached, not_met))):
        return Level.NOTHING
    return LATE if not small(met) and not small(not_met) else SHARE


def fits(cells: Iterable[int]) -> bool:
    """Check whether these withheld cells protect each other if their sum is known."""
    hidden = list(cells)
    return not hidden or (len(hidden) > 1 and sum(hidden) >= max(LEAST, len(hidden) + 1))


def few(values: list[int], complaints: list[int] | None = None) -> set[int]:
    """Return the rows of a column with a small value, or with few complaints behind it."""
    known = complaints or values
    return {n for n in range(len(values)) if small(values[n]) or small(known[n])}


def column_hidden(
    values: list[int],
    gone: Iterable[int] = (),
    complaints: list[int] | None = None,
    apart: Collection[int] = (),
) -> set[int] | None:
    """Return the rows to withhold in a column with a known sum; `gone` are withheld already.

    `complaints` are the numbers of complaints behind the values. The rows `apart` protect no other
    one. None if no choice protects them: then the sum must be withheld as well.
    """
    known = complaints or values
    hidden = few(values, complaints) | set(gone)
    others = sorted(
        (place for place, value in enumerate(values) if place not in {*hidden, *apart}),
        key=lambda place: (not values[place], values[place]),
    )

    def protected() -> bool:
        among = hidden.difference(apart)
        return not hidden or (
            bool(among) and all(fits(each[n] for n in among) for each in (values, known))
        )

    while not protected():
        if not others:
            return None
        hidden.add(others.pop(0))
    return hidden


Verdicts = Mapping[str, list[int]]
"""The columns verdicts, met, met_late and breached of a table, and perhaps not_met."""


def verdicts_of(table: Table) -> Verdicts:
    """Return the columns of verdicts of a table."""
    return {column: counts(table, column) for column in ("verdicts", *PARTS)}


def complaints_of(table: Table) -> Verdicts:
    """Return the complaints behind the verdicts of a table, with those not met in time."""
    found = {column: behind(table, column) for column in ("verdicts", *PARTS, "not_met")}
    late = zip(found["met_late"], found["breached"], found["not_met"], strict=True)
    found["not_met"] = [either or max(parts) for *parts, either in late]
    return found


def verdict_levels(
    verdicts: Verdicts,
    whole: Level,
    complaints: Verdicts | None = None,
    forced: Collection[int] = (),
    apart: Collection[int] = (),
) -> list[Level] | None:
    """Return how much of each row's verdicts is withheld, at least the level of the sums.

    `whole` is the level of the sums, `complaints` the numbers of complaints behind the verdicts.
    The verdicts of the rows in `forced` are withheld in any case. The rows `apart` protect no other
    one: their verdicts are withheld as a whole or not at all.
    None if withholding these sums is not enough.
    """
    rows = range(len(verdicts["verdicts"]))
    own = own_levels(verdicts, complaints)
    levels = [ALL if row in forced else max(level, whole) for row, level in enumerate(own)]
    levels = [ALL if row in apart and level else level for row, level in enumerate(levels)]

    def wanted() -> Level | None:
        lacking = _wanting(verdicts, levels, whole, apart)
        if lacking is None and complaints is not None:
            return _too_few(complaints, levels, whole, apart)
        return lacking

    while (wanting := wanted()) is not None:
        others = [row for row in rows if levels[row] < wanting and row not in apart]
        if not others:
            return None
        least = min(
            others, key=lambda row: (not verdicts["verdicts"][row], verdicts["verdicts"][row])
        )
        levels[least] = wanting
    return levels


def own_levels(verdicts: Verdicts, complaints: Verdicts | None = None) -> list[Level]:
    """Return how much of each row's verdicts must be withheld for its own sake."""
    rows = range(len(verdicts["verdicts"]))
    own = [level_of(*(verdicts[column][row] for column in verdicts)) for row in rows]
    if complaints is None:
        return own
    fewer = (level_behind(*(complaints[column][row] for column in complaints)) for row in rows)
    return [max(pair) for pair in zip(own, fewer, strict=True)]


def _wanting(
    verdicts: Verdicts, levels: list[Level], whole: Level, apart: Collection[int]
) -> Level | None:
    """Return the level at which one more row must be withheld, or None if all are protected."""
    for level, columns in (
        (ALL, ("verdicts",)),
        (SHARE, ("met",)),
        (LATE, ("met_late", "breached")),
    ):
        hidden = [row for row, at in enumerate(levels) if at >= level]
        if level <= whole or not hidden:
            continue
        hidden = [row for row in hidden if row not in apart]
        for column in columns:
            values = [verdicts[column][row] for row in hidden]
            too_few = _any(verdicts[column], apart) and sum(values) < LEAST
            if len(hidden) < 2 or too_few or (level is ALL and not fits(values)):
                return level
    for row, level in enumerate(levels):
        for column in WITHHELD[level]:
            if column in PARTS and small(verdicts[column][row]):
                lacking = _unmoved(verdicts, levels, whole, row, column, apart)
                if lacking is not None:
                    return lacking
    return None


def _too_few(
    complaints: Verdicts, levels: list[Level], whole: Level, apart: Collection[int]
) -> Level | None:
    """Return the level at which one more row must be withheld for the sake of the complaints."""
    for level, columns in (
        (ALL, ("verdicts",)),
        (SHARE, ("met",)),
        (LATE, ("met_late", "breached", "not_met")),
    ):
        hidden = [row for row, at in enumerate(levels) if at >= level]
        if level <= whole or not hidden:
            continue
        hidden = [row for row in hidden if row not in apart]
        for column in columns:
            too_few = sum(complaints[column][row] for row in hidden) < LEAST
            if _any(complaints[column], apart) and too_few:
                return level
            if level is ALL and not fits(complaints[column][row] for row in hidden):
                return level
    return None


def _any(values: list[int], apart: Collection[int]) -> bool:
    """Check whether a row that is not `apart` has a count."""
    return any(value for row, value in enumerate(values) if row not in apart)


def _unmoved(
    verdicts: Verdicts,
    levels: list[Level],
    whole: Level,
    row: int,
    column: str,
    apart: Collection[int],
) -> Level | None:
    """Return None if the cell could be another with all known sums equal, else the level needed."""
    if levels[row] is ALL or whole >= SHARE:
        return None
    if whole is LATE and column != "met":
        return None
    partners = [part for part in PARTS if part != column and part in WITHHELD[levels[row]]]
    for other, level in enumerate(levels):
        if other == row or other in apart:
            continue
        for part in partners:
            if not {part, column} <= set(WITHHELD[level]):
                continue
            gives = verdicts[column][other] and verdicts[part][row]
            if gives or verdicts[part][other]:
                return None
    return levels[row]


def whole_level(tables: Iterable[Table]) -> Level:
    """Return the level to withhold of the verdicts' sums; all tables have the same sums."""
    found = list(tables)
    sums = ({key: sum(values) for key, values in verdicts_of(t).items()} for t in found)
    own = max((level_of(**each) for each in sums), default=Level.NOTHING)
    # a complaint may stand in several rows of a table: the smallest sum is nearest to the truth
    known = [{key: sum(values) for key, values in complaints_of(t).items()} for t in found]
    fewest = {key: min(each[key] for each in known) for key in (known[0] if known else ())}
    return max(own, level_behind(**fewest)) if fewest else own


def settled(tables: Iterable[Table], hide: Callable[[Table, Level], bool]) -> Level:
    """Find the lowest level of the sums at which `hide` can protect every table."""
    found = list(tables)
    level = whole_level(found)
    while not all(hide(table, level) for table in found):
        level = Level(level + 1)
    return level
