"""Backup files: their format, their integrity, and the database revision inside."""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from sqlalchemy import URL

from db.backup import pg_tools
from db.backup.pg_tools import BackupError

__all__ = ["LEFT", "ArchiveInfo", "BackupError", "check", "contents", "fsync", "unpacked"]

LEFT = ".part"
"""Suffix of a temporary folder for a file in progress. Only a killed process leaves one behind."""

_GZIP, _SQLITE, _PGDUMP = b"\x1f\x8b", b"SQLite format 3\0", b"PGDMP"


@dataclass(frozen=True, slots=True)
class ArchiveInfo:
    """Contents of a backup: kind of database (`sqlite`, `postgresql`) and its revision.

    `schema` is the PostgreSQL schema of the dump.
    """

    kind: str
    revision: str
    schema: str | None = None


def check(path: Path, url: URL | None = None) -> ArchiveInfo:
    """Read a backup from beginning to end; raises :class:`BackupError` if it is damaged.

    SQLite's own check reads every page and index; PostgreSQL's `pg_restore` unpacks every row.
    `url` is a server with an installation of that program on the same machine, as a further
    location to search.
    """
    with unpacked(path) as raw:
        return contents(raw, path, url)


def contents(raw: Path, path: Path, url: URL | None = None) -> ArchiveInfo:
    """Return the contents of `raw`, the unpacked copy of the backup `path`.

    `url` and errors are as in :func:`check`.
    """
    try:
        if _kind(raw) == "postgresql":
            return ArchiveInfo("postgresql", *pg_tools.read_through(raw, url))
        return ArchiveInfo("sqlite", _revision(raw))
    except BackupError as error:
        raise BackupError(f"{path}: {error}") from None


def _kind(raw: Path) -> str:
    with raw.open("rb") as file:
        head = file.read(len(_SQLITE))
    if head.startswith(_PGDUMP):
        return "postgresql"
    if head == _SQLITE:
        return "sqlite"
    raise BackupError("not a backup of Tenggat; `tenggat backup` makes one")


@contextmanager
def unpacked(path: Path, beside: Path | None = None) -> Iterator[Path]:
    """Unpack a backup into a temporary file for the duration of the block.

    The file is in the folder of the backup, or in the folder of `beside`. Only its owner can read
    it. Raises :class:`BackupError` if the backup is damaged or cannot be read.
    """
    with TemporaryDirectory(suffix=LEFT, dir=(beside or path).parent) as work:
        raw = Path(work) / "raw.db"
        os.close(os.open(raw, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            with path.open("rb") as file:
                packed = file.read(2) == _GZIP
            with gzip.open(path) if packed else path.open("rb") as file, raw.open("wb") as copy:
                shutil.copyfileobj(file, copy, 1 << 20)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise BackupError(f"{path} is damaged ({error}); take another backup") from None
        except OSError as error:
            what = f"{error.strerror or error}"
            raise BackupError(f"{path} cannot be read or unpacked ({what})") from None
        yield raw


def _revision(database: Path) -> str:
    """Return the revision of a SQLite database after a check of all its pages."""
    place = f"file:{quote(str(database.absolute()))}?mode=rw"
    try:
        with closing(sqlite3.connect(place, uri=True, isolation_level=None)) as connection:
            said = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if said != "ok":
                raise BackupError(f"damaged ({said})")
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise BackupError(f"not a complete database of Tenggat ({error})") from None
    if row is None:
        raise BackupError("the database is empty: it has no revision")
    return str(row[0])


def fsync(path: Path) -> None:
    """Wait until the operating system has written a file or folder to disk."""
    handle = os.open(path, os.O_RDONLY)
    with suppress(OSError):  # some file systems do not support fsync of a folder
        os.fsync(handle)
    os.close(handle)
