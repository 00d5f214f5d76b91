"""Inputs of kinds that accused officials wrongly or lost complaints: who is told what.

Each test goes from the files to the mailbox. November 2026 has no holiday: 2, 9, 16 and 23 are
Mondays. A request for information of 2 November is due at the end of the 9th.
"""

import csv
import io
import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import pytest
import xlsxwriter
from conftest import kind_of_database, wita
from sqlalchemy import select
from support.import_results import counted, dump, known, quarantine
from support.pipeline import ENTRY, STEPS, alerts, deliver
from support.servers.open311_server import serving
from support.small_site import NAME, REPORT, STATUS, TICKET, UNIT, export

from db import questions
from db.models import (
    Complaint,
    DeadlineRow,
    DeliveryAttempt,
    MessageItem,
    MessageRow,
    NoticeRow,
    OpenQuestion,
    QuarantineRow,
    SourceImport,
)
from settings.sources import read_sources
from tasks.common.context import SiteContext
from tasks.deadlines import evaluate_and_notify
from tasks.ingest.answers import answer
from tasks.ingest.records import EMPTY_ANSWER
from tasks.intake import ask, pull
from tasks.sources.base import SourceError

KIND = "Klasifikasi Laporan"
ROW = {
    **{key: cell.replace("16/11/2026", "02/11/2026") for key, cell in ENTRY.items()},
    **dict.fromkeys(STEPS, ""),
    "Tindak Lanjut Pertama": "",
    "Nama Pelapor": NAME,
}
LIAISON, HEAD = "penghubung.dinsos", "plt.kepala.dinsos"
"""Who is told of what Dinas Sosial has to do, and of what it has not done."""


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    return kind_of_database(request)


