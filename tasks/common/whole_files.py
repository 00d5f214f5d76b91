"""Writes files that appear under their names when they are complete, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

UNFINISHED = ".part"
"""The end of the name of a file that is still written; no source reads such a file."""


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that appears under its name when the block ends without an error.

    Until then an earlier file of this name stays as it is. The content is on disk before the
    name changes. On a full disk nothing is left. A new file is for its owner only; a file that
    replaces another one has the rights of that one. A device or a pipe is written directly.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        with target.open("wb") as file:
            yield file
        return
    part = _part_of(target)
    try:
        with _private(part, target) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
        _sync_folder(target.parent)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def whole_files() -> Iterator[Callable[[Path, bytes | Iterable[bytes]], None]]:
    """Collect files that appear together when the block ends without an error.

    The value of the block writes one file: its path and its content, or the parts of it. The first
    file appears last, so where it is present, the others are too.
    """
    parts: list[tuple[Path, Path]] = []

    def write(path: Path, content: bytes | Iterable[bytes]) -> None:
        part = _part_of(path)
        parts.append((part, path))
        with _private(part, path) as file:
            file.writelines((content,) if isinstance(content, bytes) else content)
            file.flush()
            os.fsync(file.fileno())

    try:
        yield write
        for part, path in reversed(parts):
            part.replace(path)
        for folder in {path.parent for _, path in parts}:
            _sync_folder(folder)
    finally:
        for part, _ in parts:
            part.unlink(missing_ok=True)


def _private(part: Path, target: Path) -> IO[bytes]:
    """Open a new file for its owner only, or with the rights of the file that it will replace."""
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    if target.is_file():
        os.fchmod(handle, target.stat().st_mode & 0o777)
    return os.fdopen(handle, "wb")


def _part_of(path: Path) -> Path:
    """Return the name of an unfinished file, different for each process."""
    return path.with_name(f".{path.name}.{os.getpid()}{UNFINISHED}")


def _sync_folder(folder: Path) -> None:
    """Wait until the new names are on disk; some file systems do not support this."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
