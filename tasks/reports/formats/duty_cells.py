"""The list of duties for people and spreadsheets: heads, cells, the filter of each figure, CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from sla.metrics.duty_list import COLUMNS, VERSION, Values
from sla.metrics.recount import Condition, Conditions, Recount, Value
from sla.metrics.table import Measure
from sla.plain_text import formula_safe
from tasks.reports.formats.cell_text import LONGEST_TEXT
from tasks.reports.labels import Names
from tasks.reports.model import Report
from tasks.reports.notified_people import people_text
from tasks.text.catalog import catalog
from tasks.text.formats import one_line, short_day_text

NAMED = {"rule": ("rule_name", "article"), "unit": ("unit_name",)}
"""The columns with names before the column with a code."""

HEADS = tuple(head for column in COLUMNS for head in (*NAMED.get(column, ()), column))
"""The columns of the sheet and of the CSV file, by their keys."""

DAYS = frozenset(column for column, measure in COLUMNS.items() if measure is Measure.DAY)

Cells = Sequence[int | str | date | None]


class DutyCells:
    """The cells of the list in the language of a report. The same cells are in every format."""

    def __init__(self, view: Report, zone: ZoneInfo) -> None:
        self._names: Names = view.names
        self._zone, self._t = zone, catalog(view.names.locale)
        self._said: dict[Condition, str] = {}

    def heads(self) -> list[str]:
        """Return the heads of the columns."""
        return [self.head(column) for column in HEADS]

    def head(self, column: str) -> str:
        """Return the head of a column."""
        return self._t(f"report.duty.{column}")

    def columns(self, chunk: Mapping[str, Values]) -> dict[str, Cells]:
        """Return the cells of some rows by column; days as dates."""
        found: dict[str, Cells] = {}
        for column in COLUMNS:
            values = chunk[column]
            for name in NAMED.get(column, ()):
                found[name] = self._each(name, chunk[VERSION] if name == "article" else values)
            found[column] = self._each(column, values)
        return found

    def _each(self, column: str, values: Values) -> Cells:
        known: dict[int | str | None, int | str | date | None] = {None: None}
        if column == "ticket":
            return values
        for value in values:
            if value not in known:
                known[value] = self.cell(column, value)
        return [known[value] for value in values]

    def cell(self, column: str, value: int | str | date | None) -> int | str | date | None:
        """Return a value as the list shows it."""
        make = self._texts.get(column)
        if isinstance(value, str) and make is not None:
            return make(value)
        if column in DAYS and isinstance(value, int):
            return date.fromordinal(value)
        return value

    @property
    def _texts(self) -> Mapping[str, Callable[[str], str]]:
        t, names = self._t, self._names
        return {
            "row": lambda key: t(f"report.duty_row.{key}"),
            "rule_name": lambda key: names("rule", key).text,
            "article": lambda key: names("version", key).detail,
            "unit_name": lambda key: names("unit", key).text,
            "verdict": lambda key: t(f"state.{key}"),
            "status": lambda key: t(f"report.short.{key}"),
            "why": lambda key: "; ".join(t(f"report.why.{each}") for each in key.split(",")),
            "notified": lambda key: people_text(key, names.locale, self._zone),
            "statement": lambda key: names("statement", key).text,
            "classification": lambda key: names("classification", key).text,
            "category": lambda key: one_line(key, LONGEST_TEXT),
            "channel": lambda key: one_line(key, LONGEST_TEXT),
            "place": lambda key: one_line(key, LONGEST_TEXT),
            "kind": lambda key: names("kind", key).text,
            "rung": self._rung,
        }

    def _rung(self, key: str) -> str:
        """Return the name of a rung; former ones share a name, so their ids are added."""
        text = self._names("rung", key).text
        return text if ("rung", key) in self._names.known else f"{text} ({key})"

    def filter_of(self, recount: Recount) -> str:
        """Return in words how a figure is counted from the list."""
        return self._t(
            f"report.filter.{recount.method}",
            rows=self._conditions(recount.rows),
            among=self._conditions(recount.among),
            values=self.head(recount.values) if recount.values else "",
        )

    def _conditions(self, conditions: Conditions) -> str:
        for each in conditions:
            if each not in self._said:
                self._said[each] = self._condition(each)
        return "; ".join(self._said[each] for each in conditions)

    def _condition(self, condition: Condition) -> str:
        column = self.head(condition.column)
        least, most = (
            self._shown(condition.column, value) for value in (condition.least, condition.most)
        )
        if condition.least == "":
            form = "empty"
        elif condition.equals:
            form = "is"
        elif condition.least == date.min:
            form = "filled"
        elif condition.most is None:
            form = "least"
        else:
            form = "most" if condition.least is None else "between"
        return self._t(f"report.filter.{form}", column=column, value=least, least=least, most=most)

    def _shown(self, column: str, value: Value | None) -> str:
        if isinstance(value, date):
            return (
                "" if value == date.min else short_day_text(value, self._names.locale, self._zone)
            )
        cell = self.cell(column, value)
        return "" if cell is None else str(cell)


def duties_csv(view: Report, zone: ZoneInfo) -> Iterator[bytes]:
    """Yield the list of duties as CSV, in parts: the cells of the sheet, days in ISO 8601.

    A text with the start of a spreadsheet formula gets an apostrophe in front.
    """
    assert view.duties is not None
    cells = DutyCells(view, zone)
    yield _lines([cells.heads()])
    for chunk in view.duties.rows.chunks():
        columns = cells.columns(chunk)
        yield _lines(zip(*(_plain(columns[head]) for head in HEADS), strict=True))


def _plain(values: Cells) -> list[str | int]:
    """Return the cells of a column for CSV."""
    known: dict[object, str | int] = {None: ""}
    for value in values:
        if value not in known:
            text = value.isoformat() if isinstance(value, date) else value
            known[value] = formula_safe(text) if isinstance(text, str) else text or 0
    return [known[value] for value in values]


def _lines(rows: object) -> bytes:
    kept = io.StringIO()
    csv.writer(kept, lineterminator="\n").writerows(rows)  # type: ignore[arg-type]
    return kept.getvalue().encode()
