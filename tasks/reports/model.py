"""The view of a report: its tables, notes on the data, and its sender."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from settings.report import Letterhead
from sla.metrics.duty_list import DutyList
from sla.metrics.recount import Recount
from sla.metrics.table import Cell, Table
from tasks.reports.labels import Names

Edition = Literal["full", "public"]

FIRST_FORM, SECOND_FORM, THIRD_FORM, FORM = FORMS = (
    "tenggat-report/1",
    "tenggat-report/2",
    "tenggat-report/3",
    "tenggat-report/4",
)
"""The forms of the tables of a report, as its file names them: a stored report is evaluated again
in its own.

- The first one counted the rules to be confirmed as in force on the last day of the period. Since
  the second one they are counted by the versions that occur in the report or were in force during
  the period.
- The first two charged the duties of superiors to the unit with the complaint. Since the third one
  they count under `sla.directory.SUPERIOR_OFFICE`, in a row of their own. They also counted the
  notified officers of two units together. Since the third one those of another unit are apart.
- The forecast of the first three left out duties past their due time that a later import decides.
"""

CHARGING_UNITS = frozenset({FIRST_FORM, SECOND_FORM})
"""The forms that charge the duties of superiors to units, and name no unit of notified people."""


@dataclass(frozen=True, slots=True)
class SourceReading:
    """Until when a source was read for a report: the time of its newest import, None without one.

    `ends_early` says that the period went on after it: later steps are missing from the report.
    """

    source: str
    until: datetime | None
    ends_early: bool


@dataclass(frozen=True, slots=True)
class Notes:
    """Notes on the data and the method, in the reader's language.

    - `readings`: until when each source was read.
    - `missing`: sources, each with the days without any data.
    - `vacancies`: vacancies, as unit and role.
    - `not_evaluated`: sources, each with the rules they cannot show.
    - `shown_later`: sources, each with the working days until they show a settlement.
    - `examiners`: the units of the inspectors, who examine the report and are evaluated in it too.
    - `regulations`: the regulations in force during the period, and those cited in the report.
    - `versions`: the versions of each rule that changed, in order of time.
    - `holidays`: days, each with its name and whether it is an estimate.
    - `audit`: the last row of the audit before the report's moment, as 'number:hash'. A stored
      report is thus a witness of all decisions before it.
    """

    readings: tuple[SourceReading, ...] = ()
    missing: tuple[tuple[str, tuple[date, ...]], ...] = ()
    vacancies: tuple[tuple[str, str], ...] = ()
    not_evaluated: tuple[tuple[str, tuple[str, ...]], ...] = ()
    shown_later: tuple[tuple[str, int], ...] = ()
    examiners: tuple[str, ...] = ()
    regulations: tuple[RegulationRow, ...] = ()
    versions: tuple[VersionRow, ...] = ()
    holidays: tuple[tuple[date, str, bool], ...] = ()
    policy: str = "benefit_of_doubt"
    revision: str = ""
    audit: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """A figure of an earlier report with another value today; None means no figure."""

    table: str
    row: str
    column: str
    kept: Cell
    found: Cell


@dataclass(frozen=True, slots=True)
class Earlier:
    """The changes since an earlier report, of the same period or of the period before.

    - `recorded`: complaints from before its `as_of`, recorded only after it.
    - `changed`: other complaints with later changes.
    - `imported`: a source was imported since, so deadlines due by then could be evaluated.
    - `ruleset`: the time a changed law, calendar or ladder took effect, if any.
    - `changes`: its figures with other values now, in the headline and for units.
    - `others`: the number of changed figures in other tables.
    - `kept`: false if its file is lost, so nothing can be compared.
    """

    period_key: str
    first: date
    last: date
    as_of: datetime
    file: str
    sha256: str
    recorded: int = 0
    changed: int = 0
    imported: bool = False
    ruleset: datetime | None = None
    changes: tuple[Changed, ...] = ()
    others: int = 0
    kept: bool = True

    @property
    def stands(self) -> bool:
        """Return whether all its figures are still the same."""
        return self.kept and not self.changes and not self.others


@dataclass(frozen=True, slots=True)
class Duties:
    """The list of duties behind a report, and how each of its figures is counted in it."""

    rows: DutyList
    recounts: tuple[Recount, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A compliance report, as used by every format.

    `interim` means the period is not over. `sha256` is the hash of the canonical JSON of these
    tables (:func:`tasks.reports.formats.json_csv.sha256_of`); the public edition has its own. The
    hash does not cover `earlier`; the public edition has none. `ticket_link` is the address of a
    complaint, with `{ticket}` in place of its number; empty if there is none. The hash does not
    cover `duties`; the public edition has none. `target` is the share of duties on time aimed at.
    `of_superiors` are the rules with duties of superiors. `form` is one of `FORMS`.
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
    target: float | None = None
    duties: Duties | None = field(default=None, compare=False, repr=False)
    of_superiors: frozenset[str] = frozenset()
    form: str = FORM

    def link_of(self, ticket: str) -> str:
        """Return the address of a complaint, or an empty text if there is none."""
        return self.ticket_link.format(ticket=quote(ticket, safe="")) if self.ticket_link else ""

    def unfinished(self, zone: ZoneInfo) -> bool:
        """Check whether working days of the period may still come: comparisons are cut then."""
        return self.as_of.astimezone(zone).date() < self.last

    def table(self, key: str) -> Table | None:
        """Return the table with this key, if the report has it."""
        return next((table for table in self.tables if table.key == key), None)


@dataclass(frozen=True, slots=True)
class OverrideRow:
    """A rule of the site that replaces another one: its label, the rule replaced, and its basis."""

    rule: str
    replaced: str
    basis: str


@dataclass(frozen=True, slots=True)
class RegulationRow:
    """A line of the method note: a regulation, its overrides and its unconfirmed rules."""

    citation: str
    title: str
    note: str
    rules_to_be_confirmed: tuple[str, ...]
    overrides: tuple[OverrideRow, ...] = ()


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version of a rule that changed: its key, the rule's name, and the citation.

    `first` and `last` are the days on which its clocks start; None means no limit.
    """

    key: str
    rule: str
    citation: str
    first: date | None
    last: date | None
