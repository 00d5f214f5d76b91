"""Ranges in the place of withheld shares: coarse enough that no small count follows from them.

A reader of the public edition may know the sums of all columns, and everything about rows without
published verdicts. For each row with a range, the number of deadlines met must still be possibly 0
or at least 3, and so must the number of those not met. Each small part (met, met_late, breached)
must still have another possible value: a deadline of the row counted otherwise, and one of another
row in return.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tasks.reports.disclosure_control import LEAST, PARTS, WITHHELD, Level, Verdicts, small

STEPS = (4, 2, 1)
"""The numbers of equal ranges from 0 to 1, the finest first; one range is no information."""


@dataclass(frozen=True, slots=True)
class ShareRange:
    """A range of a share: from `least` up to, but without, `most`, except for 1."""

    least: Fraction
    most: Fraction

    def counts(self, verdicts: int) -> tuple[int, int]:
        """Return the least and the most deadlines met of so many that fit."""
        first = -(-self.least * verdicts // 1)
        last = verdicts if self.most == 1 else -(-self.most * verdicts // 1) - 1
        return int(first), int(last)

    def __str__(self) -> str:
        return f"{float(self.least):g}-{float(self.most):g}"


def share_ranges(
    verdicts: Verdicts, levels: Sequence[Level], whole: Level
) -> dict[int, ShareRange]:
    """Return the ranges of the rows with a withheld share and published verdicts.

    A row without a safe range has none. `levels` says how much of each row is withheld, `whole` how
    much of the sums.
    """
    rows = [n for n, level in enumerate(levels) if level is Level.SHARE]
    if whole >= Level.SHARE or len(rows) < 2:
        return {}
    steps = dict.fromkeys(rows, 0)
    while True:
        ranges = {row: _range_of(verdicts, row, STEPS[step]) for row, step in steps.items()}
        unsafe = set(_unsafe(verdicts, levels, ranges))
        if not unsafe:
            return {row: each for row, each in ranges.items() if each.most - each.least < 1}
        last = len(STEPS) - 1
        wider = unsafe if any(steps[row] < last for row in unsafe) else set(rows)
        if all(step == last for step in steps.values()):
            return {}
        for row in wider:
            steps[row] = min(steps[row] + 1, last)


def _range_of(verdicts: Verdicts, row: int, number: int) -> ShareRange:
    share = Fraction(verdicts["met"][row], verdicts["verdicts"][row])
    at = min(int(share * number), number - 1)
    return ShareRange(Fraction(at, number), Fraction(at + 1, number))


def _unsafe(
    verdicts: Verdicts, levels: Sequence[Level], ranges: dict[int, ShareRange]
) -> Iterator[int]:
    """Yield the rows of which a small count follows."""
    met, evaluated = verdicts["met"], verdicts["verdicts"]
    bounds = {row: each.counts(evaluated[row]) for row, each in ranges.items()}
    total = sum(met[row] for row in ranges)
    fewest, most = (sum(each[end] for each in bounds.values()) for end in (0, 1))
    for row, (low, high) in bounds.items():
        least = max(low, total - (most - high))
        greatest = min(high, total - (fewest - low))
        missed = evaluated[row] - greatest, evaluated[row] - least
        if (
            (least and greatest < LEAST)
            or (missed[0] and missed[1] < LEAST)
            or any(
                small(verdicts[part][row]) and not _movable(verdicts, levels, bounds, row, part)
                for part in PARTS
            )
        ):
            yield row


def _movable(
    verdicts: Verdicts,
    levels: Sequence[Level],
    bounds: dict[int, tuple[int, int]],
    row: int,
    part: str,
) -> bool:
    """Check whether a part of a row may be one more or one less, with all sums equal."""
    for other, level in enumerate(levels):
        if other == row or level not in (Level.LATE, Level.SHARE):
            continue
        for partner in PARTS:
            if partner == part or not {part, partner} <= set(WITHHELD[level]):
                continue
            for more in (1, -1):
                gives = (row, partner, other, part) if more > 0 else (row, part, other, partner)
                if not (verdicts[gives[1]][gives[0]] and verdicts[gives[3]][gives[2]]):
                    continue
                change = {part: more, partner: -more}.get("met", 0)
                if all(
                    each not in bounds
                    or bounds[each][0] <= verdicts["met"][each] + by <= bounds[each][1]
                    for each, by in ((row, change), (other, -change))
                ):
                    return True
    return False
