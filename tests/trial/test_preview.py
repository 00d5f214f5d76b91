"""A preview shows the next mails and changes nothing; a mail that waits can be read."""

import email
import email.policy
import re
import sqlite3
from contextlib import closing

import pytest
from conftest import ON_SQLITE_FIRST, kind_of_database, wita
from sqlalchemy import select
from support.live_sites import back_to_trial
from support.pipeline import BREACHED, at, decide, deliver, dump, messages, notices, owe, register

from cli.language import words
from db.models import AuditRow, MessageRow
from tasks.common.rolled_back import rolled_back
from tasks.notifications.composing.compose import compose
from tasks.notifications.resend import NotWithdrawn, withdraw
from tasks.notifications.trial.probe import NotProbed, send_test_mail
from tasks.simulation.preview import next_morning, preview, write_preview

FRIDAY_NOON, FRIDAY_NIGHT = "2026-11-27 12:00", "2026-11-27 20:00"
MONDAY_OPENS = "2026-11-30 07:30"


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    return kind_of_database(request)


def shown(context, now: str) -> list[tuple[str, str, str]]:
    """Time, recipient and subject of each mail of a preview."""
    return [
        (
            f"{context.local(mail.at):%Y-%m-%d %H:%M}",
            mail.entry.address.partition("@")[0],
            mail.entry.subject,
        )
        for mail in preview(context, wita(now))
    ]


@ON_SQLITE_FIRST
def test_a_preview_has_the_mails_of_now_and_of_the_next_working_morning(context, server):
    back_to_trial(context)
    register(context, BREACHED, at("Dinas Sosial"))
    before = dump(context)
    found = shown(context, BREACHED)
    assert {when for when, _, _ in found} <= {"2026-11-24 08:00", "2026-11-25 07:30"}
    now = [(to, subject) for when, to, subject in found if when == "2026-11-24 08:00"]
    assert sum("Dinas Sosial" in subject for _, subject in now) == 2
    assert dump(context) == before
    assert server.letters == []
    assert notices(context) == []


def test_the_database_file_stays_equal_to_the_byte(context, tmp_path):
    register(context, BREACHED, at("Dinas Sosial"))
    file = tmp_path / "tenggat.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = file.read_bytes()
    assert preview(context, wita(BREACHED))
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("now", "morning"),
    [
        (BREACHED, "2026-11-25 07:30"),
        ("2026-11-24 05:00", "2026-11-24 07:30"),
        (FRIDAY_NOON, MONDAY_OPENS),
        (FRIDAY_NIGHT, MONDAY_OPENS),
    ],
)
def test_the_next_working_morning(context, now, morning):
    assert next_morning(context, wita(now)) == wita(morning)


def test_the_files_of_a_preview(context, tmp_path, call_tenggat, monkeypatch):
    register(context, BREACHED, at("Dinas Sosial"))
    mails = preview(context, wita(BREACHED))
    index = write_preview(context, mails, tmp_path / "shown")
    page = index.read_text("utf-8")
    links = re.findall(r'href="([^"]+)"', page)
    assert len(links) == 2 * len(mails)
    assert "Pratinjau surel" in page
    for name in links:
        file = index.parent / name
        assert file.is_file()
        assert file.stat().st_mode & 0o077 == 0
    first = email.message_from_bytes(
        (index.parent / "001.eml").read_bytes(), policy=email.policy.default
    )
    assert str(first["Subject"]) == mails[0].entry.subject
    assert "cid:" not in (index.parent / "001.html").read_text("utf-8")
    monkeypatch.setenv("TENGGAT_LANG", "id")
    code, out, _ = call_tenggat(
        "run",
        "--preview",
        "--site",
        context.site.folder,
        "--now",
        "2026-11-24T08:00",
        "--to",
        tmp_path / "again",
    )
    assert code == 0
    assert "2 surel akan dikirim pada 2026-11-24 08:00" in out
    assert "uji coba" not in (tmp_path / "again" / "index.html").read_text("utf-8")
    back_to_trial(context)
    index = write_preview(context, [], tmp_path / "trial")
    assert "masih dalam uji coba" in index.read_text("utf-8")
    assert "akan dikirim bila uji coba diakhiri sekarang" in index.read_text("utf-8")


