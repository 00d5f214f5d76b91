"""Complaints of November 2026 and the metrics of a report over them."""

from datetime import date

import numpy as np
from conftest import REPOSITORY, WITA, wita

from sla.calendar import Calendar, indonesian_days_off
from sla.engine.context import ComplaintFacts, EvaluationContext, Policy
from sla.engine.evaluate import evaluate
from sla.events import Event
from sla.metrics.case import Case
from sla.metrics.columns import Gathering
from sla.metrics.encoding import LabelTable, encode_case
from sla.metrics.tables import Tellings, report
from sla.periods import Period
from sla.regulations.loader import load

FIRST, LAST = date(2025, 1, 1), date(2027, 12, 31)
BENCH = EvaluationContext(
    load([REPOSITORY / "regulations"]),
    Calendar(FIRST, LAST, days_off=indonesian_days_off(range(2025, 2028))),
    Calendar.every_day(FIRST, LAST),
    WITA,
    Policy.BENEFIT_OF_DOUBT,
    administrator_unit="kominfo",
)


NOVEMBER = Period("2026-11", date(2026, 11, 1), date(2026, 11, 30))
AS_OF = "2026-11-30 18:00"
SEES = frozenset({"received", "assigned", "settled"})


def event_at(kind, at, unit=None):
    return Event(kind, wita(at), wita(at), "register", unit=unit)


def case(ticket, *events, unit="dinkes", sees=SEES, as_of=AS_OF, **facts):
    """A request for information at a unit, unless told otherwise, judged at `as_of`."""
    facts = {"classification": "information_request", "channel": "web"} | facts
    received = events[0].latest
    events = (events[0], Event("assigned", received, received, "register", unit=unit), *events[1:])
    return Case(
        ticket=ticket,
        source="register",
        category="jalan",
        unit=unit,
        events=events,
        classification=facts["classification"],
        channel=facts["channel"],
        received=events[0].latest,
        deadlines=tuple(evaluate(ComplaintFacts(sees=sees, **facts), events, BENCH, wita(as_of))),
    )


def gathered_of(cases):
    """The columns of these cases, and the key of each ticket, from 100 on."""
    gathering, words = Gathering(), LabelTable()
    keys = {each.ticket: key for key, each in enumerate(cases, start=100)}
    for each in cases:
        gathering.add(keys[each.ticket], each.ticket, encode_case(each, BENCH, words.number))
    return gathering.done(words.by_number()), keys


def figures(cases, period=NOVEMBER, as_of=AS_OF, notified=()):
    """The tables of these cases by their keys; `notified` are (ticket, rung, local day)."""
    gathered, keys = gathered_of(cases)
    tellings = Tellings(
        gathered.places(np.array([keys[ticket] for ticket, _, _ in notified], dtype=np.int64)),
        np.array([date.fromisoformat(day).toordinal() for _, _, day in notified], dtype=np.int64),
        [rung for _, rung, _ in notified],
        ["escalation" for _ in notified],
    )
    tables = report(
        gathered, period, BENCH, wita(as_of), tellings=tellings, findings={"quarantined": 3}
    )
    return {table.key: table for table in tables}
