"""The input of the metrics: one complaint as evaluated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sla.engine.deadline import Deadline
from sla.events import ABSENT, ANY_KIND, Event, Kind

FOLLOWED_UP = (
    Kind.FOLLOW_UP_PUBLISHED,
    Kind.FOLLOW_UP_ANSWERED,
    Kind.RESPONDED,
    Kind.SETTLED,
    Kind.CLOSED,
)
"""Events that count as a follow-up: the follow-up itself, or an event impossible without it."""

FIRST_STEPS = frozenset({Kind.FOLLOW_UP_PUBLISHED, Kind.RESPONDED})
"""Events that show a follow-up before the complaint ends. A source without them cannot show when a
complaint was first followed up."""

SETTLING = (Kind.SETTLED, Kind.CLOSED)
ENDING = frozenset({Kind.SETTLED, Kind.CLOSED, Kind.ARCHIVED, Kind.WITHDRAWN})


class Status(StrEnum):
    """The status of a complaint as readers of LAPOR! know it."""

    UNVERIFIED = "unverified"
    """Received, and not verified or assigned; or returned and not assigned again."""
    NOT_FOLLOWED_UP = "not_followed_up"
    ASSIGNED = "assigned"
    """Verified or assigned; the source does not show follow-ups."""
    IN_PROCESS = "in_process"
    FINISHED = "finished"
    PUT_OFF = "put_off"
    ARCHIVED = "archived"
    """Archived or withdrawn."""
    UNKNOWN = "status_unknown"
    """Open, and a doubt hides a step."""


STEPS = frozenset(
    {
        ANY_KIND,
        Kind.VERIFIED,
        Kind.ASSIGNED,
        Kind.RETURNED,
        Kind.PAUSED,
        Kind.RESUMED,
        *FOLLOWED_UP,
        *ENDING,
    }
)
"""The kinds of a doubt that leave the status of an open complaint unknown."""


@dataclass(frozen=True, slots=True)
class Case:
    """One complaint as evaluated at the as-of time of a report; `events` are those counted at that
    time.

    `place` is the district or village it concerns, `rating` that of the reporter, from 1 to 5.
    `doubts` are the doubts about its events. `sees` are the kinds of event visible in its source;
    None means all.
    """

    ticket: str
    source: str
    classification: str | None
    category: str | None
    channel: str | None
    unit: str | None
    received: datetime
    events: tuple[Event, ...]
    deadlines: tuple[Deadline, ...]
    doubts: tuple[Event, ...] = ()
    sees: frozenset[str] | None = None
    place: str | None = None
    rating: int | None = None

    @property
    def shows_follow_ups(self) -> bool:
        """Check whether the source can show a follow-up before the complaint ends."""
        return self.sees is None or not self.sees.isdisjoint(FIRST_STEPS)

    @property
    def follow_up_doubted_since(self) -> datetime | None:
        """Return the moment from which on a follow-up may have happened unseen; None without a
        doubt.
        """
        kinds = {ANY_KIND, *FOLLOWED_UP}
        return min((d.first_possible for d in self.doubts if d.kind in kinds), default=None)

    @property
    def absent_since(self) -> datetime | None:
        """Return the time of the import that no longer showed it; None if it is shown."""
        absent = (d.latest for d in self.doubts if d.source_field.startswith(ABSENT))
        return min(absent, default=None)

    def first(self, *kinds: str) -> Event | None:
        """Return the first event of one of these kinds."""
        return next((event for event in self.events if event.kind in kinds), None)

    def final(self, *kinds: str) -> Event | None:
        """Return the first event of one of these kinds after the last reopening."""
        found = None
        for event in self.events:
            if event.kind == Kind.REOPENED:
                found = None
            elif found is None and event.kind in kinds:
                found = event
        return found

    @property
    def is_open(self) -> bool:
        """Check whether the last event that ends or reopens the complaint leaves it open."""
        return self._last(Kind.REOPENED, *ENDING) in {None, Kind.REOPENED}

    @property
    def status(self) -> Status:
        """Return the status after the last event. A complaint once followed up is in process after
        its reopening.
        """
        if not self.is_open:
            return Status.FINISHED if self._last(*ENDING) in SETTLING else Status.ARCHIVED
        if any(doubt.kind in STEPS for doubt in self.doubts):
            return Status.UNKNOWN
        if self._last(Kind.PAUSED, Kind.RESUMED) == Kind.PAUSED:
            return Status.PUT_OFF
        if self._last(Kind.VERIFIED, Kind.ASSIGNED, Kind.RETURNED) in {None, Kind.RETURNED}:
            return Status.UNVERIFIED
        if self.first(*FOLLOWED_UP) is not None:
            return Status.IN_PROCESS
        return Status.NOT_FOLLOWED_UP if self.shows_follow_ups else Status.ASSIGNED

    def _last(self, *kinds: str) -> str | None:
        """Return the kind of the last event of one of these kinds."""
        return next((event.kind for event in reversed(self.events) if event.kind in kinds), None)
