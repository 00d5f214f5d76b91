"""Explain: every deadline of a complaint, day by day, as a manager or a court could read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy.orm import Session

from db import complaints
from db.models import Complaint
from sla.deadline import Deadline
from sla.explanation import CountedDay, DayMark, explain
from tasks.knowing import judged_of
from tasks.office import Office
from tasks.rendering import render

DRAWN_TOGETHER = 4
"""So many days in a row that were counted, or were paused, become one line of the text."""


@dataclass(frozen=True, slots=True)
class ExplainedDeadline:
    """A deadline with its days in order."""

    deadline: Deadline
    days: tuple[CountedDay, ...]

    def lines(self) -> Iterator[tuple[CountedDay, CountedDay]]:
        """The days as (first, last) of each line."""
        for _, group in groupby(self.days, key=_alike):
            run = list(group)
            if len(run) >= DRAWN_TOGETHER:
                yield run[0], run[-1]
            else:
                yield from ((day, day) for day in run)


@dataclass(frozen=True, slots=True)
class Explanation:
    """A complaint as it is judged at a moment, with every deadline explained."""

    complaint: Complaint
    now: datetime
    deadlines: tuple[ExplainedDeadline, ...]


def explanations(session: Session, office: Office, ticket: str, now: datetime) -> list[Explanation]:
    """The complaints with this ticket, judged anew; several only where sources share numbers."""
    bench = office.site.bench
    today = office.local(now).date()
    found = []
    for known, judged in judged_of(session, office, complaints.called(session, ticket), now):
        if judged.error is not None:
            raise judged.error
        deadlines = judged.deadlines
        explained = (ExplainedDeadline(d, tuple(explain(d, bench, until=today))) for d in deadlines)
        found.append(Explanation(known.complaint, now, tuple(explained)))
    return found


def as_text(office: Office, explanation: Explanation) -> str:
    """The explanation in the site's language."""
    site = office.site
    return render(
        "report/explanation.txt.j2",
        locale=site.locale,
        zone=site.zone,
        view=explanation,
        name_of=site.directory.name_of,
    )


def as_data(office: Office, explanation: Explanation) -> dict[str, Any]:
    """The explanation for a program: local times in ISO 8601, days as YYYY-MM-DD."""

    def local(moment: datetime | None) -> str | None:
        return office.local(moment).isoformat(timespec="seconds") if moment else None

    return {
        "ticket": explanation.complaint.ticket,
        "source": explanation.complaint.source,
        "received": local(explanation.complaint.received_at),
        "as_of": local(explanation.now),
        "deadlines": [
            {
                "rule": item.deadline.rule.id,
                "citation": item.deadline.rule.citation,
                "certainty": item.deadline.rule.certainty,
                "unit": item.deadline.unit,
                "started": local(item.deadline.started),
                "due": local(item.deadline.due),
                "stopped": local(item.deadline.stopped),
                "state": item.deadline.state,
                "reasons": list(item.deadline.reasons),
                "days_used": item.deadline.days_used,
                "provisional": item.deadline.provisional,
                "days": _days(item.days),
            }
            for item in explanation.deadlines
        ],
    }


def _days(days: Sequence[CountedDay]) -> list[dict[str, Any]]:
    return [
        {"day": day.day.isoformat(), "mark": day.mark, "number": day.number, "name": day.name}
        for day in days
    ]


def _alike(day: CountedDay) -> object:
    """What days of one line have in common; nothing where a day has something of its own."""
    plain = day.mark in (DayMark.COUNTED, DayMark.PAUSE) and not day.due
    return day.mark if plain else day.day
