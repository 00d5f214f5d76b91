"""Files as people really save them: what is read, and what is refused with which words."""

import gzip
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import xlsxwriter

from settings.sources import FolderSource
from tasks.sources.base import UnreadableFile
from tasks.sources.files.reader import read_sheet
from tasks.sources.files.timestamps import stated_time, written_at

HEADER = ["No", "Masuk", "Perihal"]
ROW = ["17", "01/11/2026", "Jalan rusak"]


def source(**more) -> FolderSource:
    return FolderSource.model_validate(
        {
            "folder": ".",
            "layout": "history",
            "zone": "Asia/Makassar",
            "header": "No",
            "dates": ["%d/%m/%Y"],
            "fields": {"ticket": "No", "received": "Masuk", "title": "Perihal"},
            "events": [{"column": "Masuk", "kind": "verified"}],
        }
        | more
    )


def workbook(path: Path, *rows: list[object]) -> Path:
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return path


def text(path: Path, content: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(content.encode(encoding))
    return path


def rows(path: Path, **more) -> list[tuple[int, tuple[str, ...]]]:
    return list(read_sheet(path, source(**more)).rows)


def refusal(path: Path, **more) -> str:
    with pytest.raises(UnreadableFile) as error:
        list(read_sheet(path, source(**more)).rows)
    return str(error.value)


def test_a_workbook_begins_where_its_header_is(tmp_path):
    plain = workbook(tmp_path / "plain.xlsx", HEADER, ROW)
    preamble = [["Judul", "", "Laporan"], [], ["Dibuat", "", "2026-11-24"]]
    long = workbook(tmp_path / "long.xlsx", *preamble, HEADER, ROW)
    assert rows(plain) == [(2, tuple(ROW))]
    assert rows(long) == [(5, tuple(ROW))]


def test_a_number_in_a_workbook_has_no_decimals_and_a_formula_stays_text(tmp_path):
    path = workbook(tmp_path / "a.xlsx", HEADER, [5010653, 1.5, "=1+1"])
    assert rows(path) == [(2, ("5010653", "1.5", "=1+1"))]


ALIKE = ["no", "MASUK :", "Per\u200bihal*"]


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
@pytest.mark.parametrize(
    ("header", "found"),
    [
        (ALIKE, ("No", "Masuk", "Perihal")),
        (["No\xa0", "Masuk", " perihal:*"], ("No", "Masuk", "Perihal")),
        (["\ufeffNO:", "masuk*", "PERIHAL"], ("No", "Masuk", "Perihal")),
        # exact wins
        (["no", "Masuk", "Perihal", "masuk*"], ("No", "Masuk", "Perihal", "masuk*")),
    ],
)
def test_a_header_written_a_little_otherwise_is_the_mapped_one(tmp_path, suffix, header, found):
    path, row = tmp_path / f"a.{suffix}", [*ROW, "02/01/2026"][: len(header)]
    if suffix == "csv":
        text(path, "\n".join(["Daftar;;", ";".join(header), ";".join(row), ""]))
    else:
        workbook(path, ["Daftar"], header, row)
    sheet = read_sheet(path, source())
    assert sheet.header == found
    assert list(sheet.rows) == [(3, tuple(row))]


def test_two_spaces_in_a_column_of_two_words_are_one(tmp_path):
    fields = {"ticket": "No", "received": "Masuk", "title": "Isi  Singkat"}
    path = text(tmp_path / "a.csv", "No;Masuk;isi \xa0singkat\n17;01/11/2026;Jalan\n")
    assert read_sheet(path, source(fields=fields)).header == ("No", "Masuk", "Isi  Singkat")


@pytest.mark.parametrize(
    ("header", "title", "words"),
    [
        ("No;masuk;MASUK;Perihal", "Perihal", "the column 'Masuk' occurs 2 times"),
        ("No;masuk;Perihal;x", "masuk*", "no column 'Masuk'"),  # two names of one spelling
    ],
)
def test_a_similar_name_that_is_not_certain_is_refused_by_name(tmp_path, header, title, words):
    path = text(tmp_path / "a.csv", f"{header}\n17;01/11/2026;02/11/2026;Jalan\n")
    fields = {"ticket": "No", "received": "Masuk", "title": title}
    assert words in refusal(path, fields=fields)


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
@pytest.mark.parametrize(
    ("header", "twins"),
    [
        (["No", "Masuk", "Perihal", "MASUK"], "'Masuk', 'MASUK'"),
        (["No", "masuk", "Perihal", "Masuk", "MA SUK"], "'masuk', 'Masuk', 'MA SUK'"),
    ],
)
def test_a_column_with_a_twin_in_other_letters_is_refused(tmp_path, suffix, header, twins):
    """One of the two may have the date that settles a complaint: nobody knows which one counts."""
    path = tmp_path / f"a.{suffix}"
    filled = ["17", "01/11/2026", "Jalan", "02/11/2026", ""][: len(header)]
    if suffix == "csv":
        text(path, f"{';'.join(header)}\n{';'.join(filled)}\n")
    else:
        workbook(path, header, filled)
    assert refusal(path).endswith(
        f"the columns {twins} differ only in letter case or spaces. Rename or remove all but one of"
        " them in the file or in the system that makes it"
    )


def test_a_column_without_meaning_may_have_a_twin_in_other_letters(tmp_path):
    """So may a column of which the mapping names both spellings."""
    fields = {"ticket": "No", "received": "Masuk", "title": "MASUK"}
    path = text(tmp_path / "a.csv", "No;Masuk;MASUK;Ket;KET\n17;01/11/2026;Jalan;;\n")
    assert read_sheet(path, source(fields=fields)).header == ("No", "Masuk", "MASUK", "Ket", "KET")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_csv_is_read_in_the_encodings_that_offices_use(tmp_path, encoding):
    path = text(tmp_path / "a.csv", "No,Masuk,Perihal\n17,01/11/2026,Café\n", encoding)
    assert rows(path) == [(2, ("17", "01/11/2026", "Café"))]


def test_csv_with_semicolons_quotes_and_a_formula(tmp_path):
    content = 'No;Masuk;Perihal\n17;01/11/2026;"a; b\nc"\n18;01/11/2026;=HYPERLINK("x")\n'
    path = text(tmp_path / "a.csv", content)
    assert rows(path, delimiter=";") == [
        (2, ("17", "01/11/2026", "a; b\nc")),
        (4, ("18", "01/11/2026", '=HYPERLINK("x")')),
    ]


def test_a_compressed_csv_is_read(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"No,Masuk,Perihal\n17,01/11/2026,x\n"))
    assert rows(path) == [(2, ("17", "01/11/2026", "x"))]


