"""Rows out of files: XLSX and CSV, with the header found below any preamble."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from python_calamine import CalamineError, CalamineWorkbook

from settings.sources import Source


class UnreadableFile(ValueError):
    """A file cannot be read at all; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file's rows below its header, each with its line number, and where columns stand."""

    header: tuple[str, ...]
    rows: Sequence[tuple[int, tuple[str, ...]]]
    preamble: tuple[tuple[str, ...], ...]


def digest(path: Path) -> str:
    """The SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_sheet(path: Path, source: Source) -> Sheet:
    """All rows of a file as text.

    Raises :class:`UnreadableFile` where it is no such file, is too large, or lacks a column that
    the mapping names.
    """
    lines = list(_lines(path, source))
    for index, (_, cells) in enumerate(lines):
        if source.header is None or (cells and cells[0].strip() == source.header):
            header = tuple(cell.strip() for cell in cells)
            missing = [name for name in source.columns if name not in header]
            if missing:
                raise UnreadableFile(
                    f"{path.name}: no column '{missing[0]}'; the file has {', '.join(header)}."
                    " Correct the mapping in sources.toml"
                )
            preamble = tuple(cells for _, cells in lines[:index])
            return Sheet(header, lines[index + 1 :], preamble)
    raise UnreadableFile(
        f"{path.name}: no row begins with '{source.header}'; is this the right file?"
    )


def _lines(path: Path, source: Source) -> Iterator[tuple[int, tuple[str, ...]]]:
    rows = _xlsx(path) if path.suffix.lower() in (".xlsx", ".xls", ".ods") else _csv(path, source)
    for number, cells in rows:
        if number > source.max_rows:
            raise UnreadableFile(f"{path.name}: more than {source.max_rows} rows (max_rows)")
        if any(cells):
            yield number, cells


def _xlsx(path: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    try:
        sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0)
    except (CalamineError, OSError) as error:
        raise UnreadableFile(f"{path.name}: no readable workbook ({error})") from None
    first = (sheet.start or (0, 0))[0] + 1
    for number, row in enumerate(sheet.to_python(), start=first):
        yield number, tuple("" if cell is None else str(cell) for cell in row)


def _csv(path: Path, source: Source) -> Iterator[tuple[int, tuple[str, ...]]]:
    raw = path.read_bytes()
    if path.suffix.lower() == ".gz":
        raw = gzip.decompress(raw)
    for encoding in source.encodings:
        try:
            text = raw.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise UnreadableFile(f"{path.name}: not in {' or '.join(source.encodings)} (encodings)")
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=source.delimiter or ",")
        for row in reader:
            yield reader.line_num, tuple(row)
    except csv.Error as error:
        raise UnreadableFile(f"{path.name}: no readable CSV ({error})") from None


def observed_at(path: Path, sheet: Sheet | None, source: Source) -> datetime | None:
    """When the file was made: by its name, its preamble, or when it was last written.

    None where the preamble must be read first (`sheet` not given).
    """
    zone = ZoneInfo(source.observed.zone or source.zone)
    if source.observed.file_name:
        try:
            return datetime.strptime(path.name, source.observed.file_name).replace(tzinfo=zone)
        except ValueError:
            pass  # another name: the file's own time must do
    elif source.observed.cell:
        if sheet is None:
            return None
        for cells in sheet.preamble:
            if cells and cells[0].strip() == source.observed.cell:
                text = next((cell for cell in cells[1:] if cell.strip()), "")
                try:
                    day = datetime.strptime(text.strip(), source.observed.format)
                except ValueError:
                    break
                return day.replace(hour=23, minute=59, second=59, tzinfo=zone)
    return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
