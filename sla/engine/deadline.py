"""The deadline: its states, and the reasons for them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sla.due_days import Stretch
from sla.engine.holders import HandOver
from sla.events import Event
from sla.regulations.model import Actor, Rule
from sla.value_class import value_class

ClockKey = tuple[str, int]
"""A clock among those of its complaint: the id of the rule, and the number of the clock."""


class State(StrEnum):
    """The state of a deadline. Only MET, MET_LATE and BREACHED are verdicts on the provider."""

    NOT_STARTED = "not_started"
    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    MET_LATE = "met_late"
    BREACHED = "breached"
    LAPSED = "lapsed"
    WAIVED = "waived"
    UNKNOWN = "unknown"


LATE_STATES = (State.BREACHED, State.MET_LATE)
"""The states of a missed deadline: they accuse the responsible unit."""


DONE = (State.MET, State.MET_LATE)
"""The states of a duty that was done, in time or late."""


class Reason(StrEnum):
    """A reason for the state of a deadline, in addition to its dates."""

    HISTORY_UNKNOWN = "history_unknown"
    IMPLIED = "implied"
    SHOWN_LATER = "shown_later"
    AWAITING_SOURCE = "awaiting_source"
    POLICY = "policy"
    VOIDED = "voided"
    RETURNED = "returned"
    NOT_SHOWN = "not_shown"
    OPEN_QUESTION = "open_question"


@value_class(frozen=True, slots=True)
class Deadline:
    """One clock of a rule on one complaint, as evaluated at `as_of`.

    `clock` is the number of the clock among those of its rule (a reopened complaint starts
    another). `unit` is responsible now. `answerable` was responsible when the deadline fell due or
    was stopped; the verdict is counted for this unit. It is None if an interval leaves open which
    unit that was, or without `unit_known`: then the verdict is counted for no unit. `unit_known` is
    false if a field with the unit is unreadable; `unit` may then only stand in for that one.
    `liable` are the units that were certainly responsible when a late duty fell due, or since:
    only these may be called late. `handed_over` is the hand-over to `unit`, if another one had the
    duty before.

    `due` is the last moment for acting on time, or None while a pause leaves it open. If times are
    known only as intervals, it is the latest possible due moment; under the policy `strict` it is
    the earliest one, as long as nobody is late. `due_earliest` is the earliest possible due moment.
    `shown_by` is the moment after which a breach is certain: the latest possible due moment, or
    later if the source shows the stop late.

    A missed deadline remains BREACHED, with `stopped` set, if the duty then ends for another
    reason. `start` and `end` are the events behind `started` and `stopped`. `pause_events` are the
    events behind `pauses`, in the same order. `pauses` are half-open intervals (begin, end] of day
    ordinals.

    `doubt` is the doubt that keeps the deadline undecided, or keeps a missed one from further
    notices: the source does not show the complaint any more, or a field of it is unreadable.

    `by_policy` is true if the policy of the site decided the verdict. `provisional` is true if the
    due day depends on holidays not yet decreed. `paused` is true if the count is paused, even after
    the due time. `days_used` counts days of the unit of the rule; `working_days_left` is negative
    if the deadline is late.
    """

    rule: Rule
    clock: int
    unit: str | None
    answerable: str | None
    started: datetime
    start: Event
    due: datetime | None
    stopped: datetime | None
    end: Event | None
    state: State
    days_used: int
    working_days_left: int | None
    shown_by: datetime | None
    pauses: tuple[Stretch, ...] = ()
    pause_events: tuple[tuple[Event, Event | None], ...] = ()
    reasons: tuple[Reason, ...] = ()
    by_policy: bool = False
    provisional: bool = False
    paused: bool = False
    doubt: Event | None = None
    due_earliest: datetime | None = None
    unit_known: bool = True
    liable: frozenset[str] = frozenset()
    handed_over: HandOver | None = None

    @property
    def key(self) -> ClockKey:
        """Return the key of the clock among those of its complaint."""
        return self.rule.id, self.clock

    @property
    def unit_to_list(self) -> str | None:
        """Return the unit under which lists show the duty; None if it is late at an unknown one."""
        return self.unit if self.unit_known or self.state not in LATE_STATES else None

    def is_of(self, unit: str | None) -> bool:
        """Check whether a notice about a duty of this unit is one about this duty.

        Superiors have the same duty whatever unit has the complaint.
        """
        return self.rule.actor is Actor.SUPERIOR or (self.unit or "") == (unit or "")

    @property
    def open(self) -> bool:
        """Check whether the clock is still open, late or not."""
        return self.stopped is None and self.state not in (State.LAPSED, State.WAIVED)

    @property
    def late(self) -> bool:
        """Check whether the duty is late: its deadline is breached and the duty still open."""
        return self.state is State.BREACHED and self.stopped is None

    @property
    def ended_late(self) -> bool:
        """Check whether the duty was late and then ended otherwise, without being done."""
        return self.state is State.BREACHED and self.stopped is not None

    def late_at(self, moment: datetime) -> bool:
        """Check whether a deadline in one of `LATE_STATES` was late at a moment, as is known now.

        Its `due` is the latest possible due moment, under every policy.
        """
        return self.due is None or moment > self.due

    @property
    def ticking(self) -> bool:
        """Check whether action is required: the deadline is running or late, and not paused.

        A deadline in doubt requires none: whether the duty is done by now is not known.
        """
        active = self.state in (State.RUNNING, State.BREACHED)
        return active and self.open and not self.paused and self.doubt is None
