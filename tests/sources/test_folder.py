"""A folder as a source: every form in which offices drop files, and what may go wrong with them.

November 2026: the files are of Monday 23 and Tuesday 24, in Makassar (UTC+8).
"""

import gzip
import hashlib
import io
import json
import os
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter
from conftest import wita
from sqlalchemy import select
from support.pipeline import alerts

from db import complaints
from db.models import Complaint, EventRow, QuarantineRow, SourceImport
from settings.site import load_site
from sla.events import events_as_of
from tasks.common.context import SiteContext
from tasks.ingest.quarantine_retry import retry
from tasks.ingest.source_count import SourceCount
from tasks.intake import pull
from tasks.sources import folder
from tasks.sources.base import SourceError, Waiting, WaitingReason

HEADER = ("No", "Masuk", "Perihal", "Selesai")
SOURCE = """
[desk]
folder = "inbox/desk"
layout = "history"
zone = "Asia/Makassar"
header = "No"
dates = ["%d/%m/%Y %H:%M"]
{more}
fields = {{ ticket = "No", received = "Masuk", title = "Perihal" }}

[[desk.events]]
column = "Selesai"
kind = "settled"
"""
ARCHIVE = 'archive = "archive/desk"'
TOLD = 'observed = { file_name = "e_%Y-%m-%d_%H%M.csv" }'


