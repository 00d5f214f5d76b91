"""Short registers with a few odd cells: a column titled as what it is stays that column."""

from __future__ import annotations

import re
import shutil
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
import xlsxwriter

from settings.mapping import EventColumn
from settings.site import EXAMPLE, load_site
from settings.sources import FolderSource
from sla.directory import Directory
from tasks.ingest.inference.proposal import Learned, learn
from tasks.ingest.inference.unlearnable import UnlearnableFile
from tasks.ingest.records import ComplaintRecord
from tasks.ingest.row_parser import ParserInputs
from tasks.ingest.row_validator import RowValidator
from tasks.sources.base import UnreadableFile
from tasks.sources.files.reader import read_sheet

UNITS = ("Dinas PUTR", "DLH", "Disdukcapil", "Dishub", "Satpol PP", "Dinsos", "PDAM", "Inspektorat")
NAMES = tuple(f"Rekaan {letter}" for letter in "ABCDEFGHIJKL")
ROWS = 12
NOW = datetime(2026, 11, 30, tzinfo=UTC)

Columns = dict[str, list[str]]


def table(**changed: list[str]) -> Columns:
    """Twelve complaints; a changed column is given by its header with `_` for spaces."""
    columns = {
        "No.": [f"{n}" for n in range(1, ROWS + 1)],
        "No Tiket": [f"WA-{n}" for n in range(101, 101 + ROWS)],
        "Tgl": [f"{n + 10}/11/2026" for n in range(ROWS)],
        "Diteruskan ke": [UNITS[n % len(UNITS)] for n in range(ROWS)],
        "Tgl Selesai": [f"{n + 15}/11/2026" if n < 6 else "-" for n in range(ROWS)],
        "Status": ["selesai" if n < 6 else "proses" for n in range(ROWS)],
    }
    for name, values in changed.items():
        columns[name.replace("_", " ")] = values
    return {name: values for name, values in columns.items() if values}


def with_cells(values: list[str], **cells: str) -> list[str]:
    """The values with other texts in some rows: `at3="x"` is the row with index 3."""
    return [cells.get(f"at{n}", value) for n, value in enumerate(values)]


def write(path: Path, columns: Columns, *below: tuple[str, ...]) -> Path:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, list(columns))
        for line, cells in enumerate(zip(*columns.values(), strict=True), start=1):
            sheet.write_row(line, 0, cells)
        for line, cells in enumerate(below, start=ROWS + 3):
            sheet.write_row(line, 0, cells)
    return path


def learned_from(tmp_path: Path, columns: Columns, *below: tuple[str, ...]) -> Learned:
    return learn(write(tmp_path / "a.xlsx", columns, *below), "register", None)


def source_of(learned: Learned) -> FolderSource:
    return FolderSource.model_validate(tomllib.loads(learned.mapping)["register"])


def unit_column(source: FolderSource) -> str | None:
    return source.fields.unit or next((each.unit for each in source.events if each.unit), None)


def step(source: FolderSource, kind: str) -> EventColumn | None:
    return next((each for each in source.events if each.kind == kind), None)


def said(learned: Learned) -> dict[str, str]:
    assert all(each.text("id") != each.text("en") for each in learned.doubts)
    return {each.key: each.text("id") for each in learned.doubts}


@pytest.mark.parametrize(
    "title",
    [
        *("OPD", "Unit Kerja", "Perangkat Daerah", "Diteruskan ke", "Disposisi"),
        "OPD PENANGGUNG JAWAB",
    ],
)
def test_a_column_titled_as_the_unit_needs_no_unit_twice(tmp_path, title):
    units = [f"Kecamatan {name}" for name in NAMES[:-1]] + ["PDAM"]
    learned = learned_from(tmp_path, table(Diteruskan_ke=[]) | {title: units})
    assert unit_column(source_of(learned)) == title
    assert set(learned.units) == set(units)
    assert not {"no_unit", "unit_unread"} & set(said(learned))


def test_a_column_of_units_with_names_in_it_is_not_read_and_that_is_said(tmp_path):
    learned = learned_from(tmp_path, table(Diteruskan_ke=list(NAMES)))
    assert unit_column(source_of(learned)) is None
    assert "Kolom 'Diteruskan ke' tidak dibaca" in said(learned)["unit_unread"]
    assert "tanggungan unit administrator" in said(learned)["no_unit"]
    assert not [name for name in NAMES if name in " ".join(said(learned).values())]


@pytest.mark.thorough
@pytest.mark.parametrize("title", ["KEPADA", "Tujuan"])
def test_a_column_that_only_says_to_whom_has_the_unit_if_it_names_units(tmp_path, title):
    units = [*UNITS, "D L H", "Disdik / Inspektorat", "Kec. Rekaan", "RSUD"]
    learned = learned_from(tmp_path, table(Diteruskan_ke=[]) | {title: units})
    assert unit_column(source_of(learned)) == title
    assert set(learned.units) == set(units)
    learned = learned_from(tmp_path, table() | {title: units})
    assert unit_column(source_of(learned)) == "Diteruskan ke"
    learned = learned_from(tmp_path, table(Diteruskan_ke=[]) | {title: ["Minta bantuan"] * ROWS})
    assert unit_column(source_of(learned)) is None
    assert "no_unit" in said(learned)


@pytest.mark.thorough
def test_a_column_that_only_says_to_whom_has_units_of_the_directory(tmp_path):
    names = ("Graha Layanan", "Loket Terpadu")  # no words of a unit
    path = write(
        tmp_path / "a.xlsx", table(Diteruskan_ke=[], Kepada=[names[n % 2] for n in range(ROWS)])
    )
    assert unit_column(source_of(learn(path, "register", None))) is None
    folder = shutil.copytree(EXAMPLE, tmp_path / "site")
    with (folder / "units.csv").open("a", encoding="utf-8") as units:
        units.writelines(f"baru{n},{name},dinas,kab,\n" for n, name in enumerate(names))
    assert unit_column(source_of(learn(path, "register", load_site(folder)))) == "Kepada"


KINDS = ("Jalan", "Lampu", "KTP", "Bansos", "Sekolah", "Puskesmas", "Banjir", "Parkir", "Air")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("title", "field"), [("KATEGORI", "category"), ("Kanal", "channel"), ("Desa", "place")]
)
def test_a_column_titled_as_a_list_needs_no_word_twice(tmp_path, title, field):
    words = [KINDS[n] if n < len(KINDS) else "Lainnya" for n in range(ROWS)]
    learned = learned_from(tmp_path, {**table(), title: words})
    assert getattr(source_of(learned).fields, field) == title
    texts = [f"Mohon {word} di dekat pasar segera diperbaiki dan diperiksa" for word in words]
    learned = learned_from(tmp_path, {**table(), title: texts})
    assert getattr(source_of(learned).fields, field) is None
    assert f"Kolom '{title}' tidak dibaca: isinya panjang" in said(learned)["words_unread"]


@pytest.mark.parametrize("odd", ["tdk ada", "17/11", "s.d. sekarang belum"])
def test_one_text_in_a_column_of_days_does_not_remove_the_column(tmp_path, odd):
    ends = with_cells(table()["Tgl Selesai"], at2=odd, at6="tgl 25 Nov 2026")
    learned = learned_from(tmp_path, table(Tgl_Selesai=ends, Status=[]))
    settled = step(source_of(learned), "settled")
    assert settled is not None
    assert settled.column == "Tgl Selesai"
    assert learned.readable == ROWS  # the cell becomes a question
    assert f"'{odd}' (baris 4)" in said(learned)["odd_steps"]


@pytest.mark.parametrize("title", ["Tgl/Jam Masuk", "Hari, Tgl Masuk", "Tanggal dan Waktu Masuk"])
def test_a_date_and_an_hour_in_a_title_are_the_date(tmp_path, title):
    days = [f"{n + 10}.11.26/{n + 7:02}.15" for n in range(ROWS)]
    odd = with_cells(days, at1="11.11.26/jam 10", at2="12.11.26/-", at3='"', at5='"')
    ends = with_cells(table()["Tgl Selesai"], at0="15.11.26/09.00")
    columns = {**table(Tgl=[], Tgl_Selesai=[], Status=[]), title: odd, "Tgl/Jam Selesai": ends}
    source = source_of(learned_from(tmp_path, columns))
    assert source.fields.received == title
    settled = step(source, "settled")
    assert settled is not None
    assert settled.column == "Tgl/Jam Selesai"


@pytest.mark.parametrize("empty", ["00/00/0000", "0", "00/01/1900", "30/12/1899", "01/01/0001"])
def test_an_empty_date_of_a_program_is_no_odd_cell(tmp_path, empty):
    """An intake reads it as an empty cell, so it does not say what the column is."""
    ends = [f"{n + 15}/11/2026" if n < 3 else empty for n in range(ROWS)]
    states = ["selesai" if n < 3 else "proses" for n in range(ROWS)]
    learned = learned_from(tmp_path, table(Tgl_Selesai=ends, Status=states))
    found = step(source_of(learned), "settled")
    assert found is not None
    assert found.column == "Tgl Selesai"
    assert not {"odd_steps", "no_dates", "ends_without_date"} & set(said(learned))


