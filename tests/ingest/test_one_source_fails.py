"""A fault in one file or one source: what is said about it, and that nothing else is stopped."""

import logging
from dataclasses import asdict
from pathlib import Path

import pytest
from conftest import WITA, wita
from sqlalchemy import select
from support.import_results import dump, take

from db import quarantine
from db.models import Complaint, SourceImport
from tasks.common.context import SiteContext
from tasks.ingest import importer
from tasks.ingest.row_parser import RowParser
from tasks.ingest.source_count import SourceCount
from tasks.intake import pull
from tasks.sources import folder
from tasks.sources.base import SourceError, Waiting, WaitingReason
from tasks.text.templates import render

NAME = "Rekawati Contohnia"
HEAD = "No;Masuk;Perihal;Selesai;Nama"
DESK = """
[desk]
folder = "inbox/desk"
layout = "history"
zone = "Asia/Makassar"
header = "No"
dates = ["%d/%m/%Y %H:%M"]
observed = { file_name = "e_%Y-%m-%d_%H%M.csv" }
fields = { ticket = "No", received = "Masuk", title = "Perihal" }
events = [{ column = "Selesai", kind = "settled" }]
"""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def context(site_folder: Path, open_context) -> SiteContext:
    (site_folder / "sources.toml").write_text(DESK, encoding="utf-8")
    (site_folder / "inbox" / "desk").mkdir()
    return open_context()


def drop(context: SiteContext, day: int, *tickets: str) -> None:
    path = context.site.folder / "inbox" / "desk" / f"e_2026-11-{day}_0700.csv"
    rows = (f"{ticket};16/11/2026 08:30;Jalan rusak;;{NAME}" for ticket in tickets)
    path.write_text("\n".join((HEAD, *rows)) + "\n", encoding="utf-8")


def tickets(context: SiteContext) -> list[str]:
    with context.transaction() as session:
        return sorted(session.scalars(select(Complaint.ticket)))


def test_an_unexpected_error_within_a_file_undoes_that_file_only(context, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(importer, "CHUNK", 1)  # the rows before it are written already
    drop(context, 22, "A-1")
    drop(context, 23, "B-1", "B-2", "B-3")
    drop(context, 24, "C-1")
    parse = RowParser.record

    def fails(self, cells, observed):
        if cells["No"] == "B-2":
            raise KeyError(NAME)
        return parse(self, cells, observed)

    monkeypatch.setattr(RowParser, "record", fails)
    with pytest.raises(SourceError) as error:
        take(context, "2026-11-24 08:00", "desk")
    told = str(error.value)
    assert told.startswith(
        "e_2026-11-23_0700.csv, read up to line 3: unexpected error (KeyError at "
    )
    assert told.endswith("); nothing of it is imported. Please report it")
    assert tickets(context) == ["A-1", "C-1"]
    with context.transaction() as session:
        assert list(session.scalars(select(SourceImport.name))) == [
            "e_2026-11-22_0700.csv",
            "e_2026-11-24_0700.csv",
        ]
    assert NAME not in told + caplog.text + dump(context)
    monkeypatch.undo()
    assert take(context, "2026-11-24 09:00", "desk").new == 3


def test_an_unexpected_error_while_a_file_is_opened_stops_no_other(context, monkeypatch):
    drop(context, 23, "B-1")
    drop(context, 24, "C-1")
    read = folder.read_sheet

    def fails(path, source):
        if "11-23" in path.name:
            raise RuntimeError(NAME)
        return read(path, source)

    monkeypatch.setattr(folder, "read_sheet", fails)
    with pytest.raises(SourceError) as error:
        take(context, "2026-11-24 08:00", "desk")
    assert str(error.value).startswith("e_2026-11-23_0700.csv: unexpected error (RuntimeError")
    assert NAME not in str(error.value)
    assert tickets(context) == ["C-1"]


def test_an_unexpected_error_of_the_source_itself_is_its_failure(context, monkeypatch):
    def fails(*given):
        raise TypeError(NAME)

    monkeypatch.setattr(folder, "_dropped", fails)
    with pytest.raises(SourceError, match=r"^desk: unexpected error \(TypeError at \w+.py:\d+\)"):
        pull(context, "desk", wita("2026-11-24 08:00"))


def test_half_a_character_in_any_source_is_replaced(context, monkeypatch):
    drop(context, 24, "A-1")
    read = folder.read_sheet

    def with_half(path, source):
        sheet = read(path, source)
        rows = ((line, (*cells[:2], "\ud83d rusak", *cells[3:])) for line, cells in sheet.rows)
        return type(sheet)(sheet.header, rows, sheet.preamble)

    monkeypatch.setattr(folder, "read_sheet", with_half)
    assert take(context, "2026-11-24 08:00", "desk").new == 1
    with context.transaction() as session:
        assert session.scalar(select(Complaint.title)) == "\ufffd rusak"


def test_a_torn_row_is_resolved_by_the_next_whole_export(context):
    drop(context, 23, "A-1", "A-2", "A-3")
    path = context.site.folder / "inbox" / "desk" / "e_2026-11-23_0700.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("Jalan rusak", '"Jalan rusak', 1), encoding="utf-8")
    count = take(context, "2026-11-23 08:00", "desk")
    assert (count.new, count.quarantined, count.reasons) == (2, 1, {"torn_row": 1})
    assert NAME not in dump(context)
    with context.transaction() as session:
        (waiting,) = quarantine.quarantined(session, source="desk")
        assert (waiting.line, waiting.cells, waiting.ticket) == (2, {}, "")
    drop(context, 24, "A-1", "A-2", "A-3")
    assert take(context, "2026-11-24 08:00", "desk").new == 1
    with context.transaction() as session:
        assert list(quarantine.quarantined(session, source="desk")) == []


@pytest.mark.parametrize(
    ("locale", "told"),
    [
        (
            "id",
            "desk: berkas e.csv dibuat setelah waktu proses ini. Berkas dibaca mulai Selasa, 24",
        ),
        ("en", "desk: e.csv was made after the time of this run. It is read from Tuesday, 24"),
    ],
)
def test_the_artifact_names_a_file_that_waits(locale, told):
    count = SourceCount("desk")
    count.waiting.append(Waiting("e.csv", WaitingReason.MADE_LATER, "2026-11-24T07:00+08:00"))
    text = render(
        "report/intake.md.j2",
        locale=locale,
        zone=WITA,
        now=wita("2026-11-23 08:00"),
        sources=[asdict(count)],
        failures=[],
    )
    assert told in text
