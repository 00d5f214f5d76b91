"""Compare: two makings of one report, cell by cell, as their JSON tells them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that is not what the report says; complaints that have come behind it, or gone."""

    table: str
    row: str
    column: str
    kept: Any
    found: Any
    come: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


def differences(kept: Sequence[Any], found: Sequence[Any]) -> Iterator[Difference]:
    """What differs between two lists of tables as JSON holds them; None where there is no cell."""
    before, after = _cells(kept), _cells(found)
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key), after.get(key)
        if old is None or new is None or old[0] != new[0]:
            was, now = (set(each[1]) if each else set() for each in (old, new))
            yield Difference(
                *key, old and old[0], new and new[0], tuple(sorted(now - was)),
                tuple(sorted(was - now)),
            )  # fmt: skip


def _cells(tables: Sequence[Any]) -> dict[tuple[str, str, str], tuple[Any, Sequence[str]]]:
    """Each cell by table, row and column, with the complaints behind its row."""
    return {
        (table["key"], row["key"], column): (value, row.get("tickets", ()))
        for table in tables
        for row in table["rows"]
        for column, value in row["cells"].items()
    }