@pytest.mark.thorough
def test_the_word_for_not_yet_is_no_odd_cell(tmp_path):
    ends = [f"{n + 15}/11/2026" if n < 3 else ("belum", "blm selesai")[n % 2] for n in range(ROWS)]
    columns = table(Tgl_Selesai=ends, Status=["selesai"] * 3 + ["blm selesai"] * 9)
    learned = learned_from(tmp_path, columns)
    settled = step(source_of(learned), "settled")
    assert settled is not None
    assert settled.column == "Tgl Selesai"
    assert not {"odd_steps", "no_dates"} & set(said(learned))
    undated = with_cells(ends, at1="belum", at2="belum")
    learned = learned_from(tmp_path, table(Tgl_Selesai=undated, Status=columns["Status"]))
    assert "2 pengaduan sudah selesai tanpa tanggal" in said(learned)["ends_without_date"]


def test_a_status_with_short_words_is_known(tmp_path):
    words = ("sdh selesai", "tdk valid", "blm diproses", "dlm proses")
    columns = table(Tgl_Selesai=[], Status=[*words, *words, *words])
    source = source_of(learned_from(tmp_path, columns))
    assert {word.word for word in source.status if word.terminal} == {"sdh selesai", "tdk valid"}
    assert {word.word for word in source.status} == set(words)


def test_the_row_of_a_doubtful_day_is_named_with_its_sheet(tmp_path):
    """Both sheets have the same line numbers."""
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for month in (10, 11):
            sheet = book.add_worksheet(f"B{month}")
            sheet.write_row(0, 0, ["No Tiket", "Tgl", "Status"])
            for n, day in enumerate((2, 9, 16, 23)):
                text = "11/09/2026" if (month, day) == (11, 9) else f"{day}/{month}/2026"
                sheet.write_row(n + 1, 0, [f"{month}-{n}", text, "proses"])
    assert "'11/09/2026' (baris B11: 3)" in said(learn(path, "register", None))["doubtful_receipts"]


def test_a_month_with_a_dot_more_in_its_titles_is_learnt_as_well(tmp_path):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for month, titles in ((10, ["No", "No Aduan"]), (11, ["No.", "No. Aduan"])):
            sheet = book.add_worksheet(f"B{month}")
            sheet.write_row(0, 0, [*titles, "Tgl\nMasuk" if month == 11 else "Tgl Masuk", "Status"])
            for n in range(4):
                sheet.write_row(
                    n + 1, 0, [n + 1, f"{month}-{n}", f"{n + 13}/{month}/2026", "proses"]
                )
    learned = learn(path, "register", None)
    assert "8 dari 8 baris" in learned.text_in("id")


@pytest.mark.parametrize(
    ("titles", "said"),
    [
        (["No Tiket", "Tanggal Masuk", "OPD", "Status"], "kolom 'Tgl Masuk' tidak ada; yang mirip"),
        (
            ["No Tiket", "Tgl Masuk", "OPD", "Bidang"],
            "kolom 'Status' tidak ada, sedangkan tabel lain",
        ),
    ],
)
def test_a_sheet_with_other_titles_is_refused_with_what_to_change_in_it(tmp_path, titles, said):
    """There is no sources.toml yet."""
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name, head in (("Mei", ["No Tiket", "Tgl Masuk", "OPD", "Status"]), ("Juni", titles)):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, head)
            for n in range(ROWS - (name == "Juni")):
                sheet.write_row(n + 1, 0, [f"{name}-{n}", f"{n + 10}/11/2026", "DLH", "proses"])
    with pytest.raises(UnlearnableFile) as refused:
        learn(path, "register", None)
    text = refused.value.text("id")
    assert text.startswith(f"a.xlsx/Juni: {said}")
    assert "sources.toml" not in text


def test_a_sheet_that_is_not_read_is_said(tmp_path):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet, recap = book.add_worksheet("Data"), book.add_worksheet("Rekap")
        for line, cells in enumerate((table().keys(), *zip(*table().values(), strict=True))):
            sheet.write_row(line, 0, cells)
            recap.write_row(line, 0, ["Bidang", "Jumlah"])
    assert "tidak dibaca: Rekap." in said(learn(path, "register", None))["unread_sheets"]


TEXTS = ("via WA", "lihat surat", "lisan", "telp", "Rekaan Budi")


@pytest.mark.parametrize(
    ("title", "kind", "texts"),
    [
        ("Disposisi", "assigned", 2),
        ("DISPOSISI", "assigned", 5),
        ("Pelimpahan", "assigned", 3),
        ("Verifikasi", "verified", 3),
        ("Jawaban OPD", "responded", 3),
        ("Penyelesaian", "settled", 3),
    ],
)
def test_a_column_titled_as_a_step_has_its_days_in_spite_of_texts(tmp_path, title, kind, texts):
    days = [f"{n + 12}/11/2026" if n >= texts else TEXTS[n] for n in range(ROWS)]
    columns = {**table(Tgl_Selesai=[], Status=[]), title: days}
    learned = learned_from(tmp_path, columns)
    assert [each.column for each in source_of(learned).events if each.kind == kind] == [title]
    assert unit_column(source_of(learned)) == "Diteruskan ke"
    assert f"Kolom '{title}': {texts} isi bukan tanggal" in said(learned)["odd_steps"]
    assert not {"unit_unread", "assignment_unread"} & set(said(learned))
    assert learned.readable == ROWS


@pytest.mark.parametrize("title", ["Hasil Tindak Lanjut", "Status Tindak Lanjut"])
def test_a_column_titled_as_remarks_or_a_status_has_no_days_because_of_some(tmp_path, title):
    cells = [f"{n + 12}/11/2026" if n % 2 else "proses" for n in range(ROWS)]
    source = source_of(learned_from(tmp_path, {**table(Status=[]), title: cells}))
    assert title not in {each.column for each in source.events}


@pytest.mark.parametrize(
    ("title", "cells"),
    [
        ("Disposisi", [*NAMES[:8], *("12/11/2026",) * 4]),
        ("Disposisi / Tindak Lanjut", [""] * ROWS),
        ("Tgl Disposisi", [*("lihat surat",) * 8, *("12/11/2026",) * 4]),
        ("Tgl Disposisi/Tindak Lanjut", ["22/11/2026"] * ROWS),
    ],
)
def test_an_assignment_is_not_assumed_silently_if_a_column_may_have_it(tmp_path, title, cells):
    columns = {**table(Diteruskan_ke=[], Status=[]), "OPD": table()["Diteruskan ke"], title: cells}
    learned = learned_from(tmp_path, columns)
    assigned = step(source_of(learned), "assigned")
    assert assigned is not None
    assert (assigned.column, assigned.unit) == ("Tgl", "OPD")
    text = said(learned)["assignment_unread"]
    assert f"Kolom '{title}'" in text
    assert "Tanggal disposisi tidak diketahui" in said(learned)["assignment_without_day"]
    assert not [key for key in said(learned) if key in {"unit_unread", "no_dates"}]
    assert not [name for name in NAMES if name in text]


@pytest.mark.parametrize("title", ["Disposisi", "Diteruskan", "Pelimpahan", "Tgl Disposisi"])
@pytest.mark.parametrize("unit", ["OPD", "Instansi"])
def test_an_empty_column_of_the_assignment_is_its_day_beside_the_unit(tmp_path, title, unit):
    """`Disposisi` may also be the title of the units: a column with units is rather that."""
    units = table()["Diteruskan ke"]
    columns = table(Diteruskan_ke=[], Status=[]) | {title: [""] * ROWS, unit: units}
    learned = learned_from(tmp_path, columns)
    assigned = step(source_of(learned), "assigned")
    assert assigned is not None
    assert (assigned.column, assigned.unit) == (title, unit)
    assert f"Kolom '{title}' kosong" in said(learned)["assignment_empty"]
    assert "assignment_without_day" not in said(learned)
    assert set(learned.units) == set(units)


def test_an_empty_column_is_no_unit_of_the_day_of_an_assignment(tmp_path):
    days = [f"{n + 12}/11/2026" for n in range(ROWS)]
    columns = table() | {"Disposisi": [""] * ROWS, "Tgl Disposisi": days}
    assigned = step(source_of(learned_from(tmp_path, columns)), "assigned")
    assert assigned is not None
    assert (assigned.column, assigned.unit) == ("Tgl Disposisi", "Diteruskan ke")


