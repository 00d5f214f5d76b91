"""The view of a report: its tables, what is to be known of them, and who it is from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from settings.report import Letterhead
from sla.figures.table import Cell, Table
from tasks.reporting.names import Names
from tasks.views import RegulationRow

Edition = Literal["full", "public"]


@dataclass(frozen=True, slots=True)
class Notes:
    """What a reader must know of the data and the method; words are in the reader's language.

    `missing` are sources with the days of which they show nothing, `holes` units with the role that
    nobody holds, `not_judged` sources with the rules that they cannot show, `shown_later` sources
    with the working days after which they show a settlement, `holidays` days with name and whether
    they are estimates. `audit` is the last row of the audit before the report's moment, as
    'number:hash': who keeps the report keeps a witness of all that was decided before.
    """

    missing: tuple[tuple[str, tuple[date, ...]], ...] = ()
    holes: tuple[tuple[str, str], ...] = ()
    not_judged: tuple[tuple[str, tuple[str, ...]], ...] = ()
    shown_later: tuple[tuple[str, int], ...] = ()
    regulations: tuple[RegulationRow, ...] = ()
    holidays: tuple[tuple[date, str, bool], ...] = ()
    policy: str = "benefit_of_doubt"
    revision: str = ""
    audit: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """A figure of an earlier report that would be another one today; no figure is None."""

    table: str
    row: str
    column: str
    kept: Cell
    found: Cell


@dataclass(frozen=True, slots=True)
class Earlier:
    """What has become of an earlier report, of the same period or of the one before.

    `recorded` complaints of before its `as_of` were recorded only after it, of `changed` others
    something was. `looked` tells that a source was looked at since, so that what had come due by
    then could be judged; `rulebook` when a law, calendar or ladder took over since. `changes` are
    its headline figures and those of its units that are others for it, `others` how many figures
    of other tables. `kept` is false where its file is lost, so that nothing can be compared.
    """

    period_key: str
    first: date
    last: date
    as_of: datetime
    file: str
    sha256: str
    recorded: int = 0
    changed: int = 0
    looked: bool = False
    rulebook: datetime | None = None
    changes: tuple[Changed, ...] = ()
    others: int = 0
    kept: bool = True

    @property
    def stands(self) -> bool:
        """Whether every figure of it is still the same."""
        return self.kept and not self.changes and not self.others


@dataclass(frozen=True, slots=True)
class ReportView:
    """A compliance report as every format sees it.

    `interim` tells that the period is not over. `sha256` is that of the canonical JSON of these
    tables (:func:`tasks.reporting.machine.sha256_of`): the public edition has its own. `earlier`
    stands outside of it; the public edition has none. `ticket_link` is where a complaint is found,
    with `{ticket}` in the place of its number; empty where that is nowhere.
    """

    site: str
    letterhead: Letterhead
    period_key: str
    first: date
    last: date
    as_of: datetime
    interim: bool
    edition: Edition
    tables: tuple[Table, ...]
    names: Names
    notes: Notes = field(default_factory=Notes)
    sha256: str = ""
    earlier: Earlier | None = None
    ticket_link: str = ""

    def link_of(self, ticket: str) -> str:
        """Where a complaint is found; empty where that is nowhere."""
        return self.ticket_link.format(ticket=quote(ticket, safe="")) if self.ticket_link else ""

    def explained_by(self, zone: ZoneInfo, ticket: str) -> str:
        """The command that proves what the report says of a complaint."""
        return f"tenggat explain {ticket} --as-of {self.as_of.astimezone(zone).isoformat()}"

    def table(self, key: str) -> Table | None:
        """The table of a key, if the report has it."""
        return next((table for table in self.tables if table.key == key), None)
