"""`escalation.toml`: the ladders, and which rules climb them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from settings.errors import SettingsError, Strict, explained, read_toml
from sla.directory import Role
from sla.escalation import Ladder, LadderError, MailHours, NoticeKind, Offset, OffsetUnit, Rung


class RungTable(Strict):
    """One `[[ladder.rung]]`."""

    id: str
    at: str
    kind: NoticeKind
    to: tuple[Role, ...] = Field(min_length=1)
    cc: tuple[Role, ...] = ()
    repeat: str | None = None
    urgent: bool = False


class MailHoursTable(Strict):
    """`[mail_hours]`: outside them mails wait for the next working morning."""

    opens: time
    closes: time

    @model_validator(mode="after")
    def _in_order(self) -> MailHoursTable:
        if self.closes <= self.opens:
            raise ValueError(f"mails would stop ({self.closes}) before they begin ({self.opens})")
        return self


class LadderTable(Strict):
    """One `[[ladder]]`."""

    rules: tuple[str, ...] = Field(min_length=1)
    rung: tuple[RungTable, ...] = Field(min_length=1)


class EscalationFile(Strict):
    """The keys of `escalation.toml`."""

    mail_hours: MailHoursTable | None = None
    ladder: tuple[LadderTable, ...]


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who is told when: the ladders, and the hours in which mails go out (None: always)."""

    ladders: tuple[Ladder, ...]
    hours: MailHours | None = None


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
        ladders.append(Ladder(table.rules, tuple(rungs)))
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    hours = file.mail_hours
    return Escalation(tuple(ladders), MailHours(hours.opens, hours.closes) if hours else None)


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
