"""Storms: a run with far more mail than usual sends nothing until a person decides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from db import audit, runs, storms
from db.models import Storm, StormStatus
from tasks.common.context import RunContext, SiteContext
from tasks.evaluation.notices import PendingNotice

RUNS = 20
"""The number of past runs used to compute the usual number of mails."""

CATCH_UP = timedelta(days=7)
"""The time after a restore in which notices for earlier rungs may have been sent before it."""


class NoStorm(ValueError):
    """No storm waits for a decision, or not the given one."""


def mail_limit(run: RunContext) -> int:
    """Return the number of mails allowed in one run of this site.

    It is the site's limit or a multiple of the median of the last runs with mail, whichever is
    less. It is never less than `at_least`, because otherwise the first morning after holidays would
    be a storm.
    """
    guard = run.site.file.mail.storm
    usual = runs.mails_of_last(run.session, RUNS)
    if len(usual) < RUNS:
        return guard.most
    return min(guard.most, max(guard.at_least, int(guard.times_median * median(usual))))


def check(run: RunContext, *, mails: int, complaints: int) -> Storm | None:
    """Return the storm for a run with this many mails about this many complaints, or None if both
    are within the limits.

    Further mails above a limit join a storm that already waits.
    """
    guard = run.site.file.mail.storm
    limit_of_complaints = guard.complaints
    if mails <= min(guard.most, guard.at_least) and complaints <= limit_of_complaints:
        return None  # no limit is lower, whatever the last runs have sent
    limit = mail_limit(run)
    if mails <= limit and complaints <= limit_of_complaints:
        return None
    storm = storms.lock_waiting(run.session)
    if storm is None:
        storm = storms.opened(run.session, run.now, run.id, mail_limit=limit)
    storm.mails += mails
    run.session.flush()
    why = f"the run owed {mails} mails and {limit} are allowed"
    if mails <= limit:
        why = f"the run owed mail about {complaints} complaints, {limit_of_complaints} are allowed"
    _note_held(run, storm, mails, why)
    return storm


def _note_held(run: RunContext, storm: Storm, mails: int, why: str) -> None:
    kind, at = audit.AuditKind.STORM_HELD, run.now
    audit.note(run.session, kind, at, why, storm=storm.id, run_id=run.id, mails=mails)


def _restored(run: RunContext) -> datetime | None:
    """Return the time of the last restore if it is recent, else None."""
    restored = run.once(runs.last_restore)
    return restored if restored is not None and run.now - restored <= CATCH_UP else None


def left_by_restore(run: RunContext) -> bool:
    """Check whether a restore held mails and failed before it opened a storm for them."""
    return _restored(run) is not None and bool(storms.without_a_storm(run.session))


def divided(
    run: RunContext, owed: Sequence[PendingNotice]
) -> tuple[list[PendingNotice], list[PendingNotice]]:
    """Divide pending notices into those perhaps sent before the last restore, and the others.

    For a rung reached before the restore, the decision and the mail may be in the lost time. For
    some days the sources may show the facts of that time again.
    """
    restored = _restored(run)
    if restored is None:
        return [], list(owed)
    perhaps_sent = [each for each in owed if each.notice.reached_at <= restored]
    return perhaps_sent, [each for each in owed if each.notice.reached_at > restored]


def hold(run: RunContext, mails: int) -> Storm:
    """Return the storm for mails perhaps sent before a restore; open one if none waits.

    It gets the mails held by the restore itself, and `mails` more.
    """
    session = run.session
    storm = storms.lock_waiting(session) or storms.opened(session, run.now, run.id, mail_limit=0)
    held = storms.without_a_storm(session)
    storms.attach(session, storm, held)
    mails += len(held)
    storm.mails += mails
    session.flush()
    why = "they may have been sent before a restore, or by another installation"
    _note_held(run, storm, mails, why)
    return storm


def decide(
    context: SiteContext, number: int | None, now: datetime, by: str, *, send: bool
) -> tuple[Storm, int]:
    """Release the mails of a storm or drop them; return the storm and their number.

    Released mails are evaluated again before they are sent. `by` names the person who decides.
    Raises :class:`NoStorm` if none waits.
    """
    with context.transaction() as session:
        storm = storms.lock_waiting(session)
        if storm is None or number not in (None, storm.id):
            which = "no storm waits" if storm is None else f"storm {number} does not wait"
            raise NoStorm(f"{which} for a decision; see `tenggat mail list --status held`")
        what = audit.AuditKind.STORM_RELEASED if send else audit.AuditKind.STORM_DISCARDED
        who = context.by and audit.AuditActor(by, f"storm {storm.id}")
        audit.note(session, what, now, "a person decided", storm=storm.id, by=who)
        if send:
            mails = storms.release(session, storm, context.send_after(now))
        else:
            mails = storms.drop(session, storm, now)
        storm.status = StormStatus.RELEASED if send else StormStatus.DISCARDED
        storm.decided_at, storm.decided_by = now, by[:255]
        return storm, mails
