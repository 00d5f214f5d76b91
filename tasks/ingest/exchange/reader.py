"""Exchange: read complaints and events that another installation of Tenggat has exported."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from db.models import QuestionRole
from sla.engine.context import UNDETERMINED
from sla.events import (
    ANY_KIND,
    ASSIGNEE,
    FOLLOWS,
    PROMISED_DUE,
    QUESTION,
    Event,
    ImpossibleHistory,
    Kind,
    Knowledge,
    events_as_of,
)
from tasks.common.dates import parse_iso, same_day
from tasks.ingest.records import (
    RECEIVED,
    UNIT_FIELD,
    ComplaintRecord,
    RejectionReason,
    RowError,
)
from tasks.ingest.row_parser import ParserInputs, RowParser

DOUBTED = (*Kind, ANY_KIND, ASSIGNEE, PROMISED_DUE)
"""The kinds of doubts: see `sla.events.Event`."""

EVENTS = "events"
"""The column with the events, and the first part of the `source_field` of an unreadable one."""

CONTRADICTION = "before the receipt"
"""The value of the question about events that contradict the date of receipt."""

OWN_DOUBTS = frozenset(f"{QUESTION}{column}" for column in ("unit", "promised_due"))
"""The source fields of our own doubts about other columns of a line."""

LONGEST = 64
"""Length limit for the name of a source: our name and the other installation's name together."""


def known_as(name: str, origin: str) -> str:
    """Return the name used here for a source of the other installation."""
    return f"{name}/{origin}" if origin else name


