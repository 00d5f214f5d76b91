"""A disk that becomes full: each step ends with a message and leaves nothing half done.

The database, the mailbox and the reports are on a small file system, which a file fills up.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import wita
from sqlalchemy.exc import OperationalError
from support.pipeline import BEGUN, at, begin, decide, deliver, dump, statuses, write_register
from support.programs import needed

from cli.console import UsageError, reason, show_rows, writing
from db.backup.create import BackupError, backup
from tasks.common.context import SiteContext
from tasks.ingest.exchange.writer import export
from tasks.intake import pull
from tasks.summary import SummaryRequest, make_summary

NOW = "2026-11-24 08:00"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB; only root may mount one."""
    if os.geteuid():
        pytest.skip("only root may mount a small file system")
    needed(shutil.which("mount"), "mount", "apt install mount")
    folder = tmp_path / "var"
    folder.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def database_url(small: Path, sqlite_url: str) -> str:
    """A database on the small file system."""
    shutil.copyfile(sqlite_url.removeprefix("sqlite:///"), small / "tenggat.db")
    return f"sqlite:///{small / 'tenggat.db'}"


def fill(folder: Path) -> Path:
    """Leave no free byte."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    assert not shutil.disk_usage(folder).free
    return filler


def files(folder: Path) -> set[str]:
    """All files but those that SQLite keeps beside a database."""
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {name for name in found if not name.endswith(("-wal", "-shm", "filler", ".lock"))}


def report(context: SiteContext) -> None:
    now = wita(NOW)
    make_summary(context, SummaryRequest("2026-11", now, formats={"html", "json"}), now, "summary")


def kept(context: SiteContext) -> None:
    backup(context.site.database_url, context.site.var / "backups", wita(NOW))


def given(context: SiteContext) -> None:
    export(context, context.site.var / "out.jsonl", wita(NOW), since=None, titles=False)


def listed(context: SiteContext) -> None:
    rows = [{"ticket": "x" * 5000}]
    show_rows(("ticket",), rows, "quarantine.rows", context.site.var / "out.csv", as_json=False)


STEPS: dict[str, Callable[[SiteContext], object]] = {
    "intake": lambda context: pull(context, "register", wita("2026-11-24 07:30")),
    "deadlines": lambda context: decide(context, NOW),
    "delivery": lambda context: deliver(context, NOW),
    "report": report,
    "backup": kept,
    "export": given,
    "list": listed,
}


@pytest.mark.usefixtures("plain_reports")
def test_each_step_on_a_full_disk_fails_with_the_reason_and_succeeds_later(small, open_context):
    context = open_context()
    begin(context, "register", wita(BEGUN))
    path = write_register(
        context, wita("2026-11-24 07:15"), *(at("Dinas Sosial", f"FD-{n}") for n in range(40))
    )
    for name, step in STEPS.items():
        before, there = dump(context), files(small)
        filler = fill(small)
        with pytest.raises((OperationalError, OSError, BackupError, UsageError)) as failed:
            step(context)
        said = reason(failed.value)
        signs = ("make room", "No space left", "free disk space")
        assert any(sign in said for sign in signs), name
        assert "\n" not in said
        filler.unlink()
        assert dump(context) == before, name
        assert files(small) == there, name
        assert path.is_file()
        step(context)
        assert dump(context) != before or files(small) != there, name
    assert set(statuses(context)) == {"sent"}
    assert len(list((small / "mailbox").iterdir())) == len(statuses(context))


def test_the_remedy_for_a_full_disk_is_room_on_it():
    for said, shown in (
        ("database or disk is full", "database or disk is full"),
        ("could not extend file: No space left on device", "the disk of the server is full"),
    ):
        full = OperationalError("INSERT", {}, Exception(said))
        assert reason(full) == f"the database cannot be written ({shown}); make room on its disk"
    for said in ("disk I/O error", "attempt to write a readonly database"):
        told = reason(OperationalError("INSERT", {}, Exception(said)))
        assert "look whether its disk is full, damaged, or can only be read" in told
    told = reason(OperationalError("PRAGMA", {}, Exception("unable to open database file")))
    assert "its disk is full or can only be read" in told
    for number, remedy in ((errno.ENOSPC, "make room on its disk"), (errno.ENOENT, "name a file")):
        with pytest.raises(UsageError, match=remedy), writing(Path("a")):
            raise OSError(number, os.strerror(number))
