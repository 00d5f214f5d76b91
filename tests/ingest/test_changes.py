"""What of a stored complaint follows from its events, and which complaint a new row is."""

import pytest
from conftest import wita
from sqlalchemy import select
from support.pipeline import register

from db import complaints
from db.models import Complaint, EventRow
from sla.events import Event, ImpossibleHistory, Kind, events_as_of
from tasks.common.context import SiteContext
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


MONDAY, WEDNESDAY, FRIDAY = "2026-11-16 08:00", "2026-11-18 08:00", "2026-11-20 08:00"
DAY = "2026-11-16 08:00", "2026-11-18 08:00", "2026-11-20 08:00"
DAY = "13/11/2026 08:00"
END = "17/11/2026 10:00"


def row(ticket: str, received: str = DAY, **cells: str) -> dict[str, str]:
    return {"No Register": ticket, "Tanggal Masuk": received, **cells}


def tickets(context: SiteContext) -> list[str]:
    with context.transaction() as session:
        return list(session.scalars(select(Complaint.ticket).order_by(Complaint.ticket)))


@pytest.mark.parametrize(
    ("first", "second"), [("fd-4", "FD-4"), ("FD-4", "fd-4"), ("Fd-4", "FD-4")]
)
def test_a_known_number_in_another_case_is_the_same_complaint(context, first, second):
    register(context, MONDAY, row(first), row("FD-5"))
    register(context, WEDNESDAY, row(second, Selesai=END), row("FD-5"))
    assert tickets(context) == sorted((first, "FD-5"))
    with context.transaction() as session:
        (found,) = complaints.by_ticket_number(session, second)
        assert found.absent_since is None
        kinds = session.scalars(select(EventRow.kind).where(EventRow.complaint_id == found.id))
        assert "settled" in set(kinds)
    register(context, FRIDAY, row(first, Selesai=END), row("FD-5"))
    assert tickets(context) == sorted((first, "FD-5"))


def test_both_spellings_in_one_file_are_two_complaints(context):
    register(context, MONDAY, row("fd-4"))
    register(context, WEDNESDAY, row("fd-4"), row("FD-4", Selesai=END))
    assert tickets(context) == ["FD-4", "fd-4"]
    register(context, FRIDAY, row("FD-4", Selesai=END))
    assert tickets(context) == ["FD-4", "fd-4"]


def test_a_number_in_another_case_of_another_day_is_another_complaint(context):
    register(context, MONDAY, row("fd-4"))
    register(context, WEDNESDAY, row("FD-4", "16/11/2026 08:00"))
    assert tickets(context) == ["FD-4", "fd-4"]


def test_two_new_spellings_of_a_known_number_are_complaints_of_their_own(context):
    register(context, MONDAY, row("fd-4"))
    register(context, WEDNESDAY, row("FD-4"), row("Fd-4"))
    assert tickets(context) == ["FD-4", "Fd-4", "fd-4"]
