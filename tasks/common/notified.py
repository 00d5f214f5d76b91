"""Who was notified of a deadline before: by role, how often, and when last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from db.notices import Notification
from sla.directory import OF_A_UNIT, Directory, OfficeHolder, Role
from sla.ladders import SUPERIORS

DEPUTY = "Plt. "
"""The word before the name of a deputy."""


class NotifiedOffice(NamedTuple):
    """The role in which a person was notified.

    `instead` is the role in whose place, if no holder of that one could be notified. It is the same
    role if a holder at a superior unit got the notice.
    """

    role: str
    instead: str = ""


class NotifiedOffices:
    """The offices in which people were notified, by the directory of the day of the mail.

    A notice names the role that it is addressed to. If that office is vacant or out of reach,
    another person gets the notice.
    """

    def __init__(self, directory: Directory, zone: ZoneInfo) -> None:
        self._directory, self._zone = directory, zone
        self._known: dict[tuple[str, str, str, date], NotifiedOffice] = {}
        self._deputies: dict[tuple[str, str, str, date], bool] = {}

    def of(self, role: str, unit: str, recipient: str, sent_at: datetime) -> NotifiedOffice:
        """Return the office in which an address got a notice to a role about a unit."""
        key = role, unit, recipient.casefold(), sent_at.astimezone(self._zone).date()
        if key not in self._known:
            self._known[key] = self._office(*key)
        return self._known[key]

    def unit_of(
        self, role: str, unit: str, recipient: str, sent_at: datetime, addressed: str | None
    ) -> str | None:
        """Return the unit of the office in which an address got a notice to a role about a unit.

        It is the nearest unit at which the person held that office. One mail can have notices to
        several offices of a person; `addressed` is the unit of the one that it is addressed to.
        """
        day = sent_at.astimezone(self._zone).date()
        office = self.of(role, unit, recipient, sent_at).role
        held = [each.unit for each in self._held(recipient, day) if each.role == office]
        nearest = (unit, *self._above(unit), addressed, *held)
        return next((each for each in nearest if each in held), addressed)

    def named(self, name: str, role: str, unit: str, recipient: str, sent_at: datetime) -> str:
        """Return the name of a person who got a notice; a deputy's begins with 'Plt.'."""
        day = sent_at.astimezone(self._zone).date()
        key = self.of(role, unit, recipient, sent_at).role, unit, recipient.casefold(), day
        if key not in self._deputies:
            self._deputies[key] = self._is_deputy(*key)
        return f"{DEPUTY}{name}" if name and self._deputies[key] else name

    def _is_deputy(self, role: str, unit: str, recipient: str, day: date) -> bool:
        held = [each for each in self._held(recipient, day) if each.role == role]
        same = [each for each in held if each.unit == unit] or held
        return bool(same) and all(each.deputy for each in same)

    def _held(self, recipient: str, day: date) -> Sequence[OfficeHolder]:
        """Return the offices of an address on a day, or all of them if it held none."""
        offices = self._directory.offices_of(recipient)
        return [each for each in offices if each.in_office_on(day)] or offices

    def _office(self, role: str, unit: str, recipient: str, day: date) -> NotifiedOffice:
        held = self._held(recipient, day)
        same = {each.unit for each in held if each.role == role}
        if not held or unit in same or (same and role not in OF_A_UNIT):
            return NotifiedOffice(role)
        roles = [each.role for each in held]
        superior = next((each for each in roles if each in SUPERIORS), None)
        if superior is not None and role in OF_A_UNIT:
            return NotifiedOffice(superior, role)
        if same & set(self._above(unit)):
            unneeded = self._directory.no_officers_needed
            known = self._directory.units.get(unit)
            regular = known is not None and known.kind in unneeded
            return NotifiedOffice(role, "" if regular else role)
        if Role.ADMINISTRATOR in roles:
            return NotifiedOffice(Role.ADMINISTRATOR, role)
        return NotifiedOffice(role)

    def _above(self, unit: str) -> list[str]:
        """Return the units above a unit, from below."""
        found: list[str] = []
        place = self._directory.units.get(unit)
        while place is not None and place.parent is not None and place.parent not in found:
            found.append(place.parent)
            place = self._directory.units.get(place.parent)
        return found


@dataclass(frozen=True, slots=True)
class Notified:
    """A role with earlier notices of the same matter: on how many days, and the time of the last.

    `names` are the people who got them, `instead` is the role in whose place
    (:class:`NotifiedOffice`). `unit` is the unit that a notice to an office of a unit was about, if
    they are grouped by it, and `place` its name for readers to whom it is another unit.
    """

    role: str
    times: int
    last: datetime
    names: tuple[str, ...] = ()
    instead: str = ""
    unit: str = ""
    place: str = ""


def notified_by_role(
    notifications: Iterable[Notification],
    offices: NotifiedOffices,
    zone: ZoneInfo,
    *,
    people_once: bool = False,
    by_unit: bool = False,
) -> tuple[Notified, ...]:
    """Group earlier notices by the office of those who got them, ordered by the day of the last one
    and then by rank.

    All mails of one local day are one occasion: two liaison officers who get the same notice count
    once, and so do two rungs on one day. With `people_once` a superior who also got notices in
    the place of another office is in the list once, by the office that every reader knows, and a
    person with several offices of a unit once, by the highest of them. With `by_unit` the offices
    of each unit are apart: a complaint may have been at several.
    """
    placed: list[tuple[NotifiedOffice, str, Notification]] = []
    for each in notifications:
        office = offices.of(each.role, each.unit, each.recipient, each.sent_at)
        if people_once and office.role in SUPERIORS:
            office = NotifiedOffice(office.role)
        unit = each.unit if by_unit and office.role in OF_A_UNIT else ""
        placed.append((office, unit, each))
    highest = _highest_offices(placed) if people_once else {}
    found: dict[tuple[NotifiedOffice, str], list[Notification]] = {}
    for office, unit, each in placed:
        key = highest.get((_person(each), unit), office) if office.role in OF_A_UNIT else office
        found.setdefault((key, unit), []).append(each)
    grouped = [_grouped(*key, each, zone) for key, each in found.items()]
    ranks = {str(role): rank for rank, role in enumerate(Role)}
    return tuple(
        sorted(
            grouped,
            key=lambda each: (each.last.astimezone(zone).date(), ranks[each.role], each.instead),
        )
    )


def _highest_offices(
    placed: Iterable[tuple[NotifiedOffice, str, Notification]],
) -> dict[tuple[str, str], NotifiedOffice]:
    """Return the highest office of each person in a unit in which this person got notices."""
    ranks = {str(role): rank for rank, role in enumerate(OF_A_UNIT)}
    highest: dict[tuple[str, str], NotifiedOffice] = {}
    for office, unit, each in placed:
        if office.role in ranks:
            known = highest.setdefault((_person(each), unit), office)
            if ranks[office.role] > ranks[known.role]:
                highest[_person(each), unit] = office
    return highest


def _person(mail: Notification) -> str:
    """Return a key of a person: the address of an office may change hands."""
    return f"{mail.recipient.casefold()} {mail.name.removeprefix(DEPUTY)}"


def _grouped(
    office: NotifiedOffice, unit: str, notifications: list[Notification], zone: ZoneInfo
) -> Notified:
    days: set[date] = {each.sent_at.astimezone(zone).date() for each in notifications}
    last = max(each.sent_at for each in notifications)
    names = {_person(each): each.name for each in notifications if each.name}
    unique = tuple(dict.fromkeys(names.values()))
    return Notified(office.role, len(days), last, unique, office.instead, unit)
