"""Restore: a database as a backup has it, and nobody told twice of what the backup knows not.

See `front_desk` for the complaints; all on SQLite and on PostgreSQL.
"""

import fcntl
import re
from datetime import timedelta
from pathlib import Path
from threading import Timer

import psycopg
import pytest
from alembic import command
from conftest import ON_BOTH, ON_SQLITE_FIRST, kind_of_database, wita
from sqlalchemy import make_url, select, text
from sqlalchemy.exc import DBAPIError
from support.pipeline import (
    BREACHED,
    EVERYWHERE,
    REMINDED,
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
from support.site_mistakes import assert_indonesian

from cli import console
from db.audit import AuditKind
from db.audit_verify import verify
from db.backup.create import BackupError, backup, backups, check
from db.backup.restore import restore
from db.engine import open_engine
from db.migrate import alembic_config, migrate
from db.migrations.revisions import newest_revision
from db.models import AuditRow, NoticeRow, Restore, Storm
from tasks.common.context import RunContext
from tasks.evaluation.notices import Audience, PendingNotice
from tasks.monitoring.health.database import database
from tasks.notifications import storms
from tasks.notifications.after_restore import finish_restores, settle


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """What is tested here hangs on no database but where a test is marked."""
    return kind_of_database(request)


THEN, NOW = "2026-11-24 09:00", "2026-11-24 12:00"
ODD = {"restore", "audit", "audit_head"}
"""Tables in which a restore itself is noted."""


def replace_database(context, path, now: str = NOW, *, force: bool = True):
    """Restore as the command does, up to the moment at which the backup is in place."""
    context.close()
    return restore(
        path,
        context.site.database_url,
        context.site.backups,
        wita(now),
        lock=context.site.var / "service.lock",
        force=force,
    )


def put_back(context, path, now: str = NOW, *, force: bool = True):
    """Restore as the command does; gives what was replaced and what was held."""
    done = replace_database(context, path, now, force=force)
    return done, settle(context, wita(now), path.name, wita(THEN))


def keep(context, now: str = THEN):
    return backup(context.site.database_url, context.site.backups, wita(now))


# --- the database ---------------------------------------------------------------------------------


@ON_BOTH
def test_everything_is_as_it_was_and_what_was_replaced_is_kept(context, server):
    owe(context, REMINDED, *EVERYWHERE)
    deliver(context, REMINDED)
    before, made = dump(context, *ODD), keep(context)
    owe(context, BREACHED, *EVERYWHERE, at("Inspektorat", "FD-99"))
    later = dump(context, *ODD)
    assert later != before
    done, settled = put_back(context, made)
    assert (dump(context, *ODD), settled.held) == (before, 0)
    assert done.replaced.name.startswith("tenggat-20261124T040000Z-before-restore")
    done, _ = put_back(context, done.replaced, "2026-11-24 12:05")
    held = {row.id for row in messages(context) if row.status == "held"}
    again = dump(context, *ODD, "message", "storm")
    assert again == {name: rows for name, rows in later.items() if name not in ("message", "storm")}
    assert held


@ON_SQLITE_FIRST
def test_after_a_restore_the_audit_still_refuses_every_change(context, server):
    """Its triggers are part of a backup, and what is appended follows on what it held."""
    owe(context, REMINDED, *EVERYWHERE)
    made = keep(context)
    put_back(context, made)
    with context.engine.connect() as connection:
        found = verify(connection)
    assert found.fault is None
    assert found.rows > len(EVERYWHERE)
    for statement in (
        "UPDATE audit SET reason = 'another'",
        "DELETE FROM audit",
        "UPDATE audit_head SET seq = 1",
        "DELETE FROM audit_head",
    ):
        with (
            pytest.raises(DBAPIError, match="the audit is append-only"),
            context.engine.begin() as c,
        ):
            c.execute(text(statement))
    owe(context, "2026-11-25 08:00", *EVERYWHERE)
    with context.engine.connect() as connection:
        again = verify(connection)
    assert again.fault is None
    assert again.rows > found.rows


@pytest.mark.thorough
def test_a_new_site_begins_with_a_backup(context, server):
    owe(context, REMINDED, *EVERYWHERE)
    deliver(context, REMINDED)
    made, before = keep(context), dump(context, *ODD)
    if context.engine.dialect.name == "sqlite":
        context.close()
        place = make_url(context.site.database_url).database
        for suffix in ("", "-wal", "-shm"):
            Path(f"{place}{suffix}").unlink(missing_ok=True)
    else:
        with context.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    done, _ = put_back(context, made, force=False)
    assert done.replaced is None
    assert dump(context, *ODD) == before


@ON_SQLITE_FIRST
def test_a_database_that_holds_something_needs_force(context):
    register(context, REMINDED, *EVERYWHERE)
    made, before = keep(context), dump(context)
    with pytest.raises(BackupError, match="with --force it is backed up and replaced"):
        put_back(context, made, force=False)
    assert dump(context) == before
    assert backups(context.site.backups) == [made]


@ON_SQLITE_FIRST
def test_nothing_is_put_back_while_the_service_runs(context):
    register(context, REMINDED, *EVERYWHERE)
    made = keep(context)
    context.site.var.mkdir(exist_ok=True)
    with (context.site.var / "service.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BackupError, match="the service runs; stop it first"):
            put_back(context, made)
    put_back(context, made)


@pytest.mark.thorough
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_connection_that_is_about_to_close_is_waited_for(context):
    """As those of a service that ended a moment ago."""
    register(context, REMINDED, *EVERYWHERE)
    made, before = keep(context), dump(context, *ODD)
    other = psycopg.connect(context.site.database_url.replace("+psycopg", ""))
    closing = Timer(0.3, other.close)
    closing.start()
    put_back(context, made)
    closing.join()
    assert dump(context, *ODD) == before


@ON_SQLITE_FIRST
def test_nothing_is_put_back_while_anybody_works_with_the_database(context, open_context):
    register(context, REMINDED, *EVERYWHERE)
    made, before, other = keep(context), dump(context), open_context()
    with other.transaction() as session:
        session.execute(text("SELECT count(*) FROM complaint"))
        with pytest.raises(BackupError, match=r"another process uses|other connections"):
            put_back(context, made)
    other.close()
    assert dump(context) == before


@ON_SQLITE_FIRST
def test_a_damaged_backup_changes_nothing(context):
    register(context, REMINDED, *EVERYWHERE)
    made, before = keep(context), dump(context)
    whole = made.read_bytes()
    for part in (whole[: len(whole) // 2], whole[:-4], b"", b"PK\3\4"):
        made.write_bytes(part)
        with pytest.raises(BackupError, match=r"damaged|not a backup of Tenggat"):
            put_back(context, made)
    assert dump(context) == before
    assert [path for path in context.site.backups.iterdir() if path != made] == []


def test_an_older_revision_is_brought_up_to_the_newest(
    empty_database_url, tmp_path, later_revision
):
    engine = open_engine(empty_database_url)
    command.upgrade(alembic_config(engine), "0002")
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO message (message_id_header, kind, recipient, recipient_name, role,"
                " created_at, run_id, status, next_attempt_at, detail) VALUES ('<1@x>', 'alert',"
                " 'a@x', 'A', 'administrator', :now, 'r', 'queued', :now, '{}')"
            ),
            {"now": "2026-11-20 00:00:00"},
        )
    engine.dispose()
    made = backup(empty_database_url, tmp_path / "kept", wita(THEN))
    engine = open_engine(empty_database_url)
    migrate(engine)
    engine.dispose()
    done = restore(
        made, empty_database_url, tmp_path / "kept", wita(NOW), lock=tmp_path / "lock", force=True
    )
    assert done.revision == "0002"
    parsed = make_url(empty_database_url)
    server = None if parsed.get_backend_name() == "sqlite" else parsed
    assert check(done.replaced, server).revision == later_revision
    engine = open_engine(empty_database_url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        message = connection.execute(text("SELECT status, later FROM message")).one()
    engine.dispose()
    assert (found, *message) == (later_revision, "held", 7)


@ON_SQLITE_FIRST
def test_a_backup_of_a_newer_program_is_refused(database_url, tmp_path):
    engine = open_engine(database_url)
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9000'"))
    engine.dispose()
    made = backup(database_url, tmp_path / "kept", wita(THEN))
    says = rf"{made.name} is of a newer Tenggat \(revision 9000; known up to {newest_revision()}"
    with pytest.raises(BackupError, match=says):
        restore(made, database_url, tmp_path / "kept", wita(NOW), lock=tmp_path / "l", force=True)


def test_a_backup_of_the_other_kind_of_database_is_refused(tmp_path, postgres):
    url = f"sqlite:///{tmp_path}/tenggat.db"
    engine = open_engine(url)
    migrate(engine)
    engine.dispose()
    made = backup(url, tmp_path / "kept", wita(THEN))
    with pytest.raises(BackupError, match=r"is of SQLite, the site's database is PostgreSQL"):
        restore(
            made,
            postgres.replace("postgresql:", "postgresql+psycopg:"),
            tmp_path / "kept",
            wita(NOW),
            lock=tmp_path / "lock",
            force=True,
        )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_damaged_database_is_set_aside(context):
    """A server keeps its own files."""
    register(context, REMINDED, *EVERYWHERE)
    made, before = keep(context), dump(context, *ODD)
    context.close()
    place = make_url(context.site.database_url).database
    with Path(place).open("r+b") as file:
        file.seek(0)
        file.write(b"\0" * 8192)
    with pytest.raises(BackupError, match="is damaged; with --force it is set aside"):
        put_back(context, made, force=False)
    done, _ = put_back(context, made)
    assert (done.replaced / "tenggat.db").is_file()
    assert dump(context, *ODD) == before


# --- the mails ------------------------------------------------------------------------------------


@pytest.mark.thorough
def test_what_was_sent_after_the_backup_is_not_sent_again(context, server):
    """Queued in the backup, sent since: the copy would bear the same Message-ID, but it is one."""
    owe(context, BREACHED, *EVERYWHERE)
    made = keep(context)
    sent = deliver(context, THEN).sent
    assert sent == len(server.letters) > 10
    _, settled = put_back(context, made)
    assert settled.held == sent
    for hour in range(13, 17):
        now = f"2026-11-24 {hour}:00"
        register(context, now, *EVERYWHERE)
        decide(context, now)
        deliver(context, now)
    told = [letter.recipient for letter in server.letters[sent:]]
    assert told == ["admin.lapor@contohkab.example"]
    assert alerts(context)[-1] == "restore_hold"
    assert set(statuses(context)) == {"held"}


@pytest.mark.thorough
@ON_BOTH
def test_what_was_decided_and_sent_after_the_backup_is_not_sent_again(context, server):
    """The backup knows nothing of it: it is decided once more, with another Message-ID."""
    register(context, "2026-11-17 08:00", *EVERYWHERE)
    made = keep(context, "2026-11-17 09:00")
    owe(context, BREACHED, *EVERYWHERE)
    sent = deliver(context, BREACHED).sent
    assert sent > 10
    _, settled = put_back(context, made)
    assert settled.held == 0
    register(context, "2026-11-24 13:00", *EVERYWHERE)
    count = decide(context, "2026-11-24 13:00")
    assert count.messages == sent
    assert count.storm is not None
    deliver(context, "2026-11-24 13:00")
    told = [letter.recipient for letter in server.letters[sent:]]
    assert told == ["admin.lapor@contohkab.example"]
    assert set(statuses(context)) == {"held"}


@pytest.mark.thorough
def test_what_comes_up_after_the_restore_goes_out_as_ever(context, server):
    register(context, "2026-11-17 08:00", *EVERYWHERE)
    made = keep(context, "2026-11-17 09:00")
    owe(context, BREACHED, *EVERYWHERE)
    deliver(context, BREACHED)
    put_back(context, made)
    owe(context, "2026-11-24 13:00", *EVERYWHERE)
    deliver(context, "2026-11-24 13:00")
    before = len(server.letters)
    new = at("Dinas Sosial", "FD-99", **since("18/11/2026"))
    owe(context, "2026-11-26 08:00", *EVERYWHERE, new)  # its breach, reached on the 26th
    assert deliver(context, "2026-11-26 08:00").sent == len(server.letters) - before > 0
    assert "held" in statuses(context)


@pytest.mark.thorough
def test_the_administrator_lets_it_go_or_drops_it(context, server):
    register(context, "2026-11-17 08:00", *EVERYWHERE)
    made = keep(context, "2026-11-17 09:00")
    for send, status in ((False, "discarded"), (True, "queued")):
        put_back(context, made)
        register(context, "2026-11-24 13:00", *EVERYWHERE)
        count = decide(context, "2026-11-24 13:00")
        storm, mails = storms.decide(context, None, wita("2026-11-24 14:00"), "a test", send=send)
        assert (storm.id, mails) == (count.storm, count.messages)
        assert set(statuses(context)) == {status}
        assert [s for _, s in notices(context) if s not in ("superseded", status)] == []
    decide(context, "2026-11-24 15:00")
    assert deliver(context, "2026-11-24 15:00").sent == count.messages + 1  # and the alert


def test_a_source_that_catches_up_late_is_held_as_well(context, server):
    put_back(context, keep(context))
    register(context, "2026-11-25 08:00", *EVERYWHERE)
    assert decide(context, "2026-11-25 08:00").storm is not None
    assert set(statuses(context)) == {"held"}


@pytest.mark.parametrize("before", [True, False])
def test_doctor_names_the_restore_and_both_answers(before, context, server):
    """Of mails queued before the backup, and of those of the lost time that come up again."""
    if before:
        owe(context, THEN, *EVERYWHERE)
    put_back(context, keep(context))
    if not before:
        register(context, "2026-11-25 08:00", *EVERYWHERE)
        decide(context, "2026-11-25 08:00")
    found = database(context.site, wita("2026-11-25 08:00"), clock=False)
    remedies = {each.what: each.remedy for each in found}
    (what,) = (each for each in remedies if " mails wait since " in each)
    hint = r"\d+ mails wait since the restore or the move of 2026-11-24 12:00; perhaps they were"
    assert re.match(hint, what)
    assert "`tenggat mail release --drop` if the recipients have them" in remedies[what]
    assert "sends them once more" in remedies[what]
    assert not any("a storm of" in each for each in remedies)
    assert_indonesian(what, remedies[what])


def test_after_a_week_nothing_is_doubtful_any_more(context):
    put_back(context, keep(context))
    reached = {hour: wita(f"2026-11-24 {hour}:00") for hour in (11, 12, 13)}
    owed = [
        PendingNotice(NoticeRow(reached_at=at), Audience(()), urgent=False)
        for at in reached.values()
    ]
    with context.transaction() as session:
        for days in (0, 7):
            run = RunContext(context, session, wita(NOW) + timedelta(days=days), "a test")
            assert storms.divided(run, owed) == (owed[:2], owed[2:])
        later = RunContext(context, session, wita(NOW) + timedelta(days=7, seconds=1), "a test")
        assert storms.divided(later, owed) == ([], owed)


def test_a_restore_that_died_before_its_mails_had_a_storm_is_made_good(context, server):
    owe(context, BREACHED, *EVERYWHERE)
    made = keep(context)
    replace_database(context, made)
    assert deliver(context, "2026-11-24 12:30").sent == 0
    held = len(messages(context))
    decide(context, "2026-11-24 13:00")
    _, mails = storms.decide(context, None, wita("2026-11-24 14:00"), "a test", send=True)
    assert mails == held


@ON_SQLITE_FIRST
def test_numbers_of_storms_in_the_lost_time_are_not_used_again(context, server):
    made = keep(context)
    put_back(context, made)
    with context.run(wita(NOW), "r") as run:
        first = storms.hold(run, 1)
        assert first.id == 100
        first.status = "released"
    with context.run(wita(NOW) + timedelta(hours=1), "r") as run:
        assert storms.hold(run, 1).id == 101


def test_files_that_were_archived_since_are_read_again(context):
    source = context.site.sources["register"].model_copy(update={"archive": "done"})
    context.site.sources["register"] = source
    first = register(context, "2026-11-17 08:00", EVERYWHERE[0])
    made = keep(context, "2026-11-17 09:00")
    second = register(context, "2026-11-18 08:00", *EVERYWHERE)
    assert not first.exists()
    assert not second.exists()
    replace_database(context, made)
    assert settle(context, wita(NOW), made.name, None).files == 2
    assert first.exists()
    assert second.exists()


@ON_SQLITE_FIRST
def test_a_restore_that_ended_before_its_last_step_is_finished_later(context):
    source = context.site.sources["register"].model_copy(update={"archive": "done"})
    context.site.sources["register"] = source
    owe(context, BREACHED, *EVERYWHERE)
    made = keep(context, "2026-11-17 09:00")
    later = register(context, "2026-11-18 08:00", *EVERYWHERE)
    replace_database(context, made)  # and the process ends here
    assert not later.exists()
    now = wita("2026-11-24 13:00")
    for _ in range(2):
        finish_restores(context, now)
        assert later.exists()
        assert alerts(context) == ["restore_hold"]
        with context.transaction() as session:
            restored = select(AuditRow.kind).where(AuditRow.kind == AuditKind.DATA_RESTORED)
            assert len(session.scalars(restored).all()) == 1
            assert session.scalars(select(Restore.settled_at)).one() == now
            assert session.scalars(select(Storm)).one().mails > 0


def test_the_next_command_finishes_a_restore(context):
    owe(context, BREACHED, *EVERYWHERE)
    made = keep(context)
    replace_database(context, made)
    with console.context_of(context.site.folder, finish=False) as opened:
        assert "restore_hold" not in alerts(opened)
    found = [finding.what for finding in database(context.site, wita(NOW), clock=False)]
    assert f"the restore of {made.name} ended before its last step" in found
    with console.context_of(context.site.folder) as opened:
        assert "restore_hold" in alerts(opened)


# --- the commands ---------------------------------------------------------------------------------


@pytest.mark.thorough
@ON_BOTH
def test_the_commands_say_what_they_did(context, server, call_tenggat, tmp_path):
    owe(context, BREACHED, *EVERYWHERE)
    context.close()
    site = ("--site", context.site.folder)
    code, said, _ = call_tenggat("backup", "--to", tmp_path / "mine", *site)
    assert code == 0
    found = re.fullmatch(r"backup made and checked: (\S+) \([\d.]+ kB\)\n", said)
    assert found
    code, _, error = call_tenggat("restore", found[1], *site)
    assert (code, error.count("\n")) == (1, 1)
    assert "with --force" in error
    code, said, _ = call_tenggat("restore", found[1], "--force", *site)
    assert code == 0
    lines = said.splitlines()
    assert lines[0] == (
        f"restored from {found[1]} (revision {newest_revision()}, now at the newest)"
    )
    assert lines[1].startswith(f"what was there before: {context.site.backups}")
    assert "queued mails are held: " in lines[2]
    assert lines[-1] == "  tenggat mail release [--drop]"
    code, said, _ = call_tenggat("mail", "release", "--drop", *site)
    assert code == 0
    assert "are dropped" in said


def test_a_file_that_is_not_there_is_said_in_one_line(context, call_tenggat, tmp_path):
    context.close()
    code, _, error = call_tenggat("restore", tmp_path / "none", "--site", context.site.folder)
    assert (code, error.count("\n")) == (1, 1)
    assert "none cannot be read" in error


@pytest.mark.thorough
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_site_in_a_schema_of_its_own_leaves_its_neighbour_alone(database_url, tmp_path):
    """SQLite knows no schemas."""
    sites = {name: f"{database_url}&options=-csearch_path%3D{name}" for name in ("kab_a", "kab_b")}
    engine = open_engine(database_url)
    for name, url in sites.items():
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {name}"))
        own = open_engine(url)
        migrate(own)
        with own.begin() as connection:
            connection.execute(text(f"INSERT INTO cursor (source, value) VALUES ('x', '{name}')"))
        own.dispose()
    made = backup(sites["kab_a"], tmp_path / "kept", wita(THEN))
    with pytest.raises(BackupError, match=r"is of the schema kab_a, the site's is kab_b"):
        restore(made, sites["kab_b"], tmp_path, wita(NOW), lock=tmp_path / "lock", force=True)
    for change in ("UPDATE kab_a.cursor SET value = 'changed'", "DROP SCHEMA kab_a CASCADE"):
        with engine.begin() as connection:
            connection.execute(text(change))
        engine.dispose()
        restore(made, sites["kab_a"], tmp_path, wita(NOW), lock=tmp_path / "lock", force=True)
        with engine.connect() as connection:
            for name in sites:
                query = text(f"SELECT value FROM {name}.cursor")
                assert connection.execute(query).scalar_one() == name
        engine.dispose()
