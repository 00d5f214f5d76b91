"""Worked cases: the history of a complaint, and the state each rule must then have.

The cases are TOML files next to the regulations. A lawyer can read and add them without knowing
Python. A case has the facts, the events, the time of the evaluation, and for each rule the day on
which its clock started, the day at the end of which it is due, and its state. The expected values
are counted by hand. :func:`check` explains each difference from the result of the engine. A site
can keep cases for its own rules.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Any

from sla.calendar import OutsideCalendar
from sla.engine.context import ComplaintFacts, EvaluationContext, Policy
from sla.engine.deadline import Deadline, Reason, State
from sla.engine.evaluate import evaluate
from sla.error_text import did_you_mean
from sla.events import Event, ImpossibleHistory, Kind, Knowledge
from sla.regulations.model import Law
from sla.regulations.parser import Mistake
from sla.regulations.schema import shown
from sla.regulations.toml_errors import explain
from sla.regulations.toml_lines import TomlLines
from sla.regulations.toml_table import Place, TomlTable

SOURCE = "case"
"""The source of all events of a case. A later event of the same field replaces the earlier one."""

OPEN = "open"
"""The due day, in a case, of a deadline that is left open by a pause."""

_CASE = ("name", "note", "facts", "policy", "known_until", "as_of", "events", "expect")
_FACTS = ("classification", "category", "channel", "source", "system", "shown_later")
_EVENT = ("kind", "at", "after", "history_unknown", "recorded", "unit", "source_field", "retracted")
_EXPECT = (
    "rule",
    "clock",
    "none",
    "regulation",
    "started",
    "due",
    "state",
    "reasons",
    "unit",
    "answerable",
    "by_policy",
    "paused",
)


class CaseError(ValueError):
    """A file of cases cannot be used; each line has the place, the case, the mistake and the
    remedy.
    """


@dataclass(frozen=True, slots=True)
class Expectation:
    """The expected state of one clock of one rule, or the expectation of no such clock (`none`).

    A field with the value None is not checked. `due_open` is true if a pause leaves the due day
    open. `regulation` is the citation of the version used for the evaluation.
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
class WorkedCase:
    """One worked case: a complaint, its events, and the expected result at `as_of`."""

    file: str
    name: str
    facts: ComplaintFacts
    events: tuple[Event, ...]
    as_of: datetime
    expected: tuple[Expectation, ...]
    policy: Policy = Policy.BENEFIT_OF_DOUBT
    note: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.name}"


def read_cases(
    folder: Path, law: Law, zone: tzinfo, *, extra_kinds: Iterable[str] = ()
) -> tuple[WorkedCase, ...]:
    """Read every case in the `*.toml` files of a folder. Local times are in `zone`.

    Raises :class:`CaseError` with every mistake found, each with file, line, case and remedy.
    """
    if not folder.is_dir():
        raise CaseError(f"{folder}: no such folder of cases")
    kinds = frozenset({*map(str, Kind), *extra_kinds})
    cases: list[WorkedCase] = []
    mistakes: list[Mistake] = []
    for path in sorted(folder.glob("*.toml")):
        reader = _Reader(path, law, zone, kinds)
        cases += reader.read()
        mistakes += sorted(reader.mistakes, key=lambda mistake: mistake.line or 0)
    if mistakes:
        raise CaseError("\n".join(map(str, mistakes)))
    return tuple(cases)


def check(case: WorkedCase, context: EvaluationContext) -> list[str]:
    """Compare the result of the engine with the case; return one text per difference.

    The list is empty if they agree. The policy of the case replaces the policy of the evaluation
    context. Clocks not mentioned in the case are not checked.
    """
    try:
        deadlines = evaluate(
            case.facts, case.events, replace(context, policy=case.policy), case.as_of
        )
    except (ImpossibleHistory, OutsideCalendar) as error:
        return [f"the engine cannot evaluate the case: {error}"]
    found = {deadline.key: deadline for deadline in deadlines}
    return [
        difference
        for wanted in case.expected
        for difference in _differences(wanted, found.get((wanted.rule, wanted.clock)), context)
    ]


