"""The directory: units, their parents, and who holds a role of a unit at what time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sla.folding import folded


class Role(StrEnum):
    """The roles to which notices are addressed."""

    LIAISON = "liaison"
    HEAD_OF_UNIT = "head_of_unit"
    REGIONAL_SECRETARY = "regional_secretary"
    INSPECTOR = "inspector"
    REGENT = "regent"
    ADMINISTRATOR = "administrator"


OF_A_UNIT = (Role.LIAISON, Role.HEAD_OF_UNIT)
"""Roles that exist in every unit. The other roles exist once for the whole site."""

SPEAKING = (*OF_A_UNIT, Role.ADMINISTRATOR)
"""Roles that speak for a unit. The administrator verifies complaints, a duty of its own unit."""

SUPERIOR_OFFICE = "superior"
"""The key of the office with the duties of superiors, where reports have the id of a unit. No unit
has this id."""


SHORT = 20
"""Limit in characters of a unit's name that needs no short name."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of the government (OPD), with the spellings used by the sources.

    `given_short_name` is its name for subjects of mails, if the site gives one.
    """

    id: str
    name: str
    kind: str
    parent: str | None
    aliases: tuple[str, ...] = ()
    given_short_name: str = ""

    @property
    def short_name(self) -> str:
        """Return the given short name, else the name if it is short, else the shortest spelling."""
        if self.given_short_name or len(self.name) <= SHORT:
            return self.given_short_name or self.name
        return min((self.name, *self.aliases), key=len)


@dataclass(frozen=True, slots=True)
class OfficeHolder:
    """A person's tenure of a role at a unit. A deputy (Plt./Plh.) replaces the regular holder."""

    unit: str
    role: Role
    name: str
    email: str
    since: date | None = None
    until: date | None = None
    deputy: bool = False
    locale: str | None = None
    """The language of mails to this person; None means the language of the site."""
    title: str = ""
    """The title of the office as written in a salutation; empty: it is derived."""

    def in_office_on(self, day: date) -> bool:
        """Check whether the tenure covers this day."""
        return (self.since is None or self.since <= day) and (
            self.until is None or day <= self.until
        )


@dataclass(frozen=True, slots=True)
class Holders:
    """The recipients for a role, and the vacancy if there is one.

    `vacancy` is the unit in which the role is vacant. The notices then go to the parent unit or to
    the administrator.
    """

    offices: tuple[OfficeHolder, ...]
    vacancy: str | None = None


