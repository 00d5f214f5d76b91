"""`escalation.toml`: the ladders, and which rules climb them."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from settings.errors import SettingsError, Strict, explained, nearest, read_toml
from sla.directory import Role
from sla.escalation import Ladder, LadderError, MailHours, NoticeKind, Offset, OffsetUnit, Rung
from sla.holds import Hold


class RungTable(Strict):
    """One `[[ladder.rung]]`."""

    id: str
    """The name of the rung, once in a ladder."""
    at: str
    """When: `50%` of the time, `-1wd` (a working day before), `0` (the deadline has passed),
    `+3wd`, `+7d` (after it)."""
    kind: NoticeKind
    """A reminder comes before the deadline, the others after it."""
    to: tuple[Role, ...] = Field(min_length=1)
    """The roles that are told."""
    cc: tuple[Role, ...] = ()
    """The roles that get the same for their information."""
    repeat: str | None = None
    """How often it is told again as long as nothing is done: `5wd`, `7d`."""
    urgent: bool = False
    """Whether it goes out at any hour, on a day off too."""


class MailHoursTable(Strict):
    """`[mail_hours]`: outside them mails wait for the next working morning."""

    opens: time
    """From when mails go out, on working days."""
    closes: time
    """Until when."""

    @model_validator(mode="after")
    def _in_order(self) -> MailHoursTable:
        if self.closes <= self.opens:
            raise ValueError(f"mails would stop ({self.closes}) before they begin ({self.opens})")
        return self


class LadderTable(Strict):
    """One `[[ladder]]`."""

    rules: tuple[str, ...] = Field(min_length=1)
    """The rules that climb it, `*` for any text: `uu-37-2008/*`."""
    unit_kinds: tuple[str, ...] = ()
    """Only for units of these kinds in directory.csv; else for all."""
    rung: tuple[RungTable, ...] = Field(min_length=1)
    """Its rungs."""


class HoldTable(Strict):
    """One `[[hold]]`: rungs kept back for some units."""

    units: tuple[str, ...] = Field(min_length=1)
    """The units, by id; `kec-*` is all that begin so."""
    rungs: tuple[str, ...] = ("*",)
    """The rungs, by id."""
    rules: tuple[str, ...] = ("*",)
    """The rules."""
    first: date | None = Field(None, alias="from")
    """The first day; without it from ever."""
    last: date | None = Field(None, alias="to")
    """The last day; without it until the hold is taken out."""
    reason: str = Field(min_length=1)
    """Why, for those who ask."""

    @model_validator(mode="after")
    def _in_order(self) -> HoldTable:
        if self.first and self.last and self.last < self.first:
            raise ValueError(f"the hold would end ({self.last}) before it begins ({self.first})")
        return self


class EscalationFile(Strict):
    """The keys of `escalation.toml`."""

    mail_hours: MailHoursTable | None = None
    """When mails go out; without it at any time."""
    ladder: tuple[LadderTable, ...]
    """The ladders. A deadline climbs the first one that names its rule."""
    hold: tuple[HoldTable, ...] = ()
    """Rungs kept back for some units."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who is told when: ladders, holds, and the hours in which mails go out (None: always)."""

    ladders: tuple[Ladder, ...]
    hours: MailHours | None = None
    holds: tuple[Hold, ...] = ()

    def strangers(
        self, rules: Collection[str], kinds: Collection[str], units: Collection[str]
    ) -> Iterator[str]:
        """What it names that the site does not have: rules, kinds of unit, units; one a line."""
        for number, ladder in enumerate(self.ladders, 1):
            for pattern in ladder.rules:
                if not fnmatch.filter(rules, pattern):
                    yield f"ladder {number}: no rule matches '{pattern}'{nearest(pattern, rules)}"
            for kind in ladder.unit_kinds:
                if kind not in kinds:
                    yield (
                        f"ladder {number}: no unit of directory.csv is of the kind '{kind}'"
                        f"{nearest(kind, kinds)}"
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
                        text = f"no {what} matches '{pattern}'{nearest(pattern, known)}"
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
            f"{path}: rung {i} stands twice in a ladder"
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
    return Rung(table.id, at, table.kind, table.to, table.cc, repeat, table.urgent)
