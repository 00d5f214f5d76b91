"""Restore: replace the content of a database by a backup of it.

Mails still queued in a backup may have been sent after it was made. Therefore the same database
change also holds all queued mails and records the restore. If a process dies during a restore, the
database is either unchanged or sends nothing by itself.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, inspect, make_url
from sqlalchemy.orm import Session

from db.backup import pg_tools
from db.backup.archive import BackupError, contents, fsync, unpacked
from db.backup.create import backup, connect
from db.backup.pg_tools import BY_ITSELF, quoted
from db.engine import one_state, open_engine
from db.installation.record import copy_mark, copy_refusal, release
from db.lives import MessageStatus, statuses_before
from db.migrate import migrate
from db.migrations.revisions import MIGRATIONS, newest_revision
from db.models import InstallationRow
from db.private_dirs import make_private, not_ours

_KINDS = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}

_BEFORE = ", ".join(f"'{status}'" for status in statuses_before(MessageStatus.HELD))

_SUSPEND = (
    "UPDATE {message} SET status = 'held', claim = NULL, claimed_at = NULL"
    " WHERE status IN ({before})"
)
"""Hold all unsent mails. Valid in every revision: these names are as old as the database."""

_NOTE = "INSERT INTO {restore} (restored_at, backup) VALUES ('{now}', '{backup}')"


@dataclass(frozen=True, slots=True)
class Restored:
    """Result of a restore: the revision of the backup, and the path of the replaced data."""

    revision: str
    replaced: Path | None


def restore(
    path: Path, url: str, folder: Path, now: datetime, *, lock: Path, force: bool = False
) -> Restored:
    """Replace the database at `url` by the content of the backup `path`, at the newest revision.

    Its unsent mails are held, and nothing is sent automatically (see
    `tasks.notifications.after_restore`). A database with any content is replaced only with `force`;
    it is first backed up into `folder`. A running service keeps the file `lock` locked, and so does
    this function.

    Raises :class:`BackupError` if the file is damaged, from another kind of database or from a
    newer program, if another process uses the database, and if the site has left the database for a
    copy: both could then send the same mails. The database is then unchanged.
    """
    parsed = make_url(url)
    kind = parsed.get_backend_name()
    with exclusive_access(lock):
        make_private(folder)
        beside = Path(parsed.database or "") if kind == "sqlite" else folder / "x"
        make_private(beside.parent)
        with unpacked(path, beside) as raw:
            info = contents(raw, path, None if kind == "sqlite" else parsed)
            if info.kind != kind:
                raise BackupError(
                    f"{path} is of {_KINDS[info.kind]}, the site's database is {_KINDS[kind]};"
                    " name the right one in TENGGAT_DATABASE_URL"
                )
            _check_known(path, info.revision)
            if kind == "sqlite":
                _prepare(raw, now, path.name)
                replaced = _set_aside(url, folder, now, force=force)
                _put(raw, Path(parsed.database or ""))
            else:
                there = pg_tools.server(parsed)
                _check_free(path, info.schema, there)
                replaced = _set_aside(url, folder, now, force=force)
                place = quoted(there.schema) + "."
                pg_tools.replace(there, raw, _afterwards(place, now, path.name))
                _bring_up(parsed)
    return Restored(info.revision, replaced)


@contextmanager
def exclusive_access(lock: Path) -> Iterator[None]:
    """Lock the site's working files; raises :class:`BackupError` if a service has them locked."""
    make_private(lock.parent)
    try:
        opened = lock.open("a")
    except PermissionError:
        raise BackupError(not_ours(lock)) from None
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError("the service runs; stop it first (end `tenggat up`)") from None
        yield


def _check_known(path: Path, revision: str) -> None:
    """Raise :class:`BackupError` if a backup is from a newer program."""
    try:
        ScriptDirectory(str(MIGRATIONS)).get_revision(revision)
    except CommandError:
        raise BackupError(
            f"{path} is of a newer Tenggat (revision {revision}; known up to"
            f" {newest_revision()}); upgrade Tenggat first, then restore"
        ) from None


def _check_free(path: Path, schema: str | None, there: pg_tools.Server) -> None:
    """Raise :class:`BackupError` if the server cannot accept this backup now."""
    if schema != there.schema:
        raise BackupError(f"{path} is of the schema {schema}, the site's is {there.schema}")
    if others := pg_tools.others(there):
        raise BackupError(
            f"other connections to the database are open ({others});"
            " stop all programs that use it, on other machines too"
        )


