"""Storms: a run that owes far more mail than usual sends nothing until somebody says yes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy.orm import Session

from db import audit, runs, storms
from db.models import Storm, StormStatus
from tasks.noticing import Owed
from tasks.office import Office

RUNS = 20
"""How many runs tell what is usual."""

CATCH_UP = timedelta(days=7)
"""So long after a restore what is owed for the time before it is doubtful."""


class NoStorm(ValueError):
    """There is no storm that waits for a word, or not this one."""


def most(session: Session, office: Office) -> int:
    """How many mails one run of this site may owe.

    The site's limit, or the multiple of the median of the last runs that owed mail, whichever is
    less; but never less than `at_least`, or the first morning after holidays would be a storm.
    """
    guard = office.site.file.mail.storm
    usual = runs.mails_of_last(session, RUNS)
    if len(usual) < RUNS:
        return guard.most
    return min(guard.most, max(guard.at_least, int(guard.times_median * median(usual))))


def check(session: Session, office: Office, mails: int, now: datetime, run: str) -> Storm | None:
    """The storm that a run with this many mails belongs to; None where it is no storm.

    What a later run owes too much of joins the storm that already waits.
    """
    limit = most(session, office)
    if mails <= limit:
        return None
    storm = storms.waiting(session)
    if storm is None:
        storm = storms.opened(session, now, run, most=limit)
    storm.mails += mails
    session.flush()
    why = f"the run owed {mails} mails and {limit} are allowed"
    audit.note(session, audit.What.STORM_HELD, now, why, storm=storm.id, run=run, mails=mails)
    return storm


def _restored(session: Session, now: datetime) -> datetime | None:
    """When a backup was put back, if that is not long ago."""
    restored = runs.last(session, runs.RESTORE)
    return restored if restored is not None and now - restored <= CATCH_UP else None


def left_by_restore(session: Session, now: datetime) -> bool:
    """Whether a restore has held up mails and died before they had a storm."""
    return _restored(session, now) is not None and bool(storms.without_a_storm(session))


def divided(session: Session, owed: Sequence[Owed], now: datetime) -> tuple[list[Owed], list[Owed]]:
    """Which of these may have been told before the last restore of a backup, and which were not.

    A rung that was reached before the restore may have been decided, and its mail sent, in the time
    that the database has lost. For some days its sources may bring back what they showed then.
    """
    restored = _restored(session, now)
    if restored is None:
        return [], list(owed)
    doubtful = [each for each in owed if each.notice.reached_at <= restored]
    return doubtful, [each for each in owed if each.notice.reached_at > restored]


def hold(session: Session, mails: int, now: datetime, run: str) -> Storm:
    """The storm of mails that may have been sent before a restore; opened if none waits.

    It takes in what the restore itself has held up, and so many mails more.
    """
    storm = storms.waiting(session) or storms.opened(session, now, run, most=0)
    held = storms.without_a_storm(session)
    storms.take_in(session, storm, held)
    mails += len(held)
    storm.mails += mails
    session.flush()
    why = "they may have been sent in the time that a restore has lost"
    audit.note(session, audit.What.STORM_HELD, now, why, storm=storm.id, run=run, mails=mails)
    return storm


def decide(
    office: Office, number: int | None, now: datetime, by: str, *, send: bool
) -> tuple[Storm, int]:
    """Let the mails of a storm go, or drop them; returns the storm and how many there were.

    What is let go is judged again before it is sent; `by` is who says so. Raises :class:`NoStorm`
    where none waits.
    """
    with office.transaction() as session:
        storm = storms.waiting(session)
        if storm is None or number not in (None, storm.id):
            which = "no storm waits" if storm is None else f"storm {number} does not wait"
            raise NoStorm(f"{which} for a word; see `tenggat mail list --status held`")
        what = audit.What.STORM_RELEASED if send else audit.What.STORM_DROPPED
        who = office.by and audit.By(by, f"storm {storm.id}")
        audit.note(session, what, now, "said on being asked", storm=storm.id, by=who)
        if send:
            mails = storms.let_go(session, storm, office.next_turn(now))
        else:
            mails = storms.drop(session, storm, now)
        storm.status = StormStatus.RELEASED if send else StormStatus.DISCARDED
        storm.decided_at, storm.decided_by = now, by[:255]
        return storm, mails