class ExchangeReader(RowParser):
    """Parser for a line of the exchange format: its columns are fixed, and all events are
    included.
    """

    never_shortened = frozenset({EVENTS})

    def __init__(self, inputs: ParserInputs) -> None:
        super().__init__(inputs)
        known, meanings = inputs.classifications, self.source.values.classification.values()
        self._known = None if known is None else {*known, *meanings}

    def key(self, cells: Mapping[str, str]) -> str:
        """Return the key of a row: the other installation's source and ticket."""
        origin, ticket = cells["source"], cells["ticket"]
        return f"{origin}/{ticket}" if origin and ticket else ticket

    def record(self, cells: Mapping[str, str], observed: datetime) -> ComplaintRecord:
        """Parse one line; raises :class:`RowError` for the first error."""
        self._unmapped = []
        ticket, origin = cells["ticket"], cells["source"]
        if not ticket:
            raise RowError(RejectionReason.MISSING_TICKET, "ticket")
        if len(ticket) > 255:
            raise RowError(RejectionReason.TOO_LONG, "ticket", ticket[:40])
        if len(known_as(self.name, origin)) > LONGEST:
            raise RowError(RejectionReason.TOO_LONG, "source", origin[:40])
        received = self._at(cells, "received")
        if received is None:
            raise RowError(RejectionReason.MISSING_DATE, "received")
        if received > observed:
            raise RowError(RejectionReason.IN_THE_FUTURE, "received", cells["received"])
        anonymous, secret = (_yes(cells[name]) for name in ("anonymous", "secret"))
        return ComplaintRecord(
            ticket=ticket,
            received=received,
            classification=self._meaning(cells["classification"]),
            category=self._plain(cells, "category", 255),
            channel=self._plain(cells, "channel", 255),
            place=self._plain(cells, "place", 255),
            rating=self._rating(cells),
            unit=self._unit(cells, "unit", UNIT_FIELD),
            title=self._title(cells, anonymous or secret),
            anonymous=anonymous,
            secret=secret,
            promised_due=self._promised_due(cells),
            status=None,
            steps=(),
            origin=origin,
            history=self._history(cells["events"], origin, received, observed),
            unmapped=tuple(self._unmapped),
        )

    def _at(self, cells: Mapping[str, str], column: str) -> datetime | None:
        try:
            return parse_iso(cells[column])
        except ValueError:
            raise RowError(RejectionReason.BAD_DATE, column, cells[column]) from None

    def _promised_due(self, cells: Mapping[str, str]) -> datetime | None:
        column = "promised_due"
        try:
            return self._at(cells, column)
        except RowError:
            role = QuestionRole.PROMISED_DUE
            answer = self._ask(role, column, cells[column], role)
            return datetime.fromisoformat(answer) if answer else None

    def _meaning(self, word: str) -> str | None:
        """Return a classification as mapped by `values.classification`, else unchanged.

        There is a question about one that neither a rule nor the mapping names.
        """
        if not word:
            return None
        meaning = self._classifications.get(" ".join(word.split()).casefold(), word)
        if meaning == UNDETERMINED or self._known is None or meaning in self._known:
            return meaning
        answer = self._ask(QuestionRole.CLASSIFICATION, "classification", word, "classification")
        return UNDETERMINED if answer is None else answer or None

    def _history(
        self, text: str, origin: str, received: datetime, observed: datetime
    ) -> tuple[Event, ...]:
        """Return the events in the order of their recording at the other installation.

        Without a readable list, any step may be missing. If the events contradict the date of
        receipt in a way that names none of them, none is imported and any step may be missing.
        """
        times = _LineTimes(origin, received, observed)
        receipt = Event(
            Kind.RECEIVED, received, received, origin, source_field=f"{RECEIVED}/{Kind.RECEIVED}"
        )
        found = [self._event(one, times) for one in self._listed(text, times)]
        events = [event for event in found if event is not None]
        if not any(event.kind == Kind.RECEIVED for event in events):
            events.insert(0, receipt)
        events = [event for event in self._in_order(events, times) if event is not None]
        if not _is_possible(events, observed):
            found = [self._not_before_receipt(event, times) for event in events]
            events = [event for event in found if event is not None]
        if not _is_possible(events, observed):
            self._answered(_BadEvent("", CONTRADICTION), times)
            events = [receipt]
        return tuple(events)

    def _listed(self, text: str, times: _LineTimes) -> list[Any]:
        """Return the list of events; ask about another value by its type."""
        try:
            stated = json.loads(text or "[]")
        except ValueError:
            stated = text
        if isinstance(stated, list):
            return stated
        self._answered(_BadEvent("", str(type(stated).__name__)), times)
        return []

    def _event(self, stated: Any, times: _LineTimes) -> Event | None:
        """Return an event; for an unreadable or future one, what the answer about it says."""
        try:
            event = self._readable(stated, times.origin)
        except _BadEvent as bad:
            return self._answered(bad, times)
        if event.latest > times.observed:
            return self._answered(_BadEvent.of(event), times)
        return event

    def _in_order(self, events: list[Event], times: _LineTimes) -> Iterator[Event | None]:
        """Yield the events; for one on a day before the event that it follows, what the answer
        about it says.

        On one day the order of the procedure counts. Events with a `source_field` come from another
        installation, which has checked their order itself.
        """
        plain = [each for each in events if not each.source_field and each.earliest is None]
        first: dict[str, datetime] = {}
        for each in plain:
            first[each.kind] = min(each.latest, first.get(each.kind, each.latest))
        for event in events:
            begin = first.get(FOLLOWS.get(event.kind, ""))
            if begin is None or event.latest >= begin or event not in plain:
                yield event
            elif same_day(event.latest, begin, self._zone):
                yield replace(event, latest=begin + timedelta(seconds=1))
            else:
                yield self._answered(_BadEvent.of(event), times)

    def _not_before_receipt(self, event: Event, times: _LineTimes) -> Event | None:
        """Return an event; for one before the receipt, what the answer about it says."""
        certain = event.kind in (Kind.RECEIVED, Kind.SERVICE_RECEIVED) or event.retracted
        if certain or event.is_doubt or event.latest >= times.received:
            return event
        return self._answered(_BadEvent.of(event), times)

    def _answered(self, bad: _BadEvent, times: _LineTimes) -> Event | None:
        """Ask about an event; return the event that the answer gives, if any."""
        kind = bad.kind if bad.kind in list(Kind) else ANY_KIND
        source_field = f"{EVENTS}/{kind}"
        answer = self._ask(QuestionRole.STEP, EVENTS, bad.value, source_field, kind)
        self._unmapped[-1] = replace(self._unmapped[-1], unit=bad.unit)
        if not answer or kind == ANY_KIND:
            return None
        moment = datetime.fromisoformat(answer)
        if not times.received <= moment <= times.observed:
            self._unmapped[-1] = replace(self._unmapped[-1], answer=None)
            return None
        return Event(kind, moment, moment, times.origin, unit=bad.unit, source_field=source_field)

    def _readable(self, stated: Any, origin: str) -> Event:
        if not isinstance(stated, dict):
            raise _BadEvent("", str(type(stated).__name__))
        kind, knowledge = stated.get("kind"), stated.get("knowledge", str(Knowledge.STATED))
        kinds = DOUBTED if knowledge == Knowledge.UNREADABLE else tuple(Kind)
        if kind not in kinds or knowledge not in list(Knowledge):
            raise _BadEvent(str(kind), f"{kind} {knowledge}")
        name = str(stated.get("unit") or "").strip()
        source_field = str(stated.get("source_field") or "")[:255]
        unit = self._unit({"unit": name}, "unit", source_field)
        try:
            at, after = parse_iso(stated.get("at")), parse_iso(stated.get("after"))
            recorded = parse_iso(stated.get("recorded")) or at
            if at is None or recorded is None:
                raise ValueError("no time")
            return Event(
                kind=str(kind),
                latest=at,
                recorded_at=recorded,
                source=str(stated.get("source") or origin)[:LONGEST],
                earliest=after,
                knowledge=Knowledge(knowledge),
                unit=unit,
                source_field=source_field,
                retracted=_yes(str(stated.get("retracted") or "")),
            )
        except ValueError:
            raise _BadEvent(str(kind), f"{kind} {stated.get('at')}", unit) from None


@dataclass(frozen=True, slots=True)
class _LineTimes:
    """The source of a line, its date of receipt, and the time of the import."""

    origin: str
    received: datetime
    observed: datetime


class _BadEvent(Exception):
    """An event that cannot be read: its kind, the value for the question, and its unit."""

    def __init__(self, kind: str, value: str, unit: str | None = None) -> None:
        super().__init__(kind)
        self.kind, self.value, self.unit = kind, value, unit

    @classmethod
    def of(cls, event: Event) -> _BadEvent:
        """Return an event with an impossible time."""
        return cls(event.kind, f"{event.kind} {event.latest.isoformat()}", event.unit)


def _is_possible(events: list[Event], observed: datetime) -> bool:
    """Check whether no event contradicts the date of receipt."""
    try:
        events_as_of(events, max(observed, *(event.recorded_at for event in events)))
    except ImpossibleHistory:
        return False
    return True


def _yes(text: str) -> bool:
    """Check whether a flag is set. Any unknown word counts as set, to protect privacy."""
    return text.strip().casefold() not in ("", "false", "no", "0")
