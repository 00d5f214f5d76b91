"""Rung decisions: which of the rungs that a deadline has reached cause a notice now."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sla.escalation import Reached


class EarlierDecision(StrEnum):
    """What an earlier run decided about a rung. A rung without one was never decided."""

    FINAL = "final"
    """It was notified, is queued, or was superseded."""
    SUPPRESSED = "suppressed"
    """The site held it back at the time."""
    WITHOUT_EFFECT = "without_effect"
    """Its notice was withdrawn before it was sent, or no mail about it could be delivered."""


class RungDecision(StrEnum):
    """The decision about a reached rung now."""

    NOTIFY = "notify"
    SUPERSEDE = "supersede"
    SUPPRESS = "suppress"


@dataclass(frozen=True, slots=True)
class DecidedRung:
    """A reached rung and the decision about it; `highest` is the rung that supersedes it."""

    reached: Reached
    decision: RungDecision
    highest: Reached


def decide_rungs(
    rungs: Sequence[Reached],
    earlier: Mapping[tuple[str, int], EarlierDecision],
    held: Collection[str],
) -> Iterator[DecidedRung]:
    """Yield the new decisions about the rungs that a deadline has reached, lowest first.

    Of the rungs for the unit only the highest one is notified, and of those for superiors too. A
    rung in `held` is on hold and supersedes no other. The keys of `earlier` are the id of a rung
    and its repetition. A rung with a final decision stays as it is.
    """
    for superiors in (False, True):
        candidates: list[Reached] = []
        for each in rungs:
            if each.rung.for_superiors != superiors:
                continue
            final = earlier.get((each.rung.id, each.repeat)) is EarlierDecision.FINAL
            if each.rung.id in held and not final:
                yield DecidedRung(each, RungDecision.SUPPRESS, each)
            else:
                candidates.append(each)
        for each in candidates:
            before = earlier.get((each.rung.id, each.repeat))
            if before is EarlierDecision.FINAL:
                continue
            if each is candidates[-1]:
                yield DecidedRung(each, RungDecision.NOTIFY, each)
            elif before is not EarlierDecision.WITHOUT_EFFECT:
                yield DecidedRung(each, RungDecision.SUPERSEDE, candidates[-1])
