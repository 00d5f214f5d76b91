"""How far each source has been read."""

from __future__ import annotations

from sqlalchemy.orm import Session

from db.models import Cursor


def cursor(session: Session, source: str) -> str | None:
    """Return the stored position in a source after the last import; None if never set."""
    found = session.get(Cursor, source)
    return found.value if found is not None else None


def set_cursor(session: Session, source: str, value: str) -> None:
    """Store the position in a source after this import."""
    session.merge(Cursor(source=source, value=value))
