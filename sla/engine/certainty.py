"""The certainty of verdicts: what remains of a verdict that another order of events contradicts.

The evaluation computes the deadlines for every order in which the events can have happened
(:mod:`sla.engine.event_orders`). A deadline counts as late only if it is late in every order. The
policy of the site decides between a verdict in favour of the responsible unit and none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from sla.engine.context import Policy
from sla.engine.deadline import Deadline, Reason, State
from sla.events import Knowledge

ACCUSING = frozenset({State.BREACHED, State.MET_LATE, State.LAPSED})
FAVOURABLE = (State.MET, State.WAIVED, State.RUNNING, State.PAUSED, State.UNKNOWN)
"""The states that accuse nobody, the most favourable one first."""


def weakened(deadline: Deadline, policy: Policy) -> Deadline:
    """Return the deadline with a verdict that holds although its basis is not certain.

    A late deadline becomes `unknown`. `met` and `waived` remain, by policy, if the policy decides
    in favour; otherwise they become `unknown` too. If the doubt comes from an event before the
    first import, `met` becomes `unknown` under every policy.
    """
    if deadline.state not in (*ACCUSING, State.MET, State.WAIVED):
        return deadline
    vague = _history_unknown(deadline)
    if vague and deadline.state is State.WAIVED:
        return deadline
    reasons = tuple(reason for reason in deadline.reasons if reason is not Reason.POLICY)
    if vague:
        reasons = (Reason.HISTORY_UNKNOWN,)
        return replace(deadline, state=State.UNKNOWN, reasons=reasons, by_policy=False)
    state = deadline.state
    if state in ACCUSING or not _favours(deadline, policy):
        state = State.UNKNOWN
    return replace(deadline, state=state, reasons=(*reasons, Reason.POLICY), by_policy=True)


def weakened_by_lapses(
    since: Mapping[str, datetime],
    lapses: Collection[str],
    deadlines: Iterable[Deadline],
    policy: Policy,
) -> list[Deadline]:
    """Return the deadlines of a complaint that may have lapsed at a moment that is not certain.

    `since` has the first possible moment of the lapse by each rule that may have caused it. A
    deadline that was decided before the lapse by another rule keeps its verdict. `lapses` are the
    kinds of event that a lapse causes.
    """
    kinds = frozenset(lapses)
    result = []
    for deadline in deadlines:
        own = deadline.rule.id
        first = min((moment for rule, moment in since.items() if rule != own), default=None)
        certain = first is None or _decided_before(first, kinds, deadline)
        result.append(deadline if certain else weakened(deadline, policy))
    return result


def agreed(
    found: Sequence[Sequence[Deadline]], policy: Policy, *, complete: bool
) -> list[Deadline]:
    """Return the deadlines that hold in all orders of the events.

    `found` has the deadlines in each order, the most plausible order first. Deadlines of two orders
    correspond if they are the same clock of the same rule. Of verdicts that all accuse, the one
    with the latest due moment applies; it counts for no unit if the orders disagree about the unit
    that was responsible. If the orders disagree about an accusation, the most
    favourable order applies, weakened. `complete` is false if there are more orders.
    """
    plausible, *others = found
    if not others and complete:
        return list(plausible)
    by_key = [{d.key: d for d in deadlines} for deadlines in others]
    result = []
    for deadline in plausible:
        key = deadline.key
        rest = [deadlines.get(key) for deadlines in by_key]
        result.append(_agreed(deadline, rest, policy, complete=complete))
    return result


def _agreed(
    plausible: Deadline, others: Sequence[Deadline | None], policy: Policy, *, complete: bool
) -> Deadline:
    existing = [plausible, *(other for other in others if other is not None)]
    everywhere = complete and len(existing) == len(others) + 1
    if plausible.state in ACCUSING:
        if everywhere and all(deadline.state in ACCUSING for deadline in existing):
            dues = [d.due_earliest for d in existing if d.due_earliest is not None]
            last = max(existing, key=lambda deadline: (deadline.due is not None, deadline.due))
            answerable = last.answerable if _one_unit(existing) else None
            return replace(
                last,
                due_earliest=min(dues, default=None),
                answerable=answerable,
                liable=frozenset.intersection(*(deadline.liable for deadline in existing)),
            )
        favourable = [deadline for deadline in existing if deadline.state in FAVOURABLE]
        best = min(favourable, key=lambda d: FAVOURABLE.index(d.state), default=plausible)
        return weakened(best, policy)
    everywhere = everywhere or (complete and plausible.state is State.WAIVED)
    if everywhere and all(deadline.state is plausible.state for deadline in existing):
        if plausible.by_policy:
            return plausible
        return next((deadline for deadline in existing if deadline.by_policy), plausible)
    return weakened(plausible, policy)


def _one_unit(deadlines: Iterable[Deadline]) -> bool:
    """Check whether all these orders of the events leave the same unit answerable."""
    return len({deadline.answerable for deadline in deadlines}) == 1


def possible_lapses(
    found: Iterable[Iterable[Deadline]], deadlines: Iterable[Deadline], until: datetime
) -> dict[str, datetime]:
    """Return the first moment at which each rule may have lapsed, if that is not certain.

    A lapse is certain if the deadline lapsed in every order of the events. `deadlines` are those
    that hold in all orders. An open clock can have lapsed only by `until`, the last import from the
    source.
    """
    certain = {deadline.key for deadline in deadlines if deadline.state is State.LAPSED}
    since: dict[str, datetime] = {}
    for deadline in chain.from_iterable(found):
        first, rule = deadline.due_earliest, deadline.rule.id
        if deadline.rule.lapse is None or (rule, deadline.clock) in certain:
            continue
        if first is not None and _may_lapse(deadline, first, until):
            since[rule] = min(first, since.get(rule, first))
    return since


def _may_lapse(deadline: Deadline, due_earliest: datetime, until: datetime) -> bool:
    if deadline.stopped is not None:
        return due_earliest < deadline.stopped
    return due_earliest < until


def _decided_before(since: datetime, lapses: frozenset[str], deadline: Deadline) -> bool:
    """Check whether a lapse at `since` or later leaves the verdict as it is.

    It does if the deadline is waived or the clock had ended before. A missed deadline also stays
    missed, unless the lapse implies that the duty was done at some time.
    """
    if deadline.state is State.WAIVED:
        return True
    if deadline.stopped is not None and deadline.stopped < since:
        return True
    if deadline.state is State.MET or deadline.rule.implied_by & lapses:
        return False
    moment = deadline.shown_by or deadline.due
    return moment is not None and moment < since


def _favours(deadline: Deadline, policy: Policy) -> bool:
    if policy is Policy.STRICT:
        return not deadline.rule.binds_provider
    return policy is Policy.BENEFIT_OF_DOUBT


def _history_unknown(deadline: Deadline) -> bool:
    pauses = (event for pair in deadline.pause_events for event in pair)
    moments = (deadline.start, deadline.end, *pauses)
    return any(event is not None and event.knowledge is Knowledge.UNKNOWN for event in moments)
