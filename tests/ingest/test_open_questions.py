"""Open questions: unreadable cells of a watched complaint, what follows from them, and answers.

November 2026 has no holiday: 2, 9, 16 and 23 are Mondays. LAPOR! writes UTC, the site is 8 h ahead.
"""

import logging
import random
from dataclasses import asdict
from datetime import timedelta
from itertools import permutations, product

import pytest
from conftest import ON_BOTH, ON_SQLITE_FIRST, WITA, kind_of_database, wita
from sqlalchemy import select
from support.import_results import counted, dump, history, known, quarantine, take
from support.pipeline import ENTRY, STEPS
from support.small_site import DAY, STATUS, TICKET, UNIT, export

from db import complaints, questions
from db.audit import AuditKind
from db.models import AuditRow, Complaint, DeadlineRow, QuestionRole
from sla.engine.context import UNDETERMINED
from sla.events import history_as_of
from tasks.common.context import SiteContext
from tasks.deadlines import evaluate_and_notify
from tasks.evaluation.explain import as_text, explanations
from tasks.ingest.answers import WrongAnswer, answer, meaning_of, permanent_lines
from tasks.ingest.open_questions import HIDDEN
from tasks.ingest.records import Step
from tasks.ingest.row_doubts import isolated
from tasks.ingest.step_order import StepOrder
from tasks.text.templates import render

KIND = "Klasifikasi Laporan"
VERIFICATION = "sp4n/verification"
INFORMATION = "sp4n-guideline/information"


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """SQLite, except where a test is marked."""
    return kind_of_database(request)


def lapor(context: SiteContext, made: str, *reports: dict[str, str]) -> None:
    export(context.site.folder, made, *reports)
    take(context, made)


def desk(context: SiteContext, made: str, *entries: dict[str, str], now: str = "") -> None:
    """Import the front desk's register of this local moment, then or at another moment."""
    path = context.site.folder / "inbox" / "register" / f"register_{wita(made):%Y-%m-%d_%H%M}.csv"
    blank = ENTRY | dict.fromkeys(STEPS, "")
    lines = [";".join(blank), *(";".join((blank | entry).values()) for entry in entries)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    take(context, now or made, "register")


def asked(context: SiteContext) -> list[tuple[str, str, str, int]]:
    """The open questions: role, column, value, number of waiting complaints."""
    with context.transaction() as session:
        return [
            (each.question.role, each.question.column, each.question.value, each.waiting)
            for each in questions.open_questions(session)
        ]


def states(context: SiteContext, now: str, ticket: str = "5010653") -> dict[str, str]:
    """The states of the deadlines of a complaint after a run at this moment, by rule."""
    evaluate_and_notify(context, wita(now), f"deadlines {now}")
    with context.transaction() as session:
        rows = session.scalars(
            select(DeadlineRow).where(DeadlineRow.complaint.has(ticket=ticket))
        ).all()
        return {row.rule: row.state for row in rows}


def answered(context: SiteContext, now: str, meaning: str, number: int = 1) -> int:
    """Answer a question; return the number of changed complaints."""
    with context.transaction() as session:
        question = questions.get(session, number)
        assert question is not None
        stored = meaning_of(context.site, question, meaning)
        return answer(session, context, question, stored, "test", wita(now)).complaints


# --- every row with a ticket and a date of receipt is watched -------------------------------------


def test_an_unreadable_cell_of_a_snapshot_leaves_the_complaint_watched(context):
    lapor(
        context,
        "2026-11-03 07:00",
        {TICKET: "1", STATUS: "Entah"},
        {TICKET: "2", UNIT: "Dinas Sosail"},
        {TICKET: "3", KIND: "Keluhan"},
        {TICKET: "4", STATUS: ""},
        {TICKET: "5", STATUS: "ENTAH "},
        {TICKET: "6", "Kategori": "x" * 20_001},
        {TICKET: "7", STATUS: "kalimat " * 30},
    )
    assert quarantine(context) == []
    assert asked(context) == [
        ("status", STATUS, "Entah", 2),
        ("unit", UNIT, "Dinas Sosail", 1),
        ("classification", KIND, "Keluhan", 1),
        ("status", STATUS, "", 1),
        ("status", STATUS, HIDDEN, 1),
    ]
    assert known(context, "2").unit == "diskominfo"
    assert known(context, "3").classification == UNDETERMINED
    assert known(context, "6").category == "x" * 255


@pytest.mark.parametrize(
    ("column", "cell", "kind"),
    [
        ("Selesai", "31/02/2026 10:00", "settled"),  # no such day
        ("Selesai", "15/11/2026 10:00", "settled"),  # before the receipt
        ("Selesai", "17/11/2026 08:01", "settled"),  # after the import
        ("Selesai", "kemarin", "settled"),
        ("Selesai", "Senin, 17 November 2026", "settled"),  # a Tuesday
        ("Diverifikasi", "16/13/2026", "verified"),
    ],
)
def test_an_unreadable_date_of_a_step_is_a_doubt_about_that_step(context, column, cell, kind):
    desk(context, "2026-11-17 08:00", {column: cell})
    assert quarantine(context, "register") == []
    assert asked(context) == [("step", column, cell, 1)]
    doubts = [line for line in history(context, "FD-1") if line.endswith("unreadable")]
    assert doubts == [f"{kind} 16 08:30 - 17 08:00 unreadable"]
    assert counted(context, "FD-1")[0] == "received 16 08:30 stated"


NINE, TEN = "17/11 09:00", "17/11 10:00"
SETTLED, REOPENED = "settled 17 09:00", "reopened 17 09:00"


@pytest.mark.parametrize(
    ("settled", "reopened", "again", "expected", "open_columns"),
    [
        # in the same minute: in the order of the columns, a second apart
        (NINE, NINE, "", [SETTLED, REOPENED], []),
        (NINE, NINE, NINE, [SETTLED, REOPENED, SETTLED], []),
        # before the first end: impossible
        (NINE, "16/11 10:00", "", [SETTLED], ["Dibuka Kembali"]),
        (NINE, TEN, "", [SETTLED, "reopened 17 10:00"], []),
    ],
)
def test_a_reopening_follows_an_end(context, settled, reopened, again, expected, open_columns):
    def full(text: str) -> str:
        return text.replace(" ", "/2026 ")

    cells = {"Selesai": settled, "Dibuka Kembali": reopened, "Selesai Kembali": again}
    desk(context, "2026-11-18 08:00", {column: full(cell) for column, cell in cells.items()})
    ends = [
        line.removesuffix(" stated")
        for line in counted(context, "FD-1")
        if line.startswith(("settled", "reopened"))
    ]
    assert ends == expected
    assert [column for _, column, _, _ in asked(context)] == open_columns


PAIRS = [
    ("Ditunda", "Dilanjutkan"),
    ("Permintaan Kelengkapan", "Kelengkapan Diterima"),
    ("Keputusan", "Keputusan Disampaikan"),
    ("Klarifikasi Ombudsman Diminta", "Klarifikasi Dikirim"),
    ("Rekomendasi Ombudsman", "Laporan Rekomendasi"),
    ("Diteruskan", "Tindak Lanjut Pertama"),
    ("Diteruskan", "Dikembalikan"),
]


@pytest.mark.parametrize(("begin", "end"), PAIRS)
def test_a_step_on_a_day_before_the_one_that_it_follows_is_a_question(context, begin, end):
    """Else an unanswered request would be late, or a pause without an end would never be over."""
    cells = {begin: "18/11/2026 09:00", end: "17/11/2026 09:00"}
    desk(context, "2026-11-19 08:00", {"Tindak Lanjut Pertama": "18/11/2026 10:00"} | cells)
    assert asked(context) == [("step", end, "17/11/2026 09:00", 1)]
    kinds = [line.partition(" ")[0] for line in counted(context, "FD-1")]
    doubted = next(line for line in history(context, "FD-1") if "unreadable" in line)
    assert doubted.partition(" ")[0] not in kinds
    assert answered(context, "2026-11-19 09:00", "18/11/2026 09:30") == 1
    assert f"{doubted.partition(' ')[0]} 18 09:30 stated" in [
        line.removesuffix(" dinsos") for line in counted(context, "FD-1")
    ]


@pytest.mark.parametrize(("begin", "end"), PAIRS)
def test_two_steps_of_one_day_are_in_the_order_of_the_procedure(context, begin, end):
    cells = {begin: "18/11/2026 09:00", end: "18/11/2026 08:00"}
    desk(context, "2026-11-19 08:00", {"Tindak Lanjut Pertama": "18/11/2026 10:00"} | cells)
    assert asked(context) == []
    assert len([line for line in counted(context, "FD-1") if " 18 09:00 " in line]) == 2


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        (
            {"Selesai": "17/11/2026 10:00", "Dibuka Kembali": "18/11/2026 09:00"}
            | {"Selesai Kembali": "18/11/2026"},
            ["settled", "reopened", "settled"],
        ),
        (
            {"Selesai": "18/11/2026 10:00", "Dibuka Kembali": "18/11/2026"},
            ["settled", "reopened"],
        ),
        ({"Diteruskan": "18/11/2026 10:00", "Selesai": "18/11/2026"}, ["assigned", "settled"]),
        (
            {"Permintaan Kelengkapan": "18/11/2026 10:00", "Berkas Lengkap": "18/11/2026"},
            ["material_requested", "file_complete"],
        ),
        (
            {"Berkas Lengkap": "18/11/2026 10:00", "Keputusan": "18/11/2026"},
            ["file_complete", "decided"],
        ),
        (
            {"Diteruskan Kembali": "18/11/2026 10:00", "Tindak Lanjut Pertama": "18/11/2026"},
            ["assigned", "follow_up_published"],
        ),
        (
            {"Tindak Lanjut Pertama": "18/11/2026", "Dikembalikan": "18/11/2026 10:00"},
            ["follow_up_published", "returned"],
        ),
        ({"Selesai": "18/11/2026 10:00", "Ditunda": "18/11/2026"}, ["paused", "settled"]),
        (  # a thank-you may come after the end
            {"Selesai": "18/11/2026", "Balasan Pelapor": "18/11/2026 20:10"},
            ["settled", "reporter_replied"],
        ),
        # the day of the receipt, which has a time
        ({"Diteruskan": "16/11/2026 10:00", "Selesai": "16/11/2026"}, ["assigned", "settled"]),
        (
            {"Diteruskan": "16/11/2026 10:00", "Selesai": "16/11/2026 08:30"},
            ["settled", "assigned"],
        ),
    ],
)
def test_a_day_alone_comes_after_what_precedes_it_on_that_day(context, cells, order):
    """It would count from 00:00, before a step with a time of day."""
    steps = dict.fromkeys(("Diverifikasi", "Diteruskan", "Tindak Lanjut Pertama"), "")
    if "Dikembalikan" in cells or "Diteruskan Kembali" in cells:
        steps["Diteruskan"] = "17/11/2026 08:45"
    others = {"Unit Pengganti": "Dinas Lingkungan Hidup"}
    desk(context, "2026-11-19 08:00", steps | others | cells)
    assert asked(context) == []
    wanted = {*order}
    found = [line.split()[0] for line in counted(context, "FD-1") if line.split()[0] in wanted]
    if "17/11/2026 08:45" in steps.values() and "assigned" in wanted:
        found.remove("assigned")  # the first one
    assert found == order


