"""Recipients notified of a late deadline: stored as keys, shown in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from zoneinfo import ZoneInfo

from tasks.common.notified import Notified
from tasks.text.catalog import catalog
from tasks.text.formats import short_day_text

PART = re.compile(r"(\w+) (\d+) (\d{4}-\d{2}-\d{2})")


def notified_key(notified: Iterable[Notified], zone: ZoneInfo) -> str:
    """Format roles, counts, last local days: 'liaison 2 2026-11-24, inspector 1 2026-11-30'."""
    return ", ".join(
        f"{each.role} {each.times} {each.last.astimezone(zone).date()}" for each in notified
    )


def notified_text(key: str, locale: str, zone: ZoneInfo) -> str:
    """Format a key for the reader; a text in another form, of an older report, stays unchanged."""
    t = catalog(locale)
    found = [PART.fullmatch(part) for part in key.split(", ")]
    if not all(found):
        return key
    return ", ".join(
        t(
            "mail.told_role",
            n=int(part[2]),
            role=t(f"role.{part[1]}"),
            day=short_day_text(date.fromisoformat(part[3]), locale, zone),
        )
        for part in found
        if part
    )
