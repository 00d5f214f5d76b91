"""A fault in one file or one source: what is said about it, and that nothing else is stopped."""

import json
import logging
import os
from dataclasses import asdict
from pathlib import Path

import pytest
from conftest import WITA, wita
from sqlalchemy import select
from support.import_results import dump, take

from db import quarantine
from db.models import Complaint, SourceImport
from tasks.common.context import SiteContext
from tasks.common.time_budget import TimeBudget
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


@pytest.mark.parametrize(
    "error", [MemoryError(), RecursionError(NAME), UnicodeEncodeError("utf-8", NAME, 0, 1, NAME)]
)
def test_any_error_of_a_source_is_its_failure_and_printable(context, monkeypatch, error):
    drop(context, 24, "A-1")

    def fails(*given):
        raise error

    monkeypatch.setattr(folder, "read_sheet", fails)
    with pytest.raises(SourceError) as caught:
        take(context, "2026-11-24 08:00", "desk")
    name = type(error).__name__
    assert str(caught.value).startswith(f"e_2026-11-24_0700.csv: unexpected error ({name} at ")
    assert NAME not in str(caught.value)


@pytest.mark.parametrize("good", [True, False])
def test_a_name_with_a_wrong_byte_is_printable(context, good):
    inbox = context.site.folder / "inbox" / "desk"
    text = f"{HEAD}\nA-1;16/11/2026 08:30;;;\n" if good else "PK\x03\x04"
    path = Path(os.fsdecode(os.fsencode(inbox) + b"/e_2026-11-24_0700.csv\xff.csv"))
    path.write_text(text, encoding="utf-8")
    os.utime(path, (1_795_000_000, 1_795_000_000))
    named = "e_2026-11-24_0700.csv\ufffd.csv"
    if good:
        assert take(context, "2026-11-24 08:00", "desk").new == 1
        assert f"source_import: (1, 'desk', '{named}'" in dump(context)
        return
    with pytest.raises(SourceError) as error:
        take(context, "2026-11-24 08:00", "desk")
    assert str(error.value).startswith(f"{named}: no readable workbook (")


def test_a_line_of_open_brackets_is_a_row_in_quarantine(site_folder, open_context):
    text = DESK.replace('header = "No"\n', "max_bad_share = 1\n").replace(
        "e_%Y-%m-%d_%H%M.csv", "e_%Y-%m-%d_%H%M.jsonl"
    )
    (site_folder / "sources.toml").write_text(text, encoding="utf-8")
    (site_folder / "inbox" / "desk").mkdir()
    context = open_context()
    line = json.dumps({"No": "A-1", "Masuk": "16/11/2026 08:30"})
    path = site_folder / "inbox" / "desk" / "e_2026-11-24_0700.jsonl"
    path.write_text(f"{line}\n{'[' * 100_000}\n", encoding="utf-8")
    count = take(context, "2026-11-24 08:00", "desk")
    assert (count.new, count.reasons) == (1, {"no_object": 1})


def test_a_source_that_takes_too_long_is_ended_and_continues_later(context, monkeypatch):
    drop(context, 23, "B-1")
    drop(context, 24, "C-1")
    minutes = iter([60.0, 60.0, 0.0])
    left = property(lambda self: next(minutes, 0.0))
    monkeypatch.setattr(TimeBudget, "left", left)
    with pytest.raises(SourceError) as error:
        take(context, "2026-11-24 08:00", "desk")
    assert str(error.value) == (
        "desk: not finished within 60 minutes (max_minutes); the next run continues"
    )
    assert tickets(context) == ["B-1"]
    monkeypatch.undo()
    assert take(context, "2026-11-24 09:00", "desk").new == 1


def test_a_snapshot_that_takes_too_long_is_undone(context, monkeypatch):
    drop(context, 23, "B-1", "B-2", "B-3")
    minutes = iter([60.0, 60.0, 60.0, 0.0])
    monkeypatch.setattr(TimeBudget, "left", property(lambda self: next(minutes, 0.0)))
    with pytest.raises(SourceError, match=r"^desk: not finished within 60 minutes"):
        take(context, "2026-11-24 08:00", "desk")
    assert tickets(context) == []


@pytest.mark.thorough
def test_many_failures_and_waiting_files_are_counted(context):
    inbox = context.site.folder / "inbox" / "desk"
    for number in range(13):
        path = inbox / f"e_2026-11-24_07{number:02}.csv"
        path.write_bytes(b"PK\x03\x04")
        os.utime(path, (1_795_000_000, 1_795_000_000))
    with pytest.raises(SourceError) as error:
        take(context, "2026-11-24 08:00", "desk")
    assert str(error.value).count("no readable workbook") == 10
    assert str(error.value).endswith("; and 3 more")
    count = SourceCount("desk", waiting=[Waiting(f"{n}.csv") for n in range(13)])
    text = render(
        "report/intake.md.j2",
        locale="en",
        zone=WITA,
        now=wita("2026-11-23 08:00"),
        sources=[asdict(count)],
        failures=[],
    )
    assert "9.csv" in text
    assert "10.csv" not in text
    assert "desk: 3 more files are not read." in text
