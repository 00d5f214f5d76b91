"""From files to complaints: what comes in, what waits in quarantine, and what never enters.

November 2026 has no holiday: 2, 9, 16 and 23 are Mondays. LAPOR! writes UTC, the site is 8 h ahead.
"""

import logging
import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from email import message_from_bytes, policy
from pathlib import Path

import pytest
import xlsxwriter
from conftest import ON_BOTH, ON_SQLITE_FIRST, REPOSITORY, WITA, kind_of_database, wita
from sqlalchemy import select
from support.import_results import counted, dump, history, known, quarantine, take
from support.pipeline import REGISTER_STEPS

from db import complaints, questions
from db.models import Complaint, DeadlineRow, MessageRow, QuarantineRow, SourceImport
from sla.events import events_as_of
from tasks.common.context import SiteContext
from tasks.deadlines import evaluate_and_notify
from tasks.delivery import send_owed
from tasks.evaluation.loader import load_complaints
from tasks.ingest.records import RejectionReason
from tasks.intake import pull
from tasks.monitoring.health import check
from tasks.reports.builder import report_view
from tasks.reports.formats.html import report_html
from tasks.sources.base import LineFault, SourceError, Waiting, WaitingReason
from tasks.text.templates import render


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """What is tested here hangs on no database but where a test is marked."""
    return kind_of_database(request)


TICKET, DAY, HOUR = "Tracking ID", "Tanggal Laporan Masuk", "Waktu Laporan Masuk"
KIND, TITLE, PRIVACY = "Klasifikasi Laporan", "Judul Laporan", "Tipe Laporan (Anonim/Rahasia)"
UNIT, STATUS = "Instansi Terdisposisi", "Status Laporan"
NAME, STORY = "Nama Pelapor", "Isi Laporan Awal"

REPORT = {
    TICKET: "5010653",
    DAY: "19 Nov 2026",
    HOUR: "01:00:00",  # 09:00 in Makassar
    NAME: "",
    KIND: "Pengaduan Tidak Berkadar Pengawasan",
    "Kategori": "Infrastruktur Jalan",
    TITLE: "Jalan rusak di Salo",
    STORY: "",
    PRIVACY: "",
    "Sumber Laporan": "Website",
    UNIT: "Dinas Sosial",
    STATUS: "Terverifikasi",
}

DESK = {
    "No Register": "FD-1",
    "Tanggal Masuk": "16/11/2026 08:30",
    "Klasifikasi": "Permintaan Informasi",
    "Kategori": "Kependudukan",
    "Perihal": "Syarat pindah alamat",
    "Kerahasiaan": "",
    "Kanal": "Tatap Muka",
    "Nama Pelapor": "",
    "Alamat": "",
} | dict.fromkeys(REGISTER_STEPS, "")


def lapor(context: SiteContext, made: str, *reports: dict[str, object], name: str = "") -> Path:
    """An export of this local moment; each report tells what it has unlike `REPORT`."""
    moment = wita(made)
    path = context.site.folder / "inbox" / "lapor"
    path /= name or f"Laporan_Ringkas_{moment:%Y-%m-%d_%H%M}.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Laporan Ringkas")
        sheet.write_row(0, 0, ["Judul Laporan", "", "Laporan Ringkas"])
        sheet.write_row(2, 0, list(REPORT))
        for number, report in enumerate(reports, start=3):
            sheet.write_row(number, 0, list((REPORT | report).values()))
    return path


def register(context: SiteContext, made: str, *entries: dict[str, str], more: str = "") -> Path:
    """The front desk's register of this local moment."""
    path = context.site.folder / "inbox" / "register" / f"register_{wita(made):%Y-%m-%d_%H%M}.csv"
    lines = [";".join(DESK), *(";".join((DESK | entry).values()) for entry in entries)]
    path.write_text("\n".join(lines) + "\n" + more, encoding="utf-8")
    return path


# --- snapshots ------------------------------------------------------------------------------------


@pytest.mark.thorough
@ON_BOTH
def test_snapshots_compared_day_by_day_become_events_with_intervals(context):
    lapor(context, "2026-11-19 07:00")
    lapor(context, "2026-11-20 07:00", {STATUS: "Belum Terverifikasi", UNIT: ""})
    lapor(context, "2026-11-21 07:00", {})
    lapor(context, "2026-11-24 07:00", {STATUS: "Ditutup oleh Admin"})
    count = take(context, "2026-11-24 08:00")
    assert (count.files, count.new, count.updated, count.unchanged) == (4, 1, 2, 0)
    assert history(context) == [
        "received 19 09:00 stated",
        "verified 20 07:00 - 21 07:00 observed",
        "assigned 20 07:00 - 21 07:00 observed dinsos",
        "closed 21 07:00 - 24 07:00 observed",
    ]
    complaint = known(context)
    assert (complaint.unit, complaint.state) == ("dinsos", "Ditutup oleh Admin")
    assert complaint.classification == "complaint"


def test_files_read_one_a_day_teach_the_same_as_all_at_once(context):
    for day, status in ((20, "Belum Terverifikasi"), (21, "Terverifikasi"), (23, "Terverifikasi")):
        other = {TICKET: str(day)}  # or the last two files were the same
        lapor(context, f"2026-11-{day} 07:00", {STATUS: status, UNIT: ""}, other)
        take(context, f"2026-11-{day} 08:00")
    assert history(context)[1:] == ["verified 20 07:00 - 21 07:00 observed"]
    assert known(context).seen_at == wita("2026-11-23 07:00")


