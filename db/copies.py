"""Copies: what a backup file is, whether it is whole, and which revision it holds."""

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

from db import postgres_dump
from db.postgres_dump import BackupError

__all__ = ["LEFT", "BackupError", "Contents", "check", "contents", "fsync", "unpacked"]

LEFT = ".part"
"""How a folder ends in which a file is being made; only a killed process leaves it behind."""

_GZIP, _SQLITE, _PGDUMP = b"\x1f\x8b", b"SQLite format 3\0", b"PGDMP"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds: a database of this kind (`sqlite`, `postgresql`) at this revision.

    `schema` is the schema of PostgreSQL that it was made of.
    """

    kind: str
    revision: str
    schema: str | None = None


def check(path: Path, url: URL | None = None) -> Contents:
    """Read a backup from beginning to end; raises :class:`BackupError` where it is not whole.

    SQLite's own check goes over every page and index, PostgreSQL's `pg_restore` unpacks every row.
    `url` is a server beside which that program may be found.
    """
    with unpacked(path) as raw:
        return contents(raw, path, url)


def contents(raw: Path, path: Path, url: URL | None = None) -> Contents:
    """What the unpacked copy `raw` of the backup `path` holds, as :func:`check` tells it."""
    try:
        if _kind(raw) == "postgresql":
            return Contents("postgresql", *postgres_dump.read_through(raw, url))
        return Contents("sqlite", _revision(raw))
    except BackupError as error:
        raise BackupError(f"{path}: {error}") from None


def _kind(raw: Path) -> str:
    with raw.open("rb") as file:
        head = file.read(len(_SQLITE))
    if head.startswith(_PGDUMP):
        return "postgresql"
    if head == _SQLITE:
        return "sqlite"
    raise BackupError("no backup of Tenggat; `tenggat backup` makes one")


@contextmanager
def unpacked(path: Path, beside: Path | None = None) -> Iterator[Path]:
    """The copy that a backup packs, in a file of its own as long as the block lasts.

    It lies in the folder of the backup, or in that of `beside`, and is read by nobody else.
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
    """The revision of a SQLite database whose every page was found whole."""
    place = f"file:{quote(str(database.absolute()))}?mode=rw"
    try:
        with closing(sqlite3.connect(place, uri=True, isolation_level=None)) as connection:
            said = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if said != "ok":
                raise BackupError(f"damaged ({said})")
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise BackupError(f"no whole database of Tenggat ({error})") from None
    if row is None:
        raise BackupError("the database is empty: it has no revision")
    return str(row[0])


def fsync(path: Path) -> None:
    """Have the machine write a file or folder down before anything else is done."""
    handle = os.open(path, os.O_RDONLY)
    with suppress(OSError):  # some file systems know no fsync of a folder
        os.fsync(handle)
    os.close(handle)
