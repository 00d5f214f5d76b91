"""The parser of one regulation file: its rules, and every mistake visible in the file alone."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from sla.error_text import did_you_mean
from sla.regulations.model import Actor, Certainty, LengthUnit, Regulation, Rule
from sla.regulations.rule_checks import wrong_head, wrong_rule
from sla.regulations.toml_errors import explain
from sla.regulations.toml_lines import TomlLines


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake, its place, and its remedy; printed as `file:line: ...`."""

    path: Path
    line: int | None
    text: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{place}: {' '.join(self.text.split())}"  # one line, even if a value has several


@dataclass(eq=False)
class LawText:
    """A file of the `layer`-th folder: its usable rules, and its mistakes.

    `overrides` are its rules that replace others; they become `entries` once the keys that they
    inherit are known. `unclear` are the ids of the unusable rules. If `readable` is false, not even
    all ids are known. Nothing can then be said about missing rules.
    """

    path: Path
    layer: int
    content: str = ""
    head: Mapping[str, Any] = field(default_factory=dict)
    regulation: Regulation | None = None
    entries: list[Entry] = field(default_factory=list)
    overrides: list[WrittenRule] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    unclear: set[str] = field(default_factory=set)
    readable: bool = False

    @cached_property
    def lines(self) -> TomlLines:
        """Return the line numbers of the file; computed only for a mistake."""
        return TomlLines(self.content)

    def mistake(self, words: str, *path: str | int) -> Mistake:
        """Return a mistake at this path of the file."""
        return Mistake(self.path, self.lines.of(*path) or 1, words)


@dataclass(frozen=True, slots=True, eq=False)
class WrittenRule:
    """A [[rule]] as it is written, and its place in a file.

    `name` is the id used in its own file.
    """

    text: LawText
    number: int
    name: str
    table: Mapping[str, Any]

    @property
    def rule_id(self) -> str:
        """Return the id of the rule: that of the rule which it replaces, if it replaces one."""
        return _target(self.table, self.text.head) or f"{self.text.head['key']}/{self.name}"

    @property
    def first_day(self) -> date:
        """Return the first day in force."""
        return self._day("from") or date.min

    @property
    def last_day(self) -> date:
        """Return the last day in force."""
        return self._day("to") or date.max

    def _day(self, key: str) -> date | None:
        own, whole = (table.get("in_force", {}) for table in (self.table, self.text.head))
        day: date | None = own.get(key) or whole.get(key)
        return day

    @property
    def differs_in(self) -> frozenset[str]:
        """Return the keys in which an override differs on purpose from the rule that it
        replaces.
        """
        return frozenset(self.table.get("differs_in", ()))

    @property
    def place(self) -> str:
        """Return the place as text, for example 'sp4n.toml:12'."""
        return f"{self.text.path.name}:{self.text.lines.of('rule', self.number)}"

    def mistake(self, words: str, *key: str | int) -> Mistake:
        """Return a mistake of this rule, at one of its keys if the rule has the key."""
        return self.text.mistake(f"rule {self.name}: {words}", "rule", self.number, *key)

    def mistake_in_force(self, words: str) -> Mistake:
        """Return a mistake of the days in force: those of this rule, or else of its regulation."""
        own: tuple[str | int, ...] = ("rule", self.number, "in_force")
        path = own if own in self.text.lines.known else ("regulation", "in_force")
        return self.text.mistake(f"rule {self.name}: {words}", *path)


@dataclass(frozen=True, slots=True, eq=False)
class Entry(WrittenRule):
    """A usable rule and its place in a file."""

    rule: Rule


def read_text(path: Path, layer: int, kinds: Collection[str]) -> LawText:
    """Read a regulation file and collect all its mistakes; `kinds` are the events rules may
    name.
    """
    text = LawText(path, layer)
    data = _tables(text)
    if data is None:
        return text
    for key in data.keys() - {"regulation", "rule"}:
        words = f"`{key}` is neither [regulation] nor [[rule]]"
        text.mistakes.append(
            text.mistake(f"{words}{did_you_mean(key, ['regulation', 'rule'])}", key)
        )
    head, rules = data.get("regulation"), data.get("rule", [])
    if not isinstance(head, dict):
        words = "a file has one table [regulation], in single brackets, with key, title, citation"
        text.mistakes.append(text.mistake(words, "regulation"))
        head = {}
    else:
        text.mistakes += (
            text.mistake(f"[regulation]: {words}", "regulation", *place)
            for place, words in wrong_head(head, rules)
        )
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        text.mistakes.append(
            text.mistake("a rule begins with [[rule]], in double brackets", "rule")
        )
        return text
    text.readable = isinstance(head.get("key"), str) and not data.keys() - {"regulation", "rule"}
    text.head = head
    text.regulation = None if text.mistakes else _regulation(head, path)
    _read_rules(text, rules, kinds)
    return text


