"""Worked cases: what happened to a complaint, and how each rule must then stand.

They lie beside the law as TOML that a lawyer reads and adds to without Python: the facts, the
events, the moment at which one looks, and for each rule the day on which its clock started, the
day at whose end it is due, and its state. All are counted by hand; :func:`check` tells in words
where the engine comes to another answer. A site can keep cases for rules of its own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Any

from sla.deadline import Bench, Deadline, Facts, Policy, Reason, State
from sla.events import Event, Kind, Knowledge
from sla.judge import judge
from sla.regulations import Law
from sla.table import Table, nearest

SOURCE = "case"
"""The source of all events of a case: what stands in the same slot corrects what stood there."""

OPEN = "open"
"""How a case spells a due day that a pause leaves open."""

_CASE = ("name", "note", "facts", "policy", "known_until", "as_of", "events", "expect")
_FACTS = ("classification", "category", "channel", "source", "system", "shown_later")
_EVENT = ("kind", "at", "after", "history_unknown", "recorded", "unit", "slot", "retracted")
_EXPECT = (
    "rule", "clock", "none", "regulation", "started", "due", "state", "reasons", "unit",
    "answerable", "by_policy", "paused",
)  # fmt: skip


class CaseError(ValueError):
    """A file of cases cannot be used; each line names file, case, mistake and remedy."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """How one clock of one rule must stand, or that there is no such clock (`none`).

    Whatever is None is not asked for; `due_open` tells that a pause leaves the due day open.
    `regulation` is the citation of the version by which the clock is judged.
    """

    rule: str
    clock: int = 1
    none: bool = False
    regulation: str | None = None
    started: date | None = None
    due: date | None = None
    due_open: bool = False
    state: State | None = None
    reasons: frozenset[Reason] | None = None
    unit: str | None = None
    answerable: str | None = None
    by_policy: bool | None = None
    paused: bool | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One worked case: a complaint, what happened, and what the law says at `as_of`."""

    file: str
    name: str
    facts: Facts
    events: tuple[Event, ...]
    as_of: datetime
    expected: tuple[Expectation, ...]
    policy: Policy = Policy.BENEFIT_OF_DOUBT
    note: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.name}"


def read_cases(
    folder: Path, law: Law, zone: tzinfo, *, extra_kinds: Iterable[str] = ()
) -> tuple[Case, ...]:
    """Every case in the `*.toml` of a folder, its local times meant in `zone`.

    Raises :class:`CaseError` that lists every mistake found, with file, case and remedy.
    """
    if not folder.is_dir():
        raise CaseError(f"{folder}: no such folder of cases")
    cases: list[Case] = []
    mistakes: list[str] = []
    kinds = frozenset({*map(str, Kind), *extra_kinds})
    for path in sorted(folder.glob("*.toml")):
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except tomllib.TOMLDecodeError as error:
            mistakes.append(f"{path}: {error}")
        except UnicodeDecodeError as error:
            mistakes.append(f"{path}: not in UTF-8 ({error.reason}); save it as UTF-8")
        else:
            cases += _Reader(path, law, zone, kinds, mistakes).cases(data)
    if mistakes:
        raise CaseError("\n".join(mistakes))
    return tuple(cases)


def check(case: Case, bench: Bench) -> list[str]:
    """Where the engine's answer differs from the case, in words; empty where they agree.

    The case's policy stands in for the bench's. A clock that the case does not ask about may
    stand as it likes.
    """
    judged = judge(case.facts, case.events, replace(bench, policy=case.policy), case.as_of)
    found = {(deadline.rule.id, deadline.clock): deadline for deadline in judged}
    return [
        difference
        for wanted in case.expected
        for difference in _differences(wanted, found.get((wanted.rule, wanted.clock)), bench)
    ]


