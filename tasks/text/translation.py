"""Translate texts that code writes in English: errors, findings of `doctor`, lines of the service.

The same texts go to logs, which are in English, so their code does not choose a language.
The files of `FILES` in `templates/words/cli/` pair the English form of a text, with a name for
each part that varies, with its form in Indonesian. A text without a pair stays in English.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache

from tasks.text.catalog import TEMPLATES

FILES = (
    "source_errors",
    "database_errors",
    "mail_errors",
    "law_errors",
    "settings_errors",
    "errors",
    "findings",
    "service_lines",
)
"""The first pair that fits is used; general ones come later than special ones."""

COMMENTS = ("comments",)
"""The file with the comments of a proposed mapping."""

AUDIT = ("audit_texts",)
"""The file with the authors and reasons of decisions. The audit itself is in English, because its
rows are hashed and never change."""

DEEPEST = 4
"""Most pairs that are found inside each other."""

_VARIES = re.compile(r"\{(\w+)\}")

_NEXT = re.compile(r"; (?=[^\s:;][^:;]*: |and \d+ more$)")
"""The end of one message and the beginning of the next."""

_OWN = re.compile(r"; ([a-z][^:;]*: )")
"""Words after a `; ` in a pair, with a colon as if they began with the name of a file."""

Files = tuple[str, ...]


def translated(text: str, locale: str) -> str:
    """Return a text in a language, line by line."""
    if locale == "en":
        return text
    return "\n".join(_indented(line, locale, FILES) for line in text.split("\n"))


def translated_audit(text: str, locale: str) -> str:
    """Return the author or the reason of a decision in a language."""
    return text if locale == "en" else _line(text, locale, AUDIT, 0)


def translated_comments(toml: str, locale: str) -> str:
    """Return TOML with its comments in a language; keys and values stay as they are."""
    if locale == "en":
        return toml
    return "\n".join(_commented(line, locale) for line in toml.split("\n"))


def _commented(line: str, locale: str) -> str:
    before, mark, comment = ("", "#", line[1:]) if line[:1] == "#" else line.rpartition("  # ")
    return before + mark + _indented(comment, locale, COMMENTS) if mark else line


def _indented(line: str, locale: str, files: Files) -> str:
    words = line.lstrip(" ")
    return " " * (len(line) - len(words)) + _line(words, locale, files, 0)


def _line(line: str, locale: str, files: Files, depth: int) -> str:
    """Translate a line, or leave it as it is."""
    found = _known(line, locale, files, depth)
    return line if found is None else found


def _known(line: str, locale: str, files: Files, depth: int) -> str | None:
    """Translate a line as several messages, as a whole, or after the first `: ` that leaves a known
    text; None if no pair fits.
    """
    if (found := _joined(line, locale, files, depth)) is not None:
        return found
    if (found := _whole(line, locale, files, depth)) is not None:
        return found
    at = line.find(": ")
    while at >= 0:
        if (found := _whole(line[at + 2 :], locale, files, depth)) is not None:
            return line[: at + 2] + found
        at = line.find(": ", at + 2)
    return None


def _joined(line: str, locale: str, files: Files, depth: int) -> str | None:
    """Translate the messages of several files or sources that `; ` joins; None if it joins none.

    Each message begins with a name and `: `. One message may have `; ` inside, so the line is only
    divided where a pair fits both parts.
    """
    if depth:
        return None
    for mark in _NEXT.finditer(line):
        if any(words.match(line, mark.end()) for words in _continued(locale, files)):
            continue
        before = _known(line[: mark.start()], locale, files, depth)
        if before is not None:
            after = _known(line[mark.end() :], locale, files, depth)
            if after is not None:
                return f"{before}; {after}"
    return None


@cache
def _continued(locale: str, files: Files) -> list[re.Pattern[str]]:
    """Return patterns of the words after a `; ` that are a part of the message before it."""
    return [
        _pattern(words) for english, *_ in _pairs(locale, files) for words in _OWN.findall(english)
    ]


def _whole(text: str, locale: str, files: Files, depth: int) -> str | None:
    if depth == DEEPEST or not text:
        return None
    for english, fixed, target in _pairs(locale, files):
        if not all(part in text for part in fixed):
            continue  # compiling all patterns would take longer than the rest of a command
        if found := _pattern(english).fullmatch(text):
            parts = {
                name: _line(part, locale, files, depth + 1)
                for name, part in found.groupdict().items()
            }
            return target.format(**parts)
    return None


@cache
def _pairs(locale: str, files: Files) -> list[tuple[str, list[str], str]]:
    """Return each pair: the English form, its parts that do not vary, and the other form."""
    return [
        (pair["en"], _parts(pair["en"])[::2], pair[locale])
        for file in files
        for pair in _read(file)
    ]


def _read(file: str) -> list[dict[str, str]]:
    path = TEMPLATES / "words" / "cli" / f"{file}.toml"
    pairs: list[dict[str, str]] = tomllib.loads(path.read_text(encoding="utf-8"))["pair"]
    return pairs


def _parts(text: str) -> list[str]:
    """Return the fixed parts of a text and, between them, the names of those that vary.

    A doubled brace is one that is printed, as in `str.format`.
    """
    return [part.replace("{{", "{").replace("}}", "}") for part in _VARIES.split(text)]


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """Return a pattern of a text with `{name}` for each part that varies."""
    parts = _parts(text)
    fixed = map(re.escape, parts[::2])
    names = [f"(?P<{name}>.*?)" for name in parts[1::2]] + [""]
    return re.compile("".join(a + b for a, b in zip(fixed, names, strict=True)), re.DOTALL)
