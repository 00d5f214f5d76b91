"""The events of a complaint, and how certain their times are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from sla.value_class import value_class


class Kind(StrEnum):
    """The kinds of event used by rules. A site may add its own."""

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
    FOLLOW_UP_ANSWERED = "follow_up_answered"
    """The reporter answered a follow-up, so that one was published before."""
    SETTLED = "settled"
    CLOSED = "closed"
    ARCHIVED = "archived"
    WITHDRAWN = "withdrawn"
    REOPENED = "reopened"
    PAUSED = "paused"
    RESUMED = "resumed"
    CLARIFICATION_REQUESTED = "clarification_requested"
    SECOND_CLARIFICATION_REQUESTED = "second_clarification_requested"
    CLARIFICATION_SENT = "clarification_sent"
    FINDINGS_RECEIVED = "findings_received"
    FINDINGS_REPORTED = "findings_reported"
    RECOMMENDATION_RECEIVED = "recommendation_received"
    RECOMMENDATION_REPORTED = "recommendation_reported"
    EXTENSION_NOTIFIED = "extension_notified"
    OBJECTION_RECEIVED = "objection_received"
    OBJECTION_ANSWERED = "objection_answered"
    DISPUTE_FILED = "dispute_filed"


ANY_KIND = "any"
"""The kind of a doubt that concerns every kind of event which the source can show."""

QUESTION = "question/"
"""The part of the source field of a doubt before the column of its open question."""

ASSIGNEE = "assignee"
"""The kind of a doubt about the unit in charge: it is unknown, so nobody can be called late."""

PROMISED_DUE = "promised_due"
"""The kind of a doubt about the due time that the source promises."""

ABSENT = "absent/"
"""The source field of the doubt about a complaint that its source does not show any more."""


BY_COMMAND, BY_REPLY = "officials/command", "officials/reply"
"""The sources of events that an official states: with a command, or by a reply to a mail.

