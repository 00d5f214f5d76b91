"""Check whether an answer says that the work is done, and nothing else.

A wrong 'done' ends duties of work that nobody did. A 'done' of an earlier day, recorded at the time
of its arrival, calls a unit late that was in time. No list of such words is ever complete. So the
lists here are of words that change nothing, and every other word leaves the answer in doubt.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import date
from functools import lru_cache

from settings.errors import LOCALES
from tasks.common.dates import MONTH_NUMBERS, WEEKDAYS
from tasks.notifications.replies.wording import (
    CLAIMS_OF_DONE,
    any_of,
    catalog_words,
    has_any,
    one_of,
    plain_words,
)
from tasks.text.catalog import catalog

MOST_SIGNED = 8
"""Limit of words in a line of a signature."""

_MARKS = re.compile(r"[\s.,;:!()\[\]\"'“”‘<>*•/&–—🙏👍😊🏻🏼🏽🏾🏿-]*")
_ADDRESS_OR_NUMBER = (
    r"(?:[^\s@]{1,64}@[^\s@]{1,255}"
    r"|[0-9]{8} ?[0-9]{6} ?[0-9] ?[0-9]{3}"
    r"|(?:\+62[ -]?[0-9]{2,4}|\(?0[0-9]{2,4}\)?)(?:[ .-]?[0-9]){5,10})(?![\w%])"
)
"""An address for mail, the number of an official (NIP, 18 digits), or that of a telephone."""

_ADDRESS = re.compile(r"(?:jl|jln|alamat|address)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")


def says_only_done(
    parts: Iterable[str], today: date, names: Iterable[str], writers: Collection[str]
) -> bool:
    """Check whether no part of an answer has a word that may change the meaning of 'done'.

    Harmless are the words under `reply.harmless` in the catalogs, words for `today`, a signature,
    and the `names` of the unit and the complaint. `writers` are the names of the sender. Words such
    as 'hari ini' and 'siap' may announce the work if they are alone. They are harmless only in a
    part which says as well that the work is done.
    """
    persons = [name.partition(",")[0] for name in writers]  # without degrees
    persons = [name for name in persons if not any(map(_is_of_a_day, _words_in(name)))]
    known = [name.strip().casefold() for name in (*names, *persons) if name.strip()]
    return all(_is_harmless(part, today, known, " ".join(writers)) for part in parts)


def _is_harmless(text: str, today: date, known: list[str], writer: str) -> bool:
    plain = plain_words(_without_signature(text, writer))
    thanks = any_of(("reply.harmless.thanks",)).search(plain)
    if thanks and has_any(plain[thanks.end() :], CLAIMS_OF_DONE):
        return False  # 'thank you for the work' is not a report of it
    kinds = ["anywhere", "thanks", "closing", "titles"]
    if has_any(plain, CLAIMS_OF_DONE):
        kinds.append("beside_done")
        plain = _forms_of(today).sub(" ", plain)
    keys = ("reply.words.done", CLAIMS_OF_DONE, *(f"reply.harmless.{kind}" for kind in kinds))
    return _has_only(plain, _contact(), one_of(known), any_of(keys))


def _has_only(plain: str, *patterns: re.Pattern[str]) -> bool:
    """Check whether nothing but punctuation remains of a text without these patterns."""
    for pattern in patterns:
        plain = pattern.sub(" ", plain)
    return _MARKS.fullmatch(plain) is not None


def _without_signature(text: str, writer: str) -> str:
    """Return a text without the names and addresses of its signature.

    A signature begins with a line that has only the writer's name, or a closing phrase.
    """
    lines = text.splitlines()
    begins = one_of([*_words_in(writer), *catalog_words("reply.harmless.closing")])
    for number, line in enumerate(lines):
        plain = plain_words(line)
        if begins.search(plain) and _has_only(plain, begins, any_of(("reply.harmless.titles",))):
            after = [each for each in lines[number + 1 :] if not _is_of_signature(each)]
            return "\n".join([*lines[:number], *after])
    return text


def _is_of_signature(line: str) -> bool:
    """Check whether a line is a postal address, or a name: a few words in capitals.

    A line that names a day, or says something about the work, is none.
    """
    plain, words = plain_words(line), _WORD.findall(line)
    said = has_any(plain, "reply.words.done", CLAIMS_OF_DONE, "reply.harmless.not_in_names")
    if said or any(map(_is_of_a_day, _words_in(plain))):
        return False
    if _ADDRESS.match(line):
        return True
    small = catalog_words("reply.harmless.small_in_names")
    capitals = all(word[0].isupper() or word in small for word in words)
    return capitals and len(words) <= MOST_SIGNED and not re.search(r"[\d%?]", line)


def _words_in(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _is_of_a_day(word: str) -> bool:
    """Check whether a word names a day or a month; a person may be called Jumat or Agustus."""
    return word in MONTH_NUMBERS or word in WEEKDAYS or word in catalog_words("date.days")


@lru_cache
def _contact() -> re.Pattern[str]:
    """Return the form of an address or number with its label: 'sudah WA' alone is not harmless."""
    labels = any_of(("reply.harmless.labels",)).pattern
    return re.compile(rf"(?:{labels}[\s.:/]{{0,3}})?(?<!\w){_ADDRESS_OR_NUMBER}")


@lru_cache(maxsize=8)
def _forms_of(today: date) -> re.Pattern[str]:
    """Return the forms of a day: 9 November 2026, 9-Nov, November 9, 9/11/26, tanggal 9, Senin.

    Something remains of every other day, and this is not harmless.
    """
    names = [word for word, number in MONTH_NUMBERS.items() if number == today.month]
    month = "|".join(sorted(names, key=len, reverse=True))
    weekday = "|".join(catalog(locale).names("date.days")[today.weekday()] for locale in LOCALES)
    day, year = f"0?{today.day}", f"{today.year}"
    written = (
        rf"{today:%Y-%m-%d}"
        rf"|{day}(?P<mark>[/.-])0?{today.month}(?:(?P=mark)(?:{year}|{today:%y}))?"
        rf"|{day}[ /.-]?(?:{month})\b(?:[ /.,-]{{1,2}}{year})?"
        rf"|(?:{month}) {day}\b(?:,? {year})?"
        rf"|(?<=tanggal ){day}"
    )
    before = r"(?:(?:pada|on|hari|tanggal)[ .,:]{1,2}){0,3}"
    return re.compile(
        rf"(?<![\w/.-]){before}(?:(?:(?:{weekday}),? {before})?(?:{written})|{weekday})"
        r"(?![\w/%-]|[.,][0-9])",
        re.IGNORECASE,
    )
