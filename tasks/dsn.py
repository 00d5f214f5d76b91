"""Reports of mail servers on mails that they could not deliver, read without believing them.

The form is RFC 3464 (RFC 6533 beyond ASCII), as nearly all servers write it, and that of qmail.
What is not clearly such a report (answers, absences, confirmations of reading) is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message

from tasks.feeds.imap.mail import message_id, one_line, substitute_id

LARGEST = 1 << 20
"""Bytes. What is told stands before the mail that comes back, and is short."""

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
    """What became of a mail at one recipient, who is known there by these addresses (casefolded).

    `action` is failed, delayed, delivered, relayed or expanded; `code` the status (5.1.1), empty
    where none is given; `answer` the last server's words on one line.
    """

    addresses: frozenset[str]
    action: str
    code: str
    answer: str


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one mail.

    `report_id` is the report's own Message-ID; `about` are those by which it names the mail, the
    likeliest first. All are without brackets.
    """

    report_id: str
    about: tuple[str, ...]
    fates: tuple[Fate, ...]

    @property
    def tells_of_failure(self) -> bool:
        """Whether anybody was not reached."""
        return any(fate.action == FAILED for fate in self.fates)

    def failure(self, recipient: str) -> Fate | None:
        """How a mail to this one recipient failed; None where it did not.

        Where the recipient is not named the mail was forwarded, and what is told is of that.
        """
        own = [fate for fate in self.fates if recipient.casefold() in fate.addresses]
        return next((fate for fate in own or self.fates if fate.action == FAILED), None)


class _Flat(Message):
    """A mail in which a mail that it holds is text: nothing is read of what stands inside."""

    def get_content_type(self) -> str:
        """As written, for multiparts and texts; of all else only that it is text."""
        written = super().get_content_type()
        return "text/plain" if written.startswith("message/") else written

    @property
    def written_type(self) -> str:
        """The type as it is written."""
        return super().get_content_type()


def may_be(header: bytes) -> bool:
    """Whether a mail with this header can be a report, so that it is worth fetching."""
    try:
        mail = message_from_bytes(header, _Flat)
        return _is_report(mail) or _is_of_qmail(mail)
    except Exception:  # as in `read`
        return False


def read(mail: bytes) -> Report | None:
    """The report that a mail is, of which there may be no more than its first part; or None.

    No mail is so broken that it raises.
    """
    raw = mail[:LARGEST]
    try:
        parsed = message_from_bytes(raw, _Flat)
        fates, returned = _standard(parsed) if _is_report(parsed) else _of_qmail(parsed)
        named = [message_id(_head(returned)), *_answered(parsed)]
    except Exception:  # the standard library's parser has raised about everything on such
        return None
    if not fates:
        return None
    return Report(
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
    """The fates that a report of RFC 3464 tells of, and what comes back of the mail.

    Only its own parts count, not what stands deeper: the mail that comes back may hold a report.
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
    """The fields of a block by name in small letters, each on one line; the first one counts."""
    found: dict[str, str] = {}
    for line in re.sub(r"\n[ \t]+", " ", block).split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip().lower(), value.strip())
    return found


def _address(value: str) -> str:
    """'somebody@host' of 'rfc822; <somebody@host>'."""
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
    """As `_standard`, of a report in paragraphs: who it is, a paragraph for each recipient, a
    paragraph that begins with a dash, and the mail that comes back."""
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
    """The mails that a report answers: where nothing comes back, it is about those."""
    for name in ("In-Reply-To", "References"):
        yield from _IN_BRACKETS.findall(str(mail.get(name, ""))[:LARGEST_HEADER])[-1:]


def _head(mail: bytes) -> bytes:
    """The header of a mail."""
    return re.split(rb"\r?\n[ \t]*\r?\n", mail[:LARGEST_HEADER].lstrip(b"\r\n"), maxsplit=1)[0]


def _body(part: _Flat) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _text(part: _Flat) -> str:
    return _body(part).decode("utf-8", "replace").replace("\r\n", "\n")
