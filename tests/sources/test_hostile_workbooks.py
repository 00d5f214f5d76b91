"""Workbooks that would fill the memory or end their reader: each is refused, with its name.

All are small files of our own, written member by member.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from settings.sources import FolderSource
from tasks.sources.base import FatalFile, UnreadableFile
from tasks.sources.files import workbooks
from tasks.sources.files.reader import read_sheet

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
OPEN = "urn:oasis:names:tc:opendocument:xmlns"
HEADER = "<row r='1'>" + "".join(
    f"<c r='{place}' t='inlineStr'><is><t>{text}</t></is></c>"
    for place, text in (("A1", "No"), ("B1", "Masuk"), ("C1", "Unit"))
)
FAR = "more than 500 columns (max_columns)"


def source(**more: object) -> FolderSource:
    return FolderSource.model_validate(
        {
            "folder": ".",
            "layout": "history",
            "zone": "Asia/Makassar",
            "dates": ["%d/%m/%Y"],
            "fields": {"ticket": "No", "received": "Masuk", "unit": "Unit"},
            "events": [{"column": "Masuk", "kind": "verified"}],
        }
        | more
    )


def xlsx(path: Path, rows: str, *, sheet: str = "xl/worksheets/sheet1.xml", **more: str) -> Path:
    """A workbook with these rows in one sheet, at this place in the archive."""
    members = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": f"<Relationships xmlns='{PACKAGE}'><Relationship Id='rId1'"
        f" Type='{LINKS}/officeDocument' Target='xl/workbook.xml'/></Relationships>",
        "xl/workbook.xml": f"<workbook xmlns='{MAIN}' xmlns:r='{LINKS}'><sheets>"
        "<sheet name='Data' sheetId='1' r:id='rId1'/></sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f"<Relationships xmlns='{PACKAGE}'><Relationship Id='rId1'"
        f" Type='{LINKS}/worksheet' Target='/{sheet}'/></Relationships>",
        sheet: f"<worksheet xmlns='{MAIN}'><sheetData>{rows}</sheetData></worksheet>",
    }
    return written(path, members | more)


def ods(path: Path, rows: str) -> Path:
    content = (
        f"<office:document-content xmlns:office='{OPEN}:office:1.0' xmlns:table='{OPEN}:table:1.0'"
        f" xmlns:text='{OPEN}:text:1.0'><office:body><office:spreadsheet>"
        f"<table:table table:name='Data'>{rows}</table:table>"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = {"META-INF/manifest.xml": "<manifest/>"}
    return written(path, {"mimetype": kind, "content.xml": content} | manifest)


def written(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            kind = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(name, content, kind)
    return path


def refusal(path: Path, **more: object) -> str:
    with pytest.raises(UnreadableFile) as error:
        list(read_sheet(path, source(**more)).rows)
    return str(error.value)


def text_cell(text: str, **attributes: object) -> str:
    more = "".join(f" table:number-{name}='{value}'" for name, value in attributes.items())
    more = more.replace("_", "-")
    content = f"<text:p>{text}</text:p>"
    return f"<table:table-cell office:value-type='string'{more}>{content}</table:table-cell>"


ODS_HEADER = (
    "<table:table-row>" + "".join(map(text_cell, ("No", "Masuk", "Unit"))) + "</table:table-row>"
)
ODS_ROW = (
    "<table:table-row>" + "".join(map(text_cell, ("A-1", "05/11/2026", "X"))) + "</table:table-row>"
)


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ('<c r = "XFD1048576"><v>1</v></c>', "more than 1000000 rows (max_rows)"),
        ("<c\n\tr\n=\n'XFD2'><v>1</v></c>", FAR),
        ("<c r='&#88;FD2'><v>1</v></c>", FAR),
        ("<c r='xfd2'><v>1</v></c>", FAR),
        ("<c r='A1048576'><v>1</v></c>", "more than 1000000 rows (max_rows)"),
        ("<c/>" * 501, FAR),
        ("<c r='SF1'/><c/>", FAR),
        ("</row><row r='900000'><c r='SA900000'/>", "more than 5000000 cells in a sheet;"),
    ],
)
@pytest.mark.parametrize("sheet", ["xl/worksheets/sheet1.xml", "xl/lembar/data.xml"])
def test_a_cell_far_away_is_found_by_parsing(tmp_path, cell, why, sheet):
    path = xlsx(tmp_path / "a.xlsx", f"{HEADER}{cell}</row>", sheet=sheet)
    assert path.stat().st_size < 3000
    assert refusal(path).startswith(f"a.xlsx: {why}")


def test_xml_with_another_prefix_and_encoding_is_counted(tmp_path):
    path = tmp_path / "a.xlsx"
    sheet = f"<x:worksheet xmlns:x='{MAIN}'><x:sheetData><x:row><x:c r='XFD9'/></x:row>"
    whole = f"{sheet}</x:sheetData></x:worksheet>"
    xlsx(path, "", **{"xl/worksheets/sheet2.xml": whole})
    assert refusal(path) == f"a.xlsx: {FAR}"
    path = tmp_path / "b.xlsx"
    xlsx(path, "")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/worksheets/sheet2.xml", whole.encode("utf-16"))
    assert refusal(path) == f"b.xlsx: {FAR}"


def test_a_cell_behind_broken_xml_ends_only_the_reader(tmp_path):
    """The library reads on where the XML is not well-formed, and asks for 512 GB."""
    broken = "<row r='2'><c r='A2'><v>\x01</v></c><c r='XFD1048576'><v>1</v></c></row>"
    path = xlsx(tmp_path / "a.xlsx", f"{HEADER}</row>{broken}")
    with pytest.raises(FatalFile, match=r"^a.xlsx: .*need.* more than 2048 MB of memory"):
        list(read_sheet(path, source()).rows)


def test_xml_that_defines_entities_is_refused(tmp_path):
    bomb = "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><x>&b;</x>"
    path = xlsx(tmp_path / "a.xlsx", HEADER + "</row>", **{"xl/more.xml": bomb})
    assert refusal(path) == "a.xlsx: no readable workbook (its XML defines entities)"


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (text_cell("x", columns_repeated=16384), FAR),
        (text_cell("x", columns_repeated="9" * 30), FAR),
    ],
)
def test_repeated_cells_of_ods_are_counted(tmp_path, rows, why):
    path = ods(tmp_path / "a.ods", f"{ODS_HEADER}<table:table-row>{rows}</table:table-row>")
    assert refusal(path) == f"a.ods: {why}"


def test_repeated_rows_of_ods_are_counted(tmp_path):
    repeated = "<table:table-row table:number-rows-repeated='1048576'>" + text_cell("x")
    path = ods(tmp_path / "a.ods", f"{ODS_HEADER}{repeated}</table:table-row>")
    assert path.stat().st_size < 1100
    assert refusal(path) == "a.ods: more than 1000000 rows (max_rows)"
    wide = repeated.replace("1048576", "900000") + text_cell("x", columns_repeated=9)
    path = ods(tmp_path / "b.ods", f"{ODS_HEADER}{wide}</table:table-row>")
    assert refusal(path).startswith("b.ods: more than 5000000 cells in a sheet;")


def test_the_empty_end_of_an_ods_sheet_does_not_count(tmp_path):
    end = (
        "<table:table-row table:number-rows-repeated='1048574'>"
        "<table:table-cell table:number-columns-repeated='16384'/></table:table-row>"
    )
    path = ods(tmp_path / "a.ods", ODS_HEADER + ODS_ROW + end)
    assert [cells for _, cells in read_sheet(path, source()).rows] == [("A-1", "05/11/2026", "X")]


def test_cells_that_share_a_huge_text_end_only_their_reader(tmp_path, monkeypatch):
    monkeypatch.setattr(workbooks, "MEMORY_MB", 256)
    shared = f"<sst xmlns='{MAIN}'><si><t>{'x' * 32_000}</t></si></sst>"
    row = "<row>" + "<c t='s'><v>0</v></c>" * 200 + "</row>"
    links = (
        f"<Relationships xmlns='{PACKAGE}'><Relationship Id='rId1' Type='{LINKS}/worksheet'"
        f" Target='worksheets/sheet1.xml'/><Relationship Id='rId2' Type='{LINKS}/sharedStrings'"
        " Target='sharedStrings.xml'/></Relationships>"
    )
    more = {"xl/sharedStrings.xml": shared, "xl/_rels/workbook.xml.rels": links}
    path = xlsx(tmp_path / "a.xlsx", f"{HEADER}</row>{row * 60}", **more)
    assert path.stat().st_size < 10_000
    with pytest.raises(FatalFile, match=r"^a.xlsx: .*need.* more than 256 MB of memory"):
        list(read_sheet(path, source()).rows)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import os; os.abort()", "perhaps it needs more than 2048 MB of memory"),
        ("import os; os.kill(os.getpid(), 9)", "SIGKILL"),
        ("raise SystemExit(3)", "exit code 3"),
    ],
)
def test_a_reader_that_ends_is_an_unreadable_file(tmp_path, monkeypatch, code, why):
    monkeypatch.setattr(workbooks, "_START", code)
    path = xlsx(tmp_path / "a.xlsx", HEADER + "</row>")
    with pytest.raises(FatalFile) as error:
        read_sheet(path, source())
    assert str(error.value).startswith(f"a.xlsx: its reader failed ({why})")


def test_a_reader_that_takes_too_long_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(workbooks, "_START", "import time; time.sleep(60)")
    monkeypatch.setattr(workbooks, "SECONDS", 0.2)
    path = xlsx(tmp_path / "a.xlsx", HEADER + "</row>")
    with pytest.raises(FatalFile, match=r"a.xlsx: it cannot be read within 0.2 seconds"):
        read_sheet(path, source())


def test_the_reader_gets_no_secret_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("TENGGAT_SMTP_PASSWORD", "rahasia")
    code = (
        "import json, os; print(json.dumps(['sheet', '', 0, False]));"
        "print(json.dumps(['rows', [1, 'No', 'Masuk', 'Unit'], [2, *sorted(os.environ)]]));"
        "print(json.dumps(['end']))"
    )
    monkeypatch.setattr(workbooks, "_START", code)
    rows = list(read_sheet(xlsx(tmp_path / "a.xlsx", ""), source()).rows)
    assert not any("TENGGAT" in cell for _, cells in rows for cell in cells)