def test_empty_lines_are_passed_over_and_nul_bytes_dropped(tmp_path):
    path = text(tmp_path / "a.csv", "No,Masuk,Perihal\n\n,,\n1\0007,01/11/2026,x\n")
    assert rows(path) == [(4, ("17", "01/11/2026", "x"))]


def test_a_header_without_rows_is_no_mistake(tmp_path):
    assert rows(text(tmp_path / "a.csv", "No,Masuk,Perihal\n")) == []


def test_a_huge_cell_does_not_keep_the_file_from_being_read(tmp_path):
    path = text(tmp_path / "a.csv", f"No,Masuk,Perihal\n17,01/11/2026,{'x' * 200_000}\n")
    ((_, cells),) = rows(path)
    assert len(cells[2]) == 200_000


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.csv", b"", "a.csv: no row begins with 'No'; is this the right file?"),
        ("a.csv", b"Kode,Hari\n", "a.csv: no row begins with 'No'; is this the right file?"),
        ("a.csv", b"Nomor,Masuk\n", "a.csv: no column 'No'; did you mean `Nomor`?"),
        (
            "a.csv",
            b"No,Masuk\n",
            "no column 'Perihal'; the file has No, Masuk. Give the column its title 'Perihal' back",
        ),
        ("a.csv", b"\x81\x8d\x8f" * 9, "a.csv: not in utf-8-sig or cp1252 (encodings)"),
        (
            "a.csv",
            "No,Masuk,Perihal\n".encode("utf-16-le"),
            "a.csv: it is in UTF-16 without the mark at its beginning. Save it as 'CSV UTF-8', or",
        ),
        ("a.csv", "No,Masuk\n".encode("utf-16-le"), 'or add "utf-16-le" to `encodings`'),
        ("a.csv", "No,Masuk\n".encode("utf-16-be"), 'or add "utf-16-be" to `encodings`'),
        ("a.csv.gz", b"No,Masuk", "a.csv.gz: cannot be opened (Not a gzipped file"),
        ("a.csv.gz", gzip.compress(b"No" * 99, mtime=0)[:-9], "a.csv.gz: cannot be opened ("),
        ("a.xlsx", b"", "a.xlsx: no readable workbook ("),
        ("a.xlsx", b"<html>Sesi Anda telah berakhir</html>", "a.xlsx: no readable workbook ("),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_refused_with_the_reason(tmp_path, name, content, why):
    path = tmp_path / name
    path.write_bytes(content)
    assert why in refusal(path)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_its_mark_is_read_if_the_site_names_it(tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes("No,Masuk,Perihal\n17,01/11/2026,Jalan\n".encode(encoding))
    sheet = read_sheet(path, source(encodings=("utf-8-sig", encoding)))
    assert [cells for _, cells in sheet.rows] == [("17", "01/11/2026", "Jalan")]


def test_a_file_that_cannot_be_opened_is_refused(tmp_path):
    assert "a.csv: cannot be opened (" in refusal(tmp_path / "a.csv")


def test_a_truncated_workbook_is_refused(tmp_path):
    path = workbook(tmp_path / "a.xlsx", HEADER, ROW)
    path.write_bytes(path.read_bytes()[:2000])
    assert "a.xlsx: no readable workbook (" in refusal(path)


def test_too_many_rows_are_refused(tmp_path):
    path = text(tmp_path / "a.csv", "No,Masuk,Perihal\n" + "17,01/11/2026,x\n" * 3)
    assert len(rows(path, max_rows=4)) == 3
    assert refusal(path, max_rows=3) == "a.csv: more than 3 rows (max_rows)"


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.jsonl"])
def test_too_many_rows_are_counted_before_any_row_is_read(tmp_path, name):
    path = tmp_path / name
    content = b"No,Masuk,Perihal\n" + b"17,01/11/2026,x\n" * 3
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    with pytest.raises(UnreadableFile, match=rf"^{name}: more than 3 rows \(max_rows\)$"):
        read_sheet(path, source(max_rows=3))
    read_sheet(path, source(max_rows=4))


def test_a_first_row_that_may_be_a_person_is_not_repeated_in_the_error(tmp_path):
    path = text(tmp_path / "a.csv", "17,01/11/2026,Budi Rahasiawan\n")
    assert "Budi" not in refusal(path, header=None)


WRITTEN = datetime(2026, 11, 24, 3, 5, tzinfo=UTC)


def made(path: Path, observed: dict[str, str], *preamble: list[object]) -> str:
    """When the file was made and not before when, in UTC."""
    workbook(path, *preamble, HEADER, ROW)
    os.utime(path, (WRITTEN.timestamp(), WRITTEN.timestamp()))
    given = source(observed=observed)
    moment = stated_time(path, read_sheet(path, given), given) or written_at(path)
    moments = (moment.astimezone(UTC), given.not_before(moment).astimezone(UTC))
    return " / ".join(f"{each:%d %H:%M:%S}" for each in moments)


def test_a_file_is_as_old_as_its_name_or_its_preamble_says(tmp_path):
    by_name = {"file_name": "export_%Y-%m-%d_%H%M.xlsx"}
    assert made(tmp_path / "export_2026-11-20_0700.xlsx", by_name) == "19 23:00:00 / 19 23:00:00"
    again = tmp_path / "export_2026-11-20_0700 (1).xlsx"  # as a browser names it
    assert made(again, by_name) == "19 23:00:00 / 19 23:00:00"
    in_jakarta = {"cell": "Dibuat", "format": "%d/%m/%Y %H:%M", "zone": "Asia/Jakarta"}
    cell = ["Dibuat", "", "20/11/2026 07:00"]
    assert made(tmp_path / "a.xlsx", in_jakarta, cell) == "20 00:00:00 / 20 00:00:00"


def test_where_only_the_day_is_told_it_may_be_any_time_of_that_day(tmp_path):
    whole_day = "20 15:59:59 / 19 16:00:00"  # of 20 November in Makassar (UTC+8)
    cell = ["Dibuat", "", "2026-11-20"]
    assert made(tmp_path / "a.xlsx", {"cell": "Dibuat"}, cell) == whole_day
    assert made(tmp_path / "e_2026-11-20.xlsx", {"file_name": "e_%Y-%m-%d.xlsx"}) == whole_day


def test_else_a_file_is_as_old_as_its_last_writing(tmp_path):
    assert made(tmp_path / "a.xlsx", {}) == "24 03:05:00 / 24 03:05:00"
    named = {"file_name": "export_%Y-%m-%d_%H%M.xlsx"}
    assert made(tmp_path / "Laporan (1).xlsx", named) == "24 03:05:00 / 24 03:05:00"
    cell = ["Dibuat", "", "kemarin"]
    assert made(tmp_path / "b.xlsx", {"cell": "Dibuat"}, cell).startswith("24 03:05:00")
