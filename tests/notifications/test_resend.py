"""A mail once more, by hand: to whom it goes, what it tells, and when it is refused.

See `front_desk` for the complaints; on 24 November each owes a mail to its liaison and to its head.
"""

from dataclasses import replace

import pytest
from conftest import ON_SQLITE_FIRST, kind_of_database, wita
from support.pipeline import (
    BREACHED,
    ESCALATED,
    MONDAY,
    at,
    deliver,
    messages,
    notices,
    owe,
    register,
    statuses,
)

from db.mails import earlier_mails
from tasks.notifications.resend import NotResent, resend


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """What is tested here hangs on no database but where a test is marked."""
    return kind_of_database(request)


LATER = "2026-11-25 08:00"
LIAISON = "penghubung.dinsos@contohkab.example"


def again(context, number: int, to: str | None = None, now: str = LATER) -> str:
    """Resend; the address it goes to."""
    with context.transaction() as session:
        return resend(session, context, number, wita(now), to).recipient


def test_a_refused_mail_reaches_the_address_that_was_corrected(context, server):
    server.rcpt_answers = {LIAISON: "550 5.1.1 No such user"}
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    assert statuses(context) == ["dead", "sent"]
    context.site.directory.offices = tuple(
        replace(each, email="baru.dinsos@contohkab.example") if each.email == LIAISON else each
        for each in context.site.directory.offices
    )
    assert again(context, 1) == "baru.dinsos@contohkab.example"
    assert deliver(context, LATER).sent == 1
    assert server.letters[-1].recipient == "baru.dinsos@contohkab.example"
    assert "FD-1" in server.letters[-1].mail["Subject"]
    assert sorted(statuses(context)) == ["dead", "sent", "sent"]
    assert notices(context) == [("breach", "sent")]


@ON_SQLITE_FIRST
def test_a_sent_mail_goes_once_more_as_another_one_and_the_first_stays_on_record(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    first = messages(context)[0]
    assert again(context, 1) == LIAISON
    assert again(context, 1) == LIAISON
    assert deliver(context, LATER).sent == 2
    keys = [letter.key for letter in server.letters if letter.recipient == LIAISON]
    assert len(set(keys)) == 3
    assert messages(context)[0].mime == first.mime
    assert [m.resent_of for m in messages(context)] == [None, None, 1, 1]


@pytest.mark.thorough
def test_it_may_go_to_another_address(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    assert again(context, 1, "pengganti@contohkab.example") == "pengganti@contohkab.example"
    deliver(context, LATER)
    assert server.letters[-1].mail["To"] == "pengganti@contohkab.example"


def test_only_what_is_still_true_is_told_once_more(context, server):
    owe(context, BREACHED, at("Dinas Sosial", "FD-1"), at("Dinas Sosial", "FD-2"))
    deliver(context, BREACHED)
    done = at("Dinas Sosial", "FD-1", Selesai="24/11/2026 15:00")
    register(context, LATER, done, at("Dinas Sosial", "FD-2"))
    again(context, 1)
    deliver(context, LATER)
    assert "FD-1" not in server.letters[-1].mail.as_string()
    assert "FD-2" in server.letters[-1].mail["Subject"]


def test_where_nothing_is_still_true_nothing_is_sent(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    register(context, LATER, at("Dinas Sosial", Selesai="24/11/2026 15:00"))
    with pytest.raises(NotResent, match="no item of mail 1 is still true"):
        again(context, 1)
    assert len(messages(context)) == 2
    assert statuses(context) == ["sent", "sent"]


def test_what_waits_is_not_sent_twice(context):
    owe(context, BREACHED, at("Dinas Sosial"))
    with pytest.raises(NotResent, match="mail 1 still waits to be sent"):
        again(context, 1)
    with pytest.raises(NotResent, match="no mail 99"):
        again(context, 99)


def test_a_correction_is_sent_once_more_as_a_correction(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    owe(context, LATER, at("Dinas Sosial", Selesai="20/11/2026 10:00"))
    deliver(context, LATER)
    assert again(context, 3) == LIAISON
    assert deliver(context, LATER).sent == 1
    first, second = (letter.mail["Subject"] for letter in (server.letters[2], server.letters[-1]))
    assert first == second == "Ralat: 1 kewajiban tidak terlambat – Dinas Sosial"


def test_a_weekly_mail_sent_once_more_is_not_the_weekly_mail(context, server):
    """The next weekly mail is counted from Monday's, and not from the copy on Wednesday."""
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    owe(context, ESCALATED, at("Dinas Sosial"))
    deliver(context, MONDAY)
    weekly = messages(context)[-1]
    assert weekly.detail["weekly"] is True
    again(context, weekly.id, now="2026-12-02 08:00")
    assert deliver(context, "2026-12-02 08:00").sent == 1
    copy = messages(context)[-1]
    assert (copy.resent_of, copy.status) == (weekly.id, "sent")
    assert "weekly" not in copy.detail
    since, now = wita("2026-11-27 08:00"), wita("2026-12-03 08:00")
    with context.transaction() as session:
        assert earlier_mails.last_weekly(session, weekly.recipient, since, now) == weekly.sent_at


@ON_SQLITE_FIRST
def test_nobody_joins_a_mail_that_is_sent_once_more(context, server):
    """It tells of the old matter alone: new ones are a mail of their own."""
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    again(context, 1, now="2026-11-24 20:00")
    other = at("Dinas Sosial", "FD-2", **{"Tanggal Masuk": "16/11/2026 08:35"})
    owe(context, "2026-11-24 20:00", at("Dinas Sosial"), other)
    assert [len(message.items) for message in messages(context)] == [1, 1, 1, 1, 1]


def test_the_command_says_to_whom_it_goes(context, server, call_tenggat):
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    folder = context.site.folder
    code, said, _ = call_tenggat("mail", "resend", "1", "--site", folder, "--now", LATER)
    assert (code, said) == (0, f"mail 3 to {LIAISON} goes with the next delivery\n")
    code, _, said = call_tenggat("mail", "resend", "3", "--site", folder, "--now", LATER)
    assert (code, "mail 3 still waits" in said) == (2, True)
    code, _, said = call_tenggat("mail", "resend", "1", "--to", "a, b@c", "--site", folder)
    assert code == 2
    assert said.startswith("error: 'a, b@c' is no mail address: ',' U+002C (comma)")
    code, _, said = call_tenggat("mail", "release", "--site", folder)
    assert (code, "no storm waits for a decision" in said) == (2, True)
