"""A sheet of a workbook with a fast way to write a whole row of plain cells."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

LONGEST_CELL = 32_767
"""Most characters of a cell, in UTF-16; the limit of Excel."""

MOST_KNOWN = 50_000
"""The number of texts kept as written: most texts of a list occur many times."""

PlainCell = str | int | float | date | None


class RowSheet(Worksheet):  # type: ignore[misc]  # the library has no types
    """A sheet in the mode `constant_memory` of its workbook.

    A row written at once takes a fifth of the time of a call for each cell. The file is the same.
    """

    def write_plain_row(self, row: int, values: Iterable[PlainCell], day: Any = None) -> None:
        """Write the cells of a row, from the first column on, below all rows written so far.

        Texts and numbers have no format, days have the format `day`. None leaves a cell empty.
        """
        filled = [(place, value) for place, value in enumerate(values) if value is not None]
        if not filled:
            return
        if row <= self.previous_row or any(
            self._check_dimensions(row, place) for place in (filled[0][0], filled[-1][0])
        ):
            raise ValueError(f"row {row} is outside of the sheet or not below the rows written")
        self._write_single_row(row)  # first the cells that wait in an earlier row
        cells = [
            f'<c r="{_letters(place)}{row + 1}"{self._content(value, day)}</c>'
            for place, value in filled
        ]
        self.fh.write(f'<row r="{row + 1}">{"".join(cells)}</row>')

    def _content(self, value: str | float | date, day: Any) -> str:
        """Return a cell after its place and before its end."""
        if isinstance(value, str):
            return _text(value)
        if isinstance(value, date):
            shape = f' s="{day._get_xf_index()}"' if day else ""
            return f"{shape}><v>{self._convert_date_time(value):.16G}</v>"
        return f"><v>{value:.16G}</v>"

    def _prepare_formula(self, formula: str, expand_future_functions: bool = False) -> str:
        """Return a formula without its marks.

        All its functions are of Excel 2007: the library would search it, and the texts in it, for
        later ones, and that takes most of the time of a formula.
        """
        return formula.removeprefix("{").removeprefix("=").removesuffix("}")

    def _xml_rich_inline_string(self, string: str, attributes: Any = ()) -> None:
        """Write a text that looks like XML of formatted parts as plain text."""
        self._xml_inline_string(string, False, attributes)


@lru_cache(MOST_KNOWN)
def _text(text: str) -> str:
    """Return a text as the content of a cell, cut at the limit."""
    if len(text) > LONGEST_CELL // 2:
        units = text.encode("utf-16-le", "surrogatepass")[: 2 * LONGEST_CELL]
        text = units.decode("utf-16-le", "ignore")
    shown = Worksheet._escape_control_characters(text)
    space = ' xml:space="preserve"' if shown[:1].isspace() or shown[-1:].isspace() else ""
    return f' t="inlineStr"><is><t{space}>{escape(shown)}</t></is>'


_letters = lru_cache(xl_col_to_name)
