"""Log files of the service, rotated before they grow too large."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from threading import Thread
from typing import IO

from db.private_dirs import make_private
from sla.plain_text import log_line

MOST_BYTES = 5_000_000
KEPT = 5
"""A log grows up to `MOST_BYTES` bytes. `KEPT` older files remain; `.1` is the latest."""

LONGEST_LINE = 65_536


def _log(path: Path, form: str) -> logging.Logger:
    make_private(path.parent)
    log = logging.Logger(str(path))
    handler = RotatingFileHandler(
        path, maxBytes=MOST_BYTES, backupCount=KEPT, encoding="utf-8", errors="replace", delay=True
    )
    handler.setFormatter(logging.Formatter(form, "%Y-%m-%dT%H:%M:%S%z"))
    handler.handleError = lambda record: None  # type: ignore[method-assign]  # a full disk stops no service
    log.addHandler(handler)
    return log


def copy_stream(stream: IO[bytes], path: Path) -> Thread:
    """Write the output of a process to a log, until it and all its children have ended.

    The process writes to a pipe, so the log file can be rotated at any time. Control characters of
    its output are not written: they would act on the terminal of a person who reads the log.
    """
    log = _log(path, "%(message)s")

    def lines() -> None:
        with stream:
            while line := stream.readline(LONGEST_LINE):
                log.info("%s", log_line(line.decode("utf-8", "replace")))
        for handler in log.handlers:
            with suppress(OSError):  # a full disk: the last lines are lost
                handler.close()

    thread = Thread(target=lines, name=f"log {path.name}", daemon=True)
    thread.start()
    return thread


def saying(say: Callable[[str], None], path: Path) -> Callable[[str], None]:
    """Wrap `say` so that each text is one line, also written to a log with its time.

    A text that cannot be shown, as in a file on a full disk, is in the log at most.
    """
    log = _log(path, "%(asctime)s %(message)s")

    def both(text: str) -> None:
        line = log_line(text)
        log.info("%s", line)
        with suppress(OSError):
            say(line)

    return both
