"""The first hour of a new site: the files it begins with, and a directory that is filled in."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from settings.site import EXAMPLE
from tests.support.registers import registers

EXPORT = EXAMPLE / "inbox" / "lapor" / "Laporan_Ringkas_2026-11-24_0700.xlsx"
ROWS = 60
"""Rows of the export that tests read, the last ones."""

MORNING = datetime(2026, 11, 24, tzinfo=UTC)  # 08:00 in Makassar
ADMIN = "Rekaan Admin <admin@rekaan.example>"
ANSWERS = ("--yes", "--name", "Pemerintah Kabupaten Rekaan", "--zone", "WITA")
ANSWERS = (*ANSWERS, "--sender", "tenggat@rekaan.example", "--administrator", ADMIN)


@pytest.fixture
def register_file(tmp_path) -> Path:
    found = next(each for each in registers() if each.name.startswith("03"))
    path = found.write(tmp_path)
    os.utime(path, (MORNING.timestamp() - 3600,) * 2)  # saved before the first day
    return path


@pytest.fixture
def export_file(tmp_path) -> Path:
    """The last rows of the example's export, below its preamble and header."""
    table = CalamineWorkbook.from_path(EXPORT).get_sheet_by_index(0).to_python()
    head = 1 + next(line for line, row in enumerate(table) if row[0] == "Tracking ID")
    path = tmp_path / EXPORT.name
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Laporan Ringkas")
        for line, row in enumerate([*table[:head], *table[-ROWS:]]):
            sheet.write_row(line, 0, row)
    return path


def mails(site: Path) -> set[str]:
    """The recipients of the mails kept on this machine."""
    folder = site.parent / f"{site.name}-var" / "mailbox"
    return {path.name.split("_")[2] for path in folder.glob("*.eml")}


def fill_in(path: Path, filled: Path) -> Path:
    """Give each office of the workbook a name and an address, as a person does."""
    book = CalamineWorkbook.from_path(path)
    with xlsxwriter.Workbook(filled) as written:
        for name in book.sheet_names[1:3]:
            sheet = written.add_worksheet(name)
            for line, row in enumerate(book.get_sheet_by_name(name).to_python()):
                if name == "Pejabat" and len(row) > 3 and row[1] and not row[3] and line > 3:
                    row[2:4] = f"Rekaan {line}", f"pejabat{line}@rekaan.example"
                sheet.write_row(line, 0, row)
    return filled
