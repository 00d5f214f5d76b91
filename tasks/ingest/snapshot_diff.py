"""Derive the events between the snapshots of a source that shows only the present state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from settings.mapping import StatusWord
from sla.engine.context import EvaluationContext
from sla.events import ANY_KIND, ASSIGNEE, QUESTION, Event, Kind, Knowledge

OBSERVED = "observed/"
"""The prefix of the source fields of observed events. The rest is the kind, the unit and a
running number.
"""


@dataclass(frozen=True, slots=True)
class ObservedState:
    """The state of a complaint in one snapshot: its status, its unit and the start of the status.

    `status_at` is None if the source does not state it. If it is stated, the status change needs no
    observation.
    """

    word: str | None
    unit: str | None
    status_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StateSpan:
    """Consecutive snapshots with the same state: the first and the last of them."""

    state: ObservedState
    first: datetime
    last: datetime


Around = tuple[datetime | None, datetime | None]
"""The neighbouring snapshots of a moment that showed a complaint: before and after it."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The meaning of the words and units in state spans, also of those with an open question.

    `answers` has the answers by the text in the span (`?` and the number of the question). An
    unknown unit counts as the administrator's unit. `column` and `unit_column` are the columns of
    the status and of the unit.
    """

    words: Mapping[str, StatusWord]
    answers: Mapping[str, str]
    administrator_unit: str | None = None
    column: str = ""
    unit_column: str = ""

    def word(self, text: str | None) -> StatusWord | None:
        """Return the status word of a span, or None if it has none or nobody has explained it."""
        return self.words.get(self.answers.get(text or "", text or ""))

    def explained(self, text: str | None) -> bool:
        """Check whether the status or the unit of a span is known."""
        return not is_question(text) or text in self.answers

    def says_nothing(self, text: str | None) -> bool:
        """Check whether the status of a span is unknown, or means an empty cell."""
        return is_question(text) and self.word(text) is None

    def unit(self, text: str | None) -> str | None:
        """Return the unit of a span."""
        if not is_question(text):
            return text
        answer = self.answers.get(text or "")
        return self.administrator_unit if answer is None else answer or None


def is_question(text: str | None) -> bool:
    """Check whether a word or a unit of a span is an open question, as in `?12`."""
    return text is not None and text.startswith("?")


@dataclass(frozen=True, slots=True)
class Before:
    """The state of a complaint in the last snapshot: its word, its unit and the time of the
    snapshot.

    `word_seen_at` is the time of the last snapshot with a known word; None if there was none. The
    next events cannot have happened before `reopened_at`, the last reopening.
    """

    word: StatusWord | None
    unit: str | None
    seen_at: datetime
    verified: bool
    reopened_at: datetime | None = None
    word_seen_at: datetime | None = None


def with_sight(
    runs: Sequence[StateSpan], sight: ObservedState, at: datetime, around: Callable[[], Around]
) -> list[StateSpan]:
    """Return the state spans of a complaint with one more snapshot, imported in any order.

    `around` returns the neighbouring snapshots of `at` that showed the complaint. It is called if a
    span that seemed unbroken has to be split. Of two snapshots of the same moment, the one imported
    first counts.
    """
    found = list(runs)
    place = next((n for n, run in enumerate(found) if at <= run.last), len(found))
    if place < len(found) and found[place].first <= at:
        run = found[place]
        if at in (run.first, run.last) or run.state == sight:
            return found
        before, after = around()
        if before != at:
            found[place : place + 1] = [
                StateSpan(run.state, run.first, before or run.first),
                StateSpan(sight, at, at),
                StateSpan(run.state, after or run.last, run.last),
            ]
    elif place and found[place - 1].state == sight:
        found[place - 1] = replace(found[place - 1], last=at)
    elif place < len(found) and found[place].state == sight:
        found[place] = replace(found[place], first=at)
    else:
        found.insert(place, StateSpan(sight, at, at))
    return found


def history(
    runs: Sequence[StateSpan],
    received: datetime,
    words: Vocabulary,
    *,
    source: str,
    previous_look: datetime | None,
    not_before: Callable[[datetime], datetime],
    now: datetime,
    context: EvaluationContext,
) -> list[Event]:
    """Return all events derived from the state spans of a complaint, each with its own field.

    `previous_look` is the last snapshot before the first one that showed the complaint.
    `not_before` returns the earliest moment at which a snapshot can have been made. The result
    depends on nothing else, so that the same snapshots give the same events in any order of import.

    A span with an unknown word does not end the state before it: the events of the next known word
    happened after the last snapshot with a known word. If the last span has an unknown word, the
    result ends with a doubt about every kind of event; if it has an unknown unit, with a doubt
    about the unit in charge.
    """
    events: list[Event] = []
    number: Counter[tuple[str, str | None]] = Counter()
    before: Before | None = None
    doubtful_since: datetime | None = None
    unit_doubt: tuple[datetime, datetime] | None = None
    for run in runs:
        silent = words.says_nothing(run.state.word)
        word = (before.word if before else None) if silent else words.word(run.state.word)
        unit = words.unit(run.state.unit)
        look = max(run.first, received)
        for event in observed(
            received,
            word,
            unit,
            before,
            source=source,
            look=look,
            status_at=run.state.status_at,
            previous_look=previous_look,
            now=now,
            context=context,
        ):
            number[event.kind, event.unit] += 1
            source_field = (
                f"{OBSERVED}{event.kind}/{event.unit or ''}/{number[event.kind, event.unit]}"
            )
            events.append(replace(event, source_field=source_field))
        if not words.explained(run.state.unit):
            known_until = max(before.seen_at if before else received, received)
            unit_doubt = unit_doubt or (min(known_until, look), look)
        else:
            unit_doubt = None
        seen_at = not_before(run.last)
        before = Before(
            word,
            unit,
            seen_at,
            any(event.kind == Kind.VERIFIED for event in events),
            max((event.latest for event in events if event.kind == Kind.REOPENED), default=None),
            (before.word_seen_at if before else None) if silent else seen_at,
        )
        if not words.explained(run.state.word):
            doubtful_since = doubtful_since or look
        elif not silent:
            doubtful_since = None
    if before is not None and doubtful_since is not None:
        earliest = min(max(before.word_seen_at or received, received), doubtful_since)
        source_field = f"{OBSERVED}{QUESTION}{words.column}"
        doubt = Event(ANY_KIND, doubtful_since, now, source, earliest, Knowledge.UNREADABLE)
        events.append(replace(doubt, source_field=source_field))
    if unit_doubt is not None:
        earliest, latest = unit_doubt
        source_field = f"{OBSERVED}{QUESTION}{words.unit_column}"
        doubt = Event(ASSIGNEE, latest, now, source, earliest, Knowledge.UNREADABLE)
        events.append(replace(doubt, source_field=source_field))
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
    context: EvaluationContext,
    status_at: datetime | None = None,
) -> list[Event]:
    """Return the events shown by this snapshot and not by the one before.

    They happened after the last snapshot of this complaint and not later than this one; events of
    the status after the last snapshot with a known status. A complaint seen for the first time may
    have changed at any time since its receipt. If it was received after the source's previous
    snapshot, the interval is as good as observed; else its history is unknown. A snapshot older
    than the known state gives no events. If the source states the start of its status
    (`status_at`), that time is used instead of an interval.
    """
    if before is not None and look <= before.seen_at:
        return []
    fresh = previous_look is not None and received > previous_look
    floor = received
    if before is not None and before.reopened_at is not None:
        floor = max(floor, before.reopened_at)
    events = []
    for kind, changed_unit in _changes(word, unit, before):
        days = word.earlier_by.get(kind, 0) if word else 0
        since = None
        if before is not None:
            since = before.word_seen_at if changed_unit is None else before.seen_at
        if since is None:
            after, knowledge = received, Knowledge.OBSERVED if fresh else Knowledge.UNKNOWN
        else:
            after, knowledge = max(since, received), Knowledge.OBSERVED
        earliest, latest = after, look
        if status_at is not None and changed_unit is None:
            events.append(Event(kind, max(status_at, received), now, source))
            continue
        if days:
            latest = max(floor, _eve(look, days, context))
            if after > received:
                earliest = max(floor, _eve(after, days, context, at_dawn=True))
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


def _eve(
    moment: datetime, days: int, context: EvaluationContext, *, at_dawn: bool = False
) -> datetime:
    """Return the end of the day (`at_dawn`: its start) of an event shown `days` later.

    The source waits until that many full working days have passed. So an event shown on a day
    happened on or before the eve of the `days`-th working day before it.
    """
    eve = int(context.calendar.before(np.array([context.day(moment)]), days)[0]) - 1
    return min(moment, context.start_of(eve) if at_dawn else context.end_of(eve))
