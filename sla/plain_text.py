"""Texts from outside for terminals, logs and tables: no control characters, no formulas.

A text of a file, a row or a server may have terminal escapes (ESC, OSC, C1), line breaks that
pretend another log line, or the start of a formula for a spreadsheet.
"""

from __future__ import annotations

import re

CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
"""Control characters and signs of direction, without tab and line breaks."""

INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
"""Characters of no width: they split a text for the computer, but not for a reader."""

_CONTROL = re.compile(f"[{CONTROL}]")
_CONTROL_OR_BREAK = re.compile(f"[{CONTROL}\t\r\n]+")
_HALF = re.compile("[\ud800-\udfff]")
_FORMULA = re.compile(r"(^|[;\t\r\n])([\s\"]*)(?=[=+\-@＝＋－＠\t\r\n])")


def without_control(text: str) -> str:
    """Remove control characters; tabs and line breaks stay."""
    return text if text.isprintable() else _CONTROL.sub("", text)


def one_plain_line(text: str) -> str:
    """Replace each run of control characters and line breaks by a blank.

    Half a character, as in the name of a file with a wrong byte, becomes U+FFFD: nothing else can
    be written to a log or a database.
    """
    if text.isprintable():
        return text
    return _CONTROL_OR_BREAK.sub(" ", _HALF.sub("\ufffd", text)).strip()


def log_line(text: str) -> str:
    """Return a text as one line for a log or a terminal: as :func:`one_plain_line`, but indented
    as before.
    """
    content = text.lstrip(" ")
    return " " * (len(text) - len(content)) + one_plain_line(content)


def terminal_safe(text: str) -> str:
    """Return a text of several lines for a terminal: no character of it moves the cursor back."""
    return text if text.isprintable() else without_control(text).replace("\r", " ")


def escaped_control(literal: str) -> str:
    """Write the control characters of a JSON or TOML text as `\\uXXXX`; its value stays the same.

    The encoder of JSON does this below U+0020 only. Half a character becomes U+FFFD: TOML has no
    form for it.
    """
    if literal.isascii() and "\x7f" not in literal:
        return literal
    literal = _HALF.sub("\ufffd", literal)
    return _CONTROL.sub(lambda sign: f"\\u{ord(sign[0]):04x}", literal)


def formula_safe(text: str) -> str:
    """Return a cell of a CSV file that a spreadsheet shows as text and does not run as a formula.

    A spreadsheet with `;` or a tab as separator splits a cell there, even between quotation marks,
    so the text after such a sign gets an apostrophe too. It does not show quotation marks at the
    start of a cell.
    """
    return _FORMULA.sub(r"\1\2'", text)
