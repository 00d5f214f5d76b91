"""Corrupt small exports as clerks, programs and networks do, by a seed.

The exports are excerpts of the example site. A corruption knows which complaints it gives another
possible meaning: an emptied date of a step states that the step has not happened, and no program
can see that it is wrong. What is judged about these complaints is not compared.
"""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import xlsxwriter

from settings.mapping import SourceMapping
from tasks.ingest.cell_checks import date_columns

Table = list[list[str]]
"""The rows of an export; the first one is the header."""

DATE = "%d/%m/%Y %H:%M"
UNREADABLE = (
    "Entah",
    "Dinas Sosail",
    "tidak jelas",
    "#REF!",
    "kata " * 60,
    "dua\nbaris",
    "=1+1",
    "🙂",
)
NOTHING = ("", "-", "belum ada", "n/a", "00/00/0000")
ROW_ENDS = "\r\n"


@dataclass
class Export:
    """One export: its table, and how it is written.

    `changed` are the tickets of complaints with another possible meaning; `every` says that all
    have one.
    """

    table: Table
    source: SourceMapping
    chance: random.Random
    suffix: str = "csv"
    above: Table = field(default_factory=list)
    delimiter: str = ";"
    encoding: str = "utf-8-sig"
    sheets: int = 1
    merged: str = ""
    changed: set[str] = field(default_factory=set)
    every: bool = False

    @property
    def header(self) -> list[str]:
        return self.table[0]

    @property
    def ticket(self) -> int:
        """The index of the column with the tickets, wherever it is now; -1 if it is gone."""
        column = self.source.fields.ticket
        return self.header.index(column) if column in self.header else -1

    @property
    def steps(self) -> list[int]:
        """The indexes of the columns with the dates of steps."""
        received = self.source.fields.received
        dates = date_columns(self.source) - ({received} if isinstance(received, str) else set())
        return [n for n, name in enumerate(self.header) if name in dates]

    @property
    def mapped(self) -> list[int]:
        """The indexes of the columns that the mapping names, without free text."""
        free = self.source.fields.personal
        return [n for n, c in enumerate(self.header) if c in self.source.columns and c not in free]

    def row(self) -> list[str]:
        return self.chance.choice(self.table[1:]) if len(self.table) > 1 else self.header[:]

    def filled(self, row: list[str], columns: list[int]) -> int | None:
        """The index of a filled cell of a row in one of these columns."""
        found = [n for n in columns if n < len(row) and row[n]]
        return self.chance.choice(found) if found else None

    def means_another(self, row: list[str]) -> None:
        if 0 <= self.ticket < len(row):
            self.changed.add(row[self.ticket])


# --- in the table ---------------------------------------------------------------------------------


def empty_cells(export: Export) -> None:
    for _ in range(export.chance.randint(1, 4)):
        row = export.row()
        place = export.filled(row, export.mapped)
        if place is not None:
            if place in export.steps:
                export.means_another(row)
            row[place] = ""


def replace_words(export: Export) -> None:
    for _ in range(export.chance.randint(1, 4)):
        row = export.row()
        place = export.filled(row, export.mapped)
        if place is not None:
            row[place] = export.chance.choice(UNREADABLE)


def write_signs(export: Export) -> None:
    row = export.row()
    place = export.filled(row, export.mapped)
    if place is not None:
        if place in export.steps:
            export.means_another(row)
        row[place] = export.chance.choice(NOTHING)


def cut_rows(export: Export) -> None:
    for _ in range(export.chance.randint(1, len(export.table))):
        if len(export.table) > 1:
            export.table.remove(export.row())


def move_columns(export: Export) -> None:
    """Move columns with their header: the first stays, by which the header is recognised."""
    order = list(range(1, len(export.header)))
    export.chance.shuffle(order)
    export.table[:] = [[row[n] for n in (0, *order) if n < len(row)] for row in export.table]


def swap_headers(export: Export) -> None:
    """Swap the names of two columns with dates."""
    if len(export.steps) > 1:
        one, other = export.chance.sample(export.steps, 2)
        header = export.header
        header[one], header[other] = header[other], header[one]
        export.every = True


def lose_column(export: Export) -> None:
    place = export.chance.randrange(len(export.header))
    if export.chance.random() < 0.5:
        export.header[place] = export.chance.choice(("", "Kolom", f"{export.header[place]}x"))
    else:
        for row in export.table:
            del row[place : place + 1]


def repeat_rows(export: Export) -> None:
    row = export.row()[:]
    place = export.filled(row, export.mapped)
    if place is not None and place != export.ticket and export.chance.random() < 0.7:
        row[place] = export.chance.choice(("", *UNREADABLE))
    export.table.insert(export.chance.randint(1, len(export.table)), row)


