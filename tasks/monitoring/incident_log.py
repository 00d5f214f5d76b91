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
    noticed_at: datetime
    notified_at: datetime | None = None
    absent_since: datetime | None = None


class IncidentLog(BaseModel):
    """The memory of the watchdog; Prefect's flow runs are checked up to `runs_until`."""

    started_at: datetime
    runs_until: datetime | None = None
    incidents: dict[str, IncidentRecord] = {}

    @classmethod
    def read(cls, text: str | None, now: datetime) -> IncidentLog:
        """Parse the stored log; return a new one if there is none."""
        return cls.model_validate_json(text) if text else cls(started_at=now)

    def present(self, *kinds: IncidentKind) -> list[str]:
        """Return the keys of notified, unresolved incidents, of the given kinds or of all."""
        return [
            key
            for key, cause in self.incidents.items()
            if cause.notified_at and not cause.absent_since and (not kinds or cause.kind in kinds)
        ]

    @property
    def stopped(self) -> bool:
        """Whether an external monitor must learn of an open incident."""
        return bool(self.present(*STOPS_ALL))


@dataclass(slots=True)
class IncidentUpdates:
    """An update for the administrators: new, ongoing and resolved incidents."""

    opened: list[IncidentRecord] = field(default_factory=list)
    ongoing: list[IncidentRecord] = field(default_factory=list)
    resolved: list[IncidentRecord] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.opened or self.ongoing or self.resolved)

    def without_open(self, kind: IncidentKind) -> IncidentUpdates:
        """Return the update without the incidents of a kind that are not resolved."""
        opened, ongoing = (
            [each for each in group if each.kind != kind] for group in (self.opened, self.ongoing)
        )
        return IncidentUpdates(opened, ongoing, self.resolved)

    def detail(self) -> dict[str, Any]:
        """Return the update as data, stored with its mail."""
        return {
            part: [{"kind": str(each.kind), "facts": each.facts} for each in getattr(self, part)]
            for part in ("opened", "ongoing", "resolved")
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
        known = book.incidents.setdefault(
            key, IncidentRecord(kind=cause.kind, facts=dict(cause.facts), noticed_at=now)
        )
        known.absent_since = None
        if known.notified_at is None or cause.kind not in ENDS_AT_ONCE:
            known.facts = dict(cause.facts)  # keeps the start as reported
        if known.notified_at is None:
            if now - known.noticed_at >= SEEN_TWICE.get(cause.kind, timedelta(0)):
                known.notified_at = now
                telling.opened.append(known)
        elif now - known.notified_at >= again:
            known.notified_at, known.facts = now, dict(cause.facts)
            telling.ongoing.append(known)
    for key, known in list(book.incidents.items()):
        if key in causes or known.kind not in looked_at:
            continue
        known.absent_since = known.absent_since or now
        if known.notified_at is None:
            del book.incidents[key]
        elif known.kind in ENDS_AT_ONCE:
            telling.resolved.append(book.incidents.pop(key))
        elif now - known.absent_since >= REST:
            del book.incidents[key]
    return telling
