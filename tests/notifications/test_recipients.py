"""Who gets a mail is decided when it leaves, and what reached nobody goes to the next in line."""

import pytest
from conftest import kind_of_database, wita
from sqlalchemy import update
from support.pipeline import (
    BREACHED,
    ESCALATED,
    alerts,
    at,
    decide,
    deliver,
    messages,
    notices,
    owe,
    register,
    since,
)
from support.servers.smtp_servers import Letter

from db.lives import MAIL_LIFE, NOTICE_LIFE, IllegalChange, MessageStatus, NoticeStatus
from db.mailbox import bounces
from db.models import AuditRow, MessageRow, NoticeRow
from sla.directory import Directory, OfficeHolder, Role

LATER = "2026-11-25 08:00"


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    return kind_of_database(request)


def text(letter: Letter) -> str:
    return " ".join(letter.mail.get_body(("plain",)).get_content().split())


def told(server) -> list[str]:
    return [letter.recipient.partition("@")[0] for letter in server.letters]


def replaced(context, role: Role, unit: str, *emails: str) -> None:
    """Give an office of a unit to other people, or to nobody."""
    before = context.site.directory
    others = [each for each in before.offices if (each.role, each.unit) != (role, unit)]
    new = [OfficeHolder(unit, role, "Pejabat Baru", f"{name}@contohkab.example") for name in emails]
    context.site.directory = Directory(before.units.values(), [*others, *new])


def test_a_mail_goes_to_the_one_who_holds_the_office_when_it_leaves(context, server):
    owe(context, "2026-11-24 18:00", at("Dinas Sosial"))
    replaced(context, Role.LIAISON, "dinsos", "baru")
    assert deliver(context, "2026-11-25 07:30").sent == 2
    assert sorted(told(server)) == ["baru", "plt.kepala.dinsos"]
    assert notices(context) == [("breach", "sent")]
    decide(context, LATER)
    assert deliver(context, LATER).sent == 0


def test_an_office_that_fell_vacant_before_its_mail_left_is_stood_in_for(context, server):
    owe(context, "2026-11-24 18:00", at("Dinas Sosial"))
    replaced(context, Role.HEAD_OF_UNIT, "dinsos")
    deliver(context, "2026-11-25 07:30")
    assert sorted(told(server)) == ["penghubung.dinsos", "sekda"]
    (letter,) = [each for each in server.letters if each.recipient.startswith("sekda")]
    said = "Kepala Dinas Sosial: jabatan kosong; disampaikan kepada Sekretaris Daerah."
    assert said in text(letter)


@pytest.mark.thorough
def test_next_in_line_stands_in_for_a_unit_without_anybody_and_the_ladder_starts_there(
    context, server
):
    """The regional secretary hears in place of the head at once, and as superior after +3wd."""
    for role in (Role.LIAISON, Role.HEAD_OF_UNIT):
        replaced(context, role, "dinsos")
    mails = {}
    for day in ("11-24", "11-25", "11-26", "11-27", "11-30"):
        now, first = f"2026-{day} 08:00", len(server.letters)
        owe(context, now, at("Dinas Sosial"))
        deliver(context, now)
        mails[day] = [each for each in server.letters[first:] if "FD-1" in text(each)]
    names = {
        day: sorted(each.recipient.partition("@")[0] for each in found)
        for day, found in mails.items()
        if found
    }
    assert names == {"11-24": ["penghubung.kab", "sekda"], "11-30": ["sekda"]}
    said = "Dinas Sosial: jabatan kosong; disampaikan kepada"
    assert all(said in text(each) for each in mails["11-24"])
    liaison = next(each for each in mails["11-24"] if each.recipient.startswith("penghubung"))
    reader = "Pejabat Penghubung Pemerintah Kabupaten Contoh"
    assert f"Pejabat Penghubung {said} {reader}." in text(liaison)
    assert "segera diteruskan kepada perangkat daerah penanggung jawab" in text(liaison)
    assert said not in text(mails["11-30"][0])
    with context.transaction() as session:
        roles = {
            (message.sent_at, item.role)
            for message in session.query(MessageRow).filter_by(kind="notices")
            for item in message.items
            if message.recipient.startswith("sekda@")
        }
    assert roles == {
        (wita("2026-11-24 08:00"), Role.HEAD_OF_UNIT),
        (wita("2026-11-30 08:00"), Role.REGIONAL_SECRETARY),
    }


def test_a_mail_with_another_cause_names_the_vacant_office_of_the_cases_on_the_desk(
    context, server
):
    """A complaint that has its unit is not to be verified: the mail asks to pass it on."""
    before = context.site.directory
    others = [each for each in before.offices if each.role != Role.LIAISON]
    context.site.directory = Directory(before.units.values(), others)
    unverified = {"Diverifikasi": "", "Diteruskan": "", "Tindak Lanjut Pertama": "", "Unit": ""}
    other = {"No Register": "FD-2", **since("20/11/2026"), **unverified}
    for now in ("2026-11-24 08:00", "2026-11-25 08:00"):
        begin = len(server.letters)
        owe(context, now, at("Dinas Sosial"), other)
        deliver(context, now)
    told_admin = [each for each in server.letters[begin:] if each.recipient.startswith("admin.")]
    (mail,) = [text(each) for each in told_admin if "Pengaduan FD-1" in text(each)]
    assert "Pengaduan FD-2" in mail
    said = "Pejabat Penghubung Dinas Sosial: jabatan kosong; disampaikan kepada Administrator"
    assert mail.count(said) == 1
    assert "mohon segera didisposisikan" in mail
    assert "segera diverifikasi dan didisposisikan" not in mail
    assert "Kepala Dinas Sosial: jabatan kosong" not in mail


