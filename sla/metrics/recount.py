"""How each figure of a report is counted again from the flat list: conditions on its columns.

The conditions are also the filter that a reader sets in a spreadsheet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sla.engine.deadline import State
from sla.metrics.definitions import AGES, AHEAD_DAYS, RATINGS, TREND_MONTHS, VERDICTS, WITHIN
from sla.metrics.duty_list import RowKind
from sla.metrics.table import Row, Table
from sla.periods import Period, months_until


class Method(StrEnum):
    """How a figure follows from the rows: their number, a share of them, or from a column."""

    COUNT = "count"
    SHARE = "share"
    MEAN = "mean"
    MEDIAN = "median"
    NINETIETH = "ninetieth"


Value = int | str | date


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on a column: equal to a value, or between two, both included; None is open.

    An empty text means an empty cell.
    """

    column: str
    least: Value | None
    most: Value | None

    @property
    def equals(self) -> bool:
        """Check whether the condition asks for one value."""
        return self.least == self.most


Conditions = tuple[Condition, ...]
_Selecting = Callable[[str], Conditions]


@dataclass(frozen=True, slots=True)
class Recount:
    """A figure of a table, and the rows that give it.

    `rows` are the rows counted. A share is their part of `among`. `values` is the column of a mean,
    a median or a percentile. `kind` tells rows of the escalations apart.
    """

    table: str
    row: str
    column: str
    method: Method
    rows: Conditions
    among: Conditions = ()
    values: str = ""
    kind: str = ""


def _is(column: str, value: Value) -> Condition:
    return Condition(column, value, value)


def _flag(*columns: str) -> Conditions:
    return tuple(_is(column, 1) for column in columns)


def _within(column: str, period: Period) -> Condition:
    return Condition(column, period.first, period.last)


TIME_UNKNOWN = (Condition("settled_unknown", date.min, None),)


def recounts(
    tables: Mapping[str, Table],
    spans: Mapping[str, Period | None],
    year_begin: date,
    today: date,
) -> Iterator[Recount]:
    """Yield how each figure of these tables is counted, in their order.

    `spans` are the periods of the columns of the headline, `today` is the day of the report. Lists
    and figures that do not come from complaints have none.
    """
    period = spans["value"]
    assert period is not None
    for key, table in tables.items():
        if key == "headline":
            yield from _headline(table, spans, year_begin)
        elif key == "trend":
            yield from _trend(table, period)
        elif key in _SPLIT:
            yield from _split(table, period)
        elif key in _WIDE:
            yield from _wide(table, period, today)
        elif key == "status":
            yield from _status(table, period)
        elif key == "by_place":
            yield from _by_place(table, period)
        elif key == "rating":
            yield from _rating(table, period)
        elif key == "forecast":
            yield from _forecast(table, today)
        elif key == "escalations":
            yield from _escalations(table)
        elif key == "quality":
            yield from _quality(table, period)


DUE = "counted_on"


def _on_time(table: str, row: str, column: str, of: Conditions) -> Recount:
    """Return the share of the duties met, among the evaluated ones with these conditions."""
    met, evaluated = (*of, _is("verdict", State.MET)), (*of, *_flag("evaluated"))
    return Recount(table, row, column, Method.SHARE, met, evaluated)


def _verdicts(table: str, row: str, of: Conditions) -> Iterator[Recount]:
    """Yield the columns of `VERDICTS` for a row, over the duties with these conditions."""
    flags = {"verdicts": "evaluated", "by_policy": "by_policy"}
    for column in (each.key for each in VERDICTS):
        if column == "share":
            yield _on_time(table, row, column, of)
        elif column in flags:
            yield Recount(table, row, column, Method.COUNT, (*of, *_flag(flags[column])))
        else:
            yield Recount(table, row, column, Method.COUNT, (*of, _is("verdict", column)))


_OF_KIND = {
    "by_classification": "classification",
    "by_category": "category",
    "by_channel": "channel",
}
_SPLIT = ("by_rule", "by_unit", *_OF_KIND, "ageing")


def _rows_of(table: Table) -> Iterator[Row]:
    """Yield the rows with a figure, and the row of the sums."""
    rows = (*table.rows, *([table.total] if table.total is not None else []))
    yield from (row for row in rows if any(cell is not None for cell in row.cells))


