"""What happened between the looks at a source that shows only the present."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from settings.mapping import StatusWord
from sla.deadline import Bench
from sla.events import Event, Kind, Knowledge

SLOT = "looks/"
"""How the slots of observed events begin; the rest tells kind, unit, and the how-manieth it is."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a look shows of a complaint: its status, its unit, and since when the status holds.

    The last is None where the source does not tell it; else nothing is left to observe.
    """

    word: str | None
    unit: str | None
    status_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """Looks in a row that showed the same: from the first of them to the last."""

    sight: Sight
    first: datetime
    last: datetime


Around = tuple[datetime | None, datetime | None]
"""The looks next to a moment that showed a complaint."""


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


def with_sight(
    runs: Sequence[Run], sight: Sight, at: datetime, around: Callable[[], Around]
) -> list[Run]:
    """The runs of a complaint with one more look, in whatever order the looks are read.

    `around` is asked for the looks next to `at` that showed the complaint, where a run that seemed
    unbroken has to be split. Of two looks of one moment the one that was read first counts.
    """
    found = list(runs)
    place = next((n for n, run in enumerate(found) if at <= run.last), len(found))
    if place < len(found) and found[place].first <= at:
        run = found[place]
        if at in (run.first, run.last) or run.sight == sight:
            return found
        before, after = around()
        if before != at:
            found[place : place + 1] = [
                Run(run.sight, run.first, before or run.first),
                Run(sight, at, at),
                Run(run.sight, after or run.last, run.last),
            ]
    elif place and found[place - 1].sight == sight:
        found[place - 1] = replace(found[place - 1], last=at)
    elif place < len(found) and found[place].sight == sight:
        found[place] = replace(found[place], first=at)
    else:
        found.insert(place, Run(sight, at, at))
    return found


def history(
    runs: Sequence[Run],
    received: datetime,
    words: dict[str, StatusWord],
    *,
    source: str,
    previous_look: datetime | None,
    not_before: Callable[[datetime], datetime],
    now: datetime,
    bench: Bench,
) -> list[Event]:
    """All that the runs of a complaint tell, in order, each event in a slot of its own.

    `previous_look` is the source's last look before the first that showed the complaint, and
    `not_before` the earliest moment that a look can have been made. It rests on nothing else, so
    that the same looks tell the same in whatever order they were read.
    """
    events: list[Event] = []
    number: Counter[tuple[str, str | None]] = Counter()
    before: Before | None = None
    for run in runs:
        word = words.get(run.sight.word or "")
        look = max(run.first, received)
        for event in observed(
            received, word, run.sight.unit, before, source=source, look=look,
            status_at=run.sight.status_at, previous_look=previous_look, now=now, bench=bench,
        ):  # fmt: skip
            number[event.kind, event.unit] += 1
            slot = f"{SLOT}{event.kind}/{event.unit or ''}/{number[event.kind, event.unit]}"
            events.append(replace(event, slot=slot))
        before = Before(
            word,
            run.sight.unit,
            not_before(run.last),
            any(event.kind == Kind.VERIFIED for event in events),
            max((event.latest for event in events if event.kind == Kind.REOPENED), default=None),
        )
    return events


def observed(
    received: datetime,
    word: StatusWord | None,
    unit: str | None,
    before: Before | None,
    *,
    source: str,
    look: datetime,
    previous_look: datetime | None,
    now: datetime,
    bench: Bench,
    status_at: datetime | None = None,
) -> list[Event]:
    """The events that this look tells of and the one before did not.

    They happened after the last look at this complaint and not later than this one. A complaint
    seen for the first time may have changed at any time since it was received: if it came in
    after the previous look the interval is as good as observed, else its history is unknown.
    A look that is older than what we know tells nothing. Where the source tells since when its
    word holds (`status_at`), nothing is left to observe.
    """
    if before is not None and look <= before.seen_at:
        return []
    if before is None:
        after = received
        fresh = previous_look is not None and received > previous_look
        knowledge = Knowledge.OBSERVED if fresh else Knowledge.UNKNOWN
    else:
        after, knowledge = max(before.seen_at, received), Knowledge.OBSERVED
    floor = received
    if before is not None and before.reopened_at is not None:
        floor = max(floor, before.reopened_at)
    events = []
    for kind, changed_unit in _changes(word, unit, before):
        days = word.earlier_by.get(kind, 0) if word else 0
        earliest, latest = after, look
        if status_at is not None and changed_unit is None:
            events.append(Event(kind, max(status_at, received), now, source))
            continue
        if days:
            latest = max(floor, _eve(look, days, bench))
            if after > received:
                earliest = max(floor, _eve(after, days, bench, at_dawn=True))
            earliest = min(earliest, latest)
        events.append(Event(kind, latest, now, source, earliest, knowledge, changed_unit))
    return events


def _changes(
    word: StatusWord | None, unit: str | None, before: Before | None
) -> list[tuple[str, str | None]]:
    known = before.word if before else None
    entered: list[str] = []
    left: list[str] = []
    if word is not None and (known is None or word.word != known.word):
        entered = [k for k in word.enter if not (k == Kind.VERIFIED and before and before.verified)]
        left = [] if known is None or word.terminal else list(known.leave)
    units = []
    held = before.unit if before else None
    if unit != held:
        units += [(Kind.RETURNED, held)] if held else []
        units += [(Kind.ASSIGNED, unit)] if unit else []
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
