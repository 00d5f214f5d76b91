"""What people read: mails and the summary, in Indonesian and English, in text and in HTML."""

import ast
import html
import importlib
import io
import json
import re
import shutil
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from conftest import REPOSITORY, WITA, example_site, wita
from icalendar import Calendar
from python_calamine import CalamineWorkbook
from sqlalchemy import select, update
from support.browser import without_preload
from support.outgoing_mail.desk_views import NOW, duty, full_desk, item, view
from support.pipeline import BREACHED, REMINDED, at, owe, since
from support.programs import needed

from db.models import Complaint, MessageRow
from sla.directory import Role
from sla.engine.context import Policy
from sla.engine.deadline import Reason, State
from sla.ladders import NoticeKind
from tasks.common.context import SiteContext
from tasks.common.notified import Notified
from tasks.ingest import row_parser
from tasks.notifications.calendar_attachment import agenda, cancellation
from tasks.notifications.composing.compose import ALERT_COMPOSERS, compose
from tasks.notifications.render import (
    DutyTexts,
    RenderedMail,
    alert_mail,
    desk_mail,
    summary_mail,
    watch_mail,
)
from tasks.notifications.views import (
    AlertMail,
    Correction,
    Desk,
    DeskSection,
    DeskUnitLine,
    Duty,
    EndedDuty,
    ListedHandOver,
    NoticeItem,
    Statement,
    UnlistedDuties,
    WatchMail,
)
from tasks.notifications.workbook_attachment import notices_workbook
from tasks.summary import SummaryMade, SummaryRequest, make_summary
from tasks.text.catalog import TEMPLATES, catalog
from tasks.text.incidents import IncidentView

