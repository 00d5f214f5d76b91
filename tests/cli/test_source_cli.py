"""`tenggat source` and `tenggat quarantine`: a mapping tried, proposed and corrected.

November 2026 has no holiday: 2, 9, 16 and 23 are Mondays. LAPOR! writes UTC, the site is 8 h ahead.
"""

import csv
import json
import os
import re
import shutil
import sqlite3
import zipfile
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import xlsxwriter
from conftest import REPOSITORY, wita
from sqlalchemy import select
from support.small_site import (
    BAD,
    DAY,
    NAME,
    REPORT,
    STATUS,
    TICKET,
    TITLE,
    UNIT,
    export,
    small_site,
)

from cli.language import words
from cli.questions import _as_typed
from db.models import Complaint, EventRow, SourceImport
from settings.sources import read_sources
from tasks.common.context import SiteContext
from tasks.common.dates import parse_datetime
from tasks.ingest.inference.column_types import ColumnSample, zone_of
from tasks.intake import pull

NOW = "2026-11-24T08:00"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A small site with two exports that nobody has read."""
    folder = small_site(tmp_path / "site")
    monkeypatch.setenv("TENGGAT_SITE", str(folder))
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "var"))
    return folder


@pytest.fixture
def tenggat(site, call_tenggat):
    """Call the command line on the small site."""
    return call_tenggat


@pytest.fixture
def open_site(site):
    """Open the site as it is now; all are closed at the end."""
    opened: list[SiteContext] = []

    def open_one() -> SiteContext:
        opened.append(SiteContext.open(site))
        return opened[-1]

    yield open_one
    for context in opened:
        context.close()


def correct(site: Path, file: str, old: str, new: str) -> None:
    path = site / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


# --- source check ---------------------------------------------------------------------------------


def test_check_shows_how_each_field_came_out_and_what_would_be_quarantined(tenggat, site):
    export(site, "2026-11-24 07:30", {}, {TICKET: "2", UNIT: "Dinas Lama"}, BAD)
    code, out, _ = tenggat("source", "check", "lapor", "--now", NOW, "--rows", "1")
    assert code == 1
    for line in (
        "line 4",
        "  ticket          5010653",
        "  received        2026-11-02 09:00",
        "  classification  complaint",
        "  unit            Dinas Sosial",
        "  events          received 2026-11-02 09:00; verified by then",
        "would become open questions",
        "Instansi Terdisposisi  Dinas Lama  1",
        "3 rows of Laporan_Ringkas_2026-11-24_0730.xlsx: 2 imported, 1 to quarantine"
        " (1 bad_date), 1 open question",
    ):
        assert re.sub("  +", "  ", line.strip()) in re.sub("  +", "  ", out)
    assert NAME not in out


def test_check_counts_rows_for_the_quarantine_as_a_run_does(tenggat, site, open_site):
    """A row is in the quarantine once; equal rows without a ticket may be two complaints."""
    for old in (site / "inbox" / "lapor").iterdir():
        old.unlink()
    blank = dict.fromkeys(REPORT, "")
    texts = ("Catatan", "Kepala Bagian", "Kepala Bagian")
    lines = [blank | {"Nama Pelapor": text, "Isi Laporan Awal": text} for text in texts]
    good = [{TICKET: str(number)} for number in range(1, 9)]
    export(site, "2026-11-24 07:30", *good, BAD, BAD, *[{TICKET: ""}] * 2, *lines)
    _, out, _ = tenggat("source", "check", "lapor", "--now", NOW, "--json")
    reasons, rows = (json.loads(out)[key] for key in ("reasons", "rows"))
    count = pull(open_site(), "lapor", wita("2026-11-24 08:00"))
    assert rows == count.rows == 12
    assert reasons == count.reasons == {"bad_date": 1, "missing_ticket": 2, "text_line": 2}


@pytest.mark.parametrize(
    ("lang", "expected"), [("id", "belum ada berkas yang dibaca"), ("en", "no file was read yet")]
)
def test_check_says_that_every_file_waits(tenggat, lang, expected):
    code, out, _ = tenggat("--lang", lang, "source", "check", "lapor", "--now", "2026-11-01T08:00")
    words.use_language("en")
    assert (code, out.splitlines()[-1]) == (0, expected)
    assert ":  " not in out


def test_check_writes_nothing_and_moves_nothing(tenggat, site, tmp_path):
    correct(site, "sources.toml", 'pattern = "*.xlsx"', 'pattern = "*.xlsx"\narchive = "done"')
    before = sorted(path for path in site.rglob("*"))
    code, out, _ = tenggat("source", "check", "lapor", "--now", NOW, "--json")
    assert code == 0
    assert sorted(site.rglob("*")) == before
    assert not (tmp_path / "var").exists()
    told = json.loads(out)
    assert told["shown"][0]["received"] == "2026-11-02T09:00:00+08:00"
    assert told["shown"][0]["title"] == "Jalan rusak di Salo"
    assert (told["rows"], told["readable"], told["quarantine"]) == (4, 4, [])
    assert told["counts"]["status"] == {
        "Belum Terverifikasi": 2,
        "Ditutup oleh Admin": 1,
        "Terverifikasi": 1,
    }
    assert told["counts"]["privacy"] == {"": 3, "anonymous": 1}


def test_check_reads_what_was_read_and_archived_before(tenggat, site, open_site):
    correct(site, "sources.toml", 'pattern = "*.xlsx"', 'pattern = "*.xlsx"\narchive = "done"')
    pull(open_site(), "lapor", wita("2026-11-24 08:00"))
    assert not list((site / "inbox" / "lapor").iterdir())
    code, out, _ = tenggat("source", "check", "lapor", "--now", NOW, "--json")
    assert (code, json.loads(out)["rows"]) == (0, 4)


def test_check_shows_nothing_of_a_title_that_would_not_be_kept(tenggat, site):
    person = f"Dari {NAME}, 081234567890"
    export(
        site,
        "2026-11-24 07:30",
        {TITLE: "Hubungi 081234567890"},
        {TICKET: "2", TITLE: person, "Tipe Laporan (Anonim/Rahasia)": "Rahasia"},
        {TICKET: "3", TITLE: person, DAY: "31 Feb 2026"},
        {TICKET: "081234567890", DAY: "31 Feb 2026"},
    )
    for more in ((), ("--json",)):
        out = tenggat("source", "check", "lapor", "--now", NOW, *more)[1]
        assert "Hubungi [telepon]" in out
        assert NAME not in out
        assert "081234567890" not in out


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('status = "Status Laporan"', 'status = "Status"', "no column 'Status'; the file has"),
        ('layout = "snapshot"', 'layout = "snapsho"', "lapor.layout: Input should be"),
        ('ticket = "Tracking ID"', 'tiket = "Tracking ID"', "did you mean `ticket`?"),
    ],
)
def test_a_wrong_mapping_is_told_with_exit_code_2(tenggat, site, old, new, told):
    correct(site, "sources.toml", old, new)
    code, out, errors = tenggat("source", "check", "lapor", "--now", NOW)
    assert (code, out) == (2, "")
    assert told in errors


def test_another_system_is_asked_without_noting_how_far(tenggat, site, tmp_path, monkeypatch):
    database = tmp_path / "desk.db"
    with sqlite3.connect(database) as desk:
        desk.execute("CREATE TABLE laporan (nomor, masuk, selesai, perihal)")
        desk.execute("INSERT INTO laporan VALUES ('1', '2026-11-16 08:30:00', NULL, ?)", [NAME])
        desk.execute("INSERT INTO laporan VALUES ('2', '2026-11-31 08:30:00', NULL, '')")
    desk.close()
    monkeypatch.setenv("TENGGAT_DESK_URL", f"sqlite:///{database}")
    toml = site / "sources.toml"
    toml.write_text(
        """
        [desk]
        type = "sql"
        url_variable = "TENGGAT_DESK_URL"
        query = "SELECT * FROM laporan"
        layout = "history"
        zone = "Asia/Makassar"
        fields = { ticket = "nomor", received = "masuk" }
        events = [{ column = "selesai", kind = "settled" }]
        """,
        encoding="utf-8",
    )
    for _ in range(2):
        code, out, _ = tenggat("source", "check", "desk", "--now", NOW)
        assert code == 1
        assert "1 imported, 1 to quarantine (1 bad_date)" in out
        assert NAME not in out
    assert not (tmp_path / "var").exists()


def test_an_unknown_source_and_an_empty_one_are_told(tenggat, site):
    code, _, errors = tenggat("source", "check", "lapr")
    assert (code, "did you mean `lapor`?" in errors) == (2, True)
    code, _, errors = tenggat("source", "check", "register", "--now", NOW)
    assert (code, "register has nothing to read now" in errors) == (1, True)


def test_a_file_that_cannot_be_read_is_told(tenggat, site):
    export(site, "2026-11-24 07:30").write_bytes(b"<html>")
    code, _, errors = tenggat("source", "check", "lapor", "--now", NOW)
    assert code == 1
    assert "Laporan_Ringkas_2026-11-24_0730.xlsx: no readable workbook" in errors


@pytest.mark.thorough
def test_check_names_the_sheets_that_are_not_read(tenggat, site, tmp_path):
    file = tmp_path / "a.xlsx"
    titles = ["No Aduan", "Tgl Masuk", "Status"]
    data = [[f"A-{n}", f"{n + 12}/11/2026", "proses"] for n in range(1, 6)]
    with xlsxwriter.Workbook(file) as book:
        for name in ("Mei", "Rekap", "Juni"):
            sheet = book.add_worksheet(name)
            for line, cells in enumerate([titles, *data] if name != "Rekap" else [["a", "b"]] * 3):
                sheet.write_row(line, 0, cells)
        sheet.hide()
    written = wita("2026-11-30 08:00").timestamp()
    os.utime(file, (written, written))  # before the time of the check, whatever the clock says
    learnt(tenggat, site, file, "register")
    arguments = ("source", "check", "register", "--now", "2026-12-01T08:00:00+08:00")
    _, out, _ = tenggat(*arguments, "--json")
    assert json.loads(out)["unread_sheets"] == ["a.xlsx: Rekap", "a.xlsx: Juni"]
    _, out, _ = tenggat("--lang", "id", *arguments)
    for name in ("Rekap", "Juni"):
        assert f"karena tersembunyi atau tanpa kolom register: a.xlsx: {name}" in out


# --- source learn ---------------------------------------------------------------------------------


def learnt(tenggat, site, file: Path, name: str, *, also: str = "") -> Path:
    """The site with what is learnt from a file in place of its own sources."""
    code, out, _ = tenggat("source", "learn", file, "--name", name)
    assert code == 0
    (site / "sources.toml").write_text(out + also, encoding="utf-8")
    folder = site / "inbox" / name
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    shutil.copy2(file, folder)
    assert list(read_sources(site / "sources.toml")) == [name]
    return site / "sources.toml"


def rows_of(context: SiteContext) -> dict[str, tuple[object, ...]]:
    """Complaints with what is known of them, and their events."""
    events: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    with context.transaction() as session:
        query = select(Complaint.ticket, EventRow.kind, EventRow.latest, EventRow.unit)
        for ticket, *event in session.execute(
            query.join(EventRow, EventRow.complaint_id == Complaint.id)
        ):
            events[ticket].append(tuple(event))
        return {
            row.ticket: (
                row.received_at,
                row.classification,
                row.category,
                row.channel,
                row.unit,
                row.title,
                row.anonymous,
                row.secret,
                row.state,
                sorted(events[row.ticket]),
            )
            for row in session.scalars(select(Complaint))
        }


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("source", "file", "unlike"),
    [
        ("lapor", "Laporan_Ringkas_2026-11-24_0700.xlsx", {}),
        ("register", "register_2026-11-23_0715.csv", {}),
        ("register", "register_2026-11-24_0715.csv", {}),
    ],
)
def test_what_is_learnt_from_the_examples_reads_them_as_their_mapping_does(
    tenggat, site, open_site, tmp_path, monkeypatch, source, file, unlike
):
    example = REPOSITORY / "examples" / "kabupaten-contoh" / "inbox" / source / file
    for old in (site / "inbox" / source).iterdir():
        old.unlink()
    shutil.copy2(example, site / "inbox" / source)
    given = open_site()
    count = pull(given, source, wita("2026-11-24 08:00"))
    assert count.new > 0
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "other"))
    learnt(tenggat, site, example, source)
    again = open_site()
    counted = pull(again, source, wita("2026-11-24 08:00"))
    assert count.reasons == counted.reasons
    assert {c: n for c, n in count.questions.items() if counted.questions.get(c) != n} == unlike
    told, other = rows_of(given), rows_of(again)
    told = {ticket: row for ticket, row in told.items() if not str(row[8]).startswith("?")}
    assert {ticket: other[ticket] for ticket in told} == told
    assert again.site.sources[source].sees >= given.site.sources[source].sees


@pytest.mark.thorough
def test_a_lapor_export_is_known_by_its_columns_and_its_words(tenggat):
    file = (
        REPOSITORY
        / "examples"
        / "kabupaten-contoh"
        / "inbox"
        / "lapor"
        / "Laporan_Ringkas_2026-11-24_0700.xlsx"
    )
    code, out, errors = tenggat("source", "learn", file)
    assert code == 0
    for line in (
        "[lapor]",
        'system = "sp4n-lapor"',
        'zone = "UTC"',
        'header = "Tracking ID"',
        'received = ["Tanggal Laporan Masuk", "Waktu Laporan Masuk"]',
        "earlier_by = { settled = 10 }  # closed by itself so many working days later",
        '# "Dinas Antah Berantah" = "..."  # ?',
        '#   "Nama Pelapor": personal: its header names a person, an address or a number of theirs',
        "# zone: so they are written in UTC: the busiest hours are a working day",
    ):
        assert line in out.splitlines()
    assert "rows are imported with this mapping" in errors


REGISTER = """\
Daftar Pengaduan;;;;;;;;;;
Dibuat;24/11/2026 07:00;;;;;;;;;
;;;;;;;;;;
No Tiket;Tanggal Pengaduan;Nama;NIK;No HP;Alamat;Jenis Laporan;OPD;Perihal;Selesai;Batas Waktu
A-1;29 Mei 2026 08.15;Budi;9999010203040506;081200001234;Jl. Mawar 1;Keluhan;Dinas Sosial;x;;5 Juni
A-2;1 Agustus 2026 10.00;Ani;9999014203040506;081200001235;Jl. Mawar 2;Aspirasi;Dinsos;y;;
A-3;2 Agt 2026 11.30;Adi;9999010203040507;081200001236;Jl. Mawar 3;Keluhan;Dinas Sosial;z;;
"""


def test_a_register_is_learnt_below_its_preamble_with_indonesian_months(tenggat, site, tmp_path):
    file = tmp_path / "buku.csv"
    file.write_bytes(REGISTER.replace("5 Juni", "5 Juni 2026 16.00").encode("cp1252"))
    code, out, errors = tenggat("source", "learn", file)
    assert code == 0
    path = learnt(tenggat, site, file, "buku")
    source = read_sources(path)["buku"]
    assert (source.header, source.delimiter, source.zone) == ("No Tiket", ";", "Asia/Makassar")
    assert source.fields.ticket == "No Tiket"
    assert source.fields.received == "Tanggal Pengaduan"
    assert source.fields.promised_due == "Batas Waktu"
    assert source.dates == ("%d %b %Y %H.%M",)
    assert source.values.classification == {"Keluhan": "complaint", "Aspirasi": "aspiration"}
    assert source.observed.cell == "Dibuat"
    assert source.fields.title is None  # no column says whose title may be kept
    assert not {"Nama", "NIK", "No HP", "Alamat"} & set(source.columns)
    for name in ("Nama", "NIK", "No HP", "Alamat"):
        assert f'#   "{name}": personal: ' in out
    assert "3 of 3 rows are imported" in errors
    assert not [word for word in ("Budi", "Mawar", "0812", "9999") if word in out + errors]


def test_what_looks_personal_is_not_mapped_whatever_its_header_says(tenggat, tmp_path):
    rows = "".join(
        f"T{n},0{n % 9 + 1}/11/2026 09:00,Baru,08120000{n:04},999901{n % 28 + 1:02}0350{n:04},"
        f"Jl. Melati {n},Warga Ke-{chr(65 + n)}\n"
        for n in range(20)
    )
    file = tmp_path / "a.csv"
    file.write_text(f"Tiket,Tanggal,Status,Kanal,Bidang,Media,OPD\n{rows}", encoding="utf-8")
    code, out, _ = tenggat("source", "learn", file)
    assert code == 0
    assert "channel =" not in out
    assert "category =" not in out
    assert "unit =" not in out
    assert '#   "Kanal": personal: its values look like phone numbers' in out
    assert '#   "Bidang": personal: its values look like identity numbers (NIK)' in out
    assert '#   "Media": personal: its values look like addresses' in out
    assert '#   "OPD": its values differ from row to row' in out


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "the file is empty"),
        ("1,2\n3,4\n", "no header"),
        ("Nomor,Tanggal\n", "a header and no rows"),
        ("Nomor,Status\n1,Baru\n2,Baru\n", "no column has the time a complaint was received"),
        ("Nomor,Tanggal\n1,2026-11-24\n2,2026-11-24\n", "the progress of a complaint is missing"),
        ("Nomor,Tanggal,Status\n1,2026-11-24,Baru\n1,2026-11-24,Baru\n", "no column is a ticket"),
    ],
)
def test_a_file_that_shows_no_complaints_is_refused_with_the_reason(
    tenggat, tmp_path, content, told
):
    file = tmp_path / "a.csv"
    file.write_text(content, encoding="utf-8")
    code, out, errors = tenggat("source", "learn", file)
    assert (code, out) == (1, "")
    assert told in errors


def test_a_name_in_a_header_cannot_break_out_of_a_comment(tenggat, tmp_path):
    file = tmp_path / "a.csv"
    header = '"No Tiket\nfolder = ""/etc""",Tanggal,Status'
    file.write_text(f"{header}\n1,2026-11-24,Baru\n2,2026-11-24,Baru\n", encoding="utf-8")
    code, out, _ = tenggat("source", "learn", file)
    assert code == 0
    assert not [line for line in out.splitlines() if "/etc" in line and line[:1] == "f"]


