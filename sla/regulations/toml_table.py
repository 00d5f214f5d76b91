"""One table of a TOML file written by people: its values, and the mistakes in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Any, TypeVar

from sla.error_text import did_you_mean
from sla.regulations.schema import shown

Value = TypeVar("Value")
Words = TypeVar("Words", bound=StrEnum)

Place = tuple[str | int, ...]
"""The path of a value in a file: ("case", 0, "events", 1, "at") is the time of the second event of
the first case."""


@dataclass(frozen=True, slots=True)
class TomlTable:
    """Returns the values of a table. An absent value is None; a wrong value is None and is
    reported.

    `name` is the name of the table in messages, `place` its path. The last field is a callback for
    mistakes: it receives the path and the text. Every text includes the remedy.
    """

    name: str
    values: Mapping[str, Any]
    place: Place
    tell: Callable[[Place, str], None]

    def wrong(self, words: str, *key: str) -> None:
        """Report a mistake at a key of the table, with the remedy."""
        self.tell((*self.place, *key), f"{self.name}: {words}")

    def known_keys(self, keys: Iterable[str]) -> None:
        """Report every key not in `keys`."""
        keys = tuple(keys)
        for key in self.values:
            if key not in keys:
                self.wrong(f"unknown key `{key}`{did_you_mean(key, keys)}", key)

    def text(self, key: str, *, needed: bool = False) -> str | None:
        """Return a text that is not empty."""
        return self._value(key, str, f'{key} = "..."', needed=needed)

    def flag(self, key: str) -> bool | None:
        """Return true or false."""
        return self._value(key, bool, f"{key} = true")

    def number(self, key: str) -> int | None:
        """Return a whole number."""
        return self._value(key, int, f"{key} = 1")

    def day(self, key: str) -> date | None:
        """Return a day without a time."""
        return self._value(key, date, f"{key} = 2026-11-05, without quotes")

    def moment(self, key: str, zone: tzinfo, *, needed: bool = False) -> datetime | None:
        """Return a local time in `zone`."""
        spelling = f"{key} = 2026-11-05T08:00:00, local time without quotes and without a zone"
        value = self._value(key, datetime, spelling, needed=needed)
        if value is not None and value.tzinfo is not None:
            self.wrong(f"`{key}` has a zone; write {spelling}", key)
        return value and value.replace(tzinfo=zone)

    def word(self, key: str, words: type[Words], *, needed: bool = False) -> Words | None:
        """Return a member of an enumeration."""
        value = self.text(key, needed=needed)
        return None if value is None else self.one_of(key, value, words)

    def one_of(self, key: str, value: object, words: type[Words]) -> Words | None:
        """Return the member of an enumeration equal to the value of `key`; report any other
        value.
        """
        for word in words:
            if value == word:
                return word
        self.wrong(f"`{key}` says {shown(value)}{did_you_mean(str(value), words)}", key)
        return None

    def tables(self, key: str, what: str) -> list[TomlTable]:
        """Return the tables of a list with at least one; `what` describes the content for
        messages.
        """
        entries = self.values.get(key)
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            self.wrong(f"`{key}` must be a list of tables; give {what}", key)
            return []
        if not entries:
            self.wrong(f"`{key}` is empty; give {what}", key)
        return [
            TomlTable(
                f"{self.name}: {key} {number}", entry, (*self.place, key, number - 1), self.tell
            )
            for number, entry in enumerate(entries, start=1)
        ]

    def table(self, key: str, example: str) -> TomlTable:
        """Return a table inside the table; empty if it is absent or not a table."""
        values = self.values.get(key, {})
        if not isinstance(values, dict):
            self.wrong(f"`{key}` is {shown(values)}; write {key} = {example}", key)
            values = {}
        return TomlTable(f"{self.name}: {key}", values, (*self.place, key), self.tell)

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
            self.wrong(f"`{key}` is {shown(value)}; write {spelling}", key)
        return None
