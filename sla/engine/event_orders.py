"""The orders in which the events of a complaint can have happened.

If two intervals overlap, the times do not say which event came first. Then a follow-up may be
before or after the assignment, and a clock may or may not have been stopped. This module returns
every order that the times allow. The evaluation accuses nobody unless all of them give the same
verdict.

Two events that one import shows at once are in the order of the procedure (`sla.events`). So are
two events with the same stated time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice, product

from sla.events import PROCEDURE, Event, Kind, Knowledge, ProcedureState

MOST_ORDERS = 48
"""The number of orders examined for one complaint."""

MOST_EVENTS = 9
"""The number of events in one group of overlapping intervals for which the orders are listed."""

Permutation = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PossibleOrders:
    """The orders of the same events, the most plausible one first.

    `complete` is false if there are more orders than `MOST_ORDERS`; then no verdict is certain.
    """

    orders: list[list[Event]]
    complete: bool = True


def possible_orders(known: list[Event]) -> PossibleOrders:
    """Return every order in which these events, sorted by their latest times, can have happened.

    In an order other than the given one, each interval is narrowed to the times that the order
    allows. The most plausible order follows the procedure: an assignment is before a follow-up, an
    ending is before a reopening.
    """
    free = _free_pairs(known)
    if not free:
        return PossibleOrders([known])
    blocks = _blocks(len(known), free)
    plausible = _plausible(known, blocks, free)
    found = [plausible]
    complete = all(len(block) <= MOST_EVENTS for block in blocks)
    if complete:
        choices = [list(islice(_extensions(block, free), MOST_ORDERS + 1)) for block in blocks]
        every = (sum(parts, ()) for parts in product(*choices))
        found += [order for order in islice(every, MOST_ORDERS + 1) if order != plausible]
        complete = len(found) <= MOST_ORDERS
    return PossibleOrders([_narrowed([known[n] for n in order]) for order in found], complete)


def _free_pairs(known: Sequence[Event]) -> set[tuple[int, int]]:
    """Return the pairs of indices (i, j), i before j, of events that can also be in reverse."""
    free = set()
    for j, later in enumerate(known):
        if later.earliest is None:
            continue
        for i in range(j - 1, -1, -1):
            if known[i].latest <= later.earliest:
                break
            if not _in_procedure_order(known[i], later):
                free.add((i, j))
    return free


def _in_procedure_order(before: Event, after: Event) -> bool:
    """Check whether the order of two events that overlap is fixed by a rule."""
    if before.kind in (Kind.RECEIVED, Kind.SERVICE_RECEIVED) and before.earliest is None:
        return True
    at_once = before.latest == after.latest and before.knowledge is not Knowledge.STATED
    return at_once and before.kind in PROCEDURE and after.kind in PROCEDURE


def _blocks(count: int, free: set[tuple[int, int]]) -> list[range]:
    """Split the indices into the smallest runs such that no free pair crosses two of them."""
    reach = list(range(count))
    for i, j in free:
        reach[i] = max(reach[i], j)
    blocks, begin, end = [], 0, 0
    for place in range(count):
        end = max(end, reach[place])
        if place == end:
            blocks.append(range(begin, place + 1))
            begin = end = place + 1
    return blocks


def _available(left: Sequence[int], free: set[tuple[int, int]]) -> list[int]:
    """Return the events that can be next: no event left must be before them."""
    return [
        index
        for place, index in enumerate(left)
        if all((other, index) in free for other in left[:place])
    ]


def _extensions(left: Sequence[int], free: set[tuple[int, int]]) -> Iterator[Permutation]:
    if not left:
        yield ()
    for index in _available(left, free):
        rest = [other for other in left if other != index]
        for order in _extensions(rest, free):
            yield (index, *order)


def _plausible(
    known: Sequence[Event], blocks: Sequence[range], free: set[tuple[int, int]]
) -> Permutation:
    state = ProcedureState()
    order: list[int] = []
    for block in blocks:
        left = list(block)
        while left:
            place = 0
            if len(left) > 1 and len(block) <= MOST_EVENTS:
                choice = _available(left, free)
                place = left.index(min(choice, key=lambda n: (*state.priority(known[n]), n)))
            order.append(left.pop(place))
            state.apply(known[order[-1]])
    return tuple(order)


def _narrowed(order: list[Event]) -> list[Event]:
    """Cut each interval to the times at which this order is possible."""
    tick = timedelta(microseconds=1)
    bound = order[-1].latest
    for place in range(len(order) - 1, -1, -1):
        bound = min(bound, order[place].latest)
        if order[place].latest > bound:
            order[place] = replace(order[place], latest=bound)
    floor = order[0].first_possible
    for place, event in enumerate(order):
        if event.earliest is None:
            floor = max(floor, event.latest - tick)
        elif event.earliest < floor:
            order[place] = replace(event, earliest=min(floor, event.latest))
        else:
            floor = event.earliest
    return order
