"""Recognize mails that no person wrote, and senders that their server does not vouch for."""

from __future__ import annotations

import re
from email.message import Message

from db.models import SourceMailKind

_AUTO_REPLY = ("X-Autoreply", "X-Autorespond", "X-Auto-Reply", "X-Vacation")
_BULK = frozenset({"bulk", "junk", "list"})
_PRECEDENCE = _BULK | {"auto_reply", "auto-reply"}
_DMARC_FAILED = re.compile(r"\bdmarc\s*=\s*fail\b", re.IGNORECASE)
_CONTENT_CLASSES = {
    "calendarmessage": SourceMailKind.CALENDAR,
    "recallmessage": SourceMailKind.RECALL,
    "mdn": SourceMailKind.REPORT,
    "dsn": SourceMailKind.REPORT,
}
"""The kinds of mail that Exchange names in `Content-Class: urn:content-classes:...`."""

_RECALL = re.compile(r"^(?:recall|penarikan(?: kembali)?)\s*:", re.IGNORECASE)
_MOST_PARTS = 50


def is_automatic(mail: Message) -> bool:
    """Check by its header whether a program sent the mail, by RFC 3834 and by older customs."""
    return (
        _word(mail, "Auto-Submitted", "no") != "no"
        or _word(mail, "Precedence") in _PRECEDENCE
        or _has_no_sender(mail)
        or mail.get_content_type() == "multipart/report"
        or "List-Id" in mail
        or any(name in mail for name in _AUTO_REPLY)
    )


def machine_kind(mail: Message) -> SourceMailKind | None:
    """Return the kind of a mail that no person wrote as a complaint, or None.

    A header is enough, except for a calendar reply in a part of the mail.
    """
    kinds = (
        (SourceMailKind.REPORT, mail.get_content_type() == "multipart/report"),
        (SourceMailKind.CALENDAR, _is_calendar(mail)),
        (SourceMailKind.RECALL, _is_recall(mail)),
        (SourceMailKind.LIST, "List-Id" in mail),
        (SourceMailKind.BULK, _word(mail, "Precedence") in _BULK),
        (SourceMailKind.AUTOMATIC, is_automatic(mail) and not _has_no_sender(mail)),
        (SourceMailKind.AUTOMATIC, "X-Auto-Response-Suppress" in mail),
        (SourceMailKind.NO_SENDER, _has_no_sender(mail)),
    )
    named = _CONTENT_CLASSES.get(_word(mail, "Content-Class").rpartition(":")[2])
    return named or next((kind for kind, applies in kinds if applies), None)


def failed_check(mail: Message) -> bool:
    """Check whether the receiving server reports a failed check of the sender (RFC 8601).

    Only the topmost report counts. The server adds it above all that a sender may have written.
    """
    return _DMARC_FAILED.search(str(mail.get("Authentication-Results", ""))) is not None


def _word(mail: Message, name: str, default: str = "") -> str:
    """Return the value of a header without its parameters, casefolded."""
    return str(mail.get(name, default)).partition(";")[0].strip().casefold()


def _has_no_sender(mail: Message) -> bool:
    return str(mail.get("Return-Path", "unknown")).strip() == "<>"


def _is_calendar(mail: Message) -> bool:
    """Check whether a mail is an invitation or the answer to one (RFC 6047)."""
    if mail.get_content_type() == "text/calendar":
        return True
    parts = mail.get_payload() if mail.is_multipart() else []
    waiting, seen = [part for part in parts if isinstance(part, Message)], 0
    while waiting and seen < _MOST_PARTS:
        part = waiting.pop()
        seen += 1
        if part.get_content_type() == "text/calendar" and part.get_param("method"):
            return True
        inner = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(inner, list):
            waiting += [each for each in inner if isinstance(each, Message)]
    return False


def _is_recall(mail: Message) -> bool:
    """Check whether Outlook asks to forget an earlier mail."""
    return "Thread-Index" in mail and _RECALL.match(str(mail.get("Subject", ""))) is not None
