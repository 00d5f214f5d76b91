"""A due time that moves later, entered only when the duty is late again by the new one.

See `pipeline` for the complaint: it is due on Monday 23 November, and the unit is told on the 24th
that it is late. Two more days off move the due day to the 25th, a pause that is learnt late to the
24th.
"""

import re

import pytest
from conftest import ON_BOTH, kind_of_database, wita
from sqlalchemy import select
from support.pipeline import (
    BREACHED,
    ESCALATED,
    MONDAY,
    at,
    decide,
    deliver,
    explained,
    owe,
    recipients,
    since,
)
from support.servers.smtp_servers import Letter, running

from db.models import AuditRow, NoticeRow
from sla.ladders import NoticeKind
from tasks.evaluation.corrections import NOT_YET_LATE
from tasks.evaluation.explain import explanations

BETWEEN, AGAIN = "2026-11-25 09:00", "2026-11-26 09:00"
PAUSE = {"Ditunda": "17/11/2026 09:00", "Dilanjutkan": "18/11/2026 15:00"}
UNIT = ["penghubung.dinsos", "plt.kepala.dinsos"]


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    return kind_of_database(request)


@pytest.fixture
def server():
    with running() as found:
        yield found


@pytest.fixture
def reopened(open_context, server):
    """Opens the site again, with its mail going to the server."""

    def open_one():
        context = open_context()
        context.site.mail_url = server.url()
        return context

    return open_one


def text(letter: Letter) -> str:
    return " ".join(letter.mail.get_body(("plain",)).get_content().split())


def days_off(site_folder, *days: str) -> None:
    """Decree days off."""
    file = site_folder / "holidays.toml"
    more = "".join(
        f'\n[[add]]\ndate = {day}\nname = "Libur daerah"\ndecree = "SK Bupati 7/2026 (invented)"\n'
        for day in days
    )
    file.write_text(file.read_text("utf-8") + more, "utf-8")


def told_late(context, **more: str) -> None:
    owe(context, BREACHED, at("Dinas Sosial", **more))
    assert deliver(context, BREACHED).sent == 2


def late_notices(context) -> list[tuple[str, int, bool]]:
    """The notices of lateness: rung, episode, and whether it was taken back."""
    with context.transaction() as session:
        rows = session.scalars(select(NoticeRow).order_by(NoticeRow.id))
        return [
            (row.rung, row.episode, row.taken_back_at is not None)
            for row in rows
            if row.kind != NoticeKind.REMINDER
        ]


def reasons(context) -> list[str]:
    """The reasons in the audit for lateness that was taken back."""
    with context.transaction() as session:
        rows = session.scalars(select(AuditRow).order_by(AuditRow.seq))
        return [row.reason for row in rows if row.kind == "notice.taken_back"]


@ON_BOTH
@pytest.mark.parametrize(
    ("cause", "due"), [("days off", "Rabu, 25 November"), ("pause", "Selasa, 24 November")]
)
def test_who_was_told_too_early_gets_a_correction_and_the_ladder_starts_again(
    site_folder, reopened, server, cause, due
):
    told_late(reopened())
    more = PAUSE if cause == "pause" else {}
    if cause == "days off":
        days_off(site_folder, "2026-11-19", "2026-11-20")
    context = reopened()
    owe(context, AGAIN, at("Dinas Sosial", **more))
    assert deliver(context, AGAIN).sent == 2
    assert recipients(context)[2:] == UNIT
    for letter in server.letters[2:]:
        assert letter.mail["Subject"] == "1 ralat, 1 terlambat – Dinas Sosial"
        assert "1 kewajiban yang diberitahukan terlambat dalam surel terdahulu baru terlambat" in (
            text(letter)
        )
        assert "batas waktunya belum berakhir ketika surel itu dikirim" in text(letter)
        assert re.search(
            rf"FD-1 \(Dinas Sosial\): [^;]*; terlambat sejak batas waktunya berakhir pada "
            f"{due}[^;]*; keadaan sekarang: terlambat",
            text(letter),
        )
        assert "ternyata tidak terlambat" not in text(letter)
    assert late_notices(context) == [("breach", 0, True), ("breach", 1, False)]
    assert reasons(context) == [NOT_YET_LATE]


def test_the_superior_hears_by_the_days_after_the_right_notice(site_folder, reopened):
    told_late(reopened())
    days_off(site_folder, "2026-11-19", "2026-11-20")
    context = reopened()
    for now, escalations in (
        (AGAIN, 0),
        ("2026-11-27 08:00", 0),  # three working days after the first notice
        ("2026-11-30 08:00", 0),
        ("2026-12-01 08:00", 1),  # three working days after the second one
    ):
        owe(context, now, at("Dinas Sosial", Perihal=now))
        deliver(context, now)
        found = [rung for rung, *_ in late_notices(context) if rung.startswith("plus")]
        assert len(found) == escalations, now
    assert reasons(context) == [NOT_YET_LATE]


