"""Backups: made while others write, whole or not at all, kept by age; on SQLite and PostgreSQL."""

import gzip
import os
import re
import shutil
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import ON_SQLITE_FIRST, REPOSITORY, wita
from sqlalchemy import create_engine, make_url, text
from support.programs import needed

from db.backup.create import BackupError, backup, backups, check, keep, made_at
from db.backup.restore import restore
from db.engine import open_engine
from db.migrate import migrate
from db.migrations.revisions import newest_revision

NOON = wita("2026-11-24 12:00")
NAME = "Zulaikha Tandibone"


@pytest.fixture
def url(database_url):
    """A database at the newest revision with one row."""
    engine = open_engine(database_url)
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE counter (n INTEGER, half INTEGER)"))
        connection.execute(text("INSERT INTO counter VALUES (0, 0)"))
    engine.dispose()
    return database_url


def parsed(url: str):
    """The server, for PostgreSQL's programs, which lie beside it."""
    found = make_url(url)
    return None if found.get_backend_name() == "sqlite" else found


@ON_SQLITE_FIRST
def test_a_backup_is_named_by_its_time_and_read_by_its_owner_alone(url, tmp_path):
    made = backup(url, tmp_path / "kept", NOON)
    again = backup(url, tmp_path / "kept", NOON, "before-upgrade")
    third = backup(url, tmp_path / "kept", NOON)
    assert made.name.startswith("tenggat-20261124T040000Z.")
    assert again.name.startswith("tenggat-20261124T040000Z-before-upgrade.")
    assert third.name.startswith("tenggat-20261124T040000Z-2.")
    assert {p.stat().st_mode & 0o777 for p in (made, again, third)} == {0o600}
    assert made.parent.stat().st_mode & 0o777 == 0o700
    assert set(made.parent.iterdir()) == {made, again, third} == set(backups(made.parent))
    assert made_at(made) == made_at(again) == made_at(third) == NOON
    assert check(made, parsed(url)).revision == newest_revision()


@pytest.mark.thorough
def test_it_holds_one_state_while_others_write_and_they_do_not_wait(url, tmp_path):
    """Each writer changes both columns by one transaction: a copy in which they differ is torn."""
    stop, done, slowest = threading.Event(), [], [0.0]

    def write() -> None:
        engine = open_engine(url)
        while not stop.is_set():
            began = datetime.now(UTC)
            with engine.begin() as connection:
                connection.execute(text("UPDATE counter SET n = n + 1"))
                connection.execute(text("UPDATE counter SET half = half + 1"))
                connection.execute(
                    text(
                        "INSERT INTO flow_run (id, flow, now, counts) VALUES (:id, 'x', :now, '{}')"
                    ),
                    {"id": f"r{threading.get_ident()} {len(done)}", "now": "2026-11-24 00:00:00"},
                )
            done.append(1)
            slowest[0] = max(slowest[0], (datetime.now(UTC) - began).total_seconds())
        engine.dispose()

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    made = []
    for number in range(5):
        before = len(done)
        made.append((backup(url, tmp_path / "kept", NOON + timedelta(minutes=number)), before))
    stop.set()
    for writer in writers:
        writer.join()
    assert slowest[0] < 5
    for path, before in made:
        n, half, rows = restored(url, path, tmp_path)
        assert n == half == rows
        assert before <= n <= len(done)


def restored(url: str, path: Path, folder: Path) -> tuple[int, int, int]:
    """What a backup holds, by the programs that anybody has."""
    question = "SELECT n, half, (SELECT count(*) FROM flow_run) FROM counter"
    if path.name.endswith(".db.gz"):
        raw = folder / "look.db"
        raw.write_bytes(gzip.decompress(path.read_bytes()))
        engine = create_engine(f"sqlite:///{raw}")
        with engine.connect() as connection:
            return tuple(connection.execute(text(question)).one())
    from db.backup.pg_tools import newest, server  # noqa: PLC0415

    there = server(make_url(url))
    raw = folder / "look.pgdump"
    raw.write_bytes(gzip.decompress(path.read_bytes()))
    script = subprocess.run(
        [newest(there.folders) / "pg_restore", "--data-only", "--file=-", raw],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = script.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("COPY public.counter"))
    n, half = map(int, lines[at + 1].split("\t"))
    start = next(n for n, line in enumerate(lines) if line.startswith("COPY public.flow_run "))
    return n, half, lines[start + 1 :].index("\\.")


