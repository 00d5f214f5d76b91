"""The statements that a process has executed: copied into the tree under test.

Each process has a file of its own, one byte for each line of the code, and writes to it as to
memory. So nothing is lost when a process is killed, and a forked process shares its parent's file.
"""

from __future__ import annotations

import json
import mmap
import os
import re
import uuid

LINES = int(os.environ.get("FAULTS_LINES", "1000000"))
"""The lines of all the code; a process without an environment, as the reader of workbooks, has room
for more than there are, and what it executes is not kept."""
CONTEXT = "FAULTS_CONTEXT"


def _opened() -> mmap.mmap:
    """Open the file of this process, beside the name of the test that started it."""
    name = os.path.join(os.environ["FAULTS_RECORD"], uuid.uuid4().hex)  # noqa: PTH118
    with open(f"{name}.context", "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump(os.environ.get(CONTEXT, ""), file)
    with open(f"{name}.seen", "w+b") as file:  # noqa: PTH123
        file.truncate(LINES)
        return mmap.mmap(file.fileno(), LINES)


seen = _opened() if "FAULTS_RECORD" in os.environ else bytearray(LINES)


def numbers(content: bytes) -> list[int]:
    """List the numbers of the lines that a file tells of."""
    return [found.start() for found in re.finditer(b"\1", content)]


def taken() -> list[int]:
    """List what this process has executed since the last call."""
    found = numbers(seen[:])
    seen[:] = bytes(LINES)
    return found