def mangle_dates(export: Export) -> None:
    for _ in range(export.chance.randint(1, 4)):
        row = export.row()
        place = export.filled(row, export.steps)
        if place is None:
            continue
        try:
            moment = datetime.strptime(row[place], DATE)  # noqa: DTZ007 - text of a clerk
        except ValueError:
            continue
        forms = ("%d-%m-%y %H:%M", "%d.%m.%Y %H.%M", "%Y-%m-%d %H:%M:%S", "31/02/%Y", "%d/%m %H:%M")
        row[place] = moment.strftime(
            export.chance.choice((*forms, "25/13/%Y %H:%M", "%d/%m/20266"))
        )


def shift_cells(export: Export) -> None:
    """Move the cells of a row by one place, from some place on.

    In a workbook nothing shows that dates have moved among columns with dates.
    """
    row = export.row()
    place = export.chance.randrange(len(row)) if row else 0
    if export.suffix == "xlsx" and export.steps:
        export.means_another(row)
    if export.chance.random() < 0.5:
        row.insert(place, "")
    elif row:
        del row[place]


def repeat_header(export: Export) -> None:
    export.table.insert(export.chance.randint(1, len(export.table)), export.header[:])


def add_lines(export: Export) -> None:
    """Write titles above the table, empty lines in it, and totals below it."""
    export.above = [["Laporan", "Kabupaten Contoh"], []][: export.chance.randint(0, 2)]
    export.table.insert(export.chance.randint(1, len(export.table)), [""] * len(export.header))
    export.table.append(["Jumlah", str(len(export.table))])


def use_sheets(export: Export) -> None:
    export.sheets = export.chance.choice((2, 3))


def merge_cells(export: Export) -> None:
    export.merged = export.chance.choice([export.header[n] for n in export.mapped])


def write_otherwise(export: Export) -> None:
    """Save a CSV file with another encoding or delimiter."""
    export.encoding = export.chance.choice(("utf-8", "utf-16", "cp1252", "utf-8-sig"))
    export.delimiter = export.chance.choice((";", ",", "\t"))


IN_TABLE = (
    *(empty_cells, replace_words, write_signs, cut_rows, move_columns, swap_headers, lose_column),
    *(repeat_rows, mangle_dates, shift_cells, repeat_header, add_lines),
)


# --- in the bytes ---------------------------------------------------------------------------------


def insert_quotes(raw: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 3)):
        raw = _inserted(raw, chance, b'"')
    return raw


def insert_delimiters(raw: bytes, chance: random.Random) -> bytes:
    return _inserted(raw, chance, chance.choice((b";", b";;", b"\n", b"\r\n", b";\n")))


def remove_delimiters(raw: bytes, chance: random.Random) -> bytes:
    wanted = chance.choice((b";", b"\n"))
    places = [n for n in range(len(raw)) if raw[n : n + 1] == wanted]
    for place in sorted(
        chance.sample(places, min(len(places), chance.randint(1, 3))), reverse=True
    ):
        raw = raw[:place] + raw[place + 1 :]
    return raw


def break_bytes(raw: bytes, chance: random.Random) -> bytes:
    broken = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        if broken:
            broken[chance.randrange(len(broken))] = chance.choice((0, *range(0x80, 0x100)))
    return bytes(broken)


def cut_file(raw: bytes, chance: random.Random) -> bytes:
    return raw[: chance.randrange(len(raw) + 1)]


def _inserted(raw: bytes, chance: random.Random, more: bytes) -> bytes:
    place = chance.randrange(len(raw) + 1)
    return raw[:place] + more + raw[place:]


IN_TEXT = (insert_quotes, insert_delimiters, remove_delimiters, break_bytes, cut_file)
IN_BYTES = (break_bytes, cut_file)


def break_line(raw: bytes, chance: random.Random) -> bytes:
    """Break a line of JSON Lines in two."""
    return _inserted(raw, chance, b"\n")


def change_json(raw: bytes, chance: random.Random) -> bytes:
    """Corrupt one complaint of JSON Lines in a way that leaves it JSON and can be recognised."""
    lines = raw.splitlines()
    place = chance.randrange(len(lines))
    line = json.loads(lines[place])
    kind = chance.randrange(5)
    if kind == 0:
        line.pop(chance.choice(("ticket", "received")), None)
    elif kind == 1:
        line["received"] = chance.choice((None, 7, [], {}, "Entah", "2026-13-01"))
    elif kind == 2:
        lines.insert(chance.randrange(len(lines)), lines[place])
    elif kind == 3:
        line["title"] = chance.choice((None, 7, "\ud83d rusak", "x" * 3_000))
    elif line.get("events"):
        event = chance.choice(line["events"])
        event[chance.choice(("kind", "at"))] = chance.choice((None, 7, "Entah", "2026-13-01"))
    if kind != 2:
        lines[place] = json.dumps(line).encode()
    return b"\n".join(lines) + b"\n"


