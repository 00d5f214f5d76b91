"""Parse a mail as an answer to a notice; every mail is untrusted input."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from zoneinfo import ZoneInfo

from tasks.notifications.replies.token import Token, find_token
from tasks.notifications.replies.wording import Wording, read_wording, without_choice
from tasks.sources.imap.machine_mail import failed_check, is_automatic
from tasks.sources.imap.message import answered_ids, cells, message_id, substitute_id
from tasks.sources.imap.own_text import own_text

LARGEST = 256 << 10
"""Limit in bytes of an answer. The text comes before the attachments."""

LONGEST_SUBJECT = 1_000

_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class IncomingReply:
    """An answer as written: nothing in it is verified.

    `sender` is the address in From, casefolded; empty unless there is exactly one. `answered` are
    the Message-IDs of the answered mails, the nearest first. `wording` is what the sender's own
    words say, and `text` are these words, without quoted text, signature and choice. `automatic`
    means that no person wrote it (RFC 3834). `failed_check` means that the receiving server reports
    a failed DMARC check of the sender.
    """

    reply_id: str
    sender: str
    answered: tuple[str, ...]
    token: Token | None
    wording: Wording
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
        wording = read_wording(text, subject, token.choice if token is not None else None)
        return IncomingReply(
            reply_id=message_id(header)[:255] or substitute_id(raw),
            sender=sender if "," not in sender else "",
            answered=answered_ids(mail),
            token=token,
            wording=wording,
            text=without_choice(text),
            automatic=is_automatic(mail),
            failed_check=failed_check(mail),
        )
    except Exception:  # as in `may_be`
        return None


def _subject(raw: bytes) -> str:
    return cells(raw, frozenset({"subject"}), _UTC, LONGEST_SUBJECT)["subject"]


def _header(raw: bytes) -> bytes:
    return re.split(rb"\r?\n[ \t]*\r?\n", raw.lstrip(b"\r\n"), maxsplit=1)[0]
