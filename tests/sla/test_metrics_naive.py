"""Every figure a second time, by plain loops over random histories: both must agree.

The loops below know nothing of columns of numbers: they count complaint by complaint, day by day,
as `sla.metrics.definitions` defines it.
"""

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from conftest import WITA
from hypothesis import given, settings
from hypothesis import strategies as st
from support.histories import TODAY, histories
from support.metric_cases import BENCH, figures
from support.programs import sized

from sla.engine.deadline import State
from sla.events import Knowledge
from sla.metrics.definitions import AGES
from sla.periods import Period

AS_OF = "2026-11-30 18:00"
MONTH = Period("2026-11", date(2026, 11, 1), date(2026, 11, 30))
WEEK = Period("2026-W46", date(2026, 11, 9), date(2026, 11, 15))
FRIDAYS = (date(2026, 12, 4), date(2026, 12, 11), date(2026, 12, 18), date(2026, 12, 23))
"""The last working days of four weeks: 24 December is a day off."""
SETTLING = ("settled", "closed")
FOLLOWED_UP = ("follow_up_published", "responded", *SETTLING)


def local(moment: datetime) -> date:
    return moment.astimezone(WITA).date()


def in_period(day: date | None, period: Period) -> bool:
    return day is not None and period.first <= day <= period.last


def working_days(after: date, until: date) -> int:
    days = (after + timedelta(days=n) for n in range(1, (until - after).days + 1))
    return sum(BENCH.calendar.counts(day) for day in days)


def first_day(one, *kinds: str) -> date | None:
    days = [local(event.latest) for event in one.events if event.kind in kinds]
    return days[0] if days else None


def settled_day(one) -> date | None:
    """The first settlement or closing after the last reopening."""
    found = None
    for event in one.events:
        if event.kind == "reopened":
            found = None
        elif event.kind in SETTLING and found is None:
            found = local(event.latest)
    return found


def soon(one) -> bool | None:
    """Followed up within 5 working days; None for a younger complaint, or if an interval leaves it
    open.
    """
    received = local(one.received)
    if working_days(received, TODAY) <= 5:
        return None
    day = first_day(one, *FOLLOWED_UP)
    if day is None:
        return False
    if working_days(received, day) <= 5:
        return True
    earliest = min(local(e.earliest or e.latest) for e in one.events if e.kind in FOLLOWED_UP)
    return None if working_days(received, earliest) <= 5 else False


def is_open(one) -> bool:
    still = True
    for event in one.events:
        if event.kind in ("settled", "closed", "archived", "withdrawn"):
            still = False
        elif event.kind == "reopened":
            still = True
    return still


def duties(one):
    return [deadline for deadline in one.deadlines if deadline.rule.binds_provider]


def day_of(deadline) -> date | None:
    moment = deadline.due or deadline.stopped
    return local(moment) if moment else None


def overdue(deadline) -> bool:
    return deadline.open and deadline.state is State.BREACHED


def ended_late(deadline) -> bool:
    breached = deadline.state is State.BREACHED and not deadline.open
    return breached and day_of(deadline) >= TODAY.replace(month=1, day=1)


def runs(deadline) -> bool:
    return deadline.open and deadline.state is State.RUNNING and day_of(deadline) >= TODAY


def forecast_until(cases, day: date) -> tuple[int, int, int]:
    """Duties that end until a day, complaints that become late by them, and all late then."""
    late = {one.ticket for one in cases if any(overdue(d) for d in duties(one))}
    ends = [(one.ticket, d) for one in cases for d in duties(one) if runs(d) and day_of(d) <= day]
    newly = {ticket for ticket, _ in ends} - late
    return len(ends), len(newly), len(newly | late)


def counted(deadlines) -> list[int]:
    states = Counter(deadline.state for deadline in deadlines)
    verdict = [states[State.MET], states[State.MET_LATE], states[State.BREACHED]]
    return [sum(verdict), *verdict, states[State.UNKNOWN], states[State.WAIVED]]