LOCALES = ("id", "en")
LONG = "Kementerianpendayagunaanaparaturnegaradanreformasibirokrasi" * 2
BOTH = pytest.mark.parametrize("locale", LOCALES)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What a mail says hangs on no database: one kind is enough."""
    return sqlite_url


FULL = view(
    item(
        duty(
            -12,
            notified=(
                Notified("liaison", 2, NOW - timedelta(days=3), ("Kasmirawati Bunga",)),
                Notified("inspector", 1, NOW, ("Drs. H. Baharintan Dolo",)),
            ),
        ),
        duty(-1, "2026-11-23 23:59", citation="UU 25/2009 Pasal 44 ayat (3)", by_policy=True),
        category="Kependudukan & Pencatatan Sipil",
        link="https://www.lapor.go.id/laporan/5010653?a=1&b=2",
    ),
    item(duty(-1, to_be_confirmed=True), ticket="5010654", privacy="anonymous", title=""),
    item(duty(0, "2026-11-24 23:59"), ticket="FD-7", privacy="secret", title=""),
    item(duty(1, "2026-11-25 17:00", exact=True), ticket="FD-8", unit="Dinas Kesehatan"),
    item(duty(4, "2026-11-30 23:59"), ticket="FD-9", classification=""),
    waiting=3,
    postponed=2,
    settled=2,
    last_mail=NOW - timedelta(days=4),
)


def mail_of(some: Desk, locale: str = "id") -> RenderedMail:
    return desk_mail(some, locale, WITA)[0]


@pytest.fixture(scope="module")
def summary(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> SummaryMade:
    """A summary of a month with a little of everything."""
    folder = tmp_path_factory.mktemp("summary")
    shutil.copyfile(sqlite_template, folder / "tenggat.db")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TENGGAT_VAR", str(folder / "var"))
        environment.setenv("TENGGAT_DATABASE_URL", f"sqlite:///{folder}/tenggat.db")
        context = SiteContext.open(example_site(folder / "site"))
    units = ("Dinas Sosial", "DLH", "Dinas Perhubungan", "RSUD Contoh Sehat")
    entries = [at(units[n % 4], f"FD-{n}", **since(f"{n % 9 + 2:02}/11/2026")) for n in range(40)]
    settled = {"Selesai": "20/11/2026 10:00"}
    try:
        owe(context, BREACHED, *(e | settled if n % 3 else e for n, e in enumerate(entries)))
        return make_summary(context, SummaryRequest("2026-11", NOW, formats=("html",)), NOW, "run")
    finally:
        context.close()


SINCE = {"since": wita("2026-11-24 04:00").isoformat()}
FAILED = {"flow": "delivery", "n": "3", "error": f"ServerUnavailable: {LONG}", **SINCE}
WATCH = WatchMail(
    "Kabupaten Contoh",
    "Rahmadsyah",
    NOW,
    opened=(
        IncidentView(
            "failed", {**FAILED, "link": "https://contohkab.example/runs/flow-run/5a9f0b0e"}
        ),
        IncidentView("disk", {"free": "420", "floor": "1000", "place": f"/{LONG}"}),
    ),
    ongoing=(IncidentView("silent", {"flow": "deadlines", "n": "180", **SINCE}),),
    resolved=(IncidentView("database", SINCE),),
)


def rendered(summary: SummaryMade, locale: str) -> dict[str, RenderedMail]:
    """One mail of each kind."""
    alert = AlertMail(
        "Kabupaten Contoh",
        "Rahmadsyah",
        NOW,
        "vacancy",
        (("unit", "Dinas Perhubungan"), ("role", "head_of_unit"), ("answer", LONG)),
    )
    return {
        "notices": mail_of(FULL, locale),
        "alert": alert_mail(alert, locale, WITA),
        "watch": watch_mail(WATCH, locale, WITA),
        "summary": summary_mail(summary.overview, "Inspektur", "inspector", locale, WITA),
    }


class Page(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.pieces: list[str] = []
        self.skipping = False
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        hidden = "display: none" in (dict(attrs).get("style") or "")
        self.skipping = hidden or tag in ("style", "title")

    def handle_endtag(self, tag: str) -> None:
        self.skipping = False

    def handle_data(self, data: str) -> None:
        if not self.skipping:
            self.pieces.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return flat(" ".join(self.pieces))


def flat(text: str) -> str:
    return " ".join(text.split())


# --- subjects -------------------------------------------------------------------------------------

LATE_FIRST = (DeskSection.LATE, DeskSection.TODAY, DeskSection.SOON, DeskSection.LATER)
LATE_2 = item(duty(-3), duty(-1, "2026-11-23 23:59"))
TODAY = item(duty(0, "2026-11-24 23:59"), ticket="6")
COMING = item(duty(1, "2026-11-25 23:59"), ticket="7", unit="DLH")
FAR = item(duty(4, "2026-11-30 23:59"), ticket="8")
TAKEN_BACK = (Correction("9", "DLH", "Tindak lanjut pertama", "", "met"),)
UNDECIDED = (Correction("10", "DLH", "Tindak lanjut pertama", "", "unknown"),)


@pytest.mark.parametrize(
    ("what", "indonesian", "english"),
    [
        (view(LATE_2), "Pengaduan 5010653 – Dinas Sosial", "Complaint 5010653 – Dinas Sosial"),
        (view(TODAY), "Pengaduan 6 – Dinas Sosial", "Complaint 6 – Dinas Sosial"),
        (  # two complaints with three duties are two complaints
            view(LATE_2, TODAY, place="Dinas PUPR"),
            "1 terlambat, 1 hari ini – Dinas PUPR",
            "1 late, 1 today – Dinas PUPR",
        ),
        (
            view(COMING, FAR, place="DLH"),
            "1 segera berakhir, 1 mendatang – DLH",
            "1 due soon, 1 due later – DLH",
        ),
        (
            view(LATE_2, TODAY, counts={DeskSection.LATE: 1200, DeskSection.TODAY: 1}),
            "1.200 terlambat, 1 hari ini – Dinas Sosial",
            "1,200 late, 1 today – Dinas Sosial",
        ),
        (
            view(LATE_2, TODAY, corrections=TAKEN_BACK),
            "1 ralat, 1 terlambat, 1 hari ini – Dinas Sosial",
            "1 correction, 1 late, 1 today – Dinas Sosial",
        ),
        (
            view(corrections=TAKEN_BACK, place="DLH"),
            "Ralat: 1 kewajiban tidak terlambat – DLH",
            "Correction: 1 duty was not late – DLH",
        ),
        (
            view(corrections=UNDECIDED * 2, place="DLH"),
            "Ralat: 2 kewajiban belum dapat dinilai – DLH",
            "Correction: 2 duties cannot be evaluated yet – DLH",
        ),
        (
            view(corrections=TAKEN_BACK + UNDECIDED, place="DLH"),
            "Ralat: 2 pemberitahuan keterlambatan dicabut – DLH",
            "Correction: 2 notices of lateness are withdrawn – DLH",
        ),
        (  # a superior: the cases to act on, and all that is late
            view(
                LATE_2,
                superior=True,
                rest=(item(duty(own=False), ticket="5"),) * 25,
                counts={DeskSection.LATE: 26},
                place="9 perangkat daerah",
            ),
            "1 perlu tindakan, 26 terlambat – 9 perangkat daerah",
            "1 needs action, 26 late – 9 perangkat daerah",
        ),
        (  # as many to act on as are late, but not the same ones
            view(
                LATE_2,
                TODAY,
                superior=True,
                rest=(item(duty(own=False), ticket="5"),),
                counts={DeskSection.LATE: 2, DeskSection.TODAY: 1},
                place="2 perangkat daerah",
            ),
            "2 perlu tindakan, 2 terlambat – 2 perangkat daerah",
            "2 need action, 2 late – 2 perangkat daerah",
        ),
        (  # every late one, and no other
            view(LATE_2, superior=True, place="DLH"),
            "1 terlambat – DLH",
            "1 late – DLH",
        ),
    ],
)
def test_a_subject_has_the_numbers_first_then_the_unit(what, indonesian, english):
    assert mail_of(what, "id").subject == indonesian
    assert mail_of(what, "en").subject == english
    assert len(indonesian) <= 60


@pytest.mark.parametrize(
    ("counts", "place", "subject"),
    [  # a phone shows 40 characters: what is least urgent gives way to the unit
        ((8, 2, 2, 0), "Dinas PUPR", "8 terlambat, 2 hari ini – Dinas PUPR"),
        ((1, 1, 3, 1), "Dinas Sosial", "1 terlambat, 1 hari ini – Dinas Sosial"),
        ((4, 0, 8, 0), "Diskominfo", "4 terlambat, 8 segera berakhir – Diskominfo"),
        ((0, 0, 8, 4), "DLH", "8 segera berakhir, 4 mendatang – DLH"),
        ((1, 2, 3, 0), "DLH", "1 terlambat, 2 hari ini – DLH"),
        (
            (1000, 100, 9, 9),
            "Dinas Penanaman Modal dan Pelayanan Terpadu",
            "1.000 terlambat, 100 hari ini – Dinas Penanaman Modal dan…",
        ),
    ],
)
def test_the_first_forty_characters_of_a_subject_tell_what_is_urgent(counts, place, subject):
    many = view(LATE_2, TODAY, counts=dict(zip(LATE_FIRST, counts, strict=True)), place=place)
    assert mail_of(many).subject == subject
    assert len(subject) <= 60


def test_a_subject_that_is_cut_ends_with_no_comma():
    desk = view(LATE_2, superior=True, place="11 perangkat daerah, Bupati")
    desk = replace(desk, counts={DeskSection.LATE: 100}, items=(LATE_2, TODAY))
    rest = tuple(item(duty(-3), ticket=str(n)) for n in range(100))
    mail = mail_of(replace(desk, rest=rest, counts={DeskSection.LATE: 101, DeskSection.TODAY: 1}))
    assert mail.subject == "102 perlu tindakan, 101 terlambat – 11 perangkat daerah…"


def test_a_superior_reads_the_units_first():
    lines = [DeskUnitLine(f"Unit {n}", 9 - n % 9, duty(-5 - n), n % 2) for n in range(20)]
    mail = mail_of(
        view(LATE_2, superior=True, units=tuple(lines), counts={DeskSection.LATE: 77}), "en"
    )
    for text in (flat(mail.text), Page(mail.html).text):
        assert "1 complaint needs your action." in text
        assert "This mail has 77 late complaints (duties: 2; units: 20)." in text
        assert catalog("en")("mail.by_unit_more", n=14) in text
        assert text.index("Unit 5") < text.index("5010653")
        assert "Unit 6" not in text
    assert "Unit 0: 9 late, oldest due 19 Nov - Unit 1: 8 late" in flat(mail.text)
    assert "Unit 1: 8 late, oldest due 19 Nov, 1 new" in flat(mail.text)
    assert "14 other units: 68 late, 7 new" in flat(mail.text)


@pytest.mark.parametrize(("new", "heads"), [(0, 3), (2, 4)])
def test_without_a_new_complaint_no_column_counts_new_ones(new, heads):
    """In the first mail of a superior nothing is new, and no number says so."""
    lines = tuple(DeskUnitLine(f"Unit {n}", 9, duty(-5), new) for n in range(8))
    mail = mail_of(view(LATE_2, superior=True, units=lines), "id")
    assert len(re.findall(r"<th\b[^>]* scope=\"col\"", mail.html)) == heads
    assert ("baru" in mail.text) == (new > 0)


@pytest.mark.parametrize(
    ("locale", "heading"), [("id", "Terlambat (1 dari 33)"), ("en", "Late (1 of 33)")]
)
def test_a_heading_counts_what_follows_and_what_there_is(locale, heading):
    """A long desk continues in the workbook; the heading must not contradict the first line."""
    long = mail_of(view(LATE_2, counts={DeskSection.LATE: 33}), locale)
    short = mail_of(view(LATE_2), locale)
    for mail, said in ((long, heading), (short, heading.partition(" ")[0] + " (1)")):
        assert said.casefold() in flat(mail.text).casefold()
        assert said in Page(mail.html).text


def test_the_legal_basis_names_only_duties_that_the_reader_reads():
    """A superior reads no duty with a later time, a unit reads all."""
    both = item(duty(-2, rule="Lewat"), duty(9, rule="Kelak", section=DeskSection.LATER))
    for superior in (True, False):
        mail = mail_of(view(both, superior=superior))
        for text in (flat(mail.text), Page(mail.html).text):
            basis = text[text.index("Dasar hukum") :]
            assert "Lewat" in basis
            assert ("Kelak" in basis) == (not superior)


def test_a_superior_reads_the_own_duty_in_a_paragraph_at_the_top():
    """UU 37/2008 art. 38(2) binds the superior, and nobody can be instructed to do it."""
    own = duty(
        -3,
        rule="Laporan pelaksanaan rekomendasi Ombudsman",
        citation="UU 37/2008 Pasal 38 ayat (2)",
        calendar_days=True,
        of_superior=True,
    )
    alone = mail_of(view(item(own), superior=True))
    both = mail_of(view(item(own), item(duty(-9), ticket="5010654"), superior=True))
    said = (
        "Kewajiban Bapak/Ibu selaku atasan terlapor: Laporan pelaksanaan rekomendasi Ombudsman"
        " (UU 37/2008 Pasal 38 ayat (2)) {} 5010653: terlambat 5 hari"
    )
    for mail, do, instructs in (
        (alone, "Mohon berkenan menyampaikan laporan tersebut kepada Ombudsman", False),
        (both, "Mohon berkenan menginstruksikan perangkat daerah", True),
    ):
        for text in (flat(mail.text), Page(mail.html).text):
            line = said.format("-" if text == flat(mail.text) else "–")
            assert line in text
            assert text.index(line) < text.index(do)
            assert ("menginstruksikan" in text) == instructs


MOVED = ListedHandOver(wita("2026-11-20 10:00"), wita("2026-11-20 10:00"), "DLH")


@pytest.mark.parametrize(
    ("found", "indonesian", "english"),
    [
        (MOVED, "diteruskan 20 Nov, sebelumnya DLH", "forwarded 20 Nov, previously DLH"),
        (
            replace(MOVED, returned=True),
            "dikembalikan 20 Nov, sebelumnya DLH",
            "returned 20 Nov, previously DLH",
        ),
        (  # known only as between two imports
            replace(MOVED, latest=wita("2026-11-23 10:00")),
            "diteruskan antara 20 Nov dan 23 Nov, sebelumnya DLH",
            "forwarded between 20 Nov and 23 Nov, previously DLH",
        ),
    ],
)
def test_a_late_hand_over_has_its_day_and_the_unit_before(found, indonesian, english):
    desk = view(item(duty(handed_over=found)))
    for locale, said in (("id", indonesian), ("en", english)):
        mail = mail_of(desk, locale)
        assert said in flat(mail.text)
        assert said in Page(mail.html).text
        content = notices_workbook(desk, locale, WITA)
        rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
        assert said in rows[1]


@pytest.mark.parametrize(
    ("undecided", "locale", "said", "unsaid"),
    [
        (
            False,
            "id",
            "baik ketika batas waktunya berakhir maupun sesudahnya",
            "belum dapat memastikan",
        ),
        (True, "id", "belum dapat memastikan apakah perangkat daerah", "maupun sesudahnya"),
        (False, "en", "neither when it fell due nor afterwards", "leaves open"),
        (True, "en", "leaves open whether the unit named for 1 duty", "neither when"),
    ],
)
def test_a_correction_of_the_unit_says_whether_it_is_certain(undecided, locale, said, unsaid):
    correction = Correction(
        *("9", "DLH", "Tindak lanjut", "", "breached"),
        other_unit="Dinas Sosial",
        unit_undecided=undecided,
    )
    mail = mail_of(view(corrections=(correction,), place="DLH"), locale)
    for text in (flat(mail.text), Page(mail.html).text):
        assert said in text
        assert unsaid not in text
        assert "Dinas Sosial" in text


def test_a_long_subject_with_corrections_gives_up_a_number_and_cuts_no_word():
    items = [item(duty(-3, own=n < 11)) for n in range(12)]
    correction = Correction("FD-99", "Dinas Sosial", "Penyelesaian", "", "met")
    desk = view(*items, superior=True, place="6 perangkat daerah", corrections=(correction,))
    mail = mail_of(desk, "id")
    assert mail.subject == "1 ralat, 11 perlu tindakan – 6 perangkat daerah"


@pytest.mark.parametrize(
    ("days", "due", "said"),
    [
        (0, "2026-11-24 23:59", "Sel 24 Nov, hari ini (PermenPANRB"),
        (0, "2026-11-26 23:59", "Kam 26 Nov, hari ini hari kerja terakhir (PermenPANRB"),
    ],
)
def test_a_duty_whose_last_day_is_today_says_so_beside_a_late_one(days, due, said):
    both = item(duty(-3), duty(days, due))
    mail = mail_of(view(both, item(duty(-1), ticket="2")), "id")
    assert mail.subject == "2 terlambat, 1 hari ini – Dinas Sosial"
    lead = "Pada 1 pengaduan terlambat, hari ini hari kerja terakhir untuk kewajiban lain."
    assert lead in flat(mail.text)
    assert lead in flat(mail.html)
    assert said in flat(mail.text)
    alone = mail_of(view(item(duty(-3), duty(4, "2026-11-30 23:59"))), "id")
    assert "hari ini" not in alone.text


@pytest.mark.parametrize(
    ("complaints", "duties", "of_listed", "said"),
    [
        (1, 2, 0, "1 pengaduan terlambat lainnya (2 kewajiban) belum"),
        (1, 3, 1, "1 pengaduan terlambat lainnya (2 kewajiban) belum"),
        (1, 3, 1, "1 kewajiban terlambat lainnya pada pengaduan tersebut di atas belum"),
        (0, 2, 2, "2 kewajiban terlambat lainnya pada pengaduan tersebut di atas belum"),
    ],
)
def test_a_duty_of_a_complaint_above_is_not_one_of_the_other_complaints(
    complaints, duties, of_listed, said
):
    others = UnlistedDuties(complaints, duties, of_listed=of_listed)
    mail = mail_of(view(superior=True, unlisted=others), "id")
    assert said in flat(mail.text)
    assert said in flat(mail.html)
    assert ("pengaduan tersebut" in flat(mail.text)) == bool(of_listed)


@pytest.mark.parametrize(
    ("locale", "subject", "lead", "section"),
    [
        (
            "id",
            "2 hari ini – Dinas Sosial",
            "Hari ini hari kerja terakhir untuk 2 pengaduan.",
            "HARI INI HARI KERJA TERAKHIR (2)",
        ),
        (
            "en",
            "2 today – Dinas Sosial",
            "Today is the last working day for 2 complaints.",
            "TODAY IS THE LAST WORKING DAY (2)",
        ),
    ],
)
def test_what_ends_on_the_days_off_after_today_is_not_only_due_soon(locale, subject, lead, section):
    before_days_off = [item(duty(0, "2026-11-26 23:59"), ticket=each) for each in "12"]
    mail = mail_of(view(*before_days_off), locale)
    assert mail.subject == subject
    assert lead in flat(mail.text)
    assert lead in flat(mail.html)
    assert section in mail.text
    late_too = mail_of(view(*before_days_off, item(duty(-1), ticket="3")), "id")
    assert late_too.subject == "1 terlambat, 2 hari ini – Dinas Sosial"
    assert "3 pengaduan: 1 terlambat, 2 yang hari ini hari kerja terakhirnya." in flat(
        late_too.text
    )


def test_a_reopened_complaint_has_the_day_of_its_reopening():
    again = item(duty(2, "2026-11-26 23:59"), reopened=wita("2026-11-19 10:00"))
    for text in (mail_of(view(again), "id").text, mail_of(view(again), "id").html):
        assert "diterima 2 Nov · dibuka kembali 19 Nov" in text


def test_an_officer_of_another_unit_is_named_with_it():
    """Also to the reader who holds the same office at the present unit."""
    told = (
        Notified("liaison", 2, NOW, ("Nurhaida",)),
        Notified("liaison", 1, NOW, ("Irma",), unit="dlh", place="DLH"),
    )
    officer = mail_of(view(item(duty(-3), notified=told)), "id")
    assert "Diberitahukan: Irma (DLH)" in officer.text
    assert "Nurhaida" not in officer.text
    head = mail_of(view(item(duty(-3), notified=told), role="head_of_unit"), "id")
    assert "Diberitahukan: Nurhaida 2×; Irma (DLH)" in head.text


def test_beside_the_answer_of_its_unit_a_mail_names_the_superiors_who_were_notified():
    told = (Notified("liaison", 2, NOW, ("Nurhaida",)), Notified("regional_secretary", 1, NOW))
    stated = Statement("obstacle", NOW, "menunggu berkas")
    mail = mail_of(view(item(duty(-3), notified=told, statement=stated)), "id")
    assert "Diberitahukan: Sekretaris Daerah" in mail.text
    assert "Nurhaida" not in mail.text
    alone = mail_of(view(item(duty(-3), notified=told[:1], statement=stated)), "id")
    assert "Diberitahukan" not in alone.text


@pytest.mark.parametrize(
    ("kind", "said"),
    [("doubtful", "tidak lagi {}terbaca"), ("asked", "belum dapat dinilai lebih lanjut")],
)
@pytest.mark.parametrize(
    ("complaints", "of_listed", "late", "shown"),
    [
        (1, 0, "1 pengaduan terlambat (2 kewajiban) ", "tampak atau "),
        (0, 2, "2 kewajiban terlambat pada pengaduan di atas ", ""),
        (
            1,
            2,
            "1 pengaduan terlambat (2 kewajiban), dan 2 kewajiban terlambat pada pengaduan di"
            " atas, ",
            "tampak atau ",
        ),
    ],
)
def test_doubtful_duties_of_complaints_above_are_counted_apart(
    kind, said, complaints, of_listed, late, shown
):
    duties = 2 * complaints + of_listed
    found = UnlistedDuties(complaints, duties, (("FD-1", NOW),), NOW, of_listed)
    mail = mail_of(view(item(duty(-3)), **{kind: found}), "id")
    for text in (flat(mail.text), flat(Page(mail.html).text)):
        assert late + said.format(shown) in text


@pytest.mark.parametrize("superiors", [False, True])
def test_the_words_of_a_unit_are_long_enough_to_be_understood(superiors):
    roles = ("liaison", "regional_secretary") if superiors else ("liaison",)
    told = tuple(Notified(role, 1, NOW) for role in roles)
    words = "menunggu berkas kepemilikan tanah dari pemohon, sudah diminta dua kali"
    stated = Statement("obstacle", NOW, words)
    mail = mail_of(view(item(duty(-3), notified=told, statement=stated)), "id")
    for text in (flat(mail.text), flat(Page(mail.html).text)):
        assert "menunggu berkas kepemilikan tanah dari pemohon, sudah…" in text


def test_a_subject_never_shows_a_title_and_stays_short():
    subject = mail_of(view(item(ticket="9" * 300))).subject
    assert "Jalan" not in subject
    assert len(subject) <= 60


# --- days of the law ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("some", "indonesian", "english"),
    [
        (duty(-3), "terlambat 3 hari kerja", "3 working days late"),
        (
            duty(-3, calendar_days=True),
            "terlambat 5 hari (3 hari kerja)",
            "5 days (3 working days) late",
        ),
        (duty(0, "2026-11-24 23:59"), "berakhir hari ini", "due today"),
        (duty(1, "2026-11-25 23:59"), "1 hari kerja lagi", "1 working day left"),
        (
            duty(4, "2026-11-30 23:59", calendar_days=True),
            "6 hari (4 hari kerja) lagi",
            "6 days (4 working days) left",
        ),
        (  # due on a Sunday: no working day is left after Friday
            duty(0, "2026-11-29 23:59", days_left=2, calendar_days=True),
            "2 hari lagi, hari ini hari kerja terakhir",
            "2 days left, today is the last working day",
        ),
    ],
)
def test_time_is_told_in_the_days_of_the_law(some, indonesian, english):
    assert DutyTexts(NOW, "id", WITA).left(some) == indonesian
    assert DutyTexts(NOW, "en", WITA).left(some) == english


def test_the_ombudsman_comes_first_then_the_law_s_own_consequence_then_lateness():
    ranked = [
        item(duty(-1, "2026-11-23 23:59", grave=(0, 0)), ticket="ombudsman"),
        item(duty(-2, "2026-11-20 23:59", grave=(1, -3)), ticket="removal"),
        item(duty(-9, "2026-11-11 23:59", grave=(1, 0)), ticket="latest"),
        item(duty(-2, "2026-11-20 23:59", grave=(1, 0)), ticket="late"),
    ]
    reordered = [ranked[n] for n in (2, 0, 3, 1)]
    assert sorted(reordered, key=lambda each: each.rank) == ranked


# --- dates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        (
            "id",
            (
                "berakhir Kam 19 Nov",
                "Rabu, 25 November 2026 pukul 17.00.00 WITA",
                "Keadaan per Selasa, 24 November 2026 pukul 08.00 WITA",
                "diterima 2 Nov",
            ),
        ),
        (
            "en",
            (
                "due Thu 19 Nov",
                "Wednesday, 25 November 2026, 17:00:00 WITA",
                "As of Tuesday, 24 November 2026, 08:00 WITA",
                "received 2 Nov",
            ),
        ),
    ],
)
def test_days_and_times_are_written_as_people_write_them(locale, said):
    mail = mail_of(FULL, locale)
    for words_of_a_moment in said:
        assert words_of_a_moment in flat(mail.text)
        assert words_of_a_moment in Page(mail.html).text


@pytest.mark.parametrize(
    ("zone", "clock"),
    [
        ("Asia/Jakarta", "07.00 WIB"),
        ("Asia/Makassar", "08.00 WITA"),
        ("Asia/Jayapura", "09.00 WIT"),
        ("Europe/Berlin", "01.00 CET"),
    ],
)
def test_the_reader_s_zone_stands_with_the_time(zone, clock):
    assert f"24 November 2026 pukul {clock}" in desk_mail(FULL, "id", ZoneInfo(zone))[0].text


def test_what_is_due_at_the_end_of_a_day_is_due_on_that_day():
    late_night = duty(-1, "2026-11-23 23:59")
    just = replace(late_night, due=late_night.due + timedelta(seconds=59, microseconds=999_999))
    assert "berakhir Sen 23 Nov" in mail_of(view(item(just))).text


# --- what a stranger wrote ------------------------------------------------------------------------

BCC = "Bcc: all@example.com"
EVIL = (f"x\r\n{BCC}", f"x\n{BCC}", f"x\r{BCC}", f"x\x85{BCC}", f"x\u2028{BCC}", f"x\x0b{BCC}\x00")
BIDI = "\u202egnp.exe\u2066\u200f"
HEADERS = [
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "List-Id",
    "MIME-Version",
    "Content-Type",
]


def composed(context: Any, complaint: dict[str, Any], message: dict[str, Any]) -> EmailMessage:
    """The mail about a complaint, with these things planted in the database."""
    owe(context, BREACHED, at("Dinas Sosial"))
    with context.run(NOW, "a test") as run:
        session = run.session
        if complaint:
            session.execute(update(Complaint).values(**complaint))
        row = session.scalars(select(MessageRow).order_by(MessageRow.id)).first()
        for key, value in message.items():
            setattr(row, key, value)
        raw = compose(run, row)
        assert raw is not None
    found = message_from_bytes(raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def body(mail: EmailMessage, kind: str) -> str:
    return mail.get_body((kind,)).get_content()


@pytest.mark.parametrize("evil", [*EVIL, BIDI])
@pytest.mark.parametrize("place", ["ticket", "title", "category", "recipient_name"])
def test_nothing_that_was_written_adds_a_header(place, evil, context):
    on_complaint = {place: evil} if place != "recipient_name" else {}
    mail = composed(context, on_complaint, {} if on_complaint else {place: evil})
    assert mail.keys() == HEADERS
    assert mail.defects == []
    assert [address.addr_spec for address in mail["To"].addresses] == [
        "penghubung.dinsos@contohkab.example"
    ]
    shown = [str(mail["Subject"]), str(mail["To"]), body(mail, "plain"), body(mail, "html")]
    assert not any(c in text for text in shown for c in "\u202e\u2066\u200f\x00\x0b\x85\u2028")


@pytest.mark.parametrize(
    "name",
    [
        'Dr. "Cici" Ānanda, <all@example.com>, M.Si.',
        "all@example.com",
        "Ā, all@example.com, B",
        "Ā" * 200,
        "",
        "=?utf-8?q?all=40example=2Ecom=2C?=",
        "Kasmirawati Bunga, S.ST.",
        "Ma’ruf, S.Sos.",
        'H. "Daeng" \\ Naba, M.M.',
        "N" * 200,
    ],
)
def test_a_name_is_never_an_address(name, context):
    mail = composed(context, {}, {"recipient_name": name})
    (address,) = mail["To"].addresses
    assert address.addr_spec == "penghubung.dinsos@contohkab.example"
    assert address.display_name.replace(" ", "") == name.replace(" ", "")


@pytest.mark.parametrize(
    "title",
    ["{{ 7 * 7 }} {% raw %}", "{{ site.__class__ }}", "😡🛣️ " * 30, "طريق مكسور", "%s %(name)s {0}"],
)
def test_a_title_is_never_a_template_and_emoji_and_arabic_arrive(title, context):
    mail = composed(context, {"title": title}, {})
    assert flat(title)[:35].strip() in flat(body(mail, "plain"))  # a longer one ends with a word
    assert flat(title)[:35].strip() in Page(body(mail, "html")).text


@pytest.mark.parametrize("place", ["ticket", "title", "category"])
def test_ten_thousand_characters_break_nothing(place, context):
    owe(context, BREACHED, at("Dinas Sosial"))
    long = "panjang sekali " * 667
    with context.run(NOW, "a test") as run:
        session = run.session
        session.execute(update(Complaint).values(**{place: long}))
        raw = compose(run, session.scalars(select(MessageRow)).first())
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    mail = message_from_bytes(raw, policy=policy.default)
    assert mail.defects == []
    assert len(mail["Subject"]) <= 60
    assert len(body(mail, "html").encode()) < GMAIL_CLIPS


@pytest.mark.parametrize(
    "address", ['"budi santoso"@a.example', '"a,b"@a.example', "o'neil@a.example"]
)
def test_an_address_with_quotes_is_one_address(address, context):
    mail = composed(context, {}, {"recipient": address})
    (to,) = mail["To"].addresses
    assert to.addr_spec == address


def test_html_in_what_was_written_is_text():
    script = "<script>x</script><img onerror=x>\"'&"
    places = ("ticket", "title", "category", "unit", "link")
    told = (Notified("liaison", 2, NOW, (script,)), Notified("head_of_unit", 2, NOW, (script,)))
    law = duty(verb=script, citation=script, rule=script, notified=told)
    some = item(law, **dict.fromkeys(places, script))
    mail = mail_of(view(some, recipient=script, title=script, place=script))
    page = Page(mail.html)
    assert {"script", "img"}.isdisjoint(tag for tag, _ in page.elements)
    assert not any(name.startswith("on") for _, found in page.elements for name in found)
    assert page.text.count(script) == 12
    assert flat(mail.text).count(script) == 13


@BOTH
def test_who_got_the_notice_of_a_vacant_office_is_named_and_not_the_office(locale):
    told = (
        Notified("liaison", 2, NOW, ("Kasmirawati",)),
        Notified("administrator", 1, NOW, ("Adi",), "inspector"),
    )
    mail = mail_of(view(item(duty(-5, notified=told), notified=told), role="head_of_unit"), locale)
    said = {
        "id": "Kasmirawati 2×; Administrator Pengaduan (menggantikan Inspektur)",
        "en": "Kasmirawati 2×; administrator (in place of the inspector)",
    }
    for text in (flat(mail.text), Page(mail.html).text):
        assert said[locale] in text


@pytest.mark.parametrize(("locale", "is_shown"), [("id", True), ("en", False)])
def test_a_remark_about_an_article_is_only_in_indonesian_mails(locale, is_shown, context):
    mail = composed(context, {}, {"locale": locale})
    for text in (flat(body(mail, "plain")), Page(body(mail, "html")).text):
        assert "PermenPANRB 5/2025" in text
        assert ("menggantikan 62/2018" in text) is is_shown


@BOTH
@pytest.mark.parametrize("privacy", ["anonymous", "secret"])
def test_an_anonymous_or_secret_report_shows_no_title_anywhere(privacy, locale, context):
    """Even if a title stood in the database, where intake does not let it in."""
    context.site.locale = locale
    mail = composed(context, {"title": "Rahasiawan", privacy: True}, {})
    whole = mail.as_string() + body(mail, "plain") + body(mail, "html")
    assert "Rahasiawan" not in whole
    assert catalog(locale)(f"privacy.{privacy}") in body(mail, "plain")
    assert catalog(locale)(f"privacy.{privacy}_note") in Page(body(mail, "html")).text


def test_long_names_of_the_site_break_no_header(context):
    host = "pengaduan.pelayanan-publik.diskominfo.kabupaten-contoh-timur-laut.go.example"
    context.site.file = context.site.file.model_copy(
        update={
            "mail": context.site.file.mail.model_copy(
                update={"sender_name": "Pemerintah Kabupaten Contoh – " * 6, "list_id": host}
            )
        }
    )
    mail = composed(context, {}, {"message_id_header": f"<{'a' * 32}@{host}>"})
    assert mail["Message-ID"] == f"<{'a' * 32}@{host}>"
    assert mail["List-Id"] == f"<{host}>"
    raw = mail.as_string(policy=policy.default.clone(refold_source="none"))
    assert f"\nMessage-ID: <{'a' * 32}@{host}>\n" in raw
    assert f"\nList-Id: <{host}>\n" in raw
    assert mail["From"].addresses[0].addr_spec == "tenggat@contohkab.example"


# --- text and HTML --------------------------------------------------------------------------------


def said(text: str, locale: str) -> Counter[str]:
    """How often a mail names each ticket, day and citation, and each state of a deadline."""
    t = catalog(locale)
    wanted = [
        "5010653",
        "5010654",
        "FD-7",
        "FD-8",
        "FD-9",
        "PermenPANRB 5/2025 Bab VI",
        "UU 25/2009 Pasal 44 ayat (3)",
        "Jalan rusak di Salo",
        "Infrastruktur Jalan",
        "Kependudukan & Pencatatan Sipil",
        "Dinas Kesehatan",
        "Kasmirawati Bunga",
        t("mail.legal_basis"),
        t("mail.closing"),
        "Pelapor dapat ke Ombudsman.",
        t("mail.told") + ":",
        "*",
        t("mail.by_policy"),
        t("mail.told_nobody"),
        t("role.inspector"),
        t("privacy.anonymous_note"),
        t("privacy.secret_note"),
        "12",
        "17",
        "https://www.lapor.go.id/laporan/5010653?a=1&b=2",
        *(f"{day} {month}" for day in range(1, 31) for month in t.names("date.short_months")),
    ]
    return Counter({phrase: text.count(phrase) for phrase in wanted if phrase in text})


@BOTH
def test_text_and_html_say_the_same(locale):
    mail = mail_of(FULL, locale)
    page = Page(mail.html)
    links = " ".join(attributes.get("href", "") for attributes in page.all("a"))
    in_text, in_html = said(flat(mail.text), locale), said(f"{page.text} {links}", locale)
    assert in_text == in_html
    assert len(in_text) > 25


@pytest.mark.parametrize("number", [0, 500])
def test_the_summary_names_the_complaints_without_a_measure(summary, number):
    overview = replace(summary.overview, unmeasured=number)
    mail = summary_mail(overview, "Inspektur", "inspector", "id", WITA)
    beside = "Pengaduan yang ditindaklanjuti dalam 5 hari kerja (500 belum atau tidak dapat diukur)"
    for text in (flat(mail.text), flat(Page(mail.html).text)):
        assert (beside in text) == bool(number)
        assert ("diukur" in text) == bool(number)


def test_the_summary_of_a_week_says_why_it_has_no_share_of_five_working_days(summary):
    overview = replace(
        summary.overview, followed_up_within_5=None, unmeasured=9, too_early=True, few=frozenset()
    )
    mail = summary_mail(overview, "Inspektur", "inspector", "id", WITA)
    why = "dalam 5 hari kerja (9 belum dapat diukur: 5 hari kerja sejak diterima belum lewat)"
    for text in (flat(mail.text), flat(Page(mail.html).text)):
        assert why in text


@pytest.mark.parametrize("figure", ["on_time", "followed_up_within_5", ""])
def test_the_summary_marks_a_share_of_a_small_number(summary, figure):
    overview = replace(summary.overview, unmeasured=0, few=frozenset({figure}))
    mail = summary_mail(overview, "Inspektur", "inspector", "id", WITA)
    marked = {
        "on_time": "Kewajiban yang dipenuhi tepat waktu (jumlah kecil)",
        "followed_up_within_5": "Pengaduan yang ditindaklanjuti dalam 5 hari kerja (jumlah kecil)",
    }
    for text in (flat(mail.text), flat(Page(mail.html).text)):
        assert [key for key, words in marked.items() if words in text] == [figure] * bool(figure)


@BOTH
def test_text_lines_fit_a_screen(locale, summary):
    for name in ("notices", "alert", "watch"):
        for line in rendered(summary, locale)[name].text.splitlines():
            assert len(line) <= 100 or "://" in line or LONG in line, line


@BOTH
def test_html_is_fit_for_screen_readers_and_loads_nothing(locale, summary):
    for name, mail in rendered(summary, locale).items():
        page = Page(mail.html)
        assert mail.html.lstrip().startswith("<!DOCTYPE html>"), name
        assert page.all("html")[0]["lang"] == locale
        assert len(page.all("h1")) == 1
        assert {"img", "script", "link", "iframe", "object", "form", "base"}.isdisjoint(
            tag for tag, _ in page.elements
        )
        for tag, attributes in page.elements:
            assert not {"src", "background", "srcset", "poster"} & set(attributes), tag
        assert not re.search(r"url\(|@import|expression\(", mail.html)
        assert all(a["href"].startswith("https://") for a in page.all("a"))
        for table, inside in tables(mail.html):
            assert (table.get("role") == "presentation") == ("<th" not in inside)
        assert all("scope" in header for header in page.all("th"))
        assert f"<title>{html.escape(mail.subject)}" in mail.html


def tables(source: str) -> Iterator[tuple[dict[str, str], str]]:
    """Each innermost table, and each that holds others, with what is its own."""
    found = re.compile(r"<table([^>]*)>((?:(?!<table|</table>).)*)</table>", re.S)
    source = re.sub(r"<!--.*?-->", "", source, flags=re.S)
    while match := found.search(source):
        yield Page(f"<table{match[1]}>").all("table")[0], match[2]
        source = source[: match.start()] + source[match.end() :]


GMAIL_CLIPS = 102_400


@BOTH
def test_fifty_complaints_are_below_what_gmail_clips(locale):
    usual = item(
        duty(
            -30,
            rule="Penyelesaian pengaduan tidak berkadar pengawasan",
            consequence="",
            citation="PermenPANRB 5/2025 (menggantikan 62/2018 Lampiran Bab VI)",
            to_be_confirmed=True,
            notified=(Notified("liaison", 3, NOW), Notified("head_of_unit", 1, NOW)),
        ),
        duty(-20, rule="Tindak lanjut pertama", citation="Prosedur SP4N-LAPOR! Proses tindak"),
        title="Jalan rusak berlubang dan tergenang di depan sekolah dasar",
        unit="Dinas Pekerjaan Umum dan Penataan Ruang",
    )
    mail = mail_of(view(*[usual] * 300), locale)
    assert Page(mail.html).text.count("5010653") == mail.text.count("5010653") == 50
    assert len(mail.html.encode()) <= 100_000 < GMAIL_CLIPS
    assert catalog(locale)("mail.not_shown", n=250) in Page(mail.html).text
    assert catalog(locale)("mail.not_shown", n=250) in flat(mail.text)


@BOTH
def test_longer_ones_are_counted_where_they_find_no_place(locale):
    late = [item(duty(-9), ticket=f"late-{n}", unit="K" * 4000) for n in range(20)]
    soon = [item(duty(4, "2026-11-30 23:59"), ticket=f"soon-{n}") for n in range(30)]
    mail = mail_of(view(*late, *soon), locale)
    assert GMAIL_CLIPS / 2 < len(mail.html.encode()) < GMAIL_CLIPS
    shown = set(re.findall(r"(?:late|soon)-\d+", mail.html))
    assert shown == set(re.findall(r"(?:late|soon)-\d+", mail.text))
    assert catalog(locale)("mail.not_shown", n=50 - len(shown)) in Page(mail.html).text
    assert mail.subject.startswith({"id": "20 terlambat, 30", "en": "20 late, 30"}[locale])
    assert "late-0" in shown


# --- words ----------------------------------------------------------------------------------------


def table(locale: str) -> dict[str, Any]:
    return tomllib.loads((TEMPLATES / "words" / f"{locale}.toml").read_text(encoding="utf-8"))


def texts(found: dict[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    """Every key with its text, list or forms of number."""
    for key, value in found.items():
        if isinstance(value, dict) and "other" not in value:
            yield from texts(value, f"{place}{key}.")
        else:
            yield place + key, value


def places(value: Any) -> set[str]:
    """The names that a text has places for; of its forms of number, the many."""
    text = value["other"] if isinstance(value, dict) else value
    return {name for _, name, _, _ in Formatter().parse(str(text)) if name}


def test_both_languages_have_the_same_keys_and_places():
    """Lists as well, except the words that Tenggat reads in answers."""
    indonesian, english = (dict(texts(table(locale))) for locale in LOCALES)
    assert indonesian.keys() == english.keys()
    for key, value in indonesian.items():
        assert type(value) is list or places(value) == places(english[key]), key
        read = key.startswith("reply.")
        assert type(value) is not list or read or len(value) == len(english[key]), key


@BOTH
def test_no_text_is_empty_and_a_single_one_has_no_other_places(locale):
    for key, value in texts(table(locale)):
        forms = value.values() if isinstance(value, dict) else [value]
        assert all(forms), key
        if isinstance(value, dict):
            assert set(value) <= {"one", "other"}, key
            assert places(value.get("one", "")) <= places(value), key


@BOTH
def test_everything_that_has_a_name_has_a_word(locale):
    t = catalog(locale)
    sources = [
        tomllib.loads(path.read_text(encoding="utf-8"))
        for path in sorted(REPOSITORY.glob("examples/**/sources.toml"))
    ]
    classifications = {
        word
        for source in sources
        for settings in source.values()
        if isinstance(settings, dict)
        for word in settings.get("values", {}).get("classification", {}).values()
    }
    named = {
        "state": State,
        "reason": Reason,
        "role": Role,
        "quarantine": row_parser.RejectionReason,
        "notice": NoticeKind,
        "policy": Policy,
        "classification": {"none", *classifications},
    }
    for section, names in named.items():
        assert set(names) - set(t.table[section]) == set(), section
    assert len(classifications) >= 4


def alerts_in_the_code() -> tuple[set[str], set[str]]:
    """Return the kinds of alert, and the names of their facts, that a call of tasks/ names.

    A kind stands in the call itself or is a constant of the module.
    """
    kinds: set[str] = set()
    facts: set[str] = set()
    for path in (REPOSITORY / "tasks").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
                continue
            if call.func.id not in {"enqueue_alert", "tell_of_lost_address"}:
                continue
            match call.args[1]:
                case ast.Constant(value=str(kind)):
                    kinds.add(kind)
                case ast.Name(id=name) if name.isupper():
                    module = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
                    kinds.add(getattr(importlib.import_module(module), name))
            if isinstance(call.args[2], ast.Dict):
                facts |= {key.value for key in call.args[2].keys if isinstance(key, ast.Constant)}
    return kinds, facts


@pytest.mark.thorough
@BOTH
def test_every_word_that_a_template_or_an_alert_asks_for_is_there(locale):
    asked = {
        key
        for path in TEMPLATES.rglob("*.j2")
        for key in re.findall(r'\bt\("([\w.]+)"[,)]', path.read_text(encoding="utf-8"))
    }
    kinds, facts = alerts_in_the_code()
    assert {"vacancy", "vacancies", "bounced_message", "refused_address", "storm"} <= kinds
    assert {"unit", "ticket"} <= facts
    listed = kinds - ALERT_COMPOSERS.keys()
    asked |= {f"alert.{kind}.{part}" for kind in listed for part in ("title", "text")}
    asked |= {f"fact.{name}" for name in facts}
    known = dict(texts(table(locale)))
    assert asked - known.keys() == set()
    assert len(asked) > 60


# --- in a browser ---------------------------------------------------------------------------------

CHROMIUM = shutil.which("chromium")

MEASURE = """<!DOCTYPE html><meta charset="utf-8"><body>%s
<pre id="found"></pre><script>
addEventListener("load", () => {
  const found = [...document.querySelectorAll("iframe")].map(frame => {
    const page = frame.contentDocument.documentElement;
    return [frame.width, page.scrollWidth, page.scrollHeight];
  });
  document.getElementById("found").textContent = JSON.stringify(found);
});
</script></body>"""


def too_wide(folder: Path, sources: list[tuple[str, tuple[int, ...]]]) -> list[str]:
    """Which of these pages does not fit which of the widths beside it, in a real browser."""
    needed(CHROMIUM, "chromium", "apt install chromium")
    asked = [(source, width) for source, widths in sources for width in widths]
    frames = (
        f'<iframe width="{width}" height="600" srcdoc="{html.escape(source)}"></iframe>'
        for source, width in asked
    )
    page = folder / "measure.html"
    page.write_text(MEASURE % "".join(frames), encoding="utf-8")
    done = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            f"--user-data-dir={folder / 'profile'}",
            "--dump-dom",
            page.as_uri(),
        ],
        env=without_preload(),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    match = re.search(r'<pre id="found">(.*?)</pre>', done.stdout)
    assert match, done.stderr
    found = json.loads(match[1])
    assert all(height > 300 for _, _, height in found)  # something was laid out
    assert [int(width) for width, _, _ in found] == [width for _, width in asked]
    return [
        f"{re.findall('<title>(.*?)</title>', source)}: {scrolled} > {width}"
        for (source, width), (_, scrolled, _) in zip(asked, found, strict=True)
        if scrolled > width
    ]


@pytest.mark.browser
def test_mails_and_the_summary_fit_phones_and_screens(tmp_path, summary):
    wild = item(
        duty(-1234, citation=LONG, rule=LONG), title=LONG, category=LONG, ticket="9" * 40, unit=LONG
    )
    some = replace(
        FULL,
        items=(wild, *FULL.items),
        recipient=LONG,
        title=LONG,
        administrator=f"{LONG}@a.example",
        superior=True,
        units=(DeskUnitLine(LONG, 3, duty(-1234), 2),),
    )
    mails = [
        mail
        for locale in LOCALES
        for mail in (mail_of(some, locale), *rendered(summary, locale).values())
    ]
    sources = [(mail.html, (320, 360, 800)) for mail in mails]
    page = summary.path.read_text(encoding="utf-8")
    assert too_wide(tmp_path, [*sources, (page, (360, 1040))]) == []


# --- more than a mail holds -----------------------------------------------------------------------


def test_what_a_mail_has_no_room_for_is_attached_as_a_workbook():
    formula = "=HYPERLINK(1)"
    items = [
        item(ticket=f"50{n:05}", title=formula if n == 59 else f"Judul {n}") for n in range(60)
    ]
    mail, shown = desk_mail(view(*items), "id", WITA)
    assert shown.not_shown == 10
    assert "10 pengaduan lainnya dimuat dalam lampiran XLSX" in mail.text
    content = notices_workbook(shown, "id", WITA)
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    header, *rows = book.get_sheet_by_index(0).to_python()
    assert header[:4] == [
        "Pengaduan",
        "Hari kerja tersisa (minus: terlambat)",
        "Perangkat daerah penanggung jawab",
        "Batas waktu",
    ]
    assert [row[0] for row in rows] == [each.ticket for each in items]
    assert rows[-1][9] == formula  # a text, never run
    assert (rows[0][1], rows[0][3]) == (-3, date(2026, 11, 19))
    assert rows[0][10] == date(2026, 11, 2)  # the day alone, not the minute
    assert notices_workbook(shown, "id", WITA) == content


@pytest.mark.parametrize(
    ("text", "locale", "cell"),
    [
        ("", "id", "23 Nov 2026: sudah ditindaklanjuti (belum tercatat di aplikasi pengaduan)"),
        (
            "=1+1 sudah diaspal",
            "en",
            "23 Nov 2026: already followed up – =1+1 sudah diaspal"
            " (not yet recorded in the complaint system)",
        ),
    ],
)
def test_the_workbook_has_the_statement_of_the_unit(text, locale, cell):
    stated = item(statement=Statement("done", wita("2026-11-23 16:00"), text))
    content = notices_workbook(view(stated, item(ticket="6")), locale, WITA)
    _, first, second = (
        CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    )
    assert (first[-1], second[-1]) == (cell, "")


def first_mail(context: Any, now: datetime) -> EmailMessage:
    with context.run(now, "a test") as run:
        session = run.session
        message = session.scalars(select(MessageRow)).first()
        return message_from_bytes(compose(run, message), policy=policy.default)


def test_a_mail_with_room_for_all_has_only_its_calendar(context):
    owe(context, BREACHED, at("Dinas Sosial"))
    names = [part.get_filename() for part in first_mail(context, NOW).iter_attachments()]
    assert names == ["tenggat.ics"]


def test_a_reminder_brings_its_deadline_for_the_calendar(context):
    owe(context, REMINDED, at("Dinas Sosial"))
    (attached,) = first_mail(context, wita(REMINDED)).iter_attachments()
    assert (attached.get_content_type(), attached.get_filename()) == (
        "text/calendar",
        "tenggat.ics",
    )
    calendar = Calendar.from_ical(attached.get_content())
    (entry,) = calendar.walk("VEVENT")
    assert entry.decoded("dtstart") == date(2026, 11, 23)
    assert "FD-1" in entry["summary"]
    assert "Syarat pindah alamat" not in attached.get_content()


def uid_of(item: NoticeItem, duty: Duty) -> str:
    return f"{duty.key[0]}@b"


def entries(content: bytes | None) -> list[Any]:
    assert content is not None
    return Calendar.from_ical(content).walk("VEVENT")


def test_a_later_mail_moves_the_entry_and_adds_none():
    (first,) = entries(
        agenda(view(item(duty(4, "2026-11-30 23:59", key=("a", 1)))), uid_of, "id", WITA)
    )
    tomorrow = view(item(duty(1, "2026-11-25 23:59", key=("a", 1))), now=NOW + timedelta(days=1))
    (later,) = entries(agenda(tomorrow, uid_of, "id", WITA))
    assert first["uid"] == later["uid"] == "a@b"
    assert later["sequence"] > first["sequence"]
    assert later.decoded("dtstart") == date(2026, 11, 25)


def test_today_and_late_are_in_the_calendar_and_only_what_comes_has_an_alarm():
    some = view(item(duty(-3)), item(duty(0, "2026-11-24 23:59"), ticket="6"))
    today, late = entries(agenda(some, uid_of, "id", WITA))
    assert late["summary"].startswith("TERLAMBAT: pengaduan 5010653")
    assert late.decoded("dtstart") == date(2026, 11, 19)
    assert late.walk("VALARM") == []
    (alarm,) = today.walk("VALARM")
    assert (alarm["action"], alarm.decoded("trigger")) == ("DISPLAY", timedelta(hours=7.5))


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (3, "2 pengaduan lainnya dimuat dalam lampiran XLSX."),
        (16, "2 pengaduan lainnya dimuat dalam lampiran XLSX. Di antaranya 1 pengaduan memerlukan"),
        (17, "2 pengaduan lainnya dimuat dalam lampiran XLSX. Seluruhnya memerlukan tindak lanjut"),
    ],
)
def test_a_superior_reads_how_many_of_the_cases_in_the_workbook_wait_for_action(own, said):
    cases = [item(duty(-3, own=n < own), ticket=f"FD-{n}") for n in range(17)]
    desk = full_desk(*cases, superior=True)
    mail, _ = desk_mail(desk, "id", WITA)
    assert said in " ".join(mail.text.split())


def test_an_ended_duty_is_cancelled_in_the_calendar():
    before = view(item(duty(1, "2026-11-25 23:59", key=("a", 1))))
    (entry,) = entries(agenda(before, uid_of, "id", WITA))
    assert cancellation(before, "id", WITA) is None
    after = view(
        now=NOW + timedelta(days=1),
        ended=(EndedDuty("5010653", "Penyelesaian pengaduan", "a@b", wita("2026-11-25 23:59")),),
    )
    content = cancellation(after, "id", WITA)
    (cancelled,) = entries(content)
    assert Calendar.from_ical(content)["method"] == "CANCEL"
    assert (cancelled["uid"], cancelled["status"]) == ("a@b", "CANCELLED")
    assert cancelled["sequence"] > entry["sequence"]


TEXTS_OF_AN_ENTRY = [
    "",
    "Dinas",
    r"Jalan; pasar, los \\ B \n",
    "baris\nlain\r\nketiga\rkeempat",
    "é–日本😀" * 20,
    *("x" * n + r"\,;^\\" * 9 for n in range(12)),
]


@pytest.mark.parametrize("text", TEXTS_OF_AN_ENTRY)
def test_entries_are_written_as_the_library_of_the_format_writes_them(text):
    duties = (
        duty(-3, rule=text, key=("a", 1)),
        duty(0, "2026-11-24 23:59", rule=text, citation=text, key=("c", 1)),
        duty(1, "2026-11-25 10:30", rule=text, exact=True, key=("d", 1)),
    )
    ended = (
        EndedDuty(f"FD-1{text}", text, "a@b", wita("2026-11-25 23:59")),
        EndedDuty(f"FD-2{text}", text, "c@b", None),
    )
    some = view(item(*duties, ticket=f"FD-1{text}", unit=text, link=text), ended=ended)
    for content in (agenda(some, uid_of, "id", WITA), cancellation(some, "en", WITA)):
        assert content is not None
        assert Calendar.from_ical(content).to_ical() == content


def test_the_workbook_goes_with_the_mail(context):
    owe(context, BREACHED, *(at("Dinas Sosial", f"FD-{n}") for n in range(60)))
    attached, _ = first_mail(context, NOW).iter_attachments()
    assert attached.get_filename() == "pengaduan-2026-11-24.xlsx"
    book = CalamineWorkbook.from_filelike(io.BytesIO(attached.get_content()))
    assert len(book.get_sheet_by_index(0).to_python()) == 61