The slash keeps them apart from configured sources, because a mapping cannot have such a name.
"""

BY_REPORTER = "reporter/reply"
"""The source of the event that the reporter has replied to a mail."""

BY_OFFICIALS = frozenset({BY_COMMAND, BY_REPLY})


class Knowledge(StrEnum):
    """How the time of an event is known.

    STATED: the source states it. OBSERVED: it is between two imports from a source that shows only
    the present state. UNKNOWN: it is before the first import, at some time since the receipt of the
    complaint. UNREADABLE: it is not known whether the event happened (a doubt).
    """

    STATED = "stated"
    OBSERVED = "observed"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"


class ImpossibleHistory(ValueError):
    """The events contradict each other; the message names them. Such a complaint is not
    evaluated.
    """


@value_class(frozen=True, slots=True)
class Event:
    """One event of a complaint. It is never changed: a correction is another, later event.

    It happened at `latest`. If `earliest` is set, it happened after `earliest` and not later than
    `latest`. `recorded_at` is the time of its import, so that every past evaluation can be
    repeated. All times have a time zone. `unit` is the unit concerned, for `assigned` and
    `returned`. `source_field` is the field of the source that states the event (a column). An event
    recorded later from the same field replaces the earlier one, and a `retracted` event withdraws
    it.

    An event with the knowledge UNREADABLE is a doubt: it is not known whether an event of this kind
    (:data:`ANY_KIND`: of any kind) happened. If it did, it happened after `earliest`. `latest` is
    the time of the import that raised the doubt.
    """

    kind: str
    latest: datetime
    recorded_at: datetime
    source: str
    earliest: datetime | None = None
    knowledge: Knowledge = Knowledge.STATED
    unit: str | None = None
    source_field: str = ""
    retracted: bool = False

    def __post_init__(self) -> None:
        if (
            self.knowledge is Knowledge.STATED
            and self.earliest is None
            and self.latest.tzinfo is not None
            and self.recorded_at.tzinfo is not None
            and not self.retracted
        ):
            return  # most events
        for moment in (self.latest, self.earliest, self.recorded_at):
            if moment is not None and moment.tzinfo is None:
                raise ValueError(f"event {self.kind}: the time {moment} has no zone")
        if self.earliest is not None and self.earliest > self.latest:
            raise ValueError(f"event {self.kind}: {self.earliest} is not before {self.latest}")
        if (self.earliest is None) != (self.knowledge is Knowledge.STATED):
            raise ValueError(f"event {self.kind}: an interval is observed, a moment is given")
        if self.retracted and not self.source_field:
            raise ValueError(
                f"event {self.kind}: only an event with a source_field can be retracted"
            )

    @property
    def is_doubt(self) -> bool:
        """Check whether the event is a doubt: it is not known whether it happened."""
        return self.knowledge is Knowledge.UNREADABLE

    @property
    def column(self) -> str:
        """Return the column of the source that states the event, or that a doubt is about."""
        _, question, column = self.source_field.rpartition(QUESTION)
        return column if question else self.source_field.rpartition("/")[0]

    @property
    def first_possible(self) -> datetime:
        """Return the earliest moment at which the event can have happened."""
        return self.latest if self.earliest is None else self.earliest


HANDOVERS = frozenset({Kind.ASSIGNED, Kind.RETURNED})
"""The kinds of event that change the unit in charge."""

ENDING = frozenset({Kind.SETTLED, Kind.CLOSED, Kind.ARCHIVED, Kind.WITHDRAWN})
"""The kinds of event that end a complaint. The event `reopened` cancels them."""

FOLLOWS: dict[str, str] = {
    Kind.RETURNED: Kind.ASSIGNED,
    Kind.MATERIAL_COMPLETED: Kind.MATERIAL_REQUESTED,
    Kind.DELIVERED: Kind.DECIDED,
    Kind.FOLLOW_UP_PUBLISHED: Kind.ASSIGNED,
    Kind.RESUMED: Kind.PAUSED,
    Kind.CLARIFICATION_SENT: Kind.CLARIFICATION_REQUESTED,
    Kind.FINDINGS_REPORTED: Kind.FINDINGS_RECEIVED,
    Kind.RECOMMENDATION_REPORTED: Kind.RECOMMENDATION_RECEIVED,
    Kind.OBJECTION_ANSWERED: Kind.OBJECTION_RECEIVED,
    Kind.DISPUTE_FILED: Kind.OBJECTION_ANSWERED,
}
"""The kinds of event that are possible only after another one, with that kind."""

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
"""The order of events with the same time: the order of the procedure. Other kinds come after
these."""

_PAUSES: dict[str, str] = {
    Kind.PAUSED: Kind.RESUMED,
    Kind.MATERIAL_REQUESTED: Kind.MATERIAL_COMPLETED,
}
"""The kinds of event that begin a pause, each with the kind that ends it."""

_BEGINS = {kind: begin for begin, end in _PAUSES.items() for kind in (begin, end)}

PROCEDURE = {str(kind): number for number, kind in enumerate(Kind)}
"""The order of the kinds in the procedure. It is the order of :class:`Kind`."""

_STATED = {str(kind): (_AT_ONCE.get(kind, len(_AT_ONCE)), kind in ENDING, 0, "") for kind in Kind}
_OBSERVED = {
    kind: (
        rank,
        ends,
        1 if kind in _BEGINS else 3,
        str(_BEGINS.get(kind, kind if ends else f"{PROCEDURE[kind]:02}")),
    )
    for kind, (rank, ends, _, _) in _STATED.items()
}
"""The sort keys of events with the same time: by the procedure, endings last; see `_order`."""


def events_as_of(events: Iterable[Event], as_of: datetime) -> list[Event]:
    """Return the events known at `as_of`, corrected and in the order in which they happened.

    Doubts are left out. See :func:`history_as_of`.
    """
    return history_as_of(events, as_of)[0]


def history_as_of(
    events: Iterable[Event], as_of: datetime
) -> tuple[list[Event], tuple[Event, ...]]:
    """Return the events known at `as_of`, in the order in which they happened, and the doubts.

    Of each field of a source only the event recorded last counts. An event later than `as_of` has
    not happened yet. An interval that begins before `as_of` and ends after it is cut at `as_of`:
    the event was recorded by then, so it had happened. A reopening at the same time as an ending
    follows it, unless the complaint had ended before. A doubt starts, stops and pauses no clock.
    Raises :class:`ImpossibleHistory` if any event except the service complained of is before the
    receipt.
    """
    current: dict[tuple[str, str], Event] = {}
    known: list[Event] = []
    for event in events:
        if event.recorded_at > as_of:
            continue
        if not event.source_field:
            known.append(event)
            continue
        place = (event.source, event.source_field)
        before = current.get(place)
        if before is None or event.recorded_at >= before.recorded_at:
            current[place] = event
    known += (event for event in current.values() if not event.retracted)
    known = sorted(_happened(known, as_of), key=_order)
    doubts = tuple(event for event in known if event.knowledge is Knowledge.UNREADABLE)
    if doubts:
        known = [event for event in known if event.knowledge is not Knowledge.UNREADABLE]
    if len({event.latest for event in known}) < len(known):
        _let_pauses_alternate(known)
        _let_endings_precede(known)
    receipt = next((event for event in known if event.kind == Kind.RECEIVED), None)
    if receipt is not None:
        first = next(event for event in known if event.kind != Kind.SERVICE_RECEIVED)
        if first.latest < receipt.latest:
            raise ImpossibleHistory(
                f"{first.kind} ({first.latest.astimezone(UTC):%Y-%m-%d %H:%M} UTC) lies before"
                f" the receipt ({receipt.latest.astimezone(UTC):%Y-%m-%d %H:%M} UTC)"
            )
    return known, doubts


class Superseded(NamedTuple):
    """An event replaced by a later record of the same field: taken back if `by` is retracted."""

    event: Event
    by: Event


def superseded_events(events: Iterable[Event], as_of: datetime) -> list[Superseded]:
    """Return the events that no longer count at `as_of`, in the order of their replacement.

    Doubts are left out, and so are records that say the same again.
    """
    current: dict[tuple[str, str], Event] = {}
    found: list[Superseded] = []
    for event in sorted(events, key=lambda each: each.recorded_at):
        if event.recorded_at > as_of or not event.source_field:
            continue
        place = (event.source, event.source_field)
        before = current.get(place)
        current[place] = event
        if before is None or before.retracted or before.is_doubt:
            continue
        if _content(before) != _content(event):
            found.append(Superseded(before, event))
    return found


def _content(event: Event) -> tuple[object, ...]:
    """Return what an event says, without the time of its record."""
    return event.kind, event.earliest, event.latest, event.knowledge, event.unit, event.retracted


def _happened(events: Iterable[Event], as_of: datetime) -> Iterator[Event]:
    for event in events:
        if event.latest <= as_of:
            yield event
        elif event.earliest is not None and event.earliest < as_of:
            yield replace(event, latest=as_of)


def _order(event: Event) -> tuple[datetime, tuple[int, bool, int, str]]:
    """Return the sort key of an event: its time, and its position among events with the same time.

    Events stated by a source keep the order in which the source states them. For observed events
    the order must not depend on which file was imported first. They are sorted by the procedure,
    with a pause next to its end. The kinds added by a site keep the order of recording, because
    their meaning is not known here.
    """
    if event.knowledge is Knowledge.STATED:
        return event.latest, _STATED.get(event.kind, (len(_AT_ONCE), False, 0, ""))
    return event.latest, _OBSERVED.get(event.kind, (len(_AT_ONCE), False, 2, ""))


def _let_pauses_alternate(known: list[Event]) -> None:
    """Make pauses alternate: put the start or the end first where both were observed at the same
    time.

    A pause in progress must end before another begins. Without a pause in progress, one must begin
    before it can end. `known` is changed in place.
    """
    going_on: set[str] = set()
    for place, event in enumerate(known):
        if event.kind == Kind.REOPENED:
            going_on.clear()
        begin = _BEGINS.get(event.kind)
        if begin is None:
            continue
        wanted = _PAUSES[begin] if begin in going_on else begin
        if event.knowledge is not Knowledge.STATED and event.kind != wanted:
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


def _let_endings_precede(known: list[Event]) -> None:
    """Put a reopening after the endings of the same time, if the complaint had not ended before.

    `known` is changed in place.
    """
    ended = False
    for place in range(len(known)):
        event = known[place]
        if event.kind == Kind.REOPENED and not ended:
            last = place
            for later in range(place + 1, len(known)):
                if known[later].latest != event.latest:
                    break
                if known[later].kind in ENDING:
                    last = later
            known.insert(last, known.pop(place))
        if known[place].kind == Kind.REOPENED:
            ended = False
        elif known[place].kind in ENDING:
            ended = True


class ProcedureState:
    """The part of the procedure that decides which event is plausible next.

    It has two facts: whether the complaint has ended, and which pauses are in progress.
    """

    def __init__(self) -> None:
        self._ended = False
        self._paused: set[str] = set()

    def apply(self, event: Event) -> None:
        """Update the state with the next event."""
        begin = _BEGINS.get(event.kind)
        if event.kind == Kind.REOPENED:
            self._ended = False
            self._paused.clear()
        elif event.kind in ENDING:
            self._ended = True
        elif begin == event.kind:
            self._paused.add(begin)
        elif begin is not None:
            self._paused.discard(begin)

    def priority(self, event: Event) -> tuple[bool, int, bool, int]:
        """Return the sort key of an event that may be next: the lowest is the most plausible.

        A reopening presupposes an ending. The end of a pause presupposes its begin. Otherwise the
        order of the procedure applies.
        """
        begin = _BEGINS.get(event.kind)
        absurd = event.kind == Kind.REOPENED and not self._ended
        if begin is not None:
            absurd = (begin == event.kind) == (begin in self._paused)
        rank, ends, _, _ = _STATED.get(event.kind, (len(_AT_ONCE), False, 0, ""))
        return absurd, rank, ends, PROCEDURE.get(event.kind, len(PROCEDURE))


def holder(known: Iterable[Event]) -> str | None:
    """Return the unit responsible after these events, in order; None if the complaint is not
    assigned.
    """
    unit = None
    for event in known:
        if event.kind == Kind.ASSIGNED:
            unit = event.unit
        elif event.kind == Kind.RETURNED:
            unit = None
    return unit