def test_the_first_import_knows_what_is_and_not_since_when(context):
    lapor(context, "2026-11-24 07:00", {STATUS: "Ditutup oleh Pelapor"})
    take(context, "2026-11-24 08:00")
    assert history(context) == [
        "received 19 09:00 stated",
        "verified 19 09:00 - 24 07:00 unknown",
        "assigned 19 09:00 - 24 07:00 unknown dinsos",
        "closed 19 09:00 - 24 07:00 unknown",
    ]


def test_what_came_after_the_previous_look_is_observed(context):
    lapor(context, "2026-11-19 07:00", {TICKET: "1", DAY: "1 Nov 2026"})
    lapor(context, "2026-11-20 07:00", {}, {TICKET: "1", DAY: "1 Nov 2026"})
    take(context, "2026-11-20 08:00")
    assert history(context)[1] == "verified 19 09:00 - 20 07:00 observed"
    assert history(context, "1")[1] == "verified 01 09:00 - 19 07:00 unknown"


def test_a_report_of_the_local_morning_falls_on_its_local_day(context):
    lapor(context, "2026-11-24 07:00", {DAY: "23 Nov 2026", HOUR: "22:30:00"})
    take(context, "2026-11-24 08:00")
    assert history(context)[0] == "received 24 06:30 stated"
    assert known(context).received_at == wita("2026-11-24 06:30")


def test_a_unit_is_known_by_every_spelling(context):
    spellings = (
        "Dinas Sosial",
        "Dinas Sosial Kab. Contoh",
        "DINAS SOSIAL  KABUPATEN CONTOH",
        " dinsos ",
    )
    reports = ({TICKET: str(n), UNIT: unit} for n, unit in enumerate(spellings))
    lapor(context, "2026-11-24 07:00", *reports)
    take(context, "2026-11-24 08:00")
    assert [known(context, str(n)).unit for n in range(4)] == ["dinsos"] * 4


def test_letter_case_of_status_and_classification_does_not_matter(context):
    words = ("Terverifikasi", "TERVERIFIKASI", "terverifikasi ")
    reports = ({TICKET: str(n), STATUS: word, KIND: "ASPIRASI"} for n, word in enumerate(words))
    lapor(context, "2026-11-24 07:00", *reports)
    take(context, "2026-11-24 08:00")
    for n in range(3):
        assert known(context, str(n)).state == "Terverifikasi"
        assert known(context, str(n)).classification == "aspiration"


def test_an_empty_classification_and_an_empty_unit_are_no_mistake(context):
    lapor(context, "2026-11-24 07:00", {KIND: "", UNIT: ""})
    assert take(context, "2026-11-24 08:00").quarantined == 0
    complaint = known(context)
    assert (complaint.classification, complaint.unit) == (None, None)


# --- reading again --------------------------------------------------------------------------------


@ON_SQLITE_FIRST
def test_reading_the_same_source_twice_changes_nothing(context):
    first = lapor(context, "2026-11-23 07:00", {}, {TICKET: "", STATUS: "?"})
    lapor(context, "2026-11-24 07:00", {STATUS: "Ditutup oleh Admin"})
    register(context, "2026-11-24 07:15", {})
    for source in ("lapor", "register"):
        take(context, "2026-11-24 08:00", source)
    before = dump(context)
    copy = shutil.copy(first, first.with_name("salinan.xlsx"))
    os.utime(copy, (wita("2026-11-23 07:00").timestamp(),) * 2)
    count = take(context, "2026-11-24 09:00")
    assert count.files == 0
    assert take(context, "2026-11-24 09:00", "register").files == 0
    assert dump(context) == before


def test_an_export_equal_to_an_older_one_shows_the_state_of_its_own_time(context):
    first = lapor(context, "2026-11-22 07:00", {})
    shutil.copy(first, first.with_name("Laporan_Ringkas_2026-11-23_0700.xlsx"))
    lapor(context, "2026-11-24 07:00", {STATUS: "Ditutup oleh Admin"})
    shutil.copy(first, first.with_name("Laporan_Ringkas_2026-11-24_0730.xlsx"))
    assert take(context, "2026-11-24 08:00").files == 4
    assert history(context)[-2:] == [
        "closed 23 07:00 - 24 07:00 observed",
        "reopened 24 07:00 - 24 07:30 observed",
    ]
    assert take(context, "2026-11-24 09:00").files == 0


def test_a_register_without_entries_is_a_look_too(context):
    register(context, "2026-11-20 07:15", {})
    assert take(context, "2026-11-20 08:00", "register").files == 1
    for day in (23, 24):
        register(context, f"2026-11-{day} 07:15")
        assert take(context, f"2026-11-{day} 08:00", "register").files == 1
    assert take(context, "2026-11-24 09:00", "register").files == 0


