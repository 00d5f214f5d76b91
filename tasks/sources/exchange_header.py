"""Read the source descriptions another installation writes above its complaints."""

from __future__ import annotations

import json

from settings.sources import ABOUT_COLUMNS, ExchangeSource, FolderSource
from tasks.common.dates import parse_iso
from tasks.sources.base import RemoteSource
from tasks.sources.files.reader import Sheet


def told_about(sheet: Sheet, source: FolderSource) -> tuple[RemoteSource, ...]:
    """Return the source descriptions in the first lines of a file in the exchange form.

    A line in an unknown form is skipped. Tenggat then assumes its source to show everything.
    """
    if not isinstance(source, ExchangeSource):
        return ()
    found = []
    for cells in sheet.preamble:
        told = {name: cells[sheet.header.index(name)] for name in ABOUT_COLUMNS}
        try:
            sees = frozenset(map(str, json.loads(told["sees"] or "[]")))
            shown = json.loads(told["shown_later"] or "{}")
            later = {str(kind): int(days) for kind, days in shown.items()}
            until = parse_iso(told["imported_until"])
        except (ValueError, TypeError, AttributeError):
            continue
        found.append(RemoteSource(told["source"], told["system"] or None, sees, later, until))
    return tuple(found)
