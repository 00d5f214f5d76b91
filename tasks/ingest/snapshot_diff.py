"""Derive the events between the snapshots of a source that shows only the present state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from settings.mapping import StatusWord
from sla.engine.context import EvaluationContext
from sla.events import ANY_KIND, ASSIGNEE, QUESTION, Event, Kind, Knowledge
from sla.value_class import value_class

OBSERVED = "observed/"
"""The prefix of the source fields of observed events. The rest is the kind, the unit and a
running number.
"""


@value_class(frozen=True, slots=True)
class ObservedState:
    """The state of a complaint in one snapshot: its status, its unit and the start of the status.

    `status_at` is None if the source does not state it. If it is stated, the status change needs no
    observation.
    """

    word: str | None
    unit: str | None
    status_at: datetime | None = None


@value_class(frozen=True, slots=True)
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

    `answers` has the answers by the text in the span (`?` and the number of the question), and
    `emptied` the answer about emptied cells of the unit. The administrator's unit replaces an
    unknown unit if no other one is known. `column` and `unit_column` are the columns of the status
    and of the unit.
    """

    words: Mapping[str, StatusWord]
    answers: Mapping[str, str]
    administrator_unit: str | None = None
    column: str = ""
    unit_column: str = ""
    emptied: str | None = None

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
        """Return the unit of a span, or None if it has none or it is unknown."""
        return (self.answers.get(text or "") or None) if is_question(text) else text


def is_question(text: str | None) -> bool:
    """Check whether a word or a unit of a span is an open question, as in `?12`."""
    return text is not None and text.startswith("?")


@value_class(frozen=True, slots=True)
class InCharge:
    """The unit in charge of a complaint in one state span.

    Unless `is_stated`, the span does not say it, and it is the one of the span before. With
    `is_asked` it is not known: the cell has an unknown name, or it has lost its unit. With
    `is_back` the unit that is shown has given the complaint back.
    """

    unit: str | None
    is_stated: bool = True
    is_asked: bool = False
    is_back: bool = False


NOBODY = InCharge(None)
"""No unit is in charge, and none has been."""


@value_class(frozen=True, slots=True)
class Before:
    """The state of a complaint in the last snapshot: its word, its unit and the time of the
    snapshot.

    `word_seen_at` is the time of the last snapshot with a known word, `unit_seen_at` of the last
    one that states the unit in charge; None if there was none. The next events cannot have happened
    before `reopened_at`, the last reopening.
    """

    word: StatusWord | None
    unit: str | None
    seen_at: datetime
    verified: bool
    reopened_at: datetime | None = None
    word_seen_at: datetime | None = None
    unit_seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ObservedComplaint:
    """A complaint of a source that shows only the present state.

    `previous_import` is the last snapshot before the first one that showed the complaint. Its
    events are recorded at `recorded_at`.
    """

    received: datetime
    source: str
    previous_import: datetime | None
    recorded_at: datetime
    context: EvaluationContext

    def doubt(self, kind: str, column: str, earliest: datetime | None, latest: datetime) -> Event:
        """Return a doubt about events of this kind, from an open question about a column."""
        earliest = min(max(earliest or self.received, self.received), latest)
        return Event(
            kind,
            latest,
            self.recorded_at,
            self.source,
            earliest,
            Knowledge.UNREADABLE,
            source_field=f"{OBSERVED}{QUESTION}{column}",
        )


def with_state(
    spans: Sequence[StateSpan], state: ObservedState, at: datetime, around: Callable[[], Around]
) -> list[StateSpan]:
    """Return the state spans of a complaint with one more snapshot, imported in any order.

    `around` returns the neighbouring snapshots of `at` that showed the complaint. It is called if a
    span that seemed unbroken has to be split. Of two snapshots of the same moment, the one imported
    first counts.
    """
    found = list(spans)
    place = next((n for n, span in enumerate(found) if at <= span.last), len(found))
    if place < len(found) and found[place].first <= at:
        span = found[place]
        if at in (span.first, span.last) or span.state == state:
            return found
        before, after = around()
        if before != at:
            found[place : place + 1] = [
                StateSpan(span.state, span.first, before or span.first),
                StateSpan(state, at, at),
                StateSpan(span.state, after or span.last, span.last),
            ]
    elif place and found[place - 1].state == state:
        found[place - 1] = replace(found[place - 1], last=at)
    elif place < len(found) and found[place].state == state:
        found[place] = replace(found[place], first=at)
    else:
        found.insert(place, StateSpan(state, at, at))
    return found


