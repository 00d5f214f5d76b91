"""`escalation.toml`: the ladders, their rules, and the holds."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from settings.errors import ClockTime, SettingsError, Strict, explained, read_toml
from sla.directory import Role
from sla.error_text import did_you_mean
from sla.fair_notice import unit_rungs_before
from sla.holds import Hold
from sla.ladders import (
    SUPERIORS,
    Ladder,
    LadderError,
    NoticeKind,
    Offset,
    OffsetUnit,
    Rung,
    ladder_for,
)
from sla.mail_hours import MailHours
from sla.regulations.model import Actor, Law


class Weekday(StrEnum):
    """A working day of the week, Monday first."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"


class RungTable(Strict):
    """One `[[ladder.rung]]`."""

    id: str
    """The name of the rung, unique in its ladder."""
    at: str
    """The time of the rung: `50%` of the length, `-1wd` (one working day before the deadline), `0d`
    (its last day), `0` (the deadline has passed), `+3wd` or `+7d` (working days or calendar days
    after it). Superiors get a rung this long after the unit's mail about its own rung before was
    accepted."""
    kind: NoticeKind
    """A reminder is sent before the deadline, the other kinds after it."""
    to: tuple[Role, ...] = Field(min_length=1)
    """The roles that receive the notice: of the unit (liaison, head_of_unit), or superiors
    (regional_secretary, inspector, regent), but not both in one rung."""
    cc: tuple[Role, ...] = ()
    """The roles that receive a copy for information."""
    repeat: str | None = None
    """The interval of repetition while the deadline is not met: `5wd`, `7d`."""
    urgent: bool = False
    """If true, the notice is sent at any hour, also on a day off."""
    weekly: Weekday | None = None
    """The day of the week on which these notices are sent together in one mail, for example
    `monday`. If it is not set, they are sent in the next mail hours."""
    new_at_once: bool = False
    """If true, the first notice of a duty to a person is sent in the next mail hours; only later
    notices of the same duty wait for the day in `weekly`."""


class MailHoursTable(Strict):
    """`[mail_hours]`: mails due outside these hours wait for the next working morning."""

    opens: ClockTime
    """The start of the mail hours, on working days."""
    closes: ClockTime
    """The end of the mail hours."""

    @model_validator(mode="after")
    def _in_order(self) -> MailHoursTable:
        if self.closes <= self.opens:
            raise ValueError(f"mails would stop ({self.closes}) before they begin ({self.opens})")
        return self


class LadderTable(Strict):
    """One `[[ladder]]`."""

    rules: tuple[str, ...] = Field(min_length=1)
    """The rules with this ladder; `*` matches any text: `uu-37-2008/*`."""
    unit_kinds: tuple[str, ...] = ()
    """Apply the ladder only to units of these kinds in units.csv. Empty means all kinds."""
    rung: tuple[RungTable, ...] = Field(min_length=1)
    """The rungs of the ladder."""


class HoldTable(Strict):
    """One `[[hold]]`: a stop of the notices of some rungs for some units."""

    units: tuple[str, ...] = Field(min_length=1)
    """The ids of the units; `kec-*` means all ids with this beginning."""
    rungs: tuple[str, ...] = ("*",)
    """The ids of the rungs."""
    rules: tuple[str, ...] = ("*",)
    """The ids of the rules."""
    first: date | None = Field(None, alias="from")
    """The first day; if it is not set, the hold has no start."""
    last: date | None = Field(None, alias="to")
    """The last day; if it is not set, the hold lasts until you delete it."""
    reason: str = Field(min_length=1)
    """The reason, shown to people who ask."""

    @model_validator(mode="after")
    def _in_order(self) -> HoldTable:
        if self.first and self.last and self.last < self.first:
            raise ValueError(f"the hold would end ({self.last}) before it begins ({self.first})")
        return self


