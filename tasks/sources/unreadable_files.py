"""Remember the files of a folder that cannot be read, so that they are not read in every run."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from db import imports
from db.models import UnreadableFileRow
from settings.sources import FolderSource
from tasks.common.context import SiteContext
from tasks.sources.base import FatalFile, SourceError, UnreadableFile

MOST_FAILURES = 2
"""A file that has made its reader fail so many times is set aside."""


class KnownBadFile(NamedTuple):
    """The reason why a file cannot be read, and the time since which it is set aside, if it is."""

    reason: str
    set_aside_at: datetime | None


class UnreadableFiles:
    """The unreadable files of one source.

    A file is read again when it, the settings of its source or the version of Tenggat changes. A
    file that only made its reader fail is read once more: perhaps the machine was short of memory.
    """

    def __init__(
        self, context: SiteContext, source: str, settings: FolderSource, now: datetime
    ) -> None:
        self._context, self._source, self._now = context, source, now
        self._read_by = f"{_program()} {settings.model_dump_json()}"
        self._current: set[str] = set()
        with context.transaction() as session:
            self._rows = imports.unreadable_files(session, source)

    def known(self, origin: Path, path: Path) -> KnownBadFile | None:
        """Return the record of an unchanged file that is not to be read again.

        `origin` is the file in the folder; `path` is the same or an unpacked file inside of it.
        """
        row = self._row(origin, path)
        if row is None or 0 < row.failures < MOST_FAILURES:
            return None
        return KnownBadFile(row.reason, row.noted_at if row.failures else None)

    def note(self, origin: Path, path: Path, error: SourceError) -> None:
        """Store that a file cannot be read, in a transaction of its own.

        An error of the disk or of a right is not stored: it may end without a change of the file.
        """
        state = self._state(origin)
        if state is None or not isinstance(error, UnreadableFile) or _is_passing(error):
            return
        before = self._row(origin, path)
        failures = before.failures if before is not None else 0
        row = UnreadableFileRow(
            source=self._source,
            file=_file_hash(origin, path),
            state=state,
            reason=str(error),
            failures=failures + 1 if isinstance(error, FatalFile) else 0,
            noted_at=self._now,
        )
        with self._context.transaction() as session:
            imports.lock(session, self._source)
            session.merge(row)
        self._rows[row.file] = row
        self._current.add(row.file)

    def forget_others(self) -> None:
        """Delete the records of the files that are gone, changed or readable now."""
        others = self._rows.keys() - self._current
        if others:
            with self._context.transaction() as session:
                imports.forget_unreadable(session, self._source, others)

    def _row(self, origin: Path, path: Path) -> UnreadableFileRow | None:
        """Return the record of a file if the file is unchanged."""
        row = self._rows.get(_file_hash(origin, path))
        if row is None or row.state != self._state(origin):
            return None
        self._current.add(row.file)
        return row

    def _state(self, origin: Path) -> str | None:
        try:
            found = origin.stat()
        except OSError:
            return None
        return _hash(f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {self._read_by}")


@cache
def _program() -> str:
    """Return the version of Tenggat; it is in a file of the installation."""
    return version("tenggat")


def _file_hash(origin: Path, path: Path) -> str:
    inside = path.parts[-2:] if path != origin else ()
    return _hash("\0".join((str(origin), *inside)))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _is_passing(error: BaseException) -> bool:
    """Check whether the system refused something, as seen in the causes of an error."""
    cause = error.__cause__ or error.__context__
    if cause is None:
        return False
    return (isinstance(cause, OSError) and bool(cause.errno)) or _is_passing(cause)
