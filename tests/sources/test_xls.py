"""The old format .xls: errors in cells, and dates counted from 1904."""

import struct

import pytest

from settings.sources import FolderSource
from tasks.sources.files.reader import read_sheet
from tasks.workbook_reader.xls_parts import xls_parts

FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def record(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def label(row: int, column: int, text: str) -> bytes:
    cell = struct.pack("<HHHHB", row, column, 0, len(text), 0)
    return record(0x204, cell + text.encode("latin-1"))


def number(row: int, column: int, value: float) -> bytes:
    return record(0x203, struct.pack("<HHHd", row, column, 0, value))


def error(row: int, column: int, code: int) -> bytes:
    return record(0x205, struct.pack("<HHHBB", row, column, 0, code, 1))


def formula(row: int, column: int, code: int) -> bytes:
    """A formula that has this error as its result."""
    result = struct.pack("<BBBBHH", 2, 0, code, 0, 0, 0xFFFF)
    return record(0x06, struct.pack("<HHH", row, column, 0) + result + bytes(8))


def book(*sheets: bytes, from_1904: bool = False) -> bytes:
    """The stream of a workbook with these sheets."""
    begin = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0))
    begin += record(0x22, struct.pack("<H", from_1904))
    parts = [
        record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0)) + each + record(0x0A, b"")
        for each in sheets
    ]
    names = [f"Lembar {n}".encode() for n in range(len(sheets))]
    offset = len(begin) + sum(4 + 8 + len(name) for name in names) + 4
    for name, part in zip(names, parts, strict=True):
        begin += record(0x85, struct.pack("<IBBBB", offset, 0, 0, len(name), 0) + name)
        offset += len(part)
    return begin + record(0x0A, b"") + b"".join(parts)


def entry(name: str, kind: int, start: int, size: int, child: int = -1) -> bytes:
    text = name.encode("utf-16-le")
    links = struct.pack("<iii", -1, -1, child)
    return (
        text.ljust(64, b"\0")
        + struct.pack("<HBB", len(text) + 2, kind, 1)
        + links
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )


def compound(stream: bytes, *, small: bool) -> bytes:
    """A compound file with this stream: in large sectors, or in small ones in the root entry."""
    stream = stream if small else stream.ljust(4096, b"\0")
    content = stream.ljust(-(-len(stream) // 512) * 512, b"\0")
    count = len(content) // 512
    following = [FAT, END, END, *range(4, 3 + count), END]
    table = struct.pack("<128I", *(following + [FREE] * (128 - len(following))))
    smalls = len(content) // 64 if small else 0
    small_table = [*range(1, smalls), END] if small else []
    root = entry("Root Entry", 5, 3 if small else END, len(content) if small else 0, child=1)
    workbook = entry("Workbook", 2, 0 if small else 3, len(stream))
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    head += struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    head += struct.pack("<IIIIIIII", 1, 1, 0, 4096, 2 if small else END, bool(small), END, 0)
    head += struct.pack("<109I", 0, *([FREE] * 108))
    smalls_sector = struct.pack("<128I", *(small_table + [FREE] * (128 - len(small_table))))
    return head + table + (root + workbook).ljust(512, b"\0") + smalls_sector + content


HEADER = ("No", "Masuk", "Selesai")


def sheet(*rows: bytes) -> bytes:
    return b"".join(label(0, column, name) for column, name in enumerate(HEADER)) + b"".join(rows)


def source(**more: object) -> FolderSource:
    fields = {"ticket": "No", "received": "Masuk"}
    events = [{"column": "Selesai", "kind": "settled"}]
    return FolderSource.model_validate(
        {"type": "folder", "folder": "inbox", "layout": "history", "zone": "UTC", "header": "No"}
        | {"dates": ["%d/%m/%Y"], "fields": fields, "events": events}
        | more
    )


@pytest.mark.parametrize("small", [True, False])
def test_an_error_in_a_cell_is_no_empty_cell(tmp_path, small):
    path = tmp_path / "a.xls"
    rows = sheet(
        label(1, 0, "A-1"),
        label(1, 1, "05/11/2026"),
        error(1, 2, 0x2A),
        label(2, 0, "A-2"),
        label(2, 1, "05/11/2026"),
        formula(2, 2, 0x07),
    )
    path.write_bytes(compound(book(rows), small=small))
    assert list(read_sheet(path, source()).rows) == [
        (2, ("A-1", "05/11/2026", "#N/A")),
        (3, ("A-2", "05/11/2026", "#DIV/0!")),
    ]


@pytest.mark.parametrize(("from_1904", "day"), [(False, "46331"), (True, "47793.0")])
def test_a_bare_number_is_a_day_of_the_date_system_of_its_book(tmp_path, from_1904, day):
    path = tmp_path / "a.xls"
    rows = sheet(label(1, 0, "A-1"), number(1, 1, 46331))
    path.write_bytes(compound(book(rows, from_1904=from_1904), small=True))
    shown = list(read_sheet(path, source(serial=True)).rows)
    assert shown[0][1][1] == day


@pytest.mark.parametrize("keep", [0, 8, 100, 600, 1100, 2000])
def test_a_cut_file_has_no_facts(tmp_path, keep):
    path = tmp_path / "a.xls"
    path.write_bytes(compound(book(sheet(error(1, 2, 0x2A))), small=False)[:keep])
    assert xls_parts(path, serial=True).errors == {}
