"""Backups: one file per backup, made while others write, complete or not present at all."""

from __future__ import annotations

import errno
import gzip
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from sqlalchemy import make_url

from db.backup import pg_tools
from db.backup.archive import LEFT, BackupError, check, fsync
from db.private_dirs import make_private

SUFFIXES = {"sqlite": ".db.gz", "postgresql": ".pgdump.gz"}
_NAME = re.compile(r"tenggat-(\d{8}T\d{6}Z)(?:-[a-z][a-z-]*)?(?:-\d+)?\.(?:db|pgdump)\.gz")
LEFT_AFTER = timedelta(days=1)

_NO_ROOM = "make room there or name another folder"
_REMEDIES = {
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
    errno.EROFS: "mount its disk for writing, or name another folder",
}
"""Remedies for a folder that takes no backup, by the number of the error."""


def backup(url: str, folder: Path, now: datetime, label: str = "") -> Path:
    """Copy the database at this SQLAlchemy URL into `folder`; returns the new file.

    SQLite is copied page by page in one state of the database (`.db.gz`), PostgreSQL by `pg_dump`
    (`.pgdump.gz`). Writers do not wait, and the backup does not lose their work.

    The copy is read through once before it gets its final name, with the time in UTC and `label`
    ('before-upgrade'). Only its owner may read it, because it contains everything in the database.

    Raises :class:`BackupError` with a message about the remedy. Then there is no new file, and
    earlier backups are unchanged.
    """
    parsed = make_url(url)
    kind = parsed.get_backend_name()
    try:
        make_private(folder)
        place = _free(folder, now, label, SUFFIXES[kind])
        with TemporaryDirectory(suffix=LEFT, dir=folder) as work:
            raw, part = Path(work) / "raw", Path(work) / place.name
            if kind == "sqlite":
                _copy_sqlite(Path(parsed.database or ""), raw)
            else:
                pg_tools.dump(parsed, raw)
            _pack(raw, part)
            check(part, None if kind == "sqlite" else parsed)
            fsync(part)
            part.rename(place)
        fsync(folder)
    except OSError as error:
        raise BackupError(
            f"no backup in {folder}: {error.strerror or error};"
            f" {_REMEDIES.get(error.errno or 0, 'name another folder')}"
            " (earlier backups are as they were)"
        ) from None
    return place


def _free(folder: Path, now: datetime, label: str, suffix: str) -> Path:
    """Return an unused file name, also for a second backup in the same second."""
    stem = f"tenggat-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}" + (f"-{label}" if label else "")
    place, number = folder / (stem + suffix), 2
    while place.exists():
        place, number = folder / f"{stem}-{number}{suffix}", number + 1
    return place


def _copy_sqlite(database: Path, raw: Path) -> None:
    if not database.is_file():
        raise BackupError(f"no database at {database}; there is nothing to back up yet")
    try:
        with (
            closing(connect(database)) as source,
            closing(sqlite3.connect(raw, isolation_level=None)) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # a single file, without a log file
    except sqlite3.Error as error:
        raise BackupError(
            f"{database} could not be copied to {raw.parent.parent} ({error});"
            " check the free disk space, and the integrity of the database"
        ) from None


def _pack(raw: Path, part: Path) -> None:
    """Write a copy compressed by gzip, with a checksum of the whole content. Removes `raw`."""
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with (
        raw.open("rb") as whole,
        part.open("wb") as file,
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=file, mtime=0) as packed,
    ):
        shutil.copyfileobj(whole, packed, 1 << 20)
    raw.unlink()


def connect(database: Path) -> sqlite3.Connection:
    """Open a SQLite database in a mode that could write, but prevent changes by `query_only`.

    A connection without write access would leave a log file of SQLite behind.
    """
    place = f"file:{quote(str(database.absolute()))}?mode=rw"
    connection = sqlite3.connect(place, uri=True, timeout=60, isolation_level=None)
    connection.execute("PRAGMA query_only=ON")
    return connection


def made_at(path: Path) -> datetime | None:
    """Return the time in the name of a backup; None for any other file name."""
    found = _NAME.fullmatch(path.name)
    if found is None:
        return None
    with suppress(ValueError):
        return datetime.strptime(found[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return None


def backups(folder: Path) -> list[Path]:
    """List the backups in a folder, newest first. Other files are ignored."""
    if not folder.is_dir():
        return []
    dated = [(made, path) for path in folder.iterdir() if (made := made_at(path)) is not None]
    return [path for _, path in sorted(dated, reverse=True)]


def keep(
    folder: Path,
    now: datetime,
    *,
    daily: int = 14,
    weekly: int = 8,
    monthly: int = 12,
    url: str | None = None,
) -> list[Path]:
    """Remove expired backups and return their paths.

    Kept are the newest backup of each of the last `daily` days, `weekly` weeks and `monthly` months
    with a backup (in UTC). The newest readable backup is always kept, and so are files with a
    future time.

    Only files with the name of a backup are considered. Half-made files of a killed process are
    deleted after one day. `url` is the database of these backups.
    """
    made = {path: at for path in backups(folder) if (at := made_at(path)) is not None}
    kept = {path for path, at in made.items() if at > now}  # made while the clock was wrong
    spans: tuple[tuple[Callable[[datetime], object], int], ...] = (
        (datetime.date, daily),
        (lambda at: at.isocalendar()[:2], weekly),
        (lambda at: (at.year, at.month), monthly),
    )
    for span, most in spans:
        newest: dict[object, Path] = {}
        for path, at in made.items():
            newest.setdefault(span(at), path)
        kept |= set(list(newest.values())[:most])
    gone = [path for path in made if path not in kept]
    if gone:
        kept |= set(_newest_good(made, url))
    gone = [path for path in gone if path not in kept]
    for path in gone:
        path.unlink(missing_ok=True)
    _clear(folder, now)
    return gone


def _newest_good(made: Iterable[Path], url: str | None) -> Iterator[Path]:
    """Yield the newest readable backup, if there is any."""
    parsed = make_url(url) if url else None
    server = parsed if parsed and parsed.get_backend_name() != "sqlite" else None
    for path in made:
        with suppress(BackupError, OSError):
            check(path, server)
            yield path
            return


def _clear(folder: Path, now: datetime) -> None:
    for left in folder.glob(f"tmp*{LEFT}"):
        with suppress(OSError):
            if now - datetime.fromtimestamp(left.stat().st_mtime, UTC) > LEFT_AFTER:
                shutil.rmtree(left)