def test_a_corrected_cell_replaces_and_an_emptied_one_no_longer_counts(context):
    def settled(at: str) -> list[str]:
        with context.transaction() as session:
            (row,) = session.scalars(select(Complaint))
            events = complaints.events_of(session, [row.id])[row.id]
        return [
            f"{e.latest.astimezone(WITA):%d}"
            for e in events_as_of(events, wita(at))
            if e.kind == "settled"
        ]

    for day, cell in [(20, "19/11/2026 15:00"), (23, "20/11/2026 15:00"), (24, "")]:
        register(context, f"2026-11-{day} 07:15", {"Selesai": cell})
        assert take(context, f"2026-11-{day} 08:00", "register").quarantined == 0
    assert [settled(f"2026-11-{day} 08:00") for day in (20, 23, 24)] == [["19"], ["20"], []]


def test_what_a_rule_asked_about_before_can_be_asked_again(context):
    lapor(context, "2026-11-23 07:00", {})
    take(context, "2026-11-23 08:00")
    lapor(context, "2026-11-24 07:00", {KIND: "Aspirasi"})
    take(context, "2026-11-24 08:00")

    def classified(at: str) -> str | None:
        with context.transaction() as session:
            rows = session.scalars(select(Complaint)).all()
            (found,) = load_complaints(session, context, rows, wita(at))
        return found.history.facts.classification

    assert classified("2026-11-23 09:00") == "complaint"
    assert classified("2026-11-24 09:00") == "aspiration"


def test_a_new_look_wakes_what_could_not_be_called_late_before(context):
    entry = {"Klasifikasi": "Permintaan Informasi", "Tanggal Masuk": "16/11/2026 08:30"}
    register(context, "2026-11-20 07:15", entry)
    take(context, "2026-11-20 08:00", "register")
    assert states(context, "2026-11-24 00:05") == [
        "unknown"
    ]  # due on the 23rd, not looked at since
    assert states(context, "2026-11-24 07:00") == ["unknown"]
    register(context, "2026-11-24 07:15", entry)
    take(context, "2026-11-24 07:30", "register")
    assert states(context, "2026-11-24 08:00") == ["breached"]


def states(context: SiteContext, now: str) -> list[str]:
    """How the settlement of a request for information stands after a run of deadlines."""
    evaluate_and_notify(context, wita(now), f"deadlines {now}")
    with context.transaction() as session:
        query = select(DeadlineRow.state).where(DeadlineRow.rule == "sp4n-guideline/information")
        return list(session.scalars(query))


def test_a_source_that_falls_silent_is_told_to_the_administrator_once(context):
    register(context, "2026-11-16 07:15", {})
    take(context, "2026-11-20 07:00", "register")
    assert alerts(context) == []
    for now in ("2026-11-20 07:30", "2026-11-23 07:30"):
        take(context, now, "register")
    assert alerts(context) == ["silent_source"]
    sent = send_owed(context, wita("2026-11-23 08:00"), "r")
    assert sent.by_role == {"administrator": 1}
    (mail,) = (context.site.var / "mailbox").iterdir()
    text = message_from_bytes(mail.read_bytes(), policy=policy.default).get_body(("plain",))
    assert "Terakhir: Senin, 16 November 2026 pukul 07.15 WITA" in text.get_content()


def alerts(context: SiteContext) -> list[str]:
    with context.transaction() as session:
        rows = session.scalars(select(MessageRow).where(MessageRow.kind == "alert"))
        return [row.detail["alert"] for row in rows]


def test_a_file_made_after_now_waits(context):
    lapor(context, "2026-11-23 07:00", {})
    lapor(context, "2026-11-24 07:00", {STATUS: "Ditutup oleh Admin"})
    count = take(context, "2026-11-23 08:00")
    later = Waiting(
        "Laporan_Ringkas_2026-11-24_0700.xlsx", WaitingReason.MADE_LATER, "2026-11-24T07:00+08:00"
    )
    assert (count.files, count.waiting) == (1, [later])
    assert known(context).state == "Terverifikasi"
    assert take(context, "2026-11-24 08:00").files == 1


@pytest.mark.thorough
@ON_BOTH
def test_an_older_snapshot_read_late_teaches_what_it_would_have_in_its_time(context):
    lapor(context, "2026-11-20 07:00", {STATUS: "Belum Terverifikasi", UNIT: ""})
    lapor(context, "2026-11-23 07:00", {STATUS: "Ditutup oleh Admin"})
    take(context, "2026-11-23 08:00")
    assert history(context)[1:] == [
        "verified 20 07:00 - 23 07:00 observed",
        "assigned 20 07:00 - 23 07:00 observed dinsos",
        "closed 20 07:00 - 23 07:00 observed",
    ]
    lapor(context, "2026-11-21 07:00", {STATUS: "Belum Terverifikasi", UNIT: ""})
    lapor(context, "2026-11-22 07:00", {}, {TICKET: "5010654", STATUS: "Belum Terverifikasi"})
    count = take(context, "2026-11-23 09:00")
    assert (count.new, count.updated) == (1, 2)
    assert counted(context) == [
        "received 19 09:00 stated",
        "verified 21 07:00 - 22 07:00 observed",
        "assigned 21 07:00 - 22 07:00 observed dinsos",
        "closed 22 07:00 - 23 07:00 observed",
    ]
    assert counted(context, as_of="2026-11-23 08:30")[1].startswith("verified 20 07:00 - 23 07:00")
    assert known(context).seen_at == wita("2026-11-23 07:00")
    before = counted(context)
    lapor(context, "2026-11-24 07:00", {})
    take(context, "2026-11-24 08:00")
    assert counted(context)[len(before) :] == ["reopened 23 07:00 - 24 07:00 observed"]


