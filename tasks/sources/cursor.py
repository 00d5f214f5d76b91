"""Shared by sources read incrementally: the stored position, and the hash of an extract."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import timedelta

from db import imports
from tasks.common.context import SiteContext
from tasks.sources.base import Row

JUST_AFTER = timedelta(hours=1)
"""A row dated less than this after `now` arrived during the run, or its clock is a little fast: it
waits for the next run. A later time is an error and goes to quarantine."""


def position(context: SiteContext, name: str) -> str | None:
    """Return the stored cursor of a source, or None before the first import."""
    with context.transaction() as session:
        return imports.cursor(session, name)


def content_hash(*parts: object, rows: Iterable[Row] = ()) -> str:
    """Hash a part of an answer, to identify it in later runs (SHA-256)."""
    content = hashlib.sha256(json.dumps([str(part) for part in parts]).encode())
    for _, cells in rows:
        content.update(json.dumps(cells).encode())
    return content.hexdigest()
