"""A database copied into another: from SQLite to PostgreSQL, back, and within a kind."""

import fcntl
import json
import signal
import subprocess
import sys
import uuid
from datetime import timedelta

import psycopg
import pytest
from conftest import REPOSITORY, wita
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from support.pipeline import (
    BREACHED,
    ESCALATED,
    EVERYWHERE,
    at,
    decide,
    deliver,
    dump,
    owe,
    register,
)
from support.site_mistakes import assert_indonesian

from db.audit import AuditActor, AuditKind
from db.audit_verify import rows, verify
from db.backup import copy_database
from db.backup.copy_database import CopyError, copy
from db.backup.create import BackupError, backup
from db.backup.restore import restore
from db.engine import NotReady, open_engine
from db.migrations.revisions import revision
from db.models import Base
from flows.run_context import flow_run_context
from service.database_upgrade import claim_database
from service.errors import ServiceError
from settings.site import load_site
from tasks.common.context import SiteContext
from tasks.monitoring.health.database import database

BY = AuditActor("a test")
NOW = "2026-11-24 12:00"
FROM_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TO_SQLITE = pytest.mark.parametrize("new_url", ["to sqlite"], indirect=True)
CROSSWISE = pytest.mark.parametrize(
    ("database_url", "new_url"),
    [("sqlite", "to postgresql"), ("postgresql", "to sqlite")],
    indirect=True,
)


