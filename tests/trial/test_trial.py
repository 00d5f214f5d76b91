"""A new site is in trial: nobody but the administrator gets mails, until a person says start.

See `pipeline` for the complaints; on 24 November the deadlines of all of them have been missed.
"""

from datetime import date

import pytest
from conftest import ON_BOTH, kind_of_database, wita
from sqlalchemy import select
from support.live_sites import back_to_trial, open_site
from support.pipeline import (
    BREACHED,
    at,
    begin,
    decide,
    deliver,
    messages,
    notices,
    owe,
    register,
)

from cli import console
from cli.language import words
from db import audit
from db import notices as notice_queries
from db.decisions import mode
from db.models import AuditRow, MessageKind
from settings.site import StormSettings
from sla.directory import Role
from tasks.common.context import SiteContext
from tasks.monitoring.health import check
from tasks.notifications.enqueue import enqueue, enqueue_alert
from tasks.notifications.trial.digest import entry_of
from tasks.notifications.trial.mode_text import mode_text
from tasks.notifications.trial.readiness import preview_folder
from tasks.notifications.trial.start import NotPossible, TooEarly, start_site, stop_site

UNITS = ("Inspektorat", "Dinas Sosial")
EVERYWHERE = [at(unit, f"FD-{number}") for number, unit in enumerate(UNITS)]
ADMINISTRATOR = "admin.lapor@contohkab.example"


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    return kind_of_database(request)


@pytest.fixture
def trial(context):
    """A site of which `tenggat start` was never said."""
    back_to_trial(context)
    return context


def texts(server) -> list[tuple[str, str, str]]:
    """Recipient, subject and text of each mail that the server has accepted."""
    found = []
    for letter in server.letters:
        body = letter.mail.get_body(("plain",))
        found.append((letter.recipient, str(letter.mail["Subject"]), body.get_content()))
    return found


def start(context, now: str, **days) -> mode.SiteMode:
    return start_site(context, wita(now), "a test", **days)


def test_in_trial_one_digest_goes_to_the_administrator_and_nothing_to_anybody_else(trial, server):
    owe(trial, BREACHED, *EVERYWHERE)
    count = deliver(trial, BREACHED)
    digests = [each for each in texts(server) if "Uji coba" in each[1]]
    assert {to for to, _, _ in texts(server)} == {ADMINISTRATOR}
    assert [subject for _, subject, _ in digests] == ["[Tenggat] Uji coba: 4 surel tidak dikirim"]
    assert count.in_trial == 4
    text = digests[0][2]
    for row in messages(trial):
        if row.status == "trial":
            assert f"{row.recipient_name} <{row.recipient}>" in text
            assert row.subject in text
    assert deliver(trial, BREACHED).in_trial == 0


def test_a_digest_names_all_offices_in_which_its_reader_gets_a_mail(site_folder, open_context):
    """One officer serves two units, and one mail has the notices of both."""
    officers = site_folder / "officers.csv"
    text = officers.read_text("utf-8").replace("penghubung.dlh@", "penghubung.dinsos@")
    officers.write_text(text, encoding="utf-8")
    context = open_context()
    owe(context, BREACHED, at("Dinas Sosial", "FD-1"), at("DLH", "FD-2"))
    (mail,) = (row for row in messages(context) if row.recipient.startswith("penghubung.dinsos"))
    with context.run(wita(BREACHED), "a test") as run:
        found = entry_of(run, mail, "id").title
    assert found == (
        "Pejabat Penghubung Dinas Sosial dan Pejabat Penghubung Dinas Lingkungan Hidup"
    )


def notes(context, now: str, *kinds: str) -> None:
    """Queue alerts to the administrators."""
    facts = {
        "mixed_dates": {"source": "register", "file": "a.xlsx", "column": "Masuk"},
        "odd_hours": {"source": "register", "file": "a.xlsx", "column": "Jam", "cells": "pagi"},
        "vacancies": {"offices": [["dinsos", "liaison"], ["dinsos", "head_of_unit"]]},
        "source_clock": {"source": "register", "our_time": now, "newest_time": now},
    }
    with context.run(wita(now), "intake") as run:
        for kind in kinds:
            enqueue_alert(run, kind, facts[kind])


def test_two_notes_of_one_kind_have_their_text_once(trial, server):
    with trial.run(wita(BREACHED), "deadlines") as run:
        for source in ("lapor", "register"):
            enqueue_alert(run, "inventory_in_trial", {"source": source, "late": 3})
    assert deliver(trial, BREACHED).sent == 1
    ((_, _, text),) = texts(server)
    assert text.count("Sumber baru memuat pengaduan yang sudah terlambat") == 1
    lines = text.splitlines()
    for source in ("lapor", "register"):
        assert lines[lines.index(f"Sumber: {source}") + 1] == "Sudah terlambat: 3"


