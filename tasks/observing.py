"""What happened between two looks at a source that shows only the present."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from settings.mapping import StatusWord
from sla.deadline import Bench
from sla.events import Event, Kind, Knowledge
from tasks.mapping import Record


@dataclass(frozen=True, slots=True)
class Before:
    """How a complaint looked at the last look: its word and unit, and when that was.

    What happens next cannot have happened before it was last reopened.
    """

    word: StatusWord | None
    unit: str | None
    seen_at: datetime
    verified: bool
    reopened_at: datetime | None = None


def observed(
    record: Record,
    before: Before | None,
    *,
    source: str,
    look: datetime,
    previous_look: datetime | None,
    now: datetime,
    bench: Bench,
) -> list[Event]:
    """The events that this look tells of and the one before did not.

    They happened after the last look at this complaint and not later than this one. A complaint
    seen for the first time may have changed at any time since it was received: if it came in
    after the previous look the interval is as good as observed, else its history is unknown.
    A look that is older than what we know tells nothing. Where the source tells since when its
    word holds, nothing is left to observe.
    """
    if before is not None and look <= before.seen_at:
        return []
    if before is None:
        after = record.received
        fresh = previous_look is not None and record.received > previous_look
        knowledge = Knowledge.OBSERVED if fresh else Knowledge.UNKNOWN
    else:
        after, knowledge = max(before.seen_at, record.received), Knowledge.OBSERVED
    floor = record.received
    if before is not None and before.reopened_at is not None:
        floor = max(floor, before.reopened_at)
    events = []
    for kind, unit in _changes(record, before):
        days = record.status.earlier_by.get(kind, 0) if record.status else 0
        earliest, latest = after, look
        if record.status_at is not None and unit is None:
            events.append(Event(kind, record.status_at, now, source))
            continue
        if days:
            latest = max(floor, _eve(look, days, bench))
            if after > record.received:
                earliest = max(floor, _eve(after, days, bench, at_dawn=True))
            earliest = min(earliest, latest)
        events.append(Event(kind, latest, now, source, earliest, knowledge, unit))
    return events


def _changes(record: Record, before: Before | None) -> list[tuple[str, str | None]]:
    word, known = record.status, before.word if before else None
    entered: list[str] = []
    left: list[str] = []
    if word is not None and (known is None or word.word != known.word):
        entered = [k for k in word.enter if not (k == Kind.VERIFIED and before and before.verified)]
        left = [] if known is None or word.terminal else list(known.leave)
    units = []
    held = before.unit if before else None
    if record.unit != held:
        units += [(Kind.RETURNED, held)] if held else []
        units += [(Kind.ASSIGNED, record.unit)] if record.unit else []
    first = [(kind, None) for kind in (*left, *entered) if kind == Kind.VERIFIED or kind in left]
    rest = [(kind, None) for kind in entered if kind != Kind.VERIFIED]
    return [*first, *units, *rest]


def _eve(moment: datetime, days: int, bench: Bench, *, at_dawn: bool = False) -> datetime:
    """The last moment of the day (its first `at_dawn`) of which a source tells `days` later.

    The source waits until that many working days have passed in full: what it showed on a day
    happened on or before the eve of the `days`-th working day before it.
    """
    eve = int(bench.calendar.before(np.array([bench.day(moment)]), days)[0]) - 1
    return min(moment, bench.start_of(eve) if at_dawn else bench.end_of(eve))