@pytest.mark.parametrize(("hour", "zone"), [(1, "UTC"), (9, "Asia/Makassar"), (0, "Asia/Makassar")])
def test_the_zone_is_the_one_in_which_reports_come_by_day(hour, zone):
    """Reports from 01 to 08 UTC are of a working day in Makassar; midnight is no hour at all."""
    day = datetime(2026, 11, 2)
    moments = [day + timedelta(days=n, hours=hour + n % 8 if hour else 0) for n in range(80)]
    guess = zone_of(moments, "Asia/Makassar")
    assert guess.zone == zone
    assert guess.sure == bool(hour)


def test_a_day_stands_before_its_month_unless_that_cannot_be():
    def forms(*values: str) -> tuple[str, ...]:
        return ColumnSample("x", 0, values, len(values)).dates

    assert forms("01/02/2026", "03/04/2026") == ("%d/%m/%Y",)
    assert forms("01/02/2026", "03/24/2026") == ("%m/%d/%Y",)
    assert forms("24/11/2026 08:15") == ("%d/%m/%Y %H:%M",)
    assert forms("2026-11-24T08:15:00Z") == ("%Y-%m-%dT%H:%M:%S%z",)
    assert forms("29 May 2023", "29 Mei 2023", "1 Okt 2023") == ("%d %b %Y",)
    assert forms("5010653", "5010654") == ()


