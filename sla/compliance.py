"""The figures of a compliance summary: each defined once, here, with its formula.

A figure is computed from cases judged at one `as_of`; the same cases give the same figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import mean, median

from sla.counting import working_days_between
from sla.deadline import Bench, Deadline, State
from sla.events import Kind, Knowledge
from sla.figures.case import Case
from sla.periods import Period

SMALL_NUMBER = 5
"""Below this many judged deadlines a share is shown with the remark that the number is small."""


@dataclass(frozen=True, slots=True)
class OnTime:
    """How deadlines that came due in a period were kept.

    `share` = met / (met + met late + breached), None where nothing was judged. Deadlines whose
    history is unknown or whose verdict the source cannot show are counted apart and never in it.
    """

    met: int = 0
    met_late: int = 0
    breached: int = 0
    unknown: int = 0
    waived: int = 0
    by_policy: int = 0

    @property
    def judged(self) -> int:
        """Deadlines with a verdict."""
        return self.met + self.met_late + self.breached

    @property
    def share(self) -> float | None:
        """The part of the judged deadlines that was met, 0 to 1."""
        return self.met / self.judged if self.judged else None

    @property
    def small(self) -> bool:
        """Whether the share rests on too few deadlines to be compared."""
        return 0 < self.judged < SMALL_NUMBER


@dataclass(frozen=True, slots=True)
class LateItem:
    """A deadline that has passed with nothing done: the list an inspector works from."""

    ticket: str
    unit: str | None
    category: str | None
    deadline: Deadline
    working_days_late: int


@dataclass(frozen=True, slots=True)
class Durations:
    """Working days from receipt to an event, over the cases whose moment is given or observed."""

    count: int
    mean: float | None
    median: float | None
    ninetieth: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything a summary of one period shows."""

    period: Period
    as_of: datetime
    received: int
    settled: int
    followed_up_share: float | None
    open_now: int
    late_now: int
    history_unknown: int
    observed_times: int
    overall: OnTime
    by_rule: dict[str, OnTime]
    by_unit: dict[str, OnTime]
    open_by_unit: dict[str, int]
    late_by_unit: dict[str, int]
    by_classification: dict[str, int]
    by_channel: dict[str, int]
    to_follow_up: Durations
    to_settlement: Durations
    late: tuple[LateItem, ...] = field(default_factory=tuple)


def figures(cases: Sequence[Case], period: Period, bench: Bench, as_of: datetime) -> Figures:
    """All figures of a period as they are known at `as_of`.

    received: complaints whose receipt lies in the period. settled: complaints whose first
    settlement lies in it (an observed one by its latest moment). On time: the provider's
    deadlines whose due day lies in the period and is over, or that were met before. Open and
    late: at `as_of`, whenever received. Followed up: of the received, those with a follow-up, a
    response or a settlement by `as_of`.
    """
    first, last = period.first.toordinal(), period.last.toordinal()

    def within(moment: datetime | None) -> bool:
        return moment is not None and first <= bench.day(moment) <= last

    received = [case for case in cases if within(case.received)]
    done = (Kind.FOLLOW_UP_PUBLISHED, Kind.RESPONDED, Kind.SETTLED, Kind.CLOSED)
    followed_up = sum(1 for case in received if case.first(*done))
    settled = [
        case
        for case in cases
        if (event := case.first(Kind.SETTLED, Kind.CLOSED)) and within(event.latest)
    ]
    due = [
        (case, deadline)
        for case in cases
        for deadline in case.deadlines
        if deadline.rule.binds_provider and within(deadline.due or deadline.stopped)
    ]
    late = sorted(
        (
            LateItem(
                case.ticket,
                deadline.unit,
                case.category,
                deadline,
                -(deadline.working_days_left or 0),
            )
            for case in cases
            for deadline in case.deadlines
            if deadline.rule.binds_provider and deadline.open and deadline.state is State.BREACHED
        ),
        key=lambda item: (-item.working_days_late, item.ticket, item.deadline.rule.id),
    )
    observed = {case.ticket for case in received if _observed(case)}
    return Figures(
        period=period,
        as_of=as_of,
        received=len(received),
        settled=len(settled),
        followed_up_share=followed_up / len(received) if received else None,
        open_now=sum(case.is_open for case in cases),
        late_now=len({(item.ticket) for item in late}),
        history_unknown=sum(
            any(event.knowledge is Knowledge.UNKNOWN for event in case.events) for case in cases
        ),
        observed_times=len(observed),
        overall=_on_time(deadline for _, deadline in due),
        by_rule=_grouped(due, lambda _, deadline: deadline.rule.id),
        by_unit=_grouped(due, lambda _, deadline: deadline.answerable or ""),
        open_by_unit=dict(Counter(case.unit or "" for case in cases if case.is_open)),
        late_by_unit=dict(
            Counter(unit for unit, _ in {(item.unit or "", item.ticket) for item in late})
        ),
        by_classification=dict(Counter(case.classification or "" for case in received)),
        by_channel=dict(Counter(case.channel or "" for case in received)),
        to_follow_up=_durations(settled_or(received, Kind.FOLLOW_UP_PUBLISHED), bench),
        to_settlement=_durations(settled_or(settled, Kind.SETTLED), bench),
        late=tuple(late),
    )


def settled_or(cases: Iterable[Case], kind: str) -> list[tuple[datetime, datetime]]:
    """(received, happened) of the cases where the moment of `kind` is known well enough."""
    return [
        (case.received, event.latest)
        for case in cases
        if (event := case.first(kind)) and event.knowledge is not Knowledge.UNKNOWN
    ]


def _observed(case: Case) -> bool:
    return any(event.knowledge is Knowledge.OBSERVED for event in case.events)


def _on_time(deadlines: Iterable[Deadline]) -> OnTime:
    states: Counter[State] = Counter()
    by_policy = 0
    for deadline in deadlines:
        states[deadline.state] += 1
        by_policy += deadline.by_policy
    return OnTime(
        met=states[State.MET],
        met_late=states[State.MET_LATE],
        breached=states[State.BREACHED],
        unknown=states[State.UNKNOWN],
        waived=states[State.WAIVED],
        by_policy=by_policy,
    )


def _grouped(
    due: Sequence[tuple[Case, Deadline]], key: Callable[[Case, Deadline], str]
) -> dict[str, OnTime]:
    groups: dict[str, list[Deadline]] = {}
    for case, deadline in due:
        groups.setdefault(key(case, deadline), []).append(deadline)
    return {name: _on_time(group) for name, group in sorted(groups.items())}


def _durations(pairs: Sequence[tuple[datetime, datetime]], bench: Bench) -> Durations:
    days = sorted(
        working_days_between(bench.calendar, bench.day(received), bench.day(happened))
        for received, happened in pairs
    )
    if not days:
        return Durations(0, None, None, None)
    ninetieth = days[max(0, -(-len(days) * 9 // 10) - 1)]
    return Durations(len(days), round(mean(days), 1), float(median(days)), float(ninetieth))
