"""The font of the printed report, DejaVu Sans: its characters, and the widths of texts in it."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path

import matplotlib as mpl
from matplotlib.ft2font import FT2Font, LoadFlags

ABOVE_LINE_EM = 1556 / 2048
"""The height of a line above its letters' base, in units of their size: the ascender of the font,
because it states no height of its capitals."""

MISSING_EM = 1.0
"""The width of a character that another font has, rather too much."""


def font_folder() -> Path:
    """Return the folder of matplotlib's fonts; one of them has a sign for every character."""
    return Path(mpl.get_data_path()) / "fonts" / "ttf"


@cache
def drawable() -> frozenset[int]:
    """Return the characters of the font, and the end of a line."""
    return frozenset((*_face(bold=False).get_charmap(), ord("\n")))


def has_letters(line: str) -> bool:
    """Check whether the font has all characters of a line."""
    return _width_em(line, True)[1]


def width_em(text: str, *, bold: bool = False) -> float:
    """Return the width of the longest line of a text, in units of the size of its letters.

    Pairs of letters that stand closer together (kerning) are not considered.
    """
    return max(_width_em(line, bold)[0] for line in text.split("\n"))


@lru_cache(maxsize=8192)
def _width_em(line: str, bold: bool) -> tuple[float, bool]:
    """Return the width of a line, and whether the font has all its characters."""
    widths = [_advance(letter, bold) for letter in line]
    known = [width for width in widths if width is not None]
    return sum(known) + MISSING_EM * (len(widths) - len(known)), len(known) == len(widths)


@cache
def _face(*, bold: bool) -> FT2Font:
    return FT2Font(str(font_folder() / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")))


@cache
def _advance(letter: str, bold: bool) -> float | None:
    """Return the width of a character; None if the font does not have it."""
    face = _face(bold=bold)
    if not face.get_char_index(ord(letter)):
        return None
    return face.load_char(ord(letter), flags=LoadFlags.NO_SCALE).horiAdvance / face.units_per_EM
