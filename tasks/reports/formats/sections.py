"""The tables of a report as lines of text, for HTML and PDF alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sla.metrics.comparison import no_data
from sla.metrics.table import SUPPRESSED, Cell, Column, Measure, Row, Table
from tasks.reports.formats.cell_text import NUMBERS, cell_text, measure_of, number
from tasks.reports.labels import Name
from tasks.reports.model import Report
from tasks.text.catalog import catalog
from tasks.text.numbers import decimal_text, number_text

TILES = ("late", "on_time", "open", "received", "settled", "followed_up_share")
"""The large figures at the top, the most urgent first."""

NAMED_BY = {"late": "ticket", "statements": "ticket"}
"""The column naming a table's rows, if their keys do not."""


NOT_IF_EMPTY = frozenset({"statements"})
"""Tables left out if they have no rows: a site without answers by mail has none."""

BELOW = {"late": "notified"}
"""The column shown below its row, over the whole width: it may be long."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A cell: its text, the small text below it, and its style (numeric, emphasized)."""

    text: str
    detail: str = ""
    numeric: bool = False
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A row: its name and its cells; `small` means its share is based on too few cases.

    `below` is the text under the row. `link` leads to the complaint of the row.
    """

    name: Name
    cells: tuple[Shown, ...]
    small: bool
    below: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A table for people; `not_shown` counts the rows left out for length.

    `below` is the heading of the texts under each row, if there are any.
    """

    key: str
    title: str
    note: str
    head: str
    columns: tuple[Shown, ...]
    lines: tuple[Line, ...]
    not_shown: int
    below: str = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """A headline figure with the number behind it and its changes; `bad` means it needs action."""

    key: str
    label: str
    value: str
    changes: tuple[str, ...]
    bad: bool


def sections(view: Report, zone: ZoneInfo, most: int) -> list[Section]:
    """Build the sections of a report, with at most `most` rows of each table."""
    return [
        _section(table, view, zone, most)
        for table in view.tables
        if table.rows or table.key not in NOT_IF_EMPTY
    ]


def _section(table: Table, view: Report, zone: ZoneInfo, most: int) -> Section:
    t = catalog(view.names.locale)
    naming, below = NAMED_BY.get(table.key), BELOW.get(table.key)
    shown = [column for column in table.columns if column.key not in {naming, below}]
    return Section(
        key=table.key,
        title=t(f"report.section.{table.key}"),
        note=_note(table, view, zone),
        head=t(f"report.column.{naming}" if naming else f"report.of.{table.of}"),
        columns=tuple(
            Shown(t(f"report.column.{column.key}"), numeric=_numeric(table, column))
            for column in shown
        ),
        lines=tuple(_line(table, row, shown, view, zone) for row in table.rows[:most]),
        not_shown=max(0, len(table.rows) - most),
        below=t(f"report.column.{below}") if below else "",
    )


def _note(table: Table, view: Report, zone: ZoneInfo) -> str:
    t = catalog(view.names.locale)
    if table.key != "headline":
        return t(f"report.note.{table.key}")
    note = t("report.definitions")
    return f"{note} {t('report.cut_comparison')}" if view.unfinished(zone) else note


def _numeric(table: Table, column: Column) -> bool:
    return column.measure in NUMBERS or table.key == "headline"


def _line(table: Table, row: Row, shown: list[Column], view: Report, zone: ZoneInfo) -> Line:
    cells = dict(zip(table.columns, row.cells, strict=True))

    def text(key: str) -> str:
        column = next(column for column in table.columns if column.key == key)
        return cell_text(cells[column], measure_of(row, column), key, view.names, zone)

    naming, below = NAMED_BY.get(table.key), BELOW.get(table.key)
    name = Name(text(naming)) if naming else view.names(table.of, row.key)
    link = view.link_of(row.tickets[0]) if naming == "ticket" and row.tickets else ""
    found = []
    for column in shown:
        measure = measure_of(row, column)
        cell = cells[column]
        detail = ""
        if measure is Measure.KEY and isinstance(cell, str):
            detail = view.names(column.key, cell).detail
        if table.key == "headline" and column.key == "value":
            detail = _out_of(view, row)
        if row.small and column.key == "share" and cell not in {None, SUPPRESSED}:
            detail = catalog(view.names.locale)("report.small")
        shown_text = cell_text(cell, measure, column.key, view.names, zone)
        if cell is None and _no_data(view, table, row, column.key):
            shown_text = catalog(view.names.locale)("report.no_data")
        found.append(
            Shown(
                shown_text,
                detail,
                numeric=measure in NUMBERS,
                strong=column.key in {"share", "late", "value", "working_days_late"},
            )
        )
    return Line(name, tuple(found), row.small, text(below) if below else "", link)