def test_a_waiting_mail_can_be_read_and_stays_as_it_is(context, call_tenggat):
    owe(context, BREACHED, at("Dinas Sosial"))
    before, number = dump(context), messages(context)[0].id
    options = ("--site", context.site.folder, "--now", "2026-11-24T08:00", "--lang", "id")
    code, out, _ = call_tenggat("mail", "show", number, *options)
    assert code == 0
    assert "menunggu; bila dikirim sekarang, isinya:" in out
    assert "Yth." in out
    assert "FD-1" in out
    assert dump(context) == before


@ON_SQLITE_FIRST
def test_a_withdrawn_mail_is_never_sent_and_told_to_nobody(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    first, second = messages(context)
    with context.transaction() as session:
        assert withdraw(session, first.id, wita(BREACHED)).recipient == first.recipient
        assert withdraw(session, 999, wita(BREACHED)) is None
    assert deliver(context, BREACHED).sent == 1
    with context.transaction() as session:
        with pytest.raises(NotWithdrawn, match="sent"):
            withdraw(session, second.id, wita(BREACHED))
        kinds = session.scalars(select(AuditRow.kind).where(AuditRow.message_id == first.id)).all()
    assert kinds == ["mail.withdrawn"]
    assert [letter.recipient for letter in server.letters] == [second.recipient]


def test_notices_of_withdrawn_mails_are_not_queued_again(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    with context.transaction() as session:
        for each in messages(context):
            withdraw(session, each.id, wita(BREACHED))
    assert ("breach", "discarded") in notices(context)
    decide(context, "2026-11-25 08:00")
    assert deliver(context, "2026-11-25 08:00").sent == 0


def test_a_test_mail_shows_the_answer_of_the_server(context, server):
    recipient, answer = send_test_mail(context, wita(BREACHED), None)
    assert recipient == "admin.lapor@contohkab.example"
    assert answer.startswith("250") or answer
    (letter,) = server.letters
    assert str(letter.mail["Subject"]) == "[Tenggat] Surel percobaan"
    assert messages(context) == []


@pytest.mark.parametrize(
    ("lang", "expected"),
    [("id", "ada di kotak surat lokal, folder {};"), ("en", "is in the local mailbox, folder {};")],
)
def test_without_a_mail_server_the_test_mail_is_in_the_folder_that_is_named(
    context, call_tenggat, lang, expected
):
    assert context.site.keeps_mail
    code, said, _ = call_tenggat("--lang", lang, "mail", "test", "--site", context.site.folder)
    words.use_language("en")
    folder = context.site.var / "mailbox"
    assert (code, expected.format(folder) in said) == (0, True), said
    assert len(list(folder.glob("*.eml"))) == 1


def test_in_trial_a_test_mail_goes_to_no_official(context, server):
    back_to_trial(context)
    official = next(each.email for each in context.site.directory.offices if each.role == "regent")
    with pytest.raises(NotProbed, match="official"):
        send_test_mail(context, wita(BREACHED), official.upper())
    assert send_test_mail(context, wita(BREACHED), "teknisi@penyedia.example")[1]
    assert [letter.recipient for letter in server.letters] == ["teknisi@penyedia.example"]


@pytest.mark.thorough
def test_what_is_rolled_back_leaves_no_trace_and_no_audit(context):
    owe(context, BREACHED, at("Dinas Sosial"))
    before = dump(context)
    with rolled_back(context) as tried, tried.run(wita(BREACHED), "a test") as run:
        assert compose(run, run.session.get(MessageRow, 1))
    assert dump(context) == before