@pytest.mark.parametrize(
    "text",
    ["29 May 2023", "29 Mei 2023", "29 mei 2023", "29 MEI 2023"],
)
def test_months_are_understood_in_both_languages(text):
    for form in ("%d %b %Y", "%d %B %Y"):
        assert parse_datetime(text, form) == datetime(2023, 5, 29)


def test_every_month_is_understood_in_full_and_shortened():
    full = "Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember"
    short = "Jan Feb Mar Apr Mei Jun Jul Agt Sep Okt Nop Des"
    for names in (full, short):
        for month, word in enumerate(names.split(), start=1):
            for form in ("%d %b %Y %H:%M", "%d %B %Y %H:%M"):
                assert parse_datetime(f"2 {word} 2026 08:15", form) == datetime(
                    2026, month, 2, 8, 15
                )
    with pytest.raises(ValueError, match="2 Brumaire 2026"):
        parse_datetime("2 Brumaire 2026", "%d %b %Y")


@pytest.mark.real_data
def test_what_is_learnt_from_a_real_export_takes_it_in(tenggat, site, open_site, real_data):
    file = real_data / "lapor_kab_bandung_2021_2022.xlsx"
    learnt(tenggat, site, file, "lapor")
    source = read_sources(site / "sources.toml")["lapor"]
    assert (source.zone, source.system, source.observed.cell) == (
        "UTC",
        "sp4n-lapor",
        "Tanggal Generate",
    )
    correct(site, "sources.toml", 'unit = "Instansi Terdisposisi"', "# unit of another regency")
    count = pull(open_site(), "lapor", wita("2026-11-24 08:00"))
    assert (count.new, count.quarantined) == (821, 0)


