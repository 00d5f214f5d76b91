"""One regulation file: its rules, and every mistake that can be seen in it alone."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from sla.lawkeys import (
    EVENT_KEYS,
    HEAD,
    RULE,
    Found,
    must_be,
    nearest,
    shown,
    wrong_days,
    wrong_keys,
    wrong_values,
)
from sla.regulations import FACTS, Actor, Certainty, Regulation, Rule, Unit
from sla.toml_lines import TomlLines, place_of

LONGEST = 10_000
"""A greater length is a slip of the hand: 27 years, where the longest that the law sets is 60."""

_IN_RULE = dict.fromkeys(RULE.keys() - HEAD.keys(), "a [[rule]]")
_IN_HEAD = dict.fromkeys(HEAD.keys() - RULE.keys(), "[regulation]")


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong where, and what to do; printed as `file:line: ...`."""

    path: Path
    line: int | None
    text: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{place}: {self.text}"


@dataclass(eq=False)
class LawText:
    """A file of the `layer`-th folder: its rules that can be used, and its mistakes.

    `unclear` are the ids of rules that cannot be used; where `readable` is false not even all ids
    are known, so that nothing can be said about what is missing.
    """

    path: Path
    layer: int
    content: str = ""
    entries: list[Entry] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    unclear: set[str] = field(default_factory=set)
    readable: bool = True

    @cached_property
    def lines(self) -> TomlLines:
        """Where in the file each thing stands; asked for only where something is wrong."""
        return TomlLines(self.content)

    def mistake(self, words: str, *path: str | int) -> Mistake:
        """A mistake at this path of the file."""
        return Mistake(self.path, self.lines.of(*path) or 1, words)


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A rule and where it is written; `name` is what its own file calls it, with the key."""

    text: LawText
    number: int
    name: str
    rule: Rule

    @property
    def place(self) -> str:
        """'sp4n.toml:12'."""
        return f"{self.text.path.name}:{self.text.lines.of('rule', self.number)}"

    def mistake(self, words: str, *path: str | int) -> Mistake:
        """A mistake of this rule, at a path within it."""
        return self.text.mistake(
            f"{_called(self.rule.id, self.name)}: {words}", "rule", self.number, *path
        )

    def mistake_in_force(self, words: str) -> Mistake:
        """A mistake of the days on which this rule is in force: its own, or its text's."""
        own = ("rule", self.number, "in_force")
        path = own if own in self.text.lines.known else ("regulation", "in_force")
        return self.text.mistake(f"rule {self.name.partition('/')[2]}: {words}", *path)


def _called(rule_id: str, name: str) -> str:
    return f"rule {name.partition('/')[2] or rule_id}"


def read_text(path: Path, layer: int, kinds: Collection[str]) -> LawText:
    """A file of the law with all its mistakes; `kinds` are the events that rules may name."""
    text = LawText(path, layer)
    data = _tables(text)
    if data is None:
        text.readable = False
        return text
    for key in data.keys() - {"regulation", "rule"}:
        words = f"`{key}` is neither [regulation] nor [[rule]]"
        text.mistakes.append(text.mistake(f"{words}{nearest(key, ['regulation', 'rule'])}", key))
        text.readable = False
    head, rules = data.get("regulation"), data.get("rule", [])
    if not isinstance(head, dict):
        words = "a file has one table [regulation], in single brackets, with key, title, citation"
        text.mistakes.append(text.mistake(words, "regulation"))
        head = {}
    else:
        text.mistakes += (
            text.mistake(f"[regulation]: {words}", "regulation", *place)
            for place, words in _wrong_head(head, rules)
        )
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        text.mistakes.append(text.mistake("a rule begins with [[rule]], in double brackets", "rule"))
        text.readable = False
        return text
    key = head.get("key")
    usable = not text.mistakes
    if not isinstance(key, str) or not key:
        text.readable = False
    regulation = _regulation(head, path) if usable else None
    names: dict[str, int] = {}
    for number, entry in enumerate(rules):
        found = [*_wrong_rule(entry, kinds), *_wrong_override(entry, head)]
        found += _outside(entry, head)
        own = entry.get("id")
        if isinstance(own, str) and own in names:
            line = text.lines.of("rule", names[own], "id")
            words = f"`id` is that of the rule in line {line} already; give it one of its own"
            found.append((("id",), words))
        elif isinstance(own, str) and own:
            names[own] = number
        text.mistakes += (
            text.mistake(f"rule {own or number + 1}: {words}", "rule", number, *place)
            for place, words in found
        )
        if regulation is not None and not found:
            text.entries.append(
                Entry(text, number, f"{key}/{own}", _rule(entry, head, regulation))
            )
        elif isinstance(own, str) and own:
            text.unclear |= {f"{key}/{own}", *_target(entry, head)}
        else:
            text.readable = False
    return text


