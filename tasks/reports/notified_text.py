"""Recipients notified of a late deadline: stored as keys, shown in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from zoneinfo import ZoneInfo

from tasks.common.notified import Notified
from tasks.text.catalog import catalog
from tasks.text.formats import short_day_text
from tasks.text.titles import notified_office

PART = re.compile(
    r"(?P<role>\w+)(?:/(?P<instead>\w+))?(?:@(?P<unit>[^ ,]+))?"
    r" (?P<times>\d+) (?P<last>\d{4}-\d{2}-\d{2})"
)


def notified_key(notified: Iterable[Notified], zone: ZoneInfo, unit: str = "") -> str:
    """Format roles, counts, last local days: 'liaison 2 2026-11-24, inspector 1 2026-11-30'.

    `administrator/inspector` is an administrator in the place of the inspector. If the offices are
    grouped by unit, `liaison@dinsos` is that of another unit than `unit`.
    """

    def office(each: Notified) -> str:
        key = office_key(each.role, each.instead)
        return key if each.unit in ("", unit) else f"{key}@{each.unit}"

    return ", ".join(
        f"{office(each)} {each.times} {each.last.astimezone(zone).date()}" for each in notified
    )


def office_key(role: str, instead: str) -> str:
    """Format a role and the role in whose place, if any: 'administrator/inspector'."""
    return f"{role}/{instead}" if instead else role


def office_text(key: str, locale: str) -> str:
    """Format a key of :func:`office_key` for the reader."""
    role, _, instead = key.partition("/")
    return notified_office(role, instead, locale)


def notified_text(
    key: str, locale: str, zone: ZoneInfo, unit_name: Callable[[str], str] = str
) -> str:
    """Format a key for the reader; a text in another form, of an older report, stays unchanged.

    `unit_name` gives the name of a unit by its id.
    """
    t = catalog(locale)
    found = [PART.fullmatch(part) for part in key.split(", ")]
    if not all(found):
        return key

    def office(part: re.Match[str]) -> str:
        role = notified_office(part["role"], part["instead"] or "", locale)
        return f"{role} {unit_name(part['unit'])}" if part["unit"] else role

    return ", ".join(
        t(
            "mail.told_role",
            n=int(part["times"]),
            role=office(part),
            day=short_day_text(date.fromisoformat(part["last"]), locale, zone),
        )
        for part in found
        if part
    )
