"""A history with a status, or remarks: a row without the date of its end is asked about, not
called late.

November 2026 has no holiday: 2, 9, 16 and 23 are Mondays.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter
from conftest import ON_SQLITE_FIRST, wita
from sqlalchemy import select
from support.import_results import take
from support.pipeline import dump

from db import questions
from db.models import DeadlineRow
from settings.site import load_site
from tasks.common.context import SiteContext
from tasks.common.remarks import word_of_end
from tasks.deadlines import evaluate_and_notify
from tasks.ingest.answers import answer, meaning_of
from tasks.ingest.inference.proposal import learn
from tasks.notifications.questions import meaning_key

MAPPING = """
[register]
type = "folder"
folder = "inbox/register"
pattern = "*.csv"
layout = "history"
zone = "Asia/Makassar"
header = "No"
delimiter = ";"
dates = ["%d/%m/%Y"]
constants = { classification = "complaint" }

[register.observed]
file_name = "register_%Y-%m-%d_%H%M.csv"

[register.fields]
ticket = "No"
received = "Masuk"
status = "Status"

[[register.status]]
word = "selesai"
enter = ["verified", "settled"]

[[register.status]]
word = "proses"
enter = ["verified"]

[[register.events]]
column = "Masuk"
kind = "assigned"
unit = "Unit"

[[register.events]]
column = "Kembali"
kind = "returned"

