"""Read JSON Lines: one object per line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from settings.sources import FolderSource
from tasks.sources.base import NO_OBJECT, Row
from tasks.sources.files.encodings import short_lines, text_of


def json_rows(path: Path, source: FolderSource) -> Iterator[Row]:
    """Read one object per line; its keys are the columns, and a missing key is an empty cell."""
    columns = source.columns
    yield 0, columns
    with text_of(path, source) as text:
        for number, line in enumerate(short_lines(path, text), start=1):
            if not line.strip():
                continue
            try:
                found = json.loads(line)
            except ValueError:
                found = None
            if not isinstance(found, dict):
                yield number, (NO_OBJECT, hashlib.sha256(line.encode()).hexdigest())
                continue
            yield number, tuple(_json_text(found.get(name)) for name in columns)


def _json_text(value: object) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)
