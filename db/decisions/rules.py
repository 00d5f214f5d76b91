"""Confirmed rules: what a legal officer has confirmed, for one version of a rule."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import audit
from db.models import RuleConfirmation


def confirm(
    session: Session, now: datetime, *, rule: str, rule_hash: str, by: str, source: str
) -> RuleConfirmation:
    """Record that a person confirms this version of a rule, by its hash, from a source.

    If this is the newest confirmation already, it is returned and nothing is recorded.
    """
    known = confirmations(session).get((rule, rule_hash))
    if known is not None and (known.confirmed_by, known.source) == (by[:255], source):
        return known
    row = RuleConfirmation(
        rule=rule, rule_hash=rule_hash, confirmed_at=now, confirmed_by=by[:255], source=source
    )
    session.add(row)
    session.flush()
    audit.note(
        session,
        audit.AuditKind.RULE_CONFIRMED,
        now,
        "a legal officer has read the official text",
        rule=rule,
        rule_hash=rule_hash,
        confirmed_by=by,
        source=source,
    )
    return row


def confirmations(
    session: Session, as_of: datetime | None = None
) -> dict[tuple[str, str], RuleConfirmation]:
    """Return the newest confirmation of each version of a rule, by its id and its hash.

    Later ones than `as_of` are left out.
    """
    query = select(RuleConfirmation).order_by(RuleConfirmation.id)
    if as_of is not None:
        query = query.where(RuleConfirmation.confirmed_at <= as_of)
    rows = session.scalars(query)
    return {(row.rule, row.rule_hash): row for row in rows}
