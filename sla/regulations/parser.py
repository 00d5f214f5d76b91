"""The parser of one regulation file: its rules, and every mistake visible in the file alone."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
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

    `unclear` are the ids of the unusable rules. If `readable` is false, not even all ids are known.
    Nothing can then be said about missing rules.
    """

    path: Path
    layer: int
    content: str = ""
    entries: list[Entry] = field(default_factory=list)
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
class Entry:
    """A rule and its place in a file.

    `name` is the id used in its own file. `differs_in` are the keys in which an override differs
    from the rule that it replaces on purpose.
    """

    text: LawText
    number: int
    name: str
    rule: Rule
    differs_in: frozenset[str] = frozenset()

    @property
    def place(self) -> str:
        """Return the place as text, for example 'sp4n.toml:12'."""
        return f"{self.text.path.name}:{self.text.lines.of('rule', self.number)}"

    def mistake(self, words: str, *key: str) -> Mistake:
        """Return a mistake of this rule, at one of its keys if the rule has the key."""
        return self.text.mistake(f"rule {self.name}: {words}", "rule", self.number, *key)

    def mistake_in_force(self, words: str) -> Mistake:
        """Return a mistake of the days in force: those of this rule, or else of its regulation."""
        own: tuple[str | int, ...] = ("rule", self.number, "in_force")
        path = own if own in self.text.lines.known else ("regulation", "in_force")
        return self.text.mistake(f"rule {self.name}: {words}", *path)


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
    regulation = None if text.mistakes else _regulation(head, path)
    _read_rules(text, head, rules, regulation, kinds)
    return text


def _read_rules(
    text: LawText,
    head: Mapping[str, Any],
    rules: list[dict[str, Any]],
    regulation: Regulation | None,
    kinds: Collection[str],
) -> None:
    numbers: dict[str, int] = {}
    for number, rule in enumerate(rules):
        found = wrong_rule(rule, head, kinds)
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
        if regulation is not None and name and not found:
            differs_in = frozenset(rule.get("differs_in", ()))
            made = _rule(rule, head, regulation)
            text.entries.append(Entry(text, number, name, made, differs_in))
        elif name:
            text.unclear |= {f"{head.get('key')}/{name}", _target(rule, head) or ""}
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


def _rule(entry: Mapping[str, Any], head: Mapping[str, Any], regulation: Regulation) -> Rule:
    target = _target(entry, head)
    own, whole = entry.get("in_force", {}), head.get("in_force", {})
    return Rule(
        id=target or f"{regulation.key}/{entry['id']}",
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
