"""A history with a status: a row without the date of its end is asked about, not called late.

November 2026 has no holiday: 2, 9, 16 and 23 are Mondays.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter
from conftest import wita
from sqlalchemy import select
from support.import_results import take

from db import questions
from db.models import DeadlineRow
from settings.site import load_site
from tasks.common.context import SiteContext
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


def desk(context: SiteContext, made: str, *rows: tuple[str, str, str, str]) -> None:
    """Import a register: number, status, date of return and date of the end of each complaint."""
    lines = ["No;Masuk;Unit;Kembali;Selesai;Status"]
    lines += [f"{n};02/11/2026;Dinas Sosial;{back};{end};{word}" for n, word, back, end in rows]
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


def test_a_status_of_two_lines_is_asked_about_in_one(context):
    desk(context, LATER, ("1", '"menunggu\nkelengkapan"', "", ""))
    assert asked(context) == {"menunggu kelengkapan": "end_by_status"}


def test_the_date_of_the_end_settles_the_question(context):
    desk(context, LATER, ("1", "selesai", "", ""))
    assert len(asked(context)) == 1
    desk(context, "2026-11-26 07:00", ("1", "selesai", "", "09/11/2026"))
    assert (asked(context), states(context)) == ({}, {"1": "met"})


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
