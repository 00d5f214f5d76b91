"""The rows of an extract, with the place of an unexpected error in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tasks.common.errors import place_of
from tasks.sources.base import Extract, Row


class CountedRows:
    """The rows of an extract. `line` is the line of the last row that was read.

    `check_time` is called for each row, and may raise an error.
    """

    def __init__(self, batch: Extract, check_time: Callable[[], None]) -> None:
        self._rows, self._name, self._check_time = batch.rows, batch.name, check_time
        self.line = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.line = row[0]
            self._check_time()
            yield row

    def unexpected(self, error: Exception) -> str:
        """Return the words for an unexpected error while these rows were read: file, last line and
        place in the code, but not its text, which may quote a row.
        """
        return f"{self._name}, read up to line {self.line}: unexpected error ({place_of(error)})"


def counted(
    batch: Extract, check_time: Callable[[], None] = lambda: None
) -> tuple[Extract, CountedRows]:
    """Return an extract that notes the line of the last row read, and its rows."""
    rows = CountedRows(batch, check_time)
    return replace(batch, rows=rows), rows
