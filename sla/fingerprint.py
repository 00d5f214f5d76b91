"""The ruleset fingerprint: after a change of it, all open deadlines are evaluated again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from typing import Any

from sla.calendar import Calendar
from sla.engine.context import ComplaintFacts, EvaluationContext
from sla.holds import Hold
from sla.ladders import Ladder
from sla.regulations.model import Rule

FORM = 10
"""The version of the evaluation. Increase it after every change of the program that evaluates or
encodes complaints differently: all complaints are then evaluated again."""


def fingerprint(
    context: EvaluationContext,
    sources: Mapping[str, ComplaintFacts],
    ladders: Sequence[Ladder] = (),
    holds: Sequence[Hold] = (),
    since: date | None = None,
) -> str:
    """Hash the law, the calendars, the policy, the ladders, the facts of each source, and the first
    day of receipt that is watched.

    Return the SHA-256 in hex. Labels and notes count as well: a changed wording is a changed
    ruleset.
    """
    content = {
        "form": FORM,
        "rules": [_plain(rule) for rule in context.law.rules],
        "calendar": _calendar(context.calendar),
        "units": {unit: _calendar(week) for unit, week in context.unit_calendars.items()},
        "kinds": dict(context.unit_kinds),
        "policy": context.policy,
        "administrator": context.administrator_unit,
        "zone": context.zone.key,
        "ladders": [_plain(ladder) for ladder in ladders],
        "holds": [_plain(hold) for hold in holds],
        "since": _plain(since),
        "sources": {name: _plain(facts) for name, facts in sources.items()},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def rule_fingerprint(rule: Rule) -> str:
    """Hash one version of a rule: citation, texts and all that decides its deadline.

    Its certainty and the dates of its regulation do not count.
    """
    content = {
        field.name: _plain(getattr(rule, field.name))
        for field in fields(rule)
        if field.name not in ("certainty", "regulation")
    }
    content["citation"] = rule.citation
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _calendar(calendar: Calendar) -> dict[str, Any]:
    return {
        "first": calendar.first.isoformat(),
        "last": calendar.last.isoformat(),
        "week": calendar.weekmask,
        "decreed": calendar.decreed_until.isoformat(),
        "off": {day.isoformat(): _plain(off) for day, off in calendar.days_off.items()},
    }


def _plain(value: Any) -> Any:
    """Convert a value of the domain to JSON types; equal values have equal results."""
    if value is None or isinstance(value, (str, int)):  # most are
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, frozenset):
        return sorted(_plain(each) for each in value)
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return value
