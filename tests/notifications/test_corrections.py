"""Notices that prove wrong: everyone who got one is told once, and the ladder starts anew.

See `pipeline` for the complaints. The unit is told on 24 November that the duty is late; afterwards
the register shows that it was done in time, or that the deadline was another one.
"""

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from html import unescape

import pytest
from conftest import ON_BOTH, kind_of_database, wita
from sqlalchemy import select, update
from support.pipeline import (
    BEGUN,
    BREACHED,
    ESCALATED,
    MONDAY,
    at,
    begin,
    change_law,
    decide,
    deliver,
    explained,
    messages,
    notices,
    owe,
    recipients,
    register,
    since,
    statuses,
)
from support.servers.smtp_servers import Letter, running
from support.small_site import UNIT, export

from db import questions
from db.models import AuditRow, Complaint, MessageItem, NoticeRow
from sla.directory import Directory
from tasks.evaluation.corrections import NOT_IN_CHARGE
from tasks.evaluation.explain import as_html, as_text, explanations
from tasks.evaluation.status import site_status
from tasks.ingest.answers import answer
from tasks.intake import pull
from tasks.notifications.transport.smtp import Connection

IN_TIME = {"Selesai": "20/11/2026 10:00"}
NEXT = "2026-11-25 08:00"


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    return kind_of_database(request)


def text(letter: Letter) -> str:
    return " ".join(letter.mail.get_body(("plain",)).get_content().split())


def audited(context) -> list[dict]:
    """The rows of the audit about lateness that was taken back."""
    with context.transaction() as session:
        rows = session.scalars(select(AuditRow).order_by(AuditRow.seq))
        return [
            json.loads(row.subject) | {"reason": row.reason}
            for row in rows
            if row.kind == "notice.taken_back"
        ]


def withdrawn(context) -> list[str]:
    """The reasons in the audit for notices that were withdrawn."""
    with context.transaction() as session:
        query = select(AuditRow.reason).where(AuditRow.kind == "notice.withdrawn")
        return list(session.scalars(query.order_by(AuditRow.seq)))


def units_asked_about(context) -> list[str]:
    """The units with an open question, as written."""
    with context.transaction() as session:
        return [each.question.value for each in questions.open_questions(session)]


def answer_units(context, now: str, meaning: str) -> None:
    """Answer all open questions."""
    with context.transaction() as session:
        for each in questions.open_questions(session):
            answer(session, context, each.question, meaning, "test", wita(now))


def told_late(context) -> None:
    owe(context, BREACHED, at("Dinas Sosial"))
    assert deliver(context, BREACHED).sent == 2


@pytest.mark.thorough
@ON_BOTH
def test_everyone_who_was_told_gets_one_correction(context, server):
    told_late(context)
    owe(context, NEXT, at("Dinas Sosial", **IN_TIME))
    assert deliver(context, NEXT).sent == 2
    for letter in server.letters[2:]:
        assert letter.mail["Subject"] == "Ralat: 1 kewajiban tidak terlambat – Dinas Sosial"
        assert "Pengaduan FD-1 (Dinas Sosial)" in text(letter)
        assert "keadaan sekarang: tepat waktu" in text(letter)
    assert recipients(context)[2:] == ["penghubung.dinsos", "plt.kepala.dinsos"]
    assert notices(context) == [("breach", "sent")]
    for now in ("2026-11-25 09:00", "2026-11-26 08:00"):
        register(context, now, at("Dinas Sosial", **IN_TIME))
        decide(context, now)
        assert deliver(context, now).sent == 0
    (row,) = audited(context)
    assert (row["rule"], row["notices"], row["people"]) == ("sp4n-guideline/information", 1, 2)
    assert row["reason"] == "a deadline that counted as late is met now"


