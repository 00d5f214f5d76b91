"""Step order: the steps of a row in an order in which they are possible."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from operator import attrgetter
from zoneinfo import ZoneInfo

from settings.mapping import SourceMapping
from sla.events import ENDING, FOLLOWS, Kind
from tasks.ingest.records import Step

AskAgain = Callable[[Step, str, datetime | None], Step | None]
"""Asks about a step with an impossible date: about the step, the kind of event in doubt, and the
moment after which the step is possible. Returns the step as the answer says, if any.
"""

_by_moment = attrgetter("moment")


class StepOrder:
    """The order of the steps that the mapping of a source has."""

    def __init__(self, source: SourceMapping) -> None:
        kinds = [event.kind for event in source.events]
        self._zone = ZoneInfo(source.zone)
        self._has_followers = any(kind in FOLLOWS for kind in kinds)
        self._has_reopenings = Kind.REOPENED in kinds
        self._end_kind = next((kind for kind in kinds if kind in ENDING), "")
        """The kind of the first end that the mapping has, or nothing without one."""

    def arranged(
        self, steps: list[Step], ask: AskAgain, is_asked: Callable[[Sequence[str]], bool]
    ) -> list[Step]:
        """Return the steps with possible dates, in order of time.

        `is_asked` checks whether the date of an event of these kinds is an open question of the row
        already.
        """
        if self._has_followers and any(step.kind in FOLLOWS for step in steps):
            steps = self._after_what_they_follow(steps, ask)
        if self._has_reopenings and any(step.kind == Kind.REOPENED for step in steps):
            steps = self._reopened_after_end(steps, ask, end_asked=is_asked(tuple(ENDING)))
        if len(steps) > 1:
            steps.sort(key=_by_moment)
        return steps

    def _after_what_they_follow(self, steps: list[Step], ask: AskAgain) -> list[Step]:
        """Put each step after the step that it presupposes, for example a return after the
        assignment.

        On the same day the order of the procedure counts, because the law counts days. A step on an
        earlier day is impossible: its date becomes an open question.
        """
        first: dict[str, datetime] = {}
        for step in steps:
            first[step.kind] = min(step.moment, first.get(step.kind, step.moment))
        found: list[Step | None] = []
        for step in steps:
            begin = first.get(FOLLOWS.get(step.kind, ""))
            if begin is None or step.moment >= begin:
                found.append(step)
            elif step.moment.astimezone(self._zone).date() == begin.astimezone(self._zone).date():
                found.append(replace(step, moment=begin + timedelta(seconds=1)))
            else:
                found.append(ask(step, step.kind, begin))
        return [step for step in found if step is not None]

    def _reopened_after_end(
        self, steps: list[Step], ask: AskAgain, *, end_asked: bool
    ) -> list[Step]:
        """Put the ends and reopenings of a complaint in a possible order.

        Of several in the same minute, each counts a second after the one before, in the order of
        the columns in the mapping. A reopening before the first end, or without an end in a source
        that shows ends, is impossible: it becomes an open question.
        """
        places = [n for n, step in enumerate(steps) if step.kind in (*ENDING, Kind.REOPENED)]
        taken: set[datetime] = set()
        for n in places:
            moment = steps[n].moment
            while moment in taken:
                moment += timedelta(seconds=1)
            taken.add(moment)
            steps[n] = replace(steps[n], moment=moment)
        first = min((step.moment for step in steps if step.kind in ENDING), default=None)
        if first is None and (not self._end_kind or end_asked):
            return steps
        return [found for step in steps if (found := self._after_end(step, first, ask)) is not None]

    def _after_end(self, step: Step, first: datetime | None, ask: AskAgain) -> Step | None:
        """Return the step; for a reopening before the first end, the answer about it.

        A reopening proves that the complaint had ended. Without any end it is the date of the end
        that is missing, so the question is about the end.
        """
        if step.kind != Kind.REOPENED or (first is not None and step.moment >= first):
            return step
        kind = step.kind if first is not None else self._end_kind
        return ask(step, kind, first)
