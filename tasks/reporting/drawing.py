"""Drawing: what all plots share: colours, fonts, axes, and the way to SVG.

Colours are those of Okabe and Ito, which colour-blind people tell apart; hatching and words say the
same once more. Text stays text in the SVG, so that it prints, scales and can be read out.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tasks.rendering import number_text, percent_text, words

BLUE, ORANGE, GREEN, RED, SKY, GREY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#B8BEC4",
)  # fmt: skip
INK = "#1c2733"
NARROW, WIDE = 4.5, 7.6
"""Inches: half a printed page, which a phone shows nearly as large; a whole one."""

LONGEST_LABEL = 34

STYLE: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"], "font.size": 9, "text.color": INK, "axes.labelcolor": INK,
    "xtick.color": INK, "ytick.color": INK, "axes.edgecolor": "#8a97a3", "axes.linewidth": 0.7,
    "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
    "axes.grid": True, "grid.color": "#e3e7eb", "grid.linewidth": 0.7, "hatch.linewidth": 0.6,
    "svg.fonttype": "none", "svg.hashsalt": "tenggat", "text.parse_math": False,
    "figure.dpi": 72,
}  # fmt: skip


@contextmanager
def canvas(width: float, height: float) -> Iterator[Figure]:
    """A figure in the style of all; a sign that the font lacks is left to the reader's fonts."""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield Figure(figsize=(width, height), layout="constrained")


def pictured(figure: Figure, key: str) -> str:
    """The SVG element without what tells of machine or moment."""
    FigureCanvasSVG(figure)
    text = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(text, format="svg", metadata=nothing)
    return _inlined(text.getvalue(), key)


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


def percents(axis: mpl.axis.Axis, locale: str) -> None:
    """Shares along an axis."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: percent_text(round(value, 3), locale)))


def counts(axis: mpl.axis.Axis, locale: str) -> None:
    """Whole numbers along an axis."""
    axis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number_text(int(value), locale)))


def marks(
    axes: Axes, values: Sequence[float | None], locale: str, heights: Sequence[float] = ()
) -> None:
    """The sign of what is withheld, where a bar would stand."""
    for place, value in enumerate(values):
        if value is None:
            height = heights[place] if heights else 0
            axes.text(place, height, words(locale)("report.suppressed"), ha="center", va="bottom")


def gap(value: float | None) -> float:
    """No value leaves a gap in a line."""
    return float("nan") if value is None else value


def labelled(text: str) -> str:
    """A label that matplotlib does not take for a hidden one."""
    return f"\u200b{text}" if text.startswith("_") else text


def cut(name: str, width: float) -> str:
    """A name no longer than a plot of this width has room for."""
    most = LONGEST_LABEL if width == NARROW else 2 * LONGEST_LABEL
    return name if len(name) <= most else name[: most - 1] + "…"
