"""A folder with files of another installation: their first lines describe its own sources."""

from __future__ import annotations

import json

from settings.sources import ABOUT_COLUMNS
from sla.events import Kind
from tasks.common.dates import parse_iso
from tasks.sources.base import RemoteSource, Sheet
from tasks.sources.folder import Folder
from tasks.sources.registry import source_kind

EVERYTHING = json.dumps(sorted(Kind))


@source_kind("exchange")
class ExchangeFolder(Folder):
    """A folder of files in the exchange format."""

    def about(self, sheet: Sheet) -> tuple[RemoteSource, ...]:
        """Return the source descriptions in the first lines of a file.

        A line in an unknown form is skipped. Tenggat then assumes its source to show everything, as
        it does without `sees`. Every source shows the receipt, because each complaint has one.
        """
        found = []
        for cells in sheet.preamble:
            stated = {name: cells[sheet.header.index(name)] for name in ABOUT_COLUMNS}
            try:
                sees = frozenset(map(str, json.loads(stated["sees"] or EVERYTHING))) | {
                    Kind.RECEIVED
                }
                shown = json.loads(stated["shown_later"] or "{}")
                later = {str(kind): int(days) for kind, days in shown.items()}
                until = parse_iso(stated["imported_until"])
            except (ValueError, TypeError, AttributeError):
                continue
            system = stated["system"] or None
            found.append(RemoteSource(stated["source"], system, sees, later, until))
        return tuple(found)