@pytest.mark.thorough
@ON_BOTH
def test_a_unit_that_was_never_in_charge_gets_the_correction(context, server):
    """The register named the wrong unit; the duty stays late, at the right one."""
    told_late(context)
    owe(context, NEXT, at("Dinas Kesehatan"))
    deliver(context, NEXT)
    mails = {letter.recipient: letter for letter in server.letters[2:]}
    wrong = [each for to, each in mails.items() if "dinsos" in to]
    right = [each for to, each in mails.items() if "dinkes" in to]
    assert [letter.mail["Subject"] for letter in wrong] == [
        "Ralat: 1 pemberitahuan keterlambatan dicabut – Dinas Sosial"
    ] * 2
    for letter in wrong:
        assert "tidak menjadi tanggung jawab perangkat daerah yang disebut" in text(letter)
        assert "Pengaduan FD-1 (Dinas Sosial)" in text(letter)
        assert "menjadi tanggung jawab Dinas Kesehatan" in text(letter)
        assert "ternyata tidak terlambat" not in text(letter)
    assert right
    assert all("RALAT" not in text(letter) for letter in right)
    (row,) = audited(context)
    assert (row["notices"], row["people"]) == (1, 2)
    assert row["reason"] == NOT_IN_CHARGE
    for now in ("2026-11-25 09:00", "2026-11-26 08:00"):
        register(context, now, at("Dinas Kesehatan"))
        decide(context, now)
        deliver(context, now)
    assert len(audited(context)) == 1
    assert sum("RALAT" in text(letter) for letter in server.letters) == 2


@pytest.mark.parametrize(
    ("returned", "forwarded"),
    [("18/11/2026 09:00", "18/11/2026 10:00"), ("", "18/11/2026 10:00"), ("", "23/11/2026 23:59")],
)
def test_a_unit_that_had_handed_over_before_the_due_time_gets_the_correction(
    context, server, returned, forwarded
):
    """The register shows the hand-over only after the due time; superiors were told as well."""
    told_late(context)
    register(context, ESCALATED, at("Dinas Sosial"))
    decide(context, ESCALATED)
    deliver(context, MONDAY)
    told = {letter.recipient for letter in server.letters}
    assert any("sekda" in each for each in told)
    handed_over = {"Diteruskan Kembali": forwarded, "Unit Pengganti": "Dinas Kesehatan"}
    handed_over["Dikembalikan"] = returned
    for now in ("2026-12-01 08:00", "2026-12-02 08:00"):
        owe(context, now, at("Dinas Sosial", **handed_over))
        deliver(context, now)
    letters = [letter for letter in server.letters if "RALAT" in text(letter)]
    assert sorted(letter.recipient for letter in letters) == sorted(told)
    for letter in letters:
        assert "tidak menjadi tanggung jawab perangkat daerah yang disebut" in text(letter)
        assert "FD-1 (Dinas Sosial)" in text(letter)
        assert "menjadi tanggung jawab Dinas Kesehatan" in text(letter)
    (row,) = audited(context)
    assert row["people"] == len(told)
    assert row["reason"] == NOT_IN_CHARGE
    assert {unit for unit, _, _ in late_notices(context)} == {"dinkes"}


@pytest.mark.parametrize("forwarded", ["24/11/2026 00:01", "24/11/2026 10:00"])
def test_a_unit_that_hands_over_after_the_due_time_gets_no_correction(context, server, forwarded):
    told_late(context)
    handed_over = {"Diteruskan Kembali": forwarded, "Unit Pengganti": "Dinas Kesehatan"}
    owe(context, NEXT, at("Dinas Sosial", **handed_over))
    deliver(context, NEXT)
    assert audited(context) == []
    assert not [letter for letter in server.letters if "RALAT" in text(letter)]
    found = explained(context, NEXT)
    for said in (as_text(context.site, found), unescape(as_html(context.site, found))):
        words = re.sub(r"<[^>]+>", ": ", said)
        assert re.search(r"kini ditangani(: )+Dinas Kesehatan", words)
        assert re.search(r"bertanggung jawab ketika batas waktu berakhir(: )+Dinas Sosial", words)


