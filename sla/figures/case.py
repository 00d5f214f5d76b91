"""Cases: what the figures are made of, one complaint as judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sla.deadline import Deadline
from sla.events import Event, Kind

FOLLOWED_UP = (Kind.FOLLOW_UP_PUBLISHED, Kind.RESPONDED, Kind.SETTLED, Kind.CLOSED)
"""What counts as a follow-up: the thing itself, or what cannot be without it."""

SETTLING = (Kind.SETTLED, Kind.CLOSED)
ENDING = frozenset({Kind.SETTLED, Kind.CLOSED, Kind.ARCHIVED, Kind.WITHDRAWN})


@dataclass(frozen=True, slots=True)
class Case:
    """One complaint as judged at the as-of of a report; `events` are those that count then."""

    ticket: str
    source: str
    classification: str | None
    category: str | None
    channel: str | None
    unit: str | None
    received: datetime
    events: tuple[Event, ...]
    deadlines: tuple[Deadline, ...]

    def first(self, *kinds: str) -> Event | None:
        """The first event of one of these kinds."""
        return next((event for event in self.events if event.kind in kinds), None)

    @property
    def is_open(self) -> bool:
        """Whether the last event that opens or ends the case leaves it open."""
        last = [e.kind for e in self.events if e.kind in ENDING or e.kind == Kind.REOPENED]
        return not last or last[-1] == Kind.REOPENED
