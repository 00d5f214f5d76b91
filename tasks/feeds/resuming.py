"""What sources share that go on from where they were: the position, and knowing a look again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import timedelta

from db import looks
from tasks.feeds.batch import Row
from tasks.office import Office

JUST_AFTER = timedelta(hours=1)
"""What bears a time so shortly after `now` came in since the run began, or by a clock that is a
little fast: it waits for the next run. What lies further ahead is a mistake for the quarantine."""


def position(office: Office, name: str) -> str | None:
    """How far a source has been read; None before the first look."""
    with office.transaction() as session:
        return looks.cursor(session, name)


def mark(*parts: object, rows: Iterable[Row] = ()) -> str:
    """The SHA-256 by which a part of an answer is known again."""
    content = hashlib.sha256(json.dumps([str(part) for part in parts]).encode())
    for _, cells in rows:
        content.update(json.dumps(cells).encode())
    return content.hexdigest()
