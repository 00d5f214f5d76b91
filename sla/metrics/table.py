"""The form of all tables of a report; every output format is made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from sla.directory import SUPERIOR_OFFICE


class Measure(StrEnum):
    """The kind of value in a cell: it decides the format in texts and in spreadsheets."""

    COUNT = "count"
    """A whole number of complaints, deadlines or notices."""
    SHARE = "share"
    """A share from 0 to 1; None if the whole is zero."""
    DAYS = "days"
    """Working days or another number, with at most one decimal."""
    DAY = "day"
    """A local day."""
    MOMENT = "moment"
    """A moment in UTC, shown in the site's zone."""
    TEXT = "text"
    """A name or another text, shown unchanged."""
    KEY = "key"
    """The id of a rule, a unit, a role or a text; shown by its name in the reader's language."""


Cell = int | float | str | date | datetime | None

WITHHELD = "<"
"""The value of a cell withheld in the public edition because it is about too few complaints."""


def after_units(key: str) -> int:
    """Return the place of a row of a table of units: 0 of a unit, 1 of the duties of superiors, 2
    of what belongs to no unit.
    """
    return 2 if not key else int(key == SUPERIOR_OFFICE)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. `key` is its name for programs; the catalogue has its heading by this
    key.

    A column with `of` is one of many alike, for a rule, a month or a day: `key` is the key of that
    kind, and its name is the heading.
    """

    key: str
    measure: Measure
    of: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    `key` is its permanent name: a rule id, a unit id, a month. `measure` is the measure of all its
    cells if it differs from the columns (in the headline). `small` is true if its share is based on
    too few deadlines for comparison. `tickets` are the complaints behind the row, sorted: its
    evidence. `behind` has the number of complaints behind each cell, where it may be smaller than
    the cell (deadlines, events) or is not in it (shares): of a share the smaller group, those
    inside or outside of it. `of` has the number from which each share, mean and median is computed,
    by column. `versions` are the versions of the law behind the row, in order of time, by their
    keys: readers see the citations.
    """

    key: str
    cells: tuple[Cell, ...]
    tickets: tuple[str, ...] = ()
    small: bool = False
    measure: Measure | None = None
    of: Mapping[str, int] = field(default_factory=dict)
    behind: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)
    versions: tuple[str, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Table:
    """One section of a report. `of` is the kind of its rows: rule, unit, category, month ...

    `total` is the row below the others: the sums of the columns. A complaint in several rows counts
    once. Columns without a meaningful total are None, and so is `total` of a list.
    """

    key: str
    of: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    total: Row | None = None

    def row(self, key: str) -> Row | None:
        """Return the row with this key, or None."""
        return next((row for row in self.rows if row.key == key), None)

    def value(self, row: str, column: str) -> Cell:
        """Return the cell of a row and a column; None if there is no such row.

        Raises KeyError for an unknown column.
        """
        place = {each.key: number for number, each in enumerate(self.columns)}[column]
        found = self.row(row)
        return None if found is None else found.cells[place]

    def comparable(self) -> list[Row]:
        """Return the rows with shares fit for comparison: a share of the verdicts, not of a small
        number, of a known unit or rule.
        """
        place = [each.key for each in self.columns].index("share")
        return [
            row
            for row in self.rows
            if row.key
            and not (self.of == "unit" and after_units(row.key))
            and not row.small
            and isinstance(row.cells[place], float)
        ]

    def without_tickets(self) -> Table:
        """Return the same table without the tickets of the complaints."""
        rows = tuple(replace(row, tickets=(), behind={}) for row in self.rows)
        total = replace(self.total, tickets=(), behind={}) if self.total else None
        return replace(self, rows=rows, total=total)