def another(postgres: str) -> str:
    """A new, empty database on the PostgreSQL server."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" STRATEGY FILE_COPY')
    url = make_url(postgres).set(drivername="postgresql+psycopg", database=name)
    return url.render_as_string(hide_password=False)


@pytest.fixture(params=["to sqlite", "to postgresql"])
def new_url(request, tmp_path):
    return (
        f"sqlite:///{tmp_path}/new/tenggat.db"
        if request.param == "to sqlite"
        else another(request.getfixturevalue("postgres"))
    )


@pytest.fixture
def lived(context: SiteContext, server) -> SiteContext:
    """A site in which something of every kind has happened."""
    owe(context, BREACHED, *EVERYWHERE, at("Dinas Sosial", "FD-99", Kerahasiaan="Rahasia"))
    deliver(context, BREACHED)
    return context


def moved(context: SiteContext, new_url: str, monkeypatch) -> SiteContext:
    """The same site on the copy of its database."""
    done = copy(
        context.site.database_url, new_url, wita(NOW), BY, lock=context.site.var / "service.lock"
    )
    assert done.audit.fault is None
    monkeypatch.setenv("TENGGAT_DATABASE_URL", new_url)
    return SiteContext.open(context.site.folder)


@pytest.mark.thorough
def test_every_row_is_there_the_audit_goes_on_and_another_copy_is_refused(
    lived, new_url, monkeypatch
):
    before = dump(lived, "audit", "audit_head")
    with lived.engine.connect() as connection:
        was = verify(connection)
    lived.close()
    copied = moved(lived, new_url, monkeypatch)
    assert dump(copied, "audit", "audit_head") == before
    filled = {name for name, found in before.items() if found}
    assert {"complaint", "event", "deadline", "notice", "message", "message_item"} <= filled

    with copied.engine.connect() as connection:
        found = verify(connection, [was.head])
        newest = rows(connection, limit=1)[0]
    assert (found.fault, found.anchors, found.rows) == (None, 1, was.rows + 1)
    assert (newest["kind"], newest["actor"]) == (AuditKind.DATA_COPIED, "a test")
    assert json.loads(newest["subject"])["head"] == str(was.head)
    for statement in ("UPDATE audit SET reason = 'x'", "DELETE FROM audit"):
        with pytest.raises(DBAPIError, match="append-only"), copied.engine.begin() as connection:
            connection.execute(text(statement))

    all_of_it = dump(copied)
    with pytest.raises(CopyError, match="is not empty; name an empty one"):
        moved(lived, new_url, monkeypatch)
    assert dump(copied) == all_of_it
    copied.close()


@pytest.mark.thorough
@CROSSWISE
def test_work_goes_on_there_and_nobody_is_told_twice(lived, new_url, server, monkeypatch):
    """New rows get numbers that no copied one has: complaints, mails, notices, events."""
    sent = len(server.letters)
    assert sent > 10
    lived.close()
    copied = moved(lived, new_url, monkeypatch)
    copied.site.mail_url = server.url()
    decide(copied, "2026-11-24 13:00")
    assert deliver(copied, "2026-11-24 13:00").sent == 0
    register(copied, ESCALATED, *EVERYWHERE, at("Inspektorat", "FD-100"))
    assert decide(copied, ESCALATED).messages > 0
    assert deliver(copied, ESCALATED).sent > 0
    with copied.engine.connect() as connection:
        assert verify(connection).fault is None
    copied.close()


@CROSSWISE
def test_no_run_works_on_the_database_that_was_left(lived, new_url, monkeypatch):
    """A shell without the secrets has the old database; it would send the same mails."""
    site, old_url = lived.site, lived.site.database_url
    lived.close()
    moved(lived, new_url, monkeypatch).close()
    monkeypatch.setenv("TENGGAT_DATABASE_URL", old_url)
    with pytest.raises(NotReady) as refused, flow_run_context("intake", str(site.folder), None):
        pass
    place = make_url(new_url)
    named = place.database if "sqlite" in new_url else f"localhost/{place.database}"
    assert str(refused.value).startswith(f"this database was copied to {named} and is left")
    assert "TENGGAT_DATABASE_URL" in str(refused.value)
    assert str(refused.value).endswith("on purpose: `tenggat adopt`")
    assert_indonesian(str(refused.value))
    with pytest.raises(ServiceError, match="was copied to"):
        claim_database(load_site(site.folder), wita(NOW))
    found = {one.what: one for one in database(load_site(site.folder), wita(NOW), clock=False)}
    (trouble,) = (one for what, one in found.items() if what.startswith("this database was copied"))
    assert trouble.level == "trouble"
    assert_indonesian(trouble.what, trouble.remedy)
    with pytest.raises(CopyError, match="run `tenggat adopt` first"):
        copy(old_url, f"sqlite:///{site.var}/third.db", wita(NOW), BY, lock=site.var / "lock")


@CROSSWISE
def test_nothing_is_restored_into_the_database_that_was_left(lived, new_url, monkeypatch):
    """An administrator in a shell without the secrets would make a second database that sends."""
    site, old_url = lived.site, lived.site.database_url
    lived.close()
    before = backup(old_url, site.backups, wita(NOW))
    moved(lived, new_url, monkeypatch).close()
    after = backup(old_url, site.backups, wita(NOW) + timedelta(minutes=1))
    where = {"lock": site.var / "service.lock", "force": True}
    for path in (before, after):
        with pytest.raises(BackupError, match="was copied to") as refused:
            restore(path, old_url, site.backups, wita(NOW), **where)
        assert_indonesian(str(refused.value))
    assert usable(lived, monkeypatch, old_url, new_url) == [False, True]


@FROM_SQLITE
@TO_SQLITE
def test_a_backup_of_a_left_database_is_left_too(lived, new_url, monkeypatch, tmp_path):
    """Restored in another place, it would send what the new database sends."""
    site, old_url = lived.site, lived.site.database_url
    lived.close()
    moved(lived, new_url, monkeypatch).close()
    path = backup(old_url, site.backups, wita(NOW))
    again = f"sqlite:///{tmp_path}/again.db"
    restore(path, again, site.backups, wita(NOW), lock=site.var / "service.lock")
    assert usable(lived, monkeypatch, again, new_url) == [False, True]


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from db.audit import AuditActor
from db.backup import copy_database

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

setattr(copy_database, sys.argv[4], kill)
copy_database.copy(
    sys.argv[1], sys.argv[2], datetime.now(UTC), AuditActor("x"), lock=Path(sys.argv[3])
)
"""


def usable(context: SiteContext, monkeypatch, *urls: str) -> list[bool]:
    """Whether runs of the site work on each of these databases; doctor tells why not."""
    found = []
    for url in urls:
        monkeypatch.setenv("TENGGAT_DATABASE_URL", url)
        site = load_site(context.site.folder)
        refusal = ""
        try:
            claim_database(site, wita(NOW))
        except ServiceError as error:
            refusal = str(error)
        found.append(not refusal)
        if refusal:
            findings = database(site, wita(NOW), clock=False)
            told = next(one for one in findings if one.level == "trouble")
            assert refusal.endswith(f"{told.what}. {told.remedy}")
            assert_indonesian(told.what, told.remedy)
    return found


