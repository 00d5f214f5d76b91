"""Who was notified of each duty: person, role, day and Message-ID, as the evidence of a report."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.orm import Session

from db import notices
from sla.metrics.columns import CaseColumns
from tasks.common.context import SiteContext
from tasks.common.notified import NotifiedOffices
from tasks.reports.notified_text import office_key, office_text
from tasks.text.formats import one_line, short_day_text

LONGEST_NAME = 255
APART, FIELD = "\n", "\t"


def notified_people(
    session: Session, context: SiteContext, cases: CaseColumns, as_of: datetime
) -> Callable[[int, int], str]:
    """Return a function that gives the people notified of a deadline by the indices of its case and
    of itself, in the format of `people_text`.

    Millions of notifications are kept only as numbers.
    """
    numbers = {word: number for number, word in cases.words.items()}
    entries: dict[tuple[str, ...], int] = {}
    found = array("q")
    day = context.site.evaluation_context.day
    offices = NotifiedOffices(context.site.directory, context.site.zone)
    for batch in notices.notification_mails(session, as_of):
        for complaint, rule, clock, role, sent_at, name, recipient, unit, header in batch:
            if rule in numbers:
                on = date.fromordinal(day(sent_at)).isoformat()
                office = office_key(*offices.of(role, unit, recipient, sent_at))
                person = offices.named(name, role, unit, recipient, sent_at)
                entry = (office, on, header, one_line(person, LONGEST_NAME))
                number = entries.setdefault(entry, len(entries))
                found.extend((complaint, numbers[rule], clock, number))
    rows = np.frombuffer(found, np.int64).reshape(-1, 4) if found else np.zeros((0, 4), np.int64)
    texts = [FIELD.join(entry) for entry in entries]
    width = max(numbers.values(), default=0) + 1
    clocks = int(max(rows[:, 2].max(initial=0), cases.d_clock.max(initial=0))) + 1
    keys = (rows[:, 0] * width + rows[:, 1]) * clocks + rows[:, 2]
    order = np.argsort(keys, kind="stable")
    keys, entry_of = keys[order], rows[order, 3]
    wanted = (cases.keys[cases.d_case] * width + cases.d_rule) * clocks + cases.d_clock
    begins, ends = (np.searchsorted(keys, wanted, side=side) for side in ("left", "right"))

    def people(case: int, deadline: int) -> str:
        begin, end = begins[deadline], ends[deadline]
        return APART.join(texts[n] for n in entry_of[begin:end]) if begin < end else ""

    return people


def people_text(key: str, locale: str, zone: ZoneInfo) -> str:
    """Format the people notified: 'Name (role, 24 Nov 2026, <message-id>); ...'."""
    found = []
    for line in key.split(APART):
        office, on, header, name = line.split(FIELD)
        day = short_day_text(date.fromisoformat(on), locale, zone)
        found.append(f"{name} ({office_text(office, locale)}, {day}, {header})")
    return "; ".join(found)
