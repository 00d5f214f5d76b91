"""New SQLite databases: copied from one that was migrated once in each process of a test run.

Migrating takes 60 ms of CPU, and hundreds of tests open a site for the first time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import Lock

from sqlalchemy import Engine, inspect

import db.migrate
from db.engine import open_engine
from db.migrations.revisions import MIGRATIONS

ONE_AT_A_TIME = Lock()

migrate_step_by_step: Callable[[Engine], None] = db.migrate.upgrade
"""Run all pending migrations, as the product does; tests of the migrations use this one."""


@cache
def _newest() -> bytes:
    """Return the bytes of a database of the newest revision, without rows."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "newest.db"
        engine = open_engine(f"sqlite:///{file}")
        migrate_step_by_step(engine)
        engine.dispose()
        return file.read_bytes()


def upgrade(engine: Engine) -> None:
    """Fill a SQLite database without tables by a copy; all others take the migrations."""
    with ONE_AT_A_TIME:
        changed = db.migrate.MIGRATIONS != MIGRATIONS
        if changed or engine.dialect.name != "sqlite" or inspect(engine).get_table_names():
            migrate_step_by_step(engine)
            return
        engine.dispose()
        file = Path(engine.url.database or "")
        for beside in ("-wal", "-shm"):
            file.with_name(file.name + beside).unlink(missing_ok=True)
        file.write_bytes(_newest())