@CROSSWISE
@pytest.mark.parametrize(
    ("killed_at", "which"), [("leave", [True, False]), ("end_copy", [False, False])]
)
def test_killed_between_the_databases_never_both_are_usable(
    killed_at, which, lived, new_url, postgres, monkeypatch
):
    """Each would send the waiting mails."""
    old_url, lock = lived.site.database_url, lived.site.var / "service.lock"
    lived.close()
    call = [sys.executable, "-c", KILLED, old_url, new_url, str(lock), killed_at]
    assert subprocess.run(call, cwd=REPOSITORY, check=False).returncode == -signal.SIGKILL
    assert usable(lived, monkeypatch, old_url, new_url) == which
    if killed_at == "leave":  # the old one may have gone on: only a new copy has all of it
        with pytest.raises(CopyError, match="did not come to its end; name an empty") as refused:
            copy(old_url, new_url, wita(NOW), BY, lock=lock)
        assert_indonesian(str(refused.value))
        new_url = another(postgres)
    done = copy(old_url, new_url, wita(NOW), BY, lock=lock)
    assert (done.rows["complaint"], done.audit.fault) == (12, None)
    assert usable(lived, monkeypatch, old_url, new_url) == [False, True]
    with pytest.raises(CopyError, match="is not empty"):
        copy(old_url, new_url, wita(NOW), BY, lock=lock)


@FROM_SQLITE
@TO_SQLITE
def test_one_adopts_a_copy_that_did_not_end(lived, new_url, call_tenggat, monkeypatch):
    old_url, lock = lived.site.database_url, lived.site.var / "service.lock"
    lived.close()

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(copy_database, "end_copy", fail)
    with pytest.raises(OSError, match="no space"):
        copy(old_url, new_url, wita(NOW), BY, lock=lock)
    monkeypatch.setenv("TENGGAT_DATABASE_URL", new_url)
    code, out, _ = call_tenggat("adopt", "--yes", "--site", lived.site.folder)
    assert code == 0
    assert "that did not come to its end" in out
    assert usable(lived, monkeypatch, old_url, new_url) == [False, True]


@FROM_SQLITE
@TO_SQLITE
def test_one_goes_back_on_purpose(lived, new_url, call_tenggat, monkeypatch):
    site, old_url = lived.site, lived.site.database_url
    lived.close()
    moved(lived, new_url, monkeypatch).close()
    monkeypatch.setenv("TENGGAT_DATABASE_URL", old_url)
    code, out, _ = call_tenggat("adopt", "--yes", "--site", site.folder)
    assert (code, out.startswith(f"This database was copied to {make_url(new_url).database}")) == (
        0,
        True,
    )
    claim_database(load_site(site.folder), wita(NOW))


