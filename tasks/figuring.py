"""Figure: the tables of a report, from every complaint judged as it was known at a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from sqlalchemy.orm import Session

from db import complaints, looks, outbox
from db.models import Complaint
from sla.events import Event, Kind, holder
from sla.figures.case import Case
from sla.figures.gathering import Gathered, Gathering
from sla.figures.report import Tellings, report
from sla.figures.table import Table
from sla.judge import Judged, judge_all
from sla.periods import Period
from tasks.knowing import Known, judged_of, known_of
from tasks.office import Office
from tasks.rendering import short_day_text, words
from tasks.views import told_by_role


def figured(
    session: Session,
    office: Office,
    period: Period,
    as_of: datetime,
    *,
    hindsight: datetime | None = None,
) -> tuple[Table, ...]:
    """All tables of a period as they are known at `as_of`.

    Complaints are judged some at a time and only numbers of them are kept. With `hindsight` they
    are what would have been known at `as_of`, had all that had happened by then been recorded at
    once: what is on record at the later moment counts if it happened before.
    """
    gathered, places = _gathered(session, office, as_of, hindsight)
    return report(
        gathered,
        period,
        office.site.bench,
        as_of,
        tellings=_tellings(session, office, places, as_of),
        findings=_findings(session, office, period, as_of),
        told=_told(session, office, gathered, places, as_of),
    )


def _gathered(
    session: Session, office: Office, as_of: datetime, hindsight: datetime | None
) -> tuple[Gathered, dict[int, int]]:
    """The columns of all complaints recorded by then, and each one's place in them by its id."""
    gathering = Gathering(office.site.bench)
    numbers: dict[int, int] = {}
    for batch in complaints.recorded_by(session, hindsight or as_of):
        rows = [row for row in batch if row.recorded_at <= as_of or row.received_at <= as_of]
        for known, judged in _judged(session, office, rows, as_of, hindsight):
            row, facts, events = known.complaint, known.matter.facts, judged.known
            received = next((e.latest for e in events if e.kind == Kind.RECEIVED), row.received_at)
            numbers[row.id] = gathering.add(
                Case(
                    ticket=row.ticket, source=row.source, classification=facts.classification,
                    category=facts.category, channel=facts.channel,
                    unit=holder(events) or office.site.file.administrator_unit,
                    received=received, events=tuple(events), deadlines=tuple(judged.deadlines),
                )
            )  # fmt: skip
    gathered, place = gathering.done()
    return gathered, {key: int(place[number]) for key, number in numbers.items()}


def _judged(
    session: Session,
    office: Office,
    rows: Sequence[Complaint],
    as_of: datetime,
    hindsight: datetime | None,
) -> Iterator[tuple[Known, Judged]]:
    if hindsight is None:
        yield from judged_of(session, office, rows, as_of)
        return
    known = [
        replace(each, matter=replace(each.matter, events=_known_at_once(each.matter.events, as_of)))
        for each in known_of(session, office, rows, hindsight)
    ]
    judged = judge_all([each.matter for each in known], office.site.bench, as_of)
    yield from zip(known, judged, strict=True)


def _known_at_once(events: Iterable[Event], as_of: datetime) -> list[Event]:
    """Events as if each that had happened by a moment had been recorded by it."""
    return [
        replace(event, recorded_at=as_of) if event.latest <= as_of < event.recorded_at else event
        for event in events
    ]


def _tellings(
    session: Session, office: Office, places: dict[int, int], as_of: datetime
) -> Tellings:
    """Every rung that somebody was told of by `as_of`, on the day of its first mail."""
    rows = [row for row in outbox.first_told(session, as_of) if row.complaint in places]
    return Tellings(
        np.array([places[row.complaint] for row in rows], dtype=np.int64),
        np.array([office.site.bench.day(row.at) for row in rows], dtype=np.int64),
        [row.rung for row in rows],
        [row.kind for row in rows],
    )


def _findings(session: Session, office: Office, period: Period, as_of: datetime) -> dict[str, int]:
    """What is to be known of the data beyond the complaints themselves."""
    law = office.site.bench.law
    in_force = (law.on(rule, period.last) for rule in law.ids)
    open_rules = sum(rule.certainty.to_be_confirmed for rule in in_force if rule is not None)
    return {
        "quarantined": looks.quarantine_count(session, as_of),
        "holes": len(office.site.directory.holes(office.local(as_of).date())),
        "rules_to_be_confirmed": open_rules,
    }


def _told(
    session: Session,
    office: Office,
    gathered: Gathered,
    places: dict[int, int],
    as_of: datetime,
) -> Callable[[int, int], str]:
    """The words for who was told of a late deadline, in the site's language."""
    late = {int(case) for case in gathered.d_case[gathered.overdue]}
    keys = {place: key for key, place in places.items() if place in late}
    told = outbox.told(session, keys.values(), as_of)
    t, site = words(office.site.locale), office.site

    def said(case: int, deadline: int) -> str:
        rule = gathered.names.words[gathered.d_rule[deadline]]
        clock = int(gathered.d_clock[deadline])
        return ", ".join(
            t("mail.told_role", n=each.times, role=t(f"role.{each.role}"),
              day=short_day_text(each.last, site.locale, site.zone))
            for each in told_by_role(told.get((keys[case], rule, clock), []))
        )  # fmt: skip

    return said


def tickets_of(tables: Sequence[Table], table: str, row: str) -> tuple[str, ...]:
    """The complaints behind a row of a table: its evidence."""
    found = next((each.row(row) for each in tables if each.key == table), None)
    return found.tickets if found is not None else ()
