"""Connections of Prefect's server to SQLite that keep its event loop free.

While SQLite itself waits for the lock of another connection, it holds the mutex of its own
connection. Python's garbage collector then blocks in the event loop if it frees a cursor of this
connection, and the transaction that has the lock cannot end: the server answers nothing for a
minute, until SQLite gives up. So these connections wait in their own thread, outside of SQLite.

A transaction takes the lock when it begins. Prefect lets most of them read first and take the lock
when they write. If another transaction has written in between, SQLite refuses this at once, and no
waiting helps: with fifty sites the server lost events and runs.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from itertools import chain, repeat
from typing import Any

from prefect.server.database.configurations import AioSqliteConfiguration
from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction

LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY}
"""Errors that end when another connection ends its transaction. It is not so with a snapshot that
another transaction made old (`SQLITE_BUSY_SNAPSHOT`)."""

PAUSES = (0.001, 0.002, 0.005, 0.01, 0.02)
"""Seconds between the first attempts, then `LAST_PAUSE` between all others."""

LAST_PAUSE = 0.05
BUSY_TIMEOUT = "PRAGMA busy_timeout"


class WaitingCursor(sqlite3.Cursor):
    """A cursor that waits for a lock as long as its connection's `patience`."""

    connection: WaitingConnection

    def execute(self, sql: str, parameters: Any = (), /) -> WaitingCursor:
        """Execute as `sqlite3.Cursor` does; `PRAGMA busy_timeout = ...` sets the patience."""
        if sql.startswith(BUSY_TIMEOUT) and "=" in sql:
            self.connection.patience = int(sql.partition("=")[2].strip(" ;")) / 1000
            return self
        self._wait(lambda: super(WaitingCursor, self).execute(sql, parameters))
        return self

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> WaitingCursor:
        """Execute as `sqlite3.Cursor` does; it waits only before the first row was written."""
        rows = list(parameters)
        self._wait(lambda: super(WaitingCursor, self).executemany(sql, rows))
        return self

    def _wait(self, execute: Callable[[], object]) -> None:
        end = time.monotonic() + self.connection.patience
        written = self.connection.total_changes
        for pause in _pauses():
            try:
                execute()
            except sqlite3.OperationalError as error:
                late = time.monotonic() + pause > end
                if late or error.sqlite_errorcode not in LOCKED:
                    raise
                if self.connection.total_changes != written:
                    raise
            else:
                return
            time.sleep(pause)


class WaitingConnection(sqlite3.Connection):
    """A connection with cursors that wait for a lock; SQLite itself does not wait."""

    patience = 0.0
    """Seconds for which a statement waits for the lock of another connection."""

    def cursor(self, factory: Any = WaitingCursor) -> Any:
        """Return a cursor that waits, or one made by `factory`."""
        return super().cursor(factory)

    def execute(self, sql: str, parameters: Any = (), /) -> WaitingCursor:
        """Execute with a cursor that waits; SQLite's own would be another."""
        return WaitingCursor(self).execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> WaitingCursor:
        """Execute with a cursor that waits; SQLite's own would be another."""
        return WaitingCursor(self).executemany(sql, parameters)


def _pauses() -> Iterator[float]:
    return chain(PAUSES, repeat(LAST_PAUSE))


def lock_at_begin() -> None:
    """Let each transaction of Prefect take the lock of SQLite when it begins."""
    begin = AioSqliteConfiguration.begin_transaction

    def begin_immediate(
        self: AioSqliteConfiguration,
        session: AsyncSession,
        with_for_update: bool = True,
    ) -> AbstractAsyncContextManager[AsyncSessionTransaction]:
        return begin(self, session, with_for_update=True)

    AioSqliteConfiguration.begin_transaction = begin_immediate  # type: ignore[assignment]


def wait_outside_sqlite() -> None:
    """Let all SQLite databases that this process opens from now on wait outside of SQLite."""
    event.listen(Engine, "do_connect", _connect)


def _connect(dialect: Any, record: Any, arguments: Any, options: dict[str, Any]) -> None:
    if dialect.name == "sqlite":
        options |= {"factory": WaitingConnection, "timeout": 0}
