"""Workbooks as clerks make them: sheets, merged cells, formulas, dates, and files of another kind.

All data are invented.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import zipfile
from datetime import datetime, time
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from settings.sources import FolderSource
from tasks.sources.base import UnreadableFile, WrongMapping, sheet_of
from tasks.sources.files.reader import read_sheet
from tasks.text.translation import translated
from tasks.workbook_reader.covered import CoveredCell

HEADER = ["No", "Masuk", "Unit"]
SOFFICE = shutil.which("soffice")


def source(**more: object) -> FolderSource:
    return FolderSource.model_validate(
        {
            "folder": ".",
            "layout": "history",
            "zone": "Asia/Makassar",
            "dates": ["%d/%m/%Y %H:%M"],
            "fields": {"ticket": "No", "received": "Masuk", "unit": "Unit"},
            "events": [{"column": "Masuk", "kind": "verified"}],
        }
        | more
    )


def workbook(path: Path, **sheets: list[list[Any]]) -> Path:
    """A workbook with these sheets; one with a name that begins with `_` is hidden."""
    with xlsxwriter.Workbook(path, {"default_date_format": "dd/mm/yyyy hh:mm"}) as book:
        for name, lines in sheets.items():
            sheet = book.add_worksheet(name)
            if name.startswith("_"):
                sheet.hide()
            else:
                sheet.activate()
            for number, cells in enumerate(lines):
                sheet.write_row(number, 0, cells)
    return path


def merged(path: Path, *lines: list[Any], ranges: dict[str, str]) -> Path:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate(lines):
            for at, cell in enumerate(cells):
                if cell != "":
                    sheet.write(number, at, cell)
        for place, value in ranges.items():
            sheet.merge_range(place, value)
    return path


def rows(path: Path, **more: object) -> list[tuple[int, tuple[str, ...]]]:
    return [(int(line), cells) for line, cells in read_sheet(path, source(**more)).rows]


def cells(path: Path, **more: object) -> list[str]:
    """The cells of every row below the header, joined."""
    return [" | ".join(row) for _, row in rows(path, **more)]


def refusal(path: Path, **more: object) -> str:
    with pytest.raises(UnreadableFile) as error:
        rows(path, **more)
    return str(error.value)


ROW = ["A-1", "05/11/2026 08:00", "Dinas Sosial"]
NEXT = ["A-2", "05/11/2026 09:00", "Dinas Sosial"]
BOTH = [" | ".join(ROW), " | ".join(NEXT)]


@pytest.mark.parametrize("header", [None, "No"])
@pytest.mark.parametrize(
    ("sheets", "expected"),
    [
        ({"Data": [HEADER, ROW, NEXT]}, BOTH),
        ({"Data": [["Register Pengaduan"], [], HEADER, ROW, NEXT]}, BOTH),
        ({"Sampul": [["Register"], ["Bulan", "November"]], "Data": [HEADER, ROW, NEXT]}, BOTH),
        ({"Data": [HEADER, ROW], "Data 2": [["Lanjutan"], HEADER, NEXT]}, BOTH),
        ({"Data": [HEADER, ROW], "_Lama": [HEADER, NEXT]}, BOTH[:1]),
        ({"_Lama": [HEADER, NEXT], "Data": [HEADER, ROW]}, BOTH[:1]),
        ({"Data": [HEADER, ROW], "Data 2": [HEADER[::-1], NEXT[::-1]]}, BOTH),
        ({"Rekap": [["No", "Bidang", "Jumlah"], [1, "x", 2]], "Data": [HEADER, ROW, NEXT]}, BOTH),
        ({"Kosong": [], "Data": [HEADER, ROW, HEADER, NEXT]}, BOTH),
        ({"Mei": [HEADER, ROW], "Juni": [["No.", "MASUK", " Unit."], NEXT]}, BOTH),
        ({"Data": [HEADER, ROW, ["No.", "Masuk", "Unit"], NEXT]}, BOTH),
    ],
    ids=[
        *("plain", "title", "cover", "two", "hidden", "last", "order", "recap", "repeated"),
        *("dots", "repeated dots"),
    ],
)
def test_every_visible_sheet_with_the_table_is_read(tmp_path, header, sheets, expected):
    assert cells(workbook(tmp_path / "a.xlsx", **sheets), header=header) == expected


def test_a_line_names_its_sheet_if_there_are_several(tmp_path):
    one = workbook(tmp_path / "a.xlsx", Januari=[HEADER, ROW])
    two = workbook(tmp_path / "b.xlsx", Januari=[HEADER, ROW], Februari=[[], HEADER, NEXT])
    named = [
        [(sheet_of(line), int(line)) for line, _ in read_sheet(path, source()).rows]
        for path in (one, two)
    ]
    assert named == [[("", 2)], [("Januari", 2), ("Februari", 3)]]


def test_a_sheet_that_lacks_one_column_is_refused_and_not_left_out(tmp_path):
    path = workbook(tmp_path / "a.xlsx", Mei=[HEADER, ROW], Juni=[["No", "Masuk", "Dinas"], NEXT])
    with pytest.raises(WrongMapping, match=re.escape("a.xlsx, sheet 'Juni': no column 'Unit'")):
        rows(path, header="No")


LONG = {"ticket": "No Aduan", "received": "Tgl Masuk", "unit": "OPD", "status": "Status"}
OTHER_WORDS = ["No", "Nomor Pengaduan", "Tanggal Masuk", "OPD", "Status"]


@pytest.mark.parametrize("header", [None, "No", "Kode"])
def test_a_sheet_with_its_titles_in_other_words_is_refused_and_not_left_out(tmp_path, header):
    events = [{"column": "Tgl Masuk", "kind": "verified"}]
    titles = [header or "No", "No Aduan", "Tgl Masuk", "OPD", "Status"]
    row = ["1", "A-1", "05/11/2026", "Dinas Sosial", "proses"]
    path = workbook(tmp_path / "a.xlsx", Mei=[titles, row], Juni=[["Register"], OTHER_WORDS, row])
    words = refusal(path, header=header, fields=LONG, events=events)
    assert words.startswith(
        "a.xlsx, sheet 'Juni': no column 'No Aduan'; did you mean `Nomor Pengaduan`? Give"
    )


def test_a_recap_with_some_of_the_titles_is_not_refused(tmp_path):
    events = [{"column": "Tgl Selesai", "kind": "settled"}]
    titles = ["No", "No Aduan", "Tgl Masuk", "OPD", "Tgl Selesai"]
    row = ("1", "A-1", "05/11/2026", "Dinas Sosial", "06/11/2026")
    recap = [["No", "OPD", "Jumlah Masuk", "Jumlah Selesai", "Status"], ["1", "Dinas Sosial", 2, 1]]
    path = workbook(tmp_path / "a.xlsx", Mei=[titles, list(row)], Rekap=recap)
    fields = {name: LONG[name] for name in ("ticket", "received", "unit")}
    assert rows(path, fields=fields, events=events, header="No") == [(2, row)]


def test_sheets_with_rows_that_are_not_read_are_named(tmp_path):
    recap = [["Bidang", "Jumlah"], ["Jalan", 2]]
    sheets = {"Sampul": [["Register"], ["Bulan", "November"]], "Rekap": recap}
    sheets |= {
        "Mei": [HEADER, ROW],
        "Legenda": recap,
        "_Konsep": [["lama"]],
        "_Juni": [HEADER, NEXT],
    }
    sheet = read_sheet(workbook(tmp_path / "a.xlsx", **sheets), source(header="No"))
    assert len(list(sheet.rows)) == 1
    assert sheet.unread == ["Rekap", "Legenda", "_Juni"]


def test_a_sheet_with_another_first_column_is_read(tmp_path):
    titles, row = ["Kode", *HEADER], ["1", *NEXT]
    path = workbook(tmp_path / "a.xlsx", Mei=[["Nomor", *HEADER], ["1", *ROW]], Juni=[titles, row])
    assert [cells[1:] for _, cells in rows(path, header="Nomor")] == [tuple(ROW), tuple(NEXT)]


def test_the_number_of_a_line_is_that_of_the_spreadsheet(tmp_path):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for number, line in ((3, HEADER), (6, ROW)):
            sheet.write_row(number, 1, line)
    assert rows(path, header="No") == [(7, tuple(ROW))]


UNITS = ["A-1 | x | Dinas A", "A-2 | x | Dinas A", "A-3 | x | Dinas A", "A-4 | x | Dinas B"]


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ({"C2:C4": "Dinas A"}, UNITS),
        ({"C2:D4": "Dinas A"}, UNITS),
        ({"C2:C4": "Dinas A", "A7:C9": "Mengetahui"}, [*UNITS, "Mengetahui |  | "]),
    ],
)
def test_a_merged_cell_counts_for_every_row_it_covers(tmp_path, ranges, expected):
    lines = [
        ["No", "Masuk", "Unit"],
        *([f"A-{n}", "x", "" if n < 4 else "Dinas B"] for n in (1, 2, 3, 4)),
    ]
    path = merged(tmp_path / "a.xlsx", *lines, ranges=ranges)
    assert [
        line.removesuffix(" | ") if "D4" in str(ranges) else line for line in cells(path)
    ] == expected


@pytest.mark.parametrize("kind", ["xlsx", "html"])
def test_a_covered_cell_is_marked(tmp_path, kind):
    """So a row that only continues the one above it is no second row about its ticket."""
    page = (
        "<table><tr><th>No<th>Masuk<th>Unit<th>Ket</tr><tr><td rowspan=2>A-1<td>x<td>y<td>1</tr>"
        "<tr><td><td><td>2</tr></table>"
    )
    path = tmp_path / f"a.{kind}"
    if kind == "html":
        path.write_text(page, encoding="utf-8")
    else:
        lines = [[*HEADER, "Ket"], ["", "x", "y", "1"], ["", "", "", "2"]]
        merged(path, *lines, ranges={"A2:A3": "A-1"})
    found = [[type(cell) is CoveredCell for cell in row] for _, row in rows(path)]
    assert found == [[False] * 4, [True, False, False, False]]
    assert cells(path) == ["A-1 | x | y | 1", "A-1 |  |  | 2"]


def test_a_value_hidden_below_a_merged_cell_does_not_count(tmp_path):
    lines = [["No", "Masuk", "Unit"], ["A-1", "x", ""], ["A-2", "x", "Dinas C"]]
    path = merged(tmp_path / "a.xlsx", *lines, ranges={"C2:C3": "Dinas A"})
    assert cells(path) == ["A-1 | x | Dinas A", "A-2 | x | Dinas A"]


def test_a_merged_title_and_a_header_of_two_lines_do_no_harm(tmp_path):
    lines = [[], ["", "", ""], ["No", "", "Unit"], ["", "Masuk", ""], ROW]
    ranges = {"A1:C2": "Register", "A3:A4": "No", "C3:C4": "Unit"}
    path = merged(tmp_path / "a.xlsx", *lines, ranges=ranges)
    assert cells(path, header="No") == cells(path) == BOTH[:1]


@pytest.mark.parametrize("ranges", [{}, {"A1:A2": "No", "B1:B2": "Masuk", "E1:E2": "Unit"}])
def test_columns_below_a_group_keep_their_cells_if_no_mapped_one_is_among_them(tmp_path, ranges):
    upper, lower = ["No", "Masuk", "Disposisi", "", "Unit"], ["", "", "Tanggal", "Kepada", ""]
    numbers = [f"({n})" for n in range(1, 6)]
    row = ["A-1", "05/11/2026 08:00", "06/11/2026", "Bidang A", "Dinas Sosial"]
    lines = [upper, lower, numbers, row, upper, lower, row]
    path = merged(tmp_path / "a.xlsx", *lines, ranges=ranges)
    assert cells(path, header="No") == [" | ".join(each) for each in (numbers, row, row)]
    assert read_sheet(path, source()).header == ("No", "Masuk", "Tanggal", "Kepada", "Unit")


UPPER, LOWER = ["No", "Disposisi", "", "Ket"], ["", "Masuk", "Unit", ""]
SAME = ["", "Tanggal", "Tanggal", ""]
LINE = ["A-1", "05/11/2026 08:00", "Dinas Sosial", "x"]
OTHER = ["A-2", "05/11/2026 09:00", "Dinas Sosial", ""]


@pytest.mark.parametrize(
    "lines",
    [
        [UPPER, LOWER, LINE, OTHER],
        [["Register"], UPPER, LOWER, LINE, UPPER, LOWER, OTHER],
        [["", "Disposisi"], ["No", "Masuk", "Unit"], LINE, OTHER],
        [["No", "Disposisi", "", ""], ["", "Masuk", "", "x"], ["No", "Masuk", "Unit"], LINE, OTHER],
    ],
)
@pytest.mark.parametrize("header", [None, "No"])
def test_a_header_of_two_lines_is_read_as_one(tmp_path, header, lines):
    found = cells(workbook(tmp_path / "a.xlsx", Data=lines), header=header)
    assert [row.split(" | ")[:3] for row in found] == [LINE[:3], OTHER[:3]]


@pytest.mark.parametrize("upper", [["No", "Terima", "Dinas", ""], ["No", "Terima", "", ""]])
def test_a_column_below_a_group_is_named_by_both(tmp_path, upper):
    path = workbook(tmp_path / "a.xlsx", Data=[upper, ["", "Tanggal", "Nama"], LINE[:3]])
    unit = " ".join((upper[2] or upper[1], "Nama"))
    more = {
        "fields": {"ticket": "No", "received": "Terima Tanggal", "unit": unit},
        "events": [{"column": "Terima Tanggal", "kind": "verified"}],
    }
    ((line, found),) = rows(path, **more)
    assert (line, list(found[:3])) == (3, LINE[:3])


def test_two_columns_of_one_name_in_the_second_line_are_refused(tmp_path):
    lines = [["No", "Terima", "Selesai", "Unit"], SAME, LINE]
    fields = {"ticket": "No", "received": "Tanggal", "unit": "Unit"}
    events = [{"column": "Tanggal", "kind": "verified"}]
    text = refusal(workbook(tmp_path / "a.xlsx", Data=lines), fields=fields, events=events)
    assert "line 2: the column 'Tanggal' occurs 2 times" in text


def test_cells_are_read_by_their_meaning(tmp_path):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        bold = book.add_format({"bold": True})
        day = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        values: list[tuple[str, Any]] = [
            ("number", (5010653,)),
            ("number", (123456789012345678,)),
            ("string", ("5010653",)),
            ("boolean", (True,)),
            ("url", ("http://contoh.example/", None, "Dinas Sosial")),
            ("rich_string", ("Dinas ", bold, "Sosial", " Kota")),
            ("formula", ("=A1", None, "Dinas Sosial")),
            ("formula", ("=A1", None, "#N/A")),
            ("formula", ("=1/0", None, "#DIV/0!")),
            ("formula", ("=A1", None, "")),
            ("datetime", (datetime(2026, 11, 5), day)),
            ("datetime", (datetime(2026, 11, 5, 8, 0), day)),
            ("number", (46331.33333333, day)),
            ("number", (46331.3333373, day)),
            ("number", (46331.9999999999, day)),
            ("datetime", (time(8, 0), book.add_format({"num_format": "hh:mm"}))),
            ("number", (46331.25,)),
        ]
        for line, (kind, given) in enumerate(values, start=1):
            sheet.write_string(line, 0, str(line))
            getattr(sheet, f"write_{kind}")(line, 2, *given)
    assert [row.split(" | ")[2] for row in cells(path)] == [
        "5010653",
        "1.23456789012346E+17",
        "5010653",
        "TRUE",
        "Dinas Sosial",
        "Dinas Sosial Kota",
        "Dinas Sosial",
        "#N/A",
        "#DIV/0!",
        "#FORMULA!",
        "2026-11-05",
        "2026-11-05 08:00:00",
        "2026-11-05 08:00:00",
        "2026-11-05 08:00:00",
        "2026-11-06",
        "08:00:00",
        "46331.25",
    ]


def test_the_other_date_system_counts_from_1904(tmp_path):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path, {"date_1904": True}) as book:
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        sheet.write_row(1, 0, ["A-1", 44869.25, 44869])
        sheet.write_datetime(2, 1, datetime(2026, 11, 5), day)
    assert cells(path) == ["A-1 | 44869.25 | 44869", " | 2026-11-05 | "]
    assert cells(path, serial=True)[0] == "A-1 | 46331.25 | 44869"


HTML = """<html><head><style>td {{ x: "<td>" }}</style></head><body><table>
<tr><td colspan="3">Register</td></tr>
<tr><th>No<th>Masuk<th>Unit</tr>
<tr><td>A-1</td><td>05/11/2026&nbsp;08:00</td><td rowspan=2>Dinas<br>Sosial</td></tr>
<tr><td>A-2</td><td>05/11/2026 09:00</td></tr>
</table>{}</body></html>"""
CSV = "No;Masuk;Unit\nA-1;05/11/2026 08:00;Dinas Sosial\nA-2;05/11/2026 09:00;Dinas Sosial\n"


@pytest.mark.parametrize("name", ["a.xls", "a.xlsx", "a.csv"])
@pytest.mark.parametrize(
    "content",
    [HTML.format("").encode(), HTML.format("<table><tr><td>x</table>").encode(), CSV.encode()],
    ids=["html", "two-tables", "csv"],
)
def test_a_file_is_read_as_what_it_is(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    assert cells(path, header="No") == BOTH


@pytest.mark.parametrize("name", ["a.xls", "a.ods", "a.csv"])
def test_a_workbook_is_read_under_another_name(tmp_path, name):
    path = workbook(tmp_path / "a.xlsx", Data=[HEADER, ROW, NEXT]).rename(tmp_path / name)
    assert cells(path, header="No") == BOTH


COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000)


def zipped(**members: bytes) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return kept.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.xlsx", b"", "the file is empty"),
        ("a.xlsx", bytes(5000), "it has only empty bytes; copy or download it again"),
        ("a.xlsx", b"%PDF-1.7", "it is a PDF"),
        ("a.xls", b"{\\rtf1 x}", "it is a document in RTF"),
        ("a.xls", b"MIME-Version: 1.0\r\n\r\n<table>", "it is a web archive (MHTML);"),
        ("a.xlsx", zipped(**{"word/document.xml": b"<x/>"}), "it is a Word document"),
        ("a.xls", b"\x89PNG\r\n", "it is a picture"),
        ("a.xls", b"<html>Sesi Anda telah berakhir</html>", "it is a web page without a table;"),
        (
            "a.xls",
            b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">',
            "it is an 'XML Spreadsheet 2003'; save it as .xlsx",
        ),
        (
            "a.xlsx",
            COMPOUND + "EncryptedPackage".encode("utf-16-le"),
            "it is protected by a password; save it without one",
        ),
        (
            "a.ods",
            zipped(**{"META-INF/manifest.xml": b"<x:encryption-data/>", "content.xml": b"\x01"}),
            "it is protected by a password; save it without one",
        ),
        (
            "a.xlsb",
            zipped(**{"xl/workbook.bin": b""}),
            "it is a binary workbook; save it as .xlsx",
        ),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value,
)
def test_what_is_no_readable_workbook_is_called_what_it_is(tmp_path, name, content, why):
    path = tmp_path / name
    path.write_bytes(content)
    text = refusal(path)
    assert text.startswith(f"{name}: no readable workbook ({why}")
    reason = text.partition("(")[2]
    assert reason not in translated(text, "id")  # it is Indonesian too, not only its frame


def test_a_half_copied_workbook_lacks_its_end(tmp_path):
    path = workbook(tmp_path / "a.xlsx", Data=[HEADER, ROW])
    path.write_bytes(path.read_bytes()[:3000])
    why = "its end is missing; copy or download it again"
    assert refusal(path) == f"a.xlsx: no readable workbook ({why})"


@pytest.mark.thorough
@pytest.mark.skipif(SOFFICE is None, reason="needs the package libreoffice-calc")
@pytest.mark.parametrize("suffix", ["xlsx", "ods", "xls"])
def test_libreoffice_saves_what_is_read_in_the_same_way(tmp_path, suffix):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        day = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        book.add_worksheet("Sampul").write(0, 0, "Register")
        sheet = book.add_worksheet("Data")
        hidden = book.add_worksheet("Lama")
        hidden.write_row(0, 0, HEADER)
        hidden.write_row(1, 0, NEXT)
        hidden.hide()
        sheet.write_row(0, 0, HEADER)
        for line, moment in enumerate((datetime(2026, 11, 5), datetime(2026, 11, 5, 8, 20)), 1):
            sheet.write_number(line, 0, 5010652 + line)
            sheet.write_datetime(line, 1, moment, day)
        sheet.merge_range("C2:C3", "Dinas Sosial")
        sheet.write_row(3, 0, ["A-3", "05/11/2026 10:00"])
        sheet.write_formula(3, 2, "=NA()", None, "#N/A")
    out = tmp_path / "out"
    home = f"-env:UserInstallation={(tmp_path / 'home').as_uri()}"
    command = [
        str(SOFFICE),
        home,
        "--headless",
        "--convert-to",
        suffix,
        "--outdir",
        str(out),
        str(path),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert cells(out / f"a.{suffix}") == [
        "5010653 | 2026-11-05 | Dinas Sosial",
        "5010654 | 2026-11-05 08:20:00 | Dinas Sosial",
        "A-3 | 05/11/2026 10:00 | #N/A",
    ]
