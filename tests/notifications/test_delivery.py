"""From the outbox to the mail server: what is owed is sent, once, or its failure is told.

See `front_desk` for the complaints; on 24 November each owes a mail to its liaison and to its head.
"""

import asyncio
import errno
import logging
import os
import re
import signal
import subprocess
import sys
import time
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Event, main_thread

import pytest
from conftest import ON_BOTH, ON_SQLITE_FIRST, kind_of_database, wita
from sqlalchemy.exc import OperationalError
from support.pipeline import (
    BREACHED,
    EVERYWHERE,
    REMINDED,
    UNITS,
    Hurried,
    alerts,
    at,
    decide,
    deliver,
    dump,
    messages,
    notices,
    owe,
    register,
    since,
    statuses,
)
from support.servers.smtp_servers import DROP, Letter, Server
from support.startup import PYTHONPATH

from db.mails import outbox
from db.mails.outbox import STALE_CLAIM
from db.models import MessageKind
from tasks.common.context import SiteContext
from tasks.delivery import send_owed
from tasks.notifications import sender
from tasks.notifications.ack_writer import MOST_UNRECORDED, AckWriter
from tasks.notifications.composing import compose
from tasks.notifications.send_policy import LONGEST_RETRY
from tasks.notifications.sender import Sender
from tasks.notifications.transport.local_mailbox import local_mailbox
from tasks.notifications.transport.smtp import Connection, TemporaryFailure
from tasks.summary import SummaryRequest, make_summary


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """What is tested here hangs on no database but where a test is marked."""
    return kind_of_database(request)


SOON, LATER = "2026-11-24 08:10", "2026-11-24 09:00"
LIAISON, HEAD = "penghubung.dinsos@contohkab.example", "plt.kepala.dinsos@contohkab.example"
ADMINISTRATOR = "admin.lapor@contohkab.example"


def text(letter: Letter) -> str:
    return letter.mail.get_body(("plain",)).get_content()


def keys(server: Server) -> list[str]:
    return [letter.key for letter in server.letters]


def to(server: Server) -> list[str]:
    return [letter.recipient for letter in server.letters]


# --- all well -------------------------------------------------------------------------------------