def test_a_late_look_splits_what_seemed_unbroken_and_is_forgotten_by_nobody(context):
    """Closed and reopened between two looks, which the look in their middle shows."""
    for day in (20, 21, 23):
        lapor(context, f"2026-11-{day} 07:00", {}, {TICKET: str(day)})
    take(context, "2026-11-23 08:00")
    lapor(context, "2026-11-22 07:00", {STATUS: "Ditutup oleh Admin"})
    take(context, "2026-11-23 09:00")
    assert counted(context)[3:] == [
        "closed 21 07:00 - 22 07:00 observed",
        "reopened 22 07:00 - 23 07:00 observed",
    ]


@pytest.mark.thorough
def test_a_late_look_that_lacks_a_complaint_takes_back_that_it_was_seen_at_once(context):
    late = {TICKET: "2", DAY: "20 Nov 2026"}
    lapor(context, "2026-11-19 12:00", {})
    lapor(context, "2026-11-23 07:00", {}, late)
    take(context, "2026-11-23 08:00")
    assert counted(context, "2")[1] == "verified 20 09:00 - 23 07:00 observed"
    lapor(context, "2026-11-22 07:00", {})
    take(context, "2026-11-23 09:00")
    assert counted(context, "2")[1] == "verified 20 09:00 - 23 07:00 unknown"


def test_an_older_register_read_late_takes_nothing_back(context):
    entry = {"Kerahasiaan": "Rahasia", "Klasifikasi": "Aspirasi", "Selesai": "23/11/2026 10:00"}
    register(context, "2026-11-24 07:15", entry)
    take(context, "2026-11-24 08:00", "register")
    register(context, "2026-11-20 07:15", {"Selesai": "19/11/2026 10:00"})
    assert take(context, "2026-11-24 09:00", "register").unchanged == 1
    complaint = known(context, "FD-1")
    assert (complaint.secret, complaint.title) == (True, None)
    assert complaint.classification == "aspiration"
    assert history(context, "FD-1") == ["received 16 08:30 stated", "settled 23 10:00 stated"]


# --- where a file tells only its day --------------------------------------------------------------


def test_an_export_that_tells_only_its_day_may_be_of_any_hour_of_it(site_folder, open_context):
    """Settled on the afternoon of the 23rd, after that day's export: it may have been the 23rd."""
    file = site_folder / "sources.toml"
    named = 'file_name = "Laporan_Ringkas_%Y-%m-%d_%H%M.xlsx"'
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(named, 'file_name = "%Y-%m-%d.xlsx"'), encoding="utf-8")
    context = open_context()
    lapor(context, "2026-11-23 07:00", {}, name="2026-11-23.xlsx")
    assert take(context, "2026-11-22 23:59").waiting == [
        Waiting("2026-11-23.xlsx", WaitingReason.MADE_LATER, "2026-11-23T00:00+08:00")
    ]
    assert take(context, "2026-11-23 08:00").new == 1
    lapor(context, "2026-11-24 07:00", {STATUS: "Ditutup oleh Admin"}, name="2026-11-24.xlsx")
    take(context, "2026-11-24 08:00")
    assert history(context)[-1] == "closed 23 00:00 - 24 08:00 observed"


# --- quarantine -----------------------------------------------------------------------------------


def test_every_row_that_cannot_be_read_waits_with_its_line_and_reason(context):
    lapor(
        context,
        "2026-11-24 07:00",
        {},
        {TICKET: ""},
        {TITLE: "Judul lain"},
        {TICKET: "2", DAY: "", HOUR: ""},
        {TICKET: "3", DAY: "31 Feb 2026"},
        {TICKET: "4", UNIT: "Dinas Sosail", STATUS: "Entah", KIND: "Keluhan"},
        {TICKET: "7", DAY: "19 Nov 9999"},
        {TICKET: "8", "Kategori": "x" * 20_001},
        {TICKET: "9" * 256},
        {TICKET: "10"},
    )
    register(
        context,
        "2026-11-24 07:15",
        {"No Register": "FD-2", "Selesai": "15/11/2026 10:00"},
        {"No Register": "FD-3", "Selesai": "24/11/2026 07:16"},
        {"No Register": "FD-4", "Perihal": "a;b"},
        more="FD-5;16/11/2026 08:30\n",
    )
    assert take(context, "2026-11-24 08:00").new == 4
    assert quarantine(context) == [
        (5, "missing_ticket", TICKET, ""),
        (6, "duplicate_ticket", TICKET, "5010653"),
        (7, "missing_date", DAY, ""),
        (8, "bad_date", DAY, "31 Feb 2026 01:00:00"),
        (10, "in_the_future", DAY, "19 Nov 9999 01:00:00"),
        (12, "too_long", TICKET, "9" * 40),
    ]
    take(context, "2026-11-24 08:00", "register")
    assert quarantine(context, "register") == [
        (4, "long_row", "", "35 > 34"),
        (5, "short_row", "", "2 < 34"),
    ]
    both = quarantine(context) + quarantine(context, "register")
    of_json_lines = {  # see test_exchange.py
        RejectionReason.NO_OBJECT,
    }
    of_registers = {  # see test_clerks_dates.py
        RejectionReason.TEXT_LINE,
        RejectionReason.SECRECY_LINE,
        RejectionReason.UNFORMATTED_DATE,
        RejectionReason.TICKET_AS_NUMBER,
        RejectionReason.ERROR_CELL,
    }
    of_sheets = {  # see test_torn_files.py
        RejectionReason.OTHER_TABLE,
    }
    of_text_files = {RejectionReason(fault) for fault in LineFault} - {RejectionReason.SHORT_ROW}
    others = of_json_lines | of_registers | of_sheets | of_text_files  # see test_torn_files.py
    assert {reason for _, reason, _, _ in both} == set(RejectionReason) - others