NOTES = ("mixed_dates", "odd_hours", "vacancies")


def test_alerts_that_need_no_act_at_once_are_in_the_digest(trial, server):
    owe(trial, BREACHED, *EVERYWHERE)
    notes(trial, BREACHED, *NOTES, "source_clock")
    count = deliver(trial, BREACHED)
    assert (count.sent, count.in_trial) == (2, 4)
    alert, digest = sorted(texts(server), key=lambda each: "Uji coba" in each[1])
    assert alert[1] == "[Tenggat] Jam atau zona waktu sebuah sumber tampaknya keliru"
    assert digest[1] == "[Tenggat] Uji coba: 4 surel tidak dikirim"
    begin = digest[2].index("Catatan untuk Anda:")
    assert begin < digest[2].index("Kepada: ")
    for text in ("Jam pada sebuah kolom tidak terbaca", "Isi: pagi", "Dinas Sosial", "Masuk"):
        assert text in digest[2][begin : digest[2].index("Kepada: ")]
    assert "Jam pada sebuah kolom" not in alert[2]
    start(trial, "2026-11-25 08:00")
    notes(trial, "2026-11-25 08:00", *NOTES)
    server.letters.clear()
    deliver(trial, "2026-11-25 08:00")
    assert not any("Catatan" in text or "kolom" in subject for _, subject, text in texts(server))


@pytest.mark.parametrize(
    ("kinds", "subject"),
    [
        (NOTES, "[Tenggat] Uji coba: 3 catatan"),
        (NOTES[1:2], "[Tenggat] Jam pada sebuah kolom tidak terbaca"),
    ],
)
def test_alerts_without_a_mail_to_officials_are_one_mail(trial, server, kinds, subject):
    notes(trial, BREACHED, *kinds)
    assert deliver(trial, BREACHED).in_trial == 0
    (found,) = texts(server)
    assert (found[0], found[1]) == (ADMINISTRATOR, subject)
    assert "surel di bawah ini" not in found[2]


def test_a_live_site_sends_each_alert_by_itself(context, server):
    notes(context, BREACHED, *NOTES)
    assert deliver(context, BREACHED).sent == 3


def test_a_long_digest_names_all_mails_and_attaches_their_texts(trial, server, monkeypatch):
    monkeypatch.setattr("tasks.notifications.trial.digest.LONGEST_BODY", 100)
    owe(trial, BREACHED, *EVERYWHERE)
    deliver(trial, BREACHED)
    (mail,) = [each.mail for each in server.letters if "Uji coba" in str(each.mail["Subject"])]
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "surel-uji-coba-2026-11-24.txt"
    content = attached.get_content()
    body = mail.get_body(("plain",)).get_content()
    names = [row.recipient_name for row in messages(trial) if row.status == "trial"]
    assert len(names) == 4
    assert all(name in content and name in body for name in names)
    assert content.count("Yth.") == 4
    assert body.count("Yth.") == 2  # its own, and the first mail's


@pytest.mark.thorough
@ON_BOTH
def test_what_only_a_trial_has_shown_counts_as_told_to_nobody(trial, server):
    owe(trial, BREACHED, *EVERYWHERE)
    deliver(trial, BREACHED)
    later = "2026-12-10 08:00"
    decide(trial, later)
    deliver(trial, later)
    assert {status for _, status in notices(trial)} == {"trial"}  # no superior: no unit was told
    assert notice_queries_of(trial) == {}
    server.letters.clear()
    start(trial, "2026-12-10 08:05")
    assert {status for _, status in notices(trial)} == {"withdrawn"}
    decide(trial, "2026-12-10 08:05")
    deliver(trial, "2026-12-10 08:05")
    told = [row.role for row in messages(trial, "notices") if row.status == "sent"]
    assert sorted(told) == ["head_of_unit", "head_of_unit", "liaison", "liaison"]
    assert {to for to, _, _ in texts(server)} > {ADMINISTRATOR} or len(server.letters) == 4
    decide(trial, "2026-12-14 08:00")
    deliver(trial, "2026-12-14 08:00")
    assert not any(row.role == "regional_secretary" for row in messages(trial, "notices"))
    decide(trial, "2026-12-15 08:00")
    assert any(row.role == "regional_secretary" for row in messages(trial, "notices"))


def notice_queries_of(context) -> dict:
    with context.transaction() as session:
        return notice_queries.notified(session, [1, 2], wita("2027-01-01 00:00"))


