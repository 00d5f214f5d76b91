"""Explain a text that is no TOML in plain words, each with the remedy.

The messages of `tomllib` name the grammar of TOML. They do not say what a person typed wrongly.
"""

from __future__ import annotations

import ast
import re
import tomllib

_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)")

_QUOTE = "a text in quotes has no end; write the closing quotation mark on the same line"
_BACKSLASH = (
    "a text between double quotation marks has a backslash; write / in its place, or put the text"
    " between single quotation marks"
)
_TWICE = "a key is written twice; keep one"
_TABLE = "the name of a table has no closing bracket; write it as [name]"
_TABLES = "the name of a list of tables has no closing brackets; write it as [[name]]"
_NO_DATE = "there is no such day or time; write a day as 2026-12-31"
_VALUE = "the value cannot be read; write a text in quotes, a number without them"
_STATEMENT = "this line is neither `key = value` nor a [table]; correct it, or begin it with #"
_REST = (
    "something follows the end of the value; write one key in each line, a text in quotes and a"
    " remark behind #"
)
_UNKNOWN = "this line is no valid TOML; compare it with an example in docs/configuration.md"

_WRONG_DATE = "this is no date; write a day as 2026-12-31"
_DATE_FORM = r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}"
_DATE = re.compile(
    r"[=,\[]\s*(?:\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{4}(?:/|\.)\d{1,2}[/.]\d{1,2})(?=\s*[,\]}])"
)
"""A value of a list or of a table in braces that is meant as a date and not written as one."""

_KINDS: tuple[tuple[str, str], ...] = (
    (r"Illegal character '\\[nr]'", _QUOTE),
    (r"Found invalid character '\\[nr]'", _QUOTE),
    (r"Unterminated string", _QUOTE),
    (r"Expected [\"'\\]+$", _QUOTE),
    (
        r"(Illegal|Found invalid) character",
        "a character that cannot be seen is in this line; write the line again",
    ),
    (
        r"Unclosed array",
        "a list is not closed: `]` is missing at its end, or a comma between two of its values",
    ),
    (
        r"Unclosed inline table",
        "a table in braces is not closed: `}` is missing at its end, or a comma between two of its"
        " keys; all of it is on one line",
    ),
    (r"Unescaped '\\'", _BACKSLASH),
    (r"Invalid hex value", _BACKSLASH),
    (r"Escaped character is not", _BACKSLASH),
    (r"Expected '\]\]'", _TABLES),
    (r"Expected '\]'", _TABLE),
    (r"Expected '='", "`=` is missing between the key and its value; write key = value"),
    (
        r"Invalid initial character for a key part",
        "a key is missing or begins with a sign that is not allowed; use a to z, 0 to 9, - and _",
    ),
    (r"Invalid statement", _STATEMENT),
    (r"Invalid date or datetime", _NO_DATE),
    (r"Cannot overwrite a value", _TWICE),
    (r"Duplicate inline table key", _TWICE),
)
"""The beginning of a message of `tomllib`, and the explanation."""

_NAMED = re.compile(r"Cannot (?:declare|mutate immutable namespace|redefine namespace) (\(.*\))")

_OPEN = ('"', "'")

_VALUES: tuple[tuple[str, str], ...] = (
    (r"$|#", "the value after `=` is missing; write it, or delete the line"),
    (r"[“”„‘’«»]", 'the quotation marks are curved; write straight ones, as in "text"'),
    (
        _DATE_FORM,
        _WRONG_DATE,
    ),
    (r"\d{1,2}[.:]\d{2}\s*(#|$)", 'this is no time; write it in quotes, as "08:00"'),
    (r"0\d+\s*(#|$)", "a number begins with 0; write it without, or in quotes if it is a text"),
    (r"\d[\d.]*,\d+", "a number has a comma; write a point before its decimals, as in 0.5"),
    (r"(?i:true|false)\b", "write true or false in small letters, without quotes"),
    (
        r"'",
        "a text between single quotation marks ends early, as by an apostrophe; put it between"
        " double ones",
    ),
    (
        r'"',
        "a text ends early, by a quotation mark inside it; put the text between single quotation"
        " marks",
    ),
)
"""The beginning of a value, and the explanation, if `tomllib` cannot read it as one."""


def explain(error: tomllib.TOMLDecodeError, text: str) -> tuple[int, str]:
    """Return the line of a mistake in a text that is no TOML, and what is wrong with the remedy."""
    found = _PLACE.search(str(error))
    line = int(found[1]) if found and found[1] else text.count("\n") + 1
    message = _PLACE.sub("", str(error))
    known = _named(message) or _inner_date(message, text, line) or _known(message)
    return line, known or _of_the_value(message, text, line)


def _named(message: str) -> str | None:
    """Explain a table that is written twice: `tomllib` names it as a tuple."""
    if found := _NAMED.match(message):
        name = ".".join(map(str, ast.literal_eval(found[1])))
        return f"`{name}` is written twice; put all its keys in one place"
    return None


def _inner_date(message: str, text: str, line: int) -> str | None:
    """Explain a date in a list or in braces: `tomllib` takes its second number for the next value
    and says that the list is not closed.
    """
    words = next(iter(text.splitlines()[line - 1 : line]), "")
    return _WRONG_DATE if message.startswith("Unclosed") and _DATE.search(words) else None


def _known(message: str) -> str | None:
    return next((words for begin, words in _KINDS if re.match(begin, message)), None)


def _of_the_value(message: str, text: str, line: int) -> str:
    """Explain a value that cannot be read, or that more follows, by what the line says."""
    if not message.startswith(("Invalid value", "Expected newline")):
        return _UNKNOWN
    lines = text.splitlines()
    _, _, value = (lines[line - 1] if line <= len(lines) else "").partition("=")
    value = value.strip()
    for begin, words in _VALUES:
        if re.match(begin, value) and not (
            message.startswith("Invalid") and value.startswith(_OPEN)
        ):
            return words
    return _VALUE if message.startswith("Invalid") else _REST
