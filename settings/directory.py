"""`units.csv` and `officers.csv`: the units of the government and the holders of their roles."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from settings.errors import LOCALES, SettingsError
from settings.mail_address import WrongAddress, address_of_person
from sla.directory import SUPERIOR_OFFICE, Directory, OfficeHolder, Role, Unit
from sla.error_text import did_you_mean
from sla.plain_text import one_plain_line

UNITS_FILE, OFFICERS_FILE = "units.csv", "officers.csv"

UNIT_COLUMNS = {
    "unit": "The id of the unit. Keep it even if the name of the unit changes. `superior` is not"
    " allowed: reports have the duties of superiors under it.",
    "name": "The name of the unit.",
    "kind": "The kind of unit, for `unit_kinds` in escalation.toml and `no_officers_needed` in"
    " site.toml: `dinas`, `kecamatan` ...",
    "parent": "The id of the parent unit; empty for the top unit.",
    "aliases": "Other spellings used by sources, separated by `|`.",
}
"""The required columns of units.csv, with their meanings."""

UNIT_OPTIONAL = {
    "short_name": "The short name of the unit, for subjects of mails: `Dinas PUPR`; empty: `name`"
    " if it has at most 20 characters, else the shortest of it and `aliases`.",
}
"""The optional columns of units.csv, with their meanings."""

OFFICER_COLUMNS = {
    "unit": "The id of the unit.",
    "role": "The role: liaison, head_of_unit, regional_secretary, inspector, regent or"
    " administrator.",
    "name": "The name of the official in this role.",
    "email": "The mail address of the official; a domain with other letters is stored in ASCII.",
    "from": "The first day of the tenure, for example `2026-11-24`; empty if it has no start.",
    "to": "The last day of the tenure; empty if it has not ended.",
    "deputy": "`yes` for a deputy (Plt., Plh.): the deputy gets the notices, not the holder.",
}
"""The required columns of officers.csv, with their meanings."""

OFFICER_OPTIONAL = {
    "locale": "The language of mails to this person, `id` or `en`; empty: the site's.",
    "title": "The title of the office in the salutation: `Camat Contoh Utara`; empty: derived from"
    " the role and the unit.",
}
"""The optional columns of officers.csv, with their meanings."""


@dataclass(slots=True)
class _Table:
    """A CSV file of the directory: its rows by the number of their last line."""

    path: Path
    rows: list[tuple[int, dict[str, str]]] = field(default_factory=list)

    def mistake(self, line: int, text: str) -> str:
        """Return a mistake with the file and the line."""
        return f"{self.path}, line {line}: {text}"


def read_directory(folder: Path, no_officers_needed: Collection[str] = ()) -> Directory:
    """Read both files; raises :class:`SettingsError` with every mistake, by file and line.

    `no_officers_needed` are the kinds of unit that need no officials of their own.
    """
    mistakes: list[str] = []
    units = _table(folder / UNITS_FILE, UNIT_COLUMNS, UNIT_OPTIONAL, "it lists the units", mistakes)
    officers = _table(
        folder / OFFICERS_FILE,
        OFFICER_COLUMNS,
        OFFICER_OPTIONAL,
        "it lists the officials",
        mistakes,
    )
    known = _units(units, mistakes)
    offices = list(_offices(officers, known, mistakes))
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    return Directory(known.values(), offices, no_officers_needed)


def _table(
    path: Path,
    required: Mapping[str, str],
    optional: Mapping[str, str],
    purpose: str,
    mistakes: list[str],
) -> _Table:
    """Read the rows of a file; a mistake leaves it without rows."""
    table = _Table(path)
    if not path.is_file():
        mistakes.append(f"{path}: no such file; {purpose}")
        return table
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        mistakes.append(f"{path}: not in UTF-8; save it as 'CSV UTF-8'")
        return table
    header = text.partition("\n")[0]
    # Excel with Indonesian settings separates the cells by semicolons
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    missing = [name for name in required if name not in (reader.fieldnames or [])]
    if missing:
        mistakes.append(f"{path}: the header lacks {', '.join(missing)}")
        return table
    for row in reader:
        cells = {name: (row.get(name) or "").strip() for name in (*required, *optional)}
        table.rows.append((reader.line_num, cells))
    return table


def _units(table: _Table, mistakes: list[str]) -> dict[str, Unit]:
    units: dict[str, Unit] = {}
    for line, cells in table.rows:
        empty = [name for name in ("unit", "name", "kind") if not cells[name]]
        mistakes += [table.mistake(line, f"`{name}` is empty") for name in empty]
        if empty:
            continue
        unit = unit_of(cells)
        if unit.id == SUPERIOR_OFFICE:
            reserved = f"reports have the duties of superiors under the id '{unit.id}'; use another"
            mistakes.append(table.mistake(line, reserved))
        if units.setdefault(unit.id, unit) is not unit:
            mistakes.append(table.mistake(line, f"unit {unit.id} has an earlier line; keep one"))
    mistakes += [f"{table.path}: {mistake}" for mistake in contradictions(units)]
    return units


def unit_of(cells: Mapping[str, str]) -> Unit:
    """Return the unit of a row of units.csv."""
    return Unit(
        cells["unit"],
        cells["name"],
        cells["kind"],
        cells["parent"] or None,
        tuple(alias.strip() for alias in cells["aliases"].split("|") if alias.strip()),
        cells["short_name"],
    )


def contradictions(units: Mapping[str, Unit]) -> Iterator[str]:
    """Yield the mistakes of the units together: unknown parents, shared spellings, circles."""
    for unit in units.values():
        if unit.parent is not None and unit.parent not in units:
            hint = did_you_mean(unit.parent, units)
            yield f"unit {unit.id}: no parent '{unit.parent}'{hint}"
    for spelling, one, other in shared_spellings(units):
        yield f"'{spelling}' means both {one} and {other}"
    for unit_id in own_superiors(units):
        yield f"unit {unit_id} is its own superior; correct `parent`"


def _offices(
    table: _Table, units: Mapping[str, Unit], mistakes: list[str]
) -> Iterator[OfficeHolder]:
    for line, cells in table.rows:
        found: list[str] = []
        office = _office(cells, units, found)
        mistakes += [table.mistake(line, mistake) for mistake in found]
        if office is not None:
            yield office


def _office(
    cells: Mapping[str, str], units: Mapping[str, Unit], mistakes: list[str]
) -> OfficeHolder | None:
    """Return the tenure of a row of officers.csv; None if it has mistakes."""
    if units and cells["unit"] not in units:
        hint = did_you_mean(cells["unit"], units)
        mistakes.append(f"no unit '{cells['unit']}' in {UNITS_FILE}{hint}")
    if cells["role"] not in set(Role):
        mistakes.append(f"no role '{cells['role']}'{did_you_mean(cells['role'], Role)}")
    email = ""
    try:
        email = address_of_person(cells["email"])
    except WrongAddress as error:
        mistakes.append(f"'{one_plain_line(cells['email'])}' is no mail address: {error}")
    since, until = (_day(cells, key, mistakes) for key in ("from", "to"))
    if since and until and until < since:
        mistakes.append(f"the tenure ends ({cells['to']}) before it begins ({cells['from']})")
    if cells["deputy"] not in ("", "yes"):
        mistakes.append(f"`deputy` is '{cells['deputy']}'; write yes or leave it empty")
    if cells["locale"] not in ("", *LOCALES):
        mistakes.append(f"`locale` is '{cells['locale']}'; write id or en, or leave it empty")
    return None if mistakes else office_of(cells, email=email, since=since, until=until)


def _day(cells: Mapping[str, str], key: str, mistakes: list[str]) -> date | None:
    try:
        return date.fromisoformat(cells[key]) if cells[key] else None
    except ValueError:
        mistakes.append(f"`{key}` is '{cells[key]}'; write a date as 2026-11-24")
        return None


def office_of(
    cells: Mapping[str, str], *, email: str, since: date | None, until: date | None
) -> OfficeHolder:
    """Return the tenure of a row of officers.csv without mistakes."""
    return OfficeHolder(
        unit=cells["unit"],
        role=Role(cells["role"]),
        name=cells["name"],
        email=email,
        since=since,
        until=until,
        deputy=cells["deputy"] == "yes",
        locale=cells["locale"] or None,
        title=cells["title"],
    )


def directory_tables(directory: Directory) -> dict[str, str]:
    """Return the content of both files for a directory, by the name of the file."""
    return {
        UNITS_FILE: _csv(UNIT_COLUMNS, UNIT_OPTIONAL, map(unit_cells, directory.units.values())),
        OFFICERS_FILE: _csv(
            OFFICER_COLUMNS, OFFICER_OPTIONAL, map(office_cells, directory.offices)
        ),
    }


def unit_cells(unit: Unit) -> dict[str, str]:
    """Return the row of units.csv for a unit."""
    return {
        "unit": unit.id,
        "name": unit.name,
        "kind": unit.kind,
        "parent": unit.parent or "",
        "aliases": "|".join(unit.aliases),
        "short_name": unit.given_short_name,
    }


def office_cells(office: OfficeHolder) -> dict[str, str]:
    """Return the row of officers.csv for a tenure."""
    return {
        "unit": office.unit,
        "role": office.role.value,
        "name": office.name,
        "email": office.email,
        "from": office.since.isoformat() if office.since else "",
        "to": office.until.isoformat() if office.until else "",
        "deputy": "yes" if office.deputy else "",
        "locale": office.locale or "",
        "title": office.title,
    }


def _csv(
    required: Collection[str], optional: Collection[str], rows: Iterable[dict[str, str]]
) -> str:
    """Write a CSV file as text, without the optional columns that are empty in every row."""
    whole = list(rows)
    header = [*required, *(name for name in optional if any(row[name] for row in whole))]
    text = io.StringIO()
    writer = csv.DictWriter(text, header, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(whole)
    return text.getvalue()


def shared_spellings(units: Mapping[str, Unit]) -> Iterator[tuple[str, str, str]]:
    """Yield each spelling of two units, with the ids of the first and of the second unit."""
    owner: dict[str, str] = {}
    for unit in units.values():
        for spelling in {unit.id, unit.name, *unit.aliases}:
            folded = " ".join(spelling.split()).casefold()
            other = owner.setdefault(folded, unit.id)
            if other != unit.id:
                yield spelling, other, unit.id


def own_superiors(units: Mapping[str, Unit]) -> list[str]:
    """Return the units that are above themselves."""
    return [unit_id for unit_id in units if _circles(unit_id, units)]


def _circles(unit: str, units: Mapping[str, Unit]) -> bool:
    place: str | None = units[unit].parent
    for _ in units:
        if place is None or place not in units:
            return False
        if place == unit:
            return True
        place = units[place].parent
    return False
