"""The law as data: rules with article and certainty, their regulations, and the versions in force.

`sla.regulations.loader` loads it from the files.
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
    """The law cannot be used as written; each line has file, line, rule, mistake and remedy."""


class LengthUnit(StrEnum):
    """The unit of a length: calendar days (`hari`) or working days (`hari kerja`)."""

    DAY = "day"
    WORKING_DAY = "working_day"


class Actor(StrEnum):
    """The party that must act before the deadline."""

    UNIT = "unit"
    SUPERIOR = "superior"
    """The superior of the responsible official: the regent, through the regional secretary."""
    LAPOR_ADMINISTRATOR = "lapor_administrator"
    COMPLAINANT = "complainant"
    SYSTEM = "system"


class Certainty(StrEnum):
    """How certain the wording of a rule is. The others than READ, SEEN and CONFIRMED are shown as
    'to be confirmed'.

    READ: the text of the law was read. SEEN: an official page or slide was read. CONFIRMED: a legal
    officer of the site has confirmed the rule; no file of regulations may say so.
    """

    READ = "read"
    SEEN = "seen"
    SECONDARY = "secondary"
    RECALLED = "recalled"
    CARRIED_OVER = "carried_over"
    CONFIRMED = "confirmed"

    @property
    def to_be_confirmed(self) -> bool:
        """Check whether a legal officer still has to read the official wording."""
        return self not in (Certainty.READ, Certainty.SEEN, Certainty.CONFIRMED)


OMBUDSMAN = frozenset(
    {
        "clarification_requested",
        "second_clarification_requested",
        "findings_received",
        "recommendation_received",
    }
)
"""The events by which the Ombudsman asks for something."""

FACTS = ("classification", "category", "channel", "system", "source", "unit", "unit_kind")
"""The facts of a complaint that `applies_when` may use."""

CLASSIFICATIONS = frozenset(
    {
        "complaint",
        "supervisory_complaint",
        "information_request",
        "aspiration",
        "whistleblowing",
    }
)
"""The classifications of SP4N-LAPOR!. The rules of a site may ask for others."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One deadline set by a regulation.

    The clock starts on the first event of `starts_on`. After it has ended, an event of
    `restarts_on` starts another. The clock stops on an event of `stops_on`. An event of
    `implied_by` proves that the stop came no later than itself. An event of `voids` ends the clock
    without a verdict. `pauses` are pairs of events: the first pauses the count, the second resumes
    it.

    A `promised` rule has no length: its due moment comes with the complaint, and is evaluated to
    the second. `lapse` is an event caused by the end of the deadline where the government is not
    the party late (deemed withdrawn, closed as done).

    `verb` says what to do, as an instruction ("verify and assign the report"). `severity` is the
    weight of the consequence, from 0 (none) to 3; mails list graver duties first.

    A rule that `overrides` another has the id of the other, and replaces it while it is in force.
    `basis` is the local regulation for this (Peraturan Bupati ... Nomor ... Tahun ...). `since` and
    `until` are its first and last day if it is in force for a shorter time than its regulation.
    `ended_by` cites the reason for the end if there is no later version.
    """

    id: str
    regulation: Regulation
    article: str
    label: Mapping[str, str]
    actor: Actor
    starts_on: frozenset[str]
    stops_on: frozenset[str]
    length: int
    unit: LengthUnit
    certainty: Certainty
    consequence: Mapping[str, str] = field(default_factory=dict)
    severity: int = 0
    verb: Mapping[str, str] = field(default_factory=dict)
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
        """Return the first day on which a clock of this version can start; None means always."""
        return self.since or self.regulation.in_force_from

    @property
    def in_force_to(self) -> date | None:
        """Return the last day on which a clock of this version can start; None means until further
        notice.
        """
        return self.until or self.regulation.in_force_to

    def in_force_on(self, day: date) -> bool:
        """Check whether the rule can apply to a clock that starts on this day."""
        begins, ends = self.in_force_from, self.in_force_to
        return (begins is None or begins <= day) and (ends is None or day <= ends)

    @property
    def citation(self) -> str:
        """Return the regulation and the article, as usually cited."""
        return f"{self.regulation.citation} {self.article}".strip()

    def citation_in(self, locale: str) -> str:
        """Return the citation for readers of a language: an article that is a remark in brackets is
        Indonesian, so others read only the regulation.
        """
        is_remark = self.article.startswith("(")
        return self.regulation.citation if is_remark and locale != "id" else self.citation

    @property
    def binds_provider(self) -> bool:
        """Check whether the government must act, and not the complainant or the system."""
        return self.actor in (Actor.UNIT, Actor.SUPERIOR, Actor.LAPOR_ADMINISTRATOR)

    @property
    def to_ombudsman(self) -> bool:
        """Check whether the duty is towards the Ombudsman: it starts on his request."""
        return bool(self.starts_on & OMBUDSMAN)

    @property
    def ends_on(self) -> frozenset[str]:
        """Return every kind of event that ends a clock, with any verdict."""
        return self.stops_on | self.implied_by | self.voids

    def is_longer_than(self, other: Rule) -> bool:
        """Check whether the rule allows more time; five working days are taken as seven days."""
        days = [
            rule.length * (7 if rule.unit is LengthUnit.WORKING_DAY else 5)
            for rule in (self, other)
        ]
        return not self.promised and not other.promised and days[0] > days[1]

    def applies_to(self, facts: Mapping[str, str | None], *, without: str = "") -> bool:
        """Check whether the rule applies to a complaint with these facts.

        The fact named by `without` is not asked.
        """
        return all(
            (facts.get(fact) or "") in wanted
            for fact, wanted in self.applies_when.items()
            if fact != without
        )


@dataclass(frozen=True, slots=True, eq=False)
class Regulation:
    """One version of a legal text, with its first day in force (or always) and its last (or
    open).
    """

    key: str
    title: str
    citation: str
    url: str
    in_force_from: date | None
    in_force_to: date | None
    file: str
    note: Mapping[str, str] = field(default_factory=dict)


class Span(NamedTuple):
    """A version of a rule and the days, both included, on which its clocks start."""

    first: date
    last: date
    rule: Rule

    @property
    def key(self) -> str:
        """Return the key of this version: the id of the rule and its first day."""
        return f"{self.rule.id}@{self.first.isoformat()}"


def rule_of(version: str) -> str:
    """Return the id of the rule from the key of one of its versions (:attr:`Span.key`)."""
    return version.partition("@")[0]


class Law:
    """All rules of a site, by id and version in force.

    While an overriding rule is in force, it applies. Before and after that, the original applies.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._versions: dict[str, list[Rule]] = {}
        for rule in self.rules:
            self._versions.setdefault(rule.id, []).append(rule)
        self._spans = {rule_id: _spans(rules) for rule_id, rules in self._versions.items()}
        self._starting = {
            rule_id: frozenset[str]().union(*(r.starts_on | r.restarts_on for r in rules))
            for rule_id, rules in self._versions.items()
        }
        self._pauses = {
            rule_id: frozenset(pair for rule in rules for pair in rule.pauses)
            for rule_id, rules in self._versions.items()
        }

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the rule ids, each once, in the order of the files."""
        return tuple(self._versions)

    def only_of(self, *actors: Actor) -> frozenset[str]:
        """Return the ids of the rules of which every version is a duty of one of these actors."""
        others = {rule.id for rule in self.rules if rule.actor not in actors}
        return frozenset(self.ids) - others

    @cached_property
    def lapsing(self) -> frozenset[str]:
        """Return the ids of the rules with a lapse: the end of their deadline causes an event."""
        return frozenset(rule.id for rule in self.rules if rule.lapse is not None)

    @cached_property
    def of_superiors(self) -> frozenset[str]:
        """Return the ids of the rules with a duty of superiors, not of the unit."""
        return frozenset(
            rule_id for rule_id in self.ids if self.last(rule_id).actor is Actor.SUPERIOR
        )

    @cached_property
    def of_administrators(self) -> frozenset[str]:
        """Return the ids of the rules with a duty of the administrators of LAPOR!."""
        return frozenset(
            rule_id for rule_id in self.ids if self.last(rule_id).actor is Actor.LAPOR_ADMINISTRATOR
        )

    @cached_property
    def classifications(self) -> frozenset[str]:
        """Return the classifications that rules ask for."""
        none: frozenset[str] = frozenset()
        asked = (rule.applies_when.get("classification", none) for rule in self.rules)
        return none.union(*asked)

    @cached_property
    def asked(self) -> tuple[str, ...]:
        """Return the names of the facts on which it depends whether any rule applies."""
        return tuple(sorted({fact for rule in self.rules for fact in rule.applies_when}))

    @property
    def overriding(self) -> tuple[Rule, ...]:
        """Return the rules of a site that replace others."""
        return tuple(rule for rule in self.rules if rule.overrides is not None)

    def versions(self, rule_id: str) -> tuple[Rule, ...]:
        """Return every version of a rule, including overriding ones; empty for an unknown rule."""
        return tuple(self._versions.get(rule_id, ()))

    def starting(self, rule_id: str) -> frozenset[str]:
        """Return the kinds of event that start or restart a clock of any version of a rule."""
        return self._starting.get(rule_id, frozenset())

    def pauses(self, rule_id: str) -> frozenset[tuple[str, str]]:
        """Return the pairs of events that begin and end a pause in any version of a rule."""
        return self._pauses.get(rule_id, frozenset())

    def spans(self, rule_id: str) -> tuple[Span, ...]:
        """Return the periods of each version in order of time, without overlaps.

        Some days may have no version.
        """
        return self._spans.get(rule_id, ())

    def on(self, rule_id: str, day: date) -> Rule | None:
        """Return the version of a rule for a clock that starts on this day; None if there is
        none.
        """
        for span in self._spans.get(rule_id, ()):
            if span.first <= day <= span.last:
                return span.rule
        return None

    def last(self, rule_id: str) -> Rule:
        """Return the newest version of a rule, used for its label if no day is given."""
        return self._spans[rule_id][-1].rule

    def overridden(self, rule_id: str, day: date) -> Rule | None:
        """Return the version that would apply on this day without the overrides of the site."""
        plain = (rule for rule in self.versions(rule_id) if rule.overrides is None)
        return next((rule for rule in plain if rule.in_force_on(day)), None)


def _spans(versions: Sequence[Rule]) -> tuple[Span, ...]:
    """Split time at each start and end of a version; overriding versions have priority."""
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
