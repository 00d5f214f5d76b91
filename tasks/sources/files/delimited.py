"""Read rows of a delimited text file (CSV)."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from settings.sources import FolderSource
from tasks.sources.base import Row, UnreadableFile
from tasks.sources.files.encodings import LONGEST_LINE, short_lines, text_of

DELIMITERS = (",", ";", "\t", "|")
PREAMBLE = 100
"""Limit of lines above the header."""


def delimited_rows(path: Path, source: FolderSource) -> Iterator[Row]:
    """Yield the rows of a CSV file, each with the number of its first line."""
    csv.field_size_limit(LONGEST_LINE)  # `max_cell` limits each cell later
    with text_of(path, source) as text:
        short = short_lines(path, text)
        head = list(islice(short, PREAMBLE))
        delimiter = source.delimiter or _delimiter(head, source)
        lines = _Lines(chain(head, short))
        first = 1
        try:
            reader = csv.reader(lines, delimiter=delimiter)
            for row in reader:
                if (
                    lines.ended
                ):  # only an open quotation mark makes a record reach the end of the file
                    raise UnreadableFile(
                        f"{path.name}, line {first}: a quotation mark is opened and never closed"
                    )
                yield first, tuple(row)
                first = reader.line_num + 1
        except csv.Error as error:
            raise UnreadableFile(f"{path.name}: no readable CSV ({error})") from None
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableFile(f"{path.name}: cannot be read ({error})") from None


class _Lines:
    """The lines of a file; `ended` says whether all were read."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.ended = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        try:
            return next(self._lines)
        except StopIteration:
            self.ended = True
            raise


def _delimiter(head: Sequence[str], source: FolderSource) -> str:
    """Return the delimiter that gives, in a line near the top, all columns named by the mapping."""
    wanted = set(source.columns)
    for delimiter in DELIMITERS:
        rows = csv.reader(head, delimiter=delimiter)
        try:
            if any(wanted <= {cell.strip() for cell in row} for row in rows):
                return delimiter
        except csv.Error:
            continue
    return DELIMITERS[0]
