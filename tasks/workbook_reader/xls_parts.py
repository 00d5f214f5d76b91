"""Read from an old workbook (.xls) the facts that its reader (calamine) leaves out.

These are the cells with an error, and the date system. The file is a compound file (MS-CFB) with a
stream of records (MS-XLS, BIFF8).
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from pathlib import Path

from tasks.workbook_reader.parts import DAYS_TO_1904, Cell, WorkbookParts

_BOF, _EOF, _DATE_SYSTEM, _SHEET, _BOOL_OR_ERROR, _FORMULA = 0x809, 0x0A, 0x22, 0x85, 0x205, 0x06
_ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}
_LAST_SECTOR = 0xFFFFFFFA
_SMALL = 4096
"""Streams below this size are kept in the small sectors of the root entry."""


def xls_parts(path: Path, *, serial: bool) -> WorkbookParts:
    """Return the facts about an .xls file; empty ones if it is built in another way.

    With `serial`, `days_more` has the days to add to a serial number.
    """
    parts = WorkbookParts()
    try:
        stream = _workbook_stream(path.read_bytes())
        sheets: list[tuple[str, int]] = []
        for kind, at, data in _records(stream, 0):
            if kind == _DATE_SYSTEM and serial and data[:1] == b"\x01":
                parts.days_more = DAYS_TO_1904
            elif kind == _SHEET:
                sheets.append((_name(data), struct.unpack_from("<I", data)[0]))
            elif kind == _EOF and at:
                break
        for name, offset in sheets:
            errors = dict(_errors(stream, offset))
            if errors:
                parts.errors[name] = errors
    except (struct.error, IndexError, ValueError, UnicodeDecodeError):
        return WorkbookParts()
    return parts


def _errors(stream: bytes, offset: int) -> Iterator[tuple[Cell, str]]:
    """Yield the cells with an error in the sheet at this offset."""
    depth = 0
    for kind, _, data in _records(stream, offset):
        depth += (kind == _BOF) - (kind == _EOF)
        if not depth:
            return
        if depth > 1:  # a chart within the sheet
            continue
        code = None
        if kind == _BOOL_OR_ERROR and data[7]:
            code = data[6]
        elif kind == _FORMULA and data[12:14] == b"\xff\xff" and data[6] == 2:
            code = data[8]
        if code is not None:
            row, column = struct.unpack_from("<HH", data)
            yield (row, column), _ERRORS.get(code, "#N/A")


def _records(stream: bytes, at: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield the records of a stream from an offset on: kind, offset and content."""
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        yield kind, at, stream[at + 4 : at + 4 + size]
        at += 4 + size


def _name(data: bytes) -> str:
    """Return the name of a sheet from its record."""
    length, is_wide = data[6], data[7] & 1
    return data[8 : 8 + length * (1 + is_wide)].decode("utf-16-le" if is_wide else "latin-1")


def _workbook_stream(content: bytes) -> bytes:
    """Return the stream of a compound file that has the workbook."""
    file = _CompoundFile(content)
    entries = {name: (start, size) for name, start, size in file.entries()}
    root = entries.get("Root Entry", (0, 0))
    name = "Workbook" if "Workbook" in entries else "Book"
    if name not in entries:
        raise ValueError(name)
    start, size = entries[name]
    if size >= _SMALL:
        return file.stream(start)[:size]
    return file.small_stream(start, root[0])[:size]


class _CompoundFile:
    """A compound file: sectors that are linked by a table."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._size = 1 << struct.unpack_from("<H", content, 30)[0]
        self._first_entry, self._first_small = (
            struct.unpack_from("<I", content, at)[0] for at in (48, 60)
        )
        tables = list(struct.unpack_from("<109I", content, 76))
        following = struct.unpack_from("<I", content, 68)[0]
        while following < _LAST_SECTOR and len(tables) * self._size < len(content) * 4:
            *more, following = _numbers(self._sector(following))
            tables += more
        self._next = array("I")
        for sector in tables:
            if sector < _LAST_SECTOR:
                self._next.extend(_numbers(self._sector(sector)))

    def entries(self) -> Iterator[tuple[str, int, int]]:
        """Yield the name, the first sector and the size of each stream."""
        directory = self.stream(self._first_entry)
        for at in range(0, len(directory), 128):
            length = struct.unpack_from("<H", directory, at + 64)[0]
            name = directory[at : at + max(0, length - 2)].decode("utf-16-le")
            start, size = struct.unpack_from("<II", directory, at + 116)
            yield name, start, size

    def stream(self, start: int) -> bytes:
        """Return the sectors of a stream."""
        return b"".join(map(self._sector, self._chain(start, self._next)))

    def small_stream(self, start: int, root: int) -> bytes:
        """Return the small sectors of a stream; they lie in the stream of the root entry."""
        table = array("I", _numbers(self.stream(self._first_small)))
        content = self.stream(root)
        return b"".join(content[at * 64 : at * 64 + 64] for at in self._chain(start, table))

    def _sector(self, number: int) -> bytes:
        begin = (number + 1) * self._size
        return self._content[begin : begin + self._size]

    @staticmethod
    def _chain(start: int, following: array[int]) -> Iterator[int]:
        for _ in range(len(following) + 1):
            if start >= _LAST_SECTOR:
                return
            yield start
            start = following[start]


def _numbers(content: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(content) // 4}I", content[: len(content) // 4 * 4])