IN_JSON = (change_json, change_json, insert_quotes, break_line, break_bytes, cut_file)


# --- written --------------------------------------------------------------------------------------


def as_csv(export: Export) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=export.delimiter, lineterminator=ROW_ENDS)
    writer.writerows([*export.above, *export.table])
    return text.getvalue().encode(export.encoding, "replace")


def as_workbook(export: Export) -> bytes:
    """Write the table as a workbook, dates of a register as date cells."""
    header, *rows = export.table
    size = -(-len(rows) // export.sheets) if rows else 1
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as book:
        dated = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        for number in range(export.sheets):
            sheet = book.add_worksheet(f"Lembar {number + 1}")
            part = rows[number * size : (number + 1) * size]
            lines = [*export.above, header, *part]
            for y, cells in enumerate(lines):
                for x, cell in enumerate(cells):
                    _write(sheet, y, x, cell, dated)
            if export.merged in header:
                _merge(sheet, len(export.above) + 1, header.index(export.merged), part)
    return out.getvalue()


def _write(sheet: xlsxwriter.worksheet.Worksheet, y: int, x: int, cell: str, dated: object) -> None:
    try:
        moment = datetime.strptime(cell, DATE)  # noqa: DTZ007 - a workbook knows no zone
    except ValueError:
        sheet.write_string(y, x, cell[:32_000])
    else:
        sheet.write_datetime(y, x, moment, dated)


def _merge(sheet: xlsxwriter.worksheet.Worksheet, top: int, x: int, rows: Table) -> None:
    """Merge the cells of a column over neighbouring rows with equal cells."""
    first = 0
    for n in range(1, len(rows) + 1):
        cell = rows[first][x] if x < len(rows[first]) else ""
        if n == len(rows) or x >= len(rows[n]) or rows[n][x] != cell:
            if n - first > 1 and cell:
                sheet.merge_range(top + first, x, top + n - 1, x, cell)
            first = n


# --- excerpts of the example ----------------------------------------------------------------------


@dataclass(frozen=True)
class Base:
    """The exports of one source, uncorrupted: as tables, or as files of JSON Lines."""

    source: str
    suffix: str
    tables: tuple[Table, ...] = ()
    texts: tuple[bytes, ...] = ()

    def write(self, number: int, source: SourceMapping) -> bytes:
        if self.texts:
            return self.texts[number]
        export = Export(self.tables[number], source, random.Random(0))
        return as_csv(export) if self.suffix == "csv" else as_workbook(export)


@dataclass
class Corrupted:
    """The bytes of an export, and the complaints with another possible meaning.

    `cells` are the cells of a workbook; a ticket that is not among them is gone for good.
    """

    raw: bytes
    changed: set[str]
    every: bool
    done: list[str]
    cells: set[str] = field(default_factory=set)


def corrupted(base: Base, number: int, source: SourceMapping, chance: random.Random) -> Corrupted:
    """Corrupt one export of a base in one or two ways."""
    done: list[str] = []
    if base.texts:
        raw = base.texts[number]
        for _ in range(chance.randint(1, 2)):
            way = chance.choice(IN_JSON)
            done.append(way.__name__)
            try:
                raw = way(raw, chance)
            except ValueError:
                continue  # no line of JSON any more
        at_line = raw.endswith(b"\n") and "cut_file" in done  # nothing tells that lines are lost
        return Corrupted(raw, set(), at_line, done)
    export = Export([row[:] for row in base.tables[number]], source, chance, base.suffix)
    more: tuple[Callable[[Export], None], ...] = (
        (write_otherwise,) if base.suffix == "csv" else (use_sheets, merge_cells)
    )
    for _ in range(chance.randint(0, 2)):
        way = chance.choice((*IN_TABLE, *more))
        done.append(way.__name__)
        way(export)
    raw = as_csv(export) if base.suffix == "csv" else as_workbook(export)
    if not done or chance.random() < 0.2:
        in_bytes = chance.choice(IN_TEXT if base.suffix == "csv" else IN_BYTES)
        done.append(in_bytes.__name__)
        raw = in_bytes(raw, chance)
    cells = {cell for row in export.table for cell in row}
    return Corrupted(raw, export.changed, export.every, done, cells)
