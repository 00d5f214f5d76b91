"""The tables of the printed report: the width of each column, the height of rows, and the cells."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from textwrap import wrap
from typing import Any

from tasks.reports.formats.pdf.font_metrics import ABOVE_LINE_EM, has_letters, width_em
from tasks.reports.formats.pdf.line_breaks import breakable
from tasks.reports.formats.sections import Line, Section, Shown

PAGE_MM = 180
"""The width of the text on a page in millimetres."""

MANY_COLUMNS = 7
"""Tables with more columns beside the first have smaller letters, and each column the width of its
longest word."""

WIDTHS: dict[str, dict[int, float]] = {
    "headline": {0: 52},
    "trend": {0: 20},
    "escalations": {0: 21, 1: 12, 2: 15},
    "quality": {0: 80},
    "late": {0: 15, 1: 11, 2: 23, 3: 24, 5: 12},
    "statements": {0: 18, 1: 26},
}
"""The widths of columns in percent of the page, by section and index; the others share the rest."""

CHARACTER_MM = 1.85
"""The mean width of a letter in a cell."""

SMALL_NAME = 24
"""The most letters of a word in the first column of a table in small letters."""

LONGEST_WORD = 80
"""The most letters of a word for which a whole line has room."""


@dataclass(frozen=True, slots=True)
class CellStyle:
    """The sizes of letters in cells and heads, and the space around the text of a cell, in points.

    The space above a text and the one below it are the same.
    """

    letters: float
    heads: float
    left: float
    right: float
    above: float


SMALL = CellStyle(letters=7, heads=6, left=3, right=2, above=3)
LARGE = CellStyle(letters=8, heads=7, left=4, right=4, above=3.5)

DETAIL_EM = 0.82
"""The size of the letters of a detail, in units of those of its cell."""

BETWEEN_EM, BELOW_EM = 0.3, 0.18
"""The space between two lines, and the one that a line has for what is below its letters."""

LINE_EM = 1.3
"""The height of a line of a turned head with its space, in units of the size of its letters."""

ROUNDING_PT = 0.5
"""The additional width of a column for rounding."""

TURNED_PT = 80.0
"""The length of a line of a turned head that is filled at least."""

PAGE_PT = PAGE_MM * 72 / 25.4

LEAST_NAME = 12
"""The least width of the first column, in percent of the page."""

KEPT_ROWS = 3
"""The rows of a table that stay on the page of its head, and those that stay with its last one."""

MOST_KEPT_MM = 120
"""The most height of the last rows that stay on one page."""

LINE_MM, ROW_MM, TURNED_MM = 3.5, 2.8, 38.0
"""The height of a line in a cell, of the space above and below it, and of a turned head."""

PICTURE_LINES = 2
"""The height of a picture in a cell, in lines."""

BELOW_LETTERS = 70
"""The letters in a line of the text below a row, at least."""


def table_shown(section: Section) -> dict[str, Any]:
    """Return the table of a section: the widths of its columns, its heads and its lines."""
    small = len(section.columns) > MANY_COLUMNS
    widths = _widths(section)
    room = [max(4, int(PAGE_MM * width / 100 / CHARACTER_MM)) for width in widths]
    if small:
        room = [SMALL_NAME, *(LONGEST_WORD for _ in section.columns)]
    head = (Shown(section.head), *section.columns)
    shown: dict[str, Any] = {
        "small": small,
        "style": asdict(SMALL if small else LARGE),
        "right": [cell.numeric for cell in head],
        "head": [
            _cell(cell, most, narrow=small and at > 0 and not cell.turned)
            for at, (cell, most) in enumerate(zip(head, room, strict=True))
        ],
        "groups": _groups(section),
        "below": section.below,
        "first_rows": _first_rows_mm(section, room, narrow=small),
        "last_rows": _last_rows(section, room, narrow=small),
        "lines": [_line(line, room, narrow=small) for line in section.lines],
        "total": _line(section.total, room, narrow=small) if section.total else None,
    }
    shown["widths"] = _fitting_widths(shown) if small else widths
    return shown | {
        "heights": [
            None if section.below else _height_pt(row["cells"], shown) for row in shown["lines"]
        ]
    }


def _first_rows_mm(section: Section, room: list[int], *, narrow: bool) -> float:
    """Estimate the height of the head of a table and its first rows, rather too much."""
    if not section.lines:
        return 0.0
    turned = any(cell.turned for cell in section.columns)
    texts = (Shown(section.head), *section.columns)
    head = TURNED_MM if turned else _height_mm(texts, room, narrow=narrow)
    groups = bool(section.groups) * (LINE_MM + ROW_MM)
    rows = _rows_mm(section, section.lines[:KEPT_ROWS], room, narrow=narrow)
    return round(head + groups + rows, 1)


def _last_rows(section: Section, room: list[int], *, narrow: bool) -> int:
    """Return how many rows at the end of a table stay on one page: one if they are very high."""
    rows = section.lines[-KEPT_ROWS:]
    high = _rows_mm(section, rows, room, narrow=narrow) > MOST_KEPT_MM
    return min(1 if high else KEPT_ROWS, len(rows))


def _rows_mm(section: Section, rows: Sequence[Line], room: list[int], *, narrow: bool) -> float:
    below = (-(-len(line.below) // BELOW_LETTERS) * LINE_MM for line in rows if section.below)
    names = (Shown(line.name.text, line.name.detail) for line in rows)
    cells = (
        _height_mm((name, *line.cells), room, narrow=narrow)
        for name, line in zip(names, rows, strict=True)
    )
    return sum(cells) + sum(below)


def _height_mm(texts: Iterable[Shown], room: list[int], *, narrow: bool) -> float:
    lines = (
        _lines(cell, most, narrow=narrow and at > 0)
        for at, (cell, most) in enumerate(zip(texts, room, strict=True))
    )
    return max(lines) * LINE_MM + ROW_MM


def _lines(cell: Shown, most: int, *, narrow: bool) -> int:
    """Return how many lines a cell fills; in a narrow column each word has its own."""
    if cell.picture:
        return PICTURE_LINES
    texts = (cell.text, cell.detail)
    return sum(len(text.split()) if narrow else len(wrap(text, most)) for text in texts)


def _groups(section: Section) -> list[dict[str, Any]]:
    """Return the groups of the columns, after an empty one above the names of the rows."""
    groups = [("", 1), *section.groups] if section.groups else []
    return [{"text": text, "columns": columns} for text, columns in groups]


def _widths(section: Section) -> list[float]:
    """Return the widths of the columns in percent of the page, unless the letters are small."""
    columns = len(section.columns) + 1
    fixed = WIDTHS.get(section.key, {0: 38})
    rest = (100 - sum(fixed.values())) / max(1, columns - len(fixed))
    return [fixed.get(at, rest) for at in range(columns)]


def _fitting_widths(shown: Mapping[str, Any]) -> list[float]:
    """Return the widths of the columns of a table in small letters, in percent of the page.

    Each column is as wide as its longest word, and the first one has the rest. Typst could find
    the widths as well, but would set each cell twice for it.
    """
    rows = [row["cells"] for row in shown["lines"]]
    total = shown["total"]["cells"] if shown["total"] else [""] * len(shown["head"])
    points = [
        max(_head_pt(head), _cell_pt(last, bold=True), *(_cell_pt(row[at]) for row in rows))
        for at, (head, last) in enumerate(zip(shown["head"], total, strict=True))
    ]
    end = 0
    for group in shown["groups"]:
        end += group["columns"]
        lacking = _head_pt(group["text"]) - sum(points[end - group["columns"] : end])
        points[end - 1] += max(0.0, lacking)
    most = PAGE_PT * (100 - LEAST_NAME) / 100
    filled = [each + SMALL.left + SMALL.right + ROUNDING_PT for each in points[1:]]
    scale = min(1.0, most / sum(filled))
    widths = [each * scale / PAGE_PT * 100 for each in filled]
    return [round(width, 3) for width in (100 - sum(widths), *widths)]


def _height_pt(cells: Sequence[str | dict[str, Any]], shown: Mapping[str, Any]) -> float | None:
    """Return the height of a row in points, or None if only Typst can tell where its lines break.

    Typst sets each cell of the other rows twice, to find their heights.
    """
    style = SMALL if shown["small"] else LARGE
    highest = 0.0
    for cell, percent in zip(cells, shown["widths"], strict=True):
        room = percent / 100 * PAGE_PT - style.left - style.right
        lines = list(_sized_lines(cell, style.letters))
        if any(line is None or width_em(line, bold=True) * size > room for line, size in lines):
            return None
        between = BETWEEN_EM * style.letters * max(0, len(lines) - 1)
        highest = max(
            highest, sum(size for _, size in lines) * (ABOVE_LINE_EM + BELOW_EM) + between
        )
    return round(highest + 2 * style.above, 3)


def _sized_lines(cell: str | dict[str, Any], size: float) -> Iterator[tuple[str | None, float]]:
    """Yield the lines of a cell with the size of their letters; None for what is no text of the
    font.
    """
    parts = {"text": cell} if isinstance(cell, str) else cell
    if "picture" in parts:
        yield None, size
    for text, letters in ((parts["text"], size), (parts.get("detail", ""), DETAIL_EM * size)):
        for line in text.split("\n") if text else ():
            yield line if has_letters(line) else None, letters


def _head_pt(head: str | dict[str, Any]) -> float:
    """Return the width of a head in small letters; of a turned one, the height of its lines."""
    text = head if isinstance(head, str) else head["text"]
    if isinstance(head, str):
        return max(width_em(word, bold=True) for word in text.split("\n")) * SMALL.heads
    lines = math.ceil(width_em(text, bold=True) * SMALL.heads / TURNED_PT)
    return lines * SMALL.heads * LINE_EM


def _cell_pt(cell: str | dict[str, Any], *, bold: bool = False) -> float:
    """Return the width of a cell in small letters, in points."""
    if isinstance(cell, str):
        return width_em(cell, bold=bold) * SMALL.letters
    text = width_em(cell["text"], bold=bold or "strong" in cell)
    return max(text, width_em(cell.get("detail", "")) * DETAIL_EM) * SMALL.letters


def _line(line: Line, room: list[int], *, narrow: bool) -> dict[str, Any]:
    """Return a row, its name first, without what is false or empty: Typst hashes all it gets."""
    cells = [
        _cell(Shown(line.name.text, line.name.detail), room[0]),
        *(
            _cell(cell, most, narrow=narrow)
            for cell, most in zip(line.cells, room[1:], strict=True)
        ),
    ]
    more = {"link": line.link, "small": line.small, "below": breakable(line.below, LONGEST_WORD)}
    return {"cells": cells} | {key: value for key, value in more.items() if value}


def _cell(cell: Shown, most: int, *, narrow: bool = False) -> str | dict[str, Any]:
    """Return a cell with words of at most this length: its text, or text, details and style.

    `narrow` puts each word on its own line.
    """
    text, detail = breakable(cell.text, most), breakable(cell.detail, most)
    if narrow:
        text, detail = "\n".join(text.split()), "\n".join(detail.split())
    more = {
        "detail": detail,
        "strong": cell.strong,
        "heat": cell.heat,
        "turned": cell.turned,
        "picture": cell.picture,
    }
    found = {key: value for key, value in more.items() if value}
    return {"text": text} | found if found else text
