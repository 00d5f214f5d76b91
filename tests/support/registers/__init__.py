"""Registers as clerks keep them: twenty invented files, and the rows that must be imported.

Each text file of this folder describes one register. Its head names the kind of file and the
complaints it has (`expect: ticket | local time of receipt`), or the word that the refusal must have
(`refused:`). Below, `=== name` begins a sheet and each line is a row with cells between bars. In a
workbook `#` makes a number, `@` a date cell, `<` and `^` join a cell with the one to its left or
above it.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter

HERE = Path(__file__).parent

Grid = list[list[str]]


@dataclass(slots=True)
class ClerkRegister:
    """One register: its sheets as text, and the complaints in it by ticket."""

    name: str
    head: dict[str, str] = field(default_factory=dict)
    expected: dict[str, datetime] = field(default_factory=dict)
    sheets: dict[str, Grid] = field(default_factory=dict)

    @property
    def refused(self) -> str:
        """Return the word that the refusal must have; empty for a register that can be read."""
        return self.head.get("refused", "")

    @property
    def units(self) -> set[str]:
        """Return the names of units as the register writes them."""
        return {name.strip() for name in self.head.get("units", "").split(";") if name.strip()}

    def write(self, folder: Path) -> Path:
        """Write the file into a folder and return its path."""
        path = folder / f"{self.name}.{'xlsx' if self.head['kind'] == 'xlsx' else 'csv'}"
        if self.head["kind"] == "xlsx":
            _write_workbook(path, self.sheets)
            return path
        separator = "\t" if self.head["kind"] == "utf16" else self.head["separator"]
        marked = "utf-8-sig" if "bom" in self.head else "utf-8"
        encoding = "utf-16" if self.head["kind"] == "utf16" else marked
        with path.open("w", encoding=encoding, newline="") as file:
            csv.writer(file, delimiter=separator).writerows(*self.sheets.values())
        return path


def registers() -> list[ClerkRegister]:
    """Read the descriptions of all registers."""
    return [_read(path) for path in sorted(HERE.glob("*.txt"))]


def _read(path: Path) -> ClerkRegister:
    register = ClerkRegister(path.stem)
    grid: Grid | None = None
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("=== "):
            grid = register.sheets.setdefault(line.removeprefix("=== "), [])
        elif grid is not None:
            grid.append([cell.strip() for cell in line.split("|")] if line else [])
        else:
            key, _, value = line.partition(": ")
            if key == "expect":
                ticket, _, received = value.partition(" | ")
                register.expected[ticket] = datetime.fromisoformat(received)
            else:
                register.head[key] = value
    return register


def _write_workbook(path: Path, sheets: dict[str, Grid]) -> None:
    with xlsxwriter.Workbook(path, {"default_date_format": "dd/mm/yyyy hh:mm"}) as book:
        for name, grid in sheets.items():
            sheet = book.add_worksheet(name)
            joined: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
            owner: dict[tuple[int, int], tuple[int, int]] = {}
            for row, cells in enumerate(grid):
                for column, text in enumerate(cells):
                    at = (row, column)
                    origin = {"<": (row, column - 1), "^": (row - 1, column)}.get(text)
                    owner[at] = owner[origin] if origin else at
                    joined[owner[at]].append(at)
            for (row, column), places in joined.items():
                value = _value(grid[row][column])
                if len(places) > 1:
                    last_row, last_column = max(places)
                    sheet.merge_range(row, column, last_row, last_column, value)
                else:
                    sheet.write(row, column, value)


def _value(text: str) -> Any:
    if text.startswith("#"):
        return int(text[1:])
    return datetime.fromisoformat(text[1:]) if text.startswith("@") else text