def naive(cases, period: Period) -> dict:
    received = [one for one in cases if in_period(local(one.received), period)]
    settled = [one for one in cases if in_period(settled_day(one), period)]
    due = [(one, d) for one in cases for d in duties(one) if in_period(day_of(d), period)]
    evaluated = counted(d for _, d in due)
    follow_ups = [
        working_days(local(one.received), day)
        for one in cases
        if in_period(day := first_day(one, "follow_up_published"), period)
    ]
    done = ("follow_up_published", "responded", "settled", "closed")
    return {
        "received": {one.ticket for one in received},
        "settled": {one.ticket for one in settled},
        "first_settled": {
            one.ticket for one in cases if in_period(first_day(one, *SETTLING), period)
        },
        "soon": [found for one in received if (found := soon(one)) is not None],
        "followed": sum(any(e.kind in done for e in one.events) for one in received),
        "verdicts": evaluated,
        "follow_ups": sorted(follow_ups),
        "open": {one.ticket for one in cases if is_open(one)},
        "late": {one.ticket for one in cases if any(overdue(d) for d in duties(one))},
        "late_duties": sum(overdue(d) for one in cases for d in duties(one)),
        "late_ended": sum(ended_late(d) for one in cases for d in duties(one)),
        "rules": {
            rule: counted(d for _, d in due if d.rule.id == rule)
            for rule in {d.rule.id for _, d in due}
        },
        "units": {
            unit: counted(d for _, d in due if (d.answerable or "") == unit)
            for unit in {d.answerable or "" for _, d in due}
        },
        "late_units": Counter(
            unit for one in cases for unit in {d.unit or "" for d in duties(one) if overdue(d)}
        ),
        "open_units": Counter(one.unit or "" for one in cases if is_open(one)),
        "channels": Counter(one.channel or "" for one in received),
        "ages": Counter(
            next(f"{a}-{'' if b is None else b}" for a, b in AGES if b is None or age <= b)
            for one in cases
            if is_open(one)
            for age in [working_days(local(one.received), TODAY)]
        ),
        "ahead": Counter(
            (d.unit or "", f"{day_of(d)}")
            for one in cases
            for d in duties(one)
            if runs(d) and day_of(d) < TODAY + timedelta(days=14)
        ),
        "forecast": [forecast_until(cases, day) for day in FRIDAYS],
        "unit_rules": {
            (unit, rule): counted(
                d for _, d in due if (d.answerable or "", d.rule.id) == (unit, rule)
            )[:2]
            for unit, rule in {(d.answerable or "", d.rule.id) for _, d in due}
        },
        "returned": sum(
            e.kind == "returned" and in_period(local(e.latest), period)
            for one in cases
            for e in one.events
        ),
        "listed": sorted(
            (one.ticket, d.rule.id, -(d.working_days_left or 0))
            for one in cases
            for d in duties(one)
            if overdue(d)
        ),
    }