def test_what_every_mailbox_of_the_unit_refused_goes_to_the_next_in_line(context, server):
    """Nobody above hears of it as a superior before: a refused mail tells nobody."""
    dead = "550 5.1.1 no such user"
    unit = ("penghubung.dinsos@contohkab.example", "plt.kepala.dinsos@contohkab.example")
    server.rcpt_answers = dict.fromkeys(unit, dead)
    owe(context, BREACHED, at("Dinas Sosial"))
    assert deliver(context, BREACHED).dead == 2
    assert notices(context) == [("breach", "failed")]
    decide(context, "2026-11-24 09:00")
    deliver(context, "2026-11-24 09:00")
    assert notices(context) == [("breach", "sent")]
    late = [letter for letter in server.letters if "Pengaduan FD-1" in text(letter)]
    assert sorted(each.recipient.partition("@")[0] for each in late) == [
        "penghubung.kab",
        "sekda",
    ]
    assert all("alamat tidak diterima server; disampaikan kepada" in text(each) for each in late)
    register(context, ESCALATED, at("Dinas Sosial"))
    assert decide(context, ESCALATED).notices == {"escalation": 1}
    assert alerts(context) == ["refused_address", "refused_address"]


def test_a_refused_address_counts_as_vacant_until_it_is_lifted(context, server):
    head = "plt.kepala.dinsos@contohkab.example"
    server.rcpt_answers = {head: "550 5.1.1 no such user"}
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    assert marked(context) == {head}
    owe(context, LATER, at("Dinas Sosial"), at("Dinas Sosial", "FD-2", **since("17/11/2026")))
    deliver(context, LATER)
    (letter,) = [each for each in server.letters if each.recipient.startswith("sekda")]
    said = "Plt. Kepala Dinas Sosial: alamat tidak diterima server; disampaikan kepada"
    assert said.removeprefix("Plt. ") in text(letter)
    assert "FD-2" in text(letter)
    assert (alerts(context), notices(context)) == (
        ["refused_address"],
        [("breach", "sent"), ("breach", "sent")],
    )
    with context.transaction() as session:
        assert bounces.lift(session, head, wita(LATER))
        reason = session.query(AuditRow).filter_by(kind="bounce.suppressed").one().reason
    assert reason == "the mail server knows no such address (5.1.1)"
    assert marked(context) == set()


@pytest.mark.thorough
def test_while_the_sender_is_limited_the_queue_waits_and_nothing_dies(context, server):
    server.always = "550 5.4.5 Daily user sending limit exceeded"
    owe(context, BREACHED, at("Dinas Sosial"))
    for hour in range(8, 17):
        assert deliver(context, f"2026-11-24 {hour:02}:00").dead == 0
    attempts = [len(mail.attempts) for mail in messages(context)]
    assert sum(attempts) <= 9  # one mail in a run asks whether the limit is over
    assert (marked(context), alerts(context)) == (set(), [])
    server.always = ""
    assert deliver(context, "2026-11-25 10:00").sent == 2


def marked(context) -> frozenset[str]:
    with context.transaction() as session:
        return bounces.suppressed_addresses(session)


def test_what_reached_nobody_at_all_is_not_tried_without_end(context, server):
    server.always = "550 5.7.1 refused"
    owe(context, BREACHED, at("Dinas Sosial"))
    for hour in range(9, 16):
        deliver(context, f"2026-11-24 {hour:02}:00")
        decide(context, f"2026-11-24 {hour:02}:30")
    assert notices(context) == [("breach", "failed")]
    mails = [m for m in office_mails(context) if m.kind == "notices"]
    assert len(mails) == len({m.recipient for m in mails}) <= 6


def office_mails(context) -> list[MessageRow]:
    with context.transaction() as session:
        return list(session.query(MessageRow))


@pytest.mark.parametrize(
    ("row", "old", "new"),
    [
        (MessageRow, MessageStatus.SENT, MessageStatus.QUEUED),
        (MessageRow, MessageStatus.DISCARDED, MessageStatus.SENDING),
        (MessageRow, MessageStatus.QUEUED, MessageStatus.SENT),
        (NoticeRow, NoticeStatus.SUPERSEDED, NoticeStatus.QUEUED),
        (NoticeRow, NoticeStatus.SENT, NoticeStatus.SUPPRESSED),
    ],
)
def test_a_status_changes_only_as_the_table_allows(row, old, new):
    changed = row(status=old)
    with pytest.raises(IllegalChange, match=f"from {old} to {new}"):
        changed.status = new


def test_an_accepted_mail_changes_no_notice_against_the_table(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    with context.transaction() as session:
        session.execute(update(NoticeRow).values(status=NoticeStatus.SUPERSEDED))
    assert deliver(context, BREACHED).sent == 2
    assert notices(context) == [("breach", "superseded")]


def test_every_status_has_its_place_in_the_table():
    assert set(MAIL_LIFE) == set(MessageStatus)
    assert set(NOTICE_LIFE) == set(NoticeStatus)