@pytest.mark.parametrize("returned", ["18/11/2026", "18/11/2026 11:00", ""])
def test_a_day_alone_hands_the_complaint_to_the_next_unit(context, returned):
    cells = {"Diteruskan": "18/11/2026 10:00", "Dikembalikan": returned}
    again = {"Diteruskan Kembali": "18/11/2026", "Unit Pengganti": "Dinas Lingkungan Hidup"}
    desk(context, "2026-11-19 08:00", cells | again | {"Tindak Lanjut Pertama": ""})
    assert asked(context) == []
    assert known(context, "FD-1").unit == "dlh"


def test_a_reopening_in_a_column_before_the_only_end_comes_after_it(context):
    """The column of a reopening counts only for a second end."""
    order = StepOrder(context.site.sources["register"])
    reopened = Step("Dibuka Kembali", "reopened", wita("2026-11-18 10:00"), None)
    settled = Step("Selesai", "settled", wita("2026-11-18 00:00"), None, only_day=True)
    found = order.arranged([reopened, settled], pytest.fail, lambda kinds: False)
    assert found == [settled, reopened]


def test_a_second_end_that_repeats_the_first_is_the_same_end(context):
    cells = {"Selesai": "17/11/2026", "Dibuka Kembali": "19/11/2026 09:00"}
    desk(context, "2026-11-20 08:00", cells | {"Selesai Kembali": "17/11/2026"})
    assert asked(context) == []
    assert states(context, "2026-11-20 09:00", "FD-1")[INFORMATION] == "running"


@pytest.mark.parametrize("answer_given", ["2026-11-19", "19/11/2026 15:00"])
def test_a_second_end_before_its_reopening_is_a_question(context, answer_given):
    """Else the complaint would be open since then, and late."""
    cells = {"Selesai": "17/11/2026 10:00", "Dibuka Kembali": "19/11/2026 09:00"}
    desk(context, "2026-11-20 08:00", cells | {"Selesai Kembali": "18/11/2026 15:00"})
    assert asked(context) == [("step", "Selesai Kembali", "18/11/2026 15:00", 1)]
    assert states(context, "2026-12-28 09:00", "FD-1")[INFORMATION] == "unknown"
    assert answered(context, "2026-12-28 10:00", answer_given) == 1
    assert asked(context) == []
    again = {"Selesai Kembali": "18/11/2026 15:00", "Perihal": "Lain"}
    desk(context, "2026-12-28 10:30", cells | again)
    assert asked(context) == []
    assert states(context, "2026-12-28 11:00", "FD-1")[INFORMATION] == "met"