UNKNOWN_UNITS = ("Dinas Sosail", "", "Dinas Baru")


def late_notices(context) -> list[tuple[str, str, int]]:
    """The unit, the rung and the episode of each late notice that was not taken back."""
    with context.transaction() as session:
        rows = session.scalars(select(NoticeRow).order_by(NoticeRow.id))
        return [
            (row.unit, row.rung, row.episode)
            for row in rows
            if row.kind != "reminder" and row.taken_back_at is None
        ]


UNDATED = {"Diteruskan": ""}
UNREADABLE = ("12/13/2026", "Budi", "01/11/2026")
"""Texts in the place of the date of assignment; the last one is before the receipt."""


@pytest.mark.parametrize(
    ("cells", "asked"),
    [
        *(({"Unit": unit}, unit) for unit in UNKNOWN_UNITS),
        (UNDATED, ""),
        (UNDATED | {"Unit": ""}, ""),
        ({"Diteruskan": "?"}, ""),
        *(({"Diteruskan": text}, text) for text in UNREADABLE),
    ],
)
def test_a_unit_that_cannot_be_read_takes_nothing_back(context, server, cells, asked):
    """The unit, or the date of its assignment, is right again the next day, and its ladder goes
    on.
    """
    told_late(context)
    before = late_notices(context)
    owe(context, NEXT, at("Dinas Sosial") | cells)
    deliver(context, NEXT)
    assert units_asked_about(context) == [asked]
    found = [each.deadline for each in explained(context, NEXT).deadlines]
    assert [(each.unit, each.answerable) for each in found if each.open] == [("dinsos", None)]
    assert site_status(context, wita(NEXT)).late_by_unit == [(None, 1)]
    for now in ("2026-11-26 08:00", ESCALATED):
        owe(context, now, at("Dinas Sosial"))
        deliver(context, MONDAY if now == ESCALATED else now)
    assert audited(context) == []
    assert not [letter for letter in server.letters if "RALAT" in text(letter)]
    assert late_notices(context)[: len(before)] == before
    assert ("dinsos", "plus-3", 0) in late_notices(context)
    assert {episode for _, _, episode in late_notices(context)} == {0}


@pytest.mark.parametrize("date", ["", "Budi"])
def test_an_assignment_that_has_not_happened_is_taken_back(context, server, date):
    """The administrator says so about its lost date."""
    told_late(context)
    owe(context, NEXT, at("Dinas Sosial", Diteruskan=date))
    deliver(context, NEXT)
    answer_units(context, "2026-11-25 10:00", "")
    decide(context, "2026-11-25 11:00")
    deliver(context, "2026-11-26 08:00")
    corrected = [letter.recipient for letter in server.letters if "RALAT" in text(letter)]
    assert len(corrected) == 2
    assert all("dinsos" in recipient for recipient in corrected)
    with context.transaction() as session:
        assert session.scalars(select(Complaint.unit)).one() is None


def lapor_export(context, made: str, **cells: str) -> None:
    """An export of LAPOR! with one request, and a deadline run."""
    begin(context, "lapor", wita(BEGUN))
    request = {"Klasifikasi Laporan": "Permintaan Informasi"} | cells
    export(context.site.folder, made, request)
    pull(context, "lapor", wita(made))
    decide(context, made)


