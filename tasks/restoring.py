"""After a restore: what is owed waits for a word, and what was lost is read again.

The database that was put back knows nothing of what was sent since its backup was made. What it
owes is held up with the restore itself (`db.restoring`); what runs owe again joins it (see
`tasks.storms.divided`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from db import audit, storms
from db.runs import RESTORE
from settings.sources import FolderSource
from tasks.feeds.folder import put_back
from tasks.office import Office
from tasks.queueing import tell_of_restored
from tasks.storms import hold


@dataclass(frozen=True, slots=True)
class Settled:
    """What follows from a restore: mails held up, and files that are to be read again."""

    held: int
    files: int


def settle(office: Office, now: datetime, backup: str, made_at: datetime | None) -> Settled:
    """Bring in order what a restore leaves.

    The mails that it owes become a storm, of which the administrator is told; files that sources
    have archived since `made_at` (all of them where that is not known) are put back to be read
    again; and it is on record in the audit.
    """
    files = 0
    for source in office.site.sources.values():
        if isinstance(source, FolderSource):
            files += len(put_back(office, source, made_at))
    with office.transaction() as session:
        held = storms.without_a_storm(session)
        if held:
            storm = hold(session, 0, now, RESTORE)
            tell_of_restored(session, office, storm, now, RESTORE)
        why = "the database was put back as a backup has it; what was decided since is lost"
        audit.note(session, audit.What.DATA_RESTORED, now, why, backup=backup, held=len(held))
    return Settled(len(held), files)