def rows(*entries: dict[str, str]) -> str:
    """The front desk's register; an entry tells what it has unlike `ROW`."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(ROW), delimiter=";")
    writer.writeheader()
    writer.writerows(ROW | entry for entry in entries)
    return text.getvalue()


def entry(number: int, **more: str) -> dict[str, str]:
    return {"No Register": f"FD-{number}", **more}


def drop(context: SiteContext, made: str, content: str | bytes, name: str = "register") -> Path:
    stem = f"{name}_{wita(made):%Y-%m-%d_%H%M}"
    path = context.site.folder / "inbox" / name / f"{stem}.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def cycle(context: SiteContext, now: str, source: str = "register") -> list[str]:
    """Run intake, deadlines and delivery; return the failures of the source."""
    failures = []
    moment = wita(now)
    try:
        pull(context, source, moment)
    except SourceError as error:
        failures.append(str(error))
    ask(context, moment, f"intake {now}")
    evaluate_and_notify(context, moment, f"deadlines {now}")
    deliver(context, now)
    return failures


def told_late(context: SiteContext) -> dict[str, set[str]]:
    """The tickets that a sent mail calls late, by the reader without the domain."""
    query = (
        select(MessageRow.recipient, Complaint.ticket)
        .join(MessageItem, MessageItem.message_id == MessageRow.id)
        .join(NoticeRow, NoticeRow.id == MessageItem.notice_id)
        .join(Complaint, Complaint.id == NoticeRow.complaint_id)
        .where(MessageRow.status == "sent", MessageItem.included, NoticeRow.kind != "reminder")
    )
    found: dict[str, set[str]] = {}
    with context.transaction() as session:
        for reader, ticket in session.execute(query):
            found.setdefault(reader.partition("@")[0], set()).add(ticket)
    return found


def tickets(context: SiteContext) -> set[str]:
    with context.transaction() as session:
        return set(session.scalars(select(Complaint.ticket)))


def states(context: SiteContext, *wanted: str) -> set[str]:
    """The tickets of deadlines in one of these states."""
    with context.transaction() as session:
        query = select(Complaint.ticket).join(DeadlineRow, DeadlineRow.complaint_id == Complaint.id)
        return set(session.scalars(query.where(DeadlineRow.state.in_(wanted))))


def asked(context: SiteContext) -> set[str]:
    with context.transaction() as session:
        return {each.question.value for each in questions.open_questions(session)}


def numbers(found: Iterable[int]) -> set[str]:
    return {f"FD-{number}" for number in found}


# --- words that no mapping knows ------------------------------------------------------------------


def test_unknown_words_are_asked_about_once_and_everything_is_watched(context):
    unknown = (
        {TICKET: "1", STATUS: "Ditanggapi Pelapor"},
        {TICKET: "2", KIND: "Keluhan Layanan"},
        {TICKET: "3", UNIT: "Dinas Pertanian"},
    )
    for made in ("2026-11-02 10:00", "2026-11-03 10:00", "2026-11-30 10:00"):
        export(
            context.site.folder,
            made,
            {TICKET: "4", UNIT: "", STATUS: "Belum Terverifikasi"},
            *unknown,
        )
        cycle(context, made.replace("10:00", "11:00"), "lapor")
    assert tickets(context) == {"1", "2", "3", "4"}
    assert asked(context) == {"Ditanggapi Pelapor", "Keluhan Layanan", "Dinas Pertanian"}
    assert (
        alerts(context).count("questions") == 2
    )  # at once, and again with what is open weeks later
    assert told_late(context) == {"admin.lapor": {"4"}}  # whose rules rest on no unknown word


def test_nobody_is_called_late_after_the_last_readable_row(context):
    export(context.site.folder, "2026-11-02 10:00", *({TICKET: str(n)} for n in range(4)))
    cycle(context, "2026-11-02 11:00", "lapor")
    for made in ("2026-11-03 10:00", "2026-12-21 10:00", "2026-12-28 10:00"):
        export(
            context.site.folder,
            made,
            {TICKET: "0", STATUS: "Ditanggapi Pelapor"},
            {TICKET: "1", STATUS: "Selesai"},
            {TICKET: "2", UNIT: "Dinas Pertanian"},
            {TICKET: "3", KIND: "Permintaan Data"},
        )
        cycle(context, made.replace("10:00", "11:00"), "lapor")
    assert told_late(context) == {}
    assert states(context, "breached", "met_late") == set()


# --- exports that do not show everything ----------------------------------------------------------


def test_a_cut_export_and_a_header_alone_accuse_nobody(context):
    for made, shown in (("03", range(9)), ("04", range(3)), ("10", range(3)), ("13", ())):
        drop(context, f"2026-11-{made} 07:15", rows(*(entry(n) for n in shown)))
        cycle(context, f"2026-11-{made} 08:15")
    assert alerts(context).count("fewer_rows") == 2
    assert told_late(context) == {LIAISON: numbers(range(3)), HEAD: numbers(range(3))}
    assert states(context, "unknown") == numbers(range(9)) - told_late(context)[LIAISON]


def test_a_new_register_without_a_complaint_is_no_lost_one(context):
    """The first day of a year. Later the same file would mean that all complaints are missing."""
    for made, shown in (("02", ()), ("03", ()), ("04", range(3)), ("05", ())):
        drop(context, f"2026-11-{made} 07:15", rows(*map(entry, shown)))
        assert cycle(context, f"2026-11-{made} 08:15") == []
        found = [each for each in alerts(context) if each in ("no_rows_yet", "fewer_rows")]
        assert found == ["no_rows_yet"] + ["fewer_rows"] * (made == "05")
    assert states(context, "unknown") == numbers(range(3))


def test_the_alarm_of_fewer_rows_leaves_before_mails_that_waited_longer(context):
    drop(context, "2026-11-03 07:15", rows(*(entry(n) for n in range(9))))
    cycle(context, "2026-11-03 08:15")
    drop(context, "2026-11-10 07:15", rows(*(entry(n) for n in range(9))))
    pull(context, "register", wita("2026-11-10 08:15"))
    evaluate_and_notify(context, wita("2026-11-10 08:15"), "deadlines")  # and no delivery
    drop(context, "2026-11-10 08:30", rows(*(entry(n) for n in range(3))))
    cycle(context, "2026-11-10 09:15")
    query = select(MessageRow).join(DeliveryAttempt).order_by(DeliveryAttempt.id)
    with context.transaction() as session:
        first, *others = session.scalars(query)
        assert first.detail["alert"] == "fewer_rows"
        assert {LIAISON, HEAD} <= {mail.recipient.partition("@")[0] for mail in others}


# --- files that are torn, or written otherwise ----------------------------------------------------


def test_a_torn_row_waits_and_takes_over_no_date_and_no_name(context):
    done = "09/11/2026 09:00"
    follow_up, settled = "Tindak Lanjut Pertama", "Selesai"
    plain = [entry(n, **{follow_up: done, settled: done} if n == 5 else {}) for n in range(9)]
    drop(context, "2026-11-09 10:00", rows(*plain))
    cycle(context, "2026-11-09 11:00")
    lines = rows(*plain).splitlines()
    lines[3] = lines[3].replace("Syarat", '"Syarat')  # FD-2; FD-5 closes what it has opened
    lines[6] = lines[6].replace("alamat", 'alamat"')
    drop(context, "2026-11-10 10:00", "\n".join(lines) + "\n")
    cycle(context, "2026-11-10 11:00")
    ((line, reason, _, value),) = quarantine(context, "register")
    assert (line, reason, value) == (4, "torn_row", "")
    assert alerts(context).count("questions") == 1
    assert states(context, "breached") == numbers((0, 1, 3, 4, 6, 7, 8))
    assert told_late(context)[LIAISON] == numbers((0, 1, 3, 4, 6, 7, 8))
    box = context.site.var / "mailbox"
    assert NAME not in dump(context) + "".join(path.read_text() for path in box.iterdir())


@pytest.mark.parametrize(
    ("later", "waiting"),
    [
        ([entry(1), entry(2), entry(3)], []),
        ([entry(1), entry(2)], [4]),  # cut before the line
        ([entry(1), entry(2), {"No Register": ""}], [4, 4]),  # perhaps the same row
    ],
)
def test_a_row_without_a_ticket_waits_until_a_whole_export_has_none(context, later, waiting):
    drop(context, "2026-11-03 07:15", rows(entry(1), entry(2), {"No Register": "", "Kanal": "x"}))
    cycle(context, "2026-11-03 08:15")
    drop(context, "2026-11-04 07:15", rows(*later))
    cycle(context, "2026-11-04 08:15")
    with context.transaction() as session:
        rejected = session.scalars(select(QuarantineRow).order_by(QuarantineRow.id))
        assert [row.line for row in rejected if row.resolved_at is None] == waiting


@pytest.mark.parametrize("sign", ["-", "–", "n/a", "00/00/0000", "belum ada"])
def test_a_sign_for_nothing_hides_no_follow_up(context, sign):
    drop(context, "2026-11-03 07:15", rows(entry(1)))
    cycle(context, "2026-11-03 08:15")
    done = entry(1, **{"Tindak Lanjut Pertama": "03/11/2026 10:00", "Selesai": sign})
    for day in ("04", "10"):
        drop(context, f"2026-11-{day} 07:15", rows(done))
        cycle(context, f"2026-11-{day} 08:15")
    assert asked(context) == set()
    with context.transaction() as session:
        found = dict(session.execute(select(DeadlineRow.rule, DeadlineRow.state)).tuples().all())
    assert found["sp4n/first-follow-up"] == "met"
    assert found["sp4n-guideline/information"] == "breached"


DONE = {"Tindak Lanjut Pertama": "05/11/2026 09:00", "Selesai": "05/11/2026 10:00"}


def corrections(context: SiteContext) -> int:
    with context.transaction() as session:
        return len(session.scalars(select(MessageItem).where(MessageItem.correction)).all())


@pytest.mark.parametrize("again", [True, False])
def test_a_date_that_vanishes_accuses_nobody_and_takes_nothing_back(context, again):
    """FD-2 was late before it was done: that stays so without the date as well."""
    late = {step: cell.replace("05/11", "11/11") for step, cell in DONE.items()}
    registers = {
        "2026-11-03": [entry(1), entry(2)],
        "2026-11-06": [entry(1, **DONE), entry(2)],
        "2026-11-10": [entry(1), entry(2)],
        "2026-11-11": [entry(1, Perihal="Lain"), entry(2)],
        "2026-11-12": [entry(1), entry(2, **late)],
        "2026-11-13": [entry(1), entry(2)],
        "2026-11-16": [entry(1, **DONE), entry(2, **late)] if again else [entry(1), entry(2)],
    }
    for made, entries in registers.items():
        drop(context, f"{made} 07:15", rows(*entries))
        cycle(context, f"{made} 08:15")
    assert told_late(context) == {LIAISON: {"FD-2"}, HEAD: {"FD-2"}}
    assert corrections(context) == 0
    assert states(context, "breached", "met_late") == {"FD-2"}
    assert states(context, "unknown") == (set() if again else {"FD-1"})
    with context.transaction() as session:
        waiting = {(q.question.column, q.waiting) for q in questions.open_questions(session)}
    assert waiting == (set() if again else {(step, 2) for step in DONE})


STEPS_LOST = {
    1: {"Selesai": "05/11/2026 09:00"},
    2: {"Dicabut": "05/11/2026 09:00"},
    3: {"Ditunda": "04/11/2026 09:00"},
    4: {
        "Dikembalikan": "03/11/2026 09:00",
        "Unit Pengganti": "DLH",
        "Diteruskan Kembali": "03/11/2026 10:00",
    },
    5: {"Selesai": "lihat surat"},
    6: {"Perihal": "Lain"},
    7: {"Selesai": "12/11/2026 09:00"},
}
"""Cells of seven complaints that the export of the 13th shows, and the one of the 16th does not."""


@pytest.mark.parametrize("is_late", [False, True])
def test_an_older_export_that_arrives_late_shows_what_it_would_have_in_time(context, is_late):
    """FD-6 has lost no step, and FD-7 was late before it was done. FD-4 is late at whichever unit.

    In time, the hand-over of FD-4 is known for three days, and its next unit is told.
    """
    exports = {
        "2026-11-03 07:15": rows(*map(entry, STEPS_LOST)),
        "2026-11-13 07:15": rows(*(entry(n, **lost) for n, lost in STEPS_LOST.items())),
        "2026-11-16 07:15": rows(*map(entry, STEPS_LOST)),
        "2026-11-17 07:15": rows(*(entry(n, Perihal="Baru") for n in STEPS_LOST)),
    }
    first, older, newer, last = exports
    for made in (first, newer, older, last) if is_late else exports:
        drop(context, made, exports[made])
        cycle(context, "2026-11-16 09:15" if is_late and made == older else f"{made[:11]}08:15")
        if made == newer and is_late:
            assert told_late(context)[LIAISON] == numbers(STEPS_LOST)
    late = {"breached", "met_late"}
    assert states(context, *late) == numbers((4, 6, 7))
    assert states(context, "unknown") == numbers((1, 2, 3, 5))
    with context.transaction() as session:
        waiting = {(q.question.column, q.waiting) for q in questions.open_questions(session)}
    columns = ("Dicabut", "Ditunda", "Dikembalikan", "Diteruskan Kembali")
    assert waiting == {("Selesai", 3), *((column, 1) for column in columns)}
    with context.transaction() as session:
        query = (
            select(Complaint.ticket)
            .join(NoticeRow, NoticeRow.complaint_id == Complaint.id)
            .join(MessageItem, MessageItem.notice_id == NoticeRow.id)
            .where(MessageItem.correction)
        )
        corrected = set(session.scalars(query))
    assert corrected == (numbers((1, 2, 3, 4, 5)) if is_late else set())


@pytest.mark.parametrize(
    ("title", "why"),
    [
        ("Selesai", "the column 'Selesai' occurs 2 times"),
        ("SELESAI", "the columns 'Selesai', 'SELESAI' differ only in letter case or spaces"),
    ],
)
def test_a_file_with_a_mapped_column_twice_is_refused_by_name(context, title, why):
    twice = rows(entry(1), entry(2)).replace("Nama Pelapor", title)
    drop(context, "2026-11-10 07:15", twice)
    (failure,) = cycle(context, "2026-11-10 08:15")
    assert failure.startswith(f"register_2026-11-10_0715.csv, line 1: {why}")
    assert tickets(context) == set()
    assert told_late(context) == {}


def test_a_signature_below_a_small_table_stops_nothing_and_keeps_no_name(context):
    """Another text in a column with words may be a value of a complaint: it waits, without text."""
    notes = ("Mengetahui,", "Kepala Bagian", NAME, "NIP. 19780101 200501 1 002")
    columns = [list(ROW).index(name) for name in ("No Register", "Perihal", "Selesai")]
    below = "".join(
        f"{';' * at}{text}{';' * (len(ROW) - 1 - at)}\n" for at in columns for text in notes
    )
    drop(context, "2026-11-03 07:15", rows(entry(1), entry(2)) + below)
    assert cycle(context, "2026-11-03 08:00") == []
    assert tickets(context) == numbers((1, 2))
    assert quarantine(context, "register") == []
    texts = "".join(
        f"{';' * columns[1]}{text}{';' * (len(ROW) - 1 - columns[1])}\n" for text in notes
    )
    drop(
        context, "2026-11-04 07:15", rows(entry(1), entry(2)) + texts.replace("Mengetahui,", "Dst")
    )
    assert cycle(context, "2026-11-04 08:00") == []
    waiting = quarantine(context, "register")
    assert waiting == [(line, "text_line", "", "") for line in range(4, 7)]
    assert NAME not in dump(context)


@pytest.mark.parametrize(("shown", "alarms"), [(50, 1), (49, 0), (51, 0)])
def test_total_lines_and_notes_are_no_rows_of_an_import(context, shown, alarms):
    """Else the file would have 53 rows, which hides that 50 is a typical limit of an export."""
    rest = ";" * (len(ROW) - 1)
    notes = f"Catatan: 3 laporan a.n. {NAME}{rest}\n* FD-2 dicabut oleh {NAME}{rest}\n"
    below = f"Jumlah{rest}\n;{shown}{rest[1:]}\nMengetahui,{rest}\n{notes}"
    for made, number in (("03", 52), ("04", shown)):
        drop(context, f"2026-11-{made} 07:15", rows(*map(entry, range(number))) + below)
        assert cycle(context, f"2026-11-{made} 08:00") == []
    with context.transaction() as session:
        assert list(session.scalars(select(SourceImport.rows).order_by(SourceImport.id))) == [
            52,
            shown,
        ]
    assert alerts(context).count("fewer_rows") == alarms
    assert NAME not in dump(context)


def test_rows_with_nothing_but_a_ticket_are_refused_as_a_whole(context):
    only = "".join(f"FD-{number}{';' * (len(ROW) - 1)}\n" for number in (1, 2, 3))
    drop(context, "2026-11-03 07:15", rows() + only)
    (failure,) = cycle(context, "2026-11-03 08:00")
    assert "3 of 3 rows cannot be read" in failure


@pytest.mark.parametrize(("swapped", "refused"), [((1, 2, 3), True), ((2, 3), True), ((), False)])
def test_a_register_with_day_and_month_swapped_accuses_nobody(context, swapped, refused):
    """Read as 11 February, requests of 2 November would all be late since February."""
    drop(context, "2026-11-03 07:15", rows(*(entry(number) for number in (1, 2, 3))))
    assert cycle(context, "2026-11-03 08:00") == []
    wrong = {key: cell.replace("02/11/", "11/02/") for key, cell in ROW.items() if "02/11/" in cell}
    made = [entry(n, **(wrong if n in swapped else {})) for n in (1, 2, 3)]
    drop(context, "2026-11-04 07:15", rows(*made, entry(4)))
    failures = cycle(context, "2026-11-04 08:00")
    assert tickets(context) == numbers((1, 2, 3) if refused else (1, 2, 3, 4))
    assert told_late(context) == {}
    named = [f"{len(swapped)} of 3 known complaints" in each for each in failures]
    assert named == [True] * refused


def test_two_of_five_dates_with_day_and_month_swapped_accuse_nobody(context):
    drop(context, "2026-11-03 07:15", rows(*map(entry, range(5))))
    assert cycle(context, "2026-11-03 08:00") == []
    wrong = {key: cell.replace("02/11/", "11/02/") for key, cell in ROW.items() if "02/11/" in cell}
    for day, title in (("04", "Jalan"), ("05", "Lampu")):
        made = [entry(n, Perihal=title, **(wrong if n in (1, 3) else {})) for n in range(5)]
        drop(context, f"2026-11-{day} 07:15", rows(*made))
        assert cycle(context, f"2026-11-{day} 08:00") == []
        assert {wrong["Tanggal Masuk"]} <= asked(context)
    assert told_late(context) == {}
    assert states(context, "unknown") == numbers((1, 3))


def test_a_receipt_before_the_calendar_is_told_only_as_a_question(context):
    typo = ROW["Tanggal Masuk"].replace("2026", "2006")
    made = [entry(n, **({"Tanggal Masuk": typo} if n == 2 else {})) for n in range(5)]
    drop(context, "2026-11-03 07:15", rows(*made))
    assert cycle(context, "2026-11-03 08:00") == []
    assert typo in asked(context)
    assert alerts(context).count("questions") == 1
    assert alerts(context).count("evaluation_failed") == 0


def test_a_receipt_before_the_calendar_without_a_question_is_told(context):
    drop(context, "2026-11-03 07:15", rows(entry(1, **{"Tanggal Masuk": "02/11/2006 08:30"})))
    cycle(context, "2026-11-03 08:00")
    assert alerts(context).count("evaluation_failed") == 1


def workbook(path: Path, **received: datetime) -> None:
    """A register of these tickets, received at these times."""
    with xlsxwriter.Workbook(path, {"default_date_format": "dd/mm/yyyy hh:mm"}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, list(ROW))
        for y, (ticket, moment) in enumerate(received.items(), start=1):
            sheet.write_row(y, 0, [*(ROW | {"No Register": ticket}).values()])
            sheet.write_datetime(y, list(ROW).index("Tanggal Masuk"), moment)


def test_a_date_cell_at_midnight_is_midnight_here(context):
    source = context.site.sources["register"]
    named = source.observed.model_copy(update={"file_name": "register_%Y-%m-%d_%H%M.xlsx"})
    context.site.sources["register"] = source.model_copy(
        update={"pattern": "*.xlsx", "observed": named, "delimiter": None}
    )
    path = context.site.folder / "inbox" / "register" / "register_2026-11-06_0700.xlsx"
    workbook(path, A1=datetime(2026, 11, 2), A2=datetime(2026, 11, 2, 8, 30))
    assert cycle(context, "2026-11-06 08:00") == []
    assert known(context, "A1").received_at == wita("2026-11-02 00:00")
    assert known(context, "A2").received_at == wita("2026-11-02 08:30")
    assert quarantine(context, "register") == []


def test_a_merged_cell_of_units_holds_for_all_its_rows(context):
    reports = [REPORT | {TICKET: str(n), KIND: "Permintaan Informasi"} for n in range(5)]
    for made in ("2026-11-03", "2026-11-24"):
        name = f"Laporan_Ringkas_{made}_0700.xlsx"
        with xlsxwriter.Workbook(context.site.folder / "inbox" / "lapor" / name) as book:
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, list(REPORT))
            for y, report in enumerate(reports, start=1):
                sheet.write_row(y, 0, list(report.values()))
            column = list(REPORT).index(UNIT)
            sheet.merge_range(1, column, 5, column, "Dinas Sosial")
        cycle(context, f"{made} 08:00", "lapor")
    everything = {str(n) for n in range(5)}
    assert told_late(context) == {LIAISON: everything, HEAD: everything}


# --- the ladder, other installations and cities ---------------------------------------------------


def test_a_backlog_is_told_to_the_units_and_only_later_to_superiors(context):
    units = ("Dinas Sosial", "Dinas Kesehatan", "Disdikbud", "DLH")
    backlog = [
        entry(
            n, Unit=unit, **{"Tanggal Masuk": "01/06/2026 08:30", "Diteruskan": "02/06/2026 08:30"}
        )
        for n, unit in enumerate(units * 3)
    ]
    drop(context, "2026-11-24 07:15", rows(*backlog))
    cycle(context, "2026-11-24 08:15")
    first = told_late(context)
    assert {reader for reader in first if reader.startswith("penghubung")} == {
        f"penghubung.{unit}" for unit in ("dinsos", "dinkes", "disdik", "dlh")
    }
    assert not first.keys() & {"sekda", "bupati", "inspektur"}
    drop(context, "2026-11-25 07:15", rows(*backlog, entry(99)))
    cycle(context, "2026-11-25 08:15")
    assert not told_late(context).keys() & {"sekda", "bupati", "inspektur"}
    for day in ("2026-11-30", "2026-12-07"):
        drop(context, f"{day} 07:15", rows(*backlog, entry(int(day[-2:]))))
        cycle(context, f"{day} 08:15")
    assert told_late(context).keys() & {"sekda", "bupati", "inspektur"}


def test_half_a_character_stops_neither_its_row_nor_another_source(context):
    file = context.site.folder / "sources.toml"
    kab = '[kab]\ntype = "folder"\nfolder = "inbox/kab"\nlayout = "exchange"\n'
    kab += 'fields = { title = "title" }\n'
    file.write_text(file.read_text("utf-8") + kab, "utf-8")
    context.site.sources = read_sources(file)
    (context.site.folder / "inbox" / "kab").mkdir()
    at = "2026-11-10T07:00:00+08:00"
    about = {"source": "lapor", "exported_at": at, "imported_until": at, "sees": ["settled"]}
    line = {"source": "lapor", "received": "2026-11-02T08:00:00+08:00", "unit": "dinsos"}
    lines = [about, line | {"ticket": "X-1", "title": "\ud83d rusak"}, line | {"ticket": "X-2"}]
    path = context.site.folder / "inbox" / "kab" / "kab.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    drop(context, "2026-11-10 07:15", rows(entry(1)))
    for source in ("kab", "register"):
        assert cycle(context, "2026-11-10 08:15", source) == []
    assert tickets(context) == {"X-1", "X-2", "FD-1"}
    assert known(context, "X-1").title == "\ufffd rusak"


CITY = """
[city]
type = "open311"
url = "{url}"
first_day = 2026-01-01
zone = "Asia/Makassar"
fields = {{ unit = "agency_responsible" }}

