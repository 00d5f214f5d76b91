"""Connections to the database, alike on SQLite and PostgreSQL."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    NullPool,
    create_engine,
    event,
    inspect,
    make_url,
    text,
)
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.schema import CreateSchema

from db.folders import make_private

MIGRATIONS = Path(__file__).parent / "migrations"


class NotReady(ValueError):
    """A database cannot be read as it is; the message says what to do."""


def open_engine(url: str, *, patience: int | None = None) -> Engine:
    """An engine for this SQLAlchemy URL.

    `patience` is in how many seconds it must be reached, for those who cannot wait as long as the
    network does: connected to, or, on SQLite, given up by another writer (else after a minute).

    SQLite waits for other writers, keeps foreign keys and a write-ahead log, and begins each
    transaction as a writer, so that two runs at once queue up instead of failing half-way.
    PostgreSQL speaks UTC, in which the last moment of the year 9999 can still be read. An error
    does not repeat the values of its statement: they may be a complainant's.
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

        @event.listens_for(engine, "handle_error")
        def _hide_row(context: ExceptionContext) -> None:
            _without_detail(context)

        return engine
    if parsed.database:
        make_private(Path(parsed.database).parent)
    engine = create_engine(parsed, connect_args={"timeout": patience or 60}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver shall not begin on its own
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536"
        ):  # fmt: skip
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        reads_only = connection.get_execution_options().get(READS_ONLY)
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")

    return engine


READS_ONLY = "reads_only"


@contextmanager
def one_state(engine: Engine) -> Iterator[Connection]:
    """The database in one state of it, for as long as it takes to read: nobody waits meanwhile."""
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
    """A site's database, to be read in one state of it: nothing is written and nobody waits.

    `patience` is as in :func:`open_engine`. Raises :class:`NotReady` where it is not there or not
    at the newest revision.
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
    """SQLite's way: a connection that may write, or it would leave its log behind, and does not."""

    def connect() -> sqlite3.Connection:
        place = f"file:{quote(str(Path(url.database or '').absolute()))}?mode=rw"
        connection = sqlite3.connect(place, uri=True, timeout=60, isolation_level=None)
        connection.execute("PRAGMA query_only=ON")
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _without_detail(context: ExceptionContext) -> None:
    """Raise a database error without its DETAIL, in which PostgreSQL repeats the failing row."""
    found, original = context.sqlalchemy_exception, context.original_exception
    text = str(original)
    if isinstance(found, DBAPIError) and "DETAIL:" in text:
        original.args = (text.partition("DETAIL:")[0].strip(),)
        raise type(found)(found.statement, None, original, hide_parameters=True)


def migrate(engine: Engine) -> None:
    """Bring the database to the newest revision; nothing happens where it is there already.

    A schema of its own that the URL names (`options=-csearch_path=...`) is made first.
    """
    _make_schema(engine.url)
    with one_state(engine) as connection:
        if revision(connection) == newest_revision():
            return
    from db.migrating import upgrade  # noqa: PLC0415 - Alembic takes a tenth of a second to load

    upgrade(engine)


def _make_schema(url: URL) -> None:
    """On a connection of its own: where a schema is missing, SQLAlchemy would never look again."""
    named = re.fullmatch(r"-csearch_path=(\w+)", str(url.query.get("options", "")))
    if named is None:
        return
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    with engine.begin() as connection:
        if not inspect(connection).has_schema(named[1]):
            try:
                connection.execute(CreateSchema(named[1], if_not_exists=True))
            except ProgrammingError as error:  # the user may not
                raise NotReady(
                    f"the schema {named[1]} is not there and cannot be made"
                    f" ({str(error.orig).partition(chr(10))[0]}); have the owner of the database"
                    f" run: CREATE SCHEMA {named[1]} AUTHORIZATION {url.username}"
                ) from None


def revision(connection: Connection) -> str | None:
    """The revision that the database is at; None where it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    at: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return at


def newest_revision() -> str:
    """The newest revision that this program knows: files of migrations begin with their own."""
    names = (file.name for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    return max(names).partition("_")[0]
