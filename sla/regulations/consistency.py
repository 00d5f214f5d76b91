"""Consistency checks between the rules of a law: overlaps, gaps, cycles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import combinations, pairwise
from operator import attrgetter

from sla.regulations.model import Law, Rule, Span
from sla.regulations.overrides import originals_of
from sla.regulations.parser import Entry, LawText, Mistake
from sla.regulations.schema import RULE

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
    originals = originals_of([entry for entries in plain.values() for entry in entries])
    found += _overlaps(originals, "in force at the same time in")
    found += _overlaps(overriding, "overridden at the same time by")
    if complete:
        found += _gaps(originals)
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


def _overlaps(versions: Versions, how: str) -> Iterator[Mistake]:
    for rule_id, entries in versions.items():
        for older, newer in combinations(sorted(entries, key=attrgetter("first_day")), 2):
            if newer.first_day <= older.last_day:
                yield _overlap(f"{rule_id} is {how}", older, newer)


def _overlap(what: str, older: Entry, newer: Entry) -> Mistake:
    """Report an overlap at its remedy: the older version, because its end was not set in time."""
    begins = newer.first_day
    if begins == older.first_day:
        words = f"{what} {older.place}; remove one, or give each days of its own by `in_force`"
        return newer.mistake_in_force(words)
    words = f"{what} {newer.place} from {begins} on"
    return older.mistake_in_force(
        f"{words}; let this one end the day before: in_force.to = {begins - _ONE_DAY}"
    )


def _gaps(versions: Versions) -> Iterator[Mistake]:
    for rule_id, entries in versions.items():
        for older, newer in pairwise(sorted(entries, key=attrgetter("first_day"))):
            ended, begins = older.last_day, newer.first_day
            if ended < begins - _ONE_DAY and not older.rule.ended_by:
                words = f"no version of {rule_id} is in force from {ended + _ONE_DAY} to"
                words += f" {begins - _ONE_DAY}, after {older.place}; let it begin the day after"
                words += ", or, if the rule had really ended, say there by what:"
                yield newer.mistake_in_force(f'{words} in_force.ended_by = "Putusan MA ..."')


def _taken(plain: Versions) -> Iterator[Mistake]:
    """Report rules with the id of a rule in an earlier folder, but without `overrides`."""
    for rule_id, entries in plain.items():
        for entry in entries:
            if entry.text.layer != entries[0].text.layer:
                words = f"{rule_id} is a rule of {entries[0].place} already; to replace it, write"
                words += f' overrides = "{rule_id}" and basis = {RULE["basis"].example}'
                yield entry.mistake(f"{words}; else give it another id", "id")


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