[[city.events]]
column = "updated_datetime"
kind = "follow_up_published"
when = {{ status_notes = "*" }}
first = true
"""


REQUEST = {
    "service_code": "roads",
    "service_name": "Jalan",
    "status": "open",
    "requested_datetime": "2026-11-02T09:00:00+08:00",
    "updated_datetime": "2026-11-02T09:00:00+08:00",
    "agency_responsible": "Dinas Sosial",
}


def of_city(context: SiteContext, shown: dict[str, list[dict[str, str | None]]]) -> None:
    """Import the answers of the city's server, by day of November 2026."""
    file = context.site.folder / "sources.toml"
    with serving() as server:
        file.write_text(CITY.format(url=server.url), "utf-8")
        context.site.sources = read_sources(file)
        for day, requests in shown.items():
            server.requests = requests
            assert cycle(context, f"2026-11-{day} 08:00", "city") == []


def request(number: int, **fields: str | None) -> dict[str, str | None]:
    return REQUEST | {"service_request_id": str(number)} | fields


def note(number: int, updated: str | None) -> dict[str, str | None]:
    """A request with a note, and the time of its last change."""
    return request(number, status_notes="sudah dicek", updated_datetime=updated)


def follow_up(context: SiteContext, ticket: str) -> list[str]:
    return [each for each in counted(context, ticket) if each.startswith("follow_up")]


