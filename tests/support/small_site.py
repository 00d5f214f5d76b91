"""A site with a handful of complaints, for tests that run the whole of Tenggat.

November 2026 has no holiday: 2, 9, 16 and 23 are Mondays. LAPOR! writes UTC, the site is 8 h ahead.
"""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import xlsxwriter
from conftest import REPOSITORY, WITA, wita, works_beside

NAME = "Zulaikha Tandibone"
"""A complainant; her name stands in the sources and must come out nowhere."""

TICKET, DAY, TITLE = "Tracking ID", "Tanggal Laporan Masuk", "Judul Laporan"
PRIVACY, UNIT, STATUS = "Tipe Laporan (Anonim/Rahasia)", "Instansi Terdisposisi", "Status Laporan"
REPORT = {
    TICKET: "5010653",
    DAY: "2 Nov 2026",
    "Waktu Laporan Masuk": "01:00:00",  # 09:00 in Makassar
    "Nama Pelapor": NAME,
    "Klasifikasi Laporan": "Pengaduan Tidak Berkadar Pengawasan",
    "Kategori": "Infrastruktur Jalan",
    TITLE: "Jalan rusak di Salo",
    "Isi Laporan Awal": f"Saya, {NAME}, melaporkan jalan rusak.",
    PRIVACY: "",
    "Sumber Laporan": "Website",
    UNIT: "Dinas Sosial",
    STATUS: "Terverifikasi",
}
LATE = {TICKET: "5010001", STATUS: "Belum Terverifikasi", UNIT: ""}
ANONYMOUS = LATE | {
    TICKET: "5010002",
    DAY: "18 Nov 2026",  # late since the end of the 23rd
    TITLE: f"Pungli, kata {NAME}",
    PRIVACY: "Anonim",
}
FORMULA = {TICKET: "=1+1"}
BAD = {TICKET: "5010009", DAY: "31 Feb 2026", TITLE: f"Dari {NAME}"}


def small_site(folder: Path) -> Path:
    """The example site with two exports, of the mornings of 23 and 24 November 2026."""
    shutil.copytree(
        REPOSITORY / "examples" / "kabupaten-contoh", folder, ignore=shutil.ignore_patterns("inbox")
    )
    works_beside(folder)
    ladders = folder / "escalation.toml"  # without [mail_hours]: a service runs by the real clock
    text = ladders.read_text(encoding="utf-8")
    start, end = text.index("[mail_hours]"), text.index("[[ladder]]")
    ladders.write_text(text[:start] + text[end:], encoding="utf-8")
    holidays_are_known(folder)
    for source in ("lapor", "register"):
        (folder / "inbox" / source).mkdir(parents=True)
    export(folder, "2026-11-23 07:00", {}, LATE, ANONYMOUS, FORMULA, BAD)
    export(folder, "2026-11-24 07:00", {STATUS: "Ditutup oleh Admin"}, LATE, ANONYMOUS, FORMULA)
    return folder


def export(site: Path, made: str, *reports: dict[str, str]) -> Path:
    """An export of LAPOR! of this local moment; a report tells what it has unlike `REPORT`."""
    path = site / "inbox" / "lapor" / f"Laporan_Ringkas_{wita(made):%Y-%m-%d_%H%M}.xlsx"
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False}) as book:
        sheet = book.add_worksheet("Laporan Ringkas")
        sheet.write_row(0, 0, ["Judul Laporan", "", "Laporan Ringkas"])
        sheet.write_row(2, 0, list(REPORT))
        for number, report in enumerate(reports, start=3):
            sheet.write_row(number, 0, list((REPORT | report).values()))
    return path


def holidays_are_known(site: Path) -> None:
    """Let no watch by the real clock ask for the next year's decree, whatever year it is."""
    file = site / "site.toml"
    text = file.read_text("utf-8")
    assert "\nlast_year = 2035\n" in text
    known = text.replace("\nlast_year = 2035\n", "\nlast_year = 2035\ndecreed_until = 2035-12-31\n")
    file.write_text(known, encoding="utf-8")


FAR_HOUR = (datetime.now(WITA) + timedelta(hours=6)).hour
"""An hour in Makassar that does not come while a test runs."""
FAR_SCHEDULES = {
    name: f"{minute} {FAR_HOUR} * * *"
    for minute, name in enumerate(
        ("intake", "deadlines", "delivery", "watchdog", "maintenance"), start=7
    )
}


def runs_when_asked(site: Path, more: str = "") -> Path:
    """Let no schedule of this site start a run while a test looks, whatever o'clock it is."""
    file = site / "site.toml"
    lines = [f'{name} = "{cron}"' for name, cron in FAR_SCHEDULES.items()]
    summary = f'summary = {{ last-month = "0 {FAR_HOUR} 1 * *" }}'
    table = "\n".join(["[schedules]", *lines, summary, more])
    text = file.read_text("utf-8")
    begin = text.index("\n[schedules]") + 1
    end = text.index("\n[summary]", begin)
    file.write_text(text[:begin] + table + text[end:], encoding="utf-8")
    return site
