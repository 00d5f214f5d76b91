"""Plots: what four tables say, drawn from the same cells and nothing else.

Colours are those of Okabe and Ito, which colour-blind people tell apart; hatching and words say the
same once more. Text stays text in the SVG, so that it prints, scales and can be read out.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sla.figures.table import Measure, Row, Table
from tasks.rendering import number_text, percent_text, words
from tasks.reporting.cells import cell_text, number
from tasks.reporting.names import month_name
from tasks.reporting.view import ReportView

BLUE, ORANGE, GREEN, RED, SKY, GREY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#B8BEC4",
)  # fmt: skip
INK = "#1c2733"
NARROW, WIDE = 4.5, 7.6
"""Inches: half a printed page, which a phone shows nearly as large; a whole one."""

MOST_UNITS = 50
LONGEST_LABEL = 34

STYLE: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"], "font.size": 9, "text.color": INK, "axes.labelcolor": INK,
    "xtick.color": INK, "ytick.color": INK, "axes.edgecolor": "#8a97a3", "axes.linewidth": 0.7,
    "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
    "axes.grid": True, "grid.color": "#e3e7eb", "grid.linewidth": 0.7, "hatch.linewidth": 0.6,
    "svg.fonttype": "none", "svg.hashsalt": "tenggat", "text.parse_math": False,
    "figure.dpi": 72, "savefig.dpi": 144,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot: its title, what it says in a sentence, and the picture.

    `svg` is for half a page and for phones; `wide` for a whole one, where that differs.
    """

    key: str
    title: str
    says: str
    svg: str
    png: bytes
    wide: str = ""


def plots(view: ReportView, zone: ZoneInfo) -> dict[str, Plot]:
    """The plots of a report by the key of their table; none where there is nothing to draw."""
    found = {}
    for key, draw in DRAWN.items():
        table = view.table(key)
        plot = draw(table, view, zone) if table is not None else None
        if plot is not None:
            found[key] = plot
    return found


def _trend(table: Table, view: ReportView, zone: ZoneInfo) -> Plot | None:
    """Received and settled by month, and below them the share on time."""
    t, locale, rows = words(view.names.locale), view.names.locale, table.rows
    received, settled, shares = (_column(table, key) for key in ("received", "settled", "share"))
    if not any(received) and not any(settled):
        return None
    places = range(len(rows))
    with _figure(NARROW, 3.5) as figure:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        above.bar(
            places,
            [value or 0 for value in received],
            color=SKY,
            label=_label(t("report.column.received")),
        )
        above.plot(
            places, [_gap(value) for value in settled], color=BLUE, marker="o", markersize=3.5,
            label=_label(t("report.column.settled")),
        )  # fmt: skip
        _marks(above, received, locale)
        _counts(above.yaxis, locale)
        above.set_ylabel(t("report.plot.complaints"))
        above.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, borderpad=0)
        below.plot(
            places, [_gap(value) for value in shares], color=GREEN, marker="s", markersize=3.5
        )
        _percents(below.yaxis, locale)
        below.set_ylim(0, 1.05)
        below.set_ylabel(t("report.plot.on_time"))
        shown = [place for place in places if (len(rows) - 1 - place) % 3 == 0]
        below.set_xticks(shown, [month_name(rows[place].key, locale) for place in shown])
        for axes in (above, below):
            axes.grid(visible=False, axis="x")
        svg, png = _drawn(figure, "trend")
    last = {column.key: _said(table, rows[-1], column.key, view, zone) for column in table.columns}
    month = month_name(rows[-1].key, locale)
    says = t(
        "report.plot.trend_says", month=month, received=last["received"], settled=last["settled"],
        share=last["share"],
    )  # fmt: skip
    return Plot("trend", t("report.plot.trend"), says, svg, png)


