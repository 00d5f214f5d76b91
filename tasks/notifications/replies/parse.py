"""Parse a mail as an answer to a notice; every mail is untrusted input."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from zoneinfo import ZoneInfo

from db.models import ReplyKind
from settings.errors import LOCALES
from tasks.notifications.replies.token import Token, find_token
from tasks.sources.imap.message import (
    bodies,
    cells,
    message_id,
    one_line,
    page_text,
    substitute_id,
)
from tasks.text.catalog import catalog

LARGEST = 256 << 10
"""Limit in bytes of an answer. The text comes before the attachments."""

LONGEST_SUBJECT = 1_000
LONGEST_TEXT = 20_000
MOST_REFERENCES = 20

_UTC = ZoneInfo("UTC")
_IN_BRACKETS = re.compile(r"<[^<>\s]{1,250}>")
_AUTOMATIC = re.compile(
    r"^(?:x-autoreply|x-autorespond|x-auto-reply|x-vacation|list-id):", re.IGNORECASE | re.MULTILINE
)
_PRECEDENCE = frozenset({"auto_reply", "auto-reply", "bulk", "junk", "list"})
_DMARC_FAILED = re.compile(r"\bdmarc\s*=\s*fail\b", re.IGNORECASE)
_QUOTE_IN_HTML = re.compile(
    r"<blockquote|<(?:div|span|hr|table)[^>]{0,200}(?:gmail_quote|divRplyFwdMsg|appendonsend"
    r"|moz-cite-prefix|yahoo_quoted|OLK_SRC_BODY_SECTION)",
    re.IGNORECASE,
)
_QUOTE_BEGINS = re.compile(
    r"^(?:-{2,}\s*(?:original message|pesan asli|forwarded message|pesan terusan)\s*-{2,}"
    r"|_{10,}"
    r"|(?:on|pada)\b.{0,300}\b(?:wrote|menulis)\s*:"
    r"|(?:from|dari)\s*:.{0,300}\S"
    r"|tenggat - .*"
    r"|begin forwarded message:)\s*$",
    re.IGNORECASE,
)
_HALF_OF_A_QUOTE_LINE = re.compile(r"^(?:on|pada)\b.{5,300}$", re.IGNORECASE)
_SIGNATURE_BEGINS = re.compile(
    r"^(?:--|—|sent from my .*|dikirim dari .*|get outlook for .*|dapatkan outlook .*)$",
    re.IGNORECASE,
)
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
            answered.casefold().endswith(f"@{host.casefold()}>") for answered in _answered(mail)
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
            answered=_answered(mail),
            token=token,
            choice=(token and token.choice) or _named_choice(text) or _named_choice(subject),
            text=_without_choice(text),
            automatic=_is_automatic(mail, header),
            failed_check=_failed_check(mail),
        )
    except Exception:  # as in `may_be`
        return None


def own_text(raw: bytes) -> str:
    """Return the sender's own words in a mail: one line for each line written.

    Quoted text and signatures are left out. An answer below the quoted text counts if there is none
    above it.
    """
    plain, pages = bodies(raw)
    if not plain.strip():
        plain = "\n".join(page_text(_QUOTE_IN_HTML.split(page, maxsplit=1)[0]) for page in pages)
    lines = [one_line(line) for line in plain[:LONGEST_TEXT].splitlines()]
    above = _until_quote(lines)
    if not above and any(line.startswith(">") for line in lines):
        last = max(place for place, line in enumerate(lines) if line.startswith(">"))
        above = _until_quote(lines[last + 1 :])
    return "\n".join(above)


def _until_quote(lines: list[str]) -> list[str]:
    """Return the lines before a quoted mail or a signature, without single quoted lines."""
    found = []
    for line, following in zip(lines, [*lines, ""][1:], strict=True):
        wrapped = _HALF_OF_A_QUOTE_LINE.match(line) and _QUOTE_BEGINS.match(f"{line} {following}")
        if _QUOTE_BEGINS.match(line) or _SIGNATURE_BEGINS.match(line) or wrapped:
            break
        if line and not line.startswith(">"):
            found.append(line)
    return found


def _named_choice(text: str) -> ReplyKind | None:
    """Return the choice at the beginning of a text, in any language of Tenggat."""
    first = _ANSWER_PREFIX.sub("", text).lstrip(" \"'“[(*-•").casefold()
    return next((kind for kind, words in _phrases() if first.startswith(words)), None)


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


def _is_automatic(mail: Message, header: bytes) -> bool:
    """Check whether a program sent the mail, by RFC 3834 and by older customs."""
    submitted = str(mail.get("Auto-Submitted", "no")).partition(";")[0].strip().casefold()
    precedence = str(mail.get("Precedence", "")).strip().casefold()
    returned_to = str(mail.get("Return-Path", "unknown")).strip()
    return (
        submitted != "no"
        or precedence in _PRECEDENCE
        or returned_to == "<>"
        or mail.get_content_type() == "multipart/report"
        or _AUTOMATIC.search(header.decode("latin-1")) is not None
    )


def _failed_check(mail: Message) -> bool:
    """Check whether the receiving server reports a failed check of the sender (RFC 8601).

    Only the topmost report counts. The server adds it above all that a sender may have written.
    """
    return _DMARC_FAILED.search(str(mail.get("Authentication-Results", ""))) is not None


def _answered(mail: Message) -> tuple[str, ...]:
    """Return the Message-IDs of the answered mails with brackets, the nearest first."""
    found = _IN_BRACKETS.findall(str(mail.get("In-Reply-To", ""))[:LONGEST_TEXT])
    references = _IN_BRACKETS.findall(str(mail.get("References", ""))[:LONGEST_TEXT])
    return tuple(dict.fromkeys([*found, *reversed(references)]))[:MOST_REFERENCES]


def _subject(raw: bytes) -> str:
    return cells(raw, frozenset({"subject"}), _UTC, LONGEST_SUBJECT)["subject"]


def _header(raw: bytes) -> bytes:
    return re.split(rb"\r?\n[ \t]*\r?\n", raw.lstrip(b"\r\n"), maxsplit=1)[0]
