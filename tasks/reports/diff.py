"""Compare two computations of one report, cell by cell, in their JSON form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure with another value than in the report; complaints added to its row, or removed."""

    table: str
    row: str
    column: str
    kept: Any
    found: Any
    come: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


def diff_reports(kept: Sequence[Any], found: Sequence[Any]) -> Iterator[Difference]:
    """Find the differences between two lists of tables in JSON form; a missing cell is None."""
    before, after = _cells(kept), _cells(found)
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key), after.get(key)
        if old is None or new is None or old[0] != new[0]:
            was, now = (set(each[1]) if each else set() for each in (old, new))
            yield Difference(
                *key,
                old and old[0],
                new and new[0],
                tuple(sorted(now - was)),
                tuple(sorted(was - now)),
            )


def _cells(tables: Sequence[Any]) -> dict[tuple[str, str, str], tuple[Any, Sequence[str]]]:
    """Return each cell by table, row and column, with the complaints behind its row."""
    return {
        (table["key"], row["key"], column): (value, row.get("tickets", ()))
        for table in tables
        for row in table["rows"]
        for column, value in row["cells"].items()
    }
