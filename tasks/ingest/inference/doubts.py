"""What the person who knows a file should check in its proposed mapping."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sla.folding import folded
from tasks.common.redaction import plain_ticket
from tasks.common.remarks import shown_cell
from tasks.ingest.inference.column_types import ColumnSample, is_called
from tasks.text.catalog import catalog

MOST_LINES = 5
"""Most lines named for one reason."""

_DATE_WORDS = frozenset({"tanggal", "waktu"})
_HOUR_WORDS = frozenset({"jam", "pukul"})


@dataclass(frozen=True, slots=True)
class MappingDoubt:
    """A point that the person who knows the file should check; `key` is a key of `[learn]`.

    `parts` are further texts of `[learn]`, put together and inserted as `{parts}`.
    """

    key: str
    values: Mapping[str, object] = field(default_factory=dict)
    parts: tuple[MappingDoubt, ...] = ()

    def text(self, locale: str) -> str:
        """Return the doubt in a language."""
        inner = {"parts": "; ".join(each.text(locale) for each in self.parts)} if self.parts else {}
        return catalog(locale)(f"learn.{self.key}", **self.values, **inner)


def named_columns(columns: Iterable[ColumnSample]) -> str:
    """Return the headers of columns for a text."""
    return ", ".join(f"'{column.name}'" for column in columns)


def lines_of(positions: Sequence[str]) -> str:
    """Return the first lines of some cells for a text."""
    more = ", ..." if len(positions) > MOST_LINES else ""
    return ", ".join(positions[:MOST_LINES]) + more


def cell_of(column: ColumnSample, value: str) -> dict[str, str]:
    """Return the values with which a text names a column and one of its cells.

    A cell that may be the name of a person is not shown.
    """
    return {
        "column": column.name,
        "value": shown_cell(value),
        "line": column.position_of(value),
    }


def odd_tickets(ticket: ColumnSample, columns: Iterable[ColumnSample]) -> MappingDoubt:
    """Name the rows without a number of their own in the column of the ticket.

    The rows of a number are those with the same number for an import, also if it is spelled
    otherwise. Numbers that differ only in letter case are two, and are named too.
    """
    spellings: dict[str, dict[str, list[str]]] = {}
    for value, position in zip(ticket.values, ticket.positions, strict=True):
        number = plain_ticket(value)
        spellings.setdefault(folded(number), {}).setdefault(number, []).append(position)
    again = [each for found in spellings.values() for each in found.items() if len(each[1]) > 1]
    parts = [
        MappingDoubt("number_again", {"value": value, "lines": lines_of(lines)})
        for value, lines in again[:MOST_LINES]
    ]
    similar = [found for found in spellings.values() if len(found) > 1]
    for found in similar[:MOST_LINES]:
        lines = [line for each in found.values() for line in each]
        values = {"numbers": ", ".join(found), "lines": lines_of(lines)}
        parts.append(MappingDoubt("number_in_other_case", values))
    filled = set(ticket.positions)
    others = dict.fromkeys(position for column in columns for position in column.positions)
    empty = [position for position in others if position not in filled]
    if empty:
        parts.append(MappingDoubt("no_number", {"lines": lines_of(empty)}))
    if not parts:  # their other cells are in columns without a title
        parts.append(MappingDoubt("rows_without_number", {"n": ticket.rows - len(ticket.values)}))
    return MappingDoubt("ticket_odd", {"column": ticket.name}, tuple(parts))


def odd_cells(
    received: ColumnSample | None, steps: Iterable[ColumnSample]
) -> Iterator[MappingDoubt]:
    """Name the columns with dates that are read and have other cells too."""
    for column in dict.fromkeys((received, *steps)):
        if column is not None and column.odd_dates:
            key = "odd_receipts" if column is received else "odd_steps"
            values = cell_of(column, column.odd_dates[0])
            yield MappingDoubt(key, {"n": len(column.odd_dates), **values})


def unread(columns: Iterable[tuple[ColumnSample, str | None]]) -> list[MappingDoubt]:
    """Name the columns with dates, a status or units that the mapping does not read, and why.

    Each column has the key of its reason; it is empty if the reason is named elsewhere. The cells
    of a column with units are not shown: they may be names of persons.
    """
    doubts, times = [], []
    for column, key in columns:
        if key is not None:
            if key:
                doubts.append(MappingDoubt(key, {"column": column.name}))
        elif is_called(column, "unit") and column.values:
            doubts.append(MappingDoubt("unit_unread", {"column": column.name}))
        elif column.personal or not column.values:
            continue
        elif column.dates:
            times.append(column)
        elif is_called(column, "status"):
            doubts.append(MappingDoubt("status_unread", {"column": column.name}))
        elif is_called(column, "hour") and not column.hours:
            doubts.append(MappingDoubt("no_hours", cell_of(column, column.values[0])))
        elif column.hours and set(column.words.split()) & _HOUR_WORDS:
            continue  # the hour of a step, whose day counts
        elif column.is_titled_date or set(column.words.split()) & _DATE_WORDS:
            doubts.append(MappingDoubt("no_dates", cell_of(column, column.odd_dates[0])))
    if times:
        doubts.append(MappingDoubt("unclear_dates", {"columns": named_columns(times)}))
    return doubts