@FROM_SQLITE
def test_a_table_of_another_program_is_left_alone(lived, new_url, monkeypatch):
    lived.close()
    engine = open_engine(new_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE report (x integer)"))
    with pytest.raises(CopyError, match="a table `report` of another program"):
        moved(lived, new_url, monkeypatch)
    with engine.connect() as connection:
        assert revision(connection) is None
    engine.dispose()


def test_nothing_is_copied_onto_itself(context):
    context.close()
    url = context.site.database_url
    with pytest.raises(CopyError, match="is the one that the site uses"):
        copy(url, url, wita(NOW), BY, lock=context.site.var / "service.lock")


@FROM_SQLITE
@TO_SQLITE
def test_nothing_is_copied_while_the_service_runs(lived, new_url, monkeypatch):
    lived.close()
    lived.site.var.mkdir(exist_ok=True)
    with (lived.site.var / "service.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RuntimeError, match="the service runs; stop it first"):
            moved(lived, new_url, monkeypatch)
    moved(lived, new_url, monkeypatch).close()


@pytest.mark.thorough
@TO_SQLITE
def test_nothing_is_copied_while_anybody_works_with_it(lived, new_url, open_context, monkeypatch):
    lived.close()
    other = open_context()
    with other.transaction() as session:
        session.execute(text("SELECT count(*) FROM complaint"))
        with pytest.raises(CopyError, match=r"another process uses|other connections"):
            moved(lived, new_url, monkeypatch)
    other.close()


@pytest.mark.thorough
@FROM_SQLITE
@pytest.mark.parametrize("new_url", ["to postgresql"], indirect=True)
def test_what_the_new_database_cannot_hold_is_named_and_leaves_it_empty(
    context, new_url, monkeypatch
):
    """SQLite takes a text of any length, PostgreSQL one as long as its column."""
    register(context, BREACHED, *EVERYWHERE)
    with context.engine.begin() as connection:
        connection.execute(text("UPDATE complaint SET category = :long"), {"long": "s3cret" * 99})
    context.close()
    with pytest.raises(CopyError, match=r"complaint, rows 1 to 11: .*too long") as raised:
        moved(context, new_url, monkeypatch)
    assert "s3cret" not in str(raised.value)
    engine = open_engine(new_url)
    with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            left = connection.execute(table.select()).all()
            assert len(left) == (table.name == "audit_head"), table.name
    engine.dispose()


def test_a_database_that_is_not_there_is_named(tmp_path, postgres):
    with pytest.raises(NotReady, match=f"no database at {tmp_path}/none.db"):
        copy(f"sqlite:///{tmp_path}/none.db", another(postgres), wita(NOW), BY, lock=tmp_path / "l")


@pytest.mark.thorough
@FROM_SQLITE
def test_a_schema_of_its_own_is_made_and_filled(lived, postgres, monkeypatch):
    lived.close()
    base = another(postgres)
    copied = moved(lived, f"{base}&options=-csearch_path%3Dkab_a", monkeypatch)
    with copied.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM kab_a.complaint")) == 12
        assert connection.scalar(text("SELECT to_regclass('public.complaint')")) is None
    decide(copied, ESCALATED)
    copied.close()


@FROM_SQLITE
def test_a_wrong_target_is_blamed_and_not_the_site(lived, postgres, call_tenggat, monkeypatch):
    lived.close()
    site = ("--site", lived.site.folder)
    nowhere = make_url(postgres).set(drivername="postgresql+psycopg", database="nowhere")
    monkeypatch.setenv("TENGGAT_COPY_TO", nowhere.render_as_string(hide_password=False))
    code, _, err = call_tenggat("database", "copy", *site)
    assert code != 0
    assert "the server has no database nowhere); check TENGGAT_COPY_TO" in err
    assert "TENGGAT_DATABASE_URL" not in err


@FROM_SQLITE
@pytest.mark.parametrize("sign", ["@", "/", "#", "?"])
def test_a_password_that_splits_the_url_is_not_repeated(sign, lived, call_tenggat, monkeypatch):
    lived.close()
    url = f"postgresql+psycopg://tenggat:rah{sign}s14@localhost/tenggat"
    for variable, call in (
        ("TENGGAT_COPY_TO", ("database", "copy")),
        ("TENGGAT_DATABASE_URL", ("doctor",)),
    ):
        monkeypatch.setenv(variable, url)
        code, _, err = call_tenggat(*call, "--site", lived.site.folder)
        assert code == 2
        assert f"{variable}: a sign of the password splits the URL" in err
        assert "s14" not in err


@pytest.mark.thorough
@CROSSWISE
def test_the_command_says_what_it_did_and_what_is_to_do(lived, new_url, call_tenggat, monkeypatch):
    lived.close()
    site = ("--site", lived.site.folder)
    code, out, err = call_tenggat("database", "copy", *site)
    assert (code, out) == (2, "")
    assert "--to" in err
    assert_indonesian(err.partition("error: ")[2].partition("; see")[0])
    code, out, err = call_tenggat("database", "copy", "--to", "s3cret://x", *site)
    assert (code, out) == (2, "")
    assert "s3cret" not in err
    monkeypatch.setenv("TENGGAT_COPY_TO", new_url)
    code, out, err = call_tenggat("database", "copy", *site)
    assert (code, "copied complaint: 12 rows" in err) == (0, True)
    first, second, third, _ = out.splitlines()
    assert first.startswith("copied ")
    assert second.endswith("rows, none touched")
    assert "TENGGAT_DATABASE_URL" in third
    monkeypatch.setenv("TENGGAT_DATABASE_URL", new_url)
    code, out, _ = call_tenggat("audit", "verify", *site)
    assert (code, "none touched" in out) == (0, True)
    code, out, _ = call_tenggat("audit", "list", "--what", "data.copied", *site)
    assert "the database was copied from another" in out
