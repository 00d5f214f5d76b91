"""The public edition: no complaint is named, and no count of one or two can be read or computed.

:mod:`tasks.reports.disclosure_control` explains the withheld cells. The months of earlier periods
are withheld as in the editions of those periods. Their counts are rounded to multiples of `ROUND`:
beside the exact count of the earlier edition this leaves five consecutive numbers of complaints
recorded late, so never only one or two. Shares are rounded alike if enough deadlines are behind
them, and left out otherwise, as are means and medians. Editions of overlapping periods are refused
(:mod:`tasks.summary`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

from sla.directory import SUPERIOR_OFFICE
from sla.metrics.comparison import no_data
from sla.metrics.table import WITHHELD, Cell, Measure, Row, Table, after_units
from sla.periods import Period, before, year_before
from sla.regulations.model import rule_of
from tasks.reports import disclosure_control
from tasks.reports.disclosure_control import LEAST, Level, small
from tasks.reports.formats.json_csv import sha256_of
from tasks.reports.model import Report
from tasks.reports.share_ranges import ShareRange, share_ranges
from tasks.text.numbers import half_up

SPLIT = ("by_rule", "by_unit", "by_classification", "by_category", "by_channel", "ageing")
"""Tables with rows adding up to the whole, so each shows the sums of the others."""

SAME_COUNTS = {("by_rule", "late"): "late_duties", ("by_unit", "late_duties"): "late"}
"""The columns with about the same counts of duties of superiors, under two names."""

LEFT_OUT = frozenset(
    {
        *("late", "statements", "status", "unit_rule", "unit_trend", "ahead", "forecast"),
        *("by_place", "rating"),
    }
)
"""Tables of single complaints, and those with mostly small counts: of units by status, rule, month
or day, of places and of ratings."""

OTHER_MEASURED = {
    "followed_up_share": "followed_up_within_5",
    "followed_up_within_5": "followed_up_share",
}
"""Two shares of the received complaints: the difference of the numbers behind them is a number of
complaints as well."""

ROWS_LEFT_OUT = frozenset({"late_duties", "late_ended", "first_settled", "settled_unknown"})
"""Rows of the headline that would allow to compute withheld cells of the table of rules, or how
many complaints were reopened.
"""

WITHOUT_TOTAL = frozenset({"trend", "escalations"})
"""Tables without a row of sums: their withheld cells are not protected against known sums."""

FINDINGS_LEFT_OUT = frozenset({"inherited", "taken_back"})
"""Findings that count deadlines and notices: nothing tells how many complaints are behind them."""

NO_COMPLAINTS = frozenset({"vacancies", "open_questions", "rules_to_be_confirmed"})
"""Findings not counting complaints: they identify no person."""

REORDERED = frozenset({"by_unit", "by_classification", "by_category", "by_channel"})
"""Tables in the order of their figures: in the public edition, of the published ones."""

ROUND = 5
"""Counts of earlier periods are rounded to multiples of this, shares to as many percent."""

ENOUGH = 25
"""With fewer deadlines than this a rounded share could tell the change of a count."""

EARLIER = ("value", "previous", "year_before")


def public_edition(view: Report) -> Report:
    """Return the report for the public; its own checksum reveals nothing of the full report."""
    tables = tuple(table.without_tickets() for table in _Hiding(view).tables())
    return replace(
        view,
        edition="public",
        tables=tables,
        sha256=sha256_of(tables),
        earlier=None,
        ticket_link="",
        duties=None,
    )


class _Hiding:
    """Collects the withheld cells: (table, row's place, column)."""

    def __init__(self, view: Report) -> None:
        self.by_key = {
            table.key: _published(table, view) for table in view.tables if table.key not in LEFT_OUT
        }
        self.changed: dict[str, tuple[str, ...]] = {}
        for version in view.notes.versions:
            rule = rule_of(version.key)
            self.changed[rule] = (*self.changed.get(rule, ()), version.key)
        self.apart = _rows_of_superiors(view)
        self.hidden: set[tuple[str, int, str]] = set()
        self.without_verdicts: set[tuple[str, int]] = set()
        self.without_total: set[str] = set()
        self.ranges: dict[tuple[str, int], ShareRange] = {}
        self.months = _months(view, self.by_key.get("trend"))
        trend = self.by_key.get("trend")
        first, last = f"{view.first:%Y-%m}", f"{view.last:%Y-%m}"
        self.own_months = {
            row.key for row in (trend.rows if trend else ()) if first <= row.key <= last
        }
        self._split()
        self._headline()
        self._trend()
        for key in ("escalations", "quality"):
            self._by_itself(key)

    def tables(self) -> Iterable[Table]:
        """Yield all tables without the withheld cells, in an order revealing nothing about them."""
        for table in self.by_key.values():
            rows = [
                self._rounded(table, self._row(table, place, row), row.of)
                for place, row in enumerate(table.rows)
            ]
            if table.key in REORDERED:
                rows.sort(key=partial(_rank, table))
            yield replace(table, rows=tuple(rows), total=self._total(table))

    def _rounded(self, table: Table, row: Row, behind: Mapping[str, int]) -> Row:
        """Return a row with rounded figures of earlier periods; `behind` are its `of`."""
        measures = [row.measure or column.measure for column in table.columns]
        if table.key == "trend" and row.key not in self.own_months:
            of: list[Cell] = [row.cells[2]] * len(row.cells)
            first = 0
        elif table.key == "headline":
            of, first = [behind.get(column) for column in EARLIER], 1
            row = replace(row, of={key: each for key, each in row.of.items() if key == "value"})
        else:
            return row
        earlier = zip(row.cells[first:], measures[first:], of[first:], strict=True)
        return replace(row, cells=(*row.cells[:first], *(_round(*each) for each in earlier)))

    def _total(self, table: Table) -> Row | None:
        """Return the row of the sums without the sums that are withheld."""
        if table.total is None or table.key in WITHOUT_TOTAL:
            return None
        verdicts = disclosure_control.WITHHELD[self.whole]
        cells = tuple(
            WITHHELD
            if column.key in verdicts
            or column.key in self.without_total
            or (column.measure is Measure.COUNT and small(cell))
            else cell
            for column, cell in zip(table.columns, table.total.cells, strict=True)
        )
        return replace(table.total, cells=cells, small=table.total.small or "verdicts" in verdicts)

    def _row(self, table: Table, place: int, row: Row) -> Row:
        """Return a row for the public; with `verdicts` withheld it is always marked as small."""
        shared = self.ranges.get((table.key, place))
        withheld = {"share": str(shared)} if shared else {}
        cells: tuple[Cell, ...] = tuple(
            cell
            if (table.key, place, column.key) not in self.hidden or no_data(table, row, column.key)
            else withheld.get(column.key, WITHHELD)
            for column, cell in zip(table.columns, row.cells, strict=True)
        )
        told = (table.key, place, "verdicts") not in self.hidden
        beside = [
            cell
            for column, cell in zip(table.columns, cells, strict=True)
            if (table.key, column.key) != ("escalations", "notices")
        ]
        of = {
            column: number
            for column, number in row.of.items()
            if WITHHELD not in beside and not self._tells_apart(table, row, column)
        }
        return replace(
            row,
            cells=cells,
            small=row.small or not told,
            of=of,
            versions=self._versions(row, withheld=WITHHELD in cells),
        )

    def _versions(self, row: Row, *, withheld: bool) -> tuple[str, ...]:
        """Return the versions cited in a row: with a withheld number all of a rule that changed.

        Two versions that occur would show that there are at least two duties.
        """
        changed = self.changed.get(row.key, ())
        return changed if withheld and changed else row.versions

    def _tells_apart(self, table: Table, row: Row, column: str) -> bool:
        """Check whether the number behind a share or a mean is small, or the rest to its whole."""
        number = row.of[column]
        if table.key == "escalations":
            whole = table.value(row.key, "complaints")
            left = {key: of - _part(table, row, key, of) for key, of in row.of.items()}
            pairs = [(number, each) for each in row.of.values()]
            pairs += [(left[column], each) for each in left.values()]
            if any(small(abs(mine - other)) for mine, other in pairs):
                return True  # so few were notified, or settled, between the two numbers of days
        elif row.key == "on_time":
            return column != "value" or self.whole is Level.ALL or small(number)
        else:
            whole = self._figure("settled" if "settle" in row.key else "received", column)
        rest = whole - number if isinstance(whole, int) else LEAST
        other = OTHER_MEASURED.get(row.key)
        apart = number - self._measured(other, column) if other else 0
        return small(number) or small(rest) or small(abs(apart))

    def _hide(self, table: str, place: int, *columns: str) -> None:
        if table in self.by_key:
            self.hidden.update((table, place, column) for column in columns)

    # --- tables that split the whole ---

    def _split(self) -> None:
        split = [self.by_key[key] for key in SPLIT if key in self.by_key]
        self.whole = disclosure_control.settled(
            [table for table in split if "verdicts" in _keys(table)], self._hide_verdicts
        )
        for column in dict.fromkeys(
            key for table in split for key in disclosure_control.columns_of(table)
        ):
            among = [table for table in split if column in disclosure_control.columns_of(table)]
            values = [disclosure_control.counts(table, column) for table in among]
            behind = [disclosure_control.behind(table, column) for table in among]
            gone = [
                [
                    *(self._without_verdicts(table) if column == "received" else ()),
                    *self._counted_twice(table, column),
                    *(self._apart(table) if self._few_of_superiors(column) else ()),
                ]
                for table in among
            ]
            chosen = [
                disclosure_control.column_hidden(each, more, known, self._apart(table))
                for table, each, more, known in zip(among, values, gone, behind, strict=True)
            ]
            if None in chosen or any(small(sum(each)) for each in (*values, *behind)):
                self._hide_figure(column)
                self.without_total.add(column)
                chosen = [set(range(len(each))) for each in values]
            for table, places in zip(among, chosen, strict=True):
                for place in places or ():
                    self._hide(table.key, place, column)

    def _counted_twice(self, table: Table, column: str) -> list[int]:
        """Return rows to withhold because the sum of a column and the number of late complaints
        differ by a small number: of complaints late at two units, or late after their end.
        """
        if (table.key, column) not in {("by_unit", "late"), ("ageing", "open_late")}:
            return []
        values, late = disclosure_control.counts(table, column), self._whole("late", "value")
        if not small(abs(sum(values) - late)):
            return []
        self.without_total.add(column)
        rows = [place for place in range(len(values)) if place not in self._apart(table)]
        return sorted(rows, key=lambda place: (not values[place], values[place]))[:2]

    def _apart(self, table: Table) -> frozenset[int]:
        """Return the rows of a table with the duties of superiors."""
        return self.apart.get(table.key, frozenset())

    def _few_of_superiors(self, column: str) -> bool:
        """Check whether a count of the duties of superiors in a column is small in any table."""
        control = disclosure_control
        for key, places in self.apart.items():
            table, name = self.by_key[key], SAME_COUNTS.get((key, column), column)
            if name in control.columns_of(table):
                values, behind = control.counts(table, name), control.behind(table, name)
                if not places.isdisjoint(control.few(values, behind)):
                    return True
        return False

    def _few_verdicts_of_superiors(self) -> bool:
        """Check whether a verdict on the duties of superiors must be withheld in any table."""
        control = disclosure_control
        return any(
            control.own_levels(control.verdicts_of(table), control.complaints_of(table))[place]
            for key, places in self.apart.items()
            for table in (self.by_key[key],)
            for place in places
        )

    def _without_verdicts(self, table: Table) -> list[int]:
        return [place for key, place in self.without_verdicts if key == table.key]

    def _hide_verdicts(self, table: Table, whole: Level) -> bool:
        """Withhold verdicts; a row without them shows no number received either, and vice versa.

        The reader may know how many deadlines a complaint has: then one number tells the other.
        """
        control = disclosure_control
        rows, apart = range(len(table.rows)), self._apart(table)
        forced = set(apart) if self._few_verdicts_of_superiors() else set[int]()
        received = control.counts(table, "received") if "received" in _keys(table) else None
        while True:
            levels = control.verdict_levels(
                control.verdicts_of(table), whole, control.complaints_of(table), forced, apart
            )
            if levels is None:
                return False
            gone = {row for row in rows if levels[row] is Level.ALL}
            if received is None or whole is Level.ALL:
                break
            more = control.column_hidden(received, gone)
            gone = set(rows) if more is None else more
            if gone <= forced:
                break
            forced = gone
        found = share_ranges(control.verdicts_of(table), levels, whole)
        self.ranges = {key: each for key, each in self.ranges.items() if key[0] != table.key}
        self.ranges |= {(table.key, place): each for place, each in found.items()}
        for place, level in enumerate(levels):
            self._hide(table.key, place, *control.WITHHELD[level])
            if level is Level.ALL:
                self.without_verdicts.add((table.key, place))
        return True

    # --- the headline and the months: two views of the same counts ---

    def _hide_figure(self, key: str, column: str = "value") -> None:
        headline = self.by_key.get("headline")
        for place, row in enumerate(headline.rows if headline else ()):
            if row.key == key:
                self._hide("headline", place, column)

    def _figure(self, key: str, column: str) -> Cell:
        headline = self.by_key.get("headline")
        return headline.value(key, column) if headline else None

    def _measured(self, key: str, column: str) -> int:
        """Return the number that a share of the received complaints is computed of."""
        headline = self.by_key.get("headline")
        row = headline.row(key) if headline else None
        return row.of.get(column, self._whole("received", column)) if row else 0

    def _headline(self) -> None:
        headline = self.by_key.get("headline")
        for column in EARLIER if headline else ():
            received, settled = (self._whole(key, column) for key in ("received", "settled"))
            for name in ("followed_up_share", "followed_up_within_5"):
                share, of = self._figure(name, column), self._measured(name, column)
                followed = round(share * of) if isinstance(share, int | float) else 0
                if any(map(small, (received, of, followed, of - followed))):
                    self._hide_figure(name, column)
            for place, row in enumerate(headline.rows if headline else ()):
                behind = row.behind.get(column, LEAST)
                if column == "value" and row.tickets:
                    behind = min(behind, len(row.tickets))
                if row.key.endswith("settlement"):
                    behind = min(behind, settled)
                if (
                    ("_days_to_" in row.key and small(behind))
                    or small(row.behind.get(column, LEAST))
                    or (row.measure is Measure.COUNT and small(self._figure(row.key, column)))
                ):
                    self._hide("headline", place, column)
            evaluated, met = self._evaluated(column)
            if any(map(small, (evaluated, met, evaluated - met))) or (
                not self.months[column] and column != "value" and received < LEAST
            ):
                self._hide_figure("on_time", column)
        if self.whole >= disclosure_control.SHARE:
            self._hide_figure("on_time")

    def _whole(self, key: str, column: str) -> int:
        found = self._figure(key, column)
        return found if isinstance(found, int) else 0

    def _evaluated(self, column: str) -> tuple[int, int]:
        """Sum the evaluated and the met deadlines in the months of a headline column."""
        rows = [self.by_key["trend"].rows[place] for place in self.months[column]]
        evaluated = [cell if isinstance(cell := row.cells[2], int) else 0 for row in rows]
        shares = [cell if isinstance(cell := row.cells[3], int | float) else 0 for row in rows]
        met = [round(share * of) for share, of in zip(shares, evaluated, strict=True)]
        return sum(evaluated), sum(met)

    def _trend(self) -> None:
        trend = self.by_key.get("trend")
        if trend is None:
            return
        for place, row in enumerate(trend.rows):
            evaluated, share = row.cells[2], row.cells[3]
            for column, cell in zip(trend.columns, row.cells, strict=True):
                if small(cell) or small(row.behind.get(column.key)):
                    self._hide("trend", place, column.key)
            if isinstance(evaluated, int) and isinstance(share, int | float):
                met = round(share * evaluated)
                if any(map(small, (evaluated, met, evaluated - met))):
                    self._hide("trend", place, "share")
        for _ in EARLIER:  # the months of one column may be among those of another
            for figures, months in self.months.items():
                self._months_of(trend, figures, months)

    def _months_of(self, trend: Table, column: str, months: list[int]) -> None:
        """Keep a headline column and its months consistent in their withheld cells."""
        if not months:
            return
        for key in ("received", "settled", "verdicts"):
            if len(months) == 1:
                self._link(months[0], key, column, key)
                continue
            values = [disclosure_control.counts(trend, key)[place] for place in months]
            gone = [n for n, place in enumerate(months) if ("trend", place, key) in self.hidden]
            chosen = disclosure_control.column_hidden(values, gone)
            if chosen is None:
                self._hide_figure(key, column)
            if chosen is None or self._gone(key, column):
                chosen = set(range(len(months)))
            for n in chosen:
                self._hide("trend", months[n], key)
        if len(months) == 1:
            self._link(months[0], "share", column, "on_time")
        elif self._gone("on_time", column) or any(
            ("trend", place, "share") in self.hidden for place in months
        ):
            for place in months:
                self._hide("trend", place, "share")

    def _gone(self, figure: str, column: str) -> bool:
        """Check whether a figure of the headline is withheld."""
        if figure == "verdicts":
            return column == "value" and self.whole is disclosure_control.ALL
        headline = self.by_key.get("headline")
        rows = headline.rows if headline else ()
        return any(
            row.key == figure and ("headline", place, column) in self.hidden
            for place, row in enumerate(rows)
        )

    def _link(self, month: int, key: str, column: str, figure: str) -> None:
        """Keep a month and an equal figure together: both are shown, or neither."""
        if ("trend", month, key) in self.hidden:
            self._hide_figure(figure, column)
        if self._gone(figure, column):
            self._hide("trend", month, key)

    # --- independent tables ---

    def _by_itself(self, key: str) -> None:
        table = self.by_key.get(key)
        for place, row in enumerate(table.rows if table else ()):
            if key == "quality" and row.key in NO_COMPLAINTS:
                continue
            cells = dict(zip(_keys(table), row.cells, strict=True)) if table else {}
            complaints = cells.get("complaints")
            parts: list[int] = []
            for column, cell in cells.items():
                few = small(cell) or (column == "notices" and _tells_repeated(row, cells))
                if isinstance(cell, float) and isinstance(complaints, int):
                    of = row.of.get(column, complaints)
                    part = round(cell * of)
                    few = _tells(cell, complaints) or _tells(cell, of)
                    few = few or any(small(abs(part - each)) for each in parts)
                    parts += [] if few else [part]
                if few or (isinstance(cell, int) and row.tickets and len(row.tickets) < LEAST):
                    self._hide(key, place, column)


def _round(cell: Cell, measure: Measure, of: Cell) -> Cell:
    """Round a figure of an earlier period; a share of few, a mean and a median are withheld.

    `of` is the number behind a share.
    """
    if not isinstance(cell, int | float):
        return cell
    if measure is Measure.COUNT:
        return (2 * int(cell) + ROUND) // (2 * ROUND) * ROUND
    if measure is not Measure.SHARE or not isinstance(of, int) or of < ENOUGH:
        return WITHHELD
    return half_up(cell * 100 / ROUND) * ROUND / 100


def _rank(table: Table, row: Row) -> tuple[int, float, str]:
    """Return the place of a row, computed only from its published cells.

    Units: the lowest share first, then small numbers, then withheld shares, then the duties of
    superiors, then what belongs to no unit. Other tables: the most received first, then withheld
    numbers.
    """
    cells = dict(zip(_keys(table), row.cells, strict=True))
    share, received = cells.get("share"), cells.get("received")
    if table.key == "by_unit":
        if after_units(row.key):
            return 2 + after_units(row.key), 0, row.key
        if not isinstance(share, int | float):
            return 2, 0, row.key
        return int(row.small), share, row.key
    return (0, -received, row.key) if isinstance(received, int) else (1, 0, row.key)


def _rows_of_superiors(view: Report) -> dict[str, frozenset[int]]:
    """Return the rows with the duties of superiors, by table: the same counts, by rule and by
    office. None if the report charges these duties to units.
    """
    rules, units = view.table("by_rule"), view.table("by_unit")
    if rules is None or units is None or units.row(SUPERIOR_OFFICE) is None:
        return {}
    return {
        table.key: frozenset(place for place, row in enumerate(table.rows) if row.key in keys)
        for table, keys in ((rules, view.of_superiors), (units, {SUPERIOR_OFFICE}))
    }


def _published(table: Table, view: Report) -> Table:
    """Return the rows that are published, of an interim report without comparisons.

    They count a part of a month then; beside the whole month it would show the rest.

    Of equal counts the one of the first key is withheld. In the order of a period's figures,
    editions of two periods would withhold different cells of what is open and late at the same
    moment, and each would show what the other withholds.
    """
    if table.key in REORDERED:
        return replace(table, rows=tuple(sorted(table.rows, key=lambda row: row.key)))
    if table.key == "quality":
        rows = tuple(row for row in table.rows if row.key not in FINDINGS_LEFT_OUT)
        return replace(table, rows=rows)
    if table.key == "trend":
        return _without_column(table, "settled_unknown")
    if table.key != "headline":
        return table
    rows = tuple(row for row in table.rows if row.key not in ROWS_LEFT_OUT)
    if view.interim:
        rows = tuple(replace(row, cells=(row.cells[0], None, None)) for row in rows)
    return replace(table, rows=rows)


def _without_column(table: Table, key: str) -> Table:
    place = _keys(table).index(key)

    def cut(row: Row) -> Row:
        return replace(row, cells=(*row.cells[:place], *row.cells[place + 1 :]))

    return replace(
        table,
        columns=(*table.columns[:place], *table.columns[place + 1 :]),
        rows=tuple(map(cut, table.rows)),
        total=cut(table.total) if table.total else None,
    )


def _tells(share: Cell, of: Cell) -> bool:
    """Check whether a share reveals one or two complaints, inside or outside of it.

    `of` is the largest possible number of complaints behind the share.
    """
    assert isinstance(share, int | float)
    assert isinstance(of, int)
    return of < LEAST or any(0 < round(part * of, 6) < LEAST for part in (share, 1 - share))


def _part(table: Table, row: Row, column: str, of: int) -> int:
    """Return the number of complaints in a share of so many."""
    share = row.cells[_keys(table).index(column)]
    return round(share * of) if isinstance(share, int | float) else 0


def _tells_repeated(row: Row, cells: Mapping[str, Cell]) -> bool:
    """Check whether the notices beside the complaints reveal that one or two of these were notified
    of more than once.
    """
    notices, complaints = cells["notices"], cells["complaints"]
    assert isinstance(notices, int)
    assert isinstance(complaints, int)
    more = not small(complaints) and small(notices - complaints)
    return more or small(row.behind.get("notified_again"))


def _keys(table: Table) -> list[str]:
    return [column.key for column in table.columns]


def _months(view: Report, trend: Table | None) -> dict[str, list[int]]:
    """Find the months adding up to each headline column; none for other periods.

    Editions of still earlier periods have published the sums of their months. So there is an entry
    for each of them too, although the headline of this edition has no such column.
    """
    now = Period(view.period_key, view.first, view.last)
    spans: dict[str, Period | None] = dict(
        zip(EARLIER, (now, before(now), year_before(now)), strict=True)
    )
    earlier = before(now)
    while trend is not None and earlier is not None and len(spans) < len(trend.rows) + len(EARLIER):
        earlier = before(earlier)
        if earlier is not None:
            spans[earlier.name] = earlier
    found: dict[str, list[int]] = {}
    for column, span in spans.items():
        found[column] = []
        if span is None or trend is None:
            continue
        begun, ended = (day.year * 12 + day.month - 1 for day in (span.first, span.last))
        names = {f"{month // 12:04}-{month % 12 + 1:02}" for month in range(begun, ended + 1)}
        places = [place for place, row in enumerate(trend.rows) if row.key in names]
        whole = span.first.day == 1 and (span.last + timedelta(days=1)).day == 1
        if whole and len(places) == len(names):
            found[column] = places
    return found