def test_a_follow_up_within_the_uncertainty_of_its_start_is_never_late(context):
    requests = [request(1), note(2, "2026-11-03T09:00:00+08:00")]
    of_city(context, dict.fromkeys(("05", "10", "17", "24"), requests))
    assert follow_up(context, "2") == ["follow_up_published 02 09:00 - 03 09:00 unknown"]
    assert told_late(context)[LIAISON] == {"1"}
    assert states(context, "breached", "met_late") == {"1"}


def test_a_note_without_a_time_of_its_own_was_made_before_the_import_that_shows_it(context):
    untouched = REQUEST["updated_datetime"]
    noted = [note(1, untouched), note(2, None), note(3, untouched), note(4, None), request(5)]
    of_city(
        context,
        {
            "03": [request(1), request(2), request(5)],
            "05": noted,
            "17": noted,
        },
    )
    for ticket in ("1", "2"):
        assert follow_up(context, ticket) == ["follow_up_published 03 08:00 - 05 08:00 observed"]
    for ticket in ("3", "4"):
        assert follow_up(context, ticket) == ["follow_up_published 02 09:00 - 05 08:00 unknown"]
    assert told_late(context)[LIAISON] == {"5"}
    assert states(context, "breached", "met_late") == {"5"}
    with context.transaction() as session:
        *_, last = session.scalars(select(SourceImport).order_by(SourceImport.id))
        assert (last.rows, last.new, last.updated) == (5, 0, 0)


