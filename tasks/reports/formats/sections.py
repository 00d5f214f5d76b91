"""The tables of a report as lines of text, for HTML and PDF alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from zoneinfo import ZoneInfo

from sla.directory import SUPERIOR_OFFICE
from sla.metrics.case import Status
from sla.metrics.comparison import COMPARED, no_data
from sla.metrics.definitions import VERDICTS, is_small
from sla.metrics.table import WITHHELD, Cell, Column, Measure, Row, Table
from tasks.reports.formats.cell_text import NUMBERS, cell_text, column_head, measure_of, number
from tasks.reports.formats.heat import heat_of_count, heat_of_share, most_of
from tasks.reports.formats.sparkline import sparkline
from tasks.reports.labels import Name
from tasks.reports.model import Report
from tasks.reports.overview import (
    MEASURED,
    OBSERVED,
    is_too_early,
    not_measured,
    unmeasured,
)
from tasks.text.catalog import Catalog, catalog
from tasks.text.numbers import decimal_text, half_up, number_text, percent_text

TILES = ("late", "on_time", "open", "received", "settled", "followed_up_within_5")
"""The large figures at the top, the most urgent first."""

NAMED_BY = {"late": "ticket", "statements": "ticket"}
"""The column naming a table's rows, if their keys do not."""


MANY_COLUMNS = 9
"""Tables with this many columns have short heads below the unit that they count."""

GROUPS = {
    **dict.fromkeys(
        (*(column.key for column in VERDICTS), "late_duties"),
        "duties",
    ),
    **dict.fromkeys(("received", "open", "late", "reopened", "returned", *Status), "complaints"),
}
"""The unit that each column of a table with many columns counts."""

STRONG = frozenset({"share", "late", "value", "working_days_late"})
"""Columns with the figures in bold letters."""

FIRST = frozenset({"share", "ends"})
"""Columns next to the names: a phone shows them without moving a wide table."""

NOT_IF_EMPTY = frozenset({"statements"})
"""Tables left out if they have no rows: a site without answers by mail has none."""

NONE_KNOWN = frozenset({"late", "ahead", "escalations"})
"""Tables that say more than want of data if they have no rows: nothing is late, for example."""

