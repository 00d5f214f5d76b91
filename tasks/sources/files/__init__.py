"""Read the formats of files: workbooks, CSV, JSON Lines, web pages.

`reader` finds the table in a file and returns its rows as text.
"""

__all__ = [
    "delimited",
    "encodings",
    "headers",
    "kinds",
    "period",
    "quotation_marks",
    "reader",
    "timestamps",
]