# --- quarantine -----------------------------------------------------------------------------------

OTHER = {TICKET: "6000001", DAY: "#2 Nov 2026"}


@pytest.fixture
def waiting(site, open_site) -> SiteContext:
    """Two exports with a date in another form, closed in the second; one impossible date."""
    export(site, "2026-11-22 07:00", {}, OTHER, BAD, {TICKET: "3"}, {TICKET: "4"})
    export(site, "2026-11-24 07:30", {}, OTHER | {STATUS: "Ditutup oleh Admin"})
    context = open_site()
    pull(context, "lapor", wita("2026-11-24 08:00"))
    return context


def listed(tenggat, *more: str) -> list[dict[str, str]]:
    return json.loads(tenggat("quarantine", "list", "--json", *more)[1])


def known_form(site: Path) -> None:
    """Add the other form of dates to the mapping."""
    form = '"%d %b %Y %H:%M:%S"'
    correct(site, "sources.toml", form, f'{form}, "#%d %b %Y %H:%M:%S"')


def events(context: SiteContext, ticket: str) -> list[tuple[object, ...]]:
    """The recorded events of a complaint; a doubt between two retried exports is withdrawn."""
    with context.transaction() as session:
        query = select(EventRow.kind, EventRow.earliest, EventRow.latest, EventRow.knowledge)
        query = query.join(Complaint, Complaint.id == EventRow.complaint_id)
        query = query.where(Complaint.ticket == ticket, EventRow.knowledge != "unreadable")
        absent = select(Complaint.absent_since).where(Complaint.ticket == ticket)
        assert session.scalars(absent).all() in ([], [None])
        return [tuple(row) for row in session.execute(query)]