BELOW = {"late": "notified"}
"""The column shown below its row, over the whole width: it may be long."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A cell: its text, the small text below it, and its style (numeric, emphasized).

    The head of a column may have a `group`: the unit that it counts, above several columns. `heat`
    is how dark a cell of a heat map is, from 0 to 4. `picture` is an SVG in the place of the text.
    A long head is `turned` on paper.
    """

    text: str
    detail: str = ""
    group: str = ""
    numeric: bool = False
    strong: bool = False
    heat: int = 0
    picture: str = ""
    turned: bool = False


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

    `below` is the heading of the texts under each row, if there are any. `total` is the row of the
    sums. `nothing` is the sentence in the place of rows, if there are none.
    """

    key: str
    title: str
    note: str
    head: str
    columns: tuple[Shown, ...]
    lines: tuple[Line, ...]
    not_shown: int
    below: str = ""
    total: Line | None = None
    nothing: str = ""

    @property
    def groups(self) -> tuple[tuple[str, int], ...]:
        """Return the groups of the columns, each with its number of columns; none if none has."""
        if not any(column.group for column in self.columns):
            return ()
        runs = groupby(column.group for column in self.columns)
        return tuple((group, len(list(run))) for group, run in runs)


@dataclass(frozen=True, slots=True)
class Tile:
    """A headline figure with the number behind it and its changes; `bad` means it needs action.

    `small` means that it is computed from too few cases.
    """

    key: str
    label: str
    value: str
    changes: tuple[str, ...]
    bad: bool
    small: bool


def sections(view: Report, zone: ZoneInfo, most: int) -> list[Section]:
    """Build the sections of a report, with at most `most` rows of each table."""
    return [
        _section(table, view, zone, most)
        for table in view.tables
        if table.rows or table.key not in NOT_IF_EMPTY
    ]


def reading_order(columns: Sequence[Column]) -> list[Column]:
    """Return the columns as people read them, the share on time or the sum of the days first."""
    return sorted(columns, key=lambda column: column.key not in FIRST)


def _section(table: Table, view: Report, zone: ZoneInfo, most: int) -> Section:
    t = catalog(view.names.locale)
    naming, below = NAMED_BY.get(table.key), BELOW.get(table.key)
    if table.key == "unit_trend":
        columns, lines, total = _trend_lines(table, view, zone, most)
    else:
        left_out = {naming, below, *(COMPARED if _public_interim(view, table) else ())}
        shown = [each for each in reading_order(table.columns) if each.key not in left_out]
        columns = [_head(table, column, view, t) for column in shown]
        darkest = most_of(table)
        lines = [_line(table, row, shown, view, zone, darkest) for row in table.rows[:most]]
        total = _total(table, shown, view, zone)
    return Section(
        key=table.key,
        title=t(f"report.section.{table.key}"),
        note=_note(table, view, zone),
        head=t(f"report.column.{naming}" if naming else f"report.of.{table.of}"),
        columns=tuple(columns),
        lines=tuple(lines),
        not_shown=max(0, len(table.rows) - most),
        below=t(f"report.column.{below}") if below else "",
        total=total,
        nothing=_nothing(table, view),
    )


def _nothing(table: Table, view: Report) -> str:
    """Return the sentence in the place of the rows of a table; empty if it has rows.

    In a report without any data nothing is known of what is late or ends.
    """
    if table.rows:
        return ""
    headline = view.table("headline")
    known = headline is not None and headline.value("open", "value") is not None
    none = table.key in NONE_KNOWN and known
    return catalog(view.names.locale)(f"report.none.{table.key}" if none else "report.nothing")


def _trend_lines(
    table: Table, view: Report, zone: ZoneInfo, most: int
) -> tuple[list[Shown], list[Line], Line | None]:
    """Return the heads, the rows and the sums of the months of each unit.

    A row has a small line, and the figure of the last month.
    """
    t, months = catalog(view.names.locale), table.columns
    last = column_head(months[-1], view.names) if months else ""
    heads = [Shown(t("report.column.months")), Shown(last, numeric=True)] if months else []

    def line(row: Row, name: Name) -> Line:
        shares = [cell if isinstance(cell, int | float) else None for cell in row.cells]
        says = "; ".join(
            f"{column_head(month, view.names)} {percent_text(share, view.names.locale)}"
            for month, share in zip(months, shares, strict=True)
            if share is not None
        )
        told = f"{t('report.column.months')}: {says}" if says else t("report.no_data")
        picture = Shown(told, picture=sparkline(shares))
        text = cell_text(row.cells[-1], Measure.SHARE, "share", view.names, zone)
        number = row.of.get(months[-1].key)
        return Line(name, (picture, Shown(text, _in_brackets(number), numeric=True)), small=False)

    lines = [line(row, view.names(table.of, row.key)) for row in table.rows[:most]]
    return heads, lines, line(table.total, Name(t("report.total"))) if table.total else None


def _in_brackets(number: int | None) -> str:
    """Return the number behind a share in the short form of a wide table."""
    return f"({number})" if number else ""


def _head(table: Table, column: Column, view: Report, t: Catalog) -> Shown:
    """Build the head of a column: short below its group in a table with many columns."""
    numeric = _numeric(table, column)
    if column.of:
        return Shown(column_head(column, view.names), numeric=numeric, turned=column.of == "rule")
    if len(table.columns) < MANY_COLUMNS or column.key not in GROUPS:
        return Shown(t(f"report.column.{column.key}"), numeric=numeric)
    group = t(f"report.group.{GROUPS[column.key]}")
    return Shown(t(f"report.short.{column.key}"), group=group, numeric=numeric)


def _total(table: Table, shown: list[Column], view: Report, zone: ZoneInfo) -> Line | None:
    """Build the row of the sums; a column without a sum is empty. None if all are empty."""
    if table.total is None or all(cell is None for cell in table.total.cells):
        return None
    name = Name(catalog(view.names.locale)("report.total"))
    cells = dict(zip(table.columns, table.total.cells, strict=True))
    texts = (
        ""
        if cells[column] is None
        else cell_text(cells[column], column.measure, column.key, view.names, zone)
        for column in shown
    )
    details = (_in_brackets(table.total.of.get(column.key)) for column in shown)
    numeric = [_numeric(table, column) for column in shown]
    found = (
        Shown(text, detail, numeric=each)
        for text, detail, each in zip(texts, details, numeric, strict=True)
    )
    return Line(name, tuple(found), small=False)


def _note(table: Table, view: Report, zone: ZoneInfo) -> str:
    t = catalog(view.names.locale)
    if table.key == "trend":
        return " ".join(filter(None, (t("report.note.trend"), _unknown_settlements(view, t))))
    if table.key == "by_unit" and any(WITHHELD in row.cells for row in table.rows):
        parts = (t("report.note.by_unit"), superiors_note(view, table))
        return " ".join(filter(None, (*parts, t("report.note.withheld_last"))))
    if table.key != "headline":
        note = t(f"report.note.{table.key}")
        no_data_then = t("report.no_data_period") if without_data(view, table) else ""
        return " ".join(filter(None, (note, superiors_note(view, table), no_data_then)))
    note = t("report.definitions")
    compared = view.edition == "full" and view.unfinished(zone)
    return f"{note} {t('report.cut_comparison')}" if compared else note


def superiors_note(view: Report, table: Table) -> str:
    """Return the sentence about the duties of superiors; empty for a table without them."""
    keys = [column.key for column in table.columns]
    shown = {row.key for row in table.rows} if table.of == "unit" else set()
    if "unit" in keys:
        shown |= {str(row.cells[keys.index("unit")]) for row in table.rows}
    if SUPERIOR_OFFICE not in shown:
        return ""
    office = view.names("unit", SUPERIOR_OFFICE).text
    return catalog(view.names.locale)("report.superiors", office=office)


def without_data(view: Report, table: Table) -> bool:
    """Check whether a table has rows of a period from before the first data."""
    headline = view.table("headline")
    row = headline.row("received") if headline else None
    if headline is None or row is None or not table.rows:
        return False
    has_verdicts = VERDICTS[0] in table.columns
    return has_verdicts and row.cells[0] is None and no_data(headline, row, "value")


def _unknown_settlements(view: Report, t: Catalog) -> str:
    """Return the sentence about settlements at an unknown time; empty if the months have none.

    The public edition does not count them, so that it always has a sentence.
    """
    if view.edition != "full":
        return t("report.unknown_settlements_public")
    trend = view.table("trend")
    rows = trend.rows if trend else ()
    some = any(trend and trend.value(row.key, "settled_unknown") for row in rows)
    return t("report.unknown_settlements") if some else ""


def _numeric(table: Table, column: Column) -> bool:
    return column.measure in NUMBERS or table.key == "headline"


def _line(
    table: Table, row: Row, shown: list[Column], view: Report, zone: ZoneInfo, darkest: int
) -> Line:
    """Build a line; `darkest` is the largest count of a heat map, the same in all its lines."""
    names = view.names
    cells = dict(zip(table.columns, row.cells, strict=True))

    def text(key: str) -> str:
        column = next(column for column in table.columns if column.key == key)
        return cell_text(cells[column], measure_of(row, column), key, view.names, zone)

    naming, below = NAMED_BY.get(table.key), BELOW.get(table.key)
    name = Name(text(naming)) if naming else view.names.of_row(table.of, row)
    link = view.link_of(row.tickets[0]) if naming == "ticket" and row.tickets else ""
    found = []
    for column in shown:
        measure = measure_of(row, column)
        cell = cells[column]
        detail = ""
        if measure is Measure.KEY and isinstance(cell, str):
            is_rule = column.key == "rule"
            named = names.of_rule(cell, row.versions) if is_rule else names(column.key, cell)
            detail = named.detail
        if column.of:
            detail = _in_brackets(row.of.get(column.key))
        elif (column.key in row.of or row.key in MEASURED) and (
            isinstance(cell, int | float) or _left_out(view, row, column.key)
        ):
            detail = out_of(view, row, column.key)
        small = is_small(row.of.get(column.key, 0))
        if row.small and column.key == "share" and cell not in {None, WITHHELD}:
            detail, small = catalog(view.names.locale)("report.small"), True
        found.append(
            Shown(
                figure_text(view, table, row, column, cell, zone),
                detail,
                numeric=measure in NUMBERS,
                strong=column.key in STRONG and cell is not None and not small,
                heat=_heat(row, column, cell, darkest),
            )
        )
    return Line(name, tuple(found), row.small, text(below) if below else "", link)


def _heat(row: Row, column: Column, cell: Cell, darkest: int) -> int:
    """Return how dark a cell is; only cells of the columns for days and rules are."""
    if column.of == "day":
        return heat_of_count(cell, darkest)
    return heat_of_share(cell, row.of.get(column.key, 0)) if column.of else 0


def out_of(view: Report, row: Row, column: str) -> str:
    """Return the number that a mean, a median or a share is computed of: 'dari 22 pengaduan'.

    A small number is marked, and so are the complaints left out. If the number is withheld, a share
    that leaves complaints out says at least that it does.
    """
    t = catalog(view.names.locale)
    if column not in row.of:
        return t("report.of_measured") if row.key in MEASURED else ""
    number, unit = row.of[column], "duties" if row.key == "on_time" else "complaints"
    left_out = _left_out(view, row, column)
    if not number and column in OBSERVED:
        return left_out
    of, small = t(f"report.of_{unit}", n=number), t("report.small") if is_small(number) else ""
    return "; ".join(filter(None, (of, left_out, small)))


def _left_out(view: Report, row: Row, column: str) -> str:
    """Return the number of complaints that a share leaves out, with the reason; empty if none."""
    t = catalog(view.names.locale)
    if left := unmeasured(view, row.key, column):
        key = "too_early" if is_too_early(view, row.key, column) else "unmeasured"
        return t(f"report.{key}", n=left)
    recent = not_measured(view, row, column)
    return t("report.not_measured", n=recent) if recent else ""


def _with_duties(view: Report, row: Row) -> str:
    """Return the number of late duties next to that of late complaints."""
    headline = view.table("headline")
    duties = headline.value("late_duties", "value") if headline and row.key == "late" else None
    if not isinstance(duties, int) or not duties:
        return ""
    return catalog(view.names.locale)("report.with_duties", n=duties)


def figure_text(
    view: Report, table: Table, row: Row, column: Column, cell: Cell, zone: ZoneInfo
) -> str:
    """Return the text of a cell; words in the place of a figure without data."""
    if cell is None and _no_data(view, table, row, column.key):
        return catalog(view.names.locale)("report.no_data")
    return cell_text(cell, measure_of(row, column), column.key, view.names, zone)


def _not_evaluated(view: Report, row: Row) -> str:
    """Return the number of duties that the share on time leaves out, as no verdict is possible."""
    rules = view.table("by_rule") if row.key == "on_time" else None
    if rules is None or rules.total is None:
        return ""
    unknown = rules.total.cells[[column.key for column in rules.columns].index("unknown")]
    if not isinstance(unknown, int) or not unknown:
        return ""
    return catalog(view.names.locale)("report.not_evaluated", n=unknown)


def _no_data(view: Report, table: Table, row: Row, column: str) -> bool:
    """Check whether a cell is empty for want of data; an interim public edition leaves more out."""
    return not _public_interim(view, table) and no_data(table, row, column)


def _public_interim(view: Report, table: Table) -> bool:
    """Check whether a table is the headline of a public interim report: it compares nothing."""
    return view.edition == "public" and view.interim and table.key == "headline"


def tiles(view: Report, zone: ZoneInfo) -> list[Tile]:
    """Build the large figures at the top, each with its change against earlier periods."""
    headline = view.table("headline")
    found = []
    for key in TILES:
        row = headline.row(key) if headline else None
        if headline is None or row is None:
            continue
        cells = {column.key: cell for column, cell in zip(headline.columns, row.cells, strict=True)}
        value = cells["value"]
        changes = (
            out_of(view, row, "value") if isinstance(value, int | float) or row.of else "",
            _not_evaluated(view, row),
            _with_duties(view, row),
            *_changes(headline, row, view, zone),
        )
        found.append(
            Tile(
                key=key,
                label=view.names("metric", key).text,
                value=figure_text(view, headline, row, headline.columns[0], value, zone),
                changes=tuple(change for change in changes if change),
                bad=key == "late" and value not in {0, None},
                small=is_small(row.of.get("value", 0)),
            )
        )
    return found


def _changes(headline: Table, row: Row, view: Report, zone: ZoneInfo) -> Iterator[str]:
    """Yield the changes against each earlier period, or the reason that there is none."""
    t = catalog(view.names.locale)
    for than in ("previous", "year_before") if view.edition == "full" else ():
        if _no_data(view, headline, row, than):
            yield t(f"report.change.no_{than}")
        elif _few(row, than):
            yield t("report.change.few")
        elif row.key == "settled" and headline.value(row.key, than) is None:
            yield t("report.change.unknown")
        elif (change := change_words(view, row.key, than, zone)) is not None:
            yield t(f"report.change.{change.way}", by=change.by, than=change.than)


def _few(row: Row, than: str) -> bool:
    """Check whether one of two shares, means or medians is of too few cases for a comparison."""
    numbers = (row.of.get(column) for column in ("value", than))
    return any(number == 0 or is_small(number) for number in numbers if number is not None)


@dataclass(frozen=True, slots=True)
class Change:
    """The change of a figure: its way (up, down or same), its size, and the earlier figure."""

    way: str
    by: str
    than: str


def change_words(view: Report, figure: str, than: str, zone: ZoneInfo) -> Change | None:
    """Describe the change of a figure of the headline; None without a comparison.

    `than` is the column of the earlier period. The public edition has only rounded figures of it.
    """
    headline = view.table("headline") if view.edition == "full" else None
    row = headline.row(figure) if headline else None
    if headline is None or row is None:
        return None
    before, measure = headline.value(figure, than), measure_of(row, headline.columns[0])
    now, earlier = number(row.cells[0]), number(before)
    if now is None or earlier is None or _few(row, than):
        return None
    t, locale = catalog(view.names.locale), view.names.locale
    shown = cell_text(before, measure, than, view.names, zone)
    ends = "_cut" if view.unfinished(zone) else ""
    named = t(f"report.change.{than}{ends}", value=shown)
    by = now - earlier
    if measure is Measure.SHARE:
        by = half_up(100 * now, 1) - half_up(100 * earlier, 1)  # as rounded for the reader
        size = t("report.change.points", n=decimal_text(abs(by), locale))
    else:
        size = decimal_text(abs(by), locale) if by % 1 else number_text(abs(int(by)), locale)
    way = "same" if abs(by) < 0.05 else "up" if by > 0 else "down"
    return Change(way, size, named)