@pytest.mark.parametrize(
    ("again", "unit", "questions_asked"),
    [
        ("17/11/2026 14:00", "dlh", []),  # the same day: in the order of the columns
        ("16/11/2026 14:00", None, ["Diteruskan Kembali"]),
    ],
)
def test_a_return_by_the_first_unit_does_not_undo_the_hand_over(
    context, again, unit, questions_asked
):
    cells = {"Dikembalikan": "17/11/2026 15:00", "Diteruskan Kembali": again}
    after = {"Unit Pengganti": "Dinas Lingkungan Hidup", "Tindak Lanjut Pertama": ""}
    desk(context, "2026-11-18 08:00", cells | after)
    desk(context, "2026-12-28 08:00", cells | after)
    assert [column for _, column, _, _ in asked(context)] == questions_asked
    assert known(context, "FD-1").unit == unit
    found = states(context, "2026-12-28 09:00", "FD-1")
    assert ("breached" in found.values()) == (not questions_asked)


def test_a_date_without_a_time_on_the_day_of_receipt_is_no_date_before_it(context):
    days = {"Diverifikasi": "16/11/2026", "Diteruskan": "16/11/2026", "Selesai": "16/11/2026"}
    desk(context, "2026-11-24 08:00", days | {"Tindak Lanjut Pertama": ""})
    assert asked(context) == []
    found = states(context, "2026-11-24 09:00", "FD-1")
    assert {found[rule] for rule in (VERIFICATION, INFORMATION, "sp4n/first-follow-up")} == {"met"}


def test_an_assignment_without_the_name_of_a_unit_calls_nobody_late(context):
    """Also not the administrator's unit, which holds the complaint."""
    blank = {"Tindak Lanjut Pertama": "", "No Register": "FD-2"}
    desk(context, "2026-11-17 08:00", blank)
    desk(context, "2026-12-28 08:00", blank | {"Unit": ""})
    assert asked(context) == [("unit", "Unit", "", 1)]
    found = states(context, "2026-12-28 09:00", "FD-2")
    assert "breached" not in found.values()
    assert answered(context, "2026-12-28 10:00", "Dinas Sosial") == 1
    assert states(context, "2026-12-28 11:00", "FD-2")[INFORMATION] == "breached"


def test_a_reopening_without_an_end_accuses_nobody_before_the_end_is_known(context):
    """It proves an end, so neither the information nor the follow-up was certainly late."""
    open_step = {"Tindak Lanjut Pertama": "", "Dibuka Kembali": "18/11/2026 10:00"}
    desk(context, "2026-11-17 08:00", open_step | {"Dibuka Kembali": ""})
    desk(context, "2026-11-24 08:00", open_step)
    found = states(context, "2026-11-24 09:00", "FD-1")
    assert {found[INFORMATION], found["sp4n/first-follow-up"]} == {"unknown"}
    assert asked(context) == [("step", "Dibuka Kembali", "18/11/2026 10:00", 1)]
    desk(context, "2026-11-24 10:00", open_step | {"Selesai": "17/11/2026 10:00"})
    found = states(context, "2026-11-24 11:00", "FD-1")
    assert (found[INFORMATION], found["sp4n/first-follow-up"]) == ("running", "met")
    assert asked(context) == []


def test_a_reopening_beside_an_unreadable_end_asks_only_about_the_end(context):
    cells = {"Selesai": "entah", "Dibuka Kembali": "17/11/2026 10:00"}
    desk(context, "2026-11-24 08:00", cells)
    assert asked(context) == [("step", "Selesai", "entah", 1)]
    assert states(context, "2026-11-24 09:00", "FD-1")[INFORMATION] == "unknown"


def test_a_receipt_far_from_its_neighbours_is_a_question_before_it_accuses(context):
    days = ("02/11/2026", "02/11/2025", "03/11/2026", "04/11/2026")
    blank = dict.fromkeys(("Diverifikasi", "Diteruskan", "Tindak Lanjut Pertama"), "")
    desk(
        context,
        "2026-11-05 08:00",
        *(
            blank | {"No Register": f"FD-{n}", "Tanggal Masuk": f"{day} 09:00"}
            for n, day in enumerate(days)
        ),
    )
    assert asked(context) == [("receipt", "Tanggal Masuk", "02/11/2025 09:00", 1)]
    assert set(states(context, "2026-11-05 09:00", "FD-1").values()) == {"unknown"}
    assert answered(context, "2026-11-05 10:00", "benar") == 1
    assert "breached" in states(context, "2026-11-05 11:00", "FD-1").values()
    assert answered(context, "2026-11-05 12:00", "02/11/2026 09:00") == 1
    assert known(context, "FD-1").received_at == wita("2026-11-02 09:00")
    assert "breached" not in states(context, "2026-11-05 13:00", "FD-1").values()


@pytest.mark.parametrize(
    ("reply", "is_late"),
    [
        ("benar", True),
        ("02/11/2026 09:00", False),
    ],
)
def test_a_receipt_moved_far_back_is_a_question_until_it_is_answered(context, reply, is_late):
    """With day and month swapped the requests of 2 November are requests of 11 February."""
    blank = dict.fromkeys(("Diverifikasi", "Diteruskan", "Tindak Lanjut Pertama"), "")

    def register(made: str, swapped: set[int], **more: str) -> None:
        entries = [
            blank | {"No Register": f"FD-{n}", "Tanggal Masuk": f"{day}/2026 09:00"} | more
            for n in range(5)
            for day in ["11/02" if n in swapped else "02/11"]
        ]
        desk(context, made, *entries)

    question = ("receipt", "Tanggal Masuk", "11/02/2026 09:00", 2)
    register("2026-11-02 10:00", set())
    first = states(context, "2026-11-02 11:00", "FD-0")
    for made, title in (("2026-11-03 08:00", "Jalan"), ("2026-11-04 08:00", "Lampu")):
        register(made, {0, 1}, Perihal=title)
        assert asked(context) == [question]
        found = states(context, made.replace("08:00", "09:00"), "FD-0")
        assert set(found.values()) == {"unknown"}
    register("2026-11-05 08:00", {0}, Perihal="Jalan")  # the date of FD-1 has come back
    assert asked(context) == [(*question[:3], 1)]
    assert states(context, "2026-11-05 09:00", "FD-1") == first
    with context.transaction() as session:
        number = questions.open_questions(session)[0].question.id
    assert answered(context, "2026-11-05 10:00", reply, number) == 1
    assert asked(context) == []
    register("2026-11-05 12:00", {0}, Perihal="Lampu")  # the answer stays
    assert asked(context) == []
    found = states(context, "2026-11-05 13:00", "FD-0")
    assert ("breached" in found.values()) is is_late
    assert is_late or found == first


