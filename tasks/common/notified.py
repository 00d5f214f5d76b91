"""Who was notified of a deadline before: by role, how often, and when last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from db.notices import Notification
from sla.directory import OfficeHolder, Role
from sla.ladders import SUPERIORS


@dataclass(frozen=True, slots=True)
class Notified:
    """A role with earlier notices of the same matter: on how many days, and the time of the last.

    `names` are the people who got them.
    """

    role: str
    times: int
    last: datetime
    names: tuple[str, ...] = ()


def notified_by_role(notifications: Iterable[Notification], zone: ZoneInfo) -> tuple[Notified, ...]:
    """Group earlier notices by role, ordered by the day of the last one and then by rank.

    All mails of one local day are one occasion: two liaison officers who get the same notice count
    once, and so do two rungs on one day.
    """
    found: dict[str, list[Notification]] = {}
    for each in notifications:
        found.setdefault(each.role, []).append(each)
    grouped = [_grouped(role, each, zone) for role, each in found.items()]
    ranks = {str(role): rank for rank, role in enumerate(Role)}
    return tuple(
        sorted(grouped, key=lambda each: (each.last.astimezone(zone).date(), ranks[each.role]))
    )


def under_own_office(
    notifications: Iterable[Notification], offices: Iterable[OfficeHolder]
) -> list[Notification]:
    """Give a superior who got a notice in the place of another office the superior's own role.

    So the list of those notified has each superior once, by the office that every reader knows.
    """
    known = list(offices)
    holders = {(each.unit, each.role, each.email.casefold()) for each in known}
    superiors = {each.email.casefold(): each.role for each in known if each.role in SUPERIORS}
    found = []
    for each in notifications:
        address = each.recipient.casefold()
        own = superiors.get(address)
        in_own_office = each.role in SUPERIORS or (each.unit, each.role, address) in holders
        found.append(each if own is None or in_own_office else each._replace(role=own))
    return found


def _grouped(role: str, notifications: list[Notification], zone: ZoneInfo) -> Notified:
    days: set[date] = {each.sent_at.astimezone(zone).date() for each in notifications}
    last = max(each.sent_at for each in notifications)
    names = dict.fromkeys(each.name for each in notifications if each.name)
    return Notified(role, len(days), last, tuple(names))
