"""What happened to a complaint, and how surely we know when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
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


class ImpossibleHistory(ValueError):
    """Events that contradict each other; the message names them. No verdict rests on such."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; never changed, a correction is a later event.

    It happened at `latest`, or where `earliest` is set, after `earliest` and not later than
    `latest`. `recorded_at` is when we learned it, so that any past view can be rebuilt. All
    times are aware. `unit` is the unit concerned, for `assigned` and `returned`. `slot` is the
    place at the source that tells of it (a column): what is recorded later from the same slot
    replaces the earlier, and a `retracted` one takes it back.
    """

    kind: str
    latest: datetime
    recorded_at: datetime
    source: str
    earliest: datetime | None = None
    knowledge: Knowledge = Knowledge.GIVEN
    unit: str | None = None
    slot: str = ""
    retracted: bool = False

    def __post_init__(self) -> None:
        for moment in (self.latest, self.earliest, self.recorded_at):
            if moment is not None and moment.tzinfo is None:
                raise ValueError(f"event {self.kind}: the time {moment} has no zone")
        if self.earliest is not None and self.earliest > self.latest:
            raise ValueError(f"event {self.kind}: {self.earliest} is not before {self.latest}")
        if (self.earliest is None) != (self.knowledge is Knowledge.GIVEN):
            raise ValueError(f"event {self.kind}: an interval is observed, a moment is given")
        if self.retracted and not self.slot:
            raise ValueError(f"event {self.kind}: only what stands in a slot can be taken back")

    @property
    def first_possible(self) -> datetime:
        """The earliest moment at which it can have happened."""
        return self.latest if self.earliest is None else self.earliest


ENDING = frozenset({Kind.SETTLED, Kind.CLOSED, Kind.ARCHIVED, Kind.WITHDRAWN})
"""The kinds that end a complaint; `reopened` takes their effect back."""

_AT_ONCE: dict[str, int] = {
    kind: rank
    for rank, kind in enumerate(
        (
            Kind.SERVICE_RECEIVED,
            Kind.RECEIVED,
            Kind.REOPENED,
            Kind.VERIFIED,
            Kind.RETURNED,
            Kind.ASSIGNED,
        )
    )
}
"""In which order what bears the same time has happened: the procedure's; the rest comes after."""

_PAUSES: dict[str, str] = {
    Kind.PAUSED: Kind.RESUMED,
    Kind.MATERIAL_REQUESTED: Kind.MATERIAL_COMPLETED,
}
"""What begins a pause, and what ends it."""

_BEGINS = {kind: begin for begin, end in _PAUSES.items() for kind in (begin, end)}

_GIVEN = {str(kind): (_AT_ONCE.get(kind, len(_AT_ONCE)), kind in ENDING, 0, "") for kind in Kind}
_OBSERVED = {
    kind: (rank, ends, 1 if kind in _BEGINS else 3, str(_BEGINS.get(kind, kind)))
    for kind, (rank, ends, _, _) in _GIVEN.items()
}
"""The places of what bears the same time: the procedure's, endings last, then see `_order`."""


def known_at(events: Iterable[Event], as_of: datetime) -> list[Event]:
    """What is known at `as_of`, corrected and in the order in which it happened.

    Of each slot of a source only what was recorded last counts. An event that lies after `as_of`
    has not happened yet. Raises :class:`ImpossibleHistory` if anything but the service complained
    of lies before the receipt.
    """
    current: dict[tuple[str, str], Event] = {}
    known: list[Event] = []
    for event in events:
        if event.recorded_at > as_of:
            continue
        if not event.slot:
            known.append(event)
            continue
        place = (event.source, event.slot)
        before = current.get(place)
        if before is None or event.recorded_at >= before.recorded_at:
            current[place] = event
    known += (event for event in current.values() if not event.retracted)
    known = sorted((event for event in known if event.latest <= as_of), key=_order)
    if len({event.latest for event in known}) < len(known):
        _let_pauses_alternate(known)
    receipt = next((event for event in known if event.kind == Kind.RECEIVED), None)
    if receipt is not None:
        first = next(event for event in known if event.kind != Kind.SERVICE_RECEIVED)
        if first.latest < receipt.latest:
            raise ImpossibleHistory(
                f"{first.kind} ({first.latest.astimezone(UTC):%Y-%m-%d %H:%M} UTC) lies before"
                f" the receipt ({receipt.latest.astimezone(UTC):%Y-%m-%d %H:%M} UTC)"
            )
    return known


def _order(event: Event) -> tuple[datetime, tuple[int, bool, int, str]]:
    """When it happened, and its place among others that bear the same time.

    What a source tells stays in the order in which it tells it. What was observed does not hang
    on which look was read first: it goes by its name, a pause beside its end. The words that a
    site adds stay as they were recorded, as nobody here knows what they mean.
    """
    if event.knowledge is Knowledge.GIVEN:
        return event.latest, _GIVEN.get(event.kind, (len(_AT_ONCE), False, 0, ""))
    return event.latest, _OBSERVED.get(event.kind, (len(_AT_ONCE), False, 2, ""))


def _let_pauses_alternate(known: list[Event]) -> None:
    """Where a pause and its end were observed at once, put that first which can have been first.

    A pause that goes on must end before another begins; one that does not must first begin.
    """
    going_on: set[str] = set()
    for place, event in enumerate(known):
        if event.kind == Kind.REOPENED:
            going_on.clear()
        begin = _BEGINS.get(event.kind)
        if begin is None:
            continue
        wanted = _PAUSES[begin] if begin in going_on else begin
        if event.knowledge is not Knowledge.GIVEN and event.kind != wanted:
            for later in range(place + 1, len(known)):
                if _order(known[later]) != _order(event):
                    break
                if known[later].kind == wanted:
                    known[place], known[later] = known[later], event
                    break
        if known[place].kind == begin:
            going_on.add(begin)
        else:
            going_on.discard(begin)


def holder(known: Iterable[Event]) -> str | None:
    """The unit that holds a complaint after these events, given in order; None if nobody does."""
    unit = None
    for event in known:
        if event.kind == Kind.ASSIGNED:
            unit = event.unit
        elif event.kind == Kind.RETURNED:
            unit = None
    return unit