def test_receipts_out_of_order_with_day_and_month_swapped_are_questions(context):
    """11 and 10 September are less than 90 days away from November, and beside each other."""
    blank = dict.fromkeys(("Diverifikasi", "Diteruskan", "Tindak Lanjut Pertama"), "")
    days = ("29/10/2026", "02/11/2026", "11/09/2026", "11/10/2026", "13/11/2026")
    entries = [
        blank | {"No Register": f"FD-{n}", "Tanggal Masuk": f"{day} 09:00"}
        for n, day in enumerate(days)
    ]
    desk(context, "2026-11-20 08:00", *entries)
    assert asked(context) == [
        ("receipt", "Tanggal Masuk", "11/09/2026 09:00", 1),
        ("receipt", "Tanggal Masuk", "11/10/2026 09:00", 1),
    ]
    assert set(states(context, "2026-11-20 09:00", "FD-2").values()) == {"unknown"}
    assert answered(context, "2026-11-20 10:00", "benar", 1) == 1
    assert answered(context, "2026-11-20 10:00", "10/11/2026 09:00", 2) == 1
    assert "breached" in states(context, "2026-11-20 11:00", "FD-2").values()
    assert known(context, "FD-3").received_at == wita("2026-11-10 09:00")


def test_receipts_in_no_order_raise_no_question(context):
    days = ("1 Jan 2026", "1 Oct 2026", "2 Feb 2026", "2 Nov 2026", "3 Mar 2026", "3 Nov 2026")
    lapor(
        context,
        "2026-11-05 07:00",
        *({TICKET: str(n), DAY: day} for n, day in enumerate(days)),
    )
    assert asked(context) == []


def test_a_long_file_in_random_order_raises_no_question():
    chance = random.Random(7)
    start = wita("2024-01-01 08:00")
    moments = [start + timedelta(minutes=chance.randrange(1_500_000)) for _ in range(2_000)]
    assert isolated(moments, timedelta(days=90)) == []
    assert isolated(sorted(moments), timedelta(days=90)) == []
    typo = [*sorted(moments)[:1_000], start - timedelta(days=365), *sorted(moments)[1_000:]]
    assert isolated(typo, timedelta(days=90)) == [1_000]


# --- what rests on an unknown word ----------------------------------------------------------------


@pytest.mark.thorough
def test_a_classification_that_is_emptied_later_is_undetermined_until_answered(context):
    """Without one from the start, the rules that need one do not apply and nothing is asked."""
    late = {STATUS: "Terverifikasi", KIND: "Permintaan Informasi"}
    second = {TICKET: "2", KIND: "-"}
    for made in ("2026-11-03 07:00", "2026-11-24 07:00"):
        lapor(context, made, late, second)
    assert states(context, "2026-11-24 08:00")[INFORMATION] == "breached"
    assert asked(context) == []
    for made, category in (("2026-11-25 07:00", "Jalan"), ("2026-11-26 07:00", "Jembatan")):
        lapor(context, made, late | {KIND: "-", "Kategori": category}, second)
        assert asked(context) == [("classification", KIND, "", 1)]
        assert known(context, "5010653").classification == UNDETERMINED
        assert INFORMATION not in states(context, made.replace("07:00", "08:00"))
    assert answered(context, "2026-11-26 09:00", "Permintaan Informasi") == 1
    assert states(context, "2026-11-26 10:00")[INFORMATION] == "breached"
    lapor(context, "2026-11-27 07:00", late | {KIND: "", "Kategori": "Jalan"}, second)
    assert known(context, "5010653").classification == "information_request"
    assert known(context, "2").classification is None
    assert asked(context) == []


@pytest.mark.thorough
@ON_BOTH
def test_nothing_is_decided_from_an_unknown_status_on(context):
    """The deadline of the verification is the end of the 5th."""
    new = {STATUS: "Belum Terverifikasi", UNIT: ""}
    lapor(context, "2026-11-03 07:00", new)
    assert states(context, "2026-11-03 08:00")[VERIFICATION] == "running"
    lapor(context, "2026-11-04 07:00", new | {STATUS: "Entah"})
    assert states(context, "2026-11-04 08:00")[VERIFICATION] == "unknown"
    lapor(context, "2026-11-09 07:00", new | {STATUS: "Entah"})
    assert states(context, "2026-11-09 08:00")[VERIFICATION] == "unknown"
    assert answered(context, "2026-11-09 09:00", "belum terverifikasi") == 1
    assert states(context, "2026-11-09 10:00")[VERIFICATION] == "breached"


@pytest.mark.thorough
def test_what_was_late_before_an_unknown_word_stays_late(context):
    new = {STATUS: "Belum Terverifikasi", UNIT: ""}
    lapor(context, "2026-11-03 07:00", new)
    lapor(context, "2026-11-06 07:00", new)
    lapor(context, "2026-11-09 07:00", new | {STATUS: "Entah"})
    assert states(context, "2026-11-09 08:00")[VERIFICATION] == "breached"


def test_what_was_late_before_an_unknown_word_stays_late_when_a_unit_is_named(context):
    """The unit proves the verification; the export of the 6th showed it undone."""
    new = {STATUS: "Belum Terverifikasi", UNIT: ""}
    lapor(context, "2026-11-03 07:00", new)
    lapor(context, "2026-11-06 07:00", new)
    lapor(context, "2026-11-09 07:00", {STATUS: "Entah"})
    assert states(context, "2026-11-09 08:00")[VERIFICATION] == "met_late"


def test_a_unit_named_after_an_unknown_word_proves_no_lateness(context):
    """The last status that could be read is of the 4th, before the deadline."""
    lapor(context, "2026-11-03 07:00", {STATUS: "Belum Terverifikasi", UNIT: ""})
    lapor(context, "2026-11-04 07:00", {STATUS: "Belum Terverifikasi", UNIT: ""})
    lapor(context, "2026-11-06 07:00", {STATUS: "Entah", UNIT: ""})
    lapor(context, "2026-11-09 07:00", {STATUS: "Entah"})
    assert states(context, "2026-11-09 08:00")[VERIFICATION] == "unknown"


@pytest.mark.thorough
@ON_BOTH
def test_an_answer_applies_as_of_the_time_of_each_snapshot(context):
    new = {STATUS: "Belum Terverifikasi", UNIT: ""}
    lapor(context, "2026-11-03 07:00", new)
    lapor(context, "2026-11-04 07:00", {STATUS: "Entah"})
    lapor(context, "2026-11-06 07:00", {})
    assert counted(context)[1:] == [
        "assigned 03 07:00 - 04 07:00 observed dinsos",
        "verified 03 07:00 - 06 07:00 observed",
    ]
    assert answered(context, "2026-11-09 09:00", "Terverifikasi") == 1
    assert counted(context)[1:] == [
        "verified 03 07:00 - 04 07:00 observed",
        "assigned 03 07:00 - 04 07:00 observed dinsos",
    ]
    assert answered(context, "2026-11-09 10:00", "kosong") == 1  # another answer replaces it
    assert counted(context)[2] == "verified 03 07:00 - 06 07:00 observed"
    lapor(context, "2026-11-10 07:00", {STATUS: "Entah"}, {TICKET: "2", STATUS: "Entah"})
    assert asked(context) == []


