"""The revision of a database's schema, and the newest one that this program knows."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import (
    Connection,
    inspect,
    text,
)

MIGRATIONS = Path(__file__).parent


def revision(connection: Connection) -> str | None:
    """Return the present revision of the database; None if it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    at: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return at


def newest_revision() -> str:
    """Return the newest revision known to this program, from the file names of the migrations."""
    names = (file.name for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    return max(names).partition("_")[0]
