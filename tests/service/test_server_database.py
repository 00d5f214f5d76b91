"""The connections of Prefect's server to SQLite: they wait for a lock without SQLite's mutex."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from prefect.server.database.configurations import AioSqliteConfiguration
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError

from service import server_database
from service.server_database import WaitingConnection, wait_outside_sqlite

PATIENCE = 30.0
"""Seconds; longer than any test needs, so that a lost lock fails by its order and not by time."""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return a database with one table, in the mode of Prefect's server."""
    path = tmp_path / "prefect.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as made:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("CREATE TABLE run (name TEXT)")
    return path


def _open(path: Path) -> WaitingConnection:
    made = sqlite3.connect(
        path, timeout=0, isolation_level=None, factory=WaitingConnection, check_same_thread=False
    )
    made.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000:.0f};")
    return made


@pytest.fixture
def locked(database: Path) -> Iterator[sqlite3.Connection]:
    """Return a connection that has the write lock."""
    with closing(sqlite3.connect(database, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        holder.execute("INSERT INTO run VALUES ('first')")
        yield holder


def test_a_cursor_is_freed_while_its_connection_waits(
    database: Path, locked: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = threading.Event()
    pauses = server_database._pauses

    def _pauses() -> Iterator[float]:
        for pause in pauses():
            yield pause
            waits.set()  # asked for the next pause, so the first attempt found the lock

    monkeypatch.setattr(server_database, "_pauses", _pauses)
    with closing(_open(database)) as waiting:
        unread = waiting.execute("SELECT 1 UNION ALL SELECT 2")
        thread = threading.Thread(target=waiting.execute, args=("BEGIN IMMEDIATE",))
        thread.start()
        assert waits.wait(PATIENCE)
        del unread  # takes the mutex of the connection
        assert thread.is_alive(), "freeing a cursor waited until the waiting thread gave up"
        locked.execute("COMMIT")
        thread.join(PATIENCE)
        assert waiting.in_transaction
        assert waiting.execute("SELECT name FROM run").fetchall() == [("first",)]


def test_a_lock_that_stays_is_an_error_after_the_patience(
    database: Path, locked: sqlite3.Connection
) -> None:
    with closing(_open(database)) as waiting:
        waiting.execute("PRAGMA busy_timeout = 20;")
        with pytest.raises(sqlite3.OperationalError, match="database is locked"):
            waiting.execute("INSERT INTO run VALUES ('second')")
        with pytest.raises(sqlite3.OperationalError, match="database is locked"):
            waiting.executemany("INSERT INTO run VALUES (?)", iter([("second",)]))
        locked.execute("COMMIT")
        waiting.executemany("INSERT INTO run VALUES (?)", iter([("second",), ("third",)]))
        names = waiting.execute("SELECT name FROM run").fetchall()
    assert names == [("first",), ("second",), ("third",)]


def test_an_old_snapshot_is_an_error_at_once(database: Path) -> None:
    with closing(_open(database)) as reader, closing(_open(database)) as writer:
        reader.execute("BEGIN DEFERRED")
        reader.execute("SELECT name FROM run").fetchall()
        writer.execute("INSERT INTO run VALUES ('first')")
        reader.patience = float("inf")
        with pytest.raises(sqlite3.OperationalError) as caught:
            reader.execute("INSERT INTO run VALUES ('second')")
        assert caught.value.sqlite_errorcode == sqlite3.SQLITE_BUSY_SNAPSHOT


def test_engines_get_such_connections_and_their_settings_hold(
    database: Path, request: pytest.FixtureRequest
) -> None:
    wait_outside_sqlite()
    request.addfinalizer(lambda: event.remove(Engine, "do_connect", server_database._connect))
    engine = create_engine(f"sqlite:///{database}")

    @event.listens_for(engine, "connect")
    def _set(connection: sqlite3.Connection, record: object) -> None:
        connection.cursor().execute("PRAGMA busy_timeout = 60000;")

    with engine.connect() as connection:
        made = connection.connection.dbapi_connection
        assert isinstance(made, WaitingConnection)
        assert made.patience == 60.0
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 0
    engine.dispose()


async def _count_and_add(
    configuration: AioSqliteConfiguration, name: str, have_read: asyncio.Barrier | None
) -> None:
    """Read and then write in one transaction; `have_read` is where both transactions have read."""
    engine = await configuration.engine()
    async with (
        await configuration.session(engine) as session,
        configuration.begin_transaction(session),
    ):
        await session.execute(text("SELECT count(*) FROM run"))
        if have_read is not None:
            await have_read.wait()
        await session.execute(text("INSERT INTO run VALUES (:name)"), {"name": name})


def test_a_transaction_that_reads_first_is_not_refused_when_it_writes(
    database: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, begin = f"sqlite+aiosqlite:///{database}", AioSqliteConfiguration.begin_transaction
    monkeypatch.setattr(AioSqliteConfiguration, "begin_transaction", begin)  # put back at the end
    wait_outside_sqlite()
    request.addfinalizer(lambda: event.remove(Engine, "do_connect", server_database._connect))

    async def both(have_read: asyncio.Barrier | None) -> None:
        configuration = AioSqliteConfiguration(connection_url=url)
        adding = (_count_and_add(configuration, name, have_read) for name in ("one", "two"))
        await asyncio.gather(*adding)

    with pytest.raises(OperationalError, match="database is locked"):  # as Prefect does it
        asyncio.run(both(asyncio.Barrier(2)))
    server_database.lock_at_begin()
    asyncio.run(both(None))
    with closing(sqlite3.connect(database)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM run")}
    assert {"one", "two"} <= names