def _differences(wanted: Expectation, found: Deadline | None, bench: Bench) -> list[str]:
    where = f"{wanted.rule}, clock {wanted.clock}"
    if found is None:
        return [] if wanted.none else [f"{where}: there should be such a clock, and there is none"]
    if wanted.none:
        return [f"{where}: there should be no such clock, and there is one, {_told(found, bench)}"]
    pairs: list[tuple[str, object, object]] = [
        ("regulation", wanted.regulation, found.rule.regulation.citation),
        ("started", wanted.started, _day(found.started, bench)),
        ("due", OPEN if wanted.due_open else wanted.due, _due(found, bench)),
        ("state", wanted.state, found.state),
        ("reasons", _listed(wanted.reasons), _listed(found.reasons)),
        ("unit", wanted.unit, found.unit),
        ("answerable", wanted.answerable, found.answerable),
        ("by_policy", wanted.by_policy, found.by_policy),
        ("paused", wanted.paused, found.paused),
    ]
    return [
        f"{where}: `{name}` should be {should}, and is {does} ({_told(found, bench)})"
        for name, should, does in pairs
        if should is not None and should != does
    ]


def _day(moment: datetime, bench: Bench) -> date:
    return date.fromordinal(bench.day(moment))


def _due(found: Deadline, bench: Bench) -> date | str:
    if found.due is None:
        return OPEN
    day = bench.day(found.due)
    if found.rule.promised or found.due == bench.end_of(day):
        return date.fromordinal(day)
    return f"{found.due.astimezone(bench.zone)}, which is not the end of a day"


def _listed(reasons: Iterable[Reason] | None) -> str | None:
    return None if reasons is None else ", ".join(sorted(reasons)) or "none"


