"""`tenggat doctor`: what it finds on either database, and that it leaves everything as it was."""

import importlib.util
import json
import locale
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import ON_SQLITE_FIRST, REPOSITORY, THIS_REVISION, wita
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError
from support.pipeline import BREACHED, at, dump, owe, write_register
from support.ports import nobody_listens
from support.servers.smtp_servers import Server, running
from support.site_mistakes import assert_indonesian

from cli.language import words
from cli.language.translation import translated
from db import runs
from db.backup.create import backup
from db.engine import DamagedDatabase
from settings.proxies import IGNORED
from settings.site import EXAMPLE, load_site
from sla.directory import Directory, Role
from tasks.common.context import SiteContext
from tasks.intake import pull
from tasks.monitoring.health import check, connectivity, database, host, site_files

NOW = wita("2026-11-24 08:00")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FLOWS = ("intake", "deadlines", "delivery", "watchdog")
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Where what is tested hangs on no database."""


def found(context: SiteContext, now: datetime = NOW, **more: Any) -> dict[str, tuple[str, str]]:
    """Each thing that the doctor says, with its level and its remedy."""
    return {each.what: (each.level, each.remedy) for each in check(context.site, now, **more)}


def troubles(context: SiteContext, now: datetime = NOW) -> list[str]:
    return [what for what, (level, _) in found(context, now).items() if level == "trouble"]


def ran(context: SiteContext, moment: datetime, *flows: str) -> None:
    with context.transaction() as session:
        for flow in flows or FLOWS:
            runs.finished(session, f"{flow} {moment}", flow, moment, {})


# --- the database and what ran --------------------------------------------------------------------


@ON_SQLITE_FIRST
def test_a_site_that_runs_is_well(context):
    ran(context, NOW - 5 * MINUTE)
    said = found(context)
    assert troubles(context) == []
    for flow in FLOWS:
        assert said[f"{flow} last ran at 2026-11-24 07:55"] == ("good", "")
    assert said["it is 2026-11-24 08:00 at the site (Asia/Makassar)"] == ("good", "")
    assert said["the folder of source lapor is there"] == ("good", "")
    assert any(what.startswith("working calendar known until") for what in said)
    assert any("GB are left for" in what for what in said)


@on_sqlite
def test_a_flow_that_stands_still_is_trouble(context):
    ran(context, NOW - 2 * HOUR)
    (trouble, another) = troubles(context)
    assert trouble.startswith("delivery has not finished a run since 2026-11-24 06:00")
    assert another.startswith("watchdog has not finished")
    assert "`tenggat up`" in found(context)[trouble][1]


@on_sqlite
def test_complaints_of_the_example_site_in_another_site_are_trouble(context):
    """Who copies the whole example would import its invented complaints and mail about them."""
    sample = next(path for path in (EXAMPLE / "inbox" / "lapor").iterdir())
    shutil.copy(sample, context.site.folder / "inbox" / "lapor")
    (trouble,) = troubles(context)
    assert trouble == "source lapor has 1 files of the example site: invented complaints"
    assert "before the first run" in found(context)[trouble][1]


@pytest.mark.thorough
@on_sqlite
def test_a_superior_whom_the_ladders_notify_and_who_is_not_named_is_a_note(context):
    site = context.site
    offices = [each for each in site.directory.offices if each.role is not Role.INSPECTOR]
    assert [what for what in found(context) if "holds the role" in what] == []
    site.directory = Directory(site.directory.units.values(), offices)
    assert found(context)["nobody holds the role inspector"][0] == "note"
    words.use_language("id")
    said = [translated(f"{unit} has no {role}") for unit, role in [("A (a)", "head_of_unit")]]
    said.append(translated("nobody holds the role inspector"))
    words.use_language("en")
    assert said == ["A (a) tidak mempunyai kepala", "tidak ada yang memegang jabatan inspektur"]
    site.ladders = [replace(each, rungs=()) for each in site.ladders]
    assert "nobody holds the role inspector" not in found(context)


@on_sqlite
def test_what_has_never_run_is_a_note(context):
    assert found(context)["no run of deadlines has ended well yet"][0] == "note"
    assert troubles(context) == []


@on_sqlite
def test_a_clock_that_has_gone_back_is_trouble(context):
    ran(context, NOW + HOUR)
    assert troubles(context) == ["the last run was at 2026-11-24 09:00, later than now"]


@ON_SQLITE_FIRST
def test_the_clock_of_a_database_server_is_compared_with_ours(context):
    if context.engine.dialect.name == "sqlite":
        assert not [
            what for what in found(context, datetime.now(UTC), clock=True) if "agree" in what
        ]
        return
    right = found(context, datetime.now(UTC), clock=True)
    assert right["the clock agrees with that of the database server"] == ("good", "")
    wrong = found(context, datetime.now(UTC) - 3 * HOUR, clock=True)
    (told,) = [what for what in wrong if what.startswith("the clocks of this machine")]
    assert told.endswith(("179 minutes apart", "180 minutes apart"))
    assert wrong[told][0] == "trouble"


@ON_SQLITE_FIRST
def test_mail_that_waits_for_too_long_is_trouble(context):
    owe(context, BREACHED, at("Dinas Sosial"))
    ran(context, NOW + 4 * HOUR)
    assert not [t for t in troubles(context, NOW + 4 * HOUR - MINUTE) if "wait for too long" in t][
        1:
    ]
    (trouble,) = troubles(context, NOW + 4 * HOUR)
    assert "mails wait for too long, the oldest since 2026-11-24 08:00" in trouble


@ON_SQLITE_FIRST
def test_a_database_that_is_behind_is_trouble_and_stays_behind(context, later_revision):
    with context.engine.begin():
        pass
    (trouble,) = troubles(context)
    both = f"revision {THIS_REVISION}, the program at {later_revision}"
    assert trouble == f"the database is at {both}"
    assert troubles(context) == [trouble]


@on_sqlite
def test_a_damaged_database_is_named_with_its_newest_backup(context, call_tenggat, monkeypatch):
    site = context.site
    monkeypatch.setenv("TENGGAT_VAR", str(site.var))
    monkeypatch.setenv("TENGGAT_LANG", "id")
    made = backup(site.database_url, site.backups, NOW)
    context.close()
    file = Path(make_url(site.database_url).database)
    whole = file.read_bytes()
    for damaged in (
        whole[: len(whole) // 2] + b"x" * (len(whole) - len(whole) // 2),
        whole[:4096] + bytes(len(whole) - 4096),
        b"x" * len(whole),
    ):
        file.write_bytes(damaged)
        (trouble,) = [each for each in found(context).items() if "is damaged" in each[0]]
        assert str(file) in trouble[0]
        assert f"`tenggat restore {made} --force`" in trouble[1][1]
        code, _, errors = call_tenggat("deadlines", "--site", site.folder)
        said = " ".join(errors.split())
        assert (code, f"basis data {file} rusak" in said) == (1, True)
        assert "`tenggat restore BERKAS --force`" in said


@on_sqlite
def test_damage_that_a_run_meets_stops_it_and_blames_no_file(context):
    write_register(context, NOW, at("Dinas Sosial"))
    context.close()
    file = Path(make_url(context.site.database_url).database)
    with closing(sqlite3.connect(file)) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        query = "SELECT rootpage FROM sqlite_master WHERE tbl_name = 'complaint'"
        pages = [page for (page,) in connection.execute(query)]
    with file.open("r+b") as raw:
        for page in pages:
            raw.seek((page - 1) * size)
            raw.write(b"x" * size)
    with pytest.raises(DamagedDatabase, match="is damaged; stop the service and restore a backup"):
        pull(context, "register", NOW)
    assert any("is damaged" in trouble for trouble in troubles(context))


@ON_SQLITE_FIRST
def test_looking_changes_nothing(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    before = dump(context)
    found(context, NOW + HOUR)
    assert dump(context) == before
    assert server.letters == []


@ON_SQLITE_FIRST
def test_it_does_not_wait_for_one_who_writes(context):
    with context.transaction():  # on SQLite the only writer
        began = datetime.now(UTC)
        assert "database in order, 0 complaints" in found(context)
        assert datetime.now(UTC) - began < timedelta(seconds=30)


def test_no_database_is_made_where_none_is(tmp_path, site_folder, monkeypatch, call_tenggat):
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "new"))
    code, out, _ = call_tenggat("doctor", "--json", "--site", site_folder)
    assert code == 0
    said = {each["what"]: each["level"] for each in json.loads(out)}
    assert said["the database is empty"] == "note"
    assert not (tmp_path / "new").exists()


# --- mail, sources, machine -----------------------------------------------------------------------


@on_sqlite
def test_it_logs_in_and_sends_nothing(context):
    with running(Server(login=("tenggat", "s3cret"))) as server:
        context.site.mail_url = server.url()
        assert f"mail server 127.0.0.1:{server.port} answers and takes the login" in found(context)
        assert (server.logins, server.letters) == ([("tenggat", "s3cret")], [])
        context.site.mail_url = server.url().replace("s3cret", "wr0ng")
        (trouble,) = troubles(context)
        assert trouble.startswith("mail server: ")
        assert "wr0ng" not in trouble


@on_sqlite
def test_a_login_that_was_not_tried_is_not_claimed(context):
    with running(Server(login=("tenggat", "s3cret"))) as server:
        context.site.mail_url = f"smtp+plain://127.0.0.1:{server.port}"
        said = [what for what in found(context) if what.startswith("mail server")]
        assert said == [
            f"mail server 127.0.0.1:{server.port} answers and offers a login, and the mail URL has"
            " none"
        ]
    with running() as server:
        context.site.mail_url = server.url()
        said = [what for what in found(context) if what.startswith("mail server")]
        assert said == [f"mail server 127.0.0.1:{server.port} answers, and offers no login"]


@pytest.fixture
def with_sources(context: SiteContext, monkeypatch: pytest.MonkeyPatch) -> SiteContext:
    """The example site with a desk's database and a city's server as sources too."""
    file = context.site.folder / "sources.toml"
    more = """
