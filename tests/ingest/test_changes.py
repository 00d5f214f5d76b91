"""What of a stored complaint follows from its events."""

import pytest
from conftest import wita

from sla.events import Event, ImpossibleHistory, Kind, events_as_of
from tasks.ingest.changes import unit_in_charge

NOW = wita("2026-11-24 08:00")


def event(kind: Kind, day: int, unit: str | None = None) -> Event:
    return Event(kind, wita(f"2026-11-{day:02} 08:00"), NOW, "register", unit=unit)


def test_the_unit_in_charge_is_known_although_a_receipt_contradicts_the_steps():
    """It raised an error, and the whole file waited because of this row."""
    events = [
        event(Kind.RECEIVED, 5),
        event(Kind.ASSIGNED, 2, "dinsos"),
        event(Kind.ASSIGNED, 3, "disdukcapil"),
    ]
    with pytest.raises(ImpossibleHistory):
        events_as_of(events, NOW)
    assert unit_in_charge(events, NOW) == "disdukcapil"