def _split(table: Table, period: Period) -> Iterator[Recount]:
    """Yield the figures of a table that splits the whole, and of the row of its sums."""
    for row in _rows_of(table):
        whole = row is table.total

        def of(column: str, row: Row = row, whole: bool = whole) -> Conditions:
            return () if whole else (_is(column, row.key),)

        if table.key == "ageing":
            age = () if whole else (_age(row.key),)
            counts = {
                "open": (*_flag("complaint", "open"), *age),
                "open_late": (*_flag("late_complaint", "open"), *age),
            }
        elif table.key == "by_rule":
            counts = {"late_duties": (*of("rule"), *_flag("late"))}
        elif table.key == "by_unit":
            counts = _of_unit(of, period, whole=whole)
        else:
            kind = of(_OF_KIND[table.key])
            counts = {
                "received": (*kind, *_flag("complaint"), _within("received", period)),
                "open": (*kind, *_flag("complaint", "open")),
                "late": (*kind, *_flag("late_complaint")),
            }
        if table.key != "ageing":
            column = {"by_rule": "rule", "by_unit": "answerable"}.get(table.key)
            duties = (_is("row", RowKind.DUTY), *of(column or _OF_KIND[table.key]))
            yield from _verdicts(table.key, row.key, (*duties, _within(DUE, period)))
        for column, rows in counts.items():
            yield Recount(table.key, row.key, column, Method.COUNT, rows)


def _of_unit(of: _Selecting, period: Period, *, whole: bool) -> dict[str, Conditions]:
    def events(kind: RowKind) -> Conditions:
        return (_is("row", kind), *of("event_unit"), _within("event_on", period))

    late = "late_complaint" if whole else "late_at_unit"
    return {
        "open": (*of("holder"), *_flag("complaint", "open")),
        "late": (*of("unit"), *_flag(late)),
        "reopened": events(RowKind.REOPENED),
        "returned": events(RowKind.RETURNED),
    }


def _status(table: Table, period: Period) -> Iterator[Recount]:
    for row in _rows_of(table):
        unit = () if row is table.total else (_is("holder", row.key),)
        received = (*unit, *_flag("complaint"), _within("received", period))
        for column in table.columns:
            status = () if column.key == "received" else (_is("status", column.key),)
            yield Recount(table.key, row.key, column.key, Method.COUNT, (*received, *status))


def _by_place(table: Table, period: Period) -> Iterator[Recount]:
    for row in _rows_of(table):
        place = () if row is table.total else (_is("place", row.key),)
        due = (*place, _within(DUE, period))
        for column, rows in (
            ("received", (*place, *_flag("complaint"), _within("received", period))),
            ("settled", (*place, *_flag("complaint"), _within("settled", period))),
            ("verdicts", (*due, *_flag("evaluated"))),
            ("late", (*place, *_flag("late_complaint"))),
        ):
            yield Recount(table.key, row.key, column, Method.COUNT, rows)
        yield _on_time(table.key, row.key, "share", due)


def _rating(table: Table, period: Period) -> Iterator[Recount]:
    received = (*_flag("complaint"), _within("received", period))
    rated = (*received, Condition("rating", min(RATINGS), max(RATINGS)))
    yield Recount(table.key, "mean", "rated", Method.MEAN, rated, values="rating")
    yield Recount(table.key, "rated", "rated", Method.COUNT, rated)
    for each in RATINGS:
        rows = (*received, _is("rating", each))
        yield Recount(table.key, str(each), "rated", Method.COUNT, rows)


_WIDE = ("unit_rule", "unit_trend", "ahead")


def _wide(table: Table, period: Period, today: date) -> Iterator[Recount]:
    """Yield the figures of a table with a column for each rule, month or day."""
    months = {month.name: month for month in months_until(period.last, TREND_MONTHS)}
    named = "unit" if table.key == "ahead" else "answerable"
    for row in _rows_of(table):
        unit = () if row is table.total else (_is(named, row.key),)
        for column, cell in zip(table.columns, row.cells, strict=True):
            if table.key == "ahead":
                first, last = today, today + timedelta(days=AHEAD_DAYS - 1)
                if column.of:
                    first = last = date.fromisoformat(column.key)
                rows = (*unit, *_ending(first, last))
                yield Recount(table.key, row.key, column.key, Method.COUNT, rows)
            elif cell is not None:
                by_rule = table.key == "unit_rule"
                rule = (_is("rule", column.key),) if by_rule else ()
                due = (*unit, *rule, _within(DUE, period if by_rule else months[column.key]))
                yield _on_time(table.key, row.key, column.key, due)


def _ending(first: date, last: date) -> Conditions:
    """Return the conditions of a running duty that ends between two days."""
    running = (_is("verdict", State.RUNNING), *_flag("duty_open"))
    return (*running, Condition("due", first, last))


def _forecast(table: Table, today: date) -> Iterator[Recount]:
    for row in _rows_of(table):
        day = date.fromisoformat(row.key)
        for column, rows in (
            ("ends", _ending(today, day)),
            ("newly_late", (Condition("late_from", today, day),)),
            ("late_then", (Condition("late_from", None, day),)),
        ):
            yield Recount(table.key, row.key, column, Method.COUNT, rows)


