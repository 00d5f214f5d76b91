"""Contents: what else composed mails change in the database.

They say which of its items each mail reports, and which duties and calendar entries it lists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from sqlalchemy.orm import Session

from db.mails import listed_duties, mail_items
from db.mails.listed_duties import NewListedDuty
from db.mails.mail_items import Outcomes
from db.models import MessageRow

CancelledEntry = tuple[int, int, int, str, int]
"""A cancelled calendar entry, as in :func:`db.mails.listed_duties.cancel`."""


ItemOutcomes = Sequence[tuple[MessageRow, Outcomes]]
"""Mails with the outcomes of their items."""


class ListChanges(NamedTuple):
    """What some mails list: new duties, and the calendar entries that they cancel.

    `composed` are those of the mails that were composed before; what they listed then is forgotten.
    """

    composed: Sequence[int]
    new: Sequence[NewListedDuty]
    cancelled: Sequence[CancelledEntry]

    def of_mails(self, mails: Mapping[int, MessageRow]) -> ListChanges:
        """Return the changes of these mails alone."""
        return ListChanges(
            [key for key in self.composed if key in mails],
            [each for each in self.new if each.message in mails],
            [each for each in self.cancelled if each[0] in mails],
        )


class ContentsSink(Protocol):
    """Takes the contents of mails while they are composed."""

    def items(self, contents: ItemOutcomes) -> None:
        """Take which items these mails report."""

    def lists(self, changes: ListChanges) -> None:
        """Take what mails list."""


class ContentsStore:
    """Writes the contents of mails while they are composed."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def items(self, contents: ItemOutcomes) -> None:
        """Write which items these mails report."""
        mail_items.store_items(self._session, contents)

    def lists(self, changes: ListChanges) -> None:
        """Write what mails list."""
        listed_duties.replace(self._session, changes.composed, changes.new)
        listed_duties.cancel(self._session, changes.cancelled)


@dataclass(slots=True)
class KeptContents:
    """The contents of mails as plain values, for a process that may only read."""

    _items: list[tuple[int, Outcomes]] = field(default_factory=list)
    _lists: list[ListChanges] = field(default_factory=list)

    def items(self, contents: ItemOutcomes) -> None:
        """Keep which items these mails report."""
        self._items += [(message.id, outcomes) for message, outcomes in contents]

    def lists(self, changes: ListChanges) -> None:
        """Keep what mails list."""
        self._lists.append(changes)

    def number_of_items(self) -> dict[int, int]:
        """Return the number of items of each mail that has any."""
        return {key: sum(map(len, found.values())) for key, found in self._items if found}

    def store(self, session: Session, mails: Mapping[int, MessageRow]) -> None:
        """Write the contents of these mails alone, by their keys."""
        written = ContentsStore(session)
        written.items([(mails[key], found) for key, found in self._items if key in mails])
        for changes in self._lists:
            written.lists(changes.of_mails(mails))
