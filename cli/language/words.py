"""Find the words of the command line in the language of its caller.

`templates/words/cli/` has one file for each module of `cli/`, with both languages side by side. A
file is read when the first of its texts is needed, because reading TOML is slow.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from settings.errors import LOCALES
from sla.error_text import closest
from tasks.text.catalog import TEMPLATES, filled

FOLDER = TEMPLATES / "words" / "cli"
DEFAULT = "id"
"""The language if nothing names one."""

_LOCALE = re.compile(r"""^\s*locale\s*=\s*["'](\w+)["']""", re.MULTILINE)
_state: dict[str, str] = {}
"""The language chosen by the arguments of this call, under `language`."""


class UnknownLanguage(ValueError):
    """The language named by the caller has no words."""


def choose_language(arguments: Sequence[str]) -> list[str]:
    """Choose the language of this call, and return its arguments without `--lang`.

    The first of these names it: `--lang`, TENGGAT_LANG, the site named by `--site` or TENGGAT_SITE,
    the locale of the terminal. Else it is Indonesian. Raises :class:`UnknownLanguage`.
    """
    rest, lang = _without(arguments, "--lang")
    site = _without(arguments, "--site")[1] or os.environ.get("TENGGAT_SITE")
    use_language(_of_site(site) or _of_terminal() or DEFAULT)
    named = lang if lang is not None else os.environ.get("TENGGAT_LANG")
    if named:
        if named not in LOCALES:
            raise UnknownLanguage(say("words.unknown", lang=named, near=near(named, LOCALES)))
        use_language(named)
    return rest


def use_language(locale: str) -> None:
    """Print in this language from now on."""
    _state["language"] = locale


def language() -> str:
    """Return the language of this call."""
    if "language" not in _state:
        choose_language(())
    return _state["language"]


def say(key: str, **values: object) -> str:
    """Return a text in the language of this call, with its placeholders filled.

    `key` is FILE.TABLE.NAME; `n` chooses between singular and plural. Whole numbers are written in
    the notation of the language. Raises :class:`KeyError` for an unknown key.
    """
    file, _, path = key.partition(".")
    found = lookup(file, path)
    if found is None:
        raise KeyError(f"templates/words/cli/{file}.toml has no text '{path}'")
    return filled(found, language(), values)


def value_word(kind: str, value: str) -> str:
    """Return the word for a value of the program, such as a status; `kind` is in values.toml."""
    return table("values").get(kind, {}).get(value, {}).get(language()) or value


def value_words(kind: str, value: str) -> list[str]:
    """Return the words for a value of the program in all languages, as options take them."""
    return list(table("values").get(kind, {}).get(value, {}).values())


def near(word: str, known: Iterable[str], also: Iterable[str] = ()) -> str:
    """Return '; did you mean ...?' with the closest known word, else '; known are ...'.

    Words of `also` may be the closest one, but they are not listed. The result is empty if there
    are no known words.
    """
    names = sorted(str(each) for each in known)
    if found := closest(word, [*names, *also]):
        return say("words.did_you_mean", word=found)
    return say("words.known", names=", ".join(names)) if names else ""


def lookup(file: str, path: str) -> Any:
    """Return a text of a file in the language of this call, or None if there is none."""
    found: Any = table(file)
    for part in (*path.split("."), language()):
        if not isinstance(found, dict) or part not in found:
            return None
        found = found[part]
    return found


@cache
def table(file: str) -> dict[str, Any]:
    """Read one file of words; a file that does not exist has none."""
    path = FOLDER / f"{file}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _without(arguments: Sequence[str], option: str) -> tuple[list[str], str | None]:
    """Return the arguments without an option and its value, and the last value given to it."""
    rest, value, following = [], None, iter(arguments)
    for each in following:
        if each == option:
            value = next(following, "")
        elif each.startswith(f"{option}="):
            value = each.partition("=")[2]
        else:
            rest.append(each)
    return rest, value


def _of_site(folder: str | None) -> str | None:
    """Return the language of a site, if its file can be read that far."""
    if not folder:
        return None
    try:
        text = (Path(folder) / "site.toml").read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, ValueError):
        return None
    found = _LOCALE.search(text)
    return found[1] if found and found[1] in LOCALES else None


def _of_terminal() -> str | None:
    """Return the language of the first locale variable that is set, if it has words."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            code = re.split(r"[_.@]", value)[0]
            return code if code in LOCALES else None
    return None
