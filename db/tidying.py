"""Tidy: what a database has grown and no longer needs is given back, a little at a time."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, text

from db.models import Base

PAGES_AT_ONCE = 1000
"""How many pages are given back by one transaction: others write in between."""

MUCH_FREE = 5
"""A database is made smaller where more than one page in so many is free."""

MOST_REWRITTEN = 300_000_000
"""Bytes: a database that was not made to give pages back is rewritten once, if it is no larger."""

INCREMENTAL = 2
"""What `PRAGMA auto_vacuum` says of a database that gives pages back in steps."""

LONGEST = 60.0
"""Seconds that giving back may take in one night."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a database takes on disk, in bytes, before and after."""

    before: int
    after: int


def tidy(engine: Engine) -> Size:
    """Bring a site's database in order: its statistics, and on SQLite its log and its file.

    PostgreSQL gives space back by itself (autovacuum); here it learns how its tables have grown.
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
    """Give back the free pages of a SQLite database that others work with.

    A write of theirs waits no longer than one step takes. The first time the file is rewritten as
    one that can be made smaller in steps: where much is free, or, of one that is known to grow, as
    `early` as it is still small. Raises `sqlite3.OperationalError` where others keep it
    busy for a minute.
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
    """The database and its log."""
    files = (Path(f"{database}{suffix}") for suffix in ("", "-wal"))
    return sum(path.stat().st_size for path in files if path.exists())
