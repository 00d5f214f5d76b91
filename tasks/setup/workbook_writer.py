"""Write the directory as a workbook that a person fills in: explanation, units, officials."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path
from typing import Any

import xlsxwriter

from sla.directory import Directory, OfficeHolder, Role, Unit
from tasks.common.unit_names import KINDS, OTHER
from tasks.common.whole_files import whole_file
from tasks.setup.workbook_layout import OFFICER_COLUMNS, UNIT_COLUMNS, empty_offices
from tasks.text.catalog import Catalog, catalog

FIRST_ROW = 4
"""The index of the first row below the title, the explanation and the headings."""

SPARE_ROWS = 500
"""Rows below the last one that have the lists and formats too."""

_WIDTHS = {
    **{"unit": 24, "name": 46, "kind": 14, "parent": 34, "aliases": 60, "short_name": 18},
    **{"complaints": 11, "check": 50, "role": 24, "email": 34, "from": 12, "to": 12},
    **{"deputy": 10, "locale": 9, "title": 30},
}
_OPTIONS = {
    "in_memory": True,
    "strings_to_urls": False,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
}


@dataclass(frozen=True, slots=True)
class UnitRemark:
    """What the sheet says next to a unit: its number of complaints, and what to check."""

    complaints: int = 0
    similar: Sequence[str] = field(default_factory=tuple)


def write_directory(
    path: Path, directory: Directory, locale: str, remarks: Mapping[str, UnitRemark] | None = None
) -> None:
    """Write the workbook; offices without a holder get a row with an empty name and address.

    `remarks` are shown next to the units, by id, for the person who checks a proposal.
    """
    packed = io.BytesIO()  # an archive that a full disk interrupts would fail again when it closes
    with xlsxwriter.Workbook(packed, _OPTIONS) as book:
        _Writer(book, directory, catalog(locale), remarks or {}).write()
    with whole_file(path) as kept:
        kept.write(packed.getbuffer())


class _Writer:
    def __init__(
        self,
        book: xlsxwriter.Workbook,
        directory: Directory,
        say: Catalog,
        remarks: Mapping[str, UnitRemark],
    ) -> None:
        self.book, self.directory, self.say, self.remarks = book, directory, say, remarks
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.note = book.add_format({"text_wrap": True, "valign": "top"})
        self.head = book.add_format({"bold": True, "bg_color": "#D9E2EC", "border": 1})
        self.asked = book.add_format({"bg_color": "#FFF8E1", "border": 1})
        self.given = book.add_format({"border": 1})
        self.day = book.add_format({"num_format": "dd/mm/yyyy", "bg_color": "#FFF8E1", "border": 1})

    def write(self) -> None:
        """Write all sheets."""
        self._guide()
        self._units()
        self._officers()
        self._lists()

    def _guide(self) -> None:
        sheet = self.book.add_worksheet(self.say("directory_file.guide.sheet"))
        sheet.set_column(0, 0, 110, self.note)
        sheet.write_string(0, 0, self.say("directory_file.guide.title"), self.title)
        for row, line in enumerate(self.say.names("directory_file.guide.lines"), start=2):
            sheet.write_string(row, 0, line, self.note)

    def _table(self, name: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Any:
        """Write a sheet with a title, an explanation, headings and rows."""
        sheet = self.book.add_worksheet(self.say(f"directory_file.{name}.sheet"))
        sheet.write_string(0, 0, self.say(f"directory_file.{name}.heading"), self.title)
        note = self.say(f"directory_file.{name}.note")
        sheet.merge_range(1, 0, 1, len(columns) - 1, note, self.note)
        sheet.set_row(1, 48)
        sheet.freeze_panes(FIRST_ROW, 2)
        for place, column in enumerate(columns):
            sheet.set_column(place, place, _WIDTHS[column])
            heading = self.say(f"directory_file.{name}.{column}")
            sheet.write_string(FIRST_ROW - 1, place, heading, self.head)
        for row, cells in enumerate(rows, start=FIRST_ROW):
            for place, column in enumerate(columns):
                self._cell(sheet, row, place, cells.get(column))
        sheet.autofilter(FIRST_ROW - 1, 0, FIRST_ROW - 1 + max(len(rows), 1), len(columns) - 1)
        return sheet

    def _cell(self, sheet: Any, row: int, place: int, value: Any) -> None:
        if isinstance(value, datetime):
            sheet.write_datetime(row, place, value, self.day)
        elif isinstance(value, int):
            sheet.write_number(row, place, value, self.given)
        elif value:
            sheet.write_string(row, place, str(value), self.given)
        else:
            sheet.write_blank(row, place, None, self.asked if value is None else self.given)

    def _units(self) -> None:
        rows = [self._unit_row(unit) for unit in self.directory.units.values()]
        sheet = self._table("units", UNIT_COLUMNS, rows)
        last = FIRST_ROW + len(rows) + SPARE_ROWS
        self._list(sheet, UNIT_COLUMNS.index("kind"), last, self._range("A", len(self._kinds())))
        self._list(sheet, UNIT_COLUMNS.index("parent"), last, self._unit_names())

    def _unit_row(self, unit: Unit) -> dict[str, Any]:
        remark = self.remarks.get(unit.id, UnitRemark())
        names = [self.directory.name_of(other) for other in remark.similar]
        check = [self.say("directory_file.check.similar", names=", ".join(names))] * bool(names)
        check += [self.say("directory_file.check.kind")] * (unit.kind == OTHER)
        return {
            "unit": unit.id,
            "name": unit.name,
            "kind": unit.kind,
            "parent": self.directory.name_of(unit.parent),
            "aliases": " | ".join(unit.aliases),
            "short_name": unit.given_short_name,
            "complaints": remark.complaints or "",
            "check": " ".join(check),
        }

    def _officers(self) -> None:
        rows = [self._office_row(office) for office in self.directory.offices]
        rows += [self._office_cells(each.unit, each.role) for each in empty_offices(self.directory)]
        sheet = self._table("officers", OFFICER_COLUMNS, rows)
        last = FIRST_ROW + len(rows) + SPARE_ROWS
        place = OFFICER_COLUMNS.index
        self._list(sheet, place("unit"), last, self._unit_names())
        self._list(sheet, place("role"), last, self._range("B", len(Role)))
        self._list(sheet, place("deputy"), last, [self.say("directory_file.yes")])
        self._list(sheet, place("locale"), last, ["id", "en"])

    def _office_cells(self, unit: str, role: Role) -> dict[str, Any]:
        named = {"unit": self.directory.name_of(unit), "role": self._role(role)}
        return {**named, "deputy": "", "locale": "", "title": ""}

    def _office_row(self, office: OfficeHolder) -> dict[str, Any]:
        def day(value: Any) -> Any:
            return datetime.combine(value, time()) if value else ""

        return {
            **self._office_cells(office.unit, office.role),
            "name": office.name,
            "email": office.email,
            "from": day(office.since),
            "to": day(office.until),
            "deputy": self.say("directory_file.yes") if office.deputy else "",
            "locale": office.locale or "",
            "title": office.title,
        }

    def _role(self, role: Role) -> str:
        return self.say(f"directory_file.role.{role}")

    def _kinds(self) -> list[str]:
        used = dict.fromkeys(unit.kind for unit in self.directory.units.values())
        return list(dict.fromkeys([*used, *KINDS, OTHER]))

    def _lists(self) -> None:
        """Write the sheet with the choices of the drop-down lists."""
        sheet = self.book.add_worksheet(self.say("directory_file.lists"))
        sheet.write_column(0, 0, self._kinds())
        sheet.write_column(0, 1, [self._role(role) for role in Role])
        sheet.hide()

    def _range(self, column: str, length: int) -> str:
        return f"='{self.say('directory_file.lists')}'!${column}$1:${column}${length}"

    def _unit_names(self) -> str:
        last = FIRST_ROW + len(self.directory.units) + SPARE_ROWS
        return f"='{self.say('directory_file.units.sheet')}'!$B${FIRST_ROW + 1}:$B${last}"

    def _list(self, sheet: Any, place: int, last: int, source: str | list[str]) -> None:
        """Give a column a drop-down list; another value is only warned of."""
        options = {"validate": "list", "source": source, "error_type": "warning"}
        sheet.data_validation(FIRST_ROW, place, last, place, options)
