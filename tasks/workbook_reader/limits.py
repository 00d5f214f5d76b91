"""The limits of a workbook, and the refusal of a workbook beyond them."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

MEMORY_MB = 2048
"""Limit of memory of the process that reads a workbook."""

SECONDS = 180
"""Limit of its CPU time, and of the time to wait for it."""

MOST_CELLS = 5_000_000
"""Limit of cells in a sheet of a workbook, including empty ones: each takes up to 72 bytes while
the sheet is read.
"""

NO_RESULT = "#FORMULA!"
"""The text of a workbook's cell with a formula that was never calculated."""


class WorkbookLine(StrEnum):
    """The first word of a line that the process writes.

    `sheet` is followed by a name and the days to add to serial numbers, `rows` by rows of the last
    sheet with their numbers, `refused` by the reason, `unopened` by a number of `errno`. The
    last line is none of the first two; `too large` means the memory.
    """

    SHEET = "sheet"
    ROWS = "rows"
    END = "end"
    REFUSED = "refused"
    UNOPENED = "unopened"
    TOO_LARGE = "too large"


class WorkbookLimits(NamedTuple):
    """The limits of a source for a workbook. With `serial`, days are written as numbers."""

    rows: int
    columns: int
    unpacked_mb: int
    serial: bool

    def check_corner(self, rows: int, columns: int) -> None:
        """Refuse a sheet with its last cell at this row and column."""
        if rows > self.rows:
            raise RefusedWorkbook(f"more than {self.rows} rows (max_rows)")
        if columns > self.columns:
            raise RefusedWorkbook(f"more than {self.columns} columns (max_columns)")
        if rows * columns > MOST_CELLS:
            raise RefusedWorkbook(f"more than {MOST_CELLS} cells in a sheet; save it as CSV")


class RefusedWorkbook(Exception):
    """A workbook is too large, or of another kind. The text does not name the file."""