def history(
    complaint: ObservedComplaint,
    spans: Sequence[StateSpan],
    words: Vocabulary,
    not_before: Callable[[datetime], datetime],
) -> list[Event]:
    """Return all events derived from the state spans of a complaint, each with its own field.

    `not_before` returns the earliest moment at which a snapshot can have been made. The result
    depends on nothing else, so that the same snapshots give the same events in any order of import.

    A span with an unknown word does not end the state before it: the events of the next known word
    happened after the last snapshot with a known word. The same is true of the unit in charge. If
    the last span has an unknown word, the result ends with a doubt about every kind of event; if it
    leaves the unit open, with a doubt about the unit in charge.
    """
    events: list[Event] = []
    number: Counter[tuple[str, str | None]] = Counter()
    before: Before | None = None
    is_verified, reopened_at = False, None
    charges = units_in_charge(spans, words)
    for span, charge in zip(spans, _with_stand_in(charges, spans, words), strict=True):
        silent = words.says_nothing(span.state.word)
        word = (before.word if before else None) if silent else words.word(span.state.word)
        unit = charge.unit
        observed_at = max(span.first, complaint.received)
        status_at = span.state.status_at
        for event in observed(complaint, word, unit, before, observed_at, status_at):
            number[event.kind, event.unit] += 1
            source_field = (
                f"{OBSERVED}{event.kind}/{event.unit or ''}/{number[event.kind, event.unit]}"
            )
            events.append(replace(event, source_field=source_field))
            if event.kind == Kind.VERIFIED:
                is_verified = True
            elif event.kind == Kind.REOPENED:
                reopened_at = max(reopened_at or event.latest, event.latest)
        seen_at = not_before(span.last)
        before = Before(
            word,
            None if charge.is_back else unit,
            seen_at,
            is_verified,
            reopened_at,
            (before.word_seen_at if before else None) if silent else seen_at,
            seen_at if charge.is_stated else (before.unit_seen_at if before else None),
        )
    events += _doubt_about_status(complaint, spans, words, not_before)
    events += _doubt_about_unit(complaint, spans, charges, words.unit_column, not_before)
    return events


def units_in_charge(spans: Sequence[StateSpan], words: Vocabulary) -> list[InCharge]:
    """Return the unit in charge of a complaint by each of its state spans.

    An unknown name leaves the unit before it in charge. So does an empty cell: it is no statement
    that the unit has given the complaint back, because the export may lack the content of the cell.
    A return is evident from the status: one with the event `returned`, or, with the empty cell, one
    that means that nothing has happened after one that meant a verification. A complaint that has
    ended has no unit in charge, so that its empty cell leaves nothing open.
    """
    found: list[InCharge] = []
    before, word, is_verified = NOBODY, None, False
    for span in spans:
        former, text = word, span.state.unit
        if not words.says_nothing(span.state.word):
            word = words.word(span.state.word)
        enters = () if word is None else word.enter
        is_verified = is_verified or Kind.VERIFIED in enters
        held = None if before.is_back else before.unit
        is_empty = text is None and bool(held or before.is_asked)
        if Kind.RETURNED in enters:
            goes_on = former is not None and word is not None and former.word == word.word
            before = InCharge(held if goes_on else words.unit(text), is_back=True)
        elif not words.explained(text):
            before = InCharge(held, is_stated=False, is_asked=True)
        elif is_empty and words.emptied is not None:
            before = InCharge(words.emptied or None)
        elif is_empty and not (word is not None and not enters and is_verified):
            is_over = word is not None and word.terminal and not before.is_asked
            before = InCharge(held, is_stated=False, is_asked=not is_over)
        else:
            before = InCharge(words.unit(text))
        found.append(before)
    return found


def _with_stand_in(
    charges: Sequence[InCharge], spans: Sequence[StateSpan], words: Vocabulary
) -> list[InCharge]:
    """Return the units in charge; as long as only unknown names were shown since the last known
    state without a unit, the administrator's unit.
    """
    found, is_named = list(charges), False
    for place in range(_last_stated(charges) + 1, len(found)):
        is_named = is_named or is_question(spans[place].state.unit)
        if is_named and found[place].unit is None:
            found[place] = replace(found[place], unit=words.administrator_unit)
    return found


@dataclass(frozen=True, slots=True)
class PresentUnit:
    """The unit that handles a complaint now. If its cell has lost the unit, it is the one before;
    the question about the cell is open since the snapshot of `emptied_since`.
    """

    unit: str | None
    emptied_since: datetime | None = None


def present_unit(spans: Sequence[StateSpan], words: Vocabulary) -> PresentUnit:
    """Return the unit that handles a complaint after the last of its state spans."""
    text = spans[-1].state.unit
    if text is not None and not is_question(text):
        return PresentUnit(text)  # most
    charges = units_in_charge(spans, words)
    unit = _with_stand_in(charges, spans, words)[-1].unit
    if text is not None:
        return PresentUnit(unit)
    if not charges[-1].is_asked:
        return PresentUnit(None)
    later = spans[_last_stated(charges) + 1 :]
    return PresentUnit(unit, next(span.first for span in later if span.state.unit is None))