[[register.events]]
column = "Selesai"
kind = "settled"
"""

RULE = "sp4n-guideline/complaint"
LATE, UNKNOWN = "breached", "unknown"
FIRST, LATER, NOW = "2026-11-03 07:00", "2026-11-10 07:00", "2026-11-27 08:00"


@pytest.fixture
def context(site_folder: Path, open_context: Callable[[], SiteContext]) -> SiteContext:
    (site_folder / "sources.toml").write_text(MAPPING, encoding="utf-8")
    return open_context()


def desk(
    context: SiteContext, made: str, *rows: tuple[str, str, str, str], remarks: str = ""
) -> None:
    """Import a register: number, status, date of return and date of the end of each complaint.

    `remarks` is the title of a column with the statuses instead.
    """
    lines = [f"No;Masuk;Unit;Kembali;Selesai;Status{';' * bool(remarks)}{remarks}"]
    more = ";" * bool(remarks)
    lines += [
        f"{n};02/11/2026;Dinas Sosial;{back};{end};{more}{word}" for n, word, back, end in rows
    ]
    name = f"register_{wita(made):%Y-%m-%d_%H%M}.csv"
    path = context.site.folder / "inbox" / "register" / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    take(context, made, "register")


def states(context: SiteContext) -> dict[str, str]:
    """The state of the settlement of each complaint after 14 working days and more."""
    evaluate_and_notify(context, wita(NOW), f"deadlines {NOW}")
    with context.transaction() as session:
        rows = session.scalars(select(DeadlineRow).where(DeadlineRow.rule == RULE)).all()
        return {row.complaint.ticket: row.state for row in rows}


def asked(context: SiteContext) -> dict[str, str]:
    """The open questions: value and key of the text that explains it."""
    with context.transaction() as session:
        return {
            each.question.value: meaning_key(context.site, each.question)
            for each in questions.open_questions(session)
        }


@ON_SQLITE_FIRST
def test_a_status_that_may_be_an_end_accuses_nobody(context):
    desk(context, FIRST)
    desk(
        context,
        "2026-11-26 07:00",
        ("1", "selesai", "", ""),
        ("2", "dicabut pelapor", "", ""),
        ("3", "proses", "", ""),
        ("4", "", "", ""),
        ("5", "blm ditanggapi", "", ""),
        ("6", "selesai", "", "09/11/2026"),
        ("7", "dikembalikan", "04/11/2026", ""),
    )
    found = states(context)
    assert {n: found[n] for n in "123456"} == {
        "1": UNKNOWN,
        "2": UNKNOWN,
        "3": LATE,
        "4": LATE,
        "5": LATE,
        "6": "met",
    }
    assert asked(context) == {"selesai": "end_by_status", "dicabut pelapor": "end_by_status"}


@ON_SQLITE_FIRST
@pytest.mark.parametrize(
    ("given", "state"), [("2026-11-12", "met"), ("2026-11-25", "met_late"), ("kosong", LATE)]
)
def test_an_answer_is_the_end_or_says_that_there_is_none(context, given, state):
    desk(context, FIRST, ("1", "proses", "", ""))
    desk(context, LATER, ("1", "dicabut pelapor", "", ""))
    desk(context, "2026-11-26 07:00", ("1", "dicabut pelapor", "", ""))
    assert states(context) == {"1": UNKNOWN}
    with context.transaction() as session:
        [open_one] = questions.open_questions(session)
        stored = meaning_of(context.site, open_one.question, given)
        answer(session, context, open_one.question, stored, "test", wita(NOW))
    assert states(context) == {"1": state}


@ON_SQLITE_FIRST
def test_a_remark_that_says_ended_is_asked_about_by_its_word_alone(context):
    toml = context.site.folder / "sources.toml"
    toml.write_text(MAPPING.replace('status = "Status"', 'status = "Status"\nremarks = "Ket"'))
    context = SiteContext(load_site(context.site.folder), context.engine)
    desk(context, FIRST)
    desk(
        context,
        "2026-11-26 07:00",
        ("1", "SELESAI per telp Zulaikha", "", ""),
        ("2", "blm selesai, menunggu alat", "", ""),
        ("3", "sdh beres", "", "09/11/2026"),
        ("4", "Selesai - pelapor puas", "", ""),
        ("5", "koord. dgn Zulaikha", "", ""),
        remarks="KET.",
    )
    found = {"1": UNKNOWN, "2": LATE, "3": "met", "4": UNKNOWN, "5": LATE}
    assert states(context) == found
    assert asked(context) == {"selesai": "end_by_remark"}
    assert "Zulaikha" not in dump(context)
    with context.transaction() as session:
        [open_one] = questions.open_questions(session)
        assert open_one.waiting == 2
        stored = meaning_of(context.site, open_one.question, "2026-11-12")
        answer(session, context, open_one.question, stored, "test", wita(NOW))
    assert states(context) == found | {"1": "met", "4": "met"}
    desk(context, "2026-11-26 08:00", ("1", "proses", "", ""), ("3", "", "", "09/11/2026"))
    assert asked(context) == {"": "vanished"}  # a file may lack the column


@pytest.mark.parametrize(
    ("remark", "word"),
    [
        ("SELESAI per telp", "selesai"),
        ("sdh beres, pelapor tidak puas", "beres"),
        ("Sudah diselesaikan", "diselesaikan"),
        ("tdk dapat dihubungi; ditutup", "ditutup"),
        *((text, "") for text in ("belum selesai", "target selesai 5 Des", "akan diselesaikan")),
        *((text, "") for text in ("selesai minggu depan", "sebagian selesai", "selesai? belum")),
        *((text, "") for text in ("", "proses penyelesaian", "menunggu alat selesai dipasang")),
    ],
)
def test_only_a_remark_that_a_complaint_has_ended_says_so(remark, word):
    assert word_of_end(remark) == word


@pytest.mark.parametrize("title", ["Ket.", "Keterangan", "Hasil", "Catatan"])
def test_a_learned_register_asks_by_its_remarks(tmp_path, title):
    path = tmp_path / "register.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name, head in (("B10", [title]), ("B11", [])):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["No Aduan", "Tgl Masuk", "OPD", "Tgl Selesai", *head])
            for n in range(12):
                end = f"{n + 8}/11/2026" if n < 9 else "-"
                row = [f"{name}-{n}", f"{n + 2}/11/2026", "Dinas Sosial", end]
                sheet.write_row(n + 1, 0, [*row, ("SELESAI per telp", f"ok {n}")[n % 2]])
    learned = learn(path, "register", None)
    assert f'remarks = "{title}"' in learned.mapping
    assert "24 dari 24" in learned.text_in("id")
    said = {each.key: each.text("id") for each in learned.doubts}
    assert "1 pengaduan sudah selesai tanpa tanggal pada kolom 'Tgl Selesai'" in said["ends_asked"]


SNAPSHOT = MAPPING.partition("[[register.events]]")[0].replace("history", "snapshot")


@ON_SQLITE_FIRST
def test_a_status_beside_the_date_of_an_end_accuses_nobody(context):
    mapping = SNAPSHOT.replace(
        'status = "Status"', 'status = "Status"\nend_dates = "Selesai"\nremarks = "Ket"'
    )
    (context.site.folder / "sources.toml").write_text(
        mapping.replace('ticket = "No"', 'ticket = "No"\nunit = "Unit"')
    )
    context = SiteContext(load_site(context.site.folder), context.engine)
    rows = (
        ("1", "09/11/2026", ""),
        ("2", "9/11/2O26", ""),
        ("3", "-", ""),
        ("4", "belum", ""),
        ("5", "30/12/2026", ""),
        ("6", "00/00/0000", "blm selesai"),
        ("7", "", "sdh selesai kata Zulaikha"),
    )
    path = context.site.folder / "inbox" / "register"
    for made in (FIRST, "2026-11-26 07:00"):
        lines = ["No;Masuk;Unit;Selesai;Status;Ket"] + [
            f"{n};02/11/2026;Dinas Sosial;{end};proses;{remark}"
            for n, end, remark in (rows if made != FIRST else [(n, "", "") for n, *_ in rows])
        ]
        file = path / f"register_{wita(made):%Y-%m-%d_%H%M}.csv"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        take(context, made, "register")
    found = {"1": UNKNOWN, "2": UNKNOWN, "7": UNKNOWN, **dict.fromkeys("3456", LATE)}
    assert states(context) == found
    assert asked(context) == dict.fromkeys(
        ("proses + Selesai", "proses + Ket: selesai"), "status_beside_end"
    )
    assert "Zulaikha" not in dump(context)
    with context.transaction() as session:
        for each in questions.open_questions(session):
            word = "proses" if each.waiting == 1 else "selesai"
            stored = meaning_of(context.site, each.question, word)
            answer(session, context, each.question, stored, "test", wita(NOW))
    assert states(context) == {"1": "met", "2": "met", **dict.fromkeys("34567", LATE)}


def test_a_learned_snapshot_asks_by_the_dates_of_ends(tmp_path):
    path = tmp_path / "register.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        head = ["No Aduan", "Tgl Masuk", "OPD", "Tgl Selesai", "Status Penyelesaian", "Hasil"]
        sheet.write_row(0, 0, head)
        for n in range(12):
            end = f"{n + 8}/11/2026" if n < 2 else ""
            word = "Selesai" if n > 7 else "Proses"
            row = [f"FD-{n}", f"{n + 2}/11/2026", "Dinas Sosial", end, word]
            sheet.write_row(n + 1, 0, [*row, "tuntas" if n == 3 else ""])
    learned = learn(path, "register", None)
    assert 'layout = "snapshot"' in learned.mapping
    assert 'status = "Status Penyelesaian"' in learned.mapping
    assert 'end_dates = "Tgl Selesai"' in learned.mapping
    assert 'remarks = "Hasil"' in learned.mapping
    assert '"Tgl Selesai": ' not in learned.mapping


@ON_SQLITE_FIRST
@pytest.mark.parametrize("second", [";;;;09/11/2026;", ";;dan Kesehatan;;;"])
def test_a_complaint_on_two_lines_is_not_called_late(context, second):
    desk(context, FIRST)
    path = context.site.folder / "inbox" / "register" / "register_2026-11-26_0700.csv"
    rows = ("1;02/11/2026;Dinas Sosial;;;", second, "2;02/11/2026;Dinas Sosial;;;")
    path.write_text("\n".join(("No;Masuk;Unit;Kembali;Selesai;Status", *rows)) + "\n")
    take(context, "2026-11-26 07:00", "register")
    assert states(context) == {"1": UNKNOWN, "2": LATE}
    path = path.with_name("register_2026-11-26_0730.csv")
    path.write_text("\n".join(("No;Masuk;Unit;Kembali;Selesai;Status", *rows[::2])) + "\n")
    take(context, "2026-11-26 07:30", "register")
    assert states(context) == {"1": LATE, "2": LATE}


@ON_SQLITE_FIRST
def test_a_status_of_two_lines_is_asked_about_in_one(context):
    desk(context, LATER, ("1", '"menunggu\nkelengkapan"', "", ""))
    assert asked(context) == {"menunggu kelengkapan": "end_by_status"}


@ON_SQLITE_FIRST
def test_the_date_of_the_end_settles_the_question(context):
    desk(context, LATER, ("1", "selesai", "", ""))
    assert len(asked(context)) == 1
    desk(context, "2026-11-26 07:00", ("1", "selesai", "", "09/11/2026"))
    assert (asked(context), states(context)) == ({}, {"1": "met"})


@ON_SQLITE_FIRST
def test_a_status_shows_no_step_of_a_history(context):
    source = load_site(context.site.folder).sources["register"]
    assert source.sees == {"received", "assigned", "returned", "settled"}


def test_a_learned_register_asks_by_its_status(tmp_path):
    path = tmp_path / "register.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["No Aduan", "Tgl Masuk", "OPD", "Tgl Selesai", "Status"])
        for n in range(20):
            end = f"{n + 8}/11/2026" if n < 15 else "-"
            word = "selesai" if n < 16 else ("proses", "digabung dgn FD-3")[n % 2]
            sheet.write_row(n + 1, 0, [f"FD-{n}", f"{n + 2}/11/2026", "Dinas Sosial", end, word])
    learned = learn(path, "register", None)
    assert 'status = "Status"' in learned.mapping
    assert 'layout = "history"' in learned.mapping
    said = {each.key: each.text("id") for each in learned.doubts}
    assert "1 pengaduan sudah selesai tanpa tanggal" in said["ends_asked"]
    assert "status_less_exact" not in said