class Directory:
    """All units and officials of a site."""

    def __init__(
        self,
        units: Iterable[Unit],
        offices: Iterable[OfficeHolder],
        no_officers_needed: Collection[str] = (),
    ) -> None:
        """Build the directory.

        Units of the kinds `no_officers_needed` need no officials of their own, so that an empty
        office of them is no vacancy: its notices go to the parent unit.
        """
        self.no_officers_needed = frozenset(no_officers_needed)
        self.units = {unit.id: unit for unit in units}
        self.offices = tuple(offices)
        self._children: dict[str | None, list[str]] = {}
        for unit in self.units.values():
            self._children.setdefault(unit.parent, []).append(unit.id)
        self._spellings = {
            folded(spelling): unit.id
            for unit in self.units.values()
            for spelling in (unit.id, unit.name, *unit.aliases)
        }

    @property
    def administrator_unit(self) -> str | None:
        """The unit of the first administrator without a last day, else of the last one; or None."""
        rows = [office for office in self.offices if office.role is Role.ADMINISTRATOR]
        unlimited = [office for office in rows if office.until is None]
        return next((office.unit for office in [*unlimited, *reversed(rows)]), None)

    @property
    def offices(self) -> tuple[OfficeHolder, ...]:
        """All tenures, past and future ones as well, in the order of the site's file."""
        return self._offices

    @offices.setter
    def offices(self, offices: tuple[OfficeHolder, ...]) -> None:
        """Replace all tenures."""
        self._offices = offices
        self._by_role: dict[Role, list[OfficeHolder]] = {}
        self._by_unit: dict[tuple[Role, str], list[OfficeHolder]] = {}
        self._by_address: dict[str, list[OfficeHolder]] = {}
        for office in offices:
            self._by_role.setdefault(office.role, []).append(office)
            self._by_unit.setdefault((office.role, office.unit), []).append(office)
            self._by_address.setdefault(office.email.casefold(), []).append(office)

    def offices_of(self, address: str) -> Sequence[OfficeHolder]:
        """Return all tenures with this address, in the order of :attr:`offices`."""
        return self._by_address.get(address.casefold(), ())

    def unit_called(self, name: str) -> str | None:
        """Return the id of the unit with this name or alias, ignoring letter case and spaces."""
        return self._spellings.get(folded(name))

    def name_of(self, unit: str | None) -> str:
        """Return the display name of a unit, or its id if the directory no longer has it."""
        if unit is None:
            return ""
        return self.units[unit].name if unit in self.units else unit

    def short_name_of(self, unit: str | None) -> str:
        """Return the short name of a unit, or its id if the directory no longer has it."""
        if unit is None:
            return ""
        return self.units[unit].short_name if unit in self.units else unit

    def below(self, unit: str) -> frozenset[str]:
        """Return a unit with all units below it."""
        found: set[str] = set()
        waiting = [unit]
        while waiting:
            each = waiting.pop()
            if each not in found:
                found.add(each)
                waiting += self._children.get(each, ())
        return frozenset(found)

    def held_by(self, address: str, day: date) -> tuple[OfficeHolder, ...]:
        """Return the offices in which this address is notified on a day.

        A regular holder with a deputy is not notified.
        """
        return tuple(
            office
            for office in self.offices_of(address)
            if office in self._acting(office.role, day, office.unit)
        )

    def tenure_of(
        self, address: str, role: Role, unit: str | None, day: date
    ) -> OfficeHolder | None:
        """Return the tenure in which an address holds an office on a day, or held it last before;
        None if the directory knows none.
        """
        known = [
            office
            for office in self.offices_of(address)
            if (office.role, office.unit) == (role, unit or "")
            and (office.since is None or office.since <= day)
        ]
        return max(known, key=lambda each: each.until or date.max, default=None)

    def kinds(self) -> dict[str, str]:
        """Return the kind of each unit, by id."""
        return {unit.id: unit.kind for unit in self.units.values()}

    def holders(
        self, role: Role, unit: str | None, day: date, without: Collection[str] = ()
    ) -> Holders:
        """Return the recipients of notices for this role, about a complaint of this unit.

        1. The holders at the unit itself come first, then those of its parent, and so on upwards.
        2. A role that exists once for the site is found at any unit.
        3. If the role is vacant everywhere, the notices go to the administrators.

        `without` are unreachable addresses, in lower case. Their offices count as vacant. If no
        other administrator is left, an unreachable administrator is returned nevertheless.
        """
        place = unit
        seen: set[str] = set()
        while place is not None and place not in seen:
            seen.add(place)
            found = self._acting(role, day, place, without)
            if found:
                own_office = place == unit or role not in OF_A_UNIT or not self._needs(unit)
                return Holders(found, None if own_office else unit)
            place = self.units[place].parent if place in self.units else None
        if role not in OF_A_UNIT:
            found = self._acting(role, day, None, without)
            if found:
                return Holders(found)
        administrators = self._acting(Role.ADMINISTRATOR, day, None, without)
        return Holders(administrators or self._acting(Role.ADMINISTRATOR, day, None), unit or "")

    def is_held(self, role: Role, day: date) -> bool:
        """Check whether anybody holds a role on this day, at whichever unit."""
        return bool(self._acting(role, day, None))

    def vacancies(self, day: date) -> list[tuple[str, Role]]:
        """Return the vacancies of the units on this day, as pairs of (unit, role)."""
        return [(unit, role) for unit in self.units for role in self.vacancies_of(unit, day)]

    def vacancies_of(self, unit: str, day: date) -> tuple[Role, ...]:
        """Return the vacant roles of one unit on this day; those of an unknown unit are none."""
        if unit not in self.units or not self._needs(unit):
            return ()
        return tuple(role for role in OF_A_UNIT if not self._acting(role, day, unit))

    def _needs(self, unit: str | None) -> bool:
        """Check whether a unit needs officials of its own."""
        known = self.units.get(unit or "")
        return known is None or known.kind not in self.no_officers_needed

    def _acting(
        self, role: Role, day: date, unit: str | None, without: Collection[str] = ()
    ) -> tuple[OfficeHolder, ...]:
        every = self._by_role.get(role, ()) if unit is None else self._by_unit.get((role, unit), ())
        assignments = [
            office
            for office in every
            if office.in_office_on(day) and not (without and office.email.casefold() in without)
        ]
        deputies = [office for office in assignments if office.deputy]
        deputised = {office.unit for office in deputies}
        return tuple(deputies + [o for o in assignments if o.unit not in deputised])
