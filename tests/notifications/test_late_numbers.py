"""Late is one thing: mail, report, artifact and `tenggat deadlines` of one morning count alike.

The mail to a superior leaves out what the unit has not been notified of, and says how much that is.
"""

import re

import pytest
from conftest import wita
from sqlalchemy import select
from support.pipeline import MONDAY, at, decide, deliver, register, since
from support.servers.smtp_servers import Letter

from cli.listings import deadline_rows
from db import questions
from db.models import Complaint, DeadlineRow, MessageItem, MessageRow, NoticeRow
from sla.engine.deadline import State
from sla.metrics.table import Table
from tasks.common.context import SiteContext
from tasks.evaluation.status import site_status
from tasks.evaluation.stored_deadlines import late_counts
from tasks.ingest.answers import answer
from tasks.notifications import sender
from tasks.reports.builder import report_view
from tasks.text.templates import render

MORNINGS = ("2026-11-24 08:00", "2026-11-27 08:00")
"""The units are told; it is the superiors' turn, and their weekly mail leaves on Monday."""

ENTRIES = (
    at("Dinas Sosial"),  # late since the 24th
    at("Dinas Sosial", "FD-2", **{"Diteruskan": "17/11/2026 08:45", "Tindak Lanjut Pertama": ""}),
    at("DLH", "FD-3", **since("20/11/2026")),  # late since the 28th: its unit hears on Monday
    at("DLH", "FD-4", **since("23/11/2026")),  # due on the 30th
    at("RSUD Contoh Sehat", "FD-5", Dicabut="25/11/2026 09:00"),  # withdrawn when it was late
    at("RSUD Contoh Sehat", "FD-6", Selesai="23/11/2026 09:00"),
)
LATE, DUTIES, ENDED = 3, 4, 1
"""FD-1, FD-2 and FD-3; FD-2 has two late duties; FD-5 is late and ended otherwise."""

BY_UNIT = {"Dinas Sosial": 2, "DLH": 1}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """How many are late hangs on no database."""
    return sqlite_url


@pytest.fixture
def lived(context, server) -> list[Letter]:
    """The letters of the morning on which superiors get their weekly mail."""
    first_day = [entry for entry in ENTRIES if "Dicabut" not in entry]
    for now, entries in zip(MORNINGS, (first_day, ENTRIES), strict=True):
        register(context, now, *entries)
        decide(context, now)
        deliver(context, now)
    register(context, MONDAY, *ENTRIES)
    decide(context, MONDAY)
    first = len(server.letters)
    deliver(context, MONDAY)
    return server.letters[first:]


@pytest.mark.thorough
def test_mail_report_artifact_and_cli_have_the_same_numbers(
    context, lived, call_tenggat, site_folder, monkeypatch
):
    assert artifact(context) == (LATE, DUTIES, ENDED, BY_UNIT)
    assert report(context) == (LATE, DUTIES, ENDED, BY_UNIT)
    assert cli(call_tenggat, site_folder, monkeypatch) == (LATE, DUTIES, ENDED)
    (sekda,) = (letter for letter in lived if letter.recipient.startswith("sekda@"))
    assert mail(sekda) == (LATE - 1, DUTIES - 1, ENDED, {"Dinas Sosial": 2})
    assert "1 pengaduan terlambat lainnya (1 kewajiban) belum dihitung di atas" in text(sekda)


@pytest.mark.parametrize(("year", "ended"), [(2026, 1), (2027, 0)])
def test_the_duties_that_ended_otherwise_are_those_of_the_year(context, lived, year, ended):
    begin = context.site.evaluation_context.start_of_year(wita(f"{year}-06-01 12:00"))
    with context.transaction() as session:
        assert late_counts(session, begin).ended == ended