def _differences(
    wanted: Expectation, found: Deadline | None, context: EvaluationContext
) -> list[str]:
    where = f"{wanted.rule}, clock {wanted.clock}"
    if found is None:
        return [] if wanted.none else [f"{where}: there should be such a clock, and there is none"]
    if wanted.none:
        return [
            f"{where}: there should be no such clock, and there is one,"
            f" {_described(found, context)}"
        ]
    pairs: list[tuple[str, object, object]] = [
        ("regulation", wanted.regulation, found.rule.regulation.citation),
        ("started", wanted.started, _day(found.started, context)),
        ("due", OPEN if wanted.due_open else wanted.due, _due(found, context)),
        ("state", wanted.state, found.state),
        ("reasons", _listed(wanted.reasons), _listed(found.reasons)),
        ("unit", wanted.unit, found.unit),
        ("answerable", wanted.answerable, found.answerable),
        ("by_policy", wanted.by_policy, found.by_policy),
        ("paused", wanted.paused, found.paused),
    ]
    return [
        f"{where}: `{name}` should be {should}, and is {does} ({_described(found, context)})"
        for name, should, does in pairs
        if should is not None and should != does
    ]


def _day(moment: datetime, context: EvaluationContext) -> date:
    return date.fromordinal(context.day(moment))


def _due(found: Deadline, context: EvaluationContext) -> date | str:
    if found.due is None:
        return OPEN
    day = context.day(found.due)
    if found.rule.promised or found.due == context.end_of(day):
        return date.fromordinal(day)
    return f"{found.due.astimezone(context.zone)}, which is not the end of a day"


def _listed(reasons: Iterable[Reason] | None) -> str | None:
    return None if reasons is None else ", ".join(sorted(reasons)) or "none"


