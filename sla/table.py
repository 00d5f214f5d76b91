"""One table of a TOML file that people write: its values, and in words what is wrong with them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Any, TypeVar

Value = TypeVar("Value")
Words = TypeVar("Words", bound=StrEnum)


@dataclass(slots=True)
class Table:
    """Hands out the values of a table; what is absent or wrong is None, what is wrong is noted.

    `where` is how `mistakes` names the place. Every mistake tells its remedy.
    """

    where: str
    values: Mapping[str, Any]
    mistakes: list[str] = field(default_factory=list)

    def wrong(self, mistake: str) -> None:
        """Note what is wrong, and what to do."""
        self.mistakes.append(f"{self.where}: {mistake}")

    def known_keys(self, keys: Iterable[str]) -> None:
        """Note every key that is none of these."""
        keys = tuple(keys)
        for key in self.values:
            if key not in keys:
                self.wrong(f"unknown key `{key}`{nearest(key, keys)}")

    def text(self, key: str, *, needed: bool = False) -> str | None:
        """A text that is not empty."""
        return self._value(key, str, f'{key} = "..."', needed=needed)

    def flag(self, key: str) -> bool | None:
        """True or false."""
        return self._value(key, bool, f"{key} = true or false")

    def number(self, key: str) -> int | None:
        """A whole number."""
        return self._value(key, int, f"{key} = 1")

    def day(self, key: str) -> date | None:
        """A day without a time."""
        return self._value(key, date, f"{key} = 2026-11-05, without quotes")

    def moment(self, key: str, zone: tzinfo, *, needed: bool = False) -> datetime | None:
        """A local time, meant in `zone`."""
        spelling = f"{key} = 2026-11-05T08:00:00, local time without quotes and without a zone"
        value = self._value(key, datetime, spelling, needed=needed)
        if value is not None and value.tzinfo is not None:
            self.wrong(f"`{key}` has a zone; write {spelling}")
        return value and value.replace(tzinfo=zone)

    def word(self, key: str, words: type[Words], *, needed: bool = False) -> Words | None:
        """One of some words."""
        value = self.text(key, needed=needed)
        return None if value is None else self.one_of(key, value, words)

    def one_of(self, key: str, value: object, words: type[Words]) -> Words | None:
        """A value found under `key` as one of some words."""
        for word in words:
            if value == word:
                return word
        self.wrong(f"`{key}` says {value!r}{nearest(str(value), list(words))}")
        return None

    def _value(
        self, key: str, kind: type[Value], spelling: str, *, needed: bool = False
    ) -> Value | None:
        value = self.values.get(key)
        if value is None:
            if needed:
                self.wrong(f"`{key}` is missing; write {spelling}")
        elif type(value) is kind and value != "":  # a datetime is a date, a bool is an int
            return value
        else:
            self.wrong(f"`{key}` is {value!r}; write {spelling}")
        return None


def nearest(word: str, known: Iterable[str]) -> str:
    """The remedy for an unknown word: the one that was probably meant, or all there are."""
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; use one of {', '.join(known)}"
