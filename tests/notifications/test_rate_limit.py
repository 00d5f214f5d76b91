"""How fast mails leave: the site's rates, and what the server bears."""

import time
from collections import Counter
from dataclasses import asdict, replace
from datetime import timedelta
from itertools import pairwise

import pytest
from conftest import ON_BOTH, ON_SQLITE_FIRST, WITA, kind_of_database, wita
from support.pipeline import BREACHED, EVERYWHERE, Hurried, at, deliver, messages, owe, statuses
from support.servers.smtp_servers import Server, running

from cli.listings import mail_rows
from flows.delivery import why_incomplete
from tasks.delivery import send_owed
from tasks.mailbox import MailboxCount
from tasks.monitoring.health.database import database
from tasks.monitoring.send_alert import ALERTS
from tasks.notifications import sender as notifications_sender
from tasks.notifications.rate_limit import LONGEST_GAP, RateLimiter, RunClock, too_fast
from tasks.notifications.send_policy import DELIVERY
from tasks.notifications.sender import DeliveryCount
from tasks.notifications.transport.connection_errors import PORT
from tasks.notifications.transport.refusals import shown_answer
from tasks.notifications.transport.smtp import Connection, PermanentFailure, TemporaryFailure
from tasks.text.templates import render
from tasks.text.translation import translated


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """What is tested here hangs on no database but where a test is marked."""
    return kind_of_database(request)


NOW = wita(BREACHED)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def settings(context, **more: object) -> None:
    mail = context.site.file.mail.model_copy(update=more)
    context.site.file = context.site.file.model_copy(update={"mail": mail})


@pytest.fixture
def departures(monkeypatch) -> list[tuple[timedelta, str]]:
    """When each mail left by the run's clock, since its beginning, and to whom."""
    clocks, found = [], []
    begin, send = Hurried.__init__, Connection.send

    def begun(clock, now):
        begin(clock, now)
        clocks.append(clock)

    def sent(connection, sender, recipient, mime):
        found.append((clocks[-1].moment() - NOW, recipient))
        return send(connection, sender, recipient, mime)

    monkeypatch.setattr(Hurried, "__init__", begun)
    monkeypatch.setattr(Connection, "send", sent)
    return found


def busiest_minute(departures: list[tuple[timedelta, str]], address: str = "") -> int:
    """The most mails that left within any minute, in all or to an address."""
    times = [moment for moment, recipient in departures if address in recipient]
    return max(sum(start <= moment < start + MINUTE for moment in times) for start in times)


# --- the site's rates -----------------------------------------------------------------------------


def test_no_more_mails_leave_in_a_minute_than_the_site_says(context, server, departures):
    settings(context, per_minute=6)
    owe(context, BREACHED, *EVERYWHERE)
    assert deliver(context, BREACHED).sent == 22
    assert busiest_minute(departures) == 6
    assert max(departures)[0] < 4 * MINUTE


@pytest.mark.thorough
@ON_BOTH
def test_what_would_take_too_long_is_left_to_the_next_run(context, server, departures):
    settings(context, per_minute=2)
    owe(context, BREACHED, *EVERYWHERE)
    first = deliver(context, BREACHED)
    assert (first.sent, first.pending) == (10, 12)
    assert max(departures)[0] <= DELIVERY.longest_run
    assert all(message.claim is None for message in messages(context))
    assert deliver(context, NOW + timedelta(minutes=5)).sent == 10
    assert deliver(context, NOW + timedelta(minutes=10)).pending == 0


@ON_SQLITE_FIRST
def test_the_rate_holds_from_one_run_to_the_next(context, server):
    settings(context, per_minute=4)
    owe(context, BREACHED, at("Dinas Sosial"), at("DLH", "FD-2"))
    assert deliver(context, BREACHED).sent == 4
    owe(context, BREACHED, at("Inspektorat", "FD-3"), at("Diskominfo", "FD-4"))
    clock = Hurried(NOW + 20 * SECOND)
    count = send_owed(context, NOW + 20 * SECOND, "next", lambda now: clock)
    assert count.sent == 4
    assert clock.now == NOW + MINUTE