SECTIONS = ["Bina Marga", "Cipta Karya", "Tata Ruang"] * (ROWS // 3)


@pytest.mark.parametrize("title", ["Bidang", "SEKSI", "Sub Bagian", "Bidang Penanggung Jawab"])
def test_a_part_of_an_office_is_the_unit_if_no_column_has_a_better_one(tmp_path, title):
    learned = learned_from(tmp_path, table(Diteruskan_ke=[]) | {title: SECTIONS})
    source = source_of(learned)
    assert (unit_column(source), source.fields.category) == (title, None)
    assert set(learned.units) == set(SECTIONS)
    assert f"Kolom '{title}' dibaca sebagai unit" in said(learned)["section_as_unit"]
    assert "no_unit" not in said(learned)


@pytest.mark.parametrize(
    ("columns", "unit", "category"),
    [
        ({"Bidang": SECTIONS}, "Diteruskan ke", "Bidang"),
        ({"Bidang": SECTIONS, "Diteruskan ke": []}, "Bidang", None),
        (
            {"Bidang": SECTIONS, "Kategori": ["Jalan"] * ROWS, "Diteruskan ke": []},
            "Bidang",
            "Kategori",
        ),
        ({"Seksi": SECTIONS, "Bidang": SECTIONS, "Diteruskan ke": []}, "Bidang", None),
        ({"Seksi": SECTIONS, "Bidang": [""] * ROWS, "Diteruskan ke": []}, "Seksi", "Bidang"),
        (
            {"Seksi": SECTIONS, "Kepada": list(UNITS) + ["DLH"] * 4, "Diteruskan ke": []},
            "Kepada",
            None,
        ),
        ({"Bidang Layanan": SECTIONS, "Diteruskan ke": []}, None, "Bidang Layanan"),
        ({"Seksi": list(NAMES), "Diteruskan ke": []}, None, None),
    ],
)
def test_a_part_of_an_office_is_no_unit_beside_a_better_one(tmp_path, columns, unit, category):
    learned = learned_from(tmp_path, {k: v for k, v in (table() | columns).items() if v})
    source = source_of(learned)
    assert (unit_column(source), source.fields.category) == (unit, category)
    assert not [name for name in NAMES if name in learned.text + str(said(learned))]


SUBJECTS = ["Pendidikan", "Kesehatan", "Jalan", "Air", "Lain-lain", "Jalan"] * (ROWS // 6)


@pytest.mark.parametrize("category", [None, "Kategori"])
def test_a_column_titled_as_a_part_of_an_office_with_subjects_is_no_unit(tmp_path, category):
    more = {category: ["Keluhan", "Saran"] * (ROWS // 2)} if category else {}
    learned = learned_from(tmp_path, table(Diteruskan_ke=[]) | {"Bidang": SUBJECTS} | more)
    source = source_of(learned)
    assert (unit_column(source), source.fields.category) == (None, category or "Bidang")
    assert learned.units == {}
    assert "Kolom 'Bidang' tidak dibaca sebagai unit" in said(learned)["section_no_unit"]
    assert {"no_unit", "section_as_unit"} & set(said(learned)) == {"no_unit"}


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        (SECTIONS, None),
        (SUBJECTS, None),
        (["Dinas Sosial", "DLH", "Dinas Kesehatan"] * (ROWS // 3), "Bidang"),
        (["Dinas Sosial", "DLH", "Bina Marga"] * (ROWS // 3), "Bidang"),
    ],
)
def test_the_units_of_the_site_decide_whether_a_column_has_them(tmp_path, values, unit):
    path = write(tmp_path / "a.xlsx", table(Diteruskan_ke=[]) | {"Bidang": values})
    learned = learn(path, "register", load_site(EXAMPLE))
    source = source_of(learned)
    assert (unit_column(source), source.fields.category) == (unit, None if unit else "Bidang")
    assert ("section_as_unit" if unit else "section_no_unit") in said(learned)


@pytest.mark.parametrize("title", ["Disposisi Kepada", "Petugas Disposisi", "Nomor Disposisi"])
def test_a_column_that_cannot_have_the_day_of_the_assignment_is_not_named(tmp_path, title):
    learned = learned_from(tmp_path, {**table(), title: [f"B/{n}" for n in range(ROWS)]})
    assert "assignment_unread" not in said(learned)
    assert "assignment_without_day" in said(learned)


def test_a_step_below_the_heading_of_dates_is_a_date_without_any_cell(tmp_path):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["No Tiket", "OPD", "Tanggal"])
        sheet.write_row(1, 2, ["Masuk", "Disposisi", "Penyelesaian"])
        for n in range(ROWS):
            days = [f"{n + 10}/11/2026", "", f"{n + 11}/11/2026" if n < 2 else ""]
            sheet.write_row(n + 2, 0, [f"WA-{n}", UNITS[n % 4], *days])
    learned = learn(path, "register", None)
    source = source_of(learned)
    assert learned.readable == ROWS
    assert source.fields.received == "Masuk"
    assert [f"{each.column} {each.kind}" for each in source.events] == [
        "Tanggal Disposisi assigned",
        "Tanggal Penyelesaian settled",
    ]


def test_a_column_of_days_with_texts_mostly_is_named_with_a_cell(tmp_path):
    ends = ["menunggu"] * 7 + [f"{n}/11/2026" for n in range(23, 28)]
    learned = learned_from(tmp_path, table(Tgl_Selesai=ends))
    assert step(source_of(learned), "settled") is None
    assert "Kolom 'Tgl Selesai' tidak dibaca" in said(learned)["no_dates"]
    assert "'menunggu' (baris 2)" in said(learned)["no_dates"]


def test_a_cell_that_may_be_a_name_is_not_shown(tmp_path):
    ends = with_cells(table()["Tgl Selesai"], at2="Rekaan Budi")
    learned = learned_from(tmp_path, table(Tgl_Selesai=ends))
    assert "'...' (baris 4)" in said(learned)["odd_steps"]
    assert "Budi" not in learned.text_in("id") + " ".join(said(learned).values())


def test_two_texts_in_the_hours_leave_the_hours_of_the_others(tmp_path):
    hours = with_cells([f"{n + 7:02}.15" for n in range(ROWS)], at1="pagi", at5="7.5")
    learned = learned_from(tmp_path, table(Jam=hours))
    assert source_of(learned).fields.received == ("Tgl", "Jam")
    assert "jam pada 2 isi tidak terbaca, misalnya 'pagi' (baris 3)" in said(learned)["odd_hours"]


def test_hours_that_are_numbers_are_not_read_and_that_is_said(tmp_path):
    """8.5 may be half past eight, or 08.50 without its zero; 8.05 is five past eight."""
    learned = learned_from(tmp_path, table(Jam=["8.5", "16.3", "8.05"] * 4))
    assert source_of(learned).fields.received == "Tgl"
    assert "misalnya '8.5' (baris 2). Format kolom jam sebagai teks" in said(learned)["no_hours"]


HOURS = [f"{n + 7:02}.15" for n in range(ROWS)]


@pytest.mark.thorough
@pytest.mark.parametrize("title", ["Jam", "Pukul Diterima", "JAM LAPOR", "Waktu Masuk"])
def test_the_hour_of_the_receipt_is_never_that_of_a_step(tmp_path, title):
    others = {"Jam Selesai": HOURS, "Pukul Disposisi": HOURS, "Waktu Kejadian": HOURS}
    columns = table(Tgl=[]) | {"Tgl Masuk": table()["Tgl"]} | others
    learned = learned_from(tmp_path, columns)
    assert source_of(learned).fields.received == "Tgl Masuk"
    learned = learned_from(tmp_path, columns | {title: HOURS})
    assert source_of(learned).fields.received == ("Tgl Masuk", title)


@pytest.mark.parametrize(
    ("upper", "lower", "received", "settled"),
    [
        (
            ["Diterima", "", "Selesai", ""],
            ["Tanggal", "Jam", "Tanggal", "Jam"],
            ("Diterima Tanggal", "Diterima Jam"),
            "Selesai Tanggal",
        ),
        (
            ["Masuk", "", "Tgl Selesai", ""],
            ["Hari/Tgl", "Pukul", "", ""],
            ("Hari/Tgl", "Pukul"),
            "Tgl Selesai",
        ),
        (
            ["Tgl Masuk", "Jam Masuk", "Selesai", ""],
            ["", "", "Tanggal", "Pukul"],
            ("Tgl Masuk", "Jam Masuk"),
            "Selesai Tanggal",
        ),
        (["Tgl Masuk", "x", "Selesai", ""], ["", "", "Tgl", "Jam"], "Tgl Masuk", "Selesai Tgl"),
    ],
)
def test_the_hour_in_a_header_of_two_lines_belongs_to_its_group(
    tmp_path, upper, lower, received, settled
):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["No Tiket", "OPD", *upper])
        sheet.write_row(1, 2, lower)
        for n in range(ROWS):
            end = [f"{n + 15}/11/2026", "10.30"] if n < 6 else []
            row = [f"WA-{n}", UNITS[n % 4], f"{n + 10}/11/2026", HOURS[n], *end]
            sheet.write_row(n + 2, 0, row)
    learned = learn(path, "register", None)
    source = source_of(learned)
    assert source.fields.received == received
    assert [each.column for each in source.events if each.kind == "settled"] == [settled]
    assert learned.readable == ROWS
    assert not {"no_dates", "odd_hours", "unclear_dates"} & set(said(learned))


def test_hours_as_people_say_them_are_read(tmp_path):
    spoken = ("jam 8 pagi", "pukul 08.30", "8.30 WITA", "08:30:00", "2 siang", "jam 4 sore")
    learned = learned_from(tmp_path, table(Jam=[*spoken, *spoken]))
    assert source_of(learned).fields.received == ("Tgl", "Jam")
    assert not {"odd_hours", "no_hours"} & set(said(learned))


def test_a_date_with_a_part_of_the_day_goes_not_to_quarantine(tmp_path):
    learned = learned_from(tmp_path, table(Tgl=with_cells(table()["Tgl"], at3="14/11/2026 pagi")))
    assert learned.readable == ROWS
    assert "'14/11/2026 pagi' (baris 5)" in said(learned)["odd_hours"]
    assert "odd_receipts" not in said(learned)


def test_years_of_two_digits_with_an_apostrophe_are_read(tmp_path):
    days = with_cells(table()["Tgl"], at1="12 Nov '26", at2="13-Nov-26", at3="14 Nop 26")
    learned = learned_from(tmp_path, table(Tgl=with_cells(days, at4="15/11/'26")))
    assert learned.readable == ROWS
    assert "odd_receipts" not in said(learned)


@pytest.mark.parametrize("title", ["Tanggal Masuk", "Tgl Diterima"])
def test_three_bad_days_of_receipt_leave_the_column_and_go_to_quarantine(tmp_path, title):
    days = with_cells(table()["Tgl"], at2="31/11/2026", at4='"', at5="16/11/20226")
    learned = learned_from(tmp_path, table(Tgl=[]) | {title: days})
    assert source_of(learned).fields.received == title
    assert learned.readable == ROWS - 3
    assert "'31/11/2026' (baris 4)" in said(learned)["odd_receipts"]


@pytest.mark.thorough
def test_a_day_with_day_and_month_swapped_is_said(tmp_path):
    days = [f"{n}/{month}/2026" for month in (10, 11) for n in (2, 9, 13, 16, 20, 26)]
    learned = learned_from(tmp_path, table(Tgl=with_cells(days, at7="11/09/2026")))
    assert "'11/09/2026' (baris 9)" in said(learned)["doubtful_receipts"]
    assert learned.readable == ROWS
    right = learned_from(tmp_path, table(Tgl=days))
    assert "doubtful_receipts" not in said(right)


ODD_DAYS = {"at2": "5 Nov", "at4": "11-11-26 ?"}


@pytest.mark.parametrize("title", ["TGL/JAM MASUK", "Tgl Pengaduan Diterima", "Waktu Aduan Masuk"])
def test_a_column_titled_as_the_receipt_in_other_words_keeps_its_odd_cells(tmp_path, title):
    days = with_cells(table()["Tgl"], **ODD_DAYS)
    learned = learned_from(tmp_path, table(Tgl=[]) | {title: days})
    assert source_of(learned).fields.received == title
    assert (
        f"Kolom '{title}': 2 isi bukan tanggal, misalnya '5 Nov' (baris 4)"
        in (said(learned)["odd_receipts"])
    )
    assert learned.readable == ROWS - 2


def test_an_unreadable_column_titled_as_the_receipt_in_other_words_is_named(tmp_path):
    days = ["minggu ke-1"] * 9 + ["2/11/2026"] * 3
    columns = table(Tgl=[], Tgl_Selesai=[]) | {"Tgl Pengaduan Diterima": days}
    with pytest.raises(UnlearnableFile) as refused:
        learned_from(tmp_path, columns)
    assert "9 dari 12 isi kolom 'Tgl Pengaduan Diterima' bukan" in refused.value.text("id")


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Tgl Teruskan", "assigned"),
        ("Tgl Jawab", "responded"),
        ("Tanggal Jawab OPD", "responded"),
        ("Tgl Penanggung Jawab", None),
        ("Tgl Surat Diterima", None),
    ],
)
def test_short_titles_of_steps_are_known(tmp_path, title, kind):
    days = [f"{n + 12}/11/2026" for n in range(ROWS)]
    source = source_of(learned_from(tmp_path, {**table(), title: days}))
    assert [each.kind for each in source.events if each.column == title] == ([kind] if kind else [])
    assert source.fields.received == "Tgl"


@pytest.mark.thorough
def test_a_column_of_days_with_an_unknown_title_comes_with_the_known_ones(tmp_path):
    days = [f"{n + 12}/11/2026" for n in range(ROWS)]
    text = said(learned_from(tmp_path, {**table(), "Tgl Surat": days}))["unclear_dates"]
    known = re.findall("'(.+?)'", text.partition("Judul yang dikenal")[2])
    assert len(known) == 5
    columns = table(Tgl_Selesai=[]) | dict.fromkeys(known, days)
    assert {each.column for each in source_of(learned_from(tmp_path, columns)).events} >= set(known)


def test_an_unreadable_column_of_receipts_is_named_and_not_replaced(tmp_path):
    days = ["minggu ke-1"] * 9 + ["2/11/2026"] * 3
    letters = [f"{n + 10}/11/2026" for n in range(ROWS)]
    columns = table(Tgl=[]) | {"Tanggal Masuk": days, "Tanggal Surat": letters}
    with pytest.raises(UnlearnableFile) as refused:
        learned_from(tmp_path, columns)
    assert "9 dari 12 isi kolom 'Tanggal Masuk' bukan tanggal" in refused.value.text("id")
    assert "'minggu ke-1' (baris 2)" in refused.value.text("id")


def test_a_signature_in_two_columns_is_no_row(tmp_path):
    below = (
        ("", "Mengetahui,", "", "", "", "Rekaan, 27-11-2026"),
        ("", "Camat Rekaan", "", "", "", "Petugas"),
        ("", "(................)", "", "", "", "REKAAN"),
    )
    learned = learned_from(tmp_path, table(Tgl_Selesai=[], Petugas=["x"] * ROWS), *below)
    assert source_of(learned).fields.ticket == "No Tiket"
    assert (learned.readable, learned.rows) == (ROWS, ROWS)
    assert "ticket_odd" not in said(learned)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ({"at7": "WA-107"}, "nomor WA-107 berulang pada baris 8, 9"),
        ({"at7": ""}, "kosong pada baris 9"),
    ],
)
def test_a_column_titled_as_the_ticket_is_the_ticket_with_an_odd_cell(tmp_path, numbers, text):
    tickets = with_cells(table()["No Tiket"], **numbers)
    learned = learned_from(tmp_path, table(No_Tiket=tickets))
    assert source_of(learned).fields.ticket == "No Tiket"
    assert text in said(learned)["ticket_odd"]
    assert learned.readable == ROWS - 1


