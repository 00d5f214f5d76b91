"""Read the rows of the visible sheets of a workbook (XLSX, XLS, ODS) in a process of its own."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from settings.sources import FolderSource
from tasks.common.errors import ROOT
from tasks.sources.base import FatalFile, Row, UnreadableFile
from tasks.workbook_reader.covered import CoveredCell
from tasks.workbook_reader.limits import MEMORY_MB, SECONDS, WorkbookLine

_LONGEST_LINE = 64 << 20
_START = (
    "import sys; sys.path[:] = sys.argv[1].split(':');"
    " from tasks.workbook_reader.child import main; main(*sys.argv[2:])"
)
_REMEDY = "open and save the file again, or save it as CSV"


class WorkbookSheet(NamedTuple):
    """A sheet: its name (empty if it is the only visible one), its rows, and the days to add to
    the serial number of a date. Of a hidden sheet only the first rows are read.
    """

    name: str
    rows: Iterator[Row]
    days_more: int = 0
    is_hidden: bool = False


def workbook_sheets(path: Path, source: FolderSource) -> Iterator[WorkbookSheet]:
    """Yield the visible sheets of a workbook in their order, then the hidden ones.

    The rows of a sheet can be read until the next sheet is asked for. Raises
    :class:`UnreadableFile` if the file is too large, damaged, or protected by a password, and
    :class:`FatalFile` if its reader process fails.
    """
    with closing(_answers(path, source)) as answers:
        sheet = next(answers, None)
        while sheet is not None:
            rows = _SheetRows(answers)
            yield WorkbookSheet(sheet[1], iter(rows), sheet[2], sheet[3])
            sheet = rows.following_sheet()


class _SheetRows:
    """The rows of one sheet, from the answers up to the next sheet."""

    def __init__(self, answers: Iterator[list[Any]]) -> None:
        self._answers = answers
        self._following: list[Any] | None = None

    def __iter__(self) -> Iterator[Row]:
        for answer in self._parts():
            for number, *cells in answer[1:]:
                if number > 0:
                    yield number, tuple(cells)
                else:
                    covered = (CoveredCell(*cell) if type(cell) is list else cell for cell in cells)
                    yield -number, tuple(covered)

    def following_sheet(self) -> list[Any] | None:
        """Skip the other rows; return the answer that begins the next sheet, if there is one."""
        for _ in self._parts():
            pass
        return self._following

    def _parts(self) -> Iterator[list[Any]]:
        while self._following is None:
            answer = next(self._answers, None)
            if answer is None:
                return
            if answer[0] == WorkbookLine.SHEET:
                self._following = answer
            else:
                yield answer


def _answers(path: Path, source: FolderSource) -> Generator[list[Any], None, None]:
    """Yield the answers `sheet` and `rows` of the process that reads the workbook."""
    limits = (
        MEMORY_MB,
        source.max_rows,
        source.max_columns,
        source.max_unpacked_mb,
        int(source.serial),
    )
    modules = ":".join([str(ROOT), *filter(None, sys.path)])
    command = [sys.executable, "-I", "-S", "-c", _START, modules, str(path), *map(str, limits)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}
    ) as process:
        try:
            for line in _lines(path, process):
                answer: list[Any] = json.loads(line)
                if answer[0] == WorkbookLine.END:
                    return
                if answer[0] == WorkbookLine.REFUSED:
                    raise UnreadableFile(f"{path.name}: {answer[1]}")
                if answer[0] == WorkbookLine.UNOPENED:
                    why = OSError(answer[1], os.strerror(answer[1] or 0))
                    raise UnreadableFile(f"{path.name}: cannot be opened ({why.strerror})") from why
                if answer[0] == WorkbookLine.TOO_LARGE:
                    raise FatalFile(
                        f"{path.name}: its rows need more than {MEMORY_MB} MB of memory; {_REMEDY}"
                    )
                yield answer
            raise FatalFile(f"{path.name}: its reader failed ({_end(process)}); {_REMEDY}")
        finally:
            process.kill()


def _lines(path: Path, process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """Yield the lines that the process writes.

    The time in which nobody asks for a line does not count.
    """
    assert process.stdout is not None
    file, left, kept = process.stdout.fileno(), float(SECONDS), bytearray()
    ready = select.poll()
    ready.register(file, select.POLLIN)
    while True:
        began = time.monotonic()
        arrived = ready.poll(left * 1000)
        left = max(0.0, left - (time.monotonic() - began))
        if not arrived or len(kept) > _LONGEST_LINE:
            raise FatalFile(f"{path.name}: it cannot be read within {SECONDS} seconds; {_REMEDY}")
        chunk = os.read(file, 1 << 20)
        if not chunk:
            return
        first, *others = chunk.split(b"\n")
        kept += first
        for piece in others:
            yield bytes(kept)
            kept = bytearray(piece)


def _end(process: subprocess.Popen[bytes]) -> str:
    """Return how the process ended, in words."""
    code = process.wait(timeout=SECONDS)
    if code == -signal.SIGABRT:
        return f"perhaps it needs more than {MEMORY_MB} MB of memory"
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