@pytest.fixture
def site(site_folder: Path, open_context) -> Callable[..., SiteContext]:
    """Opens a site whose only source is a folder, with these lines more in its table."""

    def opened(*more: str) -> SiteContext:
        text = SOURCE.format(more="\n".join(more))
        (site_folder / "sources.toml").write_text(text, encoding="utf-8")
        (site_folder / "inbox" / "desk").mkdir()
        return open_context()

    return opened


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What matters here is the folder: one kind of database is enough."""
    return sqlite_url


def row(number: object, settled: str = "", title: str = "Jalan rusak") -> tuple[str, ...]:
    return str(number), "20/11/2026 08:00", title, settled


def csv_text(*rows: tuple[str, ...], delimiter: str = ",") -> str:
    return "\n".join(delimiter.join(cells) for cells in (HEADER, *rows)) + "\n"


def with_recap(*rows: tuple[str, ...], name: str = "Rekap") -> bytes:
    """A workbook with a second sheet that has other columns."""
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True}) as book:
        sheet, recap = book.add_worksheet("Data"), book.add_worksheet(name)
        for number, cells in enumerate((HEADER, *rows)):
            sheet.write_row(number, 0, cells)
            recap.write_row(number, 0, ("Bidang", "Jumlah"))
    return held.getvalue()


def workbook(*rows: tuple[str, ...]) -> bytes:
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate((HEADER, *rows)):
            sheet.write_row(number, 0, cells)
    return held.getvalue()


def packed(members: dict[str, bytes | str]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return held.getvalue()


def drop(
    context: SiteContext, name: str, content: bytes | str, at: str = "2026-11-23 07:00"
) -> Path:
    """A file in the inbox, last written to at this local time."""
    path = context.site.folder / "inbox" / "desk" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.utime(path, (wita(at).timestamp(),) * 2)
    return path


def take(context: SiteContext, now: str = "2026-11-24 08:00") -> SourceCount:
    return pull(context, "desk", wita(now))


def failure(context: SiteContext, now: str = "2026-11-24 08:00") -> str:
    with pytest.raises(SourceError) as error:
        take(context, now)
    return str(error.value)


def tickets(context: SiteContext) -> list[str]:
    with context.transaction() as session:
        return sorted(session.scalars(select(Complaint.ticket)))


def names(context: SiteContext) -> list[str]:
    with context.transaction() as session:
        return list(session.scalars(select(SourceImport.name).order_by(SourceImport.id)))


def titles(context: SiteContext) -> set[str | None]:
    with context.transaction() as session:
        return set(session.scalars(select(Complaint.title)))


# --- forms ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_the_delimiter_and_the_encoding_are_found_out(site, delimiter, encoding):
    context = site()
    text = csv_text(row(1, title="Café di Jalan Melati"), delimiter=delimiter)
    drop(context, "a.csv", text.encode(encoding))
    assert take(context).new == 1
    assert titles(context) == {"Café di Jalan Melati"}


def lines(*rows: tuple[str, ...]) -> str:
    return "".join(json.dumps(dict(zip(HEADER, cells, strict=True))) + "\n" for cells in rows)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", csv_text(row(1))),
        ("A.CSV", csv_text(row(1))),
        ("a.xlsx", workbook(row(1))),
        ("a.jsonl", lines(row(1))),
        ("a.csv.gz", gzip.compress(csv_text(row(1)).encode())),
        ("a.jsonl.gz", gzip.compress(lines(row(1)).encode())),
        ("a.zip", packed({"a.csv": csv_text(row(1))})),
        ("a.zip", packed({"x/y/a.xlsx": workbook(row(1))})),
        ("a.zip", packed({"a.csv.gz": gzip.compress(csv_text(row(1)).encode())})),
        ("a.zip", packed({"a.jsonl": lines(row(1)), ".hidden": "", "__MACOSX/._a.jsonl": ""})),
    ],
    ids=range(10),
)
def test_every_form_brings_the_same(site, name, content):
    context = site()
    drop(context, name, content)
    assert (take(context).new, tickets(context), titles(context)) == (1, ["1"], {"Jalan rusak"})
    assert take(context).files == 0


def test_a_pattern_holds_for_what_is_compressed_as_well(site):
    context = site('pattern = "lap*.csv"')
    drop(context, "lap1.csv", csv_text(row(1)))
    drop(context, "lap2.csv.gz", gzip.compress(csv_text(row(2)).encode()))
    drop(context, "any.zip", packed({"LAP3.csv": csv_text(row(3)), "baca.txt": "tidak"}))
    drop(context, "other.csv", csv_text(row(4)))
    assert take(context).new == 3
    assert tickets(context) == ["1", "2", "3"]


def test_a_member_of_an_archive_is_named_with_it(site):
    context = site()
    content = {"b.csv": csv_text(row(1)), "x/b.csv": csv_text(row(2), ("", "02/11/2026", "", ""))}
    drop(context, "a.zip", packed(content))
    assert take(context).new == 2
    assert names(context) == ["a.zip/b.csv", "a.zip/b.csv"]
    with context.transaction() as session:
        (bad,) = session.scalars(select(QuarantineRow))
        assert (bad.file, bad.line) == ("a.zip/b.csv", 3)


# --- what is dangerous ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../../out.csv", "/etc/out.csv", "..\\..\\out.csv"])
def test_no_member_leaves_its_folder(site, name):
    context = site()
    drop(context, "a.zip", packed({name: csv_text(row(1))}))
    before = {path for path in context.site.folder.rglob("*") if path.is_file()}
    assert take(context).new == 1
    assert names(context) == ["a.zip/out.csv"]
    assert {path for path in context.site.folder.rglob("*") if path.is_file()} == before


def link() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        member = zipfile.ZipInfo("secret.csv")
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    return held.getvalue()


def encrypted() -> bytes:
    content = bytearray(packed({"a.csv": csv_text(row(1))}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (link(), "a.zip: secret.csv in it is a link"),
        (encrypted(), "a.zip: a.csv in it is encrypted"),
        (packed({"b.zip": packed({"a.csv": csv_text(row(1))})}), "b.zip in it is a ZIP archive"),
        (packed({"b.csv": csv_text(row(1))})[:-30], "a.zip: no readable ZIP archive ("),
        (packed({str(n): "" for n in range(1001)}), "a.zip: more than 1000 files in it"),
        (packed({}), "a.zip: no file in it is called like *"),
        (packed({"a.csv": csv_text(row(1)), "b.csv": "x" * 3_000_000}), "more than 2 MB unpacked"),
    ],
    ids=["link", "encrypted", "nested", "cut", "many", "empty", "bomb"],
)
def test_an_archive_that_cannot_be_read_is_refused_as_a_whole_and_stays(site, content, why):
    context = site("max_unpacked_mb = 2", ARCHIVE)
    path = drop(context, "a.zip", content)
    drop(context, "good.csv", csv_text(row(7)))
    assert why in failure(context)
    assert (tickets(context), path.exists()) == (["7"], True)


def test_a_link_in_the_folder_is_not_followed(site, tmp_path):
    context = site('pattern = "**/*.csv"')
    (tmp_path / "elsewhere").mkdir()
    secret = tmp_path / "elsewhere" / "a.csv"
    secret.write_text(csv_text(row(1)))
    inbox = context.site.folder / "inbox" / "desk"
    (inbox / "a.csv").symlink_to(secret)
    (inbox / "sub").symlink_to(secret.parent)
    assert take(context).files == 0


def test_a_pattern_does_not_lead_out_of_the_folder(site):
    context = site('pattern = "../*.csv"')
    (context.site.folder / "inbox" / "a.csv").write_text(csv_text(row(1)))
    assert take(context).files == 0


def lying(content: bytes, says: int) -> bytes:
    """A ZIP archive whose directory says that its largest member is so small."""
    held = bytearray(content)
    at = held.index(b"PK\x01\x02")
    while held[at : at + 4] == b"PK\x01\x02":
        name, extra, comment = struct.unpack_from("<HHH", held, at + 28)
        if struct.unpack_from("<I", held, at + 24)[0] > 1_000_000:
            struct.pack_into("<I", held, at + 24, says)
        at += 46 + name + extra + comment
    return bytes(held)


@pytest.mark.parametrize("says", [None, 100])
def test_a_workbook_that_would_fill_the_memory_is_stopped(site, says):
    context = site("max_unpacked_mb = 2", "max_cell = 1000000")
    book = workbook(*(row(n, title=chr(97 + n % 26) * (30_000 - n)) for n in range(99)))
    assert len(book) < 100_000
    drop(context, "a.xlsx", book if says is None else lying(book, says))
    assert "a.xlsx: more than 2 MB unpacked (max_unpacked_mb)" in failure(context)


def corners(cell: tuple[int, int]) -> bytes:
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        sheet.write(*cell, "x")
    return held.getvalue()


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        pytest.param(
            (1_048_575, 16_383),
            "a.xlsx: more than 1000000 rows (max_rows)",
            marks=pytest.mark.thorough,
        ),
        ((5, 500), "a.xlsx: more than 500 columns (max_columns)"),
        pytest.param(
            (900_000, 400),
            "a.xlsx: more than 5000000 cells in a sheet; save it as CSV",
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_two_cells_far_apart_do_not_take_the_room_of_all_between(site, cell, why):
    context = site()
    drop(context, "a.xlsx", corners(cell))
    assert failure(context) == why


def test_limits_of_rows_columns_cells_and_lines(site):
    context = site("max_rows = 3", "max_columns = 6", "max_cell = 50")
    drop(context, "columns.csv", csv_text(row(2), row(3) + ("",) * 3))
    drop(context, "line.csv", csv_text(row(4, title="x" * 5_000_000)))
    drop(context, "quote.csv", csv_text(row(5, title='"' + "x\n" * 3_000_000)))
    drop(context, "rows.csv", csv_text(row(6), row(7), row(8)))
    drop(context, "zcell.csv", csv_text(row(9, title="x" * 51), row(10)))
    told = failure(context)
    assert "columns.csv, line 3: more than 6 columns (max_columns)" in told
    assert "line.csv: a line of more than" in told
    assert "quote.csv: " in told
    assert "rows.csv: more than 3 rows (max_rows)" in told
    assert tickets(context) == ["10", "9"]  # too long a title is shortened
    with context.transaction() as session:
        assert list(session.scalars(select(QuarantineRow.reason))) == []


def test_a_gz_that_unpacks_without_end_is_stopped(site):
    context = site("max_unpacked_mb = 2")
    drop(context, "a.csv.gz", gzip.compress(b"No,Masuk\n" * 400_000))
    assert failure(context) == "a.csv.gz: more than 2 MB unpacked (max_unpacked_mb)"


# --- files that are not whole ---------------------------------------------------------------------


def test_a_file_just_written_to_is_left_for_the_next_run(site):
    context = site()
    drop(context, "a.csv", csv_text(row(1)), at="2026-11-24 07:59:57")
    count = take(context, "2026-11-24 08:00")
    assert (count.files, count.waiting) == (
        0,
        [Waiting("a.csv", WaitingReason.JUST_WRITTEN, "2026-11-24T08:00:02+08:00")],
    )
    assert take(context, "2026-11-24 08:15").new == 1


@pytest.mark.parametrize(
    ("name", "whole"),
    [("a.xlsx", workbook(row(1))), ("a.csv.gz", gzip.compress(csv_text(row(1)).encode()))],
    ids=["xlsx", "gz"],
)
def test_a_cut_file_comes_in_when_its_writer_is_done(site, name, whole):
    context = site(ARCHIVE)
    drop(context, name, whole[: len(whole) // 2], at="2026-11-24 07:59:58")
    written = Waiting(name, WaitingReason.JUST_WRITTEN, "2026-11-24T08:00:03+08:00")
    assert take(context, "2026-11-24 08:00").waiting == [written]
    path = drop(context, name, whole[: len(whole) // 2], at="2026-11-24 08:00")
    assert f"{name}: " in failure(context, "2026-11-24 08:15")  # the writer has stalled or died
    assert path.exists()
    drop(context, name, whole, at="2026-11-24 08:20")
    assert take(context, "2026-11-24 08:30").new == 1


@pytest.mark.thorough
def test_of_a_file_that_grows_while_it_is_read_nothing_is_taken(site, monkeypatch):
    context = site()
    path = drop(context, "a.csv", csv_text(*map(row, range(5000))))
    read = folder.read_sheet

    def meanwhile(*given):
        with path.open("a") as file:
            file.write(",".join(row(9999)) + "\n")
        return read(*given)

    monkeypatch.setattr(folder, "read_sheet", meanwhile)
    assert take(context).waiting == [Waiting("a.csv", WaitingReason.CHANGING)]
    assert tickets(context) == []
    monkeypatch.undo()
    os.utime(path, (wita("2026-11-24 08:01").timestamp(),) * 2)
    assert take(context, "2026-11-24 08:15").new == 5001


# --- the archive ----------------------------------------------------------------------------------


def archived(context: SiteContext) -> list[str]:
    place = context.site.folder / "archive" / "desk"
    return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())


def test_what_was_read_is_moved_and_known_again_under_another_name(site):
    context = site(ARCHIVE)
    content = csv_text(row(1))
    path = drop(context, "a.csv", content)
    assert take(context).new == 1
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    assert (archived(context), path.exists()) == ([f"2026-11/{sha256}_a.csv"], False)
    again = drop(context, "salinan (1).csv", content, at="2026-11-22 07:00")
    assert (take(context).files, again.exists()) == (0, False)
    assert names(context) == ["a.csv"]


OPEN, ENDED = csv_text(row(1)), csv_text(row(1, "21/11/2026 08:00"))


@pytest.mark.parametrize(
    ("more", "third", "at", "imported", "settled"),
    [
        ("", "e.csv", "2026-11-23 07:00", True, True),  # today's export
        ("", "e.csv", "2026-11-21 07:00", False, False),  # the old file itself
        ("", "e.csv", "2026-11-21 19:00", False, False),  # a copy older than the newest import
        (TOLD, "e_2026-11-23_0700.csv", "2026-11-21 07:00", True, True),  # its name counts
        (TOLD, "e_2026-11-21_0700.csv", "2026-11-23 07:00", False, False),
        (TOLD, "e_2026-11-21_1900.csv", "2026-11-23 07:00", True, False),  # it arrived late
        (TOLD, "copy.csv", "2026-11-21 07:00", False, False),
        ('shows = "changes"', "e.csv", "2026-11-23 07:00", False, False),
    ],
)
def test_a_file_equal_to_an_older_one_counts_at_the_moment_it_was_made(
    site, more, third, at, imported, settled
):
    context = site(more)
    first, second = "e_2026-11-21_0700.csv", "e_2026-11-22_0700.csv"
    drop(context, first, ENDED, at="2026-11-21 07:00")
    drop(context, second, OPEN, at="2026-11-22 07:00")
    assert take(context, "2026-11-22 08:00").files == 2
    drop(context, third, ENDED, at=at)
    count = take(context, "2026-11-23 08:00")
    assert count.files == imported
    assert len(count.repeated) == settled
    assert alerts(context).count("repeated_export") == settled
    with context.transaction() as session:
        (key,) = session.scalars(select(Complaint.id))
        events = events_as_of(complaints.events_of(session, [key])[key], wita("2026-11-23 08:00"))
    assert any(event.kind == "settled" for event in events) == settled
    assert take(context, "2026-11-23 09:00").files == 0


def test_an_unchanged_file_written_again_is_a_new_export(site):
    context = site()
    for day in (21, 22, 23):
        drop(context, "e.csv", OPEN, at=f"2026-11-{day} 07:00")
        count = take(context, f"2026-11-{day} 08:00")
        assert (count.files, count.repeated) == (1, [])
    assert take(context, "2026-11-23 09:00").files == 0


def test_a_long_name_does_not_keep_a_file_from_the_archive(site):
    context = site(ARCHIVE)
    drop(context, "a" * 240 + ".csv", csv_text(row(1)))
    assert take(context).new == 1
    assert archived(context)[0].endswith("aaa.csv")


def test_an_archive_within_the_folder_is_not_read_again(site):
    context = site('archive = "inbox/desk/done"', 'pattern = "**/*.csv"')
    drop(context, "a.csv", csv_text(row(1)))
    assert (take(context).files, take(context).files) == (1, 0)
    assert len(list((context.site.folder / "inbox" / "desk" / "done").rglob("*.csv"))) == 1


def test_a_zip_goes_to_the_archive_when_all_of_it_is_in(site):
    context = site(ARCHIVE)
    good, bad = csv_text(row(1)), "Nomor,Masuk\n"
    path = drop(context, "a.zip", packed({"a.csv": good, "b.csv": bad}))
    assert "a.zip/b.csv: no row begins with 'No'" in failure(context)
    assert (tickets(context), path.exists()) == (["1"], True)
    drop(context, "a.zip", packed({"a.csv": good, "b.csv": csv_text(row(2))}))
    assert take(context).new == 1
    assert (tickets(context), path.exists(), len(archived(context))) == (["1", "2"], False, 1)


def test_an_archive_that_takes_nothing_loses_nothing(site):
    context = site(ARCHIVE)
    (context.site.folder / "archive").write_text("no folder")
    path = drop(context, "a.csv", csv_text(row(1)))
    assert "a.csv: read, but cannot be moved to" in failure(context)
    assert (tickets(context), path.exists()) == (["1"], True)
    assert "a.csv: read, but cannot be moved to" in failure(context)  # until somebody mends it
    (context.site.folder / "archive").unlink()
    assert take(context).files == 0
    assert (len(names(context)), len(archived(context)), path.exists()) == (1, 1, False)


# --- whole exports and parts of them --------------------------------------------------------------


def test_a_partial_export_changes_what_it_shows_and_nothing_else(site):
    context = site(TOLD, 'shows = "changes"')
    drop(context, "e_2026-11-22_0700.csv", csv_text(row(1), row(2), row(3)))
    drop(context, "e_2026-11-23_0700.csv", csv_text(row(2, "22/11/2026 10:00")))
    drop(context, "e_2026-11-24_0700.csv", csv_text(row(1), row(2, "22/11/2026 10:00"), row(3)))
    count = take(context)
    assert (count.new, count.updated, count.unchanged) == (3, 1, 3)
    with context.transaction() as session:
        kinds = list(session.scalars(select(EventRow.kind).order_by(EventRow.id)))
    assert kinds == ["received"] * 3 + ["settled"]


# --- too much that is bad -------------------------------------------------------------------------


@pytest.mark.thorough
def test_a_file_that_is_mostly_bad_fails_loudly_and_nothing_of_it_is_taken(site):
    context = site("max_bad_share = 0.2", ARCHIVE)
    # more rows than are recorded at once
    rows = [
        row(n) if n % 2 else (str(n), "kemarin", "", "") for n in range(2400)
    ]  # more than are recorded at once
    bad = drop(context, "a.csv", csv_text(*rows), at="2026-11-22 07:00")
    drop(context, "b.csv", csv_text(row("good")), at="2026-11-23 07:00")
    copy = drop(context, "c.csv", csv_text(*rows), at="2026-11-23 08:00")
    told = failure(context)
    assert "a.csv: 1200 of 2400 rows cannot be read (bad_date in Masuk); nothing of it" in told
    assert (tickets(context), bad.exists(), copy.exists()) == (["good"], True, True)
    with context.transaction() as session:
        assert list(session.scalars(select(QuarantineRow.id))) == []
        assert list(session.scalars(select(SourceImport.name))) == ["b.csv"]


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        (1, 1, "a.csv: 1 of 2 rows cannot be read (bad_date in Masuk); nothing of it is imported."),
        (0, 3, "a.csv: 3 of 3 rows cannot be read (bad_date in Masuk); nothing of it is imported."),
    ],
)
def test_a_small_file_that_is_mostly_bad_is_refused_as_well(site, good, bad, told):
    context = site("max_bad_share = 0.2")
    rows = [row(n) for n in range(good)] + [(f"b{n}", "kemarin", "", "") for n in range(bad)]
    drop(context, "a.csv", csv_text(*rows))
    assert failure(context).startswith(f"{told} The first one is in line {good + 2}. Correct the")
    assert tickets(context) == []


def test_a_bad_row_among_enough_good_ones_waits(site):
    context = site("max_bad_share = 0.2")
    drop(context, "a.csv", csv_text(*map(row, range(4)), ("b", "kemarin", "", "")))
    count = take(context)
    assert (count.new, count.quarantined) == (4, 1)


# --- workbooks with several sheets ----------------------------------------------------------------


def sheets(**lines: list[tuple[str, ...]]) -> bytes:
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True}) as book:
        for name, rows in lines.items():
            sheet = book.add_worksheet(name)
            for number, cells in enumerate(rows):
                sheet.write_row(number, 0, cells)
    return held.getvalue()


def test_a_bad_row_names_its_sheet_and_is_found_there_again(site):
    context = site("max_bad_share = 0.6")
    january = [HEADER, row(1), ("2", "20261120", "Jalan rusak", "")]
    february = [HEADER, row(3), ("4", "20261120", "Jalan rusak", ""), ("Jumlah", "", "", "2")]
    drop(context, "a.xlsx", sheets(Sampul=[("Register",)], Januari=january, Februari=february))
    count = take(context)
    assert (count.new, count.quarantined, tickets(context)) == (2, 2, ["1", "3"])
    with context.transaction() as session:
        bad = [(each.file, each.line) for each in session.scalars(select(QuarantineRow))]
    assert bad == [("a.xlsx/Januari", 3), ("a.xlsx/Februari", 3)]
    path = context.site.folder / "sources.toml"
    formats = 'dates = ["%d/%m/%Y %H:%M"'
    corrected = path.read_text(encoding="utf-8").replace(formats, f'{formats}, "%Y%m%d"')
    path.write_text(corrected, encoding="utf-8")
    again = SiteContext(load_site(context.site.folder), context.engine)
    retried = retry(again, "desk", wita("2026-11-24 09:00"))
    assert (retried.resolved, retried.gone, retried.failures) == (2, [], [])
    assert tickets(context) == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    "name", ["~$a.xlsx", ".~lock.a.xlsx#", "a.xlsx.tmp", "a.xlsx.part", "a.xlsx.crdownload"]
)
def test_a_file_that_is_open_or_not_whole_is_ignored(site, name):
    context = site()
    drop(context, name, b"\0" * 165)
    drop(context, "a.xlsx", workbook(row(1)))
    count = take(context)
    assert (count.files, count.waiting, tickets(context)) == (1, [], ["1"])


def test_a_column_with_hours_that_cannot_be_read_is_named_once(site):
    context = site()
    first, second, third = (
        (str(n), f"20/11/2026 {hour}", "Jalan rusak", "")
        for n, hour in enumerate(("pagi", "8.3O", "sore"))
    )
    drop(context, "a.xlsx", workbook(first, second))
    count = take(context)
    named = ["a.xlsx: Masuk (20/11/2026 pagi; 20/11/2026 8.3O)"]
    assert (count.new, count.odd_hours) == (2, named)
    drop(context, "c.xlsx", workbook(third), at="2026-11-24 07:00")
    assert take(context, "2026-11-24 09:00").odd_hours == []
    assert alerts(context).count("odd_hours") == 1


def test_a_sheet_that_is_not_read_is_named_once(site):
    context = site()
    drop(context, "a.xlsx", with_recap(row(1), row(2)))
    count = take(context)
    assert (count.new, count.unread_sheets) == (2, ["a.xlsx: Rekap"])
    drop(context, "b.xlsx", with_recap(row(1), row(2), row(3)), at="2026-11-24 07:00")
    count = take(context, "2026-11-24 09:00")
    assert (count.new, count.unread_sheets, count.drops) == (1, [], [])
    assert alerts(context).count("unread_sheets") == 1


def test_the_alert_of_missing_complaints_names_the_sheets_that_are_not_read(site):
    context = site()
    drop(context, "a.xlsx", workbook(*map(row, range(9))))
    take(context)
    drop(context, "b.xlsx", with_recap(row(1), name="November"), at="2026-11-24 07:00")
    (dropped,) = take(context, "2026-11-24 09:00").drops
    assert dropped["unread"] == "November"


@pytest.mark.thorough
def test_a_column_with_date_cells_and_texts_is_named_once(site):
    context = site()
    dates = ("2026-11-20 08:00:00", "20/11/2026 09:00", "20 Nopember 2026 10.00")
    rows = [(str(n), date, "Jalan rusak", "") for n, date in enumerate(dates)]
    drop(context, "a.xlsx", workbook(*rows))
    drop(context, "b.xlsx", workbook(row(7)))
    count = take(context)
    assert (count.new, count.mixed) == (4, ["a.xlsx: Masuk"])
    drop(context, "c.xlsx", workbook(*rows, ("9", dates[1], "Lubang", "")), at="2026-11-24 07:00")
    count = take(context, "2026-11-24 09:00")
    assert (count.new, count.mixed) == (1, [])
    assert alerts(context).count("mixed_dates") == 1
    settled = ("2026-11-21 08:00:00", "21/11/2026 09:00", "46347.5")
    rows = [(*row[:3], moment) for row, moment in zip(rows, settled, strict=True)]
    drop(context, "d.xlsx", workbook(*rows), at="2026-11-24 08:00")
    assert take(context, "2026-11-24 10:00").mixed == ["d.xlsx: Selesai"]
    assert alerts(context).count("mixed_dates") == 2
