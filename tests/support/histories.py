"""Random histories of complaints, for properties of figures."""

from datetime import date, timedelta

from conftest import wita
from hypothesis import strategies as st

from sla.events import Event, Knowledge
from support.metric_cases import case, event_at

FIRST = date(2026, 9, 1)
TODAY = date(2026, 11, 30)
STEPS = (
    "settled",
    "reopened",
    "follow_up_published",
    "responded",
    "closed",
    "withdrawn",
    "paused",
    "resumed",
    "returned",
    "archived",
)
SEES = frozenset({"received", "assigned", "verified", *STEPS})


RECOMMENDED = ("recommendation_received", "recommendation_reported")
"""The steps of a duty of superiors towards the Ombudsman."""


@st.composite
def histories(draw, *, recommended=False):
    """A handful of complaints of three months, each with some steps on later days.

    If `recommended`, some have recommendations of the Ombudsman, which superiors must report on.
    """
    steps = (*STEPS, *(RECOMMENDED * 3)) if recommended else STEPS
    cases = []
    for number in range(draw(st.integers(0, 9))):
        day = FIRST + timedelta(days=draw(st.integers(0, 85)))
        events = [event_at("received", f"{day} 10:00")]
        for gap, kind in draw(
            st.lists(st.tuples(st.integers(0, 20), st.sampled_from(steps)), max_size=4)
        ):
            day += timedelta(days=gap)
            if day > TODAY:
                break
            hour = 11 + len(events)
            events.append(event_at(kind, f"{day} {hour}:00"))
        if draw(st.booleans()):
            first = events[0].latest + timedelta(days=draw(st.integers(0, 2)))
            last = first + timedelta(days=draw(st.integers(1, 60)))
            if last < wita(f"{TODAY} 09:00"):
                knowledge = Knowledge.OBSERVED
                events.append(Event("assigned", last, last, "city", first, knowledge, "camat"))
        cases.append(
            case(
                f"t{number}",
                *events,
                unit=draw(st.sampled_from(["pupr", "dinkes"])),
                sees=SEES.union(RECOMMENDED) if recommended else SEES,
                channel=draw(st.sampled_from(["web", "sms", None])),
                classification=draw(st.sampled_from(["information_request", "complaint", None])),
            )
        )
    return cases