def test_a_note_updated_after_the_due_day_may_be_older_unless_an_import_showed_none(context):
    later = "2026-11-16T09:00:00+08:00"
    noted = [note(1, later), note(2, later), note(3, None), note(4, "2026-11-04T09:00:00+08:00")]
    of_city(
        context,
        {
            "03": [request(number) for number in (1, 2, 3, 4)],
            "11": [request(number) for number in (2, 3, 4)],
            "17": noted,
            "24": noted,
        },
    )
    assert follow_up(context, "1") == ["follow_up_published 03 08:00 - 16 09:00 observed"]
    assert follow_up(context, "2") == ["follow_up_published 11 08:00 - 16 09:00 observed"]
    assert follow_up(context, "3") == ["follow_up_published 11 08:00 - 17 08:00 observed"]
    assert follow_up(context, "4") == ["follow_up_published 04 09:00 - 17 08:00 observed"]
    assert states(context, "breached", "met_late") == {"2", "3"}


def test_a_note_with_an_impossible_time_is_asked_about_and_without_it_still_a_follow_up(context):
    noted = [note(1, "2027-01-01T09:00:00+08:00")]
    of_city(context, {"03": [request(1)], "05": noted})
    assert follow_up(context, "1") == []
    with context.transaction() as session:
        question = session.scalars(select(OpenQuestion)).one()
        answer(session, context, question, EMPTY_ANSWER, "admin", wita("2026-11-05 09:00"))
    assert follow_up(context, "1") == ["follow_up_published 03 08:00 - 05 08:00 observed"]
    of_city(context, {"17": [*noted, note(2, "2027-01-01T09:00:00+08:00")]})
    assert follow_up(context, "1") == ["follow_up_published 03 08:00 - 05 08:00 observed"]
    assert follow_up(context, "2") == ["follow_up_published 02 09:00 - 17 08:00 unknown"]
    assert states(context, "breached", "met_late") == set()