def _age(key: str) -> Condition:
    least, _, most = key.partition("-")
    assert any(each[0] == int(least) for each in AGES)
    return Condition("age", int(least), int(most) if most else None)


def _headline(
    table: Table, spans: Mapping[str, Period | None], year_begin: date
) -> Iterator[Recount]:
    for row in table.rows:
        for column, cell in zip(table.columns, row.cells, strict=True):
            span = spans[column.key]
            if span is None or cell is None:
                continue
            if (found := _figure(row.key, column.key, span, year_begin)) is not None:
                yield found


def _figure(key: str, column: str, span: Period, year_begin: date) -> Recount | None:
    """Return how a figure of the headline is counted in a period."""
    one, due = _flag("complaint"), _within(DUE, span)
    counts = {
        "received": (*one, _within("received", span)),
        "settled": (*one, _within("settled", span)),
        "first_settled": (*one, _within("first_settled", span)),
        "settled_unknown": (*one, _within("received", span), *TIME_UNKNOWN),
        "open": (*one, *_flag("open")),
        "late": _flag("late_complaint"),
        "late_duties": _flag("late"),
        "late_ended": (
            _is("verdict", State.BREACHED),
            _is("duty_open", 0),
            Condition(DUE, year_begin, None),
        ),
        "reopened": (_is("row", RowKind.REOPENED), _within("event_on", span)),
        "returned": (_is("row", RowKind.RETURNED), _within("event_on", span)),
    }
    shares = {
        "followed_up_share": (
            (*counts["received"], *_flag("followed_up")),
            (*counts["received"], Condition("followed_up", 0, None)),
        ),
        "followed_up_within_5": (
            (*counts["received"], *_flag("followed_up_soon")),
            (*counts["received"], Condition("followed_up_soon", 0, None)),
        ),
    }
    if key == "on_time":
        return _on_time("headline", key, column, (due,))
    if key in counts:
        return Recount("headline", key, column, Method.COUNT, counts[key])
    if key in shares:
        return Recount("headline", key, column, Method.SHARE, *shares[key])
    method, _, name = key.partition("_days_to_")
    rows = {
        "follow_up": (*one, _within("followed_up_on", span)),
        "settlement": (*counts["settled"], *_flag("with_settlement")),
    }[name]
    return Recount("headline", key, column, Method(method), rows, values=f"days_to_{name}")


def _trend(table: Table, period: Period) -> Iterator[Recount]:
    months = {month.name: month for month in months_until(period.last, TREND_MONTHS)}
    known = [months[row.key] for row in table.rows if row.cells[0] is not None]
    if not known:
        return
    whole = Period("total", known[0].first, known[-1].last)
    for month in [*known, *([whole] if table.total else [])]:
        due = (_within(DUE, month),)
        for column, rows in (
            ("received", (*_flag("complaint"), _within("received", month))),
            ("settled", (*_flag("complaint"), _within("settled", month))),
            (
                "settled_unknown",
                (*_flag("complaint"), _within("received", month), *TIME_UNKNOWN),
            ),
            ("verdicts", (*due, *_flag("evaluated"))),
        ):
            yield Recount("trend", month.name, column, Method.COUNT, rows)
        yield _on_time("trend", month.name, "share", due)


def _escalations(table: Table) -> Iterator[Recount]:
    told = _is("row", RowKind.NOTIFIED)
    for row in _rows_of(table):
        whole = row is table.total
        kind = str(row.cells[0])
        rung = (told,) if whole else (told, _is("kind", kind), _is("rung", row.key))
        first = (*rung, *_flag("first_of_complaint" if whole else "first_of_rung"))

        def of(
            column: str,
            method: Method,
            rows: Conditions,
            among: Conditions = (),
            key: str = row.key,
            kind: str = kind,
        ) -> Recount:
            return Recount(table.key, key, column, method, rows, among, kind=kind)

        yield of("notices", Method.COUNT, rung)
        yield of("complaints", Method.COUNT, first)
        for column in () if whole else (f"settled_within_{most}" for most in WITHIN):
            counted = (*first, Condition(column, 0, None))
            yield of(column, Method.SHARE, (*first, *_flag(column)), counted)


def _quality(table: Table, period: Period) -> Iterator[Recount]:
    received = (*_flag("complaint"), _within("received", period))
    counts = {
        "observed_times": (*received, *_flag("observed")),
        "history_unknown": (*received, *_flag("history_unknown")),
        "absent": (*received, Condition("absent_since", date.min, None)),
        "by_policy": (*_flag("by_policy"), _within(DUE, period)),
        "provisional": _flag("provisional", "duty_open"),
        "inherited": _flag("inherited", "late"),
    }
    for row in _rows_of(table):
        if row.key in counts:
            yield Recount(table.key, row.key, "number", Method.COUNT, counts[row.key])
