"""Read JSON Lines: one object per line."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from settings.sources import FolderSource
from tasks.sources.base import Fault, FaultyRow, Row, faulty
from tasks.sources.files.encodings import BAD_BYTE, LongLine, limited_lines, text_of


class _Repeated(dict[str, Any]):
    """An object with a key that occurs more than once; its last value is not trusted."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.names = {name for name in names if names.count(name) > 1}


def json_rows(path: Path, source: FolderSource) -> Iterator[Row]:
    """Read one object per line; its keys are the columns, and a missing key is an empty cell.

    A line that cannot be read becomes a :class:`FaultyRow`; the other lines are still read.
    """
    columns = source.columns
    yield 0, columns
    with text_of(path, source) as text:
        for number, line in enumerate(limited_lines(text), start=1):
            if line.strip():
                yield number, _cells(line, columns)


def _cells(line: str, columns: tuple[str, ...]) -> tuple[str, ...] | FaultyRow:
    if type(line) is LongLine:
        return faulty(Fault.LONG_LINE, [line])
    if BAD_BYTE in line:
        return faulty(Fault.UNDECODABLE, [line])
    try:
        found = json.loads(line, object_pairs_hook=_object, parse_constant=_no_number)
        if not isinstance(found, dict):
            return faulty(Fault.NO_OBJECT, [line])
        if _is_ambiguous(found, columns):
            return faulty(Fault.REPEATED_KEY, [line])
        return tuple(_json_text(found.get(name)) for name in columns)
    except (ValueError, RecursionError):
        return faulty(Fault.NO_OBJECT, [line])


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Repeated(pairs)


def _no_number(word: str) -> object:
    raise ValueError(word)  # NaN and Infinity are not JSON


def _is_ambiguous(found: dict[str, Any], columns: Collection[str]) -> bool:
    """Check whether a mapped key, or a key inside of its value, occurs more than once."""
    if isinstance(found, _Repeated) and not found.names.isdisjoint(columns):
        return True
    return any(_has_repeated_keys(found.get(name)) for name in columns)


def _has_repeated_keys(value: Any) -> bool:
    if isinstance(value, dict):
        return isinstance(value, _Repeated) or any(map(_has_repeated_keys, value.values()))
    return isinstance(value, list) and any(map(_has_repeated_keys, value))


def _json_text(value: object) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)
