"""Folding of names and words for comparison."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=10_000)
def folded(text: str) -> str:
    """Return a name or word without letter case and repeated spaces."""
    return " ".join(text.split()).casefold()


def in_other_case(text: str) -> frozenset[str]:
    """Return the usual spellings of a text in another letter case; none for a text in digits."""
    return frozenset((text.upper(), text.lower(), text.capitalize(), text.title())) - {text}
