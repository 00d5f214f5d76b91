"""Confirmed rules: what a legal officer has confirmed or taken back, for one version of a rule."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select, update
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


def retract(
    session: Session, now: datetime, *, rule: str, rule_hash: str, by: str, reason: str
) -> RuleConfirmation | None:
    """Take back every confirmation of this version of a rule; return the newest of them.

    None means that there is none to take back. The rows stay, so reports of earlier moments can be
    made again.
    """
    newest = confirmations(session).get((rule, rule_hash))
    if newest is None:
        return None
    session.execute(
        update(RuleConfirmation)
        .where(
            RuleConfirmation.rule == rule,
            RuleConfirmation.rule_hash == rule_hash,
            RuleConfirmation.retracted_at.is_(None),
        )
        .values(retracted_at=now, retracted_by=by[:255], retraction_reason=reason)
        .execution_options(synchronize_session="fetch")
    )
    audit.note(
        session,
        audit.AuditKind.RULE_CONFIRMATION_RETRACTED,
        now,
        "a person took back the confirmation of a rule",
        rule=rule,
        rule_hash=rule_hash,
        confirmed_by=newest.confirmed_by,
        source=newest.source,
        retracted_by=by,
        retraction_reason=reason,
    )
    return newest


def confirmations(
    session: Session, as_of: datetime | None = None
) -> dict[tuple[str, str], RuleConfirmation]:
    """Return the newest valid confirmation of each version of a rule, by its id and its hash.

    With `as_of`, those count that were valid at that moment.
    """
    query, retracted_at = select(RuleConfirmation), RuleConfirmation.retracted_at
    if as_of is None:
        query = query.where(retracted_at.is_(None))
    else:
        query = query.where(
            RuleConfirmation.confirmed_at <= as_of,
            or_(retracted_at.is_(None), retracted_at > as_of),
        )
    query = query.order_by(RuleConfirmation.id)
    rows = session.scalars(query)
    return {(row.rule, row.rule_hash): row for row in rows}