# --- more of the same kinds -----------------------------------------------------------------------


def test_a_file_that_no_pattern_fits_is_named(context):
    inbox = context.site.folder / "inbox" / "lapor"
    (inbox / "Laporan_Ringkas_2026-11-03_0700.xls").write_text("<html></html>", encoding="utf-8")
    (inbox / "catatan.txt").write_text("catatan", encoding="utf-8")
    count = pull(context, "lapor", wita("2026-11-03 08:00"))
    assert [(each.name, each.reason) for each in count.waiting] == [
        ("Laporan_Ringkas_2026-11-03_0700.xls", "other_name")
    ]


@pytest.mark.parametrize(("delimiter", "encoding"), [(",", "utf-8-sig"), ("\t", "utf-16")])
def test_a_register_saved_with_another_delimiter_is_read(context, delimiter, encoding):
    text = rows(entry(1), entry(2)).replace(";", delimiter)
    drop(context, "2026-11-03 07:15", text.encode(encoding))
    assert cycle(context, "2026-11-03 08:15") == []
    assert tickets(context) == {"FD-1", "FD-2"}


def shifted(at: int, by: int, **more: str) -> dict[str, str]:
    """A report of LAPOR! with cells moved to the right (1) or to the left (-1) from a column on."""
    cells = list((REPORT | {TICKET: "2"} | more).values())
    right, left = [*cells[:at], "", *cells[at:-1]], [*cells[:at], *cells[at + 1 :], ""]
    return dict(zip(REPORT, right if by > 0 else left, strict=True))