def test_numbers_that_differ_in_letter_case_are_named_with_their_rows(tmp_path):
    tickets = with_cells(table()["No Tiket"], at7="wa-107 ")
    learned = learned_from(tmp_path, table(No_Tiket=tickets))
    assert source_of(learned).fields.ticket == "No Tiket"
    said_of_tickets = said(learned)["ticket_odd"]
    assert "nomor WA-107, wa-107 pada baris 8, 9 hanya berbeda huruf" in said_of_tickets


def test_a_row_with_only_the_phone_of_a_person_is_named_as_one_without_a_number(tmp_path):
    below = ("",) * 6 + ("0812-0000-0000",)
    learned = learned_from(tmp_path, table(HP_Pelapor=["x"] * ROWS), below)
    assert f"kosong pada baris {ROWS + 4}." in said(learned)["ticket_odd"]


def test_a_row_without_a_number_is_counted_if_its_cells_have_no_title(tmp_path):
    columns = {**table(), "": with_cells([""] * ROWS, at3="08.30 s.d. 09.00")}
    empty = {name: with_cells(values, at3="") for name, values in columns.items() if name}
    learned = learned_from(tmp_path, {**empty, "": columns[""]})
    assert "pengaduan: 1 baris tanpa nomor." in said(learned)["ticket_odd"]


@pytest.mark.parametrize("title", ["No Agenda", "Kode"])
@pytest.mark.parametrize("counts", [ROWS, 6], ids=["counted", "again-on-each-sheet"])
def test_a_number_of_its_own_with_an_empty_cell_is_better_than_a_count_of_rows(
    tmp_path, title, counts
):
    tickets = with_cells(table()["No Tiket"], at7="")
    numbers = [str(n % counts + 1) for n in range(ROWS)]
    learned = learned_from(tmp_path, {**table(No_Tiket=[]), "No.": numbers, title: tickets})
    assert source_of(learned).fields.ticket == title
    assert "kosong pada baris 9" in said(learned)["ticket_odd"]
    assert learned.readable == ROWS - 1


@pytest.mark.parametrize(
    "numbers",
    [
        [f"{n}" for n in range(1041, 1041 + ROWS)],
        [f"{n}/2026" for n in range(1, 1 + ROWS)],
        ["1", "2", "3", *(f"{n}" for n in range(41, 38 + ROWS))],
    ],
)
def test_a_number_that_does_not_count_the_rows_stays_the_ticket(tmp_path, numbers):
    letters = with_cells(table()["No Tiket"], at7="")
    columns = {**table(No_Tiket=[]), "No.": numbers, "No Agenda": letters}
    assert source_of(learned_from(tmp_path, columns)).fields.ticket == "No."


def test_the_number_of_a_letter_with_empty_cells_is_not_the_ticket(tmp_path):
    letters = with_cells(table()["No Tiket"], at7="")
    learned = learned_from(tmp_path, {**table(No_Tiket=[]), "No Surat": letters})
    assert source_of(learned).fields.ticket == "No."
    assert "hanya menomori baris" in said(learned)["row_numbers"]


