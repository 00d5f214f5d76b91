"""Read the tables of a web page (HTML), which many systems name `.xls`."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from settings.sources import FolderSource
from tasks.sources.base import Row, UnreadableFile
from tasks.sources.files.encodings import CHUNK, text_of
from tasks.workbook_reader.covered import CoveredCell
from tasks.workbook_reader.limits import MOST_CELLS

MOST_SPANNED = 10_000
"""Limit of rows or columns covered by one cell."""


def web_page_tables(path: Path, source: FolderSource) -> Iterator[tuple[str, Iterator[Row]]]:
    """Yield the tables of a page with their names; the name is empty if there is only one.

    A table in a cell of another table counts as a table of its own. A cell that covers several rows
    has its value in each of them.
    """
    parser = _Tables(path, source)
    with text_of(path, source) as text:
        while chunk := text.read(CHUNK):
            parser.feed(chunk)
        parser.close()
    tables = [rows for rows in parser.tables if rows]
    if not tables:
        raise UnreadableFile(
            f"{path.name}: no readable workbook (it is a web page without a table; was the"
            " session over when it was downloaded?)"
        )
    for number, rows in enumerate(tables, start=1):
        name = f"table {number}" if len(tables) > 1 else ""
        yield name, iter(rows)


class _Tables(HTMLParser):
    """Collects the rows of all tables of a page."""

    def __init__(self, path: Path, source: FolderSource) -> None:
        super().__init__(convert_charrefs=True)
        self.path, self.source = path, source
        self.tables: list[list[Row]] = []
        self._open: list[_WebTable] = []
        self.cells = 0
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a table, a row or a cell."""
        if tag in ("script", "style"):
            self._silent += 1
        elif tag == "table":
            table = _WebTable()
            self._open.append(table)
            self.tables.append(table.rows)
        elif self._open and tag == "tr":
            self._end_row()
        elif self._open and tag in ("td", "th"):
            named = dict(attrs)
            table = self._open[-1]
            columns = _number(named.get("colspan"))
            table.begin_cell(rows=_number(named.get("rowspan")), columns=columns)
            if table.column + columns > self.source.max_columns:
                raise UnreadableFile(
                    f"{self.path.name}: more than {self.source.max_columns} columns (max_columns)"
                )
        elif self._open and tag in ("br", "p", "div"):
            self._open[-1].words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        """End a table, a row or a cell."""
        if tag in ("script", "style"):
            self._silent = max(0, self._silent - 1)
        elif not self._open:
            return
        elif tag == "table":
            self._end_row()
            self._open.pop()
        elif tag == "tr":
            self._end_row()
        elif tag in ("td", "th"):
            self._open[-1].end_cell()

    def handle_data(self, data: str) -> None:
        """Add text to the open cell."""
        if self._open and not self._silent:
            self._open[-1].words.append(data)

    def _end_row(self) -> None:
        table = self._open[-1]
        self.cells += table.end_row()
        if self.cells > MOST_CELLS:
            raise UnreadableFile(f"{self.path.name}: more than {MOST_CELLS} cells; save it as CSV")
        if len(table.rows) > self.source.max_rows:
            raise UnreadableFile(
                f"{self.path.name}: more than {self.source.max_rows} rows (max_rows)"
            )


class _WebTable:
    """One table: its rows, and the cell that is being read."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.words: list[str] = []
        self.column = 0
        self._number = 0
        self._cells: dict[int, str] = {}
        self._covered: dict[int, tuple[int, str]] = {}
        self._spans: tuple[int, int] | None = None

    def begin_cell(self, *, rows: int, columns: int) -> None:
        """Begin a cell that covers so many rows and columns."""
        self.end_cell()
        while self.column in self._covered:
            self.column += 1
        self._spans = rows, columns
        self.words = []

    def end_cell(self) -> None:
        """End the open cell, if any."""
        if self._spans is None:
            return
        (rows, columns), text = self._spans, " ".join("".join(self.words).split())
        self._cells[self.column] = text
        for extra in range(columns):
            if rows > 1:
                self._covered[self.column + extra] = rows, "" if extra else text
        self.column += columns
        self._spans = None

    def end_row(self) -> int:
        """End the open row, if any, and return the number of its cells."""
        self.end_cell()
        if not self._cells:
            return 0
        self._number += 1
        inherited = {
            at: CoveredCell(text)
            for at, (_, text) in self._covered.items()
            if at not in self._cells
        }
        own = any(self._cells.values())
        cells = self._cells | (inherited if own else {})
        width = max(*cells, self.column - 1) + 1
        self.rows.append((self._number, tuple(cells.get(at, "") for at in range(width))))
        self._covered = {
            at: (left - 1, text) for at, (left, text) in self._covered.items() if left > 1
        }
        self._cells, self.column = {}, 0
        return width


def _number(text: str | None) -> int:
    """Return the number of rows or columns of a cell; 1 for anything else than a number."""
    digits = (text or "").strip()
    return min(max(int(digits), 1), MOST_SPANNED) if digits.isdecimal() else 1
