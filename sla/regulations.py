"""The law as data: rules with article and certainty, the texts that set them, versions in force.

`sla.lawbook` reads it from the files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple


class RegulationError(ValueError):
    """The law cannot be used as written; each line names file, line, rule, mistake and remedy."""


class Unit(StrEnum):
    """What a length counts: calendar days (`hari`) or working days (`hari kerja`)."""

    DAY = "day"
    WORKING_DAY = "working_day"


class Actor(StrEnum):
    """Who must act before the deadline."""

    UNIT = "unit"
    LAPOR_ADMINISTRATOR = "lapor_administrator"
    COMPLAINANT = "complainant"
    SYSTEM = "system"


class Certainty(StrEnum):
    """How surely the wording is known; all but SEEN are shown as 'to be confirmed'."""

    SEEN = "seen"
    SECONDARY = "secondary"
    RECALLED = "recalled"
    CARRIED_OVER = "carried_over"

    @property
    def to_be_confirmed(self) -> bool:
        """Whether a legal officer has still to read the official wording."""
        return self is not Certainty.SEEN


FACTS = ("classification", "category", "channel", "system", "source", "unit", "unit_kind")
"""What `applies_when` may ask about a complaint."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One deadline that a regulation sets.

    The clock starts on the first event of `starts_on` (again on one of `restarts_on` after it
    has ended) and stops on one of `stops_on`. Events in `implied_by` prove that the stop came no
    later than they did; events in `voids` end the clock without a verdict. `pauses` are pairs of
    events that stop and resume the count. A `promised` rule has no length: its due moment came
    with the complaint, and is judged to the second. `lapse` is the event that running out brings
    about where nobody of the government is late (deemed withdrawn, closed as done).

    A rule that `overrides` another bears the id of that one, and replaces it while it is in
    force; `basis` is the local regulation that allows it (Peraturan Bupati ... Nomor ... Tahun
    ...). `since` and `until` are days of its own, where it is in force for less than its text;
    `ended_by` cites what ended it where no later version takes it up.
    """

    id: str
    regulation: Regulation
    article: str
    label: Mapping[str, str]
    actor: Actor
    starts_on: frozenset[str]
    stops_on: frozenset[str]
    length: int
    unit: Unit
    certainty: Certainty
    consequence: Mapping[str, str] = field(default_factory=dict)
    applies_when: Mapping[str, frozenset[str]] = field(default_factory=dict)
    restarts_on: frozenset[str] = frozenset()
    implied_by: frozenset[str] = frozenset()
    voids: frozenset[str] = frozenset()
    pauses: tuple[tuple[str, str], ...] = ()
    roll: bool = False
    lapse: str | None = None
    promised: bool = False
    overrides: str | None = None
    basis: str = ""
    since: date | None = None
    until: date | None = None
    ended_by: str = ""

    @property
    def in_force_from(self) -> date | None:
        """The first day on which a clock can start under it; None for 'always'."""
        return self.since or self.regulation.in_force_from

    @property
    def in_force_to(self) -> date | None:
        """The last such day; None for 'until further'."""
        return self.until or self.regulation.in_force_to

    def in_force_on(self, day: date) -> bool:
        """Whether it can apply to a clock that starts on this day."""
        begins, ends = self.in_force_from, self.in_force_to
        return (begins is None or begins <= day) and (ends is None or day <= ends)

    @property
    def citation(self) -> str:
        """The article and the regulation, as one cites them."""
        return f"{self.regulation.citation} {self.article}".strip()

    @property
    def binds_provider(self) -> bool:
        """Whether it is the government that must act, and not the complainant or the system."""
        return self.actor in (Actor.UNIT, Actor.LAPOR_ADMINISTRATOR)

    @property
    def ends_on(self) -> frozenset[str]:
        """Every kind of event that ends a clock, whatever the verdict."""
        return self.stops_on | self.implied_by | self.voids

    def applies_to(self, facts: Mapping[str, str | None]) -> bool:
        """Whether a complaint with these facts falls under the rule."""
        return all((facts.get(fact) or "") in wanted for fact, wanted in self.applies_when.items())


@dataclass(frozen=True, slots=True, eq=False)
class Regulation:
    """One version of a legal text: in force from a day (or always) to a day (or until further)."""

    key: str
    title: str
    citation: str
    url: str
    in_force_from: date | None
    in_force_to: date | None
    file: str
    note: str = ""


class Span(NamedTuple):
    """The days, both included, on which a clock must start to be judged by this version."""

    first: date
    last: date
    rule: Rule


class Law:
    """All rules of a site, by id and version in force.

    While a rule that overrides is in force it applies, before and after it what it overrides.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._versions: dict[str, list[Rule]] = {}
        for rule in self.rules:
            self._versions.setdefault(rule.id, []).append(rule)
        self._spans = {rule_id: _spans(rules) for rule_id, rules in self._versions.items()}

    @property
    def ids(self) -> tuple[str, ...]:
        """The rule ids, each once, in the order of the files."""
        return tuple(self._versions)

    @cached_property
    def lapsing(self) -> frozenset[str]:
        """The rules that bring about an event by running out."""
        return frozenset(rule.id for rule in self.rules if rule.lapse is not None)

    @property
    def overriding(self) -> tuple[Rule, ...]:
        """The rules of a site that replace others."""
        return tuple(rule for rule in self.rules if rule.overrides is not None)

    def versions(self, rule_id: str) -> tuple[Rule, ...]:
        """Every version of a rule, what overrides it too; empty where there is no such rule."""
        return tuple(self._versions.get(rule_id, ()))

    def spans(self, rule_id: str) -> tuple[Span, ...]:
        """Which version applies when: in order of time, no day twice; days may lack a version."""
        return self._spans.get(rule_id, ())

    def on(self, rule_id: str, day: date) -> Rule | None:
        """The version of a rule that applies to a clock that starts on this day."""
        for span in self._spans.get(rule_id, ()):
            if span.first <= day <= span.last:
                return span.rule
        return None

    def last(self, rule_id: str) -> Rule:
        """The newest version of a rule, for its label where no day is given."""
        return self._spans[rule_id][-1].rule

    def overridden(self, rule_id: str, day: date) -> Rule | None:
        """The version that would apply on this day if no site overrode the rule."""
        plain = (rule for rule in self.versions(rule_id) if rule.overrides is None)
        return next((rule for rule in plain if rule.in_force_on(day)), None)


def _spans(versions: Sequence[Rule]) -> tuple[Span, ...]:
    """Cuts time wherever a version begins or ends; in each piece the first that applies rules."""
    ranked = sorted(versions, key=lambda rule: rule.overrides is None)
    never = date.max.toordinal() + 1
    cuts = {date.min.toordinal(), never}
    cuts |= {rule.in_force_from.toordinal() for rule in versions if rule.in_force_from}
    cuts |= {rule.in_force_to.toordinal() + 1 for rule in versions if rule.in_force_to}
    found: list[Span] = []
    for begins, following in pairwise(sorted(cuts)):
        first, last = date.fromordinal(begins), date.fromordinal(following - 1)
        rule = next((rule for rule in ranked if rule.in_force_on(first)), None)
        if rule is None:
            continue
        if found and found[-1].rule is rule and found[-1].last.toordinal() + 1 == begins:
            found[-1] = found[-1]._replace(last=last)
        else:
            found.append(Span(first, last, rule))
    return tuple(found)
