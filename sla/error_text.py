"""Texts of error messages: the nearest known word, and the first line of a longer text."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str], also: Iterable[str] = ()) -> str:
    """Return '; did you mean ...?' with the closest known word, else '; known are ...'.

    Words of `also` may be the closest one, but they are not listed. The result is empty if there
    are no known words.
    """
    words = sorted(str(each) for each in known)
    if close := closest(word, [*words, *also]):
        return f"; did you mean `{close}`?"
    return f"; known are {', '.join(words)}" if words else ""


def closest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the known word that is most like another, or None if none is like it.

    `cutoff` is the least likeness, from 0 to 1 (difflib).
    """
    return next(iter(difflib.get_close_matches(word, map(str, known), n=1, cutoff=cutoff)), None)


def first_line(text: str) -> str:
    """Return the first line of a text with any content, without surrounding spaces."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
