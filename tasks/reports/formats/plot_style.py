"""Shared by all plots: colours, fonts, axes, and the output as SVG.

The colours are from Okabe and Ito: colour-blind people can distinguish them. Hatching and words
repeat the same information. Text stays text in the SVG, so it prints, scales and can be read aloud.
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

from tasks.text.catalog import catalog
from tasks.text.numbers import number_text, percent_text

BLUE, ORANGE, GREEN, RED, SKY, GREY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#56B4E9",
    "#B8BEC4",
)
INK = "#1c2733"
NARROW, WIDE = 4.5, 7.6
"""Widths in inches: half a printed page, shown nearly as large on a phone; and a whole page."""

LONGEST_LABEL = 34

STYLE: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.edgecolor": "#8a97a3",
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e3e7eb",
    "grid.linewidth": 0.7,
    "hatch.linewidth": 0.6,
    "svg.fonttype": "none",
    "svg.hashsalt": "tenggat",
    "text.parse_math": False,
    "figure.dpi": 72,
}


@contextmanager
def canvas(width: float, height: float) -> Iterator[Figure]:
    """Create a figure in the common style; a missing character is left to the reader's fonts."""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield Figure(figsize=(width, height), layout="constrained")


def pictured(figure: Figure, key: str) -> str:
    """Render the SVG element without metadata of the machine or the moment."""
    FigureCanvasSVG(figure)
    text = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(text, format="svg", metadata=nothing)
    return _inlined(text.getvalue(), key)


def _inlined(svg: str, key: str) -> str:
    """Strip an SVG to a part of a page: no XML head, ids of its own, width of its container."""
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
    """Format an axis of shares."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: percent_text(round(value, 3), locale)))


def counts(axis: mpl.axis.Axis, locale: str) -> None:
    """Format an axis of whole numbers."""
    axis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number_text(int(value), locale)))


def marks(axes: Axes, withheld: Sequence[bool], locale: str, heights: Sequence[float] = ()) -> None:
    """Draw the sign for withheld values in the position of their bars; none for missing data."""
    for place, gone in enumerate(withheld):
        if gone:
            height = heights[place] if heights else 0
            axes.text(place, height, catalog(locale)("report.withheld"), ha="center", va="bottom")


def gap(value: float | None) -> float:
    """Return the value, or NaN if there is none: it leaves a gap in a line."""
    return float("nan") if value is None else value


def labelled(text: str) -> str:
    """Escape a label starting with an underscore: matplotlib would hide it."""
    return f"\u200b{text}" if text.startswith("_") else text


def cut(name: str, width: float) -> str:
    """Return a name, shortened to fit into a plot of this width."""
    most = LONGEST_LABEL if width == NARROW else 2 * LONGEST_LABEL
    return name if len(name) <= most else name[: most - 1] + "…"
