"""Changes of stored complaints: facts and events that differ between a row and the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from db import audit
from db.models import Complaint, PastFacts
from sla.events import ABSENT, HANDOVERS, Event, Kind, Knowledge, events_as_of, holder
from tasks.ingest.records import FIRST_VALUE, ComplaintRecord, event_identity
from tasks.ingest.snapshot_diff import OBSERVED

PERSONAL = ("text", "attachments", "reporter")
"""Texts stored only if a mapping names them."""

RULE_FACTS = ("classification", "category", "channel", "place", "rating", "promised_due")
"""Facts of a complaint for rules and reports: a change requires a new evaluation."""


def new_complaint(
    record: ComplaintRecord, source: str, observed_at: datetime, now: datetime
) -> dict[str, Any]:
    """Return the columns of a new complaint, except those about its present state."""
    return {
        "source": source,
        "ticket": record.ticket,
        "received_at": record.received,
        "recorded_at": now,
        "classification": record.classification,
        "category": record.category,
        "channel": record.channel,
        "place": record.place,
        "rating": record.rating,
        "title": record.title,
        "text": record.text,
        "attachments": record.attachments,
        "reporter": record.reporter,
        "anonymous": record.anonymous,
        "secret": record.secret,
        "promised_due": record.promised_due,
        "seen_at": observed_at,
        "content_hash": record.content_hash,
        "next_action_at": now,
        "changed_at": now,
    }


def past_facts(row: Complaint, now: datetime) -> PastFacts:
    """Return the present facts of a complaint as facts superseded now."""
    return PastFacts(complaint_id=row.id, superseded_at=now, **_rule_facts(row))


def update_facts(row: Complaint, record: ComplaintRecord, now: datetime) -> list[PastFacts]:
    """Write the facts of a row to its complaint; return the former ones if one of `RULE_FACTS` has
    changed.
    """
    before = _rule_facts(row)
    for name in (*RULE_FACTS, "title", *PERSONAL, "anonymous", "secret"):
        if getattr(row, name) != getattr(record, name):
            setattr(row, name, getattr(record, name))
    row.received_at, row.content_hash = record.received, record.content_hash
    if before == _rule_facts(row):
        return []
    return [PastFacts(complaint_id=row.id, superseded_at=now, **before)]


def hide(row: Complaint, record: ComplaintRecord, now: datetime) -> None:
    """Hide a complaint as this row asks, and delete its title and personal texts."""
    row.anonymous, row.secret, row.changed_at = record.anonymous, record.secret, now
    for name in ("title", *PERSONAL):
        setattr(row, name, None)


def unhide(session: Session, rows: Sequence[Complaint], source: str, now: datetime) -> int:
    """Let the next import decide by their rows whether these hidden complaints of a source are
    open; return their number.

    A complaint without a content hash is written again as if its row had changed, and does not stay
    hidden if the row does not hide it. Until then nothing of it is shown. One row of the audit has
    the decision.
    """
    hidden = [row for row in rows if (row.anonymous or row.secret) and row.content_hash is not None]
    for row in hidden:
        row.content_hash = None
    if hidden:
        audit.note(
            session,
            audit.AuditKind.COMPLAINT_UNHIDDEN,
            now,
            "a person let the source decide whether hidden complaints are open",
            complaint=hidden[0].id if len(rows) == 1 else None,
            source=source,
            complaints=[row.id for row in hidden],
        )
    return len(hidden)


def _rule_facts(row: Complaint) -> dict[str, Any]:
    return {name: getattr(row, name) for name in RULE_FACTS}


def unit_of_record(record: ComplaintRecord, events: Sequence[Event], now: datetime) -> str | None:
    """Return the unit in charge of a complaint by its events, or as another installation
    states it.
    """
    return (record.unit if record.history else None) or unit_in_charge(events, now)


def unit_in_charge(events: Collection[Event], now: datetime) -> str | None:
    """Return the unit in charge of a complaint by its events.

    It is known although other events contradict the receipt, which makes the history impossible.
    """
    handovers = [event for event in events if event.kind in HANDOVERS]
    if not handovers:
        return None
    events = [event for event in events if event.kind != Kind.RECEIVED]
    if len(handovers) == 1 and _is_certain(handovers[0], events, now):
        return handovers[0].unit if handovers[0].kind == Kind.ASSIGNED else None
    return holder(events_as_of(events, now))


def _is_certain(event: Event, events: Sequence[Event], now: datetime) -> bool:
    """Check whether an event counts at `now` in any order of the others."""
    if event.knowledge is not Knowledge.STATED or event.retracted:
        return False
    place = event.source_field
    replaced = place and any(e.source_field == place for e in events if e is not event)
    return not replaced and event.latest <= now and event.recorded_at <= now


def event_changes(
    stated: Sequence[Event], stored: Sequence[Event], source: str, now: datetime
) -> list[Event]:
    """Return the differences between stated and stored events: new, changed or retracted ones."""
    remaining = last_events(stored, source)
    changed = []
    for event in stated:
        before = remaining.pop(event.source_field, None)
        if before is not None and FIRST_VALUE in event.source_field:
            continue
        if before is not None and not before.retracted and _same_doubt(before, event):
            continue
        if before is None or before.retracted or _content(before) != _content(event):
            changed.append(event)
    emptied = (
        event
        for event in remaining.values()
        if not event.retracted and FIRST_VALUE not in event.source_field
    )
    return changed + [replace(event, recorded_at=now, retracted=True) for event in emptied]


def last_events(events: Iterable[Event], source: str) -> dict[str, Event]:
    """Return the last recorded event of each source field."""
    return {
        event.source_field: event
        for event in events
        if event.source == source and event.source_field not in ("", ABSENT)
    }


def _same_doubt(before: Event, event: Event) -> bool:
    """Check whether a doubt about a field is on record: it then goes back to its first import.

    A doubt derived from state spans is replaced, because an older snapshot may have changed it.
    """
    both = before.is_doubt and event.is_doubt and before.kind == event.kind
    return both and not event.source_field.startswith(OBSERVED)


def _content(event: Event) -> tuple[object, ...]:
    return event.kind, event.latest, event.earliest, event.knowledge, event.unit


def missing_events(stated: Sequence[Event], stored: Sequence[Event]) -> list[Event]:
    """Return the events of the exchange format that are not stored yet, each as often as stated."""
    known = Counter(map(event_identity, stored))
    new = []
    for event in stated:
        if known[event_identity(event)]:
            known[event_identity(event)] -= 1
        else:
            new.append(event)
    return new
