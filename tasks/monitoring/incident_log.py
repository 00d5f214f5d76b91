"""The incident log of the watchdog: known incidents, and the notifications now due."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from tasks.monitoring.incidents import ENDS_AT_ONCE, SEEN_TWICE, STOPS_ALL, Incident, IncidentKind

REST = timedelta(days=1)
"""The time a silently resolved incident must be absent before its return counts as new."""


class IncidentRecord(BaseModel):
    """A noticed incident: its first and its last notification, and the time of its
    disappearance.
    """

    kind: IncidentKind
    facts: dict[str, str]
    noticed: datetime
    told: datetime | None = None
    gone: datetime | None = None


class IncidentLog(BaseModel):
    """The memory of the watchdog; Prefect's flow runs are checked up to `runs_until`."""

    began: datetime
    runs_until: datetime | None = None
    known: dict[str, IncidentRecord] = {}

    @classmethod
    def read(cls, text: str | None, now: datetime) -> IncidentLog:
        """Parse the stored log; return a new one if there is none."""
        return cls.model_validate_json(text) if text else cls(began=now)

    def present(self, *kinds: IncidentKind) -> list[str]:
        """Return the keys of notified, unresolved incidents, of the given kinds or of all."""
        return [
            key
            for key, cause in self.known.items()
            if cause.told and not cause.gone and (not kinds or cause.kind in kinds)
        ]

    @property
    def stopped(self) -> bool:
        """Whether an external monitor must learn of an open incident."""
        return bool(self.present(*STOPS_ALL))


@dataclass(slots=True)
class IncidentUpdates:
    """An update for the administrators: new, ongoing and resolved incidents."""

    new: list[IncidentRecord] = field(default_factory=list)
    again: list[IncidentRecord] = field(default_factory=list)
    well: list[IncidentRecord] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.new or self.again or self.well)

    def detail(self) -> dict[str, Any]:
        """Return the update as data, stored with its mail."""
        return {
            part: [{"kind": str(each.kind), "facts": each.facts} for each in getattr(self, part)]
            for part in ("new", "again", "well")
        }


def update_incidents(
    book: IncidentLog,
    found: Iterable[Incident],
    looked_at: Collection[IncidentKind],
    now: datetime,
    again: timedelta,
) -> IncidentUpdates:
    """Update the log with the incidents found; return the notifications now due.

    Each incident causes one notification as soon as it has lasted for the time set for its kind,
    and another after each repeat interval `again`. Incidents of kinds not in `looked_at` stay
    unchanged.
    """
    telling = IncidentUpdates()
    causes = {cause.key: cause for cause in found}
    for key, cause in causes.items():
        known = book.known.setdefault(
            key, IncidentRecord(kind=cause.kind, facts=dict(cause.facts), noticed=now)
        )
        known.gone = None
        if known.told is None or cause.kind not in ENDS_AT_ONCE:
            known.facts = dict(cause.facts)  # keeps the start as reported
        if known.told is None:
            if now - known.noticed >= SEEN_TWICE.get(cause.kind, timedelta(0)):
                known.told = now
                telling.new.append(known)
        elif now - known.told >= again:
            known.told, known.facts = now, dict(cause.facts)
            telling.again.append(known)
    for key, known in list(book.known.items()):
        if key in causes or known.kind not in looked_at:
            continue
        known.gone = known.gone or now
        if known.told is None:
            del book.known[key]
        elif known.kind in ENDS_AT_ONCE:
            telling.well.append(book.known.pop(key))
        elif now - known.gone >= REST:
            del book.known[key]
    return telling
