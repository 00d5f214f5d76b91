"""Restore: a database becomes again what a backup of it holds.

What a backup owes may have been sent since it was made. So the same change of the database that
puts it back also holds up everything that it owes, and notes that it was put back; a process that
dies in between leaves either the database that was or one that sends nothing by itself.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, make_url

from db import postgres_dump
from db.backups import backup, connect
from db.copies import BackupError, contents, fsync, unpacked
from db.engine import MIGRATIONS, migrate, newest_revision, open_engine
from db.folders import make_private
from db.postgres_dump import BY_ITSELF, quoted
from db.runs import RESTORE

_KINDS = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}

_SUSPEND = (
    "UPDATE {message} SET status = 'held', claim = NULL, claimed_at = NULL"
    " WHERE status IN ('queued', 'sending')"
)
"""True in every revision: the names are as old as the database."""

_NOTE = "INSERT INTO {run} (id, flow, now, counts) VALUES ('{id}', '{flow}', '{now}', '{counts}')"


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back: the backup's revision, and where that which it replaced is kept."""

    revision: str
    replaced: Path | None


def restore(
    path: Path, url: str, folder: Path, now: datetime, *, lock: Path, force: bool = False
) -> Restored:
    """Make the database at `url` what the backup `path` holds, at the newest revision.

    Mails that it owes are held up and nothing is sent by itself (see `tasks.restoring`). A database
    that holds anything is replaced only with `force`, and is first backed up into `folder`. `lock`
    is held by a running service and, meanwhile, by this. Raises :class:`BackupError`, with the
    database as it was, where the file is damaged, of another kind of database or of a newer
    program, and where anybody else works with the database.
    """
    parsed = make_url(url)
    kind = parsed.get_backend_name()
    with alone(lock):
        make_private(folder)
        beside = Path(parsed.database or "") if kind == "sqlite" else folder / "x"
        make_private(beside.parent)
        with unpacked(path, beside) as raw:
            held = contents(raw, path, None if kind == "sqlite" else parsed)
            if held.kind != kind:
                raise BackupError(
                    f"{path} is of {_KINDS[held.kind]}, the site's database is {_KINDS[kind]};"
                    " name the right one in TENGGAT_DATABASE_URL"
                )
            _check_known(path, held.revision)
            if kind == "sqlite":
                _prepare(raw, now, path.name)
                replaced = _set_aside(url, folder, now, force=force)
                _put(raw, Path(parsed.database or ""))
            else:
                there = postgres_dump.server(parsed)
                _check_free(path, held.schema, there)
                replaced = _set_aside(url, folder, now, force=force)
                place = quoted(there.schema) + "."
                postgres_dump.replace(there, raw, _afterwards(place, now, path.name))
                _bring_up(parsed)
    return Restored(held.revision, replaced)


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Hold the site's working files against a service, or find that one holds them."""
    make_private(lock.parent)
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError("the service runs; stop it first (`tenggat up`)") from None
        yield


def _check_known(path: Path, revision: str) -> None:
    """Raise where a backup is of a newer program than this."""
    try:
        ScriptDirectory(str(MIGRATIONS)).get_revision(revision)
    except CommandError:
        raise BackupError(
            f"{path} is of a newer Tenggat (revision {revision}, known is up to"
            f" {newest_revision()}); upgrade Tenggat first, then restore"
        ) from None


def _check_free(path: Path, schema: str | None, there: postgres_dump.Server) -> None:
    """Raise where a server cannot take a backup now."""
    if schema != there.schema:
        raise BackupError(f"{path} is of the schema {schema}, the site's is {there.schema}")
    if others := postgres_dump.others(there):
        raise BackupError(
            f"other connections to the database are open ({others}); end what works with it,"
            " on other machines too"
        )


def _afterwards(place: str, now: datetime, name: str) -> list[str]:
    """What is changed together with the restore: nothing is owed any more, and a note of it."""
    moment = now.astimezone(UTC)
    note = _NOTE.format(
        run=f"{place}run",
        id=f"{RESTORE} {moment:%Y-%m-%dT%H:%M:%SZ}",
        flow=RESTORE,
        now=f"{moment:%Y-%m-%d %H:%M:%S.%f}" + ("+00" if place else ""),
        counts=json.dumps({"backup": name}).replace("'", "''"),
    )
    return [_SUSPEND.format(message=f"{place}message"), note]


def _prepare(raw: Path, now: datetime, name: str) -> None:
    """Make a copy of SQLite what the database is to be, before anything of that is touched."""
    url = URL.create("sqlite", database=str(raw))
    with closing(sqlite3.connect(raw)) as connection, connection:
        for statement in _afterwards("", now, name):
            connection.execute(statement)
    _bring_up(url)
    with closing(sqlite3.connect(raw, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # one file, with no log beside it
    fsync(raw)


def _bring_up(url: URL) -> None:
    engine = open_engine(url.render_as_string(hide_password=False))
    try:
        migrate(engine)
    finally:
        engine.dispose()


def _set_aside(url: str, folder: Path, now: datetime, *, force: bool) -> Path | None:
    """Back up what is to be replaced; None where nothing is there."""
    parsed = make_url(url)
    database = Path(parsed.database or "")
    on_sqlite = parsed.get_backend_name() == "sqlite"
    if on_sqlite and not database.exists():
        return None
    if on_sqlite and not _is_whole(database):
        if not force:
            raise BackupError(f"{database} is damaged; with --force it is set aside and replaced")
        return _damaged(database, folder, now)
    if not _holds_anything(parsed):
        return None
    if not force:
        raise BackupError("the database holds something; with --force it is backed up and replaced")
    return backup(url, folder, now, "before-restore")


def _is_whole(database: Path) -> bool:
    """Whether SQLite finds nothing wrong with a database."""
    try:
        with closing(connect(database)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.OperationalError as error:  # locked, or the disk: that tells nothing
        raise BackupError(f"{database} cannot be read ({error})") from None
    except sqlite3.DatabaseError:
        return False


def _holds_anything(url: URL) -> bool:
    """Whether any table has a row, but for the one that tells the revision."""
    if url.get_backend_name() != "sqlite":
        return postgres_dump.holds_anything(postgres_dump.server(url))
    with closing(connect(Path(url.database or ""))) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return any(
            connection.execute(f"SELECT 1 FROM {quoted(table)} LIMIT 1").fetchone()  # noqa: S608
            for (table,) in tables.fetchall()
            if table not in BY_ITSELF
        )


def _damaged(database: Path, folder: Path, now: datetime) -> Path:
    """Move a database of SQLite that cannot be copied to where somebody may look at it."""
    aside = folder / f"damaged-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    aside.mkdir(mode=0o700)
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{database}{suffix}").rename(aside / f"{database.name}{suffix}")
    return aside


def _put(raw: Path, database: Path) -> None:
    """Put a prepared database of SQLite in the place of the one that is there."""
    if database.exists():
        with closing(sqlite3.connect(database, timeout=5, isolation_level=None)) as connection:
            try:  # its log must not meet the new one; this says no where another has it open
                mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
            except sqlite3.OperationalError:
                mode = "wal"
        if mode != "delete":
            raise BackupError(f"another process works with {database}; end it first")
        had = database.stat()
        raw.chmod(had.st_mode & 0o777)
        with suppress(OSError):  # only root may give a file to another
            os.chown(raw, had.st_uid, had.st_gid)
    os.replace(raw, database)  # noqa: PTH105 - says that it replaces
    fsync(database.parent)
