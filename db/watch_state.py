"""The incident log of the watchdog, stored in the database."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.orm import Session

from db.locks import advisory_lock
from db.models import WatchState

ONLY = 1
"""The id of the single row."""


def recall(session: Session) -> str | None:
    """Load the stored incident log. Other transactions wait for it until this one ends."""
    advisory_lock(session, "watch state")
    found = session.get(WatchState, ONLY)
    return found.incident_log if found is not None else None


def remember(session: Session, text: str) -> None:
    """Store the incident log."""
    session.merge(WatchState(id=ONLY, incident_log=text))


def mentions(session: Session, kinds: Iterable[str]) -> bool:
    """Check without a lock whether the stored incident log has an incident of these kinds."""
    found = session.get(WatchState, ONLY)
    return found is not None and any(f'"{kind}"' in found.incident_log for kind in kinds)