@pytest.mark.thorough
@ON_BOTH
@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_the_order_of_imports_does_not_matter(context, at):
    """Neither that of the files, nor when between them the answer comes."""
    new = {STATUS: "Belum Terverifikasi", UNIT: "Dinas Lama"}
    files = {
        "2026-11-03 07:00": new,
        "2026-11-04 07:00": {STATUS: "Entah", UNIT: "Dinas Lama"},
        "2026-11-05 07:00": {STATUS: "Ditutup oleh Admin"},
    }
    expected = [
        "assigned 02 09:00 - 03 07:00 unknown pupr",
        "verified 03 07:00 - 04 07:00 observed",
        "returned 04 07:00 - 05 07:00 observed pupr",
        "assigned 04 07:00 - 05 07:00 observed dinsos",
        "closed 04 07:00 - 05 07:00 observed",
    ]
    for n, made in enumerate(permuted(list(files), at)):
        export(context.site.folder, made, {} | files[made])
        take(context, f"2026-11-06 0{n}:00")
        if n == 1:
            answer_all(context, "2026-11-06 01:30")
    answer_all(context, "2026-11-06 09:00")
    assert counted(context)[1:] == expected
    assert asked(context) == []


def permuted(files: list[str], number: int) -> tuple[str, ...]:
    return list(permutations(files))[number + 1]


def answer_all(context: SiteContext, now: str) -> None:
    with context.transaction() as session:
        for each in questions.open_questions(session, answered=True):
            meaning = "Terverifikasi" if each.question.role == QuestionRole.STATUS else "pupr"
            answer(session, context, each.question, meaning, "test", wita(now))


def test_an_unknown_unit_leaves_the_unit_before_it_in_charge_and_is_said_so(context):
    lapor(context, "2026-11-03 07:00", {})
    before = counted(context)
    lapor(context, "2026-11-04 07:00", {UNIT: "Dinas Pertanian"})
    assert counted(context) == before
    assert known(context).unit == "dinsos"
    assert "kolom Instansi Terdisposisi berisi “Dinas Pertanian”" in explained(context)
    assert answered(context, "2026-11-05 09:00", "Dinas Pekerjaan Umum dan Penataan Ruang") == 1
    assert counted(context)[-2:] == [
        "returned 03 07:00 - 04 07:00 observed dinsos",
        "assigned 03 07:00 - 04 07:00 observed pupr",
    ]
    assert known(context).unit == "pupr"
    assert "Dinas Pertanian" not in explained(context)


def test_the_administrators_unit_stands_in_only_until_a_known_unit_is_shown(context):
    lapor(context, "2026-11-03 07:00", {UNIT: "Dinas Pertanian"})
    assert known(context).unit == "diskominfo"
    lapor(context, "2026-11-05 07:00", {})
    assert counted(context)[2:] == ["assigned 02 09:00 - 05 07:00 unknown dinsos"]
    assert known(context).unit == "dinsos"


@ON_BOTH
@pytest.mark.parametrize("late", [None, "2026-11-03 07:00", "2026-11-04 07:00"])
def test_a_cell_that_has_lost_its_unit_is_no_return(context, late):
    """Also if one of the files comes after all others."""
    files = {"2026-11-03 07:00": {}, "2026-11-04 07:00": {UNIT: ""}, "2026-11-05 07:00": {UNIT: ""}}
    for n, made in enumerate(sorted(files, key=lambda made: made == late)):
        export(context.site.folder, made, files[made] | {"Kategori": made[8:10]})
        take(context, f"2026-11-05 0{7 + n}:30")
    assert asked(context) == [("unit", UNIT, "", 1)]
    assert [line.split()[0] for line in counted(context)] == ["received", "verified", "assigned"]
    assert known(context).unit == "dinsos"
    assert "kolom Instansi Terdisposisi berisi “(kosong)”" in explained(context)
    with pytest.raises(WrongAnswer, match="no unit fits every emptied cell"):
        answered(context, "2026-11-05 10:00", "Dinas Sosial")
    assert answered(context, "2026-11-05 10:00", "kosong") == 1
    assert counted(context)[-1] == "returned 03 07:00 - 04 07:00 observed dinsos"
    assert known(context).unit is None
    lapor(context, "2026-11-06 07:00", {}, {TICKET: "2"})
    lapor(context, "2026-11-07 07:00", {UNIT: ""}, {TICKET: "2", UNIT: ""})
    assert asked(context) == []
    assert counted(context, "2")[-1] == "returned 06 07:00 - 07 07:00 observed dinsos"


@pytest.mark.parametrize(
    ("status", "word"),
    [("Belum Terverifikasi", "returned"), ("Diarsipkan oleh Admin", "archived")],
)
def test_a_status_says_why_a_cell_has_lost_its_unit(context, status, word):
    lapor(context, "2026-11-03 07:00", {})
    lapor(context, "2026-11-04 07:00", {UNIT: "", STATUS: status})
    assert asked(context) == []
    unit = " dinsos" if word == "returned" else ""
    assert counted(context)[3:] == [f"{word} 03 07:00 - 04 07:00 observed{unit}"]


def test_the_question_about_a_lost_unit_ends_with_the_unit(context):
    lapor(context, "2026-11-03 07:00", {})
    lapor(context, "2026-11-04 07:00", {UNIT: ""})
    before = counted(context)
    lapor(context, "2026-11-05 07:00", {UNIT: ""})
    lapor(context, "2026-11-06 07:00", {})
    assert asked(context) == []
    assert counted(context) == before
    lapor(context, "2026-11-07 07:00", {UNIT: ""})
    assert asked(context) == [("unit", UNIT, "", 1)]
    lapor(context, "2026-11-08 07:00", {UNIT: "Dinas Pekerjaan Umum dan Penataan Ruang"})
    assert asked(context) == []
    assert counted(context)[-2:] == [
        "returned 06 07:00 - 08 07:00 observed dinsos",
        "assigned 06 07:00 - 08 07:00 observed pupr",
    ]


