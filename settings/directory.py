"""`directory.csv`: the units of the government and the holders of their roles."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

from settings.errors import LOCALES, SettingsError
from sla.directory import Directory, OfficeHolder, Role, Unit
from sla.error_text import did_you_mean

COLUMNS = {
    "unit": "The id of the unit. Keep it even if the name of the unit changes.",
    "unit_name": "The name of the unit.",
    "kind": "The kind of unit, for `unit_kinds` in escalation.toml: `opd`, `kecamatan` ...",
    "parent": "The id of the parent unit; empty for the top unit.",
    "aliases": "Other spellings used by sources, separated by `|`.",
    "role": "The role: liaison, head_of_unit, regional_secretary, inspector, regent or"
    " administrator; empty if the line only describes the unit.",
    "name": "The name of the official in this role.",
    "email": "The mail address of the official.",
    "from": "The first day of the tenure, for example `2026-11-24`; empty if it has no start.",
    "to": "The last day of the tenure; empty if it has not ended.",
    "deputy": "`yes` for a deputy (Plt., Plh.): the deputy gets the notices, not the holder.",
}
"""The required columns, with their meanings."""

OPTIONAL = {
    "locale": "The language of mails to this person, `id` or `en`; empty: the site's.",
    "short_name": "The short name of the unit, for subjects of mails: `Dinas PUPR`; empty:"
    " `unit_name` if it has at most 20 characters, else the shortest of it and `aliases`.",
    "title": "The title of the office in the salutation: `Camat Contoh Utara`; empty: derived from"
    " the role and the unit.",
}
"""The optional columns, with their meanings."""


def read_directory(path: Path) -> Directory:
    """Read the directory; raises :class:`SettingsError` with every mistake, by line."""
    if not path.is_file():
        raise SettingsError(f"{path}: no such file; it lists units and their officials")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: not in UTF-8; save it as 'CSV UTF-8'") from None
    header = text.partition("\n")[0]
    # Excel with Indonesian settings separates the cells by semicolons
    delimiter = ";" if header.count(";") > header.count(",") else ","
    units: dict[str, Unit] = {}
    offices: list[OfficeHolder] = []
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
                f"{path}: unit {unit.id}: no parent '{unit.parent}'"
                f"{did_you_mean(unit.parent, units)}"
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


def _take(cells: dict[str, str], units: dict[str, Unit], offices: list[OfficeHolder]) -> list[str]:
    mistakes = [f"`{name}` is empty" for name in ("unit", "unit_name", "kind") if not cells[name]]
    if mistakes:
        return mistakes
    aliases = tuple(alias.strip() for alias in cells["aliases"].split("|") if alias.strip())
    unit = Unit(
        cells["unit"],
        cells["unit_name"],
        cells["kind"],
        cells["parent"] or None,
        aliases,
        cells["short_name"],
    )
    if units.setdefault(unit.id, unit) != unit:
        mistakes.append(f"unit {unit.id} is described differently in an earlier line")
    if not cells["role"]:
        return mistakes
    if cells["role"] not in set(Role):
        return [*mistakes, f"no role '{cells['role']}'{did_you_mean(cells['role'], Role)}"]
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
        OfficeHolder(
            unit=unit.id,
            role=Role(cells["role"]),
            name=cells["name"],
            email=cells["email"],
            since=tenure["from"],
            until=tenure["to"],
            deputy=cells["deputy"] == "yes",
            locale=cells["locale"] or None,
            title=cells["title"],
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
