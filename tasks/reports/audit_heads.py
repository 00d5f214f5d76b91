"""Anchors: the audit heads in the kept reports, so that a rewritten audit is detected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from db.audit_verify import Head

TABLES = ' "tables":'
"""The line at which the long part of a report's JSON begins; all values needed here come
before it.
"""


def heads_in(folder: Path) -> Iterator[Head]:
    """Return the audit head of each report in a folder; skip reports without one."""
    for path in sorted(folder.glob("*.json")):
        try:
            told = _beginning(path)["notes"]["audit"]
            yield Head.read(told, f"the report {path.name}")
        except (OSError, ValueError, KeyError, TypeError):
            continue  # no report, or a report older than the audit


def _beginning(path: Path) -> Any:
    """Return the JSON of a report with empty tables, because the tables may be very long."""
    lines = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.startswith(TABLES):
                lines.append(f"{TABLES} []}}")
                break
            lines.append(line)
    return json.loads("".join(lines))
