"""Tidying: release unused disk space of a database in small steps."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, text

from db.models import Base

PAGES_AT_ONCE = 1000
"""Number of pages released per transaction, so other writers can work in between."""

MUCH_FREE = 5
"""A database is reduced if more than one page in this many is free."""

MOST_REWRITTEN = 300_000_000
"""Size limit, in bytes, for the one-time rewrite of a database created without `INCREMENTAL`."""

INCREMENTAL = 2
"""Value of `PRAGMA auto_vacuum` for a database able to release pages in steps."""

LONGEST = 60.0
"""Time limit, in seconds, for releasing pages in one night."""


@dataclass(frozen=True, slots=True)
class Size:
    """Size of a database on disk, in bytes, before and after."""

    before: int
    after: int


def tidy(engine: Engine) -> Size:
    """Update the statistics of a site's database; on SQLite also reduce its log and its file.

    PostgreSQL releases space by itself (autovacuum); here only its table statistics are updated.
    """
    if engine.dialect.name == "sqlite":
        return shrink(Path(engine.url.database or ""))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        size = text(
            "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c"
            " WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'"
        )
        before = int(connection.execute(size).scalar_one())
        for table in Base.metadata.tables:
            connection.execute(text(f'ANALYZE "{table}"'))
        return Size(before, int(connection.execute(size).scalar_one()))


def shrink(database: Path, *, early: bool = False) -> Size:
    """Release the free pages of a SQLite database used by others at the same time.

    Their writes wait no longer than one step. The first time, the file is rewritten to allow a
    release in steps: if much of it is free, or with `early` while it is still small, for a database
    known to grow. Raises `sqlite3.OperationalError` if others keep it busy for a minute.
    """
    before = _on_disk(database)
    with closing(sqlite3.connect(database, timeout=60, isolation_level=None)) as connection:

        def ask(pragma: str) -> int:
            return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])

        used = (ask("page_count") - ask("freelist_count")) * ask("page_size")
        much = ask("freelist_count") * MUCH_FREE > ask("page_count")
        if ask("auto_vacuum") != INCREMENTAL:
            if (much or early) and used <= MOST_REWRITTEN:
                connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
                connection.execute("VACUUM")
        elif much:
            until = time.monotonic() + LONGEST
            while ask("freelist_count") and time.monotonic() < until:
                connection.execute(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})").fetchall()
        connection.execute("PRAGMA analysis_limit=1000")
        connection.execute("PRAGMA optimize").fetchall()
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return Size(before, _on_disk(database))


def _on_disk(database: Path) -> int:
    """Return the size of the database and its log in bytes."""
    files = (Path(f"{database}{suffix}") for suffix in ("", "-wal"))
    return sum(path.stat().st_size for path in files if path.exists())
