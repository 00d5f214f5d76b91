"""Moves the styles of an HTML mail to its elements, for Outlook; rules for phones and dark mode
stay.

:mod:`css_inline` parses each page again. Many mails of a run have the same elements and differ only
in their texts and links. This module keeps the result for a page of such a shape, and puts the
texts of the next page into it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import css_inline

MOST_SHAPES = 64
"""Limit of shapes in memory: those used last."""

_TEXT = re.compile(r'>\s*([^\s<>][^<>]*)(?=<)|<a href="([^"<>]+)"')
"""The texts and links of a page. Spaces around a text belong to the shape: the parser keeps or
drops them by their place."""

_OTHER_ENTITY = re.compile("&(?!(?:amp|lt|gt|nbsp|#34|#39);)")
_MARK = re.compile("\ue000([0-9]+)\ue001")
STYLE_END = "</style"
_BORDER = "\ue002"

Shape = tuple[str, ...]
"""A page with inlined styles: what is before, between and after its texts and links."""

UNUSABLE: Shape = ()
"""A shape that gave another page than the parser."""


def inline_styles(page: str) -> str:
    """Return a page with its styles at the elements."""
    return _INLINER.inline(page)


class StyleInliner:
    """Inlines styles, and remembers the shapes of pages.

    The first page of a shape is only parsed, because most shapes do not come again. From the second
    one the shape is known. It is used if it gives for this page what the parser gives.
    """

    def __init__(self) -> None:
        self._shapes: dict[str, Shape | None] = {}

    def inline(self, page: str) -> str:
        """Return a page with its styles at the elements."""
        around, texts, links = _split(page)
        written = _written(texts, links)
        if written is None:
            return _parsed(page)
        key = _BORDER.join(around)
        came_before = key in self._shapes
        shape = self._shapes.pop(key, None)
        self._shapes[key] = shape  # the last one now
        if shape:
            return _joined(shape, written)
        inlined = _parsed(page)
        if came_before and shape is None:
            shape = _learnt(around)
            is_right = len(shape) == len(around) and _joined(shape, written) == inlined
            self._shapes[key] = shape if is_right else UNUSABLE
        while len(self._shapes) > MOST_SHAPES:
            self._shapes.pop(next(iter(self._shapes)), None)
        return inlined


_INLINER = StyleInliner()


def _parsed(page: str) -> str:
    inliner = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)
    return inliner.inline(page)


def _split(page: str) -> tuple[list[str], list[str], list[str]]:
    """Return what is around the texts and links of a page, these, and those that are links."""
    around, texts, links, end = [], [], [], 0
    for match in _TEXT.finditer(page):
        text, link = match.groups()
        if link is not None:
            begin, text = match.start(2), link
            links.append(link)
        elif page.startswith(STYLE_END, match.end()):
            continue
        else:
            begin, text = match.start(1), text.rstrip()
        around.append(page[end:begin])
        texts.append(text)
        end = begin + len(text)
    around.append(page[end:])
    return around, texts, links


def _written(texts: Sequence[str], links: Sequence[str]) -> Sequence[str] | None:
    """Return texts and links as the parser writes them, or None if only the parser can say."""
    together = "".join(texts)
    if not together.replace("\n", "").isprintable():
        return None
    if "&" not in together:
        return texts
    if _OTHER_ENTITY.search(together) or any("&" in link.replace("&amp;", "") for link in links):
        return None
    changed = _BORDER.join(texts).replace("&#34;", '"').replace("&#39;", "'")
    return changed.split(_BORDER)


def _learnt(around: Sequence[str]) -> Shape:
    """Return the shape of a page, from what the parser makes of it with marks for its texts."""
    marked = around[0]
    for number, after in enumerate(around[1:]):
        marked += f"\ue000{number}\ue001{after}"
    pieces = _MARK.split(_parsed(marked))
    in_order = pieces[1::2] == [str(number) for number in range(len(around) - 1)]
    return tuple(pieces[::2]) if in_order else UNUSABLE


def _joined(shape: Shape, texts: Sequence[str]) -> str:
    """Return the page of a shape with these texts."""
    pieces = [""] * (2 * len(shape) - 1)
    pieces[::2], pieces[1::2] = shape, texts
    return "".join(pieces)
