"""The rows of an extract, with the place of an unexpected error in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tasks.common.errors import place_of
from tasks.sources.base import Extract, Row

PROGRESS = 20_000
"""Number of rows between two reports of the progress of a long import."""


class CountedRows:
    """The rows of an extract. `line` is the line of the last row that was read.

    `check_time` is called for each row, and may raise an error. `progress` gets the number of rows
    read so far, now and then.
    """

    def __init__(
        self,
        batch: Extract,
        check_time: Callable[[], None],
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._rows, self._name, self._check_time = batch.rows, batch.name, check_time
        self._progress = progress
        self.line = 0

    def __iter__(self) -> Iterator[Row]:
        for number, row in enumerate(self._rows, start=1):
            self.line = row[0]
            self._check_time()
            yield row
            if self._progress is not None and number % PROGRESS == 0:
                self._progress(number)

    def unexpected(self, error: Exception) -> str:
        """Return the words for an unexpected error while these rows were read: file, last line and
        place in the code, but not its text, which may quote a row.
        """
        return f"{self._name}, read up to line {self.line}: unexpected error ({place_of(error)})"


def counted(
    batch: Extract,
    check_time: Callable[[], None] = lambda: None,
    progress: Callable[[int], None] | None = None,
) -> tuple[Extract, CountedRows]:
    """Return an extract that notes the line of the last row read, and its rows."""
    rows = CountedRows(batch, check_time, progress)
    return replace(batch, rows=rows), rows
