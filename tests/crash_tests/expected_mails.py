"""What was due: computed from the events and the law alone, beside the program that is tried.

The domain (`sla`) judges every complaint at every moment at which a deadline run has committed.
What a run must then have decided, and to whom each notice is owed, follows without a look at what
the program decided; only what the server had accepted for the unit is taken from what was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Bounce, Complaint, NoticeRow
from sla.directory import Role
from sla.engine.deadline import Deadline, State
from sla.escalation import Reached, reached
from sla.fair_notice import AcceptedNotices
from sla.ladders import Ladder, NoticeKind, ladder_for
from tasks.common.context import SiteContext
from tasks.evaluation.loader import load_and_evaluate

LATE = (State.BREACHED, State.MET_LATE)


class Key(NamedTuple):
    """What a notice is about: it is due once."""

    complaint: int
    rule: str
    clock: int
    unit: str
    rung: str
    repeat: int
    episode: int = 0


@dataclass(frozen=True)
class Debt:
    """A notice that became due: when, to which roles, or at once made needless by a higher rung."""

    since: datetime
    roles: tuple[Role, ...] = ()
    superseded: bool = False


class Views:
    """The complaints of a run as the law sees them at any moment."""

    def __init__(self, session: Session, context: SiteContext) -> None:
        self.session, self.context = session, context
        self.complaints = list(session.scalars(select(Complaint).order_by(Complaint.id)))
        self.tickets = {complaint.id: complaint.ticket for complaint in self.complaints}
        self.at = lru_cache(maxsize=None)(self._at)

    def _at(self, moment: datetime) -> dict[int, list[Deadline]]:
        """The deadlines of each complaint that was known and can be judged, as of a moment."""
        known = [c for c in self.complaints if c.recorded_at <= moment]
        return {
            found.complaint.id: judged.deadlines
            for found, judged in load_and_evaluate(self.session, self.context, known, moment)
            if judged.error is None
        }

    def ticks(self, key: Key, moment: datetime) -> bool:
        """Whether the clock of a notice ticks at its unit at this moment."""
        clock = (key.rule, key.clock, key.unit)
        return any(
            (deadline.rule.id, deadline.clock, deadline.unit or "") == clock and deadline.ticking
            for deadline in self.at(moment).get(key.complaint, ())
        )

    def open_duties(self, moment: datetime) -> set[tuple[str, str]]:
        """(ticket, rule) of every clock that ticks at this moment, or is late."""
        return {
            (self.tickets[complaint], deadline.rule.id)
            for complaint, deadlines in self.at(moment).items()
            for deadline in deadlines
            if deadline.ticking or (deadline.state is State.BREACHED and deadline.stopped is None)
        }

    def reached(
        self, deadline: Deadline, moment: datetime, notified: AcceptedNotices
    ) -> list[Reached]:
        """The rungs that a deadline has reached on its ladder, lowest first."""
        ladder = self._ladder(deadline.rule.id, deadline.unit)
        evaluation_context = self.context.site.evaluation_context
        return reached(deadline, ladder, evaluation_context, moment, notified)

    def _ladder(self, rule: str, unit: str | None) -> Ladder | None:
        kind = self.context.site.evaluation_context.unit_kinds.get(unit or "")
        return ladder_for(rule, self.context.site.ladders, kind)

    def is_late(self, rule: str, unit: str, rung: str) -> bool:
        """Whether a rung of the ladder of a rule lies after the deadline."""
        ladder = self._ladder(rule, unit)
        rungs = ladder.rungs if ladder else ()
        return any(each.id == rung and each.kind != NoticeKind.REMINDER for each in rungs)

    def people(self, key: Key, roles: Iterable[Role], moment: datetime) -> set[str]:
        """Who holds these roles for the unit of a notice at this moment.

        A refused address counts as vacant from its refusal on.
        """
        directory, today = self.context.site.directory, self.context.local(moment).date()
        return {
            holder.email
            for role in roles
            for holder in directory.holders(
                role, key.unit or None, today, self.suppressed(moment)
            ).offices
        }

    def suppressed(self, moment: datetime | None = None) -> frozenset[str]:
        """The addresses that the mail server had refused by a moment, or at any time."""
        query = select(Bounce.address)
        if moment is not None:
            query = query.where(Bounce.recorded_at <= moment)
        return frozenset(self.session.scalars(query))


class Ledger:
    """Every notice that deadline runs must have decided, entered moment by moment.

    `accepted` gives the first acceptance of the unit's mail about each rung of a clock, as far as
    it was on record at a moment. Repetitions are counted from the decision on record (`notices`).
    A deadline that was late and is not any more begins an episode.
    """

    def __init__(
        self,
        views: Views,
        accepted: Callable[[Key, datetime], dict[str, datetime]],
        notices: Mapping[Key, NoticeRow],
    ) -> None:
        self.views, self.accepted, self.notices = views, accepted, notices
        self.debts: dict[Key, Debt] = {}
        self.standing: set[Key] = set()
        """What is owed as things stood at the last moment: the highest rungs of each clock."""
        self.late: set[tuple[int, str, int]] = set()
        self.episodes: dict[tuple[int, str, int], int] = {}

    def enter(self, moment: datetime, judged: Container[int] | None = None) -> None:
        """What a run at this moment decides; of all complaints, or of these alone."""
        self.standing = set()
        for complaint, deadlines in self.views.at(moment).items():
            if judged is not None and complaint not in judged:
                continue
            self._take_back(complaint, deadlines)
            for deadline in deadlines:
                for superiors in (False, True):
                    due = list(self._due(complaint, deadline, moment, superiors=superiors))
                    for key, roles in due:
                        highest = key == due[-1][0]
                        self.debts.setdefault(key, Debt(moment, roles, superseded=not highest))
                    self.standing |= {key for key, _ in due[-1:]}

    def _take_back(self, complaint: int, deadlines: Iterable[Deadline]) -> None:
        """Begin an episode of each clock that was late before and is not late now."""
        late = {(complaint, d.rule.id, d.clock) for d in deadlines if d.state in LATE}
        for clock in {each for each in self.late if each[0] == complaint} - late:
            if any(key[:3] == clock and self._is_late(key) for key in self.debts):
                self.episodes[clock] = self.episodes.get(clock, 0) + 1
        self.late = {each for each in self.late if each[0] != complaint} | late

    def _is_late(self, key: Key) -> bool:
        """Whether the rung of a notice lies after the deadline, by its ladder."""
        return self.views.is_late(key.rule, key.unit, key.rung)

    def _due(
        self, complaint: int, deadline: Deadline, moment: datetime, *, superiors: bool
    ) -> Iterator[tuple[Key, tuple[Role, ...]]]:
        """The rungs of a clock, of the unit or of superiors, lowest first."""
        clock = complaint, deadline.rule.id, deadline.clock
        episode = self.episodes.get(clock, 0)
        unit = deadline.unit or ""
        decided: dict[str, datetime] = {}
        for key, debt in self.debts.items():
            if key[:4] == (*clock, unit) and (key.episode == episode or not self._is_late(key)):
                row = self.notices.get(key)
                since = debt.since if row is None else row.decided_at
                if since <= moment:
                    decided[key.rung] = min(since, decided.get(key.rung, since))
        about = Key(*clock, unit, "", 0, episode)
        notified = AcceptedNotices(self.accepted(about, moment), decided)
        for step in self.views.reached(deadline, moment, notified):
            if step.rung.for_superiors == superiors:
                key = Key(*clock, unit, step.rung.id, step.repeat, episode)
                earlier = [k for k in self.debts if k._replace(episode=episode) == key]
                if step.rung.kind == NoticeKind.REMINDER and earlier:
                    key = earlier[0]
                yield key, step.rung.roles