class EscalationFile(Strict):
    """The keys of `escalation.toml`."""

    mail_hours: MailHoursTable | None = None
    """The hours for sending mail; if they are not set, mails are sent at any time."""
    ladder: tuple[LadderTable, ...]
    """The ladders. A deadline uses the first ladder that names its rule."""
    hold: tuple[HoldTable, ...] = ()
    """Stops of the notices of some rungs for some units."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """The ladders, the holds, and the hours for sending mail (None: at any time)."""

    ladders: tuple[Ladder, ...]
    hours: MailHours | None = None
    holds: tuple[Hold, ...] = ()

    def unfair(self, law: Law) -> Iterator[str]:
        """Yield a line for each rung by which superiors would hear of a duty before its unit."""
        for number, ladder in enumerate(self.ladders, 1):
            for rung in ladder.rungs:
                if not rung.for_superiors:
                    continue
                side = "before" if rung.kind is NoticeKind.REMINDER else "after"
                rules = [law.last(rule) for rule in law.ids if self._used(ladder, rule)]
                if any(
                    rule.binds_provider
                    and rule.actor is not Actor.SUPERIOR
                    and not unit_rungs_before(ladder, rung, rule)
                    for rule in rules
                ):
                    yield (
                        f"ladder {number}: rung {rung.id} tells superiors, and no rung before it"
                        " tells the unit; add a rung for the liaison or head_of_unit before it,"
                        f" {side} the deadline as well"
                    )

    def unreached(self, rules: Collection[str]) -> Iterator[str]:
        """Yield a line for each ladder whose rules all use a ladder listed before it."""
        for number, ladder in enumerate(self.ladders, 1):
            named = [rule for rule in rules if any(fnmatch.filter([rule], p) for p in ladder.rules)]
            if not named or any(self._used(ladder, rule) for rule in named):
                continue
            kind = ladder.unit_kinds[0] if ladder.unit_kinds else None
            first = ladder_for(named[0], self.ladders, kind)
            before = next(n for n, each in enumerate(self.ladders, 1) if each is first)
            yield (
                f"ladder {number}: no rule uses it, because ladder {before} is before it and names"
                f" the same rules; move it above ladder {before}"
            )

    def _used(self, ladder: Ladder, rule: str) -> bool:
        """Check whether a ladder is the one of this rule at some kind of unit."""
        kinds = ladder.unit_kinds or (None,)
        return any(ladder_for(rule, self.ladders, kind) is ladder for kind in kinds)

    def strangers(
        self, rules: Collection[str], kinds: Collection[str], units: Collection[str]
    ) -> Iterator[str]:
        """Yield a line for each rule, kind of unit, unit or rung in the file unknown to the
        site.
        """
        for number, ladder in enumerate(self.ladders, 1):
            for pattern in ladder.rules:
                if not fnmatch.filter(rules, pattern):
                    hint = did_you_mean(pattern, rules)
                    yield f"ladder {number}: no rule matches '{pattern}'{hint}"
            for kind in ladder.unit_kinds:
                if kind not in kinds:
                    yield (
                        f"ladder {number}: no unit of units.csv is of the kind '{kind}'"
                        f"{did_you_mean(kind, kinds)}"
                    )
        rungs = {rung.id for ladder in self.ladders for rung in ladder.rungs}
        for number, hold in enumerate(self.holds, 1):
            named = (
                (hold.units, "unit", units),
                (hold.rungs, "rung", rungs),
                (hold.rules, "rule", rules),
            )
            for patterns, what, known in named:
                for pattern in patterns:
                    if not fnmatch.filter(known, pattern):
                        text = f"no {what} matches '{pattern}'{did_you_mean(pattern, known)}"
                        yield f"hold {number}: {text}"


def read_escalation(path: Path) -> Escalation:
    """Read and check the file; raises :class:`SettingsError` with every mistake."""
    data = read_toml(path, "it says who is told when")
    try:
        file = EscalationFile.model_validate(data)
    except ValidationError as error:
        raise SettingsError(explained(path, error, EscalationFile)) from None
    mistakes: list[str] = []
    ladders = []
    for table in file.ladder:
        rungs = []
        for rung in table.rung:
            try:
                rungs.append(_rung(rung))
            except LadderError as error:
                mistakes.append(f"{path}: rung {rung.id}: {error}")
        ids = [rung.id for rung in table.rung]
        mistakes += [
            f"{path}: rung {i} appears twice in a ladder; give each rung an id of its own"
            for i in sorted({i for i in ids if ids.count(i) > 1})
        ]
        ladders.append(Ladder(table.rules, tuple(rungs), table.unit_kinds))
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    hours = file.mail_hours
    return Escalation(
        tuple(ladders),
        MailHours(hours.opens, hours.closes) if hours else None,
        tuple(Hold(h.units, h.reason, h.rungs, h.rules, h.first, h.last) for h in file.hold),
    )


def _rung(table: RungTable) -> Rung:
    at = Offset.parse(table.at)
    if (table.kind is NoticeKind.REMINDER) == at.after_due:
        when = "after" if at.after_due else "before"
        raise LadderError(f"a {table.kind} cannot come {when} the deadline ('{table.at}')")
    repeat = None
    if table.repeat is not None:
        repeat = Offset.parse(table.repeat)
        if repeat.unit is OffsetUnit.PERCENT or repeat.amount < 1 or not at.after_due:
            raise LadderError(
                f"`repeat` '{table.repeat}' must be 1d, 5wd or more, on a rung after the deadline"
            )
    roles = (*table.to, *table.cc)
    above = [role for role in roles if role in SUPERIORS]
    if above and len(above) < len(roles):
        raise LadderError(
            f"it tells the unit and {above[0]} at once; give the superiors a rung of their own,"
            " which follows when the unit was told"
        )
    weekly = None if table.weekly is None else list(Weekday).index(table.weekly)
    if table.new_at_once and weekly is None:
        raise LadderError("`new_at_once` needs `weekly`; without it every notice is sent at once")
    return Rung(
        table.id,
        at,
        table.kind,
        table.to,
        table.cc,
        repeat,
        table.urgent,
        weekly,
        table.new_at_once,
    )
