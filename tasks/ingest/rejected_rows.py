"""Rejected rows of one import: stored in the quarantine, and counted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from db import quarantine
from db.models import QuarantineRow
from tasks.ingest.import_target import ImportTarget
from tasks.ingest.records import MISALIGNED, NOTES, RejectionReason
from tasks.ingest.row_validator import RejectedRow

UNUSABLE = MISALIGNED | {
    RejectionReason.MISSING_TICKET,
    RejectionReason.MISSING_DATE,
}
"""Reasons for which a row is no complaint at all: torn, or without ticket or date of receipt. An
impossible date of receipt counts as well. Their share is checked in a file of any size. A line of
text next to the table does not count.
"""


@dataclass(frozen=True, slots=True)
class RowOrigin:
    """The origin of a rejected row: its source, its file, and the time at which it was made."""

    source: str
    file: str
    sha256: str
    observed_at: datetime


class RejectedRows:
    """The rejected rows of one import.

    `keys` has the tickets of these rows, with their origin, and those of complaints that such a row
    may continue; `torn_keys` those from a torn row, in
    which the ticket itself may be broken. `without_ticket` counts the rows that may belong to any
    complaint. `unusable` counts those for a reason in `UNUSABLE`, `notes` the lines of text beside
    the table.
    """

    def __init__(self, target: ImportTarget, file: str, sha256: str) -> None:
        self._target = target
        self._origin = RowOrigin(target.name, file, sha256, target.observed_at)
        received = target.mapping.fields.received
        self._received = (received,) if isinstance(received, str) else received
        self.keys: set[str] = set()
        self.torn_keys: set[str] = set()
        self.without_ticket = 0
        self.count = 0
        self.unusable = 0
        self.notes = 0
        self.first_line = 0
        self.quarantined = 0
        self.reasons: dict[str, int] = {}
        """The number of newly quarantined rows by reason."""
        self.causes: dict[str, None] = {}
        """The reasons with their columns, for people."""

    def add(self, bad: RejectedRow) -> None:
        """Store a row in the quarantine."""
        self.count += 1
        if bad.key:
            self.keys.add(bad.key)
            if bad.reason in MISALIGNED:
                self.torn_keys.add(bad.key)
        elif not bad.is_note:
            self.without_ticket += 1
        if bad.continues:
            self.keys.add(bad.continues)
        self.unusable += self._is_unusable(bad)
        self.notes += bad.is_note
        self.first_line = self.first_line or bad.line
        is_named = bad.column and bad.reason not in MISALIGNED
        self.causes.setdefault(f"{bad.reason} in {bad.column}" if is_named else bad.reason)
        row = quarantine_row(bad, self._origin, self._target.now)
        if quarantine.quarantine(self._target.session, row):
            self.quarantined += 1
            self.reasons[bad.reason] = self.reasons.get(bad.reason, 0) + 1

    def _is_unusable(self, bad: RejectedRow) -> bool:
        undated = bad.reason == RejectionReason.BAD_DATE and bad.column in self._received
        return (undated or bad.reason in UNUSABLE) and not bad.is_note

    def resolve(self, keys: Iterable[str], last_line: int) -> None:
        """Resolve the quarantine rows of tickets that this extract has readable, and rows without
        a certain ticket that are no longer in it.

        `last_line` is the last line that was read.
        """
        target = self._target
        waiting = quarantine.waiting(target.session, target.name, target.observed_at)
        if waiting:
            readable = {quarantine.ticket_hash(key) for key in keys}
            for row in waiting:
                if row.ticket_hash in readable or self._is_gone(row, last_line):
                    row.resolved_at = target.now

    def _is_gone(self, row: QuarantineRow, last_line: int) -> bool:
        """Check whether a row without a certain ticket waits no longer.

        An extract of everything shows all complaints readably if it has no such row itself and is
        not cut before that line. A change that a source of changes has lost stays lost.
        """
        if not self._target.mapping.shows_everything:
            return False
        if row.reason in NOTES:
            return True
        uncertain = not row.ticket_hash or row.reason in MISALIGNED
        good = not (self.without_ticket or self.torn_keys) and row.line <= last_line
        return uncertain and good


def fingerprint(bad: RejectedRow) -> str:
    """Return the hash of the stored content of a row: the quarantine has a row only once.

    Equal rows without a ticket are different ones.
    """
    content = json.dumps([*bad.content, bad.cells], sort_keys=True).casefold()
    return hashlib.sha256(content.encode()).hexdigest()


def quarantine_row(bad: RejectedRow, origin: RowOrigin, now: datetime) -> QuarantineRow:
    """Return a row of this file as a quarantine row.

    A sheet is named after its file, as a member of a ZIP archive is.
    """
    within = f"/{bad.sheet}" if bad.sheet and not origin.file.endswith(f"/{bad.sheet}") else ""
    return QuarantineRow(
        source=origin.source,
        file=f"{origin.file}{within}"[-255:],
        line=bad.line,
        ticket=bad.ticket,
        reason=bad.reason,
        column=bad.column,
        value=bad.value,
        cells=bad.cells,
        fingerprint=fingerprint(bad),
        recorded_at=now,
        last_seen_at=now,
        sha256=origin.sha256,
        observed_at=origin.observed_at,
        last_observed_at=origin.observed_at,
        ticket_hash=bad.ticket_hash,
    )