def test_a_bad_row_that_every_export_repeats_is_kept_once(context):
    for day in (22, 23, 24):
        lapor(context, f"2026-11-{day} 07:00", {DAY: "31 Feb 2026"}, {TICKET: str(day)})
    count = take(context, "2026-11-24 08:00")
    assert (count.files, count.quarantined, count.reasons) == (3, 1, {"bad_date": 1})
    assert len(quarantine(context)) == 1


def test_a_row_comes_in_when_its_date_is_corrected(context):
    lapor(context, "2026-11-23 07:00", {DAY: "31 Feb 2026"}, {TICKET: "2"})
    lapor(context, "2026-11-24 07:00", {}, {TICKET: "2"})
    assert take(context, "2026-11-24 08:00").new == 2
    assert history(context)[1] == "verified 19 09:00 - 24 07:00 unknown"


def test_an_unreadable_file_does_not_stop_the_others(context):
    lapor(context, "2026-11-22 07:00", {})
    lapor(context, "2026-11-23 07:00").write_bytes(b"<html>Sesi berakhir</html>")
    lapor(context, "2026-11-24 07:00", {TICKET: "2"})
    with pytest.raises(SourceError, match=r"Laporan_Ringkas_2026-11-23_0700.xlsx: no readable"):
        take(context, "2026-11-24 08:00")
    with context.transaction() as session:
        assert set(session.scalars(select(Complaint.ticket))) == {"5010653", "2"}
        assert len(session.scalars(select(SourceImport)).all()) == 2


def test_a_missing_folder_is_named(context):
    (context.site.folder / "inbox" / "lapor").rmdir()
    with pytest.raises(SourceError, match="no such folder; correct `folder` of lapor"):
        take(context, "2026-11-24 08:00")


def elsewhere(context: SiteContext, folder: Path) -> None:
    """Let the source read another folder, with one export in it."""
    lapor(context, "2026-11-24 07:00", {})
    (context.site.folder / "inbox" / "lapor").rename(folder)
    source = context.site.sources["lapor"].model_copy(update={"folder": str(folder)})
    context.site.sources["lapor"] = source


def test_a_folder_outside_the_site_must_be_allowed(context, tmp_path):
    """Else a line in sources.toml would have the service read and move any file of the machine."""
    folder = tmp_path / "exports"
    elsewhere(context, folder)
    with pytest.raises(
        SourceError, match=f"{folder} is outside the site's folder; add it to `allo"
    ):
        take(context, "2026-11-24 08:00")
    allowed = {"allow_folders": (str(tmp_path),)}
    context.site.file = context.site.file.model_copy(update=allowed)
    assert take(context, "2026-11-24 08:00").files == 1


def test_a_link_out_of_the_site_must_be_allowed_too(context, tmp_path):
    folder = tmp_path / "exports"
    elsewhere(context, folder)
    inbox = context.site.folder / "inbox" / "lapor"
    inbox.symlink_to(folder)
    source = context.site.sources["lapor"].model_copy(update={"folder": "inbox/lapor"})
    context.site.sources["lapor"] = source
    with pytest.raises(SourceError, match="is outside the site's folder"):
        take(context, "2026-11-24 08:00")


def test_an_archive_outside_the_site_must_be_allowed_too(context, tmp_path):
    lapor(context, "2026-11-24 07:00", {})
    archive = {"archive": str(tmp_path / "archive")}
    context.site.sources["lapor"] = context.site.sources["lapor"].model_copy(update=archive)
    with pytest.raises(SourceError, match=f"{tmp_path}/archive is outside the site's folder"):
        take(context, "2026-11-24 08:00")


def test_a_folder_that_the_environment_names_is_allowed(context, tmp_path, monkeypatch):
    folder = tmp_path / "exports"
    elsewhere(context, folder)
    variable = {"folder": "inbox/lapor", "folder_variable": "CONTOH_LAPOR", "archive": None}
    context.site.sources["lapor"] = context.site.sources["lapor"].model_copy(update=variable)
    monkeypatch.setenv("CONTOH_LAPOR", str(folder))
    assert take(context, "2026-11-24 08:00").files == 1


def test_files_that_programs_keep_for_themselves_are_passed_over(context):
    lapor(context, "2026-11-24 07:00", {}, name=".part.xlsx")
    lapor(context, "2026-11-24 07:00", {TICKET: "2"}, name="~$Laporan.xlsx")
    assert take(context, "2026-11-24 08:00").files == 0


