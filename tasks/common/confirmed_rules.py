"""Confirmed rules: the law of a site with the confirmations of its legal officer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from db.decisions import rules
from db.models import RuleConfirmation
from settings.site import Site
from sla.fingerprint import rule_fingerprint
from sla.regulations.model import Certainty, Law, Rule

_Confirmations = Mapping[tuple[str, str], RuleConfirmation]
"""Confirmations by the id and the hash of the version of a rule."""


def confirm_rules(site: Site, session: Session, as_of: datetime | None = None) -> None:
    """Mark the rules of a site that a legal officer has confirmed, and no others.

    A confirmation ends when it is taken back, or when text or length of the rule changes. With
    `as_of`, those count that were valid at that moment.
    """
    before = site.evaluation_context.law
    law = law_as_of(site, session, as_of)
    if law.rules != before.rules:
        site.evaluation_context = replace(site.evaluation_context, law=law)


def law_as_of(site: Site, session: Session, as_of: datetime | None) -> Law:
    """Return the law of a site with the confirmations valid at a moment; None means the present.

    A report of an earlier moment is thus the same before and after a confirmation, and after one
    was taken back.
    """
    return _law_with(site, rules.confirmations(session, as_of))


def _law_with(site: Site, confirmed: _Confirmations) -> Law:
    """Return the law of a site with these confirmations. Each command does so, mostly with none."""
    return Law(
        replace(rule, certainty=Certainty.CONFIRMED)
        if confirmed and (rule.id, rule_fingerprint(rule)) in confirmed
        else _as_read(site, rule)
        for rule in site.evaluation_context.law.rules
    )


def _as_read(site: Site, rule: Rule) -> Rule:
    """Return a rule with the certainty of its file."""
    if rule.certainty is not Certainty.CONFIRMED:
        return rule
    versions = site.law_as_read.versions(rule.id)
    before = [each.certainty for each in versions if each.regulation == rule.regulation]
    return replace(rule, certainty=before[0]) if before else rule


def confirm_rule(
    session: Session, rule: Rule, now: datetime, *, by: str, source: str
) -> RuleConfirmation:
    """Record the confirmation of this version of a rule, or return the same one made before."""
    return rules.confirm(
        session, now, rule=rule.id, rule_hash=rule_fingerprint(rule), by=by, source=source
    )


def retract_confirmation(
    session: Session, rule: Rule, now: datetime, *, by: str, reason: str
) -> RuleConfirmation | None:
    """Take back the confirmation of this version of a rule; None means that it has none."""
    return rules.retract(
        session, now, rule=rule.id, rule_hash=rule_fingerprint(rule), by=by, reason=reason
    )


def rules_at(
    site: Site, session: Session, moment: datetime
) -> list[tuple[Rule, RuleConfirmation | None]]:
    """Return the rules in force on the day of a moment, each with its confirmation at that moment
    if there is one.
    """
    confirmed = rules.confirmations(session, moment)
    law, day = _law_with(site, confirmed), moment.astimezone(site.zone).date()
    found = [rule for rule_id in law.ids if (rule := law.on(rule_id, day)) is not None]
    return [(rule, confirmed.get((rule.id, rule_fingerprint(rule)))) for rule in found]
