"""After a restore or a move: hold the unsent mails for a decision, and read lost files again.

The restored database does not know the mails sent after its backup. The restore itself holds the
queued mails (`db.backup.restore`); equal mails of later runs join them (see
`tasks.notifications.storms.divided`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from db import audit, runs, storms
from db.backup.create import made_at as time_of_backup
from db.installation.record import take_over
from tasks.common.context import SiteContext
from tasks.notifications.enqueue import tell_of_restored
from tasks.notifications.storms import hold
from tasks.sources.registry import open_source

RUN_ID = "restore"
"""The `run_id` of the storm and the alerts after a restore."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The consequences of a restore: the number of held mails, and of files to be read again."""

    held: int
    files: int


def settle(context: SiteContext, now: datetime, backup: str, made_at: datetime | None) -> Settled:
    """Complete a restore.

    The held mails become a storm, and the administrators are notified of it. Files archived since
    `made_at` (all of them if it is None) go back to the inbox, to be imported again. The audit gets
    an entry. Each step may be repeated: a process that ends in between is followed by
    :func:`finish_restores`.
    """
    site = context.site
    files = sum(open_source(site, name).put_back(made_at) for name in site.sources)
    with context.run(now, RUN_ID) as run:
        if not runs.settle_restores(run.session, now):
            return Settled(0, files)
        held = storms.without_a_storm(run.session)
        if held:
            tell_of_restored(run, hold(run, 0))
        why = "the database was put back as a backup has it; what was decided since is lost"
        kind = audit.AuditKind.DATA_RESTORED
        audit.note(run.session, kind, now, why, backup=backup, held=len(held))
    return Settled(len(held), files)


def adopt(context: SiteContext, now: datetime) -> int:
    """Go on with a database that belonged to another installation; return the mails held.

    It is like a restore: the other installation may have sent them. No file is read again. The
    audit gets an entry.
    """
    with context.run(now, RUN_ID) as run:
        before = take_over(run.session, context.site.var, now, "another installation")
        held = storms.without_a_storm(run.session)
        if held:
            tell_of_restored(run, hold(run, 0))
        why = "a person said that this installation goes on in the place of another one"
        kind = audit.AuditKind.INSTALLATION_ADOPTED
        other = "" if before is None else f"{before.host} {before.path}"
        audit.note(run.session, kind, now, why, held=len(held), other=other)
    return len(held)


def finish_restores(context: SiteContext, now: datetime) -> None:
    """Do the last steps of a restore that ended after the database was replaced."""
    with context.consistent_read() as session:
        unfinished = runs.unsettled_restores(session)
    for backup in unfinished:
        settle(context, now, backup, time_of_backup(Path(backup)))
