"""The law read from its files: every mistake told at once, with file, line and remedy."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from sla.events import Kind
from sla.regulations import FACTS, Actor, Certainty, Law, Regulation, RegulationError, Rule, Unit


def load(folders: Iterable[Path], *, extra_kinds: Iterable[str] = ()) -> Law:
    """Read every `*.toml` in these folders.

    Raises :class:`RegulationError` that lists every mistake found, with file and remedy.
    """
    kinds = {*Kind, *extra_kinds}
    rules: list[Rule] = []
    mistakes: list[str] = []
    for folder in folders:
        if not folder.is_dir():
            mistakes.append(f"{folder}: no such folder of regulations")
            continue
        for path in sorted(folder.glob("*.toml")):
            try:
                rules.extend(_read(path, kinds))
            except RegulationError as error:
                mistakes.append(str(error))
            except tomllib.TOMLDecodeError as error:
                mistakes.append(f"{path}: {error}")
            except UnicodeDecodeError as error:
                mistakes.append(f"{path}: not in UTF-8 ({error.reason}); save it as UTF-8")
    mistakes.extend(_overlaps(rules))
    if mistakes:
        raise RegulationError("\n".join(mistakes))
    return Law(rules)


_REGULATION_KEYS = {"key", "title", "citation", "url", "in_force", "note"}
_RULE_KEYS = {
    "id", "article", "label", "actor", "starts_on", "restarts_on", "stops_on", "implied_by",
    "voids", "pauses", "length", "unit", "certainty", "consequence", "applies_when", "roll",
    "lapse", "promised",
}  # fmt: skip
_SHAPES = {
    "a text in quotes": (str, ("id", "article", "actor", "unit", "certainty", "roll", "lapse")),
    "a list, as in [\"received\"]": (
        list, ("starts_on", "restarts_on", "stops_on", "implied_by", "voids", "pauses"),
    ),
    "a table, as in { id = \"...\", en = \"...\" }": (dict, ("label", "consequence")),
    "a table of lists, as in { classification = [\"complaint\"] }": (dict, ("applies_when",)),
    "true or false": (bool, ("promised",)),
}  # fmt: skip


def _read(path: Path, kinds: set[str]) -> list[Rule]:
    data = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # editors put a mark before it
    head = data.get("regulation", {})
    mistakes = [
        f"{path}: [regulation] lacks `{key}`"
        for key in ("key", "title", "citation")
        if not head.get(key)
    ]
    mistakes += [
        f"{path}: [regulation] does not know `{key}`"
        for key in sorted(head.keys() - _REGULATION_KEYS)
    ]
    mistakes += [
        f"{path}: `{key}` is neither [regulation] nor [[rule]]"
        for key in sorted(data.keys() - {"regulation", "rule"})
    ]
    in_force = head.get("in_force", {})
    mistakes += [f"{path}: [regulation] in_force {mistake}" for mistake in _wrong_span(in_force)]
    if not isinstance(data.get("rule", []), list):
        mistakes.append(f"{path}: a rule begins with [[rule]], in double brackets")
    if mistakes:
        raise RegulationError("\n".join(mistakes))
    regulation = Regulation(
        key=head["key"],
        title=head["title"],
        citation=head["citation"],
        url=head.get("url", ""),
        in_force_from=in_force.get("from"),
        in_force_to=in_force.get("to"),
        file=path.name,
        note=head.get("note", ""),
    )
    rules = []
    for number, entry in enumerate(data.get("rule", []), start=1):
        where = f"{path}: rule {entry.get('id', number)}"
        found = _mistakes(entry, kinds)
        mistakes += [f"{where}: {mistake}" for mistake in found]
        if not found:
            rules.append(_rule(entry, regulation))
    if mistakes:
        raise RegulationError("\n".join(mistakes))
    return rules


def _wrong_span(in_force: Any) -> list[str]:
    if not isinstance(in_force, dict):
        return [f"is {in_force!r}; write {{ from = 2025-05-01, to = 2026-12-31 }} or one of both"]
    found = [f"does not know `{key}`" for key in sorted(in_force.keys() - {"from", "to"})]
    days = {key: in_force[key] for key in ("from", "to") if key in in_force}
    wrong = [key for key, day in days.items() if type(day) is not date]
    found += [f"`{key}` is {days[key]!r}; write a day, as 2025-05-01, unquoted" for key in wrong]
    if len(days) == 2 and not wrong and days["to"] < days["from"]:
        found.append(f"ends on {days['to']}, before it begins on {days['from']}")
    return found


def _misshapen(entry: dict[str, Any]) -> list[str]:
    found = [
        f"`{key}` is {entry[key]!r}; it must be {words}"
        for words, (shape, keys) in _SHAPES.items()
        for key in keys
        if key in entry and not isinstance(entry[key], shape)
    ]
    asked = entry.get("applies_when", {})
    if isinstance(asked, dict):
        found += [
            f"`applies_when` asks for {fact} {wanted!r}; it must be a list, as in [{wanted!r}]"
            for fact, wanted in asked.items()
            if not isinstance(wanted, list)
        ]
    return found


def _mistakes(entry: dict[str, Any], kinds: set[str]) -> list[str]:
    found = [f"`{key}` is not a key of a rule" for key in sorted(entry.keys() - _RULE_KEYS)]
    needed = ["id", "article", "label", "actor", "starts_on", "stops_on", "certainty"]
    needed += [] if entry.get("promised") else ["length", "unit"]
    found += [f"`{key}` is missing" for key in needed if entry.get(key) in (None, "", [], {})]
    found += _misshapen(entry)
    if found:
        return found
    for key in ("starts_on", "restarts_on", "stops_on", "implied_by", "voids"):
        found += [
            f"`{key}` names the unknown event '{kind}'; known are {', '.join(sorted(kinds))}"
            for kind in entry.get(key, [])
            if kind not in kinds
        ]
    for pair in entry.get("pauses", []):
        if len(pair) != 2 or any(kind not in kinds for kind in pair):
            found.append(f"a pause is a pair of known events [begins, ends], not {pair}")
    if set(entry["starts_on"]) & set(entry["stops_on"]):
        found.append("an event cannot both start and stop the clock")
    if not entry.get("promised") and (type(entry["length"]) is not int or entry["length"] < 1):
        found.append(f"`length` is {entry['length']}; it must be a whole number of 1 or more")
    for key, words in (("actor", Actor), ("certainty", Certainty), ("unit", Unit)):
        if key in entry and entry[key] not in set(words):
            found.append(f"`{key}` is '{entry[key]}'; it must be one of {', '.join(words)}")
    if {"id", "en"} - entry["label"].keys():
        found.append("`label` needs an Indonesian (id) and an English (en) text")
    found += [
        f"`applies_when` cannot ask for '{fact}'; it may ask for {', '.join(FACTS)}"
        for fact in entry.get("applies_when", {})
        if fact not in FACTS
    ]
    if entry.get("roll", "next") != "next":
        found.append(f"`roll` is '{entry['roll']}'; it can only be 'next', or be left out")
    if entry.get("lapse") and entry["lapse"] not in kinds:
        found.append(f"`lapse` names the unknown event '{entry['lapse']}'")
    return found


def _rule(entry: dict[str, Any], regulation: Regulation) -> Rule:
    return Rule(
        id=f"{regulation.key}/{entry['id']}",
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
    )


def _overlaps(rules: list[Rule]) -> list[str]:
    found = []
    for i, one in enumerate(rules):
        for other in rules[i + 1 :]:
            if one.id == other.id and _overlap(one.regulation, other.regulation):
                found.append(
                    f"{other.regulation.file}: rule {one.id} is in force at the same time as in"
                    f" {one.regulation.file}; let `in_force.to` of the older end the day before"
                )
    return found


def _overlap(one: Regulation, other: Regulation) -> bool:
    starts = max(one.in_force_from or date.min, other.in_force_from or date.min)
    ends = min(one.in_force_to or date.max, other.in_force_to or date.max)
    return starts <= ends
