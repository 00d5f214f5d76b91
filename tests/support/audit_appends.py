"""Decisions appended to an audit, also by another process, which loads no more than it needs."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from db import audit
from db.audit import AuditActor, AuditKind
from db.engine import open_engine
from db.models import AuditRow

ENOUGH = 20
NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)


def append(engine: Engine, number: int, actor: str = "somebody", at: datetime = NOW) -> None:
    """So many decisions, each in a transaction of its own."""
    for one in range(number):
        with Session(engine, info=audit.session_info(AuditActor(actor, "run 1"))) as session:
            audit.note(
                session,
                AuditKind.NOTICE_QUEUED,
                at,
                f"reason {one}",
                complaint=one,
                message=7,
                storm=8,
                rule="sp4n/first-follow-up",
                unit="dinsos",
            )
            session.commit()


def append_until_both_have(url: str, actor: str, other: str) -> None:
    """Append one by one, until the other has appended some in the same time."""
    engine = open_engine(url)
    until = time.monotonic() + 60
    own: Counter[str] = Counter()
    while min(own[actor], own[other]) < ENOUGH:
        assert time.monotonic() < until, own
        append(engine, 1, actor)
        with engine.connect() as connection:
            own = Counter(connection.scalars(select(AuditRow.actor)))
    engine.dispose()
