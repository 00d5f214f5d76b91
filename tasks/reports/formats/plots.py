"""Plots of four tables, drawn from the same cells and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import wrap
from zoneinfo import ZoneInfo

from sla.metrics.table import WITHHELD, Measure, Row, Table
from tasks.reports.formats.cell_text import cell_text, number
from tasks.reports.formats.plot_style import (
    BLUE,
    GREEN,
    GREY,
    NARROW,
    ORANGE,
    RED,
    SKY,
    WIDE,
    canvas,
    counts,
    cut,
    gap,
    labelled,
    marks,
    percents,
    pictured,
)
from tasks.reports.labels import month_name
from tasks.reports.model import Report
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
    places = range(len(rows))
    with canvas(NARROW, 3.5) as figure:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        above.bar(
            places,
            [value or 0 for value in received],
            color=SKY,
            label=labelled(t("report.column.received")),
        )
        above.plot(
            places,
            [gap(value) for value in settled],
            color=BLUE,
            marker="o",
            markersize=3.5,
            label=labelled(t("report.column.settled")),
        )
        marks(above, _withheld(table, "received"), locale)
        counts(above.yaxis, locale)
        above.set_ylabel(t("report.plot.complaints"))
        above.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, borderpad=0)
        below.plot(
            places, [gap(value) for value in shares], color=GREEN, marker="s", markersize=3.5
        )
        percents(below.yaxis, locale)
        below.set_ylim(0, 1.05)
        _draw_target(below.axhline, view)
        below.set_ylabel(t("report.plot.on_time"))
        shown = [place for place in places if (len(rows) - 1 - place) % 3 == 0]
        below.set_xticks(shown, [month_name(rows[place].key, locale) for place in shown])
        for axes in (above, below):
            axes.grid(visible=False, axis="x")
        svg = pictured(figure, "trend")
    last = {column.key: _said(table, rows[-1], column.key, view, zone) for column in table.columns}
    month = month_name(rows[-1].key, locale)
    says = t(
        "report.plot.trend_says",
        month=month,
        received=last["received"],
        settled=last["settled"],
        share=last["share"],
    )
    return Plot("trend", t("report.plot.trend"), says + _target(view), svg)


def _by_unit(table: Table, view: Report, zone: ZoneInfo) -> Plot | None:
    """Draw the share of each unit in the order of the table, small numbers grey and hatched."""
    t, locale = catalog(view.names.locale), view.names.locale
    shared = [
        (row, share)
        for row, share in zip(table.rows, _column(table, "share"), strict=True)
        if share is not None
    ]
    if not shared:
        return None
    drawn = shared[:MOST_UNITS]
    names = [labelled(view.names(table.of, row.key).text) for row, _ in drawn]

    def bars(width: float) -> str:
        with canvas(width, 0.6 + 0.18 * len(drawn)) as figure:
            axes = figure.subplots()
            for place, (row, share) in enumerate(drawn):
                axes.barh(
                    place,
                    share,
                    height=0.72,
                    color=GREY if row.small else BLUE,
                    hatch="////" if row.small else None,
                    edgecolor="white" if row.small else BLUE,
                )
                axes.text(
                    min(share, 1) + 0.012,
                    place,
                    percent_text(share, locale),
                    va="center",
                    fontsize=7.5,
                )
            _draw_target(axes.axvline, view)
            axes.set_yticks(range(len(drawn)), [cut(name, width) for name in names], fontsize=7.5)
            axes.set_ylim(len(drawn) - 0.4, -0.6)
            axes.set_xlim(0, 1.14)
            axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
            percents(axes.xaxis, locale)
            axes.grid(visible=False, axis="y")
            return pictured(figure, f"by_unit_{width:.0f}")

    svg, wide = bars(NARROW), bars(WIDE)
    says = _extremes(table, view, shared)
    if any(row.small for row, _ in drawn):
        says += " " + t("report.plot.by_unit_small")
    if len(shared) > len(drawn):
        says += " " + t("report.plot.by_unit_some", n=len(drawn))
    return Plot("by_unit", t("report.plot.by_unit"), says + _target(view), svg, wide)


def _ageing(table: Table, view: Report, zone: ZoneInfo) -> Plot | None:
    """Draw open complaints by age, with the late ones on top."""
    t, locale = catalog(view.names.locale), view.names.locale
    opened, late = _column(table, "open"), _column(table, "open_late")
    if not any(opened):
        return None
    pairs = list(zip(opened, late, strict=True))
    least = [value - also if value is not None and also is not None else 0 for value, also in pairs]
    alone = [value or 0 if also is None else 0 for value, also in pairs]
    labels = [_age(row.key, locale) for row in table.rows]
    with canvas(NARROW, 2.7) as figure:
        axes = figure.subplots()
        axes.bar(labels, least, color=SKY, label=labelled(t("report.plot.not_late")))
        axes.bar(labels, alone, color=GREY)
        gone = [
            any(pair)
            for pair in zip(*(_withheld(table, k) for k in ("open", "open_late")), strict=True)
        ]
        marks(axes, gone, locale, alone)
        axes.bar(
            labels,
            [value or 0 for value in late],
            bottom=least,
            color=RED,
            hatch="///",
            edgecolor="white",
            label=labelled(t("report.plot.late")),
        )
        counts(axes.yaxis, locale)
        axes.set_ylabel(t("report.plot.complaints"))
        axes.set_xlabel(t("report.plot.working_days"))
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, borderpad=0)
        axes.grid(visible=False, axis="x")
        svg = pictured(figure, "ageing")
    old = _said(table, table.rows[-1], "open", view, zone)
    says = (
        t("report.plot.ageing_says", late=_sum(late, locale), open=_sum(opened, locale), old=old)
        if None not in (*opened, *late)
        else ""
    )
    return Plot("ageing", t("report.plot.ageing"), says, svg)


def _escalations(table: Table, view: Report, zone: ZoneInfo) -> Plot | None:
    """Draw for each rung the share of cases settled within some days after it."""
    t, locale = catalog(view.names.locale), view.names.locale
    within = [column.key for column in table.columns if column.measure is Measure.SHARE]
    values = {key: _column(table, key) for key in within}
    if not any(value is not None for column in values.values() for value in column):
        return None
    width = 0.8 / len(within)
    with canvas(NARROW, 0.9 + 0.55 * len(table.rows)) as figure:
        axes = figure.subplots()
        for at, key in enumerate(within):
            lift = (at - (len(within) - 1) / 2) * width
            axes.barh(
                [place + lift for place in range(len(table.rows))],
                [value or 0 for value in values[key]],
                height=width * 0.9,
                color=(ORANGE, SKY, BLUE)[at % 3],
                label=labelled(t("report.plot.within", n=int(key.rpartition("_")[2]))),
            )
        names = ["\n".join(wrap(labelled(_rung(row, view)), WIDEST_RUNG)) for row in table.rows]
        axes.set_yticks(range(len(table.rows)), names, fontsize=8)
        axes.set_ylim(len(table.rows) - 0.5, -0.5)
        axes.set_xlim(0, 1)
        percents(axes.xaxis, locale)
        figure.legend(
            loc="outside upper left",
            ncols=3,
            frameon=False,
            borderpad=0,
            fontsize=7.5,
            columnspacing=1,
            handlelength=1.2,
        )
        axes.grid(visible=False, axis="y")
        svg = pictured(figure, "escalations")
    return Plot("escalations", t("report.plot.escalations"), t("report.plot.escalations_says"), svg)


def _extremes(table: Table, view: Report, shared: Sequence[tuple[Row, float]]) -> str:
    """Name the units with the lowest and the highest share, unless some shares are withheld."""
    t, locale = catalog(view.names.locale), view.names.locale
    if len(shared) < sum(table.value(row.key, "share") is not None for row in table.rows):
        return t("report.plot.by_unit_withheld")
    fit = [(row, share) for row, share in shared if not row.small] or list(shared)
    low, high = (choose(fit, key=lambda each: each[1]) for choose in (min, max))
    return t(
        "report.plot.by_unit_says",
        lowest=view.names(table.of, low[0].key).text,
        low=percent_text(low[1], locale),
        highest=view.names(table.of, high[0].key).text,
        high=percent_text(high[1], locale),
    )


def _draw_target(line: Callable[..., object], view: Report) -> None:
    """Draw the line of the target, if there is one."""
    if view.target is not None:
        line(view.target, color=RED, linestyle="--", linewidth=1)


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
