"""The annex for evaluators: the indicators of yearly evaluations, each with figures and blanks.

A figure comes from a table of the report. A blank is for a person: no data of Tenggat can fill it.
Weights are left out, because the evaluators publish them in the form of each year.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sla.metrics.recount import Recount
from sla.metrics.table import Row, Table
from tasks.reports.formats.cell_text import measure_of
from tasks.reports.formats.duty_cells import DutyCells
from tasks.reports.formats.sections import figure_text, out_of
from tasks.reports.model import Report
from tasks.text.catalog import catalog


@dataclass(frozen=True, slots=True)
class FigureRef:
    """A figure by its place in the report; the row `total` is the row of the sums."""

    table: str
    row: str
    column: str = "value"


@dataclass(frozen=True, slots=True)
class Indicator:
    """An indicator of an evaluation: figures of the report, and blanks by their keys."""

    key: str
    figures: tuple[FigureRef, ...] = ()
    blanks: tuple[str, ...] = ()


def _headline(*rows: str) -> tuple[FigureRef, ...]:
    return tuple(FigureRef("headline", row) for row in rows)


VERIFIED = FigureRef("by_rule", "sp4n/verification", "share")
FIRST_FOLLOW_UP = FigureRef("by_rule", "sp4n/first-follow-up", "share")
NOTICES = FigureRef("escalations", "total", "notices")

EVALUATIONS: dict[str, tuple[Indicator, ...]] = {
    "ministry": (
        Indicator("team", blanks=("decree", "decree_day", "decree_signed", "document")),
        Indicator("activity", _headline("received"), ("account_use", "document")),
        Indicator("followed_up", _headline("followed_up_share")),
        Indicator(
            "speed",
            _headline("mean_days_to_follow_up", "median_days_to_follow_up", "followed_up_within_5"),
        ),
        Indicator(
            "answers",
            _headline("reopened"),
            ("answers_examined", "answers_adequate", "document"),
        ),
        Indicator("plan", blanks=("plan", "plan_progress", "document")),
    ),
    "home_affairs": (
        Indicator("commitment", blanks=("regulation", "budget", "document")),
        Indicator("process", (VERIFIED, FIRST_FOLLOW_UP, NOTICES), ("document",)),
        Indicator("output", _headline("received", "settled", "open")),
        Indicator("outcome", _headline("on_time", "median_days_to_settlement", "late")),
        Indicator("impact", _headline("reopened"), ("impact", "document")),
    ),
    "reform_index": (Indicator("lapor", _headline("followed_up_share", "settled")),),
    "service_index": (
        Indicator(
            "complaints",
            _headline("received", "on_time", "followed_up_within_5"),
            ("channels", "consultation", "document"),
        ),
    ),
}
"""The evaluations, as far as they are known, each with its indicators in their order."""


@dataclass(frozen=True, slots=True)
class AnnexFigure:
    """A figure for people: its name, value, formula, and evidence.

    `value` is the number for a workbook; None if there is no figure. `behind` says from how many
    complaints or duties it is computed. `filter` selects its rows in the list of duties.
    """

    name: str
    text: str
    value: int | float | None
    measure: str
    behind: str
    formula: str
    evidence: str
    filter: str


@dataclass(frozen=True, slots=True)
class AnnexIndicator:
    """An indicator: its number, its title, its figures, and the labels of its blanks."""

    number: str
    title: str
    figures: tuple[AnnexFigure, ...]
    blanks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnnexPart:
    """One evaluation with its indicators; `note` says what is known of it."""

    title: str
    note: str
    indicators: tuple[AnnexIndicator, ...]


def annex_parts(view: Report, zone: ZoneInfo, workbook: str) -> Iterator[AnnexPart]:
    """Yield the evaluations in the language of a full report; `workbook` is the name of its XLSX
    file.
    """
    t, made = catalog(view.names.locale), _Figures(view, zone, workbook)
    for place, (key, indicators) in enumerate(EVALUATIONS.items(), 1):
        yield AnnexPart(
            t(f"annex.evaluation.{key}"),
            t(f"annex.note.{key}"),
            tuple(
                AnnexIndicator(
                    f"{place}.{number}",
                    t(f"annex.indicator.{each.key}"),
                    tuple(made.figure(figure) for figure in each.figures),
                    tuple(t(f"annex.blank.{blank}") for blank in each.blanks),
                )
                for number, each in enumerate(indicators, 1)
            ),
        )


class _Figures:
    def __init__(self, view: Report, zone: ZoneInfo, workbook: str) -> None:
        self._view, self._zone, self._workbook = view, zone, workbook
        self._t = catalog(view.names.locale)
        self._cells = DutyCells(view, zone)
        recounts = view.duties.recounts if view.duties is not None else ()
        self._recounts: dict[FigureRef, Recount] = {
            FigureRef(each.table, each.row, each.column): each for each in recounts
        }

    def figure(self, ref: FigureRef) -> AnnexFigure:
        """Return a figure; a dash without its row in the report, as for a rule without duties."""
        t, names = self._t, self._view.names
        table = self._view.table(ref.table)
        assert table is not None
        row = table.total if ref.row == "total" else table.row(ref.row)
        place = [column.key for column in table.columns].index(ref.column)
        column = table.columns[place]
        name = (
            names(table.of, ref.row).text
            if table.of == "metric"
            else f"{names(table.of, ref.row).text}: {t(f'report.column.{ref.column}')}"
            if ref.row != "total"
            else t(f"report.column.{ref.column}")
        )
        cell = row.cells[place] if row else None
        shown = row or Row(ref.row, ())
        recount = self._recounts.get(ref)
        return AnnexFigure(
            name=name,
            text=figure_text(self._view, table, shown, column, cell, self._zone),
            value=cell if isinstance(cell, int | float) else None,
            measure=measure_of(shown, column),
            behind=self._behind(table, row, ref) if row and cell is not None else "",
            formula=t(f"annex.formula.{ref.column if ref.column != 'value' else ref.row}"),
            evidence=t(
                "annex.evidence",
                file=self._workbook,
                section=t(f"report.section.{ref.table}"),
                recount=t("report.sheet.recount"),
            ),
            filter=self._cells.filter_of(recount) if recount else "",
        )

    def _behind(self, table: Table, row: Row, ref: FigureRef) -> str:
        """Return the number that a mean, a median or a share is computed of."""
        if table.key == "headline":
            return out_of(self._view, row, ref.column)
        evaluated = table.value(ref.row, "verdicts") if ref.column == "share" else None
        return self._t("report.of_duties", n=evaluated) if isinstance(evaluated, int) else ""