def _out_of(view: Report, row: Row) -> str:
    """Return the number that a mean, a median or a share is computed of: 'dari 22 pengaduan'.

    The public edition has no complaints behind its rows, so it has none of these numbers.
    """
    value, t = row.cells[0], catalog(view.names.locale)
    if (
        row.measure is Measure.COUNT
        or view.edition == "public"
        or not isinstance(value, int | float)
    ):
        return ""
    if row.key != "on_time":
        return t("report.of_complaints", n=len(row.tickets))
    rules = view.table("by_rule")
    judged = (rules.value(each.key, "verdicts") for each in rules.rows) if rules else ()
    return t("report.of_duties", n=sum(n for n in judged if isinstance(n, int)))


def _no_data(view: Report, table: Table, row: Row, column: str) -> bool:
    """Check whether a cell is empty for want of data; an interim public edition leaves more out."""
    public_interim = view.edition == "public" and view.interim and table.key == "headline"
    return not public_interim and no_data(table, row, column)


def tiles(view: Report, zone: ZoneInfo) -> list[Tile]:
    """Build the large figures at the top, each with its change against earlier periods."""
    headline = view.table("headline")
    found = []
    for key in TILES:
        row = headline.row(key) if headline else None
        if headline is None or row is None:
            continue
        cells = {column.key: cell for column, cell in zip(headline.columns, row.cells, strict=True)}
        value, measure = cells["value"], measure_of(row, headline.columns[0])
        changes = (
            _out_of(view, row),
            *_changes(headline, row, view, zone),
        )
        found.append(
            Tile(
                key=key,
                label=view.names("metric", key).text,
                value=cell_text(value, measure, "value", view.names, zone),
                changes=tuple(change for change in changes if change),
                bad=key == "late" and value not in {0, None},
            )
        )
    return found


def _changes(headline: Table, row: Row, view: Report, zone: ZoneInfo) -> Iterator[str]:
    """Yield the changes against each earlier period, or that it has no data."""
    for than in ("previous", "year_before"):
        if _no_data(view, headline, row, than):
            yield catalog(view.names.locale)(f"report.change.no_{than}")
        else:
            before = headline.value(row.key, than)
            yield _change(
                row.cells[0], before, measure_of(row, headline.columns[0]), than, view, zone
            )


def _change(
    value: Cell, before: Cell, measure: Measure, than: str, view: Report, zone: ZoneInfo
) -> str:
    """Format a change: '▲ naik 12 dari periode sebelumnya (34)'; empty without a comparison."""
    t, locale = catalog(view.names.locale), view.names.locale
    now, earlier = number(value), number(before)
    if now is None or earlier is None:
        return ""
    shown = cell_text(before, measure, than, view.names, zone)
    ends = "_cut" if view.unfinished(zone) else ""
    named = t(f"report.change.{than}{ends}", value=shown)
    by = now - earlier
    if measure is Measure.SHARE:
        by = round(100 * now, 1) - round(100 * earlier, 1)  # as rounded for the reader
        size = t("report.change.points", n=decimal_text(abs(by), locale))
    else:
        size = decimal_text(abs(by), locale) if by % 1 else number_text(abs(int(by)), locale)
    if abs(by) < 0.05:
        return t("report.change.same", than=named)
    return t(f"report.change.{'up' if by > 0 else 'down'}", by=size, than=named)