@pytest.mark.thorough
def test_rows_come_in_by_retry_as_if_they_had_been_readable_at_once(
    tenggat, waiting, site, open_site, tmp_path, monkeypatch
):
    assert [row["reason"] for row in listed(tenggat)] == ["bad_date"] * 3
    known_form(site)
    code, out, _ = tenggat("quarantine", "retry", "--now", "2026-11-24T09:00")
    assert code == 1  # one still waits
    assert "lapor: 2 rows can be read now (1 new complaints, 1 updated), 1 still cannot" in out
    assert [row["reason"] for row in listed(tenggat)] == ["bad_date"]
    everything = listed(tenggat, "--all")
    assert [row["resolved"] for row in everything if row["ticket"] == "6000001"] == [
        "2026-11-24T09:00:00+08:00"
    ] * 2
    again = open_site()
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "other"))
    straight = open_site()
    pull(straight, "lapor", wita("2026-11-24 08:00"))
    assert events(again, "6000001") == events(straight, "6000001")
    kinds = [kind for kind, *_ in events(again, "6000001")]
    assert [kind for kind in kinds if kind != "any"][-1] == "closed"


@pytest.mark.thorough
def test_retry_twice_changes_nothing_and_leaves_what_others_taught(tenggat, waiting, site):
    known_form(site)
    tenggat("quarantine", "retry", "--now", "2026-11-24T09:00")
    before = events(waiting, "6000001"), events(waiting, "5010653"), listed(tenggat, "--all")
    code, out, _ = tenggat("quarantine", "retry", "--source", "lapor", "--now", "2026-11-25T09:00")
    assert code == 1
    assert "lapor: 0 rows can be read now" in out
    assert (
        events(waiting, "6000001"),
        events(waiting, "5010653"),
        listed(tenggat, "--all"),
    ) == before


