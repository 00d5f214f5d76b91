"""Dates as sources write them: in formats of `strptime`, month names in English or Indonesian."""

from __future__ import annotations

import re
from datetime import UTC, datetime

MONTHS = {
    "jan": ("januari",),
    "feb": ("februari", "pebruari", "peb"),
    "mar": ("maret", "mrt"),
    "apr": (),
    "may": ("mei",),
    "jun": ("juni",),
    "jul": ("juli",),
    "aug": ("agustus", "agu", "agt", "ags", "agst"),
    "sep": ("sept",),
    "oct": ("oktober", "okt"),
    "nov": ("nopember", "nop"),
    "dec": ("desember", "des"),
}
"""What a month is called in Indonesian, where that is not the English word."""

_ENGLISH = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_SHORT = {
    word: short
    for (short, others), english in zip(MONTHS.items(), _ENGLISH, strict=True)
    for word in (short, english, *others)
}
_WORD = re.compile(r"[^\W\d_]+\.?")


def read_time(text: str, form: str) -> datetime:
    """The moment that a text tells in this format; without a zone where the format has none.

    `%b` and `%B` take the name of a month in full or shortened, in English or Indonesian: '29 May',
    '29 Mei', '1 Agt.', '1 Agustus'. Raises ValueError where the text is of another form, and
    OverflowError where it lies outside of all calendars.
    """
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - the caller knows the zone
    except ValueError:
        if "%b" not in form and "%B" not in form:
            raise
    return datetime.strptime(  # noqa: DTZ007
        _WORD.sub(_short, text), form.replace("%B", "%b")
    )


def iso_time(text: object) -> datetime | None:
    """A moment in ISO 8601 with its zone, in UTC; None for nothing, ValueError for what is none."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
        if moment.tzinfo is None:
            raise ValueError(f"'{text}' has no zone")
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(str(error)) from error


def _short(found: re.Match[str]) -> str:
    return _SHORT.get(found[0].rstrip(".").casefold(), found[0])
