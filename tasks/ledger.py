"""Ledger: what a report counts of each complaint, kept when it is judged."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from db import figures
from db.models import FAR_OFF, Complaint
from sla.events import Kind, holder
from sla.figures.case import Case
from sla.figures.line import line
from sla.judge import Judged
from tasks.knowing import Known
from tasks.office import Office


class Ledger:
    """Keeps the figures of complaints as they are judged, and the words that these need."""

    def __init__(self, session: Session, office: Office) -> None:
        self._session, self._office = session, office
        self._words = {"": 0} | figures.words(session)

    def note(self, known: Known, judged: Judged, now: datetime) -> None:
        """Keep the figures of a complaint as judged at `now`.

        They hold from the judgment on that first found them, unless anything was learnt in the
        meantime, or another rulebook was taken over.
        """
        complaint = known.complaint
        found = line(case_of(self._office, known, judged), self._office.site.bench, self._number)
        packed = found.packed()
        learnt = complaint.changed_at or complaint.recorded_at
        same = (
            complaint.figures == packed
            and complaint.judged_at is not None
            and learnt <= complaint.judged_at
        )
        if not same:
            complaint.figures, complaint.figures_last_day = packed, found.last_day
            complaint.figures_since = now
        complaint.judged_at = now

    def forget(self, complaint: Complaint) -> None:
        """A complaint could not be judged: no figures of it hold."""
        complaint.figures_since = FAR_OFF

    def _number(self, word: str | None) -> int:
        word = word or ""
        if word not in self._words:
            self._words[word] = figures.add_word(self._session, word)
        return self._words[word]


def case_of(office: Office, known: Known, judged: Judged) -> Case:
    """A complaint as judged, as the figures ask for it."""
    row, facts, events = known.complaint, known.matter.facts, judged.known
    received = next((e.latest for e in events if e.kind == Kind.RECEIVED), row.received_at)
    return Case(
        ticket=row.ticket, source=row.source, classification=facts.classification,
        category=facts.category, channel=facts.channel,
        unit=holder(events) or office.site.file.administrator_unit,
        received=received, events=tuple(events), deadlines=tuple(judged.deadlines),
    )  # fmt: skip