def test_a_row_broken_by_a_line_break_does_not_change_what_the_columns_are(tmp_path):
    lines = ["No;No Agenda;Tgl Masuk;Perihal;Tujuan;Status"]
    for n in range(1, ROWS + 1):
        ticket = "" if n == 10 else f"{n + 99}/KOM/26"
        lines.append(f"{n};{ticket};{n + 2}/11/2026;Jalan rusak;Dinas PUPR;proses")
    lines[7] = lines[7].replace("rusak;", "rusak\n")
    path = tmp_path / "a.csv"
    path.write_text("\n".join([*lines, ""]))
    learned = learn(path, "register", None)
    assert source_of(learned).fields.ticket == "No Agenda"
    assert learned.reasons == {"short_row": 2, "missing_ticket": 1}
    assert "kosong pada baris 12." in said(learned)["ticket_odd"]
    assert not re.search(r"short_row|torn_row\b", learned.mapping + str(said(learned)))


@pytest.mark.parametrize(
    ("tickets", "text"),
    [
        (["WA-1"] * 8 + ["WA-2"] * 4, "kolom 'No Tiket' tidak berisi nomor yang berbeda"),
        (["WA-1", "WA-2"] + [""] * 10, "kolom 'No Tiket' kosong pada 10 dari 12 baris"),
    ],
)
def test_a_refusal_names_the_column_titled_as_the_ticket(tmp_path, tickets, text):
    numbers = [str(n % 6) for n in range(ROWS)]
    with pytest.raises(UnlearnableFile) as refused:
        learned_from(tmp_path, {**table(No_Tiket=tickets), "No.": numbers})
    assert text in refused.value.text("id")


def test_the_end_is_read_from_the_status_if_many_ends_have_no_day(tmp_path):
    ends = with_cells(table()["Tgl Selesai"], at1="-", at2="-")
    learned = learned_from(tmp_path, table(Tgl_Selesai=ends))
    assert source_of(learned).layout == "snapshot"
    assert "2 pengaduan sudah selesai tanpa tanggal" in said(learned)["ends_without_date"]
    assert "baris 3, 4" in said(learned)["ends_without_date"]


def test_a_settlement_in_the_words_of_a_clerk_ends_a_complaint(tmp_path):
    replies = table()["Tgl Selesai"]
    status = ["beres" if n < 6 else "proses" for n in range(ROWS)]
    columns = table(Tgl_Selesai=[], Status=status, Tgl_Jawaban=with_cells(replies, at4="tdk ada"))
    learned = learned_from(tmp_path, columns)
    assert {word.word for word in source_of(learned).status if word.terminal} == {"beres"}
    assert "no_end" not in said(learned)


@pytest.mark.parametrize("steps", [{}, {"Tgl_Jawaban": ["20/11/2026"] * ROWS}])
def test_a_register_that_never_shows_an_end_says_so(tmp_path, steps):
    columns = table(Tgl_Selesai=[], Status=["proses"] * ROWS, **steps)
    assert "kapan pengaduan selesai" in said(learned_from(tmp_path, columns))["no_end"]


EMPTY = [""] * ROWS
NEW = {"Tgl Disposisi": EMPTY, "Tgl Tindak Lanjut": EMPTY, "Tgl Selesai": EMPTY}


