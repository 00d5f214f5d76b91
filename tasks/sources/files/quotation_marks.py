"""Read the header of a CSV file in spite of a quotation mark that is opened and never closed.

A CSV parser takes all lines below such a mark for one title. The titles themselves are whole: they
are read without the marks of their line.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from tasks.sources.files.headers import SMALLEST_HEADER, HeaderNames

IsHeader = Callable[[Sequence[Sequence[str]], int], bool]
"""Checks whether the cells of a line, with those of the lines before and after it, are a header."""


class ReadableHead(NamedTuple):
    """The first lines of a file, and the indices of those that have lost their open mark."""

    lines: list[str]
    mended: tuple[int, ...]


def readable_head(head: Sequence[str], delimiter: str, is_header: IsHeader) -> ReadableHead:
    """Return the first lines of a file; the header and the titles above it without an open mark.

    Another line is unchanged: a mark below the header tears its own row.
    """
    lines = list(head)
    mended: list[int] = []
    cells = [_bare_cells(line, delimiter) for line in head]
    only_titles = True
    for at, line in enumerate(head):
        found = is_header(cells, at)
        is_title = only_titles and sum(map(bool, cells[at])) < SMALLEST_HEADER
        only_titles = is_title
        if line.count('"') % 2 and _is_torn(head[at:], delimiter):
            if not (found or is_title):
                break
            lines[at] = line.replace('"', "")
            mended.append(at)
        if found:
            break
    return ReadableHead(lines, tuple(mended))


def _is_torn(lines: Sequence[str], delimiter: str) -> bool:
    """Check whether a CSV parser takes several cells, or several lines of them, for one cell.

    A title or a text may have line breaks of its own, but then no delimiter.
    """
    try:
        cells = next(csv.reader(lines, delimiter=delimiter), [])
    except csv.Error:
        return False
    return has_lines(cells, delimiter) or any(delimiter in cell and '"' in cell for cell in cells)


def has_lines(cells: Sequence[str], delimiter: str) -> bool:
    """Check whether a cell is made of lines with delimiters."""
    return any(delimiter in cell and ("\n" in cell or "\r" in cell) for cell in cells)


def has_columns(columns: Sequence[str], names: HeaderNames) -> IsHeader:
    """Return the check for a line, or two, with all columns of a mapping."""

    def check(cells: Sequence[Sequence[str]], at: int) -> bool:
        return any(set(columns).issubset(each) for each in _headers(names, cells, at))

    return check


def _headers(
    names: HeaderNames, cells: Sequence[Sequence[str]], at: int
) -> Iterator[tuple[str, ...]]:
    """Yield the possible headers with this line: alone, below the one before, above the next."""
    yield names.read(cells[at])
    for upper in (at - 1, at):
        if 0 <= upper < len(cells) - 1:
            yield names.read_joined(cells[upper], cells[upper + 1])


def has_titles(cells: Sequence[Sequence[str]], at: int) -> bool:
    """Check whether a line may be a header, for a file without a mapping: several different words
    and nothing else.
    """
    titles = [cell for cell in cells[at] if cell]
    return (
        len(titles) >= SMALLEST_HEADER
        and len(set(titles)) == len(titles)
        and all(any(map(str.isalpha, title)) for title in titles)
    )


def _bare_cells(line: str, delimiter: str) -> tuple[str, ...]:
    """Return the cells of a line as if it had no quotation marks."""
    return tuple(cell.strip() for cell in line.replace('"', "").split(delimiter))
