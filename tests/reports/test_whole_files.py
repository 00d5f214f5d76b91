"""Report files and exports are there whole or not at all, also on a full disk.

The system refuses to write more than so many bytes into a file: as on a full disk, a part of the
file is written before.
"""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from support.synthetic_reports import view

from tasks.common.whole_files import whole_file, whole_files
from tasks.reports.formats.writer import FORMATS, write_all

ZONE = ZoneInfo("Asia/Makassar")


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let no file become larger than so many bytes."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.usefixtures("plain_reports")
@pytest.mark.parametrize("formats", [FORMATS, ("html",), ("csv", "json"), ("html", "pdf")])
@pytest.mark.parametrize("room", [0, 2_000])
def test_a_report_on_a_full_disk_leaves_nothing_and_changes_nothing(tmp_path, formats, room):
    report = view(units=3, count=20)
    with room_for(room), pytest.raises(OSError, match="File too large"):
        write_all(report, tmp_path, ZONE, formats=formats)
    assert content(tmp_path) == {}
    paths = write_all(report, tmp_path, ZONE, formats=formats)
    assert {path.suffix[1:] for path in paths} == set(formats)
    before = content(tmp_path)
    assert len(before) == len(formats)
    with room_for(room), pytest.raises(OSError, match="File too large"):
        write_all(view(units=4, count=30), tmp_path, ZONE, formats=formats)
    assert content(tmp_path) == before


def test_a_format_that_cannot_be_made_leaves_none_of_the_others(tmp_path, monkeypatch):
    def broken(*_: object) -> bytes:
        raise RuntimeError("no PDF")

    monkeypatch.setattr("tasks.reports.formats.pdf.report.report_pdf", broken)
    monkeypatch.setattr("tasks.reports.formats.plots.plots", lambda view, zone: {})
    with pytest.raises(RuntimeError):
        write_all(view(units=3, count=20), tmp_path, ZONE, formats=("html", "pdf"))
    assert content(tmp_path) == {}


def test_files_appear_together_the_first_one_last(tmp_path, monkeypatch):
    """Where the page of a report is, its other files are too."""
    appeared: list[str] = []
    replace = Path.replace
    monkeypatch.setattr(
        Path, "replace", lambda part, to: appeared.append(to.name) or replace(part, to)
    )
    with whole_files() as write:
        for name in ("a.html", "a.pdf", "a.xlsx"):
            write(tmp_path / name, name.encode())
        assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".part")] == []
    assert appeared == ["a.xlsx", "a.pdf", "a.html"]
    assert content(tmp_path) == {name: name.encode() for name in appeared}


def test_one_file_is_whole_or_as_it_was(tmp_path):
    file = tmp_path / "out.jsonl"
    for earlier in ({}, {"out.jsonl": b"earlier"}):
        with room_for(10), pytest.raises(OSError, match="File too large"), whole_file(file) as out:
            out.write(b"x" * 100)
        with pytest.raises(ValueError, match="row"), whole_file(file) as out:
            raise ValueError("row")
        assert content(tmp_path) == earlier
        with whole_file(file) as out:
            out.write(b"earlier")
            assert content(tmp_path).get("out.jsonl") == earlier.get("out.jsonl")
    assert content(tmp_path) == {"out.jsonl": b"earlier"}


def test_a_link_and_a_device_keep_their_kind(tmp_path):
    link, file = tmp_path / "link", tmp_path / "file"
    link.symlink_to(file)
    with whole_file(link) as out:
        out.write(b"1")
    assert link.is_symlink()
    assert file.read_bytes() == b"1"
    with whole_file(Path("/dev/null")) as out:
        out.write(b"1")
    assert not Path("/dev/null").is_file()