@pytest.mark.parametrize(
    ("others", "unit"),
    [
        ({}, True),
        ({}, False),
        ({"Status": EMPTY}, True),
        ({"Status": EMPTY, "Keterangan": EMPTY}, False),
        ({"Ket": EMPTY}, True),
        ({"Ket": ["via WA", "lisan"] * (ROWS // 2)}, True),
    ],
)
def test_the_empty_steps_of_a_new_register_are_read_by_their_titles(tmp_path, others, unit):
    columns = table(Tgl_Selesai=[], Status=[], **({} if unit else {"Diteruskan_ke": []}))
    learned = learned_from(tmp_path, {**columns, **NEW, **others})
    source = source_of(learned)
    assert source.layout == "history"
    assert {each.column: each.kind for each in source.events} == {
        "Tgl Disposisi": "assigned",
        "Tgl Tindak Lanjut": "follow_up_published",
        "Tgl Selesai": "settled",
    }
    assert unit_column(source) == ("Diteruskan ke" if unit else None)
    assert ("no_unit" in said(learned)) is not unit
    assert "no_end" not in said(learned)
    assert not [each for each in source.status if not each.word]
    remarks = [name for name in ("Ket", "Keterangan") if name in others]
    assert list(source.fields.remark_columns) == remarks
    known = {each.word for each in source.status if not each.terminal}
    assert ("Proses" in known) is ("Status" in others)  # else each such word would be asked about


def test_a_new_register_without_a_row_needs_one_with_a_number_and_a_date(tmp_path):
    header = "No Register;Tgl Masuk;Disposisi;Tgl Disposisi;Tgl Selesai;Ket"
    with pytest.raises(UnreadableFile, match="register of last year with these columns, or fill"):
        learned_lines(tmp_path, header)
    source = source_of(learned_lines(tmp_path, header, "1/P/2026;15/11/2026;;;;"))
    assert {each.column for each in source.events} == {"Tgl Disposisi", "Tgl Selesai"}
    assert (unit_column(source), source.fields.remarks) == ("Disposisi", "Ket")


@pytest.mark.parametrize(
    "status", [["baru", "proses"] * (ROWS // 2), with_cells(EMPTY, at2="proses")]
)
def test_a_status_without_an_end_yet_has_the_answer_for_a_date_of_an_end(tmp_path, status):
    columns = table(Tgl_Selesai=EMPTY, Status=status, Ket=EMPTY)
    source = source_of(learned_from(tmp_path, columns))
    assert source.layout == "snapshot"
    assert source.fields.remark_columns == ("Ket",)
    assert source.fields.end_date_columns == ("Tgl Selesai",)
    assert [each.word for each in source.status if each.terminal] == ["Selesai"]


def test_an_empty_status_alone_is_read_with_its_usual_words(tmp_path):
    learned = learned_from(tmp_path, table(Tgl_Selesai=[], Status=EMPTY))
    words = {each.word: each.terminal for each in source_of(learned).status}
    assert (words[""], words["Proses"], words["Selesai"]) == (False, False, True)
    assert "no_end" not in said(learned)


def learned_lines(tmp_path: Path, *lines: str) -> Learned:
    path = tmp_path / "a.csv"
    path.write_text("\n".join([*lines, ""]))
    return learn(path, "register", None)


def test_columns_without_a_title_are_not_mapped_and_their_dates_are_named(tmp_path):
    rows = [
        f"{n};C-{n};x;{n + 2}/11/2026;;{n + 3}/11/2026;Jalan rusak;Dinas PUPR;ya;{n + 9}/11/2026"
        for n in range(1, ROWS + 1)
    ]
    learned = learned_lines(tmp_path, ";No Tiket;;Tgl Masuk;;;Uraian;OPD;;Tgl Selesai", *rows)
    source = source_of(learned)
    assert (source.fields.ticket, source.fields.received) == ("No Tiket", "Tgl Masuk")
    assert unit_column(source) == "OPD"
    assert learned.readable == ROWS
    assert "sesudah kolom 'Tgl Masuk' berisi tanggal" in said(learned)["untitled"]
    titled = learned_lines(tmp_path, "No;No Tiket;x;Tgl Masuk;y;z;Uraian;OPD;b;Tgl Selesai", *rows)
    assert "untitled" not in said(titled)


@pytest.mark.parametrize("first", ["Kota;Desa;Warga", "C-1;Jalan;Dinas PUPR"])
def test_a_row_of_few_words_is_no_header(tmp_path, first):
    rows = [f"C-{n};{n + 2}/11/2026;Jalan;Dinas PUPR;x;y;z;1" for n in range(1, ROWS + 1)]
    with pytest.raises(UnreadableFile, match="no header"):
        learned_lines(tmp_path, f"{first};;;;;", *rows)


def test_another_table_below_gives_no_doubts_and_no_units(tmp_path):
    rows = [f"{n};L-{n};{n + 2}/11/2026;Jalan;Dinas PUPR;{n + 9}/11/2026" for n in range(1, 9)]
    other = "No;Nomor Surat;Tgl Terima;Asal;Perihal;Tgl Selesai"
    letters = [f"{n};S-{n};{n + 2}/11/2026;Kantor pos;Surat;tidak" for n in range(1, 4)]
    head = "No;Nomor Aduan;Tgl Masuk;Perihal;SKPD;Tgl Selesai"
    learned = learned_lines(tmp_path, head, *rows, other, *letters)
    assert set(learned.units) == {"Dinas PUPR"}
    assert not {"odd_receipts", "odd_steps"} & set(said(learned))
    assert learned.reasons == {"other_table": 3}
    again = learned_lines(
        tmp_path, head, *rows, other, *letters, head, "9;L-9;3/11/2026;Air;PDAM;-"
    )
    assert set(again.units) == {"Dinas PUPR", "PDAM"}


def hidden_reports(learned: Learned, path: Path) -> list[str]:
    """The word for the privacy of each report, as it is imported with the proposal."""
    source = source_of(learned)
    validator = RowValidator(ParserInputs("register", source, Directory((), ())), NOW)
    sheet = read_sheet(path, source)
    found = (record for _, record in validator.validate(sheet.header, sheet.rows))
    records = [each for each in found if isinstance(each, ComplaintRecord)]
    return ["secret" if r.secret else "anonymous" if r.anonymous else "" for r in records]


@pytest.mark.parametrize(
    ("title", "words", "hidden"),
    [
        ("Kerahasiaan", ("Rahasia", "Tidak", "Anonim", "Biasa"), ("secret", "", "anonymous", "")),
        ("Kerahasiaan", ("Rahasia", ""), ("secret", "")),
        ("Sifat Laporan", ("Biasa", "Rahasia", "Terbuka"), ("", "secret", "")),
        ("Sifat Laporan", ("Biasa", "Sangat rahasia", "Segera"), ("", "secret", "secret")),
        ("Tipe Laporan", ("Publik", "Anonim"), ("", "anonymous")),
        ("Anonim", ("Ya", "Tidak"), ("anonymous", "")),
        ("Rahasia", ("Ya", "Tidak", "identitas dirahasiakan"), ("secret", "", "secret")),
        ("Rahasia", ("\u221a", ""), ("secret", "")),
        ("Identitas Dirahasiakan", ("Tidak", "Ya"), ("", "secret")),
        ("Anonim/Rahasia", ("Anonim", "tidak anonim", "bukan rahasia"), ("anonymous", "", "")),
        ("Dirahasiakan (Ya/Tidak)", ("Ya", ""), ("secret", "")),
        ("Publik", ("Ya", "Tidak", "Mungkin"), ("", "secret", "secret")),
        ("Laporan Publik (Ya/Tidak)", ("Ya", "Ya"), ("", "")),
        ("Identitas Terbuka", ("Tidak", "Ya", ""), ("secret", "", "")),
        ("Permintaan Kerahasiaan Identitas", ("Ya", "Tidak"), ("secret", "")),
        ("Sifat", ("", ""), ("", "")),
        ("Nama Disamarkan", ("Tidak", "Ya"), ("", "secret")),
        ("Perlindungan Pelapor", ("-", "Ya"), ("", "secret")),
        ("Tidak Dipublikasikan", ("Ya", "Tidak"), ("secret", "")),
        ("WBS", ("", "\u221a"), ("", "secret")),
        ("Tampil di Web", ("Ya", "Tidak"), ("", "secret")),
        ("Publikasi", ("Boleh", "Jangan", "tdk boleh"), ("", "secret", "secret")),
        ("Bersedia Dipublikasikan", ("Bersedia", "tidak bersedia"), ("", "secret")),
        ("Keterbukaan", ("Terbuka", "Tertutup"), ("", "secret")),
        ("Hak Akses", ("Umum", "Terbatas", "Khusus"), ("", "secret", "secret")),
        ("Status Publikasi", ("Publik", "Privat"), ("", "secret")),
        ("Status Publikasi", ("Ditampilkan", "Tidak ditampilkan"), ("", "secret")),
    ],
)
def test_a_column_with_the_privacy_of_reports_is_read_with_the_words_for_no(
    tmp_path, title, words, hidden
):
    cells = {title: [words[n % len(words)] for n in range(ROWS)]}
    learned = learned_from(tmp_path, {**table(), **cells})
    assert source_of(learned).fields.privacy == title
    expected = [hidden[n % len(hidden)] for n in range(ROWS)]
    assert hidden_reports(learned, tmp_path / "a.xlsx") == expected


@pytest.mark.parametrize(
    ("columns", "hidden"),
    [
        (
            {"Anonim": ["Ya", "Tidak", "Tidak"], "Rahasia": ["Tidak", "Ya", "Tidak"]},
            ["anonymous", "secret", ""],
        ),
        (
            {"Rahasia": ["", "v", ""], "Anonim": ["v", "v", ""]},
            ["anonymous", "secret", ""],
        ),
        (
            {"Publik": ["Ya", "Tidak", "Ya"], "Anonim/Rahasia": ["", "Biasa", "Ya"]},
            ["", "secret", "secret"],  # the last one does not say which of the two
        ),
        (
            {"Publik": ["Ya", "Tidak", "Ya"], "Anonim": ["Tidak", "Tidak", "Ya"]},
            ["", "secret", "anonymous"],
        ),
        (
            {"Kerahasiaan": ["Biasa", "Rahasia", "Biasa"], "Anonim": ["Ya", "Tidak", "Mungkin"]},
            ["anonymous", "secret", "secret"],
        ),
    ],
)
def test_each_of_two_columns_with_the_privacy_of_reports_counts(tmp_path, columns, hidden):
    cells = {title: words * (ROWS // 3) for title, words in columns.items()}
    learned = learned_from(tmp_path, {**table(), **cells})
    assert set(source_of(learned).fields.privacy_columns) == set(columns)
    assert "privacy_twice" not in said(learned)
    assert hidden_reports(learned, tmp_path / "a.xlsx") == hidden * (ROWS // 3)


@pytest.mark.parametrize(
    ("title", "words", "hidden"),
    [
        ("Sifat", ("Biasa", "Rahasia", "Anonim"), ("", "secret", "anonymous")),
        ("Sifat Aduan", ("Rahasia", ""), ("secret", "")),
        ("SIFAT", ("Biasa", "Segera", "Rahasia"), ("", "secret", "secret")),
        ("Klasifikasi Keamanan", ("Biasa", "Rahasia", "Terbatas"), ("", "secret", "secret")),
        ("Status Pelapor", ("Publik", "Rahasia", "Anonim"), ("", "secret", "anonymous")),
        ("Identitas Pelapor", ("Terbuka", "Dirahasiakan"), ("", "secret")),
        ("Ket. Identitas", ("Identitas pelapor dirahasiakan", ""), ("secret", "")),
        ("Ket. Identitas", ("disamarkan", ""), ("secret", "")),
        ("Jenis Pelapor", ("Perorangan", "Anonim", "Lembaga"), ("", "anonymous", "")),
        ("Kategori Akses", ("Umum", "Sangat Rahasia"), ("", "secret")),
    ],
)
@pytest.mark.parametrize("beside", [{}, {"Anonim": ["Tidak"] * ROWS}])
def test_a_column_whose_words_are_about_privacy_is_read_below_any_title(
    tmp_path, title, words, hidden, beside
):
    cells = {title: [words[n % len(words)] for n in range(ROWS)]}
    learned = learned_from(tmp_path, {**table(), **cells, **beside})
    assert title in source_of(learned).fields.privacy_columns
    expected = [hidden[n % len(hidden)] for n in range(ROWS)]
    assert hidden_reports(learned, tmp_path / "a.xlsx") == expected
    assert title not in source_of(learned).fields.remark_columns


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Nama Pelapor", ("Anonim", *NAMES[1:])),
        ("Nama Pelapor", ("Anonim",) * ROWS),
        ("Pelapor", ("Umum", "Anonim") * (ROWS // 2)),
        ("Identitas Pelapor", ("Dirahasiakan", *NAMES[1:])),
        ("Alamat", ("Rahasia", "Umum") * (ROWS // 2)),
        ("Uraian", ("Rahasia", "Jalan rusak") * (ROWS // 2)),
    ],
)
def test_a_column_with_cells_about_privacy_between_other_texts_is_named(tmp_path, title, words):
    learned = learned_from(tmp_path, {**table(), title: list(words)})
    assert source_of(learned).fields.privacy is None
    assert f"Kolom '{title}': sebagian isinya" in said(learned)["privacy_in_cells"]
    assert not [name for name in NAMES if name in learned.text + str(said(learned))]


@pytest.mark.parametrize(
    ("title", "words", "hidden", "unknown"),
    [
        ("Prioritas", ("Segera", "Rahasia", "1"), ("", "secret", ""), 0),
        ("Prioritas", ("Tinggi", "Sangat Rahasia"), ("", "secret"), 0),
        ("Tingkat", ("Biasa", "Rahasia", "Anonim"), ("", "secret", "anonymous"), 0),
        ("Tingkat", ("Tinggi", "Rahasia"), ("secret", "secret"), 1),
        ("Golongan", ("Sosial", "Anonim", "Biasa"), ("secret", "anonymous", ""), 1),
    ],
)
@pytest.mark.parametrize("beside", [{}, {"Anonim": ["Tidak"] * ROWS}])
def test_a_list_with_some_words_about_privacy_is_read(
    tmp_path, title, words, hidden, unknown, beside
):
    """Another word of it hides the report too, unless it says how urgent one is."""
    cells = {title: [words[n % len(words)] for n in range(ROWS)]}
    learned = learned_from(tmp_path, {**table(), **cells, **beside})
    assert title in source_of(learned).fields.privacy_columns
    expected = [hidden[n % len(hidden)] for n in range(ROWS)]
    assert hidden_reports(learned, tmp_path / "a.xlsx") == expected
    assert ("privacy_words" in said(learned)) == bool(unknown)
    assert "privacy_in_cells" not in said(learned)


REMARKED = ("Rahasia", "sudah ditelp", "Pelapor minta namanya dirahasiakan, via WA", "tdk rahasia")
HIDDEN = ("secret", "", "secret", "")


@pytest.mark.parametrize("title", ["Keterangan", "Ket", "Catatan"])
@pytest.mark.parametrize("ends", [{}, {"Tgl Selesai": [], "Tgl Verifikasi": ["13/11/2026"] * ROWS}])
def test_a_remark_that_says_secret_hides_its_report_and_another_does_not(tmp_path, title, ends):
    columns = table(**({} if ends else {"Status": []})) | ends
    columns = {name: cells for name, cells in columns.items() if cells}
    cells = {title: list(REMARKED) * (ROWS // len(REMARKED))}
    learned = learned_from(tmp_path, {**columns, **cells})
    assert source_of(learned).fields.remark_columns == (title,)
    assert hidden_reports(learned, tmp_path / "a.xlsx") == list(HIDDEN) * (ROWS // len(HIDDEN))
    assert f"Kolom '{title}'" in said(learned)["privacy_in_remarks"]
    assert "privacy_in_cells" not in said(learned)


@pytest.mark.parametrize(
    ("title", "field"), [("Kategori", "category"), ("Kanal", "channel"), ("Status", "status")]
)
def test_a_word_about_privacy_in_a_column_of_another_field_hides_its_report(tmp_path, title, field):
    usual = ("proses", "Rahasia", "selesai", "Anonim")
    cells = {title: [usual[n % 4] for n in range(ROWS)], "Tgl Selesai": []}
    columns = {name: each for name, each in (table() | cells).items() if each}
    learned = learned_from(tmp_path, columns)
    assert getattr(source_of(learned).fields, field) == title
    hidden = ["", "secret", "", "anonymous"] * (ROWS // 4)
    assert hidden_reports(learned, tmp_path / "a.xlsx") == hidden


@pytest.mark.parametrize("title", ["Perihal", "Uraian", "Kategori", "Keterangan"])
def test_a_text_with_the_word_secret_does_not_make_a_column_one_of_privacy(tmp_path, title):
    texts = ["Kebocoran rahasia jabatan", "Akun anonim sebar hoaks", "Rahasia dagang bocor"]
    learned = learned_from(tmp_path, {**table(), title: texts * (ROWS // 3)})
    assert source_of(learned).fields.privacy is None
    assert not [key for key in said(learned) if key.startswith("privacy")]


def test_an_unknown_word_of_the_classification_is_called_the_question_that_it_becomes(tmp_path):
    kinds = ["Pengaduan", "Pengaduan Rahasia", "Aspirasi"] * (ROWS // 3)
    learned = learned_from(tmp_path, table(Jenis_Laporan=kinds))
    (comment,) = (line for line in learned.text_in("id").splitlines() if "Rahasia" in line)
    assert "menjadi pertanyaan kepada administrator; pengaduannya tetap dipantau" in comment
    assert (learned.readable, learned.reasons) == (ROWS, {})
    hidden = hidden_reports(learned, tmp_path / "a.xlsx")
    assert hidden == ["", "secret", ""] * (ROWS // 3)


@pytest.mark.parametrize("words", [("Publik", "Privat"), ("selesai", "proses"), ("Tayang", "")])
@pytest.mark.parametrize("others", [{}, {"Tgl_Selesai": []}])
def test_the_status_of_the_publication_is_never_the_status_of_the_case(tmp_path, words, others):
    own = {"Tgl_Selesai": [], "Tgl_Verifikasi": ["13/11/2026"] * ROWS} if others else {}
    columns = table(Status=[], Status_Publikasi=list(words) * (ROWS // 2), **own)
    assert source_of(learned_from(tmp_path, columns)).fields.status is None


def test_a_remark_is_read_also_where_the_first_file_has_none_that_asks_for_secrecy(tmp_path):
    columns = table(Status=[], Tgl_Selesai=[], Tgl_Verifikasi=["13/11/2026"] * ROWS)
    learned = learned_from(tmp_path, columns | {"Keterangan": ["sudah ditelp"] * ROWS})
    assert source_of(learned).fields.remark_columns == ("Keterangan",)
    write(tmp_path / "a.xlsx", columns | {"Keterangan": ["nama jgn disebut"] * ROWS})
    assert hidden_reports(learned, tmp_path / "a.xlsx") == ["secret"] * ROWS


def test_a_word_of_privacy_that_is_not_known_is_named_and_hides(tmp_path):
    words = ["Biasa", "Rahasia", "Prioritas 1"] * (ROWS // 3)
    learned = learned_from(tmp_path, table(Sifat_Laporan=words))
    assert (
        "1 isinya tidak dikenal, misalnya 'Prioritas 1' (baris 4)" in said(learned)["privacy_words"]
    )
    assert hidden_reports(learned, tmp_path / "a.xlsx")[2] == "secret"


@pytest.mark.parametrize(
    ("columns", "key", "title"),
    [
        ({"Sifat_Laporan": ["Segera", "Penting"]}, "privacy_unread", "Sifat Laporan"),
        ({"Tidak_Rahasia": ["Ya", "Tidak"]}, "privacy_unread", "Tidak Rahasia"),
        ({"Publik": ["v", ""]}, "privacy_unread", "Publik"),
        ({"Publik": ["Pasar", "Terminal"]}, "privacy_unread", "Publik"),
        ({"Status_Publikasi": ["Tayang", ""]}, "privacy_unread", "Status Publikasi"),
        ({"Status_Publikasi": ["sudah", "proses"]}, "privacy_unread", "Status Publikasi"),
        ({"Hak_Akses": ["Jalan", "Air"]}, "privacy_unread", "Hak Akses"),
        ({"Identitas_Pelapor": ["", ""]}, "privacy_or_person", "Identitas Pelapor"),
        (
            {"Permintaan_Kerahasiaan_Identitas": ["minta", "tidak minta"]},
            "privacy_or_person",
            "Permintaan Kerahasiaan Identitas",
        ),
        (
            {"Kerahasiaan": ["Rahasia", ""], "Sifat_Laporan": ["Segera", "Penting"]},
            "privacy_twice",
            "Sifat Laporan",
        ),
    ],
)
def test_a_column_that_may_have_the_privacy_and_is_not_read_is_named(tmp_path, columns, key, title):
    cells = {name: words * (ROWS // 2) for name, words in columns.items()}
    learned = learned_from(tmp_path, table(**cells))
    assert source_of(learned).fields.privacy != title
    assert f"'{title}' tidak dibaca" in said(learned)[key]


@pytest.mark.parametrize(
    ("title", "later", "hidden"),
    [
        ("Dirahasiakan (Ya/Tidak)", "Ya", "secret"),
        ("Dirahasiakan (Ya/Tidak)", "Tidak", ""),
        ("Permintaan Kerahasiaan Identitas", "Ya", "secret"),
        ("Publik", "Tidak", "secret"),
        ("Publik", "Ya", ""),
    ],
)
def test_an_empty_column_titled_as_privacy_is_read_from_the_first_answer_on(
    tmp_path, title, later, hidden
):
    learned = learned_from(tmp_path, {**table(), title: [""] * ROWS})
    assert source_of(learned).fields.privacy == title
    assert "no_privacy" not in said(learned)
    write(tmp_path / "a.xlsx", {**table(), title: [later] * ROWS})
    assert hidden_reports(learned, tmp_path / "a.xlsx") == [hidden] * ROWS


@pytest.mark.parametrize(
    "columns", [{}, {"Nama_Pelapor": [""] * ROWS}, {"Alamat_(dirahasiakan)": [""] * ROWS}]
)
def test_a_register_without_a_mark_of_secret_reports_is_named(tmp_path, columns):
    learned = learned_from(tmp_path, table(**columns))
    assert source_of(learned).fields.privacy is None
    assert "semua laporan dianggap bukan rahasia" in said(learned)["no_privacy"]


def test_a_name_below_a_header_that_says_anonymous_is_not_read(tmp_path):
    learned = learned_from(tmp_path, table(Nama_Pelapor_Anonim=list(NAMES)))
    assert source_of(learned).fields.privacy is None


def lapor_table() -> Columns:
    """An export of SP4N-LAPOR! with the titles of the portal."""
    return {
        "Tracking ID": [f"{5010653 + n}" for n in range(ROWS)],
        "Tanggal Laporan Masuk": [f"{n + 2} Nov 2026" for n in range(ROWS)],
        "Waktu Laporan Masuk": [f"0{n % 9}:15:00" for n in range(ROWS)],
        "Klasifikasi Laporan": ["Pengaduan Berkadar Pengawasan", "Aspirasi"] * (ROWS // 2),
        "Kategori": ["Jalan", "Air"] * (ROWS // 2),
        "Judul Laporan": [f"Judul {n}" for n in range(ROWS)],
        "Tipe Laporan (Anonim/Rahasia)": ["Rahasia", ""] * (ROWS // 2),
        "Sumber Laporan": ["Website", "SMS"] * (ROWS // 2),
        "Instansi Induk": ["Kabupaten Contoh"] * ROWS,
        "Instansi Terdisposisi": ["Dinas Sosial", "Dinas Kesehatan"] * (ROWS // 2),
        "Status Laporan": ["Terverifikasi", "Belum Terverifikasi"] * (ROWS // 2),
    }


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("Tipe Laporan (Anonim/Rahasia)", "Tipe Laporan", "privacy"),
        ("Tipe Laporan (Anonim/Rahasia)", "tipe laporan (anonim/rahasia)", "privacy"),
        ("Tipe Laporan (Anonim/Rahasia)", "Kerahasiaan", "privacy"),
        ("Tipe Laporan (Anonim/Rahasia)", "Anonim/Rahasia (Ya/Tidak)", "privacy"),
        ("Klasifikasi Laporan", "Klasifikasi", "classification"),
        ("Kategori", "Kategori Laporan", "category"),
        ("Judul Laporan", "JUDUL", "title"),
        ("Sumber Laporan", "Kanal", "channel"),
        ("Instansi Terdisposisi", "Instansi", "unit"),
        ("Waktu Laporan Masuk", "Jam Masuk", "received"),
        ("Tracking ID", "TRACKING ID", "ticket"),
        ("Status Laporan", "Status laporan", "status"),
    ],
)
def test_a_title_of_lapor_in_other_words_is_mapped(tmp_path, old, new, field):
    columns = {new if title == old else title: cells for title, cells in lapor_table().items()}
    learned = learned_from(tmp_path, columns)
    source = source_of(learned)
    assert source.system == "sp4n-lapor"
    found = getattr(source.fields, field)
    assert new in found if isinstance(found, tuple) else new == found
    assert said(learned) == {}
    assert hidden_reports(learned, tmp_path / "a.xlsx") == ["secret", ""] * (ROWS // 2)


@pytest.mark.parametrize(
    ("title", "cells", "doubt"),
    [
        ("Tipe Laporan (Anonim/Rahasia)", [], "no_privacy"),
        ("Tipe Laporan", ["Biasa", "Mendesak"] * (ROWS // 2), "privacy_unread"),
        ("Instansi Terdisposisi", [], "no_unit"),
        ("Klasifikasi Laporan", [], "only_complaints"),
    ],
)
def test_a_missing_column_of_lapor_is_named(tmp_path, title, cells, doubt):
    """The unit above the responsible one never takes its place."""
    begin = title.partition(" (")[0]
    columns = {name: found for name, found in lapor_table().items() if not name.startswith(begin)}
    learned = learned_from(tmp_path, columns | ({title: cells} if cells else {}))
    assert list(said(learned)) == [doubt]
    assert source_of(learned).fields.unit in ("Instansi Terdisposisi", None)


@pytest.mark.parametrize("title", ["Keterangan", "Ket.", "Catatan"])
@pytest.mark.parametrize("others", [{}, {"Kerahasiaan": ["Rahasia", *["Biasa"] * (ROWS - 1)]}])
def test_remarks_that_only_ask_for_secrecy_so_far_are_still_remarks(tmp_path, title, others):
    """A later file has ordinary remarks, which hide nothing."""
    asked = with_cells([""] * ROWS, at2="identitas dirahasiakan", at4="rahasia")
    learned = learned_from(tmp_path, {**table(), **others, title: asked})
    fields = source_of(learned).fields
    assert (fields.privacy_columns, fields.remark_columns) == ((*others,), (title,))
    first = {0} if others else set()
    hidden = hidden_reports(learned, tmp_path / "a.xlsx")
    assert {n for n, word in enumerate(hidden) if word} == {2, 4} | first
    later = with_cells(asked, at3="sudah disurvei")
    write(tmp_path / "b.xlsx", {**table(), **others, title: later})
    assert hidden_reports(learned, tmp_path / "b.xlsx") == hidden


def test_a_name_only_in_hidden_reports_is_not_proposed_as_a_unit(tmp_path):
    units = with_cells(table()["Diteruskan ke"], at3="Pulan Contohnia", at4="Dinas PPPA")
    privacy = with_cells(["Tidak"] * ROWS, at3="Rahasia", at4="Rahasia")
    learned = learned_from(tmp_path, table(Diteruskan_ke=units, Kerahasiaan=privacy))
    assert "Pulan" not in str(learned.units) + learned.text + str(said(learned))
    assert learned.units["Dinas PPPA"] == 1
    assert "1 isi tidak seperti nama unit" in said(learned)["units_hidden"]
    assert "(baris 5)" in said(learned)["units_hidden"]
    assert "units_once" not in said(learned)


@pytest.mark.parametrize("known", [True, False])
def test_an_unknown_status_only_in_hidden_reports_is_not_proposed(tmp_path, known):
    """Its other words are proposed; a remark on the progress names nobody, a number is masked."""
    odd = "ditelp Bu Ratna Rekaan"
    usual = ["selesai", "proses"] * (ROWS // 2) if known else [odd] * ROWS
    statuses = with_cells(usual, at3=odd, at4="sudah ditelp", at5="tunggu Joko 081234567890")
    privacy = with_cells(["Rahasia"] * ROWS, at5="Tidak")
    columns = table(Tgl_Selesai=[], Status=statuses, Kerahasiaan=privacy)
    learned = learned_from(tmp_path, columns)
    assert "Ratna" not in learned.text + str(said(learned))
    assert "081234567890" not in learned.text
    assert '# word = "tunggu Joko [telepon]"' in learned.mapping
    assert 'word = "sudah ditelp"' in learned.mapping
    assert {"selesai", "proses"} <= {
        each.word.casefold() for each in source_of(learned).status
    } or (not known)


def test_a_phone_number_in_the_column_of_units_is_not_proposed(tmp_path):
    units = with_cells(table()["Diteruskan ke"], at3="Dinsos (Joko 081234567890)")
    learned = learned_from(tmp_path, table(Diteruskan_ke=units))
    assert "081234567890" not in learned.text + str(learned.units) + str(said(learned))


@pytest.mark.parametrize("privacy", [{}, {"Kerahasiaan": ["Rahasia", "Tidak"] * (ROWS // 2)}])
def test_a_name_in_one_row_that_is_like_no_unit_is_pointed_at(tmp_path, privacy):
    units = with_cells(table()["Diteruskan ke"], at3="Pulan Contohnia")
    learned = learned_from(tmp_path, table(Diteruskan_ke=units, **privacy))
    assert learned.units["Pulan Contohnia"] == 1
    assert "(baris 5)" in said(learned)["units_once"]
    assert "Pulan" not in str(said(learned))
    assert "units_hidden" not in said(learned)


@pytest.mark.parametrize("content", ["", "\n\n", " ; ;\n;;\n"])
def test_a_file_without_a_cell_is_called_empty(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_text(content)
    with pytest.raises(UnreadableFile, match=r"a\.csv: the file is empty"):
        learn(path, "register", None)


def test_days_in_bare_numbers_are_refused_with_the_remedy(tmp_path):
    with pytest.raises(UnlearnableFile) as refused:
        learned_from(tmp_path, table(Tgl=[], Tanggal_Masuk=[f"{46331 + n}" for n in range(ROWS)]))
    assert "berisi angka, bukan tanggal, misalnya '46331' (baris 2)" in refused.value.text("id")
    assert "format kolom itu sebagai tanggal" in refused.value.text("id")


def test_hours_in_the_words_of_clerks_count_for_the_zone(tmp_path):
    days = [f"{n + 10}/11/2026 jam 9.{n + 10}" for n in range(ROWS)]
    assert f"hanya {ROWS} waktu mempunyai jam" in learned_from(tmp_path, table(Tgl=days)).text_in(
        "id"
    )


MARKED = "No Tiket;Tgl Masuk;Nama;Jenis;OPD;Status"


def marked(tmp_path: Path, head: str, *opened: int, rows: int = 12) -> Learned:
    """A register whose rows in these lines have an open quotation mark."""
    lines = [
        f"R-{n};{n}/11/2026;{NAMES[n % 12]};Pengaduan;Dinas Sosial;proses"
        for n in range(1, rows + 1)
    ]
    for line in opened:
        lines[line - 2] = lines[line - 2].replace("Pengaduan", '"Pengaduan')
    path = tmp_path / "a.csv"
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return learn(path, "register", None)


@pytest.mark.parametrize("opened", [(2,), (3,), (13,), (4, 9)])
@pytest.mark.parametrize("head", [MARKED, MARKED.replace("Nama", ""), f"{MARKED};"])
def test_an_open_quotation_mark_leaves_the_other_rows_to_be_learnt(tmp_path, head, opened):
    """The import holds such a row, and reads the rest."""
    learned = marked(tmp_path, head, *opened)
    assert (learned.rows, learned.readable) == (12, 12 - len(opened))
    lines = ", ".join(map(str, opened))
    assert f"{len(opened)} baris robek (baris {lines})" in said(learned)["broken_rows"]
    assert learned.units["Dinas Sosial"] == 12 - len(opened)


@pytest.mark.parametrize("title", ["No Tiket", "Jenis", "Status"])
def test_an_open_quotation_mark_in_the_header_is_named_and_the_file_is_learnt(tmp_path, title):
    learned = marked(tmp_path, MARKED.replace(title, f'"{title}'), 5)
    assert (learned.rows, learned.readable) == (12, 11)
    assert "(baris 1)" in said(learned)["mark_in_header"]
    assert source_of(learned).fields.ticket == "No Tiket"


@pytest.mark.parametrize(
    ("head", "rows", "line"),
    [('Tgl;Tgl;"Status', 3, 1), (MARKED, 1, 2)],
)
def test_a_file_that_a_quotation_mark_makes_unreadable_names_its_line(tmp_path, head, rows, line):
    with pytest.raises(UnlearnableFile) as refused:
        marked(tmp_path, head, *([2] if rows == 1 else []), rows=rows)
    assert refused.value.text("id").startswith(f"a.csv: baris {line} membuka tanda kutip")
    assert "Rekaan" not in refused.value.text("id") + refused.value.text("en")
