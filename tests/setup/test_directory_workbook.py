"""The directory as a workbook: written, filled in, and read with every mistake at once."""

from __future__ import annotations

import gc
from datetime import date, datetime
from pathlib import Path

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from settings.errors import SettingsError
from sla.directory import Directory, OfficeHolder, Role, Unit
from tasks.setup.workbook_reader import read_directory_workbook
from tasks.setup.workbook_writer import UnitRemark, write_directory
from tasks.text.catalog import catalog

UNITS = [
    Unit("kab", "Pemerintah Kabupaten Rekaan", "kabupaten", None, ("Pemkab Rekaan",)),
    Unit("dinsos", "Dinas Sosial", "dinas", "kab", ("Dinsos Kab. Rekaan",), "Dinsos"),
    Unit("desa-a", "Desa A", "desa", "kab"),
]
ADMIN = OfficeHolder("kab", Role.ADMINISTRATOR, "Rekaan Admin", "admin@rekaan.example")
HEAD = OfficeHolder(
    "dinsos",
    Role.HEAD_OF_UNIT,
    "Rekaan, S.Sos.",
    "=kepala@rekaan.example",
    date(2026, 1, 5),
    date(2026, 12, 31),
    deputy=True,
    locale="en",
    title="Plt. Kadis",
)
DIRECTORY = Directory(UNITS, [ADMIN, HEAD], ["desa"])
UNIT_HEAD = ["Kode", "Nama unit", "Jenis", "Induk", "Ejaan lain"]
OFFICER_HEAD = ["Unit", "Jabatan", "Nama", "Surel", "Mulai", "Sampai", "Plt./Plh."]
TOP = ["kab", "Pemkab", "kabupaten", "", ""]
DINSOS = ["dinsos", "Dinas Sosial", "dinas", "Pemkab", ""]
A = ["Pemkab", "Administrator", "Rekaan", "a@b.example", "", "", ""]


def test_on_a_full_disk_the_only_error_is_the_one_that_is_raised(monkeypatch):
    """The archive failed again when it was closed, with a traceback on the screen."""
    ignored: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", ignored.append)
    with pytest.raises(OSError, match="No space left"):
        write_directory(Path("/dev/full"), DIRECTORY, "id")
    gc.collect()
    assert ignored == []


@pytest.mark.parametrize("locale", ["id", "en"])
def test_what_is_written_is_read_again(tmp_path, locale):
    path = tmp_path / "direktori.xlsx"
    write_directory(path, DIRECTORY, locale)
    read = read_directory_workbook(path, "id")  # the headings of each language are known
    assert read.directory.units == DIRECTORY.units
    assert read.directory.offices == DIRECTORY.offices
    # head of government, secretary and inspector; head and liaison of the top; a liaison
    assert read.empty_offices == 3 + 2 + 1


def test_the_workbook_shows_what_to_fill_in_and_what_to_check(tmp_path):
    path = tmp_path / "direktori.xlsx"
    write_directory(path, DIRECTORY, "id", {"dinsos": UnitRemark(12, ["desa-a"])})
    book = CalamineWorkbook.from_path(path)
    assert book.sheet_names == ["Petunjuk", "Unit", "Pejabat", "Daftar"]
    units = book.get_sheet_by_name("Unit").to_python()
    assert units[0][0] == "Unit kerja"
    row = next(row for row in units if row[0] == "dinsos")
    assert row[3:4] + row[6:] == [
        "Pemerintah Kabupaten Rekaan",
        12.0,
        "Namanya mirip dengan Desa A: unit yang sama? Jika ya, gabungkan.",
    ]
    officers = book.get_sheet_by_name("Pejabat").to_python()
    assert ["Dinas Sosial", "Pejabat penghubung", *[""] * 7] in officers
    assert not [row for row in officers if row[0] == "Desa A"]


def workbook(path: Path, units: list[list[object]], officers: list[list[object]]) -> Path:
    """A workbook as a person leaves it, with the headings in the first row."""
    with xlsxwriter.Workbook(path, {"default_date_format": "dd/mm/yyyy"}) as book:
        for name, head, rows in (
            ("Unit", UNIT_HEAD, units),
            ("Pejabat", OFFICER_HEAD, officers),
        ):
            sheet = book.add_worksheet(name)
            for line, row in enumerate([head, *rows]):
                sheet.write_row(line, 0, row)
    return path


def head(email: str, since: str = "", until: str = "", deputy: str = "") -> list[str]:
    """The row of a head of Dinas Sosial."""
    return ["Dinas Sosial", "Kepala unit", "Rekaan", email, since, until, deputy]