@pytest.mark.parametrize("waits", [False, True])
def test_a_run_between_changes_nothing_but_the_day_of_the_correction(
    site_folder, reopened, server, waits
):
    """The correction waits if the mail server is out of reach until the duty is late again."""
    told_late(reopened())
    days_off(site_folder, "2026-11-19", "2026-11-20")
    context = reopened()
    decide(context, BETWEEN)
    if not waits:
        assert deliver(context, BETWEEN).sent == 2
        assert all("ternyata tidak terlambat" in text(each) for each in server.letters[2:])
    owe(context, AGAIN, at("Dinas Sosial"))
    assert deliver(context, AGAIN).sent == 2
    corrected = ["RALAT" in text(letter) for letter in server.letters[-2:]]
    assert corrected == [waits, waits]
    assert late_notices(context) == [("breach", 0, True), ("breach", 1, False)]


@pytest.mark.parametrize(
    "day", ["2026-12-03", "2026-11-24"], ids=["after the due day", "on the day of the notice"]
)
def test_a_day_off_after_the_due_day_takes_nothing_back(site_folder, reopened, server, day):
    told_late(reopened())
    days_off(site_folder, day)
    context = reopened()
    owe(context, AGAIN, at("Dinas Sosial"))
    deliver(context, AGAIN)
    assert all("RALAT" not in text(letter) for letter in server.letters)
    assert reasons(context) == []
    assert late_notices(context)[0] == ("breach", 0, False)


def test_a_notice_after_the_new_due_time_is_right(site_folder, reopened, server):
    """The first notice left late, after an outage: the duty was late by the new due time too."""
    context = reopened()
    owe(context, AGAIN, at("Dinas Sosial"))
    assert deliver(context, AGAIN).sent == 2
    days_off(site_folder, "2026-11-19", "2026-11-20")
    context = reopened()
    owe(context, "2026-11-26 15:00", at("Dinas Sosial", Perihal="Pindah"))
    deliver(context, "2026-11-26 15:00")
    assert late_notices(context) == [("breach", 0, False)]
    assert reasons(context) == []


def test_a_duty_done_late_by_the_new_due_time_too_was_called_late_too_early(
    site_folder, reopened, server
):
    told_late(reopened())
    days_off(site_folder, "2026-11-19", "2026-11-20")
    context = reopened()
    owe(context, AGAIN, at("Dinas Sosial", Selesai="26/11/2026 08:30"))
    assert deliver(context, AGAIN).sent == 2
    for letter in server.letters[2:]:
        assert letter.mail["Subject"] == (
            "Ralat: 1 pemberitahuan keterlambatan dicabut – Dinas Sosial"
        )
        assert "; keadaan sekarang: selesai terlambat" in text(letter)


def test_an_explanation_marks_the_early_mails_and_no_later_ones(site_folder, reopened):
    told_late(reopened())
    days_off(site_folder, "2026-11-19", "2026-11-20")
    context = reopened()
    owe(context, AGAIN, at("Dinas Sosial"))
    deliver(context, AGAIN)
    found = explained(context, "2026-11-26 12:00")
    late = [each for each in found.mails if not each.correction]
    early = [each.taken_back_at for each in late if each.sent_at < wita(AGAIN)]
    again = [each.taken_back_at for each in late if each.sent_at >= wita(AGAIN)]
    assert early == [wita(AGAIN)] * 2
    assert again == [None] * 2


@pytest.mark.parametrize("early", [True, False])
def test_a_superior_to_whom_a_mail_only_listed_it_gets_the_correction(
    site_folder, reopened, server, early
):
    """FD-1 reaches the secretary on the 30th; FD-2, due on the 25th, is only listed in that mail.

    With four days off, FD-2 is due on 1 December; with one, on 26 November, and that mail is right.
    """
    context = reopened()
    rows = [at("Dinas Sosial"), at("Dinas Sosial", "FD-2", **since("18/11/2026"))]
    for now in (BREACHED, "2026-11-26 08:00", ESCALATED):
        owe(context, now, *rows)
        deliver(context, now)
    deliver(context, MONDAY)
    assert "sekda" in recipients(context)
    begin, now = len(server.letters), "2026-12-02 09:00"
    days_off(site_folder, *[f"2026-11-{day}" for day in ((24, 25, 26, 27) if early else (24,))])
    context = reopened()
    owe(context, now, *rows)
    deliver(context, now)
    corrections = {
        letter.recipient.partition("@")[0]: text(letter).partition("RALAT")[2]
        for letter in server.letters[begin:]
        if "RALAT" in text(letter)
    }
    assert sorted(corrections) == sorted([*UNIT, *(["sekda"] if early else [])])
    for each in corrections.values():
        assert "FD-2 (Dinas Sosial)" in each
        assert "FD-1 (Dinas Sosial)" not in each
    with context.transaction() as session:
        (found,) = explanations(session, context, "FD-2", wita(now))
    listed = [each.taken_back_at for each in found.mails if each.kind == "listed"]
    assert listed == [wita(now) if early else None]