def test_a_duty_of_superiors_is_charged_to_no_unit(
    context, server, call_tenggat, site_folder, monkeypatch
):
    """The recommendation was due on Tuesday 24 November; UU 37/2008 gives it to the superior."""
    old, recommended = since("01/09/2026"), {"Rekomendasi Ombudsman": "25/09/2026 08:30"}
    done = {"Tindak Lanjut Pertama": "02/09/2026 09:00", "Selesai": "03/09/2026 09:00"}
    for now in ("2026-11-24 08:00", "2026-11-25 08:00", MONDAY):
        register(context, now, at("Dinas Sosial"), at("DLH", "FD-2", **old | done | recommended))
        decide(context, now)
        first = len(server.letters)
        deliver(context, now)
    (sekda,) = (each for each in server.letters[first:] if each.recipient.startswith("sekda@"))
    office = "Bupati melalui Sekretaris Daerah"
    assert f"- {office}: 1 terlambat, terlama berakhir 24 Nov" in text(sekda)
    assert "pada 1 perangkat daerah" in text(sekda)
    assert "- Dinas Sosial: 1 terlambat" in text(sekda)
    assert "DLH: 1 terlambat" not in text(sekda)
    assert "1 perangkat daerah" in sekda.mail["Subject"]
    status = site_status(context, wita(MONDAY))
    assert (status.late_by_unit, status.late_of_superiors) == ([("dinsos", 1)], 1)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TENGGAT_NOW", MONDAY)
    options = ("--site", site_folder, "--lang", "id")
    listed = call_tenggat("deadlines", "--state", "breached", *options)[1]
    (line,) = [each for each in listed.splitlines() if "uu-37-2008/recommendation" in each]
    assert office in line
    of_unit = call_tenggat("deadlines", "--unit", "dlh", *options)[1]
    assert "uu-37-2008/recommendation" not in of_unit


def test_a_late_duty_of_an_unknown_unit_is_listed_at_none(context, server):
    """The name of a unit is unknown, and the date of an assignment cannot be read. The duty to
    verify is the administrator's in any case.
    """
    steps = ("Diverifikasi", "Unit", "Diteruskan", "Tindak Lanjut Pertama")
    waiting = at("", "FD-2", **dict.fromkeys(steps, ""))
    register(context, MORNINGS[0], at("Dinas Sosial"), waiting)
    decide(context, MORNINGS[0])
    unread = waiting | {"Unit": "Dinas Sosial", "Diteruskan": "31/02/2026 08:00"}
    register(context, MONDAY, at("Dinas Entah"), unread)
    decide(context, MONDAY)
    status = site_status(context, wita(MONDAY))
    assert dict(status.late_by_unit) == {None: 2, "diskominfo": 1}
    with context.transaction() as session:
        view = report_view(session, context, "2026-11", wita(MONDAY))
        listed = deadline_rows(session, context, state=State.BREACHED)
        of_unit = [deadline_rows(session, context, unit=u) for u in ("dinsos", "diskominfo")]
    units = view.table("by_unit")
    late = {row.key: units.value(row.key, "late") for row in units.rows}
    assert {unit: number for unit, number in late.items() if number} == {
        "": 2,
        "diskominfo": 1,
    }
    assert sorted((row["ticket"], row["rule"], row["unit"]) for row in listed) == [
        ("FD-1", "sp4n-guideline/information", ""),
        ("FD-2", "sp4n-guideline/information", ""),
        ("FD-2", "sp4n/verification", "diskominfo"),
    ]
    assert "breached" not in {row["state"] for row in of_unit[0]}
    assert [row["rule"] for row in of_unit[1] if row["state"] == "breached"] == [
        "sp4n/verification"
    ]


TUESDAY = "2026-12-01 08:00"
OFFICE = "Bupati melalui Sekretaris Daerah"
RECOMMENDED = since("01/09/2026") | {"Rekomendasi Ombudsman": "25/09/2026 08:30"}
SETTLED = {"Tindak Lanjut Pertama": "02/09/2026 09:00", "Selesai": "03/09/2026 09:00"}
BOTH = at("Dinas Sosial", **RECOMMENDED)
"""The unit is late, and its superiors have not reported on the recommendation."""
THEIRS = at("DLH", "FD-2", **RECOMMENDED | SETTLED)
"""Only superiors are late."""


