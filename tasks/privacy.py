"""Masks what free text may hold of a person: identity numbers, phone numbers, addresses."""

from __future__ import annotations

import re

_PATTERNS = (
    (re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"), "[email]"),
    (re.compile(r"(?<!\d)(?:\d[ .-]?){15}\d(?!\d)"), "[NIK]"),
    (re.compile(r"(?<!\d)(?:\+?62|0)[ .-]?8\d(?:[ .-]?\d){6,11}(?!\d)"), "[telepon]"),
)
_PERHAPS = re.compile(r"@|\d\D?\d")
"""Without this there is nothing to mask: most texts need no closer look."""


def masked(text: str) -> str:
    """The text without 16-digit identity numbers (NIK), mobile numbers and mail addresses."""
    if _PERHAPS.search(text):
        for pattern, word in _PATTERNS:
            text = pattern.sub(word, text)
    return text


def shortened(text: str, length: int) -> str:
    """The masked text on one line, cut to `length` characters."""
    flat = " ".join(masked(text).split())
    return flat if len(flat) <= length else flat[: length - 1] + "…"