def _read_rules(text: LawText, rules: list[dict[str, Any]], kinds: Collection[str]) -> None:
    numbers: dict[str, int] = {}
    for number, rule in enumerate(rules):
        overrides = "overrides" in rule or "overrides" in text.head
        found = wrong_rule(rule, text.head, kinds, inherits=overrides)
        name = rule.get("id") if isinstance(rule.get("id"), str) else None
        if name in numbers:
            line = text.lines.of("rule", numbers[name], "id")
            words = f"`id` is that of the rule in line {line} already; give it one of its own"
            found.append((("id",), words))
        elif name:
            numbers[name] = number
        text.mistakes += (
            text.mistake(f"rule {name or number + 1}: {words}", "rule", number, *place)
            for place, words in found
        )
        if text.regulation is not None and name and not found:
            written = WrittenRule(text, number, name, rule)
            if overrides:
                text.overrides.append(written)
            else:
                text.entries.append(entry_of(written, rule))
        elif name:
            text.unclear |= {f"{text.head.get('key')}/{name}", _target(rule, text.head) or ""}
        else:
            text.readable = False


def _tables(text: LawText) -> dict[str, Any] | None:
    """Parse the file as TOML; return None and record the mistake if it cannot be parsed."""
    try:
        raw = text.path.read_bytes()
    except OSError as error:
        text.mistakes.append(Mistake(text.path, None, f"cannot be read ({error.strerror})"))
        return None
    try:
        # utf-8-sig: some editors write a byte order mark
        text.content = raw.decode("utf-8-sig").replace("\r\n", "\n")
        return tomllib.loads(text.content)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        text.mistakes.append(Mistake(text.path, line, "not in UTF-8; save the file as UTF-8"))
    except tomllib.TOMLDecodeError as error:
        text.mistakes.append(Mistake(text.path, *explain(error, text.content)))
    return None


def _target(rule: Mapping[str, Any], head: Mapping[str, Any]) -> str | None:
    """Return the id of the rule overridden by this one, or None."""
    if "overrides" in rule:
        return str(rule["overrides"])
    return f"{head['overrides']}/{rule['id']}" if "overrides" in head else None


def _regulation(head: Mapping[str, Any], path: Path) -> Regulation:
    in_force = head.get("in_force", {})
    return Regulation(
        key=head["key"],
        title=head["title"],
        citation=head["citation"],
        url=head.get("url", ""),
        in_force_from=in_force.get("from"),
        in_force_to=in_force.get("to"),
        file=path.name,
        note=head.get("note", {}),
    )


def entry_of(written: WrittenRule, table: Mapping[str, Any]) -> Entry:
    """Return the usable rule of a written one; `table` has all its keys, inherited ones too."""
    text = written.text
    assert text.regulation is not None, "a file with a wrong head has no usable rules"
    rule = _rule(table, text.head, text.regulation, written.rule_id)
    return Entry(text, written.number, written.name, written.table, rule)


def _rule(
    entry: Mapping[str, Any], head: Mapping[str, Any], regulation: Regulation, rule_id: str
) -> Rule:
    target = _target(entry, head)
    own, whole = entry.get("in_force", {}), head.get("in_force", {})
    return Rule(
        id=rule_id,
        regulation=regulation,
        article=entry["article"],
        label=entry["label"],
        verb=entry.get("verb", {}),
        severity=entry.get("severity", 0),
        actor=Actor(entry["actor"]),
        starts_on=frozenset(entry["starts_on"]),
        stops_on=frozenset(entry["stops_on"]),
        length=entry.get("length", 0),
        unit=LengthUnit(entry.get("unit", LengthUnit.DAY)),
        certainty=Certainty(entry["certainty"]),
        consequence=entry.get("consequence", {}),
        applies_when={fact: frozenset(v) for fact, v in entry.get("applies_when", {}).items()},
        restarts_on=frozenset(entry.get("restarts_on", [])),
        implied_by=frozenset(entry.get("implied_by", [])),
        voids=frozenset(entry.get("voids", [])),
        pauses=tuple((begins, ends) for begins, ends in entry.get("pauses", [])),
        roll=entry.get("roll", "") == "next",
        lapse=entry.get("lapse"),
        promised=bool(entry.get("promised", False)),
        overrides=target,
        basis=entry.get("basis", head.get("basis", "")) if target else "",
        since=own.get("from"),
        until=own.get("to"),
        ended_by=own.get("ended_by", whole.get("ended_by", "")),
    )