def test_the_backlog_of_a_trial_is_an_inventory_and_no_storm(trial, server):
    mail = trial.site.file.mail.model_copy(update={"storm": StormSettings(most=1)})
    trial.site.file = trial.site.file.model_copy(update={"mail": mail})
    owe(trial, BREACHED, *EVERYWHERE)
    assert "storm" not in {row.detail.get("alert") for row in messages(trial)}
    start(trial, "2026-11-25 08:00")
    decide(trial, "2026-11-25 08:00")
    assert deliver(trial, "2026-11-25 08:00").sent >= 4
    assert "storm" not in {row.detail.get("alert") for row in messages(trial)}


@pytest.mark.thorough
def test_a_start_on_a_later_day_is_put_into_force_by_the_first_run_of_that_day(trial, server):
    owe(trial, BREACHED, *EVERYWHERE)
    planned = start(trial, "2026-11-24 09:00", first_day=date(2026, 11, 26))
    assert (planned.live, planned.starts_at) == (False, wita("2026-11-26 00:00"))
    assert mode_text(planned, "id", trial.site.zone).endswith("Kamis, 26 November 2026.")
    assert deliver(trial, "2026-11-25 08:00").in_trial == 4
    decide(trial, "2026-11-26 07:30")
    assert deliver(trial, "2026-11-26 07:30").in_trial == 0
    assert [row.status for row in messages(trial, "notices")] == ["trial"] * 4 + ["sent"] * 4


@pytest.mark.thorough
def test_the_ladder_of_superiors_begins_on_their_day(context, server):
    """Without the day the secretary would hear of it on Monday 30 November, all others by then."""
    start(context, "2026-11-24 07:00", superiors_first_day=date(2026, 12, 14))
    owe(context, BREACHED, at("Dinas Sosial"))
    roles = {}
    for day in ("11-24", "11-30", "12-07", "12-14", "12-17", "12-21", "12-23"):
        decide(context, f"2026-{day} 08:00")
        deliver(context, f"2026-{day} 08:00")
        sent = [row for row in messages(context, "notices") if row.status == "sent"]
        roles[day] = {row.role for row in sent} - {"liaison", "head_of_unit"}
    assert roles["12-17"] == set()
    assert roles["12-21"] == {"regional_secretary"}  # three working days later, on Monday


def test_after_a_stop_a_queued_mail_and_a_correction_go_to_nobody_until_the_next_start(
    context, server
):
    owe(context, BREACHED, at("Dinas Sosial"))
    assert deliver(context, BREACHED).sent == 2
    stop_site(context, wita("2026-11-24 09:00"), "a test")
    server.letters.clear()
    done = {"Selesai": "23/11/2026 10:00"}
    register(context, "2026-11-24 10:00", at("Dinas Sosial", **done))
    decide(context, "2026-11-24 10:00")
    assert deliver(context, "2026-11-24 10:00").in_trial == 2
    assert {to for to, _, _ in texts(server)} == {ADMINISTRATOR}
    assert "Ralat" in texts(server)[0][2]
    start(context, "2026-11-24 11:00")
    decide(context, "2026-11-24 11:00")
    server.letters.clear()
    assert deliver(context, "2026-11-24 11:00").sent == 2
    assert all("RALAT" in text for _, _, text in texts(server))


def test_a_start_that_another_one_overtook_does_not_end_what_was_before_the_trial(context, server):
    """What was decided before the trial stays, whichever of two announced starts comes first."""
    owe(context, BREACHED, *EVERYWHERE)
    before = messages(context, MessageKind.NOTICES)
    assert before
    stop_site(context, wita("2026-11-24 09:00"), "a test")
    start(context, "2026-11-24 10:00", first_day=date(2026, 12, 14))
    start(context, "2026-11-24 11:00", first_day=date(2026, 12, 13))
    with context.transaction() as session:
        assert mode.activate(session, wita("2026-12-13 00:05"))
    after = {row.id: row.status for row in messages(context, MessageKind.NOTICES)}
    assert {row.id: after[row.id] for row in before} == {row.id: row.status for row in before}


def test_a_decision_of_one_person_is_an_audit_row_and_a_day_in_the_past_is_refused(trial):
    trial.by = audit.AuditActor("command line of adi")
    with pytest.raises(NotPossible, match="2026-11-20 is over"):
        start(trial, BREACHED, first_day=date(2026, 11, 20))
    days = {"first_day": date(2026, 12, 7), "superiors_first_day": date(2026, 12, 1)}
    with pytest.raises(TooEarly, match="2026-12-01 is before 2026-12-07"):
        start(trial, BREACHED, **days)
    start(trial, BREACHED, superiors_first_day=date(2026, 12, 1))
    stop_site(trial, wita("2026-11-25 08:00"), "a test")
    with trial.transaction() as session:
        rows = session.execute(select(AuditRow.kind, AuditRow.actor).order_by(AuditRow.seq)).all()
        assert mode.of_site(session) == mode.SiteMode(
            mode.Mode.TRIAL, wita("2026-11-25 08:00"), "a test"
        )
    assert rows == [("mode.live", "command line of adi"), ("mode.trial", "command line of adi")]


