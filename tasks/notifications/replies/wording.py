"""Read what an answer in plain words says: a choice, and whether its words deny it.

A choice counts only if nothing around it denies, limits or questions it, and if it is not another
one as well. Whether a 'done' has no other words beside it is checked by `harmless`.
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

CLAIMS_OF_DONE = "reply.claims.done"
"""The key of the words that say wherever they are in an answer that the work is done."""

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
_WEB_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]{0,15}://\S+", re.IGNORECASE)
"""It may have a question mark."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What the words of an answer say.

    `choice` is None if they name none, or deny it. `denies` means that they deny, limit or question
    a choice, so that an earlier statement of the unit no longer counts. `parts` are the texts from
    which the choice was read: the sender's words, and perhaps the subject.
    """

    choice: ReplyKind | None
    denies: bool
    parts: tuple[str, ...]


def read_wording(text: str, subject: str, linked: ReplyKind | None) -> Wording:
    """Read the sender's own words and the subject; `linked` is the choice of a link.

    Words that contradict a link leave its choice in doubt as well. So does a subject in which the
    sender added them to the words of the link 'done'.
    """
    titled = _ANSWER_PREFIX.sub("", subject)
    choice = linked or _named_choice(text) or _claimed(text)
    is_titled = choice is None or linked is ReplyKind.DONE
    parts = (titled, text) if is_titled else (text,)
    choice = choice or _named_choice(titled)
    if choice is None:
        return Wording(None, has_any(plain_words(text), "reply.denial"), parts)
    denies = any(_contradicts(choice, part) for part in parts)
    return Wording(None if denies else choice, denies, parts)


def without_choice(text: str) -> str:
    """Return a text without the words of the choice at its beginning."""
    plain = text.lstrip(OPENING)
    _, length = _beginning(plain)
    return plain[length:].lstrip(" \"'”])*.,:;–-\n") if length else text


def _contradicts(choice: ReplyKind, words: str) -> bool:
    """Check whether words deny, limit or question a choice, or name another one."""
    text = _WEB_ADDRESS.sub(" ", words)
    begun, length = _beginning(text.lstrip(OPENING))
    if begun not in (None, choice) or "?" in text:
        return True
    rest = plain_words(text.lstrip(OPENING)[length:])
    if choice is ReplyKind.OBSTACLE:
        doubted = _no_obstacle().match(rest) is not None
    else:
        doubted = has_any(rest, _DOUBTS[choice])
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


def _claimed(text: str) -> ReplyKind | None:
    """Return the choice 'done' if a text says so anywhere: 'Selamat pagi, sudah selesai'."""
    return ReplyKind.DONE if has_any(plain_words(text), CLAIMS_OF_DONE) else None


def plain_words(text: str) -> str:
    """Return a text in small letters, on one line, without short forms and web addresses."""
    plain = re.sub(r"[a-z]+\.?", _written_out, " ".join(text.split()).casefold().replace("’", "'"))
    return _WEB_ADDRESS.sub(" ", plain)


def _written_out(word: re.Match[str]) -> str:
    return _SHORT_FORMS.get(word[0].rstrip("."), word[0])


_CLAIMS = {
    ReplyKind.DONE: (CLAIMS_OF_DONE,),
    ReplyKind.NOT_OURS: ("reply.words.not_ours",),
    ReplyKind.OBSTACLE: ("reply.words.obstacle",),
}
"""The words that name a choice wherever they are in an answer."""

_DOUBTS = {ReplyKind.DONE: "reply.denial", ReplyKind.NOT_OURS: "reply.doubt.not_ours"}


@lru_cache
def _phrases() -> list[tuple[ReplyKind, str]]:
    """Return the words that name a choice, the longest first, casefolded."""
    keys = [(kind, f"reply.words.{kind}") for kind in ReplyKind] + [
        (ReplyKind.DONE, CLAIMS_OF_DONE)
    ]
    found = [(kind, words) for kind, key in keys for words in catalog_words(key)]
    return sorted(found, key=lambda pair: -len(pair[1]))


@lru_cache
def catalog_words(key: str) -> tuple[str, ...]:
    """Return a list of words in all languages, casefolded."""
    return tuple(word.casefold() for locale in LOCALES for word in catalog(locale).names(key))


def has_any(plain: str, *keys: str) -> bool:
    """Check whether :func:`plain_words` have any of the words under these keys of the texts."""
    return any_of(keys).search(plain) is not None


@lru_cache
def any_of(keys: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of the words under these keys of the texts."""
    return one_of(word for key in keys for word in catalog_words(key))


def one_of(words: Iterable[str]) -> re.Pattern[str]:
    """Return the pattern of these words, of none if there are none."""
    return re.compile(rf"(?<!\w)(?:{_either(words) or r'(?!)'})(?!\w)")


def _either(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


@lru_cache
def _no_obstacle() -> re.Pattern[str]:
    """Return the form of a denied obstacle: 'none' alone, not the 'none' of 'no money'."""
    denials = _either(catalog_words("reply.doubt.obstacle"))
    return re.compile(rf"[\s:=]*(?:{denials})\s*(?:[.,;!/()–-]|$)")
