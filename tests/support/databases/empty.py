"""What makes a fresh database cheap: one that is emptied, and statements that are compiled once.

No test cuts the power, so SQLite does not wait for the disk: a commit is safe from a killed process
all the same.

A new PostgreSQL database costs more than most tests do in it, and so does compiling every
statement anew for an engine that lives as long as a test.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

CATALOGS = ("pg_class", "pg_attribute", "pg_constraint", "pg_index", "pg_trigger", "pg_proc")
SHAPE = "SELECT (SELECT min(version_num) FROM alembic_version), " + ", ".join(
    f"(SELECT count(*) || ' ' || max(xmin::text::bigint) FROM {catalog})" for catalog in CATALOGS
)
"""What is another after any change of anything but rows: such a change is a row of a catalog."""

TABLES = """
    SELECT quote_ident(tablename) FROM pg_tables
    WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""
NUMBERS = """
    SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
    FROM pg_sequences WHERE last_value IS NOT NULL
"""


class Emptied:
    """A PostgreSQL database like `template`, which has no rows, for one test after the other.

    Where a test changed anything but rows, the next one has a new database.
    """

    def __init__(self, uri: str, template: str) -> None:
        self.uri, self.template = uri, template
        self.name = ""
        self.shape: tuple[Any, ...] | None = None

    def address(self) -> str:
        base, _, query = self.uri.partition("?")
        return base.rpartition("/")[0] + "/" + self.name + (f"?{query}" if query else "")

    @contextmanager
    def lent(self) -> Iterator[str]:
        """Its name, for as long as the block lasts."""
        if not self.name:
            self.name = f"t{uuid.uuid4().hex}"
            with psycopg.connect(self.uri, autocommit=True) as server:
                server.execute(
                    f'CREATE DATABASE "{self.name}" TEMPLATE "{self.template}" STRATEGY FILE_COPY'
                )
            with psycopg.connect(self.address()) as connection:
                self.shape = connection.execute(SHAPE).fetchone()
        yield self.name
        with psycopg.connect(self.uri, autocommit=True) as server:
            server.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
                [self.name],
            )
            if not self._empties():
                server.execute(f'DROP DATABASE "{self.name}" WITH (FORCE)')
                self.name = ""

    def _empties(self) -> bool:
        """Delete all rows and begin all numbers anew, unless more than rows is to be undone."""
        with psycopg.connect(self.address()) as connection:
            if connection.execute(SHAPE).fetchone() != self.shape:
                return False
            connection.execute("SET session_replication_role = replica")  # without any trigger
            for (table,) in connection.execute(TABLES).fetchall():
                connection.execute(f"DELETE FROM {table}")
            connection.execute(NUMBERS)
        return True


STATEMENTS: dict[str, LRUCache[Any, Any]] = {}


def compile_once(engine: Engine) -> Engine:
    """Let an engine use what others of its kind have compiled in this process."""
    engine._compiled_cache = STATEMENTS.setdefault(engine.dialect.name, LRUCache(2000))  # type: ignore[assignment]
    return engine


def wait_for_no_disk(engine: Engine) -> Engine:
    """Let SQLite leave what it writes to the system, after the product has set up a connection."""
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "checkout")
        def _once(connection: Any, record: Any, _proxy: Any) -> None:
            if "no disk" not in record.info:
                connection.execute("PRAGMA synchronous=OFF").close()
                record.info["no disk"] = True

    return engine


for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):  # the key of what is compiled
    dialect.__eq__ = lambda one, other: type(one) is type(other)  # type: ignore[method-assign]
    dialect.__hash__ = lambda one: hash(type(one))  # type: ignore[method-assign]
