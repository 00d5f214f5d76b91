"""The catalog of words, one file a language in `templates/words/`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from tasks.text.numbers import number_text

TEMPLATES = Path(__file__).parents[2] / "templates"


class Catalog:
    """The texts of one language (i18n catalogue) from `templates/words/`, by dotted key.

    A call fills `{name}` in a text from the arguments, with numbers in the language's notation. If
    a key has `one` and `other`, the argument `n` selects one of them. An unknown key raises
    `KeyError`, so that no text is ever missing silently.
    """

    def __init__(self, locale: str) -> None:
        self.locale = locale
        path = TEMPLATES / "words" / f"{locale}.toml"
        self.table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        self._known: dict[str, Any] = {}

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of a key with its placeholders filled."""
        return filled(self._found(key), self.locale, values)

    def names(self, key: str) -> list[str]:
        """Return a list of words, such as the names of the months."""
        return [str(word) for word in self._found(key)]

    def _found(self, key: str) -> Any:
        if key in self._known:
            return self._known[key]
        found: Any = self.table
        for part in key.split("."):
            if not isinstance(found, dict) or part not in found:
                raise KeyError(f"the texts of '{self.locale}' have no key '{key}'")
            found = found[part]
        self._known[key] = found
        return found


def filled(text: Any, locale: str, values: Mapping[str, object]) -> str:
    """Fill `{name}` in a text from `values`, with numbers in the language's notation.

    A text with `one` and `other` is chosen by the value `n`.
    """
    if isinstance(text, dict):
        text = text["one"] if values.get("n") == 1 and "one" in text else text["other"]
    written = {
        name: number_text(value, locale) if isinstance(value, int) else value
        for name, value in values.items()
    }
    return str(text).format(**written) if written else str(text)


@lru_cache
def catalog(locale: str) -> Catalog:
    """Load the texts of a language; the result is cached."""
    return Catalog(locale)
