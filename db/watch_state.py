"""Queries of the watchdog, and its incident log in the database."""

from __future__ import annotations

from sqlalchemy.orm import Session

from db import cursors, imports

NAME = "watch/causes"
"""Key of the watchdog in the table of cursors. The slash keeps it apart from sources' names."""


def recall(session: Session) -> str | None:
    """Load the stored incident log. Other transactions wait for it until this one ends."""
    imports.lock(session, NAME)
    return cursors.cursor(session, NAME)


def remember(session: Session, text: str) -> None:
    """Store the incident log."""
    cursors.set_cursor(session, NAME, text)
