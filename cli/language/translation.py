"""Translate texts that other layers write in English: errors, and findings of `tenggat doctor`.

The same texts go to logs, which are in English, so their code does not choose a language.
The files of `FILES` pair the English form of a text, with a name for each part that varies, with
its form in Indonesian. A text without a pair stays in English.
"""

from __future__ import annotations

import re
from functools import cache

from cli.language.words import language, table

FILES = (
    "source_errors",
    "database_errors",
    "mail_errors",
    "errors",
    "findings",
    "service_lines",
)
"""The first pair that fits is used; general ones come later than special ones."""

_VARIES = re.compile(r"\{(\w+)\}")
DEEPEST = 4
"""Most pairs that are found inside each other."""


def translated(text: str) -> str:
    """Return a text of another layer in the language of the call, line by line."""
    if language() == "en":
        return text
    return "\n".join(map(_indented, text.split("\n")))


def _indented(line: str) -> str:
    words = line.lstrip(" ")
    return " " * (len(line) - len(words)) + _line(words, 0)


def _line(line: str, depth: int) -> str:
    """Translate a line as a whole, or what follows the first `: ` that leaves a known text."""
    if (found := _whole(line, depth)) is not None:
        return found
    at = line.find(": ")
    while at >= 0:
        if (found := _whole(line[at + 2 :], depth)) is not None:
            return line[: at + 2] + found
        at = line.find(": ", at + 2)
    return line


def _whole(text: str, depth: int) -> str | None:
    if depth == DEEPEST or not text:
        return None
    for english, fixed, target in _pairs():
        if not all(part in text for part in fixed):
            continue  # compiling all patterns would take longer than the rest of a command
        if found := _pattern(english).fullmatch(text):
            parts = {name: _part(part, depth) for name, part in found.groupdict().items()}
            return target.format(**parts)
    return None


def _part(text: str, depth: int) -> str:
    return _line(text, depth + 1)


@cache
def _pairs() -> list[tuple[str, list[str], str]]:
    """Return each pair: the English form, its parts that do not vary, and the other form."""
    return [
        (pair["en"], _VARIES.split(pair["en"])[::2], pair[language()])
        for file in FILES
        for pair in table(file)["pair"]
    ]


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """Return a pattern of a text with `{name}` for each part that varies."""
    parts = _VARIES.split(text)
    fixed = map(re.escape, parts[::2])
    names = [f"(?P<{name}>.*?)" for name in parts[1::2]] + [""]
    return re.compile("".join(a + b for a, b in zip(fixed, names, strict=True)), re.DOTALL)