@ON_SQLITE_FIRST
def test_what_a_run_owes_is_sent_once(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    count = deliver(context, BREACHED)
    assert (count.sent, count.pending, count.trouble) == (2, 0, "")
    assert count.by_role == {"liaison": 1, "head_of_unit": 1}
    assert sorted(to(server)) == [LIAISON, HEAD]
    assert (notices(context), statuses(context)) == ([("breach", "sent")], ["sent", "sent"])
    before = dump(context)
    assert deliver(context, LATER).sent == 0
    assert (len(server.letters), dump(context)) == (2, before)


def test_a_person_gets_one_mail_a_run(context, server):
    numbers = [f"FD-{number}" for number in range(30)]
    owe(context, REMINDED, *(at("Dinas Sosial", number) for number in numbers))
    assert deliver(context, REMINDED).sent == 1
    (letter,) = server.letters
    assert set(re.findall(r"FD-\d+", text(letter))) == set(numbers)


def test_a_batch_goes_over_one_connection(context, server):
    owe(context, BREACHED, *EVERYWHERE)
    assert deliver(context, BREACHED).sent == 2 * len(UNITS)
    assert server.connections == 1


def test_where_nothing_is_owed_nobody_is_called(context, server):
    deliver(context, BREACHED)
    assert server.connections == 0


@ON_SQLITE_FIRST
def test_what_was_sent_is_kept_as_evidence(context, server):
    owe(context, REMINDED, at("Dinas Sosial"))
    deliver(context, REMINDED)
    (message,) = messages(context)
    assert zlib.decompress(message.mime) == server.letters[0].raw
    assert (message.sent_at, message.claim) == (wita(REMINDED), None)
    assert message.subject == server.letters[0].mail["Subject"]
    assert [(a.outcome, a.code, a.answer) for a in message.attempts] == [("sent", 250, "OK")]


def test_a_mail_is_such_that_every_server_can_carry_it(context, server):
    titles = ("Jalan – " * 40, "." * 200, "道路" * 400, ".\n..\n.")
    owe(context, BREACHED, *(at("DLH", f"FD-{n}", Perihal=t) for n, t in enumerate(titles)))
    deliver(context, BREACHED)
    for letter in server.letters:
        assert letter.raw.isascii()
        assert b"\n" not in letter.raw.replace(b"\r\n", b"")
        assert max(map(len, letter.raw.split(b"\r\n"))) <= 998
        assert "道路道路" in letter.mail.get_body(("html",)).get_content()


# --- no longer true -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"Selesai": "24/11/2026 08:05"},
        {"Ditunda": "24/11/2026 08:05"},
        {"Dicabut": "24/11/2026 08:05"},
        {
            "Dikembalikan": "24/11/2026 08:05",
            "Unit Pengganti": "Dinas Kesehatan",
            "Diteruskan Kembali": "24/11/2026 08:06",
        },
        {"Klasifikasi": "Pengaduan Berkadar Pengawasan", "Tanggapan Awal": "20/11/2026 08:00"},
    ],
    ids=["stopped", "paused", "withdrawn", "reassigned", "reclassified"],
)
def test_what_is_no_longer_true_is_not_sent(change, context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    register(context, SOON, at("Dinas Sosial", **change))
    count = deliver(context, SOON)
    assert (count.sent, count.cancelled, count.pending) == (0, 2, 0)
    assert statuses(context) == ["cancelled", "cancelled"]
    assert (notices(context), server.letters) == ([("breach", "withdrawn")], [])


def test_only_the_item_that_is_no_longer_true_is_dropped(context, server):
    owe(context, BREACHED, at("Dinas Sosial", "FD-1"), at("Dinas Sosial", "FD-2"))
    done = at("Dinas Sosial", "FD-1", Selesai="24/11/2026 08:05")
    register(context, SOON, done, at("Dinas Sosial", "FD-2"))
    assert deliver(context, SOON).sent == 2
    for letter in server.letters:
        assert "FD-2" in letter.mail["Subject"]
        assert "FD-1" not in letter.mail.as_string()
    assert notices(context) == [("breach", "withdrawn"), ("breach", "sent")]


# --- the server is unusable -----------------------------------------------------------------------


def test_while_the_server_is_unusable_everything_waits_and_then_goes(context, server):
    owe(context, BREACHED, at("Dinas Sosial"), at("Dinas Kesehatan", "FD-2"))
    owed = {message.message_id_header for message in messages(context)}
    server.greeting = "421 4.3.2 Down for the night"
    count = deliver(context, BREACHED)
    assert (count.sent, count.pending) == (0, 4)
    assert "Down for the night" in count.trouble
    assert server.connections == 1  # one is enough to know
    assert statuses(context) == ["queued"] * 4
    server.greeting = ""
    assert deliver(context, SOON).sent == 4
    assert set(keys(server)) == owed


def test_a_refused_sender_kills_no_mail(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    server.mail_answers = ["553 5.7.1 Sender not allowed"]
    assert "Sender not allowed" in deliver(context, BREACHED).trouble
    assert statuses(context) == ["queued", "queued"]
    assert deliver(context, SOON).sent == 2


@pytest.mark.thorough
def test_a_server_that_takes_few_mails_at_a_time_gets_them_all(context, server):
    owe(context, BREACHED, *EVERYWHERE)
    server.mails_per_connection = 5
    first = deliver(context, BREACHED)
    assert first.sent + first.deferred == 2 * len(UNITS)
    assert first.deferred > 0
    assert deliver(context, SOON).pending == 0
    assert sorted(keys(server)) == sorted(
        {message.message_id_header for message in messages(context)}
    )


@pytest.mark.thorough
def test_a_long_outage_and_then_greylisting_is_survived(context, server):
    """Every run of the outage is an attempt; the next wait must not grow beyond all bounds."""
    owe(context, REMINDED, at("Dinas Sosial"))
    server.greeting = "421 4.3.2 Down"
    for number in range(45):
        deliver(context, wita(REMINDED) + number * timedelta(minutes=5))
    server.greeting, server.data_answers = "", ["451 4.7.1 Greylisted"]
    assert deliver(context, "2026-11-20 14:00").deferred == 1
    assert messages(context)[0].next_attempt_at <= wita("2026-11-20 20:00")
    assert deliver(context, "2026-11-20 20:00").sent == 0  # a Friday evening
    assert messages(context)[0].next_attempt_at == wita("2026-11-23 07:30")
    assert deliver(context, "2026-11-23 07:30").sent == 1


# --- the server says no ---------------------------------------------------------------------------


@pytest.mark.thorough
def test_a_deferred_mail_is_tried_later_each_time_and_given_up_at_last(context, server):
    context.site.mail_hours = None
    owe(context, REMINDED, at("Dinas Sosial"))
    server.rcpt_answers = {LIAISON: "450 4.2.1 Mailbox busy"}
    now, waits = wita(REMINDED), []
    while not deliver(context, now).dead:
        (message,) = messages(context, "notices")
        waits.append(message.next_attempt_at - now)
        assert deliver(context, message.next_attempt_at - timedelta(seconds=1)).deferred == 0
        now = message.next_attempt_at
    growing = [wait for wait in waits if wait < LONGEST_RETRY]
    assert timedelta(minutes=1) <= growing[0] <= timedelta(minutes=1.5)
    assert growing == sorted(growing)
    assert max(waits) <= 1.5 * LONGEST_RETRY
    assert timedelta(hours=48) <= now - wita(REMINDED) <= timedelta(hours=48) + 1.5 * LONGEST_RETRY
    assert (statuses(context), notices(context)[-1]) == (["dead"], ("day-before", "failed"))
    assert alerts(context) == ["dead_message"]
    deliver(context, now)
    deliver(context, now + timedelta(hours=1))
    assert to(server) == [ADMINISTRATOR]
    assert "450 4.2.1 Mailbox busy" in text(server.letters[0])


def test_a_mail_does_not_expire_on_days_off(context, server):
    """Deferred on the Friday before Lebaran 2027, the 5th of March: ten days off follow."""
    day = since("01/03/2027")  # its last working day is the 5th
    server.rcpt_answers = {LIAISON: "450 4.2.1 Mailbox busy"}
    owe(context, "2027-03-05 16:50", at("Dinas Sosial", **day))
    assert deliver(context, "2027-03-05 16:50").deferred == 1
    for now in ("2027-03-05 17:00", "2027-03-07 12:00", "2027-03-15 08:00"):
        assert deliver(context, now).deferred == 0
    assert messages(context, "notices")[0].next_attempt_at == wita("2027-03-16 07:30")
    assert deliver(context, "2027-03-16 07:30").deferred == 1
    assert (statuses(context), alerts(context)) == (["queued"], [])
    server.rcpt_answers = {}
    assert deliver(context, "2027-03-16 12:00").sent == 1


def test_one_refused_recipient_does_not_stop_the_others(context, server):
    owe(context, BREACHED, at("Dinas Sosial"), at("Dinas Kesehatan", "FD-2"))
    server.rcpt_answers = {LIAISON: "550 5.1.1 No such user"}
    count = deliver(context, BREACHED)
    assert (count.sent, count.dead, count.pending) == (4, 1, 0)  # three mails and the alert
    assert alerts(context) == ["refused_address"]
    assert ADMINISTRATOR in to(server)
    assert notices(context) == [("breach", "sent"), ("breach", "sent")]  # the heads were told


RELAY_DENIED = "554 5.7.1 <a@mail.example>: Relay access denied"


@pytest.mark.thorough
def test_mail_that_the_server_does_not_relay_waits_and_one_alert_says_so(context, server):
    """A fault of the settings: the others are sent, and nothing is given up, however long."""
    context.site.mail_hours = None
    owe(context, BREACHED, at("Dinas Sosial"), at("Dinas Kesehatan", "FD-2"))
    server.rcpt_answers = {
        LIAISON: RELAY_DENIED,
        "penghubung.dinkes@contohkab.example": RELAY_DENIED,
    }
    count = deliver(context, BREACHED)
    assert (count.sent, count.deferred, count.dead, count.trouble) == (3, 2, 0, "")
    assert alerts(context) == ["relay_refused"]
    assert "Relay access denied" in text(server.letters[-1])
    for day in range(25, 30):
        now = wita(f"2026-11-{day} 08:00")
        assert deliver(context, now).dead == 0
        waiting = [each for each in messages(context, "notices") if each.status == "queued"]
        assert [each.recipient for each in waiting].count(LIAISON) == 1
        assert max(each.next_attempt_at for each in waiting) <= now + 1.5 * LONGEST_RETRY
    assert alerts(context) == ["relay_refused"]
    server.rcpt_answers = {}
    assert deliver(context, "2026-11-30 08:00").pending == 0
    assert to(server).count(LIAISON) == 1


def test_a_server_that_relays_nothing_at_all_is_unusable(context, server):
    """The alert about it cannot leave either, so the run says it."""
    owe(context, REMINDED, at("Dinas Sosial"))
    server.rcpt_answers = dict.fromkeys((LIAISON, ADMINISTRATOR), RELAY_DENIED)
    count = deliver(context, REMINDED)
    assert (count.sent, count.dead, count.pending) == (0, 0, 2)
    assert count.trouble.endswith("Relay access denied")


def test_a_notice_that_reached_nobody_has_failed(context, server):
    owe(context, REMINDED, at("Dinas Sosial"))
    server.rcpt_answers = {LIAISON: "550 5.1.1 No such user"}
    deliver(context, REMINDED)
    assert notices(context)[-1] == ("day-before", "failed")


def test_a_dead_alert_begets_no_alert(context, server):
    owe(context, REMINDED, at("Dinas Sosial"))
    server.rcpt_answers = dict.fromkeys((LIAISON, ADMINISTRATOR), "550 5.1.1 No such user")
    assert deliver(context, REMINDED).dead == 2
    assert alerts(context) == ["refused_address"]


def test_a_mail_whose_answer_was_lost_goes_again_as_the_same(context, server, call_tenggat):
    owe(context, REMINDED, at("Dinas Sosial"))
    server.data_answers = [DROP]
    assert deliver(context, REMINDED).deferred == 1
    code, shown, _ = call_tenggat("mail", "show", "1", "--site", context.site.folder)
    assert (code, "outcome unknown, the recipient may have it" in shown) == (0, True)
    assert deliver(context, "2026-11-20 08:10").sent == 1
    assert server.lost[0].key == server.letters[0].key


# --- death and doubles ----------------------------------------------------------------------------

DIES = """
import os, sys
from datetime import datetime
from db.mails import outbox
from tasks import delivery
from tasks.common.context import SiteContext
outbox.sent = lambda *outcome: os._exit(9)  # the server has said yes, nobody has written it
office = SiteContext.open(sys.argv[1])
office.site.mail_url = sys.argv[2]
delivery.send_owed(office, datetime.fromisoformat(sys.argv[3]), "dies")
"""


def test_a_process_killed_after_the_servers_yes_sends_the_same_mail_once_more(context, server):
    owe(context, REMINDED, at("Dinas Sosial"))
    arguments = [str(context.site.folder), server.url(), wita(REMINDED).isoformat()]
    died = subprocess.run(
        [sys.executable, "-c", DIES, *arguments],
        env=os.environ | {"PYTHONPATH": PYTHONPATH},
        check=False,
    )
    assert (died.returncode, len(server.letters), statuses(context)) == (9, 1, ["sending"])
    claimed = wita(REMINDED)
    assert deliver(context, claimed + STALE_CLAIM).sent == 0  # perhaps it still lives
    assert deliver(context, claimed + STALE_CLAIM + timedelta(minutes=1)).sent == 1
    first, second = keys(server)
    assert first == second
    assert (statuses(context), notices(context)[-1]) == (["sent"], ("day-before", "sent"))


BREAKS = """
CREATE SEQUENCE breaks;
CREATE FUNCTION breaks() RETURNS trigger AS $$
BEGIN
    IF nextval('breaks') <= %d THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
    RETURN NEW;
END $$ LANGUAGE plpgsql;
CREATE TRIGGER breaks BEFORE UPDATE ON message FOR EACH ROW WHEN (NEW.status = 'sent')
    EXECUTE FUNCTION breaks();
"""
"""Lose the connection while the acceptance of a mail is being stored, so many times."""

ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def break_records(context: SiteContext, times: int) -> None:
    with context.transaction() as session:
        session.connection().exec_driver_sql(BREAKS % times)


@pytest.mark.thorough
@ON_POSTGRESQL
def test_a_connection_lost_between_the_servers_yes_and_its_record_makes_no_copy(
    context, server, monkeypatch
):
    monkeypatch.setattr(sender, "RECORD_WAIT", 0.01)
    owe(context, REMINDED, at("Dinas Sosial"))
    break_records(context, 2)
    assert deliver(context, REMINDED).sent == 1
    assert (len(server.letters), statuses(context)) == (1, ["sent"])


@pytest.mark.thorough
@ON_POSTGRESQL
def test_a_database_that_stays_away_after_the_servers_yes_makes_one_late_copy(
    context, server, monkeypatch
):
    """The mail stays claimed: at once it would come twice for each delivery that follows."""
    monkeypatch.setattr(sender, "RECORD_SECONDS", 0)
    owe(context, REMINDED, at("Dinas Sosial"))
    break_records(context, 2)  # the record, and the last attempt at the end of the run
    with pytest.raises(OperationalError):
        deliver(context, REMINDED)
    claimed = wita(REMINDED)
    assert deliver(context, claimed + STALE_CLAIM).sent == 0
    assert deliver(context, claimed + STALE_CLAIM + timedelta(minutes=1)).sent == 1
    first, second = keys(server)
    assert first == second
    (message,) = messages(context)
    assert [attempt.outcome for attempt in message.attempts] == ["lost", "sent"]


def stop_at_the_next_mail(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process get a signal when the server has the next mail and has not answered."""
    really = server.handle_DATA

    async def stop(*mail):
        monkeypatch.setattr(server, "handle_DATA", really)
        await really(*mail)
        signal.pthread_kill(main_thread().ident, signal.SIGINT)
        await asyncio.Event().wait()  # until the client is gone

    monkeypatch.setattr(server, "handle_DATA", stop)


@ON_SQLITE_FIRST
def test_who_is_stopped_before_the_answer_leaves_the_same_mail_for_the_next_run(
    context, server, monkeypatch, call_tenggat
):
    owe(context, REMINDED, at("Dinas Sosial"), at("Dinas Kesehatan", "FD-2"))
    stop_at_the_next_mail(server, monkeypatch)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        deliver(context, REMINDED)
    assert time.monotonic() - began < context.site.file.mail.timeout_seconds  # not until the answer
    found = messages(context)
    assert [[attempt.outcome for attempt in mail.attempts] for mail in found] == [["lost"], []]
    assert [mail.status for mail in found] == ["queued"] * 2
    code, shown, _ = call_tenggat("mail", "show", "1", "--site", context.site.folder)
    assert (code, "outcome unknown, the recipient may have it" in shown) == (0, True)
    assert "answer not recorded" in shown
    assert deliver(context, "2026-11-20 08:10").sent == 2
    assert sorted(Counter(keys(server)).values()) == [1, 2]


@ON_SQLITE_FIRST
def test_who_lost_its_claim_writes_nothing(context, server, monkeypatch):
    """A delivery believed dead comes back while another has taken over and sent."""
    owe(context, REMINDED, at("Dinas Sosial"))
    really, later = Connection.send, wita(REMINDED) + 2 * STALE_CLAIM

    def slow(*mail):
        answer = really(*mail)
        monkeypatch.setattr(Connection, "send", really)
        assert deliver(context, later).sent == 1
        return answer

    monkeypatch.setattr(Connection, "send", slow)
    assert deliver(context, REMINDED).sent == 0
    (message,) = messages(context)
    assert message.sent_at == later
    assert [attempt.outcome for attempt in message.attempts] == ["lost", "sent"]


@ON_BOTH
def test_two_deliveries_at_once_send_no_mail_twice(context, server, open_context, monkeypatch):
    """Neither sends before both have claimed some and connected."""
    monkeypatch.setattr(sender, "AT_ONCE", 2)
    owe(context, BREACHED, *EVERYWHERE)
    together, other, really = Barrier(2), open_context(), Connection.open
    other.site.mail_url = server.url()

    def opened(connection):
        together.wait(30)
        really(connection)

    monkeypatch.setattr(Connection, "open", opened)
    with ThreadPoolExecutor(2) as pool:
        counts = pool.map(lambda mine: deliver(mine, BREACHED).sent, (context, other))
        assert sum(counts) == 2 * len(UNITS)
    assert server.connections == 2
    assert len(keys(server)) == len(set(keys(server))) == 2 * len(UNITS)
    assert set(statuses(context)) == {"sent"}


@pytest.fixture
def groups(monkeypatch) -> tuple[list[int], list[int]]:
    """How many mails are composed together, and claimed together; two, and at most four."""
    composed, claimed = [], []
    monkeypatch.setattr(sender, "AT_ONCE", 2)
    monkeypatch.setattr(sender, "MOST_COMPOSED", 4)
    make_ready, claim = Sender._make_ready, outbox.claim

    def noting(each, moment):
        ready = make_ready(each, moment)
        composed.extend([len(ready)] if ready else [])
        return ready

    def claiming(session, token, some, now, **more):
        claimed.append(len(some))
        return claim(session, token, some, now, **more)

    monkeypatch.setattr(Sender, "_make_ready", noting)
    monkeypatch.setattr(outbox, "claim", claiming)
    return composed, claimed


@ON_SQLITE_FIRST
def test_mails_that_leave_fast_are_composed_in_larger_groups(context, server, groups):
    """What they share is loaded once; no more are claimed at once, and they leave in order."""
    owe(context, BREACHED, *EVERYWHERE)
    count = send_owed(context, wita(BREACHED), "fast", Hurried)
    composed, claimed = groups
    assert count.sent == sum(composed) == sum(claimed) == 2 * len(UNITS)
    assert (composed[0], set(composed[1:-1]), set(claimed)) == (2, {4}, {2})
    assert to(server) == [message.recipient for message in messages(context)]


def test_mails_that_leave_slowly_are_composed_again_once_they_are_old(
    context, server, groups, monkeypatch
):
    """The server needs six seconds for each mail of the second group."""
    owe(context, BREACHED, *EVERYWHERE)
    really, clocks = Connection.send, []

    class Mine(Hurried):
        def __init__(self, now):
            super().__init__(now)
            clocks.append(self)

    def send(*mail):
        if 2 <= len(server.letters) < 5:
            clocks[0].wait(timedelta(seconds=6))
        return really(*mail)

    monkeypatch.setattr(Connection, "send", send)
    count = send_owed(context, wita(BREACHED), "slow", Mine)
    assert count.sent == len(keys(server)) == len(set(keys(server))) == 2 * len(UNITS)
    composed, claimed = groups
    assert (composed[:4], claimed[:3]) == ([2, 4, 2, 2], [2, 2, 2])


@ON_SQLITE_FIRST
def test_what_is_settled_while_a_run_waits_for_its_pace_is_not_told(context, server):
    """Each batch is judged as of its own time."""
    mail = context.site.file.mail.model_copy(update={"per_minute": 1})
    context.site.file = context.site.file.model_copy(update={"mail": mail})
    owe(context, BREACHED, at("Dinas Sosial"))  # a mail to the liaison, one to the head

    class Meanwhile(Hurried):
        def wait(self, span):
            super().wait(span)
            register(context, "2026-11-24 08:01", at("Dinas Sosial", Selesai="24/11/2026 08:00"))

    count = send_owed(context, wita(BREACHED), "slow", Meanwhile)
    assert (count.sent, count.cancelled) == (1, 1)


@pytest.mark.thorough
@ON_BOTH
def test_who_stands_still_between_claim_and_sending_sends_nothing_stale(
    context, open_context, server, monkeypatch
):
    """Twenty minutes later another delivery has taken over."""
    units = ("Dinas Sosial", "DLH", "Disdukcapil")
    owe(context, BREACHED, *(at(unit, f"FD-{n}") for n, unit in enumerate(units)))
    other = open_context()
    other.site.mail_url = server.url()
    clocks = []

    class Mine(Hurried):
        def __init__(self, now):
            super().__init__(now)
            clocks.append(self)

    send = sender.Sender._send

    def asleep(self, *arguments):
        monkeypatch.setattr(sender.Sender, "_send", send)
        deliver(other, wita(BREACHED) + timedelta(minutes=20))
        clocks[0].wait(timedelta(minutes=20))
        return send(self, *arguments)

    monkeypatch.setattr(sender.Sender, "_send", asleep)
    send_owed(context, wita(BREACHED), "stands still", Mine)
    keys = [letter.key for letter in server.letters]
    assert len(keys) == len(set(keys)) == 6


@ON_SQLITE_FIRST
def test_a_mail_that_another_run_composed_again_leaves_as_stored(
    context, open_context, server, monkeypatch
):
    """The bytes that the first run has in memory have another time of day."""
    owe(context, REMINDED, at("Dinas Sosial"))
    compose, later = Sender._make_ready, wita(REMINDED) + timedelta(minutes=9)

    def twice(sender, moment):
        monkeypatch.setattr(Sender, "_make_ready", compose)
        ready = compose(sender, moment)
        assert Sender(open_context(), later, "second")._make_ready(later) == ready
        return ready

    monkeypatch.setattr(Sender, "_make_ready", twice)
    deliver(context, REMINDED)
    (message,) = messages(context)
    assert server.letters[0].raw == zlib.decompress(message.mime)
    assert server.letters[0].mail["Date"].datetime == later


def test_no_more_than_eight_accepted_mails_are_without_a_record():
    """A record begins with five answers; the server accepts three more while it is stored."""
    is_full, accepted, stored, unrecorded = Event(), [], [], []

    def record(answers: dict[int, str]) -> None:
        is_full.wait()
        unrecorded.append(len(writer.unrecorded))
        stored.append(list(answers))

    with AckWriter(record) as writer:
        for mail in range(30):
            writer.wait_for_room()
            accepted.append(mail)
            writer.add(mail, "OK")
            if len(accepted) == MOST_UNRECORDED:
                is_full.set()
        writer.flush()
    assert [mail for answers in stored for mail in answers] == accepted
    assert max(unrecorded) == MOST_UNRECORDED
    assert not writer.unrecorded


@ON_SQLITE_FIRST
def test_what_joins_a_mail_after_it_was_composed_is_told(
    context, open_context, server, monkeypatch
):
    """Composed, joined by another matter, and only then claimed."""
    second = {"No Register": "FD-2", **since("17/11/2026")}
    owe(context, "2026-11-20 18:00", at("Dinas Sosial"))  # waits for Monday 07:30
    other = open_context()
    compose = Sender._make_ready

    def late(sender, moment):
        monkeypatch.setattr(Sender, "_make_ready", compose)
        ready = compose(sender, moment)
        # a deadline run that began before 07:30 and comes to its end only now
        register(other, "2026-11-23 07:29", at("Dinas Sosial"), second)
        decide(other, "2026-11-23 07:29")
        return ready

    monkeypatch.setattr(Sender, "_make_ready", late)
    deliver(context, "2026-11-23 07:31")
    deliver(context, "2026-11-23 08:00")
    assert [status for _, status in notices(context) if status != "superseded"] == ["sent"] * 3
    assert any("FD-2" in letter.mail.as_string() for letter in server.letters)


def test_what_was_owed_before_an_outage_and_what_came_up_since_is_one_mail(context, server):
    """The machine dies between judging and sending; the next morning all of it is one mail."""
    owe(context, "2026-11-19 08:00", at("Dinas Sosial"))  # `half`; nothing is sent that day
    register(context, "2026-11-20 08:00", at("Dinas Sosial"))
    decide(context, "2026-11-20 08:00")  # `day-before`
    deliver(context, "2026-11-20 08:00")
    assert len(server.letters) == 1


def die_at_the_next_record(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server say yes, and nobody write it down."""

    def dies(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(outbox, "sent", dies)
    monkeypatch.setattr(outbox, "give_back", lambda *arguments: None)


@pytest.mark.thorough
@ON_BOTH
@pytest.mark.parametrize("end", [die_at_the_next_record, stop_at_the_next_mail])
def test_nothing_joins_a_mail_that_the_server_may_have_seen(end, context, server, monkeypatch):
    """Who died or was stopped with a claim may have handed the mail over: a copy must not bring
    another notice.

    The copy may show FD-2, for it shows the whole desk. But the server may drop the copy, so the
    notice about FD-2 goes with a mail of its own.
    """
    owe(context, "2026-11-20 08:00", at("Dinas Sosial"))
    with monkeypatch.context() as patch:
        end(server, patch)
        with pytest.raises(KeyboardInterrupt):
            deliver(context, "2026-11-20 08:00")
    server.greeting = "421 4.3.2 Down"
    deliver(context, "2026-11-20 08:20")  # the claim is released, nothing more
    second = at("Dinas Sosial", "FD-2", **since("17/11/2026"))
    register(context, "2026-11-23 08:00", at("Dinas Sosial"), second)
    decide(context, "2026-11-23 08:00")  # FD-2 is due tomorrow
    server.greeting = ""
    deliver(context, "2026-11-23 08:30")
    keys = [letter.key for letter in server.letters]
    first, *others = messages(context, MessageKind.NOTICES)
    assert keys.count(first.message_id_header) == 2
    complaints = [{item.notice.complaint_id for item in m.items} for m in (first, *others)]
    assert len(complaints[0]) == 1
    (told,) = (m for m, found in zip(others, complaints[1:], strict=True) if found - complaints[0])
    assert keys.count(told.message_id_header) == 1
    assert "FD-2" in server.letters[-1].mail.get_body(("plain",)).get_content()


def test_while_no_server_can_be_reached_what_comes_up_joins_what_waits(context, server):
    server.greeting = "421 4.3.2 Down"
    owe(context, "2026-11-19 08:00", at("Dinas Sosial"))
    assert deliver(context, "2026-11-19 08:00").trouble
    register(context, "2026-11-20 08:00", at("Dinas Sosial"))
    decide(context, "2026-11-20 08:00")
    assert deliver(context, "2026-11-20 08:00").trouble
    server.greeting = ""
    assert deliver(context, "2026-11-20 09:00").sent == 1
    assert [status for _, status in notices(context)] == ["sent", "sent"]


@ON_BOTH
@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "a cut before DATA"])
def test_what_comes_up_joins_a_mail_that_a_server_has_deferred(command, context, server):
    """Deferred on Friday, accepted on Monday: the new reminder is in the same mail."""
    says = "452 4.2.2 Mailbox full"
    server.mail_answers = [DROP if command == "a cut before DATA" else says] * (command[0] in "Ma")
    server.rcpt_answers = {LIAISON: says} if command == "RCPT" else {}
    server.data_answers = [says] * (command == "DATA")
    second = at("Dinas Sosial", "FD-2", **since("17/11/2026"))
    owe(context, REMINDED, at("Dinas Sosial"), second)
    assert deliver(context, REMINDED).deferred == 1
    (deferred,) = messages(context)
    assert [each.outcome for each in deferred.attempts] == ["deferred"]
    server.rcpt_answers = {}
    owe(context, "2026-11-23 08:00", at("Dinas Sosial"), second)
    assert deliver(context, "2026-11-23 08:00").sent == 1
    assert statuses(context) == ["sent"]
    assert keys(server) == [deferred.message_id_header]
    assert {status for _, status in notices(context)} <= {"sent", "superseded"}
    assert {"FD-1", "FD-2"} <= set(re.findall(r"FD-\d+", text(server.letters[0])))


def test_an_exhausted_quota_does_not_double_the_mails(context, server):
    """Refused for the sender, then deferred: the next morning each person still gets one mail."""
    owe(context, BREACHED, at("Dinas Sosial"))
    server.data_answers = ["550 5.4.5 Daily user sending limit exceeded"]
    assert "sending limit" in deliver(context, BREACHED).trouble
    server.mail_answers = ["452 4.5.3 Daily mail quota, try again tomorrow"] * 99
    deliver(context, "2026-11-24 14:00")
    server.mail_answers = []
    owe(context, "2026-11-25 08:00", at("Dinas Sosial"), at("Dinas Sosial", "FD-2"))
    deliver(context, "2026-11-25 08:00")
    assert sorted(each for each in to(server) if each != ADMINISTRATOR) == [LIAISON, HEAD]


# --- a mail that cannot be composed ---------------------------------------------------------------

PLANTED = "Budi Rahasiawan, NIK 9999010203040506"


@pytest.mark.thorough
def test_an_odd_mail_waits_alone_and_its_cause_is_not_spread(context, server, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    owe(context, BREACHED, at("Dinas Sosial"), at("Dinas Kesehatan", "FD-2"))

    really = compose.in_envelope

    def odd(site, message, *more, **others):
        if message.recipient == LIAISON:
            raise ValueError(f"cannot render {PLANTED}")
        return really(site, message, *more, **others)

    monkeypatch.setattr(compose, "in_envelope", odd)
    count = deliver(context, BREACHED)
    assert (count.sent, count.deferred, count.trouble) == (4, 1, "")
    deliver(context, LATER)
    assert (alerts(context), to(server).count(ADMINISTRATOR)) == (["uncomposable_message"], 1)
    seen = [repr(dump(context)), caplog.text, *(str(letter.mail) for letter in server.letters)]
    assert not any("Rahasiawan" in text or "99990102" in text for text in seen)
    monkeypatch.undo()
    assert deliver(context, "2026-11-24 14:00").sent == 1


# --- the built-in mailbox -------------------------------------------------------------------------


def mails(context: SiteContext) -> list[Path]:
    return sorted((context.site.var / "mailbox").glob("*.eml"))


def test_the_built_in_mailbox_keeps_each_mail_as_a_file(context):
    owe(context, BREACHED, at("Dinas Sosial"))
    assert deliver(context, BREACHED).sent == 2
    assert [path.name.split("_")[2] for path in mails(context)] == [LIAISON, HEAD]


def test_a_full_disk_defers_the_mails(context, monkeypatch):
    owe(context, BREACHED, at("Dinas Sosial"))

    def full(path, raw):
        path.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        assert deliver(context, BREACHED).deferred == 2
    assert (statuses(context), mails(context)) == (["queued", "queued"], [])
    assert messages(context)[0].attempts[0].code == 452
    assert deliver(context, SOON).sent == 2
    assert len(mails(context)) == 2


def test_a_mailbox_folder_that_vanished_defers_the_mail(tmp_path):
    folder = tmp_path / "mailbox"
    with local_mailbox(folder) as way, Connection(way) as connection:
        folder.rmdir()
        with pytest.raises(TemporaryFailure, match=r"452 .* The mailbox cannot keep it"):
            connection.send("a@b.example", "c@d.example", b"Subject: x\r\n\r\nx\r\n")


def test_a_mailbox_that_cannot_be_opened_loses_nothing(context):
    owe(context, BREACHED, at("Dinas Sosial"))
    context.site.var.mkdir(exist_ok=True)
    (context.site.var / "mailbox").write_text("a file where the folder should be")
    count = deliver(context, BREACHED)
    assert "cannot be kept: File exists" in count.trouble
    assert count.pending == 2
    assert statuses(context) == ["queued", "queued"]


# --- one complaint, one thread --------------------------------------------------------------------


def test_mails_about_one_complaint_answer_each_other(context, server):
    owe(context, REMINDED, at("Dinas Sosial"))
    deliver(context, REMINDED)
    register(context, BREACHED, at("Dinas Sosial"))
    decide(context, BREACHED)
    deliver(context, BREACHED)
    first, *later = [letter.mail for letter in server.letters if LIAISON in letter.mail["To"]]
    assert first["In-Reply-To"] is None
    assert [mail["In-Reply-To"] for mail in later] == [first["Message-ID"]]
    assert later[0]["References"] == first["Message-ID"]


@pytest.mark.thorough
def test_the_weekly_mails_of_a_superior_answer_each_other(context, server):
    entries = [at("Dinas Sosial"), at("Dinas Sosial", "FD-2", **since("17/11/2026"))]
    weekly = []
    for now in (BREACHED, "2026-11-30 08:00", "2026-12-01 08:00", "2026-12-07 08:00"):
        owe(context, now, *entries)
        first = len(server.letters)
        deliver(context, now)
        weekly += [each for each in server.letters[first:] if each.recipient.startswith("sekda")]
    first, second = weekly
    assert first.mail["References"] is None
    assert second.mail["References"] == second.mail["In-Reply-To"] == first.key


def test_a_mail_about_several_complaints_answers_none(context, server):
    for morning in (REMINDED, BREACHED):
        register(context, morning, at("Dinas Sosial"), at("Dinas Sosial", "FD-2"))
        decide(context, morning)
        deliver(context, morning)
    assert {letter.mail["In-Reply-To"] for letter in server.letters} == {None}


@pytest.mark.usefixtures("plain_reports")
@pytest.mark.parametrize("made", ["2026-11-21 10:00", "2026-11-24 07:05"])
def test_a_report_keeps_the_mail_hours_and_leaves_after_the_notices(context, server, made):
    """It may name a unit whose notice leaves in the same run. The 21st is a Saturday."""
    now = wita(made)
    make_summary(context, SummaryRequest("2026-10", now), now, "summary")
    assert deliver(context, made).sent == 0
    owe(context, "2026-11-24 07:10", at("Dinas Sosial"))
    assert deliver(context, "2026-11-24 07:15").sent == 0
    assert deliver(context, "2026-11-24 07:30").sent == 4
    kinds = [letter.recipient.partition("@")[0] for letter in server.letters]
    assert sorted(kinds[:2]) == ["penghubung.dinsos", "plt.kepala.dinsos"]
    assert statuses(context, MessageKind.SUMMARY) == ["sent", "sent"]
