"""MIME: a rendered mail, its headers and its attachments become the bytes that go out.

The standard library's `EmailMessage` puts the parts together. Headers are written by us and not
parsed again, which took most of the time that a mail costs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.header import Header
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import formataddr

CRLF = "\r\n"


class _AsGiven(EmailPolicy):
    """Headers stay as they are given: ASCII, folded or not, and one header each."""

    def header_store_parse(self, name: str, value: str) -> tuple[str, str]:
        lines = value.split(CRLF)
        if not value.isascii() or any("\r" in line or "\n" in line for line in lines):
            raise ValueError(f"the header {name} cannot be sent as it is")
        if not all(line[:1] in (" ", "\t") and line.strip() for line in lines[1:]):
            raise ValueError(f"the header {name} would begin another one")
        return name, value

    def header_fetch_parse(self, name: str, value: str) -> str:
        return value


POLICY = _AsGiven(linesep=CRLF, cte_type="7bit", refold_source="none")
"""CRLF, and nothing that a server without 8BITMIME could spoil."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    maintype: str
    subtype: str
    content: bytes


def as_mime(
    headers: Mapping[str, str], text: str, html: str, attachments: Sequence[Attachment] = ()
) -> bytes:
    """The whole mail: text first, then HTML, then what is attached. Raises ValueError."""
    mail = EmailMessage(policy=POLICY)
    for name, value in headers.items():
        mail[name] = value
    mail.set_content(text)
    mail.add_alternative(html, subtype="html")
    for each in attachments:
        mail.add_attachment(
            each.content, maintype=each.maintype, subtype=each.subtype, filename=each.name
        )
    mark = hashlib.sha256(headers["Message-ID"].encode()).hexdigest()[:32]
    for number, part in enumerate(part for part in mail.walk() if part.is_multipart()):
        part.set_boundary(f"=_{mark}_{number}")  # no encoded line can begin so
    return mail.as_bytes()


def words(text: str, header: str) -> str:
    """A text ready for a header: folded, and encoded where it is beyond ASCII (RFC 2047)."""
    charset = "us-ascii" if text.isascii() and "=?" not in text else "utf-8"
    folded = Header(text, charset, header_name=header).encode(linesep=CRLF)
    if not folded[:1].isspace():
        return folded
    return Header(text, "utf-8", header_name=header).encode(linesep=CRLF)  # one endless word


def mailbox(name: str, address: str, header: str) -> str:
    """A name with its address, ready for a header; raises UnicodeEncodeError for the address.

    `EmailMessage` forgets the quotes of a name beyond ASCII (CVE-2025-1795): each of its commas
    would begin another address.
    """
    plain = "".join(c for c in name if c.isprintable())
    if plain.isascii() and "=?" not in plain:
        return formataddr((plain, address))
    address.encode("ascii")
    return f"{words(plain, header)}{CRLF} <{address}>"
