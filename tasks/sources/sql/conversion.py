"""Convert values of a database to text, and the cursor to a query parameter."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo


class Unconverted(str):
    """A value that Python has no type for, as the text of the database: `infinity`, `24:00:00`."""

    __slots__ = ()


def as_text(value: object, zone: ZoneInfo) -> str:
    """Convert a value to text for the mapping; a time with a zone is converted to `zone`."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("\0", "")  # no database stores NUL
    if isinstance(value, datetime):
        return _in_zone(value, zone).isoformat(timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):  # MySQL returns a time of day as a timedelta
        minutes, seconds = divmod(int(value.total_seconds()), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours:02}:{minutes:02}:{seconds:02}"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes | bytearray | memoryview):
        raw = bytes(value)
        try:
            return raw.decode().replace("\0", "")
        except UnicodeDecodeError:
            return raw.hex()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value).replace("\0", "")


def _in_zone(moment: datetime, zone: ZoneInfo) -> datetime:
    if moment.tzinfo is None:
        return moment
    try:
        return moment.astimezone(zone)
    except OverflowError:  # the last hours of the year 9999
        return moment


def as_cursor(value: object) -> object:
    """Return the value of a cursor; None if it is no value to continue from.

    That is a time without a meaning, such as `infinity` or the zero date of MySQL.
    """
    if isinstance(value, Unconverted):
        return None
    if isinstance(value, str) and value.startswith("0000-00-00"):
        return None
    return value


KINDS: dict[str, Callable[[str], object]] = {
    "int": int,
    "float": float,
    "Decimal": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "str": str,
}
"""The types allowed for a cursor, by name, and the function parsing each from text."""


def parameter(value: object, dialect: str, zone: ZoneInfo) -> object:
    """Convert the cursor for the driver; only PostgreSQL accepts times with a zone."""
    if not isinstance(value, datetime) or dialect == "postgresql":
        return value.isoformat() if isinstance(value, date) and dialect == "sqlite" else value
    local = value.astimezone(zone).replace(tzinfo=None) if value.tzinfo else value
    return local.isoformat(" ") if dialect == "sqlite" else local
