"""One service per folder of working files, without leftover processes of an earlier one."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from db.private_dirs import make_private, not_ours
from service.environment import MARK
from service.errors import ServiceError

SWEEP_SECONDS = 3.0


@contextmanager
def exclusive_lock(
    var: Path, name: str = "service", *, what: str = "the service"
) -> Iterator[None]:
    """Lock the working files against a second service for the whole block.

    Raises :class:`service.errors.ServiceError` if another process has the lock.
    """
    make_private(var)
    path = var / f"{name}.lock"
    try:
        file = path.open("w")
    except PermissionError:
        raise ServiceError(not_ours(path)) from None
    with file as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServiceError(f"{what} already runs for {var}; stop it first") from None
        yield


@contextmanager
def marked(mark: str) -> Iterator[None]:
    """Set a process tag for all processes started in the block, and end them after it.

    Processes with this tag that an earlier service left behind are ended first.
    """
    sweep(mark)  # processes left by a killed service
    os.environ[MARK] = mark
    try:
        yield
    finally:
        sweep(mark)
        os.environ.pop(MARK, None)


def sweep(mark: str) -> None:
    """Stop every process with this process tag: those of a service, or of a worker.

    This is needed because a flow survives a killed worker, and all parts survive a killed service.
    """
    left = [
        process
        for process in psutil.process_iter(["environ"])
        if (process.info["environ"] or {}).get(MARK) == mark and process.pid != os.getpid()
    ]
    for end in (psutil.Process.terminate, psutil.Process.kill):
        for process in left:
            with suppress(psutil.Error):
                end(process)
        _, left = psutil.wait_procs(left, timeout=SWEEP_SECONDS)