def test_a_date_long_before_the_calendar_stops_neither_intake_nor_judgment(context):
    old = {TICKET: "1", DAY: "1 Jan 1995", STATUS: "Ditutup oleh Sistem"}
    lapor(context, "2026-11-24 07:00", old, {})
    assert take(context, "2026-11-24 08:00").new == 2
    count = evaluate_and_notify(context, wita("2026-11-24 08:05"), "run")
    assert (count.evaluated, count.not_evaluated) == (1, ["1"])


# --- the register ---------------------------------------------------------------------------------


def test_the_register_tells_the_local_time_of_every_step(context):
    register(
        context,
        "2026-11-24 07:15",
        {
            "Tanggal Layanan": "12/11/2026 10:00",
            "Diverifikasi": "16/11/2026 09:00",
            "Unit": "Dinas Sosial Kab. Contoh",
            "Diteruskan": "16/11/2026 09:05",
            "Dikembalikan": "17/11/2026 08:00",
            "Unit Pengganti": "Disdukcapil",
            "Diteruskan Kembali": "17/11/2026 08:30",
            "Selesai": "20/11/2026 15:00",
        },
    )
    take(context, "2026-11-24 08:00", "register")
    assert history(context, "FD-1") == [
        "received 16 08:30 stated",
        "service_received 12 10:00 stated",
        "verified 16 09:00 stated",
        "assigned 16 09:05 stated dinsos",
        "returned 17 08:00 stated dinsos",
        "assigned 17 08:30 stated dukcapil",
        "settled 20 15:00 stated",
    ]
    complaint = known(context, "FD-1")
    assert (complaint.unit, complaint.title) == ("dukcapil", "Syarat pindah alamat")


def test_a_later_register_adds_only_what_is_new(context):
    register(
        context, "2026-11-20 07:15", {"Diverifikasi": "16/11/2026 09:00"}, {"No Register": "2"}
    )
    entry = {"Diverifikasi": "16/11/2026 09:00", "Selesai": "20/11/2026 15:00"}
    register(context, "2026-11-24 07:15", entry, {"No Register": "2"})
    count = take(context, "2026-11-24 08:00", "register")
    assert (count.new, count.updated, count.unchanged) == (2, 1, 1)
    assert history(context, "FD-1") == [
        "received 16 08:30 stated",
        "verified 16 09:00 stated",
        "settled 20 15:00 stated",
    ]


def test_a_changed_classification_calls_for_a_new_judgment(context):
    register(context, "2026-11-20 07:15", {})
    take(context, "2026-11-20 08:00", "register")
    evaluate_and_notify(context, wita("2026-11-20 08:05"), "run")
    assert known(context, "FD-1").next_action_at > wita("2026-11-20 08:05")
    register(context, "2026-11-24 07:15", {"Klasifikasi": "Aspirasi"})
    take(context, "2026-11-24 08:00", "register")
    complaint = known(context, "FD-1")
    assert complaint.classification == "aspiration"
    assert complaint.next_action_at == wita("2026-11-24 08:00")


# --- whom it concerns -----------------------------------------------------------------------------

PERSON = "Budi Rahasiawan"
NIK, PHONE, STREET = "9999010203040506", "0812-0000-1234", "Jl. Melati Tersembunyi 7"
MAIL = "budi@rahasiawan.example"
PLANTED = (PERSON, "Rahasiawan", NIK, PHONE, "081200001234", STREET, "Tersembunyi", MAIL)
EVERYTHING = f"{PERSON}, NIK {NIK}, {PHONE}, {STREET}, {MAIL}"


def test_the_title_of_an_anonymous_or_secret_report_is_not_kept(context):
    words = {
        "Anonim": (True, False),
        " anonim ": (True, False),
        "RAHASIA": (False, True),
        "Anonim|Rahasia": (True, True),
        "Dirahasiakan": (True, True),  # nobody explained this one
    }
    lapor(context, "2026-11-24 07:00", *({TICKET: f"T{word}", PRIVACY: word} for word in words))
    take(context, "2026-11-24 08:00")
    for word, hidden in words.items():
        complaint = known(context, f"T{word}".strip())
        assert (complaint.anonymous, complaint.secret) == hidden
        assert complaint.title is None
    assert "Jalan rusak" not in dump(context)


@pytest.mark.thorough
def test_the_title_of_a_report_that_becomes_secret_is_forgotten(context):
    lapor(context, "2026-11-23 07:00", {})
    lapor(context, "2026-11-24 07:00", {PRIVACY: "Rahasia"})
    take(context, "2026-11-23 08:00")
    assert known(context).title == "Jalan rusak di Salo"
    take(context, "2026-11-24 08:00")
    assert known(context).title is None
    assert "Jalan rusak" not in dump(context)


def test_numbers_and_addresses_in_an_open_title_are_masked(context):
    title = f"Jalan rusak, hubungi {PHONE} atau +62 812 0000 1234, NIK {NIK}, {MAIL}"
    lapor(context, "2026-11-24 07:00", {TITLE: title})
    take(context, "2026-11-24 08:00")
    masked = "Jalan rusak, hubungi [telepon] atau [telepon], NIK [NIK], [email]"
    assert known(context).title == masked


def test_a_title_of_one_endless_word_costs_nothing(context):
    lapor(context, "2026-11-24 07:00", *({TICKET: str(n), TITLE: "a" * 20_000} for n in range(20)))
    assert take(context, "2026-11-24 08:00").new == 20
    assert known(context, "7").title == "a" * 500