def _told(found: Deadline, bench: Bench) -> str:
    """The deadline in short, for whoever must find out who is right."""
    stopped = found.stopped and f", stopped {found.stopped.astimezone(bench.zone):%Y-%m-%d %H:%M}"
    return (
        f"{found.state}: started {_day(found.started, bench)}, due {_due(found, bench)}"
        f"{stopped or ''}, reasons {_listed(found.reasons)}"
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one file of cases; every mistake goes to `mistakes`."""

    path: Path
    law: Law
    zone: tzinfo
    kinds: frozenset[str]
    mistakes: list[str]

    def cases(self, data: Mapping[str, Any]) -> list[Case]:
        for key in data.keys() - {"case"}:
            self.mistakes.append(f"{self.path}: `{key}` is not a case; a case begins with [[case]]")
        entries = data.get("case", [])
        if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
            self.mistakes.append(f"{self.path}: a case begins with [[case]], in double brackets")
            return []
        read: list[Case] = []
        names: set[str] = set()
        for number, entry in enumerate(entries, start=1):
            where = f"{self.path}: case '{entry.get('name') or number}'"
            table = Table(where, entry, self.mistakes)
            before = len(self.mistakes)
            case = self._case(table)
            if entry.get("name") in names:
                table.wrong("another case of this file has the same name; give it one of its own")
            names.add(str(entry.get("name")))
            if case is not None and len(self.mistakes) == before:
                read.append(case)
        return read

    def _case(self, table: Table) -> Case | None:
        table.known_keys(_CASE)
        name = table.text("name", needed=True)
        as_of = table.moment("as_of", self.zone, needed=True)
        known_until = table.moment("known_until", self.zone)
        events = [self._event(entry) for entry in self._entries(table, "events", "an event")]
        expected = [
            self._expectation(entry)
            for entry in self._entries(table, "expect", "what is expected, in [[case.expect]]")
        ]
        policy = table.word("policy", Policy) or Policy.BENEFIT_OF_DOUBT
        facts = replace(self._facts(table), known_until=known_until)
        note = table.text("note") or ""
        if name is None or as_of is None:
            return None
        found_events = tuple(event for event in events if event is not None)
        found_expected = tuple(wanted for wanted in expected if wanted is not None)
        return Case(
            self.path.name, name, facts, found_events, as_of, found_expected, policy, note
        )  # fmt: skip

    def _entries(self, table: Table, key: str, what: str) -> list[Table]:
        """The tables of a list, which must hold at least one."""
        entries = table.values.get(key)
        if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
            table.wrong(f"`{key}` must be a list of tables: give {what}")
            return []
        if not entries:
            table.wrong(f"`{key}` is empty: give {what}")
        return [
            Table(f"{table.where}: {key} {number}", entry, self.mistakes)
            for number, entry in enumerate(entries, start=1)
        ]

    def _facts(self, table: Table) -> Facts:
        given = table.values.get("facts", {})
        if not isinstance(given, dict):
            table.wrong('`facts` must be a table; write facts = { classification = "complaint" }')
            return Facts()
        facts = Table(f"{table.where}: facts", given, self.mistakes)
        facts.known_keys(_FACTS)
        later = given.get("shown_later", {})
        if not isinstance(later, dict):
            facts.wrong("`shown_later` must be a table; write shown_later = { settled = 10 }")
            later = {}
        for kind, days in later.items():
            self._known_kind(facts, kind)
            if type(days) is not int or days < 0:
                facts.wrong(f"`shown_later` says {days!r} for {kind}; write a number of days")
        return Facts(
            classification=facts.text("classification"),
            category=facts.text("category"),
            channel=facts.text("channel"),
            source=facts.text("source"),
            system=facts.text("system"),
            shown_later=later,
        )

    def _event(self, table: Table) -> Event | None:
        table.known_keys(_EVENT)
        kind = table.text("kind", needed=True)
        at = table.moment("at", self.zone, needed=True)
        after = table.moment("after", self.zone)
        unknown = table.flag("history_unknown")
        recorded = table.moment("recorded", self.zone)
        slot = table.text("slot") or ""
        retracted = table.flag("retracted") or False
        unit = table.text("unit")
        if kind is not None:
            self._known_kind(table, kind)
        if retracted and not slot:
            table.wrong("`retracted` takes back what a slot said; name the slot, the same in both")
            return None
        if unknown and after is None:
            table.wrong("`history_unknown` needs `after`, the earliest moment it can have been")
            return None
        if after is not None and at is not None and after >= at:
            table.wrong(f"`after` ({after:%Y-%m-%d %H:%M}) is not before `at`; change one of them")
            return None
        if kind is None or at is None:
            return None
        knowledge = Knowledge.GIVEN if after is None else Knowledge.OBSERVED
        return Event(
            kind=kind,
            latest=at,
            recorded_at=recorded or at,
            source=SOURCE,
            earliest=after,
            knowledge=Knowledge.UNKNOWN if unknown else knowledge,
            unit=unit,
            slot=slot,
            retracted=retracted,
        )

    def _known_kind(self, table: Table, kind: str) -> None:
        if kind not in self.kinds:
            table.wrong(f"unknown event '{kind}'{nearest(kind, self.kinds)}")

    def _expectation(self, table: Table) -> Expectation | None:
        table.known_keys(_EXPECT)
        rule = table.text("rule", needed=True)
        if rule is not None and rule not in self.law.ids:
            table.wrong(f"unknown rule '{rule}'{nearest(rule, self.law.ids)}")
        clock = table.number("clock") or 1
        none = table.flag("none") or False
        if none:
            for key in table.values.keys() - {"rule", "clock", "none"}:
                table.wrong(f"`none` says that there is no clock, so leave out `{key}`")
        state = table.word("state", State, needed=not none)
        regulation = table.text("regulation")
        cited = {version.regulation.citation for version in self.law.versions(rule or "")}
        if regulation is not None and cited and regulation not in cited:
            table.wrong(f"`regulation` is '{regulation}'{nearest(regulation, cited)}")
        due_open = table.values.get("due") == OPEN
        reasons = self._reasons(table)
        return Expectation(
            rule=rule or "",
            clock=clock,
            none=none,
            regulation=regulation,
            started=table.day("started"),
            due=None if due_open else table.day("due"),
            due_open=due_open,
            state=state,
            reasons=reasons,
            unit=table.text("unit"),
            answerable=table.text("answerable"),
            by_policy=table.flag("by_policy"),
            paused=table.flag("paused"),
        )

    def _reasons(self, table: Table) -> frozenset[Reason] | None:
        given = table.values.get("reasons")
        if given is None:
            return None
        if not isinstance(given, list):
            table.wrong(f'`reasons` is {given!r}; write a list, as in reasons = ["voided"]')
            return None
        words = [table.one_of("reasons", word, Reason) for word in given]
        return frozenset(word for word in words if word is not None)
