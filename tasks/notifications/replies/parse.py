"""Parse a mail as an answer to a notice; every mail is untrusted input."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from zoneinfo import ZoneInfo

from db.models import ReplyKind
from settings.errors import LOCALES
from tasks.notifications.replies.token import Token, find_token
from tasks.sources.imap.machine_mail import failed_check, is_automatic
from tasks.sources.imap.message import answered_ids, cells, message_id, substitute_id
from tasks.sources.imap.own_text import own_text
from tasks.text.catalog import catalog

LARGEST = 256 << 10
"""Limit in bytes of an answer. The text comes before the attachments."""

LONGEST_SUBJECT = 1_000

_DAY = (
    r"(?: (?:pada|on))?(?: tanggal)? [0-9]{1,2}"
    r"(?:[ /.-][a-z]{3,9}|[/.-][0-9]{1,2})(?:[ /.-][0-9]{4})?"
)
_THANKS = r"[,.]? ?(?:terima ?kasih|trima ?kasih|trims|thank you|thanks)"
_ONLY_DONE = re.compile(rf"(?P<words>[^0-9.,]+?)(?:{_DAY})?(?:{_THANKS})?[ .!]*")
"""A whole answer of words, perhaps with a day and thanks."""

_SHORT_FORMS = {"sdh": "sudah", "udah": "sudah", "tlh": "telah", "blm": "belum", "tgl": "tanggal"}
_UTC = ZoneInfo("UTC")
_ANSWER_PREFIX = re.compile(r"^(?:\s*(?:re|fw|fwd|aw|balas|bls|trs|terusan)\s*:)+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class IncomingReply:
    """An answer as written: nothing in it is verified.

    `sender` is the address in From, casefolded; empty unless there is exactly one. `answered` are
    the Message-IDs of the answered mails, the nearest first. `choice` is None if the answer names
    none. `text` are the sender's own words, without quoted text and signature. `automatic` means
    that no person wrote it (RFC 3834). `failed_check` means that the receiving server reports a
    failed DMARC check of the sender.
    """

    reply_id: str
    sender: str
    answered: tuple[str, ...]
    token: Token | None
    choice: ReplyKind | None
    text: str
    automatic: bool
    failed_check: bool


def may_be(header: bytes, host: str) -> bool:
    """Check by its header whether a mail can be an answer: by a token, or by a mail of `host`."""
    try:
        mail = message_from_bytes(header)
        return find_token(_subject(header)) is not None or any(
            answered.casefold().endswith(f"@{host.casefold()}>") for answered in answered_ids(mail)
        )
    except Exception:  # the standard library's parser raises nearly any error on broken mails
        return False


def read(raw: bytes) -> IncomingReply | None:
    """Parse a mail; return None if it is too broken to read.

    The first :data:`LARGEST` bytes are enough.
    """
    raw = raw[:LARGEST]
    try:
        mail = message_from_bytes(raw)
        subject, header = _subject(raw), _header(raw)
        sender = cells(raw, frozenset({"from"}), _UTC, 2_000)["from"].casefold()
        token, text = find_token(subject), own_text(raw)
        return IncomingReply(
            reply_id=message_id(header)[:255] or substitute_id(raw),
            sender=sender if "," not in sender else "",
            answered=answered_ids(mail),
            token=token,
            choice=(
                (token and token.choice)
                or _named_choice(text)
                or _only_words(text)
                or _named_choice(subject)
            ),
            text=_without_choice(text),
            automatic=is_automatic(mail),
            failed_check=failed_check(mail),
        )
    except Exception:  # as in `may_be`
        return None


def _named_choice(text: str) -> ReplyKind | None:
    """Return the choice at the beginning of a text, in any language of Tenggat."""
    first = _ANSWER_PREFIX.sub("", text).lstrip(" \"'“[(*-•").casefold()
    return next((kind for kind, words in _phrases() if first.startswith(words)), None)


def _only_words(text: str) -> ReplyKind | None:
    """Return the choice of a text that says nothing but that the work is done.

    A word more may say the contrary or name a part, and a wrong 'done' would thank for nothing.
    """
    plain = re.sub(r"[a-z]+\.?", _written_out, " ".join(text.split()).casefold())
    found = _ONLY_DONE.fullmatch(plain)
    if found is None:
        return None
    known = (catalog(locale).names("reply.only_words.done") for locale in LOCALES)
    return ReplyKind.DONE if any(found["words"].strip() in each for each in known) else None


def _written_out(word: re.Match[str]) -> str:
    return _SHORT_FORMS.get(word[0].rstrip("."), word[0])


def _without_choice(text: str) -> str:
    """Return a text without the words of the choice at its beginning."""
    plain = text.lstrip(" \"'“[(*-•")
    for _, words in _phrases():
        if plain.casefold().startswith(words):
            return plain[len(words) :].lstrip(" \"'”])*.,:;–-\n")
    return text


def _phrases() -> list[tuple[ReplyKind, str]]:
    """Return the words that name a choice, the longest first, casefolded."""
    found = [
        (kind, words.casefold())
        for locale in LOCALES
        for kind in ReplyKind
        for words in catalog(locale).names(f"reply.words.{kind}")
    ]
    return sorted(found, key=lambda pair: -len(pair[1]))


def _subject(raw: bytes) -> str:
    return cells(raw, frozenset({"subject"}), _UTC, LONGEST_SUBJECT)["subject"]


def _header(raw: bytes) -> bytes:
    return re.split(rb"\r?\n[ \t]*\r?\n", raw.lstrip(b"\r\n"), maxsplit=1)[0]