def _tables(text: LawText) -> dict[str, Any] | None:
    """The file as TOML; None, and the mistake noted, where it is none."""
    try:
        raw = text.path.read_bytes()
    except OSError as error:
        text.mistakes.append(Mistake(text.path, None, f"cannot be read ({error.strerror})"))
        return None
    try:
        text.content = raw.decode("utf-8-sig").replace("\r\n", "\n")  # editors put a mark before it
        return tomllib.loads(text.content)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        text.mistakes.append(Mistake(text.path, line, "not in UTF-8; save the file as UTF-8"))
    except tomllib.TOMLDecodeError as error:
        line, told = place_of(error, text.content)
        words = f"no TOML ({told}); compare the line with those of another file"
        text.mistakes.append(Mistake(text.path, line, words))
    return None


def _wrong_head(head: Mapping[str, Any], rules: Any) -> Iterator[Found]:
    yield from wrong_keys(head, HEAD, ("key", "title", "citation"), _IN_RULE)
    yield from wrong_days(head.get("in_force", {}))
    yield from _wrong_basis(head)
    whom = head.get("overrides")
    if isinstance(whom, str) and "/" in whom:
        words = f"`overrides` is '{whom}'; write the key of a regulation here, a rule's id in the rule"
        yield ("overrides",), words
    if whom is not None and "basis" not in head:
        yield ("overrides",), _needs_basis()
    tables = [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
    if "basis" in head and whom is None and not any("overrides" in rule for rule in tables):
        yield ("basis",), "`basis`, and nothing here overrides a rule; add `overrides`, or remove it"


def _needs_basis() -> str:
    return f"`overrides` needs a `basis`; add basis = {RULE['basis'].example}"


def _wrong_basis(table: Mapping[str, Any]) -> Iterator[Found]:
    basis = table.get("basis")
    if isinstance(basis, str) and not any(letter.isdigit() for letter in basis):
        words = f"`basis` is {shown(basis)}; cite it with number and year"
        yield ("basis",), f"{words}, as in {RULE['basis'].example}"


def _wrong_override(rule: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[Found]:
    if "overrides" in rule and "basis" not in rule and "basis" not in head:
        yield ("overrides",), _needs_basis()
    if "basis" in rule and "overrides" not in rule and "overrides" not in head:
        words = "`basis` without `overrides`; add the rule that it replaces"
        yield ("basis",), f"{words}, as in overrides = {RULE['overrides'].example}"
    yield from _wrong_basis(rule)


def _outside(rule: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[Found]:
    """Days of a rule that lie outside those of its text."""
    own, whole = rule.get("in_force"), head.get("in_force", {})
    if [*wrong_days(own or {}), *wrong_days(whole)] or not own or not isinstance(whole, dict):
        return
    for key, place in (("from", date.min), ("to", date.max)):
        day, bound = own.get(key), whole.get(key, place)
        if day is not None and not whole.get("from", date.min) <= day <= whole.get("to", date.max):
            words = f"`in_force.{key}` is {day}, when its text is not in force"
            yield ("in_force", key), f"{words} (see [regulation], {key} {bound}); correct one of them"


def _wrong_rule(rule: Mapping[str, Any], kinds: Collection[str]) -> list[Found]:
    needed = ["id", "article", "label", "actor", "starts_on", "stops_on", "certainty"]
    needed += [] if rule.get("promised") else ["length", "unit"]
    found = list(wrong_keys(rule, RULE, needed, _IN_HEAD))
    ill = {place[0] for place, _ in found if place}
    sound = {key: value for key, value in rule.items() if key not in ill}
    found += wrong_values(sound)
    ill |= {place[0] for place, _ in found if place}
    sound = {key: value for key, value in rule.items() if key not in ill}
    return [*found, *_wrong_words(sound, kinds), *_wrong_course(sound)]


def _wrong_words(rule: Mapping[str, Any], kinds: Collection[str]) -> Iterator[Found]:
    """Words that are none of those known, in keys that hold what they must."""
    for key in EVENT_KEYS:
        for place, kind in enumerate(rule.get(key, [])):
            if kind not in kinds:
                yield (key, place), f"`{key}` names the unknown event '{kind}'{nearest(kind, kinds)}"
    for place, pair in enumerate(rule.get("pauses", [])):
        for end, kind in enumerate(pair):
            if kind not in kinds:
                words = f"`pauses` names the unknown event '{kind}'{nearest(kind, kinds)}"
                yield ("pauses", place, end), words
    lapse = rule.get("lapse")
    if lapse is not None and lapse not in kinds:
        yield ("lapse",), f"`lapse` names the unknown event '{lapse}'{nearest(lapse, kinds)}"
    for key, known in (("actor", Actor), ("certainty", Certainty), ("unit", Unit), ("roll", ["next"])):
        if key in rule and rule[key] not in list(known):
            yield (key,), f"`{key}` is '{rule[key]}'{nearest(rule[key], known)}"
    for fact in rule.get("applies_when", {}):
        if fact not in FACTS:
            words = f"`applies_when` cannot ask for '{fact}'{nearest(fact, FACTS)}"
            yield ("applies_when", fact), words


def _wrong_course(rule: Mapping[str, Any]) -> Iterator[Found]:
    """A clock that cannot run its course."""
    length = rule.get("length", 1)
    if not 1 <= length <= LONGEST:
        words = f"`length` is {length}; it must lie between 1 and {LONGEST}"
        yield ("length",), f"{words}; correct it, or remove the rule"
    if rule.get("promised") and "length" in rule:
        yield ("length",), "a `promised` rule has its due time from the source; remove `length`"
    starts = {*rule.get("starts_on", []), *rule.get("restarts_on", [])}
    stops = rule.get("stops_on", [])
    useless = starts | set(rule.get("voids", []))
    if stops and useless.issuperset(stops):
        words = "nothing can stop the clock: every event of `stops_on` also starts or voids it"
        yield ("stops_on",), f"{words}; name the event by which the duty is done"
    else:
        for place, kind in enumerate(stops):
            if kind in useless:
                does = "starts" if kind in starts else "voids"
                words = f"'{kind}' both stops the clock and {does} it; take it out of one list"
                yield ("stops_on", place), words
    if "lapse" in rule and rule.get("actor") in (Actor.UNIT, Actor.LAPOR_ADMINISTRATOR):
        words = f"`lapse` never comes where {rule['actor']} must act: a missed deadline is a breach"
        yield ("lapse",), f"{words}; remove it, or name another actor"
    yield from wrong_days(rule.get("in_force", {}))


def _target(rule: Mapping[str, Any], head: Mapping[str, Any]) -> tuple[str, ...]:
    """The id of the rule that this one overrides, if it does."""
    if "overrides" in rule:
        return (str(rule["overrides"]),)
    return (f"{head['overrides']}/{rule['id']}",) if "overrides" in head else ()


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
        note=head.get("note", ""),
    )


def _rule(entry: Mapping[str, Any], head: Mapping[str, Any], regulation: Regulation) -> Rule:
    target = next(iter(_target(entry, head)), None)
    own, whole = entry.get("in_force", {}), head.get("in_force", {})
    return Rule(
        id=target or f"{regulation.key}/{entry['id']}",
        regulation=regulation,
        article=entry["article"],
        label=entry["label"],
        actor=Actor(entry["actor"]),
        starts_on=frozenset(entry["starts_on"]),
        stops_on=frozenset(entry["stops_on"]),
        length=entry.get("length", 0),
        unit=Unit(entry.get("unit", Unit.DAY)),
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
