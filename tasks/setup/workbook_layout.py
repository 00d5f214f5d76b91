"""The sheets and columns of the directory as a workbook, by the keys of the words."""

from __future__ import annotations

from dataclasses import dataclass

from settings.errors import LOCALES
from sla.directory import OF_A_UNIT, Directory, Role
from tasks.text.catalog import catalog

UNIT_COLUMNS = ("unit", "name", "kind", "parent", "aliases", "short_name", "complaints", "check")
"""The columns of the sheet of units; the last two are information and are not imported."""

OFFICER_COLUMNS = ("unit", "role", "name", "email", "from", "to", "deputy", "locale", "title")
"""The columns of the sheet of officials."""

SITE_ROLES = {
    Role.REGENT: (),
    Role.REGIONAL_SECRETARY: ("setda",),
    Role.INSPECTOR: ("inspektorat",),
}
"""Roles that exist once, with the kinds of unit that have them; else the top unit has them."""


def heading_keys(sheet: str) -> dict[str, str]:
    """Return the key of each heading of a sheet, in lower case, in every language."""
    columns = UNIT_COLUMNS if sheet == "units" else OFFICER_COLUMNS
    return {
        catalog(locale)(f"directory_file.{sheet}.{column}").casefold(): column
        for locale in LOCALES
        for column in columns
    }


def roles_by_word() -> dict[str, Role]:
    """Return the roles by their names in every language, in lower case, and by their keys."""
    words = {
        catalog(locale)(f"directory_file.role.{role}").casefold(): role
        for locale in LOCALES
        for role in Role
    }
    return words | {role.value: role for role in Role}


@dataclass(frozen=True, slots=True)
class EmptyOffice:
    """An office without a holder, for a row that a person fills in."""

    unit: str
    role: Role


def empty_offices(directory: Directory) -> list[EmptyOffice]:
    """Return the offices that nobody has ever held and that the government needs."""
    held = {(office.unit, office.role) for office in directory.offices}
    roles = {office.role for office in directory.offices}
    found = [
        EmptyOffice(_unit_of(directory, kinds), role)
        for role, kinds in SITE_ROLES.items()
        if role not in roles
    ]
    found += [
        EmptyOffice(unit.id, role)
        for unit in directory.units.values()
        for role in reversed(OF_A_UNIT)
        if unit.kind not in directory.no_officers_needed and (unit.id, role) not in held
    ]
    return found


def _unit_of(directory: Directory, kinds: tuple[str, ...]) -> str:
    units = directory.units.values()
    top = next(unit.id for unit in units if unit.parent is None)
    return next((unit.id for unit in units if unit.kind in kinds), top)
