"""Read JSON Lines: one object per line."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from settings.sources import FolderSource
from tasks.sources.base import LineFault, Row, faulty
from tasks.sources.files.encodings import BAD_BYTE, LongLine, limited_lines, text_of

JSON_ENCODINGS = ("utf-8-sig",)
"""The encoding of JSON. In another one, a wrong byte could change a key without a notice."""


class _Repeated(dict[str, Any]):
    """An object with a key that occurs more than once; its last value is not trusted."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.names = {name for name in names if names.count(name) > 1}


def json_rows(path: Path, source: FolderSource) -> Iterator[Row]:
    """Read one object per line; its keys are the columns, and a missing key is an empty cell.

    A line that cannot be read becomes a `FaultyRow`, or one for each ticket in it, and one without
    a ticket if the file ends within it. The other lines are still read.
    """
    columns = source.columns
    yield 0, columns
    named = "encodings" in source.model_fields_set
    with text_of(path, source, source.encodings if named else JSON_ENCODINGS) as text:
        for number, line in enumerate(limited_lines(text), start=1):
            if not line.strip():
                continue
            cells = _cells(line, columns)
            if isinstance(cells, LineFault):
                tickets = _tickets_in(line, source)
                if cells is not LineFault.NO_OBJECT and len(tickets) > 1:
                    tickets = []  # one complaint, and it is not known which
                cut = type(line) is not LongLine and not line.endswith("\n")
                if not tickets or cut:
                    tickets.append("")  # after a cut other complaints are lost as well
                for ticket in tickets:
                    yield number, faulty(cells, [line, ticket], ticket=ticket)
            else:
                yield number, cells


def _cells(line: str, columns: tuple[str, ...]) -> tuple[str, ...] | LineFault:
    if type(line) is LongLine:
        return LineFault.LONG_LINE
    if BAD_BYTE in line:
        return LineFault.UNDECODABLE
    try:
        found = json.loads(line, object_pairs_hook=_object, parse_constant=_no_number)
        if not isinstance(found, dict):
            return LineFault.NO_OBJECT
        if _is_ambiguous(found, columns):
            return LineFault.REPEATED_KEY
        return tuple(_json_text(found.get(name)) for name in columns)
    except (ValueError, RecursionError):
        return LineFault.NO_OBJECT


def _tickets_in(line: str, source: FolderSource) -> list[str]:
    """Return the tickets that are still readable in a broken line.

    The complaints with these tickets are in doubt. In the exchange format a ticket has the source
    of the other installation before it, as in the key of a complaint.
    """
    tickets = _texts_of(source.fields.ticket, line)
    if source.is_exchange:
        origins = _texts_of("source", line)[:1] if tickets else []
        tickets = [f"{origin}/{ticket}" for origin in origins for ticket in tickets]
    return list(dict.fromkeys(tickets))


def _texts_of(key: str, line: str) -> list[str]:
    """Return the texts and numbers after this key in a line, those that end like a value."""
    pattern = rf'"{re.escape(key)}"\s*:\s*(?:"([^"\\\n]{{1,255}})"|(\d{{1,255}})\b)\s*(?=[,}}\]])'
    return [text or number for text, number in re.findall(pattern, line)]


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
