"""Files that cannot be read: each is named, stops no other, and is not read again unchanged."""

import errno
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ON_SQLITE_FIRST, kind_of_database, wita
from sqlalchemy import select
from support.import_results import take
from support.pipeline import alerts

from db.models import Complaint, UnreadableFileRow
from tasks.common.context import SiteContext
from tasks.ingest.source_count import SourceCount, UnreadSource
from tasks.monitoring.health import check
from tasks.sources import folder
from tasks.sources.base import UnreadableFile, WaitingReason
from tasks.sources.files import workbooks

DESK = """
[desk]
folder = "inbox/desk"
layout = "history"
zone = "Asia/Makassar"
header = "No"
dates = ["%d/%m/%Y %H:%M"]
max_bad_share = {share}
fields = {{ ticket = "No", received = "Masuk" }}
events = [{{ column = "Selesai", kind = "settled" }}]
"""
BAD = "a.xlsx"
TORN = "no readable workbook (its end is missing; copy or download it again)"


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    return kind_of_database(request)


@pytest.fixture
def context(site_folder: Path, open_context: Callable[..., SiteContext]) -> SiteContext:
    (site_folder / "sources.toml").write_text(DESK.format(share=0.2), encoding="utf-8")
    inbox = site_folder / "inbox" / "desk"
    inbox.mkdir()
    put(inbox / BAD, b"PK\x03\x04 no workbook")
    put(inbox / "b.csv", b"No;Masuk;Selesai\nB-1;16/11/2026 08:30;\n")
    return open_context()


def put(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    os.utime(path, (1_795_000_000, 1_795_000_000))  # 18 November 2026


def run(context: SiteContext, hour: int) -> tuple[SourceCount, str]:
    """Import once; return the counts and the failure."""
    try:
        return take(context, f"2026-11-24 {hour:02}:00", "desk"), ""
    except UnreadSource as error:
        return error.count, str(error)


def records(context: SiteContext) -> list[tuple[int, str]]:
    with context.transaction() as session:
        rows = session.scalars(select(UnreadableFileRow))
        return [(row.failures, row.reason) for row in rows]


def tickets(context: SiteContext) -> list[str]:
    with context.transaction() as session:
        return list(session.scalars(select(Complaint.ticket)))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were opened for their rows."""
    found: list[str] = []
    read = folder.read_sheet

    def reading(path, source):
        found.append(path.name)
        return read(path, source)

    monkeypatch.setattr(folder, "read_sheet", reading)
    return found


@ON_SQLITE_FIRST
def test_a_file_that_ends_its_reader_twice_is_set_aside_and_told(context, reads, monkeypatch):
    monkeypatch.setattr(workbooks, "_START", "import os; os.abort()")
    inbox = context.site.folder / "inbox" / "desk"
    for hour in (8, 9):
        count, failure = run(context, hour)
        assert failure.startswith(f"{BAD}: its reader failed (perhaps it needs more than")
        assert count.waiting == []
    assert tickets(context) == ["B-1"]
    assert records(context)[0][0] == 2
    assert alerts(context).count("file_set_aside") == 0
    for hour in (10, 11):
        count, failure = run(context, hour)
        assert failure == ""
        (waiting,) = count.waiting
        assert (waiting.name, waiting.reason) == (BAD, WaitingReason.SET_ASIDE)
        assert waiting.taken_from == "2026-11-24T09:00+08:00"
    assert alerts(context).count("file_set_aside") == 1
    assert reads.count(BAD) == 2
    put(inbox / BAD, b"PK\x03\x04 another one")
    assert run(context, 12)[1].startswith(f"{BAD}: its reader failed")
    assert reads.count(BAD) == 3
    assert records(context)[0][0] == 1


def test_a_reader_that_fails_within_the_rows_counts_as_well(context, monkeypatch):
    rows = "[[1, 'No', 'Masuk', 'Selesai'], [2, 'A-1', '16/11/2026 08:30', '']]"
    code = (
        f"import json, os; print(json.dumps(['sheet', '', 0, False]));"
        f"print(json.dumps(['rows', *{rows}]), flush=True); os.abort()"
    )
    monkeypatch.setattr(workbooks, "_START", code)
    assert run(context, 8)[1].startswith(f"{BAD}: its reader failed")
    assert run(context, 9)[1].startswith(f"{BAD}: its reader failed")
    assert run(context, 10)[1] == ""
    assert tickets(context) == ["B-1"]


def test_an_unreadable_file_is_named_in_each_run_and_read_once(context, reads):
    told = [run(context, hour)[1] for hour in (8, 9, 10)]
    assert told == [f"{BAD}: {TORN}"] * 3
    assert reads.count(BAD) == 1
    assert records(context) == [(0, told[0])]
    (context.site.folder / "inbox" / "desk" / BAD).unlink()
    assert run(context, 11)[1] == ""
    assert records(context) == []


@pytest.mark.thorough
def test_the_doctor_names_the_file_and_what_is_wrong_with_it(context):
    _, failure = run(context, 8)
    refused = f"source desk: not imported since 2026-11-24 08:00: {failure}"
    found = {each.what: each.level for each in check(context.site, wita("2026-11-24 10:00"))}
    assert found[refused] == "trouble"
    (context.site.folder / "inbox" / "desk" / BAD).unlink()
    run(context, 11)
    assert not [e for e in check(context.site, wita("2026-11-24 12:00")) if BAD in e.what]


def test_other_settings_are_a_reason_to_read_a_file_again(context, reads, open_context):
    run(context, 8)
    text = DESK.format(share=0.5)
    (context.site.folder / "sources.toml").write_text(text, encoding="utf-8")
    run(open_context(), 9)
    assert reads.count(BAD) == 2


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
def test_a_fault_of_the_disk_may_end_without_a_change_of_the_file(context, monkeypatch, number):
    def fails(path, source):
        try:
            raise OSError(number, os.strerror(number))
        except OSError:
            raise UnreadableFile(f"{path.name}: cannot be opened") from None

    monkeypatch.setattr(folder, "read_sheet", fails)
    assert run(context, 8)[1] == f"{BAD}: cannot be opened; b.csv: cannot be opened"
    assert records(context) == []
    monkeypatch.undo()
    assert run(context, 9)[0].new == 1


def test_a_member_of_an_archive_is_remembered_by_its_own_name(context, reads):
    inbox = context.site.folder / "inbox" / "desk"
    (inbox / BAD).unlink()
    with zipfile.ZipFile(inbox / "z.zip", "w") as archive:
        archive.writestr("in/a.xlsx", b"PK\x03\x04 no workbook")
        archive.writestr("in/c.csv", "No;Masuk;Selesai\nC-1;16/11/2026 08:30;\n")
    os.utime(inbox / "z.zip", (1_795_000_000, 1_795_000_000))
    told = {run(context, hour)[1] for hour in (8, 9)}
    assert told == {f"z.zip/{BAD}: {TORN}"}
    assert reads.count(BAD) == 1
    assert sorted(tickets(context)) == ["B-1", "C-1"]
