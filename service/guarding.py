"""One service for a folder of working files, and nothing left of an earlier one."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from service.errors import ServiceError
from service.places import MARK

SWEEP_SECONDS = 3.0


@contextmanager
def alone(var: Path) -> Iterator[None]:
    """Hold the working files against a second service, from the first moment to the last."""
    var.mkdir(parents=True, exist_ok=True)
    with (var / "service.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServiceError(f"the service already runs for {var}; stop it first") from None
        yield


def sweep(var: Path) -> None:
    """End every process that still works for the service of these files.

    A flow outlives a worker that was killed, and all outlive a service that was.
    """
    left = [
        process
        for process in psutil.process_iter(["environ"])
        if (process.info["environ"] or {}).get(MARK) == str(var) and process.pid != os.getpid()
    ]
    for end in (psutil.Process.terminate, psutil.Process.kill):
        for process in left:
            with suppress(psutil.Error):
                end(process)
        _, left = psutil.wait_procs(left, timeout=SWEEP_SECONDS)
