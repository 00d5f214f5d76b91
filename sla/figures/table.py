"""Tables: all figures of a report, in one form from which every format is made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum


class Measure(StrEnum):
    """What a cell holds: how it is written, and what a spreadsheet makes of it."""

    COUNT = "count"
    """A whole number of complaints, deadlines or notices."""
    SHARE = "share"
    """A part of a whole, 0 to 1; None where there is no whole."""
    DAYS = "days"
    """Working days, with one decimal at most."""
    DAY = "day"
    """A local day."""
    MOMENT = "moment"
    """A moment in UTC, shown in the site's zone."""
    TEXT = "text"
    """A name or a word that is shown as it is."""
    KEY = "key"
    """The id of a rule, a unit, a role or a word: shown by its name in the reader's language."""


Cell = int | float | str | date | datetime | None

SUPPRESSED = "<"
"""A cell of the public edition that would tell of too few."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `key` names it for machines, and its heading in the words."""

    key: str
    measure: Measure


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table.

    `key` names it for ever: a rule id, a unit id, a month. `measure` is that of all its cells where
    they are not those of the columns (the headline). `small` tells that its share rests on too few
    to be compared. `tickets` are the complaints behind it, sorted: its evidence.
    """

    key: str
    cells: tuple[Cell, ...]
    tickets: tuple[str, ...] = ()
    small: bool = False
    measure: Measure | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One section of a report. `of` tells what its rows are: rule, unit, category, month ..."""

    key: str
    of: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def row(self, key: str) -> Row | None:
        """The row of a key, if there is one."""
        return next((row for row in self.rows if row.key == key), None)

    def value(self, row: str, column: str) -> Cell:
        """The cell of a row and a column; None where the row is absent. Raises KeyError."""
        place = {each.key: number for number, each in enumerate(self.columns)}[column]
        found = self.row(row)
        return None if found is None else found.cells[place]

    def without_tickets(self) -> Table:
        """The same table with no complaint named."""
        return replace(self, rows=tuple(replace(row, tickets=()) for row in self.rows))
