"""The facts about a workbook that its reader (calamine) leaves out."""

from __future__ import annotations

DAYS_TO_1904 = 1462
"""The days between the first days of the two date systems of spreadsheets."""

Cell = tuple[int, int]
Range = tuple[Cell, Cell]


class WorkbookParts:
    """The facts by name of sheet: errors of formulas by cell, and the merged ranges of ODS.

    Rows and columns count from 0. `days_more` are the days to add to the serial number of a date.
    """

    def __init__(self) -> None:
        self.errors: dict[str, dict[Cell, str]] = {}
        self.merged: dict[str, list[Range]] = {}
        self.days_more = 0
