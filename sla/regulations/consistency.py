"""Consistency checks between the rules of a law: overlaps, gaps, overrides without basis,
cycles.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import combinations, pairwise

from sla.error_text import did_you_mean
from sla.regulations.model import Law, Rule, Span
from sla.regulations.parser import Entry, LawText, Mistake
from sla.regulations.schema import COURSE_KEYS, RULE

Versions = Mapping[str, Sequence[Entry]]
"""The entries of each rule id."""

_ONE_DAY = timedelta(days=1)
_OF_THE_UNIT = {"unit", "unit_kind"}
"""The facts in `applies_when` that change when a complaint is assigned to another unit."""


def between(texts: Sequence[LawText], *, complete: bool = True) -> list[Mistake]:
    """Return the mistakes not visible in a single file.

    Rules with mistakes of their own are not checked. Missing rules and versions are reported only
    if the law is `complete` and every file of it is readable: otherwise they may exist in another
    file.
    """
    unclear = {rule_id for text in texts for rule_id in text.unclear}
    complete = complete and all(text.readable for text in texts)
    plain, overriding = _sorted_out(texts, unclear, overrides=False), _sorted_out(texts, unclear)
    found = [*_taken(plain)]
    originals = {
        rule_id: [one for one in entries if one.text.layer == entries[0].text.layer]
        for rule_id, entries in plain.items()
    }
    found += _overlaps(originals, "in force at the same time in")
    found += _overlaps(overriding, "overridden at the same time by")
    if complete:
        found += _gaps(originals)
        found += _without_ground(overriding, originals)
    found += _for_others(overriding, originals)
    found += _other_duties(overriding, originals)
    clear = (entry for text in texts for entry in text.entries if entry.rule.id not in unclear)
    found += _cycles(list(clear))
    return found


def _sorted_out(
    texts: Iterable[LawText], unclear: set[str], *, overrides: bool = True
) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    for text in texts:
        for entry in text.entries:
            if (entry.rule.overrides is not None) is overrides and entry.rule.id not in unclear:
                found[entry.rule.id].append(entry)
    return found


# --- versions -------------------------------------------------------------------------------------


def _begins(entry: Entry) -> date:
    return entry.rule.in_force_from or date.min


def _ends(entry: Entry) -> date:
    return entry.rule.in_force_to or date.max


def _overlaps(versions: Versions, how: str) -> Iterator[Mistake]:
    for rule_id, entries in versions.items():
        for older, newer in combinations(sorted(entries, key=_begins), 2):
            if _begins(newer) <= _ends(older):
                yield _overlap(f"{rule_id} is {how}", older, newer)


def _overlap(what: str, older: Entry, newer: Entry) -> Mistake:
    """Report an overlap at its remedy: the older version, because its end was not set in time."""
    begins = _begins(newer)
    if begins == _begins(older):
        words = f"{what} {older.place}; remove one, or give each days of its own by `in_force`"
        return newer.mistake_in_force(words)
    words = f"{what} {newer.place} from {begins} on"
    return older.mistake_in_force(
        f"{words}; let this one end the day before: in_force.to = {begins - _ONE_DAY}"
    )


def _gaps(versions: Versions) -> Iterator[Mistake]:
    for rule_id, entries in versions.items():
        for older, newer in pairwise(sorted(entries, key=_begins)):
            ended, begins = _ends(older), _begins(newer)
            if ended < begins - _ONE_DAY and not older.rule.ended_by:
                words = f"no version of {rule_id} is in force from {ended + _ONE_DAY} to"
                words += f" {begins - _ONE_DAY}, after {older.place}; let it begin the day after"
                words += ", or, if the rule had really ended, say there by what:"
                yield newer.mistake_in_force(f'{words} in_force.ended_by = "Putusan MA ..."')


# --- overrides ------------------------------------------------------------------------------------


def _taken(plain: Versions) -> Iterator[Mistake]:
    """Report rules with the id of a rule in an earlier folder, but without `overrides`."""
    for rule_id, entries in plain.items():
        for entry in entries:
            if entry.text.layer != entries[0].text.layer:
                words = f"{rule_id} is a rule of {entries[0].place} already; to replace it, write"
                words += f' overrides = "{rule_id}" and basis = {RULE["basis"].example}'
                yield entry.mistake(f"{words}; else give it another id", "id")


def _without_ground(overriding: Versions, originals: Versions) -> Iterator[Mistake]:
    names = {
        f"{entry.rule.regulation.key}/{entry.name}": rule_id
        for rule_id, entries in overriding.items()
        for entry in entries
    }
    for rule_id, entries in overriding.items():
        there = originals.get(rule_id)
        for entry in entries:
            if entry.text.layer == 0:
                words = "`overrides` in the first folder of the law: there is none before it;"
                words += " change the rule itself, or move this file to a folder of the site that"
                yield entry.mistake(f"{words} `regulations` in site.toml names", "overrides")
            elif there and there[0].text.layer >= entry.text.layer:
                words = f"`overrides` names {rule_id}, a rule of the same folder or a later one"
                words += f" ({there[0].place}); change it there"
                yield entry.mistake(words, "overrides")
            elif not there and names.get(rule_id, rule_id) != rule_id:
                words = f"`overrides` names {rule_id}, which itself overrides {names[rule_id]}"
                yield entry.mistake(f"{words}; name that one, or change the other", "overrides")
            elif not there:
                words = f"`overrides` names '{rule_id}', and there is no such rule"
                yield entry.mistake(f"{words}{did_you_mean(rule_id, originals)}", "overrides")


def _for_others(overriding: Versions, originals: Versions) -> Iterator[Mistake]:
    """Report overrides for other complaints than those of the original rule.

    For some complaints no version or two versions would apply.
    """
    for rule_id, entries in overriding.items():
        asked = [original.rule.applies_when for original in originals.get(rule_id, ())]
        for entry in entries:
            if asked and entry.rule.applies_when not in asked:
                words = f"`applies_when` is not that of {rule_id} ({_written(asked[-1])}); write"
                words += " the same, or, for some complaints only, add a rule without `overrides`"
                yield entry.mistake(words, "applies_when")


def _other_duties(overriding: Versions, originals: Versions) -> Iterator[Mistake]:
    """Report overrides with another actor or other events than the original rule.

    Whoever copies the wrong rule would make another duty of it. An override may say in
    `differs_in` that it is meant.
    """
    for rule_id, entries in overriding.items():
        for entry in entries:
            met = [one for one in originals.get(rule_id, ()) if _meets(one.rule, entry.rule)]
            differing = [_differing(entry, one) for one in met or originals.get(rule_id, ())]
            if not differing or not all(differing):
                continue
            original, keys = (met or originals[rule_id])[-1], differing[-1]
            values = ", ".join(f"{key} = {_value(original.rule, key)}" for key in keys)
            words = f"another duty than {rule_id}, which has: {values}. Copy these from"
            words += f" {original.text.path.name}; if your regulation differs in them, add"
            named = json.dumps(sorted({*keys, *entry.differs_in}, key=COURSE_KEYS.index))
            yield entry.mistake(f"{words} differs_in = {named}", keys[0])


def _meets(one: Rule, other: Rule) -> bool:
    """Check whether two rules are in force on a common day."""
    begins = max(rule.in_force_from or date.min for rule in (one, other))
    return begins <= min(rule.in_force_to or date.max for rule in (one, other))


def _differing(entry: Entry, original: Entry) -> list[str]:
    """Return the keys in which an override differs from the original without saying so."""
    return [
        key
        for key in COURSE_KEYS
        if key not in entry.differs_in
        and _comparable(entry.rule, key) != _comparable(original.rule, key)
    ]


def _comparable(rule: Rule, key: str) -> object:
    return frozenset(rule.pauses) if key == "pauses" else getattr(rule, key)


def _value(rule: Rule, key: str) -> str:
    """Return the value of a key as it is written in a file."""
    value = getattr(rule, key)
    if isinstance(value, frozenset):
        value = sorted(value)
    return json.dumps(value or [] if value is None else value)


def _written(applies_when: Mapping[str, frozenset[str]]) -> str:
    facts = [
        f"{fact} = {json.dumps(sorted(wanted), ensure_ascii=False)}"
        for fact, wanted in applies_when.items()
    ]
    return f"{{ {', '.join(facts)} }}" if facts else "it has none"


# --- cycles ---------------------------------------------------------------------------------------


def _cycles(entries: Sequence[Entry]) -> Iterator[Mistake]:
    """Report rules that start each other again and again through their lapses."""
    law = Law(entry.rule for entry in entries)
    written = {id(entry.rule): entry for entry in entries}
    spans = [span for rule_id in law.ids for span in law.spans(rule_id) if span.rule.lapse]
    for place, span in enumerate(spans):
        cycle = _cycle([span], spans[place:])
        if cycle:
            yield written[id(span.rule)].mistake(_round(cycle), "lapse")


def _cycle(chain: list[Span], spans: Sequence[Span]) -> list[Span] | None:
    """Return the chain, extended back to its first rule; None if it never returns there."""
    for span in spans:
        if chain[-1].rule.lapse in span.rule.starts_on | span.rule.restarts_on:
            if span is chain[0]:
                return chain
            if span not in chain and _meet([*chain, span]):
                grown = _cycle([*chain, span], spans)
                if grown:
                    return grown
    return None


def _meet(chain: Sequence[Span]) -> bool:
    """Check whether all rules of the chain can apply to one complaint at one time."""
    if max(span.first for span in chain) > min(span.last for span in chain):
        return False
    asked: dict[str, frozenset[str]] = {}
    for span in chain:
        for fact, wanted in span.rule.applies_when.items():
            asked[fact] = asked.get(fact, wanted) & wanted
    return all(wanted for fact, wanted in asked.items() if fact not in _OF_THE_UNIT)


def _round(cycle: Sequence[Span]) -> str:
    rules: list[Rule] = [span.rule for span in cycle]
    first, *others = rules
    text = f"running out brings '{first.lapse}', which starts"
    for rule in others:
        text += f" {rule.id}, whose running out brings '{rule.lapse}', which starts"
    again = "this rule again, without end" if others else "it again, without end"
    return f"{text} {again}; take the event out of `starts_on` or `restarts_on`, or drop `lapse`"
