"""Which runs have a process on this machine: each holds the lock of a file as long as it lives.

The operating system releases a lock when its process ends, however it ends. Numbers of processes
do not tell this: they are used again.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from db.private_dirs import make_private


def _folder(prefect_home: Path) -> Path:
    return prefect_home / "runs"


@contextmanager
def run_lock(prefect_home: Path, run_id: str) -> Iterator[None]:
    """Hold the lock of a run for the whole block. Its file has the number of this process."""
    folder = _folder(prefect_home)
    make_private(folder)
    path = folder / run_id
    with _locked(path) as file:
        file.write(str(os.getpid()))
        file.flush()
        yield
        path.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[IO[str]]:
    """Open and lock a file that :func:`live_runs` may remove at any time before the lock."""
    while True:
        with path.open("w", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    yield file
                    return


def live_runs(prefect_home: Path) -> dict[str, int]:
    """Return the process number of each run that has a process; remove files of runs without one.

    The number is 0 for a process that has not written it yet.
    """
    live: dict[str, int] = {}
    folder = _folder(prefect_home)
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(FileNotFoundError), path.open(encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                live[path.name] = int(file.read() or 0)
            else:
                path.unlink(missing_ok=True)
    return live
