"""Rows of files: XLSX, CSV and JSON Lines, with the header found below any preamble.

A file is read in a stream and never loaded as a whole, if its format allows it.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path, PurePath

from settings.sources import ExchangeSource, FolderSource
from tasks.sources.base import Row, UnreadableFile, WrongMapping
from tasks.sources.files.delimited import PREAMBLE, delimited_rows
from tasks.sources.files.encodings import text_of
from tasks.sources.files.json_lines import json_rows
from tasks.sources.files.workbooks import WORKBOOKS, workbook_rows


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a file below its header, with line numbers, and the rows above the header."""

    header: tuple[str, ...]
    rows: Iterator[Row]
    preamble: tuple[tuple[str, ...], ...]


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableFile(f"{path.name}: cannot be opened ({error.strerror})") from None


def read_sheet(path: Path, source: FolderSource) -> Sheet:
    """Read the rows of a file as text; the rows can be iterated once.

    Raises :class:`UnreadableFile`, immediately or during the iteration, if the file cannot be read
    or is too large. Raises :class:`WrongMapping` if it lacks a column named by the mapping.
    """
    lines = _limited(path, _lines(path, source), source)
    if _suffix(path) == ".jsonl":
        header = next(lines)[1]
        if isinstance(source, ExchangeSource):
            return _exchange(header, lines)
        return Sheet(header, lines, ())
    above: list[tuple[str, ...]] = []
    for _, cells in lines:
        if source.header is None or (cells and cells[0].strip() == source.header):
            header = tuple(cell.strip() for cell in cells)
            _check_header(path, header, source)
            return Sheet(header, lines, tuple(above))
        above.append(cells)
        if len(above) > PREAMBLE:
            break
    if source.header is None:
        raise UnreadableFile(f"{path.name}: the file is empty")
    raise WrongMapping(
        f"{path.name}: no row begins with '{source.header}'; is this the right file?"
    )


def raw_rows(path: Path, source: FolderSource) -> Iterator[Row]:
    """Return every row unchanged, including those above the header, for a file without a
    mapping.
    """
    return _limited(path, _lines(path, source), source)


def first_lines(path: Path, source: FolderSource) -> tuple[str, list[str]]:
    """Return the encoding of a text file and its first lines."""
    with text_of(path, source) as text:
        return text.encoding, list(islice(text, PREAMBLE))


def _check_header(path: Path, header: Sequence[str], source: FolderSource) -> None:
    missing = [name for name in source.columns if name not in header]
    if missing:
        raise WrongMapping(
            f"{path.name}: no column '{missing[0]}'{_instead(missing[0], header, source)}."
            " Correct the mapping in sources.toml"
        )


def _instead(column: str, header: Sequence[str], source: FolderSource) -> str:
    """Return a hint for the error text: the columns of the file, or a similar name.

    Without a configured header the first row may be data about a person, so it is not quoted as a
    whole.
    """
    if source.header is None:
        close = difflib.get_close_matches(column, header, n=1)
        return f"; did you mean `{close[0]}`?" if close else ""
    return f"; the file has {', '.join(header)}"


def _limited(path: Path, rows: Iterable[Row], source: FolderSource) -> Iterator[Row]:
    for number, cells in rows:
        if number > source.max_rows:
            raise UnreadableFile(f"{path.name}: more than {source.max_rows} rows (max_rows)")
        if len(cells) > source.max_columns:
            raise UnreadableFile(
                f"{path.name}, line {number}: more than {source.max_columns} columns (max_columns)"
            )
        if any(cells):
            yield number, tuple(cell.replace("\0", "") for cell in cells)  # databases reject NUL


def _lines(path: Path, source: FolderSource) -> Iterator[Row]:
    suffix = _suffix(path)
    if suffix in WORKBOOKS:
        return workbook_rows(path, source)
    if suffix == ".jsonl":
        return json_rows(path, source)
    return delimited_rows(path, source)


def _suffix(path: Path) -> str:
    """Return the kind of a file by its name, compressed or not."""
    return PurePath(path.name.lower().removesuffix(".gz")).suffix


def _exchange(header: tuple[str, ...], lines: Iterator[Row]) -> Sheet:
    """Split off the first lines of the exchange format, about its sources, as the preamble."""
    ticket, until = header.index("ticket"), header.index("exported_at")
    above: list[tuple[str, ...]] = []
    for line, cells in lines:
        if len(cells) != len(header) or cells[ticket] or not cells[until]:
            return Sheet(header, chain([(line, cells)], lines), tuple(above))
        above.append(cells)
    return Sheet(header, lines, tuple(above))