def _by_unit(table: Table, view: ReportView, zone: ZoneInfo) -> Plot | None:
    """The share of each unit, small numbers grey and hatched, in the order of the table."""
    t, locale = words(view.names.locale), view.names.locale
    shared = [
        (row, share) for row, share in zip(table.rows, _column(table, "share"), strict=True)
        if share is not None
    ]  # fmt: skip
    if not shared:
        return None
    drawn = shared[:MOST_UNITS]
    names = [_label(view.names(table.of, row.key).text) for row, _ in drawn]

    def bars(width: float) -> tuple[str, bytes]:
        with _figure(width, 0.6 + 0.18 * len(drawn)) as figure:
            axes = figure.subplots()
            for place, (row, share) in enumerate(drawn):
                axes.barh(
                    place, share, height=0.72, color=GREY if row.small else BLUE,
                    hatch="////" if row.small else None, edgecolor="white" if row.small else BLUE,
                )  # fmt: skip
                axes.text(
                    min(share, 1) + 0.012,
                    place,
                    percent_text(share, locale),
                    va="center",
                    fontsize=7.5,
                )
            axes.set_yticks(range(len(drawn)), [_cut(name, width) for name in names], fontsize=7.5)
            axes.set_ylim(len(drawn) - 0.4, -0.6)
            axes.set_xlim(0, 1.14)
            axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
            _percents(axes.xaxis, locale)
            axes.grid(visible=False, axis="y")
            return _drawn(figure, f"by_unit_{width:.0f}")

    (svg, _), (wide, png) = bars(NARROW), bars(WIDE)
    fit = [(row, share) for row, share in shared if not row.small] or shared
    low, high = (choose(fit, key=lambda each: each[1]) for choose in (min, max))
    says = t(
        "report.plot.by_unit_says",
        lowest=view.names(table.of, low[0].key).text,
        low=percent_text(low[1], locale),
        highest=view.names(table.of, high[0].key).text,
        high=percent_text(high[1], locale),
    )
    if len(shared) > len(drawn):
        says += " " + t("report.plot.by_unit_some", n=len(drawn))
    return Plot("by_unit", t("report.plot.by_unit"), says, svg, png, wide)


def _ageing(table: Table, view: ReportView, zone: ZoneInfo) -> Plot | None:
    """Open complaints by age, those that are late on top."""
    t, locale = words(view.names.locale), view.names.locale
    opened, late = _column(table, "open"), _column(table, "late")
    if not any(opened):
        return None
    pairs = list(zip(opened, late, strict=True))
    least = [value - also if value is not None and also is not None else 0 for value, also in pairs]
    alone = [value or 0 if also is None else 0 for value, also in pairs]
    labels = [_age(row.key, locale) for row in table.rows]
    with _figure(NARROW, 2.7) as figure:
        axes = figure.subplots()
        axes.bar(labels, least, color=SKY, label=_label(t("report.plot.not_late")))
        axes.bar(labels, alone, color=GREY)
        _marks(axes, [None if None in pair else pair[0] for pair in pairs], locale, alone)
        axes.bar(
            labels, [value or 0 for value in late], bottom=least, color=RED, hatch="///",
            edgecolor="white", label=_label(t("report.plot.late")),
        )  # fmt: skip
        _counts(axes.yaxis, locale)
        axes.set_ylabel(t("report.plot.complaints"))
        axes.set_xlabel(t("report.plot.working_days"))
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, borderpad=0)
        axes.grid(visible=False, axis="x")
        svg, png = _drawn(figure, "ageing")
    old = _said(table, table.rows[-1], "open", view, zone)
    says = (
        t("report.plot.ageing_says", late=_sum(late, locale), open=_sum(opened, locale), old=old)
        if None not in (*opened, *late)
        else ""
    )
    return Plot("ageing", t("report.plot.ageing"), says, svg, png)


def _escalations(table: Table, view: ReportView, zone: ZoneInfo) -> Plot | None:
    """By rung the share that was settled within some days after it."""
    t, locale = words(view.names.locale), view.names.locale
    within = [column.key for column in table.columns if column.measure is Measure.SHARE]
    values = {key: _column(table, key) for key in within}
    if not any(value is not None for column in values.values() for value in column):
        return None
    width = 0.8 / len(within)
    with _figure(NARROW, 0.9 + 0.55 * len(table.rows)) as figure:
        axes = figure.subplots()
        for at, key in enumerate(within):
            lift = (at - (len(within) - 1) / 2) * width
            axes.barh(
                [place + lift for place in range(len(table.rows))],
                [value or 0 for value in values[key]],
                height=width * 0.9,
                color=(ORANGE, SKY, BLUE)[at % 3],
                label=_label(t("report.plot.within", n=int(key.rpartition("_")[2]))),
            )
        names = [_cut(_label(_rung(row, view)), NARROW) for row in table.rows]
        axes.set_yticks(range(len(table.rows)), names, fontsize=8)
        axes.set_ylim(len(table.rows) - 0.5, -0.5)
        axes.set_xlim(0, 1)
        _percents(axes.xaxis, locale)
        figure.legend(
            loc="outside upper left", ncols=3, frameon=False, borderpad=0, fontsize=7.5,
            columnspacing=1, handlelength=1.2,
        )  # fmt: skip
        axes.grid(visible=False, axis="y")
        svg, png = _drawn(figure, "escalations")
    return Plot(
        "escalations", t("report.plot.escalations"), t("report.plot.escalations_says"), svg, png
    )