def leaks(texts: Iterable[str]) -> list[str]:
    return [word for text in texts for word in PLANTED if word.casefold() in text.casefold()]


@pytest.mark.thorough
@ON_BOTH
def test_what_a_complainant_gave_is_found_nowhere(context, caplog):
    caplog.set_level(logging.DEBUG)
    person = {NAME: EVERYTHING, STORY: EVERYTHING}
    lapor(
        context,
        "2026-11-24 07:00",
        person,
        person | {TICKET: "2", PRIVACY: "Anonim", TITLE: EVERYTHING},
        person | {TICKET: "3", PRIVACY: "Rahasia", TITLE: EVERYTHING, UNIT: "Dinas Lama"},
        person | {TICKET: "4", PRIVACY: "Dirahasiakan", TITLE: EVERYTHING, DAY: "31 Feb 2026"},
        person | {TICKET: "5", PRIVACY: "Rahasia", TITLE: EVERYTHING * 300},
    )
    desk = {"Nama Pelapor": PERSON, "Alamat": STREET}
    secret = {"Kerahasiaan": "Rahasia", "Perihal": EVERYTHING}
    register(
        context,
        "2026-11-24 07:15",
        desk,
        desk | secret | {"No Register": "FD-2"},
        desk | secret | {"No Register": "FD-3", "Selesai": "31/02/2026 10:00"},
        desk | {"No Register": "FD-4", "Perihal": f"Jalan; {STREET}"},
        desk | {"No Register": "FD-5", "Kanal": f"Surat\n{PERSON}"},
    )
    assert take(context, "2026-11-24 08:00").quarantined == 1
    assert take(context, "2026-11-24 08:00", "register").quarantined == 3
    evaluate_and_notify(context, wita("2026-11-24 08:05"), "run")
    assert "FD-2" in dump(context)
    assert leaks([dump(context), caplog.text]) == []


def test_what_a_complainant_gave_is_not_in_an_error(context):
    path = register(context, "2026-11-24 07:15", {"Nama Pelapor": PERSON, "Alamat": STREET})
    rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text(rows[1] + "\n", encoding="utf-8")  # the header is gone
    with pytest.raises(SourceError) as error:
        take(context, "2026-11-24 08:00", "register")
    path.write_text(rows[0].replace("Perihal", "Hal") + "\n" + rows[1], encoding="utf-8")
    with pytest.raises(SourceError, match="no column 'Perihal'") as other:
        take(context, "2026-11-24 08:00", "register")
    path.write_text(rows[0] + "\n" + rows[1].replace(PERSON, f'"{PERSON}') + "\n\n", "utf-8")
    with pytest.raises(SourceError, match=r"1 of 1 rows cannot be read \(torn_row\)") as third:
        take(context, "2026-11-24 08:00", "register")
    assert leaks([str(error.value), str(other.value), str(third.value)]) == []


# --- days without an export -----------------------------------------------------------------------


@pytest.mark.thorough
def test_days_without_an_export_are_noticed_until_they_are_filled(context):
    for day in (10, 11, 13, 14, 16, 20):
        lapor(context, f"2026-11-{day} 07:00", {TICKET: str(day), DAY: "1 Nov 2026"})
    missing = ["2026-11-12", "2026-11-15", "2026-11-17", "2026-11-18", "2026-11-19"]
    assert take(context, "2026-11-21 08:00").missing == missing
    lapor(context, "2026-11-12 07:00", {TICKET: "12", DAY: "1 Nov 2026"})
    assert take(context, "2026-11-21 09:00").missing == missing[1:]
    assert take(context, "2026-11-30 08:00").missing == [
        "2026-11-17",
        "2026-11-18",
        "2026-11-19",
        *(f"2026-11-{day}" for day in range(21, 30)),
    ]


def test_a_register_is_expected_on_working_days_only(context):
    for day in (12, 16, 18):
        register(
            context,
            f"2026-11-{day} 07:15",
            {"No Register": f"FD-{day}", "Tanggal Masuk": "12/11/2026 07:00"},
        )
    count = take(context, "2026-11-19 08:00", "register")
    assert count.missing == ["2026-11-13", "2026-11-17"]  # a Friday and a Tuesday


@pytest.mark.thorough
def test_missing_days_are_told_to_the_administrator_and_in_the_summary(context):
    for day in (10, 11, 13, 14):
        lapor(context, f"2026-11-{day} 07:00", {TICKET: str(day), DAY: "1 Nov 2026"})
    count = take(context, "2026-11-15 06:00")
    for locale, words in (
        ("en", "lapor: nothing of 1 day in the last two weeks: 12 Nov 2026."),
        ("id", "lapor: tidak ada data 1 hari dalam dua minggu terakhir: 12 Nov 2026."),
    ):
        shown = render(
            "report/intake.md.j2",
            locale=locale,
            zone=WITA,
            now=wita("2026-11-15 06:00"),
            sources=[asdict(count)],
            failures=[],
        )
        assert words in shown
    told = [finding.what for finding in check(context.site, wita("2026-11-15 06:00"))]
    assert "source lapor shows nothing of 2026-11-12" in told
    with context.transaction() as session:
        as_of = wita("2026-11-15 06:00")
        view = report_view(session, context, "2026-11", as_of)
        assert view.notes.missing == (("lapor", (date(2026, 11, 12),)),)
        short = report_view(session, context, "2026-11-13..2026-11-14", as_of)
        assert short.notes.missing == ()
        before = report_view(session, context, "2026-11", wita("2026-11-12 06:00"))
    assert before.notes.missing == ()  # a past view does not know what came later
    assert "Sumber lapor tidak menampilkan 1 hari: 12 Nov 2026." in report_html(view, WITA)


