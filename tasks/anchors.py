"""Anchors: what kept reports tell of the audit, so that it cannot be rewritten behind them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from db.chain import Head

TABLES = ' "tables":'
"""Where the long part of a report's JSON begins; what is asked for stands before it."""


def heads_in(folder: Path) -> Iterator[Head]:
    """The head of the audit in each report of a folder; reports without one are passed over."""
    for path in sorted(folder.glob("*.json")):
        try:
            told = _beginning(path)["notes"]["audit"]
            yield Head.read(told, f"the report {path.name}")
        except (OSError, ValueError, KeyError, TypeError):
            continue  # no report, or one that is older than the audit


def _beginning(path: Path) -> Any:
    """A report's JSON without its tables, which may be very long."""
    lines = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.startswith(TABLES):
                lines.append(f"{TABLES} []}}")
                break
            lines.append(line)
    return json.loads("".join(lines))
