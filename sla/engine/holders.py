"""The units responsible for a duty over time, and which of them its lateness concerns.

A hand-over may be known only as an interval. Then a unit counts as responsible only if it was for
every moment of the interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple


class Holder(NamedTuple):
    """A unit that became responsible after `first` and not later than `latest`, if they differ."""

    first: datetime
    latest: datetime
    unit: str | None


class HandOver(NamedTuple):
    """The hand-over of a duty to the unit responsible now: after `first` and not later than
    `latest`, if they differ. `before` is the unit that had the duty before.
    """

    first: datetime
    latest: datetime
    before: str


def assignee_at(
    holders: Sequence[Holder], moment: datetime | None, earliest: datetime | None = None
) -> str | None:
    """Return the unit responsible at a moment, or now if no moment is given.

    The moment may be known only as an interval from `earliest` on. None if more than one unit
    may have been responsible: the moment lies in the interval of a change of the unit, or a
    change in that of the moment.
    """
    certain = moment if earliest is None else earliest
    first, *later = holders
    possible = {first.unit}
    for holder in later:
        if moment is None or certain is None or holder.latest <= certain:
            possible = {holder.unit}
        elif holder.first < moment or holder.latest <= moment:
            possible.add(holder.unit)
    return possible.pop() if len(possible) == 1 else None


def in_charge_since(holders: Sequence[Holder], due: datetime) -> frozenset[str]:
    """Return the units that were certainly responsible when a duty fell due, or later.

    `due` is the last moment at which it can have fallen due. A unit that handed the duty over at
    this moment or before is not one of them, nor a unit that perhaps did.
    """
    following = [*holders[1:], None]
    return _units(
        tuple(
            holder.unit
            for holder, successor in zip(holders, following, strict=True)
            if holder.unit and (successor is None or _after(successor, due))
        )
    )


@lru_cache
def _units(names: tuple[str, ...]) -> frozenset[str]:
    """Return one set for all equal units: a set of its own for each late duty takes more memory
    than the duty.
    """
    return frozenset(names)


def _after(holder: Holder, moment: datetime) -> bool:
    """Check whether a unit certainly became responsible only after a moment."""
    return holder.first >= moment and holder.latest > moment


def last_hand_over(holders: Sequence[Holder], administrator: str | None) -> HandOver | None:
    """Return the hand-over to the unit responsible now, or None if it had the duty all along.

    The administrator, who has a complaint between two units, is the one before only if no unit
    was. A unit that gets back a complaint that it returned has had it all along.
    """
    if len(holders) == 1:
        return None
    unit = holders[-1].unit
    others = [n for n, holder in enumerate(holders) if holder.unit not in (unit, administrator)]
    begin = next(
        n for n, holder in enumerate(holders) if holder.unit == unit and n > max(others, default=-1)
    )
    before = holders[others[-1]].unit if others else administrator
    if begin == 0 or before is None:
        return None
    return HandOver(holders[begin].first, holders[begin].latest, before)
