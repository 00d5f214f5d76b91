"""Read the directory from a workbook that a person has filled in, with every mistake at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from settings.directory import (
    office_of,
    own_superiors,
    shared_spellings,
    unit_of,
)
from settings.errors import LOCALES, SettingsError
from settings.mail_address import WrongAddress, address_of_person
from sla.directory import SUPERIOR_OFFICE, Directory, OfficeHolder, Role, Unit
from sla.error_text import closest
from sla.folding import folded
from tasks.common.flexible_dates import DAY_FIRST, is_serial, parse_flexible, parse_serial
from tasks.common.similar_units import similar_unit
from tasks.common.unit_names import KINDS, OTHER
from tasks.setup.unit_proposal import slug
from tasks.setup.workbook_layout import heading_keys, roles_by_word
from tasks.sources.files.reader import any_file, raw_sheets
from tasks.text.catalog import catalog

_ISO_DAY = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T][0:.]+)?")
_SHEETS = ("units", "officers")
_HELD_ONCE = (Role.HEAD_OF_UNIT, Role.REGIONAL_SECRETARY, Role.INSPECTOR, Role.REGENT)
"""Roles with one regular holder at a time; a unit may have several liaison officers."""

Row = tuple[int, dict[str, str]]
"""The line of a row, and its cells by the key of their column."""


@dataclass(frozen=True, slots=True)
class ReadDirectory:
    """The directory of a workbook, and the number of offices left without a name and address."""

    directory: Directory
    empty_offices: int


def read_directory_workbook(
    path: Path, locale: str, kinds: Iterable[str] = (), before: Directory | None = None
) -> ReadDirectory:
    """Read a workbook with the sheets of units and officials.

    `kinds` are the kinds of unit that the site has besides the usual ones. `before` is the
    directory in use: a unit keeps the code that it has there.

    Raises :class:`SettingsError` with every mistake, by sheet, row and column, in a language, and
    `tasks.sources.base.UnreadableFile` if the file is no workbook.
    """
    codes = {folded(unit.name): unit.id for unit in before.units.values()} if before else {}
    allowed = {folded(kind): kind for kind in (*KINDS, OTHER, *kinds)}
    reader = _Reader(path, locale, allowed, codes)
    found = reader.read()
    if reader.mistakes:
        raise SettingsError("\n".join(reader.mistakes))
    return found


@dataclass(slots=True)
class _Reader:
    path: Path
    locale: str
    kinds: dict[str, str]
    """The kinds of unit allowed, by their folded form."""
    codes: dict[str, str]
    """The codes of the units in use, by their folded names."""
    mistakes: list[str] = field(default_factory=list)
    units: dict[str, Unit] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    """The line of each unit."""

    def say(self, key: str, **values: object) -> str:
        return catalog(self.locale)(f"directory_file.{key}", **values)

    def read(self) -> ReadDirectory:
        """Read both sheets; mistakes are collected."""
        tables = self._tables()
        for sheet in _SHEETS:
            if sheet not in tables:
                name = self.say(f"{sheet}.sheet")
                self.mistakes.append(self.say("mistake.sheet", file=self.path.name, sheet=name))
        self._read_units(tables.get("units", []))
        offices, empty = self._read_officers(tables.get("officers", []))
        if "officers" in tables and not any(o.role is Role.ADMINISTRATOR for o in offices):
            self.mistakes.append(self.say("mistake.administrator"))
        return ReadDirectory(Directory(self.units.values(), offices), empty)

    def _tables(self) -> dict[str, list[Row]]:
        """Find the sheets by their headings, in any language."""
        tables: dict[str, list[Row]] = {}
        for sheet in raw_sheets(self.path, any_file()):
            key, columns = "", dict[int, str]()
            for line, cells in sheet.rows:
                if not columns:
                    key, columns = _headings(cells)
                    if columns:
                        tables.setdefault(key, [])
                    continue
                row = {
                    name: " ".join(cells[at].split()) if at < len(cells) else ""
                    for at, name in columns.items()
                }
                if any(row.values()):
                    tables[key].append((int(line), row))
        return tables

    def mistake(self, sheet: str, line: int, column: str, what: str, **values: object) -> None:
        """Note a mistake with sheet, row and column."""
        self.mistakes.append(
            self.say(
                "mistake.at",
                sheet=self.say(f"{sheet}.sheet"),
                row=str(line),
                column=self.say(f"{sheet}.{column}"),
                what=self.say(f"mistake.{what}", **values),
            )
        )

    def _read_units(self, rows: list[Row]) -> None:
        named = [(line, cells) for line, cells in rows if self._has_name(line, cells)]
        named = self._without_repeated(named)
        for line, cells in named:
            code = self.codes.get(folded(cells["name"]))
            cells["unit"] = cells["unit"] or code or slug(cells["name"])
            if cells["unit"] in self.lines:
                first = str(self.lines[cells["unit"]])
                self.mistake("units", line, "unit", "again", value=cells["unit"], first=first)
                continue
            if cells["unit"] == SUPERIOR_OFFICE:
                self.mistake("units", line, "unit", "reserved", value=cells["unit"])
            self.lines[cells["unit"]] = line
            cells["kind"] = self._kind(line, cells["kind"])
            self.units[cells["unit"]] = unit_of({**cells, "parent": ""})
        find = self._finder()
        tops = [line for line, cells in named if not cells["parent"]]
        for line, cells in named:
            parent = find(cells["parent"]) if cells["parent"] else None
            if cells["parent"] and parent is None:
                self.mistake(
                    "units", line, "parent", "unknown_parent", **self._near(cells["parent"])
                )
            elif not cells["parent"] and len(tops) > 1 and line != tops[0]:
                self.mistake("units", line, "parent", "no_parent")
            elif self.lines.get(cells["unit"]) == line:
                self.units[cells["unit"]] = unit_of({**cells, "parent": parent or ""})
        self._check_codes()
        for spelling, one, other in shared_spellings(self.units):
            self._shared(spelling, self.units[one], self.units[other])
        for unit_id in own_superiors(self.units):
            self.mistake("units", self.lines[unit_id], "parent", "circle")

    def _without_repeated(self, rows: list[Row]) -> list[Row]:
        """Return the rows of units without those whose name an earlier row has; note each."""
        first: dict[str, int] = {}
        for line, cells in rows:
            earlier = first.setdefault(folded(cells["name"]), line)
            if earlier != line:
                self.mistake("units", line, "name", "unit_again", first=str(earlier))
        return [(line, cells) for line, cells in rows if first[folded(cells["name"])] == line]

    def _check_codes(self) -> None:
        """Note each unit whose code in use was changed: its complaints are stored under it."""
        for unit in self.units.values():
            code = self.codes.get(folded(unit.name), unit.id)
            if code != unit.id:
                values = {"value": unit.id, "before": code}
                self.mistake("units", self.lines[unit.id], "unit", "code_changed", **values)

    def _shared(self, spelling: str, one: Unit, other: Unit) -> None:
        """Note a spelling of two units, in the column that has it."""
        unit = one if spelling in one.aliases and spelling not in other.aliases else other
        column = "aliases" if spelling in unit.aliases else "unit"
        if column == "unit" and spelling == unit.name:
            column = "name"
        values = {"value": spelling, "other": (other if unit is one else one).name}
        self.mistake("units", self.lines[unit.id], column, "spelling", **values)

    def _has_name(self, line: int, cells: Mapping[str, str]) -> bool:
        if not cells["name"]:
            self.mistake("units", line, "name", "no_name")
        return bool(cells["name"])

    def _kind(self, line: int, text: str) -> str:
        """Return the kind of a row in its usual spelling; note a missing or unknown one."""
        if not text:
            self.mistake("units", line, "kind", "no_kind")
        elif folded(text) not in self.kinds:
            known = list(self.kinds.values())
            near, every = self._hint(text, known), ", ".join(known)
            self.mistake("units", line, "kind", "kind", value=text, near=near, kinds=every)
        return self.kinds.get(folded(text), text) or "-"

    def _finder(self) -> Callable[[str], str | None]:
        """Return a function that finds a unit by name, alias or id; names come first."""
        by_name = {folded(unit.name): unit.id for unit in self.units.values()}
        others = Directory(self.units.values(), ())
        return lambda text: by_name.get(folded(text)) or others.unit_called(text)

    def _near(self, text: str) -> dict[str, str]:
        close = similar_unit(text, (unit.name for unit in self.units.values()))
        return {"value": text, "near": self._perhaps(close)}

    def _hint(self, text: str, known: Sequence[str]) -> str:
        """Return the known word that is most like a text, as a hint; empty if none is."""
        return self._perhaps(closest(text, known, cutoff=0.7))

    def _perhaps(self, close: str | None) -> str:
        return "" if close is None else self.say("mistake.near", name=close)

    def _read_officers(self, rows: list[Row]) -> tuple[list[OfficeHolder], int]:
        find, roles = self._finder(), roles_by_word()
        offices: list[OfficeHolder] = []
        lines: list[int] = []
        empty = 0
        for line, cells in rows:
            if not cells["name"] and not cells["email"]:
                empty += 1
                continue
            before = len(self.mistakes)
            unit, role = find(cells["unit"]), roles.get(cells["role"].casefold())
            if unit is None:
                self.mistake("officers", line, "unit", "no_unit", **self._near(cells["unit"]))
            if role is None:
                words = [self.say(f"role.{each}") for each in Role]
                near = self._hint(cells["role"], words)
                self.mistake("officers", line, "role", "role", value=cells["role"], near=near)
            email = self._address(line, cells)
            tenure = {key: self._day(line, cells[key], key) for key in ("from", "to")}
            if tenure["from"] and tenure["to"] and tenure["to"] < tenure["from"]:
                self.mistake("officers", line, "to", "ends_before")
            if unit and role and len(self.mistakes) == before:
                deputy = "yes" if cells["deputy"] else ""
                given = {**cells, "unit": unit, "role": role.value, "deputy": deputy}
                since, until = tenure["from"], tenure["to"]
                offices.append(office_of(given, email=email, since=since, until=until))
                lines.append(line)
        self._check_held_once(list(zip(lines, offices, strict=True)))
        return offices, empty

    def _check_held_once(self, offices: list[tuple[int, OfficeHolder]]) -> None:
        """Note each office that has two regular holders at the same time."""
        earlier: dict[tuple[Role, str], list[tuple[int, OfficeHolder]]] = {}
        for line, office in offices:
            if office.role not in _HELD_ONCE or office.deputy:
                continue
            others = earlier.setdefault((office.role, office.unit), [])
            for first, other in others:
                if _at_the_same_time(office, other):
                    self.mistake("officers", line, "role", "held_twice", first=str(first))
                    break
            others.append((line, office))

    def _address(self, line: int, cells: Mapping[str, str]) -> str:
        """Return the address of a row; note the mistakes in what is said of the person."""
        email = ""
        if not cells["name"]:
            self.mistake("officers", line, "name", "no_person")
        try:
            email = address_of_person(cells["email"])
        except WrongAddress:
            self.mistake("officers", line, "email", "email" if cells["email"] else "no_email")
        if cells["deputy"].casefold() not in ("", "ya", "yes", "y", "plt", "plt.", "plh", "plh."):
            self.mistake("officers", line, "deputy", "deputy", value=cells["deputy"])
        if cells["locale"] not in ("", *LOCALES):
            self.mistake("officers", line, "locale", "locale", value=cells["locale"])
        return email

    def _day(self, line: int, text: str, column: str) -> date | None:
        try:
            return _read_day(text) if text else None
        except (ValueError, OverflowError):
            self.mistake("officers", line, column, "date", value=text)
            return None


def _at_the_same_time(one: OfficeHolder, other: OfficeHolder) -> bool:
    """Check whether two tenures share more than the day on which one follows the other."""
    return all(
        first.until is None or second.since is None or first.until > second.since
        for first, second in ((one, other), (other, one))
    )


def _headings(cells: tuple[str, ...]) -> tuple[str, dict[int, str]]:
    """Return the sheet with these headings and the key of each column; empty for another row."""
    for sheet in _SHEETS:
        known = heading_keys(sheet)
        found = {
            at: known[text]
            for at, cell in enumerate(cells)
            if (text := " ".join(cell.split()).casefold()) in known
        }
        wanted = set(known.values()) - {"complaints", "check", "short_name", "locale", "title"}
        if wanted <= set(found.values()):
            missing = set(known.values()) - set(found.values())
            return sheet, found | {len(cells) + at: name for at, name in enumerate(missing)}
    return "", {}


def _read_day(text: str) -> date:
    """Read a date cell, or a date as people write it, the day before the month."""
    iso = _ISO_DAY.fullmatch(text)
    if iso:
        return date.fromisoformat(iso[1])
    moment: datetime = parse_serial(text) if is_serial(text) else parse_flexible(text, DAY_FIRST)
    return moment.date()