def test_nobody_is_called_late_while_the_unit_in_charge_is_unknown(context):
    """The clocks run on and remind the administrator's unit; the answer decides who is late."""
    lapor(context, "2026-11-03 07:00", {})
    first = states(context, "2026-11-03 08:00")
    lapor(context, "2026-11-04 07:00", {UNIT: "Dinas Pertanian"})
    running = {rule for rule, state in first.items() if state == "running"}
    assert running
    waiting = states(context, "2026-11-04 08:00")
    assert {waiting[rule] for rule in running} == {"running"}
    lapor(context, "2026-12-28 07:00", {UNIT: "Dinas Pertanian"})
    late = states(context, "2026-12-28 08:00")
    assert {late[rule] for rule in running} == {"unknown"}
    assert answered(context, "2026-12-28 09:00", "Dinas Pekerjaan Umum dan Penataan Ruang") == 1
    decided = states(context, "2026-12-28 10:00")
    assert {decided[rule] for rule in running} == {"breached"}


def test_nobody_is_called_late_while_a_register_names_an_unknown_unit(context):
    entries = ({}, {"No Register": "FD-9", "Unit": "Dinas Entah"})
    desk(context, "2026-11-17 08:00", *entries)
    desk(context, "2026-12-28 08:00", *entries)
    known_unit = states(context, "2026-12-28 09:00", "FD-1")
    late = {rule for rule, state in known_unit.items() if state == "breached"}
    assert late
    found = states(context, "2026-12-28 09:00", "FD-9")
    assert {found[rule] for rule in late} == {"unknown"}
    assert answered(context, "2026-12-28 10:00", "Dinas Sosial") == 1
    assert states(context, "2026-12-28 11:00", "FD-9") == known_unit


def explained(context: SiteContext, ticket: str = "5010653", at: str = "2026-11-12 08:00") -> str:
    with context.transaction() as session:
        return "".join(
            as_text(context.site, one) for one in explanations(session, context, ticket, wita(at))
        )


def test_rules_that_ask_for_an_unknown_classification_are_undetermined(context):
    blank = {"Tindak Lanjut Pertama": "", "Klasifikasi": "Keluhan Layanan"}
    desk(context, "2026-11-17 08:00", blank)
    assert INFORMATION not in states(context, "2026-11-24 09:00", "FD-1")
    text = explained(context, "FD-1", "2026-11-24 09:30")
    assert f"({INFORMATION})" in text
    assert "Belum dapat ditentukan apakah aturan ini berlaku" in text
    assert f"({VERIFICATION})" in text  # it asks for no classification
    assert answered(context, "2026-11-24 10:00", "permintaan informasi") == 1
    assert states(context, "2026-11-24 11:00", "FD-1")[INFORMATION] == "unknown"  # read on the 17th
    desk(context, "2026-11-24 12:00", blank)
    assert states(context, "2026-11-24 13:00", "FD-1")[INFORMATION] == "breached"


@ON_SQLITE_FIRST
def test_a_step_with_an_unreadable_date_leaves_its_rules_open_until_it_is_answered(context):
    """The request for information of the 16th is due at the end of the 23rd."""
    desk(context, "2026-11-17 08:00", {})
    desk(context, "2026-11-24 08:00", {"Selesai": "30/02/2026 10:00"})
    assert states(context, "2026-11-24 09:00", "FD-1")[INFORMATION] == "unknown"
    said = explained(context, "FD-1", "2026-11-24 09:00")
    assert "Isian Selesai pada data Selasa, 24 November 2026" in said
    assert "belum jelas: tidak terbaca" in said
    with pytest.raises(WrongAnswer, match="before the receipt of 1 of the complaints"):
        answered(context, "2026-11-24 10:00", "15/11/2026 10:00")
    with pytest.raises(WrongAnswer, match="is no date; write for example 2026-11-24 08:30"):
        answered(context, "2026-11-24 10:00", "besok")
    assert answered(context, "2026-11-24 10:00", "20/11/2026 10:00") == 1
    assert states(context, "2026-11-24 11:00", "FD-1")[INFORMATION] == "met"
    before = dump(context)
    desk(context, "2026-11-25 08:00", {"Selesai": "30/02/2026 10:00"})  # the answer stays
    assert counted(context, "FD-1", "2026-11-25 09:00")[-1] == "settled 20 10:00 stated"
    assert len(dump(context).splitlines()) == len(before.splitlines()) + 1  # the import
    assert answered(context, "2026-11-25 10:00", "kosong") == 1
    assert states(context, "2026-11-25 11:00", "FD-1")[INFORMATION] == "breached"


DINSOS = {"Unit": "Dinas Sosial"}


@pytest.mark.parametrize(
    ("cells", "day", "expected"),
    [
        ({}, "16/11/2026", ["received 16 08:30", "settled 16 08:30"]),
        ({}, "17/11/2026", ["received 16 08:30", "settled 17 00:00"]),
        (
            DINSOS | {"Diteruskan": "16/11/2026 10:00"},
            "16/11/2026",
            ["received 16 08:30", "assigned 16 10:00", "settled 16 10:00"],
        ),
        (
            DINSOS | {"Diteruskan": "17/11/2026 10:00"},
            "17/11/2026",
            ["received 16 08:30", "assigned 17 10:00", "settled 17 10:00"],
        ),
        (
            DINSOS | {"Diteruskan": "17/11/2026 10:00"},
            "17/11/2026 09:00",
            ["received 16 08:30", "settled 17 09:00", "assigned 17 10:00"],
        ),
        ({}, "Selasa, 17 November 2026", ["received 16 08:30", "settled 17 00:00"]),
        ({}, "17 Nov 2026 jam 9.15", ["received 16 08:30", "settled 17 09:15"]),
    ],
)
def test_an_answer_without_a_time_of_day_is_in_the_order_of_the_procedure(
    context, cells, day, expected
):
    """As the same text in the file; the next import changes nothing of it."""

    blank = {"Diverifikasi": "", "Unit": "", "Diteruskan": "", "Tindak Lanjut Pertama": ""}

    def steps(now: str) -> list[str]:
        found = counted(context, "FD-1", now)
        return [line.removesuffix(" dinsos").removesuffix(" stated") for line in found]

    unreadable = blank | cells | {"Selesai": "30/02/2026"}
    desk(context, "2026-11-18 08:00", unreadable)
    assert answered(context, "2026-11-18 09:00", day) == 1
    assert steps("2026-11-18 10:00") == expected
    desk(context, "2026-11-19 08:00", unreadable)
    assert steps("2026-11-19 10:00") == expected
    assert [column for _, column, _, _ in asked(context)] == []


