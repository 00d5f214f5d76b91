"""Who was notified of a deadline before: by role, how often, and when last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Notified:
    """A role with earlier notices of the same deadline: how many, and the time of the last."""

    role: str
    times: int
    last: datetime


def notified_by_role(tellings: Iterable[tuple[str, datetime]]) -> tuple[Notified, ...]:
    """Group earlier notices by role, ordered by the last one; two people at one time count once."""
    moments: dict[str, set[datetime]] = {}
    for role, sent_at in tellings:
        moments.setdefault(role, set()).add(sent_at)
    found = [Notified(role, len(times), max(times)) for role, times in moments.items()]
    return tuple(sorted(found, key=lambda told: told.last))
