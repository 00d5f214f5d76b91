"""State that a step of a complaint happened, in the name of an official, and take it back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from db import audit, complaints
from db.models import Complaint
from sla.events import BY_OFFICIALS, Event, Kind
from tasks.common.context import SiteContext
from tasks.ingest.changes import unit_in_charge


class WrongStep(ValueError):
    """A step cannot be stated or taken back; the message gives the reason and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialStep:
    """A step of a complaint: its kind, its time, and for an assignment the unit.

    `origin` is the way in which it is stated (:data:`sla.events.BY_OFFICIALS`), and `role` the role
    of the official if it is known.
    """

    kind: Kind
    at: datetime
    unit: str | None = None
    origin: str
    role: str = ""

    @property
    def source_field(self) -> str:
        """Return the identity of the step: two statements of one kind and time are the same."""
        return f"{self.kind}/{self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def state(
    session: Session, context: SiteContext, complaint: Complaint, step: OfficialStep, now: datetime
) -> bool:
    """Record a step of a complaint with its row in the audit; return False if it is known already.

    The next run evaluates the complaint again. An assignment at the same time to another unit
    replaces the former one. Raises :class:`WrongStep` for a step that is impossible.
    """
    _check(context, complaint, step, now)
    events = complaints.events_of(session, [complaint.id]).get(complaint.id, [])
    known = _stated(events).get(step.source_field)
    if known is not None and known.unit == step.unit:
        return False
    origin = known.source if known is not None else step.origin
    event = Event(step.kind, step.at, now, origin, unit=step.unit, source_field=step.source_field)
    _add(session, complaint, event, events, now)
    audit.note(
        session,
        audit.AuditKind.STEP_STATED,
        now,
        f"an official stated a step of the complaint: {step.kind}",
        complaint=complaint.id,
        **_subject(event, step),
    )
    return True


def retract(
    session: Session, context: SiteContext, complaint: Complaint, step: OfficialStep, now: datetime
) -> None:
    """Take back a step that an official stated; raises :class:`WrongStep` if there is none."""
    events = complaints.events_of(session, [complaint.id]).get(complaint.id, [])
    stated = _stated(events)
    known = stated.get(step.source_field)
    if known is None:
        times = sorted(event.latest for event in stated.values() if event.kind == step.kind)
        shown = ", ".join(f"{context.local(each):%Y-%m-%dT%H:%M:%S}" for each in times)
        raise WrongStep(
            f"no official stated the step {step.kind} of complaint {complaint.ticket} at this time"
            + (f"; stated is {shown}" if shown else "; only a stated step can be taken back")
        )
    event = replace(known, recorded_at=now, retracted=True)
    _add(session, complaint, event, events, now)
    audit.note(
        session,
        audit.AuditKind.STEP_RETRACTED,
        now,
        f"an official took back a stated step of the complaint: {step.kind}",
        complaint=complaint.id,
        **_subject(event, step),
    )


def _subject(event: Event, step: OfficialStep) -> dict[str, Any]:
    return {
        "event": str(event.kind),
        "happened_at": event.latest.astimezone(UTC).isoformat(),
        "unit": event.unit,
        "origin": step.origin,
        "role": step.role,
    }


def _check(context: SiteContext, complaint: Complaint, step: OfficialStep, now: datetime) -> None:
    """Raise :class:`WrongStep` for a step before the receipt, in the future, or of the source."""
    if step.at > now:
        raise WrongStep(
            f"{context.local(step.at):%Y-%m-%d %H:%M} is in the future; give the time at which the"
            " step happened"
        )
    if step.at < complaint.received_at:
        raise WrongStep(
            f"{context.local(step.at):%Y-%m-%d %H:%M} is before the receipt of complaint"
            f" {complaint.ticket} ({context.local(complaint.received_at):%Y-%m-%d %H:%M}); give the"
            " time at which the step happened"
        )
    if step.kind == Kind.ASSIGNED and _source_names_unit(context, complaint):
        raise WrongStep(
            f"the source {complaint.source} itself names the unit of complaint {complaint.ticket};"
            " assign the complaint there"
        )


def _source_names_unit(context: SiteContext, complaint: Complaint) -> bool:
    source = context.site.sources.get(complaints.root_source(complaint.source))
    if source is None:
        return False
    return source.is_exchange or (source.layout == "snapshot" and source.fields.unit is not None)


def _stated(events: Iterable[Event]) -> dict[str, Event]:
    """Return the steps that officials stated and did not take back, by source field."""
    last = {event.source_field: event for event in events if event.source in BY_OFFICIALS}
    return {field: event for field, event in last.items() if not event.retracted}


def _add(
    session: Session, complaint: Complaint, event: Event, events: Sequence[Event], now: datetime
) -> None:
    complaints.add_events(session, [(complaint.id, event)])
    if event.kind == Kind.ASSIGNED:
        complaint.unit = unit_in_charge([*events, event], now)
    complaint.changed_at = complaint.next_action_at = now