@pytest.mark.parametrize(
    ("entries", "numbers", "by_unit"),
    [
        ((BOTH, THEIRS), "2 pengaduan terlambat (3 kewajiban)", {OFFICE: 2, "Dinas Sosial": 1}),
        ((BOTH,), "1 pengaduan terlambat (2 kewajiban)", {OFFICE: 1, "Dinas Sosial": 1}),
    ],
)
def test_a_superior_reads_the_same_in_subject_lead_table_and_report(
    context, server, entries, numbers, by_unit
):
    for now in ("2026-11-24 08:00", "2026-11-25 08:00", MONDAY):
        register(context, now, *entries)
        decide(context, now)
        first = len(server.letters)
        deliver(context, now)
    (sekda,) = (each for each in server.letters[first:] if each.recipient.startswith("sekda@"))
    assert str(sekda.mail["Subject"]).endswith("– 1 perangkat daerah, Bupati")
    page = text(sekda)
    assert f"Surel ini memuat {numbers} pada 1 perangkat daerah dan pada {OFFICE}." in page
    html = sekda.mail.get_body(("html",)).get_content()
    assert f"pada 1 perangkat daerah dan pada {OFFICE}." in html
    table = dict(re.findall(r"- ([\w ]+): (\d+) terlambat, terlama", page))
    assert {name: int(number) for name, number in table.items()} == by_unit
    with context.transaction() as session:
        view = report_view(session, context, "2026-11", wita(MONDAY))
    units = view.table("by_unit")
    late = {view.names("unit", row.key).text: units.value(row.key, "late") for row in units.rows}
    assert {name: number for name, number in late.items() if number} == by_unit


def test_superiors_hear_the_same_whatever_the_unit_of_the_complaint(context, server):
    """The name of one unit cannot be read until the administrator answers on Tuesday. An answer
    about the unit changes nothing for superiors, and takes nothing back from them.
    """
    more = RECOMMENDED | SETTLED
    entries = at("Dinas Sosial", "FD-1", **more), at("Dinas Entah", "FD-2", **more)
    mails = []
    for now in ("2026-11-19 08:00", "2026-11-24 08:00", "2026-11-25 08:00", MONDAY, TUESDAY):
        register(context, now, *entries)
        if now == TUESDAY:
            with context.transaction() as session:
                (asked,) = questions.open_questions(session)
                answer(session, context, asked.question, "dinsos", "test", wita(now))
        decide(context, now)
        before = len(server.letters)
        deliver(context, now)
        mails.append([x for x in server.letters[before:] if "FD-" in text(x)])
        known, unread = superiors_duties(context)
        assert known == unread
    assert known[0] == "breached"
    assert sorted(rung for rung, _, _ in known[1]) == sorted({rung for rung, _, _ in known[1]})
    assert [letter for some in mails[:4] for letter in some]
    for letter in (letter for some in mails for letter in some):
        assert ("FD-1" in text(letter), "FD-2" in text(letter)) == (True, True)
        assert "Ralat" not in letter.mail["Subject"]
    assert mails[4] == []
    with context.transaction() as session:
        view = report_view(session, context, "2026-11", wita(TUESDAY))
    units = view.table("by_unit")
    late = {view.names("unit", row.key).text: units.value(row.key, "late") for row in units.rows}
    assert {name: number for name, number in late.items() if number} == {OFFICE: 2}


LISTENING = ("sekda", "inspektur")


@pytest.mark.parametrize("together", [1, 50])
def test_a_mail_of_the_same_run_does_not_count_as_an_earlier_one(
    context, server, monkeypatch, together
):
    """On Monday the unit hears of FD-3, and the secretary and the regent of FD-4, their own duty.
    The inspector hears of neither before them, whatever the server accepts first in the same run.
    """
    monkeypatch.setattr(sender, "AT_ONCE", together)
    monkeypatch.setattr(sender, "MOST_COMPOSED", together)
    first = since("09/11/2026")  # late since the 17th
    unheard = since("20/11/2026")  # late since the 28th
    asked = SETTLED | since("01/09/2026") | {"Rekomendasi Ombudsman": "28/09/2026 08:30"}
    entries = [at("Dinas Sosial", **first), at("DLH", "FD-4", **asked)]
    for now in ("2026-11-17 08:00", "2026-11-20 08:00", "2026-11-23 08:00", MONDAY):
        more = [at("DLH", "FD-3", **unheard)] if now >= "2026-11-21" else []
        register(context, now, *entries, *more)
        decide(context, now)
        before = len(server.letters)
        deliver(context, now)
    letters = {each.recipient.partition("@")[0]: each for each in server.letters[before:]}
    counted = r"memuat (\d+) pengaduan terlambat .* (\d+) pengaduan terlambat lainnya"
    numbers = {who: re.search(counted, text(letters[who])).groups() for who in LISTENING}
    assert numbers == {"sekda": ("2", "1"), "inspektur": ("1", "2")}
    for who in LISTENING:
        assert "FD-3" not in text(letters[who])
    assert "FD-4: terlambat" in text(letters["sekda"])


