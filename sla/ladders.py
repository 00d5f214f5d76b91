"""Ladders: the rungs of notices at offsets from a deadline, and the roles that each notifies."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache

from sla.directory import OF_A_UNIT, SPEAKING, Role
from sla.regulations.model import Actor, Rule


class NoticeKind(StrEnum):
    """The message of a notice: act soon; it is late; it is late and a superior is notified."""

    REMINDER = "reminder"
    BREACH = "breach"
    ESCALATION = "escalation"


class LadderError(ValueError):
    """An escalation ladder cannot be used; the message has the rung, the mistake and the remedy."""


SUPERIORS = (Role.REGIONAL_SECRETARY, Role.INSPECTOR, Role.REGENT)
"""Roles above the responsible unit. They hear of a duty only after the unit (fair notice)."""


class OffsetUnit(StrEnum):
    """The unit of an offset: percent of the length, working days, calendar days, or the day of the
    deadline itself.
    """

    PERCENT = "%"
    WORKING_DAY = "wd"
    DAY = "d"
    DUE_DAY = "0d"


@dataclass(frozen=True, slots=True)
class Offset:
    """The distance from the deadline: `50%` of its length, `-1wd` before it, `0d` its last day, `0`
    or `+3wd` after it.
    """

    amount: int
    unit: OffsetUnit

    @classmethod
    def parse(cls, text: str) -> Offset:
        """Parse `50%`, `-3wd`, `-1d`, `0d`, `0`, `+7wd`; raises :class:`LadderError` for other
        texts.
        """
        if text.strip() == "0":
            return cls(0, OffsetUnit.DAY)
        if text.strip() == "0d":
            return cls(0, OffsetUnit.DUE_DAY)
        found = re.fullmatch(r"([+-]?\d{1,4})\s*(%|wd|d)", text.strip())
        if not found:
            raise LadderError(f"'{text}' is no offset; write 50%, -3wd, -1d, 0d, 0 or +7wd")
        amount, unit = int(found[1]), OffsetUnit(found[2])
        if unit is OffsetUnit.PERCENT and not 0 < amount < 100:
            raise LadderError(f"'{text}': a percentage lies between 1% and 99%")
        return cls(amount, unit)

    @property
    def after_due(self) -> bool:
        """Check whether the rung is reached after the deadline has passed."""
        return self.unit in (OffsetUnit.WORKING_DAY, OffsetUnit.DAY) and self.amount >= 0


@dataclass(frozen=True)
class Rung:
    """One step of a ladder: its time, the kind of notice, the roles, and the interval of
    repetition.

    An `urgent` notice is sent at any hour. A `weekly` notice waits for this day of the week
    (0 = Monday), together with the other weekly notices of the same person. With `new_at_once` the
    first notice of a duty to a person does not wait.
    """

    id: str
    at: Offset
    kind: NoticeKind
    to: tuple[Role, ...]
    cc: tuple[Role, ...] = ()
    repeat: Offset | None = None
    urgent: bool = False
    weekly: int | None = None
    new_at_once: bool = False

    @cached_property
    def roles(self) -> tuple[Role, ...]:
        """Return all roles of the rung, those for information last."""
        return (*self.to, *self.cc)

    @cached_property
    def for_superiors(self) -> bool:
        """Check whether the rung notifies anyone above the responsible unit."""
        return any(role in SUPERIORS for role in self.roles)

    @cached_property
    def step(self) -> str:
        """Return the key under which a report counts the notices of the rung."""
        to_superiors = any(role in SUPERIORS for role in self.to)
        return step_key(self.id, self.kind, to_superiors=to_superiors)


OF_SUPERIORS = "/superiors"
"""The end of the key of a step to superiors that is no escalation."""


def step_key(rung: str, kind: str, *, to_superiors: bool) -> str:
    """Return the key under which a report counts the notices of a rung.

    Ladders may give the same id to different steps: `breach` notifies a unit of its late duty, and
    superiors of one of their own. An escalation is always to superiors. `to_superiors` is true if
    they get it not only for their information.
    """
    own = to_superiors and kind != NoticeKind.ESCALATION
    return f"{rung}{OF_SUPERIORS}" if own else rung


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs for the rules that match one of `rules` (patterns such as `sp4n/*`).

    `unit_kinds` are the kinds of unit with this ladder; an empty tuple means all kinds.
    """

    rules: tuple[str, ...]
    rungs: tuple[Rung, ...]
    unit_kinds: tuple[str, ...] = ()

    def climbs(self, rule_id: str, unit_kind: str | None) -> bool:
        """Check whether this ladder applies to a rule at a unit of this kind."""
        if self.unit_kinds and unit_kind not in self.unit_kinds:
            return False
        return _matches(rule_id, self.rules)


@lru_cache(maxsize=1024)
def _matches(rule_id: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(rule_id, pattern) for pattern in patterns)


def ladder_for(
    rule_id: str, ladders: Sequence[Ladder], unit_kind: str | None = None
) -> Ladder | None:
    """Return the first ladder for the rule at a unit of this kind, or None: then no notices are
    sent.
    """
    return next((ladder for ladder in ladders if ladder.climbs(rule_id, unit_kind)), None)


def responsible_roles(rule: Rule) -> tuple[Role, ...]:
    """Return the roles whose notice counts as a notice to the responsible unit."""
    if rule.actor is Actor.LAPOR_ADMINISTRATOR:
        return SPEAKING
    return OF_A_UNIT