@pytest.mark.parametrize("unit", ["Dinas Sosial", ""])
@pytest.mark.parametrize(
    ("at", "by"), [*((at, 1) for at in range(4)), *((at, -1) for at in range(8))]
)
def test_shifted_cells_of_a_workbook_show_no_name(context, at, by, unit):
    more = {"Judul Laporan": "Jalan rusak, NIK 9999123456789012", UNIT: unit}
    good = {TICKET: "1"}
    export(
        context.site.folder, "2026-11-03 07:00", good, good | {TICKET: "3"}, shifted(at, by, **more)
    )
    assert cycle(context, "2026-11-03 08:00", "lapor") == []
    assert len(quarantine(context)) <= 1
    found = dump(context)
    assert NAME not in found
    assert "9999123456789012" not in found
    assert {"1", "3"} <= tickets(context)


def shows_changes(context: SiteContext) -> None:
    source = context.site.sources["register"]
    context.site.sources["register"] = source.model_copy(update={"shows": "changes"})


@pytest.mark.parametrize(("text", "reasons"), [("Mengetahui,", []), ("Catatan", ["text_line"])])
def test_a_text_below_a_register_of_changes_loses_no_change(context, text, reasons):
    shows_changes(context)
    signature = {**dict.fromkeys(ROW, ""), "Perihal": text, "Selesai": "Pengelola"}
    for made, new in (("03", []), ("10", [entry(9, **{"Tanggal Masuk": "09/11/2026 08:30"})])):
        drop(context, f"2026-11-{made} 07:15", rows(*(new or [entry(1), entry(2)]), signature))
        assert cycle(context, f"2026-11-{made} 08:15") == []
    assert [reason for _, reason, _, _ in quarantine(context, "register")] == reasons
    assert states(context, "breached") == {"FD-1", "FD-2"}


