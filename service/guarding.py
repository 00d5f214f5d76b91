"""One service for a folder of working files, and nothing left of an earlier one."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from db.folders import make_private
from service.errors import ServiceError
from service.places import MARK

SWEEP_SECONDS = 3.0


@contextmanager
def alone(var: Path, name: str = "service", *, what: str = "the service") -> Iterator[None]:
    """Hold the working files against a second of its kind, from the first moment to the last."""
    make_private(var)
    with (var / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServiceError(f"{what} already runs for {var}; stop it first") from None
        yield


@contextmanager
def marked(mark: str) -> Iterator[None]:
    """Let what is started in the block bear this mark; none that does is left before or after."""
    sweep(mark)  # what one that was killed has left
    os.environ[MARK] = mark
    try:
        yield
    finally:
        sweep(mark)
        os.environ.pop(MARK, None)


def sweep(mark: str) -> None:
    """End every process that still bears this mark: that of a service, or of a worker.

    A flow outlives a worker that was killed, and all outlive a service that was.
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
