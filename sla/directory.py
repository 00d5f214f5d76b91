"""Who holds which office when: units, their parents, roles and deputies."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Role(StrEnum):
    """The offices that notices are addressed to."""

    LIAISON = "liaison"
    HEAD_OF_UNIT = "head_of_unit"
    REGIONAL_SECRETARY = "regional_secretary"
    INSPECTOR = "inspector"
    REGENT = "regent"
    ADMINISTRATOR = "administrator"


OF_A_UNIT = (Role.LIAISON, Role.HEAD_OF_UNIT)
"""Roles that each unit has of its own; the others are held once for the whole site."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of the government (OPD), with the spellings that sources use for it."""

    id: str
    name: str
    kind: str
    parent: str | None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Office:
    """A person's tenure of a role at a unit; a deputy (Plt./Plh.) acts before the holder."""

    unit: str
    role: Role
    name: str
    email: str
    since: date | None = None
    until: date | None = None
    deputy: bool = False
    locale: str | None = None
    """The language of mails to this person; None is the site's."""

    def held_on(self, day: date) -> bool:
        """Whether the tenure covers this day."""
        return (self.since is None or self.since <= day) and (
            self.until is None or day <= self.until
        )


@dataclass(frozen=True, slots=True)
class Holders:
    """Who is addressed for a role, and whether the office itself stands empty.

    `hole` names the unit whose own office has no holder; a parent or the administrator then
    stands in.
    """

    offices: tuple[Office, ...]
    hole: str | None = None


class Directory:
    """All units and offices of a site."""

    def __init__(self, units: Iterable[Unit], offices: Iterable[Office]) -> None:
        self.units = {unit.id: unit for unit in units}
        self.offices = tuple(offices)
        self._spellings = {
            _folded(spelling): unit.id
            for unit in self.units.values()
            for spelling in (unit.id, unit.name, *unit.aliases)
        }

    def unit_called(self, name: str) -> str | None:
        """The id of the unit that goes by this name or alias, letter case and spaces aside."""
        return self._spellings.get(_folded(name))

    def name_of(self, unit: str | None) -> str:
        """A unit's name as people read it; the id where it is no longer in the directory."""
        if unit is None:
            return ""
        return self.units[unit].name if unit in self.units else unit

    def kinds(self) -> dict[str, str]:
        """The kind of each unit, by id."""
        return {unit.id: unit.kind for unit in self.units.values()}

    def holders(
        self, role: Role, unit: str | None, day: date, without: Collection[str] = ()
    ) -> Holders:
        """Who is told in this role about a matter of this unit.

        The unit's own holders come first, then its parent's and so on upwards; a role that is
        held once for the site is found wherever it is held. If nobody holds it, the
        administrators are told. `without` are addresses, in small letters, that cannot be
        reached: their offices count as empty, but for the administrators' when nobody else is left.
        """
        place = unit
        seen: set[str] = set()
        while place is not None and place not in seen:
            seen.add(place)
            found = self._acting(role, day, place, without)
            if found:
                own_office = place == unit or role not in OF_A_UNIT
                return Holders(found, None if own_office else unit)
            place = self.units[place].parent if place in self.units else None
        if role not in OF_A_UNIT:
            found = self._acting(role, day, None, without)
            if found:
                return Holders(found)
        administrators = self._acting(Role.ADMINISTRATOR, day, None, without)
        return Holders(administrators or self._acting(Role.ADMINISTRATOR, day, None), unit or "")

    def holes(self, day: date) -> list[tuple[str, Role]]:
        """The offices of units that nobody holds on this day, as (unit, role)."""
        return [
            (unit, role)
            for unit in self.units
            for role in OF_A_UNIT
            if not self._acting(role, day, unit)
        ]

    def _acting(
        self, role: Role, day: date, unit: str | None, without: Collection[str] = ()
    ) -> tuple[Office, ...]:
        held = [
            office
            for office in self.offices
            if office.role is role
            and (unit is None or office.unit == unit)
            and office.held_on(day)
            and office.email.casefold() not in without
        ]
        deputies = [office for office in held if office.deputy]
        deputised = {office.unit for office in deputies}
        return tuple(deputies + [o for o in held if o.unit not in deputised])


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()
