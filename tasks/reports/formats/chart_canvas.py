"""A small canvas for the plots of a report: it writes SVG, the same bytes on every machine.

The colours are from Okabe and Ito: colour-blind people can distinguish them. Hatching and words
repeat the same information. Text stays text, so it prints, scales and can be read aloud. Lengths
are in points.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import count, groupby

BLUE, ORANGE, GREEN, RED, SKY, GREY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#56B4E9",
    "#B8BEC4",
)
INK, AXIS, GRID = "#1c2733", "#8a97a3", "#e3e7eb"
NARROW, WIDE = 324, 547
"""Widths: half a printed page, shown nearly as large on a phone; and a whole page."""

SIZE, SMALL = 9.0, 7.5
"""Sizes of letters."""

LONGEST_LABEL = 34
MOST_TICKS = 5
NARROW_LETTERS, WIDE_LETTERS = frozenset("ijlI.,:;'|!()[] ft-·"), frozenset("%MWm")

Point = tuple[float, float]


def width_of(text: str, size: float = SIZE) -> float:
    """Estimate the width of a text in DejaVu Sans, rather too wide than too narrow."""
    return size * sum(map(_width_of, text))


def _width_of(letter: str) -> float:
    if letter in WIDE_LETTERS or letter >= "ɐ":
        return 1.0
    return 0.4 if letter in NARROW_LETTERS else 0.7 if letter.isupper() else 0.62


def ticks_of(most: float) -> list[int]:
    """Return whole numbers at equal distances, from 0 to a number or somewhat more."""
    sizes = (digit * 10**power for power in count() for digit in (1, 2, 5))
    step = next(size for size in sizes if most <= size * MOST_TICKS)
    return list(range(0, int(-(-max(most, 1) // step) * step) + 1, step))


def cut(name: str, width: float) -> str:
    """Return a name, shortened to fit into a plot of this width."""
    most = LONGEST_LABEL if width == NARROW else 2 * LONGEST_LABEL
    return name if len(name) <= most else name[: most - 1] + "…"


@dataclass(frozen=True, slots=True)
class Frame:
    """The rectangle of an axis: values from 0 to `across` and from 0 to `up` are drawn in it."""

    left: float
    top: float
    right: float
    bottom: float
    across: float = 1.0
    up: float = 1.0

    def x(self, value: float) -> float:
        """Return the place of a value from the left."""
        return self.left + (self.right - self.left) * value / self.across

    def y(self, value: float) -> float:
        """Return the place of a value from above."""
        return self.bottom - (self.bottom - self.top) * value / self.up


class Canvas:
    """Collects the elements of a picture. `key` makes its ids unique on a page."""

    def __init__(self, key: str, width: float, height: float) -> None:
        self._key, self._width, self._height = key, width, height
        self._parts: list[str] = []
        self._patterns: dict[str, str] = {}

    def svg(self) -> str:
        """Return the picture as one element."""
        defs = f"<defs>{''.join(self._patterns.values())}</defs>" if self._patterns else ""
        size = f"0 0 {self._width:g} {self._height:g}"
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" fill="{INK}"'
        font = ' font-family="DejaVu Sans, sans-serif"'
        return f"{head}{font}>{defs}{''.join(self._parts)}</svg>"

    def text(
        self,
        at: Point,
        text: str,
        size: float = SIZE,
        *,
        anchor: str = "start",
        turned: bool = False,
    ) -> None:
        """Write a text with its middle at this height; `turned` reads upwards."""
        across, down = at
        place = f'x="{across:.1f}" y="{down + size * 0.36:.1f}"'
        if turned:
            move = f"translate({across + size * 0.36:.1f} {down:.1f}) rotate(-90)"
            place = f'transform="{move}"'
        ends = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self._parts.append(f'<text {place} font-size="{size:g}"{ends}>{escape(text)}</text>')

    def rect(
        self, left: float, top: float, right: float, bottom: float, colour: str, hatch: bool = False
    ) -> None:
        """Fill a rectangle, with white lines across if it is hatched."""
        across, down = max(right - left, 0), max(bottom - top, 0)
        fill = self._hatch(colour) if hatch else colour
        self._parts.append(
            f'<rect x="{left:.2f}" y="{top:.2f}" width="{across:.2f}" height="{down:.2f}"'
            f' fill="{fill}"/>'
        )

    def line(
        self, begin: Point, end: Point, colour: str, width: float = 0.7, *, dashed: bool = False
    ) -> None:
        """Draw a straight line."""
        dashes = ' stroke-dasharray="4 2.5"' if dashed else ""
        self._parts.append(
            f'<path d="M{begin[0]:.2f} {begin[1]:.2f}L{end[0]:.2f} {end[1]:.2f}" fill="none"'
            f' stroke="{colour}" stroke-width="{width:g}"{dashes}/>'
        )

    def points(self, points: Sequence[Point | None], colour: str, *, square: bool = False) -> None:
        """Draw a line through points with a mark at each; there is a gap at None."""
        for known, run in groupby(points, key=lambda point: point is not None):
            found = [point for point in run if point is not None] if known else []
            path = "L".join(f"{across:.2f} {down:.2f}" for across, down in found)
            if len(found) > 1:
                self._parts.append(
                    f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
                )
            for across, down in found:
                if square:
                    self.rect(across - 1.8, down - 1.8, across + 1.8, down + 1.8, colour)
                else:
                    self._parts.append(
                        f'<circle cx="{across:.2f}" cy="{down:.2f}" r="2" fill="{colour}"/>'
                    )

    def rows(self, frame: Frame, values: Iterable[tuple[float, str]]) -> None:
        """Draw horizontal lines of the grid with their labels, and the axes of the frame."""
        for value, label in values:
            height = frame.y(value)
            self.line((frame.left, height), (frame.right, height), GRID)
            self.text((frame.left - 4, height), label, anchor="end")
        self._axes(frame)

    def columns(self, frame: Frame, values: Iterable[tuple[float, str]]) -> None:
        """Draw vertical lines of the grid with their labels, and the axes of the frame."""
        for value, label in values:
            across = frame.x(value)
            self.line((across, frame.top), (across, frame.bottom), GRID)
            self.text((across, frame.bottom + 9), label, anchor="middle")
        self._axes(frame)

    def legend(
        self, at: Point, entries: Iterable[tuple[str, str, bool]], size: float = SIZE
    ) -> None:
        """Write names behind a patch of their colour: (name, colour, hatched)."""
        across, down = at
        for name, colour, hatched in entries:
            self.rect(across, down - 3.5, across + 9, down + 3.5, colour, hatched)
            self.text((across + 12, down), name, size)
            across += 12 + width_of(name, size) + 4

    def _axes(self, frame: Frame) -> None:
        corner = (frame.left, frame.bottom)
        self.line((frame.left, frame.top), corner, AXIS)
        self.line(corner, (frame.right, frame.bottom), AXIS)

    def _hatch(self, colour: str) -> str:
        name = f"{self._key}-hatch-{colour[1:]}"
        self._patterns[name] = (
            f'<pattern id="{name}" width="6" height="6" patternUnits="userSpaceOnUse">'
            f'<rect width="6" height="6" fill="{colour}"/>'
            '<path d="M-1 7L7 -1M-1 1L1 -1M5 7L7 5" stroke="#fff" stroke-width="1"/></pattern>'
        )
        return f"url(#{name})"


def spread(first: float, last: float, number: int) -> Iterator[float]:
    """Yield the middles of so many equal parts of a length."""
    part = (last - first) / max(number, 1)
    for place in range(number):
        yield first + part * (place + 0.5)