def _last_stated(charges: Sequence[InCharge]) -> int:
    """Return the index of the last span that states the unit in charge; -1 if none does."""
    return next((n for n in reversed(range(len(charges))) if charges[n].is_stated), -1)


def _doubt_about_status(
    complaint: ObservedComplaint,
    spans: Sequence[StateSpan],
    words: Vocabulary,
    not_before: Callable[[datetime], datetime],
) -> list[Event]:
    """Return the doubt about every kind of event since the last known word, if there is one.

    A word that means an empty cell neither begins nor ends the doubt.
    """
    known = [n for n, span in enumerate(spans) if not words.says_nothing(span.state.word)]
    later = spans[known[-1] + 1 :] if known else spans
    first = next((span.first for span in later if not words.explained(span.state.word)), None)
    if first is None:
        return []
    known_until = not_before(spans[known[-1]].last) if known else None
    latest = max(first, complaint.received)
    return [complaint.doubt(ANY_KIND, words.column, known_until, latest)]


def _doubt_about_unit(
    complaint: ObservedComplaint,
    spans: Sequence[StateSpan],
    charges: Sequence[InCharge],
    column: str,
    not_before: Callable[[datetime], datetime],
) -> list[Event]:
    """Return the doubt about the unit in charge since the last known unit, if there is one."""
    stated = _last_stated(charges)
    later = zip(spans[stated + 1 :], charges[stated + 1 :], strict=True)
    first = next((span.first for span, charge in later if charge.is_asked), None)
    if first is None:
        return []
    known_until = not_before(spans[stated].last) if stated >= 0 else None
    latest = max(first, complaint.received)
    return [complaint.doubt(ASSIGNEE, column, known_until, latest)]


def observed(
    complaint: ObservedComplaint,
    word: StatusWord | None,
    unit: str | None,
    before: Before | None,
    observed_at: datetime,
    status_at: datetime | None = None,
) -> list[Event]:
    """Return the events shown by the snapshot of `observed_at` and not by the one before.

    They happened after the last snapshot of this complaint and not later than this one; events of
    the status after the last snapshot with a known status, and changes of the unit after the last
    one that stated the unit in charge. A complaint seen for the first time may
    have changed at any time since its receipt. If it was received after the source's previous
    snapshot, the interval is as good as observed; else its history is unknown. A snapshot older
    than the known state gives no events. If the source states the start of its status
    (`status_at`), that time is used instead of an interval.
    """
    if before is not None and observed_at <= before.seen_at:
        return []
    received, context = complaint.received, complaint.context
    now, source = complaint.recorded_at, complaint.source
    fresh = complaint.previous_import is not None and received > complaint.previous_import
    floor = received
    if before is not None and before.reopened_at is not None:
        floor = max(floor, before.reopened_at)
    events = []
    for kind, changed_unit in _changes(word, unit, before):
        days = word.earlier_by.get(kind, 0) if word else 0
        since = None
        if before is not None:
            since = before.word_seen_at if changed_unit is None else before.unit_seen_at
        if since is None:
            after, knowledge = received, Knowledge.OBSERVED if fresh else Knowledge.UNKNOWN
        else:
            after, knowledge = max(since, received), Knowledge.OBSERVED
        earliest, latest = after, observed_at
        if status_at is not None and changed_unit is None:
            events.append(Event(kind, max(status_at, received), now, source))
            continue
        if days:
            latest = max(floor, _shown_later(observed_at, days, context))
            if after > received:
                earliest = max(floor, _shown_later(after, days, context, start_of_day=True))
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
    former = before.unit if before else None
    if unit != former:
        units += [(Kind.RETURNED, former)] if former else []
        units += [(Kind.ASSIGNED, unit)] if unit else []
        if former and not unit:
            entered = [kind for kind in entered if kind != Kind.RETURNED]
    first = [(kind, None) for kind in (*left, *entered) if kind == Kind.VERIFIED or kind in left]
    rest = [(kind, None) for kind in entered if kind != Kind.VERIFIED]
    return [*first, *units, *rest]


def _shown_later(
    moment: datetime, days: int, context: EvaluationContext, *, start_of_day: bool = False
) -> datetime:
    """Return the end (or the start) of the day of an event that the source shows `days` later.

    The source waits until that many full working days have passed. So an event shown on a day
    happened on or before the day before the `days`-th working day before it.
    """
    day = context.calendar.day_before(context.day(moment), days) - 1
    return min(moment, context.start_of(day) if start_of_day else context.end_of(day))
