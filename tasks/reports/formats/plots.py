"""Plots of four tables, drawn from the same cells and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from textwrap import wrap
from zoneinfo import ZoneInfo

from sla.metrics.definitions import SMALL_NUMBER, is_small
from sla.metrics.table import WITHHELD, Measure, Row, Table
from tasks.reports.formats.cell_text import cell_text, number
from tasks.reports.formats.chart_canvas import (
    BLUE,
    GREEN,
    GREY,
    NARROW,
    ORANGE,
    RED,
    SKY,
    SMALL,
    WIDE,
    Canvas,
    Frame,
    Point,
    cut,
    spread,
    ticks_of,
    width_of,
)
from tasks.reports.labels import month_name
from tasks.reports.model import Report
from tasks.reports.overview import MOST_LOWEST
from tasks.text.catalog import catalog
from tasks.text.numbers import number_text, percent_text

MOST_UNITS = 50
WIDEST_RUNG = 26
"""The most characters in a line of the name of a rung."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot: its title, its statement in a sentence, and the picture.

    `svg` is for half a page and for phones; `wide` is for a whole page, if it differs.
    """

    key: str
    title: str
    says: str
    svg: str
    wide: str = ""


def plots(view: Report, zone: ZoneInfo) -> dict[str, Plot]:
    """Draw the plots of a report, by the key of their table; a table without data has none."""
    found = {}
    for key, draw in DRAWN.items():
        table = view.table(key)
        plot = draw(table, view, zone) if table is not None else None
        if plot is not None:
            found[key] = plot
    return found


def _trend(table: Table, view: Report, zone: ZoneInfo) -> Plot | None:
    """Draw received and settled complaints by month, and the share on time below them."""
    t, locale, rows = catalog(view.names.locale), view.names.locale, table.rows
    received, settled, shares = (_column(table, key) for key in ("received", "settled", "share"))
    if not any(received) and not any(settled):
        return None
    canvas = Canvas("trend", NARROW, 252)
    steps = ticks_of(max(value or 0 for value in (*received, *settled)))
    left = 24 + max(width_of(label) for label in (number_text(steps[-1], locale), "100%"))
    above = Frame(left, 20, NARROW - 4, 146, up=steps[-1])
    below = Frame(left, 160, NARROW - 4, 232, up=1.05)
    middles = list(spread(left, NARROW - 4, len(rows)))
    canvas.legend(
        (left, 8),
        [
            (t("report.column.received"), SKY, False),
            (t("report.column.settled"), BLUE, False),
        ],
    )
    canvas.rows(above, [(step, number_text(step, locale)) for step in steps])
    half = (NARROW - 4 - left) / max(len(rows), 1) * 0.4
    for middle, value in zip(middles, received, strict=True):
        if value:
            canvas.rect(middle - half, above.y(value), middle + half, above.bottom, SKY)
    _mark_withheld(canvas, above, middles, _withheld(table, "received"), locale)
    canvas.points(_points(above, middles, settled), BLUE)
    canvas.text((8, 83), t("report.plot.complaints"), anchor="middle", turned=True)
    canvas.rows(below, [(part, percent_text(part, locale)) for part in (0, 0.5, 1)])
    if view.target is not None:
        height = below.y(view.target)
        canvas.line((below.left, height), (below.right, height), RED, 1, dashed=True)
    canvas.points(_points(below, middles, shares), GREEN, square=True)
    canvas.text((8, 196), t("report.plot.on_time"), SMALL, anchor="middle", turned=True)
    for place, middle in enumerate(middles):
        if (len(rows) - 1 - place) % 3 == 0:
            end = place == len(rows) - 1
            at = (NARROW - 2 if end else middle, below.bottom + 10)
            label = month_name(rows[place].key, locale)
            canvas.text(at, label, anchor="end" if end else "middle")
    last = {column.key: _said(table, rows[-1], column.key, view, zone) for column in table.columns}
    says = t(
        "report.plot.trend_says",
        month=view.names("month", rows[-1].key).text,
        received=last["received"],
        settled=last["settled"],
        share=last["share"],
    )
    return Plot("trend", t("report.plot.trend"), says + _target(view), canvas.svg())


def _by_unit(table: Table, view: Report, zone: ZoneInfo) -> Plot | None:
    """Draw the share of each unit in the order of the table, small numbers grey and hatched."""
    t = catalog(view.names.locale)
    shared = [
        (row, share)
        for row, share in zip(table.rows, _column(table, "share"), strict=True)
        if share is not None
    ]
    if not shared:
        return None
    drawn = shared[:MOST_UNITS]
    svg, wide = (_unit_bars(table, view, drawn, width) for width in (NARROW, WIDE))
    says = [_extremes(table, view, shared)]
    if any(row.small for row, _ in drawn):
        says.append(t("report.plot.by_unit_small"))
    if len(shared) > len(drawn):
        says.append(t("report.plot.by_unit_some", n=len(drawn)))
    text = " ".join(filter(None, (*says, _target(view).strip())))
    return Plot("by_unit", t("report.plot.by_unit"), text, svg, wide)


def _unit_bars(table: Table, view: Report, drawn: Sequence[tuple[Row, float]], width: float) -> str:
    """Draw a bar for each unit in a picture of this width."""
    locale = view.names.locale
    names = [cut(view.names(table.of, row.key).text, width) for row, _ in drawn]
    canvas = Canvas(f"by_unit_{width:.0f}", width, 13 * len(drawn) + 26)
    left = 8 + min(max(width_of(name, SMALL) for name in names), width * 0.55)
    labels = [percent_text(share, locale) for _, share in drawn]
    room, across = 3 + max(width_of(label, SMALL) for label in labels), width - 4 - left
    frame = Frame(left, 4, width - 4, 13 * len(drawn) + 8, across=across / (across - room))
    ends = (0, 0.25, 0.5, 0.75, 1)
    canvas.columns(frame, [(end, percent_text(end, locale)) for end in ends])
    middles = spread(frame.top, frame.bottom, len(drawn))
    aim = None if view.target is None else frame.x(view.target)
    for middle, name, label, (row, share) in zip(middles, names, labels, drawn, strict=True):
        end = frame.x(min(share, 1))
        canvas.rect(
            left, middle - 4.7, end, middle + 4.7, GREY if row.small else BLUE, hatch=row.small
        )
        canvas.text((left - 4, middle), name, SMALL, anchor="end")
        across = end + 3
        if aim is not None and across < aim + 2 and across + width_of(label, SMALL) > aim:
            across = aim + 3  # beside the line of the target, not across it
        canvas.text((across, middle), label, SMALL)
    if aim is not None:
        canvas.line((aim, frame.top), (aim, frame.bottom), RED, 1, dashed=True)
    return canvas.svg()


def _ageing(table: Table, view: Report, zone: ZoneInfo) -> Plot | None:
    """Draw open complaints by age, with the late ones on top."""
    t, locale = catalog(view.names.locale), view.names.locale
    opened, late = _column(table, "open"), _column(table, "open_late")
    if not any(opened):
        return None
    canvas = Canvas("ageing", NARROW, 194)
    steps = ticks_of(max(value or 0 for value in opened))
    left = 24 + width_of(number_text(steps[-1], locale))
    frame = Frame(left, 20, NARROW - 4, 160, up=steps[-1])
    legend = [(t("report.plot.not_late"), SKY, False), (t("report.plot.late"), RED, True)]
    canvas.legend((left, 8), legend)
    canvas.rows(frame, [(step, number_text(step, locale)) for step in steps])
    middles = list(spread(left, frame.right, len(table.rows)))
    half = (frame.right - left) / max(len(table.rows), 1) * 0.4
    for middle, row, value, also in zip(middles, table.rows, opened, late, strict=True):
        known = value is not None and also is not None
        least = value - also if value is not None and also is not None else value or 0
        top = frame.y(least)
        canvas.rect(middle - half, top, middle + half, frame.bottom, SKY if known else GREY)
        if also:
            most = frame.y(least + also) if known else frame.y(also)
            canvas.rect(middle - half, most, middle + half, top, RED, hatch=True)
        canvas.text((middle, frame.bottom + 9), _age(row.key, locale), anchor="middle")
    gone = zip(*(_withheld(table, key) for key in ("open", "open_late")), strict=True)
    heights = [value or 0 for value in opened]
    _mark_withheld(canvas, frame, middles, [any(pair) for pair in gone], locale, heights)
    canvas.text((8, 90), t("report.plot.complaints"), anchor="middle", turned=True)
    label = t("report.plot.working_days")
    canvas.text(((left + frame.right) / 2, 186), label, anchor="middle")
    old = _said(table, table.rows[-1], "open", view, zone)
    says = (
        t("report.plot.ageing_says", late=_sum(late, locale), open=_sum(opened, locale), old=old)
        if None not in (*opened, *late)
        else ""
    )
    return Plot("ageing", t("report.plot.ageing"), says, canvas.svg())


def _escalations(table: Table, view: Report, zone: ZoneInfo) -> Plot | None:
    """Draw for each rung the share of cases settled within some days after it."""
    t, locale = catalog(view.names.locale), view.names.locale
    within = [column.key for column in table.columns if column.measure is Measure.SHARE]
    values = {key: _column(table, key) for key in within}
    if not any(value is not None for column in values.values() for value in column):
        return None
    colours = (ORANGE, SKY, BLUE)
    names = [wrap(_rung(row, view), WIDEST_RUNG) for row in table.rows]
    ends_at = list(accumulate((max(40.0, 9.5 * len(lines) + 8) for lines in names), initial=0.0))
    canvas = Canvas("escalations", NARROW, ends_at[-1] + 44)
    left = 8 + max(width_of(line, 8) for lines in names for line in lines or [""])
    frame = Frame(left, 22, NARROW - 14, ends_at[-1] + 26)
    legend = [
        (t("report.plot.within", n=int(key.rpartition("_")[2])), colours[at % 3], at % 3 == 1)
        for at, key in enumerate(within)
    ]
    canvas.legend((4, 8), legend, SMALL)
    ends = (0, 0.25, 0.5, 0.75, 1) if NARROW - left > 160 else (0, 0.5, 1)
    canvas.columns(frame, [(end, percent_text(end, locale)) for end in ends])
    thick = 32 / len(within)
    for place, lines in enumerate(names):
        middle = frame.top + 2 + (ends_at[place] + ends_at[place + 1]) / 2
        for nth, line in enumerate(lines):
            height = middle + (nth - (len(lines) - 1) / 2) * 9.5
            canvas.text((left - 4, height), line, 8, anchor="end")
        for at, key in enumerate(within):
            top = middle + (at - len(within) / 2) * thick
            end = frame.x(values[key][place] or 0)
            bottom = top + thick * 0.9
            if not values[key][place]:  # none, withheld, or no data
                said = _said(table, table.rows[place], key, view, zone)
                canvas.text((left + 3, (top + bottom) / 2), said, SMALL)
            small = is_small(table.rows[place].of.get(key, 0))
            colour = GREY if small else colours[at % 3]
            canvas.rect(left, top, end, bottom, colour, hatch=at % 3 == 1)
    says = t("report.plot.escalations_says")
    drawn = ((key, place) for key in within for place, value in enumerate(values[key]) if value)
    if any(is_small(table.rows[place].of.get(key, 0)) for key, place in drawn):
        says += " " + t("report.plot.escalations_small")
    return Plot("escalations", t("report.plot.escalations"), says, canvas.svg())


def _points(
    frame: Frame, middles: Sequence[float], values: Sequence[float | None]
) -> list[Point | None]:
    """Return the points of a line, None where there is no value."""
    return [
        None if value is None else (middle, frame.y(value))
        for middle, value in zip(middles, values, strict=True)
    ]


def _mark_withheld(
    canvas: Canvas,
    frame: Frame,
    middles: Sequence[float],
    withheld: Sequence[bool],
    locale: str,
    heights: Sequence[float] = (),
) -> None:
    """Draw the sign for withheld values in the position of their bars; none for missing data."""
    sign = catalog(locale)("report.withheld")
    for place, gone in enumerate(withheld):
        if gone:
            height = frame.y(heights[place] if heights else 0)
            canvas.text((middles[place], height - 5), sign, anchor="middle")


def _extremes(table: Table, view: Report, shared: Sequence[tuple[Row, float]]) -> str:
    """Name the units with the lowest and the highest share.

    Nothing is named if some shares are withheld, if fewer than two units can be compared, or if too
    many units share one of these places.
    """
    t, locale = catalog(view.names.locale), view.names.locale
    if len(shared) < sum(table.value(row.key, "share") is not None for row in table.rows):
        return t("report.plot.by_unit_withheld")
    comparable = {row.key for row in table.comparable()}
    fit = [(row, share) for row, share in shared if row.key in comparable]
    if len(fit) < 2:
        return ""
    low, high = (choose(share for _, share in fit) for choose in (min, max))
    lowest, highest = (
        [view.names(table.of, row.key).text for row, share in fit if share == place]
        for place in (low, high)
    )
    if low == high or max(len(lowest), len(highest)) > MOST_LOWEST:
        return ""
    return t(
        "report.plot.by_unit_says" + ("_few" if len(fit) < len(shared) else ""),
        least=SMALL_NUMBER,
        lowest=", ".join(lowest),
        low=percent_text(low, locale),
        highest=", ".join(highest),
        high=percent_text(high, locale),
    )


def _target(view: Report) -> str:
    """Return the sentence about the line of the target, if there is one."""
    if view.target is None:
        return ""
    locale = view.names.locale
    return " " + catalog(locale)("report.plot.target", n=percent_text(view.target, locale))


DRAWN: dict[str, Callable[[Table, Report, ZoneInfo], Plot | None]] = {
    "by_unit": _by_unit,
    "ageing": _ageing,
    "trend": _trend,
    "escalations": _escalations,
}


def _column(table: Table, key: str) -> list[float | None]:
    place = [column.key for column in table.columns].index(key)
    return [number(row.cells[place]) for row in table.rows]


def _withheld(table: Table, key: str) -> list[bool]:
    """Check for each row whether a figure is withheld; missing data are not."""
    return [table.value(row.key, key) == WITHHELD for row in table.rows]


def _said(table: Table, row: Row, key: str, view: Report, zone: ZoneInfo) -> str:
    column = next(column for column in table.columns if column.key == key)
    return cell_text(table.value(row.key, key), column.measure, key, view.names, zone)


def _rung(row: Row, view: Report) -> str:
    return f"{view.names('rung', row.key).text} ({view.names('kind', str(row.cells[0])).text})"


def _sum(values: Sequence[float | None], locale: str) -> str:
    return number_text(int(sum(value or 0 for value in values)), locale)


def _age(key: str, locale: str) -> str:
    least, _, most = key.partition("-")
    return f"{least}–{most}" if most else catalog(locale)("report.plot.over", n=int(least) - 1)
