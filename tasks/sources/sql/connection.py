"""Connect read-only to another system's database, with the URL of the environment."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from settings.sources import SqlSource
from tasks.sources.base import SourceError
from tasks.sources.sql.errors import UnconvertibleError, cause, is_unconvertible

_DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "sqlite": "sqlite",
}

FETCH = 1_000
"""Number of rows fetched from the server at once."""


@contextmanager
def explained(name: str, source: SqlSource) -> Iterator[None]:
    """Replace errors of the database by our own text: its own may repeat a row or a password."""
    try:
        yield
    except DBAPIError as error:
        if is_unconvertible(error):
            raise UnconvertibleError(cause(error, source)) from None
        raise SourceError(f"{name}: {cause(error, source)}") from None
    except (SQLAlchemyError, ValueError, OverflowError, ImportError) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(
            f"{name}: a row cannot be read; convert its columns in the query"
        ) from None


@contextmanager
def reading(site: Path, name: str, source: SqlSource) -> Iterator[Connection]:
    """Open a read-only transaction."""
    engine = _engine(site, name, source)
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                from tasks.sources.sql.postgresql_times import keep_unconverted  # noqa: PLC0415 - only for this database

                keep_unconverted(connection.connection.dbapi_connection)
            for statement in _read_only(connection.dialect.name, source):
                connection.exec_driver_sql(statement)
            connection.execution_options(stream_results=True, yield_per=min(source.batch, FETCH))
            yield connection
    finally:
        engine.dispose()


def _read_only(dialect: str, source: SqlSource) -> tuple[str, ...]:
    if dialect == "postgresql":
        milliseconds = int(source.timeout_seconds * 1000)
        return (
            "SET TRANSACTION READ ONLY",
            f"SET LOCAL statement_timeout = {milliseconds}",
            "SET LOCAL TIME ZONE 'UTC'",
        )
    if dialect == "sqlite":
        return ("PRAGMA query_only = ON",)
    return ("START TRANSACTION READ ONLY",)


def _engine(folder: Path, name: str, source: SqlSource) -> Engine:
    variable = source.url_variable
    value = os.environ.get(variable, "").strip()
    if not value:
        raise SourceError(f"{name}: {variable} is not set; it holds the URL of the database")
    try:
        url = make_url(value)
        driver = _DRIVERS.get(url.get_backend_name())
    except (SQLAlchemyError, ValueError):  # the error's text may repeat the password
        driver = None
    if driver is None:
        raise SourceError(
            f"{name}: {variable} must be postgresql://user:password@host/database, mysql://... or"
            " sqlite:///file; write / # ? @ : and % of a password as %2F %23 %3F %40 %3A %25"
        )
    if driver == "sqlite":
        return create_engine(
            "sqlite://",
            creator=_sqlite(folder, name, url, source),
            poolclass=NullPool,
            hide_parameters=True,
        )
    return create_engine(
        url.set(drivername=driver),
        connect_args=_patience(driver, source),
        poolclass=NullPool,
        hide_parameters=True,
    )


def _patience(driver: str, source: SqlSource) -> dict[str, Any]:
    seconds = max(int(source.timeout_seconds), 1)
    connecting = min(seconds, 30)
    if driver.startswith("mysql"):
        return {
            "connect_timeout": connecting,
            "read_timeout": seconds,
            "write_timeout": seconds,
        }
    return {"connect_timeout": connecting, "tcp_user_timeout": seconds * 1000}


def _sqlite(
    folder: Path, name: str, url: URL, source: SqlSource
) -> Callable[[], sqlite3.Connection]:
    """Return a function opening the file of a SQLite URL read-only (relative to the site)."""
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise SourceError(f"{name}: {source.url_variable} must name a file: sqlite:///file")
    path = folder / url.database
    if not path.is_file():
        raise SourceError(f"{name}: the file of {source.url_variable} does not exist")

    def connect() -> sqlite3.Connection:
        place = f"file:{quote(str(path.absolute()))}?mode=ro"
        connection = sqlite3.connect(place, uri=True, timeout=source.timeout_seconds)
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        return connection

    return connect