def test_one_domain_may_be_slower_than_the_rest(context, server, departures):
    heads = ("Dinas Sosial", "DLH", "Dinas Kesehatan")
    offices = tuple(
        _at(each, "gmail.example") if each.email.startswith("penghubung") else each
        for each in context.site.directory.offices
    )
    context.site.directory.offices = offices
    settings(context, per_minute_to={"gmail.example": 1})
    owe(context, BREACHED, *(at(unit, f"FD-{n}") for n, unit in enumerate(heads)))
    assert deliver(context, BREACHED).sent == 6
    early = Counter(to.rpartition("@")[2] for moment, to in departures if moment < 10 * SECOND)
    assert early == {"contohkab.example": 3, "gmail.example": 1}
    assert busiest_minute(departures, "@gmail.example") == 1


def _at(holder, domain):
    return replace(holder, email=f"{holder.email.partition('@')[0]}@{domain}")


# --- what the server bears ------------------------------------------------------------------------


@pytest.mark.thorough
def test_after_each_421_the_batch_slows_down_and_after_some_it_stops(context, server, departures):
    owe(context, BREACHED, *EVERYWHERE)
    server.mail_answers = ["421 4.7.0 Try again later"] * 99
    count = deliver(context, BREACHED)
    assert (count.sent, count.deferred, count.pending) == (0, 5, 22)
    gaps = [later - sooner for (sooner, _), (later, _) in pairwise(departures)]
    assert [round(gap / SECOND) for gap in gaps] == [1, 2, 4, 8]
    assert [len(message.attempts) for message in messages(context)].count(0) == 17


@pytest.mark.thorough
def test_a_server_that_recovers_gets_the_rest_in_the_same_run(context, server, departures):
    owe(context, BREACHED, *EVERYWHERE)
    server.data_answers = ["", "", "451 4.7.1 Rate limit exceeded", "451 4.7.1 Too many messages"]
    count = deliver(context, BREACHED)
    assert (count.sent, count.deferred) == (20, 2)
    assert max(departures)[0] < 10 * SECOND


def test_claims_are_given_back_when_a_batch_stops(context, server):
    owe(context, BREACHED, *EVERYWHERE)
    server.greeting = "421 4.3.2 Down"
    deliver(context, BREACHED)
    assert set(statuses(context)) == {"queued"}
    assert all(message.claim is None for message in messages(context))


@pytest.mark.parametrize(
    ("code", "answer", "is_so"),
    [
        (421, "4.3.2 closing", True),
        (451, "4.7.1 Greylisted", True),
        (450, "4.7.25 no reverse name", True),
        (452, "4.5.3 Too many recipients this hour", True),
        (454, "Throttling failure: maximum sending rate exceeded", True),
        (450, "4.2.1 Mailbox busy", False),
        (452, "4.2.2 Mailbox full", False),
        (451, "4.3.0 Corporate error", False),
        (None, "timed out", False),
    ],
)
def test_which_answers_ask_for_a_slower_pace(code, answer, is_so):
    assert too_fast(TemporaryFailure(answer, code)) is is_so


def test_a_refusal_for_good_is_no_matter_of_pace():
    assert not too_fast(PermanentFailure("5.7.1 Too many messages", 550))


# --- the arithmetic -------------------------------------------------------------------------------


def test_gaps_grow_to_a_limit_and_shrink_with_every_mail_that_is_taken():
    pace = RateLimiter(None, {})
    for _ in range(12):
        pace.throttled()
    assert pace.delay == LONGEST_GAP
    assert pace.exhausted
    pace.sent(NOW, "a@b.example")
    assert not pace.exhausted
    for _ in range(9):
        pace.sent(NOW, "a@b.example")
    assert pace.delay == timedelta(0)


def test_a_rate_looks_back_one_minute():
    pace = RateLimiter(2, {}, [(NOW - 59 * SECOND, "a@b.example"), (NOW - SECOND, "a@b.example")])
    assert pace.free_at(NOW) == NOW + SECOND
    assert pace.free_at(NOW + SECOND) == NOW + SECOND