@pytest.mark.thorough
def test_the_example_lacks_a_day_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "var"))
    context = SiteContext.open(REPOSITORY / "examples" / "kabupaten-contoh")
    counts = [pull(context, source, wita("2026-11-24 08:00")) for source in context.site.sources]
    context.close()
    assert [count.missing for count in counts] == [["2026-11-12"], []]


# --- notes that bear the time of the last update --------------------------------------------------

NOTES = """
[city]
type = "folder"
folder = "inbox/city"
layout = "history"
zone = "Asia/Makassar"
dates = ["%Y-%m-%d %H:%M"]
mask = false

[city.observed]
file_name = "city_%Y-%m-%d_%H%M.csv"

[city.fields]
ticket = "id"
received = "asked"
title = "title"

[[city.events]]
column = "updated"
kind = "follow_up_published"
when = { notes = "*" }
first = true

[[city.events]]
column = "updated"
kind = "settled"
when = { status = "closed" }
"""


def city(context: SiteContext, day: int, updated: str, status: str, notes: str) -> list[str]:
    """What is known of request 7 after the export of a day of November 2026."""
    folder = context.site.folder / "inbox" / "city"
    folder.mkdir(exist_ok=True)
    (folder / f"city_2026-11-{day}_0700.csv").write_text(
        "id,asked,updated,status,notes,title\n"
        f"7,2026-11-16 09:00,2026-11-{updated},{status},{notes},Telepon 081234567890\n"
    )
    take(context, f"2026-11-{day} 08:00", "city")
    with context.transaction() as session:
        (row,) = session.scalars(select(Complaint).where(Complaint.ticket == "7"))
        events = complaints.events_of(session, [row.id])[row.id]
    known = events_as_of(events, wita(f"2026-11-{day} 08:00"))
    return [f"{event.kind} {event.latest.astimezone(WITA):%d}" for event in known[1:]]


def test_the_first_note_stays_the_follow_up_when_the_request_is_updated_again(
    site_folder, open_context
):
    (site_folder / "sources.toml").write_text(NOTES)
    context = open_context()
    assert city(context, 17, "16 10:00", "open", "") == []
    assert city(context, 18, "17 10:00", "open", "Petugas ke lokasi") == ["follow_up_published 17"]
    later = city(context, 20, "19 10:00", "closed", "Sudah diperbaiki")
    assert later == ["follow_up_published 17", "settled 19"]
    assert city(context, 21, "20 10:00", "open", "") == ["follow_up_published 17"]


def test_a_site_may_ask_for_titles_as_they_are(site_folder, open_context):
    (site_folder / "sources.toml").write_text(NOTES)
    context = open_context()
    city(context, 17, "16 10:00", "open", "")
    assert known(context, "7").title == "Telepon 081234567890"


# --- a name only where a mapping asks for it ------------------------------------------------------


def test_a_name_is_taken_only_where_a_mapping_asks_and_never_of_the_anonymous(
    site_folder, open_context, caplog
):
    mapping = site_folder / "sources.toml"
    text = mapping.read_text(encoding="utf-8")
    start = text.index("[register.fields]\n") + len("[register.fields]\n")
    asked = 'reporter = "Nama Pelapor"\ntext = "Alamat"\n'
    mapping.write_text(text[:start] + asked + text[start:], encoding="utf-8")
    context = open_context()
    person = {"Nama Pelapor": "Budi Rahasiawan", "Alamat": "Jl. Melati, HP 081234567890"}
    register(
        context,
        "2026-11-20 07:15",
        person,
        person | {"No Register": "FD-2", "Kerahasiaan": "Anonim"},
        person | {"No Register": "FD-3", "Tanggal Masuk": "31/02/2026 09:00"},
    )
    take(context, "2026-11-20 08:00", "register")
    assert (known(context, "FD-1").reporter, known(context, "FD-2").reporter) == (
        "Budi Rahasiawan",
        None,
    )
    assert known(context, "FD-1").text == "Jl. Melati, HP [telepon]"
    assert known(context, "FD-2").text is None
    with context.transaction() as session:
        (bad,) = session.scalars(select(QuarantineRow))
        mails = list(session.scalars(select(MessageRow.mime)))
    told = f"{bad.cells} {bad.value} {mails} {caplog.text}"
    assert "Rahasiawan" not in told
    assert "Melati" not in told


def test_a_reply_of_the_reporter_asks_nothing_and_shows_no_follow_up(context):
    """It proves a follow-up of this complaint, and the source still does not show follow-ups."""
    lapor(context, "2026-11-24 07:00", {STATUS: "Ditanggapi oleh Pelapor"})
    take(context, "2026-11-24 08:00")
    shown = ["received", "verified", "assigned", "follow_up_answered"]
    assert [line.split()[0] for line in history(context)] == shown
    assert "follow_up_published" not in context.site.sources["lapor"].sees
    with context.transaction() as session:
        assert list(questions.open_questions(session)) == []