def test_a_file_is_found_in_the_archive_and_in_a_zip(tenggat, site, open_site):
    correct(site, "sources.toml", 'pattern = "*.xlsx"', 'pattern = "*.xlsx"\narchive = "done"')
    inbox = site / "inbox" / "lapor"
    for file in inbox.iterdir():
        file.unlink()
    packed = export(site, "2026-11-23 07:00", OTHER, {}, {TICKET: "3"})
    with zipfile.ZipFile(inbox / "a.zip", "w") as archive:
        archive.write(packed, packed.name)
    packed.unlink()
    export(site, "2026-11-24 07:00", OTHER | {TICKET: "6000002"}, {}, {TICKET: "3"})
    pull(open_site(), "lapor", wita("2026-11-24 08:00"))
    assert not list(inbox.iterdir())
    known_form(site)
    code, out, _ = tenggat("quarantine", "retry", "--now", "2026-11-24T09:00")
    assert (code, "lapor: 2 rows can be read now (2 new" in out) == (0, True)


def test_rows_whose_file_is_gone_are_named(tenggat, waiting, site):
    gone = site / "inbox" / "lapor" / "Laporan_Ringkas_2026-11-22_0700.xlsx"
    gone.unlink()
    known_form(site)
    code, out, _ = tenggat("quarantine", "retry", "--now", "2026-11-24T09:00")
    assert code == 1
    assert f"  not there: {gone.name}, line 5" in out
    assert f"  not there: {gone.name}, line 6" in out
    told = json.loads(tenggat("quarantine", "retry", "--json", "--now", "2026-11-24T09:00")[1])
    assert told[0]["gone"] == [f"{gone.name}, line 5", f"{gone.name}, line 6"]


