"""The process that reads one workbook and writes its rows to standard output, as lines of JSON.

A file can make any library fail, also in ways that end the process. Therefore this process has
limits of memory and time, leaves no core dump, and is the first to end if memory is short. Each
line is a list, and begins with a word of :class:`WorkbookLine`.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tasks.workbook_reader.cells import sheets
from tasks.workbook_reader.covered import CoveredCell
from tasks.workbook_reader.formats import why_no_workbook
from tasks.workbook_reader.limits import (
    SECONDS,
    RefusedWorkbook,
    WorkbookLimits,
    WorkbookLine,
)

_CHARACTERS = 1 << 16
"""Size of a line of rows."""


def set_limits(memory_mb: int) -> None:
    """Limit the memory and the time of this process."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_mb << 20, memory_mb << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    adjustment = Path("/proc/self/oom_score_adj")
    if adjustment.exists():
        adjustment.write_text("1000")


def answers(path: Path, limits: WorkbookLimits) -> Iterator[list[Any]]:
    """Yield the lines about a workbook."""
    try:
        for name, days_more, is_hidden, rows in sheets(path, limits):
            yield [WorkbookLine.SHEET, name, days_more, is_hidden]
            for chunk in _chunks(rows):
                yield [WorkbookLine.ROWS, *chunk]
        yield [WorkbookLine.END]
    except RefusedWorkbook as error:
        yield [WorkbookLine.REFUSED, str(error)]
    except MemoryError:
        yield [WorkbookLine.TOO_LARGE]
    except OSError as error:
        yield [WorkbookLine.UNOPENED, error.errno]
    except Exception as error:
        yield [WorkbookLine.REFUSED, f"no readable workbook ({why_no_workbook(path, error)})"]


def _chunks(rows: Iterator[tuple[int, list[str]]]) -> Iterator[list[list[Any]]]:
    chunk: list[list[Any]] = []
    size = 0
    for number, cells in rows:
        chunk.append(_row(number, cells))
        size += sum(map(len, cells)) + len(cells)
        if size > _CHARACTERS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _row(number: int, cells: list[str]) -> list[Any]:
    """Return a row for the answer. If it has covered cells, these are lists, and its number is
    negative.
    """
    if CoveredCell not in map(type, cells):
        return [number, *cells]
    return [-number, *([cell] if type(cell) is CoveredCell else cell for cell in cells)]


def main(path: str, memory_mb: str, *limits: str) -> None:
    """Read the workbook at this path; `limits` are the fields of `WorkbookLimits`."""
    set_limits(int(memory_mb))
    rows, columns, unpacked_mb, serial = map(int, limits)
    for answer in answers(Path(path), WorkbookLimits(rows, columns, unpacked_mb, bool(serial))):
        line = json.dumps(answer, ensure_ascii=False, check_circular=False)
        sys.stdout.buffer.write(line.encode() + b"\n")
        sys.stdout.buffer.flush()
