"""Texts in the reader's language: catalog, formats of numbers and dates, templates.

It renders; it knows no database and decides nothing.
"""

__all__ = [
    "catalog",
    "formats",
    "incidents",
    "inline_styles",
    "numbers",
    "templates",
    "titles",
    "translation",
    "withheld",
]