@ON_BOTH
@pytest.mark.parametrize("unit", ["", "Dinas Entah"])
def test_an_export_without_the_unit_takes_nothing_back_and_charges_no_unit(context, server, unit):
    """LAPOR! shows a settlement ten working days later: the request is late on the 24th."""
    for made in ("2026-11-03 08:00", BREACHED):
        lapor_export(context, made)
    assert deliver(context, BREACHED).sent == 2
    before = late_notices(context)
    lapor_export(context, NEXT, **{UNIT: unit})
    deliver(context, NEXT)
    with context.transaction() as session:
        (found,) = explanations(session, context, "5010653", wita(NEXT))
    late = [each.deadline for each in found.deadlines if each.deadline.late]
    assert [(each.unit, each.answerable) for each in late] == [("dinsos", None)]
    assert site_status(context, wita(NEXT)).late_by_unit == [(None, 1)]
    for made in ("2026-11-26 08:00", ESCALATED):
        lapor_export(context, made, Kategori=made)
        deliver(context, MONDAY if made == ESCALATED else made)
    assert audited(context) == []
    assert not [letter for letter in server.letters if "RALAT" in text(letter)]
    assert late_notices(context)[: len(before)] == before
    assert {unit for unit, _, _ in late_notices(context)} == {"dinsos"}
    assert ("dinsos", "plus-3", 0) in late_notices(context)


@pytest.mark.parametrize("unit", UNKNOWN_UNITS)
def test_the_correction_names_the_unit_of_the_answer(context, server, unit):
    told_late(context)
    owe(context, NEXT, at(unit))
    deliver(context, NEXT)
    answer_units(context, "2026-11-25 10:00", "dinkes")
    decide(context, "2026-11-25 11:00")
    deliver(context, "2026-11-26 08:00")
    corrections = [text(letter) for letter in server.letters if "RALAT" in text(letter)]
    assert len(corrections) == 2
    for each in corrections:
        assert "menjadi tanggung jawab Dinas Kesehatan" in each


def test_a_correction_that_waits_names_no_unit_that_only_stands_in(context, server):
    told_late(context)
    owe(context, "2026-11-24 18:00", at("Dinas Kesehatan"))  # after the mail hours
    owe(context, "2026-11-24 19:00", at("Dinas Entah"))
    deliver(context, NEXT)
    assert not [letter for letter in server.letters if "RALAT" in text(letter)]
    owe(context, "2026-11-26 08:00", at("DLH"))
    deliver(context, "2026-11-26 08:00")
    corrections = [text(letter) for letter in server.letters if "RALAT" in text(letter)]
    assert len(corrections) == 2
    assert all("menjadi tanggung jawab Dinas Lingkungan Hidup" in each for each in corrections)


def test_the_first_unit_gets_a_correction_after_the_complaint_was_handed_over(context, server):
    """The register names the first unit otherwise; the present one was told rightly."""
    told_late(context)
    handed_over = {"Diteruskan Kembali": "24/11/2026 10:00", "Unit Pengganti": "DLH"}
    owe(context, NEXT, at("Dinas Sosial", **handed_over))
    deliver(context, NEXT)
    present = [each for each in late_notices(context) if each[0] == "dlh"]
    assert present
    for now in ("2026-11-26 08:00", "2026-11-26 10:00"):
        owe(context, now, at("Dinas Kesehatan", **handed_over))
        deliver(context, now)
    corrected = [letter.recipient for letter in server.letters if "RALAT" in text(letter)]
    assert len(corrected) == 2
    assert all("dinsos" in recipient for recipient in corrected)
    assert late_notices(context) == present


@pytest.mark.parametrize(
    ("word", "state"),
    [("", "tidak dapat dinilai"), ("Pengaduan Berkadar Pengawasan", "kewajiban ini tidak berlaku")],
)
def test_the_correction_of_an_emptied_classification_says_unknown(context, server, word, state):
    told_late(context)
    owe(context, NEXT, at("Dinas Sosial", Klasifikasi=word))
    assert deliver(context, NEXT).sent > 0
    texts = [text(letter) for letter in server.letters[2:] if "RALAT" in text(letter)]
    assert texts
    is_open = state == "tidak dapat dinilai"
    for each in texts:
        assert f"keadaan sekarang: {state}" in each
        assert ("belum dapat memastikan apakah kewajiban tersebut terlambat" in each) == is_open
        assert ("ternyata tidak terlambat" in each) != is_open


@pytest.fixture
def changed_law(site_folder):
    """A new version of the rule, for complaints received after FD-1."""
    change_law(site_folder)


