"""Connections to the database, with the same behaviour on SQLite and PostgreSQL."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    NullPool,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError

from db.migrations.revisions import newest_revision, revision
from db.private_dirs import make_private
from sla.error_text import first_line


class NotReady(ValueError):
    """The database is not usable in its present state. The message says how to correct this."""


class DamagedDatabase(NotReady, SQLAlchemyError):
    """The file of a SQLite database is damaged. Another try does not help.

    `unlike` means that nothing in the file looks like a database; its name may be wrong.
    """

    def __init__(self, file: Path, *, unlike: bool = False) -> None:
        self.unlike = unlike
        remedy = "stop the service and restore a backup: `tenggat restore FILE --force`"
        if unlike:
            super().__init__(
                f"the database {file} is damaged, or its name is wrong; check [database] in"
                f" site.toml or TENGGAT_DATABASE_URL; if the name is right, {remedy}"
            )
        else:
            super().__init__(f"the database {file} is damaged; {remedy}")


DAMAGES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""SQLite's codes for `database disk image is malformed` and `file is not a database`."""


def open_engine(url: str, *, patience: int | None = None) -> Engine:
    """Create an engine for this SQLAlchemy URL.

    `patience` is a time limit in seconds for callers that cannot wait as long as the network does.
    It limits the connection attempt. On SQLite it limits the wait for another writer (default: one
    minute).

    On SQLite the engine waits for other writers, checks foreign keys and uses a write-ahead log.
    Each transaction takes the write lock when it begins, so that two concurrent runs queue instead
    of failing half-way. On PostgreSQL the session uses UTC, in which the last moment of the year
    9999 is still readable. Errors do not repeat the values of a statement: they may be a
    complainant's.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        within = {} if patience is None else {"connect_timeout": patience}
        engine = create_engine(
            parsed, pool_pre_ping=True, connect_args=within, hide_parameters=True
        )

        @event.listens_for(engine, "connect")
        def _speak_utc(connection: Any, _record: Any) -> None:
            connection.execute("SET TIME ZONE 'UTC'")
            connection.commit()

        @event.listens_for(engine, "do_executemany")
        def _copy(cursor: Any, statement: str, rows: Any, _context: Any) -> bool:
            return _copied(cursor, statement, rows)

        @event.listens_for(engine, "handle_error")
        def _hide_row(context: ExceptionContext) -> None:
            _without_detail(context)

        return engine
    if parsed.database:
        make_private(Path(parsed.database).parent)
    engine = create_engine(parsed, connect_args={"timeout": patience or 60}, hide_parameters=True)
    _recognize_damage(engine, parsed)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # stop the driver from beginning transactions itself
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "cache_size=-65536",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        reads_only = connection.get_execution_options().get(READS_ONLY)
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")

    return engine


COPY = "COPY "
"""The begin of a statement that sends many rows to PostgreSQL at once."""


def _copied(cursor: Any, statement: str, rows: Iterable[Sequence[Any]]) -> bool:
    """Send the rows of a COPY statement; return False for any other statement, still to execute."""
    if not statement.startswith(COPY):
        return False
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
    return True


READS_ONLY = "reads_only"


@contextmanager
def one_state(engine: Engine) -> Iterator[Connection]:
    """Open a connection for reading in one unchanging state of the database.

    Writers do not wait for it, and it does not wait for writers.
    """
    if engine.dialect.name != "sqlite":
        options: dict[str, Any] = {
            "isolation_level": "REPEATABLE READ",
            "postgresql_readonly": True,
        }
        with engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection
        return
    with engine.connect().execution_options(**{READS_ONLY: True}) as connection, connection.begin():
        connection.exec_driver_sql("PRAGMA query_only=ON")
        try:
            yield connection
        finally:
            connection.exec_driver_sql("PRAGMA query_only=OFF")


@contextmanager
def reading(url: str, *, patience: int | None = None) -> Iterator[Connection]:
    """Open a site's database for reading in one state: no writes, and writers do not wait.

    `patience` is as in :func:`open_engine`. Raises :class:`NotReady` if the database is missing or
    not at the newest revision.
    """
    parsed = make_url(url)
    on_sqlite = parsed.get_backend_name() == "sqlite"
    if on_sqlite and not (parsed.database and Path(parsed.database).is_file()):
        raise NotReady(f"no database at {parsed.database}; `tenggat run` makes it, run it first")
    engine = _reader(parsed) if on_sqlite else open_engine(url, patience=patience)
    try:
        with one_state(engine) as connection:
            found, newest = revision(connection), newest_revision()
            if found != newest:
                what = "is empty" if found is None else f"is at revision {found}, not {newest}"
                raise NotReady(f"the database {what}; `tenggat run` brings it up to date first")
            yield connection
    finally:
        engine.dispose()


def _reader(url: URL) -> Engine:
    """Create a SQLite engine that opens the file in a writable mode, but prevents changes.

    A connection without write access would leave its log file behind. `query_only` prevents
    changes.
    """

    def connect() -> sqlite3.Connection:
        place = f"file:{quote(str(Path(url.database or '').absolute()))}?mode=rw"
        connection = sqlite3.connect(place, uri=True, timeout=60, isolation_level=None)
        connection.execute("PRAGMA query_only=ON")
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)
    _recognize_damage(engine, url)

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _recognize_damage(engine: Engine, url: URL) -> None:
    """Let a SQLite engine raise :class:`DamagedDatabase` if its file is damaged."""

    @event.listens_for(engine, "handle_error")
    def _tell(context: ExceptionContext) -> None:
        code = getattr(context.original_exception, "sqlite_errorcode", 0) & 0xFF
        if code in DAMAGES:  # the higher bits say where the damage is
            unlike = code == sqlite3.SQLITE_NOTADB
            raise DamagedDatabase(Path(url.database or ""), unlike=unlike)


def is_whole(connection: Connection, seconds: float) -> bool:
    """Check the integrity of a SQLite database; a check that takes longer finds nothing.

    PostgreSQL has no such check, so its database counts as whole.
    """
    if connection.dialect.name != "sqlite":
        return True
    driver = cast(sqlite3.Connection, connection.connection.driver_connection)
    until = time.monotonic() + seconds
    driver.set_progress_handler(lambda: time.monotonic() > until, 100_000)
    try:
        return bool(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() == "ok")
    except OperationalError:  # interrupted
        return True
    finally:
        driver.set_progress_handler(None, 0)


def _without_detail(context: ExceptionContext) -> None:
    """Raise a database error without its DETAIL: PostgreSQL repeats the failing row in it."""
    found, original = context.sqlalchemy_exception, context.original_exception
    text = str(original)
    if isinstance(found, DBAPIError) and "DETAIL:" in text:
        original.args = (text.partition("DETAIL:")[0].strip(),)
        raise type(found)(found.statement, None, original, hide_parameters=True)


_SERVER_SAYS = {
    r'password authentication failed|role "[^"]*" does not exist|no password supplied': (
        "the server does not accept the user or the password"
    ),
    r'database "([^"]*)" does not exist': "the server has no database {0}",
    r"failed to resolve host|could not translate host name": (
        "no server has the name in the URL; a sign of the password may split the URL: write @ as"
        " %40, / as %2F, # as %23, ? as %3F"
    ),
    r"Connection refused": "no server listens at this host and port",
    r"timeout expired|timed out|No route to host|Network is unreachable": (
        "the server does not answer in time"
    ),
    r"too many (?:clients|connections)|remaining connection slots": (
        "the server accepts no more connections"
    ),
    r"No space left on device": "the disk of the server is full",
}
"""Patterns of errors of PostgreSQL, and what they mean. The second half of a password may be the
host in the original text."""


def database_reason(error: Exception) -> str:
    """Return the reason of a database error in one line, without a part of the URL's password."""
    if isinstance(error, ArgumentError):
        return (
            "this is no URL of a database; write sqlite:///FILE or"
            " postgresql+psycopg://user:password@host/database"
        )
    text = str(getattr(error, "orig", None) or error)
    for pattern, meaning in _SERVER_SAYS.items():
        if found := re.search(pattern, text):
            return meaning.format(*found.groups())
    return first_line(text) or type(error).__name__