@pytest.mark.parametrize(
    ("units", "officers", "expected"),
    [
        ([TOP, DINSOS, ["", "Dinas A", "", "Pemkab", ""]], [A], ["Unit, baris 4, kolom Jenis"]),
        (
            [TOP, ["a", "Dinas A", "dinass", "Pemkab", ""], ["b", "B", "cabang", "Pemkab", ""]],
            [A],
            [
                "Unit, baris 3, kolom Jenis: tidak ada jenis unit 'dinass' (maksudnya 'dinas'?)."
                " Pilih dari daftar: provinsi, kabupaten, kota,",
                "Unit, baris 4, kolom Jenis: tidak ada jenis unit 'cabang'. Pilih dari daftar:",
            ],
        ),
        ([TOP, ["x", "", "dinas", "Pemkab", ""]], [A], ["Unit, baris 3, kolom Nama unit"]),
        ([TOP, ["kab", "Dinas A", "dinas", "Pemkab", ""]], [A], ["Unit, baris 3, kolom Kode"]),
        (
            [TOP, ["a", "Dinas A", "dinas", "Pemkb", ""]],
            [A],
            ["Unit, baris 3, kolom Induk: tidak ada unit bernama 'Pemkb'"],
        ),
        ([TOP, ["a", "Dinas A", "dinas", "", ""]], [A], ["Unit, baris 3, kolom Induk"]),
        (
            [TOP, ["a", "Dinas A", "dinas", "Pemkab", "PEMKAB"]],
            [A],
            ["Unit, baris 3, kolom Ejaan lain"],
        ),
        (
            [TOP, ["a", "Dinas A", "dinas", "Pemkab", "UPT"], ["b", "UPT", "dinas", "Pemkab", ""]],
            [A],
            ["Unit, baris 3, kolom Ejaan lain: 'UPT' juga ejaan unit UPT. Hapus dari salah"],
        ),
        (
            [TOP, DINSOS, ["", " dinas  SOSIAL", "dinas", "Pemkab", "Dinsos"]],
            [A],
            ["Unit, baris 4, kolom Nama unit: unit ini sudah ada di baris 3. Hapus baris ini;"],
        ),
        (
            [TOP, DINSOS, ["dinsos-2", "Dinas Sosial", "dinas", "Pemkab", ""]],
            [A],
            ["Unit, baris 4, kolom Nama unit: unit ini sudah ada di baris 3. Hapus baris ini;"],
        ),
        (
            [TOP, DINSOS],
            [A, head("kadis@b.example"), head("kadis2@b.example")],
            [
                "Pejabat, baris 4, kolom Jabatan: jabatan ini sudah terisi pada baris 3 untuk"
                " masa yang sama. Isi Mulai dan Sampai, tulis ya pada kolom Plt./Plh., atau hapus"
            ],
        ),
        (
            [TOP, DINSOS],
            [A, head("a@b.example", "", "31/12/2026"), head("b@b.example", "30/12/2026")],
            ["Pejabat, baris 4, kolom Jabatan: jabatan ini sudah terisi pada baris 3"],
        ),
        (
            [TOP, DINSOS],
            [A, head("")],
            ["Pejabat, baris 3, kolom Surel: alamat surel belum diisi. Tulis satu alamat"],
        ),
        (
            [TOP, ["a", "A", "dinas", "B", ""], ["b", "B", "dinas", "A", ""]],
            [A],
            ["Unit, baris 3, kolom Induk: unit ini", "Unit, baris 4, kolom Induk: unit ini"],
        ),
        (
            [TOP, ["superior", "A", "dinas", "Pemkab", ""]],
            [A],
            ["Unit, baris 3, kolom Kode: kode 'superior' dipakai laporan untuk kewajiban atasan."],
        ),
        ([TOP], [], ["Lembar Pejabat: belum ada Administrator"]),
        (
            [TOP, DINSOS],
            [A, ["Dinas Sosial", "Kepala unit", "Rekaan", "kepala@dinsos", "", "", ""]],
            ["Pejabat, baris 3, kolom Surel: bukan alamat surel"],
        ),
        (
            [TOP],
            [
                A,
                ["Dinas X", "Bupati", "Rekaan", "bukan surel", "31/2/2026", "", "mungkin"],
                ["Pemkab", "Inspektur", "", "b@b.example", "2/1/2026", "1/1/2026", ""],
            ],
            [
                "Pejabat, baris 3, kolom Unit: tidak ada unit bernama 'Dinas X'",
                "Pejabat, baris 3, kolom Jabatan: tidak ada jabatan 'Bupati'",
                "Pejabat, baris 3, kolom Surel: bukan alamat surel",
                "Pejabat, baris 3, kolom Plt./Plh.: 'mungkin' tidak dikenali",
                "Pejabat, baris 3, kolom Mulai: '31/2/2026' bukan tanggal",
                "Pejabat, baris 4, kolom Nama: nama pejabat belum diisi",
                "Pejabat, baris 4, kolom Sampai: masa jabatan berakhir sebelum dimulai",
            ],
        ),
    ],
)
def test_every_mistake_is_named_with_sheet_row_and_column(tmp_path, units, officers, expected):
    path = workbook(tmp_path / "a.xlsx", units, officers)
    with pytest.raises(SettingsError) as refused:
        read_directory_workbook(path, "id")
    lines = [line.removeprefix("Lembar ") for line in str(refused.value).splitlines()]
    wanted = [line.removeprefix("Lembar ") for line in expected]
    assert len(lines) == len(wanted)
    assert [line.startswith(start) for line, start in zip(lines, wanted, strict=True)] == [
        True
    ] * len(lines)
    assert "bukan surel" not in str(refused.value)