@pytest.mark.parametrize(
    ("column", "rule"),
    [
        ("Diteruskan", "sp4n/first-follow-up"),
        ("Klarifikasi Ombudsman Diminta", "uu-37-2008/clarification"),
    ],
)
def test_what_was_late_stays_late_without_the_date_of_its_begin(context, column, rule):
    """Until the administrator answers that the duty has not begun."""
    begun = {"Tindak Lanjut Pertama": "", column: "16/11/2026 09:30"}
    desk(context, "2026-11-17 08:00", begun)
    desk(context, "2026-12-02 08:00", begun)
    assert states(context, "2026-12-02 09:00", "FD-1")[rule] == "breached"
    desk(context, "2026-12-03 08:00", begun | {column: ""})
    assert states(context, "2026-12-03 09:00", "FD-1")[rule] == "breached"
    assert asked(context) == [("step", column, "", 1)]
    assert answered(context, "2026-12-03 10:00", "kosong") == 1
    assert rule not in states(context, "2026-12-03 11:00", "FD-1")
    desk(context, "2026-12-04 08:00", begun | {column: "", "Perihal": "Baru"})
    assert asked(context) == []


@ON_SQLITE_FIRST
def test_a_vanished_date_is_asked_about_for_each_time(context):
    """The answer counts for those that wait: a later export may lose the dates of a column."""
    done = {"Selesai": "17/11/2026 10:00"}
    two = {"No Register": "FD-2"}
    desk(context, "2026-11-18 08:00", done, done | two)
    desk(context, "2026-11-24 08:00", {}, done | two)
    assert asked(context) == [("step", "Selesai", "", 1)]
    assert states(context, "2026-11-24 09:00", "FD-1")[INFORMATION] == "unknown"
    said = explained(context, "FD-1", "2026-11-24 09:00")
    assert "Isian Selesai pada data Selasa, 24 November 2026" in said
    assert "atau dikosongkan" in said
    with pytest.raises(WrongAnswer, match="no date fits every emptied cell"):
        answered(context, "2026-11-24 10:00", "20/11/2026 10:00")
    assert answered(context, "2026-11-24 10:00", "kosong") == 1
    assert states(context, "2026-11-24 11:00", "FD-1")[INFORMATION] == "breached"
    desk(context, "2026-11-25 08:00", {"Perihal": "Lain"}, two)
    assert asked(context) == [("step", "Selesai", "", 1)]
    found = [
        states(context, "2026-11-25 09:00", ticket)[INFORMATION] for ticket in ("FD-1", "FD-2")
    ]
    assert found == ["breached", "unknown"]
    desk(context, "2026-11-26 08:00", {}, done | two)
    assert asked(context) == []


PLANNED = {"Selesai": "20/11/2026 10:00"}


@pytest.mark.parametrize(
    ("reply", "settled", "state"),
    [("21/11/2026 09:00", ["settled 21 09:00 stated"], "met"), ("kosong", [], "breached")],
)
def test_a_date_written_before_its_day_is_a_question_until_it_is_answered(
    context, reply, settled, state
):
    """Else a plan would become a settlement when its day has come. FD-2 shows no plan."""
    other = {"No Register": "FD-2"}
    desk(context, "2026-11-17 08:00", PLANNED, other)
    for day in ("24", "25"):
        desk(context, f"2026-11-{day} 08:00", PLANNED | {"Perihal": day}, PLANNED | other)
        assert asked(context) == [("step", "Selesai", PLANNED["Selesai"], 1)]
        assert states(context, f"2026-11-{day} 09:00", "FD-1")[INFORMATION] == "unknown"
    assert answered(context, "2026-11-25 10:00", reply) == 1
    for day in ("26", "27"):
        desk(context, f"2026-11-{day} 08:00", PLANNED | {"Perihal": day}, PLANNED | other)
        ends = [line for line in counted(context, "FD-1", "2026-11-28 08:00") if "settled" in line]
        assert ends == settled
    assert states(context, "2026-11-27 09:00", "FD-1")[INFORMATION] == state
    assert counted(context, "FD-2", "2026-11-28 08:00")[-1] == "settled 20 10:00 stated"


def test_a_plan_is_asked_about_again_when_its_day_has_come(context):
    """The answer that nothing had happened could not know about the day of the plan."""
    desk(context, "2026-11-17 08:00", PLANNED)
    assert answered(context, "2026-11-18 10:00", "kosong") == 1
    desk(context, "2026-11-19 08:00", PLANNED)
    assert asked(context) == []
    for day in ("24", "25"):
        desk(context, f"2026-11-{day} 08:00", PLANNED)
        assert asked(context) == [("step", "Selesai", PLANNED["Selesai"], 1)]
        assert states(context, f"2026-11-{day} 09:00", "FD-1")[INFORMATION] == "unknown"
    assert answered(context, "2026-11-25 10:00", "kosong") == 1
    desk(context, "2026-11-26 08:00", PLANNED)
    assert asked(context) == []
    assert states(context, "2026-11-26 09:00", "FD-1")[INFORMATION] == "breached"


def test_a_date_on_the_day_after_the_file_is_no_plan(context):
    """The file may be of the next morning, and named by the last day of its period."""
    desk(context, "2026-11-19 23:59", PLANNED)
    desk(context, "2026-11-24 08:00", PLANNED)
    assert asked(context) == []
    assert states(context, "2026-11-24 09:00", "FD-1")[INFORMATION] == "met"


def test_an_older_file_that_comes_late_shows_that_a_date_was_a_plan(context):
    desk(context, "2026-11-24 08:00", PLANNED)
    assert states(context, "2026-11-24 09:00", "FD-1")[INFORMATION] == "met"
    desk(context, "2026-11-17 08:00", PLANNED, now="2026-11-24 10:00")
    desk(context, "2026-11-25 08:00", PLANNED | {"Perihal": "Lain"})
    assert asked(context) == [("step", "Selesai", PLANNED["Selesai"], 1)]
    assert states(context, "2026-11-25 09:00", "FD-1")[INFORMATION] == "unknown"


@pytest.mark.parametrize("cell", ["20/11/2026 10:30", "19/11/2026 10:00"])
def test_another_date_than_the_planned_one_is_a_record(context, cell):
    desk(context, "2026-11-17 08:00", PLANNED)
    desk(context, "2026-11-24 08:00", {"Selesai": cell})
    assert asked(context) == []
    assert states(context, "2026-11-24 09:00", "FD-1")[INFORMATION] == "met"


def test_a_time_written_earlier_on_its_own_day_is_a_record_of_that_day(context):
    desk(context, "2026-11-20 08:00", PLANNED)
    assert states(context, "2026-11-20 09:00", "FD-1")[INFORMATION] != "met"
    desk(context, "2026-11-24 08:00", PLANNED)
    assert asked(context) == []
    assert states(context, "2026-11-24 09:00", "FD-1")[INFORMATION] == "met"


