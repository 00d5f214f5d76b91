"""The checks of a regulation and of its rules, each with the remedy of a mistake."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any

from sla.error_text import did_you_mean
from sla.regulations.model import FACTS, Actor, Certainty, LengthUnit
from sla.regulations.schema import (
    COURSE_KEYS,
    EVENT_KEYS,
    HEAD,
    RULE,
    Found,
    shown,
    wrong_days,
    wrong_keys,
    wrong_texts,
    wrong_values,
)

LONGEST = 10_000
"""The largest allowed length, in days. It is 27 years; the longest length in the law is 60 days, so
a larger number is a typing error."""

_WORDS: Mapping[str, Collection[str]] = {
    "actor": list(Actor),
    "certainty": [each for each in Certainty if each is not Certainty.CONFIRMED],
    "unit": list(LengthUnit),
    "roll": ["next"],
}
GRAVEST = 3
"""The highest severity: removal from office, or a public report to parliament."""
_IN_RULE = dict.fromkeys(RULE.keys() - HEAD.keys(), "a [[rule]]")
_IN_HEAD = dict.fromkeys(HEAD.keys() - RULE.keys(), "[regulation]")


def wrong_head(head: Mapping[str, Any], rules: Any) -> Iterator[Found]:
    """Yield the mistakes in a [regulation] with these rules."""
    yield from wrong_keys(head, HEAD, ("key", "title", "citation"), _IN_RULE)
    yield from wrong_days(head.get("in_force", {}))
    yield from wrong_texts(head, ("note",), HEAD)
    yield from _wrong_basis(head)
    whom = head.get("overrides")
    if isinstance(whom, str) and "/" in whom:
        words = f"`overrides` is '{whom}'; here it names a regulation"
        yield ("overrides",), f"{words}, as in {HEAD['overrides'].example}; in a rule, a rule"
    if whom is not None and "basis" not in head:
        yield ("overrides",), _needs_basis()
    tables = [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
    if "basis" in head and whom is None and not any("overrides" in rule for rule in tables):
        words = "`basis`, and nothing here overrides a rule"
        yield ("basis",), f"{words}; add `overrides`, or remove it"


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
    if "differs_in" in rule and "overrides" not in rule and "overrides" not in head:
        words = "`differs_in` without `overrides`: it says in which keys a rule differs from the"
        yield ("differs_in",), f"{words} one that it replaces; remove it"
    yield from _wrong_basis(rule)


def _outside(rule: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[Found]:
    """Yield days of a rule outside those of its regulation."""
    own, whole = rule.get("in_force", {}), head.get("in_force", {})
    if not isinstance(own, dict) or not isinstance(whole, dict):
        return
    if [*wrong_days(own), *wrong_days(whole)]:
        return
    begins, ends = whole.get("from", date.min), whole.get("to", date.max)
    for key in ("from", "to"):
        if key in own and not begins <= own[key] <= ends:
            words = f"`in_force.{key}` is {own[key]}, when [regulation] is not in force"
            yield ("in_force", key), f"{words}; correct one of the two"


def is_whole(rule: Mapping[str, Any]) -> bool:
    """Check whether a [[rule]] has every key that a rule needs, and so has no need to inherit."""
    return all(rule.get(key) for key in _needed(rule))


def _needed(rule: Mapping[str, Any], *, inherits: bool = False) -> list[str]:
    if inherits:
        return ["id", "article", "certainty"]
    keys = ["id", "article", "label", "actor", "starts_on", "stops_on", "certainty"]
    return keys if rule.get("promised") else [*keys, "length", "unit"]


def wrong_rule(
    rule: Mapping[str, Any],
    head: Mapping[str, Any],
    kinds: Collection[str],
    *,
    inherits: bool = False,
) -> list[Found]:
    """Return the mistakes in a [[rule]] of this [regulation]; `kinds` are the events it may
    name.

    A rule that `inherits` takes the keys that it leaves out from the rule that it replaces.
    """
    needed = _needed(rule, inherits=inherits)
    found = list(wrong_keys(rule, RULE, needed, _IN_HEAD))
    ill = {place[0] for place, _ in found if place}
    sound = {key: value for key, value in rule.items() if key not in ill}
    found += wrong_values(sound)
    ill |= {place[0] for place, _ in found if place}
    sound = {key: value for key, value in rule.items() if key not in ill}
    found += [*_wrong_words(sound, kinds), *_wrong_course(sound), *_wrong_differences(sound)]
    return [*found, *_wrong_override(rule, head), *_outside(rule, head)]


def _wrong_words(rule: Mapping[str, Any], kinds: Collection[str]) -> Iterator[Found]:
    """Yield unknown words in keys with the right type."""
    for key in EVENT_KEYS:
        for place, kind in enumerate(rule.get(key, [])):
            if kind not in kinds:
                words = f"`{key}` names the unknown event '{kind}'"
                yield (key, place), f"{words}{did_you_mean(kind, kinds)}"
    for place, pair in enumerate(rule.get("pauses", [])):
        for end, kind in enumerate(pair):
            if kind not in kinds:
                words = f"`pauses` names the unknown event '{kind}'{did_you_mean(kind, kinds)}"
                yield ("pauses", place, end), words
    if not 0 <= rule.get("severity", 0) <= GRAVEST:
        words = f"`severity` is {rule['severity']}; write a whole number from 0 to {GRAVEST}"
        yield ("severity",), words
    lapse = rule.get("lapse")
    if lapse is not None and lapse not in kinds:
        yield ("lapse",), f"`lapse` names the unknown event '{lapse}'{did_you_mean(lapse, kinds)}"
    for key, known in _WORDS.items():
        if key in rule and rule[key] not in known:
            yield (key,), f"`{key}` is '{rule[key]}'{did_you_mean(rule[key], known)}"
    for fact in rule.get("applies_when", {}):
        if fact not in FACTS:
            words = f"`applies_when` cannot ask for '{fact}'{did_you_mean(fact, FACTS)}"
            yield ("applies_when", fact), words


def _wrong_differences(rule: Mapping[str, Any]) -> Iterator[Found]:
    for place, key in enumerate(rule.get("differs_in", [])):
        if key not in COURSE_KEYS:
            words = f"`differs_in` names {shown(key)}; it may name {', '.join(COURSE_KEYS)}"
            yield ("differs_in", place), words


def _wrong_course(rule: Mapping[str, Any]) -> Iterator[Found]:
    """Yield the reasons why a clock of the rule cannot start, run or stop."""
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
    if "lapse" in rule and rule.get("actor") in (
        Actor.UNIT,
        Actor.SUPERIOR,
        Actor.LAPOR_ADMINISTRATOR,
    ):
        words = f"`lapse` never comes where {rule['actor']} must act: a missed deadline is a breach"
        yield ("lapse",), f"{words}; remove it, or name another actor"
    yield from wrong_days(rule.get("in_force", {}))