DRAWN: dict[str, Callable[[Table, ReportView, ZoneInfo], Plot | None]] = {
    "by_unit": _by_unit, "ageing": _ageing, "trend": _trend, "escalations": _escalations,
}  # fmt: skip


def _column(table: Table, key: str) -> list[float | None]:
    place = [column.key for column in table.columns].index(key)
    return [number(row.cells[place]) for row in table.rows]


def _said(table: Table, row: Row, key: str, view: ReportView, zone: ZoneInfo) -> str:
    column = next(column for column in table.columns if column.key == key)
    return cell_text(table.value(row.key, key), column.measure, key, view.names, zone)


def _rung(row: Row, view: ReportView) -> str:
    return f"{view.names('rung', row.key).text} ({view.names('kind', str(row.cells[0])).text})"


def _sum(values: Sequence[float | None], locale: str) -> str:
    return number_text(int(sum(value or 0 for value in values)), locale)


def _marks(
    axes: Axes, values: Sequence[float | None], locale: str, heights: Sequence[float] = ()
) -> None:
    """The sign of what is withheld, where a bar would stand."""
    for place, value in enumerate(values):
        if value is None:
            height = heights[place] if heights else 0
            axes.text(place, height, words(locale)("report.suppressed"), ha="center", va="bottom")


def _age(key: str, locale: str) -> str:
    least, _, most = key.partition("-")
    return f"{least}–{most}" if most else words(locale)("report.plot.over", n=int(least) - 1)


def _gap(value: float | None) -> float:
    """No value leaves a gap in a line."""
    return float("nan") if value is None else value


def _label(text: str) -> str:
    """A label that matplotlib does not take for a hidden one."""
    return f"\u200b{text}" if text.startswith("_") else text


def _cut(name: str, width: float) -> str:
    most = LONGEST_LABEL if width == NARROW else 2 * LONGEST_LABEL
    return name if len(name) <= most else name[: most - 1] + "…"


def _percents(axis: mpl.axis.Axis, locale: str) -> None:
    axis.set_major_formatter(FuncFormatter(lambda value, _: percent_text(round(value, 3), locale)))


def _counts(axis: mpl.axis.Axis, locale: str) -> None:
    axis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number_text(int(value), locale)))


@contextmanager
def _figure(width: float, height: float) -> Iterator[Figure]:
    """A figure in the style of all; a sign that the font lacks is left to the reader's fonts."""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield Figure(figsize=(width, height), layout="constrained")


def _drawn(figure: Figure, key: str) -> tuple[str, bytes]:
    """The SVG element without what tells of machine or moment, and the same as PNG."""
    FigureCanvasSVG(figure)
    text = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(text, format="svg", metadata=nothing)
    FigureCanvasAgg(figure)
    kept = io.BytesIO()
    figure.savefig(kept, format="png", metadata={"Software": None})
    return _inlined(text.getvalue(), key), kept.getvalue()


def _inlined(svg: str, key: str) -> str:
    """An SVG as part of a page: no head, names of its own, as wide as its place."""
    body = svg[svg.index("<svg") :]
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', body))
    body = re.sub(r' id="([^"]*)"', lambda m: f' id="{key}-{m[1]}"' if m[1] in used else "", body)
    body = re.sub(r'(url\(#|href="#)', rf"\g<1>{key}-", body)
    return re.sub(
        r'(<svg[^>]*?) width="[^"]*" height="[^"]*"|(<svg[^>]*?) height="[^"]*"',
        r"\1\2",
        body,
        count=1,
    )