def test_a_domain_is_known_in_any_letters():
    pace = RateLimiter(None, {"Gmail.example": 1}, [(NOW, "a@GMAIL.example")])
    assert pace.free_at(NOW, "b@gmail.EXAMPLE") == NOW + MINUTE
    assert pace.free_at(NOW, "b@elsewhere.example") == NOW


def test_the_real_clock_goes_on_from_the_time_it_is_given():
    clock = RunClock(NOW)
    before = clock.moment()
    clock.wait(timedelta(milliseconds=1))
    assert NOW <= before < clock.moment() < NOW + MINUTE


def test_the_real_clock_counts_a_suspension_of_the_machine(monkeypatch):
    """After one, the mails that are still claimed must not go: the claims may be another's."""
    clock, really = RunClock(NOW), time.clock_gettime

    def after_an_hour(which: int) -> float:
        return really(which) + 3600 * (which == time.CLOCK_BOOTTIME)

    monkeypatch.setattr(time, "clock_gettime", after_an_hour)
    assert 60 * MINUTE <= clock.moment() - NOW < 61 * MINUTE


# --- freshness ------------------------------------------------------------------------------------


def test_what_was_judged_too_long_ago_is_judged_again_before_it_goes(context, monkeypatch):
    """A slow server: the second mail of the batch would go a minute after it was composed."""
    owe(context, BREACHED, at("Dinas Sosial"))
    composed, clocks = [], []
    really = notifications_sender.compose_all

    def noted(run, mails, *moments):
        composed.append(len(mails))
        return really(run, mails, *moments)

    def clock(now):
        clocks.append(Hurried(now))
        return clocks[-1]

    with running(Server()) as server:
        context.site.mail_url = server.url()
        send = Connection.send

        def slow(connection, *mail):
            clocks[-1].wait(MINUTE)
            return send(connection, *mail)

        monkeypatch.setattr(notifications_sender, "compose_all", noted)
        monkeypatch.setattr(Connection, "send", slow)
        assert send_owed(context, NOW, "slow", clock).sent == 2
        assert [count for count in composed if count] == [2, 1]
        assert len(server.letters) == len({letter.key for letter in server.letters}) == 2


# --- waits after an error -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "attempts", "mail", "server"),
    [
        (DELIVERY, 0, (1, 1.5), 1),
        (DELIVERY, 3, (8, 12), 1),
        (DELIVERY, 500, (240, 360), 1),
        (ALERTS, 0, (1, 1), 1),
        (ALERTS, 3, (8, 8), 8),
        (ALERTS, 500, (15, 15), 15),
    ],
)
def test_the_waits_double_up_to_the_limits_of_the_policy(policy, attempts, mail, server):
    """In minutes: for a mail that was not accepted, and for a server out of reach."""
    least, most = mail
    assert least * MINUTE <= policy.retry_after(attempts) <= most * MINUTE
    assert policy.outage_after(attempts) == server * MINUTE


