"""A report on one screen, for the mail announcing it and for the Prefect UI."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sla.metrics.definitions import WITHIN, is_small
from sla.metrics.table import Row, Table
from tasks.reports.model import Earlier, Report

MOST_LOWEST = 3
"""Limit of the units or rules named as the lowest: more with equal shares are not named."""

MEASURED = frozenset({"followed_up_within_5", "followed_up_share"})
"""Shares of the received complaints that leave out complaints which cannot be measured."""

OBSERVED = frozenset(f"settled_within_{most}" for most in WITHIN)
"""Shares of the notified complaints that leave out those that are not known for long enough."""


@dataclass(frozen=True, slots=True)
class UnitLine:
    """The result of one unit: share on time, number of evaluated deadlines, present complaints.

    `comparable` is true if the share may be compared with those of other units.
    """

    name: str
    share: float | None
    evaluated: int
    open: int
    late: int
    small: bool
    comparable: bool


@dataclass(frozen=True, slots=True)
class ReportOverview:
    """The headline of a report, and its units, the lowest share first.

    A number is None if there are no data of it. `unmeasured` is the number of received complaints
    that `followed_up_within_5` leaves out, and `few` are the shares of a small number. With
    `too_early` it leaves out all of them, because these days are not over for any.
    """

    site: str
    period_key: str
    first: date
    last: date
    as_of: datetime
    interim: bool
    received: int | None
    settled: int | None
    followed_up_within_5: float | None
    on_time: float | None
    open_now: int | None
    late_now: int | None
    units: tuple[UnitLine, ...]
    revision: str
    audit: str
    sha256: str
    earlier: Earlier | None = None
    unmeasured: int = 0
    too_early: bool = False
    few: frozenset[str] = frozenset()

    @property
    def worst(self) -> tuple[UnitLine, ...]:
        """Return up to three units with the lowest shares below 100 % and enough deadlines.

        None if fewer than two units can be compared. Units with equal shares are named together or
        not at all.
        """
        fit = [unit for unit in self.units if unit.comparable]
        if len(fit) < 2:
            return ()
        low = [unit for unit in fit if unit.share is not None and unit.share < 1]
        cut = {unit.share for unit in low[MOST_LOWEST:]}
        return tuple(unit for unit in low[:MOST_LOWEST] if unit.share not in cut)

    @property
    def lowest(self) -> tuple[UnitLine, ...]:
        """Return those of the worst units that share the lowest place."""
        return tuple(unit for unit in self.worst if unit.share == self.worst[0].share)


def overview_of(view: Report) -> ReportOverview:
    """Compute the overview of a full report. Raises KeyError if a table is missing."""
    tables = {table.key: table for table in view.tables}
    head, units = tables["headline"], tables["by_unit"]

    def share(figure: str) -> float | None:
        found = head.value(figure, "value")
        return float(found) if isinstance(found, int | float) else None

    return ReportOverview(
        site=view.site,
        period_key=view.period_key,
        first=view.first,
        last=view.last,
        as_of=view.as_of,
        interim=view.interim,
        received=_whole(head, "received"),
        settled=_whole(head, "settled"),
        followed_up_within_5=share("followed_up_within_5"),
        on_time=share("on_time"),
        open_now=_whole(head, "open"),
        late_now=_whole(head, "late"),
        units=_lines(view, units),
        revision=view.notes.revision,
        audit=view.notes.audit,
        sha256=view.sha256,
        earlier=view.earlier,
        unmeasured=unmeasured(view, "followed_up_within_5", "value"),
        too_early=is_too_early(view, "followed_up_within_5", "value"),
        few=frozenset(row.key for row in head.rows if is_small(row.of.get("value", 0))),
    )


def unmeasured(view: Report, figure: str, column: str) -> int:
    """Return the number of received complaints that a share of `MEASURED` leaves out.

    0 for any other figure, and if one of the two numbers is withheld.
    """
    headline = view.table("headline")
    row = headline.row(figure) if headline and figure in MEASURED else None
    if headline is None or row is None or column not in row.of:
        return 0
    received = headline.value("received", column)
    return max(received - row.of[column], 0) if isinstance(received, int) else 0


def is_too_early(view: Report, figure: str, column: str) -> bool:
    """Check whether a share measures no complaint yet, because its working days are not over.

    Five working days end a week after the receipt. So a report of a week, made the day after it,
    never has this share.
    """
    headline = view.table("headline")
    if headline is None or (figure, column) != ("followed_up_within_5", "value"):
        return False
    age = view.as_of.astimezone(UTC).date() - view.first
    return headline.value(figure, column) is None and age <= timedelta(days=7)


def not_measured(view: Report, row: Row, column: str) -> int:
    """Return the number of complaints of a rung that a share of `OBSERVED` leaves out.

    0 for any other figure, and if one of the two numbers is withheld.
    """
    table = view.table("escalations") if column in OBSERVED else None
    if table is None or column not in row.of:
        return 0
    complaints = row.cells[[each.key for each in table.columns].index("complaints")]
    return max(complaints - row.of[column], 0) if isinstance(complaints, int) else 0


def _lines(view: Report, units: Table) -> tuple[UnitLine, ...]:
    comparable = {row.key for row in units.comparable()}
    return tuple(_line(view, units, row, comparable=row.key in comparable) for row in units.rows)


def _line(view: Report, units: Table, row: Row, *, comparable: bool) -> UnitLine:
    cells = {column.key: cell for column, cell in zip(units.columns, row.cells, strict=True)}
    share, evaluated, still, late = (cells[key] for key in ("share", "verdicts", "open", "late"))
    return UnitLine(
        name=view.names("unit", row.key).text,
        share=share if isinstance(share, float) else None,
        evaluated=evaluated if isinstance(evaluated, int) else 0,
        open=still if isinstance(still, int) else 0,
        late=late if isinstance(late, int) else 0,
        small=row.small,
        comparable=comparable,
    )


def _whole(head: Table, figure: str) -> int | None:
    found = head.value(figure, "value")
    return found if isinstance(found, int) else None
