"""Duties outside the sections of a mail: late and not notified to the unit yet or in doubt, or past
their due time without a verdict.

A late complaint is counted once: in the sections, else as unlisted, else as doubtful, else as
asked. So the numbers together are those of the report.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tasks.evaluation.stored_deadlines import StoredDuty
from tasks.notifications.views import NoticeItem, UnlistedDuties


@dataclass(frozen=True, slots=True)
class DeskEntry:
    """One complaint on a desk: the item that a mail lists, or None, and what it leaves out.

    `unlisted` is the number of late duties of which the unit has not been notified. `doubtful` has
    for each late duty in doubt the time of the import that raised the doubt. Those of `asked` wait
    for the answer to a question about their data.
    """

    ticket: str
    item: NoticeItem | None
    unlisted: int = 0
    doubtful: tuple[datetime, ...] = ()
    asked: tuple[datetime, ...] = ()

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
    found = [(e.ticket, e.doubtful, e.listed_late or e.unlisted > 0) for e in entries]
    return _in_doubt(found)


def asked(entries: Collection[DeskEntry]) -> UnlistedDuties:
    """Return the late duties that wait for the answer to a question about their data."""
    found = [
        (e.ticket, e.asked, e.listed_late or e.unlisted > 0 or bool(e.doubtful)) for e in entries
    ]
    return _in_doubt(found)


def _in_doubt(entries: Iterable[tuple[str, Sequence[datetime], bool]]) -> UnlistedDuties:
    """Count duties in doubt: of each complaint its ticket, the times of its doubts, and whether
    another number has the complaint.
    """
    found = [each for each in entries if each[1]]
    return UnlistedDuties(
        complaints=sum(not counted for _, _, counted in found),
        duties=sum(len(doubts) for _, doubts, _ in found),
        of_listed=sum(len(doubts) for _, doubts, counted in found if counted),
        tickets=tuple(sorted((ticket, min(doubts)) for ticket, doubts, _ in found)),
        since=min((moment for _, doubts, _ in found for moment in doubts), default=None),
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