[desk]
type = "sql"
url_variable = "DESK_DATABASE_URL"
query = "SELECT number, received FROM complaint"
layout = "history"
zone = "Asia/Makassar"
fields = { ticket = "number", received = "received" }
events = [{ column = "received", kind = "assigned" }]

[city]
type = "open311"
url = "http://127.0.0.1:1/open311/v2"
url_variable = "CITY_URL"
first_day = 2026-01-01
zone = "Asia/Makassar"
fields = { unit = "agency_responsible" }
"""
    file.write_text(file.read_text("utf-8") + more, encoding="utf-8")
    context.site = load_site(context.site.folder)
    return context


@pytest.mark.parametrize(
    ("name", "host", "notes"),
    [
        ("tenggat", "mail.contohkab.example", 1),
        ("tenggat.contohkab.example", "mail.contohkab.example", 0),
        ("tenggat", "127.0.0.1", 0),
    ],
)
def test_a_greeting_without_a_dot_is_a_note(name, host, notes):
    found = list(connectivity.greeting(name, host))
    assert [(each.level, "helo_name" in each.remedy) for each in found] == [("note", True)] * notes


@on_sqlite
def test_sources_that_answer_are_good(with_sources, monkeypatch):
    with running() as somebody:  # whatever it is, it listens
        monkeypatch.setenv(
            "DESK_DATABASE_URL", f"postgresql://u:s3cret@127.0.0.1:{somebody.port}/desk"
        )
        monkeypatch.setenv("CITY_URL", f"http://127.0.0.1:{somebody.port}/open311/v2")
        said = found(with_sources)
    assert said[f"source desk answers at 127.0.0.1:{somebody.port}"] == ("good", "")
    assert said[f"source city answers at 127.0.0.1:{somebody.port}"] == ("good", "")


@on_sqlite
def test_an_export_beside_the_folders_of_the_sources_is_a_note(context):
    inbox = (context.site.folder / "inbox").resolve()
    (inbox / "Laporan.xlsx").touch()
    (inbox / "catatan.txt").touch()
    misplaced = {what: rest for what, rest in found(context).items() if "nobody reads" in what}
    assert misplaced == {
        f"nobody reads Laporan.xlsx in {inbox}": (
            "note",
            "move it into the folder of its source there: lapor, register",
        )
    }


@on_sqlite
def test_a_folder_outside_the_site_is_named_and_not_searched(context, tmp_path, monkeypatch):
    """It may have files that cannot be read, or that vanish meanwhile, as /tmp and /etc do."""
    outside = tmp_path / "outside"
    outside.mkdir()
    file = context.site.folder / "sources.toml"
    text = file.read_text("utf-8").replace('"inbox/register"', f'"{outside}"')
    file.write_text(text, encoding="utf-8")
    context.site = load_site(context.site.folder)
    searched = []
    walk, scandir = os.walk, os.scandir
    monkeypatch.setattr("os.walk", lambda place: searched.append(str(place)) or walk(place))
    monkeypatch.setattr("os.scandir", lambda place: searched.append(str(place)) or scandir(place))
    (named,) = [each for each in troubles(context) if str(outside) in each]
    assert named == f"source register may not use the folder {outside}"
    assert str(outside) not in searched


@on_sqlite
def test_a_file_that_vanishes_while_doctor_looks_is_left_out(context):
    inbox = context.site.folder / "inbox"
    (inbox / "register" / "gone.csv").symlink_to(inbox / "nowhere.csv")
    (inbox / "gone.xlsx").symlink_to(inbox / "nowhere.xlsx")
    assert not [each for each in found(context) if "gone" in each]


@on_sqlite
def test_sources_that_are_not_there_are_trouble(with_sources, monkeypatch):
    shutil.rmtree(with_sources.site.folder / "inbox" / "lapor")
    with nobody_listens() as port:
        monkeypatch.setenv("CITY_URL", f"http://127.0.0.1:{port}/open311/v2")
        missing, unset, silent = troubles(with_sources)
    assert missing.startswith("the folder of source lapor is not there: ")
    assert unset == "source desk: DESK_DATABASE_URL is not set"
    assert silent.startswith(f"source city: nobody answers at 127.0.0.1:{port} (")
    monkeypatch.setenv("DESK_DATABASE_URL", "s3cret")
    assert "source desk: DESK_DATABASE_URL is no URL" in found(with_sources)


@on_sqlite
@pytest.mark.parametrize(("day", "is_said"), [("2026-11-25", True), ("2026-11-24", False)])
def test_a_first_watched_day_in_the_future_is_said(context, day, is_said):
    file = context.site.folder / "site.toml"
    file.write_text(f"since = {day}\n{file.read_text('utf-8')}", encoding="utf-8")
    notes = list(site_files.first_watched_day(load_site(file.parent), NOW))
    assert [each.what.partition(", ")[0] for each in notes] == [
        f"no complaint is watched: `since` is {day}"
    ] * is_said
    assert_indonesian(*(each.what for each in notes), *(each.remedy for each in notes))


@on_sqlite
def test_a_history_with_a_unit_that_no_assignment_names_is_said(context):
    """Its column of the unit is mapped, and gives no complaint to a unit."""
    file = context.site.folder / "sources.toml"
    text = re.sub(r'\nunit = "Unit( Pengganti)?"(?=\n)', "", file.read_text("utf-8"))
    text = text.replace("[register.fields]\n", '[register.fields]\nunit = "Unit"\n')
    file.write_text(text, encoding="utf-8")
    (found,) = site_files.sources_without_unit(load_site(file.parent))
    assert found.what.startswith("source register has no column of the responsible unit")


@pytest.mark.parametrize(
    ("flags", "free", "remedy"),
    [
        (os.ST_RDONLY, 9, "its disk can only be read: look whether it is damaged"),
        (0, 0, "its disk is full: make room on it"),
        (0, 9, "check [database] in site.toml"),
    ],
)
@on_sqlite
def test_a_database_that_gives_an_error_has_the_remedy_for_its_disk(
    context, monkeypatch, flags, free, remedy
):
    def refused(*_: object, **__: object) -> None:
        raise OperationalError("SELECT", {}, Exception("unable to open database file"))

    disk = SimpleNamespace(f_flag=flags, f_bavail=free)
    monkeypatch.setattr("tasks.monitoring.health.database.reading", refused)
    monkeypatch.setattr("os.statvfs", lambda _: disk)
    (unusable,) = database.database(context.site, NOW, clock=False)
    assert unusable.remedy.startswith(remedy)


@on_sqlite
def test_a_disk_that_is_nearly_full_is_trouble(context):
    file = context.site.folder / "site.toml"
    text = file.read_text("utf-8").replace("disk_free_mb = 1000", "disk_free_mb = 1000000000")
    file.write_text(text, encoding="utf-8")
    context.site = load_site(context.site.folder)
    told = troubles(context)
    assert told
    assert all("are left for" in trouble for trouble in told)


@pytest.mark.thorough
def test_a_database_that_every_user_may_read_is_a_note(tmp_path, site_folder, monkeypatch):
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "var"))
    context = SiteContext.open(site_folder)
    kept = tmp_path / "var" / "tenggat.db"
    kept.chmod(0o644)
    assert not [what for what in found(context) if what.startswith("every user")]
    kept.parent.chmod(0o755)  # as made by another
    assert found(context)[f"every user of the machine may read {kept}"][0] == "note"
    (kept.parent / "mailbox").mkdir(mode=0o755)
    (kept.parent / "logs").mkdir(mode=0o755)
    (kept.parent / "prefect").mkdir(mode=0o700)
    told = f"every user of the machine may look into mailbox, logs in {kept.parent}"
    assert found(context)[told] == ("note", f"chmod o= {kept.parent}")
    kept.parent.chmod(0o750)
    assert not [what for what in found(context) if what.startswith("every user")]
    context.close()


@pytest.mark.thorough
@on_sqlite
def test_a_site_s_folder_that_every_user_may_reach_is_a_note(context, monkeypatch):
    folder = context.site.folder
    told = f"every user of the machine may read the site's folder {folder}"
    folder.chmod(0o755)
    assert told not in found(context)  # a folder above it is closed
    monkeypatch.setattr("tasks.monitoring.health.host._reachable", lambda folder: True)
    assert found(context)[told] == ("note", f"chmod o= {folder}")
    folder.chmod(0o750)
    assert told not in found(context)


@on_sqlite
def test_a_login_of_the_ui_that_every_user_may_read_is_a_note(context):
    file = context.site.var / "prefect" / "login"
    file.parent.mkdir(mode=0o755)
    file.write_text("tenggat:known", "utf-8")
    for mode, expected in ((0o644, True), (0o600, False)):
        file.chmod(mode)
        assert (f"every user of the machine may read {file}" in found(context)) == expected


@ON_SQLITE_FIRST
def test_missing_triggers_of_the_audit_are_trouble(context):
    drop = {"sqlite": "DROP TRIGGER audit_head_not_put_back"}
    drop["postgresql"] = drop["sqlite"] + " ON audit_head"
    with context.transaction() as session:
        session.execute(text(drop[session.get_bind().dialect.name]))
    gone = "the database no longer protects the audit: audit_head_not_put_back gone or disabled"
    assert gone in troubles(context)


@on_sqlite
def test_backups_elsewhere_that_every_user_may_read_are_a_note(context, tmp_path):
    context.site.backups = tmp_path / "disk"
    context.site.backups.mkdir(mode=0o700)
    assert not [what for what in found(context) if "the backups in" in what]
    context.site.backups.chmod(0o755)
    told = f"every user of the machine may look into the backups in {context.site.backups}"
    assert found(context)[told] == ("note", f"chmod o= {context.site.backups}")


def with_line(context: SiteContext, section: str, line: str) -> SiteContext:
    """The site with another line at the head of a section of site.toml."""
    key = line.partition(" =")[0]
    file = context.site.folder / "site.toml"
    kept = [old for old in file.read_text("utf-8").splitlines() if not old.startswith(f"{key} =")]
    kept.insert(kept.index(next(old for old in kept if old.startswith(f"[{section}]"))) + 1, line)
    file.write_text("\n".join(kept) + "\n", encoding="utf-8")
    context.site = load_site(context.site.folder)
    return context


@pytest.mark.thorough
@on_sqlite
def test_a_schedule_with_longer_gaps_than_a_silence_is_a_note(context):
    """The 30 minutes after which delivery is silent, and a mail server that sleeps at night."""
    assert not [what for what in found(context) if "by its schedule" in what]
    context = with_line(context, "schedules", 'delivery = "*/5 7-17 * * 1-5"')
    told = (
        "by its schedule delivery does not run from 2026-11-27 17:55 to 2026-11-30 07:00,"
        " and after 30 minutes [watch] calls it silent"
    )
    remedy = "give silent_minutes.delivery in site.toml 3725, or let it run more often"
    assert found(context)[told] == ("note", remedy)
    context = with_line(context, "watch", "silent_minutes = { delivery = 3725 }")
    assert not [what for what in found(context) if "by its schedule" in what]


@on_sqlite
def test_two_schedules_of_a_flow_fill_each_others_gaps(context):
    context = with_line(context, "schedules", 'deadlines = ["0 0-10 * * *", "30 12-23 * * *"]')
    assert not [what for what in found(context) if "by its schedule" in what]


@on_sqlite
def test_a_schedule_by_the_day_of_the_month_is_followed_for_two_months(context):
    context = with_line(context, "schedules", 'maintenance = "30 2 1 * *"')
    (told,) = [what for what in found(context) if "by its schedule" in what]
    assert "from 2026-12-01 02:30 to 2027-01-01 02:30" in told


@on_sqlite
def test_a_schedule_that_is_none_is_trouble(context):
    context = with_line(context, "schedules", 'intake = "every hour"')
    assert troubles(context) == ["schedules.intake: every hour cannot be read"]


# --- the command ----------------------------------------------------------------------------------


@pytest.mark.thorough
@on_sqlite
def test_its_exit_code_is_for_monitoring(context, call_tenggat):
    arguments = ("doctor", "--site", context.site.folder, "--now", "2026-11-24T08:00")
    ran(context, NOW - MINUTE)
    assert call_tenggat(*arguments)[0] == 0
    ran(context, NOW + HOUR)
    code, out, _ = call_tenggat(*arguments)
    assert code == 1
    assert (
        "  the last run was at 2026-11-24 09:00, later than now\n" in out.partition("TO DECIDE")[0]
    )
    code, out, _ = call_tenggat(*arguments, "--json")
    levels = {each["level"] for each in json.loads(out)}
    assert (code, "trouble" in levels) == (1, True)


@pytest.mark.thorough
def test_it_loads_nothing_that_takes_long(tmp_path, site_folder):
    """A second for the whole: Prefect, Typst and matplotlib would take several each.

    Nor does the watch load Prefect.
    """
    look_at = (
        "import sys, cli\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        "slow = {'prefect', 'typst', 'matplotlib', 'fastapi', 'aiosmtpd', 'trustme'}\n"
        "print(sorted(slow & sys.modules.keys()), file=sys.stderr)\n"
        "import tasks.monitoring.external_watch, cli.watch\n"
        "print('prefect' in sys.modules, file=sys.stderr)"
    )
    with running() as server:
        done = subprocess.run(
            [sys.executable, "-c", look_at, "doctor", "--site", str(site_folder)],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={
                "TENGGAT_VAR": str(tmp_path / "var"),
                "TENGGAT_MAIL_URL": server.url(),
                "TENGGAT_BOUNCES_URL": "imaps://u:p@127.0.0.1:1/INBOX",
                "PATH": "/usr/bin",
                "TENGGAT_LANG": "en",
            },
        )
    assert "answers, and offers no login" in done.stdout
    assert done.stderr.splitlines()[-2:] == ["[]", "False"]
    assert not Path(tmp_path / "var").exists()


@on_sqlite
def test_it_says_which_proxy_is_used_for_what(with_sources, open_context, monkeypatch):
    assert list(connectivity.proxies(open_context().site)) == []
    monkeypatch.setenv("TENGGAT_PING_URL", "https://hc.contoh.go.id/ping")
    monkeypatch.setenv("CITY_URL", "http://open311.contoh.go.id/v2")
    monkeypatch.setenv("HTTPS_PROXY", "http://budi:rahasia@proxy.go.id:3128")
    monkeypatch.setenv(IGNORED, "ALL_PROXY")
    findings = list(connectivity.proxies(open_context().site))
    assert [(finding.level, finding.what) for finding in findings] == [
        (
            "trouble",
            "ALL_PROXY names a proxy that Tenggat cannot use (SOCKS, or no address); it is ignored",
        ),
        ("good", "proxy proxy.go.id:3128 (HTTPS_PROXY) for: the external monitor"),
        (
            "good",
            "without a proxy: source city, Prefect's API, this machine, mail servers, mailboxes and"
            " databases",
        ),
    ]


@on_sqlite
def test_a_proxy_that_does_not_answer_is_trouble_of_the_sources_behind_it(
    with_sources, monkeypatch
):
    monkeypatch.setenv("CITY_URL", "http://open311.contoh.go.id/v2")
    monkeypatch.setenv("DESK_DATABASE_URL", "sqlite:///desk.db")
    with running() as somebody, nobody_listens() as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        (silent,) = troubles(with_sources)
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{somebody.port}")
        said = found(with_sources)
    assert silent.startswith(
        f"source city: the proxy 127.0.0.1:{port} of HTTP_PROXY does not answer ("
    )
    assert said[
        f"source city: the proxy 127.0.0.1:{somebody.port} of HTTP_PROXY answers;"
        " open311.contoh.go.id is reached through it"
    ] == ("good", "")


def test_what_the_environment_lacks_is_said_and_stops_nothing(tmp_path, monkeypatch):
    assert [finding.level for finding in host.surroundings() if "font" in finding.what] == []
    monkeypatch.setenv("TMPDIR", str(tmp_path / "full"))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "gone"))
    monkeypatch.setattr(locale, "getpreferredencoding", lambda **_: "ISO-8859-1")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    said = {finding.what.partition(";")[0]: finding.level for finding in host.surroundings()}
    assert said == {
        f"TMPDIR {tmp_path}/full cannot be written": "note",
        f"the home folder {tmp_path}/gone cannot be written": "note",
        "the encoding of the terminal is ISO-8859-1": "note",
        "the fonts of matplotlib are missing": "trouble",
    }


def test_a_locale_without_letters_is_said_and_everything_is_in_utf_8(monkeypatch):
    what = "the locale is C; texts and files are in UTF-8 all the same"
    monkeypatch.setattr(locale, "getpreferredencoding", lambda **_: "utf-8")
    levels = {}
    for name in ("C", "C.UTF-8"):
        monkeypatch.setattr(locale, "setlocale", lambda _, name=name: name)
        levels[name] = [each.level for each in host.surroundings() if each.what == what]
    assert levels == {"C": ["good"], "C.UTF-8": []}


@ON_SQLITE_FIRST
@pytest.mark.parametrize(
    ("ui_url", "said"),
    [
        ("http://127.0.0.1:4200", True),
        ("http://127.0.0.1:4300", False),
        ("https://tenggat.kab.example", False),
    ],
)
def test_it_says_that_links_lead_to_another_port_than_the_service(context, ui_url, said):
    context.site.ui_url = ui_url
    state = {"api": "http://127.0.0.1:4300/api", "pid": 1}
    (context.site.var / "service.json").write_text(json.dumps(state), encoding="utf-8")
    what = "links in mails lead to port 4200, the Prefect UI has port 4300"
    assert (what in found(context)) is said


def test_it_says_that_the_working_files_are_not_there(site_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "vra"))
    said = {each.what: each.level for each in check(load_site(site_folder), NOW)}
    assert said[f"TENGGAT_VAR names a folder that does not exist: {tmp_path / 'vra'}"] == "note"


def test_a_server_that_is_down_is_named(site_folder, monkeypatch):
    url = "postgresql+psycopg://tenggat:s14@127.0.0.1:1/tenggat"
    monkeypatch.setenv("TENGGAT_DATABASE_URL", url)
    found = database.database(load_site(site_folder), wita("2026-11-24 08:00"), clock=False)
    (trouble,) = (one.what for one in found)
    assert trouble == "the database cannot be used (no server listens at this host and port)"
    assert_indonesian(trouble)