@pytest.mark.thorough
def test_a_row_that_is_bad_for_another_reason_waits_with_that_one(tenggat, site, open_site):
    export(site, "2026-11-24 07:30", {}, OTHER | {DAY: "#2 Nov 2027"}, {TICKET: "3"})
    pull(open_site(), "lapor", wita("2026-11-24 08:00"))
    reasons = [row["reason"] for row in listed(tenggat)]
    assert "in_the_future" not in reasons
    known_form(site)
    tenggat("quarantine", "retry", "--now", "2026-11-24T09:00")
    assert sorted(row["reason"] for row in listed(tenggat)) == ["bad_date", "in_the_future"]
    tenggat("quarantine", "retry", "--now", "2026-11-24T10:00")
    assert len(listed(tenggat, "--all")) == 3


def test_a_number_that_stands_twice_still_does_when_read_again(tenggat, site, open_site):
    export(site, "2026-11-24 07:30", {}, {TITLE: "Judul lain"})
    pull(open_site(), "lapor", wita("2026-11-24 08:00"))
    tenggat("quarantine", "retry", "--now", "2026-11-24T09:00")
    assert "duplicate_ticket" in [row["reason"] for row in listed(tenggat)]


@pytest.mark.thorough
def test_a_row_that_a_later_export_makes_readable_is_resolved(tenggat, waiting, site, open_site):
    export(site, "2026-11-25 07:00", {}, OTHER | {DAY: "2 Nov 2026"})
    assert pull(open_site(), "lapor", wita("2026-11-25 08:00")).new == 1
    assert [row["ticket"] for row in listed(tenggat)] == ["5010009"]
    assert [row["resolved"] != "" for row in listed(tenggat, "--all")].count(True) == 2
    export(site, "2026-11-26 07:00", {}, OTHER)  # and back again: it waits anew
    pull(open_site(), "lapor", wita("2026-11-26 08:00"))
    assert [row["ticket"] for row in listed(tenggat)] == ["5010009", "6000001"]
    assert len(listed(tenggat, "--all")) == 4


def test_an_export_of_the_same_moment_does_not_resolve_its_own_double(tenggat, site, open_site):
    export(site, "2026-11-24 07:30", {}, {TITLE: "Judul lain"})
    pull(open_site(), "lapor", wita("2026-11-24 08:00"))
    assert "duplicate_ticket" in [row["reason"] for row in listed(tenggat)]
    export(site, "2026-11-25 07:00", {}, {TITLE: "Judul lain"}, {TICKET: "1"})
    pull(open_site(), "lapor", wita("2026-11-25 08:00"))
    assert "duplicate_ticket" in [row["reason"] for row in listed(tenggat)]


def test_the_list_shows_what_waits_and_with_all_what_was(tenggat, waiting):
    code, out, _ = tenggat("quarantine", "list")
    assert (code, "3 rows in quarantine" in out) == (0, True)
    assert "resolved" not in out
    assert "3 rows in quarantine, 3 in all" in tenggat("quarantine", "list", "--all")[1]


def test_the_value_of_a_row_is_the_text_of_its_cell(tenggat, site, open_site):
    """A time in UTC names another day than the register, and its clerk looks for the cell."""
    whole = {TICKET: "3", DAY: "2027-11-24T23:30:00Z", "Waktu Laporan Masuk": ""}
    export(site, "2026-11-24 07:30", {}, {TICKET: "4", DAY: "24 Nov 2027"}, whole)
    pull(open_site(), "lapor", wita("2026-11-24 08:00"))
    values = {row["ticket"]: row["value"] for row in listed(tenggat)}
    assert (values["3"], values["4"]) == (whole[DAY], "24 Nov 2027 01:00:00")
    shown = re.sub(r"\s", "", tenggat("quarantine", "list")[1])
    assert whole[DAY] in shown


