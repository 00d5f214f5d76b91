"""Delivery status notifications: reports of mail servers on failed mails, read as untrusted input.

The format is RFC 3464 (RFC 6533 for non-ASCII), used by nearly all servers, or the format of qmail.
Any other mail (an answer, an absence note, a read receipt) is not a report.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message

from tasks.sources.imap.message import message_id, one_line, substitute_id

LARGEST = 1 << 20
"""Limit in bytes for a report. The facts come before the returned mail and are short."""

LARGEST_HEADER = 64 << 10
LONGEST_ANSWER = 500
FAILED = "failed"

_STATUS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RETURNED = frozenset(
    {"message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"}
)
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_CODE = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\.?\d)")
_TYPE = re.compile(r"^[\w-]+\s*;\s*")
_IN_BRACKETS = re.compile(r"<([^<>\s]{1,250})>")


@dataclass(frozen=True, slots=True)
class Fate:
    """The fate of a mail at one recipient, known there by these addresses (casefolded).

    `action` is failed, delayed, delivered, relayed or expanded. `code` is the enhanced status code
    (5.1.1), or empty. `answer` is the text of the last server, on one line.
    """

    addresses: frozenset[str]
    action: str
    code: str
    answer: str


@dataclass(frozen=True, slots=True)
class BounceReport:
    """A report on one mail.

    `report_id` is the Message-ID of the report itself. `about` lists the Message-IDs of the
    reported mail, the likeliest first. All are without angle brackets.
    """

    report_id: str
    about: tuple[str, ...]
    fates: tuple[Fate, ...]

    @property
    def tells_of_failure(self) -> bool:
        """Check whether the mail failed for at least one recipient."""
        return any(fate.action == FAILED for fate in self.fates)

    def failure(self, recipient: str) -> Fate | None:
        """Return the failure for this one recipient, or None if the mail did not fail.

        If the report does not name the recipient, the mail was forwarded, and a failure of the
        forwarded copy counts.
        """
        own = [fate for fate in self.fates if recipient.casefold() in fate.addresses]
        return next((fate for fate in own or self.fates if fate.action == FAILED), None)


class _Flat(Message):
    """A mail parser that treats an embedded mail as plain text, so that it never parses its
    content.
    """

    def get_content_type(self) -> str:
        """Return the type as written for multiparts and texts, else text/plain for an embedded
        mail.
        """
        written = super().get_content_type()
        return "text/plain" if written.startswith("message/") else written

    @property
    def written_type(self) -> str:
        """Return the content type as written in the mail."""
        return super().get_content_type()


def may_be(header: bytes) -> bool:
    """Check by its header whether a mail can be a report, so that it is worth fetching."""
    try:
        mail = message_from_bytes(header, _Flat)
        return _is_report(mail) or _is_of_qmail(mail)
    except Exception:  # as in `read`
        return False


def read(mail: bytes) -> BounceReport | None:
    """Parse a mail as a report; return None if it is none.

    The first :data:`LARGEST` bytes are enough. The function never raises, however broken the mail
    is.
    """
    raw = mail[:LARGEST]
    try:
        parsed = message_from_bytes(raw, _Flat)
        fates, returned = _standard(parsed) if _is_report(parsed) else _of_qmail(parsed)
        named = [message_id(_head(returned)), *_answered(parsed)]
    except Exception:  # the standard library's parser has raised almost any error on such mails
        return None
    if not fates:
        return None
    return BounceReport(
        report_id=message_id(_head(raw)) or substitute_id(raw),
        about=tuple(dict.fromkeys(name for name in named if name)),
        fates=fates,
    )


def _is_report(mail: _Flat) -> bool:
    kind = mail.get_param("report-type", "delivery-status")
    return (
        mail.written_type == "multipart/report"
        and isinstance(kind, str)
        and kind.lower() == "delivery-status"
    )


def _standard(mail: _Flat) -> tuple[tuple[Fate, ...], bytes]:
    """Return the fates in a report of RFC 3464, and the returned mail.

    Only direct parts of the report count, because the returned mail may itself contain a report.
    """
    parts = [part for part in mail.get_payload() if isinstance(part, _Flat)]
    status = next((part for part in parts if part.written_type in _STATUS), None)
    returned = next((part for part in parts if part.written_type in _RETURNED), None)
    fates = tuple(_fates(_text(status))) if status is not None else ()
    return fates, _body(returned) if returned is not None else b""


def _fates(status: str) -> Iterator[Fate]:
    for block in _BLANK_LINE.split(status):
        fields = _fields(block)
        named = [fields[key] for key in ("original-recipient", "final-recipient") if key in fields]
        if named:
            answer = _TYPE.sub("", fields.get("diagnostic-code", ""))
            action, *_ = *fields.get("action", "").lower().split(), ""
            yield _fate(map(_address, named), action, fields.get("status", ""), answer)


def _fields(block: str) -> dict[str, str]:
    """Return the fields of a block by lower-case name, each on one line; the first occurrence
    counts.
    """
    found: dict[str, str] = {}
    for line in re.sub(r"\n[ \t]+", " ", block).split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip().lower(), value.strip())
    return found


def _address(value: str) -> str:
    """Return 'user@host' from 'rfc822; <user@host>', casefolded."""
    words = value.rpartition(";")[2].split()
    return words[0].strip("<>").casefold() if words else ""


def _fate(addresses: Iterable[str], action: str, status: str, answer: str) -> Fate:
    code = _CODE.search(status) or _CODE.search(answer)
    return Fate(
        frozenset(addresses), action, code[0] if code else "", one_line(answer)[:LONGEST_ANSWER]
    )


def _is_of_qmail(mail: _Flat) -> bool:
    return (
        mail.written_type == "text/plain"
        and "mailer-daemon@" in str(mail.get("From", "")).lower()
        and str(mail.get("Subject", "")).strip().lower() == "failure notice"
    )


def _of_qmail(mail: _Flat) -> tuple[tuple[Fate, ...], bytes]:
    """Return the same as `_standard` for a report of qmail, made of paragraphs.

    These are a greeting, a paragraph for each recipient, a paragraph that begins with a dash, and
    the returned mail.
    """
    greeting, *paragraphs = _BLANK_LINE.split(_text(mail).lstrip()) if _is_of_qmail(mail) else [""]
    fates: list[Fate] = []
    if greeting.startswith("Hi. This is the "):
        for number, paragraph in enumerate(map(str.strip, paragraphs), start=1):
            if paragraph.startswith("-"):
                return tuple(fates), "".join(paragraphs[number : number + 1]).encode()
            first, _, answer = paragraph.partition("\n")
            if first.startswith("<") and first.endswith(">:"):
                fates.append(_fate([first[1:-2].casefold()], FAILED, "", answer))
    return (), b""


def _answered(mail: _Flat) -> Iterator[str]:
    """Yield the Message-IDs that a report answers, used if it does not return the mail itself."""
    for name in ("In-Reply-To", "References"):
        yield from _IN_BRACKETS.findall(str(mail.get(name, ""))[:LARGEST_HEADER])[-1:]


def _head(mail: bytes) -> bytes:
    """Return the header of a mail."""
    return re.split(rb"\r?\n[ \t]*\r?\n", mail[:LARGEST_HEADER].lstrip(b"\r\n"), maxsplit=1)[0]


def _body(part: _Flat) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _text(part: _Flat) -> str:
    return _body(part).decode("utf-8", "replace").replace("\r\n", "\n")