def test_the_newest_answer_to_waiting_mail_is_shown_without_addresses(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    said = "450 4.7.1 <penghubung.dinsos@contohkab.example>: too many mails today"
    server.mail_answers = [said] * 99
    count = deliver(context, BREACHED)
    shown = "450 4.7.1 <[email]>: too many mails today"
    assert (count.deferred_answer, count.trouble) == (shown, "")
    with context.transaction() as session:
        rows = mail_rows(session, context, 30)
    assert shown in [row["answer"] for row in rows]
    (waiting,) = [
        finding.what
        for finding in database(context.site, wita(BREACHED), clock=False)
        if "wait to be sent" in finding.what
    ]
    assert waiting.endswith(f"mails wait to be sent (newest answer of the mail server: {shown})")
    assert translated(waiting, "id").endswith(f"(jawaban terakhir server surel: {shown})")
    server.mail_answers = []
    deliver(context, wita(BREACHED) + timedelta(days=1))
    with context.transaction() as session:
        assert {row["answer"] for row in mail_rows(session, context, 30) if row["sent"]} == {""}


def test_an_answer_in_our_own_words_is_in_the_language_of_the_reader(context):
    """It is longer with its remedy than a list shows, and a part of a text has no translation."""
    owe(context, BREACHED, at("Dinas Sosial"))
    with running(Server()) as stopped:
        url = stopped.url()
    context.site.mail_url = url
    count = deliver(context, BREACHED)
    address = url.rpartition("/")[2]
    said = f"{address}: tidak ada server yang menjawab di host dan port itu"
    assert translated(count.trouble, "id") == (
        f"{said}; perbaiki host dan port di TENGGAT_MAIL_URL: 587 dengan smtp:// atau 465 dengan"
        " smtps://"
    )
    assert count.deferred_answer == said  # in the artifact
    with context.transaction() as session:
        rows = mail_rows(session, context, 30, locale="id")
    assert {row["answer"] for row in rows} == {said, ""}
    findings = database(context.site, wita(BREACHED), clock=False)
    what = [translated(each.what, "id") for each in findings]
    assert any(f"(jawaban terakhir server surel: {said})" in each for each in what)


@pytest.mark.parametrize(
    "answer", ["claimed, and no answer on record", "stopped before the server answered"]
)
def test_an_answer_that_was_lost_is_in_the_language_of_the_reader(answer):
    assert shown_answer(None, answer, "id") != shown_answer(None, answer)


def test_a_text_with_its_remedy_is_translated_before_it_is_cut():
    answer = f"mail.contohkab.example:587: no server listens at this host and port; {PORT}"
    assert shown_answer(None, answer, "id").startswith(
        "mail.contohkab.example:587: tidak ada server yang menjawab di host dan port itu; perbaiki"
    )


def test_a_quota_that_is_reached_is_no_fault_of_the_connection(context, server):
    """Two mails leave; then the run says what the provider limits, and what to do."""
    owe(context, BREACHED, *EVERYWHERE)
    server.data_answers = ["", "", "550 5.4.5 Daily user sending limit exceeded"]
    count = deliver(context, BREACHED)
    assert (count.sent, count.quota_reached, count.pending) == (2, True, 20)
    why = why_incomplete(count)
    assert "doctor" not in why
    assert "Lower per_minute under [mail], or ask the provider" in why
    said = translated(why, "id")
    assert said.startswith("batas pengiriman dari penyedia surel tercapai: 127.0.0.1:")
    assert "Tidak ada surel yang hilang: 20 surel menunggu" in said
    server.mail_answers = ["553 5.7.1 Sender not allowed"]
    later = deliver(context, wita(BREACHED) + timedelta(days=1))
    assert not later.quota_reached
    assert "`tenggat doctor` tests the connection" in why_incomplete(later)


def artifact(count: DeliveryCount, locale: str) -> list[str]:
    """The lines of the artifact of a delivery."""
    shown = {"zone": WITA, "now": wita(BREACHED), "mode": "", "mailbox": asdict(MailboxCount())}
    return render("report/delivery.md.j2", locale=locale, **shown, **asdict(count)).splitlines()


@pytest.mark.parametrize(
    ("locale", "words"),
    [("id", "**Batas pengiriman dari penyedia"), ("en", "**The provider's sending limit")],
)
def test_the_artifact_of_a_delivery_names_a_quota(locale, words):
    count = DeliveryCount(sent=2, trouble="5.4.5 Daily limit", quota_reached=True)
    (line,) = [line for line in artifact(count, locale) if line.startswith(words)]
    assert "per_minute" in line


@pytest.mark.parametrize(
    ("locale", "words"),
    [("id", "Jawaban terakhir server surel"), ("en", "Newest answer of the mail server")],
)
def test_the_artifact_of_a_delivery_shows_the_answer_to_deferred_mail(locale, words):
    count = DeliveryCount(deferred=5, deferred_answer="450 too many mails today")
    (line,) = [line for line in artifact(count, locale) if line.startswith(words)]
    assert line.endswith(": 450 too many mails today")
