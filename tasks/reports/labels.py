"""Names of row and cell keys in the reader's language."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from db.models import ReplyKind
from settings.site import Site
from sla.directory import SUPERIOR_OFFICE
from sla.ladders import SUPERIORS, OffsetUnit, Rung
from sla.metrics.definitions import HEADLINE
from sla.metrics.table import Row
from sla.regulations.model import Law, Rule, rule_of
from tasks.evaluation.known_words import OTHER
from tasks.text.catalog import catalog
from tasks.text.formats import one_line
from tasks.text.titles import superior_office

LONGEST_NAME = 300


class Name(NamedTuple):
    """A name and the small text below it: for a rule its citation."""

    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """The names of keys, by the kind of the key (rule, unit, classification ...).

    A key in no list is its own name: a category, a channel, a place.
    """

    locale: str
    known: Mapping[tuple[str, str], Name] = field(default_factory=dict)

    def __call__(self, of: str, key: str) -> Name:
        """Return the name of a key: one line, never empty."""
        found = self.known.get((of, key))
        if found is not None:
            return Name(_flat(found.text), _flat(found.detail))
        if of == "version":
            return self("rule", rule_of(key))
        made = MADE.get(of)
        text = made(key, self.locale) if made else key
        return Name(_flat(text) or catalog(self.locale)("report.unnamed"))

    def of_rule(self, rule: str, versions: Sequence[str]) -> Name:
        """Return the name of a rule with the citation of each of these versions, in their order.

        Without versions it has the citation of the rule as in force on the day of the names.
        """
        found = self("rule", rule)
        cited = dict.fromkeys(self("version", version).detail for version in versions)
        return Name(found.text, "; ".join(filter(None, cited))) if versions else found

    def of_row(self, of: str, row: Row) -> Name:
        """Return the name of a row of a table with rows of this kind."""
        return self.of_rule(row.key, row.versions) if of == "rule" else self(of, row.key)


def names_of(
    site: Site,
    locale: str,
    day: date | None = None,
    today: date | None = None,
    law: Law | None = None,
) -> Names:
    """Collect the names of a site's rules, of all their versions, and of its units and the office
    of superiors; rules as in force on a day.

    Without a day, or if a rule is not in force on it, the rule's last version gives the name. The
    month of `today`, the day of a report, is not over: its name says so. `law` has the
    confirmations known then; by default those known now count.
    """
    t, law = catalog(locale), law or site.evaluation_context.law
    known: dict[tuple[str, str], Name] = {}

    def named(rule: Rule) -> Name:
        mark = f" · {t('mail.confirm_mark')}" if rule.certainty.to_be_confirmed else ""
        return Name(rule.label[locale], rule.citation_in(locale) + mark)

    for rule_id in law.ids:
        rule = (law.on(rule_id, day) if day else None) or law.last(rule_id)
        known["rule", rule_id] = named(rule)
        known |= {("version", span.key): named(span.rule) for span in law.spans(rule_id)}
    known |= {("rung", rung): Name(text) for rung, text in _rung_names(site, locale).items()}
    for unit in site.directory.units:
        known["unit", unit] = Name(site.directory.name_of(unit))
    known["unit", SUPERIOR_OFFICE] = Name(superior_office(site.name, locale))
    if today is not None:
        known["month", f"{today:%Y-%m}"] = Name(unfinished_month(today, locale))
    return Names(locale, known)


def _rung_names(site: Site, locale: str) -> dict[str, str]:
    """Collect for each step what it means, in every ladder that has a rung of this name.

    Rungs at the same time are distinguished by their recipients.
    """
    t = catalog(locale)
    times: dict[str, dict[str, None]] = {}
    roles: dict[str, dict[str, None]] = {}
    rungs = [rung for ladder in site.ladders for rung in ladder.rungs]
    for rung in rungs:
        times.setdefault(rung.step, {})[rung_name(rung, locale)] = None
        roles.setdefault(rung.step, {}).update(dict.fromkeys(t(f"role.{role}") for role in rung.to))
    names = {step: " / ".join(texts) for step, texts in times.items()}
    often = Counter(names.values())
    found = {
        step: name
        if often[name] < 2
        else t("report.rung.to", time=name, roles=", ".join(roles[step]))
        for step, name in names.items()
    }
    for rung in rungs:  # as in reports made before
        found.setdefault(rung.id, found[rung.step])
    return found


def rung_name(rung: Rung, locale: str) -> str:
    """Format the time of a rung: '3 hari kerja setelah unit diberi tahu'."""
    t, at = catalog(locale), rung.at
    if at.unit is OffsetUnit.PERCENT:
        return t("report.rung.percent", n=at.amount)
    if at.unit is OffsetUnit.DUE_DAY:
        return t("report.rung.due_day")
    if at.amount == 0:
        return t("report.rung.passed")
    by_superiors = at.amount > 0 and all(role in SUPERIORS for role in rung.to)
    side = "told" if by_superiors else "after" if at.amount > 0 else "before"
    days = "working_days" if at.unit is OffsetUnit.WORKING_DAY else "days"
    return t(f"report.rung.{side}_{days}", n=abs(at.amount))


def month_name(key: str, locale: str) -> str:
    """Format a month key: 'Nov 2026' for `2026-11`."""
    year, month = key.split("-")
    return f"{catalog(locale).names('date.short_months')[int(month) - 1]} {year}"


def unfinished_month(today: date, locale: str) -> str:
    """Format the month of a day up to this day: 'Nov 2026 (sampai 24 Nov)'."""
    t = catalog(locale)
    day = f"{today.day} {t.names('date.short_months')[today.month - 1]}"
    return t("report.month_until", month=month_name(f"{today:%Y-%m}", locale), day=day)


def day_name(key: str, locale: str) -> str:
    """Format a day key: 'Sel 1 Des' for `2026-12-01`."""
    day, t = date.fromisoformat(key), catalog(locale)
    weekday = t.names("date.short_days")[day.weekday()]
    return f"{weekday} {day.day} {t.names('date.short_months')[day.month - 1]}"


def age_name(key: str, locale: str) -> str:
    """Format an age key: '0–3 hari kerja' for `0-3`; 'lebih dari 60' for `61-`."""
    least, _, most = key.partition("-")
    t = catalog(locale)
    if most:
        return t("report.age", span=f"{least}–{most}")
    return t("report.age_over", n=int(least) - 1)


def _worded(prefix: str, *keys: str) -> Callable[[str, str], str]:
    """Build a function naming keys by the texts under a prefix; any other key is its own name."""

    def made(key: str, locale: str) -> str:
        return catalog(locale)(f"{prefix}.{key}") if key in keys else key

    return made


FINDINGS = (
    "observed_times",
    "history_unknown",
    "absent",
    "by_policy",
    "provisional",
    "inherited",
    "taken_back",
    "not_watched",
    "quarantined",
    "open_questions",
    "vacancies",
    "rules_to_be_confirmed",
)

_classification = _worded(
    "classification",
    "none",
    "complaint",
    "supervisory_complaint",
    "information_request",
    "aspiration",
    "whistleblowing",
)


SPELLING = {
    word.casefold(): word
    for word in (
        "Android",
        "iOS",
        "SMS",
        "WhatsApp",
        "Website",
        "Instagram",
        "Facebook",
        "X",
        "API",
    )
}
"""The usual spelling of channels that sources write in any letter case."""

_SLUG = re.compile(r"(?P<channel>.+?) - (?P<portal>[a-z0-9]+(?:-[a-z0-9]+)+)")
"""A channel of LAPOR! with the address name of an agency's own page."""