@pytest.mark.usefixtures("changed_law")
@pytest.mark.parametrize("more", [IN_TIME, {"Klasifikasi": "Pengaduan Berkadar Pengawasan"}])
def test_a_correction_cites_the_version_of_the_law_of_its_clock(context, server, more):
    told_late(context)
    owe(context, NEXT, at("Dinas Sosial", **more))
    assert deliver(context, NEXT).sent > 0
    texts = [text(letter) for letter in server.letters[2:] if "RALAT" in text(letter)]
    assert texts
    for each in texts:
        (told,) = re.findall(r"FD-1 \(Dinas Sosial\): (.*?); keadaan sekarang", each)
        assert told.startswith("Penyelesaian permintaan informasi - PermenPANRB 5/2025 ")
        assert "Perbup" not in told


NATIONAL, OWN = "PermenPANRB 5/2025", "Perbup 3/2026"


@pytest.mark.parametrize("withdrawn", [True, False])
def test_a_correction_after_a_change_of_the_law_cites_the_law_of_the_notice(
    site_folder, open_context, withdrawn
):
    """The own regulation asks for 3 working days or for 9, the national one for 5."""
    file = site_folder / "site.toml"
    national = file.read_text("utf-8")
    change_law(site_folder, "2026-11-01")
    texts = [file.read_text("utf-8"), national]
    if not withdrawn:
        texts.reverse()
        own = site_folder / "perbup" / "perbup.toml"
        own.write_text(own.read_text("utf-8").replace("length = 3", "length = 9"), "utf-8")
    file.write_text(texts[0], "utf-8")
    day = "2026-11-20" if withdrawn else "2026-11-24"
    with running() as server:
        before = open_context()
        before.site.mail_url = server.url()
        owe(before, f"{day} 08:00", at("Dinas Sosial"))
        assert deliver(before, f"{day} 08:00").sent == 2
        file.write_text(texts[1], "utf-8")
        after = open_context()
        after.site.mail_url = server.url()
        decide(after, f"{day} 09:00")
        assert deliver(after, f"{day} 09:00").sent == 2
    by, now_by = (OWN, NATIONAL) if withdrawn else (NATIONAL, OWN)
    told = rf"RALAT .* permintaan informasi - {by}[^;]*; keadaan sekarang menurut {now_by}"
    for letter in server.letters[2:]:
        assert re.search(told, text(letter))


def test_a_superior_who_was_told_gets_the_correction_too_and_nobody_else(context, server):
    told_late(context)
    register(context, ESCALATED, at("Dinas Sosial"))
    decide(context, ESCALATED)
    deliver(context, MONDAY)
    owe(context, "2026-12-01 08:00", at("Dinas Sosial", **IN_TIME))
    assert deliver(context, "2026-12-01 08:00").sent == 3
    assert recipients(context)[3:] == ["penghubung.dinsos", "plt.kepala.dinsos", "sekda"]