def _described(found: Deadline, context: EvaluationContext) -> str:
    """Format the deadline in short, for the person looking for the cause of a difference."""
    stopped = found.stopped and f", stopped {found.stopped.astimezone(context.zone):%Y-%m-%d %H:%M}"
    return (
        f"{found.state}: started {_day(found.started, context)}, due {_due(found, context)}"
        f"{stopped or ''}, reasons {_listed(found.reasons)}"
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the cases of one file and collects every mistake in `mistakes`."""

    path: Path
    law: Law
    zone: tzinfo
    kinds: frozenset[str]
    mistakes: list[Mistake] = field(default_factory=list)

    def read(self) -> list[WorkedCase]:
        text, data = self._tables()
        if data is None:
            return []
        lines = TomlLines(text)

        def tell(place: Place, words: str) -> None:
            self.mistakes.append(Mistake(self.path, lines.of(*place), words))

        for key in data.keys() - {"case"}:
            tell((key,), f"`{key}` is not a case; a case begins with [[case]]")
        entries = data.get("case", [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            tell(("case",), "a case begins with [[case]], in double brackets")
            return []
        read: list[WorkedCase] = []
        names: set[str] = set()
        for number, entry in enumerate(entries):
            name = str(entry.get("name") or number + 1)
            table = TomlTable(f"case '{name}'", entry, ("case", number), tell)
            before = len(self.mistakes)
            case = self._case(table)
            if name in names:
                table.wrong("another case of this file has the same name; give it its own", "name")
            names.add(name)
            if case is not None and len(self.mistakes) == before:
                read.append(case)
        return read

    def _tables(self) -> tuple[str, dict[str, Any] | None]:
        text = ""
        try:
            text = self.path.read_text(encoding="utf-8-sig")  # some editors write a byte order mark
            return text, tomllib.loads(text)
        except UnicodeDecodeError as error:
            words = f"not in UTF-8 ({error.reason}); save it as UTF-8"
            self.mistakes.append(Mistake(self.path, None, words))
        except tomllib.TOMLDecodeError as error:
            self.mistakes.append(Mistake(self.path, *explain(error, text)))
        return text, None

    def _case(self, table: TomlTable) -> WorkedCase | None:
        table.known_keys(_CASE)
        name = table.text("name", needed=True)
        as_of = table.moment("as_of", self.zone, needed=True)
        events = [self._event(entry) for entry in table.tables("events", "what happened")]
        expected = [
            self._expectation(entry)
            for entry in table.tables("expect", "what is expected, each in a [[case.expect]]")
        ]
        policy = table.word("policy", Policy) or Policy.BENEFIT_OF_DOUBT
        facts = self._facts(table)
        note = table.text("note") or ""
        if name is None or as_of is None:
            return None
        return WorkedCase(
            file=self.path.name,
            name=name,
            facts=facts,
            events=tuple(event for event in events if event is not None),
            as_of=as_of,
            expected=tuple(expected),
            policy=policy,
            note=note,
        )

    def _facts(self, table: TomlTable) -> ComplaintFacts:
        facts = table.table("facts", '{ classification = "complaint" }')
        facts.known_keys(_FACTS)
        later = facts.table("shown_later", "{ settled = 10 }")
        for kind in later.values:
            self._known_kind(later, kind)
        return ComplaintFacts(
            classification=facts.text("classification"),
            category=facts.text("category"),
            channel=facts.text("channel"),
            source=facts.text("source"),
            system=facts.text("system"),
            shown_later={kind: later.number(kind) or 0 for kind in later.values},
            known_until=table.moment("known_until", self.zone),
        )

    def _event(self, table: TomlTable) -> Event | None:
        table.known_keys(_EVENT)
        kind = table.text("kind", needed=True)
        at = table.moment("at", self.zone, needed=True)
        after = table.moment("after", self.zone)
        unknown = table.flag("history_unknown")
        recorded = table.moment("recorded", self.zone)
        source_field = table.text("source_field") or ""
        retracted = table.flag("retracted") or False
        unit = table.text("unit")
        if kind is not None:
            self._known_kind(table, kind)
        if retracted and not source_field:
            table.wrong(
                "`retracted` withdraws an earlier event; give both events the same `source_field`"
            )
        elif unknown and after is None:
            table.wrong("`history_unknown` needs `after`, the earliest moment it can have been")
        elif after is not None and at is not None and after >= at:
            table.wrong(f"`after` ({after:%Y-%m-%d %H:%M}) is not before `at`; change one", "after")
        elif kind is not None and at is not None:
            knowledge = Knowledge.STATED if after is None else Knowledge.OBSERVED
            return Event(
                kind=kind,
                latest=at,
                recorded_at=recorded or at,
                source=SOURCE,
                earliest=after,
                knowledge=Knowledge.UNKNOWN if unknown else knowledge,
                unit=unit,
                source_field=source_field,
                retracted=retracted,
            )
        return None

    def _known_kind(self, table: TomlTable, kind: str) -> None:
        if kind not in self.kinds:
            table.wrong(f"unknown event '{kind}'{did_you_mean(kind, self.kinds)}", "kind")

    def _expectation(self, table: TomlTable) -> Expectation:
        table.known_keys(_EXPECT)
        rule = table.text("rule", needed=True) or ""
        if rule and rule not in self.law.ids:
            table.wrong(f"unknown rule '{rule}'{did_you_mean(rule, self.law.ids)}", "rule")
        none = table.flag("none") or False
        for key in table.values.keys() - {"rule", "clock", "none"} if none else ():
            table.wrong(f"`none` says that there is no clock, so leave out `{key}`", key)
        regulation = table.text("regulation")
        cited = {version.regulation.citation for version in self.law.versions(rule)}
        if regulation is not None and cited and regulation not in cited:
            table.wrong(
                f"`regulation` is '{regulation}'{did_you_mean(regulation, cited)}", "regulation"
            )
        due_open = table.values.get("due") == OPEN
        return Expectation(
            rule=rule,
            clock=table.number("clock") or 1,
            none=none,
            regulation=regulation,
            started=table.day("started"),
            due=None if due_open else table.day("due"),
            due_open=due_open,
            state=table.word("state", State, needed=not none),
            reasons=self._reasons(table),
            unit=table.text("unit"),
            answerable=table.text("answerable"),
            by_policy=table.flag("by_policy"),
            paused=table.flag("paused"),
        )

    def _reasons(self, table: TomlTable) -> frozenset[Reason] | None:
        given = table.values.get("reasons")
        if given is None:
            return None
        if not isinstance(given, list):
            words = f'`reasons` is {shown(given)}; write a list, as in reasons = ["voided"]'
            table.wrong(words, "reasons")
            return None
        found = [table.one_of("reasons", word, Reason) for word in given]
        return frozenset(word for word in found if word is not None)
