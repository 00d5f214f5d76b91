"""Translate texts of other layers into the language of the call."""

from __future__ import annotations

from cli.language.words import language
from tasks.text import translation


def translated(text: str) -> str:
    """Return a text that another layer wrote in English, line by line."""
    return translation.translated(text, language())
