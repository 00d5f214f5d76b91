"""The machine's clock: a jump is confirmed by another clock, or nothing is decided or sent."""

import json
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import pytest
from conftest import ON_SQLITE_FIRST, kind_of_database, wita
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from support.outgoing_mail.watch_mails import DAY, HOUR, MINUTE, told
from support.pipeline import messages
from support.servers.smtp_servers import Server

from cli import clock as clock_command
from db import runs
from db.models import AuditRow, DeliveryAttempt, FlowRunRecord, MessageRow, WatchState
from flows.permitted import REHEARSAL, SITES, NotPermitted
from flows.run_context import flow_run_context
from tasks.common.context import ClockInThePast, SiteContext
from tasks.monitoring import clock_witnesses as witnesses
from tasks.monitoring.clock_check import (
    MAX_JUMP,
    TOLERANCE,
    ClockOutcome,
    ClockRefused,
    ClockVerdict,
    check_clock,
)
from tasks.monitoring.clock_witnesses import Clock, Witness
from tasks.monitoring.external_watch import ExternalWatch
from tasks.monitoring.watch import stopped
from tasks.text.translation import translated

LAST = wita("2026-11-24 08:00")
YEAR = 365 * DAY


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    return kind_of_database(request)


@pytest.fixture(autouse=True)
def _no_rehearsal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site that mails for real, if only to a server that does not answer."""
    monkeypatch.delenv(REHEARSAL)
    monkeypatch.setenv("TENGGAT_MAIL_URL", "smtp://127.0.0.1:1")


def says(*found: Witness) -> Callable[[SiteContext, Clock, timedelta], Sequence[Witness]]:
    return lambda context, clock, tolerance: found


NOTHING = says(Witness("kernel", None), Witness("files", None))
YES = says(Witness("kernel", True), Witness("files", None))


def right(moment: datetime) -> Callable[[SiteContext, Clock, timedelta], Sequence[Witness]]:
    """A database server with the right time."""
    return lambda _, clock, tolerance: [
        Witness("kernel", None),
        witnesses.compared("database", moment, clock(), tolerance),
    ]


def run(context: SiteContext, clock: datetime, ask=NOTHING, *, now: datetime | None = None) -> None:
    """Run a flow that does nothing by this clock."""
    folder = str(context.site.folder)
    with flow_run_context("deadlines", folder, now, clock=lambda: clock, ask=ask):
        pass


def ran(context: SiteContext, moment: datetime, flow: str = "intake") -> None:
    with context.transaction() as session:
        runs.finished(session, f"{flow} {moment}", flow, moment, {})


def recorded(context: SiteContext) -> list[tuple[str, datetime]]:
    with context.transaction() as session:
        query = select(FlowRunRecord.flow, FlowRunRecord.now).order_by(FlowRunRecord.now)
        return [(row.flow, row.now) for row in session.execute(query)]


# --- the verdict ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statements", "outcome"),
    [
        ([], ClockOutcome.UNCONFIRMED),
        ([None], ClockOutcome.UNCONFIRMED),
        ([True], ClockOutcome.CONFIRMED),
        ([None, True], ClockOutcome.CONFIRMED),
        ([False], ClockOutcome.CONTRADICTED),
        ([True, False], ClockOutcome.CONTRADICTED),
        ([False, None], ClockOutcome.CONTRADICTED),
    ],
)
def test_one_witness_confirms_and_none_may_contradict(statements, outcome):
    found = [Witness("a clock", agrees, LAST) for agrees in statements]
    verdict = ClockVerdict(LAST + 2 * DAY, LAST, found, asked=True)
    assert verdict.outcome is outcome
    assert verdict.refused is (outcome is not ClockOutcome.CONFIRMED)


@pytest.mark.parametrize(
    ("last", "clock", "asked"),
    [
        (None, LAST + YEAR, False),  # a first run
        (LAST, LAST + MAX_JUMP, False),
        (LAST, LAST + MAX_JUMP + MINUTE, True),
        (LAST, LAST - YEAR, False),  # a clock that has gone back is refused elsewhere
    ],
)
def test_witnesses_are_asked_after_more_than_a_day(context, last, clock, asked):
    if last is not None:
        ran(context, last)
    assert check_clock(context, clock, lambda: clock, ask=NOTHING).asked is asked


@pytest.mark.parametrize(
    ("apart", "agrees"), [(0 * HOUR, True), (TOLERANCE, True), (-TOLERANCE - MINUTE, False)]
)
def test_a_witness_agrees_within_an_hour(apart, agrees):
    assert witnesses.compared("x", LAST + apart, LAST, TOLERANCE) == Witness(
        "x", agrees, LAST + apart
    )


# --- a run ----------------------------------------------------------------------------------------


def test_a_run_after_an_outage_goes_on_if_its_time_is_confirmed(context):
    ran(context, LAST)
    back = LAST + 5 * DAY
    run(context, back, YES)
    assert recorded(context) == [("intake", LAST), ("clock", back), ("deadlines", back)]
    run(context, back + HOUR, NOTHING)  # not asked again
    assert messages(context, "alert") == []


def test_a_clock_a_year_ahead_is_refused_and_told_once(context, server: Server, monkeypatch):
    monkeypatch.setenv("TENGGAT_MAIL_URL", server.url())
    ran(context, LAST)
    for minutes in (10, 20, 30):
        true = LAST + minutes * MINUTE
        with pytest.raises(ClockRefused, match=r"database says 2026-11-24 08:[123]0; nothing was"):
            run(context, true + YEAR, right(true))
    assert recorded(context) == [("intake", LAST)]
    (letter,) = server.letters
    assert str(letter.mail["Subject"]) == "[Tenggat] Jam mesin salah"
    text = letter.mail.get_body(("plain",)).get_content()
    assert "24 November 2027" in text
    assert "24 November 2026" in text
    assert "server basis data menunjukkan" in text
    (alert,) = messages(context, "alert")
    assert told(alert) == ["+wrong_clock"]
    assert alert.created_at == LAST + 10 * MINUTE  # it must not wait for the wrong time
    run(context, LAST + HOUR, NOTHING)  # the clock is right again: nobody is asked
    assert [told(each) for each in messages(context, "alert")][1:] == [["-wrong_clock"]]
    assert not stopped(context, LAST + HOUR)


def test_a_clock_that_nothing_confirms_waits_for_a_person(
    context, call_tenggat, monkeypatch, server
):
    monkeypatch.setattr(witnesses, "ask_all", NOTHING)
    ran(context, LAST)
    back = LAST + 3 * DAY
    for minutes in (0, 4, 6, 8):  # a time service may need some minutes
        with pytest.raises(ClockRefused, match=r"`tenggat clock accept` if .* TENGGAT_REHEARSAL=1"):
            run(context, back + minutes * MINUTE)
    assert [told(each) for each in messages(context, "alert")] == [["+clock_jump"]]
    monkeypatch.setattr(clock_command, "real_time", lambda: back + HOUR)
    monkeypatch.setattr(witnesses, "kernel", lambda: Witness("kernel", None))
    site = ("--site", context.site.folder)
    code, out, _ = call_tenggat("clock", *site)
    assert code == 1
    assert "last run   2026-11-24 08:00" in out
    assert "kernel: says nothing" in out
    assert call_tenggat("clock", "accept", "--yes", *site)[0] == 0
    run(context, back + HOUR)
    with context.transaction() as session:
        (row,) = session.scalars(select(AuditRow).where(AuditRow.kind == "clock.accepted"))
        assert row.actor.startswith("command line of ")
        assert json.loads(row.subject)["last_run"] == LAST.astimezone(UTC).isoformat()
    assert [told(each) for each in messages(context, "alert")][1:] == [["-clock_jump"]]
    assert call_tenggat("clock", *site)[0] == 0


def test_a_contradicted_clock_is_accepted_by_force_only(context, call_tenggat, monkeypatch):
    ran(context, LAST)
    monkeypatch.setattr(clock_command, "real_time", lambda: LAST + YEAR)
    monkeypatch.setattr(witnesses, "kernel", lambda: Witness("other", False, LAST))
    accept = ("clock", "accept", "--yes", "--site", context.site.folder)
    code, _, error = call_tenggat(*accept)
    assert (code, "a witness has another time" in error) == (2, True)
    assert recorded(context) == [("intake", LAST)]
    assert call_tenggat(*accept, "--force")[0] == 0
    assert recorded(context)[-1] == ("clock", LAST + YEAR)


def test_a_time_in_the_future_is_refused_except_in_a_rehearsal(context, monkeypatch):
    monkeypatch.setenv("TENGGAT_MAIL_URL", "smtp://mail.contohkab.example")
    future = LAST + 2 * HOUR
    with pytest.raises(NotPermitted, match="`now` is later than the present time"):
        run(context, LAST, now=future)
    assert recorded(context) == []
    monkeypatch.setenv(REHEARSAL, "1")
    run(context, LAST, now=future)
    run(context, LAST, now=future + YEAR)
    assert recorded(context) == [("deadlines", future), ("deadlines", future + YEAR)]


@pytest.mark.parametrize("url", ["mailbox:", "smtp://127.0.0.1:1", "smtp://localhost:1"])
def test_a_command_may_pretend_any_time_where_no_mail_leaves_the_machine(context, monkeypatch, url):
    monkeypatch.setenv("TENGGAT_MAIL_URL", url)
    ran(context, LAST)
    run(context, LAST + YEAR, now=LAST + 10 * DAY)
    run(context, LAST + YEAR, now=LAST + 2 * YEAR)
    assert recorded(context)[1:] == [
        ("deadlines", LAST + 10 * DAY),
        ("deadlines", LAST + 2 * YEAR),
    ]


def test_the_clock_of_a_site_that_keeps_its_mail_is_not_checked(context, monkeypatch):
    """So the example site runs on a machine that knows no time server."""
    ran(context, LAST)
    with pytest.raises(ClockRefused) as refused:
        run(context, LAST + YEAR)
    assert "tidak ada yang menguatkan waktu ini" in translated(str(refused.value), "id")
    monkeypatch.setenv("TENGGAT_MAIL_URL", "mailbox:")
    context.site.mail_url = "mailbox:"
    assert check_clock(context, LAST + YEAR, lambda: LAST + YEAR).outcome is ClockOutcome.STEADY
    run(context, LAST + YEAR)
    assert recorded(context)[-1] == ("deadlines", LAST + YEAR)


def test_a_time_that_the_api_pretends_needs_a_witness_as_well(context, monkeypatch):
    """The clock may be wrong, and `now` as wrong as the clock."""
    monkeypatch.setenv(SITES, json.dumps([str(context.site.folder)]))
    ran(context, LAST)
    with pytest.raises(ClockRefused):
        run(context, LAST + YEAR, now=LAST + YEAR)
    with pytest.raises(ClockRefused):
        run(context, LAST + YEAR, right(LAST), now=LAST + 2 * DAY)
    run(context, LAST + YEAR, YES, now=LAST + 2 * DAY)
    assert recorded(context)[-1] == ("deadlines", LAST + 2 * DAY)


@pytest.mark.thorough
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(1, 60),  # hours until the run
            st.sampled_from([0, 0, 0, 23, 30, 24 * 40, 24 * 365, -24 * 3]),  # error of the clock
            st.sampled_from(["none", "kernel", "database"]),
        ),
        min_size=2,
        max_size=6,
    )
)
def test_whatever_the_clock_does_no_run_jumps_without_a_witness(context, steps):
    """The kernel speaks only while the clock is right; the database always has the right time."""
    with context.transaction() as session:
        for table in (FlowRunRecord, WatchState, DeliveryAttempt, MessageRow):
            session.execute(delete(table))
    ran(context, LAST, "deadlines")
    true, decided = LAST, [LAST]
    for hours, error, witness in steps:
        true += hours * HOUR
        clock = true + error * HOUR
        kernel = Witness("kernel", True if witness == "kernel" and not error else None)
        ask = right(true) if witness == "database" else says(kernel)
        confirmed = any(each.agrees for each in ask(context, lambda now=clock: now, TOLERANCE))
        may_run = decided[-1] <= clock and (confirmed or clock <= decided[-1] + MAX_JUMP)
        try:
            run(context, clock, ask)
        except (ClockRefused, ClockInThePast):
            assert not may_run
        else:
            assert may_run
            decided.append(clock)
    assert [now for flow, now in recorded(context) if flow != "clock"] == decided


# --- the witnesses --------------------------------------------------------------------------------


@ON_SQLITE_FIRST
def test_a_database_on_another_clock_is_a_witness(context):
    real = partial(datetime.now, UTC)
    found = witnesses.database(context, real, TOLERANCE)
    if context.engine.dialect.name == "sqlite":
        assert found is None
        return
    assert found.agrees is None  # on this machine: the same clock
    for error, agrees in ((MINUTE, True), (YEAR, False)):
        ahead = witnesses.database(context, lambda error=error: real() + error, TOLERANCE)
        assert ahead.agrees is agrees
        assert abs(ahead.time - real()) < MINUTE


@pytest.mark.parametrize(
    ("headers", "time"),
    [
        ({"Date": "Tue, 24 Nov 2026 00:00:00 GMT"}, "2026-11-24T00:00:00+00:00"),
        (
            {"Date": "Mon, 23 Nov 2026 23:00:00 GMT", "Age": "3600"},
            "2026-11-24T00:00:00+00:00",
        ),
        ({"Date": "soon"}, None),
        ({"Date": "Tue, 24 Nov 2026 00:00:00 GMT", "Age": "x"}, None),
        ({"Date": "Tue, 24 Nov 2026 00:00:00 GMT", "Age": "9" * 30}, None),
        ({}, None),
    ],
)
def test_the_date_of_a_web_server_is_read(headers, time):
    found = witnesses.answer_time(httpx.Headers(headers))
    assert (found and found.isoformat()) == time


def test_web_servers_are_asked_at_their_root_and_without_a_login(context):
    context.site.ping_url = "https://me:s3cret@hc-ping.example:8443/uuid"
    assert witnesses.web_servers(context.site) == ["https://hc-ping.example:8443/"]
    found = witnesses.web_server("http://127.0.0.1:9/", lambda: LAST, TOLERANCE)
    assert found == Witness("127.0.0.1", None)  # this machine is no witness


@pytest.mark.parametrize(
    ("greeting", "time"),
    [
        ("220 mx ESMTP Sendmail 8.17/8.17; Tue, 24 Nov 2026 08:00:00 +0800\r\n", "00:00:00"),
        (
            "220 mx Microsoft ESMTP ready at Tue, 24 Nov 2026 00:00:00 +0000",
            "00:00:00",
        ),
        ("220-mx ESMTP Exim 4.98 Tue, 24 Nov 2026 07:00:00 +0700\r\n220 no spam\r\n", "00:00:00"),
        ("220 mx ESMTP; Tue,  3 Nov 2026 24:00:00 GMT", None),
        ("220 mx ESMTP; Tue, 24 Nov 2026 08:00:00", None),
        ("220 mx ESMTP Postfix (Debian/GNU)", None),
        ("554 mx; Tue, 24 Nov 2026 08:00:00 +0800", None),
        ("", None),
    ],
)
def test_the_date_in_the_greeting_of_a_mail_server_is_read(greeting, time):
    found = witnesses.greeting_time(greeting)
    assert (found and found.isoformat()) == (time and f"2026-11-24T{time}+00:00")


@pytest.mark.parametrize(
    ("elsewhere", "says", "agrees"),
    [
        (True, b"220 mx; Tue, 24 Nov 2026 08:01:00 +0800\r\n", True),
        (True, b"220 mx; Tue, 24 Nov 2025 08:01:00 +0800\r\n", False),
        (True, b"220-" + b"x" * 9_000, None),
        (True, b"", None),
        (False, b"220 mx; Tue, 24 Nov 2026 08:01:00 +0800\r\n", None),
    ],
)
def test_a_mail_server_on_another_machine_is_a_witness(
    context, monkeypatch, elsewhere, says, agrees
):
    """The server is on loopback, so only the two checks for that are told otherwise."""
    if elsewhere:
        monkeypatch.setattr(witnesses, "is_loopback", lambda host: False)
        monkeypatch.setattr(witnesses, "is_own_end", lambda connected: False)
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as threads:
        if elsewhere:
            threads.submit(greet, listener, says)
        context.site.mail_url = f"smtp://127.0.0.1:{listener.getsockname()[1]}"
        found = witnesses.mail_server(context.site, lambda: LAST, TOLERANCE)
    assert (found.name, found.agrees) == ("mail_server", agrees)


def greet(listener: socket.socket, says: bytes) -> None:
    with listener.accept()[0] as connected:
        connected.sendall(says)


def test_the_built_in_mailbox_is_no_witness(context):
    context.site.mail_url = "mailbox:"
    assert witnesses.mail_server(context.site, lambda: LAST, TOLERANCE) is None


def test_a_file_named_after_today_confirms_and_its_time_on_disk_does_not(context):
    inbox = context.site.folder / "inbox" / "register"
    assert witnesses.files(context.site, LAST) is None
    (inbox / "register_2026-11-23_2300.csv").write_text("x")
    assert witnesses.files(context.site, LAST).agrees is None
    (inbox / "register_2026-11-24_0100.csv").write_text("x")
    found = witnesses.files(context.site, LAST)
    assert (found.agrees, found.time) == (True, wita("2026-11-24 01:00"))
    assert witnesses.files(context.site, LAST + YEAR).agrees is None


def test_the_kernel_confirms_or_says_nothing():
    assert witnesses.kernel().agrees in (True, None)


# --- the watch ------------------------------------------------------------------------------------


def test_the_watch_tells_of_a_wrong_clock_and_looks_at_nothing_else(context, server, monkeypatch):
    ran(context, LAST)
    wrong = LAST + YEAR
    monkeypatch.setattr(witnesses, "kernel", lambda: Witness("other", False, LAST + MINUTE))
    outside = ExternalWatch(context.site, clock=lambda: wrong)
    (line,) = outside.check(wrong)
    assert "other says 2026-11-24 08:01" in line
    assert "other menunjukkan 2026-11-24 08:01; tidak ada" in translated(line, "id")
    assert outside.check(wrong + MINUTE)[0].startswith("the clock says 2027-11-24 08:0")
    assert [str(each.mail["Subject"]) for each in server.letters] == ["[Tenggat] Jam mesin salah"]
    said = outside.check(LAST + 2 * MINUTE)
    assert not any("clock" in each for each in said)
    assert "-wrong_clock" in told(messages(context, "alert")[-1])