def test_a_lost_row_of_a_register_of_changes_accuses_nobody(context):
    """It may be a change of any complaint; the next good import counts again."""
    shows_changes(context)
    drop(context, "2026-11-03 07:15", rows(entry(1), entry(2)))
    cycle(context, "2026-11-03 08:15")
    new = [entry(n, **{"Tanggal Masuk": "09/11/2026 08:30"}) for n in range(10, 20)]
    lost = {"No Register": "", "Tindak Lanjut Pertama": "05/11/2026 09:00"}
    drop(context, "2026-11-10 07:15", rows(*new, lost))
    assert cycle(context, "2026-11-10 08:15") == []
    assert states(context, "breached") == set()
    assert told_late(context) == {}
    drop(context, "2026-11-11 07:15", rows(*new[:1]))
    cycle(context, "2026-11-11 08:15")
    assert states(context, "breached") == {"FD-1", "FD-2"}


SEES = ["assigned", "follow_up_published"]


@pytest.mark.parametrize("ticket", [None, '"X"-1"', '"X-2"-1"', '"X-\\q1"'])
def test_an_exchange_file_that_lost_lines_accuses_nobody(context, ticket):
    """A line without a readable ticket may be any complaint: its source is known until before."""
    file = context.site.folder / "sources.toml"
    kab = '[kab]\ntype = "folder"\nfolder = "inbox/kab"\nlayout = "exchange"\n'
    file.write_text(file.read_text("utf-8") + kab, "utf-8")
    context.site.sources = read_sources(file)
    inbox = context.site.folder / "inbox" / "kab"
    inbox.mkdir()
    line = {"source": "desk", "received": "2026-11-02T08:00:00+08:00", "unit": "dinsos"}
    line |= {"events": [{"kind": "assigned", "at": "2026-11-02T09:00:00+08:00", "unit": "dinsos"}]}
    complaints = [json.dumps(line | {"ticket": f"X-{n}"}) for n in range(1, 9)]

    def given(made: str, *lines: str) -> None:
        at = wita(made).isoformat()
        about = {"source": "desk", "exported_at": at, "imported_until": at, "sees": SEES}
        path = inbox / f"{at[:10]}.jsonl"
        path.write_text("\n".join((json.dumps(about), *lines)) + "\n", encoding="utf-8")
        cycle(context, made, "kab")

    given("2026-11-03 08:00", *complaints)
    broken = complaints[0].replace('"X-1"', ticket) if ticket else '{"ti'
    given("2026-11-10 08:00", *complaints[1:], broken)  # it may show the follow-up
    assert told_late(context) == {}
    assert states(context, "breached") == set()
    given("2026-11-11 08:00", *complaints)
    assert states(context, "breached") == {f"X-{n}" for n in range(1, 9)}
