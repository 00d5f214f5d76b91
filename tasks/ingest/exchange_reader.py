"""Exchange: read complaints and events that another installation of Tenggat has exported."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sla.events import (
    ANY_KIND,
    ASSIGNEE,
    PROMISED_DUE,
    Event,
    ImpossibleHistory,
    Kind,
    Knowledge,
    events_as_of,
)
from tasks.common.dates import parse_iso
from tasks.ingest.row_parser import (
    RECEIVED,
    UNIT_FIELD,
    ComplaintRecord,
    RejectionReason,
    RowError,
    RowParser,
)

DOUBTED = (*Kind, ANY_KIND, ASSIGNEE, PROMISED_DUE)
"""The kinds of doubts: see `sla.events.Event`."""

LONGEST = 64
"""Length limit for the name of a source: our name and the other installation's name together."""


def known_as(name: str, origin: str) -> str:
    """Return the name used here for a source of the other installation."""
    return f"{name}/{origin}" if origin else name


class ExchangeReader(RowParser):
    """Parser for a line of the exchange format: its columns are fixed, and all events are
    included.
    """

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
            raise RowError(RejectionReason.IN_THE_FUTURE, "received", received.isoformat())
        anonymous, secret = (_yes(cells[name]) for name in ("anonymous", "secret"))
        return ComplaintRecord(
            ticket=ticket,
            received=received,
            classification=self._meaning(cells["classification"]),
            category=self._plain(cells, "category", 255),
            channel=self._plain(cells, "channel", 255),
            unit=self._unit(cells, "unit", UNIT_FIELD),
            title=self._title(cells, anonymous or secret),
            anonymous=anonymous,
            secret=secret,
            promised_due=self._at(cells, "promised_due"),
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

    def _meaning(self, word: str) -> str | None:
        """Return a classification as mapped by `values.classification`, else unchanged."""
        if len(word) > 64:
            raise RowError(RejectionReason.TOO_LONG, "classification", word[:40])
        return self._classifications.get(" ".join(word.split()).casefold(), word) or None

    def _history(
        self, text: str, origin: str, received: datetime, observed: datetime
    ) -> tuple[Event, ...]:
        """Return the events in the order of their recording at the other installation."""
        try:
            told = json.loads(text or "[]")
        except ValueError:
            raise RowError(RejectionReason.BAD_EVENT, "events") from None
        if not isinstance(told, list):
            raise RowError(RejectionReason.BAD_EVENT, "events")
        events = [self._event(one, origin) for one in told]
        late = next((event for event in events if event.latest > observed), None)
        if late is not None:
            raise RowError(
                RejectionReason.IN_THE_FUTURE, "events", f"{late.kind} {late.latest.isoformat()}"
            )
        if not any(event.kind == Kind.RECEIVED for event in events):
            source_field = f"{RECEIVED}/{Kind.RECEIVED}"
            events.insert(
                0, Event(Kind.RECEIVED, received, received, origin, source_field=source_field)
            )
        try:
            events_as_of(events, max(observed, *(event.recorded_at for event in events)))
        except ImpossibleHistory as error:
            raise RowError(RejectionReason.BEFORE_RECEIPT, "events", str(error)) from None
        return tuple(events)

    def _event(self, told: Any, origin: str) -> Event:
        if not isinstance(told, dict):
            raise RowError(RejectionReason.BAD_EVENT, "events")
        kind, knowledge = told.get("kind"), told.get("knowledge", str(Knowledge.STATED))
        kinds = DOUBTED if knowledge == Knowledge.UNREADABLE else tuple(Kind)
        if kind not in kinds or knowledge not in list(Knowledge):
            raise RowError(RejectionReason.BAD_EVENT, "events", f"{kind} {knowledge}")
        name = str(told.get("unit") or "").strip()
        source_field = str(told.get("source_field") or "")[:255]
        unit = self._unit({"unit": name}, "unit", source_field)
        try:
            at, after = parse_iso(told.get("at")), parse_iso(told.get("after"))
            recorded = parse_iso(told.get("recorded")) or at
            if at is None or recorded is None:
                raise ValueError("no time")
            return Event(
                kind=str(kind),
                latest=at,
                recorded_at=recorded,
                source=str(told.get("source") or origin)[:LONGEST],
                earliest=after,
                knowledge=Knowledge(knowledge),
                unit=unit,
                source_field=source_field,
                retracted=_yes(str(told.get("retracted") or "")),
            )
        except ValueError:
            raise RowError(
                RejectionReason.BAD_EVENT, "events", f"{kind} {told.get('at')}"
            ) from None


def _yes(text: str) -> bool:
    """Check whether a flag is set. Any unknown word counts as set, to protect privacy."""
    return text.strip().casefold() not in ("", "false", "no", "0")