def test_what_was_told_to_nobody_needs_no_correction_but_a_row_in_the_audit(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    owe(context, "2026-11-24 09:00", at("Dinas Sosial", **IN_TIME))
    assert deliver(context, "2026-11-24 09:00").cancelled == 2
    assert notices(context) == [("breach", "withdrawn")]
    assert [(row["notices"], row["people"]) for row in audited(context)] == [(1, 0)]
    assert withdrawn(context) == ["before it reached anybody, the deadline proved not to be late"]
    assert server.letters == []


def test_a_reminder_withdrawn_by_a_stopped_clock_says_so_in_the_audit(context, server):
    owe(context, "2026-11-19 08:00", at("Dinas Sosial"))
    owe(context, "2026-11-19 09:00", at("Dinas Sosial", Selesai="19/11/2026 08:30"))
    deliver(context, "2026-11-19 09:00")
    assert withdrawn(context) == [
        "before it reached anybody, its clock had stopped or paused, or its unit had changed"
    ]
    assert server.letters == []


def test_a_correction_joins_the_mail_that_goes_out_that_day(context, server):
    told_late(context)
    owe(context, NEXT, at("Dinas Sosial", **IN_TIME), at("Dinas Sosial", "FD-2"))
    assert deliver(context, NEXT).sent == 2
    for letter in server.letters[2:]:
        assert letter.mail["Subject"].startswith("1 ralat, 1 terlambat – Dinas Sosial")
        assert "Pengaduan FD-1 (Dinas Sosial)" in text(letter)


COMPLAINT = {"Klasifikasi": "Pengaduan Tidak Berkadar Pengawasan"}
"""Of this class the case has 14 working days, and not 5."""

AGAIN = {"Perihal": "Pindah alamat"}
"""The class is as it was; something else is new, so that the file is."""


@pytest.mark.thorough
def test_late_again_the_ladder_starts_anew_at_the_unit(context, server):
    """The class is another one on the 25th; and on 1 December that was a mistake."""
    told_late(context)
    owe(context, NEXT, at("Dinas Sosial", **COMPLAINT))
    deliver(context, NEXT)
    owe(context, "2026-12-01 08:00", at("Dinas Sosial", **AGAIN))
    deliver(context, "2026-12-01 08:00")
    with context.transaction() as session:
        rows = session.scalars(select(NoticeRow).order_by(NoticeRow.id))
        late = [(row.rule, row.rung, row.episode, row.status) for row in rows]
    assert [each for each in late if each[1] == "breach"] == [
        ("sp4n-guideline/information", "breach", 0, "sent"),
        ("sp4n-guideline/information", "breach", 1, "sent"),
    ]
    for day, escalations in (("2026-12-03 08:00", 0), ("2026-12-04 08:00", 1)):
        register(context, day, at("Dinas Sosial", **AGAIN))
        assert decide(context, day).notices.get("escalation", 0) == escalations


@pytest.mark.thorough
def test_a_correction_that_waits_is_left_out_if_the_deadline_is_late_again(context, server):
    told_late(context)
    owe(context, "2026-11-24 18:00", at("Dinas Sosial", **COMPLAINT))  # after the mail hours
    owe(context, "2026-11-24 19:00", at("Dinas Sosial", **AGAIN))
    assert deliver(context, "2026-11-25 07:30").sent == 2
    for letter in server.letters[2:]:
        assert "RALAT" not in text(letter)
        assert letter.mail["Subject"] == "Pengaduan FD-1 – Dinas Sosial"
    owe(context, "2026-11-26 08:00", at("Dinas Sosial", **IN_TIME))  # and this is the truth
    assert deliver(context, "2026-11-26 08:00").sent == 2
    assert "Ralat" in server.letters[-1].mail["Subject"]
    with context.transaction() as session:
        items = session.scalars(select(MessageItem).where(MessageItem.correction.is_(True)))
        assert sorted(str(item.included) for item in items) == ["False"] * 2 + ["True"] * 4


def test_a_complaint_that_waits_anew_is_no_longer_called_late(context, server):
    """The file was given the wrong class: a complaint has 14 working days."""
    told_late(context)
    owe(context, NEXT, at("Dinas Sosial", **COMPLAINT))
    deliver(context, NEXT)
    assert "kewajiban ini tidak berlaku" in text(server.letters[2])
    assert [row["reason"] for row in audited(context)] == [
        "a deadline that counted as late no longer applies"
    ]
    assert statuses(context)[:2] == ["sent", "sent"]
    assert len(messages(context, "notices")) >= 4


def test_a_former_deputy_is_called_so_in_the_correction(context, server):
    """Another person has the office by then, and it was never the deputy's own."""
    told_late(context)
    directory, last_day = context.site.directory, date(2026, 11, 24)
    offices = [
        replace(each, until=last_day) if each.email.startswith("plt.") else each
        for each in directory.offices
    ]
    context.site.directory = Directory(directory.units.values(), offices)
    owe(context, NEXT, at("Dinas Sosial", **IN_TIME))
    deliver(context, NEXT)
    (letter,) = [each for each in server.letters[2:] if each.recipient.startswith("plt.")]
    said = text(letter)
    assert "Yth. mantan Plt. Kepala Dinas Sosial" in said
    assert "kepada mantan Plt. Kepala Dinas Sosial." in said
    assert said.casefold().count("ralat") == 1
    assert said.count("ternyata tidak terlambat") == 1


def test_an_explanation_has_one_correction_for_a_mail_and_names_deputies(context, server):
    """Each person got two notices of the duty, and one mail takes both back."""
    told_late(context)
    for now in ("2026-12-01 08:00", "2026-12-02 08:00"):
        owe(context, now, at("Dinas Sosial", **(IN_TIME if now > "2026-12-02" else {})))
        deliver(context, now)
    mails = explained(context, "2026-12-03 08:00").mails
    late = [each for each in mails if each.kind == "breach" and not each.correction]
    of_head = [each for each in late if each.role == "head_of_unit"]
    assert len(of_head) == 2
    corrections = [each for each in mails if each.correction]
    assert len(corrections) == len({each.message_id_header for each in corrections}) > 1
    assert {each.name for each in mails if each.role == "head_of_unit"} == {
        f"Plt. {messages(context)[1].recipient_name}"
    }


@pytest.fixture
def dlh_on_hold(site_folder):
    """DLH gets no mail, so it is never notified."""
    file = site_folder / "escalation.toml"
    hold = '\n[[hold]]\nunits = ["dlh"]\nreason = "test"\n'
    file.write_text(file.read_text("utf-8") + hold, "utf-8")


HANDED_OVER = {"Diteruskan Kembali": "30/11/2026 10:00", "Unit Pengganti": "DLH"}


@pytest.mark.parametrize(
    ("entry", "corrected"), [(at("DLH"), True), (at("Dinas Sosial", **HANDED_OVER), False)]
)
@pytest.mark.usefixtures("dlh_on_hold")
def test_a_superior_reads_of_no_unit_before_it_was_notified(context, server, entry, corrected):
    """The notices about the former unit do not count for the present one."""
    other = at("Dinas Kesehatan", "FD-2", **since("20/11/2026"))
    told_late(context)
    for now in (ESCALATED, "2026-11-30 08:00"):
        owe(context, now, at("Dinas Sosial"), other)
        deliver(context, MONDAY if now == ESCALATED else now)
    begin = len(server.letters)
    for now in ("2026-12-01 08:00", "2026-12-04 08:00", "2026-12-07 08:00"):
        owe(context, now, entry, other)
        deliver(context, now)
    found = [text(each) for each in server.letters[begin:] if each.recipient.startswith("sekda@")]
    assert ["RALAT" in each for each in found] == [True, False][not corrected :]
    for each in found:
        assert "1. Pengaduan FD-1" not in each
        assert "2. Pengaduan FD-1" not in each
        assert "- DLH: 1 terlambat" not in each
        assert "telah ditindaklanjuti" not in each
        assert "1 pengaduan terlambat" in each
        assert "belum dihitung di atas: perangkat daerahnya diberi tahu lebih dahulu" in each


# --- listed, without a notice of one's own --------------------------------------------------------


def corrections(server, begin: int = 0) -> list[tuple[str, str]]:
    """To whom, and in which mail, a correction went."""
    return [
        (letter.recipient.partition("@")[0], str(letter.mail["Subject"]))
        for letter in server.letters[begin:]
        if "RALAT" in text(letter)
    ]


def listed_to_superiors(context) -> None:
    """FD-1 reaches the regional secretary on the 30th; FD-2, due on the 25th, is only listed."""
    later = at("Dinas Sosial", "FD-2", **since("18/11/2026"))
    for now in (BREACHED, "2026-11-26 08:00", ESCALATED):
        owe(context, now, at("Dinas Sosial"), later)
        deliver(context, now)
    deliver(context, MONDAY)


def test_a_superior_to_whom_a_mail_only_listed_it_gets_one_correction(context, server):
    listed_to_superiors(context)
    assert "sekda" in recipients(context)
    first, second = at("Dinas Sosial"), at("Dinas Sosial", "FD-2", **since("18/11/2026"))
    begin = len(server.letters)
    for now in ("2026-11-30 09:00", "2026-12-01 08:00", "2026-12-02 08:00", "2026-12-07 08:00"):
        owe(context, now, first, second | {"Selesai": "24/11/2026 10:00"})
        deliver(context, now)
    found = corrections(server, begin)
    assert sorted(who for who, _ in found) == ["penghubung.dinsos", "plt.kepala.dinsos", "sekda"]
    (letter,) = [
        each
        for each in server.letters[begin:]
        if "RALAT" in text(each) and "sekda" in each.recipient
    ]
    assert "Pengaduan FD-2 (Dinas Sosial)" in text(letter)
    assert [row["people"] for row in audited(context)] == [3]
    with context.transaction() as session:
        (explanation,) = explanations(session, context, "FD-2", wita("2026-12-08 08:00"))
    of_secretary = [each for each in explanation.mails if each.role == "regional_secretary"]
    assert [(each.kind, each.correction) for each in of_secretary] == [
        ("listed", False),
        ("breach", True),
    ]
    assert all(each.taken_back_at for each in of_secretary)
    assert "(disebut terlambat dalam daftar)" in as_text(context.site, explanation)


def test_a_listed_duty_that_is_taken_back_while_its_mail_leaves_is_evaluated_again(
    context, server, monkeypatch
):
    """The run that took it back has not seen this mail: it was not sent yet."""
    really = Connection.send

    def meanwhile(connection, sender, recipient, mime):
        if "sekda" in recipient:
            with context.transaction() as session:
                second = select(Complaint.id).where(Complaint.ticket == "FD-2")
                these = update(NoticeRow).where(NoticeRow.complaint_id.in_(second))
                session.execute(these.values(taken_back_at=wita(MONDAY) + timedelta(minutes=1)))
                session.execute(update(Complaint).values(next_action_at=None))
        return really(connection, sender, recipient, mime)

    monkeypatch.setattr(Connection, "send", meanwhile)
    listed_to_superiors(context)
    with context.transaction() as session:
        due = session.scalars(select(Complaint.ticket).where(Complaint.next_action_at.is_not(None)))
        assert "FD-2" in due.all()


@pytest.fixture
def without_ladder(site_folder):
    """No person is notified of requests for information; mails about other duties list them."""
    file = site_folder / "escalation.toml"
    text = file.read_text("utf-8")
    assert text.count('rules = ["*"]') == 1
    file.write_text(text.replace('rules = ["*"]', 'rules = ["sp4n-guideline/complaint"]'), "utf-8")


@pytest.mark.usefixtures("without_ladder")
def test_a_duty_without_any_notice_is_taken_back_where_a_mail_listed_it(context, server):
    other = at("Dinas Sosial", "FD-2", **since("13/11/2026"), **COMPLAINT)
    owe(context, "2026-12-02 08:00", at("Dinas Sosial"), other)
    deliver(context, "2026-12-02 08:00")
    assert any("Pengaduan FD-1" in text(letter) for letter in server.letters)
    begin = len(server.letters)
    for now in ("2026-12-03 08:00", "2026-12-04 08:00", "2026-12-07 08:00"):
        owe(context, now, at("Dinas Sosial", **IN_TIME), other)
        deliver(context, now)
    found = corrections(server, begin)
    assert [who for who, _ in found] == sorted({who for who, _ in found})
    assert [(row["notices"], row["people"]) for row in audited(context)] == [(0, len(found))]
    assert found