def fill(url: str, rows: int = 300) -> None:
    """Rows that nothing packs any smaller."""
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO cursor (source, value) VALUES (:n, :v)"),
            [{"n": f"s{number}", "v": os.urandom(100).hex()} for number in range(rows)],
        )
    engine.dispose()


@ON_SQLITE_FIRST
def test_a_backup_cut_short_or_changed_is_told_from_a_whole_one(url, tmp_path):
    fill(url)
    made = backup(url, tmp_path / "kept", NOON)
    whole = made.read_bytes()
    for part in (len(whole) // 2, len(whole) * 9 // 10, 40):
        made.write_bytes(whole[:part])
        with pytest.raises(BackupError, match="damaged"):
            check(made, parsed(url))
    for place in range(len(whole) // 3, len(whole) * 2 // 3, len(whole) // 40):
        flipped = bytearray(whole)
        flipped[place] ^= 0x10
        made.write_bytes(flipped)
        with pytest.raises(BackupError, match="damaged"):
            check(made, parsed(url))


def test_another_file_is_no_backup(tmp_path):
    odd = tmp_path / "tenggat-20261124T040000Z.db.gz"
    odd.write_bytes(b"PK")
    with pytest.raises(BackupError, match="not a backup of Tenggat"):
        check(odd)
    odd.write_bytes(gzip.compress(b"SQLite format 3\0 and nothing more"))
    with pytest.raises(BackupError, match="not a complete database"):
        check(odd)


FULL = """
import resource, sys
from datetime import datetime, UTC
from pathlib import Path
from db.backup.create import BackupError, backup
limit = int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
try:
    backup(sys.argv[1], Path(sys.argv[2]), datetime(2026, 11, 25, tzinfo=UTC))
except BackupError as error:
    print(error)
else:
    print("made")
"""


@ON_SQLITE_FIRST
@pytest.mark.parametrize("bytes_left", [4096, 20_000])
def test_a_full_disk_leaves_no_half_file_and_the_earlier_ones(url, tmp_path, bytes_left):
    """The process may write no file longer than this: SQLite's copy and pg_dump both meet it."""
    kept = tmp_path / "kept"
    earlier = backup(url, kept, NOON)
    fill(url)
    done = subprocess.run(
        [sys.executable, "-c", FULL, url, str(kept), str(bytes_left)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.strip()
    assert said != "made"
    assert "\n" not in said
    assert list(kept.iterdir()) == [earlier]
    assert check(earlier, parsed(url)).revision == newest_revision()


def test_a_full_file_system_is_said_in_one_line(tmp_path):
    if os.geteuid():
        pytest.skip("only root may mount a small file system")
    needed(shutil.which("mount"), "mount", "apt install mount")
    small, source = tmp_path / "small", tmp_path / "tenggat.db"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a file system")
    try:
        url = f"sqlite:///{source}"
        engine = open_engine(url)
        migrate(engine)
        engine.dispose()
        said = ""
        made: list[Path] = []
        for number in range(60):
            try:
                made.append(backup(url, small, NOON + timedelta(days=number)))
            except BackupError as error:
                said = str(error)
                break
        assert "free disk space" in said
        assert sorted(small.iterdir()) == sorted(made)
        assert all(check(path).revision == newest_revision() for path in made)
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_missing_or_older_pg_dump_says_what_to_install(postgres, tmp_path, monkeypatch):
    from db.backup import pg_tools  # noqa: PLC0415

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(pg_tools, "_DEBIAN", tmp_path / "none")
    with pytest.raises(BackupError, match=r"pg_dump is missing; install .* version 16 or newer"):
        pg_tools.programs(16)
    with_old = tmp_path / "old"
    with_old.mkdir()
    for name in ("pg_dump", "pg_restore", "psql"):
        (with_old / name).write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 13.1'\n")
        (with_old / name).chmod(0o755)
    monkeypatch.setenv("PGBIN", str(with_old))
    with pytest.raises(BackupError, match=r"pg_dump 13 is older than the server \(16\)"):
        pg_tools.programs(16)
    assert pg_tools.programs(13) == with_old


def test_the_image_can_back_up_the_database_that_is_deployed_with_it():
    """Debian has one version of the client programs; it may not be older than the server."""
    client = {"bookworm": 15, "trixie": 17}
    image = (REPOSITORY / "deploy" / "Dockerfile").read_text("utf-8")
    compose = (REPOSITORY / "deploy" / "compose.yaml").read_text("utf-8")
    debian = re.search(r"^FROM python:\S+-(\w+)$", image, re.MULTILINE)[1]
    assert "postgresql-client" in image
    assert int(re.search(r"image: postgres:(\d+)", compose)[1]) <= client[debian]


@pytest.mark.thorough
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_no_password_stands_in_a_command_line(url, tmp_path, monkeypatch):
    """The programs are called through ones that write down how. SQLite knows no password."""
    address = make_url(url)
    from db.backup import pg_tools  # noqa: PLC0415

    real, said = pg_tools.newest(pg_tools.server(address).folders), tmp_path / "said"
    for name in ("pg_dump", "pg_restore", "psql"):
        script = tmp_path / "bin" / name
        script.parent.mkdir(exist_ok=True)
        script.write_text(f'#!/bin/sh\necho "$0 $*" >> {said}\nexec {real / name} "$@"\n')
        script.chmod(0o755)
    monkeypatch.setenv("PGBIN", str(tmp_path / "bin"))
    secret = address.set(password="s3cret").render_as_string(hide_password=False)
    made = backup(secret, tmp_path / "kept", NOON)
    restore(made, secret, tmp_path / "kept", NOON, lock=tmp_path / "lock", force=True)
    calls = said.read_text("utf-8")
    assert {name for name in ("pg_dump ", "pg_restore ", "psql ") if name in calls} == {
        "pg_dump ",
        "pg_restore ",
        "psql ",
    }
    assert "s3cret" not in calls


def test_no_database_is_no_backup(tmp_path):
    with pytest.raises(BackupError, match="nothing to back up"):
        backup(f"sqlite:///{tmp_path}/none.db", tmp_path / "kept", NOON)
    assert list((tmp_path / "kept").iterdir()) == []


# --- what is kept ---------------------------------------------------------------------------------


@pytest.fixture
def copies(tmp_path):
    """Makes a folder of good backups of these days, each at 18:30 UTC."""
    url = f"sqlite:///{tmp_path}/tenggat.db"
    engine = open_engine(url)
    migrate(engine)
    engine.dispose()
    first = backup(url, tmp_path / "kept", NOON)
    content = first.read_bytes()
    first.unlink()

    def make(days: list[datetime]) -> Path:
        for day in days:
            (tmp_path / "kept" / f"tenggat-{day:%Y%m%d}T183000Z.db.gz").write_bytes(content)
        return tmp_path / "kept"

    return make


END = datetime(2026, 11, 24, 18, 30, tzinfo=UTC)


def test_fourteen_months_of_nights_leave_days_weeks_and_months(copies):
    folder = copies([])
    for age in reversed(range(425)):
        night = END - timedelta(days=age)
        copies([night])
        keep(folder, night)
    days = [made_at(path) for path in backups(folder)]
    assert days[:14] == [END - timedelta(days=n) for n in range(14)]
    assert len(days) <= 14 + 8 + 12
    weeks = {day.isocalendar()[:2] for day in days}
    assert {(END - timedelta(weeks=n)).isocalendar()[:2] for n in range(8)} <= weeks
    assert {(d.year, d.month) for d in days} == {
        (2025, 12),
        *((2026, month) for month in range(1, 12)),
    }


def test_after_a_long_silence_the_old_ones_are_still_there(copies):
    folder = copies([END - timedelta(days=400 + n) for n in range(3)])
    assert keep(folder, END) == []
    assert len(backups(folder)) == 3


def test_the_newest_good_one_stays_whatever_the_numbers_say(copies):
    folder = copies([END - timedelta(days=n) for n in range(5)])
    newest, second, good = backups(folder)[:3]
    newest.write_bytes(b"")
    second.write_bytes(second.read_bytes()[:900])
    gone = keep(folder, END, daily=1, weekly=1, monthly=1)
    assert set(backups(folder)) == {newest, good}
    assert len(gone) == 3


def test_nothing_else_in_the_folder_is_touched(copies):
    folder = copies([END - timedelta(days=n) for n in range(20)])
    other = folder / "tenggat-notes.txt"
    other.write_text("mine")
    stale, fresh = folder / "tmpabc.part", folder / "tmpdef.part"
    stale.mkdir()
    fresh.mkdir()
    old = (END - timedelta(days=3)).timestamp()
    os.utime(stale, (old, old))
    os.utime(fresh, (END.timestamp(), END.timestamp()))
    keep(folder, END, daily=2, weekly=1, monthly=1)
    assert other.read_text() == "mine"
    assert (stale.exists(), fresh.exists()) == (False, True)
    assert len(backups(folder)) == 2
