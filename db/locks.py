"""Named locks of a transaction. They make two concurrent runs wait for each other."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session


def advisory_lock(session: Session, name: str) -> None:
    """Acquire the advisory lock `name`, and keep it until the transaction ends.

    Waits until no other transaction has this lock. On SQLite this does nothing: every transaction
    of Tenggat is already the only writer there (see `db.engine.open_engine`).
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"tenggat {name}"))))
