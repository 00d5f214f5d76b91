"""Parse a mail as an answer to a notice; every mail is untrusted input."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from zoneinfo import ZoneInfo

from db.models import ReplyKind
from tasks.notifications.replies.token import Token, find_tokens
from tasks.notifications.replies.wording import Wording, read_wording, without_choice
from tasks.sources.imap.machine_mail import failed_check, is_automatic
from tasks.sources.imap.message import (
    answered_ids,
    cells,
    message_id,
    sender_name,
    substitute_id,
)
from tasks.sources.imap.own_text import own_text

LARGEST = 256 << 10
"""Limit in bytes of an answer. The text comes before the attachments."""

LONGEST_SUBJECT = 1_000

_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class IncomingReply:
    """An answer as written: nothing in it is verified.

    `sender` is the address in From, casefolded; empty unless there is exactly one. `sender_name` is
    the name beside it, which is never stored. `answered` are the Message-IDs of the answered mails,
    the nearest first. `tokens` are those in the subject. `words` are the sender's own words,
    without quoted text and signature. `automatic` means that no person wrote it (RFC 3834).
    `failed_check` means that the receiving server reports a failed DMARC check of the sender.
    """

    reply_id: str
    sender: str
    sender_name: str
    answered: tuple[str, ...]
    subject: str
    tokens: tuple[Token, ...]
    words: str
    automatic: bool
    failed_check: bool

    @property
    def text(self) -> str:
        """Return the sender's own words without those of the choice."""
        return without_choice(self.words)

    def wording(self, linked: ReplyKind | None) -> Wording:
        """Read what the answer says; `linked` is the choice of its token."""
        return read_wording(self.words, self.subject, linked)


def may_be(header: bytes, host: str) -> bool:
    """Check by its header whether a mail can be an answer: by a token, or by a mail of `host`."""
    try:
        mail = message_from_bytes(header)
        return any(token.is_readable for token in find_tokens(_subject(header))) or any(
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
        return IncomingReply(
            reply_id=message_id(header)[:255] or substitute_id(raw),
            sender=sender if "," not in sender else "",
            sender_name=sender_name(mail),
            answered=answered_ids(mail),
            subject=subject,
            tokens=tuple(find_tokens(subject)),
            words=own_text(raw),
            automatic=is_automatic(mail),
            failed_check=failed_check(mail),
        )
    except Exception:  # as in `may_be`
        return None


def _subject(raw: bytes) -> str:
    return cells(raw, frozenset({"subject"}), _UTC, LONGEST_SUBJECT)["subject"]


def _header(raw: bytes) -> bytes:
    return re.split(rb"\r?\n[ \t]*\r?\n", raw.lstrip(b"\r\n"), maxsplit=1)[0]