def test_a_report_in_trial_goes_to_nobody_but_the_administrator(trial, server):
    owe(trial, BREACHED, at("Dinas Sosial"))
    with trial.run(wita(BREACHED), "report") as run:
        holder = run.site.directory.holders(Role.INSPECTOR, None, run.today).offices[0]
        enqueue(run, MessageKind.SUMMARY, holder, "<report@test>", detail={"report": 1})
    deliver(trial, BREACHED)
    assert {to for to, _, _ in texts(server)} == {ADMINISTRATOR}


def test_doctor_says_the_mode(trial):
    def found() -> dict[str, str]:
        findings = check(trial.site, wita(BREACHED))
        return {each.what: each.level for each in findings}

    assert found()["this site is in trial: only the administrator gets mails"] == "note"
    start(trial, BREACHED, superiors_first_day=date(2026, 12, 1))
    live = (
        "officials have got mails since 2026-11-24 08:00; superiors get none before"
        " 2026-12-01 00:00"
    )
    assert found()[live] == "good"


@pytest.fixture
def asked(trial, monkeypatch, call_tenggat):
    """Call `tenggat start` on a site in trial and answer its question; the questions are kept."""
    monkeypatch.setattr(SiteContext, "open", classmethod(open_site))
    questions = []

    def call(answer: str, *arguments: str, lang: str = "id") -> tuple[int, str, list[str]]:
        def prompt(question: str, **_: object) -> str:
            questions.append(question)
            return answer

        monkeypatch.setattr(console.typer, "prompt", prompt)
        where = ("--site", trial.site.folder, "--now", "2026-11-24T08:00")
        code, said, _ = call_tenggat("--lang", lang, "start", *arguments, *where)
        return code, said, questions

    yield call
    words.use_language("en")


def live(context) -> bool:
    with context.transaction() as session:
        return mode.of_site(session).live


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        (
            "id",
            [
                "belum ada data yang diambil dari sumber register: jalankan",
                "jabatan di unit masih kosong: surelnya naik ke unit induk atau administrator.",
                "belum ada pratinjau surel di",
            ],
        ),
        (
            "en",
            [
                "nothing was imported from source register yet: run",
                "offices of units are vacant: their mails go to the parent unit or the",
                "there is no preview of the mails in",
            ],
        ),
    ],
)
def test_a_start_names_what_the_site_lacks_and_needs_a_yes(trial, asked, lang, expected):
    directory = trial.site.folder / "officers.csv"
    lines = directory.read_text("utf-8").splitlines(keepends=True)
    keep = [line for line in lines if "head_of_unit" not in line]
    assert len(keep) < len(lines)
    directory.write_text("".join(keep), encoding="utf-8")
    code, said, questions = asked("", lang=lang)
    assert (code, len(questions), live(trial)) == (1, 1, False)
    assert [text for text in expected if text not in said] == []
    assert str(trial.site.var / "preview") in said
    code, said, questions = asked("", "--yes", lang=lang)
    assert (code, len(questions), live(trial)) == (0, 1, True)
    assert expected[0] in said


def test_a_yes_starts_and_a_live_site_is_not_asked_again(trial, asked):
    assert asked("ya")[0] == 0
    assert live(trial)
    code, said, questions = asked("", "--superiors-from", "7 Desember 2026")
    assert (code, len(questions)) == (0, 1)
    assert said.endswith("menerima surel mulai Senin, 7 Desember 2026.\n")


def test_a_site_that_was_imported_filled_in_and_previewed_starts_without_a_question(trial, asked):
    for source in trial.site.sources:
        begin(trial, source, wita("2026-11-23 08:00"))
    folder = preview_folder(trial) / "2026-11-24_0800"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("", encoding="utf-8")
    officers = trial.site.folder / "officers.csv"
    with officers.open("a", encoding="utf-8") as file:
        file.write("dishub,head_of_unit,Rekaan,kadis@contohkab.example,2026-11-25,,\n")
        file.write("kec-muara,liaison,Rekaan,muara@contohkab.example,,,\n")
    code, said, questions = asked("", lang="en")  # the head of Dinas Perhubungan begins tomorrow
    assert (code, len(questions)) == (1, 1)
    assert said.startswith("1 office of a unit is vacant:")
    code, said, questions = asked("", "--from", "25/11/2026", lang="en")
    assert (code, len(questions)) == (0, 1)
    assert "Wednesday, 25 November 2026" in said
