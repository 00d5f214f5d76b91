"""A mapping learnt from workbooks as clerks make them. All data are invented."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest
import xlsxwriter

from tasks.ingest.inference.probe import table_of
from tasks.ingest.inference.proposal import learn

HEADER = ["Nomor Register", "Tanggal Masuk", "Perihal", "Tanggal Selesai"]


def rows(first: int, number: int) -> list[list[object]]:
    return [
        [
            f"R-{first + n}",
            datetime(2024, 11, 2 + n % 20, n % 24),
            "Jalan rusak",
            datetime(2024, 12, 1, n % 24),
        ]
        for n in range(number)
    ]


def register(path: Path, *sheets: tuple[str, list[list[object]]]) -> Path:
    """A workbook with a merged title above each table and a total line below."""
    with xlsxwriter.Workbook(path, {"default_date_format": "dd/mm/yyyy hh:mm"}) as book:
        for name, lines in sheets:
            sheet = book.add_worksheet(name)
            sheet.merge_range("A1:D2", "REGISTER PENGADUAN")
            for number, cells in enumerate(lines, start=2):
                sheet.write_row(number, 0, cells)
    return path


TOTAL: list[object] = ["Jumlah", None, None, 15]
NUMBERS: list[object] = ["(1)", "(2)", "(3)", "(4)"]
MONTH: list[object] = ["BULAN NOVEMBER 2024"]
SIGNED: list[object] = [None, "Salo, 30 November 2024"]


@pytest.mark.parametrize(
    ("sheets", "read"),
    [
        ([("Data", [HEADER, *rows(0, 15), TOTAL])], 15),
        ([("Sampul", [["Tahun", 2024]]), ("Data", [HEADER, *rows(0, 15), TOTAL])], 15),
        ([("Data", [HEADER, NUMBERS, MONTH, *rows(0, 15), TOTAL, SIGNED])], 15),
        ([("Okt", [HEADER, *rows(0, 15), TOTAL]), ("Nov", [HEADER, *rows(20, 12), TOTAL])], 27),
    ],
    ids=["title", "cover", "clerks-lines", "two-sheets"],
)
def test_the_table_is_found_and_all_of_its_rows_are_imported(tmp_path, sheets, read):
    learned = learn(register(tmp_path / "register.xlsx", *sheets), None, None)
    assert (learned.readable, learned.rows) == (read, read)
    assert 'ticket = "Nomor Register"' in learned.text
    assert 'received = "Tanggal Masuk"' in learned.text


@pytest.mark.parametrize(
    ("upper", "lower", "names"),
    [
        (
            ["Nomor Register", "Proses", "", "Ket"],
            ["", "Tanggal Masuk", "Tanggal Selesai", ""],
            ["Nomor Register", "Tanggal Masuk", "Tanggal Selesai", "Ket"],
        ),
        (
            ["Nomor Register", "Masuk", "Selesai", ""],
            ["", "Tanggal", "Tanggal", "Petugas"],
            ["Nomor Register", "Masuk Tanggal", "Selesai Tanggal", "Petugas"],
        ),
    ],
)
def test_a_header_of_two_lines_is_learnt_with_its_groups(tmp_path, upper, lower, names):
    lines = [[number, day, end, "x"] for number, day, _, end in rows(0, 15)]
    found = table_of(register(tmp_path / "a.xlsx", ("Data", [upper, lower, *lines])))
    assert [column.name for column in found.columns] == names
    assert (found.rows, found.header_line) == (15, 4)


@pytest.mark.parametrize(
    "first",
    [
        ["R-0", "2/XI/2026", "Jalan rusak", "3/XI/2026"],
        ["R-0", "9 November", "Jalan rusak", ""],
        ["R-0", "kemarin", "Jalan rusak", ""],
        ["tanpa nomor", "kemarin", "Jalan rusak", "belum"],
    ],
)
@pytest.mark.parametrize("title", ["Nomor Register", "Nomor Urut Pengaduan"])
def test_a_first_row_without_a_readable_day_is_no_second_line_of_the_header(tmp_path, first, title):
    header = [title, *HEADER[1:]]
    found = table_of(register(tmp_path / "a.xlsx", ("Data", [header, first, *rows(1, 5)])))
    assert [column.name for column in found.columns] == header
    assert found.rows == 6


@pytest.mark.parametrize(
    ("heads", "ratings", "fields"),
    [
        (("Kecamatan", "Rating"), "54435", {"place": "Kecamatan", "rating": "Rating"}),
        (
            ("Desa/Kelurahan", "Penilaian Pelapor"),
            "11521",
            {"place": "Desa/Kelurahan", "rating": "Penilaian Pelapor"},
        ),
        (
            ("Kelurahan", "Tingkat Kepuasan"),
            "55555",
            {"place": "Kelurahan", "rating": "Tingkat Kepuasan"},
        ),
        (("Kecamatan Pelapor", "Rating"), "90764", {}),  # of a person; and not from 1 to 5
        (("Lokasi", "Lama Penilaian"), ["puas", "cukup"], {}),
    ],
)
def test_columns_with_the_place_and_the_rating_are_proposed(tmp_path, heads, ratings, fields):
    lines = [
        [*row, f"Sukamaju {n % 3}", ratings[n % len(ratings)]] for n, row in enumerate(rows(0, 15))
    ]
    path = register(tmp_path / "a.xlsx", ("Data", [[*HEADER, *heads], *lines]))
    found = re.findall(r'^(place|rating) = "(.+?)"', learn(path, None, None).text, re.MULTILINE)
    assert dict(found) == fields