@pytest.mark.long
@settings(max_examples=sized(60, 600))
@given(histories(), st.sampled_from([MONTH, WEEK]))
def test_the_figures_agree_with_a_count_by_hand(cases, period):
    plain, tables = naive(cases, period), figures(cases, period, AS_OF)
    head = tables["headline"]

    def behind(figure: str) -> set[str]:
        return set(head.row(figure).tickets)

    for figure in ("received", "settled", "first_settled", "open", "late"):
        assert head.value(figure, "value") == len(plain[figure])
        assert behind(figure) == plain[figure]
    for figure in ("late_duties", "late_ended"):
        assert head.value(figure, "value") == plain[figure]
    received = len(plain["received"])
    share = head.value("followed_up_share", "value")
    assert share == (plain["followed"] / received if received else None)
    within = plain["soon"]
    assert head.value("followed_up_within_5", "value") == (
        sum(within) / len(within) if within else None
    )
    met, evaluated = plain["verdicts"][1], plain["verdicts"][0]
    assert head.value("on_time", "value") == (met / evaluated if evaluated else None)
    days = plain["follow_ups"]
    assert head.value("mean_days_to_follow_up", "value") == (
        (20 * sum(days) + len(days)) // (2 * len(days)) / 10 if days else None
    )
    ninetieth = head.value("ninetieth_days_to_follow_up", "value")
    if days:
        assert sum(day <= ninetieth for day in days) >= 0.9 * len(days)
        assert sum(day < ninetieth for day in days) < 0.9 * len(days)
    assert head.value("returned", "value") == plain["returned"]
    for key, groups in (("by_rule", plain["rules"]), ("by_unit", plain["units"])):
        for name, numbers in groups.items():
            assert list(tables[key].row(name).cells[:6]) == numbers
        assert sum(row.cells[0] for row in tables[key].rows) == evaluated
    days = [column.key for column in tables["ahead"].columns]
    shown = {
        (row.key, day): number
        for row in tables["ahead"].rows
        for day, number in zip(days, row.cells, strict=True)
        if number and day != "ends"
    }
    assert shown == plain["ahead"]
    assert [row.cells for row in tables["forecast"].rows] == plain["forecast"]
    assert {
        (row.key, column.key): (row.of.get(column.key), share)
        for row in tables["unit_rule"].rows
        for column, share in zip(tables["unit_rule"].columns, row.cells, strict=True)
        if share is not None
    } == {key: (of, met / of) for key, (of, met) in plain["unit_rules"].items() if of}
    units = tables["by_unit"]
    assert {r.key: r.cells[9] for r in units.rows if r.cells[9]} == plain["late_units"]
    assert {r.key: r.cells[8] for r in units.rows if r.cells[8]} == plain["open_units"]
    channels = tables["by_channel"]
    assert {r.key: r.cells[0] for r in channels.rows if r.cells[0]} == plain["channels"]
    assert {r.key: r.cells[0] for r in tables["ageing"].rows if r.cells[0]} == plain["ages"]
    listed = sorted((r.cells[0], r.cells[3], r.cells[1]) for r in tables["late"].rows)
    assert listed == plain["listed"]
    assert tables["trend"].value("2026-11", "received") == len(naive(cases, MONTH)["received"])
    for table in tables.values():
        for row in table.rows:
            assert set(row.tickets) <= {one.ticket for one in cases}


@pytest.mark.long
@settings(max_examples=sized(20, 200))
@given(histories())
def test_the_months_of_a_quarter_add_up_to_it(cases):
    quarter = Period("2026-Q4", date(2026, 10, 1), date(2026, 12, 31))
    whole = figures(cases, quarter, AS_OF)
    months = [
        figures(cases, Period(f"2026-{m}", date(2026, m, 1), date(2026, m, last)), AS_OF)
        for m, last in ((10, 31), (11, 30), (12, 31))
    ]
    for figure in ("received", "settled", "returned", "reopened"):
        values = [tables["headline"].value(figure, "value") for tables in months]
        assert whole["headline"].value(figure, "value") == sum(values)
    evaluated = [sum(row.cells[0] for row in tables["by_rule"].rows) for tables in months]
    assert sum(row.cells[0] for row in whole["by_rule"].rows) == sum(evaluated)


def untimed(one):
    """The same complaint with all settlements at an unknown time since the receipt."""
    events = tuple(
        replace(event, earliest=one.received, knowledge=Knowledge.UNKNOWN)
        if event.kind in SETTLING
        else event
        for event in one.events
    )
    return replace(one, events=events)


@settings(max_examples=sized(20, 200))
@given(histories(), st.data())
def test_a_settlement_at_an_unknown_time_counts_in_the_month_of_receipt_only(cases, data):
    over = {one.ticket for one in cases if data.draw(st.booleans())}
    mixed = [untimed(one) if one.ticket in over else one for one in cases]
    settled = [(one, settled_day(one)) for one in cases if settled_day(one)]
    found = figures(mixed, MONTH, AS_OF)
    for row in found["trend"].rows:
        known = [
            one for one, day in settled if one.ticket not in over and f"{day:%Y-%m}" == row.key
        ]
        unknown = [
            one
            for one, _ in settled
            if one.ticket in over and f"{local(one.received):%Y-%m}" == row.key
        ]
        assert row.cells[1:3] == (len(known), len(unknown))
    head, month = found["headline"], found["trend"].row("2026-11")
    assert head.value("settled", "value") == month.cells[1]
    assert head.value("settled_unknown", "value") == month.cells[2]