def _word(key: str, locale: str) -> str:
    if key == OTHER:
        return catalog(locale)("report.other_words")
    return key[:1].upper() + key[1:]


def _channel(key: str, locale: str) -> str:
    """Return the name of a channel: 'Website (Kementerian Sosial)' for its page there."""
    if not key:
        return catalog(locale)("summary.unknown_channel")
    slug = _SLUG.fullmatch(key)
    if slug is None:
        return SPELLING.get(key.casefold()) or _word(key, locale)
    return f"{_channel(slug['channel'], locale)} ({slug['portal'].replace('-', ' ').title()})"


def _place(key: str, locale: str) -> str:
    return _word(key, locale) if key else catalog(locale)("report.unknown_place")


def _unit(key: str, locale: str) -> str:
    return key or catalog(locale)("report.no_unit")


MADE: dict[str, Callable[[str, str], str]] = {
    "unit": _unit,
    "metric": _worded("report.metric", *(key for key, _ in HEADLINE)),
    "month": month_name,
    "day": day_name,
    "age": age_name,
    "finding": _worded("report.finding", *FINDINGS),
    "kind": _worded("notice", "reminder", "breach", "escalation"),
    "classification": lambda key, locale: _classification(key or "none", locale),
    "rung": lambda key, locale: catalog(locale)("report.rung.former"),
    "category": _word,
    "channel": _channel,
    "place": _place,
    "rating": lambda key, locale: catalog(locale)(f"report.rating.{key}"),
    "statement": _worded("reply.kind", *ReplyKind),
    "complaint": lambda key, locale: key.partition(" ")[0],
    "deadline": lambda key, locale: key.partition(" ")[0],
}
"""Functions naming keys not listed by a site."""


def _flat(text: str) -> str:
    return one_line(text, LONGEST_NAME)
