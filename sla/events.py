"""What happened to a complaint, and how surely we know when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """The kinds of event that rules speak of. A site may add its own words."""

    SERVICE_RECEIVED = "service_received"
    RECEIVED = "received"
    VERIFIED = "verified"
    ASSIGNED = "assigned"
    RETURNED = "returned"
    RESPONDED = "responded"
    MATERIAL_REQUESTED = "material_requested"
    MATERIAL_COMPLETED = "material_completed"
    FILE_COMPLETE = "file_complete"
    DECIDED = "decided"
    DELIVERED = "delivered"
    FOLLOW_UP_PUBLISHED = "follow_up_published"
    REPORTER_REPLIED = "reporter_replied"
    SETTLED = "settled"
    CLOSED = "closed"
    ARCHIVED = "archived"
    WITHDRAWN = "withdrawn"
    REOPENED = "reopened"
    PAUSED = "paused"
    RESUMED = "resumed"
    CLARIFICATION_REQUESTED = "clarification_requested"
    CLARIFICATION_SENT = "clarification_sent"
    RECOMMENDATION_RECEIVED = "recommendation_received"
    RECOMMENDATION_REPORTED = "recommendation_reported"


class Knowledge(StrEnum):
    """How the time of an event is known.

    GIVEN: the source states it. OBSERVED: it lies between two looks at a source that shows only
    the present. UNKNOWN: it was over before the first look, somewhere since the complaint came.
    """

    GIVEN = "given"
    OBSERVED = "observed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; never changed, a correction is a later event.

    It happened at `latest`, or where `earliest` is set, after `earliest` and not later than
    `latest`. `recorded_at` is when we learned it, so that any past view can be rebuilt. All
    times are aware. `unit` is the unit concerned, for `assigned` and `returned`.
    """

    kind: str
    latest: datetime
    recorded_at: datetime
    source: str
    earliest: datetime | None = None
    knowledge: Knowledge = Knowledge.GIVEN
    unit: str | None = None

    def __post_init__(self) -> None:
        for moment in (self.latest, self.earliest, self.recorded_at):
            if moment is not None and moment.tzinfo is None:
                raise ValueError(f"event {self.kind}: the time {moment} has no zone")
        if self.earliest is not None and self.earliest > self.latest:
            raise ValueError(f"event {self.kind}: {self.earliest} is not before {self.latest}")
        if (self.earliest is None) != (self.knowledge is Knowledge.GIVEN):
            raise ValueError(f"event {self.kind}: an interval is observed, a moment is given")

    @property
    def first_possible(self) -> datetime:
        """The earliest moment at which it can have happened."""
        return self.latest if self.earliest is None else self.earliest