def _afterwards(place: str, now: datetime, name: str) -> list[str]:
    """Return the SQL statements that run together with the restore.

    They hold all unsent mails and record the restore. `place` is the quoted schema with a dot, or
    empty for SQLite.
    """
    moment = now.astimezone(UTC)
    note = _NOTE.format(
        restore=f"{place}restore",
        now=f"{moment:%Y-%m-%d %H:%M:%S.%f}" + ("+00" if place else ""),
        backup=name[:255].replace("'", "''"),
    )
    return [_SUSPEND.format(message=f"{place}message", before=_BEFORE), note]


def _prepare(raw: Path, now: datetime, name: str) -> None:
    """Turn an unpacked SQLite copy into the final database, before the present one is changed."""
    url = URL.create("sqlite", database=str(raw))
    with closing(sqlite3.connect(raw)) as connection, connection:
        for statement in _afterwards("", now, name):
            connection.execute(statement)
    _bring_up(url)
    with closing(sqlite3.connect(raw, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # a single file, without a log file
    fsync(raw)


def _bring_up(url: URL) -> None:
    engine = open_engine(url.render_as_string(hide_password=False))
    try:
        migrate(engine)
        with Session(engine) as session, session.begin():
            release(session)  # whoever restores it goes on with it
    finally:
        engine.dispose()


def _set_aside(url: str, folder: Path, now: datetime, *, force: bool) -> Path | None:
    """Back up the data that will be replaced; None if there are no data yet.

    Raises :class:`BackupError` if data would be replaced without `force`.
    """
    parsed = make_url(url)
    database = Path(parsed.database or "")
    on_sqlite = parsed.get_backend_name() == "sqlite"
    if on_sqlite and not database.exists():
        return None
    if on_sqlite and not _is_whole(database):
        if not force:
            raise BackupError(f"{database} is damaged; with --force it is set aside and replaced")
        return _damaged(database, folder, now)
    _check_not_left(url)
    if not _holds_anything(parsed):
        return None
    if not force:
        raise BackupError("the database is not empty; with --force it is backed up and replaced")
    return backup(url, folder, now, "before-restore")


def _check_not_left(url: str) -> None:
    """Raise :class:`BackupError` if the site has left this database, or its copy did not end."""
    engine = open_engine(url)
    try:
        with one_state(engine) as connection, Session(connection) as session:
            known = inspect(connection).has_table(InstallationRow.__tablename__)
            mark = copy_mark(session) if known else None
            if mark is not None:
                raise BackupError(copy_refusal(mark))
    finally:
        engine.dispose()


def _is_whole(database: Path) -> bool:
    """Check the integrity of a SQLite database.

    Raises :class:`BackupError` if the database cannot be read now: then its integrity is unknown.
    """
    try:
        with closing(connect(database)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.OperationalError as error:  # locked, or a disk error: the integrity is unknown
        raise BackupError(f"{database} cannot be read ({error})") from None
    except sqlite3.DatabaseError:
        return False


def _holds_anything(url: URL) -> bool:
    """Check whether any table has a row, not counting the tables in `BY_ITSELF`."""
    if url.get_backend_name() != "sqlite":
        return pg_tools.holds_anything(pg_tools.server(url))
    with closing(connect(Path(url.database or ""))) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return any(
            connection.execute(f"SELECT 1 FROM {quoted(table)} LIMIT 1").fetchone()  # noqa: S608
            for (table,) in tables.fetchall()
            if table not in BY_ITSELF
        )


def _damaged(database: Path, folder: Path, now: datetime) -> Path:
    """Move a damaged SQLite database to a folder for later inspection."""
    aside = folder / f"damaged-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    aside.mkdir(mode=0o700)
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{database}{suffix}").rename(aside / f"{database.name}{suffix}")
    return aside


def _put(raw: Path, database: Path) -> None:
    """Replace the present SQLite database by the prepared one.

    Raises :class:`BackupError` if another process uses it.
    """
    if database.exists():
        with closing(sqlite3.connect(database, timeout=5, isolation_level=None)) as connection:
            try:  # its log must not be applied to the new file; fails if others have it open
                mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
            except sqlite3.OperationalError:
                mode = "wal"
        if mode != "delete":
            raise BackupError(f"another process uses {database}; stop it first")
        had = database.stat()
        raw.chmod(had.st_mode & 0o777)
        with suppress(OSError):  # only root may change the owner of a file
            os.chown(raw, had.st_uid, had.st_gid)
    os.replace(raw, database)  # noqa: PTH105 - the name states the replacement
    fsync(database.parent)
