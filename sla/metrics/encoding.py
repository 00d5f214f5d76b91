"""The encoding of a case as one row of integers: all values of the case that a report needs.

The rows are small. They can be stored next to each complaint, and a million of them can be read at
once; :mod:`sla.metrics.columns` converts them to columns. Days are ordinals as in
:mod:`sla.calendar`; 0 means no day. Texts (units, rules, categories) are numbers of an external
list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from struct import pack, unpack

import numpy as np

from sla.engine.context import EvaluationContext
from sla.engine.deadline import Deadline, State
from sla.events import Event, Kind, Knowledge
from sla.metrics.case import FOLLOWED_UP, SETTLING, Case, Status

STATES = tuple(State)
STATUSES = tuple(Status)
EVENTS = ("settlements", "reopenings", "returns")

HEAD = (
    "received",
    "followed",
    "followed_on",
    "followed_from",
    "follow_ups_until",
    "absent_since",
    "follow_up",
    "first_settled",
    "settled",
    "settled_unknown",
    "settlement",
    "open",
    "observed",
    "unknown",
    "status",
    "source",
    "unit",
    "classification",
    "category",
    "channel",
    "place",
    "rating",
    "deadlines",
    "events",
)
"""The first numbers of a row. The last two are the numbers of deadlines and events that follow."""

DAYS = (
    "received",
    "followed_on",
    "follow_up",
    "first_settled",
    "settled",
    "settled_unknown",
    "settlement",
)
"""The numbers of `HEAD` that are days."""

DEADLINE = (
    "d_rule",
    "d_clock",
    "d_answerable",
    "d_unit",
    "d_day",
    "d_due",
    "d_state",
    "d_open",
    "d_by_policy",
    "d_provisional",
    "d_started",
    "d_stopped",
    "d_reasons",
)
EVENT = ("e_kind", "e_day", "e_unit")

_DAYS_OF_HEAD = tuple(HEAD.index(name) for name in DAYS)
_DAYS_OF_DEADLINE = tuple(DEADLINE.index(name) for name in ("d_day", "d_due"))

NUMBER = np.dtype("<i4")
"""The type of one number of a row: a signed integer of four bytes."""

FOR_EVER = 2**31 - 1
"""A day without an end: the last day of a case that is still open."""

NumberOf = Callable[[str | None], int]


class LabelTable:
    """A list of texts with their numbers. The empty text means none and has the number 0."""

    def __init__(self, known: Mapping[str, int] | None = None) -> None:
        self._numbers = {"": 0} | dict(known or {})
        self._next = max(self._numbers.values()) + 1

    def number(self, word: str | None) -> int:
        """Return the number of a text. A new text gets a new number; None counts as the empty
        text.
        """
        word = word or ""
        found = self._numbers.get(word)
        if found is None:
            found = self._numbers[word] = self._next
            self._next += 1
        return found

    def by_number(self) -> dict[int, str]:
        """Return the texts by number."""
        return {number: word for word, number in self._numbers.items()}


@dataclass(frozen=True, slots=True)
class EncodedCase:
    """An encoded case. `last_day` is the last day on which a report can need it."""

    numbers: tuple[int, ...]
    last_day: int

    def packed(self) -> bytes:
        """Return the numbers as bytes, four for each number, little-endian."""
        return pack(f"<{len(self.numbers)}i", *self.numbers)


def relabelled(packed: bytes, numbers: Mapping[int, int]) -> bytes:
    """Return a packed case with other numbers in the place of these numbers.

    No day, state or count may be one of them.
    """
    form = f"<{len(packed) // 4}i"
    return pack(form, *(numbers.get(each, each) for each in unpack(form, packed)))


def encode_case(case: Case, context: EvaluationContext, number: NumberOf) -> EncodedCase:
    """Encode a case: the numbers of `HEAD`, then `DEADLINE` for each deadline, then `EVENT` for
    each event.
    """
    duties = [deadline for deadline in case.deadlines if deadline.rule.binds_provider]
    events = list(_events(case, context, number))
    head = _head(case, context, number)
    deadlines = [_deadline(deadline, context, number) for deadline in duties]
    days = [head[place] for place in _DAYS_OF_HEAD]
    days += [each[place] for each in deadlines for place in _DAYS_OF_DEADLINE]
    days += [day for _, day, _ in events]
    is_open = case.is_open or any(deadline.open for deadline in duties)
    numbers = (*head, len(deadlines), len(events))
    for each in (*deadlines, *events):
        numbers += each
    return EncodedCase(numbers, FOR_EVER if is_open else max(days))


def _head(case: Case, context: EvaluationContext, number: NumberOf) -> tuple[int, ...]:
    followed, settled = case.first(*FOLLOWED_UP), case.final(*SETTLING)
    unknown = settled is not None and settled.knowledge is Knowledge.UNKNOWN
    return (
        context.day(case.received),
        followed is not None,
        _known(followed, context),
        _followed_from(case, context),
        _follow_ups_until(case, context),
        context.day(case.absent_since) if case.absent_since else 0,
        _known(case.first(Kind.FOLLOW_UP_PUBLISHED), context),
        _known(case.first(*SETTLING), context),
        _known(settled, context),
        context.day(settled.latest) if settled and unknown else 0,
        _known(case.final(Kind.SETTLED), context),
        case.is_open,
        _is(case.events, Knowledge.OBSERVED),
        _is(case.events, Knowledge.UNKNOWN),
        STATUSES.index(case.status),
        number(case.source),
        number(case.unit),
        number(case.classification),
        number(case.category),
        number(case.channel),
        number(case.place),
        case.rating or 0,
    )


def _followed_from(case: Case, context: EvaluationContext) -> int:
    """Return the earliest possible day of the first follow-up; 0 without one.

    An answer of the reporter proves a follow-up at any time since the receipt.
    """
    moments = (
        case.received if event.kind == Kind.FOLLOW_UP_ANSWERED else event.first_possible
        for event in case.events
        if event.kind in FOLLOWED_UP
    )
    first = min(moments, default=None)
    return 0 if first is None else context.day(first)


def _follow_ups_until(case: Case, context: EvaluationContext) -> int:
    """Return the day until which every follow-up is known: `FOR_EVER` without a doubt, and 0 if the
    source cannot show follow-ups.
    """
    if not case.shows_follow_ups:
        return 0
    since = case.follow_up_doubted_since
    return FOR_EVER if since is None else context.day(since)


def _known(event: Event | None, context: EvaluationContext) -> int:
    if event is None or event.knowledge is Knowledge.UNKNOWN:
        return 0
    return context.day(event.latest)


def _is(events: Iterable[Event], knowledge: Knowledge) -> bool:
    return any(event.knowledge is knowledge for event in events)


def _deadline(deadline: Deadline, context: EvaluationContext, number: NumberOf) -> tuple[int, ...]:
    counted = deadline.due or deadline.stopped
    return (
        number(deadline.rule.id),
        deadline.clock,
        number(deadline.answerable),
        number(deadline.unit_to_list),
        context.day(counted) if counted else 0,
        context.day(deadline.due) if deadline.due else 0,
        STATES.index(deadline.state),
        deadline.open,
        deadline.by_policy,
        deadline.provisional,
        context.day(deadline.started),
        context.day(deadline.stopped) if deadline.stopped else 0,
        number(",".join(deadline.reasons)),
    )


def _events(
    case: Case, context: EvaluationContext, number: NumberOf
) -> Iterator[tuple[int, int, int]]:
    """Yield settlements, reopenings and returns, the last two with the unit they came from.

    A source that shows only the present state shows a return by its status or by its unit. The
    second of the two is no other return, and a change to another unit is none.
    """
    holder, is_back = case.unit, False
    for place, event in enumerate(case.events):
        day = context.day(event.latest)
        if event.kind in SETTLING:
            yield 0, day, 0
        elif event.kind == Kind.REOPENED:
            yield 1, day, number(case.unit)
        elif event.kind == Kind.ASSIGNED:
            holder, is_back = event.unit, False
        elif event.kind == Kind.RETURNED:
            derived = event.knowledge is not Knowledge.STATED
            if not (derived and (is_back or _moved(event, case.events[place:], context))):
                yield 2, day, number(event.unit or holder)
            is_back = True


def _moved(returned: Event, later: Iterable[Event], context: EvaluationContext) -> bool:
    """Check whether a source showed another unit in the place of the one that had a complaint.

    The administrator's unit is none: it has what was returned.
    """
    return returned.unit is not None and any(
        event.kind == Kind.ASSIGNED
        and event.unit not in (returned.unit, context.administrator_unit)
        and (event.latest, event.earliest) == (returned.latest, returned.earliest)
        for event in later
    )
