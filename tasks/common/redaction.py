"""Masks personal data in free text: identity numbers, phone numbers and mail addresses."""

from __future__ import annotations

import re

_PATTERNS = (
    (re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"), "[email]"),
    (re.compile(r"(?<!\d)(?:\d[ .-]?){15}\d(?!\d)"), "[NIK]"),
    (re.compile(r"(?<!\d)(?:\+?62|0)[ .-]?8\d(?:[ .-]?\d){6,11}(?!\d)"), "[telepon]"),
)
_PERHAPS = re.compile(r"@|\d\D?\d")
"""A quick test: a text without this pattern has nothing to mask, as most texts."""


def redact(text: str) -> str:
    """Mask 16-digit identity numbers (NIK), mobile numbers and mail addresses in a text."""
    if _PERHAPS.search(text):
        for pattern, word in _PATTERNS:
            text = pattern.sub(word, text)
    return text


def redact_and_truncate(text: str, length: int) -> str:
    """Mask the text and return it on one line, cut to `length` characters."""
    flat = " ".join(redact(text).split())
    return flat if len(flat) <= length else flat[: length - 1] + "…"