def superiors_duties(context) -> list[tuple[str, list[tuple[str, str, list[str]]]]]:
    """By complaint the state of the report on the recommendation, and its notices: the rung, the
    status and the recipients.
    """
    found = []
    with context.transaction() as session:
        for key in session.scalars(select(Complaint.id).order_by(Complaint.ticket)):
            of_rule = {"complaint_id": key, "rule": "uu-37-2008/recommendation"}
            state = session.scalars(select(DeadlineRow.state).filter_by(**of_rule)).one()
            rows = session.scalars(select(NoticeRow).filter_by(**of_rule).order_by(NoticeRow.id))
            told = []
            for row in rows:
                to = (
                    select(MessageRow.recipient)
                    .join(MessageItem, MessageItem.message_id == MessageRow.id)
                    .where(MessageItem.notice_id == row.id)
                    .order_by(MessageRow.recipient)
                )
                told.append((row.rung, row.status, list(session.scalars(to))))
            found.append((state, told))
    return found


def artifact(context: SiteContext) -> tuple[int, int, int, dict[str, int]]:
    status = site_status(context, wita(MONDAY))
    name = context.site.directory.short_name_of
    nothing = {"evaluated": 0, "notices": {}, "superseded": 0, "messages": 0, "vacancies": []}
    shown = render(
        "report/deadlines.md.j2",
        locale="id",
        zone=context.site.zone,
        now=wita(MONDAY),
        states=status.states,
        late=status.late,
        late_by_unit=status.late_by_unit,
        due_today=status.due_today,
        due_soon=status.due_soon,
        moved=None,
        mode="",
        held=0,
        **nothing,
    )
    said = r"Terlambat: (\d+) pengaduan dengan (\d+) kewajiban. .*lain: (\d+) kewajiban."
    found = re.search(said, shown)
    assert found, shown
    complaints, duties, ended = map(int, found.groups())
    return complaints, duties, ended, {name(unit): n for unit, n in status.late_by_unit}


def report(context: SiteContext) -> tuple[int, int, int, dict[str, int]]:
    with context.transaction() as session:
        view = report_view(session, context, "2026-11", wita(MONDAY))
    tables: dict[str, Table] = {table.key: table for table in view.tables}
    late, duties, ended = (
        tables["headline"].row(key).cells[0] for key in ("late", "late_duties", "late_ended")
    )
    assert duties == len(tables["late"].rows)
    place = [column.key for column in tables["by_unit"].columns].index("late")
    name = context.site.directory.short_name_of
    by_unit = {name(row.key): row.cells[place] for row in tables["by_unit"].rows}
    return late, duties, ended, {unit: number for unit, number in by_unit.items() if number}


def cli(call, site_folder, monkeypatch) -> tuple[int, int, int]:
    monkeypatch.setenv("TENGGAT_SITE", str(site_folder))
    _, said, _ = call("deadlines")
    found = re.search(r"late: (\d+) complaints with (\d+) duties; .* otherwise: (\d+)", said)
    assert found, said
    complaints, duties, ended = map(int, found.groups())
    return complaints, duties, ended


def text(letter: Letter) -> str:
    return " ".join(letter.mail.get_body(("plain",)).get_content().split())


def mail(letter: Letter) -> tuple[int, int, int, dict[str, int]]:
    page = text(letter)
    found = re.search(r"Surel ini memuat (\d+) pengaduan terlambat \((\d+) kewajiban\)", page)
    ended = re.search(r"(\d+) kewajiban terlambat tahun ini dan berakhir dengan cara lain", page)
    assert found, page
    assert ended, page
    lines = re.findall(r"- ([\w ]+): (\d+) terlambat, terlama", page)
    by_unit = {unit: int(number) for unit, number in lines}
    return int(found[1]), int(found[2]), int(ended[1]), by_unit