def test_quarantine_is_written_as_csv_that_runs_no_formula(tenggat, site, open_site, tmp_path):
    export(site, "2026-11-24 07:30", {TICKET: "=1+1", DAY: '=HYPERLINK("x")'}, {}, {TICKET: "3"})
    pull(open_site(), "lapor", wita("2026-11-24 08:00"))
    file = tmp_path / "quarantine.csv"
    assert tenggat("quarantine", "export", file)[0] == 0
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))
    assert rows[0] == [
        "source",
        "file",
        "line",
        "ticket",
        "reason",
        "column",
        "value",
        "since",
        "resolved",
    ]
    assert {"'=1+1", '\'=HYPERLINK("x") 01:00:00'} <= {cell for row in rows for cell in row}
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@")]
    assert NAME not in file.read_text(encoding="utf-8")
    assert tenggat("quarantine", "export", "/nowhere/a.csv")[0] == 2


@pytest.mark.thorough
def test_looks_stay_as_they_were(tenggat, waiting, site, open_site):
    def looks() -> list[tuple[object, ...]]:
        with open_site().transaction() as session:
            return [
                tuple(row)
                for row in session.execute(
                    select(SourceImport.name, SourceImport.new, SourceImport.rows)
                )
            ]

    before = looks()
    known_form(site)
    tenggat("quarantine", "retry", "--now", "2026-11-24T09:00")
    assert looks() == before


# --- questions ------------------------------------------------------------------------------------


def test_questions_are_listed_and_answered(tenggat, site, open_site):
    export(site, "2026-11-24 07:30", {STATUS: "Entah"}, {TICKET: "2", STATUS: "Entah"})
    pull(open_site(), "lapor", wita("2026-11-24 08:00"))
    code, out, _ = tenggat("questions", "--json")
    assert code == 0
    (told,) = json.loads(out)
    assert {key: told[key] for key in ("id", "source", "column", "value", "complaints")} == {
        "id": "1",
        "source": "lapor",
        "column": STATUS,
        "value": "Entah",
        "complaints": "2",
    }
    assert "1 open question" in tenggat("questions")[1]
    code, _, error = tenggat("questions", "answer", "1", "Terverifikas", "--now", NOW)
    assert (code, "did you mean `Terverifikasi`? `kosong`" in error) == (2, True)
    code, _, error = tenggat("--lang", "id", "questions", "answer", "1", "Terverifikas")
    assert (code, "maksud Anda `Terverifikasi`? `kosong` berarti sel kosong" in error) == (2, True)
    assert tenggat("questions", "answer", "7", "Terverifikasi")[0] == 2
    assert re.search(r"Entah +status ", tenggat("--lang", "id", "questions")[1])
    code, out, _ = tenggat("questions", "answer", "1", "terverifikasi", "--now", "2026-11-24T09:00")
    assert code == 0
    assert "'Entah' in column Status Laporan means Terverifikasi" in out
    assert '  word = "Entah"\n  enter = ["verified"]' in out
    assert "0 open questions" in tenggat("questions")[1]
    assert "0 open questions, 3 in all" in tenggat("questions", "--all")[1]
    assert "verified" in [kind for kind, *_ in events(open_site(), "2")]
    audit = json.loads(tenggat("audit", "list", "--json")[1])
    assert [row["kind"] for row in audit] == ["question.answered"]


def test_an_answer_of_several_words_needs_no_quotes(tenggat, site, open_site):
    export(site, "2026-11-24 07:30", {STATUS: "Entah"})
    pull(open_site(), "lapor", wita("2026-11-24 08:00"))
    code, out, _ = tenggat("questions", "answer", "1", "Ditutup", "oleh", "Admin", "--now", NOW)
    assert (code, "means Ditutup oleh Admin" in out) == (0, True)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [("2026-11-24T00:30:00+00:00", "2026-11-24 08:30"), ("verified", "verified"), ("", "")],
)
def test_a_date_is_confirmed_as_it_was_typed(open_site, stored, shown):
    assert _as_typed(open_site(), stored) == shown