SHOWN: dict[str, dict[str, str]] = {
    "nothing": {},
    "date": {"Selesai": "17/11/2026 10:00"},
    "later date": {"Selesai": "18/11/2026 07:00"},
    "word": {"Selesai": "sudah"},
    "return": {"Dikembalikan": "17/11/2026 10:00"},
}
"""What an export may show of an entry."""


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_only_older_registers_show_is_in_doubt_in_any_order_of_the_files(context, order):
    """Since when it is in doubt may depend on the order, but is never later than the first date."""
    days = ("2026-11-18 08:00", "2026-11-19 08:00", "2026-11-20 08:00")
    entries = {f"FD-{n}": seen for n, seen in enumerate(product(SHOWN, repeat=3))}
    for number, place in enumerate(order):
        shown = [SHOWN[seen[place]] | {"No Register": each} for each, seen in entries.items()]
        desk(context, days[place], *shown, now=f"2026-11-20 1{number}:00")
    doubts: dict[str, set[str]] = {}
    with context.transaction() as session:
        rows = {row.id: row.ticket for row in session.scalars(select(Complaint))}
        for key, events in complaints.events_of(session, rows).items():
            _, found = history_as_of(events, wita("2026-11-24 08:00"))
            seen = entries[rows[key]]
            if seen[0] == "word" or {"date", "later date"} & set(seen):
                ends = [doubt for doubt in found if doubt.column == "Selesai"]
                assert all(doubt.first_possible <= wita("2026-11-18 07:00") for doubt in ends)
            doubts[rows[key]] = {doubt.column for doubt in found}
    expected = {}
    for each, seen in entries.items():
        columns = {column for word in seen for column in SHOWN[word]}
        readable = seen[2] != "word" and set(SHOWN[seen[2]])
        expected[each] = columns - (readable or set())
    assert doubts == expected


def test_a_step_corrected_at_the_source_ends_its_question(context):
    desk(context, "2026-11-17 08:00", {"Selesai": "30/02/2026 10:00"})
    desk(context, "2026-11-18 08:00", {"Selesai": "17/11/2026 10:00"})
    assert asked(context) == []
    assert counted(context, "FD-1")[-1] == "settled 17 10:00 stated"


@ON_SQLITE_FIRST
def test_editing_the_sites_files_answers_what_waited(site_folder, open_context):
    context = open_context()
    new = {STATUS: "Belum Terverifikasi", UNIT: ""}
    lapor(context, "2026-11-03 07:00", new)
    strange = {STATUS: "Diterima", UNIT: "Dinas Lama", KIND: "Keluhan Layanan"}
    lapor(context, "2026-11-04 07:00", strange)
    assert len(asked(context)) == 3
    file = site_folder / "sources.toml"
    text = file.read_text("utf-8")
    text = text.replace(
        "[lapor.values.classification]\n",
        '[lapor.values.classification]\n"Keluhan Layanan" = "complaint"\n',
    )
    file.write_text(text + '[[lapor.status]]\nword = "DITERIMA"\nenter = ["verified"]\n', "utf-8")
    directory = site_folder / "units.csv"
    told = directory.read_text("utf-8").replace("Dinas Sosial Kab. Contoh", "Dinas Lama")
    directory.write_text(told, encoding="utf-8")
    context = open_context()
    count = take(context, "2026-11-05 08:00")  # without a new file
    assert (count.files, count.answered) == (0, 3)
    assert asked(context) == []
    assert counted(context)[1:] == [
        "verified 03 07:00 - 04 07:00 observed",
        "assigned 03 07:00 - 04 07:00 observed dinsos",
    ]
    complaint = known(context)
    assert (complaint.classification, complaint.unit) == ("complaint", "dinsos")
    assert complaint.next_action_at == wita("2026-11-05 08:00")
    with context.transaction() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.kind == AuditKind.QUESTION_ANSWERED))
        reasons = sorted(row.reason for row in rows)
    assert reasons == [*["answered by sources.toml"] * 2, "answered by units.csv"]


@pytest.mark.parametrize(
    ("role", "text", "error"),
    [
        ("status", "Terverifikas", "no status 'Terverifikas'; did you mean `Terverifikasi`"),
        ("unit", "Dinas Sosail", "no unit 'Dinas Sosail'; did you mean `Dinas Sosial`"),
        ("classification", "complain", "no classification 'complain'; did you mean `complaint`"),
    ],
)
def test_an_answer_that_the_column_cannot_mean_is_refused_with_a_suggestion(
    context, role, text, error
):
    cells = {"status": STATUS, "unit": UNIT, "classification": KIND}
    lapor(context, "2026-11-03 07:00", {cells[role]: "Entah"})
    with pytest.raises(WrongAnswer, match=error.replace("?", r"\?")):
        answered(context, "2026-11-03 08:00", text)


def test_the_empty_cell_is_not_listed_among_the_known_statuses(context):
    lapor(context, "2026-11-03 07:00", {STATUS: "Entah"})
    source = context.site.sources["lapor"]
    empty = source.status[0].model_copy(update={"word": ""})
    context.site.sources["lapor"] = source.model_copy(update={"status": [empty, *source.status]})
    with pytest.raises(WrongAnswer, match="no status 'ngawur'; known are Belum"):
        answered(context, "2026-11-03 08:00", "ngawur")


def test_the_answer_is_shown_as_lines_for_the_sites_files(context):
    lapor(context, "2026-11-03 07:00", {STATUS: "Tutup", UNIT: "Dinas Lama", KIND: 'Aduan "Baru"'})
    with context.transaction() as session:
        found = {}
        for each in questions.open_questions(session):
            question = each.question
            text = {"status": "Ditutup oleh Sistem", "unit": "dinsos"}.get(
                question.role, "complaint"
            )
            meaning = meaning_of(context.site, question, text)
            answer(session, context, question, meaning, "test", wita("2026-11-03 08:00"))
            found[question.role] = permanent_lines(context.site, question)
    assert found == {
        "status": [
            "[[lapor.status]]",
            'word = "Tutup"',
            'enter = ["verified", "settled"]',
            'leave = ["reopened"]',
            "earlier_by = { settled = 10 }",
        ],
        "unit": ["[lapor.values.unit]", '"Dinas Lama" = "dinsos"'],
        "classification": ["[lapor.values.classification]", '"Aduan \\"Baru\\"" = "complaint"'],
    }


def test_a_name_in_an_unknown_cell_reaches_no_log_and_no_artifact(context, caplog):
    caplog.set_level(logging.DEBUG)
    person = "Budi Rahasiawan, HP 081234567890"
    export(context.site.folder, "2026-11-03 07:00", {STATUS: person, UNIT: person, KIND: person})
    count = take(context, "2026-11-03 08:00")
    evaluate_and_notify(context, wita("2026-11-03 08:05"), "run")
    answered(context, "2026-11-03 09:00", "kosong")
    shown = render(
        "report/intake.md.j2",
        locale="id",
        zone=WITA,
        now=wita("2026-11-03 08:00"),
        sources=[asdict(count)],
        failures=[],
    )
    assert "lapor: 3 pertanyaan baru tentang kolom" in shown
    with context.transaction() as session:
        audit = [f"{row.subject} {row.reason}" for row in session.scalars(select(AuditRow))]
    assert "Rahasiawan" not in f"{shown} {caplog.text} {audit}"
    assert "081234567890" not in dump(context)
