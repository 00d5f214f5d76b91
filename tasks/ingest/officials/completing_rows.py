"""Rows of a source that complete the complaints of a mailbox: only their steps are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from db import complaints
from db.models import Complaint
from sla.events import Event, Kind
from tasks.ingest.changes import event_changes, last_events, unit_in_charge
from tasks.ingest.first_values import FirstValues
from tasks.ingest.import_target import ImportTarget
from tasks.ingest.records import ComplaintRecord, has_undated, stated_events


def write_steps(
    target: ImportTarget,
    mailbox: str,
    records: Mapping[str, ComplaintRecord],
    *,
    is_late: bool,
) -> dict[str, bool]:
    """Write the steps of those records that are about complaints of a mailbox, given by ticket.

    Returns their tickets, each with whether the complaint has changed. A step that the row no
    longer states is retracted. An import with `is_late` is older than the last one and changes
    nothing.
    """
    session, now = target.session, target.now
    rows = complaints.by_ticket(session, mailbox, records) if records else {}
    events = complaints.events_of(session, (row.id for row in rows.values()))
    intervals = FirstValues(target.observed_at, None, target.ctx.site.evaluation_context)
    appended: list[tuple[int, Event]] = []
    found: dict[str, bool] = {}
    for ticket, row in rows.items():
        record, old = records[ticket], events.get(row.id, [])
        shown = stated_events(record, target.name, target.now)
        if has_undated(record):
            shown = intervals.between_imports(record, shown, last_events(old, target.name), None)
        stated = list(_steps(target, row, shown))
        new = [] if is_late else event_changes(stated, old, target.name, now)
        appended += [(row.id, event) for event in new]
        found[ticket] = bool(new)
        if new:
            row.unit = unit_in_charge([*old, *new], now)
            row.changed_at = row.next_action_at = now
    complaints.add_events(session, appended)
    return found


def _steps(target: ImportTarget, row: Complaint, stated: Iterable[Event]) -> Iterator[Event]:
    """Yield the steps of a row; one on the day of the receipt, but before it, at the receipt."""
    for event in stated:
        if event.kind in (Kind.RECEIVED, Kind.SERVICE_RECEIVED):
            continue
        if event.earliest is not None and event.earliest < row.received_at <= event.latest:
            yield replace(event, earliest=row.received_at)
        elif event.latest >= row.received_at:
            yield event
        elif target.ctx.local(event.latest).date() == target.ctx.local(row.received_at).date():
            yield Event(
                event.kind,
                row.received_at,
                event.recorded_at,
                event.source,
                unit=event.unit,
                source_field=event.source_field,
            )
