"""Read what an answer in plain words says: a choice, and whether its words leave it in doubt.

A choice counts only if nothing around it denies, limits or questions it, and if it is not another
one as well. A wrong 'done' ends duties and tells superiors of work that nobody did; a question to
the administrator costs a minute. So the lists of words are wide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from db.models import ReplyKind
from settings.errors import LOCALES
from tasks.text.catalog import catalog

OPENING = " \"'“[(*-•"

_DAY = (
    r"(?: (?:pada|on))?(?: tanggal)? [0-9]{1,2}"
    r"(?:[ /.-][a-z]{3,9}|[/.-][0-9]{1,2})(?:[ /.-][0-9]{4})?"
)
_THANKS = r"[,.]? ?(?:terima ?kasih|trima ?kasih|trims|thank you|thanks)"
_ONLY_DONE = re.compile(rf"(?P<words>[^0-9.,]+?)(?:{_DAY})?(?:{_THANKS})?[ .!]*")
"""A whole answer of words, perhaps with a day and thanks."""

_SHORT_FORMS = {
    "sdh": "sudah",
    "udah": "sudah",
    "tlh": "telah",
    "blm": "belum",
    "blum": "belum",
    "tdk": "tidak",
    "tak": "tidak",
    "gak": "tidak",
    "nggak": "tidak",
    "bkn": "bukan",
    "tp": "tapi",
    "msh": "masih",
    "tgl": "tanggal",
}
_ANSWER_PREFIX = re.compile(r"^(?:\s*(?:re|fw|fwd|aw|balas|bls|trs|terusan)\s*:)+", re.IGNORECASE)
_ADDRESS_OR_TIME = re.compile(r"\S+://\S+|\b(?:pukul|jam|at)[ .]{1,2}[0-9]{1,2}[.:][0-9]{2}")
"""An address on the web may have a question mark, and a time looks like a day."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What the words of an answer say.

    `choice` is None if they name none, or leave it in doubt. `denies` means that they deny, limit
    or question a choice, so that an earlier statement of the unit no longer counts. `words` are
    those from which the choice was read.
    """

    choice: ReplyKind | None
    denies: bool
    words: str


def read_wording(text: str, subject: str, linked: ReplyKind | None) -> Wording:
    """Read the sender's own words and the subject; `linked` is the choice of a link.

    Words that contradict a link leave its choice in doubt as well.
    """
    choice, parts = linked or _named_choice(text) or _only_words(text), [text]
    if choice is None:
        choice, parts = _named_choice(subject), [_ANSWER_PREFIX.sub("", subject), text]
    if choice is None:
        return Wording(None, has_any(plain_words(text), "reply.denial"), text)
    denies = any(_contradicts(choice, part) for part in parts)
    return Wording(None if denies else choice, denies, "\n".join(parts))


def without_choice(text: str) -> str:
    """Return a text without the words of the choice at its beginning."""
    plain = text.lstrip(OPENING)
    _, length = _beginning(plain)
    return plain[length:].lstrip(" \"'”])*.,:;–-\n") if length else text


def _contradicts(choice: ReplyKind, words: str) -> bool:
    """Check whether words deny, limit or question a choice, or name another one."""
    text = _ADDRESS_OR_TIME.sub(" ", words)
    begun, length = _beginning(text.lstrip(OPENING))
    if begun not in (None, choice) or "?" in text:
        return True
    rest = plain_words(text.lstrip(OPENING)[length:])
    if choice is ReplyKind.OBSTACLE:
        doubted = _no_obstacle().match(rest) is not None
    else:
        doubted = has_any(rest, f"reply.doubt.{choice}")
    others = (kind for kind in ReplyKind if kind is not choice)
    return doubted or any(has_any(rest, *_CLAIMS[kind]) for kind in others)


def _named_choice(text: str) -> ReplyKind | None:
    """Return the choice at the beginning of a text, in any language of Tenggat."""
    return _beginning(_ANSWER_PREFIX.sub("", text).lstrip(OPENING))[0]


def _beginning(text: str) -> tuple[ReplyKind | None, int]:
    """Return the choice with which a text begins, and the length of its words."""
    first = text.casefold()
    for kind, words in _phrases():
        if first.startswith(words) and not first[len(words) : len(words) + 1].isalnum():
            return kind, len(words)
    return None, 0


def _only_words(text: str) -> ReplyKind | None:
    """Return the choice of a text that says nothing but that the work is done."""
    found = _ONLY_DONE.fullmatch(plain_words(text))
    if found is None:
        return None
    known = _words("reply.only_words.done")
    return ReplyKind.DONE if found["words"].strip() in known else None


def plain_words(text: str) -> str:
    """Return a text in small letters, on one line, without short forms, addresses and times."""
    plain = re.sub(r"[a-z]+\.?", _written_out, " ".join(text.split()).casefold().replace("’", "'"))
    return _ADDRESS_OR_TIME.sub(" ", plain)


def _written_out(word: re.Match[str]) -> str:
    return _SHORT_FORMS.get(word[0].rstrip("."), word[0])


_CLAIMS = {
    ReplyKind.DONE: ("reply.only_words.done", "reply.claims.done"),
    ReplyKind.NOT_OURS: ("reply.words.not_ours",),
    ReplyKind.OBSTACLE: ("reply.words.obstacle",),
}
"""The words that name a choice wherever they are in an answer."""


@lru_cache
def _phrases() -> list[tuple[ReplyKind, str]]:
    """Return the words that name a choice, the longest first, casefolded."""
    found = [(kind, words) for kind in ReplyKind for words in _words(f"reply.words.{kind}")]
    return sorted(found, key=lambda pair: -len(pair[1]))


@lru_cache
def _words(key: str) -> tuple[str, ...]:
    """Return a list of words in all languages, casefolded."""
    return tuple(word.casefold() for locale in LOCALES for word in catalog(locale).names(key))


def has_any(plain: str, *keys: str) -> bool:
    """Check whether :func:`plain_words` have any of the words under these keys of the texts."""
    return _any_of(keys).search(plain) is not None


@lru_cache
def _any_of(keys: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{_either(word for key in keys for word in _words(key))})(?!\w)")


def _either(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


@lru_cache
def _no_obstacle() -> re.Pattern[str]:
    """Return the form of a denied obstacle: 'none' alone, not the 'none' of 'no money'."""
    denials = _either(_words("reply.doubt.obstacle"))
    return re.compile(rf"[\s:=]*(?:{denials})\s*(?:[.,;!/()–-]|$)")
