"""Duties outside the sections of a mail: late and not notified to the unit yet or in doubt, or past
their due time without a verdict.

A late complaint is counted once: in the sections, else as unlisted, else as doubtful. So the
numbers together are those of the report.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from tasks.evaluation.stored_deadlines import StoredDuty
from tasks.notifications.views import NoticeItem, UnlistedDuties


@dataclass(frozen=True, slots=True)
class DeskEntry:
    """One complaint on a desk: the item that a mail lists, or None, and what it leaves out.

    `unlisted` is the number of late duties of which the unit has not been notified. `doubtful` has
    for each late duty in doubt the time of the import that raised the doubt.
    """

    ticket: str
    item: NoticeItem | None
    unlisted: int = 0
    doubtful: tuple[datetime, ...] = ()

    @property
    def listed_late(self) -> bool:
        """Check whether the mail lists a late duty of the complaint."""
        return self.item is not None and self.item.worst.late


def unlisted(
    entries: Collection[DeskEntry], others: UnlistedDuties | None = None
) -> UnlistedDuties:
    """Count the late duties of which the unit has not been notified as late yet.

    `others` are those of complaints without an entry.
    """
    more = others or UnlistedDuties()
    return UnlistedDuties(
        complaints=more.complaints
        + sum(each.unlisted > 0 and not each.listed_late for each in entries),
        duties=more.duties + sum(each.unlisted for each in entries),
        of_listed=sum(each.unlisted for each in entries if each.listed_late),
    )


def doubtful(entries: Collection[DeskEntry]) -> UnlistedDuties:
    """Return the late duties of which the source no longer shows whether they are done."""
    found = [each for each in entries if each.doubtful]
    counted = [each for each in found if each.listed_late or each.unlisted]
    return UnlistedDuties(
        complaints=len(found) - len(counted),
        duties=sum(len(each.doubtful) for each in found),
        of_listed=sum(len(each.doubtful) for each in counted),
        tickets=tuple(sorted((each.ticket, min(each.doubtful)) for each in found)),
        since=min((moment for each in found for moment in each.doubtful), default=None),
    )


def awaiting(duties: Collection[StoredDuty]) -> UnlistedDuties:
    """Return the duties past their due time of which it is not known whether they are done.

    The day of a ticket is its earliest due day.
    """
    found: dict[str, datetime] = {}
    for each in duties:
        if each.due is not None:
            found[each.ticket] = min(each.due, found.get(each.ticket, each.due))
    return UnlistedDuties(
        complaints=len(found),
        duties=sum(each.due is not None for each in duties),
        tickets=tuple(sorted(found.items(), key=lambda pair: (pair[1], pair[0]))),
        since=min(found.values(), default=None),
    )
