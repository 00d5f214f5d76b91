"""`directory.csv`: the units of the government and who holds which office."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

from settings.errors import LOCALES, SettingsError, nearest
from sla.directory import Directory, Office, Role, Unit

COLUMNS = {
    "unit": "The unit's id: it never changes, whatever the unit is called.",
    "unit_name": "What it is called.",
    "kind": "What sort of unit it is, for `unit_kinds` in escalation.toml: `opd`, `kecamatan` ...",
    "parent": "The unit above it, by id; empty at the top.",
    "aliases": "Other spellings that sources use, with `|` between them.",
    "role": "The office: liaison, head_of_unit, regional_secretary, inspector, regent or"
    " administrator; empty where the line only tells of the unit.",
    "name": "Who holds it.",
    "email": "The address.",
    "from": "The first day of the tenure, `2026-11-24`; empty: from ever.",
    "to": "Its last day; empty: still.",
    "deputy": "`yes` for a deputy (Plt., Plh.), who is told in the place of the holder.",
}
"""The columns that the file must have, and what each says."""

OPTIONAL = {"locale": "The language of the mails to this person: `id` or `en`; empty: the site's."}
"""Those that it may have."""


def read_directory(path: Path) -> Directory:
    """Read the directory; raises :class:`SettingsError` with every mistake, by line."""
    if not path.is_file():
        raise SettingsError(f"{path}: no such file; it lists units and their officials")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: not in UTF-8; save it as 'CSV UTF-8'") from None
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","  # as Excel saves it here
    units: dict[str, Unit] = {}
    offices: list[Office] = []
    mistakes: list[str] = []
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
    if missing:
        raise SettingsError(f"{path}: the header lacks {', '.join(missing)}")
    for row in reader:
        where = f"{path}, line {reader.line_num}"
        cells = {name: (row.get(name) or "").strip() for name in (*COLUMNS, *OPTIONAL)}
        mistakes += [f"{where}: {mistake}" for mistake in _take(cells, units, offices)]
    for unit in units.values():
        if unit.parent is not None and unit.parent not in units:
            mistakes.append(
                f"{path}: unit {unit.id}: no parent '{unit.parent}'{nearest(unit.parent, units)}"
            )
    mistakes += [f"{path}: {mistake}" for mistake in _spelt_twice(units)]
    mistakes += [
        f"{path}: unit {unit} is its own superior; correct `parent`"
        for unit in units
        if _circles(unit, units)
    ]
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    return Directory(units.values(), offices)


def _take(cells: dict[str, str], units: dict[str, Unit], offices: list[Office]) -> list[str]:
    mistakes = [f"`{name}` is empty" for name in ("unit", "unit_name", "kind") if not cells[name]]
    if mistakes:
        return mistakes
    aliases = tuple(alias.strip() for alias in cells["aliases"].split("|") if alias.strip())
    unit = Unit(cells["unit"], cells["unit_name"], cells["kind"], cells["parent"] or None, aliases)
    if units.setdefault(unit.id, unit) != unit:
        mistakes.append(f"unit {unit.id} is described otherwise in an earlier line")
    if not cells["role"]:
        return mistakes
    if cells["role"] not in set(Role):
        return [*mistakes, f"no role '{cells['role']}'{nearest(cells['role'], Role)}"]
    name, _, host = cells["email"].rpartition("@")
    if not name or not host or any(c.isspace() or c in "<>," for c in cells["email"]):
        mistakes.append(f"'{cells['email']}' is no mail address")
    tenure: dict[str, date | None] = {}
    for key in ("from", "to"):
        try:
            tenure[key] = date.fromisoformat(cells[key]) if cells[key] else None
        except ValueError:
            mistakes.append(f"`{key}` is '{cells[key]}'; write a date as 2026-11-24")
    if mistakes:
        return mistakes
    if tenure["from"] and tenure["to"] and tenure["to"] < tenure["from"]:
        return [f"the tenure ends ({cells['to']}) before it begins ({cells['from']})"]
    if cells["deputy"] not in ("", "yes"):
        return [f"`deputy` is '{cells['deputy']}'; write yes or leave it empty"]
    if cells["locale"] not in ("", *LOCALES):
        return [f"`locale` is '{cells['locale']}'; write id or en, or leave it empty"]
    offices.append(
        Office(
            unit=unit.id,
            role=Role(cells["role"]),
            name=cells["name"],
            email=cells["email"],
            since=tenure["from"],
            until=tenure["to"],
            deputy=cells["deputy"] == "yes",
            locale=cells["locale"] or None,
        )
    )
    return []


def _spelt_twice(units: dict[str, Unit]) -> list[str]:
    owner: dict[str, str] = {}
    found = []
    for unit in units.values():
        for spelling in {unit.id, unit.name, *unit.aliases}:
            folded = " ".join(spelling.split()).casefold()
            other = owner.setdefault(folded, unit.id)
            if other != unit.id:
                found.append(f"'{spelling}' means both {other} and {unit.id}")
    return found


def _circles(unit: str, units: dict[str, Unit]) -> bool:
    place: str | None = units[unit].parent
    for _ in units:
        if place is None or place not in units:
            return False
        if place == unit:
            return True
        place = units[place].parent
    return False
