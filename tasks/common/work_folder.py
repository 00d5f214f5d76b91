"""Temporary folders for unpacked files: under `var`, for the owner only, removed after a kill."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from db.private_dirs import make_private

FOLDER = "tmp"
LOCK = ".in-use"


@contextmanager
def work_folder(var: Path) -> Iterator[Path]:
    """Make a private folder for the length of the block, and remove those of killed processes.

    Each process holds a lock on a file in its folder. A lock ends with its process, so a folder
    without a lock was left by a process that was killed. Without `var`, before the first start, the
    folder is one of the system.
    """
    if not var.is_dir():
        with tempfile.TemporaryDirectory(prefix="tenggat-") as folder_of_system:
            yield Path(folder_of_system)
        return
    place = var / FOLDER
    make_private(place)
    remove_abandoned(place)
    new = Path(tempfile.mkdtemp(prefix=".new-", dir=place))
    folder = place / new.name.replace(".new-", "unpack-")
    lock = os.open(new / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        new.rename(folder)  # now that it is locked, others may see it
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def remove_abandoned(place: Path) -> int:
    """Remove the folders that no process uses; return their number."""
    removed = 0
    for folder in sorted(place.glob("unpack-*")):
        with suppress(OSError):
            lock = os.open(folder / LOCK, os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
            finally:
                os.close(lock)
    return removed
