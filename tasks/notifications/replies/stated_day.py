"""Find out whether the words of an answer name another day than that of its arrival."""

from __future__ import annotations

import re
from datetime import date

from tasks.common.dates import CENTURY, MONTH_NUMBERS
from tasks.notifications.replies.wording import has_any, plain_words

_MONTH = "|".join(sorted(MONTH_NUMBERS, key=len, reverse=True))
_NUMERIC = re.compile(
    r"(?<![\w/.-])(?:"
    r"(?P<iso_year>[0-9]{4})-(?P<iso_month>[0-9]{1,2})-(?P<iso_day>[0-9]{1,2})"
    r"|(?P<day>[0-9]{1,2})(?P<mark>[/.-])(?P<month>[0-9]{1,2})"
    r"(?:(?P=mark)(?P<year>[0-9]{4}|[0-9]{2}))?"
    r")(?![\w/-]|\.[0-9])"
)
"""2026-11-09, 9/11/2026, 9-11, 9.11.26."""

_NAMED = re.compile(
    rf"(?<!\w)(?P<day>[0-9]{{1,2}})[ /.-]?(?P<month>{_MONTH})\b"
    rf"(?:[ /.,-]{{1,2}}(?P<year>[0-9]{{4}}))?"
    rf"|\b(?P<us_month>{_MONTH}) (?P<us_day>[0-9]{{1,2}})\b(?:,? (?P<us_year>[0-9]{{4}}))?"
)
"""9 November 2026, 9-Nov, November 9, 2026."""

_BARE = re.compile(r"\btanggal (?P<day>[0-9]{1,2})(?![0-9])")


def names_other_day(words: str, today: date) -> bool:
    """Check whether words name a day other than today, or one that does not exist.

    A day without a month is one of this month, a day without a year one of this year.
    """
    plain = plain_words(words)
    return has_any(plain, "reply.other_day") or any(
        (day, month or today.month, year or today.year) != (today.day, today.month, today.year)
        for day, month, year in _days(plain)
    )


def _days(plain: str) -> list[tuple[int, int | None, int | None]]:
    """Return the days that a text names: day, month and year, None where it names none."""
    numeric = [
        (
            each["iso_day"] or each["day"],
            each["iso_month"] or each["month"],
            each["iso_year"] or each["year"],
        )
        for each in _NUMERIC.finditer(plain)
    ]
    named = [
        (
            each["day"] or each["us_day"],
            MONTH_NUMBERS[each["month"] or each["us_month"]],
            each["year"] or each["us_year"],
        )
        for each in _NAMED.finditer(plain)
    ]
    bare = [(each["day"], None, None) for each in _BARE.finditer(plain)]
    return [
        (int(day), None if month is None else int(month), _year(year))
        for day, month, year in (*numeric, *named, *bare)
    ]


def _year(year: str | None) -> int | None:
    if year is None:
        return None
    return int(year) + (CENTURY if len(year) == 2 else 0)
