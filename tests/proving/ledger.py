"""What was due: computed from the events and the law alone, beside the program that is tried.

The domain (`sla`) judges every complaint at every moment at which a deadline run has committed.
What a run must then have decided, and to whom each notice is owed, follows without a look at what
the program decided; only who had been told before a handover is taken from what was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Complaint
from sla.directory import OF_A_UNIT, Role
from sla.engine.deadline import Deadline
from sla.escalation import Ladder, Reached, ladder_for, reached
from tasks.common.context import SiteContext
from tasks.evaluation.loader import load_and_evaluate


class Key(NamedTuple):
    """What a notice is about: it is due once."""

    complaint: int
    rule: str
    clock: int
    unit: str
    rung: str
    repeat: int


@dataclass(frozen=True)
class Debt:
    """A notice that became due: when, to which roles, or at once made needless by a higher rung."""

    since: datetime
    roles: tuple[Role, ...] = ()
    superseded: bool = False


class Views:
    """The complaints of a run as the law sees them at any moment."""

    def __init__(self, session: Session, office: SiteContext) -> None:
        self.session, self.office = session, office
        self.complaints = list(session.scalars(select(Complaint).order_by(Complaint.id)))
        self.tickets = {complaint.id: complaint.ticket for complaint in self.complaints}
        self.at = lru_cache(maxsize=None)(self._at)

    def _at(self, moment: datetime) -> dict[int, list[Deadline]]:
        """The deadlines of each complaint that was known and can be judged, as of a moment."""
        known = [c for c in self.complaints if c.recorded_at <= moment]
        return {
            found.complaint.id: judged.deadlines
            for found, judged in load_and_evaluate(self.session, self.office, known, moment)
            if judged.error is None
        }

    def ticks(self, key: Key, moment: datetime) -> bool:
        """Whether the clock of a notice ticks at its unit at this moment."""
        clock = (key.rule, key.clock, key.unit)
        return any(
            (deadline.rule.id, deadline.clock, deadline.unit or "") == clock and deadline.ticking
            for deadline in self.at(moment).get(key.complaint, ())
        )

    def reached(self, deadline: Deadline, moment: datetime) -> list[Reached]:
        """The rungs that a deadline has reached on its ladder, lowest first."""
        site = self.office.site
        return reached(
            deadline, self._ladder(deadline.rule.id, deadline.unit), site.evaluation_context, moment
        )

    def _ladder(self, rule: str, unit: str | None) -> Ladder | None:
        kind = self.office.site.evaluation_context.unit_kinds.get(unit or "")
        return ladder_for(rule, self.office.site.ladders, kind)

    def people(self, key: Key, roles: Iterable[Role], moment: datetime) -> set[str]:
        """Who holds these roles for the unit of a notice at this moment."""
        directory, today = self.office.site.directory, self.office.local(moment).date()
        return {
            holder.email
            for role in roles
            for holder in directory.holders(role, key.unit or None, today).offices
        }


class Ledger:
    """Every notice that deadline runs must have decided, entered moment by moment.

    `told_elsewhere` says whether people were told of the same rung before a handover: then the new
    unit alone is told of it, not the superiors again.
    """

    def __init__(self, views: Views, told_elsewhere: Callable[[Key, datetime], bool]) -> None:
        self.views, self.told_elsewhere = views, told_elsewhere
        self.debts: dict[Key, Debt] = {}
        self.standing: set[Key] = set()
        """What is owed as things stood at the last moment: the highest rung of each clock."""

    def enter(self, moment: datetime, judged: Container[int] | None = None) -> None:
        """What a run at this moment decides; of all complaints, or of these alone."""
        self.standing = set()
        for complaint, deadlines in self.views.at(moment).items():
            if judged is not None and complaint not in judged:
                continue
            for deadline in deadlines:
                due = list(self._due(complaint, deadline, moment))
                for key, roles in due:
                    highest = key == due[-1][0]
                    self.debts.setdefault(key, Debt(moment, roles, superseded=not highest))
                self.standing |= {key for key, _ in due[-1:]}

    def _due(
        self, complaint: int, deadline: Deadline, moment: datetime
    ) -> Iterator[tuple[Key, tuple[Role, ...]]]:
        """The rungs of a clock for which there is anybody to be told, lowest first."""
        for step in self.views.reached(deadline, moment):
            key = _key(complaint, deadline, step)
            roles = (*step.rung.to, *step.rung.cc)
            if key not in self.debts and self.told_elsewhere(key, moment):
                roles = tuple(role for role in roles if role in OF_A_UNIT)
            if roles:
                yield key, roles


def _key(complaint: int, deadline: Deadline, step: Reached) -> Key:
    rule, unit = deadline.rule.id, deadline.unit or ""
    return Key(complaint, rule, deadline.clock, unit, step.rung.id, step.repeat)