def test_a_kind_of_the_site_is_known_and_its_letter_case_does_not_matter(tmp_path):
    rows = [["a", "A", "Dinas", "Pemkab", ""], ["b", "B", "CABANG", "Pemkab", ""]]
    path = workbook(tmp_path / "a.xlsx", [TOP, *rows], [A])
    units = read_directory_workbook(path, "id", ["cabang"]).directory.units
    assert [unit.kind for unit in units.values()] == ["kabupaten", "dinas", "cabang"]


@pytest.mark.parametrize(
    "written", [datetime(2026, 11, 24), "24/11/2026", "24 November 2026", "2026-11-24", 46350]
)
def test_dates_of_a_workbook_are_dates(tmp_path, written):
    head = ["Dinas Sosial", "Kepala unit", "Rekaan", "k@b.example", written, "", "ya"]
    path = workbook(tmp_path / "a.xlsx", [TOP, DINSOS], [A, head])
    offices = read_directory_workbook(path, "id").directory.offices
    assert (offices[1].since, offices[1].until) == (date(2026, 11, 24), None)
    assert offices[1].deputy


@pytest.mark.parametrize(
    "others",
    [
        [head("b@b.example", "", "", "ya")],
        [head("b@b.example", "1/1/2027")],
        [head("b@b.example", "31/12/2026"), head("c@b.example", "1/1/2020", "1/1/2026")],
        [["Dinas Sosial", "Pejabat penghubung", "Rekaan", f"{n}@b.example", ""] for n in "xy"],
    ],
)
def test_an_office_has_one_regular_holder_at_a_time(tmp_path, others):
    rows = [A, head("a@b.example", "1/1/2026", "31/12/2026"), *others]
    path = workbook(tmp_path / "a.xlsx", [TOP, DINSOS], rows)
    assert len(read_directory_workbook(path, "id").directory.offices) == len(rows)


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        (
            "id",
            "Lembar Unit, baris 3, kolom Kode: kode unit ini sebelumnya 'dinsos', sekarang"
            " 'sosial'. Kode tidak boleh diubah, karena pengaduannya tercatat atas kode itu."
            " Tulis kembali 'dinsos'.",
        ),
        (
            "en",
            "Sheet Units, row 3, column Code: the code of this unit was 'dinsos' and is 'sosial'"
            " now. A code must not change, because its complaints are stored under it. Write"
            " 'dinsos' again.",
        ),
    ],
)
def test_a_unit_keeps_its_code(tmp_path, locale, expected):
    rows = [TOP, ["sosial", "DINAS SOSIAL", "dinas", "Pemkab", ""]]
    path = workbook(tmp_path / "a.xlsx", rows, [A])
    with pytest.raises(SettingsError) as refused:
        read_directory_workbook(path, locale, before=DIRECTORY)
    assert str(refused.value) == expected
    swapped = [TOP, ["a", "Dinas A", "dinas", "kab", ""], ["dinsos", "Desa A", "desa", "kab", ""]]
    path = workbook(tmp_path / "b.xlsx", swapped, [A])
    with pytest.raises(SettingsError, match=r"baris 4, kolom Kode: .*'desa-a', sekarang 'dinsos'"):
        read_directory_workbook(path, "id", before=DIRECTORY)


def test_a_unit_without_a_code_gets_the_code_in_use_and_a_new_name_keeps_it(tmp_path):
    rows = [TOP, ["", "Dinas Sosial", "dinas", "kab", ""], ["desa-a", "Desa B", "desa", "kab", ""]]
    path = workbook(tmp_path / "a.xlsx", rows, [A])
    units = read_directory_workbook(path, "id", before=DIRECTORY).directory.units
    assert {unit.id: unit.name for unit in units.values()} == {
        "kab": "Pemkab",
        "dinsos": "Dinas Sosial",
        "desa-a": "Desa B",
    }


def test_a_workbook_without_the_sheets_is_refused(tmp_path):
    path = tmp_path / "lain.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("Sheet1").write(0, 0, "x")
    with pytest.raises(SettingsError, match=r"lain\.xlsx: tidak ada lembar Unit"):
        read_directory_workbook(path, "id")


def test_the_rules_of_the_guide_are_in_both_languages():
    guides = [catalog(locale).names("directory_file.guide.lines") for locale in ("id", "en")]
    assert [len(lines) for lines in guides] == [7, 7]
