"""Locks that a transaction holds until it ends, so that of two runs one waits for the other."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session


def hold(session: Session, name: str) -> None:
    """Wait until no other transaction holds this lock, and hold it.

    On SQLite every transaction of ours is the only writer already (`db.engine.open_engine`).
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"tenggat {name}"))))
