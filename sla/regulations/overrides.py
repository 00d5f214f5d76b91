"""Overrides: the rules of a site that replace others, and the keys that they inherit from them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from operator import attrgetter

from sla.error_text import did_you_mean
from sla.regulations.model import Law, Rule
from sla.regulations.parser import Entry, LawText, Mistake, WrittenRule, entry_of
from sla.regulations.rule_checks import is_whole, wrong_rule
from sla.regulations.schema import COURSE_KEYS, INHERITED_KEYS

Originals = Mapping[str, Sequence[Entry]]
"""The versions of each rule that an override may replace, by the id of the rule."""


def complete_overrides(
    texts: Sequence[LawText], kinds: Collection[str], *, complete: bool = True
) -> list[Mistake]:
    """Add each override to the rules of its file, with the keys that it inherits.

    Return the mistakes in overrides. Overrides of rules with mistakes are left out. If the law is
    not `complete`, or a file of it is not readable, the replaced version may be in another file:
    then only overrides that inherit nothing are checked.
    """
    unclear = {rule_id for text in texts for rule_id in text.unclear}
    complete = complete and all(text.readable for text in texts)
    originals = originals_of([entry for text in texts for entry in text.entries])
    overrides = [each for text in texts for each in text.overrides if each.rule_id not in unclear]
    names = {f"{each.text.head['key']}/{each.name}": each.rule_id for each in overrides}
    found: list[Mistake] = []
    for written in overrides:
        groundless = _without_ground(written, originals, names) if complete else None
        if groundless is not None:
            found.append(groundless)
        replaced = () if groundless else originals.get(written.rule_id, ())
        found += _complete(written, replaced, kinds, complete=complete)
    for text in texts:
        text.entries.sort(key=attrgetter("number"))
    return found


def originals_of(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Return the versions of each rule in the first folder that has it."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        versions = found[entry.rule.id]
        if not versions or versions[0].text.layer == entry.text.layer:
            versions.append(entry)
    return found


def _without_ground(
    written: WrittenRule, originals: Originals, names: Mapping[str, str]
) -> Mistake | None:
    """Return the reason why there is nothing that this override may replace."""
    rule_id, there = written.rule_id, originals.get(written.rule_id)
    if written.text.layer == 0:
        words = "`overrides` in the first folder of the law: there is none before it;"
        words += " change the rule itself, or move this file to a folder of the site that"
        words += " `regulations` in site.toml names"
    elif there and there[0].text.layer >= written.text.layer:
        words = f"`overrides` names {rule_id}, a rule of the same folder or a later one"
        words += f" ({there[0].place}); change it there"
    elif there:
        return None
    elif names.get(rule_id, rule_id) != rule_id:
        words = f"`overrides` names {rule_id}, which itself overrides {names[rule_id]}"
        words += "; name that one, or change the other"
    else:
        words = f"`overrides` names '{rule_id}', and there is no such rule"
        words += did_you_mean(rule_id, originals)
    return written.mistake(words, "overrides")


def _complete(
    written: WrittenRule, replaced: Sequence[Entry], kinds: Collection[str], *, complete: bool
) -> Iterator[Mistake]:
    """Add an override to the rules of its file, and yield its mistakes.

    A full copy of any version in force on its days is taken as it is written. Every other override
    inherits what it leaves out from the version in force on its first day, or else from the first
    version after that day.
    """
    met = [
        one
        for one in sorted(replaced, key=attrgetter("first_day"))
        if one.first_day <= written.last_day and written.first_day <= one.last_day
    ]
    may_inherit = complete and bool(met)
    if is_whole(written.table):
        entry = entry_of(written, written.table)
        found = _differences(entry, met or replaced, replaced)
        if not found or not may_inherit:
            written.text.entries.append(entry)
            yield from found
            return
    if may_inherit:
        yield from _inherit(written, met[0], replaced, kinds)
    elif replaced and complete:
        words = f"`overrides` names {written.rule_id}, and no version of it is in force on these"
        yield written.mistake_in_force(f"{words} days; correct `in_force`")


def _inherit(
    written: WrittenRule, original: Entry, replaced: Sequence[Entry], kinds: Collection[str]
) -> Iterator[Mistake]:
    """Add an override with the keys that it inherits from `original`, and yield its mistakes."""
    table = _inherited(written, original)
    mistakes = wrong_rule(table, written.text.head, kinds)
    for place, words in mistakes:
        yield written.mistake(words, *place)
    if not mistakes:
        entry = entry_of(written, table)
        written.text.entries.append(entry)
        yield from _differences(entry, [original], replaced)


def _inherited(written: WrittenRule, original: Entry) -> dict[str, object]:
    """Return the keys of an override with those that it inherits from a version of the original.

    A key in `differs_in` is not inherited.
    """
    keys = original.table.keys() & set(INHERITED_KEYS) - written.differs_in
    return {key: original.table[key] for key in keys} | dict(written.table)


def _differences(
    entry: Entry, versions: Sequence[Entry], replaced: Sequence[Entry]
) -> list[Mistake]:
    """Return the mistakes of an override for other complaints than every replaced version, or with
    another duty than each of `versions`.

    For some complaints no version or two versions would apply. A copy of the wrong rule would
    make another duty of it. An override may say in `differs_in` that it is meant.
    """
    found = []
    rule_id, asked = entry.rule.id, [one.rule.applies_when for one in replaced]
    if asked and entry.rule.applies_when not in asked:
        words = f"`applies_when` is not that of {rule_id} ({_written(asked[-1])}); leave it out,"
        words += " or, for some complaints only, add a rule without `overrides`"
        found.append(entry.mistake(words, "applies_when"))
    differing = [_differing(entry, one) for one in versions]
    if differing and all(differing):
        keys = differing[-1]
        values = ", ".join(f"{key} = {_value(versions[-1].rule, key)}" for key in keys)
        words = f"another duty than {rule_id}, which has: {values}. Leave these out, and they are"
        words += " taken over; if your regulation differs in them, add"
        named = json.dumps(sorted({*keys, *entry.differs_in}, key=COURSE_KEYS.index))
        found.append(entry.mistake(f"{words} differs_in = {named}", keys[0]))
    return found


def _differing(entry: Entry, original: Entry) -> list[str]:
    """Return the keys in which an override differs from the original without saying so."""
    keys = differing_keys(entry.rule, original.rule)
    return [key for key in keys if key not in entry.differs_in]


def differing_keys(one: Rule, other: Rule) -> list[str]:
    """Return the keys of actor and events in which two rules differ."""
    return [key for key in COURSE_KEYS if _comparable(one, key) != _comparable(other, key)]


def later_versions(law: Law, rule: Rule) -> Iterator[tuple[Rule, list[str]]]:
    """Yield the versions of the original that come into force during an override and have another
    actor or other events than the version before it, each with these keys.

    The override does not follow such a change by itself.
    """
    begins, ends = rule.in_force_from or date.min, rule.in_force_to or date.max
    plain = [each for each in law.versions(rule.id) if each.overrides is None]
    met = [
        each
        for each in sorted(plain, key=lambda each: each.in_force_from or date.min)
        if begins <= (each.in_force_to or date.max) and (each.in_force_from or date.min) <= ends
    ]
    for before, later in pairwise(met):
        new = set(differing_keys(later, rule))
        keys = [key for key in differing_keys(later, before) if key in new]
        if keys:
            yield later, keys


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
