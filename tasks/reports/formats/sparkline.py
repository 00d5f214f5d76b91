"""A small line of shares by month, as SVG: one point a month, and a gap for a month without one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from markupsafe import Markup

WIDTH, HEIGHT, MARGIN = 130, 24, 3
INK, LINE = "#12344d", "#b8bec4"


def sparkline(shares: Sequence[float | None]) -> str:
    """Draw shares from 0 (below) to 1 (above) between two thin lines; the last point is larger.

    Without any share there is no picture. The text next to the picture says the same.
    """
    step = (WIDTH - 2 * MARGIN) / max(len(shares) - 1, 1)
    points = [
        None if share is None else (MARGIN + place * step, _height(share))
        for place, share in enumerate(shares)
    ]
    last = next((point for point in reversed(points) if point), None)
    drawn = "".join(
        [
            *(_rule(_height(end)) for end in (0.0, 1.0)),
            *(_line(run) for run in _runs(points)),
            *(_dot(point, 2.6 if point == last else 1.4) for point in points if point),
        ]
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">'
    return Markup(f"{head}{drawn}</svg>") if last else ""  # noqa: S704 - our own SVG of numbers


def _height(share: float) -> float:
    return MARGIN + (1 - share) * (HEIGHT - 2 * MARGIN)


def _runs(
    points: Sequence[tuple[float, float] | None],
) -> Iterator[list[tuple[float, float]]]:
    """Yield the consecutive points of each stretch of months with a share."""
    for known, run in groupby(points, key=lambda point: point is not None):
        if known:
            yield [point for point in run if point is not None]


def _rule(height: float) -> str:
    return (
        f'<path d="M0 {height:.1f}H{WIDTH}" stroke="{LINE}" stroke-width="0.6"'
        ' stroke-dasharray="2 2" fill="none"/>'
    )


def _line(run: Sequence[tuple[float, float]]) -> str:
    path = "L".join(f"{across:.1f} {down:.1f}" for across, down in run)
    return f'<path d="M{path}" stroke="{INK}" stroke-width="1.3" fill="none"/>'


def _dot(point: tuple[float, float], radius: float) -> str:
    return f'<circle cx="{point[0]:.1f}" cy="{point[1]:.1f}" r="{radius}" fill="{INK}"/>'
