"""One regulation file: its rules, and every mistake that can be seen in it alone."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from sla.regulations import FACTS, Actor, Certainty, Regulation, Rule, Unit
from sla.toml_lines import TomlLines, place_of

LONGEST = 10_000
"""A length beyond this is a slip of the hand: the longest that the law sets is 60 days."""

BASIS = 'basis = "Peraturan Bupati ... Nomor ... Tahun ..."'

_TEXT = "a text in quotes"
_EVENTS = "a list of events in quotes"
_WORDS = "a table of texts"
_SHAPES: dict[str, tuple[type, str]] = {
    _TEXT: (str, "text"), _EVENTS: (list, "list"), _WORDS: (dict, "table"),
    "a table of lists": (dict, "table"), "a list of pairs": (list, "list"),
    "a whole number": (int, "number"), "true": (bool, "yes"), "a table of days": (dict, "table"),
}  # fmt: skip
_HEAD = {
    "key": (_TEXT, '"perbup-12-2026"'),
    "title": (_TEXT, '"Undang-Undang Nomor 25 Tahun 2009 tentang Pelayanan Publik"'),
    "citation": (_TEXT, '"UU 25/2009"'),
    "url": (_TEXT, '"https://peraturan.bpk.go.id/..."'),
    "note": (_TEXT, '"Pasal 3 mulai berlaku kemudian."'),
    "in_force": ("a table of days", "{ from = 2027-01-01, to = 2027-12-31 }"),
    "overrides": (_TEXT, '"sp4n"'),
    "basis": (_TEXT, '"Peraturan Bupati ... Nomor ... Tahun ..."'),
}
_RULE = {
    "id": (_TEXT, '"first-follow-up"'),
    "article": (_TEXT, '"Pasal 44 ayat (3)"'),
    "label": (_WORDS, '{ id = "Tanggapan awal", en = "First response" }'),
    "actor": (_TEXT, '"unit"'),
    "starts_on": (_EVENTS, '["received"]'),
    "restarts_on": (_EVENTS, '["reopened"]'),
    "stops_on": (_EVENTS, '["settled"]'),
    "implied_by": (_EVENTS, '["closed"]'),
    "voids": (_EVENTS, '["withdrawn", "archived"]'),
    "pauses": ("a list of pairs", '[["paused", "resumed"]]'),
    "length": ("a whole number", "5"),
    "unit": (_TEXT, '"working_day"'),
    "certainty": (_TEXT, '"recalled"'),
    "consequence": (_WORDS, '{ id = "Laporan ditutup.", en = "The report is closed." }'),
    "applies_when": ("a table of lists", '{ classification = ["complaint"] }'),
    "roll": (_TEXT, '"next"'),
    "lapse": (_TEXT, '"closed"'),
    "promised": ("true", "true"),
    "in_force": _HEAD["in_force"],
    "overrides": (_TEXT, '"sp4n/first-follow-up"'),
    "basis": _HEAD["basis"],
}
_NEEDED = ("id", "article", "label", "actor", "starts_on", "stops_on", "certainty")
_MARKS = ("starts_on", "restarts_on", "stops_on", "implied_by", "voids")
_DAYS = ("from", "to", "ended_by")


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong where, and what to do; printed as `file:line: ...`."""

    path: Path
    line: int | None
    text: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{place}: {self.text}"


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A rule with the place at which it is written; `name` is what its file calls it."""

    text: LawText
    number: int
    name: str
    rule: Rule

    @property
    def place(self) -> str:
        """'sp4n.toml:12', for use within a mistake."""
        return f"{self.text.path.name}:{self.text.lines.of('rule', self.number)}"

    def mistake(self, words: str, *keys: str) -> Mistake:
        """A mistake at the first of these keys that is written: of the rule, else of its text."""
        lines = self.text.lines
        for path in [*(("rule", self.number, key) for key in keys), *(("regulation", k) for k in keys)]:
            if path in lines.known:
                return self.text.mistake(f"rule {self.name}: {words}", *path)
        return self.text.mistake(f"rule {self.name}: {words}", "rule", self.number)


@dataclass(slots=True, eq=False)
class LawText:
    """A file as it is written: its folder's number, its rules that can be used, its mistakes.

    `unclear` are the ids of rules that cannot be used; `readable` tells whether all ids are known.
    """

    path: Path
    layer: int
    content: str = ""
    entries: list[Entry] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    unclear: set[str] = field(default_factory=set)
    readable: bool = False

    __hash__ = object.__hash__

    def mistake(self, words: str, *path: str | int) -> Mistake:
        """A mistake at this path of the file."""
        return Mistake(self.path, self.lines.of(*path), words)
