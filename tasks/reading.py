"""Rows out of files: XLSX and CSV, with the header found below any preamble."""

from __future__ import annotations

import csv
import difflib
import gzip
import hashlib
import io
import zlib
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
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableFile(f"{path.name}: cannot be opened ({error.strerror})") from None


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
                    f"{path.name}: no column '{missing[0]}'{_instead(missing[0], header, source)}."
                    " Correct the mapping in sources.toml"
                )
            preamble = tuple(cells for _, cells in lines[:index])
            return Sheet(header, lines[index + 1 :], preamble)
    if source.header is None:
        raise UnreadableFile(f"{path.name}: the file is empty")
    raise UnreadableFile(
        f"{path.name}: no row begins with '{source.header}'; is this the right file?"
    )


def _instead(column: str, header: Sequence[str], source: Source) -> str:
    """The columns there are. A first row that nothing proves to be a header may hold a person."""
    if source.header is None:
        close = difflib.get_close_matches(column, header, n=1)
        return f"; did you mean `{close[0]}`?" if close else ""
    return f"; the file has {', '.join(header)}"


def _lines(path: Path, source: Source) -> Iterator[tuple[int, tuple[str, ...]]]:
    rows = _xlsx(path) if path.suffix.lower() in (".xlsx", ".xls", ".ods") else _csv(path, source)
    for number, cells in rows:
        if number > source.max_rows:
            raise UnreadableFile(f"{path.name}: more than {source.max_rows} rows (max_rows)")
        if any(cells):
            yield number, tuple(cell.replace("\0", "") for cell in cells)  # no database takes NUL


def _xlsx(path: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    try:
        sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0)
    except (CalamineError, OSError) as error:
        raise UnreadableFile(f"{path.name}: no readable workbook ({error})") from None
    first = (sheet.start or (0, 0))[0] + 1
    for number, row in enumerate(sheet.to_python(), start=first):
        yield number, tuple(_text(cell) for cell in row)


def _text(cell: object) -> str:
    """A workbook's cell as a person reads it: a whole number has no decimals."""
    if cell is None:
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _csv(path: Path, source: Source) -> Iterator[tuple[int, tuple[str, ...]]]:
    try:
        raw = path.read_bytes()
        if path.suffix.lower() == ".gz":
            raw = gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFile(f"{path.name}: cannot be opened ({error})") from None
    for encoding in source.encodings:
        try:
            text = raw.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise UnreadableFile(f"{path.name}: not in {' or '.join(source.encodings)} (encodings)")
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))  # `max_cell` judges each row
    lines = list(io.StringIO(text, newline=""))
    reader = csv.reader(lines, delimiter=source.delimiter or ",")
    first = 1
    try:
        for row in reader:
            last = reader.line_num
            if first < last == len(lines) and "".join(lines[first - 1 :]).count('"') % 2:
                raise UnreadableFile(
                    f"{path.name}, line {first}: a quotation mark is opened and never closed"
                )
            yield first, tuple(row)
            first = last + 1
    except csv.Error as error:
        raise UnreadableFile(f"{path.name}: no readable CSV ({error})") from None


def told_time(path: Path, sheet: Sheet | None, source: Source) -> datetime | None:
    """When a file says that it was made, by its name or its preamble; None where it does not.

    Where only the day is told it is the day's end; :func:`not_before` is its beginning.
    """
    told, form = "", source.observed.format
    if source.observed.file_name:
        told, form = path.name, source.observed.file_name
    elif source.observed.cell and sheet is not None:
        told = _beside(source.observed.cell, sheet)
    try:
        made = datetime.strptime(told, form).replace(tzinfo=_zone(source))
    except ValueError:
        return None
    return made.replace(hour=23, minute=59, second=59) if source.observed.by_day else made


def written_at(path: Path) -> datetime:
    """When a file was last written: the next best where it does not tell when it was made."""
    return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)


def not_before(made: datetime, source: Source) -> datetime:
    """The earliest moment at which a file that was made at `made` can have been made."""
    if not source.observed.by_day:
        return made
    return made.astimezone(_zone(source)).replace(hour=0, minute=0, second=0, microsecond=0)


def _zone(source: Source) -> ZoneInfo:
    return ZoneInfo(source.observed.zone or source.zone)


def _beside(label: str, sheet: Sheet) -> str:
    """What stands in the preamble beside a label."""
    for cells in sheet.preamble:
        if cells and cells[0].strip() == label:
            return next((cell.strip() for cell in cells[1:] if cell.strip()), "")
    return ""
